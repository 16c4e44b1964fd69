// SPDX-License-Identifier: GPL-2.0
/*
 * PCRs as the TPM has them, and as they will be after an extend
 *
 * Tells whether an extend was executed that did not come back as it should.  A value
 * that may be that of another PCR or of another time must never be taken for the
 * answer.
 */

#include <linux/string.h>
#include <linux/tpm.h>
#include <crypto/sha1.h>
#include <crypto/sha2.h>
#include <crypto/sm3.h>

#include "live.h"

/*
 * After a time-out the TPM may send the response that is late in place of this one,
 * and a damaged one may be sent again.
 */
#define READ_ATTEMPTS		3

/**
 * tpm_live_can_hash() - tell whether there is code for a bank's hash
 * @alg: TPM_ALG_*
 *
 * Return: true if there is
 */
bool tpm_live_can_hash(u16 alg)
{
	return alg == TPM_ALG_SHA1 || alg == TPM_ALG_SHA256 ||
	       alg == TPM_ALG_SHA384 || alg == TPM_ALG_SHA512 ||
	       alg == TPM_ALG_SM3_256;
}

/**
 * tpm_live_extend_value() - do to a value what a TPM does to a PCR
 * @alg: TPM_ALG_* of the bank
 * @size: bytes of a digest of @alg
 * @value: the value
 * @digest: what it is extended with
 *
 * Return: true; false if there is no code for @alg, and @value is as it was
 */
bool tpm_live_extend_value(u16 alg, u16 size, u8 *value, const u8 *digest)
{
	u8 both[2 * TPM2_MAX_DIGEST_SIZE];

	if (!tpm_live_can_hash(alg))
		return false;

	memcpy(both, value, size);
	memcpy(both + size, digest, size);
	switch (alg) {
	case TPM_ALG_SHA1:
		sha1(both, 2 * size, value);
		break;
	case TPM_ALG_SHA256:
		sha256(both, 2 * size, value);
		break;
	case TPM_ALG_SHA384:
		sha384(both, 2 * size, value);
		break;
	case TPM_ALG_SHA512:
		sha512(both, 2 * size, value);
		break;
	case TPM_ALG_SM3_256:
		sm3(both, 2 * size, value);
		break;
	}
	return true;
}

/*
 * The response to TPM2_PCR_Read of one PCR in one bank (TPM 2.0 Library Part 3,
 * 22.4): pcrUpdateCounter, the selection as it was in the command, one digest.
 */
struct pcr_read_response {
	struct tpm_header header;
	__be32 update_counter;
	__be32 nr_selections;
	__be16 alg;
	u8 select_size;
	u8 select[TPM2_PCR_SELECT_MIN];
	__be32 nr_digests;
	__be16 digest_size;
	u8 digest[];
} __packed;

/*
 * Heed everything that has a known value: after a time-out, what comes may be the
 * response to the command before.
 */
static bool is_pcr_read(const struct pcr_read_response *rsp, u16 alg,
			const u8 *select, u32 nr_digests)
{
	return be16_to_cpu(rsp->header.tag) == TPM2_ST_NO_SESSIONS &&
	       be32_to_cpu(rsp->header.return_code) == TPM2_RC_SUCCESS &&
	       be32_to_cpu(rsp->nr_selections) == 1 &&
	       be16_to_cpu(rsp->alg) == alg &&
	       rsp->select_size == sizeof(rsp->select) &&
	       !memcmp(rsp->select, select, sizeof(rsp->select)) &&
	       be32_to_cpu(rsp->nr_digests) == nr_digests;
}

/* A PCR that the bank does not have is left out (Part 3, 22.4.1). */
static int check_pcr_read(const struct pcr_read_response *rsp, ssize_t len,
			  u32 pcr, u16 alg, u16 size)
{
	static const u8 none[TPM2_PCR_SELECT_MIN];
	u8 select[TPM2_PCR_SELECT_MIN] = {};

	select[pcr / 8] = BIT(pcr % 8);
	if (len == struct_size(rsp, digest, size) &&
	    is_pcr_read(rsp, alg, select, 1) &&
	    be16_to_cpu(rsp->digest_size) == size)
		return 0;
	if (len == offsetof(typeof(*rsp), digest_size) &&
	    is_pcr_read(rsp, alg, none, 0))
		return -ENOENT;
	return -EIO;
}

static ssize_t send_pcr_read(struct tpm_chip *chip, struct tpm_buf *buf,
			     u32 pcr, u16 alg)
{
	u8 select[TPM2_PCR_SELECT_MIN] = {};

	select[pcr / 8] = BIT(pcr % 8);
	tpm_buf_reset(buf, TPM2_ST_NO_SESSIONS, TPM2_CC_PCR_READ);
	tpm_buf_append_u32(buf, 1);
	tpm_buf_append_u16(buf, alg);
	tpm_buf_append_u8(buf, sizeof(select));
	tpm_buf_append(buf, select, sizeof(select));
	return tpm_transmit(chip, buf->data, PAGE_SIZE);
}

/**
 * tpm_live_read_pcr() - read a PCR
 * @chip: the TPM, which the caller holds; it has a log
 * @pcr: index of the PCR
 * @alg: TPM_ALG_* of the bank
 * @size: bytes of a digest of @alg
 * @value: the value
 *
 * Unlike tpm2_pcr_read() this takes nothing but the answer to what was asked.  With
 * that the TPM and the driver are in step again.  A TPM that is silent is not asked
 * again, for it may take minutes to be so.
 *
 * Return: 0; -ENOENT if the PCR is not in that bank; -EIO if it cannot be read
 */
int tpm_live_read_pcr(struct tpm_chip *chip, u32 pcr, u16 alg, u16 size,
		      u8 *value)
{
	const struct pcr_read_response *rsp;
	unsigned int attempt;
	struct tpm_buf buf;
	int ret = -EIO;
	ssize_t len;

	if (tpm_buf_init(&buf, TPM2_ST_NO_SESSIONS, TPM2_CC_PCR_READ))
		return -EIO;

	rsp = (const void *)buf.data;
	for (attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
		len = send_pcr_read(chip, &buf, pcr, alg);
		ret = -EIO;
		if (len == -ETIME)
			break;
		ret = check_pcr_read(rsp, len, pcr, alg, size);
		if (!ret) {
			memcpy(value, rsp->digest, size);
			chip->live->out_of_step = false;
			break;
		}
		/* Nothing in that answer is about this PCR: it may be a late one. */
		if (ret == -ENOENT && !chip->live->out_of_step)
			break;
	}
	tpm_buf_destroy(&buf);
	return ret;
}
