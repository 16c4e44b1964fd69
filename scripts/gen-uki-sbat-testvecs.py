#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Generate the vectors of the KUnit tests of lib/uki_sbat.c: sections, levels, and what
# shim makes of them.
#
# The outcomes are written by hand, from shim 16.1's SBAT.md, SbatLevel_Variable.txt,
# sbat.c and csv.c, and from what its test-sbat.c and test-csv.c expect.  Each is
# compared with a second implementation, below, before anything is printed.
#
#   gen-uki-sbat-testvecs.py > lib/tests/uki-sbat-testvecs.h
#   gen-uki-sbat-testvecs.py check

import re
import sys

OWN = "sbat,1,SBAT Version,sbat,1,https://example.org/SBAT.md\n"
GRUB = "grub,{},Free Software Foundation,grub,2.04,https://example.org/grub/\n"
FEDORA = "grub.fedora,{},The Fedora Project,grub2,2.04-31.fc33,https://example.org\n"
UKI = "systemd-stub,1,The systemd Developers,systemd,262,https://example.org\n"
# SbatLevel_Variable.txt: the first level, and that of 2025051000
FIRST = "sbat,1,2021030218\n"
LATEST = "sbat,1,2025051000\nshim,4\ngrub,5\ngrub.proxmox,2\n"
BOM = "\xef\xbb\xbf"
MAX = 32 << 10


def grub(generation):
    return GRUB.format(generation)


def fine(records):
    return ("fine", records)


def revoked(name, generation, limit):
    return ("revoked", name, generation, limit)


def section(msg, at):
    return ("section", msg, at)


def level(msg, at):
    return ("level", msg, at)


FEW, EMPTY, LARGE = "too few fields", "empty field", "generation too large"
NUL, LONG, NONE = "text behind a NUL", "too long", "no records"

CASES = [
    # What exists
    ("ukify's section, first level", OWN + UKI, FIRST, fine(2)),
    ("component below the level", OWN + grub(4), LATEST, revoked("grub", 4, 5)),
    ("component at the level", OWN + grub(5), LATEST, fine(2)),
    ("component above the level", OWN + grub(6), LATEST, fine(2)),
    ("two digits above one", OWN + grub(10), LATEST, fine(2)),
    ("product has its own number", OWN + grub(5) + FEDORA.format(1),
     FIRST + "grub,5\ngrub.fedora,2\n", revoked("grub.fedora", 1, 2)),
    ("product of another vendor", OWN + grub(5) + FEDORA.format(1), LATEST, fine(3)),
    ("nothing that the level names", UKI, LATEST, fine(1)),
    ("the format's own number counts", OWN, "sbat,2,2021030218\n",
     revoked("sbat", 1, 2)),
    ("the last record is the revoked one", OWN + UKI + grub(1), FIRST + "grub,2\n",
     revoked("grub", 1, 2)),
    ("the first of two revoked ones", grub(1) + FEDORA.format(1),
     "grub.fedora,3\ngrub,2\n", revoked("grub", 1, 2)),
    ("test-sbat.c: parse and verify",
     "test1,1,SBAT test1,acme1,1,testURL1\ntest2,2,SBAT test2,acme2,2,testURL2\n",
     "test1,5\nbar,2\n", revoked("test1", 1, 5)),

    # Names
    ("a name is all of the field", OWN + grub(1), FIRST + "gru,2\ngrubs,2\n", fine(2)),
    ("case of letters", OWN + grub(1), FIRST + "GRUB,2\n", fine(2)),
    ("a blank is part of the name", OWN + " " + grub(1), FIRST + "grub,2\n", fine(2)),
    ("and of that in the level", OWN + grub(1), FIRST + "grub ,2\n", fine(2)),
    ("quotes are, too", OWN + '"grub"' + grub(1)[4:], FIRST + "grub,2\n", fine(2)),
    ("a quote does not hide a comma", '"a,1",b,c,d,e\n', '"a,2\n',
     revoked('"a', 1, 2)),
    ("bytes above 127", "gr\xfcb,1,v,p,1,u\n", "gr\xfcb,2\n",
     revoked("gr\xfcb", 1, 2)),

    # Twice
    ("twice in the section: any that is too old", grub(5) + grub(1), FIRST + "grub,2\n",
     revoked("grub", 1, 2)),
    ("twice in the level: the first counts", grub(2), FIRST + "grub,2\ngrub,3\n",
     fine(1)),
    ("twice in the level, the larger first", grub(2), FIRST + "grub,3\ngrub,2\n",
     revoked("grub", 2, 3)),

    # Generations
    ("no number is 0", OWN + grub("x"), FIRST + "grub,1\n", revoked("grub", 0, 1)),
    ("0 is not below 0", OWN + grub(0), FIRST + "grub,0\n", fine(2)),
    ("no number in the level is 0", OWN + grub(0), FIRST + "grub,x\n", fine(2)),
    ("digits, then something", OWN + grub("3.9"), FIRST + "grub,4\n",
     revoked("grub", 3, 4)),
    ("zeros in front", OWN + grub("0005"), FIRST + "grub,005\n", fine(2)),
    ("blanks in front", OWN + grub(" \t3"), FIRST + "grub,\t 4\n",
     revoked("grub", 3, 4)),
    ("a sign is no digit", OWN + grub("-1"), FIRST + "grub,1\n",
     revoked("grub", 0, 1)),
    ("plus is none either", OWN + grub("+7"), FIRST + "grub,1\n",
     revoked("grub", 0, 1)),
    ("only blanks", OWN + grub("  "), FIRST + "grub,1\n", revoked("grub", 0, 1)),
    ("not octal", OWN + grub("010"), FIRST + "grub,9\n", fine(2)),
    ("not hexadecimal", OWN + grub("0x9"), FIRST + "grub,1\n", revoked("grub", 0, 1)),
    ("the largest", OWN + grub(65535), FIRST + "grub,65535\n", fine(2)),
    ("too large, shim: 0", OWN + grub(65536), FIRST, section(LARGE, 60)),
    ("shim: 1", OWN + grub("4294967297"), FIRST + "grub,1\n", section(LARGE, 60)),
    ("shim: whatever", OWN + grub("9" * 40), FIRST, section(LARGE, 60)),
    ("too large in the level, shim: 0", OWN, FIRST + "grub,65536\n",
     level(LARGE, 23)),

    # Fields
    ("test-sbat.c: too many fields",
     "test1,1,SBAT test1,acme1,1,testURL1,other1,stuff,is,here\n"
     "test2,2,SBAT test2,acme2,2,testURL2,other2", "test2,3\n",
     revoked("test2", 2, 3)),
    ("those that are too many may be empty", "a,1,v,p,1,u,,,\n", FIRST, fine(1)),
    ("test-sbat.c: too few fields", "test1,1,acme", FIRST, section(FEW, 0)),
    ("test-sbat.c: no commas", "test1", FIRST, section(FEW, 0)),
    ("five fields", OWN + "a,1,v,p,1\n", FIRST, section(FEW, 55)),
    ("an empty name", ",1,v,p,1,u\n", FIRST, section(EMPTY, 0)),
    ("an empty generation", "a,,v,p,1,u\n", FIRST, section(EMPTY, 2)),
    ("an empty URL", OWN + "a,1,v,p,1,\n", FIRST, section(EMPTY, 65)),
    ("an empty vendor", "a,1,,p,1,u\n", FIRST, section(EMPTY, 4)),
    ("only commas", ",,,,,\n", FIRST, section(EMPTY, 0)),
    ("level: one field", OWN, FIRST + "grub\n", level(FEW, 18)),
    ("level: an empty name", OWN, FIRST + ",2\n", level(EMPTY, 18)),
    ("level: an empty generation", OWN, FIRST + "grub,\n", level(EMPTY, 23)),
    ("level: an empty date", OWN, "sbat,1,\n", level(EMPTY, 7)),
    ("level: more than a date", OWN, "sbat,1,2021030218,,x\n", fine(1)),
    ("a malformed record behind a revoked one", grub(1) + "a\n", "grub,2\n",
     section(FEW, 68)),
    ("a malformed level behind one that revokes", grub(1), "grub,2\na\n",
     level(FEW, 7)),
    ("both malformed: the level first", "a\n", "a\n", level(FEW, 0)),

    # Lines
    ("test-sbat.c: no newline at the end", "test1,1,SBAT test1,acme,1,testURL",
     "test1,2", revoked("test1", 1, 2)),
    ("carriage returns", (OWN + grub(1)).replace("\n", "\r\n"),
     "sbat,1,2021030218\r\ngrub,2\r\n", revoked("grub", 1, 2)),
    ("only carriage returns", (OWN + grub(1)).replace("\n", "\r"),
     "sbat,1,2021030218\rgrub,2\r", revoked("grub", 1, 2)),
    ("empty lines", "\n\n" + OWN + "\n\r\n\n" + grub(1) + "\n\n",
     "\n" + FIRST + "\n\ngrub,2\n\n", revoked("grub", 1, 2)),
    ("a line of a tab", OWN + "\t\n", FIRST, section(FEW, 55)),
    ("test-csv.c: a byte order mark", BOM + grub(1), BOM + "grub,2\n",
     revoked("grub", 1, 2)),
    ("later it is part of a name", OWN + BOM + grub(1), FIRST + "grub,2\n", fine(2)),
    ("part of one", "\xef\xbb" + grub(1), "grub,2\n", fine(1)),

    # Ends
    ("a section padded to a file's alignment", (OWN + grub(1)).ljust(512, "\0"),
     FIRST + "grub,2\n", revoked("grub", 1, 2)),
    ("a level with a NUL", OWN + grub(1), FIRST + "grub,2\n\0",
     revoked("grub", 1, 2)),
    ("no section", "", LATEST, fine(0)),
    ("test-sbat.c: tiny, but shim overlooks the a", "\0a", FIRST, section(NUL, 1)),
    ("a section of padding", "\0" * 512, LATEST, fine(0)),
    ("a section of newlines", "\n\r\n", LATEST, fine(0)),
    ("a section of a byte order mark", BOM, LATEST, fine(0)),
    ("text behind a NUL, which shim overlooks", OWN + "\0" + grub(1),
     FIRST + "grub,2\n", section(NUL, 56)),
    ("and which it does not overlook", OWN + "\n\0" + grub(1), FIRST + "grub,2\n",
     section(NUL, 57)),
    ("a NUL in a name", "gr\0ub,1,v,p,1,u\n", FIRST, section(NUL, 3)),
    ("level: text behind a NUL", grub(1), FIRST + "\0grub,2\n", level(NUL, 19)),
    ("no level at all", OWN, "", level(NONE, 0)),
    ("a level of NULs", OWN, "\0\0", level(NONE, 0)),
    ("a level of newlines", OWN, "\n\n", level(NONE, 0)),
    ("the longest section", "a,1,v,p,1," + "u" * (MAX - 10), FIRST, fine(1)),
    ("too long", "a,1,v,p,1," + "u" * (MAX - 9), FIRST, section(LONG, MAX)),
    ("padding is not too long", OWN + "\0" * MAX, FIRST, fine(1)),
    ("a level that is too long", OWN, "a,1,".ljust(MAX + 1, "u"),
     level(LONG, MAX)),
]


# --- The second implementation -----------------------------------------------

class Malformed(Exception):
    pass


def records(text, needed, most):
    body, _, rest = text.partition("\0")
    if rest.strip("\0") or len(body) > MAX:
        raise Malformed
    for line in re.split("[\r\n]+", body.removeprefix(BOM)):
        fields = line.split(",")[:most]
        if line and (len(fields) < needed or "" in fields):
            raise Malformed
        if line:
            digits = re.match("[ \t]*([0-9]*)", fields[1], re.A)[1]
            if int(digits or 0) > 65535:
                raise Malformed
            yield fields[0], int(digits or 0)


def model(text, limits):
    try:
        known = {}
        for name, generation in records(limits, 2, 3):
            known.setdefault(name, generation)
    except Malformed:
        return ("level",)
    if not known:
        return ("level",)
    try:
        own = list(records(text, 6, 6))
    except Malformed:
        return ("section",)
    for name, generation in own:
        if generation < known.get(name, 0):
            return revoked(name, generation, known[name])
    return fine(len(own))


def check():
    names = [case[0] for case in CASES]
    if len(set(names)) != len(names):
        sys.exit("two cases have the same name")
    for name, text, limits, want in CASES:
        got = model(text, limits)
        if got != want[:len(got)] or got[0] != want[0]:
            sys.exit(f"{name}: written {want}, found {got}")
        if want[0] in ("section", "level"):
            whole = text if want[0] == "section" else limits
            if want[2] > len(whole):
                sys.exit(f"{name}: there is no byte {want[2]}")
    return len(CASES)


# --- Output ------------------------------------------------------------------

def quoted(text, indent):
    """A C string, with a line break in the source after each newline."""
    def byte(c):
        code = ord(c)
        named = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
        return named.get(c) or (c if 32 <= code < 127 else f"\\{code:03o}")

    lines = re.findall("[^\n]*\n|[^\n]+", text) or [""]
    parts = ["".join(map(byte, line)) for line in lines]
    return f"\n{indent}".join(f'"{part}"' for part in parts)


def repeated(text):
    """(head, byte, count): long texts end in one byte many times."""
    run = len(text) - len(text.rstrip(text[-1:])) if text else 0
    if run < 64:
        return text, "", 0
    return text[:-run], text[-1], run


def put_text(field, text):
    head, byte, count = repeated(text)
    print(f"\t\t.{field} = {{")
    print(f"\t\t\t{quoted(head, chr(9) * 3)}, {len(head)},")
    if count:
        print(f"\t\t\t'{byte if ord(byte) else chr(92) + '0'}', {count},")
    print("\t\t},")


def put(name, text, limits, want):
    print(f'\t{{\n\t\t.name = "{name}",')
    put_text("section", text)
    put_text("level", limits)
    if want[0] == "fine":
        print(f"\t\t.nr_records = {want[1]},")
    elif want[0] == "revoked":
        print("\t\t.err = -EKEYREJECTED,")
        print(f'\t\t.revoked = {quoted(want[1], "")},')
        print(f"\t\t.generation = {want[2]},\n\t\t.limit = {want[3]},")
    else:
        print("\t\t.err = -EBADMSG,")
        print(f"\t\t.bad = UKI_SBAT_{want[0].upper()},")
        print(f'\t\t.msg = "{want[1]}",\n\t\t.off = {want[2]},')
    print("\t},")


HEAD = """/* SPDX-License-Identifier: GPL-2.0 */
/* This file was generated by: gen-uki-sbat-testvecs.py */

/* A text is @len bytes, and @count times @byte behind them. */
struct uki_testvec_text {
	const char *data;
	size_t len;
	char byte;
	size_t count;
};

static const struct {
	const char *name;
	struct uki_testvec_text section;
	struct uki_testvec_text level;
	int err;
	size_t nr_records;
	const char *revoked;
	u32 generation;
	u32 limit;
	enum uki_sbat_kind bad;
	const char *msg;
	size_t off;
} uki_testvec_sbat[] = {"""


def main():
    number = check()
    if sys.argv[1:] == ["check"]:
        print(f"{number} passed, 0 failed")
        return
    print(HEAD)
    for case in CASES:
        put(*case)
    print("};")


main()
