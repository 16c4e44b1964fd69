// SPDX-License-Identifier: GPL-2.0
/*
 * A TPM 2.0 for KUnit tests of the live log, and what is done to it
 *
 * The fake reads commands with Parts 2 and 3 of the TPM 2.0 Library at hand,
 * and does not mind what is wrong about an authorization.
 */

#include <linux/err.h>

#include "fake_tpm.h"

const struct fake_bank fake_banks[NR_BANKS] = {
	{ TPM_ALG_SHA1, SHA1_DIGEST_SIZE },
	{ TPM_ALG_SHA256, SHA256_DIGEST_SIZE },
	{ TPM_ALG_SHA384, SHA384_DIGEST_SIZE },
	{ TPM_ALG_SHA512, SHA512_DIGEST_SIZE },
	{ TPM_ALG_SM3_256, SM3_DIGEST_SIZE },
	{ ALG_UNHASHED, 32 },
};

const u8 fake_all_banks[] = { 0, 1, 2, 3, 4 };

const struct fake_fault fake_faults[NR_FAULTS] = {
	{ "refused", false, false, RC_FAILURE },
	{ "executed, said to be refused", true, false, RC_FAILURE },
	{ "dropped", false, false, -EIO },
	{ "executed and dropped", true, false, -EIO },
	{ "time-out", false, false, -ETIME },
	{ "executed and timed out", true, false, -ETIME },
	{ "garbled", false, false, NONSENSE },
	{ "executed and garbled", true, false, NONSENSE },
	{ "executed and cut off", true, false, -EFAULT },
};

const u32 fake_read_answers[NR_READ_ANSWERS] = {
	RC_FAILURE, -EIO, -EFAULT, NONSENSE,
};

const u32 fake_user_codes[NR_USER_CODES] = {
	TPM2_CC_PCR_EXTEND, CC_PCR_EVENT, CC_EVENT_SEQUENCE,
};

u32 fake_rand32(struct fake_tpm *tpm)
{
	tpm->seed = (tpm->seed * 25214903917 + 11) & ((1ULL << 48) - 1);
	return tpm->seed >> 16;
}

/* Place of an algorithm in fake_banks[]. */
static unsigned int bank_of(struct kunit *test, u16 id)
{
	for (unsigned int i = 0; i < NR_BANKS; i++)
		if (fake_banks[i].id == id)
			return i;
	KUNIT_FAIL_AND_ABORT(test, "no bank %#x", id);
	return 0;
}

/* For banks without code, something that depends on all of the data. */
static void hash(unsigned int bank, const u8 *data, size_t len, u8 *out)
{
	u8 sum = 0;

	switch (fake_banks[bank].id) {
	case TPM_ALG_SHA1:
		return sha1(data, len, out);
	case TPM_ALG_SHA256:
		return sha256(data, len, out);
	case TPM_ALG_SHA384:
		return sha384(data, len, out);
	case TPM_ALG_SHA512:
		return sha512(data, len, out);
	case TPM_ALG_SM3_256:
		return sm3(data, len, out);
	}
	for (size_t i = 0; i < len; i++)
		sum = 3 * sum + data[i];
	memset(out, sum, fake_banks[bank].size);
}

/* TPM 2.0 Library Part 1, 17.4 */
static void extend(struct fake_pcrs *pcrs, u32 pcr, unsigned int bank,
		   const u8 *digest)
{
	u8 *value = pcrs->values[pcr][bank], both[2 * MAX_DIGEST];
	size_t size = fake_banks[bank].size;

	memcpy(both, value, size);
	memcpy(both + size, digest, size);
	hash(bank, both, 2 * size, value);
}

static int respond(u8 *buf, u16 tag, u32 code, size_t len)
{
	put_unaligned_be16(tag, buf);
	put_unaligned_be32(len, buf + 2);
	put_unaligned_be32(code, buf + 6);
	return len;
}

static int respond_badly(u8 *buf, u32 answer)
{
	if ((s32)answer == -EFAULT)
		return respond(buf, TPM2_ST_SESSIONS, 0, 40) - 8;
	if (answer == NO_DIGESTS) {
		memset(buf + TPM_HEADER_SIZE, 0, 4 + 4 + 5);
		buf[TPM_HEADER_SIZE + 3] = 4;	/* parameterSize */
		return respond(buf, TPM2_ST_SESSIONS, 0,
			       TPM_HEADER_SIZE + 4 + 4 + 5);
	}
	if (answer == NONSENSE) {
		memset(buf, 0x5a, 30);
		return respond(buf, 0x5a5a, NONSENSE, 30);
	}
	if ((s32)answer < 0)
		return answer;
	return respond(buf, TPM2_ST_NO_SESSIONS, answer, TPM_HEADER_SIZE);
}

static int respond_to_another(struct fake_tpm *tpm, u8 *buf, int len)
{
	memset(buf + READ_DIGEST, 0x5a, len + 1 - READ_DIGEST);
	if (tpm->wrong_at == READ_DIGEST)
		return respond(buf, TPM2_ST_NO_SESSIONS, 0, len + 1);
	buf[tpm->wrong_at] ^= 1;
	return len;
}

static bool has_pcr(const struct fake_tpm *tpm, unsigned int bank, u32 pcr)
{
	return tpm->active & BIT(bank) && pcr < NR_PCRS &&
	       !(tpm->lacks[bank] & BIT(pcr));
}

/* Success, with a selection of nothing and no digest. */
static int respond_with_none(struct fake_tpm *tpm, u8 *buf, bool another)
{
	memset(buf + READ_NONE - 7, 0, 7);
	respond(buf, TPM2_ST_NO_SESSIONS, 0, READ_NONE);
	if (another)
		buf[tpm->wrong_at] ^= 1;
	return READ_NONE;
}

/* TPM2_PCR_Read of one PCR in one bank. */
static int fake_read(struct fake_tpm *tpm, u8 *buf)
{
	struct kunit *test = dev_get_drvdata(&tpm->chip->dev);
	u8 *select = buf + TPM_HEADER_SIZE, *out = select + 10;
	unsigned int bank = bank_of(test, get_unaligned_be16(select + 4));
	u32 mask = get_unaligned_le32(select + 6) >> 8;
	unsigned int pcr = __ffs(mask);
	bool another = false;
	int len;

	tpm->nr_reads++;
	KUNIT_ASSERT_EQ(test, get_unaligned_be32(select), 1);
	KUNIT_ASSERT_EQ(test, select[6], 3);
	KUNIT_ASSERT_EQ(test, mask, BIT(pcr));
	KUNIT_ASSERT_TRUE(test, tpm->active & BIT(bank));
	if (tpm->nr_bad_reads) {
		tpm->nr_bad_reads--;
		if (tpm->read_answer != ANOTHER)
			return respond_badly(buf, tpm->read_answer);
		another = true;
	}

	memmove(select + 4, select, 10);
	put_unaligned_be32(1, select);	/* pcrUpdateCounter */
	out += 4;
	if (!has_pcr(tpm, bank, pcr))
		return respond_with_none(tpm, buf, another);
	put_unaligned_be32(1, out);
	put_unaligned_be16(fake_banks[bank].size, out + 4);
	memcpy(out + 6, tpm->pcrs.values[pcr][bank], fake_banks[bank].size);
	len = respond(buf, TPM2_ST_NO_SESSIONS, 0,
		      READ_DIGEST + fake_banks[bank].size);
	return another ? respond_to_another(tpm, buf, len) : len;
}

static void execute_extend(struct fake_tpm *tpm, u32 pcr, const u8 *pos)
{
	struct kunit *test = dev_get_drvdata(&tpm->chip->dev);
	u32 nr = get_unaligned_be32(pos);

	pos += 4;
	while (nr--) {
		unsigned int bank;

		if (get_unaligned_be16(pos) == ALG_UNKNOWN) {
			pos += 2 + 32;
			continue;
		}
		bank = bank_of(test, get_unaligned_be16(pos));
		if (has_pcr(tpm, bank, pcr))
			extend(&tpm->pcrs, pcr, bank, pos + 2);
		pos += 2 + fake_banks[bank].size;
	}
}

/* The digests of all active banks, into the response. */
static size_t execute_event(struct fake_tpm *tpm, u32 pcr, u8 *pos, u8 *out)
{
	size_t len = get_unaligned_be16(pos);
	u8 data[64], *count = out;
	u32 nr = 0;

	memcpy(data, pos + 2, min(len, sizeof(data)));
	out += 4;
	for (unsigned int i = 0; i < NR_BANKS; i++) {
		if (!((tpm->active | tpm->hashes) & BIT(i)))
			continue;
		put_unaligned_be16(fake_banks[i].id, out);
		hash(i, data, min(len, sizeof(data)), out + 2);
		if (has_pcr(tpm, i, pcr))
			extend(&tpm->pcrs, pcr, i, out + 2);
		out += 2 + fake_banks[i].size;
		nr++;
	}
	put_unaligned_be32(nr, count);
	return out - count;
}

static int execute(struct fake_tpm *tpm, u8 *buf)
{
	u32 code = get_unaligned_be32(buf + 6);
	u8 *pos = buf + TPM_HEADER_SIZE;
	u32 pcr = get_unaligned_be32(pos);
	size_t len = 0;

	pos += code == CC_EVENT_SEQUENCE ? 8 : 4;
	pos += 4 + get_unaligned_be32(pos);
	if (code == TPM2_CC_PCR_EXTEND)
		execute_extend(tpm, pcr, pos);
	else
		len = execute_event(tpm, pcr, pos, buf + TPM_HEADER_SIZE + 4);

	/* An empty response to the password follows. */
	put_unaligned_be32(len, buf + TPM_HEADER_SIZE);
	memset(buf + TPM_HEADER_SIZE + 4 + len, 0, 5);
	return respond(buf, TPM2_ST_SESSIONS, 0, TPM_HEADER_SIZE + 4 + len + 5);
}

static int fake_extend(struct fake_tpm *tpm, u8 *buf)
{
	static u8 copy[TPM_BUFSIZE];

	if (tpm->nr_extends++ != tpm->fail_at || !tpm->fault)
		return execute(tpm, buf);

	memcpy(copy, buf, sizeof(copy));
	if (tpm->fault->executes)
		execute(tpm, buf);
	if (tpm->fault->twice) {
		memcpy(buf, copy, sizeof(copy));
		execute(tpm, buf);
	}
	return respond_badly(buf, tpm->fault->answer);
}

static int fake_send(struct tpm_chip *chip, u8 *buf, size_t size, size_t len)
{
	struct kunit *test = dev_get_drvdata(&chip->dev);
	struct fake_tpm *tpm = test->priv;

	switch (get_unaligned_be32(buf + 6)) {
	case TPM2_CC_PCR_READ:
		return fake_read(tpm, buf);
	case TPM2_CC_PCR_EXTEND:
	case CC_PCR_EVENT:
	case CC_EVENT_SEQUENCE:
		return fake_extend(tpm, buf);
	case TPM2_CC_GET_RANDOM:
		if (tpm->nr_silent) {
			tpm->nr_silent--;
			return -ETIME;
		}
		return respond(buf, TPM2_ST_NO_SESSIONS, 0, TPM_HEADER_SIZE);
	}
	return respond(buf, TPM2_ST_NO_SESSIONS, RC_COMMAND_CODE,
		       TPM_HEADER_SIZE);
}

static const struct tpm_class_ops fake_ops = {
	.send = fake_send,
};

/*
 * The replay
 */

static void replay_record(struct kunit *test, const struct tpm_live_log *live,
			  const struct tcg2_log_record *record)
{
	struct fake_tpm *tpm = test->priv;

	if (record->pcr >= NR_PCRS)
		return;
	for (unsigned int i = 0; i < live->head.nr_algs; i++) {
		u16 id = live->head.algs[i].id;

		extend(&tpm->replayed, record->pcr, bank_of(test, id),
		       tcg2_log_find_digest(live->buf, &live->head, record,
					    id));
	}
}

static void replay_note(struct kunit *test, const struct tpm_live_log *live,
			const struct tcg2_log_record *record)
{
	struct fake_tpm *tpm = test->priv;
	struct tcg2_note *note = &tpm->note;

	if (tcg2_note_read(live->buf + record->data, record->data_len, note))
		return;
	tpm->notes[note->kind]++;
	if (note->kind == TCG2_NOTE_FULL || note->kind == TCG2_NOTE_UNKNOWN)
		tpm->unknown |= BIT(note->pcr);
	if (note->kind != TCG2_NOTE_PARTIAL)
		return;
	for (unsigned int i = 0; i < note->nr; i++)
		extend(&tpm->replayed, note->pcr,
		       bank_of(test, note->digests[i].alg),
		       note->digests[i].digest);
}

void fake_replay(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	const struct tpm_live_log *live = tpm->chip->live;
	struct tcg2_log_record record;
	size_t off = live->head.len;

	memset(&tpm->replayed, 0, sizeof(tpm->replayed));
	memset(tpm->notes, 0, sizeof(tpm->notes));
	tpm->unknown = 0;
	for (; off < live->len; off += record.len) {
		KUNIT_ASSERT_EQ(test, 0,
				tcg2_log_next(live->buf, live->len, &live->head,
					      off, &record));
		if (record.type == TCG2_EV_NO_ACTION)
			replay_note(test, live, &record);
		else
			replay_record(test, live, &record);
	}
}

static bool in_header(const struct tpm_live_log *live, u16 id)
{
	for (unsigned int i = 0; i < live->head.nr_algs; i++)
		if (live->head.algs[i].id == id)
			return true;
	return false;
}

/* The log replays to the PCRs, but for those in the mask @unknown. */
void fake_expect_replays(struct kunit *test, u32 unknown, const char *name)
{
	struct fake_tpm *tpm = test->priv;
	const struct tpm_live_log *live = tpm->chip->live;

	fake_replay(test);
	KUNIT_EXPECT_EQ_MSG(test, tpm->unknown, unknown, "%s", name);
	for (u32 pcr = 0; pcr < TPM_LIVE_PCRS; pcr++) {
		if (!tpm_live_records(pcr) || unknown & BIT(pcr))
			continue;
		for (unsigned int i = 0; i < NR_BANKS; i++) {
			/* A bank without code cannot be replayed. */
			if (!has_pcr(tpm, i, pcr) || !(FIVE & BIT(i)) ||
			    !in_header(live, fake_banks[i].id))
				continue;
			KUNIT_EXPECT_MEMEQ_MSG(test,
					       tpm->replayed.values[pcr][i],
					       tpm->pcrs.values[pcr][i],
					       fake_banks[i].size,
					       "%s: PCR %u, bank %#x", name,
					       pcr, fake_banks[i].id);
		}
	}
}

void fake_expect_notes(struct kunit *test, enum tcg2_note_kind kind,
		       unsigned int nr)
{
	struct fake_tpm *tpm = test->priv;

	KUNIT_EXPECT_EQ_MSG(test, tpm->notes[kind], nr, "notes of kind %d",
			    kind);
}

/*
 * Chips and logs
 */

static void put_chip(void *chip)
{
	put_device(&((struct tpm_chip *)chip)->dev);
}

void fake_free_log(void *chip)
{
	struct tpm_live_log **live = &((struct tpm_chip *)chip)->live;

	if (!IS_ERR_OR_NULL(*live))
		tpm_live_free(*live);
	*live = NULL;
}

KUNIT_DEFINE_ACTION_WRAPPER(free_command, tpm_buf_destroy, struct tpm_buf *);

void fake_at_end(struct kunit *test, kunit_action_t *action, void *object)
{
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, action, object));
}

/* The @nr banks with numbers @order become active, in this order. */
void fake_set_banks(struct kunit *test, const u8 *order, unsigned int nr)
{
	struct fake_tpm *tpm = test->priv;

	tpm->active = 0;
	tpm->chip->nr_allocated_banks = nr;
	for (unsigned int i = 0; i < nr; i++) {
		tpm->active |= BIT(order[i]);
		tpm->chip->allocated_banks[i] = (struct tpm_bank_info){
			.alg_id = fake_banks[order[i]].id,
			.digest_size = fake_banks[order[i]].size,
		};
	}
}

/* A log that begins with @log, or with a header of its own. */
struct tpm_live_log *fake_begin_log(struct kunit *test, const void *log,
				    size_t len)
{
	struct fake_tpm *tpm = test->priv;
	struct tpm_chip *chip = tpm->chip;

	fake_free_log(chip);
	chip->live = tpm_live_create(chip->allocated_banks,
				     chip->nr_allocated_banks, log, len);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, chip->live);
	return chip->live;
}

/* The platform is reset, and there is no log of the firmware. */
struct tpm_live_log *fake_restart(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;

	memset(&tpm->pcrs, 0, sizeof(tpm->pcrs));
	tpm->fault = NULL;
	tpm->nr_extends = 0;
	tpm->nr_bad_reads = 0;
	return fake_begin_log(test, NULL, 0);
}

void fake_fill_digest(struct fake_tpm *tpm, u8 *digest)
{
	for (unsigned int i = 0; i < MAX_DIGEST; i++)
		digest[i] = fake_rand32(tpm);
}

/* A log whose header lists the banks @order, and the PCRs that belong to it. */
void fake_make_firmware_log(struct kunit *test, const u8 *order,
			    unsigned int nr)
{
	static const u8 pcrs[] = { 0, 7, 4 };
	struct tcg2_log_digest digests[NR_BANKS];
	struct tcg2_log_alg algs[NR_BANKS];
	struct fake_tpm *tpm = test->priv;
	struct tcg2_log_event event = {
		.type = 8, .nr_digests = nr, .digests = digests,
		.data_len = 4, .data = "1.0",
	};
	struct tcg2_log_head head;
	u8 digest[MAX_DIGEST];
	int ret;

	memset(&tpm->pcrs, 0, sizeof(tpm->pcrs));
	for (unsigned int i = 0; i < nr; i++) {
		algs[i].id = fake_banks[order[i]].id;
		algs[i].size = fake_banks[order[i]].size;
		digests[i].alg = algs[i].id;
		digests[i].digest = digest;
	}
	ret = tcg2_log_write_head(tpm->firmware, sizeof(tpm->firmware), algs,
				  nr);
	KUNIT_ASSERT_GT(test, ret, 0);
	tpm->firmware_len = ret;
	KUNIT_ASSERT_EQ(test, 0, tcg2_log_read_head(tpm->firmware, ret, &head));
	for (unsigned int i = 0; i < ARRAY_SIZE(pcrs); i++) {
		event.pcr = pcrs[i];
		fake_fill_digest(tpm, digest);
		ret = tcg2_log_append(tpm->firmware, sizeof(tpm->firmware),
				      &tpm->firmware_len, &head, &event);
		KUNIT_ASSERT_EQ(test, 0, ret);
		for (unsigned int j = 0; j < NR_BANKS; j++)
			extend(&tpm->pcrs, event.pcr, j, digest);
	}
}

void fake_fail(struct fake_tpm *tpm, unsigned int nth,
	       const struct fake_fault *fault)
{
	tpm->nr_extends = 0;
	tpm->fail_at = nth;
	tpm->fault = fault;
}

/* The TPM is extended, by whatever. */
void fake_extend_bank(struct kunit *test, u32 pcr, u16 alg, const u8 *digest)
{
	struct fake_tpm *tpm = test->priv;

	extend(&tpm->pcrs, pcr, bank_of(test, alg), digest);
}

/*
 * What user space does
 */

struct tpm_buf *fake_new_command(struct fake_tpm *tpm, u32 code, u32 handle)
{
	struct tpm_buf *buf = &tpm->buf;

	memset(buf->data, 0xff, PAGE_SIZE);
	tpm_buf_reset(buf, TPM2_ST_SESSIONS, code);
	tpm_buf_append_u32(buf, handle);
	if (code == CC_EVENT_SEQUENCE)
		tpm_buf_append_u32(buf, 0x80000000);
	tpm_buf_append_u32(buf, code == CC_EVENT_SEQUENCE ? 18 : 9);
	for (int i = 0; i < (code == CC_EVENT_SEQUENCE ? 2 : 1); i++) {
		tpm_buf_append_u32(buf, RS_PW);
		tpm_buf_append_u16(buf, 0);
		tpm_buf_append_u8(buf, 0);
		tpm_buf_append_u16(buf, 0);
	}
	return buf;
}

/* As tpm_dev_transmit() does it; an errno, or what the TPM answers. */
int fake_transmit(struct fake_tpm *tpm)
{
	struct tpm_chip *chip = tpm->chip;
	ssize_t len;
	int ret;

	ret = tpm_try_get_ops(chip);
	if (ret)
		return ret;
	ret = tpm_live_user_begin(chip, tpm->buf.data, TPM_BUFSIZE);
	if (!ret) {
		ret = tpm_transmit_cmd(chip, &tpm->buf, 0, NULL);
		len = ret;
		if (ret >= 0)
			len = tpm_buf_length(&tpm->buf);
		tpm_live_user_end(chip, tpm->buf.data, len);
	}
	tpm_put_ops(chip);
	return ret;
}

/* Extends @pcr with @nr digests, for banks with the numbers @order. */
int fake_user_extend(struct fake_tpm *tpm, u32 pcr, const u8 *order,
		     unsigned int nr)
{
	struct tpm_buf *buf = fake_new_command(tpm, TPM2_CC_PCR_EXTEND, pcr);
	u8 digest[MAX_DIGEST];

	tpm_buf_append_u32(buf, nr);
	for (unsigned int i = 0; i < nr; i++) {
		fake_fill_digest(tpm, digest);
		tpm_buf_append_u16(buf, fake_banks[order[i]].id);
		tpm_buf_append(buf, digest, fake_banks[order[i]].size);
	}
	return fake_transmit(tpm);
}

int fake_user_extend_all(struct fake_tpm *tpm, u32 pcr)
{
	return fake_user_extend(tpm, pcr, fake_all_banks, 5);
}

/* TPM2_PCR_Event or TPM2_EventSequenceComplete */
int fake_user_event(struct fake_tpm *tpm, u32 code, u32 pcr)
{
	struct tpm_buf *buf = fake_new_command(tpm, code, pcr);

	tpm_buf_append_u16(buf, 4);
	tpm_buf_append_u32(buf, fake_rand32(tpm));
	return fake_transmit(tpm);
}

int fake_user_command(struct fake_tpm *tpm, unsigned int nr, u32 pcr)
{
	u32 code = fake_user_codes[nr];

	return code == TPM2_CC_PCR_EXTEND ? fake_user_extend_all(tpm, pcr) :
					    fake_user_event(tpm, code, pcr);
}

int fake_kernel_extend(struct fake_tpm *tpm, u32 pcr)
{
	struct tpm_digest digests[TPM2_MAX_PCR_BANKS] = {};

	for (unsigned int i = 0; i < tpm->chip->nr_allocated_banks; i++) {
		digests[i].alg_id = tpm->chip->allocated_banks[i].alg_id;
		fake_fill_digest(tpm, digests[i].digest);
	}
	return tpm_pcr_extend(tpm->chip, pcr, digests);
}

/* The log's last record. */
struct tcg2_log_record fake_last_record(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	const struct tpm_live_log *live = tpm->chip->live;
	struct tcg2_log_record record = {};
	size_t off = live->head.len;

	while (off < live->len) {
		KUNIT_ASSERT_EQ(test, 0,
				tcg2_log_next(live->buf, live->len, &live->head,
					      off, &record));
		off += record.len;
	}
	return record;
}

/* Its last record tells of an extend of @pcr by @who. */
void fake_expect_tagged(struct kunit *test, u32 pcr, const char *who)
{
	struct fake_tpm *tpm = test->priv;
	struct tcg2_log_record record = fake_last_record(test);
	const u8 *data = tpm->chip->live->buf + record.data;

	KUNIT_EXPECT_EQ(test, record.pcr, pcr);
	KUNIT_EXPECT_EQ(test, record.type, 0x00000006);
	KUNIT_ASSERT_EQ(test, record.data_len, 8 + strlen(who));
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(data), 0x6b780003);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(data + 4), strlen(who));
	KUNIT_EXPECT_MEMEQ(test, data + 8, who, strlen(who));
}

/*
 * Shares
 */

/* Bytes of the records of @pcr by others, and of notes on it. */
size_t fake_share_of(struct kunit *test, u32 pcr)
{
	struct fake_tpm *tpm = test->priv;
	const struct tpm_live_log *live = tpm->chip->live;
	struct tcg2_log_record record;
	size_t off = live->head.len, data, sum = 0;
	u32 tag, len;

	for (; off < live->len; off += record.len) {
		KUNIT_ASSERT_EQ(test, 0,
				tcg2_log_next(live->buf, live->len, &live->head,
					      off, &record));
		if (record.type == TCG2_EV_NO_ACTION &&
		    !tcg2_note_read(live->buf + record.data, record.data_len,
				    &tpm->note) && tpm->note.pcr == pcr)
			sum += record.len;
		else if (tcg2_log_read_tag(live->buf, &record, &tag, &data,
					   &len) && tag == TCG2_TAG_EXTEND &&
			 record.pcr == pcr)
			sum += record.len;
	}
	return sum;
}

/*
 * Executing a kexec
 */

static const u32 event_pcrs[NR_EVENTS] = { 4, 4, 12, 11, 9, 9 };

/* The marker and what else a UKI has; returns the number of their digests. */
unsigned int fake_make_events(struct kunit *test)
{
	static const u8 marker[] = "\x01\0\x78\x6b\x08\0\0\0kexec:1";
	struct tpm_bank_info algs[NR_BANKS];
	struct fake_tpm *tpm = test->priv;
	int nr = tpm_kexec_algs(tpm->chip, algs, NR_BANKS);

	KUNIT_ASSERT_GE(test, nr, tpm->chip->nr_allocated_banks);
	for (unsigned int i = 0; i < NR_EVENTS; i++) {
		for (int j = 0; j < nr; j++) {
			tpm->digests[i][j].alg_id = algs[j].alg_id;
			fake_fill_digest(tpm, tpm->digests[i][j].digest);
		}
		tpm->events[i] = (struct tpm_kexec_event){
			.pcr = event_pcrs[i],
			.type = i ? 0xd : TCG2_EV_EVENT_TAG,
			.digests = tpm->digests[i],
			.data_len = i ? 10 * i : sizeof(marker),
			.data = i ? tpm->firmware : marker,
		};
	}
	return nr;
}

int fake_kexec(struct kunit *test, void *segment, size_t size)
{
	struct fake_tpm *tpm = test->priv;
	unsigned int nr = fake_make_events(test);

	return tpm_kexec_execute(tpm->chip, tpm->events, NR_EVENTS, nr, -1,
				 segment, size);
}

/* Bytes of the records of the events. */
size_t fake_pending_len(struct kunit *test)
{
	struct fake_tpm *tpm = test->priv;
	unsigned int nr = fake_make_events(test);
	size_t sum = 0;

	for (unsigned int i = 0; i < NR_EVENTS; i++) {
		int len = tpm_kexec_record(tpm->chip, &tpm->events[i], nr, NULL,
					   0);

		KUNIT_ASSERT_GT(test, len, 0);
		sum += len;
	}
	return sum;
}

u8 *fake_new_segment(struct kunit *test, size_t *size)
{
	struct fake_tpm *tpm = test->priv;
	u8 *segment;

	KUNIT_ASSERT_EQ(test, 0,
			tpm_kexec_segment_size(tpm->chip,
					       fake_pending_len(test),
					       size));
	segment = kunit_kzalloc(test, *size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, segment);
	return segment;
}

/* The segment has the log, as it is now. */
void fake_expect_handed_over(struct kunit *test, const u8 *segment,
			     size_t size)
{
	struct fake_tpm *tpm = test->priv;
	const struct tpm_live_log *live = tpm->chip->live;
	const void *log;
	size_t len;

	KUNIT_ASSERT_EQ(test, 0,
			tpm_kexec_log_check(segment, size, &log, &len));
	KUNIT_ASSERT_EQ(test, len, live->len);
	KUNIT_EXPECT_MEMEQ(test, log, live->buf, len);
}

int fake_init(struct kunit *test)
{
	struct fake_tpm *tpm;

	if (IS_ENABLED(CONFIG_TCG_TPM2_HMAC))
		kunit_skip(test, "the fake TPM knows no sessions");

	tpm = kunit_kzalloc(test, sizeof(*tpm), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, tpm);
	test->priv = tpm;
	tpm->fail_at = UINT_MAX;
	tpm->seed = 7;
	KUNIT_ASSERT_EQ(test, 0, tpm_buf_init(&tpm->buf, TPM2_ST_SESSIONS,
					      TPM2_CC_PCR_EXTEND));
	fake_at_end(test, free_command, &tpm->buf);

	tpm->chip = tpm_chip_alloc(NULL, &fake_ops);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, tpm->chip);
	fake_at_end(test, put_chip, tpm->chip);
	fake_at_end(test, fake_free_log, tpm->chip);
	dev_set_drvdata(&tpm->chip->dev, test);
	tpm->chip->flags |= TPM_CHIP_FLAG_TPM2 | TPM_CHIP_FLAG_BOOTSTRAPPED |
			    TPM_CHIP_FLAG_SYNC;
	fake_set_banks(test, fake_all_banks, 5);
	fake_restart(test);
	return 0;
}
