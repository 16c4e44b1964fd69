#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The report of scripts/coverage.sh: what gcov says of each file, of all builds
# together.
#
#   coverage.py TOP BUILD... -- SOURCE...
#
# A line counts if any build has code for it, and is covered if any build ran it.
# A source without data is a failure: it is not zero lines.  Ends with
# "N passed, N failed", where a file passes if there is data on it, and the total
# passes at 95 %.
import collections
import json
import subprocess
import sys
from pathlib import Path

LIMIT = 95.0


def counts(build, source):
    """line -> how often it was run, in one build"""
    data = (build / source).with_suffix(".gcda")
    lines = collections.Counter()
    if not data.exists():
        return lines
    text = subprocess.run(
        ["gcov", "--json-format", "--stdout", str(data)], check=True,
        capture_output=True, text=True, cwd=build).stdout
    for each in text.splitlines():
        for file in json.loads(each)["files"] if each.strip() else []:
            if file["file"].endswith(source):
                for line in file["lines"]:
                    lines[line["line_number"]] += line["count"]
    return lines


def all_counts(builds, source):
    total = collections.Counter()
    for build in builds:
        total.update(counts(build, source))
    return total


def main():
    at = sys.argv.index("--")
    top, *builds = map(Path, sys.argv[1:at])
    found, missing, uncovered = [], [], []
    for source in sys.argv[at + 1:]:
        lines = all_counts(builds, source)
        if not lines:
            missing.append(source)
            continue
        run = sum(1 for n in lines.values() if n)
        found.append((source, len(lines), run))
        text = (top / source).read_text(encoding="utf-8").splitlines()
        uncovered += [(source, n, text[n - 1].strip())
                      for n in sorted(lines) if not lines[n]]

    print("lines that no suite runs")
    for source, number, text in uncovered:
        print(f"  {source}:{number}: {text}")
    print("\n  lines covered percent")
    for source, lines, run in found:
        print(f"  {lines:5} {run:7} {100 * run / lines:6.1f}  {source}")
    lines = sum(entry[1] for entry in found)
    run = sum(entry[2] for entry in found)
    percent = 100 * run / lines if lines else 0
    print(f"  {lines:5} {run:7} {percent:6.1f}  in total, {len(found)} files, "
          f"{LIMIT} is asked for")
    for source in missing:
        print(f"not ok {source}: no data, it was not built or not run")
    bad = len(missing) + (percent < LIMIT)
    if percent < LIMIT:
        print(f"not ok {percent:.1f} % are covered")
    print(f"{len(found) + (percent >= LIMIT)} passed, {bad} failed")
    return 1 if bad else 0


sys.exit(main())
