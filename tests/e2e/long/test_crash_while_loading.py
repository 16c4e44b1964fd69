# SPDX-License-Identifier: GPL-2.0
"""A panic while UKIs are being loaded and the TPM is slow: kdump comes.

__crash_kexec() only tries the kexec lock, so whatever holds that keeps the
crash kernel from starting.  It must not be held while somebody waits for the
TPM, or hashes what is loaded.

The first guest only looks: the lock has to be held for less than one answer of
the TPM.  Then guests panic, each at another moment, the last one under KCSAN.
Mainline holds the lock while it places, copies and hashes segments, and so do
we: a guest may be unlucky once.
"""

import random
import time

from harness import machine, paths, tpmproxy, uki

# The TPM's delay of each answer, from when PCR 16 is extended on
DELAYS_S = (0.2, 0.4, 0.6)
KCSAN = paths.variant("kcsan")
NEEDS = (KCSAN,)
LOOK_S = 25
SLOWLY = "slowly."

BEGIN = r"""
try crash kexec_load_file load /in/next.efi crash
tpm_user extend 16 %(slowly)s
TPM=/dev/tpm0 tpm_user busy 1000 15 > /dev/null 2>&1 &
"""
LOOK = BEGIN + r"""
race %(seconds)d /tmp lock=/sys/kernel/kexec_crash_size \
	uki=/in/more.efi unload > /tmp/said 2>&1
emit said < /tmp/said
"""
PANIC = BEGIN + r"""
race 1000 /tmp uki=/in/more.efi unload > /dev/null 2>&1 &
echo 1 > /proc/sys/kernel/sysrq
sleep %(seconds).2f
echo c > /proc/sysrq-trigger
"""


class Slow(tpmproxy.Proxy):
    """Takes its time for every answer once PCR 16 was extended"""

    def __init__(self, delay):
        super().__init__((), ())
        self.delay, self.slow, self.answers_late = delay, False, 0

    def spoils(self, command):
        if (SLOWLY * 2).encode() in command:
            self.slow = True
        elif self.slow:
            self.answers_late += 1
            time.sleep(self.delay)
        return None


def boot(t, name, script, delay, linux=paths.BZIMAGE, **values):
    proxy = Slow(delay)
    t.script(script % dict(values, slowly=SLOWLY))
    extra = {"bin/race": (0o755, (paths.TOOLS / "race").read_bytes())}
    first = t.first("crashkernel=300M", linux=linux, extra=extra)
    r = machine.Machine(f"{t.name}-{name}", boot=first, share=t.share,
                        memory=2048, proxy=proxy).run()
    t.outcome(r, "crash", "ok")
    t.true(proxy.answers_late, "the TPM was never slow")
    return r


def look(t):
    """How long the lock is held while UKIs are loaded"""
    delay = max(DELAYS_S)
    r = boot(t, "look", LOOK, delay, seconds=LOOK_S).need("said")
    print(r.text("said"))
    lines = {x.split()[0].split("=")[0]: dict(
        w.split("=", 1) for w in x.split()[1:]) for x in
        r.text("said").splitlines()}
    t.true(int(lines["uki"]["ok"]), "no load was done")
    t.true(int(lines["lock"]["ok"]) > 1000, "the lock was hardly looked at")
    held, most = (float(lines["lock"][x]) for x in ("held", "most"))
    t.true(held > 0, "the lock was never seen held")
    load = float(lines["uki"]["longest"])
    t.true(load > 4 * delay, f"loads take {load} s at most: the TPM is fast")
    t.true(most < delay, f"of {load} s the lock was held for {most} s")


def comes(t, delay, linux, which):
    """Whether the crash kernel is there after a panic at a random moment"""
    seconds = random.uniform(1, 6)
    r = boot(t, f"{delay}-{which}", PANIC, delay, linux, seconds=seconds)
    came = r.ended == "bye" and r.files.get("after/who") == b"next\n"
    print(f"delay {delay} s, panic after {seconds:.2f} s: the crash kernel "
          f"{'came' if came else 'did not come'}", flush=True)
    if came:
        t.inside("elfcorehdr=", r.text("after/cmdline"), "command line")
    return came


def run(t):
    rd = t.dir / "more.img"
    rd.write_bytes(random.randbytes(1 << 20))
    uki.build(t.share / "more.efi", rd, "word=more")
    t.next(cmdline="word=crash")
    look(t)
    for delay in DELAYS_S:
        linux = KCSAN if delay == max(DELAYS_S) else paths.BZIMAGE
        t.true(comes(t, delay, linux, 1) or comes(t, delay, linux, 2),
               f"delay {delay} s: the crash kernel came neither time")
