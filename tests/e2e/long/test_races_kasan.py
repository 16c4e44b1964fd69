# SPDX-License-Identifier: GPL-2.0
"""Loads, unloads, executes, extends and reads at once, watched by KASAN and lockdep.

Nothing may leak, either: kmemleak looks at the end.
"""

import os

from harness import mutants, paths, races

KERNEL = paths.variant("kasan")
NEEDS = (KERNEL,)
SECONDS = int(os.environ.get("RACE_SECONDS", 60))


def run(t):
    r = races.boot(t, KERNEL, SECONDS)
    races.check_splats(t, r)
    mutants.unleaked(t, r, "raced")
    races.check(t, r)
