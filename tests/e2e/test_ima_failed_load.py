# SPDX-License-Identifier: GPL-2.0
"""A load that fails takes nothing from the image that is loaded.

A is loaded, IMA's list grows, the load of B fails when IMA has reserved room
in B for the longer list.  Executing A must not write that list over the end of
A's shorter segment: it is refused, and A loaded anew carries the list.
"""

import shutil

from harness import imagrow, imalog, paths

# Longer than any x86 kernel takes, which its loader sees last.
TOO_LONG = 3000
SCRIPT = f"""
try a kexec -s -l /in/next.efi
{imagrow.GROW}
try b kexec_load_file load /in/bzImage cmdline=$(printf %0{TOO_LONG}d 0)
loaded b
dump before
try exec kexec_load_file exec
echo alive | emit alive
try again kexec -s -l /in/next.efi
pcrs again
try go kexec -e
"""


def run(t):
    imagrow.files(t)
    t.next(cmdline=imagrow.POLICY)
    shutil.copy(paths.BZIMAGE, t.share / "bzImage")
    r = t.boot(SCRIPT, first=t.first(imagrow.POLICY))
    r.need("alive", "after/pcrs")
    t.equal(r.status("a"), 0, "load of A")
    t.outcome(r, "b", "EINVAL")
    t.equal(r.text("b/loaded"), "1", "A is still loaded")
    t.outcome(r, "exec", "ENOSPC")
    t.equal(r.status("again"), 0, "load of A anew")
    t.equal(r.text("after/who"), "next", "who runs after")
    t.quiet(r)

    before, after = imalog.lists(r, "before"), imalog.lists(r, "after")
    t.true(len(before) > 1, "lists of all banks")
    for bank, rows in after.items():
        t.equal(rows[:len(before[bank])], before[bank],
                f"{bank}: the list went along")
        t.equal(r.pcrs("after")[bank][imalog.IMA_PCR],
                imalog.replay(rows, bank), f"{bank} PCR 10")
        t.equal(len(imalog.named(before[bank], "kexec_load")), 2,
                f"{bank}: loads that got as far as IMA, B's among them")
