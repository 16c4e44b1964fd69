# SPDX-License-Identifier: GPL-2.0
"""A reader of IMA's binary measurement lists."""

import hashlib
import struct
from dataclasses import dataclass


@dataclass
class Entry:
    pcr: int
    digest: bytes
    template: bytes
    data: bytes


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
    for e in entries:
        digest = e.digest if any(e.digest) else b"\xff" * len(e.digest)
        if e.pcr == 10:
            value = hashlib.new(bank, value + digest).digest()
    return value
