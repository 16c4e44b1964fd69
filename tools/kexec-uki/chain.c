// SPDX-License-Identifier: GPL-2.0
/*
 * Records of one log: those that are there, and those that are still to come
 *
 * What is to come is made up of digests only.  A digest that cannot be computed is
 * never put in as another one: the PCR is noted as one that nobody can tell.
 */

#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "chain.h"
#include "hash.h"

/* As the kernel records what user space extends: a tag, a length, "user" */
static const u8 user_data[TCG2_TAG_HEAD + 4] = {
	TCG2_TAG_EXTEND & 0xff, TCG2_TAG_EXTEND >> 8 & 0xff,
	TCG2_TAG_EXTEND >> 16 & 0xff, TCG2_TAG_EXTEND >> 24, 4, 0, 0, 0,
	'u', 's', 'e', 'r',
};

/* The record at @at of the range; @at goes on to the next one */
bool chain_next(const struct chain *chain, const struct range *range, size_t *at,
		struct tcg2_log_record *record)
{
	if (*at >= range->to ||
	    tcg2_log_next(chain->log.data, range->to, &chain->head, *at, record))
		return false;
	*at = record->off + record->len;
	return true;
}

/* The digests of a record that is no note; zeros stand for a bank that is not active */
static void take_digests(const struct chain *chain,
			 const struct tcg2_log_record *record,
			 struct tcg2_note *note)
{
	static const u8 zeros[TCG2_LOG_MAX_DIGEST];
	const struct tcg2_log_alg *alg = chain->head.algs;
	struct tcg2_note_digest *digest;
	const u8 *found;
	unsigned int i;

	for (i = 0; i < chain->head.nr_algs; i++, alg++) {
		found = tcg2_log_find_digest(chain->log.data, &chain->head,
					     record, alg->id);
		if (!found || !memcmp(found, zeros, alg->size))
			continue;
		digest = &note->digests[note->nr++];
		digest->alg = alg->id;
		digest->size = alg->size;
		memcpy(digest->digest, found, alg->size);
	}
}

static bool take_note(const u8 *data, size_t len, struct extend *extend)
{
	if (tcg2_note_read(data, len, &extend->note) ||
	    extend->note.kind == TCG2_NOTE_NO_BANK)
		return false;
	extend->pcr = extend->note.pcr;
	extend->some = extend->note.kind == TCG2_NOTE_PARTIAL;
	extend->doubt = !extend->some;
	return true;
}

/* What the record says that a PCR was extended with, or that it does not know it */
bool chain_extend(const struct chain *chain, const struct tcg2_log_record *record,
		  struct extend *extend)
{
	memset(extend, 0, sizeof(*extend));
	if (record->type == TCG2_EV_NO_ACTION)
		return take_note(chain->log.data + record->data,
				 record->data_len, extend);
	extend->pcr = record->pcr;
	take_digests(chain, record, &extend->note);
	return true;
}

/* Whether it is @word, by all digests that can be computed, and by one at least */
bool chain_is_word(const struct extend *extend, const char *word)
{
	const struct tcg2_note_digest *digest = extend->note.digests;
	unsigned int i, equal = 0;
	u8 want[HASH_MAX];

	if (extend->doubt)
		return false;
	for (i = 0; i < extend->note.nr; i++, digest++) {
		if (hash_size(digest->alg) != digest->size ||
		    !hash_two(digest->alg, word, strlen(word), "", 0, want))
			continue;
		if (memcmp(digest->digest, want, digest->size))
			return false;
		equal++;
	}
	return equal;
}

static int make_room(struct chain *chain, size_t more)
{
	u8 *data = realloc(chain->log.data, chain->log.len + more);

	if (!data)
		return complain("out of memory");
	chain->log.data = data;
	return 0;
}

/* The same record again, at the end */
int chain_copy(struct chain *chain, const struct tcg2_log_record *record)
{
	if (make_room(chain, record->len))
		return -1;
	memcpy(chain->log.data + chain->log.len, chain->log.data + record->off,
	       record->len);
	chain->log.len += record->len;
	return 0;
}

static int append(struct chain *chain, const struct tcg2_log_event *event)
{
	size_t more = tcg2_log_record_len(&chain->head, event->data_len);

	if (make_room(chain, more))
		return -1;
	if (tcg2_log_append(chain->log.data, chain->log.len + more,
			    &chain->log.len, &chain->head, event))
		return complain("a record cannot be made");
	return 0;
}

/* @word in all banks of the log; what cannot be computed fails when it is replayed */
int chain_word(struct chain *chain, u32 pcr, const char *word)
{
	struct tcg2_log_digest digests[TCG2_LOG_MAX_ALGS];
	u8 values[TCG2_LOG_MAX_ALGS][HASH_MAX];
	struct tcg2_log_event event = {
		.pcr = pcr,
		.type = TCG2_EV_EVENT_TAG,
		.digests = digests,
		.data = user_data,
		.data_len = sizeof(user_data),
	};
	const struct tcg2_log_alg *alg = chain->head.algs;
	unsigned int i;

	for (i = 0; i < chain->head.nr_algs; i++, alg++) {
		if (hash_size(alg->id) != alg->size ||
		    !hash_two(alg->id, word, strlen(word), "", 0, values[i]))
			continue;
		digests[event.nr_digests].alg = alg->id;
		digests[event.nr_digests++].digest = values[i];
	}
	return append(chain, &event);
}

static int append_note(struct chain *chain, const struct tcg2_note *note)
{
	u8 data[TCG2_NOTE_MAX];
	struct tcg2_log_event event = {
		.pcr = TCG2_NOTE_PCR,
		.type = TCG2_EV_NO_ACTION,
		.data = data,
	};
	int len = tcg2_note_write(data, sizeof(data), note);

	if (len < 0)
		return complain("a note cannot be made");
	event.data_len = len;
	return append(chain, &event);
}

/* Nobody can tell what the PCR is extended with. */
int chain_doubt(struct chain *chain, u32 pcr)
{
	struct tcg2_note note = { .kind = TCG2_NOTE_UNKNOWN, .pcr = pcr };

	return append_note(chain, &note);
}

/* @word in the same PCR and banks as @like */
int chain_word_like(struct chain *chain, const struct extend *like, const char *word)
{
	struct tcg2_note note = like->note;
	struct tcg2_note_digest *digest = note.digests;
	unsigned int i;

	if (!like->some)
		return chain_word(chain, like->pcr, word);
	for (i = 0; i < note.nr; i++, digest++)
		if (hash_size(digest->alg) != digest->size ||
		    !hash_two(digest->alg, word, strlen(word), "", 0,
			      digest->digest))
			return chain_doubt(chain, like->pcr);
	return append_note(chain, &note);
}
