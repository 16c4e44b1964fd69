/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_REFUSAL_H
#define KEXEC_UKI_REFUSAL_H

#include "kexec-uki.h"

/* Flags of kexec_file_load() that the headers of this machine may lack */
#ifndef KEXEC_FILE_COMPANIONS
#define KEXEC_FILE_COMPANIONS	0x00000040
#endif

void refusal_print(const struct options *options, int err, unsigned long flags);

#endif /* KEXEC_UKI_REFUSAL_H */
