/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_TARGET_H
#define KEXEC_UKI_TARGET_H

#include "chain.h"

/* Words of systemd-pcrphase and systemd-pcrosseparator, hashed without a NUL */
#define WORD_OS_SEPARATOR	"os-separator"
#define WORD_ENTER_INITRD	"enter-initrd"
#define WORD_LEAVE_INITRD	"leave-initrd"
#define WORD_SYSINIT		"sysinit"
#define WORD_READY		"ready"
#define WORD_SHUTDOWN		"shutdown"
#define WORD_FINAL		"final"

/* The PCR of the phases of a boot, TPM2_PCR_KERNEL_BOOT in systemd's tpm2-pcr.h */
#define PCR_PHASES		11

/* The PCR of initrds and NvPCRs, TPM2_PCR_KERNEL_INITRD there */
#define PCR_INITRD		9

/* The PCR of the machine, its file systems and volumes, TPM2_PCR_SYSTEM_IDENTITY there */
#define PCR_IDENTITY		15

const char *target_point_name(enum point point);
int target_parse_point(const char *name, enum point *point);

int target_fill(const struct options *options, struct chain *chain);

#endif /* KEXEC_UKI_TARGET_H */
