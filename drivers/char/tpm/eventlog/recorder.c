// SPDX-License-Identifier: GPL-2.0
/*
 * What the TPM is extended with, seen where the commands pass
 *
 * A command that came back as failed, or not at all, may have been executed: the PCR
 * is read and tells.  There must never be an extend that was executed and is neither
 * recorded nor told of by a note, and never a record of one that was not executed;
 * so room is made before a command is sent, and what cannot be settled is settled
 * before the next one is.
 *
 * All of this belongs to whoever holds the chip, between tpm_try_get_ops() and
 * tpm_put_ops().
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cleanup.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/tpm_kexec.h>
#include <linux/unaligned.h>

#include <kunit/visibility.h>

#include "live.h"

/* Bytes of the longest text in a record of an extend by others. */
#define WHO_MAX			8

static const u8 *given_digest(const struct tpm2_extend *given, u16 alg)
{
	for (unsigned int i = 0; i < given->nr_digests; i++)
		if (given->digests[i].alg == alg)
			return given->digests[i].digest;
	return NULL;
}

/*
 * A record has one digest for each algorithm of the header.  It tells the truth if
 * each bank that is both active and in the header is given once; banks that are not
 * in the header are not explained by any record.
 */
static bool fits_record(const struct tpm_chip *chip,
			const struct tpm_live_log *live)
{
	const struct tpm2_extend *given = &live->given;
	u16 alg;

	for (unsigned int i = 0; i < given->nr_digests; i++)
		for (unsigned int j = 0; j < i; j++)
			if (given->digests[i].alg == given->digests[j].alg)
				return false;

	for (unsigned int i = 0; i < live->head.nr_algs; i++) {
		alg = live->head.algs[i].id;
		if (given_digest(given, alg))
			continue;
		for (unsigned int j = 0; j < chip->nr_allocated_banks; j++)
			if (chip->allocated_banks[j].alg_id == alg)
				return false;
	}
	return true;
}

static int stage_tagged(struct tpm_live_log *live)
{
	struct tcg2_log_digest digests[TPM2_EXTEND_MAX_DIGESTS];
	const struct tpm_live_extend *extend = &live->extend;
	const struct tpm2_extend *given = &live->given;
	u8 data[TCG2_TAG_HEAD + WHO_MAX];
	struct tcg2_log_event event;
	size_t len;

	len = strnlen(extend->who, WHO_MAX);
	put_unaligned_le32(TCG2_TAG_EXTEND, data);
	put_unaligned_le32(len, data + sizeof(u32));
	memcpy(data + TCG2_TAG_HEAD, extend->who, len);

	for (unsigned int i = 0; i < given->nr_digests; i++) {
		digests[i].alg = given->digests[i].alg;
		digests[i].digest = given->digests[i].digest;
	}
	event = (struct tcg2_log_event){
		.pcr = extend->pcr,
		.type = TCG2_EV_EVENT_TAG,
		.nr_digests = given->nr_digests,
		.digests = digests,
		.data_len = TCG2_TAG_HEAD + len,
		.data = data,
	};
	return tpm_live_stage_in_share(live, &event);
}

static int stage_partial(struct tpm_live_log *live)
{
	const struct tpm2_extend *given = &live->given;
	struct tcg2_note *note = &live->note;
	struct tcg2_log_event event;
	int ret;

	static_assert(TPM2_EXTEND_MAX_DIGESTS <= TCG2_LOG_MAX_ALGS);
	static_assert(sizeof(given->digests[0].digest) <=
		      sizeof(note->digests[0].digest));

	note->kind = TCG2_NOTE_PARTIAL;
	note->pcr = live->extend.pcr;
	note->nr = given->nr_digests;
	for (unsigned int i = 0; i < note->nr; i++) {
		note->digests[i].alg = given->digests[i].alg;
		note->digests[i].size = given->digests[i].size;
		memcpy(note->digests[i].digest, given->digests[i].digest,
		       given->digests[i].size);
	}
	ret = tpm_live_make_note(live, &event);
	return ret ?: tpm_live_stage_in_share(live, &event);
}

static int stage_given(const struct tpm_chip *chip, struct tpm_live_log *live)
{
	return fits_record(chip, live) ? stage_tagged(live) : stage_partial(live);
}

/* Whether the extend changes a bank, if that is active and has the PCR. */
static bool changes_bank(const struct tpm_live_log *live, u16 alg)
{
	return live->given.kind != TPM2_EXTEND_PCR_EXTEND ||
	       live->extend.unparsed || given_digest(&live->given, alg);
}

/* The value of the PCR before the extend, in a bank; -ENOENT if that cannot tell. */
static int know_in_bank(struct tpm_chip *chip, u16 alg, u16 size)
{
	struct tpm_live_log *live = chip->live;
	struct tpm_live_extend *extend = &live->extend;
	struct tpm_live_pcr *pcr = &live->pcrs[extend->pcr];
	bool shadow = alg == live->shadow_alg;
	int ret = 0;

	if (!changes_bank(live, alg))
		return -ENOENT;

	if (shadow && pcr->known)
		memcpy(extend->before, pcr->value, size);
	else
		ret = tpm_live_read_pcr(chip, extend->pcr, alg, size,
					extend->before);
	extend->untold = ret == -ENOENT;
	if (ret)
		return ret;

	extend->alg = alg;
	extend->size = size;
	if (shadow) {
		memcpy(pcr->value, extend->before, size);
		pcr->known = true;
	}
	return 0;
}

/* In a bank that the extend changes: the shadow, or else any that is active. */
static int know_before(struct tpm_chip *chip, struct tpm_live_log *live)
{
	const struct tpm_bank_info *bank = chip->allocated_banks;
	int ret;

	ret = know_in_bank(chip, live->shadow_alg, live->shadow_size);
	for (unsigned int i = 0; i < chip->nr_allocated_banks; i++, bank++)
		if (ret == -ENOENT && bank->alg_id != live->shadow_alg)
			ret = know_in_bank(chip, bank->alg_id,
					   bank->digest_size);
	if (!ret || ret == -ENOENT)
		return 0;

	pr_notice_ratelimited("refused: PCR %u cannot be read, and nothing would tell whether an extend was executed\n",
			      live->extend.pcr);
	return ret;
}

/* The value after it, by what is given. */
static void know_after(struct tpm_live_log *live)
{
	struct tpm_live_extend *extend = &live->extend;
	const struct tpm2_extend_digest *digest = live->given.digests;
	bool known = false;

	memcpy(extend->after, extend->before, extend->size);
	for (unsigned int i = 0; i < live->given.nr_digests; i++, digest++)
		if (digest->alg == extend->alg)
			known = tpm_live_extend_value(extend->alg, extend->size,
						      extend->after,
						      digest->digest);
	extend->after_known = known;
}

/*
 * What there is to know of the last extend must not be overwritten before that is
 * settled.
 */
static int settle_last(struct tpm_chip *chip)
{
	int ret = tpm_live_settle(chip);

	if (ret)
		pr_notice_ratelimited("refused: PCR %u cannot be read, and nobody knows what was done to it\n",
				      chip->live->extend.pcr);
	return ret;
}

/*
 * Make ready for an extend of @pcr with what is in &tpm_live_log.given, whose record
 * may have @data_len bytes of data.  Nothing that can fail is left for later.
 */
static int begin_extend(struct tpm_chip *chip, u32 pcr, const char *who,
			bool unparsed, u32 data_len)
{
	struct tpm_live_log *live = chip->live;
	int ret;

	live->extend = (struct tpm_live_extend){
		.pcr = pcr,
		.who = who,
		.unparsed = unparsed,
		.unchanged = true,
	};
	/* For the record, or for any note in its place. */
	ret = tpm_live_make_room(live,
				 tcg2_log_record_len(&live->head,
						     max_t(u32, data_len,
							   TCG2_NOTE_MAX)));
	if (ret)
		return ret;

	/* Of what IMA does to its PCR nothing is seen here. */
	if (!tpm_live_records(pcr))
		live->pcrs[pcr].known = false;

	ret = know_before(chip, live);
	if (ret)
		return ret;
	know_after(live);
	return 0;
}

static void set_sent(struct tpm_live_log *live)
{
	live->state = TPM_LIVE_SENT;
	live->extend.unchanged = false;
}

/* The extend was executed. */
static void record_extend(struct tpm_live_log *live)
{
	struct tpm_live_extend *extend = &live->extend;
	struct tpm_live_pcr *pcr = &live->pcrs[extend->pcr];

	live->state = TPM_LIVE_IDLE;
	if (extend->unparsed) {
		tpm_live_note_unknown(live);
		pcr->known = false;
		return;
	}

	extend->executed = true;
	tpm_live_commit(live, extend->who);
	if (extend->alg != live->shadow_alg)
		return;
	memcpy(pcr->value, extend->after, extend->size);
	pcr->known = extend->after_known;
}

/* Nobody knows what it did to the PCR, which has now @value in the bank of @extend. */
static void note_unknown(struct tpm_live_log *live, const u8 *value)
{
	struct tpm_live_extend *extend = &live->extend;
	struct tpm_live_pcr *pcr = &live->pcrs[extend->pcr];

	tpm_live_note_unknown(live);
	pcr->known = value && extend->alg == live->shadow_alg;
	if (pcr->known)
		memcpy(pcr->value, value, extend->size);
}

/* For those who do not hold the chip, and so cannot look at @state and @extend. */
static void set_owed(struct tpm_live_log *live, size_t owed)
{
	if (live->owed == owed)
		return;

	guard(mutex)(&live->lock);
	live->owed = owed;
}

/* No bank tells.  If the extend gives no active bank, executed or not is the same. */
static void settle_untold(struct tpm_live_log *live)
{
	live->state = TPM_LIVE_IDLE;
	live->extend.unchanged = !live->extend.untold;
	if (live->extend.untold)
		note_unknown(live, NULL);
}

static int settle_extend(struct tpm_chip *chip)
{
	struct tpm_live_log *live = chip->live;
	struct tpm_live_extend *extend = &live->extend;
	u8 value[TPM2_MAX_DIGEST_SIZE];
	int ret;

	if (live->state == TPM_LIVE_IDLE)
		return 0;
	if (!extend->alg) {
		settle_untold(live);
		return 0;
	}

	ret = tpm_live_read_pcr(chip, extend->pcr, extend->alg, extend->size,
				value);
	if (ret && ret != -ENOENT) {
		if (live->state == TPM_LIVE_SENT)
			pr_notice("PCR %u cannot be read, and nobody knows whether it was extended\n",
				  extend->pcr);
		live->state = TPM_LIVE_UNSETTLED;
		set_owed(live, extend->staged);
		return -EIO;
	}

	live->state = TPM_LIVE_IDLE;
	if (ret)
		note_unknown(live, NULL);
	else if (!memcmp(value, extend->before, extend->size))
		extend->unchanged = true;
	else if (extend->after_known &&
		 !memcmp(value, extend->after, extend->size))
		record_extend(live);
	else
		note_unknown(live, value);
	set_owed(live, 0);
	return 0;
}

static int recheck_pcr(struct tpm_chip *chip, u32 index)
{
	struct tpm_live_log *live = chip->live;
	struct tpm_live_pcr *pcr = &live->pcrs[index];
	u8 value[TPM2_MAX_DIGEST_SIZE];
	int ret, room;

	if (!tpm_live_records(index) || !pcr->known)
		return 0;

	live->extend = (struct tpm_live_extend){
		.pcr = index,
		.alg = live->shadow_alg,
		.size = live->shadow_size,
	};
	ret = tpm_live_read_pcr(chip, index, live->shadow_alg,
				live->shadow_size, value);
	if (ret && ret != -ENOENT)
		return ret;
	if (!ret && !memcmp(value, pcr->value, live->shadow_size))
		return 0;

	room = tpm_live_make_room(live, tpm_live_short_note_len(live));
	if (room)
		return room;
	note_unknown(live, ret ? NULL : value);
	return 0;
}

/* What is known of PCRs, against what the TPM has. */
static int recheck(struct tpm_chip *chip)
{
	int ret = 0;

	for (u32 i = 0; i < TPM_LIVE_PCRS && !ret; i++)
		ret = recheck_pcr(chip, i);
	if (!ret)
		chip->live->recheck = false;
	return ret;
}

/**
 * tpm_live_settle() - find out what became of an extend
 * @chip: the TPM, which the caller holds; it has a log
 *
 * And, if the TPM was out of sight for a while, of PCRs whose values were known.
 *
 * Return: 0 if every extend so far is recorded, was not executed or is told of by a
 *	   note; -EIO if a PCR cannot be read; -ENOMEM
 */
int tpm_live_settle(struct tpm_chip *chip)
{
	int ret = settle_extend(chip);

	if (!ret && chip->live->recheck)
		ret = recheck(chip);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_live_settle);

/**
 * tpm_live_no_answer() - a command was sent, and no response came
 * @chip: the TPM, which the caller holds
 *
 * The response may be late, and be taken for that to the next command.  So a success
 * is not believed before a PCR was read.
 */
void tpm_live_no_answer(struct tpm_chip *chip)
{
	if (chip->live)
		chip->live->out_of_step = true;
}

/* The extend has come back. */
static void end_extend(struct tpm_chip *chip, bool success)
{
	struct tpm_live_log *live = chip->live;

	if (success && !live->out_of_step)
		record_extend(live);
	else
		settle_extend(chip);
}

/* A command that changes nothing that is recorded. */
static bool is_harmless(const struct tpm2_extend *given, bool unparsed)
{
	if (!tpm_live_records(given->pcr))
		return true;

	return given->kind == TPM2_EXTEND_PCR_EXTEND && !unparsed &&
	       !given->nr_digests;
}

/**
 * tpm_live_user_begin() - look at a command before it is sent
 * @chip: the TPM, which the caller holds
 * @cmd: the command, as it came from user space
 * @size: bytes there
 *
 * After 0 comes tpm_live_user_cancel() or tpm_live_user_end().  A TPM without a log is
 * looked after only while a kexec has begun.
 *
 * Return: 0 if the command may be sent; -EBUSY if it extends a PCR, whichever, and a
 *	   kexec has begun; -EIO if an earlier extend cannot be settled, or the PCR
 *	   cannot be read; -ENOMEM if there is no room for the record
 */
int tpm_live_user_begin(struct tpm_chip *chip, const u8 *cmd, size_t size)
{
	struct tpm_live_log *live = chip->live;
	struct tpm2_extend *given;
	bool unparsed;
	int ret;

	if (!live && !tpm_live_is_frozen_without(chip))
		return 0;
	if (tpm2_extend_kind(cmd, size) == TPM2_EXTEND_NONE)
		return 0;
	if (!live || tpm_live_is_frozen(live)) {
		pr_notice_ratelimited("refused: a kexec has begun, and user space must not extend PCRs\n");
		return -EBUSY;
	}

	/* Not used any more, also if the last extend is not settled. */
	given = &live->given;
	unparsed = tpm2_extend_parse(cmd, size, given);
	if (unparsed)
		given->nr_digests = 0;
	if (is_harmless(given, unparsed))
		return 0;

	ret = settle_last(chip);
	ret = ret ?: begin_extend(chip, given->pcr, "user", unparsed, 0);
	if (!ret && given->kind == TPM2_EXTEND_PCR_EXTEND && !unparsed)
		ret = stage_given(chip, live);
	if (!ret)
		set_sent(live);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_live_user_begin);

/**
 * tpm_live_user_cancel() - a command was not sent after all
 * @chip: the TPM, which the caller has held since tpm_live_user_begin()
 */
void tpm_live_user_cancel(struct tpm_chip *chip)
{
	struct tpm_live_log *live = chip->live;

	if (live && live->state == TPM_LIVE_SENT)
		live->state = TPM_LIVE_IDLE;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_live_user_cancel);

/*
 * The digests of a PCR_Extend were in the command, and its record is staged.  False
 * if the response should have had digests, and has none.
 */
static bool take_response_digests(struct tpm_chip *chip)
{
	struct tpm_live_log *live = chip->live;

	if (live->given.kind == TPM2_EXTEND_PCR_EXTEND)
		return true;
	if (!live->given.nr_digests)
		return false;

	/* There is room, and no digest comes twice in a record. */
	live->extend.unparsed = WARN_ON_ONCE(stage_given(chip, live));
	know_after(live);
	return true;
}

/**
 * tpm_live_user_end() - record what a command has done
 * @chip: the TPM, which the caller has held since tpm_live_user_begin()
 * @rsp: the response, as it came from the TPM
 * @len: its length, or a negative errno if there is none
 *
 * Does nothing if the command was none that is recorded.
 */
void tpm_live_user_end(struct tpm_chip *chip, const u8 *rsp, ssize_t len)
{
	struct tpm_live_log *live = chip->live;
	bool success;

	if (!live || live->state != TPM_LIVE_SENT)
		return;

	success = len >= 0 && !tpm2_extend_response(rsp, len, &live->given) &&
		  take_response_digests(chip);
	end_extend(chip, success);
}
EXPORT_SYMBOL_IF_KUNIT(tpm_live_user_end);

static void give_digests(struct tpm_chip *chip, u32 pcr,
			 const struct tpm_digest *digests)
{
	struct tpm2_extend *given = &chip->live->given;
	struct tpm2_extend_digest *digest = given->digests;

	static_assert(TPM2_MAX_PCR_BANKS <= TPM2_EXTEND_MAX_DIGESTS);
	given->kind = TPM2_EXTEND_PCR_EXTEND;
	given->pcr = pcr;
	given->nr_digests = chip->nr_allocated_banks;
	for (unsigned int i = 0; i < given->nr_digests; i++, digest++) {
		digest->alg = digests[i].alg_id;
		digest->size = chip->allocated_banks[i].digest_size;
		memcpy(digest->digest, digests[i].digest, digest->size);
	}
}

/*
 * tpm2_pcr_extend() may fail after the TPM has executed the command, and may take
 * the response to another command for success.
 */
static int extend_and_settle(struct tpm_chip *chip,
			     const struct tpm_digest *digests)
{
	int ret;

	set_sent(chip->live);
	ret = tpm2_pcr_extend(chip, chip->live->extend.pcr, digests);
	end_extend(chip, !ret);
	if (!ret && !chip->live->extend.executed)
		return -EIO;
	return ret;
}

/**
 * tpm_live_pcr_extend() - extend a PCR for the kernel, and record it
 * @chip: the TPM, which the caller holds
 * @pcr: index of the PCR
 * @digests: one digest for each bank, in the order of the banks
 *
 * Return: as tpm2_pcr_extend(); and as tpm_live_user_begin(), if it was not sent
 */
int tpm_live_pcr_extend(struct tpm_chip *chip, u32 pcr,
			const struct tpm_digest *digests)
{
	struct tpm_live_log *live = chip->live;
	int ret;

	if (!tpm_live_records(pcr))
		return tpm2_pcr_extend(chip, pcr, digests);
	if (live ? tpm_live_is_frozen(live) : tpm_live_is_frozen_without(chip))
		return -EBUSY;
	if (!live)
		return tpm2_pcr_extend(chip, pcr, digests);

	ret = settle_last(chip);
	if (ret)
		return ret;
	give_digests(chip, pcr, digests);
	ret = begin_extend(chip, pcr, "kernel", false, 0);
	ret = ret ?: stage_given(chip, live);
	return ret ?: extend_and_settle(chip, digests);
}
EXPORT_SYMBOL_IF_KUNIT(tpm_live_pcr_extend);

/**
 * tpm_live_kexec_extend() - extend a PCR for the next kernel, and record it
 * @chip: the TPM, which the caller holds; it has a log
 * @event: the event
 * @nr_digests: number of its digests; those of the banks come first
 *
 * If IMA has been told to use the same PCR, only both lists together explain it.
 *
 * Return: 0; another value if the extend failed, whether executed or not
 */
int tpm_live_kexec_extend(struct tpm_chip *chip,
			  const struct tpm_kexec_event *event,
			  unsigned int nr_digests)
{
	struct tcg2_log_digest digests[TPM_LIVE_MAX_DIGESTS];
	struct tpm_live_log *live = chip->live;
	struct tcg2_log_event record;
	int ret;

	if (WARN_ON_ONCE(nr_digests > ARRAY_SIZE(digests) ||
			 nr_digests < chip->nr_allocated_banks ||
			 event->pcr >= TPM_LIVE_PCRS))
		return -EINVAL;

	ret = settle_last(chip);
	if (ret)
		return ret;
	tpm_live_kexec_record(event, nr_digests, digests, &record);
	give_digests(chip, event->pcr, event->digests);
	ret = begin_extend(chip, event->pcr, NULL, false, event->data_len);
	ret = ret ?: tpm_live_stage(live, &record);
	return ret ?: extend_and_settle(chip, event->digests);
}
