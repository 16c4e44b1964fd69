// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured of a UKI
 *
 * The events of firmware, of sd-stub and of the EFI stub, in their order and to the
 * byte: who has sealed a secret to PCRs has computed them beforehand.
 * Documentation/admin-guide/kexec-uki.rst has the list.
 */

#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tcg2_log.h>
#include <linux/uki.h>
#include <linux/uki_companion.h>

#include "kexec_measure.h"
#include "kexec_uki_image.h"

static void update_data(struct kexec_measure *measure,
			const struct uki_newc_data *data)
{
	kexec_measure_update(measure, data->data, data->len);
	kexec_measure_update_zeros(measure, data->zeros);
}

/* @text in UTF-16LE with its NUL, as sd-stub and the EFI stub hash it. */
static u8 *utf16(const char *text, size_t len, size_t *out_len)
{
	u8 *out = kvmalloc(2 * (len + 1), GFP_KERNEL);

	if (out)
		*out_len = uki_utf16le(out, text, len);
	return out;
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
		struct uki_newc_data data;

		if (!k->uki.sections[id].size || !uki_section_measured(id))
			continue;
		data = kexec_uki_data(image->kernel_buf, &k->uki, id);
		err = measure_section(measure, &data, uki_section_name(id));
		if (err)
			return err;
	}
	return 0;
}

/* sd-stub's event for a command line that is not embedded, in UKI or addon. */
static int measure_text(struct kexec_measure *measure,
			const struct kexec_uki_text *text)
{
	u8 *data __free(kvfree) = NULL;
	size_t len;

	data = utf16(text->text, text->len, &len);
	if (!data)
		return -ENOMEM;

	kexec_measure_start(measure);
	kexec_measure_update(measure, data, len);
	return kexec_measure_finish(measure, 12, KEXEC_EV_IPL, data, len);
}

/*
 * sd-stub leaves it to whoever passes an initrd to measure it
 * (acquire_previous_initrd() in src/boot/stub.c).  Here that is us.
 */
static int measure_passed_initrd(struct kexec_measure *measure,
				 const struct kimage *image)
{
	static const char event[] = "initrd";

	if (!image->initrd_buf_len || image->companions)
		return 0;

	kexec_measure_start(measure);
	kexec_measure_update(measure, image->initrd_buf, image->initrd_buf_len);
	return kexec_measure_finish_tagged(measure, 12, TCG2_TAG_KEXEC_INITRD,
					   event, sizeof(event));
}

/* Firmware measures each addon that sd-stub has it load. */
static int measure_addon_files(struct kexec_measure *measure,
			       const struct kexec_uki *k)
{
	int err = 0;

	for (unsigned int i = 0; i < k->nr_addons && !err; i++)
		err = kexec_measure_pe(measure, k->addons[i].file,
				       k->addons[i].len, &k->addons[i].uki.pe);
	return err;
}

/* One section of an addon; the event is described by the name of the file. */
static int measure_addon(struct kexec_measure *measure,
			 const struct kexec_uki_addon *addon,
			 enum uki_section_id id, u32 tag)
{
	u8 event[2 * (NAME_MAX + 1)];
	struct uki_newc_data data;
	size_t len;

	if (!addon->used || !addon->uki.sections[id].size)
		return 0;

	data = kexec_uki_data(addon->file, &addon->uki, id);
	len = uki_utf16le(event, addon->name, strlen(addon->name));
	kexec_measure_start(measure);
	update_data(measure, &data);
	return kexec_measure_finish_tagged(measure, 12, tag, event, len);
}

/*
 * install_addon_devicetrees() of sd-stub.  This machine boots without a devicetree, so
 * nothing else becomes of them, as after a boot by firmware.
 */
static int measure_devicetree(struct kexec_measure *measure,
			      const struct kexec_uki_addon *addon)
{
	enum uki_section_id id = addon->uki.sections[UKI_DTBAUTO].size ?
				 UKI_DTBAUTO : UKI_DTB;

	return measure_addon(measure, addon, id, KEXEC_TAG_ADDON_DEVICETREE);
}

/* generate_sidecar_initrds() of sd-stub: each archive as a whole. */
static int measure_sidecar(struct kexec_measure *measure,
			   const struct kexec_uki *k,
			   enum uki_companion_kind kind)
{
	const struct uki_sidecar *sidecar = uki_sidecar(kind);
	const struct pefile_span *span = &k->sidecars[kind];
	u8 event[2 * sizeof("Global configuration extension initrd")];
	size_t len;

	if (!span->len)
		return 0;
	if (WARN_ON_ONCE(2 * (strlen(sidecar->event) + 1) > sizeof(event)))
		return -EOVERFLOW;

	len = uki_utf16le(event, sidecar->event, strlen(sidecar->event));
	kexec_measure_start(measure);
	kexec_measure_update(measure, k->initrd.data + span->off, span->len);
	return kexec_measure_finish(measure, sidecar->pcr, KEXEC_EV_IPL, event,
				    len);
}

static int measure_sidecars(struct kexec_measure *measure,
			    const struct kexec_uki *k)
{
	enum uki_companion_kind kind;
	int err = 0;

	for (kind = UKI_CREDENTIAL; kind <= UKI_GLOBAL_CONFEXT && !err; kind++)
		err = measure_sidecar(measure, k, kind);
	return err;
}

/* In the order of run() in src/boot/stub.c; microcode in that of the initrd. */
static int measure_companions(struct kexec_measure *measure,
			      const struct kexec_uki *k)
{
	unsigned int i;
	int err;

	err = measure_addon_files(measure, k);
	if (!err && k->addon_text.len)
		err = measure_text(measure, &k->addon_text);
	for (i = 0; i < k->nr_addons && !err; i++)
		err = measure_devicetree(measure, &k->addons[i]);
	if (!err)
		err = measure_sidecars(measure, k);
	for (i = k->nr_addons; i && !err; i--)
		err = measure_addon(measure, &k->addons[i - 1], UKI_UCODE,
				    KEXEC_TAG_ADDON_UCODE);
	for (i = 0; i < k->nr_addons && !err; i++)
		err = measure_addon(measure, &k->addons[i], UKI_INITRD,
				    KEXEC_TAG_ADDON_INITRD);
	return err;
}

/* What sd-stub measures, and firmware on its behalf, in that order. */
static int measure_stub(struct kexec_measure *measure,
			const struct kimage *image, const struct kexec_uki *k)
{
	int err;

	err = measure_profile(measure, k);
	if (err)
		return err;
	err = measure_sections(measure, image, k);
	if (err)
		return err;
	if (k->override)
		err = measure_text(measure, &k->passed);
	if (err)
		return err;
	err = measure_passed_initrd(measure, image);
	if (err)
		return err;

	return measure_companions(measure, k);
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
 * sd-stub passes an embedded command line on even if nothing but blanks is in it,
 * and then the EFI stub measures its NUL.
 */
static int measure_load_options(struct kexec_measure *measure,
				const struct kimage *image,
				const struct kexec_uki *k)
{
	u8 *text __free(kvfree) = NULL;
	size_t len;

	if (image->cmdline_buf_len <= 1 && !k->uki.sections[UKI_CMDLINE].size)
		return 0;

	text = utf16(image->cmdline_buf, image->cmdline_buf_len - 1, &len);
	return text ? kexec_measure_load_options(measure, text, len) : -ENOMEM;
}

/**
 * kexec_uki_measure() - list the events of a UKI
 * @image: the image, prepared, with its list; the marker is there already
 *
 * Return: 0, -ENOMEM, or -EOVERFLOW
 */
int kexec_uki_measure(struct kimage *image)
{
	struct kexec_measure *measure = image->measure;
	struct kexec_uki *k = image->image_loader_data;
	int err;

	if (!kexec_measure_wanted(measure))
		return 0;

	err = measure_envelope(measure, image, k);
	if (err)
		return err;
	err = measure_stub(measure, image, k);
	if (err)
		return err;
	if (image->companions)
		err = kexec_measure_identify_data(measure, "archive",
						  image->initrd_buf,
						  image->initrd_buf_len);
	if (err)
		return err;
	err = measure_load_options(measure, image, k);
	if (err)
		return err;

	return kexec_measure_initrd(measure, k->initrd.data, k->initrd.len);
}
