/* SPDX-License-Identifier: GPL-2.0 */
/* TPM_ALG_ID, TCG Algorithm Registry 6.10, as in the kernel's tpm.h */
#ifndef ROOMS_LINUX_TPM_H
#define ROOMS_LINUX_TPM_H

#include <linux/types.h>

#define TPM_ALG_SHA1	0x0004
#define TPM_ALG_SHA256	0x000B

#define TPM2_MAX_DIGEST_SIZE	64
#define TPM2_MAX_PCR_BANKS	8

struct tpm_digest {
	u16 alg_id;
	u8 digest[TPM2_MAX_DIGEST_SIZE];
} __attribute__((packed));

#endif
