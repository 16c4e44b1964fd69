/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that ends at a page which cannot be touched, as vmalloc()'s does */
#ifndef ROOMS_LINUX_VMALLOC_H
#define ROOMS_LINUX_VMALLOC_H

#include <linux/types.h>

#ifndef PAGE_SIZE
#define PAGE_SIZE	4096UL
#endif

void *vmalloc(size_t len);
void *vzalloc(size_t len);
void vfree(const void *buf);

#endif
