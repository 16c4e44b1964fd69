# SPDX-License-Identifier: GPL-2.0
"""The files of test_sbat, each of them given to the real shim first."""

import test_sbat


def run(t):
    test_sbat.shim_boots(t, tuple(test_sbat.ALL))
