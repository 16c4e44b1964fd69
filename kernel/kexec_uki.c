// SPDX-License-Identifier: GPL-2.0
/*
 * kexec_file_load() of unified kernel images
 *
 * Does with a UKI what systemd-stub v262 ("sd-stub") does when firmware starts it:
 * takes the file apart, settles the command line, puts the initrd together, hands
 * both and the inner kernel to the architecture's loader, and lists what has to be
 * measured, in sd-stub's order.
 *
 * The signature of the file covers all of it, so nothing from outside the file may
 * be taken under enforcement, and nothing that this file refuses may get an errno
 * that makes user space take the file apart itself (see kexec_uki_told()).
 * Offsets and sizes come from lib/uki.c only, which has checked them.
 *
 * Documentation/admin-guide/kexec-uki.rst
 */

#define pr_fmt(fmt) "kexec_uki: " fmt

#include <linux/cc_platform.h>
#include <linux/err.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pe.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tcg2_log.h>
#include <linux/uki.h>
#include <linux/vmalloc.h>

#include "kexec_internal.h"
#include "kexec_measure.h"
#include "kexec_uki.h"

/* CONFIG_KEXEC_UKI depends on X86_64. */
#define NATIVE_MACHINE		IMAGE_FILE_MACHINE_AMD64

/*
 * Text sections of more than 4 MiB are refused by systemd, too
 * (PE_SECTION_SIZE_MAX in src/shared/pe-binary.h).  No kernel takes a command line
 * that is anywhere near.
 */
#define CMDLINE_SECTION_MAX	(4UL << 20)

/*
 * Whatever an inner kernel claims to take (x86 takes 2 KiB), this is the end: it is
 * what can be allocated in one piece, in UTF-16 too.
 */
#define CMDLINE_MAX		(64UL << 10)

/*
 * .ucode, the initrd passed by user space, .initrd and the archives of
 * extra_order[].  Addons and sidecars will add theirs.
 */
#define INITRD_PARTS_MAX	7

/* What sd-stub puts below /.extra, each in an archive of its own, in this order. */
static const enum uki_section_id extra_order[] = {
	UKI_PCRSIG, UKI_PCRPKEY, UKI_OSREL, UKI_PROFILE,
};

/**
 * struct blob - bytes that the inner kernel gets
 * @data: the bytes, NULL if there are none
 * @len: how many
 * @copy: @data if it was allocated with vmalloc() here, NULL if @data points into a
 *	  buffer of &struct kimage
 */
struct blob {
	void *data;
	size_t len;
	void *copy;
};

/**
 * struct initrd_part - one of the pieces that the initrd is put together from
 * @data: its content
 * @extra: the section that it is, if it goes below /.extra in an archive of its own;
 *	   UKI_NR_SECTIONS if it is handed over as it is
 */
struct initrd_part {
	struct uki_newc_data data;
	enum uki_section_id extra;
};

/**
 * struct kexec_uki - a UKI between prepare and cleanup
 *
 * This is &kimage.image_loader_data, which the core frees; what it points to is
 * freed by kexec_uki_cleanup().
 *
 * @uki: sections of the selected profile
 * @inner: the architecture's loader
 * @inner_data: what @inner wants cleaned up; owned
 * @kernel: the inner kernel
 * @initrd: the initrd as it is handed over
 * @override: the command line is not the embedded one
 */
struct kexec_uki {
	struct uki uki;
	const struct kexec_file_ops *inner;
	void *inner_data;
	struct blob kernel;
	struct blob initrd;
	bool override;
};

static int refuse(int err, const struct pefile_error *why)
{
	int name_len = strnlen(why->section, PEFILE_NAME_LEN);

	pr_notice("refused: %*pE: %s: %#llx, limit %#llx\n",
		  name_len ?: 6, name_len ? why->section : "header",
		  why->msg ?: "malformed", why->value, why->limit);
	return err;
}

static const struct uki_section *get_section(const struct kexec_uki *k,
					     enum uki_section_id id)
{
	return &k->uki.sections[id];
}

/* The content of a section; the pointer is into the file. */
static struct uki_newc_data section_data(const struct kimage *image,
					 const struct uki_section *section)
{
	return (struct uki_newc_data) {
		.data = image->kernel_buf + section->data.off,
		.len = section->data.len,
		.zeros = section->size - section->data.len,
	};
}

/* Makes @blob out of @data, and copies it only if it does not lie in the file. */
static int fill_blob(struct blob *blob, const struct uki_newc_data *data)
{
	blob->len = data->len + data->zeros;
	if (!data->zeros) {
		blob->data = (void *)data->data;
		return 0;
	}

	blob->copy = vmalloc(blob->len);
	if (!blob->copy)
		return -ENOMEM;

	memcpy(blob->copy, data->data, data->len);
	memset(blob->copy + data->len, 0, data->zeros);
	blob->data = blob->copy;
	return 0;
}

/*
 * Finds the loader of the inner kernel.  A UKI inside a UKI would be loaded without
 * being measured section by section.
 */
static int prepare_kernel(struct kimage *image, struct kexec_uki *k)
{
	struct uki_newc_data data = section_data(image, get_section(k, UKI_LINUX));
	const struct kexec_file_ops *inner;
	int err;

	if (k->uki.pe.machine != NATIVE_MACHINE) {
		pr_notice("refused: header: machine %#x, this one is %#x\n",
			  k->uki.pe.machine, NATIVE_MACHINE);
		return -ELIBBAD;
	}

	err = fill_blob(&k->kernel, &data);
	if (err)
		return err;

	if (uki_recognise(k->kernel.data, k->kernel.len)) {
		pr_notice("refused: .linux: is a UKI itself\n");
		return -ELIBBAD;
	}

	inner = kexec_file_probe(k->kernel.data, k->kernel.len);
	if (IS_ERR(inner)) {
		pr_notice("refused: .linux: no loader takes it (%pe)\n", inner);
		return -ELIBBAD;
	}

	k->inner = inner;
	return 0;
}

/* sd-stub's text of @text, in a buffer that is to be freed with kvfree(). */
static char *mangle(const char *text, size_t len, size_t *out_len)
{
	char *out = kvmalloc(len + 1, GFP_KERNEL);

	if (!out)
		return ERR_PTR(-ENOMEM);

	*out_len = uki_mangle_cmdline(out, text, len);
	return out;
}

static char *embedded_cmdline(struct kimage *image, struct kexec_uki *k,
			      size_t *len)
{
	const struct uki_section *section = get_section(k, UKI_CMDLINE);

	if (section->data.len > CMDLINE_SECTION_MAX) {
		pr_notice("refused: .cmdline: %llu bytes, limit %lu\n",
			  section->data.len, CMDLINE_SECTION_MAX);
		return ERR_PTR(-E2BIG);
	}

	return mangle(image->kernel_buf + section->data.off, section->data.len,
		      len);
}

/* Makes @text the command line that IMA, the next kernel and the TPM will see. */
static int set_cmdline(struct kimage *image, struct kexec_uki *k,
		       const char *text, size_t len)
{
	unsigned long max = CMDLINE_MAX;
	char *copy;

	if (k->inner->cmdline_max)
		max = min(max, k->inner->cmdline_max(image, k->kernel.data,
						     k->kernel.len));
	if (len + 1 > max) {
		pr_notice("refused: .cmdline: %zu bytes with NUL, limit %lu\n",
			  len + 1, max);
		return -E2BIG;
	}

	copy = kmemdup_nul(text, len, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;

	kfree(image->cmdline_buf);
	image->cmdline_buf = copy;
	image->cmdline_buf_len = len + 1;
	return 0;
}

/*
 * sd-stub ignores a passed command line under Secure Boot where the UKI has its
 * own, and in a confidential VM (settle_command_line() in src/boot/stub.c).  To
 * ignore it silently is no good for an administrator: refuse it.
 */
static int permit_override(struct kimage *image, const struct kexec_uki *k)
{
	if (!get_section(k, UKI_CMDLINE)->size &&
	    !cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		return 0;
	if (!kexec_file_enforced(image))
		return 0;

	pr_notice("refused: .cmdline: another command line is not allowed, signatures are enforced\n");
	return -EPERM;
}

/*
 * Text that comes to the embedded one is no override: systemctl passes the embedded
 * command line back.
 */
static int settle_cmdline(struct kimage *image, struct kexec_uki *k,
			  const char *passed, size_t passed_len)
{
	char *embedded __free(kvfree) = NULL;
	size_t len;
	int err;

	embedded = embedded_cmdline(image, k, &len);
	if (IS_ERR(embedded))
		return PTR_ERR(embedded);

	if (!passed_len || (passed_len == len && !memcmp(passed, embedded, len)))
		return set_cmdline(image, k, embedded, len);

	err = permit_override(image, k);
	if (err)
		return err;

	k->override = true;
	return set_cmdline(image, k, passed, passed_len);
}

static void add_part(struct initrd_part *parts, unsigned int *nr,
		     struct uki_newc_data data, enum uki_section_id extra)
{
	if (data.len || data.zeros)
		parts[(*nr)++] = (struct initrd_part) { data, extra };
}

/* In the order of sd-stub (enum in src/boot/stub.c); empty ones are left out. */
static unsigned int list_parts(const struct kimage *image,
			       const struct kexec_uki *k,
			       struct initrd_part *parts)
{
	struct uki_newc_data passed = {
		.data = image->initrd_buf,
		.len = image->initrd_buf_len,
	};
	unsigned int nr = 0;
	size_t i;

	add_part(parts, &nr, section_data(image, get_section(k, UKI_UCODE)),
		 UKI_NR_SECTIONS);
	add_part(parts, &nr, passed, UKI_NR_SECTIONS);
	add_part(parts, &nr, section_data(image, get_section(k, UKI_INITRD)),
		 UKI_NR_SECTIONS);
	for (i = 0; i < ARRAY_SIZE(extra_order); i++)
		add_part(parts, &nr,
			 section_data(image, get_section(k, extra_order[i])),
			 extra_order[i]);

	return nr;
}

/* Writes a part, or counts it if the archive has no buffer. */
static int write_part(struct uki_newc *newc, const struct initrd_part *part)
{
	size_t len = part->data.len + part->data.zeros;

	if (part->extra != UKI_NR_SECTIONS)
		return uki_extra_archive(newc, part->extra, &part->data);

	if (newc->buf) {
		memcpy(newc->buf + newc->pos, part->data.data, part->data.len);
		memset(newc->buf + newc->pos + part->data.len, 0,
		       part->data.zeros);
	}
	newc->pos += len;
	return 0;
}

/*
 * Each part starts an archive of its own.  With several of them, each is padded to
 * four bytes, the last one too (combine_initrds() in src/boot/initrd.c).
 */
static int write_parts(u8 *buf, size_t size, const struct initrd_part *parts,
		       unsigned int nr, size_t *total)
{
	unsigned int i;
	size_t pad;
	int err;

	*total = 0;
	for (i = 0; i < nr; i++) {
		struct uki_newc newc = {
			.buf = buf ? buf + *total : NULL,
			.size = size - *total,
		};

		err = write_part(&newc, &parts[i]);
		if (err)
			return err;

		pad = nr > 1 ? -newc.pos & 3 : 0;
		if (buf)
			memset(newc.buf + newc.pos, 0, pad);
		*total += newc.pos + pad;
	}
	return 0;
}

static int prepare_initrd(struct kimage *image, struct kexec_uki *k)
{
	struct initrd_part parts[INITRD_PARTS_MAX];
	unsigned int nr = list_parts(image, k, parts);
	int err;

	if (!nr)
		return 0;
	if (nr == 1 && parts[0].extra == UKI_NR_SECTIONS)
		return fill_blob(&k->initrd, &parts[0].data);

	err = write_parts(NULL, SIZE_MAX, parts, nr, &k->initrd.len);
	if (err)
		return err;

	k->initrd.copy = vmalloc(k->initrd.len);
	if (!k->initrd.copy)
		return -ENOMEM;

	k->initrd.data = k->initrd.copy;
	return write_parts(k->initrd.copy, k->initrd.len, parts, nr,
			   &k->initrd.len);
}

/* Splits what user space passed into profile number and command line. */
static int parse_image(struct kimage *image, struct kexec_uki *k,
		       size_t *selector_len)
{
	struct pefile_error why = {};
	unsigned int profile = 0;
	int err;

	*selector_len = 0;
	if (image->cmdline_buf_len)
		*selector_len = uki_profile_selector(image->cmdline_buf,
						     image->cmdline_buf_len - 1,
						     &profile);

	err = uki_parse(image->kernel_buf, image->kernel_buf_len, profile,
			&k->uki, &why);
	return err ? refuse(err, &why) : 0;
}

static int prepare_cmdline(struct kimage *image, struct kexec_uki *k,
			   size_t selector_len)
{
	char *passed __free(kvfree) = NULL;
	size_t len = 0;

	if (!image->cmdline_buf_len)
		return settle_cmdline(image, k, NULL, 0);

	passed = mangle(image->cmdline_buf + selector_len,
			image->cmdline_buf_len - 1 - selector_len, &len);
	if (IS_ERR(passed))
		return PTR_ERR(passed);

	return settle_cmdline(image, k, passed, len);
}

static int permit_image(struct kimage *image)
{
	if (!IS_ENABLED(CONFIG_KEXEC_SIG) && kexec_file_enforced(image)) {
		pr_notice("refused: locked down, and this kernel cannot verify signatures\n");
		return -EPERM;
	}
	if (image->initrd_buf_len && kexec_file_enforced(image)) {
		pr_notice("refused: another initrd is not allowed, signatures are enforced\n");
		return -EPERM;
	}
	return 0;
}

static int kexec_uki_prepare(struct kimage *image)
{
	struct kexec_uki *k;
	size_t selector_len;
	int err;

	err = permit_image(image);
	if (err)
		return err;

	k = kzalloc_obj(*k);
	if (!k)
		return -ENOMEM;
	image->image_loader_data = k;

	err = parse_image(image, k, &selector_len);
	if (err)
		return err;
	err = prepare_kernel(image, k);
	if (err)
		return err;
	err = prepare_cmdline(image, k, selector_len);
	if (err)
		return err;

	return prepare_initrd(image, k);
}

static void update_data(struct kexec_measure *measure,
			const struct uki_newc_data *data)
{
	kexec_measure_update(measure, data->data, data->len);
	kexec_measure_update_zeros(measure, data->zeros);
}

/* measure_profile() of sd-stub: the number in decimal, none for profile 0. */
static int measure_profile(struct kexec_measure *measure,
			   const struct kexec_uki *k)
{
	char number[sizeof("4294967295")];
	u8 text[2 * sizeof(number)];
	size_t len;

	if (!k->uki.profile)
		return 0;

	len = uki_utf16le(text, number, scnprintf(number, sizeof(number), "%u",
						  k->uki.profile));
	kexec_measure_start(measure);
	kexec_measure_update(measure, text, len);
	return kexec_measure_finish_tagged(measure, 12, KEXEC_TAG_PROFILE, text,
					   len);
}

/* measure_sections() of sd-stub: the name with its NUL, then the content. */
static int measure_section(struct kexec_measure *measure,
			   const struct uki_newc_data *data, const char *name)
{
	u8 event[2 * (PEFILE_NAME_LEN + 1)];
	size_t event_len;
	int err;

	event_len = uki_utf16le(event, name, strlen(name));
	kexec_measure_start(measure);
	kexec_measure_update(measure, name, strlen(name) + 1);
	err = kexec_measure_finish(measure, 11, KEXEC_EV_IPL, event, event_len);
	if (err)
		return err;

	kexec_measure_start(measure);
	update_data(measure, data);
	err = kexec_measure_finish(measure, 11, KEXEC_EV_IPL, event, event_len);
	return err ?: kexec_measure_identify(measure, name);
}

static int measure_sections(struct kexec_measure *measure,
			    const struct kimage *image,
			    const struct kexec_uki *k)
{
	enum uki_section_id id;
	int err;

	for (id = 0; id < UKI_NR_SECTIONS; id++) {
		const struct uki_section *section = get_section(k, id);
		struct uki_newc_data data = section_data(image, section);

		if (!section->size || !uki_section_measured(id))
			continue;
		err = measure_section(measure, &data, uki_section_name(id));
		if (err)
			return err;
	}
	return 0;
}

/* sd-stub's event for a command line that is not embedded. */
static int measure_override(struct kexec_measure *measure, const u8 *text,
			    size_t len)
{
	kexec_measure_start(measure);
	kexec_measure_update(measure, text, len);
	return kexec_measure_finish(measure, 12, KEXEC_EV_IPL, text, len);
}

/*
 * sd-stub leaves it to whoever passes an initrd to measure it
 * (acquire_previous_initrd() in src/boot/stub.c).  Here that is us.
 */
static int measure_passed_initrd(struct kexec_measure *measure,
				 const struct kimage *image)
{
	static const char event[] = "initrd";

	if (!image->initrd_buf_len)
		return 0;

	kexec_measure_start(measure);
	kexec_measure_update(measure, image->initrd_buf, image->initrd_buf_len);
	return kexec_measure_finish_tagged(measure, 12, TCG2_TAG_KEXEC_INITRD,
					   event, sizeof(event));
}

/* What sd-stub measures, in its order. */
static int measure_stub(struct kexec_measure *measure,
			const struct kimage *image, const struct kexec_uki *k,
			const u8 *cmdline, size_t cmdline_len)
{
	int err;

	err = measure_profile(measure, k);
	if (err)
		return err;
	err = measure_sections(measure, image, k);
	if (err)
		return err;
	if (k->override)
		err = measure_override(measure, cmdline, cmdline_len);
	if (err)
		return err;

	return measure_passed_initrd(measure, image);
}

/*
 * sd-stub passes an embedded command line on even if nothing but blanks is in it,
 * and then the EFI stub measures its NUL.
 */
static bool has_load_options(const struct kimage *image,
			     const struct kexec_uki *k)
{
	return image->cmdline_buf_len > 1 || get_section(k, UKI_CMDLINE)->size;
}

static int measure_envelope(struct kexec_measure *measure,
			    const struct kimage *image,
			    const struct kexec_uki *k)
{
	int err;

	err = kexec_measure_pe(measure, image->kernel_buf,
			       image->kernel_buf_len, &k->uki.pe);
	return err ?: kexec_measure_identify(measure, "envelope");
}

/*
 * What comes behind the marker: the events of firmware, of sd-stub, and of the EFI
 * stub.  The latter two hash the command line in UTF-16 with its NUL.
 */
static int kexec_uki_measure(struct kimage *image)
{
	u8 *cmdline __free(kvfree) = NULL;
	struct kexec_measure *measure = image->measure;
	struct kexec_uki *k = image->image_loader_data;
	size_t cmdline_len;
	int err;

	if (!kexec_measure_wanted(measure))
		return 0;

	cmdline = kvmalloc(2 * image->cmdline_buf_len, GFP_KERNEL);
	if (!cmdline)
		return -ENOMEM;
	cmdline_len = uki_utf16le(cmdline, image->cmdline_buf,
				  image->cmdline_buf_len - 1);

	err = measure_envelope(measure, image, k);
	if (err)
		return err;
	err = measure_stub(measure, image, k, cmdline, cmdline_len);
	if (err)
		return err;
	if (has_load_options(image, k))
		err = kexec_measure_load_options(measure, cmdline, cmdline_len);
	if (err)
		return err;

	return kexec_measure_initrd(measure, k->initrd.data, k->initrd.len);
}

/* sanity_check_segment_list() refuses this, too, but as if the file were bad. */
static int check_size(const struct kimage *image)
{
	unsigned long limit = totalram_pages() / 2;
	unsigned long pages = 0;
	unsigned long i;

	for (i = 0; i < image->nr_segments; i++)
		pages += image->segment[i].memsz >> PAGE_SHIFT;
	if (pages <= limit)
		return 0;

	pr_notice("refused: needs %lu pages, limit %lu (half of RAM)\n", pages,
		  limit);
	return -ENOMEM;
}

static void *kexec_uki_load(struct kimage *image, char *file,
			    unsigned long file_len, char *passed_initrd,
			    unsigned long passed_initrd_len, char *cmdline,
			    unsigned long cmdline_len)
{
	struct kexec_uki *k = image->image_loader_data;
	void *inner_data;
	int err;

	inner_data = k->inner->load(image, k->kernel.data, k->kernel.len,
				    k->initrd.data, k->initrd.len, cmdline,
				    cmdline_len);
	if (IS_ERR(inner_data)) {
		pr_notice("refused: .linux: its loader failed (%pe)\n",
			  inner_data);
		return ERR_PTR(kexec_uki_told(PTR_ERR(inner_data)));
	}
	k->inner_data = inner_data;

	err = check_size(image);
	if (err)
		return ERR_PTR(err);

	kexec_dprintk("UKI: profile %u, kernel %zu bytes, initrd %zu bytes, command line %s\n",
		      k->uki.profile, k->kernel.len, k->initrd.len,
		      k->override ? "passed" : "embedded");
	return k;
}

static int kexec_uki_cleanup(void *loader_data)
{
	struct kexec_uki *k = loader_data;

	if (!k)
		return 0;

	if (k->inner_data && k->inner->cleanup)
		k->inner->cleanup(k->inner_data);
	kfree(k->inner_data);
	vfree(k->kernel.copy);
	vfree(k->initrd.copy);
	return 0;
}

static const struct kexec_file_ops kexec_uki_ops = {
	.owner = THIS_MODULE,
	.prepare = kexec_uki_prepare,
	.measure = kexec_uki_measure,
	.load = kexec_uki_load,
	.cleanup = kexec_uki_cleanup,
#if defined(CONFIG_KEXEC_SIG) && defined(CONFIG_SIGNED_PE_FILE_VERIFICATION)
	.verify_sig = kexec_kernel_verify_pe_sig,
#endif
};

static int __init kexec_uki_init(void)
{
	kexec_uki_register(&kexec_uki_ops);
	return 0;
}
module_init(kexec_uki_init);

static void __exit kexec_uki_exit(void)
{
	kexec_uki_unregister();
}
module_exit(kexec_uki_exit);

MODULE_DESCRIPTION("kexec_file_load() of unified kernel images");
MODULE_LICENSE("GPL");
