# SPDX-License-Identifier: GPL-2.0
"""Lets IMA's list grow past the room that a kexec has reserved for it."""

# Records of 300 bytes and more, so that they are more than the 40 KiB that
# CONFIG_IMA_KEXEC_EXTRA_MEMORY_KB may be, and the pages to which that is
# rounded up.
FILES = 300
NAME = 220

POLICY = "ima_policy=tcb ima_policy=critical_data"
GROW = "cat /in/many/* > /dev/null"


def files(t):
    """What GROW reads, in the share"""
    many = t.share / "many"
    many.mkdir()
    for n in range(FILES):
        (many / f"{n:0{NAME}}").write_text(f"{n}\n")
