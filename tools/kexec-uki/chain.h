/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_CHAIN_H
#define KEXEC_UKI_CHAIN_H

#include "input.h"

/**
 * struct range - records of a chain, one behind the other
 * @from: offset of the first one
 * @to: offset behind the last one
 */
struct range {
	size_t from;
	size_t to;
};

/**
 * struct chain - what leads from the PCRs of now to those of a point to come
 * @log: the live log, and all other records behind it, in its format
 * @head: its header
 * @live: the records of the live log
 * @boot: those of them that are of this boot
 * @pending: what the execute extends
 * @shutdown: what systemd still extends before it
 * @target: what the user space of the next kernel extends
 * @unordered: a bit for each PCR that @target may hold too much or too little of,
 *	       because it is extended in no order with the point
 *
 * @shutdown comes before @pending in time, wherever it is in @log.
 */
struct chain {
	struct blob log;
	struct tcg2_log_head head;
	struct range live;
	struct range boot;
	struct range pending;
	struct range shutdown;
	struct range target;
	u32 unordered;
};

/**
 * struct extend - what user space has extended, as far as the log can tell
 * @pcr: the PCR
 * @doubt: nobody can tell what it was
 * @some: these digests were all, other banks were not extended
 * @note: the digests, as a note has them
 */
struct extend {
	u32 pcr;
	bool doubt;
	bool some;
	struct tcg2_note note;
};

bool chain_next(const struct chain *chain, const struct range *range, size_t *at,
		struct tcg2_log_record *record);
bool chain_extend(const struct chain *chain, const struct tcg2_log_record *record,
		  struct extend *extend);
bool chain_is_word(const struct extend *extend, const char *word);

int chain_copy(struct chain *chain, const struct tcg2_log_record *record);
int chain_word(struct chain *chain, u32 pcr, const char *word);
int chain_word_like(struct chain *chain, const struct extend *like, const char *word);
int chain_doubt(struct chain *chain, u32 pcr);

#endif /* KEXEC_UKI_CHAIN_H */
