# SPDX-License-Identifier: GPL-2.0
"""What shim would not start for its .sbat a kexec does not load.

The oracle is the real shim of Debian, signed with the key of these tests, with
the level that it has built in: files are first started by it, one boot entry
after the other, until one lives.  That one is asked to kexec all files, and so
is the kernel that comes next.  shim also loads addons and inner kernels, for
systemd-stub.  It takes its time to tell what it does, so here it gets some of
the files; long/test_sbat_shim.py gives it all of them.

In a second guest, which no shim has booted, root makes a level.
"""

import re
import shutil
import struct
import uuid
from pathlib import Path

from harness import initrd, paths, uki, varstore
from matrix import make

SHIM_LOCK = uuid.UUID("605dab50-e046-4300-abb6-3dd810dd8b23")
RT = f"SbatLevelRT-{SHIM_LOCK}"
# What shim 16.1 has for Secure Boot (its SbatLevel_Variable.txt)
LEVEL = "sbat,1,2025021800\nshim,4\ngrub,5\n"
TABLE = "/sys/firmware/efi/mok-variables/SbatLevelRT"
EFIVARS = "/sys/firmware/efi/efivars"
LOCKED = "lockdown=integrity"
OWN = "sbat,1,SBAT Version,sbat,1,https://example.org/SBAT.md\n"
CRASH = "crashkernel=300M"

# What shim says on its console when it is told to be verbose, and systemd-stub
REVOKED = "was revoked by SbatLevel variable"
PARSE = "Could not parse .sbat section data"
MULTIPLE = "Image has multiple SBAT sections"
NONE = "No .sbat section data"
STARTED = "Verification succeeded"
INNER = "Error loading inner kernel with shim"
BAD_KERNEL = "Bad kernel image"

# name -> (what they say, whether shim starts it, errno, the kernel's line)
# What is started has no kernel in it that could be loaded: ELIBBAD.
CASES = {
    "same": (BAD_KERNEL, True, "ELIBBAD", "no loader takes it"),
    "newer": (BAD_KERNEL, True, "ELIBBAD", "no loader takes it"),
    "other": (BAD_KERNEL, True, "ELIBBAD", "no loader takes it"),
    "older": (REVOKED, False, "EKEYREJECTED",
              "refused: .sbat: grub generation 4, limit 5 (SbatLevelRT)"),
    "second": (REVOKED, False, "EKEYREJECTED",
               "refused: .sbat: shim generation 3, limit 4 (SbatLevelRT)"),
    "noname": (REVOKED, False, "EKEYREJECTED",
               "refused: .sbat: grub generation 0, limit 5 (SbatLevelRT)"),
    "missing": (NONE, False, "EKEYREJECTED",
                "refused: .sbat: missing, and there is an SbatLevelRT"),
    "few": (PARSE, False, "EBADMSG", "refused: .sbat: too few fields: offset"),
    "double": (MULTIPLE, False, "EBADMSG",
               "refused: .sbat: more than one section"),
    "inner": (INNER, True, "EKEYREJECTED",
              "refused: .linux: .sbat: grub generation 4, limit 5"),
    "kernel": (REVOKED, False, "EKEYREJECTED",
               "refused: .sbat: grub generation 4, limit 5 (SbatLevelRT)"),
}
# shim starts no kernel without .sbat itself, but takes one that others start
# through it.
PLAIN = {"plain": (NONE, False, "ok", "")}
ALL = {**CASES, **PLAIN}
SOME = ("older", "missing", "inner", "kernel")

SCRIPT = f"""
dump before
copy before/lockdown /sys/kernel/security/lockdown
copy before/rt {TABLE}
copy before/variable {EFIVARS}/{RT}
# Root would have it otherwise
cd {EFIVARS}
chattr -i {RT}
rm {RT}
printf '\\007\\000\\000\\000sbat,1,2021030218\\n' > /tmp/v
cat /tmp/v > {RT}
cd /
copy again/variable {EFIVARS}/{RT}
""" + "".join(f"try {n} kexec_load_file load /in/{n}.efi\n"
              f"try {n}-crash kexec_load_file load /in/{n}.efi crash\n"
              for n in ALL) + """
kexec -s -u
kexec -s -p -u
try load kexec_load_file load /in/next.efi companions=/in/addons
try exec kexec -e
"""
NEXT = "".join(f"try next-{n} kexec_load_file load /in/{n}.efi\n"
               for n in ("older", "missing", "same")) + "dump after\n"


# ukify adds the records of the inner kernel to the UKI's, if it sees them.
HIDDEN = b".sbathid"


def record(name, generation):
    return f"{name},{generation},Somebody,{name},1,https://example.org\n"


TEXTS = {
    "same": record("grub", 5) + record("shim", 4), "newer": record("grub", 10),
    "other": record("Grub", 1), "older": record("grub", 4),
    "second": record("grub", 5) + record("shim", 3),
    "noname": record("grub", "x"), "missing": "", "few": record("grub", 5),
    "double": record("grub", 5), "inner": record("grub", 5),
}


def image(t, name, linux, cmdline="", rd=None):
    """An unsigned UKI; ukify puts the stub's own records before ours."""
    text = TEXTS.get(name, record("grub", 5))
    out = t.dir / f"{name}.unsigned"
    uki.build(out, rd, cmdline or "quiet", linux=linux,
              options=["--sbat", OWN + text])
    table = uki.Table(out)
    if name == "missing":
        table.rename(".sbat", ".sbax")
    if name == "few":
        at = uki.section(out, ".sbat").index(b"grub,5,Somebody")
        table.poke(".sbat", at, b"grub,5;Somebody")
    if name == "inner":
        at = table.data.index(HIDDEN)
        table.data[at:at + len(HIDDEN)] = b".sbat\0\0\0"
    if name == "double":
        table.add(".sbat", (OWN + text).encode())
    return uki.sign(table.write(out), t.share / f"{name}.efi")


def kernel(t, name, generation, section=".sbat"):
    """The kernel with a .sbat, as CONFIG_EFI_SBAT_FILE would have it"""
    table = uki.Table(paths.BZIMAGE)
    table.add(section, (OWN + record("grub", generation)).encode())
    # Behind the section table is the setup header
    if table.table + 40 * table.count > 0x1f1:
        raise ValueError("no room for a section in the kernel")
    return table.write(t.dir / name)


def addon(word, generation):
    return make.Addon(cmdline=f"word={word}", signer="ours",
                      sbat=OWN + record("grub", generation)).make()


def prepare(t):
    make.prepare()
    none = t.dir / "none"
    none.write_bytes(b"no kernel\n" * 100)
    old, new = kernel(t, "old", 4), kernel(t, "new", 5)
    hidden = kernel(t, "hidden", 4, HIDDEN.decode())
    for name in TEXTS:
        image(t, name, hidden if name == "inner" else none)
    uki.sign(old, t.share / "kernel.efi")
    uki.sign(paths.BZIMAGE, t.share / "plain.efi")
    (t.share / "addons").write_bytes(initrd.archive(
        {f"loader/addons/{w}.addon.efi": addon(w, g)
         for w, g in (("old", 4), ("new", 5))}))
    (t.share / "second.sh").write_text(NEXT)
    image(t, "next", new, f"{uki.CONSOLE} e2e=:second.sh {LOCKED}",
          t.initrd("next.img", {"who": b"next\n"}))


def esp(t, files):
    """shim, what it is to start, and addons"""
    tree = t.dir / "esp"
    boot = tree / "EFI" / "BOOT"
    boot.mkdir(parents=True)
    uki.sign(paths.SHIM, boot / "shim.efi")
    for name in files:
        shutil.copy(t.share / f"{name}.efi", boot)
    first = image(t, "first", paths.BZIMAGE,
                  f"{uki.CONSOLE} e2e=:first.sh {LOCKED} {CRASH}",
                  t.initrd("first.img", {"who": b"first\n"}))
    shutil.copy(first, boot)
    addons = tree / "loader" / "addons"
    addons.mkdir(parents=True)
    for word, generation in (("old", 4), ("new", 5)):
        (addons / f"{word}.addon.efi").write_bytes(addon(word, generation))
    return tree


def boot_order(store, files):
    """A boot entry of shim for each file, and shim's word for "verbose" """
    data = bytearray(Path(store).read_bytes())
    at, _ = varstore.find(data, "BootOrder", varstore.GLOBAL)
    data[at + 2] = varstore.DELETED
    names = [*files, "first"]
    for n, name in enumerate(names):
        varstore.put(data, varstore.variable(
            f"Boot{0x100 + n:04X}",
            varstore.load_option("\\EFI\\BOOT\\shim.efi", f"{name}.efi")))
    order = struct.pack(f"<{len(names)}H", *range(0x100, 0x100 + len(names)))
    varstore.put(data, varstore.variable("BootOrder", order))
    varstore.put(data, varstore.variable("SHIM_VERBOSE", b"\1", SHIM_LOCK))
    Path(store).write_bytes(data)


def shim_said(r, files):
    """file -> what was on the console between its start and the next one's"""
    text = r.machine.console.read_bytes().decode(errors="replace")
    text = re.sub(r"\x1b\[[0-9;=]*[A-Za-z]", "", text).replace("\r", "")
    parts = re.split(r"BdsDxe: starting Boot01([0-9A-F]{2})", text)
    names = [*files, "first"]
    return {names[int(n, 16)]: said
            for n, said in zip(parts[1::2], parts[2::2])}


def check_shim(t, r, files):
    said = shim_said(r, files)
    t.equal(sorted(said), sorted([*files, "first"]), "what was started")
    for name in files:
        word, started, _, _ = ALL[name]
        t.inside(word, said[name], f"{name}: shim")
        t.equal(STARTED in said[name], started, f"{name}: started by shim")
    t.equal(r.text("before/rt"), LEVEL.strip(), "the level in shim's table")
    # Volatile, for boot services and at run time
    t.equal(r.files["before/variable"], struct.pack("<I", 6) + LEVEL.encode(),
            "the level in the variable")
    t.equal(r.files["again/variable"], r.files["before/variable"],
            "the variable after root has tried to change it")
    words = r.text("before/cmdline").split()
    t.equal([w for w in words if w.startswith("word=")], ["word=new"],
            "addons that shim and systemd-stub take")


def shim_boots(t, files):
    prepare(t)
    r = t.boot(SCRIPT, first="\\EFI\\BOOT\\shim.efi", secure=True, tpm=None,
               esp=esp(t, files), store=lambda s: boot_order(s, files))
    r.need("before/cmdline", "after/cmdline")
    check_shim(t, r, files)
    t.inside("[integrity]", r.text("before/lockdown"), "lockdown")
    for name, (_, _, errno, line) in ALL.items():
        for what in (name, f"{name}-crash"):
            t.outcome(r, what, errno)
            t.inside(line, r.text(f"{what}/dmesg"), f"{what}: the line")
    t.outcome(r, "load", "ok")
    lines = r.text("load/dmesg")
    t.inside("addon: .sbat: grub generation 4, limit 5", lines, "old addon")
    t.inside("addon old.addon.efi: passed over: its .sbat", lines, "old addon")
    t.inside("word=new", r.text("after/cmdline"), "addons after the kexec")
    t.true("word=old" not in r.text("after/cmdline"), "no old addon")
    for name in ("older", "missing", "same"):
        t.outcome(r, f"next-{name}", CASES[name][2])


SET = "{ printf '\\007\\000\\000\\000'; printf '%s'; } > /tmp/v\n" \
    f"cat /tmp/v > {EFIVARS}/{RT}\n"
# What root writes, and what becomes of these UKIs then
LEVELS = (
    ("none", None, "ELIBBAD", "ELIBBAD"),
    ("old", "sbat,1,2021030218\\n", "ELIBBAD", "ELIBBAD"),
    ("new", "sbat,1,2021030218\\ngrub,5\\n", "EKEYREJECTED", "ELIBBAD"),
    ("bad", "sbat,1,2021030218\\ngrub\\n", "EKEYREJECTED", "EKEYREJECTED"),
    ("gone", "", "ELIBBAD", "ELIBBAD"),
)


def root_makes_one(t):
    script = ""
    for name, text, _, _ in LEVELS:
        if text:
            script += SET % text
        elif text is not None:
            script += f"chattr -i {EFIVARS}/{RT}; rm {EFIVARS}/{RT}\n"
        script += f"try {name}/older kexec_load_file load /in/older.efi\n"
        script += f"try {name}/same kexec_load_file load /in/same.efi\n"
        script += f"chattr -i {EFIVARS}/{RT}\n"
    first = uki.sign(t.first(LOCKED), t.dir / "signed.efi")
    r = t.boot(script + "dump after\n", first=first, name="sbat-root",
               secure=True, tpm=None).need("after/cmdline")
    for name, _, older, same in LEVELS:
        t.outcome(r, f"{name}/older", older)
        t.outcome(r, f"{name}/same", same)
    t.inside("refused: SbatLevelRT: too few fields: offset",
             r.text("bad/same/dmesg"), "malformed level")


def run(t):
    shim_boots(t, SOME)
    root_makes_one(t)
