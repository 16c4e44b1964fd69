#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Everything that systemd-stub does, held against a kexec of the same UKI.

    run_matrix.py [-j GUESTS] [--all] [--raw] [NAME...]

Each cell of the matrix is booted by OVMF and its systemd-stub, and kexeced by
us; guests go through many kexecs, one after the other.  Without --all and names:
the ten cells that cover the most.  The last line is "N passed, N failed", where
each cell counts as one.

--raw    makes the companion archives here, with all files of the directories, and
         calls kexec_file_load() itself, in place of "kexec-uki load"
--list   says what there is
"""

import argparse
import fcntl
import os
import shlex
import shutil
import sys
import time
from concurrent import futures
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
OUT = HERE.parents[1] / "out"
# Not those of run.py, which may run at the same time
os.environ.setdefault("E2E_WORK", str(OUT / "e2e-matrix"))
os.environ.setdefault("E2E_LOG", str(OUT / "log" / "e2e-matrix"))

from harness import case, initrd, machine, oracle, paths  # noqa: E402
from matrix import cells, judge, make  # noqa: E402

# A cold boot that hangs must not hold up the others for long.
machine.SILENCE_S = 100

# Directories that hold companions, beside the UKI's own
DIRS = ("loader/addons", "loader/credentials", "loader/extensions")


def archive(tree, own):
    """A newc archive of all that is in these directories"""
    cpio = initrd.Cpio()
    for name in DIRS + (own,):
        if not (tree / name).is_dir():
            continue
        cpio.parents(name + "/")
        for path in sorted((tree / name).iterdir()):
            if path.is_file():
                cpio.file(f"{name}/{path.name}", path.read_bytes())
    return cpio.done()


def raw_load(cell, share):
    """kexec_load_file's words, and the archive that they name"""
    image = f"/in/{cell.name}/esp/{cell.path}"
    words = ["kexec_load_file", "load", image]
    args = list(cell.args)
    if "--no-companions" not in args:
        tree = share / cell.name / "esp"
        data = archive(tree, f"{cell.own or cell.path}.extra.d")
        if len(data) > 124:
            (tree.parent / "companions").write_bytes(data)
            words.append(f"companions=/in/{cell.name}/companions")
    text = ""
    if "--profile" in args:
        text = f"@{args[args.index('--profile') + 1]}"
    if "--cmdline" in args:
        text += " " * bool(text) + args[args.index("--cmdline") + 1]
    return words + ([f"cmdline={text}"] if text else [])


def tool_load(cell):
    esp = f"/in/{cell.name}/esp"
    where = [] if "--no-companions" in cell.args else ["--esp", esp]
    return ["kexec-uki", "load", *where, *cell.args, f"{esp}/{cell.path}"]


def known():
    return {c.name: c for c in cells.CELLS}


# What runs in another process gets the names of cells: their edits are functions,
# which no process can send to another.

def prepare(name, share, raw):
    """The cell's part of its chain's share; returns the digest of its ESP"""
    cell = known()[name]
    tree = make.make(cell, share / cell.name / "esp")
    words = raw_load(cell, share) if raw else tool_load(cell)
    (tree.parent / "load").write_text(
        f"{shlex.join(words)}\ncode=$?\nloaded {name}/load\nreturn $code\n")
    return make.tree_digest(tree)


def without(cell):
    """Files that the cold boot must not have"""
    return [path for words in cell.differ if words.startswith("without ")
            for path in words.split()[1:]]


def cold(name, tree, full=False):
    """A cold boot; returns what the guest has sent

    full: with the files that it must not have, to see that they make a difference
    """
    cell = known()[name]
    if without(cell) and not full:
        tree = shutil.copytree(tree, paths.WORK / "without" / name)
        for path in without(cell):
            make.place(tree, cell, path).unlink()
    m = machine.Machine(f"{'full' if full else 'cold'}-{name}", esp=tree,
                        boot=judge.boot_path(cell), options=cell.options,
                        secure=cell.secure, devices=cell.devices)
    report = m.run().need("after/cmdline")
    oracle.check_log(report, "after", log="bios_log")
    return report


def first_kernel(share, secure):
    """The UKI with which a chain begins, on its ESP"""
    tree = share.with_name(share.name + "-esp")
    words = "lockdown=integrity" if secure else ""
    cell = cells.Cell("first", "", {".cmdline": cells.text(words)},
                      signer="ours" if secure else "")
    shutil.rmtree(tree, ignore_errors=True)
    make.make(cell, tree)
    return tree, judge.boot_path(cell)


def chain(share, names, secure):
    """Reports of guests: one, and one more after each that does not come back.

    A cell at which a guest dies is not tried again.
    """
    shutil.copy(paths.GUEST / "chain.sh", share)
    tree, boot = first_kernel(share, secure)
    reports, todo = [], list(names)
    while todo:
        at = share / "at"
        shutil.rmtree(at, ignore_errors=True)
        at.mkdir()
        (at / "todo").write_text("".join(f"{n}\n" for n in todo))
        m = machine.Machine(f"{share.name}-{len(reports)}", esp=tree,
                            boot=boot, secure=secure, share=share,
                            writable=True)
        report = m.run()
        try:
            oracle.check_log(report, "end")
        except machine.GuestError as reason:
            report.problem = str(reason)
        reports.append(report)
        left = (at / "todo").read_text().split()
        if left == todo:
            break
        todo = left
    return reports


class Run:
    """What is known so far; says a cell's result when it is."""

    def __init__(self, wanted, shares, also):
        self.wanted = wanted
        self.shares = shares
        self.cells = {c.name: c for c in wanted + also}
        self.colds, self.fulls = {}, {}
        self.hops, self.problem = {}, {}
        self.done, self.failed = [], []
        self.start = time.monotonic()

    def take_chain(self, names, reports):
        for report in reports:
            before, number = "first", 1
            for name in names:
                if f"{name}/load/status" not in report.files:
                    continue
                self.hops[name] = (report, before, number)
                if f"{name}/new" in report.files:
                    before, number = name, number + 1
            # What is wrong with the whole log is wrong with the last of it.
            if hasattr(report, "problem"):
                self.problem[before] = report.problem
        for name in names:
            self.hops.setdefault(name, None)

    def other(self, name):
        return self.cells[name], self.colds[name]

    def ready(self, cell):
        others = [d.split()[1] for d in cell.differ
                  if d.startswith("initrd ")]
        if cell.name in self.problem:
            return cell.name in self.hops
        if without(cell) and cell.name not in self.fulls:
            return False
        there = set(self.colds) | set(self.problem)
        return cell.name in self.hops and not {cell.name, *others} - there

    def wrong(self, cell):
        name = cell.name
        if name in self.problem:
            return [self.problem[name]]
        if not self.hops[name]:
            return ["the chain has not come to it"]
        report, before, number = self.hops[name]
        image = self.shares[name] / name / "esp" / cell.path
        want = judge.Want(cell, image, self.colds[name], self.other,
                          self.fulls.get(name))
        wrong = judge.refused(cell, report)
        if wrong is not None:
            return wrong
        if report.status(f"{name}/load"):
            return ["not loaded: " + report.text(f"{name}/load/out")[-300:]
                    + "; " + report.text(f"{name}/load/dmesg")[-300:]]
        if f"{name}/extra" not in report.files:
            return [f"no word after the jump: {report.ended}, see "
                    f"{os.path.relpath(report.machine.console)}"]
        return judge.judge(want, report, before, number)

    def look(self):
        for cell in self.wanted:
            if cell.name in self.done or not self.ready(cell):
                continue
            try:
                wrong = self.wrong(cell)
            except (case.Failed, machine.GuestError, KeyError) as reason:
                wrong = [f"{type(reason).__name__}: {reason}"]
            self.done.append(cell.name)
            print(f"[{len(self.done)}/{len(self.wanted)}] {cell.name} ... "
                  + ("FAILED" if wrong else "ok")
                  + f" ({time.monotonic() - self.start:.0f} s)")
            for line in wrong:
                print("    " + line)
            sys.stdout.flush()
            if wrong:
                self.failed.append(cell.name)


def split(wanted, guests):
    """[(name of the chain, cells, secure)]"""
    out = []
    plain = [c for c in wanted if not c.secure]
    for n in range(guests):
        if plain[n::guests]:
            out.append((f"chain-{n}", plain[n::guests], False))
    if any(c.secure for c in wanted):
        out.append(("chain-secure", [c for c in wanted if c.secure], True))
    return out


def go(wanted, also, guests, raw):
    """also: cells of which only the cold boot is wanted"""
    chains = split(wanted, guests)
    if also:
        chains.append(("also", also, False))
    shares = {c.name: paths.WORK / name for name, part, _ in chains
              for c in part}
    run = Run(wanted, shares, also)
    with futures.ProcessPoolExecutor(
            guests, initializer=machine.die_with_parent) as pool:
        made = {c.name: pool.submit(prepare, c.name, shares[c.name], raw)
                for c in wanted + also}
        tasks, keys = {}, {}
        digests = {name: f.result() for name, f in made.items()}
        print(f"  {len(made)} ESPs made "
              f"({time.monotonic() - run.start:.0f} s)", flush=True)
        for name, part, secure in chains:
            if name != "also":
                names = [c.name for c in part]
                tasks[pool.submit(chain, paths.WORK / name, names,
                                  secure)] = names
        # Cells whose inputs are all the same are booted once.
        for c in wanted + also:
            key = (digests[c.name], c.path, c.options, c.secure, c.devices)
            less = without(c)
            keys.setdefault((*key, *less), []).append((c, False))
            if less:
                keys.setdefault(key, []).append((c, True))
        for same in keys.values():
            c, full = same[0]
            tasks[pool.submit(cold, c.name, shares[c.name] / c.name / "esp",
                              full)] = same
        for task in futures.as_completed(tasks):
            what = tasks[task]
            names = [w if isinstance(w, str) else w[0].name for w in what]
            try:
                result = task.result()
            except Exception as reason:     # a broken bench fails its cells
                run.problem.update({n: f"{type(reason).__name__}: {reason}"
                                    for n in names})
                for n in names:
                    run.hops.setdefault(n, None)
            else:
                if isinstance(result, list):
                    run.take_chain(names, result)
                else:
                    for c, full in what:
                        (run.fulls if full else run.colds)[c.name] = result
            run.look()
    return run


def choose(args):
    """The wanted cells, and those that others are held against"""
    named = known()
    if args.names:
        missing = sorted(set(args.names) - set(named))
        if missing:
            sys.exit(f"no cell named {', '.join(missing)} (--list)")
        wanted = [named[n] for n in args.names]
    else:
        wanted = [c for c in cells.CELLS if args.all or c.first]
    names = {d.split()[1] for c in wanted for d in c.differ
             if d.startswith("initrd ")}
    return wanted, [named[n] for n in sorted(names - {c.name for c in wanted})]


def check_first():
    """The docs speak of ten cells, and names have to be of one cell each."""
    first = [c.name for c in cells.CELLS if c.first]
    if len(first) != 10 or len(known()) != len(cells.CELLS):
        sys.exit(f"matrix: {len(first)} first cells, {len(known())} names of "
                 f"{len(cells.CELLS)} cells")


def check_tools():
    needed = [paths.BZIMAGE, paths.KEXEC_UKI, paths.TOOLS / "ukify",
              paths.ADDON, *make.STUBS.values()]
    missing = [str(p) for p in needed if not p.exists()]
    missing += [p for p in ("qemu-system-x86_64", "swtpm", "mformat", "mcopy",
                            "sbsign", "sbattach", "objcopy", "tpm2_eventlog")
                if not shutil.which(p)]
    if missing:
        sys.exit("matrix: missing " + ", ".join(missing)
                 + " (make e2e-matrix prepares them)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", type=int, default=2, metavar="GUESTS")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--raw", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if args.list:
        for c in cells.CELLS:
            print(f"{'*' if c.first else ' '} {c.name:24} {c.shows}")
        return 0
    check_first()
    wanted, also = choose(args)
    if not wanted:
        print("no cells at all\n0 passed, 0 failed")
        return 1
    check_tools()
    paths.LOG.mkdir(parents=True, exist_ok=True)
    with open(paths.LOG / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another run of the matrix is going on, waiting", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(paths.WORK, ignore_errors=True)
        make.prepare()
        run = go(wanted, also, args.j, args.raw)
    lost = [c.name for c in wanted if c.name not in run.done]
    failed = run.failed + lost
    if not failed:
        shutil.rmtree(paths.WORK)       # a gigabyte of ESPs
    else:
        print("failed: " + " ".join(failed))
    print(f"{len(wanted) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not wanted else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
