# SPDX-License-Identifier: GPL-2.0
"""kexec_load() boots as before, and leaves two records in PCR 4 that say so.

The log does not go along, so PCR 4 alone does not replay in the next kernel.  With
kexec_measure=uki there is no trace; where the TPM fails there is no kexec.
"""

import hashlib
import shutil

from harness import broken, machine, oracle, paths, tpmlog, tpmproxy, uki

TEXT = f"{uki.CONSOLE} e2e=dump word=pieces"
LOAD = f"kexec -c -l /in/bzImage --initrd=/in/plain.img --append='{TEXT}'"
SCRIPT = f"""
dump before
try load {LOAD}
pending load
try unload kexec -c -u
pending unload
try again {LOAD}
try exec kexec -e
"""
FAIL = f"""
dump before
try load {LOAD}
try exec kexec_load_file exec
logs failed
try stale kexec_load_file exec
try again {LOAD}
try exec2 kexec -e
"""
# What both records are over: the text in their event data
WORDS = (b"kexec:1\0", b"kexec_load\0")


def extended(values, words):
    """PCR 4 of each bank, extended with hashes of the words"""
    out = {bank: dict(pcrs) for bank, pcrs in values.items()}
    for bank, pcrs in out.items():
        for word in words:
            digest = hashlib.new(bank, word).digest()
            pcrs[4] = hashlib.new(bank, pcrs[4] + digest).digest()
    return out


def check_next(t, r):
    t.equal(r.text("after/who"), "plain", "who runs after")
    t.equal(r.text("after/cmdline"), TEXT, "command line")
    t.equal(r.files["after/live_log"], r.files["before/bios_log"],
            "the log is the firmware's again")


def measured(t):
    r = t.boot(SCRIPT).need("before/pcrs", "after/pcrs")
    for name in ("load", "unload", "again"):
        t.equal(r.status(name), 0, name)
    check_next(t, r)
    events = tpmlog.parse(r.files["load/pending"],
                          tpmlog.split(r.files["before/bios_log"])[0])
    t.equal([(e.pcr, e.type, e.describe()) for e in events],
            [(4, tpmlog.EV_EVENT_TAG, w[:-1].decode()) for w in WORDS],
            "the pending list")
    for event, word in zip(events, WORDS):
        t.equal(event.digests["sha256"], hashlib.sha256(word).digest(),
                f"the digest of {word!r}")
    t.equal(r.files["unload/pending"], b"", "the pending list after unload")
    t.same_pcrs(r.pcrs("after"), extended(r.pcrs("before"), WORDS),
                "after the kexec")


def left_out(t):
    m = machine.Machine(f"{t.name}-uki", share=t.share,
                        boot=t.first("kexec_measure=uki"))
    r = m.run().need("before/pcrs", "after/pcrs")
    check_next(t, r)
    t.equal(r.files["load/pending"], b"", "the pending list")
    t.same_pcrs(r.pcrs("after"), r.pcrs("before"), "after the kexec")


def tpm_fails(t):
    """The second record cannot be extended."""
    t.script(FAIL)
    proxy = broken.proxy((1, tpmproxy.FAIL))
    m = machine.Machine(f"{t.name}-fail", boot=t.first(), share=t.share,
                        proxy=proxy)
    r = m.run().need("failed/pcrs", "after/pcrs")
    t.equal(proxy.spoiled, 1, "commands that the proxy has spoiled")
    t.outcome(r, "exec", "EIO")
    t.outcome(r, "stale", "ESTALE")
    oracle.check_log(r, "failed")
    half = extended(r.pcrs("before"), WORDS[:1])
    t.same_pcrs(r.pcrs("failed"), half, "after the failure")
    t.same_pcrs(r.pcrs("after"), extended(half, (b"kexec:2\0", WORDS[1])),
                "after the second load")


def run(t):
    shutil.copy(paths.BZIMAGE, t.share / "bzImage")
    shutil.copy(t.initrd("plain.img", {"who": b"plain\n"}), t.share)
    measured(t)
    left_out(t)
    tpm_fails(t)
