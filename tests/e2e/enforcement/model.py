# SPDX-License-Identifier: GPL-2.0
"""What each load must come to, as rules; nothing here is read from the kernel.

The rules are those of the design (what the signature does not cover is not
taken where signatures are enforced) and of mainline for a bzImage: a signature
that fails is fatal by its own errno if CONFIG_KEXEC_SIG_FORCE is set, by EPERM
if the kernel is locked down and IMA does not stand in, else not at all; and
what IMA's policy wants appraised is appraised first.  Every cell must fall
under exactly one rule.
"""

import dataclasses
import itertools

# Each dimension: value -> the page's words for it
SIGNATURES = {
    "signed": "valid",
    "chained": "valid, by a certificate that db's has signed",
    "unsigned": "none",
    "tampered": "wrong, the file was changed",
    "stranger": "by an unknown key",
    "revoked-hash": "valid, the file's hash is in dbx",
    "revoked-cert": "valid, the certificate's hash is in dbx",
}
GOOD = ("signed", "chained")
BAD = tuple(s for s in SIGNATURES if s not in GOOD)

CMDLINES = {
    "own": "embedded, nothing passed",
    "same": "embedded, the same text passed",
    "other": "embedded, another one passed",
    "none": "none at all",
    "passed": "none embedded, one passed",
}
EMBEDDED = ("own", "same", "other")

INITRDS = {
    "own": "embedded",
    "none": "none",
    "foreign": "passed, none embedded",
    "both": "passed and embedded",
    "addon-signed": "embedded, and a signed addon",
    "addon-unsigned": "embedded, and an unsigned addon",
    "addon-revoked": "embedded, and a signed addon whose hash is in dbx",
    "credential": "embedded, and a credential",
}
FOREIGN = ("foreign", "both")
NO_INITRD = ("none", "foreign")
ADDONS = tuple(i for i in INITRDS if i.startswith("addon-"))

IMA = {
    "off": "no rule",
    "good": "rule, the file's label is valid",
    "missing": "rule, no label",
    "stranger": "rule, a label by an unknown key",
}
LOCKDOWNS = ("none", "integrity", "confidentiality")
BY = {
    "nothing": "nothing",
    "lockdown": "lockdown",
    "force": "SIG_FORCE",
}
KINDS = {"normal": "normal", "crash": "crash"}


@dataclasses.dataclass(frozen=True)
class Boot:
    """What does not change while a guest runs"""
    force: bool
    appraise: bool
    secure: bool

    @property
    def name(self):
        return "-".join(("force" if self.force else "plain",
                         "ima" if self.appraise else "noima"))


# Secure Boot is no dimension of a UKI: it must not matter, and it does for
# kexec_load(), so that it is on here and there.
BOOTS = (Boot(False, False, True), Boot(False, True, False),
         Boot(True, False, False), Boot(True, True, True))


@dataclasses.dataclass(frozen=True)
class Cell:
    boot: Boot
    lockdown: str
    signature: str
    cmdline: str
    initrd: str
    kind: str
    ima: str

    @property
    def by(self):
        """What enforces; SIG_FORCE goes first, it also does in mainline."""
        if self.boot.force:
            return "force"
        return "nothing" if self.lockdown == "none" else "lockdown"

    @property
    def name(self):
        return " ".join((self.boot.name, self.lockdown, self.signature,
                         self.cmdline, self.initrd, self.kind, self.ima))


@dataclasses.dataclass(frozen=True)
class OldCell:
    """kexec_load(), which has no file"""
    boot: Boot
    lockdown: str
    kind: str

    @property
    def by(self):
        return "nothing" if self.lockdown == "none" else "lockdown"

    @property
    def secure(self):
        return "on" if self.boot.secure else "off"

    @property
    def policy(self):
        return "rule" if self.boot.appraise else "no rule"

    @property
    def force(self):
        return "yes" if self.boot.force else "no"

    @property
    def name(self):
        return " ".join((self.boot.name, self.lockdown, "kexec_load",
                         self.kind))


@dataclasses.dataclass(frozen=True)
class Rule:
    """Which cells (dimension -> values; what is not named does not matter),
    what they come to, and what the kernel's one line has in it.
    """
    where: dict
    result: str
    line: str = ""

    def covers(self, cell):
        return all(getattr(cell, dimension) in values
                   for dimension, values in self.where.items())


LOCKDOWN_LINE = "kexec of unsigned images is restricted"
SIG_LINE = "kexec_file: Enforced kernel signature verification failed"
INITRD_LINE = "kexec_uki: refused: another initrd is not allowed"
CMDLINE_LINE = "kexec_uki: refused: .cmdline: another command line"
SIDECAR_LINE = ("kexec_uki: refused: companions that are no addons would not "
                "be measured")
OLD_LINE = "impossible to appraise a kernel image without a file descriptor"


def accepted(**where):
    """The file is taken: what is beside it has to be signed or measured."""
    taken = [c for c in CMDLINES if c != "other"]
    others = [i for i in INITRDS if i not in FOREIGN]
    signed = [i for i in others if i != "credential"]
    return [
        Rule({**where, "initrd": FOREIGN}, "EPERM", INITRD_LINE),
        Rule({**where, "initrd": others, "cmdline": ("other",)}, "EPERM",
             CMDLINE_LINE),
        Rule({**where, "initrd": ("credential",), "cmdline": taken,
              "kind": ("crash",)}, "EPERM", SIDECAR_LINE),
        Rule({**where, "initrd": ("credential",), "cmdline": taken,
              "kind": ("normal",)}, "ok"),
        Rule({**where, "initrd": signed, "cmdline": taken}, "ok"),
    ]


NOT_IN_THE_WAY = ("off", "good")
RULES = [
    Rule({"ima": ("missing", "stranger")}, "EACCES"),
    Rule({"ima": NOT_IN_THE_WAY, "by": ("nothing",)}, "ok"),
    Rule({"ima": NOT_IN_THE_WAY, "by": ("force",),
          "signature": ("unsigned",)}, "ENODATA", SIG_LINE),
    Rule({"ima": NOT_IN_THE_WAY, "by": ("force",),
          "signature": ("stranger",)}, "ENOKEY", SIG_LINE),
    Rule({"ima": NOT_IN_THE_WAY, "by": ("force",),
          "signature": ("tampered", "revoked-hash", "revoked-cert")},
         "EKEYREJECTED", SIG_LINE),
    Rule({"ima": ("off",), "by": ("lockdown",), "signature": BAD}, "EPERM",
         LOCKDOWN_LINE),
    *accepted(ima=NOT_IN_THE_WAY, by=("force", "lockdown"), signature=GOOD),
    *accepted(ima=("good",), by=("lockdown",), signature=BAD),
]
OLD_RULES = [
    Rule({"secure": ("on",)}, "EACCES", OLD_LINE),
    Rule({"secure": ("off",), "policy": ("rule",)}, "EACCES", OLD_LINE),
    Rule({"secure": ("off",), "policy": ("no rule",), "by": ("lockdown",)},
         "EPERM", LOCKDOWN_LINE),
    Rule({"secure": ("off",), "policy": ("no rule",), "by": ("nothing",)},
         "ok"),
]


def rule(cell):
    """The only one that covers it"""
    rules = OLD_RULES if isinstance(cell, OldCell) else RULES
    found = [r for r in rules if r.covers(cell)]
    if len(found) != 1:
        raise ValueError(f"{cell.name}: {len(found)} rules")
    return found[0]


def asks_lockdown(cell):
    """Whether the lockdown LSM has to be asked; it notes when it says no."""
    if cell.lockdown == "none":
        return False
    if isinstance(cell, OldCell):
        return rule(cell).result == "EPERM"
    if cell.boot.force or rule(cell).result == "EACCES":
        return False
    if cell.signature in BAD and cell.ima == "off":
        return True
    return (cell.initrd in FOREIGN + ADDONS or cell.cmdline == "other"
            or (cell.initrd, cell.kind) == ("credential", "crash"))


def cells(boot, lockdown):
    """Those of a guest, at one level"""
    labels = [i for i in IMA if (i != "off") == boot.appraise]
    product = itertools.product(SIGNATURES, CMDLINES, INITRDS, KINDS, labels)
    return [Cell(boot, lockdown, *values) for values in product] + [
        OldCell(boot, lockdown, kind) for kind in KINDS]


def all_cells():
    return [c for boot in BOOTS for lockdown in LOCKDOWNS
            for c in cells(boot, lockdown)]


@dataclasses.dataclass(frozen=True)
class Policy:
    """What IMA is told, and what a UKI then comes to under lockdown"""
    words: str
    policy: str
    result: str
    label: str = "missing"
    cmdline: str = ""
    signature: str = "unsigned"
    passed: str = "-"
    opened: str = ""        # "direct:" for O_DIRECT
    module: bool = False    # tried as a module before
    forged: bool = False    # with modsig.py's signature behind it


SIGNED_KERNELS = "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig"
TMPFS = "0x01021994"
# IMA stands in only where it has checked a signature of these very bytes.  With
# "log", "owner", "excepted", "directio", "cached" and "modsig" mainline has let an
# unsigned one in, or does.
POLICIES = {
    "signed": Policy("``appraise_type=imasig``, the file's label is valid",
                     f"{SIGNED_KERNELS}\n", "ok", label="good"),
    "hash": Policy("no ``appraise_type=``, the file's label is its hash",
                   "appraise func=KEXEC_KERNEL_CHECK\n", "EPERM",
                   label="hash"),
    "log": Policy("``appraise_type=imasig``, and ``ima_appraise=log``",
                  f"{SIGNED_KERNELS}\n", "EPERM",
                  cmdline="ima_appraise=log"),
    "owner": Policy("``appraise_type=imasig fowner=`` of somebody else",
                    f"{SIGNED_KERNELS} fowner=65534\n", "EPERM"),
    "excepted": Policy("``appraise_type=imasig``, but first "
                       "``dont_appraise`` for the file system",
                       f"dont_appraise fsmagic={TMPFS}\n{SIGNED_KERNELS}\n",
                       "EPERM"),
    "directio": Policy("``appraise_type=imasig permit_directio``, the file "
                       "is opened with ``O_DIRECT``",
                       f"{SIGNED_KERNELS} permit_directio\n", "EPERM",
                       opened="direct:"),
    "cached": Policy("``appraise_type=imasig``, and a rule for modules "
                     "without it; the file's label is its hash, and it was "
                     "tried as a module before",
                     f"appraise func=MODULE_CHECK\n{SIGNED_KERNELS}\n",
                     "EPERM", label="hash", module=True),
    "modsig": Policy("``appraise_type=imasig|modsig``, a signature that has "
                     "content of its own is appended",
                     f"{SIGNED_KERNELS}|modsig\n", "EACCES", forged=True),
    "initrd": Policy("``KEXEC_INITRAMFS_CHECK`` with ``imasig`` instead; the "
                     "UKI is signed, an initrd without a label is passed",
                     "appraise func=KEXEC_INITRAMFS_CHECK "
                     "appraise_type=imasig\n", "EACCES",
                     signature="signed", passed="/in/foreign"),
}
