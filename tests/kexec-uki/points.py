# SPDX-License-Identifier: GPL-2.0
"""The cases of "kexec-uki predict" for points after the jump: hashlib knows
the PCRs, and systemd-pcrlock what a component means."""

import contextlib
import json
import os
import re
import struct
import subprocess

import logs
import state
import tpms
from place import HERE, KEXEC_UKI, UNKNOWN, check, equal

PCRLOCK = HERE.parents[1] / "out/tools/systemd-pcrlock"
OS = b"os-separator"
OS_PCRS = (0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14)
MACHINE = b"machine-id:0123456789abcdef"
# As systemd 262 extends them, with enter-initrd among the os-separators
WORDS = [(n, OS) for n in OS_PCRS[:3]] + [(11, b"enter-initrd")] + \
    [(n, OS) for n in OS_PCRS[3:]] + \
    [(9, b"nvpcr-separator"), (11, b"leave-initrd"), (15, MACHINE),
     (11, b"sysinit"), (11, b"ready"), (14, b"more")]
POINTS = ("enter-initrd", "leave-initrd", "sysinit", "ready")
COMPONENT = "995-kexec.pcrlock.d"
PCRLOCK_PCRS = (0, 1, 2, 3, 4, 5, 7, 11, 13, 14, 15)


def until(point, words=WORDS):
    """What is extended until the point, in this order"""
    end = words.index((11, point.encode())) + 1
    more = []
    if point == "enter-initrd":
        stop = words.index((11, b"leave-initrd"))
        more = [x for x in words[end:stop] if x[1] == OS]
    return words[:end] + more


def cold():
    """The log of a boot by firmware"""
    log = logs.Log()
    for pcr in range(8):
        log.event(pcr, logs.SEPARATOR, bytes(4), bytes(4))
    return log


def two_hops():
    """The log as the second kexec hands it over, without notes"""
    log = cold()
    for n in (1, 2):
        for pcr, word in WORDS + [(11, b"shutdown"), (11, b"final")]:
            log.user(pcr, word)
        log.event(8, 0x1234, b"x", b"x")
        log.no_action(b"no note")
        log.kexec(n)
    return log


class Boot:
    """A boot, whose log goes on with its user space, and a kexec to come"""

    def __init__(self, p, words=WORDS, user=logs.Log.user, fill=None,
                 start=logs.mixed, number=3):
        self.p = p
        self.number = number
        self.before = None
        self.start = start()
        self.live = start()
        if fill:
            fill(self.live)
        for pcr, word in words:
            user(self.live, pcr, word)
        self.pending, _ = logs.pending_of(self.live,
                                          lambda log: log.kexec(number))

    def args(self):
        put = self.p.put
        return ["predict", "--log", put("live", self.live.bytes()),
                "--boot-log", put("start", self.start.bytes()), "--pending",
                put("pending", self.pending), "--pcrs",
                put("pcrs", self.live.pcr_text())]

    def predict(self, *args, **kwargs):
        return self.p.run(*self.args(), *args, **kwargs)

    def then(self, words=(), before=()):
        """The log with words, the kexec, and more words behind it"""
        def fill(log):
            for word in before:
                log.user(11, word)
            log.kexec(self.number)
            for pcr, word in words:
                log.user(pcr, word)
        return logs.pending_of(self.live, fill)[1]

    def agrees(self, want, *args, untold=()):
        """Text and JSON say what the log comes to, but for PCRs without an
        order; of these standard error tells"""
        out, err = self.predict(*args)
        equal(err, "".join(f"kexec-uki: PCR {n}, {b}: cannot be told\n"
                           for b in logs.BANKS for n in untold), "errors")
        got = {tuple(x.split()[:2]): x.split()[2] for x in out.splitlines()}
        equal(got, {(b, str(n)): v.hex() for b in logs.BANKS
                    for n, v in want.pcrs[b].items() if n not in untold},
              f"{args}")
        got = json.loads(self.predict(*args, "--json")[0])
        equal(got["pcrs"], hex_of(want, untold), f"{args} JSON")
        return got


def hex_of(log, untold=()):
    return {b: {str(n): None if n in untold else v.hex() for n, v in
                log.pcrs[b].items()} for b in logs.BANKS}


def no_order(point):
    """The PCRs that WORDS leave untold"""
    return [9] if point == "enter-initrd" else []


# Values

def test_points(p):
    """Each point, with and without systemd's shutdown, by hashlib"""
    boot = Boot(p)
    for point in POINTS:
        words = until(point)
        got = boot.agrees(boot.then(words), "--at", point,
                          untold=no_order(point))
        equal((got["at"], got["events"]), (point, 8), "JSON")
        equal(got["extended"], sorted({4, 9, 11} | {n for n, _ in words}),
              "extended")
        boot.agrees(boot.then(words, (b"shutdown", b"final")), "--at", point,
                    "--systemctl", untold=no_order(point))
    equal(boot.agrees(boot.then(), "--at", "execute")["at"], "execute", "JSON")
    boot.agrees(boot.then(), )
    boot.agrees(boot.then((), (b"shutdown", b"final")), "--systemctl")


def test_points_comments(p):
    """Who extends a PCR"""
    out, _ = Boot(p).predict("--at", "ready", "--pcr", "4,8,9,11,15")
    said = {x.split()[1]: x.split("  # ")[1:] for x in out.splitlines()}
    both = ["extended by the kexec and by user space"]
    equal(said, {"4": both, "8": [], "9": both, "11": both,
                 "15": ["extended by user space"]}, "comments")


def test_points_order(p):
    """An os-separator behind enter-initrd counts, and nothing else"""
    first = [(11, b"enter-initrd"), (15, b"x"), (7, OS), (9, b"y"),
             (11, b"leave-initrd"), (4, OS), (11, b"sysinit")]
    boot = Boot(p, first)
    boot.agrees(boot.then([first[0], first[2]]), "--at", "enter-initrd",
                untold=[9])
    boot.agrees(boot.then(first[:5]), "--at", "leave-initrd")
    # The word in another PCR is no phase.
    boot = Boot(p, [(12, b"enter-initrd"), (13, b"leave-initrd")] + first)
    boot.agrees(boot.then([(12, b"enter-initrd"), (13, b"leave-initrd"),
                           first[0], first[2]]), "--at", "enter-initrd",
                untold=[9])
    # No leave-initrd yet
    boot = Boot(p, first[:3])
    boot.agrees(boot.then([first[0], first[2]]), "--at", "enter-initrd")


def test_points_nvpcr(p):
    """What systemd extends PCR 9 with for NvPCRs has no order with disks"""
    enter, leave = (11, b"enter-initrd"), (11, b"leave-initrd")
    for words, untold in (
            ([(9, b"x"), enter], [9]), ([enter, (9, b"x")], [9]),
            ([enter, (9, b"x"), leave], [9]), ([enter, leave, (9, b"x")], []),
            ([(9, OS), enter], []), ([enter, (9, OS), leave], []),
            ([(8, b"x"), (12, b"x"), enter], [])):
        boot = Boot(p, words)
        end = words.index(enter) + 1
        want = boot.then(words[:end] + [x for x in words[end:] if x[1] == OS])
        at = ("--at", "enter-initrd")
        boot.agrees(want, *at, untold=untold)
        if leave in words:
            boot.agrees(boot.then(words[:words.index(leave) + 1]), "--at",
                        "leave-initrd")
        # As --words it is the same.
        file = ("--words", p.put("words", words_text(words)))
        boot.agrees(want, *at, *file, untold=untold)
        for args in ((), ("--json",), ("--cryptenroll",),
                     ("--pcrlock", str(p.path / COMPONENT))):
            for more in ((), file):
                _, err = boot.predict(*at, *more, *args, "--pcr", "9,11",
                                      status=UNKNOWN if untold else 0)
                equal("cannot be told" in err, bool(untold), f"{args} {err}")
            boot.predict(*at, *args, "--pcr", "4,11")
        boot.predict(*at, "--cryptenroll")


def test_points_identity(p):
    """What extends PCR 15 for file systems has no order with later points"""
    file_system = (15, b"file-system:/:x")
    path = p.path / COMPONENT
    start = WORDS[:WORDS.index((11, b"sysinit"))]
    rest = WORDS[len(start):]
    check(start[-1] == (15, MACHINE), "the case itself")
    for words, untold in (
            (WORDS, False), (start[:-1] + rest, False),
            (start[:-1] + rest + [file_system], False),
            (start + [file_system] + rest, True),
            (start + rest[:1] + [file_system] + rest[1:], True),
            (start + rest + [file_system], True),
            (start + rest + [(15, MACHINE)], True)):
        for user in (logs.Log.user, some_banks)[:1 + untold]:
            boot = Boot(p, words, user=user, start=cold)
            file = ("--words", p.put("words", words_text(words)))
            for point in POINTS:
                bad = untold and point in ("sysinit", "ready")
                check_untold(boot, point, (), bad)
                if user == logs.Log.user:
                    check_untold(boot, point, file, bad)
            _, err = boot.predict("--at", "ready", "--pcrlock", str(path),
                                  status=UNKNOWN if untold else 0)
            equal("it needs --pcr without 15" in err, untold, err)
            equal(path.exists(), not untold, "a component is written")
            if user == logs.Log.user:
                boot.predict("--at", "ready", "--pcrlock", str(path), "--pcr",
                             "0-5,7,11,13,14")
            subprocess.run(["rm", "-rf", path], check=True)
    # A note behind the point stands for any number of extends.
    for kind in (logs.FULL, logs.UNKNOWN):
        boot = Boot(p, start[:-1] + rest)
        boot.live.note(kind, 15)
        check_untold(boot, "sysinit", (), True)
        check_untold(boot, "leave-initrd", (), False)


def check_untold(boot, point, args, bad):
    """PCR 15 is left out and said; an error for those who asked for it"""
    args = ("--at", point, *args)
    for more in ((), ("--json",)):
        _, err = boot.predict(*args, *more)
        equal("PCR 15, sha256: cannot be told" in err, bad, f"{args}: {err}")
    for more in ((), ("--cryptenroll",)):
        out, _ = boot.predict(*args, *more, "--pcr", "11,15",
                              status=UNKNOWN if bad else 0)
        equal("15" in out.replace(":", " ").replace("+", " ").split(),
              not bad, f"{args} {out}")
    boot.predict(*args, "--pcr", "4,11,14")


def test_points_missing(p):
    """A word that this boot has not extended"""
    boot = Boot(p, WORDS[:WORDS.index((11, b"sysinit"))])
    boot.predict("--at", "leave-initrd")
    for point in ("sysinit", "ready"):
        out, err = boot.predict("--at", point, status=UNKNOWN)
        check(not out and f'no "{point}" in PCR 11' in err, out + err)
    # One of the boot before does not count.
    check(b"enter-initrd", "mixed() has extended it before")
    Boot(p, []).predict("--at", "enter-initrd", status=UNKNOWN)


def test_points_ima(p):
    """IMA's PCR is nobody else's"""
    boot = Boot(p, [(10, b"x"), (11, b"enter-initrd")])
    out, _ = boot.predict("--at", "enter-initrd", "--json")
    got = json.loads(out)
    equal(got["pcrs"]["sha256"]["10"], boot.live.pcrs["sha256"][10].hex(),
          "now")
    equal(got["extended"], [4, 9, 11], "extended")
    for args in ((), ("--cryptenroll",),
                 ("--pcrlock", str(p.path / COMPONENT))):
        out, err = boot.predict("--at", "enter-initrd", "--pcr", "4,10", *args,
                                status=UNKNOWN)
        check(" 10 " not in out and "10" not in out.split(":") and
              ("PCR 10, sha256: cannot be told" in err or "IMA" in err), err)


def test_systemctl(p):
    """shutdown and final, as far as this boot has come and not left again"""
    phases = {b"ready": b"shutdown", b"sysinit": b"final"}
    for words, want in (
            ([], []), ([b"ready"], [b"shutdown"]),
            ([b"sysinit", b"ready"], [b"shutdown", b"final"]),
            ([b"sysinit", b"ready", b"shutdown"], [b"final"]),
            ([b"sysinit", b"ready", b"shutdown", b"final"], []),
            ([b"sysinit", b"ready", b"shutdown", b"final", b"sysinit",
              b"ready"], [b"shutdown", b"final"])):
        check(set(want) <= set(phases.values()), "the case itself")
        boot = Boot(p, [(11, x) for x in words])
        boot.agrees(boot.then((), want), "--systemctl")
    # Behind sysinit, ready may still come.
    for words in ([b"sysinit"], [b"ready", b"sysinit"],
                  [b"sysinit", b"shutdown"],
                  [b"sysinit", b"ready", b"final", b"sysinit"]):
        boot = Boot(p, [(11, x) for x in words] + [(12, b"ready")])
        out, err = boot.predict("--systemctl", status=UNKNOWN)
        check(not out and "this boot is not complete" in err, out + err)
        boot.agrees(boot.then())
    for words in ([b"sysinit", b"final"], [b"enter-initrd"]):
        boot = Boot(p, [(11, x) for x in words])
        boot.agrees(boot.then(), "--systemctl")
    # Not those of the boot before, nor those of another PCR
    boot = Boot(p, [(12, b"ready")])
    for log in (boot.start, boot.live):
        log.records.insert(0, logs.pending_of(
            boot.start, lambda log: log.user(11, b"ready"))[0])
        for bank in logs.BANKS:
            value = logs.digest(bank, b"ready")
            log.pcrs[bank][11] = logs.digest(bank, log.pcrs[bank][11] + value)
    boot.agrees(boot.then(), "--systemctl")


def some_banks(log, pcr, word):
    """systemd leaves a bank out"""
    log.partial(pcr, [(b, logs.digest(b, word)) for b in ("sha256", "sha384")])


def test_points_partial(p):
    """Words that are in some banks only, in notes, go on to be"""
    boot = Boot(p, user=some_banks)
    want = logs.Log()
    want.pcrs = {b: dict(v) for b, v in boot.live.pcrs.items()}
    for word in (b"shutdown", b"final"):
        some_banks(want, 11, word)
    want.kexec(3)
    for pcr, word in WORDS[:-1]:
        some_banks(want, pcr, word)
    boot.agrees(want, "--at", "ready", "--systemctl")


def test_points_inactive_bank(p):
    """Zeros in a bank of the header that the TPM has not"""
    def user(log, pcr, word):
        log.raw(pcr, logs.TAGGED, [
            (b, logs.digest(b, word) if b != "sha1" else bytes(20))
            for b in logs.BANKS], logs.tagged(logs.EXTEND, b"user"))
        log.extend(pcr, [(b, logs.digest(b, word)) for b in logs.BANKS[1:]])
    boot = Boot(p, user=user, start=cold)
    pcrs = {b: v for b, v in boot.live.pcrs.items() if b != "sha1"}
    out, _ = p.run(*boot.args()[:-1], p.put("some", logs.pcr_text(pcrs)),
                   "--at", "ready", "--json")
    want = boot.then(WORDS[:-1]).pcrs
    equal(json.loads(out)["pcrs"],
          {b: {str(n): v.hex() for n, v in want[b].items()} for b in pcrs},
          "JSON")
    # What is not in all banks is not in all banks of the component.
    boot.predict("--at", "ready", "--pcrlock", str(p.path / COMPONENT))
    first = json.loads((p.path / COMPONENT / "kexec-000.pcrlock").read_text())
    equal([len(x["digests"]) for x in first["records"]][:7],
          [4] * 6 + [3], "digests of a record")


def test_points_failed_kexec(p):
    """What a kexec that failed has left is no user space's"""
    def fill(log):
        log.user(0, OS)
        log.user(11, b"enter-initrd")
        log.kexec(3)
        # Its digest is that of a word, and its hand another one.
        log.event(11, logs.IPL, b"ready", logs.utf16("ready"))
    boot = Boot(p, [(11, b"leave-initrd"), (11, b"sysinit")], fill=fill)
    words = [(0, OS), (11, b"enter-initrd"), (11, b"leave-initrd"),
             (11, b"sysinit")]
    boot.agrees(boot.then(words), "--at", "sysinit")
    boot.predict("--at", "ready", status=UNKNOWN)
    _, err = boot.predict("--systemctl", status=UNKNOWN)
    check("this boot is not complete" in err, err)
    boot.live.user(11, b"ready")
    boot.agrees(boot.then(words, (b"shutdown", b"final")), "--at", "sysinit",
                "--systemctl")


def test_points_doubt(p):
    """What the log does not tell is left out, and said"""
    def doubt(kind, pcr):
        return lambda log: log.note(kind, pcr)
    for kind in (logs.FULL, logs.UNKNOWN):
        boot = Boot(p, fill=doubt(kind, 13))
        out, err = boot.predict("--at", "enter-initrd", "--json",
                                status=UNKNOWN)
        got = json.loads(out)["pcrs"]["sha1"]
        check(got["13"] is None and "PCR 13, sha1: cannot be told" in err, err)
        equal(got["4"], boot.then(until("enter-initrd")).pcrs["sha1"][4].hex(),
              "PCR 4")
        boot.predict("--at", "enter-initrd", "--pcr", "0-8,10-12,14,15",
                     "--ima-pcr", "16")
        out, err = boot.predict("--at", "enter-initrd", "--cryptenroll",
                                status=UNKNOWN)
        check(not out and "PCR 13, sha256: cannot be told" in err, out + err)
        boot.predict("--at", "enter-initrd", "--cryptenroll", "--pcr", "4,11")
        args = ("--at", "enter-initrd", "--pcrlock", str(p.path / COMPONENT))
        _, err = boot.predict(*args, "--pcr", "13", status=UNKNOWN)
        check("PCR 13: cannot be told" in err, err)
        check(not (p.path / COMPONENT).exists(), "nothing is written")
        boot.predict(*args, "--pcr", "4,11")
        subprocess.run(["rm", "-r", p.path / COMPONENT], check=True)

    # A phase may be hidden: what systemd still extends is not known.
    boot = Boot(p, [], fill=doubt(logs.UNKNOWN, 11))
    _, err = boot.predict("--systemctl", status=UNKNOWN)
    check("PCR 11, sha512: cannot be told" in err, err)
    # A note behind the point does not matter.
    boot = Boot(p)
    boot.live.note(logs.UNKNOWN, 13)
    boot.agrees(boot.then(until("enter-initrd")), "--at", "enter-initrd",
                untold=[9])


def test_points_full_before(p):
    """A share that was used up before this boot has nothing of this boot"""
    boot = Boot(p, [(15, b"x"), (11, b"enter-initrd")])
    for log in (boot.start, boot.live):
        log.note(logs.FULL, 15)
    at = len(boot.start.records) - 1
    boot.live.records.insert(at, boot.live.records.pop())
    out, err = boot.predict("--at", "enter-initrd", "--json", status=UNKNOWN)
    check("PCR 15, sha256: cannot be told" in err, err)
    got = json.loads(out)["pcrs"]["sha256"]
    equal((got["15"], got["11"]),
          (None, boot.then([(11, b"enter-initrd")]).pcrs["sha256"][11].hex()),
          "PCRs")
    boot.predict("--systemctl")
    # Nothing of PCR 11 is recorded: "ready" may have been, and "shutdown" too.
    boot = Boot(p, [])
    for log in (boot.start, boot.live):
        log.note(logs.FULL, 11)
    _, err = boot.predict("--systemctl", status=UNKNOWN)
    check("PCR 11, sha256: cannot be told" in err, err)


def test_points_other_bank(p):
    """A bank of the TPM that the log has no digests for"""
    boot = Boot(p)
    pcrs = dict(boot.live.pcrs, sm3_256={n: bytes(32) for n in range(24)})
    out, err = p.run(*boot.args()[:-1], p.put("more", logs.pcr_text(pcrs)),
                     "--at", "enter-initrd", "--json", status=UNKNOWN)
    got = json.loads(out)["pcrs"]
    equal((got["sm3_256"]["0"], got["sm3_256"]["8"]), (None, "00" * 32),
          "PCRs")
    check("16" not in got["sm3_256"], "what no log tells of is not there")
    check("PCR 0, sm3_256: cannot be told" in err, err)
    p.run(*boot.args()[:-1], p.put("more", logs.pcr_text(pcrs)), "--at",
          "enter-initrd", "--pcr", "16", status=UNKNOWN)


# Words

def words_text(words):
    return "".join(f"{n} {w.decode()}\n" for n, w in words)


def test_words_file(p):
    """--words instead of this boot's log"""
    boot = Boot(p, [])
    words = [(13, b"a  b#c"), *WORDS]
    text = "# a comment\n\n \t\n" + words_text(words)
    text = text.replace("13 a", " 13 \ta")
    path = p.put("words", text)
    args = boot.args()
    del args[3:5]           # it does without --boot-log
    for point in POINTS:
        want = boot.then(until(point, words))
        out, _ = p.run(*args, "--at", point, "--words", path, "--json")
        equal(json.loads(out)["pcrs"], hex_of(want, no_order(point)), point)
    # Notes of this boot's log say nothing of the words.
    boot = Boot(p, [(11, b"sysinit"), (11, b"ready")],
                fill=lambda x: x.note(logs.UNKNOWN, 13))
    out, _ = boot.predict("--at", "ready", "--words", path, "--systemctl",
                          "--json")
    want = boot.then(until("ready", words), (b"shutdown", b"final"))
    equal(json.loads(out)["pcrs"], hex_of(want, no_order("ready")), "both")


def test_words_bad(p):
    """Each kind of bad line"""
    boot = Boot(p)
    for bad, why in (("x y", "not PCR WORD"), ("11", "not PCR WORD"),
                     ("11 ", "is empty"), ("11 ready ", "ends in a blank"),
                     ("11 ready\r", "ends in a blank"),
                     ("16 x", "they are 0 to"), ("10 x", "they are 0 to"),
                     ("-1 x", "not PCR WORD"),
                     ("99999999999999999999 x", "not PCR WORD"),
                     ("11x y", "not PCR WORD"), ("11 a\0", "not a text")):
        text = words_text(WORDS) + bad + "\n"
        out, err = boot.predict("--at", "ready", "--words", p.put("w", text),
                                status=UNKNOWN)
        check(not out and why in err, f"{bad!r}: {err}")
        check(f"line {len(WORDS) + 1}\n" in err or "\0" in bad, err)
    for text in ("", words_text(WORDS[:5])):
        _, err = boot.predict("--at", "ready", "--words", p.put("w", text),
                              status=UNKNOWN)
        check('--words has no "ready"' in err, err)
    boot.predict("--at", "ready", "--words", "/nonexistent", status=UNKNOWN)


# The log of the start

def test_boot_log(p):
    """What the live log has to begin with"""
    boot = Boot(p)
    args = boot.args()
    live, start = boot.live.bytes(), boot.start.bytes()
    for bad in (start[:-1], live + b"x", start[:-1] + b"x", b"", start[:100],
                live + boot.live.records[-1], live[:len(start) + 1]):
        args[4] = p.put("bad", bad)
        for more in (["--at", "ready"], ["--systemctl"]):
            out, err = p.run(*args, *more, status=UNKNOWN)
            check(not out and "does not begin with" in err, err)
        p.run(*args)
    args[4] = "/nonexistent"
    p.run(*args, "--systemctl", status=UNKNOWN)
    del args[3:5]
    for more in (["--at", "ready"], ["--systemctl"]):
        _, err = p.run(*args, *more, status=UNKNOWN)
        check("--log needs --boot-log" in err, err)
    # Nothing of this boot
    args = boot.args()
    args[4] = args[2]
    boot.agrees(boot.then())
    _, err = p.run(*args, "--at", "ready", status=UNKNOWN)
    check("the log of this boot has no" in err, err)


def test_boot_log_kernel(p):
    """The kernel's files: the log of the start is beside the live log"""
    boot = Boot(p)
    pcrs = p.put("pcrs", boot.live.pcr_text())
    args = ("--pcrs", pcrs, "--at", "ready", "--json")
    want = boot.then(WORDS[:-1]).pcrs
    files = {state.LOG: boot.live.bytes(), state.PENDING: boot.pending}
    start = state.LOG.replace("measurements_live", "bios_measurements")
    out, _ = state.run(p, {**files, start: boot.start.bytes()}, *args,
                       command="predict")
    equal(json.loads(out)["pcrs"]["sha1"],
          {str(n): v.hex() for n, v in want["sha1"].items()}, "PCRs")
    _, err = state.run(p, files, *args, command="predict", status=UNKNOWN)
    check("tpm0/binary_bios_measurements: No such file" in err, err)


# Lists of PCRs, banks, options

def test_pcr_list(p):
    """--pcr takes numbers and ranges, and no more"""
    boot = Boot(p)
    for text, want in (("4", [4]), ("0-2,7", [0, 1, 2, 7]), ("3-3", [3]),
                       ("7,0-2", [0, 1, 2, 7]),
                       ("0-9,11-15", [*range(10), *range(11, 16)])):
        out, _ = boot.predict("--at", "ready", "--pcr", text, "--json")
        got = json.loads(out)["pcrs"]
        equal([sorted(map(int, x)) for x in got.values()], [want] * 4, text)
        out, _ = boot.predict("--pcr", text)
        equal(sorted({int(x.split()[1]) for x in out.splitlines()}), want,
              text)
    for bad in ("", ",", "4,", ",4", "24", "0-24", "5-4", "-1", "1-", "4+7",
                "x", "4 ", "4294967296", "0-2-3", "1,,2"):
        _, err = boot.predict("--pcr", bad, status=UNKNOWN)
        check("no list of PCRs" in err, err)


def test_cryptenroll(p):
    """The argument for systemd-cryptenroll, all of it or nothing"""
    boot = Boot(p)
    args = ("--at", "enter-initrd", "--systemctl", "--cryptenroll")
    want = boot.then(until("enter-initrd"), (b"shutdown", b"final")).pcrs
    usual = (4, 7, 11, 12, 13)
    for more, bank, pcrs in (((), "sha256", usual),
                             (("--bank", "sha384"), "sha384", usual),
                             (("--pcr", "0-1,15"), "sha256", (0, 1, 15))):
        out, _ = boot.predict(*args, *more)
        equal(out, "+".join(f"{n}:{bank}={want[bank][n].hex()}" for n in pcrs)
              + "\n", "literal")
    pcrs = {"sha1": boot.live.pcrs["sha1"]}
    out, err = p.run(*boot.args()[:-1], p.put("sha1", logs.pcr_text(pcrs)),
                     *args, status=UNKNOWN)
    check(not out and "no bank sha256" in err, out + err)
    out, err = boot.predict(*args, "--pcr", "4,16", status=UNKNOWN)
    check(not out and "PCR 16, sha256: cannot be told" in err, out + err)
    boot.pending = b""
    out, err = boot.predict(*args, status=UNKNOWN)
    check(not out and "nothing is pending" in err, out + err)


def test_predict_usage(p):
    """What does not go together"""
    boot = Boot(p)
    for args, why in ((("--at", "now"), "no point"),
                      (("--at", ""), "no point"),
                      (("--bank", "sha257", "--cryptenroll"), "no bank"),
                      (("--bank", "sha256"), "for --cryptenroll"),
                      (("--json", "--cryptenroll"), "exclude each other"),
                      (("--json", "--pcrlock", "x"), "exclude each other"),
                      (("--cryptenroll", "--pcrlock", "x"),
                       "exclude each other"),
                      (("--words", "x"), "it needs --at")):
        out, err = boot.predict(*args, status=UNKNOWN)
        check(not out and why in err, err)
    _, err = p.run("log", "--at", "ready", status=UNKNOWN)
    check("log has no option --at" in err, err)


# Components of systemd-pcrlock

def component(p):
    """Names, in the order of systemd-pcrlock, and what is in the files"""
    files = sorted((p.path / COMPONENT).iterdir())
    return [x.name for x in files], [json.loads(x.read_text()) for x in files]


def record(pcr, word):
    return {"pcr": pcr, "digests": [
        {"hashAlg": b, "digest": logs.digest(b, word).hex()}
        for b in logs.BANKS]}


def kexec_words(n=3, sections=(b".linux", b".cmdline")):
    """What logs.Log.kexec() hashes"""
    words = [(4, b"kexec:%d\0" % n), (4, b"Authenticode %d" % n)]
    for name in sections:
        words += [(11, name + b"\0"), (11, b"content of " + name)]
    return words + [(9, logs.utf16("quiet")), (9, b"initrd")]


def orders(words, pcrs):
    """enter-initrd before each os-separator and behind the last one"""
    words = [x for x in words if x[0] in pcrs]
    enter = (11, b"enter-initrd")
    at = words.index(enter)
    rest = words[:at] + words[at + 1:]
    slots = [i for i, x in enumerate(rest) if x[1] == OS]
    slots += [slots[-1] + 1]
    return [words] + [rest[:i] + [enter] + rest[i:] for i in slots if i != at]


def told(log):
    """What a log extends: PCR, digests, and whether a kexec begins there"""
    out = []
    for raw in log.records:
        pcr, kind, _ = struct.unpack_from("<III", raw)
        if kind == logs.NO_ACTION:
            continue
        at, digests = 12, []
        for bank in logs.BANKS:
            size = logs.SIZES[bank]
            digests.append((bank, raw[at + 2:at + 2 + size]))
            at += 2 + size
        tag = raw[at + 4:at + 8]
        out.append((pcr, digests, (pcr, kind, tag) ==
                    (4, logs.TAGGED, struct.pack("<I", logs.MARKER))))
    return out


def as_records(some):
    return [{"pcr": pcr, "digests": [{"hashAlg": b, "digest": v.hex()}
                                     for b, v in digests]}
            for pcr, digests, _ in some]


def since_first(log, pcrs):
    """The records from the first kexec on"""
    every = told(log)
    first = [x[2] for x in every].index(True)
    return as_records(x for x in every[first:] if x[0] in pcrs or x[2])


def check_component(p, boot, point, args, pcrs):
    out, _ = boot.predict("--at", point, "--systemctl", *args,
                          "--pcrlock", str(p.path / COMPONENT))
    names, got = component(p)
    begin = since_first(boot.then((), (b"shutdown", b"final")), pcrs)
    want = [{"records": begin + [record(*x) for x in order]}
            for order in orders(until(point), pcrs)]
    equal(got[:-1], want, f"{point} {args}")
    equal((names[-1], got[-1]), ("kexec-none.pcrlock", {"records": []}),
          "the last one")
    check(f"{len(want)} variants" in out, out)
    check(all(x.endswith(".pcrlock") for x in names), f"{names}")


def test_pcrlock(p):
    """One variant per order, that of this boot first, the empty one last"""
    for start in (cold, two_hops):
        boot = Boot(p, start=start)
        for point in POINTS:
            for args, pcrs in (((), PCRLOCK_PCRS),
                               (("--pcr", "11,12"), (11, 12)),
                               (("--pcr", "8,9,11"), (8, 9, 11))):
                if no_order(point) and 9 in pcrs:
                    boot.predict("--at", point, *args, "--pcrlock",
                                 str(p.path / COMPONENT), status=UNKNOWN)
                else:
                    check_component(p, boot, point, args, pcrs)


def test_pcrlock_since(p):
    """From the first kexec on, and be it one of this boot that failed"""
    args = ("--systemctl", "--pcrlock", str(p.path / COMPONENT))
    stop = (b"shutdown", b"final")
    boot = Boot(p, start=cold)
    boot.predict(*args)
    first = [x for x in kexec_words() if x[0] in PCRLOCK_PCRS]
    equal(component(p)[1][0], {"records": [record(*x) for x in first]},
          "without what comes before it")

    for at in (5, len(WORDS)):
        boot = Boot(p, WORDS[:at], start=cold)
        boot.live.kexec(1)
        for pcr, word in WORDS[at:]:
            boot.live.user(pcr, word)
        boot.predict(*args)
        _, got = component(p)
        equal(got, [{"records": since_first(boot.then((), stop),
                                            PCRLOCK_PCRS)}, {"records": []}],
              "failed")
        equal(got[0]["records"][0], record(*kexec_words(1)[0]), "marker")
        phases = [record(11, x) for x in stop]
        check(phases == [x for x in got[0]["records"] if x in phases], "stop")

    # Without --systemctl there is no shutdown, and every kexec counts.
    boot = Boot(p, start=two_hops)
    boot.predict(*args[1:], "--pcr", "14,15")
    user = [x for x in WORDS if x[0] in (14, 15)]
    equal(component(p)[1][0], {"records": [
        record(*x) for x in (kexec_words(1)[0], *user, kexec_words(2)[0],
                             *user, kexec_words(3)[0])]}, "PCRs 14 and 15")


def test_pcrlock_notes(p):
    """A note since the first kexec stands for what pcrlock does not see"""
    path = p.path / COMPONENT
    args = ("--at", "enter-initrd", "--pcrlock", str(path))
    kinds = (lambda log: log.note(logs.FULL, 5),
             lambda log: log.note(logs.UNKNOWN, 5),
             lambda log: log.partial(5, [("sha256", b"\1" * 32)]))
    for fill in kinds:
        # In this boot, or in one between
        def between(fill=fill):
            log = cold()
            log.kexec(1)
            fill(log)
            log.kexec(2)
            return log
        for boot in (Boot(p, start=two_hops, fill=fill),
                     Boot(p, start=between)):
            for pcrs in ((), ("--pcr", "5,11")):
                _, err = boot.predict(*args, *pcrs, status=UNKNOWN)
                check("PCR 5: cannot be told" in err, err)
                check(not path.exists(), "nothing is written")
            boot.predict(*args, "--pcr", "4,11")
            subprocess.run(["rm", "-r", path], check=True)
    # Before the first kexec it is none of the component's.
    boot = Boot(p, start=cold, fill=kinds[2])
    boot.predict("--pcrlock", str(path))
    subprocess.run(["rm", "-r", path], check=True)
    # systemd's words go on to be in some banks only: a note, too.
    for start, status in ((cold, 0), (two_hops, UNKNOWN)):
        boot = Boot(p, start=start, user=some_banks)
        _, err = boot.predict("--systemctl", "--pcrlock", str(path), "--pcr",
                              "11", status=status)
        equal("PCR 11: cannot be told" in err, bool(status), err)
    # mixed() has notes of PCR 14, and of no other.
    boot = Boot(p)
    boot.predict(*args, status=UNKNOWN)
    check_component(p, boot, "ready", ("--pcr", "0-8,11-13,15"),
                    (*range(9), 11, 12, 13, 15))


def test_pcrlock_one_order(p):
    """No order to choose: one variant and the empty one"""
    boot = Boot(p, start=cold)
    path = str(p.path / COMPONENT)
    for args, words in ((("--at", "execute"), []),
                        (("--at", "sysinit", "--pcr", "15"), [(15, MACHINE)]),
                        (("--at", "enter-initrd", "--pcr", "7"), [(7, OS)])):
        boot.predict(*args, "--pcrlock", path)
        _, got = component(p)
        pcrs = {int(x) for x in args[3:4]} or PCRLOCK_PCRS
        begin = kexec_words()[:1] + [x for x in kexec_words()[1:]
                                     if x[0] in pcrs]
        equal(got, [{"records": [record(*x) for x in begin + words]},
                    {"records": []}], f"{args}")


def test_pcrlock_order_kept(p):
    """enter-initrd does not pass another record of its PCR"""
    words = [(0, OS), (11, b"before"), (1, OS), (11, b"enter-initrd"), (2, OS),
             (11, b"behind"), (3, OS), (11, b"leave-initrd"), (4, OS)]
    boot = Boot(p, words, start=cold)
    boot.predict("--at", "leave-initrd", "--pcrlock", str(p.path / COMPONENT))
    _, got = component(p)
    head = kexec_words()[:-2]
    enter, rest = words[3], words[:3] + words[4:8]
    equal(got[:-1], [{"records": [record(*x) for x in head + rest[:i] + [enter]
                                  + rest[i:]]} for i in (3, 2)], "orders")


def test_pcrlock_refused(p):
    """What cannot be in a component, and the directory that it cannot be in"""
    boot = Boot(p, start=cold)
    good = str(p.path / COMPONENT)
    for path in ("x", ".pcrlock.d", "995-kexec", "995-kexec.pcrlock",
                 ".x.pcrlock.d", "x.pcrlock.d/y", ""):
        _, err = boot.predict("--pcrlock", str(p.path) + "/" + path,
                              status=UNKNOWN)
        check("that end in .pcrlock.d only" in err, err)
        check(not (p.path / (path or "nothing")).exists(), path)
    for pcrs in ("4,16", "10", "0-15"):
        _, err = boot.predict("--pcrlock", good, "--pcr", pcrs, status=UNKNOWN)
        check("0 to 15 without IMA's" in err, err)
    p.put("file.pcrlock.d", "x")
    _, err = boot.predict("--pcrlock", str(p.path / "file.pcrlock.d"),
                          status=UNKNOWN)
    check("Not a directory" in err, err)
    # The marker is what the component is found by.
    whole, boot.pending = boot.pending, b"".join(
        logs.pending_of(boot.live, lambda log: log.user(4, b"x"))[:1])
    _, err = boot.predict("--pcrlock", good, status=UNKNOWN)
    check("does not begin with a kexec" in err, err)
    boot.pending = whole
    # A bank twice
    boot = Boot(p, [], fill=lambda log: log.partial(
        7, [("sha256", b"\1" * 32), ("sha256", b"\2" * 32)]), start=cold)
    boot.live.user(11, b"enter-initrd")
    _, err = boot.predict("--at", "enter-initrd", "--pcrlock", good,
                          status=UNKNOWN)
    check("PCR 7: a bank is extended twice" in err, err)
    check(not (p.path / COMPONENT).exists(), "nothing is written")


def test_pcrlock_directory(p):
    """A set takes the place of another one; foreign files are left alone"""
    boot = Boot(p, start=cold)
    path = p.path / "a/b" / COMPONENT
    args = ("--pcrlock", str(path) + "/")
    boot.predict("--at", "ready", *args)
    equal(len(list(path.iterdir())), 11, "files")
    for junk in (".kexec-007.pcrlock.new", ".kexec-none.pcrlock.new",
                 "kexec-999.pcrlock"):
        (path / junk).write_text("junk")
    boot.predict("--at", "execute", *args)
    equal(sorted(x.name for x in path.iterdir()),
          ["kexec-000.pcrlock", "kexec-none.pcrlock"], "files")
    for foreign in ("x", "generated.pcrlock", "kexec-1.pcrlock", ".hidden",
                    "kexec-0000.pcrlock", "kexec-000.pcrlock.new", "kexec-nonE"
                    ".pcrlock", "kexec-1000.pcrlock", ".kexec-000.pcrlock",
                    "kexec-+01.pcrlock", "\x1b.pcrlock"):
        (path / foreign).write_text("x")
        _, err = boot.predict("--at", "ready", *args, status=UNKNOWN)
        check("a directory of its own" in err, err)
        equal(sorted(x.name for x in path.iterdir()),
              sorted(["kexec-000.pcrlock", "kexec-none.pcrlock", foreign]),
              "files")
        (path / foreign).unlink()
    (path / "kexec-001.pcrlock").symlink_to("kexec-000.pcrlock")
    boot.predict("--at", "ready", *args, status=UNKNOWN)
    (path / "kexec-001.pcrlock").unlink()
    (path / "kexec-001.pcrlock").mkdir()
    boot.predict("--at", "ready", *args, status=UNKNOWN)


STOP = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The call with the number in STOP_AT fails, or is where the power goes. */
static int stop(const char *name)
{
	static int count;

	if (++count != atoi(getenv("STOP_AT")))
		return 0;
	if (!strcmp(getenv("STOP_HOW"), "crash"))
		_exit(99);
	errno = EIO;
	return -1;
}

/* File systems have orders of their own; here the empty variant is last. */
struct dirent *readdir(DIR *dir)
{
	struct dirent *(*next)(DIR *) = dlsym(RTLD_NEXT, "readdir");
	struct dirent *entry = next(dir);
	static struct dirent held;
	static int holds;

	if (entry && !strcmp(entry->d_name, "kexec-none.pcrlock")) {
		memcpy(&held, entry, entry->d_reclen);
		holds = 1;
		entry = next(dir);
	}
	if (entry || !holds)
		return entry;
	holds = 0;
	return &held;
}

int unlinkat(int dir, const char *name, int flags)
{
	int (*next)(int, const char *, int) = dlsym(RTLD_NEXT, "unlinkat");

	return stop(name) ? -1 : next(dir, name, flags);
}

int renameat(int from, const char *old, int to, const char *new)
{
	int (*next)(int, const char *, int, const char *) =
		dlsym(RTLD_NEXT, "renameat");

	return stop(new) ? -1 : next(from, old, to, new);
}

int fsync(int fd)
{
	int (*next)(int) = dlsym(RTLD_NEXT, "fsync");

	return stop("") ? -1 : next(fd);
}
"""


def stopped(p, boot, how, n):
    """Another prediction over an older one, stopped at call n; what is left"""
    path = p.path / COMPONENT
    boot.predict("--at", "enter-initrd", "--pcr", "0,11", "--pcrlock",
                 str(path))
    old = {x.name: x.read_text() for x in path.iterdir()}
    env = dict(os.environ, STOP_AT=str(n), STOP_HOW=how,
               LD_PRELOAD=str(p.path / "stop.so"))
    env["ASAN_OPTIONS"] = "verify_asan_link_order=0:detect_leaks=0"
    r = subprocess.run([KEXEC_UKI, *boot.args(), "--at", "ready", "--pcr",
                        "0-1,11", "--pcrlock", path], env=env,
                       capture_output=True, check=False)
    left = {x.name: x.read_text() for x in path.iterdir()
            if not x.name.startswith(".")}
    return r.returncode, old, left


def test_pcrlock_stopped(p):
    """A failure or a crash at each step: the old set, none, or the new one"""
    boot = Boot(p, start=cold)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", p.path / "stop.so", "-x",
                    "c", "-"], input=STOP.encode(), check=True)
    boot.predict("--at", "ready", "--pcr", "0-1,11", "--pcrlock",
                 str(p.path / COMPONENT))
    new = {x.name: x.read_text() for x in (p.path / COMPONENT).iterdir()}
    last = "kexec-none.pcrlock"
    for how in ("fail", "crash"):
        seen = set()
        for n in range(1, 100):
            status, old, left = stopped(p, boot, how, n)
            if not status:
                break
            equal(status, UNKNOWN if how == "fail" else 99, f"{how} {n}")
            sets = [old, new, {}]
            if how == "crash":      # in between, but not with the empty one
                check(last not in left or left in (old, new), f"{n}: {left}")
                check(left.items() <= old.items() or
                      left.items() <= new.items(), f"{n}: {left}")
            else:
                check(left in sets, f"{n}: {sorted(left)}")
            seen |= {i for i, x in enumerate(sets) if x == left}
        equal(left, new, "in the end")
        # If the disk does not say that it has the new set, none is left.
        check(n > 15 and seen == ({0, 1, 2} if how == "crash" else {0, 2}),
              f"{how}: {n} steps, {seen}")


def test_pcrlock_no_room(p):
    """A file that cannot be written whole: the old set stays"""
    boot = Boot(p, start=cold)
    path = p.path / COMPONENT
    boot.predict("--at", "enter-initrd", "--pcrlock", str(path))
    old = {x.name: x.read_text() for x in path.iterdir()}
    # Python ignores SIGXFSZ, and hands that on here.
    r = subprocess.run(["prlimit", "--fsize=4096", KEXEC_UKI, *boot.args(),
                        "--at", "ready", "--pcrlock", path], check=False,
                       capture_output=True, restore_signals=False)
    equal(r.returncode, UNKNOWN, f"status, {r.stderr}")
    check(b"File too large" in r.stderr, r.stderr.decode())
    equal({x.name: x.read_text() for x in path.iterdir()}, old, "files")


def user_log(words):
    """As systemd writes it: RFC 7464"""
    return "".join("\x1e" + json.dumps({
        **record(*x), "content_type": "systemd",
        "content": {"eventType": "phase", "string": "x"}}) + "\n"
        for x in words)


class Pcrlock:
    """systemd-pcrlock in the boot behind the kexec"""

    def __init__(self, p, device):
        self.p = p
        self.env = dict(os.environ, SYSTEMD_TPM2_DEVICE=f"device:{device}",
                        SYSTEMD_MEASURE_LOG_USERSPACE=str(p.path / "user.log"),
                        SYSTEMD_MEASURE_LOG_FIRMWARE=str(p.path / "fw.log"))

    def run(self, *args, location="760-:999-"):
        r = subprocess.run([PCRLOCK, "--json=short", f"--location={location}",
                            f"--components={self.p.path}/pcrlock.d", *args],
                           env=self.env, capture_output=True, timeout=60,
                           check=False)
        err = r.stderr.decode()
        check(not r.returncode, f"systemd-pcrlock {args}: {err}")
        return json.loads(r.stdout), err


# What systemd and its administrator have for a boot by firmware
STOCK = {"750-os-separator": [(n, OS) for n in OS_PCRS],
         "770-nvpcr-separator": [(9, b"nvpcr-separator")],
         "820-machine-id": [(15, MACHINE)],
         **{f"{n}-{x}": [(11, x.encode())] for n, x in (
             (750, "enter-initrd"), (800, "leave-initrd"), (850, "sysinit"),
             (900, "ready"), (950, "shutdown"), (990, "final"))}}
USER = WORDS[:-1]


@contextlib.contextmanager
def machine(p):
    """A boot by firmware with systemd-pcrlock and a TPM"""
    boot = Boot(p, USER, start=cold, number=1)
    parts = p.path / "pcrlock.d"
    parts.mkdir()
    for name, words in STOCK.items():
        (parts / f"{name}.pcrlock").write_text(json.dumps(
            {"records": [record(*x) for x in words]}))
    (parts / "100-firmware.pcrlock").write_text(json.dumps(
        {"records": as_records(told(boot.start))}))
    with tpms.swtpm(p.path) as talk, \
            tpms.terminal(lambda command: [talk(command)]) as device:
        extend_all(talk, boot.live.records)
        yield Pcrlock(p, device), boot, talk


def test_pcrlock_systemd(p):
    """systemd-pcrlock knows one kexec, two and three, and predicts as --at"""
    with machine(p) as (tool, boot, talk):
        for _ in range(3):
            write(boot)
            before = boot.then((), (b"shutdown", b"final"))
            boot = hop(tool, boot, talk)
            check_listed(tool)
            check_orders(tool, len(since_first(before, PCRLOCK_PCRS)))
            check_predicted(tool, boot.before)


def test_pcrlock_beside(p):
    """A component with another name leaves earlier kexecs known meanwhile"""
    with machine(p) as (tool, boot, talk):
        write(boot)
        boot = hop(tool, boot, talk)
        tool.p.put("user.log", user_log(USER))
        check_kept(tool, "760-:999-")
        write(boot)
        _, err = tool.run("predict")
        for pcr in PCRLOCK_PCRS:
            check(re.search(fr"PCR {pcr} .*Removing", err), err)

        write(boot.before)
        write(boot, "995-kexec-2.pcrlock.d")
        write(boot, "994-kexec-initrd.pcrlock.d", "enter-initrd")
        values = check_kept(tool, "760-:995")
        said = boot.predict("--at", "enter-initrd", "--systemctl", "--json")[0]
        for pcr, some in values.items():
            check(json.loads(said)["pcrs"]["sha256"][str(pcr)] in some and
                  len(some) <= ALTERNATIVES, f"{pcr}: {some}")
        boot = hop(tool, boot, talk)
        tool.p.put("user.log", user_log(USER))
        check_kept(tool, "760-:995")


# Of TPM2_PolicyOR, TPM 2.0 Part 3, 23.6
ALTERNATIVES = 8


def check_kept(tool, location):
    """No PCR is dropped; what is predicted for SHA-256"""
    got, err = tool.run("predict", location=location)
    check("Removing" not in err, err)
    values = {x["pcr"]: x["values"] for x in got["sha256"]}
    equal(sorted(values), list(PCRLOCK_PCRS), "PCRs")
    return values


def write(boot, name=COMPONENT, point="ready"):
    boot.predict("--at", point, "--systemctl", "--pcrlock",
                 str(boot.p.path / "pcrlock.d" / name))


def extend_all(talk, records):
    log = logs.Log()
    log.records = records
    for pcr, digests, _ in told(log):
        tpms.extend(talk, pcr, digests)


def hop(tool, boot, talk):
    """A kexec, and the next boot"""
    before = boot.then((), (b"shutdown", b"final"))
    after = boot.then(USER, (b"shutdown", b"final"))
    extend_all(talk, after.records[len(boot.live.records):])
    tool.p.put("fw.log", before.bytes())
    more = Boot(tool.p, USER, number=boot.number + 1,
                start=lambda: logs.pending_of(before, lambda log: None)[1])
    more.before = boot
    return more


def check_listed(tool):
    listed, err = tool.run("list-components")
    files = [re.sub(".*/", "", x["variants"]) for x in listed
             if x["id"] == "995-kexec"]
    equal(files, [f"kexec-{n:03}.pcrlock" for n in range(10)] +
          ["kexec-none.pcrlock"], f"variants, {err}")


def check_orders(tool, count):
    """Every order that is permitted is known, and one that is not is not"""
    every = orders(USER, range(16))
    short = orders(USER, PCRLOCK_PCRS)
    check(len(every) > len(short) == 10, "the case itself")
    a, b = USER.index((15, MACHINE)), USER.index((11, b"ready"))
    wrong = USER[:a] + USER[a + 1:b + 1] + [USER[a]]
    for words, good in [(x, True) for x in every] + [(wrong, False)]:
        tool.p.put("user.log", user_log(words))
        table, _ = tool.run("log")
        rows = [x for x in table["log"] if x["pcr"] in PCRLOCK_PCRS]
        n = count + len([x for x in words if x[0] in PCRLOCK_PCRS])
        equal({x["component"] for x in rows[-n:]},
              {"995-kexec"} if good else {None}, f"components, {words}")
        equal({x["component"] for x in rows[:-n]},
              {"100-firmware", *STOCK} - {"770-nvpcr-separator"}, "before")


def check_predicted(tool, boot):
    """The values that a policy would be made for are those of --at; a second
    component tells of an earlier point of the same kexec"""
    tool.p.put("user.log", user_log(USER))
    points = ["ready"]
    check_values(tool, boot, points)
    points.append("enter-initrd")
    second = "994-kexec-initrd.pcrlock.d"
    write(boot, second, points[1])
    check_values(tool, boot, points)
    subprocess.run(["rm", "-r", tool.p.path / "pcrlock.d" / second],
                   check=True)


def check_values(tool, boot, points):
    got, err = tool.run("predict", "--pcr=" + "+".join(map(str, PCRLOCK_PCRS)))
    check("Removing" not in err, err)
    for point in points:
        out, _ = boot.predict("--at", point, "--systemctl", "--json")
        said = json.loads(out)["pcrs"]
        for bank in logs.BANKS:
            values = {x["pcr"]: x["values"] for x in got[bank]}
            equal(sorted(values), list(PCRLOCK_PCRS), "PCRs")
            for pcr, some in values.items():
                check(said[bank][str(pcr)] in some,
                      f"{point} {bank} {pcr}: {some}")
