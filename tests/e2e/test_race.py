# SPDX-License-Identifier: GPL-2.0
"""User space extends PCRs 11 and 15 until the jump; the log explains all of it.

Two processors, so that the extends and the kexec really go on at once.  From the
first event of the kexec on nobody else gets a turn.
"""

from harness import oracle, tpmlog

# Fewer than what fills a PCR's share of the log, more than fit into the time
COUNT = 1000
SCRIPT = f"""
dump before
try load kexec -s -l /in/next.efi
tpm_user busy {COUNT} 11 15 > /dev/null &
sleep 0.3
try exec kexec_load_file exec
"""


def run(t):
    image = t.next()
    r = t.boot(SCRIPT, cpus=2).need("before/pcrs", "after/pcrs")
    t.equal(r.status("load"), 0, "kexec -s -l")
    events = oracle.check_log(r, "after")
    new = oracle.appended(r, "before", "after")
    mine = tpmlog.tagged(new, tpmlog.TAG_EXTEND)
    print(f"{len(mine)} extends, "
          f"{[x for x in r.tail(200).splitlines() if 'tpm_user' in x]}")
    t.true(0 < len(mine) < COUNT, f"{len(mine)} extends of user space")
    t.equal([e.pcr for e in mine], [(11, 15)[n % 2] for n in range(len(mine))],
            "PCRs of user space")
    t.true(new[:len(mine)] == mine, "some come after the kexec's first")
    want = [oracle.marker()] + oracle.uki_events(oracle.cold(image))
    t.same_events(new[len(mine):], want, "what the kexec has appended")
    t.equal([e for e in events if tpmlog.note(e)], [], "notes")
