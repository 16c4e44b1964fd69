# SPDX-License-Identifier: GPL-2.0
"""UKIs and other PE files of many shapes, made by ukify and bent by hand.

A shape is (name, path).  Bytes come from a seed, so a file that fails here
can be made again."""

import random
import struct
import sys
from pathlib import Path

import tools

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/e2e"))

from harness import paths, uki                                  # noqa: E402

ALIGN = 512


def content(size, seed):
    return random.Random(f"{seed}-{size}").randbytes(size)


class Shapes:
    """Makes files in a directory and remembers them"""

    def __init__(self, work, keys):
        self.work, self.keys, self.made = work, keys, []

    def keep(self, name, data=None):
        """Add this; data, if the file does not exist yet"""
        path = self.work / f"{name}.efi"
        if data is not None:
            path.write_bytes(bytes(data))
        self.made.append((name, path))
        return path

    def blob(self, size):
        path = self.work / f"blob-{size}"
        path.write_bytes(content(size, "blob"))
        return path

    def ukify(self, name, *options, stub=paths.STUB):
        out = self.work / f"{name}.efi"
        tools.run(paths.TOOLS / "ukify", "build", "--stub", stub, "--output",
                  out, "--tools", paths.TOOLS, "--uname", "7.2",
                  *options)
        return self.keep(name)

    def bend(self, name, source, change):
        table = uki.Table(source)
        change(table)
        return self.keep(name, table.data)


def sections(shapes):
    """ukify's own files"""
    linux, initrd = shapes.blob(70001), shapes.blob(3333)
    small = ["--linux", linux, "--cmdline", "console=ttyS0"]
    shapes.ukify("small", *small)
    shapes.ukify("no-cmdline", "--linux", linux)
    for size in (1, 7, 511, 512, 513, 4096):
        shapes.ukify(f"initrd-{size}", *small, "--initrd", shapes.blob(size))
    # A .splash is not read here, so any bytes do.
    shapes.ukify("all", *small, "--initrd", initrd, "--os-release", uki.OSREL,
                 "--microcode", shapes.blob(1001), "--splash",
                 shapes.blob(2002), "--devicetree", shapes.blob(303),
                 "--devicetree-auto", shapes.blob(305),
                 "--pcrpkey", shapes.keys[0].cert, "--section",
                 f".mine:@{shapes.blob(77)}")
    profile = []
    for number in range(3):
        profile += ["--join-profile", profile_part(shapes, number)]
    shapes.ukify("profiles", *small, "--profile", "ID=main", *profile)
    for major in (252, 257):
        shapes.ukify(f"stub-{major}", *small, "--initrd", initrd,
                     stub=paths.TOOLS / f"stub-{major}")
    shapes.ukify("addon", "--cmdline", "debug", stub=paths.ADDON)
    shapes.ukify("our-kernel", "--linux", paths.BZIMAGE, "--initrd", initrd)
    shapes.ukify("stock-kernel", "--linux", paths.STOCK, "--initrd", initrd)


def profile_part(shapes, number):
    out = shapes.work / f"profile-{number}.part"
    tools.run(paths.TOOLS / "ukify", "build", "--stub", paths.ADDON,
              "--output", out, "--tools", paths.TOOLS, "--profile",
              f"ID=p{number}", "--cmdline", f"p={number}")
    return out


def signed(shapes):
    """Signatures, one, two, and what may stand around them"""
    key, other = shapes.keys
    small = shapes.work / "small.efi"
    path = tools.sbsign(small, shapes.work / "sbsigned.efi", key)
    shapes.keep("sbsigned")
    tools.sbsign(path, shapes.work / "sbsigned-twice.efi", other)
    shapes.keep("sbsigned-twice")
    tools.osslsigncode(small, shapes.work / "osslsigned.efi", key)
    shapes.keep("osslsigned")
    shapes.keep("certs-padded", padded_certs(path.read_bytes()))


def security_entry(data):
    opt = struct.unpack_from("<I", data, 0x3c)[0] + 24
    plus = struct.unpack_from("<H", data, opt)[0] == 0x20b
    return opt + (112 if plus else 96) + 8 * tools.SECURITY


def padded_certs(data):
    """16 zeros more at the end of the certificate table, inside its size"""
    data = bytearray(data)
    at = security_entry(data)
    size = struct.unpack_from("<I", data, at + 4)[0]
    struct.pack_into("<I", data, at + 4, size + 16)
    return data + bytes(16)


def move(table, name, gap):
    """A gap of junk before a section and all that follow it in the file"""
    at = table.get(name, "raw")
    table.data[at:at] = content(gap, name)
    for n in range(table.count):
        entry = table.table + 40 * n + 20
        raw = struct.unpack_from("<I", table.data, entry)[0]
        if raw >= at:
            struct.pack_into("<I", table.data, entry, raw + gap)


def wide_optional_header(table):
    """Room for one directory more than there are: sections move up, and the
    headers still end where they did"""
    optional = table.optional_at()
    headers = table.headers()
    struct.pack_into("<H", table.data, table.count_at + 14,
                     struct.unpack_from("<H", table.data,
                                        table.count_at + 14)[0] + 8)
    end = struct.unpack_from("<I", table.data, optional + 60)[0]
    body = b"".join(headers)
    if table.table + 8 + len(body) > end:
        raise ValueError("no room in the headers")
    table.data[table.table:table.table + 8] = b"\xa5" * 8
    table.data[table.table + 8:table.table + 8 + len(body)] = body


def backwards(table):
    headers = table.headers()
    table.set_headers(headers[::-1])


def few_directories(table):
    """NumberOfRvaAndSizes 5: the certificate table's is the last one"""
    struct.pack_into("<I", table.data, table.optional_at() + 108, 5)


def checksum(table):
    struct.pack_into("<I", table.data, table.optional_at() + 64, 0xdeadbeef)


def long_headers(table):
    """SizeOfHeaders larger by a block, junk in it"""
    end = struct.unpack_from("<I", table.data, table.optional_at() + 60)[0]
    table.data[end:end] = content(ALIGN, "headers")
    for n in range(table.count):
        entry = table.table + 40 * n + 16
        size, raw = struct.unpack_from("<II", table.data, entry)
        if size:
            struct.pack_into("<I", table.data, entry + 4, raw + ALIGN)
    struct.pack_into("<I", table.data, table.optional_at() + 60, end + ALIGN)


def bent(shapes):
    small = shapes.work / "small.efi"
    bend = shapes.bend
    bend("vsize-1", small, lambda t: t.set(".linux", "vsize", 1))
    bend("vsize-0", small, lambda t: t.set(".cmdline", "vsize", 0))
    bend("vsize-large", small, lambda t: t.set(".linux", "vsize", 0x20000))
    bend("tail-8", small, lambda t: t.data.extend(content(8, "tail")))
    bend("tail-4104", small, lambda t: t.data.extend(content(4104, "tail")))
    bend("empty-section", small, lambda t: t.add(".empty", b""))
    bend("backwards", small, backwards)
    bend("long-headers", small, long_headers)
    bend("checksum", small, checksum)
    bend("wide-optional-header", small, wide_optional_header)
    bend("five-directories", small, few_directories)
    bend("gap-512", small, lambda t: move(t, ".linux", 512))
    bend("gap-8", small, lambda t: move(t, ".cmdline", 8))
    bend("gap-and-tail", small, lambda t: (
        move(t, ".linux", 512), t.data.extend(content(16, "tail"))))


def odd(shapes):
    """Every length modulo 8"""
    for extra in range(1, 8):
        shapes.bend(f"odd-{extra}", shapes.work / "small.efi",
                    lambda t, n=extra: t.data.extend(content(n, "odd")))


def four_directories(table):
    """No certificate table: nothing can be signed, and no entry is left out"""
    struct.pack_into("<I", table.data, table.optional_at() + 108, 4)


def shared(table):
    """Two sections with the same bytes, and a tail that outweighs them"""
    table.set(".osrel", "raw", table.get(".cmdline", "raw"))
    table.data.extend(content(2048, "tail"))


def unsignable(shapes):
    """What the tools and firmware may well see in different ways"""
    small = shapes.work / "small.efi"
    shapes.bend("four-directories", small, four_directories)
    shapes.bend("sections-share", shapes.work / "all.efi", shared)
    signed_file = shapes.work / "sbsigned.efi"
    shapes.bend("after-certs", signed_file, lambda t: t.data.extend(
        content(64, "after")))
    shapes.bend("no-sections", small, lambda t: t.set_headers([]))


def add_uki_sections(table):
    long_headers(table)
    table.add(".osrel", uki.OSREL.encode())
    table.add(".cmdline", b"quiet")
    table.add(".linux", content(70001, "linux"))


def machines(shapes):
    """Other machines, PE32 and PE32+"""
    small = [(".linux", content(5000, "linux")), (".cmdline", b"quiet"),
             (".osrel", uki.OSREL.encode())]
    for name, machine in (("arm64", 0xaa64), ("riscv64", 0x5064)):
        uki.bare(shapes.work / f"bare-{name}.efi", small, machine)
        shapes.keep(f"bare-{name}")
    for name in ("ia32", "aa64", "arm", "riscv64"):
        package = f"efi-shell-{name}"
        shapes.bend(f"on-shell-{name}", shapes.work.parent / "debian" /
                    package / f"usr/share/{package}/shell{name}.efi",
                    add_uki_sections)


def files(work, keys):
    """All shapes, in a fixed order"""
    work.mkdir(parents=True, exist_ok=True)
    shapes = Shapes(work, keys)
    for make in (sections, signed, bent, odd, unsignable, machines):
        make(shapes)
    return shapes.made
