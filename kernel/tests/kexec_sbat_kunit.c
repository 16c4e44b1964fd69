// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for kernel/kexec_sbat.c
 *
 * They ask what is refused by which level, with fakes of firmware's variable and of
 * shim's table.  They must not load anything, or ask the real firmware.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/efi.h>
#include <linux/errno.h>
#include <linux/kexec.h>
#include <linux/string.h>
#include <linux/uki_sbat.h>

#include "../../lib/tests/uki-kunit.h"
#include "../kexec_sbat.h"

#define LEVEL		"sbat,1,2025051000\nshim,4\ngrub,5\n"
#define RECORD(gen)	"grub," gen ",FSF,grub,2.04,https://example.org/\n"

/**
 * struct test_ctx - what a test works with
 * @image: an image that nothing but kexec_sbat.c knows
 * @entry: shim's table, or NULL
 * @variable: content of the variable
 * @size: its size
 * @status: what reading it comes to
 * @nr_reads: how often it was read
 */
struct test_ctx {
	struct kimage *image;
	struct efi_mokvar_table_entry *entry;
	const char *variable;
	unsigned long size;
	efi_status_t status;
	unsigned int nr_reads;
};

static const struct efi_mokvar_table_entry *fake_entry(void)
{
	struct test_ctx *ctx = kunit_get_current_test()->priv;

	return ctx->entry;
}

/* As firmware does it: what does not fit is not written, but its size is told. */
static efi_status_t fake_variable(unsigned long *size, void *data)
{
	struct test_ctx *ctx = kunit_get_current_test()->priv;
	unsigned long room = *size;

	ctx->nr_reads++;
	if (ctx->status != EFI_SUCCESS)
		return ctx->status;
	*size = ctx->size;
	if (room < ctx->size)
		return EFI_BUFFER_TOO_SMALL;
	memcpy(data, ctx->variable, ctx->size);
	return EFI_SUCCESS;
}

static void set_variable(struct test_ctx *ctx, const char *text)
{
	ctx->status = EFI_SUCCESS;
	ctx->variable = text;
	ctx->size = strlen(text);
}

static void set_entry(struct kunit *test, const char *text)
{
	struct test_ctx *ctx = test->priv;

	ctx->entry = kunit_kzalloc(test, sizeof(*ctx->entry) + strlen(text),
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->entry);
	ctx->entry->data_size = strlen(text);
	memcpy(ctx->entry->data, text, strlen(text));
}

static struct test_file make_file(struct kunit *test, const char *sbat)
{
	const struct test_section with[] = {
		{ ".text", "code", 4 }, { ".sbat", sbat, strlen(sbat ?: "") }, { }
	};
	static const struct test_section without[] = {
		{ ".text", "code", 4 }, { }
	};

	return build(test, sbat ? with : without);
}

/* Both as a file that needs a .sbat and as one that does not. */
static void expect(struct kunit *test, const char *sbat, int needed, int other)
{
	struct test_ctx *ctx = test->priv;
	struct test_file file = make_file(test, sbat);

	KUNIT_EXPECT_EQ_MSG(test, needed,
			    kexec_sbat_check(ctx->image, "refused: ", file.buf,
					     file.len, true), "%s", sbat);
	KUNIT_EXPECT_EQ_MSG(test, other,
			    kexec_sbat_check(ctx->image, "refused: ", file.buf,
					     file.len, false), "%s", sbat);
}

static void expect_all(struct kunit *test)
{
	expect(test, RECORD("4"), -EKEYREJECTED, -EKEYREJECTED);
	expect(test, RECORD("5"), 0, 0);
	expect(test, RECORD("6"), 0, 0);
	expect(test, RECORD("5") "shim,3,v,p,1,u\n", -EKEYREJECTED, -EKEYREJECTED);
	expect(test, "grub,5\n", -EBADMSG, -EBADMSG);
	expect(test, "\n", -EKEYREJECTED, 0);
	expect(test, NULL, -EKEYREJECTED, 0);
}

static void test_variable(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	set_variable(ctx, LEVEL);
	expect_all(test);
	KUNIT_EXPECT_EQ(test, 14, ctx->nr_reads);
}

/* Firmware is not asked then; what it would say does not matter. */
static void test_table(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	ctx->status = EFI_DEVICE_ERROR;
	set_entry(test, LEVEL);
	expect_all(test);
	KUNIT_EXPECT_EQ(test, 0, ctx->nr_reads);
}

static void test_no_level(struct kunit *test)
{
	expect(test, RECORD("0"), 0, 0);
	expect(test, "grub,5\n", 0, 0);
	expect(test, NULL, 0, 0);
}

/* Nothing is refused, and nothing is said, where signatures are not enforced. */
static void test_not_enforced(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	ctx->image->enforced = 0;
	set_variable(ctx, LEVEL);
	expect(test, RECORD("4"), 0, 0);
	expect(test, "grub,5\n", 0, 0);
	expect(test, NULL, 0, 0);
	ctx->status = EFI_DEVICE_ERROR;
	expect(test, RECORD("5"), 0, 0);
}

/* A level that cannot be known: everything is refused. */
static void test_unknown_level(struct kunit *test)
{
	static const efi_status_t statuses[] = {
		EFI_UNSUPPORTED, EFI_DEVICE_ERROR, EFI_ABORTED, EFI_TIMEOUT,
		EFI_BUFFER_TOO_SMALL,
	};
	static const char * const levels[] = {
		"", "\n", "grub\n", "grub,\n", "grub,5\n,\n", "grub,70000\n",
	};
	struct test_ctx *ctx = test->priv;

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		ctx->status = statuses[i];
		expect(test, RECORD("9"), -EKEYREJECTED, -EKEYREJECTED);
	}
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		set_variable(ctx, levels[i]);
		expect(test, RECORD("9"), -EKEYREJECTED, -EKEYREJECTED);
	}
}

static void test_long_level(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	char *text = kunit_kzalloc(test, UKI_SBAT_MAX + 2, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	memset(text, 'x', UKI_SBAT_MAX);
	memcpy(text, "grub,5,", 7);
	set_variable(ctx, text);
	expect(test, RECORD("4"), -EKEYREJECTED, -EKEYREJECTED);
	expect(test, RECORD("5"), 0, 0);

	text[UKI_SBAT_MAX] = 'x';
	set_variable(ctx, text);
	expect(test, RECORD("5"), -EKEYREJECTED, -EKEYREJECTED);
	ctx->status = EFI_NOT_FOUND;
	set_entry(test, text);
	expect(test, RECORD("5"), -EKEYREJECTED, -EKEYREJECTED);
}

/* What is no PE file cannot have a section; what is a bad one is refused. */
static void test_other_files(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct test_file file = make_file(test, RECORD("5"));
	const void *text = dup_guarded_buf(test, "\177ELF", 4);

	set_variable(ctx, LEVEL);
	KUNIT_EXPECT_EQ(test, 0, kexec_sbat_check(ctx->image, "", text, 4,
						  false));
	KUNIT_EXPECT_EQ(test, -EKEYREJECTED,
			kexec_sbat_check(ctx->image, "", text, 4, true));

	SET_SECTION32(&file, 1, data_addr, 0x10000);
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			kexec_sbat_check(ctx->image, "", file.buf, file.len,
					 false));
	SET_SECTION32(&file, 1, data_addr, file.len - strlen(RECORD("5")));
	KUNIT_EXPECT_EQ(test, 0, kexec_sbat_check(ctx->image, "", file.buf,
						  file.len, true));
	SET_SECTION32(&file, 1, relocs, 1);
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			kexec_sbat_check(ctx->image, "", file.buf, file.len,
					 false));
}

static int init_test(struct kunit *test)
{
	struct test_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	if (!ctx)
		return -ENOMEM;
	ctx->image = kunit_kzalloc(test, sizeof(*ctx->image), GFP_KERNEL);
	if (!ctx->image)
		return -ENOMEM;

	ctx->image->enforced = 1;
	ctx->image->enforced_known = 1;
	ctx->status = EFI_NOT_FOUND;
	test->priv = ctx;
	kunit_activate_static_stub(test, kexec_sbat_get_entry, fake_entry);
	kunit_activate_static_stub(test, kexec_sbat_get_variable,
				   fake_variable);
	return 0;
}

static struct kunit_case kexec_sbat_cases[] = {
	KUNIT_CASE(test_variable),
	KUNIT_CASE(test_table),
	KUNIT_CASE(test_no_level),
	KUNIT_CASE(test_not_enforced),
	KUNIT_CASE(test_unknown_level),
	KUNIT_CASE(test_long_level),
	KUNIT_CASE(test_other_files),
	{}
};

static struct kunit_suite kexec_sbat_suite = {
	.name = "kexec_sbat",
	.init = init_test,
	.test_cases = kexec_sbat_cases,
};

kunit_test_suite(kexec_sbat_suite);

MODULE_DESCRIPTION("KUnit tests for SBAT of what kexec_file_load() loads");
MODULE_LICENSE("GPL");
