/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_KMSG_H
#define KEXEC_UKI_KMSG_H

#include <stdio.h>

/**
 * struct kmsg - lines of the kernel
 * @text: the lines, to be freed by kmsg_print()
 * @size: length of @text
 * @nr: their number, or a negative errno if they cannot be read
 */
struct kmsg {
	char *text;
	size_t size;
	int nr;
};

int kmsg_open(void);
void kmsg_read(int fd, struct kmsg *kmsg);
void kmsg_print(struct kmsg *kmsg, FILE *out);

#endif /* KEXEC_UKI_KMSG_H */
