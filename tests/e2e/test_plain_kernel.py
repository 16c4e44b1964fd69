# SPDX-License-Identifier: GPL-2.0
"""A plain bzImage with an initrd loads and boots as before."""

import shutil

from harness import paths, uki

TEXT = f"{uki.CONSOLE} e2e=dump word=plain"
SCRIPT = f"""
dump before
try load kexec -s -l /in/bzImage --initrd=/in/plain.img --append="{TEXT}"
try exec kexec -e
"""


def run(t):
    shutil.copy(paths.BZIMAGE, t.share / "bzImage")
    shutil.copy(t.initrd("plain.img", {"who": b"plain\n"}), t.share)
    r = t.boot(SCRIPT).need("before/pcrs", "after/cmdline")
    t.equal(r.status("load"), 0, "kexec -s -l")
    t.equal(r.text("after/who"), "plain", "who runs after")
    t.equal(r.text("after/cmdline"), TEXT, "command line")
    t.equal(r.extra("after"), {}, "files in /.extra")
