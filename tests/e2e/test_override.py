# SPDX-License-Identifier: GPL-2.0
"""Another command line replaces the embedded one and goes to PCR 12."""

from harness import tpmlog, uki

TEXT = f"{uki.CONSOLE} e2e=dump word=other"
SCRIPT = f"""
dump before
try load kexec -s -l /in/next.efi --append="  {TEXT}\t"
try exec kexec -e
"""


def run(t):
    image = t.next(cmdline="word=embedded")
    r = t.boot(SCRIPT).need("before/pcrs", "after/pcrs")
    t.equal(r.text("after/cmdline"), TEXT, "command line")
    _, events = t.hop(r, image, append=TEXT)
    t.equal([e.type for e in events if e.pcr == 12], [tpmlog.EV_IPL],
            "events in PCR 12")
