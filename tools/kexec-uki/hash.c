// SPDX-License-Identifier: GPL-2.0
/*
 * Hash algorithms by their TPM numbers, computed by OpenSSL
 *
 * An algorithm that is not known here, or not to this OpenSSL, is never guessed:
 * its bank cannot be replayed.
 */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <linux/kernel.h>
#include <openssl/evp.h>

#include "hash.h"

/* TCG Algorithm Registry, 6.10: TPM_ALG_ID */
static const struct hash_alg {
	u16 id;
	u16 size;
	const char *name;
	const char *evp;
} algs[] = {
	{ 0x0004, 20, "sha1", "SHA1" },
	{ 0x000b, 32, "sha256", "SHA256" },
	{ 0x000c, 48, "sha384", "SHA384" },
	{ 0x000d, 64, "sha512", "SHA512" },
	{ 0x0012, 32, "sm3_256", "SM3" },
	{ 0x0027, 32, "sha3_256", "SHA3-256" },
	{ 0x0028, 48, "sha3_384", "SHA3-384" },
	{ 0x0029, 64, "sha3_512", "SHA3-512" },
};

static const struct hash_alg *find(u16 id)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].id == id)
			return &algs[i];
	return NULL;
}

/* 0 for an algorithm that is not known here */
unsigned int hash_size(u16 alg)
{
	const struct hash_alg *found = find(alg);

	return found ? found->size : 0;
}

/* As tpm2-tools call it, or the number */
const char *hash_name(u16 alg, char name[HASH_NAME_MAX])
{
	const struct hash_alg *found = find(alg);

	if (found)
		return found->name;
	snprintf(name, HASH_NAME_MAX, "alg-%#x", alg);
	return name;
}

/* 0 for a name that is none */
u16 hash_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (!strcasecmp(algs[i].name, name))
			return algs[i].id;

	/* /sys/class/tpm/tpm0/pcr-sm3 */
	return strcasecmp(name, "sm3") ? 0 : 0x0012;
}

/* The digest of @a and @b one after the other; false if it cannot be computed */
bool hash_two(u16 alg, const void *a, size_t a_len, const void *b, size_t b_len,
	      u8 digest[HASH_MAX])
{
	const struct hash_alg *found = find(alg);
	const EVP_MD *md = found ? EVP_get_digestbyname(found->evp) : NULL;
	EVP_MD_CTX *ctx = md ? EVP_MD_CTX_new() : NULL;
	bool done;

	done = ctx && EVP_DigestInit_ex(ctx, md, NULL) &&
	       EVP_DigestUpdate(ctx, a, a_len) &&
	       EVP_DigestUpdate(ctx, b, b_len) &&
	       EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	return done;
}
