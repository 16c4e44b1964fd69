#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every patch of the series by itself: each commit, in its order, must build the
# guest kernel without a warning and pass the KUnit suites that it has, on UML.
# Not a part of "make test", for it builds two kernels more.
#
#   each.sh [FIRST]     begin at the FIRST-th patch
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
linux=$top/out/linux
tree=$top/out/each
x86=$top/out/each-x86_64
um=$top/out/each-um
log=$top/out/log
count='^  (CC|AS|LD|AR|HOSTCC|HOSTLD|OBJCOPY)\b'

build()
{
	"$top/scripts/step.py" --count "$count" --total-file "$1/.objects" \
		"$2" "$log/each-$2.log" make -C "$tree" O="$1" LOCALVERSION= \
		CC="ccache gcc" -j"$(nproc)" "${@:3}"
	! grep -E 'warning:' "$log/each-$2.log"
}

# The part of kexec_uki.config that the commit knows.
known_config()
{
	local line
	while read -r line; do
		if grep -rqE --include='Kconfig*' \
			"^(menu)?config ${line:7:$((${#line} - 9))}\$" "$tree"; then
			echo "$line"
		fi
	done < <(grep -E '^CONFIG_[A-Z0-9_]+=y' \
		"$top/tools/testing/kunit/configs/kexec_uki.config")
}

kunit()
{
	mkdir -p "$um"
	known_config > "$um/known.config"
	PYTHONDONTWRITEBYTECODE=1 python3 "$tree/tools/testing/kunit/kunit.py" \
		"$1" --build_dir "$um" "${@:2}" < /dev/null > "$log/each-kunit.log" 2>&1
}

check()
{
	git -C "$tree" checkout -q --detach "$1"
	KERNEL_TREE=$tree "$top/scripts/kernel.sh" config "$x86" > /dev/null
	build "$x86" x86_64 bzImage modules
	kunit config --kunitconfig "$um/known.config" --make_options CC="ccache gcc"
	build "$um" um ARCH=um all
	if grep -q 'KUNIT_TEST=y' "$um/known.config"; then
		kunit exec
		grep 'Testing complete' "$log/each-kunit.log"
	fi
}

git -C "$linux" worktree prune
[ -d "$tree" ] || git -C "$linux" worktree add -q --detach "$tree" base
number=0 done=0
for commit in $(git -C "$linux" rev-list --reverse base..refs/stitched); do
	number=$((number + 1))
	[ $number -ge "${1:-1}" ] || continue
	echo "[$number] $(git -C "$linux" log -1 --format=%s "$commit")"
	check "$commit"
	done=$((done + 1))
done
echo "$done passed, 0 failed"
[ $done != 0 ]
