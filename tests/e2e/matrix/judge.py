# SPDX-License-Identifier: GPL-2.0
"""Holds a kexec against the cold boot of the same ESP.

What must be equal: the events from the UKI's own LoadImage() on, the files and
directories of /.extra, the command line, and the PCRs, replayed.  What a cell
says to differ has to differ just so:

  console        systemd-stub >= 261 appends console= where there is none
  selector       where there is no command line at all systemd-stub leaves its own
                 load options in place, "@1", and the kernel takes them for one
  inner          systemd-stub < 258 has firmware load the inner kernel: one more
                 event in PCR 4, before those of the kernel's own stub
  unknown NAME…  sections that this old stub does not measure
  matched NAME   a section for this kind of machine that it does measure
  extra NAME     a file of /.extra that it does not make; its content is that of
                 the section, and the initrd is the one of a cold boot of CELL:
  initrd CELL    one that has the same parts
  without PATH…  the cold boot has not these files: we pass them over; one that
                 has them is another
  refused ERRNO "WORDS"
                 we do not load it, for this reason; it is not compared, but the
                 cold boot is made
  firmware PATH taken|left [PCR:TYPE]…
                 what the cold boot makes of an addon that we refuse: whether its
                 command line is used, and the events of its LoadImage()
"""

import hashlib
import re
import shlex
import struct
import tempfile
from pathlib import Path, PurePosixPath

from harness import authenticode, case, machine, oracle, tpmlog, uki

from . import make

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


# TCG PC Client Platform Firmware Profile 10.2.3, UEFI_IMAGE_LOAD_EVENT: where the
# image is in memory, its size, its link-time address, the size of the device path
LOAD_EVENT = struct.Struct("<QQQQ")
MEDIA, FILE_PATH, END = 4, 4, 0x7f


def loaded_path(event):
    """The file that LoadImage() has read, with slashes; None if it was no file"""
    nodes = event.data[LOAD_EVENT.size:]
    text = ""
    while len(nodes) >= 4 and nodes[0] != END:
        kind, part, size = struct.unpack_from("<BBH", nodes)
        if size < 4:
            raise case.Failed(f"no device path: {event.data.hex()}")
        if (kind, part) == (MEDIA, FILE_PATH):
            text += "/" + nodes[4:size].decode("utf-16-le").rstrip("\0")
        nodes = nodes[size:]
    return str(PurePosixPath(text.replace("\\", "/").strip("/"))) \
        if text else None


def load_data(path):
    """The data of our event for this file: never at an address, and no path"""
    data = Path(path).read_bytes()
    optional = struct.unpack_from("<I", data, 0x3c)[0] + 24
    fmt, at = {0x20b: ("<Q", 24), 0x10b: ("<I", 28)}[
        struct.unpack_from("<H", data, optional)[0]]
    base = struct.unpack_from(fmt, data, optional + at)[0]
    return LOAD_EVENT.pack(0, len(data), base, 0)


def with_our_data(event, tree):
    """A program's event of the cold boot, with the data that ours has"""
    if event.type != PROGRAM:
        return event
    path = loaded_path(event)
    if not path:
        raise case.Failed(f"the cold boot has loaded no file: {show(event)}")
    data = load_data(tree / path)
    if data[8:24] != event.data[8:24]:
        raise case.Failed(f"{path}: size or address is not what firmware says")
    return tpmlog.Event(event.pcr, event.type, event.digests, data)


def cold_events(report, cell):
    """From the UKI's own LoadImage() on"""
    events = tpmlog.parse(report.files["after/bios_log"])
    start = [n for n, e in enumerate(events) if e.pcr == 4
             and e.type == PROGRAM and loaded_path(e) == cell.path]
    if len(start) != 1:
        raise case.Failed(f"the cold boot has loaded the UKI {len(start)} "
                          "times")
    return [e for e in events[start[0]:] if e.pcr in PCRS and e.type in TYPES]


class Want:
    """What is expected of the kexec: made from the cold boot.

    others  a function: cell and cold boot by name
    full    where a cell says "without", the cold boot with these files
    """

    def __init__(self, cell, image, cold, others, full=None):
        self.cell = cell
        self.image = image
        self.cold, self.full = cold, full
        self.others = others
        self.events = cold_events(cold, cell)
        self.tree = cold.tree("after")
        self.cmdline = cold.text("after/cmdline")
        for words in cell.differ:
            name, *rest = shlex.split(words)
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

    def selector(self):
        at = self.find(OPTIONS_EVENT)
        wide = (self.cell.options + "\0").encode("utf-16-le")
        given = self.cold.files["after/cmdline"].decode().removesuffix("\n")
        if (given, self.events[at].digests) != (
                self.cell.options, digests(wide)):
            raise case.Failed("the cold boot's kernel has not been given "
                              f"{self.cell.options!r} but {given!r}")
        self.cmdline = ""
        del self.events[at]

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

    def matched(self, name):
        at = [n for n, e in enumerate(self.events) if e.pcr == 11
              and e.describe() == name]
        content = [digests(name.encode() + b"\0"),
                   digests(uki.section(self.image, name))]
        if [self.events[n].digests for n in at] != content:
            raise case.Failed(f"the cold boot does not measure {name}")
        del self.events[at[0]:at[-1] + 1]

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

    def refused(self, errno, words):
        """refused() below sees to it."""

    def without(self, *paths):
        full = cold_events(self.full, self.cell)
        if [(e.pcr, e.digests) for e in full] == [
                (e.pcr, e.digests) for e in cold_events(self.cold, self.cell)]:
            raise case.Failed("the cold boot does not care for "
                              + " ".join(paths))

    def firmware(self, path, outcome, *events):
        place = str(make.place(PurePosixPath("/"), self.cell, path))[1:]
        got = [f"{e.pcr}:{e.type:#x}" for e in self.events
               if e.type in (PROGRAM,) + DRIVERS and loaded_path(e) == place]
        word = self.cell.files[path].sections[".cmdline"]
        used = "taken" if word in self.cmdline.split(" ") else "left"
        if (used, got) != (outcome, list(events)):
            raise case.Failed(f"{path} in the cold boot: {used} {got}, not "
                              f"{outcome} {list(events)}")


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
                    g.data != w.data):
            out.append(f"event {n}: kexec {show(g) if g else 'nothing'}; "
                       f"cold {show(w) if w else 'nothing'}")
            if g and w and g.data != w.data:
                out.append(f"    data {g.data.hex()}, not {w.data.hex()}")
    return out[:4]


def same_dict(got, want, what):
    return [f"{what} {key}: kexec {got.get(key)}, cold {want.get(key)}"
            for key in sorted(set(got) | set(want))
            if got.get(key) != want.get(key)]


def same_pcrs(got, want):
    """What is wrong: of all banks, and of all PCRs but IMA's"""
    shape = {bank: set(range(24)) for bank in machine.ALL_BANKS}
    for what, pcrs in (("after", got), ("before", want)):
        if {bank: set(values) for bank, values in pcrs.items()} != shape:
            return [f"not all PCRs of all banks are known {what} the kexec"]
    return [f"{bank} PCR {pcr} is not what the cold boot's events make of it"
            for bank in shape for pcr in sorted(shape[bank])
            if pcr != case.IMA_PCR and got[bank][pcr] != want[bank][pcr]]


def refused(cell, chain):
    """What is wrong with how a cell was refused; None if it is to be loaded."""
    rows = [shlex.split(d)[1:] for d in cell.differ if d.startswith("refused ")]
    if not rows:
        return None
    (errno, words), = rows
    name = f"{cell.name}/load"
    chain.need(f"{name}/out", f"{name}/dmesg", f"{name}/loaded")
    said = chain.text(f"{name}/out")
    lines = [x for x in chain.text(f"{name}/dmesg").splitlines()
             if "kexec_uki: refused: " in x]
    wrong = []
    if chain.status(name) == 0 or errno not in re.findall(r"\b[A-Z]+\b", said):
        wrong.append(f"not refused with {errno}: {said}")
    if len(lines) != 1 or words not in lines[0]:
        wrong.append(f"not refused for {words!r}: {lines}")
    if chain.text(f"{name}/loaded") != "0":
        wrong.append("something is loaded after the refusal")
    return wrong


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
    tree = Path(str(want.image).removesuffix(want.cell.path))
    expected = [oracle.marker(number)] + [with_our_data(e, tree)
                                          for e in want.events]
    wrong += same_events(events, expected)
    wrong += same_dict(chain.tree(name), want.tree, "")
    if chain.text(f"{name}/cmdline") != want.cmdline:
        wrong.append(f"command line: kexec {chain.text(f'{name}/cmdline')!r}, "
                     f"cold {want.cmdline!r}")
    pcrs = oracle.expected(chain.pcrs(before), expected)
    return wrong + same_pcrs(chain.pcrs(name), pcrs)
