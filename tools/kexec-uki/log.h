/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_LOG_H
#define KEXEC_UKI_LOG_H

#include <stdio.h>

#include "input.h"

size_t log_print(FILE *out, const u8 *log, size_t len,
		 const struct tcg2_log_head *head, bool digests);
int input_log_and_pending(const struct options *options, struct blob *both,
			  struct tcg2_log_head *head, size_t *pending_at);

#endif /* KEXEC_UKI_LOG_H */
