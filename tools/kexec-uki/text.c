// SPDX-License-Identifier: GPL-2.0
/*
 * Event data as text
 *
 * Whoever wrote a log chose the bytes.  Nothing but printable ASCII may ever get to
 * the terminal: the rest is written as \xNN or \uNNNN.
 */

#include <stdbool.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/unaligned.h>

#include "text.h"

/* Longer than any command line; a log can have megabytes of it. */
#define TEXT_MAX	8192

void text_hex(FILE *out, const u8 *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		fprintf(out, "%02x", data[i]);
}

static bool printable(unsigned int c)
{
	return c >= 0x20 && c < 0x7f;
}

static void put_char(FILE *out, unsigned int c, const char *escape)
{
	if (c == '"' || c == '\\')
		fprintf(out, "\\%c", c);
	else if (printable(c))
		fputc(c, out);
	else
		fprintf(out, escape, c);
}

static void put_end(FILE *out, size_t len)
{
	fputc('"', out);
	if (len > TEXT_MAX)
		fprintf(out, "... (%zu bytes)", len);
}

/* 8-bit text in quotes; one NUL at the end is not shown */
void text_ascii(FILE *out, const u8 *data, size_t len)
{
	size_t i;

	if (len && !data[len - 1])
		len--;
	fputc('"', out);
	for (i = 0; i < len && i < TEXT_MAX; i++)
		put_char(out, data[i], "\\x%02x");
	put_end(out, len);
}

/* A line without quotes, in which a backslash is one of an escape already */
void text_plain(FILE *out, const char *text)
{
	for (; *text; text++)
		if (printable((unsigned char)*text))
			fputc(*text, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*text);
}

/* Little endian UTF-16 in quotes; one NUL at the end is not shown */
void text_utf16(FILE *out, const u8 *data, size_t len)
{
	size_t i;

	len &= ~(size_t)1;
	if (len && !get_unaligned_le16(data + len - 2))
		len -= 2;
	fputc('"', out);
	for (i = 0; i < len && i < TEXT_MAX; i += 2)
		put_char(out, get_unaligned_le16(data + i), "\\u%04x");
	put_end(out, len);
}

static bool is_ascii(const u8 *data, size_t len)
{
	size_t i;

	if (len && !data[len - 1])
		len--;
	for (i = 0; i < len; i++)
		if (!printable(data[i]))
			return false;
	return len;
}

static bool is_utf16(const u8 *data, size_t len)
{
	size_t i;

	if (len % 2)
		return false;
	if (len && !get_unaligned_le16(data + len - 2))
		len -= 2;
	for (i = 0; i < len; i += 2)
		if (!printable(get_unaligned_le16(data + i)))
			return false;
	return len;
}

/* Text, if it looks like text, or the number of bytes */
void text_guess(FILE *out, const u8 *data, size_t len)
{
	if (is_ascii(data, len))
		text_ascii(out, data, len);
	else if (is_utf16(data, len))
		text_utf16(out, data, len);
	else
		fprintf(out, "%zu bytes", len);
}

/* A name that was found and not given can have any bytes. */
int complain_path(const char *path, const char *why)
{
	fflush(stdout);
	fputs("kexec-uki: ", stderr);
	text_ascii(stderr, (const u8 *)path, strlen(path));
	fprintf(stderr, ": %s\n", why);
	return -1;
}
