#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Installs the Debian packages of scripts/packages.txt that this machine lacks,
# with sudo where it is not run by root.  Does nothing where nothing is missing.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
log=$top/out/log/setup.log
export DEBIAN_FRONTEND=noninteractive

missing()
{
	sed -e 's/#.*//' "$top/scripts/packages.txt" | while read -r package; do
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
wanted=$(missing)
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
