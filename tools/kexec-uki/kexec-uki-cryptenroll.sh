#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kexec-uki-cryptenroll: a key slot of a LUKS2 disk that the TPM opens after the kexec
# of the image that is loaded, and only then; and its removal in the boot after.
#
#   kexec-uki-cryptenroll enroll DEV --unlock-key-file=FILE [OPTION...]
#   kexec-uki-cryptenroll wipe [DEV]
#
# It executes nothing.  It must never touch a slot that it has not made: a slot is
# ours only if its token has the policy that the record of the disk names, and a
# record is on the disk before its slot is.  No secret is ever an argument, and
# nothing that was read is evaluated.  See kexec-uki-cryptenroll(8).
set -u
umask 077
# What cryptsetup prints is read below.
LC_ALL=C
export LC_ALL

slots_dir=/var/lib/kexec-uki/slots
lock=/run/kexec-uki-cryptenroll.lock
newline='
'
lock_dir='' planned=''

say()
{
	printf '%s\n' "kexec-uki-cryptenroll: $*"
}

fail()
{
	say "$*" >&2
	return 1
}

die()
{
	fail "$@"
	exit 1
}

usage()
{
	cat <<-EOF
		Usage: kexec-uki-cryptenroll enroll DEV --unlock-key-file=FILE [OPTION...]
		       kexec-uki-cryptenroll wipe [DEV]

		enroll: a key slot of the LUKS2 disk DEV that the TPM opens after the kexec
		of the image that is loaded.  wipe: remove the slots of earlier boots, or
		that of DEV.

		  --unlock-key-file=FILE     what opens the disk now
		  --unlock-tpm2-device=PATH  or a slot that the TPM opens now
		  --tpm2-device=PATH         the TPM, "auto" by default
		  --pcrs=LIST                the PCRs, "4,7,11,12,13" by default
		  --ima-pcr=N                the PCR of IMA, 10 by default

		Exit status: 0; 1 if it is not done; 2 if the command line is wrong.
	EOF
}

wrong()
{
	say "$*; try --help" >&2
	exit 2
}

# One run at a time.  The lock is in /run, where a reboot ends it.
take_lock()
{
	if command -v flock > /dev/null; then
		exec 9> "$lock" || exit 1
		flock -n 9 || die "another run is under way"
	elif mkdir "$lock.d" 2> /dev/null; then
		lock_dir=$lock.d
	else
		die "another run is under way, or one has died and left $lock.d"
	fi
}

# The device

# set_device DEV: $dev and $uuid of a LUKS2 disk: a path, one of crypttab's UUID= and
# PARTUUID=, or the mapping that it is opened as.
set_device()
{
	dev=$1 uuid=''
	case $dev in
	UUID=*) dev=/dev/disk/by-uuid/${dev#UUID=} ;;
	PARTUUID=*) dev=/dev/disk/by-partuuid/${dev#PARTUUID=} ;;
	/*) ;;
	*) dev=$PWD/$dev ;;
	esac
	case $dev in
	*"$newline"*) fail "a name with a line break"; return ;;
	esac
	[ -e "$dev" ] || { fail "$dev: no such device"; return; }
	case $dev in
	/dev/mapper/*) under_mapping ;;
	esac
	cryptsetup isLuks --type luks2 "$dev" ||
		{ fail "$dev: no LUKS2 disk with its header on it"; return; }
	uuid=$(cryptsetup luksUUID "$dev")
	is_uuid "$uuid" || fail "$dev: its UUID cannot be read"
}

# A mapping is what is inside; the header is in the device that it maps.
under_mapping()
{
	cryptsetup isLuks "$dev" && return
	under=$(cryptsetup status "$dev" | sed -n 's/^ *device: *//p')
	[ -z "$under" ] || dev=$under
}

is_uuid()
{
	case $1 in
	*[!0-9A-Fa-f-]* | "" | -*) return 1 ;;
	esac
}

# find_device UUID PATH: the disk of a record, by its UUID, or else where it was
find_device()
{
	for path in "/dev/disk/by-uuid/$1" "$2"; do
		if has_uuid "$path" "$1"; then
			dev=$path
			return
		fi
	done
	return 1
}

has_uuid()
{
	[ -e "$1" ] && [ "$(cryptsetup luksUUID "$1" 2> /dev/null)" = "$2" ]
}

# Clones and snapshots have the UUID, too.  Without blkid nobody can tell.
one_with_uuid()
{
	[ "$(blkid -c /dev/null -o device -t "UUID=$1" | grep -c .)" = 1 ]
}

# The header.  Plugins would print into the dump, so they stay out.

read_header()
{
	header=$(cryptsetup luksDump --disable-external-tokens "$1") ||
		fail "$1: its header cannot be read"
}

# Slots that open the volume, one per line
active_slots()
{
	printf '%s\n' "$header" | awk '
		/^[^ \t]/ { part = $1 }
		part == "Keyslots:" && /^  [0-9]+: / && !/\(unbound\)/ { print $1 + 0 }'
}

# A line for each token: its number, type and slots
tokens()
{
	printf '%s\n' "$header" | awk '
		function flush() { if (line != "") print line; line = "" }
		/^[^ \t]/ { flush(); part = $1 }
		part != "Tokens:" { next }
		/^  [0-9]+: / { flush(); line = $1 + 0 " " $2 }
		/^\tKeyslot: / { line = line " " $2 }
		END { flush() }'
}

# Other tokens than $1 that have slot $2
other_tokens()
{
	tokens | awk -v id="$1" -v slot="$2" '
		$1 != id { for (i = 3; i <= NF; i++) if ($i == slot) print $1 }'
}

slot_type()
{
	tokens | awk -v slot="$1" '
		{ for (i = 3; i <= NF; i++) if ($i == slot) type = $2 }
		END { print type == "" ? "no token" : type }'
}

export_token()
{
	cryptsetup token export --disable-external-tokens --token-id "$2" "$1"
}

# find_token DEV POLICY: $token_id, $token_slots and $token of the slot with this
# policy; status 1 if there is none, 2 if that cannot be told.
find_token()
{
	found='' token=''
	for id in $(tokens | awk '$2 == "systemd-tpm2" { print $1 }'); do
		token=$(export_token "$1" "$id") || return 2
		if printf '%s\n' "$token" |
			grep -Eq "\"tpm2-policy-hash\" *: *\"$2\""; then
			found="$found $id"
		fi
	done
	found=${found# }
	case $found in
	"") return 1 ;;
	*" "*) fail "$1: tokens $found have the same policy"; return 2 ;;
	esac
	token_id=$found
	token_slots=$(tokens | awk -v id="$found" '
		$1 == id { for (i = 3; i <= NF; i++) print $i }')
	token=$(export_token "$1" "$found") || return 2
}

# The policy

# is_literal TEXT: N:sha256=HEX, joined by "+", in the order of the PCRs.
# systemd-cryptenroll reads what has no value from the TPM: that must not happen.
is_literal()
{
	case $1 in
	*[!0-9a-fsh:=+]*) return 1 ;;
	esac
	value='(0|1?[1-9]|10|2[0-3]):sha256=[0-9a-f]{64}'
	printf '%s\n' "$1" | grep -Eqx "$value(\\+$value)*" || return
	numbers=$(literal_pcrs "$1")
	[ "$numbers" = "$(printf '%s\n' "$numbers" | sort -nu)" ]
}

literal_pcrs()
{
	printf '%s\n' "$1" | tr + '\n' | sed 's/:.*//'
}

unhex()
{
	printf '%s\n' "$1" | sed 's/../& /g' | tr ' ' '\n' | grep . |
		while read -r byte; do
			printf '%b' "\\0$(printf %03o "0x$byte")"
		done
}

sha256()
{
	unhex "$1" | sha256sum | cut -c 1-64
}

# The PCRs of a literal as TPMS_PCR_SELECTION has them: bit N of three bytes
pcr_bits()
{
	low=0 middle=0 high=0
	for pcr in $(literal_pcrs "$1"); do
		case $((pcr / 8)) in
		0) low=$((low | 1 << pcr)) ;;
		1) middle=$((middle | 1 << (pcr - 8))) ;;
		2) high=$((high | 1 << (pcr - 16))) ;;
		esac
	done
	printf '%02x%02x%02x' $low $middle $high
}

# The digest of TPM2_PolicyPCR (TPM 2.0 part 3, 23.7) on a fresh session, which is
# tpm2-policy-hash in the token: H(0... || TPM_CC_PolicyPCR || selection || H(values)),
# the selection being one TPMS_PCR_SELECTION, sha256, three bytes of bits.
policy_of()
{
	values=$(printf '%s\n' "$1" | tr + '\n' | sed 's/.*=//' | tr -d '\n')
	zero=$(printf '%064d' 0)
	sha256 "${zero}0000017f00000001000b03$(pcr_bits "$1")$(sha256 "$values")"
}

# The records: one file per disk, named by its UUID, lines of a word and a value.
# The last line says that nothing is missing.

# write_record [SLOT]: without one it says what is going to be done.  It is on the
# disk before this returns.
write_record()
{
	{
		printf '%s\n' "uuid $uuid" "device $dev" "boot $(boot_id)" \
			"policy $policy" "before $before"
		[ $# = 0 ] || printf '%s\n' "slot $1" "token $token"
		echo end
	} > "$slots_dir/.$uuid.new" &&
		sync_record "$slots_dir/.$uuid.new" &&
		mv -f "$slots_dir/.$uuid.new" "$slots_dir/$uuid" &&
		sync_record "$slots_dir" "${slots_dir%/*}" "${slots_dir%/*/*}"
}

# Not every sync can do single files.
sync_record()
{
	sync "$@" 2> /dev/null || sync
}

boot_id()
{
	cat /proc/sys/kernel/random/boot_id
}

# read_record FILE: what is in it, as r_*
read_record()
{
	r_uuid='' r_device='' r_boot='' r_policy='' r_before='' r_slot='' r_token=''
	last=''
	while IFS= read -r line; do
		last=$line value=${line#* }
		case $line in
		"uuid "*) r_uuid=$value ;;
		"device "*) r_device=$value ;;
		"boot "*) r_boot=$value ;;
		"policy "*) r_policy=$value ;;
		"before "*) r_before=$value ;;
		"slot "*) r_slot=$value ;;
		"token "*) r_token=$value ;;
		esac
	done < "$1"
	valid_record "$1" || fail "$1: not readable as a record; kept"
}

valid_record()
{
	[ "$last" = end ] && [ "$r_uuid" = "${1##*/}" ] || return
	case $r_policy in
	*[!0-9a-f]*) return 1 ;;
	esac
	case $r_slot in
	*[!0-9]*) return 1 ;;
	esac
	[ ${#r_policy} = 64 ] || return
	[ -z "$r_slot" ] || [ -n "$r_token" ]
}

drop_record()
{
	rm -f "$slots_dir/$r_uuid" && sync_record "$slots_dir"
}

# Wiping

# settle: with a record read and $dev set, takes what is ours out of the header, and
# the record away.  Whatever is not certain is left, with the record.
settle()
{
	read_header "$dev" || return
	status=0
	find_token "$dev" "$r_policy" || status=$?
	case $status in
	0) settle_token ;;
	1) settle_none ;;
	*) fail "$dev: a token cannot be read; the record is kept" ;;
	esac
}

settle_token()
{
	case $token_slots in
	"") remove_token ;;
	*"$newline"*) fail "$dev: token $token_id has several slots; left alone" ;;
	*) settle_slot "$token_slots" ;;
	esac
}

# A crash has come between the removal of a slot and that of its token.
remove_token()
{
	cryptsetup token remove --token-id "$token_id" "$dev" &&
		drop_record && say "$dev: removed a token of ours that had no slot"
}

was_before()
{
	case " $r_before " in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

settle_slot()
{
	if [ -n "$r_slot" ] && [ "$1 $token" != "$r_slot $r_token" ]; then
		fail "$dev: the token of slot $1 has changed; left alone"
		return
	elif [ -z "$r_slot" ] && was_before "$1"; then
		fail "$dev: slot $1 is older than the record; left alone"
		return
	fi
	wipe_slot "$1" && drop_record
}

# systemd-cryptenroll takes away the tokens of a slot, and all other slots of these.
wipe_slot()
{
	[ -z "$(other_tokens "$token_id" "$1")" ] ||
		{ fail "$dev: slot $1 has another token, too; left alone"; return; }
	active_slots | grep -qvFx -e "$1" ||
		{ fail "$dev: slot $1 is the last one; left alone"; return; }
	systemd-cryptenroll --wipe-slot="$1" "$dev" ||
		{ fail "$dev: slot $1 could not be wiped"; return; }
	say "$dev: slot $1 is wiped"
}

# No token has our policy.  Is it the disk that the slot was made on?
settle_none()
{
	if [ "$dev" != "$r_device" ] && has_uuid "$r_device" "$r_uuid"; then
		settle_recorded
	elif [ -n "$r_slot" ] && active_slots | grep -Fqx -e "$r_slot"; then
		fail "$dev: slot $r_slot has not the token that was enrolled:" \
		     "not ours any more, or not our disk; left alone, and" \
		     "$slots_dir/$r_uuid is kept"
	elif is_the_disk; then
		tell_new_slots
		drop_record
	else
		fail "$dev: no slot of ours, but it may not be the only disk with" \
		     "this UUID; $slots_dir/$r_uuid is kept"
	fi
}

# Who has called goes on with the disk that was named.
settle_recorded()
{
	named=$dev dev=$r_device
	settle
	status=$?
	dev=$named
	return $status
}

# A name stands for the same disk as long as the boot lasts.
is_the_disk()
{
	[ "$dev $(boot_id)" = "$r_device $r_boot" ] || one_with_uuid "$r_uuid"
}

# What has no token may be anybody's.
tell_new_slots()
{
	[ -z "$r_slot" ] || return 0
	for slot in $(active_slots); do
		was_before "$slot" && continue
		[ "$(slot_type "$slot")" != "no token" ] ||
			say "$dev: slot $slot is new and has no token: a password," \
			    "or the half of an enrolment; left alone"
	done
}

# Without a device: not what this boot has enrolled for the next one.
wipe_all()
{
	status_all=0
	for file in "$slots_dir"/*; do
		[ -f "$file" ] || continue
		wipe_record "$file" || status_all=1
	done
	return $status_all
}

wipe_record()
{
	read_record "$1" || return
	if [ -n "$r_slot" ] && [ "$r_boot" = "$(boot_id)" ]; then
		say "$r_device: slot $r_slot is for the kexec that is to come; kept"
	elif find_device "$r_uuid" "$r_device"; then
		settle
	else
		say "$r_device, UUID $r_uuid: not there; its record is kept"
	fi
}

wipe_device()
{
	set_device "$1" || return
	[ -e "$slots_dir/$uuid" ] || say "$dev: there is no record of a slot"
	settle_disk
}

settle_disk()
{
	[ -e "$slots_dir/$uuid" ] || return 0
	read_record "$slots_dir/$uuid" || return
	settle
}

# Enrolling

# Loaded, and the kernel is going to measure it.
check_pending()
{
	json=$(kexec-uki status --json)
	case $? in
	0) ;;
	1) die "no image is loaded" ;;
	*) die "what is loaded and pending cannot be told" ;;
	esac
	events=$(printf '%s\n' "$json" | sed -n 's/^ *"events": *\([0-9]*\),*$/\1/p')
	case $events in
	"" | *[!0-9]*) die "the kernel does not measure the kexec" ;;
	esac
	[ "$events" -gt 0 ] || die "the image that is loaded is not going to be measured"
}

predict()
{
	kexec-uki predict --systemctl --at enter-initrd --cryptenroll \
		${pcrs:+--pcr "$pcrs"} ${ima_pcr:+--ima-pcr "$ima_pcr"}
}

set_literal()
{
	literal=$(predict) || die "the PCRs after the kexec cannot be told"
	is_literal "$literal" || die "kexec-uki predict has printed no PCRs"
	case +$literal in
	*+4:* | *+11:*) ;;
	*) die "neither PCR 4 nor PCR 11: any image could open that slot" ;;
	esac
	policy=$(policy_of "$literal")
	[ ${#policy} = 64 ] || die "the policy cannot be computed"
}

# What opens the disk now stays as it is.
check_others()
{
	before=$(active_slots | tr '\n' ' ')
	before=${before% }
	[ -n "$before" ] || die "$dev: no other slot is there"
	for slot in $before; do
		say "$dev: slot $slot ($(slot_type "$slot")) stays"
	done
	tokens | grep -q '^[0-9]* systemd-tpm2 [0-9]' ||
		say "$dev: no slot that the TPM opens after a boot from firmware"
}

check_policy()
{
	status=0
	find_token "$dev" "$policy" || status=$?
	case $status in
	0) die "$dev: token $token_id has this policy, and no record says that it is ours" ;;
	1) ;;
	*) die "$dev: a token cannot be read" ;;
	esac
}

run_cryptenroll()
{
	systemd-cryptenroll "$unlock" --tpm2-device="$tpm" --tpm2-pcrs="$literal" \
		--tpm2-public-key= --tpm2-pcrlock= "$dev"
}

# The slot that has appeared: its token has our policy.
keep_token()
{
	read_header "$dev" || return
	find_token "$dev" "$policy" || { fail "$dev: the new slot is not there"; return; }
	case $token_slots,$token in
	,* | *"$newline"*) fail "$dev: token $token_id has not one slot"; return ;;
	esac
	write_record "$token_slots" || fail "the record cannot be written"
}

# Nothing may have changed meanwhile: the slot would stay shut.
same_literal()
{
	if ! again=$(predict) || [ "$again" != "$literal" ]; then
		fail "what is to be executed, or the TPM, has changed meanwhile"
	fi
}

enroll()
{
	set_device "$1" || exit
	check_pending
	set_literal
	mkdir -p "$slots_dir" || exit
	settle_disk || die "$dev: an older slot is in the way"
	read_header "$dev" || exit
	check_others
	check_policy
	planned=yes
	write_record || die "the record cannot be written"
	run_cryptenroll || die "$dev: systemd-cryptenroll has failed"
	keep_token || exit
	same_literal || exit
	# It is done, whoever listens or not.
	trap '' HUP INT TERM PIPE
	planned=''
	say "$dev: slot $token_slots opens after the kexec of what is loaded now"
	say "load nothing else, and execute it: systemctl kexec"
	return 0
}

# What a run leaves that has not come to its end: the slot goes, then the record.
clean_up()
{
	trap '' HUP INT TERM PIPE
	if [ -n "$planned" ]; then
		rm -f "$slots_dir/.$uuid.new"
		settle_disk || fail "$dev: a slot may be left; see to it that it is wiped"
	fi
	[ -z "$lock_dir" ] || rmdir "$lock_dir"
}

enroll_options()
{
	unlock='' tpm=auto pcrs='' ima_pcr='' device=''
	for arg; do
		case $arg in
		--unlock-key-file=?* | --unlock-tpm2-device=?*)
			[ -z "$unlock" ] || wrong "two ways to unlock the disk"
			unlock=$arg ;;
		--tpm2-device=?*) tpm=${arg#*=} ;;
		--pcrs=?*) pcrs=${arg#*=} ;;
		--ima-pcr=?*) ima_pcr=${arg#*=} ;;
		-*) wrong "$arg: not an option, or without a value" ;;
		*)
			[ -z "$device" ] || wrong "$arg: one device only"
			device=$arg ;;
		esac
	done
	[ -n "$device" ] || wrong "no device"
	[ -n "$unlock" ] || wrong "nothing to unlock the disk with"
}

main()
{
	command=${1-}
	[ $# = 0 ] || shift
	case $command:${1-} in
	--help:* | -h:* | *:--help | *:-h) usage; exit ;;
	enroll:*) enroll_options "$@" ;;
	wipe:-*) wrong "$1: not an option" ;;
	wipe:*) [ $# -le 1 ] || wrong "one device only" ;;
	*) wrong "enroll or wipe?" ;;
	esac
	trap clean_up EXIT
	trap 'exit 130' HUP INT TERM PIPE
	take_lock
	case $command:$# in
	enroll:*) enroll "$device" ;;
	wipe:0) wipe_all ;;
	wipe:1) wipe_device "$1" ;;
	esac
}

main "$@"
