#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The quality gates.  Needs the mails of "series.py mail" in out/series and the
# finished guest kernel in out/x86_64.
#
#   lint.sh [GATE...]    checkpatch compile arm64 kernel-doc codespell scripts names
#
# A gate can look clean because its tool did not run.  So each prints how many
# files it checked, and fails at zero.  The last line counts the gates.
set -uo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
linux=$top/out/linux
build=$top/out/lint
log=$top/out/log
passed=0 failed=0

# verdict GATE FILES LOG: passed if there were files and the log is empty
verdict()
{
	if [ "$2" -gt 0 ] && [ ! -s "$3" ]; then
		echo "  lint $1: checked $2 files"
		passed=$((passed + 1))
	else
		head -n 30 "$3"
		echo "  lint $1: FAILED, $2 files checked, see ${3#"$top"/}"
		failed=$((failed + 1))
	fi
}

# Files of the repository, as git lists them; new ones count too.
ours()
{
	git -C "$top" ls-files -co --exclude-standard -- "$@" |
		while read -r file; do
			[ ! -f "$top/$file" ] || echo "$file"
		done
}

# Kernel files that the series adds (A) or changes (M).
kernel_files()
{
	git -C "$linux" diff --no-renames --diff-filter="$1" --name-only \
		base refs/stitched -- "${@:2}"
}

# MISSING_SIGN_OFF: who sends the series signs it.
# FILE_PATH_CHANGES: the MAINTAINERS entry is a patch of its own.
# UNKNOWN_COMMIT_ID: the imported source has no history to look it up in.
# CAMELCASE: a label of kernel_kexec() is called Unlock.
# ENOSYS, ENOTSUPP: the loader names the errnos that it must never return.
# EMBEDDED_FILENAME: a generated file says which script made it.
# Its check of SPDX lines wants Debian's python3, whatever comes first in PATH.
checkpatch()
{
	local out=$log/lint-checkpatch.log mail files=0
	local ignore=MISSING_SIGN_OFF,FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID,CAMELCASE
	ignore+=,ENOSYS,ENOTSUPP,EMBEDDED_FILENAME
	: > "$out"
	for mail in "$top"/out/series/*.patch; do
		[[ $mail != *0000-cover-letter.patch ]] || continue
		files=$((files + 1))
		(cd "$linux" && PATH=/usr/bin:$PATH ./scripts/checkpatch.pl \
			-q --strict --show-types --no-summary --ignore "$ignore" \
			"$mail") >> "$out" 2>&1 ||
			echo "checkpatch: ${mail##*/}" >> "$out"
	done
	verdict checkpatch $files "$out"
}

# The objects that come of the series' C files, but for what x86 has not.
objects()
{
	kernel_files AM '*.c' ':!tools' ':!drivers/of' | sed 's/\.c$/.o/'
}

# Those that an architecture with a device tree has, and this configuration:
# builds.sh has more of them.
arm64_objects()
{
	kernel_files AM 'drivers/*.c' 'kernel/*.c' 'lib/*.c' 'security/*.c' \
		':!*/tests/*' ':!*/libstub/*' ':!kernel/kexec_uki*' ':!kernel/kexec_sbat.c' \
		':!security/integrity/platform_certs/*' ':!*/ima_appraise.c' \
		':!*/ima_modsig.c' ':!*/evm_main.c' |
		sed 's/\.c$/.o/'
}

# W=1 and sparse in one pass.  Debian's sparse needs a word on typeof_unqual, or
# Kbuild leaves it out with one line that says it is "not up to date"; and it takes
# __builtin_strlen() in MODULE_INFO()'s assertion for no constant.  Assertions are
# the compiler's to check, which sees the same file here.
compile()
{
	local out=$log/lint-compile.log object bad=$log/lint-compile-bad.log files
	local sparse="sparse -D__typeof_unqual__=__typeof__ '-D_Static_assert(...)='"
	local targets
	mapfile -t targets < <(objects)
	: > "$bad"
	"$top/scripts/kernel.sh" copy "$build"
	cat "$top/out/x86_64/.config" "$top/scripts/config/appraise.config" \
		> "$build/.config"
	make -C "$linux" O="$build" LOCALVERSION= CC="ccache gcc" -s olddefconfig \
		> /dev/null 2>&1
	(cd "$build" && rm -f "${targets[@]}")
	make -C "$linux" O="$build" LOCALVERSION= CC="ccache gcc" -j"$(nproc)" -k \
		W=1 C=2 CHECK="$sparse" \
		"${targets[@]}" > "$out" 2>&1 || echo "make failed" >> "$bad"
	grep -E 'warning:|error:|Warning:|not up to date|\*\*\*' "$out" >> "$bad"
	for object in "${targets[@]}"; do
		[ -f "$build/$object" ] || echo "$object was not built" >> "$bad"
		grep -q "^  CHECK .*${object%.o}\.c\$" "$out" ||
			echo "sparse did not see ${object%.o}.c" >> "$bad"
	done
	files=$(grep -c '^  CHECK ' "$out")
	verdict "W=1 and sparse" "$files" "$bad"
}

# W=1 for arm64, whose transport x86 does not compile.
arm64()
{
	local dir=$top/out/lint-arm64 out=$log/lint-arm64.log object
	local bad=$log/lint-arm64-bad.log targets
	local arm=(make -C "$linux" O="$dir" ARCH=arm64 LOCALVERSION= -j"$(nproc)"
		CROSS_COMPILE=aarch64-linux-gnu- CC="ccache aarch64-linux-gnu-gcc")
	mapfile -t targets < <(arm64_objects)
	: > "$bad"
	mkdir -p "$dir"
	cp "$top/scripts/config/arm64.config" "$dir/fragment"
	grep -hE '^(# )?CONFIG_' "$linux"/kernel/configs/tiny{-base,}.config \
		"$dir/fragment" > "$dir/all.config"
	"${arm[@]}" KCONFIG_ALLCONFIG="$dir/all.config" allnoconfig > "$out" 2>&1
	grep -h ^CONFIG_ "$dir/fragment" | grep -vxFf "$dir/.config" |
		sed 's/^/lost: /' >> "$bad"
	(cd "$dir" && rm -f "${targets[@]}")
	"${arm[@]}" -k W=1 "${targets[@]}" >> "$out" 2>&1 || echo "make failed" >> "$bad"
	grep -E 'warning:|error:|\*\*\*' "$out" >> "$bad"
	for object in "${targets[@]}"; do
		[ -f "$dir/$object" ] || echo "$object was not built" >> "$bad"
	done
	verdict arm64 ${#targets[@]} "$bad"
}

kernel_doc()
{
	local out=$log/lint-kernel-doc.log files
	mapfile -t files < <(kernel_files A '*.c' '*.h' ':!*-testvecs.h' ':!tools')
	[ ${#files[@]} = 0 ] || (cd "$linux" &&
		./scripts/kernel-doc -none -Wall "${files[@]}") > "$out" 2>&1
	verdict kernel-doc ${#files[@]} "$out"
}

spelling()
{
	local out=$log/lint-codespell.log files
	mapfile -t files < <(ours ':!*-testvecs.h' ':!scripts/versions.lock' \
		':!tests/fuzz/corpus')
	(cd "$top" && codespell -L ser "${files[@]}") > "$out" 2>&1
	verdict codespell ${#files[@]} "$out"
}

script_files()
{
	local file
	while read -r file; do
		head -n 1 "$top/$file" | grep -qaE "^#!.*\b$1" && echo "$file"
	done < <(ours scripts tests .ci tools/kexec-tools \
		tools/kexec-uki tools/testing)
}

shell_scripts()
{
	local out=$log/lint-shellcheck.log files
	mapfile -t files < <(script_files '(ba|da)?sh\b'; ours '*.sh')
	mapfile -t files < <(printf '%s\n' "${files[@]}" | sort -u)
	# What busybox runs, and what it sources, is checked as dash would read it.
	(cd "$top" && shellcheck -e SC2148,SC2187 "${files[@]}") > "$out" 2>&1
	verdict shellcheck ${#files[@]} "$out"
}

python_scripts()
{
	local out=$log/lint-pyflakes.log files
	mapfile -t files < <(script_files python3; ours '*.py')
	mapfile -t files < <(printf '%s\n' "${files[@]}" | sort -u)
	(cd "$top" && pyflakes3 "${files[@]}") > "$out" 2>&1
	verdict pyflakes ${#files[@]} "$out"
}

# What the repository must not name: this machine's paths, any package host.
names()
{
	local out=$log/lint-names.log files host
	# shellcheck disable=SC2016
	host=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
		sed -nE 's,^[a-z+]*://([^/]*)/.*,\1,p' | sort -u)
	mapfile -t files < <(ours)
	(cd "$top" && grep -nIE "(^|[^A-Za-z0-9._/-])$top/" -- "${files[@]}"
		grep -nIFf <(grep . <<< "$host") -- "${files[@]}"
		grep -nIE '[a-z0-9]+[.](debian|ubuntu)[.](org|net|com)|pypi[.]org' \
			-- "${files[@]}") > "$out" 2>&1
	verdict names ${#files[@]} "$out"
}

gate()
{
	case $1 in
	checkpatch) checkpatch ;;
	compile) compile ;;
	kernel-doc) kernel_doc ;;
	arm64) arm64 ;;
	codespell) spelling ;;
	scripts) shell_scripts; python_scripts ;;
	names) names ;;
	*) echo "lint.sh: no gate $1" >&2; exit 2 ;;
	esac
}

mkdir -p "$log"
[ $# != 0 ] || set -- checkpatch compile arm64 kernel-doc codespell scripts names
for name in "$@"; do
	gate "$name"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
