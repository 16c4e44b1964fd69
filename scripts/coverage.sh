#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Which lines of the kernel files that the series adds are run by its KUnit suites.
#
#   coverage.sh             build and run on UML and in an x86_64 guest, then report
#   coverage.sh um          the run on UML alone, no report
#   coverage.sh x86_64      the run in the guest alone, no report
#   coverage.sh report      the report on what the last runs have left
#
# The report names every line that no suite runs, and fails below 95 % in total.
# Only our files are instrumented.  On x86_64 the counters are set to zero before
# the first suite is loaded; UML's have those of its boot in them, too.  A kernel
# that is built here is good for nothing else.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
linux=$top/out/linux
log=$top/out/log
step=$top/scripts/step.py
um=$top/out/kunit-cov
guest=$top/out/x86_64-gcov
kunit_py=$linux/tools/testing/kunit/kunit.py
fragments=("$top/scripts/config/gcov.config" "$top/scripts/config/series.config")
count='^  (CC|AS|LD|AR|HOSTCC|HOSTLD|OBJCOPY)\b'

# Our files: what lies here at its place in the kernel, less the suites.
sources()
{
	(cd "$top" && find lib kernel drivers -name '*.c' ! -path '*/tests/*' | sort)
}

# The name that Kbuild knows an object by: as from the directory of its Makefile.
objects()
{
	local file dir
	while read -r file; do
		dir=$(dirname "$file")
		while [ ! -f "$linux/$dir/Makefile" ]; do
			dir=$(dirname "$dir")
		done
		file=${file#"$dir"/}
		echo "${file%.c}.o"
	done < <(sources)
}

# ---- UML --------------------------------------------------------------------

# UML's documented way, CONFIG_GCOV, does not work with gcc 12 and v7.2:
# - libgcov and fs/seq_file.c both have a mangle_path(), so the one of libgcov,
#   which nothing else calls, is made local in a copy of it;
# - gcc's functions that write the counters at exit are in .fini_array.00100, which
#   dyn.lds.S does not collect, so they are never called: one that is in .fini_array
#   calls what they would.
# And it instruments the whole kernel.
um_library()
{
	mkdir -p "$um/gcov"
	objcopy --localize-symbol=mangle_path \
		"$(gcc -print-file-name=libgcov.a)" "$um/gcov/libgcov.a"
	cat > "$um/gcov/dump.h.new" <<-END
		void __gcov_dump(void);
		static __attribute__((destructor)) void gcov_dump_at_exit(void)
		{
			__gcov_dump();
		}
	END
	cmp -s "$um/gcov/dump.h.new" "$um/gcov/dump.h" ||
		mv "$um/gcov/dump.h.new" "$um/gcov/dump.h"
}

# UML links with CC_FLAGS_LTO and sets it only with LTO, which is off.
um_variables()
{
	local object flags
	echo "CC_FLAGS_LTO=--coverage -L$um/gcov"
	while read -r object; do
		flags=--coverage
		[ "$object" != pefile.o ] ||
			flags+=" -Wno-missing-prototypes -include $um/gcov/dump.h"
		echo "CFLAGS_$object=$flags"
	done < <(objects)
}

run_um()
{
	local variables
	[ -d "$um" ] || [ ! -d "$top/out/kunit-um" ] ||
		cp -a --reflink=auto "$top/out/kunit-um" "$um"
	um_library
	mapfile -t variables < <(um_variables)
	"$step" "coverage um: configuring" "$log/coverage-um-config.log" \
		python3 "$kunit_py" config --build_dir "$um" \
		--make_options CC="ccache gcc" --make_options LOCALVERSION= \
		--kunitconfig "$linux/tools/testing/kunit/configs/kexec_uki.config"
	"$step" --count "$count" --total 1180 --total-file "$um/.objects" \
		"coverage um" "$log/coverage-um-build.log" make -C "$linux" O="$um" \
		ARCH=um LOCALVERSION= CC="ccache gcc" -j"$(nproc)" \
		"${variables[@]}" all
	find "$um" -name '*.gcda' -delete
	python3 "$kunit_py" exec --build_dir "$um" --timeout 600 \
		< /dev/null > "$log/coverage-um.log" 2>&1 || true
	ended "$log/coverage-um.log"
}

# A suite that fails stops early: what it would have run is not known.
ended()
{
	grep 'Testing complete\.' "$1" | sed 's/^.*complete\. /  /' | tail -n 1
	grep -q 'Testing complete\. Ran .* passed: [0-9]*$' "$1" ||
		{ echo "  a test failed, see ${1#"$top"/}"; exit 1; }
}

# ---- x86_64 -----------------------------------------------------------------

# A configuration of its own, see gcov.config.
guest_config()
{
	local lost
	mkdir -p "$guest"
	[ ! -f "$guest/.config" ] || cp -p "$guest/.config" "$guest/.config.last"
	grep -hE '^(# )?CONFIG_' "$linux"/kernel/configs/tiny{-base,}.config \
		"$linux/arch/x86/configs/tiny.config" "${fragments[@]}" \
		> "$guest/.config.all"
	make -C "$linux" O="$guest" LOCALVERSION= CC="ccache gcc" -s \
		KCONFIG_ALLCONFIG="$guest/.config.all" allnoconfig \
		> "$log/coverage-x86_64-config.log" 2>&1
	lost=$(grep -hE '^CONFIG_' "${fragments[@]}" | grep -vxFf "$guest/.config") ||
		lost=
	[ -z "$lost" ] || { echo "  config: lost: $lost" >&2; exit 1; }
	# An unchanged configuration keeps its time stamp.
	! cmp -s "$guest/.config" "$guest/.config.last" ||
		mv "$guest/.config.last" "$guest/.config"
}

# Prints the modules that hold suites.
suites()
{
	local module
	while read -r module; do
		module=$guest/${module%.o}.ko
		! readelf -SW "$module" | grep -q '\.kunit_test_suites' || echo "$module"
	done < "$guest/modules.order"
}

run_guest()
{
	local variables=() object modules
	while read -r object; do
		variables+=("GCOV_PROFILE_$object=y")
	done < <(objects)
	guest_config
	"$step" --count "$count" --total 900 --total-file "$guest/.objects" \
		"coverage x86_64" "$log/coverage-x86_64-build.log" \
		make -C "$linux" O="$guest" LOCALVERSION= CC="ccache gcc" \
		-j"$(nproc)" "${variables[@]}" bzImage modules
	mapfile -t modules < <(suites)
	[ ${#modules[@]} != 0 ] || { echo "  no suites were built"; exit 1; }
	guest_initrd "${modules[@]}"
	rm -rf "$guest/data" "$guest/data.b64"
	mkdir -p "$guest/data"
	"$step" "coverage x86_64: ${#modules[@]} modules" \
		"$log/coverage-x86_64-qemu.log" \
		timeout 900 qemu-system-x86_64 -machine q35 -accel tcg -cpu max -m 1024 \
		-nodefaults -display none -no-reboot \
		-serial "file:$log/coverage-x86_64-serial.log" \
		-serial "file:$guest/data.b64" \
		-kernel "$guest/arch/x86/boot/bzImage" -initrd "$guest/root.cpio.gz" \
		-append "console=ttyS0 ignore_loglevel printk.time=0 panic=-1"
	tr -d '\r' < "$guest/data.b64" | base64 -d | tar -xz -C "$guest/data"
	guest_ended "$log/coverage-x86_64-serial.log"
}

guest_ended()
{
	local bad
	! grep -a 'cannot load' "$1" || exit 1
	bad=$(grep -acE '^ *not ok ' "$1" || true)
	echo "  $(grep -acE '^ +ok ' "$1") results of x86_64, $bad bad"
	[ "$bad" = 0 ]
}

# Counters to zero, all suites, and the counters out by the second serial port.
guest_initrd()
{
	local root=$guest/root
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,proc,sys,lib}
	cp /bin/busybox "$root/bin/"
	cp "$guest/lib/kunit/kunit.ko" "$@" "$root/lib/"
	cat > "$root/init" <<-END
		#!/bin/busybox sh
		export PATH=/bin
		/bin/busybox mount -t proc proc /proc
		/bin/busybox --install -s /bin
		mount -t devtmpfs dev /dev
		mount -t sysfs sys /sys
		mount -t debugfs debug /sys/kernel/debug
		insmod /lib/kunit.ko
		echo 0 > /sys/kernel/debug/gcov/reset
		for module in $(printf '/lib/%s ' "${@##*/}"); do
			insmod \$module || echo "# cannot load \$module" > /dev/kmsg
		done
		cd /sys/kernel/debug/gcov
		mkdir /data
		find . -name '*.gcda' | while read -r file; do
			mkdir -p "/data/\${file%/*}"
			cat "\$file" > "/data/\$file"
		done
		stty -F /dev/ttyS1 raw
		tar -C /data -cz . | base64 > /dev/ttyS1
		poweroff -f
	END
	chmod +x "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) \
		> "$guest/root.cpio.gz"
}

# ---- report -----------------------------------------------------------------

# coverage.py wants each .gcda beside its .gcno.
report()
{
	local file
	while read -r file; do
		file=${file%.c}
		! [ -f "$guest/data$guest/$file.gcda" ] ||
			cp "$guest/data$guest/$file.gcda" "$guest/$file.gcda"
	done < <(sources)
	# shellcheck disable=SC2046	# a list of files
	"$top/scripts/coverage.py" "$top" "$um" "$guest" -- $(sources)
}

mkdir -p "$log"
case ${1:-all} in
um) run_um ;;
x86_64) run_guest ;;
report) report ;;
all) run_um; run_guest; report ;;
*) echo "usage: coverage.sh [um | x86_64 | report]" >&2; exit 2 ;;
esac
