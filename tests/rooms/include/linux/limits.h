/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ROOMS_LINUX_LIMITS_H
#define ROOMS_LINUX_LIMITS_H

#include_next <linux/limits.h>
#include <stdint.h>

#define U8_MAX		UINT8_MAX
#define U16_MAX		UINT16_MAX
#ifndef U32_MAX
#define U32_MAX		((u32)~0U)
#endif
#define U64_MAX		UINT64_MAX

#endif
