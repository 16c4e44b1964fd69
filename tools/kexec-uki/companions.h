/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_COMPANIONS_H
#define KEXEC_UKI_COMPANIONS_H

#include "archive.h"
#include "kexec-uki.h"

int companions_pack(const struct options *options, const char *uki,
		    struct archive *archive, size_t *nr);

#endif /* KEXEC_UKI_COMPANIONS_H */
