/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SBAT: revocation of PE files by generation numbers
 *
 * A PE file lists in .sbat what it is made of, each component with a generation.  A
 * revocation level lists the least generation of each.  The rules are those of shim
 * 16.1, which has a level and makes firmware's boot follow it.  Pure like pefile: two
 * buffers in, a result out.
 */

#ifndef _LINUX_UKI_SBAT_H
#define _LINUX_UKI_SBAT_H

#include <linux/pefile.h>
#include <linux/types.h>

/*
 * Longest text of a section or of a level; those that exist have some hundred
 * bytes.  It bounds a check, whose time is the product of both.
 */
#define UKI_SBAT_MAX		(32UL << 10)

/* shim compares generations as UINT16. */
#define UKI_SBAT_GENERATION_MAX	0xffff

/**
 * enum uki_sbat_kind - what a text is
 * @UKI_SBAT_SECTION: content of .sbat: six fields a record
 * @UKI_SBAT_LEVEL: a level: two fields, or three
 */
enum uki_sbat_kind {
	UKI_SBAT_SECTION,
	UKI_SBAT_LEVEL,
};

/**
 * struct uki_sbat_walk - position of uki_sbat_next(); start with all zeros
 * @off: where the next record is looked for; after -EBADMSG, where the bad field or
 *	 byte is
 * @end: where the text ends; not for the caller
 * @msg: after -EBADMSG what is wrong, a constant string without a newline
 */
struct uki_sbat_walk {
	size_t off;
	size_t end;
	const char *msg;
};

/**
 * struct uki_sbat_record - a component and its generation
 * @name: the component; hostile, not terminated, without NUL, comma and end of line
 * @name_len: its length, never 0
 * @generation: its generation, at most UKI_SBAT_GENERATION_MAX
 */
struct uki_sbat_record {
	const char *name;
	size_t name_len;
	u32 generation;
};

/**
 * struct uki_sbat_result - what uki_sbat_check() has found
 * @nr_records: number of records of the section that were compared; 0 says that it
 *		has none, if 0 is returned
 * @revoked: the record that is revoked, if -EKEYREJECTED is returned; its name lies
 *	     in the section
 * @limit: the generation that it would need; more than @revoked.generation
 * @bad: which of the texts is malformed, if -EBADMSG is returned
 * @bad_at: and where and why
 */
struct uki_sbat_result {
	size_t nr_records;
	struct uki_sbat_record revoked;
	u32 limit;
	enum uki_sbat_kind bad;
	struct uki_sbat_walk bad_at;
};

int uki_sbat_next(const void *text, size_t len, enum uki_sbat_kind kind,
		  struct uki_sbat_walk *walk, struct uki_sbat_record *record);
int uki_sbat_check(const void *section, size_t section_len, const void *level,
		   size_t level_len, struct uki_sbat_result *result);
int uki_sbat_find(const void *buf, const struct pefile *pe,
		  struct pefile_span *span, struct pefile_error *err);

#endif /* _LINUX_UKI_SBAT_H */
