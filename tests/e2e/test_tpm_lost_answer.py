# SPDX-License-Identifier: GPL-2.0
"""A failed execute, then a fresh load: the next execute boots the UKI.

The TPM has executed the command whose answer said failure, so its PCR has
moved; what came before the failure stays extended, and the log says so: the
kernel reads the PCR back.  The next marker has the next number.
"""

from harness import broken, oracle, tpmproxy

SCRIPT = """
dump before
try load1 kexec -s -l /in/next.efi
try exec1 kexec_load_file exec
logs failed
try load2 kexec -s -l /in/next.efi
try exec2 kexec_load_file exec
"""


def run(t):
    image = t.next()
    r, _ = broken.boot(t, SCRIPT, tpmproxy.LOSE)
    r.need("failed/pcrs", "after/pcrs")
    t.outcome(r, "exec1", "EIO")
    t.equal(r.status("load2"), 0, "kexec -s -l")
    t.equal(r.text("after/who"), "next", "who runs after")
    events = oracle.uki_events(oracle.cold(image))
    want = oracle.expected(r.pcrs("before"),
                           ([oracle.marker(1)] + events)[:broken.NTH + 1])
    t.same_pcrs(r.pcrs("failed"), want, "after the failure")
    oracle.check_log(r, "failed")
    want = oracle.expected(want, [oracle.marker(2)] + events)
    t.same_pcrs(r.pcrs("after"), want, "after the kexec")
    oracle.check_log(r, "after")
