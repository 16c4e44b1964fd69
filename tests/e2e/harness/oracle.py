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
                              stderr=subprocess.DEVNULL).stdout.decode(
                                  errors="replace")
    out, bank = {}, None
    for line in text[text.rindex("\npcrs:"):].splitlines():
        head = re.fullmatch(r"  (\w+):", line)
        row = re.fullmatch(r"    (\d+) *: 0x([0-9a-fA-F]+)", line)
        if head:
            bank = head.group(1)
        elif row:
            out.setdefault(bank, {})[int(row[1])] = bytes.fromhex(row[2])
    return out


def kexec_uki(command, **files):
    """What our own tool says of these files: (exit status, text)"""
    with tempfile.TemporaryDirectory() as tmp:
        argv = [paths.KEXEC_UKI, command]
        for option, content in files.items():
            path = Path(tmp) / option
            path.write_bytes(content)
            argv.append(f"--{option}={path}")
        done = subprocess.run([str(a) for a in argv], check=False,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode(errors="replace")


def differs(report, bank, pcr, chip, log, what):
    return machine.GuestError(
        f"{report.machine.name}: {bank} PCR {pcr} is {chip.hex()}, {what} "
        f"gives {log.hex() if log else 'nothing'}")


def check_log(report, name, log="live_log", partial=(), unknown=()):
    """The log, replayed here, by tpm2_eventlog and kexec-uki, and the TPM agree.

    In all banks and in PCRs 0 to 15, but IMA's: that one has a list of its own.
    partial: PCRs that were not extended in all banks, of which tpm2_eventlog
    knows nothing.  unknown: those that the log itself gives up.
    """
    data = report.need(f"{name}/{log}").files[f"{name}/{log}"]
    if log == "live_log" and not data.startswith(
            report.files[f"{name}/bios_log"]):
        raise machine.GuestError(f"{report.machine.name}: {name}: the live log "
                                 "does not begin with the log of the boot")
    events = tpmlog.parse(data)
    theirs = eventlog_tool(data)
    chips = report.pcrs(name)
    if not chips or sorted(theirs) != sorted(chips):
        raise machine.GuestError(f"tpm2_eventlog gave {sorted(theirs)}, the "
                                 f"TPM has {sorted(chips)}")
    for bank, chip in chips.items():
        ours = tpmlog.replay(events, bank)
        for pcr in range(16):
            if pcr == 10:
                continue
            if (ours[pcr] is None) != (pcr in unknown):
                raise machine.GuestError(
                    f"{report.machine.name}: {name}'s log "
                    + ("knows all" if pcr in unknown else "gives up")
                    + f" of PCR {pcr}")
            if pcr in unknown:
                continue
            if chip[pcr] != ours[pcr]:
                raise differs(report, bank, pcr, chip[pcr], ours[pcr],
                              f"{name}'s log")
            read = theirs[bank].get(pcr, ours[pcr])
            if pcr not in partial and read != ours[pcr]:
                raise differs(report, bank, pcr, chip[pcr], read,
                              "tpm2_eventlog")
    status, text = kexec_uki("replay", log=data,
                             pcrs=report.files[f"{name}/pcrs"])
    if status != (2 if unknown else 0):
        raise machine.GuestError(f"{report.machine.name}: {name}: kexec-uki "
                                 f"replay: status {status}\n{text}")
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
            check_log(report, "after", log="bios_log")
            check_log(report, "after")
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
    return tagged(12, 0x6b780002, b"initrd\0", content)


def appended(report, before, after):
    """The events that the next kernel finds beyond what this one's log had"""
    old = report.need(f"{before}/live_log").files[f"{before}/live_log"]
    new = report.need(f"{after}/bios_log").files[f"{after}/bios_log"]
    if not new.startswith(old):
        raise machine.GuestError(
            f"{report.machine.name}: the log of {after} does not begin with "
            f"that of {before}")
    return tpmlog.parse(new[len(old):], tpmlog.split(new)[0])


def expected(before, events):
    """bank -> {PCR: value} after the events, all other PCRs as they were"""
    out = {bank: dict(pcrs) for bank, pcrs in before.items()}
    for bank, pcrs in out.items():
        for e in events:
            pcrs[e.pcr] = tpmlog.extend(bank, pcrs[e.pcr], e.digests[bank])
    return out
