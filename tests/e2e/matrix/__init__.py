# SPDX-License-Identifier: GPL-2.0
"""UKIs, and what lies beside them, that have to mean the same to systemd-stub
and to us.

cells.py says which there are, make.py makes them, judge.py compares a cold boot
with a kexec.  None of them may know how the kernel works: what is expected comes
from the cold boot, and what may differ is said by the cell.
"""
