# SPDX-License-Identifier: GPL-2.0
"""Others of test_mutants, by a kernel with KASAN, UBSAN, kmemleak, lockdep.

E2E_MUTANTS=count=12000 has all of them, which takes three times as long.
"""

import os

import test_mutants
from harness import mutants, paths

NEEDS = (paths.variant("kasan"),)
SOME = os.environ.get("E2E_MUTANTS", "count=12000 from=2 step=3")
LEAST = 2000
LOCKED = "count=12000 from=2 step=27"


def run(t):
    r = test_mutants.run(t, linux=NEEDS[0], some=SOME, least=LEAST,
                         locked=LOCKED, memory=2048, limit=7200)
    for name in ("open", "locked"):
        mutants.unleaked(t, r, name)
    mutants.watched(t, r)
