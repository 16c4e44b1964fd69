# SPDX-License-Identifier: GPL-2.0
"""A plain bzImage with an initrd loads and boots as before, and is measured.

With kexec_measure=uki it is not, and the log goes along all the same.  What
exactly is measured, test_log_parity compares with a boot through the EFI stub.
"""

import shutil

from harness import machine, oracle, paths, tpmlog, uki

TEXT = f"{uki.CONSOLE} e2e=dump word=plain"
SCRIPT = f"""
dump before
try load kexec -s -l /in/bzImage --initrd=/in/plain.img --append="{TEXT}"
pending load
try exec kexec -e
"""
# The TPM's driver goes between load and execute.
GONE = SCRIPT.replace("pending load\n", """
dev=$(readlink -f /sys/class/tpm/tpm0/device)
try unbind sh -c "echo ${dev##*/} > $dev/driver/unbind"
""")
# Marker, program, command line, initrd
EVENTS = [(4, tpmlog.EV_EVENT_TAG),
          (4, tpmlog.EV_EFI_BOOT_SERVICES_APPLICATION),
          (9, tpmlog.EV_EVENT_TAG), (9, tpmlog.EV_EVENT_TAG)]


def check_boot(t, r):
    t.equal(r.status("load"), 0, "kexec -s -l")
    t.equal(r.text("after/who"), "plain", "who runs after")
    t.equal(r.text("after/cmdline"), TEXT, "command line")
    t.equal(r.extra("after"), {}, "files in /.extra")
    oracle.check_log(r, "after")
    return oracle.appended(r, "before", "after")


def measured(t):
    r = t.boot(SCRIPT).need("before/pcrs", "after/pcrs")
    events = check_boot(t, r)
    t.equal([(e.pcr, e.type) for e in events], EVENTS, "events")
    t.same_events(events[:1], [oracle.marker()], "the first one")
    t.equal(b"".join(e.raw for e in events), r.files["load/pending"],
            "the pending list")
    want = oracle.expected(r.pcrs("before"), events)
    t.same_pcrs(r.pcrs("after"), want, "after the kexec")


def left_out(t):
    m = machine.Machine(f"{t.name}-uki", share=t.share,
                        boot=t.first("kexec_measure=uki"))
    r = m.run().need("before/pcrs", "after/pcrs")
    t.equal(check_boot(t, r), [], "events")
    t.equal(r.files["load/pending"], b"", "the pending list")
    t.same_pcrs(r.pcrs("after"), r.pcrs("before"), "after the kexec")


def without_tpm(t):
    """What is not measured is not refused for a TPM that has gone."""
    t.script(GONE)
    m = machine.Machine(f"{t.name}-gone", share=t.share,
                        boot=t.first("kexec_measure=uki"))
    r = m.run().need("before/pcrs", "after/pcrs")
    t.equal(r.status("unbind"), 0, "unbinding the driver")
    t.equal(check_boot(t, r), [], "events")
    t.same_pcrs(r.pcrs("after"), r.pcrs("before"), "after the kexec")


def run(t):
    shutil.copy(paths.BZIMAGE, t.share / "bzImage")
    shutil.copy(t.initrd("plain.img", {"who": b"plain\n"}), t.share)
    measured(t)
    left_out(t)
    without_tpm(t)
