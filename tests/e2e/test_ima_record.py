# SPDX-License-Identifier: GPL-2.0
"""IMA's list names what was kexeced: envelope, sections, final command line.

The digests come from others: objcopy takes the sections apart, and that of an
envelope is what sbsign has signed, or what the firmware logs in a cold boot.
Two hops, the second with a command line of its own and companions; the list of the
last kernel replays to PCR 10.
"""

import hashlib

from harness import authenticode, imalog, initrd, oracle, uki

POLICY = "measure func=CRITICAL_DATA\nmeasure func=KEXEC_CMDLINE\n"
OTHER = f"{uki.CONSOLE} e2e=dump word=other"

SECTIONS = (".linux", ".osrel", ".cmdline", ".initrd", ".uname", ".sbat")

SECOND = f"""
cat /in/policy > /sys/kernel/security/ima/policy
dump middle
try load2 kexec_load_file load /in/b.efi companions=/in/archive cmdline="{OTHER}"
try exec2 kexec -e
"""
FIRST = """
cat /in/policy > /sys/kernel/security/ima/policy
dump before
try load kexec -s -l /in/a.efi
dump loaded
try exec kexec -e
"""


def check_record(t, entry, image, envelope, what, archive=None):
    said = imalog.identity(entry)
    if archive:
        t.equal(said.pop("archive"), f"sha256:{uki.digest(archive)}",
                f"{what}: the archive of companions")
    t.equal(said.pop("envelope"), f"sha256:{envelope}", f"{what}: envelope")
    for name in SECTIONS:
        content = hashlib.sha256(uki.section(image, name)).hexdigest()
        t.equal(said.pop(name), f"sha256:{content}", f"{what}: {name}")
    count = int(said.pop("ima_runtime_measurements_count"))
    t.true(count > 0, f"{what}: count")
    t.equal(said, {}, f"{what}: what else it names")
    t.equal(entry.value, ("sha256", hashlib.sha256(entry.buf).digest()),
            f"{what}: digest of the record")


def run(t):
    (t.share / "policy").write_text(POLICY)
    (t.share / "second.sh").write_text(SECOND)
    plain = t.next("a-plain.efi", cmdline="e2e=:second.sh")
    a = uki.sign(plain, t.share / "a.efi")
    b = t.next("b.efi", cmdline="word=b")
    archive = t.share / "archive"
    archive.write_bytes(initrd.archive(
        {"loader/extensions/a.raw": b"long" * 20000}))
    r = t.boot(FIRST)
    r.need("before/pcrs", "loaded/pcrs", "middle/pcrs", "after/pcrs")
    t.equal((r.status("load"), r.status("load2")), (0, 0), "kexec -s -l")
    t.equal(r.text("after/cmdline"), OTHER, "command line at the end")

    before, after = imalog.lists(r, "before"), imalog.lists(r, "after")
    t.true(len(after) > 1, "lists of all banks")
    for bank, rows in after.items():
        t.equal(rows[:len(before[bank])], before[bank],
                f"{bank}: the list went along")
        for when in ("before", "loaded", "middle", "after"):
            t.equal(r.pcrs(when)[bank][imalog.IMA_PCR],
                    imalog.replay(imalog.lists(r, when)[bank], bank),
                    f"{bank} PCR 10 {when}")

    rows = after["sha256"]
    names = [e.name for e in rows]
    hop = ["kexec-cmdline", "kexec_load", "kexec_uki", "kexec_execute",
           "boot_aggregate"]
    t.equal([n for n in names if n in hop], hop[-1:] + hop + hop,
            "records of a kexec, in their order")
    t.equal(imalog.named(imalog.lists(r, "loaded")["sha256"], "kexec_uki"),
            [], "kexec_uki after a load without execute")

    texts = [e.buf.decode() for e in imalog.named(rows, "kexec-cmdline")]
    t.equal(texts, [r.text("middle/cmdline"), OTHER], "command lines")
    one, two = imalog.named(rows, "kexec_uki")
    check_record(t, one, a, authenticode.digest(a), "first kexec")
    program = oracle.uki_events(oracle.cold(b))[0]
    check_record(t, two, b, program.digests["sha256"].hex(), "second kexec",
                 archive)
