// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for the kexec loader of 64-bit bzImages
 *
 * They hand crafted images to the loader. The kimage that it fills is private
 * to the test: it must never become the one that a kexec would execute.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/kexec.h>
#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <asm/bootparam.h>

#define SECTOR_LEN	512
#define SETUP_SECTS	1	/* apart from the boot sector */
#define SETUP_LEN	((SETUP_SECTS + 1) * SECTOR_LEN)
#define KERNEL_LEN	(SETUP_LEN + SECTOR_LEN)

#define HDR_OFFSET	offsetof(struct boot_params, hdr)
#define HDR_MAX_END	offsetof(struct boot_params, edd_mbr_sig_buffer)

/* Documentation/arch/x86/boot.rst: where the header's end is, and from where */
#define HDR_END_BYTE	0x201
#define HDR_END_BASE	0x202

#define FILLER		0x5a
#define ELFCOREHDR_ROOM	30	/* the loader's MAX_ELFCOREHDR_STR_LEN */
#define MAX_CMDLINE_LEN	256

struct test_ctx {
	const struct kexec_file_ops *loader;
	struct kimage *image;
	void *loader_data;
	u8 *kernel;			/* KERNEL_LEN bytes */
	struct setup_header *hdr;	/* in the kernel */
	char *cmdline;			/* MAX_CMDLINE_LEN bytes */
};

/* Undo a load, as kimage_file_post_load_cleanup() does. */
static void unload_kernel(struct test_ctx *ctx)
{
	struct purgatory_info *pi = &ctx->image->purgatory_info;

	ctx->loader->cleanup(ctx->loader_data);
	kfree(ctx->loader_data);
	ctx->loader_data = NULL;

	vfree(pi->purgatory_buf);
	vfree(pi->sechdrs);
	memset(pi, 0, sizeof(*pi));
	vfree(ctx->image->elf_headers);
	ctx->image->elf_headers = NULL;
	ctx->image->nr_segments = 0;
}

/* Load the kernel as it is now, in place of what was loaded before. */
static int load_kernel(struct kunit *test, size_t kernel_len, size_t cmdline_len)
{
	struct test_ctx *ctx = test->priv;
	void *data;

	unload_kernel(ctx);
	data = ctx->loader->load(ctx->image, (char *)ctx->kernel, kernel_len,
				 NULL, 0, ctx->cmdline, cmdline_len);
	if (IS_ERR(data))
		return PTR_ERR(data);
	ctx->loader_data = data;
	return 0;
}

/* Load the kernel with a short command line. */
static int load_with_header(struct kunit *test)
{
	return load_kernel(test, KERNEL_LEN, 8);
}

/* Segments are added in this order: purgatory, boot parameters, kernel. */
static u8 *loaded_boot_params(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	return ctx->image->segment[1].kbuf;
}

static unsigned long loaded_kernel_addr(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	return ctx->image->segment[2].mem;
}

/* What the other tests change a little is an image that loads. */
static void kexec_bzimage64_good_image(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	KUNIT_ASSERT_EQ(test, 0, load_with_header(test));
	KUNIT_EXPECT_EQ(test, 3, ctx->image->nr_segments);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(loaded_kernel_addr(test), SZ_2M));
}

/* A file that ends within its setup sectors is refused. */
static void kexec_bzimage64_truncated(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, -ENOEXEC, load_kernel(test, SETUP_LEN - 1, 8));
	KUNIT_EXPECT_EQ(test, 0, load_kernel(test, SETUP_LEN, 8));

	/* For 0, read 4. */
	ctx->hdr->setup_sects = 0;
	KUNIT_EXPECT_EQ(test, -ENOEXEC, load_with_header(test));
}

/* A setup header of any length that boot_params has room for is copied whole. */
static void kexec_bzimage64_header_len(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	size_t known_end = HDR_OFFSET + sizeof(*ctx->hdr);
	u8 want[HDR_MAX_END];
	u8 *params;

	for (size_t end = known_end; end <= HDR_MAX_END; end++) {
		ctx->kernel[HDR_END_BYTE] = end - HDR_END_BASE;
		KUNIT_ASSERT_EQ_MSG(test, 0, load_with_header(test),
				    "end=0x%zx", end);

		memset(want, 0, sizeof(want));
		memset(want + known_end, FILLER, end - known_end);
		params = loaded_boot_params(test);
		KUNIT_ASSERT_MEMEQ_MSG(test, params + known_end,
				       want + known_end,
				       HDR_MAX_END - known_end, "end=0x%zx",
				       end);
	}
}

/* A setup header that runs into the next field of boot_params is refused. */
static void kexec_bzimage64_header_too_long(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	for (size_t end = HDR_MAX_END + 1; end <= HDR_END_BASE + U8_MAX; end++) {
		ctx->kernel[HDR_END_BYTE] = end - HDR_END_BASE;
		KUNIT_ASSERT_EQ_MSG(test, -ENOEXEC, load_with_header(test),
				    "end=0x%zx", end);
	}
}

/* Each power of two that there is memory for is an alignment. */
static void kexec_bzimage64_alignment(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	for (u32 align = 1; align <= SZ_16M; align <<= 1) {
		ctx->hdr->kernel_alignment = align;
		KUNIT_ASSERT_EQ_MSG(test, 0, load_with_header(test),
				    "align=0x%x", align);
		KUNIT_ASSERT_TRUE_MSG(test,
				      IS_ALIGNED(loaded_kernel_addr(test), align),
				      "align=0x%x addr=0x%lx", align,
				      loaded_kernel_addr(test));
	}
}

/* Anything else is refused, it would put the kernel anywhere. */
static void kexec_bzimage64_bad_alignment(struct kunit *test)
{
	static const u32 aligns[] = {
		0, 3, SZ_4K + 1, SZ_1M + SZ_2M, SZ_2M - 1, SZ_2M + 1, U32_MAX,
	};
	struct test_ctx *ctx = test->priv;

	for (size_t i = 0; i < ARRAY_SIZE(aligns); i++) {
		ctx->hdr->kernel_alignment = aligns[i];
		KUNIT_EXPECT_EQ_MSG(test, -ENOEXEC, load_with_header(test),
				    "align=0x%x", aligns[i]);
	}
}

/* A command line may be as long as the kernel takes. */
static void kexec_bzimage64_cmdline_len(struct kunit *test)
{
	static const size_t sizes[] = { 1, ELFCOREHDR_ROOM, 100 };
	struct test_ctx *ctx = test->priv;
	size_t len;
	u8 *params;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ctx->hdr->cmdline_size = sizes[i];
		for (len = sizes[i] - 1; len <= sizes[i]; len++) {
			ctx->cmdline[len ? len - 1 : 0] = '\0';
			KUNIT_ASSERT_EQ_MSG(test, 0,
					    load_kernel(test, KERNEL_LEN, len),
					    "size=%zu len=%zu", sizes[i], len);
			params = loaded_boot_params(test);
			KUNIT_ASSERT_MEMEQ(test, ctx->cmdline,
					   params + sizeof(struct boot_params),
					   len);
			memset(ctx->cmdline, 'a', MAX_CMDLINE_LEN);
		}
		KUNIT_ASSERT_EQ_MSG(test, -EINVAL,
				    load_kernel(test, KERNEL_LEN, len),
				    "size=%zu len=%zu", sizes[i], len);
	}
}

/*
 * The command line of a crash kernel has to leave room for elfcorehdr=. What
 * comes of one that does depends on the memory reserved for a crash kernel.
 */
static void kexec_bzimage64_cmdline_len_crash(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	size_t fits = 100 - ELFCOREHDR_ROOM;

	ctx->image->type = KEXEC_TYPE_CRASH;
	ctx->hdr->cmdline_size = 100;
	KUNIT_EXPECT_EQ(test, -EINVAL, load_kernel(test, KERNEL_LEN, 100));
	KUNIT_EXPECT_EQ(test, -EINVAL, load_kernel(test, KERNEL_LEN, fits + 1));
	KUNIT_EXPECT_NE(test, -EINVAL, load_kernel(test, KERNEL_LEN, fits));
}

static void init_header(struct test_ctx *ctx)
{
	struct setup_header *hdr = ctx->hdr;

	memset(ctx->kernel, FILLER, KERNEL_LEN);
	memset(hdr, 0, sizeof(*hdr));
	ctx->kernel[HDR_END_BYTE] = HDR_OFFSET + sizeof(*hdr) - HDR_END_BASE;
	hdr->setup_sects = SETUP_SECTS;
	hdr->boot_flag = 0xaa55;
	memcpy(&hdr->header, "HdrS", sizeof(hdr->header));
	hdr->version = 0x020f;
	hdr->loadflags = LOADED_HIGH;
	hdr->xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G |
			  XLF_5LEVEL;
	hdr->relocatable_kernel = 1;
	hdr->kernel_alignment = SZ_2M;
	hdr->cmdline_size = MAX_CMDLINE_LEN;
	hdr->pref_address = SZ_16M;
	hdr->init_size = SZ_64K;
}

/* The loader that recognises the kernel, found as kexec_file_load() finds it. */
static const struct kexec_file_ops *find_loader(struct test_ctx *ctx)
{
	const struct kexec_file_ops * const *ops;

	for (ops = kexec_file_loaders; *ops; ops++)
		if ((*ops)->probe((char *)ctx->kernel, KERNEL_LEN) == 0)
			return *ops;
	return NULL;
}

static int kexec_bzimage64_init(struct kunit *test)
{
	struct test_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	struct kimage *image;

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->kernel = kunit_kzalloc(test, KERNEL_LEN, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->kernel);
	ctx->cmdline = kunit_kzalloc(test, MAX_CMDLINE_LEN, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->cmdline);
	image = kunit_kzalloc(test, sizeof(*image), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, image);

	/* As do_kimage_alloc_init() and kimage_file_alloc_init() make it */
	INIT_LIST_HEAD(&image->control_pages);
	INIT_LIST_HEAD(&image->dest_pages);
	INIT_LIST_HEAD(&image->unusable_pages);
	image->file_mode = 1;
	image->no_cma = 1;	/* only look for memory, do not take it */

	ctx->image = image;
	ctx->hdr = (struct setup_header *)(ctx->kernel + HDR_OFFSET);
	memset(ctx->cmdline, 'a', MAX_CMDLINE_LEN);
	init_header(ctx);
	ctx->loader = find_loader(ctx);
	KUNIT_ASSERT_NOT_NULL(test, ctx->loader);
	test->priv = ctx;
	return 0;
}

static void kexec_bzimage64_exit(struct kunit *test)
{
	if (test->priv)
		unload_kernel(test->priv);
}

static struct kunit_case kexec_bzimage64_cases[] = {
	KUNIT_CASE(kexec_bzimage64_good_image),
	KUNIT_CASE(kexec_bzimage64_truncated),
	KUNIT_CASE(kexec_bzimage64_header_len),
	KUNIT_CASE(kexec_bzimage64_header_too_long),
	KUNIT_CASE(kexec_bzimage64_alignment),
	KUNIT_CASE(kexec_bzimage64_bad_alignment),
	KUNIT_CASE(kexec_bzimage64_cmdline_len),
	KUNIT_CASE(kexec_bzimage64_cmdline_len_crash),
	{},
};

static struct kunit_suite kexec_bzimage64_suite = {
	.name = "kexec_bzimage64",
	.init = kexec_bzimage64_init,
	.exit = kexec_bzimage64_exit,
	.test_cases = kexec_bzimage64_cases,
};

kunit_test_suite(kexec_bzimage64_suite);

MODULE_DESCRIPTION("KUnit tests for the kexec loader of 64-bit bzImages");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
