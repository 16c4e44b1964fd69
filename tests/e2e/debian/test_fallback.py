# SPDX-License-Identifier: GPL-2.0
"""An extend fails under systemctl kexec: a reboot, and the cold-boot slot opens."""

from harness import broken, debian, oracle, tpmproxy

NEEDS = debian.NEEDS

FIRST = """
look
try $n/load kexec-uki load $uki/next.efi
enroll
hop
"""
SECOND = """
look
wipe
"""


def run(t):
    g = debian.Guest(t, ("kexec-uki", "kexec-uki-cryptenroll"))
    g.uki("first.efi")
    g.uki("next.efi", "word=next")
    proxy = broken.proxy((broken.NTH, tpmproxy.FAIL))
    r = g.boot(FIRST, SECOND, proxy=proxy).need("2/live_log", "2/wiped")
    t.equal(proxy.spoiled, 1, "commands that the proxy has spoiled")
    t.inside(f"extending PCR 11 with event {broken.NTH} failed",
             r.tail(9999), "the reason on the console")
    t.inside("Failed to kexec: Input/output error", r.tail(9999), "systemd")
    t.true("word=next" not in r.text("2/cmdline"), "what runs is next.efi")
    t.equal(r.text("2/failed"), "", "units that failed")
    t.inside("   2 tpm2", r.text("1/enrolled"), "slots")
    t.equal(r.status("2/wipe"), 0, r.text("2/wipe/out"))
    t.true("   2 tpm2" not in r.text("2/wiped"), "the slot was not wiped")
    # A cold boot: its log has no kexec in it, and explains the TPM.
    marker = oracle.marker().digests["sha256"]
    t.true(marker not in r.files["2/live_log"], "a marker in the log")
    oracle.check_log(r, "2")
