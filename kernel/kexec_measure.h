/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Measurements of a kexec image: digests at load, extends at execute
 *
 * Private to kernel/kexec*.
 */

#ifndef _KERNEL_KEXEC_MEASURE_H
#define _KERNEL_KEXEC_MEASURE_H

#include <linux/ima.h>
#include <linux/kexec.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct kexec_measure;
struct pefile;
struct tpm_bank_info;
struct tpm_kexec_event;

/*
 * Event types, TCG PC Client Platform Firmware Profile 10.4.1: the ones that the
 * firmware, systemd-stub and the EFI stub log.  EV_EVENT_TAG is TCG2_EV_EVENT_TAG.
 */
#define KEXEC_EV_IPL				0x0000000d
#define KEXEC_EV_EFI_BOOT_SERVICES_APPLICATION	0x80000003

/*
 * Tags of EV_EVENT_TAG events that others have defined.  LOAD_OPTIONS and INITRD are
 * those of the EFI stub (LOAD_OPTIONS_EVENT_TAG_ID and INITRD_EVENT_TAG_ID in its
 * efistub.h), the others those of systemd-stub (systemd's src/fundamental/tpm2-pcr.h).
 * Our own are TCG2_TAG_KEXEC*.
 */
#define KEXEC_TAG_LOAD_OPTIONS		0x8f3b22ed
#define KEXEC_TAG_INITRD		0x8f3b22ec
#define KEXEC_TAG_PROFILE		0x13aed6db
#define KEXEC_TAG_ADDON_DEVICETREE	0x6c46f751
#define KEXEC_TAG_ADDON_INITRD		0x49dffe0f
#define KEXEC_TAG_ADDON_UCODE		0xdac08e1a

/**
 * struct kexec_pending - log records of what an execute will extend
 * @refs: who holds it: the image, the file in securityfs, each of its readers
 * @len: length of @records in bytes
 * @records: TCG_PCR_EVENT2 records, never changed once they are published
 */
struct kexec_pending {
	refcount_t refs;
	size_t len;
	u8 records[] __counted_by(len);
};

#if IS_ENABLED(CONFIG_KEXEC_MEASURE)

/* kexec_measure.c: the list */
struct kexec_measure *kexec_measure_alloc(const struct tpm_bank_info *algs,
					  unsigned int nr_algs,
					  unsigned int nr_banks);
void kexec_measure_free(struct kexec_measure *measure);

bool kexec_measure_wanted(const struct kexec_measure *measure);
bool kexec_measure_extends(const struct kexec_measure *measure);
void kexec_measure_start(struct kexec_measure *measure);
void kexec_measure_update(struct kexec_measure *measure, const void *data,
			  size_t len);
void kexec_measure_update_zeros(struct kexec_measure *measure, size_t len);
int kexec_measure_finish(struct kexec_measure *measure, u32 pcr, u32 type,
			 const void *data, u32 len);
int kexec_measure_finish_tagged(struct kexec_measure *measure, u32 pcr, u32 tag,
				const void *data, u32 len);
int kexec_measure_identify(struct kexec_measure *measure, const char *name);
int kexec_measure_identify_data(struct kexec_measure *measure, const char *name,
				const void *data, size_t len);
const struct tpm_kexec_event *
kexec_measure_events(const struct kexec_measure *measure, unsigned int *nr);
const char *kexec_measure_identity(const struct kexec_measure *measure);

/* kexec_measure.c: the image */
int kexec_measure_ask(const struct kimage *image);
int kexec_measure_prepare(struct kimage *image);
int kexec_measure_load(struct kimage *image);
int kexec_measure_post_load(struct kimage *image);
void kexec_measure_publish(const struct kimage *image);
int kexec_measure_execute(struct kimage *image);
void kexec_measure_cancel(struct kimage *image);
void kexec_measure_release(struct kimage *image);

/* kexec_measure_image.c: events that UKIs and other kernels share */
int kexec_measure_marker(struct kexec_measure *measure, unsigned int nr);
int kexec_measure_pe(struct kexec_measure *measure, const void *file, size_t len,
		     const struct pefile *pe);
int kexec_measure_load_options(struct kexec_measure *measure, const void *text,
			       size_t len);
int kexec_measure_initrd(struct kexec_measure *measure, const void *data,
			 size_t len);
int kexec_measure_kernel(struct kimage *image);
int kexec_measure_segments(struct kexec_measure *measure);

/* kexec_measure_pending.c */
struct kexec_pending *kexec_pending_alloc(size_t len);
void kexec_pending_put(struct kexec_pending *pending);
void kexec_pending_publish(struct kexec_pending *pending);
struct kexec_pending *kexec_pending_get(void);

#else

static inline void kexec_measure_free(struct kexec_measure *measure)
{
}

static inline int kexec_measure_ask(const struct kimage *image)
{
	return 0;
}

static inline int kexec_measure_prepare(struct kimage *image)
{
	return 0;
}

static inline int kexec_measure_load(struct kimage *image)
{
	return 0;
}

static inline int kexec_measure_post_load(struct kimage *image)
{
	return 0;
}

static inline void kexec_measure_publish(const struct kimage *image)
{
}

static inline int kexec_measure_execute(struct kimage *image)
{
	return image->file_mode ? ima_kexec_execute(image, NULL, 0) : 0;
}

static inline void kexec_measure_cancel(struct kimage *image)
{
}

static inline void kexec_measure_release(struct kimage *image)
{
}

#endif /* CONFIG_KEXEC_MEASURE */

#endif /* _KERNEL_KEXEC_MEASURE_H */
