// SPDX-License-Identifier: GPL-2.0
/*
 * The initrd of a UKI, put together from its parts
 *
 * Parts, order and padding are those of sd-stub, to the byte: the result is measured.
 */

#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uki.h>
#include <linux/uki_companion.h>
#include <linux/vmalloc.h>

#include "kexec_uki_image.h"

/* What sd-stub puts below /.extra, each in an archive of its own, in this order. */
static const enum uki_section_id extra_order[] = {
	UKI_PCRSIG, UKI_PCRPKEY, UKI_OSREL, UKI_PROFILE,
};

/*
 * .ucode, the initrd passed by user space, .initrd and the archives of extra_order[];
 * of each kind of companions there is one at most.
 */
#define PARTS_MAX	(3 + ARRAY_SIZE(extra_order) + UKI_NR_COMPANION_KINDS)

enum part_form {
	PART_PLAIN,	/* as it is */
	PART_EXTRA,	/* a section, in an archive for /.extra */
	PART_SIDECAR,	/* companions, in an archive for /.extra */
};

/**
 * struct initrd_part - one of the pieces that the initrd is put together from
 * @form: how it goes there
 * @data: the content of a plain part or of a section
 * @section: which section it is
 * @companions: the first of the companions, all of one kind
 * @nr_companions: how many
 */
struct initrd_part {
	enum part_form form;
	struct uki_newc_data data;
	enum uki_section_id section;
	const struct uki_companion *companions;
	size_t nr_companions;
};

/**
 * struct initrd_parts - all of them
 * @nr: how many
 * @part: in order
 */
struct initrd_parts {
	unsigned int nr;
	struct initrd_part *part;
};

static void add_plain(struct initrd_parts *parts, struct uki_newc_data data)
{
	if (data.len || data.zeros)
		parts->part[parts->nr++] = (struct initrd_part) {
			.form = PART_PLAIN,
			.data = data,
		};
}

static void add_extra(struct initrd_parts *parts, const struct kimage *image,
		      const struct kexec_uki *k, enum uki_section_id id)
{
	if (k->uki.sections[id].size)
		parts->part[parts->nr++] = (struct initrd_part) {
			.form = PART_EXTRA,
			.data = kexec_uki_data(image->kernel_buf, &k->uki, id),
			.section = id,
		};
}

static void add_sidecar(struct initrd_parts *parts, const struct kexec_uki *k,
			enum uki_companion_kind kind)
{
	size_t first = 0, end;

	while (first < k->nr_companions && k->companions[first].kind < kind)
		first++;
	end = first;
	while (end < k->nr_companions && k->companions[end].kind == kind)
		end++;

	if (first < end)
		parts->part[parts->nr++] = (struct initrd_part) {
			.form = PART_SIDECAR,
			.companions = &k->companions[first],
			.nr_companions = end - first,
		};
}

static void add_addon(struct initrd_parts *parts,
		      const struct kexec_uki_addon *addon,
		      enum uki_section_id id)
{
	if (addon->used)
		add_plain(parts, kexec_uki_data(addon->file, &addon->uki, id));
}

/*
 * In the order of sd-stub (enum and run() in src/boot/stub.c); empty ones are left out.
 * Microcode is the other way round: the kernel takes the first that fits.
 */
static void list_parts(const struct kimage *image, const struct kexec_uki *k,
		       struct initrd_parts *parts)
{
	const struct uki_newc_data passed = {
		.data = image->initrd_buf,
		.len = image->companions ? 0 : image->initrd_buf_len,
	};
	enum uki_companion_kind kind;
	unsigned int i;

	for (i = k->nr_addons; i; i--)
		add_addon(parts, &k->addons[i - 1], UKI_UCODE);
	add_plain(parts, kexec_uki_data(image->kernel_buf, &k->uki, UKI_UCODE));
	add_plain(parts, passed);
	add_plain(parts, kexec_uki_data(image->kernel_buf, &k->uki, UKI_INITRD));
	for (kind = UKI_CREDENTIAL; kind <= UKI_GLOBAL_CONFEXT; kind++)
		add_sidecar(parts, k, kind);
	for (i = 0; i < ARRAY_SIZE(extra_order); i++)
		add_extra(parts, image, k, extra_order[i]);
	add_sidecar(parts, k, UKI_BOOT_SECRET);
	for (i = 0; i < k->nr_addons; i++)
		add_addon(parts, &k->addons[i], UKI_INITRD);
}

static void write_plain(struct uki_newc *newc, const struct uki_newc_data *data)
{
	if (newc->buf) {
		memcpy(newc->buf + newc->pos, data->data, data->len);
		memset(newc->buf + newc->pos + data->len, 0, data->zeros);
	}
	newc->pos += data->len + data->zeros;
}

/* Writes a part, or counts it if the archive has no buffer. */
static int write_part(struct uki_newc *newc, const struct kimage *image,
		      const struct initrd_part *part)
{
	switch (part->form) {
	case PART_EXTRA:
		return uki_extra_archive(newc, part->section, &part->data);
	case PART_SIDECAR:
		return uki_sidecar_archive(newc, image->initrd_buf,
					   part->companions,
					   part->nr_companions);
	default:
		write_plain(newc, &part->data);
		return 0;
	}
}

/*
 * Writes all parts, or counts them if there is no buffer yet.  Each starts an archive of
 * its own.  With several of them, each is padded to four bytes, the last one too
 * (combine_initrds() in src/boot/initrd.c).
 */
static int write_parts(struct kexec_uki *k, const struct kimage *image,
		       const struct initrd_parts *parts)
{
	u8 *buf = k->initrd.copy;
	size_t fill = 0;

	for (unsigned int i = 0; i < parts->nr; i++) {
		const struct initrd_part *part = &parts->part[i];
		struct uki_newc newc = {
			.buf = buf ? buf + fill : NULL,
			.size = buf ? k->initrd.len - fill : 0,
		};
		size_t pad;
		int err;

		err = write_part(&newc, image, part);
		if (err)
			return err;
		if (part->form == PART_SIDECAR)
			k->sidecars[part->companions->kind] =
				(struct pefile_span) { fill, newc.pos };

		pad = parts->nr > 1 ? -newc.pos & 3 : 0;
		if (buf)
			memset(newc.buf + newc.pos, 0, pad);
		fill += newc.pos + pad;
	}
	k->initrd.len = fill;
	return 0;
}

static int assemble(struct kexec_uki *k, const struct kimage *image,
		    const struct initrd_parts *parts)
{
	int err;

	if (!parts->nr)
		return 0;
	if (parts->nr == 1 && parts->part[0].form == PART_PLAIN)
		return kexec_uki_fill(&k->initrd, &parts->part[0].data);

	err = write_parts(k, image, parts);
	if (err)
		return err;

	k->initrd.copy = vmalloc(k->initrd.len);
	if (!k->initrd.copy)
		return -ENOMEM;

	k->initrd.data = k->initrd.copy;
	return write_parts(k, image, parts);
}

/**
 * kexec_uki_prepare_initrd() - put the initrd together
 * @image: the image
 * @k: the UKI, with its companions; gets the initrd, and where sidecars are in it
 *
 * Return: 0, -ENOMEM, or -EFBIG if a file is too large for the format
 */
int kexec_uki_prepare_initrd(struct kimage *image, struct kexec_uki *k)
{
	struct initrd_parts parts = {};
	int err;

	/* An addon can have microcode and an initrd. */
	parts.part = kvcalloc(PARTS_MAX + 2 * (size_t)k->nr_addons,
			      sizeof(*parts.part), GFP_KERNEL);
	if (!parts.part)
		return -ENOMEM;

	list_parts(image, k, &parts);
	err = assemble(k, image, &parts);
	kvfree(parts.part);
	return err;
}
