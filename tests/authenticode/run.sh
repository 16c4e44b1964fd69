#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The Authenticode digest of lib/pefile.c against those of sbsign, pesign and
# osslsigncode, on EFI programs of Debian and on UKIs of many shapes.  Builds the
# driver, fetches the programs, and leaves the rest to compare.py.  Ends with
# "N passed, N failed".  Nothing is installed, and of what is fetched only
# osslsigncode is run: that of Debian 12 does not print the digest of each file.
#
# KERNEL_TREE is the tree whose lib/pefile.c is judged; out/linux if it is not set.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
tree=${KERNEL_TREE:-$top/out/linux}
work=$top/out/authenticode
log=$top/out/log/authenticode.log

fail()
{
	tail -n 20 "$log"
	echo "not ok $*, see ${log#"$top"/}"
	echo "0 passed, 1 failed"
	exit 1
}

# deb PACKAGE VERSION SHA256: prints its path.  Of a version that is not the locked
# one only the archive's signature, which apt checks, is known.
deb()
{
	local found
	found=$(find "$work/debs" -name "$1_${2//:/%3a}_*.deb")
	[ -n "$found" ] ||
		found=$("$top/scripts/archive.sh" deb "$1" "$2" "$work/debs" 2>> "$log") ||
		found=
	if [ -n "$found" ]; then
		echo "$3  $found" | sha256sum --quiet -c - >&2 || return 1
	else
		set -- "$1" "$("$top/scripts/archive.sh" versions "$1" | head -n 1)"
		[ -n "$2" ] || return 1
		echo "  locked version of $1 is gone, taking $2" >&2
		found=$("$top/scripts/archive.sh" deb "$1" "$2" "$work/debs") || return 1
	fi
	echo "$found"
}

programs()
{
	local package version sum path
	[ -s "$top/out/apt/sources.list" ] || "$top/scripts/archive.sh" update >> "$log"
	while read -r package version sum; do
		path=$(deb "$package" "$version" "$sum") ||
			fail "$package cannot be fetched"
		[ -d "$work/debian/$package" ] ||
			dpkg-deb -x "$path" "$work/debian/$package" ||
			fail "$package cannot be unpacked"
	done < <(grep -v '^#' "$here/packages.lock")
}

mkdir -p "$work/debs" "$work/debian" "${log%/*}"
: > "$log"
for tool in sbsign pesign openssl; do
	command -v $tool > /dev/null || fail "$tool is not installed"
done
# What ASan cannot see in an optimized build it sees in this one.
gcc -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -std=gnu11 \
	-Wall -Wextra -Werror -D_GNU_SOURCE -I"$tree/tools/kexec-uki/include" \
	-I"$tree/tools/include" -o "$work/digest" "$here/digest.c" \
	"$tree/lib/pefile.c" -lcrypto >> "$log" 2>&1 || fail "digest.c does not build"
[ -x "$top/out/tools/ukify" ] || fail "no out/tools, see make tools"
programs
PATH=$work/debian/osslsigncode/usr/bin:$PATH
# compare.py knows what these versions do.
dpkg-query -W -f '  ${Package} ${Version}\n' sbsigntool pesign
osslsigncode --version >> "$log" || fail "osslsigncode does not run"
echo "  $(grep -m 1 '^osslsigncode ' "$log")"
# Debian's python3, which has ukify's modules
exec /usr/bin/python3 -B "$here/compare.py" "$work"
