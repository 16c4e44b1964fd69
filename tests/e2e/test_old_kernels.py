# SPDX-License-Identifier: GPL-2.0
"""From our kernel to one of Debian, which knows nothing of ours, and back.

Debian's kernel boots, and reads the firmware's log alone: that is all that it can
know.  It changes no PCR, so that a kernel of ours that it starts, and which reads
the firmware's log alone as well, has the PCRs that the first kexec has made.
"""

import shutil

from harness import oracle, paths, tpmlog, uki

NEEDS = (paths.STOCK,)
SCRIPT = f"""
dump before
try load kexec -s -l /in/stock --initrd=/in/stock.img \
	--append="{uki.CONSOLE} e2e=stock word=stock"
pending load
try exec kexec -e
"""
# Debian's kernel has no 9p that is built in
STOCK = f"""
dump stock
try back kexec -s -l /ours --initrd=/ours.img \
	--append="{uki.CONSOLE} e2e=dump word=ours"
try exec2 kexec -e
"""


def prepare(t):
    shutil.copy(paths.STOCK, t.share / "stock")
    rd = t.initrd("ours.img", {"who": b"ours\n"})
    shutil.copy(t.initrd("stock.img", {
        "who": b"stock\n", "stage/stock": STOCK.encode(),
        "ours": paths.BZIMAGE.read_bytes(), "ours.img": rd.read_bytes()}),
        t.share)


def run(t):
    prepare(t)
    r = t.boot(SCRIPT).need("before/live_log", "stock/pcrs", "after/pcrs")
    t.equal((r.status("load"), r.status("back")), (0, 0), "kexec -s -l")
    t.inside("Debian", r.text("stock/uname"), "the kernel in the middle")
    t.equal(r.text("stock/who"), "stock", "who runs in the middle")
    t.equal(r.text("after/who"), "ours", "who runs after")
    t.true("stock/live_log" not in r.files, "the kernel has a live log")
    firmware = r.files["before/bios_log"]
    t.equal(r.files["stock/bios_log"], firmware, "log of the stock kernel")
    t.equal(r.files["after/bios_log"], firmware, "log of our kernel")
    t.equal(r.files["after/live_log"], firmware, "live log of our kernel")

    head, _ = tpmlog.split(firmware)
    events = tpmlog.parse(r.files["load/pending"], head)
    t.same_events(events[:1], [oracle.marker()], "the marker")
    want = oracle.expected(r.pcrs("before"), events)
    for when in ("stock", "after"):
        t.same_pcrs(r.pcrs(when), want, when)
