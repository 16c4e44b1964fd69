# SPDX-License-Identifier: GPL-2.0
"""A UKI as crash kernel boots after a panic, and is not measured."""

SCRIPT = """
dump before
try load kexec_load_file load /in/next.efi crash
copy load/crash_loaded /sys/kernel/kexec_crash_loaded
pcrs load
echo 1 > /proc/sys/kernel/sysrq
echo c > /proc/sysrq-trigger
exit 1
"""


def run(t):
    t.next(cmdline="word=crash")
    r = t.boot(SCRIPT, first=t.first("crashkernel=300M"))
    r.need("before/pcrs", "after/pcrs")
    t.outcome(r, "load", "ok")
    t.equal(r.text("load/crash_loaded"), "1", "kexec_crash_loaded")
    t.equal(r.text("after/who"), "next", "who runs after")
    t.inside("word=crash", r.text("after/cmdline"), "command line")
    t.inside("elfcorehdr=", r.text("after/cmdline"), "command line")
    for when in ("load", "after"):
        t.same_pcrs(r.pcrs(when), r.pcrs("before"), when)
