# SPDX-License-Identifier: GPL-2.0
"""The node that tells of the log: there after a kexec, and empty once it is read.

What a node points to is shown by sysfs for as long as the system runs; the memory
of a log that was read belongs to somebody else.
"""

SCRIPT = """
nodes() {
	for node in /sys/kernel/boot_params/setup_data/*; do
		[ -e $node/type ] || break
		echo "$(cat $node/type) $(cat $node/data | wc -c)"
	done | emit $1/nodes
}
k=$(sed 's/.*hop=//' /proc/cmdline)
nodes $k
dump $k
[ $k = 3 ] && bye
try $k/load kexec -s -l /in/next$((k + 1)).efi
try $k/exec kexec -e
"""
WORDS = "e2e=:first.sh hop=%d"
TPM_LOG = "0x8000000b"      # SETUP_INDIRECT | SETUP_TPM_LOG


def run(t):
    for n in 2, 3:
        t.next(f"next{n}.efi", cmdline=WORDS % n)
    r = t.boot(SCRIPT, first=t.first("hop=1"))
    for k in 1, 2, 3:
        nodes = [line.split() for line in r.text(f"{k}/nodes").splitlines()]
        logs = [int(size) for kind, size in nodes if kind == TPM_LOG]
        t.equal(logs, [] if k == 1 else [0], f"logs in the nodes of kernel {k}")
        t.true("of the last kernel" not in r.text(f"{k}/dmesg"),
               f"kernel {k} takes its log")
    t.true(len(r.files["3/bios_log"]) > len(r.files["2/bios_log"]),
           "the log grows")
