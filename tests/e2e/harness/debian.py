# SPDX-License-Identifier: GPL-2.0
"""A Debian that nobody has changed: systemd 262, its disk opened by the TPM.

What a guest does is said boot by boot, in scripts that its e2e.service runs.  A
boot whose disk stays shut says so and reboots, if there is a script for the next
one.  Files are sent under the number of the boot, which is the number in the log.
"""

import shutil

from . import initrd, machine, oracle, paths, tpmlog, uki

NEEDS = (paths.DEBIAN / "stamp", paths.BZIMAGE, paths.KEXEC_UKI)

CMDLINE = "root=/dev/mapper/root rw console=ttyS0 panic=-1"
LIB = paths.TOP / "tests/e2e/debian/lib.sh"
LOADER = "timeout 0\ndefault first.efi\n"
# What a boot may take, software emulation on a busy machine; 40 s were seen
BOOT_S = 180
SCRIPT = """# boot {n}
{text}
"""

# One more file for the next system; nothing of its own initrd is in it.
FOREIGN = initrd.archive({"etc/foreign": b"foreign\n"})


def signed():
    """ukify's options for the signature that the disk's first TPM slot wants"""
    return ["--pcr-private-key", paths.DEBIAN / "pcr.key",
            "--pcr-public-key", paths.DEBIAN / "pcr.pub",
            "--phases", "enter-initrd", "--pcr-banks", "sha256"]


class Guest:
    def __init__(self, t, tools=("kexec-uki",)):
        self.t = t
        self.esp = t.dir / "esp"
        for name in ("EFI/BOOT", "EFI/Linux", "loader"):
            (self.esp / name).mkdir(parents=True)
        shutil.copy(paths.SDBOOT, self.esp / "EFI/BOOT/BOOTX64.EFI")
        (self.esp / "loader/loader.conf").write_text(LOADER)
        shutil.copy(LIB, t.share)
        (t.share / "bin").mkdir()
        for name in tools:
            shutil.copy(tool(name), t.share / "bin" / name)

    def uki(self, name, words=""):
        """A UKI in the ESP, which systemd-boot lists"""
        return uki.build(self.esp / "EFI/Linux" / name,
                         paths.DEBIAN / "initrd.img",
                         f"{CMDLINE} {words}".strip(),
                         options=["--os-release",
                                  f"@{paths.DEBIAN / 'os-release'}",
                                  *signed()])

    def boot(self, *scripts, **params):
        """Run them, one in each boot; what the guest has said"""
        for n, text in enumerate(scripts, 1):
            # None: the disk is to stay shut
            (self.t.share / f"boot-{n}.sh").write_text(
                SCRIPT.format(n=n, text=text or ""))
        keep = {"boot": "\\EFI\\BOOT\\BOOTX64.EFI", "esp": self.esp,
                "gpt": True, "reboots": True,
                "limit": 300 + BOOT_S * len(scripts)}
        m = machine.Machine(self.t.name, share=self.t.share, writable=True,
                            disk=paths.DEBIAN / "disk.raw", cpus=2,
                            state=paths.DEBIAN / "tpm", memory=1536,
                            **{**keep, **params})
        return m.run()


def tool(name):
    """Our own tools, as a guest runs them"""
    if name == "kexec-uki":
        return paths.KEXEC_UKI
    return paths.TOP / "tools/kexec-uki" / f"{name}.sh"


def shut_down():
    """The records of what systemd extends PCR 11 with at a shutdown"""
    return [oracle.tagged(11, tpmlog.TAG_EXTEND, b"user", text)
            for text in (b"shutdown", b"final")]



def without_secret(events, got):
    """The initrd of a cold boot has a boot secret in it, which is not known to
    any running system: its event is the one of the kexec.  That the initrd is
    otherwise the same is for test_boot_secret and the matrix.
    """
    def initrd_event(e):
        return e.pcr == 9 and e.describe() == "Linux initrd"

    ours = [e for e in got if initrd_event(e)][-1]
    return [ours if initrd_event(e) else e for e in events]


def check_hop(t, report, before, events, nth):
    """What the log has between boots, and what the TPM has right after the jump

    events: those of a cold boot of the same UKI
    """
    after = str(int(before) + 1)
    got = oracle.appended(report, before, after)
    want = (shut_down() + [oracle.marker(nth)]
            + without_secret(events, got))
    t.same_events(got, want,
                  f"what the log has gained from boot {before} to {after}")
    t.same_pcrs(report.pcrs(after, "jump/pcrs"),
                oracle.expected(report.pcrs(before), want),
                f"right after the jump to boot {after}")
