# SPDX-License-Identifier: GPL-2.0
"""Writes event logs and replays them by hashlib, apart from the kernel's code.

TCG PC Client Platform Firmware Profile 1.06: 10.2.1, 10.2.2, 10.4.5.1.  Notes
and tags are those of include/linux/tcg2_log.h, written down anew.
"""

import hashlib
import struct

IDS = {"sha1": 0x04, "sha256": 0x0b, "sha384": 0x0c, "sha512": 0x0d,
       "sm3_256": 0x12}
SIZES = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64, "sm3_256": 32}
BANKS = ("sha1", "sha256", "sha384", "sha512")

NO_ACTION, SEPARATOR, TAGGED, IPL = 3, 4, 6, 13
APPLICATION = 0x80000003
MARKER, PASSED_INITRD, EXTEND = 0x6b780001, 0x6b780002, 0x6b780003
PARTIAL, FULL, NO_BANK, UNKNOWN = 1, 2, 3, 4


def digest(bank, data):
    return hashlib.new(bank.replace("sm3_256", "sm3"), data).digest()


def utf16(text):
    return text.encode("utf-16-le") + b"\0\0"


def tagged(tag, data):
    return struct.pack("<II", tag, len(data)) + data


class Log:
    """A log that grows; what it makes of the PCRs grows with it."""

    def __init__(self, banks=BANKS, start=True):
        self.banks = banks
        self.records = []
        self.pcrs = {b: {n: bytes(SIZES[b]) for n in range(16)} for b in banks}
        algs = b"".join(struct.pack("<HH", IDS[b], SIZES[b]) for b in banks)
        spec = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2,
                                                   len(banks)) + algs + b"\0"
        self.head = struct.pack("<II20xI", 0, NO_ACTION, len(spec)) + spec
        if not start:
            self.head = b""

    def extend(self, pcr, digests):
        for bank, value in digests:
            old = self.pcrs[bank][pcr]
            self.pcrs[bank][pcr] = digest(bank, old + value)

    def raw(self, pcr, kind, digests, data):
        out = struct.pack("<III", pcr, kind, len(digests))
        for bank, value in digests:
            out += struct.pack("<H", IDS[bank]) + value
        self.records.append(out + struct.pack("<I", len(data)) + data)

    def event(self, pcr, kind, hashed, data):
        digests = [(b, digest(b, hashed)) for b in self.banks]
        self.raw(pcr, kind, digests, data)
        self.extend(pcr, digests)

    def no_action(self, data, pcr=0):
        self.raw(pcr, NO_ACTION, [(b, bytes(SIZES[b])) for b in self.banks],
                 data)

    def locality(self, n):
        self.no_action(b"StartupLocality\0" + bytes([n]))
        for bank in self.banks:
            self.pcrs[bank][0] = bytes(SIZES[bank] - 1) + bytes([n])

    def note(self, kind, pcr, more=b""):
        self.no_action(b"Linux TPM note\0\0" + struct.pack("<II", kind, pcr)
                       + more)

    def partial(self, pcr, digests):
        """The TPM was told these, some banks or some twice."""
        more = struct.pack("<I", len(digests))
        for bank, value in digests:
            more += struct.pack("<HH", IDS[bank], len(value)) + value
        self.note(PARTIAL, pcr, more)
        self.extend(pcr, [(b, v) for b, v in digests if b in self.banks])

    def no_bank(self, banks):
        self.note(NO_BANK, 0, struct.pack("<I", len(banks)) + b"".join(
            struct.pack("<H", IDS[b]) for b in banks))

    def user(self, pcr, word, who=b"user"):
        self.event(pcr, TAGGED, word, tagged(EXTEND, who))

    def kexec(self, n, sections=(".linux", ".cmdline")):
        """As kernel/kexec_measure.c and kernel/kexec_uki.c list them"""
        marker = b"kexec:%d\0" % n
        self.event(4, TAGGED, marker, tagged(MARKER, marker))
        self.event(4, APPLICATION, b"Authenticode %d" % n,
                   struct.pack("<QQQQ", 0, 1 << 20, 0x14df00000, 0))
        for name in sections:
            self.event(11, IPL, name.encode() + b"\0", utf16(name))
            self.event(11, IPL, b"content of " + name.encode(), utf16(name))
        self.event(9, TAGGED, utf16("quiet"),
                   tagged(0x8f3b22ed, b"LOADED_IMAGE::LoadOptions\0"))
        self.event(9, TAGGED, b"initrd", tagged(0x8f3b22ec, b"Linux initrd\0"))

    def bytes(self):
        return self.head + b"".join(self.records)

    def pcr_text(self):
        return pcr_text(self.pcrs)


def pcr_text(pcrs):
    return "".join(f"{b} {n} {v.hex()}\n" for b in pcrs
                   for n, v in sorted(pcrs[b].items()))


def pending_of(live, fill):
    """What fill() appends, as the kernel shows it, and the log with it"""
    after = Log(live.banks)
    after.records = list(live.records)
    after.pcrs = {b: dict(v) for b, v in live.pcrs.items()}
    fill(after)
    return b"".join(after.records[len(live.records):]), after


def mixed():
    """All kinds of records: firmware, two kexecs, user space, notes"""
    log = Log()
    log.locality(3)
    log.event(0, 8, utf16("1.0"), utf16("1.0"))
    guid = bytes(range(16))
    for name in ("SecureBoot", "PK"):
        var = guid + struct.pack("<QQ", len(name), 3) + \
            name.encode("utf-16-le") + b"abc"
        log.event(7, 0x80000001, var, var)
    for pcr in range(8):
        log.event(pcr, SEPARATOR, bytes(4), bytes(4))
    path = struct.pack("<BBH", 4, 4, 4 + 2 * 8) + utf16("\\A.EFI\x1b")
    path += struct.pack("<BBH", 0x7f, 0xff, 4)
    log.event(4, APPLICATION, b"first", struct.pack(
        "<QQQQ", 0x1000, 5000, 0, len(path)) + path)
    log.event(12, IPL, utf16("quiet"), utf16("quiet"))
    log.event(12, TAGGED, utf16("2"), tagged(0x13aed6db, utf16("2")))
    log.event(5, 0x80000007, b"Exit Boot Services Invocation",
              b"Exit Boot Services Invocation")
    log.user(11, b"enter-initrd")
    for pcr in (0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14):
        log.user(pcr, b"os-separator")
    log.user(15, b"anything")
    log.kexec(1)
    log.event(8, 0x1234, b"x", b"\x1b]0;title\x07" + bytes(range(256)))
    log.user(14, b"by the kernel", b"kernel")
    log.partial(14, [("sha256", b"\1" * 32), ("sha1", b"\2" * 20),
                     ("sha256", b"\3" * 32)])
    log.kexec(2)
    return log
