# SPDX-License-Identifier: GPL-2.0
"""What a test has in its hands: UKIs, guests, and checks that count."""

import shutil

from . import initrd, machine, oracle, paths, tpmlog, uki

# IMA's own PCR, and the ones that user space may reset
IMA_PCR = 10
RESETTABLE = tuple(range(16, 24))


class Failed(AssertionError):
    """A check did not hold."""


class Skipped(Exception):
    """The test cannot run here; the reason is its text."""


class Case:
    def __init__(self, name):
        self.name = name
        self.checks = 0
        self.dir = paths.WORK / name
        shutil.rmtree(self.dir, ignore_errors=True)
        self.share = self.dir / "share"
        self.share.mkdir(parents=True)

    # Checks

    def true(self, condition, what):
        self.checks += 1
        if not condition:
            raise Failed(what)

    def equal(self, got, want, what):
        self.true(got == want, f"{what}: got {show(got)}, want {show(want)}")

    def inside(self, part, whole, what):
        self.true(part in whole, f"{what}: {part!r} is not in {whole!r}")

    def same_pcrs(self, got, want, what, skip=(IMA_PCR,)):
        """Every PCR of every bank, but those named."""
        self.equal(sorted(got), sorted(want), f"{what}: banks")
        for bank in want:
            for pcr in sorted(want[bank]):
                if pcr not in skip:
                    self.equal(got[bank][pcr], want[bank][pcr],
                               f"{what}: {bank} PCR {pcr}")

    def outcome(self, report, name, want):
        """What kexec_load_file said: "ok" or the name of an errno."""
        self.equal(report.text(f"{name}/out").split()[-1:], [want], name)

    def quiet(self, report):
        """No kernel of this run has complained on the console."""
        text = report.machine.console.read_text(errors="replace")
        self.true(text, "the console is empty")
        for word in ("Kernel panic", "BUG:", "WARNING:", "Oops"):
            self.true(word not in text, f"{word} on the console")

    def lines(self, report, name, text, count=1):
        """So many lines of this step's kernel log have the text."""
        found = [x for x in report.text(f"{name}/dmesg").splitlines()
                 if text in x]
        self.equal(len(found), count, f"{name}: lines with {text!r}")

    # Makings

    def initrd(self, name, extra=None, **kw):
        return initrd.build(self.dir / name, extra, **kw)

    def first(self, cmdline="", extra=None, **kw):
        """The UKI whose kernel runs the test's script, /in/first.sh"""
        image = self.dir / "first.efi"
        rd = self.initrd("first.img", dict(extra or {}, who=b"first\n"))
        text = f"{uki.CONSOLE} e2e=:first.sh {cmdline}".strip()
        return uki.build(image, rd, text, **kw)

    def next(self, name="next.efi", cmdline="", who=b"next\n", extra=None,
             options=(), **kw):
        """A UKI to be kexeced; in the share, under its name"""
        rd = self.initrd(name + ".img", dict(extra or {}, who=who))
        text = f"{uki.CONSOLE} e2e=dump {cmdline}".strip()
        return uki.build(self.share / name, rd, text, options=options, **kw)

    def script(self, text):
        (self.share / "first.sh").write_text(text)

    def boot(self, script, first=None, name=None, **params):
        """Boot the first kernel, let it run the script, hear the rest."""
        self.script(script)
        if first is None and "kernel" not in params:
            first = self.first()
        m = machine.Machine(name or self.name, boot=first, share=self.share,
                            **params)
        return m.run()

    def same_events(self, got, want, what):
        """The same records; of a program's event the data may differ."""
        for n, (g, w) in enumerate(zip(got, want)):
            where = f"{what}: event {n} (PCR {w.pcr} {w.describe()})"
            self.equal((g.pcr, g.type_name), (w.pcr, w.type_name), where)
            self.equal(g.digests, w.digests, f"{where}: digests")
            if w.type != tpmlog.EV_EFI_BOOT_SERVICES_APPLICATION:
                self.equal(g.data, w.data, f"{where}: data")
        self.equal(len(got), len(want), f"{what}: number of events")

    def hop(self, report, image, append=None, extra=(), before="before",
            after="after", nth=1, **params):
        """Compare a kexec with a cold boot of the same image.

        extra: our own events by the place where they go, as (index, event)
        among the cold boot's.
        nth: which kexec of the chain this is
        """
        cold = oracle.cold(image, append, **params)
        events = [oracle.marker(nth)] + oracle.uki_events(cold)
        for place, event in extra:
            events.insert(place(events), event)
        want = oracle.expected(report.pcrs(before), events)
        self.same_pcrs(report.pcrs(after), want, "after the kexec",
                       skip=(IMA_PCR,))
        self.same_events(oracle.appended(report, before, after), events,
                         f"what the kexec has appended to {before}'s log")
        oracle.check_log(report, after)
        return cold, events


def show(value):
    return value.hex() if isinstance(value, bytes) else repr(value)
