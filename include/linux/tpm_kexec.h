/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kexec asks of the TPM core: extend for the next kernel, hand the log over
 */

#ifndef _LINUX_TPM_KEXEC_H
#define _LINUX_TPM_KEXEC_H

#include <linux/errno.h>
#include <linux/init.h>
#include <linux/types.h>

struct tpm_bank_info;
struct tpm_chip;
struct tpm_digest;

/**
 * struct tpm_kexec_event - an event that the next kernel is measured with
 * @pcr: the PCR that it extends
 * @type: TCG2_EV_*
 * @digests: one digest for each algorithm of tpm_kexec_algs(), in that order; those
 *	     of the banks come first
 * @data_len: length of @data in bytes
 * @data: event data for the log
 */
struct tpm_kexec_event {
	u32 pcr;
	u32 type;
	const struct tpm_digest *digests;
	u32 data_len;
	const u8 *data;
};

#if IS_ENABLED(CONFIG_TCG_LIVE_LOG)

struct tpm_chip *tpm_kexec_chip(void);
int tpm_kexec_ask(struct tpm_chip *chip);
int tpm_kexec_algs(struct tpm_chip *chip, struct tpm_bank_info *algs,
		   unsigned int max);
int tpm_kexec_count(struct tpm_chip *chip);
int tpm_kexec_record(struct tpm_chip *chip, const struct tpm_kexec_event *event,
		     unsigned int nr_digests, void *buf, size_t size);
int tpm_kexec_segment_size(struct tpm_chip *chip, size_t pending_len,
			   size_t *size);
int tpm_kexec_execute(struct tpm_chip *chip,
		      const struct tpm_kexec_event *events,
		      unsigned int nr_events, unsigned int nr_digests,
		      int nr_kexecs, void *segment, size_t segment_size);
void tpm_kexec_thaw(void);

#else

/* Without it there is no TPM that kexec could extend. */
static inline struct tpm_chip *tpm_kexec_chip(void)
{
	return NULL;
}

static inline int tpm_kexec_ask(struct tpm_chip *chip)
{
	return 0;
}

static inline int tpm_kexec_algs(struct tpm_chip *chip,
				 struct tpm_bank_info *algs, unsigned int max)
{
	return -ENODEV;
}

static inline int tpm_kexec_count(struct tpm_chip *chip)
{
	return 0;
}

static inline int tpm_kexec_record(struct tpm_chip *chip,
				   const struct tpm_kexec_event *event,
				   unsigned int nr_digests, void *buf,
				   size_t size)
{
	return -ENODEV;
}

static inline int tpm_kexec_segment_size(struct tpm_chip *chip,
					 size_t pending_len, size_t *size)
{
	return -ENODEV;
}

static inline int tpm_kexec_execute(struct tpm_chip *chip,
				    const struct tpm_kexec_event *events,
				    unsigned int nr_events,
				    unsigned int nr_digests, int nr_kexecs,
				    void *segment, size_t segment_size)
{
	return -ENODEV;
}

static inline void tpm_kexec_thaw(void)
{
}

#endif /* CONFIG_TCG_LIVE_LOG */

/*
 * Where the last kernel has left its log; by the architecture, for the TPM core.
 * The address is that of RAM which nobody else uses, or the log is not told of.
 */
#ifdef CONFIG_HAVE_TPM_KEXEC_LOG
int __init tpm_get_kexec_log(void **addr, size_t *size);
int __init tpm_free_kexec_log(void);
#else
static inline int tpm_get_kexec_log(void **addr, size_t *size)
{
	return -ENOENT;
}

static inline int tpm_free_kexec_log(void)
{
	return -ENOENT;
}
#endif

#endif /* _LINUX_TPM_KEXEC_H */
