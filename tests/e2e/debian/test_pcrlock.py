# SPDX-License-Identifier: GPL-2.0
"""systemd-pcrlock after a kexec: with the component it keeps its PCRs.

Without it the records of the kexec are of no component that it knows, and it
drops their PCRs; --strict=yes makes that an error.
"""

import re

from harness import debian, oracle

NEEDS = debian.NEEDS

LOCK = """
pcrlock() { try "$n/$1" $pcrlock "$@"; }
component=/var/lib/pcrlock.d/995-kexec.pcrlock.d
predict_mask() { try "$n/$1" $pcrlock predict --json=short; }
"""
FIRST = LOCK + """
always_open
look
pcrlock lock-firmware-code
pcrlock lock-firmware-config
pcrlock lock-secureboot-policy
pcrlock lock-secureboot-authority
pcrlock lock-machine-id
try $n/lock-uki $pcrlock lock-uki $uki/first.efi \\
	--pcrlock=/var/lib/pcrlock.d/650-uki.pcrlock.d/first.pcrlock
try $n/lock-pe $pcrlock lock-pe /efi/EFI/BOOT/BOOTX64.EFI \\
	--pcrlock=/var/lib/pcrlock.d/630-boot-loader.pcrlock
predict_mask mask
pcrlock make-policy
try $n/load kexec-uki load $uki/next.efi
try $n/component kexec-uki predict --systemctl --at ready --pcrlock $component
hop
"""
SECOND = LOCK + """
look
predict_mask mask
pcrlock make-policy
try $n/strict $pcrlock make-policy --strict=yes
try $n/log $pcrlock log
mv $component /root/
predict_mask without
try $n/strict-without $pcrlock make-policy --strict=yes
mv /root/${component##*/} $component
default first.efi
try $n/load kexec-uki load $uki/first.efi
try $n/component kexec-uki predict --systemctl --at ready --pcrlock $component
hop
"""
THIRD = LOCK + """
look
predict_mask mask
pcrlock make-policy
try $n/log $pcrlock log
"""


def mask(report, name):
    """The PCRs for which $pcrlock predicts something"""
    return {int(n) for n in re.findall(r'"pcr":(\d+)', report.text(name))}


def run(t):
    g = debian.Guest(t)
    g.uki("first.efi")
    g.uki("next.efi", "word=next")
    r = g.boot(FIRST, SECOND, THIRD).need("3/live_log", "3/log/out")
    for n in "12":
        t.equal(r.status(f"{n}/component"), 0, r.text(f"{n}/component/out"))
    first = mask(r, "1/mask/out")
    t.true({4, 7, 11} <= first, f"the first boot's PCRs are {first}")
    t.equal(mask(r, "2/mask/out"), first, "PCRs with the component")
    t.equal(r.status("2/strict"), 0, r.text("2/strict/out"))
    without = mask(r, "2/without/out")
    t.true(not {4, 11} & without, f"without the component: {without}")
    t.true(r.status("2/strict-without"), "--strict=yes says nothing")
    t.equal(mask(r, "3/mask/out"), first, "PCRs after two kexecs")
    for n in "123":
        oracle.check_log(r, n)
