// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for kernel/kexec_measure.c
 *
 * Suite kexec_measure makes lists of events and extends them into a callback.
 * Suite kexec_measure_tpm registers TPMs that exist in this file only, and
 * extends them through the TPM core.  Both must leave a real TPM alone, and no
 * image of theirs may ever become the one that a kexec would execute.
 */

#include <crypto/sha1.h>
#include <crypto/sha2.h>
#include <crypto/sm3.h>
#include <kunit/test.h>
#include <kunit/test-bug.h>
#include <linux/err.h>
#include <linux/kexec.h>
#include <linux/string.h>
#include <linux/tpm.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>

#include "../../drivers/char/tpm/tpm.h"
#include "../kexec_measure.h"
#include "kexec_measure-testvecs.h"

#define DATA_LEN	100000	/* the longest of data_testvecs[] */
#define NR_EVENTS	4
#define MAX_EXTENDS	8

/* Of a TPM: TPM_RC_FAILURE, TPM 2.0 Library Part 2, 6.6.3 */
#define RC_FAILURE	0x101

/* TPM2_ALG_ID that no bank_hash has: TPM_ALG_SHA3_256 */
#define UNKNOWN_ALG	0x0027

static const struct {
	u16 id;
	u16 size;
	size_t offset;
} algs[] = {
	{ TPM_ALG_SHA1, SHA1_DIGEST_SIZE,
	  offsetof(struct testvec_digests, sha1) },
	{ TPM_ALG_SHA256, SHA256_DIGEST_SIZE,
	  offsetof(struct testvec_digests, sha256) },
	{ TPM_ALG_SHA384, SHA384_DIGEST_SIZE,
	  offsetof(struct testvec_digests, sha384) },
	{ TPM_ALG_SHA512, SHA512_DIGEST_SIZE,
	  offsetof(struct testvec_digests, sha512) },
	{ TPM_ALG_SM3_256, SM3_DIGEST_SIZE,
	  offsetof(struct testvec_digests, sm3) },
};

#define NR_ALGS		ARRAY_SIZE(algs)

struct extend_record {
	u32 pcr;
	struct tpm_digest digests[TPM2_MAX_PCR_BANKS];
};

/**
 * struct test_ctx - what a test works with
 * @data: DATA_LEN bytes, the next one is not mapped
 * @seed: of the random numbers
 * @image: an image that nothing but kexec_measure.c knows
 * @nr_extends: calls of fake_extend(), or TPM2_PCR_Extend commands
 * @fail_at: which of them fails, from 0
 * @error: what it fails with
 * @extends: what they were given
 */
struct test_ctx {
	u8 *data;
	u64 seed;
	struct kimage *image;
	unsigned int nr_extends;
	unsigned int fail_at;
	int error;
	struct extend_record extends[MAX_EXTENDS];
};

/* The generator of gen-kexec-measure-testvecs.py. */
static u32 rand32(struct test_ctx *ctx)
{
	ctx->seed = (ctx->seed * 25214903917 + 11) & ((1ULL << 48) - 1);
	return ctx->seed >> 16;
}

/* The last @len bytes before the unmapped one, as the script has them. */
static u8 *fill_data(struct test_ctx *ctx, size_t len)
{
	u8 *data = ctx->data + DATA_LEN - len;

	ctx->seed = len;
	for (size_t i = 0; i < len; i++)
		data[i] = rand32(ctx);
	return data;
}

KUNIT_DEFINE_ACTION_WRAPPER(free_buf, vfree, const void *);
KUNIT_DEFINE_ACTION_WRAPPER(free_list, kexec_measure_free,
			    struct kexec_measure *);

static void at_end(struct kunit *test, kunit_action_t *action, void *object)
{
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, action, object));
}

static int init_ctx(struct kunit *test)
{
	size_t full_len = round_up(DATA_LEN, PAGE_SIZE);
	struct test_ctx *ctx;
	u8 *buf;

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->image = kunit_kzalloc(test, sizeof(*ctx->image), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->image);
	buf = vmalloc(full_len);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	at_end(test, free_buf, buf);

	ctx->data = buf + full_len - DATA_LEN;
	ctx->fail_at = UINT_MAX;
	test->priv = ctx;
	return 0;
}

/* All five. */
static void fill_ids(u16 *ids)
{
	for (size_t i = 0; i < NR_ALGS; i++)
		ids[i] = algs[i].id;
}

static struct kexec_measure *alloc_list(struct kunit *test, const u16 *ids,
					unsigned int nr)
{
	struct tpm_bank_info banks[TPM2_MAX_PCR_BANKS] = {};
	struct kexec_measure *measure;

	for (unsigned int i = 0; i < nr; i++)
		banks[i].alg_id = ids[i];
	measure = kexec_measure_alloc(banks, nr);
	if (!IS_ERR(measure))
		at_end(test, free_list, measure);
	return measure;
}

/* A list with all five banks. */
static struct kexec_measure *new_list(struct kunit *test)
{
	struct kexec_measure *measure;
	u16 ids[NR_ALGS];

	fill_ids(ids);
	measure = alloc_list(test, ids, NR_ALGS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, measure);
	return measure;
}

static void finish(struct kunit *test, struct kexec_measure *measure, u32 pcr)
{
	int err = kexec_measure_finish(measure, pcr, KEXEC_EV_IPL, "event", 5);

	KUNIT_ASSERT_EQ(test, 0, err);
}

static void add_event(struct kunit *test, struct kexec_measure *measure,
		      u32 pcr, const void *data, size_t len)
{
	kexec_measure_start(measure);
	kexec_measure_update(measure, data, len);
	finish(test, measure, pcr);
}

/* NR_EVENTS events, each of other data and for another PCR. */
static struct kexec_measure *new_full_list(struct kunit *test)
{
	struct kexec_measure *measure = new_list(test);

	for (u32 i = 0; i < NR_EVENTS; i++)
		add_event(test, measure, 9 + i, &i, sizeof(i));
	return measure;
}

struct find_event {
	unsigned int skip;
	struct kexec_measure_event event;
};

static int find_event(const struct kexec_measure_event *event, void *context)
{
	struct find_event *find = context;

	find->event = *event;
	return !find->skip--;
}

static struct kexec_measure_event
get_event(struct kunit *test, const struct kexec_measure *measure,
	  unsigned int nr)
{
	struct find_event find = { .skip = nr };

	KUNIT_ASSERT_EQ_MSG(test, 1,
			    kexec_measure_for_each(measure, find_event, &find),
			    "no event %u", nr);
	return find.event;
}

static int count_event(const struct kexec_measure_event *event, void *context)
{
	++*(unsigned int *)context;
	return 0;
}

static unsigned int count_events(const struct kexec_measure *measure)
{
	unsigned int nr = 0;

	kexec_measure_for_each(measure, count_event, &nr);
	return nr;
}

/* The digests of @event are @want, in the order of @ids. */
static void expect_digests(struct kunit *test,
			   const struct kexec_measure_event *event,
			   const u16 *ids, unsigned int nr,
			   const struct testvec_digests *want, size_t len)
{
	KUNIT_ASSERT_EQ(test, event->nr_digests, nr);
	for (unsigned int i = 0; i < nr; i++) {
		size_t alg = 0;

		while (algs[alg].id != ids[i])
			alg++;
		KUNIT_EXPECT_EQ(test, event->digests[i].alg_id, ids[i]);
		KUNIT_EXPECT_MEMEQ_MSG(test, event->digests[i].digest,
				       (const u8 *)want + algs[alg].offset,
				       algs[alg].size,
				       "bank %u, algorithm %#x, %zu bytes", i,
				       ids[i], len);
	}
}

/* Events @nr and @nr + 1 have the same digests. */
static void expect_same(struct kunit *test, const struct kexec_measure *measure,
			unsigned int nr, size_t len)
{
	struct kexec_measure_event a = get_event(test, measure, nr);
	struct kexec_measure_event b = get_event(test, measure, nr + 1);

	for (size_t i = 0; i < NR_ALGS; i++)
		KUNIT_EXPECT_MEMEQ_MSG(test, a.digests[i].digest,
				       b.digests[i].digest, algs[i].size,
				       "algorithm %#x, %zu bytes", algs[i].id,
				       len);
}

/* All vectors with the banks @ids. */
static void test_banks(struct kunit *test, const u16 *ids, unsigned int nr)
{
	struct kexec_measure *measure = alloc_list(test, ids, nr);
	struct test_ctx *ctx = test->priv;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, measure);
	for (size_t i = 0; i < ARRAY_SIZE(data_testvecs); i++) {
		const struct testvec *vec = &data_testvecs[i];
		struct kexec_measure_event event;
		u8 *data;

		KUNIT_ASSERT_LE(test, vec->len, DATA_LEN);
		data = fill_data(ctx, vec->len);
		add_event(test, measure, 11, data, vec->len);
		event = get_event(test, measure, i);
		expect_digests(test, &event, ids, nr, &vec->digests, vec->len);
	}
}

static void test_each_bank_alone(struct kunit *test)
{
	for (size_t i = 0; i < NR_ALGS; i++)
		test_banks(test, &algs[i].id, 1);
}

/* Rotated, forwards and backwards: each algorithm is at each place once. */
static void test_all_banks_in_any_order(struct kunit *test)
{
	u16 ids[NR_ALGS];

	for (size_t start = 0; start < NR_ALGS; start++) {
		for (size_t i = 0; i < NR_ALGS; i++)
			ids[i] = algs[(start + i) % NR_ALGS].id;
		test_banks(test, ids, NR_ALGS);
		for (size_t i = 0; i < NR_ALGS; i++)
			ids[i] = algs[(start + NR_ALGS - i) % NR_ALGS].id;
		test_banks(test, ids, NR_ALGS);
	}
}

static void test_as_many_banks_as_fit(struct kunit *test)
{
	u16 ids[TPM2_MAX_PCR_BANKS];

	for (size_t i = 0; i < TPM2_MAX_PCR_BANKS; i++)
		ids[i] = algs[i % NR_ALGS].id;
	test_banks(test, ids, TPM2_MAX_PCR_BANKS);
}

/* Wherever it is among the banks. */
static void test_unknown_bank(struct kunit *test)
{
	static const u16 unknown[] = {
		TPM_ALG_ERROR, TPM_ALG_NULL, TPM_ALG_AES, UNKNOWN_ALG, 0xffff,
	};
	struct kexec_measure *measure;
	u16 ids[NR_ALGS];

	for (size_t i = 0; i < ARRAY_SIZE(unknown) * NR_ALGS; i++) {
		u16 id = unknown[i / NR_ALGS];
		size_t place = i % NR_ALGS;

		fill_ids(ids);
		ids[place] = id;
		measure = alloc_list(test, ids, NR_ALGS);
		KUNIT_EXPECT_EQ_MSG(test, -ENOPKG, PTR_ERR_OR_ZERO(measure),
				    "algorithm %#x at %zu", id, place);
	}
}

static void test_no_bank(struct kunit *test)
{
	struct kexec_measure *measure = alloc_list(test, NULL, 0);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, measure);
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_marker(measure));
	add_event(test, measure, 11, "data", 4);
	kexec_measure_update_zeros(measure, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_finish_tagged(measure, 9,
							     KEXEC_TAG_INITRD,
							     "data", 4));
	KUNIT_EXPECT_EQ(test, 0, count_events(measure));
}

static void test_zeros(struct kunit *test)
{
	struct kexec_measure *measure = new_list(test);
	u16 ids[NR_ALGS];

	fill_ids(ids);
	for (size_t i = 0; i < ARRAY_SIZE(zero_testvecs); i++) {
		const struct testvec *vec = &zero_testvecs[i];
		struct kexec_measure_event event;

		kexec_measure_start(measure);
		kexec_measure_update_zeros(measure, vec->len);
		finish(test, measure, 11);
		event = get_event(test, measure, i);
		expect_digests(test, &event, ids, NR_ALGS, &vec->digests,
			       vec->len);
	}
}

/* Splits @len bytes at random; the last @nr_zeros of them are zeros. */
static void update_in_pieces(struct test_ctx *ctx,
			     struct kexec_measure *measure, const u8 *data,
			     size_t len, size_t nr_zeros)
{
	size_t piece;

	for (len -= nr_zeros; len; data += piece, len -= piece) {
		piece = min_t(size_t, len, rand32(ctx) % 30000);
		kexec_measure_update(measure, data, piece);
	}
	for (len = nr_zeros; len; len -= piece) {
		piece = min_t(size_t, len, rand32(ctx) % 10000);
		kexec_measure_update_zeros(measure, piece);
	}
}

static void test_pieces_equal_the_whole(struct kunit *test)
{
	struct kexec_measure *measure = new_list(test);
	struct test_ctx *ctx = test->priv;

	for (unsigned int i = 0; i < 100; i++) {
		size_t len, nr_zeros;
		u8 *data;

		ctx->seed = i;
		len = rand32(ctx) % (DATA_LEN + 1);
		nr_zeros = rand32(ctx) % (len + 1);
		data = fill_data(ctx, len);
		memset(data + len - nr_zeros, 0, nr_zeros);

		add_event(test, measure, 11, data, len);
		kexec_measure_start(measure);
		update_in_pieces(ctx, measure, data, len, nr_zeros);
		finish(test, measure, 11);
		expect_same(test, measure, 2 * i, len);
	}
}

/* What was hashed for an event that was never finished is gone. */
static void test_start_begins_anew(struct kunit *test)
{
	struct kexec_measure *measure = new_list(test);

	add_event(test, measure, 11, "data", 4);
	kexec_measure_start(measure);
	kexec_measure_update(measure, "other", 5);
	add_event(test, measure, 11, "data", 4);
	expect_same(test, measure, 0, 4);
}

static void test_event_is_kept(struct kunit *test)
{
	struct kexec_measure *measure = new_list(test);
	struct kexec_measure_event event;
	u32 type = KEXEC_EV_EFI_BOOT_SERVICES_APPLICATION;
	u8 data[32];
	int err;

	memset(data, 0x5a, sizeof(data));
	kexec_measure_start(measure);
	err = kexec_measure_finish(measure, 4, type, data, sizeof(data));
	KUNIT_ASSERT_EQ(test, 0, err);
	memset(data, 0, sizeof(data));
	kexec_measure_start(measure);
	err = kexec_measure_finish(measure, 12, KEXEC_EV_IPL, data, 0);
	KUNIT_ASSERT_EQ(test, 0, err);

	event = get_event(test, measure, 0);
	memset(data, 0x5a, sizeof(data));
	KUNIT_EXPECT_EQ(test, event.pcr, 4);
	KUNIT_EXPECT_EQ(test, event.type, 0x80000003);
	KUNIT_ASSERT_EQ(test, event.data_len, sizeof(data));
	KUNIT_EXPECT_MEMEQ(test, event.data, data, sizeof(data));

	event = get_event(test, measure, 1);
	KUNIT_EXPECT_EQ(test, event.pcr, 12);
	KUNIT_EXPECT_EQ(test, event.type, 0x0000000d);
	KUNIT_EXPECT_EQ(test, event.data_len, 0);
	KUNIT_EXPECT_EQ(test, 2, count_events(measure));
}

static void expect_tagged(struct kunit *test,
			  const struct kexec_measure_event *event, u32 pcr,
			  u32 tag, const void *data, u32 len)
{
	KUNIT_EXPECT_EQ(test, event->pcr, pcr);
	KUNIT_EXPECT_EQ(test, event->type, 0x00000006);
	KUNIT_ASSERT_EQ(test, event->data_len, 8 + len);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(event->data), tag);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(event->data + 4), len);
	KUNIT_EXPECT_MEMEQ(test, event->data + 8, data, len);
}

/* Lengths that are no multiple of anything, too. */
static void test_tagged_event(struct kunit *test)
{
	static const u8 text[] = "LOADED_IMAGE::LoadOptions";
	struct kexec_measure *measure = new_list(test);

	for (u32 len = 0; len <= sizeof(text); len++) {
		struct kexec_measure_event event;
		int err;

		kexec_measure_start(measure);
		err = kexec_measure_finish_tagged(measure, 9,
						  KEXEC_TAG_LOAD_OPTIONS, text,
						  len);
		KUNIT_ASSERT_EQ(test, 0, err);
		event = get_event(test, measure, len);
		expect_tagged(test, &event, 9, 0x8f3b22ed, text, len);
	}
}

static void test_marker(struct kunit *test)
{
	static const u8 want[] = {
		0x01, 0x00, 0x78, 0x6b, 0x08, 0x00, 0x00, 0x00,
		'k', 'e', 'x', 'e', 'c', ':', '1', '\0',
	};
	struct kexec_measure *measure = new_list(test);
	struct kexec_measure_event event;
	u16 ids[NR_ALGS];

	fill_ids(ids);
	KUNIT_ASSERT_EQ(test, 0, kexec_measure_marker(measure));
	KUNIT_ASSERT_EQ(test, 1, count_events(measure));

	event = get_event(test, measure, 0);
	expect_tagged(test, &event, 4, 0x6b780001, "kexec:1", 8);
	KUNIT_ASSERT_EQ(test, event.data_len, sizeof(want));
	KUNIT_EXPECT_MEMEQ(test, event.data, want, sizeof(want));
	expect_digests(test, &event, ids, NR_ALGS, &marker_digests, 8);
}

static void test_section_names(struct kunit *test)
{
	static const u16 id = TPM_ALG_SHA256;
	struct kexec_measure *measure = alloc_list(test, &id, 1);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, measure);
	for (size_t i = 0; i < ARRAY_SIZE(section_testvecs); i++) {
		const char *name = section_testvecs[i].name;
		struct kexec_measure_event event;

		add_event(test, measure, 11, name, strlen(name) + 1);
		event = get_event(test, measure, i);
		KUNIT_EXPECT_MEMEQ_MSG(test, event.digests[0].digest,
				       section_testvecs[i].sha256,
				       SHA256_DIGEST_SIZE, "%s", name);
	}
}

/* Stands for the TPM of the running test. */
static int fake_extend(struct tpm_chip *chip, u32 pcr,
		       struct tpm_digest *digests)
{
	struct kunit *test = kunit_get_current_test();
	struct test_ctx *ctx = test->priv;
	struct extend_record *record = &ctx->extends[ctx->nr_extends];

	KUNIT_EXPECT_NULL(test, chip);
	KUNIT_ASSERT_LT(test, ctx->nr_extends, MAX_EXTENDS);
	record->pcr = pcr;
	memcpy(record->digests, digests, sizeof(record->digests));
	return ctx->nr_extends++ == ctx->fail_at ? ctx->error : 0;
}

static int extend_all(struct kexec_measure *measure)
{
	return kexec_measure_extend_all(measure, fake_extend);
}

/* The first @nr events were extended as they are listed, and no other. */
static void expect_extends(struct kunit *test,
			   const struct kexec_measure *measure, unsigned int nr)
{
	struct test_ctx *ctx = test->priv;

	KUNIT_ASSERT_EQ(test, ctx->nr_extends, nr);
	for (unsigned int i = 0; i < nr; i++) {
		struct kexec_measure_event event = get_event(test, measure, i);
		const struct extend_record *got = &ctx->extends[i];

		KUNIT_EXPECT_EQ(test, got->pcr, event.pcr);
		for (unsigned int j = 0; j < event.nr_digests; j++) {
			KUNIT_EXPECT_EQ(test, got->digests[j].alg_id,
					event.digests[j].alg_id);
			KUNIT_EXPECT_MEMEQ(test, got->digests[j].digest,
					   event.digests[j].digest,
					   algs[j].size);
		}
	}
}

static int execute(struct kunit *test, struct kexec_measure *measure)
{
	struct test_ctx *ctx = test->priv;
	int ret;

	ctx->image->measure = measure;
	ret = kexec_measure_execute(ctx->image);
	ctx->image->measure = NULL;
	return ret;
}

static bool have_tpm(void)
{
	struct tpm_chip *chip = tpm_default_chip();

	if (chip)
		put_device(&chip->dev);
	return chip;
}

/* An extend more would tell of two kexecs, even after a success. */
static void test_extend_all(struct kunit *test)
{
	struct kexec_measure *measure = new_full_list(test);

	KUNIT_EXPECT_EQ(test, 0, extend_all(measure));
	expect_extends(test, measure, NR_EVENTS);
	KUNIT_EXPECT_EQ(test, -ESTALE, execute(test, measure));
}

/* Whatever fails, and wherever: nothing more is extended, now or later. */
static void test_extend_fails(struct kunit *test)
{
	static const int errors[] = {
		-EIO, -ENODEV, -ETIME, -EINVAL, RC_FAILURE, 1,
	};
	struct test_ctx *ctx = test->priv;

	for (size_t i = 0; i < ARRAY_SIZE(errors) * NR_EVENTS; i++) {
		struct kexec_measure *measure = new_full_list(test);

		ctx->nr_extends = 0;
		ctx->fail_at = i % NR_EVENTS;
		ctx->error = errors[i / NR_EVENTS];
		KUNIT_EXPECT_EQ_MSG(test, -EIO, extend_all(measure),
				    "error %d at %u", ctx->error, ctx->fail_at);
		expect_extends(test, measure, ctx->fail_at + 1);
		KUNIT_EXPECT_EQ(test, -ESTALE, execute(test, measure));
		KUNIT_EXPECT_EQ(test, ctx->nr_extends, ctx->fail_at + 1);
	}
}

static void test_extend_nothing(struct kunit *test)
{
	struct kexec_measure *lists[] = {
		new_list(test), alloc_list(test, NULL, 0),
	};
	struct test_ctx *ctx = test->priv;

	ctx->fail_at = 0;
	ctx->error = -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, lists[i]);
		KUNIT_EXPECT_EQ(test, 0, extend_all(lists[i]));
		KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
	}
}

/* The value is that of a systemd test. */
static void test_pcr11(struct kunit *test)
{
	static const u16 id = TPM_ALG_SHA256;
	struct kexec_measure *measure = alloc_list(test, &id, 1);
	u8 pcr[2 * SHA256_DIGEST_SIZE] = {};
	struct test_ctx *ctx = test->priv;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, measure);
	add_event(test, measure, 11, ".linux", 7);
	add_event(test, measure, 11, "HALLO\n", 6);
	add_event(test, measure, 11, ".initrd", 8);
	add_event(test, measure, 11, "foobar\n", 7);
	KUNIT_ASSERT_EQ(test, 0, extend_all(measure));
	KUNIT_ASSERT_EQ(test, 4, ctx->nr_extends);

	for (size_t i = 0; i < ctx->nr_extends; i++) {
		memcpy(pcr + SHA256_DIGEST_SIZE,
		       ctx->extends[i].digests[0].digest, SHA256_DIGEST_SIZE);
		sha256(pcr, sizeof(pcr), pcr);
	}
	KUNIT_EXPECT_MEMEQ(test, pcr, pcr11_testvec, SHA256_DIGEST_SIZE);
}

static void test_execute_without_list(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, execute(test, NULL));
	kexec_measure_free(NULL);
}

/* An empty list is never spent, one with events cannot be extended. */
static void test_execute_without_tpm(struct kunit *test)
{
	struct kexec_measure *measure = new_list(test);

	if (have_tpm())
		kunit_skip(test, "there is a TPM");

	KUNIT_EXPECT_EQ(test, 0, execute(test, measure));
	KUNIT_EXPECT_EQ(test, 0, execute(test, measure));
	KUNIT_ASSERT_EQ(test, 0, kexec_measure_marker(measure));
	KUNIT_EXPECT_EQ(test, -EIO, execute(test, measure));
	KUNIT_EXPECT_EQ(test, -ESTALE, execute(test, measure));
}

static struct kunit_case list_cases[] = {
	KUNIT_CASE(test_each_bank_alone),
	KUNIT_CASE(test_all_banks_in_any_order),
	KUNIT_CASE(test_as_many_banks_as_fit),
	KUNIT_CASE(test_unknown_bank),
	KUNIT_CASE(test_no_bank),
	KUNIT_CASE(test_zeros),
	KUNIT_CASE(test_pieces_equal_the_whole),
	KUNIT_CASE(test_start_begins_anew),
	KUNIT_CASE(test_event_is_kept),
	KUNIT_CASE(test_tagged_event),
	KUNIT_CASE(test_marker),
	KUNIT_CASE(test_section_names),
	KUNIT_CASE(test_extend_all),
	KUNIT_CASE(test_extend_fails),
	KUNIT_CASE(test_extend_nothing),
	KUNIT_CASE(test_pcr11),
	KUNIT_CASE(test_execute_without_list),
	KUNIT_CASE(test_execute_without_tpm),
	{}
};

static struct kunit_suite list_suite = {
	.name = "kexec_measure",
	.init = init_ctx,
	.test_cases = list_cases,
};

/* Where TPM2_PCR_Extend has its fields: TPM 2.0 Library Part 3, 22.2 */
#define CMD_PCR		TPM_HEADER_SIZE
#define CMD_AUTH_LEN	(CMD_PCR + 4)
#define CMD_AUTH	(CMD_AUTH_LEN + 4)

static void record_extend(struct kunit *test, const u8 *cmd, size_t len)
{
	size_t pos = CMD_AUTH + get_unaligned_be32(cmd + CMD_AUTH_LEN);
	struct test_ctx *ctx = test->priv;
	struct extend_record *record = &ctx->extends[ctx->nr_extends];
	u32 nr_digests = get_unaligned_be32(cmd + pos);

	KUNIT_ASSERT_LT(test, ctx->nr_extends, MAX_EXTENDS);
	KUNIT_ASSERT_EQ(test, nr_digests, NR_ALGS);
	record->pcr = get_unaligned_be32(cmd + CMD_PCR);
	pos += 4;
	for (size_t i = 0; i < NR_ALGS; i++) {
		record->digests[i].alg_id = get_unaligned_be16(cmd + pos);
		memcpy(record->digests[i].digest, cmd + pos + 2, algs[i].size);
		pos += 2 + algs[i].size;
	}
	KUNIT_EXPECT_EQ(test, pos, len);
}

/* A TPM that does nothing but remember; answers in the same buffer. */
static int fake_send(struct tpm_chip *chip, u8 *buf, size_t buf_size,
		     size_t len)
{
	struct kunit *test = dev_get_drvdata(&chip->dev);
	struct tpm_header *head = (struct tpm_header *)buf;
	struct test_ctx *ctx = test->priv;
	int err = 0;

	if (be32_to_cpu(head->ordinal) == TPM2_CC_PCR_EXTEND) {
		record_extend(test, buf, len);
		if (ctx->nr_extends++ == ctx->fail_at)
			err = ctx->error;
	}
	if (err < 0)
		return err;

	head->tag = cpu_to_be16(TPM2_ST_NO_SESSIONS);
	head->length = cpu_to_be32(TPM_HEADER_SIZE);
	head->return_code = cpu_to_be32(err);
	return TPM_HEADER_SIZE;
}

static const struct tpm_class_ops fake_ops = {
	.send = fake_send,
};

static void put_chip(void *chip)
{
	put_device(&((struct tpm_chip *)chip)->dev);
}

KUNIT_DEFINE_ACTION_WRAPPER(unregister_chip, tpm_chip_unregister,
			    struct tpm_chip *);

/* Bootstrapped means that the banks are known and the TPM need not be asked. */
static struct tpm_chip *register_chip(struct kunit *test, unsigned int flags)
{
	struct tpm_chip *chip = tpm_chip_alloc(NULL, &fake_ops);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, chip);
	at_end(test, put_chip, chip);
	dev_set_drvdata(&chip->dev, test);
	chip->flags |= TPM_CHIP_FLAG_BOOTSTRAPPED | TPM_CHIP_FLAG_SYNC |
		       TPM_CHIP_FLAG_HWRNG_DISABLED | flags;
	chip->nr_allocated_banks = NR_ALGS;
	for (size_t i = 0; i < NR_ALGS; i++) {
		chip->allocated_banks[i].alg_id = algs[i].id;
		chip->allocated_banks[i].digest_size = algs[i].size;
	}
	KUNIT_ASSERT_EQ(test, 0, tpm_chip_register(chip));
	at_end(test, unregister_chip, chip);
	return chip;
}

static unsigned int nr_references(struct tpm_chip *chip)
{
	return kref_read(&chip->dev.kobj.kref);
}

/* Loads an image with NR_EVENTS events. */
static void load_image(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kexec_measure_prepare(ctx->image));
	KUNIT_ASSERT_NOT_NULL(test, ctx->image->measure);
	at_end(test, free_list, ctx->image->measure);
	for (u32 i = 0; i < NR_EVENTS; i++)
		add_event(test, ctx->image->measure, 9 + i, &i, sizeof(i));
}

static void unload_image(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	kunit_release_action(test, free_list, ctx->image->measure);
	ctx->image->measure = NULL;
}

static int init_tpm(struct kunit *test)
{
	if (have_tpm())
		kunit_skip(test, "there is a real TPM");
	if (IS_ENABLED(CONFIG_TCG_TPM2_HMAC))
		kunit_skip(test, "the fake TPM knows no sessions");

	return init_ctx(test);
}

static void test_tpm_is_extended(struct kunit *test)
{
	struct tpm_chip *chip = register_chip(test, TPM_CHIP_FLAG_TPM2);
	unsigned int references = nr_references(chip);
	struct test_ctx *ctx = test->priv;

	load_image(test);
	KUNIT_EXPECT_EQ(test, NR_EVENTS, count_events(ctx->image->measure));
	KUNIT_EXPECT_EQ(test, references + 1, nr_references(chip));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);

	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	expect_extends(test, ctx->image->measure, NR_EVENTS);
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, ctx->nr_extends, NR_EVENTS);

	unload_image(test);
	KUNIT_EXPECT_EQ(test, references, nr_references(chip));
}

static void test_tpm_fails(struct kunit *test)
{
	static const int errors[] = { -EIO, RC_FAILURE };
	struct test_ctx *ctx = test->priv;
	struct kimage *image = ctx->image;

	register_chip(test, TPM_CHIP_FLAG_TPM2);
	for (size_t i = 0; i < ARRAY_SIZE(errors) * NR_EVENTS; i++) {
		ctx->nr_extends = 0;
		ctx->fail_at = i % NR_EVENTS;
		ctx->error = errors[i / NR_EVENTS];
		load_image(test);
		KUNIT_EXPECT_EQ(test, -EIO, kexec_measure_execute(image));
		expect_extends(test, image->measure, ctx->fail_at + 1);
		KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(image));
		KUNIT_EXPECT_EQ(test, ctx->nr_extends, ctx->fail_at + 1);
		unload_image(test);
	}

	/* Loaded anew it can be executed. */
	ctx->nr_extends = 0;
	ctx->fail_at = UINT_MAX;
	load_image(test);
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(image));
	expect_extends(test, image->measure, NR_EVENTS);
}

static void test_unload_leaves_no_trace(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	register_chip(test, TPM_CHIP_FLAG_TPM2);
	load_image(test);
	unload_image(test);
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
}

static void test_tpm_1_2(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	register_chip(test, 0);
	load_image(test);
	KUNIT_EXPECT_EQ(test, 0, count_events(ctx->image->measure));
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
}

/* A refused load gives the TPM back. */
static void test_tpm_with_unknown_bank(struct kunit *test)
{
	struct tpm_chip *chip = register_chip(test, TPM_CHIP_FLAG_TPM2);
	unsigned int references = nr_references(chip);
	struct test_ctx *ctx = test->priv;

	chip->allocated_banks[NR_ALGS - 1].alg_id = UNKNOWN_ALG;
	KUNIT_EXPECT_EQ(test, -ENOPKG, kexec_measure_prepare(ctx->image));
	KUNIT_EXPECT_NULL(test, ctx->image->measure);
	KUNIT_EXPECT_EQ(test, references, nr_references(chip));
}

static void test_tpm_does_not_answer(struct kunit *test)
{
	struct tpm_chip *chip = register_chip(test, TPM_CHIP_FLAG_TPM2);
	unsigned int references = nr_references(chip);
	struct test_ctx *ctx = test->priv;

	chip->flags |= TPM_CHIP_FLAG_DISABLE;
	KUNIT_EXPECT_EQ(test, -ENODEV, kexec_measure_prepare(ctx->image));
	KUNIT_EXPECT_NULL(test, ctx->image->measure);
	KUNIT_EXPECT_EQ(test, references, nr_references(chip));

	chip->flags &= ~TPM_CHIP_FLAG_DISABLE;
	load_image(test);
	chip->flags |= TPM_CHIP_FLAG_DISABLE;
	KUNIT_EXPECT_EQ(test, -EIO, kexec_measure_execute(ctx->image));
	chip->flags &= ~TPM_CHIP_FLAG_DISABLE;
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
}

/* Gone, then another one in its place. */
static void test_tpm_is_replaced(struct kunit *test)
{
	struct tpm_chip *chip = register_chip(test, TPM_CHIP_FLAG_TPM2);
	struct test_ctx *ctx = test->priv;

	load_image(test);
	kunit_release_action(test, unregister_chip, chip);
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(ctx->image));

	chip = register_chip(test, TPM_CHIP_FLAG_TPM2);
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
}

static void test_tpm_appears(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct tpm_chip *chip;
	unsigned int references;

	load_image(test);
	KUNIT_EXPECT_EQ(test, 0, count_events(ctx->image->measure));
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));

	chip = register_chip(test, TPM_CHIP_FLAG_TPM2);
	references = nr_references(chip);
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
	KUNIT_EXPECT_EQ(test, references, nr_references(chip));
}

static struct kunit_case tpm_cases[] = {
	KUNIT_CASE(test_tpm_is_extended),
	KUNIT_CASE(test_tpm_fails),
	KUNIT_CASE(test_unload_leaves_no_trace),
	KUNIT_CASE(test_tpm_1_2),
	KUNIT_CASE(test_tpm_with_unknown_bank),
	KUNIT_CASE(test_tpm_does_not_answer),
	KUNIT_CASE(test_tpm_is_replaced),
	KUNIT_CASE(test_tpm_appears),
	{}
};

static struct kunit_suite tpm_suite = {
	.name = "kexec_measure_tpm",
	.init = init_tpm,
	.test_cases = tpm_cases,
};

kunit_test_suites(&list_suite, &tpm_suite);

MODULE_DESCRIPTION("KUnit tests for the measurements of a kexec image");
MODULE_LICENSE("GPL");
