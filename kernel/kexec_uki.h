/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kexec_file_load() knows of unified kernel images without the loader
 *
 * Private to kernel/kexec*.
 */

#ifndef _KERNEL_KEXEC_UKI_H
#define _KERNEL_KEXEC_UKI_H

#include <linux/errno.h>
#include <linux/types.h>

struct kexec_file_ops;
struct kimage;

/**
 * kexec_uki_told() - the errno that is told of a UKI instead of another
 * @err: 0 or a negative errno
 *
 * systemctl splits the file itself after ENOEXEC and EINVAL, kexec-tools falls back
 * to kexec_load() after ENOSYS and EOPNOTSUPP; ENOTSUPP is not for user space at
 * all.
 *
 * Return: @err, or -ELIBBAD instead of one of these
 */
static inline int kexec_uki_told(int err)
{
	switch (err) {
	case -ENOEXEC:
	case -EINVAL:
	case -ENOSYS:
	case -EOPNOTSUPP:
	case -ENOTSUPP:
		return -ELIBBAD;
	default:
		return err;
	}
}

/**
 * kexec_uki_pins_cmdline() - tell if enforcement forbids another command line
 * @embedded: the UKI has one
 * @confidential: this is a confidential VM
 *
 * sd-stub ignores a passed command line under Secure Boot where the UKI has its
 * own, and in a confidential VM (settle_command_line() in src/boot/stub.c).
 *
 * Return: true if it is forbidden where signatures are enforced
 */
static inline bool kexec_uki_pins_cmdline(bool embedded, bool confidential)
{
	return embedded || confidential;
}

#if IS_ENABLED(CONFIG_KEXEC_UKI)

int kexec_uki_find_loader(struct kimage *image);
int kexec_uki_initrd_errno(int err);
int kexec_uki_errno(int err);

void kexec_uki_register(const struct kexec_file_ops *ops);
void kexec_uki_unregister(void);

#else

static inline int kexec_uki_find_loader(struct kimage *image)
{
	return 0;
}

static inline int kexec_uki_initrd_errno(int err)
{
	return err;
}

static inline int kexec_uki_errno(int err)
{
	return err;
}

#endif /* CONFIG_KEXEC_UKI */

#endif /* _KERNEL_KEXEC_UKI_H */
