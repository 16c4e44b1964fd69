# SPDX-License-Identifier: GPL-2.0
"""One virtual machine: QEMU with OVMF, swtpm behind its TPM, four ports.

A Machine must never outlive the process that started it, and never wait
without an end: every wait has a condition and a limit.
"""

import base64
import ctypes
import re
import shutil
import signal
import subprocess
import tempfile
import time

from pathlib import Path

from . import esp, paths, varstore

ALL_BANKS = ("sha1", "sha256", "sha384", "sha512")

SHELL = "fs0:\r\ninitrd initrd.img\r\nboot.efi %s\r\n"

# Software emulation on a busy machine is slow, so the limits are far above
# what was seen (20 s in all).
TOTAL_S = 900
SILENCE_S = 240


class GuestError(Exception):
    """The guest did not do what every guest has to do."""


def die_with_parent():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Swtpm:
    """A TPM that starts from nothing, with the banks that are asked for, or
    from a state that it was left in.
    """

    def __init__(self, work, sockets, banks, log, state=None):
        self.state = work / "tpm"
        self.socket = sockets / "swtpm.sock"
        self.log = log
        if state:
            shutil.copytree(state, self.state)
        else:
            self.manufacture(banks)
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.state}",
             "--ctrl", f"type=unixio,path={self.socket}", "--terminate",
             "--flags", "startup-clear"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=die_with_parent)
        limit = time.monotonic() + 30
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > limit:
                raise GuestError("swtpm does not start")
            time.sleep(0.02)

    def manufacture(self, banks):
        """Making a TPM takes a second; one per set of banks is enough."""
        made = paths.WORK / ("tpm-" + "-".join(banks))
        if not made.exists():
            new = self.state.with_name("tpm-new")
            new.mkdir()
            subprocess.run(
                ["swtpm_setup", "--tpm2", "--tpmstate", new, "--overwrite",
                 "--pcr-banks", ",".join(banks)],
                check=True, stdout=self.log, stderr=self.log)
            try:
                new.rename(made)
            except OSError:
                pass            # another test was faster
        shutil.copytree(made, self.state)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Machine:
    """What to boot, and how.

    boot     an EFI program for the ESP
    register an initrd that the firmware's shell registers before it starts
             boot (by OVMF's own command, with the protocol that Linux has
             for it)
    options  what that shell passes on, after boot's own name
    esp      a directory that is to be the ESP; boot is then a path in it, with
             backslashes, and options are its load options
    gpt      whether it is a partition, of which systemd-stub thinks more
    kernel   a kernel or UKI for QEMU's -kernel, which starts in place of what an
             ESP has
    append   its load options
    initrd   its initrd, where QEMU takes it for a bzImage
    tpm      "tpm-crb", "tpm-tis" or None
    share    a directory that the guest can mount, and whether to write to it
    proxy    called with swtpm's socket, returns the socket for QEMU
    cpus     how many
    devices  more of them, in QEMU's words
    disk     a disk's image, which stays as it is; the ESP's is virtio then, too
    state    the state of a TPM, which stays as it is
    store    called with the file of the firmware's variables, to change it
    reboots  a reboot is one, and not the end
    limit    seconds that it has for all it does
    """

    def __init__(self, name, boot=None, register=None, options="",
                 esp=None, gpt=False, kernel=None, append=None, initrd=None,
                 tpm="tpm-crb", banks=ALL_BANKS,
                 secure=False, share=None, writable=False, proxy=None,
                 memory=1024, cpus=1, devices=(), disk=None, state=None,
                 store=None, reboots=False, limit=TOTAL_S):
        self.name = name
        self.boot = boot
        self.register = register
        self.options = options
        self.esp = esp
        self.gpt = gpt
        self.kernel = (kernel, append, initrd)
        self.tpm = tpm
        self.banks = banks
        self.secure = secure
        self.share = share
        self.writable = writable
        self.proxy = proxy
        self.memory = memory
        self.cpus = cpus
        self.devices = devices
        self.disk = disk
        self.state = state
        self.store = store
        self.reboots = reboots
        self.limit = limit
        self.work = paths.WORK / "machines" / name
        self.console = paths.LOG / f"{name}.console"
        self.data = paths.LOG / f"{name}.data"
        self.qemu_log = paths.LOG / f"{name}.qemu"

    def firmware(self):
        code = "OVMF_CODE_4M.secboot.fd" if self.secure else "OVMF_CODE_4M.fd"
        made = "OVMF_VARS_4M.snakeoil.fd" if self.secure else "OVMF_VARS_4M.fd"
        store = self.work / "vars.fd"
        shutil.copy(paths.OVMF / made, store)
        if self.esp and not self.kernel[0]:
            varstore.boot_entry(store, self.boot, self.options)
        if self.store:
            self.store(store)
        args = []
        if self.secure:
            args += ["-global", "driver=cfi.pflash01,property=secure,value=on",
                     "-global", "ICH9-LPC.disable_s3=1"]
        flash = "if=pflash,format=raw,unit="
        return args + [
            "-drive", f"{flash}0,readonly=on,file={paths.OVMF / code}",
            "-drive", f"{flash}1,file={store}"]

    def media(self):
        kernel, append, initrd = self.kernel
        args = []
        if kernel:
            args = ["-kernel", kernel]
            args += ["-append", append] if append is not None else []
            args += ["-initrd", initrd] if initrd else []
            if not self.esp:
                return args
        if self.esp:
            image = esp.build(self.work / "esp.img", self.esp)
            if self.gpt:
                image = esp.partition(self.work / "disk.img", image)
            bus = ",if=virtio" if self.disk else ""
            return args + ["-drive", f"format=raw,file={image}{bus}"]
        tree = self.work / "esp"
        if self.register:
            tree.mkdir()
            shutil.copy(self.boot, tree / "boot.efi")
            shutil.copy(self.register, tree / "initrd.img")
            (tree / "startup.nsh").write_text(
                (SHELL % self.options).replace(" \r\n", "\r\n"), newline="")
        else:
            (tree / "EFI" / "BOOT").mkdir(parents=True)
            shutil.copy(self.boot, tree / "EFI" / "BOOT" / "BOOTX64.EFI")
        return ["-drive", f"format=raw,file=fat:rw:{tree}"]

    def overlay(self):
        """What is written to the disk goes elsewhere."""
        if not self.disk:
            return []
        image = self.work / "disk.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw",
                        "-b", Path(self.disk).resolve(), image], check=True)
        return ["-drive", f"format=qcow2,if=virtio,file={image}"]

    def chip(self, socket):
        if not self.tpm:
            return []
        return ["-chardev", f"socket,id=c,path={socket}",
                "-tpmdev", "emulator,id=t,chardev=c",
                "-device", f"{self.tpm},tpmdev=t"]

    def arguments(self, socket, serial=None):
        args = ["qemu-system-x86_64", "-machine",
                "q35,smm=on" if self.secure else "q35",
                "-accel", "tcg,thread=multi", "-cpu", "max",
                "-m", str(self.memory), "-smp", str(self.cpus),
                "-display", "none", "-vga", "none",
                "-monitor", "none", "-net", "none"]
        args += [] if self.reboots else ["-no-reboot"]
        args += self.firmware() + self.media() + self.overlay()
        args += self.chip(socket)
        for device in self.devices:
            args += ["-device", device]
        args += ["-serial", serial or f"file:{self.console}",
                 "-serial", f"file:{self.data}"]
        if self.share:
            access = "" if self.writable else ",readonly=on"
            args += ["-virtfs", f"local,path={self.share},mount_tag=in,"
                     f"security_model=none{access}"]
        return [str(a) for a in args]

    def prepare(self):
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        paths.LOG.mkdir(parents=True, exist_ok=True)
        for old in (self.console, self.data):
            old.write_bytes(b"")

    def run(self):
        """Boot, wait until the guest has said goodbye, return what it said."""
        self.prepare()
        with open(self.qemu_log, "wb") as log:
            ended = self.run_with(log, self.wait, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log,
                                  preexec_fn=die_with_parent)
        shutil.rmtree(self.work, ignore_errors=True)
        return Report(self, ended)

    def interactive(self):
        """Boot with the console on this terminal; QEMU's exit status."""
        self.prepare()
        with open(self.qemu_log, "wb") as log:
            return self.run_with(log, lambda qemu: qemu.wait(),
                                 serial="mon:stdio")

    def run_with(self, log, wait, **popen):
        """A socket's path has 107 bytes at most, which self.work may exceed."""
        with tempfile.TemporaryDirectory(prefix="e2e-") as sockets:
            return self.run_in(Path(sockets), log, wait, **popen)

    def run_in(self, sockets, log, wait, serial=None, **popen):
        tpm = None
        if self.tpm:
            tpm = Swtpm(self.work, sockets, self.banks, log, self.state)
        qemu = None
        try:
            socket = tpm.socket if tpm else None
            if tpm and self.proxy:
                socket = self.proxy(socket, sockets / "proxy.sock")
            qemu = subprocess.Popen(self.arguments(socket, serial), **popen)
            return wait(qemu)
        finally:
            if qemu:
                qemu.kill()
                qemu.wait()
            if tpm:
                tpm.stop()

    def wait(self, qemu):
        """How it ended: "bye", "exit" (without a word), "limit"."""
        end = time.monotonic() + self.limit
        size, heard = -1, time.monotonic()
        while time.monotonic() < end:
            gone = qemu.poll() is not None
            if b"\n@bye" in self.data.read_bytes():
                return "bye"
            if gone:
                return "exit"
            now = self.console.stat().st_size + self.data.stat().st_size
            if now != size:
                size, heard = now, time.monotonic()
            elif time.monotonic() - heard > SILENCE_S:
                return "limit"
            time.sleep(0.2)
        return "limit"


class Report:
    """What a guest sent: files by name, and what it said."""

    def __init__(self, machine, ended):
        self.machine = machine
        self.ended = ended
        self.files, self.said = {}, []
        self.parse(machine.data.read_bytes())

    def parse(self, data):
        name, lines = None, []
        for line in data.replace(b"\r", b"").split(b"\n"):
            if line.startswith(b"@begin "):
                name, lines = line[7:].decode(), []
            elif name and line == b"@end " + name.encode():
                if name in self.files:
                    raise GuestError(f"{name} was sent twice")
                self.files[name] = base64.b64decode(b"".join(lines),
                                                    validate=True)
                name = None
            elif name:
                lines.append(line)
            elif line.startswith(b"@say "):
                self.said.append(line[5:].decode(errors="replace"))

    def tail(self, lines=25):
        text = self.machine.console.read_bytes().decode(errors="replace")
        text = re.sub(r"\x1b\[[0-9;=]*[A-Za-z]", "", text).replace("\r", "")
        return "\n".join(text.strip().split("\n")[-lines:])

    def need(self, *names):
        """Fail unless the guest ended well and sent these files."""
        missing = [n for n in names if n not in self.files]
        if self.ended != "bye" or missing:
            raise GuestError(
                f"{self.machine.name}: ended by {self.ended}, "
                f"missing {missing or 'nothing'}, see {self.machine.console}\n"
                + "\n".join(self.said) + "\n" + self.tail())
        return self

    def text(self, name):
        if name not in self.files:
            self.need(name)
        return self.files[name].decode(errors="replace").strip()

    def pcrs(self, name, file="pcrs"):
        """bank -> {number: value}"""
        out = {}
        for line in self.text(f"{name}/{file}").splitlines():
            bank, number, value = line.split("#")[0].split()
            out.setdefault(bank, {})[int(number)] = bytes.fromhex(value)
        return out

    def tree(self, name):
        """/.extra and all in it: path -> (sha256 or "-", mode, uid, gid)"""
        out = {}
        for line in self.text(f"{name}/extra").splitlines():
            digest, mode, uid, gid, _size, path = line.split(maxsplit=5)
            out[path] = (digest, mode, uid, gid)
        return out

    def extra(self, name):
        """The files of it: path -> (sha256, mode)"""
        return {path: what[:2] for path, what in self.tree(name).items()
                if what[0] != "-"}

    def status(self, name):
        return int(self.text(f"{name}/status"))
