# SPDX-License-Identifier: GPL-2.0
"""What OVMF's variable store is given before a boot.

A boot entry is the only way to give a program of the ESP load options under
Secure Boot, and to start one that is not EFI/BOOT/BOOTX64.EFI, without a boot
manager that would measure something of its own.  And dbx, the list of what is
revoked, and whether Secure Boot is on.

The layout is that of EDK2's VariableFormat.h (authenticated variables).
"""

import struct
import uuid
from pathlib import Path

GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
SECURITY_DATABASE = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
SECURE_BOOT_ENABLE = uuid.UUID("f0a30bc7-af08-4556-99c4-001009c93a44")
# Types of signature lists (UEFI specification, 32.4.1)
CERT_SHA256 = uuid.UUID("c1c41626-504c-4092-aca9-41f936934328")
CERT_X509_SHA256 = uuid.UUID("3bd2a492-96c0-4079-b420-fcf98ef103ed")
NV_BS_RT = 7
START_ID, ADDED, DELETED = 0x55aa, 0x3f, 0x3c
HEADER = struct.Struct("<HBBIQ16sIII16s")


def wide(text):
    return text.encode("utf-16-le") + b"\0\0"


def load_option(path, options):
    """EFI_LOAD_OPTION; a path without a device is looked for on all of them"""
    name = wide(path)
    node = struct.pack("<BBH", 4, 4, 4 + len(name)) + name
    end = struct.pack("<BBH", 0x7f, 0xff, 4)
    data = options if isinstance(options, bytes) else (
        wide(options) if options else b"")
    return (struct.pack("<IH", 1, len(node + end)) + wide("e2e") + node + end
            + data)


def variable(name, data, vendor=GLOBAL):
    name = wide(name)
    head = HEADER.pack(START_ID, ADDED, 0, NV_BS_RT, 0, bytes(16), 0,
                       len(name), len(data), vendor.bytes_le)
    raw = head + name + data
    return raw + b"\xff" * (-len(raw) % 4)


def behind(at, fields):
    """Where the variable ends that is at this place"""
    at += HEADER.size + fields[7] + fields[8]
    return at + -at % 4


def first(store):
    return struct.unpack_from("<H", store, 48)[0] + 28


def variables(store):
    """(offset, fields of the header) of each"""
    at = first(store)
    while struct.unpack_from("<H", store, at)[0] == START_ID:
        fields = HEADER.unpack_from(store, at)
        yield at, fields
        at = behind(at, fields)


def find(store, name, vendor):
    """(offset, fields) of the one that counts"""
    for at, fields in variables(store):
        start = at + HEADER.size
        if (fields[1] == ADDED and fields[9] == vendor.bytes_le
                and store[start:start + fields[7]] == wide(name)):
            return at, fields
    raise KeyError(name)


def room(store):
    """Where the next variable goes, and where the store ends"""
    start = struct.unpack_from("<H", store, 48)[0]
    end = start + struct.unpack_from("<I", store, start + 16)[0]
    ends = [behind(*each) for each in variables(store)]
    return max(ends, default=first(store)), end


def put(image, new):
    """More variables behind the last one"""
    at, end = room(image)
    if at + len(new) > end or image[at:at + len(new)].strip(b"\xff"):
        raise ValueError("no room in the variable store")
    image[at:at + len(new)] = new


def signature_list(kind, entries):
    """EFI_SIGNATURE_LIST of entries of one size; of whom, does not matter"""
    size = 16 + len(entries[0])
    return (kind.bytes_le + struct.pack("<III", 28 + size * len(entries), 0,
                                        size)
            + b"".join(bytes(16) + entry for entry in entries))


def revoke(store, lists):
    """Make these signature lists dbx, in place of the one that is there."""
    image = bytearray(Path(store).read_bytes())
    at, fields = find(image, "dbx", SECURITY_DATABASE)
    name = image[at + HEADER.size:at + HEADER.size + fields[7]]
    data = b"".join(lists)
    new = HEADER.pack(*fields[:8], len(data), fields[9]) + name + data
    image[at + 2] = DELETED
    put(image, new + b"\xff" * (-len(new) % 4))
    Path(store).write_bytes(image)


def no_secure_boot(store):
    """Switch it off, with all its keys left in place."""
    image = bytearray(Path(store).read_bytes())
    at, fields = find(image, "SecureBootEnable", SECURE_BOOT_ENABLE)
    image[at + HEADER.size + fields[7]] = 0
    Path(store).write_bytes(image)


def boot_entry(store, path, options=None):
    """Make the firmware start path, of whatever disk, with these options."""
    image = bytearray(Path(store).read_bytes())
    new = (variable("Boot0077", load_option(path, options))
           + variable("BootOrder", struct.pack("<H", 0x77)))
    put(image, new)
    Path(store).write_bytes(image)
