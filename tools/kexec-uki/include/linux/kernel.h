/* SPDX-License-Identifier: GPL-2.0 */
/* That of tools/include, with what the kernel's brings besides. */
#ifndef KEXEC_UKI_LINUX_KERNEL_H
#define KEXEC_UKI_LINUX_KERNEL_H

#include_next <linux/kernel.h>

#ifndef U32_MAX
#define U32_MAX		((u32)~0U)
#endif

/* <assert.h> has one that insists on a message. */
#undef static_assert
#define static_assert(expr, ...)	static_assert_(expr, ##__VA_ARGS__, #expr)
#define static_assert_(expr, msg, ...)	_Static_assert(expr, msg)

#endif /* KEXEC_UKI_LINUX_KERNEL_H */
