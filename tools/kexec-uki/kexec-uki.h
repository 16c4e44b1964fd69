/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the subcommands share: options, exit statuses, a way to complain.
 */

#ifndef KEXEC_UKI_H
#define KEXEC_UKI_H

#include <stdbool.h>

#include <linux/compiler.h>
#include <linux/types.h>

/* Exit statuses */
#define STATUS_OK	0
#define STATUS_DIFFERS	1	/* or refused, or nothing loaded */
#define STATUS_UNKNOWN	2	/* cannot tell, and usage */

/* Moments of the next boot, in their order */
enum point {
	POINT_EXECUTE,
	POINT_ENTER_INITRD,
	POINT_LEAVE_INITRD,
	POINT_SYSINIT,
	POINT_READY,
};

/**
 * struct options - what the command line says
 * @log: file with an event log, or NULL for the kernel's
 * @pending: file with a pending list, or NULL for the kernel's
 * @pcrs: file with PCR values, or NULL for the TPM's
 * @device: the TPM's device, or NULL for the one that has the log
 * @ima_pcr: the PCR that is IMA's
 * @replay: start from the PCRs that the log replays to
 * @digests: print digests, too
 * @json: print JSON
 * @at: the point to predict for
 * @systemctl: systemd does the shutdown before the execute
 * @boot_log: file with the log of this boot's start, or NULL for the kernel's
 * @words: file with what the next user space extends, or NULL for what this one did
 * @pcr_mask: a bit for each PCR that is asked for, or 0 for the usual ones
 * @bank: TPM_ALG_* of @cryptenroll's bank, or 0 for SHA-256
 * @cryptenroll: print an argument for systemd-cryptenroll
 * @pcrlock: directory for a component of systemd-pcrlock, or NULL
 * @uki: the UKI to load
 * @cmdline: command line for it, or NULL for its own
 * @esp: root directory of the file system with companions, or NULL for the UKI's
 * @initrd: another initrd for it, or NULL
 * @secret: file with the boot secret, "" for the usual one, or NULL for no secret
 * @profile: the profile to load
 * @has_profile: @profile was given
 * @no_companions: leave out what lies beside the UKI
 * @crash: the crash kernel is meant
 * @verbose: say more
 */
struct options {
	const char *log;
	const char *pending;
	const char *pcrs;
	const char *device;
	unsigned int ima_pcr;
	bool replay;
	bool digests;
	bool json;
	enum point at;
	bool systemctl;
	const char *boot_log;
	const char *words;
	u32 pcr_mask;
	u16 bank;
	bool cryptenroll;
	const char *pcrlock;
	const char *uki;
	const char *cmdline;
	const char *esp;
	const char *initrd;
	const char *secret;
	unsigned int profile;
	bool has_profile;
	bool no_companions;
	bool crash;
	bool verbose;
};

int cmd_log(const struct options *options);
int cmd_replay(const struct options *options);
int cmd_pending(const struct options *options);
int cmd_predict(const struct options *options);
int cmd_load(const struct options *options);
int cmd_status(const struct options *options);
int cmd_unload(const struct options *options);

/* "kexec-uki: ..." on standard error; returns -1 */
__printf(1, 2) int complain(const char *format, ...);

#endif /* KEXEC_UKI_H */
