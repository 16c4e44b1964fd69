# SPDX-License-Identifier: GPL-2.0
"""The cases of "kexec-uki status": /sys is made up, in a mount namespace."""

import json
import os
import subprocess

import logs
from place import DIFFERS, KEXEC_UKI, OK, UNKNOWN, check, equal

NS = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
SECURE_BOOT = "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
PENDING = "kernel/security/kexec/pending_measurements"
LOG = "kernel/security/tpm0/binary_measurements_live"
LOADED = {"kernel/kexec_loaded": "1\n", "kernel/kexec_crash_loaded": "0\n"}


def run(p, files, *args, command="status", status=OK):
    tree = p.path / "sys"
    subprocess.run(["rm", "-rf", tree], check=True)
    for path, content in files.items():
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    tree.mkdir(exist_ok=True)
    done = subprocess.run(
        [*NS, "sh", "-ec", f'mount --bind {tree} /sys; exec "$@"', "sh",
         KEXEC_UKI, command, *args], capture_output=True, timeout=60, check=False)
    out, err = done.stdout.decode("ascii"), done.stderr.decode("ascii")
    check("Sanitizer" not in err and "runtime error" not in err, err)
    check(done.returncode == status,
          f"{files.keys()}: status {done.returncode}, want {status}: {out}{err}")
    return out, err


def look(p, files, status=OK):
    """The text, and what the JSON says"""
    text, _ = run(p, files, status=status)
    return text, json.loads(run(p, files, "--json", status=status)[0])


def measured():
    """A log, and what a kexec appends to it"""
    live, after = logs.mixed(), logs.mixed()
    after.kexec(3)
    after.event(12, logs.IPL, b"x", b"x")
    return live.bytes(), b"".join(after.records[len(live.records):])


def test_status_loaded(p):
    """Each of what can be loaded, and the exit status"""
    for loaded, crash, status, words in (
            ("1\n", "0\n", OK, ("An image is loaded", "No crash kernel")),
            ("0\n", "1\n", DIFFERS, ("Nothing is loaded", "A crash kernel is")),
            ("0\n", "0\n", DIFFERS, ("Nothing is loaded", "No crash kernel")),
            ("1\n", "1\n", OK, ("An image is loaded", "A crash kernel is")),
            ("1\n", None, OK, ("An image is loaded", "crash kernel is loaded can")),
            (None, "0\n", UNKNOWN, ("image is loaded cannot", "No crash kernel")),
            ("2\n", "x", UNKNOWN, ("image is loaded cannot", "loaded cannot")),
            ("", "", UNKNOWN, ("image is loaded cannot", "loaded cannot")),
            (None, None, UNKNOWN, ("image is loaded cannot", "loaded cannot"))):
        files = {"kernel/kexec_loaded": loaded,
                 "kernel/kexec_crash_loaded": crash}
        files = {k: v for k, v in files.items() if v is not None}
        text, got = look(p, files, status)
        lines = text.splitlines()
        check(words[0] in lines[0] and words[1] in lines[1], text)
        value = {"0\n": False, "1\n": True}
        equal((got["loaded"], got["crash_loaded"]),
              (value.get(loaded), value.get(crash)), "JSON")


def test_status_pending(p):
    """The events that are pending"""
    log, pending = measured()
    text, got = look(p, {**LOADED, LOG: log, PENDING: pending})
    check("9 events of kexec number 3, PCRs 4, 9, 11, 12.\n" in text, text)
    equal(got["pending"], {"events": 9, "kexec": 3, "pcrs": [4, 9, 11, 12]},
          "JSON")

    text, got = look(p, {**LOADED, PENDING: b""})
    check("Pending measurements: none" in text, text)
    equal(got["pending"], {"events": 0, "kexec": None, "pcrs": []}, "JSON")

    text, got = look(p, LOADED)
    check("unknown; the kernel measures no kexec" in text, text)
    equal(got["pending"], None, "JSON")


def test_status_files(p):
    """--log and --pending"""
    log, pending = measured()
    out, _ = run(p, LOADED, "--log", p.put("log", log), "--pending",
                 p.put("pending", pending), "--json")
    equal(json.loads(out)["pending"]["kexec"], 3, "number")


def test_status_pending_bad(p):
    """A list that cannot be read is never told in part"""
    log, pending = measured()
    for files in ({LOG: log, PENDING: pending[1:]}, {PENDING: pending},
                  {LOG: log[:-1], PENDING: pending},
                  {LOG: b"x", PENDING: pending}):
        text, err = run(p, {**LOADED, **files}, status=UNKNOWN)
        check("Pending measurements: unknown" in text and err, text + err)
        out, _ = run(p, {**LOADED, **files}, "--json", status=UNKNOWN)
        equal(json.loads(out)["pending"], None, "JSON")


def test_status_security(p):
    """Lockdown and Secure Boot"""
    for lockdown, want in (("[none] integrity confidentiality\n", "none"),
                           ("none [integrity] confidentiality\n", "integrity"),
                           ("none integrity [confidentiality]\n",
                            "confidentiality"),
                           ("none\n", None), ("[", None), ("x]", None), ("", None),
                           ("[a\"b]", None), ("[" + "a" * 99 + "]", None),
                           (None, None)):
        files = dict(LOADED)
        if lockdown is not None:
            files["kernel/security/lockdown"] = lockdown
        text, got = look(p, files)
        check(f"Lockdown: {want or 'unknown'}.\n" in text, text)
        equal(got["lockdown"], want, "JSON")
    for var, want in ((b"\6\0\0\0\1", True), (b"\6\0\0\0\0", False),
                      (b"\6\0\0\0", None), (b"", None), (None, None)):
        files = dict(LOADED)
        if var is not None:
            files[SECURE_BOOT] = var
        text, got = look(p, files)
        word = {True: "on", False: "off", None: "unknown"}[want]
        check(f"Secure Boot: {word}.\n" in text, text)
        equal(got["secure_boot"], want, "JSON")
