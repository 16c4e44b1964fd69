# SPDX-License-Identifier: GPL-2.0
"""A reader of IMA's binary measurement lists.

Must not trust what a list says of itself: the digest of each record is made
anew from its data.
"""

import hashlib
import re
import struct
from dataclasses import dataclass

IMA_PCR = 10

# Templates of the kernel that we read, by their fields
FIELDS = {b"ima-ng": "d-ng|n-ng", b"ima-buf": "d-ng|n-ng|buf"}


@dataclass
class Entry:
    pcr: int
    digest: bytes
    template: bytes
    data: bytes

    @property
    def violation(self):
        return not any(self.digest)

    def fields(self):
        """Name of the field -> its bytes"""
        names = FIELDS.get(self.template, self.template.decode()).split("|")
        out, at = [], 0
        while at < len(self.data):
            size, = struct.unpack_from("<I", self.data, at)
            value = self.data[at + 4:at + 4 + size]
            if len(value) != size:
                raise ValueError(f"field is cut in {self.data!r}")
            out.append(value)
            at += 4 + size
        if len(out) != len(names):
            raise ValueError(f"{len(out)} fields of {names}")
        return dict(zip(names, out))

    @property
    def name(self):
        return self.fields()["n-ng"].rstrip(b"\0").decode()

    @property
    def buf(self):
        """What was measured, for records that have it in them"""
        return self.fields().get("buf")

    @property
    def value(self):
        """(algorithm, digest) of what was measured"""
        alg, digest = self.fields()["d-ng"].split(b":\0", 1)
        return alg.decode(), digest


def parse(data, bank):
    """The list whose template digests are of this bank"""
    size = hashlib.new(bank).digest_size
    out, at = [], 0

    def take(n):
        nonlocal at
        if n > len(data) - at:
            raise ValueError(f"IMA list is cut at {at}")
        at += n
        return data[at - n:at]

    def number():
        return struct.unpack("<I", take(4))[0]

    while at < len(data):
        pcr, digest = number(), take(size)
        template = take(number())
        out.append(Entry(pcr, digest, template, take(number())))
    return out


def replay(entries, bank):
    """PCR 10 after all entries; a violation (all zero) extends all ones."""
    value = bytes(hashlib.new(bank).digest_size)
    for n, e in enumerate(entries):
        digest = hashlib.new(bank, e.data).digest()
        if e.violation:
            digest = b"\xff" * len(digest)
        elif digest != e.digest:
            raise ValueError(f"entry {n} {e.data!r} has another digest")
        if e.pcr == IMA_PCR:
            value = hashlib.new(bank, value + digest).digest()
    return value


def rehashed(entries, bank):
    """The list as it is in another bank"""
    def digest(e):
        new = hashlib.new(bank, e.data).digest()
        return bytes(len(new)) if e.violation else new
    return [Entry(e.pcr, digest(e), e.template, e.data) for e in entries]


def lists(report, name):
    """bank -> list, of all banks that the guest has dumped"""
    pattern = f"{name}/ima/binary_runtime_measurements_(sha[0-9]+)"
    found = [re.fullmatch(pattern, f) for f in report.files]
    return {f[1]: parse(report.files[f[0]], f[1]) for f in found if f}


def named(entries, name):
    return [e for e in entries if e.name == name]


def boot_aggregates(entries):
    """One for each kernel of the chain: (algorithm, digest)"""
    return [e.value for e in named(entries, "boot_aggregate")]


def identity(entry):
    """What a kexec_uki record says: name -> value, in its order"""
    text = entry.buf.decode()
    if not re.fullmatch(r"([^=;]+=[^=;]+;)+", text):
        raise ValueError(f"kexec_uki says {text!r}")
    return dict(part.split("=") for part in text[:-1].split(";"))
