# SPDX-License-Identifier: GPL-2.0
"""An initrd of one part is handed over and measured without padding."""

from harness import uki

SCRIPT = """
dump before
try load kexec -s -l /in/next.efi
try exec kexec -e
"""


def run(t):
    rd = t.initrd("next.img", {"who": b"next\n"})
    data = rd.read_bytes()
    rd.write_bytes(data + bytes((1 - len(data)) % 4))
    image = uki.build(t.share / "next.efi", rd, f"{uki.CONSOLE} e2e=dump")
    # Without .osrel nothing goes below /.extra, and .initrd is the only part.
    table = uki.Table(image)
    table.rename(".osrel", ".other")
    table.write(image)
    t.equal(table.get(".initrd", "vsize") % 4, 1, "odd bytes of the initrd")
    r = t.boot(SCRIPT).need("before/pcrs", "after/pcrs")
    t.equal(r.text("after/who"), "next", "who runs after")
    cold, _ = t.hop(r, image)
    t.equal(r.extra("after"), cold.extra("after"), "files in /.extra")
