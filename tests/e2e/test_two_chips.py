# SPDX-License-Identifier: GPL-2.0
"""Two TPMs: the machine's, and one that the system makes of software.

The kexec is measured into the machine's, whichever is the first, and nothing
of it into the other; the log is that of the machine's.  The other may come and
go.
"""

from harness import broken, machine, tpmproxy, uki, vtpm
from harness.paths import LATE_DRIVER

NEEDS = (LATE_DRIVER, *vtpm.NEEDS)
# Without this IMA's TPM would be there before the other one
LATE = "initcall_blacklist=crb_acpi_driver_init"

# The machine's is the first.  The first execute fails; the other TPM goes
# while the second one goes on.
REAL_FIRST = """
. /in/vtpm.sh
dump before
vtpm_module
vtpm_start 1
TPM=/dev/tpm1 tpm_user extend 15 software > /tmp/said
TPM=/dev/tpm1 tpm_user event 4 software >> /tmp/said
emit said < /tmp/said
ls /sys/kernel/security/tpm1 2>&1 | emit files
logs with
pcrs with1 1
try load1 kexec_load_file load /in/next.efi
pending load1
try exec1 kexec_load_file exec
logs failed
pcrs failed1 1
vtpm_stop
ls -d /sys/class/tpm/* | emit gone
vtpm_start 1
try load2 kexec_load_file load /in/next.efi
kill $vtpm_pid &
try exec2 kexec_load_file exec
"""

# The one of software is the first.  The machine's appears after the load.
SOFT_FIRST = """
. /in/vtpm.sh
vtpm_module
vtpm_start 0
try load1 kexec_load_file load /in/next.efi
pending load1
insmod /in/tpm_crb_late.ko
pcrs soft 0
pcrs before 1
log=/sys/kernel/security/tpm1
copy before/live_log $log/binary_measurements_live
copy before/bios_log $log/binary_bios_measurements
try exec1 kexec_load_file exec
try load2 kexec_load_file load /in/next.efi
pending load2
pcrs soft2 0
vtpm_stop
try exec2 kexec_load_file exec
"""

# Under lockdown, which begins when the modules are there: the machine's TPM
# loses its driver, and gets it back.  IMA still has the old chip, so the new
# one has another number.
LOCKED = """
. /in/vtpm.sh
vtpm_module
vtpm_start 1
dev=$(readlink -f /sys/class/tpm/tpm0/device)
driver=$(readlink -f $dev/driver)
dump before
echo integrity > /sys/kernel/security/lockdown
copy lockdown /sys/kernel/security/lockdown
try load1 kexec_load_file load /in/next.efi
pending load1
echo ${dev##*/} > $driver/unbind
ls /sys/class/tpm | emit unbound
try exec1 kexec_load_file exec
try load2 kexec_load_file load /in/next.efi
echo ${dev##*/} > $driver/bind
ls /sys/class/tpm | emit bound
try load3 kexec_load_file load /in/next.efi
pending load3
pcrs soft 1
vtpm_stop
try exec3 kexec_load_file exec
"""


def unmeasured(t, r, name):
    t.outcome(r, name, "ok")
    t.equal(r.files.get(f"{name}/pending"), b"", f"{name}: pending list")
    t.lines(r, name, "will not be measured")


def real_first(t):
    image = t.next()
    r, _ = broken.boot(t, REAL_FIRST, tpmproxy.FAIL)
    r.need("before/pcrs", "failed1/pcrs", "after/pcrs")
    t.equal(r.text("said"), "extend ok\nevent ok", "extends of the second")
    t.true("live" not in r.text("files"), "the second TPM has a log")
    t.true("tpm1" not in r.text("gone"), "the second TPM is still there")
    t.equal(r.files["with/live_log"], r.files["before/live_log"],
            "the log after extends of the second")
    t.same_pcrs(r.pcrs("with"), r.pcrs("before"), "with a second TPM")
    t.true(any(r.pcrs("with1")["sha256"][15]), "the second's PCR 15 is zero")
    t.outcome(r, "load1", "ok")
    t.outcome(r, "exec1", "EIO")
    t.outcome(r, "load2", "ok")
    t.same_pcrs(r.pcrs("failed1"), r.pcrs("with1"), "the second TPM", skip=())
    t.hop(r, image, before="failed", nth=2)
    t.quiet(r)


def measured(t, r, name):
    t.outcome(r, name, "ok")
    t.true(r.files[f"{name}/pending"], f"{name}: pending list")
    t.lines(r, name, "will not be measured", 0)


def soft_first(t):
    image = t.share / "next.efi"
    (t.share / "tpm_crb_late.ko").write_bytes(LATE_DRIVER.read_bytes())
    r = t.boot(SOFT_FIRST, first=t.first(LATE), name=f"{t.name}-soft")
    r.need("before/pcrs", "after/pcrs")
    unmeasured(t, r, "load1")
    t.outcome(r, "exec1", "ESTALE")
    measured(t, r, "load2")
    t.same_pcrs(r.pcrs("soft2"), r.pcrs("soft"), "the software's", skip=())
    t.hop(r, image)
    t.quiet(r)


def locked(t):
    (t.share / "next.efi").rename(t.dir / "unsigned.efi")
    image = uki.sign(t.dir / "unsigned.efi", t.share / "next.efi")
    first = uki.sign(t.first(), t.dir / "signed.efi")
    t.script(LOCKED)
    r = machine.Machine(f"{t.name}-locked", boot=first, share=t.share,
                        secure=True).run()
    r.need("lockdown", "after/pcrs")
    t.inside("[integrity]", r.text("lockdown"), "lockdown")
    print("chips:", *(r.text(n).split() for n in ("unbound", "bound")))
    measured(t, r, "load1")
    t.outcome(r, "exec1", "ESTALE")
    t.outcome(r, "load2", "ENODEV")
    t.lines(r, "load2", "no driver has bound")
    measured(t, r, "load3")
    t.true(not any(any(v) for n, v in r.pcrs("soft")["sha256"].items()
                   if n < 16), "PCRs of the software's")
    t.hop(r, image, secure=True)
    t.quiet(r)


def run(t):
    vtpm.share(t)
    real_first(t)
    soft_first(t)
    locked(t)
