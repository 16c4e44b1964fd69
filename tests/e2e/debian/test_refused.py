# SPDX-License-Identifier: GPL-2.0
"""What was not predicted opens nothing: the slot and the secret stay shut.

A slot and a secret for the kexec of next.efi; then a UKI with one byte changed,
one with another command line, with a foreign initrd, and the same kernel, initrd
and command line without the UKI, are kexeced instead.  After each the machine
boots cold, and the slot of the cold boot opens the disk.
"""

from harness import attest, debian, oracle, paths, uki

NEEDS = debian.NEEDS

ENROLL = """
settled
default first.efi
try $n/load kexec-uki load $uki/next.efi
predict at --at enter-initrd
seal 4,7,9,11,12
enroll
try $n/unload kexec-uki unload
"""
INSTEAD = (
    ("a UKI with a byte changed", {4, 11}, """
try $n/instead kexec-uki load /run/in/tampered.efi
hop"""),
    ("another command line", {12}, """
try $n/instead bootctl set-oneshot next.efi
hop --kernel-cmdline=init=/bin/sh"""),
    ("a foreign initrd", {12}, """
try $n/instead kexec-uki load $uki/next.efi --no-companions --initrd /run/in/foreign
hop"""),
    ("the kernel without the UKI", {4, 11}, """
try $n/instead kexec_load_file load /run/in/vmlinuz initrd=/run/in/initrd cmdline="{}"
hop"""),
)
LAST = attest.LOCK + """
look
wipe
"""


def differing(r, enrolled, after):
    """The PCRs of the slot that are not what was predicted"""
    want = r.pcrs(f"{enrolled}/at")["sha256"]
    got = r.pcrs(f"{after}/unlock")["sha256"]
    return {pcr for pcr in (4, 7, 11, 12, 13) if want[pcr] != got[pcr]}


def shut(t, r, n, what, pcrs):
    """The TPM has opened nothing, though the right slot was there."""
    enrolled, after = str(n), str(n + 1)
    t.equal(r.status(f"{enrolled}/instead"), 0,
            r.text(f"{enrolled}/instead/out"))
    t.equal(differing(r, enrolled, after), pcrs, f"{what}: PCRs that differ")
    t.true(attest.verdict(t, r, after, "9")[0], f"{what}: the verifier")
    t.equal(r.status(f"{enrolled}/enroll"), 0,
            r.text(f"{enrolled}/enroll/out"))
    t.inside("\n   2 tpm2", r.text(f"{enrolled}/enrolled"), "the slots")
    t.inside("Failed to start", r.text(f"{after}/refused"), what)
    t.true("the secret of the next kernel" not in r.text(f"{after}/unsealed"),
           f"{what}: tpm2_unseal has the secret")
    t.inside("policy", r.text(f"{after}/unsealed"), "tpm2_unseal's reason")
    oracle.check_log(r, after)


def run(t):
    g = debian.Guest(t, ("kexec-uki", "kexec-uki-cryptenroll"))
    g.uki("first.efi")
    image = g.uki("next.efi", "word=next")
    uki.tamper(image, t.share / "tampered.efi", ".osrel")
    (t.share / "foreign").write_bytes(debian.FOREIGN)
    (t.share / "vmlinuz").write_bytes(paths.BZIMAGE.read_bytes())
    (t.share / "initrd").write_bytes(
        (paths.DEBIAN / "initrd.img").read_bytes())
    (t.share / "bin/kexec_load_file").write_bytes(
        (paths.TOOLS / "kexec_load_file").read_bytes())
    (t.share / "bin/kexec_load_file").chmod(0o755)
    text = f"{debian.CMDLINE} word=next"
    scripts = []
    for _, _, how in INSTEAD:
        scripts += [ENROLL + how.format(text), None]
    r = g.boot(*scripts, LAST).need("9/live_log")
    for i, (what, pcrs, _) in enumerate(INSTEAD):
        shut(t, r, 2 * i + 1, what, pcrs)
    t.equal(r.status("9/wipe"), 0, r.text("9/wipe/out"))
    t.true("   2 tpm2" not in r.text("9/wiped"), "the slot was not wiped")
