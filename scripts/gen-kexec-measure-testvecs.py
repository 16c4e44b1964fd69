#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Makes the digests that the KUnit suite "kexec_measure" compares with.  They come
# from hashlib and from the SM3 below, never from the code under test.
#
#   gen-kexec-measure-testvecs.py > kernel/tests/kexec_measure-testvecs.h

import hashlib

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
    print('\n/* Of "kexec:1" with its NUL. */\n'
          "static const struct testvec_digests marker_digests = {")
    print_digests(b"kexec:1\0", 1)
    print("};\n\n/* Of a section's name with its NUL. */", end="")
    print_sections()
    print("\n/* PCR 11 of a UKI with .linux \"HALLO\\n\" and .initrd "
          "\"foobar\\n\". */\nstatic const u8 pcr11_testvec[] = {")
    print_bytes(pcr11(), 1)
    print("};")


if __name__ == "__main__":
    main()
