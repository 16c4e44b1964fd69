// SPDX-License-Identifier: GPL-2.0
/*
 * The event log that goes on while the system runs
 *
 * The log of the firmware ends when the firmware does.  This one goes on with what
 * the kernel and its user space extend, so that a verifier who replays it arrives at
 * the PCRs of the TPM, and so that it can be handed over to the next kernel.  What
 * is part of it must never change.
 *
 * IMA has a list of its own for its PCR, which is none of our business.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tpm_kexec.h>

#include <kunit/visibility.h>

#include "live.h"

/* A kexec has begun: for TPMs that have no log. */
static bool pcrs_frozen;

/**
 * tpm_live_records() - tell whether a PCR is recorded
 * @pcr: index of the PCR
 *
 * Return: true for the PCRs 0 to 15, but not for that of IMA
 */
bool tpm_live_records(u32 pcr)
{
#ifdef CONFIG_IMA_MEASURE_PCR_IDX
	if (pcr == CONFIG_IMA_MEASURE_PCR_IDX)
		return false;
#endif
	return pcr < TPM_LIVE_PCRS;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_live_records);

/**
 * tpm_live_short_note_len() - tell how long a note without digests is
 * @live: the log
 *
 * Return: bytes of the record
 */
size_t tpm_live_short_note_len(const struct tpm_live_log *live)
{
	return tcg2_log_record_len(&live->head, TCG2_NOTE_HEAD);
}

/**
 * tpm_live_make_room() - make room in the buffer of a log
 * @live: the log; whoever holds the chip, or nobody else knows the log
 * @len: how many bytes behind the log
 *
 * A log that is too long to be handed over goes on all the same.
 *
 * Return: 0; -ENOSPC if there is no such length; -ENOMEM
 */
int tpm_live_make_room(struct tpm_live_log *live, size_t len)
{
	size_t need;
	u8 *buf;

	if (check_add_overflow(live->len, len, &need))
		return -ENOSPC;
	if (need <= live->size)
		return 0;

	need = max(need, 2 * live->size);
	guard(mutex)(&live->lock);
	buf = kvrealloc(live->buf, need, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	live->buf = buf;
	live->size = need;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_live_make_room);

/**
 * tpm_live_kexec_record() - make the record of an event that a kexec extends
 * @event: the event
 * @nr_digests: number of its digests, at most TPM_LIVE_MAX_DIGESTS
 * @digests: room for as many
 * @record: the record; points to @digests and into @event
 */
void tpm_live_kexec_record(const struct tpm_kexec_event *event,
			   unsigned int nr_digests,
			   struct tcg2_log_digest *digests,
			   struct tcg2_log_event *record)
{
	for (unsigned int i = 0; i < nr_digests; i++) {
		digests[i].alg = event->digests[i].alg_id;
		digests[i].digest = event->digests[i].digest;
	}
	*record = (struct tcg2_log_event){
		.pcr = event->pcr,
		.type = event->type,
		.nr_digests = nr_digests,
		.digests = digests,
		.data_len = event->data_len,
		.data = event->data,
	};
}

/**
 * tpm_live_stage() - put a record behind the log, of which it is no part yet
 * @live: the log; the caller holds the chip
 * @event: what to record
 *
 * Return: 0; as tcg2_log_append()
 */
int tpm_live_stage(struct tpm_live_log *live, const struct tcg2_log_event *event)
{
	size_t end = live->len;
	int ret;

	ret = tcg2_log_append(live->buf, live->size, &end, &live->head, event);
	if (!ret)
		live->extend.staged = end - live->len;
	return ret;
}

/**
 * tpm_live_make_note() - make an event of a note
 * @live: the log, with the note in @live->note; the caller holds the chip, or nobody
 *	  else knows the log
 * @event: the event; gone when the next one is made
 *
 * Return: 0; as tcg2_note_write()
 */
int tpm_live_make_note(struct tpm_live_log *live, struct tcg2_log_event *event)
{
	int len = tcg2_note_write(live->note_data, sizeof(live->note_data),
				  &live->note);

	if (len < 0)
		return len;
	*event = (struct tcg2_log_event){
		.pcr = TCG2_NOTE_PCR,
		.type = TCG2_EV_NO_ACTION,
		.data_len = len,
		.data = live->note_data,
	};
	return 0;
}

static int make_short_note(struct tpm_live_log *live, enum tcg2_note_kind kind,
			   u32 pcr, struct tcg2_log_event *event)
{
	live->note.kind = kind;
	live->note.pcr = pcr;
	live->note.nr = 0;
	return tpm_live_make_note(live, event);
}

/**
 * tpm_live_stage_in_share() - put a record behind the log if the share allows it
 * @live: the log; the caller holds the chip
 * @event: what to record of @live->extend: an extend by others, or a note on it
 *
 * A note that the share is used up takes the place of the first record that does not
 * fit into it, and none that of those after.
 *
 * Return: 0; as tcg2_log_append()
 */
int tpm_live_stage_in_share(struct tpm_live_log *live,
			    const struct tcg2_log_event *event)
{
	const struct tpm_live_pcr *pcr = &live->pcrs[live->extend.pcr];
	struct tcg2_log_event note;
	size_t share;
	int ret;

	live->extend.staged = 0;
	live->extend.fills = false;
	if (pcr->full)
		return 0;

	share = pcr->share + tpm_live_short_note_len(live) +
		tcg2_log_record_len(&live->head, event->data_len);
	if (share <= live->share_max)
		return tpm_live_stage(live, event);

	live->extend.fills = true;
	ret = make_short_note(live, TCG2_NOTE_FULL, live->extend.pcr, &note);
	return ret ?: tpm_live_stage(live, &note);
}

/**
 * tpm_live_commit() - make what was staged part of the log
 * @live: the log; the caller holds the chip
 * @in_share: whether it counts into the PCR's share
 */
void tpm_live_commit(struct tpm_live_log *live, bool in_share)
{
	struct tpm_live_extend *extend = &live->extend;
	struct tpm_live_pcr *pcr = &live->pcrs[extend->pcr];

	guard(mutex)(&live->lock);
	live->len += extend->staged;
	if (!in_share)
		return;
	pcr->share += extend->staged;
	if (extend->fills && !pcr->full) {
		pcr->full = true;
		pr_notice("the log's share of PCR %u is used up, what others extend it with is not recorded any more\n",
			  extend->pcr);
	}
}

/**
 * tpm_live_note_unknown() - note that nobody knows what a PCR was extended with
 * @live: the log, with that PCR in @live->extend; the caller holds the chip
 */
void tpm_live_note_unknown(struct tpm_live_log *live)
{
	struct tcg2_log_event note;
	u32 pcr = live->extend.pcr;
	int ret;

	ret = make_short_note(live, TCG2_NOTE_UNKNOWN, pcr, &note);
	ret = ret ?: tpm_live_stage_in_share(live, &note);
	/* There was room, and the note is well-formed. */
	if (WARN_ON_ONCE(ret))
		return;
	if (live->extend.staged)
		pr_notice_ratelimited("PCR %u was extended, and nobody knows with what\n",
				      pcr);
	tpm_live_commit(live, true);
}

/**
 * tpm_live_is_frozen() - tell whether PCRs are to stay as they are
 * @live: the log
 *
 * Return: true between tpm_kexec_execute() and tpm_kexec_thaw()
 */
bool tpm_live_is_frozen(struct tpm_live_log *live)
{
	guard(mutex)(&live->lock);
	return live->frozen;
}

/**
 * tpm_live_is_frozen_without() - the same, for a TPM that has no log
 * @chip: the TPM
 *
 * It may be the TPM of the log, reached by another driver.
 *
 * Return: true if extends are to be refused
 */
bool tpm_live_is_frozen_without(const struct tpm_chip *chip)
{
	return READ_ONCE(pcrs_frozen) && chip->flags & TPM_CHIP_FLAG_TPM2 &&
	       !(chip->flags & TPM_CHIP_FLAG_VIRTUAL);
}

/**
 * tpm_live_freeze() - keep PCRs as they are, or no longer
 * @live: the log
 * @frozen: whether others get EBUSY if they extend PCRs that are recorded
 */
void tpm_live_freeze(struct tpm_live_log *live, bool frozen)
{
	guard(mutex)(&live->lock);
	live->frozen = frozen;
	WRITE_ONCE(pcrs_frozen, frozen);
}
EXPORT_SYMBOL_IF_KUNIT(tpm_live_freeze);

/**
 * tpm_live_recheck() - a TPM was out of sight, and is back
 * @live: its log; nobody holds the chip
 *
 * It may have been reset, or extended by others.
 */
void tpm_live_recheck(struct tpm_live_log *live)
{
	live->out_of_step = true;
	live->recheck = true;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_live_recheck);

static size_t record_len_at(const struct tpm_live_log *live, size_t off)
{
	struct tcg2_log_record record;

	if (!off)
		return live->head.len;
	if (tcg2_log_next(live->buf, live->len, &live->head, off, &record))
		return live->len - off;
	return record.len;
}

/*
 * The position is the offset of a record.  Records stay where they are, so that a
 * reader goes on from there without walking the log, and needs the lock only while
 * a record is copied to the buffer of the seq_file.
 */
static void *tpm_live_seq_start(struct seq_file *m, loff_t *pos)
{
	struct tpm_chip *chip = m->private;
	struct tpm_live_log *live = chip->live;

	mutex_lock(&live->lock);
	return *pos < live->len ? live->buf + *pos : NULL;
}

static void *tpm_live_seq_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct tpm_chip *chip = m->private;
	struct tpm_live_log *live = chip->live;

	*pos += record_len_at(live, *pos);
	return *pos < live->len ? live->buf + *pos : NULL;
}

static void tpm_live_seq_stop(struct seq_file *m, void *v)
{
	struct tpm_chip *chip = m->private;

	mutex_unlock(&chip->live->lock);
}

static int tpm_live_seq_show(struct seq_file *m, void *v)
{
	struct tpm_chip *chip = m->private;
	struct tpm_live_log *live = chip->live;

	seq_write(m, v, record_len_at(live, (u8 *)v - live->buf));
	return 0;
}

const struct seq_operations tpm_live_measurements_seqops = {
	.start = tpm_live_seq_start,
	.next = tpm_live_seq_next,
	.stop = tpm_live_seq_stop,
	.show = tpm_live_seq_show,
};
EXPORT_SYMBOL_IF_KUNIT(tpm_live_measurements_seqops);

/**
 * tpm_live_create_file() - show the log of a TPM to user space
 * @chip: the TPM, which has its directory in securityfs
 * @fops: of the files there, which open the &struct tpm_chip_seqops of the inode
 *
 * Return: 0, also if the TPM has no log; -errno
 */
int tpm_live_create_file(struct tpm_chip *chip,
			 const struct file_operations *fops)
{
	struct dentry *dentry;

	if (!chip->live)
		return 0;

	chip->live_log_seqops.chip = chip;
	chip->live_log_seqops.seqops = &tpm_live_measurements_seqops;
	dentry = securityfs_create_file("binary_measurements_live", 0440,
					chip->bios_dir, &chip->live_log_seqops,
					fops);
	return PTR_ERR_OR_ZERO(dentry);
}
