# SPDX-License-Identifier: GPL-2.0
"""A list that has outgrown its segment since the load: ENOSPC, no trace.

Nothing is extended, IMA records nothing of the kexec, the system lives on, and
the same image loaded anew goes along with the whole list.
"""

from harness import imagrow, imalog

SCRIPT = f"""
try load kexec -s -l /in/next.efi
{imagrow.GROW}
dump before
try exec kexec_load_file exec
dump refused
try exec2 kexec_load_file exec
try again kexec -s -l /in/next.efi
try go kexec -e
"""


def run(t):
    imagrow.files(t)
    image = t.next(cmdline=imagrow.POLICY)
    r = t.boot(SCRIPT, first=t.first(imagrow.POLICY))
    r.need("before/pcrs", "refused/pcrs", "after/pcrs")
    t.equal(r.status("load"), 0, "load")
    for name in ("exec", "exec2"):
        t.outcome(r, name, "ENOSPC")
        t.inside("measurement list", r.text(f"{name}/dmesg"), "why")
    t.equal(r.text("refused/kexec_loaded"), "1", "kexec_loaded")
    t.same_pcrs(r.pcrs("refused"), r.pcrs("before"), "after the refusal")
    t.equal(r.status("again"), 0, "load anew")
    before, after = imalog.lists(r, "refused"), imalog.lists(r, "after")
    for bank, rows in after.items():
        t.equal(imalog.named(before[bank], "kexec_uki"), [],
                f"{bank}: records of the kexec that was refused")
        t.equal(rows[:len(before[bank])], before[bank],
                f"{bank}: the list went along")
        t.equal(r.pcrs("after")[bank][imalog.IMA_PCR],
                imalog.replay(rows, bank), f"{bank} PCR 10")
    t.hop(r, image)
