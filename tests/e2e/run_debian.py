#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The end-to-end tests on a Debian with systemd: run.py's, of debian/."""

import suite

suite.run("debian", ("refused", "boot_loader", "chain"))
