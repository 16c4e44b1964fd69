# SPDX-License-Identifier: GPL-2.0
"""UKIs: made by ukify, signed by sbsign, and bent by hand."""

import hashlib
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from . import paths

OSREL = 'ID=e2e\nIMAGE_ID=e2e\nVERSION_ID=1\nPRETTY_NAME="kexec UKI test"\n'
CONSOLE = "console=ttyS0 loglevel=4 panic=-1"


def run(argv, **kw):
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **kw)
    if done.returncode:
        raise RuntimeError(f"{argv[0]}: status {done.returncode}\n"
                           + done.stdout.decode(errors="replace"))
    return done.stdout


def key(name):
    """An RSA key pair of this run, for PCR signatures."""
    private = paths.WORK / f"{name}.key"
    public = paths.WORK / f"{name}.pub"
    if not public.exists():
        run(["openssl", "genrsa", "-out", private, "2048"])
        run(["openssl", "rsa", "-in", private, "-pubout", "-out", public])
    return private, public


def build(out, initrd, cmdline, linux=None, options=()):
    """Run ukify.  All that is not said here has ukify's default."""
    argv = [paths.TOOLS / "ukify", "build", "--stub", paths.STUB,
            "--linux", linux or paths.BZIMAGE, "--cmdline", cmdline,
            "--os-release", OSREL, "--uname", "7.2-e2e", "--output", out,
            "--tools", paths.TOOLS]
    if initrd:
        argv += ["--initrd", initrd]
    run(argv + list(options))
    return Path(out)


def signing_options():
    """Options that give a UKI a .pcrsig and a .pcrpkey."""
    private, public = key("pcr")
    return ["--pcr-private-key", private, "--pcr-public-key", public,
            "--phases", "enter-initrd", "--pcr-banks", "sha256"]


def sign(source, out):
    """Sign with the key that OVMF's snakeoil variables trust."""
    pem = paths.SNAKEOIL / "PkKek-1-snakeoil.pem"
    plain = paths.WORK / "snakeoil.key"
    if not plain.exists():
        run(["openssl", "rsa", "-in",
             paths.SNAKEOIL / "PkKek-1-snakeoil.key",
             "-passin", "pass:snakeoil", "-out", plain])
    run(["sbsign", "--key", plain, "--cert", pem, "--output", out, source])
    return Path(out)


def section(image, name):
    """One section's bytes, as objcopy sees them; None without one."""
    with tempfile.NamedTemporaryFile() as tmp:
        run(["objcopy", "-O", "binary", f"--only-section={name}",
             image, tmp.name])
        data = Path(tmp.name).read_bytes()
    return data or None


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class Table:
    """The section table of a PE file, for bending it."""

    def __init__(self, path):
        self.load(Path(path).read_bytes())

    def load(self, data):
        self.data = bytearray(data)
        pe = struct.unpack_from("<I", self.data, 0x3c)[0]
        self.count_at = pe + 6
        optional = struct.unpack_from("<H", self.data, pe + 20)[0]
        self.table = pe + 24 + optional

    def find(self, name):
        """Offset of the first header with this name."""
        count = struct.unpack_from("<H", self.data, self.count_at)[0]
        for n in range(count):
            at = self.table + 40 * n
            if self.data[at:at + 8].rstrip(b"\0") == name.encode():
                return at
        raise KeyError(name)

    def set(self, name, field, value):
        offset = {"vsize": 8, "vaddr": 12, "rawsize": 16, "raw": 20}[field]
        struct.pack_into("<I", self.data, self.find(name) + offset, value)

    def get(self, name, field):
        offset = {"vsize": 8, "vaddr": 12, "rawsize": 16, "raw": 20}[field]
        return struct.unpack_from("<I", self.data,
                                  self.find(name) + offset)[0]

    def rename(self, name, new):
        at = self.find(name)
        self.data[at:at + 8] = new.encode().ljust(8, b"\0")

    def poke(self, name, offset, content):
        """Overwrite bytes of a section's content."""
        at = self.get(name, "raw") + offset
        self.data[at:at + len(content)] = content

    @property
    def count(self):
        return struct.unpack_from("<H", self.data, self.count_at)[0]

    def headers(self):
        """The section headers, as bytes."""
        return [bytes(self.data[at:at + 40]) for at in
                range(self.table, self.table + 40 * self.count, 40)]

    def set_headers(self, headers):
        """Replace them all; there has to be room for them."""
        size = struct.unpack_from("<I", self.data, self.optional_at() + 60)[0]
        if self.table + 40 * len(headers) > size:
            raise ValueError(f"no room for {len(headers)} headers")
        old = 40 * self.count
        new = b"".join(headers)
        self.data[self.table:self.table + max(old, len(new))] = new.ljust(
            old, b"\0")
        struct.pack_into("<H", self.data, self.count_at, len(headers))

    def optional_at(self):
        """Offset of the optional header, where sizes of the image are."""
        return self.count_at + 18

    def add(self, name, content, vsize=None, index=None):
        """One more section; its content goes to the end of the file."""
        optional = self.optional_at()
        page, align = struct.unpack_from("<II", self.data, optional + 32)
        vsize = len(content) if vsize is None else vsize
        last = max(struct.unpack_from("<II", h, 8)[::-1]
                   for h in self.headers())
        vaddr = -(-sum(last) // page) * page
        self.data += bytes(-len(self.data) % align)
        raw = len(self.data) if content else 0
        self.data += content + bytes(-len(content) % align)
        header = name.encode("latin-1").ljust(8, b"\0") + struct.pack(
            "<IIII12xI", vsize, vaddr, -(-len(content) // align) * align, raw,
            0x40000040)
        headers = self.headers()
        headers.insert(len(headers) if index is None else index, header)
        self.set_headers(headers)
        end = -(-(vaddr + max(vsize, 1)) // page) * page
        struct.pack_into("<I", self.data, optional + 56, end)

    def write(self, path):
        Path(path).write_bytes(self.data)
        return Path(path)


def tamper(source, out, name=".cmdline", offset=0, content=b"X"):
    """A copy with some bytes of a section changed, signature left as is."""
    shutil.copy(source, out)
    table = Table(out)
    table.poke(name, offset, content)
    return table.write(out)


def bare(out, sections, machine=0x8664):
    """A PE with these (name, content) sections and no code at all."""
    align = 512
    head = bytearray(b"MZ".ljust(0x3c, b"\0") + struct.pack("<I", 0x40))
    optional = bytearray(240)
    struct.pack_into("<H", optional, 0, 0x20b)
    struct.pack_into("<II", optional, 32, 4096, align)
    struct.pack_into("<H", optional, 68, 10)
    struct.pack_into("<I", optional, 108, 16)
    headers_end = 0x40 + 24 + len(optional) + 40 * len(sections)
    raw = -(-headers_end // align) * align
    vaddr = -(-raw // 4096) * 4096
    struct.pack_into("<I", optional, 60, raw)
    table, body = bytearray(), bytearray()
    for name, content in sections:
        size = -(-len(content) // align) * align
        table += name.encode().ljust(8, b"\0")
        table += struct.pack("<IIII12xI", len(content), vaddr, size,
                             raw + len(body), 0x40000040)
        body += content.ljust(size, b"\0")
        vaddr += -(-max(len(content), 1) // 4096) * 4096
    struct.pack_into("<I", optional, 56, vaddr)
    head += b"PE\0\0" + struct.pack("<HHIIIHH", machine, len(sections), 0, 0,
                                    0, len(optional), 0x22)
    head += optional + table
    Path(out).write_bytes(bytes(head.ljust(raw, b"\0")) + bytes(body))
    return Path(out)
