# SPDX-License-Identifier: GPL-2.0
"""Guests whose kernel has the UKI loader as a module."""

from . import paths

NEEDS = (paths.BZIMAGE_M, paths.MODULE)

# busybox has no depmod; kexec_uki depends on nothing else.
PREPARE = """
dir=/lib/modules/$(uname -r)
mkdir -p $dir
[ -e /kexec_uki.ko ] && mv /kexec_uki.ko $dir
echo kexec_uki.ko: > $dir/modules.dep
"""


def first(t, with_module=True):
    extra = {"kexec_uki.ko": paths.MODULE.read_bytes()} if with_module else {}
    return t.first(extra=extra, linux=paths.BZIMAGE_M)
