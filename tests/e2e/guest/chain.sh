# SPDX-License-Identifier: GPL-2.0
#
# One hop of the matrix's chain: says what the last kexec has left, loads the next
# UKI that can be loaded, and jumps.  The share, which is writable, keeps what is
# to be known after the jump:
#
#   at/cell     which cell's UKI runs, none in the first kernel
#   at/todo     the cells that are to come, one a line
#   at/size     of the log that this kernel should have found, and at/sum its
#   at/sum      SHA-256
#   NAME/load   how a cell is loaded
#
# The log grows with each hop, so only what is new of it is sent.

log=/sys/kernel/security/tpm0

new_log()
{
	size=0
	[ -e /in/at/size ] && read -r size < /in/at/size
	head -c "$size" $log/binary_bios_measurements | sha256sum |
		emit "$1/head"
	[ -e /in/at/sum ] && copy "$1/sum" /in/at/sum
	tail -c "+$((size + 1))" $log/binary_bios_measurements |
		emit "$1/new"
}

hop()
{
	pcrs "$1"
	new_log "$1"
	copy "$1/cmdline" /proc/cmdline
	extra "$1"
	dmesg | emit "$1/dmesg"
}

# Whatever fails, the cells after it have their turn.
go()
{
	while read -r cell; do
		tail -n +2 /in/at/todo > /in/at/rest
		mv /in/at/rest /in/at/todo
		try "$cell/load" . "/in/$cell/load" || continue
		pending "$cell"
		wc -c < $log/binary_measurements_live > /in/at/size
		sha256sum < $log/binary_measurements_live > /in/at/sum
		echo "$cell" > /in/at/cell
		sync
		try "$cell/exec" kexec_load_file exec
	done
}

cell=first
[ -e /in/at/cell ] && read -r cell < /in/at/cell
hop "$cell"
cp /in/at/todo /tmp/todo
go < /tmp/todo
logs end
