# SPDX-License-Identifier: GPL-2.0
"""A Linux that serves as boot loader leaves PCR 11 at zero: a .pcrsig opens the disk.

No stub has run: firmware starts a kernel, and that kexecs a UKI whose signature
for PCR 11 is the ordinary one, made by ukify.  What is not that UKI does not open
the slot.  Another command line or a foreign initrd is in PCR 12, which the ordinary
slot does not look at, here no more than at a cold boot without Secure Boot; a slot
that looks at PCR 12 as well stays shut.
"""

import shutil

from harness import debian, oracle, paths, uki

NEEDS = debian.NEEDS

LOADER = """
mkdir -p /esp
mount -t vfat -o ro /dev/vda1 /esp
[ -e /in/boots ] && read -r n < /in/boots
n=$((${n:-0} + 1))
logs $n/loader
. /in/plan-$n.sh
logs $n/before
try $n/exec kexec_load_file exec
"""
GOOD = "try $n/load /in/bin/kexec-uki load /esp/EFI/Linux/debian.efi"
PLANS = (
    GOOD,
    "try $n/load /in/bin/kexec-uki load /in/tampered.efi",
    'try $n/load kexec_load_file load /in/vmlinuz initrd=/in/initrd cmdline="{}"',
    GOOD + ' --cmdline "{} replaced"',
    GOOD + ' --cmdline "{} replaced"',
    GOOD + " --no-companions --initrd /in/foreign",
    GOOD,
)
STRICT = """
look
try $n/strict systemd-cryptenroll --unlock-key-file=$key \\
	--tpm2-device=auto --tpm2-pcrs=12:sha256 --tpm2-pcrlock= \\
	--tpm2-public-key=/run/systemd/tpm2-pcr-public-key.pem \\
	--tpm2-public-key-pcrs=11 $disk
slots enrolled
sync
reboot -f
"""
WIPE = """
settled
try $n/wipe systemd-cryptenroll --wipe-slot=1 $disk
sync
reboot -f
"""


def make(t, g):
    image = g.uki("debian.efi", "systemd.tpm2_measured_os=yes")
    uki.tamper(image, t.share / "tampered.efi", ".osrel")
    (t.share / "foreign").write_bytes(debian.FOREIGN)
    shutil.copy(paths.BZIMAGE, t.share / "vmlinuz")
    shutil.copy(paths.DEBIAN / "initrd.img", t.share / "initrd")
    text = f"{debian.CMDLINE} systemd.tpm2_measured_os=yes"
    for n, plan in enumerate(PLANS, 1):
        (t.share / f"plan-{n}.sh").write_text(plan.format(text) + "\n")
    t.script(LOADER)
    return image


def run(t):
    g = debian.Guest(t)
    image = make(t, g)
    loader = t.initrd("loader.img")
    r = g.boot(STRICT, None, None, WIPE, None, None, "look",
               kernel=paths.BZIMAGE, initrd=loader,
               append=f"{uki.CONSOLE} e2e=:first.sh").need("7/live_log")
    zero = oracle.systemd_measure(image)
    for n in range(1, 8):
        t.equal(r.status(f"{n}/load"), 0, r.text(f"{n}/load/out"))
        t.equal(r.pcrs(f"{n}/before")["sha256"][11], bytes(32),
                "PCR 11 before the kexec")
    for n in (1, 4, 5, 6, 7):
        for bank, value in zero.items():
            t.equal(r.pcrs(f"{n}/jump")[bank][11], value,
                    f"boot {n}: {bank} PCR 11 and systemd-measure")
    for n, what in ((2, "a UKI with a byte changed"), (3, "no UKI"),
                    (5, "another command line, and PCR 12 matters"),
                    (6, "a foreign initrd, and PCR 12 matters")):
        t.inside("Failed to start", r.text(f"{n}/refused"), what)
    t.inside("   2 tpm2", r.text("1/enrolled"), "the stricter slot")
    t.inside("replaced", r.text("4/cmdline"), "another command line")
    for n in "17":
        t.equal(r.text(f"{n}/failed"), "", "units that failed")
        oracle.check_log(r, n)
