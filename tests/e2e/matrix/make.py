# SPDX-License-Identifier: GPL-2.0
"""Makes what the cells name: UKIs, addons, whole trees of an ESP.

ukify makes all that it can; where it cannot, its work is bent by hand.
"""

import functools
import hashlib
import json
import shutil
import struct
import tempfile
import uuid
from pathlib import Path

from harness import initrd, paths, rich, uki

STUBS = {"262": paths.STUB, "257": paths.TOOLS / "stub-257",
         "252": paths.TOOLS / "stub-252"}

CMDLINE = uki.CONSOLE
UNAME = "7.2-e2e"

# Sections that ukify has no option for, or whose option would change them
OPTIONS = {".osrel": "--os-release", ".uname": "--uname",
           ".splash": "--splash", ".dtb": "--devicetree",
           ".ucode": "--microcode", ".pcrpkey": "--pcrpkey",
           ".sbat": "--sbat", ".profile": "--profile"}
FILES = (".splash", ".dtb", ".ucode")


def cached(name, content):
    """A file of this run with this content; the name is for people"""
    digest = hashlib.sha256(content).hexdigest()[:16]
    path = paths.WORK / "made" / f"{digest}-{name.strip('.')}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as f:
            f.write(content)
        Path(f.name).replace(path)
    return path


@functools.lru_cache(None)
def user_space():
    """The initrd of every cell: the bench's, and our tool"""
    with tempfile.NamedTemporaryFile() as tmp:
        tool = (0o755, paths.KEXEC_UKI.read_bytes())
        initrd.build(tmp.name, {"bin/kexec-uki": tool, "who": b"matrix\n"})
        return Path(tmp.name).read_bytes()


def devicetree(compatible="e2e,matrix", pad=0):
    """A flattened devicetree with a root node of one property"""
    value = compatible.encode() + b"\0"
    node = struct.pack(">I4xIII", 1, 3, len(value), 0)
    node += value + bytes(-len(value) % 4) + struct.pack(">II", 2, 9)
    names = b"compatible\0" + bytes(pad)
    start = 40 + 16
    head = struct.pack(">10I", 0xd00dfeed, start + len(node + names), start,
                       start + len(node), 40, 17, 16, 0, len(names),
                       len(node))
    return head + bytes(16) + node + names


# What QEMU's q35 says of itself in its SMBIOS tables
QEMU = ("QEMU", "Standard PC (Q35 + ICH9, 2009)")


def hardware_id(*words):
    """The CHID of a machine: a UUID of version 5 over what it says of itself"""
    space = uuid.UUID("70ffd812-4c7f-4c7d-0000-000000000000")
    digest = hashlib.sha1(space.bytes + "&".join(words).encode("utf-16-le"))
    return uuid.UUID(bytes=digest.digest()[:16], version=5)


def hwids(machine=("Nobody", "Nothing"), compatible="e2e,other"):
    """A .hwids section that gives one machine a devicetree"""
    name, compatible = b"E2E machine\0", compatible.encode() + b"\0"
    # A descriptor (type 1, and the size), the CHID, two offsets; an empty one
    size = 4 + 16 + 8
    entry = struct.pack("<I", 1 << 28 | size) + hardware_id(
        *machine).bytes_le + struct.pack("<II", 2 * size,
                                         2 * size + len(name))
    return entry + bytes(size) + name + compatible


def firmware():
    """An .efifw blob for a machine that this is not"""
    fwid = b"e2e.fwid\0"
    payload = b"no firmware\0"
    return struct.pack("<IIII", 0x6669, 16, len(fwid), len(payload)) \
        + fwid + payload


def archive(name, content):
    """A cpio archive with one file"""
    return initrd.archive({name: content})


def content_of(name, value):
    if callable(value):
        value = value()
    return value.encode() if isinstance(value, str) else value


def ukify(out, stub, sections, join=(), linux=True):
    """One run of ukify.  Of a section that is not given there is none."""
    argv = [paths.TOOLS / "ukify", "build", "--stub", stub, "--tools",
            paths.TOOLS, "--output", out, "--hwids="]
    sections = dict(sections)
    if linux:
        argv += ["--linux", paths.BZIMAGE]
        sections = {".osrel": "", ".uname": "", **sections}
    if sections.get(".initrd"):
        value = content_of(".initrd", sections.pop(".initrd"))
        argv += ["--initrd", cached("initrd", value)]
    for name, value in sections.items():
        value = content_of(name, value)
        if name not in OPTIONS:
            argv.append(f"--section={name}:@{cached(name, value)}")
        elif name in FILES:
            argv.append(f"{OPTIONS[name]}={cached(name, value)}")
        elif value:
            argv.append(f"{OPTIONS[name]}=@{cached(name, value)}"
                        .replace("--pcrpkey=@", "--pcrpkey="))
        else:
            argv.append(f"{OPTIONS[name]}=")
    for other in join:
        argv += ["--join-profile", other]
    uki.run(argv)
    return Path(out)


@functools.lru_cache(None)
def addon_bytes(sections, edits):
    with tempfile.TemporaryDirectory(dir=paths.WORK) as tmp:
        out = Path(tmp) / "addon.efi"
        ukify(out, paths.ADDON, sections, linux=False)
        return bent(out.read_bytes(), edits)


def bent(data, edits):
    """The PE after all edits, each a function of its uki.Table"""
    table = uki.Table.__new__(uki.Table)
    table.load(data)
    for edit in edits:
        edit(table)
    return bytes(table.data)


class Addon:
    """An addon; its words are sections without the dot.

    edits are made before it is signed, after is what is done to it then.
    """

    def __init__(self, edits=(), signer=None, after=(), **sections):
        self.sections = {"." + n: v for n, v in sections.items()}
        self.edits = tuple(edits)
        self.signer = signer
        self.after = tuple(after)

    def make(self):
        data = addon_bytes(tuple(
            (n, content_of(n, v)) for n, v in self.sections.items()),
            self.edits)
        for who in (self.signer or "").split():
            data = signed(data, who)
        return bent(data, self.after)


def signed(data, who):
    """who: ours, which the firmware trusts, or anybody else"""
    with tempfile.TemporaryDirectory(dir=paths.WORK) as tmp:
        plain, out = Path(tmp) / "plain.efi", Path(tmp) / "signed.efi"
        plain.write_bytes(data)
        if who == "ours":
            uki.sign(plain, out)
        else:
            stranger(plain, out)
        return out.read_bytes()


def stranger(source, out):
    key, pem = paths.WORK / "stranger.key", paths.WORK / "stranger.pem"
    if not pem.exists():
        uki.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                 "-keyout", key, "-out", pem, "-subj", "/CN=stranger",
                 "-days", "3650"])
    uki.run(["sbsign", "--key", key, "--cert", pem, "--output", out, source])


def prepare():
    """What several processes would make at once"""
    paths.WORK.mkdir(parents=True, exist_ok=True)
    paths.LOG.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.WORK) as tmp:
        some = Path(tmp) / "some.efi"
        shutil.copy(paths.ADDON, some)
        uki.sign(some, Path(tmp) / "a.efi")
        stranger(some, Path(tmp) / "b.efi")
    uki.key("pcr")


def profile(number, sections):
    """The PE with a profile, for ukify to join"""
    out = paths.WORK / "made" / f"profile-{number}.efi"
    with tempfile.TemporaryDirectory(dir=paths.WORK) as tmp:
        made = Path(tmp) / "profile.efi"
        ukify(made, paths.ADDON, sections, linux=False)
        return cached(out.name, made.read_bytes())


def build(out, cell):
    """The cell's UKI"""
    sections = {".cmdline": CMDLINE, ".initrd": user_space, **cell.sections}
    sections = {n: v for n, v in sections.items() if v is not None}
    join = [profile(n, p) for n, p in enumerate(cell.profiles)]
    ukify(out, STUBS[cell.stub], sections, join)
    data = bent(out.read_bytes(), cell.edits)
    for who in cell.signer.split():
        data = signed(data, who)
    out.write_bytes(data)


def place(tree, cell, path):
    """Where a file of a cell goes: own/ is the UKI's own directory"""
    if path.startswith("own/"):
        stem = cell.own or cell.path
        return tree / f"{stem}.extra.d" / path[4:]
    return tree / path


def make(cell, tree):
    """The cell's ESP"""
    shutil.rmtree(tree, ignore_errors=True)
    out = tree / cell.path
    out.parent.mkdir(parents=True)
    build(out, cell)
    for path, value in cell.files.items():
        target = place(tree, cell, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if value is None:
            target.mkdir()
        elif isinstance(value, Addon):
            target.write_bytes(value.make())
        else:
            target.write_bytes(content_of(path, value))
    return tree


def tree_digest(tree):
    """Of all names and contents"""
    rows = [(str(f.relative_to(tree)), uki.digest(f) if f.is_file() else "")
            for f in sorted(tree.rglob("*"))]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def pcr_signature():
    return json.dumps({"sha256": [{"pcrs": [11], "pkfp": "00", "pol": "00",
                                   "sig": "AAAA"}]})


def public_key():
    return uki.key("pcr")[1].read_bytes()


picture = rich.bitmap
