// SPDX-License-Identifier: GPL-2.0
/*
 * "kexec-uki predict": the PCRs right after the jump
 *
 * The values of now with the pending records on top.  A value that cannot be known
 * is said to be unknown, and never guessed.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "replay.h"
#include "text.h"

/* The PCRs that the log replays to take the place of the TPM's. */
static void forget_doubtful(struct replay *replay)
{
	unsigned int i, pcr;

	for (i = 0; i < replay->pcrs.nr_banks; i++)
		for (pcr = 0; pcr < NR_PCRS; pcr++)
			if (replay->doubt[pcr])
				replay->pcrs.banks[i].known &= ~(1U << pcr);
}

static int start(const struct options *options, struct replay *replay,
		 const struct blob *both, const struct tcg2_log_head *head,
		 size_t pending_at)
{
	replay_start(replay, head);
	if (options->replay) {
		replay_run(replay, both->data, pending_at, head->len);
		forget_doubtful(replay);
		for (pending_at = 0; pending_at < replay->pcrs.nr_banks; pending_at++)
			replay->pcrs.banks[pending_at].known &=
				~(1U << options->ima_pcr);
		return 0;
	}
	return pcrs_input(options, &replay->pcrs);
}

static const char *comment(const struct options *options, unsigned int pcr,
			   u32 extended)
{
	if (pcr == options->ima_pcr)
		return "  # now; IMA goes on";
	return extended & 1U << pcr ? "  # extended by the kexec" : "";
}

static void print_text(const struct options *options, const struct replay *replay)
{
	const struct pcr_bank *bank = replay->pcrs.banks;
	char name[HASH_NAME_MAX];
	unsigned int i, pcr;

	for (i = 0; i < replay->pcrs.nr_banks; i++, bank++) {
		for (pcr = 0; pcr < NR_PCRS; pcr++) {
			if (!(bank->known & 1U << pcr))
				continue;
			printf("%s %u ", hash_name(bank->alg, name), pcr);
			text_hex(stdout, bank->value[pcr], bank->size);
			puts(comment(options, pcr, replay->extended));
		}
	}
}

static void print_json_bank(const struct pcr_bank *bank)
{
	char name[HASH_NAME_MAX];
	const char *comma = "";
	unsigned int pcr;

	printf("    \"%s\": {", hash_name(bank->alg, name));
	for (pcr = 0; pcr < NR_PCRS; pcr++) {
		if (!(bank->known & 1U << pcr) && pcr >= NR_LOG_PCRS)
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

static void print_json(const struct options *options, const struct replay *replay)
{
	const char *comma = "";
	unsigned int i, pcr;

	printf("{\n  \"events\": %u,\n  \"ima_pcr\": %u,\n  \"extended\": [",
	       replay->nr, options->ima_pcr);
	for (pcr = 0; pcr < NR_PCRS; pcr++) {
		if (!(replay->extended & 1U << pcr))
			continue;
		printf("%s%u", comma, pcr);
		comma = ", ";
	}
	printf("],\n  \"pcrs\": {\n");
	for (i = 0; i < replay->pcrs.nr_banks; i++) {
		fputs(i ? ",\n" : "", stdout);
		print_json_bank(&replay->pcrs.banks[i]);
	}
	printf("\n  }\n}\n");
}

/* Says which PCRs that the kexec extends cannot be told; an exit status */
static int check_known(const struct replay *replay)
{
	const struct pcr_bank *bank = replay->pcrs.banks;
	char name[HASH_NAME_MAX];
	int status = STATUS_OK;
	unsigned int i, pcr;

	for (i = 0; i < replay->pcrs.nr_banks; i++, bank++) {
		for (pcr = 0; pcr < NR_PCRS; pcr++) {
			if (bank->known & 1U << pcr ||
			    !(replay->extended & 1U << pcr))
				continue;
			complain("PCR %u, %s: cannot be told", pcr,
				 hash_name(bank->alg, name));
			status = STATUS_UNKNOWN;
		}
	}
	return status;
}

int cmd_predict(const struct options *options)
{
	struct tcg2_log_head head;
	int ret = STATUS_UNKNOWN;
	struct replay replay;
	struct blob both;
	size_t at;

	if (input_log_and_pending(options, &both, &head, &at))
		return STATUS_UNKNOWN;
	if (at == both.len) {
		complain("nothing is pending: no image is loaded that its execute would measure");
		goto out;
	}
	if (start(options, &replay, &both, &head, at))
		goto out;

	replay.nr = 0;
	replay.extended = 0;
	replay_run(&replay, both.data, both.len, at);
	if (options->json)
		print_json(options, &replay);
	else
		print_text(options, &replay);
	ret = check_known(&replay);
out:
	free(both.data);
	return ret;
}
