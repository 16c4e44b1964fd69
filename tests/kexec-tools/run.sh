#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the patched kexec asks of the kernel, and what it does with each answer.
# strace answers every kexec system call in the kernel's place, so nothing is
# ever loaded and the running kernel needs no kexec at all.  Prints ok / not ok
# / skip lines and ends with "N passed, N failed".
#
#   run.sh [KEXEC]      default: out/kexec-tools/sbin/kexec
set -eu

here=$(cd "$(dirname "$0")" && pwd)
kexec=${1:-$here/../../out/kexec-tools/sbin/kexec}

skip()
{
	echo "skip all: $*"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

[ "$(id -u)" = 0 ] || skip "needs root"
[ "$(uname -m)" = x86_64 ] || skip "needs x86_64"
command -v strace > /dev/null || skip "needs strace"
strace -o /dev/null true 2> /dev/null || skip "strace may not trace here"
[ -x "$kexec" ] || {
	echo "not ok: no $kexec, run scripts/kexec-tools.sh first"
	echo "0 passed, 1 failed"
	exit 1
}
exec python3 -B "$here/calls.py" "$kexec"
