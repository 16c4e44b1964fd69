# SPDX-License-Identifier: GPL-2.0
"""The same with kexec handover and live update switched on."""

SCRIPT = """
dump before
ls /dev/liveupdate 2>&1 | emit before/liveupdate
try load kexec -s -l /in/next.efi
try exec kexec -e
"""
WORDS = "kho=on liveupdate=on"


def run(t):
    image = t.next(cmdline=WORDS)
    r = t.boot(SCRIPT, first=t.first(WORDS))
    r.need("before/pcrs", "after/pcrs")
    t.equal(r.text("before/liveupdate"), "/dev/liveupdate", "live update")
    t.equal(r.text("after/who"), "next", "who runs after")
    t.inside("KHO: ", r.text("after/dmesg"), "the handover")
    t.hop(r, image)
