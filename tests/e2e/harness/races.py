# SPDX-License-Identifier: GPL-2.0
"""Guests in which everything happens at once, and what has to hold.

guest/race.c does it: first without executes, then with executes that the TPM
makes fail, so that the guest goes on; at the end comes one that succeeds.
"""

import random
import re
import subprocess

from . import machine, mutants, oracle, paths, tiny, tpmlog, tpmproxy, uki

CPUS = 2
MEMORY = 2048
EXECUTES = 2000

# The TPM extends no PCR 16 for the log: here it ends the executes that fail.
ENOUGH = "enough."

# What a race may end with, beside success; see the guide's list of errors.
# The loader's module may be gone when a UKI is read: ENOPKG.
BUSY = {"EBUSY"}
ALLOWED = {
    "uki": BUSY | {"ENOPKG"},
    "plain": BUSY,
    "crash": BUSY | {"ENOPKG"},
    "unload": BUSY,
    "crash-unload": BUSY,
    "segments": BUSY,
    "nothing": BUSY,
    # nothing loaded; spent, or another kexec tried since; an extend failed;
    # IMA's list has outgrown its segment
    "exec": BUSY | {"EINVAL", "ESTALE", "EIO", "ENOSPC"},
    # in use; not there, or there already
    "module": BUSY | {"EAGAIN", "ENOENT", "EEXIST"},
    "extend": BUSY,
}

SEC = "/sys/kernel/security"
READERS = (f"pending={SEC}/kexec/pending_measurements",
           f"log={SEC}/tpm0/binary_measurements_live",
           f"tail={SEC}/tpm0/binary_measurements_live",
           f"fixed={SEC}/tpm0/binary_bios_measurements",
           "word=/sys/kernel/kexec_loaded",
           "word=/sys/kernel/kexec_crash_loaded",
           "size=/sys/class/tpm/tpm0/pcr-sha256/11")
OTHERS = ("extend=/dev/tpmrm0:1,2,3,5,6", "extend=/dev/tpm0:7,8,13,14",
          "ima=/tmp/ima")
LOADERS = ("uki=/in/a.efi", "uki=/in/b.efi", "plain=/in/plain",
           "crash=/in/a.efi", "unload", "crash-unload", "nothing")

POLICY = r"""measure func=KEXEC_KERNEL_CHECK\n
measure func=KEXEC_CMDLINE\n
measure func=FILE_CHECK mask=MAY_READ fsmagic=0x858458f6\n"""

SCRIPT = mutants.MEMORY + r"""
mkdir -p /tmp/ima /in/first /in/second
mount -t ramfs ramfs /tmp/ima
printf '%(policy)s' > /sys/kernel/security/ima/policy
echo $? | emit policy
%(prepare)s
for n in a.efi b.efi plain; do
	try load-$n kexec_load_file load /in/$n
	pending $n
done
try crash kexec_load_file load /in/a.efi crash
kexec -u
logs before
cd /sys/module/kcsan/parameters &&
	echo 500 > skip_watch && echo 200 > udelay_task
race %(seconds)d /in/first %(first)s > /tmp/said 2>&1
echo $? | emit first/status
emit first < /tmp/said
kexec -u
race %(seconds)d /in/second %(second)s > /tmp/said 2>&1
echo $? | emit second/status
emit second < /tmp/said
tpm_user extend 16 %(enough)s
logs raced
cp /sys/kernel/debug/kcsan /in/kcsan
kexec -u
memory raced
{ cat /tmp/dmesg.all; dmesg; } > /in/dmesg
try load kexec_load_file load /in/next.efi
pending load
try exec kexec_load_file exec
"""


def make_images(t):
    """Two UKIs and a plain kernel that load fast, and must not be started"""
    small, rd = t.share / "plain", t.dir / "small.img"
    small.write_bytes(tiny.bzimage())
    rd.write_bytes(bytes(range(256)) * 256)
    for name in ("a", "b"):
        uki.build(t.share / f"{name}.efi", rd, f"word={name}", linux=small)


class Spoiler(tpmproxy.Proxy):
    """Every kexec fails, until PCR 16 is extended"""

    def spoils(self, command):
        if (ENOUGH * 2).encode() in command:
            self.plan.clear()
        return super().spoils(command)


def spoiler(rounds):
    """All of our images have two events at least."""
    hows = ((0, tpmproxy.FAIL), (1, tpmproxy.FAIL), (0, tpmproxy.LOSE),
            (1, tpmproxy.LOSE), (1, tpmproxy.GARBLE))
    markers = [oracle.marker(n).digests["sha256"] for n in range(1, EXECUTES)]
    return Spoiler(markers, [rounds.choice(hows) for _ in range(EXECUTES)])


def workers(module):
    """Those of both races, in the order in which they are started"""
    most = LOADERS + (("module=/kexec_uki.ko",) if module else ()) + READERS \
        + OTHERS
    return {"first": most + ("segments",), "second": most + ("exec",)}


def boot(t, linux, seconds, words="", module=None, **params):
    """The report of a guest in which everything has raced"""
    make_images(t)
    t.next()
    extra = {"bin/race": (0o755, (paths.TOOLS / "race").read_bytes())}
    prepare, start = "", workers(module)
    if module:
        extra["kexec_uki.ko"] = module.read_bytes()
        prepare = PREPARE_MODULE
    t.script(SCRIPT % {
        "policy": POLICY.replace("\n", ""), "prepare": prepare,
        "seconds": seconds, "first": " ".join(start["first"]),
        "second": " ".join(start["second"]), "enough": ENOUGH})
    # The check of the timer fails where the host has other things to do.
    first = t.first("crashkernel=128M log_buf_len=8M no_timer_check " + words,
                    extra=extra, linux=linux)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    proxy = spoiler(random.Random(seed))
    r = machine.Machine(t.name, boot=first, share=t.share, writable=True,
                        proxy=proxy, cpus=CPUS, memory=MEMORY,
                        limit=1200 + 6 * seconds, **params).run()
    r.need("first", "second", "raced/pcrs", "after/pcrs")
    print(f"{proxy.spoiled} kexecs were made to fail")
    t.true(proxy.spoiled, "no execute has got as far as the TPM")
    t.equal(r.text("policy"), "0", "status of IMA's policy")
    return r


# busybox has no depmod; kexec_uki depends on nothing else.
PREPARE_MODULE = """
dir=/lib/modules/$(uname -r)
mkdir -p $dir
cp /kexec_uki.ko $dir
echo kexec_uki.ko: > $dir/modules.dep
"""


def words_of(line):
    """WORKER, {what: how often}, failure"""
    line, _, failure = line.partition(" failed: ")
    name, *words = line.split()
    counts = dict(w.split("=", 1) for w in words)
    longest = counts.pop("longest", "0")
    return name, {k: int(v) for k, v in counts.items()}, longest, failure


def check_workers(t, r, which, module):
    """Each has done something, and got no errno but those that it may get"""
    text = r.text(which)
    print(text)
    extends = {}
    for line in text.splitlines():
        name, counts, _longest, failure = words_of(line)
        t.equal(failure, "", name)
        kind = name.split("=")[0]
        for what, n in counts.items():
            if what.startswith("pcr"):
                pcr = int(what[3:])
                extends[pcr] = extends.get(pcr, 0) + n
            elif what != "ok":
                t.inside(what, ALLOWED.get(kind, set()), f"{name}: {n} times")
        if kind == "exec":
            t.equal(counts["ok"], 0, "executes that came back as successes")
            t.true(counts.get("EIO"), "no execute has failed in the TPM")
        else:
            t.true(counts["ok"], f"{name} has done nothing")
    t.equal(tuple(words_of(x)[0] for x in text.splitlines()),
            workers(module)[which], f"{which}: workers that have reported")
    t.equal(r.status(which), 0, f"{which}: status of race")
    return extends


def boundaries(data):
    """Where records end in a log"""
    ends = {len(tpmlog.split(data)[0])}
    at = max(ends)
    for event in tpmlog.parse(data):
        at += len(event.raw)
        ends.add(at)
    return ends


def check_snapshots(t, log):
    """What readers saw last is a beginning of the log, of whole records"""
    ends = boundaries(log)
    snapshots = [p for d in ("first", "second")
                 for p in sorted((t.share / d).glob("*"))
                 if p.name.split(".")[0] in ("log", "tail")]
    t.equal(len(snapshots), 4, "readers' last snapshots")
    for path in snapshots:
        seen = path.read_bytes()
        t.true(log.startswith(seen), f"{path.name} is no beginning of the log")
        t.true(len(seen) in ends, f"{path.name} ends in a record")


def check_pending(t, r):
    """Each list that was seen is whole, and that of one of the images"""
    head = tpmlog.split(r.files["raced/live_log"])[0]
    want = {}
    for name in ("a.efi", "b.efi", "plain"):
        marker, *events = tpmlog.parse(r.files[f"{name}/pending"], head)
        t.equal(marker.text, b"kexec:1\0", f"{name}: its marker")
        want[b"".join(e.raw for e in events)] = name
    t.equal(len(want), 3, "lists that differ")
    seen = {}
    for path in (p for d in ("first", "second")
                 for p in (t.share / d).glob("pending.*")):
        data = path.read_bytes()
        if not data:
            continue
        marker, *events = tpmlog.parse(data, head)
        t.equal(marker.tag, tpmlog.TAG_KEXEC, f"{path}: its first event")
        rest = b"".join(e.raw for e in events)
        name = want.get(rest, "segments" if len(events) == 1 else None)
        t.true(name, f"{path} is the list of no image")
        seen.setdefault(name, set()).add(marker.text)
    print("lists seen:", {name: len(texts) for name, texts in seen.items()})
    t.true(set(want.values()) <= set(seen), f"lists of {sorted(seen)} only")


def check_markers(t, events):
    markers = tpmlog.tagged(events, tpmlog.TAG_KEXEC)
    want = [b"kexec:%d\0" % n for n in range(1, len(markers) + 1)]
    t.equal([e.text for e in markers], want, "markers")
    print(f"{len(markers)} markers, {len(events)} records")


def check(t, r, module=None):
    """All but what the kernel itself has found wrong"""
    for name in ("load-a.efi", "load-b.efi", "load-plain", "crash", "load"):
        t.outcome(r, name, "ok")
    extends = check_workers(t, r, "first", module)
    for pcr, n in check_workers(t, r, "second", module).items():
        extends[pcr] = extends.get(pcr, 0) + n
    events = oracle.check_log(r, "raced")
    check_markers(t, events)
    users = tpmlog.tagged(events, tpmlog.TAG_EXTEND)
    for pcr, n in extends.items():
        t.equal(sum(e.pcr == pcr for e in users), n,
                f"records of extends of PCR {pcr}")
    t.equal(len(users), sum(extends.values()), "extends by user space")
    t.equal([e for e in events if tpmlog.note(e)], [], "notes")
    check_snapshots(t, r.files["raced/live_log"])
    check_pending(t, r)
    after = oracle.check_log(r, "after")
    new = oracle.appended(r, "raced", "after")
    head = tpmlog.split(r.files["raced/live_log"])[0]
    t.equal([e.raw for e in new],
            [e.raw for e in tpmlog.parse(r.files["load/pending"], head)],
            "what the last execute has appended")
    check_markers(t, after)


# ---- what the kernel says ---------------------------------------------------

LINUX = paths.OUT / "linux"
SERIES = "base", "refs/stitched"
NOT_OURS = (":!tools", ":!scripts", ":!*/tests/*", ":!*_kunit.c")
# Its name and arguments; those of a system call begin with its name.
DEFINITION = re.compile(r"^(?=[a-zA-Z_])[^;={}\n]*?\b(\w+)\(([^;{}]*?)\)"
                        r"[^;{}()]*\{", re.M)
SYSCALL = ("__do_sys_%s", "__se_sys_%s", "__x64_sys_%s")

# Races of mainline's, by one of the functions that race (an interrupt can hide the
# other one): with ours further up they are still not ours.  Attributes of kernfs's
# inodes; and a sleeper that its timer wakes.
UPSTREAM = {"kernfs_refresh_inode", "set_nlink", "hrtimer_wakeup"}

FRAME = re.compile(r"^\s*(\w+)(?:\.\w+)*\+0x[0-9a-f]+/0x[0-9a-f]+")
STAMP = re.compile(r"^\[ *[0-9.]+\](?:\[ *[A-Z]?[0-9]+\])? ?", re.M)


def names_of(definition):
    name, arguments = definition.groups()
    if not name.startswith("SYSCALL_DEFINE"):
        return {name}
    return {x % arguments.split(",")[0].strip() for x in SYSCALL}


def our_functions():
    """What the series adds or changes: the diff has these functions whole."""
    diff = subprocess.run(
        ["git", "-C", LINUX, "diff", "--no-color", "--no-ext-diff", "-U0",
         "-W", *SERIES, "--", "*.c", "*.h", *NOT_OURS],
        check=True, stdout=subprocess.PIPE).stdout.decode(errors="replace")
    new = re.sub(r"^[+ ]", "", re.sub(r"^-.*\n", "", diff, flags=re.M),
                 flags=re.M)
    return {name for m in DEFINITION.finditer(new) for name in names_of(m)}


def functions(body):
    """Those on the stacks, without what an interrupt has interrupted"""
    found, inside = [], False
    for line in body.splitlines():
        m = FRAME.match(line)
        inside = inside and m
        if m and not inside:
            found.append(m[1])
            inside = m[1].startswith("asm_")
    return found


def kcsan_reports(dmesg):
    """(title, functions that take part, text) of each"""
    text = STAMP.sub("", dmesg)
    for body in re.findall(r"^BUG: KCSAN: .*?^={10}", text, re.M | re.S):
        yield body.splitlines()[0][12:], functions(body), body


def check_splats(t, r):
    dmesg = (t.share / "dmesg").read_text(errors="replace")
    t.true(len(dmesg) > 10000, "there is no kernel log")
    console = r.machine.console.read_text(errors="replace")
    for text in (dmesg, console):
        t.equal(mutants.splats(text)[:5], [], "what the kernel complains about")


def is_ours(title, frames, names):
    """Whether a function of ours races, or calls what races and is not known"""
    racing = set(re.findall(r"\b[a-z_]\w+", title.partition(" in ")[2]))
    return bool(names & racing or names & frames and not UPSTREAM & racing)


def check_kcsan(t):
    """No report in which a function of ours takes part; others are told"""
    dmesg = (t.share / "dmesg").read_text(errors="replace")
    counters = (t.share / "kcsan").read_text()
    print(counters)
    watched = int(re.search(r"setup_watchpoints: (\d+)", counters)[1])
    t.true(watched > 10000, f"KCSAN has watched {watched} times only")
    names, found = our_functions(), {}
    t.true(len(names) > 300, f"{len(names)} functions of ours")
    t.equal(names & UPSTREAM, set(), "functions of ours and of mainline")
    for title, frames, body in kcsan_reports(dmesg):
        key = (title, is_ours(title, set(frames), names))
        found.setdefault(key, []).append(body)
    ours = []
    for (title, mine), bodies in sorted(found.items()):
        print(f"KCSAN: {'OURS' if mine else 'upstream'}: {title}: "
              f"{len(bodies)} times\n{bodies[0]}")
        ours += [title] if mine else []
    print(f"KCSAN: {len(found)} kinds of reports, {len(ours)} with functions "
          f"of ours, {len(names)} of which there are, {watched} watchpoints")
    t.equal(ours, [], "races in which our functions take part")
