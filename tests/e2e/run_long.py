#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The end-to-end tests that take long: run.py's, of long/."""

import suite

suite.run("long")
