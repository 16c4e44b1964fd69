#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Generate drivers/char/tpm/eventlog/tests/tcg2-log-testvecs.h: logs, headers,
# records and notes, with what drivers/char/tpm/eventlog/tcg2_log.c must make of them.
#
# This is a second writer, from the TCG PC Client Platform Firmware Profile 1.06
# (10.2, 10.4.5.1) and from the comments in include/linux/tcg2_log.h.
#
#   gen-tcg2-log-testvecs.py > \
#           drivers/char/tpm/eventlog/tests/tcg2-log-testvecs.h

import hashlib
import struct

BYTES_PER_LINE = 8

SHA1, SHA256, SHA384, SHA512, SM3 = 0x04, 0x0b, 0x0c, 0x0d, 0x12
FIVE = [(SHA1, 20), (SHA256, 32), (SHA384, 48), (SHA512, 64), (SM3, 32)]
SIZES = dict(FIVE)

EV_NO_ACTION, EV_SEPARATOR, EV_EVENT_TAG, EV_S_CRTM_VERSION = 3, 4, 6, 8
EV_IPL, EV_EFI_VARIABLE, EV_EFI_APPLICATION = 0xd, 0x80000001, 0x80000003

TAG_KEXEC, TAG_EXTEND, TAG_INITRD = 0x6b780001, 0x6b780003, 0x6b780002
TAG_LOAD_OPTIONS = 0x8f3b22ed

PARTIAL, FULL, NO_BANK, UNKNOWN = 1, 2, 3, 4
KINDS = {PARTIAL: "TCG2_NOTE_PARTIAL", FULL: "TCG2_NOTE_FULL",
         NO_BANK: "TCG2_NOTE_NO_BANK", UNKNOWN: "TCG2_NOTE_UNKNOWN"}


# --- Logs --------------------------------------------------------------------

def specid(algs, count=None, vendor=b"", vendor_len=None,
           signature=b"Spec ID Event03\0"):
    out = struct.pack("<16sIBBBBI", signature, 0, 0, 2, 106, 2,
                      len(algs) if count is None else count)
    for alg in algs:
        out += struct.pack("<HH", *alg)
    return out + bytes([len(vendor) if vendor_len is None else vendor_len]) + \
        vendor


def head(event, pcr=0, kind=EV_NO_ACTION, digest=bytes(20), event_len=None):
    return struct.pack("<II", pcr, kind) + digest + \
        struct.pack("<I", len(event) if event_len is None else event_len) + \
        event


# Not a hash, but no byte is where another algorithm or event has the same.
def digest_of(alg, number):
    return hashlib.shake_128(b"%d:%d" % (alg, number)).digest(SIZES[alg])


def tagged(tag, data, length=None):
    return struct.pack("<II", tag, len(data) if length is None else length) + \
        data


def record(pcr, kind, digests, data):
    out = struct.pack("<III", pcr, kind, len(digests))
    for alg, digest in digests:
        out += struct.pack("<H", alg) + digest
    return out + struct.pack("<I", len(data)) + data


# PCR, type, data; the markers that count have True.
def marker(n):
    return tagged(TAG_KEXEC, b"kexec:%d\0" % n)


EVENTS = [
    (0, EV_S_CRTM_VERSION, "1.0\0".encode("utf-16-le"), False),
    (0, EV_NO_ACTION, b"StartupLocality\0\3", False),
    (7, EV_EFI_VARIABLE, bytes(range(0x30, 0x5d)), False),
    (7, EV_SEPARATOR, bytes(4), False),
    (4, EV_EVENT_TAG, marker(1), True),
    (4, EV_EFI_APPLICATION, bytes(32), False),
    (11, EV_IPL, b"", False),
    # forged: another PCR, another type, too short, a length that lies, another
    # tag
    (12, EV_EVENT_TAG, marker(2), False),
    (4, EV_IPL, marker(2), False),
    (4, EV_EVENT_TAG, marker(2)[:7], False),
    (4, EV_EVENT_TAG, tagged(TAG_KEXEC, b"kexec:2\0", 9), False),
    (4, EV_EVENT_TAG, tagged(TAG_KEXEC, b"kexec:2\0", 0xfffffff8), False),
    (4, EV_EVENT_TAG, tagged(TAG_INITRD, b"kexec:2\0"), False),
    (4, EV_EVENT_TAG, b"", False),
    (12, EV_EVENT_TAG, tagged(TAG_INITRD, b"initrd\0"), False),
    (9, EV_EVENT_TAG, tagged(TAG_LOAD_OPTIONS, b"q\0"), False),
    (4, EV_EVENT_TAG, marker(2), True),
    (15, EV_EVENT_TAG, tagged(TAG_EXTEND, b"user"), False),
    (15, EV_EVENT_TAG, tagged(TAG_EXTEND, b""), False),
    (0xffffffff, 0xffffffff, b"\xff", False),
]

# In which order each record has its digests: the header's, but for these.
ORDERS = {5: [4, 3, 2, 1, 0], 14: [2, 0, 4, 1, 3]}


def five_banks():
    log = head(specid(FIVE, vendor=b"vendor"))
    head_len, records = len(log), []
    for number, (pcr, kind, data, _) in enumerate(EVENTS):
        off, offsets = len(log), [0] * len(FIVE)
        order = ORDERS.get(number, range(len(FIVE)))
        pos = off + 12
        for i in order:
            offsets[i] = pos + 2
            pos += 2 + FIVE[i][1]
        log += record(pcr, kind, [(FIVE[i][0], digest_of(FIVE[i][0], number))
                                  for i in order], data)
        records.append({"off": off, "len": len(log) - off, "data": pos + 4,
                        "digests": offsets, "ordered": number not in ORDERS})
    return log, head_len, records


# --- Headers -----------------------------------------------------------------

ODD = [(0x7777, 1), (SHA256, 32), (0xfffe, 64), (0x0000, 5)]
SIXTEEN = [(0x100 + i, 4 * i + 4) for i in range(16)]

GOOD_HEADS = [
    ("one algorithm", FIVE[1:2], head(specid(FIVE[1:2]))),
    ("five algorithms", FIVE, head(specid(FIVE))),
    ("backwards", FIVE[::-1], head(specid(FIVE[::-1]))),
    ("unknown algorithms", ODD, head(specid(ODD))),
    ("16 algorithms", SIXTEEN, head(specid(SIXTEEN))),
    ("vendor info", FIVE[:2], head(specid(FIVE[:2], vendor=b"v" * 255))),
]

# Which error is right where an event is too short to tell is left open: 0.
BAD_HEADS = [
    ("no algorithm", "-EBADMSG", head(specid([]))),
    ("17 algorithms", "-EBADMSG", head(specid(SIXTEEN + [(0x200, 4)]))),
    ("2^32-1 algorithms", "-EBADMSG", head(specid(FIVE, count=0xffffffff))),
    ("2^30+1 algorithms", "-EBADMSG", head(specid(FIVE, count=0x40000001))),
    ("more algorithms than there is room for", "-EBADMSG",
     head(specid(FIVE, count=7))),
    ("an algorithm twice", "-EBADMSG", head(specid(FIVE[:2] + FIVE[:1]))),
    ("an unknown algorithm twice", "-EBADMSG", head(specid(ODD + ODD[:1]))),
    ("an unknown algorithm in two sizes", "-EBADMSG",
     head(specid(ODD[:1] + [(ODD[0][0], 2)]))),
    ("a SHA-256 digest of 31 bytes", "-EBADMSG", head(specid([(SHA256, 31)]))),
    ("a digest without bytes", "-EBADMSG", head(specid([(0x99, 0)]))),
    ("a digest of 65 bytes", "-EBADMSG", head(specid([(0x99, 65)]))),
    ("a digest of 65535 bytes", "-EBADMSG",
     head(specid(FIVE[:1] + [(0x99, 0xffff)]))),
    ("PCR 1", "-EPROTO", head(specid(FIVE), pcr=1)),
    ("another type", "-EPROTO", head(specid(FIVE), kind=EV_SEPARATOR)),
    ("a digest that is not zeros", "-EPROTO",
     head(specid(FIVE), digest=bytes(19) + b"\1")),
    ("a signature without NUL", "-EPROTO",
     head(specid(FIVE, signature=b"Spec ID Event033"))),
    ("the signature of SHA-1 logs", "-EPROTO",
     head(specid(FIVE, signature=b"Spec ID Event02\0"))),
    ("an event that ends before its algorithms", "-EBADMSG",
     head(specid(FIVE), event_len=28 + 4 * 5 - 1)),
    ("an event of 2^32-1 bytes", "-EBADMSG",
     head(specid(FIVE), event_len=0xffffffff)),
    ("an event that ends in its fixed part", "0",
     head(specid(FIVE), event_len=27)),
    ("an empty event", "0", head(b"")),
]


# --- Appended records --------------------------------------------------------

def zeros(alg):
    return alg, bytes(SIZES[alg])


def given(*algs):
    return [(alg, digest_of(alg, 1)) for alg in algs]


# Name, algorithms of the header, digests given, event data, the record's digests
APPENDS = [
    ("in order", FIVE, given(*SIZES), b"data", given(*SIZES)),
    ("backwards", FIVE, given(*list(SIZES)[::-1]), b"", given(*SIZES)),
    ("missing in the middle", FIVE, given(SHA1, SM3, SHA384), b"x",
     [*given(SHA1), zeros(SHA256), *given(SHA384), zeros(SHA512),
      *given(SM3)]),
    ("more than the header has", [(SHA384, 48), (SHA1, 20)], given(*SIZES),
     bytes(300), given(SHA384, SHA1)),
    ("none in common", [(SHA256, 32)], given(SHA1, SHA512), b"data",
     [zeros(SHA256)]),
    ("none given", [(SHA256, 32), (SM3, 32)], [], b"data",
     [zeros(SHA256), zeros(SM3)]),
]


# --- Notes -------------------------------------------------------------------

def note(kind, pcr, rest=b"", signature=b"Linux TPM note\0\0"):
    return struct.pack("<16sII", signature, kind, pcr) + rest


def partial(digests, count=None):
    out = struct.pack("<I", len(digests) if count is None else count)
    for alg, digest in digests:
        out += struct.pack("<HH", alg, len(digest)) + digest
    return out


def no_bank(algs, count=None):
    return struct.pack("<I", len(algs) if count is None else count) + \
        b"".join(struct.pack("<H", alg) for alg in algs)


MANY = [(0x100 + i, bytes([i] * 64)) for i in range(16)]

# Kind, PCR, digests, bytes
GOOD_NOTES = [
    ("partial", PARTIAL, 14, given(SHA256),
     note(PARTIAL, 14, partial(given(SHA256)))),
    ("partial, a bank twice", PARTIAL, 0,
     given(SHA512, SHA1) + [(SHA512, bytes(64))],
     note(PARTIAL, 0, partial(given(SHA512, SHA1) + [(SHA512, bytes(64))]))),
    ("partial, 16 digests", PARTIAL, 23, MANY, note(PARTIAL, 23,
                                                    partial(MANY))),
    ("full", FULL, 15, [], note(FULL, 15)),
    ("no bank", NO_BANK, 0, [(SHA384, b""), (SM3, b"")],
     note(NO_BANK, 0, no_bank([SHA384, SM3]))),
    ("no bank, 16 algorithms", NO_BANK, 0, [(alg, b"") for alg, _ in MANY],
     note(NO_BANK, 0, no_bank([alg for alg, _ in MANY]))),
    ("unknown", UNKNOWN, 7, [], note(UNKNOWN, 7)),
]

BAD_NOTES = [
    ("another signature", "-EPROTO",
     note(FULL, 15, signature=b"Linux TPM note\0 ")),
    ("startup locality", "-EPROTO", b"StartupLocality\0\3" + bytes(7)),
    ("kind 0", "-EBADMSG", note(0, 15)),
    ("kind 5", "-EBADMSG", note(5, 15)),
    ("kind 2^32-1", "-EBADMSG", note(0xffffffff, 15)),
    ("partial, 17 digests", "-EBADMSG",
     note(PARTIAL, 1, partial(MANY + [(0x200, bytes(4))]))),
    ("partial, one digest more than there is", "-EBADMSG",
     note(PARTIAL, 1, partial(given(SHA1), 2))),
    ("partial, 2^32-1 digests", "-EBADMSG",
     note(PARTIAL, 1, partial(given(SHA1), 0xffffffff))),
    ("partial, a digest of 65 bytes", "-EBADMSG",
     note(PARTIAL, 1, partial([(0x99, bytes(65))]))),
    ("partial, a digest that is longer than the note", "-EBADMSG",
     note(PARTIAL, 1, partial(given(SHA1))[:-20] + bytes(19))),
    ("no bank, 17 algorithms", "-EBADMSG", note(NO_BANK, 0, no_bank(range(17)))),
    ("no bank, one algorithm more than there is", "-EBADMSG",
     note(NO_BANK, 0, no_bank([SHA1], 2))),
    ("no bank, 2^31+1 algorithms", "-EBADMSG",
     note(NO_BANK, 0, no_bank([SHA1], 0x80000001))),
    ("full, with a byte more", "-EBADMSG", note(FULL, 15, b"\0")),
    ("unknown, with a count", "-EBADMSG", note(UNKNOWN, 15, bytes(4))),
    ("partial, with a byte more", "-EBADMSG",
     note(PARTIAL, 1, partial(given(SHA1)) + b"\0")),
    ("partial, one digest less than there are", "-EBADMSG",
     note(PARTIAL, 1, partial(given(SHA1, SHA256), 1))),
    ("no bank, one algorithm less than there are", "-EBADMSG",
     note(NO_BANK, 0, no_bank([SHA1, SHA256], 1))),
]


# --- Output ------------------------------------------------------------------

def print_bytes(data, indent):
    for i in range(0, len(data), BYTES_PER_LINE):
        print("\t" * indent +
              " ".join(f"0x{b:02x}," for b in data[i:i + BYTES_PER_LINE]))


def print_field(name, data):
    print(f"\t\t.{name}_len = {len(data)},")
    if data:
        print(f"\t\t.{name} = {{")
        print_bytes(data, 3)
        print("\t\t},")


def print_algs(algs):
    print(f"\t\t.nr_algs = {len(algs)},")
    print("\t\t.algs = {")
    for alg, size in algs:
        print(f"\t\t\t{{ {alg:#06x}, {size} }},")
    print("\t\t},")


def print_digests(digests):
    print(f"\t\t.nr_digests = {len(digests)},")
    if not digests:
        return
    print("\t\t.digests = {")
    for alg, digest in digests:
        print(f"\t\t\t{{ {alg:#06x}, {len(digest)}, {{")
        print_bytes(digest, 4)
        print("\t\t\t} },")
    print("\t\t},")


def print_log():
    log, head_len, records = five_banks()
    print("/* A log of five banks. */")
    print(f"#define LOG_HEAD_LEN\t{head_len}")
    print(f"#define LOG_KEXECS\t{sum(event[3] for event in EVENTS)}\n")
    print("static const u8 log_testvec[] = {")
    print_bytes(log, 1)
    print("};\n")
    print("""\
/*
 * Its records.  @digests: where the digest of each algorithm of the header is;
 * @ordered: they are in the order of the header; @tag_len: -1 if there is no
 * tag
 */
static const struct {
	u32 pcr;
	u32 type;
	size_t off;
	size_t len;
	size_t digests[5];
	bool ordered;
	size_t data;
	u32 data_len;
	u32 tag;
	s64 tag_len;
} record_testvecs[] = {""")
    for (pcr, kind, data, _), rec in zip(EVENTS, records):
        tag, tag_len = 0, -1
        if kind == EV_EVENT_TAG and len(data) >= 8:
            tag, tag_len = struct.unpack("<II", data[:8])
            if tag_len > len(data) - 8:
                tag, tag_len = 0, -1
        print("\t{")
        print(f"\t\t.pcr = {pcr:#x}, .type = {kind:#x},")
        print(f"\t\t.off = {rec['off']}, .len = {rec['len']},")
        print("\t\t.digests = { " + ", ".join(map(str, rec["digests"])) + " },")
        print(f"\t\t.ordered = {str(rec['ordered']).lower()},")
        print(f"\t\t.data = {rec['data']}, .data_len = {len(data)},")
        print(f"\t\t.tag = {tag:#x}, .tag_len = {tag_len},")
        print("\t},")
    print("};\n")


def print_heads():
    good = max(len(vec[2]) for vec in GOOD_HEADS)
    bad = max(len(vec[2]) for vec in BAD_HEADS)
    print(f"""\
/* Headers, and what is in them. */
static const struct {{
	const char *name;
	size_t head_len;
	u8 head[{good}];
	unsigned int nr_algs;
	struct tcg2_log_alg algs[TCG2_LOG_MAX_ALGS];
}} head_testvecs[] = {{""")
    for name, algs, data in GOOD_HEADS:
        print(f'\t{{\n\t\t.name = "{name}",')
        print_field("head", data)
        print_algs(algs)
        print("\t},")
    print(f"""}};

/* Headers that are none. */
static const struct {{
	const char *name;
	int error;	/* 0: any */
	size_t head_len;
	u8 head[{bad}];
}} bad_head_testvecs[] = {{""")
    for name, error, data in BAD_HEADS:
        print(f'\t{{\n\t\t.name = "{name}",')
        print(f"\t\t.error = {error},")
        print_field("head", data)
        print("\t},")
    print("};\n")


def print_appends():
    records = [record(11, EV_IPL, digests, data)
               for _, _, _, data, digests in APPENDS]
    print(f"""\
/*
 * Records of PCR 11 and type EV_IPL: algorithms of the header, what is given,
 * what is written.
 */
static const struct {{
	const char *name;
	unsigned int nr_algs;
	struct tcg2_log_alg algs[TCG2_LOG_MAX_ALGS];
	unsigned int nr_digests;
	struct tcg2_note_digest digests[5];
	u32 data_len;
	u8 data[{max(len(vec[3]) for vec in APPENDS)}];
	size_t record_len;
	u8 record[{max(map(len, records))}];
}} append_testvecs[] = {{""")
    for (name, algs, digests, data, _), rec in zip(APPENDS, records):
        print(f'\t{{\n\t\t.name = "{name}",')
        print_algs(algs)
        print_digests(digests)
        print_field("data", data)
        print_field("record", rec)
        print("\t},")
    print("};\n")


def print_notes():
    good = max(len(vec[4]) for vec in GOOD_NOTES)
    bad = max(len(vec[2]) for vec in BAD_NOTES)
    print(f"""\
/* Notes, and what is in them. */
static const struct {{
	const char *name;
	enum tcg2_note_kind kind;
	u32 pcr;
	unsigned int nr_digests;
	struct tcg2_note_digest digests[TCG2_LOG_MAX_ALGS];
	size_t note_len;
	u8 note[{good}];
}} note_testvecs[] = {{""")
    for name, kind, pcr, digests, data in GOOD_NOTES:
        print(f'\t{{\n\t\t.name = "{name}",')
        print(f"\t\t.kind = {KINDS[kind]},")
        print(f"\t\t.pcr = {pcr},")
        print_digests(digests)
        print_field("note", data)
        print("\t},")
    print(f"""}};

/* Notes that are none. */
static const struct {{
	const char *name;
	int error;
	size_t note_len;
	u8 note[{bad}];
}} bad_note_testvecs[] = {{""")
    for name, error, data in BAD_NOTES:
        print(f'\t{{\n\t\t.name = "{name}",')
        print(f"\t\t.error = {error},")
        print_field("note", data)
        print("\t},")
    print("};")


def main():
    print("/* SPDX-License-Identifier: GPL-2.0 */")
    print("/* This file was generated by: gen-tcg2-log-testvecs.py */\n")
    print_log()
    print_heads()
    print_appends()
    print_notes()


main()
