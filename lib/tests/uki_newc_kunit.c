// SPDX-License-Identifier: GPL-2.0
/*
 * Tests for the writer and the reader of newc archives
 *
 * The vectors come from scripts/gen-uki-archive-testvecs.py: for the writer from a
 * second implementation, for the reader from GNU cpio.  Every buffer ends at an
 * unmapped page, so that a byte read or written behind it is a fault in any kernel.
 */

#include <crypto/sha2.h>
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/uki.h>
#include <linux/uki_newc.h>
#include "uki-kunit.h"
#include "uki-newc-testvecs.h"

/*
 * The writer.
 */

static const struct uki_newc_data braces = { .data = "{}", .len = 2 };

static int add_credentials(struct uki_newc *newc)
{
	static const struct uki_newc_data a = { .data = "A", .len = 1 };
	static const struct uki_newc_data b = { .data = "BB", .len = 2 };

	return uki_newc_dir(newc, ".extra/credentials", 0500) ?:
	       uki_newc_file(newc, ".extra/credentials/a.cred", 0400, &a) ?:
	       uki_newc_file(newc, ".extra/credentials/b.cred", 0400, &b) ?:
	       uki_newc_end(newc);
}

/*
 * An archive of which every part matters, in a buffer of just its size, has the
 * size that was counted.
 */
static void test_newc_credentials(struct kunit *test)
{
	struct uki_newc newc = { };

	KUNIT_ASSERT_EQ(test, 0, add_credentials(&newc));
	KUNIT_ASSERT_EQ(test, UKI_TESTVEC_CREDENTIALS_LEN, newc.pos);

	newc = (struct uki_newc){
		.buf = alloc_guarded_buf(test, newc.pos),
		.size = newc.pos,
	};
	memset(newc.buf, 0xa5, newc.size);
	KUNIT_ASSERT_EQ(test, 0, add_credentials(&newc));
	KUNIT_EXPECT_EQ(test, newc.size, newc.pos);
	expect_hash(test, newc.buf, newc.size, uki_testvec_credentials_hash);
}

static void test_newc_extras(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(uki_testvec_extras); i++) {
		size_t len = uki_testvec_extras[i].len;
		struct uki_newc newc = {
			.buf = alloc_guarded_buf(test, len),
			.size = len,
		};

		KUNIT_EXPECT_EQ(test, 0,
				uki_extra_archive(&newc,
						  uki_testvec_extras[i].id,
						  &braces));
		KUNIT_EXPECT_EQ(test, len, newc.pos);
		expect_hash(test, newc.buf, len, uki_testvec_extras[i].hash);
	}
}

/* Each archive is the same as if it were alone. */
static void test_newc_two_archives(struct kunit *test)
{
	size_t len = uki_testvec_extras[0].len + uki_testvec_extras[1].len;
	struct uki_newc newc = {
		.buf = alloc_guarded_buf(test, len),
		.size = len,
	};

	for (int i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, 0,
				uki_extra_archive(&newc,
						  uki_testvec_extras[i].id,
						  &braces));
	KUNIT_EXPECT_EQ(test, len, newc.pos);
	expect_hash(test, newc.buf, uki_testvec_extras[0].len,
		    uki_testvec_extras[0].hash);
	expect_hash(test, newc.buf + uki_testvec_extras[0].len,
		    uki_testvec_extras[1].len, uki_testvec_extras[1].hash);
}

static void test_newc_extra_paths(struct kunit *test)
{
	struct uki_newc newc = { };
	unsigned int nr = 0;

	for (int id = 0; id < UKI_NR_SECTIONS; id++) {
		bool extra = uki_extra_path(id);

		nr += extra;
		KUNIT_EXPECT_EQ(test, extra ? 0 : -EINVAL,
				uki_extra_archive(&newc, id, &braces));
	}
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(uki_testvec_extras), nr);
	KUNIT_EXPECT_STREQ(test, uki_extra_path(UKI_PCRSIG),
			   ".extra/tpm2-pcr-signature.json");
	KUNIT_EXPECT_NULL(test, uki_extra_path(UKI_NR_SECTIONS));
}

static int add_padded(struct uki_newc *newc)
{
	char path[] = "a/xxxxxxxxx";
	int ret;

	ret = uki_newc_dir(newc, "a", 0755);
	for (size_t i = 0; !ret && i < 10; i++) {
		struct uki_newc_data data = {
			.data = i ? "yyyyyyyyy" : NULL,
			.len = i,
			.zeros = 9 - i,
		};

		path[2 + i] = '\0';
		ret = uki_newc_file(newc, path, 0644, &data);
		path[2 + i] = 'x';
	}
	return ret ?: uki_newc_end(newc);
}

/* Names and contents of all lengths, with zeros that are not in memory. */
static void test_newc_padding(struct kunit *test)
{
	struct uki_newc newc = {
		.buf = alloc_guarded_buf(test, UKI_TESTVEC_PADDED_LEN),
		.size = UKI_TESTVEC_PADDED_LEN,
	};

	memset(newc.buf, 0xa5, newc.size);
	KUNIT_ASSERT_EQ(test, 0, add_padded(&newc));
	KUNIT_EXPECT_EQ(test, newc.size, newc.pos);
	expect_hash(test, newc.buf, newc.size, uki_testvec_padded_hash);
}

static void test_newc_no_room(struct kunit *test)
{
	u8 *end = alloc_guarded_buf(test, UKI_TESTVEC_PADDED_LEN);

	end += UKI_TESTVEC_PADDED_LEN;
	for (size_t len = 0; len < UKI_TESTVEC_PADDED_LEN; len++) {
		struct uki_newc newc = { .buf = end - len, .size = len };

		KUNIT_EXPECT_EQ_MSG(test, -ENOSPC, add_padded(&newc),
				    "len=%zu", len);
		KUNIT_EXPECT_LE(test, newc.pos, len);
	}
}

static void test_newc_too_large(struct kunit *test)
{
	struct uki_newc_data data = { .data = "x", .len = 1 };
	struct uki_newc newc = { };

	/* The limit of the format, where memory has room for it. */
	data.zeros = U32_MAX - 1;
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_64BIT) ? 0 : -EFBIG,
			uki_newc_file(&newc, "x", 0444, &data));
	data.zeros = U32_MAX;
	KUNIT_EXPECT_EQ(test, -EFBIG, uki_newc_file(&newc, "x", 0444, &data));
	data.zeros = SIZE_MAX;
	KUNIT_EXPECT_EQ(test, -EFBIG, uki_newc_file(&newc, "x", 0444, &data));

	/* More than can be counted. */
	newc.pos = SIZE_MAX - 3;
	data.zeros = 0;
	KUNIT_EXPECT_EQ(test, -EFBIG, uki_newc_file(&newc, "x", 0444, &data));
	KUNIT_EXPECT_EQ(test, -EFBIG, uki_newc_dir(&newc, "x", 0555));
	KUNIT_EXPECT_EQ(test, -EFBIG, uki_newc_end(&newc));
	KUNIT_EXPECT_EQ(test, SIZE_MAX - 3, newc.pos);
}

/*
 * The reader.
 */

/* Check what uki_newc_next() promises of any archive. */
static int next_any(struct kunit *test, const u8 *buf, size_t len, size_t *pos,
		    struct uki_newc_member *member, struct pefile_error *err)
{
	const size_t old_pos = *pos;
	const u8 *path;
	int ret;

	memset(err, 0xff, sizeof(*err));
	ret = uki_newc_next(buf, len, pos, member, err);
	if (ret != 1) {
		KUNIT_EXPECT_EQ(test, old_pos, *pos);
		if (!ret)
			return ret;
		KUNIT_EXPECT_EQ(test, -EBADMSG, ret);
		KUNIT_EXPECT_NOT_NULL(test, err->msg);
		KUNIT_EXPECT_EQ(test, old_pos, err->value);
		KUNIT_EXPECT_EQ(test, len, err->limit);
		KUNIT_EXPECT_MEMEQ(test, err->section, "\0\0\0\0\0\0\0",
				   sizeof(err->section));
		return ret;
	}

	path = (const u8 *)member->path;
	KUNIT_EXPECT_GE(test, *pos, old_pos + HDR_SIZE + 2);
	KUNIT_EXPECT_LE(test, *pos, len);
	KUNIT_EXPECT_EQ(test, 0, *pos % 4);
	KUNIT_EXPECT_GE(test, member->path_len, 1);
	KUNIT_ASSERT_TRUE(test, path >= buf + old_pos && path < buf + *pos);
	KUNIT_ASSERT_LT(test, member->path_len, buf + *pos - path);
	KUNIT_EXPECT_EQ(test, member->path_len, strlen(member->path));
	KUNIT_ASSERT_LE(test, member->data.len, *pos);
	KUNIT_ASSERT_LE(test, member->data.off, *pos - member->data.len);
	return ret;
}

/* Read a whole archive.  Returns the last result, and how many came before. */
static int read_any(struct kunit *test, const u8 *buf, size_t len,
		    unsigned int *nr, struct pefile_error *err)
{
	struct uki_newc_member member;
	size_t pos = 0;
	int ret;

	*nr = 0;
	do {
		ret = next_any(test, buf, len, &pos, &member, err);
	} while (ret == 1 && ++*nr < len);
	return ret;
}

static int read_archive(struct kunit *test, const struct test_archive *archive,
			unsigned int *nr, struct pefile_error *err)
{
	const u8 *buf = dup_guarded_buf(test, archive->buf, archive->len);

	return read_any(test, buf, archive->len, nr, err);
}

/* The member at @hdr, which is number @want_nr, is refused. */
static void expect_bad(struct kunit *test, const struct test_archive *archive,
		       size_t hdr, unsigned int want_nr)
{
	struct pefile_error err;
	unsigned int nr;

	KUNIT_EXPECT_EQ(test, -EBADMSG, read_archive(test, archive, &nr, &err));
	KUNIT_EXPECT_EQ(test, hdr, err.value);
	KUNIT_EXPECT_EQ(test, archive->len, err.limit);
	KUNIT_EXPECT_EQ(test, want_nr, nr);
}

static void expect_good(struct kunit *test, const struct test_archive *archive,
			unsigned int want_nr)
{
	struct pefile_error err;
	unsigned int nr;

	KUNIT_EXPECT_EQ_MSG(test, 0, read_archive(test, archive, &nr, &err),
			    "%s", err.msg);
	KUNIT_EXPECT_EQ(test, want_nr, nr);
}

/* GNU cpio's archive has in it what stat() said of the files. */
static void test_read_cpio(struct kunit *test)
{
	const size_t len = sizeof(uki_testvec_cpio);
	const u8 *buf = dup_guarded_buf(test, uki_testvec_cpio, len);
	struct uki_newc_member member;
	struct pefile_error err;
	size_t pos = 0;

	for (size_t i = 0; i < ARRAY_SIZE(uki_testvec_cpio_members); i++) {
		const size_t want_len = uki_testvec_cpio_members[i].len;

		KUNIT_ASSERT_EQ(test, 1,
				next_any(test, buf, len, &pos, &member, &err));
		KUNIT_EXPECT_STREQ(test, member.path,
				   uki_testvec_cpio_members[i].path);
		KUNIT_EXPECT_EQ(test, member.mode,
				uki_testvec_cpio_members[i].mode);
		KUNIT_EXPECT_EQ(test, member.nlink,
				uki_testvec_cpio_members[i].nlink);
		KUNIT_ASSERT_EQ(test, member.data.len, want_len);
		KUNIT_EXPECT_MEMEQ(test, buf + member.data.off,
				   uki_testvec_cpio_members[i].content,
				   want_len);
	}
	KUNIT_EXPECT_EQ(test, 0, next_any(test, buf, len, &pos, &member, &err));
	/* Asked again, it says so again. */
	KUNIT_EXPECT_EQ(test, 0, next_any(test, buf, len, &pos, &member, &err));
}

/* What the writer writes, whose bytes test_newc_padding() has checked. */
static void test_read_written(struct kunit *test)
{
	const size_t len = UKI_TESTVEC_PADDED_LEN;
	struct uki_newc newc = {
		.buf = alloc_guarded_buf(test, len),
		.size = len,
	};
	struct uki_newc_member member;
	struct pefile_error err;
	size_t pos = 0;

	KUNIT_ASSERT_EQ(test, 0, add_padded(&newc));
	KUNIT_ASSERT_EQ(test, 1, next_any(test, newc.buf, len, &pos, &member,
					  &err));
	KUNIT_EXPECT_STREQ(test, member.path, "a");
	KUNIT_EXPECT_EQ(test, member.mode, UKI_NEWC_DIR | 0755);
	for (size_t i = 0; i < 10; i++) {
		char content[10] = "yyyyyyyyy";

		memset(content + i, 0, sizeof(content) - i);
		KUNIT_ASSERT_EQ(test, 1, next_any(test, newc.buf, len, &pos,
						  &member, &err));
		KUNIT_EXPECT_EQ(test, member.path_len, 2 + i);
		KUNIT_EXPECT_EQ(test, member.mode, UKI_NEWC_FILE | 0644);
		KUNIT_EXPECT_EQ(test, member.nlink, 1);
		KUNIT_ASSERT_EQ(test, member.data.len, 9);
		KUNIT_EXPECT_MEMEQ(test, newc.buf + member.data.off, content,
				   9);
	}
	KUNIT_EXPECT_EQ(test, 0, next_any(test, newc.buf, len, &pos, &member,
					  &err));
}

/*
 * Cut off anywhere it is malformed, and so is the member at the cut: one that
 * is there to its last byte of padding is still read.
 */
static void test_read_truncated(struct kunit *test)
{
	const size_t full_len = sizeof(uki_testvec_cpio);
	u8 *buf_end = alloc_guarded_buf(test, full_len) + full_len;
	size_t ends[ARRAY_SIZE(uki_testvec_cpio_members)], pos = 0, trailer_end;
	struct uki_newc_member member;
	struct pefile_error err;
	unsigned int nr;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		KUNIT_ASSERT_EQ(test, 1,
				next_any(test, uki_testvec_cpio, full_len,
					 &pos, &member, &err));
		ends[i] = pos;
	}
	trailer_end = pos + TRAILER_SIZE;
	KUNIT_ASSERT_LT(test, trailer_end, full_len);

	for (size_t len = 0; len <= full_len; len++) {
		const u8 *buf = memcpy(buf_end - len, uki_testvec_cpio, len);
		int want = len < trailer_end ? -EBADMSG : 0;
		unsigned int want_nr = 0;

		while (want_nr < ARRAY_SIZE(ends) && ends[want_nr] <= len)
			want_nr++;
		KUNIT_EXPECT_EQ_MSG(test, want,
				    read_any(test, buf, len, &nr, &err),
				    "len=%zu", len);
		KUNIT_EXPECT_EQ_MSG(test, want_nr, nr, "len=%zu", len);
		if (want)
			KUNIT_EXPECT_EQ_MSG(test, want_nr ? ends[want_nr - 1] :
					    0, err.value, "len=%zu", len);
	}
}

/* No single wrong byte makes a member point outside the archive. */
static void test_read_flipped(struct kunit *test)
{
	static const u8 flips[] = { 1, 2, 4, 8, 16, 32, 64, 128, 255 };
	const size_t len = sizeof(uki_testvec_cpio);
	u8 *buf = dup_guarded_buf(test, uki_testvec_cpio, len);
	struct pefile_error err;
	unsigned int nr;

	for (size_t i = 0; i < len; i++) {
		u8 orig = buf[i];

		for (size_t j = 0; j < ARRAY_SIZE(flips); j++) {
			buf[i] = orig ^ flips[j];
			read_any(test, buf, len, &nr, &err);
		}
		buf[i] = 'f';
		read_any(test, buf, len, &nr, &err);
		buf[i] = '0';
		read_any(test, buf, len, &nr, &err);
		buf[i] = orig;
	}
	KUNIT_EXPECT_EQ(test, 0, read_any(test, buf, len, &nr, &err));
}

static void test_read_magic(struct kunit *test)
{
	static const char * const bad[] = {
		"070702", "070707", "070700", "070703", "170701", "07070\0",
		"\00070701", "07O701", " 70701", "\xc7q0701",
	};
	struct test_archive archive = new_archive(test);
	size_t first, second, trailer;

	first = add_member(&archive, 0100644, "a", "content");
	second = add_member(&archive, 0100644, "b", "");
	trailer = end_archive(&archive);
	expect_good(test, &archive, 2);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memcpy(archive.buf + first, bad[i], 6);
		expect_bad(test, &archive, first, 0);
		memcpy(archive.buf + first, "070701", 6);

		memcpy(archive.buf + second, bad[i], 6);
		expect_bad(test, &archive, second, 1);
		memcpy(archive.buf + second, "070701", 6);

		memcpy(archive.buf + trailer, bad[i], 6);
		expect_bad(test, &archive, trailer, 2);
		memcpy(archive.buf + trailer, "070701", 6);
	}
	expect_good(test, &archive, 2);
}

/* Sixteen digits and six letters more make a number, and nothing else does. */
static void test_read_hex(struct kunit *test)
{
	struct test_archive archive = new_archive(test);
	struct uki_newc_member member;
	size_t hdr, pos = 0;
	struct pefile_error err;
	const u8 *buf;

	hdr = add_member(&archive, 0100644, "a", "content");
	end_archive(&archive);
	for (int field = 0; field < NR_FIELDS; field++) {
		for (int digit = 0; digit < 8; digit++) {
			u8 *p = archive.buf + hdr + 6 + 8 * field + digit;
			u8 orig = *p;

			for (int c = 0; c < 256; c++) {
				if (strchr("0123456789abcdefABCDEF", c) && c)
					continue;
				*p = c;
				pos = 0;
				KUNIT_EXPECT_EQ_MSG(test, -EBADMSG,
						    next_any(test, archive.buf,
							     archive.len, &pos,
							     &member, &err),
						    "field=%d digit=%d c=%d",
						    field, digit, c);
			}
			*p = orig;
		}
	}

	memcpy(archive.buf + hdr + 6 + 8 * MODE, "0000A1Ff", 8);
	memcpy(archive.buf + hdr + 6 + 8 * NLINK, "89aBcDeF", 8);
	memcpy(archive.buf + hdr + 6 + 8 * INO, "FFFFFFFF", 8);
	buf = dup_guarded_buf(test, archive.buf, archive.len);
	pos = 0;
	KUNIT_EXPECT_EQ(test, 1, next_any(test, buf, archive.len, &pos, &member,
					  &err));
	KUNIT_EXPECT_EQ(test, 0xa1ff, member.mode);
	KUNIT_EXPECT_EQ(test, 0x89abcdef, member.nlink);

	/* A size in digits of both cases: 26 bytes. */
	archive.len = 0;
	hdr = add_member(&archive, 0100644, "a", "abcdefghijklmnopqrstuvwxyz");
	end_archive(&archive);
	memcpy(archive.buf + hdr + 6 + 8 * FILESIZE, "0000001A", 8);
	expect_good(test, &archive, 1);
	memcpy(archive.buf + hdr + 6 + 8 * FILESIZE, "0000001a", 8);
	expect_good(test, &archive, 1);
	memcpy(archive.buf + hdr + 6 + 8 * NAMESIZE, "0000000B", 8);
	expect_bad(test, &archive, hdr, 0);
}

static void test_read_names(struct kunit *test)
{
	static const u32 huge[] = {
		0x100, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffc, 0xfffffffd,
		0xfffffffe, U32_MAX, U32_MAX - HDR_SIZE, U32_MAX - HDR_SIZE + 1,
		U32_MAX - HDR_SIZE - 3,
	};
	struct test_archive archive = new_archive(test);
	size_t hdr, name;

	add_member(&archive, 0100644, "first", "1");
	hdr = add_member(&archive, 0100644, "abcd", "");
	end_archive(&archive);
	name = hdr + HDR_SIZE;
	expect_good(test, &archive, 2);

	/* No room for a character and its NUL. */
	for (u32 size = 0; size <= 1; size++) {
		set_field(&archive, hdr, NAMESIZE, size);
		expect_bad(test, &archive, hdr, 1);
	}
	archive.buf[name] = '\0';
	for (u32 size = 0; size <= 2; size++) {
		set_field(&archive, hdr, NAMESIZE, size);
		expect_bad(test, &archive, hdr, 1);
	}
	archive.buf[name] = 'a';

	/* The NUL does not come last. */
	for (u32 size = 2; size <= 4; size++) {
		set_field(&archive, hdr, NAMESIZE, size);
		expect_bad(test, &archive, hdr, 1);
	}
	set_field(&archive, hdr, NAMESIZE, 6);
	archive.buf[name + 5] = '\0';
	expect_bad(test, &archive, hdr, 1);
	set_field(&archive, hdr, NAMESIZE, 5);
	expect_good(test, &archive, 2);
	for (int i = 0; i < 4; i++) {
		archive.buf[name + i] = '\0';
		expect_bad(test, &archive, hdr, 1);
		archive.buf[name + i] = 'a';
	}
	archive.buf[name + 4] = 'e';
	expect_bad(test, &archive, hdr, 1);
	archive.buf[name + 4] = '\0';

	for (size_t i = 0; i < ARRAY_SIZE(huge); i++) {
		set_field(&archive, hdr, NAMESIZE, huge[i]);
		expect_bad(test, &archive, hdr, 1);
	}

	/* Any other byte is the caller's business. */
	set_field(&archive, hdr, NAMESIZE, 5);
	memcpy(archive.buf + name, "/\xff\n.", 4);
	expect_good(test, &archive, 2);
}

/* Names that end with the archive, and one byte behind it. */
static void test_read_name_at_end(struct kunit *test)
{
	struct test_archive archive = new_archive(test);
	struct uki_newc_member member;
	struct pefile_error err;
	size_t pos = 0;
	u8 *buf;

	add_member(&archive, 0100644, "0123456789abc", "");
	KUNIT_ASSERT_EQ(test, HDR_SIZE + 14, archive.len);
	buf = dup_guarded_buf(test, archive.buf, archive.len);
	KUNIT_EXPECT_EQ(test, 1, next_any(test, buf, archive.len, &pos, &member,
					  &err));
	KUNIT_EXPECT_EQ(test, pos, archive.len);

	/* Then there is no trailer. */
	KUNIT_EXPECT_EQ(test, -EBADMSG, next_any(test, buf, archive.len, &pos,
						 &member, &err));

	/* No byte behind the archive is looked at to find the NUL. */
	buf[archive.len - 1] = 'd';
	for (u32 size = 14; size <= 19; size++) {
		set_field(&archive, 0, NAMESIZE, size);
		memcpy(buf, archive.buf, HDR_SIZE);
		pos = 0;
		KUNIT_EXPECT_EQ(test, -EBADMSG,
				next_any(test, buf, archive.len, &pos, &member,
					 &err));
	}
}

static void test_read_sizes(struct kunit *test)
{
	static const u32 huge[] = {
		0x1000, 0x7fffffff, 0x80000000, 0xfffffffc, 0xfffffffd,
		0xfffffffe, U32_MAX,
	};
	struct test_archive archive = new_archive(test);
	struct uki_newc_member member;
	struct pefile_error err;
	size_t hdr, pos = 0, left;
	const u8 *buf;

	add_member(&archive, 0100644, "first", "1");
	hdr = add_member(&archive, 0100644, "abc", "1234");
	left = 4;
	for (size_t i = 0; i < ARRAY_SIZE(huge); i++) {
		set_field(&archive, hdr, FILESIZE, huge[i]);
		expect_bad(test, &archive, hdr, 1);
		/* What would wrap around to the same place. */
		set_field(&archive, hdr, FILESIZE, U32_MAX - hdr - i);
		expect_bad(test, &archive, hdr, 1);
	}
	for (u32 size = left + 1; size <= left + 8; size++) {
		set_field(&archive, hdr, FILESIZE, size);
		expect_bad(test, &archive, hdr, 1);
	}

	/* All that there is: read, and then there is no trailer. */
	for (u32 size = left - 3; size <= left; size++) {
		set_field(&archive, hdr, FILESIZE, size);
		expect_bad(test, &archive, archive.len, 2);
	}
	buf = dup_guarded_buf(test, archive.buf, archive.len);
	next_any(test, buf, archive.len, &pos, &member, &err);
	KUNIT_ASSERT_EQ(test, 1, next_any(test, buf, archive.len, &pos, &member,
					  &err));
	KUNIT_EXPECT_EQ(test, archive.len - left, member.data.off);
	KUNIT_EXPECT_EQ(test, left, member.data.len);
	KUNIT_EXPECT_EQ(test, archive.len, pos);

	/* Content of size 0 is in the file too. */
	set_field(&archive, hdr, FILESIZE, 0);
	archive.len -= left;
	expect_bad(test, &archive, archive.len, 2);
}

static void test_read_trailer(struct kunit *test)
{
	struct test_archive archive = new_archive(test);
	size_t trailer;

	/* Nothing at all, and nothing but a trailer. */
	expect_bad(test, &archive, 0, 0);
	trailer = end_archive(&archive);
	KUNIT_ASSERT_EQ(test, TRAILER_SIZE, archive.len);
	expect_good(test, &archive, 0);

	for (u32 size = 1; size <= 4; size++) {
		set_field(&archive, trailer, FILESIZE, size);
		memset(archive.buf + archive.len, 0, 4);
		archive.len += 4;
		expect_bad(test, &archive, trailer, 0);
		archive.len -= 4;
	}

	/* Names that are not quite it. */
	archive.len = 0;
	add_member(&archive, 0100644, "TRAILER!!", "");
	add_member(&archive, 0100644, "TRAILER!!!!", "");
	add_member(&archive, 0100644, "trailer!!!", "");
	add_member(&archive, 0100644, "a/TRAILER!!!", "");
	add_member(&archive, 0100644, "/TRAILER!!!", "");
	expect_bad(test, &archive, archive.len, 5);
	end_archive(&archive);
	expect_good(test, &archive, 5);
}

/* Zeros up to a block's end may follow, as cpio has them, and nothing else. */
static void test_read_after_trailer(struct kunit *test)
{
	struct test_archive archive = new_archive(test);
	size_t trailer, trailer_end;

	add_member(&archive, 0100644, "a", "1");
	trailer = end_archive(&archive);
	trailer_end = archive.len;
	for (size_t zeros = 0; zeros <= 32; zeros++) {
		archive.len = trailer_end + zeros;
		expect_good(test, &archive, 1);
	}
	for (size_t i = trailer_end; i < archive.len; i++) {
		archive.buf[i] = i % 2 ? 1 : 0x80;
		expect_bad(test, &archive, trailer, 1);
		archive.buf[i] = 0;
	}
	expect_good(test, &archive, 1);

	/* A second archive is not looked at. */
	archive.len = trailer_end;
	add_member(&archive, 0100644, "b", "2");
	end_archive(&archive);
	expect_bad(test, &archive, trailer, 1);
}

static struct kunit_case uki_newc_cases[] = {
	KUNIT_CASE(test_newc_credentials),
	KUNIT_CASE(test_newc_extras),
	KUNIT_CASE(test_newc_two_archives),
	KUNIT_CASE(test_newc_extra_paths),
	KUNIT_CASE(test_newc_padding),
	KUNIT_CASE(test_newc_no_room),
	KUNIT_CASE(test_newc_too_large),
	KUNIT_CASE(test_read_cpio),
	KUNIT_CASE(test_read_written),
	KUNIT_CASE(test_read_truncated),
	KUNIT_CASE(test_read_flipped),
	KUNIT_CASE(test_read_magic),
	KUNIT_CASE(test_read_hex),
	KUNIT_CASE(test_read_names),
	KUNIT_CASE(test_read_name_at_end),
	KUNIT_CASE(test_read_sizes),
	KUNIT_CASE(test_read_trailer),
	KUNIT_CASE(test_read_after_trailer),
	{ }
};

static struct kunit_suite uki_newc_suite = {
	.name = "uki_newc",
	.test_cases = uki_newc_cases,
};

kunit_test_suite(uki_newc_suite);

MODULE_DESCRIPTION("KUnit tests for newc archives");
MODULE_LICENSE("GPL");
