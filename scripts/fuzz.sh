#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Builds the fuzz targets of tools/kexec-uki/fuzz from out/linux into out/fuzz and
# runs them on copies of their corpus in tests/fuzz/corpus: what they find stays in
# out/fuzz/corpus.  A target fails if it is missing, finds something, runs nothing,
# or its corpus covers nothing.  It must never write to the repository, but for
# --merge, which adds what was found and covers more.
#
#   fuzz.sh [--seconds N | --runs N] [--jobs N] [--afl] [TARGET...]
#   fuzz.sh --merge [TARGET...]
#   fuzz.sh --coverage [TARGET...]
#
# --seconds  for each target, 60 if nothing is said
# --runs     executions for each target instead
# --jobs     targets at once, 2 if nothing is said
# --afl      with AFL++ instead of libFuzzer; takes --seconds only
# --coverage lines of each room that the corpus reaches, and those it does not
#
# A part of each run has large inputs: the last sixth of the time, or one execution
# in a hundred.  To see a crash: out/fuzz/bin/fuzz_TARGET out/fuzz/crashes/FILE
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
src=${KERNEL_TREE:-$top/out/linux}
out=${FUZZ_OUT:-$top/out/fuzz}
fuzz=$src/tools/kexec-uki/fuzz
all="cmdline companion newc pefile sbat tcg2_log tpm2_extend uki"
seconds=60
runs=0
jobs=2
what=run_libfuzzer
one=

while [ $# -gt 0 ]; do
	case $1 in
	--seconds) seconds=$2 runs=0; shift ;;
	--runs) runs=$2; shift ;;
	--jobs) jobs=$2; shift ;;
	--afl | --run_afl) what=run_afl ;;
	--run_libfuzzer) what=run_libfuzzer ;;
	--merge) what=merge ;;
	--coverage) what=coverage ;;
	--one) one=y ;;
	-*) sed -n 's/^#   fuzz.sh/usage: fuzz.sh/p' "$0" >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || eval "set -- $all"

# No report is worth the time that a long memory of freed blocks takes.
ASAN_OPTIONS=quarantine_size_mb=1:malloc_context_size=8:${ASAN_OPTIONS:-}
export ASAN_OPTIONS

dict_of()
{
	case $1 in
	pefile | uki) echo pe ;;
	companion) echo newc ;;
	*) echo "$1" ;;
	esac
}

# Longest input of the small part, and of the large one.
lens_of()
{
	case $1 in
	tpm2_extend) echo 1400 8192 ;;
	cmdline) echo 512 65536 ;;
	sbat) echo 4096 16384 ;;
	companion) echo 4096 262144 ;;
	newc) echo 1024 65536 ;;
	uki) echo 2560 65536 ;;
	*) echo 4096 65536 ;;
	esac
}

# libfuzzer TARGET LOG ARG...: one process; its last words go to LOG
libfuzzer()
{
	to=$2
	room=$1
	shift 2
	"$out/bin/fuzz_$room" -dict="$fuzz/$(dict_of "$room").dict" \
		-artifact_prefix="$out/crashes/$room-" -print_final_stats=1 \
		-timeout=20 -rss_limit_mb=1024 "$@" > "$to" 2>&1
}

stat_of()
{
	sed -n "s/^stat::$2: *//p" "$1" | tail -n 1
}

cov_of()
{
	sed -n "s/.*$2 *cov: \([0-9]*\).*/\1/p" "$1" | tail -n 1
}

# The functions from here on are what a job does.
run_libfuzzer()
{
	target=$1
	seeds=$top/tests/fuzz/corpus/$target
	corpus=$out/corpus/$target
	log=$out/log/$target
	if [ ! -x "$out/bin/fuzz_$target" ]; then
		echo "FAILED $target: not built"
		return 1
	fi
	mkdir -p "$corpus"
	libfuzzer "$target" "$log.seeds" -runs=0 "$seeds" || {
		echo "FAILED $target: the corpus itself, see $log.seeds"
		return 1
	}
	seeds_cov=$(cov_of "$log.seeds" INITED)
	# Two lengths.
	# shellcheck disable=SC2046
	set -- $(lens_of "$target")
	if [ "$runs" -gt 0 ]; then
		small="-runs=$((runs - runs / 100))" large="-runs=$((runs / 100 + 1))"
	else
		small="-max_total_time=$((seconds - seconds / 6))"
		large="-max_total_time=$((seconds / 6 + 1))"
	fi
	start=$(date +%s)
	failed=
	libfuzzer "$target" "$log.small" "$small" -max_len="$1" "$corpus" \
		"$seeds" || failed=small
	libfuzzer "$target" "$log.large" "$large" -max_len="$2" "$corpus" \
		"$seeds" || failed=large
	spent=$(($(date +%s) - start))
	count=$(($(stat_of "$log.small" number_of_executed_units) + \
		$(stat_of "$log.large" number_of_executed_units)))
	echo "$target: $count executions in $spent s," \
		"$((count / (spent + !spent)))/s;" \
		"edges: ${seeds_cov:-0} by the corpus," \
		"$(cov_of "$log.large" '[A-Za-z]') now; corpus:" \
		"$(find "$seeds" -type f | wc -l) and" \
		"$(find "$corpus" -type f | wc -l) found;" \
		"crashes: $(find "$out/crashes" -name "$target-*" | wc -l)"
	if [ -n "$failed" ]; then
		echo "FAILED $target: $(sed -n \
			's/.*not true: \|^==[0-9]*==ERROR: \|.*runtime error: //p' \
			"$log.$failed" | head -n 1)"
		return 1
	elif [ "$count" -eq 0 ] || [ "${seeds_cov:-0}" -eq 0 ]; then
		echo "FAILED $target: nothing was executed or covered"
		return 1
	fi
}

run_afl()
{
	target=$1
	dir=$out/afl/$target
	log=$out/log/$target.afl
	if [ ! -x "$out/bin/afl_$target" ]; then
		echo "FAILED $target: not built"
		return 1
	fi
	rm -rf "$dir"
	mkdir -p "$dir"
	AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1 \
	AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
		env -u ASAN_OPTIONS timeout -k 10 $((seconds + 120)) afl-fuzz -V "$seconds" -t 2000 \
		-x "$fuzz/$(dict_of "$target").dict" \
		-i "$top/tests/fuzz/corpus/$target" -o "$dir" \
		"$out/bin/afl_$target" > "$log" 2>&1 || :
	stats=$dir/default/fuzzer_stats
	count=$(sed -n 's/^execs_done *: //p' "$stats" 2> /dev/null || :)
	crashes=$(sed -n 's/^saved_crashes *: //p' "$stats" 2> /dev/null || :)
	if [ "${count:-0}" -eq 0 ]; then
		echo "FAILED $target: afl-fuzz ran nothing, see $log"
		return 1
	fi
	echo "$target: AFL++: $count executions," \
		"$(sed -n 's/^execs_per_sec *: //p' "$stats")/s; edges:" \
		"$(sed -n 's/^edges_found *: //p' "$stats") of" \
		"$(sed -n 's/^total_edges *: //p' "$stats"); corpus:" \
		"$(sed -n 's/^corpus_count *: //p' "$stats"); crashes: $crashes"
	[ "$crashes" -eq 0 ] || {
		echo "FAILED $target: see $dir/default/crashes"
		return 1
	}
}

# Makes the corpus anew: the seeds, and of what it had and of what was found all
# that covers more, small things first.
merge()
{
	target=$1
	seeds=$top/tests/fuzz/corpus/$target
	rm -rf "$out/merged/$target"
	mkdir -p "$out/merged/$target" "$out/corpus/$target"
	cp "$seeds"/seed-* "$out/merged/$target/" || return
	# shellcheck disable=SC2046
	set -- $(lens_of "$target")
	libfuzzer "$target" "$out/log/$target.merge" -merge=1 -max_len="$2" \
		"$out/merged/$target" "$seeds" "$out/corpus/$target" || return
	find "$seeds" -type f ! -name 'seed-*' -delete
	find "$out/merged/$target" -type f ! -name 'seed-*' -exec cp {} "$seeds/" \;
	echo "$target: $(find "$seeds" -type f | wc -l) files," \
		"$(du -sb "$seeds" | cut -f 1) bytes"
}

coverage()
{
	LLVM_PROFILE_FILE=$out/log/$1.profraw "$out/bin/cov_$1" -runs=0 \
		"$top/tests/fuzz/corpus/$1" > "$out/log/$1.cov" 2>&1
}

# Lines of each room that the corpora of all targets reach together.
report_coverage()
{
	objects=
	for target; do
		objects="$objects -object $out/bin/cov_$target"
	done
	llvm-profdata merge -o "$out/log/all.prof" "$out/log"/*.profraw
	# Words of a list, and the first of them twice does no harm.
	# shellcheck disable=SC2086
	llvm-cov show "$out/bin/cov_$1" $objects \
		-instr-profile="$out/log/all.prof" > "$out/log/lines"
	awk -F '|' '
		/^\// {
			file = $1
			sub(/.*\/(lib|eventlog)\//, "", file)
			room = /\/(lib|eventlog)\/[a-z0-9_]*\.c:$/
			next
		}
		!room || $2 !~ /[0-9]/ { next }
		{ count[file, $1 + 0] += $2 !~ /^ *0$/ }
		END {
			for (key in count) {
				split(key, part, SUBSEP)
				lines[part[1]]++
				hit[part[1]] += count[key] > 0
				if (!count[key])
					missed[part[1]] = missed[part[1]] " " part[2]
			}
			for (file in lines)
				print file, hit[file], "of", lines[file], \
					"lines; not reached:", \
					missed[file] ? missed[file] : " none"
		}' "$out/log/lines" | sort
}

status=$out/log/status
mkdir -p "$out/bin" "$out/log" "$out/crashes"
if [ -n "$one" ]; then
	if "$what" "$1"; then
		echo ok >> "$status"
	else
		echo bad >> "$status"
	fi
	exit 0
fi

# A target that cannot be built fails below, and the others run; an old one does
# not stand in for it.
case $what in
run_afl) kind=afl ;;
coverage) kind=cov ;;
*) kind=fuzz ;;
esac
bins=
for target; do
	bins="$bins $out/bin/${kind}_$target"
done
# Words of a list.
# shellcheck disable=SC2086
make -k -j2 -C "$fuzz" O="$out/bin" $bins > "$out/log/build" 2>&1 || {
	echo "  fuzz: not all was built, see ${out#"$top"/}/log/build" >&2
	grep -m 5 'error: \|Error ' "$out/log/build" >&2 || :
	for bin in $bins; do
		make -q -C "$fuzz" O="$out/bin" "$bin" > /dev/null 2>&1 ||
			rm -f "$bin"
	done
}
rm -f "$out/crashes"/* "$status"
printf '%s\n' "$@" | xargs -P "$jobs" -n 1 "$0" --seconds "$seconds" \
	--runs "$runs" "--$what" --one
[ "$what" != coverage ] || report_coverage "$@"
passed=$(grep -c ok "$status" || :)
echo "$passed passed, $(($# - passed)) failed"
[ "$passed" -eq $# ]
