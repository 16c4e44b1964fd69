# SPDX-License-Identifier: GPL-2.0
"""Holds a kexec against the cold boot of the same ESP.

What must be equal: the events from the UKI's own LoadImage() on, the files and
directories of /.extra, the command line, and the PCRs, replayed.  What a cell
says to differ has to differ just so:

  console        systemd-stub >= 261 appends console= where there is none
  inner          systemd-stub < 258 has firmware load the inner kernel: one more
                 event in PCR 4, before those of the kernel's own stub
  unknown NAME…  sections that this old stub does not measure
  extra NAME     a file of /.extra that it does not make; its content is that of
                 the section, and the initrd is the one of a cold boot of CELL:
  initrd CELL    one that has the same parts
  without PATH…  the cold boot has not these files: we pass them over
  refused ERRNO  we do not load it; it is not compared, but the cold boot is made
"""

import hashlib
import tempfile
from pathlib import Path

from harness import authenticode, case, machine, oracle, tpmlog, uki

PCRS = (2, 4, 9, 11, 12, 13)
DRIVERS = (0x80000004, 0x80000005)
PROGRAM = tpmlog.EV_EFI_BOOT_SERVICES_APPLICATION
TYPES = (PROGRAM, tpmlog.EV_IPL, tpmlog.EV_EVENT_TAG) + DRIVERS

# The order of systemd's src/fundamental/uki.h
ORDER = (".linux .osrel .cmdline .initrd .ucode .splash .dtb .uname .sbat "
         ".pcrsig .pcrpkey .profile .dtbauto .hwids .efifw").split()
OPTIONS_EVENT, INITRD_EVENT = "LOADED_IMAGE::LoadOptions", "Linux initrd"
SOURCES = {"os-release": ".osrel"}


def digests(content):
    return {b: hashlib.new(b, content).digest() for b in machine.ALL_BANKS}


def boot_path(cell):
    return "\\" + cell.path.replace("/", "\\")


def cold_events(report, cell):
    """From the UKI's own LoadImage() on"""
    events = tpmlog.parse(report.files["after/bios_log"])
    path = boot_path(cell).encode("utf-16-le") + b"\0\0"
    start = [n for n, e in enumerate(events) if e.pcr == 4
             and e.type == PROGRAM and path in e.data]
    if len(start) != 1:
        raise case.Failed(f"the cold boot has loaded the UKI {len(start)} "
                          "times")
    return [e for e in events[start[0]:] if e.pcr in PCRS and e.type in TYPES]


class Want:
    """What is expected of the kexec: made from the cold boot."""

    def __init__(self, cell, image, cold, others):
        self.cell = cell
        self.image = image
        self.others = others
        self.events = cold_events(cold, cell)
        self.tree = cold.tree("after")
        self.cmdline = cold.text("after/cmdline")
        for words in cell.differ:
            name, *rest = words.split()
            getattr(self, name)(*rest)

    def find(self, text):
        found = [n for n, e in enumerate(self.events) if e.describe() == text]
        if len(found) != 1:
            raise case.Failed(f"{len(found)} events {text} in the cold boot")
        return found[0]

    def console(self):
        words = self.cmdline.split(" ")
        ours = [w for w in words if not w.startswith("console=")]
        if len(ours) == len(words) or words[:len(ours)] != ours:
            raise case.Failed("no console= is appended in the cold boot: "
                              + self.cmdline)
        self.cmdline = " ".join(ours)
        at = self.find(OPTIONS_EVENT)
        old = self.events.pop(at)
        if self.cmdline:
            wide = (self.cmdline + "\0").encode("utf-16-le")
            self.events.insert(at, tpmlog.Event(9, old.type, digests(wide),
                                                old.data))

    def inner(self):
        at = self.find(OPTIONS_EVENT) - 1
        event = self.events[at]
        with tempfile.TemporaryDirectory() as tmp:
            kernel, signed = Path(tmp) / "linux", Path(tmp) / "signed"
            kernel.write_bytes(uki.section(self.image, ".linux"))
            uki.sign(kernel, signed)
            digest = authenticode.digest(signed)
        if (event.pcr, event.type, event.digests["sha256"].hex()) != (
                4, PROGRAM, digest):
            raise case.Failed("the cold boot's last event before the kernel's "
                              f"is {event.describe()} in PCR {event.pcr}, not "
                              "of the inner kernel")
        del self.events[at]

    def unknown(self, *names):
        for name in names:
            if any(e.pcr == 11 and e.describe() == name for e in self.events):
                raise case.Failed(f"the cold boot does measure {name}")
            later = ORDER[ORDER.index(name):]
            at = max(n for n, e in enumerate(self.events) if e.pcr in (4, 11)
                     and e.describe() not in later)
            data = (name + "\0").encode("utf-16-le")
            self.events[at + 1:at + 1] = [
                tpmlog.Event(11, tpmlog.EV_IPL, digests(content), data)
                for content in (name.encode() + b"\0",
                                uki.section(self.image, name))]

    def extra(self, name):
        path = f"/.extra/{name}"
        if path in self.tree:
            raise case.Failed(f"the cold boot does have {path}")
        content = uki.section(self.image, SOURCES[name])
        self.tree.setdefault("/.extra", ("-", "555", "0", "0"))
        self.tree[path] = (hashlib.sha256(content).hexdigest(), "444", "0",
                           "0")

    def initrd(self, name):
        cell, report = self.others(name)
        same = [e for e in cold_events(report, cell)
                if e.describe() == INITRD_EVENT]
        at = self.find(INITRD_EVENT)
        if same[0].digests == self.events[at].digests:
            raise case.Failed("the cold boot's initrd does not differ")
        self.events[at] = same[0]

    def refused(self, errno):
        """The runner has seen to it."""

    def without(self, *paths):
        """The runner has seen to it."""


def show(event):
    return (f"PCR {event.pcr} {event.type_name} {event.describe()[:60]!r} "
            f"{event.digests['sha256'].hex()[:16]}")


def same_events(got, want):
    """What is wrong, in lines"""
    out = []
    for n in range(max(len(got), len(want))):
        g = got[n] if n < len(got) else None
        w = want[n] if n < len(want) else None
        if not g or not w or (g.pcr, g.type, g.digests) != (
                w.pcr, w.type, w.digests) or (
                    w.type not in (PROGRAM,) + DRIVERS and g.data != w.data):
            out.append(f"event {n}: kexec {show(g) if g else 'nothing'}; "
                       f"cold {show(w) if w else 'nothing'}")
    return out[:4]


def same_dict(got, want, what):
    return [f"{what} {key}: kexec {got.get(key)}, cold {want.get(key)}"
            for key in sorted(set(got) | set(want))
            if got.get(key) != want.get(key)]


def judge(want, chain, before, number):
    """The list of what is wrong with the hop to want.cell; it has been made."""
    name = want.cell.name
    chain.need(f"{name}/new", f"{name}/pcrs", f"{name}/extra")
    wrong = []
    if chain.text(f"{name}/head") != chain.text(f"{name}/sum"):
        wrong.append("the log does not begin with the last kernel's")
    new = chain.files[f"{name}/new"]
    if new != chain.files.get(f"{name}/pending"):
        wrong.append("what is new in the log is not what was pending")
    head = tpmlog.split(chain.files["first/new"])[0]
    events = tpmlog.parse(new, head)
    expected = [oracle.marker(number)] + want.events
    wrong += same_events(events, expected)
    wrong += same_dict(chain.tree(name), want.tree, "")
    if chain.text(f"{name}/cmdline") != want.cmdline:
        wrong.append(f"command line: kexec {chain.text(f'{name}/cmdline')!r}, "
                     f"cold {want.cmdline!r}")
    pcrs = oracle.expected(chain.pcrs(before), expected)
    for bank, values in chain.pcrs(name).items():
        for pcr, value in values.items():
            if pcr != case.IMA_PCR and value != pcrs[bank][pcr]:
                wrong.append(f"{bank} PCR {pcr} is not what the cold boot's "
                             "events make of it")
    return wrong
