/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_PCRS_H
#define KEXEC_UKI_PCRS_H

#include <linux/tcg2_log.h>

#include "hash.h"
#include "kexec-uki.h"

#define NR_PCRS		24	/* of a PC's TPM */
#define NR_LOG_PCRS	16	/* the others are not in any log */

/**
 * struct pcr_bank - values of one bank
 * @alg: TPM_ALG_*
 * @size: bytes of a value
 * @known: a bit for each PCR whose value is known
 * @value: the values
 */
struct pcr_bank {
	u16 alg;
	u16 size;
	u32 known;
	u8 value[NR_PCRS][HASH_MAX];
};

/**
 * struct pcrs - values of all banks
 * @nr_banks: number of @banks
 * @banks: each algorithm once
 */
struct pcrs {
	unsigned int nr_banks;
	struct pcr_bank banks[TCG2_LOG_MAX_ALGS];
};

struct pcr_bank *pcrs_find(struct pcrs *pcrs, u16 alg);
struct pcr_bank *pcrs_add(struct pcrs *pcrs, u16 alg, u16 size);
int pcrs_parse_number(const char *text, unsigned int *pcr);
int pcrs_parse_list(const char *list, u32 *mask);
int pcrs_parse(char *text, struct pcrs *pcrs);
int pcrs_input(const struct options *options, struct pcrs *pcrs);

#endif /* KEXEC_UKI_PCRS_H */
