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

#define TPM_LOG_ADDR	0x123456789000ULL
#define TPM_LOG_SIZE	0x8000U

/*
 * What follows the pointer to the next node: Documentation/arch/x86/boot.rst, with
 * 11 for SETUP_TPM_LOG.
 */
static const u8 tpm_log_node[] = {
	0x00, 0x00, 0x00, 0x80,				/* SETUP_INDIRECT */
	0x18, 0x00, 0x00, 0x00,				/* length of the rest */
	0x0b, 0x00, 0x00, 0x80,				/* 11 | SETUP_INDIRECT */
	0x00, 0x00, 0x00, 0x00,				/* reserved */
	0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,	/* size of the log */
	0x00, 0x90, 0x78, 0x56, 0x34, 0x12, 0x00, 0x00,	/* its address */
};

/*
 * The list that the next kernel would walk.  Its nodes are in the segment of the
 * boot parameters, which nobody has copied to where it says that it is.
 */
static const u8 *find_tpm_log_node(struct kunit *test, unsigned int *nr_nodes)
{
	struct test_ctx *ctx = test->priv;
	struct kexec_segment *segment = &ctx->image->segment[1];
	const u8 *found = NULL;
	struct setup_data *sd;
	u64 addr, offset;

	*nr_nodes = 0;
	addr = ((struct boot_params *)loaded_boot_params(test))->hdr.setup_data;
	for (; addr; addr = sd->next) {
		offset = addr - segment->mem;
		KUNIT_ASSERT_LE(test, offset, segment->bufsz - sizeof(*sd));
		sd = segment->kbuf + offset;
		KUNIT_ASSERT_LE(test, offset + sizeof(*sd) + sd->len,
				segment->bufsz);
		if (sd->type & SETUP_INDIRECT)
			found = (u8 *)sd + sizeof(sd->next);
		(*nr_nodes)++;
	}

	return found;
}

/* The TPM's log is in an indirect node of its own, where there is a log. */
static void kexec_bzimage64_tpm_log(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	unsigned int nr_before, nr_after;
	const u8 *node;

	if (!IS_ENABLED(CONFIG_HAVE_TPM_KEXEC_LOG))
		kunit_skip(test, "no TPM log is handed over");

	/* Another node, if there is KHO, for the list not to end at the log's. */
	ctx->image->kho.fdt = PAGE_SIZE;
	ctx->image->kho.scratch = &ctx->image->segment[0];

	KUNIT_ASSERT_EQ(test, 0, load_with_header(test));
	KUNIT_EXPECT_NULL(test, find_tpm_log_node(test, &nr_before));

	ctx->image->tpm_log_addr = TPM_LOG_ADDR;
	ctx->image->tpm_log_size = TPM_LOG_SIZE;
	KUNIT_ASSERT_EQ(test, 0, load_with_header(test));
	node = find_tpm_log_node(test, &nr_after);
	KUNIT_ASSERT_NOT_NULL(test, node);
	KUNIT_EXPECT_MEMEQ(test, node, tpm_log_node, sizeof(tpm_log_node));
	KUNIT_EXPECT_EQ(test, nr_before + 1, nr_after);
}

/* What is asked of an indirect node, and what is to come of it */
static const struct indirect_case {
	const char *name;
	u32 data_len;
	u32 type;
	u64 len;
	u64 addr;
	bool good;
} indirect_cases[] = {
	{ "good", 24, 0x8000000b, 0x8000, 0x123456789000, true },
	{ "longer node", 25, 0x8000000b, 0x8000, 0x123456789000, true },
	{ "longest node", U32_MAX, 0x8000000b, 0x8000, 0x1000, true },
	{ "shorter node", 23, 0x8000000b, 0x8000, 0x123456789000, false },
	{ "empty node", 0, 0x8000000b, 0x8000, 0x123456789000, false },
	{ "not indirect", 24, 0x0000000b, 0x8000, 0x123456789000, false },
	{ "other type", 24, 0x80000001, 0x8000, 0x123456789000, false },
	{ "no type", 24, 0x80000000, 0x8000, 0x123456789000, false },
	{ "nothing there", 24, 0x8000000b, 0, 0x123456789000, false },
	{ "nothing at 0", 24, 0x8000000b, 0, 0, false },
	{ "one byte", 24, 0x8000000b, 1, 0x123456789000, true },
	{ "up to the end", 24, 0x8000000b, 0x1000, 0xfffffffffffff000, true },
	{ "last byte", 24, 0x8000000b, 1, U64_MAX, true },
	{ "wraps around", 24, 0x8000000b, 0x1001, 0xfffffffffffff000, false },
	{ "wraps to itself", 24, 0x8000000b, U64_MAX, 0x1000, false },
	{ "all there is", 24, 0x8000000b, U64_MAX, 0, true },
};

static void indirect_case_desc(const struct indirect_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(indirect, indirect_cases, indirect_case_desc);

/* Whatever a node says is read no further than it goes, and does not wrap. */
static void kexec_bzimage64_indirect_range(struct kunit *test)
{
	const struct indirect_case *c = test->param_value;
	struct setup_indirect indirect = {
		.type = c->type, .len = c->len, .addr = c->addr,
	};
	u64 addr = 0x5a5a, size = 0x5a5a;

	KUNIT_EXPECT_EQ(test, c->good,
			setup_indirect_range(c->data_len, &indirect,
					     SETUP_TPM_LOG, &addr, &size));
	KUNIT_EXPECT_EQ(test, addr, c->good ? c->addr : 0x5a5a);
	KUNIT_EXPECT_EQ(test, size, c->good ? c->len : 0x5a5a);
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
	KUNIT_CASE(kexec_bzimage64_tpm_log),
	KUNIT_CASE_PARAM(kexec_bzimage64_indirect_range, indirect_gen_params),
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
