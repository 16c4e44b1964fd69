// SPDX-License-Identifier: GPL-2.0
/*
 * "kexec-uki replay": does the log explain the PCRs?
 *
 * It says that they agree only if each value that the log is about was compared and
 * is equal.  What was not compared has a line that says so.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "replay.h"
#include "text.h"

/* How often the log may grow while the TPM is being read. */
#define MAX_TRIES	10

/**
 * struct verdict - what has come out so far
 * @agree: values that agree
 * @differ: values that differ
 * @unknown: values that cannot be told
 */
struct verdict {
	unsigned int agree;
	unsigned int differ;
	unsigned int unknown;
};

enum outcome { NOT_THERE, AGREES, DIFFERS, DOUBTFUL, NOT_KNOWN };

/* Why a value is not explained; AGREES has no line. */
static const char * const outcome_text[] = {
	[DIFFERS] = "differs in",
	[DOUBTFUL] = "cannot tell in",
	[NOT_KNOWN] = "cannot be computed in",
};

/* Equal values agree whatever the notes say: nothing else leads to them. */
static enum outcome compare_value(struct replay *replay,
				  const struct pcr_bank *tpm, unsigned int pcr)
{
	const struct pcr_bank *log = pcrs_find(&replay->pcrs, tpm->alg);

	if (!log || log->size != tpm->size || !(tpm->known & 1U << pcr))
		return NOT_THERE;
	if (!(log->known & 1U << pcr))
		return NOT_KNOWN;
	if (!memcmp(log->value[pcr], tpm->value[pcr], tpm->size))
		return AGREES;
	return replay->doubt[pcr] ? DOUBTFUL : DIFFERS;
}

static void count(struct verdict *verdict, enum outcome outcome)
{
	if (outcome == AGREES)
		verdict->agree++;
	else if (outcome == DIFFERS)
		verdict->differ++;
	else if (outcome != NOT_THERE)
		verdict->unknown++;
}

static void print_why(const struct replay *replay, unsigned int pcr)
{
	printf(": record %u says that %s", replay->doubt[pcr],
	       replay->doubt_kind[pcr] == TCG2_NOTE_FULL ?
	       "its share is full and its extends are not recorded any more" :
	       "it has changed and nobody knows by what");
}

static void print_values(struct replay *replay, const struct pcr_bank *tpm,
			 unsigned int pcr)
{
	const struct pcr_bank *log = pcrs_find(&replay->pcrs, tpm->alg);
	char name[HASH_NAME_MAX];

	printf("  %s: TPM ", hash_name(tpm->alg, name));
	text_hex(stdout, tpm->value[pcr], tpm->size);
	printf(", log ");
	text_hex(stdout, log->value[pcr], tpm->size);
	putchar('\n');
}

/* A line for the banks of @pcr that have come out like this, if there are any */
static void print_outcome(struct replay *replay, const struct pcrs *tpm,
			  unsigned int pcr, enum outcome outcome, bool digests)
{
	char name[HASH_NAME_MAX];
	unsigned int i, nr = 0;

	for (i = 0; i < tpm->nr_banks; i++) {
		if (compare_value(replay, &tpm->banks[i], pcr) != outcome)
			continue;
		if (!nr++)
			printf("PCR %u: %s", pcr, outcome_text[outcome]);
		printf(" %s", hash_name(tpm->banks[i].alg, name));
	}
	if (!nr)
		return;
	if (outcome == DOUBTFUL)
		print_why(replay, pcr);
	putchar('\n');
	for (i = 0; i < tpm->nr_banks && digests; i++)
		if (compare_value(replay, &tpm->banks[i], pcr) == outcome)
			print_values(replay, &tpm->banks[i], pcr);
}

static void compare_pcr(struct replay *replay, const struct pcrs *tpm,
			unsigned int pcr, bool digests, struct verdict *verdict)
{
	unsigned int i;

	for (i = 0; i < tpm->nr_banks; i++)
		count(verdict, compare_value(replay, &tpm->banks[i], pcr));
	print_outcome(replay, tpm, pcr, DIFFERS, digests);
	print_outcome(replay, tpm, pcr, DOUBTFUL, digests);
	print_outcome(replay, tpm, pcr, NOT_KNOWN, false);
}

/* A bank of the TPM that cannot be compared has a line, and counts. */
static void check_bank(struct replay *replay, const struct pcr_bank *tpm,
		       struct verdict *verdict)
{
	const struct pcr_bank *log = pcrs_find(&replay->pcrs, tpm->alg);
	const char *why = "the log's header does not list it";
	char name[HASH_NAME_MAX];
	unsigned int i;

	if (log && log->size == tpm->size)
		return;
	for (i = 0; i < replay->nr_no_bank; i++)
		if (replay->no_bank[i] == tpm->alg)
			why = "the log says that it does not explain it";
	if (log)
		why = "its hash is not known here";
	printf("bank %s: cannot tell: %s\n", hash_name(tpm->alg, name), why);
	verdict->unknown += NR_LOG_PCRS;
}

static int status_of(const struct verdict *verdict)
{
	if (verdict->differ)
		return STATUS_DIFFERS;
	return verdict->unknown || !verdict->agree ? STATUS_UNKNOWN : STATUS_OK;
}

/* Prints a line for each PCR that does not agree, and a sum; an exit status */
int replay_compare(struct replay *replay, const struct pcrs *tpm,
		   const struct options *options)
{
	struct verdict verdict = { 0 };
	unsigned int i, pcr;

	for (i = 0; i < tpm->nr_banks; i++)
		check_bank(replay, &tpm->banks[i], &verdict);
	for (pcr = 0; pcr < NR_LOG_PCRS; pcr++) {
		if (pcr == options->ima_pcr)
			printf("PCR %u: not compared: it is IMA's, whose list explains it\n",
			       pcr);
		else
			compare_pcr(replay, tpm, pcr, options->digests, &verdict);
	}
	printf("%u records, %u banks: %u values agree, %u differ, %u cannot be told\n",
	       replay->nr, tpm->nr_banks, verdict.agree, verdict.differ,
	       verdict.unknown);
	return status_of(&verdict);
}

static bool same(const struct blob *a, const struct blob *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/*
 * The TPM is extended while this runs.  If the log is the same before and after the
 * PCRs are read, it is the one that belongs to them.
 */
static int input_consistent(const struct options *options, struct blob *log,
			    struct pcrs *pcrs)
{
	struct blob again;
	unsigned int tries;

	if (input_log(options, log))
		return -1;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		if (pcrs_input(options, pcrs) || input_log(options, &again))
			return -1;
		if (same(log, &again)) {
			free(again.data);
			return 0;
		}
		free(log->data);
		*log = again;
	}
	return complain("the log never stays the same while the PCRs are read, try again");
}

int cmd_replay(const struct options *options)
{
	struct blob log = { NULL, 0 };
	struct tcg2_log_head head;
	int ret = STATUS_UNKNOWN;
	struct replay replay;
	struct pcrs tpm;

	if (input_consistent(options, &log, &tpm) || input_head(&log, &head))
		goto out;

	replay_start(&replay, &head);
	replay_run(&replay, log.data, log.len, head.len);
	ret = replay_compare(&replay, &tpm, options);
	if (replay.end != log.len) {
		complain("byte %zu of %zu: no record, the rest was not replayed",
			 replay.end, log.len);
		ret = STATUS_UNKNOWN;
	}
out:
	free(log.data);
	return ret;
}
