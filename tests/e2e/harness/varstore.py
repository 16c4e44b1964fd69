# SPDX-License-Identifier: GPL-2.0
"""A boot entry in OVMF's variable store: which file to start, with what options.

The only way to give a program of the ESP load options under Secure Boot, and
to start one that is not EFI/BOOT/BOOTX64.EFI, without a boot manager that would
measure something of its own.

The layout is that of EDK2's VariableFormat.h (authenticated variables).
"""

import struct
import uuid
from pathlib import Path

GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
NV_BS_RT = 7
START_ID, ADDED = 0x55aa, 0x3f
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


def room(store):
    """Where the next variable goes, and where the store ends"""
    at = struct.unpack_from("<H", store, 48)[0]
    size = struct.unpack_from("<I", store, at + 16)[0]
    end, at = at + size, at + 28
    while struct.unpack_from("<H", store, at)[0] == START_ID:
        fields = HEADER.unpack_from(store, at)
        at += HEADER.size + fields[7] + fields[8]
        at += -at % 4
    return at, end


def boot_entry(store, path, options=None):
    """Make the firmware start path, of whatever disk, with these options."""
    image = bytearray(Path(store).read_bytes())
    new = (variable("Boot0077", load_option(path, options))
           + variable("BootOrder", struct.pack("<H", 0x77)))
    at, end = room(image)
    if at + len(new) > end or image[at:at + len(new)].strip(b"\xff"):
        raise ValueError(f"no room in {store}")
    image[at:at + len(new)] = new
    Path(store).write_bytes(image)
