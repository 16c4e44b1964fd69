# SPDX-License-Identifier: GPL-2.0
"""systemctl kexec, twice, by its own load: events, log, verifier, EFI variables.

The fourth boot is a cold one of what the first kexec started, chosen by an EFI
variable that was written after two kexecs.
"""

import json

from harness import attest, debian, oracle

NEEDS = debian.NEEDS

FIRST = """
always_open
look
default next.efi
hop
"""
SECOND = """
look
default first.efi
hop
"""
THIRD = """
look
quote
""" + attest.LOCK + """
try $n/replay kexec-uki replay
try $n/pcrlock $pcrlock log --json=short
try $n/status bootctl status --no-pager
try $n/oneshot bootctl set-oneshot next.efi
copy $n/variable /sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
sync
reboot -f
"""
FOURTH = """
look
"""


def efi(t, r):
    """EFI's runtime services, after two kexecs"""
    t.equal(r.status("3/oneshot"), 0, r.text("3/oneshot/out"))
    t.equal(r.files["3/variable"][4:],
            "next.efi\0".encode("utf-16-le"), "the variable")
    t.inside("word=next", r.text("4/cmdline"), "what firmware has started")
    t.inside("systemd-stub 262", r.text("3/status/out"), "bootctl status")


def pcrlock(t, r):
    """systemd's replay: the log that came along, then its own of this boot"""
    rows = json.loads(r.text("3/pcrlock/out").splitlines()[-1])["pcrs"]
    matches = {row["pcr"] for row in rows if row["hashMatchesEventLog"]}
    t.equal(set(range(16)) - {10} - matches, set(),
            "PCRs that systemd-pcrlock log does not explain")
    t.true(not r.files["2/user_log"].startswith(r.files["1/user_log"]),
           "systemd's own log has come along")


def verifier(t, r):
    """What was booted is allowed, and no longer if one of the UKIs is not."""
    for boot in "123":
        t.equal(attest.verdict(t, r, boot, "4"), (0, "accepted\n"),
                f"the verifier of boot {boot}")
    t.equal(r.status("3/quote"), 0, r.text("3/quote/error"))
    t.equal(attest.verdict(t, r, "3", "4", quote=r.files["3/quote/pcrs"]),
            (0, "accepted\n"), "the verifier of a quote")
    status, reasons = attest.verdict(t, r, "3", "4", ("first",))
    t.equal(status, 1, "the verifier, if next.efi is not allowed")
    t.inside("kexec 1: what was executed is no allowed UKI", reasons, "reason")


def run(t):
    g = debian.Guest(t)
    g.uki("first.efi")
    g.uki("next.efi", "word=next")
    r = g.boot(FIRST, SECOND, THIRD, FOURTH).need("4/live_log")
    for n in "1234":
        t.equal(r.text(f"{n}/failed"), "", f"boot {n}: units that failed")
        oracle.check_log(r, n)
    t.equal(r.status("3/replay"), 0, r.text("3/replay/out"))
    debian.check_hop(t, r, "1", oracle.uki_events(r, "4"), 1)
    debian.check_hop(t, r, "2", oracle.uki_events(r, "1"), 2)
    efi(t, r)
    pcrlock(t, r)
    verifier(t, r)
