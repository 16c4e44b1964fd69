# SPDX-License-Identifier: GPL-2.0
"""The cells of the matrix, as data.

Each is a UKI, what lies beside it, and how it is started on both sides.  Where
systemd-stub and we differ on purpose the cell says how, and judge.py verifies
just that.
"""

from dataclasses import dataclass, field

from . import bend, make
from .make import CMDLINE, UNAME, Addon

OSREL = 'ID=matrix\nIMAGE_ID=matrix\nVERSION_ID=1\nPRETTY_NAME="Matrix"\n'


@dataclass
class Cell:
    """
    sections  of ukify, beyond .cmdline, .initrd and the stub's own; None is
              for one of these that there is not
    profiles  sections of each profile after the first .profile
    edits     what is done to the UKI by hand
    files     path on the ESP -> content, an Addon, or None for a directory;
              own/ is the UKI's own directory
    path      the UKI's, own that of its directory's name if it is another
    options   load options of the cold boot
    args      of "kexec-uki load"
    signer    who signs the UKI, and whether with Secure Boot and lockdown
    devices   more of them for the cold boot's machine
    differ    see judge.py
    """
    name: str
    shows: str
    sections: dict = field(default_factory=dict)
    profiles: tuple = ()
    edits: tuple = ()
    files: dict = field(default_factory=dict)
    path: str = "EFI/Linux/x.efi"
    own: str = ""
    stub: str = "262"
    options: str = ""
    args: tuple = ()
    signer: str = ""
    devices: tuple = ()
    differ: tuple = ()
    first: bool = False         # one of the default ten

    @property
    def secure(self):
        return bool(self.signer)


CELLS = []


def cell(name, shows, sections=None, **kw):
    CELLS.append(Cell(name, shows, sections or {}, **kw))


def text(words):
    return f"{CMDLINE} {words}"


ALL = {".osrel": OSREL, ".ucode": make.archive("ucode", b"microcode\n"),
       ".splash": make.picture(), ".dtb": make.devicetree(),
       ".uname": UNAME, ".pcrsig": make.pcr_signature(),
       ".pcrpkey": make.public_key, ".dtbauto": make.devicetree("e2e,auto"),
       ".hwids": make.hwids(), ".efifw": make.firmware()}

# Sections, each alone

cell("minimal", "a kernel, an initrd, a command line, the stub's own .sbat")
cell("osrel", ".osrel alone", {".osrel": OSREL})
cell("ucode", ".ucode alone, first in the initrd", {".ucode": ALL[".ucode"]})
cell("splash", ".splash alone", {".splash": ALL[".splash"]})
cell("dtb", ".dtb alone", {".dtb": ALL[".dtb"]})
cell("uname", ".uname alone", {".uname": UNAME})
cell("sbat", "ukify's own .sbat in the place of the stub's",
     {".sbat": "sbat,1,SBAT Version,sbat,1,https://sbat\n"
               "uki.matrix,7,Matrix,uki.matrix,1,https://matrix\n"})
cell("pcrsig", ".pcrsig alone, never measured",
     {".pcrsig": ALL[".pcrsig"]})
cell("pcrpkey", ".pcrpkey alone", {".pcrpkey": ALL[".pcrpkey"]})
cell("profile", "one .profile, the default one",
     {".profile": "ID=only\n"})
cell("dtbauto", ".dtbauto without .hwids: neither used nor measured",
     {".dtbauto": ALL[".dtbauto"]})
cell("hwids", ".hwids alone", {".hwids": ALL[".hwids"]})
cell("efifw", ".efifw alone: neither used nor measured",
     {".efifw": ALL[".efifw"]})
cell("dtbauto-hwids", "both, of another machine",
     {".dtbauto": ALL[".dtbauto"], ".hwids": ALL[".hwids"]})
cell("dtbauto-match", "of this machine: systemd-stub installs and measures it, "
     "we know no devicetree on x86",
     {".dtbauto": ALL[".dtbauto"],
      ".hwids": make.hwids(make.QEMU, "e2e,auto")},
     differ=("matched .dtbauto",))
cell("efifw-hwids", "both, of another machine",
     {".efifw": ALL[".efifw"], ".hwids": ALL[".hwids"]})
cell("all-sections", "all sections there are",
     {**ALL, ".profile": "ID=main\nTITLE=Main\n"}, first=True)
cell("no-cmdline", "no .cmdline; systemd-stub does not choose between the two "
     "serial ports of these machines", {".cmdline": None})
cell("console", "a machine with one console: systemd-stub appends its console=",
     {".cmdline": "panic=-1"}, devices=("virtio-serial-pci",),
     differ=("console",))
cell("console-only", "where there is no command line at all",
     {".cmdline": None}, devices=("virtio-serial-pci",), differ=("console",))
cell("no-initrd", "user space comes in an addon",
     {".initrd": None, ".osrel": OSREL},
     files={"own/user.addon.efi": Addon(initrd=make.user_space)})
cell("no-initrd-ucode", "microcode and an addon's initrd",
     {".initrd": None, ".ucode": ALL[".ucode"]},
     files={"loader/addons/user.addon.efi": Addon(initrd=make.user_space)})

# The stub of other versions.  252 and 257 have firmware load the kernel.
# What ukify 262 merges into 252's .sbat is more than there is room for before the
# next section, so that firmware loads one over the other; in the days of 252 the
# stub's own was left as it was.
OLD_SBAT = bend.cut(".sbat", 0xe2)

cell("stub-257", "what 257 and 262 have in common", ALL, stub="257",
     differ=("inner",), first=True)
cell("stub-257-profile", "257 knows profiles, too",
     {".profile": "ID=main\n", ".osrel": OSREL},
     profiles=({".profile": "ID=one\n", ".cmdline": text("word=one")},),
     stub="257", options="@1", args=("--profile", "1"), differ=("inner",))
cell("stub-257-companions", "addons, credentials and extensions",
     {".osrel": OSREL}, stub="257", differ=("inner",),
     files={"own/a.addon.efi": Addon(cmdline="word=a"),
            "own/b.addon.efi": Addon(ucode=make.archive("u", b"u"),
                                     initrd=make.archive("i", b"i")),
            "loader/addons/g.addon.efi": Addon(cmdline="word=g"),
            "own/c.cred": b"c", "own/s.raw": b"s", "own/t.confext.raw": b"t",
            "loader/credentials/g.cred": b"g"})
cell("stub-252", "what 252 and 262 have in common", stub="252",
     sections={".pcrsig": ALL[".pcrsig"], ".pcrpkey": ALL[".pcrpkey"]},
     edits=(OLD_SBAT,), differ=("inner", "unknown .sbat"))
cell("stub-252-osrel", "252 measures .osrel and has no /.extra/os-release",
     {".osrel": OSREL, ".uname": UNAME}, stub="252", edits=(OLD_SBAT,),
     differ=("inner", "unknown .uname .sbat", "extra os-release",
            "initrd osrel"))
cell("stub-252-splash-dtb", "both are measured by 252",
     {".splash": ALL[".splash"], ".dtb": ALL[".dtb"]}, stub="252",
     edits=(OLD_SBAT,), differ=("inner", "unknown .sbat"))
cell("stub-252-companions", "credentials and extensions",
     stub="252", edits=(OLD_SBAT,), differ=("inner", "unknown .sbat"),
     files={"own/c.cred": b"c", "own/s.raw": b"s",
            "loader/credentials/g.cred": b"g"})
cell("stub-252-overlap", "sections that firmware loads over each other: we "
     "refuse what systemd-stub boots", stub="252",
     differ=('refused EBADMSG "section shares addresses"',))

# Sizes

for _name in (".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb",
              ".uname", ".pcrsig", ".pcrpkey", ".profile", ".sbat",
              ".linux"):
    cell(f"zeros-after-{_name[1:]}", f"VirtualSize of {_name} is above its "
         "raw size: zeros count",
         {_name: ALL[_name]} if _name in ALL else
         {".profile": "ID=zeros\n"} if _name == ".profile" else {},
         edits=(bend.grow(_name, 5000),), first=_name == ".osrel")
cell("cut-short", "VirtualSize is below the content's",
     {".osrel": OSREL}, edits=(bend.cut(".osrel", 10),))
for _n in range(4):
    cell(f"odd-initrd-{_n}", "an initrd that needs padding, or none",
         {".initrd": lambda n=_n: odd_initrd(n), ".osrel": OSREL})
cell("empty-osrel", "a section of VirtualSize 0 is none",
     edits=(bend.add(".osrel", b"", 0),))
cell("masked-osrel", "and hides no other of the same range",
     {".osrel": OSREL}, edits=(bend.add(".osrel", b"", 0),))
cell("masked-first", "the first header counts, though it is empty",
     {".osrel": OSREL}, edits=(bend.add(".osrel", b"", 0, index=0),))


def odd_initrd(n):
    """An initrd whose length is n more than a multiple of four"""
    data = make.user_space()
    return data + bytes(-len(data) % 4 + n)


# Profiles

THREE = {".osrel": OSREL, ".ucode": ALL[".ucode"], ".uname": UNAME,
         ".cmdline": text("word=base"), ".profile": "ID=zero\n"}
PROFILES = ({".profile": "ID=one\n", ".cmdline": text("word=one")},
            {".profile": "ID=two\n", ".cmdline": text("word=two"),
             ".osrel": OSREL + "VARIANT=two\n",
             ".ucode": make.archive("ucode", b"two\n")})
cell("profile-0", "three profiles, the first", THREE, profiles=PROFILES)
cell("profile-1", "the second", THREE, profiles=PROFILES, options="@1",
     args=("--profile", "1"))
cell("profile-2", "the third, which replaces more", THREE, profiles=PROFILES,
     options="@2", args=("--profile", "2"), first=True)
cell("profile-1-text", "chosen by the text of its command line", THREE,
     profiles=PROFILES, options="@1", args=("--cmdline", text("word=one")))
cell("profile-2-text", "and the last one", THREE, profiles=PROFILES,
     options="@2", args=("--cmdline", text("word=two")))
cell("profile-0-text", "the default one's text is no override", THREE,
     profiles=PROFILES, args=("--cmdline", text("word=base")))
cell("profile-override", "a profile with another command line", THREE,
     profiles=PROFILES, options=f"@1 {text('word=other')}",
     args=("--profile", "1", "--cmdline", text("word=other")))
cell("profile-same-text", "two profiles have the text: it chooses none",
     THREE, profiles=(PROFILES[0], {**PROFILES[1],
                                    ".cmdline": text("word=one")}),
     options=text("word=one"), args=("--cmdline", text("word=one")))
cell("profile-initrd", "the base has no initrd, the profile has",
     {**THREE, ".initrd": None},
     profiles=({".profile": "ID=one\n", ".initrd": make.user_space},),
     options="@1", args=("--profile", "1"))
# ukify puts the .profile of a UKI without others first, so that all is in it.
ZERO = bend.add(".profile", b"ID=zero\n")
cell("profile-masks", "empty sections of a profile take away the base's",
     {".osrel": OSREL, ".ucode": ALL[".ucode"]},
     edits=(ZERO, bend.add(".profile", b"ID=one\n"), bend.add(".osrel", b"", 0),
            bend.add(".ucode", b"", 0)),
     options="@1", args=("--profile", "1"), first=True)
cell("profile-masks-cmdline", "and of the command line",
     {".osrel": OSREL},
     edits=(ZERO, bend.add(".profile", b"ID=one\n"),
            bend.add(".cmdline", b"", 0)),
     options="@1", args=("--profile", "1"), differ=("selector",))
cell("profile-no-cmdline", "no command line at all",
     {".cmdline": None, ".profile": "ID=zero\n"},
     profiles=({".profile": "ID=one\n", ".osrel": OSREL},),
     options="@1", args=("--profile", "1"), differ=("selector",))
cell("profile-masks-profile", "an empty .profile begins one all the same",
     {".osrel": OSREL},
     edits=(ZERO, bend.add(".profile", b"", 0), bend.add(".osrel", b"ID=one\n")),
     options="@1", args=("--profile", "1"))
cell("profile-doubles", "the first of a name in a profile counts",
     {".osrel": OSREL},
     edits=(ZERO, bend.add(".profile", b"ID=one\n"),
            bend.add(".osrel", b"ID=first\n"),
            bend.add(".osrel", b"ID=second\n")),
     options="@1", args=("--profile", "1"))
cell("profile-base-after", "what comes after .profile is not the base's",
     edits=(ZERO, bend.add(".osrel", b"ID=zero\n"),
            bend.add(".profile", b"ID=one\n"), bend.add(".uname", b"one")),
     options="@1", args=("--profile", "1"))
cell("profile-ten", "a number of two digits",
     {".profile": "ID=p0\n"},
     profiles=tuple({".profile": f"ID=p{n}\n"} for n in range(1, 13)),
     options="@12", args=("--profile", "12"))
cell("profile-hwids", "a profile's .dtbauto and .hwids",
     edits=(ZERO, bend.add(".profile", b"ID=one\n"),
            bend.add(".hwids", make.hwids()),
            bend.add(".dtbauto", make.devicetree("e2e,auto"))),
     options="@1", args=("--profile", "1"))

# The command line

cell("override", "another command line", {".osrel": OSREL},
     options=text("word=other"), args=("--cmdline", text("word=other")))
cell("override-spaces", "white space is mangled",
     options=f"  {text('a   b')} ", args=("--cmdline", f"  {text('a   b')} "))
cell("override-same", "the embedded one passed back is none",
     args=("--cmdline", CMDLINE))
cell("override-none", "and where there is none embedded",
     {".cmdline": None}, options=text("word=other"),
     args=("--cmdline", text("word=other")))
cell("override-utf8", "characters of two and three bytes",
     options=text("w=ä€"), args=("--cmdline", text("w=ä€")))
cell("override-at", "what only looks like a profile",
     options=f"@1x {CMDLINE}", args=("--cmdline", f"@1x {CMDLINE}"))
cell("cmdline-spaces", "white space in the section",
     {".cmdline": b"\t  " + CMDLINE.encode() + b"\n a\t\tb\x7f\n\n"})
cell("cmdline-nul", "what comes after a NUL does not count",
     {".cmdline": CMDLINE.encode() + b"\0 word=after"})
cell("cmdline-blank", "nothing but white space",
     {".cmdline": b" \n\t "})
cell("cmdline-utf8", "characters of two and three bytes",
     {".cmdline": text("w=ä€ß")})
cell("cmdline-bad-utf8", "and what is left out",
     {".cmdline": text("w=").encode() + b"\xf0\x9f\x98\x80 x=\xff\xc3 y="
      b"\xed\xa0\x80 z=\xc0\x80"})
# kexec-uki does not take such a text
cell("no-cmdline-blank", "nothing but white space for none: systemd-stub leaves "
     "it as it is", {".cmdline": None}, options="   ", differ=("selector",))
cell("cmdline-console", "a console= of one's own",
     {".cmdline": CMDLINE.replace("ttyS0", "ttyS0,115200n8")})

# The section table

cell("double-osrel", "the first of two",
     {".osrel": OSREL}, edits=(bend.add(".osrel", b"ID=second\n"),))
cell("double-initrd", "the first of two",
     edits=(bend.add(".initrd", make.archive("second", b"x")),))
cell("double-linux", "the first of two",
     edits=(bend.add(".linux", b"no kernel" * 99),))
cell("double-cmdline", "the first of two",
     edits=(bend.add(".cmdline", b"word=second"),))
cell("double-profile", "an odd one: two profiles without content",
     edits=(bend.add(".profile", b"ID=zero\n"),
            bend.add(".profile", b"ID=one\n")))
cell("reversed", "headers in reverse", {k: ALL[k] for k in (
    ".osrel", ".ucode", ".uname", ".pcrsig", ".pcrpkey")},
     edits=(bend.order(lambda h: h[::-1]),), first=True)
cell("shuffled", "headers in some order", {k: ALL[k] for k in (
    ".osrel", ".ucode", ".uname", ".pcrsig", ".pcrpkey")},
     edits=(bend.order(lambda h: h[1::2] + h[::2]),))
cell("unknown", "names that nobody knows, among them new ones",
     {".osrel": OSREL, ".keyring": b"x", ".bootcfg": b"y"},
     edits=(bend.add(".LINUX", b"z"), bend.add("linux", b"z"),
            bend.add("", b"no name"), bend.add(".efi\xff", b"latin")))
cell("name-after-nul", "bytes of a name after its NUL do not count",
     edits=(bend.add(".uname\0x", b"7.2-nul"),
            bend.add(".osrel\0y", b"ID=nul\n")))
cell("sections-120", "120 sections",
     {".osrel": OSREL, **{f".x{n}": f"{n}\n" for n in range(110)}},
     edits=(bend.count(120),))
cell("tail", "bytes after the last section",
     {".osrel": OSREL}, edits=(bend.tail(b"beyond" * 100),))

# Addons

A = Addon(cmdline="word=a")
cell("addon-own", "one, with a command line", files={"own/a.addon.efi": A})
cell("addon-global", "one for all UKIs",
     files={"loader/addons/a.addon.efi": A})
cell("addons-three", "three: global ones first, then by the bytes of the name",
     {".osrel": OSREL},
     files={"own/b.addon.efi": Addon(cmdline="word=b"),
            "own/C.addon.efi": Addon(cmdline="word=c"),
            "loader/addons/z.addon.efi": Addon(cmdline="word=z")})
cell("addon-initrd", "an initrd, the last part",
     files={"own/a.addon.efi": Addon(initrd=make.archive("a", b"of a\n"))})
cell("addon-ucode", "microcode, the first part", {".ucode": ALL[".ucode"]},
     files={"own/a.addon.efi": Addon(ucode=make.archive("a", b"of a\n"))})
cell("addon-dtb", "a devicetree",
     files={"own/a.addon.efi": Addon(dtb=make.devicetree("e2e,addon"))})
cell("addon-dtb-twice", "on top of the UKI's own", {".dtb": ALL[".dtb"]},
     files={"own/a.addon.efi": Addon(dtb=make.devicetree("e2e,addon")),
            "loader/addons/a.addon.efi": Addon(dtb=make.devicetree("e2e,g"))})
cell("addon-bad-dtb", "a devicetree that is none", {".osrel": OSREL},
     files={"own/a.addon.efi": Addon(dtb=b"no devicetree"),
            "own/b.addon.efi": Addon(dtb=make.devicetree("e2e,b"))})
cell("addon-dtbauto", "of another machine, and a .dtb",
     files={"own/a.addon.efi": Addon(dtbauto=make.devicetree("e2e,auto"),
                                     dtb=make.devicetree("e2e,plain")),
            "own/b.addon.efi": Addon(dtbauto=make.devicetree("e2e,auto"))})


def full(n):
    """An addon that has all that an addon can have"""
    return Addon(cmdline=f"word={n}", dtb=make.devicetree(f"e2e,{n}"),
                 ucode=make.archive(f"u{n}", n.encode()),
                 initrd=make.archive(f"i{n}", n.encode() * 3), uname=UNAME)


cell("addons-full", "all kinds in each of three",
     {".osrel": OSREL, ".uname": UNAME, ".ucode": ALL[".ucode"]},
     files={"own/a.addon.efi": full("a"), "own/b.addon.efi": full("b"),
            "loader/addons/b.addon.efi": full("g")}, first=True)
cell("addon-override", "an override and an addon's text",
     options=text("word=other"), args=("--cmdline", text("word=other")),
     files={"own/a.addon.efi": A})
cell("addon-only-cmdline", "no .cmdline but an addon's", {".cmdline": None},
     files={"own/a.addon.efi": Addon(cmdline=text("word=a"))})
cell("addon-profile", "a profile and addons", THREE, profiles=PROFILES,
     options="@2", args=("--profile", "2"),
     files={"own/a.addon.efi": A})
cell("addon-spaces", "white space, and a text that is empty",
     files={"own/a.addon.efi": Addon((bend.add(".cmdline", b"  w=a\t\tb\n "),)),
            "own/b.addon.efi": Addon((bend.add(".cmdline", b" \n"),)),
            "own/c.addon.efi": Addon((bend.add(".cmdline", b"w=c\0 d"),))})
cell("addon-blank", "only a text that is empty",
     files={"own/a.addon.efi": Addon((bend.add(".cmdline", b" \n"),))})
cell("addon-utf8", "characters of two and three bytes",
     files={"own/a.addon.efi": Addon(cmdline="w=ä€")})
cell("addon-uname", "the right one, a prefix, a longer one, another one",
     {".uname": UNAME},
     files={f"own/{n}.addon.efi": Addon(cmdline=f"word={n}", uname=u)
            for n, u in {"same": UNAME, "prefix": "7.2",
                         "longer": UNAME + "-x", "other": "6.1"}.items()})
cell("addon-uname-nul", "a prefix with its NUL is another one",
     {".uname": UNAME}, files={"own/a.addon.efi": Addon(
         (bend.add(".uname", b"7.2\0"),), cmdline="word=a"),
         "own/b.addon.efi": Addon(
             (bend.add(".uname", UNAME.encode() + b"\0"),),
             cmdline="word=b")})
cell("addon-uname-alone", "a UKI without .uname takes all",
     files={"own/a.addon.efi": Addon(cmdline="word=a", uname="6.1")})
cell("addon-broken", "no PE, empty, nothing that an addon has, a UKI",
     files={"own/a.addon.efi": A,
            "own/b-text.addon.efi": b"this is no PE\n" * 100,
            "own/b-empty.addon.efi": b"",
            "own/b-mz.addon.efi": b"MZ" + bytes(4096),
            "own/b-nothing.addon.efi": Addon(uname=UNAME),
            "own/b-uki.addon.efi": Addon(
                (bend.add(".linux", b"no kernel"),), cmdline="word=uki"),
            "own/z.addon.efi": Addon(cmdline="word=z")}, first=True)
cell("addon-aa64", "of another machine: loaded, then refused",
     files={"own/a.addon.efi": Addon((bend.machine(0xaa64),),
                                     cmdline="word=aa64"),
            "own/b.addon.efi": A})
# Firmware passes over the first ones, takes the others, and logs drivers in PCR 2
# and of the last nothing at all.  We want nothing of the kind.
for _name, _shows, _edit, _words, _cold in (
        ("cut", "cut off", bend.truncate(300), "section outside the file",
         "left"),
        ("windows", "a program of Subsystem 3", bend.subsystem(3),
         "subsystem is not EFI application", "left"),
        ("riscv64", "of a machine that is no PC", bend.machine(0x5064),
         "machine", "left"),
        ("driver", "a driver", bend.subsystem(11),
         "subsystem is not EFI application", "taken 2:0x80000004"),
        ("runtime", "a runtime driver", bend.subsystem(12),
         "subsystem is not EFI application", "taken 2:0x80000005"),
        ("rom", "of Subsystem 13", bend.subsystem(13),
         "subsystem is not EFI application", "taken")):
    cell(f"addon-{_name}", f"{_shows}: we refuse it",
         files={"own/a.addon.efi": Addon((_edit,), cmdline=f"word={_name}"),
                "own/b.addon.efi": A},
         differ=(f'refused EBADMSG "{_words}"',
                 f"firmware own/a.addon.efi {_cold}"))
cell("addon-tail", "bytes after the last section are in the digest",
     files={"own/a.addon.efi": Addon((bend.tail(b"beyond" * 9),),
                                     cmdline="word=tail")})
cell("addon-zeros", "VirtualSize above the raw size",
     files={"own/a.addon.efi": Addon(
         (bend.grow(".initrd", 5000), bend.grow(".cmdline", 600)),
         cmdline="word=zeros", initrd=make.archive("z", b"z"))})
cell("addon-doubles", "the first of two, and no ranges of profiles",
     files={"own/a.addon.efi": Addon(
         (bend.add(".profile", b"ID=one\n"), bend.add(".cmdline", b"w=2"),
          bend.add(".initrd", make.archive("late", b"late"))),
         cmdline="word=first")})
cell("addon-names", "what systemd-stub passes over",
     files={"own/A.ADDON.EFI": Addon(cmdline="word=upper"),
            "own/.b.addon.efi": Addon(cmdline="word=hidden"),
            "own/ü.addon.efi": Addon(cmdline="word=umlaut"),
            "own/c.efi": Addon(cmdline="word=plain"),
            "own/d.addon.efi.bak": Addon(cmdline="word=bak"),
            "own/e.addon.efi": None, "loader/addons/sub": None,
            "loader/addons/sub/f.addon.efi": Addon(cmdline="word=sub"),
            "own/g h.addon.efi": Addon(cmdline="word=space")})

# Credentials and extensions

cell("credentials", "one's own", {".osrel": OSREL},
     files={"own/a.cred": b"one", "own/b.cred": b"two2"})
cell("credentials-global", "for all UKIs",
     files={"loader/credentials/a.cred": b"global"})
cell("credentials-both", "both have the same name",
     files={"loader/credentials/a.cred": b"global", "own/a.cred": b"own"})
cell("credential-empty", "without content", files={"own/a.cred": b""})
cell("sysext", "one's own", files={"own/a.raw": b"sysext" * 1000})
cell("sysext-global", "for all UKIs",
     files={"loader/extensions/a.raw": b"sysext"})
cell("confext", "one's own", files={"own/a.confext.raw": b"confext"})
cell("confext-global", "for all UKIs",
     files={"loader/extensions/a.confext.raw": b"confext"})
SIDECARS = {"own/a.cred": b"1", "own/B.cred": b"22", "own/c.raw": b"333",
            "own/D.raw": b"4444", "own/e.confext.raw": b"5",
            "loader/credentials/f.cred": b"66",
            "loader/extensions/g.raw": b"777",
            "loader/extensions/h.confext.raw": b"8888"}
cell("sidecars", "all six kinds", {".osrel": OSREL}, files=SIDECARS)
cell("sidecar-names", "case, and what systemd-stub passes over",
     files={"own/a.CRED": b"upper", "own/b.Raw": b"mixed",
            "own/c.ConfExt.RAW": b"mixed", "own/.d.cred": b"hidden",
            "own/ü.cred": b"umlaut", "own/e.cred": None,
            "own/f.credential": b"no", "own/g.raw.bak": b"no",
            "own/confext.raw": b"a sysext by that name",
            "own/" + "h" * 200 + ".cred": b"long",
            "own/i.efi": b"no", "own/j k.cred": b"space",
            "loader/credentials/l.raw": b"no",
            "loader/extensions/m.cred": b"no",
            "loader/n.cred": b"no", "own/.cred": b"hidden"})
cell("nothing-fits", "directories without a file that fits",
     {".osrel": OSREL}, files={"own/readme": b"x", "loader/addons/x": b"x",
                               "loader/credentials": None,
                               "loader/extensions": None})
cell("boot-counter", "the counter is no part of the directory's name",
     path="EFI/Linux/foo+3-1.efi", own="EFI/Linux/foo.efi",
     files={"own/a.cred": b"counted", "own/a.addon.efi": A})
cell("boot-counter-odd", "what only looks like one is",
     path="EFI/Linux/foo+x.efi",
     files={"own/a.cred": b"not counted", "own/a.addon.efi": A})
cell("elsewhere", "a UKI at another place with another name",
     path="Other/My Kernel.EFI", files={"own/a.cred": b"x",
                                        "own/a.addon.efi": A})
cell("no-companions", "they are there, and are left alone",
     {".osrel": OSREL}, args=("--no-companions",), differ=("without own/a.cred",),
     files={"own/a.cred": b"x"})
cell("everything", "all sections, a profile, addons, sidecars",
     {**ALL, ".profile": "ID=zero\n"},
     profiles=({".profile": "ID=one\n", ".cmdline": text("word=one")},),
     options="@1", args=("--profile", "1"),
     files={**SIDECARS, "own/x.addon.efi": full("x"),
            "own/y.addon.efi": full("y"),
            "loader/addons/z.addon.efi": full("z")}, first=True)

# Secure Boot and lockdown

LOCKED = {".cmdline": text("lockdown=integrity"), ".osrel": OSREL}
cell("secure", "a signed UKI", LOCKED, signer="ours")
cell("secure-options", "load options, where there is no command line",
     {".cmdline": None, ".osrel": OSREL}, signer="ours",
     options=text("lockdown=integrity word=other"),
     args=("--cmdline", text("lockdown=integrity word=other")))
cell("secure-addons", "signed, unsigned, by a stranger, bent, no PE",
     LOCKED, signer="ours",
     files={"own/a-signed.addon.efi": Addon(cmdline="word=signed",
                                            signer="ours"),
            "own/b-unsigned.addon.efi": Addon(cmdline="word=unsigned"),
            "own/c-stranger.addon.efi": Addon(cmdline="word=stranger",
                                              signer="stranger"),
            "own/d-bent.addon.efi": Addon(cmdline="word=bent", signer="ours",
                                          after=(bend.flip(".cmdline"),)),
            "own/e-text.addon.efi": b"no PE" * 300,
            "loader/addons/f.addon.efi": Addon(
                cmdline="word=g", signer="ours",
                initrd=make.archive("g", b"g"),
                ucode=make.archive("u", b"u")),
            "loader/addons/g.addon.efi": Addon(initrd=make.archive(
                "evil", b"evil"))}, first=True)
cell("secure-addon-twice", "two signatures, ours is the second: firmware takes "
     "it, we look at the first", LOCKED, signer="ours",
     differ=("without own/a.addon.efi",),
     files={"own/b.cred": b"b", "own/a.addon.efi": Addon(cmdline="word=both",
                                     signer="stranger ours")})
cell("secure-addon-uname", "signed, and of another kernel",
     {**LOCKED, ".uname": UNAME}, signer="ours",
     files={"own/a.addon.efi": Addon(cmdline="word=other", uname="6.1",
                                     signer="ours"),
            "own/b.addon.efi": Addon(cmdline="word=same", uname=UNAME,
                                     signer="ours")})
cell("secure-sidecars", "credentials and extensions are not signed", LOCKED,
     signer="ours", files=SIDECARS)
cell("secure-profile", "a profile by its number",
     {**LOCKED, ".profile": "ID=zero\n"},
     profiles=({".profile": "ID=one\n",
                ".cmdline": text("lockdown=integrity word=one")},),
     signer="ours", options="@1", args=("--profile", "1"))
