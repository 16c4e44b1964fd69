# SPDX-License-Identifier: GPL-2.0
"""Every kind of signature under every kind of enforcement: all the loads.

And whatever IMA's policy says, it does not let in what it has not checked.
"""

from enforcement import guest, model

NEEDS = guest.NEEDS


def run(t):
    guest.run(t, 1, model.POLICIES)
