# SPDX-License-Identifier: GPL-2.0
"""Bad companion archives, and the flag where it does not belong.

Nothing of it loads anything or moves a PCR, and each refusal of a UKI says why.
"""

import shutil

from harness import initrd, paths

S_FILE, S_LINK = initrd.S_FILE, initrd.S_LINK


def archive(*members, done=True):
    """Members are (path, content) or arguments of Cpio.entry()"""
    cpio = initrd.Cpio()
    for path, content in members:
        cpio.file(path, content)
    return cpio.done() if done else bytes(cpio.out)


def odd(name, mode=S_FILE | 0o644, data=b"x"):
    cpio = initrd.Cpio()
    cpio.entry(name, mode, data)
    return cpio.done()


def patched(offset, text):
    """A good archive of one member with bytes of its header replaced"""
    data = bytearray(odd("loader/credentials/a.cred"))
    data[offset:offset + len(text)] = text
    return bytes(data)


GOOD = archive(("loader/credentials/a.cred", b"x"))
# Offsets in the header of newc: magic 0, nlink 38, filesize 54, namesize 94
BAD = {
    "text": b"this is no archive" * 20,
    "gzip": b"\x1f\x8b\x08" + bytes(200),
    "zeros": bytes(512),
    "crc": patched(0, b"070702"),
    "odc": patched(0, b"070707"),
    "digits": patched(54, b"0000000g"),
    "nlink": patched(38, b"00000002"),
    "size-big": patched(54, b"ffffffff"),
    "name-big": patched(94, b"ffffffff"),
    "name-zero": patched(94, b"00000000"),
    "name-short": patched(94, b"00000009"),
    "name-nul": odd("loader/credentials/a\0.cred"),
    "no-trailer": archive(("loader/credentials/a.cred", b"x"), done=False),
    "cut-name": GOOD[:120],
    "cut-content": GOOD[:len(GOOD) - 124 - 2],
    "cut-trailer": GOOD[:-20],
    "after-trailer": GOOD + b"x",
    "absolute": odd("/loader/credentials/a.cred"),
    "no-dir": odd("a.cred"),
    "other-dir": odd("loader/entries/a.conf"),
    "case-dir": odd("Loader/Credentials/a.cred"),
    "deeper": odd("loader/credentials/sub/a.cred"),
    "dotdot": odd("loader/credentials/../../a.cred"),
    "only-extra-d": odd(".extra.d/a.cred"),
    "two-ukis": archive(("EFI/Linux/a.efi.extra.d/a.cred", b"x"),
                        ("EFI/Linux/b.efi.extra.d/b.cred", b"x")),
    "twice": archive(("loader/credentials/a.cred", b"x"),
                     ("loader/credentials/a.cred", b"y")),
    "symlink": odd("loader/credentials/a.cred", S_LINK | 0o777),
    "fifo": odd("loader/credentials/a.cred", 0o010644),
    "secret-short": archive((".extra/boot-secret", bytes(31))),
    "secret-long": archive((".extra/boot-secret", bytes(33))),
    "secret-other": archive((".extra/secret", bytes(32))),
}
FLAG = "flags=0x40"
# name -> (arguments, errno, lines of the kernel).  It says why of UKIs only.
CALLS = {
    "no-initramfs": (f"/in/next.efi {FLAG}", "EINVAL", 0),
    "bzimage": ("/in/bzImage companions=/in/good", "EINVAL", 0),
    "junk": ("/in/junk companions=/in/good", "ENOEXEC", 0),
    "bad-fd": (f"/in/next.efi bad-initrd {FLAG}", "EBADF", 1),
    "dir": ("/in/next.efi companions=/in", "EBADF", 1),
    "empty": ("/in/next.efi companions=/in/empty", "EBADF", 1),
}
AFTER = """
pcrs end
try good kexec_load_file load /in/next.efi companions=/in/good
loaded good
pending good
try late kexec_load_file load /in/next.efi companions=/in/twice
loaded late
pending late
"""


def prepare(t):
    """The share's files; returns the calls"""
    t.next()
    shutil.copy(paths.BZIMAGE, t.share / "bzImage")
    (t.share / "junk").write_bytes(b"MZ" + bytes(4096))
    (t.share / "good").write_bytes(GOOD)
    (t.share / "empty").touch()
    calls = {}
    for name, data in BAD.items():
        (t.share / name).write_bytes(data)
        calls[name] = (f"/in/next.efi companions=/in/{name}", "EBADMSG", 1)
    return {**calls, **CALLS}


def check(t, r, name, errno, count):
    t.outcome(r, name, errno)
    lines = [x for x in r.text(f"{name}/dmesg").splitlines()
             if "kexec_uki: " in x]
    print(name, errno, *lines)
    t.equal(len(lines), count, f"{name}: lines of kexec_uki, {lines}")


def run(t):
    calls = prepare(t)
    r = t.boot("dump before\n" + "".join(
        f"try {name} kexec_load_file load {args}\nloaded {name}\n"
        for name, (args, _, _) in calls.items()) + AFTER)
    r.need("end/pcrs", "late/out")
    for name, (_, errno, count) in calls.items():
        check(t, r, name, errno, count)
        t.equal(r.text(f"{name}/loaded"), "0", f"{name}: kexec_loaded")
    t.same_pcrs(r.pcrs("end"), r.pcrs("before"), "after the refusals")
    t.outcome(r, "good", "ok")
    check(t, r, "late", "EBADMSG", 1)
    for name in ("good", "late"):
        t.equal(r.text(f"{name}/loaded"), "1", f"{name}: kexec_loaded")
    t.equal(r.files["late/pending"], r.files["good/pending"],
            "what is pending after a refusal")
    for word in ("BUG:", "WARNING:", "Oops"):
        t.true(word not in r.tail(500), f"{word} on the console")
