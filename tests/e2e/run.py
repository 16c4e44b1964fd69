#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the end-to-end tests: all of them, or those named.

    run.py [-j GUESTS] [NAME...]

run_debian.py is the same for those in debian/.  Each test_NAME.py runs in a
process of its own, so that nothing of one is left to the next.  The last line is
"N passed, N failed" and the exit status says whether all passed.  A test that
cannot run here (a kernel that is not built) counts as skipped, and all skipped is a
failure.
"""

import argparse
import fcntl
import importlib
import os
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUITE = HERE / os.environ.get("E2E_SUITE", ".")
sys.path[:0] = [str(SUITE), str(HERE)]

from harness import case, machine, paths  # noqa: E402

PASSED, FAILED, SKIPPED = 0, 1, 77

# These begin, so that none of them runs alone at the end.
LONG = ()


def names():
    found = sorted(p.stem[5:] for p in SUITE.glob("test_*.py"))
    return sorted(found, key=lambda name: name not in LONG)


def run_one(name):
    """The test itself, in its process; its output is its log."""
    module = importlib.import_module(f"test_{name}")
    print(f"{name}: {module.__doc__.strip().splitlines()[0]}", flush=True)
    missing = [p for p in getattr(module, "NEEDS", ()) if not p.exists()]
    if missing:
        print(f"skipped: there is no {missing[0]}")
        return SKIPPED
    t = case.Case(name)
    try:
        module.run(t)
    except case.Skipped as reason:
        print(f"skipped: {reason}")
        return SKIPPED
    except (case.Failed, machine.GuestError) as reason:
        print(f"FAILED: {reason}")
        return FAILED
    except Exception:       # the log has to say what broke the test itself
        traceback.print_exc()
        return FAILED
    if not t.checks:
        print("FAILED: nothing was checked")
        return FAILED
    print(f"passed, {t.checks} checks")
    return PASSED


# What the kernel says if the host gives a guest no time for its first ticks
STARVED = b"IO-APIC + timer doesn't work"


class Job:
    def __init__(self, number, total, name):
        self.name = name
        self.log = paths.LOG / f"{name}.log"
        self.title = f"[{number}/{total}] {name}"
        self.tries = 0
        self.begin()

    def begin(self):
        self.tries += 1
        self.start, self.since = time.monotonic(), time.time()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, __file__, "--one", self.name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=machine.die_with_parent)

    def starved(self):
        return any(console.stat().st_mtime >= self.since
                   and STARVED in console.read_bytes()
                   for name in (self.name, f"{self.name}-*")
                   for console in paths.LOG.glob(f"{name}.console"))

    def result(self):
        """None while it runs"""
        status = self.process.poll()
        if status is None:
            return None
        if status == FAILED and self.tries == 1 and self.starved():
            print(f"{self.title} ... again: the host was too slow for a "
                  "guest's timer", flush=True)
            self.begin()
            return None
        last = self.log.read_text(errors="replace").strip().splitlines()
        text = {PASSED: "ok", SKIPPED: (last or [""])[-1]}.get(status)
        took = f"({time.monotonic() - self.start:.0f} s)"
        print(f"{self.title} ... {text or 'FAILED'} {took}", flush=True)
        if not text:
            reason = [x for x in last if x.startswith("FAILED")] or last[-1:]
            print(f"    {(reason or ['no output'])[0][:400]}")
            print(f"    log: {os.path.relpath(self.log)}", flush=True)
        return status if status in (PASSED, SKIPPED) else FAILED


def run_all(wanted, guests):
    waiting = list(enumerate(wanted, 1))
    running, results = [], []
    while waiting or running:
        while waiting and len(running) < guests:
            number, name = waiting.pop(0)
            running.append(Job(number, len(wanted), name))
        time.sleep(0.2)
        for job in list(running):
            result = job.result()
            if result is not None:
                running.remove(job)
                results.append(result)
    return results


def check_tools():
    needed = [paths.BZIMAGE, paths.STUB, paths.TOOLS / "ukify", paths.KEXEC,
              paths.KEXEC_UKI]
    missing = [str(p) for p in needed if not p.exists()]
    missing += [p for p in ("qemu-system-x86_64", "swtpm", "swtpm_setup",
                            "tpm2_eventlog", "sbsign", "objcopy", "openssl")
                if not shutil.which(p)]
    if missing:
        sys.exit("end to end: missing " + ", ".join(missing)
                 + " (make e2e prepares them)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", type=int, default=2, metavar="GUESTS")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if args.one:
        return run_one(args.one)
    wanted = args.names or names()
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        sys.exit(f"no test named {', '.join(unknown)}; "
                 f"there are: {' '.join(names())}")
    check_tools()
    paths.LOG.mkdir(parents=True, exist_ok=True)
    with open(paths.LOG / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another end-to-end run is going on, waiting", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(paths.WORK, ignore_errors=True)
        paths.WORK.mkdir(parents=True)
        results = run_all(wanted, args.j)
    passed, failed, skipped = (results.count(r)
                               for r in (PASSED, FAILED, SKIPPED))
    print(f"{passed} passed, {failed} failed"
          + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
