#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes in out/debian a Debian sid that nobody has changed, with systemd 262, on a
# disk that is encrypted, for the tests in tests/e2e/debian:
#
#   disk.raw      one GPT partition: LUKS2, in it ext4 with the whole system
#   tpm/          the state of the TPM that can open it: key slot 1 is sealed to
#                 the PCR 11 that pcr.key signs, as ukify does; slot 0 is disk.key
#   initrd.img    made by dracut in that system
#   pcr.key, .pub the key of the .pcrsig sections
#   os-release    of that system
#
# What is made is kept until this script, the files of tests/e2e/debian/tree or the
# list of packages changes.  Nothing of the system is patched: the files of the tree
# are configuration, and units that watch.  Needs root, or sudo.  It must never leave
# anything mounted, or installed on the machine.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
out=$top/out/debian
tree=$top/tests/e2e/debian/tree
guest=$top/tests/e2e/guest
log=$top/out/log/debian.log

packages=systemd,systemd-sysv,systemd-boot,systemd-boot-efi,systemd-boot-tools
packages+=,systemd-tpm,systemd-cryptsetup,systemd-repart,udev,dbus,cryptsetup-bin
packages+=,tpm2-tools,libtss2-tcti-device0t64,libtss2-tcti-swtpm0t64,libtss2-rc0t64
packages+=,dracut-core,zstd,kmod,kexec-tools,e2fsprogs,dosfstools,login,procps,jq

# For the person who waits; the rest is for the log
step()
{
	printf '  DEBIAN  %s\n' "$*" >&3
}

# The suite's packages as they are; no file of ours is in there.
bootstrap()
{
	[ "$(cat "$out/system.stamp" 2> /dev/null)" != "$packages" ] || return 0
	uri=$(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' |
		grep -v security | head -n 1)
	[ -n "$uri" ] || { echo "no package archive is configured" >&2; exit 1; }
	step "sid, by mmdebstrap"
	# Files of sid come and go while it is read.
	for try in first second last; do
		rm -rf --one-file-system "$out"
		mkdir -p "$out"
		! from_archive || break
		[ $try != last ] || exit 1
	done
	rm -rf "$out"/system/var/lib/apt/lists/* "$out"/system/var/cache/apt/*
	echo "$packages" > "$out/system.stamp"
}

from_archive()
{
	mmdebstrap --variant=minbase --format=directory \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--include="$packages" sid "$out/system" "$uri"
}

# inside COMMAND...: in the system, with out/debian at /mnt, and with the system
# as it is on the disk at /media
inside()
{
	# shellcheck disable=SC2016	# the inner shell's
	unshare -m bash -euc '
		out=$1 root=$1/system
		shift
		mount -t proc proc "$root/proc"
		mount -t sysfs sys "$root/sys"
		mount --bind /dev "$root/dev"
		mount -t tmpfs tmp "$root/tmp"
		mount -t tmpfs tmp "$root/var/tmp"
		mount --bind "$out" "$root/mnt"
		mount --bind "$root" "$root/media"
		exec chroot "$root" "$@"' - "$out" "$@"
}

configure()
{
	step "configuration"
	cp -r --no-preserve=ownership "$tree/." "$out/system/"
	cp "$guest/e2e.sh" "$out/system/usr/lib/e2e/"
	ln -sf ../e2e.service \
		"$out/system/etc/systemd/system/multi-user.target.wants/e2e.service"
	mkdir -p "$out/system/efi"
	cp "$out/disk.key" "$out/system/etc/disk.key"
	chmod 600 "$out/system/etc/disk.key"
	# Root's password is never asked for; without one no console is open.
	inside passwd --quiet --lock root
	# What the first boot would do, which takes long here
	inside ldconfig
	inside systemd-hwdb update --usr
	inside journalctl --update-catalog
	touch "$out/system/etc/.updated" "$out/system/var/.updated"
	cp "$out/system/etc/os-release" "$out/os-release"
}

initrd()
{
	step "initrd, by dracut"
	inside dracut --force --no-kernel --kver 7.2-e2e --reproducible \
		/mnt/initrd.img
}

disk()
{
	step "disk, by systemd-repart"
	rm -rf "$out/repart.d" "$out/disk.raw"
	mkdir -p "$out/repart.d"
	cat > "$out/repart.d/root.conf" <<-END
		[Partition]
		Type=linux-generic
		Format=ext4
		Label=root
		Encrypt=key-file
		CopyFiles=/media:/
		SizeMinBytes=800M
		SizeMaxBytes=800M
	END
	inside systemd-repart --definitions=/mnt/repart.d --empty=create \
		--size=auto --offline=yes --dry-run=no --key-file=/mnt/disk.key \
		/mnt/disk.raw
}

# The same volume key in a new header.  What this machine takes two seconds to
# derive a key takes an emulated one a minute: here it gets by with less.
slots()
{
	step "key slots, by systemd-cryptenroll"
	at=$(partx -g -o START "$out/disk.raw")
	dd "if=$out/disk.raw" "of=$out/header" bs=512 skip="$at" count=65536
	inside cryptsetup luksDump --batch-mode --dump-volume-key \
		--volume-key-file=/mnt/volume.key --key-file=/mnt/disk.key \
		/mnt/header
	sector=$(inside cryptsetup luksDump /mnt/header |
		awk '/sector:/ { print $2; exit }')
	inside cryptsetup luksFormat --batch-mode --type=luks2 \
		--volume-key-file=/mnt/volume.key --key-size=512 \
		--key-file=/mnt/disk.key --sector-size="$sector" \
		--pbkdf=pbkdf2 --pbkdf-force-iterations=1000 /mnt/header
	seal
	dd "if=$out/header" "of=$out/disk.raw" bs=512 seek="$at" count=32768 \
		conv=notrunc
	rm "$out/header" "$out/volume.key"
}

# The TPM's first slot of the disk is the one of an ordinary installation: whatever
# UKI has a signature by our key may open it, as long as PCR 11 is its own.
seal()
{
	rm -rf "$out/tpm" "$out"/tpm.sock* && mkdir "$out/tpm"
	swtpm_setup --tpm2 --tpmstate "$out/tpm" --overwrite \
		--pcr-banks sha1,sha256,sha384,sha512
	swtpm socket --tpm2 --tpmstate "dir=$out/tpm" --daemon \
		--server "type=unixio,path=$out/tpm.sock" \
		--ctrl "type=unixio,path=$out/tpm.sock.ctrl" \
		--pid "file=$out/tpm.pid" --flags startup-clear,not-need-init
	inside systemd-cryptenroll --unlock-key-file=/mnt/disk.key \
		--tpm2-device=swtpm:path=/mnt/tpm.sock --tpm2-pcrs= \
		--tpm2-public-key=/mnt/pcr.pub --tpm2-public-key-pcrs=11 \
		--tpm2-pcrlock= /mnt/header
	swtpm_ioctl --unix "$out/tpm.sock.ctrl" -s
	rm -f "$out"/tpm.sock* "$out/tpm/.lock"
}

keys()
{
	openssl genrsa -out "$out/pcr.key" 2048
	openssl rsa -in "$out/pcr.key" -pubout -out "$out/pcr.pub"
	printf 'the key of the disk' > "$out/disk.key"
}

make_all()
{
	bootstrap
	keys
	configure
	initrd
	disk
	slots
	chmod -R a+rX "$out"/{tpm,initrd.img,disk.raw,os-release,pcr.key,pcr.pub}
	chroot "$out/system" dpkg-query -W > "$out/packages"
}

if [ "$(id -u)" != 0 ]; then
	exec sudo "$0" "$@"
fi
# Nothing goes on running, whatever happens.
end()
{
	[ ! -S "$out/tpm.sock.ctrl" ] ||
		swtpm_ioctl --unix "$out/tpm.sock.ctrl" -s || true
	rm -f "$out"/tpm.sock* "$out/header" "$out/volume.key"
}

if [ "${1:-}" = make ]; then
	trap end EXIT
	make_all 3>&1 > "$log" 2>&1
	exit
fi
mkdir -p "${log%/*}"
exec 9> "${log%/*}/.debian.lock"
flock 9
cd "$top"
stamp=$(find scripts/debian.sh "${tree#"$top"/}" "${guest#"$top"/}/e2e.sh" \
	-type f -print0 | sort -z | xargs -0 sha256sum | sha256sum |
	cut -d ' ' -f 1)
if [ "$(cat "$out/stamp" 2> /dev/null)" != "$stamp" ]; then
	rm -f "$out/stamp"
	"$top/scripts/debian.sh" make || {
		tail -n 15 "$log" >&2
		echo "debian: FAILED, see ${log#"$top"/}" >&2
		exit 1
	}
	echo "$stamp" > "$out/stamp"
fi
# The tests were written for this one; a newer one may do something else.
known=262.1-1
version=$(awk '$1 == "systemd" { print $2 }' "$out/packages")
printf '  DEBIAN  systemd %s, %s packages\n' "$version" \
	"$(wc -l < "$out/packages")"
[ "$version" = "$known" ] ||
	echo "debian: systemd $version, where $known was expected" >&2
