// SPDX-License-Identifier: GPL-2.0
/*
 * "kexec-uki predict": the PCRs at a point after the jump
 *
 * The values of now, with all on top that is extended until then.  A value that cannot
 * be known is said to be unknown, and never guessed; what is printed for a policy is
 * whole or not there at all.
 */

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "log.h"
#include "pcrlock.h"
#include "replay.h"
#include "target.h"
#include "text.h"

#define SHA256		0x000b	/* TPM_ALG_SHA256 */

/* UKI, command line, extensions; Secure Boot; boot loader and the kexec itself */
#define CRYPTENROLL_PCRS	(7U << 11 | 1U << 7 | 1U << 4)

/**
 * struct prediction - the values, and who makes them
 * @replay: the values
 * @events: number of pending records
 * @by_kexec: a bit for each PCR that the execute extends
 * @by_users: a bit for each PCR that user space extends before or after it
 * @unordered: a bit for each PCR whose extends have no order with the point
 */
struct prediction {
	struct replay replay;
	unsigned int events;
	u32 by_kexec;
	u32 by_users;
	u32 unordered;
};

/* The PCRs that nobody can tell any more */
static void forget(struct replay *replay, u32 pcrs)
{
	unsigned int i;

	for (i = 0; i < replay->pcrs.nr_banks; i++)
		replay->pcrs.banks[i].known &= ~pcrs;
}

static void forget_doubtful(struct replay *replay)
{
	unsigned int pcr;

	for (pcr = 0; pcr < NR_PCRS; pcr++)
		if (replay->doubt[pcr])
			forget(replay, 1U << pcr);
}

/* The values of now: the log replays to them, or they are the TPM's. */
static int start(const struct options *options, const struct chain *chain,
		 struct replay *replay)
{
	replay_start(replay, &chain->head);
	if (!options->replay)
		return pcrs_input(options, &replay->pcrs);

	replay_run(replay, chain->log.data, chain->live.to, chain->live.from);
	forget_doubtful(replay);
	forget(replay, 1U << options->ima_pcr);
	memset(replay->doubt, 0, sizeof(replay->doubt));
	return 0;
}

/* Replays the records on top; returns which PCRs they extend */
static u32 go_on(const struct chain *chain, const struct range *range,
		 struct replay *replay)
{
	replay->nr = 0;
	replay->extended = 0;
	replay_run(replay, chain->log.data, range->to, range->from);
	return replay->extended;
}

static int predict(const struct options *options, const struct chain *chain,
		   struct prediction *prediction)
{
	struct replay *replay = &prediction->replay;

	if (start(options, chain, replay))
		return -1;
	prediction->by_users = go_on(chain, &chain->shutdown, replay);
	prediction->by_kexec = go_on(chain, &chain->pending, replay);
	prediction->events = replay->nr;
	prediction->by_users |= go_on(chain, &chain->target, replay);
	forget_doubtful(replay);
	prediction->unordered = chain->unordered;
	forget(replay, chain->unordered);

	/* No log has what user space extends these with. */
	if (options->at != POINT_EXECUTE)
		forget(replay, ~((1U << NR_LOG_PCRS) - 1));
	/* Whoever asks for the PCR of IMA is not to build on it. */
	if (options->pcr_mask || options->cryptenroll)
		forget(replay, 1U << options->ima_pcr);
	return 0;
}

static u32 wanted(const struct options *options)
{
	if (options->pcr_mask)
		return options->pcr_mask;
	return options->cryptenroll ? CRYPTENROLL_PCRS : (1U << NR_PCRS) - 1;
}

static const char *comment(const struct options *options, unsigned int pcr,
			   const struct prediction *prediction)
{
	bool by_kexec = prediction->by_kexec & 1U << pcr;

	if (pcr == options->ima_pcr)
		return "  # now; IMA goes on";
	if (prediction->by_users & 1U << pcr)
		return by_kexec ? "  # extended by the kexec and by user space" :
				  "  # extended by user space";
	return by_kexec ? "  # extended by the kexec" : "";
}

static void print_text(const struct options *options,
		       const struct prediction *prediction)
{
	const struct pcr_bank *bank = prediction->replay.pcrs.banks;
	char name[HASH_NAME_MAX];
	unsigned int i, pcr;

	for (i = 0; i < prediction->replay.pcrs.nr_banks; i++, bank++) {
		for (pcr = 0; pcr < NR_PCRS; pcr++) {
			if (!(bank->known & wanted(options) & 1U << pcr))
				continue;
			printf("%s %u ", hash_name(bank->alg, name), pcr);
			text_hex(stdout, bank->value[pcr], bank->size);
			puts(comment(options, pcr, prediction));
		}
	}
}

/* Without --pcr, a PCR that is in no log is there if it is known. */
static bool in_json(const struct options *options, const struct pcr_bank *bank,
		    unsigned int pcr)
{
	if (options->pcr_mask)
		return options->pcr_mask & 1U << pcr;
	return bank->known & 1U << pcr || pcr < NR_LOG_PCRS;
}

static void print_json_bank(const struct options *options,
			    const struct pcr_bank *bank)
{
	char name[HASH_NAME_MAX];
	const char *comma = "";
	unsigned int pcr;

	printf("    \"%s\": {", hash_name(bank->alg, name));
	for (pcr = 0; pcr < NR_PCRS; pcr++) {
		if (!in_json(options, bank, pcr))
			continue;
		printf("%s\n      \"%u\": ", comma, pcr);
		comma = ",";
		if (bank->known & 1U << pcr) {
			fputc('"', stdout);
			text_hex(stdout, bank->value[pcr], bank->size);
			fputc('"', stdout);
		} else {
			fputs("null", stdout);
		}
	}
	printf("\n    }");
}

static void print_json(const struct options *options,
		       const struct prediction *prediction)
{
	u32 extended = prediction->by_kexec | prediction->by_users;
	const struct pcrs *pcrs = &prediction->replay.pcrs;
	const char *comma = "";
	unsigned int i, pcr;

	printf("{\n  \"at\": \"%s\",\n  \"events\": %u,\n  \"ima_pcr\": %u,\n  \"extended\": [",
	       target_point_name(options->at), prediction->events,
	       options->ima_pcr);
	for (pcr = 0; pcr < NR_PCRS; pcr++) {
		if (!(extended & 1U << pcr))
			continue;
		printf("%s%u", comma, pcr);
		comma = ", ";
	}
	printf("],\n  \"pcrs\": {\n");
	for (i = 0; i < pcrs->nr_banks; i++) {
		fputs(i ? ",\n" : "", stdout);
		print_json_bank(options, &pcrs->banks[i]);
	}
	printf("\n  }\n}\n");
}

/* Says which of @pcrs cannot be told in the bank; whether there are none */
static bool check_bank(const struct pcr_bank *bank, u32 pcrs)
{
	char name[HASH_NAME_MAX];
	unsigned int pcr;

	pcrs &= ~bank->known;
	for (pcr = 0; pcr < NR_PCRS; pcr++)
		if (pcrs & 1U << pcr)
			complain("PCR %u, %s: cannot be told", pcr,
				 hash_name(bank->alg, name));
	return !pcrs;
}

/*
 * Says which PCRs that are extended, or asked for, cannot be told; an exit status.
 * Where no PCRs are asked for, one without an order is as it has to be.
 */
static int check_known(const struct options *options,
		       const struct prediction *prediction)
{
	const struct pcrs *pcrs = &prediction->replay.pcrs;
	u32 need = options->pcr_mask, say = 0;
	bool good = true;
	unsigned int i;

	if (!need) {
		say = prediction->unordered;
		need = (prediction->by_kexec | prediction->by_users) & ~say;
	}
	for (i = 0; i < pcrs->nr_banks; i++) {
		good &= check_bank(&pcrs->banks[i], need);
		check_bank(&pcrs->banks[i], say);
	}
	return good ? STATUS_OK : STATUS_UNKNOWN;
}

/* "4:sha256=HEX+7:sha256=HEX": a policy with a PCR left out would not be the one meant. */
static int print_cryptenroll(const struct options *options,
			     struct prediction *prediction)
{
	const struct pcr_bank *bank;
	u16 alg = options->bank ?: SHA256;
	char name[HASH_NAME_MAX];
	const char *plus = "";
	unsigned int pcr;

	bank = pcrs_find(&prediction->replay.pcrs, alg);
	if (!bank) {
		complain("the TPM has no bank %s", hash_name(alg, name));
		return STATUS_UNKNOWN;
	}
	if (!check_bank(bank, wanted(options)))
		return STATUS_UNKNOWN;
	for (pcr = 0; pcr < NR_PCRS; pcr++) {
		if (!(wanted(options) & 1U << pcr))
			continue;
		printf("%s%u:%s=", plus, pcr, hash_name(alg, name));
		text_hex(stdout, bank->value[pcr], bank->size);
		plus = "+";
	}
	puts("");
	return STATUS_OK;
}

static int print(const struct options *options, const struct chain *chain)
{
	struct prediction prediction;

	if (predict(options, chain, &prediction))
		return STATUS_UNKNOWN;
	if (options->cryptenroll)
		return print_cryptenroll(options, &prediction);
	if (options->json)
		print_json(options, &prediction);
	else
		print_text(options, &prediction);
	return check_known(options, &prediction);
}

int cmd_predict(const struct options *options)
{
	int ret = STATUS_UNKNOWN;
	struct chain chain = { .log.data = NULL };
	size_t at;

	if (input_log_and_pending(options, &chain.log, &chain.head, &at))
		return STATUS_UNKNOWN;
	chain.live = (struct range){ chain.head.len, at };
	chain.pending = (struct range){ at, chain.log.len };
	if (at == chain.log.len)
		complain("nothing is pending: no image is loaded that its execute would measure");
	else if (!target_fill(options, &chain))
		ret = options->pcrlock ? pcrlock_write(options, &chain) :
					 print(options, &chain);
	input_free(&chain.log);
	return ret;
}
