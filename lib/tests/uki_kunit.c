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
#include <linux/pe.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/uki.h>
#include <linux/unaligned.h>
#include "uki-kunit.h"
#include "uki-testvecs.h"

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

static void expect_same(struct kunit *test, const struct uki *want,
			const struct uki *uki)
{
	KUNIT_EXPECT_EQ(test, want->profile, uki->profile);
	KUNIT_EXPECT_EQ(test, want->nr_profiles, uki->nr_profiles);
	KUNIT_EXPECT_MEMEQ(test, &want->pe, &uki->pe, sizeof(uki->pe));
	KUNIT_EXPECT_MEMEQ(test, want->sections, uki->sections,
			   sizeof(uki->sections));
}

/* A profile selected later is the one that would have been selected at once. */
static void test_select(struct kunit *test)
{
	const struct merge_case *param = test->param_value;
	struct test_file file = build(test, param->sections);
	struct pefile_error want_err, err;
	struct uki want, uki;
	int ret;

	/* Only what has been filled is selected from. */
	if (parse(&file, 0, &uki, &err) && parse(&file, 1, &uki, &err))
		return;

	for (int i = 0; i < 16; i++) {
		/* Back and forth, and those that there are not, too. */
		unsigned int profile = i * 7 % 4;

		if (i == 5)
			profile = param->profile;
		ret = parse(&file, profile, &want, &want_err);
		KUNIT_EXPECT_EQ_MSG(test, ret,
				    uki_select_profile(file.buf, profile, &uki,
						       &err),
				    "i=%d", i);
		if (ret) {
			KUNIT_EXPECT_STREQ(test, want_err.msg, err.msg);
			KUNIT_EXPECT_EQ(test, want_err.value, err.value);
			KUNIT_EXPECT_EQ(test, want_err.limit, err.limit);
			KUNIT_EXPECT_MEMEQ(test, want_err.section, err.section,
					   sizeof(err.section));
		} else {
			expect_same(test, &want, &uki);
		}
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

/*
 * Profiles by the text of their command line.
 */

#define PENGUIN		"\xf0\x9f\x90\xa7"

struct by_cmdline_case {
	const char *desc;
	struct test_section sections[12];
	struct {
		const char *text;
		unsigned int profile;
	} want[6];
};

static const struct by_cmdline_case by_cmdline_cases[] = {
	{
		.desc = "no profiles",
		.sections = { SECTION(".linux", "k"), SECTION(".cmdline", "a") },
		.want = { { "a", 0 }, { "b", 0 }, { "", 0 } },
	}, {
		.desc = "one profile, which is the default",
		.sections = {
			SECTION(".linux", "k"), SECTION(".cmdline", "a"),
			SECTION(".profile", "0"), SECTION(".cmdline", "b"),
		},
		.want = { { "a", 0 }, { "b", 0 } },
	}, {
		.desc = "base, which is the default too",
		.sections = {
			SECTION(".linux", "k"), SECTION(".cmdline", "base"),
			SECTION(".profile", "0"), SECTION(".profile", "1"),
			SECTION(".cmdline", "one"), SECTION(".profile", "2"),
		},
		.want = { { "base", 0 }, { "one", 1 } },
	}, {
		.desc = "each its own",
		.sections = {
			SECTION(".linux", "k"), SECTION(".cmdline", "base"),
			SECTION(".profile", "0"), SECTION(".cmdline", "zero"),
			SECTION(".profile", "1"), SECTION(".cmdline", "one"),
			SECTION(".profile", "2"), SECTION(".profile", "3"),
			SECTION(".cmdline", "three"),
		},
		.want = {
			{ "zero", 0 }, { "one", 1 }, { "base", 2 },
			{ "three", 3 }, { "four", 0 },
		},
	}, {
		.desc = "two match",
		.sections = {
			SECTION(".linux", "k"), SECTION(".cmdline", "base"),
			SECTION(".profile", "0"), SECTION(".cmdline", "zero"),
			SECTION(".profile", "1"), SECTION(".profile", "2"),
			SECTION(".profile", "3"), SECTION(".cmdline", "same"),
			SECTION(".profile", "4"), SECTION(".cmdline", " same"),
		},
		.want = { { "base", 0 }, { "same", 0 }, { "zero", 0 } },
	}, {
		.desc = "the default and another match",
		.sections = {
			SECTION(".linux", "k"), SECTION(".profile", "0"),
			SECTION(".cmdline", "same"), SECTION(".profile", "1"),
			SECTION(".cmdline", "same"),
		},
		.want = { { "same", 0 } },
	}, {
		.desc = "parts",
		.sections = {
			SECTION(".linux", "k"), SECTION(".profile", "0"),
			SECTION(".profile", "1"), SECTION(".cmdline", "quiet x"),
		},
		.want = {
			{ "quiet x", 1 }, { "quiet", 0 }, { "quiet x y", 0 },
			{ "x", 0 }, { "Quiet x", 0 }, { "quiet  x", 0 },
		},
	}, {
		.desc = "blanks and control characters",
		.sections = {
			SECTION(".linux", "k"), SECTION(".profile", "0"),
			SECTION(".profile", "1"), SECTION(".cmdline", " a b\n"),
			SECTION(".profile", "2"),
			SECTION(".cmdline", "\r\na\t\001b\177"),
			SECTION(".profile", "3"),
			SECTION(".cmdline", "a\177b  c\n\n"),
		},
		.want = {
			{ "a b", 1 }, { "a  b", 2 }, { "a b  c", 3 },
			{ "a", 0 }, { "a b c", 0 }, { "ab", 0 },
		},
	}, {
		.desc = "masked",
		.sections = {
			SECTION(".linux", "k"), SECTION(".cmdline", "base"),
			SECTION(".profile", "0"), SECTION(".cmdline", "zero"),
			SECTION(".profile", "1"), MASK(".cmdline"),
			SECTION(".cmdline", "one"), SECTION(".profile", "2"),
		},
		.want = { { "one", 0 }, { "base", 2 }, { "", 0 } },
	}, {
		.desc = "empty",
		.sections = {
			SECTION(".linux", "k"), SECTION(".profile", "0"),
			SECTION(".cmdline", "zero"), SECTION(".profile", "1"),
			SECTION(".cmdline", "\n "), SECTION(".profile", "2"),
			SECTION(".cmdline", PENGUIN),
		},
		.want = { { "", 0 } },
	}, {
		.desc = "the default has none",
		.sections = {
			SECTION(".linux", "k"), SECTION(".profile", "0"),
			SECTION(".profile", "1"), SECTION(".profile", "2"),
			SECTION(".cmdline", "two"),
		},
		.want = { { "", 0 }, { "two", 2 } },
	}, {
		.desc = "characters that UCS-2 has and lacks",
		.sections = {
			SECTION(".linux", "k"), SECTION(".profile", "0"),
			SECTION(".profile", "1"),
			SECTION(".cmdline", PENGUIN "a" PENGUIN "b" PENGUIN),
			SECTION(".profile", "2"),
			SECTION(".cmdline", "k\xc3\xa4se=\xe2\x82\xac"),
			SECTION(".profile", "3"),
			SECTION(".cmdline", "a\355\240\200c\377"),
			SECTION(".profile", "4"),
			SECTION(".cmdline", "a\300\257d"),
		},
		.want = {
			{ "ab", 1 }, { "k\xc3\xa4se=\xe2\x82\xac", 2 },
			{ "ac", 3 }, { "a/d", 4 }, { "k\xc3\xa4se=", 0 },
			{ "k\xc3\xa5se=\xe2\x82\xac", 0 },
		},
	}, {
		.desc = "cut off in a character",
		.sections = {
			SECTION(".linux", "k"), SECTION(".profile", "0"),
			SECTION(".profile", "1"), SECTION(".cmdline", "a\xe2\x82"),
		},
		.want = { { "a", 1 } },
	}, {
		.desc = "longer or shorter than in the file",
		.sections = {
			SECTION(".linux", "k"), SECTION(".profile", "0"),
			SECTION(".profile", "1"), { ".cmdline", "one", 100 },
			SECTION(".profile", "2"), { ".cmdline", "two three", 3 },
			SECTION(".profile", "3"), { ".cmdline", "", 100 },
		},
		.want = {
			{ "one", 1 }, { "two", 2 }, { "two three", 0 },
			{ "", 0 },
		},
	},
};

KUNIT_ARRAY_PARAM_DESC(by_cmdline, by_cmdline_cases, desc);

static unsigned int by_cmdline(struct kunit *test, const struct test_file *file,
			       const struct uki *uki, const char *text)
{
	size_t len = strlen(text);

	return uki_profile_by_cmdline(file->buf, uki,
				      dup_guarded_buf(test, text, len), len);
}

/* Whatever profile has been selected before; it stays selected. */
static void test_profile_by_cmdline(struct kunit *test)
{
	const struct by_cmdline_case *param = test->param_value;
	struct test_file file = build(test, param->sections);
	struct uki uki, uki_before;
	struct pefile_error err;
	unsigned int profile = 0;

	do {
		KUNIT_ASSERT_EQ(test, 0, parse(&file, profile, &uki, &err));
		memcpy(&uki_before, &uki, sizeof(uki));
		for (size_t i = 0; i < ARRAY_SIZE(param->want); i++) {
			const char *text = param->want[i].text;

			if (!text)
				break;
			KUNIT_EXPECT_EQ_MSG(test, param->want[i].profile,
					    by_cmdline(test, &file, &uki, text),
					    "text=%s profile=%u", text,
					    profile);
		}
		expect_same(test, &uki_before, &uki);
	} while (++profile < uki.nr_profiles);
}

/* A NUL ends the embedded text; what is behind it does not count. */
static void test_profile_by_cmdline_nul(struct kunit *test)
{
	static const struct test_section sections[] = {
		SECTION(".linux", "k"), SECTION(".profile", "0"),
		SECTION(".profile", "1"), SECTION(".cmdline", "one|two"), { }
	};
	struct test_file file = build(test, sections);
	struct pefile_error err;
	struct uki uki;

	file.buf[file.len - 4] = '\0';
	KUNIT_ASSERT_EQ(test, 0, parse(&file, 0, &uki, &err));
	KUNIT_EXPECT_EQ(test, 1, by_cmdline(test, &file, &uki, "one"));
	KUNIT_EXPECT_EQ(test, 0, by_cmdline(test, &file, &uki, "one two"));
	KUNIT_EXPECT_EQ(test, 0, by_cmdline(test, &file, &uki, "onetwo"));
	file.buf[file.len - 7] = '\0';
	KUNIT_EXPECT_EQ(test, 0, by_cmdline(test, &file, &uki, "one"));
	KUNIT_EXPECT_EQ(test, 0, by_cmdline(test, &file, &uki, ""));
}

/* What nobody types is not compared: more than 4 MiB in the file. */
static void test_profile_by_cmdline_limit(struct kunit *test)
{
	struct test_section sections[] = {
		SECTION(".linux", "k"), SECTION(".profile", "0"),
		SECTION(".profile", "1"), SECTION(".cmdline", "one"), { }
	};
	const size_t max = SZ_4M;
	struct pefile_error err;
	struct test_file file;
	struct uki uki;
	char *blanks;

	blanks = alloc_guarded_buf(test, max + 2);
	memset(blanks, ' ', max + 1);
	blanks[max + 1] = '\0';
	blanks[0] = 'x';
	for (int i = 1; i >= -1; i--) {
		sections[3].data = blanks;
		sections[3].size = max + i;
		blanks[max + i] = '\0';
		file = build(test, sections);
		KUNIT_ASSERT_EQ(test, 0, parse(&file, 0, &uki, &err));
		KUNIT_EXPECT_EQ_MSG(test, i <= 0,
				    by_cmdline(test, &file, &uki, "x"),
				    "i=%d", i);
	}

	/* Zeros that the file lacks do not count. */
	sections[3].data = "x";
	sections[3].size = max + 1;
	file = build(test, sections);
	KUNIT_ASSERT_EQ(test, 0, parse(&file, 0, &uki, &err));
	KUNIT_EXPECT_EQ(test, 1, by_cmdline(test, &file, &uki, "x"));
}

/* As many profiles as a table has room for. */
static void test_profile_by_cmdline_many(struct kunit *test)
{
	const unsigned int nr_profiles = (PEFILE_MAX_SECTIONS - 1) / 2;
	struct test_section *sections;
	struct pefile_error err;
	struct test_file file;
	char (*texts)[8];
	struct uki uki;

	sections = kunit_kcalloc(test, PEFILE_MAX_SECTIONS + 1,
				 sizeof(*sections), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sections);
	texts = kunit_kcalloc(test, nr_profiles, sizeof(*texts), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, texts);

	sections[0] = (struct test_section)SECTION(".linux", "k");
	for (unsigned int i = 0; i < nr_profiles; i++) {
		sections[1 + 2 * i] =
			(struct test_section)SECTION(".profile", "p");
		sections[2 + 2 * i] = (struct test_section){
			".cmdline", texts[i], sprintf(texts[i], "%u", i)
		};
	}
	file = build(test, sections);
	KUNIT_ASSERT_EQ(test, 0, parse(&file, 0, &uki, &err));
	KUNIT_ASSERT_EQ(test, nr_profiles, uki.nr_profiles);
	KUNIT_EXPECT_EQ(test, nr_profiles - 1,
			by_cmdline(test, &file, &uki, texts[nr_profiles - 1]));
	KUNIT_EXPECT_EQ(test, 1, by_cmdline(test, &file, &uki, "1"));
	KUNIT_EXPECT_EQ(test, 0, by_cmdline(test, &file, &uki, "0"));
	KUNIT_EXPECT_EQ(test, 0, by_cmdline(test, &file, &uki, "x"));
}

#define RANDOM_LEN	7

/* The mangled command line of a profile; returns its length. */
static size_t cmdline_of(const struct test_file *file, unsigned int profile,
			 char text[RANDOM_LEN + 1])
{
	const struct uki_section *section;
	struct pefile_error err;
	struct uki uki;

	text[0] = '\0';
	if (parse(file, profile, &uki, &err))
		return 0;
	section = &uki.sections[UKI_CMDLINE];
	return uki_mangle_cmdline(text, file->buf + section->data.off,
				  section->data.len);
}

/*
 * Random command lines: the profile found is what follows from looking at each
 * profile alone.  Few characters, so that different texts become the same.
 */
static void test_profile_by_cmdline_random(struct kunit *test)
{
	static const char alphabet[] = "aab  \t\x7f\xc3\xa4\xe2\xf0|";
	char data[4][RANDOM_LEN + 1], want[RANDOM_LEN + 1];
	unsigned int nr_found = 0;
	struct pefile_error err;
	struct uki uki;

	random_seed = 2;
	for (size_t i = 0; i < 2000; i++) {
		struct test_section sections[9] = {
			SECTION(".linux", "k")
		};
		struct test_file file;

		for (size_t j = 0; j < ARRAY_SIZE(data); j++) {
			size_t len = rand32() % (RANDOM_LEN + 1);

			for (size_t k = 0; k < len; k++)
				data[j][k] = alphabet[rand32() %
						      (sizeof(alphabet) - 1)];
			data[j][len] = '\0';
			sections[1 + 2 * j] =
				(struct test_section)SECTION(".profile", "p");
			sections[2 + 2 * j] = (struct test_section){
				rand32() % 4 ? ".cmdline" : ".none", data[j],
				len
			};
		}
		/* One of them is the base's. */
		if (rand32() % 2)
			swap(sections[1], sections[2]);
		sections[8].name = NULL;
		file = build(test, sections);
		for (size_t j = TABLE_OFF + file.nr_sections *
				sizeof(struct section_header);
		     j < file.len; j++) {
			if (file.buf[j] == '|')
				file.buf[j] = '\0';
		}
		KUNIT_ASSERT_EQ(test, 0, parse(&file, 0, &uki, &err));

		for (unsigned int j = 0; j < uki.nr_profiles; j++) {
			unsigned int found = 0, nr = 0;
			char text[RANDOM_LEN + 1];
			size_t len;

			cmdline_of(&file, j, want);
			for (unsigned int k = 0; k < uki.nr_profiles; k++) {
				len = cmdline_of(&file, k, text);
				if (!len || strcmp(text, want))
					continue;
				found = k;
				nr += k ? 1 : 2;
			}
			found = nr == 1 ? found : 0;
			nr_found += !!found;
			KUNIT_EXPECT_EQ_MSG(test, found,
					    by_cmdline(test, &file, &uki, want),
					    "i=%zu j=%u", i, j);
		}
	}
	KUNIT_EXPECT_GT(test, nr_found, 100);
}

static struct kunit_case uki_cases[] = {
	KUNIT_CASE(test_section_names),
	KUNIT_CASE(test_pcr11),
	KUNIT_CASE(test_truncated),
	KUNIT_CASE(test_flipped),
	KUNIT_CASE(test_recognise),
	KUNIT_CASE(test_recognise_damaged),
	KUNIT_CASE_PARAM(test_merge, merge_gen_params),
	KUNIT_CASE_PARAM(test_select, merge_gen_params),
	KUNIT_CASE(test_virtual_size),
	KUNIT_CASE(test_zero_fill_limit),
	KUNIT_CASE(test_image_size_limit),
	KUNIT_CASE(test_shared_addresses),
	KUNIT_CASE(test_too_many_sections),
	KUNIT_CASE(test_profile_selector),
	KUNIT_CASE(test_cmdlines),
	KUNIT_CASE(test_utf16le),
	KUNIT_CASE(test_random_cmdlines),
	KUNIT_CASE_PARAM(test_profile_by_cmdline, by_cmdline_gen_params),
	KUNIT_CASE(test_profile_by_cmdline_nul),
	KUNIT_CASE(test_profile_by_cmdline_limit),
	KUNIT_CASE(test_profile_by_cmdline_many),
	KUNIT_CASE(test_profile_by_cmdline_random),
	{ }
};

static struct kunit_suite uki_suite = {
	.name = "uki",
	.test_cases = uki_cases,
};

kunit_test_suite(uki_suite);

MODULE_DESCRIPTION("KUnit tests for the rules of unified kernel images");
MODULE_LICENSE("GPL");
