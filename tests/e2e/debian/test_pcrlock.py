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
# Nothing makes a component of what systemd-boot has in PCR 5.
strict()
{
	try "$n/$1" $pcrlock make-policy --strict=yes --pcr=0 --pcr=1 --pcr=2 \\
		--pcr=3 --pcr=4 --pcr=7 --pcr=11 --pcr=13 --pcr=14 --pcr=15
}
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
strict strict
try $n/log $pcrlock log
mv $component /var/lib/
predict_mask without
strict strict-without
mv /var/lib/${component##*/} $component
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


def kept(report, boot):
    """The line of make-policy that names the PCRs"""
    return [line for line in report.text(f"{boot}/make-policy/out").splitlines()
            if line.startswith("PCRs in protection mask: ")][-1]


def run(t):
    g = debian.Guest(t)
    g.uki("first.efi")
    g.uki("next.efi", "word=next")
    r = g.boot(FIRST, SECOND, THIRD).need("3/live_log", "3/log/out")
    for n in "12":
        t.equal(r.status(f"{n}/component"), 0, r.text(f"{n}/component/out"))
    first = mask(r, "1/mask/out")
    t.equal(first, {0, 1, 2, 3, 4, 7, 11, 13, 14, 15}, "PCRs at first")
    t.equal(mask(r, "2/mask/out"), first, "PCRs with the component")
    for n in "123":
        t.equal(r.status(f"{n}/make-policy"), 0, "make-policy")
        t.equal(kept(r, n), kept(r, "1"), f"boot {n}: PCRs of make-policy")
    t.equal(r.status("2/strict"), 0, r.text("2/strict/out"))
    t.equal(mask(r, "2/without/out"), set(), "PCRs without the component")
    t.true(r.status("2/strict-without"), "--strict=yes says nothing")
    t.inside("No PCRs kept in protection mask",
             r.text("2/strict-without/out"), "--strict=yes")
    t.equal(mask(r, "3/mask/out"), first, "PCRs after two kexecs")
    for n in "123":
        oracle.check_log(r, n)
