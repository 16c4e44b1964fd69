# SPDX-License-Identifier: GPL-2.0
"""Who computes an Authenticode digest: the tools that sign, and the steps of
edk2.  None of these may use code of ours."""

import hashlib
import re
import struct
import subprocess
import tempfile
from pathlib import Path

SECURITY = 4                # number of the certificate table's data directory


class Refused(Exception):
    """A tool does not take the file; what it said"""


def run(*argv):
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, timeout=120)
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        raise Refused(f"{argv[0]}: {text.strip()[-200:] or done.returncode}")
    return text


class Key:
    """A key pair of this run"""

    def __init__(self, work, name):
        self.private, self.cert = work / f"{name}.key", work / f"{name}.pem"
        if not self.cert.exists():
            run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                "-days", "30", "-subj", f"/CN={name}", "-keyout",
                self.private, "-out", self.cert)


def sbsign(path, out, key):
    """sbsign says "Invalid" and so on and still writes: only a file counts"""
    text = run("sbsign", "--key", key.private, "--cert", key.cert,
               "--output", out, path)
    if not Path(out).exists():
        raise Refused(f"sbsign: {text.strip()[-200:]}")
    return Path(out)


def osslsigncode(path, out, key):
    Path(out).unlink(missing_ok=True)
    run("osslsigncode", "sign", "-h", "sha256", "-certs", key.cert, "-key",
        key.private, "-in", path, "-out", out)
    return Path(out)


def certificates(path):
    """The PKCS#7 blobs of a file's certificate table (PE, "The Attribute
    Certificate Table": each entry is rounded up to 8)"""
    data = Path(path).read_bytes()
    opt = struct.unpack_from("<I", data, 0x3c)[0] + 24
    plus = struct.unpack_from("<H", data, opt)[0] == 0x20b
    at, size = struct.unpack_from(
        "<II", data, opt + (112 if plus else 96) + 8 * SECURITY)
    end, found = at + size, []
    while at + 8 <= end:
        length, _, kind = struct.unpack_from("<IHH", data, at)
        if length < 8:
            break
        if kind == 2:       # WIN_CERT_TYPE_PKCS_SIGNED_DATA
            found.append(data[at + 8:at + length])
        at += -(-length // 8) * 8
    return found


def one_certificate(path):
    """Whether the table is one certificate with less than 8 bytes behind it"""
    data = Path(path).read_bytes()
    opt = struct.unpack_from("<I", data, 0x3c)[0] + 24
    plus = struct.unpack_from("<H", data, opt)[0] == 0x20b
    at, size = struct.unpack_from(
        "<II", data, opt + (112 if plus else 96) + 8 * SECURITY)
    return -(-struct.unpack_from("<I", data, at)[0] // 8) * 8 == size


def in_signature(path, which=-1):
    """The digest that a file's signature has, as OpenSSL sees it: the first
    octet string of SpcIndirectDataContent, which comes first."""
    blobs = certificates(path)
    if not blobs:
        raise Refused("no signature was made")
    with tempfile.NamedTemporaryFile() as tmp:
        tmp.write(blobs[which])
        tmp.flush()
        text = run("openssl", "asn1parse", "-inform", "DER", "-in", tmp.name)
    after = text.split("1.3.6.1.4.1.311.2.1.4", 1)[-1]
    found = re.search(r"OCTET STRING *\[HEX DUMP\]:([0-9A-F]+)", after)
    if not found:
        raise Refused("no digest in the signature")
    return found[1].lower()


def verified(path):
    """What osslsigncode computes of a file that has a signature; the signer is
    nobody that it trusts, so its status says nothing"""
    done = subprocess.run(["osslsigncode", "verify", "-in", str(path)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, timeout=120)
    text = done.stdout.decode(errors="replace")
    found = re.search(r"Calculated message digest *: *([0-9A-F]+)", text)
    if not found:
        raise Refused(f"osslsigncode: {text.strip()[-200:]}")
    return found[1].lower()


def pesign(path, *options):
    text = run("pesign", "--hash", "--digest_type", "sha256", *options, "-i",
               path)
    found = re.search(r"\b([0-9a-f]{64})\b", text)
    if not found:
        raise Refused(f"pesign: {text.strip()[-200:]}")
    return found[1]


def pesign_padded(path):
    return pesign(path, "--padding")


def edk2(path):
    """HashPeImage() of edk2's DxeImageVerificationLib, step by step in its
    order: what firmware computes.  Not padded, not checked."""
    data = Path(path).read_bytes()
    pe = struct.unpack_from("<I", data, 0x3c)[0]
    count, opt_size = struct.unpack_from("<H12xH", data, pe + 6)
    opt = pe + 24
    dirs = opt + (112 if struct.unpack_from("<H", data, opt)[0] == 0x20b
                  else 96)
    headers = struct.unpack_from("<I", data, opt + 60)[0]
    entry = dirs + 8 * SECURITY
    certs = 0
    digest = hashlib.sha256(data[:opt + 64])
    if struct.unpack_from("<I", data, dirs - 4)[0] <= SECURITY:
        digest.update(data[opt + 68:headers])
    else:
        digest.update(data[opt + 68:entry] + data[entry + 8:headers])
        certs = struct.unpack_from("<I", data, entry + 4)[0]
    table = opt + opt_size
    sections = [struct.unpack_from("<II", data, table + 40 * n + 16)
                for n in range(count)]
    total = headers
    for size, offset in sorted(sections, key=lambda section: section[1]):
        digest.update(data[offset:offset + size])
        total += size
    if len(data) > total:
        if len(data) < total + certs:
            raise Refused("edk2: certificates overlap what is hashed")
        digest.update(data[total:len(data) - certs])
    return digest.hexdigest()


def ours(driver, path):
    text = run(driver, path).strip()
    if text.startswith("refused"):
        raise Refused(text)
    return text
