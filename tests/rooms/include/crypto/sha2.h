/* SPDX-License-Identifier: GPL-2.0 */
/* SHA-256, of rooms.c */
#ifndef ROOMS_CRYPTO_SHA2_H
#define ROOMS_CRYPTO_SHA2_H

#include <linux/types.h>

#define SHA256_DIGEST_SIZE	32

struct sha256_ctx {
	u32 state[8];
	u8 block[64];
	u64 len;
};

void sha256_init(struct sha256_ctx *ctx);
void sha256_update(struct sha256_ctx *ctx, const u8 *data, size_t len);
void sha256_final(struct sha256_ctx *ctx, u8 *out);
void sha256(const u8 *data, size_t len, u8 *out);

#endif
