# SPDX-License-Identifier: GPL-2.0
"""A load that fails after segments were placed gives back what is CMA's."""

import shutil
import struct

from harness import paths, uki

# Each of these loads fails after its segments were placed.  What a leak takes
# from 64 MiB is an initrd of some MiB each time.
CALLS = {
    "uki-small": ("/in/small.efi", "ELIBBAD"),
    "uki-large": ("/in/large.efi", "ENOMEM"),
    "plain-small": ("/in/small initrd=/in/plain.img", "EINVAL"),
    "plain-large": ("/in/large initrd=/in/plain.img", "EINVAL"),
}
TIMES = 8
SCRIPT = """
fail()
{
	name=$1
	shift
	for n in $(seq %d); do
		kexec_load_file load "$@"
	done > /tmp/outcomes
	emit $name/outcomes < /tmp/outcomes
	copy $name/meminfo /proc/meminfo
}

dump before
copy begin/meminfo /proc/meminfo
%s
try load kexec -s -l /in/next.efi
copy load/meminfo /proc/meminfo
try unload kexec -s -u
copy unload/meminfo /proc/meminfo
try again kexec -s -l /in/next.efi
try exec kexec -e
""" % (TIMES, "".join(f"fail {name} {args}\n"
                      for name, (args, _) in CALLS.items()))

# A field of a bzImage's header, and two values: less than the file has, and
# more than half of the machine's RAM
INIT_SIZE = 0x260
SIZES = {"small": 0x1000, "large": 600 << 20}


def images(t):
    image = t.next()
    shutil.copy(t.initrd("plain.img"), t.share)
    for name, size in SIZES.items():
        value = struct.pack("<I", size)
        table = uki.Table(image)
        table.poke(".linux", INIT_SIZE, value)
        table.write(t.share / f"{name}.efi")
        kernel = bytearray(paths.BZIMAGE.read_bytes())
        kernel[INIT_SIZE:INIT_SIZE + 4] = value
        (t.share / name).write_bytes(kernel)


def cma(report, name):
    """KiB in use; the kernel does not count what a CPU's lists hold as free"""
    rows = dict(x.split(":") for x in
                report.text(f"{name}/meminfo").splitlines())
    total, free = (int(rows[x].split()[0]) for x in ("CmaTotal", "CmaFree"))
    print(f"{name}: CMA {total} KiB, free {free}")
    return total, free


def run(t):
    images(t)
    r = t.boot(SCRIPT, first=t.first("cma=64M"))
    r.need("before/pcrs", "after/who")
    total, free = cma(r, "begin")
    t.equal(total, 64 << 10, "CmaTotal")
    for name, (_, errno) in CALLS.items():
        t.equal(r.text(f"{name}/outcomes").splitlines(),
                [f"load {errno}"] * TIMES, f"{name}: outcomes")
        t.equal(cma(r, name)[1], free, f"{name}: CmaFree")
    t.equal(r.status("load"), 0, "kexec -s -l")
    t.true(cma(r, "load")[1] < free, "a load takes nothing from CMA")
    t.equal(r.status("unload"), 0, "kexec -s -u")
    t.equal(cma(r, "unload")[1], free, "CmaFree after the unload")
    t.equal(r.status("again"), 0, "kexec -s -l after the unload")
    t.equal(r.text("after/who"), "next", "who runs after")
