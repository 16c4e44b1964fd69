#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds tools/kexec-uki from out/linux with sanitizers, and again as it is
# installed, with gcc and with clang where that is there, and runs the cases on it.
# Needs no TPM, and no root where users may have namespaces.  Prints ok / not ok
# lines and ends with "N passed, N failed".
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
src=${KERNEL_TREE:-$top/out/linux}/tools/kexec-uki
work=$top/out/kexec-uki-test
log=$top/out/log/kexec-uki-test.log
flags='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'
export ASAN_OPTIONS=detect_stack_use_after_return=1

fail()
{
	tail -n 20 "$log"
	echo "not ok build: $*, see ${log#"$top"/}"
	echo "0 passed, 1 failed"
	exit 1
}

build()
{
	mkdir -p "$work/$1"
	make -C "$src" O="$work/$1" -j"$(nproc)" "${@:2}" >> "$log" 2>&1
}

rm -rf "$work"
mkdir -p "$work" "${log%/*}"
: > "$log"
build asan CFLAGS="$flags" LDFLAGS="$flags" || fail "with sanitizers"
objects=$(find "$work/asan" -name '*.o' ! -name main.o)
# shellcheck disable=SC2086	# a list of flags, and one of files
gcc $flags -Wall -Wextra -Werror -D_GNU_SOURCE -I"$src" -I"$src/include" \
	-I"$src/../include" -o "$work/torture" "$here/torture.c" $objects \
	-lcrypto >> "$log" 2>&1 || fail "torture.c"
for cc in gcc clang; do
	command -v $cc > /dev/null || continue
	build $cc CC=$cc || fail "with $cc"
done
build gcc install DESTDIR="$work/dest" || fail "install"
for file in sbin/kexec-uki{,-cryptenroll} share/man/man8/kexec-uki{,-cryptenroll}.8 \
	lib/systemd/system/kexec-uki-wipe.service; do
	[ -s "$work/dest/usr/$file" ] || fail "$file was not installed"
done
# Debian's, which has yaml
exec /usr/bin/python3 -B "$here/cases.py" "$work/asan/kexec-uki" "$work/torture"
