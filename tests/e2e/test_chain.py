# SPDX-License-Identifier: GPL-2.0
"""Ten kexecs, UKIs and plain kernels; every log explains every PCR at the end.

User space extends PCRs 7, 14 and 15 in each kernel, in all three ways there are,
and one of them between the load and the jump.  The event log is replayed by
tpm2_eventlog, by kexec-uki and by the harness, IMA's list by the harness alone.
"""

import hashlib
import shutil

from harness import imalog, machine, oracle, paths, rich, tpmlog, uki

HOPS = 10
BANKS = machine.ALL_BANKS
WORDS = "e2e=:hop.sh ima_policy=tcb|critical_data hop=%d"

# IMA takes the place of its built-in rules when it is given rules of one's own.
# The first rule that fits decides, and kexec hands some kernels over in tmpfs.
POLICY = """\
measure func=KEXEC_CMDLINE
measure func=CRITICAL_DATA
""" + "".join(f"dont_measure fsmagic={magic}\n" for magic in (
    "0x9fa0", "0x62656572", "0x64626720", "0x01021994", "0x858458f6",
    "0x1cd1", "0x73636673", "0xde5e81e4")) + """\
measure func=BPRM_CHECK mask=MAY_EXEC
measure func=FILE_CHECK mask=MAY_READ uid=0
"""
SCRIPT = f"""
k=$(sed 's/.*hop=//' /proc/cmdline)
lists=/sys/kernel/security/ima
cat /in/policy > $lists/policy
logs $k
copy $k/ima $lists/binary_runtime_measurements
copy $k/cmdline /proc/cmdline
if [ $k = {HOPS} ]; then
	kexec-uki replay > /tmp/replay 2>&1
	echo $? | emit $k/replay_status
	emit $k/replay < /tmp/replay
	kexec-uki log > /tmp/log 2>&1
	emit $k/log < /tmp/log
	bye
fi
cat /in/policy /in/hop.sh > /dev/null
tpm_user extend 7 "seven $k" > /tmp/said
tpm_user event 14 "fourteen $k" >> /tmp/said
. /in/load$k
tpm_user sequence 15 "fifteen $k" >> /tmp/said
emit $k/said < /tmp/said
kexec-uki predict > /tmp/predict 2> /tmp/error
emit $k/predict < /tmp/predict
emit $k/error < /tmp/error
pending $k
copy $k/end_log /sys/kernel/security/tpm0/binary_measurements_live
try $k/exec kexec_load_file exec
"""
UKI = "try {k}/load kexec -s -l /in/{n}.efi\n"
OVERRIDE = "try {k}/load kexec -s -l /in/{n}.efi --append='{text}'\n"
PLAIN = ("try {k}/load kexec -s -l /in/bzImage --initrd=/in/plain.img "
         "--append='{text}'\n")


def text(n):
    return f"{uki.CONSOLE} {WORDS % n}"


def prepare(t):
    """A UKI for each odd hop, one of them with another command line and one
    with all the sections there are; plain kernels for the even ones
    """
    shutil.copy(paths.BZIMAGE, t.share / "bzImage")
    tool = (0o755, paths.KEXEC_UKI.read_bytes())
    rd = t.initrd("plain.img", {"bin/kexec-uki": tool})
    shutil.copy(rd, t.share)
    (t.share / "policy").write_text(POLICY)
    (t.share / "hop.sh").write_text(SCRIPT)
    for n in range(1, HOPS + 1):
        how = UKI if n % 2 else PLAIN
        if n % 2:
            inner = text(n)
            if n == 3:
                how, inner = OVERRIDE, uki.CONSOLE
            uki.build(t.share / f"{n}.efi", rd, inner,
                      options=rich.options(t) if n == 5 else ())
        (t.share / f"load{n - 1}").write_text(
            how.format(k=n - 1, n=n, text=text(n)))
    return uki.build(t.dir / "first.efi", rd, text(0))


def user_events():
    """What user space extends, in its order: (PCR, bank -> digest)"""
    for k in range(HOPS):
        word = f"seven {k}".encode()
        sizes = {b: hashlib.new(b).digest_size for b in BANKS}
        yield 7, {b: (word * size)[:size] for b, size in sizes.items()}
        for pcr, word in ((14, f"fourteen {k}"), (15, f"fifteen {k}")):
            yield pcr, {b: hashlib.new(b, word.encode()).digest()
                        for b in BANKS}


def check_hop(t, r, k):
    """The jump from kernel k"""
    t.equal(r.status(f"{k}/load"), 0, f"hop {k}: kexec -s -l")
    t.equal(r.text(f"{k}/said").split()[1::2], ["ok"] * 3, "extends")
    now, head = r.files[f"{k + 1}/bios_log"], r.files[f"{k}/end_log"]
    t.equal(now, head + r.files[f"{k}/pending"], f"hop {k}: live log and "
            "pending list are what the next kernel finds")
    events = tpmlog.parse(r.files[f"{k}/pending"], tpmlog.split(now)[0])
    t.same_events(events[:1], [oracle.marker(k + 1)], f"hop {k}: the marker")
    t.equal(r.text(f"{k + 1}/cmdline"), text(k + 1), "command line")
    t.equal(r.text(f"{k}/error"), "", f"hop {k}: what predict complains of")
    want = r.pcrs(k, "predict")
    t.equal(sorted(want), sorted(BANKS), f"hop {k}: predicted banks")
    for bank, pcrs in want.items():
        t.true(set(pcrs) >= set(range(16)) - {10}, "predicted PCRs")
        for pcr in sorted(set(pcrs) - {10}):
            t.equal(r.pcrs(k + 1)[bank][pcr], pcrs[pcr],
                    f"hop {k}: predicted {bank} PCR {pcr}")


def check_ima(t, r, k):
    """Kernel k's list: PCR 10, and a boot_aggregate for each boot"""
    rows = imalog.parse(r.files[f"{k}/ima"], "sha1")
    for bank in BANKS:
        t.equal(r.pcrs(k)[bank][10],
                imalog.replay(imalog.rehashed(rows, bank), bank),
                f"kernel {k}: {bank} PCR 10")
    found = imalog.boot_aggregates(rows)
    t.equal(len(found), k + 1, f"kernel {k}: boot_aggregates")
    pcrs = tpmlog.replay(tpmlog.parse(r.files[f"{k}/bios_log"]), "sha256")
    want = hashlib.sha256(b"".join(pcrs[n] for n in range(10))).digest()
    t.equal(found[k], ("sha256", want), f"boot_aggregate {k}")
    t.equal([e.buf.decode() for e in imalog.named(rows, "kexec-cmdline")],
            [text(n) for n in range(1, k + 1)], f"kernel {k}: command lines")


def check_end(t, r):
    events = tpmlog.parse(r.files[f"{HOPS}/live_log"])
    t.equal([e.describe() for e in tpmlog.tagged(events, tpmlog.TAG_KEXEC)],
            [f"kexec:{n}" for n in range(1, HOPS + 1)], "markers")
    mine = tpmlog.tagged(events, tpmlog.TAG_EXTEND)
    t.equal([(e.pcr, e.digests) for e in mine], list(user_events()),
            "what user space has extended")
    t.equal({e.text for e in mine}, {b"user"}, "who has")
    t.equal([e for e in events if tpmlog.note(e)], [], "notes")
    t.equal(r.text(f"{HOPS}/replay_status"), "0", "kexec-uki replay: "
            + r.text(f"{HOPS}/replay"))
    print(r.text(f"{HOPS}/log"))


def run(t):
    first = prepare(t)
    r = machine.Machine(t.name, boot=first, share=t.share).run()
    r.need(*(f"{k}/ima" for k in range(HOPS + 1)), f"{HOPS}/log")
    for k in range(HOPS + 1):
        oracle.check_log(r, k)
        check_ima(t, r, k)
        if k < HOPS:
            check_hop(t, r, k)
    check_end(t, r)
