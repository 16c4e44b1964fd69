# SPDX-License-Identifier: GPL-2.0
"""kexec without -s gives the kernel the whole UKI, and heeds a refusal."""

from harness import uki

SCRIPT = """
dump before
try bad kexec -l /in/bad.efi
loaded bad
try load kexec -l /in/next.efi
try exec kexec -e
"""


def run(t):
    image = t.next()
    table = uki.Table(image)
    table.set(".initrd", "rawsize", 0x7ffffe00)
    table.write(t.share / "bad.efi")
    r = t.boot(SCRIPT).need("before/pcrs", "after/pcrs")
    t.true(r.status("bad") != 0, "a refused UKI was loaded all the same")
    t.equal(r.text("bad/loaded"), "0", "kexec_loaded")
    t.equal(r.status("load"), 0, "kexec -l")
    t.hop(r, image)
