# SPDX-License-Identifier: GPL-2.0
"""Every kind of signature under every kind of enforcement, loaded in guests.

What must come of each load says enforcement/model.py.  The page of the
documentation must be what enforcement/page.py makes of the same model.  A
third of the loads is tried here, all of them in long/.
"""

from enforcement import guest, page

NEEDS = guest.NEEDS
PARTS = 3


def run(t):
    t.equal(page.PATH.read_text(), page.text(),
            f"{page.PATH.name} (enforcement/page.py writes it anew)")
    guest.run(t, PARTS, ["log", "directio", "modsig"])
