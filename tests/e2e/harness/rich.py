# SPDX-License-Identifier: GPL-2.0
"""A UKI with as many sections as ukify and systemd-stub know on x86."""

import struct

from . import initrd, uki


def bitmap(width=4, height=4):
    """A small BMP; without a screen it is measured all the same."""
    pixels = bytes(range(width * 3)) * height
    head = struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0,
                       len(pixels), 2835, 2835, 0, 0)
    return head + info + pixels


def options(t):
    ucode, splash = t.dir / "ucode.cpio", t.dir / "splash.bmp"
    ucode.write_bytes(initrd.archive({"ucode-seen": b"microcode archive\n"}))
    splash.write_bytes(bitmap())
    return uki.signing_options() + [
        "--microcode", ucode, "--splash", splash,
        "--profile", "ID=main\nTITLE=Main\n"]
