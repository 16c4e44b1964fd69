# SPDX-License-Identifier: GPL-2.0
"""run.py for the tests of another directory."""

import os
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "out"


def run(name, long=()):
    """Those of name/; it has a place of its own, for run.py may run meanwhile"""
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    os.environ["E2E_SUITE"] = name
    os.environ.setdefault("E2E_WORK", str(OUT / f"e2e-{name}"))
    os.environ.setdefault("E2E_LOG", str(OUT / "log" / f"e2e-{name}"))
    import run as runner    # which reads these
    runner.LONG = long
    sys.exit(runner.main())
