# SPDX-License-Identifier: GPL-2.0
"""Loads the cells in guests and holds what came of it against the model."""

import hashlib
import re

from harness import case, machine, paths, uki, varstore

from . import files, model, modsig

KERNELS = {False: paths.variant("appraise"), True: paths.variant("force")}
NEEDS = tuple(KERNELS.values())

# What is measured must not matter.
POLICY = """appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig
measure func=KEXEC_KERNEL_CHECK
measure func=KEXEC_INITRAMFS_CHECK
measure func=KEXEC_CMDLINE
"""
# The lockdown LSM's line is printed ten times in this time at most; the next
# one after it tells how many were left out (DEFAULT_RATELIMIT_INTERVAL).
RATELIMIT_S = 5
LABELS = """
mkdir /t
mount -t tmpfs tmpfs /t
for d in missing good stranger hash; do
	cp -r /in/uki /t/$d
	for f in /in/$d/*; do
		[ ! -e $f ] || cells label /t/$d/${f##*/} $f ||
			say "no label for $f"
	done
done
[ ! -e /in/%(name)s/policy ] ||
	cat /in/%(name)s/policy > /sys/kernel/security/ima/policy ||
	say "no policy"
"""
SCRIPT = LABELS + """
pcrs before
for level in none integrity confidentiality; do
	[ $level = none ] || echo $level > /sys/kernel/security/lockdown
	copy $level/lockdown /sys/kernel/security/lockdown
	cells run /in/%(name)s/$level /in/%(name)s/$level.answers
	say $level: $?
done
sleep %(interval)d
cells run /in/%(name)s/last /in/%(name)s/last.answers
pcrs after
"""
POLICY_SCRIPT = LABELS + """
echo integrity > /sys/kernel/security/lockdown
%(before)s
cells run /in/%(name)s/cells /in/%(name)s/cells.answers
"""
NOTICE = "Lockdown: cells: kexec of unsigned images is restricted"
SUPPRESSED = re.compile(
    r"lockdown_is_locked_down: (\d+) callbacks suppressed")
SAID = ("refused: ", "Enforced kernel signature", "impossible to appraise")


class Answer:
    """What the guest's program has said of one load"""

    def __init__(self, row):
        self.result, self.loaded, self.crash_loaded = row.split()
        self.lines = []

    def hear(self, row):
        self.lines.append(re.sub(r"^\t(<\d+>)?(\[[ .\d]+\] )?", "", row))

    def notices(self):
        """How often the lockdown LSM has said no, printed or not"""
        return sum(NOTICE in x for x in self.lines) + sum(
            int(m.group(1)) for x in self.lines
            for m in SUPPRESSED.finditer(x))


def answers(path):
    out = []
    for row in path.read_text().splitlines():
        if row.startswith("\t"):
            out[-1].hear(row)
        else:
            out.append(Answer(row))
    return out


def complaint(cell, answer):
    """What is not as the model says, or None"""
    rule = model.rule(cell)
    if answer.result != rule.result:
        return f"{answer.result}, the model says {rule.result}: {answer.lines}"
    ok = rule.result == "ok"
    want = [str(int(ok and cell.kind == kind)) for kind in model.KINDS]
    if [answer.loaded, answer.crash_loaded] != want:
        return f"loaded {answer.loaded}, crash kernel {answer.crash_loaded}"
    said = [x for x in answer.lines if any(word in x for word in SAID)]
    if not rule.line or rule.line == model.LOCKDOWN_LINE:
        return f"it says {said}" if said else None
    if len(said) != 1 or rule.line not in said[0]:
        return f"it says {said}, not one line with {rule.line!r}"
    return None


def kept(cell, parts):
    """Whether it is in the first of so many parts, whatever its place"""
    digest = hashlib.sha256(cell.name.encode()).digest()
    return isinstance(cell, model.OldCell) or digest[0] % parts == 0


class Guests:
    """Of a test; parts says into how many the cells are cut, the first runs"""

    def __init__(self, t, parts):
        self.t = t
        self.parts = parts
        self.made = files.Files(t.share)
        self.wrong = []
        self.rules = set()

    def cells(self, boot, level):
        return [c for c in model.cells(boot, level) if kept(c, self.parts)]

    def machine(self, name, script, force, secure, cmdline="", **params):
        t = self.t
        plain = t.first(f"crashkernel=64M {cmdline}", linux=KERNELS[force],
                        extra={"bin/cells": (0o755, (
                            paths.TOOLS / "cells").read_bytes())})
        first = uki.sign(plain, t.dir / "signed.efi")

        def store(path):
            varstore.revoke(path, self.made.dbx())
            if not secure:
                varstore.no_secure_boot(path)

        t.script(script)
        r = machine.Machine(f"{t.name}-{name}", boot=first, share=t.share,
                            writable=True, secure=True, store=store,
                            **params).run()
        t.equal([x for x in r.said if x.startswith("no ")], [],
                f"{name}: policy and labels")
        return r

    def boot(self, boot):
        own = self.t.share / boot.name
        own.mkdir()
        for level in model.LOCKDOWNS:
            (own / level).write_text("".join(
                files.line(c) + "\n" for c in self.cells(boot, level)))
        (own / "last").write_text(files.LAST)
        if boot.appraise:
            (own / "policy").write_text(POLICY)
        r = self.machine(boot.name, SCRIPT % {
            "name": boot.name, "interval": RATELIMIT_S + 1},
            boot.force, boot.secure)
        r.need("before/pcrs", "after/pcrs")
        self.check(boot, r, own)

    def check(self, boot, r, own):
        t, wrong = self.t, []
        asked = int(not boot.force)     # by the last one
        noted = sum(a.notices() for a in answers(own / "last.answers"))
        for level in model.LOCKDOWNS:
            cells, got = self.cells(boot, level), answers(
                own / f"{level}.answers")
            t.inside(f"[{level}]", r.text(f"{level}/lockdown"), "lockdown")
            t.equal(len(got), len(cells), f"{boot.name} {level}: answers")
            for cell, answer in zip(cells, got):
                t.checks += 1
                self.rules.add(id(model.rule(cell)))
                asked += model.asks_lockdown(cell)
                noted += answer.notices()
                what = complaint(cell, answer)
                if what:
                    wrong.append(f"{cell.name}: {what}")
        print(f"{boot.name}: {len(wrong)} wrong", *wrong[:20], sep="\n",
              flush=True)
        self.wrong += wrong
        if not wrong:
            t.equal(noted, asked, f"{boot.name}: what lockdown has noted")
        # IMA measures what its policy says, others nothing
        skip = (case.IMA_PCR,) if boot.appraise else ()
        t.same_pcrs(r.pcrs("after"), r.pcrs("before"), f"{boot.name}: PCRs",
                    skip=skip)

    def forge(self, out, signature):
        plain, signed = ((self.t.share / "uki" / files.file_name(
            x, True, True)).read_bytes() for x in (signature, "signed"))
        out.write_bytes(modsig.append(plain, signed))

    def policy(self, name):
        """A UKI in a locked down guest with a policy of IMA's"""
        t, how = self.t, model.POLICIES[name]
        own = t.share / f"policy-{name}"
        own.mkdir()
        (own / "policy").write_text(how.policy)
        path = f"/t/{how.label}/" + files.file_name(how.signature, True, True)
        before = f"cells module {path}" if how.module else ":"
        if how.forged:
            self.forge(own / "forged.efi", how.signature)
            before = f"cp /in/{own.name}/forged.efi {path}"
        (own / "cells").write_text(f"{how.opened}{path} {how.passed} - 0\n")
        r = self.machine(own.name, POLICY_SCRIPT % {
            "name": own.name, "before": before}, False, False,
            cmdline=how.cmdline, tpm=None)
        r.need()
        got = answers(own / "cells.answers")
        t.equal([a.result for a in got], [how.result],
                f"policy {name}: a UKI under lockdown")


def run(t, parts, policies):
    guests = Guests(t, parts)
    for boot in model.BOOTS:
        guests.boot(boot)
    t.equal(len(guests.wrong), 0, "loads that are not as the model says")
    t.equal(len(guests.rules), len(model.RULES + model.OLD_RULES),
            "rules that were seen at work")
    for name in policies:
        guests.policy(name)
