/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SBAT of what kexec_file_load() loads
 *
 * Private to kernel/kexec*.
 */

#ifndef _KERNEL_KEXEC_SBAT_H
#define _KERNEL_KEXEC_SBAT_H

#include <linux/efi.h>
#include <linux/types.h>

struct kimage;

#ifdef CONFIG_KEXEC_SBAT

int kexec_sbat_check(struct kimage *image, const char *prefix, const void *file,
		     size_t len, bool needed);

/* For the fakes of KUnit only. */
const struct efi_mokvar_table_entry *kexec_sbat_get_entry(void);
efi_status_t kexec_sbat_get_variable(unsigned long *size, void *data);

#else

static inline int kexec_sbat_check(struct kimage *image, const char *prefix,
				   const void *file, size_t len, bool needed)
{
	return 0;
}

#endif /* CONFIG_KEXEC_SBAT */

#endif /* _KERNEL_KEXEC_SBAT_H */
