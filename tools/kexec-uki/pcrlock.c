// SPDX-License-Identifier: GPL-2.0
/*
 * "kexec-uki predict --pcrlock": a component for systemd-pcrlock
 *
 * One variant for each order in which the records can come, and an empty one, because
 * the kexec may not be.  systemd-pcrlock takes the first variant that is in its log.
 * What cannot be told whole is not written.
 */

#include "fileset.h"
#include "hash.h"
#include "orders.h"
#include "pcrlock.h"
#include "pcrs.h"
#include "text.h"

/* Of systemd-pcrlock (DEFAULT_PCR_MASK in pcrlock.c): 0 to 5, 7, 11, 13, 14 and 15 */
#define PCRLOCK_PCRS	(0x3fU | 1U << 7 | 1U << 11 | 7U << 13)

/**
 * struct variant - what a file says
 * @chain: the records
 * @orders: which of them
 * @order: in which order
 */
struct variant {
	const struct chain *chain;
	const struct orders *orders;
	unsigned int order;
};

/* systemd-pcrlock passes over names that it does not know, and not over wrong sizes. */
static void print_digests(FILE *out, const struct tcg2_note *note)
{
	const struct tcg2_note_digest *digest = note->digests;
	char name[HASH_NAME_MAX];
	const char *comma = "";
	unsigned int i;

	for (i = 0; i < note->nr; i++, digest++) {
		if (hash_size(digest->alg) != digest->size)
			continue;
		fprintf(out, "%s{\"hashAlg\":\"%s\",\"digest\":\"", comma,
			hash_name(digest->alg, name));
		text_hex(out, digest->digest, digest->size);
		fputs("\"}", out);
		comma = ",";
	}
}

static void print_variant(FILE *out, const void *what)
{
	const struct variant *variant = what;
	const struct order_record *record;
	struct extend extend;
	size_t i;

	fputs("{\"records\":[", out);
	for (i = 0; (record = orders_record(variant->orders, variant->order, i));
	     i++) {
		chain_extend(variant->chain, &record->record, &extend);
		fprintf(out, "%s{\"pcr\":%u,\"digests\":[", i ? "," : "",
			extend.pcr);
		print_digests(out, &extend.note);
		fputs("]}", out);
	}
	fputs("]}\n", out);
}

static void print_empty(FILE *out, const void *what)
{
	(void)what;
	fputs("{\"records\":[]}\n", out);
}

/* The PCRs of the component, or 0 after a complaint */
static u32 choose(const struct options *options)
{
	u32 pcrs = options->pcr_mask ?: PCRLOCK_PCRS & ~(1U << options->ima_pcr);
	u32 logged = ((1U << NR_LOG_PCRS) - 1) & ~(1U << options->ima_pcr);

	if (!(pcrs & ~logged))
		return pcrs;
	complain("--pcrlock: PCRs 0 to %u without IMA's only, no log tells of the others",
		 NR_LOG_PCRS - 1);
	return 0;
}

static int write_all(const struct options *options, const struct chain *chain,
		     const struct orders *orders)
{
	struct variant variant = { .chain = chain, .orders = orders };
	struct fileset set;
	int ret;

	ret = fileset_open(&set, options->pcrlock);
	for (; !ret && variant.order < orders->nr_slots; variant.order++)
		ret = fileset_add(&set, print_variant, &variant);
	if (!ret)
		ret = fileset_commit(&set, print_empty);
	fileset_close(&set);
	return ret;
}

/* Writes the component; an exit status */
int pcrlock_write(const struct options *options, const struct chain *chain)
{
	u32 pcrs = choose(options);
	struct orders orders;
	int ret;

	if (!pcrs || orders_make(chain, pcrs, &orders))
		return STATUS_UNKNOWN;
	ret = write_all(options, chain, &orders);
	if (!ret)
		printf("%s: %u variants and the empty one\n", options->pcrlock,
		       orders.nr_slots);
	orders_free(&orders);
	return ret ? STATUS_UNKNOWN : STATUS_OK;
}
