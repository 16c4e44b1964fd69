# SPDX-License-Identifier: GPL-2.0
"""The records that a kexec appends are, byte for byte, those of a cold boot.

Of a UKI with all the sections there are, one of its profiles and a command line
of one's own; and of a plain kernel, which the firmware starts through its EFI
stub.  Only our own tagged events are more, and the data of the event that is the
program's differs.
"""

import shutil

from harness import machine, oracle, paths, rich, tpmlog, uki

TEXT = f"{uki.CONSOLE} e2e=:second.sh word=parity"
PLAIN = f"{uki.CONSOLE} e2e=dump word=plain"
FIRST = f"""
dump before
try load kexec -s -l /in/next.efi --append="@1 {TEXT}"
pending load
try exec kexec -e
"""
SECOND = """
dump middle
try plain kexec -s -l /in/bzImage --initrd=/in/plain.img \
	--append="$(cat /in/plain.cmdline)"
pending plain
try exec2 kexec -e
"""


def profile(t):
    """A PE with one more profile, for ukify to join"""
    out = t.dir / "one.efi"
    uki.run([paths.TOOLS / "ukify", "build", "--profile", "ID=one\nTITLE=1\n",
             "--cmdline", f"{uki.CONSOLE} e2e=dump word=one",
             "--stub", paths.ADDON, "--output", out])
    return out


def program(event):
    """All that is not the event's data: the digests, and what comes before"""
    return event.raw[:len(event.raw) - 4 - len(event.data)]


def compare(t, got, cold, what):
    """got: the events that the kexec has appended"""
    want = oracle.uki_events(cold)
    ours = [e for e in got if e.tag in (tpmlog.TAG_KEXEC, tpmlog.TAG_INITRD)]
    theirs = [e for e in got if e not in ours]
    t.equal([e.tag for e in ours], [tpmlog.TAG_KEXEC], f"{what}: our events")
    t.true(got[0] is ours[0], f"{what}: the marker comes first")
    t.equal([(e.pcr, e.type_name) for e in theirs],
            [(e.pcr, e.type_name) for e in want], f"{what}: events")
    t.equal(program(theirs[0]), program(want[0]), f"{what}: the program")
    for n, (g, w) in enumerate(zip(theirs[1:], want[1:])):
        t.equal(g.raw, w.raw, f"{what}: record {n}, PCR {w.pcr}")
    return {e.pcr for e in want}


def run(t):
    rd = t.initrd("plain.img", {"who": b"plain\n"})
    shutil.copy(rd, t.share)
    shutil.copy(paths.BZIMAGE, t.share / "bzImage")
    image = t.next(options=rich.options(t) + ["--join-profile", profile(t)])
    (t.share / "second.sh").write_text(SECOND)
    # By the firmware's shell: QEMU's -kernel would write into the image.  The
    # shell passes the program's own name on, so that is in the command line.
    stub = oracle.cold(paths.BZIMAGE, register=rd, options=PLAIN)
    words = stub.text("after/cmdline")
    t.inside(PLAIN, words, "command line of the cold boot")
    (t.share / "plain.cmdline").write_text(words)
    r = t.boot(FIRST).need("before/pcrs", "middle/pcrs", "after/pcrs")
    t.equal((r.status("load"), r.status("plain")), (0, 0), "kexec -s -l")
    t.equal(r.text("middle/cmdline"), TEXT, "command line of the UKI")
    t.equal(r.text("after/cmdline"), words, "command line of the kernel")

    (t.share / "second.sh").write_text("dump after\n")
    cold = oracle.cold(image, f"@1 {TEXT}", share=t.share)
    t.equal(compare(t, oracle.appended(r, "before", "middle"), cold, "UKI"),
            {4, 9, 11, 12}, "PCRs of the UKI")
    t.equal(compare(t, oracle.appended(r, "middle", "after"), stub, "kernel"),
            {4, 9}, "PCRs of the kernel")
    for name, before, after in (("load", "before", "middle"),
                                ("plain", "middle", "after")):
        t.equal(r.files[f"{before}/live_log"] + r.files[f"{name}/pending"],
                r.files[f"{after}/bios_log"], f"{name}: the pending list")
        oracle.check_log(r, after)
    t.equal(sorted(r.pcrs("after")), sorted(machine.ALL_BANKS), "banks")
