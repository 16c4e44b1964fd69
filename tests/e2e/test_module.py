# SPDX-License-Identifier: GPL-2.0
"""The loader as a module comes by itself when a UKI is loaded."""

from harness import module

NEEDS = module.NEEDS
SCRIPT = module.PREPARE + """
dump before
copy before/modules /proc/modules
try junk kexec_load_file load /init
copy junk/modules /proc/modules
try load kexec -s -l /in/next.efi
copy load/modules /proc/modules
try exec kexec -e
"""


def run(t):
    image = t.next()
    r = t.boot(SCRIPT, first=module.first(t)).need("before/pcrs", "after/pcrs")
    t.outcome(r, "junk", "ENOEXEC")
    for when in ("before", "junk"):
        t.true("kexec_uki" not in r.text(f"{when}/modules"),
               f"{when}: the module is there already")
    t.inside("kexec_uki", r.text("load/modules"), "modules after the load")
    t.equal(r.text("after/who"), "next", "who runs after")
    t.hop(r, image)
