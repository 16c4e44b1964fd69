# SPDX-License-Identifier: GPL-2.0
"""Expected values, from things that this project did not write.

PCR 4, 9, 11 and 12: the event log of a cold boot of the same UKI on the same
machine.  PCR 11 from zero: systemd-measure.  Nothing here may look into a UKI
to calculate a digest of its own.
"""

import fcntl
import hashlib
import json
import re
import subprocess
import tempfile
from pathlib import Path

from . import machine, paths, tpmlog, uki

# Rows 1 and 6 of the table in README.md: the two events that no cold boot has.
MARKER = "kexec:%d\0"
OURS = (4, 9, 11, 12, 13)

MEASURED = ("linux", "osrel", "cmdline", "initrd", "ucode", "splash", "dtb",
            "uname", "sbat", "pcrpkey", "profile", "dtbauto", "hwids")


def systemd_measure(image, banks=machine.ALL_BANKS):
    """bank -> PCR 11 of an image that is measured into a fresh TPM"""
    argv = [paths.TOOLS / "systemd-measure", "calculate", "--phase=:",
            "--json=short"] + [f"--bank={b}" for b in banks]
    with tempfile.TemporaryDirectory() as tmp:
        for name in MEASURED:
            data = uki.section(image, "." + name)
            if data:
                path = Path(tmp) / name
                path.write_bytes(data)
                argv.append(f"--{name}={path}")
        out = subprocess.run([str(a) for a in argv], check=True,
                             stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL).stdout
    return {bank: bytes.fromhex(rows[0]["hash"])
            for bank, rows in json.loads(out).items()}


def eventlog_tool(log):
    """bank -> {PCR: value}, replayed by tpm2_eventlog"""
    with tempfile.NamedTemporaryFile() as tmp:
        tmp.write(log)
        tmp.flush()
        text = subprocess.run(["tpm2_eventlog", tmp.name], check=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout.decode()
    out, bank = {}, None
    for line in text[text.rindex("\npcrs:"):].splitlines():
        head = re.fullmatch(r"  (\w+):", line)
        row = re.fullmatch(r"    (\d+) *: 0x([0-9a-fA-F]+)", line)
        if head:
            bank = head.group(1)
        elif row:
            out.setdefault(bank, {})[int(row[1])] = bytes.fromhex(row[2])
    return out


def check_log(report, name):
    """The log, its replay here and by tpm2_eventlog, and the TPM agree."""
    log = report.files[f"{name}/bios_log"]
    events = tpmlog.parse(log)
    theirs = eventlog_tool(log)
    for bank, chip in report.pcrs(name).items():
        ours = tpmlog.replay(events, bank)
        for pcr in range(16):
            if pcr == 10:
                continue        # the kernel's own list, not the firmware's
            if chip[pcr] != ours[pcr]:
                raise machine.GuestError(
                    f"{report.machine.name}: {bank} PCR {pcr} is "
                    f"{chip[pcr].hex()}, the log gives {ours[pcr].hex()}")
            if theirs.get(bank, {}).get(pcr, ours[pcr]) != ours[pcr]:
                raise machine.GuestError(
                    f"tpm2_eventlog reads {bank} PCR {pcr} otherwise")
    if not theirs:
        raise machine.GuestError("tpm2_eventlog gave no PCR")
    return events


def cold(image, append=None, **params):
    """The report of a cold boot of an image, made once per run.

    With append the image comes from QEMU's -kernel, which is how load options
    reach systemd-stub; else from the ESP.  The parameter register gives an
    initrd that systemd-stub finds already there.
    """
    what = repr((uki.digest(image), append, sorted(params.items())))
    name = "cold-" + hashlib.sha256(what.encode()).hexdigest()[:12]
    if append is None:
        m = machine.Machine(name, boot=image, **params)
    else:
        m = machine.Machine(name, kernel=image, append=append, **params)
    done = paths.WORK / f"{name}.done"
    with open(paths.WORK / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return machine.Report(m, "bye")
        report = m.run().need("after/cmdline")
        if m.tpm:
            check_log(report.need("after/bios_log"), "after")
        done.touch()
        return report


def uki_events(report, name="after"):
    """The events that a boot of a UKI adds after LoadImage() has taken it"""
    events = tpmlog.parse(report.files[f"{name}/bios_log"])
    loads = [n for n, e in enumerate(events) if e.pcr == 4
             and e.type == tpmlog.EV_EFI_BOOT_SERVICES_APPLICATION]
    if not loads:
        raise machine.GuestError("the firmware's log has no program in PCR 4")
    # The UKI is the last one: before it there may be the firmware's shell.
    return [e for e in events[loads[-1]:] if e.pcr in OURS
            and e.type in (tpmlog.EV_EFI_BOOT_SERVICES_APPLICATION,
                           tpmlog.EV_IPL, tpmlog.EV_EVENT_TAG)]


def tagged(pcr, tag, text, content):
    """One of our own events, which a cold boot does not have"""
    digests = {b: hashlib.new(b, content).digest() for b in machine.ALL_BANKS}
    head = tag.to_bytes(4, "little") + len(text).to_bytes(4, "little")
    return tpmlog.Event(pcr, tpmlog.EV_EVENT_TAG, digests, head + text)


def marker(n=1):
    text = (MARKER % n).encode()
    return tagged(4, 0x6b780001, text, text)


def foreign_initrd(content):
    return tagged(12, 0x6b780002, b"initrd", content)


def expected(before, events):
    """bank -> {PCR: value} after the events, all other PCRs as they were"""
    out = {bank: dict(pcrs) for bank, pcrs in before.items()}
    for bank, pcrs in out.items():
        for e in events:
            pcrs[e.pcr] = tpmlog.extend(bank, pcrs[e.pcr], e.digests[bank])
    return out
