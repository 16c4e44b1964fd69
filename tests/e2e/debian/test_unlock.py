# SPDX-License-Identifier: GPL-2.0
"""A slot for the PCRs of after the kexec opens the disk; so does a sealed secret.

Twice in a row: a UKI as it is, and then another one with --kernel-cmdline=, which
systemctl loads itself.  The slot of the cold boot is never touched.
"""

import shutil

from harness import debian, oracle, paths

NEEDS = debian.NEEDS
# The second hop goes without the unit that waits for systemd's measurements and
# looks at them: it must not be what puts them before the disk.
WORD = "rd.systemd.mask=e2e-unlock.service"

# What systemctl makes of the UKI's command line and of --kernel-cmdline=
REPLACED = f"{debian.CMDLINE} {WORD}"

ENROLL = """
for at in execute enter-initrd ready; do
	predict at-$at --at $at
done
seal 0,2,4,7,9,11,12
enroll
"""
WIPE = """
slots before
wipe
"""
FIRST = f"""
look
slots before
try $n/unasked kexec-uki-cryptenroll enroll $disk --unlock-key-file=$key
try $n/load kexec-uki load $uki/next.efi
{ENROLL}
try $n/loaded systemctl kexec --kernel-cmdline=word=ignored
hop
"""
SECOND = f"""
look
{WIPE}
default first.efi
try $n/load kexec-uki load $uki/first.efi --cmdline "{REPLACED}"
{ENROLL}
try $n/unload kexec-uki unload
hop --kernel-cmdline={WORD}
"""
THIRD = """
look
slots before
cp /run/in/bin/kexec-uki-cryptenroll /usr/sbin/
cp /run/in/kexec-uki-wipe.service /etc/systemd/system/
try $n/wipe systemctl start kexec-uki-wipe.service
slots wiped
try $n/again kexec-uki-cryptenroll wipe
"""


def table(report, name):
    """What systemd-cryptenroll lists: slot -> type"""
    rows = (line.split() for line in report.text(name).splitlines()[1:])
    return {int(row[0]): row[1] for row in rows}


def hop(t, r, before):
    """The disk has been opened, and all PCRs are those that were predicted."""
    after = str(int(before) + 1)
    for at, when in (("execute", "jump"), ("enter-initrd", "unlock"),
                     ("ready", "up")):
        if f"{after}/{when}/pcrs" not in r.files and after == "3":
            continue
        name = f"{before}/at-{at}"
        t.equal(r.status(name), 0, r.text(f"{name}/error"))
        # No order between nvpcr-separator in PCR 9 and the opening of disks
        unknown = {9} if at == "enter-initrd" else set()
        known = set(r.pcrs(name)["sha256"]) & set(range(16))
        t.equal(set(range(16)) - known, unknown, f"{name}: PCRs unknown")
        t.same_pcrs(r.pcrs(f"{after}/{when}"), r.pcrs(name),
                    f"boot {after} at {at}", skip=(10, *range(16, 24)))
    t.equal(r.text(f"{after}/unsealed"), "the secret of the next kernel",
            "what tpm2_unseal says")
    t.equal(r.status(f"{before}/enroll"), 0, r.text(f"{before}/enroll/out"))
    t.equal(r.status(f"{after}/wipe"), 0, r.text(f"{after}/wipe/out"))
    cold = {0: "password", 1: "tpm2"}
    t.equal(table(r, f"{before}/enrolled"), {**cold, 2: "tpm2"}, "slots")
    t.equal(table(r, f"{after}/before"), {**cold, 2: "tpm2"}, "slots")
    t.equal(table(r, f"{after}/wiped"), cold, "slots after the wipe")


def run(t):
    g = debian.Guest(t, ("kexec-uki", "kexec-uki-cryptenroll"))
    g.uki("first.efi")
    g.uki("next.efi", "word=next")
    shutil.copy(paths.TOP / "tools/kexec-uki/kexec-uki-wipe.service", t.share)
    r = g.boot(FIRST, SECOND, THIRD).need("3/live_log", "3/wiped")
    t.true(r.status("1/unasked"), "enrolled without an image")
    t.true(r.status("1/loaded"), "--kernel-cmdline= with an image loaded")
    t.true("3/unlock/pcrs" not in r.files, "the unit is not masked")
    hop(t, r, "1")
    hop(t, r, "2")
    t.equal(r.text("3/cmdline"), REPLACED, "the replaced command line")
    t.equal(r.status("3/again"), 0, "a second wipe")
    for n in "123":
        oracle.check_log(r, n)
