# SPDX-License-Identifier: GPL-2.0
"""The boot secret that systemd-stub has left is passed on, if one asks for it.

It needs random numbers from the firmware and an ESP for it.  Nothing can compute it
again after the firmware has gone.  It is measured as a part of the initrd only: all
events but that one are those of a cold boot without a secret.
"""

from harness import oracle, paths, uki

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
    r = t.boot(SCRIPT, first="\\EFI\\first.efi", esp=tree, gpt=True,
               devices=("virtio-rng-pci",))
    r.need("before/extra", "after/extra")
    t.equal(r.status("load"), 0, "kexec-uki load")
    t.inside(SECRET, r.extra("before"), "what systemd-stub has left")
    t.equal(r.extra("after")[SECRET], r.extra("before")[SECRET],
            "content and mode of the secret")
    t.equal(r.extra("after")[SECRET][1], "400", "mode of the secret")
    # The initrd has the secret in it, and nothing else tells of it.
    events = [oracle.marker()] + oracle.uki_events(oracle.cold(image))
    got = oracle.appended(r, "before", "after")
    t.same_events(got[:-1], events[:-1], "what the kexec has appended")
    t.equal((got[-1].pcr, got[-1].data), (events[-1].pcr, events[-1].data),
            "the last event, over the initrd")
    oracle.check_log(r, "after")
