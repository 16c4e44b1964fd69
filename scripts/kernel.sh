#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel, from the archive to a bzImage.
#
#   kernel.sh fetch           the source, in git, tag "base"      -> out/linux
#   kernel.sh stitch          fetch, and the series on top of it
#   kernel.sh config [DIR]    the guest's configuration, checked  -> out/x86_64
#   kernel.sh build           fetch, stitch, configure, build     -> out/x86_64
#   kernel.sh build-module    the same with CONFIG_KEXEC_UKI=m    -> out/x86_64-m,
#                             and the TPM's driver as a module    -> out/late
#   kernel.sh variant NAME... the same with scripts/config/NAME.config on top:
#                             appraise, force, gcov, kasan or kcsan
#                                                             -> out/x86_64-NAME
#   kernel.sh copy DIR        the finished build once more, to compile variants in
#
# LINUX=/path/to/tree takes a source tree of one's own; it is copied, never
# changed.  Nothing here rewrites a file whose content stays the same, so that
# make builds only what an edit touches.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
linux=${KERNEL_TREE:-$top/out/linux}
scripts=$top/scripts
package='linux-source-7.2'
series=7.2

# What a person has configured for git must not change what comes out.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# Equal builds shall come out equal, whoever builds them and when.
export KBUILD_BUILD_TIMESTAMP=1970-01-01 KBUILD_BUILD_USER=kexec-uki
export KBUILD_BUILD_HOST=workbench

die()
{
	echo "kernel.sh: $*" >&2
	exit 1
}

kmake()
{
	make -C "$linux" O="$1" LOCALVERSION= CC="ccache gcc" -j"$(nproc)" "${@:2}"
}

# ---- fetch ----------------------------------------------------------------

# Sets version and sha256 from the lock file, or, when the archive has that
# version no more, the newest of the same series and no sum: apt checks it then.
choose_version()
{
	read -r version sha256 < <(awk -v p=$package '$1 == p { print $2, $3 }' \
		"$scripts/versions.lock")
	[ ! -f "$top/out/dl/${package}_${version}_all.deb" ] || return 0
	"$scripts/archive.sh" update > "$top/out/log/apt-lists.log" 2>&1 ||
		die "the package lists cannot be read, see out/log/apt-lists.log"
	local offered
	offered=$("$scripts/archive.sh" versions $package)
	if ! grep -qxF -- "$version" <<< "$offered"; then
		local newest
		newest=$(grep "^$series\." <<< "$offered" | head -n 1) ||
			die "the archive has no $series.y of $package"
		echo "  kernel source: $version has left the archive, taking $newest"
		version=$newest sha256=
	fi
}

fetch_deb()
{
	choose_version
	deb=$top/out/dl/${package}_${version}_all.deb
	if [ ! -f "$deb" ]; then
		echo "  kernel source: downloading $package $version (160 MB)"
		"$scripts/archive.sh" deb $package "$version" "$top/out/dl" > /dev/null
	fi
	[ -z "$sha256" ] || echo "$sha256  $deb" | sha256sum -c --quiet - ||
		die "$deb is not the file that scripts/versions.lock names; remove it"
}

unpack_deb()
{
	dpkg-deb --fsys-tarfile "$deb" |
		tar -xO "./usr/src/$package.tar.xz" |
		tar -xJ --strip-components=1 -C "$1"
}

unpack_own()
{
	if [ -e "$LINUX/.git" ]; then
		git -C "$LINUX" diff --quiet HEAD ||
			echo "  kernel source: edits in $LINUX that are not committed are left out"
		git -C "$LINUX" archive HEAD | tar -x -C "$1"
	else
		tar -C "$LINUX" --exclude=./.git -cf - . | tar -x -C "$1"
		[ ! -e "$1/.config" ] || make -s -C "$1" mrproper
	fi
}

own_stamp()
{
	[ -f "$LINUX/Kbuild" ] || die "$LINUX holds no kernel source"
	[ ! -e "$LINUX/.git" ] || git -C "$LINUX" rev-parse HEAD
	[ -e "$LINUX/.git" ] || (cd "$LINUX" && find . -type f -printf '%p %s %T@\n' | sort |
			sha256sum | cut -d ' ' -f 1)
}

# A tree of another source makes room, unless somebody has worked in it.
set_aside()
{
	[ -d "$linux" ] || return 0
	local here
	here=$(git -C "$linux" rev-parse HEAD)
	if ! git -C "$linux" diff --quiet HEAD ||
		[ -n "$(git -C "$linux" ls-files -o -x "*.pyc" | head -n 1)" ] ||
		! git -C "$linux" rev-parse base refs/stitched 2> /dev/null |
			grep -qx "$here"; then
		die "out/linux is of another source and holds work: move it away"
	fi
	rm -rf "$linux"
}

# One commit with a fixed author and date: the same source has the same hash.
import()
{
	git init -q "$1"
	git -C "$1" config core.compression 0
	git -C "$1" config gc.auto 0
	git -C "$1" add -A -f
	GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z \
		git -C "$1" -c user.name='kexec-uki developers' \
		-c user.email=kexec-uki@example.org \
		commit -q -m "Linux, as it comes: $2"
	git -C "$1" tag base
	echo "$2" > "$1/.git/source"
}

has_source()
{
	[ "$(cat "$linux/.git/source" 2> /dev/null)" = "$1" ] &&
		git -C "$linux" rev-parse -q --verify base > /dev/null
}

fetch()
{
	mkdir -p "$top/out/log" "$top/out/dl"
	local stamp start=$SECONDS
	if [ -n "${LINUX:-}" ]; then
		stamp="LINUX=$LINUX $(own_stamp)"
	else
		choose_version
		stamp="$package $version"
	fi
	! has_source "$stamp" || return 0
	[ -n "${LINUX:-}" ] || fetch_deb
	echo "  kernel source: $stamp, unpacking and importing into git"
	rm -rf "$linux.new"
	mkdir -p "$linux.new"
	if [ -n "${LINUX:-}" ]; then
		unpack_own "$linux.new"
	else
		unpack_deb "$linux.new"
	fi
	import "$linux.new" "$stamp"
	set_aside
	mv "$linux.new" "$linux"
	echo "  kernel source: $(make -s -C "$linux" kernelversion) in out/linux," \
		"$((SECONDS - start)) s"
}

# ---- configure ------------------------------------------------------------

knows_symbol()
{
	grep -rqE --include='Kconfig*' "^(menu)?config $1\$" "$linux"
}

# Prints the last word of the fragments on each symbol: "FRAGMENT LINE".
last_words()
{
	awk '/^(# )?CONFIG_/ {
		match($0, /CONFIG_[A-Za-z0-9_]+/)
		symbol = substr($0, RSTART, RLENGTH)
		word[symbol] = symbol " " FILENAME " " $0
	}
	END { for (symbol in word) print word[symbol] }' "$@" | sort
}

holds()
{
	case $2 in
	"#"*) ! grep -q "^$3=" "$1" ;;
	*) grep -qxF -- "$2" "$1" ;;
	esac
}

# A symbol of the series that this tree does not have yet is named, no more.
check_config()
{
	local fragment line symbol bad=0
	while read -r symbol fragment line; do
		if holds "$1/.config" "$line" "$symbol"; then
			continue
		elif [ "${fragment##*/}" != guest.config ] &&
			! knows_symbol "${symbol#CONFIG_}"; then
			echo "  config: the tree has no $symbol yet"
		else
			echo "  config: lost from ${fragment##*/}: $line" >&2
			bad=1
		fi
	done < <(last_words "${@:2}")
	[ $bad = 0 ] || die "the configuration in $1 is not what it should be"
}

# A suite that the guest's configuration forgets would never run on x86_64.
check_suites()
{
	local symbol
	while read -r symbol; do
		grep -qE "CONFIG_$symbol(=m| is not set)\$" \
			"$scripts/config/series.config" ||
			die "CONFIG_$symbol=m is missing in scripts/config/series.config"
	done < <(git -C "$linux" diff base HEAD -- '*Kconfig*' |
		sed -n 's/^+config \(.*KUNIT.*TEST\)$/\1/p')
}

# config DIR FRAGMENT...: what no fragment names is off, as in tinyconfig
config()
{
	local dir=$1 log=$top/out/log/config.log
	shift
	mkdir -p "$dir" "$top/out/log"
	[ ! -f "$dir/.config" ] || cp -p "$dir/.config" "$dir/.config.last"
	grep -hE '^(# )?CONFIG_' "$linux"/kernel/configs/tiny{-base,}.config \
		"$linux/arch/x86/configs/tiny.config" "$@" > "$dir/.config.all"
	kmake "$dir" -s KCONFIG_ALLCONFIG="$dir/.config.all" allnoconfig \
		> "$log" 2>&1 || die "configuring failed, see ${log#"$top"/}"
	check_config "$dir" "$@"
	check_suites
	# An unchanged configuration keeps its time stamp.
	! cmp -s "$dir/.config" "$dir/.config.last" ||
		mv "$dir/.config.last" "$dir/.config"
}

# ---- build ----------------------------------------------------------------

# compile NAME DIR: what make prints is counted; see step.py
compile()
{
	"$scripts/step.py" --count '^  (CC|AS|LD|AR|HOSTCC|HOSTLD|OBJCOPY)\b' \
		--total "$(cat "$scripts/config/objects")" \
		--total-file "$2/.objects" "kernel ${2##*/}" "$top/out/log/$1.log" \
		make -C "$linux" O="$2" LOCALVERSION= CC="ccache gcc" \
		-j"$(nproc)" bzImage modules
	sign_modules "$2"
}

# Under lockdown only modules that this build has signed can be loaded.  The
# signed ones lie apart, so that make does not build them again.
sign_modules()
{
	local module
	rm -rf "$1/signed"
	mkdir "$1/signed"
	while read -r module; do
		"$1/scripts/sign-file" sha256 "$1/certs/signing_key.pem" \
			"$1/certs/signing_key.x509" "$1/${module%.o}.ko" \
			"$1/signed/$(basename "${module%.o}").ko"
	done < "$1/modules.order"
}

stitched()
{
	fetch
	"$scripts/series.py" stitch
}

guest=("$scripts/config/guest.config" "$scripts/config/series.config")

build()
{
	stitched
	config "$top/out/x86_64" "${guest[@]}"
	compile kernel "$top/out/x86_64"
}

# A copy of the finished build, so that one of almost the same configuration has
# little to compile, and trusts the same module key.  objtool's build notes its
# own path: were that left, it would be new, and then everything else with it.
copy_build()
{
	[ ! -f "$1/vmlinux.o" ] || return 0
	rm -rf "$1"
	cp -a --reflink=auto "$top/out/x86_64" "$1"
	grep -rlF --include='*.cmd' --include='*.d' "$top/out/x86_64/" "$1/tools" |
		xargs -r sed -i "s,$top/out/x86_64/,$1/,g"
}

# The driver of the guest's TPM as a module for the guest's kernel, in which it is
# built in, as IMA wants it: with initcall_blacklist= this one, whose function has
# another name, takes its place late.
late_driver()
{
	local dir=$top/out/late log=$top/out/log/kernel-late.log
	mkdir -p "$dir"
	cmp -s "$linux/drivers/char/tpm/tpm_crb.c" "$dir/tpm_crb.c" ||
		cp "$linux/drivers/char/tpm/tpm_crb.c" "$dir"
	cat > "$dir/Kbuild" <<-END
		obj-m := tpm_crb_late.o
		tpm_crb_late-y := tpm_crb.o
		ccflags-y := -I\$(srctree)/drivers/char/tpm
		ccflags-y += -Dcrb_acpi_driver=crb_late_driver
	END
	kmake "$top/out/x86_64" M="$dir" modules > "$log" 2>&1 ||
		die "the late driver does not build, see ${log#"$top"/}"
}

# variant NAME DIR
variant()
{
	[ -f "$scripts/config/$1.config" ] || die "there is no scripts/config/$1.config"
	copy_build "$2"
	config "$2" "${guest[@]}" "$scripts/config/$1.config"
	compile "kernel-$1" "$2"
}

variants()
{
	local name
	for name; do
		variant "$name" "$top/out/x86_64-$name"
	done
}

build_module()
{
	variant module "$top/out/x86_64-m"
	late_driver
}

case ${1:-} in
fetch) fetch ;;
config) config "${2:-$top/out/x86_64}" "${guest[@]}" ;;
stitch) stitched ;;
build) build ;;
build-module) build_module ;;
variant) variants "${@:2}" ;;
copy) copy_build "$2" ;;
*) die "usage: kernel.sh fetch | stitch | config | build | build-module | variant | copy" ;;
esac
