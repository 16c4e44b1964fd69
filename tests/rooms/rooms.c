// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a KUnit suite of a pure room in user space: see include/kunit/test.h
 *
 * SHA-256 is written here once more, after FIPS 180-4, to need no library of a
 * foreign processor; the suites' digests, which others made, tell if it is wrong.
 */
#include <stdint.h>
#include <sys/mman.h>

#include <crypto/sha2.h>
#include <kunit/test.h>
#include <linux/vmalloc.h>

#define MAX_ACTIONS	100000

static struct action {
	void (*fn)(void *data);
	void *data;
} actions[MAX_ACTIONS];
static unsigned int nr_actions;

void kunit_fail(struct kunit *test, const char *file, int line,
		const char *what)
{
	printf("# %s: %s:%d: not so: %s\n", test->name, file, line, what);
	test->failed = true;
}

int kunit_add_action_or_reset(struct kunit *test, void (*action)(void *data),
			      void *data)
{
	if (nr_actions == MAX_ACTIONS) {
		action(data);
		return -1;
	}
	actions[nr_actions++] = (struct action) { action, data };
	return 0;
}

void *kunit_zalloc(struct kunit *test, size_t nr, size_t size)
{
	void *buf = calloc(nr, size ?: 1);

	if (!buf || kunit_add_action_or_reset(test, free, buf))
		return NULL;
	return buf;
}

void *memchr_inv(const void *data, int byte, size_t len)
{
	const u8 *p = data;

	for (; len; len--, p++)
		if (*p != (u8)byte)
			return (void *)p;
	return NULL;
}

/* What hweight32() of tools/include calls */
unsigned int __sw_hweight32(unsigned int word)
{
	return __builtin_popcount(word);
}

/* The page before the buffer holds its length. */
void *vmalloc(size_t len)
{
	size_t full = (len + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
	u8 *map = mmap(NULL, full + 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	*(size_t *)map = full + 2 * PAGE_SIZE;
	if (mprotect(map + PAGE_SIZE + full, PAGE_SIZE, PROT_NONE))
		abort();
	return map + PAGE_SIZE;
}

void *vzalloc(size_t len)
{
	return vmalloc(len);
}

void vfree(const void *buf)
{
	u8 *map = (u8 *)buf - PAGE_SIZE;

	if (buf)
		munmap(map, *(size_t *)map);
}

static const u32 sha256_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define ROR(x, n)	((x) >> (n) | (x) << (32 - (n)))

static void sha256_block(u32 *state, const u8 *p)
{
	u32 w[64], s[8], t1, t2;
	unsigned int i;

	for (i = 0; i < 16; i++, p += 4)
		w[i] = (u32)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
	for (; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (ROR(w[i - 15], 7) ^ ROR(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (ROR(w[i - 2], 17) ^ ROR(w[i - 2], 19) ^ w[i - 2] >> 10);
	memcpy(s, state, sizeof(s));
	for (i = 0; i < 64; i++) {
		t1 = s[7] + (ROR(s[4], 6) ^ ROR(s[4], 11) ^ ROR(s[4], 25)) +
		     ((s[4] & s[5]) ^ (~s[4] & s[6])) + sha256_k[i] + w[i];
		t2 = (ROR(s[0], 2) ^ ROR(s[0], 13) ^ ROR(s[0], 22)) +
		     ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
		memmove(s + 1, s, 7 * sizeof(*s));
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		state[i] += s[i];
}

void sha256_init(struct sha256_ctx *ctx)
{
	static const u32 start[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memcpy(ctx->state, start, sizeof(start));
	ctx->len = 0;
}

void sha256_update(struct sha256_ctx *ctx, const u8 *data, size_t len)
{
	while (len--) {
		ctx->block[ctx->len++ % 64] = *data++;
		if (ctx->len % 64 == 0)
			sha256_block(ctx->state, ctx->block);
	}
}

void sha256_final(struct sha256_ctx *ctx, u8 *out)
{
	u64 bits = ctx->len * 8;
	unsigned int i;
	u8 byte = 0x80;

	do {
		sha256_update(ctx, &byte, 1);
		byte = 0;
	} while (ctx->len % 64 != 56);
	for (i = 0; i < 8; i++) {
		byte = bits >> (56 - 8 * i);
		sha256_update(ctx, &byte, 1);
	}
	for (i = 0; i < 32; i++)
		out[i] = ctx->state[i / 4] >> (24 - 8 * (i % 4));
}

void sha256(const u8 *data, size_t len, u8 *out)
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, data, len);
	sha256_final(&ctx, out);
}

static bool run_once(const struct kunit_suite *suite,
		     const struct kunit_case *one, struct kunit *test)
{
	test->name = one->name;
	test->failed = false;
	test->skipped = false;
	if (!setjmp(test->end)) {
		if (suite->init && suite->init(test))
			kunit_fail(test, __FILE__, __LINE__, "init");
		else
			one->run_case(test);
	}
	if (suite->exit)
		suite->exit(test);
	while (nr_actions) {
		nr_actions--;
		actions[nr_actions].fn(actions[nr_actions].data);
	}
	return !test->failed;
}

static unsigned int passed, failed, skipped;

static void run_case(const struct kunit_suite *suite,
		     const struct kunit_case *one)
{
	char desc[KUNIT_PARAM_DESC_SIZE] = "";
	struct kunit test = {};
	bool ok;

	do {
		if (one->generate_params) {
			test.param_value = one->generate_params(&test,
						test.param_value, desc);
			if (!test.param_value)
				break;
		}
		test.priv = NULL;
		ok = run_once(suite, one, &test);
		passed += ok && !test.skipped;
		skipped += ok && test.skipped;
		failed += !ok;
		if (!ok)
			printf("not ok %s %s\n", one->name, desc);
	} while (one->generate_params);
}

int kunit_main(const struct kunit_suite *suite)
{
	const struct kunit_case *one;

	for (one = suite->test_cases; one->run_case; one++)
		run_case(suite, one);
	printf("%s: %u passed, %u failed, %u skipped\n", suite->name, passed,
	       failed, skipped);
	return failed || !passed;
}
