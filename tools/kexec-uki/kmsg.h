/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_KMSG_H
#define KEXEC_UKI_KMSG_H

#include <stdio.h>

int kmsg_open(void);
void kmsg_print(int kmsg, FILE *out);

#endif /* KEXEC_UKI_KMSG_H */
