# SPDX-License-Identifier: GPL-2.0
"""Cases of tools/kexec-uki/verifier on logs that tpm2_eventlog has parsed.

chain/kexec.log is that of a real kexec, its references are what
systemd-pcrlock made of the two UKIs.  The chains are its cold boot, with two
kexecs and what systemd extends behind it; hashlib computes their PCRs.  Each
refusal is such a chain with one thing changed, and that must be all that is
complained about.
"""

import collections
import importlib.util
import json
import struct
import subprocess
import sys
import types

import yaml

import logs
from place import HERE, check, equal

DIR = HERE.parents[1] / "tools/kexec-uki/verifier"
DATA = HERE / "chain"
ACTION = 0x80000007
SEPARATOR_PCRS = (0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14)
MACHINE = "machine-id:0123456789abcdef0123456789abcdef"
DOWN = ("shutdown", "final")

# digests: bank -> bytes
Event = collections.namedtuple("Event", "pcr kind digests data")


# What cannot be printed: a number is an error, a list is too deep
HUGE = 16 ** 9999


def deep():
    out = []
    for _ in range(99999):
        out = [out]
    return out


def module(name="kexec_chain"):
    spec = importlib.util.spec_from_file_location(name, DIR / "kexec_chain.py")
    out = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(out)
    return out


kexec_chain = module()


# What there is

def parse(data):
    """(Spec ID event, [Event])"""
    size = struct.unpack_from("<I", data, 28)[0]
    pos, out = 32 + size, []
    names = {v: k for k, v in logs.IDS.items()}
    while pos < len(data):
        pcr, kind, count = struct.unpack_from("<III", data, pos)
        pos, digests = pos + 12, {}
        for _ in range(count):
            bank = names[struct.unpack_from("<H", data, pos)[0]]
            digests[bank] = data[pos + 2:pos + 2 + logs.SIZES[bank]]
            pos += 2 + logs.SIZES[bank]
        more = struct.unpack_from("<I", data, pos)[0]
        out.append(Event(pcr, kind, digests, data[pos + 4:pos + 4 + more]))
        pos += 4 + more
    return data[:32 + size], out


HEAD, REAL = parse((DATA / "kexec.log").read_bytes())
REAL_MARKER = next(n for n, e in enumerate(REAL) if e.pcr == 4
                   and e.kind == logs.TAGGED)
UKIS = {n: json.loads((DATA / f"{n}.pcrlock").read_text())
        for n in ("first", "next")}


def event(pcr, kind, hashed, data, banks=logs.BANKS):
    return Event(pcr, kind, {b: logs.digest(b, hashed) for b in banks}, data)


def user(pcr, word, who=b"user"):
    return event(pcr, logs.TAGGED, word.encode(),
                 logs.tagged(logs.EXTEND, who))


def ipl(pcr, word):
    return event(pcr, logs.IPL, logs.utf16(word), logs.utf16(word))


def tag(pcr, number, word):
    return event(pcr, logs.TAGGED, b"content", logs.tagged(number, word))


def marker(n):
    text = b"kexec:%d\0" % n
    return event(4, logs.TAGGED, text, logs.tagged(logs.MARKER, text))


def program(word):
    return event(4, logs.APPLICATION, word, struct.pack("<QQQQ", 0, 9, 0, 0))


def note(kind, pcr, more=b""):
    zeros = {b: bytes(logs.SIZES[b]) for b in logs.BANKS}
    return Event(16, logs.NO_ACTION, zeros, b"Linux TPM note\0\0"
                 + struct.pack("<II", kind, pcr) + more)


def boot(words=("leave-initrd", "sysinit", "ready")):
    """A systemd comes up; no order between enter-initrd and the separators"""
    out = [user(n, "os-separator") for n in SEPARATOR_PCRS]
    out.insert(5, user(11, "enter-initrd"))
    out += [user(9, "nvpcr-init:hardware:0x1d10200:sha256:00")]
    for word in words:
        out += [user(15, MACHINE)] if word == "sysinit" else []
        out.append(user(11, word))
    return out


def hop(n, name):
    out = [marker(n)]
    for record in UKIS[name]["records"]:
        digests = {d["hashAlg"]: bytes.fromhex(d["digest"])
                   for d in record["digests"]}
        kind, data = (logs.IPL, logs.utf16(".name")) if record["pcr"] == 11 \
            else (logs.APPLICATION, struct.pack("<QQQQ", 0, 9, 0, 0))
        out.append(Event(record["pcr"], kind, digests, data))
    return out + [tag(9, 0x8f3b22ed, b"LOADED_IMAGE::LoadOptions\0"),
                  tag(9, 0x8f3b22ec, b"Linux initrd\0")]


def down():
    return [user(11, word) for word in DOWN]


def chain():
    """Cold boot of first, kexecs of next and of first by systemctl"""
    return (REAL[:REAL_MARKER] + boot() + down() + hop(1, "next") + boot()
            + down() + hop(2, "first") + boot())


def build(events):
    log = logs.Log()
    log.head = HEAD
    for e in events:
        log.raw(e.pcr, e.kind, list(e.digests.items()), e.data)
        if e.kind != logs.NO_ACTION and e.pcr < 16:
            log.extend(e.pcr, e.digests.items())
        if e.data.startswith(b"StartupLocality\0"):
            for b in log.banks:
                log.pcrs[b][0] = bytes(logs.SIZES[b] - 1) + e.data[16:]
    return log


def eventlog(p, data):
    """The YAML of the real tool"""
    r = subprocess.run(["tpm2_eventlog", "--eventlog-version=2",
                        p.put("log", data)], capture_output=True, check=True)
    return r.stdout.decode(errors="replace")


def firmware(banks=("sha256", "sha384")):
    """PCRs of the cold boot, by hashlib"""
    pcrs = build(REAL[:REAL_MARKER]).pcrs
    return {b: {str(n): pcrs[b][n].hex() for n in (0, 1, 2, 3, 7)}
            for b in banks}


def reference(**more):
    return {"version": 1, "firmware": [firmware()], "ukis": UKIS,
            "reached": "ready",
            "user": [{"pcr": 15, "word": MACHINE}, {"pcr": 9, "any": True}],
            **more}


def judge(p, events, state=None, pcrs=None, banks=("sha1", "sha256")):
    log = build(events)
    parsed = yaml.load(eventlog(p, log.bytes()), yaml.CSafeLoader)
    if pcrs is None:
        pcrs = {b: log.pcrs[b] for b in banks}
    return kexec_chain.verify(parsed, state or reference(), pcrs)


def accepted(p, events, **more):
    equal(judge(p, events, reference(**more)), [], "reasons")


def refused(p, events, why, **more):
    reasons = judge(p, events, reference(**more))
    check(len(reasons) == 1 and why in reasons[0],
          f"reasons: got {reasons}, want {why!r} alone")


# Changes

def where(events, what, nth=0):
    """Index of the event with these PCR and digests, the nth such"""
    return [n for n, e in enumerate(events)
            if (e.pcr, e.digests) == (what.pcr, what.digests)][nth]


def put(events, what, at, nth=0, after=1):
    at = where(events, at, nth) + after
    return events[:at] + ([what] if isinstance(what, Event) else what) \
        + events[at:]


def drop(events, at, nth=0, more=0, count=1):
    at = where(events, at, nth) + more
    return events[:at] + events[at + count:]


def swap(events, at, nth=0, more=0, to=None):
    """Another event in its place, or the one behind it before it"""
    n = where(events, at, nth) + more
    if to is None:
        return events[:n] + [events[n + 1], events[n]] + events[n + 2:]
    return events[:n] + [to] + events[n + 1:]


# Accepted

def command(p, *args):
    r = subprocess.run(["/usr/bin/python3", "-B", DIR / "kexec-chain-verify.py",
                        *args], capture_output=True, text=True, check=False)
    check("Traceback" not in r.stderr, r.stderr)
    return r.returncode, r.stdout.splitlines(), r.stderr


def files(p, log, pcrs, state):
    return (p.put("log.yaml", eventlog(p, log)),
            "--reference", p.put("state", json.dumps(state)),
            "--pcrs", p.put("pcrs", pcrs))


def test_verifier_real(p):
    """The log and the PCRs of a real kexec, files of systemd-pcrlock"""
    log, pcrs = DATA / "kexec.log", (DATA / "kexec.pcrs").read_text()
    state = reference(abrupt_kexec=True, reached=None, ukis={
        n: str(DATA / f"{n}.pcrlock") for n in UKIS})
    equal(command(p, *files(p, log.read_bytes(), pcrs, state)),
          (0, ["accepted"], ""), "answer")
    state["ukis"].pop("next")
    status, lines, _ = command(p, *files(p, log.read_bytes(), pcrs, state))
    equal((status, len(lines)), (1, 1), "status and reasons")
    check("kexec 1: what was executed is no allowed UKI, sha256" in lines[0],
          lines)


def test_verifier_chain(p):
    """Two kexecs by systemctl, as a whole and before and after each part"""
    events = chain()
    accepted(p, events)
    equal(judge(p, events, banks=logs.BANKS), [], "all banks")
    equal(judge(p, events, banks=("sha384",)), [], "one bank")
    end = where(events, marker(2))
    for n in (REAL_MARKER, *range(end + 15, len(events))):
        accepted(p, events[:n], reached=None, abrupt_kexec=True)
    accepted(p, REAL[:REAL_MARKER] + boot())


def test_verifier_locality(p):
    """StartupLocality, which tpm2_eventlog 5.4 gets wrong; at the start"""
    zeros = {b: bytes(logs.SIZES[b]) for b in logs.BANKS}
    start = [Event(0, logs.NO_ACTION, zeros, b"StartupLocality\0\3")]
    pcrs = build(start + REAL[:REAL_MARKER]).pcrs["sha256"]
    state = {"sha256": {str(n): pcrs[n].hex() for n in (0, 1, 2, 3, 7)}}
    accepted(p, start + chain(), firmware=[state])
    refused(p, start + chain(), "firmware is no reference's, PCRs 0")
    for at in (1, len(chain())):
        refused(p, chain()[:at] + start + chain()[at:], "StartupLocality 3 has"
                " no place", firmware=[state])
    refused(p, start * 2 + chain(), "has no place", firmware=[state])
    log = yaml.load(eventlog(p, build(start + chain()).bytes()),
                    yaml.CSafeLoader)
    pcrs = {"sha256": build(start + chain()).pcrs["sha256"]}
    for value in (3.0, True, "3", None, [3], HUGE, deep()):
        log["events"][1]["Event"]["StartupLocality"] = value
        reasons = kexec_chain.verify(log, reference(firmware=[state]), pcrs)
        check(len(reasons) == 1 and "has no place" in reasons[0], reasons)


def test_verifier_companions(p):
    """Addons, credentials and extensions are accepted if they are listed"""
    events, files = chain(), {}
    for name, e in (("addon", program(b"addon")), ("line", ipl(12, "debug")),
                    ("extension", ipl(13, "System extension initrd"))):
        files[name] = {"records": [{"pcr": e.pcr, "digests": [
            {"hashAlg": b, "digest": d.hex()} for b, d in e.digests.items()]}]}
        at = where(events, marker(1)) + (2 if e.pcr == 4 else 14)
        changed = events[:at] + [e] + events[at:]
        accepted(p, changed, companions=files)
        what = {4: "an addon", 12: "a command line, an addon", 13: "a system"}
        refused(p, changed, f"kexec 1: record {at + 1}, PCR {e.pcr}: "
                + what[e.pcr])
        elsewhere = e._replace(pcr=12 if e.pcr == 13 else 13)
        refused(p, events[:at] + [elsewhere] + events[at:],
                "that is not listed", companions=files)
        again = changed[:at] + [e] + changed[at:]
        refused(p, again, "that is not listed", companions=files)


def test_verifier_loader(p):
    """A boot loader before the UKI"""
    loader = program(b"systemd-boot")
    at = next(n for n, e in enumerate(REAL) if e.kind == logs.APPLICATION)
    events = chain()[:at] + [loader] + chain()[at:]
    refused(p, events, "cold boot: record %d, PCR 4: no allowed program"
            % (at + 1))
    accepted(p, events, loaders={"boot": {"records": [{"pcr": 4, "digests": [
        {"hashAlg": "sha256", "digest": loader.digests["sha256"].hex()}]}]}})


# Refused, rule 1: the log explains the quote

def test_verifier_replay(p):
    """Each PCR but IMA's, in each bank that was quoted"""
    pcrs = build(chain()).pcrs
    for bank in ("sha1", "sha256"):
        for n in range(16):
            wrong = {b: dict(pcrs[b]) for b in ("sha1", "sha256")}
            value = wrong[bank][n]
            wrong[bank][n] = bytes([value[0] ^ 1]) + value[1:]
            equal(judge(p, chain(), pcrs=wrong), [] if n == 10 else
                  [f"PCR {n} of {bank} is not what the log replays to"], n)
    for n in range(16):
        less = {"sha256": {k: v for k, v in pcrs["sha256"].items() if k != n}}
        equal(judge(p, chain(), pcrs=less), [] if n == 10 else
              [f"PCR {n} of sha256 is not in the quote"], n)
    equal(judge(p, chain(), pcrs={"sha1": pcrs["sha1"]}),
          ["a quote of SHA-1 alone proves nothing"], "SHA-1")
    sm3 = {"sm3_256": {n: bytes(32) for n in range(16)}}
    equal(judge(p, chain(), pcrs={**pcrs, **sm3}),
          ["the log does not explain bank sm3_256"], "a bank")
    equal(judge(p, chain(), pcrs={}), ["no PCR values"], "no PCRs")


def test_verifier_pcr_numbers(p):
    """PCRs are numbers or digits, each once; nothing else stands for one"""
    pcrs = build(chain()).pcrs["sha256"]
    text = {str(n): v.hex() for n, v in pcrs.items()}
    equal(judge(p, chain(), pcrs={"sha256": text}), [], "text")
    for bad in (True, False, 7.0, 7.5, None, "x", "", " 7", "7 ", "-7", "+7",
                "0x7", "1_0", "\u0667", -1, HUGE, (7,), b"7"):
        more = dict(text)
        more.pop("7")
        equal(judge(p, chain(), pcrs={"sha256": {bad: text["7"], **more}})
              [0][:8], "no PCR: ", f"{type(bad)}")
    for twice in (7, "07"):
        equal(judge(p, chain(), pcrs={"sha256": {**text, twice: text["7"]}}),
              ["sha256 PCR 7 twice"], f"{twice!r}")
    for value in (HUGE, deep(), None, 1.5, {}):
        reasons = judge(p, chain(), pcrs={"sha256": {**text, "7": value}})
        check(reasons[0].startswith("PCRs of sha256: no sha256"), reasons)
    for bank in (HUGE, ("sha256",), None, True):
        reasons = judge(p, chain(), pcrs={bank: text})
        check(reasons[0].startswith("no PCR bank: "), reasons)


def test_verifier_notes(p):
    """Notes that leave something unknown; a bank that is not quoted may be"""
    for kind, why in ((logs.FULL, "the log says that PCR 14 was extended too"),
                      (logs.UNKNOWN, "PCR 14 was changed by something"),
                      (logs.PARTIAL, "PCR 14 was extended in some"),
                      (9, "PCR 14 has a note of kind 9")):
        refused(p, chain() + [note(kind, 14)], why)
    accepted(p, chain() + [note(logs.NO_BANK, 0, struct.pack("<IH", 1, 0x12))])
    short = note(logs.FULL, 14)
    refused(p, chain() + [short._replace(data=short.data[:20])], "cut off")


# Rule 2: firmware

def test_verifier_firmware(p):
    """Firmware's PCRs, and what else there is before user space"""
    for n in (0, 1, 2, 3, 7):
        more = event(n, ACTION, b"more", b"more")
        refused(p, [more] + chain(), f"firmware is no reference's, PCRs {n}")
        accepted(p, [more] + chain(), firmware_pcrs=[
            k for k in (0, 1, 2, 3, 7) if k != n])
    for n in (5, 6):
        more = event(n, ACTION, b"more", b"more")
        accepted(p, [more] + chain())
    for n in (8, 14, 15):
        refused(p, [ipl(n, "x")] + chain(), f"PCR {n}: EV_IPL is in no")
    refused(p, [ipl(9, "grub.cfg")] + chain(), "PCR 9: not what the EFI stub")
    refused(p, [ipl(12, "option")] + chain(), "PCR 12: a command line")
    refused(p, [ipl(11, "x")] + chain(), "PCR 11: not the section of first")
    refused(p, [program(b"shell")] + chain(), "PCR 4: no allowed program")


def test_verifier_cold_uki(p):
    """The cold boot was not that of an allowed UKI, or of less than a UKI"""
    e = chain()
    app = next(n for n, x in enumerate(e) if x.kind == logs.APPLICATION)
    reasons = judge(p, e[:app] + [program(b"other")] + e[app + 1:])
    check(len(reasons) == 2 and "no allowed program" in reasons[0]
          and "no allowed UKI was started" in reasons[1], reasons)
    tagged = e[app]._replace(kind=logs.TAGGED, data=b"")
    reasons = judge(p, e[:app] + [tagged] + e[app + 1:])
    check(reasons and "no allowed program" in reasons[0], reasons)
    eleven = [n for n, x in enumerate(e[:REAL_MARKER]) if x.pcr == 11]
    refused(p, e[:eleven[-1]] + e[eleven[-1] + 1:], "first: 11 events of its")
    refused(p, e[:eleven[0]] + e[eleven[-1] + 1:], "none of its sections")


# Rule 3: kexecs

def test_verifier_markers(p):
    """1, 2 without a gap, a repetition or an end"""
    e = chain()
    for n in (1, 3, 22):
        refused(p, swap(e, marker(2), to=marker(n)), "kexec 2: record")
    refused(p, swap(e, marker(1), to=marker(2)), "kexec 1: record")
    lie = marker(2)._replace(digests=marker(3).digests)
    refused(p, swap(e, marker(2), to=lie), "the marker is not that of kexec 2")
    lie = marker(2)._replace(data=marker(3).data)
    refused(p, swap(e, marker(2), to=lie), "the marker is not that of kexec 2")
    lie = marker(2)._replace(pcr=5)
    refused(p, swap(e, marker(2), to=lie), "the marker is not that of kexec 2")
    bare = marker(2)._replace(data=b"")
    reasons = judge(p, swap(e, marker(2), to=bare))
    check(reasons and "EV_EVENT_TAG behind records of user" in reasons[0],
          reasons)


def test_verifier_hidden_hop(p):
    """A hop that is declared to be user space's own extends"""
    out = [user(x.pcr, "")._replace(digests=x.digests)
           for x in hop(2, "first")]
    e = chain()
    n = where(e, marker(2))
    reasons = judge(p, e[:n] + out + e[n + 15:])
    check(any("PCR 4: user space has extended what is not listed" in r
              for r in reasons), reasons)


def test_verifier_programs(p):
    """What was executed: another PE file, no PE file, nothing"""
    e = chain()
    refused(p, swap(e, marker(2), more=1, to=program(b"other")),
            "kexec 2: what was executed is no allowed UKI, sha256 "
            + logs.digest("sha256", b"other").hex())
    refused(p, swap(e, marker(1), more=1, to=tag(4, 0x6b780004, b"kernel\0")),
            "kexec 1: a plain kernel was executed")
    refused(p, swap(e, marker(1), more=1,
                    to=tag(4, 0x6b780005, b"kexec_load\0")),
            "kexec 1: kexec_load() was used")
    refused(p, swap(e, marker(1), more=1, to=ipl(4, "x")),
            "PCR 4: EV_IPL behind the marker")
    refused(p, drop(e, marker(1), more=1), "does not say what was executed")
    n = where(e, marker(1))
    one = {"sha1": e[n + 1].digests["sha1"]}
    lie = program(b"other")
    lie = lie._replace(digests={**lie.digests, **one})
    refused(p, swap(e, marker(1), more=1, to=lie), "no allowed UKI")


def test_verifier_sections(p):
    """PCR 11: one more, one less, another, another order, none, another's"""
    e = chain()
    refused(p, put(e, ipl(11, "x"), marker(1), after=14), "13 events of its")
    refused(p, drop(e, marker(1), more=13), "next: 11 events of its sections")
    refused(p, drop(e, marker(1), more=2), "not the section of next")
    refused(p, swap(e, marker(1), more=5, to=ipl(11, "x")),
            "not the section of next")
    refused(p, swap(e, marker(1), more=2), "not the section of next")
    refused(p, drop(e, marker(1), more=2, count=12),
            "next: none of its sections was measured")
    n = where(e, marker(1))
    refused(p, e[:n + 2] + hop(1, "first")[2:14] + e[n + 14:],
            "not the section of next")
    wrong = e[n + 3]._replace(kind=logs.TAGGED)
    refused(p, swap(e, marker(1), more=3, to=wrong), "not the section of next")


def test_verifier_banks(p):
    """A reference that shares no good bank with the quote proves nothing"""
    for keep in (("sha512",), ("sha1", "sha512")):
        ukis = {name: {"records": [
            {"pcr": r["pcr"], "digests": [d for d in r["digests"]
                                          if d["hashAlg"] in keep]}
            for r in file["records"]]} for name, file in UKIS.items()}
        reasons = judge(p, chain(), reference(ukis=ukis))
        check(any("kexec 2: what was executed is no allowed UKI" in r
                  for r in reasons), reasons)
        equal(judge(p, chain(), reference(ukis=ukis), banks=logs.BANKS), [],
              "reasons")


def test_verifier_passed(p):
    """Command line, initrd, profile; other PCRs than a kexec's"""
    for what, why in (
            (ipl(12, "single"), "PCR 12: a command line, an addon"),
            (tag(12, logs.PASSED_INITRD, b"initrd\0"),
             "PCR 12: an initrd was passed along"),
            (tag(12, 0x13aed6db, logs.utf16("1")), "another profile"),
            (event(12, ACTION, b"x", b"x"), "EV_EFI_ACTION is in no"),
            (ipl(9, "x"), "PCR 9: not what the EFI stub"),
            (ipl(14, "x"), "PCR 14: EV_IPL, no kexec extends it"),
            (event(0, ACTION, b"x", b"x"), "EV_EFI_ACTION, no kexec"),
            (program(b"addon"), "an addon that is not listed")):
        refused(p, put(chain(), what, marker(2), after=14), why)


def test_verifier_pcr9(p):
    """Command line and initrd as the kernel got them, if they are listed"""
    nine = [e for e in chain() if e.pcr == 9 and e.data[:1] in b"\xec\xed"]
    equal(len(nine), 6, "records")
    words = [{"pcr": 15, "word": MACHINE},
             {"pcr": 9, "word": "nvpcr-init:hardware:0x1d10200:sha256:00"}]
    files = {str(n): {"records": [{"pcr": 9, "digests": [
        {"hashAlg": "sha256", "digest": e.digests["sha256"].hex()}]}]}
             for n, e in enumerate(nine)}
    accepted(p, chain(), pcr9=files, user=words)
    first = files.pop("0")
    refused(p, chain(), "cold boot: record 39, PCR 9: a command", pcr9=files,
            user=words)
    equal(len(judge(p, chain(), reference(pcr9={"0": first}, user=words))), 5,
          "reasons")
    refused(p, swap(chain(), marker(1), more=14), "PCR 9: not what the EFI")


def test_verifier_misplaced(p):
    """EV_IPL and EV_EFI_* behind user space's records"""
    for what in (ipl(11, "x"), program(b"x"), event(7, ACTION, b"x", b"x")):
        for at in ("sysinit", "ready"):
            for nth in range(3):
                refused(p, put(chain(), what, user(11, at), nth),
                        "behind records of user space")


def test_verifier_failed_execute(p):
    """Refused; with failed_execute the beginning of a hop before the next"""
    e = chain()
    n = where(e, marker(2))
    for size in (1, 2, 9, 14, 16):
        failed = e[:n] + hop(2, "first")[:size] + hop(3, "first") + boot()
        check(judge(p, failed), "accepted")
        accepted(p, failed, failed_execute=True)
        if size > 1:
            failed[n + 1] = program(b"other")
            refused(p, failed, "what was executed is no", failed_execute=True)
    whole = e[:n] + hop(2, "first") + hop(3, "first") + boot()
    refused(p, whole, "kexec 2: kexec without enter-initrd")
    accepted(p, whole, abrupt_kexec=True)
    late = e[:n] + hop(2, "first")[:5] + [user(11, "final")] \
        + hop(3, "first") + boot()
    check(judge(p, late, reference(failed_execute=True)), "accepted")
    refused(p, e[:n] + hop(2, "first")[:5], "first: 3 events of its",
            failed_execute=True, reached=None)


# Rule 4: user space

def test_verifier_words(p):
    """Phases: order, none left out, none twice, none unknown"""
    e = chain()
    for word in ("enter-initrd", "leave-initrd", "sysinit", "ready"):
        for nth in range(3):
            refused(p, put(e, user(11, word), user(11, word), nth),
                    f"{word} in the wrong place")
            reasons = judge(p, drop(e, user(11, word), nth))
            check(reasons, f"without {word}: accepted")
    for nth in range(3):
        swapped = swap(e, user(11, "leave-initrd"), nth,
                       to=user(11, "something"))
        check("no phase of systemd" in judge(p, swapped)[0], "something")
    refused(p, drop(e, user(11, "final")), "cold boot: kexec without final")
    refused(p, drop(e, user(11, "shutdown"), 1, count=2),
            "kexec 1: kexec without shutdown")
    accepted(p, drop(e, user(11, "shutdown"), 1, count=2), abrupt_kexec=True)
    refused(p, e[:-1], "kexec 2: has not come to ready")
    accepted(p, e[:-1], reached="sysinit")
    accepted(p, e + down())


def test_verifier_separators(p):
    """os-separator: once in each of its PCRs, and first there"""
    for n in SEPARATOR_PCRS:
        word = user(n, "os-separator")
        for nth in range(3):
            refused(p, put(chain(), word, word, nth, 5), "os-separator twice")
        if n == 9:
            continue            # has another record, which would come first
        refused(p, drop(chain(), word, 1), f"no os-separator in PCR {n}")
    first = user(9, "nvpcr-init:hardware:0x1d10200:sha256:00")
    n = where(chain(), user(9, "os-separator"))
    e = chain()
    e.insert(n, first)
    refused(p, e, "PCR 9: user space before os-separator")


def test_verifier_user(p):
    """Other extends of user space: those that are listed"""
    for n in (*SEPARATOR_PCRS[:8], 8, 12, 13, 14, 15):
        extra = user(n, "extra")
        at = user(11, "ready")
        refused(p, put(chain(), extra, at),
                f"PCR {n}: user space has extended")
        rules = reference()["user"] + [{"pcr": n, "word": "extra"}]
        accepted(p, put(chain(), extra, at), user=rules)
        rules[-1] = {"pcr": n, "digests": [
            {"hashAlg": "sha256", "digest": extra.digests["sha256"].hex()}]}
        accepted(p, put(chain(), extra, at), user=rules)
        refused(p, put(chain(), user(n, "else"), at), "user space", user=rules)
    reasons = judge(p, chain(), reference(user=[{"pcr": 9, "any": True}]))
    check(len(reasons) == 3 and all("PCR 15: user space" in r
                                    for r in reasons), reasons)
    for who in (b"kernel", b"nobody"):
        refused(p, put(chain(), user(15, MACHINE, who), user(11, "ready")),
                "extended by b'" + who.decode())


# The rest

def test_verifier_hostile(p):
    """YAML out of event data; a log that is none"""
    evil = b"x\n- EventNum: 9\n  PCRIndex: 4\n  EventType: EV_IPL\n"
    evil = event(5, ACTION, evil, evil)
    reasons = judge(p, [evil] + chain())
    check(reasons and "no digests" in reasons[0], reasons)
    good = yaml.load(eventlog(p, build(chain()).bytes()), yaml.CSafeLoader)
    pcrs = {"sha256": build(chain()).pcrs["sha256"]}
    equal(kexec_chain.verify(good, reference(), pcrs), [], "reasons")
    for path, value in ((("events",), 1), (("events",), []),
                        (("events", 0), {}), (("events", 5), None),
                        (("events", 5, "PCRIndex"), "4"),
                        (("events", 5, "PCRIndex"), True),
                        (("events", 5, "PCRIndex"), -1),
                        (("events", 5, "PCRIndex"), HUGE),
                        (("events", 5, "EventType"), 4),
                        (("events", 5, "Digests"), None),
                        (("events", 5, "Digests"), [1]),
                        (("events", 5, "Digests", 1, "Digest"), "00"),
                        (("events", 5, "Digests", 1, "Digest"), HUGE),
                        (("events", 5, "Digests", 1, "Digest"), deep()),
                        (("events", 5, "Digests", 1, "AlgorithmId"), HUGE),
                        (("events", 5, "Digests", 0),
                         good["events"][5]["Digests"][1]),
                        (("events", 5, "Digests", 1, "AlgorithmId"), "sha1"),
                        (("events", 0, "SpecID", 0, "Signature"), "x"),
                        (("events", 0, "SpecID", 0, "Algorithms"), [])):
        log = json.loads(json.dumps(good))
        at = log
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        reasons = kexec_chain.verify(log, reference(), pcrs)
        check(reasons, f"{path}, {type(value)}: accepted")
    log = json.loads(json.dumps(good))
    log["events"].append({**log["events"][5], "PCRIndex": HUGE, "EventType":
                          "EV_NO_ACTION", "Event": note(1, 4).data[:20].hex()})
    equal(kexec_chain.verify(log, reference(), pcrs),
          [f"record {len(log['events']) - 1}: not an event"], "a huge PCR")
    for log in (None, [], "x", {}):
        check(kexec_chain.verify(log, reference(), pcrs), f"{log!r}: accepted")


def test_verifier_reference(p):
    """A reference that is none is no reason against the machine"""
    for more in ({"version": 2}, {"typo": 1}, {"ukis": {}}, {"firmware": []},
                 {"ukis": {"x": {"records": []}}}, {"reached": "x"},
                 {"ukis": {"x": {"records": UKIS["next"]["records"][:1]}}},
                 {"ukis": {"x": {"records": UKIS["next"]["records"][1:]}}},
                 {"firmware": [{"sha1": firmware()["sha256"]}]},
                 {"firmware": [{"sha256": {"0": "00" * 32}}]},
                 {"firmware_pcrs": [4]}, {"firmware_pcrs": [True]},
                 {"abrupt_kexec": 1}, {"failed_execute": "yes"},
                 *({"user": [{"pcr": n, "any": True}]}
                   for n in (0, 1, 2, 3, 4, 7, 11, 12, 13)),
                 {"user": [{"pcr": 14, "any": True}], "firmware_pcrs": [14],
                  "firmware": [{"sha256": {"14": "00" * 32}}]},
                 {"user": [{"pcr": 9, "any": True}], "pcr9": {}},
                 {"user": [{"pcr": 15, "any": False}]},
                 {"user": [{"pcr": 15, "wort": "x"}]},
                 {"loaders": {"x": UKIS["next"]}}, {"words": "ready"}):
        try:
            kexec_chain.Reference(reference(**more))
        except kexec_chain.BadReference:
            continue
        check(False, f"{str(more)[:80]}: taken")
    for n in (5, 6, 8, 9, 14, 15):
        kexec_chain.Reference(reference(user=[{"pcr": n, "any": True}]))
    kexec_chain.Reference(reference(
        firmware_pcrs=[0], user=[{"pcr": 7, "any": True}]))


def test_verifier_command(p):
    """Exit status, reasons, the forms of PCRs, --print-firmware"""
    log = build(chain())
    text = logs.pcr_text({"sha256": log.pcrs["sha256"]})
    rows = "".join(f"    {n} : 0x{v.hex().upper()}\n"
                   for n, v in log.pcrs["sha256"].items())
    for pcrs in (text, f"  sha1:\n  sha256:\n{rows}",
                 f"pcrs:\n  sha256:\n{rows}sig: 00ff\n"):
        args = files(p, log.bytes(), pcrs, reference())
        equal(command(p, *args), (0, ["accepted"], ""), "answer")
    for pcrs in ("", "sha256 0 00\n", "x y z\n", "{", "sha256 z 00\n",
                 text + text, text.replace("sha256", "sha1")):
        args = files(p, log.bytes(), pcrs, reference())
        status, lines, error = command(p, *args)
        check((status, error) == (1, "") and lines[0].startswith("refused: "),
              f"{pcrs[:20]!r}: {status} {lines} {error}")
    for args in ((), (args[0],), ("/nonexistent", *args[1:]),
                 (*args[:3], "--pcrs", "/nonexistent"),
                 (args[0], "--reference", args[0], *args[3:])):
        status, lines, error = command(p, *args)
        check(status == 2 and not lines and error, f"{args}: {status} {lines}")
    yaml_file = p.put("log.yaml", eventlog(p, log.bytes()))
    status, lines, _ = command(p, yaml_file, "--print-firmware")
    got = json.loads("\n".join(lines))
    equal({b: got[b] for b in firmware()}, firmware(), "firmware")


def test_verifier_print_firmware(p):
    """--firmware-pcrs, and a log that has nothing to print"""
    log = build(chain())
    path = p.put("log.yaml", eventlog(p, log.bytes()))
    first = build(REAL[:REAL_MARKER]).pcrs
    status, lines, _ = command(p, path, "--print-firmware",
                               "--firmware-pcrs=0-2,7,14")
    equal((status, json.loads("\n".join(lines))), (0, {
        b: {str(n): first[b][n].hex() for n in (0, 1, 2, 7, 14)}
        for b in ("sha256", "sha384", "sha512")}), "firmware")
    for text in ("", "x", "4", "0-4", "16", "3-1", "-1", "1,,2", "0x1"):
        status, lines, error = command(p, path, "--print-firmware",
                                       f"--firmware-pcrs={text}")
        check((status, lines) == (2, []) and "--firmware-pcrs" in error,
              f"{text}: {status} {lines} {error}")
    args = files(p, log.bytes(), logs.pcr_text(log.pcrs), reference())
    status, lines, error = command(p, *args, "--firmware-pcrs=0")
    check((status, lines) == (2, []) and "--print-firmware" in error, error)
    parsed = yaml.load(eventlog(p, log.bytes()), yaml.CSafeLoader)
    algorithms = parsed["events"][0]["SpecID"][0]["Algorithms"]
    algorithms[:] = [a for a in algorithms if a["algorithmId"] == "sha1"]
    status, lines, error = command(p, p.put("log.yaml", yaml.dump(parsed)),
                                   "--print-firmware")
    check((status, lines) == (2, []) and "no bank but SHA-1" in error, error)


def test_verifier_yaml(p):
    """What the YAML library raises, whatever it is, refuses the machine"""
    log = build(chain())
    pcrs = logs.pcr_text({"sha256": log.pcrs["sha256"]})
    args = list(files(p, log.bytes(), pcrs, reference()))
    good = args[-1]
    for n, text in enumerate(("!!int ''", "!!timestamp x", "!!float ''", "{",
                              "- !!bool x", "? [x]\n: x", "&a [*b]",
                              "2001-99-99", "9" * 5000)):
        path = p.put(f"bad{n}", text)
        for bad in ([path, *args[1:]], [*args[:-1], path]):
            status, lines, error = command(p, *bad)
            check((status, error) == (1, "")
                  and lines[0].startswith("refused: "),
                  f"{text[:20]}: {status} {lines} {error}")
    equal(command(p, *args[:-1], good)[0], 0, "status")


def test_verifier_keylime(p):
    """The policy, in stand-ins for the two modules of keylime that it uses"""
    names = ("keylime", "keylime.mba", "keylime.mba.elchecking")
    found, registry = {n: types.ModuleType(n) for n in names}, {}
    found[names[2]].policies = types.SimpleNamespace(
        Policy=object, register=registry.__setitem__)
    found[names[2]].tests = types.SimpleNamespace(Test=object)
    sys.modules.update(found)
    try:
        module("with_keylime")
    finally:
        for name in names:
            del sys.modules[name]
    policy = registry["kexec-chain"]
    equal(sorted(policy.get_relevant_pcrs()), [*range(10), *range(11, 16)],
          "PCRs")
    check(policy.requires_evaluation_every_quote(), "the first quote only")
    good = ("sha256", "sha384", "sha512")
    state = reference(firmware=[firmware(good)])
    test = policy.refstate_to_test(state)
    log = yaml.load(eventlog(p, build(chain()).bytes()), yaml.CSafeLoader)
    log["pcrs"] = {b: {str(n): v for n, v in pcrs.items()}
                   for b, pcrs in log["pcrs"].items()}
    equal(test.why_not({}, log), "", "reason")
    # Of several banks keylime has compared one, which may be sha256.  A sha512
    # that it has not compared must not stand in for that.
    ukis = {name: {"records": [
        {"pcr": r["pcr"], "digests": [d for d in r["digests"]
                                      if d["hashAlg"] == "sha512"]}
        for r in file["records"]]} for name, file in UKIS.items()}
    other = policy.refstate_to_test({**state, "ukis": ukis})
    check("no allowed UKI, sha256" in other.why_not({}, log), "each bank")
    less = {"sha1": log["pcrs"]["sha1"]}
    check("SHA-1 alone" in test.why_not({}, {**log, "pcrs": less}), "SHA-1")
    log["pcrs"]["sha256"]["7"] ^= 1
    check("PCR 7 of sha256" in test.why_not({}, log), "PCR 7")
    check(test.why_not({}, None), "no log")
