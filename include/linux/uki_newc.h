/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cpio archives in the format "newc": those that systemd-stub makes, and the one
 * that brings the companions of a UKI
 *
 * Pure like pefile: a buffer in, spans and bytes out.
 */

#ifndef _LINUX_UKI_NEWC_H
#define _LINUX_UKI_NEWC_H

#include <linux/pefile.h>
#include <linux/types.h>

/**
 * struct uki_newc - an archive that is being written
 * @buf: where it goes, or NULL to count only
 * @size: room in @buf
 * @pos: bytes written or counted so far
 * @ino: inode number given last
 */
struct uki_newc {
	u8 *buf;
	size_t size;
	size_t pos;
	u32 ino;
};

/**
 * struct uki_newc_data - content of a file in an archive
 * @data: the first bytes
 * @len: how many of them
 * @zeros: how many zero bytes follow
 */
struct uki_newc_data {
	const void *data;
	size_t len;
	size_t zeros;
};

int uki_newc_dir(struct uki_newc *newc, const char *path, u32 mode);
int uki_newc_file(struct uki_newc *newc, const char *path, u32 mode,
		  const struct uki_newc_data *data);
int uki_newc_end(struct uki_newc *newc);

/* Bits of the mode of a member, as everywhere in Unix. */
#define UKI_NEWC_TYPE	0170000
#define UKI_NEWC_DIR	0040000
#define UKI_NEWC_FILE	0100000

/**
 * struct uki_newc_member - a file or a directory of an archive that is read
 * @path: as it stands in the archive; terminated, and with no NUL inside
 * @path_len: its length, at least 1
 * @mode: type and permissions
 * @nlink: number of its links
 * @data: its content, a span of the archive
 */
struct uki_newc_member {
	const char *path;
	size_t path_len;
	u32 mode;
	u32 nlink;
	struct pefile_span data;
};

int uki_newc_next(const void *buf, size_t len, size_t *pos,
		  struct uki_newc_member *member, struct pefile_error *err);

#endif /* _LINUX_UKI_NEWC_H */
