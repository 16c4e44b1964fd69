/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's header, found here without all others of its directory. */
#include "../../../../include/linux/uki_sbat.h"
