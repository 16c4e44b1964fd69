/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_REFUSAL_H
#define KEXEC_UKI_REFUSAL_H

#include "kexec-uki.h"

/* Flags of kexec_file_load() that the headers of this machine may lack */
#ifndef KEXEC_FILE_COMPANIONS
#define KEXEC_FILE_COMPANIONS	0x00000040
#endif

/**
 * struct refusal - what is known of one
 * @err: the errno
 * @flags: KEXEC_FILE_* of the call
 * @used_up: what refusal_used_up() said before the call
 * @nr_lines: number of the kernel's lines about it, negative if they cannot be read
 */
struct refusal {
	int err;
	unsigned long flags;
	bool used_up;
	int nr_lines;
};

bool refusal_used_up(unsigned long flags);
void refusal_print(const struct options *options, const struct refusal *refusal);

#endif /* KEXEC_UKI_REFUSAL_H */
