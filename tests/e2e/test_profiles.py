# SPDX-License-Identifier: GPL-2.0
"""A UKI with two profiles boots its profile 0, as from the firmware."""

from harness import uki

SCRIPT = """
dump before
try load kexec -s -l /in/next.efi
try exec kexec -e
"""


def profile(t, name, text):
    """A PE with one more profile, for ukify to join"""
    out = t.dir / f"{name}.efi"
    uki.run([uki.paths.TOOLS / "ukify", "build", "--profile",
             f"ID={name}\nTITLE={name}\n", "--cmdline", text,
             "--stub", uki.paths.ADDON, "--output", out])
    return out


def run(t):
    one = profile(t, "one", f"{uki.CONSOLE} e2e=dump word=one")
    image = t.next(cmdline="word=main", options=[
        "--profile", "ID=main\nTITLE=main\n", "--join-profile", one])
    r = t.boot(SCRIPT).need("before/pcrs", "after/pcrs")
    t.equal(r.text("after/cmdline"), f"{uki.CONSOLE} e2e=dump word=main",
            "command line")
    cold, _ = t.hop(r, image)
    t.equal(r.extra("after"), cold.extra("after"), "files in /.extra")
    t.true("/.extra/profile" in r.extra("after"), "no /.extra/profile")
