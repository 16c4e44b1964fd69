#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The end-to-end tests that take long: run.py's, of long/."""

import os
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "out"
os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
os.environ["E2E_SUITE"] = "long"
# Not those of run.py, which may run at the same time
os.environ.setdefault("E2E_WORK", str(OUT / "e2e-long"))
os.environ.setdefault("E2E_LOG", str(OUT / "log" / "e2e-long"))

import run  # noqa: E402

sys.exit(run.main())
