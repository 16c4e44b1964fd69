#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of run.sh: one digest of one file, by everybody who makes one.

A file whose length is a multiple of 8 has one digest: ours, edk2's and that
of every tool.  Where a tool is known to have another one, or none, KNOWN says
so, and that is checked, too: nothing is left out in silence.  edk2 is who
decides, for it is what firmware measures and verifies.

Other files the tools pad with zeros before they sign them, and firmware does
not: for those the expected digests are edk2's of the file and of the padded
file."""

import sys
import tempfile
from pathlib import Path

import shapes
import tools

MIN_FILES = 50
WORK = Path(sys.argv[1])
NONE = "-"
SIGNERS = {"sbsign": tools.sbsign, "osslsigncode": tools.osslsigncode}

# A tool does not take the file ("refuses"), or has another digest than edk2
# ("differs").  Of sbsigntool 0.9.4, pesign 0.112 and osslsigncode 2.9.  In
# every case ours agrees with edk2, and so do the tools that are not named.

# Hashes the file from end to end: a gap, and bytes that sections share
LINEAR = {"osslsigncode": "differs"}
KNOWN = {
    "gap-512": LINEAR, "gap-8": LINEAR, "gap-and-tail": LINEAR,
    "sections-share": LINEAR, "on-shell-aa64": LINEAR, "on-shell-arm": LINEAR,
    # Takes what lies behind the certificates for a part of them
    "after-certs": LINEAR,
    # Machines that sbsigntool does not know
    "shellloongarch64.efi": {"sbsign": "refuses"},
    "ipxe-loong64.efi": {"sbsign": "refuses"},
    # Does not sort the sections by their place in the file
    "backwards": {"pesign": "differs"},
    # Looks for the section table behind the data directories, not behind
    # SizeOfOptionalHeader
    "wide-optional-header": {"pesign": "refuses"},
    "five-directories": {"pesign": "differs"},
    # Dies of a signal
    "no-sections": {"pesign": "refuses"},
    # There is no entry for certificates: sbsign writes one where there is
    # none, osslsigncode takes the section table for it
    "four-directories": {"pesign": "refuses", "sbsign": "differs",
                         "osslsigncode": "refuses"},
}
# osslsigncode takes off what lies behind the old certificates, too
CUT = {("after-certs", "osslsigncode")}
# pesign -P does not pad this one
UNPADDED = {"syslinux.efi"}


def digest_of(call, *args):
    """A digest, or NONE and why"""
    try:
        return call(*args)
    except tools.Refused as why:
        return f"{NONE} {why}"


def sign_with(name, path, key):
    """The digest in a tool's signature, and the file that it has signed"""
    out = WORK / f"by-{name}.efi"
    out.unlink(missing_ok=True)
    return digest_of(lambda: tools.in_signature(
        SIGNERS[name](path, out, key))), out


def opinions(path, key):
    """who -> digest of this file; and of the files that were made of it by
    signing, which must have the digest that the signature says"""
    said = {"ours": digest_of(tools.ours, WORK / "digest", path),
            "pesign": digest_of(tools.pesign, path)}
    again = {}
    for name in SIGNERS:
        said[name], out = sign_with(name, path, key)
        if said[name].startswith(NONE):
            continue
        again[name] = {
            "ours": digest_of(tools.ours, WORK / "digest", out),
            "edk2": digest_of(tools.edk2, out),
            "pesign": digest_of(tools.pesign, out),
            "osslsigncode": digest_of(tools.verified, out)}
    return said, again


def padded(path):
    """edk2's digest of the file with zeros up to a multiple of 8"""
    with tempfile.NamedTemporaryFile() as tmp:
        data = Path(path).read_bytes()
        tmp.write(data + bytes(-len(data) % 8))
        tmp.flush()
        return digest_of(tools.edk2, tmp.name)


def verdict(digest, want):
    if digest == want:
        return "agrees"
    return "refuses" if digest.startswith(NONE) else "differs"


class Gate:
    def __init__(self, key):
        self.key, self.ok, self.bad = key, 0, 0
        self.files, self.digests, self.known = set(), 0, []
        self.odd = []

    def result(self, name, wrong):
        if wrong:
            self.bad += 1
            print(f"not ok {name}")
            for line in wrong:
                print(f"    {line}")
        else:
            self.ok += 1

    def compare(self, name, path):
        """One case"""
        edk2 = digest_of(tools.edk2, path)
        said, again = opinions(path, self.key)
        if path.stat().st_size % 8:
            wrong = self.unaligned(name, path, edk2, said)
        else:
            wrong = self.aligned(name, edk2, said)
        for signer, all_say in again.items():
            for who, digest in all_say.items():
                want = self.after(name, path, signer, who, said, edk2)
                self.digests += digest == want
                if want != digest and not (want.startswith(NONE) and
                                           digest.startswith(NONE)):
                    wrong.append(f"{who} of what {signer} signed: {digest}, "
                                 f"expected: {want}")
        self.result(name, wrong)

    @staticmethod
    def after(name, path, signer, who, said, edk2):
        """What who must say of the file that signer has signed: the same as of
        the file itself, since a signature is not a part of what is signed; or,
        where signing has padded it, what is in the signature"""
        out = WORK / f"by-{signer}.efi"
        if who == "osslsigncode" and not tools.one_certificate(out):
            return f"{NONE} reads tables of one certificate only"
        if path.stat().st_size % 8 or (name, signer) in CUT:
            return said[signer]
        if name == "four-directories":      # the entry is in what is hashed
            return {"pesign": said["pesign"],
                    "osslsigncode": said["osslsigncode"]}.get(
                        who, tools.edk2(out))
        return edk2 if who == "edk2" else said[who]

    def aligned(self, name, edk2, said):
        wrong, agree = [], 0
        if edk2.startswith(NONE) and not said["ours"].startswith(NONE):
            wrong.append(f"ours takes what edk2 does not: {edk2}")
        for who, digest in said.items():
            expect = KNOWN.get(name, {}).get(who, "agrees")
            got = verdict(digest, edk2)
            agree += got == "agrees"
            if expect != "agrees":
                self.known.append((name, who, expect, digest))
            if got != expect:
                wrong.append(f"{who}: {digest}, edk2: {edk2}, {got}, "
                             f"should be: {expect}")
        self.digests += agree
        if agree == len(said):          # ours and all tools
            self.files.add(edk2)
        return wrong

    def unaligned(self, name, path, edk2, said):
        """The table of what everybody does with a length that is odd"""
        longer = padded(path)
        wants = {"ours": edk2, "pesign": edk2, "sbsign": longer,
                 "osslsigncode": longer}
        said = dict(said, **{"pesign -P": digest_of(tools.pesign_padded,
                                                    path)})
        wants["pesign -P"] = edk2 if name in UNPADDED else longer
        words = {edk2: "as it is", longer: "padded"}
        self.odd.append((name, path.stat().st_size % 8,
                         [words.get(said[who], "other") for who in wants]))
        return [f"{who}: {said[who]}, expected: {want}, "
                f"{words.get(said[who], 'other')}"
                for who, want in wants.items() if said[who] != want]

    def report(self):
        print("\nlengths that are no multiple of 8: what is hashed")
        print(f"  {'file':28} {'mod 8':5}  {'edk2':9} {'ours':9} "
              f"{'pesign -h':9} {'sbsign':9} {'osslsigncode':12} pesign -hP")
        for name, rest, words in self.odd:
            print(f"  {name:28} {rest:5}  as it is  {words[0]:9} "
                  f"{words[1]:9} {words[2]:9} {words[3]:12} {words[4]}")
        print("\nmultiples of 8 where a tool is not as edk2 (ours is)")
        for name, who, what, digest in self.known:
            print(f"  {name:24} {who} {what}: {digest[:70]}")
        print(f"\n{len(self.files)} different files with a length that is a "
              f"multiple of 8, for which ours, sbsign, pesign and "
              f"osslsigncode\nagree with edk2; {len(self.odd)} files of "
              f"other lengths; {self.digests} digests agree with edk2's")
        few = len(self.files) < MIN_FILES
        self.result("enough files", few and [f"fewer than {MIN_FILES}"])


def programs():
    """EFI programs of the packages, the stubs and the kernels"""
    roots = [WORK / "debian", shapes.paths.TOOLS / "debian/usr/lib/systemd"]
    found = [p for root in roots for p in sorted(root.rglob("*"))
             if p.is_file() and not p.is_symlink()
             and p.read_bytes()[:2] == b"MZ"]
    found += [shapes.paths.TOOLS / "stub-257", shapes.paths.TOOLS / "stub-252",
              shapes.paths.BZIMAGE, shapes.paths.STOCK]
    return [(p.name, p) for p in found]


def main():
    keys = [tools.Key(WORK, "one"), tools.Key(WORK, "two")]
    gate = Gate(keys[0])
    for name, path in programs() + shapes.files(WORK / "shapes", keys):
        gate.compare(name, path)
    gate.report()
    print(f"{gate.ok} passed, {gate.bad} failed")
    return 1 if gate.bad else 0


sys.exit(main())
