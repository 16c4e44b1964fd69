# SPDX-License-Identifier: GPL-2.0
"""The log along a chain of kernels that make it hard.

A bank is left out of an extend, a PCR is extended ten thousand times, a kernel
has the TPM's driver as a module, another is told to leave the memory alone where
the log lies, and the next does without EFI's services, so that the last one is
not told of EFI, and cannot see the firmware's log.
"""

import shutil

from harness import machine, oracle, paths, tpmlog, uki

NEEDS = (paths.LATE_DRIVER,)
FLOOD = 10000
# Below the end of RAM, where the log lies, and above all else
MEM = "mem=768M"
# IMA wants the TPM's driver built in: without this nothing would bind late.
LATE = "initcall_blacklist=crb_acpi_driver_init"

# name -> what is in the command line of that kernel
KERNELS = {"first": "", "partial": "", "flood": "", "module": LATE, "mem": MEM,
           "noefi": "noefi", "last": ""}
NAMES = list(KERNELS)
# From there on the log is not about all that the TPM has seen.
CUT = NAMES.index("mem")
SCRIPT = """
kernel=$(sed 's/.*kernel=//' /proc/cmdline)
if [ $kernel = module ]; then
	ls -d /sys/class/tpm/tpm0 2> /dev/null | emit $kernel/early
	insmod /tpm_crb_late.ko
fi
logs $kernel
{ cat /tmp/dmesg.all 2> /dev/null; dmesg; } | emit $kernel/dmesg
ls -d /sys/firmware/efi 2> /dev/null | emit $kernel/efi
case $kernel in
first)
	tpm_user extend 14 one sha256
	tpm_user extend 14 two sha512 sha1
	tpm_user extend 14 three ;;
partial)
	tpm_user flood 15 %d ;;
last)
	bye ;;
esac > /tmp/said 2>&1
emit $kernel/said < /tmp/said
copy $kernel/end_log /sys/kernel/security/tpm0/binary_measurements_live
. /in/load-$kernel
pending $kernel
try $kernel/exec kexec_load_file exec
""" % FLOOD


def text(name):
    return f"{uki.CONSOLE} {KERNELS[name]} e2e=:edges.sh kernel={name}"


def prepare(t):
    (t.share / "edges.sh").write_text(SCRIPT)
    shutil.copy(paths.BZIMAGE, t.share / "bzImage")
    rd = t.initrd("rd.img", {
        "tpm_crb_late.ko": paths.LATE_DRIVER.read_bytes()})
    shutil.copy(rd, t.share)
    for here, there in zip(NAMES, NAMES[1:]):
        (t.share / f"load-{here}").write_text(
            f"try {here}/load kexec -s -l /in/bzImage --initrd=/in/rd.img "
            f"--append='{text(there)}'\n")
    return uki.build(t.dir / "first.efi", rd, text("first"))


def check_hop(t, r, here, there):
    t.equal(r.status(f"{here}/load"), 0, f"{here}: kexec -s -l")
    end, now = r.files[f"{here}/end_log"], r.files[f"{there}/bios_log"]
    t.equal(now, end + r.files[f"{here}/pending"],
            f"the log from {here} to {there}")


def check_partial(t, r):
    t.equal(r.text("first/said").split()[1::2], ["ok"] * 3, "extends")
    new = oracle.appended(r, "first", "partial")
    notes = [tpmlog.note(e) for e in new if tpmlog.note(e)]
    t.equal([(n.kind, n.pcr) for n in notes], [(tpmlog.PARTIAL, 14)] * 2,
            "notes")
    t.equal([b for n in notes for b, _ in n.digests],
            ["sha256", "sha1", "sha512"], "banks of the notes")
    t.true(not any(any(d) for e in new if tpmlog.note(e)
                   for d in e.digests.values()), "digests of zeros")
    last = tpmlog.tagged(new, tpmlog.TAG_EXTEND)
    t.equal([(e.pcr, e.digests["sha1"][:10]) for e in last],
            [(14, b"threethree")], "the extend in all banks")


def check_flood(t, r):
    print(r.text("partial/said"))
    t.inside(f"{FLOOD} extends in", r.text("partial/said"), "the flood")
    new = oracle.appended(r, "partial", "flood")
    notes = [tpmlog.note(e) for e in new if tpmlog.note(e)]
    t.equal([(n.kind, n.pcr) for n in notes], [(tpmlog.FULL, 15)], "notes")
    mine = tpmlog.tagged(new, tpmlog.TAG_EXTEND)
    t.true(100 < len(mine) < FLOOD, f"{len(mine)} extends are recorded")
    t.equal(len(tpmlog.tagged(new, tpmlog.TAG_KEXEC)), 1, "markers")
    print(f"{len(mine)} extends recorded, log of "
          f"{len(r.files['flood/bios_log'])} bytes")


def check_mem(t, r):
    """The log is not there; the firmware's is, and one line says why."""
    firmware = r.files["first/bios_log"]
    for log in ("bios_log", "live_log"):
        t.equal(r.files[f"mem/{log}"], firmware, f"mem: {log}")
    said = [x for x in r.text("mem/dmesg").splitlines()
            if "last kernel" in x and "log" in x]
    t.equal(len(said), 1, f"lines that say that the log is gone: {said}")


def check_pcrs(t, r, here, there):
    """The hop's own events are what the TPM has seen of it."""
    head, _ = tpmlog.split(r.files["first/bios_log"])
    want = oracle.expected(r.pcrs(here), tpmlog.parse(
        r.files[f"{here}/pending"], head))
    t.same_pcrs(r.pcrs(there), want, f"PCRs from {here} to {there}")


def run(t):
    first = prepare(t)
    r = machine.Machine(t.name, boot=first, share=t.share).run()
    r.need(*(f"{name}/pcrs" for name in NAMES), "last/live_log")
    for n, name in enumerate(NAMES[:CUT]):
        oracle.check_log(r, name, partial=(14,) if n >= 1 else (),
                         unknown=(15,) if n >= 2 else ())
    check_partial(t, r)
    check_flood(t, r)
    check_mem(t, r)
    for here, there in zip(NAMES, NAMES[1:]):
        if there != "mem":
            check_hop(t, r, here, there)
        if here not in ("first", "partial"):
            check_pcrs(t, r, here, there)
    t.equal(r.text("module/early"), "", "the TPM before its driver")
    t.equal(r.text("last/efi"), "", "EFI in the kernel after that with noefi")
    marks = {n: len(tpmlog.tagged(tpmlog.parse(r.files[f"{n}/live_log"]),
                                  tpmlog.TAG_KEXEC)) for n in NAMES}
    t.equal(list(marks.values()), [0, 1, 2, 3, 0, 1, 2], "markers")
