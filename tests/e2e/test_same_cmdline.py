# SPDX-License-Identifier: GPL-2.0
"""The embedded command line passed back adds nothing to PCR 12."""

from harness import uki

TEXT = f"{uki.CONSOLE} e2e=dump word=same"
SCRIPT = f"""
dump before
try load kexec -s -l /in/next.efi --append="{TEXT}  "
try exec kexec -e
"""


def run(t):
    image = t.next(cmdline="word=same")
    r = t.boot(SCRIPT).need("before/pcrs", "after/pcrs")
    t.equal(r.text("after/cmdline"), TEXT, "command line")
    _, events = t.hop(r, image)
    t.equal([e for e in events if e.pcr == 12], [], "events in PCR 12")
