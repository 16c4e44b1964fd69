# SPDX-License-Identifier: GPL-2.0
"""The text of one profile's command line selects it, as systemctl passes it.

The text of two profiles selects none: it replaces the command line of the first.
"""

from harness import machine, paths, tpmlog, uki

TEXT = f"{uki.CONSOLE} e2e=dump word=%s"
SCRIPT = """
dump before
try load kexec -s -l /in/{image} --append="{text}"
try exec kexec -e
"""
TAG_PROFILE = 0x13aed6db


def profile(t, name, word):
    """A PE with one more profile, for ukify to join"""
    out = t.dir / f"{name}.efi"
    uki.run([paths.TOOLS / "ukify", "build", "--profile",
             f"ID={name}\nTITLE={name}\n", "--cmdline", TEXT % word,
             "--stub", paths.ADDON, "--output", out])
    return out


def image(t, name, words):
    options = ["--profile", "ID=main\nTITLE=main\n"]
    for n, word in enumerate(words):
        options += ["--join-profile", profile(t, f"{name}-{n}", word)]
    return t.next(f"{name}.efi", cmdline="word=main", options=options)


def jump(t, name, made, text, append):
    """kexec with this text; append: what means the same to systemd-stub"""
    t.script(SCRIPT.format(image=made.name, text=text))
    r = machine.Machine(f"{t.name}-{name}", boot=t.first(),
                        share=t.share).run()
    r.need("before/pcrs", "after/pcrs")
    t.equal(r.status("load"), 0, f"{name}: kexec -s -l")
    t.equal(r.text("after/cmdline"), text.strip(), f"{name}: command line")
    cold, events = t.hop(r, made, append=append)
    t.equal(r.extra("after"), cold.extra("after"), f"{name}: /.extra")
    return [e for e in events if e.pcr == 12]


def run(t):
    made = image(t, "one-each", ("one", "two"))
    found = jump(t, "second", made, f" {TEXT % 'two'} ", "@2")
    t.equal([(e.tag, e.describe()) for e in found], [(TAG_PROFILE, "2")],
            "PCR 12 of the third profile")
    made = image(t, "twice", ("same", "same"))
    found = jump(t, "neither", made, TEXT % "same", TEXT % "same")
    t.equal([e.type for e in found], [tpmlog.EV_IPL],
            "PCR 12 of a text that two profiles have")
