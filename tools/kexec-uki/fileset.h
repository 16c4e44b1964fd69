/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_FILESET_H
#define KEXEC_UKI_FILESET_H

#include <stdio.h>

#include "kexec-uki.h"

#define FILESET_MAX	1000	/* numbers of three digits */
#define FILESET_EMPTY	FILESET_MAX

/**
 * struct fileset - the variants of a component that are being written
 * @path: the directory
 * @fd: the same, open and locked
 * @nr: number of variants so far that are not empty
 */
struct fileset {
	const char *path;
	int fd;
	unsigned int nr;
};

typedef void (*fileset_print)(FILE *out, const void *what);

int fileset_open(struct fileset *set, const char *path);
int fileset_add(struct fileset *set, fileset_print print, const void *what);
int fileset_commit(struct fileset *set, fileset_print print_empty);
void fileset_close(struct fileset *set);

#endif /* KEXEC_UKI_FILESET_H */
