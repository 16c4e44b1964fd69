# SPDX-License-Identifier: GPL-2.0
"""The TPM breaks at the first, a middle and the last extend of a kexec.

In five ways, one in each kernel of a chain: three refused kexecs, after each of
which the old kernel lives and its log explains the TPM, then a good one.
"""

from harness import broken, machine, oracle, tpmlog, tpmproxy, uki

KINDS = {"fail": tpmproxy.FAIL, "drop": tpmproxy.DROP,
         "delay": tpmproxy.DELAY, "garble": tpmproxy.GARBLE,
         "swallow": tpmproxy.SWALLOW}
SCRIPT = """
kind=$(sed 's/.*kind=//' /proc/cmdline)
logs $kind
[ $kind = end ] && bye
for n in 1 2 3; do
	try $kind$n/load kexec -s -l /in/next.efi --append="$(cat /in/$kind)"
	try $kind$n/exec kexec_load_file exec
	logs $kind$n
	copy $kind$n/pending /sys/kernel/security/kexec/pending_measurements
	try $kind$n/again kexec_load_file exec
	tpm_user event 15 "$kind$n" > /tmp/said
	emit $kind$n/said < /tmp/said
	logs $kind$n.user
done
try $kind/load kexec -s -l /in/next.efi --append="$(cat /in/$kind)"
try $kind/exec kexec_load_file exec
"""


def text(kind):
    return f"{uki.CONSOLE} e2e=:faults.sh kind={kind}"


def prepare(t):
    """In /in/KIND there is the command line of the kernel after that kind's"""
    (t.share / "faults.sh").write_text(SCRIPT)
    names = list(KINDS) + ["end"]
    for here, there in zip(names, names[1:]):
        (t.share / here).write_text(text(there))
    rd = t.initrd("rd.img")
    uki.build(t.share / "next.efi", rd, uki.CONSOLE)
    return uki.build(t.dir / "first.efi", rd, text(names[0]))


def length(t):
    """How many events a kexec of this image has, all but the marker"""
    share = t.dir / "cold"
    share.mkdir()
    (share / "faults.sh").write_text("dump after\n")
    cold = oracle.cold(t.share / "next.efi", text("drop"), share=share)
    return len(oracle.uki_events(cold))


def check_refused(t, r, name, k, how, before):
    """One broken kexec: which records its failure has left"""
    t.equal(r.status(f"{name}/load"), 0, f"{name}: kexec -s -l")
    t.outcome(r, f"{name}/exec", "EIO")
    t.outcome(r, f"{name}/again", "ESTALE")
    t.equal(r.files[f"{name}/pending"], b"", f"{name}: the pending list")
    t.equal(r.text(f"{name}/said"), "event ok", f"{name}: an extend after")
    oracle.check_log(r, name)
    oracle.check_log(r, f"{name}.user")
    old, new = (r.files[f"{n}/live_log"] for n in (before, name))
    t.true(new.startswith(old), f"{name}: the log has only grown")
    events = tpmlog.parse(new[len(old):], tpmlog.split(new)[0])
    t.equal(len(events), k + (how in tpmproxy.EXECUTED),
            f"{name}: records of what was executed")
    t.equal([tpmlog.note(e) for e in events if tpmlog.note(e)], [],
            f"{name}: notes")


def run(t):
    first = prepare(t)
    last = length(t)
    places = (0, 3, last)
    plan = []
    for how in KINDS.values():
        plan += [(k, how) for k in places] + [None]
    proxy = broken.proxy(*plan)
    r = machine.Machine(t.name, boot=first, share=t.share, proxy=proxy).run()
    r.need("end/pcrs", "end/live_log")
    t.equal(proxy.spoiled, 15, "commands that the proxy has spoiled")
    t.equal(proxy.cancels, 9, "commands that the driver has given up")
    for kind, how in KINDS.items():
        oracle.check_log(r, kind)
        before = kind
        for n, k in enumerate(places, 1):
            check_refused(t, r, f"{kind}{n}", k, how, before)
            before = f"{kind}{n}.user"
    events = oracle.check_log(r, "end")
    marks = [e.describe() for e in tpmlog.tagged(events, tpmlog.TAG_KEXEC)]
    t.equal(marks, [f"kexec:{n}" for n in range(1, len(marks) + 1)], "markers")
    t.quiet(r)
