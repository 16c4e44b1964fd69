/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_REPLAY_H
#define KEXEC_UKI_REPLAY_H

#include "pcrs.h"

/**
 * struct replay - a log that is being replayed
 * @head: the log's header
 * @pcrs: the values so far; a PCR whose bit in &pcr_bank.known goes away cannot be
 *	  told any more
 * @nr: number of records so far
 * @extended: a bit for each PCR that a record has extended
 * @nr_no_bank: number of @no_bank
 * @no_bank: banks that the log says it does not explain
 * @doubt: for each PCR: the first record that says that the log does not explain it,
 *	   counted from 1, or 0
 * @doubt_kind: what that record is, TCG2_NOTE_*
 * @end: bytes of the log that were records, its header included
 */
struct replay {
	struct tcg2_log_head head;
	struct pcrs pcrs;
	unsigned int nr;
	u32 extended;
	unsigned int nr_no_bank;
	u16 no_bank[TCG2_LOG_MAX_ALGS];
	unsigned int doubt[NR_PCRS];
	enum tcg2_note_kind doubt_kind[NR_PCRS];
	size_t end;
};

void replay_start(struct replay *replay, const struct tcg2_log_head *head);
void replay_run(struct replay *replay, const u8 *log, size_t len, size_t from);
int replay_compare(struct replay *replay, const struct pcrs *tpm,
		   const struct options *options);

#endif /* KEXEC_UKI_REPLAY_H */
