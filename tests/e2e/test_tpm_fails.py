# SPDX-License-Identifier: GPL-2.0
"""An extend fails at the execute: EIO, a live kernel, ESTALE, a plain reboot."""

from harness import broken, oracle, tpmproxy

SCRIPT = """
dump before
try load kexec -s -l /in/next.efi
try exec1 kexec_load_file exec
pcrs failed
try exec2 kexec_load_file exec
pcrs stale
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
    for word in ("Kernel panic", "BUG:", "WARNING:"):
        t.true(word not in r.tail(500), f"{word} on the console")
    events = [oracle.marker()] + oracle.uki_events(oracle.cold(image))
    want = oracle.expected(r.pcrs("before"), events[:broken.NTH])
    t.same_pcrs(r.pcrs("failed"), want, "after the failure")
    t.same_pcrs(r.pcrs("stale"), want, "after the second try")
