# SPDX-License-Identifier: GPL-2.0
"""The cases of what "kexec-uki load" says of a refusal: its own words, which are also
those of its man page and cover the table of Documentation/admin-guide/kexec-uki.rst,
and the lines of the kernel.
"""

import errno
import os
import re

from loading import Esp, PLAIN, call
from place import DIFFERS, HERE, OK, check, equal

TOOL = HERE.parents[1] / "tools/kexec-uki"
GUIDE = HERE.parents[1] / "Documentation/admin-guide/kexec-uki.rst"

# A word of what each errno means
REFUSALS = {
    "ENOEXEC": "takes no UKIs", "EBADMSG": "damaged", "ELIBBAD": "machine",
    "ENODATA": "no profile", "E2BIG": "too long", "EPERM": "Signatures are enforced",
    "EKEYREJECTED": "revoked", "ENOKEY": "trust", "ENOPKG": "module",
    "ENODEV": "TPM", "ENOSPC": "handed over", "EIO": "could not be read",
    "ESTALE": "not valid", "EBUSY": "under way", "ENOMEM": "memory",
    "EFBIG": "4 GiB", "EBADF": "initrd", "ETXTBSY": "open for writing",
    "EADDRNOTAVAIL": "no place", "EACCES": "policy", "EINVAL": "arguments",
    "EFAULT": "out of the memory",
    "ENOSYS": "no kexec_file_load()",
}


# The kernel's lines

OLD = "5,10,100,-;kexec_uki: an old line\n"
NEW = ("6,11,101,-;usb 1-1: something else\n"
       "5,12,102,-;kexec_uki: refused: .linux: outside: 0x1, limit 0x2\n"
       " SUBSYSTEM=x\n DEVICE=kexec_uki: no line\n"
       "13,13,103,-;kexec_uki: somebody in user space\n"
       "4,14,104,-,caller=T1;kexec_measure: with a caller\n"
       "5,15,105,-;kexec_file: \\x1b[31m escaped\n"
       "5,16,106,-;ima: a line of IMA\n"
       "5,17,107,-;Lockdown: kexec-uki: is restricted; see man\n"
       "5,18,108,-;my kexec_uki: in the middle\n"
       "5,19,109,-;kexec: \x07raw\n")
LINES = ("  kernel: kexec_uki: refused: .linux: outside: 0x1, limit 0x2\n"
         "  kernel: kexec_measure: with a caller\n"
         "  kernel: kexec_file: \\x1b[31m escaped\n"
         "  kernel: ima: a line of IMA\n"
         "  kernel: Lockdown: kexec-uki: is restricted; see man\n"
         "  kernel: kexec: \\x07raw\n")


def with_kmsg(p, *args, new=NEW, mounts="", during=None, **kw):
    kmsg = p.path / "kmsg"
    kmsg.write_text(OLD)

    def say():
        with kmsg.open("a") as file:
            file.write(new)
        if during:
            during()

    args = args or ("load", "--no-companions", str(p.path / "esp/a.efi"))
    return call(p, *args, mounts=f"mount --bind {kmsg} /dev/kmsg\n{mounts}",
                during=say, **kw)[1]


def test_load_kmsg(p):
    """The kernel's own lines of this load, and no others"""
    Esp(p, path="a.efi")
    run = with_kmsg(p, answer="EBADMSG", status=DIFFERS)
    check(run.err.endswith("\n" + LINES), run.err)
    equal(run.out, "", "standard output")
    run = with_kmsg(p)
    check(run.out.endswith("is loaded.\n" + LINES), run.out)
    equal(run.err, "", "standard error")
    run = with_kmsg(p, answer="EBADMSG", status=DIFFERS, new="")
    check("has no line about it" in run.err, run.err)
    run = with_kmsg(p, new="")
    check(run.out.endswith("is loaded.\n"), run.out)


def test_load_kmsg_lost(p):
    """A log that has been overwritten is read on"""
    Esp(p, path="a.efi")
    run = with_kmsg(p, program=PLAIN)
    at = run.count("read", "usb 1-1")
    run = with_kmsg(p, program=PLAIN, inject=[f"read:error=EPIPE:when={at}"])
    check(run.out.endswith("is loaded.\n" + LINES), run.out)


def test_load_kmsg_unreadable(p):
    """It says that it cannot read the kernel's log"""
    esp = Esp(p)
    args = ("load", "--no-companions", str(esp.uki))
    _, run = call(p, *args, program=PLAIN)
    at = run.count("openat", "/dev/kmsg")
    for answer, status in ((None, OK), ("EBADMSG", DIFFERS)):
        _, run = call(p, *args, program=PLAIN, answer=answer, status=status,
                      inject=[f"openat:error=EPERM:when={at}"])
        check("/dev/kmsg cannot be read (Operation not permitted)"
              in run.out + run.err, run.out + run.err)


def examples():
    """The literal blocks in the chapter of the guide on errors"""
    chapter = re.split(r"^Errors\n======\n", GUIDE.read_text(), flags=re.M)[1]
    chapter = re.split(r"^===+\n", chapter, flags=re.M)[0]
    lines, indent, block = [], 0, False
    for line in filter(str.strip, chapter.splitlines()):
        depth = len(line) - len(line.lstrip())
        block = block and depth > indent
        if block:
            lines.append(line.strip())
        elif line.endswith("::"):
            indent, block = depth, True
    return lines


def test_load_kmsg_guide(p):
    """Each line that the guide knows, and those of the parts below it"""
    Esp(p, path="a.efi")
    lines = examples()
    count = GUIDE.read_text().count(": refused: ")
    equal(sum(": refused: " in x for x in lines), count, "lines with a refusal")
    prefixes = {x.split()[0] for x in lines}
    check(prefixes >= {"kexec_uki:", "kexec_measure:", "kexec_file:", "tpm:", "ima:",
                       "Lockdown:"}, prefixes)
    lines += ["tpm tpm0: A TPM error (257) occurred attempting to extend a PCR value",
              "PEFILE: Unsigned PE binary", "PKCS7: Sig 1: No messageDigest",
              "PKCS7key: Invalid usage type 9", "MSCODE: Unknown OID: 1.2",
              "X.509: Cert 00 is blacklisted", "SIG: x", "PKEY: x",
              "kexec-bzImage64: initrd is too large"]
    new = "".join(f"5,{n},{n},-;{x}\n" for n, x in enumerate(lines, 11))
    run = with_kmsg(p, answer="EBADMSG", status=DIFFERS, new=new)
    equal([x for x in run.err.splitlines() if x.startswith("  kernel: ")],
          [f"  kernel: {x}" for x in lines], "lines")


# Refusals

def test_load_refused(p):
    """Each errno has its words, and is final"""
    uki = Esp(p, path="a.efi").uki
    seen = {}
    for name, word in REFUSALS.items():
        run = with_kmsg(p, answer=name, status=DIFFERS)
        lines = run.err.splitlines()
        text = os.strerror(getattr(errno, name))
        equal(lines[0], f"kexec-uki: {uki}: refused by the kernel: {text} "
              f"({name})", name)
        check(word in lines[1], f"{name}: {lines}")
        check(lines[2].startswith("  ") and len(lines[2]) > 9, f"{name}: {lines}")
        equal(run.out, "", f"{name}: standard output")
        seen[lines[1]] = seen[lines[2]] = name
    equal(len(seen), 2 * len(REFUSALS), "texts")
    run = with_kmsg(p, answer="524", status=DIFFERS)
    check("refused by the kernel" in run.err and "524" in run.err, run.err)


def plain(text):
    """What a man page shows of some of its source"""
    text = re.sub(r"^\.(BR?|IR?) ", "", text, flags=re.M)
    return " ".join(text.replace("\\-", "-").replace(" .\n", ".\n").split())


def test_load_refused_tables(p):
    """The tool, the man page and the guide know the same errnos"""
    source = (TOOL / "refusal.c").read_text()
    source = source[source.index("load_words[] = {"):]
    source = source[:source.index("};")]
    tool = {m[1]: "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', m[2])).replace('\\"', '"')
            for m in re.finditer(r"WORDS\((E\w+),(.*?)\)(?=[,\n])", source, re.S)}
    equal(set(tool), set(REFUSALS), "errnos of refusal.c")

    man = (TOOL / "kexec-uki.8").read_text()
    man = man[man.index("\n.SH ERRORS\n"):man.index("\n.SH FILES\n")]
    man = dict(re.findall(r"^\.TP\n\.B (E\w+)\n(.*?)(?=^\.TP$|^\.PP$|\Z)", man,
                          re.M | re.S))
    equal(set(man), set(tool), "errnos of the man page")
    for name, text in tool.items():
        equal(plain(man[name]).replace(" ", "")[:len(text.replace(" ", ""))],
              text.replace(" ", ""), f"words of {name} in the man page")

    guide = GUIDE.read_text().split("\nFrom kexec_file_load()\n---")[1]
    guide = guide.split("\nFrom reboot(2)")[0]
    terms = re.findall(r"^(E[A-Z0-9]+(?:, E[A-Z0-9]+)*).*\n    \S", guide, re.M)
    names = {x for term in terms for x in term.split(", ")}
    check(len(names) >= 14 and {"EPERM", "EBADMSG", "EKEYREJECTED"} <= names, names)
    equal(names - set(tool), set(), "errnos of the guide without words")


def knobs(p, disabled=0, reboot=-1, panic=-1):
    """Mounts over /proc/sys/kernel, and the directory"""
    place = p.path / "knobs"
    place.mkdir(exist_ok=True)
    for name, value in (("disabled", disabled), ("limit_reboot", reboot),
                        ("limit_panic", panic)):
        (place / f"kexec_load_{name}").write_text(f"{value}\n")
    return f"mount --bind {place} /proc/sys/kernel", place


def test_load_not_permitted(p):
    """EPERM that has nothing to do with signatures"""
    uki = Esp(p, path="a.efi").uki
    args = ("load", "--no-companions", str(uki))
    no_line = "no CAP_SYS_BOOT, or kernel.kexec_load_disabled, or a load limit"
    for state, more, new, want in (
            ({"disabled": 1}, (), "", "kexec_load_disabled is 1"),
            ({"disabled": 1}, (), NEW, "kexec_load_disabled is 1"),
            ({"reboot": 0}, (), "", "kexec_load_limit_reboot is 0"),
            ({"reboot": 0}, ("--crash",), "", no_line),
            ({"panic": 0}, ("--crash",), "", "kexec_load_limit_panic is 0"),
            ({"panic": 0}, (), "", no_line),
            ({"reboot": 1, "panic": 10}, (), "", no_line),
            ({}, (), "", no_line),
            ({}, (), NEW, "Signatures are enforced: ")):
        mounts, _ = knobs(p, **state)
        run = with_kmsg(p, *args, *more, answer="EPERM", status=DIFFERS, new=new,
                        mounts=mounts)
        check(want in run.err, f"{state} {more} {want}: {run.err}")
        equal("Signatures are enforced: " in run.err,
              want == "Signatures are enforced: ", f"signatures in {run.err}")

    # This load has used the limit up, and was refused for its signature.
    mounts, place = knobs(p, reboot=1)
    run = with_kmsg(p, *args, answer="EPERM", status=DIFFERS, mounts=mounts,
                    during=lambda: (place / "kexec_load_limit_reboot")
                    .write_text("0\n"))
    check("Signatures are enforced: " in run.err, run.err)

    for more, which in (((), "reboot"), (("--crash",), "panic")):
        mounts, _ = knobs(p, **{which: 0})
        run = with_kmsg(p, "unload", *more, answer="EPERM", status=DIFFERS, new="",
                        mounts=mounts)
        check(f"kexec_load_limit_{which} is 0" in run.err, run.err)


def test_load_not_permitted_unknown(p):
    """EPERM, and the kernel's log cannot be read"""
    mounts, _ = knobs(p)
    args = ("load", "--no-companions", str(Esp(p).uki))
    _, run = call(p, *args, program=PLAIN, mounts=mounts)
    at = run.count("openat", "/dev/kmsg")
    _, run = call(p, *args, program=PLAIN, mounts=mounts, answer="EPERM",
                  status=DIFFERS, inject=[f"openat:error=EPERM:when={at}"])
    check("Signatures are enforced; or no CAP_SYS_BOOT" in run.err and
          "/dev/kmsg cannot be read" in run.err, run.err)


def test_load_refused_special(p):
    """Where more is known than the errno"""
    esp = Esp(p)
    esp.put("loader/credentials/x.cred")
    args = ("load", "--esp", str(esp.root), str(esp.uki))
    for answer, word in (("EINVAL", "does not know companions"),
                         ("EINVAL", "--no-companions")):
        _, run = call(p, *args, answer=answer, status=DIFFERS)
        check(word in run.err, run.err)
    mounts, _ = knobs(p)
    run = with_kmsg(p, *args, "--crash", answer="EPERM", status=DIFFERS,
                    mounts=mounts)
    words = run.err.partition("  kernel: ")[0]
    for word in ("Signatures are enforced: ", "leave out credentials, extensions",
                 "--boot-secret", "Addons with a good signature"):
        check(word in words, words)
    for word in ("TPM", "crash"):
        check(word not in words, words)
    _, run = call(p, *args, answer="EPERM", status=DIFFERS,
                  before=("unshare", "-U"))
    check("It takes root" in run.err, run.err)

    sys_files = "mount -t tmpfs x /sys; mkdir /sys/kernel\n" \
        "echo 1 > /sys/kernel/kexec_loaded; echo 0 > /sys/kernel/kexec_crash_size"
    still, reserve = "is still loaded", "crashkernel="
    for more, has, lacks in (((), still, reserve), (("--crash",), reserve, still)):
        _, run = call(p, *args, *more, answer="EBADMSG", status=DIFFERS,
                      mounts=sys_files)
        check(has in run.err and lacks not in run.err, run.err)
    _, run = call(p, *args, answer="EBADMSG", status=DIFFERS,
                  mounts=sys_files.replace("echo 1", "echo 0"))
    check(still not in run.err, run.err)
