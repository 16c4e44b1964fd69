// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for kernel/kexec_uki_*.c and kernel/kexec_uki.h
 *
 * Suite kexec_uki asks which errno user space gets to see for a UKI that was
 * refused, and when it is refused in a machine that the tests do not have.  Suite
 * kexec_uki_loader hands the loader UKIs that it makes, and compares what comes of
 * them with what systemd-stub makes of such files.  No image of theirs may ever
 * become the one that a kexec would execute, and no TPM may be extended.
 */

#include <kunit/test.h>
#include <kunit/test-bug.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tcg2_log.h>
#include <linux/tpm.h>
#include <linux/tpm_kexec.h>
#include <linux/vmalloc.h>

#include <asm/bootparam.h>

#include "../../lib/tests/uki-kunit.h"
#include "../kexec_measure.h"
#include "../kexec_uki.h"
#include "../kexec_uki_image.h"

/* After these, systemctl or kexec-tools takes the UKI apart in user space. */
static bool is_forbidden(int err)
{
	static const int forbidden[] = {
		-ENOEXEC, -EINVAL, -ENOSYS, -EOPNOTSUPP, -ENOTSUPP,
	};

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		if (err == forbidden[i])
			return true;
	}
	return false;
}

static void test_errno(struct kunit *test)
{
	unsigned int nr_mapped = 0;

	for (int err = 0; err >= -MAX_ERRNO; err--) {
		bool mapped = is_forbidden(err);

		KUNIT_EXPECT_EQ_MSG(test, kexec_uki_errno(err),
				    mapped ? -ELIBBAD : err, "errno %d", -err);
		nr_mapped += mapped;
	}
	KUNIT_EXPECT_EQ(test, nr_mapped, 5);
}

/* The errno that takes their place is none of them. */
static void test_errno_is_final(struct kunit *test)
{
	for (int err = 0; err >= -MAX_ERRNO; err--) {
		int told = kexec_uki_errno(err);

		KUNIT_EXPECT_FALSE_MSG(test, is_forbidden(told), "errno %d",
				       -err);
		KUNIT_EXPECT_EQ(test, told, kexec_uki_errno(told));
	}
}

/* EINVAL is what kernel_read_file() says of a directory or an empty file. */
static void test_initrd_errno(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kexec_uki_initrd_errno(-EINVAL), -EBADF);
	KUNIT_EXPECT_EQ(test, kexec_uki_initrd_errno(-EBADF), -EBADF);
	KUNIT_EXPECT_EQ(test, kexec_uki_initrd_errno(-EFBIG), -EFBIG);
	KUNIT_EXPECT_EQ(test, kexec_uki_initrd_errno(-ENOMEM), -ENOMEM);
}

/*
 * The tests' guests are no confidential VMs.  There nothing from outside may change
 * the command line, not even where the UKI has none.
 */
static void test_pins_cmdline(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, kexec_uki_pins_cmdline(false, false));
	KUNIT_EXPECT_TRUE(test, kexec_uki_pins_cmdline(true, false));
	KUNIT_EXPECT_TRUE(test, kexec_uki_pins_cmdline(false, true));
	KUNIT_EXPECT_TRUE(test, kexec_uki_pins_cmdline(true, true));
}

/*
 * The loader.  What is loaded is an image of a test: prepare, measure and load of the
 * loader are called as kexec_file.c does it.
 */

#define SECTOR_LEN	512
#define SETUP_LEN	(2 * SECTOR_LEN)
#define KERNEL_LEN	(SETUP_LEN + SECTOR_LEN)
#define CMDLINE_SIZE	100	/* what the inner kernel says it takes */

#define FILE_MODE	0100644
#define EXTRA_D		"EFI/Linux/foo.efi.extra.d/"

#define MAX_SECTIONS	12

/**
 * struct loader_ctx - what a test works with
 * @image: nothing but the loader knows it
 * @kernel: text of KERNEL_LEN characters, for a .linux
 * @fops: the loader with another check of signatures
 * @is_signed: use that
 * @verdict: what it says of everything
 */
struct loader_ctx {
	struct kimage *image;
	char *kernel;
	struct kexec_file_ops fops;
	bool is_signed;
	int verdict;
};

#ifdef CONFIG_KEXEC_SIG

static int fake_verify(const char *file, unsigned long len)
{
	struct loader_ctx *ctx = kunit_get_current_test()->priv;

	return ctx->verdict;
}

static void take_verifier(struct loader_ctx *ctx)
{
	ctx->fops = *ctx->image->fops;
	ctx->fops.verify_sig = fake_verify;
	ctx->image->fops = &ctx->fops;
}

#else

static void take_verifier(struct loader_ctx *ctx)
{
}

#endif

/* As kimage_file_post_load_cleanup() and kimage_file_release() do it. */
static void unload(struct loader_ctx *ctx)
{
	struct kimage *image = ctx->image;
	struct purgatory_info *pi = &image->purgatory_info;

	vfree(pi->purgatory_buf);
	vfree(pi->sechdrs);
	memset(pi, 0, sizeof(*pi));
	vfree(image->elf_headers);
	image->elf_headers = NULL;
	image->nr_segments = 0;
	if (image->fops) {
		image->fops->cleanup(image->image_loader_data);
		module_put(image->fops->owner);
	}
	kfree(image->image_loader_data);
	image->image_loader_data = NULL;
	image->fops = NULL;
	kfree(image->cmdline_buf);
	image->cmdline_buf = NULL;
	if (image->measure)
		kexec_measure_free(image->measure);
	image->measure = NULL;
}

static int loader_init(struct kunit *test)
{
	struct loader_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	struct kimage *image;

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	image = kunit_kzalloc(test, sizeof(*image), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, image);
	ctx->kernel = kunit_kzalloc(test, KERNEL_LEN + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->kernel);
	memset(ctx->kernel, 'k', KERNEL_LEN);

	INIT_LIST_HEAD(&image->control_pages);
	INIT_LIST_HEAD(&image->dest_pages);
	INIT_LIST_HEAD(&image->unusable_pages);
	image->file_mode = 1;
	image->no_cma = 1;	/* only look for memory, do not take it */
	image->enforced_known = 1;
	ctx->image = image;
	test->priv = ctx;
	return 0;
}

static void loader_exit(struct kunit *test)
{
	if (test->priv)
		unload(test->priv);
}

/* The header of a kernel that the loader of bzImages takes, at @kernel. */
static void put_kernel(u8 *kernel)
{
	const size_t off = offsetof(struct boot_params, hdr);
	struct setup_header hdr = {
		.setup_sects = SETUP_LEN / SECTOR_LEN - 1,
		.boot_flag = 0xaa55,
		.version = 0x020f,
		.loadflags = LOADED_HIGH,
		.xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G |
			      XLF_5LEVEL,
		.relocatable_kernel = 1,
		.kernel_alignment = SZ_2M,
		.cmdline_size = CMDLINE_SIZE,
		.pref_address = SZ_16M,
		.init_size = SZ_64K,
	};

	memcpy(&hdr.header, "HdrS", sizeof(hdr.header));
	memcpy(kernel + off, &hdr, sizeof(hdr));
	/* Where the header ends, from 0x202: Documentation/arch/x86/boot.rst */
	kernel[0x201] = off + sizeof(hdr) - 0x202;
}

/* A section's bytes in the file. */
static u8 *raw_of(const struct test_file *file, unsigned int idx)
{
	return file->buf + get_unaligned_le32(file->buf + TABLE_OFF +
			idx * sizeof(struct section_header) +
			offsetof(struct section_header, data_addr));
}

static void set_machine(const struct test_file *file, u16 machine)
{
	put_unaligned_le16(machine, file->buf + PE_OFF +
			   offsetof(struct pe_hdr, machine));
}

/* A UKI: a kernel, then @more, which ends with an empty entry. */
static struct test_file make_uki(struct kunit *test,
				 const struct test_section *more)
{
	struct loader_ctx *ctx = test->priv;
	struct test_section sections[MAX_SECTIONS + 1] = {
		{ ".linux", ctx->kernel, KERNEL_LEN },
	};
	struct test_file file;

	for (unsigned int i = 1; more->name; more++) {
		KUNIT_ASSERT_LT(test, i, MAX_SECTIONS);
		sections[i++] = *more;
	}
	file = build(test, sections);
	put_kernel(raw_of(&file, 0));
	return file;
}

/* The first part of a load: the loader is found and takes the file apart. */
static int prepare(struct kunit *test, const struct test_file *file,
		   const char *passed)
{
	struct loader_ctx *ctx = test->priv;
	struct kimage *image = ctx->image;

	unload(ctx);
	image->kernel_buf = file->buf;
	image->kernel_buf_len = file->len;
	image->cmdline_buf = passed ? kstrdup(passed, GFP_KERNEL) : NULL;
	image->cmdline_buf_len = passed ? strlen(passed) + 1 : 0;
	KUNIT_ASSERT_EQ(test, 0, kexec_uki_find_loader(image));
	KUNIT_ASSERT_NOT_NULL(test, image->fops);
	if (ctx->is_signed)
		take_verifier(ctx);
	return image->fops->prepare(image);
}

static void pass_initrd(struct kunit *test, const void *buf, size_t len,
			bool companions)
{
	struct loader_ctx *ctx = test->priv;

	ctx->image->initrd_buf = (void *)buf;
	ctx->image->initrd_buf_len = len;
	ctx->image->companions = companions;
}

static struct kexec_uki *state(struct kunit *test)
{
	struct loader_ctx *ctx = test->priv;

	return ctx->image->image_loader_data;
}

static void expect_cmdline(struct kunit *test, const char *want)
{
	struct loader_ctx *ctx = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, ctx->image->cmdline_buf);
	KUNIT_EXPECT_STREQ(test, ctx->image->cmdline_buf, want);
	KUNIT_EXPECT_EQ(test, ctx->image->cmdline_buf_len, strlen(want) + 1);
}

static void enforce(struct kunit *test, bool enforced)
{
	struct loader_ctx *ctx = test->priv;

	ctx->image->enforced = enforced;
}

static const struct test_section plain[] = {
	SECTION(".osrel", "ID=x\n"),
	SECTION(".cmdline", "quiet splash\n"),
	SECTION(".initrd", "INITRD"),
	{}
};

/* What is no UKI keeps its loader. */
static void test_other_file(struct kunit *test)
{
	static const struct test_section none[] = {
		SECTION(".text", "code"), {}
	};
	struct test_file file = build(test, none);
	struct loader_ctx *ctx = test->priv;

	ctx->image->kernel_buf = file.buf;
	ctx->image->kernel_buf_len = file.len;
	KUNIT_EXPECT_EQ(test, 0, kexec_uki_find_loader(ctx->image));
	KUNIT_EXPECT_NULL(test, ctx->image->fops);
	KUNIT_EXPECT_FALSE(test, ctx->image->is_uki);
}

/* Without anything passed, all is what is embedded. */
static void test_embedded(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);
	const struct kexec_uki *k;

	enforce(test, true);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	k = state(test);
	expect_cmdline(test, "quiet splash");
	KUNIT_EXPECT_FALSE(test, k->override);
	KUNIT_EXPECT_PTR_EQ(test, k->kernel.data, (void *)raw_of(&file, 0));
	KUNIT_EXPECT_EQ(test, k->kernel.len, KERNEL_LEN);

	/* .initrd, padded to four, then os-release in an archive of its own */
	KUNIT_ASSERT_GT(test, k->initrd.len, 8);
	KUNIT_EXPECT_EQ(test, k->initrd.len % 4, 0);
	KUNIT_EXPECT_MEMEQ(test, k->initrd.data, "INITRD\0\0", 8);
	KUNIT_EXPECT_MEMEQ(test, k->initrd.data + 8, "070701", 6);
}

/* systemctl passes the embedded command line back: that is no override. */
static void test_same_cmdline(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);

	enforce(test, true);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, " quiet splash  "));
	expect_cmdline(test, "quiet splash");
	KUNIT_EXPECT_FALSE(test, state(test)->override);
}

static void test_override(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);

	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, "debug"));
	expect_cmdline(test, "debug");
	KUNIT_EXPECT_TRUE(test, state(test)->override);

	enforce(test, true);
	KUNIT_EXPECT_EQ(test, -EPERM, prepare(test, &file, "debug"));
}

/* Where the UKI has none, another one is what sd-stub takes, too. */
static void test_no_embedded_cmdline(struct kunit *test)
{
	static const struct test_section none[] = { {} };
	struct test_file file = make_uki(test, none);

	enforce(test, true);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, "debug"));
	expect_cmdline(test, "debug");
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	expect_cmdline(test, "");
	KUNIT_EXPECT_EQ(test, state(test)->initrd.len, 0);
}

/* The NUL counts: the kernel says 100, so 99 characters fit. */
static void test_cmdline_length(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);
	char text[CMDLINE_SIZE + 1] = { };

	memset(text, 'a', CMDLINE_SIZE);
	KUNIT_EXPECT_EQ(test, -E2BIG, prepare(test, &file, text));
	text[CMDLINE_SIZE - 1] = '\0';
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, text));
	expect_cmdline(test, text);
}

static void test_embedded_cmdline_length(struct kunit *test)
{
	char *text = alloc_guarded_buf(test, UKI_TEXT_MAX + 2);
	struct test_section sections[] = {
		{ ".cmdline", text, UKI_TEXT_MAX + 1 }, {}
	};
	struct test_file file;

	memset(text, ' ', UKI_TEXT_MAX + 1);
	text[UKI_TEXT_MAX + 1] = '\0';
	file = make_uki(test, sections);
	KUNIT_EXPECT_EQ(test, -E2BIG, prepare(test, &file, NULL));

	/* One less is nothing but blanks, and those are cut off. */
	SET_SECTION32(&file, 1, virtual_size, UKI_TEXT_MAX);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	expect_cmdline(test, "");
}

static const struct test_section two_profiles[] = {
	SECTION(".cmdline", "base"),
	SECTION(".profile", "ID=main\n"),
	SECTION(".profile", "ID=other\n"),
	SECTION(".cmdline", "other-line"),
	{}
};

/* By number, and by the command line that only one of them has. */
static void test_profiles(struct kunit *test)
{
	static const struct {
		const char *passed;
		unsigned int profile;
		const char *cmdline;
		bool override;
	} cases[] = {
		{ NULL, 0, "base" },
		{ "@0", 0, "base" },
		{ "@1", 1, "other-line" },
		{ "other-line", 1, "other-line" },
		{ "base", 0, "base" },
		{ "@1 debug", 1, "debug", true },
		{ "@0 other-line", 0, "other-line", true },
	};
	struct test_file file = make_uki(test, two_profiles);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, cases[i].passed));
		KUNIT_EXPECT_EQ(test, state(test)->uki.profile,
				cases[i].profile);
		KUNIT_EXPECT_EQ(test, state(test)->override, cases[i].override);
		expect_cmdline(test, cases[i].cmdline);
	}
	KUNIT_EXPECT_EQ(test, -ENODATA, prepare(test, &file, "@2"));
}

/* Files that are refused, each with the errno that the guide names. */
static void test_bad_files(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);

	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	SET_SECTION32(&file, 1, data_addr, file.len);
	KUNIT_EXPECT_EQ(test, -EBADMSG, prepare(test, &file, NULL));

	file = make_uki(test, plain);
	SET_OPT32(&file, header_size, file.len + 1);
	KUNIT_EXPECT_EQ(test, -EBADMSG, prepare(test, &file, NULL));

	file = make_uki(test, plain);
	set_machine(&file, IMAGE_FILE_MACHINE_ARM64);
	KUNIT_EXPECT_EQ(test, -ELIBBAD, prepare(test, &file, NULL));

	/* The boot sector of the inner kernel, 0xaa55 at 0x1fe */
	file = make_uki(test, plain);
	raw_of(&file, 0)[0x1fe] = 0;
	KUNIT_EXPECT_EQ(test, -ELIBBAD, prepare(test, &file, NULL));
}

static void test_uki_in_uki(struct kunit *test)
{
	struct test_file inner = make_uki(test, plain);
	struct loader_ctx *ctx = test->priv;
	struct test_file file;

	KUNIT_ASSERT_GT(test, KERNEL_LEN, TABLE_OFF + 512);
	file = make_uki(test, plain);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	memcpy(raw_of(&file, 0), inner.buf, KERNEL_LEN);
	KUNIT_EXPECT_EQ(test, -ELIBBAD, prepare(test, &file, NULL));
	KUNIT_EXPECT_TRUE(test, ctx->image->is_uki);
}

/* A section larger than its bytes in the file ends with zeros. */
static void test_zeros(struct kunit *test)
{
	static const struct test_section sections[] = {
		{ ".initrd", "INITRD", 10 }, {}
	};
	struct test_file file = make_uki(test, sections);
	const struct kexec_uki *k;

	SET_SECTION32(&file, 0, virtual_size, KERNEL_LEN + 3);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	k = state(test);
	KUNIT_ASSERT_EQ(test, k->kernel.len, KERNEL_LEN + 3);
	KUNIT_EXPECT_MEMEQ(test, k->kernel.data, raw_of(&file, 0), KERNEL_LEN);
	KUNIT_EXPECT_MEMEQ(test, k->kernel.data + KERNEL_LEN, "\0\0\0", 3);

	/* A single part is not padded. */
	KUNIT_ASSERT_EQ(test, k->initrd.len, 10);
	KUNIT_EXPECT_MEMEQ(test, k->initrd.data, "INITRD\0\0\0\0", 10);
}

/* One that is passed comes between .ucode and .initrd. */
static void test_passed_initrd(struct kunit *test)
{
	static const struct test_section sections[] = {
		SECTION(".ucode", "UCODE"), { ".initrd", "INITRD", 7 }, {}
	};
	struct test_file file = make_uki(test, sections);

	pass_initrd(test, "PASSED-IT", 9, false);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	KUNIT_ASSERT_EQ(test, state(test)->initrd.len, 28);
	KUNIT_EXPECT_MEMEQ(test, state(test)->initrd.data,
			   "UCODE\0\0\0PASSED-IT\0\0\0INITRD\0\0", 28);

	enforce(test, true);
	KUNIT_EXPECT_EQ(test, -EPERM, prepare(test, &file, NULL));
}

/*
 * Companions
 */

/* A file of any bytes: its content is written over a text of its length. */
static void add_file(struct kunit *test, struct test_archive *archive,
		     const char *name, const struct test_file *file)
{
	char *text = kunit_kzalloc(test, file->len + 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	memset(text, 'x', file->len);
	KUNIT_ASSERT_LT(test, archive->len + file->len + 1024, ARCHIVE_ROOM);
	add_member(archive, FILE_MODE, name, text);
	memcpy(archive->buf + archive->len - round_up(file->len, 4), file->buf,
	       file->len);
}

static void pass_archive(struct kunit *test, struct test_archive *archive)
{
	end_archive(archive);
	pass_initrd(test, archive->buf, archive->len, true);
}

/* The archive of one addon */
static void pass_addon(struct kunit *test, const struct test_file *addon)
{
	struct test_archive archive = new_archive(test);

	add_file(test, &archive, "loader/addons/a.addon.efi", addon);
	pass_archive(test, &archive);
}

static const struct test_section addon_line[] = {
	SECTION(".cmdline", "add-it"), {}
};

/*
 * Global ones come first, whatever the archive's order; ucode is the other way.  A
 * .dtbauto is used by machines that match it, which is no x86.
 */
static void pass_many(struct kunit *test)
{
	static const struct test_section first[] = {
		SECTION(".cmdline", "add-a"), SECTION(".ucode", "UC-A"),
		SECTION(".initrd", "IN-A"), SECTION(".dtb", "DTB-A"), {}
	};
	static const struct test_section second[] = {
		SECTION(".cmdline", " add-b "), SECTION(".ucode", "UC-B"),
		SECTION(".initrd", "IN-B"), {}
	};
	static const struct test_section third[] = {
		SECTION(".dtbauto", "AUTO"), SECTION(".dtb", "DTB-C"), {}
	};
	struct test_archive archive = new_archive(test);
	struct test_file a = build(test, first), b = build(test, second);
	struct test_file c = build(test, third);

	add_member(&archive, FILE_MODE, EXTRA_D "s.raw", "SYSEXT");
	add_member(&archive, FILE_MODE, EXTRA_D "s.cred", "SECRET");
	add_file(test, &archive, EXTRA_D "b.addon.efi", &b);
	add_file(test, &archive, EXTRA_D "c.addon.efi", &c);
	add_file(test, &archive, "loader/addons/a.addon.efi", &a);
	pass_archive(test, &archive);
}

static void test_companions(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);
	const struct kexec_uki *k;

	pass_many(test);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	k = state(test);
	expect_cmdline(test, "quiet splash add-a add-b");
	KUNIT_ASSERT_EQ(test, k->nr_addons, 3);
	KUNIT_EXPECT_STREQ(test, k->addons[0].name, "a.addon.efi");
	KUNIT_EXPECT_STREQ(test, k->addons[1].name, "b.addon.efi");
	KUNIT_EXPECT_STREQ(test, k->addons[2].name, "c.addon.efi");
	KUNIT_EXPECT_MEMEQ(test, k->initrd.data, "UC-BUC-AINITRD\0\0", 16);
	KUNIT_EXPECT_MEMEQ(test, k->initrd.data + 16, "070701", 6);
	KUNIT_EXPECT_MEMEQ(test, k->initrd.data + k->initrd.len - 8,
			   "IN-AIN-B", 8);
	KUNIT_EXPECT_GT(test, k->sidecars[UKI_CREDENTIAL].len, 0);
	KUNIT_EXPECT_GT(test, k->sidecars[UKI_SYSEXT].off,
			k->sidecars[UKI_CREDENTIAL].off);
	KUNIT_EXPECT_EQ(test, k->sidecars[UKI_CONFEXT].len, 0);
}

/* Nobody has signed these: under enforcement firmware would not load them. */
static void test_unsigned_addon(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);
	struct test_file addon = build(test, addon_line);

	pass_addon(test, &addon);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	expect_cmdline(test, "quiet splash add-it");

	enforce(test, true);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	expect_cmdline(test, "quiet splash");
	KUNIT_EXPECT_EQ(test, state(test)->nr_addons, 0);
}

/* Of a signature that is accepted, of one that is not, and of no answer. */
static void test_signed_addon(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);
	struct test_file addon = build(test, addon_line);
	struct loader_ctx *ctx = test->priv;

	if (!IS_ENABLED(CONFIG_KEXEC_SIG))
		kunit_skip(test, "no signatures are verified");

	pass_addon(test, &addon);
	enforce(test, true);
	ctx->is_signed = true;
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	expect_cmdline(test, "quiet splash add-it");
	KUNIT_EXPECT_TRUE(test, state(test)->addons[0].used);

	ctx->verdict = -EKEYREJECTED;
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	expect_cmdline(test, "quiet splash");
	KUNIT_EXPECT_EQ(test, state(test)->nr_addons, 0);

	ctx->verdict = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -ENOMEM, prepare(test, &file, NULL));
}

/* Firmware loads, and so measures, what sd-stub then does not use. */
static void test_addon_not_used(struct kunit *test)
{
	static const struct test_section uki[] = {
		SECTION(".cmdline", "quiet"), SECTION(".uname", "7.2"), {}
	};
	static const struct test_section other_uname[] = {
		SECTION(".cmdline", "add-it"), SECTION(".uname", "7.1"), {}
	};
	static const struct test_section nothing[] = {
		SECTION(".text", "code"), {}
	};
	struct test_file file = make_uki(test, uki);
	struct test_file addons[] = {
		build(test, other_uname), build(test, addon_line),
		build(test, nothing),
	};

	set_machine(&addons[1], IMAGE_FILE_MACHINE_ARM64);
	for (size_t i = 0; i < ARRAY_SIZE(addons); i++) {
		pass_addon(test, &addons[i]);
		KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
		expect_cmdline(test, "quiet");
		KUNIT_ASSERT_EQ(test, state(test)->nr_addons, 1);
		KUNIT_EXPECT_FALSE(test, state(test)->addons[0].used);
	}
}

static void test_addon_of_same_uname(struct kunit *test)
{
	static const struct test_section uki[] = {
		SECTION(".uname", "7.2"), {}
	};
	static const struct test_section same[] = {
		SECTION(".cmdline", "add-it"), SECTION(".uname", "7.2"), {}
	};
	struct test_file file = make_uki(test, uki), addon = build(test, same);

	pass_addon(test, &addon);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	expect_cmdline(test, "add-it");
	KUNIT_EXPECT_TRUE(test, state(test)->addons[0].used);
}

static void test_bad_addons(struct kunit *test)
{
	static const struct test_section empty[] = { {} };
	struct test_file file = make_uki(test, plain), addon;
	struct test_file text = { (u8 *)"no program at all", 17 };

	/* No firmware loads it, so nothing is measured. */
	pass_addon(test, &text);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	KUNIT_EXPECT_EQ(test, state(test)->nr_addons, 0);

	/* Of these it cannot be told. */
	addon = build(test, addon_line);
	set_machine(&addon, IMAGE_FILE_MACHINE_IA64);
	pass_addon(test, &addon);
	KUNIT_EXPECT_EQ(test, -EBADMSG, prepare(test, &file, NULL));

	addon = build(test, addon_line);
	SET_SECTION32(&addon, 0, data_addr, addon.len);
	pass_addon(test, &addon);
	KUNIT_EXPECT_EQ(test, -EBADMSG, prepare(test, &file, NULL));

	addon = build(test, empty);
	SET_OPT32(&addon, header_size, addon.len + 1);
	pass_addon(test, &addon);
	KUNIT_EXPECT_EQ(test, -EBADMSG, prepare(test, &file, NULL));
}

static void test_bad_archives(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);
	struct test_archive archive = new_archive(test);

	/* An archive of nothing is none. */
	pass_archive(test, &archive);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	KUNIT_EXPECT_EQ(test, state(test)->nr_companions, 0);

	pass_initrd(test, "no archive", 10, true);
	KUNIT_EXPECT_EQ(test, -EBADMSG, prepare(test, &file, NULL));

	archive = new_archive(test);
	add_member(&archive, FILE_MODE, "etc/passwd", "x");
	pass_archive(test, &archive);
	KUNIT_EXPECT_EQ(test, -EBADMSG, prepare(test, &file, NULL));

	archive = new_archive(test);
	add_member(&archive, FILE_MODE, EXTRA_D "a.cred", "x");
	add_member(&archive, FILE_MODE, EXTRA_D "a.cred", "y");
	pass_archive(test, &archive);
	KUNIT_EXPECT_EQ(test, -EBADMSG, prepare(test, &file, NULL));
}

/* All texts together are bounded as one is. */
static void test_addon_cmdline_length(struct kunit *test)
{
	char *text = alloc_guarded_buf(test, UKI_TEXT_MAX + 1);
	struct test_section sections[] = {
		{ ".cmdline", text, UKI_TEXT_MAX }, {}
	};
	struct test_file file = make_uki(test, plain), addon;
	struct test_archive archive = {};

	memset(text, ' ', UKI_TEXT_MAX);
	text[UKI_TEXT_MAX] = '\0';
	addon = build(test, sections);
	archive.buf = alloc_guarded_buf(test, UKI_TEXT_MAX + SZ_8K);
	add_member(&archive, FILE_MODE, EXTRA_D "a.addon.efi", "");
	set_field(&archive, 0, FILESIZE, addon.len);
	memcpy(archive.buf + archive.len, addon.buf, addon.len);
	archive.len += round_up(addon.len, 4);
	pass_archive(test, &archive);
	KUNIT_EXPECT_EQ(test, -E2BIG, prepare(test, &file, NULL));
}

/*
 * Measurement
 */

struct want {
	u32 pcr;
	u32 type;
	u32 tag;
	const char *data;	/* what is hashed; NULL: see the test */
	size_t len;
};

#define WANT(pcr, type, tag, data)	{ pcr, type, tag, data, sizeof(data) - 1 }
#define IPL(pcr, data)		WANT(pcr, KEXEC_EV_IPL, 0, data)
#define TAGGED(pcr, tag, data)	WANT(pcr, TCG2_EV_EVENT_TAG, tag, data)
#define PROGRAM			{ 4, KEXEC_EV_EFI_BOOT_SERVICES_APPLICATION }
#define ANY_IPL(pcr)		{ pcr, KEXEC_EV_IPL }
#define INITRD			{ 9, TCG2_EV_EVENT_TAG, KEXEC_TAG_INITRD }

static void measure(struct kunit *test)
{
	static const struct tpm_bank_info bank = { .alg_id = TPM_ALG_SHA256 };
	struct loader_ctx *ctx = test->priv;

	ctx->image->measure = kexec_measure_alloc(&bank, 1, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ctx->image->measure));
	KUNIT_ASSERT_EQ(test, 0, ctx->image->fops->measure(ctx->image));
}

static void expect_event(struct kunit *test, unsigned int nr,
			 const struct tpm_kexec_event *event,
			 const struct want *want)
{
	u8 digest[SHA256_DIGEST_SIZE];

	KUNIT_EXPECT_EQ_MSG(test, event->pcr, want->pcr, "event %u", nr);
	KUNIT_EXPECT_EQ_MSG(test, event->type, want->type, "event %u", nr);
	if (want->tag) {
		KUNIT_ASSERT_GE(test, event->data_len, 8);
		KUNIT_EXPECT_EQ_MSG(test, get_unaligned_le32(event->data),
				    want->tag, "event %u", nr);
	}
	if (!want->data)
		return;
	sha256(want->data, want->len, digest);
	KUNIT_EXPECT_MEMEQ_MSG(test, event->digests[0].digest, digest,
			       sizeof(digest), "event %u", nr);
}

/* What the kernel finds is what is handed over. */
static void fill_initrd(struct kunit *test, struct want *want)
{
	if (want->tag == KEXEC_TAG_INITRD) {
		want->data = state(test)->initrd.data;
		want->len = state(test)->initrd.len;
	}
}

/* All of @first, then all of @more, and no others.  Both end with an empty entry. */
static void expect_events(struct kunit *test, const struct want *first,
			  const struct want *more)
{
	struct loader_ctx *ctx = test->priv;
	const struct tpm_kexec_event *events;
	unsigned int nr, i;

	measure(test);
	events = kexec_measure_events(ctx->image->measure, &nr);
	for (i = 0; i < nr; i++) {
		struct want want = first->type ? *first++ : *more++;

		KUNIT_ASSERT_NE_MSG(test, want.type, 0, "event %u", i);
		fill_initrd(test, &want);
		expect_event(test, i, &events[i], &want);
	}
	KUNIT_EXPECT_EQ(test, first->type, 0);
	KUNIT_EXPECT_EQ(test, more->type, 0);
}

/* The kernel's bytes are not text, so its event is checked by place only. */
static const struct want plain_events[] = {
	PROGRAM, IPL(11, ".linux\0"), ANY_IPL(11),
	IPL(11, ".osrel\0"), IPL(11, "ID=x\n"),
	IPL(11, ".cmdline\0"), IPL(11, "quiet splash\n"),
	IPL(11, ".initrd\0"), IPL(11, "INITRD"),
	{}
};

#define LOAD_OPTIONS(data)	TAGGED(9, KEXEC_TAG_LOAD_OPTIONS, data)

static void test_events(struct kunit *test)
{
	static const struct want want[] = {
		LOAD_OPTIONS("q\0u\0i\0e\0t\0 \0s\0p\0l\0a\0s\0h\0\0\0"),
		INITRD,
		{}
	};
	struct test_file file = make_uki(test, plain);

	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	expect_events(test, plain_events, want);
}

static void test_events_of_override(struct kunit *test)
{
	static const struct want want[] = {
		IPL(12, "d\0b\0g\0\0\0"),
		TAGGED(12, TCG2_TAG_KEXEC_INITRD, "PASSED"),
		LOAD_OPTIONS("d\0b\0g\0\0\0"),
		INITRD,
		{}
	};
	struct test_file file = make_uki(test, plain);

	pass_initrd(test, "PASSED", 6, false);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, "dbg"));
	expect_events(test, plain_events, want);
}

static void test_events_of_profile(struct kunit *test)
{
	/* The number comes before the sections, behind the file. */
	static const struct want first[] = {
		PROGRAM, TAGGED(12, KEXEC_TAG_PROFILE, "1\0\0\0"),
		{}
	};
	static const struct want want[] = {
		IPL(11, ".linux\0"), ANY_IPL(11),
		IPL(11, ".cmdline\0"), IPL(11, "other-line"),
		IPL(11, ".profile\0"), IPL(11, "ID=other\n"),
		LOAD_OPTIONS("o\0t\0h\0e\0r\0-\0l\0i\0n\0e\0\0\0"),
		INITRD,
		{}
	};
	struct test_file file = make_uki(test, two_profiles);

	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, "@1"));
	expect_events(test, first, want);
}

static void test_events_of_companions(struct kunit *test)
{
	static const struct want want[] = {
		PROGRAM, PROGRAM, PROGRAM,
		IPL(12, "a\0d\0d\0-\0a\0 \0a\0d\0d\0-\0b\0\0\0"),
		TAGGED(12, KEXEC_TAG_ADDON_DEVICETREE, "DTB-A"),
		TAGGED(12, KEXEC_TAG_ADDON_DEVICETREE, "DTB-C"),
		ANY_IPL(12), ANY_IPL(13),
		TAGGED(12, KEXEC_TAG_ADDON_UCODE, "UC-B"),
		TAGGED(12, KEXEC_TAG_ADDON_UCODE, "UC-A"),
		TAGGED(12, KEXEC_TAG_ADDON_INITRD, "IN-A"),
		TAGGED(12, KEXEC_TAG_ADDON_INITRD, "IN-B"),
		LOAD_OPTIONS("q\0u\0i\0e\0t\0 \0s\0p\0l\0a\0s\0h\0 \0"
			     "a\0d\0d\0-\0a\0 \0a\0d\0d\0-\0b\0\0\0"),
		INITRD,
		{}
	};
	struct test_file file = make_uki(test, plain);

	pass_many(test);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	expect_events(test, plain_events, want);
}

/* Without a command line there is no event for one. */
static void test_events_of_kernel_alone(struct kunit *test)
{
	static const struct test_section none[] = { {} };
	static const struct want file_event[] = { PROGRAM, {} };
	static const struct want want[] = {
		IPL(11, ".linux\0"), ANY_IPL(11),
		{}
	};
	struct test_file file = make_uki(test, none);

	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	expect_events(test, file_event, want);
}

/*
 * Segments
 */

static void *load(struct kunit *test)
{
	struct loader_ctx *ctx = test->priv;
	struct kimage *image = ctx->image;

	return image->fops->load(image, image->kernel_buf,
				 image->kernel_buf_len, image->initrd_buf,
				 image->initrd_buf_len, image->cmdline_buf,
				 image->cmdline_buf_len);
}

/* The inner loader gets the inner kernel and the initrd that was put together. */
static void test_load(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);
	struct loader_ctx *ctx = test->priv;
	bool found = false;

	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	KUNIT_ASSERT_PTR_EQ(test, load(test), (void *)state(test));
	for (unsigned int i = 0; i < ctx->image->nr_segments; i++) {
		const struct kexec_segment *segment = &ctx->image->segment[i];

		found |= segment->kbuf == state(test)->initrd.data &&
			 segment->bufsz == state(test)->initrd.len;
	}
	KUNIT_EXPECT_TRUE(test, found);
	KUNIT_EXPECT_NOT_NULL(test, state(test)->inner_data);
}

/* An inner kernel that ends in its setup: ENOEXEC would be told as another file. */
static void test_load_of_bad_kernel(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);

	raw_of(&file, 0)[offsetof(struct boot_params, hdr)] = 64;
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	KUNIT_EXPECT_EQ(test, -ELIBBAD, PTR_ERR(load(test)));
}

static void test_load_of_too_much(struct kunit *test)
{
	struct test_file file = make_uki(test, plain);
	struct loader_ctx *ctx = test->priv;

	/* As if there were a segment of that size already, where no memory is */
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	ctx->image->segment[0].mem = 1UL << 50;
	ctx->image->segment[0].memsz = totalram_pages() << PAGE_SHIFT;
	ctx->image->nr_segments = 1;
	KUNIT_EXPECT_EQ(test, -ENOMEM, PTR_ERR(load(test)));
}

/* Under enforcement, what nobody has signed must be measured. */
static void test_load_of_sidecars(struct kunit *test)
{
	struct test_archive archive = new_archive(test);
	struct test_file file = make_uki(test, plain);

	add_member(&archive, FILE_MODE, EXTRA_D "a.cred", "SECRET");
	pass_archive(test, &archive);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	KUNIT_EXPECT_FALSE(test, IS_ERR(load(test)));

	enforce(test, true);
	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	KUNIT_EXPECT_EQ(test, -EPERM, PTR_ERR(load(test)));

	KUNIT_ASSERT_EQ(test, 0, prepare(test, &file, NULL));
	measure(test);
	KUNIT_EXPECT_FALSE(test, IS_ERR(load(test)));
}

static struct kunit_case kexec_uki_loader_cases[] = {
	KUNIT_CASE(test_other_file),
	KUNIT_CASE(test_embedded),
	KUNIT_CASE(test_same_cmdline),
	KUNIT_CASE(test_override),
	KUNIT_CASE(test_no_embedded_cmdline),
	KUNIT_CASE(test_cmdline_length),
	KUNIT_CASE(test_embedded_cmdline_length),
	KUNIT_CASE(test_profiles),
	KUNIT_CASE(test_bad_files),
	KUNIT_CASE(test_uki_in_uki),
	KUNIT_CASE(test_zeros),
	KUNIT_CASE(test_passed_initrd),
	KUNIT_CASE(test_companions),
	KUNIT_CASE(test_unsigned_addon),
	KUNIT_CASE(test_signed_addon),
	KUNIT_CASE(test_addon_not_used),
	KUNIT_CASE(test_addon_of_same_uname),
	KUNIT_CASE(test_bad_addons),
	KUNIT_CASE(test_bad_archives),
	KUNIT_CASE(test_addon_cmdline_length),
	KUNIT_CASE(test_events),
	KUNIT_CASE(test_events_of_override),
	KUNIT_CASE(test_events_of_profile),
	KUNIT_CASE(test_events_of_companions),
	KUNIT_CASE(test_events_of_kernel_alone),
	KUNIT_CASE(test_load),
	KUNIT_CASE(test_load_of_bad_kernel),
	KUNIT_CASE(test_load_of_too_much),
	KUNIT_CASE(test_load_of_sidecars),
	{}
};

static struct kunit_suite kexec_uki_loader_suite = {
	.name = "kexec_uki_loader",
	.init = loader_init,
	.exit = loader_exit,
	.test_cases = kexec_uki_loader_cases,
};

static struct kunit_case kexec_uki_cases[] = {
	KUNIT_CASE(test_errno),
	KUNIT_CASE(test_errno_is_final),
	KUNIT_CASE(test_initrd_errno),
	KUNIT_CASE(test_pins_cmdline),
	{}
};

static struct kunit_suite kexec_uki_suite = {
	.name = "kexec_uki",
	.test_cases = kexec_uki_cases,
};

kunit_test_suites(&kexec_uki_suite, &kexec_uki_loader_suite);

MODULE_DESCRIPTION("KUnit tests for the loader of UKIs");
MODULE_LICENSE("GPL");
