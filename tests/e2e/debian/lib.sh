# SPDX-License-Identifier: GPL-2.0
#
# What the boots' scripts use, besides e2e.sh; $n is the number of the boot.
# n comes from there, and they use the others:
# shellcheck disable=SC2034,SC2154

uki=/efi/EFI/Linux
disk=/dev/disk/by-partlabel/root
key=/etc/disk.key
pcrlock=/usr/lib/systemd/systemd-pcrlock

# settled: until all of this boot's measurements are made
settled()
{
	systemctl is-system-running --wait > /dev/null 2>&1 || true
}

# look: what a verifier gets
look()
{
	settled
	systemctl --failed --no-legend --plain | emit "$n/failed"
	logs "$n"
	copy "$n/user_log" /run/log/systemd/tpm2-measure.log
}

# quote: PCRs under a key of the TPM, and what tpm2_checkquote says of it
quote()
{
	cd /tmp || return
	pcrs=sha256:0,1,2,3,4,5,6,7,8,9,11,12,13,14,15
	nonce=$(head -c 16 /dev/urandom | sha256sum | cut -c 1-32)
	{
		tpm2 createek -Q -c ek.ctx -G rsa -u ek.pub &&
		tpm2 createak -Q -C ek.ctx -c ak.ctx -G rsa -g sha256 -s rsassa \
			-u ak.pub -f pem -n ak.name &&
		tpm2 quote -Q -c ak.ctx -l $pcrs -q "$nonce" -g sha256 \
			-m quote.msg -s quote.sig -o quote.pcrs
	} 2>&1 | emit "$n/quote/made"
	tpm2 checkquote -u ak.pub -m quote.msg -s quote.sig -f quote.pcrs \
		-g sha256 -q "$nonce" > quoted.yaml 2> complaint
	echo $? | emit "$n/quote/status"
	emit "$n/quote/pcrs" < quoted.yaml
	emit "$n/quote/error" < complaint
	cd /root || return
}

# default NAME: the boot entry that systemd-boot and systemctl kexec take
default()
{
	try "$n/default" bootctl set-default "$1"
}

# hop [ARGUMENT...]: systemctl kexec; returns only if that did not work
hop()
{
	sync
	try "$n/kexec" systemctl kexec "$@" && sleep infinity
}

slots()
{
	systemd-cryptenroll "$disk" 2>&1 | emit "$n/$1"
}

# enroll: a slot for the kexec of what is loaded
enroll()
{
	try "$n/enroll" kexec-uki-cryptenroll enroll "$disk" --unlock-key-file=$key
	slots enrolled
}

# wipe: no slot for a kexec any more
wipe()
{
	try "$n/wipe" kexec-uki-cryptenroll wipe
	slots wiped
}

# always_open: one more slot, for tests that are not about what opens the disk
always_open()
{
	try "$n/always" systemd-cryptenroll --unlock-key-file=$key \
		--tpm2-device=auto --tpm2-pcrs= --tpm2-public-key= \
		--tpm2-pcrlock= "$disk"
}

# predict NAME OPTIONS...: the PCRs, as the tests read them
predict()
{
	what=$1
	shift
	kexec-uki predict --systemctl "$@" > /tmp/predicted 2> /tmp/complaint
	echo $? | emit "$n/$what/status"
	emit "$n/$what/pcrs" < /tmp/predicted
	emit "$n/$what/error" < /tmp/complaint
}

# seal PCRS: a secret for the next kernel, before its user space extends anything:
# by tpm2-tools alone, to the PCRs as they are predicted for right after the jump
seal()
{
	cd /tmp || return
	kexec-uki predict --systemctl --pcr "$1" | awk '$1 == "sha256" { print $3 }' |
		perl -ne 'chomp; print pack "H*", $_' > pcrs.bin
	{
		tpm2 createprimary -Q -C o -c primary.ctx &&
		tpm2 createpolicy -Q --policy-pcr -l "sha256:$1" -f pcrs.bin \
			-L sealed.policy &&
		printf 'the secret of the next kernel' |
			tpm2 create -Q -C primary.ctx -L sealed.policy \
				-u /run/in/sealed.pub -r /run/in/sealed.priv -i -
	} 2>&1 | emit "$n/seal"
	echo "$1" > /run/in/sealed.pcrs
	cd /root || return
}
