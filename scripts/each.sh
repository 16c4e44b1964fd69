#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every patch of the series by itself: each commit, in its order, must build and
# link the guest kernel and its modules without a warning, and pass the KUnit suites
# that it has, on UML.  Not a part of "make test", for it links a kernel per patch.
#
#   each.sh [FIRST [LAST]]     begin at the FIRST-th patch, end after the LAST-th
#
# What is left out, because nothing of it can have changed: configuring, where the
# patch touches no Kconfig; the compressed image, where it touches nothing that only
# this holds; the suites, where UML's kernel came out the same; all of it, where it
# touches no file of the kernel.  A patch that fails does not stop the others.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
linux=$top/out/linux
tree=$top/out/each
x86=$top/out/each-x86_64
um=$top/out/each-um
log=$top/out/log
count='^  (CC|AS|LD|AR|HOSTCC|HOSTLD|OBJCOPY)\b'
passed=0 failed=0

export KBUILD_BUILD_TIMESTAMP=1970-01-01 KBUILD_BUILD_USER=kexec-uki
export KBUILD_BUILD_HOST=workbench

# build NAME DIR MAKE-ARGUMENTS...
build()
{
	"$top/scripts/step.py" --count "$count" --total-file "$2/.objects" \
		"$1" "$log/each-$1.log" make -C "$tree" O="$2" LOCALVERSION= \
		CC="ccache gcc" -j"$(nproc)" "${@:3}" || return
	! grep -E 'warning:|WARNING:' "$log/each-$1.log"
}

# Kernels of the whole series are built already: nearly all of their objects are
# the ones that the first patch has, too.  Paths are noted in Kbuild's files, and
# time stamps tell it what is new: the sources' are put back before the objects'.
seed()
{
	[ -f "$1/vmlinux.o" ] && [ ! -f "$2/vmlinux.o" ] || return 0
	[ -z "$(git -C "$linux" status --porcelain -uno)" ] || return 0
	[ "$(git -C "$linux" rev-parse HEAD)" = \
		"$(git -C "$linux" rev-parse refs/stitched)" ] || return 0
	rm -rf "$2"
	cp -a --reflink=auto "$1" "$2"
	find "$2" -type f \( -name '*.cmd' -o -name '*.d' \) -print0 |
		xargs -0 sed -i -e "s,$linux\\b,$tree,g" -e "s,$1\\b,$2,g"
}

new_tree()
{
	git -C "$linux" worktree prune
	[ ! -d "$tree" ] || return 0
	git -C "$linux" worktree add -q --detach "$tree" refs/stitched
	git -C "$tree" ls-files -z | (cd "$tree" &&
		xargs -0 touch -h -c -d 2000-01-01)
}

# touches COMMIT REGEX: does the patch change a file whose path matches?
touches()
{
	git -C "$linux" diff-tree -r --no-commit-id --no-renames --name-only "$1" |
		grep -qE "$2"
}

# The part of kexec_uki.config that the commit knows.
known_config()
{
	local line
	grep -rhoE --include='Kconfig*' '^(menu)?config [A-Z0-9_]+' "$tree" |
		awk '{ print "CONFIG_" $2 "=y" }' | sort -u > "$um/symbols"
	grep -E '^CONFIG_[A-Z0-9_]+=y' \
		"$top/tools/testing/kunit/configs/kexec_uki.config" |
		while read -r line; do
			! grep -qxF "$line" "$um/symbols" || echo "$line"
		done
}

kunit()
{
	PYTHONDONTWRITEBYTECODE=1 python3 "$tree/tools/testing/kunit/kunit.py" \
		"$1" --build_dir "$um" "${@:2}" < /dev/null > "$log/each-kunit.log" 2>&1
}

configure()
{
	KERNEL_TREE=$tree "$top/scripts/kernel.sh" config "$x86" > "$log/each-config.log" ||
		return
	mkdir -p "$um"
	known_config > "$um/known.new"
	cmp -s "$um/known.new" "$um/known.config" && [ -f "$um/.config" ] && return
	cp "$um/known.new" "$um/known.config"
	kunit config --kunitconfig "$um/known.config" --make_options CC="ccache gcc"
}

# The suites, unless the same kernel has passed them.
run_suites()
{
	local sum
	sum=$(objcopy -O binary "$um/linux" /dev/stdout | sha256sum) || return
	[ "$sum" != "$(cat "$um/passed" 2> /dev/null)" ] ||
		{ echo "  kunit: the same kernel as before"; return; }
	grep -q 'KUNIT_TEST=y' "$um/known.config" || return 0
	kunit exec || { grep -aE 'FAILED|Testing complete' "$log/each-kunit.log"; return 1; }
	echo "  kunit: $(grep -o 'Ran .*' "$log/each-kunit.log")"
	echo "$sum" > "$um/passed"
}

# check COMMIT
check()
{
	local image=vmlinux
	git -C "$tree" checkout -q --detach "$1" || return
	if touches "$1" '^tools/kexec-uki/'; then
		make -C "$tree/tools/kexec-uki" O="$top/out/each-tool" \
			> "$log/each-tool.log" 2>&1 || return
	fi
	touches "$1" '^(arch|block|crypto|drivers|fs|include|init|kernel|lib|mm|security)/' ||
		{ echo "  nothing of the kernel"; return 0; }
	if touches "$1" Kconfig || [ ! -f "$um/known.config" ]; then
		configure || return
	fi
	! touches "$1" '^arch/x86/boot/|/libstub/' || image=bzImage
	build x86_64 "$x86" "$image" modules || return
	build um "$um" ARCH=um all || return
	run_suites
}

new_tree
seed "$top/out/x86_64" "$x86"
seed "$top/out/kunit-um" "$um"
rm -f "$um/passed" "$um/known.config"
number=0
for commit in $(git -C "$linux" rev-list --reverse base..refs/stitched); do
	number=$((number + 1))
	if [ $number -lt "${1:-1}" ] || [ $number -gt "${2:-9999}" ]; then
		continue
	fi
	start=$SECONDS
	echo "[$number] $(git -C "$linux" log -1 --format=%s "$commit")"
	if check "$commit"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "  FAILED: $commit, see out/log/each-*.log"
		mkdir -p "$log/each-$number"
		cp "$log"/each-*.log "$log/each-$number/"
	fi
	echo "  $((SECONDS - start)) s"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
