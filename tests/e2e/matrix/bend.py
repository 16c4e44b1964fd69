# SPDX-License-Identifier: GPL-2.0
"""What is done to a PE by hand: each makes a function of its uki.Table."""

import struct


def add(name, content=b"", vsize=None, index=None):
    """One more section; with another VirtualSize, at another place"""
    return lambda table: table.add(name, content, vsize, index)


def grow(name, more):
    """Zeros after the content: VirtualSize above the raw size

    The section moves to the end of the image, where there is room.
    """
    def edit(table):
        at = table.get(name, "raw")
        content = bytes(table.data[at:at + table.get(name, "vsize")])
        place = [h[:8].rstrip(b"\0").decode() for h in table.headers()].index(
            name)
        headers = table.headers()
        del headers[place]
        table.set_headers(headers)
        # What is cut to the file's alignment is all that the file has
        align = struct.unpack_from("<I", table.data, table.optional_at()
                                   + 36)[0]
        raw = -(-len(content) // align) * align
        table.add(name, content, raw + more, place)
    return edit


def cut(name, vsize):
    """A smaller VirtualSize: less of the content counts"""
    return lambda table: table.set(name, "vsize", vsize)


def flip(name):
    """Another first byte of the content"""
    def edit(table):
        table.data[table.get(name, "raw")] ^= 1
    return edit


def count(number):
    """Nothing is done: there are this many sections"""
    def edit(table):
        if table.count != number:
            raise ValueError(f"{table.count} sections, not {number}")
    return edit


def rename(old, new):
    return lambda table: table.rename(old, new)


def order(arrange):
    """Another order of the headers; arrange is a function of their list"""
    return lambda table: table.set_headers(arrange(table.headers()))


def tail(content):
    """Bytes after the last section"""
    def edit(table):
        table.data += content
    return edit


def poke(offset, fmt, value):
    """A field after the PE signature"""
    def edit(table):
        struct.pack_into(fmt, table.data, table.count_at - 6 + offset, value)
    return edit


def machine(value):
    return poke(4, "<H", value)


def subsystem(value):
    return poke(24 + 68, "<H", value)


def truncate(size):
    def edit(table):
        del table.data[-size:]
    return edit
