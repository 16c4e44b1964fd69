#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What "make shell" starts: a person, a guest, a TPM and the tools.

The guest boots by OVMF and systemd-stub, as the tests' guests do.  The
directory out/shell/share is /in there.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
os.environ.setdefault("E2E_WORK", str(TOP / "out" / "shell"))
os.environ.setdefault("E2E_LOG", str(TOP / "out" / "log" / "shell"))
sys.path.insert(0, str(TOP / "tests" / "e2e"))

from harness import initrd, machine, paths, uki  # noqa: E402

PROGRAMS = ("tpm2_eventlog", "tpm2_pcrread", "tpm2_pcrextend", "tpm2_quote")


def with_libraries(program):
    """A program of this machine and what it needs, as name -> content"""
    path = shutil.which(program)
    if not path:
        return {}
    files = [path]
    out = subprocess.run(["ldd", path], stdout=subprocess.PIPE, check=True,
                         text=True).stdout
    files += re.findall(r"(/\S+) \(0x", out)
    # tpm2-tools opens its transport by name
    files += [str(p) for p in Path("/usr/lib/x86_64-linux-gnu").glob(
        "libtss2-tcti-device.so.0")]
    # /bin and /sbin are one directory there, and /lib is no link
    return {re.sub(r"^/usr/bin/", "/bin/", f).lstrip("/"):
            (0o755, Path(f).read_bytes()) for f in files}


def image(name, extra):
    rd = initrd.build(paths.WORK / f"{name}.img",
                      dict(extra, who=name.encode() + b"\n"))
    out = paths.WORK / ("share" if name == "next" else "") / f"{name}.efi"
    return uki.build(out, rd, f"{uki.CONSOLE} e2e=shell name={name}",
                     options=uki.signing_options())


def main():
    (paths.WORK / "share").mkdir(parents=True, exist_ok=True)
    paths.LOG.mkdir(parents=True, exist_ok=True)
    extra = {"stage/shell": (paths.GUEST / "shell").read_bytes()}
    for program in PROGRAMS:
        extra.update(with_libraries(program))
    first = image("first", extra)
    image("next", extra)
    m = machine.Machine("shell", boot=first, share=paths.WORK / "share",
                        writable=True)
    return m.interactive()


if __name__ == "__main__":
    sys.exit(main())
