# SPDX-License-Identifier: GPL-2.0
"""What is loaded under which enforcement: model, files, and the page of it."""
