// SPDX-License-Identifier: GPL-2.0
/*
 * Measurements of a kexec image
 *
 * The loader of an image lists what firmware, boot stub and EFI stub would have
 * measured when booting it.  The digests are made at load, from the buffers that
 * the segments are copied from; the TPM is extended at execute and never before,
 * because an image that is replaced or unloaded must leave no trace in it.
 *
 * Nothing here looks into the image, and no kexec may happen that this file could
 * not extend completely.
 */

#define pr_fmt(fmt) "kexec_measure: " fmt

#include <linux/acpi.h>
#include <linux/cc_platform.h>
#include <linux/efi.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kexec.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/tpm.h>
#include <linux/unaligned.h>
#include <crypto/sha1.h>
#include <crypto/sha2.h>
#include <crypto/sm3.h>

#include "kexec_internal.h"
#include "kexec_measure.h"

/*
 * Hashed into each bank before the next piece is taken, and small enough to stay in
 * the cache meanwhile: the data is read from memory once for all banks.
 */
#define HASH_CHUNK	(16 * 1024)

/* TCG_PCClientTaggedEvent: tag and length, both 32 bits, then the data. */
#define TAGGED_EVENT_HEADER	(2 * sizeof(u32))

/**
 * union bank_hash - a digest in the making
 * @sha1: for TPM_ALG_SHA1
 * @sha256: for TPM_ALG_SHA256
 * @sha384: for TPM_ALG_SHA384
 * @sha512: for TPM_ALG_SHA512
 * @sm3: for TPM_ALG_SM3_256
 */
union bank_hash {
	struct sha1_ctx sha1;
	struct sha256_ctx sha256;
	struct sha384_ctx sha384;
	struct sha512_ctx sha512;
	struct sm3_ctx sm3;
};

/**
 * struct measured_event - an event to be extended
 * @list: entry in &struct kexec_measure.events
 * @pcr: the PCR that it extends
 * @type: KEXEC_EV_*
 * @digests: one digest for each bank
 * @event_len: length of @event
 * @event: event data for the log
 */
struct measured_event {
	struct list_head list;
	u32 pcr;
	u32 type;
	struct tpm_digest digests[TPM2_MAX_PCR_BANKS];
	u32 event_len;
	u8 event[] __counted_by(event_len);
};

/**
 * struct kexec_measure - what an image extends when it is executed
 * @chip: the TPM, with a reference held; NULL if there is none
 * @spent: an execute has begun to extend, there must not be another
 * @nr_banks: number of banks, 0 if nothing is measured
 * @algs: TPM_ALG_* of each bank
 * @hashes: digests in the making, one for each bank
 * @events: list of &struct measured_event, in the order of the extends
 */
struct kexec_measure {
	struct tpm_chip *chip;
	bool spent;
	unsigned int nr_banks;
	u16 algs[TPM2_MAX_PCR_BANKS];
	union bank_hash hashes[TPM2_MAX_PCR_BANKS];
	struct list_head events;
};

static bool bank_hash_init(union bank_hash *hash, u16 alg)
{
	switch (alg) {
	case TPM_ALG_SHA1:
		sha1_init(&hash->sha1);
		return true;
	case TPM_ALG_SHA256:
		sha256_init(&hash->sha256);
		return true;
	case TPM_ALG_SHA384:
		sha384_init(&hash->sha384);
		return true;
	case TPM_ALG_SHA512:
		sha512_init(&hash->sha512);
		return true;
	case TPM_ALG_SM3_256:
		sm3_init(&hash->sm3);
		return true;
	default:
		return false;
	}
}

static void bank_hash_update(union bank_hash *hash, u16 alg, const u8 *data,
			     size_t len)
{
	switch (alg) {
	case TPM_ALG_SHA1:
		sha1_update(&hash->sha1, data, len);
		break;
	case TPM_ALG_SHA256:
		sha256_update(&hash->sha256, data, len);
		break;
	case TPM_ALG_SHA384:
		sha384_update(&hash->sha384, data, len);
		break;
	case TPM_ALG_SHA512:
		sha512_update(&hash->sha512, data, len);
		break;
	case TPM_ALG_SM3_256:
		sm3_update(&hash->sm3, data, len);
		break;
	}
}

static void bank_hash_final(union bank_hash *hash, u16 alg, u8 *digest)
{
	switch (alg) {
	case TPM_ALG_SHA1:
		sha1_final(&hash->sha1, digest);
		break;
	case TPM_ALG_SHA256:
		sha256_final(&hash->sha256, digest);
		break;
	case TPM_ALG_SHA384:
		sha384_final(&hash->sha384, digest);
		break;
	case TPM_ALG_SHA512:
		sha512_final(&hash->sha512, digest);
		break;
	case TPM_ALG_SM3_256:
		sm3_final(&hash->sm3, digest);
		break;
	}
}

/**
 * kexec_measure_alloc() - start a list of measurements
 * @banks: the PCR banks to make digests for
 * @nr_banks: number of @banks, at most TPM2_MAX_PCR_BANKS; 0 for a list that
 *	      stays empty
 *
 * Return: the list, to be freed with kexec_measure_free(); -ENOPKG if the kernel
 *	   cannot compute the hash of a bank, -ENOMEM
 */
struct kexec_measure *kexec_measure_alloc(const struct tpm_bank_info *banks,
					  unsigned int nr_banks)
{
	struct kexec_measure *measure;
	unsigned int i;

	if (WARN_ON_ONCE(nr_banks > TPM2_MAX_PCR_BANKS))
		return ERR_PTR(-EINVAL);

	measure = kzalloc_obj(*measure);
	if (!measure)
		return ERR_PTR(-ENOMEM);

	INIT_LIST_HEAD(&measure->events);
	for (i = 0; i < nr_banks; i++) {
		measure->algs[i] = banks[i].alg_id;
		if (!bank_hash_init(&measure->hashes[i], banks[i].alg_id)) {
			pr_notice("refused: no hash for PCR bank %#x\n",
				  banks[i].alg_id);
			kfree(measure);
			return ERR_PTR(-ENOPKG);
		}
	}
	measure->nr_banks = nr_banks;

	return measure;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_alloc, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_free() - free a list of measurements
 * @measure: the list, or NULL
 *
 * Puts the reference to the TPM, too.
 */
void kexec_measure_free(struct kexec_measure *measure)
{
	struct measured_event *event, *next;

	if (!measure)
		return;

	list_for_each_entry_safe(event, next, &measure->events, list)
		kfree(event);
	if (measure->chip)
		put_device(&measure->chip->dev);
	kfree(measure);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_free, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_start() - begin the digests of an event
 * @measure: the list that the event will belong to
 */
void kexec_measure_start(struct kexec_measure *measure)
{
	unsigned int i;

	for (i = 0; i < measure->nr_banks; i++)
		bank_hash_init(&measure->hashes[i], measure->algs[i]);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_start, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_update() - hash data for the event that was started
 * @measure: the list
 * @data: the data; it is not kept
 * @len: its length in bytes
 */
void kexec_measure_update(struct kexec_measure *measure, const void *data,
			  size_t len)
{
	const u8 *pos = data;
	unsigned int i;
	size_t chunk;

	if (!measure->nr_banks)
		return;

	for (; len; pos += chunk, len -= chunk) {
		chunk = min_t(size_t, len, HASH_CHUNK);
		for (i = 0; i < measure->nr_banks; i++)
			bank_hash_update(&measure->hashes[i], measure->algs[i],
					 pos, chunk);
		cond_resched();
	}
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_update, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_update_zeros() - hash zero bytes for the event that was started
 * @measure: the list
 * @len: how many
 */
void kexec_measure_update_zeros(struct kexec_measure *measure, size_t len)
{
	const void *zeros = page_address(ZERO_PAGE(0));
	size_t chunk;

	for (; len; len -= chunk) {
		chunk = min_t(size_t, len, PAGE_SIZE);
		kexec_measure_update(measure, zeros, chunk);
	}
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_update_zeros, "kexec_uki,kexec_measure_kunit");

static struct measured_event *new_event(u32 pcr, u32 type, u32 event_len)
{
	struct measured_event *event;

	event = kzalloc_flex(*event, event, event_len);
	if (!event)
		return NULL;

	event->event_len = event_len;
	event->pcr = pcr;
	event->type = type;
	return event;
}

/* Takes over @event, with the digests of what was hashed since the start. */
static void finish_event(struct kexec_measure *measure,
			 struct measured_event *event)
{
	unsigned int i;

	for (i = 0; i < measure->nr_banks; i++) {
		event->digests[i].alg_id = measure->algs[i];
		bank_hash_final(&measure->hashes[i], measure->algs[i],
				event->digests[i].digest);
	}
	list_add_tail(&event->list, &measure->events);
}

/**
 * kexec_measure_finish() - append the event that was started
 * @measure: the list
 * @pcr: the PCR to extend
 * @type: KEXEC_EV_*
 * @data: event data for the log; copied
 * @len: length of @data in bytes
 *
 * Return: 0, or -ENOMEM
 */
int kexec_measure_finish(struct kexec_measure *measure, u32 pcr, u32 type,
			 const void *data, u32 len)
{
	struct measured_event *event;

	if (!measure->nr_banks)
		return 0;

	event = new_event(pcr, type, len);
	if (!event)
		return -ENOMEM;

	memcpy(event->event, data, len);
	finish_event(measure, event);
	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_finish, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_finish_tagged() - append the event that was started, with a tag
 * @measure: the list
 * @pcr: the PCR to extend
 * @tag: KEXEC_TAG_*
 * @data: what follows tag and length in the event data; copied
 * @len: length of @data in bytes
 *
 * Return: 0, or -ENOMEM
 */
int kexec_measure_finish_tagged(struct kexec_measure *measure, u32 pcr, u32 tag,
				const void *data, u32 len)
{
	struct measured_event *event;
	u32 event_len;

	if (!measure->nr_banks)
		return 0;
	if (check_add_overflow(len, (u32)TAGGED_EVENT_HEADER, &event_len))
		return -EOVERFLOW;

	event = new_event(pcr, KEXEC_EV_EVENT_TAG, event_len);
	if (!event)
		return -ENOMEM;

	put_unaligned_le32(tag, event->event);
	put_unaligned_le32(len, event->event + sizeof(u32));
	memcpy(event->event + TAGGED_EVENT_HEADER, data, len);
	finish_event(measure, event);
	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_finish_tagged, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_marker() - append the event that makes a kexec visible
 * @measure: the list, empty so far
 *
 * It sits in PCR 4, so that 9, 11, 12 and 13 stay what a boot through firmware
 * makes of them.  The number is that of the kexec since the firmware handed over;
 * it is 1 as long as no log tells of earlier ones.
 *
 * Return: 0, or -ENOMEM
 */
int kexec_measure_marker(struct kexec_measure *measure)
{
	static const char marker[] = "kexec:1";

	kexec_measure_start(measure);
	kexec_measure_update(measure, marker, sizeof(marker));
	return kexec_measure_finish_tagged(measure, 4, KEXEC_TAG_MARKER, marker,
					   sizeof(marker));
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_marker, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_for_each() - look at all events
 * @measure: the list
 * @visit: called for each event, in the order of the extends, until it stops
 * @context: handed to @visit
 *
 * Return: 0, or what @visit returned to stop
 */
int kexec_measure_for_each(const struct kexec_measure *measure,
			   kexec_measure_visit_t visit, void *context)
{
	const struct measured_event *event;
	int ret;

	list_for_each_entry(event, &measure->events, list) {
		const struct kexec_measure_event view = {
			.pcr = event->pcr,
			.type = event->type,
			.nr_digests = measure->nr_banks,
			.digests = event->digests,
			.data_len = event->event_len,
			.data = event->event,
		};

		ret = visit(&view, context);
		if (ret)
			return ret;
	}
	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_for_each, "kexec_measure_kunit");

/**
 * kexec_measure_extend_all() - extend all events
 * @measure: the list
 * @extend: what extends
 *
 * Stops at the first failure.  After the first extend the list is spent whatever
 * comes, because extending it again would tell of two kexecs.  The kexec lock is
 * held, or nobody else knows the list.
 *
 * Return: 0; -ESTALE if the list is spent; -EIO if an extend failed
 */
int kexec_measure_extend_all(struct kexec_measure *measure,
			     kexec_measure_extend_t extend)
{
	struct measured_event *event;
	unsigned int nr = 0;
	int ret;

	if (measure->spent) {
		pr_notice("refused: the image was spent by an execute that failed, load it anew\n");
		return -ESTALE;
	}

	list_for_each_entry(event, &measure->events, list) {
		measure->spent = true;
		ret = extend(measure->chip, event->pcr, event->digests);
		if (ret) {
			pr_notice("refused: extending PCR %u with event %u failed (%d)\n",
				  event->pcr, nr, ret);
			return -EIO;
		}
		nr++;
	}
	if (nr)
		pr_info("extended the TPM with %u events\n", nr);

	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_extend_all, "kexec_uki,kexec_measure_kunit");

#ifdef CONFIG_ACPI
static bool acpi_has_table(char *signature)
{
	struct acpi_table_header *table;

	if (acpi_disabled || ACPI_FAILURE(acpi_get_table(signature, 1, &table)))
		return false;

	acpi_put_table(table);
	return true;
}

static bool acpi_announces_tpm2(void)
{
	return acpi_has_table(ACPI_SIG_TPM2);
}

static bool acpi_announces_cc_log(void)
{
	return acpi_has_table(ACPI_SIG_CCEL);
}
#else
static bool acpi_announces_tpm2(void)
{
	return false;
}

static bool acpi_announces_cc_log(void)
{
	return false;
}
#endif

/*
 * Where there is no ACPI table the log that the EFI stub has found tells of a TPM,
 * unless it is that of a confidential VM, which the stub puts in the same place
 * (efi_retrieve_eventlog() in libstub).
 */
static bool firmware_announces_tpm2(void)
{
	if (acpi_announces_tpm2())
		return true;

	return IS_ENABLED(CONFIG_EFI) &&
	       efi.tpm_log != EFI_INVALID_TABLE_ADDR && !acpi_announces_cc_log();
}

/*
 * The banks of @chip.  No banks, if there is no TPM 2.0; a TPM that cannot be
 * extended although it is one is refused, for its PCRs would go on to tell of this
 * kernel.
 */
static int usable_banks(struct tpm_chip *chip, unsigned int *nr_banks)
{
	int ret;

	*nr_banks = 0;
	if (!chip)
		return 0;

	if (tpm_is_firmware_upgrade(chip)) {
		pr_notice("refused: the TPM waits for a firmware upgrade\n");
		return -ENODEV;
	}
	ret = tpm_is_tpm2(chip);
	if (ret < 0) {
		pr_notice("refused: the TPM does not answer (%d)\n", ret);
		return -ENODEV;
	}
	if (ret)
		*nr_banks = chip->nr_allocated_banks;
	return 0;
}

/*
 * Under enforcement it has to be the TPM that firmware has measured this boot into:
 * with its driver unbound, or behind a TPM that is made of software, PCRs would go
 * on to tell of this kernel.
 */
static int check_announced(struct kimage *image, const struct tpm_chip *chip,
			   unsigned int nr_banks)
{
	if (nr_banks && !(chip->flags & TPM_CHIP_FLAG_VIRTUAL))
		return 0;

	if (firmware_announces_tpm2() && kexec_file_enforced(image)) {
		pr_notice("refused: firmware announces a TPM 2.0, and no driver has bound to it\n");
		return -ENODEV;
	}
	if (!nr_banks)
		pr_notice("no TPM 2.0 with an active bank: the next kernel will not be measured\n");
	return 0;
}

/**
 * kexec_measure_prepare() - start the measurements of an image that is loaded
 * @image: the image; gets &kimage.measure, which is freed with it
 *
 * Return: 0, also if there is nothing to extend, which one line in the log says;
 *	   -ENODEV if signatures are enforced and the TPM that firmware announces
 *	   is not there, or if a TPM does not answer; -ENOPKG if the kernel cannot
 *	   compute the hash of a bank; -ENOMEM
 */
int kexec_measure_prepare(struct kimage *image)
{
	struct tpm_chip *chip = tpm_default_chip();
	struct kexec_measure *measure;
	unsigned int nr_banks;
	int ret;

	ret = usable_banks(chip, &nr_banks);
	if (ret)
		goto out_put;
	ret = check_announced(image, chip, nr_banks);
	if (ret)
		goto out_put;

	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		pr_notice("confidential VM: its own measurement registers are not extended\n");

	measure = kexec_measure_alloc(chip ? chip->allocated_banks : NULL,
				      nr_banks);
	if (IS_ERR(measure)) {
		ret = PTR_ERR(measure);
		goto out_put;
	}

	measure->chip = chip;
	image->measure = measure;
	return 0;

out_put:
	if (chip)
		put_device(&chip->dev);
	return ret;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_prepare, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_execute() - extend the TPM before an image is executed
 * @image: the image; one without measurements needs none
 *
 * Called before anything that cannot be undone.
 *
 * Return: 0; -ESTALE if an earlier execute has spent the image or the TPM is not
 *	   the one that it was loaded for; -EIO if an extend failed
 */
int kexec_measure_execute(struct kimage *image)
{
	struct kexec_measure *measure = image->measure;
	struct tpm_chip *chip;
	int ret;

	if (!measure)
		return 0;

	chip = tpm_default_chip();
	if (chip == measure->chip) {
		ret = kexec_measure_extend_all(measure, tpm_pcr_extend);
	} else {
		pr_notice("refused: the TPM is not the one at load, load the image anew\n");
		ret = -ESTALE;
	}
	if (chip)
		put_device(&chip->dev);

	return ret;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_execute, "kexec_measure_kunit");
