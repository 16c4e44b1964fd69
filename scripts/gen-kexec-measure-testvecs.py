#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Makes the digests that the KUnit suite "kexec_measure" compares with.  They come
# from hashlib and from the SM3 below, never from the code under test.
#
#   gen-kexec-measure-testvecs.py > kernel/tests/kexec_measure-testvecs.h

import hashlib
import struct

HASH_CHUNK = 16 * 1024		# in kernel/kexec_measure.c
PAGE_SIZE = 4096
BYTES_PER_LINE = 8

DATA_LENS = [0, 1, 63, 64, 65, 127, 128, 129, HASH_CHUNK - 1, HASH_CHUNK,
             HASH_CHUNK + 1, 100000]
ZERO_LENS = sorted(DATA_LENS + [PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1])

# A section's name with its NUL, SHA-256: as systemd's pcrlock and measure tools
# have it.
SECTIONS = {
    ".linux":
    "0da293e37ad5511c59be47993769aacb91b243f7d010288e118dc90e95aaef5a",
    ".osrel":
    "3fb9e4e3cc810d4326b5c13cef18aee1f9df8c5f4f7f5b96665724fa3b846e08",
    ".cmdline":
    "461203a89f23e36c3a4dc817f905b00484d2cf7e7d9376f13df91c41d84abe46",
    ".initrd":
    "15ee37e75f1e8d42080e91fdbbd2560780918c81fe3687ae6d15c472bbdaac75",
    ".ucode":
    "454c046a0434209925846a1b8a84a234c432ea7ddf86a1f5efeccfea12d334ed",
    ".splash":
    "f62e27c34850983eb70c12fd516c2c427fb74569485bfb12dc3038af5ef48512",
    ".dtb":
    "7402eb30776ab6e0e338239fadcba975e7b18ff81c33b716608fb2bcf317aa13",
    ".uname":
    "da7a6d941caa9d28b8a3665c4865c143db8f99400ac88d883370ae3021636c30",
    ".sbat":
    "ff552fd255be18a3d61c0da88976fc71559d13aad12d1dfe1708cf950cc4b74c",
    ".pcrpkey":
    "92b1351f7279fc885c24e3409e23fed3f84bdef4bb90beb618acd145763a293f",
    ".profile":
    "1a8d1935b530a17e0eec1f60d916e6c20e140534f85152cd6262ff885233fabb",
    ".dtbauto":
    "4debc1b47de0c604335fe3374f863304a6d76dd9382800e27316137b9ee0536c",
    ".hwids":
    "fb4571efb1d8b0af9e750d286eb9b8f604d94ba9589ad52a1e9b5a7f7eefd586",
    ".efifw":
    "ea418cc9072b0adb18a4ff2bdf9dc30408c4c1c1c1b0a17c9ced89dca0bc79d1",
}

# PCR 11 of systemd's TEST-70-TPM2.measure.sh, SHA-256, no phase.
PCR11 = [(".linux", b"HALLO\n"), (".initrd", b"foobar\n")]
PCR11_VALUE = "37b48bd0b222394dbe3cceff2fca4660c4b0a90ae9369ec90b42f14489989c13"


# What user space passes with a kernel.
CMDLINE = b"root=/dev/sda1 quiet"
INITRD = b"070701 not really"


# The generator of lib/crypto/tests/hash-test-template.h, seeded the same way.
def rand_bytes(length):
    seed = length
    out = bytearray()
    for _ in range(length):
        seed = (seed * 25214903917 + 11) % 2**48
        out.append((seed >> 16) % 256)
    return bytes(out)


def rol(x, n):
    n %= 32
    return (x << n | x >> (32 - n)) & 0xffffffff


# GB/T 32905-2016, 5.3
def sm3_compress(v, block):
    w = [int.from_bytes(block[i:i + 4], "big") for i in range(0, 64, 4)]
    for j in range(16, 68):
        x = w[j - 16] ^ w[j - 9] ^ rol(w[j - 3], 15)
        w.append(x ^ rol(x, 15) ^ rol(x, 23) ^ rol(w[j - 13], 7) ^ w[j - 6])

    a, b, c, d, e, f, g, h = v
    for j in range(64):
        t = 0x79cc4519 if j < 16 else 0x7a879d8a
        ss1 = rol((rol(a, 12) + e + rol(t, j)) & 0xffffffff, 7)
        ss2 = ss1 ^ rol(a, 12)
        ff = a ^ b ^ c if j < 16 else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if j < 16 else (e & f) | (~e & g)
        tt1 = (ff + d + ss2 + (w[j] ^ w[j + 4])) & 0xffffffff
        tt2 = (gg + h + ss1 + w[j]) & 0xffffffff
        a, b, c, d = tt1, a, rol(b, 9), c
        e, f, g, h = tt2 ^ rol(tt2, 9) ^ rol(tt2, 17), e, rol(f, 19), g
    return [x ^ y for x, y in zip(v, (a, b, c, d, e, f, g, h))]


def sm3(data):
    v = [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
         0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e]
    padded = data + b"\x80" + bytes((55 - len(data)) % 64)
    padded += (8 * len(data)).to_bytes(8, "big")
    for i in range(0, len(padded), 64):
        v = sm3_compress(v, padded[i:i + 64])
    return b"".join(x.to_bytes(4, "big") for x in v)


# GB/T 32905-2016, A.1 and A.2; then OpenSSL's, where it has one.
def check_sm3():
    assert sm3(b"abc").hex() == \
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3(b"abcd" * 16).hex() == \
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    if "sm3" in hashlib.algorithms_available:
        for length in DATA_LENS:
            data = rand_bytes(length)
            assert sm3(data) == hashlib.new("sm3", data).digest()


def sha256(data):
    return hashlib.sha256(data).digest()


HASHES = {
    "sha1": lambda data: hashlib.sha1(data).digest(),
    "sha256": sha256,
    "sha384": lambda data: hashlib.sha384(data).digest(),
    "sha512": lambda data: hashlib.sha512(data).digest(),
    "sm3": sm3,
}


def pcr11():
    pcr = bytes(32)
    for name, content in PCR11:
        for data in name.encode() + b"\0", content:
            pcr = sha256(pcr + sha256(data))
    return pcr


# A PE32+ file: headers, a section of a length that is no multiple of eight, and
# a certificate table if there is one.
def make_pe(certs):
    section = rand_bytes(0x213)
    directories = bytearray(16 * 8)
    if certs:
        struct.pack_into("<II", directories, 4 * 8, 0x200 + len(section),
                         len(certs))
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20b, 2, 1, 0,
                           len(section), 0, 0x1000, 0x1000, 0x140000000, 0x1000,
                           0x200, 0, 0, 0, 0, 1, 0, 0, 0x2000, 0x200,
                           0x12345678, 10, 0, 0, 0, 0, 0, 0, 16) + directories
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0x22)
    table = struct.pack("<8sIIIIIIHHI", b".text", len(section), 0x1000,
                        len(section), 0x200, 0, 0, 0, 0, 0x60000020)
    headers = b"MZ".ljust(0x3c, b"\0") + struct.pack("<I", 0x40) + \
        b"PE\0\0" + coff + optional + table
    return headers.ljust(0x200, b"\0") + section + certs


# "Windows Authenticode Portable Executable Signature Format", what is hashed: all
# but CheckSum, the directory entry of the certificates, and these.
def authenticode(pe):
    optional = 0x40 + 4 + 20
    checksum, entry = optional + 64, optional + 112 + 4 * 8
    length = struct.unpack_from("<I", pe, entry + 4)[0]
    return pe[:checksum] + pe[checksum + 4:entry] + \
        pe[entry + 8:len(pe) - length]


def image_load_event(pe):
    return struct.pack("<QQQQ", 0, len(pe), 0x140000000, 0)


def tagged(tag, data):
    return struct.pack("<II", tag, len(data)) + data


# What firmware and the EFI stub make of it; a text that has no form in UCS-2 is
# hashed as it is.
def load_options(cmdline):
    try:
        text = cmdline.decode()
    except UnicodeDecodeError:
        return cmdline + b"\0"
    if max(text) > "\uffff":
        return cmdline + b"\0"
    return (text + "\0").encode("utf-16-le")


def kernel_events(is_pe, image, cmdline, initrd):
    if is_pe:
        yield 4, 0x80000003, image_load_event(image), authenticode(image)
    else:
        yield 4, 6, tagged(0x6b780004, b"kernel\0"), image
    cmdline = cmdline.split(b"\0")[0]
    if cmdline:
        yield (9, 6, tagged(0x8f3b22ed, b"LOADED_IMAGE::LoadOptions\0"),
               load_options(cmdline))
    if initrd:
        yield 9, 6, tagged(0x8f3b22ec, b"Linux initrd\0"), initrd


# (is a PE file, the file, command line, initrd)
KERNELS = [
    (True, make_pe(b""), CMDLINE, INITRD),
    (True, make_pe(struct.pack("<IHH", 16, 0x200, 2) + bytes(8)), b"", b""),
    (True, make_pe(b""), b"", INITRD),
    (False, b"MZ" + rand_bytes(509), CMDLINE, b""),
    (False, make_pe(b"")[:0x180], CMDLINE, INITRD),
    (False, rand_bytes(100), "name=M\u00fcller \u20ac \u5909".encode(), b""),
    (False, rand_bytes(100), "name=\U0001f427".encode(), b""),
    (False, rand_bytes(100), b"name=M\xfcller", b""),
    (False, rand_bytes(100), b"name=\xc0\xafx", b""),
    (False, rand_bytes(100), b"seen\0unseen", b""),
    (False, rand_bytes(100), b"\0unseen", INITRD),
]


def print_bytes(data, indent):
    for i in range(0, len(data), BYTES_PER_LINE):
        print("\t" * indent +
              " ".join(f"0x{b:02x}," for b in data[i:i + BYTES_PER_LINE]))


def print_digests(data, indent):
    for name, function in HASHES.items():
        print("\t" * indent + f".{name} = {{")
        print_bytes(function(data), indent + 1)
        print("\t" * indent + "},")


def print_vectors(name, lens, make):
    print(f"\nstatic const struct testvec {name}_testvecs[] = {{")
    for length in lens:
        print(f"\t{{\n\t\t.len = {length},\n\t\t.digests = {{")
        print_digests(make(length), 3)
        print("\t\t},\n\t},")
    print("};")


def print_sections():
    print("\nstatic const struct {\n\tconst char *name;\n\tu8 sha256[32];\n"
          "} section_testvecs[] = {")
    for name, digest in SECTIONS.items():
        assert sha256(name.encode() + b"\0").hex() == digest
        print(f'\t{{\n\t\t.name = "{name}",\n\t\t.sha256 = {{')
        print_bytes(bytes.fromhex(digest), 3)
        print("\t\t},\n\t},")
    print("};")


def print_blob(name, data, indent):
    if data:
        print("\t" * indent + f".{name}_len = {len(data)},\n" +
              "\t" * indent + f".{name} = (const u8[]) {{")
        print_bytes(data, indent + 1)
        print("\t" * indent + "},")


def print_kernels():
    print("struct kernel_event {\n\tu32 pcr, type;\n\tconst u8 *data;\n"
          "\tsize_t data_len;\n\tstruct testvec_digests digests;\n};\n\n"
          "static const struct kernel_testvec {\n"
          "\tconst u8 *file, *cmdline, *initrd;\n"
          "\tsize_t file_len, cmdline_len, initrd_len;\n"
          "\tunsigned int nr_events;\n\tstruct kernel_event events[3];\n"
          "} kernel_testvecs[] = {")
    for is_pe, image, cmdline, initrd in KERNELS:
        events = list(kernel_events(is_pe, image, cmdline, initrd))
        print("\t{")
        print_blob("file", image, 2)
        print_blob("cmdline", cmdline and cmdline + b"\0", 2)
        print_blob("initrd", initrd, 2)
        print(f"\t\t.nr_events = {len(events)},\n\t\t.events = {{")
        for pcr, kind, data, hashed in events:
            print(f"\t\t\t{{\n\t\t\t\t.pcr = {pcr},\n"
                  f"\t\t\t\t.type = {kind:#x},")
            print_blob("data", data, 4)
            print("\t\t\t\t.digests = {")
            print_digests(hashed, 5)
            print("\t\t\t\t},\n\t\t\t},")
        print("\t\t},\n\t},")
    print("};")


def main():
    check_sm3()
    assert pcr11().hex() == PCR11_VALUE
    print("/* SPDX-License-Identifier: GPL-2.0 */\n"
          "/* This file was generated by: "
          "scripts/gen-kexec-measure-testvecs.py */\n")
    print("struct testvec_digests {")
    for name, function in HASHES.items():
        print(f"\tu8 {name}[{len(function(b''))}];")
    print("};\n\nstruct testvec {\n\tsize_t len;\n"
          "\tstruct testvec_digests digests;\n};")
    print("\n/* Of that many bytes, generated with the length as seed. */",
          end="")
    print_vectors("data", DATA_LENS, rand_bytes)
    print("\n/* Of that many zero bytes. */", end="")
    print_vectors("zero", ZERO_LENS, bytes)
    print('\n/* Of "kexec:1" with its NUL, and of "kexec:4294967295". */\n'
          "static const struct testvec_digests marker_digests[] = {\n\t{")
    print_digests(b"kexec:1\0", 2)
    print("\t},\n\t{")
    print_digests(b"kexec:4294967295\0", 2)
    print("\t},\n};\n\n/* Of \"kexec_load\" with its NUL. */\n"
          "static const struct testvec_digests kexec_load_digests = {")
    print_digests(b"kexec_load\0", 1)
    print("};\n\n/* Of a section's name with its NUL. */", end="")
    print_sections()
    print("\n/* PCR 11 of a UKI with .linux \"HALLO\\n\" and .initrd "
          "\"foobar\\n\". */\nstatic const u8 pcr11_testvec[] = {")
    print_bytes(pcr11(), 1)
    print("};\n\n/* Kernels that are no UKIs, and what is measured of them. */")
    print_kernels()


if __name__ == "__main__":
    main()
