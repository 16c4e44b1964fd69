#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Installs the Debian packages of scripts/packages.txt that this machine lacks,
# with sudo where it is not run by root.  Does nothing where nothing is missing.
#
#   setup.sh [long]     those of scripts/packages-long.txt, too
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
log=$top/out/log/setup.log
export DEBIAN_FRONTEND=noninteractive

# missing FILE...
missing()
{
	sed -e 's/#.*//' "$@" | while read -r package; do
		[ -n "$package" ] || continue
		dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null |
			grep -qx installed || echo "$package"
	done
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo --preserve-env=DEBIAN_FRONTEND "$@"
	fi
}

install_packages()
{
	as_root apt-get -q update &&
		as_root apt-get -q -y --no-install-recommends install "$@"
}

mkdir -p "$top/out/log"
wanted=$(missing "$top/scripts/packages.txt" ${1:+"$top/scripts/packages-$1.txt"})
[ -n "$wanted" ] || exit 0
start=$(date +%s)
# The names are words of a list, one package each.
# shellcheck disable=SC2086
set -- $wanted
echo "  packages: installing $# of them: $*"
install_packages "$@" > "$log" 2>&1 || {
	echo "  packages: FAILED, see ${log#"$top"/}" >&2
	tail -n 5 "$log" >&2
	exit 1
}
echo "  packages: installed, $(($(date +%s) - start)) s"
