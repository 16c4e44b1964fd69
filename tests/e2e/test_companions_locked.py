# SPDX-License-Identifier: GPL-2.0
"""Where signatures are enforced, companions are signed or measured, or refused.

There is no TPM here, and a crash kernel is never measured: addons with a good
signature are taken, others are passed over, all else is refused.  A damaged addon
is refused before anybody looks at its signature.
"""

from harness import initrd, uki
from matrix import bend, make

LOCKED = "lockdown=integrity"
# name -> (what the archive has, the errno or "ok", in the kernel's lines)
ARCHIVES = {
    "cred": ("loader/credentials/a.cred", "EPERM", "would not be measured"),
    "sysext": ("loader/extensions/a.raw", "EPERM", "would not be measured"),
    "secret": (".extra/boot-secret", "EPERM", "would not be measured"),
    "signed": ("loader/addons/signed.addon.efi", "ok", ""),
    "unsigned": ("loader/addons/unsigned.addon.efi", "ok",
                 "addon unsigned.addon.efi: passed over: its signature"),
    "stranger": ("loader/addons/stranger.addon.efi", "ok",
                 "addon stranger.addon.efi: passed over: its signature"),
    "damaged": ("loader/addons/damaged.addon.efi", "EBADMSG",
                "refused: addon damaged.addon.efi: "),
}


def content(path):
    if not path.endswith(".efi"):
        return bytes(range(32))
    signer = {"signed": "ours", "stranger": "stranger"}
    name = path.split("/")[-1].split(".")[0]
    edits = (bend.truncate(300),) if name == "damaged" else ()
    return make.Addon(edits, cmdline=f"word={name}",
                      signer=signer.get(name)).make()


def calls():
    for name, (_, errno, line) in ARCHIVES.items():
        args = f"/in/next.efi companions=/in/{name}"
        yield name, args, errno, line
        yield f"{name}-crash", args + " crash", errno, line


def script():
    return "".join(f"try {name} kexec_load_file load {args}\nloaded {name}\n"
                   for name, args, _, _ in calls()) + """
try last kexec_load_file load /in/next.efi companions=/in/signed
try exec kexec -e
"""


def run(t):
    make.prepare()
    for name, (path, _, _) in ARCHIVES.items():
        (t.share / name).write_bytes(initrd.archive({path: content(path)}))
    uki.sign(t.next("unsigned.efi", cmdline=LOCKED), t.share / "next.efi")
    first = uki.sign(t.first(f"{LOCKED} crashkernel=300M"),
                     t.dir / "signed.efi")
    r = t.boot(script(), first=first, secure=True, tpm=None)
    r.need("after/cmdline")
    loaded = False
    for name, _, errno, line in calls():
        t.outcome(r, name, errno)
        t.inside(line, r.text(f"{name}/dmesg"), f"{name}: the kernel's lines")
        loaded |= errno == "ok" and not name.endswith("-crash")
        t.equal(r.text(f"{name}/loaded"), str(int(loaded)),
                f"{name}: kexec_loaded")
    t.inside("word=signed", r.text("after/cmdline"), "command line")
