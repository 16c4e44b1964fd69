// SPDX-License-Identifier: GPL-2.0
/*
 * What kexec asks of the TPM core
 *
 * Extends for the next kernel what the loader has measured, and leaves it the log
 * that explains the PCRs.  Nothing may be extended that the log has no room for, and
 * the log must never be left before the last extend is in it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/tpm_kexec.h>

#include <kunit/visibility.h>

#include "kexec_log_abi.h"
#include "live.h"

static int has_log(struct device *dev, const void *data)
{
	return !!to_tpm_chip(dev)->live;
}

/**
 * tpm_kexec_chip() - find the TPM that a kexec is measured into
 *
 * The one that has the log, for that tells of its PCRs; it need not be the first, if
 * its driver is a module or another one was faster.
 *
 * Return: the TPM with a reference to it; the default one if none has a log, or NULL
 */
struct tpm_chip *tpm_kexec_chip(void)
{
	struct device *dev = class_find_device(&tpm_class, NULL, NULL, has_log);

	return dev ? to_tpm_chip(dev) : tpm_default_chip();
}

/**
 * tpm_kexec_ask() - see whether a TPM can be used, and settle what was not
 * @chip: the TPM
 *
 * This may take minutes if the TPM is silent.
 *
 * Return: 0; as tpm_try_get_ops()
 */
int tpm_kexec_ask(struct tpm_chip *chip)
{
	int ret = tpm_try_get_ops(chip);

	if (ret)
		return ret;

	if (chip->live)
		tpm_live_settle(chip);
	tpm_put_ops(chip);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_kexec_ask);

/**
 * tpm_kexec_algs() - get the algorithms that events need digests of
 * @chip: the TPM
 * @algs: the active banks in their order, then what else the log's header lists and
 *	  the kernel has code for
 * @max: room in @algs
 *
 * Return: number of @algs; -ENODEV if the TPM has no log; -E2BIG
 */
int tpm_kexec_algs(struct tpm_chip *chip, struct tpm_bank_info *algs,
		   unsigned int max)
{
	const struct tcg2_log_alg *alg;
	unsigned int i, j, nr;

	if (!chip->live)
		return -ENODEV;
	nr = chip->nr_allocated_banks;
	if (nr > max)
		return -E2BIG;

	memcpy(algs, chip->allocated_banks, nr * sizeof(*algs));
	for (i = 0; i < chip->live->head.nr_algs; i++) {
		alg = &chip->live->head.algs[i];
		for (j = 0; j < nr; j++)
			if (algs[j].alg_id == alg->id)
				break;
		if (j < nr || !tpm_live_can_hash(alg->id))
			continue;
		if (nr == max)
			return -E2BIG;
		algs[nr++] = (struct tpm_bank_info){
			.alg_id = alg->id,
			.digest_size = alg->size,
			.crypto_id = HASH_ALGO__LAST,
		};
	}
	return nr;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_kexec_algs);

/**
 * tpm_kexec_count() - count the kexecs that the log tells of
 * @chip: the TPM
 *
 * Return: how many markers of kexecs there are, those that failed included;
 *	   -ENODEV if the TPM has no log
 */
int tpm_kexec_count(struct tpm_chip *chip)
{
	struct tpm_live_log *live = chip->live;

	if (!live)
		return -ENODEV;

	guard(mutex)(&live->lock);
	return tcg2_log_count_kexecs(live->buf, live->len, &live->head);
}
EXPORT_SYMBOL_IF_KUNIT(tpm_kexec_count);

/**
 * tpm_kexec_record() - make the record that an event will be in the log
 * @chip: the TPM
 * @event: the event
 * @nr_digests: number of its digests
 * @buf: where to, or NULL if only the length is wanted
 * @size: room there
 *
 * Return: bytes of the record; -ENODEV if the TPM has no log; -ENOSPC if there is no
 *	   room; -EINVAL if there can be no such record
 */
int tpm_kexec_record(struct tpm_chip *chip, const struct tpm_kexec_event *event,
		     unsigned int nr_digests, void *buf, size_t size)
{
	struct tcg2_log_digest digests[TPM_LIVE_MAX_DIGESTS];
	struct tcg2_log_event record;
	size_t len = 0;
	int ret;

	if (!chip->live)
		return -ENODEV;
	if (nr_digests > ARRAY_SIZE(digests) || event->data_len > INT_MAX / 2)
		return -EINVAL;
	if (!buf)
		return tcg2_log_record_len(&chip->live->head, event->data_len);

	tpm_live_kexec_record(event, nr_digests, digests, &record);
	ret = tcg2_log_append(buf, size, &len, &chip->live->head, &record);
	return ret ?: len;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_kexec_record);

/* What others may still add, so that they cannot make a log outgrow its segment. */
static size_t room_for_others(const struct tpm_live_log *live)
{
	const struct tpm_live_pcr *pcr;
	size_t left, room = 0;

	for (u32 i = 0; i < TPM_LIVE_PCRS; i++) {
		pcr = &live->pcrs[i];
		if (!tpm_live_records(i) || pcr->full)
			continue;
		left = live->share_max - min(live->share_max, pcr->share);
		room += max(left, tpm_live_short_note_len(live));
	}
	return room;
}

/**
 * tpm_kexec_segment_size() - tell how large the segment for the log has to be
 * @chip: the TPM
 * @pending_len: bytes of the records that the image will add
 * @size: bytes of the segment
 *
 * Whatever others extend until the image is executed, the log will fit.  The TPM is
 * not asked, and nobody waits for those who do: the caller may have the kexec lock.
 *
 * Return: 0; -ENODEV if the TPM has no log; -ENOSPC if the log is too long to be
 *	   handed over
 */
int tpm_kexec_segment_size(struct tpm_chip *chip, size_t pending_len,
			   size_t *size)
{
	struct tpm_live_log *live = chip->live;
	size_t len;

	if (!live)
		return -ENODEV;

	guard(mutex)(&live->lock);
	/* What is not settled may yet become part of the log. */
	if (check_add_overflow(live->len, live->owed, &len) ||
	    check_add_overflow(len, pending_len, &len) ||
	    len > TPM_KEXEC_LOG_MAX) {
		pr_notice("refused: a log of %zu bytes and %zu more are too much to be handed over\n",
			  live->len, pending_len);
		return -ENOSPC;
	}
	*size = sizeof(struct tpm_kexec_log_ser) +
		min_t(size_t, len + room_for_others(live), TPM_KEXEC_LOG_MAX);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_kexec_segment_size);

/*
 * Before anything is extended: nothing may be extended that cannot be recorded, and
 * the last extend needs room for any note in the place of its record.
 */
static int make_room_for(struct tpm_live_log *live,
			 const struct tpm_kexec_event *events,
			 unsigned int nr_events, const void *segment,
			 size_t segment_size)
{
	size_t total = live->len, room, len;
	int ret;

	for (unsigned int i = 0; i < nr_events; i++) {
		len = tcg2_log_record_len(&live->head, events[i].data_len);
		if (check_add_overflow(total, len, &total))
			return -ENOSPC;
	}
	room = total;
	if (segment) {
		room = segment_size - min(segment_size,
					  sizeof(struct tpm_kexec_log_ser));
		room = min_t(size_t, room, TPM_KEXEC_LOG_MAX);
	}
	if (total > room) {
		pr_notice("refused: a log of %zu bytes does not fit the segment's %zu\n",
			  total, room);
		return -ENOSPC;
	}

	len = tcg2_log_record_len(&live->head, TCG2_NOTE_MAX);
	ret = tpm_live_make_room(live, total - live->len + len);
	if (ret)
		pr_notice("refused: no memory for a log of %zu bytes (%d)\n",
			  total, ret);
	return ret;
}

static int execute(struct tpm_chip *chip, const struct tpm_kexec_event *events,
		   unsigned int nr_events, unsigned int nr_digests,
		   int nr_kexecs, void *segment, size_t segment_size)
{
	struct tpm_live_log *live = chip->live;
	int ret;

	ret = tpm_live_settle(chip);
	if (ret) {
		pr_notice("refused: PCR %u cannot be read, and nobody knows what was done to it\n",
			  live->extend.pcr);
		return ret == -EIO ? -EBUSY : ret;
	}
	/* What was settled may have been the marker of another kexec. */
	if (nr_kexecs >= 0 && tpm_kexec_count(chip) != nr_kexecs)
		return -ESTALE;
	ret = make_room_for(live, events, nr_events, segment, segment_size);
	if (ret)
		return ret;

	for (unsigned int i = 0; i < nr_events; i++) {
		ret = tpm_live_kexec_extend(chip, &events[i], nr_digests);
		if (ret) {
			pr_notice("refused: extending PCR %u with event %u failed (%d)\n",
				  events[i].pcr, i, ret);
			return !i && live->extend.unchanged ? -EBUSY : -EIO;
		}
	}

	if (segment) {
		ret = tpm_kexec_log_write(segment, segment_size, live->buf,
					  live->len);
		if (WARN_ON_ONCE(ret))
			return -EIO;
	}
	tpm_live_freeze(live, true);
	return 0;
}

/**
 * tpm_kexec_execute() - extend the TPM for the next kernel, and leave it the log
 * @chip: the TPM
 * @events: what to extend, in this order
 * @nr_events: number of @events
 * @nr_digests: number of digests of each event
 * @nr_kexecs: how many kexecs the log has to tell of before this one; negative if that
 *	       does not matter
 * @segment: where the next kernel will look for the log, mapped; or NULL if the
 *	     architecture cannot tell it
 * @segment_size: bytes there
 *
 * All under one hold of the chip: nobody extends in between.  From then on nobody
 * else extends PCRs that are recorded, until tpm_kexec_thaw().  After a failure the
 * chip is not frozen, and what the TPM has executed is in the log.
 *
 * Return: 0; -EIO if an extend failed.  With nothing extended: -ENODEV if the TPM has
 *	   no log; -ENOSPC if the log outgrows the segment; -ENOMEM; -EBUSY if the TPM
 *	   does not answer, an earlier extend cannot be settled or the first was not
 *	   executed; -ESTALE, and no line, if there were not @nr_kexecs
 */
int tpm_kexec_execute(struct tpm_chip *chip,
		      const struct tpm_kexec_event *events,
		      unsigned int nr_events, unsigned int nr_digests,
		      int nr_kexecs, void *segment, size_t segment_size)
{
	int ret;

	if (!chip->live) {
		pr_notice("refused: the TPM has no log\n");
		return -ENODEV;
	}
	if (tpm_try_get_ops(chip)) {
		pr_notice("refused: the TPM does not answer\n");
		return -EBUSY;
	}
	ret = execute(chip, events, nr_events, nr_digests, nr_kexecs, segment,
		      segment_size);
	tpm_put_ops(chip);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_kexec_execute);

/**
 * tpm_kexec_thaw() - the kexec does not happen after all
 *
 * What was extended for it stays extended and recorded.
 */
void tpm_kexec_thaw(void)
{
	struct tpm_live_log *live = tpm_live_of_boot();

	if (live)
		tpm_live_freeze(live, false);
}
EXPORT_SYMBOL_IF_KUNIT(tpm_kexec_thaw);
