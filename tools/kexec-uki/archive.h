/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_ARCHIVE_H
#define KEXEC_UKI_ARCHIVE_H

#include <linux/uki_newc.h>

/**
 * struct archive - an archive that grows in a file without a name
 * @fd: the file
 * @newc: the archive, the whole of the file mapped
 */
struct archive {
	int fd;
	struct uki_newc newc;
};

int archive_open(struct archive *archive);
int archive_add_data(struct archive *archive, const char *path, u32 mode,
		     const void *data, size_t len);
int archive_add_file(struct archive *archive, const char *path, u32 mode, int fd,
		     u64 size);
int archive_end(struct archive *archive);
void archive_close(struct archive *archive);

#endif /* KEXEC_UKI_ARCHIVE_H */
