# SPDX-License-Identifier: GPL-2.0
"""The cases of "kexec-uki load" and "unload".

Each runs under strace, which answers kexec_file_load() and stops the tool there;
meanwhile what it offered is read.  This must never run the tool without that: it
would load what it is given.
"""

import ast
import errno
import os
import re
import resource
import signal
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

# The table of Documentation/admin-guide/kexec-uki.rst, and a word of what each
# errno means
REFUSALS = {
    "ENOEXEC": "takes no UKIs", "EBADMSG": "damaged", "ELIBBAD": "machine",
    "ENODATA": "no profile", "E2BIG": "too long", "EPERM": "Signatures are enforced",
    "EKEYREJECTED": "revoked", "ENOKEY": "trust", "ENOPKG": "module",
    "ENODEV": "TPM", "ENOSPC": "handed over", "EIO": "could not be read",
    "ESTALE": "not valid", "EBUSY": "under way", "ENOMEM": "memory",
    "EFBIG": "4 GiB", "EBADF": "initrd", "ETXTBSY": "open for writing",
    "EADDRNOTAVAIL": "no place", "EACCES": "policy", "EINVAL": "arguments",
    "ENOSYS": "no kexec_file_load()",
}


class Call:
    """A kexec_file_load(), read while the tool was stopped in it"""

    def __init__(self, line):
        pid, kernel, initrd, size, text, flags = re.match(
            r"(\d+) +kexec_file_load\((-?\w+), (-?\w+), (\w+), (NULL|\".*\"),"
            r" (\w+)\)",
            line).groups()
        self.kernel = self.slurp(pid, kernel)
        self.initrd = self.slurp(pid, initrd)
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
                 program=KEXEC_UKI, mounts="", before=()):
        self.calls, self.log = [], p.path / "strace"
        self.log.write_text("")
        how = f"error={answer}" if answer else "retval=0"
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
        argv = [*NS, "sh", "-ec", mounts + '\nexec "$@"', "sh",
                "strace", "-f", "-s", "9999", "-X", "raw", "-o", str(self.log),
                "-e", "trace=kexec_file_load,openat,read,memfd_create,fallocate",
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
            self.calls.append(Call(line))
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
    first, second = Esp(p, "one"), Esp(p, "two")
    for esp, order in ((first, names), (second, names[::-1])):
        for name in order:
            esp.put("loader/credentials/" + name, name.encode())
    listed = [x for x in os.listdir(first.root / "loader/credentials")]
    check(listed != sorted(listed), "this directory happens to be sorted")
    calls = [call(p, "load", "--esp", str(x.root), str(x.uki))[0]
             for x in (first, second)]
    equal(calls[0].initrd, calls[1].initrd, "archives")
    equal([x.split("/")[2] for x in cpio(p, calls[0].initrd)], sorted(names),
          "order")


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
    run = inject_at(p, esp, "openat", "loader/addons", "error=EACCES")
    check('loader/addons": Permission denied' in run.err, run.err)
    run = inject_at(p, esp, "openat", "loader/credentials", "error=EIO")
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
            ((*root, "--cmdline", ""), None, COMPANIONS),
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
    no_call(p, "load", "--boot-secret", str(esp.uki), mounts=run,
            says="/run/systemd/stub/boot-secret: No such file")
    for bad in (b"", secret[1:], secret + b"\n", secret * 2):
        no_call(p, "load", "--boot-secret=" + p.put("bad", bad), str(esp.uki),
                says="has not 32 bytes")
    no_call(p, "load", f"--boot-secret={p.path}", str(esp.uki),
            says="Is a directory")


def test_load_no_uki(p):
    """What is no UKI is not offered"""
    esp = Esp(p)
    plain = uki.bare(p.path / "plain.efi", [(".text", b"x"), (".linu", b"x")])
    for bad, why in ((plain, "no UKI"), (p.put("text", "MZ"), "no UKI"),
                     (p.put("empty", b""), "no UKI"),
                     (p.put("cut", esp.uki.read_bytes()[:99]), "no UKI"),
                     (esp.root, "not a regular file"),
                     (p.path / "none", "No such file")):
        no_call(p, "load", str(bad), says=why)


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


# Refusals

def test_load_refused(p):
    """Each errno has its words, and is final"""
    esp = Esp(p)
    seen = {}
    for name, word in REFUSALS.items():
        _, run = call(p, "load", "--no-companions", str(esp.uki), answer=name,
                      status=DIFFERS)
        lines = run.err.splitlines()
        text = os.strerror(getattr(errno, name))
        equal(lines[0], f"kexec-uki: {esp.uki}: refused by the kernel: {text} "
              f"({name})", name)
        check(word in lines[1], f"{name}: {lines}")
        check(lines[2].startswith("  ") and len(lines[2]) > 9, f"{name}: {lines}")
        equal(run.out, "", f"{name}: standard output")
        seen[lines[1]] = seen[lines[2]] = name
    equal(len(seen), 2 * len(REFUSALS), "texts")
    _, run = call(p, "load", str(esp.uki), answer="524", status=DIFFERS)
    check("refused by the kernel" in run.err and "524" in run.err, run.err)


def test_load_refused_special(p):
    """Where more is known than the errno"""
    esp = Esp(p)
    esp.put("loader/credentials/x.cred")
    args = ("load", "--esp", str(esp.root), str(esp.uki))
    for answer, word in (("EINVAL", "does not know companions"),
                         ("EINVAL", "--no-companions"),
                         ("EPERM", "--crash also needs --no-companions")):
        _, run = call(p, *args, answer=answer, status=DIFFERS)
        check(word in run.err, run.err)
    _, run = call(p, *args, answer="EPERM", status=DIFFERS,
                  before=("unshare", "-U"))
    check("It takes root" in run.err, run.err)
    if os.geteuid() == 0:
        one = p.put("one", "1\n")
        mounts = f"mount --bind {one} /proc/sys/kernel/kexec_load_disabled"
        if Path("/proc/sys/kernel/kexec_load_disabled").exists():
            _, run = call(p, *args, answer="EPERM", status=DIFFERS, mounts=mounts)
            check("kexec_load_disabled is 1" in run.err, run.err)

    sys_files = "mount -t tmpfs x /sys; mkdir /sys/kernel\n" \
        "echo 1 > /sys/kernel/kexec_loaded; echo 0 > /sys/kernel/kexec_crash_size"
    still, reserve = "is still loaded", "crashkernel="
    for more, has, lacks in (((), still, reserve), (("--crash",), reserve, still)):
        _, run = call(p, *args, *more, answer="EBADMSG", status=DIFFERS,
                      mounts=sys_files)
        check(has in run.err and lacks not in run.err, run.err)
    _, run = call(p, *args, answer="EBADMSG", status=DIFFERS,
                  mounts=sys_files.replace("echo 1", "echo 0"))
    check(still not in run.err, run.err)


# The kernel's lines

OLD = "5,10,100,-;kexec_uki: an old line\n"
NEW = ("6,11,101,-;usb 1-1: something else\n"
       "5,12,102,-;kexec_uki: refused: .linux: outside: 0x1, limit 0x2\n"
       " SUBSYSTEM=x\n DEVICE=kexec_uki: no line\n"
       "13,13,103,-;kexec_uki: somebody in user space\n"
       "4,14,104,-,caller=T1;kexec_measure: with a caller\n"
       "5,15,105,-;kexec_file: \\x1b[31m escaped\n"
       "5,16,106,-;ima: a line of IMA\n"
       "5,17,107,-;Lockdown: kexec-uki: is restricted; see man\n"
       "5,18,108,-;my kexec_uki: in the middle\n"
       "5,19,109,-;kexec: \x07raw\n")
LINES = ("  kernel: kexec_uki: refused: .linux: outside: 0x1, limit 0x2\n"
         "  kernel: kexec_measure: with a caller\n"
         "  kernel: kexec_file: \\x1b[31m escaped\n"
         "  kernel: ima: a line of IMA\n"
         "  kernel: Lockdown: kexec-uki: is restricted; see man\n"
         "  kernel: kexec: \\x07raw\n")


def with_kmsg(p, *args, new=NEW, **kw):
    kmsg = p.path / "kmsg"
    kmsg.write_text(OLD)

    def during():
        with kmsg.open("a") as file:
            file.write(new)

    return call(p, "load", "--no-companions", str(p.path / "esp/a.efi"), *args,
                mounts=f"mount --bind {kmsg} /dev/kmsg", during=during, **kw)[1]


def test_load_kmsg(p):
    """The kernel's own lines of this load, and no others"""
    Esp(p, path="a.efi")
    run = with_kmsg(p, answer="EBADMSG", status=DIFFERS)
    check(run.err.endswith("\n" + LINES), run.err)
    equal(run.out, "", "standard output")
    run = with_kmsg(p)
    check(run.out.endswith("is loaded.\n" + LINES), run.out)
    equal(run.err, "", "standard error")
    run = with_kmsg(p, answer="EBADMSG", status=DIFFERS, new="")
    check("has no line about it" in run.err, run.err)
    run = with_kmsg(p, new="")
    check(run.out.endswith("is loaded.\n"), run.out)


def test_load_kmsg_lost(p):
    """A log that has been overwritten is read on"""
    Esp(p, path="a.efi")
    run = with_kmsg(p, program=PLAIN)
    at = run.count("read", "usb 1-1")
    run = with_kmsg(p, program=PLAIN, inject=[f"read:error=EPIPE:when={at}"])
    check(run.out.endswith("is loaded.\n" + LINES), run.out)


def test_load_kmsg_unreadable(p):
    """It says that it cannot read the kernel's log"""
    esp = Esp(p)
    args = ("load", "--no-companions", str(esp.uki))
    _, run = call(p, *args, program=PLAIN)
    at = run.count("openat", "/dev/kmsg")
    for answer, status in ((None, OK), ("EBADMSG", DIFFERS)):
        _, run = call(p, *args, program=PLAIN, answer=answer, status=status,
                      inject=[f"openat:error=EPERM:when={at}"])
        check("/dev/kmsg cannot be read (Operation not permitted)"
              in run.out + run.err, run.out + run.err)
