/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The TPM event log as one kernel leaves it to the next
 */

#ifndef __TPM_KEXEC_LOG_ABI_H__
#define __TPM_KEXEC_LOG_ABI_H__

#include <linux/build_bug.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <crypto/sha2.h>

/**
 * DOC: TPM event log across kexec
 *
 * A kernel that executes another one by kexec_file_load() leaves in a segment of
 * its own &struct tpm_kexec_log_ser and, right behind it, the whole event log: the
 * Spec ID event, the records of the firmware, and all that was recorded since, by
 * whichever kernel.  The log is in the crypto agile format of the TCG PC Client
 * Platform Firmware Profile 1.06, 10.2.  What follows it in the segment means
 * nothing.
 *
 * The architecture tells the next kernel where the segment is: on x86 by setup_data
 * of type SETUP_TPM_LOG inside SETUP_INDIRECT, elsewhere by
 * /chosen/linux,tpm-kexec-buffer.
 *
 * The segment is filled after the digest that purgatory checks was made, and is left
 * out of it.  Damage is found by the digest in here, which is no protection against
 * the kernel that wrote it.
 *
 * This interface is a contract.  Any modification to the structure layout
 * constitutes a breaking change.  Such changes require incrementing
 * TPM_KEXEC_LOG_VERSION; a kernel drops a log of a version that it does not know.
 */

/* The first eight bytes of the segment, without NUL. */
#define TPM_KEXEC_LOG_MAGIC	"TPMKXLOG"

#define TPM_KEXEC_LOG_VERSION	1

/*
 * The longest log that is handed over or taken, against lengths that lie.  Logs of
 * firmware have some 10 to 100 KiB, a kexec adds about 10 KiB, and what user space
 * may add is bounded by CONFIG_TCG_LIVE_LOG_PCR_KB for each of 15 PCRs.
 */
#define TPM_KEXEC_LOG_MAX	SZ_16M

/**
 * struct tpm_kexec_log_ser - what is in front of the log
 * @magic: TPM_KEXEC_LOG_MAGIC
 * @version: TPM_KEXEC_LOG_VERSION
 * @reserved: 0
 * @len: bytes of the log, at most TPM_KEXEC_LOG_MAX
 * @sha256: SHA-256 digest of the log
 */
struct tpm_kexec_log_ser {
	u8 magic[8];
	__le32 version;
	__le32 reserved;
	__le64 len;
	u8 sha256[SHA256_DIGEST_SIZE];
} __packed;

static_assert(sizeof(struct tpm_kexec_log_ser) == 56);

#endif /* __TPM_KEXEC_LOG_ABI_H__ */
