# SPDX-License-Identifier: GPL-2.0
"""End-to-end bench: real firmware, real systemd-stub, a TPM, our kernel.

Nothing in here may know how the kernel calculates what it measures: the
expected values come from cold boots and from systemd-measure.
"""
