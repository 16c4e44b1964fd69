# SPDX-License-Identifier: GPL-2.0
"""A TPM that firmware announces and no driver has: refused under lockdown.

Without lockdown the UKI boots, and nothing is extended: firmware's log of the
first kernel's boot, which stays in memory, gives the PCRs that the next kernel
reads, and PCR 11 is what systemd-measure calculates for the first UKI.
"""

from harness import machine, oracle, uki

# The init functions of the two drivers that QEMU's TPMs have
WORDS = "initcall_blacklist=crb_acpi_driver_init,init_tis"
LOCKED = """
dump before
copy before/lockdown /sys/kernel/security/lockdown
try load kexec_load_file load /in/next.efi
loaded load
"""
SCRIPT = """
dump before
try load kexec -s -l /in/next.efi
try exec kexec -e
"""


def check_unbound(t, report):
    said = report.text("before/dmesg")
    for name in WORDS.split("=")[1].split(","):
        t.inside(f"initcall {name} blacklisted", said, "the kernel's log")
    t.inside("ACPI: TPM2 ", said, "the table that announces a TPM")
    t.equal(report.pcrs("before"), {}, "PCRs that the first kernel sees")


def lines(report, text):
    return [x for x in report.text("load/dmesg").splitlines() if text in x]


def locked(t):
    t.script(LOCKED)
    uki.sign(t.next("unsigned.efi"), t.share / "next.efi")
    first = uki.sign(t.first(f"{WORDS} lockdown=integrity"),
                     t.dir / "signed.efi")
    r = machine.Machine(f"{t.name}-locked", boot=first, share=t.share,
                        secure=True).run()
    r.need("before/pcrs", "load/loaded")
    check_unbound(t, r)
    t.inside("[integrity]", r.text("before/lockdown"), "lockdown")
    t.outcome(r, "load", "ENODEV")
    t.equal(r.text("load/loaded"), "0", "kexec_loaded")
    refused = lines(r, "refused: ")
    t.equal(len(refused), 1, "lines that say so")
    t.inside("no driver has bound", refused[0], "the line")


def open_door(t):
    t.next()
    first = t.first(WORDS)
    r = t.boot(SCRIPT, first=first).need("before/pcrs", "after/pcrs")
    check_unbound(t, r)
    t.equal(r.status("load"), 0, "kexec -s -l")
    t.equal(len(lines(r, "no TPM 2.0 with an active bank: the next kernel "
                      "will not be measured")), 1, "lines that say so")
    t.equal(lines(r, "refused: "), [], "refusals")
    t.equal(r.text("after/who"), "next", "who runs after")
    # Compares every PCR of the TPM with the log
    events = oracle.check_log(r, "after")
    t.true(any(e.pcr == 9 for e in events), "the log has no kernel in it")
    t.equal([e for e in events if e.pcr == 4
             and e.digests == oracle.marker().digests], [], "markers")
    for bank, want in oracle.systemd_measure(first).items():
        t.equal(r.pcrs("after")[bank][11], want, f"{bank} PCR 11 after")


def run(t):
    locked(t)
    open_door(t)
