# SPDX-License-Identifier: GPL-2.0
"""Under Secure Boot and lockdown only what the signature covers is loaded."""

from harness import uki

# name -> (arguments of kexec_load_file, errno)
REFUSED = {
    "unsigned": ("/in/unsigned.efi", "EPERM"),
    "tampered": ("/in/tampered.efi", "EPERM"),
    "cut": ("/in/cut.efi", "EPERM"),
    "override": ("/in/next.efi cmdline='console=ttyS0 quiet'", "EPERM"),
    "initrd": ("/in/next.efi initrd=/in/foreign.img", "EPERM"),
    "both": ("/in/next.efi initrd=/in/foreign.img cmdline=quiet", "EPERM"),
}
SCRIPT = "dump before\n" + "".join(
    f"try {name} kexec_load_file load {args}\nloaded {name}\n"
    for name, (args, _) in REFUSED.items()) + """
copy before/lockdown /sys/kernel/security/lockdown
pcrs refused
try load kexec -s -l /in/next.efi
try exec kexec -e
"""


def images(t):
    unsigned = t.next("unsigned.efi", cmdline="lockdown=integrity")
    image = uki.sign(unsigned, t.share / "next.efi")
    uki.tamper(image, t.share / "tampered.efi", offset=2)
    # The certificate table is at the end: a signature that is cut off
    (t.share / "cut.efi").write_bytes(image.read_bytes()[:-256])
    (t.share / "foreign.img").write_bytes(b"foreign")
    return image


def run(t):
    image = images(t)
    first = uki.sign(t.first("lockdown=integrity"), t.dir / "signed.efi")
    r = t.boot(SCRIPT, first=first, secure=True)
    r.need("before/pcrs", "after/pcrs")
    t.inside("[integrity]", r.text("before/lockdown"), "lockdown")
    t.inside("Secure boot enabled", r.text("before/dmesg"), "Secure Boot")
    for name, (_, errno) in REFUSED.items():
        t.outcome(r, name, errno)
        t.equal(r.text(f"{name}/loaded"), "0", f"{name}: kexec_loaded")
    t.same_pcrs(r.pcrs("refused"), r.pcrs("before"), "after the refusals")
    t.equal(r.status("load"), 0, "kexec -s -l of the signed UKI")
    t.equal(r.text("after/who"), "next", "who runs after")
    t.hop(r, image, secure=True)
