// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for lib/pefile.c
 *
 * Files from the generated header must be read as their generator meant them,
 * with the digest that other tools compute.  Damaged ones must be refused or
 * still give spans inside the file.  Every file ends at an unmapped page.
 */

#include <crypto/sha2.h>
#include <kunit/test.h>
#include <linux/pe.h>
#include <linux/pefile.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>

#include "pefile-testvecs.h"

#define FILE_LEN	sizeof(pe32plus_file)

/* Of pe32plus_file: PE32+ with two sections and nothing behind them. */
#define COFF_OFF	64
#define OPT_OFF		(COFF_OFF + sizeof(struct pe_hdr))
#define HEADER_SIZE	512
#define MACHINE_OFF	(COFF_OFF + offsetof(struct pe_hdr, machine))
#define NR_SECTIONS_OFF	(COFF_OFF + offsetof(struct pe_hdr, sections))
#define OPT_LEN_OFF	(COFF_OFF + offsetof(struct pe_hdr, opt_hdr_size))
#define HEADER_SIZE_OFF	(OPT_OFF + offsetof(struct pe32plus_opt_hdr, header_size))
#define NR_DIRS_OFF	(OPT_OFF + offsetof(struct pe32plus_opt_hdr, data_dirs))
#define CERT_OFF	(OPT_OFF + sizeof(struct pe32plus_opt_hdr) + \
			 offsetof(struct data_directory, certs))
#define IMAGE_SIZE_OFF	(OPT_OFF + offsetof(struct pe32plus_opt_hdr, image_size))
#define SUBSYSTEM_OFF	(OPT_OFF + offsetof(struct pe32plus_opt_hdr, subsys))
#define ALIGN_OFF	(OPT_OFF + offsetof(struct pe32plus_opt_hdr, section_align))
#define TABLE_OFF	(OPT_OFF + sizeof(struct pe32plus_opt_hdr) + \
			 sizeof(struct data_directory))
#define RAW_LEN_OFF(i)	(TABLE_OFF + (i) * sizeof(struct section_header) + \
			 offsetof(struct section_header, raw_data_size))
#define RAW_OFF_OFF(i)	(TABLE_OFF + (i) * sizeof(struct section_header) + \
			 offsetof(struct section_header, data_addr))

#define VSIZE_OFF(i)	(TABLE_OFF + (i) * sizeof(struct section_header) + \
			 offsetof(struct section_header, virtual_size))
#define ADDR_OFF(i)	(TABLE_OFF + (i) * sizeof(struct section_header) + \
			 offsetof(struct section_header, virtual_address))

static void free_guarded_buf(void *buf)
{
	vfree(buf);
}

/* The byte behind the buffer is not mapped. */
static u8 *alloc_guarded_buf(struct kunit *test, size_t len)
{
	size_t full_len = round_up(len, PAGE_SIZE);
	u8 *buf = vzalloc(full_len);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_guarded_buf, buf));
	return buf + full_len - len;
}

static u8 *guarded_copy(struct kunit *test, const u8 *file, size_t len)
{
	u8 *buf = alloc_guarded_buf(test, len);

	memcpy(buf, file, len);
	return buf;
}

/* Hashes what a walk returns, and checks each span. */
static void digest_file(struct kunit *test, const u8 *buf, size_t len,
			const struct pefile *pe, u8 digest[SHA256_DIGEST_SIZE])
{
	struct pefile_walk walk = {};
	struct pefile_span span;
	struct sha256_ctx ctx;
	unsigned int nr = 0;

	sha256_init(&ctx);
	while (pefile_next_hashed(buf, len, pe, &walk, &span)) {
		KUNIT_ASSERT_NE(test, span.len, 0);
		KUNIT_ASSERT_LE(test, span.len, len);
		KUNIT_ASSERT_LE(test, span.off, len - span.len);
		KUNIT_ASSERT_LE(test, ++nr, pe->nr_sections + 4);
		sha256_update(&ctx, buf + span.off, span.len);
	}
	KUNIT_EXPECT_FALSE(test, pefile_next_hashed(buf, len, pe, &walk, &span));
	sha256_final(&ctx, digest);
}

static void expect_sections(struct kunit *test, const u8 *buf,
			    const struct pefile_testvec *vec)
{
	struct pefile_section got;

	for (unsigned int i = 0; i < vec->pe.nr_sections; i++) {
		const struct pefile_section *want = &vec->sections[i];

		pefile_get_section(buf, &vec->pe, i, &got);
		KUNIT_EXPECT_MEMEQ(test, got.name, want->name, PEFILE_NAME_LEN);
		KUNIT_EXPECT_EQ(test, got.virtual_address, want->virtual_address);
		KUNIT_EXPECT_EQ(test, got.virtual_size, want->virtual_size);
		KUNIT_EXPECT_EQ(test, got.raw.off, want->raw.off);
		KUNIT_EXPECT_EQ(test, got.raw.len, want->raw.len);
	}
}

static void expect_headers(struct kunit *test, const struct pefile *got,
			   const struct pefile *want)
{
	KUNIT_EXPECT_EQ(test, got->machine, want->machine);
	KUNIT_EXPECT_EQ(test, got->subsystem, want->subsystem);
	KUNIT_EXPECT_EQ(test, got->nr_sections, want->nr_sections);
	KUNIT_EXPECT_EQ(test, got->image_size, want->image_size);
	KUNIT_EXPECT_EQ(test, got->image_base, want->image_base);
	KUNIT_EXPECT_EQ(test, got->header_size, want->header_size);
	KUNIT_EXPECT_EQ(test, got->csum_off, want->csum_off);
	KUNIT_EXPECT_EQ(test, got->cert_dirent_off, want->cert_dirent_off);
	KUNIT_EXPECT_EQ(test, got->sections_off, want->sections_off);
	KUNIT_EXPECT_EQ(test, got->certs.off, want->certs.off);
	KUNIT_EXPECT_EQ(test, got->certs.len, want->certs.len);
}

/* Headers, sections and digest of each file are what its generator says. */
static void test_vectors(struct kunit *test)
{
	const struct pefile_testvec *vec = test->param_value;
	u8 *buf = guarded_copy(test, vec->file, vec->len);
	u8 digest[SHA256_DIGEST_SIZE];
	struct pefile_error err;
	struct pefile pe;

	KUNIT_ASSERT_EQ_MSG(test, pefile_parse(buf, vec->len, &pe, &err), 0,
			    "%s", err.msg);
	expect_headers(test, &pe, &vec->pe);
	expect_sections(test, buf, vec);
	digest_file(test, buf, vec->len, &pe, digest);
	KUNIT_EXPECT_MEMEQ(test, digest, vec->digest, SHA256_DIGEST_SIZE);
}

/*
 * A file cut short anywhere is refused: before the PE signature is there as not
 * being a PE file, after that as a bad one.
 */
static void test_truncation(struct kunit *test)
{
	const struct pefile_testvec *vec = test->param_value;
	u8 *end = alloc_guarded_buf(test, vec->len) + vec->len;
	u64 needed = vec->pe.header_size + vec->pe.certs.len;
	u32 coff = get_unaligned_le32(vec->file +
				      offsetof(struct mz_hdr, peaddr));
	struct pefile pe;

	for (unsigned int i = 0; i < vec->pe.nr_sections; i++)
		needed += vec->sections[i].raw.len;
	for (unsigned int i = 0; i < vec->pe.nr_sections; i++)
		needed = max(needed, vec->sections[i].raw.off +
				     vec->sections[i].raw.len);
	if (vec->pe.certs.len)
		needed = vec->len;

	for (size_t len = 0; len <= vec->len; len++) {
		int want = len < coff + sizeof(u32) ? -ENOEXEC :
			   len < needed ? -EBADMSG : 0;

		memcpy(end - len, vec->file, len);
		KUNIT_EXPECT_EQ_MSG(test,
				    pefile_parse(end - len, len, &pe, NULL),
				    want, "len=%zu", len);
	}
}

/* Each bit and each byte flipped: refused, or all spans inside the file. */
static void test_flips(struct kunit *test)
{
	static const u8 flips[] = { 1, 2, 4, 8, 16, 32, 64, 128, 255 };
	const struct pefile_testvec *vec = test->param_value;
	u8 *buf = guarded_copy(test, vec->file, vec->len);
	u8 digest[SHA256_DIGEST_SIZE];
	struct pefile_error err;
	struct pefile pe;

	for (size_t i = 0; i < vec->pe.header_size; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(flips); j++) {
			int ret;

			buf[i] = vec->file[i] ^ flips[j];
			ret = pefile_parse(buf, vec->len, &pe, &err);
			if (!ret)
				digest_file(test, buf, vec->len, &pe, digest);
			else if (ret == -EBADMSG)
				KUNIT_EXPECT_NOT_NULL(test, err.msg);
			else
				KUNIT_EXPECT_EQ(test, ret, -ENOEXEC);
		}
		buf[i] = vec->file[i];
	}
}

KUNIT_ARRAY_PARAM_DESC(vector, pefile_testvecs, name);

struct limit {
	const char *what;
	size_t off;		/* field to change */
	unsigned int width;	/* its bytes */
	u32 value;
	int ret;
};

static void put_field(u8 *buf, const struct limit *limit)
{
	if (limit->width == 2)
		put_unaligned_le16(limit->value, buf + limit->off);
	else
		put_unaligned_le32(limit->value, buf + limit->off);
}

/* One field changed, to both sides of the value where the answer changes. */
static const struct limit limits[] = {
	{ "DOS signature", 0, 2, 0x5a4c, -ENOEXEC },
	{ "DOS signature", 0, 2, 0x5a4d, 0 },
	{ "e_lfanew", 60, 4, 63, -ENOEXEC },
	{ "e_lfanew", 60, 4, 64, 0 },
	{ "e_lfanew", 60, 4, 65, -ENOEXEC },
	{ "e_lfanew", 60, 4, 576 - 4, -ENOEXEC },
	{ "e_lfanew", 60, 4, 576 - 3, -ENOEXEC },
	{ "e_lfanew", 60, 4, 0xfffffffc, -ENOEXEC },
	{ "e_lfanew", 60, 4, 0xffffffff, -ENOEXEC },
	{ "PE signature", COFF_OFF, 4, 0x4551, -ENOEXEC },
	{ "magic", OPT_OFF, 2, 0x107, -ENOEXEC },
	{ "magic", OPT_OFF, 2, 0x20a, -ENOEXEC },
	{ "magic", OPT_OFF, 2, 0x20c, -ENOEXEC },
	/* 16 directories do not fit any more. */
	{ "SizeOfOptionalHeader", OPT_LEN_OFF, 2, 0, -EBADMSG },
	{ "SizeOfOptionalHeader", OPT_LEN_OFF, 2, 111, -EBADMSG },
	{ "SizeOfOptionalHeader", OPT_LEN_OFF, 2, 112, -EBADMSG },
	{ "SizeOfOptionalHeader", OPT_LEN_OFF, 2, 239, -EBADMSG },
	{ "SizeOfOptionalHeader", OPT_LEN_OFF, 2, 240, 0 },
	/* 408 + 104 = SizeOfHeaders: the table would end behind it, see below. */
	{ "SizeOfOptionalHeader", OPT_LEN_OFF, 2, 240 + 105, -EBADMSG },
	{ "SizeOfOptionalHeader", OPT_LEN_OFF, 2, 576 - 88, -EBADMSG },
	{ "SizeOfOptionalHeader", OPT_LEN_OFF, 2, 576 - 87, -EBADMSG },
	{ "SizeOfOptionalHeader", OPT_LEN_OFF, 2, 0xffff, -EBADMSG },
	{ "NumberOfRvaAndSizes", NR_DIRS_OFF, 4, 0, 0 },
	{ "NumberOfRvaAndSizes", NR_DIRS_OFF, 4, 15, 0 },
	{ "NumberOfRvaAndSizes", NR_DIRS_OFF, 4, 16, 0 },
	{ "NumberOfRvaAndSizes", NR_DIRS_OFF, 4, 17, -EBADMSG },
	{ "NumberOfRvaAndSizes", NR_DIRS_OFF, 4, 0x20000010, -EBADMSG },
	{ "NumberOfRvaAndSizes", NR_DIRS_OFF, 4, 0xffffffff, -EBADMSG },
	/* The table is 80 bytes at 328; there is room for four entries. */
	{ "NumberOfSections", NR_SECTIONS_OFF, 2, 0, 0 },
	{ "NumberOfSections", NR_SECTIONS_OFF, 2, 1, 0 },
	{ "NumberOfSections", NR_SECTIONS_OFF, 2, 4, 0 },
	{ "NumberOfSections", NR_SECTIONS_OFF, 2, 5, -EBADMSG },
	{ "NumberOfSections", NR_SECTIONS_OFF, 2, 0xffff, -EBADMSG },
	{ "SizeOfHeaders", HEADER_SIZE_OFF, 4, 0, -EBADMSG },
	{ "SizeOfHeaders", HEADER_SIZE_OFF, 4, 407, -EBADMSG },
	{ "SizeOfHeaders", HEADER_SIZE_OFF, 4, 408, 0 },
	{ "SizeOfHeaders", HEADER_SIZE_OFF, 4, 409, 0 },
	{ "SizeOfHeaders", HEADER_SIZE_OFF, 4, 512, 0 },
	/* The first section would begin inside the headers. */
	{ "SizeOfHeaders", HEADER_SIZE_OFF, 4, 513, -EBADMSG },
	{ "SizeOfHeaders", HEADER_SIZE_OFF, 4, 577, -EBADMSG },
	{ "SizeOfHeaders", HEADER_SIZE_OFF, 4, 0xffffffff, -EBADMSG },
	{ "certificates' size", CERT_OFF + 4, 4, 1, -EBADMSG },
	{ "certificates' size", CERT_OFF + 4, 4, 0xffffffff, -EBADMSG },
	{ "certificates' offset", CERT_OFF, 4, 0xffffffff, 0 },
	{ "SizeOfRawData", RAW_LEN_OFF(1), 4, 0, 0 },
	{ "SizeOfRawData", RAW_LEN_OFF(1), 4, 39, 0 },
	{ "SizeOfRawData", RAW_LEN_OFF(1), 4, 40, 0 },
	{ "SizeOfRawData", RAW_LEN_OFF(1), 4, 41, -EBADMSG },
	{ "SizeOfRawData", RAW_LEN_OFF(1), 4, 0xfffffde7, -EBADMSG },
	{ "SizeOfRawData", RAW_LEN_OFF(1), 4, 0xfffffde8, -EBADMSG },
	{ "SizeOfRawData", RAW_LEN_OFF(1), 4, 0xffffffff, -EBADMSG },
	/* More raw bytes than the file has, though each section is inside. */
	{ "SizeOfRawData", RAW_LEN_OFF(0), 4, 23, 0 },
	{ "SizeOfRawData", RAW_LEN_OFF(0), 4, 24, 0 },
	{ "SizeOfRawData", RAW_LEN_OFF(0), 4, 25, -EBADMSG },
	{ "SizeOfRawData", RAW_LEN_OFF(0), 4, 64, -EBADMSG },
	{ "PointerToRawData", RAW_OFF_OFF(1), 4, 0, -EBADMSG },
	{ "PointerToRawData", RAW_OFF_OFF(1), 4, 511, -EBADMSG },
	{ "PointerToRawData", RAW_OFF_OFF(1), 4, 512, 0 },
	{ "PointerToRawData", RAW_OFF_OFF(1), 4, 536, 0 },
	{ "PointerToRawData", RAW_OFF_OFF(1), 4, 537, -EBADMSG },
	{ "PointerToRawData", RAW_OFF_OFF(1), 4, 0xffffffd8, -EBADMSG },
	{ "PointerToRawData", RAW_OFF_OFF(1), 4, 0xffffffff, -EBADMSG },
	{ "Machine", MACHINE_OFF, 2, 0xffff, 0 },
};

static void test_limits(struct kunit *test)
{
	u8 *buf = alloc_guarded_buf(test, FILE_LEN);
	struct pefile pe;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		memcpy(buf, pe32plus_file, FILE_LEN);
		put_field(buf, &limits[i]);
		KUNIT_EXPECT_EQ_MSG(test,
				    pefile_parse(buf, FILE_LEN, &pe, NULL),
				    limits[i].ret, "%s = %#x", limits[i].what,
				    limits[i].value);
	}
}

/*
 * With one field of a program changed: what OVMF was seen to load as an application
 * (0), and what it does not load, not start, or loads as something else.  SizeOfImage
 * is 0x10000, SizeOfHeaders 512, and the second section has 40 bytes.
 */
static const struct limit program_limits[] = {
	{ "Machine", MACHINE_OFF, 2, 0x8664, 0 },
	{ "Machine", MACHINE_OFF, 2, 0xaa64, 0 },
	{ "Machine", MACHINE_OFF, 2, 0x14c, -EBADMSG },
	{ "Subsystem", SUBSYSTEM_OFF, 2, 0, -EBADMSG },
	{ "Subsystem", SUBSYSTEM_OFF, 2, 9, -EBADMSG },
	{ "Subsystem", SUBSYSTEM_OFF, 2, 10, 0 },
	{ "Subsystem", SUBSYSTEM_OFF, 2, 11, -EBADMSG },
	{ "Subsystem", SUBSYSTEM_OFF, 2, 13, -EBADMSG },
	{ "SizeOfImage", IMAGE_SIZE_OFF, 4, 0, -EBADMSG },
	{ "SizeOfImage", IMAGE_SIZE_OFF, 4, 512, -EBADMSG },
	{ "SizeOfImage", IMAGE_SIZE_OFF, 4, 0x1000, -EBADMSG },
	{ "SectionAlignment", ALIGN_OFF, 4, 0, -EBADMSG },
	{ "SectionAlignment", ALIGN_OFF, 4, 0x200, 0 },
	{ "NumberOfRvaAndSizes", NR_DIRS_OFF, 4, 4, -EBADMSG },
	{ "NumberOfRvaAndSizes", NR_DIRS_OFF, 4, 15, -EBADMSG },
	{ "NumberOfRvaAndSizes", NR_DIRS_OFF, 4, 16, 0 },
	{ "VirtualAddress", ADDR_OFF(1), 4, 0x10000 - 40, 0 },
	{ "VirtualAddress", ADDR_OFF(1), 4, 0x10000 - 39, -EBADMSG },
	{ "VirtualAddress", ADDR_OFF(1), 4, 0xffffffff, -EBADMSG },
	{ "VirtualSize", VSIZE_OFF(1), 4, 0xffffffff, -EBADMSG },
};

static void test_program(struct kunit *test)
{
	u8 *buf = alloc_guarded_buf(test, FILE_LEN);
	struct pefile_error err;
	struct pefile pe;

	for (size_t i = 0; i < ARRAY_SIZE(program_limits); i++) {
		const struct limit *limit = &program_limits[i];

		memcpy(buf, pe32plus_file, FILE_LEN);
		put_field(buf, limit);
		KUNIT_ASSERT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, NULL), 0);
		KUNIT_EXPECT_EQ_MSG(test, pefile_check_program(buf, &pe, &err),
				    limit->ret, "%s = %#x", limit->what,
				    limit->value);
		KUNIT_EXPECT_EQ(test, !err.msg, !limit->ret);
	}
}

/* VirtualSize 0 means all raw bytes to edk2. */
static void test_program_raw(struct kunit *test)
{
	u8 *buf = guarded_copy(test, pe32plus_file, FILE_LEN);
	struct pefile_error err;
	struct pefile pe;

	put_unaligned_le32(0, buf + VSIZE_OFF(1));
	put_unaligned_le32(0x10000 - 40, buf + ADDR_OFF(1));
	KUNIT_ASSERT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, NULL), 0);
	KUNIT_EXPECT_EQ(test, pefile_check_program(buf, &pe, &err), 0);

	put_unaligned_le32(0x10000 - 39, buf + ADDR_OFF(1));
	KUNIT_ASSERT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, NULL), 0);
	KUNIT_EXPECT_EQ(test, pefile_check_program(buf, &pe, &err), -EBADMSG);
	KUNIT_EXPECT_MEMEQ(test, err.section, ".section", 8);
}

/* A 32-bit program is one for a 32-bit machine, and no other. */
static void test_program_pe32(struct kunit *test)
{
	u8 *buf = guarded_copy(test, pe32_file, sizeof(pe32_file));
	struct pefile_error err;
	struct pefile pe;

	KUNIT_ASSERT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, NULL), 0);
	KUNIT_EXPECT_EQ(test, pefile_check_program(buf, &pe, &err), 0);

	put_unaligned_le16(0x8664, buf + MACHINE_OFF);
	KUNIT_ASSERT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, NULL), 0);
	KUNIT_EXPECT_EQ(test, pefile_check_program(buf, &pe, &err), -EBADMSG);
}

/*
 * Without an entry for relocations sd-stub passes an addon over, and edk2 takes no
 * more than 16, whatever room there is for them.
 */
static void test_program_nr_dirs(struct kunit *test)
{
	u8 *buf = alloc_guarded_buf(test, FILE_LEN);
	struct pefile_error err;
	struct pefile pe;

	for (u32 nr = 4; nr <= 18; nr++) {
		size_t opt_len = sizeof(struct pe32plus_opt_hdr) +
				 nr * sizeof(struct data_dirent);

		memcpy(buf, pe32plus_file, FILE_LEN);
		memmove(buf + OPT_OFF + opt_len, buf + TABLE_OFF,
			2 * sizeof(struct section_header));
		put_unaligned_le16(opt_len, buf + OPT_LEN_OFF);
		put_unaligned_le32(nr, buf + NR_DIRS_OFF);
		KUNIT_ASSERT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, NULL), 0);
		KUNIT_EXPECT_EQ(test, pefile_check_program(buf, &pe, &err),
				nr > 5 && nr <= 16 ? 0 : -EBADMSG);
	}
}

/* SizeOfImage is 0x10000. */
static void test_program_relocations(struct kunit *test)
{
	static const struct {
		u32 addr, size;
		int ret;
	} relocs[] = {
		{ 0, 0, 0 },
		{ 0xffffffff, 0, 0 },
		{ 0xfff0, 0x10, 0 },
		{ 0xfff0, 0x11, -EBADMSG },
		{ 0xffffffff, 1, -EBADMSG },
		{ 0x1000, 0xffffffff, -EBADMSG },
	};
	u8 *buf = guarded_copy(test, pe32plus_file, FILE_LEN);
	struct pefile_error err;
	struct pefile pe;

	for (size_t i = 0; i < ARRAY_SIZE(relocs); i++) {
		put_unaligned_le32(relocs[i].addr, buf + CERT_OFF + 8);
		put_unaligned_le32(relocs[i].size, buf + CERT_OFF + 12);
		KUNIT_ASSERT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, NULL), 0);
		KUNIT_EXPECT_EQ_MSG(test, pefile_check_program(buf, &pe, &err),
				    relocs[i].ret, "%#x, %#x", relocs[i].addr,
				    relocs[i].size);
	}
}

/* Room behind the data directories, which pefile_parse() does not mind. */
static void test_program_slack(struct kunit *test)
{
	u8 *buf = guarded_copy(test, slack_file, sizeof(slack_file));
	struct pefile_error err;
	struct pefile pe;

	KUNIT_ASSERT_EQ(test, pefile_parse(buf, sizeof(slack_file), &pe, NULL), 0);
	KUNIT_EXPECT_EQ(test, pefile_check_program(buf, &pe, &err), -EBADMSG);
}

/* The smallest headers: the table and the file may end where they do. */
static void test_bare_headers(struct kunit *test)
{
	size_t len = OPT_OFF + sizeof(struct pe32plus_opt_hdr);
	u8 *buf = alloc_guarded_buf(test, len);
	struct pefile pe;

	memcpy(buf, pe32plus_file, len);
	put_unaligned_le16(0, buf + NR_SECTIONS_OFF);
	put_unaligned_le16(sizeof(struct pe32plus_opt_hdr), buf + OPT_LEN_OFF);
	put_unaligned_le32(0, buf + NR_DIRS_OFF);
	for (int add = -1; add <= 1; add++) {
		put_unaligned_le32(len + add, buf + HEADER_SIZE_OFF);
		KUNIT_EXPECT_EQ(test, pefile_parse(buf, len, &pe, NULL),
				add ? -EBADMSG : 0);
	}

	put_unaligned_le32(len, buf + HEADER_SIZE_OFF);
	put_unaligned_le32(1, buf + NR_DIRS_OFF);
	KUNIT_EXPECT_EQ(test, pefile_parse(buf, len, &pe, NULL), -EBADMSG);
}

/* The PE signature in the last bytes, and inside the DOS header. */
static void test_pe_signature(struct kunit *test)
{
	u8 *buf = alloc_guarded_buf(test, FILE_LEN);
	struct pefile_error err;
	struct pefile pe;

	for (size_t off = FILE_LEN - 24; off <= FILE_LEN - 4; off++) {
		memset(buf, 0, FILE_LEN);
		memcpy(buf, pe32plus_file, 2);
		put_unaligned_le32(off, buf + offsetof(struct mz_hdr, peaddr));
		put_unaligned_le32(IMAGE_NT_SIGNATURE, buf + off);
		KUNIT_EXPECT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, &err),
				-EBADMSG);
		KUNIT_EXPECT_EQ(test, err.limit, FILE_LEN);
	}

	memcpy(buf, pe32plus_file, FILE_LEN);
	put_unaligned_le32(4, buf + offsetof(struct mz_hdr, peaddr));
	put_unaligned_le32(IMAGE_NT_SIGNATURE, buf + 4);
	KUNIT_EXPECT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, &err), -EBADMSG);
	KUNIT_EXPECT_EQ(test, err.value, 4);
	KUNIT_EXPECT_EQ(test, err.limit, sizeof(struct mz_hdr));
}

/* A certificate table of every size at every place in a file. */
static void test_certs(struct kunit *test)
{
	size_t len = FILE_LEN + 16;
	u8 *buf = alloc_guarded_buf(test, len);
	u8 digest[SHA256_DIGEST_SIZE];
	struct pefile pe;

	memcpy(buf, pe32plus_file, FILE_LEN);
	for (u32 off = HEADER_SIZE - 1; off <= len; off++) {
		for (u32 size = 1; size <= 18; size++) {
			bool good = off >= HEADER_SIZE && size <= 16 &&
				    off + size <= len;

			put_unaligned_le32(off, buf + CERT_OFF);
			put_unaligned_le32(size, buf + CERT_OFF + 4);
			KUNIT_ASSERT_EQ_MSG(test,
					    pefile_parse(buf, len, &pe, NULL),
					    good ? 0 : -EBADMSG,
					    "off=%u size=%u", off, size);
			if (good)
				digest_file(test, buf, len, &pe, digest);
		}
	}
}

/* With entries for four directories the fifth is what follows: not read. */
static void test_nr_dirs(struct kunit *test)
{
	u8 *buf = guarded_copy(test, pe32plus_file, FILE_LEN);
	struct pefile pe;

	put_unaligned_le32(0xffffffff, buf + CERT_OFF + 4);
	put_unaligned_le32(5, buf + NR_DIRS_OFF);
	KUNIT_EXPECT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, NULL), -EBADMSG);
	put_unaligned_le32(4, buf + NR_DIRS_OFF);
	KUNIT_EXPECT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, NULL), 0);
	KUNIT_EXPECT_EQ(test, pe.cert_dirent_off, 0);
	KUNIT_EXPECT_EQ(test, pe.certs.len, 0);
}

/* The table moves with SizeOfOptionalHeader, up to the end of the headers. */
static void test_table_place(struct kunit *test)
{
	u8 *buf = alloc_guarded_buf(test, FILE_LEN);
	struct pefile_section section;
	struct pefile pe;

	for (u32 move = 0; move <= HEADER_SIZE - TABLE_OFF - 80 + 1; move++) {
		memcpy(buf, pe32plus_file, FILE_LEN);
		put_unaligned_le16(240 + move, buf + OPT_LEN_OFF);
		memcpy(buf + TABLE_OFF + move, pe32plus_file + TABLE_OFF, 80);
		if (move > HEADER_SIZE - TABLE_OFF - 80) {
			KUNIT_EXPECT_EQ(test, -EBADMSG,
					pefile_parse(buf, FILE_LEN, &pe, NULL));
			continue;
		}
		KUNIT_ASSERT_EQ(test, 0,
				pefile_parse(buf, FILE_LEN, &pe, NULL));
		pefile_get_section(buf, &pe, 1, &section);
		KUNIT_EXPECT_TRUE(test, pefile_name_is(section.name, ".section"));
		KUNIT_EXPECT_EQ(test, section.raw.off, 536);
	}
}

/* PEFILE_MAX_SECTIONS and its neighbours; ranges come sorted. */
static void test_many_sections(struct kunit *test)
{
	const unsigned int max = PEFILE_MAX_SECTIONS;
	size_t header_size = TABLE_OFF + (max + 1) * sizeof(struct section_header);
	size_t len = header_size + max + 1;
	u8 *buf = alloc_guarded_buf(test, len);
	struct pefile_walk walk = {};
	struct pefile_span span;
	struct pefile pe;
	u64 off = 0;

	memcpy(buf, pe32plus_file, TABLE_OFF);
	put_unaligned_le32(header_size, buf + HEADER_SIZE_OFF);
	for (unsigned int i = 0; i <= max; i++) {
		put_unaligned_le32(1, buf + RAW_LEN_OFF(i));
		put_unaligned_le32(len - 1 - i, buf + RAW_OFF_OFF(i));
	}
	put_unaligned_le16(max + 1, buf + NR_SECTIONS_OFF);
	KUNIT_EXPECT_EQ(test, pefile_parse(buf, len, &pe, NULL), -EBADMSG);
	put_unaligned_le16(max - 1, buf + NR_SECTIONS_OFF);
	KUNIT_EXPECT_EQ(test, pefile_parse(buf, len, &pe, NULL), 0);
	put_unaligned_le16(max, buf + NR_SECTIONS_OFF);
	KUNIT_ASSERT_EQ(test, pefile_parse(buf, len, &pe, NULL), 0);

	for (unsigned int i = 0; i < max + 4; i++) {
		KUNIT_ASSERT_TRUE(test, pefile_next_hashed(buf, len, &pe, &walk,
							   &span));
		if (i >= 3 && i < max + 3)
			KUNIT_EXPECT_EQ(test, span.off, len - max + i - 3);
		if (i < max + 3)
			KUNIT_EXPECT_GE(test, span.off, off);
		off = span.off + span.len;
	}
	KUNIT_EXPECT_FALSE(test, pefile_next_hashed(buf, len, &pe, &walk, &span));
}

/*
 * Offsets have 32 bits, but their sums and the file need not.  The parser does
 * not touch section data, so a size that is not there does for a large file.
 */
static void test_large_file(struct kunit *test)
{
	u8 *buf = guarded_copy(test, pe32plus_file, FILE_LEN);
	u64 len = 0xffffffffULL + 0x80000000;
	struct pefile_walk walk = {};
	struct pefile_span span;
	struct pefile pe;

	if (sizeof(size_t) < sizeof(u64))
		kunit_skip(test, "needs a 64-bit size_t");

	put_unaligned_le32(0xffffffff, buf + RAW_OFF_OFF(1));
	put_unaligned_le32(0x80000000, buf + RAW_LEN_OFF(1));
	KUNIT_EXPECT_EQ(test, pefile_parse(buf, len - 1, &pe, NULL), -EBADMSG);
	KUNIT_ASSERT_EQ(test, pefile_parse(buf, len, &pe, NULL), 0);
	for (unsigned int i = 0; i < 5; i++)
		KUNIT_ASSERT_TRUE(test, pefile_next_hashed(buf, len, &pe, &walk,
							   &span));
	KUNIT_EXPECT_EQ(test, span.off, 0xffffffff);
	KUNIT_EXPECT_EQ(test, span.len, 0x80000000);
	KUNIT_ASSERT_TRUE(test, pefile_next_hashed(buf, len, &pe, &walk, &span));
	KUNIT_EXPECT_EQ(test, span.off, 512 + 24 + 0x80000000ULL);
	KUNIT_EXPECT_EQ(test, span.off + span.len, len);
	KUNIT_EXPECT_FALSE(test, pefile_next_hashed(buf, len, &pe, &walk, &span));

	/* Headers and sections are as large as the file, then one byte more. */
	put_unaligned_le32(0xfffffdff, buf + RAW_LEN_OFF(0));
	KUNIT_EXPECT_EQ(test, pefile_parse(buf, len, &pe, NULL), 0);
	put_unaligned_le32(0xfffffe00, buf + RAW_LEN_OFF(0));
	KUNIT_EXPECT_EQ(test, pefile_parse(buf, len, &pe, NULL), -EBADMSG);
}

/* A refusal says which section, which value and which limit. */
static void test_error(struct kunit *test)
{
	u8 *buf = guarded_copy(test, pe32plus_file, FILE_LEN);
	struct pefile_error err;
	struct pefile pe;

	put_unaligned_le32(41, buf + RAW_LEN_OFF(1));
	KUNIT_ASSERT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, &err), -EBADMSG);
	KUNIT_EXPECT_STREQ(test, err.msg, "section outside the file");
	KUNIT_EXPECT_MEMEQ(test, err.section, ".section", PEFILE_NAME_LEN);
	KUNIT_EXPECT_EQ(test, err.value, 577);
	KUNIT_EXPECT_EQ(test, err.limit, 576);

	/* Not about a section: no name is left over. */
	put_unaligned_le32(577, buf + HEADER_SIZE_OFF);
	KUNIT_ASSERT_EQ(test, pefile_parse(buf, FILE_LEN, &pe, &err), -EBADMSG);
	KUNIT_EXPECT_STREQ(test, err.msg, "headers outside the file");
	KUNIT_EXPECT_MEMEQ(test, err.section, "\0\0\0\0\0\0\0", PEFILE_NAME_LEN);
	KUNIT_EXPECT_EQ(test, err.value, 577);
	KUNIT_EXPECT_EQ(test, err.limit, 576);
}

/* Names are up to eight bytes, or what is before the first NUL. */
static void test_names(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, pefile_name_is(".linux\0\0", ".linux"));
	KUNIT_EXPECT_TRUE(test, pefile_name_is(".linux\0x", ".linux"));
	KUNIT_EXPECT_TRUE(test, pefile_name_is(".cmdline", ".cmdline"));
	KUNIT_EXPECT_TRUE(test, pefile_name_is("\0\0\0\0\0\0\0\0", ""));
	KUNIT_EXPECT_FALSE(test, pefile_name_is(".linuxx\0", ".linux"));
	KUNIT_EXPECT_FALSE(test, pefile_name_is(".linu\0\0\0", ".linux"));
	KUNIT_EXPECT_FALSE(test, pefile_name_is(".cmdlinE", ".cmdline"));
	KUNIT_EXPECT_FALSE(test, pefile_name_is("\0linux\0\0", ".linux"));
	KUNIT_EXPECT_FALSE(test, pefile_name_is(".linux\0\0", ""));
}

/* A section is found in what is there of the table, whatever else is wrong. */
static void test_has_section(struct kunit *test)
{
	size_t table_end = TABLE_OFF + 2 * sizeof(struct section_header);
	u8 *end = alloc_guarded_buf(test, FILE_LEN) + FILE_LEN;
	u8 *buf = end - FILE_LEN;

	for (size_t len = 0; len <= FILE_LEN; len++) {
		memcpy(end - len, pe32plus_file, len);
		KUNIT_EXPECT_EQ_MSG(test, len >= table_end,
				    pefile_has_section(end - len, len, ".section"),
				    "len=%zu", len);
	}
	KUNIT_EXPECT_TRUE(test, pefile_has_section(buf, FILE_LEN, ".text"));
	KUNIT_EXPECT_FALSE(test, pefile_has_section(buf, FILE_LEN, ".linux"));

	put_unaligned_le32(0xffffffff, buf + HEADER_SIZE_OFF);
	put_unaligned_le32(0xffffffff, buf + RAW_LEN_OFF(0));
	put_unaligned_le16(0xffff, buf + NR_SECTIONS_OFF);
	KUNIT_EXPECT_TRUE(test, pefile_has_section(buf, FILE_LEN, ".section"));
	KUNIT_EXPECT_FALSE(test, pefile_has_section(buf, FILE_LEN, ".linux"));
	put_unaligned_le16(1, buf + NR_SECTIONS_OFF);
	KUNIT_EXPECT_FALSE(test, pefile_has_section(buf, FILE_LEN, ".section"));
	put_unaligned_le16(0xffff, buf + OPT_LEN_OFF);
	KUNIT_EXPECT_FALSE(test, pefile_has_section(buf, FILE_LEN, ".text"));
}

static struct kunit_case pefile_test_cases[] = {
	KUNIT_CASE_PARAM(test_vectors, vector_gen_params),
	KUNIT_CASE_PARAM(test_truncation, vector_gen_params),
	KUNIT_CASE_PARAM(test_flips, vector_gen_params),
	KUNIT_CASE(test_limits),
	KUNIT_CASE(test_program),
	KUNIT_CASE(test_program_raw),
	KUNIT_CASE(test_program_pe32),
	KUNIT_CASE(test_program_nr_dirs),
	KUNIT_CASE(test_program_relocations),
	KUNIT_CASE(test_program_slack),
	KUNIT_CASE(test_bare_headers),
	KUNIT_CASE(test_pe_signature),
	KUNIT_CASE(test_certs),
	KUNIT_CASE(test_nr_dirs),
	KUNIT_CASE(test_table_place),
	KUNIT_CASE(test_many_sections),
	KUNIT_CASE(test_large_file),
	KUNIT_CASE(test_error),
	KUNIT_CASE(test_names),
	KUNIT_CASE(test_has_section),
	{},
};

static struct kunit_suite pefile_test_suite = {
	.name = "pefile",
	.test_cases = pefile_test_cases,
};

kunit_test_suite(pefile_test_suite);

MODULE_DESCRIPTION("KUnit tests for the PE file reader");
MODULE_LICENSE("GPL");
