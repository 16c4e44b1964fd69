# SPDX-License-Identifier: GPL-2.0
"""Where things lie.  Every path of the bench comes from here."""

import os
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
OUT = TOP / "out"
TOOLS = OUT / "tools"
LOG = Path(os.environ.get("E2E_LOG", OUT / "log" / "e2e"))
GUEST = TOP / "tests" / "e2e" / "guest"

# A run's scratch: everything in it is made anew by the next run.
WORK = Path(os.environ.get("E2E_WORK", OUT / "e2e"))

BZIMAGE = Path(os.environ.get(
    "E2E_KERNEL", OUT / "x86_64/arch/x86/boot/bzImage"))
BZIMAGE_M = Path(os.environ.get(
    "E2E_KERNEL_M", OUT / "x86_64-m/arch/x86/boot/bzImage"))
MODULE = Path(os.environ.get(
    "E2E_MODULE", OUT / "x86_64-m/kernel/kexec_uki.ko"))
# The TPM's driver as a module for BZIMAGE
LATE_DRIVER = Path(os.environ.get("E2E_LATE", OUT / "late/tpm_crb_late.ko"))
KEXEC = Path(os.environ.get("E2E_KEXEC", OUT / "kexec-tools/sbin/kexec"))
# The kernel of Debian, which knows nothing of ours, and our tool, as guests and
# the host run them
STOCK = TOOLS / "stock-vmlinuz"
KEXEC_UKI = Path(os.environ.get("E2E_KEXEC_UKI", TOOLS / "bin/kexec-uki"))

STUB = TOOLS / "linuxx64.efi.stub"
ADDON = TOOLS / "debian/usr/lib/systemd/boot/efi/addonx64.efi.stub"
OVMF = Path("/usr/share/OVMF")
SNAKEOIL = Path("/usr/share/ovmf")
SHIM = TOOLS / "debian/usr/lib/shim/shimx64.efi"

# A Debian with a current systemd on an encrypted disk (scripts/debian.sh), and its
# boot loader
DEBIAN = OUT / "debian"
SDBOOT = TOOLS / "debian/usr/lib/systemd/boot/efi/systemd-bootx64.efi"


def variant(name):
    """The kernel that "scripts/kernel.sh variant NAME" has built"""
    return OUT / f"x86_64-{name}/arch/x86/boot/bzImage"
