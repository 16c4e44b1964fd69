# SPDX-License-Identifier: GPL-2.0
"""From a PCR 11 of zero the kexec makes what systemd-measure calculates."""

from harness import machine, oracle, paths, uki

SCRIPT = """
dump before
try load kexec -s -l /in/next.efi
try exec kexec -e
"""


def run(t):
    image = t.next(options=uki.signing_options())
    t.script(SCRIPT)
    # The firmware starts the kernel itself, no systemd-stub has measured.
    r = machine.Machine(
        t.name, kernel=paths.BZIMAGE, initrd=t.initrd("first.img"),
        append=f"{uki.CONSOLE} e2e=:first.sh", share=t.share).run()
    r.need("before/pcrs", "after/pcrs")
    before, after = r.pcrs("before"), r.pcrs("after")
    for bank, want in oracle.systemd_measure(image).items():
        t.equal(before[bank][11], bytes(len(want)), f"{bank} PCR 11 before")
        t.equal(after[bank][11], want, f"{bank} PCR 11 after")
    t.equal(len(after), 4, "banks")
