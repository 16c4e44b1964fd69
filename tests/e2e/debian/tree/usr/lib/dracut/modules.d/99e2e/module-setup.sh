#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the end-to-end tests want to see of the initrd: the TPM right after the
# jump, the TPM when disks are opened, and a disk that stays shut.

check() {
	return 255
}

depends() {
	echo systemd
}

install() {
	local unit

	inst_multiple stty base64 cat find tr printf mount mkdir poweroff reboot \
		dmesg journalctl stat sha256sum cut uname \
		/usr/lib/e2e/e2e.sh /usr/lib/e2e/jump /usr/lib/e2e/unlock \
		/usr/lib/e2e/refused
	for unit in e2e-jump e2e-unlock e2e-refused; do
		inst_simple "/usr/lib/e2e/$unit.service" \
			"/usr/lib/systemd/system/$unit.service"
	done
	for unit in e2e-jump e2e-unlock; do
		# shellcheck disable=SC2154	# dracut's
		mkdir -p "$initdir/usr/lib/systemd/system/sysinit.target.wants"
		ln -s "../$unit.service" \
			"$initdir/usr/lib/systemd/system/sysinit.target.wants/"
	done
	inst_simple /usr/lib/e2e/on-failure.conf \
		/usr/lib/systemd/system/systemd-cryptsetup@root.service.d/e2e.conf
}
