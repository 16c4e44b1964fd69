#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Everything that "make test" runs, and with --long what takes hours besides, of
# which arguments choose some: test.py --long [STEP...].  A gate is a command whose
# last line of output is "N passed, N failed[, N skipped]"; a step is a command that
# others need and that counts as one test.  A failure never keeps the rest from running, unless
# the rest needs what failed.  What failed is told once more before the last line, which
# is the sum.
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SUM = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
BAD = re.compile(r"FAILED|\bnot ok\b|Traceback|\berror:")
RETOLD = 12     # lines of one step, at most

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
    ("variants", "scripts/kernel.sh variant appraise force", ("kernel",)),
    ("debian", "scripts/debian.sh", ("packages",)),
    ("fuzz", "scripts/fuzz.sh", ("kernel",)),
    ("authenticode", "tests/authenticode/run.sh", ("tools",)),
    ("kexec-tools", "tests/kexec-tools/run.sh", ("tools",)),
    ("kexec-uki", "tests/kexec-uki/run.sh", ("kernel",)),
    ("e2e", "tests/e2e/run.py", ("tools", "module", "variants")),
    ("matrix", "tests/e2e/run_matrix.py", ("tools",)),
    ("e2e-debian", "tests/e2e/run_debian.py", ("tools", "debian")),
)

# What "make test-long" runs: PREPARE of the steps above, and these
PREPARE = ("packages", "kernel", "series", "module", "tools")
LONG = (
    ("packages-long", "scripts/setup.sh long", ("packages",)),
    ("kernels", "scripts/kernel.sh variant appraise force kasan kcsan",
     ("kernel",)),
    ("e2e-long", "tests/e2e/run_long.py", ("tools", "module", "kernels")),
    ("matrix-all", "tests/e2e/run_matrix.py --all", ("tools",)),
    ("coverage", "scripts/coverage.sh", ("kernel",)),
    ("builds", "scripts/builds.sh", ("series", "packages-long")),
    ("each", "scripts/each.sh", ("series",)),
    ("fuzz-afl", "scripts/fuzz.sh --afl", ("kernel",)),
    ("fuzz-mutants", "tests/fuzz/mutants.py", ("kernel",)),
    ("fuzz-long", "scripts/fuzz.sh --runs 100000000", ("kernel",)),
)


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def run(command):
    """
    Runs it in sight of the person who waits; returns its status, its counts, and the
    lines that tell of a failure, each with the next one, which says why.
    """
    last, bad = "", []
    with subprocess.Popen(command, shell=True, cwd=TOP, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, errors="replace") as child:
        for line in child.stdout:
            if SUM.match(last):
                print("  " + last)
            elif last:
                print(last)
            sys.stdout.flush()
            if BAD.search(line) or bad and bad[-1] == last and BAD.search(last):
                bad.append(line.rstrip("\n"))
            last = line.rstrip("\n")
    found = SUM.match(last)
    if last and not found:
        print(last, flush=True)
    numbers = [int(n or 0) for n in found.groups()] if found else None
    return child.returncode, numbers, bad[:RETOLD]


def counts(status, found):
    """A gate that fails without saying how often has failed once."""
    if found is None:
        return [0, 1, 0] if status else [1, 0, 0]
    if status and not found[1] or not sum(found[:2]):
        found[1] += 1
    return found


def chosen(arguments):
    """The steps to run, by the command line"""
    if arguments[:1] != ["--long"]:
        return STEPS
    names = arguments[1:] or [step[0] for step in LONG]
    unknown = set(names).difference(step[0] for step in LONG)
    if unknown:
        sys.exit(f"test.py: no long step is named {', '.join(sorted(unknown))}")
    return ([step for step in STEPS if step[0] in PREPARE]
            + [step for step in LONG if step[0] in names])


def main():
    begin, total, broken = time.monotonic(), [0, 0, 0], set()
    steps, summary, retold = chosen(sys.argv[1:]), [], []
    for number, (name, command, needs) in enumerate(steps, 1):
        print(f"[{number}/{len(steps)}] {name}", flush=True)
        start, missing = time.monotonic(), broken.intersection(needs)
        if missing:
            print(f"  not run: {', '.join(sorted(missing))} failed")
            result, bad = [0, 1, 0], []
        else:
            status, found, bad = run(command)
            result = counts(status, found)
        if result[1] and (missing or found is None):
            broken.add(name)
        if result[1]:
            retold += [f"  {name}: {result[1]} failed"] + bad
        total = [a + b for a, b in zip(total, result)]
        summary.append(f"  {name}: {result[0]} passed, {result[1]} failed,"
                       f" {result[2]} skipped; {clock(time.monotonic() - start)}")
        print(f"{summary[-1]}, {clock(time.monotonic() - begin)} in all",
              flush=True)
    if steps is not STEPS:
        print("\n".join(["summary:"] + summary))
    if retold:
        print("\n".join(["what failed:"] + retold))
    skipped = f", {total[2]} skipped" if total[2] else ""
    print(f"{total[0]} passed, {total[1]} failed{skipped}")
    sys.exit(1 if total[1] else 0)


main()
