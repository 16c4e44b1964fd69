// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for kernel/kexec_measure.c
 *
 * Suite kexec_measure makes lists of events.  Suite kexec_measure_tpm registers
 * TPMs that exist in this file only, and extends them through the TPM core.  Both
 * must leave a real TPM alone, and no image of theirs may ever become the one that
 * a kexec would execute.
 */

#include <crypto/sha1.h>
#include <crypto/sha2.h>
#include <crypto/sm3.h>
#include <kunit/test.h>
#include <kunit/test-bug.h>
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/hex.h>
#include <linux/kexec.h>
#include <linux/string.h>
#include <linux/tpm.h>
#include <linux/tpm_kexec.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>

#include "../../drivers/char/tpm/eventlog/kexec_log_abi.h"
#include "../../drivers/char/tpm/eventlog/live.h"
#include "../../drivers/char/tpm/tpm.h"
#include "../kexec_measure.h"
#include "kexec_measure-testvecs.h"

#define DATA_LEN	100000	/* the longest of data_testvecs[] */
#define NR_EVENTS	4
#define MAX_EXTENDS	8
#define NR_PCRS		24

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
 * @pages: its segment, or NULL
 * @order: their number is that power of two
 * @pcrs: bank SHA-256 of the TPM
 * @nr_extends: number of TPM2_PCR_Extend commands
 * @fail_at: which of them fails, from 0
 * @error: what it fails with
 * @lost: it is executed, only its answer fails, and then PCRs cannot be read
 * @mute: PCRs cannot be read
 * @extends: what they were given
 */
struct test_ctx {
	u8 *data;
	u64 seed;
	struct kimage *image;
	struct page *pages;
	unsigned int order;
	u8 pcrs[NR_PCRS][SHA256_DIGEST_SIZE];
	unsigned int nr_extends;
	unsigned int fail_at;
	int error;
	bool lost;
	bool mute;
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
	measure = kexec_measure_alloc(banks, nr, nr);
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

static unsigned int count_events(const struct kexec_measure *measure)
{
	unsigned int nr;

	kexec_measure_events(measure, &nr);
	return nr;
}

static const struct tpm_kexec_event *
get_event(struct kunit *test, const struct kexec_measure *measure,
	  unsigned int nr)
{
	const struct tpm_kexec_event *events;
	unsigned int nr_events;

	events = kexec_measure_events(measure, &nr_events);
	KUNIT_ASSERT_LT(test, nr, nr_events);
	return &events[nr];
}

/* The digests of @event are @want, in the order of @ids. */
static void expect_digests(struct kunit *test,
			   const struct tpm_kexec_event *event,
			   const u16 *ids, unsigned int nr,
			   const struct testvec_digests *want, size_t len)
{
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
	const struct tpm_kexec_event *a = get_event(test, measure, nr);
	const struct tpm_kexec_event *b = get_event(test, measure, nr + 1);

	for (size_t i = 0; i < NR_ALGS; i++)
		KUNIT_EXPECT_MEMEQ_MSG(test, a->digests[i].digest,
				       b->digests[i].digest, algs[i].size,
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
		const struct tpm_kexec_event *event;
		u8 *data;

		KUNIT_ASSERT_LE(test, vec->len, DATA_LEN);
		data = fill_data(ctx, vec->len);
		add_event(test, measure, 11, data, vec->len);
		event = get_event(test, measure, i);
		expect_digests(test, event, ids, nr, &vec->digests, vec->len);
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

/* An algorithm that only the log has may be unknown; the banks stay the first. */
static void test_log_algorithms(struct kunit *test)
{
	static const struct tpm_bank_info log[] = {
		{ .alg_id = TPM_ALG_SHA384 }, { .alg_id = UNKNOWN_ALG },
		{ .alg_id = TPM_ALG_SHA1 },
	};
	static const u16 want[] = { TPM_ALG_SHA384, TPM_ALG_SHA1 };
	const struct testvec *vec = &data_testvecs[0];
	struct kexec_measure *measure;

	measure = kexec_measure_alloc(log, ARRAY_SIZE(log), 2);
	KUNIT_EXPECT_EQ(test, -ENOPKG, PTR_ERR_OR_ZERO(measure));
	measure = kexec_measure_alloc(log, ARRAY_SIZE(log), 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, measure);
	at_end(test, free_list, measure);

	add_event(test, measure, 11, NULL, 0);
	expect_digests(test, get_event(test, measure, 0), want,
		       ARRAY_SIZE(want), &vec->digests, vec->len);
}

/* Whatever the banks are, IMA gets SHA-256; the digests are those of systemd. */
static void test_identity(struct kunit *test)
{
	static const u16 id = TPM_ALG_SHA1;
	struct kexec_measure *lists[] = {
		new_list(test), alloc_list(test, &id, 1),
		alloc_list(test, NULL, 0),
	};
	char *want = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
	size_t len = 0;

	KUNIT_ASSERT_NOT_NULL(test, want);
	for (size_t i = 0; i < ARRAY_SIZE(section_testvecs); i++) {
		const char *name = section_testvecs[i].name;

		len += sprintf(want + len, "%s=sha256:", name);
		bin2hex(want + len, section_testvecs[i].sha256,
			SHA256_DIGEST_SIZE);
		len += 2 * SHA256_DIGEST_SIZE;
		len += sprintf(want + len, ";");
		for (size_t j = 0; j < ARRAY_SIZE(lists); j++) {
			add_event(test, lists[j], 11, name, strlen(name) + 1);
			KUNIT_EXPECT_EQ(test, 0,
					kexec_measure_identify(lists[j], name));
		}
	}
	for (size_t j = 0; j < ARRAY_SIZE(lists); j++)
		KUNIT_EXPECT_STREQ(test, kexec_measure_identity(lists[j]),
				   want);
}

/* Of data that no event is made of: nothing is hashed if nobody wants to know. */
static void test_identity_data(struct kunit *test)
{
	const char *name = section_testvecs[0].name;
	struct kexec_measure *measure = new_list(test);
	char want[32 + 2 * SHA256_DIGEST_SIZE] = {};
	size_t len;

	if (IS_ENABLED(CONFIG_IMA_KEXEC)) {
		len = sprintf(want, "data=sha256:");
		bin2hex(want + len, section_testvecs[0].sha256,
			SHA256_DIGEST_SIZE);
		strcat(want, ";");
	}
	KUNIT_EXPECT_EQ(test, 0,
			kexec_measure_identify_data(measure, "data", name,
						    strlen(name) + 1));
	KUNIT_EXPECT_STREQ(test, kexec_measure_identity(measure), want);
	KUNIT_EXPECT_EQ(test, 0, count_events(measure));
}

static void test_no_identity(struct kunit *test)
{
	struct kexec_measure *measure = new_full_list(test);

	KUNIT_EXPECT_STREQ(test, kexec_measure_identity(measure), "");
}

static void test_zeros(struct kunit *test)
{
	struct kexec_measure *measure = new_list(test);
	u16 ids[NR_ALGS];

	fill_ids(ids);
	for (size_t i = 0; i < ARRAY_SIZE(zero_testvecs); i++) {
		const struct testvec *vec = &zero_testvecs[i];
		const struct tpm_kexec_event *event;

		kexec_measure_start(measure);
		kexec_measure_update_zeros(measure, vec->len);
		finish(test, measure, 11);
		event = get_event(test, measure, i);
		expect_digests(test, event, ids, NR_ALGS, &vec->digests,
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
	const struct tpm_kexec_event *event;
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
	KUNIT_EXPECT_EQ(test, event->pcr, 4);
	KUNIT_EXPECT_EQ(test, event->type, 0x80000003);
	KUNIT_ASSERT_EQ(test, event->data_len, sizeof(data));
	KUNIT_EXPECT_MEMEQ(test, event->data, data, sizeof(data));

	event = get_event(test, measure, 1);
	KUNIT_EXPECT_EQ(test, event->pcr, 12);
	KUNIT_EXPECT_EQ(test, event->type, 0x0000000d);
	KUNIT_EXPECT_EQ(test, event->data_len, 0);
	KUNIT_EXPECT_EQ(test, 2, count_events(measure));
}

static void expect_tagged(struct kunit *test,
			  const struct tpm_kexec_event *event, u32 pcr,
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
		const struct tpm_kexec_event *event;
		int err;

		kexec_measure_start(measure);
		err = kexec_measure_finish_tagged(measure, 9,
						  KEXEC_TAG_LOAD_OPTIONS, text,
						  len);
		KUNIT_ASSERT_EQ(test, 0, err);
		event = get_event(test, measure, len);
		expect_tagged(test, event, 9, 0x8f3b22ed, text, len);
	}
}

static void test_marker(struct kunit *test)
{
	static const u8 want[] = {
		0x01, 0x00, 0x78, 0x6b, 0x08, 0x00, 0x00, 0x00,
		'k', 'e', 'x', 'e', 'c', ':', '1', '\0',
	};
	struct kexec_measure *measure = new_list(test);
	const struct tpm_kexec_event *event;
	u16 ids[NR_ALGS];

	fill_ids(ids);
	KUNIT_ASSERT_EQ(test, 0, kexec_measure_marker(measure, 1));
	KUNIT_ASSERT_EQ(test, 0, kexec_measure_marker(measure, UINT_MAX));
	KUNIT_ASSERT_EQ(test, 2, count_events(measure));

	event = get_event(test, measure, 0);
	expect_tagged(test, event, 4, 0x6b780001, "kexec:1", 8);
	KUNIT_ASSERT_EQ(test, event->data_len, sizeof(want));
	KUNIT_EXPECT_MEMEQ(test, event->data, want, sizeof(want));
	expect_digests(test, event, ids, NR_ALGS, &marker_digests[0], 8);

	event = get_event(test, measure, 1);
	expect_tagged(test, event, 4, 0x6b780001, "kexec:4294967295", 17);
	expect_digests(test, event, ids, NR_ALGS, &marker_digests[1], 17);
}

static void test_segments(struct kunit *test)
{
	struct kexec_measure *measure = new_list(test);
	const struct tpm_kexec_event *event;
	u16 ids[NR_ALGS];

	fill_ids(ids);
	KUNIT_ASSERT_EQ(test, 0, kexec_measure_segments(measure));
	KUNIT_ASSERT_EQ(test, 1, count_events(measure));
	event = get_event(test, measure, 0);
	expect_tagged(test, event, 4, 0x6b780005, "kexec_load", 11);
	expect_digests(test, event, ids, NR_ALGS, &kexec_load_digests, 11);
}

static void test_section_names(struct kunit *test)
{
	static const u16 id = TPM_ALG_SHA256;
	struct kexec_measure *measure = alloc_list(test, &id, 1);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, measure);
	for (size_t i = 0; i < ARRAY_SIZE(section_testvecs); i++) {
		const char *name = section_testvecs[i].name;
		const struct tpm_kexec_event *event;

		add_event(test, measure, 11, name, strlen(name) + 1);
		event = get_event(test, measure, i);
		KUNIT_EXPECT_MEMEQ_MSG(test, event->digests[0].digest,
				       section_testvecs[i].sha256,
				       SHA256_DIGEST_SIZE, "%s", name);
	}
}

static bool have_tpm(void)
{
	struct tpm_chip *chip = tpm_default_chip();

	if (chip)
		put_device(&chip->dev);
	return chip;
}

/* The value is that of a systemd test. */
static void test_pcr11(struct kunit *test)
{
	static const u16 id = TPM_ALG_SHA256;
	struct kexec_measure *measure = alloc_list(test, &id, 1);
	u8 pcr[2 * SHA256_DIGEST_SIZE] = {};

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, measure);
	add_event(test, measure, 11, ".linux", 7);
	add_event(test, measure, 11, "HALLO\n", 6);
	add_event(test, measure, 11, ".initrd", 8);
	add_event(test, measure, 11, "foobar\n", 7);

	for (size_t i = 0; i < 4; i++) {
		memcpy(pcr + SHA256_DIGEST_SIZE,
		       get_event(test, measure, i)->digests[0].digest,
		       SHA256_DIGEST_SIZE);
		sha256(pcr, sizeof(pcr), pcr);
	}
	KUNIT_EXPECT_MEMEQ(test, pcr, pcr11_testvec, SHA256_DIGEST_SIZE);
}

/* Bytes that end where a page ends which is not mapped. */
static void *guarded(struct kunit *test, const void *data, size_t len)
{
	size_t full_len = round_up(len ?: 1, PAGE_SIZE);
	u8 *buf = vmalloc(full_len);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	at_end(test, free_buf, buf);
	return memcpy(buf + full_len - len, data, len);
}

static void load_kernel(struct kunit *test, struct kimage *image,
			const struct kernel_testvec *vec)
{
	image->measure = new_list(test);
	image->kernel_buf = guarded(test, vec->file, vec->file_len);
	image->kernel_buf_len = vec->file_len;
	image->cmdline_buf = guarded(test, vec->cmdline, vec->cmdline_len);
	image->cmdline_buf_len = vec->cmdline_len;
	image->initrd_buf = guarded(test, vec->initrd, vec->initrd_len);
	image->initrd_buf_len = vec->initrd_len;
	KUNIT_ASSERT_EQ(test, 0, kexec_measure_kernel(image));
}

static void test_kernels(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	u16 ids[NR_ALGS];

	fill_ids(ids);
	for (size_t i = 0; i < ARRAY_SIZE(kernel_testvecs); i++) {
		const struct kernel_testvec *vec = &kernel_testvecs[i];
		struct kexec_measure *measure;

		load_kernel(test, ctx->image, vec);
		measure = ctx->image->measure;
		KUNIT_ASSERT_EQ(test, vec->nr_events, count_events(measure));
		for (unsigned int j = 0; j < vec->nr_events; j++) {
			const struct kernel_event *want = &vec->events[j];
			const struct tpm_kexec_event *got;

			got = get_event(test, measure, j);
			KUNIT_EXPECT_EQ(test, got->pcr, want->pcr);
			KUNIT_EXPECT_EQ(test, got->type, want->type);
			KUNIT_ASSERT_EQ(test, got->data_len, want->data_len);
			KUNIT_EXPECT_MEMEQ(test, got->data, want->data,
					   want->data_len);
			expect_digests(test, got, ids, NR_ALGS, &want->digests,
				       i);
		}
	}
}

/* Nobody passed a command line or an initrd at all. */
static void test_kernel_alone(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct kimage *image = ctx->image;

	image->measure = new_list(test);
	image->kernel_buf = guarded(test, "kernel", 6);
	image->kernel_buf_len = 6;
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_kernel(image));
	KUNIT_EXPECT_EQ(test, 1, count_events(image->measure));
}

/* Images of kexec_load() and those of kexec_measure=uki that got no list. */
static void test_execute_without_list(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	ctx->image->file_mode = 1;
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	kexec_measure_cancel(ctx->image);
	kexec_measure_free(NULL);
}

static unsigned int pending_refs(const struct kexec_pending *pending)
{
	return refcount_read(&pending->refs);
}

static void publish_nothing(void *unused)
{
	kexec_pending_publish(NULL);
}

/* Whoever has a list keeps it whatever is published after it. */
static void test_pending(struct kunit *test)
{
	struct kexec_pending *a, *b, *reader;

	reader = kexec_pending_get();
	if (reader) {
		kexec_pending_put(reader);
		kunit_skip(test, "an image is loaded");
	}

	a = kexec_pending_alloc(3);
	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_EXPECT_EQ(test, 3, a->len);
	b = kexec_pending_alloc(0);
	if (!b)
		kexec_pending_put(a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	at_end(test, publish_nothing, NULL);

	kexec_pending_publish(a);
	KUNIT_EXPECT_EQ(test, 2, pending_refs(a));
	reader = kexec_pending_get();
	KUNIT_EXPECT_PTR_EQ(test, reader, a);
	KUNIT_EXPECT_EQ(test, 3, pending_refs(a));

	kexec_pending_publish(b);
	KUNIT_EXPECT_EQ(test, 2, pending_refs(a));
	KUNIT_EXPECT_EQ(test, 2, pending_refs(b));
	kexec_pending_put(reader);
	kexec_pending_put(a);

	kexec_pending_publish(NULL);
	KUNIT_EXPECT_EQ(test, 1, pending_refs(b));
	KUNIT_EXPECT_NULL(test, kexec_pending_get());
	kexec_pending_put(b);
	kexec_pending_put(NULL);
}

static struct kunit_case list_cases[] = {
	KUNIT_CASE(test_each_bank_alone),
	KUNIT_CASE(test_all_banks_in_any_order),
	KUNIT_CASE(test_as_many_banks_as_fit),
	KUNIT_CASE(test_unknown_bank),
	KUNIT_CASE(test_log_algorithms),
	KUNIT_CASE(test_identity),
	KUNIT_CASE(test_identity_data),
	KUNIT_CASE(test_no_identity),
	KUNIT_CASE(test_zeros),
	KUNIT_CASE(test_pieces_equal_the_whole),
	KUNIT_CASE(test_start_begins_anew),
	KUNIT_CASE(test_event_is_kept),
	KUNIT_CASE(test_tagged_event),
	KUNIT_CASE(test_marker),
	KUNIT_CASE(test_segments),
	KUNIT_CASE(test_section_names),
	KUNIT_CASE(test_pcr11),
	KUNIT_CASE(test_kernels),
	KUNIT_CASE(test_kernel_alone),
	KUNIT_CASE(test_execute_without_list),
	KUNIT_CASE(test_pending),
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

/* Where TPM2_PCR_Read has the PCR of a selection: Part 3, 22.4 */
#define CMD_ALG		(TPM_HEADER_SIZE + 4)
#define CMD_SELECT	(CMD_ALG + 3)

static void extend_pcr(u8 *pcr, const u8 *digest)
{
	u8 buf[2 * SHA256_DIGEST_SIZE];

	memcpy(buf, pcr, SHA256_DIGEST_SIZE);
	memcpy(buf + SHA256_DIGEST_SIZE, digest, SHA256_DIGEST_SIZE);
	sha256(buf, sizeof(buf), pcr);
}

static void fake_extend(struct kunit *test, const u8 *cmd, size_t len)
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
	if (ctx->nr_extends != ctx->fail_at || ctx->lost)
		extend_pcr(ctx->pcrs[record->pcr], record->digests[1].digest);
}

/* Length of the answer, which is written over the command. */
static size_t fake_read(struct kunit *test, u8 *buf)
{
	u32 pcr = __ffs(buf[CMD_SELECT] | buf[CMD_SELECT + 1] << 8 |
			buf[CMD_SELECT + 2] << 16);
	struct test_ctx *ctx = test->priv;
	u8 *out = buf + TPM_HEADER_SIZE;

	KUNIT_ASSERT_EQ(test, get_unaligned_be16(buf + CMD_ALG), TPM_ALG_SHA256);
	KUNIT_ASSERT_LT(test, pcr, NR_PCRS);
	memmove(out + 4, out, 10);
	put_unaligned_be32(0, out);
	put_unaligned_be32(1, out + 14);
	put_unaligned_be16(SHA256_DIGEST_SIZE, out + 18);
	memcpy(out + 20, ctx->pcrs[pcr], SHA256_DIGEST_SIZE);
	return TPM_HEADER_SIZE + 20 + SHA256_DIGEST_SIZE;
}

/* A TPM that can be extended and read; answers in the same buffer. */
static int fake_send(struct tpm_chip *chip, u8 *buf, size_t buf_size,
		     size_t len)
{
	struct kunit *test = dev_get_drvdata(&chip->dev);
	struct tpm_header *head = (struct tpm_header *)buf;
	struct test_ctx *ctx = test->priv;
	size_t out_len = TPM_HEADER_SIZE;
	int err = 0;

	switch (be32_to_cpu(head->ordinal)) {
	case TPM2_CC_PCR_EXTEND:
		fake_extend(test, buf, len);
		if (ctx->nr_extends++ == ctx->fail_at) {
			err = ctx->error;
			ctx->mute = ctx->lost;
		}
		break;
	case TPM2_CC_PCR_READ:
		if (ctx->mute)
			return -ETIME;
		out_len = fake_read(test, buf);
		break;
	}
	if (err < 0)
		return err;

	head->tag = cpu_to_be16(TPM2_ST_NO_SESSIONS);
	head->length = cpu_to_be32(out_len);
	head->return_code = cpu_to_be32(err);
	return out_len;
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
KUNIT_DEFINE_ACTION_WRAPPER(unregister_parent, root_device_unregister,
			    struct device *);

static struct device *register_parent(struct kunit *test)
{
	struct device *parent = root_device_register("kexec_measure_kunit");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, parent);
	at_end(test, unregister_parent, parent);
	return parent;
}

/*
 * Bootstrapped means that the banks are known and the TPM need not be asked.  One
 * without a parent is virtual.
 */
static struct tpm_chip *register_chip(struct kunit *test, struct device *parent,
				      unsigned int flags)
{
	struct tpm_chip *chip = tpm_chip_alloc(parent, &fake_ops);

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

KUNIT_DEFINE_ACTION_WRAPPER(free_log, tpm_live_free, struct tpm_live_log *);

/* The log is not that of the boot, which is kept when the test is over. */
static struct tpm_chip *register_tpm2(struct kunit *test, struct device *parent)
{
	struct tpm_bank_info banks[NR_ALGS] = {};
	struct tpm_live_log *live;
	struct tpm_chip *chip;

	for (size_t i = 0; i < NR_ALGS; i++) {
		banks[i].alg_id = algs[i].id;
		banks[i].digest_size = algs[i].size;
	}
	live = tpm_live_create(banks, NR_ALGS, NULL, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, live);
	at_end(test, free_log, live);

	chip = register_chip(test, parent, TPM_CHIP_FLAG_TPM2);
	chip->live = live;
	return chip;
}

static struct tpm_chip *register_tpm(struct kunit *test)
{
	return register_tpm2(test, register_parent(test));
}

static unsigned int nr_references(struct tpm_chip *chip)
{
	return kref_read(&chip->dev.kobj.kref);
}

/* NR_EVENTS events behind the marker. */
static int fake_measure(struct kimage *image)
{
	struct kunit *test = kunit_get_current_test();

	for (u32 i = 0; i < NR_EVENTS; i++)
		add_event(test, image->measure, 11 + i, &i, sizeof(i));
	return kexec_measure_identify(image->measure, "last");
}

static const struct kexec_file_ops fake_loader = {
	.measure = fake_measure,
};

static void free_image(void *context)
{
	struct test_ctx *ctx = context;
	struct kimage *image = ctx->image;

	kexec_measure_publish(NULL);
	kexec_measure_release(image);
	if (ctx->pages)
		__free_pages(ctx->pages, ctx->order);
	ctx->pages = NULL;
	memset(image, 0, sizeof(*image));
}

/* As kexec_file_load() does, before it takes the kexec lock */
static int prepare_image(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct kimage *image = ctx->image;
	int err;

	image->file_mode = 1;
	image->no_cma = 1;
	image->fops = &fake_loader;
	INIT_LIST_HEAD(&image->control_pages);

	err = kexec_measure_ask(image);
	return err ?: kexec_measure_prepare(image);
}

static int start_load(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	int err;

	err = prepare_image(test);
	return err ?: kexec_measure_load(ctx->image);
}

/* A segment that is one piece of memory needs no mapping. */
static void load_image(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct kimage *image = ctx->image;

	KUNIT_ASSERT_EQ(test, 0, start_load(test));
	KUNIT_ASSERT_NOT_NULL(test, image->measure);
	at_end(test, free_image, ctx);
	if (image->nr_segments) {
		ctx->order = get_order(image->segment[0].memsz);
		ctx->pages = alloc_pages(GFP_KERNEL | __GFP_ZERO, ctx->order);
		KUNIT_ASSERT_NOT_NULL(test, ctx->pages);
		image->segment_cma[0] = ctx->pages;
	}
	KUNIT_ASSERT_EQ(test, 0, kexec_measure_post_load(image));
	kexec_measure_publish(image);
}

static void unload_image(struct kunit *test)
{
	kunit_release_action(test, free_image, test->priv);
}

/* The first @nr events were extended as they are listed, and no other. */
static void expect_extends(struct kunit *test, unsigned int nr)
{
	struct test_ctx *ctx = test->priv;

	KUNIT_ASSERT_EQ(test, ctx->nr_extends, nr);
	for (unsigned int i = 0; i < nr; i++) {
		const struct tpm_kexec_event *event;
		const struct extend_record *got = &ctx->extends[i];

		event = get_event(test, ctx->image->measure, i);
		KUNIT_EXPECT_EQ(test, got->pcr, event->pcr);
		for (unsigned int j = 0; j < NR_ALGS; j++) {
			KUNIT_EXPECT_EQ(test, got->digests[j].alg_id,
					algs[j].id);
			KUNIT_EXPECT_MEMEQ(test, got->digests[j].digest,
					   event->digests[j].digest,
					   algs[j].size);
		}
	}
}

/* What user space sees; a reference is not kept. */
static const struct kexec_pending *pending_now(void)
{
	struct kexec_pending *pending = kexec_pending_get();

	kexec_pending_put(pending);
	return pending;
}

/* The log in the segment ends with these bytes. */
static void expect_handed_over(struct kunit *test,
			       const struct kexec_pending *pending)
{
	struct test_ctx *ctx = test->priv;
	const struct tpm_kexec_log_ser *ser = page_address(ctx->pages);
	const u8 *log = (const u8 *)(ser + 1);
	size_t len = le64_to_cpu(ser->len);

	KUNIT_EXPECT_MEMEQ(test, ser->magic, TPM_KEXEC_LOG_MAGIC,
			   sizeof(ser->magic));
	KUNIT_ASSERT_GT(test, len, pending->len);
	KUNIT_ASSERT_LE(test, len + sizeof(*ser), ctx->image->tpm_log_size);
	KUNIT_EXPECT_MEMEQ(test, log + len - pending->len, pending->records,
			   pending->len);
}

static int init_tpm(struct kunit *test)
{
	if (have_tpm())
		kunit_skip(test, "there is a real TPM");
	if (IS_ENABLED(CONFIG_TCG_TPM2_HMAC))
		kunit_skip(test, "the fake TPM knows no sessions");
	if (pending_now())
		kunit_skip(test, "an image is loaded");

	return init_ctx(test);
}

static void test_tpm_is_extended(struct kunit *test)
{
	struct tpm_chip *chip = register_tpm(test);
	unsigned int references = nr_references(chip);
	struct test_ctx *ctx = test->priv;
	struct kimage *image = ctx->image;
	struct kexec_pending *pending;

	load_image(test);
	KUNIT_EXPECT_EQ(test, NR_EVENTS + 1, count_events(image->measure));
	KUNIT_EXPECT_EQ(test, references + 1, nr_references(chip));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
	pending = kexec_pending_get();
	KUNIT_ASSERT_NOT_NULL(test, pending);
	KUNIT_EXPECT_EQ(test, 3, pending_refs(pending));

	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(image));
	expect_extends(test, NR_EVENTS + 1);
	expect_handed_over(test, pending);
	KUNIT_EXPECT_NULL(test, pending_now());
	kexec_measure_cancel(image);
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(image));
	KUNIT_EXPECT_EQ(test, ctx->nr_extends, NR_EVENTS + 1);
	kexec_measure_publish(image);
	KUNIT_EXPECT_NULL(test, pending_now());

	unload_image(test);
	KUNIT_EXPECT_EQ(test, 1, pending_refs(pending));
	kexec_pending_put(pending);
	KUNIT_EXPECT_EQ(test, references, nr_references(chip));
}

/* Left out of purgatory's digest, and where the architecture says it is. */
static void test_segment(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct kimage *image = ctx->image;

	register_tpm(test);
	load_image(test);
	KUNIT_ASSERT_EQ(test, image->nr_segments, 1);
	KUNIT_EXPECT_TRUE(test, test_bit(0, image->undigested));
	KUNIT_EXPECT_EQ(test, bitmap_weight(image->undigested,
					    KEXEC_SEGMENT_MAX), 1);
	KUNIT_EXPECT_EQ(test, image->tpm_log_addr, image->segment[0].mem);
	KUNIT_EXPECT_EQ(test, image->tpm_log_size, image->segment[0].memsz);
	KUNIT_EXPECT_EQ(test, image->segment[0].bufsz, 0);
}

static unsigned int marker_number(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	const struct tpm_kexec_event *event;
	unsigned int nr;

	event = get_event(test, ctx->image->measure, 0);
	KUNIT_ASSERT_EQ(test, event->pcr, 4);
	KUNIT_ASSERT_EQ(test, 0, memcmp(event->data + 8, "kexec:", 6));
	KUNIT_ASSERT_EQ(test, 0, kstrtouint(event->data + 14, 10, &nr));
	return nr;
}

/* Markers of executes that failed count, loads do not. */
static void test_marker_number(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	register_tpm(test);
	load_image(test);
	unload_image(test);
	for (unsigned int i = 0; i < 4; i++) {
		load_image(test);
		KUNIT_EXPECT_EQ(test, 1 + i, marker_number(test));
		ctx->nr_extends = 0;
		ctx->fail_at = i % 2 ? 1 : UINT_MAX;
		ctx->error = RC_FAILURE;
		KUNIT_EXPECT_EQ(test, i % 2 ? -EIO : 0,
				kexec_measure_execute(ctx->image));
		kexec_measure_cancel(ctx->image);
		unload_image(test);
	}
}

static void test_tpm_fails(struct kunit *test)
{
	static const int errors[] = { -EIO, RC_FAILURE };
	unsigned int nr = NR_EVENTS + 1;
	struct test_ctx *ctx = test->priv;

	register_tpm(test);
	for (size_t i = 0; i < ARRAY_SIZE(errors) * nr; i++) {
		ctx->nr_extends = 0;
		ctx->fail_at = i % nr;
		ctx->error = errors[i / nr];
		load_image(test);
		KUNIT_EXPECT_EQ(test, -EIO, kexec_measure_execute(ctx->image));
		expect_extends(test, ctx->fail_at + 1);
		KUNIT_EXPECT_NULL(test, pending_now());
		KUNIT_EXPECT_EQ(test, -ESTALE,
				kexec_measure_execute(ctx->image));
		KUNIT_EXPECT_EQ(test, ctx->nr_extends, ctx->fail_at + 1);
		unload_image(test);
	}

	/* Loaded anew it can be executed. */
	ctx->nr_extends = 0;
	ctx->fail_at = UINT_MAX;
	load_image(test);
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	expect_extends(test, nr);
	kexec_measure_cancel(ctx->image);
}

/* A TPM that is not the one of the log cannot be extended without a trace. */
static void test_tpm_without_log(struct kunit *test)
{
	struct tpm_chip *chip = register_tpm(test);
	struct test_ctx *ctx = test->priv;

	chip->live = NULL;
	KUNIT_EXPECT_EQ(test, -ENODEV, start_load(test));
	KUNIT_EXPECT_NULL(test, ctx->image->measure);
}

/* The image can be tried again when there is room. */
static void test_log_outgrows_segment(struct kunit *test)
{
	struct tpm_chip *chip = register_tpm(test);
	struct test_ctx *ctx = test->priv;
	size_t len = chip->live->len;

	load_image(test);
	chip->live->len = TPM_KEXEC_LOG_MAX - 1;
	KUNIT_EXPECT_EQ(test, -ENOSPC, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
	KUNIT_EXPECT_NOT_NULL(test, pending_now());

	chip->live->len = len;
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	expect_extends(test, NR_EVENTS + 1);
}

static void test_unload_leaves_no_trace(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	register_tpm(test);
	load_image(test);
	KUNIT_EXPECT_NOT_NULL(test, pending_now());
	unload_image(test);
	KUNIT_EXPECT_NULL(test, pending_now());
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
}

static void test_crash_image(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	register_tpm(test);
	ctx->image->type = KEXEC_TYPE_CRASH;
	KUNIT_EXPECT_EQ(test, 0, start_load(test));
	KUNIT_EXPECT_NULL(test, ctx->image->measure);
	KUNIT_EXPECT_EQ(test, ctx->image->nr_segments, 0);
}

/* Another image is executed, and fails, between the two halves of a load. */
static void test_marker_is_taken(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct kimage *image = ctx->image;
	struct kexec_measure *measure;

	register_tpm(test);
	KUNIT_ASSERT_EQ(test, 0, prepare_image(test));
	measure = image->measure;
	load_image(test);
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(image));
	kexec_measure_cancel(image);
	unload_image(test);

	image->file_mode = 1;
	image->fops = &fake_loader;
	image->measure = measure;
	at_end(test, free_image, ctx);
	KUNIT_EXPECT_EQ(test, -EBUSY, kexec_measure_load(image));
	KUNIT_EXPECT_EQ(test, image->nr_segments, 0);
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(image));
	expect_extends(test, NR_EVENTS + 1);
}

/* That a marker was extended is not known before the next image is executed. */
static void test_marker_is_settled_late(struct kunit *test)
{
	struct tpm_chip *chip = register_tpm(test);
	struct test_ctx *ctx = test->priv;

	load_image(test);
	ctx->fail_at = 0;
	ctx->error = -ETIME;
	ctx->lost = true;
	KUNIT_EXPECT_EQ(test, -EIO, kexec_measure_execute(ctx->image));
	unload_image(test);

	load_image(test);
	KUNIT_EXPECT_EQ(test, 1, marker_number(test));
	ctx->mute = false;
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 1, ctx->nr_extends);
	KUNIT_EXPECT_EQ(test, 1, tpm_kexec_count(chip));
	unload_image(test);

	load_image(test);
	KUNIT_EXPECT_EQ(test, 2, marker_number(test));
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 2, tpm_kexec_count(chip));
	kexec_measure_cancel(ctx->image);
}

/* No loader, and no segment: the marker, and what tells of kexec_load(). */
static void test_kexec_load_image(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct kimage *image = ctx->image;
	const struct tpm_kexec_event *event;

	register_tpm(test);
	KUNIT_ASSERT_EQ(test, 0, kexec_measure_prepare(image));
	KUNIT_ASSERT_NOT_NULL(test, image->measure);
	at_end(test, free_image, ctx);
	KUNIT_EXPECT_EQ(test, image->nr_segments, 0);
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
	KUNIT_ASSERT_EQ(test, 2, count_events(image->measure));
	event = get_event(test, image->measure, 1);
	expect_tagged(test, event, 4, 0x6b780005, "kexec_load", 11);

	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(image));
	expect_extends(test, 2);
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(image));
	kexec_measure_cancel(image);
}

static void test_kexec_load_crash_image(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	register_tpm(test);
	ctx->image->type = KEXEC_TYPE_CRASH;
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_prepare(ctx->image));
	KUNIT_EXPECT_NULL(test, ctx->image->measure);
}

/* IMA is told all the same. */
static void expect_unmeasured(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	load_image(test);
	KUNIT_EXPECT_EQ(test, NR_EVENTS, count_events(ctx->image->measure));
	KUNIT_EXPECT_EQ(test, ctx->image->nr_segments, 0);
	KUNIT_EXPECT_NULL(test, pending_now());
	KUNIT_EXPECT_STRNEQ(test, "",
			    kexec_measure_identity(ctx->image->measure));
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
}

static void test_tpm_1_2(struct kunit *test)
{
	register_chip(test, register_parent(test), 0);
	expect_unmeasured(test);
}

static void test_virtual_tpm(struct kunit *test)
{
	register_chip(test, NULL, TPM_CHIP_FLAG_TPM2);
	expect_unmeasured(test);
}

/* A refused load gives the TPM back. */
static void test_tpm_with_unknown_bank(struct kunit *test)
{
	struct tpm_chip *chip = register_tpm(test);
	unsigned int references = nr_references(chip);
	struct test_ctx *ctx = test->priv;

	chip->allocated_banks[NR_ALGS - 1].alg_id = UNKNOWN_ALG;
	KUNIT_EXPECT_EQ(test, -ENOPKG, start_load(test));
	KUNIT_EXPECT_NULL(test, ctx->image->measure);
	KUNIT_EXPECT_EQ(test, references, nr_references(chip));
}

static void test_tpm_does_not_answer(struct kunit *test)
{
	struct tpm_chip *chip = register_tpm(test);
	unsigned int references = nr_references(chip);
	struct test_ctx *ctx = test->priv;

	chip->flags |= TPM_CHIP_FLAG_DISABLE;
	KUNIT_EXPECT_EQ(test, -ENODEV, start_load(test));
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

/* One that would not be extended need not answer. */
static void test_tpm_1_2_does_not_answer(struct kunit *test)
{
	register_chip(test, register_parent(test), TPM_CHIP_FLAG_DISABLE);
	expect_unmeasured(test);
}

/* Gone, then another one in its place. */
static void test_tpm_is_replaced(struct kunit *test)
{
	struct device *parent = register_parent(test);
	struct test_ctx *ctx = test->priv;
	struct tpm_chip *chip;

	chip = register_tpm2(test, parent);
	load_image(test);
	kunit_release_action(test, unregister_chip, chip);
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(ctx->image));

	register_tpm2(test, parent);
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
}

static void test_tpm_appears(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct tpm_chip *chip;
	unsigned int references;

	expect_unmeasured(test);
	chip = register_tpm(test);
	references = nr_references(chip);
	KUNIT_EXPECT_EQ(test, -ESTALE, kexec_measure_execute(ctx->image));
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_extends);
	KUNIT_EXPECT_EQ(test, references, nr_references(chip));
}

static struct kunit_case tpm_cases[] = {
	KUNIT_CASE(test_tpm_is_extended),
	KUNIT_CASE(test_segment),
	KUNIT_CASE(test_marker_number),
	KUNIT_CASE(test_tpm_fails),
	KUNIT_CASE(test_tpm_without_log),
	KUNIT_CASE(test_log_outgrows_segment),
	KUNIT_CASE(test_unload_leaves_no_trace),
	KUNIT_CASE(test_crash_image),
	KUNIT_CASE(test_marker_is_taken),
	KUNIT_CASE(test_marker_is_settled_late),
	KUNIT_CASE(test_kexec_load_image),
	KUNIT_CASE(test_kexec_load_crash_image),
	KUNIT_CASE(test_tpm_1_2),
	KUNIT_CASE(test_virtual_tpm),
	KUNIT_CASE(test_tpm_with_unknown_bank),
	KUNIT_CASE(test_tpm_does_not_answer),
	KUNIT_CASE(test_tpm_1_2_does_not_answer),
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

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests for the measurements of a kexec image");
MODULE_LICENSE("GPL");
