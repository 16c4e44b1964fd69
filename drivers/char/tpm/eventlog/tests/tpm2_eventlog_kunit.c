// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for reading a TPM 2.0 event log through its seq_file
 *
 * They build small crypto-agile logs and read them as user space reads
 * binary_bios_measurements. They must never touch the log of a real chip.
 */

#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/tpm_eventlog.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>

#include "../common.h"

#define TEST_PCR	11
#define TEST_EVENT_TYPE	0x0d	/* EV_IPL */
#define MAX_LOG_LEN	1024
#define MAX_RECORDS	8

static const struct tcg_efi_specid_event_algs test_algs[] = {
	{ .alg_id = TPM_ALG_SHA1,	.digest_size = 20 },
	{ .alg_id = TPM_ALG_SHA256,	.digest_size = 32 },
	{ .alg_id = TPM_ALG_SHA384,	.digest_size = 48 },
};

#define NR_ALGS		ARRAY_SIZE(test_algs)
#define MAX_DIGEST_LEN	48

/* A log under construction, and where each of its records ends. */
struct test_log {
	u8 data[MAX_LOG_LEN];
	size_t len;
	size_t ends[MAX_RECORDS];
	size_t nr_records;
};

/* What the tests share: a chip that only has a log, and a page to read into. */
struct test_ctx {
	struct tpm_chip *chip;
	struct test_log *log;
	u8 *guarded;	/* PAGE_SIZE bytes, and the page behind is unmapped */
	u8 *out;	/* PAGE_SIZE bytes */
};

static void append(struct test_log *log, const void *data, size_t len)
{
	memcpy(log->data + log->len, data, len);
	log->len += len;
}

static void append_u32(struct test_log *log, u32 value)
{
	append(log, &value, sizeof(value));
}

static void end_record(struct test_log *log)
{
	log->ends[log->nr_records++] = log->len;
}

/* The Spec ID event, TCG PC Client Platform Firmware Profile 10.4.5.1. */
static void add_header(struct test_log *log)
{
	struct tcg_efi_specid_event_head specid = {
		.signature = TCG_SPECID_SIG,
		.spec_version_major = 2,
		.uintnsize = 2,
		.num_algs = NR_ALGS,
	};
	struct tcg_pcr_event event = { .event_type = NO_ACTION };

	/* One byte follows the algorithms: the vendor information's length. */
	event.event_size = sizeof(specid) + sizeof(test_algs) + 1;
	append(log, &event, sizeof(event));
	append(log, &specid, sizeof(specid));
	append(log, test_algs, sizeof(test_algs));
	append(log, "", 1);
	end_record(log);
}

/* The part of a record in front of its event data. */
static void add_record_head(struct test_log *log, u32 count, u16 first_alg)
{
	u8 digest[MAX_DIGEST_LEN];
	u16 alg_id;

	append_u32(log, TEST_PCR);
	append_u32(log, TEST_EVENT_TYPE);
	append_u32(log, count);
	for (size_t i = 0; i < NR_ALGS; i++) {
		alg_id = i ? test_algs[i].alg_id : first_alg;
		append(log, &alg_id, sizeof(alg_id));
		memset(digest, 0xa0 + i, sizeof(digest));
		append(log, digest, test_algs[i].digest_size);
	}
}

static void add_record(struct test_log *log, const char *data)
{
	add_record_head(log, NR_ALGS, test_algs[0].alg_id);
	append_u32(log, strlen(data));
	append(log, data, strlen(data));
	end_record(log);
}

/* A header and three records, one of them without event data. */
static void add_good_log(struct test_log *log)
{
	add_header(log);
	add_record(log, ".linux");
	add_record(log, "");
	add_record(log, "the last one");
}

/* How a reader reads: so many bytes at a time, so often at most, from where. */
struct reader {
	size_t chunk;
	size_t max_reads;
	size_t from;
};

/* Read the first @len bytes of the log, and return where that ended. */
static size_t read_log(struct kunit *test, size_t len, struct reader reader)
{
	struct test_ctx *ctx = test->priv;
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);
	u8 *start = ctx->guarded + PAGE_SIZE - len;
	struct kiocb iocb = {};
	struct iov_iter iter;
	struct kvec vec;
	ssize_t n;

	KUNIT_ASSERT_NOT_NULL(test, file);
	memcpy(start, ctx->log->data, len);
	ctx->chip->log.bios_event_log = start;
	ctx->chip->log.bios_event_log_end = start + len;

	KUNIT_ASSERT_EQ(test, 0,
			seq_open(file, &tpm2_binary_b_measurements_seqops));
	((struct seq_file *)file->private_data)->private = ctx->chip;

	iocb.ki_filp = file;
	iocb.ki_pos = reader.from;
	do {
		vec.iov_base = ctx->out + iocb.ki_pos;
		vec.iov_len = min(reader.chunk, PAGE_SIZE - (size_t)iocb.ki_pos);
		iov_iter_kvec(&iter, ITER_DEST, &vec, 1, vec.iov_len);
		n = seq_read_iter(&iocb, &iter);
	} while (n > 0 && --reader.max_reads);

	seq_release(NULL, file);
	kunit_kfree(test, file);
	KUNIT_EXPECT_GE(test, n, 0);
	return iocb.ki_pos;
}

/*
 * Expect that the first @len bytes of the log read as their first @shown,
 * whoever reads: with chunks smaller than a record, seq_file starts anew at
 * each position; a page at once has room for all of the log.
 */
static void expect_shown(struct kunit *test, size_t len, size_t shown)
{
	static const struct reader readers[] = {
		{ .chunk = 1,		.max_reads = SIZE_MAX },
		{ .chunk = 7,		.max_reads = SIZE_MAX },
		{ .chunk = PAGE_SIZE,	.max_reads = SIZE_MAX },
		{ .chunk = PAGE_SIZE,	.max_reads = 1 },
	};
	struct test_ctx *ctx = test->priv;
	size_t got;

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		got = read_log(test, len, readers[i]);
		KUNIT_ASSERT_EQ_MSG(test, got, shown, "len=%zu reader=%zu", len,
				    i);
		KUNIT_ASSERT_MEMEQ_MSG(test, ctx->out, ctx->log->data, shown,
				       "len=%zu reader=%zu", len, i);
	}
}

/* A log whose last record ends where the log ends is shown whole. */
static void tpm2_log_ends_with_record(struct kunit *test)
{
	struct test_log *log = ((struct test_ctx *)test->priv)->log;

	add_good_log(log);
	expect_shown(test, log->len, log->len);
}

/* So is a log that has a single record. */
static void tpm2_log_ends_with_first_record(struct kunit *test)
{
	struct test_log *log = ((struct test_ctx *)test->priv)->log;

	add_header(log);
	add_record(log, "the only one");
	expect_shown(test, log->len, log->len);
}

/* Bytes behind the last record that make no record are not shown. */
static void tpm2_log_has_bytes_left(struct kunit *test)
{
	struct test_log *log = ((struct test_ctx *)test->priv)->log;
	size_t len;

	add_good_log(log);
	len = log->len;
	for (size_t more = 1; more <= 128; more++)
		expect_shown(test, len + more, len);
}

/* Wherever a log is cut off, the records that are whole are shown. */
static void tpm2_log_is_cut_off(struct kunit *test)
{
	struct test_log *log = ((struct test_ctx *)test->priv)->log;
	size_t shown = 0, record = 0;

	add_good_log(log);
	for (size_t len = 0; len <= log->len; len++) {
		if (len == log->ends[record])
			shown = log->ends[record++];
		expect_shown(test, len, shown);
	}
	KUNIT_EXPECT_EQ(test, shown, log->len);
}

/* A reader may begin anywhere, in the middle of a record or behind the end. */
static void tpm2_log_is_read_from_anywhere(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct test_log *log = ctx->log;
	struct reader reader = { .max_reads = SIZE_MAX };

	add_good_log(log);
	for (reader.from = 0; reader.from <= log->len; reader.from++) {
		for (reader.chunk = 1; reader.chunk <= log->len;
		     reader.chunk += 50) {
			memset(ctx->out, 0, PAGE_SIZE);
			KUNIT_ASSERT_EQ(test, log->len,
					read_log(test, log->len, reader));
			KUNIT_ASSERT_MEMEQ_MSG(test, ctx->out + reader.from,
					       log->data + reader.from,
					       log->len - reader.from,
					       "from=%zu chunk=%zu",
					       reader.from, reader.chunk);
		}
	}
}

/*
 * A position is where a record begins: start() finds it there without a walk,
 * and next() moves it on even if there is no next record.
 */
static void tpm2_log_position_is_offset(struct kunit *test)
{
	const struct seq_operations *ops = &tpm2_binary_b_measurements_seqops;
	struct test_ctx *ctx = test->priv;
	struct test_log *log = ctx->log;
	struct seq_file m = { .private = ctx->chip };
	loff_t pos = 0;
	void *v;

	add_good_log(log);
	ctx->chip->log.bios_event_log = log->data;
	ctx->chip->log.bios_event_log_end = log->data + log->len;
	for (size_t i = 0; i < log->nr_records; i++) {
		v = ops->start(&m, &pos);
		KUNIT_ASSERT_PTR_EQ(test, v, (void *)log->data + pos);
		v = ops->next(&m, v, &pos);
		KUNIT_EXPECT_EQ(test, pos, log->ends[i]);
	}
	KUNIT_EXPECT_NULL(test, v);
	KUNIT_EXPECT_NULL(test, ops->start(&m, &pos));
}

/* A log that nothing was added to is its header. */
static void tpm2_log_is_header_only(struct kunit *test)
{
	struct test_log *log = ((struct test_ctx *)test->priv)->log;

	add_header(log);
	expect_shown(test, log->len, log->len);
}

/* A header that says more than it holds is shown, and no record after it. */
static void tpm2_log_header_is_short(struct kunit *test)
{
	struct test_log *log = ((struct test_ctx *)test->priv)->log;
	struct tcg_efi_specid_event_head *specid;

	add_header(log);
	specid = (void *)log->data + sizeof(struct tcg_pcr_event);
	specid->num_algs = U32_MAX;
	add_record_head(log, U32_MAX, test_algs[0].alg_id);
	append_u32(log, 0);
	expect_shown(test, log->len, log->ends[0]);
}

/* A record of another digest count than the header's ends the log. */
static void tpm2_log_record_count_differs(struct kunit *test)
{
	struct test_log *log = ((struct test_ctx *)test->priv)->log;
	size_t good_len;

	add_good_log(log);
	good_len = log->len;
	add_record_head(log, NR_ALGS - 1, test_algs[0].alg_id);
	append_u32(log, 0);
	expect_shown(test, log->len, good_len);
}

/* A record with an algorithm that the header lacks ends the log. */
static void tpm2_log_record_alg_unknown(struct kunit *test)
{
	struct test_log *log = ((struct test_ctx *)test->priv)->log;
	size_t good_len;

	add_good_log(log);
	good_len = log->len;
	add_record_head(log, NR_ALGS, TPM_ALG_SM3_256);
	append_u32(log, 0);
	expect_shown(test, log->len, good_len);
}

/* A record with an algorithm twice lacks another, and ends the log. */
static void tpm2_log_record_alg_twice(struct kunit *test)
{
	struct test_log *log = ((struct test_ctx *)test->priv)->log;
	u16 sha256 = TPM_ALG_SHA256;
	size_t good_len;

	add_good_log(log);
	good_len = log->len;
	append_u32(log, TEST_PCR);
	append_u32(log, TEST_EVENT_TYPE);
	append_u32(log, NR_ALGS);
	for (size_t i = 0; i < NR_ALGS; i++) {
		append(log, &sha256, sizeof(sha256));
		append(log, log->data, 32);
	}
	append_u32(log, 0);
	expect_shown(test, log->len, good_len);
}

/* An event size that makes the record's size wrap at 32 bits ends the log. */
static void tpm2_log_record_size_wraps(struct kunit *test)
{
	struct test_log *log = ((struct test_ctx *)test->priv)->log;
	size_t good_len, record_len;

	add_good_log(log);
	good_len = log->len;
	add_record_head(log, NR_ALGS, test_algs[0].alg_id);
	record_len = log->len + sizeof(u32) - good_len;
	append_u32(log, 16 - record_len);
	expect_shown(test, log->len, good_len);
}

KUNIT_DEFINE_ACTION_WRAPPER(vfree_action, vfree, const void *);

static int tpm2_eventlog_init(struct kunit *test)
{
	struct test_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	/* What is tested reads a log in the byte order of the CPU. */
	if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		kunit_skip(test, "logs are little endian");
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->chip = kunit_kzalloc(test, sizeof(*ctx->chip), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->chip);
	ctx->log = kunit_kzalloc(test, sizeof(*ctx->log), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->log);
	ctx->out = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->out);

	/* vmalloc() leaves a page unmapped behind what it gives out. */
	ctx->guarded = vmalloc(PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, ctx->guarded);
	test->priv = ctx;
	return kunit_add_action_or_reset(test, vfree_action, ctx->guarded);
}

static struct kunit_case tpm2_eventlog_cases[] = {
	KUNIT_CASE(tpm2_log_ends_with_record),
	KUNIT_CASE(tpm2_log_ends_with_first_record),
	KUNIT_CASE(tpm2_log_has_bytes_left),
	KUNIT_CASE(tpm2_log_is_cut_off),
	KUNIT_CASE(tpm2_log_is_read_from_anywhere),
	KUNIT_CASE(tpm2_log_position_is_offset),
	KUNIT_CASE(tpm2_log_is_header_only),
	KUNIT_CASE(tpm2_log_header_is_short),
	KUNIT_CASE(tpm2_log_record_count_differs),
	KUNIT_CASE(tpm2_log_record_alg_unknown),
	KUNIT_CASE(tpm2_log_record_alg_twice),
	KUNIT_CASE(tpm2_log_record_size_wraps),
	{},
};

static struct kunit_suite tpm2_eventlog_suite = {
	.name = "tpm2_eventlog",
	.init = tpm2_eventlog_init,
	.test_cases = tpm2_eventlog_cases,
};

kunit_test_suite(tpm2_eventlog_suite);

MODULE_DESCRIPTION("KUnit tests for reading a TPM 2.0 event log");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
