/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TPM 2.0 commands that extend a PCR: what they extend it with
 *
 * Pure: a command and its response in, digests out.
 */

#ifndef __TPM2_EXTEND_H__
#define __TPM2_EXTEND_H__

#include <linux/types.h>

#define TPM2_EXTEND_MAX_DIGESTS	16
#define TPM2_EXTEND_MAX_DIGEST	64

/* The PCR handle was TPM_RH_NULL: nothing is extended. */
#define TPM2_EXTEND_NO_PCR	0xffffffff

enum tpm2_extend_kind {
	TPM2_EXTEND_NONE,		/* another command */
	TPM2_EXTEND_PCR_EXTEND,		/* digests are in the command */
	TPM2_EXTEND_PCR_EVENT,		/* digests are in the response */
	TPM2_EXTEND_EVENT_SEQUENCE,	/* EventSequenceComplete, the same */
};

/**
 * struct tpm2_extend_digest - a digest that a bank is extended with
 * @alg: TPM_ALG_*
 * @size: bytes of @digest
 * @digest: the digest
 */
struct tpm2_extend_digest {
	u16 alg;
	u16 size;
	u8 digest[TPM2_EXTEND_MAX_DIGEST];
};

/**
 * struct tpm2_extend - what a command extends
 * @kind: which command
 * @pcr: the PCR, or TPM2_EXTEND_NO_PCR
 * @nr_digests: number of @digests
 * @digests: in the order in which the TPM takes them; a bank may come twice
 */
struct tpm2_extend {
	enum tpm2_extend_kind kind;
	u32 pcr;
	unsigned int nr_digests;
	struct tpm2_extend_digest digests[TPM2_EXTEND_MAX_DIGESTS];
};

enum tpm2_extend_kind tpm2_extend_kind(const void *cmd, size_t len);
int tpm2_extend_parse(const void *cmd, size_t len, struct tpm2_extend *extend);
int tpm2_extend_response(const void *rsp, size_t len,
			 struct tpm2_extend *extend);

#endif /* __TPM2_EXTEND_H__ */
