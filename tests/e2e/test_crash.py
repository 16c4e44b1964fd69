# SPDX-License-Identifier: GPL-2.0
"""A UKI as crash kernel boots after a panic, and is not measured.

Its list of what would be measured is empty, and it has the log that the firmware
has left: the one of the kernel that has crashed is not given to it.
"""

SCRIPT = """
tpm_user extend 14 fourteen > /tmp/said
emit said < /tmp/said
dump before
try load kexec_load_file load /in/next.efi crash
copy load/crash_loaded /sys/kernel/kexec_crash_loaded
pending load
logs load
echo 1 > /proc/sys/kernel/sysrq
echo c > /proc/sysrq-trigger
exit 1
"""


def run(t):
    t.next(cmdline="word=crash")
    r = t.boot(SCRIPT, first=t.first("crashkernel=300M"))
    r.need("before/pcrs", "after/pcrs")
    t.outcome(r, "load", "ok")
    t.equal(r.text("said"), "extend ok", "an extend by user space")
    t.equal(r.text("load/crash_loaded"), "1", "kexec_crash_loaded")
    t.equal(r.files["load/pending"], b"", "the pending list")
    t.equal(r.files["load/live_log"], r.files["before/live_log"],
            "the live log after the load")
    t.equal(r.text("after/who"), "next", "who runs after")
    t.inside("word=crash", r.text("after/cmdline"), "command line")
    t.inside("elfcorehdr=", r.text("after/cmdline"), "command line")
    for when in ("load", "after"):
        t.same_pcrs(r.pcrs(when), r.pcrs("before"), when)
    for log in ("bios_log", "live_log"):
        t.equal(r.files[f"after/{log}"], r.files["before/bios_log"],
                f"{log} of the crash kernel")
