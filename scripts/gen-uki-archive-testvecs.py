#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Generate the vectors of the KUnit tests of lib/uki_newc.c and
# lib/uki_companion.c: archives, what is in them, and the digests of those that
# systemd-stub ("sd-stub") would make.
#
# What is written is checked against a second writer, made from the description
# of the format and from sd-stub's source; what is read has been written by GNU
# cpio, and what must be found in it is what stat() says of the files.  Values
# that were published by others are checked first.
#
#   gen-uki-archive-testvecs.py newc > lib/tests/uki-newc-testvecs.h
#   gen-uki-archive-testvecs.py companion > lib/tests/uki-companion-testvecs.h
#   gen-uki-archive-testvecs.py check

import hashlib
import os
import stat
import subprocess
import sys
import tempfile


def sha256(data):
    return hashlib.sha256(data).digest()


# --- What sd-stub writes -----------------------------------------------------

class Newc:
    def __init__(self):
        self.data = b""
        self.ino = 0

    def entry(self, name, mode, content=b""):
        self.ino += 1
        fields = (self.ino, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0,
                  len(name) + 1, 0)
        self.data += b"070701" + b"".join(b"%08x" % f for f in fields)
        self.data += name.encode() + b"\0"
        self.pad()
        self.data += content
        self.pad()
        return self

    def dir(self, name, mode):
        parts = name.split("/")
        for i in range(1, len(parts)):
            self.entry("/".join(parts[:i]), 0o40555)
        return self.entry(name, 0o40000 | mode)

    def file(self, name, mode, content):
        return self.entry(name, 0o100000 | mode, content)

    def pad(self):
        self.data += bytes(-len(self.data) % 4)

    def end(self):
        self.data += b"070701" + b"0" * 32 + b"00000001" + b"0" * 48
        self.data += b"0000000B" + b"0" * 8 + b"TRAILER!!!\0\0\0\0"
        return self.data


EXTRA = {
    ".osrel": "os-release", ".pcrsig": "tpm2-pcr-signature.json",
    ".pcrpkey": "tpm2-pcr-public-key.pem", ".profile": "profile",
}


def extra_archive(section, content):
    name = ".extra/" + EXTRA[section]
    return Newc().dir(".extra", 0o555).file(name, 0o444, content).end()


def padded_archive():
    padded = Newc().dir("a", 0o755)
    for i in range(10):
        padded.file("a/" + "x" * i, 0o644, b"y" * i + bytes(9 - i))
    return padded.end()


# The cpio_target_* of sd-stub's cpio.c, and the calls of pack_cpio() in
# generate_sidecar_initrds(): directory, modes, PCR, description.
NO_PCR = 0xffffffff
SIDECARS = {
    "CREDENTIAL": (".extra/credentials", 0o500, 0o400, 12,
                   "Credentials initrd"),
    "GLOBAL_CREDENTIAL": (".extra/global_credentials", 0o500, 0o400, 12,
                          "Global credentials initrd"),
    "SYSEXT": (".extra/sysext", 0o555, 0o444, 13,
               "System extension initrd"),
    "GLOBAL_SYSEXT": (".extra/global_sysext", 0o555, 0o444, 13,
                      "Global system extension initrd"),
    "CONFEXT": (".extra/confext", 0o555, 0o444, 12,
                "Configuration extension initrd"),
    "GLOBAL_CONFEXT": (".extra/global_confext", 0o555, 0o444, 12,
                       "Global configuration extension initrd"),
    "BOOT_SECRET": (".extra", 0o555, 0o400, NO_PCR, None),
}


def sidecar_archive(kind, files):
    path, dir_mode, file_mode, _, _ = SIDECARS[kind]
    newc = Newc().dir(path, dir_mode)
    for name, content in files:
        newc.file(path + "/" + name, file_mode, content)
    return newc.end()


LONG = "n" * 250
SIDECAR_CASES = [
    ("CREDENTIAL", [("a.cred", b"A"), ("b.cred", b"BB")]),
    ("CREDENTIAL", [("A.CRED", b"upper"), ("a.cred", b""), ("b.cred", b"12")]),
    ("GLOBAL_CREDENTIAL", [("empty.cred", b"")]),
    ("GLOBAL_CREDENTIAL", [(LONG + ".cred", b"long name")]),
    ("SYSEXT", [("a.raw", b"a")]),
    ("SYSEXT", [("1.raw", b"1"), ("22.raw", b"22"), ("333.sysext.raw", b"333"),
                ("4444.RAW", b"4444")]),
    ("GLOBAL_SYSEXT", [("a-b.raw", b"-"), ("a.raw", b""), ("a_b.raw", b"_")]),
    ("CONFEXT", [("c.confext.raw", b"confext")]),
    ("GLOBAL_CONFEXT", [("a.confext.raw", b"a"), ("b.ConfExt.Raw", b"")]),
    ("BOOT_SECRET", [("boot-secret", bytes(range(0x80, 0xa0)))]),
]


# --- What GNU cpio writes ----------------------------------------------------

# A path with a slash at its end is a directory, one with -> a symbolic link,
# one with == a hard link, one with | a FIFO.
NEWC_TREE = [
    ("d/", 0o755, None), ("d/e/", 0o700, None), ("d/e/empty", 0o600, b""),
    ("a", 0o644, b"1"), ("ab", 0o640, b"12"), ("abc", 0o444, b"123"),
    ("abcd", 0o4755, b"1234"), ("d/abcde", 0o400, b"12345"),
    ("l->a", 0o777, b"a"), ("hard==a", 0o644, b"1"), ("p|", 0o600, b""),
    ("\u00e4.cred", 0o644, b"not ASCII"),
    ("070701", 0o644, b"070701" + b"0" * 104 + b"TRAILER!!!\0\0\0\0"),
    ("TRAILER!!", 0o644, b"one short"), ("TRAILER!!!!", 0o644, b"one long"),
]

ESP_TREE = [
    ("EFI/", 0o755, None), ("EFI/Linux/", 0o755, None),
    ("EFI/Linux/foo.efi.extra.d/", 0o755, None),
    ("EFI/Linux/foo.efi.extra.d/z.cred", 0o755, b"credential z"),
    ("EFI/Linux/foo.efi.extra.d/B.CRED", 0o755, b"credential B"),
    ("EFI/Linux/foo.efi.extra.d/y.confext.raw", 0o755, b"confext"),
    ("EFI/Linux/foo.efi.extra.d/x.raw", 0o755, b"sysext"),
    ("EFI/Linux/foo.efi.extra.d/one.addon.efi", 0o755, b"MZ"),
    ("EFI/Linux/foo.efi.extra.d/README", 0o755, b"passed over"),
    ("EFI/Linux/foo.efi.extra.d/.hidden.cred", 0o755, b"passed over"),
    ("EFI/Linux/foo.efi.extra.d/dir.cred/", 0o755, None),
    ("loader/", 0o755, None), ("loader/addons/", 0o755, None),
    ("loader/addons/two.addon.efi", 0o755, b"MZ, too"),
    ("loader/credentials/", 0o755, None),
    ("loader/credentials/g.cred", 0o755, b""),
    ("loader/extensions/", 0o755, None),
    ("loader/extensions/a.raw", 0o755, b"global sysext"),
    ("loader/extensions/a.confext.raw", 0o755, b"global confext"),
    (".extra/", 0o700, None),
    (".extra/boot-secret", 0o400, b"0123456789abcdef0123456789ABCDEF"),
]

# In the order of kinds, then of names.
ESP_WANT = [
    ("GLOBAL_ADDON", "loader/addons/two.addon.efi"),
    ("ADDON", "EFI/Linux/foo.efi.extra.d/one.addon.efi"),
    ("CREDENTIAL", "EFI/Linux/foo.efi.extra.d/B.CRED"),
    ("CREDENTIAL", "EFI/Linux/foo.efi.extra.d/z.cred"),
    ("GLOBAL_CREDENTIAL", "loader/credentials/g.cred"),
    ("SYSEXT", "EFI/Linux/foo.efi.extra.d/x.raw"),
    ("GLOBAL_SYSEXT", "loader/extensions/a.raw"),
    ("CONFEXT", "EFI/Linux/foo.efi.extra.d/y.confext.raw"),
    ("GLOBAL_CONFEXT", "loader/extensions/a.confext.raw"),
    ("BOOT_SECRET", ".extra/boot-secret"),
]


def make_file(path, mode, content):
    if path.endswith("/"):
        os.mkdir(path)
    elif "->" in path:
        path, target = path.split("->")
        os.symlink(target, path)
        return path
    elif "==" in path:
        path, target = path.split("==")
        os.link(target, path)
        return path
    elif path.endswith("|"):
        path = path.rstrip("|")
        os.mkfifo(path)
    else:
        with open(path, "wb") as file:
            file.write(content)
    os.chmod(path, mode)
    return path.rstrip("/")


def cpio(args, data):
    return subprocess.run(["cpio", "--quiet"] + args, input=data, check=True,
                          stdout=subprocess.PIPE).stdout


# Returns the archive and what is in it: path, mode, nlink, content.
def cpio_archive(tree):
    members = []
    top = os.getcwd()
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        paths = [make_file(*entry) for entry in tree]
        for path, (_, _, content) in zip(paths, tree):
            os.utime(path, (1, 1), follow_symlinks=False)
            info = os.lstat(path)
            members.append([path, info.st_mode, info.st_nlink, content or b""])
        data = cpio(["-o", "-H", "newc", "--reproducible", "-R", "0:0"],
                    "\n".join(paths).encode())
        os.chdir(top)
    assert len(data) % 512 == 0
    # Links come when cpio has seen all of them, the content with the last one.
    names = cpio(["-t"], data).decode().split("\n")[:-1]
    members.sort(key=lambda member: names.index(member[0]))
    links = [m for m in members if m[2] > 1 and stat.S_ISREG(m[1])]
    for member in links[:-1]:
        member[3] = b""
    return data, members


# --- Known answers -----------------------------------------------------------

def check_published_values():
    data = extra_archive(".pcrsig", b"{}")
    assert len(data) == 392
    assert sha256(data).hex() == ("d61dc2ae972d07e66c8830e35aa4d9b0"
                                  "27427beadf88662b452be1a7bc601414")
    data = sidecar_archive(*SIDECAR_CASES[0])
    assert len(data) == 656
    assert sha256(data).hex() == ("36e879712042ccc582b35cf9559b65f4"
                                  "abca3d3117b1794a91a638901bfb1c7e")


# GNU cpio finds in the archives what has been put into them.
def check_with_cpio():
    for kind, files in SIDECAR_CASES:
        path = SIDECARS[kind][0]
        parts = path.split("/")
        want = ["/".join(parts[:i + 1]) for i in range(len(parts))]
        want += [path + "/" + name for name, _ in files]
        data = sidecar_archive(kind, files)
        assert cpio(["-t"], data).decode().split("\n")[:-1] == want
        for name, content in files:
            assert cpio(["-i", "--to-stdout", path + "/" + name],
                        data) == content


# --- Output ------------------------------------------------------------------

def print_bytes(data, tabs):
    for i in range(0, len(data), 8):
        row = ", ".join(f"0x{b:02x}" for b in data[i:i + 8])
        print("\t" * tabs + row + ",")


def print_array(name, data, comment=None):
    print(f"\n/* {comment} */" if comment else "")
    print(f"static const u8 {name}[{len(data)}] = {{")
    print_bytes(data, 1)
    print("};")


def c_string(data, tabs):
    """What is too long for a line is an array, with its NUL"""
    text = "".join(f"\\{b:03o}" if b < 0x20 or b > 0x7e or b in b'"\\?'
                   else chr(b) for b in data)
    if len(text) <= 60:
        return f'"{text}"'
    data, lines = data + b"\0", []
    for i in range(0, len(data), 8):
        lines.append("\t" * tabs + " ".join(f"0x{b:02x}," for b in data[i:i + 8]))
    return "(const char[]) {\n" + "\n".join(lines) + "\n" + "\t" * (tabs - 1) + "}"


def print_hash(data, tabs):
    print("\t" * tabs + ".hash = {")
    print_bytes(sha256(data), tabs + 1)
    print("\t" * tabs + "},")


def print_newc():
    print("\n/* uki_extra_archive() of each section, with {} as content */")
    print("static const struct {\n\tenum uki_section_id id;\n\tsize_t len;")
    print("\tu8 hash[32];\n} uki_testvec_extras[] = {")
    for name in EXTRA:
        data = extra_archive(name, b"{}")
        print(f"\t{{\n\t\t.id = UKI_{name[1:].upper()},")
        print(f"\t\t.len = {len(data)},")
        print_hash(data, 2)
        print("\t},")
    print("};")

    data = sidecar_archive(*SIDECAR_CASES[0])
    print(f"\n#define UKI_TESTVEC_CREDENTIALS_LEN {len(data)}")
    print_array("uki_testvec_credentials_hash", sha256(data))

    data = padded_archive()
    print("\n/* a/ and a/x..., names and contents of all lengths modulo 4 */")
    print(f"#define UKI_TESTVEC_PADDED_LEN {len(data)}")
    print_array("uki_testvec_padded_hash", sha256(data))

    data, members = cpio_archive(NEWC_TREE)
    print_array("uki_testvec_cpio", data, "an archive made by GNU cpio")
    print("\n/* and what is in it */")
    print("static const struct {\n\tconst char *path;\n\tu32 mode;")
    print("\tu32 nlink;\n\tconst char *content;\n\tsize_t len;")
    print("} uki_testvec_cpio_members[] = {")
    for path, mode, nlink, content in members:
        print(f"\t{{\n\t\t.path = {c_string(path.encode(), 3)},")
        print(f"\t\t.mode = 0{mode:o},\n\t\t.nlink = {nlink},")
        print(f"\t\t.content = {c_string(content, 3)},")
        print(f"\t\t.len = {len(content)},\n\t}},")
    print("};")


def print_companion():
    print("\n/* The archives of the kinds that have one */")
    print("static const struct {\n\tenum uki_companion_kind kind;")
    print("\tstruct uki_sidecar sidecar;\n\tstruct {\n\t\tconst char *name;")
    print("\t\tconst char *content;\n\t\tsize_t len;\n\t} files[4];")
    print("\tsize_t nr_files;\n\tsize_t len;\n\tu8 hash[32];")
    print("} uki_testvec_sidecars[] = {")
    for kind, files in SIDECAR_CASES:
        path, dir_mode, file_mode, pcr, event = SIDECARS[kind]
        data = sidecar_archive(kind, files)
        print(f"\t{{\n\t\t.kind = UKI_{kind},\n\t\t.sidecar = {{")
        print(f'\t\t\t.path = "{path}",\n\t\t\t.dir_mode = 0{dir_mode:o},')
        print(f"\t\t\t.file_mode = 0{file_mode:o},\n\t\t\t.pcr = {pcr:#x},")
        if event:
            print(f'\t\t\t.event = "{event}",')
        print("\t\t},\n\t\t.files = {")
        for name, content in files:
            print(f"\t\t\t{{\n\t\t\t\t{c_string(name.encode(), 5)},")
            print(f"\t\t\t\t{c_string(content, 5)}, {len(content)}\n\t\t\t}},")
        print(f"\t\t}},\n\t\t.nr_files = {len(files)},")
        print(f"\t\t.len = {len(data)},")
        print_hash(data, 2)
        print("\t},")
    print("};")

    data, members = cpio_archive(ESP_TREE)
    content_of = {path: content for path, _, _, content in members}
    print_array("uki_testvec_esp", data, "companions, packed by GNU cpio")
    print("\n/* and what sd-stub would take of them, in its order */")
    print("static const struct {\n\tenum uki_companion_kind kind;")
    print("\tconst char *name;\n\tconst char *content;\n"
          "} uki_testvec_esp_want[] = {")
    for kind, path in ESP_WANT:
        print(f"\t{{\n\t\t.kind = UKI_{kind},")
        print(f"\t\t.name = {c_string(os.path.basename(path).encode(), 3)},")
        print(f"\t\t.content = {c_string(content_of[path], 3)},\n\t}},")
    print("};")


def main():
    which = sys.argv[1] if len(sys.argv) == 2 else ""
    printers = {"newc": print_newc, "companion": print_companion,
                "check": None}
    if which not in printers:
        sys.exit("usage: gen-uki-archive-testvecs.py newc | companion | check")
    check_published_values()
    check_with_cpio()
    if printers[which]:
        print("/* SPDX-License-Identifier: GPL-2.0 */")
        print("/* This file was generated by: "
              f"gen-uki-archive-testvecs.py {which} */")
        printers[which]()


if __name__ == "__main__":
    main()
