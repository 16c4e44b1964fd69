// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for the TPM event log that goes along with a kexec
 *
 * A kexec extends the TPM, which fails wherever it can; what is left to the
 * next kernel is read as that would read it, and damaged.
 */

#include <linux/vmalloc.h>

#include "fake_tpm.h"

static void expect_frozen(struct kunit *test, bool frozen)
{
	struct fake_tpm *tpm = test->priv;
	struct fake_pcrs *before = kunit_kmalloc(test, sizeof(*before),
						 GFP_KERNEL);
	int error = frozen ? -EBUSY : 0;

	KUNIT_ASSERT_NOT_NULL(test, before);
	tpm->nr_extends = 0;
	memcpy(before, &tpm->pcrs, sizeof(*before));
	for (unsigned int i = 0; i < NR_USER_CODES; i++) {
		KUNIT_EXPECT_EQ(test, error, fake_user_command(tpm, i, 7));
		KUNIT_EXPECT_EQ(test, error, fake_user_command(tpm, i, 23));
		KUNIT_EXPECT_EQ(test, error,
				fake_user_command(tpm, i, RH_NULL));
	}
	for (u32 pcr = 0; pcr < 16; pcr++)
		KUNIT_EXPECT_EQ(test, tpm_live_records(pcr) ? error : 0,
				fake_kernel_extend(tpm, pcr));
	KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, 23));
	fake_new_command(tpm, TPM2_CC_GET_RANDOM, 4);
	KUNIT_EXPECT_EQ(test, 0, fake_transmit(tpm));

	for (u32 pcr = 0; pcr < 16; pcr++)
		if (frozen && tpm_live_records(pcr))
			KUNIT_EXPECT_MEMEQ(test, tpm->pcrs.values[pcr],
					   before->values[pcr],
					   sizeof(before->values[pcr]));
	kunit_kfree(test, before);
}

static void test_execute(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;
	size_t size, len;
	u8 *segment;

	KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, 7));
	segment = fake_new_segment(test, &size);
	KUNIT_EXPECT_EQ(test, 0, tpm_kexec_count(tpm->chip));
	tpm->nr_extends = 0;
	KUNIT_ASSERT_EQ(test, 0, fake_kexec(test, segment, size));
	KUNIT_EXPECT_EQ(test, tpm->nr_extends, NR_EVENTS);
	KUNIT_EXPECT_EQ(test, 1, tpm_kexec_count(tpm->chip));

	len = live->len;
	fake_expect_handed_over(test, segment, size);
	expect_frozen(test, true);
	KUNIT_EXPECT_EQ(test, len, live->len);
	fake_expect_handed_over(test, segment, size);
	fake_expect_replays(test, 0, "executed");

	tpm_live_freeze(live, false);
	expect_frozen(test, false);
	fake_expect_replays(test, 0, "thawn");

	/* Another try is another kexec. */
	kunit_kfree(test, segment);
	segment = fake_new_segment(test, &size);
	KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, segment, size));
	fake_expect_handed_over(test, segment, size);
	fake_expect_replays(test, 0, "executed again");
	KUNIT_EXPECT_EQ(test, 2, tpm_kexec_count(tpm->chip));
}

/* The list of what is pending is what becomes of it. */
static void test_pending_records(struct kunit *test)
{
	u8 *pending = kunit_kzalloc(test, 8192, GFP_KERNEL);
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;
	size_t before = live->len, len = 0;
	unsigned int nr = fake_make_events(test);

	KUNIT_ASSERT_NOT_NULL(test, pending);
	for (unsigned int i = 0; i < NR_EVENTS; i++) {
		struct tpm_kexec_event *event = &tpm->events[i];
		int ret = tpm_kexec_record(tpm->chip, event, nr, NULL, 0);

		KUNIT_ASSERT_GT(test, ret, 0);
		KUNIT_EXPECT_EQ(test, -ENOSPC,
				tpm_kexec_record(tpm->chip, event, nr,
						 pending + len, ret - 1));
		KUNIT_ASSERT_EQ(test, ret,
				tpm_kexec_record(tpm->chip, event, nr,
						 pending + len, 8192 - len));
		len += ret;
	}
	KUNIT_EXPECT_EQ(test, live->len, before);
	KUNIT_ASSERT_EQ(test, 0, tpm_kexec_execute(tpm->chip, tpm->events,
						   NR_EVENTS, nr, -1, NULL, 0));
	KUNIT_ASSERT_EQ(test, live->len, before + len);
	KUNIT_EXPECT_MEMEQ(test, live->buf + before, pending, len);
}

/*
 * The @k-th extend fails with @fault; with @mute, nothing can be read after it.
 */
static void execute_fails(struct kunit *test, unsigned int k,
			  const struct fake_fault *fault, bool mute)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = fake_restart(test);
	size_t size;
	u8 *segment;

	for (u32 pcr = 0; pcr < 16; pcr++)
		KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, pcr));
	segment = fake_new_segment(test, &size);
	fake_fail(tpm, k, fault);
	tpm->nr_bad_reads = mute ? UINT_MAX : 0;
	tpm->read_answer = k % 2 ? -ETIME : RC_FAILURE;

	/* The image is not spent if it is sure that nothing was extended. */
	KUNIT_EXPECT_EQ_MSG(test,
			    k || mute || fault->executes ? -EIO : -EBUSY,
			    fake_kexec(test, segment, size), "%s at %u",
			    fault->name, k);
	KUNIT_EXPECT_EQ(test, tpm->nr_extends, k + 1);
	KUNIT_EXPECT_TRUE(test, is_zero(segment, size));
	KUNIT_EXPECT_FALSE(test, live->frozen);
	if (mute) {
		/* Refused, with nothing sent. */
		KUNIT_EXPECT_EQ(test, -EBUSY, fake_kexec(test, segment, size));
		KUNIT_EXPECT_EQ(test, -EIO, fake_user_extend_all(tpm, 1));
		KUNIT_EXPECT_EQ(test, tpm->nr_extends, k + 1);
		KUNIT_EXPECT_TRUE(test, is_zero(segment, size));
		tpm->nr_bad_reads = 0;
	} else {
		fake_expect_replays(test, 0, fault->name);
	}

	KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 1));
	fake_expect_replays(test, 0, fault->name);
	kunit_kfree(test, segment);
	segment = fake_new_segment(test, &size);
	KUNIT_EXPECT_EQ_MSG(test, 0, fake_kexec(test, segment, size),
			    "after %s at %u", fault->name, k);
	fake_expect_handed_over(test, segment, size);
	KUNIT_EXPECT_TRUE(test, live->frozen);
	fake_expect_replays(test, 0, fault->name);
	KUNIT_EXPECT_EQ(test, tpm_kexec_count(tpm->chip),
			k || fault->executes ? 2 : 1);
	kunit_kfree(test, segment);
}

static void test_execute_fails(struct kunit *test)
{
	for (unsigned int i = 0; i < NR_FAULTS; i++)
		for (unsigned int k = 0; k < NR_EVENTS; k++)
			execute_fails(test, k, &fake_faults[i], false);
}

static void test_execute_fails_unreadable(struct kunit *test)
{
	for (unsigned int i = 0; i < NR_FAULTS; i++)
		for (unsigned int k = 0; k < NR_EVENTS; k++)
			execute_fails(test, k, &fake_faults[i], true);
}

/* What is not settled has room in the segment, and is in it at last. */
static void test_unsettled_at_load(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	size_t size;
	u8 *segment;

	for (unsigned int i = 0; i < NR_FAULTS; i++) {
		fake_restart(test);
		KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, 7));
		fake_fail(tpm, 0, &fake_faults[i]);
		tpm->nr_bad_reads = UINT_MAX;
		tpm->read_answer = NONSENSE;
		KUNIT_EXPECT_NE(test, 0, fake_user_extend_all(tpm, 7));
		tpm->nr_reads = 0;
		segment = fake_new_segment(test, &size);
		KUNIT_EXPECT_EQ(test, 0, tpm->nr_reads);
		tpm->nr_bad_reads = 0;
		KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, segment, size));
		fake_expect_handed_over(test, segment, size);
		fake_expect_replays(test, 0, fake_faults[i].name);
		kunit_kfree(test, segment);
	}
}

/* Before a load the TPM is asked, and only then. */
static void test_ask(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;
	size_t before, unsettled, settled;

	KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, 7));
	KUNIT_ASSERT_EQ(test, 0, tpm_kexec_segment_size(tpm->chip, 0, &before));
	fake_fail(tpm, 0, &fake_faults[0]);
	tpm->nr_bad_reads = UINT_MAX;
	tpm->read_answer = NONSENSE;
	KUNIT_EXPECT_NE(test, 0, fake_user_extend_all(tpm, 7));
	KUNIT_EXPECT_EQ(test, 0, tpm_kexec_ask(tpm->chip));
	KUNIT_EXPECT_EQ(test, 0,
			tpm_kexec_segment_size(tpm->chip, 0, &unsettled));
	KUNIT_EXPECT_EQ(test, unsettled, before + live->extend.staged);

	tpm->nr_bad_reads = 0;
	KUNIT_EXPECT_EQ(test, 0, tpm_kexec_ask(tpm->chip));
	KUNIT_EXPECT_EQ(test, 0,
			tpm_kexec_segment_size(tpm->chip, 0, &settled));
	KUNIT_EXPECT_EQ(test, settled, before);
	fake_expect_replays(test, 0, "asked");

	tpm->chip->flags |= TPM_CHIP_FLAG_DISABLE;
	KUNIT_EXPECT_EQ(test, -EIO, tpm_kexec_ask(tpm->chip));
	KUNIT_EXPECT_EQ(test, 0,
			tpm_kexec_segment_size(tpm->chip, 0, &settled));
	tpm->chip->flags &= ~TPM_CHIP_FLAG_DISABLE;
}

/* The same, and nothing else may become part of the log until then. */
static void test_unsettled_without_slack(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	size_t size;
	u8 *segment;

	for (unsigned int k = 0; k < NR_EVENTS; k++) {
		struct tpm_live_log *live = fake_restart(test);

		for (u32 pcr = 0; pcr < 16; pcr++)
			KUNIT_ASSERT_EQ(test, 0, fake_kernel_extend(tpm, pcr));
		for (u32 pcr = 0; pcr < 16; pcr++)
			live->pcrs[pcr].full = true;
		fake_fail(tpm, k, &fake_faults[1]);
		tpm->nr_bad_reads = UINT_MAX;
		tpm->read_answer = NONSENSE;
		KUNIT_EXPECT_EQ(test, -EIO, fake_kexec(test, NULL, 0));
		segment = fake_new_segment(test, &size);
		tpm->nr_bad_reads = 0;
		fake_fail(tpm, 0, NULL);
		KUNIT_EXPECT_EQ(test, -ENOSPC,
				fake_kexec(test, segment, size - 1));
		KUNIT_EXPECT_EQ(test, 0, tpm->nr_extends);
		KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, segment, size));
		fake_expect_handed_over(test, segment, size);
		fake_expect_replays(test, 0, "without slack");
		kunit_kfree(test, segment);
	}
}

/* The last kernel was configured for larger shares than this one. */
static void test_shares_became_smaller(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;
	size_t size;
	u8 *segment;

	for (u32 pcr = 0; pcr < 16; pcr++)
		KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, pcr));
	live->share_max = 100;
	segment = fake_new_segment(test, &size);
	for (u32 pcr = 0; pcr < 16; pcr++)
		KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, pcr));
	KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, segment, size));
	fake_expect_handed_over(test, segment, size);
	for (u32 pcr = 0; pcr < 16; pcr++)
		KUNIT_EXPECT_EQ(test, live->pcrs[pcr].full,
				tpm_live_records(pcr));
}

/* Exactly as large as it has to be, and a byte less. */
static void test_segment_is_small(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;
	size_t need = sizeof(struct tpm_kexec_log_ser) + live->len +
		      fake_pending_len(test);
	size_t sizes[] = { 0, 1, sizeof(struct tpm_kexec_log_ser), need - 1 };
	u8 *segment = kunit_kzalloc(test, need, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, segment);
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_EXPECT_EQ_MSG(test, -ENOSPC,
				    fake_kexec(test, segment,
					       sizes[i]), "%zu bytes",
				    sizes[i]);
		KUNIT_EXPECT_EQ(test, 0, tpm->nr_extends);
		KUNIT_EXPECT_TRUE(test, is_zero(segment, need));
		KUNIT_EXPECT_FALSE(test, live->frozen);
	}
	KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, segment, need));
	fake_expect_handed_over(test, segment, need);
	fake_expect_replays(test, 0, "small segment");
}

static void test_no_segment(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;

	KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, NULL, 0));
	KUNIT_EXPECT_TRUE(test, tpm->chip->live->frozen);
	fake_expect_replays(test, 0, "no segment");
}

/* It cannot be handed over, and goes on. */
static void test_log_too_long(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;
	u8 *segment = tpm->firmware;
	size_t size = 1, len;

	KUNIT_EXPECT_EQ(test, -ENOSPC,
			tpm_kexec_segment_size(tpm->chip, TPM_KEXEC_LOG_MAX,
					       &size));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			tpm_kexec_segment_size(tpm->chip, SIZE_MAX, &size));
	KUNIT_EXPECT_EQ(test, -ENOSPC, tpm_live_make_room(live, SIZE_MAX));

	KUNIT_ASSERT_EQ(test, 0, tpm_live_make_room(live, TPM_KEXEC_LOG_MAX));
	live->len = TPM_KEXEC_LOG_MAX;
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			tpm_kexec_segment_size(tpm->chip, 1, &size));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			fake_kexec(test, segment, 2 * TPM_KEXEC_LOG_MAX));
	KUNIT_EXPECT_EQ(test, 0, tpm->nr_extends);
	KUNIT_EXPECT_FALSE(test, live->frozen);

	for (unsigned int i = 0; i < NR_USER_CODES; i++) {
		len = live->len;
		KUNIT_EXPECT_EQ(test, 0, fake_user_command(tpm, i, 7));
		KUNIT_EXPECT_GT(test, live->len, len);
		KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, 7));
	}
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			tpm_kexec_segment_size(tpm->chip, 0, &size));
	KUNIT_EXPECT_TRUE(test, is_zero(segment, sizeof(tpm->firmware)));
	KUNIT_EXPECT_EQ(test, size, 1);
}

/* The same TPM, or so it may be, by way of another driver */
static void test_frozen_without_log(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_chip *chip = tpm->chip;
	struct tpm_live_log *live = chip->live;

	KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, NULL, 0));
	chip->live = NULL;
	KUNIT_ASSERT_TRUE(test, chip->flags & TPM_CHIP_FLAG_VIRTUAL);
	expect_frozen(test, false);
	chip->flags &= ~TPM_CHIP_FLAG_VIRTUAL;
	expect_frozen(test, true);
	tpm_live_freeze(live, false);
	expect_frozen(test, false);
	chip->flags |= TPM_CHIP_FLAG_VIRTUAL;
	chip->live = live;
}

/* What no record can be made of */
static void test_record_refuses(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_kexec_event *event = tpm->events;
	unsigned int nr = fake_make_events(test);
	u8 *buf = tpm->firmware;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			tpm_kexec_record(tpm->chip, event, 1000, buf, 4096));
	event->data_len = U32_MAX;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			tpm_kexec_record(tpm->chip, event, nr, NULL, 0));
	event->data_len = 0;
	event->type = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			tpm_kexec_record(tpm->chip, event, nr, buf, 4096));
	KUNIT_EXPECT_TRUE(test, is_zero(buf, 4096));
}

static void test_chip_without_log(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_bank_info algs[NR_BANKS];
	size_t size;

	fake_make_events(test);
	fake_free_log(tpm->chip);
	KUNIT_EXPECT_EQ(test, -ENODEV, tpm_kexec_algs(tpm->chip, algs, 5));
	KUNIT_EXPECT_EQ(test, -ENODEV, tpm_kexec_count(tpm->chip));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			tpm_kexec_record(tpm->chip, tpm->events, 5, NULL, 0));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			tpm_kexec_segment_size(tpm->chip, 0, &size));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			tpm_kexec_execute(tpm->chip, tpm->events, NR_EVENTS, 5,
					  -1, NULL, 0));
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 7));
	KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, 7));
	KUNIT_EXPECT_EQ(test, tpm->nr_extends, 2);
}

/*
 * Restore
 */

/* A segment with a log of one bank, which is short, and 8 bytes behind it. */
static u8 *short_segment(struct kunit *test, size_t *size, size_t *log_len)
{
	static const u8 order[] = { 0 };
	struct fake_tpm *tpm = test->priv;
	u8 *segment;

	fake_set_banks(test, order, 1);
	fake_make_firmware_log(test, order, 1);
	*log_len = tpm->firmware_len;
	*size = sizeof(struct tpm_kexec_log_ser) + *log_len + 8;
	segment = kunit_kzalloc(test, *size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, segment);
	KUNIT_ASSERT_EQ(test, 0, tpm_kexec_log_write(segment, *size,
						     tpm->firmware, *log_len));
	return segment;
}

static int check(const u8 *segment, size_t size)
{
	const void *log;
	size_t len;

	return tpm_kexec_log_check(segment, size, &log, &len);
}

/* The bytes as they are documented. */
static void test_segment_format(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	size_t size, len, got_len;
	u8 *segment = short_segment(test, &size, &len), digest[32];
	const void *log;

	KUNIT_EXPECT_MEMEQ(test, segment, "TPMKXLOG", 8);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(segment + 8), 1);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(segment + 12), 0);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(segment + 16), len);
	sha256(tpm->firmware, len, digest);
	KUNIT_EXPECT_MEMEQ(test, segment + 24, digest, 32);
	KUNIT_EXPECT_MEMEQ(test, segment + 56, tpm->firmware, len);

	KUNIT_ASSERT_EQ(test, 0, tpm_kexec_log_check(segment, size, &log,
						     &got_len));
	KUNIT_EXPECT_PTR_EQ(test, log, (const void *)segment + 56);
	KUNIT_EXPECT_EQ(test, got_len, len);
}

KUNIT_DEFINE_ACTION_WRAPPER(free_vmalloc, vfree, const void *);

static void test_segment_every_truncation(struct kunit *test)
{
	size_t size, len;
	u8 *segment = short_segment(test, &size, &len), *page;

	/* vmalloc() leaves a page unmapped behind what it gives out. */
	page = vmalloc(PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, page);
	fake_at_end(test, free_vmalloc, page);
	for (size_t i = 0; i <= size; i++) {
		u8 *copy = memcpy(page + PAGE_SIZE - i, segment, i);

		KUNIT_EXPECT_EQ_MSG(test, !check(copy, i), i >= 56 + len,
				    "%zu bytes", i);
	}
}

static void test_segment_every_flip(struct kunit *test)
{
	size_t size, len;
	u8 *segment = short_segment(test, &size, &len);

	for (size_t i = 0; i < size; i++) {
		segment[i] ^= 1 << i % 8;
		/* Nobody has promised to look at what is reserved. */
		if (i < 12 || i >= 16)
			KUNIT_EXPECT_EQ_MSG(test, !check(segment, size),
					    i >= 56 + len, "byte %zu", i);
		segment[i] ^= 1 << i % 8;
	}
}

/* Lengths that lie, with a digest that does not where there can be one. */
static void test_segment_lengths_lie(struct kunit *test)
{
	size_t size, len;
	u8 *segment = short_segment(test, &size, &len);
	u64 lens[] = {
		0, 1, len - 1, len + 1, len + 8, len + 9, size, U32_MAX,
		BIT_ULL(32) + len, S64_MAX, (u64)S64_MAX + 1,
		U64_MAX - 56, U64_MAX - 55, U64_MAX - 56 + len, U64_MAX,
		TPM_KEXEC_LOG_MAX, TPM_KEXEC_LOG_MAX + 1,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
		put_unaligned_le64(lens[i], segment + 16);
		if (lens[i] <= size - 56)
			sha256(segment + 56, lens[i], segment + 24);
		KUNIT_EXPECT_EQ_MSG(test, -EBADMSG, check(segment, size),
				    "%llu", lens[i]);
	}
}

/* A log that is damaged although its digest is right. */
static void test_segment_log_is_none(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	size_t size, len;
	u8 *segment = short_segment(test, &size, &len), *log = segment + 56;

	/*
	 * The signature; then the last record's data length, in front of "1.0"
	 */
	log[40] ^= 1;
	sha256(log, len, segment + 24);
	KUNIT_EXPECT_EQ(test, -EBADMSG, check(segment, size));
	log[40] ^= 1;
	log[len - 8] -= 1;
	sha256(log, len, segment + 24);
	KUNIT_EXPECT_EQ(test, -EBADMSG, check(segment, size));
	log[len - 8] += 2;
	sha256(log, len, segment + 24);
	KUNIT_EXPECT_EQ(test, -EBADMSG, check(segment, size));
	log[len - 8] -= 1;
	sha256(log, len, segment + 24);
	KUNIT_EXPECT_EQ(test, 0, check(segment, size));

	/* Of another kind, or of a version to come */
	put_unaligned_le32(2, segment + 8);
	KUNIT_EXPECT_EQ(test, -EPROTO, check(segment, size));
	put_unaligned_le32(0, segment + 8);
	KUNIT_EXPECT_EQ(test, -EPROTO, check(segment, size));
	for (size_t i = 0; i < 56; i++)
		KUNIT_EXPECT_EQ(test, -EPROTO, check(segment, i));
	memset(segment, 0, size);
	KUNIT_EXPECT_EQ(test, -EPROTO, check(segment, size));
	KUNIT_EXPECT_EQ(test, 0, tpm_kexec_log_write(segment, 56 + len,
						     tpm->firmware, len));
	KUNIT_EXPECT_EQ(test, 0, check(segment, 56 + len));
}

static void test_segment_write(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	size_t size, len;
	u8 *segment = short_segment(test, &size, &len);

	memset(segment, 0, size);
	for (size_t i = 0; i < 56 + len; i++)
		KUNIT_EXPECT_EQ(test, -ENOSPC,
				tpm_kexec_log_write(segment, i, tpm->firmware,
						    len));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			tpm_kexec_log_write(segment, SIZE_MAX, tpm->firmware,
					    TPM_KEXEC_LOG_MAX + 1));
	KUNIT_EXPECT_TRUE(test, is_zero(segment, size));

	/* Nothing of what was there before goes along. */
	memset(segment, 0xff, size);
	KUNIT_EXPECT_EQ(test, 0, tpm_kexec_log_write(segment, size - 1,
						     tpm->firmware, len));
	KUNIT_EXPECT_TRUE(test, is_zero(segment + 56 + len, 7));
	KUNIT_EXPECT_EQ(test, segment[size - 1], 0xff);
}

static void test_log_continues(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	size_t size, len;
	u8 *log = short_segment(test, &size, &len) + 56, *fw = tpm->firmware;

	for (size_t i = 0; i <= len; i++)
		KUNIT_EXPECT_TRUE(test, tpm_kexec_log_continues(log, len, fw,
								i));
	KUNIT_EXPECT_TRUE(test, tpm_kexec_log_continues(log, len, NULL, 0));
	for (size_t i = 0; i < len; i++) {
		fw[i] ^= 1;
		KUNIT_EXPECT_FALSE(test, tpm_kexec_log_continues(log, len, fw,
								 len));
		KUNIT_EXPECT_EQ(test, false,
				tpm_kexec_log_continues(log, len, fw, i + 1));
		fw[i] ^= 1;
	}
	/* The firmware's is longer. */
	KUNIT_EXPECT_FALSE(test, tpm_kexec_log_continues(log, len - 1, fw,
							 len));
}

/* Ten kernels, one after the other. */
static void test_chain(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	size_t size, len;
	const void *log;
	u8 *segment;

	fake_make_firmware_log(test, fake_all_banks, 5);
	fake_begin_log(test, tpm->firmware, tpm->firmware_len);
	for (unsigned int i = 0; i < 10; i++) {
		tpm->chip->live->share_max = 4096;
		KUNIT_EXPECT_EQ(test, i, tpm_kexec_count(tpm->chip));
		segment = fake_new_segment(test, &size);
		for (unsigned int j = 0; j < 5; j++)
			KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 15));
		KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, i));
		KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, i));
		KUNIT_ASSERT_EQ(test, 0, fake_kexec(test, segment, size));

		for (u32 pcr = 0; pcr < 16; pcr++)
			KUNIT_EXPECT_EQ(test, tpm->chip->live->pcrs[pcr].share,
					fake_share_of(test, pcr));

		KUNIT_ASSERT_EQ(test, 0, tpm_kexec_log_check(segment, size,
							     &log, &len));
		KUNIT_EXPECT_TRUE(test,
				  tpm_kexec_log_continues(log, len,
							  tpm->firmware,
							  tpm->firmware_len));
		fake_begin_log(test, log, len);
		KUNIT_EXPECT_EQ(test, len, tpm->chip->live->len);
		kunit_kfree(test, segment);
		fake_expect_replays(test, i < 3 ? 0 : BIT(15), "chain");
		/* The share counts from the first kernel on. */
		KUNIT_EXPECT_LE(test, fake_share_of(test, 15), 4096);
		fake_expect_notes(test, TCG2_NOTE_FULL, i < 3 ? 0 : 1);
	}
	KUNIT_EXPECT_EQ(test, 10, tpm_kexec_count(tpm->chip));
}

static struct kunit_case kexec_log_cases[] = {
	KUNIT_CASE(test_execute),
	KUNIT_CASE(test_pending_records),
	KUNIT_CASE(test_execute_fails),
	KUNIT_CASE(test_execute_fails_unreadable),
	KUNIT_CASE(test_unsettled_at_load),
	KUNIT_CASE(test_unsettled_without_slack),
	KUNIT_CASE(test_ask),
	KUNIT_CASE(test_shares_became_smaller),
	KUNIT_CASE(test_segment_is_small),
	KUNIT_CASE(test_no_segment),
	KUNIT_CASE(test_log_too_long),
	KUNIT_CASE(test_frozen_without_log),
	KUNIT_CASE(test_record_refuses),
	KUNIT_CASE(test_chip_without_log),
	KUNIT_CASE(test_segment_format),
	KUNIT_CASE(test_segment_every_truncation),
	KUNIT_CASE(test_segment_every_flip),
	KUNIT_CASE(test_segment_lengths_lie),
	KUNIT_CASE(test_segment_log_is_none),
	KUNIT_CASE(test_segment_write),
	KUNIT_CASE(test_log_continues),
	KUNIT_CASE(test_chain),
	{},
};

static struct kunit_suite kexec_log_suite = {
	.name = "tpm_kexec_log",
	.init = fake_init,
	.test_cases = kexec_log_cases,
};

kunit_test_suite(kexec_log_suite);
