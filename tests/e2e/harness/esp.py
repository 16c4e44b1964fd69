# SPDX-License-Identifier: GPL-2.0
"""A FAT file system from a directory, made by mtools.

QEMU's own FAT of a directory has rules of its own for names; the EFI system
partition of a matrix must have just the names that it says.
"""

import os
from pathlib import Path

from . import uki

SLACK = 4 << 20


def build(out, tree):
    """Write the image of a FAT that holds the tree"""
    tree = Path(tree)
    size = SLACK + sum(-(-f.stat().st_size // 4096) * 4096 + 1024
                       for f in tree.rglob("*") if f.is_file())
    # FAT16 needs at least 4085 clusters
    size = max(-(-size // 32768) * 32768, 40 << 20)
    with open(out, "wb") as f:
        f.truncate(size)
    env = dict(os.environ, MTOOLS_SKIP_CHECK="1", LC_ALL="C.UTF-8")
    uki.run(["mformat", "-i", out, "-T", str(size // 512), "-h", "16", "-s",
             "63", "-N", "e2e0e2e0", "::"], env=env)
    top = sorted(tree.iterdir())
    if top:
        uki.run(["mcopy", "-i", out, "-s", "-Q", *top, "::"], env=env)
    return Path(out)
