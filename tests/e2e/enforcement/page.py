#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The page of the documentation that the model makes.

Run by itself it writes the page anew.  A rule is a row; what it stands for is
counted, never claimed.
"""

import re
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from enforcement import model  # noqa: E402
from harness import paths  # noqa: E402

PATH = paths.TOP / "Documentation/admin-guide/kexec-uki-enforcement.rst"
WIDTH = 86

# Dimension: its values, and words for more than one of them at once.  What has
# no words here cannot be in a row.
VALUES = {"by": model.BY, "signature": model.SIGNATURES, "ima": model.IMA,
          "cmdline": model.CMDLINES, "initrd": model.INITRDS,
          "kind": model.KINDS}
UNSIGNED_BESIDE = model.FOREIGN + ("credential",)
GROUPS = {
    "by": {("lockdown", "force"): "lockdown or SIG_FORCE"},
    "signature": {
        model.GOOD: "valid",
        model.BAD: "missing, wrong or revoked",
        ("tampered", "revoked-hash", "revoked-cert"): "wrong or revoked"},
    "ima": {
        ("missing", "stranger"): "rule; label missing or wrong",
        ("off", "good"): "no rule, or label valid"},
    "cmdline": {
        tuple(c for c in model.CMDLINES if c != "other"):
            "any but another one where one is embedded"},
    "initrd": {
        model.FOREIGN: "initrd passed",
        tuple(i for i in model.INITRDS if i not in model.FOREIGN):
            "any but an initrd passed",
        tuple(i for i in model.INITRDS if i not in UNSIGNED_BESIDE):
            "any but an initrd passed or a credential"},
}
NAMES = {
    "by": "enforced by", "signature": "signature", "ima": "IMA",
    "cmdline": "command line", "initrd": "initrd, companions",
    "kind": "crash kernel", "secure": "Secure Boot", "policy": "IMA",
}
OLD_VALUES = {"secure": {"on": "on", "off": "off"},
              "policy": {"rule": "rule", "no rule": "no rule"},
              "by": {"nothing": "no", "lockdown": "yes"}}
SAID = {
    model.LOCKDOWN_LINE: f"``Lockdown: ...: {model.LOCKDOWN_LINE}``",
    model.SIG_LINE: f"``{model.SIG_LINE}``",
    model.INITRD_LINE: f"``{model.INITRD_LINE}``",
    model.CMDLINE_LINE: f"``{model.CMDLINE_LINE}``",
    model.SIDECAR_LINE: f"``{model.SIDECAR_LINE}``",
    model.OLD_LINE: f"``ima: {model.OLD_LINE}``",
    "": "none",
}

HEAD = """\
.. SPDX-License-Identifier: GPL-2.0
.. Made by tests/e2e/enforcement/page.py from the rules that the test checks.

=======================================
kexec of UKIs: what is loaded, and when
=======================================

What kexec_file_load() makes of a UKI depends on its signature, on what
enforces signatures, on IMA, and on what is passed beside the UKI. This page
has all of it. The terms are those of
Documentation/admin-guide/kexec-uki.rst.

Each row of the first two tables is a rule. The rules were written from the
design of the loader, and from what a bzImage would get, before any kernel
was asked; then each combination of all the values below was tried by a
system call of its own in a guest with Secure Boot's keys, {total} in all.
The last column says for how many of them a row stands. No combination falls
under two rows or under none, and all came to what their row says. None has
moved a PCR, but PCR 10 where IMA's policy measures; after a refusal nothing
was loaded; and where a row has a line for the kernel log it was printed once.
Of the lockdown LSM's, which is printed ten times in five seconds at most,
those that were left out were counted.

.. contents::
   :local:
"""
UKIS = """\
UKIs
====

"No rule" means that IMA's policy does not appraise ``KEXEC_KERNEL_CHECK``;
"rule" that it does, with ``appraise_type=imasig``; the label is the file's
``security.ima``. SIG_FORCE is ``CONFIG_KEXEC_SIG_FORCE``, and stands for
itself and together with lockdown. For Secure Boot with
``CONFIG_IMA_ARCH_POLICY`` the rows of SIG_FORCE hold, too: it sets the same
flag.

Under lockdown without SIG_FORCE the line of the lockdown LSM comes before that
of the row. It also comes when a load with an addon has asked whether
signatures are enforced, and then nothing was refused.
"""
VALUES_HEAD = """\
The values
==========

Each of these was combined with each other one, and that with lockdown none,
integrity and confidentiality, and with and without SIG_FORCE. Secure Boot was
on in half of the guests: for UKIs it does not matter.
"""
KEYS = """\
The valid signatures are by the key in db, or by one with a certificate that
db's has signed. What is revoked was in dbx from the start of the guest: a
file by EFI_CERT_SHA256, a certificate by EFI_CERT_X509_SHA256. A revoked
file is refused like one that was changed. An addon whose signature is
missing, wrong or revoked is passed over where signatures are enforced, and
the UKI is loaded without it.
"""
OLD_HEAD = """\
kexec_load()
============

It has no file, so nothing of it can be verified. SIG_FORCE does not close
it; lockdown does, IMA does where its policy appraises kernels, and Secure
Boot does by itself where ``CONFIG_IMA`` and ``CONFIG_KEXEC_SIG`` are set.
"""
POLICY_HEAD = """\
What IMA must check
===================

Under lockdown IMA stands in for the signature only if it has checked one of
the very bytes that were read. ``CONFIG_INTEGRITY_TRUSTED_KEYRING`` has to be set, else IMA
never stands in, since root could add a key. Lockdown integrity, and an
unsigned UKI if the row does not say otherwise:
"""
TAIL = """\
Not in these tables
===================

* A confidential VM (``CC_ATTR_GUEST_MEM_ENCRYPT``), where a command line is
  refused under enforcement even if none is embedded: by KUnit, kexec_uki.
  The guests of the test are none.
* No TPM: where signatures are enforced a credential is refused as with a
  crash kernel. e2e: companions_locked.
* ``CONFIG_KEXEC_SIG=n`` under lockdown: EPERM for every UKI. By reading the
  source.
"""


def words(values, dimension, where):
    if dimension not in where:
        return "any"
    chosen = tuple(where[dimension])
    if set(chosen) == set(values[dimension]):
        return "any"
    for group, text in GROUPS.get(dimension, {}).items():
        if set(group) == set(chosen):
            return text
    (one,) = chosen
    return values[dimension][one]


def wide(text):
    """Prose as the page has it: paragraphs and lists of its width"""
    out = []
    for block in text.split("\n\n"):
        if block.startswith("..") or "===" in block:
            out.append(block.strip("\n"))
            continue
        items = re.split(r"\n(?=\* )", block.strip("\n"))
        out.append("\n".join(flow(" ".join(item.split()),
                                  2 if item.startswith("* ") else 0, True)
                             for item in items))
    return "\n\n".join(out) + "\n"


def flow(text, indent, first=False):
    """Lines that are not too long; first: the first one has no indent"""
    lines = textwrap.wrap(text, WIDTH - (0 if first else indent),
                          subsequent_indent=" " * indent if first else "",
                          break_long_words=False, break_on_hyphens=False)
    return ("\n" if first else "\n" + " " * indent).join(lines)


def table(head, rows, widths):
    out = [".. list-table::", "   :header-rows: 1",
           "   :widths: " + " ".join(str(w) for w in widths), ""]
    for row in [head] + rows:
        for n, value in enumerate(row):
            out.append(("   * - " if not n else "     - ")
                       + flow(str(value), 7))
    return "\n".join(out) + "\n"


def result(rule):
    return "is loaded" if rule.result == "ok" else rule.result


def rule_table(rules, values, widths, cells):
    rows = [[words(values, d, rule.where) for d in values]
            + [result(rule), SAID[rule.line],
               sum(rule.covers(c) for c in cells)] for rule in rules]
    names = dict(NAMES, by="locked down") if "secure" in values else NAMES
    return table([names[d] for d in values] + ["result", "kernel log",
                                               "loads"], rows, widths)


def value_tables():
    out = []
    for dimension, values in VALUES.items():
        if dimension in ("by", "kind"):
            continue
        name = NAMES[dimension]
        out.append(f"{name[0].upper()}{name[1:]}:\n\n" + "\n".join(
            f"* {text}" for text in values.values()) + "\n")
    out.append("And a normal or a crash kernel.\n")
    return "\n".join(out)


def policy_table():
    return table(["policy for ``KEXEC_KERNEL_CHECK``", "result"],
                 [[p.words, result(p)] for p in model.POLICIES.values()],
                 (60, 12))


def text():
    cells = model.all_cells()
    for cell in cells:
        model.rule(cell)
    new = [c for c in cells if not isinstance(c, model.OldCell)]
    old = [c for c in cells if isinstance(c, model.OldCell)]
    ukis = rule_table(model.RULES, VALUES,
                      (12, 12, 12, 12, 14, 8, 10, 30, 6), new)
    calls = rule_table(model.OLD_RULES, OLD_VALUES,
                       (10, 10, 10, 10, 30, 6), old)
    return "\n".join((
        wide(HEAD.format(total=len(cells))), "",
        wide(UKIS), ukis, "",
        wide(VALUES_HEAD), value_tables(), wide(KEYS), "",
        wide(OLD_HEAD), calls, "",
        wide(POLICY_HEAD), policy_table(), "",
        wide(TAIL)))


if __name__ == "__main__":
    PATH.write_text(text())
