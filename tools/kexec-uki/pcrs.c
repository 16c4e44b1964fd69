// SPDX-License-Identifier: GPL-2.0
/*
 * Values of PCRs, from a file or from the TPM
 *
 * A value that is not there is not known, and never taken for zeros.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "pcrs.h"
#include "tpm.h"

struct pcr_bank *pcrs_find(struct pcrs *pcrs, u16 alg)
{
	unsigned int i;

	for (i = 0; i < pcrs->nr_banks; i++)
		if (pcrs->banks[i].alg == alg)
			return &pcrs->banks[i];
	return NULL;
}

/* The bank, which is made if it is not there; NULL if there is no room */
struct pcr_bank *pcrs_add(struct pcrs *pcrs, u16 alg, u16 size)
{
	struct pcr_bank *bank = pcrs_find(pcrs, alg);

	if (bank)
		return bank;
	if (pcrs->nr_banks == TCG2_LOG_MAX_ALGS || size > HASH_MAX)
		return NULL;

	bank = &pcrs->banks[pcrs->nr_banks++];
	memset(bank, 0, sizeof(*bank));
	bank->alg = alg;
	bank->size = size;
	return bank;
}

/* Decimal digits and no sign; @end is what comes behind them */
static bool take_number(const char *text, const char **end, unsigned int *pcr)
{
	unsigned int value = 0;

	*end = text;
	for (; **end >= '0' && **end <= '9' && value < NR_PCRS; (*end)++)
		value = value * 10 + **end - '0';
	*pcr = value;
	return *end != text && value < NR_PCRS;
}

/* The number of a PCR */
int pcrs_parse_number(const char *text, unsigned int *pcr)
{
	const char *end;

	if (take_number(text, &end, pcr) && !*end)
		return 0;
	return complain("%s: no PCR, they are 0 to %u", text, NR_PCRS - 1);
}

/* Numbers and ranges, "0-5,7" */
int pcrs_parse_list(const char *list, u32 *mask)
{
	const char *text = list;
	unsigned int from, to;

	*mask = 0;
	do {
		if (!take_number(text, &text, &from))
			break;
		to = from;
		if (*text == '-' && !take_number(text + 1, &text, &to))
			break;
		if (to < from)
			break;
		*mask |= (2U << to) - (1U << from);
		if (!*text)
			return 0;
	} while (*text++ == ',');

	return complain("%s: no list of PCRs such as 0-5,7; they are 0 to %u", list,
			NR_PCRS - 1);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool parse_hex(const char *text, u8 *value, size_t size)
{
	int high, low;
	size_t i;

	if (strlen(text) != 2 * size)
		return false;

	for (i = 0; i < size; i++) {
		high = hex_digit(text[2 * i]);
		low = hex_digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		value[i] = high << 4 | low;
	}
	return true;
}

/* "sha256 11 HEX"; a line may end with a comment, and may be empty. */
static bool parse_line(char *line, struct pcrs *pcrs)
{
	char *name, *number, *hex, *end, *save;
	struct pcr_bank *bank;
	unsigned long pcr;
	u16 alg;

	line[strcspn(line, "#")] = '\0';
	name = strtok_r(line, " \t\r", &save);
	if (!name)
		return true;
	number = strtok_r(NULL, " \t\r", &save);
	hex = strtok_r(NULL, " \t\r", &save);
	if (!number || !hex || strtok_r(NULL, " \t\r", &save))
		return false;

	alg = hash_by_name(name);
	pcr = strtoul(number, &end, 10);
	if (!alg || *end || pcr >= NR_PCRS)
		return false;

	bank = pcrs_add(pcrs, alg, hash_size(alg));
	if (!bank || !parse_hex(hex, bank->value[pcr], bank->size))
		return false;
	bank->known |= 1U << pcr;
	return true;
}

/* Lines of text, which is changed */
int pcrs_parse(char *text, struct pcrs *pcrs)
{
	unsigned int number = 0;
	char *line;

	memset(pcrs, 0, sizeof(*pcrs));
	while ((line = strsep(&text, "\n"))) {
		number++;
		if (!parse_line(line, pcrs))
			return complain("line %u of the PCRs is not BANK PCR HEX",
					number);
	}
	return 0;
}

static int parse_file(const char *path, struct pcrs *pcrs)
{
	struct blob blob;
	char *text;
	int ret;

	if (input_file(path, &blob))
		return -1;

	text = strndup((const char *)blob.data, blob.len);
	free(blob.data);
	if (!text)
		return complain("out of memory");
	ret = pcrs_parse(text, pcrs);
	free(text);
	return ret;
}

/* The PCRs: those of --pcrs, or the TPM's */
int pcrs_input(const struct options *options, struct pcrs *pcrs)
{
	char path[256];

	if (options->pcrs)
		return parse_file(options->pcrs, pcrs);
	if (input_tpm_device(options, path, sizeof(path)))
		return -1;
	return tpm_read_pcrs(path, pcrs);
}
