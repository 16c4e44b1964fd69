#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of run.sh: kexec-uki on logs whose PCRs hashlib, tpm2_eventlog and
swtpm know, and the cases of enroll.py, loading.py, points.py, refusals.py,
state.py and verifier.py.  Nothing here touches a TPM of this machine or loads
anything."""

import json
import os
import re
import struct
import subprocess
import sys
import tempfile

import enroll
import loading
import logs
import points
import refusals
import state
import verifier
from place import (DIFFERS, Failed, HERE, OK, Place, TORTURE, UNKNOWN, check,
                   equal, KEXEC_UKI)
from tpms import pcr_extend, swtpm, terminal

passed, failed = [], []


def flip(value):
    return bytes([value[0] ^ 1]) + value[1:]


def tpm2_eventlog(path):
    """bank -> PCR -> value, as tpm2-tools replays the log"""
    r = subprocess.run(["tpm2_eventlog", path], capture_output=True, text=True,
                       errors="replace", check=True)
    pcrs, bank = {}, None
    for line in r.stdout.split("\npcrs:\n")[1].splitlines():
        head = re.fullmatch(r"  (\w+):", line)
        value = re.fullmatch(r"    (\d+) *: 0x([0-9a-f]+)", line)
        if head:
            bank = pcrs.setdefault(head[1], {})
        elif value:
            bank[int(value[1])] = bytes.fromhex(value[2])
    return pcrs


# Replay

def test_ovmf(p):
    """A log of OVMF and systemd-stub, and the PCRs of its TPM, agree"""
    log = (HERE / "ovmf.log").read_bytes()
    pcrs = (HERE / "ovmf.pcrs").read_text()
    out = p.replay(log, pcrs)
    check("60 values agree, 0 differ, 0 cannot be told" in out, out)
    p.replay(log, tpm2_eventlog(HERE / "ovmf.log"))


def test_hashlib(p):
    """All kinds of records; hashlib knows the PCRs"""
    log = logs.mixed()
    out = p.replay(log, log.pcrs)
    check("60 values agree" in out, out)


def test_tpm2_eventlog(p):
    """A log without notes; tpm2-tools, whose 5.4 extends EV_NO_ACTION, knows"""
    log = logs.Log()
    log.event(0, logs.SEPARATOR, bytes(4), bytes(4))
    log.kexec(1)
    log.user(7, b"word")
    log.kexec(2)
    pcrs = tpm2_eventlog(p.put("log", log.bytes()))
    equal(pcrs["sha256"][4], log.pcrs["sha256"][4], "hashlib and tpm2-tools")
    p.replay(log, pcrs)


def test_each_difference(p):
    """Every bank and PCR whose value is another one has its line"""
    log = logs.mixed()
    for bank in logs.BANKS:
        for pcr in range(16):
            pcrs = {b: dict(v) for b, v in log.pcrs.items()}
            pcrs[bank][pcr] = flip(pcrs[bank][pcr])
            ima = pcr == 10
            out = p.replay(log, pcrs, status=OK if ima else DIFFERS)
            lines = [x for x in out.splitlines() if "differs in" in x]
            equal(lines, [] if ima else [f"PCR {pcr}: differs in {bank}"],
                  "lines")


def test_ima_pcr(p):
    """--ima-pcr names the PCR that is left out"""
    log = logs.mixed()
    pcrs = {b: dict(v, **{}) for b, v in log.pcrs.items()}
    pcrs["sha256"][11] = flip(pcrs["sha256"][11])
    p.replay(log, pcrs, status=DIFFERS)
    p.replay(log, pcrs, args=("--ima-pcr", "11"))


def test_doubt(p):
    """FULL and UNKNOWN: what agrees agrees, the rest cannot be told"""
    for kind, text in ((logs.FULL, "share is full"),
                       (logs.UNKNOWN, "nobody knows by what")):
        log = logs.mixed()
        log.note(kind, 15)
        log.kexec(3)
        p.replay(log, log.pcrs)
        log.extend(15, [("sha1", b"\1" * 20)])
        out = p.replay(log, log.pcrs, status=UNKNOWN)
        check(f"PCR 15: cannot tell in sha1: record {len(log.records) - 8} says"
              in out and text in out, out)
        log.extend(7, [("sha1", b"\1" * 20)])
        out = p.replay(log, log.pcrs, status=DIFFERS)
        check("PCR 7: differs in sha1\n" in out and "PCR 15: cannot" in out, out)


def test_no_bank(p):
    """A bank of the TPM that the header lacks cannot be told"""
    log = logs.mixed()
    pcrs = dict(log.pcrs, sm3_256={n: bytes(32) for n in range(16)})
    out = p.replay(log, pcrs, status=UNKNOWN)
    check("bank sm3_256: cannot tell: the log's header does not list it" in out,
          out)
    log.no_bank(["sm3_256"])
    out = p.replay(log, pcrs, status=UNKNOWN)
    check("bank sm3_256: cannot tell: the log says" in out, out)


def test_partial_other_bank(p):
    """A partial extend of a bank that the header lacks changes no other one"""
    log = logs.Log(banks=("sha256", "sha1"))
    log.partial(3, [("sha512", b"\1" * 64), ("sha1", b"\2" * 20)])
    log.user(3, b"more")
    p.replay(log, log.pcrs)


def test_partial_bad_size(p):
    """A note with a digest of another size makes the value unknown"""
    log = logs.Log()
    more = struct.pack("<IHH", 1, logs.IDS["sha256"], 20) + b"\1" * 20
    log.note(logs.PARTIAL, 3, more)
    out = p.replay(log, log.pcrs, status=UNKNOWN)
    check("PCR 3: cannot be computed in sha256\n" in out and
          "59 values agree, 0 differ, 1 cannot" in out, out)


def test_order_of_banks(p):
    """Digests in another order than the header's, and fewer banks"""
    log = logs.Log(banks=("sha512", "sha1"))
    digests = [("sha1", b"\1" * 20), ("sha512", b"\2" * 64)]
    log.raw(5, logs.TAGGED, digests, logs.tagged(logs.EXTEND, b"user"))
    log.extend(5, digests)
    p.replay(log, log.pcrs)


def test_unknown_algorithm(p):
    """A bank of an unknown hash is carried along, and cannot be told"""
    logs.IDS["new"], logs.SIZES["new"] = 0x77, 24
    log = logs.Log(banks=("sha256", "new"))
    digests = [("sha256", b"\1" * 32), ("new", b"\2" * 24)]
    log.raw(5, logs.TAGGED, digests, logs.tagged(logs.EXTEND, b"user"))
    log.extend(5, digests[:1])
    p.replay(log, {"sha256": log.pcrs["sha256"]})


def test_late_locality(p):
    """A StartupLocality behind the first extend of PCR 0 changes nothing"""
    log = logs.Log()
    log.event(0, logs.SEPARATOR, bytes(4), bytes(4))
    before = log.pcrs["sha256"][0]
    log.locality(3)
    for bank in log.banks:
        log.pcrs[bank][0] = logs.digest(bank, bytes(logs.SIZES[bank]) +
                                        logs.digest(bank, bytes(4)))
    equal(log.pcrs["sha256"][0], before, "the case itself")
    p.replay(log, log.pcrs)


def test_cut(p):
    """A log that ends in what is no record: never "agrees" """
    log = logs.mixed()
    for tail in (b"\0", log.records[-1][:-1], b"\xff" * 100):
        p.replay(log.bytes() + tail, log.pcrs, status=UNKNOWN)
    p.replay(log.bytes()[:-1], log.pcrs, status=UNKNOWN)


def test_nothing_compared(p):
    """No PCRs, or none in common: cannot tell"""
    log = logs.mixed()
    p.replay(log, "# nothing\n\n", status=UNKNOWN)
    p.replay(log, f"sha256 10 {'00' * 32}\n", status=UNKNOWN)
    p.replay(log, f"sha256 16 {'00' * 32}\n", status=UNKNOWN)


def test_bad_inputs(p):
    """Each kind of bad file has a line and status 2"""
    log, pcrs = logs.mixed().bytes(), logs.mixed().pcr_text()
    for bad in (b"", b"\0" * 31, b"\0" * 2000, log[32:], b"MZ" + log):
        p.replay(bad, pcrs, status=UNKNOWN)
    for bad in ("sha256 1", "sha256 24 " + "00" * 32, "sha256 1 " + "00" * 31,
                "sha257 1 " + "00" * 32, "sha256 1 " + "0g" * 32,
                "sha256 1 " + "00" * 32 + " more", "sha256 x " + "00" * 32):
        p.replay(log, bad, status=UNKNOWN)
    _, err = p.run("replay", "--log", "/nonexistent", status=UNKNOWN)
    check("/nonexistent: No such file" in err, err)
    good = p.put("log", log)
    _, err = p.run("replay", "--log", good, "--pcrs", str(p.path),
                   status=UNKNOWN)
    check("Is a directory" in err, err)
    p.run("replay", "--log", good, "--tpm", "/nonexistent", status=UNKNOWN)


# Plain words

def test_words(p):
    """What the log says, with a line where another hand begins to write"""
    out, _ = p.run("log", "--log", p.put("log", logs.mixed().bytes()))
    for line in ("== event log, banks: sha1 sha256 sha384 sha512 ==",
                 "started by locality 3",
                 'EFI variable "SecureBoot"',
                 'program "\\\\A.EFI\\u001b", 5000 bytes',
                 'PCR 12  command line "quiet"',
                 'PCR 12  profile of the UKI: "2"  [',
                 'user space with the word "enter-initrd"',
                 "== from here on Linux has written the log ==",
                 "== os-separator: what follows has no authority of",
                 "== kexec 1 ==", "== kexec 2 ==",
                 "PCR 4   kexec number 1  [EV_EVENT_TAG]",
                 'PCR 11  name of section ".linux"',
                 'PCR 11  content of section ".linux"',
                 "PCR 9   command line of the kernel:",
                 "extended by the kernel",
                 "PCR 14 was extended in these banks only: sha256 sha1 sha256"):
        check(line in out, f"{line!r} is not in {out}")
    equal(out.count("== os-separator"), 1, "os-separator lines")
    equal(out.count("NOT WHAT WAS MEASURED"), 0, "warnings")
    check(out.index("from here on Linux") < out.index("== os-separator"), out)


def test_lies(p):
    """Text that is not what was measured does not pass for it"""
    log = logs.Log()
    log.event(4, logs.TAGGED, b"kexec:2\0", logs.tagged(logs.MARKER,
                                                        b"kexec:1\0"))
    log.event(4, logs.TAGGED, b"kexec:7\0", logs.tagged(logs.MARKER,
                                                        b"kexec:7\0"))
    log.event(12, logs.IPL, logs.utf16("evil"), logs.utf16("quiet"))
    log.event(12, logs.TAGGED, logs.utf16("2"),
              logs.tagged(0x13aed6db, logs.utf16("3")))
    log.user(7, b"something", b"os-separator")
    out, _ = p.run("log", "--log", p.put("log", log.bytes()))
    lines = out.splitlines()
    check("kexec number 1 - THIS TEXT IS NOT" in lines[2], out)
    check('calls itself "kexec:7" and should be number 2' in lines[4], out)
    check("command line" not in lines[5], out)
    check('"3" - THIS TEXT IS NOT' in lines[6], out)
    check("== os-separator" not in out, out)


def test_inactive_bank(p):
    """Zeros of a bank that the TPM has not are no other digest"""
    for zeros, good in (((), True), (("sha1",), True),
                        (("sha1", "sha512"), True), (logs.BANKS, False)):
        log = logs.Log()
        for pcr, word, tag, data in (
                (4, b"kexec:1\0", logs.MARKER, b"kexec:1\0"),
                (11, b"leave-initrd", logs.EXTEND, b"user"),
                (7, b"os-separator", logs.EXTEND, b"user")):
            log.raw(pcr, logs.TAGGED, [
                (b, bytes(logs.SIZES[b]) if b in zeros else
                 logs.digest(b, word)) for b in logs.BANKS],
                    logs.tagged(tag, data))
        out, _ = p.run("log", "--log", p.put("log", log.bytes()))
        for line in ('user space with the word "leave-initrd"',
                     "== os-separator"):
            equal(line in out, good, f"{zeros}: {line}")
        equal("NOT WHAT WAS MEASURED" in out, not good, f"{zeros}: {out}")


def test_hostile_text(p):
    """Whatever the data, only printable ASCII comes out"""
    log = logs.Log()
    nasty = bytes(range(256)) * 3
    for kind in (0, 1, 3, 4, 6, 8, 13, 0x80000001, 0x80000003, 0x80000007,
                 0xdeadbeef):
        for pcr in (0, 4, 11, 12, 99):
            log.event(pcr if pcr < 16 else 15, kind, nasty, nasty)
            log.raw(pcr, kind or 1, [(b, bytes(logs.SIZES[b])) for b in
                                     logs.BANKS], logs.tagged(
                                         logs.EXTEND, nasty))
    for text in ("\x1b[2J", "\u202e\u0000x", "a\nb"):
        log.event(12, logs.IPL, logs.utf16(text), logs.utf16(text))
        log.event(11, logs.IPL, b"", logs.utf16("." + text))
        log.user(3, b"x", text.encode())
    out, _ = p.run("log", "-d", "--log", p.put("log", log.bytes()))
    check(all(c == "\n" or " " <= c <= "~" for c in out), "control characters")
    check('"\\u202e\\u0000x"' in out and '"a\\u000ab"' in out, out[-900:])


def test_long_text(p):
    """Text is cut at a bound, and says so"""
    log = logs.Log()
    log.event(8, logs.IPL, b"x" * 100000, b"x" * 100000)
    out, _ = p.run("log", "--log", p.put("log", log.bytes()))
    check(len(out) < 20000 and "... (100000 bytes)" in out, out[-200:])


def test_log_status(p):
    """A cut log is told up to there, with status 2"""
    data = logs.mixed().bytes()
    out, err = p.run("log", "--log", p.put("log", data[:-1]), status=UNKNOWN)
    check("== kexec 2 ==" in out and "no record" in err, out + err)


def test_full_disk(p):
    """What cannot be written is no success"""
    with open("/dev/full", "w", encoding="ascii") as full:
        r = subprocess.run([KEXEC_UKI, "log", "--log",
                            p.put("log", logs.mixed().bytes())],
                           stdout=full, stderr=subprocess.PIPE, check=False)
    equal(r.returncode, UNKNOWN, "status")


# Pending and predict

def test_pending(p):
    """The pending records in plain words, numbered on"""
    live = logs.mixed()
    pending, _ = logs.pending_of(live, lambda log: log.kexec(3))
    out, _ = p.run("pending", "--log", p.put("log", live.bytes()),
                   "--pending", p.put("pending", pending))
    equal(len(out.splitlines()), 8, "records")
    check("kexec number 3  [" in out, out)
    out, _ = p.run("pending", "-l", p.put("log", live.bytes()), "-p",
                   p.put("pending", b""))
    check("Nothing is pending" in out, out)


def test_predict(p):
    """Current values with the pending records on top, by hashlib"""
    live = logs.mixed()
    pending, after = logs.pending_of(live, lambda log: log.kexec(3))
    args = ["--log", p.put("log", live.bytes()), "--pending",
            p.put("pending", pending)]
    # Somebody has extended since the log was read; the TPM is what counts.
    live.extend(15, [("sha1", b"\1" * 20)])
    after.extend(15, [("sha1", b"\1" * 20)])
    pcrs = p.put("pcrs", live.pcr_text())
    out, _ = p.run("predict", *args, "--pcrs", pcrs)
    got = {tuple(x.split()[:2]): x.split()[2] for x in out.splitlines()}
    want = {(b, str(n)): v.hex() for b in logs.BANKS
            for n, v in after.pcrs[b].items()}
    equal(got, want, "predicted")
    marked = {x.split()[1] for x in out.splitlines() if "by the kexec" in x}
    equal(marked, {"4", "9", "11"}, "PCRs said to be extended")

    got = json.loads(p.run("predict", *args, "--pcrs", pcrs, "--json")[0])
    equal(got["events"], 8, "events")
    equal(got["extended"], [4, 9, 11], "extended")
    equal(got["pcrs"], {b: {str(n): v.hex() for n, v in after.pcrs[b].items()}
                        for b in logs.BANKS}, "JSON")


def test_predict_is_replay(p):
    """What predict says is what the next kernel's log replays to"""
    live = logs.mixed()
    pending, after = logs.pending_of(live, lambda log: log.kexec(3))
    out, _ = p.run("predict", "--replay", "--log", p.put("l", live.bytes()),
                   "--pending", p.put("pending", pending))
    check(" 10 " not in out, "--replay says nothing of IMA's PCR")
    p.replay(after, out)


def test_predict_unknown(p):
    """What cannot be known is not guessed"""
    live = logs.mixed()
    live.note(logs.UNKNOWN, 9)
    pending, _ = logs.pending_of(live, lambda log: log.kexec(3))
    args = ["--log", p.put("log", live.bytes()), "--pending",
            p.put("pending", pending)]
    out, err = p.run("predict", "--replay", "--json", *args, status=UNKNOWN)
    equal(json.loads(out)["pcrs"]["sha1"]["9"], None, "PCR 9")
    check("PCR 9, sha1: cannot be told" in err, err)

    # The TPM has a bank that the records have no digests for.
    pcrs = dict(live.pcrs, sm3_256={n: bytes(32) for n in range(16)})
    out, err = p.run("predict", *args, "--json", "--pcrs",
                     p.put("pcrs", logs.pcr_text(pcrs)), status=UNKNOWN)
    got = json.loads(out)["pcrs"]
    equal(got["sm3_256"]["4"], None, "PCR 4 in the other bank")
    equal(got["sm3_256"]["5"], "00" * 32, "PCR 5 in the other bank")
    check(got["sha1"]["4"], "PCR 4 in sha1")


def test_pending_bad(p):
    """A list that is not of this log, and none at all"""
    live = logs.mixed()
    pending, _ = logs.pending_of(live, lambda log: log.kexec(3))
    log = p.put("log", live.bytes())
    pcrs = p.put("pcrs", live.pcr_text())
    for command in (["pending"], ["predict", "--pcrs", pcrs]):
        for bad in (pending[1:], pending[:-1], b"\0" * 12, pending * 2 + b"x"):
            p.run(*command, "-l", log, "-p", p.put("bad", bad), status=UNKNOWN)
        p.run(*command, "-l", p.put("cut", live.bytes()[:-1]), "-p",
              p.put("pending", pending), status=UNKNOWN)
        p.run(*command, "-l", p.put("cut", live.bytes()[:-1]), "-p",
              p.put("pending", b""), status=UNKNOWN)
    _, err = p.run("predict", "--pcrs", pcrs, "-l", log, "-p",
                   p.put("bad", b""), status=UNKNOWN)
    check("nothing is pending" in err, err)


# The TPM

def test_swtpm(p):
    """PCRs read from a TPM: replay agrees, differs, and predict starts there"""
    log = logs.Log()
    with swtpm(p.path) as talk:
        for n in range(48):
            digests = [(b, logs.digest(b, b"%d" % n)) for b in logs.BANKS]
            answer = talk(pcr_extend(n % 16, digests))
            equal(answer[6:10], bytes(4), "TPM2_PCR_Extend")
            log.user(n % 16, b"%d" % n)
        path = p.put("log", log.bytes())
        for cut in (4096, 7):
            def serve(command, cut=cut):
                answer = talk(command)
                return [answer[i:i + cut] for i in range(0, len(answer), cut)]
            with terminal(serve) as device:
                out, _ = p.run("replay", "--log", path, "--tpm", device)
                check("60 values agree" in out, out)
        talk(pcr_extend(3, [("sha384", b"\7" * 48)]))
        with terminal(lambda command: [talk(command)]) as device:
            out, _ = p.run("replay", "--log", path, "--tpm", device,
                           status=DIFFERS)
            check("PCR 3: differs in sha384\n" in out, out)
            pending, after = logs.pending_of(log, lambda log: log.kexec(1))
            out, _ = p.run("predict", "--json", "--log", path, "--pending",
                           p.put("pending", pending), "--tpm", device)
    got = json.loads(out)["pcrs"]
    equal(got["sha512"]["4"], after.pcrs["sha512"][4].hex(), "PCR 4")
    check(got["sha384"]["3"] != after.pcrs["sha384"][3].hex(), "PCR 3")
    equal(got["sha256"]["17"], "ff" * 32, "PCR 17")


def response(body, rc=0):
    return struct.pack(">HII", 0x8001, 10 + len(body), rc) + body


CAPS = struct.pack(">BIIHB3s", 0, 5, 1, 0x0b, 3, b"\xff\xff\xff")


# The same with PCR 0 only, which one answer tells all of
CAPS_0 = CAPS[:-3] + b"\x01\0\0"


def value_answer(mask=b"\x01\0\0", alg=0x0b, count=1, size=32, values=1):
    return struct.pack(">IIHB3sI", 1, 1, alg, 3, mask, count) + \
        (struct.pack(">H", size) + bytes(32)) * values


def test_tpm_answers(p):
    """A TPM that answers nonsense gets a line and no more"""
    log = p.put("log", logs.mixed().bytes())
    bad = [b"\0" * 10, response(b""), response(b"", 0x101),
           struct.pack(">HII", 0x8001, 5000, 0) + b"\0" * 10,
           struct.pack(">HII", 0x8001, 3, 0),
           response(CAPS[:-1]), response(b"\0\0\0\0\6" + CAPS[5:]),
           response(CAPS[:5] + b"\xff\xff\xff\xff" + CAPS[9:])]
    for answer in bad:
        with terminal(lambda command, a=answer: [a]) as device:
            p.run("replay", "--log", log, "--tpm", device, status=UNKNOWN)
    for answer in (value_answer(mask=b"\0\0\0"), value_answer(alg=4),
                   value_answer(count=2), value_answer(size=31),
                   value_answer(size=33), value_answer(size=0xffff),
                   value_answer()[:-1], value_answer(mask=b"\3\0\0"), b"",
                   value_answer(mask=b"\3\0\0", count=2, values=2)):
        def serve(command, a=answer):
            capability = command[6:10] == b"\0\0\1\x7a"
            return [response(CAPS_0 if capability else a)]
        with terminal(serve) as device:
            p.run("replay", "--log", log, "--tpm", device, status=UNKNOWN)


def test_tpm_retry(p):
    """TPM_RC_RETRY is asked again"""
    log = logs.Log(banks=("sha256",))
    for n in range(16):
        log.pcrs["sha256"][n] = bytes(32)
    busy = [3]

    def serve(command):
        if busy[0]:
            busy[0] -= 1
            return [response(b"", 0x922)]
        if command[6:10] == b"\0\0\1\x7a":
            return [response(CAPS)]
        wanted = int.from_bytes(command[17:20], "little")
        low = wanted & -wanted
        return [response(value_answer(low.to_bytes(3, "little")))]

    with terminal(serve) as device:
        out, _ = p.run("replay", "--log", p.put("log", log.bytes()), "--tpm",
                       device)
    check("15 values agree" in out, out)


# Usage

def test_usage(p):
    """Help for each command; what is wrong is refused"""
    p.run(status=UNKNOWN)
    out, _ = p.run("--help")
    for command in ("load", "status", "unload", "log", "replay", "pending",
                    "predict"):
        check(command in out, out)
        text, _ = p.run(command, "--help")
        check(f"kexec-uki {command}" in text and "Exit status" in text, text)
        p.run(command, "--nonsense", status=UNKNOWN)
        p.run(command, "extra", "more", status=UNKNOWN)
    p.run("nonsense", status=UNKNOWN)
    p.run("log", "--json", status=UNKNOWN)
    p.run("replay", "--ima-pcr", "24", status=UNKNOWN)
    p.run("replay", "--ima-pcr", "x", status=UNKNOWN)
    p.run("predict", "--replay", "--pcrs", "x", status=UNKNOWN)


def test_torture(p):
    """Every truncation and every changed byte of two logs"""
    for path in (HERE / "ovmf.log", p.put("log", logs.mixed().bytes())):
        r = subprocess.run([TORTURE, path], capture_output=True, text=True,
                           check=False)
        check(not r.returncode, r.stderr[-3000:])
        size = os.path.getsize(path)
        equal(int(r.stdout), 2 * size + 1, "variants")


def main():
    tests = {**globals(), **vars(enroll), **vars(loading), **vars(points),
             **vars(refusals), **vars(state), **vars(verifier)}
    for name, test in sorted(tests.items()):
        if not name.startswith("test_"):
            continue
        with tempfile.TemporaryDirectory() as path:
            try:
                test(Place(path))
            except (Failed, OSError, subprocess.SubprocessError,
                    ValueError, KeyError) as reason:
                print(f"not ok {name[5:]}: {reason}")
                failed.append(name)
            else:
                print(f"ok {name[5:]}: {test.__doc__.strip()}")
                passed.append(name)
    print(f"{len(passed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


main()
