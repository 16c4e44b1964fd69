# SPDX-License-Identifier: GPL-2.0
"""The guests' initrds: a static busybox, kexec, our helper and a script."""

import gzip
from pathlib import Path

from . import paths

S_DIR, S_FILE, S_LINK, S_CHAR = 0o040000, 0o100000, 0o120000, 0o020000


class Cpio:
    """newc archives with nothing in them that changes from run to run."""

    def __init__(self):
        self.out = bytearray()
        self.ino = 0
        self.dirs = set()

    def entry(self, name, mode, data=b"", rdev=(0, 0)):
        self.ino += 1
        raw = name.encode() + b"\0"
        fields = (self.ino, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev,
                  len(raw), 0)
        self.out += b"070701" + b"".join(b"%08x" % f for f in fields) + raw
        self.pad()
        self.out += data
        self.pad()

    def pad(self):
        self.out += bytes(-len(self.out) % 4)

    def parents(self, name):
        parts = name.split("/")[:-1]
        for n in range(1, len(parts) + 1):
            path = "/".join(parts[:n])
            if path not in self.dirs:
                self.dirs.add(path)
                self.entry(path, S_DIR | 0o755)

    def file(self, name, data, mode=0o644):
        self.parents(name)
        self.entry(name, S_FILE | mode, data)

    def done(self):
        self.entry("TRAILER!!!", 0)
        return bytes(self.out)


def base():
    """name -> (mode, content) of what every initrd has"""
    files = {
        "init": (0o755, (paths.GUEST / "init").read_bytes()),
        "lib/e2e.sh": (0o644, (paths.GUEST / "e2e.sh").read_bytes()),
        "stage/dump": (0o644, (paths.GUEST / "dump").read_bytes()),
        "bin/busybox": (0o755, (paths.TOOLS / "busybox").read_bytes()),
    }
    for name in ("kexec_load_file", "tpm_user"):
        files[f"bin/{name}"] = (0o755, (paths.TOOLS / name).read_bytes())
    if paths.KEXEC.exists():
        files["usr/sbin/kexec"] = (0o755, paths.KEXEC.read_bytes())
    return files


def build(path, extra=None, compress=True):
    """Write an initrd; extra is name -> bytes or (mode, bytes)."""
    files = base()
    for name, value in (extra or {}).items():
        files[name] = value if isinstance(value, tuple) else (0o644, value)
    cpio = Cpio()
    cpio.entry("dev", S_DIR | 0o755)
    cpio.entry("dev/console", S_CHAR | 0o600, rdev=(5, 1))
    cpio.dirs.add("dev")
    for name in sorted(files):
        mode, data = files[name]
        cpio.file(name, data, mode)
    data = cpio.done()
    if compress:
        data = gzip.compress(data, 6, mtime=0)
    Path(path).write_bytes(data)
    return Path(path)


def archive(files):
    """A bare archive with these files only."""
    cpio = Cpio()
    for name in sorted(files):
        cpio.file(name, files[name])
    return cpio.done()
