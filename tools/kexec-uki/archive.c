// SPDX-License-Identifier: GPL-2.0
/*
 * The archive that brings companions to the kernel
 *
 * Written by the kernel's own writer, in memory that is the file which the kernel
 * reads: an extension can have hundreds of megabytes, and must never be held twice.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive.h"

/* 0, or a negative errno */
int archive_open(struct archive *archive)
{
	memset(archive, 0, sizeof(*archive));
	archive->fd = memfd_create("companions", MFD_CLOEXEC);
	return archive->fd < 0 ? -errno : 0;
}

/*
 * The memory is taken here and not by the first write to it, which could only be
 * answered by a signal if there were none.
 */
static int grow(struct archive *archive, size_t size)
{
	struct uki_newc *newc = &archive->newc;
	void *map;

	if (size > LONG_MAX)
		return -EFBIG;
	if (fallocate(archive->fd, 0, newc->size, size - newc->size))
		return -errno;
	map = newc->buf ? mremap(newc->buf, newc->size, size, MREMAP_MAYMOVE) :
	      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, archive->fd, 0);
	if (map == MAP_FAILED)
		return -errno;

	newc->buf = map;
	newc->size = size;
	return 0;
}

static int add(struct archive *archive, const char *path, u32 mode,
	       const struct uki_newc_data *data)
{
	struct uki_newc count = { .pos = archive->newc.pos };
	int ret;

	ret = uki_newc_file(&count, path, mode, data);
	if (!ret)
		ret = grow(archive, count.pos);
	if (!ret)
		ret = uki_newc_file(&archive->newc, path, mode, data);
	return ret;
}

/* A file whose content is in memory; 0, or a negative errno */
int archive_add_data(struct archive *archive, const char *path, u32 mode,
		     const void *data, size_t len)
{
	struct uki_newc_data content = { .data = data, .len = len };

	return add(archive, path, mode, &content);
}

/* -ESTALE if the file has not @size bytes */
static int read_exactly(int fd, u8 *buf, u64 size)
{
	u64 done = 0;
	ssize_t got;
	u8 more;

	do {
		if (done < size)
			got = read(fd, buf + done, size - done);
		else
			got = read(fd, &more, 1);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0)
			done += got;
	} while (got && done <= size);

	return done == size ? 0 : -ESTALE;
}

/*
 * A file that is read to its end, @size bytes.  The writer makes room for it by
 * writing so many zeros.  0, or a negative errno.
 */
int archive_add_file(struct archive *archive, const char *path, u32 mode, int fd,
		     u64 size)
{
	struct uki_newc_data content = { .zeros = size };
	struct uki_newc *newc = &archive->newc;
	int ret;

	if (size > LONG_MAX)
		return -EFBIG;
	ret = add(archive, path, mode, &content);
	if (ret)
		return ret;
	/* Behind the content there is only its padding to 4 bytes. */
	return read_exactly(fd, newc->buf + newc->pos - ((size + 3) & ~3ULL),
			    size);
}

/* 0, or a negative errno */
int archive_end(struct archive *archive)
{
	struct uki_newc count = { .pos = archive->newc.pos };
	int ret;

	ret = uki_newc_end(&count);
	if (!ret)
		ret = grow(archive, count.pos);
	return ret ?: uki_newc_end(&archive->newc);
}

void archive_close(struct archive *archive)
{
	if (archive->newc.buf)
		munmap(archive->newc.buf, archive->newc.size);
	if (archive->fd >= 0)
		close(archive->fd);
	memset(archive, 0, sizeof(*archive));
	archive->fd = -1;
}
