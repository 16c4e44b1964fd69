# SPDX-License-Identifier: GPL-2.0
"""The module stays while an image is loaded, and can go afterwards."""

from harness import module

NEEDS = module.NEEDS
SCRIPT = module.PREPARE + """
dump before
for n in 1 2; do
	try load$n kexec -s -l /in/next.efi
	try busy$n rmmod kexec_uki
	copy busy$n/modules /proc/modules
	try unload$n kexec -s -u
	try gone$n rmmod kexec_uki
	copy gone$n/modules /proc/modules
done
try load3 kexec -s -l /in/next.efi
try exec kexec -e
"""


def run(t):
    image = t.next()
    r = t.boot(SCRIPT, first=module.first(t)).need("before/pcrs", "after/pcrs")
    for n in (1, 2):
        t.equal(r.status(f"load{n}"), 0, "kexec -s -l")
        t.true(r.status(f"busy{n}") != 0, "rmmod while an image is loaded")
        t.inside("kexec_uki", r.text(f"busy{n}/modules"), "modules")
        t.equal(r.status(f"unload{n}"), 0, "kexec -u")
        t.equal(r.status(f"gone{n}"), 0, "rmmod after the unload")
        t.true("kexec_uki" not in r.text(f"gone{n}/modules"), "still there")
    t.hop(r, image)
