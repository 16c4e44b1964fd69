# SPDX-License-Identifier: GPL-2.0
"""The initrd that we put together is systemd-stub's, and cpio can read it.

retain_initrd keeps it where the running system can read it, so that a cold boot's
and a kexec's can be compared byte by byte; cpio lists each archive of it, and the
kernel has unpacked the very same files.
"""

import subprocess

from harness import machine, oracle, paths
from matrix import make
from matrix.cells import SIDECARS, Cell, full, text

SHARED = "/in/esp/EFI/Linux/x.efi"
FIRST = f"""
dump before
try load kexec-uki load --esp /in/esp {SHARED}
try exec kexec -e
"""
SECOND = """
copy initrd /sys/firmware/initrd
dump after
"""
TRAILER = b"TRAILER!!!"
WORDS = "retain_initrd e2e=:second.sh"


def make_esp(t):
    cell = Cell("cpio", "", {
        ".cmdline": text(WORDS), ".osrel": "ID=cpio\n",
        ".pcrsig": make.pcr_signature(), ".pcrpkey": make.public_key,
        ".ucode": make.archive("ucode", b"microcode")},
                files={**SIDECARS, "own/a.addon.efi": full("a")})
    make.make(cell, t.share / "esp")
    (t.share / "second.sh").write_text(SECOND)


def archives(data):
    """The uncompressed archives at the end, cut after each trailer"""
    start = data.index(b"070701", data.rindex(b"\x1f\x8b\x08"))
    data, out = data[start:], []
    while data.strip(b"\0"):
        end = data.index(TRAILER) + len(TRAILER) + 4
        out.append(data[:end])
        data = data[end:]
    return out


def listing(archive):
    """What cpio says of it: path -> (mode, user, group)"""
    done = subprocess.run(
        ["cpio", "--list", "--verbose", "--numeric-uid-gid", "--quiet"],
        input=archive, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        check=False)
    if done.returncode or done.stderr:
        raise AssertionError(f"cpio: {done.stderr.decode()}")
    rows = [r.split(maxsplit=8) for r in done.stdout.decode().splitlines()]
    return {"/" + r[8]: (r[0], r[2], r[3]) for r in rows}


def letters(mode, directory):
    bits = "".join(c if int(mode, 8) >> (8 - n) & 1 else "-"
                   for n, c in enumerate("rwxrwxrwx"))
    return ("d" if directory else "-") + bits


def run(t):
    make_esp(t)
    tool = (0o755, paths.KEXEC_UKI.read_bytes())
    r = t.boot(FIRST, first=t.first(extra={"bin/kexec-uki": tool}))
    r.need("before/pcrs", "after/pcrs")
    t.equal(r.status("load"), 0, r.text("load/out"))
    cold = machine.Machine(f"{t.name}-cold", esp=t.share / "esp",
                           boot="\\EFI\\Linux\\x.efi", share=t.share).run()
    cold.need("initrd", "after/pcrs")
    t.equal(r.files["initrd"] == cold.files["initrd"], True,
            "the initrd is systemd-stub's, byte by byte")
    t.equal(r.tree("after"), cold.tree("after"), "/.extra")
    t.true("unpacking failed" not in r.text("after/dmesg"), "unpacking")
    oracle.check_log(r, "after")

    found = {}
    for part in archives(r.files["initrd"]):
        found.update(listing(part))
    for path, (digest, mode, uid, gid) in r.tree("after").items():
        t.equal(found[path], (letters(mode, digest == "-"), uid, gid),
                f"what cpio says of {path}")
    t.equal(len([p for p in found if p.startswith("/.extra/")]),
            len(r.tree("after")) - 1, "files and directories of cpio")
