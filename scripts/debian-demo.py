#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What "make debian-demo" shows: a disk that the TPM opens after systemctl kexec.

A Debian with systemd 262, its root on LUKS, boots by OVMF and systemd-boot.  It
loads a second UKI, gives the disk a key slot for the PCRs that are predicted, and
calls systemctl kexec: the disk opens.  It does so again, and has a UKI kexeced that
differs in one byte: the disk stays shut, and the machine boots cold.  Exit status 0
only if it went like that.
"""

import os
import sys
import threading
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
os.environ.setdefault("E2E_WORK", str(TOP / "out" / "demo-debian"))
os.environ.setdefault("E2E_LOG", str(TOP / "out" / "log" / "demo-debian"))
sys.path.insert(0, str(TOP / "tests" / "e2e"))

from harness import case, debian, machine, paths, uki  # noqa: E402

PCRS = (4, 7, 11, 12, 13)

ENROLL = """
settled
try $n/load kexec-uki load $uki/next.efi
predict at --at enter-initrd
enroll
"""
FIRST = ENROLL + """
hop
"""
SECOND = """
wipe
""" + ENROLL + """
try $n/unload kexec-uki unload
try $n/instead kexec-uki load /run/in/tampered.efi
hop
"""
LAST = """
wipe
"""


def follow(path, done):
    """What the guest says, as it says it"""
    seen = 0
    while not done.wait(0.5) or seen >= 0:
        lines = path.read_bytes().split(b"\n@say ")[1:] if path.exists() else []
        for line in lines[seen:]:
            text = line.split(b"\n")[0].decode(errors="replace").strip()
            print(f"    {text[:110]}", flush=True)
        seen = len(lines) if not done.is_set() else -1


def boot(g):
    done = threading.Event()
    data = paths.LOG / "debian-demo.data"
    data.unlink(missing_ok=True)
    teller = threading.Thread(target=follow, args=(data, done))
    teller.start()
    try:
        return g.boot(FIRST, SECOND, None, LAST)
    finally:
        done.set()
        teller.join()


def compare(r, before, after):
    """A row for each PCR that the slot is bound to; how many differ"""
    want = r.pcrs(f"{before}/at")["sha256"]
    got = r.pcrs(f"{after}/unlock")["sha256"]
    print(f"\n  PCR  {'predicted in boot ' + before:22} "
          f"when boot {after} opens disks")
    for pcr in PCRS:
        mark = "" if want[pcr] == got[pcr] else "  DIFFERS"
        print(f"  {pcr:3}  {want[pcr].hex()[:20]}..  "
              f"{got[pcr].hex()[:20]}..{mark}")
    return sum(want[pcr] != got[pcr] for pcr in PCRS)


def tell(r):
    good = not compare(r, "1", "2") and "2/opened" in r.files
    print("\n  After systemctl kexec of next.efi: the TPM has "
          f"{'opened the disk' if good else 'NOT OPENED THE DISK'}.")
    shut = compare(r, "2", "3") and "3/refused" in r.files \
        and "3/opened" not in r.files
    print("\n  After systemctl kexec of next.efi with one byte changed: the disk "
          f"{'stays shut' if shut else 'IS OPEN'}.\n")
    for line in r.text("3/refused").splitlines():
        print(f"    {line[:100]}")
    cold = "4/opened" in r.files
    print("\n  Cold boot after that: the ordinary slot has "
          f"{'opened the disk' if cold else 'NOT OPENED THE DISK'}.")
    return good and shut and cold


def main():
    t = case.Case("debian-demo")
    g = debian.Guest(t, ("kexec-uki", "kexec-uki-cryptenroll"))
    print("  two UKIs by ukify, first.efi and next.efi; Debian boots first.efi")
    g.uki("first.efi")
    image = g.uki("next.efi", "word=next")
    uki.tamper(image, t.share / "tampered.efi", ".osrel")
    try:
        ok = tell(boot(g).need("4/wiped"))
    except machine.GuestError as reason:
        print(f"\n  It went otherwise: {reason}")
        ok = False
    print("\n  " + ("all as it should be" if ok else "SOMETHING IS WRONG"))
    return 0 if ok else 1


sys.exit(main())
