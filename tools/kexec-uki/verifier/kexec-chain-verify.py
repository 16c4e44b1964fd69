#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judges a machine by its event log, a reference and the PCRs of a quote.

The log is what tpm2_eventlog --eventlog-version=2 prints; the PCRs are lines
"BANK PCR HEX", or what tpm2_checkquote or tpm2_pcrread print.  tpm2_checkquote
is what checks the quote's signature, and this must never be told PCRs that
come from anywhere else.  It has to be that of tpm2-tools 5.7 or later: earlier
ones do not check that what is signed is a quote, and believe the machine about
which PCRs were quoted (CVE-2024-29038, CVE-2024-29039).

Exit status: 0 accepted, 1 refused (a line for each reason), 2 it could not be
judged: wrong usage, a file that is missing, a reference that is none.
"""

import argparse
import json
import os
import sys

import kexec_chain

try:
    import yaml
except ImportError:
    sys.exit(print("kexec-chain-verify: needs python3-yaml", file=sys.stderr)
             or 2)

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text, what):
    try:
        return yaml.load(text, LOADER)
    except Exception as reason:     # constructors raise whatever they like
        first = (str(reason).splitlines() or [type(reason).__name__])[0]
        raise kexec_chain.BadLog(f"{what} is no YAML: {first}") from reason


def pcr_lines(text):
    """bank -> PCR -> text, or None if these are no lines "BANK PCR HEX" """
    pcrs = {}
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 3 or words[0] not in kexec_chain.SIZES:
            return None
        number = kexec_chain.pcr_number(words[1])
        if number in pcrs.setdefault(words[0], {}):
            raise kexec_chain.BadLog(f"{words[0]} PCR {number} twice")
        pcrs[words[0]][number] = words[2]
    return pcrs


def read_pcrs(text):
    pcrs = pcr_lines(text)
    if pcrs is None:
        pcrs = read_yaml(text, "the list of PCRs")
        if isinstance(pcrs, dict) and "pcrs" in pcrs:   # tpm2_checkquote
            pcrs = pcrs["pcrs"]
    # tpm2_pcrread prints a bank without PCRs, too
    return {b: v for b, v in pcrs.items() if v} \
        if isinstance(pcrs, dict) else pcrs


def read_file(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def read_reference(path):
    """The reference.  A UKI, loader or companion may be the name of the file
    that systemd-pcrlock has written, relative to the reference"""
    state = json.loads(read_file(path))
    for key in ("ukis", "loaders", "companions"):
        table = state.get(key) if isinstance(state, dict) else None
        for name, value in table.items() if isinstance(table, dict) else ():
            if isinstance(value, str):
                where = os.path.join(os.path.dirname(path), value)
                table[name] = json.loads(read_file(where))
    return state


def firmware_pcrs(text):
    """A list of numbers and ranges, of PCRs that a reference may have"""
    pcrs = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        try:
            ends = [kexec_chain.pcr_number(n) for n in
                    (first, last if dash else first)]
        except kexec_chain.BadLog as reason:
            raise argparse.ArgumentTypeError(str(reason)) from reason
        pcrs |= set(range(ends[0], ends[1] + 1)) or {-1}
    allowed = set(kexec_chain.PCRS) - kexec_chain.Reference.NOT_FIRMWARE
    if not pcrs <= allowed:
        raise argparse.ArgumentTypeError(f"{text} is not of "
                                         f"{sorted(allowed)}")
    return sorted(pcrs)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("log", metavar="LOG.YAML", help="what tpm2_eventlog "
                        "--eventlog-version=2 prints")
    parser.add_argument("--reference", metavar="JSON")
    parser.add_argument("--pcrs", metavar="FILE", help="the quoted PCRs")
    parser.add_argument("--print-firmware", action="store_true", help="print "
                        "what firmware has made of the PCRs in this log, for "
                        "the reference; judge nothing")
    parser.add_argument("--firmware-pcrs", metavar="LIST", type=firmware_pcrs,
                        help="the PCRs that --print-firmware prints, 0-3,7 by "
                        "default; they are firmware_pcrs of the reference")
    args = parser.parse_args()
    if args.firmware_pcrs and not args.print_firmware:
        parser.error("--firmware-pcrs is for --print-firmware")
    if not args.print_firmware and not (args.reference and args.pcrs):
        parser.error("--reference and --pcrs are needed")
    return args


def judge(args):
    state = kexec_chain.Reference(read_reference(args.reference))
    try:
        log = read_yaml(read_file(args.log), "the log")
        pcrs = read_pcrs(read_file(args.pcrs))
    except (kexec_chain.BadLog, ValueError) as reason:
        return [str(reason)]
    return kexec_chain.verify(log, state, pcrs)


def main():
    args = arguments()
    try:
        if args.print_firmware:
            log = read_yaml(read_file(args.log), "the log")
            values = kexec_chain.firmware_reference(
                log, args.firmware_pcrs or kexec_chain.FIRMWARE_PCRS)
            print(json.dumps(values, indent=1))
            return 0
        reasons = judge(args)
    except (OSError, ValueError) as reason:
        print(f"kexec-chain-verify: {reason}", file=sys.stderr)
        return 2
    # Text of the machine's own: keep it from the terminal
    for reason in reasons:
        print("refused: " + ascii(reason)[1:-1])
    if not reasons:
        print("accepted")
    return 1 if reasons else 0


sys.exit(main())
