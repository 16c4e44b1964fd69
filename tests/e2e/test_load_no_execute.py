# SPDX-License-Identifier: GPL-2.0
"""Loading, replacing, unloading and failing to load move no PCR.

Nor do they add to the log; the pending list is that of the loaded image.
"""

import shutil

from harness import paths, tpmlog

SCRIPT = """
dump before
for n in 1 2; do
	try load$n kexec -s -l /in/next.efi
	logs load$n
	pending load$n
done
try junk kexec_load_file load /in/junk
logs junk
pending junk
try unload kexec -s -u
loaded unload
logs unload
pending unload
try again kexec -s -l /in/next.efi
logs again
pending again
try other kexec -c -l /in/bzImage --append=other
loaded other
logs other
pending other
"""


def run(t):
    t.next()
    (t.share / "junk").write_bytes(b"not a kernel" * 1000)
    shutil.copy(paths.BZIMAGE, t.share / "bzImage")
    r = t.boot(SCRIPT).need("before/pcrs", "other/pcrs")
    before = r.pcrs("before")
    for step in ("load1", "load2", "again", "unload", "other"):
        t.equal(r.status(step), 0, step)
    t.outcome(r, "junk", "ENOEXEC")
    t.equal(r.text("unload/loaded"), "0", "kexec_loaded after the unload")
    t.equal(r.text("other/loaded"), "1", "kexec_loaded after kexec_load()")
    for step in ("load1", "load2", "junk", "unload", "again", "other"):
        t.same_pcrs(r.pcrs(step), before, step, skip=())
        t.equal(r.files[f"{step}/live_log"], r.files["before/live_log"],
                f"the live log after {step}")
    pending = r.files["load1/pending"]
    t.true(pending, "nothing is pending after the load")
    for step in ("load2", "junk", "again"):
        t.equal(r.files[f"{step}/pending"], pending, f"pending after {step}")
    t.equal(r.files["unload/pending"], b"", "pending after unload")
    other = tpmlog.parse(r.files["other/pending"],
                         tpmlog.split(r.files["before/bios_log"])[0])
    t.equal([e.describe() for e in other], ["kexec:1", "kexec_load"],
            "pending after kexec_load()")
