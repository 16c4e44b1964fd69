// SPDX-License-Identifier: GPL-2.0
/*
 * Tests for the rules of unified kernel images
 *
 * The vectors come from scripts/gen-uki-testvecs.py, which is a second
 * implementation.  Every buffer ends at an unmapped page, so that a byte read or
 * written behind it is a fault in any kernel.
 */

#include <crypto/sha2.h>
#include <kunit/test.h>
#include <linux/overflow.h>
#include <linux/pe.h>
#include <linux/sizes.h>
#include <linux/uki.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>
#include "uki-testvecs.h"

static void free_guarded_buf(void *buf)
{
	vfree(buf);
}

/* Allocate @len bytes immediately followed by an unmapped page. */
static void *alloc_guarded_buf(struct kunit *test, size_t len)
{
	size_t full_len = round_up(max_t(size_t, len, 1), PAGE_SIZE);
	u8 *buf = vmalloc(full_len);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_guarded_buf, buf));
	return buf + full_len - len;
}

static void *dup_guarded_buf(struct kunit *test, const void *data, size_t len)
{
	return memcpy(alloc_guarded_buf(test, len), data, len);
}

static void expect_hash(struct kunit *test, const void *data, size_t len,
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

static void set_opt32(struct test_file *file, size_t field, u32 value)
{
	put_unaligned_le32(value, file->buf + OPT_OFF + field);
}

#define SET_OPT32(file, field, value) \
	set_opt32(file, offsetof(struct pe32plus_opt_hdr, field), value)

static void set_section32(struct test_file *file, unsigned int idx,
			  size_t field, u32 value)
{
	put_unaligned_le32(value, file->buf + TABLE_OFF + field +
			   idx * sizeof(struct section_header));
}

#define SET_SECTION32(file, idx, field, value) \
	set_section32(file, idx, offsetof(struct section_header, field), value)

static void put_headers(struct test_file *file, u32 header_size)
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
	SET_OPT32(file, header_size, header_size);
	SET_OPT32(file, image_size, file->image_size);
	SET_OPT32(file, data_dirs, 16);
}

static struct test_file build(struct kunit *test,
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

static int parse(const struct test_file *file, unsigned int profile,
		 struct uki *uki, struct pefile_error *err)
{
	return uki_parse(file->buf, file->len, profile, uki, err);
}

/*
 * Check what uki_parse() promises of any file, by reading all that it points to,
 * and that uki_recognise() agrees with it.
 */
static int parse_any(struct kunit *test, const u8 *buf, size_t len,
		     unsigned int profile)
{
	struct pefile_error err;
	struct uki uki;
	int ret;

	ret = uki_parse(buf, len, profile, &uki, &err);
	KUNIT_EXPECT_EQ(test, ret != -ENOEXEC, uki_recognise(buf, len));
	if (ret) {
		KUNIT_EXPECT_TRUE(test, ret == -ENOEXEC || ret == -EBADMSG ||
				  ret == -ENODATA);
		KUNIT_EXPECT_NOT_NULL(test, err.msg);
		return ret;
	}

	KUNIT_EXPECT_GT(test, uki.sections[UKI_LINUX].size, 0);
	for (int id = 0; id < UKI_NR_SECTIONS; id++) {
		const struct uki_section *section = &uki.sections[id];
		u8 hash[SHA256_DIGEST_SIZE];

		KUNIT_EXPECT_LE(test, section->data.len, section->size);
		KUNIT_EXPECT_LE(test, section->size - section->data.len,
				UKI_MAX_ZERO_FILL);
		KUNIT_ASSERT_LE(test, section->data.off, len);
		KUNIT_ASSERT_LE(test, section->data.len,
				len - section->data.off);
		sha256(buf + section->data.off, section->data.len, hash);
	}
	return ret;
}

static void test_section_names(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(uki_testvec_names), UKI_NR_SECTIONS);
	for (int id = 0; id < UKI_NR_SECTIONS; id++) {
		const char *name = uki_section_name(id);

		KUNIT_EXPECT_STREQ(test, name, uki_testvec_names[id].name);
		KUNIT_EXPECT_LE(test, strlen(name), PEFILE_NAME_LEN);
		KUNIT_EXPECT_EQ(test, uki_section_measured(id),
				uki_testvec_names[id].measured);
		expect_hash(test, name, strlen(name) + 1,
			    uki_testvec_names[id].hash);
	}
	KUNIT_EXPECT_NULL(test, uki_section_name(UKI_NR_SECTIONS));
	KUNIT_EXPECT_FALSE(test, uki_section_measured(UKI_NR_SECTIONS));
}

static void extend(u8 pcr[SHA256_DIGEST_SIZE],
		   const u8 digest[SHA256_DIGEST_SIZE])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, pcr, SHA256_DIGEST_SIZE);
	sha256_update(&ctx, digest, SHA256_DIGEST_SIZE);
	sha256_final(&ctx, pcr);
}

/* Hash the content of a section with the zeros that the file lacks. */
static void hash_section(const u8 *buf, const struct uki_section *section,
			 u8 digest[SHA256_DIGEST_SIZE])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, buf + section->data.off, section->data.len);
	for (u64 i = section->data.len; i < section->size; i++)
		sha256_update(&ctx, "", 1);
	sha256_final(&ctx, digest);
}

static void expect_pcr11(struct kunit *test, const u8 *buf, size_t len,
			 unsigned int profile,
			 const u8 want[SHA256_DIGEST_SIZE])
{
	u8 pcr[SHA256_DIGEST_SIZE] = { };
	u8 digest[SHA256_DIGEST_SIZE];
	struct pefile_error err;
	struct uki uki;

	KUNIT_ASSERT_EQ(test, 0, uki_parse(buf, len, profile, &uki, &err));
	for (int id = 0; id < UKI_NR_SECTIONS; id++) {
		const char *name = uki_section_name(id);

		if (!uki.sections[id].size || !uki_section_measured(id))
			continue;
		sha256(name, strlen(name) + 1, digest);
		extend(pcr, digest);
		hash_section(buf, &uki.sections[id], digest);
		extend(pcr, digest);
	}
	KUNIT_EXPECT_MEMEQ_MSG(test, pcr, want, sizeof(pcr), "profile=%u",
			       profile);
}

/*
 * What is measured of whole files.  The value for the plain one is also in
 * systemd's test suite (TEST-70-TPM2.measure.sh).
 */
static void test_pcr11(struct kunit *test)
{
	const size_t plain_len = sizeof(uki_testvec_plain);
	const size_t len = sizeof(uki_testvec_profiles);
	const u8 *plain = dup_guarded_buf(test, uki_testvec_plain, plain_len);
	const u8 *buf = dup_guarded_buf(test, uki_testvec_profiles, len);
	struct pefile_error err;
	unsigned int profile;
	struct uki uki;

	expect_pcr11(test, plain, plain_len, 0, uki_testvec_plain_pcr11);
	for (profile = 0; profile < ARRAY_SIZE(uki_testvec_profiles_pcr11);
	     profile++)
		expect_pcr11(test, buf, len, profile,
			     uki_testvec_profiles_pcr11[profile]);
	KUNIT_EXPECT_EQ(test, -ENODATA,
			uki_parse(buf, len, profile, &uki, &err));
	KUNIT_EXPECT_EQ(test, profile, uki.nr_profiles);
}

/* A file cut off anywhere is malformed, or nothing that we know. */
static void test_truncated(struct kunit *test)
{
	const size_t full_len = sizeof(uki_testvec_profiles);
	/* The eighth header of the base is .linux. */
	const size_t linux_end = TABLE_OFF + 8 * sizeof(struct section_header);
	u8 *end = alloc_guarded_buf(test, full_len) + full_len;

	for (size_t len = 0; len < full_len; len++) {
		const u8 *buf = memcpy(end - len, uki_testvec_profiles, len);
		int want = len < linux_end ? -ENOEXEC : -EBADMSG;

		for (unsigned int profile = 0; profile < 4; profile++)
			KUNIT_EXPECT_EQ_MSG(test, want,
					    parse_any(test, buf, len, profile),
					    "len=%zu profile=%u", len, profile);
	}
}

/* No single wrong byte makes the result point outside the file. */
static void test_flipped(struct kunit *test)
{
	static const u8 flips[] = { 1, 2, 4, 8, 16, 32, 64, 128, 255 };
	const size_t len = sizeof(uki_testvec_profiles);
	u8 *buf = dup_guarded_buf(test, uki_testvec_profiles, len);

	for (size_t i = 0; i < len; i++) {
		u8 orig = buf[i];

		for (size_t j = 0; j < ARRAY_SIZE(flips); j++) {
			buf[i] = orig ^ flips[j];
			parse_any(test, buf, len, j % 4);
		}
		/* The largest and the smallest value matter most. */
		buf[i] = 0xff;
		parse_any(test, buf, len, 1);
		buf[i] = 0;
		parse_any(test, buf, len, 2);
		buf[i] = orig;
	}
}

static void test_recognise(struct kunit *test)
{
	static const struct test_section sections[] = {
		SECTION(".text", "stub"), SECTION(".linux", "k"), { }
	};
	const size_t name_off = TABLE_OFF + sizeof(struct section_header);
	struct test_file file = build(test, sections);
	u8 *buf = file.buf;

	KUNIT_EXPECT_TRUE(test, uki_recognise(buf, file.len));
	KUNIT_EXPECT_FALSE(test, uki_recognise(buf + file.len, 0));
	KUNIT_EXPECT_FALSE(test, uki_recognise(buf + 1, file.len - 1));

	/* What follows the first NUL does not count, what precedes it does. */
	buf[name_off + 7] = 'x';
	KUNIT_EXPECT_TRUE(test, uki_recognise(buf, file.len));
	buf[name_off + 6] = 'x';
	KUNIT_EXPECT_FALSE(test, uki_recognise(buf, file.len));
	memcpy(buf + name_off, ".LINUX\0", 8);
	KUNIT_EXPECT_FALSE(test, uki_recognise(buf, file.len));
	memcpy(buf + name_off, "linux\0\0", 8);
	KUNIT_EXPECT_FALSE(test, uki_recognise(buf, file.len));
	memcpy(buf + name_off, ".linux\0", 8);

	buf[PE_OFF + 2] = 1;
	KUNIT_EXPECT_FALSE(test, uki_recognise(buf, file.len));
	buf[PE_OFF + 2] = 0;
	buf[1] = 0;
	KUNIT_EXPECT_FALSE(test, uki_recognise(buf, file.len));
}

/*
 * A UKI stays a UKI, whatever is wrong with it: -ENOEXEC would make callers try
 * it as something else.
 */
static void test_recognise_damaged(struct kunit *test)
{
	static const struct test_section sections[] = {
		SECTION(".linux", "k"), SECTION(".text", "stub"), { }
	};
	struct test_file file;
	struct pefile_error err;
	struct uki uki;

	file = build(test, sections);
	SET_SECTION32(&file, 0, data_addr, file.len);
	KUNIT_EXPECT_TRUE(test, uki_recognise(file.buf, file.len));
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse(&file, 0, &uki, &err));
	KUNIT_EXPECT_MEMEQ(test, err.section, ".linux\0", PEFILE_NAME_LEN);

	file = build(test, sections);
	SET_SECTION32(&file, 1, raw_data_size, U32_MAX);
	KUNIT_EXPECT_TRUE(test, uki_recognise(file.buf, file.len));
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse(&file, 0, &uki, &err));
	KUNIT_EXPECT_MEMEQ(test, err.section, ".text\0\0", PEFILE_NAME_LEN);

	/* An optional header of a kind that there is not. */
	file = build(test, sections);
	file.buf[OPT_OFF] = 0;
	KUNIT_EXPECT_TRUE(test, uki_recognise(file.buf, file.len));
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse(&file, 0, &uki, &err));
	KUNIT_EXPECT_NOT_NULL(test, err.msg);

	/* The PE header inside the DOS header, whose peaddr is one of its fields. */
	file = build(test, sections);
	memmove(file.buf + 32, file.buf + PE_OFF, file.len - PE_OFF);
	put_unaligned_le32(32, file.buf + offsetof(struct mz_hdr, peaddr));
	KUNIT_EXPECT_TRUE(test, uki_recognise(file.buf, file.len));
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse(&file, 0, &uki, &err));
	KUNIT_EXPECT_EQ(test, err.value, 32);

	/* More headers than the file has room for. */
	file = build(test, sections);
	put_unaligned_le16(U16_MAX, file.buf + PE_OFF +
			   offsetof(struct pe_hdr, sections));
	KUNIT_EXPECT_TRUE(test, uki_recognise(file.buf, file.len));
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse(&file, 0, &uki, &err));
}

/* Which sections of which header count. */
struct merge_case {
	const char *desc;
	struct test_section sections[10];
	unsigned int profile;
	int ret;
	const char *want[UKI_NR_SECTIONS];
};

static const struct merge_case merge_cases[] = {
	{
		.desc = ".linux only",
		.sections = { SECTION(".linux", "k") },
		.want = { [UKI_LINUX] = "k" },
	}, {
		.desc = "reverse order",
		.sections = {
			SECTION(".uname", "7"), SECTION(".initrd", "i"),
			SECTION(".cmdline", "c"), SECTION(".osrel", "o"),
			SECTION(".linux", "k"),
		},
		.want = {
			[UKI_LINUX] = "k", [UKI_OSREL] = "o",
			[UKI_CMDLINE] = "c", [UKI_INITRD] = "i",
			[UKI_UNAME] = "7",
		},
	}, {
		.desc = "unknown names",
		.sections = {
			SECTION(".text", "a"), SECTION("", "b"),
			SECTION("linux", "c"), SECTION(".linuxx", "d"),
			SECTION(".Linux", "e"), SECTION(".linux", "k"),
			SECTION(".initr", "f"), SECTION(".sdmagic", "g"),
		},
		.want = { [UKI_LINUX] = "k" },
	}, {
		.desc = "names of eight bytes",
		.sections = {
			SECTION(".linux", "k"), SECTION(".cmdlinX", "x"),
			SECTION(".cmdline", "c"), SECTION(".pcrpkeX", "x"),
			SECTION(".pcrpkey", "p"), SECTION(".profilX", "x"),
		},
		.want = {
			[UKI_LINUX] = "k", [UKI_CMDLINE] = "c",
			[UKI_PCRPKEY] = "p",
		},
	}, {
		.desc = "first of a name",
		.sections = {
			SECTION(".linux", "k"), SECTION(".initrd", "1"),
			SECTION(".linux", "no"), SECTION(".initrd", "2"),
		},
		.want = { [UKI_LINUX] = "k", [UKI_INITRD] = "1" },
	}, {
		.desc = "first of a name is empty",
		.sections = {
			SECTION(".linux", "k"), MASK(".initrd"),
			SECTION(".initrd", "2"),
		},
		.want = { [UKI_LINUX] = "k" },
	}, {
		.desc = "VirtualSize 0 with raw bytes",
		.sections = {
			SECTION(".linux", "k"), { ".initrd", "raw", 0 },
		},
		.want = { [UKI_LINUX] = "k" },
	}, {
		.desc = "no kernel",
		.sections = { MASK(".linux"), SECTION(".linux", "k") },
		.ret = -EBADMSG,
	}, {
		.desc = "profile 1 of none",
		.sections = { SECTION(".linux", "k") },
		.profile = 1,
		.ret = -ENODATA,
	}, {
		.desc = "profile 0 of two",
		.sections = {
			SECTION(".linux", "k"), SECTION(".cmdline", "base"),
			SECTION(".profile", "0"), SECTION(".cmdline", "zero"),
			SECTION(".profile", "1"), SECTION(".cmdline", "one"),
			SECTION(".initrd", "i"),
		},
		.want = {
			[UKI_LINUX] = "k", [UKI_CMDLINE] = "zero",
			[UKI_PROFILE] = "0",
		},
	}, {
		.desc = "profile 1 of two",
		.sections = {
			SECTION(".linux", "k"), SECTION(".cmdline", "base"),
			SECTION(".profile", "0"), SECTION(".cmdline", "zero"),
			SECTION(".profile", "1"), SECTION(".initrd", "i"),
			SECTION(".ucode", "u"),
		},
		.profile = 1,
		.want = {
			[UKI_LINUX] = "k", [UKI_CMDLINE] = "base",
			[UKI_INITRD] = "i", [UKI_UCODE] = "u",
			[UKI_PROFILE] = "1",
		},
	}, {
		.desc = "profile 2 of two",
		.sections = {
			SECTION(".linux", "k"), SECTION(".profile", "0"),
			SECTION(".profile", "1"),
		},
		.profile = 2,
		.ret = -ENODATA,
	}, {
		.desc = "profile 4294967295 of two",
		.sections = {
			SECTION(".linux", "k"), SECTION(".profile", "0"),
			SECTION(".profile", "1"),
		},
		.profile = UINT_MAX,
		.ret = -ENODATA,
	}, {
		.desc = "empty header in a profile masks the base",
		.sections = {
			SECTION(".linux", "k"), SECTION(".initrd", "base"),
			SECTION(".profile", "0"), SECTION(".profile", "1"),
			MASK(".initrd"), SECTION(".initrd", "no"),
		},
		.profile = 1,
		.want = { [UKI_LINUX] = "k", [UKI_PROFILE] = "1" },
	}, {
		.desc = "mask in another profile",
		.sections = {
			SECTION(".linux", "k"), SECTION(".initrd", "base"),
			SECTION(".profile", "0"), SECTION(".profile", "1"),
			MASK(".initrd"), MASK(".linux"),
		},
		.want = {
			[UKI_LINUX] = "k", [UKI_INITRD] = "base",
			[UKI_PROFILE] = "0",
		},
	}, {
		.desc = "profile masks the kernel",
		.sections = {
			SECTION(".linux", "k"), SECTION(".profile", "0"),
			MASK(".linux"),
		},
		.ret = -EBADMSG,
	}, {
		.desc = "kernel in another profile only",
		.sections = {
			SECTION(".profile", "0"), SECTION(".profile", "1"),
			SECTION(".linux", "k"),
		},
		.ret = -EBADMSG,
	}, {
		.desc = "kernel in this profile only",
		.sections = {
			SECTION(".profile", "0"), SECTION(".profile", "1"),
			SECTION(".linux", "k"),
		},
		.profile = 1,
		.want = { [UKI_LINUX] = "k", [UKI_PROFILE] = "1" },
	}, {
		.desc = "empty .profile begins one too",
		.sections = {
			SECTION(".linux", "k"), MASK(".profile"),
			SECTION(".cmdline", "zero"), MASK(".profile"),
			SECTION(".cmdline", "one"),
		},
		.profile = 1,
		.want = { [UKI_LINUX] = "k", [UKI_CMDLINE] = "one" },
	}, {
		.desc = "for another machine",
		.sections = {
			SECTION(".linux", "k"), SECTION(".dtb", "d"),
			SECTION(".dtbauto", "a"), SECTION(".hwids", "h"),
			SECTION(".efifw", "f"), SECTION(".profile", "0"),
			SECTION(".dtbauto", "b"), SECTION(".efifw", "g"),
		},
		.want = {
			[UKI_LINUX] = "k", [UKI_DTB] = "d", [UKI_HWIDS] = "h",
			[UKI_PROFILE] = "0",
		},
	},
};

KUNIT_ARRAY_PARAM_DESC(merge, merge_cases, desc);

static void test_merge(struct kunit *test)
{
	const struct merge_case *param = test->param_value;
	struct test_file file = build(test, param->sections);
	struct pefile_error err;
	struct uki uki;

	KUNIT_ASSERT_EQ(test, param->ret,
			parse(&file, param->profile, &uki, &err));
	if (param->ret) {
		KUNIT_EXPECT_NOT_NULL(test, err.msg);
		KUNIT_EXPECT_EQ(test, param->profile, err.value);
		return;
	}
	KUNIT_EXPECT_EQ(test, param->profile, uki.profile);
	for (int id = 0; id < UKI_NR_SECTIONS; id++) {
		const char *want = param->want[id] ?: "";
		const struct uki_section *section = &uki.sections[id];

		KUNIT_EXPECT_EQ_MSG(test, strlen(want), section->size, "%s",
				    uki_section_name(id));
		KUNIT_ASSERT_EQ(test, strlen(want), section->data.len);
		KUNIT_EXPECT_MEMEQ(test, want, file.buf + section->data.off,
				   section->data.len);
	}
}

/* The content ends at VirtualSize or goes on with zeros up to it. */
static void test_virtual_size(struct kunit *test)
{
	static const struct test_section sections[] = {
		SECTION(".linux", "12345678"), { }
	};
	struct test_file file = build(test, sections);
	struct pefile_error err;
	struct uki uki;

	for (u32 size = 7; size <= 9; size++) {
		SET_SECTION32(&file, 0, virtual_size, size);
		KUNIT_ASSERT_EQ(test, 0, parse(&file, 0, &uki, &err));
		KUNIT_EXPECT_EQ(test, size, uki.sections[UKI_LINUX].size);
		KUNIT_EXPECT_EQ(test, min(size, 8U),
				uki.sections[UKI_LINUX].data.len);
		KUNIT_EXPECT_EQ(test, file.len - 8,
				uki.sections[UKI_LINUX].data.off);
	}

	SET_SECTION32(&file, 0, raw_data_size, 0);
	KUNIT_ASSERT_EQ(test, 0, parse(&file, 0, &uki, &err));
	KUNIT_EXPECT_EQ(test, 9, uki.sections[UKI_LINUX].size);
	KUNIT_EXPECT_EQ(test, 0, uki.sections[UKI_LINUX].data.len);
	KUNIT_EXPECT_EQ(test, 0, uki.sections[UKI_LINUX].data.off);
}

static void test_zero_fill_limit(struct kunit *test)
{
	static const struct test_section sections[] = {
		SECTION(".linux", "12345678"), SECTION(".text", "stub"), { }
	};
	struct test_file file = build(test, sections);
	struct pefile_error err;
	struct uki uki;

	SET_OPT32(&file, image_size, U32_MAX);
	SET_SECTION32(&file, 1, virtual_size, 2 * UKI_MAX_ZERO_FILL);
	SET_SECTION32(&file, 0, virtual_address, SZ_1G);
	for (int i = -1; i <= 1; i++) {
		u32 size = UKI_MAX_ZERO_FILL + 8 + i;

		SET_SECTION32(&file, 0, virtual_size, size);
		KUNIT_EXPECT_EQ_MSG(test, i > 0 ? -EBADMSG : 0,
				    parse(&file, 0, &uki, &err), "i=%d", i);
		if (i <= 0)
			KUNIT_EXPECT_EQ(test, size,
					uki.sections[UKI_LINUX].size);
	}
	KUNIT_EXPECT_MEMEQ(test, err.section, ".linux\0", PEFILE_NAME_LEN);
	KUNIT_EXPECT_EQ(test, UKI_MAX_ZERO_FILL + 1, err.value);
	KUNIT_EXPECT_EQ(test, UKI_MAX_ZERO_FILL, err.limit);
}

/* No section that we may use ends behind the image, whatever the profile. */
static void test_image_size_limit(struct kunit *test)
{
	static const struct test_section sections[] = {
		SECTION(".text", "stub"), SECTION(".linux", "k"),
		SECTION(".profile", "0"), SECTION(".profile", "1"),
		SECTION(".cmdline", "12345678"), { }
	};
	struct test_file file = build(test, sections);
	u32 end = file.image_size - 0x1000 + 8;
	struct pefile_error err;
	struct uki uki;

	for (int i = -1; i <= 1; i++) {
		SET_OPT32(&file, image_size, end + i);
		KUNIT_EXPECT_EQ_MSG(test, i < 0 ? -EBADMSG : 0,
				    parse(&file, 0, &uki, &err), "i=%d", i);
		if (i < 0) {
			KUNIT_EXPECT_MEMEQ(test, err.section, ".cmdline",
					   PEFILE_NAME_LEN);
			KUNIT_EXPECT_EQ(test, end, err.value);
			KUNIT_EXPECT_EQ(test, end - 1, err.limit);
		}
	}

	/* Others may: what is not used cannot do harm. */
	SET_SECTION32(&file, 0, virtual_address, U32_MAX);
	KUNIT_EXPECT_EQ(test, 0, parse(&file, 0, &uki, &err));

	/* One that would end below its start if its end had 32 bits. */
	SET_OPT32(&file, image_size, U32_MAX);
	SET_SECTION32(&file, 4, virtual_address, U32_MAX - 7);
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse(&file, 0, &uki, &err));
	KUNIT_EXPECT_EQ(test, U32_MAX + 1ULL, err.value);
	SET_SECTION32(&file, 4, virtual_address, U32_MAX - 8);
	KUNIT_EXPECT_EQ(test, 0, parse(&file, 0, &uki, &err));

	/* An empty one is no exception. */
	SET_SECTION32(&file, 4, virtual_size, 0);
	SET_OPT32(&file, image_size, U32_MAX - 9);
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse(&file, 0, &uki, &err));
}

/* Nothing is loaded over a section of ours, by other sections of any name. */
static void test_shared_addresses(struct kunit *test)
{
	static const struct test_section sections[] = {
		SECTION(".text", "stub"), SECTION(".linux", "kernel"),
		SECTION(".osrel", "ID=os"), { }
	};
	struct test_file file = build(test, sections);
	struct pefile_error err;
	struct uki uki;

	/* .linux is at 0x2000 and has six bytes, .text has four. */
	for (u32 at = 0x1ffb; at <= 0x2007; at++) {
		bool shared = at > 0x1ffc && at < 0x2006;

		SET_SECTION32(&file, 0, virtual_address, at);
		KUNIT_EXPECT_EQ_MSG(test, shared ? -EBADMSG : 0,
				    parse(&file, 0, &uki, &err), "at=%#x", at);
	}

	/* Of VirtualSize 0 firmware loads SizeOfRawData bytes. */
	SET_SECTION32(&file, 0, virtual_size, 0);
	SET_SECTION32(&file, 0, virtual_address, 0x2005);
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse(&file, 0, &uki, &err));
	KUNIT_EXPECT_MEMEQ(test, err.section, ".linux\0", PEFILE_NAME_LEN);
	SET_SECTION32(&file, 0, virtual_address, 0x2006);
	KUNIT_EXPECT_EQ(test, 0, parse(&file, 0, &uki, &err));

	/* One of ours that is not set is not read. */
	SET_SECTION32(&file, 2, virtual_address, 0x2000);
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse(&file, 0, &uki, &err));
	SET_SECTION32(&file, 2, virtual_size, 0);
	SET_SECTION32(&file, 2, raw_data_size, 0);
	KUNIT_EXPECT_EQ(test, 0, parse(&file, 0, &uki, &err));
}

static void test_too_many_sections(struct kunit *test)
{
	struct test_section *sections;
	struct pefile_error err;
	struct test_file file;
	struct uki uki;

	sections = kunit_kcalloc(test, PEFILE_MAX_SECTIONS + 2,
				 sizeof(*sections), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sections);
	sections[0] = (struct test_section)SECTION(".linux", "k");
	for (int i = 1; i <= PEFILE_MAX_SECTIONS; i++)
		sections[i] = (struct test_section)SECTION(".profile", "p");

	file = build(test, sections);
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse(&file, 0, &uki, &err));
	KUNIT_EXPECT_TRUE(test, uki_recognise(file.buf, file.len));

	sections[PEFILE_MAX_SECTIONS].name = NULL;
	file = build(test, sections);
	KUNIT_EXPECT_EQ(test, 0, parse(&file, PEFILE_MAX_SECTIONS - 2, &uki,
				       &err));
	KUNIT_EXPECT_EQ(test, PEFILE_MAX_SECTIONS - 1, uki.nr_profiles);
	KUNIT_EXPECT_EQ(test, file.len - 1,
			uki.sections[UKI_PROFILE].data.off);
}

/*
 * Texts.
 */

static const struct {
	const char *text;
	size_t len;
	unsigned int profile;
} selectors[] = {
	{ "@1 quiet", 3, 1 },
	{ "@0", 2, 0 },
	{ "@1  quiet", 3, 1 },
	{ "@42", 3, 42 },
	{ "@007 ", 5, 7 },
	{ "@4294967295", 11, UINT_MAX },
	{ "@00000000000000000000000000000001", 33, 1 },
	{ "@4294967296", 0 },
	{ "@18446744073709551617", 0 },
	{ "", 0 },
	{ "@", 0 },
	{ "@ 1", 0 },
	{ "@x", 0 },
	{ "@1x", 0 },
	{ "@1\tquiet", 0 },
	{ "@1\n", 0 },
	{ "@-1", 0 },
	{ "@+1", 0 },
	{ " @1", 0 },
	{ "quiet @1", 0 },
};

static void test_profile_selector(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(selectors); i++) {
		size_t len = strlen(selectors[i].text);
		const char *text = dup_guarded_buf(test, selectors[i].text,
						   len);
		unsigned int profile = 4711;

		KUNIT_EXPECT_EQ_MSG(test, selectors[i].len,
				    uki_profile_selector(text, len, &profile),
				    "%s", selectors[i].text);
		KUNIT_EXPECT_EQ_MSG(test, profile, selectors[i].len ?
				    selectors[i].profile : 4711, "%s",
				    selectors[i].text);

		/* The NUL ends it as the length does. */
		KUNIT_EXPECT_EQ(test, selectors[i].len,
				uki_profile_selector(selectors[i].text, len + 1,
						     &profile));
	}
}

static void test_cmdlines(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(uki_testvec_cmdlines); i++) {
		const size_t len = uki_testvec_cmdlines[i].len;
		const size_t want_len = uki_testvec_cmdlines[i].want_len;
		const char *text, *want = uki_testvec_cmdlines[i].want;
		u8 *utf16;
		char *out;

		text = dup_guarded_buf(test, uki_testvec_cmdlines[i].text, len);
		out = alloc_guarded_buf(test, len + 1);
		KUNIT_EXPECT_EQ_MSG(test, want_len,
				    uki_mangle_cmdline(out, text, len),
				    "i=%zu", i);
		KUNIT_EXPECT_MEMEQ_MSG(test, out, want, want_len + 1,
				       "i=%zu", i);

		utf16 = alloc_guarded_buf(test, 2 * (want_len + 1));
		expect_hash(test, utf16, uki_utf16le(utf16, out, want_len),
			    uki_testvec_cmdlines[i].hash);
	}
}

/* What is measured of a profile's number (measure_profile() of sd-stub). */
static void test_utf16le(struct kunit *test)
{
	u8 *out = alloc_guarded_buf(test, 4);

	KUNIT_EXPECT_EQ(test, 4, uki_utf16le(out, "2", 1));
	KUNIT_EXPECT_MEMEQ(test, out, "2\0\0\0", 4);
	expect_hash(test, out, 4, uki_testvec_profile_number_hash);

	KUNIT_EXPECT_EQ(test, 2, uki_utf16le(out + 2, "2", 0));
	KUNIT_EXPECT_MEMEQ(test, out, "2\0\0\0", 4);
}

static u64 random_seed;

/* The generator of scripts/gen-uki-testvecs.py. */
static u32 rand32(void)
{
	random_seed = (random_seed * 25214903917 + 11) & ((1ULL << 48) - 1);
	return random_seed >> 16;
}

/* Fill @text with random bytes out of those that matter. */
static void rand_text(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = uki_testvec_alphabet[rand32() %
					       sizeof(uki_testvec_alphabet)];
}

/*
 * Random texts, folded into one digest, become what the other implementation
 * makes of them.  All buffers have just the promised room.
 */
static void test_random_cmdlines(struct kunit *test)
{
	const size_t max_len = 48;
	char *text_end = alloc_guarded_buf(test, max_len) + max_len;
	char *out_end = alloc_guarded_buf(test, max_len + 1) + max_len + 1;
	u8 *utf16_end = alloc_guarded_buf(test, 2 * (max_len + 1)) +
			2 * (max_len + 1);
	struct sha256_ctx utf8_ctx, utf16_ctx;
	u8 hash[SHA256_DIGEST_SIZE];

	sha256_init(&utf8_ctx);
	sha256_init(&utf16_ctx);
	random_seed = 1;
	for (size_t i = 0; i < UKI_TESTVEC_NR_RANDOM; i++) {
		size_t len = rand32() % max_len, out_len, utf16_len;
		char *text = text_end - len, *out = out_end - len - 1;
		u8 *utf16 = utf16_end - 2 * (len + 1);

		rand_text(text, len);
		/* This takes any text. */
		uki_utf16le(utf16, text, len);

		out_len = uki_mangle_cmdline(out, text, len);
		KUNIT_ASSERT_LE(test, out_len, len);
		sha256_update(&utf8_ctx, out, out_len + 1);

		utf16 = utf16_end - 2 * (out_len + 1);
		utf16_len = uki_utf16le(utf16, out, out_len);
		KUNIT_ASSERT_LE(test, utf16_len, 2 * (out_len + 1));
		sha256_update(&utf16_ctx, utf16, utf16_len);

		/* What has been mangled stays as it is. */
		text = memcpy(text_end - out_len, out, out_len);
		out = out_end - out_len - 1;
		KUNIT_EXPECT_EQ(test, out_len,
				uki_mangle_cmdline(out, text, out_len));
		KUNIT_EXPECT_MEMEQ(test, out, text, out_len);
	}
	sha256_final(&utf8_ctx, hash);
	KUNIT_EXPECT_MEMEQ(test, hash, uki_testvec_random_utf8_hash,
			   sizeof(hash));
	sha256_final(&utf16_ctx, hash);
	KUNIT_EXPECT_MEMEQ(test, hash, uki_testvec_random_utf16_hash,
			   sizeof(hash));
}

static struct kunit_case uki_cases[] = {
	KUNIT_CASE(test_section_names),
	KUNIT_CASE(test_pcr11),
	KUNIT_CASE(test_truncated),
	KUNIT_CASE(test_flipped),
	KUNIT_CASE(test_recognise),
	KUNIT_CASE(test_recognise_damaged),
	KUNIT_CASE_PARAM(test_merge, merge_gen_params),
	KUNIT_CASE(test_virtual_size),
	KUNIT_CASE(test_zero_fill_limit),
	KUNIT_CASE(test_image_size_limit),
	KUNIT_CASE(test_shared_addresses),
	KUNIT_CASE(test_too_many_sections),
	KUNIT_CASE(test_profile_selector),
	KUNIT_CASE(test_cmdlines),
	KUNIT_CASE(test_utf16le),
	KUNIT_CASE(test_random_cmdlines),
	{ }
};

static struct kunit_suite uki_suite = {
	.name = "uki",
	.test_cases = uki_cases,
};

/*
 * Archives.
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

static struct kunit_case uki_newc_cases[] = {
	KUNIT_CASE(test_newc_credentials),
	KUNIT_CASE(test_newc_extras),
	KUNIT_CASE(test_newc_two_archives),
	KUNIT_CASE(test_newc_extra_paths),
	KUNIT_CASE(test_newc_padding),
	KUNIT_CASE(test_newc_no_room),
	KUNIT_CASE(test_newc_too_large),
	{ }
};

static struct kunit_suite uki_newc_suite = {
	.name = "uki_newc",
	.test_cases = uki_newc_cases,
};

kunit_test_suites(&uki_suite, &uki_newc_suite);

MODULE_DESCRIPTION("KUnit tests for the rules of unified kernel images");
MODULE_LICENSE("GPL");
