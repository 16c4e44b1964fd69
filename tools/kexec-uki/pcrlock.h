/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_PCRLOCK_H
#define KEXEC_UKI_PCRLOCK_H

#include "chain.h"

int pcrlock_write(const struct options *options, const struct chain *chain);

#endif /* KEXEC_UKI_PCRLOCK_H */
