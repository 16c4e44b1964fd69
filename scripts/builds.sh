#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The series under other configurations, compilers and architectures, and under
# the checkers that are too slow for lint.sh.  Needs the guest kernel in out/x86_64.
#
#   builds.sh [CELL...]    rooms gcc clang arm64 i386 s390 links kunit smatch cocci
#   builds.sh links NAME...    some of the links alone
#
# rooms             the suites of the pure rooms on 32 bits and on a big-endian
#                   machine, in user space
# gcc, clang        x86_64: the series' objects, allnoconfig and $RANDOM_CONFIGS
#                   randconfigs
# arm64 i386 s390   the series' objects that the architecture has
# links             whole guest kernels, each without something or with a module
# kunit             kernels of these two machines with all suites, under QEMU
# smatch, cocci     the two checkers, on the series' files
#
# A cell fails on any error, on a warning about a file of the series, and if it
# built nothing.  Warnings about other files are counted.  SEED=n begins the random
# configurations elsewhere.  A cell whose tool is not installed is skipped and
# counted.  KERNEL_TREE=path takes another stitched tree than out/linux.
set -uo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
linux=${KERNEL_TREE:-$top/out/linux}
dirs=$top/out/builds
log=$top/out/log
config=$top/scripts/config
clang="clang-19"
seed=${SEED:-20260101}
random=${RANDOM_CONFIGS:-4}
passed=0 failed=0 skipped=0

export KBUILD_BUILD_TIMESTAMP=1970-01-01 KBUILD_BUILD_USER=kexec-uki
export KBUILD_BUILD_HOST=workbench

# Kernel files that the series adds or changes.
series()
{
	git -C "$linux" diff --no-renames --diff-filter=AM --name-only \
		base refs/stitched -- "$@"
}

# The objects that come of the files.
objects()
{
	series "$@" | sed 's/\.c$/.o/'
}

c_files=('*.c' ':!tools')
# What no other architecture's configuration here has.
appraising=(':!*/ima_appraise.c' ':!*/ima_modsig.c' ':!*/evm_main.c' ':!*/platform_certs/*')
x86_only=(':!arch/x86' "${appraising[@]}")

# Lines of a build's log that fail it.  A warning that names no file is Kconfig's
# or modpost's.  What is about files of others goes to the file $2.
complaints()
{
	series > "$dirs/series"
	grep -hE 'warning:|WARNING:|error:|ERROR:|\*\*\*|undefined reference' "$1" |
		awk -v others="$2" -v linux="$linux/" '
		BEGIN { printf "" > others }
		listing { ours[$0]; next }
		!/[^a-z]warning:/ { print; next }
		{
			file = $0
			sub(/:[0-9].*/, "", file)
			if (index(file, linux) == 1)
				file = substr(file, length(linux) + 1)
			sub(/^(\.\.\/)+/, "", file)
			if (file in ours || file !~ /\.[chS]$/)
				print
			else
				print > others
		}' listing=1 "$dirs/series" listing=0 -
}

# verdict NAME COUNT WHAT BAD [OTHERS]
verdict()
{
	local note='' n=0
	[ ! -s "${5:-}" ] || n=$(wc -l < "$5")
	[ "$n" = 0 ] || note=", $n warnings about files of others"
	if [ "$2" -gt 0 ] && [ ! -s "$4" ]; then
		echo "  $1: $2 $3$note, $((SECONDS - start)) s"
		passed=$((passed + 1))
	else
		head -n 20 "$4"
		echo "  $1: FAILED, $2 $3, see ${4#"$top"/}"
		failed=$((failed + 1))
	fi
}

skip()
{
	echo "  $1: SKIPPED, $2"
	skipped=$((skipped + 1))
}

has()
{
	command -v "$2" > /dev/null || { skip "$1" "$2 is not installed"; return 1; }
}

# merged FILE...: the last word of the files on each symbol
merged()
{
	awk '/^(# )?CONFIG_/ {
		match($0, /CONFIG_[A-Za-z0-9_]+/)
		line[substr($0, RSTART, RLENGTH)] = $0
	}
	END { for (symbol in line) print line[symbol] }' "$@"
}

# Of lines "FILE:LINE...", those on lines that the series adds: the checkers find
# much in upstream's.
on_our_lines()
{
	git -C "$linux" diff --no-renames -U0 base refs/stitched -- |
		sed -nE 's,^\+\+\+ b/,F ,p;
			s/^@@ [^+]*\+([0-9]+)(,([0-9]+))? @@.*/L \1 \3/p' > "$dirs/lines"
	sed -E "s,^$linux/,," | awk '
		listing && $1 == "F" { file = $2; next }
		listing {
			for (i = 0; i < ($3 == "" ? 1 : $3); i++)
				ours[file ":" $2 + i]
			next
		}
		{
			split($0, part, "[: ]")
			if (part[1] ":" part[2] in ours)
				print
		}' listing=1 "$dirs/lines" listing=0 -
}

# lost DIR FRAGMENT...: what the configuration in DIR has not as the fragments say
lost()
{
	local line symbol
	grep -hE '^(# )?CONFIG_' "${@:2}" | while read -r line; do
		symbol=${line#"# "}
		symbol=${symbol%%[= ]*}
		case $line in
		"#"*) ! grep "^$symbol=" "$1/.config" || echo "not off: $symbol" ;;
		*) grep -qxF -- "$line" "$1/.config" || echo "lost: $line" ;;
		esac
	done
}

# compile NAME DIR HOW MAKE...: the objects in $targets, configured by
# "make HOW" with the fragments in $fragments
compile()
{
	local name=$1 dir=$2 how=$3 start=$SECONDS object built=0
	local out=$log/builds-$1.log bad=$log/builds-$1-bad.log tiny=()
	shift 3
	mkdir -p "$dir"
	[ "$how" != allnoconfig ] || tiny=("$linux"/kernel/configs/tiny{-base,}.config)
	merged "${tiny[@]}" "${fragments[@]}" > "$dir/all.config"
	"$@" KCONFIG_ALLCONFIG="$dir/all.config" "$how" > "$out" 2>&1
	lost "$dir" "${fragments[@]}" > "$bad"
	(cd "$dir" && rm -f "${targets[@]}")
	"$@" -k W=1 "${targets[@]}" >> "$out" 2>&1 || echo "make failed" >> "$bad"
	complaints "$out" "$log/builds-$name-others.log" >> "$bad"
	for object in "${targets[@]}"; do
		if [ -f "$dir/$object" ]; then
			built=$((built + 1))
		else
			echo "$object was not built" >> "$bad"
		fi
	done
	verdict "$name" $built objects "$bad" "$log/builds-$name-others.log"
}

# x86 NAME CC
x86()
{
	local i dir=$dirs/$1 fragments targets
	local mk=(make -C "$linux" O="$dir" LOCALVERSION= CC="ccache $2" -j"$(nproc)")
	has "$1" "$2" || return
	fragments=("$config"/builds/{all,tpm,x86}.config)
	mapfile -t targets < <(objects "${c_files[@]}" ':!drivers/of')
	compile "$1-allno" "$dir" allnoconfig "${mk[@]}"
	for ((i = seed; i < seed + random; i++)); do
		KCONFIG_SEED=$i compile "$1-random-$i" "$dir" randconfig "${mk[@]}"
	done
}

# foreign NAME ARCH PREFIX FRAGMENT...: objects of $targets
foreign()
{
	local name=$1 dir=$dirs/$1 arch=$2 fragments
	has "$name" "$3gcc" || return
	fragments=("${@:4}")
	compile "$name" "$dir" allnoconfig make -C "$linux" O="$dir" ARCH="$arch" \
		LOCALVERSION= CROSS_COMPILE="$3" CC="ccache $3gcc" -j"$(nproc)"
}

arm64()
{
	local targets
	mapfile -t targets < <(objects "${c_files[@]}" "${x86_only[@]}" ':!kernel/kexec_uki*' \
		':!kernel/tests/kexec_uki*' ':!*/libstub/*')
	foreign arm64 arm64 aarch64-linux-gnu- "$config"/builds/{all,tpm,arm64}.config
}

# No kexec_file_load() there.
i386()
{
	local targets
	mapfile -t targets < <(objects "${c_files[@]}" "${appraising[@]}" \
		':!arch/x86/kernel/*kexec*' ':!kernel/*kexec_*' ':!drivers/of' ':!*/ima_kexec.c'
		objects kernel/kexec_core.c)
	foreign i386 i386 i686-linux-gnu- "$config"/builds/{all,tpm,i386}.config
}

s390()
{
	local targets
	mapfile -t targets < <(objects "${c_files[@]}" "${x86_only[@]}" ':!kernel/*kexec_*' \
		':!drivers/of' ':!drivers/firmware' ':!*/ima_kexec.c'
		objects kernel/kexec_core.c kernel/kexec_file.c)
	foreign s390 s390 s390x-linux-gnu- "$config"/builds/{all,tpm,s390}.config
	mapfile -t targets < <(objects "${c_files[@]}" "${x86_only[@]}" ':!kernel/*kexec_uki*' \
		':!kernel/tests' ':!drivers' ':!*/ima_kexec.c' ':!kernel/kexec_sbat.c')
	foreign s390-notpm s390 s390x-linux-gnu- \
		"$config"/builds/{all,s390-notpm}.config
}

# What each link changes of the guest's configuration, one line a piece.  Ordered
# so that one build directory has little to compile from each to the next.
link_lines()
{
	case $1 in
	uki-m) echo CONFIG_KEXEC_UKI=m ;;
	uki-n) echo '# CONFIG_KEXEC_UKI is not set'
		echo '# CONFIG_KEXEC_MEASURE is not set' ;;
	measure-only) echo '# CONFIG_KEXEC_UKI is not set'
		echo CONFIG_KEXEC_MEASURE=y ;;
	sig-n) echo '# CONFIG_KEXEC_SIG is not set' ;;
	# A TPM's core as a module must take both options with it.
	tpm-m) echo '# CONFIG_IMA is not set'
		echo CONFIG_TCG_TPM=m
		echo '# CONFIG_KEXEC_UKI is not set'
		echo '# CONFIG_KEXEC_MEASURE is not set'
		echo '# CONFIG_TCG_LIVE_LOG is not set' ;;
	tpm-n) echo '# CONFIG_IMA is not set'
		echo '# CONFIG_TCG_TPM is not set'
		echo CONFIG_KEXEC_UKI=y ;;
	ima-n) echo '# CONFIG_IMA is not set' ;;
	ima-kexec-n) echo '# CONFIG_IMA_KEXEC is not set' ;;
	securityfs-n) echo '# CONFIG_IMA is not set'
		echo '# CONFIG_SECURITYFS is not set' ;;
	handover-n) echo '# CONFIG_KEXEC_HANDOVER is not set'
		echo '# CONFIG_LIVEUPDATE is not set' ;;
	crash-n) echo '# CONFIG_CRASH_DUMP is not set' ;;
	kexec-n) echo '# CONFIG_KEXEC is not set' ;;
	file-n) echo '# CONFIG_KEXEC_HANDOVER is not set'
		echo '# CONFIG_LIVEUPDATE is not set'
		echo '# CONFIG_KEXEC_FILE is not set' ;;
	efi-n) echo '# CONFIG_EFI is not set' ;;
	modules-n) echo '# CONFIG_MODULES is not set' ;;
	*) echo "builds.sh: no link $1" >&2; exit 2 ;;
	esac
}

all_links=(uki-m uki-n measure-only sig-n crash-n ima-kexec-n ima-n securityfs-n
	tpm-n tpm-m kexec-n handover-n file-n efi-n modules-n)

link_config()
{
	local all=$dirs/links/.config.all
	merged "$linux"/kernel/configs/tiny{-base,}.config \
		"$linux/arch/x86/configs/tiny.config" \
		"$config/guest.config" "$config/series.config" "$1" > "$all"
	"${mk[@]}" -s KCONFIG_ALLCONFIG="$all" allnoconfig
}

link()
{
	local name=links-$1 dir=$dirs/links start=$SECONDS
	local out=$log/builds-links-$1.log bad=$log/builds-links-$1-bad.log
	local mk=(make -C "$linux" O="$dir" LOCALVERSION= CC="ccache gcc"
		-j"$(nproc)") goals=(bzImage)
	link_lines "$1" > "$dir/fragment" || exit
	link_config "$dir/fragment" > "$out" 2>&1
	lost "$dir" "$dir/fragment" > "$bad"
	rm -f "$dir/vmlinux" "$dir/arch/x86/boot/bzImage"
	! grep -q ^CONFIG_MODULES=y "$dir/.config" || goals+=(modules)
	"${mk[@]}" "${goals[@]}" >> "$out" 2>&1 || echo "make failed" >> "$bad"
	[ -f "$dir/arch/x86/boot/bzImage" ] || echo "no bzImage" >> "$bad"
	complaints "$out" "$log/builds-$name-others.log" >> "$bad"
	verdict "$name" "$(grep -cE '^  (CC|LD)\b' "$out")" "objects and links" \
		"$bad" "$log/builds-$name-others.log"
}

links()
{
	local name
	[ -f "$top/out/x86_64/vmlinux.o" ] || { skip links "no out/x86_64"; return; }
	"$top/scripts/kernel.sh" copy "$dirs/links"
	for name; do
		link "$name"
	done
}

# foreign_kunit NAME ARCH QEMU PREFIX: kexec_uki.config's suites
foreign_kunit()
{
	local name=kunit-$1 dir=$dirs/kunit-$1 start=$SECONDS fragments result
	local out=$log/builds-kunit-$1.log bad=$log/builds-kunit-$1-bad.log
	local kunit=$linux/tools/testing/kunit
	local mk=(make -C "$linux" O="$dir" ARCH="$2" LOCALVERSION=
		CROSS_COMPILE="$4" CC="ccache $4gcc" -j"$(nproc)")
	has "$name" "$3" && has "$name" "$4gcc" || return
	fragments=("$kunit/configs/kexec_uki.config" "$config/builds/$name.config")
	mkdir -p "$dir"
	merged "$linux"/kernel/configs/tiny{-base,}.config "${fragments[@]}" \
		> "$dir/all.config"
	"${mk[@]}" KCONFIG_ALLCONFIG="$dir/all.config" allnoconfig > "$out" 2>&1
	lost "$dir" "${fragments[@]}" > "$bad"
	"${mk[@]}" bzImage >> "$out" 2>&1 || echo "make failed" >> "$bad"
	complaints "$out" "$log/builds-$name-others.log" >> "$bad"
	PYTHONDONTWRITEBYTECODE=1 python3 "$kunit/kunit.py" exec --arch "$2" \
		--build_dir "$dir" --timeout 600 < /dev/null >> "$out" 2>&1
	result=$(grep 'Testing complete' "$out")
	grep -aE '\[(FAILED|ERROR|CRASHED)\]|EXPECTATION|ASSERTION' "$out" >> "$bad"
	grep -aE 'UBSAN:|WARNING:|Kernel panic|Oops' "$dir/test.log" >> "$bad"
	! grep -E '(failed|crashed|errors): [1-9]' <<< "$result" >> "$bad"
	verdict "$name" "$(sed -n 's/.*passed: \([0-9]*\).*/\1/p' <<< "$result" |
		grep . || echo 0)" tests "$bad" "$log/builds-$name-others.log"
}

# rooms_on NAME PREFIX [EMULATOR]: the suites of the pure rooms in user space, the
# kernel's very files with tests/rooms in the place of KUnit.
rooms_on()
{
	local name=rooms-$1 start=$SECONDS suite file pure=() n=0 program
	local out=$log/builds-rooms-$1.log bad=$log/builds-rooms-$1-bad.log
	has "$name" "$2gcc" && { [ -z "${3:-}" ] || has "$name" "$3"; } || return
	mkdir -p "$dirs/rooms"
	: > "$out"
	: > "$bad"
	for file in lib/{pefile,uki,uki_companion,uki_newc,uki_sbat}.c \
		drivers/char/tpm/eventlog/tcg2_log.c; do
		[ ! -f "$linux/$file" ] || pure+=("$linux/$file")
	done
	for suite in "$linux"/lib/tests/{pefile,uki,uki_*}_kunit.c \
		"$linux/drivers/char/tpm/eventlog/tests/tcg2_log_kunit.c"; do
		program=$dirs/rooms/$1-$(basename "$suite" .c)
		rm -f "$program"
		"$2gcc" -std=gnu11 -O1 -g -Wall -Werror -Wno-pointer-sign \
			-Wno-unused-variable -D_GNU_SOURCE -static \
			-I"$top/tests/rooms/include" \
			-I"$linux/tools/kexec-uki/include" -I"$linux/tools/include" \
			-idirafter "$linux/include" -o "$program" \
			"$top/tests/rooms/rooms.c" "$suite" "${pure[@]}" >> "$bad" 2>&1
		# The emulator, if there is one, comes first.
		timeout 300 ${3:+"$3"} "$program" >> "$out" 2>&1 ||
			echo "${program##*/} fails, see ${out#"$top"/}" >> "$bad"
	done
	n=$(sed -n 's/^[a-z_0-9]*: \([0-9]*\) passed, .*/\1/p' "$out" |
		awk '{ n += $1 } END { print n + 0 }')
	verdict "$name" "$n" tests "$bad"
}

rooms()
{
	rooms_on s390 s390x-linux-gnu- qemu-s390x
	rooms_on i386 i686-linux-gnu-
}

kunit()
{
	foreign_kunit s390 s390 qemu-system-s390x s390x-linux-gnu-
	foreign_kunit i386 i386 qemu-system-i386 i686-linux-gnu-
}

# What the checkers get wrong: a loader that was found is set; KUNIT_EXPECT_EQ() is
# no print.
wrong=(
	-e "error: we previously assumed 'image->fops' could be null"
	-e '_kunit\.c:.*WARNING: Consider using %pe to print PTR_ERR'
)

# smatch, which Debian has not: SMATCH=path, or the PATH's.  It runs as Kbuild's
# checker on the objects of gcc-allno.
smatch()
{
	local dir=$dirs/gcc start=$SECONDS targets fragments bad out
	local tool=${SMATCH:-smatch}
	out=$log/builds-smatch.log bad=$log/builds-smatch-bad.log
	has smatch "$tool" || return
	fragments=("$config"/builds/{all,tpm,x86}.config)
	mapfile -t targets < <(objects "${c_files[@]}" ':!drivers/of')
	mkdir -p "$dir"
	merged "$linux"/kernel/configs/tiny{-base,}.config "${fragments[@]}" \
		> "$dir/all.config"
	local mk=(make -C "$linux" O="$dir" LOCALVERSION= CC="ccache gcc" -j"$(nproc)")
	"${mk[@]}" KCONFIG_ALLCONFIG="$dir/all.config" allnoconfig > "$out" 2>&1
	lost "$dir" "${fragments[@]}" > "$bad"
	"${mk[@]}" -k C=2 CHECK="$tool -p=kernel" "${targets[@]}" >> "$out" 2>&1 ||
		echo "make failed" >> "$bad"
	grep -E '(warn|error|warning):' "$out" | on_our_lines |
		grep -v "${wrong[@]}" >> "$bad"
	verdict smatch "$(grep -c '^  CHECK ' "$out")" files "$bad"
}

# The kernel's semantic patches, each with the options that it asks for, as
# "make coccicheck" would call them, but for the series' files alone.
cocci()
{
	local out=$log/builds-cocci.log bad=$log/builds-cocci-bad.log start=$SECONDS
	local files rules
	has cocci spatch || return
	mapfile -t files < <(series '*.c' '*.h' ':!*-testvecs.h' ':!tools')
	mapfile -t rules < <(cd "$linux" && grep -rlw 'virtual report' \
		--include='*.cocci' scripts/coccinelle)
	: > "$out"
	# shellcheck disable=SC2016
	(cd "$linux" && printf '%s\n' "${rules[@]}" |
		xargs -P "$(nproc)" -I RULE sh -c '
			rule=$1
			shift
			echo "rule $rule"
			timeout 900 spatch -D report --no-show-diff --very-quiet \
				--cocci-file "$rule" \
				$(sed -n "s,^// Options:,,p" "$rule") "$@" 2>&1 ||
				echo "$rule: spatch failed"' \
			sh RULE "${files[@]}") >> "$out"
	grep -E '^[^ ]+:[0-9]+:' "$out" | on_our_lines |
		grep -v "${wrong[@]}" > "$bad"
	grep 'spatch failed' "$out" >> "$bad"
	echo "  cocci: ${#files[@]} files"
	verdict cocci "$(grep -c '^rule ' "$out")" rules "$bad"
}

mkdir -p "$log" "$dirs"
if [ "${1:-}" = links ] && [ $# -gt 1 ]; then
	links "${@:2}"
else
	[ $# != 0 ] || set -- rooms gcc clang arm64 i386 s390 links kunit smatch cocci
	for cell; do
		case $cell in
		gcc) x86 gcc gcc ;;
		clang) x86 clang $clang ;;
		rooms | arm64 | i386 | s390 | kunit | smatch | cocci) $cell ;;
		links) links "${all_links[@]}" ;;
		*) echo "builds.sh: no cell $cell" >&2; exit 2 ;;
		esac
	done
fi
echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
[ $failed = 0 ] && [ $passed != 0 ]
