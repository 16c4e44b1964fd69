/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A TPM 2.0 for KUnit tests of the live log, and what is done to it
 *
 * It keeps PCRs in memory and fails as it is told.  It is never registered: no
 * log of a real TPM, and none of this boot, is touched.
 */

#ifndef __FAKE_TPM_H__
#define __FAKE_TPM_H__

#include <crypto/sha1.h>
#include <crypto/sha2.h>
#include <crypto/sm3.h>
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/tcg2_log.h>
#include <linux/tpm.h>
#include <linux/tpm_kexec.h>
#include <linux/unaligned.h>

#include "../../tpm.h"
#include "../kexec_log_abi.h"
#include "../live.h"

#define NR_PCRS		24
#define MAX_DIGEST	64
#define NR_EVENTS	6

/* TPM 2.0 Library Part 2, 6.5.2 */
#define CC_PCR_EVENT		0x13c
#define CC_EVENT_SEQUENCE	0x185

/* Part 2, 6.6.3 and 7.4 */
#define RC_FAILURE		0x101
#define RC_COMMAND_CODE		0x143
#define RC_RETRY		0x922
#define RH_NULL			0x40000007
#define RS_PW			0x40000009

/* A response that makes no sense, but is as long as it says. */
#define NONSENSE		0xdeadbeef

/* Success, with a list of digests that is empty. */
#define NO_DIGESTS		0xdead0000

/*
 * A response to TPM2_PCR_Read that is not the one to this command: it has
 * another value, and is wrong at one more place, &fake_tpm.wrong_at.
 */
#define ANOTHER			0xdeadbef0
#define READ_DIGEST		30	/* where the value begins */
#define READ_NONE		28	/* length without one */

/* TPM_ALG_SHA3_256: there may be such a bank, and there is no code for it. */
#define ALG_UNHASHED		0x0027

/* One that the TPM knows, with digests of 32 bytes, and the kernel does not. */
#define ALG_UNKNOWN		0x0099

#define NR_BANKS	6
#define NR_FAULTS	9
#define NR_USER_CODES	3
#define NR_READ_ANSWERS	4

/* As a mask of banks: those that can be hashed. */
#define FIVE		0x1f

/**
 * struct fake_bank - a bank that a TPM may have
 * @id: TPM_ALG_*
 * @size: bytes of a digest
 */
struct fake_bank {
	u16 id;
	u16 size;
};

/* The value of each PCR in each bank. */
struct fake_pcrs {
	u8 values[NR_PCRS][NR_BANKS][MAX_DIGEST];
};

/**
 * struct fake_fault - how an extend fails
 * @name: what a failed expectation is told with
 * @executes: the PCR is extended
 * @twice: it is, and once more
 * @answer: a negative errno, a response code, NONSENSE or NO_DIGESTS
 */
struct fake_fault {
	const char *name;
	bool executes;
	bool twice;
	u32 answer;
};

/**
 * struct fake_tpm - the TPM, and what the tests share
 * @chip: as the kernel sees it
 * @pcrs: what it has been extended with
 * @active: mask of its banks
 * @lacks: masks of PCRs that each bank does not have
 * @hashes: mask of more algorithms that it reports digests of
 * @nr_extends: commands that would extend, since it was reset to 0
 * @fail_at: which of them fails, from 0
 * @fault: how
 * @nr_silent: so many commands that extend nothing get no answer
 * @nr_bad_reads: so many reads of PCRs fail
 * @read_answer: how, as in &fake_fault.answer
 * @wrong_at: offset of a byte that is wrong, or READ_DIGEST for one too many
 * @nr_reads: reads of PCRs
 * @replayed: what the log says that @pcrs are
 * @unknown: mask of PCRs that the log says it does not know
 * @notes: how many notes of which kind there are in the log
 * @note: the last note that was read
 * @firmware: a log of the firmware
 * @firmware_len: its length
 * @digests: of @events
 * @events: of a kexec
 * @buf: a command, then the response
 * @seed: of the random numbers
 */
struct fake_tpm {
	struct tpm_chip *chip;
	struct fake_pcrs pcrs;
	u32 active;
	u32 lacks[NR_BANKS];
	u32 hashes;
	unsigned int nr_extends;
	unsigned int fail_at;
	const struct fake_fault *fault;
	unsigned int nr_silent;
	unsigned int nr_bad_reads;
	u32 read_answer;
	unsigned int wrong_at;
	unsigned int nr_reads;

	struct fake_pcrs replayed;
	u32 unknown;
	unsigned int notes[TCG2_NOTE_UNKNOWN + 1];
	struct tcg2_note note;

	u8 firmware[4096];
	size_t firmware_len;
	struct tpm_digest digests[NR_EVENTS][NR_BANKS];
	struct tpm_kexec_event events[NR_EVENTS];
	struct tpm_buf buf;
	u64 seed;
};

extern const struct fake_bank fake_banks[NR_BANKS];

/* Banks that can be hashed, by their numbers in fake_banks[]. */
extern const u8 fake_all_banks[5];

extern const struct fake_fault fake_faults[NR_FAULTS];

/* How reads may fail and be repeated: time-outs are not. */
extern const u32 fake_read_answers[NR_READ_ANSWERS];

/* The commands of user space that extend. */
extern const u32 fake_user_codes[NR_USER_CODES];

static inline bool is_zero(const u8 *buf, size_t len)
{
	return !memchr_inv(buf, 0, len);
}

int fake_init(struct kunit *test);
void fake_at_end(struct kunit *test, kunit_action_t *action, void *object);
u32 fake_rand32(struct fake_tpm *tpm);
void fake_fill_digest(struct fake_tpm *tpm, u8 *digest);

/* Banks and logs */

void fake_set_banks(struct kunit *test, const u8 *order, unsigned int nr);
struct tpm_live_log *fake_begin_log(struct kunit *test, const void *log,
				    size_t len);
struct tpm_live_log *fake_restart(struct kunit *test);
void fake_free_log(void *chip);
void fake_make_firmware_log(struct kunit *test, const u8 *order,
			    unsigned int nr);

/* What others do, and how it fails */

void fake_fail(struct fake_tpm *tpm, unsigned int nth,
	       const struct fake_fault *fault);
void fake_extend_bank(struct kunit *test, u32 pcr, u16 alg, const u8 *digest);
struct tpm_buf *fake_new_command(struct fake_tpm *tpm, u32 code, u32 handle);
int fake_transmit(struct fake_tpm *tpm);
int fake_user_extend(struct fake_tpm *tpm, u32 pcr, const u8 *order,
		     unsigned int nr);
int fake_user_extend_all(struct fake_tpm *tpm, u32 pcr);
int fake_user_event(struct fake_tpm *tpm, u32 code, u32 pcr);
int fake_user_command(struct fake_tpm *tpm, unsigned int nr, u32 pcr);
int fake_kernel_extend(struct fake_tpm *tpm, u32 pcr);

/* What a kexec does */

unsigned int fake_make_events(struct kunit *test);
int fake_kexec(struct kunit *test, void *segment, size_t size);
size_t fake_pending_len(struct kunit *test);
u8 *fake_new_segment(struct kunit *test, size_t *size);

/* What the log has to say */

void fake_replay(struct kunit *test);
void fake_expect_replays(struct kunit *test, u32 unknown, const char *name);
void fake_expect_notes(struct kunit *test, enum tcg2_note_kind kind,
		       unsigned int nr);
struct tcg2_log_record fake_last_record(struct kunit *test);
void fake_expect_tagged(struct kunit *test, u32 pcr, const char *who);
size_t fake_share_of(struct kunit *test, u32 pcr);
void fake_expect_handed_over(struct kunit *test, const u8 *segment,
			     size_t size);

#endif /* __FAKE_TPM_H__ */
