# SPDX-License-Identifier: GPL-2.0
"""PCRs 4, 9, 11, 12 as after a cold boot, in four banks, with tpm-tis."""

from harness import parity


def run(t):
    parity.check(t, "tpm-tis")
