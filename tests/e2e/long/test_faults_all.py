# SPDX-License-Identifier: GPL-2.0
"""The TPM breaks at each command of a kexec, in each way that there is.

An execute sends an extend for each event and, for a PCR whose value the
kernel has not followed so far, a read before the first of them.  The load
sends nothing.  One of these commands is spoiled, or it and what follows; then
reboot(2) says EIO, the old kernel lives, the image is spent, and the log
explains what the TPM itself says of its PCRs, past the driver and the machine.
Some faults have to be tolerated: there the next kernel comes.
"""

import hashlib

from harness import machine, oracle, tiny, tpmfaults, tpmlog, uki

LIMIT_S = 3000
BANKS = machine.ALL_BANKS

# name: (how, what, count, dead).  At each k: reboot(2) fails.  dead: what is
# done while the TPM is spoiled for good.
EVERY = {
    "fail": ("fail", "extend", 1, "-"),
    "lose": ("lose", "extend", 1, "-"),
    "initialize": ("initialize", "extend", 1, "-"),
    "hash": ("hash", "extend", 1, "-"),
    "locality": ("locality", "extend", 1, "-"),
    "retry": ("retry", "extend", 1, "-"),
    "testing": ("testing", "extend", 1, "-"),
    "garble": ("garble", "extend", 1, "-"),
    "drop": ("drop", "extend", 1, "-"),
    "swallow": ("swallow", "extend", 1, "-"),
    "delay": ("delay", "extend", 1, "-"),
    # The extend, and all attempts to read the PCR back
    "fail-read": ("fail", "extend", 4, "-"),
    "lose-read": ("lose", "extend", 4, "-"),
    "garble-read": ("garble", "extend", 4, "-"),
    "gone": ("gone", "extend", 0, "all"),
    "lose-gone": ("lose-gone", "extend", 0, "all"),
}
PCRS = (4, 11, 12, 9)


def reads(how):
    """The same for first reads of PCRs, which fail as often as they are tried
    """
    return {f"{how}-{pcr}": (how, f"read{pcr}", 3, "-") for pcr in PCRS}


# Here, with k = 0, the kexec has to come.
TOLERATED = {
    "retry-once": ("retry-once", "read4", 0, "-"),
    "retry-extends": ("retry-once", "extends", 0, "-"),
    "fail-twice-4": ("fail", "read4", 2, "-"),
    "testing-once": ("testing-once", "extend", 0, "-"),
    "garble-twice-11": ("garble", "read11", 2, "-"),
    "short-all": ("short", "extends", 0, "-"),
    "short-twice-9": ("short", "read9", 2, "-"),
    "padded-all": ("padded", "extends", 0, "-"),
    "padded-twice-12": ("padded", "read12", 2, "-"),
}
# A kernel reads a PCR once: what spoils reads has to come when it has not done
# so, which is behind a jump.
ORDER = (EVERY, "testing-once", "retry-once", "fail-twice-4", reads("fail"),
         "short-all", "garble-twice-11", reads("garble"), "padded-all",
         "short-twice-9", reads("short"), "retry-extends", "padded-twice-12",
         {"gone-4": ("gone", "read4", 0, "all"),
          # A TPM that is silent for good: that takes minutes
          "mute": ("drop", "extend", 0, "load")})
PLAN = {}
for step in ORDER:
    PLAN.update({step: TOLERATED[step]} if isinstance(step, str) else step)

SCRIPT = """
log=/sys/kernel/security/tpm0/binary_measurements_live
pending=/sys/kernel/security/kexec/pending_measurements
words=$(sed 's/ line=.*//' /proc/cmdline)
line=$(sed 's/.* line=\\([0-9]*\\) .*/\\1/' /proc/cmdline)
k=$(sed 's/.* k=//' /proc/cmdline)

# A command is lost if the machine is still busy with one that was given up.
tell()
{
	tpm_user event 23 "$*" > /tmp/tell && return
	say "$*: $(cat /tmp/tell)"
	tpm_user event 23 "$*" > /tmp/tell || say "$*: again: $(cat /tmp/tell)"
}
mark()
{
	cat $log > /tmp/log
	echo "$(wc -c < /tmp/log) $(sha256sum < /tmp/log)" | emit "$1/log"
	tell state "$1"
}
# hear NAME COMMAND...
hear()
{
	name=$1
	shift
	"$@" > /tmp/out
	emit "$name" < /tmp/out
}
load()
{
	hear "$1" kexec_load_file load /in/$efi "cmdline=$words $2"
}
# fault NAME HOW WHAT COUNT DEAD
fault()
{
	load "$1/load" "line=$line k=$((k + 1))"
	[ $k != 0 ] || copy "$1/loaded" $pending
	tell arm "$1" "$2" "$3" $k "$4"
	hear "$1/exec" kexec_load_file exec
	copy "$1/pending" $pending
	hear "$1/again" kexec_load_file exec
	[ "$5" = - ] || load "$1/dead_load" "line=$line k=$((k + 1))"
	if [ "$5" = all ]; then
		hear "$1/dead_exec" kexec_load_file exec
		hear "$1/dead_said" tpm_user event 15 dead
	fi
	tell off
	hear "$1/said" tpm_user event 15 "$1"
	mark "$1"
}

mark "start-$line-$k"
while plan=$(sed -n "${line}p" /in/plan) && [ -n "$plan" ]; do
	# shellcheck disable=SC2086	# words are what is wanted
	set -- $plan
	say "$*"
	efi=$7
	while [ $k -lt $6 ]; do
		fault "$1/$k" "$2" "$3" "$4" "$5"
		k=$((k + 1))
	done
	line=$((line + 1))
	k=0
done
efi=next.efi
# In the last kernel k is 1.
if [ "$(sed 's/.* k=//' /proc/cmdline)" != 99 ]; then
	load end/load "line=$line k=99"
	tell arm end/0 fail extend 999 1
	hear end/exec kexec_load_file exec
fi
logs end
"""


def text(line, k):
    return f"{uki.CONSOLE} no_timer_check e2e=:faults.sh line={line} k={k}"


def prepare(t, plan, last):
    (t.share / "faults.sh").write_text(SCRIPT)
    (t.share / "plan").write_text("".join(
        f"{name} {' '.join(map(str, how))} {last if name in EVERY else 1} "
        f"{'next' if name in TOLERATED else 'stays'}.efi\n"
        for name, how in plan.items()))
    rd = t.initrd("rd.img")
    image = uki.build(t.share / "next.efi", rd, uki.CONSOLE)
    stays(image, t.share / "stays.efi")
    return uki.build(t.dir / "first.efi", rd, text(1, 0))


def stays(image, out):
    """The same sections, with a kernel and an initrd that are nearly nothing

    An image that is never executed has not to be read and hashed for long.
    """
    sections = []
    for header in uki.Table(image).headers():
        name = header[:8].rstrip(b"\0").decode()
        if name in (".linux", ".initrd"):
            data = tiny.bzimage() if name == ".linux" else b"0" * 512
            sections.append((name, data))
        elif name[1:] in oracle.MEASURED:
            sections.append((name, uki.section(image, name)))
    uki.bare(out, sections)


def length(t):
    """How many events a kexec of this image has"""
    share = t.dir / "cold"
    share.mkdir()
    (share / "faults.sh").write_text("dump after\n")
    cold = oracle.cold(t.share / "next.efi", text(1, 1), share=share)
    return 1 + len(oracle.uki_events(cold))


class Log:
    """The log as it was at each mark, all of it a beginning of the last one"""

    def __init__(self, t, r, proxy):
        self.t, self.r, self.proxy = t, r, proxy
        self.data = r.files["end/live_log"]
        self.events = tpmlog.parse(self.data)
        self.at = len(tpmlog.split(self.data)[0])
        self.done = 0

    def until(self, name):
        """The events since the last mark; the PCRs are checked on the way"""
        size, digest = self.r.text(f"{name}/log").split()[:2]
        size = int(size)
        self.t.equal(hashlib.sha256(self.data[:size]).hexdigest(), digest,
                     f"{name}: the log has only grown since")
        first = self.done
        while self.at < size:
            self.at += len(self.events[self.done].raw)
            self.done += 1
        self.t.equal(self.at, size, f"{name}: length of the log")
        chip = self.proxy.states[name]
        self.t.equal(sorted(chip), sorted(BANKS), f"{name}: banks")
        for bank in BANKS:
            want = tpmlog.replay(self.events[:self.done], bank)
            for pcr in sorted(set(range(16)) - {10}):
                self.t.equal(want[pcr], chip[bank][pcr],
                             f"{name}: {bank} PCR {pcr}, log and TPM")
        return self.events[first:self.done]


def executed(arm):
    """How many extends of the execute the TPM has seen"""
    extends = sum(key[0] == tpmfaults.CC_PCR_EXTEND for key in arm.seen)
    spoiled = sum(key[0] == tpmfaults.CC_PCR_EXTEND for key in arm.spoiled)
    way = tpmfaults.WAYS[arm.how]
    return extends - spoiled + bool(spoiled and way.executed)


def check_refused(t, r, log, arm, dead, last):
    """One kexec that was refused"""
    name = arm.name
    for file, want in (("load", "load ok"), ("exec", "exec EIO"),
                       ("again", "exec ESTALE"), ("said", "event ok")):
        t.equal(r.text(f"{name}/{file}"), want, f"{name}/{file}")
    t.equal(r.files[f"{name}/pending"], b"", f"{name}: the pending list")
    new = log.until(name)
    t.equal([tpmlog.note(e) for e in new if tpmlog.note(e)], [],
            f"{name}: notes")
    if arm.k == 0:
        events = tpmlog.parse(r.files[f"{name}/loaded"],
                              tpmlog.split(log.data)[0])
        t.equal(len(events), last, f"{name}: events of the image")
    if arm.what == "extend":
        t.equal(executed(arm), arm.k + tpmfaults.WAYS[arm.how].executed,
                f"{name}: extends that the TPM has executed")
    t.equal(len(new) - 1, executed(arm), f"{name}: records of what was")
    t.equal(new[-1].text, b"user", f"{name}: an extend after")
    if dead != "-":
        t.equal(r.text(f"{name}/dead_load"), "load ok", f"{name}: dead_load")
    if dead == "all":
        t.equal(r.text(f"{name}/dead_exec"), "exec EIO", f"{name}: dead_exec")
        t.equal(r.text(f"{name}/dead_said"), "event EIO", f"{name}: dead_said")


def check_jump(t, r, log, arm, start, last):
    """One kexec that has come although the TPM was spoiled"""
    name = arm.name
    t.equal(r.text(f"{name}/load"), "load ok", f"{name}/load")
    t.true(f"{name}/exec" not in r.files, f"{name}: execute came back")
    new = log.until(start)
    t.equal(len(new), last, f"{name}: records")
    t.equal([tpmlog.note(e) for e in new if tpmlog.note(e)], [],
            f"{name}: notes")


def spent(t, proxy, name, count):
    """All k of one kind: they were reached, and took how long?"""
    arms = [proxy.arms[f"{name}/{k}"] for k in range(count)]
    for arm in arms:
        t.true(arm.spoiled, f"{arm.name}: nothing was spoiled")
        t.true(arm.is_what(arm.spoiled[0]), f"{arm.name}: what was spoiled")
    took = [arm.took for arm in arms]
    commands = sum(len(arm.spoiled) for arm in arms)
    print(f"{name}: {count} places, {commands} commands, "
          f"{sum(took) / count:.1f} s each, at most {max(took):.1f} s")
    return commands


def run_plan(t, plan, **params):
    last = 0
    first = prepare(t, plan, last)
    last = length(t)
    prepare(t, plan, last)
    proxy = tpmfaults.Proxy()
    r = machine.Machine(t.name, boot=first, share=t.share, proxy=proxy,
                        limit=LIMIT_S, **params).run()
    r.need("end/pcrs", "end/live_log")
    log = Log(t, r, proxy)
    log.until("start-1-0")
    places = 0
    for line, (name, how) in enumerate(plan.items(), 1):
        count = last if name in EVERY else 1
        places += count
        spent(t, proxy, name, count)
        for k in range(count):
            arm = proxy.arms[f"{name}/{k}"]
            if name in TOLERATED:
                check_jump(t, r, log, arm, f"start-{line}-{k + 1}", last)
            else:
                check_refused(t, r, log, arm, how[3], last)
    check_end(t, r, log, proxy.arms["end/0"], len(plan) + 1, last)
    print(f"{places} places, {last} extends in an execute")


def check_end(t, r, log, arm, line, last):
    """A good one, and the whole log once more as the kernel sees the TPM"""
    t.equal(len(log.until(f"start-{line}-99")), last,
            "records of the last kexec")
    codes = {key[0] for key in arm.seen}
    known = {tpmfaults.CC_PCR_EXTEND, tpmfaults.CC_PCR_READ,
             tpmfaults.CC_SHUTDOWN}
    t.true(codes <= known, f"commands of an execute: {codes}")
    t.equal(sum(key[0] == tpmfaults.CC_PCR_EXTEND for key in arm.seen), last,
            "extends of an execute")
    events = oracle.check_log(r, "end")
    marks = [e.describe() for e in tpmlog.tagged(events, tpmlog.TAG_KEXEC)]
    t.equal(marks, [f"kexec:{n}" for n in range(1, len(marks) + 1)], "markers")
    t.quiet(r)


def run(t):
    run_plan(t, PLAN)
