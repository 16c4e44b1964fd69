# SPDX-License-Identifier: GPL-2.0
"""IMA's list goes along, and PCR 10 is what its list replays to."""

from harness import imalog

SCRIPT = """
cat /in/read-by-root > /dev/null
dump before
try load kexec -s -l /in/next.efi
try exec kexec -e
"""
WORDS = "ima_policy=tcb"


def run(t):
    image = t.next(cmdline=WORDS)
    (t.share / "read-by-root").write_bytes(b"measure me\n")
    r = t.boot(SCRIPT, first=t.first(WORDS)).need("before/pcrs", "after/pcrs")
    names = {"sha1": "binary_runtime_measurements_sha1",
             "sha256": "binary_runtime_measurements_sha256"}
    for bank, name in names.items():
        before = imalog.parse(r.files[f"before/ima/{name}"], bank)
        after = imalog.parse(r.files[f"after/ima/{name}"], bank)
        t.true(len(before) > 2, f"{len(before)} entries before")
        t.equal(after[:len(before)], before, f"{bank}: the list went along")
        t.true(len(after) > len(before), f"{bank}: the new kernel adds to it")
        for when, rows in (("before", before), ("after", after)):
            t.equal(r.pcrs(when)[bank][10], imalog.replay(rows, bank),
                    f"{bank} PCR 10 {when}, against the list")
    t.hop(r, image)
