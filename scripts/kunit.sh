#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suites of the series.
#
#   kunit.sh um         what is pure, in user-mode Linux
#   kunit.sh um-kasan   the same under KASAN and UBSAN
#   kunit.sh x86_64     all suites, as modules of the guest kernel under QEMU
#
# Without a name: all three.  The last line counts the tests.  A run in which no
# test ran is a failure: that is how a broken set-up looks.
set -uo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
linux=$top/out/linux
log=$top/out/log
step=$top/scripts/step.py
kunit_py=$linux/tools/testing/kunit/kunit.py
passed=0 failed=0 skipped=0

# number RESULT-LINE WORD: the count behind "WORD: "
number()
{
	sed -n "s/.*$2: \([0-9]*\).*/\1/p" <<< "$1" | grep . || echo 0
}

# Adds up kunit.py's last line.
count()
{
	local line bad=0 word
	line=$(grep 'Testing complete\. Ran' "$2" | tail -n 1)
	for word in failed crashed errors; do
		bad=$((bad + $(number "$line" $word)))
	done
	if [ "$(number "$line" passed)" = 0 ] && [ $bad = 0 ]; then
		echo "  kunit $1: no test ran, see ${2#"$top"/}"
		bad=1
	fi
	passed=$((passed + $(number "$line" passed)))
	skipped=$((skipped + $(number "$line" skipped)))
	failed=$((failed + bad))
	[ $bad = 0 ] || grep -aE '\[(FAILED|ERROR|CRASHED)\]|EXPECTATION|ASSERTION' \
		"$2" | head -n 20
	echo "  kunit $1: ${line#*complete. }"
}

broken()
{
	failed=$((failed + 1))
	echo "  kunit $1: FAILED"
}

# A sanitizer's report must fail the run, whether or not it failed a test.
no_reports()
{
	! grep -aE 'BUG: KASAN|UBSAN:|WARNING:|Kernel panic' "$2" || broken "$1"
}

um()
{
	local name=$1 dir=$top/out/kunit-$1 option add=()
	shift
	for option in "$@"; do
		add+=(--kconfig_add "$option")
	done
	"$step" "kunit $name: configuring" "$log/kunit-$name-config.log" \
		python3 "$kunit_py" config --build_dir "$dir" \
		--make_options CC="ccache gcc" --make_options LOCALVERSION= \
		--kunitconfig "$linux/tools/testing/kunit/configs/kexec_uki.config" \
		"${add[@]}" || { broken "$name"; return; }
	"$step" --count '^  (CC|AS|LD|AR|HOSTCC|HOSTLD|OBJCOPY)\b' \
		--total 1180 --total-file "$dir/.objects" \
		"kunit $name" "$log/kunit-$name-build.log" \
		make -C "$linux" O="$dir" ARCH=um LOCALVERSION= CC="ccache gcc" \
		-j"$(nproc)" all || { broken "$name"; return; }
	python3 "$kunit_py" exec --build_dir "$dir" --timeout 600 \
		< /dev/null > "$log/kunit-$name.log" 2>&1
	count "$name" "$log/kunit-$name.log"
	no_reports "$name" "$dir/test.log"
}

# Prints the signed modules of the guest that hold KUnit suites.
suites()
{
	local module
	for module in "$top"/out/x86_64/signed/*.ko; do
		readelf -SW "$module" | grep -q '\.kunit_test_suites' && echo "$module"
	done
}

# The number of suites in all modules: one pointer each.
count_suites()
{
	local size sum=0
	while read -r size; do
		sum=$((sum + 16#$size / 8))
	done < <(readelf -SW "$@" | sed -n \
		's/.* \.kunit_test_suites *PROGBITS *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\) .*/\1/p')
	echo $sum
}

# An initrd whose init loads kunit and then every suite.  What is printed first is
# the header of one report on all of them; see one_report().
make_initrd()
{
	local dir=$top/out/kunit-x86_64/root
	rm -rf "$dir"
	mkdir -p "$dir/bin" "$dir/dev" "$dir/proc" "$dir/lib"
	cp /bin/busybox "$dir/bin/"
	cp "$top/out/x86_64/signed/kunit.ko" "$@" "$dir/lib/"
	cat > "$dir/init" <<-END
		#!/bin/busybox sh
		/bin/busybox mount -t devtmpfs dev /dev
		/bin/busybox insmod /lib/kunit.ko
		echo "KTAP version 1" > /dev/kmsg
		echo "1..$(count_suites "$@")" > /dev/kmsg
		for module in $(printf '/lib/%s ' "${@##*/}"); do
			/bin/busybox insmod \$module ||
				echo "# cannot load \$module" > /dev/kmsg
		done
		/bin/busybox poweroff -f
	END
	chmod +x "$dir/init"
	(cd "$dir" && find . | cpio -o -H newc --quiet | gzip -1) \
		> "$top/out/kunit-x86_64/initrd"
}

# Each module reports for itself.  kunit.py reads one report: so only the first
# header stays, and the suites are numbered through.
one_report()
{
	tr -d '\r' < "$1" | awk '
		/^KTAP version/ && header++ { next }
		/^1\.\.[0-9]+$/ && plan++ { next }
		/^(not )?ok [0-9]+ / { sub(/ok [0-9]+/, "ok " ++suite) }
		{ print }'
}

x86_64()
{
	local modules serial=$log/kunit-x86_64-serial.log
	mapfile -t modules < <(suites)
	[ ${#modules[@]} != 0 ] || { echo "  kunit x86_64: no suites are built";
		broken x86_64; return; }
	make_initrd "${modules[@]}"
	"$step" "kunit x86_64: ${#modules[@]} modules" "$log/kunit-x86_64-qemu.log" \
		timeout 600 qemu-system-x86_64 -machine q35 -accel tcg -cpu max -m 1024 \
		-nodefaults -display none -no-reboot -serial "file:$serial" \
		-kernel "$top/out/x86_64/arch/x86/boot/bzImage" \
		-initrd "$top/out/kunit-x86_64/initrd" \
		-append "console=ttyS0 ignore_loglevel printk.time=0 panic=-1" ||
		{ broken x86_64; return; }
	one_report "$serial" |
		python3 "$kunit_py" parse > "$log/kunit-x86_64.log" 2>&1
	count x86_64 "$log/kunit-x86_64.log"
	! grep -a 'cannot load' "$serial" || broken x86_64
	no_reports x86_64 "$serial"
}

run()
{
	case $1 in
	um) um um ;;
	um-kasan) um um-kasan CONFIG_KASAN=y CONFIG_KASAN_VMALLOC=y CONFIG_UBSAN=y \
		CONFIG_UBSAN_BOUNDS=y CONFIG_UBSAN_SHIFT=y ;;
	x86_64) x86_64 ;;
	*) echo "usage: kunit.sh [um | um-kasan | x86_64]..." >&2; exit 2 ;;
	esac
}

mkdir -p "$log"
[ $# != 0 ] || set -- um um-kasan x86_64
for name in "$@"; do
	run "$name"
done
echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
[ $failed = 0 ]
