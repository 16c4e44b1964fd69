#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Everything that "make test" runs.  A gate is a command whose last line of output
# is "N passed, N failed[, N skipped]"; a step is a command that others need and
# that counts as one test.  A failure never keeps the rest from running, unless
# the rest needs what failed.  The last line is the sum.
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SUM = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")

# (name, command, what it needs)
STEPS = (
    ("packages", "scripts/setup.sh", ()),
    ("kernel", "scripts/kernel.sh build", ("packages",)),
    ("series", "scripts/series.py mail && scripts/series.py check", ("kernel",)),
    ("module", "scripts/kernel.sh build-module", ("kernel",)),
    ("lint", "scripts/lint.sh", ("series",)),
    ("kunit", "scripts/kunit.sh", ("kernel",)),
    ("tools", "scripts/guest-tools.sh && scripts/kexec-tools.sh &&"
     " scripts/kexec-uki.sh", ("kernel",)),
    ("debian", "scripts/debian.sh", ("packages",)),
    ("kexec-tools", "tests/kexec-tools/run.sh", ("tools",)),
    ("kexec-uki", "tests/kexec-uki/run.sh", ("kernel",)),
    ("e2e", "tests/e2e/run.py", ("tools", "module")),
    ("matrix", "tests/e2e/run_matrix.py", ("tools",)),
    ("e2e-debian", "tests/e2e/run_debian.py", ("tools", "debian")),
)


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def run(command):
    """Runs it in sight of the person who waits; returns its status and counts."""
    last = ""
    with subprocess.Popen(command, shell=True, cwd=TOP, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, errors="replace") as child:
        for line in child.stdout:
            if SUM.match(last):
                print("  " + last)
            elif last:
                print(last)
            sys.stdout.flush()
            last = line.rstrip("\n")
    found = SUM.match(last)
    if last and not found:
        print(last, flush=True)
    return child.returncode, [int(n or 0) for n in found.groups()] if found else None


def counts(status, found):
    """A gate that fails without saying how often has failed once."""
    if found is None:
        return [0, 1, 0] if status else [1, 0, 0]
    if status and not found[1] or not sum(found):
        found[1] += 1
    return found


def main():
    begin, total, broken = time.monotonic(), [0, 0, 0], set()
    for number, (name, command, needs) in enumerate(STEPS, 1):
        print(f"[{number}/{len(STEPS)}] {name}", flush=True)
        start, missing = time.monotonic(), broken.intersection(needs)
        if missing:
            print(f"  not run: {', '.join(sorted(missing))} failed")
            result = [0, 1, 0]
        else:
            status, found = run(command)
            result = counts(status, found)
        if result[1] and (missing or found is None):
            broken.add(name)
        total = [a + b for a, b in zip(total, result)]
        print(f"  {name}: {result[0]} passed, {result[1]} failed, {result[2]} skipped;"
              f" {clock(time.monotonic() - start)}, {clock(time.monotonic() - begin)}"
              " in all", flush=True)
    skipped = f", {total[2]} skipped" if total[2] else ""
    print(f"{total[0]} passed, {total[1]} failed{skipped}")
    sys.exit(1 if total[1] else 0)


main()
