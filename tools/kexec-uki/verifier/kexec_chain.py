# SPDX-License-Identifier: GPL-2.0
"""Judges the event log of a machine that has been through kexecs of UKIs.

verify() takes what tpm2_eventlog --eventlog-version=2 makes of the machine's
binary_measurements_live, a reference and the PCRs of a quote, and returns why
the machine is not to be trusted; an empty list for one that is.  It must never
accept what it does not know: a record that no rule explains is a reason.  It
must never believe digests that the quoted PCRs do not confirm, so it replays
by itself and leaves alone the PCRs that tpm2_eventlog computes: those of
version 5.4 are wrong in PCR 0 where firmware starts at another locality.

What is judged, the keys of the reference, and what root of the machine can
forge all the same: Documentation/admin-guide/kexec-uki.rst, "For the author of
a verifier".  The log's format: Documentation/security/tpm/tpm_kexec_log.rst.

The module does no input or output.  keylime can import it, see the end.
"""

import hashlib
import re
import struct

SIZES = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64, "sm3_256": 32}
STRONG = frozenset(SIZES) - {"sha1"}
PCRS = range(16)
FIRMWARE_PCRS = (0, 1, 2, 3, 7)
IMA_PCR = 10                    # CONFIG_IMA_MEASURE_PCR_IDX

# Documentation/security/tpm/tpm_kexec_log.rst, "Records of Linux" and "Notes"
MARKER, PASSED_INITRD, EXTEND, NO_PE, KEXEC_LOAD = (
    0x6b780000 + n for n in range(1, 6))
NOTE = b"Linux TPM note\0\0"
NOTES = {1: "was extended in some banks only", 2: "was extended too often to "
         "be recorded", 4: "was changed by something unknown"}
NO_BANK = 3
# The EFI stub of Linux, drivers/firmware/efi/libstub/efistub.h
LOAD_OPTIONS, INITRD = 0x8f3b22ed, 0x8f3b22ec
# systemd-stub, src/fundamental/tpm2-pcr.h
PROFILE = 0x13aed6db

NO_ACTION, TAGGED, IPL = "EV_NO_ACTION", "EV_EVENT_TAG", "EV_IPL"
APPLICATION = "EV_EFI_BOOT_SERVICES_APPLICATION"
# TCG PC Client Platform Firmware Profile 1.06, 3.3.4.5: what firmware measures
# into PCR 4 besides programs
FIRMWARE_WORDS = (b"Calling EFI Application from Boot Option",
                  b"Returning from EFI Application from Boot Option", bytes(4))

# systemd's units: systemd-pcrphase*.service, systemd-pcrosseparator.service
WORDS = ("enter-initrd", "leave-initrd", "sysinit", "ready", "shutdown",
         "final")
SEPARATOR = b"os-separator"
SEPARATOR_PCRS = (*range(8), 9, 12, 13, 14)


class BadReference(ValueError):
    """The reference is not one; nothing is said about the machine"""


class BadLog(ValueError):
    """The log or the PCRs are not what they should be: the machine's fault"""


# Values

def is_number(value):
    return isinstance(value, int) and not isinstance(value, bool)


def brief(value):
    """Of a value that may be hostile: repr() of a list may be endless, and
    that of a large number an error"""
    if isinstance(value, (str, bytes)):
        return repr(value[:40])
    if isinstance(value, int) and abs(value) < 1 << 64:
        return repr(value)
    return type(value).__name__


def to_bytes(value, bank):
    """A digest out of YAML or JSON: text with or without 0x, or a number"""
    size = SIZES[bank]
    if isinstance(value, bytes) and len(value) == size:
        return value
    if is_number(value) and 0 <= value < 1 << 8 * size:
        return value.to_bytes(size, "big")
    if isinstance(value, str):
        text = value.lower().removeprefix("0x")
        if re.fullmatch("[0-9a-f]{%d}" % (2 * size), text):
            return bytes.fromhex(text)
    raise ValueError(f"no {bank} digest: {brief(value)}")


def digest(bank, data):
    return hashlib.new(bank.replace("sm3_256", "sm3"), data).digest()


def digests_of(data, banks):
    return {b: digest(b, data) for b in banks}


def equal(digests, other, banks):
    """The same in each bank that both know, and a good one is among these"""
    known = [b for b in banks if b in digests and b in other]
    return (any(b in STRONG for b in known)
            and all(digests[b] == other[b] for b in known))


def find(record, named, banks):
    """The first name under which a reference has the record's digests"""
    for name, digests in named:
        if equal(record.digests, digests, banks):
            return name
    return None


# The reference

def need(condition, what):
    if not condition:
        raise BadReference(what)


def pcrlock(name, file):
    """[(PCR, bank -> digest)] of a file as systemd-pcrlock writes it"""
    records = file.get("records") if isinstance(file, dict) else None
    need(isinstance(records, list) and records, f"{name}: no records")
    out = []
    for record in records:
        need(isinstance(record, dict) and is_number(record.get("pcr"))
             and isinstance(record.get("digests"), list),
             f"{name}: {record!r}")
        out.append((record["pcr"], pcrlock_digests(name, record["digests"])))
    return out


def pcrlock_digests(name, digests):
    out = {}
    for entry in digests:
        need(isinstance(entry, dict), f"{name}: {entry!r}")
        bank = str(entry.get("hashAlg")).replace("sm3-256", "sm3_256")
        need(bank in SIZES, f"{name}: hash {bank!r}")
        try:
            out[bank] = to_bytes(entry.get("digest"), bank)
        except ValueError as reason:
            raise BadReference(f"{name}: {reason}") from reason
    need(STRONG & set(out), f"{name}: a record without a good digest")
    return out


class Reference:
    """The reference state, checked; a key that is not known is an error"""

    KEYS = {"version", "firmware", "firmware_pcrs", "loaders", "ukis",
            "companions", "pcr9", "user", "words", "separator_pcrs", "reached",
            "abrupt_kexec", "failed_execute"}
    # Those that have rules of their own, and that of IMA
    NOT_FIRMWARE = {4, 9, 10, 11, 12, 13, 15}

    def __init__(self, state):
        need(isinstance(state, dict), "not a JSON object")
        need(state.get("version") == 1, "version is not 1")
        need(set(state) <= self.KEYS,
             f"unknown keys: {sorted(set(state) - self.KEYS)}")
        self.take_firmware(state)
        self.ukis = {n: self.uki(n, f) for n, f in
                     self.table(state, "ukis").items()}
        need(self.ukis, "ukis: none")
        self.loaders = self.flat(state, "loaders", {4})
        self.companions = self.flat(state, "companions", {4, 12, 13})
        self.pcr9 = self.flat(state, "pcr9", {9})
        self.judge_pcr9 = "pcr9" in state
        self.take_user(state)
        for key in ("abrupt_kexec", "failed_execute"):
            need(isinstance(state.get(key, False), bool), f"{key}: no boolean")
            setattr(self, key, state.get(key, False))

    @staticmethod
    def table(state, key):
        table = state.get(key, {})
        need(isinstance(table, dict), f"{key}: not an object")
        return table

    @staticmethod
    def pcrs(state, key, default):
        pcrs = state.get(key, list(default))
        need(isinstance(pcrs, list)
             and all(is_number(n) and n in PCRS for n in pcrs),
             f"{key}: no list of PCRs")
        return frozenset(pcrs)

    def flat(self, state, key, allowed):
        """[((name, PCR), digests)]"""
        out = []
        for name, file in self.table(state, key).items():
            for pcr, digests in pcrlock(f"{key} {name}", file):
                need(pcr in allowed, f"{key} {name}: a record of PCR {pcr}")
                out.append(((name, pcr), digests))
        return out

    @staticmethod
    def uki(name, file):
        """(PCR 4, [PCR 11]), what systemd-pcrlock lock-uki prints"""
        records = pcrlock(f"ukis {name}", file)
        need([pcr for pcr, _ in records] == [4] + [11] * (len(records) - 1)
             and len(records) > 1, f"ukis {name}: not as lock-uki prints it")
        return records[0][1], [digests for _, digests in records[1:]]

    def take_firmware(self, state):
        self.firmware_pcrs = self.pcrs(state, "firmware_pcrs",
                                       FIRMWARE_PCRS)
        wrong = sorted(self.firmware_pcrs & self.NOT_FIRMWARE)
        need(not wrong, f"firmware_pcrs: {wrong}")
        variants = state.get("firmware")
        need(isinstance(variants, list) and variants, "firmware: no list")
        try:
            self.firmware = [pcr_values(v) for v in variants]
        except BadLog as reason:
            raise BadReference(f"firmware: {reason}") from reason
        for values in self.firmware:
            need(any(self.firmware_pcrs <= set(values[b])
                     for b in STRONG & set(values)),
                 f"firmware: not all of PCRs {sorted(self.firmware_pcrs)}")

    def take_user(self, state):
        """Types of records, and their order between PCRs, are the sender's:
        "any" in a PCR that is judged would let each record of it pass, called
        one of user space, and moved across the marker"""
        self.words = state.get("words", list(WORDS))
        need(isinstance(self.words, list) and all(
            isinstance(w, str) for w in self.words), "words: no list of words")
        self.reached = state.get("reached")
        need(self.reached is None or self.reached in self.words,
             f"reached: {self.reached!r} is none of the words")
        self.separator_pcrs = self.pcrs(state, "separator_pcrs",
                                        SEPARATOR_PCRS)
        rules = state.get("user", [])
        need(isinstance(rules, list), "user: no list")
        self.user = [self.user_rule(rule) for rule in rules]
        judged = self.firmware_pcrs | {4, 11, 12, 13} \
            | ({9} if self.judge_pcr9 else set())
        for pcr, word, digests in self.user:
            need(word is not None or digests or pcr not in judged,
                 f"user: any in PCR {pcr}, of which each record counts")

    @staticmethod
    def user_rule(rule):
        """(PCR, word, digests), of which both may be None: anything goes"""
        need(isinstance(rule, dict) and is_number(rule.get("pcr"))
             and rule["pcr"] in PCRS and len(rule) == 2, f"user: {rule!r}")
        word = rule.get("word")
        if isinstance(word, str):
            return rule["pcr"], word.encode(), None
        if isinstance(rule.get("digests"), list):
            return rule["pcr"], None, pcrlock_digests("user", rule["digests"])
        need(rule.get("any") is True, f"user: {rule!r}")
        return rule["pcr"], None, None


# The log

class Record:
    """One event; tag and text are those of a well-formed EV_EVENT_TAG"""

    def __init__(self, number, event, banks):
        self.number = number
        self.pcr, self.kind = event.get("PCRIndex"), event.get("EventType")
        if not is_number(self.pcr) or not 0 <= self.pcr < 1 << 32 \
                or not isinstance(self.kind, str):
            raise BadLog(f"record {number}: not an event")
        self.event = event.get("Event")
        self.digests = self.take_digests(event.get("Digests"), banks)
        self.tag, self.text = self.take_tag()

    def take_digests(self, entries, banks):
        out = {}
        try:
            for entry in entries:
                bank = entry["AlgorithmId"]
                if bank in out:
                    raise BadLog(f"record {self.number}: {bank} twice")
                if bank in banks:
                    out[bank] = to_bytes(entry["Digest"], bank)
        except (TypeError, KeyError, AttributeError) as reason:
            raise BadLog(f"record {self.number}: no digests") from reason
        except ValueError as reason:
            raise BadLog(f"record {self.number}: {reason}") from reason
        if set(out) != set(banks):
            raise BadLog(f"record {self.number}: no digest of "
                         + ", ".join(sorted(set(banks) - set(out))))
        return out

    def data(self):
        """Event data, of the types that tpm2_eventlog leaves in hexadecimal"""
        try:
            return bytes.fromhex(self.event)
        except (TypeError, ValueError):
            return b""

    def take_tag(self):
        data = self.data() if self.kind == TAGGED else b""
        if len(data) < 8:
            return None, None
        tag, size = struct.unpack("<II", data[:8])
        return (tag, data[8:]) if size == len(data) - 8 else (None, None)

    def __str__(self):
        return f"record {self.number}, PCR {self.pcr}"


def log_banks(events):
    """The banks that the Spec ID event lists"""
    try:
        spec = events[0]["SpecID"][0]
        banks = [a["algorithmId"] for a in spec["Algorithms"]]
    except (TypeError, KeyError, IndexError, AttributeError) as reason:
        raise BadLog("the log has no Spec ID event") from reason
    if spec.get("Signature") != "Spec ID Event03" or not all(
            isinstance(b, str) for b in banks):
        raise BadLog("the log is in another format than TCG_PCR_EVENT2")
    return banks


def read_log(log, banks):
    """The records behind the Spec ID event, with the digests of these banks"""
    events = log.get("events") if isinstance(log, dict) else None
    if not isinstance(events, list):
        raise BadLog("the log has no events")
    missing = sorted(set(banks) - set(log_banks(events)))
    if missing:
        raise BadLog(f"the log does not explain bank {', '.join(missing)}")
    if not all(isinstance(event, dict) for event in events):
        raise BadLog("an event that is none")
    return [Record(n, event, banks)
            for n, event in enumerate(events[1:], start=1)]


def pcr_number(value):
    """A PCR out of YAML or JSON: a number, or text of decimal digits"""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,2}", value):
        return int(value)
    if is_number(value) and 0 <= value < 100:
        return value
    raise BadLog(f"no PCR: {brief(value)}")


def pcr_values(pcrs):
    """bank -> PCR -> bytes, out of what YAML or JSON have"""
    out = {}
    if not isinstance(pcrs, dict) or not pcrs:
        raise BadLog("no PCR values")
    for bank, values in pcrs.items():
        if bank not in SIZES or not isinstance(values, dict):
            raise BadLog(f"no PCR bank: {brief(bank)}")
        out[bank] = {}
        for n, value in values.items():
            number = pcr_number(n)
            if number in out[bank]:
                raise BadLog(f"{bank} PCR {number} twice")
            try:
                out[bank][number] = to_bytes(value, bank)
            except ValueError as reason:
                raise BadLog(f"PCRs of {bank}: {reason}") from reason
    return out


def startup_locality(records):
    """The last byte of PCR 0 before anything was extended"""
    found = [n for n, r in enumerate(records) if r.kind == NO_ACTION
             and isinstance(r.event, dict) and "StartupLocality" in r.event]
    if not found:
        return 0
    begun = any(r.pcr == 0 and r.kind != NO_ACTION for r in records[:found[0]])
    locality = records[found[0]].event["StartupLocality"]
    # Later it would undo in the replay what was extended before
    if len(found) > 1 or begun or not is_number(locality) \
            or locality not in (0, 3, 4):
        raise BadLog(f"record {found[-1] + 1}: StartupLocality "
                     f"{brief(locality)} has no place here")
    return locality


def replay(records, bank, locality):
    """PCR -> value.  EV_NO_ACTION extends nothing"""
    values = {n: bytes(SIZES[bank]) for n in PCRS}
    values[0] = bytes(SIZES[bank] - 1) + bytes([locality])
    for record in records:
        if record.kind != NO_ACTION and record.pcr in values:
            values[record.pcr] = digest(bank, values[record.pcr]
                                        + record.digests[bank])
    return values


def check_replay(records, pcrs, locality):
    """Rule 1: the log explains the quote"""
    for bank, quoted in sorted(pcrs.items()):
        values = replay(records, bank, locality)
        for n in PCRS:
            if n == IMA_PCR:
                continue
            if n not in quoted:
                yield f"PCR {n} of {bank} is not in the quote"
            elif quoted[n] != values[n]:
                yield f"PCR {n} of {bank} is not what the log replays to"


def check_notes(records):
    """Rule 1: nothing happened that the log says it cannot tell"""
    for record in records:
        data = record.data() if record.kind == NO_ACTION else b""
        if not data.startswith(NOTE):
            continue
        if len(data) < 24:
            yield f"{record}: a note that is cut off"
            continue
        kind, pcr = struct.unpack("<II", data[16:24])
        if kind != NO_BANK:     # read_log() refuses if such a bank is quoted
            yield (f"the log says that PCR {pcr} "
                   + NOTES.get(kind, f"has a note of kind {kind}"))


# Segments: what one kernel was started by, and what its user space extends

class Segment:
    def __init__(self, number, marker=None):
        self.number, self.marker = number, marker
        self.block, self.user, self.misplaced = [], [], []

    def take(self, record):
        if record.tag == EXTEND:
            self.user.append(record)
        elif self.user:
            self.misplaced.append(record)
        else:
            self.block.append(record)

    def of(self, pcr):
        return [r for r in self.block if r.pcr == pcr]

    def __str__(self):
        return f"kexec {self.number}" if self.number else "cold boot"


def split(records):
    segments = [Segment(0)]
    for record in records:
        if record.kind == NO_ACTION or record.pcr not in PCRS \
                or record.pcr == IMA_PCR:
            continue
        if record.tag == MARKER:
            segments.append(Segment(len(segments), record))
        else:
            segments[-1].take(record)
    return segments


class Judge:
    """Rules 2 to 4, each on one segment; the reasons are collected"""

    def __init__(self, reference, banks, locality):
        self.reference, self.banks = reference, banks
        self.locality = locality
        self.reasons = []
        self.where = None

    def refuse(self, what):
        self.reasons.append(f"{self.where}: {what}")

    def is_word(self, record, word):
        return equal(record.digests, digests_of(word, self.banks), self.banks)

    def run(self, segments):
        for segment in segments:
            self.where = segment
            last = segment is segments[-1]
            for record in segment.misplaced:
                self.refuse(f"{record}: {record.kind} behind records of user "
                            "space")
            if not segment.marker:
                self.cold_boot(segment)
            else:
                self.hop(segment, last)
            if not self.failed_execute(segment, last):
                self.user_space(segment, last)
        return self.reasons

    # Rule 2

    def cold_boot(self, segment):
        self.firmware(segment)
        for record in segment.block:
            if record.pcr in (8, 14, 15) \
                    and record.pcr not in self.reference.firmware_pcrs:
                self.refuse(f"{record}: {record.kind} is in no reference")
        name, addons = self.programs(segment.of(4))
        if name is None:
            self.refuse("no allowed UKI was started")
        else:
            self.uki_events(segment, name, addons)

    def firmware(self, segment):
        """One of the reference's variants holds in all PCRs and known banks"""
        values = {b: replay(segment.block, b, self.locality)
                  for b in self.banks}
        found = []
        for variant in self.reference.firmware:
            wrong = [n for n in sorted(self.reference.firmware_pcrs)
                     if not equal({b: values[b][n] for b in values},
                                  {b: v[n] for b, v in variant.items()
                                   if n in v}, self.banks)]
            if not wrong:
                return
            found.append(wrong)
        self.refuse("firmware is no reference's, PCRs "
                    + ", ".join(map(str, min(found, key=len))))

    def programs(self, records):
        """(name of the UKI, what comes behind it) in PCR 4 of a cold boot"""
        ukis = [(n, pcr4) for n, (pcr4, _) in self.reference.ukis.items()]
        for n, record in enumerate(records):
            name = record.kind == APPLICATION \
                and find(record, ukis, self.banks)
            if name:
                return name, records[n + 1:]
            known = find(record, self.reference.loaders, self.banks) or any(
                self.is_word(record, word) for word in FIRMWARE_WORDS)
            if not known:
                self.refuse(f"{record}: no allowed program, {show(record)}")
        return None, []

    # Rule 3

    def hop(self, segment, last):
        """The marker, and right behind it what a UKI's execute extends"""
        if not self.marker(segment):
            return
        for record in segment.block:
            if record.pcr not in (4, 9, 11, 12, 13):
                self.refuse(f"{record}: {record.kind}, no kexec extends it")
        programs = segment.of(4)
        failed = self.failed_execute(segment, last)
        if failed and not segment.block:
            return
        name = self.program(programs)
        if name:
            self.uki_events(segment, name, programs[1:], whole=not failed)

    def marker(self, segment):
        text = b"kexec:%d\0" % segment.number
        good = (segment.marker.pcr == 4 and segment.marker.text == text
                and self.is_word(segment.marker, text))
        if not good:
            self.refuse(f"{segment.marker}: the marker is not that of kexec "
                        f"{segment.number}: {segment.marker.text!r:.40}")
        return good

    def program(self, records):
        """The name of the UKI that was executed"""
        ukis = [(n, pcr4) for n, (pcr4, _) in self.reference.ukis.items()]
        if not records:
            self.refuse("the log does not say what was executed")
        elif records[0].tag == NO_PE:
            self.refuse(f"a plain kernel was executed, {show(records[0])}")
        elif records[0].tag == KEXEC_LOAD:
            self.refuse("kexec_load() was used, nobody knows for what")
        elif records[0].kind != APPLICATION:
            self.refuse(f"{records[0]}: {records[0].kind} behind the marker")
        else:
            name = find(records[0], ukis, self.banks)
            if not name:
                self.refuse("what was executed is no allowed UKI, "
                            + show(records[0]))
            return name
        return None

    def failed_execute(self, segment, last):
        """Nothing of user space between two markers: perhaps it never ran.
        What was extended is then the beginning of what an allowed UKI would"""
        return (self.reference.failed_execute and segment.marker and not last
                and not segment.user)

    # Rules 2 and 3

    def uki_events(self, segment, name, addons, whole=True):
        self.sections(segment.of(11), name, whole)
        used = []
        for record in addons + segment.of(12) + segment.of(13):
            self.companion(record, used)
        self.efi_stub(segment.of(9))

    def sections(self, records, name, whole):
        """PCR 11: the UKI's sections, no more and no less"""
        wanted = self.reference.ukis[name][1]
        if not records and whole:
            self.refuse(f"{name}: none of its sections was measured")
            return
        for record, digests in zip(records, wanted):
            if record.kind != IPL or not equal(record.digests, digests,
                                               self.banks):
                self.refuse(f"{record}: not the section of {name}, "
                            + show(record))
                return
        if len(records) > len(wanted) or whole and len(records) < len(wanted):
            self.refuse(f"{name}: {len(records)} events of its sections, "
                        f"{len(wanted)} wanted")

    def efi_stub(self, records):
        """PCR 9: command line and initrd, as the kernel has got them"""
        tags = [r.tag for r in records]
        if tags != sorted(set(tags) & {LOAD_OPTIONS, INITRD}, reverse=True):
            self.refuse("PCR 9: not what the EFI stub of Linux measures")
            return
        for record in records if self.reference.judge_pcr9 else ():
            if not find(record, self.reference.pcr9, self.banks):
                self.refuse(f"{record}: a command line or an initrd that is "
                            f"not listed, {show(record)}")

    def companion(self, record, used):
        """PCRs 12 and 13, and 4 behind the UKI: what the reference lists"""
        listed = [(n, d) for n, d in self.reference.companions
                  if n[1] == record.pcr and (n, d) not in used]
        if record.tag == PASSED_INITRD:
            self.refuse(f"{record}: an initrd was passed along, "
                        + show(record))
        elif record.tag == PROFILE:
            self.refuse(f"{record}: another profile was chosen")
        elif record.kind not in (IPL, TAGGED, APPLICATION):
            self.refuse(f"{record}: {record.kind} is in no reference")
        else:
            for entry in listed:
                if equal(record.digests, entry[1], self.banks):
                    used.append(entry)
                    return
            what = {4: "an addon", 12: "a command line, an addon, credentials "
                    "or an extension", 13: "a system extension"}[record.pcr]
            self.refuse(f"{record}: {what} that is not listed, {show(record)}")

    # Rule 4

    def user_space(self, segment, last):
        said, separated = 0, set()
        for record in segment.user:
            if record.text != b"user":
                self.refuse(f"{record}: extended by {record.text!r:.20}")
            elif record.pcr == 11:
                said += self.phase(record, said)
            elif record.pcr in self.reference.separator_pcrs:
                self.separator(record, separated)
            elif not self.listed(record):
                self.refuse(f"{record}: user space has extended what is not "
                            f"listed, {show(record)}")
        self.ended(said, separated, last)

    def phase(self, record, said):
        words = self.reference.words
        if said < len(words) and self.is_word(record, words[said].encode()):
            return 1
        if self.listed(record):
            return 0
        for word in words:
            if self.is_word(record, word.encode()):
                self.refuse(f"{record}: {word} in the wrong place")
                return 0
        self.refuse(f"{record}: no phase of systemd, {show(record)}")
        return 0

    def separator(self, record, separated):
        if self.is_word(record, SEPARATOR):
            if record.pcr in separated:
                self.refuse(f"{record}: os-separator twice")
            separated.add(record.pcr)
        elif record.pcr not in separated:
            self.refuse(f"{record}: user space before os-separator, "
                        + show(record))
        elif not self.listed(record):
            self.refuse(f"{record}: user space has extended what is not "
                        f"listed, {show(record)}")

    def listed(self, record):
        for pcr, word, digests in self.reference.user:
            if pcr == record.pcr and (
                    word is not None and self.is_word(record, word)
                    or digests and equal(record.digests, digests, self.banks)
                    or word is None and digests is None):
                return True
        return False

    def ended(self, said, separated, last):
        """Which phases there were, and with them the separators"""
        words = self.reference.words
        if not last and said < len(words) and not self.reference.abrupt_kexec:
            self.refuse("kexec without "
                        f"{words[said]}: no shutdown, or a failed execute")
        if last and self.reference.reached \
                and said <= words.index(self.reference.reached):
            self.refuse(f"has not come to {self.reference.reached}")
        missing = sorted(self.reference.separator_pcrs - separated)
        # Separators and the first word have no order between them
        if said > 1 and missing:
            self.refuse("no os-separator in PCR "
                        + ", ".join(map(str, missing)))


def show(record):
    bank = next(b for b in ("sha256", "sha384", "sha512", "sm3_256", "sha1")
                if b in record.digests)
    return f"{bank} {record.digests[bank].hex()}"


def verify(log, refstate, pcrs):
    """Why the machine is refused, in sentences; empty if it is accepted.

    log: the YAML of tpm2_eventlog --eventlog-version=2, loaded.
    refstate: the reference, loaded JSON; BadReference if it is none.
    pcrs: bank -> PCR -> value, of a quote with a good signature and nonce.
    What checks it must look at whether it is a quote and of which PCRs, as
    tpm2_checkquote does from 5.7 on (CVE-2024-29038, CVE-2024-29039).
    """
    reference = refstate if isinstance(refstate, Reference) \
        else Reference(refstate)
    try:
        pcrs = pcr_values(pcrs)
        if not STRONG & set(pcrs):
            raise BadLog("a quote of SHA-1 alone proves nothing")
        records = read_log(log, sorted(pcrs))
        locality = startup_locality(records)
    except BadLog as reason:
        return [str(reason)]
    reasons = [*check_notes(records), *check_replay(records, pcrs, locality)]
    if reasons:                 # the digests are worth nothing
        return reasons
    return Judge(reference, sorted(pcrs), locality).run(split(records))


def firmware_reference(log, pcrs=FIRMWARE_PCRS):
    """What a log's firmware has made of these PCRs, for "firmware" """
    events = log.get("events") if isinstance(log, dict) else None
    banks = [b for b in log_banks(events) if b in STRONG]
    if not banks:
        raise BadLog("the log has no bank but SHA-1")
    records = read_log(log, banks)
    first, locality = split(records)[0].block, startup_locality(records)
    values = {b: replay(first, b, locality) for b in banks}
    return {b: {str(n): values[b][n].hex() for n in pcrs} for b in banks}


# keylime

def keylime_policy(policies, tests):
    """A policy for keylime's registry.

    Put the directory of this file into the PYTHONPATH of the verifier and name
    it in verifier.conf: measured_boot_imports = ["kexec_chain"] and
    measured_boot_policy_name = kexec-chain, and measured_boot_evaluate =
    always.  With "once" keylime gives a policy the log of the first quote, and
    never that of a kexec after it.  The agent has to send
    binary_measurements_live in the place of binary_bios_measurements.

    keylime compares the "pcrs" of tpm2_eventlog with the quote, in one bank,
    and gives a policy the log only.  So the log is held against these "pcrs"
    here; one that is missing was never extended.  Which bank was compared is
    not told, and of the others the "pcrs" are the machine's own word: so each
    good one is judged as if it were alone, and accept_tpm_hash_algs must not
    have sha1.

    This was not run in keylime: its classes were read in its public sources.
    """
    class Chain(tests.Test):
        def __init__(self, refstate):
            super().__init__()
            self.reference = Reference(refstate)

        def why_not(self, globs, subject):
            pcrs = subject.get("pcrs") if isinstance(subject, dict) else None
            try:
                pcrs = pcr_values(pcrs)
            except BadLog as reason:
                return str(reason)
            banks = sorted(STRONG & set(pcrs))
            reasons = [] if banks else ["PCRs of SHA-1 alone prove nothing"]
            for bank in banks:
                values = {n: bytes(SIZES[bank]) for n in PCRS} | pcrs[bank]
                reasons += verify(subject, self.reference, {bank: values})
            return "; ".join(reasons)

    class Policy(policies.Policy):
        def get_relevant_pcrs(self):
            return frozenset(PCRS) - {IMA_PCR}

        def requires_evaluation_every_quote(self):
            return True

        def refstate_to_test(self, refstate):
            return Chain(refstate)

    return Policy()


try:
    from keylime.mba.elchecking import policies as _policies, tests as _tests
except ImportError:
    pass
else:
    _policies.register("kexec-chain", keylime_policy(_policies, _tests))
