// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target of lib/uki_newc.c
 *
 * The input is an archive in the format newc, or, where it begins with "W", a
 * script that writes one.
 *
 * Checked of the reader: each member and the place of each fault against a second
 * reader; names and content inside the archive; progress; a position that is left
 * alone after a fault; a reason for each.  Of the writer: what it writes is what
 * the strict reader reads, to the byte; that it counts as much as it writes; room
 * one byte too small is refused and no byte behind the room is touched; sizes
 * that overflow.  Both: that an archive written from what was read reads the same.
 */

#include <stdint.h>
#include <linux/uki_newc.h>

#include "fuzz.h"

#define HEADER_LEN	110
#define MAX_CONTENT	256
#define MAX_MEMBERS	6
#define MAX_SLASHES	3
#define TRAILER		"TRAILER!!!"
#define TRAILER_LEN	124

static u64 aligned(u64 value)
{
	return value + (4 - value % 4) % 4;
}

/* Field @i of a header, -1 if it is no number. */
static s64 field(const u8 *header, unsigned int i)
{
	static const char digits[] = "0123456789ABCDEFabcdef";
	const u8 *p = header + 6 + 8 * i;
	s64 value = 0;

	for (i = 0; i < 8; i++) {
		const char *digit = p[i] ? strchr(digits, p[i]) : NULL;

		if (!digit)
			return -1;
		value = value * 16 + digit - digits - (digit - digits > 15 ? 6 : 0);
	}
	return value;
}

/* What uki_newc_next() has to say of what is at @pos. */
static int second_next(const u8 *buf, size_t len, size_t *pos,
		       struct uki_newc_member *member)
{
	const u8 *header = buf + *pos, *nul;
	u64 name, data, end;
	s64 fields[13];

	if (*pos + HEADER_LEN > len || memcmp(header, "070701", 6))
		return -EBADMSG;
	for (unsigned int i = 0; i < 13; i++) {
		fields[i] = field(header, i);
		if (fields[i] < 0)
			return -EBADMSG;
	}
	name = *pos + HEADER_LEN;
	data = aligned(name + fields[11]);
	end = aligned(data + fields[6]);
	if (fields[11] < 2 || data > len || end > len)
		return -EBADMSG;
	nul = memchr(buf + name, '\0', fields[11]);
	if (!nul || nul != buf + name + fields[11] - 1)
		return -EBADMSG;

	member->path = (const char *)buf + name;
	member->path_len = fields[11] - 1;
	member->mode = fields[1];
	member->nlink = fields[4];
	member->data = (struct pefile_span){ data, fields[6] };
	if (strcmp(member->path, TRAILER)) {
		*pos = end;
		return 1;
	}
	while (end < len && !buf[end])
		end++;
	return member->data.len || end < len ? -EBADMSG : 0;
}

static void check_member(const u8 *buf, size_t len,
			 const struct uki_newc_member *member,
			 const struct uki_newc_member *want)
{
	struct pefile_span path = { (const u8 *)member->path - buf,
				    member->path_len + 1 };

	MUST(member->path == want->path && member->path_len == want->path_len);
	MUST(member->mode == want->mode && member->nlink == want->nlink);
	MUST(member->data.off == want->data.off);
	MUST(member->data.len == want->data.len);
	MUST(fuzz_inside(len, path) && fuzz_inside(len, member->data));
	MUST(member->path_len && strlen(member->path) == member->path_len);
}

/* One step of both readers. */
static int check_next(const u8 *buf, size_t len, size_t *pos,
		      struct uki_newc_member *member)
{
	size_t before = *pos, second = before, again = before;
	struct uki_newc_member want, unused;
	struct pefile_error err, err_again;
	int ret;

	fuzz_poison(&err, &err_again, sizeof(err));
	ret = uki_newc_next(buf, len, pos, member, &err);
	MUST(ret == second_next(buf, len, &second, &want) && *pos == second);
	if (ret == 1) {
		MUST(*pos > before && *pos <= len && !(*pos & 3));
		check_member(buf, len, member, &want);
		return ret;
	}
	MUST(*pos == before && (!ret || ret == -EBADMSG));
	MUST(uki_newc_next(buf, len, &again, &unused, &err_again) == ret);
	if (ret) {
		fuzz_check_error(&err, &err_again);
		MUST(err.value == before && err.limit == len);
	}
	return ret;
}

/* An entry that is asked of the writer, and what it does. */
struct entry {
	bool is_dir;
	char *path;
	u32 mode;
	struct uki_newc_data data;
};

static int write_entry(struct uki_newc *newc, const struct entry *entry)
{
	if (entry->is_dir)
		return uki_newc_dir(newc, entry->path, entry->mode);
	return uki_newc_file(newc, entry->path, entry->mode, &entry->data);
}

static int write_all(struct uki_newc *newc, const struct entry *entries,
		     size_t nr)
{
	int ret = 0;

	for (size_t i = 0; i < nr && !ret; i++)
		ret = write_entry(newc, &entries[i]);
	return ret ?: uki_newc_end(newc);
}

/* Directories above come first (pack_cpio_prefix()). */
static void check_dirs(const u8 *buf, size_t len, size_t *pos,
		       const struct entry *entry, u32 *ino)
{
	struct uki_newc_member member;

	for (size_t i = 1; i <= strlen(entry->path); i++) {
		bool is_last = !entry->path[i];
		const u8 *header = buf + *pos;

		if (!is_last && entry->path[i] != '/')
			continue;
		MUST(check_next(buf, len, pos, &member) == 1);
		MUST(field(header, 0) == ++*ino && member.nlink == 1);
		MUST(member.path_len == i && !memcmp(member.path, entry->path, i));
		MUST(member.mode == (0040000 | (is_last ? entry->mode : 0555)));
		MUST(!member.data.len);
	}
}

static void check_file(const u8 *buf, size_t len, size_t *pos,
		       const struct entry *entry, u32 *ino)
{
	const u8 *header = buf + *pos, *content;
	struct uki_newc_member member;

	MUST(check_next(buf, len, pos, &member) == 1);
	MUST(field(header, 0) == ++*ino && member.nlink == 1);
	MUST(!strcmp(member.path, entry->path));
	MUST(member.mode == (0100000 | entry->mode));
	MUST(member.data.len == entry->data.len + entry->data.zeros);
	content = buf + member.data.off;
	MUST(!entry->data.len ||
	     !memcmp(content, entry->data.data, entry->data.len));
	for (size_t i = entry->data.len; i < member.data.len; i++)
		MUST(!content[i]);
}

static void check_written(const u8 *buf, size_t len, const struct entry *entries,
			  size_t nr)
{
	struct uki_newc_member member;
	size_t pos = 0;
	u32 ino = 0;

	for (size_t i = 0; i < nr; i++) {
		if (entries[i].is_dir)
			check_dirs(buf, len, &pos, &entries[i], &ino);
		else
			check_file(buf, len, &pos, &entries[i], &ino);
	}
	MUST(!check_next(buf, len, &pos, &member));
	/* The trailer as it stands in pack_cpio_trailer(). */
	MUST(len - pos == TRAILER_LEN);
	MUST(!memcmp(buf + pos + 94, "0000000B00000000TRAILER!!!\0\0\0", 30));
}

static void check_too_small(const struct entry *entries, size_t nr, size_t size)
{
	struct uki_newc newc = { .buf = fuzz_room(size), .size = size };

	MUST(write_all(&newc, entries, nr) == -ENOSPC);
	MUST(newc.pos <= newc.size);
	free(newc.buf);
}

/* Write them without room, in too little, and in as much as they need. */
static void check_writing(const struct entry *entries, size_t nr)
{
	struct uki_newc count = { }, newc = { };

	MUST(!write_all(&count, entries, nr) && !(count.pos & 3));
	/* Not for a header, one byte for the trailer, and one for the last entry. */
	check_too_small(entries, nr, HEADER_LEN - 1);
	check_too_small(entries, nr, count.pos - 1);
	if (nr)
		check_too_small(entries, nr, count.pos - TRAILER_LEN - 1);
	newc = (struct uki_newc){ .size = count.pos };
	newc.buf = fuzz_room(newc.size);
	MUST(!write_all(&newc, entries, nr) && newc.pos == count.pos);
	check_written(newc.buf, newc.pos, entries, nr);

	/* A second archive behind the first is the same. */
	count = (struct uki_newc){ .size = 2 * newc.size };
	count.buf = fuzz_room(count.size);
	MUST(!write_all(&count, entries, nr) && count.pos == newc.size);
	MUST(!write_all(&count, entries, nr) && count.pos == count.size);
	MUST(!memcmp(count.buf + newc.size, newc.buf, newc.size));
	free(count.buf);
	free(newc.buf);
}

/*
 * What a writer may be given: a path that a reader takes for one.  As a directory
 * that is also each part of it.  Many parts take time and are nothing new.
 */
static bool is_writable(const struct entry *entry)
{
	const char *path = entry->path, *slash = strchr(path, '/');
	unsigned int slashes = 0;

	for (; slash; slash = strchr(slash + 1, '/'))
		slashes++;
	if (slashes > MAX_SLASHES)
		return false;
	if (!*path || *path == '/' || !strcmp(path, TRAILER))
		return false;
	return !entry->is_dir || strncmp(path, TRAILER "/", 11);
}

static void free_entries(struct entry *entries, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free(entries[i].path);
		free((void *)entries[i].data.data);
	}
}

static void read_archive(const u8 *buf, size_t len)
{
	struct entry entries[MAX_MEMBERS];
	struct uki_newc_member member;
	size_t pos = 0, nr = 0;
	int ret;

	while ((ret = check_next(buf, len, &pos, &member)) == 1) {
		struct entry entry = {
			.is_dir = (member.mode & UKI_NEWC_TYPE) == UKI_NEWC_DIR,
			.path = (char *)member.path,
			.mode = member.mode & 07777,
		};

		if (nr == MAX_MEMBERS || !is_writable(&entry) ||
		    member.data.len > MAX_CONTENT)
			continue;
		entry.path = strdup(member.path);
		entry.data.len = member.data.len;
		entry.data.data = fuzz_copy(buf + member.data.off,
					    member.data.len);
		entries[nr++] = entry;
	}
	if (!ret)
		check_writing(entries, nr);
	free_entries(entries, nr);
}

static struct entry take_entry(struct fuzz_script *script)
{
	struct entry entry = { .is_dir = fuzz_take(script, 1) & 1 };
	const u8 *bytes;
	size_t len;

	entry.mode = fuzz_take(script, 2) & 07777;
	entry.data.zeros = fuzz_take(script, 1);
	bytes = fuzz_take_bytes(script, fuzz_take(script, 1), &len);
	entry.path = strndup((const char *)bytes, len);
	bytes = fuzz_take_bytes(script, fuzz_take(script, 1), &entry.data.len);
	entry.data.data = fuzz_copy(bytes, entry.data.len);
	return entry;
}

/*
 * Sizes that only can be counted, from anywhere.  The kernel-doc leaves open
 * whether the last bytes before SIZE_MAX can be counted.
 */
static void check_sizes(struct fuzz_script *script)
{
	struct uki_newc newc = { .pos = fuzz_take(script, 8) & ~3ULL };
	struct uki_newc_data data = {
		.len = fuzz_take(script, 8),
		.zeros = fuzz_take(script, 8),
	};
	size_t before = newc.pos;
	int ret = uki_newc_file(&newc, "f", 0444, &data);
	size_t content, end;

	if (__builtin_add_overflow(data.len, data.zeros, &content) ||
	    content > 0xffffffff)
		MUST(ret == -EFBIG);
	else if (__builtin_add_overflow(before, HEADER_LEN + 2 + content, &end))
		MUST(ret == -EFBIG && newc.pos == before);
	else if (end < SIZE_MAX - 16)
		MUST(!ret && newc.pos == aligned(before + 112) + aligned(content));
	ret = uki_newc_end(&newc);
	MUST(!ret || (ret == -EFBIG && newc.pos > SIZE_MAX - 128));
}

static void write_archive(struct fuzz_script script)
{
	struct entry entries[MAX_MEMBERS];
	size_t nr = 0;

	check_sizes(&script);
	while (script.len && nr < MAX_MEMBERS) {
		entries[nr] = take_entry(&script);
		if (is_writable(&entries[nr]))
			nr++;
		else
			free_entries(&entries[nr], 1);
	}
	check_writing(entries, nr);
	free_entries(entries, nr);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	u8 *buf;

	if (len && *data == 'W') {
		write_archive((struct fuzz_script){ data + 1, len - 1 });
		return 0;
	}
	buf = fuzz_copy(data, len);
	read_archive(buf, len);
	MUST(!len || !memcmp(buf, data, len));
	free(buf);
	return 0;
}
