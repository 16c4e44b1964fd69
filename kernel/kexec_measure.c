// SPDX-License-Identifier: GPL-2.0
/*
 * Measurements of a kexec image
 *
 * The loader of an image lists what firmware, boot stub and EFI stub would have
 * measured when booting it.  The digests are made at load, from the buffers that
 * the segments are copied from; the TPM is extended at execute and never before,
 * because an image that is replaced or unloaded must leave no trace in it.  A segment
 * of the image takes the TPM's log to the next kernel; the TPM core fills it at
 * execute.
 *
 * Nothing here looks into the image, and no kexec may happen that this file could
 * not extend completely.
 *
 * Documentation/admin-guide/kexec-uki.rst, Documentation/security/tpm/
 */

#define pr_fmt(fmt) "kexec_measure: " fmt

#include <linux/acpi.h>
#include <linux/cache.h>
#include <linux/cc_platform.h>
#include <linux/efi.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/ima.h>
#include <linux/init.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tcg2_log.h>
#include <linux/tpm.h>
#include <linux/tpm_kexec.h>
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

/* The banks, what the header of a log lists besides, and SHA-256. */
#define MAX_HASHES	(TPM2_MAX_PCR_BANKS + TCG2_LOG_MAX_ALGS + 1)

/*
 * "name=sha256:HEX;" for the file, each section that is measured, and the archive of
 * companions; a name has eight characters at most.
 */
#define IDENTITY_MAX	(16 * (8 + sizeof("=sha256:;") + 2 * SHA256_DIGEST_SIZE))

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
 * struct kexec_measure - what an image extends when it is executed
 * @chip: the default TPM at load, with a reference held; NULL if there was none
 * @spent: an execute has begun to extend, there must not be another
 * @nr_kexecs: how many kexecs the log told of when the events were listed
 * @nr_hashes: number of hashes that are computed
 * @nr_digests: how many of them, from the first on, the TPM core wants: those of the
 *		banks, then those that only its log has; 0 if nothing is extended
 * @algs: TPM_ALG_* of each hash
 * @hashes: digests in the making
 * @nr_events: number of @events
 * @events: in the order of the extends, each with @nr_hashes digests
 * @identity_len: length of @identity
 * @identity: what IMA records about the image
 * @pending: @events as they will stand in the log
 * @segment: the segment for the log, mapped; NULL if there is none
 * @segment_idx: its index
 * @segment_size: its size in bytes, known before there is one; 0 if there will be none
 */
struct kexec_measure {
	struct tpm_chip *chip;
	bool spent;
	int nr_kexecs;
	unsigned int nr_hashes;
	unsigned int nr_digests;
	u16 algs[MAX_HASHES];
	union bank_hash hashes[MAX_HASHES];
	unsigned int nr_events;
	struct tpm_kexec_event *events;
	size_t identity_len;
	char identity[IDENTITY_MAX];
	struct kexec_pending *pending;
	void *segment;
	unsigned long segment_idx;
	size_t segment_size;
};

/* Whether kernels that are no UKIs are measured, too. */
static bool measure_all __ro_after_init = true;

/*
 * Early, because unknown_bootoption() takes all that begins with "kexec" for the
 * name of a boot loader before it looks for a __setup().
 */
static int __init setup_measure(char *arg)
{
	if (arg && !strcmp(arg, "all"))
		measure_all = true;
	else if (arg && !strcmp(arg, "uki"))
		measure_all = false;
	else
		pr_warn("kexec_measure=%s: neither all nor uki\n", arg ?: "");
	return 0;
}
early_param("kexec_measure", setup_measure);

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

static void add_hash(struct kexec_measure *measure, u16 alg)
{
	measure->algs[measure->nr_hashes++] = alg;
}

/* A bank needs its hash; what is only in a log's header has zeros there. */
static int add_hashes(struct kexec_measure *measure,
		      const struct tpm_bank_info *algs, unsigned int nr_algs,
		      unsigned int nr_banks)
{
	unsigned int i;

	for (i = 0; i < nr_algs; i++) {
		if (bank_hash_init(&measure->hashes[0], algs[i].alg_id)) {
			add_hash(measure, algs[i].alg_id);
		} else if (i < nr_banks) {
			pr_notice("refused: no hash for PCR bank %#x\n",
				  algs[i].alg_id);
			return -ENOPKG;
		}
	}
	measure->nr_digests = measure->nr_hashes;

	for (i = 0; i < measure->nr_hashes; i++) {
		if (measure->algs[i] == TPM_ALG_SHA256)
			return 0;
	}
	add_hash(measure, TPM_ALG_SHA256);
	return 0;
}

/**
 * kexec_measure_alloc() - start a list of measurements
 * @algs: the algorithms to make digests for
 * @nr_algs: number of @algs; 0 for a list that nothing is extended with
 * @nr_banks: how many of @algs, from the first on, are PCR banks
 *
 * There is a SHA-256 digest in any case, for kexec_measure_identify().
 *
 * Return: the list, to be freed with kexec_measure_free(); -ENOPKG if the kernel
 *	   cannot compute the hash of a bank, -ENOMEM
 */
struct kexec_measure *kexec_measure_alloc(const struct tpm_bank_info *algs,
					  unsigned int nr_algs,
					  unsigned int nr_banks)
{
	struct kexec_measure *measure;
	int err;

	if (WARN_ON_ONCE(nr_algs >= MAX_HASHES))
		return ERR_PTR(-EOVERFLOW);

	measure = kzalloc_obj(*measure);
	if (!measure)
		return ERR_PTR(-ENOMEM);

	err = add_hashes(measure, algs, nr_algs, nr_banks);
	if (err) {
		kfree(measure);
		return ERR_PTR(err);
	}
	return measure;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_alloc, "kexec_measure_kunit,kexec_uki_kunit");

/**
 * kexec_measure_free() - free a list of measurements
 * @measure: the list, or NULL; its segment is not mapped any more
 *
 * Puts the reference to the TPM, too.
 */
void kexec_measure_free(struct kexec_measure *measure)
{
	unsigned int i;

	if (!measure)
		return;

	WARN_ON_ONCE(measure->segment);
	for (i = 0; i < measure->nr_events; i++) {
		kfree(measure->events[i].digests);
		kfree(measure->events[i].data);
	}
	kfree(measure->events);
	kexec_pending_put(measure->pending);
	if (measure->chip)
		put_device(&measure->chip->dev);
	kfree(measure);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_free, "kexec_measure_kunit,kexec_uki_kunit");

/**
 * kexec_measure_wanted() - tell whether there is any use in a list
 * @measure: the list
 *
 * Return: true if a TPM will be extended with it, or if IMA may record it
 */
bool kexec_measure_wanted(const struct kexec_measure *measure)
{
	return measure->nr_digests || IS_ENABLED(CONFIG_IMA_KEXEC);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_wanted, "kexec_uki");

/**
 * kexec_measure_extends() - tell whether a TPM will be extended
 * @measure: the list
 *
 * Return: true if what is on the list will be in PCRs
 */
bool kexec_measure_extends(const struct kexec_measure *measure)
{
	return measure->nr_digests;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_extends, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_start() - begin the digests of an event
 * @measure: the list that the event will belong to
 */
void kexec_measure_start(struct kexec_measure *measure)
{
	unsigned int i;

	for (i = 0; i < measure->nr_hashes; i++)
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

	for (; len; pos += chunk, len -= chunk) {
		chunk = min_t(size_t, len, HASH_CHUNK);
		for (i = 0; i < measure->nr_hashes; i++)
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

static struct tpm_digest *finish_digests(struct kexec_measure *measure)
{
	struct tpm_digest *digests;
	unsigned int i;

	digests = kzalloc_objs(*digests, measure->nr_hashes);
	if (!digests)
		return NULL;

	for (i = 0; i < measure->nr_hashes; i++) {
		digests[i].alg_id = measure->algs[i];
		bank_hash_final(&measure->hashes[i], measure->algs[i],
				digests[i].digest);
	}
	return digests;
}

/* Takes over @data, NULL if there was no memory for it, in any case. */
static int finish_event(struct kexec_measure *measure, u32 pcr, u32 type,
			const void *data, u32 len)
{
	struct tpm_kexec_event *events = measure->events;
	struct tpm_digest *digests = NULL;

	events = krealloc_array(events, measure->nr_events + 1, sizeof(*events),
				GFP_KERNEL);
	if (events) {
		measure->events = events;
		digests = finish_digests(measure);
	}
	if (!data || !digests) {
		kfree(digests);
		kfree(data);
		return -ENOMEM;
	}

	events[measure->nr_events++] = (struct tpm_kexec_event) {
		.pcr = pcr,
		.type = type,
		.digests = digests,
		.data_len = len,
		.data = data,
	};
	return 0;
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
	return finish_event(measure, pcr, type, kmemdup(data, len, GFP_KERNEL),
			    len);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_finish, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_finish_tagged() - append the event that was started, with a tag
 * @measure: the list
 * @pcr: the PCR to extend
 * @tag: KEXEC_TAG_* or TCG2_TAG_*
 * @data: what follows tag and length in the event data; copied
 * @len: length of @data in bytes
 *
 * Return: 0, -ENOMEM, or -EOVERFLOW
 */
int kexec_measure_finish_tagged(struct kexec_measure *measure, u32 pcr, u32 tag,
				const void *data, u32 len)
{
	u32 event_len;
	u8 *event;

	if (check_add_overflow(len, (u32)TCG2_TAG_HEAD, &event_len))
		return -EOVERFLOW;

	event = kmalloc(event_len, GFP_KERNEL);
	if (event) {
		put_unaligned_le32(tag, event);
		put_unaligned_le32(len, event + sizeof(u32));
		memcpy(event + TCG2_TAG_HEAD, data, len);
	}
	return finish_event(measure, pcr, TCG2_EV_EVENT_TAG, event, event_len);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_finish_tagged, "kexec_uki,kexec_measure_kunit");

static int identify(struct kexec_measure *measure, const char *name,
		    const u8 digest[SHA256_DIGEST_SIZE])
{
	size_t room = IDENTITY_MAX - measure->identity_len;
	int len;

	len = snprintf(measure->identity + measure->identity_len, room,
		       "%s=sha256:%*phN;", name, SHA256_DIGEST_SIZE, digest);
	if (WARN_ON_ONCE(len >= room))
		return -EOVERFLOW;

	measure->identity_len += len;
	return 0;
}

/**
 * kexec_measure_identify() - let IMA name the image by the last event
 * @measure: the list, not empty
 * @name: what the digest of the last event is over, eight characters at most
 *
 * Return: 0, or -EOVERFLOW if these are too many
 */
int kexec_measure_identify(struct kexec_measure *measure, const char *name)
{
	const struct tpm_digest *digests;
	unsigned int i = 0;

	while (measure->algs[i] != TPM_ALG_SHA256)
		i++;
	digests = measure->events[measure->nr_events - 1].digests;
	return identify(measure, name, digests[i].digest);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_identify, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_identify_data() - let IMA name the image by data of no event
 * @measure: the list
 * @name: what the data is, eight characters at most
 * @data: the data; it is not kept
 * @len: its length in bytes
 *
 * Return: 0, or -EOVERFLOW if there are too many
 */
int kexec_measure_identify_data(struct kexec_measure *measure, const char *name,
				const void *data, size_t len)
{
	u8 digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;
	size_t chunk;

	if (!IS_ENABLED(CONFIG_IMA_KEXEC))
		return 0;

	sha256_init(&ctx);
	for (; len; data += chunk, len -= chunk) {
		chunk = min_t(size_t, len, HASH_CHUNK);
		sha256_update(&ctx, data, chunk);
		cond_resched();
	}
	sha256_final(&ctx, digest);
	return identify(measure, name, digest);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_identify_data, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_identity() - what IMA records about the image
 * @measure: the list
 *
 * Return: text, empty if nothing was identified
 */
const char *kexec_measure_identity(const struct kexec_measure *measure)
{
	return measure->identity;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_identity, "kexec_measure_kunit");

/**
 * kexec_measure_events() - look at all events
 * @measure: the list
 * @nr: their number
 *
 * Return: the events, in the order of the extends; those of the list itself
 */
const struct tpm_kexec_event *
kexec_measure_events(const struct kexec_measure *measure, unsigned int *nr)
{
	*nr = measure->nr_events;
	return measure->events;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_events, "kexec_measure_kunit,kexec_uki_kunit");

/* A TPM that this system makes of software counts as none. */
static bool is_none(const struct tpm_chip *chip)
{
	return !chip || chip->flags & TPM_CHIP_FLAG_VIRTUAL;
}

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
 * unless it is that of a TPM 1.2, whose driver has bound, or of a confidential VM,
 * which the stub puts in the same place (efi_retrieve_eventlog() in libstub).
 */
static bool firmware_announces_tpm2(const struct tpm_chip *chip)
{
	if (acpi_announces_tpm2())
		return true;

	return IS_ENABLED(CONFIG_EFI) && is_none(chip) &&
	       efi.tpm_log != EFI_INVALID_TABLE_ADDR && !acpi_announces_cc_log();
}

static bool is_extended(const struct tpm_chip *chip)
{
	return chip->flags & TPM_CHIP_FLAG_TPM2 && chip->nr_allocated_banks;
}

/*
 * Whether @chip is a TPM to extend.  Not, if it is made of software, or no TPM 2.0, or
 * has no bank; one that cannot be extended although it is a TPM 2.0 is refused, for
 * its PCRs would go on to tell of this kernel.
 *
 * 1 if it is, 0 if not, or -ENODEV.
 */
static int usable(struct tpm_chip *chip)
{
	if (is_none(chip))
		return 0;

	if (tpm_is_firmware_upgrade(chip)) {
		pr_notice("refused: the TPM waits for a firmware upgrade\n");
		return -ENODEV;
	}
	return is_extended(chip);
}

/*
 * Under enforcement it has to be the TPM that firmware has measured this boot into:
 * with its driver unbound, or behind a TPM that is made of software, PCRs would go
 * on to tell of this kernel.
 */
static int check_announced(struct kimage *image, const struct tpm_chip *chip)
{
	if (firmware_announces_tpm2(chip) && kexec_file_enforced(image)) {
		pr_notice("refused: firmware announces a TPM 2.0, and no driver has bound to it\n");
		return -ENODEV;
	}

	pr_notice("no TPM 2.0 with an active bank: the next kernel will not be measured\n");
	return 0;
}

static struct kexec_measure *alloc_for_chip(struct tpm_chip *chip)
{
	struct tpm_bank_info algs[MAX_HASHES - 1];
	int nr;

	nr = tpm_kexec_algs(chip, algs, ARRAY_SIZE(algs));
	if (nr < 0) {
		pr_notice("refused: there is no log of the TPM (%d)\n", nr);
		return ERR_PTR(nr);
	}
	return kexec_measure_alloc(algs, nr, chip->nr_allocated_banks);
}

/*
 * Gives @image a list that is still empty.  One line in the log says so if nothing
 * will be extended with it.
 */
static int prepare(struct kimage *image, struct tpm_chip *chip)
{
	struct kexec_measure *measure;
	int ret;

	ret = usable(chip);
	if (!ret)
		ret = check_announced(image, chip);
	if (ret < 0)
		return ret;

	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		pr_notice("confidential VM: its own measurement registers are not extended\n");

	measure = ret ? alloc_for_chip(chip) : kexec_measure_alloc(NULL, 0, 0);
	if (IS_ERR(measure))
		return PTR_ERR(measure);

	measure->chip = chip;
	image->measure = measure;
	return 0;
}

/*
 * Whether the loader lists events of its own.  There is none for kexec_load(), and
 * none yet before a file was probed that is no UKI.
 */
static bool has_events(const struct kimage *image)
{
	return image && image->fops && image->fops->measure;
}

/* Events of the kexec itself, then those of what is started. */
static int list_events(struct kimage *image)
{
	struct kexec_measure *measure = image->measure;
	int ret;

	if (measure->nr_digests) {
		ret = tpm_kexec_count(measure->chip);
		if (ret < 0)
			return ret;
		measure->nr_kexecs = ret;
		ret = kexec_measure_marker(measure, ret + 1);
		if (ret)
			return ret;
	}

	if (has_events(image))
		return image->fops->measure(image);
	if (!measure->nr_digests)
		return 0;

	return image->file_mode ? kexec_measure_kernel(image) :
				  kexec_measure_segments(measure);
}

static bool is_measured(const struct kimage *image)
{
	return measure_all || has_events(image);
}

/* Writes one record after the other, or counts them if @buf is NULL. */
static ssize_t write_records(const struct kexec_measure *measure, u8 *buf,
			     size_t size)
{
	size_t fill = 0;
	unsigned int i;
	int len;

	for (i = 0; i < measure->nr_events; i++) {
		len = tpm_kexec_record(measure->chip, &measure->events[i],
				       measure->nr_digests,
				       buf ? buf + fill : NULL,
				       buf ? size - fill : 0);
		if (len < 0)
			return len;
		fill += len;
	}
	return fill;
}

static int make_pending(struct kexec_measure *measure)
{
	ssize_t len = write_records(measure, NULL, 0);

	if (len < 0)
		return len;

	measure->pending = kexec_pending_alloc(len);
	if (!measure->pending)
		return -ENOMEM;

	len = write_records(measure, measure->pending->records, len);
	return min(len, 0);
}

/* Like IMA's list, it has no content before the execute. */
static int add_segment(struct kimage *image)
{
	struct kexec_measure *measure = image->measure;
	struct kexec_buf kbuf = {
		.image = image,
		.buf_max = ULONG_MAX,
		.buf_align = PAGE_SIZE,
		.top_down = true,
	};
	int ret;

	kbuf.memsz = measure->segment_size;
	ret = kexec_add_buffer(&kbuf);
	if (ret) {
		pr_notice("refused: no place for the TPM's log, %zu bytes (%d)\n",
			  measure->segment_size, ret);
		return ret;
	}

	measure->segment_size = kbuf.memsz;
	measure->segment_idx = image->nr_segments - 1;
	__set_bit(measure->segment_idx, image->undigested);
	image->tpm_log_addr = kbuf.mem;
	image->tpm_log_size = kbuf.memsz;
	return 0;
}

static int make_list(struct kimage *image)
{
	struct kexec_measure *measure = image->measure;
	int ret = 0;

	if (is_measured(image))
		ret = list_events(image);
	if (ret || !measure->nr_digests)
		return ret;

	ret = make_pending(measure);
	if (ret || !image->file_mode)
		return ret;
	return tpm_kexec_segment_size(measure->chip, measure->pending->len,
				      &measure->segment_size);
}

/*
 * Whether another kexec has taken the marker's number since: one that was executed,
 * and failed, while the list was made.  One of which nobody knows yet whether its
 * marker was extended is found when that is settled, by tpm_kexec_execute().
 */
static bool marker_is_taken(const struct kexec_measure *measure)
{
	return measure->nr_events && measure->nr_digests &&
	       tpm_kexec_count(measure->chip) != measure->nr_kexecs;
}

/* Who does not want a kernel measured must not lose it to a TPM that fails. */
static int load_without_list(struct kimage *image)
{
	pr_notice("kexec_measure=uki: loaded all the same, without the TPM's log\n");
	kexec_measure_free(image->measure);
	image->measure = NULL;
	return 0;
}

/*
 * A crash kernel runs when the machine has crashed: too late to be measured.  The
 * segments of kexec_load() are user space's, the log cannot be among them.
 */
static bool needs_no_list(const struct kimage *image)
{
	return image->type == KEXEC_TYPE_CRASH ||
	       (!image->file_mode && !is_measured(image));
}

/**
 * kexec_measure_ask() - see whether the TPM can be used, before a load begins
 * @image: the image as far as it is known; NULL for one of kexec_load()
 *
 * The kexec lock must not be held: a TPM may be silent for long, and __crash_kexec()
 * only tries to take that lock.  Once it is held nothing of this file asks the TPM until
 * the execute; IMA does, where its policy has it record that an image was loaded.
 *
 * Return: 0, also without a TPM; -ENODEV if it does not answer and what is loaded
 *	   will be measured
 */
int kexec_measure_ask(const struct kimage *image)
{
	struct tpm_chip *chip;
	int ret = 0;

	if (!is_measured(image))
		return 0;

	chip = tpm_kexec_chip();
	if (!is_none(chip) && !tpm_is_firmware_upgrade(chip) && is_extended(chip))
		ret = tpm_kexec_ask(chip);
	if (chip)
		put_device(&chip->dev);
	if (!ret)
		return 0;

	pr_notice("refused: the TPM does not answer (%d)\n", ret);
	return -ENODEV;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_ask, "kexec_measure_kunit");

/**
 * kexec_measure_prepare() - list what an image will be measured with
 * @image: the image, with all that its loader will take; gets &kimage.measure, which
 *	   is freed with it
 *
 * Files are hashed, which takes a while, so the kexec lock should not be held: as long
 * as it is, __crash_kexec() starts no crash kernel.  The two small events of
 * kexec_load() do no harm under it.  The TPM is not asked.
 *
 * An image that kexec_measure=uki leaves out gets no events.  One of kexec_load() gets
 * the events that tell of it, and will have no segment.
 *
 * Return: 0, also if there is nothing to extend, which one line in the log says;
 *	   -ENODEV if signatures are enforced and the TPM that firmware announces
 *	   is not there, or if a TPM has no log; -ENOPKG if the kernel cannot compute
 *	   the hash of a bank; -ENOSPC if the log is too long; -ENOMEM; what the
 *	   loader returns
 */
int kexec_measure_prepare(struct kimage *image)
{
	struct tpm_chip *chip;
	int ret;

	if (needs_no_list(image))
		return 0;

	chip = tpm_kexec_chip();
	ret = prepare(image, chip);
	if (!ret)
		ret = make_list(image);
	else if (chip)
		put_device(&chip->dev);

	if (ret && !is_measured(image))
		return load_without_list(image);

	/* On EINVAL user space would fall back to kexec_load(). */
	return ret == -EINVAL ? -EIO : ret;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_prepare, "kexec_measure_kunit");

/**
 * kexec_measure_load() - give an image a segment for the log
 * @image: the image, after kexec_measure_prepare()
 *
 * Under the kexec lock, so that no execute can come between.
 *
 * Return: 0, also if there is nothing to extend; -EBUSY if a kexec was tried since
 *	   kexec_measure_prepare(); what kexec_add_buffer() returns
 */
int kexec_measure_load(struct kimage *image)
{
	struct kexec_measure *measure = image->measure;
	int ret;

	if (!measure || !measure->segment_size)
		return 0;

	if (marker_is_taken(measure)) {
		pr_notice("refused: a kexec was tried meanwhile, load the image anew\n");
		return -EBUSY;
	}
	ret = add_segment(image);
	if (ret && !is_measured(image))
		return load_without_list(image);

	return ret == -EINVAL ? -EIO : ret;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_load, "kexec_measure_kunit");

/**
 * kexec_measure_post_load() - make the log's segment ready to be filled
 * @image: the image, its segments loaded
 *
 * Return: 0, or -ENOMEM
 */
int kexec_measure_post_load(struct kimage *image)
{
	struct kexec_measure *measure = image->measure;

	if (!measure || !measure->segment_size)
		return 0;

	measure->segment = kimage_map_segment(image, measure->segment_idx);
	return measure->segment ? 0 : -ENOMEM;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_post_load, "kexec_measure_kunit");

/**
 * kexec_measure_release() - let go of an image's list and of the log's segment
 * @image: the image, whose pages are still there
 */
void kexec_measure_release(struct kimage *image)
{
	struct kexec_measure *measure = image->measure;

	if (!measure)
		return;

	if (measure->segment)
		kimage_unmap_segment(measure->segment);
	measure->segment = NULL;
	kexec_measure_free(measure);
	image->measure = NULL;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_release, "kexec_measure_kunit");

/**
 * kexec_measure_publish() - let user space see what an execute would extend
 * @image: the image that an execute would start, or NULL
 *
 * The kexec lock is held, as for the exchange of images.
 */
void kexec_measure_publish(const struct kimage *image)
{
	const struct kexec_measure *measure = image ? image->measure : NULL;

	kexec_pending_publish(measure && !measure->spent ? measure->pending :
							   NULL);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_publish, "kexec_measure_kunit");

/* From here on the list may be in the TPM, or a part of it. */
static void spend(struct kexec_measure *measure)
{
	measure->spent = true;
	kexec_pending_publish(NULL);
}

/* The chip is held since the load, it cannot have been freed and made anew. */
static bool chip_changed(const struct kexec_measure *measure)
{
	struct tpm_chip *chip = tpm_kexec_chip();
	bool changed;

	changed = chip != measure->chip &&
		  !(is_none(chip) && is_none(measure->chip));
	if (chip)
		put_device(&chip->dev);
	return changed;
}

static int marker_was_taken(void)
{
	pr_notice("refused: a kexec was tried since the load, load the image anew\n");
	return -ESTALE;
}

static int check_stale(const struct kexec_measure *measure)
{
	if (measure->spent) {
		pr_notice("refused: the image was spent by an execute that failed, load it anew\n");
		return -ESTALE;
	}
	if (chip_changed(measure)) {
		pr_notice("refused: the TPM is not the one at load, load the image anew\n");
		return -ESTALE;
	}
	return marker_is_taken(measure) ? marker_was_taken() : 0;
}

static int extend_events(struct kexec_measure *measure, int nr_kexecs)
{
	return tpm_kexec_execute(measure->chip, measure->events,
				 measure->nr_events, measure->nr_digests,
				 nr_kexecs, measure->segment,
				 measure->segment_size);
}

/* The TPM core says what has failed, and extends nothing if it lacks room. */
static int extend(struct kexec_measure *measure)
{
	int ret = extend_events(measure, measure->nr_kexecs);

	if (ret == -ENOSPC || ret == -ENOMEM)
		return ret;
	if (ret == -ESTALE)
		return marker_was_taken();

	spend(measure);
	if (ret)
		return -EIO;

	pr_info("extended the TPM with %u events\n", measure->nr_events);
	return 0;
}

/* Without events nothing is lost with the TPM but the log. */
static void hand_over(struct kexec_measure *measure)
{
	if (chip_changed(measure) || extend_events(measure, -1))
		pr_notice("kexec_measure=uki: executed all the same, without the TPM's log\n");
}

/* Its list does not go along with an image of kexec_load(). */
static int tell_ima(struct kimage *image, const char *identity, size_t len)
{
	return image->file_mode ? ima_kexec_execute(image, identity, len) : 0;
}

/**
 * kexec_measure_execute() - extend the TPM before an image is executed
 * @image: the image; one without measurements needs none
 *
 * Called under the kexec lock, and before anything that cannot be undone.  After a
 * success the TPM takes no extends of user space until the next kernel has it, or
 * until kexec_measure_cancel().
 *
 * Return: 0; -ESTALE if an earlier execute has spent the image, another one has taken
 *	   its marker's number, or the TPM is not the one that it was loaded for;
 *	   -ENOSPC if IMA's list or the log have become too long, or -ENOMEM, and
 *	   nothing was extended; -EIO if an extend failed
 */
int kexec_measure_execute(struct kimage *image)
{
	struct kexec_measure *measure = image->measure;
	bool measured = is_measured(image);
	int ret;

	if (!measure)
		return tell_ima(image, NULL, 0);

	ret = measured ? check_stale(measure) : 0;
	if (ret)
		return ret;

	ret = tell_ima(image, measure->identity_len ? measure->identity : NULL,
		       measure->identity_len);
	if (ret || !measure->nr_digests)
		return ret;
	if (measured)
		return extend(measure);

	hand_over(measure);
	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_execute, "kexec_measure_kunit");

/**
 * kexec_measure_cancel() - go on with this kernel after all
 * @image: the image, after kexec_measure_execute() has succeeded
 *
 * What was extended is extended, and stays in the log.  Also for a kernel that comes
 * back from a jump (KEXEC_PRESERVE_CONTEXT): the image is spent, for to jump again is
 * another kexec.
 */
void kexec_measure_cancel(struct kimage *image)
{
	if (image->measure && image->measure->nr_digests)
		tpm_kexec_thaw();
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_cancel, "kexec_measure_kunit");
