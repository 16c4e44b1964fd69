# SPDX-License-Identifier: GPL-2.0
"""Without a TPM a UKI loads and boots, and one line says what is missing."""

from harness import uki

SCRIPT = """
dump before
try load kexec -s -l /in/next.efi
try exec kexec -e
"""


def run(t):
    t.next(cmdline="word=no-tpm")
    r = t.boot(SCRIPT, tpm=None).need("before/who", "after/cmdline")
    t.equal(r.pcrs("before"), {}, "PCRs")
    t.equal(r.status("load"), 0, "kexec -s -l")
    t.equal(r.text("after/who"), "next", "who runs after")
    t.equal(r.text("after/cmdline"),
            f"{uki.CONSOLE} e2e=dump word=no-tpm", "command line")
    said = [x for x in r.text("load/dmesg").splitlines()
            if "will not be measured" in x]
    t.equal(len(said), 1, "lines that say so")
