/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The event log that goes on while the system runs
 *
 * recorder.c sees what the TPM is extended with, by way of pcr.c also what came of
 * it; live.c has the log, live_setup.c begins it, kexec_log.c hands it over when
 * kexec.c says so.
 */

#ifndef __TPM_EVENTLOG_LIVE_H__
#define __TPM_EVENTLOG_LIVE_H__

#include <linux/kconfig.h>
#include <linux/mutex.h>
#include <linux/tcg2_log.h>
#include <linux/tpm.h>

#include "../tpm.h"
#include "tpm2_extend.h"

struct seq_operations;
struct tpm_kexec_event;

/*
 * PCRs 0 to 15 keep what they were extended with until the platform is reset (TCG PC
 * Client Platform TPM Profile 1.06, 4.6.1); a log of the others would explain
 * nothing.
 */
#define TPM_LIVE_PCRS		16

/* A kexec event has one for each bank, and one for what else the header may list. */
#define TPM_LIVE_MAX_DIGESTS	(TPM2_MAX_PCR_BANKS + TCG2_LOG_MAX_ALGS)

/**
 * struct tpm_live_pcr - what the log knows of a PCR
 * @known: @value is that of the PCR
 * @value: value of the PCR in the shadow bank
 * @share: bytes of the log that are records of extends by others, or notes
 * @full: the share is used up, and a note in the log says so
 */
struct tpm_live_pcr {
	bool known;
	u8 value[TPM2_MAX_DIGEST_SIZE];
	size_t share;
	bool full;
};

/**
 * struct tpm_live_extend - the extend that is with the TPM
 * @pcr: the PCR that it extends
 * @who: for the record of an extend by others; NULL for a kexec event of our own,
 *	 which has no share
 * @unparsed: the command was not understood, so nobody knows what it extends with
 * @alg: TPM_ALG_* of the bank that tells whether the extend was executed; 0 if none
 *	 does
 * @untold: it gives digests for active banks, and none of these has the PCR; else,
 *	    without @alg, it gives a digest for no active bank and changes nothing
 * @size: bytes of a digest of @alg
 * @before: the PCR before the extend, in bank @alg
 * @after: the PCR after it
 * @after_known: @after is known
 * @staged: length of the record that becomes part of the log if the extend was
 *	    executed; the record is in the buffer, behind the log.  0 if there is none
 * @fills: that record is the note that the share is used up
 * @executed: the extend was executed, and is what it was meant to be
 * @unchanged: it was not sent, or the PCR is what it was
 */
struct tpm_live_extend {
	u32 pcr;
	const char *who;
	bool unparsed;
	u16 alg;
	u16 size;
	bool untold;
	u8 before[TPM2_MAX_DIGEST_SIZE];
	u8 after[TPM2_MAX_DIGEST_SIZE];
	bool after_known;
	size_t staged;
	bool fills;
	bool executed;
	bool unchanged;
};

enum tpm_live_state {
	TPM_LIVE_IDLE,		/* all extends are settled */
	TPM_LIVE_SENT,		/* an extend is with the TPM */
	TPM_LIVE_UNSETTLED,	/* nobody knows yet whether it was executed */
};

/**
 * struct tpm_live_log - the log of one TPM
 * @head: the Spec ID event that the log begins with; does not change
 * @boot_len: length of the log when this kernel began with it; does not change
 * @handed_over: the last kernel has left this log; does not change
 * @lock: guards @buf to @frozen and the shares in @pcrs against those who do not
 *	  hold the chip.  Taken inside of the chip's tpm_mutex
 * @buf: the log
 * @size: bytes of @buf
 * @len: bytes of the log
 * @owed: bytes that the last extend adds to the log if it turns out that it was
 *	  executed; 0 unless nobody could tell so far
 * @share_max: limit of &tpm_live_pcr.share
 * @frozen: a kexec has begun; who extends a PCR that is recorded gets EBUSY
 * @pcrs: PCRs 0 to 15
 * @shadow_alg: TPM_ALG_* of the bank in which values of PCRs are followed
 * @shadow_size: bytes of a digest of @shadow_alg
 * @out_of_step: a command had no answer, and the next response may be that to it;
 *		 belongs, as all that follows, to the holder of the chip
 * @recheck: the TPM may have been used or reset unseen, so the values in @pcrs have
 *	     to be compared
 * @state: of @extend
 * @extend: the extend that is with the TPM
 * @given: what it gives
 * @note: for a note in the making
 * @note_data: the same, as event data
 */
struct tpm_live_log {
	struct tcg2_log_head head;
	size_t boot_len;
	bool handed_over;

	struct mutex lock;	/* for those who do not hold the chip */
	u8 *buf;
	size_t size;
	size_t len;
	size_t owed;
	size_t share_max;
	bool frozen;
	struct tpm_live_pcr pcrs[TPM_LIVE_PCRS];

	u16 shadow_alg;
	u16 shadow_size;
	bool out_of_step;
	bool recheck;
	enum tpm_live_state state;
	struct tpm_live_extend extend;
	struct tpm2_extend given;
	struct tcg2_note note;
	u8 note_data[TCG2_NOTE_MAX];
};

#ifdef CONFIG_TCG_LIVE_LOG

/* live.c */

extern const struct seq_operations tpm_live_measurements_seqops;

bool tpm_live_records(u32 pcr);
int tpm_live_make_room(struct tpm_live_log *live, size_t len);
void tpm_live_kexec_record(const struct tpm_kexec_event *event,
			   unsigned int nr_digests,
			   struct tcg2_log_digest *digests,
			   struct tcg2_log_event *record);
int tpm_live_stage(struct tpm_live_log *live,
		   const struct tcg2_log_event *event);
int tpm_live_stage_in_share(struct tpm_live_log *live,
			    const struct tcg2_log_event *event);
int tpm_live_make_note(struct tpm_live_log *live, struct tcg2_log_event *event);
void tpm_live_note_unknown(struct tpm_live_log *live);
size_t tpm_live_short_note_len(const struct tpm_live_log *live);
void tpm_live_commit(struct tpm_live_log *live, bool in_share);
bool tpm_live_is_frozen(struct tpm_live_log *live);
bool tpm_live_is_frozen_without(const struct tpm_chip *chip);
void tpm_live_freeze(struct tpm_live_log *live, bool frozen);
void tpm_live_recheck(struct tpm_live_log *live);
int tpm_live_create_file(struct tpm_chip *chip,
			 const struct file_operations *fops);

/* live_setup.c */

struct tpm_live_log *tpm_live_create(const struct tpm_bank_info *banks,
				     unsigned int nr_banks,
				     const void *log, size_t len);
void tpm_live_free(struct tpm_live_log *live);
struct tpm_live_log *tpm_live_of_boot(void);
int tpm_live_setup(struct tpm_chip *chip, int log_version);

static inline bool tpm_has_live_log(const struct tpm_chip *chip)
{
	return chip->live;
}

/* pcr.c */

bool tpm_live_can_hash(u16 alg);
bool tpm_live_extend_value(u16 alg, u16 size, u8 *value, const u8 *digest);
int tpm_live_read_pcr(struct tpm_chip *chip, u32 pcr, u16 alg, u16 size,
		      u8 *value);

/* recorder.c: for who holds the chip, between tpm_try_get_ops(), tpm_put_ops() */

int tpm_live_user_begin(struct tpm_chip *chip, const u8 *cmd, size_t size);
void tpm_live_user_cancel(struct tpm_chip *chip);
void tpm_live_user_end(struct tpm_chip *chip, const u8 *rsp, ssize_t len);
int tpm_live_pcr_extend(struct tpm_chip *chip, u32 pcr,
			const struct tpm_digest *digests);
int tpm_live_kexec_extend(struct tpm_chip *chip,
			  const struct tpm_kexec_event *event,
			  unsigned int nr_digests);
int tpm_live_settle(struct tpm_chip *chip);
void tpm_live_no_answer(struct tpm_chip *chip);

static inline void tpm_live_resume(struct tpm_chip *chip)
{
	if (chip->live)
		tpm_live_recheck(chip->live);
}

/* kexec_log.c */

int tpm_kexec_log_write(void *buf, size_t size, const void *log, size_t len);
int tpm_kexec_log_check(const void *buf, size_t size, const void **log,
			size_t *len);
bool tpm_kexec_log_continues(const void *log, size_t len, const void *firmware,
			     size_t firmware_len);
void tpm_kexec_restore_log(void);
void *tpm_kexec_take_log(size_t *len);

#else

static inline int tpm_live_setup(struct tpm_chip *chip, int log_version)
{
	return log_version;
}

static inline int tpm_live_create_file(struct tpm_chip *chip,
				       const struct file_operations *fops)
{
	return 0;
}

static inline bool tpm_has_live_log(const struct tpm_chip *chip)
{
	return false;
}

static inline int tpm_live_user_begin(struct tpm_chip *chip, const u8 *cmd,
				      size_t size)
{
	return 0;
}

static inline void tpm_live_user_cancel(struct tpm_chip *chip)
{
}

static inline void tpm_live_user_end(struct tpm_chip *chip, const u8 *rsp,
				     ssize_t len)
{
}

static inline void tpm_live_no_answer(struct tpm_chip *chip)
{
}

static inline void tpm_live_resume(struct tpm_chip *chip)
{
}

static inline int tpm_live_pcr_extend(struct tpm_chip *chip, u32 pcr,
				      const struct tpm_digest *digests)
{
	return tpm2_pcr_extend(chip, pcr, digests);
}

static inline void tpm_kexec_restore_log(void)
{
}

#endif /* CONFIG_TCG_LIVE_LOG */

#endif /* __TPM_EVENTLOG_LIVE_H__ */
