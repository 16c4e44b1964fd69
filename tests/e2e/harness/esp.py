# SPDX-License-Identifier: GPL-2.0
"""A FAT file system from a directory, made by mtools.

QEMU's own FAT of a directory has rules of its own for names; the EFI system
partition of a matrix must have just the names that it says.
"""

import os
import struct
import uuid
import zlib
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


# UEFI specification 5.3: a GPT with one partition, of the ESP's type
ESP_TYPE = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
ALIGNED, ENTRIES, ENTRY_SIZE = 2048, 128, 128
TABLE = ENTRIES * ENTRY_SIZE // 512


def header(own, other, last, table_at, table, disk):
    """GPT header at block own, with the other one elsewhere"""
    fields = (b"EFI PART", 0x10000, 92, 0, 0, own, other, 2 + TABLE,
              last - TABLE - 1, disk, table_at, ENTRIES, ENTRY_SIZE,
              zlib.crc32(table))
    raw = struct.pack("<8sIIIIQQQQ16sQIII", *fields)
    crc = zlib.crc32(raw)
    return (raw[:16] + struct.pack("<I", crc) + raw[20:]).ljust(512, b"\0")


def partition(out, fat):
    """Write a disk with a GPT whose one partition is the file system"""
    data = Path(fat).read_bytes()
    end = ALIGNED + len(data) // 512 - 1
    last = end + ALIGNED
    disk, own = uuid.UUID(int=1).bytes_le, uuid.UUID(int=2).bytes_le
    table = struct.pack("<16s16sQQQ72s", ESP_TYPE.bytes_le, own, ALIGNED, end,
                        0, "ESP".encode("utf-16-le"))
    table = table.ljust(TABLE * 512, b"\0")
    mbr = bytes(446) + struct.pack("<BBBBBBBBII", 0, 0, 2, 0, 0xee, 0xff,
                                   0xff, 0xff, 1, last)
    with open(out, "wb") as f:
        f.truncate((last + 1) * 512)
        f.write(mbr.ljust(510, b"\0") + b"\x55\xaa")
        f.write(header(1, last, last, 2, table, disk) + table)
        f.seek(ALIGNED * 512)
        f.write(data)
        f.seek((last - TABLE) * 512)
        f.write(table + header(last, 1, last, last - TABLE, table, disk))
    return Path(out)
