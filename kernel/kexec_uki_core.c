// SPDX-License-Identifier: GPL-2.0
/*
 * The built-in side of the UKI loader
 *
 * Recognises a unified kernel image, finds the loader, which may be a module, and
 * keeps user space from mistaking a refused UKI for a file that is none: after
 * some errnos systemctl and kexec-tools would split the file themselves, and boot
 * it unmeasured and without its signature.
 *
 * This file must never interpret a UKI further than recognising it.
 */

#define pr_fmt(fmt) "kexec_uki: " fmt

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kexec.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uki.h>

#include "kexec_internal.h"
#include "kexec_uki.h"

/*
 * Not the kexec lock: a module that loads or unloads must not keep
 * __crash_kexec(), which only tries that one, from starting the crash kernel.
 */
static DEFINE_MUTEX(kexec_uki_mutex);
static const struct kexec_file_ops *kexec_uki_ops;

/**
 * kexec_uki_register() - offer the loader
 * @ops: the loader; there is only one
 */
void kexec_uki_register(const struct kexec_file_ops *ops)
{
	guard(mutex)(&kexec_uki_mutex);
	kexec_uki_ops = ops;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_uki_register, "kexec_uki");

/**
 * kexec_uki_unregister() - withdraw the loader
 *
 * No image has it any more, because an image pins the loader's module.
 */
void kexec_uki_unregister(void)
{
	guard(mutex)(&kexec_uki_mutex);
	kexec_uki_ops = NULL;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_uki_unregister, "kexec_uki");

static const struct kexec_file_ops *get_loader(void)
{
	guard(mutex)(&kexec_uki_mutex);
	if (!kexec_uki_ops || !try_module_get(kexec_uki_ops->owner))
		return NULL;

	return kexec_uki_ops;
}

/**
 * kexec_uki_find_loader() - give an image the UKI loader if it is one
 * @image: an image whose file has been read; the kexec lock must not be held
 *
 * The image pins the loader's module until kimage_file_release().
 *
 * Return: 0, also if the file is no UKI; -ENOPKG if it is one and the loader's
 *	   module cannot be had
 */
int kexec_uki_find_loader(struct kimage *image)
{
	if (!uki_recognise(image->kernel_buf, image->kernel_buf_len))
		return 0;

	image->is_uki = 1;
	image->fops = get_loader();
	if (!image->fops && IS_MODULE(CONFIG_KEXEC_UKI)) {
		request_module("kexec_uki");
		image->fops = get_loader();
	}
	if (image->fops)
		return 0;

	pr_notice("refused: module kexec_uki cannot be loaded\n");
	return -ENOPKG;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_uki_find_loader, "kexec_uki_kunit");

/**
 * kexec_uki_initrd_errno() - the errno for an initrd that cannot be read
 * @err: what reading it has come to
 *
 * An empty file, or one that is not regular, is EINVAL to kernel_read_file().
 *
 * Return: @err, or -EBADF instead of -EINVAL
 */
int kexec_uki_initrd_errno(int err)
{
	pr_notice("refused: the passed initrd cannot be read (%pe)\n",
		  ERR_PTR(err));
	return err == -EINVAL ? -EBADF : err;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_uki_initrd_errno, "kexec_uki_kunit");

/**
 * kexec_uki_errno() - the errno that user space may see for a refused UKI
 * @err: 0 or what the load of a UKI has come to
 *
 * All code behind the loader may return what kexec_uki_told() replaces; where
 * nobody has replaced it so far, one line says what it was.
 *
 * Return: @err, or what is told instead
 */
int kexec_uki_errno(int err)
{
	int told = kexec_uki_told(err);

	if (told != err)
		pr_notice("refused: the load failed with %pe, told as %pe\n",
			  ERR_PTR(err), ERR_PTR(told));
	return told;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_uki_errno, "kexec_uki_kunit");
