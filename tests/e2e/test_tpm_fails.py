# SPDX-License-Identifier: GPL-2.0
"""An extend fails at the execute: EIO, a live kernel, ESTALE, a plain reboot.

The log has what was extended, and user space may extend again.
"""

from harness import broken, oracle, tpmproxy

SCRIPT = """
dump before
try load kexec -s -l /in/next.efi
pending load
try exec1 kexec_load_file exec
logs failed
pending failed
try exec2 kexec_load_file exec
logs stale
tpm_user extend 14 fourteen > /tmp/said
emit said < /tmp/said
echo alive | emit alive
reboot -f
"""


def run(t):
    image = t.next()
    r, _ = broken.boot(t, SCRIPT, tpmproxy.FAIL)
    t.equal(r.text("alive"), "alive", "the old kernel")
    t.outcome(r, "exec1", "EIO")
    t.outcome(r, "exec2", "ESTALE")
    t.equal(r.ended, "exit", "how the machine ended after reboot -f")
    r.ended = "bye"             # as it should have
    t.quiet(r)
    events = [oracle.marker()] + oracle.uki_events(oracle.cold(image))
    want = oracle.expected(r.pcrs("before"), events[:broken.NTH])
    t.same_pcrs(r.pcrs("failed"), want, "after the failure")
    t.same_pcrs(r.pcrs("stale"), want, "after the second try")
    for when in ("failed", "stale"):
        oracle.check_log(r, when)
    t.true(r.files["load/pending"], "nothing was pending")
    t.equal(r.files["failed/pending"], b"", "the pending list of a spent image")
    t.equal(r.text("said"), "extend ok", "an extend by user space")
