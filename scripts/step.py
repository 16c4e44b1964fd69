#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Runs one long command for a person who is watching: its output goes to a log,
# the screen gets a line of progress with the time, and a failure names the log
# and shows the last lines that matter.  The exit status is the command's own.
#
#   step.py [--count REGEX [--total N] [--total-file FILE]] NAME LOG COMMAND...
#
# With --count, lines that match are counted: "objects built of how many".  The
# file of --total-file holds the last full count; a full run updates it.
import argparse
import os
import re
import subprocess
import sys
import time

EVERY = 20      # seconds between lines where the output is not a terminal
TAIL = 15


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Screen:
    def __init__(self, name):
        self.name, self.start, self.shown = name, time.monotonic(), 0
        self.tty = sys.stdout.isatty()

    def elapsed(self):
        return time.monotonic() - self.start

    def progress(self, text):
        now = time.monotonic()
        if now - self.shown < (0.2 if self.tty else EVERY):
            return
        self.shown = now
        line = f"  {self.name}: {text}, {clock(self.elapsed())}"
        if self.tty:
            print(f"\r{line[:78]:78}", end="", flush=True)
        elif self.elapsed() >= EVERY:
            print(line, flush=True)

    def end(self, text):
        if self.tty:
            print("\r" + " " * 78 + "\r", end="")
        print(f"  {self.name}: {text}, {clock(self.elapsed())}", flush=True)


def read_total(args):
    if args.total_file and os.path.exists(args.total_file):
        with open(args.total_file, encoding="ascii") as f:
            return int(f.read())
    return args.total


def show_failure(log):
    with open(log, encoding="utf-8", errors="replace") as f:
        lines = f.read().splitlines()
    bad = re.compile(r"error|fail|cannot|undefined|refus|not found|\*\*\*", re.I)
    picked = [line for line in lines if bad.search(line)] or lines
    print(f"  the log is {os.path.relpath(log)}; its last words:")
    for line in picked[-TAIL:]:
        print("    " + line)


def run(args):
    screen, count, total = Screen(args.name), 0, read_total(args)
    wanted = re.compile(args.count) if args.count else None
    os.makedirs(os.path.dirname(os.path.abspath(args.log)), exist_ok=True)
    with open(args.log, "w", encoding="utf-8") as log, subprocess.Popen(
            args.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, text=True, errors="replace") as child:
        for line in child.stdout:
            log.write(line)
            log.flush()
            if wanted and wanted.search(line):
                count += 1
            of = f" of {total}" if total and total >= count else ""
            screen.progress(f"{count}{of} {args.unit}" if wanted else "running")
    if child.returncode:
        screen.end("FAILED")
        show_failure(args.log)
    else:
        screen.end(f"{count} {args.unit}" if wanted else "done")
        if args.total_file and count > (total or 0) // 2:
            with open(args.total_file, "w", encoding="ascii") as f:
                f.write(f"{count}\n")
    return child.returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count")
    parser.add_argument("--unit", default="objects")
    parser.add_argument("--total", type=int)
    parser.add_argument("--total-file")
    parser.add_argument("name")
    parser.add_argument("log")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    sys.exit(run(parser.parse_args()))


main()
