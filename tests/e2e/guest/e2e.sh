# SPDX-License-Identifier: GPL-2.0
#
# What the guests' scripts use.  Everything for the host goes over the second
# serial port as files in base64, each between lines that begin with a marker:
# the firmware writes to that port too.

port=/dev/ttyS1
stty -F $port raw -echo 2> /dev/null

say()
{
	echo "e2e: $*"
	printf '\n@say %s\n' "$*" > $port
}

# emit NAME < DATA
emit()
{
	printf '\n@begin %s\n' "$1" > $port
	base64 > $port
	printf '@end %s\n' "$1" > $port
}

bye()
{
	printf '\n@bye\n' > $port
	sync
	poweroff -f
	sleep 60
	reboot -f
}

# pcrs NAME [NUMBER]: every PCR of every bank, "sha256 11 HEX" each, of the chip
# with that number
pcrs()
{
	for f in "/sys/class/tpm/tpm${2:-0}"/pcr-*/*; do
		[ -e "$f" ] || break
		read -r value < "$f"
		bank=${f%/*}
		echo "${bank##*/pcr-} ${f##*/} $value"
	done | emit "$1/pcrs"
}

copy()
{
	[ -e "$2" ] && emit "$1" < "$2"
}

# logs NAME: the TPM, and the logs that explain it
logs()
{
	pcrs "$1"
	log=/sys/kernel/security/tpm0
	copy "$1/bios_log" $log/binary_bios_measurements
	copy "$1/live_log" $log/binary_measurements_live
}

# pending NAME: the records of the kernel that is loaded
pending()
{
	copy "$1/pending" /sys/kernel/security/kexec/pending_measurements
}

# extra NAME: every file and directory that the boot has left in /.extra, one a
# line: SHA-256 or "-", mode, owner, group, size or "-", path
extra()
{
	find /.extra 2> /dev/null | while read -r f; do
		digest='-' size='-'
		if [ -f "$f" ]; then
			digest=$(sha256sum < "$f" | cut -d ' ' -f 1)
			size=$(stat -c %s "$f")
		fi
		echo "$digest" "$(stat -c '%a %u %g' "$f") $size $f"
	done | emit "$1/extra"
}

# dump NAME: all that a test may want to know of this kernel
dump()
{
	logs "$1"
	copy "$1/cmdline" /proc/cmdline
	uname -rv | emit "$1/uname"
	sec=/sys/kernel/security
	for f in "$sec"/ima/binary_runtime_measurements*; do
		copy "$1/ima/${f##*/}" "$f"
	done
	copy "$1/ima_ascii" $sec/ima/ascii_runtime_measurements
	copy "$1/kexec_loaded" /sys/kernel/kexec_loaded
	extra "$1"
	copy "$1/who" /who
	find /sys/firmware/efi/efivars -type f | emit "$1/efivars"
	{ cat /tmp/dmesg.all 2> /dev/null; dmesg; } | emit "$1/dmesg"
}

# try NAME COMMAND...: the command's output and status, and what the kernel
# said meanwhile
try()
{
	name=$1
	shift
	dmesg -c > /tmp/dmesg.old
	cat /tmp/dmesg.old >> /tmp/dmesg.all
	"$@" > /tmp/try.out 2>&1
	status=$?
	emit "$name/out" < /tmp/try.out
	echo $status | emit "$name/status"
	dmesg | emit "$name/dmesg"
	say "$name: status $status: $(tr '\n' ' ' < /tmp/try.out)"
	return $status
}

loaded()
{
	read -r value < /sys/kernel/kexec_loaded
	echo "$value" | emit "$1/loaded"
}
