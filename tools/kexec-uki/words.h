/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_WORDS_H
#define KEXEC_UKI_WORDS_H

#include <stdio.h>

#include <linux/tcg2_log.h>

/**
 * struct words - a log that is being told
 * @log: the log
 * @head: its header
 * @kexecs: markers so far
 */
struct words {
	const u8 *log;
	const struct tcg2_log_head *head;
	unsigned int kexecs;
};

void words_print(FILE *out, struct words *words,
		 const struct tcg2_log_record *record);
void words_type(FILE *out, u32 type);
bool words_hashed(const struct words *words, const struct tcg2_log_record *record,
		  const void *data, size_t len);
bool words_is_kexec(const struct words *words,
		    const struct tcg2_log_record *record);
bool words_is_os_separator(const struct words *words,
			   const struct tcg2_log_record *record);

#endif /* KEXEC_UKI_WORDS_H */
