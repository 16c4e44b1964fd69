// SPDX-License-Identifier: GPL-2.0
/*
 * Where the event log that goes on begins, and which TPM has it
 *
 * It begins with what the last kernel has left, or with the log of the firmware, or
 * with a Spec ID event of our own.  A TPM must never be without service because its
 * log is not what it should be.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include "kexec_log_abi.h"
#include "live.h"

/* The log of this boot, and the name and bus of the device that is the TPM's parent. */
static DEFINE_MUTEX(tpm_live_mutex);
static struct tpm_live_log *tpm_live;
static const char *tpm_live_owner;
static const struct bus_type *tpm_live_bus;

/* SHA-256 if it is active, or else the first bank that there is code for. */
static void choose_shadow(struct tpm_live_log *live,
			  const struct tpm_bank_info *banks, unsigned int nr_banks)
{
	const struct tpm_bank_info *best = banks;

	for (unsigned int i = 1; i < nr_banks; i++)
		if (banks[i].alg_id == TPM_ALG_SHA256 ||
		    !tpm_live_can_hash(best->alg_id))
			best = &banks[i];
	if (live->shadow_alg == best->alg_id)
		return;

	live->shadow_alg = best->alg_id;
	live->shadow_size = best->digest_size;
	for (unsigned int i = 0; i < TPM_LIVE_PCRS; i++)
		live->pcrs[i].known = false;
}

/* Without a log of the firmware in this format, one begins with the active banks. */
static int write_own_head(struct tpm_live_log *live,
			  const struct tpm_bank_info *banks, unsigned int nr_banks)
{
	struct tcg2_log_alg algs[TPM2_MAX_PCR_BANKS];
	int len;

	for (unsigned int i = 0; i < nr_banks; i++) {
		algs[i].id = banks[i].alg_id;
		algs[i].size = banks[i].digest_size;
	}
	live->size = SZ_4K;
	live->buf = kvmalloc(live->size, GFP_KERNEL);
	if (!live->buf)
		return -ENOMEM;
	len = tcg2_log_write_head(live->buf, live->size, algs, nr_banks);
	if (len < 0)
		return len;
	live->len = len;
	return 0;
}

/* What share of a PCR's the record is part of. */
static void count_share(struct tpm_live_log *live,
			const struct tcg2_log_record *record)
{
	struct tcg2_note *note = &live->note;
	u32 tag, tag_len, pcr = record->pcr;
	bool full = false;
	size_t data;

	if (record->type == TCG2_EV_NO_ACTION) {
		if (tcg2_note_read(live->buf + record->data, record->data_len,
				   note) || note->kind == TCG2_NOTE_NO_BANK)
			return;
		pcr = note->pcr;
		full = note->kind == TCG2_NOTE_FULL;
	} else if (!tcg2_log_read_tag(live->buf, record, &tag, &data, &tag_len) ||
		   tag != TCG2_TAG_EXTEND) {
		return;
	}
	if (pcr >= TPM_LIVE_PCRS)
		return;
	live->pcrs[pcr].share += record->len;
	live->pcrs[pcr].full |= full;
}

static void count_shares(struct tpm_live_log *live)
{
	struct tcg2_log_record record;
	size_t off = live->head.len;

	for (; !tcg2_log_next(live->buf, live->len, &live->head, off, &record);
	     off += record.len)
		count_share(live, &record);
}

/* Whether @record is a note that names just the algorithms of @missing. */
static bool names_banks(struct tpm_live_log *live,
			const struct tcg2_log_record *record,
			const u16 *missing, unsigned int nr)
{
	struct tcg2_note *note = &live->note;

	if (record->type != TCG2_EV_NO_ACTION ||
	    tcg2_note_read(live->buf + record->data, record->data_len, note) ||
	    note->kind != TCG2_NOTE_NO_BANK || note->nr != nr)
		return false;
	for (unsigned int i = 0; i < nr; i++)
		if (note->digests[i].alg != missing[i])
			return false;
	return true;
}

static bool has_note_of_banks(struct tpm_live_log *live, const u16 *missing,
			      unsigned int nr)
{
	struct tcg2_log_record record;
	size_t off = live->head.len;

	for (; !tcg2_log_next(live->buf, live->len, &live->head, off, &record);
	     off += record.len)
		if (names_banks(live, &record, missing, nr))
			return true;
	return false;
}

/* Banks that are active and not in the header: one note in the log says so. */
static int note_missing_banks(struct tpm_live_log *live,
			      const struct tpm_bank_info *banks,
			      unsigned int nr_banks)
{
	struct tcg2_note *note = &live->note;
	u16 missing[TPM2_MAX_PCR_BANKS];
	struct tcg2_log_event event;
	unsigned int i, j, nr = 0;
	int ret;

	for (i = 0; i < nr_banks; i++) {
		for (j = 0; j < live->head.nr_algs; j++)
			if (live->head.algs[j].id == banks[i].alg_id)
				break;
		if (j == live->head.nr_algs)
			missing[nr++] = banks[i].alg_id;
	}
	if (!nr || has_note_of_banks(live, missing, nr))
		return 0;

	note->kind = TCG2_NOTE_NO_BANK;
	note->pcr = 0;
	note->nr = nr;
	for (i = 0; i < nr; i++) {
		note->digests[i].alg = missing[i];
		note->digests[i].size = 0;
	}
	ret = tpm_live_make_note(live, &event);
	ret = ret ?: tpm_live_make_room(live, tcg2_log_record_len(&live->head,
								  event.data_len));
	return ret ?: tcg2_log_append(live->buf, live->size, &live->len,
				      &live->head, &event);
}

static int init_log(struct tpm_live_log *live, const struct tpm_bank_info *banks,
		    unsigned int nr_banks, const void *log, size_t len)
{
	int ret = 0;

	if (!nr_banks || nr_banks > TPM2_MAX_PCR_BANKS)
		return -EINVAL;
	if (len > TPM_KEXEC_LOG_MAX)
		return -ENOSPC;

	if (log) {
		live->buf = kvmemdup(log, len, GFP_KERNEL);
		live->size = len;
		live->len = len;
		ret = live->buf ? 0 : -ENOMEM;
	} else {
		ret = write_own_head(live, banks, nr_banks);
	}
	ret = ret ?: tcg2_log_read_head(live->buf, live->len, &live->head);
	if (ret)
		return ret;
	if (tcg2_log_whole(live->buf, live->len, &live->head) != live->len)
		return -EBADMSG;

	live->boot_len = live->len;
	choose_shadow(live, banks, nr_banks);
	count_shares(live);
	return note_missing_banks(live, banks, nr_banks);
}

/**
 * tpm_live_create() - begin a log
 * @banks: the active banks of the TPM
 * @nr_banks: number of @banks
 * @log: what the log begins with, of whole records only; NULL for a header that
 *	 lists @banks.  Copied
 * @len: length of @log
 *
 * Return: the log; -EPROTO or -EBADMSG if @log is none; -EINVAL if there are no
 *	   banks, or no header can be made of them; -ENOSPC if @log is too long;
 *	   -ENOMEM
 */
struct tpm_live_log *tpm_live_create(const struct tpm_bank_info *banks,
				     unsigned int nr_banks,
				     const void *log, size_t len)
{
	struct tpm_live_log *live;
	int ret;

	live = kzalloc_obj(*live);
	if (!live)
		return ERR_PTR(-ENOMEM);

	mutex_init(&live->lock);
	live->share_max = CONFIG_TCG_LIVE_LOG_PCR_KB * SZ_1K;
	ret = init_log(live, banks, nr_banks, log, len);
	if (ret) {
		tpm_live_free(live);
		return ERR_PTR(ret);
	}
	return live;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_live_create);

/**
 * tpm_live_free() - free a log that no chip has any more
 * @live: the log
 */
void tpm_live_free(struct tpm_live_log *live)
{
	if (live->frozen)
		tpm_live_freeze(live, false);
	mutex_destroy(&live->lock);
	kvfree(live->buf);
	kfree(live);
}
EXPORT_SYMBOL_IF_KUNIT(tpm_live_free);

/**
 * tpm_live_of_boot() - get the log of this boot
 *
 * Return: the log, which is never freed, or NULL if no TPM 2.0 has registered
 */
struct tpm_live_log *tpm_live_of_boot(void)
{
	guard(mutex)(&tpm_live_mutex);
	return tpm_live;
}

/* The part of the firmware's log that is in the crypto agile format; 0 if none. */
static size_t firmware_log_len(const struct tpm_chip *chip, int log_version)
{
	const struct tpm_bios_log *log = &chip->log;
	struct tcg2_log_head head;
	size_t len;

	if (log_version != EFI_TCG2_EVENT_LOG_FORMAT_TCG_2)
		return 0;
	len = log->bios_event_log_end - log->bios_event_log;
	if (tcg2_log_read_head(log->bios_event_log, len, &head))
		return 0;
	return tcg2_log_whole(log->bios_event_log, len, &head);
}

static struct tpm_live_log *create_for(struct tpm_chip *chip, const void *log,
				       size_t len)
{
	return tpm_live_create(chip->allocated_banks, chip->nr_allocated_banks,
			       log, len);
}

/*
 * The log of this boot begins with what the last kernel has left, if that goes on
 * from the firmware's as it is seen here; or else with the firmware's.
 */
static struct tpm_live_log *begin_log(struct tpm_chip *chip, int log_version)
{
	const void *firmware = chip->log.bios_event_log;
	size_t firmware_len, handed_len;
	struct tpm_live_log *live;
	void *handed;

	firmware_len = firmware_log_len(chip, log_version);
	handed = tpm_kexec_take_log(&handed_len);
	if (handed && !tpm_kexec_log_continues(handed, handed_len, firmware,
					       firmware_len)) {
		pr_notice("log of the last kernel dropped: does not begin with the %zu bytes of the firmware's\n",
			  firmware_len);
		handed_len = 0;
	}

	live = handed_len ? create_for(chip, handed, handed_len) : NULL;
	if (IS_ERR(live))
		pr_notice("log of the last kernel dropped: %pe\n", live);
	if (IS_ERR_OR_NULL(live))
		live = create_for(chip, firmware_len ? firmware : NULL,
				  firmware_len);
	else
		live->handed_over = true;
	kvfree(handed);
	return live;
}

static void free_boot_log(void *data)
{
	kvfree(data);
}

/* What binary_bios_measurements shows is the log as it was when it was restored. */
static int show_handed_over(struct tpm_chip *chip, int log_version)
{
	const struct tpm_live_log *live = chip->live;
	void *log;

	/* What the firmware did would be seen nowhere else. */
	if (log_version == EFI_TCG2_EVENT_LOG_FORMAT_TCG_1_2)
		return log_version;

	log = kvmemdup(live->buf, live->boot_len, GFP_KERNEL);
	if (!log || devm_add_action_or_reset(&chip->dev, free_boot_log, log)) {
		dev_warn(&chip->dev, "no memory for a log of %zu bytes\n",
			 live->boot_len);
		return log_version;
	}
	chip->log.bios_event_log = log;
	chip->log.bios_event_log_end = log + live->boot_len;
	return EFI_TCG2_EVENT_LOG_FORMAT_TCG_2;
}

/**
 * tpm_live_setup() - give a TPM that registers its log
 * @chip: the TPM, which nobody else can reach yet; gets &tpm_chip.live
 * @log_version: format of the firmware's log in &tpm_chip.log, or a negative errno if
 *		 there is none
 *
 * There is one log, that of the first TPM 2.0 that registers.  It stays when the
 * driver is unbound, and goes on when it is bound to the same device again.
 *
 * Return: @log_version, or that of the log that was handed over, if that has taken
 *	   the place of the firmware's in &tpm_chip.log
 */
int tpm_live_setup(struct tpm_chip *chip, int log_version)
{
	struct tpm_live_log *live;
	const char *device;

	if (!(chip->flags & TPM_CHIP_FLAG_TPM2) ||
	    tpm_is_firmware_upgrade(chip) || !chip->nr_allocated_banks ||
	    !chip->dev.parent)
		return log_version;

	device = dev_name(chip->dev.parent);
	guard(mutex)(&tpm_live_mutex);
	if (tpm_live && (tpm_live_bus != chip->dev.parent->bus ||
			 strcmp(tpm_live_owner, device)))
		return log_version;

	if (!tpm_live) {
		tpm_live_owner = kstrdup(device, GFP_KERNEL);
		live = tpm_live_owner ? begin_log(chip, log_version) :
					ERR_PTR(-ENOMEM);
		if (IS_ERR(live)) {
			kfree(tpm_live_owner);
			tpm_live_owner = NULL;
			pr_notice("no log of this TPM is kept: %pe\n", live);
			return log_version;
		}
		tpm_live = live;
		tpm_live_bus = chip->dev.parent->bus;
	} else {
		tpm_live_recheck(tpm_live);
		choose_shadow(tpm_live, chip->allocated_banks,
			      chip->nr_allocated_banks);
	}

	chip->live = tpm_live;
	return tpm_live->handed_over ? show_handed_over(chip, log_version) :
				       log_version;
}
