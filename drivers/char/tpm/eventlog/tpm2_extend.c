// SPDX-License-Identifier: GPL-2.0
/*
 * TPM 2.0 commands that extend a PCR: what they extend it with
 *
 * Reads commands that user space sends and responses that a TPM gives; neither
 * is to be trusted.  This must never read outside of what it was given,
 * allocate, log or keep state: it is built in user space as it is.
 *
 * "Part 2" and "Part 3" are those of the TPM 2.0 Library Specification 1.59,
 * Structures and Commands.  All numbers are big endian.
 */

#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/tcg2_log.h>
#include <linux/types.h>
#include <linux/unaligned.h>

#include "tpm2_extend.h"

/* Part 2, 6.9 TPM_ST (Structure Tags) */
#define ST_NO_SESSIONS			0x8001
#define ST_SESSIONS			0x8002

/* Part 2, 6.5.2 TPM_CC */
#define CC_PCR_EVENT			0x0000013c
#define CC_PCR_EXTEND			0x00000182
#define CC_EVENT_SEQUENCE_COMPLETE	0x00000185

/* Part 2, 7.2 TPM_HT: PCR handles have 0 on top; 7.4 TPM_RH_NULL */
#define HANDLE_TYPE_SHIFT		24
#define HANDLE_TYPE_PCR			0x00
#define RH_NULL				0x40000007

/* Part 1, 18: tag, commandSize or responseSize, commandCode or responseCode */
#define HEAD_SIZE			2
#define HEAD_CODE			6
#define HEAD_LEN			10

static_assert(TPM2_EXTEND_MAX_DIGEST >= TCG2_LOG_MAX_DIGEST,
	      "tcg2_alg_size() is at most TCG2_LOG_MAX_DIGEST");

/* What is left to read; @bad once something was not there. */
struct reader {
	const u8 *p;
	size_t len;
	bool bad;
};

static const u8 *take(struct reader *r, size_t len)
{
	const u8 *p = r->p;

	if (r->bad || r->len < len) {
		r->bad = true;
		return NULL;
	}
	r->p += len;
	r->len -= len;
	return p;
}

static u16 take_u16(struct reader *r)
{
	const u8 *p = take(r, sizeof(u16));

	return p ? get_unaligned_be16(p) : 0;
}

static u32 take_u32(struct reader *r)
{
	const u8 *p = take(r, sizeof(u32));

	return p ? get_unaligned_be32(p) : 0;
}

/*
 * Begin to read a command or a response behind its header.  As the driver does,
 * heed the size that the header says, and let the buffer be longer.
 */
static int read_head(struct reader *r, const u8 *buf, size_t len)
{
	u32 size;

	if (len < HEAD_LEN)
		return -EBADMSG;
	size = get_unaligned_be32(buf + HEAD_SIZE);
	if (size < HEAD_LEN || size > len)
		return -EBADMSG;
	*r = (struct reader){ .p = buf + HEAD_LEN, .len = size - HEAD_LEN };
	return 0;
}

/**
 * tpm2_extend_kind() - tell what a command does to PCRs
 * @cmd: a command
 * @len: its length
 *
 * Goes by the command code alone: whatever else is in the command, it is not
 * for this function to say that the TPM will refuse it.
 *
 * Return: which of the commands that extend a PCR it is, or TPM2_EXTEND_NONE
 */
enum tpm2_extend_kind tpm2_extend_kind(const void *cmd, size_t len)
{
	if (len < HEAD_LEN)
		return TPM2_EXTEND_NONE;
	switch (get_unaligned_be32(cmd + HEAD_CODE)) {
	case CC_PCR_EXTEND:
		return TPM2_EXTEND_PCR_EXTEND;
	case CC_PCR_EVENT:
		return TPM2_EXTEND_PCR_EVENT;
	case CC_EVENT_SEQUENCE_COMPLETE:
		return TPM2_EXTEND_EVENT_SEQUENCE;
	default:
		return TPM2_EXTEND_NONE;
	}
}
EXPORT_SYMBOL_GPL(tpm2_extend_kind);

/* TPMI_DH_PCR+, Part 2, 9.7 */
static int read_pcr(struct reader *r, struct tpm2_extend *extend)
{
	u32 handle = take_u32(r);

	if (r->bad)
		return -EBADMSG;
	if (handle == RH_NULL)
		return 0;
	if (handle >> HANDLE_TYPE_SHIFT != HANDLE_TYPE_PCR)
		return -EBADMSG;
	extend->pcr = handle;
	return 0;
}

/* TPML_DIGEST_VALUES, Part 2, 10.9.6, and nothing behind it */
static int read_digests(struct reader *r, struct tpm2_extend *extend)
{
	struct tpm2_extend_digest *digest = extend->digests;
	u32 count = take_u32(r);
	const u8 *p;

	if (r->bad || count > TPM2_EXTEND_MAX_DIGESTS)
		return -EBADMSG;
	for (u32 i = 0; i < count; i++, digest++) {
		digest->alg = take_u16(r);
		digest->size = tcg2_alg_size(digest->alg);
		p = take(r, digest->size);
		if (r->bad || !digest->size)
			return -EBADMSG;
		memcpy(digest->digest, p, digest->size);
	}
	if (r->len)
		return -EBADMSG;
	extend->nr_digests = count;
	return 0;
}

/* Whether a TPM can have hashed this: it does so once with each algorithm. */
static bool is_hashed(const struct tpm2_extend *extend)
{
	for (unsigned int i = 1; i < extend->nr_digests; i++)
		for (unsigned int j = 0; j < i; j++)
			if (extend->digests[i].alg == extend->digests[j].alg)
				return false;
	return true;
}

/* TPM2B_EVENT or TPM2B_MAX_BUFFER, Part 2, 10.4, and nothing behind it */
static int skip_buffer(struct reader *r)
{
	take(r, take_u16(r));
	return r->bad || r->len ? -EBADMSG : 0;
}

/**
 * tpm2_extend_parse() - read a command that extends a PCR
 * @cmd: a command
 * @len: bytes there; the command's own size counts, which may be less
 * @extend: what it extends, and for TPM2_EXTEND_PCR_EXTEND with what.  After
 *	    -EBADMSG @extend->kind is right, and @extend->pcr is the PCR if it
 *	    could be told, else TPM2_EXTEND_NO_PCR
 *
 * Part 3, 22.2 TPM2_PCR_Extend, 22.3 TPM2_PCR_Event and 17.8
 * TPM2_EventSequenceComplete.  A TPM answers to a command that is -EBADMSG here
 * with an error, unless it knows hash algorithms that tcg2_alg_size() does not.
 *
 * Return: 0;
 * -ENOENT if it is no such command;
 * -EBADMSG if it is malformed: shorter or longer than it says, a tag or a PCR
 * handle that is none, more than TPM2_EXTEND_MAX_DIGESTS digests, or one of an
 * unknown algorithm
 */
int tpm2_extend_parse(const void *cmd, size_t len, struct tpm2_extend *extend)
{
	struct reader r;
	u16 tag;
	int err;

	memset(extend, 0, sizeof(*extend));
	extend->pcr = TPM2_EXTEND_NO_PCR;
	extend->kind = tpm2_extend_kind(cmd, len);
	if (extend->kind == TPM2_EXTEND_NONE)
		return -ENOENT;

	err = read_head(&r, cmd, len);
	if (err)
		return err;
	err = read_pcr(&r, extend);
	if (err)
		return err;
	if (extend->kind == TPM2_EXTEND_EVENT_SEQUENCE)
		take_u32(&r);	/* sequenceHandle */

	tag = get_unaligned_be16(cmd);
	if (tag == ST_SESSIONS)
		take(&r, take_u32(&r));	/* authorizationSize and its area */
	else if (tag != ST_NO_SESSIONS)
		return -EBADMSG;

	if (extend->kind == TPM2_EXTEND_PCR_EXTEND)
		return read_digests(&r, extend);
	return skip_buffer(&r);
}
EXPORT_SYMBOL_GPL(tpm2_extend_parse);

/**
 * tpm2_extend_response() - read the response to a command that extends a PCR
 * @rsp: the response
 * @len: bytes there; the response's own size counts, which may be less
 * @extend: what tpm2_extend_parse() has said of the command; gets the digests
 *	    of TPM2_EXTEND_PCR_EVENT and TPM2_EXTEND_EVENT_SEQUENCE
 *
 * A TPM may also report digests of algorithms that it has no bank for.
 *
 * Return: 0 if the TPM has executed the command;
 * -EREMOTEIO if it has answered with an error, so that nothing was extended;
 * -EBADMSG if the response is malformed or has an algorithm twice, so that
 * nobody knows; @extend then has no digests if they were to come from the
 * response;
 * -EINVAL if @extend is of no such command
 */
int tpm2_extend_response(const void *rsp, size_t len,
			 struct tpm2_extend *extend)
{
	struct reader r;
	u32 size;
	u16 tag;
	int err;

	if (extend->kind == TPM2_EXTEND_NONE)
		return -EINVAL;
	err = read_head(&r, rsp, len);
	if (err)
		return err;
	if (get_unaligned_be32(rsp + HEAD_CODE))
		return -EREMOTEIO;

	tag = get_unaligned_be16(rsp);
	if (tag == ST_SESSIONS) {
		size = take_u32(&r);	/* parameterSize */
		if (r.bad || size > r.len)
			return -EBADMSG;
		r.len = size;
	} else if (tag != ST_NO_SESSIONS) {
		return -EBADMSG;
	}

	if (extend->kind == TPM2_EXTEND_PCR_EXTEND)
		return r.len ? -EBADMSG : 0;
	err = read_digests(&r, extend);
	if (!err && !is_hashed(extend)) {
		extend->nr_digests = 0;
		err = -EBADMSG;
	}
	return err;
}
EXPORT_SYMBOL_GPL(tpm2_extend_response);
