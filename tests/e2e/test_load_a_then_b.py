# SPDX-License-Identifier: GPL-2.0
"""Load A, then B, then fail to load C: only B is measured.

Before that A is loaded twice at once: the loser may get EBUSY, and then all of
the above has to work.
"""

ROUNDS = 4
SCRIPT = f"""
dump before
for n in $(seq {ROUNDS}); do
	for m in 1 2; do
		kexec_load_file load /in/a.efi > /tmp/race$m &
	done
	wait
	cat /tmp/race1 /tmp/race2
done > /tmp/races
emit races < /tmp/races
loaded races
try a kexec -s -l /in/a.efi
try b kexec -s -l /in/b.efi
try c kexec_load_file load /in/c
loaded c
try exec kexec -e
"""


def run(t):
    t.next("a.efi", who=b"a\n", cmdline="word=a")
    image = t.next("b.efi", who=b"b\n", cmdline="word=b")
    (t.share / "c").write_bytes(image.read_bytes()[:-5000])
    r = t.boot(SCRIPT).need("before/pcrs", "after/pcrs")
    races = r.text("races").split()[1::2]
    t.equal(len(races), 2 * ROUNDS, "loads at once")
    t.true(set(races) <= {"ok", "EBUSY"}, f"loads at once: {races}")
    for n in range(ROUNDS):
        t.inside("ok", races[2 * n:2 * n + 2], "loads at once")
    t.inside("EBUSY", races, "loads at once, or they were not")
    t.equal(r.text("races/loaded"), "1", "kexec_loaded after the races")
    t.equal((r.status("a"), r.status("b")), (0, 0), "kexec -s -l")
    t.outcome(r, "c", "EBADMSG")
    t.equal(r.text("c/loaded"), "1", "B is still loaded")
    t.equal(r.text("after/who"), "b", "who runs after")
    t.hop(r, image)
