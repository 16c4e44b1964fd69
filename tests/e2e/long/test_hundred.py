# SPDX-License-Identifier: GPL-2.0
"""A hundred kexecs in a row, of one UKI.

In each kernel user space extends PCR 11 as often as a systemd does.  The log
replays all along, memory does not shrink, no hop takes longer than the first
ones did, and each adds the same to the log.  The share of PCR 11 is nearly
used up by then: in the last kernel it is, one note says so, and the next kexec
comes all the same.
"""

import hashlib
import statistics
import threading
import time
from pathlib import Path

from harness import machine, oracle, tpmlog, uki

HOPS = 100
LAST = HOPS + 1
# Kernels whose PCRs and whole log are looked at
LOOKS = (1, 10, 50, HOPS, LAST)
# What systemd 262 measures from boot to poweroff: enter-initrd, leave-initrd,
# sysinit, ready, shutdown, final (systemd-pcrphase)
PHASES = 6
FLOOD = 200
LIMIT_S = 3600
# On a busy host the emulated timer can be late for the check of it, and a
# kernel that sees that panics: once in 90 boots, with 18 processes on two
# processors.
WORDS = f"{uki.CONSOLE} no_timer_check e2e=:hop.sh hop=0"

# Memory: what a log of 1 MB may take of it.  The kernel has it twice, with
# room to grow, and its firmware's part once more.
SLACK_KB = 4096
# How much longer the last ten hops may take than the first ten, in the
# emulator's own time, on a machine that does other things, too
SLOWER = 1.3

SCRIPT = """
hop=$(sed 's/.*hop=//' /proc/cmdline)
next=$((hop + 1))
cat /proc/meminfo | emit $hop/meminfo
wc -c < /sys/kernel/security/tpm0/binary_bios_measurements | emit $hop/size
dmesg | grep -E 'WARNING|BUG|dropped|refused|Oops' | emit $hop/bad
case $hop in %s) logs $hop ;; esac
say hop $hop
""" % "|".join(str(n) for n in LOOKS) + """
n=0
while [ $n -lt %d ]; do
	n=$((n + 1))
	tpm_user event 11 "phase $n of $hop"
done > /tmp/said
sort -u /tmp/said | emit $hop/said
if [ $hop = %d ]; then
	tpm_user flood 11 %d > /tmp/said
	emit flood < /tmp/said
	logs full
fi
[ $hop = %d ] && bye
set -- "cmdline=$(sed 's/hop=.*//' /proc/cmdline)hop=$next"
kexec_load_file load /in/hop.efi "$1" > /tmp/load
emit $hop/load < /tmp/load
kexec_load_file exec > /tmp/exec
emit $hop/exec < /tmp/exec
""" % (PHASES, HOPS, FLOOD, LAST)


class Watch(threading.Thread):
    """When each hop was heard of, and the processor time of QEMU until then"""

    def __init__(self, data):
        super().__init__(daemon=True)
        self.data = data
        self.hops = {}
        self.at = 0

    def run(self):
        while LAST not in self.hops:
            time.sleep(0.05)
            try:
                self.look()
            except OSError:
                pass

    def look(self):
        with open(self.data, "rb") as f:
            f.seek(self.at)
            new = f.read()
        mark = new.rfind(b"\n@say hop ")
        end = new.find(b"\n", mark + 1)
        if mark < 0 or end < 0:
            return
        self.at += end
        hop = int(new[mark:end].split()[-1])
        self.hops[hop] = (time.monotonic(), self.spent())

    def spent(self):
        """user and system ticks (proc(5)) of the QEMU that writes there"""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            words = path.read_bytes().split(b"\0")
            if f"file:{self.data}".encode() in words:
                stat = path.with_name("stat").read_text()
                return sum(map(int, stat.rpartition(")")[2].split()[11:13]))
        raise OSError


def prepare(t):
    (t.share / "hop.sh").write_text(SCRIPT)
    rd = t.initrd("rd.img")
    uki.build(t.share / "hop.efi", rd, uki.CONSOLE)
    return uki.build(t.dir / "first.efi", rd, WORDS)


def meminfo(r, hop):
    rows = (line.split() for line in r.text(f"{hop}/meminfo").splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows}


def ends(values):
    """The first and the last ten, for a person to look at"""
    text = [f"{v:.1f}" if isinstance(v, float) else str(v) for v in values]
    return " ".join(text[:10]) + " ... " + " ".join(text[-10:])


def check_hops(t, r):
    for hop in range(LAST):
        t.equal(r.text(f"{hop}/load"), "load ok", f"hop {hop}: load")
        t.true(f"{hop}/exec" not in r.files, f"hop {hop}: execute came back")
    for hop in range(LAST + 1):
        t.equal(r.text(f"{hop}/bad"), "", f"hop {hop}: the kernel's log")
        t.equal(r.text(f"{hop}/said"), "event ok", f"hop {hop}: extends")
    t.quiet(r)


def user_events():
    """What user space extends until the flood, in its order"""
    for hop in range(HOPS + 1):
        for n in range(1, PHASES + 1):
            text = f"phase {n} of {hop}".encode()
            yield {b: hashlib.new(b, text).digest() for b in machine.ALL_BANKS}


def check_logs(t, r):
    for hop in LOOKS:
        events = oracle.check_log(
            r, hop, unknown=(11,) if hop == LAST else ())
        marks = tpmlog.tagged(events, tpmlog.TAG_KEXEC)
        t.equal([e.describe() for e in marks],
                [f"kexec:{n}" for n in range(1, hop + 1)],
                f"kernel {hop}: markers")
    notes = [tpmlog.note(e) for e in tpmlog.parse(
        r.files[f"{HOPS}/live_log"]) if tpmlog.note(e)]
    t.equal(notes, [], f"kernel {HOPS}: notes")


def check_flood(t, r):
    t.inside(f"{FLOOD} extends in", r.text("flood"), "the flood")
    events = oracle.check_log(r, "full", unknown=(11,))
    notes = [tpmlog.note(e) for e in events if tpmlog.note(e)]
    t.equal([(n.kind, n.pcr) for n in notes], [(tpmlog.FULL, 11)], "notes")
    mine = [e.digests for e in tpmlog.tagged(events, tpmlog.TAG_EXTEND)]
    want = list(user_events())
    t.equal(mine[:len(want)], want, "what user space has extended")
    t.true(len(mine) < len(want) + FLOOD, "the share of PCR 11 has no end")
    size = sum(len(e.raw) for e in tpmlog.tagged(events, tpmlog.TAG_EXTEND))
    print(f"{len(want)} extends of PCR 11 by user space in {HOPS + 1} kernels,"
          f" {len(mine)} of {len(want) + FLOOD} recorded, {size} bytes")


def check_sizes(t, r):
    """Each log is longer by one kexec and by what user space extends"""
    sizes = [int(r.text(f"{hop}/size")) for hop in range(LAST + 1)]
    steps = [b - a for a, b in zip(sizes, sizes[1:])]
    print(f"bytes of log at the start of a kernel: {ends(sizes)}")
    # The number in the command line and in the marker has up to three digits,
    # and the command line is UTF-16 in the record of PCR 12.
    t.true(max(steps[1:HOPS]) - min(steps[1:HOPS]) <= 16,
           f"growth of the log: {ends(steps)}")
    print(f"growth of the log per hop: {ends(steps[:HOPS])}")


def check_memory(t, r):
    """The log's pages are the only ones that a hop may cost"""
    for name in ("MemTotal", "MemFree", "MemAvailable"):
        kb = [meminfo(r, hop)[name] for hop in range(1, HOPS + 1)]
        print(f"{name}, kB: {ends(kb)}")
        allowed = 0 if name == "MemTotal" else SLACK_KB
        first, last = (statistics.median(x) for x in (kb[:10], kb[-10:]))
        t.true(last >= first - allowed,
               f"{name}: {first} kB in the first ten, {last} in the last")


def check_times(t, hops):
    t.equal(sorted(hops), list(range(LAST + 1)), "hops that were timed")
    tick = 100
    pairs = [(hops[n], hops[n + 1]) for n in range(1, HOPS)]
    wall = [b[0] - a[0] for a, b in pairs]
    spent = [(b[1] - a[1]) / tick for a, b in pairs]
    print(f"seconds per hop: {ends(wall)}")
    print(f"seconds of QEMU's processor time per hop: {ends(spent)}")
    first, last = (statistics.median(x) for x in (spent[:10], spent[-10:]))
    t.true(last <= first * SLOWER,
           f"{first} s per hop in the first ten, {last} s in the last")


def run(t):
    m = machine.Machine(t.name, boot=prepare(t), share=t.share, limit=LIMIT_S)
    watch = Watch(m.data)
    m.prepare()
    watch.start()
    r = m.run().need(f"{LAST}/pcrs", f"{LAST}/live_log", "full/pcrs")
    check_times(t, watch.hops)
    check_sizes(t, r)
    check_memory(t, r)
    check_hops(t, r)
    check_logs(t, r)
    check_flood(t, r)
