/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A UKI between prepare and cleanup: what the files of the loader share
 *
 * Private to kernel/kexec_uki_*.c.
 */

#ifndef _KERNEL_KEXEC_UKI_IMAGE_H
#define _KERNEL_KEXEC_UKI_IMAGE_H

#include <linux/kexec.h>
#include <linux/pe.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uki.h>
#include <linux/uki_companion.h>

/* CONFIG_KEXEC_UKI depends on X86_64. */
#define KEXEC_UKI_MACHINE	IMAGE_FILE_MACHINE_AMD64

/**
 * struct kexec_uki_blob - bytes that the inner kernel gets
 * @data: the bytes, NULL if there are none
 * @len: how many
 * @copy: @data if it was allocated with vmalloc() here, NULL if @data points into a
 *	  buffer of &struct kimage
 */
struct kexec_uki_blob {
	void *data;
	size_t len;
	void *copy;
};

/**
 * struct kexec_uki_text - a command line, or a part of one
 * @text: as uki_mangle_cmdline() leaves it, to be freed with kvfree(); NULL if there
 *	  is none
 * @len: its length
 */
struct kexec_uki_text {
	char *text;
	size_t len;
};

/**
 * struct kexec_uki_addon - an addon that firmware would have loaded
 * @name: its name without the directory, in the archive
 * @file: the addon, in the archive
 * @len: its length
 * @uki: its headers and sections
 * @used: sd-stub would use it, too
 */
struct kexec_uki_addon {
	const char *name;
	const void *file;
	size_t len;
	struct uki uki;
	bool used;
};

/**
 * struct kexec_uki - a UKI
 *
 * This is &kimage.image_loader_data, which the core frees; what it points to is
 * freed by the loader's cleanup.
 *
 * @uki: sections of the selected profile
 * @inner: the architecture's loader
 * @inner_data: what @inner wants cleaned up; owned
 * @kernel: the inner kernel
 * @initrd: the initrd as it is handed over
 * @passed: the command line that was passed, without a profile number; owned
 * @override: @passed is not the embedded one, and replaces it
 * @addon_text: command lines of the addons together; owned
 * @nr_companions: number of @companions
 * @companions: what there is in the archive, in order; owned
 * @nr_addons: number of @addons
 * @addons: those that are measured, in the order of loading; owned
 * @sidecars: where in @initrd the archives of each kind are
 */
struct kexec_uki {
	struct uki uki;
	const struct kexec_file_ops *inner;
	void *inner_data;
	struct kexec_uki_blob kernel;
	struct kexec_uki_blob initrd;
	struct kexec_uki_text passed;
	bool override;
	struct kexec_uki_text addon_text;
	size_t nr_companions;
	struct uki_companion *companions;
	unsigned int nr_addons;
	struct kexec_uki_addon *addons;
	struct pefile_span sidecars[UKI_NR_COMPANION_KINDS];
};

/* The content of a section; the pointer is into @file. */
static inline struct uki_newc_data
kexec_uki_data(const void *file, const struct uki *uki, enum uki_section_id id)
{
	const struct uki_section *section = &uki->sections[id];

	return (struct uki_newc_data) {
		.data = file + section->data.off,
		.len = section->data.len,
		.zeros = section->size - section->data.len,
	};
}

/* A name goes before the reason: it must not take all of the line. */
static inline int kexec_uki_shown(const char *name)
{
	return strnlen(name, 80);
}

/* kexec_uki_load.c */
int kexec_uki_fill(struct kexec_uki_blob *blob, const struct uki_newc_data *data);

/* kexec_uki_cmdline.c */
int kexec_uki_choose_profile(struct kimage *image, struct kexec_uki *k,
			     struct pefile_error *why);
int kexec_uki_prepare_cmdline(struct kimage *image, struct kexec_uki *k);

/* kexec_uki_companion.c */
int kexec_uki_read_companions(struct kimage *image, struct kexec_uki *k);
bool kexec_uki_has_sidecars(const struct kexec_uki *k);

/* kexec_uki_initrd.c */
int kexec_uki_prepare_initrd(struct kimage *image, struct kexec_uki *k);

/* kexec_uki_measure.c */
int kexec_uki_measure(struct kimage *image);

#endif /* _KERNEL_KEXEC_UKI_IMAGE_H */
