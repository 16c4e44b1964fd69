# SPDX-License-Identifier: GPL-2.0
"""A reader of crypto-agile TPM event logs (TCG PC Client PFP 10.2).

Written apart from the kernel's and held against tpm2_eventlog by the oracle,
so that a mistake in one of the three is seen.
"""

import hashlib
import struct
from dataclasses import dataclass, field

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


# Our own tags of EV_EVENT_TAG, and the notes that a live log has in EV_NO_ACTION
# (Documentation/security/tpm/)
TAG_KEXEC = 0x6b780001
TAG_INITRD = 0x6b780002
TAG_EXTEND = 0x6b780003
TAG_FILE = 0x6b780004
NOTE = b"Linux TPM note\0\0"
PARTIAL, FULL, NO_BANK, UNKNOWN = 1, 2, 3, 4


class BadLog(Exception):
    """The bytes are not a crypto-agile log."""


@dataclass
class Event:
    pcr: int
    type: int
    digests: dict
    data: bytes
    raw: bytes = field(default=b"", compare=False, repr=False)

    @property
    def type_name(self):
        return NAMES.get(self.type, f"{self.type:#x}")

    @property
    def tag(self):
        if self.type != EV_EVENT_TAG or len(self.data) < 8:
            return None
        return struct.unpack_from("<I", self.data)[0]

    @property
    def text(self):
        """What a tagged event carries"""
        return self.data[8:]

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


@dataclass
class Note:
    """Why a log does not replay with its other events alone"""
    kind: int
    pcr: int
    digests: list           # of PARTIAL: (bank, digest) in the TPM's order


def note(event):
    """The note that an event is; None of any other event"""
    if event.type != EV_NO_ACTION or event.data[:16] != NOTE:
        return None
    reader = Reader(event.data[16:])
    kind, pcr, digests = reader.u32(), reader.u32(), []
    if kind == PARTIAL:
        for _ in range(reader.u32()):
            alg, size = reader.u16(), reader.u16()
            digests.append((ALGS[alg], reader.take(size)))
    return Note(kind, pcr, digests)


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


def split(data):
    """A log's header, and the rest of it"""
    reader = Reader(data)
    header(reader)
    return data[:reader.at], data[reader.at:]


def parse(data, head=b""):
    """The events of a log, without its header; head is that of a part."""
    data = head + data
    reader = Reader(data)
    sizes = header(reader)
    events = []
    while reader.at < len(data):
        start = reader.at
        pcr, kind, count = reader.u32(), reader.u32(), reader.u32()
        if count != len(sizes):
            raise BadLog(f"{count} digests, header has {len(sizes)}")
        digests = {}
        for _ in range(count):
            alg = reader.u16()
            digests[ALGS[alg]] = reader.take(sizes[alg])
        content = reader.take(reader.u32())
        events.append(Event(pcr, kind, digests, content,
                            data[start:reader.at]))
    return events


def tagged(events, tag):
    return [e for e in events if e.tag == tag]


def extend(bank, value, digest):
    return hashlib.new(bank, value + digest).digest()


def take_note(event, bank, pcrs):
    """What an EV_NO_ACTION event says of PCRs"""
    size = hashlib.new(bank).digest_size
    if event.pcr == 0 and event.data.startswith(b"StartupLocality\0"):
        pcrs[0] = bytes(size - 1) + event.data[16:17]
    said = note(event)
    if not said or said.kind == NO_BANK:
        return
    if said.kind != PARTIAL:
        pcrs[said.pcr] = None
    for name, digest in said.digests:
        if name == bank and pcrs[said.pcr] is not None:
            pcrs[said.pcr] = extend(bank, pcrs[said.pcr], digest)


def replay(events, bank):
    """PCRs 0 to 15 after all events, from a TPM that was just reset.

    None is the value of a PCR of which the log says that it does not know.
    """
    size = hashlib.new(bank).digest_size
    pcrs = {n: bytes(size) for n in range(16)}
    for e in events:
        if e.type == EV_NO_ACTION:
            take_note(e, bank, pcrs)
        elif pcrs.get(e.pcr) is not None:
            pcrs[e.pcr] = extend(bank, pcrs[e.pcr], e.digests[bank])
    return pcrs
