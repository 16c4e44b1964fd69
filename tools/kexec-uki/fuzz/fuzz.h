/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets of the pure code share
 *
 * A target calls the functions of one file of the kernel, built as it is, with
 * hostile bytes, and checks what the kernel-doc of each promises.  What is right
 * is said a second time in the target, from the specifications and by other means
 * than the file's own, so that a target can tell wrong results from right ones and
 * not only crashes.  A target must never fail on a promise that nobody made.
 *
 * To run them: scripts/fuzz.sh, or "make" here and TARGET -help=1.
 */

#ifndef KEXEC_UKI_FUZZ_H
#define KEXEC_UKI_FUZZ_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <linux/pefile.h>

/* libFuzzer's own names */
int LLVMFuzzerTestOneInput(const u8 *data, size_t len);
size_t LLVMFuzzerMutate(u8 *data, size_t len, size_t max);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t len, size_t max,
			       unsigned int seed);

#define MUST(cond)							\
	do {								\
		if (!(cond))						\
			fuzz_fail(__FILE__, __LINE__, #cond);		\
	} while (0)

static inline void fuzz_fail(const char *file, int line, const char *cond)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, cond);
	abort();
}

/* A heap buffer of exactly this size: the sanitizer guards both of its ends. */
static inline void *fuzz_room(size_t len)
{
	void *room = malloc(len);

	MUST(room || !len);
	return room;
}

static inline void *fuzz_copy(const void *data, size_t len)
{
	void *copy = fuzz_room(len);

	if (len)
		memcpy(copy, data, len);
	return copy;
}

static inline u64 fuzz_le(const u8 *p, unsigned int n)
{
	u64 value = 0;

	while (n--)
		value = value << 8 | p[n];
	return value;
}

static inline u64 fuzz_be(const u8 *p, unsigned int n)
{
	u64 value = 0;

	while (n--)
		value = value << 8 | *p++;
	return value;
}

static inline bool fuzz_inside(size_t len, struct pefile_span span)
{
	return span.off <= len && span.len <= len - span.off;
}

/*
 * Outcomes of two equal calls whose results began with different bytes: equal
 * ones have been filled whole, and with nothing but what is in the file.
 */
static inline void fuzz_poison(void *first, void *second, size_t len)
{
	memset(first, 0xa5, len);
	memset(second, 0x3c, len);
}

/* A reason for people: a text, one line of it, and no bytes of the file. */
static inline void fuzz_check_error(const struct pefile_error *err,
				    const struct pefile_error *again)
{
	MUST(!memcmp(err, again, sizeof(*err)));
	MUST(err->msg && *err->msg && strlen(err->msg) < 80);
	MUST(!strchr(err->msg, '\n'));
}

/* The name in the section header that is to blame, zeros if none is. */
static inline void fuzz_check_section(const struct pefile_error *err,
				      const void *header)
{
	static const char zeros[PEFILE_NAME_LEN];

	MUST(!memcmp(err->section, header ?: zeros, sizeof(zeros)));
}

/* Bytes of the input that say what to do, taken off the front; zeros at its end. */
struct fuzz_script {
	const u8 *p;
	size_t len;
};

static inline u64 fuzz_take(struct fuzz_script *script, unsigned int n)
{
	u64 value = 0;

	for (; n; n--) {
		value <<= 8;
		if (!script->len)
			continue;
		value |= *script->p++;
		script->len--;
	}
	return value;
}

/* At most @max bytes. */
static inline const u8 *fuzz_take_bytes(struct fuzz_script *script, size_t max,
					size_t *len)
{
	const u8 *p = script->p;

	*len = max < script->len ? max : script->len;
	script->p += *len;
	script->len -= *len;
	return p;
}

#endif /* KEXEC_UKI_FUZZ_H */
