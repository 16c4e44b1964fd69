/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of unified kernel images share: buffers that end at an unmapped
 * page, PE files with any sections, and archives with any members
 *
 * Included by one file of each suite; it must never call the code under test.
 */

#ifndef _LIB_TESTS_UKI_KUNIT_H
#define _LIB_TESTS_UKI_KUNIT_H

#include <crypto/sha2.h>
#include <kunit/test.h>
#include <linux/pe.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>

static inline void free_guarded_buf(void *buf)
{
	vfree(buf);
}

/* Allocate @len bytes immediately followed by an unmapped page. */
static inline void *alloc_guarded_buf(struct kunit *test, size_t len)
{
	size_t full_len = round_up(max_t(size_t, len, 1), PAGE_SIZE);
	u8 *buf = vmalloc(full_len);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_guarded_buf, buf));
	return buf + full_len - len;
}

static inline void *dup_guarded_buf(struct kunit *test, const void *data,
				    size_t len)
{
	return memcpy(alloc_guarded_buf(test, len), data, len);
}

static inline void expect_hash(struct kunit *test, const void *data, size_t len,
			       const u8 want[SHA256_DIGEST_SIZE])
{
	u8 hash[SHA256_DIGEST_SIZE];

	sha256(data, len, hash);
	KUNIT_EXPECT_MEMEQ(test, hash, want, sizeof(hash));
}

/*
 * Files.  build() lays out a PE32+ file with the given sections, packed, so that
 * no byte of it is without meaning.
 */

struct test_section {
	const char *name;
	const char *data;	/* its raw bytes; a NULL name ends the list */
	u32 size;		/* VirtualSize */
};

#define SECTION(name, data)	{ name, data, sizeof(data) - 1 }
#define MASK(name)		{ name, "", 0 }

#define PE_OFF			sizeof(struct mz_hdr)
#define OPT_OFF			(PE_OFF + sizeof(struct pe_hdr))
#define OPT_LEN			(sizeof(struct pe32plus_opt_hdr) + \
				 16 * sizeof(struct data_dirent))
#define TABLE_OFF		(OPT_OFF + OPT_LEN)

struct test_file {
	u8 *buf;
	size_t len;
	unsigned int nr_sections;
	u32 image_size;
};

static inline void set_opt32(struct test_file *file, size_t field, u32 value)
{
	put_unaligned_le32(value, file->buf + OPT_OFF + field);
}

#define SET_OPT32(file, field, value) \
	set_opt32(file, offsetof(struct pe32plus_opt_hdr, field), value)

static inline void set_section32(struct test_file *file, unsigned int idx,
				 size_t field, u32 value)
{
	put_unaligned_le32(value, file->buf + TABLE_OFF + field +
			   idx * sizeof(struct section_header));
}

#define SET_SECTION32(file, idx, field, value) \
	set_section32(file, idx, offsetof(struct section_header, field), value)

static inline void put_headers(struct test_file *file, u32 header_size)
{
	u8 *pe = file->buf + PE_OFF, *opt = file->buf + OPT_OFF;

	put_unaligned_le16(IMAGE_DOS_SIGNATURE, file->buf);
	put_unaligned_le32(PE_OFF,
			   file->buf + offsetof(struct mz_hdr, peaddr));

	put_unaligned_le32(IMAGE_NT_SIGNATURE, pe);
	put_unaligned_le16(IMAGE_FILE_MACHINE_AMD64,
			   pe + offsetof(struct pe_hdr, machine));
	put_unaligned_le16(file->nr_sections,
			   pe + offsetof(struct pe_hdr, sections));
	put_unaligned_le16(OPT_LEN, pe + offsetof(struct pe_hdr, opt_hdr_size));

	put_unaligned_le16(IMAGE_NT_OPTIONAL_HDR64_MAGIC, opt);
	put_unaligned_le16(IMAGE_SUBSYSTEM_EFI_APPLICATION,
			   opt + offsetof(struct pe32plus_opt_hdr, subsys));
	SET_OPT32(file, section_align, 0x1000);
	SET_OPT32(file, header_size, header_size);
	SET_OPT32(file, image_size, file->image_size);
	SET_OPT32(file, data_dirs, 16);
}

static inline struct test_file build(struct kunit *test,
				     const struct test_section *sections)
{
	const struct test_section *section;
	struct test_file file = { .image_size = 0x1000 };
	size_t header_size, off, idx = 0;

	for (section = sections; section->name; section++) {
		file.nr_sections++;
		file.len += strlen(section->data);
		file.image_size += round_up(section->size, 0x1000);
	}
	header_size = TABLE_OFF +
		      file.nr_sections * sizeof(struct section_header);
	file.len += header_size;
	file.buf = alloc_guarded_buf(test, file.len);
	memset(file.buf, 0, file.len);
	put_headers(&file, header_size);

	off = header_size;
	file.image_size = 0x1000;
	for (section = sections; section->name; section++, idx++) {
		size_t len = strlen(section->data);

		memcpy(file.buf + TABLE_OFF +
		       idx * sizeof(struct section_header),
		       section->name, strlen(section->name));
		SET_SECTION32(&file, idx, virtual_size, section->size);
		SET_SECTION32(&file, idx, virtual_address, file.image_size);
		SET_SECTION32(&file, idx, raw_data_size, len);
		SET_SECTION32(&file, idx, data_addr, off);
		memcpy(file.buf + off, section->data, len);
		off += len;
		file.image_size += round_up(section->size, 0x1000);
	}
	return file;
}

/*
 * Archives, put together with any mistake that one can make.
 */

/* Fields of a header, in the order of buffer-format.rst. */
enum {
	INO, MODE, UID, GID, NLINK, MTIME, FILESIZE, DEV_MAJOR, DEV_MINOR,
	RDEV_MAJOR, RDEV_MINOR, NAMESIZE, CHECK, NR_FIELDS
};

#define HDR_SIZE	(6 + 8 * NR_FIELDS)
#define TRAILER		"TRAILER!!!"
#define TRAILER_SIZE	124

struct test_archive {
	u8 *buf;
	size_t len;
};

#define ARCHIVE_ROOM	8192

static inline struct test_archive new_archive(struct kunit *test)
{
	struct test_archive archive = {
		.buf = kunit_kzalloc(test, ARCHIVE_ROOM, GFP_KERNEL),
	};

	KUNIT_ASSERT_NOT_NULL(test, archive.buf);
	return archive;
}

static inline void set_field(struct test_archive *archive, size_t hdr,
			     int field, u32 value)
{
	char digits[9];

	snprintf(digits, sizeof(digits), "%08x", value);
	memcpy(archive->buf + hdr + 6 + 8 * field, digits, 8);
}

/* Add a member, padded with what must not matter.  Returns where it begins. */
static inline size_t add_member(struct test_archive *archive, u32 mode,
				const char *name, const char *content)
{
	size_t hdr = archive->len, len = strlen(content);

	memcpy(archive->buf + hdr, "070701", 6);
	memset(archive->buf + hdr + 6, '0', 8 * NR_FIELDS);
	set_field(archive, hdr, MODE, mode);
	set_field(archive, hdr, NLINK, 1);
	set_field(archive, hdr, FILESIZE, len);
	set_field(archive, hdr, NAMESIZE, strlen(name) + 1);
	archive->len += HDR_SIZE;
	memcpy(archive->buf + archive->len, name, strlen(name) + 1);
	archive->len += strlen(name) + 1;
	for (; archive->len % 4; archive->len++)
		archive->buf[archive->len] = strcmp(name, TRAILER) ? 0xa5 : 0;
	memcpy(archive->buf + archive->len, content, len);
	archive->len += len;
	for (; archive->len % 4; archive->len++)
		archive->buf[archive->len] = 0xa5;
	return hdr;
}

static inline size_t end_archive(struct test_archive *archive)
{
	return add_member(archive, 0, TRAILER, "");
}

#endif /* _LIB_TESTS_UKI_KUNIT_H */
