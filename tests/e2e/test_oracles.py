# SPDX-License-Identifier: GPL-2.0
"""A cold boot, its log, tpm2_eventlog and systemd-measure agree.

No kexec: this is the ground that the other tests stand on.
"""

from harness import oracle, uki


def run(t):
    image = t.next(options=uki.signing_options())
    cold = oracle.cold(image)
    chip = cold.pcrs("after")
    t.equal(sorted(chip), ["sha1", "sha256", "sha384", "sha512"], "banks")
    for bank, want in oracle.systemd_measure(image).items():
        t.equal(chip[bank][11], want, f"{bank} PCR 11 and systemd-measure")
    events = oracle.uki_events(cold)
    t.equal(sum(e.pcr == 9 for e in events), 2, "events in PCR 9")
    t.equal([e for e in events if e.pcr == 12], [], "events in PCR 12")
    for e in events:
        print(f"PCR {e.pcr:2} {e.type_name} {e.describe()} "
              f"{e.digests['sha256'].hex()[:16]}")
    t.equal(cold.text("after/who"), "next", "the initrd")
    for path, what in cold.extra("after").items():
        print(path, *what)
