// SPDX-License-Identifier: GPL-2.0
/*
 * Which profile of a UKI is started, and with which command line
 *
 * Both are chosen by the text that user space passes.  It must never be dropped
 * silently: it selects, it is what is embedded anyway, it replaces that, or it is
 * refused.
 */

#define pr_fmt(fmt) "kexec_uki: " fmt

#include <linux/cc_platform.h>
#include <linux/err.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uki.h>

#include "kexec_internal.h"
#include "kexec_uki.h"
#include "kexec_uki_image.h"

/*
 * Whatever an inner kernel claims to take (x86 takes 2 KiB), this is the end: it is
 * what can be allocated in one piece, in UTF-16 too.
 */
#define CMDLINE_MAX		(64UL << 10)

/* sd-stub's text of @text; to be freed with kvfree(). */
static int mangle(struct kexec_uki_text *out, const char *text, size_t len)
{
	out->text = kvmalloc(len + 1, GFP_KERNEL);
	if (!out->text)
		return -ENOMEM;

	out->len = uki_mangle_cmdline(out->text, text, len);
	return 0;
}

/**
 * kexec_uki_choose_profile() - parse the UKI, with the profile that is asked for
 * @image: the image
 * @k: gets the sections of the profile, and the command line that was passed
 * @why: filled if the UKI is refused
 *
 * A number is in front of the command line, as for sd-stub.  systemctl does not pass
 * it but the command line of the profile, so that a text which only one profile has
 * selects this one.
 *
 * Return: 0, -ENOMEM, or what uki_parse() returns
 */
int kexec_uki_choose_profile(struct kimage *image, struct kexec_uki *k,
			     struct pefile_error *why)
{
	size_t len = image->cmdline_buf_len ? image->cmdline_buf_len - 1 : 0;
	unsigned int profile = 0;
	size_t skip;
	int err;

	skip = uki_profile_selector(image->cmdline_buf, len, &profile);
	err = mangle(&k->passed, image->cmdline_buf + skip, len - skip);
	if (err)
		return err;

	err = uki_parse(image->kernel_buf, image->kernel_buf_len, profile,
			&k->uki, why);
	if (err || skip)
		return err;

	profile = uki_profile_by_cmdline(image->kernel_buf, &k->uki,
					 k->passed.text, k->passed.len);
	return profile ? uki_select_profile(image->kernel_buf, profile, &k->uki,
					    why) : 0;
}

/* To ignore it silently, as sd-stub does, is no good for an administrator. */
static int permit_override(struct kimage *image, const struct kexec_uki *k)
{
	if (!kexec_uki_pins_cmdline(k->uki.sections[UKI_CMDLINE].size,
				    cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT)))
		return 0;
	if (!kexec_file_enforced(image))
		return 0;

	pr_notice("refused: .cmdline: another command line is not allowed, signatures are enforced\n");
	return -EPERM;
}

static int embedded_cmdline(struct kimage *image, const struct kexec_uki *k,
			    struct kexec_uki_text *embedded)
{
	const struct uki_section *section = &k->uki.sections[UKI_CMDLINE];

	if (section->data.len > UKI_TEXT_MAX) {
		pr_notice("refused: .cmdline: %llu bytes, limit %lu\n",
			  section->data.len, UKI_TEXT_MAX);
		return -E2BIG;
	}

	return mangle(embedded, image->kernel_buf + section->data.off,
		      section->data.len);
}

static unsigned long cmdline_max(struct kimage *image,
				 const struct kexec_uki *k)
{
	if (!k->inner->cmdline_max)
		return CMDLINE_MAX;

	return min(CMDLINE_MAX, k->inner->cmdline_max(image, k->kernel.data,
						      k->kernel.len));
}

/*
 * Makes @text and what addons add the command line that IMA, the next kernel and the
 * TPM will see (cmdline_append_and_measure_addons() in src/boot/stub.c).
 */
static int set_cmdline(struct kimage *image, const struct kexec_uki *k,
		       const struct kexec_uki_text *text)
{
	const struct kexec_uki_text *more = &k->addon_text;
	unsigned long max = cmdline_max(image, k);
	bool space = text->len && more->len;
	char *copy;

	if (text->len + space + more->len + 1 > max) {
		pr_notice("refused: .cmdline: %zu bytes with NUL, limit %lu\n",
			  text->len + space + more->len + 1, max);
		return -E2BIG;
	}

	copy = kasprintf(GFP_KERNEL, "%s%s%s", text->text, space ? " " : "",
			 more->text);
	if (!copy)
		return -ENOMEM;

	kfree(image->cmdline_buf);
	image->cmdline_buf = copy;
	image->cmdline_buf_len = strlen(copy) + 1;
	return 0;
}

static bool same_text(const struct kexec_uki_text *a,
		      const struct kexec_uki_text *b)
{
	return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/*
 * Text that comes to the embedded one is no override: systemctl passes the embedded
 * command line back.
 */
static int settle(struct kimage *image, struct kexec_uki *k,
		  const struct kexec_uki_text *embedded)
{
	int err;

	if (!k->passed.len || same_text(&k->passed, embedded))
		return set_cmdline(image, k, embedded);

	err = permit_override(image, k);
	if (err)
		return err;

	k->override = true;
	return set_cmdline(image, k, &k->passed);
}

/* Joins what the addons have, in a buffer of @size bytes; returns the length. */
static size_t join_addons(const struct kexec_uki *k, char *buf, size_t size)
{
	size_t fill = 0;

	for (unsigned int i = 0; i < k->nr_addons; i++) {
		const struct kexec_uki_addon *addon = &k->addons[i];
		struct uki_newc_data data;

		data = kexec_uki_data(addon->file, &addon->uki, UKI_CMDLINE);
		if (!addon->used || !(data.len || data.zeros))
			continue;
		if (fill)
			buf[fill++] = ' ';
		if (!WARN_ON_ONCE(fill + data.len >= size))
			fill += uki_mangle_cmdline(buf + fill, data.data,
						   data.len);
	}
	return fill;
}

/* Room for what the addons have, each with a blank in front of it, and a NUL. */
static int addons_size(const struct kexec_uki *k, size_t *size)
{
	*size = 1;
	for (unsigned int i = 0; i < k->nr_addons; i++) {
		const struct kexec_uki_addon *addon = &k->addons[i];
		u64 len = addon->uki.sections[UKI_CMDLINE].data.len;

		if (!addon->used)
			continue;
		if (*size + len >= UKI_TEXT_MAX) {
			pr_notice("refused: addon %*pE: .cmdline: %llu bytes, limit of all %lu\n",
				  kexec_uki_shown(addon->name), addon->name,
				  len, UKI_TEXT_MAX);
			return -E2BIG;
		}
		*size += len + 1;
	}
	return 0;
}

/*
 * Each text is mangled for itself, and what comes of it once more (load_addons(),
 * cmdline_append_and_measure_addons()): an addon with nothing but blanks leaves a
 * second space between its neighbours.
 */
static int addon_cmdline(struct kexec_uki *k)
{
	char *joined __free(kvfree) = NULL;
	size_t size;
	int err;

	err = addons_size(k, &size);
	if (err)
		return err;

	joined = kvmalloc(size, GFP_KERNEL);
	if (!joined)
		return -ENOMEM;

	return mangle(&k->addon_text, joined, join_addons(k, joined, size));
}

/**
 * kexec_uki_prepare_cmdline() - settle the command line
 * @image: the image; gets the command line that the next kernel will see
 * @k: the UKI, with profile, kernel and companions
 *
 * Return: 0; -EPERM if another command line than the embedded one is not allowed;
 *	   -E2BIG if it is too long; -ENOMEM
 */
int kexec_uki_prepare_cmdline(struct kimage *image, struct kexec_uki *k)
{
	struct kexec_uki_text embedded = {};
	int err;

	err = addon_cmdline(k);
	if (!err)
		err = embedded_cmdline(image, k, &embedded);
	if (!err)
		err = settle(image, k, &embedded);

	kvfree(embedded.text);
	return err;
}
