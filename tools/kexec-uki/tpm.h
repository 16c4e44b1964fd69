/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_TPM_H
#define KEXEC_UKI_TPM_H

#include "pcrs.h"

int tpm_read_pcrs(const char *path, struct pcrs *pcrs);

#endif /* KEXEC_UKI_TPM_H */
