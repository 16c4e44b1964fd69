# SPDX-License-Identifier: GPL-2.0
"""An execute has its memory before it extends: a fault is ENOMEM, or no matter.

Each allocation fails once, until the kernel gets over one and jumps: into a
kernel of a few bytes, which says so.  No allocation may be left that can stop a
kexec between the first extend and the jump.  Without IMA's policy and kmemleak,
which would get over theirs in between.
"""

import re

from harness import mutants, oracle, paths

NEEDS = (paths.variant("kasan"),)
SCRIPT = mutants.SELF + mutants.FAULTS + """
logs before
n=1
while :; do
	try exec$n failnth exec /in/base.efi from=$n
	[ $? = 3 ] || break
	logs exec$n
	n=$((n + $(grep -c ^exec /tmp/try.out)))
done
"""
EXTENDED = "kexec_measure: extended the TPM with "


def faults(console):
    """The first own function of each call trace of a fault"""
    traces = console.split("FAULT_INJECTION: forcing a failure")[1:]
    return [re.findall(r"(\w+)(?:\.\w+)*\+0x\w+/", x)[:14] for x in traces]


def run(t):
    mutants.prepare(t)
    first = t.first("log_buf_len=4M loglevel=7 slab_nomerge kmemleak=off "
                    "kasan_multi_shot", extra=mutants.tool(), linux=NEEDS[0])
    r = t.boot(SCRIPT, first=first, memory=2048, limit=7200)
    console = r.tail(4000)
    print("\n".join(r.said))
    print("\n".join(" ".join(x) for x in faults(console)))
    failed = [x.split() for x in r.said if re.match(r"E[A-Z]+ \d+ ", x)]
    t.equal([x for x in r.said if x.startswith("bad ")], [], "bad ones")
    t.equal(mutants.splats(console, mutants.SPLATS)[:5], [],
            "what the kernel complains about")
    t.true(failed, "no execute failed")
    t.equal([int(x[1]) for x in failed], list(range(1, len(failed) + 1)),
            "which failed")
    t.equal({x[0] for x in failed}, {"ENOMEM"}, "their errnos")
    # What comes after the last failure has no need of memory, or gets over it.
    t.true(len(faults(console)) - len(failed) in (0, 1), "faults")
    t.equal((r.said[-1], r.ended), ("jumped", "bye"), "how it ended")
    t.equal(console.count(EXTENDED), 1, "executes that have extended")
    for name in sorted(x.split("/")[0] for x in r.files
                       if re.fullmatch(r"exec\d+/pcrs", x)):
        oracle.check_log(r, name)
        t.checks += 1
