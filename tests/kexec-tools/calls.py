#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of run.sh.

Each runs kexec under strace, which answers kexec_file_load() and kexec_load()
with the errno of the case and stops kexec there; meanwhile the descriptors and
segments that it offered are read.  This must never run kexec without strace's
injection: it would load what it is given.
"""

import ast
import errno
import glob
import gzip
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from harness import paths, uki  # noqa: E402

KEXEC = sys.argv[1]
TIMEOUT = 30

# What a kernel says that knows UKIs, plus what it may never say.
# The numbers are the kernel's; 524 is its ENOTSUPP, which strace cannot name.
FINAL = ["EINVAL", "EOPNOTSUPP", "EPERM", "EKEYREJECTED", "ENOKEY", "ENOPKG",
         "EBADMSG", "ELIBBAD", "ENODATA", "E2BIG", "ENODEV", "ENOSPC",
         "ENOMEM", "EBADF", "EBUSY", "EIO", "EMSGSIZE", "524"]
NOT_KNOWN = ["ENOEXEC", "ENOSYS"]

EMBEDDED = b"the embedded initrd"
FOREIGN = b"another initrd"


class Call:
    """One kexec system call: what kexec gave, read while it was stopped."""

    def __init__(self, line):
        self.pid, self.name, self.args = re.match(
            r"(\d+) +(kexec\w*)\((.*)\) += ", line).groups()
        if self.name == "kexec_file_load":
            self.read_file_load()
        else:
            self.read_load()

    def slurp(self, fd):
        if fd == "-1":
            return None, None
        link = f"/proc/{self.pid}/fd/{fd}"
        return Path(link).read_bytes(), os.readlink(link)

    def read_file_load(self):
        kernel, initrd, size, text, flags = re.match(
            r"(-?\d+), (-?\d+), (\d+), (NULL|\".*\"), (.*)",
            self.args).groups()
        self.kernel, self.path = self.slurp(kernel)
        self.initrd, _ = self.slurp(initrd)
        self.cmdline = "" if text == "NULL" else ast.literal_eval(text)
        if len(self.cmdline) != int(size):
            raise ValueError(f"cmdline_len {size} of {text}")
        self.flags = set() if flags == "0" else set(flags.split("|"))

    def read_load(self):
        self.segments = []
        with open(f"/proc/{self.pid}/mem", "rb") as mem:
            for at, size in re.findall(r"buf=(\w+), bufsz=(\d+)", self.args):
                mem.seek(int(at, 16))
                self.segments.append(mem.read(int(size)))


class Run:
    """Run kexec to its end; every kexec system call gets the same answer."""

    def __init__(self, *options, answer=None, prefix=()):
        self.calls, self.seen = [], 0
        left = set(leftovers())
        with tempfile.TemporaryDirectory() as tmp:
            self.log = Path(tmp) / "strace"
            self.log.touch()
            argv = self.strace(answer) + list(prefix) + [KEXEC, *options]
            with subprocess.Popen(argv, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT) as child:
                self.follow(child)
                self.output = child.stdout.read().decode(errors="replace")
                self.status = child.returncode
        self.left = set(leftovers()) - left

    def strace(self, answer):
        # kexec_load() always succeeds: where it is called is what counts.
        how = f"error={answer}" if answer else "retval=0"
        return ["strace", "-f", "-s", "4096", "-o", str(self.log),
                "-e", "trace=kexec_file_load,kexec_load",
                "-e", f"inject=kexec_file_load:{how}:signal=SIGSTOP",
                "-e", "inject=kexec_load:retval=0:signal=SIGSTOP"]

    def follow(self, child):
        deadline = time.monotonic() + TIMEOUT
        while child.poll() is None:
            self.look()
            if time.monotonic() > deadline:
                child.kill()
                raise TimeoutError("kexec did not end")
            time.sleep(0.002)
        self.look()

    def look(self):
        lines = self.log.read_text(errors="replace").splitlines()
        stops = [n for n, line in enumerate(lines)
                 if line.endswith("--- stopped by SIGSTOP ---")]
        for at in stops[self.seen:]:
            self.seen += 1
            call = next(line for line in reversed(lines[:at])
                        if " kexec" in line)
            pid = int(call.split()[0])
            try:
                self.calls.append(Call(call))
            finally:
                os.kill(pid, signal.SIGCONT)

    def names(self):
        return [call.name for call in self.calls]


def leftovers():
    return glob.glob("/tmp/Kernel??????") + glob.glob("/tmp/Initrd??????")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def case(self, name, check, *args):
        try:
            why = check(*args)
        except Exception as err:  # pylint: disable=broad-except
            why = f"{type(err).__name__}: {err}"
        if why is None:
            self.passed += 1
            print(f"ok {name}", flush=True)
        else:
            self.failed += 1
            print(f"not ok {name}: {why}", flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skip {name}: {why}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed"
              + (f", {self.skipped} skipped" if self.skipped else ""))
        return 1 if self.failed or not self.passed else 0


def differ(**pairs):
    """None if each value is the wanted one, else a line that says which."""
    for name, (got, want) in pairs.items():
        if got != want:
            return f"{name} is {str(got)[:200]!r}, not {str(want)[:200]!r}"
    return None


def bzimage_header(data):
    """Write into data what makes kexec take it for a bzImage of 64 bits."""
    data[0x1f1] = 1                                     # setup_sects
    data[0x1fe:0x200] = b"\x55\xaa"
    data[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", data, 0x206, 0x20f)          # protocol version
    data[0x201] = 0x6a                                  # length of the header
    data[0x211] = 1                                     # LOADED_HIGH
    struct.pack_into("<IB", data, 0x230, 1 << 21, 1)    # kernel_alignment
    struct.pack_into("<HI", data, 0x236, 3, 2047)       # xloadflags, cmdline
    struct.pack_into("<QI", data, 0x258, 1 << 24, 1 << 21)
    return data


def bzimage():
    body = bytes(n * 7 & 0xff for n in range(0x8000))
    return bytes(bzimage_header(bytearray(1024))) + body


def two_faced(source, out):
    """A UKI whose DOS stub passes for a bzImage."""
    gap = 0x400
    table = uki.Table(source)
    for name in (".osrel", ".cmdline", ".initrd", ".linux"):
        table.set(name, "raw", table.get(name, "raw") + gap)
    data = table.data
    data[0x40:0x40] = bytes(gap)
    struct.pack_into("<I", data, 0x3c, 0x40 + gap)
    out.write_bytes(bzimage_header(data))
    return out


class Files:
    def __init__(self, where):
        self.kernel = bzimage()
        self.bz = where / "bzImage"
        self.bz.write_bytes(self.kernel)
        self.initrd = where / "initrd"
        self.initrd.write_bytes(FOREIGN)
        self.uki = uki.bare(where / "next.efi", [
            (".osrel", b"ID=x\n"), (".cmdline", b"embedded text"),
            (".initrd", EMBEDDED), (".linux", self.kernel)])
        self.no_initrd = uki.bare(where / "no-initrd.efi",
                                  [(".linux", self.kernel)])
        self.twice = uki.bare(where / "twice.efi", [
            (".linux", self.kernel), (".initrd", EMBEDDED),
            (".profile", b"ID=b\n"), (".initrd", b"that of a profile"),
            (".linux", b"that of a profile")])
        self.two_faced = two_faced(self.uki, where / "two-faced.efi")
        self.packed = where / "next.efi.gz"
        self.packed.write_bytes(gzip.compress(self.uki.read_bytes()))
        self.packed_bz = where / "bzImage.gz"
        self.packed_bz.write_bytes(gzip.compress(self.kernel))
        outside = uki.Table(self.uki)
        outside.set(".linux", "raw", 0xfffff000)
        self.outside = outside.write(where / "outside.efi")
        self.cut = where / "cut.efi"
        self.running = where / "cmdline"
        self.running.write_text("BOOT_IMAGE=/vmlinuz root=/dev/vda ro quiet\n")


def whole(run, file, cmdline="", initrd=None, path=True):
    """One call, with the file as it is; path: by its own descriptor."""
    if run.names() != ["kexec_file_load"]:
        return f"calls: {run.names()}, output: {run.output!r}"
    call = run.calls[0]
    flags = set() if initrd else {"KEXEC_FILE_NO_INITRAMFS"}
    return differ(kernel=(call.kernel, file.read_bytes()),
                  cmdline=(call.cmdline.rstrip("\0"), cmdline),
                  ended=(not cmdline or call.cmdline.endswith("\0"), True),
                  initrd=(call.initrd, initrd),
                  flags=(call.flags - {"KEXEC_FILE_DEBUG"}, flags),
                  path=(call.path == str(file), path),
                  left=(run.left, set()))


def taken(file, options, **want):
    run = Run(*options, "-l", str(file))
    return whole(run, file, **want) or differ(status=(run.status, 0))


def refused(file, mode, answer):
    """The kernel has the last word, and its word is shown."""
    run = Run(*mode, "-l", str(file), answer=answer)
    number = getattr(errno, answer, None) or int(answer)
    text = f"kexec_file_load failed: {os.strerror(number)}\n"
    return whole(run, file) or differ(status=(run.status, 255),
                                      output=(run.output, text))


def reused(files, options, want):
    mount = ("unshare", "-m", "sh", "-c",
             f"mount --bind {files.running} /proc/cmdline && exec \"$@\"",
             "sh")
    run = Run(*options, "-l", str(files.uki), prefix=mount)
    return whole(run, files.uki, want) or differ(status=(run.status, 0))


def segments(run, kernel, initrd):
    """kexec_load() was given this kernel and this initrd."""
    got = run.calls[-1].segments
    return differ(kernel=(kernel[1024:] in got, True),
                  initrd=(initrd is None or initrd in got, True),
                  status=(run.status, 0), left=(run.left, set()))


def split(files, file, mode, options=(), initrd=EMBEDDED, cmdline=""):
    """ENOEXEC: whole, then the embedded kernel, then kexec_load()."""
    run = Run(*mode, *options, "-l", str(file), answer="ENOEXEC")
    names = ["kexec_file_load", "kexec_file_load", "kexec_load"]
    if run.names() != names:
        return f"calls: {run.names()}, output: {run.output!r}"
    first, second, _ = run.calls
    flags = set() if initrd else {"KEXEC_FILE_NO_INITRAMFS"}
    return differ(first=(first.kernel, file.read_bytes()),
                  kernel=(second.kernel, files.kernel),
                  initrd=(second.initrd, initrd),
                  cmdline=(second.cmdline.rstrip("\0"), cmdline),
                  flags=(second.flags, flags)) or \
        segments(run, files.kernel, initrd)


def no_file_load(files, mode):
    """ENOSYS: kexec_load() at once, as a second try could only fail."""
    run = Run(*mode, "-l", str(files.uki), answer="ENOSYS")
    return differ(calls=(run.names(), ["kexec_file_load", "kexec_load"]),
                  first=(run.calls[0].kernel, files.uki.read_bytes())) or \
        segments(run, files.kernel, EMBEDDED)


def kexec_load_only(file, kernel, initrd):
    run = Run("-c", "-l", str(file))
    return differ(calls=(run.names(), ["kexec_load"])) or \
        segments(run, kernel, initrd)


def plain(file, kernel, mode, answer, calls, status):
    run = Run(*mode, "-l", str(file), answer=answer)
    return differ(calls=(run.names(), calls), status=(run.status, status),
                  kernel=(run.calls[0].kernel, kernel))


def outside(files, mode, answer, calls):
    """Malformed UKIs are the kernel's to refuse, and are never split."""
    run = Run(*mode, "-l", str(files.outside), answer=answer)
    return differ(calls=(run.names(), calls), status=(run.status, 255),
                  left=(run.left, set()))


def truncations(files):
    data = files.uki.read_bytes()
    first = uki.Table(files.uki).get(".osrel", "raw")
    for size in [*range(0, first, 7), first, len(data) // 2, len(data) - 1]:
        files.cut.write_bytes(data[:size])
        run = Run("-a", "-l", str(files.cut), answer="ENOEXEC")
        if run.status < 0 or run.status >= 128 and run.status != 255:
            return f"{size} bytes: status {run.status}"
        if "kexec_load" in run.names() and size < first:
            return f"{size} bytes: something was loaded"
    return None


MODES = [("-s", ("-s",)), ("-a", ("-a",)), ("default", ())]
AUTO = MODES[1:]


def whole_cases(t, files):
    initrd = f"--initrd={files.initrd}"
    for name, mode in MODES:
        u = files.uki
        t.case(f"{name} whole", taken, u, mode)
        t.case(f"{name} --append", lambda m: taken(
            u, (*m, "--append=a b"), cmdline="a b"), mode)
        t.case(f"{name} --command-line", lambda m: taken(
            u, (*m, "--command-line=@1 a"), cmdline="@1 a"), mode)
        t.case(f"{name} --append empty", taken, u, (*mode, "--append="))
        t.case(f"{name} --initrd", lambda m: taken(
            u, (*m, initrd), initrd=FOREIGN), mode)
        t.case(f"{name} --initrd --append", lambda m: taken(
            u, (*m, initrd, "--append=x"), initrd=FOREIGN, cmdline="x"), mode)
        t.case(f"{name} --reuse-cmdline", reused, files,
               (*mode, "--reuse-cmdline"), "root=/dev/vda ro quiet")
        t.case(f"{name} --reuse-cmdline --append", reused, files,
               (*mode, "--reuse-cmdline", "--append=x"),
               "root=/dev/vda ro quiet x")
    t.case("-s no .initrd", taken, files.no_initrd, ("-s",))
    t.case("-s two-faced", taken, files.two_faced, ("-s",))
    t.case("-s compressed", packed, files)


def packed(files):
    run = Run("-s", "-l", str(files.packed))
    return whole(run, files.uki, path=False)


def refusal_cases(t, files):
    for answer in NOT_KNOWN + FINAL:
        t.case(f"-s {answer} is final", refused, files.uki, ("-s",), answer)
    for name, mode in AUTO:
        for answer in FINAL:
            t.case(f"{name} {answer} is final", refused, files.uki, mode,
                   answer)
    t.case("-a two-faced EINVAL is final", refused, files.two_faced, ("-a",),
           "EINVAL")
    t.case("-s .linux outside EBADMSG", outside, files, ("-s",), "EBADMSG",
           ["kexec_file_load"])
    t.case("-a .linux outside ENOEXEC", outside, files, ("-a",), "ENOEXEC",
           ["kexec_file_load"])
    t.case("-a truncated", truncations, files)


def split_cases(t, files):
    for name, mode in AUTO:
        t.case(f"{name} ENOEXEC splits", split, files, files.uki, mode)
        t.case(f"{name} ENOSYS loads the parts", no_file_load, files, mode)
    t.case("-a ENOEXEC --append", lambda: split(
        files, files.uki, ("-a",), ("--append=a b",), cmdline="a b"))
    t.case("-a ENOEXEC --initrd", lambda: split(
        files, files.uki, ("-a",), (f"--initrd={files.initrd}",),
        initrd=FOREIGN))
    t.case("-a ENOEXEC no .initrd", lambda: split(
        files, files.no_initrd, ("-a",), initrd=None))
    t.case("-a ENOEXEC first section counts", split, files, files.twice,
           ("-a",))
    t.case("-c loads the parts", kexec_load_only, files.uki, files.kernel,
           EMBEDDED)


def plain_cases(t, files):
    once, twice = ["kexec_file_load"], ["kexec_file_load", "kexec_load"]
    for file, what in ((files.bz, "bzImage"), (files.packed_bz, "packed")):
        k = files.kernel
        t.case(f"-s {what}", plain, file, k, ("-s",), None, once, 0)
        t.case(f"-a {what}", plain, file, k, ("-a",), None, once, 0)
        t.case(f"-s {what} ENOEXEC", plain, file, k, ("-s",), "ENOEXEC", once,
               253)
        t.case(f"-a {what} ENOEXEC", plain, file, k, ("-a",), "ENOEXEC", twice,
               0)
        t.case(f"-a {what} EKEYREJECTED", plain, file, k, ("-a",),
               "EKEYREJECTED", once, 255)
        t.case(f"-c {what}", kexec_load_only, file, k, None)


def ukify_case(t, files, where):
    """The same with what ukify makes, once the workbench has it."""
    if not (paths.TOOLS / "ukify").exists() or not paths.STUB.exists():
        t.skip("-s ukify", "no ukify in out/tools")
        return
    real = uki.build(where / "ukify.efi", files.initrd, "embedded",
                     linux=files.bz)
    t.case("-s ukify whole", taken, real, ("-s",))
    t.case("-a ukify ENOEXEC splits", lambda: split(
        files, real, ("-a",), initrd=FOREIGN))


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as tmp:
        where = Path(tmp)
        files = Files(where)
        whole_cases(tally, files)
        refusal_cases(tally, files)
        split_cases(tally, files)
        plain_cases(tally, files)
        ukify_case(tally, files, where)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
