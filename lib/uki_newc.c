// SPDX-License-Identifier: GPL-2.0
/*
 * cpio archives in the format "newc": written as systemd-stub writes them, and
 * read strictly
 *
 * "sd-stub" is systemd-stub v262; its functions are named where bytes are
 * theirs.
 * The format is that of Documentation/driver-api/early-userspace/
 * buffer-format.rst.
 *
 * An archive that is read is hostile.  This file must never allocate, log, keep
 * state, touch a byte outside the buffer or return a span that is not inside:
 * the loader, the tools and the fuzzers in user space all build it as it is.
 */

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uki_newc.h>

#define NEWC_MAGIC	"070701"
#define NEWC_HDR_SIZE	(6 + 13 * 8)
#define NEWC_MAX_SIZE	0xffffffff	/* of a file: eight digits */
#define NEWC_TRAILER	"TRAILER!!!"

/* Numbers of the fields of a header that are read, see put_entry() for all. */
#define NEWC_MODE	1
#define NEWC_NLINK	4
#define NEWC_FILESIZE	6
#define NEWC_NAMESIZE	11
#define NEWC_NR_FIELDS	13

static void put_bytes(struct uki_newc *newc, const void *data, size_t len)
{
	if (newc->buf && len)
		memcpy(newc->buf + newc->pos, data, len);
	newc->pos += len;
}

static void put_zeros(struct uki_newc *newc, size_t len)
{
	if (newc->buf)
		memset(newc->buf + newc->pos, 0, len);
	newc->pos += len;
}

static void put_pad(struct uki_newc *newc)
{
	put_zeros(newc, -newc->pos & 3);
}

/* Eight lower-case digits, as write_cpio_word() of sd-stub has them. */
static void put_hex(struct uki_newc *newc, u32 value)
{
	u8 digits[8];
	int i;

	for (i = 7; i >= 0; i--, value >>= 4)
		digits[i] = "0123456789abcdef"[value & 0xf];
	put_bytes(newc, digits, sizeof(digits));
}

/* Check that an entry fits before a byte of it is written. */
static int check_room(const struct uki_newc *newc, size_t path_len,
		      size_t content_len)
{
	/* The name's NUL and the padding, twice, are 7 bytes at most. */
	const size_t fixed_len = NEWC_HDR_SIZE + 7;
	size_t end;

	if (check_add_overflow(newc->pos, path_len, &end) ||
	    check_add_overflow(end, content_len, &end) ||
	    check_add_overflow(end, fixed_len, &end))
		return -EFBIG;
	if (!newc->buf)
		return 0;

	end = round_up(newc->pos + NEWC_HDR_SIZE + path_len + 1, 4);
	end = round_up(end + content_len, 4);
	return end <= newc->size ? 0 : -ENOSPC;
}

/*
 * Write one entry in the format of Documentation/driver-api/early-userspace/
 * buffer-format.rst.  Times, owners and devices are zero, so that an archive
 * depends on nothing but what is in it (pack_cpio_one(), pack_cpio_dir()).
 */
static int put_entry(struct uki_newc *newc, const char *path, size_t path_len,
		     u32 mode, const struct uki_newc_data *data)
{
	const u32 fields[13] = {
		newc->ino + 1, mode, 0, 0, 1, 0, data->len + data->zeros,
		0, 0, 0, 0, path_len + 1, 0
	};
	unsigned int i;
	int ret;

	ret = check_room(newc, path_len, data->len + data->zeros);
	if (ret)
		return ret;

	put_bytes(newc, NEWC_MAGIC, 6);
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		put_hex(newc, fields[i]);
	put_bytes(newc, path, path_len);
	put_zeros(newc, 1);
	put_pad(newc);
	put_bytes(newc, data->data, data->len);
	put_zeros(newc, data->zeros);
	put_pad(newc);
	newc->ino++;
	return 0;
}

/**
 * uki_newc_dir() - add a directory to an archive
 * @newc: the archive
 * @path: without a leading slash
 * @mode: permissions of the directory
 *
 * The directories above it are added too, with 0555 (pack_cpio_prefix()).
 *
 * Return: 0 on success, -ENOSPC if it does not fit, -EFBIG if the archive's size
 *	   overflows.  After an error the archive is of no use.
 */
int uki_newc_dir(struct uki_newc *newc, const char *path, u32 mode)
{
	static const struct uki_newc_data no_data;
	const char *slash;
	int ret;

	for (slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		ret = put_entry(newc, path, slash - path, UKI_NEWC_DIR | 0555,
				&no_data);
		if (ret)
			return ret;
	}
	return put_entry(newc, path, strlen(path), UKI_NEWC_DIR | mode,
			 &no_data);
}
EXPORT_SYMBOL_GPL(uki_newc_dir);

/**
 * uki_newc_file() - add a file to an archive
 * @newc: the archive
 * @path: without a leading slash; its directory must be there already
 * @mode: permissions of the file
 * @data: its content
 *
 * Return: 0 on success, -ENOSPC if it does not fit, -EFBIG if it is larger than
 *	   the format allows, 4 GiB - 1.  After an error the archive is of no use.
 */
int uki_newc_file(struct uki_newc *newc, const char *path, u32 mode,
		  const struct uki_newc_data *data)
{
	size_t len;

	if (check_add_overflow(data->len, data->zeros, &len) ||
	    len > NEWC_MAX_SIZE)
		return -EFBIG;
	return put_entry(newc, path, strlen(path), UKI_NEWC_FILE | mode, data);
}
EXPORT_SYMBOL_GPL(uki_newc_file);

/**
 * uki_newc_end() - finish an archive
 * @newc: the archive
 *
 * Its size is a multiple of 4 then.  Another archive can follow in the same
 * buffer; its inode numbers start anew.
 *
 * Return: 0 on success, -ENOSPC if the trailer does not fit, -EFBIG if the
 *	   archive's size overflows
 */
int uki_newc_end(struct uki_newc *newc)
{
	const size_t len = NEWC_HDR_SIZE + 14;
	size_t end;
	int i;

	if (check_add_overflow(newc->pos, len, &end))
		return -EFBIG;
	if (newc->buf && end > newc->size)
		return -ENOSPC;

	/*
	 * As in the constant of pack_cpio_trailer(): no inode number, one link,
	 * the only upper-case digit of all, and four NULs after the name.
	 */
	put_bytes(newc, NEWC_MAGIC, 6);
	for (i = 0; i < 11; i++)
		put_hex(newc, i == 4);
	put_bytes(newc, "0000000B", 8);
	put_hex(newc, 0);
	put_bytes(newc, NEWC_TRAILER "\0\0\0", 14);
	newc->ino = 0;
	return 0;
}
EXPORT_SYMBOL_GPL(uki_newc_end);

static int refuse(struct pefile_error *err, const char *msg, u64 value,
		  u64 limit)
{
	memset(err, 0, sizeof(*err));
	err->msg = msg;
	err->value = value;
	err->limit = limit;
	return -EBADMSG;
}

/* Eight digits of either case.  Returns false if one of them is none. */
static bool get_hex(const u8 *digits, u32 *value)
{
	unsigned int i;

	*value = 0;
	for (i = 0; i < 8; i++) {
		u8 digit = digits[i] - '0';

		if (digit > 9) {
			digit = (digits[i] | 0x20) - 'a';
			if (digit > 5)
				return false;
			digit += 10;
		}
		*value = *value << 4 | digit;
	}
	return true;
}

/* Returns what is wrong with a header, NULL if nothing is. */
static const char *get_header(const u8 *header, u32 fields[NEWC_NR_FIELDS])
{
	unsigned int i;

	if (memcmp(header, NEWC_MAGIC, 6))
		return "not a header of the format newc";
	for (i = 0; i < NEWC_NR_FIELDS; i++) {
		if (!get_hex(header + 6 + 8 * i, &fields[i]))
			return "a header field is no hexadecimal number";
	}
	if (fields[NEWC_NAMESIZE] < 2)
		return "a member without a name";
	return NULL;
}

/*
 * Read the member at @pos and find the end of it, padding included.  Returns
 * what is wrong with it, NULL if nothing is.  Nothing overflows here: no buffer
 * reaches up to the end of what 64 bits count, and both sizes have 32 bits.
 */
static const char *get_member(const u8 *buf, u64 len, u64 pos,
			      struct uki_newc_member *member, u64 *end)
{
	u32 fields[NEWC_NR_FIELDS];
	const char *path, *msg;
	u64 data_off;
	u32 name_len;

	if (pos > len || len - pos < NEWC_HDR_SIZE)
		return "the archive ends without a trailer";
	msg = get_header(buf + pos, fields);
	if (msg)
		return msg;

	name_len = fields[NEWC_NAMESIZE];
	data_off = round_up(pos + NEWC_HDR_SIZE + name_len, 4);
	if (data_off > len)
		return "a name outside the archive";
	path = (const char *)buf + pos + NEWC_HDR_SIZE;
	if (strnlen(path, name_len) != name_len - 1)
		return "a name that does not end with its only NUL";

	*end = round_up(data_off + fields[NEWC_FILESIZE], 4);
	if (*end > len)
		return "content outside the archive";

	member->path = path;
	member->path_len = name_len - 1;
	member->mode = fields[NEWC_MODE];
	member->nlink = fields[NEWC_NLINK];
	member->data.off = data_off;
	member->data.len = fields[NEWC_FILESIZE];
	return NULL;
}

/* Returns what is wrong with a trailer and what follows it at @end, or NULL. */
static const char *check_trailer(const u8 *buf, u64 len, u64 end,
				 const struct uki_newc_member *trailer)
{
	if (trailer->data.len)
		return "a trailer with content";
	for (; end < len; end++) {
		if (buf[end])
			return "bytes behind the trailer";
	}
	return NULL;
}

/**
 * uki_newc_next() - read the next member of an archive
 * @buf: the archive, and nothing else but zeros behind it
 * @len: its length
 * @pos: where to go on: 0 at first, moved only if 1 is returned
 * @member: filled if 1 is returned; its path and data lie inside the archive
 * @err: filled if -EBADMSG is returned: the value is the offset of the member's
 *	 header, the limit is @len
 *
 * This is stricter than what unpacks an initrd: there is one archive with a
 * trailer, no checksums that nobody would check (magic 070702), and every size
 * is right.  What stands in the padding does not matter.
 *
 * Return: 1 if there is a member, 0 at the end, -EBADMSG if the archive is
 *	   malformed here
 */
int uki_newc_next(const void *buf, size_t len, size_t *pos,
		  struct uki_newc_member *member, struct pefile_error *err)
{
	struct uki_newc_member found;
	const char *msg;
	u64 end;

	msg = get_member(buf, len, *pos, &found, &end);
	if (msg)
		return refuse(err, msg, *pos, len);

	if (!strcmp(found.path, NEWC_TRAILER)) {
		msg = check_trailer(buf, len, end, &found);
		return msg ? refuse(err, msg, *pos, len) : 0;
	}

	*member = found;
	*pos = end;
	return 1;
}
EXPORT_SYMBOL_GPL(uki_newc_next);
