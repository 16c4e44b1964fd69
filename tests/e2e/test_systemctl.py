# SPDX-License-Identifier: GPL-2.0
"""The call that systemctl kexec makes: text trimmed, no initrd, a flag."""

from harness import uki

TEXT = f"{uki.CONSOLE} e2e=dump word=systemctl"
SCRIPT = f"""
dump before
try load kexec_load_file load /in/next.efi cmdline="{TEXT}"
try exec kexec_load_file exec
"""


def run(t):
    image = t.next(cmdline="word=systemctl  ")
    r = t.boot(SCRIPT).need("before/pcrs", "after/pcrs")
    t.outcome(r, "load", "ok")
    t.equal(r.text("after/who"), "next", "the initrd")
    t.equal(r.text("after/cmdline"), TEXT, "command line")
    t.hop(r, image)
