#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Leaves in out/tools what the end-to-end tests take from newer Debian suites:
#
#   linuxx64.efi.stub   systemd-stub, the boot side that a kexec is held against
#   stub-257, stub-252  older ones, of the UKIs that people still have
#   ukify               makes UKIs
#   systemd-measure     predicts PCR 11; runs on its own libc
#   systemd-pcrlock     reads logs and components; the same, with this machine's
#                       TPM libraries, as tpm2-tools has them
#   busybox             the guests' user space
#   kexec_load_file     our helper for raw system calls, built here
#   tpm_user            our helper that extends PCRs, built here
#   race                our helper that does many things at once, built here
#   cells               our helper for many loads in a row, built here
#   stock-vmlinuz       a kernel of Debian, which knows nothing of ours
#
# Versions and sums are in versions.lock.  What is there already is kept.
# This script must never install anything on the machine.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
tools=$top/out/tools
lock=$top/scripts/versions.lock
packages="systemd-boot-efi systemd-ukify systemd-tpm libsystemd-shared
libc6 libssl3t64 zlib1g libzstd1 busybox-static shim-unsigned"
# major versions of systemd
stubs="257 252"

archive()
{
	"$top/scripts/archive.sh" "$@"
}

locked()
{
	awk -v p="$1" '$1 == p { print $2, $3; found = 1 } END { exit !found }' \
		"$lock"
}

# fetch PACKAGE or fetch PACKAGE@MAJOR
#
# A sum is only known for the locked version; of any other one the archive's
# signature, which apt checks, has to do.
fetch()
{
	major=${1#"${1%@*}"}
	major=${major#@}
	# shellcheck disable=SC2046	# a version and a sum, two words
	set -- "${1%@*}" $(locked "$1")
	if [ -n "${2:-}" ] &&
		deb=$(archive deb "$1" "$2" "$tools/debs" 2> /dev/null); then
		echo "$3  $deb" | sha256sum --quiet -c - >&2
	else
		version=$(archive versions "$1" | grep "^$major" | head -n 1)
		[ -n "$version" ] || { echo "$1: not in the archive" >&2; exit 1; }
		[ -z "${2:-}" ] ||
			echo "$1: locked version $2 is gone, taking $version" >&2
		deb=$(archive deb "$1" "$version" "$tools/debs")
	fi
	echo "$deb"
}

# Only the stub of these packages, beside the others
old_stubs()
{
	for major in $stubs; do
		printf '  TOOL    systemd-boot-efi %s\n' "$major"
		deb=$(fetch "systemd-boot-efi@$major")
		dpkg-deb --fsys-tarfile "$deb" | tar -xO \
			./usr/lib/systemd/boot/efi/linuxx64.efi.stub \
			> "$tools/stub-$major"
	done
}

# The name of the kernel's package has its version in it.
stock()
{
	stock=$(awk '/^linux-binary-/ { print $1 }' "$lock")
	if [ -z "$(archive versions "$stock")" ]; then
		new=$(archive names 'linux-binary-7\.2\.[0-9]+\+deb[0-9]+-amd64' |
			tail -n 1)
		[ -n "$new" ] || { echo "no stock kernel 7.2" >&2; return; }
		echo "$stock is gone, taking $new" >&2
		stock=$new
	fi
	printf '  TOOL    %s\n' "$stock"
	deb=$(fetch "$stock")
	dpkg-deb -x "$deb" "$tools/debian"
	ln -sf "debian/usr/lib/modules/${stock#linux-binary-}/vmlinuz" \
		"$tools/stock-vmlinuz"
}

unpack()
{
	[ -s "$top/out/apt/sources.list" ] || archive update > /dev/null
	rm -rf "$tools/debian" && mkdir -p "$tools/debian"
	for p in $packages; do
		printf '  TOOL    %s\n' "$p"
		deb=$(fetch "$p")
		dpkg-deb -x "$deb" "$tools/debian"
	done
	stock
}

# A tool of systemd that runs on the libc that it is made for
own_libc()
{
	cat > "$tools/$1" <<-END
		#!/bin/sh
		exec $lib/ld-linux-x86-64.so.2 --library-path $lib:$lib/systemd \\
			$tools/debian/usr/lib/systemd/$1 "\$@"
	END
	chmod +x "$tools/$1"
}

# ukify runs on Debian's python3, which has pefile, whatever python3 comes
# first in the PATH.
wrap()
{
	lib=$tools/debian/usr/lib/x86_64-linux-gnu
	ln -sf debian/usr/lib/systemd/boot/efi/linuxx64.efi.stub "$tools/"
	ln -sf debian/usr/bin/busybox "$tools/busybox"
	own_libc systemd-measure
	own_libc systemd-pcrlock
	cat > "$tools/ukify" <<-END
		#!/bin/sh
		exec /usr/bin/python3 $tools/debian/usr/bin/ukify "\$@"
	END
	chmod +x "$tools/ukify"
}

# helper NAME, of our own sources
helper()
{
	src=$top/tests/e2e/guest/$1.c
	[ -z "$(find "$src" "${src%/*}"/*.h -newer "$tools/$1" 2>&1)" ] && return
	gcc -static -Os -Wall -Wextra -o "$tools/$1" "$src"
}

# systemd's own expectation (TEST-70), so that a broken unpacking is seen here
# and not as a mismatch in some test.
selftest()
{
	want=37b48bd0b222394dbe3cceff2fca4660c4b0a90ae9369ec90b42f14489989c13
	printf 'HALLO\n' > "$tools/l"
	printf 'foobar\n' > "$tools/i"
	"$tools/systemd-measure" calculate --linux="$tools/l" \
		--initrd="$tools/i" --bank=sha256 --phase=: 2> /dev/null |
		grep -q "$want" ||
		{ echo "systemd-measure does not work here" >&2; exit 1; }
	rm -f "$tools/l" "$tools/i"
	"$tools/ukify" --version > /dev/null
	"$tools/systemd-pcrlock" --version > /dev/null
}

mkdir -p "$tools"
stamp=$(sha256sum "$lock" "$0" | sha256sum | cut -d ' ' -f 1)
if [ "$(cat "$tools/stamp" 2> /dev/null)" != "$stamp" ]; then
	unpack
	old_stubs
	wrap
	selftest
	echo "$stamp" > "$tools/stamp"
fi
helper kexec_load_file
helper tpm_user
helper race
helper mutate
helper failnth
helper cells
