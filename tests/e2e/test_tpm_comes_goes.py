# SPDX-License-Identifier: GPL-2.0
"""The TPM's driver is unloaded and loaded again, before, between and during.

What was loaded for another chip, or for none, is not executed; the log goes on
when the chip is back, and whoever begins to execute is let finish.
"""

import time

from harness import machine, oracle, tpmfaults
from harness.paths import LATE_DRIVER

NEEDS = (LATE_DRIVER,)
# IMA would hold on to the chip.  The next kernel has the driver built in.
LATE = "initcall_blacklist=crb_acpi_driver_init"
SCRIPT = """
number()
{
	ls /sys/class/tpm | sed -n 's/^tpm\\([0-9]*\\)$/\\1/p'
}
# state NAME
state()
{
	n=$(number)
	TPM=/dev/tpm$n tpm_user event 15 "$1" > /tmp/said
	emit "$1/said" < /tmp/said
	pcrs "$1" "$n"
	copy "$1/live_log" "/sys/kernel/security/tpm$n/binary_measurements_live"
	copy "$1/bios_log" "/sys/kernel/security/tpm$n/binary_bios_measurements"
}
comes()
{
	try "$1/insmod" insmod /in/tpm_crb_late.ko
	number | emit "$1/number"
}
goes()
{
	try "$1/rmmod" rmmod tpm_crb_late
}
load()
{
	try "$1/load" kexec_load_file load /in/next.efi
	pending "$1"
}
comes 1
state 1
load gone
goes gone
try gone/exec kexec_load_file exec
load none
comes 2
state 2
try none/exec kexec_load_file exec
load back
goes back
comes 3
state 3
try back/exec kexec_load_file exec

# While it goes on: the last extend fails, the chip goes meanwhile
arm()
{
	TPM=/dev/tpm$n tpm_user event 23 "arm $*" > /dev/null
}
# Up to 20 s: a guest must never wait for anybody for good.
within()
{
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.1
	done
	return 1
}
in_tpm()
{
	grep -q tpm /proc/$1/wchan
}
# meanwhile NAME: when the execute extends, takes the driver out, and tells the
# host when that waits for the chip
meanwhile()
{
	within [ -e "/in/$1.extends" ]
	rmmod tpm_crb_late &
	rmmod=$!
	within in_tpm $rmmod &&
		echo "goes: $1: $(cat /proc/$rmmod/wchan)" > /dev/console &&
		touch "/in/$1.waits"
	wait $rmmod
}
load fails
arm fails fail extend 12 1
meanwhile fails > /tmp/rmmod 2>&1 &
meanwhile=$!
try fails/exec kexec_load_file exec
wait $meanwhile
echo $? | emit fails/rmmod
number | emit fails/number
comes 4
state before
load last
arm last fail extend 999 1
meanwhile last > /dev/null 2>&1 &
try last/exec kexec_load_file exec
"""

# An extend takes that long, until the driver's unloading waits: the kernel has
# 0.75 s of patience.
HOLD_S = 0.3


class Proxy(tpmfaults.Proxy):
    """Says to the guest when an armed execute extends, and hears what waits"""

    def __init__(self, share):
        super().__init__()
        self.share = share
        self.held = {}          # name -> extends until the guest said so

    def answer(self, command, key, swtpm):
        if self.armed and key[0] == tpmfaults.CC_PCR_EXTEND:
            self.hold(self.armed.name)
        return super().answer(command, key, swtpm)

    def hold(self, name):
        (self.share / f"{name}.extends").touch()
        waits = self.share / f"{name}.waits"
        if waits.exists():
            return
        self.held[name] = self.held.get(name, 0) + 1
        end = time.monotonic() + HOLD_S
        while not waits.exists() and time.monotonic() < end:
            time.sleep(0.01)


def check_stale(t, r, name):
    """It was loaded for another chip, or for none"""
    t.outcome(r, f"{name}/exec", "ESTALE")
    t.lines(r, f"{name}/exec", "is not the one at load")


def check_chips(t, r):
    for name in ("1", "2", "3", "4"):
        t.equal(r.status(f"{name}/insmod"), 0, f"insmod {name}")
    for name in ("gone", "back"):
        t.equal(r.status(f"{name}/rmmod"), 0, f"rmmod: {name}")
    t.equal(r.text("fails/rmmod"), "0", "rmmod during an execute")
    t.equal(r.text("fails/number"), "", "the chip after that")
    print("numbers of the chip:",
          [r.text(f"{n}/number") for n in ("1", "2", "3", "4")])


def check_meanwhile(t, r, proxy):
    """The driver was being unloaded, and waited, while extends were to come"""
    for name in ("fails", "last"):
        extends = sum(key[0] == tpmfaults.CC_PCR_EXTEND
                      for key in proxy.arms[name].seen)
        held = proxy.held.get(name, 0)
        t.true(0 < held < extends,
               f"{name}: {held} of {extends} extends were over before rmmod "
               "waited, if it did")
        print(f"{name}: rmmod waited before extend {held + 1} of {extends}")
        t.inside(f"goes: {name}", r.tail(9999), "the word on the console")


def check_log(t, r, names):
    """It goes on from one to the next, and explains the PCRs"""
    for name in names:
        t.equal(r.text(f"{name}/said"), "event ok", f"{name}: an extend")
        oracle.check_log(r, name)
    for here, there in zip(names, names[1:]):
        t.true(r.files[f"{there}/live_log"].startswith(
            r.files[f"{here}/live_log"]), f"the log from {here} to {there}")


def run(t):
    (t.share / "tpm_crb_late.ko").write_bytes(LATE_DRIVER.read_bytes())
    image = t.next()
    t.script(SCRIPT)
    proxy = Proxy(t.share)
    r = machine.Machine(t.name, boot=t.first(LATE), share=t.share,
                        writable=True, cpus=2,
                        proxy=proxy).run().need("before/pcrs", "after/pcrs")
    check_chips(t, r)
    for name in ("gone", "back", "fails", "last"):
        t.outcome(r, f"{name}/load", "ok")
        t.true(r.files.get(f"{name}/pending"), f"{name}: the pending list")
    t.outcome(r, "none/load", "ok")
    t.equal(r.files["none/pending"], b"", "pending without a chip")
    t.lines(r, "none/load", "will not be measured")
    for name in ("gone", "none", "back"):
        check_stale(t, r, name)
    t.outcome(r, "fails/exec", "EIO")
    t.true(proxy.arms["fails"].spoiled, "nothing was spoiled")
    check_log(t, r, ["1", "2", "3", "before"])
    t.hop(r, image, nth=2)
    check_meanwhile(t, r, proxy)
    t.quiet(r)
