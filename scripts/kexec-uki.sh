#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Builds tools/kexec-uki for the guests, from out/linux, the tree that it is made
# for: out/tools/bin/kexec-uki, linked statically so that it runs in any initrd.
# Does nothing if the result is up to date.  It must never install anything on
# this machine.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
src=${KERNEL_TREE:-$top/out/linux}/tools/kexec-uki
obj=$top/out/kexec-uki
log=$top/out/log/kexec-uki.log

mkdir -p "$obj" "$top/out/tools/bin" "$top/out/log"
# An object says nothing of where its source was.
if [ "$(cat "$obj/from" 2> /dev/null)" != "$src" ]; then
	rm -f "$obj"/*.o "$obj/kexec-uki"
	echo "$src" > "$obj/from"
fi
# ld warns of getaddrinfo() in a static OpenSSL; nothing here looks up a host.
make -C "$src" O="$obj" CFLAGS=-Os LDFLAGS='-static -s' \
	-j"$(nproc)" > "$log" 2>&1 || {
	tail -n 20 "$log" >&2
	echo "kexec-uki: FAILED, see ${log#"$top"/}" >&2
	exit 1
}
cmp -s "$obj/kexec-uki" "$top/out/tools/bin/kexec-uki" ||
	cp "$obj/kexec-uki" "$top/out/tools/bin/kexec-uki"
echo "  kexec-uki: out/tools/bin/kexec-uki"
