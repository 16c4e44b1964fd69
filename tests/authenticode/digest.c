// SPDX-License-Identifier: GPL-2.0
/*
 * Prints the Authenticode digest of PE files as lib/pefile.c makes it
 *
 * One line for each file: its SHA-256, or "refused" and why.  All that knows of
 * PE is the kernel's own file, built here as it is: this must add nothing to it.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/kernel.h>
#include <linux/pefile.h>
#include <openssl/evp.h>

/* A buffer of exactly the file's size, so that a sanitizer sees what lies after */
static unsigned char *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	unsigned char *buf;
	long size;

	if (!file)
		return NULL;
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	buf = size < 0 ? NULL : malloc(size ?: 1);
	*len = size;
	if (buf && fread(buf, 1, size, file) != (size_t)size) {
		free(buf);
		buf = NULL;
	}
	fclose(file);
	return buf;
}

static bool digest(const unsigned char *buf, size_t len, const struct pefile *pe,
		   unsigned char *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct pefile_walk walk = {};
	struct pefile_span span;
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);

	while (ok && pefile_next_hashed(buf, len, pe, &walk, &span))
		ok = EVP_DigestUpdate(ctx, buf + span.off, span.len);
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	return ok;
}

static int print_digest(const char *path)
{
	unsigned char out[EVP_MAX_MD_SIZE];
	struct pefile_error err;
	unsigned char *buf;
	struct pefile pe;
	size_t len;
	int i, ret;

	buf = read_file(path, &len);
	if (!buf) {
		perror(path);
		return 1;
	}

	ret = pefile_parse(buf, len, &pe, &err);
	if (ret) {
		printf("refused %s\n", ret == -EBADMSG ? err.msg : "not a PE file");
	} else if (digest(buf, len, &pe, out)) {
		for (i = 0; i < 32; i++)
			printf("%02x", out[i]);
		putchar('\n');
	} else {
		fprintf(stderr, "%s: OpenSSL fails\n", path);
		ret = 1;
	}
	free(buf);
	return ret > 0;
}

int main(int argc, char *argv[])
{
	int i, ret = 0;

	for (i = 1; i < argc; i++)
		ret |= print_digest(argv[i]);
	return ret;
}
