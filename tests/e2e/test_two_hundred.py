# SPDX-License-Identifier: GPL-2.0
"""200 rounds of loads and unloads end with the memory that they began with.

A round loads a UKI with companions, the same as crash kernel, and a plain
kernel in the place of the first, and lets go of all.  One page that is lost in
each round is found.
"""

import re

from harness import initrd, tiny, uki

WARM, ROUNDS = 20, 200
PAGE_KB = 4

# The kernel itself gives and takes meanwhile: 36 KB were seen
DRIFT_KB = ROUNDS * PAGE_KB // 2

SCRIPT = """
companions=/in/companions
round()
{
	kexec_load_file load /in/tiny.efi companions=$companions &&
		kexec_load_file load /in/tiny.efi crash &&
		kexec_load_file load /in/plain cmdline=word initrd=/in/small &&
		kexec -u && kexec -p -u
}
rounds()
{
	for n in $(seq $1); do
		round > /tmp/last 2>&1 || { echo "failed $n"; return; }
	done
	echo done $1
}
memory()
{
	for n in 1 2 3; do
		echo 3 > /proc/sys/vm/drop_caches
		sleep 0.2
	done
	emit $1 < /proc/meminfo
	emit $1-zones < /proc/zoneinfo
}
rounds %d > /tmp/warm
memory before
rounds %d > /tmp/all
memory after
cat /tmp/warm /tmp/all /tmp/last | emit rounds
dmesg | emit kernel
"""

# Of /proc/meminfo; more of these is a loss, and less of what is free
USED = ("Slab", "SUnreclaim", "VmallocUsed", "Percpu", "PageTables",
        "KernelStack")


def memory(r, when):
    """name: KB.  MemFree does not count what lies ready in per-CPU lists."""
    rows = {x.split()[0].rstrip(":"): int(x.split()[1])
            for x in r.text(when).splitlines()}
    out = {name: rows[name] for name in USED}
    zones = r.text(f"{when}-zones")
    pages = re.findall(r"nr_free_pages +(\d+)|^ +count: +(\d+)", zones, re.M)
    out["free"] = -PAGE_KB * sum(int(a or b) for a, b in pages)
    return out


def run(t):
    linux = t.share / "plain"
    linux.write_bytes(tiny.bzimage())
    small = t.share / "small"
    small.write_bytes(bytes(range(256)) * 64)
    uki.build(t.share / "tiny.efi", small, "word=embedded", linux=linux)
    (t.share / "companions").write_bytes(initrd.archive({
        "loader/credentials/a.cred": b"credential\n" * 100}))
    r = t.boot(SCRIPT % (WARM, ROUNDS), first=t.first("crashkernel=64M"))
    r.need("before", "after", "rounds")
    t.equal(r.text("rounds").splitlines()[:2],
            [f"done {WARM}", f"done {ROUNDS}"], "rounds")
    before, after = memory(r, "before"), memory(r, "after")
    for name, kb in before.items():
        print(f"{name}: {abs(kb)} KB, then {abs(after[name])} KB")
    for name, kb in before.items():
        t.true(after[name] - kb < DRIFT_KB,
               f"{name}: {after[name] - kb} KB are lost in {ROUNDS} rounds")
