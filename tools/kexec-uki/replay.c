// SPDX-License-Identifier: GPL-2.0
/*
 * Replays a log: the PCRs that its records make
 *
 * The log is a stranger's.  It can make this code say that something cannot be
 * told, or that values differ, and it must never get it to say that they agree
 * where the hashes do not lead there.
 */

#include <string.h>

#include "replay.h"

/* TCG PC Client Platform Firmware Profile 1.06, 10.4.5.3: 16 bytes and a locality */
static const char locality_signature[16] = "StartupLocality";

static void doubt(struct replay *replay, u32 pcr, enum tcg2_note_kind kind)
{
	if (pcr >= NR_PCRS || replay->doubt[pcr])
		return;
	replay->doubt[pcr] = replay->nr;
	replay->doubt_kind[pcr] = kind;
}

static void extend(struct pcr_bank *bank, u32 pcr, const u8 *digest)
{
	u8 value[HASH_MAX];

	if (!hash_two(bank->alg, bank->value[pcr], bank->size, digest,
		      bank->size, value)) {
		bank->known &= ~(1U << pcr);
		return;
	}
	memcpy(bank->value[pcr], value, bank->size);
}

/* A bank whose digest the record does not have is not known any more. */
static void extend_all(struct replay *replay, const u8 *log,
		       const struct tcg2_log_record *record)
{
	struct pcr_bank *bank;
	const u8 *digest;
	unsigned int i;

	for (i = 0; i < replay->pcrs.nr_banks; i++) {
		bank = &replay->pcrs.banks[i];
		digest = tcg2_log_find_digest(log, &replay->head, record,
					      bank->alg);
		if (digest)
			extend(bank, record->pcr, digest);
		else
			bank->known &= ~(1U << record->pcr);
	}
}

/* Before anything has extended it, PCR 0 is the locality that started the TPM. */
static void start_locality(struct replay *replay, u8 locality)
{
	struct pcr_bank *bank;
	unsigned int i;

	if (replay->extended & 1)
		return;
	for (i = 0; i < replay->pcrs.nr_banks; i++) {
		bank = &replay->pcrs.banks[i];
		if (bank->size)
			bank->value[0][bank->size - 1] = locality;
	}
}

static void extend_some(struct replay *replay, const struct tcg2_note *note)
{
	struct pcr_bank *bank;
	unsigned int i;

	for (i = 0; i < note->nr; i++) {
		bank = pcrs_find(&replay->pcrs, note->digests[i].alg);
		if (!bank)
			continue;
		if (note->digests[i].size == bank->size)
			extend(bank, note->pcr, note->digests[i].digest);
		else
			bank->known &= ~(1U << note->pcr);
	}
	replay->extended |= 1U << note->pcr;
}

static void no_bank(struct replay *replay, const struct tcg2_note *note)
{
	unsigned int i;

	for (i = 0; i < note->nr; i++)
		if (replay->nr_no_bank < TCG2_LOG_MAX_ALGS)
			replay->no_bank[replay->nr_no_bank++] =
				note->digests[i].alg;
}

static void no_action(struct replay *replay, const u8 *log,
		      const struct tcg2_log_record *record)
{
	const u8 *data = log + record->data;
	struct tcg2_note note;

	if (!tcg2_note_read(data, record->data_len, &note)) {
		if (note.kind == TCG2_NOTE_NO_BANK)
			no_bank(replay, &note);
		else if (note.kind != TCG2_NOTE_PARTIAL)
			doubt(replay, note.pcr, note.kind);
		else if (note.pcr < NR_PCRS)
			extend_some(replay, &note);
		return;
	}
	if (!record->pcr && record->data_len > sizeof(locality_signature) &&
	    !memcmp(data, locality_signature, sizeof(locality_signature)))
		start_locality(replay, data[sizeof(locality_signature)]);
}

/* Zeros in the PCRs that logs are about, in each bank of the header */
void replay_start(struct replay *replay, const struct tcg2_log_head *head)
{
	struct pcr_bank *bank;
	unsigned int i;

	memset(replay, 0, sizeof(*replay));
	replay->head = *head;
	replay->end = head->len;
	for (i = 0; i < head->nr_algs; i++) {
		bank = pcrs_add(&replay->pcrs, head->algs[i].id,
				head->algs[i].size);
		if (bank && hash_size(bank->alg) == bank->size)
			bank->known = (1U << NR_LOG_PCRS) - 1;
	}
}

/* Replays the records that begin at @from, until the end or what is no record */
void replay_run(struct replay *replay, const u8 *log, size_t len, size_t from)
{
	struct tcg2_log_record record;

	for (; from < len; from = record.off + record.len) {
		if (tcg2_log_next(log, len, &replay->head, from, &record))
			break;
		replay->nr++;
		if (record.type == TCG2_EV_NO_ACTION) {
			no_action(replay, log, &record);
		} else if (record.pcr < NR_PCRS) {
			extend_all(replay, log, &record);
			replay->extended |= 1U << record.pcr;
		}
	}
	replay->end = from;
}
