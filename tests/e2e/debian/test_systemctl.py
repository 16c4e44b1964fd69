# SPDX-License-Identifier: GPL-2.0
"""systemctl kexec of a UKI that the kernel refuses: with each kexec-tools, and none.

Stock kexec-tools takes the file apart: then the next kernel is a plain one, with
the marker and its own events in PCR 4, and the TPM opens nothing.
"""

from harness import attest, debian, oracle, paths, tpmlog, uki

NEEDS = debian.NEEDS + (paths.KEXEC,)

# Nothing may be loaded afterwards.
REFUSED = """
refused()
{
	try $n/$1 systemctl kexec
	cat /sys/kernel/kexec_loaded | emit $n/$1/loaded
}
"""
FIRST = REFUSED + attest.LOCK + """
settled
try $n/bad kexec-uki load $uki/bad.efi
default bad.efi
mv /usr/sbin/kexec /usr/sbin/kexec.stock
refused none
cp /run/in/patched /usr/sbin/kexec
refused patched
mv /usr/sbin/kexec.stock /usr/sbin/kexec
bootctl set-default ""
bootctl set-oneshot bad.efi
look
hop
"""
LOCKED = REFUSED + """
settled
echo integrity > /sys/kernel/security/lockdown
refused locked
look
"""


def bad(source, out):
    """Two sections at one address, which systemd and kexec-tools do not mind"""
    table = uki.Table(source)
    table.set(".uname", "vaddr", table.get(".osrel", "vaddr"))
    return table.write(out)


def run(t):
    g = debian.Guest(t)
    g.uki("first.efi")
    image = g.uki("next.efi", "word=next")
    bad(image, g.esp / "EFI/Linux/bad.efi")
    (t.share / "patched").write_bytes(paths.KEXEC.read_bytes())
    (t.share / "patched").chmod(0o755)
    # The firmware takes the one-shot entry as well: the third boot is for it.
    r = g.boot(FIRST, None, None, LOCKED).need("4/live_log")
    t.inside("shares addresses", r.text("1/bad/out"), "the kernel's reason")
    for name in ("1/none", "1/patched", "4/locked"):
        t.true(r.status(name), f"{name}: systemctl says that it worked")
        t.equal(r.text(f"{name}/loaded"), "0", f"{name}: an image is loaded")
    t.inside("not available", r.text("1/none/out"), "without kexec-tools")
    t.inside("Bad message", r.text("1/patched/out"), "patched kexec-tools")
    t.inside("not permitted", r.text("4/locked/out"), "lockdown")
    # What stock kexec-tools made of it: no UKI, and systemd takes it for one
    t.true(r.pcrs("2/jump")["sha256"][11] != r.pcrs("2/unlock")["sha256"][11],
           "systemd measures after a plain kernel")
    t.inside("Failed to start", r.text("3/refused"), "a cold boot of bad.efi")
    t.inside("Failed to start", r.text("2/refused"), "the disk")
    events = oracle.appended(r, "1", "2")
    t.equal([e.describe() for e in events[:2]], ["user", "user"], "shutdown")
    t.equal(events[2].digests, oracle.marker().digests, "the marker")
    t.equal([e.pcr for e in events if e.pcr in (11, 12)], [11, 11],
            "PCR 11 has shutdown and final, and no UKI")
    t.equal(events[3].type, tpmlog.EV_EFI_BOOT_SERVICES_APPLICATION,
            "the plain kernel in PCR 4")
    oracle.check_log(r, "2")
    status, reasons = attest.verdict(t, r, "2", "4")
    t.equal(status, 1, "the verifier, after a plain kernel")
    t.inside("kexec 1: what was executed is no allowed UKI", reasons, "reason")
