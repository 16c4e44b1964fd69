// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured of any kernel that is kexec'ed
 *
 * The events that UKIs and other kernels have in common: our own marker, and those
 * of the firmware and of the EFI stub of the kernel, as both log them when they boot
 * the same file.  A kernel that no loader of ours takes apart gets these and no
 * other.
 *
 * Nothing here decides whether a kernel may be loaded.
 */

#include <linux/kexec.h>
#include <linux/pefile.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tcg2_log.h>
#include <linux/uki.h>
#include <linux/unaligned.h>

#include "kexec_measure.h"

/**
 * kexec_measure_marker() - append the event that makes a kexec visible
 * @measure: the list, empty so far
 * @nr: number of the kexec since firmware has handed over, from 1
 *
 * It sits in PCR 4, so that 9, 11, 12 and 13 stay what a boot through firmware
 * makes of them.
 *
 * Return: 0, or -ENOMEM
 */
int kexec_measure_marker(struct kexec_measure *measure, unsigned int nr)
{
	char marker[sizeof("kexec:4294967295")];
	size_t len;

	len = scnprintf(marker, sizeof(marker), "kexec:%u", nr) + 1;
	kexec_measure_start(measure);
	kexec_measure_update(measure, marker, len);
	return kexec_measure_finish_tagged(measure, 4, TCG2_TAG_KEXEC, marker,
					   len);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_marker, "kexec_measure_kunit");

/**
 * kexec_measure_pe() - append the event for a PE file that is started
 * @measure: the list
 * @file: the file
 * @len: its length in bytes
 * @pe: its headers
 *
 * The digest is the one of Authenticode, computed anew with each hash.  Event data
 * is UEFI_IMAGE_LOAD_EVENT (TCG PC Client Platform Firmware Profile 10.2.3): the
 * file was never at an address, and there is no device path to it.
 *
 * Return: 0, or -ENOMEM
 */
int kexec_measure_pe(struct kexec_measure *measure, const void *file, size_t len,
		     const struct pefile *pe)
{
	struct pefile_walk walk = {};
	struct pefile_span span;
	u8 event[32];

	kexec_measure_start(measure);
	while (pefile_next_hashed(file, len, pe, &walk, &span))
		kexec_measure_update(measure, file + span.off, span.len);

	put_unaligned_le64(0, event);
	put_unaligned_le64(len, event + 8);
	put_unaligned_le64(pe->image_base, event + 16);
	put_unaligned_le64(0, event + 24);
	return kexec_measure_finish(measure, 4,
				    KEXEC_EV_EFI_BOOT_SERVICES_APPLICATION,
				    event, sizeof(event));
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_pe, "kexec_uki,kexec_measure_kunit");

/**
 * kexec_measure_load_options() - append the EFI stub's event for a command line
 * @measure: the list
 * @text: the command line in UTF-16LE with its NUL
 * @len: length of @text in bytes
 *
 * Return: 0, or -ENOMEM
 */
int kexec_measure_load_options(struct kexec_measure *measure, const void *text,
			       size_t len)
{
	static const char event[] = "LOADED_IMAGE::LoadOptions";

	kexec_measure_start(measure);
	kexec_measure_update(measure, text, len);
	return kexec_measure_finish_tagged(measure, 9, KEXEC_TAG_LOAD_OPTIONS,
					   event, sizeof(event));
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_load_options, "kexec_uki");

/**
 * kexec_measure_initrd() - append the EFI stub's event for an initrd
 * @measure: the list
 * @data: the initrd as the next kernel gets it
 * @len: its length in bytes; 0 for none, which has no event
 *
 * Return: 0, or -ENOMEM
 */
int kexec_measure_initrd(struct kexec_measure *measure, const void *data,
			 size_t len)
{
	static const char event[] = "Linux initrd";

	if (!len)
		return 0;

	kexec_measure_start(measure);
	kexec_measure_update(measure, data, len);
	return kexec_measure_finish_tagged(measure, 9, KEXEC_TAG_INITRD, event,
					   sizeof(event));
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_initrd, "kexec_uki");

/* A file that firmware could not start has no event of firmware's. */
static int measure_file(struct kexec_measure *measure, const void *file,
			size_t len)
{
	static const char event[] = "kernel";
	struct pefile_error why;
	struct pefile pe;

	if (!pefile_parse(file, len, &pe, &why))
		return kexec_measure_pe(measure, file, len, &pe);

	kexec_measure_start(measure);
	kexec_measure_update(measure, file, len);
	return kexec_measure_finish_tagged(measure, 4, TCG2_TAG_KEXEC_FILE,
					   event, sizeof(event));
}

/* Length in UTF-8 of @len bytes of UCS-2, a NUL at the end not counted. */
static size_t utf8_len(const u8 *text, size_t len)
{
	size_t sum = 0;
	u16 c;

	for (; len > 2; text += 2, len -= 2) {
		c = get_unaligned_le16(text);
		sum += c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
	}
	return sum;
}

/*
 * The next kernel reads no further than to the first NUL.  Text that would lose
 * bytes in UCS-2 is hashed as it is: no firmware could pass it, and no two command
 * lines may look alike.
 */
static int measure_cmdline(struct kexec_measure *measure,
			   const struct kimage *image)
{
	u8 *text __free(kvfree) = NULL;
	size_t len = strnlen(image->cmdline_buf ?: "", image->cmdline_buf_len);
	size_t text_len;

	if (!len)
		return 0;

	text = kvmalloc(2 * (len + 1), GFP_KERNEL);
	if (!text)
		return -ENOMEM;

	text_len = uki_utf16le(text, image->cmdline_buf, len);
	if (utf8_len(text, text_len) != len)
		return kexec_measure_load_options(measure, image->cmdline_buf,
						  len + 1);

	return kexec_measure_load_options(measure, text, text_len);
}

/**
 * kexec_measure_kernel() - list the events of a kernel that is no UKI
 * @image: the image, with its list; the marker is there already
 *
 * An initrd that user space has passed takes the way of one that a boot loader
 * passes: the EFI stub measures it, and nobody else.
 *
 * Return: 0, or -ENOMEM
 */
int kexec_measure_kernel(struct kimage *image)
{
	int err;

	err = measure_file(image->measure, image->kernel_buf,
			   image->kernel_buf_len);
	if (err)
		return err;
	err = measure_cmdline(image->measure, image);
	if (err)
		return err;

	return kexec_measure_initrd(image->measure, image->initrd_buf,
				    image->initrd_buf_len);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_kernel, "kexec_measure_kunit");

/**
 * kexec_measure_segments() - append the event for an image of kexec_load()
 * @measure: the list; the marker is there already
 *
 * Its segments are what user space has made of some kernel, and no firmware has ever
 * measured such.  So the event only says how the kernel came, and that nobody knows
 * which.
 *
 * Return: 0, or -ENOMEM
 */
int kexec_measure_segments(struct kexec_measure *measure)
{
	static const char event[] = "kexec_load";

	kexec_measure_start(measure);
	kexec_measure_update(measure, event, sizeof(event));
	return kexec_measure_finish_tagged(measure, 4, TCG2_TAG_KEXEC_LOAD,
					   event, sizeof(event));
}
EXPORT_SYMBOL_FOR_MODULES(kexec_measure_segments, "kexec_measure_kunit");
