#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Debian's archive, beyond the suite that this machine runs.
#
#   archive.sh update                     refresh the private package lists
#   archive.sh versions PACKAGE           every version on offer, newest first
#   archive.sh names REGEX                packages on offer, oldest version first
#   archive.sh deb PACKAGE VERSION DIR    download one .deb, print its path
#   archive.sh tarball SOURCE NAME DIR    download one file of a source package
#
# The lists live in out/apt, apart from the machine's own, and are checked with
# the archive's keys by apt itself.  The archive's address comes from the
# machine's apt configuration.  This script must never touch the system's apt
# state and must never name a host.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
apt_dir=$top/out/apt
suites="bookworm trixie trixie-updates trixie-backports forky sid"

repo_uri()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
		grep -v security | head -n 1
}

private_apt()
{
	cmd=$1
	shift
	"$cmd" -o "Dir::State=$apt_dir/state" -o "Dir::Cache=$apt_dir/cache" \
		-o "Dir::Etc::SourceList=$apt_dir/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null \
		-o Dir::Etc::PreferencesParts=/dev/null \
		-o Acquire::Check-Valid-Until=false \
		-o Acquire::Languages=none \
		-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
		-o APT::Sandbox::User=root -o APT::Architecture=amd64 \
		-o APT::Architectures=amd64 "$@"
}

# One suite that has gone missing must not take the others with it.
update()
{
	uri=$(repo_uri)
	[ -n "$uri" ] || { echo "no package archive is configured" >&2; exit 1; }
	mkdir -p "$apt_dir/state/lists/partial" "$apt_dir/cache/archives/partial"
	: > "$apt_dir/state/status"
	for suite in $suites; do
		echo "deb $uri $suite main"
		echo "deb-src $uri $suite main"
	done > "$apt_dir/sources.list"
	private_apt apt-get update || echo "some suites were not reached" >&2
	# The list of sources tells other scripts that there are lists.
	ls "$apt_dir"/state/lists/*_Packages* > /dev/null 2>&1 || {
		rm -f "$apt_dir/sources.list"
		echo "no suite was reached" >&2
		exit 1
	}
}

versions()
{
	private_apt apt-cache madison "$1" | awk '$NF == "Packages" { print $3 }' |
		sort -u | sort -rV
}

names()
{
	private_apt apt-cache pkgnames | grep -xE "$1" | sort -V
}

deb()
{
	mkdir -p "$3"
	(cd "$3" && private_apt apt-get -qq download "$1=$2" >&2) || {
		# The lists may be older than what the archive has today.
		update >&2
		(cd "$3" && private_apt apt-get -qq download "$1=$2" >&2)
	}
	ls "$3/$1"_*"$(echo "$2" | sed 's/:/%3a/')"_*.deb
}

# Prints the archive's own SHA256 of the file; apt-helper insists on it.
tarball()
{
	mkdir -p "$3"
	set -- "$1" "$2" "$3" "$(private_apt apt-cache showsrc "$1" |
		awk -v f="$2" '$3 == f && length($1) == 64 { print $1; exit }')"
	dir=$(private_apt apt-cache showsrc "$1" |
		awk '/^Directory:/ { print $2; exit }')
	[ -n "$4" ] || { echo "$2: not in the archive's index" >&2; exit 1; }
	private_apt /usr/lib/apt/apt-helper download-file \
		"$(repo_uri)$dir/$2" "$3/$2" "SHA256:$4" >&2
	echo "$3/$2"
}

"$@"
