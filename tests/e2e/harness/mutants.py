# SPDX-License-Identifier: GPL-2.0
"""A small UKI, and guests that load thousands of damaged ones.

The kernel in the UKI has the setup header of the real one and a page of code,
so that a load costs milliseconds: it says goodbye for the guest, and stops.
What is damaged, and what has to come of it, is in guest/mutate.c.
"""

import re
import struct

from . import initrd, paths, uki

# Fields of the setup header (Documentation/arch/x86/boot.rst)
SETUP_SECTS, SYSSIZE, INIT_SIZE = 0x1f1, 0x1f4, 0x260
SECTOR, PAYLOAD = 512, 4096

# At offset 0x200, where a 64-bit kernel begins: "\n@bye\n" to the second port
GOODBYE = b"\n@say jumped\n\n@bye\n\0"
CODE = bytes.fromhex(
    "488d351f000000"    # lea 0x1f(%rip), %rsi
    "8a0e"              # next: mov (%rsi), %cl
    "48ffc6"            # inc %rsi
    "84c9"              # test %cl, %cl
    "7412"              # je stop
    "66bafd02"          # mov $0x2fd, %dx
    "ec"                # wait: in (%dx), %al
    "a820"              # test $0x20, %al
    "74fb"              # je wait
    "66baf802"          # mov $0x2f8, %dx
    "88c8"              # mov %cl, %al
    "ee"                # out %al, (%dx)
    "ebe5"              # jmp next
    "faf4ebfc")         # stop: cli; hlt; jmp stop


def macro(name):
    """The strings of a macro of guest/splats.h, of which guest/*.c know them"""
    text = (paths.GUEST / "splats.h").read_text()
    body = re.search(rf"^#define {name}\s(.*?[^\\\t ])$", text, re.M | re.S)
    return tuple(re.findall(r'"([^"]+)"', body[1]))


# What a kernel says that has found a fault; the second where nothing is made to
# fail, or a failure is what was wanted
SPLATS = macro("SPLATS")
SPLATS_OR_FORCED = macro("SPLATS_OR_FORCED")
# What has one of these words and is none: the test with KCSAN looks at its reports
# itself, and its module is not signed.
NO_SPLAT = re.compile(r"kmemleak: Kernel memory leak detector initialized|"
                      r"BUG: KCSAN|"
                      r"Tainted: (G +E +\d|\[E\]=UNSIGNED_MODULE$)")


def kernel():
    """A bzImage that is taken, and of which nothing is needed"""
    head = bytearray(paths.BZIMAGE.read_bytes()[:2 * SECTOR])
    head[SETUP_SECTS] = 1
    struct.pack_into("<I", head, SYSSIZE, PAYLOAD // 16)
    struct.pack_into("<I", head, INIT_SIZE, 2 * PAYLOAD)
    code = CODE + GOODBYE
    return bytes(head) + (bytes(0x200) + code).ljust(PAYLOAD, b"\0")


SECTIONS = (
    (".osrel", b"ID=e2e\nVERSION_ID=1\n"), (".cmdline", b"word=base quiet"),
    (".initrd", initrd.archive({"a": b"initrd\n"})),
    (".ucode", initrd.archive({"b": b"microcode\n"})),
    (".splash", b"BM" + bytes(62)), (".uname", b"7.2-e2e-mutants\n"),
    (".sbat", b"sbat,1,SBAT Version,sbat,1,https://example.org/sbat\n"),
    (".pcrsig", b'{"sha256":[{"pcrs":[11]}]}'),
    (".pcrpkey", b"-----BEGIN PUBLIC KEY-----\n"),
    (".hwids", bytes(range(48))),
    (".dtbauto", b"\xd0\x0d\xfe\xed" + bytes(44)),
    (".linux", None),
    (".profile", b"ID=main\nTITLE=Main\n"),
    (".profile", b"ID=other\nTITLE=Other\n"),
    (".cmdline", b"word=other quiet"),
)
ADDON = ((".sbat", SECTIONS[6][1]), (".cmdline", b"word=addon"),
         (".ucode", SECTIONS[3][1]), (".initrd", SECTIONS[2][1]))


def signed(t, name, sections):
    return uki.sign(uki.bare(t.dir / f"{name}.bare", sections),
                    t.share / name)


def prepare(t):
    """UKI, archive and plain kernel in the share"""
    linux = kernel()
    (t.share / "bzImage").write_bytes(linux)
    signed(t, "base.efi", [(n, linux if c is None else c)
                           for n, c in SECTIONS])
    addon = signed(t, "addon.efi", ADDON).read_bytes()
    (t.share / "archive").write_bytes(initrd.archive({
        ".extra/boot-secret": bytes(range(32)),
        "EFI/Linux/base.efi.extra.d/a.cred": b"credential\n",
        "loader/addons/a.addon.efi": addon,
        "loader/extensions/a.raw": b"extension\n" * 9,
    }))
    return ["/in/base.efi", "/in/archive", "/in/bzImage"]


def tool():
    """What the first kernel's initrd has besides"""
    return {f"bin/{n}": (0o755, (paths.TOOLS / n).read_bytes())
            for n in ("mutate", "failnth")}


# memory NAME: what kmemleak has found.  One that is on the first scan alone has
# changed since it was allocated, and is let be until the next one.  Without
# kmemleak, or when it has given up, there is no NAME/leaks.  Its file is opened for
# the next time each time: under lockdown, before which the script says shut=y,
# nobody can.
MEMORY = """
leaks=/sys/kernel/debug/kmemleak
memory()
{
	[ -e $leaks ] && echo scan >&9 && sleep 6 && echo scan >&9 || return
	emit "$1/leaks" <&8
	echo clear >&9
	[ "$shut" ] || exec 8< $leaks
}
mount -t debugfs debug /sys/kernel/debug
[ ! -e $leaks ] || { exec 8< $leaks 9> $leaks; echo clear >&9; }
"""

# What a kernel says about itself in the end: which memory was not given back,
# whether lockdep still watches, whether it is tainted.
SELF = MEMORY + """
health()
{
	cat /proc/sys/kernel/tainted | emit "$1/tainted"
	copy "$1/lockdep" /proc/lockdep_stats
	dmesg | emit "$1/dmesg"
}
"""

# All that can fail does so when guest/failnth.c says when, and the kernel says who
# has asked.  The memory of its own checks never fails: nobody would notice.
FAULTS = """
for kind in failslab fail_page_alloc fail_usercopy; do
	dir=/sys/kernel/debug/$kind
	echo 2 > $dir/verbose
	[ ! -e $dir/min-order ] || echo 0 > $dir/min-order
	[ ! -e $dir/ignore-gfp-wait ] || echo N > $dir/ignore-gfp-wait
	[ ! -e $dir/ignore-gfp-highmem ] || echo N > $dir/ignore-gfp-highmem
done
echo Y > /sys/kernel/debug/failslab/cache-filter
for cache in /sys/kernel/slab/*; do
	case $cache in
	*/kmemleak*|*/kasan*) ;;
	*) echo 1 > $cache/failslab ;;
	esac
done
"""


def run_script(args, some, locked):
    """mutate without lockdown, then a part of it with"""
    text = SELF + "cat /proc/sys/kernel/tainted | emit before/tainted\n"
    text += f"logs before\ntry open mutate {args} {some}\npcrs open\n"
    text += "memory open\n"
    if locked:
        text += ("shut=y\necho integrity > /sys/kernel/security/lockdown\n"
                 "copy locked/mode /sys/kernel/security/lockdown\n"
                 f"try locked mutate {args} {locked} locked\n"
                 "pcrs locked\nmemory locked\n")
    return text + "health end\nlogs end\n"


def numbers(text):
    """kind -> {errno or ok: number}, and the rest of mutate's words"""
    out, other = {}, {}
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["count"]:
            out.setdefault(words[1], {})[words[2]] = int(words[3])
        elif re.fullmatch(r"(mutants|systematic|bad|damaged \w+) \d+", line):
            other[" ".join(words[:-1])] = int(words[-1])
    return out, other


def judged(t, r, name, least):
    """One run of mutate; least: UKIs that are damaged themselves, without odd
    arguments, plain kernels, and archives beside a good UKI
    """
    text = r.text(f"{name}/out")
    print(text)
    t.equal(r.status(name), 0, f"{name}: status of mutate")
    counts, other = numbers(text)
    t.equal(other.get("bad"), 0, f"{name}: bad ones")
    t.true(other["damaged ukis"] >= least,
           f"{name}: {other['damaged ukis']} damaged UKIs, not {least}")
    t.equal(sum(sum(c.values()) for c in counts.values()), other["mutants"],
            f"{name}: sum of the histogram")
    t.checks += other["mutants"]
    return counts


def splats(text, words=SPLATS + SPLATS_OR_FORCED):
    """Lines of a kernel that has found a fault"""
    return [x for x in text.splitlines()
            if any(w in x for w in words) and not NO_SPLAT.search(x)]


def healthy(t, r, name="end", words=SPLATS + SPLATS_OR_FORCED):
    """Nothing that a kernel with all its checks on has to say"""
    t.equal(r.text(f"{name}/tainted"), r.text("before/tainted"), "tainted")
    t.equal(splats(r.text(f"{name}/dmesg"), words)[:5], [],
            "the kernel's log")


def unleaked(t, r, name):
    t.equal(r.text(f"{name}/leaks")[:3000], "", f"{name}: kmemleak")


def watched(t, r, name="end"):
    """lockdep is on, and has never given up"""
    t.true(re.search(r"debug_locks: +1\b", r.text(f"{name}/lockdep")),
           "lockdep is off")
