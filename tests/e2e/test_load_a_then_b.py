# SPDX-License-Identifier: GPL-2.0
"""Load A, then B, then fail to load C: only B is measured."""

SCRIPT = """
dump before
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
    t.equal((r.status("a"), r.status("b")), (0, 0), "kexec -s -l")
    t.outcome(r, "c", "EBADMSG")
    t.equal(r.text("c/loaded"), "1", "B is still loaded")
    t.equal(r.text("after/who"), "b", "who runs after")
    t.hop(r, image)
