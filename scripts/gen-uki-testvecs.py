#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Generate lib/tests/uki-testvecs.h: what lib/uki.c must make of given files and
# texts.
#
# This is a second implementation of the rules, from their description and not
# from lib/uki.c; what can be taken from the standard library is (hashes, UTF-8
# and UTF-16 codecs).  Values that were published by others are checked first.
#
# Usage: gen-uki-testvecs.py > lib/tests/uki-testvecs.h

import hashlib
import re
import struct

SECTIONS = [".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash",
            ".dtb", ".uname", ".sbat", ".pcrsig", ".pcrpkey", ".profile",
            ".dtbauto", ".hwids", ".efifw"]
UNMEASURED = {".pcrsig"}


def sha256(data):
    return hashlib.sha256(data).digest()


# --- PCR 11 ------------------------------------------------------------------

def extend(pcr, data):
    return sha256(pcr + sha256(data))


def pcr11(sections):
    pcr = bytes(32)
    for name in SECTIONS:
        content = sections.get(name)
        if content and name not in UNMEASURED:
            pcr = extend(pcr, name.encode() + b"\0")
            pcr = extend(pcr, content)
    return pcr


# --- UKIs --------------------------------------------------------------------

# A section is (name, content, VirtualSize or None for the content's length).
def build_uki(sections):
    header_size = 64 + 24 + 240 + 40 * len(sections)
    table, body, addr = b"", b"", 0x1000
    for name, content, size in sections:
        size = len(content) if size is None else size
        table += struct.pack("<8sIIII12xI", name.encode(), size, addr,
                             len(content), header_size + len(body), 0x40000040)
        body += content
        addr += (size + 0xfff) // 0x1000 * 0x1000
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, len(sections), 0, 0, 0,
                       240, 0x22e)
    opt = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20b, 0, 0, 0, 0, 0,
                      0, 0, 0x14df90000, 0x1000, 0x200, 0, 0, 0, 0, 1, 0, 0,
                      addr, header_size, 0, 10, 0x160, 0, 0, 0, 0, 0, 16)
    headers = dos + coff + opt.ljust(240, b"\0") + table
    assert len(headers) == header_size
    return headers + body


PLAIN = [
    (".initrd", b"foobar\n", None),
    (".linux", b"HALLO\n", None),
]

# The base and three profiles, with all that the merge has to get right.
BASE = [
    (".text", b"stub", None),
    (".sbat", b"sbat,1", 16),
    (".initrd", b"base initrd", None),
    (".osrel", b"ID=test\n", None),
    (".pcrsig", b"{}", None),
    (".initrd", b"second of its name", None),
    (".dtbauto", b"for another machine", None),
    (".linux", b"kernel, padded", 6),
    (".cmdline", b"quiet", None),
    (".uname", b"7.2", None),
]
PROFILES = [
    [(".profile", b"ID=main\n", None)],
    [(".profile", b"ID=rescue\n", None),
     (".cmdline", b"rescue", None),
     (".initrd", b"", 0),
     (".cmdline", b"ignored", None),
     (".efifw", b"for another machine", None)],
    [(".profile", b"ID=other\n", None),
     (".ucode", b"microcode", None),
     (".linux", b"another", 9)],
]

BASE_SECTIONS = {
    ".sbat": b"sbat,1" + bytes(10), ".initrd": b"base initrd",
    ".osrel": b"ID=test\n", ".pcrsig": b"{}", ".linux": b"kernel",
    ".cmdline": b"quiet", ".uname": b"7.2",
}
PROFILE_SECTIONS = [
    {".profile": b"ID=main\n"},
    {".profile": b"ID=rescue\n", ".cmdline": b"rescue", ".initrd": b""},
    {".profile": b"ID=other\n", ".ucode": b"microcode",
     ".linux": b"another\0\0"},
]


# --- Command lines -----------------------------------------------------------

# What sd-stub takes for one character, by first byte and nothing else.
UNIT = re.compile(rb"[\x00-\x7f]|[\xc0-\xdf].{1}|[\xe0-\xef].{2}|"
                  rb"[\xf0-\xf7].{3}|[\xf8-\xfb].{4}|[\xfc\xfd].{5}|"
                  rb"[\x80-\xbf\xfe\xff]|.+", re.DOTALL)


def code_point(unit):
    if len(unit) == 1:
        return unit[0] if unit[0] < 0x80 else None
    try:
        char = unit.decode("utf-8")
        return ord(char) if len(char) == 1 else None
    except UnicodeDecodeError:
        pass
    # An overlong form, a surrogate, five or six bytes, or malformed.
    bits = "".join(f"{b:08b}" for b in unit)
    head = "1" * len(unit) + "0"
    tails = [bits[i:i + 8] for i in range(8, len(bits), 8)]
    if not bits.startswith(head) or any(t[:2] != "10" for t in tails):
        return None
    return int(bits[len(head):8] + "".join(t[2:] for t in tails), 2)


def to_ucs2(text):
    out = ""
    pos = 0
    while pos < len(text) and text[pos]:
        unit = UNIT.match(text, pos).group()
        pos += len(unit)
        point = code_point(unit)
        if point is None or point > 0xffff or 0xd800 <= point <= 0xdfff:
            continue
        out += chr(point)
    return out.split("\0")[0]


def mangle(text):
    blanks = "".join(map(chr, range(0x21))) + "\x7f"
    inner = to_ucs2(text).strip(blanks)
    return inner.translate({ord(c): " " for c in blanks})


CMDLINES = [
    b"", b"quiet", b" ", b" \t\n\r\v\f ", b"  quiet  ", b"a  b", b"a\tb\nc",
    b"quiet\n", b"\nquiet", b"a\x7fb", b"\x7fa\x7f", b"a\x01\x1f\x20b",
    b"a\0b", b"\0a", b"a \0", b"@1 quiet",
    # two, three and four bytes
    "käse=ö".encode(), "\u07ff\u0800\uffff".encode(),
    "root=/dev/€".encode(), "a\U0001f427b".encode(), "\U0001f427".encode(),
    "\u00a0a\u00a0".encode(), "\u2003a".encode(), "\u0080".encode(),
    # byte order mark, non-characters
    b"\xef\xbb\xbfquiet", b"\xef\xbf\xbea",
    # surrogates, alone and as a pair
    b"a\xed\xa0\x80b", b"a\xed\xbf\xbfb", b"\xed\xa0\xbd\xed\xb0\xa7",
    b"\xed\x9f\xbf\xee\x80\x80",
    # overlong forms of /, NUL, a blank and the euro sign
    b"a\xc0\xafb", b"a\xe0\x80\xafb", b"a\xf0\x80\x80\xafb",
    b"a\xf8\x80\x80\x80\xafb", b"a\xfc\x80\x80\x80\x80\xafb",
    b"a\xc0\x80b", b"\xc0\x80b", b" \xe0\x80\x80b", b"a\xc0\xa0b",
    b"\xc0\xa0a\xc0\xa0", b"\xf0\x82\x82\xac", b"\xfc\x80\x80\x82\x82\xac",
    # above U+FFFF, in more bytes than there are characters for
    b"a\xf4\x90\x80\x80b", b"a\xf7\xbf\xbf\xbfb", b"a\xf8\x88\x80\x80\x80b",
    b"a\xfd\xbf\xbf\xbf\xbf\xbfb",
    # malformed: what follows is eaten with it
    b"a\x80b", b"a\xbfb", b"a\xfeb", b"a\xffb", b"a\xc3bc", b"a\xe2bcd",
    b"a\xe2\x82bc", b"a\xf0bcdef", b"a\xc3\xc3\xa4b", b"a\xc3\0b",
    b"a\xe2\0\0bc", b"a\xf0\0\0\0 b",
    # cut off
    b"a\xc3", b"a\xe2\x82", b"a\xf0\x9f\x90", b"ab\xfcc", b"\xc3", b"\xf0",
]

# Texts of random length out of bytes that matter.  The test does the same.
ALPHABET = bytes(range(0x00, 0x04)) + b"\t\n  @1ab\x7e\x7f\x7f" + bytes([
    0x80, 0x80, 0x81, 0x82, 0x9f, 0xa0, 0xa0, 0xac, 0xaf, 0xbf, 0xbf,
    0xc0, 0xc1, 0xc2, 0xc3, 0xdf, 0xe0, 0xe0, 0xe1, 0xe2, 0xed, 0xed, 0xef,
    0xf0, 0xf0, 0xf4, 0xf7, 0xf8, 0xfb, 0xfc, 0xfd, 0xfe, 0xff])
NR_RANDOM = 5000


def random_texts():
    seed = 1

    def rand32():
        nonlocal seed
        seed = (seed * 25214903917 + 11) % 2**48
        return seed >> 16 & 0xffffffff
    for _ in range(NR_RANDOM):
        length = rand32() % 48
        yield bytes(ALPHABET[rand32() % len(ALPHABET)] for _ in range(length))


def random_digests():
    utf8, utf16 = hashlib.sha256(), hashlib.sha256()
    for text in random_texts():
        result = mangle(text)
        utf8.update(result.encode() + b"\0")
        utf16.update(result.encode("utf-16-le") + b"\0\0")
    return utf8.digest(), utf16.digest()


# --- Known answers -----------------------------------------------------------

def check_published_values():
    # systemd's test/units/TEST-70-TPM2.measure.sh.
    hallo = {".linux": b"HALLO\n", ".initrd": b"foobar\n"}
    pcr = pcr11(hallo)
    assert pcr.hex() == ("37b48bd0b222394dbe3cceff2fca4660"
                         "c4b0a90ae9369ec90b42f14489989c13")
    assert extend(pcr, b"foo").hex() == ("21c49c1242042649e09c156546fd7d42"
                                         "5ccc3c67359f840507b30be4e0f6f699")
    for text in ("quiet", "käse=ö", "\uffff"):
        assert mangle(text.encode()) == text


# --- Output ------------------------------------------------------------------

def print_bytes(data, tabs):
    for i in range(0, len(data), 8):
        row = ", ".join(f"0x{b:02x}" for b in data[i:i + 8])
        print("\t" * tabs + row + ",")


def print_array(name, data, comment=None):
    print(f"\n/* {comment} */" if comment else "")
    print(f"static const u8 {name}[{len(data)}] = {{")
    print_bytes(data, 1)
    print("};")


def c_string(data):
    return '"' + "".join(f"\\{b:03o}" if b < 0x20 or b > 0x7e or b in b'"\\?'
                         else chr(b) for b in data) + '"'


def print_names():
    print("\nstatic const struct {\n\tconst char *name;\n\tbool measured;")
    print("\tu8 hash[32];\t/* of the name and one NUL */")
    print("} uki_testvec_names[] = {")
    for name in SECTIONS:
        print(f'\t{{\n\t\t.name = "{name}",')
        print(f"\t\t.measured = {str(name not in UNMEASURED).lower()},")
        print("\t\t.hash = {")
        print_bytes(sha256(name.encode() + b"\0"), 3)
        print("\t\t},\n\t},")
    print("};")


def print_cmdlines():
    print("\nstatic const struct {\n\tconst char *text;\n\tsize_t len;")
    print("\tconst char *want;\n\tsize_t want_len;")
    print("\tu8 hash[32];\t/* of UTF-16LE and two NULs */")
    print("} uki_testvec_cmdlines[] = {")
    for text in CMDLINES:
        want = mangle(text)
        print(f"\t{{\n\t\t.text = {c_string(text)},\n\t\t.len = {len(text)},")
        print(f"\t\t.want = {c_string(want.encode())},")
        print(f"\t\t.want_len = {len(want.encode())},\n\t\t.hash = {{")
        print_bytes(sha256(want.encode("utf-16-le") + b"\0\0"), 3)
        print("\t\t},\n\t},")
    print("};")


def main():
    check_published_values()
    print("/* SPDX-License-Identifier: GPL-2.0 */")
    print("/* This file was generated by: gen-uki-testvecs.py */")
    print_names()

    print_array("uki_testvec_plain", build_uki(PLAIN),
                ".initrd \"foobar\\n\", .linux \"HALLO\\n\"")
    print_array("uki_testvec_plain_pcr11",
                pcr11({name: content for name, content, _ in PLAIN}))

    print_array("uki_testvec_profiles", build_uki(BASE + sum(PROFILES, [])),
                "a base and three profiles")
    print("\nstatic const u8 uki_testvec_profiles_pcr11[][32] = {")
    for sections in PROFILE_SECTIONS:
        print("\t{")
        print_bytes(pcr11(BASE_SECTIONS | sections), 2)
        print("\t},")
    print("};")

    print_cmdlines()
    utf8, utf16 = random_digests()
    print(f"\n#define UKI_TESTVEC_NR_RANDOM {NR_RANDOM}")
    print_array("uki_testvec_alphabet", ALPHABET)
    print_array("uki_testvec_random_utf8_hash", utf8)
    print_array("uki_testvec_random_utf16_hash", utf16)
    print_array("uki_testvec_profile_number_hash",
                sha256("2".encode("utf-16-le") + b"\0\0"))


if __name__ == "__main__":
    main()
