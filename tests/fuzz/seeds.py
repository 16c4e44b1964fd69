#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Makes the seeds of the fuzz targets anew, in corpus/TARGET/, from what real
# tools write: UKIs and addons of ukify with the stubs of systemd, signed by
# sbsign; archives of cpio; OVMF's event log; what a TPM was sent and answered.
# Those with "odd" in their name are written here: limits, and what no tool
# writes.  It must never touch the other files there: libFuzzer has found them.
#
# "make kernel tools" has what this needs.  Keys and dates make new bytes each
# time.
#
#   tests/fuzz/seeds.py

import os
import pathlib
import re
import struct
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "tests/e2e"))
# pylint: disable=wrong-import-position
from harness import paths, rich, uki

# Bytes that are kept of a section, if it is not text that targets read
KEPT = 32
TEXTS = {b".osrel", b".cmdline", b".uname", b".sbat", b".profile"}
MAX_TEXT = 600

# revocations/sbat of shim 16.1
LEVEL = b"sbat,1,2025051000\nshim,4\ngrub,5\ngrub.proxmox,2\n"


def put(target, name, data):
    place = HERE / "corpus" / target
    place.mkdir(parents=True, exist_ok=True)
    (place / f"seed-{name}").write_bytes(data)


def shrink(data):
    """A PE file with its headers as they are, and of its sections the start"""
    pe = struct.unpack_from("<I", data, 0x3c)[0]
    count, opt_len = (struct.unpack_from("<H", data, pe + at)[0]
                      for at in (6, 20))
    table = pe + 24 + opt_len
    head = bytearray(data[:table + 40 * count])
    head += bytes(-len(head) % 8)
    plus = struct.unpack_from("<H", data, pe + 24)[0] == 0x20b
    dirent = pe + 24 + (112 if plus else 96) + 32
    certs, size = struct.unpack_from("<II", data, dirent)
    struct.pack_into("<I", head, pe + 24 + 60, len(head))
    body = b""
    for at in range(table, table + 40 * count, 40):
        name = data[at:at + 8].rstrip(b"\0")
        in_memory, _, raw_len, raw = struct.unpack_from("<IIII", data, at + 8)
        kept = min(in_memory, MAX_TEXT) if name in TEXTS else KEPT
        content = data[raw:raw + raw_len][:kept]
        struct.pack_into("<II", head, at + 16, len(content),
                         len(head) + len(body) if content else 0)
        body += content
    if size:
        body += bytes(-(len(head) + len(body)) % 8)
        struct.pack_into("<II", head, dirent, len(head) + len(body), 64)
        body += data[certs:certs + 64]
    return bytes(head) + body


def sign(tmp, source):
    key, cert, out = tmp / "key", tmp / "cert", tmp / "signed"
    if not key.exists():
        uki.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                 "-subj", "/CN=seeds", "-keyout", key, "-out", cert])
    uki.run(["sbsign", "--key", key, "--cert", cert, "--output", out, source])
    return out.read_bytes()


def ukify(tmp, name, *options, stub=paths.STUB):
    out = tmp / name
    uki.run([paths.TOOLS / "ukify", "build", "--stub", stub, "--output", out,
             "--tools", paths.TOOLS, *options])
    return out


def rich_options(tmp):
    (tmp / "splash").write_bytes(rich.bitmap())
    for name in ("initrd", "ucode", "dtb", "hwids"):
        (tmp / name).write_bytes(name.encode() * 4)
    uki.run(["openssl", "genrsa", "-out", tmp / "pcr", "2048"])
    uki.run(["openssl", "rsa", "-in", tmp / "pcr", "-pubout", "-out",
             tmp / "pcr.pub"])
    return ["--initrd", tmp / "initrd", "--microcode", tmp / "ucode",
            "--splash", tmp / "splash", "--devicetree", tmp / "dtb",
            "--pcr-private-key", tmp / "pcr", "--pcr-public-key",
            tmp / "pcr.pub", "--phases", "enter-initrd",
            "--pcr-banks", "sha256", "--measure"]


def files(tmp):
    """Name and content of PE files that tools have made"""
    linux = ["--linux", paths.BZIMAGE, "--os-release", uki.OSREL,
             "--uname", "7.2-seeds"]
    plain = ukify(tmp, "plain", *linux, "--cmdline", "quiet  splash ")
    yield "uki", plain.read_bytes()
    yield "uki-signed", sign(tmp, plain)
    full = ukify(tmp, "rich", *linux, "--cmdline", "quiet", *rich_options(tmp))
    yield "uki-rich", full.read_bytes()
    joined = []
    for number, text in enumerate(("quiet", "debug", "quiet\n", "x y")):
        other = ukify(tmp, f"profile{number}", "--profile", f"ID=p{number}\n",
                      "--cmdline", text, stub=paths.ADDON)
        joined += ["--join-profile", other]
    many = ukify(tmp, "many", *linux, "--cmdline", "base", "--profile",
                 "ID=main\n", *joined)
    yield "uki-profiles", many.read_bytes()
    addon = ukify(tmp, "addon", "--cmdline", "extra", "--uname", "7.2-seeds",
                  stub=paths.ADDON)
    yield "addon", addon.read_bytes()
    yield "addon-signed", sign(tmp, addon)
    for stub in ("stub-252", "stub-257"):
        yield stub, (paths.TOOLS / stub).read_bytes()
    yield "bzimage", paths.BZIMAGE.read_bytes()


def pe(sections, plus=True, dirs=16):
    """A small PE file; sections: name, content and perhaps VirtualSize"""
    optional = bytearray((112 if plus else 96) + 8 * dirs)
    size = 88 + len(optional) + 40 * len(sections)
    at, address, table, body = size, -(-size // 4096) * 4096, b"", b""
    for name, data, *virtual in sections:
        length = virtual[0] if virtual else len(data)
        table += struct.pack("<8sIIII16x", name.encode(), length, address,
                             len(data), at if data else 0)
        body += data
        at += len(data)
        address += -(-max(length, len(data), 1) // 4096) * 4096
    struct.pack_into("<H", optional, 0, 0x20b if plus else 0x10b)
    struct.pack_into("<I", optional, 32, 4096)
    struct.pack_into("<IIIH", optional, 56, address, size, 0, 10)
    struct.pack_into("<I", optional, 108 if plus else 92, dirs)
    return (b"MZ".ljust(60, b"\0") + struct.pack("<I4sHHIIIHH", 64, b"PE\0\0",
            0x8664 if plus else 0x14c, len(sections), 0, 0, 0, len(optional),
            0x22) + bytes(optional) + table + body)


def odd_files():
    linux, mark = (".linux", b"kernel"), (".profile", b"ID=x")
    yield "pe32", pe([linux, (".cmdline", b"quiet")], False)
    yield "pe32-addon", pe([(".cmdline", b"quiet")], False)
    yield "nothing", pe([])
    yield "no-dirs", pe([linux], True, 0)
    yield "many-dirs", pe([linux], True, 17)
    yield "four-dirs", pe([linux], True, 4)
    yield "zero-size", pe([linux, (".cmdline", b"x"), mark,
                           (".cmdline", b"", 0)])
    yield "zeros", pe([linux, (".osrel", b"x", 5000),
                       (".initrd", b"", 64 << 20)])
    yield "too-many-zeros", pe([linux, (".initrd", b"x", (64 << 20) + 2)])
    yield "base-without", pe([mark, linux, mark, (".linux", b"", 0), mark,
                              linux])
    yield "same-texts", pe([linux, mark, (".cmdline", b"a"), mark,
                            (".cmdline", b"b"), mark, (".cmdline", b" b")])
    yield "dtbauto", pe([(".dtbauto", b"d"), (".efifw", b"f"),
                         (".hwids", b"h")])
    yield "addon-ucode", pe([(".ucode", b"u"), (".dtb", b"d")])
    yield "same-raw", bytes(pe([linux, (".text", b"kernel")])).replace(
        b"kernelkernel", b"kernel")
    # The PE header inside the DOS header: e_lfanew is SectionAlignment, too
    plain = pe([linux])
    tiny = bytearray(b"MZ\0\0" + plain[64:368] + bytes(60) + plain[368:])
    struct.pack_into("<I", tiny, 60, 4)
    yield "tiny", bytes(tiny)
    yield "sbat-twice", pe([(".sbat", b"sbat,1"), (".sbat", b"sbat,1")])
    yield "limit", pe([linux] + [("x", b"")] * 1023, True, 0)
    yield "over-limit", pe([linux] + [("x", b"")] * 1024, True, 0)


def put_files(tmp):
    for name, data in files(tmp):
        data = shrink(data)
        put("pefile", name, data)
        put("uki", name, data)
        put("sbat", "file-" + name, data)
    for name, data in odd_files():
        put("pefile", "odd-" + name, data)
        if "limit" not in name:
            put("uki", "odd-" + name, data)
        if "sbat" in name:
            put("sbat", "file-odd-" + name, data)


def put_texts():
    for number, text in enumerate((
            b"@1 quiet splash", b"@0", b"@4294967295 x", b"@4294967296 x",
            b"@12x", b"@", b"@00000000000000000003 x", b"",
            b" root=/dev/sda1\tro \x01quiet\x7f \n", b"a  b\0c",
            "größer € \U0001f600 x".encode(), b"\xc0\x80 x", b"\xe2\x82",
            b"x\xed\xa0\x80y\xef\xbf\xbf", b"\xf8\x80\x80\x81\x81\xfd\x80",
            b"\x80\xff\xfe", b"7.2\n7.2-rc1", b"7.2-rc1\n7.2",
            b"7.2\0x\n7.2\0y",
            b"\xe0\x80\xa0x\xc1\xbf \xe0\x80\x80x", b"\xe2a\0 b")):
        put("cmdline", f"{number:02}", text)


def cpio(tree):
    """What cpio makes of it, without the zeros up to its block size"""
    with tempfile.TemporaryDirectory() as place:
        names = []
        for name, data in tree.items():
            at = pathlib.Path(place) / name
            names += [str(p) for p in reversed(pathlib.Path(name).parents)
                      if str(p) != "." and str(p) not in names]
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(data)
            names.append(name)
        names = "\n".join(names).encode() + b"\n"
        archive = uki.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=place,
                          input=names).rstrip(b"\0")
    return archive + bytes(-len(archive) % 4)


def member(path, data=b"", mode=0o100644, nlink=1):
    name = path.encode("latin-1") + b"\0"
    fields = (1, mode, 0, 0, nlink, 0, len(data), 0, 0, 0, 0, len(name), 0)
    entry = b"070701" + b"".join(b"%08X" % f for f in fields) + name
    entry += bytes(-len(entry) % 4) + data
    return entry + bytes(-len(entry) % 4)


def archives():
    extra = "EFI/Linux/foo.efi.extra.d/"
    yield "all", cpio({
        "loader/addons/a.addon.efi": b"MZ", "loader/credentials/b.cred": b"BB",
        "loader/extensions/a.raw": b"r" * 9,
        "loader/extensions/a.confext.raw": b"c", extra + "q.addon.efi": b"MZ",
        extra + "a.cred": b"A", extra + "B.CRED": b"", extra + "x.raw": b"xxx",
        extra + "x.confext.raw": b"y", extra + ".hidden.cred": b"1",
        extra + "other": b"2", ".extra/boot-secret": b"s" * 32})
    yield "empty", cpio({})
    yield "credentials", cpio({"loader/credentials/b.cred": b"BB",
                               "loader/credentials/a.cred": b"A"})
    yield "two-ukis", cpio({extra + "a.cred": b"",
                            "EFI/Linux/bar.efi.extra.d/a.cred": b""})
    yield "long-name", cpio({f"loader/credentials/{'n' * 250}.cred": b"x"})
    yield "unknown", cpio({"unknown/a.cred": b""})
    yield "plain", cpio({"plain": b"x"})


def odd_archives():
    end = member("TRAILER!!!", mode=0)
    cred = member("loader/credentials/a.cred", b"1")
    where = "x.extra.d/"
    yield "twice", cred + cred + end
    yield "no-trailer", cred
    yield "behind", cred + end + b"x"
    yield "zeros-behind", cred + end + bytes(9)
    yield "trailer-content", cred + member("TRAILER!!!", b"xx")
    yield "links", member("loader/credentials/a.cred", nlink=2) + end
    yield "symlink", member("loader/addons/l.addon.efi", b"x", 0o120777) + end
    yield "no-uki-name", member("/.extra.d/a.cred") + end
    yield "no-uki", member(".extra.d/a.cred") + end
    yield "no-name", member("loader/addons/", b"1") + end
    yield "too-long", member(where + "y" * 252 + ".raw") + end
    yield "as-long", member(where + "y" * 251 + ".raw") + end
    yield "upper", (member(where + "A.ADDON.EFI") + member(where + "A.RAW")
                    + member(where + "A.CONFEXT.RAW") + end)
    yield "not-ascii", member(where + "\x80.raw") + end
    yield "latin", member("loader/credentials/\xe9.cred") + end
    yield "nul-inside", member("a\0b/c.cred") + end
    yield "secret-31", member(".extra/boot-secret", b"s" * 31) + end
    yield "secret-zeros", member(".extra/boot-secret", bytes(32)) + end
    yield "secret-name", member(".extra/other", b"s" * 32) + end
    yield "dirs", (member("loader", mode=0o40755, nlink=9)
                   + member("loader/addons", mode=0o40755) + cred + end)
    yield "deep", member("a/b/c", mode=0o40700) + member("a/b/c/d", b"x") + end
    yield "no-magic", b"070702" + cred[6:] + end
    yield "no-digit", cred[:6] + b"0000000g" + cred[14:] + end
    yield "no-path", member("") + end
    nested = (member(where + "a.raw"), member("x.extra.d.extra.d/a.raw"))
    yield "nested", nested[0] + nested[1] + end
    yield "nested-first", nested[1] + nested[0] + end


def put_archives():
    for name, data in archives():
        put("newc", name, data)
        put("companion", name, data)
    for name, data in odd_archives():
        put("newc", "odd-" + name, data)
        put("companion", "odd-" + name, data)
    many = b"".join(member(f"x.extra.d/{n:x}.raw") for n in range(1025))
    put("companion", "odd-over-limit", many + member("TRAILER!!!", mode=0))
    # Sizes to count, then members: kind, mode, zeros, path, content
    entry = b"\0\1\x24\3\5a/b.c\7content"
    put("newc", "write", b"W" + bytes(24) + b"\1\1\xed\0\3a/b\0" + entry * 2)
    put("newc", "write-sizes", b"W" + b"\xff" * 7 + b"\x80" + bytes(7) + b"\7"
        + bytes(7) + b"\7")
    put("newc", "write-large",
        b"W" + bytes(12) + b"\xff" * 4 + bytes(7) + b"\1")


ALGS = ((4, 20), (0xb, 32), (0xc, 48), (0xd, 64), (0x12, 32))


def log_head(algs, vendor=b""):
    event = struct.pack("<16sIBBBBI", b"Spec ID Event03", 0, 0, 2, 0, 2,
                        len(algs))
    event += b"".join(struct.pack("<HH", *a) for a in algs)
    event += bytes([len(vendor)]) + vendor
    return struct.pack("<II20xI", 0, 3, len(event)) + event


def log_record(pcr, kind, algs, data):
    digests = b"".join(struct.pack("<H", a) + bytes(range(n)) for a, n in algs)
    return (struct.pack("<III", pcr, kind, len(algs)) + digests
            + struct.pack("<I", len(data)) + data)


def notes():
    start = b"Linux TPM note\0\0"
    yield start + struct.pack("<IIIHH", 1, 15, 2, 4, 20) + b"a" * 20 + \
        struct.pack("<HH", 0xb, 32) + b"b" * 32
    yield start + struct.pack("<IIIHH", 3, 0, 2, 4, 0x27)
    yield start + struct.pack("<II", 2, 7)
    yield start + struct.pack("<II", 4, 7)


def put_logs():
    put("tcg2_log", "ovmf", (TOP / "tests/kexec-uki/ovmf.log").read_bytes())
    for number, note in enumerate(notes()):
        put("tcg2_log", f"note{number}", b"N" + note)
    for count in (1, 3, 5):
        algs = ALGS[:count]
        log = log_head(algs, b"vendor"[:count])
        log += log_record(4, 6, algs, struct.pack("<II", 0x6b780001, 8)
                          + b"kexec:1\0")
        log += log_record(7, 13, algs[::-1], b"x" * 9)
        for note in notes():
            log += log_record(16, 3, algs, note)
        put("tcg2_log", f"kexec{count}", log)
        put("tcg2_log", f"odd-end{count}",
            log + log_record(1, 0, algs, b"") + b"x")
    most = [(0x100 + i, 64) for i in range(16)]
    put("tcg2_log", "odd-most", log_head(most) + log_record(1, 1, most, b"x"))
    more = [(0x100 + i, 1) for i in range(17)]
    put("tcg2_log", "odd-more", log_head(more) + log_record(1, 1, more, b"x"))
    twice = log_head(ALGS[:2]) + log_record(1, 1, ALGS[:1] * 2, b"x")
    put("tcg2_log", "odd-twice", twice)
    put("tcg2_log", "append", b"A\2\4\0\0\1\4\6\2\0\0\5hello\0\7\1\1\0\3abc\0")
    put("tcg2_log", "make-note", b"M\1\0\0\0\x0f\2\0\4\x14\0\x0b\x20")


def put_commands():
    """The vectors of the KUnit suite: recorded from a TPM"""
    text = (TOP / "drivers/char/tpm/eventlog/tests/tpm2-extend-testvecs.h"
            ).read_text(encoding="ascii")
    pattern = r'\.name = "([^"]+)".*?\.cmd = {(.*?)}.*?\.rsp = {(.*?)}'
    for name, *parts in re.findall(pattern, text, re.DOTALL):
        command, response = (bytes.fromhex("".join(re.findall(r"0x(..)", p)))
                             for p in parts)
        put("tpm2_extend", re.sub(r"\W+", "-", name),
            struct.pack("<H", len(command)) + command + response)
    digests = struct.pack(">I", 17) + (struct.pack(">H", 4) + b"1" * 20) * 17
    odd = struct.pack(">HIII", 0x8001, 14 + len(digests), 0x182, 7) + digests
    put("tpm2_extend", "odd-too-many", struct.pack("<H", len(odd)) + odd)
    for name, alg in (("twice", 4), ("once", 0xb)):
        command = struct.pack(">HIIIH", 0x8001, 17, 0x13c, 7, 1) + b"x"
        digests = struct.pack(">IH20xH", 2, 4, alg)
        digests += bytes(20 if alg == 4 else 32)
        response = struct.pack(">HII", 0x8001, 10 + len(digests), 0) + digests
        put("tpm2_extend", f"odd-response-{name}",
            struct.pack("<H", len(command)) + command + response)


def put_sbats(tmp):
    texts = {"level": LEVEL}
    for name in ("stub-257", "linuxx64.efi.stub"):
        real = uki.section(paths.TOOLS / name, ".sbat")
        texts[name.split(".")[0]] = real.rstrip(b"\0") + b"\0\0"
    for name, text in texts.items():
        put("sbat", name, struct.pack("<H", len(text)) + text + LEVEL)
    for number, (text, level) in enumerate((
            (b"sbat,1,a,b,c,d\nshim,3,a,b,c,d\n", LEVEL),
            (b"x" * 32769, LEVEL),
            (b"sbat,1,a,b,c\n", LEVEL), (b"sbat,1,,b,c,d\n", LEVEL),
            (b"", LEVEL), (b"sbat,1,a,b,c,d,e,f\r\n\r\n", b""),
            (b"\xef\xbb\xbfsbat,1,a,b,c,d\0\0", b"\xef\xbb\xbfsbat,2\0"),
            (b"a,65535,b,c,d,e\n", b"a,65536\n"), (b"a, 1,b,c,d,e\0x", b"a,1"),
            (b"a,x,b,c,d,e\n", b"a,1\na,0\n"), (b"a,1,b,c,d,e", b"a\n"))):
        put("sbat", f"odd-{number}",
            struct.pack("<H", len(text)) + text + level)


def main():
    for old in (HERE / "corpus").glob("*/seed-*"):
        old.unlink()
    with tempfile.TemporaryDirectory() as place:
        tmp = pathlib.Path(place)
        put_files(tmp)
        put_sbats(tmp)
    put_texts()
    put_archives()
    put_logs()
    put_commands()
    made = list((HERE / "corpus").glob("*/seed-*"))
    print(f"{len(made)} seeds, {sum(os.path.getsize(f) for f in made)} bytes")


main()
