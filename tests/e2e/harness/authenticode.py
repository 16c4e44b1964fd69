# SPDX-License-Identifier: GPL-2.0
"""What the signature of a PE file is over, as its signer has written it."""

import re
import tempfile
from pathlib import Path

from . import uki


def digest(image):
    """The SHA-256 digest that sbsign has signed.

    It is in the DigestInfo of SpcIndirectDataContent, the first digest of the
    PKCS #7 message: the others, signed attributes, come after it.
    """
    with tempfile.TemporaryDirectory() as tmp:
        signature = Path(tmp) / "signature.der"
        uki.run(["sbattach", "--detach", signature, image])
        text = uki.run(["openssl", "asn1parse", "-inform", "DER", "-in",
                        signature]).decode()
    values = re.findall(r"OCTET STRING +\[HEX DUMP\]:([0-9A-F]{64})$", text,
                        re.M)
    if not values:
        raise ValueError(f"no digest in the signature of {image}")
    return values[0].lower()
