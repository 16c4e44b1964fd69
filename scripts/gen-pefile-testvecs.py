#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Makes the PE files that the KUnit suites "pefile" and "verify_pefile" read, and
# what the suites expect of them.  Expectations come from what this script put
# into a file and from the Authenticode and edk2 rules written down below, never
# from the code under test.
#
#   gen-pefile-testvecs.py pefile > lib/tests/pefile-testvecs.h
#   gen-pefile-testvecs.py verify_pefile > \
#	crypto/asymmetric_keys/tests/verify_pefile-testvecs.h
#   gen-pefile-testvecs.py check
#
# "check" compares the digests with those of osslsigncode and sbsign, for the
# files that these tools take.  "verify_pefile" signs with a key that is thrown
# away, so each run gives another header; it and "check" need openssl.

import hashlib
import os
import subprocess
import struct
import sys
import tempfile

DIRENT_LEN = 8
CERT_DIRENT = 4
COFF_LEN = 24
SECTION_LEN = 40


class Section:
    def __init__(self, name, off, length, vs=None, va=0x1000):
        self.name = name
        self.off = off
        self.len = length
        self.vs = length if vs is None else vs
        self.va = va

    def header(self):
        return struct.pack("<8sIIIIIIHHI", self.name, self.vs, self.va,
                           self.len, self.off, 0, 0, 0, 0, 0x40000040)


class Pe:
    """A PE file, put together from its description."""

    def __init__(self, name, sections, size, plus=True, lfanew=64, slack=0,
                 nr_dirs=16, header_size=512, cert_len=0, what=""):
        self.name = name
        self.what = what
        self.sections = sections
        self.plus = plus
        self.header_size = header_size
        self.opt = lfanew + COFF_LEN
        self.fixed = 112 if plus else 96
        self.opt_len = self.fixed + nr_dirs * DIRENT_LEN + slack
        self.csum = self.opt + 64
        self.cert_dirent = 0
        if nr_dirs > CERT_DIRENT:
            self.cert_dirent = (self.opt + self.fixed +
                                CERT_DIRENT * DIRENT_LEN)
        self.table = self.opt + self.opt_len
        self.certs = (size, cert_len) if cert_len else (0, 0)
        self.machine = 0x8664 if plus else 0x14c
        self.image_base = 0x123456789abc0000 if plus else 0x400000
        self.build(size, lfanew, nr_dirs, slack)

    def build(self, size, lfanew, nr_dirs, slack):
        f = bytearray(size)
        f[self.header_size:] = b"\xee" * (size - self.header_size)
        f[0:2] = b"MZ"
        struct.pack_into("<I", f, 60, lfanew)
        struct.pack_into("<4sHHIIIHH", f, lfanew, b"PE\0\0", self.machine,
                         len(self.sections), 0, 0, 0, self.opt_len, 0x22e)
        magic, base = (0x20b, "<Q") if self.plus else (0x10b, "<I")
        struct.pack_into("<H", f, self.opt, magic)
        struct.pack_into(base, f, self.opt + (24 if self.plus else 28),
                         self.image_base)
        struct.pack_into("<II", f, self.opt + 32, 0x1000, 0x200)
        struct.pack_into("<IIIH", f, self.opt + 56, 0x10000, self.header_size,
                         0xc5c5c5c5, 10)
        struct.pack_into("<I", f, self.opt + self.fixed - 4, nr_dirs)
        f[self.table - slack:self.table] = b"\x51" * slack
        if self.certs[1]:
            struct.pack_into("<II", f, self.cert_dirent, *self.certs)
        for i, s in enumerate(self.sections):
            at = self.table + i * SECTION_LEN
            f[at:at + SECTION_LEN] = s.header()
            if s.off + s.len <= size:
                for j in range(s.len):
                    f[s.off + j] = (0x40 + 0x20 * i + j) & 0xff
        self.file = f

    def spans(self):
        """Authenticode, "Calculating the PE Image Hash"; ties as in edk2."""
        dirent = self.cert_dirent or self.header_size
        after = dirent + DIRENT_LEN if self.cert_dirent else dirent
        spans = [(0, self.csum), (self.csum + 4, dirent),
                 (after, self.header_size)]
        hashed = self.header_size
        for s in sorted((s for s in self.sections if s.len),
                        key=lambda s: s.off):
            spans.append((s.off, s.off + s.len))
            hashed += s.len
        total = len(self.file)
        if total > hashed:
            assert total >= hashed + self.certs[1]
            spans.append((hashed, total - self.certs[1]))
        return [(a, b) for a, b in spans if a < b]

    def gap(self):
        """Bytes behind the headers that no digest covers; one range."""
        free = set(range(self.header_size, self.certs[0]))
        for a, b in self.spans():
            free -= set(range(a, b))
        if not free:
            return (0, 0)
        assert len(free) == max(free) + 1 - min(free)
        return (min(free), max(free) + 1)

    def digest(self):
        return hashlib.sha256(b"".join(bytes(self.file[a:b])
                                       for a, b in self.spans())).digest()

    def append_certs(self, certs):
        assert len(certs) == self.certs[1]
        assert not certs or len(self.file) == self.certs[0]
        self.file += certs


def descriptions():
    text = Section(b".text\0\0\0", 512, 24, vs=20)
    data = Section(b".section", 536, 40, va=0x2000)
    return [
        dict(name="pe32plus", sections=[text, data], size=576,
             what="PE32+, nothing behind the last section"),
        dict(name="pe32", sections=[text, data], size=576, plus=False,
             what="PE32"),
        dict(name="tail", sections=[text, data], size=576 + 16,
             what="data behind the last section"),
        dict(name="certs", sections=[text, data], size=576, cert_len=24,
             what="a certificate table"),
        dict(name="certs_tail", sections=[text, data], size=576 + 16,
             cert_len=24, what="data, then a certificate table"),
        dict(name="order", sections=[
            Section(b".c\0\0\0\0\0\0", 576, 24, va=0x1000),
            Section(b".b\0\0\0\0\0\0", 544, 32, va=0x2000),
            Section(b".bss\0\0\0\0", 0xfffffff0, 0, vs=64, va=0x3000),
            Section(b".a\0\0\0\0\0\0", 512, 32, va=0x4000)], size=600,
             what="sections in descending order, one without raw bytes"),
        dict(name="gap", sections=[
            Section(b".b\0\0\0\0\0\0", 560, 24),
            Section(b".a\0\0\0\0\0\0", 520, 24)], size=600,
             what="bytes between sections: the tail covers some of them"),
        dict(name="ties", sections=[
            Section(b"AAAAAAAA", 512, 24, vs=0x100, va=0x2000),
            Section(b"AAAAAAAA", 512, 16, vs=0xff, va=0x2000),
            Section(b"AAAAAAAA", 512, 8, vs=0xff, va=0x1000)], size=568,
             what="the same PointerToRawData three times"),
        dict(name="slack", sections=[text, data], size=576, slack=16,
             what="SizeOfOptionalHeader goes beyond the directories"),
        dict(name="few_dirs", sections=[text, data], size=576, nr_dirs=4,
             what="no entry for a certificate table"),
        dict(name="no_sections", sections=[], size=528,
             what="no sections"),
        dict(name="unaligned", sections=[text, data], size=576, lfanew=77,
             what="headers at an odd offset"),
    ]


# Output

def c_bytes(data, indent="\t"):
    """Zero bytes are left out where there are four or more of them."""
    out, line, skipping = [], "", False
    zeros = b"\0" * 4
    i = 0
    while i < len(data):
        if data[i:i + 4] == zeros:
            skipping = True
            while i < len(data) and data[i] == 0:
                i += 1
            continue
        item = f"0x{data[i]:02x},"
        if skipping:
            item = f"[{i}] = {item}"
            skipping = False
        if line and (len(line) + len(item) + 1 > 68 or item[0] == "["):
            out.append(indent + line)
            line = ""
        line += (" " if line else "") + item
        i += 1
    out.append(indent + line)
    return "\n".join(out)


def c_array(name, data):
    return (f"static const u8 {name}[{len(data)}] = {{\n"
            f"{c_bytes(bytes(data))}\n}};\n")


def c_section(s):
    name = ", ".join(f"0x{c:02x}" for c in s.name)
    off = s.off if s.len else 0
    return (f"\t{{\n\t\t.name = {{ {name} }},\n"
            f"\t\t.virtual_address = 0x{s.va:x},\n"
            f"\t\t.virtual_size = 0x{s.vs:x},\n"
            f"\t\t.raw = {{ {off}, {s.len} }},\n\t}},\n")


def c_pefile(pe):
    return (f"\t\t.file = {pe.name}_file,\n"
            f"\t\t.len = sizeof({pe.name}_file),\n"
            f"\t\t.digest = {pe.name}_digest,\n"
            f"\t\t.sections = {pe.name}_sections,\n"
            f"\t\t.pe = {{\n"
            f"\t\t\t.machine = 0x{pe.machine:x},\n"
            f"\t\t\t.subsystem = 10,\n"
            f"\t\t\t.nr_sections = {len(pe.sections)},\n"
            f"\t\t\t.image_size = 0x10000,\n"
            f"\t\t\t.image_base = 0x{pe.image_base:x},\n"
            f"\t\t\t.header_size = {pe.header_size},\n"
            f"\t\t\t.csum_off = {pe.csum},\n"
            f"\t\t\t.cert_dirent_off = {pe.cert_dirent},\n"
            f"\t\t\t.sections_off = {pe.table},\n"
            f"\t\t\t.certs = {{ {pe.certs[0]}, {pe.certs[1]} }},\n"
            f"\t\t}},\n")


def header(which):
    print("/* SPDX-License-Identifier: GPL-2.0 */")
    print("/* This file was generated by: "
          f"gen-pefile-testvecs.py {which} */\n")


def generate_pefile():
    header("pefile")
    pes = []
    for args in descriptions():
        pe = Pe(**args)
        pe.append_certs(b"\xce" * pe.certs[1])
        pes.append(pe)
    for pe in pes:
        print(f"/* {pe.what} */")
        print(c_array(f"{pe.name}_file", pe.file))
        print(c_array(f"{pe.name}_digest", pe.digest()))
        sections = "".join(c_section(s) for s in pe.sections)
        print(f"static const struct pefile_section {pe.name}_sections[] = {{\n"
              f"{sections or chr(9) + '{ }' + chr(10)}}};\n")
    print("static const struct pefile_testvec {\n"
          "\tconst char *name;\n\tconst u8 *file;\n\tsize_t len;\n"
          "\tconst u8 *digest;\n"
          "\tconst struct pefile_section *sections;\n"
          "\tstruct pefile pe;\n} pefile_testvecs[] = {")
    for pe in pes:
        print(f'\t{{\n\t\t.name = "{pe.what}",\n{c_pefile(pe)}\t}},')
    print("};")


# Signing: PKCS#7 SignedData with an SpcIndirectDataContent, as little as the
# kernel's parser takes.

def der(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 0x80:
        size = bytes([n])
    elif n < 0x100:
        size = bytes([0x81, n])
    else:
        size = bytes([0x82, n >> 8, n & 0xff])
    return bytes([tag]) + size + body


def oid(text):
    arcs = [int(a) for a in text.split(".")]
    out = bytes([arcs[0] * 40 + arcs[1]])
    for arc in arcs[2:]:
        enc = [arc & 0x7f]
        while arc := arc >> 7:
            enc.append(0x80 | (arc & 0x7f))
        out += bytes(reversed(enc))
    return der(6, out)


def seq(*parts):
    return der(0x30, *parts)


def der_items(body):
    """The elements of a constructed value, with their tags and lengths."""
    items = []
    while body:
        n, skip = body[1], 2
        if n & 0x80:
            skip += n & 0x7f
            n = int.from_bytes(body[2:skip], "big")
        items.append(body[:skip + n])
        body = body[skip + n:]
    return items


def der_body(item):
    return item[2 + (item[1] & 0x7f if item[1] & 0x80 else 0):]


SHA256 = seq(oid("2.16.840.1.101.3.4.2.1"), der(5))


class Signer:
    def __init__(self, directory):
        self.key = os.path.join(directory, "key.pem")
        self.pem = os.path.join(directory, "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048",
                        "-nodes", "-keyout", self.key, "-out", self.pem,
                        "-days", "36500", "-sha256", "-subj",
                        "/CN=verify_pefile KUnit"], check=True,
                       stderr=subprocess.DEVNULL)
        self.cert = subprocess.run(["openssl", "x509", "-in", self.pem,
                                    "-outform", "DER"], check=True,
                                   stdout=subprocess.PIPE).stdout
        tbs = der_items(der_body(der_items(der_body(self.cert))[0]))
        self.serial, self.issuer = tbs[1], tbs[3]

    def rsa(self, data):
        return subprocess.run(["openssl", "dgst", "-sha256", "-sign",
                               self.key], input=data, check=True,
                              stdout=subprocess.PIPE).stdout

    def pkcs7(self, digest):
        image = seq(oid("1.3.6.1.4.1.311.2.1.15"),
                    seq(der(3, b"\0"), der(0xa0, der(0xa2, der(0x80)))))
        spc = seq(image, seq(SHA256, der(4, digest)))
        content = seq(oid("1.3.6.1.4.1.311.2.1.4"), der(0xa0, spc))
        hashed = hashlib.sha256(der_body(spc)).digest()
        attrs = (seq(oid("1.2.840.113549.1.9.3"),
                     der(0x31, oid("1.3.6.1.4.1.311.2.1.4"))) +
                 seq(oid("1.2.840.113549.1.9.4"),
                     der(0x31, der(4, hashed))))
        info = seq(der(2, b"\1"), seq(self.issuer, self.serial), SHA256,
                   der(0xa0, attrs),
                   seq(oid("1.2.840.113549.1.1.1"), der(5)),
                   der(4, self.rsa(der(0x31, attrs))))
        signed = seq(der(2, b"\1"), der(0x31, SHA256), content,
                     der(0x31, info))
        return seq(oid("1.2.840.113549.1.7.2"), der(0xa0, signed))

    def cert_table(self, digest):
        blob = self.pkcs7(digest)
        blob += bytes(-len(blob) % 8)
        return struct.pack("<IHH", 8 + len(blob), 0x200, 2) + blob

    def sign(self, args):
        size = len(self.cert_table(bytes(32)))
        pe = Pe(**{**args, "cert_len": size})
        # The digest covers neither the table nor its entry, but its size.
        pe.file += bytes(size)
        digest = pe.digest()
        del pe.file[-size:]
        pe.append_certs(self.cert_table(digest))
        return pe


SIGNED = ["pe32plus", "pe32", "tail", "order", "ties", "slack", "no_sections"]
# osslsigncode hashes the file as it lies, so it is no judge of these.
NOT_IN_FILE_ORDER = ["ties"]


def generate_verify_pefile():
    header("verify_pefile")
    pes = []
    with tempfile.TemporaryDirectory() as directory:
        signer = Signer(directory)
        print("/* Its key signed the files and was thrown away. */")
        print(c_array("test_cert", signer.cert))
        by_name = {d["name"]: d for d in descriptions()}
        for name in SIGNED:
            pes.append(signer.sign(by_name[name]))
    for pe in pes:
        print(f"/* {pe.what} */")
        print(c_array(f"{pe.name}_file", pe.file))
    print("static const struct signed_file {\n"
          "\tconst char *name;\n\tconst u8 *file;\n\tsize_t len;\n"
          "\tsize_t csum_off;\n\tsize_t cert_dirent_off;\n"
          "\tsize_t sections_off;\n\tsize_t certs_off;\n"
          "\tsize_t gap_off;\n\tsize_t gap_end;\n"
          "} signed_files[] = {")
    for pe in pes:
        print(f'\t{{\n\t\t.name = "{pe.what}",\n'
              f"\t\t.file = {pe.name}_file,\n"
              f"\t\t.len = sizeof({pe.name}_file),\n"
              f"\t\t.csum_off = {pe.csum},\n"
              f"\t\t.cert_dirent_off = {pe.cert_dirent},\n"
              f"\t\t.sections_off = {pe.table},\n"
              f"\t\t.certs_off = {pe.certs[0]},\n"
              f"\t\t.gap_off = {pe.gap()[0]},\n"
              f"\t\t.gap_end = {pe.gap()[1]},\n\t}},")
    print("};")


# Other people's code as judges

def osslsigncode_digest(path):
    out = subprocess.run(["osslsigncode", "verify", "-in", path],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in out.stdout.decode(errors="replace").splitlines():
        if line.startswith("Calculated message digest"):
            return line.split(":")[1].strip().lower()
    return None


def check():
    compared = 0
    with tempfile.TemporaryDirectory() as directory:
        signer = Signer(directory)
        path = os.path.join(directory, "file.efi")
        out = os.path.join(directory, "signed.efi")
        for args in descriptions():
            if args["name"] in SIGNED and \
               args["name"] not in NOT_IN_FILE_ORDER:
                pe = signer.sign(args)
                with open(path, "wb") as f:
                    f.write(pe.file)
                got = osslsigncode_digest(path)
                if got:
                    print(f"osslsigncode {pe.name}: "
                          f"{'same' if got == pe.digest().hex() else got}")
                    assert got == pe.digest().hex()
                    compared += 1
            pe = Pe(**args)
            if pe.certs[1] or not pe.cert_dirent:
                continue
            with open(path, "wb") as f:
                f.write(pe.file)
            subprocess.run(["sbsign", "--key", signer.key, "--cert",
                            signer.pem, "--output", out, path], check=True,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            with open(out, "rb") as f:
                same = pe.digest() in f.read()
            print(f"sbsign {pe.name}: {'same' if same else 'differs'}")
            assert same
            compared += 1
    print(f"{compared} digests compared")
    assert compared


if __name__ == "__main__":
    {"pefile": generate_pefile, "verify_pefile": generate_verify_pefile,
     "check": check}[sys.argv[1]]()
