# SPDX-License-Identifier: GPL-2.0
"""A reader of crypto-agile TPM event logs (TCG PC Client PFP 10.2).

Written apart from the kernel's and held against tpm2_eventlog by the oracle,
so that a mistake in one of the three is seen.
"""

import hashlib
import struct
from dataclasses import dataclass

ALGS = {0x04: "sha1", 0x0b: "sha256", 0x0c: "sha384", 0x0d: "sha512",
        0x12: "sm3_256"}

EV_NO_ACTION = 0x03
EV_SEPARATOR = 0x04
EV_EVENT_TAG = 0x06
EV_IPL = 0x0d
EV_EFI_BOOT_SERVICES_APPLICATION = 0x80000003

NAMES = {EV_NO_ACTION: "EV_NO_ACTION", EV_SEPARATOR: "EV_SEPARATOR",
         EV_EVENT_TAG: "EV_EVENT_TAG", EV_IPL: "EV_IPL",
         EV_EFI_BOOT_SERVICES_APPLICATION: "EV_EFI_BOOT_SERVICES_APPLICATION"}


class BadLog(Exception):
    """The bytes are not a crypto-agile log."""


@dataclass
class Event:
    pcr: int
    type: int
    digests: dict
    data: bytes

    @property
    def type_name(self):
        return NAMES.get(self.type, f"{self.type:#x}")

    @property
    def tag(self):
        return struct.unpack_from("<I", self.data)[0]

    def describe(self):
        """The text a person would know the event by."""
        data = self.data
        if self.type == EV_EVENT_TAG and len(data) >= 8:
            length = struct.unpack_from("<I", data, 4)[0]
            data = data[8:8 + length]
        elif self.type == EV_EFI_BOOT_SERVICES_APPLICATION:
            return "the UKI's Authenticode digest"
        wide = len(data) >= 2 and len(data) % 2 == 0 and data[1] == 0
        return data.decode("utf-16-le" if wide else "latin-1").rstrip("\0")


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, n):
        if n > len(self.data) - self.at:
            raise BadLog(f"record at {self.at} leaves the log")
        self.at += n
        return self.data[self.at - n:self.at]

    def u16(self):
        return struct.unpack("<H", self.take(2))[0]

    def u32(self):
        return struct.unpack("<I", self.take(4))[0]


def header(reader):
    """The first record, of the old format, names the algorithms."""
    reader.take(8 + 20)
    size = reader.u32()
    spec = Reader(reader.take(size))
    if spec.take(16) != b"Spec ID Event03\0":
        raise BadLog("not a crypto-agile log")
    spec.take(8)
    return {spec.u16(): spec.u16() for _ in range(spec.u32())}


def parse(data):
    """The events of a log, without its header."""
    reader = Reader(data)
    sizes = header(reader)
    events = []
    while reader.at < len(data):
        pcr, kind, count = reader.u32(), reader.u32(), reader.u32()
        if count != len(sizes):
            raise BadLog(f"{count} digests, header has {len(sizes)}")
        digests = {}
        for _ in range(count):
            alg = reader.u16()
            digests[ALGS[alg]] = reader.take(sizes[alg])
        events.append(Event(pcr, kind, digests, reader.take(reader.u32())))
    return events


def extend(bank, value, digest):
    return hashlib.new(bank, value + digest).digest()


def replay(events, bank):
    """PCRs 0 to 15 after all events, from a TPM that was just reset."""
    size = hashlib.new(bank).digest_size
    pcrs = {n: bytes(size) for n in range(16)}
    for e in events:
        if e.type == EV_NO_ACTION:
            if e.pcr == 0 and e.data.startswith(b"StartupLocality\0"):
                pcrs[0] = bytes(size - 1) + e.data[16:17]
            continue
        if e.pcr in pcrs:
            pcrs[e.pcr] = extend(bank, pcrs[e.pcr], e.digests[bank])
    return pcrs
