# SPDX-License-Identifier: GPL-2.0
"""A kexec extends what a cold boot of the same UKI extends."""

from . import oracle, rich

SCRIPT = """
dump before
try load kexec -s -l /in/next.efi
pcrs loaded
try exec kexec -e
"""


def check(t, tpm):
    image = t.next(options=rich.options(t), cmdline="word=parity",
                   extra={"pad": b"not a multiple of four"})
    r = t.boot(SCRIPT, tpm=tpm)
    r.need("before/pcrs", "loaded/pcrs", "after/pcrs")
    t.same_pcrs(r.pcrs("loaded"), r.pcrs("before"), "after the load")
    cold, events = t.hop(r, image, tpm=tpm)
    t.equal(len(r.pcrs("after")), 4, "banks")
    for n in (4, 9, 11):
        t.true(any(e.pcr == n for e in events), f"no event in PCR {n}")
    t.equal(sum(e.pcr == 11 for e in events), 20, "events in PCR 11")
    extra = cold.extra("after")
    extra.pop("/.extra/boot-secret", None)
    t.equal(r.extra("after"), extra, "files in /.extra")
    oracle.check_log(r, "before")
