/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Measurements of a kexec image: digests at load, extends at execute
 *
 * Private to kernel/kexec*.
 */

#ifndef _KERNEL_KEXEC_MEASURE_H
#define _KERNEL_KEXEC_MEASURE_H

#include <linux/types.h>

struct kexec_measure;
struct kimage;
struct tpm_bank_info;
struct tpm_chip;
struct tpm_digest;

/*
 * Event types, TCG PC Client Platform Firmware Profile 10.4.1: the ones that the
 * firmware, systemd-stub and the EFI stub log.
 */
#define KEXEC_EV_EVENT_TAG			0x00000006
#define KEXEC_EV_IPL				0x0000000d
#define KEXEC_EV_EFI_BOOT_SERVICES_APPLICATION	0x80000003

/*
 * Tags of EV_EVENT_TAG events.  LOAD_OPTIONS and INITRD are those of the EFI stub
 * (LOAD_OPTIONS_EVENT_TAG_ID and INITRD_EVENT_TAG_ID in its efistub.h), PROFILE is
 * that of systemd-stub (systemd's src/fundamental/tpm2-pcr.h).  The others are our
 * own: 0x6b78 is "kx".
 */
#define KEXEC_TAG_MARKER		0x6b780001
#define KEXEC_TAG_PASSED_INITRD		0x6b780002
#define KEXEC_TAG_PROFILE		0x13aed6db
#define KEXEC_TAG_LOAD_OPTIONS		0x8f3b22ed
#define KEXEC_TAG_INITRD		0x8f3b22ec

/**
 * typedef kexec_measure_extend_t - extend one PCR in all banks
 * @chip: the TPM
 * @pcr: the PCR
 * @digests: one digest for each bank, in the order of the banks
 *
 * Return: 0 on success, anything else on failure, as tpm_pcr_extend()
 */
typedef int (*kexec_measure_extend_t)(struct tpm_chip *chip, u32 pcr,
				      struct tpm_digest *digests);

/**
 * struct kexec_measure_event - an event as kexec_measure_for_each() shows it
 * @pcr: the PCR that it extends
 * @type: KEXEC_EV_*
 * @nr_digests: number of @digests
 * @digests: one digest for each bank, in the order of the banks
 * @data_len: length of @data in bytes
 * @data: event data for the log
 */
struct kexec_measure_event {
	u32 pcr;
	u32 type;
	unsigned int nr_digests;
	const struct tpm_digest *digests;
	u32 data_len;
	const u8 *data;
};

/**
 * typedef kexec_measure_visit_t - look at an event
 * @event: the event; what it points to lives as long as the list
 * @context: what kexec_measure_for_each() was given
 *
 * Return: 0 to go on, anything else to stop
 */
typedef int (*kexec_measure_visit_t)(const struct kexec_measure_event *event,
				     void *context);

#if IS_ENABLED(CONFIG_KEXEC_MEASURE)

struct kexec_measure *kexec_measure_alloc(const struct tpm_bank_info *banks,
					  unsigned int nr_banks);
void kexec_measure_free(struct kexec_measure *measure);

void kexec_measure_start(struct kexec_measure *measure);
void kexec_measure_update(struct kexec_measure *measure, const void *data,
			  size_t len);
void kexec_measure_update_zeros(struct kexec_measure *measure, size_t len);
int kexec_measure_finish(struct kexec_measure *measure, u32 pcr, u32 type,
			 const void *data, u32 len);
int kexec_measure_finish_tagged(struct kexec_measure *measure, u32 pcr, u32 tag,
				const void *data, u32 len);
int kexec_measure_marker(struct kexec_measure *measure);

int kexec_measure_for_each(const struct kexec_measure *measure,
			   kexec_measure_visit_t visit, void *context);
int kexec_measure_extend_all(struct kexec_measure *measure,
			     kexec_measure_extend_t extend);
int kexec_measure_prepare(struct kimage *image);
int kexec_measure_execute(struct kimage *image);

#else

static inline void kexec_measure_free(struct kexec_measure *measure)
{
}

static inline int kexec_measure_execute(struct kimage *image)
{
	return 0;
}

#endif /* CONFIG_KEXEC_MEASURE */

#endif /* _KERNEL_KEXEC_MEASURE_H */
