# SPDX-License-Identifier: GPL-2.0
"""Loading, replacing, unloading and failing to load move no PCR."""

SCRIPT = """
dump before
for n in 1 2; do
	try load$n kexec -s -l /in/next.efi
	pcrs load$n
done
try junk kexec_load_file load /in/junk
pcrs junk
try unload kexec -s -u
loaded unload
pcrs unload
try again kexec -s -l /in/next.efi
pcrs again
"""


def run(t):
    t.next()
    (t.share / "junk").write_bytes(b"not a kernel" * 1000)
    r = t.boot(SCRIPT).need("before/pcrs", "again/pcrs")
    before = r.pcrs("before")
    for step in ("load1", "load2", "again", "unload"):
        t.equal(r.status(step), 0, step)
    t.outcome(r, "junk", "ENOEXEC")
    t.equal(r.text("unload/loaded"), "0", "kexec_loaded after the unload")
    for step in ("load1", "load2", "junk", "unload", "again"):
        t.same_pcrs(r.pcrs(step), before, step, skip=())
