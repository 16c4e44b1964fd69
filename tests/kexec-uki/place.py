# SPDX-License-Identifier: GPL-2.0
"""Where a case runs kexec-uki, and what it says if it fails."""

import subprocess
import sys
from pathlib import Path

import logs

HERE = Path(__file__).resolve().parent
KEXEC_UKI, TORTURE = sys.argv[1:3]
OK, DIFFERS, UNKNOWN = 0, 1, 2


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


def equal(got, want, what):
    check(got == want, f"{what}: got {got!r}, want {want!r}")


class Place:
    """A directory with files for kexec-uki, and how to run it"""

    def __init__(self, path):
        self.path = Path(path)

    def put(self, name, content):
        path = self.path / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return str(path)

    def run(self, *args, status=OK):
        r = subprocess.run([KEXEC_UKI, *args], capture_output=True, timeout=60)
        out = r.stdout.decode("ascii")      # anything else is a failure
        err = r.stderr.decode("ascii")
        what = f"kexec-uki {' '.join(args)}"
        check("Sanitizer" not in err and "runtime error" not in err,
              f"{what}: {err}")
        check(r.returncode == status, f"{what}: status {r.returncode}, want "
              f"{status}; it said {out[-500:]}{err}")
        return out, err

    def replay(self, log, pcrs, status=OK, args=()):
        if isinstance(log, logs.Log):
            log = log.bytes()
        if isinstance(pcrs, dict):
            pcrs = logs.pcr_text(pcrs)
        return self.run("replay", "--log", self.put("log", log),
                        "--pcrs", self.put("pcrs", pcrs), *args,
                        status=status)[0]
