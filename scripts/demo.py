#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What "make demo" shows: one measured kexec, held against a cold boot.

Makes two UKIs, boots the first under OVMF and systemd-stub with a TPM, loads
and executes the second there, boots the second cold on a machine of its own,
and prints what the TPM holds before, what it should hold after and what it
does hold.  Then the log that has come along is replayed, all of it, by two
programs.  Exit status 0 only if all of it agrees.
"""

import os
import shutil
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
os.environ.setdefault("E2E_WORK", str(TOP / "out" / "demo"))
os.environ.setdefault("E2E_LOG", str(TOP / "out" / "log" / "demo"))
sys.path.insert(0, str(TOP / "tests" / "e2e"))

from harness import case, machine, oracle, paths, uki  # noqa: E402

PCRS = (4, 9, 11, 12)
SCRIPT = """
dump before
try load kexec -s -l /in/next.efi
pcrs loaded
try exec kexec -e
"""


def step(text):
    print(f"  {text}", flush=True)


def make(t):
    step("making two UKIs with ukify, first.efi and next.efi")
    image = t.next(cmdline="demo=next", options=uki.signing_options())
    first = t.first()
    for path in (first, image):
        step(f"    {path.name}: {path.stat().st_size / 1e6:.1f} MB")
    return first, image


def boot(t, first, image):
    step("cold boot of next.efi: OVMF, systemd-stub, TPM (what to expect)")
    cold = oracle.cold(image)
    step("boot of first.efi, in it: kexec -s -l next.efi && kexec -e")
    report = t.boot(SCRIPT, first=first)
    return cold, report.need("before/pcrs", "loaded/pcrs", "after/pcrs")


def show_events(events):
    print("\nEvents that the kexec extends: its own mark, then those that the "
          "cold boot logged.\nsystemd-stub measures the name of a section, "
          "then its content.\n")
    print(f"  PCR  {'type':33} {'what':30} SHA-256")
    last = None
    for e in events:
        what = e.describe()
        if e.pcr == 11:
            what = f"{what} ({'content' if what == last else 'name'})"
            last = e.describe()
        print(f"  {e.pcr:3}  {e.type_name:33} {what:30} "
              f"{e.digests['sha256'].hex()[:12]}..")


def show_bank(bank, before, want, after):
    """Print a row for each PCR, return how many do not agree."""
    print(f"\n  {bank}\n  PCR  {'before':14} {'expected':14} {'after':14}")
    bad = 0
    for pcr in sorted(want):
        if pcr == case.IMA_PCR or pcr > 15:
            continue
        agrees = after.get(pcr) == want[pcr]
        bad += not agrees
        if pcr not in PCRS and agrees:
            continue
        row = (v.hex()[:12] + ".." for v in
               (before[pcr], want[pcr], after.get(pcr, b"")))
        mark = "agrees" if agrees else "DIFFERS"
        print("  {:3}  {:14} {:14} {:14} {}".format(pcr, *row, mark))
    return bad


def compare(report, events):
    before, after = report.pcrs("before"), report.pcrs("after")
    want = oracle.expected(before, events)
    bad = sum(show_bank(bank, before[bank], want[bank], after.get(bank, {}))
              for bank in before)
    print("\n  The other PCRs up to 15, but IMA's 10, are compared as well: "
          "they must stay.")
    return bad


def other_checks(report, image):
    """(what, whether it holds)"""
    chip = report.pcrs("after")
    events = oracle.check_log(oracle.cold(image), "after")
    fresh = oracle.systemd_measure(image)
    cold = oracle.cold(image).pcrs("after")
    return [
        ("loading alone has moved no PCR",
         report.pcrs("loaded") == report.pcrs("before")),
        ("next.efi runs its own initrd", report.text("after/who") == "next"),
        ("next.efi has its own command line",
         report.text("after/cmdline").endswith("demo=next")),
        ("all four banks are there", len(chip) == 4),
        (f"cold boot: the log of {len(events)} events, tpm2_eventlog and the "
         "TPM agree", bool(events)),
        ("cold boot: PCR 11 is what systemd-measure calculates",
         all(cold[b][11] == v for b, v in fresh.items())),
    ]


def show_log(report):
    """How the log explains the TPM; returns how many values do not agree."""
    log, pcrs = (report.files[f"after/{x}"] for x in ("live_log", "pcrs"))
    status, said = oracle.kexec_uki("replay", log=log, pcrs=pcrs)
    theirs, bad = oracle.eventlog_tool(log), int(status != 0)
    agree = 0
    for bank, chip in report.pcrs("after").items():
        rows = [chip[n] == theirs.get(bank, {}).get(n, bytes(len(chip[n])))
                for n in range(16) if n != case.IMA_PCR]
        agree, bad = agree + sum(rows), bad + len(rows) - sum(rows)
    print(f"\nThe log that next.efi finds, {len(log)} bytes, from the firmware's "
          "first event to the\nkexec's last, replayed and held against the TPM:"
          "\n")
    for line in said.splitlines():
        print(f"  kexec-uki replay: {line}")
    print(f"  tpm2_eventlog:    {agree} values agree, PCRs 0 to 15 but IMA's, "
          f"in {len(theirs)} banks")
    return bad


def main():
    start = time.monotonic()
    shutil.rmtree(paths.WORK, ignore_errors=True)
    paths.WORK.mkdir(parents=True)
    print("\nA measured kexec of a unified kernel image\n")
    t = case.Case("demo")
    try:
        first, image = make(t)
        cold, report = boot(t, first, image)
    except machine.GuestError as error:
        print(f"\n{error}\n\nThe demo failed, logs are in {paths.LOG}")
        return 1
    events = [oracle.marker()] + oracle.uki_events(cold)
    show_events(events)
    bad = compare(report, events)
    print()
    for what, holds in other_checks(report, image):
        bad += not holds
        print(f"  {'yes' if holds else 'NO '}  {what}")
    bad += show_log(report)
    print(f"\n{'All agree.' if not bad else f'{bad} DO NOT AGREE.'}  "
          f"({time.monotonic() - start:.0f} s, logs in {paths.LOG})")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
