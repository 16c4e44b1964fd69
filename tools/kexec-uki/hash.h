/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_HASH_H
#define KEXEC_UKI_HASH_H

#include <linux/types.h>

#define HASH_MAX	64
#define HASH_NAME_MAX	12

unsigned int hash_size(u16 alg);
const char *hash_name(u16 alg, char name[HASH_NAME_MAX]);
u16 hash_by_name(const char *name);
bool hash_two(u16 alg, const void *a, size_t a_len, const void *b, size_t b_len,
	      u8 digest[HASH_MAX]);

#endif /* KEXEC_UKI_HASH_H */
