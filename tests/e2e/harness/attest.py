# SPDX-License-Identifier: GPL-2.0
"""What a remote verifier says of a guest: tools/kexec-uki/verifier.

Its reference of UKIs and boot loader is made by systemd-pcrlock in the guest, that
of firmware is a cold boot of the same machine.  tpm2_eventlog reads the logs.
"""

import json
import subprocess

from . import paths

VERIFY = paths.TOP / "tools/kexec-uki/verifier/kexec-chain-verify.py"
ID = "machine-id:" + (paths.TOP / "tests/e2e/debian/tree/etc/machine-id"
                      ).read_text().strip()
# For a script: leaves the files that verdict() wants in the share
LOCK = """
for name in first next; do
	try $n/lock-$name $pcrlock lock-uki $uki/$name.efi \\
		--pcrlock=/run/in/$name.pcrlock
done
try $n/lock-loader $pcrlock lock-pe /efi/EFI/BOOT/BOOTX64.EFI \\
	--pcrlock=/run/in/loader.pcrlock
"""


def eventlog(t, report, boot):
    """The live log of a boot as tpm2_eventlog prints it"""
    binary = t.dir / f"log-{boot}"
    binary.write_bytes(report.files[f"{boot}/live_log"])
    out = t.dir / f"log-{boot}.yaml"
    with open(out, "wb") as f:
        subprocess.run(["tpm2_eventlog", "--eventlog-version=2", binary],
                       check=True, stdout=f, stderr=subprocess.DEVNULL)
    return out


def call(*args):
    done = subprocess.run(["/usr/bin/python3", "-B", VERIFY, *args],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    return done.returncode, done.stdout.decode()


def verdict(t, report, boot, trusted, ukis=("first", "next"), quote=None):
    """(exit status, what the verifier says) of a boot

    trusted: a cold boot; ukis: those that may run; quote: what tpm2_checkquote
    has printed, in place of PCRs that were just read
    """
    status, firmware = call(eventlog(t, report, trusted), "--print-firmware")
    t.equal(status, 0, firmware)
    reference = t.share / "reference.json"
    reference.write_text(json.dumps({
        "version": 1, "firmware": [json.loads(firmware)],
        "loaders": {"systemd-boot": "loader.pcrlock"},
        "ukis": {name: f"{name}.pcrlock" for name in ukis},
        "user": [{"pcr": 15, "word": ID},
                 {"pcr": 9, "word": "nvpcr-separator"}],
        "reached": "ready"}))
    quoted = t.dir / f"pcrs-{boot}"
    quoted.write_text("".join(
        f"{bank} {pcr} {value.hex()}\n"
        for bank, pcrs in report.pcrs(boot).items()
        for pcr, value in pcrs.items() if pcr < 16 and pcr != 10))
    if quote:
        quoted.write_bytes(quote)
    return call(eventlog(t, report, boot), "--reference", reference,
                "--pcrs", quoted)
