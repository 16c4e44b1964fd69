// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for the TPM event log that goes on while the system runs
 *
 * After all that happens to the TPM, the log is replayed and has to arrive at
 * the PCRs, in every bank.
 */

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/seq_file.h>
#include <linux/uio.h>

#include "fake_tpm.h"
#include "tpm2-extend-testvecs.h"

static void test_user_extends(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	const struct tpm_live_log *live = tpm->chip->live;
	unsigned int nr_recorded = 0;

	for (u32 pcr = 0; pcr < NR_PCRS; pcr++) {
		nr_recorded += tpm_live_records(pcr);
		for (unsigned int i = 0; i < NR_USER_CODES; i++) {
			size_t len = live->len;

			KUNIT_ASSERT_EQ(test, 0,
					fake_user_command(tpm, i, pcr));
			if (tpm_live_records(pcr))
				fake_expect_tagged(test, pcr, "user");
			else
				KUNIT_EXPECT_EQ(test, len, live->len);
		}
	}
	KUNIT_EXPECT_EQ(test, tpm->nr_extends, NR_PCRS * NR_USER_CODES);
	/* Values are followed, so that each PCR is read only once. */
	KUNIT_EXPECT_EQ(test, tpm->nr_reads, nr_recorded);
	fake_expect_replays(test, 0, "user");
}

static void test_kernel_extends(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	const struct tpm_live_log *live = tpm->chip->live;

	for (u32 pcr = 0; pcr < NR_PCRS; pcr++) {
		size_t len = live->len;

		KUNIT_ASSERT_EQ(test, 0, fake_kernel_extend(tpm, pcr));
		if (tpm_live_records(pcr))
			fake_expect_tagged(test, pcr, "kernel");
		else
			KUNIT_EXPECT_EQ(test, len, live->len);
	}
	fake_expect_replays(test, 0, "kernel");
}

static void test_recorded_pcrs(struct kunit *test)
{
	static const u32 others[] = {
		16, 17, 23, 24, 31, 32, 255, 256, RH_NULL, TPM2_EXTEND_NO_PCR,
	};

	for (u32 pcr = 0; pcr < 16; pcr++)
#ifdef CONFIG_IMA_MEASURE_PCR_IDX
		KUNIT_EXPECT_EQ(test, pcr != CONFIG_IMA_MEASURE_PCR_IDX,
				tpm_live_records(pcr));
#else
		KUNIT_EXPECT_TRUE(test, tpm_live_records(pcr));
#endif
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++)
		KUNIT_EXPECT_FALSE(test, tpm_live_records(others[i]));
}

/* What changes no PCR that is recorded is not even looked at. */
static void test_nothing_to_record(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	const struct tpm_live_log *live = tpm->chip->live;
	size_t len = live->len;

	for (unsigned int i = 0; i < NR_USER_CODES; i++)
		KUNIT_EXPECT_EQ(test, 0, fake_user_command(tpm, i, RH_NULL));
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend(tpm, 3, fake_all_banks, 0));
	fake_new_command(tpm, TPM2_CC_GET_RANDOM, 4);
	KUNIT_EXPECT_EQ(test, 0, fake_transmit(tpm));
	fake_new_command(tpm, 0x17f, 4);
	KUNIT_EXPECT_EQ(test, RC_COMMAND_CODE, fake_transmit(tpm));
	KUNIT_EXPECT_EQ(test, len, live->len);
	KUNIT_EXPECT_EQ(test, 0, tpm->nr_reads);
	fake_expect_replays(test, 0, "nothing");
}

static void test_command_not_sent(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_chip *chip = tpm->chip;
	size_t len = chip->live->len;
	struct tpm_buf *buf;

	for (unsigned int i = 0; i < NR_USER_CODES; i++) {
		buf = fake_new_command(tpm, fake_user_codes[i], 7);
		tpm_buf_append_u32(buf, 0);
		KUNIT_ASSERT_EQ(test, 0, tpm_try_get_ops(chip));
		KUNIT_EXPECT_EQ(test, 0, tpm_live_user_begin(chip, buf->data,
							     TPM_BUFSIZE));
		tpm_live_user_cancel(chip);
		KUNIT_EXPECT_EQ(test, chip->live->state, TPM_LIVE_IDLE);
		tpm_put_ops(chip);
	}
	KUNIT_EXPECT_EQ(test, len, chip->live->len);
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 7));
	fake_expect_replays(test, 0, "not sent");
}

/* A command and its response as they were recorded from a real TPM. */
static void play(struct kunit *test, const struct testvec *v)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_chip *chip = tpm->chip;
	u8 *buf = tpm->buf.data;

	memset(buf, 0xff, TPM_BUFSIZE);
	memcpy(buf, v->cmd, v->cmd_len);
	KUNIT_ASSERT_EQ(test, 0, tpm_try_get_ops(chip));
	KUNIT_EXPECT_EQ_MSG(test, 0,
			    tpm_live_user_begin(chip, buf, TPM_BUFSIZE), "%s",
			    v->name);
	/* Success, and it had a PCR. */
	if (!get_unaligned_be32(v->rsp + 6) && v->pcr != TPM2_EXTEND_NO_PCR)
		for (unsigned int i = 0; i < v->nr_digests; i++)
			fake_extend_bank(test, v->pcr, v->digests[i].alg,
					 v->digests[i].digest);
	memcpy(buf, v->rsp, v->rsp_len);
	tpm_live_user_end(chip, buf, v->rsp_len);
	tpm_put_ops(chip);
}

static void test_recordings(struct kunit *test)
{
	fake_set_banks(test, fake_all_banks, 4);
	fake_restart(test);
	for (size_t i = 0; i < ARRAY_SIZE(extend_testvecs); i++) {
		play(test, &extend_testvecs[i]);
		fake_expect_replays(test, 0, extend_testvecs[i].name);
	}
}

/* Each subset of the banks, in two orders. */
static void test_partial_extends(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	unsigned int nr_partial = 0;

	for (unsigned int mask = 0; mask < 2 * BIT(5); mask++) {
		unsigned int nr = 0;
		u8 order[5];

		for (unsigned int i = 0; i < 5; i++)
			if (mask & BIT(i))
				order[nr++] = mask & BIT(5) ? 4 - i : i;
		KUNIT_ASSERT_EQ(test, 0,
				fake_user_extend(tpm, 14, order, nr));
		nr_partial += nr && nr < 5;
	}
	fake_expect_replays(test, 0, "partial");
	fake_expect_notes(test, TCG2_NOTE_PARTIAL, nr_partial);
}

static void test_bank_twice(struct kunit *test)
{
	static const u8 orders[][7] = {
		{ 1, 1, 0, 2, 3, 4, 0 }, { 0, 1, 2, 3, 4, 3, 1 },
		{ 3, 3, 3, 3, 3, 3, 3 },
	};
	struct fake_tpm *tpm = test->priv;

	for (unsigned int i = 0; i < ARRAY_SIZE(orders); i++)
		KUNIT_ASSERT_EQ(test, 0,
				fake_user_extend(tpm, 14, orders[i], 7));
	fake_expect_replays(test, 0, "twice");
	fake_expect_notes(test, TCG2_NOTE_PARTIAL, ARRAY_SIZE(orders));
}

/* PCR 7, if it cannot be known what the command with number @nr did to it. */
static u32 unknown_after(unsigned int nr, const struct fake_fault *fault)
{
	bool in_response = fake_user_codes[nr] != TPM2_CC_PCR_EXTEND;

	return in_response && fault->executes ? BIT(7) : 0;
}

static void test_user_faults(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;

	for (unsigned int i = 0; i < NR_FAULTS; i++) {
		for (unsigned int j = 0; j < NR_USER_CODES; j++) {
			u32 unknown = unknown_after(j, &fake_faults[i]);

			fake_restart(test);
			KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, 7));
			fake_fail(tpm, 0, &fake_faults[i]);
			KUNIT_EXPECT_NE(test, 0, fake_user_command(tpm, j, 7));
			fake_expect_replays(test, unknown, fake_faults[i].name);
			KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 7));
			KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 8));
			fake_expect_replays(test, unknown, fake_faults[i].name);
			fake_expect_notes(test, TCG2_NOTE_UNKNOWN, !!unknown);
		}
	}
}

static void test_kernel_faults(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;

	for (unsigned int i = 0; i < NR_FAULTS; i++) {
		fake_restart(test);
		fake_fail(tpm, 1, &fake_faults[i]);
		KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, 7));
		KUNIT_EXPECT_NE(test, 0, fake_kernel_extend(tpm, 7));
		fake_expect_replays(test, 0, fake_faults[i].name);
		KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, 7));
		fake_expect_replays(test, 0, fake_faults[i].name);
	}
}

/* In banks other than the one whose values are followed. */
static void test_partial_faults(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;

	for (unsigned int i = 0; i < NR_FAULTS; i++) {
		for (u8 bank = 0; bank < 5; bank++) {
			fake_restart(test);
			fake_fail(tpm, 1, &fake_faults[i]);
			KUNIT_EXPECT_EQ(test, 0,
					fake_user_extend(tpm, 7, &bank, 1));
			KUNIT_EXPECT_NE(test, 0,
					fake_user_extend(tpm, 7, &bank, 1));
			fake_expect_replays(test, 0, fake_faults[i].name);
			KUNIT_EXPECT_EQ(test, 0,
					fake_user_extend(tpm, 7, &bank, 1));
			KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 7));
			fake_expect_replays(test, 0, fake_faults[i].name);
		}
	}
}

/* The driver repeats a command that it is told to, also if it was executed. */
static void test_executed_twice(struct kunit *test)
{
	static const struct fake_fault twice = { "twice", true, true, -EIO };
	static const struct fake_fault retry = { "retry", true, false,
						RC_RETRY };
	struct fake_tpm *tpm = test->priv;

	fake_fail(tpm, 0, &twice);
	KUNIT_EXPECT_EQ(test, -EIO, fake_user_extend_all(tpm, 7));
	fake_expect_replays(test, BIT(7), "twice");
	fake_expect_notes(test, TCG2_NOTE_UNKNOWN, 1);

	fake_fail(tpm, 0, &twice);
	KUNIT_EXPECT_EQ(test, -EIO, fake_kernel_extend(tpm, 8));
	fake_expect_replays(test, BIT(7) | BIT(8), "twice");

	/* What the PCR is now is known again, and tells of the next failure. */
	fake_fail(tpm, 0, &fake_faults[1]);
	KUNIT_EXPECT_NE(test, 0, fake_user_extend_all(tpm, 7));
	fake_expect_tagged(test, 7, "user");
	fake_fail(tpm, 0, &fake_faults[0]);
	KUNIT_EXPECT_NE(test, 0, fake_kernel_extend(tpm, 8));
	KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, 8));
	KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, 9));
	fake_expect_replays(test, BIT(7) | BIT(8), "after twice");
	fake_expect_notes(test, TCG2_NOTE_UNKNOWN, 2);

	/* The second answer is success, and the kernel does not learn of it. */
	fake_restart(test);
	fake_fail(tpm, 0, &retry);
	KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, 9));
	KUNIT_EXPECT_EQ(test, tpm->nr_extends, 2);
}

/*
 * A command gets no answer; what comes for the extend after it is the late
 * answer, which says success, whatever becomes of the extend.
 */
static void test_late_answer(struct kunit *test)
{
	static const struct fake_fault late[] = {
		{ "late, not executed", false, false, 0 },
		{ "late, executed", true, false, 0 },
	};
	struct fake_tpm *tpm = test->priv;

	for (unsigned int i = 0; i < 4 * ARRAY_SIZE(late); i++) {
		const struct fake_fault *fault = &late[i / 4];
		int ret, error;
		size_t len;

		fake_restart(test);
		KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, 4));
		tpm->nr_silent = 1;
		fake_new_command(tpm, TPM2_CC_GET_RANDOM, 0);
		KUNIT_EXPECT_EQ(test, -ETIME, fake_transmit(tpm));

		len = tpm->chip->live->len;
		fake_fail(tpm, 0, fault);
		if (i % 4 == 0) {
			fake_user_extend_all(tpm, 4);
		} else if (i % 4 == 1) {
			fake_user_event(tpm, CC_PCR_EVENT, 4);
		} else {
			/* The kernel is not told what is not so. */
			ret = i % 4 == 2 ? fake_kernel_extend(tpm, 4) :
					   fake_kexec(test, NULL, 0);
			error = i % 4 == 2 ? -EIO : -EBUSY;
			KUNIT_EXPECT_EQ_MSG(test, ret,
					    fault->executes ? 0 : error, "%s",
					    fault->name);
		}
		KUNIT_EXPECT_EQ_MSG(test, fault->executes,
				    tpm->chip->live->len != len, "%s",
				    fault->name);
		fake_expect_replays(test, fault->executes && i % 4 == 1 ?
					  BIT(4) : 0, fault->name);

		/* A PCR was read, and success is success again. */
		tpm->nr_reads = 0;
		tpm_live_freeze(tpm->chip->live, false);
		KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 4));
		KUNIT_EXPECT_EQ(test, 0, tpm->nr_reads);
	}
}

/* Success, but the digests that it should come with make no sense. */
static void test_garbled_digests(struct kunit *test)
{
	static const struct fake_fault garbled[] = {
		{ "no list of digests", true, false, 0 },
		{ "an empty list of digests", true, false, NO_DIGESTS },
	};
	struct fake_tpm *tpm = test->priv;

	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(garbled); i++) {
		const struct fake_fault *fault = &garbled[i / 2];
		unsigned int nr = 1 + i % 2;

		fake_restart(test);
		fake_fail(tpm, 0, fault);
		KUNIT_EXPECT_EQ(test, 0, fake_user_command(tpm, nr, 7));
		fake_expect_replays(test, BIT(7), fault->name);
		KUNIT_EXPECT_EQ(test, 0, fake_user_command(tpm, nr, 8));
		fake_expect_replays(test, BIT(7), fault->name);
	}
}

/* An algorithm that the TPM knows and the kernel does not. */
static int user_extend_exotic(struct fake_tpm *tpm, u32 pcr)
{
	struct tpm_buf *buf = fake_new_command(tpm, TPM2_CC_PCR_EXTEND, pcr);
	u8 digest[MAX_DIGEST];

	fake_fill_digest(tpm, digest);
	tpm_buf_append_u32(buf, 2);
	tpm_buf_append_u16(buf, TPM_ALG_SHA256);
	tpm_buf_append(buf, digest, SHA256_DIGEST_SIZE);
	tpm_buf_append_u16(buf, ALG_UNKNOWN);
	tpm_buf_append(buf, digest, 32);
	return fake_transmit(tpm);
}

static void test_command_not_understood(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	size_t len;

	KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 7));
	KUNIT_EXPECT_EQ(test, 0, user_extend_exotic(tpm, 7));
	fake_expect_replays(test, BIT(7), "exotic");
	fake_expect_notes(test, TCG2_NOTE_UNKNOWN, 1);
	fake_fail(tpm, 0, &fake_faults[1]);
	KUNIT_EXPECT_NE(test, 0, fake_user_extend_all(tpm, 7));
	fake_expect_tagged(test, 7, "user");

	for (unsigned int i = 0; i < NR_FAULTS; i++) {
		fake_restart(test);
		len = tpm->chip->live->len;
		fake_fail(tpm, 0, &fake_faults[i]);
		KUNIT_EXPECT_NE(test, 0, user_extend_exotic(tpm, 7));
		KUNIT_EXPECT_EQ(test, len != tpm->chip->live->len,
				fake_faults[i].executes);
		fake_expect_replays(test, fake_faults[i].executes ? BIT(7) : 0,
				    fake_faults[i].name);
	}

	/* Of a PCR that is not recorded, it does not matter. */
	fake_restart(test);
	len = tpm->chip->live->len;
	KUNIT_EXPECT_EQ(test, 0, user_extend_exotic(tpm, 16));
	KUNIT_EXPECT_EQ(test, 0, user_extend_exotic(tpm, RH_NULL));
	KUNIT_EXPECT_EQ(test, len, tpm->chip->live->len);
}

static void test_read_recovers(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;

	for (unsigned int i = 0; i < NR_READ_ANSWERS; i++) {
		for (unsigned int j = 0; j < NR_FAULTS; j++) {
			fake_restart(test);
			KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, 7));
			fake_fail(tpm, 0, &fake_faults[j]);
			tpm->nr_bad_reads = 1;
			tpm->read_answer = fake_read_answers[i];
			KUNIT_EXPECT_NE(test, 0, fake_user_extend_all(tpm, 7));
			fake_expect_replays(test, 0, fake_faults[j].name);
		}
	}
}

/* What is not the answer to the read that was sent is not believed. */
static void test_read_of_another(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;

	for (unsigned int i = 0; i <= READ_DIGEST; i++) {
		/* pcrUpdateCounter may be whatever it is. */
		if (i >= 10 && i < 14)
			continue;
		fake_restart(test);
		KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, 7));
		fake_fail(tpm, 0, &fake_faults[1]);
		tpm->nr_bad_reads = 1;
		tpm->read_answer = ANOTHER;
		tpm->wrong_at = i;
		KUNIT_EXPECT_NE(test, 0, fake_user_extend_all(tpm, 7));
		fake_expect_tagged(test, 7, "user");
		fake_expect_replays(test, 0, "read of another");
	}
}

/* Nothing is sent as long as nobody knows what became of the last command. */
static void test_unreadable(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	size_t len;

	for (unsigned int i = 0; i < NR_FAULTS; i++) {
		struct tpm_live_log *live = fake_restart(test);

		KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, 7));
		fake_fail(tpm, 0, &fake_faults[i]);
		tpm->nr_bad_reads = UINT_MAX;
		tpm->read_answer = i % 2 ? -ETIME : NONSENSE;
		len = live->len;
		KUNIT_EXPECT_NE(test, 0, fake_user_extend_all(tpm, 7));
		KUNIT_EXPECT_EQ(test, -EIO, fake_user_extend_all(tpm, 7));
		KUNIT_EXPECT_EQ(test, -EIO, fake_user_extend_all(tpm, 8));
		KUNIT_EXPECT_EQ(test, -EIO, fake_kernel_extend(tpm, 8));
		KUNIT_EXPECT_EQ(test, -EIO,
				fake_user_event(tpm, CC_PCR_EVENT, 9));
		KUNIT_EXPECT_EQ(test, tpm->nr_extends, 1);
		/* PCRs that are not recorded have nothing to do with it. */
		KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 23));
		KUNIT_EXPECT_EQ(test, len, live->len);

		tpm->nr_bad_reads = 0;
		KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 8));
		fake_expect_replays(test, 0, fake_faults[i].name);
		KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 7));
		fake_expect_replays(test, 0, fake_faults[i].name);
	}
}

/*
 * A PCR that cannot be read is not extended: nothing would tell whether it was.
 */
static void test_unreadable_before(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;

	tpm->nr_bad_reads = UINT_MAX;
	tpm->read_answer = RC_FAILURE;
	for (unsigned int i = 0; i < NR_USER_CODES; i++)
		KUNIT_EXPECT_EQ(test, -EIO, fake_user_command(tpm, i, 7));
	KUNIT_EXPECT_EQ(test, -EIO, fake_kernel_extend(tpm, 7));
	KUNIT_EXPECT_EQ(test, 0, tpm->nr_extends);

	tpm->nr_bad_reads = 0;
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 7));
	fake_expect_replays(test, 0, "unreadable before");
}

/*
 * A bank that there is no code for: success is recorded, a failure is a note.
 */
static void test_bank_without_code(struct kunit *test)
{
	static const u8 unhashed = NR_BANKS - 1;
	struct fake_tpm *tpm = test->priv;
	size_t len;

	fake_set_banks(test, &unhashed, 1);
	fake_restart(test);
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend(tpm, 7, &unhashed, 1));
	fake_expect_tagged(test, 7, "user");
	len = tpm->chip->live->len;
	fake_fail(tpm, 0, &fake_faults[0]);
	KUNIT_EXPECT_NE(test, 0, fake_user_extend(tpm, 7, &unhashed, 1));
	KUNIT_EXPECT_EQ(test, len, tpm->chip->live->len);
	fake_fail(tpm, 0, &fake_faults[1]);
	KUNIT_EXPECT_NE(test, 0, fake_user_extend(tpm, 7, &unhashed, 1));
	fake_expect_replays(test, BIT(7), "no code");
	fake_expect_notes(test, TCG2_NOTE_UNKNOWN, 1);
}

/* Extends of PCR 7 succeed, and fail in each way. */
static void extend_pcr7(struct kunit *test, const u8 *order, unsigned int nr)
{
	struct fake_tpm *tpm = test->priv;

	for (unsigned int i = 0; i < NR_FAULTS; i++) {
		KUNIT_EXPECT_EQ(test, 0, fake_user_extend(tpm, 7, order, nr));
		fake_fail(tpm, 0, &fake_faults[i]);
		KUNIT_EXPECT_NE(test, 0, fake_user_extend(tpm, 7, order, nr));
		KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, 7));
		fake_fail(tpm, 0, &fake_faults[i]);
		KUNIT_EXPECT_NE(test, 0, fake_kernel_extend(tpm, 7));
	}
	KUNIT_EXPECT_EQ(test, 0, fake_user_event(tpm, CC_PCR_EVENT, 7));
	fake_expect_tagged(test, 7, "user");
}

/* Banks that do not have PCR 7: another bank tells. */
static void test_bank_without_pcr(struct kunit *test)
{
	static const u8 two[] = { 1, 3 };
	struct fake_tpm *tpm = test->priv;
	size_t len;

	for (unsigned int mask = 1; mask < FIVE; mask++) {
		for (unsigned int i = 0; i < 5; i++)
			tpm->lacks[i] = mask & BIT(i) ? BIT(7) : 0;
		fake_restart(test);
		extend_pcr7(test, fake_all_banks, 5);
		fake_expect_replays(test, 0, "bank without PCR");
		KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, NULL, 0));
	}

	/* None tells: success is believed, and a failure is a note. */
	tpm->lacks[1] = BIT(7);
	tpm->lacks[3] = BIT(7);
	fake_restart(test);
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend(tpm, 7, two, 2));
	len = tpm->chip->live->len;
	fake_expect_replays(test, 0, "no bank tells");
	fake_fail(tpm, 0, &fake_faults[0]);
	KUNIT_EXPECT_NE(test, 0, fake_user_extend(tpm, 7, two, 2));
	KUNIT_EXPECT_GT(test, tpm->chip->live->len, len);
	fake_expect_replays(test, BIT(7), "no bank tells");
	fake_expect_notes(test, TCG2_NOTE_UNKNOWN, 1);
}

/* Only just that answer says that a bank does not have a PCR. */
static void test_bank_seems_without_pcr(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;

	for (unsigned int i = 0; i < NR_BANKS; i++)
		tpm->lacks[i] = BIT(7);
	tpm->read_answer = ANOTHER;
	for (unsigned int i = 0; i < READ_NONE; i++) {
		/* pcrUpdateCounter may be whatever it is. */
		if (i >= 10 && i < 14)
			continue;
		fake_restart(test);
		tpm->nr_bad_reads = UINT_MAX;
		tpm->wrong_at = i;
		KUNIT_EXPECT_EQ_MSG(test, -EIO, fake_user_extend_all(tpm, 7),
				    "byte %u", i);
		KUNIT_EXPECT_EQ(test, 0, tpm->nr_extends);
	}
}

static const u8 digest_of_others[MAX_DIGEST] = "whoever it was";

/* What is done to a TPM while it is out of sight is found out. */
static void test_recheck(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;
	size_t len;

	for (u32 pcr = 0; pcr < 9; pcr++)
		KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, pcr));
	len = live->len;

	/* Nothing was done. */
	tpm->nr_reads = 0;
	tpm_live_recheck(live);
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 7));
	KUNIT_EXPECT_EQ(test, tpm->nr_reads, 9);
	KUNIT_EXPECT_GT(test, live->len, len);
	fake_expect_replays(test, 0, "nothing was done");

	/* Two were extended, and the log cannot know of a third. */
	tpm_live_recheck(live);
	fake_extend_bank(test, 3, TPM_ALG_SHA256, digest_of_others);
	fake_extend_bank(test, 7, TPM_ALG_SHA256, digest_of_others);
	fake_extend_bank(test, 9, TPM_ALG_SHA256, digest_of_others);
	KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, 7));
	fake_expect_tagged(test, 7, "kernel");
	fake_replay(test);
	KUNIT_EXPECT_EQ(test, tpm->unknown, BIT(3) | BIT(7));
	fake_expect_notes(test, TCG2_NOTE_UNKNOWN, 2);

	/* They are known again. */
	fake_fail(tpm, 0, &fake_faults[1]);
	KUNIT_EXPECT_NE(test, 0, fake_user_extend_all(tpm, 3));
	fake_expect_tagged(test, 3, "user");
}

/* The TPM was reset, and a kexec is the first to notice. */
static void test_recheck_at_kexec(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	size_t size;
	u8 *segment;

	for (u32 pcr = 0; pcr < 9; pcr++)
		KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, pcr));
	segment = fake_new_segment(test, &size);
	memset(&tpm->pcrs, 0, sizeof(tpm->pcrs));
	tpm_live_recheck(tpm->chip->live);
	KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, segment, size));
	fake_expect_handed_over(test, segment, size);
	fake_expect_replays(test, BIT(9) - 1, "reset");
}

static void test_recheck_unreadable(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;
	size_t len;

	KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, 3));
	KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, 7));
	len = live->len;
	tpm->nr_extends = 0;
	tpm->nr_bad_reads = UINT_MAX;
	tpm->read_answer = RC_FAILURE;
	tpm_live_recheck(live);
	KUNIT_EXPECT_EQ(test, -EIO, fake_user_extend_all(tpm, 7));
	KUNIT_EXPECT_EQ(test, -EIO, fake_kernel_extend(tpm, 8));
	KUNIT_EXPECT_EQ(test, -EBUSY, fake_kexec(test, NULL, 0));
	KUNIT_EXPECT_EQ(test, 0, tpm->nr_extends);
	KUNIT_EXPECT_EQ(test, len, live->len);

	/* What is not recorded does not have to wait. */
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 16));
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, RH_NULL));

	fake_extend_bank(test, 7, TPM_ALG_SHA256, digest_of_others);
	tpm->nr_bad_reads = 0;
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 8));
	fake_expect_replays(test, BIT(7), "readable again");
}

/* A flood of one PCR: nothing else is lost. */
static void test_flood(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;
	size_t size, len, share;
	u8 *segment;

	live->share_max = 4096;
	segment = fake_new_segment(test, &size);
	for (unsigned int i = 0; i < 30; i++)
		KUNIT_ASSERT_EQ(test, 0, i % 3 ? fake_user_extend_all(tpm, 15) :
						 fake_kernel_extend(tpm, 15));
	fake_expect_replays(test, BIT(15), "flood");
	fake_expect_notes(test, TCG2_NOTE_FULL, 1);
	share = fake_share_of(test, 15);
	KUNIT_EXPECT_LE(test, share, 4096);
	KUNIT_EXPECT_GT(test, share, 3072);

	/* It makes no difference how it goes on. */
	len = live->len;
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend(tpm, 15, fake_all_banks, 2));
	KUNIT_EXPECT_EQ(test, 0, fake_user_event(tpm, CC_PCR_EVENT, 15));
	for (unsigned int i = 0; i < NR_FAULTS; i++) {
		fake_fail(tpm, 0, &fake_faults[i]);
		KUNIT_EXPECT_NE(test, 0,
				fake_user_event(tpm, CC_PCR_EVENT, 15));
		fake_fail(tpm, 0, &fake_faults[i]);
		KUNIT_EXPECT_NE(test, 0, fake_user_extend_all(tpm, 15));
	}
	KUNIT_EXPECT_EQ(test, len, live->len);

	KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 14));
	fake_expect_tagged(test, 14, "user");
	KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, segment, size));
	fake_expect_handed_over(test, segment, size);
	fake_expect_replays(test, BIT(15), "hop after flood");
	KUNIT_EXPECT_EQ(test, 1, tpm_kexec_count(tpm->chip));
}

/*
 * The kernel's own events have no share: they are there also in a PCR without.
 */
static void test_flooded_pcrs_of_kexec(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;
	unsigned int nr = fake_make_events(test);
	size_t len;

	live->share_max = 2048;
	for (unsigned int i = 0; i < 20; i++)
		KUNIT_ASSERT_EQ(test, 0, fake_user_extend_all(tpm, 4));
	fake_expect_replays(test, BIT(4), "flood");
	len = live->len + fake_pending_len(test);
	KUNIT_EXPECT_EQ(test, 0,
			tpm_kexec_execute(tpm->chip, tpm->events, NR_EVENTS, nr,
					  -1, NULL, 0));
	KUNIT_EXPECT_EQ(test, len, live->len);
	KUNIT_EXPECT_EQ(test, 1, tpm_kexec_count(tpm->chip));
	fake_expect_replays(test, BIT(4), "hop");
}

static int do_anything(struct fake_tpm *tpm)
{
	u32 pcr = fake_rand32(tpm) % 17;
	u8 order[7];

	for (unsigned int i = 0; i < ARRAY_SIZE(order); i++)
		order[i] = fake_rand32(tpm) % 5;
	switch (fake_rand32(tpm) % 5) {
	case 0:
		return fake_user_extend(tpm, pcr, order, fake_rand32(tpm) % 8);
	case 1:
		return fake_user_event(tpm, CC_PCR_EVENT, pcr);
	case 2:
		return fake_user_event(tpm, CC_EVENT_SEQUENCE, pcr);
	case 3:
		return fake_kernel_extend(tpm, pcr);
	}
	return fake_user_extend_all(tpm, pcr);
}

/*
 * Whatever happens after a load: no PCR is over its share, the segment is large
 * enough, and what the log says it knows is so.
 */
static void test_anything_fits_segment(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;
	unsigned int answer;
	size_t size;
	u8 *segment;

	live->share_max = 3000;
	for (unsigned int i = 0; i < 3000; i++) {
		if (i == 10)
			segment = fake_new_segment(test, &size);
		fake_fail(tpm, fake_rand32(tpm) % 4,
			  &fake_faults[fake_rand32(tpm) % NR_FAULTS]);
		tpm->nr_bad_reads = fake_rand32(tpm) % 64 ? 0 : 3;
		answer = fake_rand32(tpm) % NR_READ_ANSWERS;
		tpm->read_answer = fake_read_answers[answer];
		do_anything(tpm);
	}
	tpm->nr_bad_reads = 0;
	fake_fail(tpm, UINT_MAX, NULL);
	KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, segment, size));
	fake_expect_handed_over(test, segment, size);
	fake_replay(test);
	fake_expect_replays(test, tpm->unknown, "anything");
	for (u32 pcr = 0; pcr < 16; pcr++)
		KUNIT_EXPECT_LE_MSG(test, fake_share_of(test, pcr), 3000,
				    "PCR %u",
				    pcr);
}

/* A few steps, so that most PCRs are still known; again and again. */
static void test_anything_replays(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	unsigned int answer;
	u32 known = 0;

	for (unsigned int i = 0; i < 100; i++) {
		fake_restart(test);
		for (unsigned int j = 0; j < 30; j++) {
			fake_fail(tpm, fake_rand32(tpm) % 6,
				  &fake_faults[fake_rand32(tpm) % NR_FAULTS]);
			tpm->nr_bad_reads = fake_rand32(tpm) % 32 ? 0 : 3;
			answer = fake_rand32(tpm) % NR_READ_ANSWERS;
			tpm->read_answer = fake_read_answers[answer];
			do_anything(tpm);
		}
		tpm->nr_bad_reads = 0;
		fake_fail(tpm, UINT_MAX, NULL);
		KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, NULL, 0));
		fake_replay(test);
		fake_expect_replays(test, tpm->unknown, "anything");
		known |= ~tpm->unknown;
	}
	KUNIT_EXPECT_EQ(test, known & 0xffff, 0xffff);
}

/* Also shares that are used up with notes, and what cannot be known. */
static void test_restored_shares(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	u8 *log = kunit_kzalloc(test, SZ_64K, GFP_KERNEL);
	struct tpm_live_log *live = tpm->chip->live;
	u32 unknown;
	size_t len;

	KUNIT_ASSERT_NOT_NULL(test, log);
	live->share_max = 2000;
	for (unsigned int i = 0; i < 300; i++) {
		fake_fail(tpm, fake_rand32(tpm) % 3,
			  &fake_faults[fake_rand32(tpm) % NR_FAULTS]);
		do_anything(tpm);
	}
	fake_replay(test);
	unknown = tpm->unknown;
	len = live->len;
	KUNIT_ASSERT_LE(test, len, SZ_64K);
	memcpy(log, live->buf, len);
	live = fake_begin_log(test, log, len);
	live->share_max = 2000;
	fake_fail(tpm, UINT_MAX, NULL);
	for (u32 pcr = 0; pcr < 16; pcr++) {
		KUNIT_EXPECT_EQ_MSG(test, live->pcrs[pcr].share,
				    fake_share_of(test, pcr), "PCR %u", pcr);
		for (unsigned int i = 0; i < 20; i++)
			KUNIT_EXPECT_EQ(test, 0,
					fake_user_extend_all(tpm, pcr));
		KUNIT_EXPECT_LE(test, fake_share_of(test, pcr), 2000);
	}
	fake_replay(test);
	KUNIT_EXPECT_EQ(test, tpm->unknown & unknown, unknown);
	for (u32 pcr = 0; pcr < 16; pcr++)
		KUNIT_EXPECT_EQ(test, !!(tpm->unknown & BIT(pcr)),
				tpm_live_records(pcr));
	KUNIT_EXPECT_LE(test, tpm->notes[TCG2_NOTE_FULL], 16);
}

/*
 * Headers
 */

static void test_own_header(struct kunit *test)
{
	static const u8 order[] = { 3, 1, 4 };
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live;

	fake_set_banks(test, order, ARRAY_SIZE(order));
	live = fake_restart(test);
	KUNIT_EXPECT_EQ(test, live->len, live->head.len);
	KUNIT_ASSERT_EQ(test, live->head.nr_algs, 3);
	for (unsigned int i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, live->head.algs[i].id,
				fake_banks[order[i]].id);
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend(tpm, 7, order, 3));
	fake_expect_tagged(test, 7, "user");
	fake_expect_replays(test, 0, "own header");
}

/* All that can happen with a header that is not the chip's list of banks. */
static void use_log(struct kunit *test, unsigned int nr_missing)
{
	struct fake_tpm *tpm = test->priv;

	fake_begin_log(test, tpm->firmware, tpm->firmware_len);
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend_all(tpm, 7));
	KUNIT_EXPECT_EQ(test, 0, fake_user_event(tpm, CC_PCR_EVENT, 7));
	KUNIT_EXPECT_EQ(test, 0, fake_kernel_extend(tpm, 8));
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend(tpm, 8, fake_all_banks, 2));
	for (unsigned int i = 0; i < NR_FAULTS; i++) {
		fake_fail(tpm, 0, &fake_faults[i]);
		KUNIT_EXPECT_NE(test, 0, fake_user_extend_all(tpm, 7));
		fake_fail(tpm, 0, &fake_faults[i]);
		KUNIT_EXPECT_NE(test, 0, fake_kernel_extend(tpm, 7));
	}
	KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, NULL, 0));
	fake_expect_replays(test, 0, "header");
	fake_expect_notes(test, TCG2_NOTE_NO_BANK, !!nr_missing);
}

static void test_header_in_another_order(struct kunit *test)
{
	static const u8 orders[][5] = {
		{ 4, 3, 2, 1, 0 }, { 1, 0, 2, 4, 3 }, { 2, 4, 0, 3, 1 },
	};
	struct fake_tpm *tpm = test->priv;

	for (unsigned int i = 0; i < ARRAY_SIZE(orders); i++) {
		fake_make_firmware_log(test, orders[i], 5);
		use_log(test, 0);
		tpm->fault = NULL;
	}
}

static void test_header_lacks_banks(struct kunit *test)
{
	static const u8 order[] = { 2, 0, 3 };
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live;
	struct tcg2_note *note = &tpm->note;
	struct tcg2_log_record record;
	size_t len;

	fake_make_firmware_log(test, order, ARRAY_SIZE(order));
	live = fake_begin_log(test, tpm->firmware, tpm->firmware_len);
	record = fake_last_record(test);
	KUNIT_EXPECT_EQ(test, record.type, TCG2_EV_NO_ACTION);
	KUNIT_ASSERT_EQ(test, 0, tcg2_note_read(live->buf + record.data,
						record.data_len, note));
	KUNIT_EXPECT_EQ(test, note->kind, TCG2_NOTE_NO_BANK);
	KUNIT_ASSERT_EQ(test, note->nr, 2);
	KUNIT_EXPECT_EQ(test, note->digests[0].alg, TPM_ALG_SHA256);
	KUNIT_EXPECT_EQ(test, note->digests[1].alg, TPM_ALG_SM3_256);

	/* Once is enough: the next kernel finds the note. */
	len = live->len;
	KUNIT_ASSERT_LT(test, len, sizeof(tpm->firmware));
	memcpy(tpm->firmware, live->buf, len);
	live = fake_begin_log(test, tpm->firmware, len);
	KUNIT_EXPECT_EQ(test, len, live->len);

	use_log(test, 2);
}

/* Algorithms that no bank has: zeros by others, the truth by a kexec. */
static void test_header_has_more(struct kunit *test)
{
	static const u8 order[] = { 0, 4, 1, 5, 3 }, active[] = { 1, 3 };
	struct fake_tpm *tpm = test->priv;
	struct tpm_bank_info algs[NR_BANKS];
	struct tcg2_log_record record;
	struct tpm_live_log *live;
	const u8 *digest;

	fake_set_banks(test, active, ARRAY_SIZE(active));
	fake_make_firmware_log(test, order, ARRAY_SIZE(order));
	live = fake_begin_log(test, tpm->firmware, tpm->firmware_len);
	KUNIT_EXPECT_EQ(test, 0, fake_user_extend(tpm, 7, active, 2));
	fake_expect_tagged(test, 7, "user");
	record = fake_last_record(test);
	digest = tcg2_log_find_digest(live->buf, &live->head, &record,
				      TPM_ALG_SM3_256);
	KUNIT_EXPECT_TRUE(test, is_zero(digest, SM3_DIGEST_SIZE));

	/* A TPM may hash with more algorithms than it has banks. */
	tpm->hashes = FIVE;
	KUNIT_EXPECT_EQ(test, 0, fake_user_event(tpm, CC_PCR_EVENT, 7));
	fake_expect_tagged(test, 7, "user");
	fake_expect_replays(test, 0, "more than banks");
	tpm->hashes = 0;

	/* Banks first, then what else there is code for. */
	KUNIT_EXPECT_EQ(test, -E2BIG, tpm_kexec_algs(tpm->chip, algs, 1));
	KUNIT_EXPECT_EQ(test, -E2BIG, tpm_kexec_algs(tpm->chip, algs, 3));
	KUNIT_ASSERT_EQ(test, 4, tpm_kexec_algs(tpm->chip, algs, NR_BANKS));
	KUNIT_EXPECT_EQ(test, algs[0].alg_id, TPM_ALG_SHA256);
	KUNIT_EXPECT_EQ(test, algs[1].alg_id, TPM_ALG_SHA512);
	KUNIT_EXPECT_EQ(test, algs[2].alg_id, TPM_ALG_SHA1);
	KUNIT_EXPECT_EQ(test, algs[3].alg_id, TPM_ALG_SM3_256);
	KUNIT_EXPECT_EQ(test, algs[3].digest_size, SM3_DIGEST_SIZE);

	KUNIT_EXPECT_EQ(test, 0, fake_kexec(test, NULL, 0));
	record = fake_last_record(test);
	for (unsigned int i = 0; i < 4; i++) {
		digest = tcg2_log_find_digest(live->buf, &live->head, &record,
					      algs[i].alg_id);
		KUNIT_ASSERT_NOT_NULL(test, digest);
		KUNIT_EXPECT_MEMEQ(test, digest,
				   tpm->digests[NR_EVENTS - 1][i].digest,
				   algs[i].digest_size);
	}
	fake_expect_replays(test, 0, "more than there are banks");
}

static void test_create_refuses(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_bank_info *allocated = tpm->chip->allocated_banks;
	const void *fw = tpm->firmware;
	size_t len;

	fake_make_firmware_log(test, fake_all_banks, 5);
	len = tpm->firmware_len;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			PTR_ERR(tpm_live_create(allocated, 0, NULL, 0)));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			PTR_ERR(tpm_live_create(allocated,
						TPM2_MAX_PCR_BANKS + 1, NULL,
						0)));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			PTR_ERR(tpm_live_create(allocated, 5, fw,
						TPM_KEXEC_LOG_MAX + 1)));
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			PTR_ERR(tpm_live_create(allocated, 5, fw, len - 1)));
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			PTR_ERR(tpm_live_create(allocated, 5, fw, len + 1)));
	KUNIT_EXPECT_EQ(test, -EPROTO,
			PTR_ERR(tpm_live_create(allocated, 5, fw + 1,
						len - 1)));
	/* A bank twice */
	allocated[1] = allocated[0];
	KUNIT_EXPECT_EQ(test, -EINVAL,
			PTR_ERR(tpm_live_create(allocated, 5, NULL, 0)));
}

/*
 * binary_measurements_live
 */

static void test_file(struct kunit *test)
{
	static const size_t chunks[] = { 1, 100, 1000, SZ_64K };
	u8 *out = kunit_kzalloc(test, SZ_64K, GFP_KERNEL);
	struct fake_tpm *tpm = test->priv;
	struct tpm_live_log *live = tpm->chip->live;

	KUNIT_ASSERT_NOT_NULL(test, out);
	for (unsigned int i = 0; i < ARRAY_SIZE(chunks); i++) {
		struct file *file = kunit_kzalloc(test, sizeof(*file),
						  GFP_KERNEL);
		struct kiocb iocb = { .ki_filp = file };
		size_t before = live->len;
		struct iov_iter iter;
		struct kvec vec;
		ssize_t n;

		KUNIT_ASSERT_NOT_NULL(test, file);
		KUNIT_ASSERT_EQ(test, 0,
				seq_open(file,
					 &tpm_live_measurements_seqops));
		((struct seq_file *)file->private_data)->private = tpm->chip;
		do {
			vec.iov_base = out + iocb.ki_pos;
			vec.iov_len = min(chunks[i],
					  SZ_64K - (size_t)iocb.ki_pos);
			iov_iter_kvec(&iter, ITER_DEST, &vec, 1, vec.iov_len);
			n = seq_read_iter(&iocb, &iter);
			KUNIT_ASSERT_GE(test, n, 0);
			/* It grows, and moves, while it is read. */
			if (n && live->len < before + 5000)
				KUNIT_ASSERT_EQ(test, 0,
						fake_user_extend_all(tpm, 7));
		} while (n);
		seq_release(NULL, file);
		kunit_kfree(test, file);
		KUNIT_EXPECT_GE(test, iocb.ki_pos, before);
		KUNIT_ASSERT_LE(test, iocb.ki_pos, live->len);
		KUNIT_EXPECT_MEMEQ(test, out, live->buf, iocb.ki_pos);
	}
	fake_expect_replays(test, 0, "file");
}

static struct kunit_case live_log_cases[] = {
	KUNIT_CASE(test_user_extends),
	KUNIT_CASE(test_kernel_extends),
	KUNIT_CASE(test_recorded_pcrs),
	KUNIT_CASE(test_nothing_to_record),
	KUNIT_CASE(test_command_not_sent),
	KUNIT_CASE(test_recordings),
	KUNIT_CASE(test_partial_extends),
	KUNIT_CASE(test_bank_twice),
	KUNIT_CASE(test_user_faults),
	KUNIT_CASE(test_kernel_faults),
	KUNIT_CASE(test_partial_faults),
	KUNIT_CASE(test_executed_twice),
	KUNIT_CASE(test_late_answer),
	KUNIT_CASE(test_garbled_digests),
	KUNIT_CASE(test_command_not_understood),
	KUNIT_CASE(test_read_recovers),
	KUNIT_CASE(test_read_of_another),
	KUNIT_CASE(test_unreadable),
	KUNIT_CASE(test_unreadable_before),
	KUNIT_CASE(test_bank_without_code),
	KUNIT_CASE(test_bank_without_pcr),
	KUNIT_CASE(test_bank_seems_without_pcr),
	KUNIT_CASE(test_recheck),
	KUNIT_CASE(test_recheck_at_kexec),
	KUNIT_CASE(test_recheck_unreadable),
	KUNIT_CASE(test_flood),
	KUNIT_CASE(test_flooded_pcrs_of_kexec),
	KUNIT_CASE(test_anything_fits_segment),
	KUNIT_CASE(test_anything_replays),
	KUNIT_CASE(test_restored_shares),
	KUNIT_CASE(test_own_header),
	KUNIT_CASE(test_header_in_another_order),
	KUNIT_CASE(test_header_lacks_banks),
	KUNIT_CASE(test_header_has_more),
	KUNIT_CASE(test_create_refuses),
	KUNIT_CASE(test_file),
	{},
};

static struct kunit_suite live_log_suite = {
	.name = "tpm_live_log",
	.init = fake_init,
	.test_cases = live_log_cases,
};

kunit_test_suite(live_log_suite);

MODULE_DESCRIPTION("KUnit tests for the TPM event log that outlives a kexec");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
