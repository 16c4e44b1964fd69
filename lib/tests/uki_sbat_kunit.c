// SPDX-License-Identifier: GPL-2.0
/*
 * Tests for SBAT: sections, levels, and what shim makes of them
 *
 * The vectors come from scripts/gen-uki-sbat-testvecs.py.  Every buffer ends at an
 * unmapped page, so that a byte read behind it is a fault in any kernel.
 */

#include <kunit/test.h>
#include <linux/ctype.h>
#include <linux/limits.h>
#include <linux/pefile.h>
#include <linux/string.h>
#include <linux/uki_sbat.h>
#include "uki-kunit.h"
#include "uki-sbat-testvecs.h"

struct text {
	const u8 *data;
	size_t len;
};

static struct text make_text(struct kunit *test,
			     const struct uki_testvec_text *vector)
{
	size_t len = vector->len + vector->count;
	u8 *buf = alloc_guarded_buf(test, len);

	memcpy(buf, vector->data, vector->len);
	memset(buf + vector->len, vector->byte, vector->count);
	return (struct text){ .data = buf, .len = len };
}

static void expect_revoked(struct kunit *test, size_t i,
			   const struct uki_sbat_result *result)
{
	const char *name = uki_testvec_sbat[i].revoked;

	KUNIT_EXPECT_EQ_MSG(test, strlen(name), result->revoked.name_len,
			    "%s", uki_testvec_sbat[i].name);
	KUNIT_EXPECT_MEMEQ(test, name, result->revoked.name, strlen(name));
	KUNIT_EXPECT_EQ_MSG(test, uki_testvec_sbat[i].generation,
			    result->revoked.generation, "%s",
			    uki_testvec_sbat[i].name);
	KUNIT_EXPECT_EQ_MSG(test, uki_testvec_sbat[i].limit, result->limit,
			    "%s", uki_testvec_sbat[i].name);
}

static void expect_malformed(struct kunit *test, size_t i,
			     const struct uki_sbat_result *result)
{
	KUNIT_EXPECT_EQ_MSG(test, uki_testvec_sbat[i].bad, result->bad, "%s",
			    uki_testvec_sbat[i].name);
	KUNIT_EXPECT_STREQ_MSG(test, uki_testvec_sbat[i].msg,
			       result->bad_at.msg, "%s",
			       uki_testvec_sbat[i].name);
	KUNIT_EXPECT_EQ_MSG(test, uki_testvec_sbat[i].off, result->bad_at.off,
			    "%s", uki_testvec_sbat[i].name);
}

static void test_sbat_check(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(uki_testvec_sbat); i++) {
		struct text section, level;
		struct uki_sbat_result result;
		int err;

		section = make_text(test, &uki_testvec_sbat[i].section);
		level = make_text(test, &uki_testvec_sbat[i].level);
		memset(&result, 0xa5, sizeof(result));
		err = uki_sbat_check(section.data, section.len, level.data,
				     level.len, &result);
		KUNIT_EXPECT_EQ_MSG(test, uki_testvec_sbat[i].err, err, "%s",
				    uki_testvec_sbat[i].name);
		if (err != uki_testvec_sbat[i].err)
			continue;
		if (!err)
			KUNIT_EXPECT_EQ_MSG(test,
					    uki_testvec_sbat[i].nr_records,
					    result.nr_records, "%s",
					    uki_testvec_sbat[i].name);
		else if (err == -EKEYREJECTED)
			expect_revoked(test, i, &result);
		else
			expect_malformed(test, i, &result);
	}
}

/* A file without a section has no buffer for it either. */
static void test_sbat_no_section(struct kunit *test)
{
	static const char level[] = "sbat,1,2021030218\ngrub,2\n";
	struct uki_sbat_result result;

	KUNIT_EXPECT_EQ(test, 0, uki_sbat_check(NULL, 0, level,
						sizeof(level) - 1, &result));
	KUNIT_EXPECT_EQ(test, 0, result.nr_records);
	KUNIT_EXPECT_EQ(test, -EBADMSG, uki_sbat_check(level, 0, NULL, 0,
						       &result));
	KUNIT_EXPECT_EQ(test, UKI_SBAT_LEVEL, result.bad);
}

static u64 random_seed;

/* The generator of POSIX's drand48(). */
static u32 rand32(void)
{
	random_seed = (random_seed * 25214903917 + 11) & ((1ULL << 48) - 1);
	return random_seed >> 16;
}

/* What a record that was read looks like, whatever it was read from. */
static void expect_record(struct kunit *test, const char *text, size_t len,
			  const struct uki_sbat_walk *walk,
			  const struct uki_sbat_record *record)
{
	size_t off = record->name - text;

	KUNIT_ASSERT_LE(test, off, len);
	KUNIT_ASSERT_LE(test, record->name_len, len - off);
	KUNIT_EXPECT_GT(test, record->name_len, 0);
	KUNIT_EXPECT_LE(test, record->generation, UKI_SBAT_GENERATION_MAX);
	KUNIT_EXPECT_GE(test, walk->off, off + record->name_len + 2);
	KUNIT_EXPECT_LE(test, walk->off, len);
	for (size_t i = 0; i < record->name_len; i++)
		KUNIT_EXPECT_FALSE(test, strchr(",\r\n", record->name[i]));
}

/* Texts of the bytes that matter: each is read to its end, or is malformed. */
static void test_sbat_random(struct kunit *test)
{
	static const char bytes[] = "aab12,,,,,\n\r\t ";
	char *buf = alloc_guarded_buf(test, 40);
	unsigned int nr_records = 0, nr_malformed = 0;

	random_seed = 6;
	for (unsigned int i = 0; i < 20000; i++) {
		enum uki_sbat_kind kind = i % 2;
		struct uki_sbat_walk walk = { };
		struct uki_sbat_record record;
		size_t len = rand32() % 41;
		char *text = buf + 40 - len;
		int ret;

		for (size_t j = 0; j < len; j++)
			text[j] = bytes[rand32() % (sizeof(bytes) - (i % 3 < 2))];
		while ((ret = uki_sbat_next(text, len, kind, &walk, &record)) > 0) {
			expect_record(test, text, len, &walk, &record);
			nr_records++;
		}
		KUNIT_EXPECT_LE(test, walk.off, len);
		KUNIT_EXPECT_EQ(test, !walk.msg, !ret);
		nr_malformed += !!ret;
	}
	KUNIT_EXPECT_GT(test, nr_records, 1000);
	KUNIT_EXPECT_GT(test, nr_malformed, 1000);
	KUNIT_EXPECT_LT(test, nr_malformed, 20000);
}

/* A section of 4096 records against a level of as many: the work is bounded. */
static void test_sbat_many(struct kunit *test)
{
	static const char tail[] = "z,1,v,p,1,u\n";
	size_t section_len = UKI_SBAT_MAX, level_len = UKI_SBAT_MAX;
	char *section = alloc_guarded_buf(test, section_len);
	char *level = alloc_guarded_buf(test, level_len);
	struct uki_sbat_result result;

	for (size_t i = 0; i < section_len; i++)
		section[i] = "a,1,v,p,1,u\n\n\n\n\n"[i % 16];
	for (size_t i = 0; i < level_len; i++)
		level[i] = "b,2\n"[i % 4];
	memcpy(level + level_len - 4, "z,2\n", 4);
	KUNIT_EXPECT_EQ(test, 0, uki_sbat_check(section, section_len, level,
						level_len, &result));
	KUNIT_EXPECT_EQ(test, section_len / 16, result.nr_records);

	memcpy(section + section_len - strlen(tail), tail, strlen(tail));
	memset(section + section_len - 16, '\n', 16 - strlen(tail));
	KUNIT_EXPECT_EQ(test, -EKEYREJECTED,
			uki_sbat_check(section, section_len, level, level_len,
				       &result));
	KUNIT_EXPECT_EQ(test, 2, result.limit);
}

/*
 * The section.
 */

static int find(struct kunit *test, const struct test_file *file,
		struct pefile_span *span, struct pefile_error *err)
{
	struct pefile pe;

	memset(span, 0xa5, sizeof(*span));
	KUNIT_ASSERT_EQ(test, 0, pefile_parse(file->buf, file->len, &pe, err));
	return uki_sbat_find(file->buf, &pe, span, err);
}

static void test_sbat_find(struct kunit *test)
{
	static const struct test_section sections[] = {
		SECTION(".text", "code"), SECTION(".sbat", "a,1,v,p,1,u\n"),
		SECTION(".sbatx", "b"), SECTION("sbat", "c"), { }
	};
	struct test_file file = build(test, sections);
	struct pefile_error err;
	struct pefile_span span;

	KUNIT_ASSERT_EQ(test, 0, find(test, &file, &span, &err));
	KUNIT_ASSERT_EQ(test, 12, span.len);
	KUNIT_EXPECT_MEMEQ(test, file.buf + span.off, "a,1,v,p,1,u\n", 12);

	/* shim reads all bytes in the file, whatever part of them is loaded. */
	SET_SECTION32(&file, 1, virtual_size, 4);
	KUNIT_ASSERT_EQ(test, 0, find(test, &file, &span, &err));
	KUNIT_EXPECT_EQ(test, 12, span.len);

	SET_SECTION32(&file, 1, raw_data_size, 0);
	SET_SECTION32(&file, 1, virtual_size, 0);
	KUNIT_ASSERT_EQ(test, 0, find(test, &file, &span, &err));
	KUNIT_EXPECT_EQ(test, 0, span.len);
}

static void test_sbat_find_none(struct kunit *test)
{
	static const struct test_section sections[] = {
		SECTION(".text", "code"), SECTION(".SBAT", "a"), { }
	};
	struct test_file file = build(test, sections);
	struct pefile_error err;
	struct pefile_span span;

	KUNIT_ASSERT_EQ(test, 0, find(test, &file, &span, &err));
	KUNIT_EXPECT_EQ(test, 0, span.len);

	/* What follows a NUL is part of the name to shim. */
	memcpy(file.buf + TABLE_OFF + sizeof(struct section_header),
	       ".sbat\0x", 8);
	KUNIT_ASSERT_EQ(test, 0, find(test, &file, &span, &err));
	KUNIT_EXPECT_EQ(test, 0, span.len);
}

static void test_sbat_find_bad(struct kunit *test)
{
	static const struct test_section sections[] = {
		SECTION(".sbat", "a"), SECTION(".sbat", "a"), { }
	};
	struct test_file file = build(test, sections);
	struct pefile_error err;
	struct pefile_span span;

	KUNIT_EXPECT_EQ(test, -EBADMSG, find(test, &file, &span, &err));
	KUNIT_EXPECT_STREQ(test, "more than one section", err.msg);
	KUNIT_EXPECT_MEMEQ(test, ".sbat\0\0", err.section, 8);
	memcpy(file.buf + TABLE_OFF, ".other", 6);
	KUNIT_EXPECT_EQ(test, 0, find(test, &file, &span, &err));

	SET_SECTION32(&file, 1, virtual_size, 2);
	KUNIT_EXPECT_EQ(test, -EBADMSG, find(test, &file, &span, &err));
	KUNIT_EXPECT_STREQ(test, "section lacks some of its size", err.msg);
	KUNIT_EXPECT_EQ(test, 1, err.value);
	KUNIT_EXPECT_EQ(test, 2, err.limit);
	SET_SECTION32(&file, 1, virtual_size, 1);

	SET_SECTION32(&file, 1, relocs, 1);
	KUNIT_EXPECT_EQ(test, -EBADMSG, find(test, &file, &span, &err));
	KUNIT_EXPECT_STREQ(test, "section has relocations", err.msg);
	SET_SECTION32(&file, 1, relocs, 0);
	SET_SECTION32(&file, 1, num_relocs, 1);
	KUNIT_EXPECT_EQ(test, -EBADMSG, find(test, &file, &span, &err));
	KUNIT_EXPECT_STREQ(test, "section has relocations", err.msg);
	SET_SECTION32(&file, 1, num_relocs, 0x10000);	/* num_lin_numbers */
	KUNIT_EXPECT_EQ(test, 0, find(test, &file, &span, &err));
}

static struct kunit_case uki_sbat_cases[] = {
	KUNIT_CASE(test_sbat_check),
	KUNIT_CASE(test_sbat_no_section),
	KUNIT_CASE(test_sbat_random),
	KUNIT_CASE_SLOW(test_sbat_many),
	KUNIT_CASE(test_sbat_find),
	KUNIT_CASE(test_sbat_find_none),
	KUNIT_CASE(test_sbat_find_bad),
	{ }
};

static struct kunit_suite uki_sbat_suite = {
	.name = "uki_sbat",
	.test_cases = uki_sbat_cases,
};

kunit_test_suite(uki_sbat_suite);

MODULE_DESCRIPTION("KUnit tests for SBAT");
MODULE_LICENSE("GPL");
