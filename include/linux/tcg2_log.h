/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Crypto-agile TPM event logs: a bounded walk, and append
 *
 * A log is a Spec ID event, which lists algorithms, and TCG_PCR_EVENT2 records
 * with one digest for each of them (TCG PC Client Platform Firmware Profile
 * 1.06, 10.2).  The code behind this is pure: no allocation, no output, no
 * state; it also builds in user space.
 */

#ifndef _LINUX_TCG2_LOG_H
#define _LINUX_TCG2_LOG_H

#include <linux/types.h>

/* TPM 2.0 knows eight hash algorithms; a header with more is no log of ours. */
#define TCG2_LOG_MAX_ALGS	16
#define TCG2_LOG_MAX_DIGEST	64

/* Event types, TCG PC Client Platform Firmware Profile 1.06, 10.4.1 */
#define TCG2_EV_NO_ACTION	0x00000003
#define TCG2_EV_EVENT_TAG	0x00000006

/*
 * Tags of our own in EV_EVENT_TAG events; 0x6b78 is "kx".  What follows the tag
 * and the length is text.
 */
#define TCG2_TAG_KEXEC		0x6b780001	/* PCR 4: "kexec:N" with NUL */
#define TCG2_TAG_KEXEC_INITRD	0x6b780002	/* PCR 12: "initrd" with NUL */
#define TCG2_TAG_EXTEND		0x6b780003	/* "user" or "kernel", no NUL */
#define TCG2_TAG_KEXEC_FILE	0x6b780004	/* PCR 4: kernel, no PE file */
#define TCG2_TAG_KEXEC_LOAD	0x6b780005	/* PCR 4: "kexec_load" with NUL */

/**
 * struct tcg2_log_alg - an algorithm as the header lists it
 * @id: TPM_ALG_*
 * @size: bytes of a digest, at most TCG2_LOG_MAX_DIGEST
 */
struct tcg2_log_alg {
	u16 id;
	u16 size;
};

/**
 * struct tcg2_log_head - what the Spec ID event says
 * @len: bytes of the Spec ID event; the first record begins there
 * @nr_algs: number of @algs, at least 1
 * @algs: in the order of the header, no algorithm twice
 */
struct tcg2_log_head {
	size_t len;
	unsigned int nr_algs;
	struct tcg2_log_alg algs[TCG2_LOG_MAX_ALGS];
};

/**
 * struct tcg2_log_record - where a record is, in offsets from the log's start
 * @pcr: pcrIndex
 * @type: eventType
 * @off: where the record begins
 * @len: its length
 * @digests: where the first digest's algorithm is; @head.nr_algs pairs of a
 *	     16-bit algorithm and a digest are there, each algorithm of the
 *	     header once, in any order
 * @data: where the event data begins
 * @data_len: its length
 */
struct tcg2_log_record {
	u32 pcr;
	u32 type;
	size_t off;
	size_t len;
	size_t digests;
	size_t data;
	u32 data_len;
};

/**
 * struct tcg2_log_digest - a digest of an event that is appended
 * @alg: TPM_ALG_*
 * @digest: as many bytes as the header says for @alg
 */
struct tcg2_log_digest {
	u16 alg;
	const u8 *digest;
};

/**
 * struct tcg2_log_event - an event that is appended
 * @pcr: pcrIndex
 * @type: eventType
 * @nr_digests: number of @digests
 * @digests: in any order; algorithms that the header lacks are left out of the
 *	     record, and those that only the header has get zeros
 * @data_len: length of @data
 * @data: event data, may be NULL if @data_len is 0
 */
struct tcg2_log_event {
	u32 pcr;
	u32 type;
	unsigned int nr_digests;
	const struct tcg2_log_digest *digests;
	u32 data_len;
	const void *data;
};

unsigned int tcg2_alg_size(u16 alg);

int tcg2_log_read_head(const void *log, size_t len, struct tcg2_log_head *head);
int tcg2_log_write_head(void *buf, size_t size, const struct tcg2_log_alg *algs,
			unsigned int nr_algs);

int tcg2_log_next(const void *log, size_t len, const struct tcg2_log_head *head,
		  size_t off, struct tcg2_log_record *record);
size_t tcg2_log_whole(const void *log, size_t len,
		      const struct tcg2_log_head *head);
const u8 *tcg2_log_find_digest(const void *log,
			       const struct tcg2_log_head *head,
			       const struct tcg2_log_record *record, u16 alg);

size_t tcg2_log_record_len(const struct tcg2_log_head *head, u32 data_len);
int tcg2_log_append(void *log, size_t size, size_t *len,
		    const struct tcg2_log_head *head,
		    const struct tcg2_log_event *event);

/* Tagged events: a 32-bit tag and a 32-bit length, then the data. */
#define TCG2_TAG_HEAD		8

bool tcg2_log_read_tag(const void *log, const struct tcg2_log_record *record,
		       u32 *tag, size_t *data, u32 *data_len);
unsigned int tcg2_log_count_kexecs(const void *log, size_t len,
				   const struct tcg2_log_head *head);

/*
 * Notes are EV_NO_ACTION records of our own, with digests of zeros, that tell
 * why a log does not replay with its other records alone.  Event data: the
 * signature (16 bytes with zeros), the kind and the PCR (32 bits each, little
 * endian), then by kind:
 *
 *  PARTIAL	a count (32 bits) and as many times algorithm (16 bits), size
 *		(16 bits) and digest: what the TPM was told to extend this PCR
 *		with, in this order, in these banks only
 *  FULL	nothing; what others extend this PCR with is not recorded from
 *		here on
 *  NO_BANK	a count (32 bits) and as many algorithms (16 bits): active banks
 *		that the header does not list, and so the log does not explain;
 *		PCR is 0
 *  UNKNOWN	nothing; the PCR has changed, and nobody knows by what
 */
#define TCG2_NOTE_SIGNATURE	"Linux TPM note"
#define TCG2_NOTE_SIGNATURE_LEN	16
#define TCG2_NOTE_HEAD		(TCG2_NOTE_SIGNATURE_LEN + 8)

/*
 * pcrIndex of a note, whatever PCR it is about: the debug PCR, which no log
 * explains.  tpm2_eventlog of tpm2-tools 5.4 and older extends the zeros of
 * EV_NO_ACTION records, and would not arrive at a PCR of the platform any more.
 */
#define TCG2_NOTE_PCR		16

enum tcg2_note_kind {
	TCG2_NOTE_PARTIAL = 1,
	TCG2_NOTE_FULL = 2,
	TCG2_NOTE_NO_BANK = 3,
	TCG2_NOTE_UNKNOWN = 4,
};

/* Bytes of the largest note: PARTIAL with TCG2_LOG_MAX_ALGS digests. */
#define TCG2_NOTE_MAX							\
	(TCG2_NOTE_HEAD + 4 + TCG2_LOG_MAX_ALGS * (4 + TCG2_LOG_MAX_DIGEST))

/**
 * struct tcg2_note_digest - a digest in a note
 * @alg: TPM_ALG_*
 * @size: bytes of @digest, 0 in NO_BANK
 * @digest: the digest
 */
struct tcg2_note_digest {
	u16 alg;
	u16 size;
	u8 digest[TCG2_LOG_MAX_DIGEST];
};

/**
 * struct tcg2_note - a note
 * @kind: TCG2_NOTE_*
 * @pcr: the PCR that it is about
 * @nr: number of @digests
 * @digests: of PARTIAL: what was given; of NO_BANK: the algorithms
 */
struct tcg2_note {
	enum tcg2_note_kind kind;
	u32 pcr;
	unsigned int nr;
	struct tcg2_note_digest digests[TCG2_LOG_MAX_ALGS];
};

int tcg2_note_read(const void *data, size_t len, struct tcg2_note *note);
int tcg2_note_write(void *buf, size_t size, const struct tcg2_note *note);

#endif /* _LINUX_TCG2_LOG_H */
