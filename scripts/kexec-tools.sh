#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Builds the patched kexec-tools: fetch the upstream tarball that
# scripts/versions.lock names, apply tools/kexec-tools/*.patch, build, and
# leave out/kexec-tools/sbin/kexec, linked statically so that it runs in any
# guest.  Does nothing if the result is up to date.  It must never install
# anything on this machine, and never run the kexec that it builds.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/out/kexec-tools-build
dest=$top/out/kexec-tools
log=$top/out/log/kexec-tools.log
lock=$top/scripts/versions.lock
start=$(date +%s)

# The log is named by whoever fails, so that nobody has to look for it.
fail()
{
	echo "kexec-tools: $*" >&2
	exit 1
}

say()
{
	echo "kexec-tools: $*"
}

# One line of the lock file: name version sha256
read_lock()
{
	version=$(awk '$1 == "kexec-tools.tar" { print $2; exit }' "$lock")
	sha256=$(awk '$1 == "kexec-tools.tar" { print $3; exit }' "$lock")
	[ -n "$sha256" ] || fail "no kexec-tools.tar in scripts/versions.lock"
	tarball=$top/out/dl/kexec-tools_$version.orig.tar.xz
}

# Whatever the result depends on, the compiler aside.
fingerprint()
{
	{
		echo "$version $sha256"
		cat "$0" "$top"/tools/kexec-tools/*.patch
	} | sha256sum | cut -d ' ' -f 1
}

fetch()
{
	if [ ! -s "$tarball" ]; then
		say "fetching $version"
		[ -d "$top/out/apt/state/lists" ] ||
			"$top/scripts/archive.sh" update >> "$log" 2>&1 ||
			fail "no package lists, see $log"
		"$top/scripts/archive.sh" tarball kexec-tools \
			"${tarball##*/}" "${tarball%/*}" >> "$log" 2>&1 ||
			fail "cannot fetch ${tarball##*/}, see $log"
	fi
	echo "$sha256  $tarball" | sha256sum --check --quiet >> "$log" 2>&1 ||
		fail "$tarball is not what scripts/versions.lock names"
}

# The tarball carries the include/config.h of whoever made it, which would
# take the place of ours.  The ceiling makes git apply work below a repository.
unpack()
{
	rm -rf "$build"
	mkdir -p "$build/src" "$build/obj"
	tar -C "$build/src" --strip-components=1 --no-same-owner -xf "$tarball"
	rm -f "$build/src/include/config.h"
	for patch in "$top"/tools/kexec-tools/*.patch; do
		say "applying ${patch##*/}"
		GIT_CEILING_DIRECTORIES=$build git -C "$build/src" apply -p1 \
			"$patch" >> "$log" 2>&1 ||
			fail "${patch##*/} does not apply, see $log"
	done
}

# zlib for compressed kernels; lzma and zstd only serve arm64's zboot images,
# and Xen is not what we boot.
compile()
{
	say "building $version"
	cd "$build/obj"
	../src/configure LDFLAGS=-static --sbindir=/sbin --with-zlib \
		--without-lzma --without-zstd --without-xen >> "$log" 2>&1 ||
		fail "configure failed, see $log"
	grep -q '^#define HAVE_LIBZ 1' include/config.h ||
		fail "zlib1g-dev is missing"
	make -j"$(nproc)" >> "$log" 2>&1 || fail "make failed, see $log"
	rm -rf "$dest"
	mkdir -p "$dest/sbin"
	cp build/sbin/kexec "$dest/sbin/kexec"
}

mkdir -p "$top/out/log"
read_lock
key=$(fingerprint)
if [ -x "$dest/sbin/kexec" ] &&
   [ "$(cat "$dest/stamp" 2>/dev/null)" = "$key" ]; then
	say "$version is up to date"
	exit 0
fi
: > "$log"
fetch
unpack
compile
echo "$key" > "$dest/stamp"
say "out/kexec-tools/sbin/kexec, $(($(date +%s) - start)) s"
