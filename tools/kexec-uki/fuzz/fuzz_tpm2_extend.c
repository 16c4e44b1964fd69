// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target of drivers/char/tpm/eventlog/tpm2_extend.c
 *
 * The input is the length of a command in two bytes (the low one first), the
 * command, and the response to it.
 *
 * Checked: kind, PCR, digests and outcome of both against a second reader that is
 * written from the TPM 2.0 Library Specification; that nothing is read behind the
 * size that a command or a response says it has; nothing that depends on what was
 * in the result before; both buffers unchanged.
 */

#include "fuzz.h"
#include "tpm2_extend.h"

/* Part 2, 6.3 TPM_ALG_ID and the sizes of the algorithms' digests */
static unsigned int alg_size(u16 alg)
{
	static const u8 sizes[0x2a] = {
		[0x04] = 20, [0x0b] = 32, [0x0c] = 48, [0x0d] = 64,
		[0x12] = 32, [0x27] = 32, [0x28] = 48, [0x29] = 64,
	};

	return alg < sizeof(sizes) ? sizes[alg] : 0;
}

static enum tpm2_extend_kind second_kind(const u8 *cmd, size_t len)
{
	if (len < 10)
		return TPM2_EXTEND_NONE;
	switch (fuzz_be(cmd + 6, 4)) {
	case 0x182:
		return TPM2_EXTEND_PCR_EXTEND;
	case 0x13c:
		return TPM2_EXTEND_PCR_EVENT;
	case 0x185:
		return TPM2_EXTEND_EVENT_SEQUENCE;
	}
	return TPM2_EXTEND_NONE;
}

/* TPML_DIGEST_VALUES at @at that is all there is up to @end. */
static bool second_digests(const u8 *p, u64 at, u64 end,
			   struct tpm2_extend *extend)
{
	u64 count;

	if (at + 4 > end)
		return false;
	count = fuzz_be(p + at, 4);
	at += 4;
	if (count > 16)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		struct tpm2_extend_digest *digest = &extend->digests[i];

		if (at + 2 > end)
			return false;
		digest->alg = fuzz_be(p + at, 2);
		digest->size = alg_size(digest->alg);
		if (!digest->size || at + 2 + digest->size > end)
			return false;
		memcpy(digest->digest, p + at + 2, digest->size);
		at += 2 + digest->size;
	}
	extend->nr_digests = count;
	return at == end;
}

static int second_parse(const u8 *cmd, size_t len, struct tpm2_extend *extend)
{
	u64 end, handle, at = 14;

	memset(extend, 0, sizeof(*extend));
	extend->pcr = TPM2_EXTEND_NO_PCR;
	extend->kind = second_kind(cmd, len);
	if (extend->kind == TPM2_EXTEND_NONE)
		return -ENOENT;
	end = fuzz_be(cmd + 2, 4);
	if (end > len || end < at)
		return -EBADMSG;
	handle = fuzz_be(cmd + 10, 4);
	if (handle < 0x1000000)
		extend->pcr = handle;
	else if (handle != 0x40000007)
		return -EBADMSG;
	if (extend->kind == TPM2_EXTEND_EVENT_SEQUENCE)
		at += 4;
	if (fuzz_be(cmd, 2) == 0x8002) {
		if (at + 4 > end)
			return -EBADMSG;
		at += 4 + fuzz_be(cmd + at, 4);
	} else if (fuzz_be(cmd, 2) != 0x8001) {
		return -EBADMSG;
	}
	if (extend->kind == TPM2_EXTEND_PCR_EXTEND)
		return second_digests(cmd, at, end, extend) ? 0 : -EBADMSG;
	return at + 2 <= end && at + 2 + fuzz_be(cmd + at, 2) == end ? 0 :
								       -EBADMSG;
}

static bool has_doubles(const struct tpm2_extend *extend)
{
	for (unsigned int i = 0; i < extend->nr_digests; i++)
		for (unsigned int j = i + 1; j < extend->nr_digests; j++)
			if (extend->digests[i].alg == extend->digests[j].alg)
				return true;
	return false;
}

static int second_response(const u8 *rsp, size_t len, struct tpm2_extend *extend)
{
	struct tpm2_extend found = { };
	u64 end, at = 10;

	if (extend->kind == TPM2_EXTEND_NONE)
		return -EINVAL;
	if (len < 10 || fuzz_be(rsp + 2, 4) > len || fuzz_be(rsp + 2, 4) < 10)
		return -EBADMSG;
	if (fuzz_be(rsp + 6, 4))
		return -EREMOTEIO;
	end = fuzz_be(rsp + 2, 4);
	if (fuzz_be(rsp, 2) == 0x8002) {
		if (at + 4 > end || at + 4 + fuzz_be(rsp + at, 4) > end)
			return -EBADMSG;
		end = at + 4 + fuzz_be(rsp + at, 4);
		at += 4;
	} else if (fuzz_be(rsp, 2) != 0x8001) {
		return -EBADMSG;
	}
	if (extend->kind == TPM2_EXTEND_PCR_EXTEND)
		return at == end ? 0 : -EBADMSG;
	if (!second_digests(rsp, at, end, &found) || has_doubles(&found))
		return -EBADMSG;
	found.kind = extend->kind;
	found.pcr = extend->pcr;
	*extend = found;
	return 0;
}

/* What counts of it: of the array as much as the number says. */
static void check_same(const struct tpm2_extend *extend,
		       const struct tpm2_extend *want, bool digests)
{
	MUST(extend->kind == want->kind && extend->pcr == want->pcr);
	MUST(extend->nr_digests <= TPM2_EXTEND_MAX_DIGESTS);
	if (!digests)
		return;
	MUST(extend->nr_digests == want->nr_digests);
	for (unsigned int i = 0; i < want->nr_digests; i++) {
		const struct tpm2_extend_digest *digest = &extend->digests[i];

		MUST(digest->alg == want->digests[i].alg);
		MUST(digest->size == want->digests[i].size);
		MUST(!memcmp(digest->digest, want->digests[i].digest,
			     digest->size));
	}
}

static void check_response(const u8 *rsp, size_t len,
			   const struct tpm2_extend *command)
{
	bool from_rsp = command->kind != TPM2_EXTEND_PCR_EXTEND;
	struct tpm2_extend extend = *command, want = *command;
	int ret = tpm2_extend_response(rsp, len, &extend);

	MUST(ret == second_response(rsp, len, &want));
	check_same(&extend, &want, !ret || !from_rsp);
	if (ret == -EBADMSG && from_rsp)
		MUST(!extend.nr_digests);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	size_t cmd_len = len < 2 ? 0 : fuzz_le(data, 2), rsp_len;
	struct tpm2_extend extend, again, want;
	u8 *cmd, *rsp;
	int ret;

	if (len < 2)
		return 0;
	data += 2;
	len -= 2;
	cmd_len = cmd_len < len ? cmd_len : len;
	rsp_len = len - cmd_len;
	cmd = fuzz_copy(data, cmd_len);
	rsp = fuzz_copy(data + cmd_len, rsp_len);

	MUST(tpm2_extend_kind(cmd, cmd_len) == second_kind(cmd, cmd_len));
	fuzz_poison(&extend, &again, sizeof(extend));
	ret = tpm2_extend_parse(cmd, cmd_len, &extend);
	MUST(ret == tpm2_extend_parse(cmd, cmd_len, &again));
	MUST(!memcmp(&extend, &again, sizeof(extend)));
	MUST(ret == second_parse(cmd, cmd_len, &want));
	check_same(&extend, &want, !ret);
	MUST(!ret || !extend.nr_digests);
	check_response(rsp, rsp_len, &extend);
	MUST(!cmd_len || !memcmp(cmd, data, cmd_len));
	MUST(!rsp_len || !memcmp(rsp, data + cmd_len, rsp_len));
	free(cmd);
	free(rsp);
	return 0;
}
