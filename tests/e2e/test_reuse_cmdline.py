# SPDX-License-Identifier: GPL-2.0
"""kexec --reuse-cmdline passes the running kernel's command line."""

from harness import uki

SCRIPT = """
if [ "$(cat /who)" = next ]; then
	dump after
	bye
fi
dump before
try load kexec -s -l /in/next.efi --reuse-cmdline
try exec kexec -e
"""


def run(t):
    image = t.next()
    r = t.boot(SCRIPT).need("before/pcrs", "after/pcrs")
    text = f"{uki.CONSOLE} e2e=:first.sh"
    t.equal(r.text("after/cmdline"), text, "command line")
    t.script("dump after\n")
    t.hop(r, image, append=text, share=t.share)
