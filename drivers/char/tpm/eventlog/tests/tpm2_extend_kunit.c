// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for reading TPM 2.0 commands that extend a PCR
 *
 * The vectors are recordings of a TPM, made by scripts/record-tpm2-extend-
 * testvecs.py; what each of them extends was held against the PCRs of that TPM.
 * Every buffer ends at an unmapped page.  No TPM is ever sent anything.
 */

#include <kunit/test.h>
#include <linux/string.h>
#include <linux/tpm.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>
#include "../tpm2_extend.h"
#include "tpm2-extend-testvecs.h"

/* TPM 2.0 Library Part 1, 18: header, handles, size of the authorizations */
#define CMD_SIZE	2
#define CMD_CODE	6
#define CMD_PCR		TPM_HEADER_SIZE
#define RSP_CODE	6

/* More than any command or response of the vectors. */
#define GUARDED_LEN	PAGE_SIZE

/**
 * struct test_ctx - what the tests share
 * @guarded: GUARDED_LEN bytes, the next one is not mapped
 * @extend: what was read
 */
struct test_ctx {
	u8 *guarded;
	struct tpm2_extend extend;
};

static u8 *guarded_copy(struct kunit *test, const void *data, size_t len)
{
	struct test_ctx *ctx = test->priv;

	KUNIT_ASSERT_LE(test, len, GUARDED_LEN);
	return memcpy(ctx->guarded + GUARDED_LEN - len, data, len);
}

static struct tpm2_extend *extend_of(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	memset(&ctx->extend, 0xa5, sizeof(ctx->extend));
	return &ctx->extend;
}

static bool has_failed(const struct testvec *v)
{
	return get_unaligned_be32(v->rsp + RSP_CODE);
}

static bool in_command(const struct testvec *v)
{
	return v->kind == TPM2_EXTEND_PCR_EXTEND;
}

/* Where the parameters of the command begin. */
static size_t parameters(const struct testvec *v)
{
	size_t pos = CMD_PCR + 4;

	if (v->kind == TPM2_EXTEND_EVENT_SEQUENCE)
		pos += 4;
	return pos + 4 + get_unaligned_be32(v->cmd + pos);
}

/* What is promised whatever was read. */
static void expect_sane(struct kunit *test, const struct tpm2_extend *extend)
{
	KUNIT_ASSERT_LE(test, extend->nr_digests, TPM2_EXTEND_MAX_DIGESTS);
	for (unsigned int i = 0; i < extend->nr_digests; i++) {
		KUNIT_EXPECT_GT(test, extend->digests[i].size, 0);
		KUNIT_EXPECT_LE(test, extend->digests[i].size,
				TPM2_EXTEND_MAX_DIGEST);
	}
}

static void expect_digests(struct kunit *test, const struct testvec *v,
			   const struct tpm2_extend *extend)
{
	KUNIT_ASSERT_EQ_MSG(test, extend->nr_digests, v->nr_digests, "%s",
			    v->name);
	for (unsigned int i = 0; i < v->nr_digests; i++) {
		KUNIT_EXPECT_EQ_MSG(test, extend->digests[i].alg,
				    v->digests[i].alg, "%s: %u", v->name, i);
		KUNIT_ASSERT_EQ_MSG(test, extend->digests[i].size,
				    v->digests[i].size, "%s: %u", v->name, i);
		KUNIT_EXPECT_MEMEQ_MSG(test, extend->digests[i].digest,
				       v->digests[i].digest, v->digests[i].size,
				       "%s: %u", v->name, i);
	}
}

/* A digest of an unknown algorithm has no length. */
static bool is_readable(const struct testvec *v)
{
	for (unsigned int i = 0; i < v->nr_digests; i++)
		if (v->digests[i].alg == UNKNOWN_ALG)
			return false;
	return true;
}

static void test_kind(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(extend_testvecs); i++) {
		const struct testvec *v = &extend_testvecs[i];
		u8 *cmd = guarded_copy(test, v->cmd, v->cmd_len);

		KUNIT_EXPECT_EQ_MSG(test, v->kind,
				    tpm2_extend_kind(cmd, v->cmd_len), "%s",
				    v->name);
		/* The command code is whole with the header. */
		for (size_t len = 0; len < CMD_PCR; len++) {
			cmd = guarded_copy(test, v->cmd, len);
			KUNIT_EXPECT_EQ_MSG(test, TPM2_EXTEND_NONE,
					    tpm2_extend_kind(cmd, len),
					    "%s, %zu bytes", v->name, len);
		}
	}
}

/*
 * Every command that TPM 2.0 Library Part 2, 6.5.2 has room for, and vendors'.
 */
static void test_other_commands(struct kunit *test)
{
	struct tpm2_extend *extend = extend_of(test);
	u8 *cmd = guarded_copy(test, extend_testvecs[0].cmd,
			       extend_testvecs[0].cmd_len);
	size_t len = extend_testvecs[0].cmd_len;
	enum tpm2_extend_kind want;

	for (u32 code = 0; code < 0x1000; code++) {
		u32 codes[] = { code, code | 0x20000000, code << 16 };

		want = code == 0x182 ? TPM2_EXTEND_PCR_EXTEND :
		       code == 0x13c ? TPM2_EXTEND_PCR_EVENT :
		       code == 0x185 ? TPM2_EXTEND_EVENT_SEQUENCE :
				       TPM2_EXTEND_NONE;
		for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
			put_unaligned_be32(codes[i], cmd + CMD_CODE);
			KUNIT_EXPECT_EQ_MSG(test, i ? TPM2_EXTEND_NONE : want,
					    tpm2_extend_kind(cmd, len), "%#x",
					    codes[i]);
			if (i || want == TPM2_EXTEND_NONE)
				KUNIT_EXPECT_EQ(test, -ENOENT,
						tpm2_extend_parse(cmd, len,
								  extend));
		}
	}
}

static void expect_command(struct kunit *test, const struct testvec *v,
			   const struct tpm2_extend *extend)
{
	KUNIT_EXPECT_EQ_MSG(test, extend->kind, v->kind, "%s", v->name);
	KUNIT_EXPECT_EQ_MSG(test, extend->pcr, v->pcr, "%s", v->name);
	if (in_command(v))
		expect_digests(test, v, extend);
	else
		KUNIT_EXPECT_EQ_MSG(test, extend->nr_digests, 0, "%s", v->name);
}

static void expect_response(struct kunit *test, const struct testvec *v,
			    struct tpm2_extend *extend)
{
	u8 *rsp = guarded_copy(test, v->rsp, v->rsp_len);
	int ret = tpm2_extend_response(rsp, v->rsp_len, extend);

	KUNIT_EXPECT_EQ_MSG(test, ret, has_failed(v) ? -EREMOTEIO : 0, "%s",
			    v->name);
	KUNIT_EXPECT_EQ_MSG(test, extend->kind, v->kind, "%s", v->name);
	KUNIT_EXPECT_EQ_MSG(test, extend->pcr, v->pcr, "%s", v->name);
	if (!has_failed(v))
		expect_digests(test, v, extend);
}

static void test_recordings(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(extend_testvecs); i++) {
		struct tpm2_extend *extend = extend_of(test);
		const struct testvec *v = &extend_testvecs[i];
		u8 *cmd = guarded_copy(test, v->cmd, v->cmd_len);
		int ret = tpm2_extend_parse(cmd, v->cmd_len, extend);

		if (!is_readable(v)) {
			KUNIT_EXPECT_EQ_MSG(test, ret, -EBADMSG, "%s", v->name);
			KUNIT_EXPECT_EQ(test, extend->kind, v->kind);
			KUNIT_EXPECT_EQ(test, extend->pcr, v->pcr);
			continue;
		}
		KUNIT_ASSERT_EQ_MSG(test, ret, 0, "%s", v->name);
		expect_command(test, v, extend);
		expect_response(test, v, extend);
	}
}

/*
 * User space may write more than the command, and the TPM's buffer is larger.
 */
static void test_bytes_behind(struct kunit *test)
{
	static u8 longer[MAX_CMD_LEN + 100];

	for (size_t i = 0; i < ARRAY_SIZE(extend_testvecs); i++) {
		struct tpm2_extend *extend = extend_of(test);
		const struct testvec *v = &extend_testvecs[i];
		u8 *buf;

		if (!is_readable(v))
			continue;
		memset(longer, 0xff, sizeof(longer));
		memcpy(longer, v->cmd, v->cmd_len);
		buf = guarded_copy(test, longer, sizeof(longer));
		KUNIT_ASSERT_EQ_MSG(test, 0,
				    tpm2_extend_parse(buf, sizeof(longer),
						      extend), "%s", v->name);
		expect_command(test, v, extend);
		if (has_failed(v))
			continue;
		memset(longer, 0xff, sizeof(longer));
		memcpy(longer, v->rsp, v->rsp_len);
		buf = guarded_copy(test, longer, sizeof(longer));
		KUNIT_ASSERT_EQ_MSG(test, 0,
				    tpm2_extend_response(buf, sizeof(longer),
							 extend), "%s",
				    v->name);
		expect_digests(test, v, extend);
	}
}

/*
 * A command that is cut off; with @fix, its size says so too.  Where its data
 * may lie for which only the TPM knows the length, it may not be seen that it
 * is.
 */
static void truncate_command(struct kunit *test, const struct testvec *v,
			     bool fix)
{
	size_t opaque = in_command(v) ? SIZE_MAX : parameters(v);

	for (size_t len = 0; len < v->cmd_len; len++) {
		struct tpm2_extend *extend = extend_of(test);
		u8 *cmd = guarded_copy(test, v->cmd, len);
		int ret, want = len < CMD_PCR ? -ENOENT : -EBADMSG;

		if (fix && len >= CMD_PCR)
			put_unaligned_be32(len, cmd + CMD_SIZE);
		ret = tpm2_extend_parse(cmd, len, extend);
		if (fix && len >= opaque && !ret)
			want = 0;
		KUNIT_EXPECT_EQ_MSG(test, ret, want, "%s, %zu bytes", v->name,
				    len);
		if (ret != -EBADMSG)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, extend->kind, v->kind, "%s", v->name);
		if (len < CMD_PCR + 4)
			KUNIT_EXPECT_EQ(test, extend->pcr, TPM2_EXTEND_NO_PCR);
		else
			KUNIT_EXPECT_TRUE(test, extend->pcr == v->pcr ||
					  extend->pcr == TPM2_EXTEND_NO_PCR);
	}
}

static void test_truncated_commands(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(extend_testvecs); i++) {
		truncate_command(test, &extend_testvecs[i], false);
		truncate_command(test, &extend_testvecs[i], true);
	}
}

static struct tpm2_extend *parse(struct kunit *test, const struct testvec *v)
{
	struct tpm2_extend *extend = extend_of(test);

	KUNIT_ASSERT_EQ(test, 0, tpm2_extend_parse(v->cmd, v->cmd_len, extend));
	return extend;
}

/* Bytes of the response that have to be there to know what was extended. */
static size_t response_needs(const struct testvec *v)
{
	size_t len = TPM_HEADER_SIZE;

	if (has_failed(v) || in_command(v))
		return len;
	len += 4 + 4;	/* parameterSize, count */
	for (unsigned int i = 0; i < v->nr_digests; i++)
		len += 2 + v->digests[i].size;
	return len;
}

/* With @fix, its size says that it is short. */
static void truncate_response(struct kunit *test, const struct testvec *v,
			      bool fix)
{
	for (size_t len = 0; len < v->rsp_len; len++) {
		struct tpm2_extend *extend = parse(test, v);
		u8 *rsp = guarded_copy(test, v->rsp, len);
		int ret;

		if (fix && len >= TPM_HEADER_SIZE)
			put_unaligned_be32(len, rsp + CMD_SIZE);
		ret = tpm2_extend_response(rsp, len, extend);
		if (fix && len >= response_needs(v)) {
			if (!ret)
				expect_digests(test, v, extend);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, ret, -EBADMSG, "%s, %zu bytes",
				    v->name, len);
		if (!in_command(v))
			KUNIT_EXPECT_EQ(test, extend->nr_digests, 0);
	}
}

static void test_truncated_responses(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(extend_testvecs); i++) {
		const struct testvec *v = &extend_testvecs[i];

		if (!is_readable(v))
			continue;
		truncate_response(test, v, false);
		truncate_response(test, v, true);
	}
}

/*
 * Bytes of TPML_DIGEST_VALUES: is the one at @pos, from the count on, part of a
 * digest?  All others are structure.
 */
static bool is_digest(const struct testvec *v, size_t pos)
{
	size_t off = 4;

	for (unsigned int i = 0; i < v->nr_digests; i++) {
		off += 2;
		if (pos < off)
			return false;
		off += v->digests[i].size;
		if (pos < off)
			return true;
	}
	return false;
}

/* @pos of the command has another value; what may change by that. */
static void expect_flipped_command(struct kunit *test,
				   const struct testvec *v, u8 *cmd, size_t pos)
{
	struct tpm2_extend *extend = extend_of(test);
	int ret = tpm2_extend_parse(cmd, v->cmd_len, extend);

	if (ret != -ENOENT)
		KUNIT_EXPECT_EQ(test, extend->kind,
				tpm2_extend_kind(cmd, v->cmd_len));
	if (pos < CMD_CODE) {
		KUNIT_EXPECT_EQ_MSG(test, ret, -EBADMSG, "%s, byte %zu",
				    v->name, pos);
		return;
	}
	if (pos < CMD_PCR)
		return;
	if (!ret && in_command(v) && pos >= parameters(v)) {
		KUNIT_EXPECT_TRUE_MSG(test, is_digest(v, pos - parameters(v)),
				      "%s, byte %zu", v->name, pos);
		KUNIT_EXPECT_EQ(test, extend->nr_digests, v->nr_digests);
	}
	if (pos >= CMD_PCR + 4 && !ret)
		KUNIT_EXPECT_EQ_MSG(test, extend->pcr, v->pcr, "%s, byte %zu",
				    v->name, pos);
	if (in_command(v) && pos >= parameters(v) &&
	    is_digest(v, pos - parameters(v)))
		KUNIT_EXPECT_EQ_MSG(test, ret, 0, "%s, byte %zu", v->name, pos);
	if (!ret)
		expect_sane(test, extend);
}

static void test_flipped_commands(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(extend_testvecs); i++) {
		const struct testvec *v = &extend_testvecs[i];
		u8 *cmd = guarded_copy(test, v->cmd, v->cmd_len);

		if (!is_readable(v))
			continue;
		for (size_t j = 0; j < 8 * v->cmd_len; j++) {
			cmd[j / 8] ^= 1 << j % 8;
			expect_flipped_command(test, v, cmd, j / 8);
			cmd[j / 8] ^= 1 << j % 8;
		}
	}
}

/* The structure of a response, with the digests in it, is in front of this. */
static void expect_flipped_response(struct kunit *test,
				    const struct testvec *v, u8 *rsp,
				    size_t pos)
{
	struct tpm2_extend *extend = parse(test, v);
	int ret = tpm2_extend_response(rsp, v->rsp_len, extend);
	u32 size = get_unaligned_be32(rsp + CMD_SIZE);

	expect_sane(test, extend);
	if (pos >= RSP_CODE && pos < TPM_HEADER_SIZE)
		KUNIT_EXPECT_NE_MSG(test, ret, 0, "%s, byte %zu", v->name, pos);
	if (pos >= CMD_SIZE && pos < CMD_SIZE + 4 &&
	    !(size >= response_needs(v) && size <= v->rsp_len))
		KUNIT_EXPECT_EQ_MSG(test, ret, -EBADMSG, "%s, size %u", v->name,
				    size);
	if (ret && !in_command(v))
		KUNIT_EXPECT_EQ_MSG(test, extend->nr_digests, 0, "%s", v->name);
	if (pos >= TPM_HEADER_SIZE)
		KUNIT_EXPECT_NE_MSG(test, ret, -EREMOTEIO, "%s, byte %zu",
				    v->name, pos);
	if (in_command(v) || pos < TPM_HEADER_SIZE + 4 ||
	    pos >= response_needs(v))
		return;

	if (is_digest(v, pos - TPM_HEADER_SIZE - 4))
		KUNIT_EXPECT_EQ_MSG(test, ret, 0, "%s, byte %zu", v->name, pos);
	else
		KUNIT_EXPECT_EQ_MSG(test, ret, -EBADMSG, "%s, byte %zu",
				    v->name, pos);
}

static void test_flipped_responses(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(extend_testvecs); i++) {
		const struct testvec *v = &extend_testvecs[i];
		u8 *rsp = guarded_copy(test, v->rsp, v->rsp_len);

		if (has_failed(v))
			continue;
		for (size_t j = 0; j < 8 * v->rsp_len; j++) {
			rsp[j / 8] ^= 1 << j % 8;
			expect_flipped_response(test, v, rsp, j / 8);
			rsp[j / 8] ^= 1 << j % 8;
		}
	}
}

/* Whatever a TPM answers but success: nothing was extended. */
static void test_response_codes(struct kunit *test)
{
	/*
	 * Part 2, 6.6: of formats 0 and 1, warnings, vendors', our own, TPM 1.2
	 */
	static const u32 codes[] = {
		0x001, 0x100, 0x101, 0x120, 0x142, 0x1d5, 0x283, 0x907, 0x921,
		0x922, 0x98e, 0xbff, 0x1000, 0x80280400, 0x80000000, U32_MAX,
	};
	u8 rsp[TPM_HEADER_SIZE] = { 0x80, 0x01, 0, 0, 0, sizeof(rsp) };

	for (size_t i = 0; i < ARRAY_SIZE(extend_testvecs); i++) {
		const struct testvec *v = &extend_testvecs[i];

		if (!is_readable(v))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(codes); j++) {
			struct tpm2_extend *extend = parse(test, v);
			u8 *buf;

			put_unaligned_be32(codes[j], rsp + RSP_CODE);
			buf = guarded_copy(test, rsp, sizeof(rsp));
			KUNIT_EXPECT_EQ_MSG(test, -EREMOTEIO,
					    tpm2_extend_response(buf,
								 sizeof(rsp),
								 extend),
					    "%s, %#x", v->name, codes[j]);
		}
	}
}

static const struct testvec *find(struct kunit *test, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(extend_testvecs); i++)
		if (!strcmp(extend_testvecs[i].name, name))
			return &extend_testvecs[i];
	KUNIT_FAIL_AND_ABORT(test, "no recording \"%s\"", name);
	return NULL;
}

static void put_size(u8 *cmd, size_t len)
{
	put_unaligned_be32(len, cmd + CMD_SIZE);
}

/* TPM2_PCR_Extend of PCR 16 with a password and @nr digests of SHA-1. */
static size_t make_extend(u8 *cmd, unsigned int nr, u32 count)
{
	static const u8 head[] = {
		0x80, 0x02, 0, 0, 0, 0, 0, 0, 0x01, 0x82, 0, 0, 0, 16,
		0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 0, 0, 0,
	};
	size_t len = sizeof(head);

	memcpy(cmd, head, len);
	put_unaligned_be32(count, cmd + len);
	len += 4;
	for (unsigned int i = 0; i < nr; i++) {
		put_unaligned_be16(TPM_ALG_SHA1, cmd + len);
		memset(cmd + len + 2, i, 20);
		len += 2 + 20;
	}
	put_size(cmd, len);
	return len;
}

static void test_counts_that_lie(struct kunit *test)
{
	static const u32 counts[] = {
		0, 1, 15, 16, 17, 18, 255, 256, 0x10000, 0x0ba2e8bb,
		0x7fffffff, 0x80000000, 0x80000001, U32_MAX,
	};
	u8 *buf = kunit_kzalloc(test, GUARDED_LEN, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	for (unsigned int nr = 0; nr <= 18; nr++) {
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
			struct tpm2_extend *extend = extend_of(test);
			size_t len = make_extend(buf, nr, counts[i]);
			bool good = counts[i] == nr && nr <= 16;
			u8 *cmd = guarded_copy(test, buf, len);

			KUNIT_EXPECT_EQ_MSG(test, good ? 0 : -EBADMSG,
					    tpm2_extend_parse(cmd, len, extend),
					    "%u for %u", counts[i], nr);
			KUNIT_EXPECT_EQ(test, extend->pcr, 16);
			if (good)
				KUNIT_EXPECT_EQ(test, extend->nr_digests, nr);
		}
	}
}

/* The same for a response. */
static void test_response_counts_that_lie(struct kunit *test)
{
	static const u32 counts[] = {
		0, 1, 3, 5, 17, 255, 0x7fffffff, 0x80000000, U32_MAX,
	};
	const struct testvec *v = find(test, "tpm2_pcrevent");
	u8 *rsp = guarded_copy(test, v->rsp, v->rsp_len);

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct tpm2_extend *extend = parse(test, v);

		put_unaligned_be32(counts[i], rsp + TPM_HEADER_SIZE + 4);
		KUNIT_EXPECT_EQ_MSG(test, -EBADMSG,
				    tpm2_extend_response(rsp, v->rsp_len,
							 extend),
				    "%u", counts[i]);
		KUNIT_EXPECT_EQ(test, extend->nr_digests, 0);
	}
}

/* A TPM hashes once with each algorithm. */
static void test_response_has_bank_twice(struct kunit *test)
{
	const struct testvec *v = find(test, "tpm2_pcrevent");
	u8 rsp[TPM_HEADER_SIZE + 4 + 4 + 2 * 22] = { 0x80, 0x02 };
	struct tpm2_extend *extend = parse(test, v);
	u8 *digests = rsp + TPM_HEADER_SIZE + 8;

	put_size(rsp, sizeof(rsp));
	put_unaligned_be32(4 + 2 * 22, rsp + TPM_HEADER_SIZE);
	put_unaligned_be32(2, digests - 4);
	put_unaligned_be16(TPM_ALG_SHA1, digests);
	put_unaligned_be16(TPM_ALG_SHA1, digests + 22);
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			tpm2_extend_response(rsp, sizeof(rsp), extend));
	KUNIT_EXPECT_EQ(test, extend->nr_digests, 0);
}

static void test_authorization_sizes_that_lie(struct kunit *test)
{
	static const u32 sizes[] = {
		0, 1, 8, 10, 203, 0x7fffffff, 0x80000000, U32_MAX - 14,
		U32_MAX - 13, U32_MAX - 17, U32_MAX - 18, U32_MAX,
	};
	const struct testvec *v = find(test, "tpm2_pcrextend");
	u8 *cmd = guarded_copy(test, v->cmd, v->cmd_len);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct tpm2_extend *extend = extend_of(test);

		put_unaligned_be32(sizes[i], cmd + CMD_PCR + 4);
		KUNIT_EXPECT_EQ_MSG(test, -EBADMSG,
				    tpm2_extend_parse(cmd, v->cmd_len, extend),
				    "%u", sizes[i]);
		KUNIT_EXPECT_EQ(test, extend->kind, v->kind);
	}
}

/* Part 2, 7.2: what is of another type than TPM_HT_PCR is no PCR. */
static void test_handles(struct kunit *test)
{
	static const struct {
		u32 handle;
		u32 pcr;
		int err;
	} handles[] = {
		{ 0, 0, 0 }, { 15, 15, 0 }, { 23, 23, 0 },
		{ 0x40000007, TPM2_EXTEND_NO_PCR, 0 },	/* TPM_RH_NULL */
		{ 0x40000001, TPM2_EXTEND_NO_PCR, -EBADMSG },
		{ 0x40000009, TPM2_EXTEND_NO_PCR, -EBADMSG },
		{ 0x01000004, TPM2_EXTEND_NO_PCR, -EBADMSG },
		{ 0x02000000, TPM2_EXTEND_NO_PCR, -EBADMSG },
		{ 0x80000000, TPM2_EXTEND_NO_PCR, -EBADMSG },
		{ U32_MAX, TPM2_EXTEND_NO_PCR, -EBADMSG },
	};
	static const char * const names[] = {
		"tpm2_pcrextend", "tpm2_pcrevent", "sequence: passwords",
	};

	for (size_t i = 0; i < ARRAY_SIZE(handles) * ARRAY_SIZE(names); i++) {
		const char *name = names[i / ARRAY_SIZE(handles)];
		const struct testvec *v = find(test, name);
		struct tpm2_extend *extend = extend_of(test);
		u8 *cmd = guarded_copy(test, v->cmd, v->cmd_len);
		size_t j = i % ARRAY_SIZE(handles);

		put_unaligned_be32(handles[j].handle, cmd + CMD_PCR);
		KUNIT_EXPECT_EQ_MSG(test, handles[j].err,
				    tpm2_extend_parse(cmd, v->cmd_len, extend),
				    "%s, %#x", v->name, handles[j].handle);
		KUNIT_EXPECT_EQ_MSG(test, handles[j].pcr, extend->pcr,
				    "%s, %#x", v->name, handles[j].handle);
	}
}

static void test_garbage(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, GUARDED_LEN, GFP_KERNEL);
	u64 seed = 3;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	for (unsigned int i = 0; i < 20000; i++) {
		size_t len = i % 300, nr = i % ARRAY_SIZE(extend_testvecs);
		const struct testvec *v = &extend_testvecs[nr];
		struct tpm2_extend *extend = extend_of(test);
		u8 *data;

		for (size_t j = 0; j < len; j++) {
			seed = seed * 25214903917 + 11;
			buf[j] = seed >> 40;
		}
		/* Half of it with a header that makes it a command. */
		if (i % 2 && len >= CMD_PCR) {
			memcpy(buf, v->cmd, CMD_PCR);
			put_size(buf, len);
		}
		data = guarded_copy(test, buf, len);
		if (!tpm2_extend_parse(data, len, extend))
			expect_sane(test, extend);

		if (!is_readable(v))
			continue;
		extend = parse(test, v);
		if (i % 2 && len >= TPM_HEADER_SIZE) {
			memcpy(data, v->rsp, TPM_HEADER_SIZE);
			put_size(data, len);
		}
		tpm2_extend_response(data, len, extend);
		expect_sane(test, extend);
	}
}

static void test_response_to_nothing(struct kunit *test)
{
	struct tpm2_extend *extend = extend_of(test);
	const struct testvec *v = &extend_testvecs[0];

	extend->kind = TPM2_EXTEND_NONE;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			tpm2_extend_response(v->rsp, v->rsp_len, extend));
}

KUNIT_DEFINE_ACTION_WRAPPER(vfree_action, vfree, const void *);

static int tpm2_extend_init(struct kunit *test)
{
	struct test_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	/* vmalloc() leaves a page unmapped behind what it gives out. */
	ctx->guarded = vmalloc(GUARDED_LEN);
	KUNIT_ASSERT_NOT_NULL(test, ctx->guarded);
	test->priv = ctx;
	return kunit_add_action_or_reset(test, vfree_action, ctx->guarded);
}

static struct kunit_case tpm2_extend_cases[] = {
	KUNIT_CASE(test_kind),
	KUNIT_CASE(test_other_commands),
	KUNIT_CASE(test_recordings),
	KUNIT_CASE(test_bytes_behind),
	KUNIT_CASE(test_truncated_commands),
	KUNIT_CASE(test_truncated_responses),
	KUNIT_CASE(test_flipped_commands),
	KUNIT_CASE(test_flipped_responses),
	KUNIT_CASE(test_response_codes),
	KUNIT_CASE(test_counts_that_lie),
	KUNIT_CASE(test_response_counts_that_lie),
	KUNIT_CASE(test_response_has_bank_twice),
	KUNIT_CASE(test_authorization_sizes_that_lie),
	KUNIT_CASE(test_handles),
	KUNIT_CASE(test_garbage),
	KUNIT_CASE(test_response_to_nothing),
	{},
};

static struct kunit_suite tpm2_extend_suite = {
	.name = "tpm2_extend",
	.init = tpm2_extend_init,
	.test_cases = tpm2_extend_cases,
};

kunit_test_suite(tpm2_extend_suite);

MODULE_DESCRIPTION("KUnit tests for TPM 2.0 commands that extend a PCR");
MODULE_LICENSE("GPL");
