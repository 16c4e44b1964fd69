# SPDX-License-Identifier: GPL-2.0
"""The smallest kernel that kexec_file_load() takes on x86.  It cannot run.

The fields are those of Documentation/arch/x86/boot.rst.
"""

import struct

SETUP_SECTS = 1
CODE = 2048

# offset: (format, value)
HEADER = {
    0x1f1: ("<B", SETUP_SECTS),
    0x1fe: ("<H", 0xaa55),          # boot_flag
    0x200: ("<BB", (0xeb, 0x6a)),   # jump; the header ends at 0x202 + 0x6a
    0x202: ("4s", b"HdrS"),
    0x206: ("<H", 0x20f),           # version
    0x211: ("<B", 1),               # loadflags: LOADED_HIGH
    0x230: ("<I", 0x200000),        # kernel_alignment
    0x234: ("<B", 1),               # relocatable_kernel
    0x236: ("<H", 0x63),            # xloadflags: 64 bit, above 4 GiB, 5 levels
    0x238: ("<I", 2047),            # cmdline_size
    0x258: ("<Q", 0x1000000),       # pref_address
    0x260: ("<I", 0x10000),         # init_size
}


def bzimage():
    image = bytearray((SETUP_SECTS + 1) * 512 + CODE)
    for offset, (form, value) in HEADER.items():
        values = value if isinstance(value, tuple) else (value,)
        struct.pack_into(form, image, offset, *values)
    return bytes(image)
