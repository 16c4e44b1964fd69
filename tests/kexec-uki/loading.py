# SPDX-License-Identifier: GPL-2.0
"""The cases of "kexec-uki load" and "unload".

Each runs under strace, which answers kexec_file_load() and stops the tool there;
meanwhile what it offered is read.  This must never run the tool without that: it
would load what it is given.
"""

import ast
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

from place import DIFFERS, Failed, KEXEC_UKI, OK, UNKNOWN, check, equal

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from harness import uki  # noqa: E402

# As it is installed, without sanitizers: it makes the same calls each time.
PLAIN = Path(KEXEC_UKI).resolve().parents[1] / "gcc" / "kexec-uki"
TIMEOUT = 30
NS = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]

UNLOAD, ON_CRASH, NO_INITRAMFS, COMPANIONS = 1, 2, 4, 0x40


class Call:
    """A kexec_file_load(), read while the tool was stopped in it"""

    def __init__(self, line, slurp=True):
        pid, kernel, initrd, size, text, flags = re.match(
            r"(\d+) +kexec_file_load\((-?\w+), (-?\w+), (\w+), (NULL|\".*\"),"
            r" (\w+)\)",
            line).groups()
        self.kernel = self.slurp(pid, kernel) if slurp else None
        self.initrd = self.slurp(pid, initrd) if slurp else None
        self.cmdline = None if text == "NULL" else ast.literal_eval(text)
        if len(self.cmdline or "") != int(size, 0):
            raise Failed(f"cmdline_len {size} of {text}")
        self.flags = int(flags, 0)

    @staticmethod
    def slurp(pid, fd):
        number = int(fd, 0) & 0xffffffff
        return None if number == 0xffffffff else \
            Path(f"/proc/{pid}/fd/{number}").read_bytes()


class Run:
    """The tool run to its end; during() happens while it is in the call"""

    def __init__(self, p, *args, answer=None, during=None, inject=(),
                 program=KEXEC_UKI, mounts="", before=(), slurp=True):
        self.calls, self.log, self.slurp = [], p.path / "strace", slurp
        self.log.write_text("")
        how = f"error={answer}" if answer else "retval=0"
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
        argv = [*NS, "sh", "-ec", mounts + '\nexec "$@"', "sh",
                "strace", "-f", "-s", "9999", "-X", "raw", "-o", str(self.log),
                "-e", "trace=kexec_file_load,openat,openat2,read,memfd_create,"
                "fallocate,newfstatat,pread64",
                "-e", f"inject=kexec_file_load:{how}:signal=SIGSTOP",
                *[x for i in inject for x in ("-e", f"inject={i}")],
                *before, str(program), *args]
        with subprocess.Popen(argv, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=env) as child:
            try:
                self.follow(child, during)
            except BaseException:
                self.end(child)
                raise
            self.out = child.stdout.read().decode("ascii")
            self.err = child.stderr.read().decode("ascii")
            self.status = child.returncode
        check("Sanitizer" not in self.err and "runtime error" not in self.err,
              self.err)

    def follow(self, child, during):
        deadline = time.monotonic() + TIMEOUT
        while child.poll() is None:
            self.look(during)
            if time.monotonic() > deadline:
                raise Failed("kexec-uki did not end")
            time.sleep(0.002)

    def end(self, child):
        """Without strace the tool would go on, so it ends first"""
        for pid in {x.split()[0] for x in self.log.read_text().splitlines()}:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        child.kill()

    def look(self, during):
        lines = self.log.read_text(errors="replace").splitlines()
        stops = [n for n, x in enumerate(lines) if "--- stopped by " in x]
        if len(stops) > len(self.calls):
            line = [x for x in lines[:stops[-1]] if "kexec_file_load(" in x][-1]
            self.calls.append(Call(line, self.slurp))
            if during:
                during()
            os.kill(int(line.split()[0]), signal.SIGCONT)

    def count(self, name, pattern):
        """The number of the first such system call that matches"""
        calls = [x for x in self.log.read_text(errors="replace").splitlines()
                 if f" {name}(" in x]
        return 1 + next(n for n, x in enumerate(calls) if re.search(pattern, x))


def call(p, *args, status=OK, **kw):
    """The only call that the tool made, and the run"""
    run = Run(p, *args, **kw)
    check(run.status == status, f"{args}: status {run.status}, want {status}; "
          f"it said {run.out}{run.err}")
    equal(len(run.calls), 1, f"calls of {args}")
    return run.calls[0], run


def no_call(p, *args, says="", **kw):
    run = Run(p, *args, **kw)
    equal((run.status, len(run.calls)), (UNKNOWN, 0), f"{args}: {run.err}")
    check(says in run.err, f"{args}: {run.err}")
    return run


class Esp:
    """A partition with a UKI"""

    def __init__(self, p, name="esp", path="EFI/Linux/next.efi"):
        self.p, self.root = p, p.path / name
        self.uki = self.root / path
        self.uki.parent.mkdir(parents=True)
        uki.bare(self.uki, [(".osrel", b"ID=x\n"), (".linux", b"k" * 999)])
        self.files = {}

    def put(self, path, content=None):
        content = path.encode() if content is None else content
        file = self.root / os.fsdecode(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        self.files[path] = content
        return file

    def load(self, *args, **kw):
        """What the archive has; the tool is told of the root"""
        got, _ = call(self.p, "load", "--esp", str(self.root), *args,
                      str(self.uki), **kw)
        return self.unpack(got)

    def unpack(self, got):
        if got.initrd is None:
            equal(got.flags & (COMPANIONS | NO_INITRAMFS), NO_INITRAMFS, "flags")
            return {}
        equal(got.flags & (COMPANIONS | NO_INITRAMFS), COMPANIONS, "flags")
        return cpio(self.p, got.initrd)


def cpio(p, archive):
    """path -> content in the archive's order, as two programs unpack it"""
    names = subprocess.run(["cpio", "-t", "--quiet"], input=archive, check=True,
                           capture_output=True)
    equal(names.stderr, b"", "cpio -t")
    names = names.stdout.decode("ascii").splitlines()
    place = p.path / f"cpio{time.monotonic_ns()}"
    place.mkdir()
    done = subprocess.run(["cpio", "-id", "--quiet"], input=archive, cwd=place,
                          capture_output=True, check=True)
    equal(done.stderr, b"", "cpio -i")
    found = {str(x.relative_to(place)) for x in place.rglob("*") if x.is_file()}
    equal(found, set(names), "what cpio -t and cpio -i say")
    equal(len(found), len(names), "number of members")
    equal(len(archive) % 4, 0, "odd bytes")
    return {name: (place / name).read_bytes() for name in names}


# What is packed

def test_load_pack(p):
    """All kinds of companions, in the archive by their paths on the ESP"""
    esp = Esp(p)
    own = "EFI/Linux/next.efi.extra.d"
    for name in (f"{own}/a.addon.efi", f"{own}/b.cred", f"{own}/c.raw",
                 f"{own}/d.confext.raw", "loader/addons/e.addon.efi",
                 "loader/credentials/f.cred", "loader/extensions/g.raw",
                 "loader/extensions/h.confext.raw"):
        esp.put(name)
    esp.put(f"{own}/empty.cred", b"")
    esp.put(f"{own}/odd.cred", bytes(range(256)) * 5 + b"\n")
    got = esp.load()
    equal(got, esp.files, "members")
    equal(list(got)[:4], ["loader/addons/e.addon.efi",
                          "loader/credentials/f.cred",
                          "loader/extensions/g.raw",
                          "loader/extensions/h.confext.raw"], "order")


def test_load_pack_none(p):
    """Nothing found: no archive and no flag"""
    esp = Esp(p)
    equal(esp.load(), {}, "members")
    esp.put("loader/addons/readme.txt")
    (esp.root / "EFI/Linux/next.efi.extra.d").mkdir()
    equal(esp.load(), {}, "members")


def test_load_pack_order(p):
    """The same archive whatever order the directory has"""
    names = [f"{c}{n}.cred" for n in range(20) for c in "zAa_"]
    esp, sums = Esp(p), []
    # A tmpfs lists by age, the one way or the other, and so one of these wrongly.
    for order in (sorted(names), sorted(names)[::-1]):
        place = esp.root / "loader/credentials"
        mounts = f"mount -t tmpfs x {esp.root}; mkdir -p {place}\n" + "".join(
            f"echo {x} > {place}/{x}\n" for x in order)
        file = p.path / "next.efi"
        file.write_bytes(esp.uki.read_bytes())
        got, _ = call(p, "load", "--esp", str(esp.root), str(file),
                      mounts=mounts)
        equal([x.split("/")[2] for x in cpio(p, got.initrd)], sorted(names),
              "order")
        sums.append(got.initrd)
    equal(*sums, "archives")


def test_load_pack_names(p):
    """Names that sd-stub passes over, and those that it does not"""
    esp = Esp(p)
    own = "EFI/Linux/next.efi.extra.d/"
    for name in (own + "UPPER.CRED", own + "x.ADDON.efi", own + "x.ConfExt.Raw",
                 own + "n" * 250 + ".cred", own + "two words.cred",
                 own + "..cred"[1:].replace(".cred", "_.cred"),
                 "loader/addons/.addon.efi"[:14] + "a.addon.efi"):
        esp.put(name)
    want = dict(esp.files)
    for name in (own + ".hidden.cred", own + ".cred", own + "x.cred.bak",
                 own + "x.efi", "loader/addons/x.cred", "loader/addons/x.raw",
                 "loader/credentials/x.raw", "loader/extensions/x.addon.efi",
                 "loader/other/x.cred", "loader/credentials/sub/x.cred",
                 "loader/x.cred", "EFI/Linux/x.cred",
                 "EFI/Linux/other.efi.extra.d/x.cred"):
        esp.put(name)
    esp.put(own + "gr\u00fcn.cred")
    (esp.root / own / "dir.cred").mkdir()
    equal(esp.load(), want, "members")


def test_load_boot_count(p):
    """The boot counter is taken off as remove_boot_count() of sd-stub does it"""
    for path, want in (
            ("EFI/Linux/a+3.efi", "EFI/Linux/a.efi"),
            ("EFI/Linux/a+3-1.efi", "EFI/Linux/a.efi"),
            ("EFI/Linux/a+0-18.efi", "EFI/Linux/a.efi"),
            ("EFI/Linux/a+3", "EFI/Linux/a"),
            ("a+3.efi", "a.efi"),
            ("EFI/Linux/a+3.x.efi", "EFI/Linux/a.x.efi"),
            ("EFI/Linux/a+18446744073709551615.efi", "EFI/Linux/a.efi"),
            # none
            ("EFI/Linux/a+18446744073709551616.efi", None),
            ("EFI/Linux/a+.efi", None), ("EFI/Linux/a+3-.efi", None),
            ("EFI/Linux/a+-1.efi", None), ("EFI/Linux/a+3x.efi", None),
            ("EFI/Linux/a+3-1x.efi", None), ("EFI/Linux/a+ 3.efi", None),
            ("EFI/Linux/a+3--1.efi", None), ("EFI/Linux/a-3.efi", None),
            # the first plus sign of the path counts, and only that
            ("EFI/Linux/a+b+3.efi", None), ("EFI/Li+nux/a+3.efi", None),
            ("EFI/Li+2.d/a+3.efi", "EFI/Li.d/a+3.efi"),
            ("EFI/Li+2/a.efi", None)):
        esp = Esp(p, f"esp{time.monotonic_ns()}", path)
        member = f"{want or path}.extra.d/x.cred"
        esp.put(member)
        equal(esp.load(), esp.files, path)


def test_load_boot_count_root(p):
    """A plus sign above the root of the partition is none of the path"""
    esp = Esp(p, "mnt+1.d", "a+3.efi")
    esp.put("a.efi.extra.d/x.cred")
    equal(esp.load(), esp.files, "members")


def test_load_root(p):
    """The root of the UKI's file system is found, and nothing above it"""
    (p.path / "loader/credentials").mkdir(parents=True)
    (p.path / "loader/credentials/above.cred").write_text("x")
    source = Esp(p, "source")
    source.put("loader/credentials/x.cred")
    source.put("EFI/Linux/next.efi.extra.d/y.cred")
    target = p.path / "mnt"
    target.mkdir()
    link = p.path / "link.efi"
    link.symlink_to(target / "EFI/Linux/next.efi")
    mounts = f"mount -t tmpfs x {target}; cp -r {source.root}/. {target}"
    for file in (target / "EFI/Linux/next.efi", link,
                 target / "EFI/../EFI/Linux/next.efi"):
        got, _ = call(p, "load", str(file), mounts=mounts)
        equal(source.unpack(got), source.files, f"members with {file}")


def test_load_root_in_itself(p):
    """The root of a file system that is mounted in that file system"""
    source = Esp(p, "source")
    source.put("loader/credentials/x.cred")
    source.put("EFI/Linux/next.efi.extra.d/y.cred")
    target = p.path / "two words+1"
    inner = target / "inner"
    target.mkdir()
    mounts = f"mount -t tmpfs x '{target}'; cp -r {source.root}/. '{target}'\n" \
        f"mkdir '{inner}'; mount --bind '{target}' '{inner}'"
    got, _ = call(p, "load", str(inner / "EFI/Linux/next.efi"), mounts=mounts)
    equal(source.unpack(got), source.files, "members")


def test_load_root_hidden(p):
    """A mount of a part of a file system: its root is asked for"""
    source = Esp(p, "source")
    source.put("loader/credentials/x.cred")
    source.put("EFI/Linux/next.efi.extra.d/y.cred")
    target, part = p.path / "mnt", p.path / "part"
    target.mkdir()
    part.mkdir()
    tmpfs = f"mount -t tmpfs x {target}; cp -r {source.root}/. {target}\n"
    for where, file in ((part, part / "Linux/next.efi"),
                        (target / "EFI", target / "EFI/Linux/next.efi")):
        mounts = tmpfs + f"mount --bind {target}/EFI {where}"
        no_call(p, "load", str(file), mounts=mounts,
                says=f'"{where}": is mounted there without the root of its file')
        call(p, "load", "--no-companions", str(file), mounts=mounts)
        got, _ = call(p, "load", "--esp", str(target), str(file), mounts=mounts)
        equal(set(source.unpack(got).values()), set(source.files.values()),
              "contents")
    file = target / "EFI/Linux/next.efi"
    _, run = call(p, "load", str(file), mounts=tmpfs, program=PLAIN)
    at = run.count("openat", "mountinfo")
    no_call(p, "load", str(file), mounts=tmpfs, program=PLAIN, says="--esp",
            inject=[f"openat:error=EACCES:when={at}"])


def test_load_esp(p):
    """--esp with a UKI from elsewhere; its own directory is still beside it"""
    esp = Esp(p)
    esp.put("loader/credentials/x.cred")
    other = Esp(p, "elsewhere", "deep/down+1/u+3.efi")
    other.put("deep/down+1/u.efi.extra.d/own.cred", b"own")
    got, _ = call(p, "load", "--esp", str(esp.root), str(other.uki))
    equal(esp.unpack(got), {**esp.files, "u.efi.extra.d/own.cred": b"own"},
          "members")
    # "esp" is no part of "espresso".
    beside = Esp(p, "espresso", "u.efi")
    beside.put("u.efi.extra.d/own.cred", b"own")
    got, _ = call(p, "load", "--esp", str(esp.root), str(beside.uki))
    equal(esp.unpack(got), {**esp.files, "u.efi.extra.d/own.cred": b"own"},
          "members")
    no_call(p, "load", "--esp", str(p.path / "none"), str(esp.uki))


def test_load_not_regular(p):
    """What is neither a file nor a directory is refused, not left out"""
    for make in (lambda x: x.symlink_to("a.cred"),
                 lambda x: x.symlink_to("nowhere"), os.mkfifo):
        esp = Esp(p, f"esp{time.monotonic_ns()}")
        file = esp.put("loader/credentials/a.cred")
        make(file.with_name("b.cred"))
        no_call(p, "load", "--esp", str(esp.root), str(esp.uki),
                says='b.cred": is not a regular file')
        file.with_name("b.cred").rename(file.with_name("b.txt"))
        equal(esp.load(), esp.files, "members")


def test_load_linked_directory(p):
    """A directory behind a symbolic link is refused, as a file is"""
    for path in ("loader", "loader/credentials", "EFI/Linux/next.efi.extra.d"):
        esp = Esp(p, f"esp{time.monotonic_ns()}")
        esp.put("loader/credentials/a.cred")
        esp.put("EFI/Linux/next.efi.extra.d/b.cred")
        link, other = esp.root / path, esp.root / "other"
        link.rename(other)
        for to in (other, "nowhere"):
            link.symlink_to(to)
            run = no_call(p, "load", "--esp", str(esp.root), str(esp.uki),
                          says='": has a symbolic link in its path')
            check(f'"{link}' in run.err, run.err)
            link.unlink()
        other.rename(link)
        equal(esp.load(), esp.files, "members")
    # the root itself may be given by a link
    root = p.path / "root"
    root.symlink_to(esp.root)
    got, _ = call(p, "load", "--esp", str(root), str(esp.uki))
    equal(esp.unpack(got), esp.files, "members")


def stat_says(mode, size):
    """How strace has a stat tell of a file that is there no more (x86-64)"""
    stat = struct.pack("<QQQIIIIQq", 1, 1, 1, mode, 0, 0, 0, 0, size)
    return f"poke_exit=@arg3={stat.hex()}"


def test_load_swapped(p):
    """A FIFO that takes the place of a companion meanwhile is refused"""
    esp = Esp(p)
    file = esp.put("loader/credentials/a.cred")
    args = ("load", "--esp", str(esp.root), str(esp.uki))
    _, run = call(p, *args, program=PLAIN)
    at = run.count("newfstatat", '"a.cred"')
    file.unlink()
    os.mkfifo(file)
    no_call(p, *args, program=PLAIN, says='a.cred": is not a regular file',
            inject=[f"newfstatat:{stat_says(0o100644, 9)}:when={at}"])


def test_load_truncated(p):
    """A UKI that is cut off while it is looked at does no harm"""
    esp = Esp(p)
    size = 1 << 20
    args = ("load", "--no-companions", str(esp.uki))
    _, run = call(p, *args, program=PLAIN)
    before, opened, _ = run.log.read_text().partition('/next.efi", ')
    check(opened, "it did not open the UKI")
    at = 1 + before.count(" newfstatat(")
    for left in (0, 63, 64, 200):
        os.truncate(esp.uki, left)
        no_call(p, *args, program=PLAIN, says="is no UKI",
                inject=[f"newfstatat:{stat_says(0o100644, size)}:when={at}"])


def test_load_headers_anywhere(p):
    """Headers at the end of a large file are found, and the rest is not read"""
    esp = Esp(p)
    data = bytearray(esp.uki.read_bytes())
    at = struct.unpack_from("<I", data, 0x3c)[0]
    far = (3 << 30) + 12345
    struct.pack_into("<I", data, 0x3c, far)
    with esp.uki.open("wb") as file:
        file.write(data[:64])
        file.seek(far)
        file.write(data[at:])
    run = Run(p, "load", "--no-companions", str(esp.uki), answer="EFBIG",
              program=PLAIN, slurp=False)
    equal((run.status, len(run.calls)), (DIFFERS, 1), run.err)
    read = re.findall(r" pread64\(.* = (\d+)$", run.log.read_text(), re.M)
    check(sum(map(int, read)) < 1 << 20, f"{read} bytes were read")


def inject_at(p, esp, name, pattern, how):
    """Spoils the first system call of this name that matches"""
    args = ("load", "--esp", str(esp.root), str(esp.uki))
    _, run = call(p, *args, program=PLAIN)
    at = run.count(name, pattern)
    return no_call(p, *args, program=PLAIN, inject=[f"{name}:{how}:when={at}"])


def test_load_unreadable(p):
    """A companion that cannot be read is an error"""
    esp = Esp(p)
    esp.put("loader/addons/a.addon.efi", b"content of a")
    run = inject_at(p, esp, "openat", '"a.addon.efi"', "error=EACCES")
    equal(run.err, 'kexec-uki: "loader/addons/a.addon.efi": Permission denied\n',
          "message")
    run = inject_at(p, esp, "openat2", "loader/addons", "error=EACCES")
    check('loader/addons": Permission denied' in run.err, run.err)
    run = inject_at(p, esp, "openat2", "loader/credentials", "error=EIO")
    check('loader/credentials": Input/output error' in run.err, run.err)
    run = inject_at(p, esp, "read", "content of a", "error=EIO")
    check('a.addon.efi": Input/output error' in run.err, run.err)
    for got in (0, 5):
        run = inject_at(p, esp, "read", "content of a", f"retval={got}")
        check('a.addon.efi": changes while it is read' in run.err, run.err)
    run = inject_at(p, esp, "memfd_create", "", "error=ENOMEM")
    check("memory for an archive" in run.err, run.err)
    run = inject_at(p, esp, "fallocate", "", "error=ENOSPC")
    check("No space left on device" in run.err, run.err)


def test_load_grows(p):
    """A companion that grows while it is read is an error"""
    esp = Esp(p)
    esp.put("loader/addons/a.addon.efi", b"content of a")
    args = ("load", "--esp", str(esp.root), str(esp.uki))
    _, run = call(p, *args, program=PLAIN)
    at = run.count("read", "content of a") + 1      # the end of the file
    run = no_call(p, *args, program=PLAIN, inject=[f"read:retval=1:when={at}"])
    check('a.addon.efi": changes while it is read' in run.err, run.err)


def test_load_memory(p):
    """A large extension is in memory once"""
    size = 192 << 20
    esp = Esp(p)
    with esp.put("loader/extensions/x.raw", b"").open("r+b") as file:
        file.truncate(size)
        file.seek(size - 4)
        file.write(b"last")
    r, w = os.pipe()
    child = os.fork()
    if not child:
        got, _ = call(p, "load", "--esp", str(esp.root), str(esp.uki),
                      program=PLAIN)
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        fine = got.initrd[-size:].count(b"last") == 1 and \
            len(got.initrd) in range(size, size + 512)
        os.write(w, b"%d %d" % (most, fine))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(w)
    with os.fdopen(r) as pipe:
        most, fine = map(int, pipe.read().split())
    check(fine, "the archive is not what it should be")
    check(most < size // 1024 * 5 // 4, f"{most} KiB for {size >> 10} KiB")


def test_load_too_large(p):
    """4 GiB do not fit into the format"""
    esp = Esp(p)
    with esp.put("loader/extensions/x.raw", b"").open("r+b") as file:
        file.truncate(1 << 32)
    no_call(p, "load", "--esp", str(esp.root), str(esp.uki),
            says='x.raw": File too large')


# The call

def test_load_arguments(p):
    """What each option makes of the call"""
    esp = Esp(p)
    file = str(esp.uki)
    esp.put("loader/credentials/x.cred")
    root = ("--esp", str(esp.root))
    initrd = p.put("initrd", b"another")
    for args, cmdline, flags in (
            (root, None, COMPANIONS),
            ((*root, "--crash"), None, COMPANIONS | ON_CRASH),
            (("--no-companions",), None, NO_INITRAMFS),
            (("--no-companions", "--crash"), None, NO_INITRAMFS | ON_CRASH),
            (("--no-companions", "--initrd", initrd), None, 0),
            ((*root, "--cmdline", "a b"), "a b\0", COMPANIONS),
            ((*root, "--cmdline", "@1 a"), "@1 a\0", COMPANIONS),
            ((*root, "--profile", "0"), "@0 \0", COMPANIONS),
            ((*root, "--profile=12"), "@12 \0", COMPANIONS),
            ((*root, "--profile=1", "--cmdline=a b"), "@1 a b\0", COMPANIONS),
            ((*root, "--profile=4294967295"), "@4294967295 \0", COMPANIONS)):
        for order in ((*args, file), (file, *args)):
            got, run = call(p, "load", *order)
            equal((got.cmdline, got.flags), (cmdline, flags), args)
            equal(got.kernel, esp.uki.read_bytes(), "kernel")
            equal(got.initrd is not None, not flags & NO_INITRAMFS, args)
            if "--initrd" in args:
                equal(got.initrd, b"another", "initrd")
            equal(run.err, "", "standard error")


def test_load_blank(p):
    """A command line that the kernel would take none of is not offered"""
    esp = Esp(p)
    args = ("load", "--no-companions", str(esp.uki))
    for blank in ("", " ", " \t\n\x01\x7f ", os.fsdecode(b"\xff"), "\U0001f600"):
        for more in ((), ("--profile=1",)):
            no_call(p, *args, *more, f"--cmdline={blank}",
                    says="--cmdline: nothing is left of it")
    for text in ("x", " x ", "@1 ", "\u00e9"):
        got, _ = call(p, *args, f"--cmdline={text}")
        equal(got.cmdline.encode("latin-1"), text.encode() + b"\0", "text")


def test_load_unwritable(p):
    """What was loaded is loaded, even if that cannot be said"""
    esp = Esp(p)
    full = ("sh", "-c", 'exec "$@" > /dev/full', "sh")
    for more in ((), ("-v", "--cmdline=x")):
        for answer, status in ((None, OK), ("EBADMSG", DIFFERS)):
            args = ("load", "--no-companions", str(esp.uki), *more)
            _, run = call(p, *args, before=full, answer=answer, status=status)
            equal("kexec-uki: standard output: " in run.err,
                  not answer or bool(more), run.err)
    no_call(p, "load", "/nonexistent", before=full)
    run = Run(p, "load", "--help", before=full)
    equal(run.status, UNKNOWN, "status of --help")

    # nobody reads any more
    gone = ("sh", "-c", '{ "$@"; echo "status $?" >&2; } | :', "sh")
    _, run = call(p, "load", "--no-companions", str(esp.uki), before=gone,
                  during=lambda: time.sleep(0.2))
    check("standard output: Broken pipe" in run.err and
          run.err.endswith("status 0\n"), run.err)


def test_load_too_many(p):
    """More companions than the kernel takes"""
    esp = Esp(p)
    for n in range(1024):
        esp.put(f"loader/credentials/{n}.cred", b"")
    equal(len(esp.load()), 1024, "members")
    esp.put("EFI/Linux/next.efi.extra.d/x.cred")
    no_call(p, "load", "--esp", str(esp.root), str(esp.uki),
            says="the archive of companions: too many companions")


def test_load_words(p):
    """What it says of a success"""
    esp = Esp(p)
    quiet = {"mounts": f"mount --bind {p.put('kmsg', '')} /dev/kmsg"}
    args = ("load", "--esp", str(esp.root), str(esp.uki))
    equal(call(p, *args, **quiet)[1].out, f"{esp.uki} is loaded.\n", "text")
    esp.put("loader/credentials/x.cred", b"123")
    equal(call(p, *args, **quiet)[1].out,
          f"{esp.uki} is loaded with 1 companion.\n", "text")
    esp.put("loader/addons/note.txt")
    esp.put("loader/addons/a.addon.efi", b"12345")
    equal(call(p, *args, "-v", "--crash", "--profile=1", **quiet)[1].out,
          'passed over: "loader/addons/note.txt"\n'
          'addon of all UKIs: "a.addon.efi", 5 bytes\n'
          'credential of all UKIs: "x.cred", 3 bytes\n'
          'command line: "@1 "\n'
          f"{esp.uki} is loaded as the crash kernel with 2 companions.\n",
          "text")


def test_load_boot_secret(p):
    """--boot-secret, with and without a file"""
    esp = Esp(p)
    secret = bytes(range(32))
    file = p.put("secret", secret)
    equal(esp.load(f"--boot-secret={file}"), {".extra/boot-secret": secret},
          "members")
    got, _ = call(p, "load", "--no-companions", f"--boot-secret={file}",
                  str(esp.uki))
    equal(esp.unpack(got), {".extra/boot-secret": secret}, "members")
    esp.put("loader/credentials/x.cred")
    equal(esp.load(f"--boot-secret={file}"),
          {".extra/boot-secret": secret, **esp.files}, "members")

    run = "mount -t tmpfs x /run; mkdir -p /run/systemd/stub\n"
    copy = run + f"cp {file} /run/systemd/stub/boot-secret"
    equal(esp.load("--boot-secret", mounts=copy),
          {".extra/boot-secret": secret, **esp.files}, "members")
    equal(esp.load(mounts=copy), esp.files, "without the option")
    some = ("load", "--no-companions", str(esp.uki))
    no_call(p, *some, "--boot-secret", mounts=run,
            says="/run/systemd/stub/boot-secret: No such file")
    for bad in (b"", secret[1:], secret + b"\n", secret * 2):
        no_call(p, *some, "--boot-secret=" + p.put("bad", bad),
                says="has not 32 bytes")
    no_call(p, *some, f"--boot-secret={p.path}", says="Is a directory")
    no_call(p, *some, f"--boot-secret={file}", program=PLAIN,
            inject=["fallocate:error=EPERM:when=1"],
            says=f"{file}: Operation not permitted")


def test_load_no_uki(p):
    """What is no UKI is not offered"""
    esp = Esp(p)
    plain = uki.bare(p.path / "plain.efi", [(".text", b"x"), (".linu", b"x")])
    fifo = p.path / "fifo"
    os.mkfifo(fifo)
    for bad, why in ((plain, "no UKI"), (p.put("text", "MZ"), "no UKI"),
                     (p.put("empty", b""), "no UKI"),
                     (p.put("cut", esp.uki.read_bytes()[:99]), "no UKI"),
                     (esp.root, "not a regular file"),
                     (fifo, "not a regular file"),
                     (p.path / "none", "No such file")):
        no_call(p, "load", str(bad), says=why)
    odd = p.put("odd\x1b[2J", b"")
    link = p.path / "link"
    link.symlink_to(odd)
    no_call(p, "load", str(link), says='/odd\\x1b[2J": is no UKI')


def test_load_usage(p):
    """What does not go together, and what is no number"""
    esp = Esp(p)
    file = str(esp.uki)
    for args in ((), (file, file), (file, "--initrd=x"),
                 (file, "--initrd=x", "--no-companions", "--boot-secret"),
                 (file, "--esp=/", "--no-companions"), (file, "--profile=-1"),
                 (file, "--profile="), (file, "--profile=1x"),
                 (file, "--profile= 1"), (file, "--profile=4294967296"),
                 (file, "--json"), (file, "--cmdline")):
        no_call(p, "load", *args)
    no_call(p, "log", "--profile=1", says="no option --profile")
    no_call(p, "unload", "--no-companions")
    no_call(p, "load", file, "--no-companions", "--initrd=/nonexistent",
            says="No such file")


def test_unload(p):
    """unload, of the next kernel and of the crash kernel"""
    for args, flags in ((["unload"], UNLOAD),
                        (["unload", "--crash"], UNLOAD | ON_CRASH)):
        got, run = call(p, *args)
        equal((got.kernel, got.initrd, got.cmdline, got.flags),
              (None, None, None, flags), args)
        equal(run.out + run.err, "", "text")
    _, run = call(p, "unload", answer="EBUSY", status=DIFFERS)
    check("unload: refused by the kernel" in run.err and "under way" in run.err,
          run.err)
    _, run = call(p, "unload", answer="EPERM", status=DIFFERS)
    check("Signatures" not in run.err and "not allowed" in run.err, run.err)
