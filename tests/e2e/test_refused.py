# SPDX-License-Identifier: GPL-2.0
"""What is refused, and by which errno; nothing of it moves a PCR."""

import struct

from harness import uki

LONG = "console=ttyS0 " + "x" * 4000

# Fields of the inner kernel's header (Documentation/arch/x86/boot.rst)
MAGIC, ALIGNMENT, INIT_SIZE = 0x202, 0x230, 0x260


def junk(_):
    return b"MZ" + bytes(4096)


def outside(table):
    table.set(".initrd", "rawsize", 0x7ffffe00)


def overflow(table):
    table.set(".initrd", "raw", 0xfffffe00)


def huge(table):
    table.set(".initrd", "vsize", 0xffffffff)


def shared(table):
    """Firmware would load one section over the other"""
    table.set(".osrel", "vaddr", table.get(".uname", "vaddr"))


def no_magic(table):
    table.poke(".linux", MAGIC, b"XXXX")


def bad_alignment(table):
    table.poke(".linux", ALIGNMENT, struct.pack("<I", 0x300000))


def small_init_size(table):
    table.poke(".linux", INIT_SIZE, struct.pack("<I", 0x1000))


def half_of_ram(table):
    """More than that, on a machine of 1 GiB; it could be placed"""
    table.poke(".linux", INIT_SIZE, struct.pack("<I", 600 << 20))


def other_machine(table):
    struct.pack_into("<H", table.data, table.count_at - 2, 0xaa64)


# name -> (how it is made from a good UKI, errno)
BENT = {"outside": (outside, "EBADMSG"), "overflow": (overflow, "EBADMSG"),
        "huge": (huge, "EBADMSG"), "shared": (shared, "EBADMSG"),
        "no-magic": (no_magic, "ELIBBAD"),
        "other-machine": (other_machine, "ELIBBAD"),
        "bad-alignment": (bad_alignment, "ELIBBAD"),
        "small-init-size": (small_init_size, "ELIBBAD"),
        "half-of-ram": (half_of_ram, "ENOMEM")}
# name -> (arguments, errno)
CALLS = {"profile": ("/in/next.efi cmdline='@7 quiet'", "ENODATA"),
         "long": (f"/in/next.efi cmdline='{LONG}'", "E2BIG"),
         "long-embedded": ("/in/long.efi", "E2BIG"),
         "junk": ("/in/junk.efi", "ENOEXEC"),
         "nested": ("/in/nested.efi", "ELIBBAD"),
         "garbage": ("/in/garbage.efi", "ELIBBAD"),
         "half": ("/in/half.efi", "EBADMSG"),
         "dir": ("/in/next.efi initrd=/in", "EBADF"),
         "empty": ("/in/next.efi initrd=/in/empty", "EBADF"),
         "bad-fd": ("/in/next.efi bad-initrd", "EBADF")}


def run(t):
    image = t.next()
    good = image.read_bytes()
    (t.share / "junk.efi").write_bytes(junk(good))
    (t.share / "half.efi").write_bytes(good[:len(good) // 2])
    small = uki.bare(t.share / "garbage.efi", [(".linux", b"no kernel" * 99)])
    uki.bare(t.share / "nested.efi", [(".linux", small.read_bytes())])
    t.next("long.efi", cmdline=LONG)
    (t.share / "empty").touch()
    calls = dict(CALLS)
    for name, (bend, errno) in BENT.items():
        table = uki.Table(image)
        bend(table)
        table.write(t.share / f"{name}.efi")
        calls[name] = (f"/in/{name}.efi", errno)
    script = "dump before\n" + "".join(
        f"try {name} kexec_load_file load {args}\nloaded {name}\n"
        for name, (args, _) in calls.items())
    r = t.boot(script + "pcrs end\ntry good kexec_load_file load "
               "/in/next.efi\n").need("end/pcrs", "good/out")
    wrong = []
    for name, (_, errno) in calls.items():
        got = r.text(f"{name}/out").split()[-1]
        if got != errno:
            wrong.append(f"{name}: {got}, not {errno}")
        # The architecture's loader may say something, too.
        lines = [x for x in r.text(f"{name}/dmesg").splitlines()
                 if "kexec_uki: " in x]
        want = 0 if errno == "ENOEXEC" else 1
        if len(lines) != want:
            wrong.append(f"{name}: not {want} line of kexec_uki in the log "
                         f"but {lines}")
        t.equal(r.text(f"{name}/loaded"), "0", f"{name}: kexec_loaded")
    t.equal(wrong, [], "refusals")
    t.outcome(r, "good", "ok")
    t.same_pcrs(r.pcrs("end"), r.pcrs("before"), "after the refusals")
    for word in ("BUG:", "WARNING:", "Oops"):
        t.true(word not in r.tail(500), f"{word} on the console")
