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
# name -> (archive, what the kernel says is wrong with it).
# Offsets in the header of newc: magic 0, nlink 38, filesize 54, namesize 94
BAD = {
    "text": (
        b"this is no archive" * 20,
        "not a header of the format newc"),
    "gzip": (
        b"\x1f\x8b\x08" + bytes(200),
        "not a header of the format newc"),
    "zeros": (
        bytes(512),
        "not a header of the format newc"),
    "crc": (
        patched(0, b"070702"),
        "not a header of the format newc"),
    "odc": (
        patched(0, b"070707"),
        "not a header of the format newc"),
    "digits": (
        patched(54, b"0000000g"),
        "a header field is no hexadecimal number"),
    "nlink": (
        patched(38, b"00000002"),
        "a file with more than one link"),
    "size-big": (
        patched(54, b"ffffffff"),
        "content outside the archive"),
    "name-big": (
        patched(94, b"ffffffff"),
        "a name outside the archive"),
    "name-zero": (
        patched(94, b"00000000"),
        "a member without a name"),
    "name-short": (
        patched(94, b"00000009"),
        "a name that does not end with its only NUL"),
    "name-nul": (
        odd("loader/credentials/a\0.cred"),
        "a name that does not end with its only NUL"),
    "no-trailer": (
        archive(("loader/credentials/a.cred", b"x"), done=False),
        "the archive ends without a trailer"),
    "cut-name": (
        odd("loader/credentials/a.cred")[:120],
        "a name outside the archive"),
    "cut-content": (
        GOOD[:len(GOOD) - 124 - 2],
        "content outside the archive"),
    "cut-trailer": (
        GOOD[:-20],
        "the archive ends without a trailer"),
    "cut-trailer-name": (
        GOOD[:-8],
        "a name outside the archive"),
    "after-trailer": (
        GOOD + b"x",
        "bytes behind the trailer"),
    "absolute": (
        odd("/loader/credentials/a.cred"),
        "unknown directory"),
    "no-dir": (
        odd("a.cred"),
        "a file in no directory"),
    "other-dir": (
        odd("loader/entries/a.conf"),
        "unknown directory"),
    "case-dir": (
        odd("Loader/Credentials/a.cred"),
        "unknown directory"),
    "deeper": (
        odd("loader/credentials/sub/a.cred"),
        "unknown directory"),
    "dotdot": (
        odd("loader/credentials/../../a.cred"),
        "unknown directory"),
    "only-extra-d": (
        odd(".extra.d/a.cred"),
        "unknown directory"),
    "two-ukis": (
        archive(("EFI/Linux/a.efi.extra.d/a.cred", b"x"),
                ("EFI/Linux/b.efi.extra.d/b.cred", b"x")),
        "companions of more than one UKI"),
    "twice": (
        archive(("loader/credentials/a.cred", b"x"),
                ("loader/credentials/a.cred", b"y")),
        "a file that is there twice"),
    "symlink": (
        odd("loader/credentials/a.cred", S_LINK | 0o777),
        "neither a file nor a directory"),
    "fifo": (
        odd("loader/credentials/a.cred", 0o010644),
        "neither a file nor a directory"),
    "secret-short": (
        archive((".extra/boot-secret", bytes(31))),
        "boot secret of a wrong size"),
    "secret-long": (
        archive((".extra/boot-secret", bytes(33))),
        "boot secret of a wrong size"),
    "secret-other": (
        archive((".extra/secret", bytes(32))),
        "unknown file in .extra"),
    "secret-zeros": (
        archive((".extra/boot-secret", bytes(32))),
        "boot secret of zeros"),
    "too-many": (
        archive(*((f"loader/credentials/{n}.cred", b"")
                  for n in range(1025))),
        "too many companions"),
}
FLAG = "flags=0x40"
NO_UKI = "refused: companions, but the file is no unified kernel image"
UNREAD = "refused: the passed initrd cannot be read"
# name -> (arguments, errno, the one line of the kernel or none)
CALLS = {
    "no-initramfs": (f"/in/next.efi {FLAG}", "EINVAL", ""),
    "bzimage": ("/in/bzImage companions=/in/good", "EINVAL", NO_UKI),
    "junk": ("/in/junk companions=/in/good", "ENOEXEC", ""),
    "bad-fd": (f"/in/next.efi bad-initrd {FLAG}", "EBADF", UNREAD),
    "dir": ("/in/next.efi companions=/in", "EBADF", UNREAD),
    "empty": ("/in/next.efi companions=/in/empty", "EBADF", UNREAD),
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
    for name, (data, words) in BAD.items():
        (t.share / name).write_bytes(data)
        calls[name] = (f"/in/next.efi companions=/in/{name}", "EBADMSG", words)
    return {**calls, **CALLS}


def check(t, r, name, errno, words):
    t.outcome(r, name, errno)
    lines = [x for x in r.text(f"{name}/dmesg").splitlines()
             if "kexec_uki: " in x or "kexec_file: " in x]
    t.equal(len(lines), int(bool(words)),
            f"{name}: the kernel's lines, {lines}")
    t.inside(words, "".join(lines), f"{name}: the kernel's line")
    if errno == "EBADMSG":
        t.inside("kexec_uki: refused: companions: ", lines[0], name)


def run(t):
    calls = prepare(t)
    r = t.boot("dump before\n" + "".join(
        f"try {name} kexec_load_file load {args}\nloaded {name}\n"
        for name, (args, _, _) in calls.items()) + AFTER)
    r.need("end/pcrs", "late/out")
    for name, (_, errno, words) in calls.items():
        check(t, r, name, errno, words)
        t.equal(r.text(f"{name}/loaded"), "0", f"{name}: kexec_loaded")
    t.same_pcrs(r.pcrs("end"), r.pcrs("before"), "after the refusals")
    t.outcome(r, "good", "ok")
    check(t, r, "late", "EBADMSG", BAD["twice"][1])
    for name in ("good", "late"):
        t.equal(r.text(f"{name}/loaded"), "1", f"{name}: kexec_loaded")
    t.equal(r.files["late/pending"], r.files["good/pending"],
            "what is pending after a refusal")
    for word in ("BUG:", "WARNING:", "Oops"):
        t.true(word not in r.tail(500), f"{word} on the console")
