# SPDX-License-Identifier: GPL-2.0
"""Loads, unloads, executes, extends and reads at once, watched by KCSAN.

The loader is a module that comes and goes meanwhile.
"""

import os

from harness import paths, races

KERNEL = paths.variant("kcsan")
MODULE = KERNEL.parents[3] / "kernel/kexec_uki.ko"
NEEDS = (KERNEL, MODULE)
SECONDS = int(os.environ.get("RACE_SECONDS", 150))


def run(t):
    r = races.boot(t, KERNEL, SECONDS, module=MODULE)
    races.check_splats(t, r)
    races.check_kcsan(t)
    races.check(t, r, module=MODULE)
