// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for the walk over crypto-agile event logs, append and notes
 *
 * The vectors come from scripts/gen-tcg2-log-testvecs.py, which is a second
 * writer.  Every buffer that is read or written ends at an unmapped page, so
 * that a byte behind it is a fault in any kernel.  The log of a real TPM is
 * never looked at.
 */

#include <kunit/test.h>
#include <linux/string.h>
#include <linux/tcg2_log.h>
#include <linux/tpm_eventlog.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>
#include "tcg2-log-testvecs.h"

#define LOG_LEN		sizeof(log_testvec)
#define NR_RECORDS	ARRAY_SIZE(record_testvecs)
#define NR_ALGS		5

/* PCR, type and count of a record, in front of its digests: PFP 1.06, 10.2.2 */
#define RECORD_HEAD	12

/*
 * __calc_tpm2_event_size() knows no end.  With a good header, the furthest that
 * it reads from where a record begins is this.
 */
#define UPSTREAM_READS	(RECORD_HEAD + TCG2_LOG_MAX_ALGS * \
			 (2 + TCG2_LOG_MAX_DIGEST) + 4)

/* It reads a log in the byte order of the CPU: on others it is no judge. */
#define UPSTREAM_READS_LOGS	(!IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))

#define GUARDED_LEN	round_up(LOG_LEN + 1024, PAGE_SIZE)

/* What a buffer holds before a function is to write to it. */
#define UNTOUCHED	0xa5

/**
 * struct test_ctx - what the tests share
 * @guarded: GUARDED_LEN bytes, the next one is not mapped
 * @padded: as many, and UPSTREAM_READS more
 * @head: of log_testvec
 * @note: a note
 */
struct test_ctx {
	u8 *guarded;
	u8 *padded;
	struct tcg2_log_head head;
	struct tcg2_note note;
};

/* @len bytes immediately in front of the unmapped page. */
static u8 *guarded(struct kunit *test, size_t len)
{
	struct test_ctx *ctx = test->priv;

	KUNIT_ASSERT_LE(test, len, GUARDED_LEN);
	return ctx->guarded + GUARDED_LEN - len;
}

static u8 *guarded_copy(struct kunit *test, const void *data, size_t len)
{
	return memcpy(guarded(test, len), data, len);
}

static bool is_untouched(const u8 *buf, size_t len)
{
	return !memchr_inv(buf, UNTOUCHED, len);
}

static void expect_algs(struct kunit *test, const struct tcg2_log_head *head,
			const struct tcg2_log_alg *algs, unsigned int nr_algs,
			const char *name)
{
	KUNIT_ASSERT_EQ_MSG(test, head->nr_algs, nr_algs, "%s", name);
	for (unsigned int i = 0; i < nr_algs; i++) {
		KUNIT_EXPECT_EQ_MSG(test, head->algs[i].id, algs[i].id,
				    "%s, algorithm %u", name, i);
		KUNIT_EXPECT_EQ_MSG(test, head->algs[i].size, algs[i].size,
				    "%s, algorithm %u", name, i);
	}
}

/* What a head promises, whatever it was read from. */
static void expect_sane_head(struct kunit *test,
			     const struct tcg2_log_head *head, size_t len)
{
	KUNIT_ASSERT_LE(test, head->len, len);
	KUNIT_ASSERT_GE(test, head->nr_algs, 1);
	KUNIT_ASSERT_LE(test, head->nr_algs, TCG2_LOG_MAX_ALGS);
	for (unsigned int i = 0; i < head->nr_algs; i++) {
		KUNIT_EXPECT_LE(test, head->algs[i].size, TCG2_LOG_MAX_DIGEST);
		for (unsigned int j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, head->algs[i].id,
					head->algs[j].id);
	}
}

/* What a record promises. */
static void expect_inside(struct kunit *test, const u8 *log, size_t len,
			  const struct tcg2_log_head *head, size_t off,
			  const struct tcg2_log_record *record)
{
	size_t end = off + record->len;

	KUNIT_ASSERT_EQ(test, record->off, off);
	KUNIT_ASSERT_LE(test, record->len, len - off);
	KUNIT_ASSERT_EQ(test, record->digests, off + RECORD_HEAD);
	KUNIT_ASSERT_LE(test, record->data, end);
	KUNIT_ASSERT_EQ(test, record->data_len, end - record->data);

	for (unsigned int i = 0; i < head->nr_algs; i++) {
		u16 id = head->algs[i].id;
		const u8 *digest = tcg2_log_find_digest(log, head, record, id);

		KUNIT_ASSERT_NOT_NULL(test, digest);
		KUNIT_ASSERT_GE(test, digest - log, record->digests + 2);
		KUNIT_ASSERT_LE(test, digest - log,
				record->data - 4 - head->algs[i].size);
		KUNIT_ASSERT_EQ(test, get_unaligned_le16(digest - 2), id);
	}
}

/**
 * struct walk - how a walk went
 * @nr: number of records
 * @end: where the last of them ends
 * @error: why no other follows
 */
struct walk {
	unsigned int nr;
	size_t end;
	int error;
};

/* Walk @len bytes; no record is to be anywhere but behind the one before. */
static struct walk walk_log(struct kunit *test, const u8 *log, size_t len,
			    const struct tcg2_log_head *head)
{
	struct walk walk = { .end = head->len };
	struct tcg2_log_record record;
	size_t data;
	u32 tag, n;

	while (true) {
		walk.error = tcg2_log_next(log, len, head, walk.end, &record);
		if (walk.error)
			break;
		expect_inside(test, log, len, head, walk.end, &record);
		if (tcg2_log_read_tag(log, &record, &tag, &data, &n)) {
			KUNIT_EXPECT_EQ(test, data,
					record.data + TCG2_TAG_HEAD);
			KUNIT_EXPECT_LE(test, data + n,
					record.off + record.len);
		}
		walk.end += record.len;
		walk.nr++;
	}
	KUNIT_EXPECT_EQ(test, tcg2_log_whole(log, len, head), walk.end);
	if (walk.end == len)
		KUNIT_EXPECT_EQ(test, walk.error, -ENODATA);
	return walk;
}

static void test_walk(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	const u8 *log = guarded_copy(test, log_testvec, LOG_LEN);
	struct tcg2_log_record record;
	size_t off = LOG_HEAD_LEN;

	KUNIT_ASSERT_EQ(test, ctx->head.len, LOG_HEAD_LEN);
	for (size_t i = 0; i < NR_RECORDS; i++) {
		KUNIT_ASSERT_EQ_MSG(test, 0,
				    tcg2_log_next(log, LOG_LEN, &ctx->head, off,
						  &record), "record %zu", i);
		expect_inside(test, log, LOG_LEN, &ctx->head, off, &record);
		KUNIT_EXPECT_EQ(test, record.pcr, record_testvecs[i].pcr);
		KUNIT_EXPECT_EQ(test, record.type, record_testvecs[i].type);
		KUNIT_EXPECT_EQ(test, record.off, record_testvecs[i].off);
		KUNIT_EXPECT_EQ(test, record.len, record_testvecs[i].len);
		KUNIT_EXPECT_EQ(test, record.data, record_testvecs[i].data);
		KUNIT_EXPECT_EQ(test, record.data_len,
				record_testvecs[i].data_len);
		off += record.len;
	}
	KUNIT_EXPECT_EQ(test, off, LOG_LEN);
	KUNIT_EXPECT_EQ(test, -ENODATA,
			tcg2_log_next(log, LOG_LEN, &ctx->head, off, &record));
	KUNIT_EXPECT_EQ(test, walk_log(test, log, LOG_LEN, &ctx->head).nr,
			NR_RECORDS);
}

static void next(struct kunit *test, size_t i, struct tcg2_log_record *record)
{
	struct test_ctx *ctx = test->priv;

	KUNIT_ASSERT_EQ_MSG(test, 0,
			    tcg2_log_next(log_testvec, LOG_LEN, &ctx->head,
					  record_testvecs[i].off, record),
			    "record %zu", i);
}

static void test_find_digest(struct kunit *test)
{
	static const u16 unknown[] = { 0, 0x000a, 0x0010, 0x0027, 0xffff };
	struct test_ctx *ctx = test->priv;
	struct tcg2_log_record record;
	const u8 *digest;

	for (size_t i = 0; i < NR_RECORDS; i++) {
		next(test, i, &record);
		for (size_t j = 0; j < NR_ALGS; j++) {
			digest = tcg2_log_find_digest(log_testvec, &ctx->head,
						      &record,
						      ctx->head.algs[j].id);
			KUNIT_ASSERT_NOT_NULL(test, digest);
			KUNIT_EXPECT_EQ_MSG(test, digest - log_testvec,
					    record_testvecs[i].digests[j],
					    "record %zu, digest %zu", i, j);
		}
		for (size_t j = 0; j < ARRAY_SIZE(unknown); j++) {
			digest = tcg2_log_find_digest(log_testvec, &ctx->head,
						      &record, unknown[j]);
			KUNIT_EXPECT_NULL(test, digest);
		}
	}
}

static void test_read_tag(struct kunit *test)
{
	struct tcg2_log_record record;

	for (size_t i = 0; i < NR_RECORDS; i++) {
		u32 tag = 1, data_len = 2;
		size_t data = 3;
		bool tagged;

		next(test, i, &record);
		tagged = tcg2_log_read_tag(log_testvec, &record, &tag, &data,
					   &data_len);
		KUNIT_EXPECT_EQ_MSG(test, tagged,
				    record_testvecs[i].tag_len >= 0,
				    "record %zu", i);
		if (tagged) {
			KUNIT_EXPECT_EQ(test, tag, record_testvecs[i].tag);
			KUNIT_EXPECT_EQ(test, data_len,
					record_testvecs[i].tag_len);
			KUNIT_EXPECT_EQ(test, data,
					record_testvecs[i].data + 8);
		} else {
			KUNIT_EXPECT_EQ(test, tag, 1);
			KUNIT_EXPECT_EQ(test, data_len, 2);
			KUNIT_EXPECT_EQ(test, data, 3);
		}
	}
}

/* An offset that no walk comes by. */
static void test_next_elsewhere(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	const u8 *log = guarded_copy(test, log_testvec, LOG_LEN);
	static const size_t wrong[] = {
		0, 1, LOG_HEAD_LEN - 1, LOG_LEN + 1, SIZE_MAX - 1, SIZE_MAX,
	};
	struct tcg2_log_record record, before;

	memset(&before, UNTOUCHED, sizeof(before));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		record = before;
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    tcg2_log_next(log, LOG_LEN, &ctx->head,
						  wrong[i], &record),
				    "offset %zu", wrong[i]);
		KUNIT_EXPECT_MEMEQ(test, &record, &before, sizeof(record));
	}

	/* Anywhere else: whatever it is taken for, it is inside. */
	for (size_t off = LOG_HEAD_LEN; off <= LOG_LEN; off++)
		if (!tcg2_log_next(log, LOG_LEN, &ctx->head, off, &record))
			expect_inside(test, log, LOG_LEN, &ctx->head, off,
				      &record);
}

/* Wherever a log is cut off, the records that are whole are found. */
static void test_every_truncation(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	unsigned int nr = 0, kexecs = 0;

	for (size_t len = 0; len <= LOG_LEN; len++) {
		const u8 *log = guarded_copy(test, log_testvec, len);
		struct tcg2_log_head head;
		struct walk walk;
		int err;

		err = tcg2_log_read_head(log, len, &head);
		KUNIT_ASSERT_EQ_MSG(test, !err, len >= LOG_HEAD_LEN,
				    "%zu bytes: %d", len, err);
		if (err)
			continue;
		expect_algs(test, &head, ctx->head.algs, NR_ALGS, "cut off");

		if (nr < NR_RECORDS && len == record_testvecs[nr].off +
		    record_testvecs[nr].len) {
			kexecs += record_testvecs[nr].pcr == 4 &&
				  record_testvecs[nr].tag_len >= 0 &&
				  record_testvecs[nr].tag == TCG2_TAG_KEXEC;
			nr++;
		}
		walk = walk_log(test, log, len, &head);
		KUNIT_ASSERT_EQ_MSG(test, walk.nr, nr, "%zu bytes", len);
		KUNIT_EXPECT_EQ(test, kexecs,
				tcg2_log_count_kexecs(log, len, &head));
	}
	KUNIT_EXPECT_EQ(test, nr, NR_RECORDS);
	KUNIT_EXPECT_EQ(test, kexecs, LOG_KEXECS);
}

/*
 * How long upstream's function takes the record at @off for.  It gets a copy
 * with zeros behind, and must not be asked about a header that it did not make
 * sense of.
 */
static u32 upstream_size(struct kunit *test, const u8 *log, size_t len,
			 size_t off)
{
	struct test_ctx *ctx = test->priv;

	memcpy(ctx->padded, log, len);
	memset(ctx->padded + len, 0, UPSTREAM_READS);
	return __calc_tpm2_event_size((void *)ctx->padded + off,
				      (void *)ctx->padded, false);
}

/* The two agree on what is a record, and on its length. */
static void expect_like_upstream(struct kunit *test, const u8 *log, size_t len,
				 const struct tcg2_log_head *head, size_t off)
{
	struct tcg2_log_record record;
	u32 size = upstream_size(test, log, len, off);

	if (!UPSTREAM_READS_LOGS)
		return;
	if (!tcg2_log_next(log, len, head, off, &record)) {
		KUNIT_EXPECT_EQ_MSG(test, size, record.len, "at %zu", off);
		return;
	}
	/* What upstream says may not fit, or have wrapped. */
	if (size >= tcg2_log_record_len(head, 0))
		KUNIT_EXPECT_GT_MSG(test, size, len - off, "at %zu", off);
}

/* Every record, and every offset that is none. */
static void test_like_upstream(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	const u8 *log = guarded_copy(test, log_testvec, LOG_LEN);

	if (!UPSTREAM_READS_LOGS)
		kunit_skip(test, "upstream reads no log on this CPU");
	for (size_t off = LOG_HEAD_LEN; off < LOG_LEN; off++)
		expect_like_upstream(test, log, LOG_LEN, &ctx->head, off);
}

enum part {
	PART_PCR_TYPE,
	PART_COUNT,
	PART_ALG,
	PART_DIGEST,
	PART_DATA_LEN,
	PART_DATA,
};

/* What byte @pos of the log is, in record @i. */
static enum part part_of(size_t pos, size_t i)
{
	static const u16 sizes[NR_ALGS] = { 20, 32, 48, 64, 32 };

	if (pos < record_testvecs[i].off + 8)
		return PART_PCR_TYPE;
	if (pos < record_testvecs[i].off + RECORD_HEAD)
		return PART_COUNT;
	if (pos >= record_testvecs[i].data)
		return PART_DATA;
	if (pos >= record_testvecs[i].data - 4)
		return PART_DATA_LEN;
	for (size_t j = 0; j < NR_ALGS; j++)
		if (pos >= record_testvecs[i].digests[j] &&
		    pos < record_testvecs[i].digests[j] + sizes[j])
			return PART_DIGEST;
	return PART_ALG;
}

/* Byte @pos, of record @i, is another; what the walk is to make of that. */
static void expect_flipped(struct kunit *test, const u8 *log, size_t pos,
			   size_t i)
{
	struct test_ctx *ctx = test->priv;
	struct walk walk = walk_log(test, log, LOG_LEN, &ctx->head);

	switch (part_of(pos, i)) {
	case PART_PCR_TYPE:
	case PART_DIGEST:
	case PART_DATA:
		KUNIT_EXPECT_EQ_MSG(test, walk.nr, NR_RECORDS, "byte %zu", pos);
		KUNIT_EXPECT_EQ(test, walk.error, -ENODATA);
		break;
	case PART_COUNT:
	case PART_ALG:
		KUNIT_EXPECT_EQ_MSG(test, walk.nr, i, "byte %zu", pos);
		KUNIT_EXPECT_EQ(test, walk.error, -EBADMSG);
		break;
	case PART_DATA_LEN:
		KUNIT_EXPECT_GE_MSG(test, walk.nr, i, "byte %zu", pos);
		break;
	}
	tcg2_log_count_kexecs(log, LOG_LEN, &ctx->head);
}

static void test_every_flip(struct kunit *test)
{
	u8 *log = guarded_copy(test, log_testvec, LOG_LEN);
	struct test_ctx *ctx = test->priv;

	for (size_t i = 0; i < NR_RECORDS; i++) {
		size_t off = record_testvecs[i].off;

		for (size_t j = 0; j < record_testvecs[i].len; j++) {
			for (unsigned int flip = 1; flip < 0x200; flip <<= 1) {
				log[off + j] ^= min(flip, 0xff);
				expect_flipped(test, log, off + j, i);
				/* Upstream takes an algorithm twice. */
				if (part_of(off + j, i) != PART_ALG)
					expect_like_upstream(test, log, LOG_LEN,
							     &ctx->head, off);
				log[off + j] ^= min(flip, 0xff);
			}
		}
	}
	KUNIT_EXPECT_MEMEQ(test, log, log_testvec, LOG_LEN);
}

/* PCR, type, digest, signature; number of algorithms, and where they end */
#define HEAD_EVENT_SIZE	28
#define HEAD_SIGNATURE	32
#define HEAD_NR_ALGS	56
#define HEAD_ALGS	60
#define HEAD_ALGS_END	(HEAD_ALGS + 4 * NR_ALGS)

static void expect_flipped_head(struct kunit *test, const u8 *log, size_t pos)
{
	struct test_ctx *ctx = test->priv;
	struct tcg2_log_head head;
	int err = tcg2_log_read_head(log, LOG_LEN, &head);

	if (pos < HEAD_EVENT_SIZE ||
	    (pos >= HEAD_SIGNATURE && pos < HEAD_SIGNATURE + 16))
		KUNIT_EXPECT_EQ_MSG(test, err, -EPROTO, "byte %zu", pos);
	/* Those that are more are not there, or too many. */
	if (pos >= HEAD_NR_ALGS && pos < HEAD_ALGS && log[pos] > NR_ALGS)
		KUNIT_EXPECT_EQ_MSG(test, err, -EBADMSG, "byte %zu", pos);
	/* The vendor's bytes; the length of them is one of them here. */
	if (pos >= HEAD_ALGS_END)
		KUNIT_EXPECT_EQ_MSG(test, err, 0, "byte %zu", pos);
	if (err)
		return;

	expect_sane_head(test, &head, LOG_LEN);
	walk_log(test, log, LOG_LEN, &head);
	if (pos < HEAD_NR_ALGS || pos >= HEAD_ALGS_END)
		expect_algs(test, &head, ctx->head.algs, NR_ALGS, "flipped");
}

static void test_every_flip_in_head(struct kunit *test)
{
	u8 *log = guarded_copy(test, log_testvec, LOG_LEN);

	for (size_t pos = 0; pos < LOG_HEAD_LEN; pos++) {
		for (unsigned int value = 0; value < 0x100; value++) {
			if (value == log_testvec[pos])
				continue;
			log[pos] = value;
			expect_flipped_head(test, log, pos);
		}
		log[pos] = log_testvec[pos];
	}
}

/*
 * One algorithm twice, the other missing: the record is as long as it should
 * be.
 */
static void test_algorithm_twice_in_record(struct kunit *test)
{
	static const struct tcg2_log_alg algs[] = {
		{ 0x100, 8 }, { 0x101, 8 },
	};
	static const u8 record[] = {
		0x0b, 0, 0, 0,	0x0d, 0, 0, 0,	0x02, 0, 0, 0,
		0x00, 0x01,	1, 2, 3, 4, 5, 6, 7, 8,
		0x00, 0x01,	1, 2, 3, 4, 5, 6, 7, 8,
		0, 0, 0, 0,
	};
	struct tcg2_log_head head;
	u8 *log = guarded(test, 256);
	struct walk walk;
	size_t len;
	int ret;

	ret = tcg2_log_write_head(log, 256, algs, ARRAY_SIZE(algs));
	KUNIT_ASSERT_GT(test, ret, 0);
	len = ret + sizeof(record);
	log = memmove(guarded(test, len), log, ret);
	memcpy(log + ret, record, sizeof(record));
	KUNIT_ASSERT_EQ(test, 0, tcg2_log_read_head(log, len, &head));

	walk = walk_log(test, log, len, &head);
	KUNIT_EXPECT_EQ(test, walk.error, -EBADMSG);
	KUNIT_EXPECT_EQ(test, walk.nr, 0);

	log[ret + RECORD_HEAD + 10] = 0x01;
	walk = walk_log(test, log, len, &head);
	KUNIT_EXPECT_EQ(test, walk.error, -ENODATA);
	KUNIT_EXPECT_EQ(test, walk.nr, 1);
}

/* Firmware leaves zeros behind its last record. */
static void test_zeros_end_the_log(struct kunit *test)
{
	size_t len = LOG_LEN + 1000;
	struct test_ctx *ctx = test->priv;
	struct walk walk;
	u8 *log = guarded(test, len);

	memcpy(log, log_testvec, LOG_LEN);
	memset(log + LOG_LEN, 0, len - LOG_LEN);
	walk = walk_log(test, log, len, &ctx->head);
	KUNIT_EXPECT_EQ(test, walk.nr, NR_RECORDS);
	KUNIT_EXPECT_EQ(test, walk.end, LOG_LEN);
	KUNIT_EXPECT_EQ(test, walk.error, -EBADMSG);
}

/* Upstream takes a record of type 0 without data for the end. */
static void test_type_0_ends_the_log(struct kunit *test)
{
	u8 *log = guarded_copy(test, log_testvec, LOG_LEN);
	struct test_ctx *ctx = test->priv;
	struct walk walk;

	for (size_t i = 0; i < NR_RECORDS; i++) {
		size_t off = record_testvecs[i].off;
		u32 type = record_testvecs[i].type;
		bool ends = !record_testvecs[i].data_len;

		put_unaligned_le32(0, log + off + 4);
		if (UPSTREAM_READS_LOGS)
			KUNIT_EXPECT_EQ(test, ends,
					!upstream_size(test, log, LOG_LEN, off));
		walk = walk_log(test, log, LOG_LEN, &ctx->head);
		KUNIT_EXPECT_EQ_MSG(test, walk.nr, ends ? i : NR_RECORDS,
				    "record %zu", i);
		KUNIT_EXPECT_EQ(test, walk.error, -ENODATA);
		put_unaligned_le32(type, log + off + 4);
	}
}

static void test_heads(struct kunit *test)
{
	struct tcg2_log_head head;

	for (size_t i = 0; i < ARRAY_SIZE(head_testvecs); i++) {
		const char *name = head_testvecs[i].name;
		size_t len = head_testvecs[i].head_len;
		u8 *buf = guarded_copy(test, head_testvecs[i].head, len);

		KUNIT_ASSERT_EQ_MSG(test, 0,
				    tcg2_log_read_head(buf, len, &head),
				    "%s", name);
		KUNIT_EXPECT_EQ(test, head.len, len);
		expect_algs(test, &head, head_testvecs[i].algs,
			    head_testvecs[i].nr_algs, name);
		KUNIT_EXPECT_EQ(test, tcg2_log_whole(buf, len, &head), len);
		KUNIT_EXPECT_EQ(test, 0,
				tcg2_log_count_kexecs(buf, len, &head));

		/* What follows it does not belong to it. */
		buf = guarded(test, len + 8);
		memset(buf, 0xff, len + 8);
		memcpy(buf, head_testvecs[i].head, len);
		KUNIT_ASSERT_EQ(test, 0,
				tcg2_log_read_head(buf, len + 8, &head));
		KUNIT_EXPECT_EQ(test, head.len, len);

		while (len--) {
			buf = guarded_copy(test, head_testvecs[i].head, len);
			KUNIT_EXPECT_NE_MSG(test, 0,
					    tcg2_log_read_head(buf, len, &head),
					    "%s, %zu bytes", name, len);
		}
	}
}

static void test_bad_heads(struct kunit *test)
{
	struct tcg2_log_head head;

	for (size_t i = 0; i < ARRAY_SIZE(bad_head_testvecs); i++) {
		size_t len = bad_head_testvecs[i].head_len;
		u8 *buf = guarded_copy(test, bad_head_testvecs[i].head, len);
		int err = tcg2_log_read_head(buf, len, &head);

		if (bad_head_testvecs[i].error)
			KUNIT_EXPECT_EQ_MSG(test, err,
					    bad_head_testvecs[i].error, "%s",
					    bad_head_testvecs[i].name);
		else
			KUNIT_EXPECT_LT_MSG(test, err, 0, "%s",
					    bad_head_testvecs[i].name);
	}
}

/* A header of one's own says what it was told, to us and to upstream. */
static void test_write_head(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(head_testvecs); i++) {
		const struct tcg2_log_alg *algs = head_testvecs[i].algs;
		unsigned int nr_algs = head_testvecs[i].nr_algs;
		size_t len = HEAD_ALGS + 4 * nr_algs + 1;
		struct tcg2_log_head head;
		u8 *buf = guarded(test, len);

		memset(buf, UNTOUCHED, len);
		KUNIT_ASSERT_EQ(test, len,
				tcg2_log_write_head(buf, len, algs, nr_algs));
		KUNIT_ASSERT_EQ(test, 0, tcg2_log_read_head(buf, len, &head));
		KUNIT_EXPECT_EQ(test, head.len, len);
		expect_algs(test, &head, algs, nr_algs, head_testvecs[i].name);

		for (size_t size = 0; size < len; size++) {
			buf = guarded(test, size);
			memset(buf, UNTOUCHED, size);
			KUNIT_EXPECT_EQ(test, -ENOSPC,
					tcg2_log_write_head(buf, size, algs,
							    nr_algs));
			KUNIT_EXPECT_TRUE(test, is_untouched(buf, size));
		}
	}
}

/* Byte for byte, but for what the profile leaves to who writes it. */
static void test_written_head_is_the_profiles(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	size_t len = HEAD_ALGS_END + 1;
	u8 *buf = guarded(test, len);

	KUNIT_ASSERT_EQ(test, len, tcg2_log_write_head(buf, len, ctx->head.algs,
						       NR_ALGS));
	/* The event's size is less by the vendor's bytes. */
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(buf + HEAD_EVENT_SIZE),
			len - HEAD_SIGNATURE);
	KUNIT_EXPECT_MEMEQ(test, buf, log_testvec, HEAD_EVENT_SIZE);
	KUNIT_EXPECT_MEMEQ(test, buf + HEAD_SIGNATURE,
			   log_testvec + HEAD_SIGNATURE, 16);
	/* platformClass: client; specVersionMinor, specVersionMajor: 2.0 */
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(buf + 48), 0);
	KUNIT_EXPECT_EQ(test, buf[52], 0);
	KUNIT_EXPECT_EQ(test, buf[53], 2);
	/* uintnSize, in 32-bit words: UEFI_IMAGE_LOAD_EVENTs are of 64 bits */
	KUNIT_EXPECT_EQ(test, buf[55], 2);
	KUNIT_EXPECT_MEMEQ(test, buf + HEAD_NR_ALGS, log_testvec + HEAD_NR_ALGS,
			   4 + 4 * NR_ALGS);
	KUNIT_EXPECT_EQ(test, buf[len - 1], 0);
}

static void test_write_bad_head(struct kunit *test)
{
	static const struct {
		const char *name;
		unsigned int nr_algs;
		struct tcg2_log_alg algs[TCG2_LOG_MAX_ALGS + 1];
	} heads[] = {
		{ "no algorithm", 0 },
		{ "17 algorithms", 17, {
			{ 0x100, 8 }, { 0x101, 8 }, { 0x102, 8 }, { 0x103, 8 },
			{ 0x104, 8 }, { 0x105, 8 }, { 0x106, 8 }, { 0x107, 8 },
			{ 0x108, 8 }, { 0x109, 8 }, { 0x10a, 8 }, { 0x10b, 8 },
			{ 0x10c, 8 }, { 0x10d, 8 }, { 0x10e, 8 }, { 0x10f, 8 },
			{ 0x110, 8 } } },
		{ "one twice", 3, {
			{ 0x100, 8 }, { 0x101, 8 }, { 0x100, 8 } } },
		{ "no bytes", 1, { { 0x100, 0 } } },
		{ "65 bytes", 1, { { 0x100, 65 } } },
		{ "SHA-256 of 20 bytes", 1, { { TPM_ALG_SHA256, 20 } } },
	};
	u8 *buf = guarded(test, 256);

	memset(buf, UNTOUCHED, 256);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    tcg2_log_write_head(buf, 256, heads[i].algs,
							heads[i].nr_algs),
				    "%s", heads[i].name);
		KUNIT_EXPECT_TRUE(test, is_untouched(buf, 256));
	}
}

/* Every place between which a record may or may not fit. */
static void append_at(struct kunit *test, size_t i, size_t before, size_t size)
{
	struct tcg2_log_digest digests[NR_ALGS];
	struct tcg2_log_event event = {
		.pcr = 11,
		.type = 0xd,
		.nr_digests = append_testvecs[i].nr_digests,
		.digests = digests,
		.data_len = append_testvecs[i].data_len,
		.data = append_testvecs[i].data,
	};
	struct tcg2_log_head head = { .nr_algs = append_testvecs[i].nr_algs };
	size_t record_len = append_testvecs[i].record_len, len = before;
	bool fits = size >= before + record_len;
	u8 *log = guarded(test, size);
	int err;

	memcpy(head.algs, append_testvecs[i].algs, sizeof(head.algs));
	for (unsigned int j = 0; j < event.nr_digests; j++) {
		digests[j].alg = append_testvecs[i].digests[j].alg;
		digests[j].digest = append_testvecs[i].digests[j].digest;
	}
	memset(log, UNTOUCHED, size);
	KUNIT_EXPECT_EQ(test, record_len,
			tcg2_log_record_len(&head, event.data_len));

	err = tcg2_log_append(log, size, &len, &head, &event);
	KUNIT_ASSERT_EQ_MSG(test, err, fits ? 0 : -ENOSPC, "%s, %zu of %zu",
			    append_testvecs[i].name, before, size);
	KUNIT_ASSERT_EQ(test, len, fits ? before + record_len : before);
	KUNIT_EXPECT_TRUE(test, is_untouched(log, before));
	KUNIT_EXPECT_TRUE(test, is_untouched(log + len, size - len));
	if (fits)
		KUNIT_EXPECT_MEMEQ_MSG(test, log + before,
				       append_testvecs[i].record, record_len,
				       "%s", append_testvecs[i].name);
}

static void test_append(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(append_testvecs); i++) {
		size_t record_len = append_testvecs[i].record_len;

		for (size_t room = 0; room <= record_len + 1; room++) {
			append_at(test, i, 0, room);
			append_at(test, i, 77, 77 + room);
		}
	}
}

/* A log that is taken apart and appended anew is the same. */
static void test_append_is_the_inverse(struct kunit *test)
{
	size_t len = LOG_HEAD_LEN, off = LOG_HEAD_LEN;
	struct test_ctx *ctx = test->priv;
	u8 *log = guarded(test, LOG_LEN);

	memset(log, UNTOUCHED, LOG_LEN);
	memcpy(log, log_testvec, LOG_HEAD_LEN);
	for (size_t i = 0; i < NR_RECORDS; i++) {
		struct tcg2_log_digest digests[NR_ALGS];
		struct tcg2_log_event event = {
			.pcr = record_testvecs[i].pcr,
			.type = record_testvecs[i].type,
			.nr_digests = NR_ALGS,
			.digests = digests,
			.data_len = record_testvecs[i].data_len,
			.data = log_testvec + record_testvecs[i].data,
		};

		for (size_t j = 0; j < NR_ALGS; j++) {
			digests[j].alg = ctx->head.algs[j].id;
			digests[j].digest = log_testvec +
					    record_testvecs[i].digests[j];
		}
		KUNIT_ASSERT_EQ(test, 0, tcg2_log_append(log, LOG_LEN, &len,
							 &ctx->head, &event));
		off += record_testvecs[i].len;
		KUNIT_ASSERT_EQ(test, len, off);
		if (record_testvecs[i].ordered)
			KUNIT_EXPECT_MEMEQ_MSG(test,
					       log + record_testvecs[i].off,
					       log_testvec +
					       record_testvecs[i].off,
					       record_testvecs[i].len,
					       "record %zu", i);
	}
	KUNIT_EXPECT_EQ(test, len, LOG_LEN);
	KUNIT_EXPECT_EQ(test, walk_log(test, log, len, &ctx->head).nr,
			NR_RECORDS);
	KUNIT_EXPECT_EQ(test, LOG_KEXECS,
			tcg2_log_count_kexecs(log, len, &ctx->head));
}

/* An event that is no record: nothing is written, wherever the log ends. */
static void expect_refused(struct kunit *test, size_t before, size_t size,
			   const struct tcg2_log_event *event, int error)
{
	struct test_ctx *ctx = test->priv;
	u8 *log = guarded(test, size);
	size_t len = before;

	memset(log, UNTOUCHED, size);
	KUNIT_EXPECT_EQ(test, error, tcg2_log_append(log, size, &len,
						     &ctx->head, event));
	KUNIT_EXPECT_EQ(test, len, before);
	KUNIT_EXPECT_TRUE(test, is_untouched(log, size));
}

static void test_append_refuses(struct kunit *test)
{
	static const u8 digest[TCG2_LOG_MAX_DIGEST];
	static const struct tcg2_log_digest digests[] = {
		{ TPM_ALG_SHA256, digest }, { TPM_ALG_SHA1, NULL },
		{ TPM_ALG_SHA256, digest },
	};
	struct tcg2_log_event event = {
		.pcr = 11, .type = 0xd, .nr_digests = 1, .digests = digests,
	};

	/* The log is longer than its buffer. */
	expect_refused(test, 512, 511, &event, -EINVAL);
	expect_refused(test, SIZE_MAX, 511, &event, -EINVAL);
	/* A digest that is not there */
	event.nr_digests = 2;
	expect_refused(test, 0, 512, &event, -EINVAL);
	/* An algorithm twice */
	event.digests = (struct tcg2_log_digest[]) { digests[0], digests[2] };
	expect_refused(test, 0, 512, &event, -EINVAL);
	event.nr_digests = 1;
	/* Data that is not there */
	event.data_len = 1;
	expect_refused(test, 0, 512, &event, -EINVAL);
	/* Data for which no buffer is large enough */
	event.data = digest;
	event.data_len = U32_MAX;
	expect_refused(test, 0, 512, &event, -ENOSPC);
	expect_refused(test, 512, 512, &event, -ENOSPC);
	/* What would end the log */
	event.type = 0;
	event.data_len = 0;
	expect_refused(test, 0, 512, &event, -EINVAL);
}

static void test_record_len(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	/* Five algorithms and digests of 20, 32, 48, 64 and 32 bytes */
	size_t least = RECORD_HEAD + 5 * 2 + 196 + 4;

	KUNIT_EXPECT_EQ(test, least, tcg2_log_record_len(&ctx->head, 0));
	KUNIT_EXPECT_EQ(test, least + 1, tcg2_log_record_len(&ctx->head, 1));
	KUNIT_EXPECT_EQ(test, sizeof(size_t) > 4 ? least + U32_MAX : SIZE_MAX,
			tcg2_log_record_len(&ctx->head, U32_MAX));
}

static void test_count_kexecs(struct kunit *test)
{
	const u8 *log = guarded_copy(test, log_testvec, LOG_LEN);
	struct test_ctx *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, LOG_KEXECS,
			tcg2_log_count_kexecs(log, LOG_LEN, &ctx->head));
	KUNIT_EXPECT_EQ(test, 0, tcg2_log_count_kexecs(log, LOG_HEAD_LEN,
						       &ctx->head));
}

static void expect_note(struct kunit *test, const struct tcg2_note *note,
			size_t i)
{
	const char *name = note_testvecs[i].name;

	KUNIT_EXPECT_EQ_MSG(test, note->kind, note_testvecs[i].kind, "%s",
			    name);
	KUNIT_EXPECT_EQ_MSG(test, note->pcr, note_testvecs[i].pcr, "%s", name);
	KUNIT_ASSERT_EQ_MSG(test, note->nr, note_testvecs[i].nr_digests, "%s",
			    name);
	for (unsigned int j = 0; j < note->nr; j++) {
		const struct tcg2_note_digest *want =
			&note_testvecs[i].digests[j];

		KUNIT_EXPECT_EQ(test, note->digests[j].alg, want->alg);
		KUNIT_ASSERT_EQ(test, note->digests[j].size, want->size);
		KUNIT_EXPECT_MEMEQ_MSG(test, note->digests[j].digest,
				       want->digest, want->size, "%s", name);
	}
}

static void test_read_notes(struct kunit *test)
{
	struct tcg2_note *note = &((struct test_ctx *)test->priv)->note;

	for (size_t i = 0; i < ARRAY_SIZE(note_testvecs); i++) {
		size_t len = note_testvecs[i].note_len;
		u8 *buf = guarded_copy(test, note_testvecs[i].note, len);

		KUNIT_ASSERT_EQ_MSG(test, 0, tcg2_note_read(buf, len, note),
				    "%s", note_testvecs[i].name);
		expect_note(test, note, i);
		while (len--) {
			buf = guarded_copy(test, note_testvecs[i].note, len);
			KUNIT_EXPECT_NE_MSG(test, 0,
					    tcg2_note_read(buf, len, note),
					    "%s, %zu bytes",
					    note_testvecs[i].name, len);
		}
	}
}

static void test_read_bad_notes(struct kunit *test)
{
	struct tcg2_note *note = &((struct test_ctx *)test->priv)->note;

	for (size_t i = 0; i < ARRAY_SIZE(bad_note_testvecs); i++) {
		size_t len = bad_note_testvecs[i].note_len;
		u8 *buf = guarded_copy(test, bad_note_testvecs[i].note, len);

		KUNIT_EXPECT_EQ_MSG(test, bad_note_testvecs[i].error,
				    tcg2_note_read(buf, len, note), "%s",
				    bad_note_testvecs[i].name);
	}
}

/* Whatever a note is taken for, writing it gives the same bytes. */
static void test_flipped_notes(struct kunit *test)
{
	struct tcg2_note *note = &((struct test_ctx *)test->priv)->note;
	u8 *out = ((struct test_ctx *)test->priv)->padded;

	for (size_t i = 0; i < ARRAY_SIZE(note_testvecs); i++) {
		size_t len = note_testvecs[i].note_len;
		u8 *buf = guarded_copy(test, note_testvecs[i].note, len);

		for (size_t j = 0; j < 8 * len; j++) {
			buf[j / 8] ^= 1 << j % 8;
			if (!tcg2_note_read(buf, len, note)) {
				KUNIT_EXPECT_GE(test, j / 8,
						TCG2_NOTE_SIGNATURE_LEN);
				KUNIT_ASSERT_EQ(test, len,
						tcg2_note_write(out, len,
								note));
				KUNIT_EXPECT_MEMEQ(test, buf, out, len);
			}
			buf[j / 8] ^= 1 << j % 8;
		}
	}
}

static void make_note(struct tcg2_note *note, size_t i)
{
	memset(note, UNTOUCHED, sizeof(*note));
	note->kind = note_testvecs[i].kind;
	note->pcr = note_testvecs[i].pcr;
	note->nr = note_testvecs[i].nr_digests;
	memcpy(note->digests, note_testvecs[i].digests,
	       note->nr * sizeof(note->digests[0]));
}

static void test_write_notes(struct kunit *test)
{
	struct tcg2_note *note = &((struct test_ctx *)test->priv)->note;
	size_t longest = 0;

	for (size_t i = 0; i < ARRAY_SIZE(note_testvecs); i++) {
		size_t len = note_testvecs[i].note_len;
		u8 *buf = guarded(test, len);

		make_note(note, i);
		KUNIT_ASSERT_EQ_MSG(test, len, tcg2_note_write(buf, len, note),
				    "%s", note_testvecs[i].name);
		KUNIT_EXPECT_MEMEQ_MSG(test, buf, note_testvecs[i].note, len,
				       "%s", note_testvecs[i].name);
		longest = max(longest, len);
		while (len--) {
			buf = guarded(test, len);
			memset(buf, UNTOUCHED, len);
			KUNIT_EXPECT_EQ(test, -ENOSPC,
					tcg2_note_write(buf, len, note));
			KUNIT_EXPECT_TRUE(test, is_untouched(buf, len));
		}
	}
	KUNIT_EXPECT_EQ(test, longest, TCG2_NOTE_MAX);
}

static void test_write_bad_notes(struct kunit *test)
{
	struct tcg2_note *note = &((struct test_ctx *)test->priv)->note;
	size_t size = 2 * TCG2_NOTE_MAX;
	u8 *buf = guarded(test, size);

	memset(buf, UNTOUCHED, size);
	make_note(note, 0);
	note->kind = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, tcg2_note_write(buf, size, note));
	note->kind = TCG2_NOTE_UNKNOWN + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, tcg2_note_write(buf, size, note));
	make_note(note, 0);
	note->nr = TCG2_LOG_MAX_ALGS + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, tcg2_note_write(buf, size, note));
	make_note(note, 0);
	note->digests[0].alg = 0x99;
	note->digests[0].size = TCG2_LOG_MAX_DIGEST + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, tcg2_note_write(buf, size, note));
	KUNIT_EXPECT_TRUE(test, is_untouched(buf, size));
}

KUNIT_DEFINE_ACTION_WRAPPER(vfree_action, vfree, const void *);

static int tcg2_log_init(struct kunit *test)
{
	struct test_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->padded = kunit_kzalloc(test, GUARDED_LEN + UPSTREAM_READS,
				    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->padded);

	/* vmalloc() leaves a page unmapped behind what it gives out. */
	ctx->guarded = vmalloc(GUARDED_LEN);
	KUNIT_ASSERT_NOT_NULL(test, ctx->guarded);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, vfree_action,
							   ctx->guarded));
	KUNIT_ASSERT_EQ(test, 0, tcg2_log_read_head(log_testvec, LOG_LEN,
						    &ctx->head));
	test->priv = ctx;
	return 0;
}

static struct kunit_case tcg2_log_cases[] = {
	KUNIT_CASE(test_walk),
	KUNIT_CASE(test_find_digest),
	KUNIT_CASE(test_read_tag),
	KUNIT_CASE(test_next_elsewhere),
	KUNIT_CASE(test_every_truncation),
	KUNIT_CASE(test_like_upstream),
	KUNIT_CASE(test_every_flip),
	KUNIT_CASE(test_every_flip_in_head),
	KUNIT_CASE(test_algorithm_twice_in_record),
	KUNIT_CASE(test_zeros_end_the_log),
	KUNIT_CASE(test_type_0_ends_the_log),
	KUNIT_CASE(test_heads),
	KUNIT_CASE(test_bad_heads),
	KUNIT_CASE(test_write_head),
	KUNIT_CASE(test_written_head_is_the_profiles),
	KUNIT_CASE(test_write_bad_head),
	KUNIT_CASE(test_append),
	KUNIT_CASE(test_append_is_the_inverse),
	KUNIT_CASE(test_append_refuses),
	KUNIT_CASE(test_record_len),
	KUNIT_CASE(test_count_kexecs),
	KUNIT_CASE(test_read_notes),
	KUNIT_CASE(test_read_bad_notes),
	KUNIT_CASE(test_flipped_notes),
	KUNIT_CASE(test_write_notes),
	KUNIT_CASE(test_write_bad_notes),
	{},
};

static struct kunit_suite tcg2_log_suite = {
	.name = "tcg2_log",
	.init = tcg2_log_init,
	.test_cases = tcg2_log_cases,
};

kunit_test_suite(tcg2_log_suite);

MODULE_DESCRIPTION("KUnit tests for crypto-agile TPM event logs");
MODULE_LICENSE("GPL");
