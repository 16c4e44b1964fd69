# SPDX-License-Identifier: GPL-2.0
"""The embedded kernel comes up with its own initrd, /.extra and command line."""

from harness import oracle, uki

SCRIPT = """
dump before
try load kexec -s -l /in/next.efi
loaded load
try exec kexec -e
"""


def run(t):
    image = t.next(cmdline="word=embedded", options=uki.signing_options())
    r = t.boot(SCRIPT).need("before/who", "after/cmdline")
    t.equal(r.status("load"), 0, "kexec -s -l")
    t.equal(r.text("load/loaded"), "1", "kexec_loaded")
    t.equal(r.text("before/who"), "first", "who runs before")
    t.equal(r.text("after/who"), "next", "who runs after")
    t.equal(r.text("after/cmdline"),
            f"{uki.CONSOLE} e2e=dump word=embedded", "command line")
    t.equal(r.text("after/uname"), r.text("before/uname"), "kernel")

    cold = oracle.cold(image)
    got, want = r.extra("after"), cold.extra("after")
    # A running system cannot derive it (the guide, "Where this differs").
    want.pop("/.extra/boot-secret", None)
    t.equal(got, want, "files in /.extra")
    names = {"os-release", "tpm2-pcr-signature.json",
             "tpm2-pcr-public-key.pem"}
    t.equal({p.rsplit("/", 1)[1] for p in got}, names, "names in /.extra")
    t.equal(cold.text("after/cmdline"), r.text("after/cmdline"),
            "command line of a cold boot")
