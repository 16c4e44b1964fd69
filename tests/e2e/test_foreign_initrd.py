# SPDX-License-Identifier: GPL-2.0
"""An initrd passed by fd comes before the UKI's own and shows in PCR 12.

In the cold boot the firmware's shell registers the same initrd, and
systemd-stub takes it from there.  The UKI has nothing for /.extra, so that its
own initrd, which is no multiple of four, is the last part.
"""

from harness import initrd, oracle, uki

SCRIPT = """
dump before
try load kexec -s -l /in/next.efi --initrd=/in/foreign.img
try exec kexec -e
"""


def before_pcr_9(events):
    return next(n for n, e in enumerate(events) if e.pcr == 9)


def odd(t):
    """A UKI whose .initrd needs padding, and has no section of /.extra"""
    for n in range(8):
        image = t.next(extra={
            "stage/dump": b"dump after\ncopy after/foreign /foreign\n",
            "pad": bytes(range(n))})
        table = uki.Table(image)
        if table.get(".initrd", "vsize") % 4:
            break
    t.true(table.get(".initrd", "vsize") % 4, "a multiple of four")
    table.rename(".osrel", ".other")
    return table.write(image)


def run(t):
    image = odd(t)
    foreign = t.share / "foreign.img"
    foreign.write_bytes(initrd.archive({"who": b"foreign\n",
                                        "foreign": b"it was here\n"}))
    r = t.boot(SCRIPT).need("before/pcrs", "after/pcrs")
    t.equal(r.text("after/who"), "next", "the UKI's initrd wins")
    t.equal(r.text("after/foreign"), "it was here", "the foreign initrd")
    t.equal(r.extra("after"), {}, "files in /.extra")
    mark = oracle.foreign_initrd(foreign.read_bytes())
    t.hop(r, image, register=foreign, extra=[(before_pcr_9, mark)])
