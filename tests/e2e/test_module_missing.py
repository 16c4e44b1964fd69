# SPDX-License-Identifier: GPL-2.0
"""Without the module a UKI is refused by ENOPKG, other kernels load."""

import shutil

from harness import module, paths

NEEDS = module.NEEDS
SCRIPT = module.PREPARE + """
dump before
try uki kexec_load_file load /in/next.efi
try kexec kexec -s -l /in/next.efi
loaded uki
try junk kexec_load_file load /init
try plain kexec_load_file load /in/bzImage cmdline=quiet
pcrs end
"""


def run(t):
    t.next()
    shutil.copy(paths.BZIMAGE, t.share / "bzImage")
    r = t.boot(SCRIPT, first=module.first(t, with_module=False))
    r.need("before/pcrs", "end/pcrs")
    t.outcome(r, "uki", "ENOPKG")
    t.true(r.status("kexec") != 0, "kexec -s -l says that it went well")
    t.equal(r.text("uki/loaded"), "0", "kexec_loaded")
    t.outcome(r, "junk", "ENOEXEC")
    t.outcome(r, "plain", "ok")
    t.same_pcrs(r.pcrs("end"), r.pcrs("before"), "PCRs")
