# SPDX-License-Identifier: GPL-2.0
"""The boot secret that systemd-stub has left is passed on, if one asks for it.

Firmware needs a source of random numbers for it.  Nothing can compute it again
after the firmware has gone.  It is not measured: the
events are those of a cold boot.
"""

from harness import paths, uki

SECRET = "/.extra/boot-secret"
SCRIPT = f"""
dump before
try load kexec-uki load --boot-secret={SECRET} /in/next.efi
try exec kexec -e
"""


def run(t):
    tool = {"bin/kexec-uki": (0o755, paths.KEXEC_UKI.read_bytes())}
    rd = t.initrd("first.img", {**tool, "who": b"first\n"})
    tree = t.dir / "esp"
    (tree / "EFI").mkdir(parents=True)
    uki.build(tree / "EFI" / "first.efi", rd, f"{uki.CONSOLE} e2e=:first.sh")
    image = t.next()
    r = t.boot(SCRIPT, first="\\EFI\\first.efi", esp=tree,
               devices=("virtio-rng-pci",))
    r.need("before/extra", "after/extra")
    t.equal(r.status("load"), 0, "kexec-uki load")
    t.inside(SECRET, r.extra("before"), "what systemd-stub has left")
    t.equal(r.extra("after")[SECRET], r.extra("before")[SECRET],
            "content and mode of the secret")
    t.equal(r.extra("after")[SECRET][1], "400", "mode of the secret")
    _, events = t.hop(r, image)
    t.true(not any(e.pcr in (12, 13) for e in events), "events in PCR 12, 13")
