# SPDX-License-Identifier: GPL-2.0
"""EFI variables can be read and written after the kexec.

And what the first kernel's EFI stub has left for later ones, which clear it, lies
in memory that they do not use.
"""

import re

GUID = "e2e00000-0000-4000-8000-000000000e2e"
VARS = "/sys/firmware/efi/efivars"
STUB = "StubPcrKernelImage-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
WRITE = r"printf '\007\000\000\000%s'"

# The kernel keeps what it does not know immutable.
NEXT = f"""
dump after
copy after/iomem /proc/iomem
copy after/old {VARS}/First-{GUID}
copy after/stub {VARS}/{STUB}
{WRITE} second > {VARS}/Second-{GUID} 2> /tmp/error
emit after/error < /tmp/error
copy after/new {VARS}/Second-{GUID}
chattr -i {VARS}/First-{GUID}
rm {VARS}/First-{GUID}
ls {VARS} | emit after/left
"""
SCRIPT = f"""
{WRITE} first > {VARS}/First-{GUID}
dump before
try load kexec -s -l /in/next.efi
try exec kexec -e
"""


def run(t):
    t.next(extra={"stage/dump": NEXT.encode()})
    r = t.boot(SCRIPT).need("before/efivars", "after/left")
    attributes = b"\7\0\0\0"
    t.equal(r.files["after/old"], attributes + b"first", "read")
    t.equal(r.files["after/new"], attributes + b"second", "written")
    t.equal(r.text("after/error"), "", "errors")
    t.inside(f"Second-{GUID}", r.text("after/left"), "variables")
    t.true(f"First-{GUID}" not in r.text("after/left"), "not removed")
    t.equal(r.files["after/stub"][4:], "11\0".encode("utf-16-le"),
            "the stub's variable")
    place = re.search(r" INITRD=(0x[0-9a-f]+)", r.text("after/dmesg"))
    t.true(place, "no INITRD table in the kernel's log")
    place = int(place[1], 16)
    for row in r.text("after/iomem").splitlines():
        start, end, what = re.match(r" *(\w+)-(\w+) : (.*)", row).groups()
        t.true(what != "System RAM"
               or not int(start, 16) <= place <= int(end, 16),
               f"the INITRD table at {place:#x} is in {row}")
