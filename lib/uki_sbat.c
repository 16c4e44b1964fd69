// SPDX-License-Identifier: GPL-2.0
/*
 * SBAT: revocation of PE files by generation numbers
 *
 * Reads the comma-separated text of a .sbat section and of a revocation level and
 * compares them.  "shim" is shim 16.1; its functions are named where a rule is theirs,
 * "SBAT" is its SBAT.md.  What shim refuses is refused.  What shim takes is taken, but
 * for a few oddities that no tool writes, of which it takes one half and overlooks the
 * other: they are malformed here.
 *
 * Both texts are hostile.  This file must never allocate, log, keep state or read a
 * byte outside the buffers: the loader and the fuzzers in user space build it as it
 * is.
 */

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/pe.h>
#include <linux/pefile.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uki_sbat.h>
#include <linux/unaligned.h>

/* SBAT_SECTION_COLUMNS, SBAT_VAR_COLUMNS, SBAT_VAR_REQUIRED_COLUMNS of shim. */
#define SECTION_FIELDS		6
#define LEVEL_FIELDS		3
#define LEVEL_FIELDS_NEEDED	2

#define FIELD_NAME		0
#define FIELD_GENERATION	1

static const char utf8_bom[] = { '\xef', '\xbb', '\xbf' };

static int malformed(struct uki_sbat_walk *walk, const char *msg, size_t off)
{
	walk->msg = msg;
	walk->off = off;
	return -EBADMSG;
}

/*
 * The text ends at the first NUL; a section is padded with them.  shim goes on behind
 * a NUL that follows an empty line and stops at others (parse_csv_data()): with
 * nothing but NULs there is no such question.
 */
static int find_end(const char *text, size_t len, struct uki_sbat_walk *walk)
{
	size_t end = 0;
	size_t i;

	while (end < len && text[end])
		end++;
	for (i = end; i < len; i++) {
		if (text[i])
			return malformed(walk, "text behind a NUL", i);
	}
	if (end > UKI_SBAT_MAX)
		return malformed(walk, "too long", UKI_SBAT_MAX);

	/* is_utf8_bom() of shim. */
	if (end >= sizeof(utf8_bom) && !memcmp(text, utf8_bom, sizeof(utf8_bom)))
		walk->off = sizeof(utf8_bom);
	walk->end = end;
	return 0;
}

/* parse_csv_data() of shim: any number of them in any order is one end of line. */
static bool is_newline(char c)
{
	return c == '\r' || c == '\n';
}

/*
 * AsciiStrDecimalToUintn() of shim: blanks, digits, and whatever; no digits are 0.
 * There, what does not fit its UINT16 wraps.
 */
static int read_generation(const char *text, size_t off, size_t end,
			   struct uki_sbat_walk *walk, u32 *generation)
{
	size_t start = off;

	*generation = 0;
	while (off < end && (text[off] == ' ' || text[off] == '\t'))
		off++;
	for (; off < end && text[off] >= '0' && text[off] <= '9'; off++) {
		*generation = *generation * 10 + (text[off] - '0');
		if (*generation > UKI_SBAT_GENERATION_MAX)
			return malformed(walk, "generation too large", start);
	}
	return 0;
}

/* parse_sbat_section(), parse_sbat_var_data() of shim: no field may be empty. */
static int read_field(const char *text, size_t off, size_t end,
		      unsigned int field, struct uki_sbat_walk *walk,
		      struct uki_sbat_record *record)
{
	if (off == end)
		return malformed(walk, "empty field", off);

	if (field == FIELD_NAME) {
		record->name = text + off;
		record->name_len = end - off;
	}
	if (field == FIELD_GENERATION)
		return read_generation(text, off, end, walk,
				       &record->generation);
	return 0;
}

/*
 * parse_csv_line() of shim: nothing is quoted or trimmed, and what follows the last
 * field that has a meaning is not looked at.
 */
static int read_line(const char *text, size_t end, enum uki_sbat_kind kind,
		     struct uki_sbat_walk *walk, struct uki_sbat_record *record)
{
	unsigned int max = kind == UKI_SBAT_LEVEL ? LEVEL_FIELDS :
						    SECTION_FIELDS;
	unsigned int needed = kind == UKI_SBAT_LEVEL ? LEVEL_FIELDS_NEEDED :
						       SECTION_FIELDS;
	size_t off = walk->off;
	unsigned int field;
	int err;

	for (field = 0; field < max; field++) {
		const char *comma = memchr(text + off, ',', end - off);
		size_t stop = comma ? (size_t)(comma - text) : end;

		err = read_field(text, off, stop, field, walk, record);
		if (err)
			return err;
		if (!comma)
			break;
		off = stop + 1;
	}
	if (field + 1 < needed)
		return malformed(walk, "too few fields", walk->off);

	walk->off = end;
	return 0;
}

/**
 * uki_sbat_next() - read the next record
 * @text: the section's content or the level
 * @len: its length
 * @kind: which of the two it is
 * @walk: all zeros before the first call, not touched between calls
 * @record: the record, meaningful only if 1 is returned
 *
 * Return: 1; 0 if there are no more; -EBADMSG if the text is malformed
 */
int uki_sbat_next(const void *text, size_t len, enum uki_sbat_kind kind,
		  struct uki_sbat_walk *walk, struct uki_sbat_record *record)
{
	const char *chars = text;
	size_t stop;
	int err;

	if (!walk->end) {
		err = find_end(chars, len, walk);
		if (err)
			return err;
	}

	while (walk->off < walk->end && is_newline(chars[walk->off]))
		walk->off++;
	if (walk->off == walk->end)
		return 0;

	stop = walk->off;
	while (stop < walk->end && !is_newline(chars[stop]))
		stop++;
	err = read_line(chars, stop, kind, walk, record);
	return err ?: 1;
}
EXPORT_SYMBOL_GPL(uki_sbat_next);

/*
 * The first record of the level with this name counts (verify_sbat_helper() of shim).
 * Returns 0 if there is none, which no record can need more than.
 */
static u32 find_limit(const void *level, size_t len,
		      const struct uki_sbat_record *record)
{
	struct uki_sbat_walk walk = { };
	struct uki_sbat_record limit;

	while (uki_sbat_next(level, len, UKI_SBAT_LEVEL, &walk, &limit) > 0) {
		if (limit.name_len == record->name_len &&
		    !memcmp(limit.name, record->name, limit.name_len))
			return limit.generation;
	}
	return 0;
}

/*
 * A level always has a record: its own version.  What has none was not written by
 * shim, and would revoke nothing.
 */
static int check_level(const void *level, size_t len,
		       struct uki_sbat_result *result)
{
	struct uki_sbat_walk *walk = &result->bad_at;
	struct uki_sbat_record record;
	size_t nr = 0;
	int ret;

	result->bad = UKI_SBAT_LEVEL;
	while ((ret = uki_sbat_next(level, len, UKI_SBAT_LEVEL, walk, &record)) > 0)
		nr++;
	if (!ret && !nr)
		return malformed(walk, "no records", 0);
	return ret;
}

/**
 * uki_sbat_check() - compare a file's .sbat with a revocation level
 * @section: the section's content, with any padding
 * @section_len: its length; 0 if there is no section, which then has no records
 * @level: the level
 * @level_len: its length
 * @result: what was found
 *
 * Both are read to their end before anything is compared, so that a malformed text is
 * malformed whatever its neighbour says.  Whether a section without records will do is
 * for the caller to decide.
 *
 * Return: 0; -EKEYREJECTED if a component is older than the level asks for; -EBADMSG
 *	   if one of the texts is malformed
 */
int uki_sbat_check(const void *section, size_t section_len, const void *level,
		   size_t level_len, struct uki_sbat_result *result)
{
	struct uki_sbat_record record;
	int revoked = 0;
	int ret;

	memset(result, 0, sizeof(*result));
	ret = check_level(level, level_len, result);
	if (ret)
		return ret;

	result->bad = UKI_SBAT_SECTION;
	memset(&result->bad_at, 0, sizeof(result->bad_at));
	while ((ret = uki_sbat_next(section, section_len, UKI_SBAT_SECTION,
				    &result->bad_at, &record)) > 0) {
		u32 limit = find_limit(level, level_len, &record);

		result->nr_records++;
		if (revoked || record.generation >= limit)
			continue;
		revoked = -EKEYREJECTED;
		result->revoked = record;
		result->limit = limit;
	}
	return ret ?: revoked;
}
EXPORT_SYMBOL_GPL(uki_sbat_check);

/* verify_buffer_sbat() of shim asks the same of it. */
static int check_header(const void *buf, const struct pefile *pe,
			unsigned int idx, const struct pefile_section *section,
			struct pefile_error *err)
{
	const u8 *entry = buf + pe->sections_off +
			  idx * sizeof(struct section_header);

	memcpy(err->section, section->name, sizeof(err->section));
	if (get_unaligned_le32(entry + offsetof(struct section_header, relocs)) ||
	    get_unaligned_le16(entry + offsetof(struct section_header, num_relocs))) {
		err->msg = "section has relocations";
		return -EBADMSG;
	}
	if (section->raw.len < section->virtual_size) {
		err->msg = "section lacks some of its size";
		err->value = section->raw.len;
		err->limit = section->virtual_size;
		return -EBADMSG;
	}
	return 0;
}

/**
 * uki_sbat_find() - find the .sbat of a PE file
 * @buf: the file
 * @pe: its headers, from pefile_parse()
 * @span: where the content is, all its bytes in the file, as shim reads them; zero
 *	  length if there is none
 * @err: why the file was refused, meaningful only if -EBADMSG is returned
 *
 * shim overlooks a section that is smaller in the file than in memory.  Here it is
 * malformed, because then what it says in memory is not what shim would check.
 *
 * Return: 0; -EBADMSG if there is more than one, or it is not as shim wants it
 */
int uki_sbat_find(const void *buf, const struct pefile *pe,
		  struct pefile_span *span, struct pefile_error *err)
{
	static const char name[PEFILE_NAME_LEN] = ".sbat";
	struct pefile_section section;
	bool found = false;
	unsigned int i;
	int ret;

	memset(span, 0, sizeof(*span));
	memset(err, 0, sizeof(*err));
	for (i = 0; i < pe->nr_sections; i++) {
		pefile_get_section(buf, pe, i, &section);
		if (memcmp(section.name, name, sizeof(name)))
			continue;
		ret = check_header(buf, pe, i, &section, err);
		if (ret)
			return ret;
		if (found) {
			err->msg = "more than one section";
			err->value = 2;
			err->limit = 1;
			return -EBADMSG;
		}
		found = true;
		*span = section.raw;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(uki_sbat_find);
