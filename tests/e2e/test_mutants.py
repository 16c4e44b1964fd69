# SPDX-License-Identifier: GPL-2.0
"""2000 damaged UKIs, and other mutants: loaded, or refused by a documented errno.

No splat, no PCR moved, nothing left behind.  long/test_mutants_kasan.py does
the same to a kernel that sees what is read out of bounds, and what is not freed.
"""

from harness import mutants, uki

# All kinds of them, and some random ones; and a part once more, locked down
SOME, LEAST = "count=12000 step=3", 2000
LOCKED = "count=12000 step=27"


def run(t, linux=None, some=SOME, least=LEAST, locked=LOCKED, **params):
    args = " ".join(mutants.prepare(t))
    first = t.first("crashkernel=64M log_buf_len=1M "
                    "loglevel=2 kasan_multi_shot",
                    extra=mutants.tool(), linux=linux)
    first = uki.sign(first, t.dir / "signed.efi")
    r = t.boot(mutants.run_script(args, some, locked), first=first,
               secure=True, **params)
    r.need("before/pcrs", "locked/out", "end/live_log")
    opened = mutants.judged(t, r, "open", least)
    shut = mutants.judged(t, r, "locked", 200)
    t.inside("[integrity]", r.text("locked/mode"), "lockdown")
    t.true(opened["uki"]["ok"] > 500, "few mutants were loaded")
    for errno in ("EBADMSG", "ELIBBAD", "ENODATA", "E2BIG", "EADDRNOTAVAIL"):
        t.true(opened["uki"].get(errno), f"no mutant with {errno}")
    t.true(opened["other"].get("ENOEXEC", 0) > 50, "few that are no UKI")
    t.true(shut["uki"].get("ok", 0) > 3, "locked: few mutants were loaded")
    t.true(shut["uki"].get("EPERM", 0) > 50, "locked: few were refused")
    for when in ("open", "locked", "end"):
        t.same_pcrs(r.pcrs(when), r.pcrs("before"), when, skip=())
    mutants.healthy(t, r)
    return r
