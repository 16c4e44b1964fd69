// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target of lib/uki_sbat.c
 *
 * The input is a PE file, or else the length of a section's text in two bytes (the
 * low one first), the text, and a level.
 *
 * Checked: each record and the place of each fault against a second reader that
 * splits lines and fields one after the other, as shim does; what is revoked
 * against a comparison of all with all; names inside the text; which section of a
 * file is the .sbat; a reason for each refusal; nothing that depends on what was
 * in the results before; the texts unchanged.
 */

#include <linux/uki_sbat.h>

#include "fuzz.h"

/* "a,1" and the end of a line, as often as there is room. */
#define MAX_RECORDS	(UKI_SBAT_MAX / 4 + 1)
#define ENTRY_LEN	40

struct record {
	size_t name;
	size_t name_len;
	u32 generation;
};

/* Up to the first NUL, behind which there is nothing else; -1 if there is. */
static long text_len(const char *text, size_t len)
{
	size_t end = len ? strnlen(text, len) : 0;

	for (size_t i = end; i < len; i++)
		if (text[i])
			return -1;
	return end <= UKI_SBAT_MAX ? (long)end : -1;
}

/* AsciiStrDecimalToUintn(); -1 if it is more than shim can count. */
static long number(const char *field, size_t len)
{
	long value = 0;
	size_t i = 0;

	while (i < len && (field[i] == ' ' || field[i] == '\t'))
		i++;
	while (i < len && field[i] >= '0' && field[i] <= '9') {
		value = value * 10 + field[i++] - '0';
		if (value > 65535)
			return -1;
	}
	return value;
}

/* Fields of a line: each not empty up to the last that counts. */
static bool second_line(const char *text, size_t start, size_t end,
			enum uki_sbat_kind kind, struct record *record)
{
	unsigned int max = kind == UKI_SBAT_SECTION ? 6 : 3;
	unsigned int needed = kind == UKI_SBAT_SECTION ? 6 : 2, n = 0;
	size_t at = start;

	for (;;) {
		size_t stop = at;

		while (stop < end && text[stop] != ',')
			stop++;
		if (stop == at)
			return false;
		if (n == 0)
			*record = (struct record){ at, stop - at, 0 };
		if (n == 1) {
			long value = number(text + at, stop - at);

			if (value < 0)
				return false;
			record->generation = value;
		}
		n++;
		if (n == max || stop == end)
			break;
		at = stop + 1;
	}
	return n >= needed;
}

/* All records; the number of them, @good says whether the text is. */
static size_t second_read(const char *text, size_t len, enum uki_sbat_kind kind,
			  struct record *records, bool *good)
{
	long end = text_len(text, len);
	size_t nr = 0, at = 0, stop;

	*good = end >= 0;
	if (!*good)
		return 0;
	if (end >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		at = 3;
	for (; at < (size_t)end; at = stop + 1) {
		stop = at;
		while (stop < (size_t)end && !strchr("\r\n", text[stop]))
			stop++;
		if (stop == at)
			continue;
		*good = nr < MAX_RECORDS &&
			second_line(text, at, stop, kind, &records[nr]);
		if (!*good)
			return nr;
		nr++;
	}
	return nr;
}

static void check_reason(const struct uki_sbat_walk *walk, size_t len)
{
	MUST(walk->msg && *walk->msg && strlen(walk->msg) < 80);
	MUST(!strchr(walk->msg, '\n') && walk->off <= len);
}

static void check_walk(const char *text, size_t len, enum uki_sbat_kind kind,
		       const struct record *records, size_t nr, bool good)
{
	struct uki_sbat_walk walk = { };
	struct uki_sbat_record record;
	int ret;

	for (size_t i = 0; i < nr; i++) {
		size_t before = walk.off;

		memset(&record, 0xa5, sizeof(record));
		MUST(uki_sbat_next(text, len, kind, &walk, &record) == 1);
		MUST(walk.off > before && walk.off <= len);
		MUST(record.name == text + records[i].name);
		MUST(record.name_len && record.name_len == records[i].name_len);
		MUST(record.generation == records[i].generation);
		MUST(record.generation <= UKI_SBAT_GENERATION_MAX);
	}
	ret = uki_sbat_next(text, len, kind, &walk, &record);
	MUST(ret == (good ? 0 : -EBADMSG));
	if (ret)
		check_reason(&walk, len);
	else
		MUST(!uki_sbat_next(text, len, kind, &walk, &record));
}

/* The first record of the level with this name counts. */
static u32 second_limit(const char *section, const struct record *record,
			const char *level, const struct record *limits, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (limits[i].name_len == record->name_len &&
		    !memcmp(level + limits[i].name, section + record->name,
			    record->name_len))
			return limits[i].generation;
	return 0;
}

struct text {
	const char *text;
	size_t len;
	struct record *records;
	size_t nr;
	bool good;
};

static void check_revoked(const struct text *section, const struct text *level,
			  const struct uki_sbat_result *result, int ret)
{
	const struct record *record = NULL;
	u32 limit = 0;

	for (size_t i = 0; i < section->nr && !record; i++) {
		limit = second_limit(section->text, &section->records[i],
				     level->text, level->records, level->nr);
		if (section->records[i].generation < limit)
			record = &section->records[i];
	}
	MUST(ret == (record ? -EKEYREJECTED : 0));
	MUST(result->nr_records == section->nr);
	if (!record)
		return;
	MUST(result->revoked.name == section->text + record->name);
	MUST(result->revoked.name_len == record->name_len);
	MUST(result->revoked.generation == record->generation);
	MUST(result->limit == limit && limit > record->generation);
}

static void check_compare(const struct text *section, const struct text *level)
{
	struct uki_sbat_result result, again;
	int ret;

	fuzz_poison(&result, &again, sizeof(result));
	ret = uki_sbat_check(section->text, section->len, level->text,
			     level->len, &result);
	MUST(ret == uki_sbat_check(section->text, section->len, level->text,
				   level->len, &again));
	MUST(!memcmp(&result, &again, sizeof(result)));
	if (!level->good || !level->nr) {
		MUST(ret == -EBADMSG && result.bad == UKI_SBAT_LEVEL);
		check_reason(&result.bad_at, level->len);
	} else if (!section->good) {
		MUST(ret == -EBADMSG && result.bad == UKI_SBAT_SECTION);
		check_reason(&result.bad_at, section->len);
	} else {
		check_revoked(section, level, &result, ret);
	}
}

static void fuzz_texts(const u8 *data, size_t len)
{
	static struct record records[4][MAX_RECORDS];
	size_t section_len = fuzz_le(data, 2);
	struct text texts[2];

	data += 2;
	len -= 2;
	texts[0].len = section_len < len ? section_len : len;
	texts[0].text = fuzz_copy(data, texts[0].len);
	texts[1].len = len - texts[0].len;
	texts[1].text = fuzz_copy(data + texts[0].len, texts[1].len);
	for (unsigned int i = 0; i < 4; i++) {
		/* Each as the other first, and then as what it is. */
		enum uki_sbat_kind kind = i < 2 ? !(i & 1) : (i & 1);
		struct text *text = &texts[i & 1];

		text->records = records[i];
		text->nr = second_read(text->text, text->len, kind,
				       text->records, &text->good);
		check_walk(text->text, text->len, kind, text->records, text->nr,
			   text->good);
	}
	check_compare(&texts[0], &texts[1]);
	MUST(!memcmp(texts[0].text, data, texts[0].len));
	MUST(!memcmp(texts[1].text, data + texts[0].len, texts[1].len));
	free((void *)texts[0].text);
	free((void *)texts[1].text);
}

/* verify_buffer_sbat(): one of this name, without relocations, and all of it. */
static bool second_find(const u8 *buf, const struct pefile *pe,
			struct pefile_span *span)
{
	unsigned int nr = 0;

	memset(span, 0, sizeof(*span));
	for (unsigned int i = 0; i < pe->nr_sections; i++) {
		const u8 *entry = buf + pe->sections_off + i * ENTRY_LEN;

		if (memcmp(entry, ".sbat\0\0", 8))
			continue;
		span->len = fuzz_le(entry + 16, 4);
		span->off = span->len ? fuzz_le(entry + 20, 4) : 0;
		if (nr++ || fuzz_le(entry + 24, 4) || fuzz_le(entry + 32, 2) ||
		    fuzz_le(entry + 8, 4) > span->len)
			return false;
	}
	return true;
}

static void fuzz_file(const u8 *data, size_t len)
{
	u8 *buf = fuzz_copy(data, len);
	struct pefile_error err, err_again;
	struct pefile_span span, want;
	struct pefile pe;
	int ret;

	if (!pefile_parse(buf, len, &pe, NULL)) {
		fuzz_poison(&err, &err_again, sizeof(err));
		ret = uki_sbat_find(buf, &pe, &span, &err);
		MUST(ret == uki_sbat_find(buf, &pe, &want, &err_again));
		MUST(ret == (second_find(buf, &pe, &want) ? 0 : -EBADMSG));
		if (ret)
			fuzz_check_error(&err, &err_again);
		else
			MUST(span.off == want.off && span.len == want.len &&
			     fuzz_inside(len, span));
	}
	free(buf);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	if (len < 2)
		return 0;
	if (!memcmp(data, "MZ", 2))
		fuzz_file(data, len);
	else
		fuzz_texts(data, len);
	return 0;
}
