# SPDX-License-Identifier: GPL-2.0
"""The files that the cells load, and the keys, hashes and labels for them."""

import hashlib
import struct
from pathlib import Path

from harness import authenticode, initrd, paths, tiny, uki, varstore
from matrix import make

from . import model

OWN, OTHER = "word=own", "word=other"
COMPANIONS = {
    "addon-signed": "loader/addons/signed.addon.efi",
    "addon-unsigned": "loader/addons/unsigned.addon.efi",
    "addon-revoked": "loader/addons/revoked.addon.efi",
    "credential": "loader/credentials/a.cred",
}
# struct signature_v2_hdr: type, version, hash, and the key's last four bytes
IMA_DIGSIG, IMA_VERSION, IMA_SHA256 = 3, 2, 4
IMA_DIGEST_NG = 4
X509 = ("-days", "3650", "-sha256")
FLAG_CRASH, FLAG_COMPANIONS = 2, 0x40
# One more call that lockdown refuses, for what the log has still to say
LAST = f"/t/good/signed-cmdline.efi - {OTHER} 0\n"


def file_name(signature, embedded, own_initrd):
    return "-".join([signature] + ["cmdline"] * embedded
                    + ["initrd"] * own_initrd) + ".efi"


class Key:
    """A key, and a certificate: its own or one that OVMF's key has signed"""

    def __init__(self, name, trusted):
        self.key = paths.WORK / f"{name}.key"
        self.pem = paths.WORK / f"{name}.pem"
        request = paths.WORK / f"{name}.csr"
        uki.run(["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes",
                 "-keyout", self.key, "-out", request, "-subj", f"/CN={name}"])
        ca = (["-CA", paths.SNAKEOIL / "PkKek-1-snakeoil.pem", "-CAkey",
               paths.WORK / "snakeoil.key", "-CAcreateserial", "-CAserial",
               paths.WORK / f"{name}.serial"]
              if trusted else ["-signkey", self.key])
        extensions = paths.WORK / "extensions"
        extensions.write_text("subjectKeyIdentifier=hash\n"
                              "authorityKeyIdentifier=keyid\n")
        uki.run(["openssl", "x509", "-req", "-in", request, "-out", self.pem,
                 "-extfile", extensions, *X509, *ca])

    def sign(self, source, out):
        uki.run(["sbsign", "--key", self.key, "--cert", self.pem, "--output",
                 out, source])

    def hash(self):
        """SHA-256 of the certificate's signed part, which dbx wants

        It is the first element of the certificate, both with a length of two
        bytes.
        """
        der = uki.run(["openssl", "x509", "-in", self.pem, "-outform", "DER"])
        if der[0:2] != b"\x30\x82" or der[4:6] != b"\x30\x82":
            raise ValueError("not the certificate that was expected")
        size = struct.unpack_from(">H", der, 6)[0] + 4
        return hashlib.sha256(der[4:4 + size]).digest()


def label(path, out, key, keyid):
    """What evmctl would write to security.ima"""
    raw = out.with_suffix(".raw")
    uki.run(["openssl", "dgst", "-sha256", "-sign", key, "-out", raw, path])
    signature = raw.read_bytes()
    raw.unlink()
    out.write_bytes(struct.pack(">BBB4sH", IMA_DIGSIG, IMA_VERSION, IMA_SHA256,
                                keyid, len(signature)) + signature)


def key_id(pem):
    """The last four bytes of the subject key identifier"""
    text = uki.run(["openssl", "x509", "-in", pem, "-noout", "-ext",
                    "subjectKeyIdentifier"]).decode()
    return bytes.fromhex(text.split()[-1].replace(":", ""))[-4:]


class Files:
    """Everything in a share, and what dbx has to have in it"""

    def __init__(self, share):
        self.share = Path(share)
        self.ukis = self.share / "uki"
        self.ukis.mkdir()
        plain = paths.WORK / "first.efi"
        uki.bare(plain, [(".linux", b"")])
        uki.sign(plain, paths.WORK / "first-signed.efi")
        self.keys = {"chained": Key("chained", True),
                     "revoked-cert": Key("revoked", True),
                     "stranger": Key("stranger", False)}
        self.revoked = []
        for signature in model.SIGNATURES:
            for embedded in (False, True):
                for own_initrd in (False, True):
                    self.uki(signature, embedded, own_initrd)
        for name in COMPANIONS:
            self.companion(name)
        (self.share / "foreign").write_bytes(initrd.archive(
            {"foreign": b"x"}))
        self.labels()

    def uki(self, signature, embedded, own_initrd):
        out = self.ukis / file_name(signature, embedded, own_initrd)
        # .osrel makes each of them another file: a hash is revoked for one
        sections = [(".linux", tiny.bzimage()),
                    (".osrel", f"ID={out.name}\n".encode())]
        if embedded:
            sections.append((".cmdline", OWN.encode()))
        if own_initrd:
            sections.append((".initrd", initrd.archive({"own": b"x"})))
        plain = paths.WORK / "plain.efi"
        uki.bare(plain, sections)
        if signature in self.keys:
            self.keys[signature].sign(plain, out)
        elif signature == "unsigned":
            out.write_bytes(plain.read_bytes())
        else:
            uki.sign(plain, out)
        if signature == "tampered":
            uki.tamper(out, out.with_suffix(".new"), ".osrel", 3)
            out.with_suffix(".new").rename(out)
        if signature == "revoked-hash":
            self.revoked.append(bytes.fromhex(authenticode.digest(out)))

    def companion(self, name):
        content = b"secret"
        if name != "credential":
            signer = None if name == "addon-unsigned" else "ours"
            content = make.Addon(cmdline=f"word={name}", signer=signer).make()
        if name == "addon-revoked":
            one = paths.WORK / "one.efi"
            one.write_bytes(content)
            self.revoked.append(bytes.fromhex(authenticode.digest(one)))
        (self.share / name).write_bytes(
            initrd.archive({COMPANIONS[name]: content}))

    def labels(self):
        ours = key_id(paths.SNAKEOIL / "PkKek-1-snakeoil.pem")
        for name, key, keyid in (
                ("good", paths.WORK / "snakeoil.key", ours),
                ("stranger", self.keys["stranger"].key, b"\1\2\3\4")):
            (self.share / name).mkdir()
            for path in self.ukis.iterdir():
                label(path, self.share / name / path.name, key, keyid)
        (self.share / "hash").mkdir()
        for path in self.ukis.iterdir():
            (self.share / "hash" / path.name).write_bytes(
                bytes((IMA_DIGEST_NG, IMA_SHA256))
                + bytes.fromhex(uki.digest(path)))

    def dbx(self):
        """Lists of revoked files, and of a revoked certificate.

        Behind the hash of a certificate stands since when, in 16 bytes; zeros
        stand for always.
        """
        certificate = self.keys["revoked-cert"].hash() + bytes(16)
        return [varstore.signature_list(varstore.CERT_SHA256, self.revoked),
                varstore.signature_list(varstore.CERT_X509_SHA256,
                                        [certificate])]


def line(cell):
    """What the guest's program is told"""
    flags = FLAG_CRASH if cell.kind == "crash" else 0
    if isinstance(cell, model.OldCell):
        return f"kexec_load - - {flags}"
    where = "missing" if cell.ima == "off" else cell.ima
    name = file_name(cell.signature, cell.cmdline in model.EMBEDDED,
                     cell.initrd not in model.NO_INITRD)
    texts = {"same": OWN, "other": OTHER, "passed": OTHER}
    text = texts.get(cell.cmdline, "-")
    passed = "-"
    if cell.initrd in COMPANIONS:
        passed, flags = f"/in/{cell.initrd}", flags | FLAG_COMPANIONS
    elif cell.initrd in model.FOREIGN:
        passed = "/in/foreign"
    return f"/t/{where}/{name} {passed} {text} {flags}"
