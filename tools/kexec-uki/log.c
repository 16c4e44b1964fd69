// SPDX-License-Identifier: GPL-2.0
/*
 * "kexec-uki log" and "kexec-uki pending": what the records say
 *
 * It tells and does not judge.  A log that ends in what is no record is told up to
 * there, and never as if it were whole.
 */

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "input.h"
#include "log.h"
#include "text.h"
#include "words.h"

static void print_digests(FILE *out, const struct words *words,
			  const struct tcg2_log_record *record)
{
	const struct tcg2_log_alg *alg = words->head->algs;
	char name[HASH_NAME_MAX];
	const u8 *digest;
	unsigned int i;

	for (i = 0; i < words->head->nr_algs; i++, alg++) {
		digest = tcg2_log_find_digest(words->log, words->head, record,
					      alg->id);
		fprintf(out, "               %s ", hash_name(alg->id, name));
		text_hex(out, digest, alg->size);
		fputc('\n', out);
	}
}

static void print_record(FILE *out, struct words *words,
			 const struct tcg2_log_record *record, unsigned int nr,
			 bool digests)
{
	fprintf(out, "%6u  ", nr);
	if (record->type == TCG2_EV_NO_ACTION)
		fputs("  --    ", out);
	else
		fprintf(out, "PCR %-2u  ", record->pcr);
	words_print(out, words, record);
	fputs("  [", out);
	words_type(out, record->type);
	fputs("]\n", out);
	if (digests)
		print_digests(out, words, record);
}

/* Whether the record is one that only Linux writes */
static bool is_ours(const u8 *log, const struct tcg2_log_record *record)
{
	struct tcg2_note note;
	u32 tag, len;
	size_t at;

	if (record->type == TCG2_EV_NO_ACTION)
		return !tcg2_note_read(log + record->data, record->data_len,
				       &note);
	return tcg2_log_read_tag(log, record, &tag, &at, &len) &&
	       (tag == TCG2_TAG_KEXEC || tag == TCG2_TAG_EXTEND);
}

static void print_head(FILE *out, const struct tcg2_log_head *head)
{
	char name[HASH_NAME_MAX];
	unsigned int i;

	fputs("== event log, banks:", out);
	for (i = 0; i < head->nr_algs; i++)
		fprintf(out, " %s", hash_name(head->algs[i].id, name));
	fputs(" ==\n", out);
}

/*
 * Prints the records that begin at @from, with a line where another hand begins to
 * write.  Returns where the records end.
 */
static size_t print_records(FILE *out, struct words *words, size_t len,
			    size_t from, bool headings, bool digests)
{
	bool linux_writes = false, separated = false;
	struct tcg2_log_record record;
	unsigned int nr = 0;

	for (; !tcg2_log_next(words->log, len, words->head, from, &record);
	     from = record.off + record.len) {
		if (headings && words_is_kexec(words, &record)) {
			fprintf(out, "== kexec %u ==\n", words->kexecs + 1);
			linux_writes = true;
		} else if (headings && !linux_writes &&
			   is_ours(words->log, &record)) {
			fputs("== from here on Linux has written the log ==\n",
			      out);
			linux_writes = true;
		}
		print_record(out, words, &record, ++nr, digests);
		if (headings && !separated &&
		    words_is_os_separator(words, &record)) {
			fputs("== os-separator: what follows has no authority of firmware ==\n",
			      out);
			separated = true;
		}
	}
	return from;
}

/* The whole log; returns where the records end */
size_t log_print(FILE *out, const u8 *log, size_t len,
		 const struct tcg2_log_head *head, bool digests)
{
	struct words words = { .log = log, .head = head };

	print_head(out, head);
	return print_records(out, &words, len, head->len, true, digests);
}

int cmd_log(const struct options *options)
{
	struct tcg2_log_head head;
	struct blob log;
	size_t end;

	if (input_log(options, &log))
		return STATUS_UNKNOWN;
	if (input_head(&log, &head)) {
		free(log.data);
		return STATUS_UNKNOWN;
	}

	end = log_print(stdout, log.data, log.len, &head, options->digests);
	free(log.data);
	if (end == log.len)
		return STATUS_OK;
	complain("byte %zu of %zu: no record, the rest is not shown", end, log.len);
	return STATUS_UNKNOWN;
}

/*
 * The log with the pending records behind it, which is the log that the next kernel
 * will have.  Records are read by the log's header, so there is no other way to read
 * the list.
 */
int input_log_and_pending(const struct options *options, struct blob *both,
			  struct tcg2_log_head *head, size_t *pending_at)
{
	struct blob pending = { NULL, 0 };
	u8 *more;

	both->data = NULL;
	if (input_pending(options, &pending) || input_log(options, both) ||
	    input_head(both, head))
		goto fail;

	*pending_at = tcg2_log_whole(both->data, both->len, head);
	if (*pending_at != both->len) {
		complain("byte %zu of the log: no record", *pending_at);
		goto fail;
	}
	more = realloc(both->data, both->len + pending.len + 1);
	if (!more) {
		complain("out of memory");
		goto fail;
	}
	both->data = more;
	memcpy(both->data + both->len, pending.data, pending.len);
	both->len += pending.len;
	free(pending.data);
	if (tcg2_log_whole(both->data, both->len, head) == both->len)
		return 0;

	pending.data = NULL;
	complain("the pending list does not belong to this log");
fail:
	free(pending.data);
	free(both->data);
	both->data = NULL;
	return -1;
}

int cmd_pending(const struct options *options)
{
	struct words words = { .head = NULL };
	struct tcg2_log_head head;
	struct blob both;
	size_t at;

	if (input_log_and_pending(options, &both, &head, &at))
		return STATUS_UNKNOWN;

	words.log = both.data;
	words.head = &head;
	words.kexecs = tcg2_log_count_kexecs(both.data, at, &head);
	if (at == both.len)
		puts("Nothing is pending: no image is loaded that its execute would measure.");
	else
		print_records(stdout, &words, both.len, at, false,
			      options->digests);
	free(both.data);
	return STATUS_OK;
}
