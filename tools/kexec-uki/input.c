// SPDX-License-Identifier: GPL-2.0
/*
 * Files, and where the kernel has them
 *
 * Reads, and never writes.  Nothing of what is read is trusted here or looked into
 * beyond the header of a log.
 */

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input.h"

#define SECURITYFS	"/sys/kernel/security"
#define LIVE_LOGS	SECURITYFS "/tpm*/binary_measurements_live"
#define BOOT_LOG	"binary_bios_measurements"
#define PENDING		SECURITYFS "/kexec/pending_measurements"

/* Four times what the kernel hands over, and far above what firmware writes. */
#define FILE_MAX	((size_t)64 << 20)
#define FILE_CHUNK	((size_t)64 << 10)

static int read_all(int fd, struct blob *blob)
{
	size_t room = 0;
	ssize_t got;
	u8 *more;

	do {
		if (room - blob->len < FILE_CHUNK) {
			if (room > FILE_MAX)
				return -EFBIG;
			room = room * 2 + FILE_CHUNK;
			more = realloc(blob->data, room);
			if (!more)
				return -ENOMEM;
			blob->data = more;
		}
		got = read(fd, blob->data + blob->len, room - blob->len);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0)
			blob->len += got;
	} while (got);

	return 0;
}

void input_free(struct blob *blob)
{
	free(blob->data);
	blob->data = NULL;
	blob->len = 0;
}

/* 0, or a negative errno; prints nothing */
int input_try_file(const char *path, struct blob *blob)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	blob->data = NULL;
	blob->len = 0;
	if (fd < 0)
		return -errno;

	ret = read_all(fd, blob);
	close(fd);
	if (ret)
		input_free(blob);
	return ret;
}

int input_file(const char *path, struct blob *blob)
{
	int ret = input_try_file(path, blob);

	return ret ? complain("%s: %s", path, strerror(-ret)) : 0;
}

/* The first TPM with a live log; the kernel keeps that of one TPM only. */
static int find_live_log(char *path, size_t size)
{
	glob_t found;
	int ret = -1;

	if (!glob(LIVE_LOGS, 0, NULL, &found) &&
	    (size_t)snprintf(path, size, "%s", found.gl_pathv[0]) < size)
		ret = 0;
	globfree(&found);
	return ret;
}

/* The event log: that of --log, or the kernel's */
int input_log(const struct options *options, struct blob *blob)
{
	char path[256];

	if (options->log)
		return input_file(options->log, blob);

	if (find_live_log(path, sizeof(path)))
		return complain("no " LIVE_LOGS ": it takes root, securityfs, a TPM 2.0 and\n"
				"  CONFIG_TCG_LIVE_LOG; --log FILE reads another log");
	return input_file(path, blob);
}

/* The log as of the start of this boot: that of --boot-log, or the kernel's */
int input_boot_log(const struct options *options, struct blob *blob)
{
	char path[256], *name;

	if (options->boot_log)
		return input_file(options->boot_log, blob);
	if (options->log)
		return complain("--log needs --boot-log, to tell what of it is of this boot");

	if (find_live_log(path, sizeof(path)))
		return complain("no " LIVE_LOGS);
	name = strrchr(path, '/') + 1;
	if ((size_t)(name - path) + sizeof(BOOT_LOG) > sizeof(path))
		return complain("%s: too long", path);
	strcpy(name, BOOT_LOG);
	return input_file(path, blob);
}

/* As input_pending(), but 0 or a negative errno; prints nothing */
int input_try_pending(const struct options *options, struct blob *blob)
{
	return input_try_file(options->pending ?: PENDING, blob);
}

/* The pending list: that of --pending, or the kernel's */
int input_pending(const struct options *options, struct blob *blob)
{
	int ret;

	if (options->pending)
		return input_file(options->pending, blob);

	ret = input_try_pending(options, blob);
	if (ret == -ENOENT)
		return complain("no " PENDING ": it takes root, securityfs and\n"
				"  CONFIG_KEXEC_MEASURE; --pending FILE reads another list");
	return ret ? complain(PENDING ": %s", strerror(-ret)) : 0;
}

/*
 * The device of the TPM that the log is of, /dev/tpmrm0 for .../tpm0/..., so that
 * other users of it are not in the way.
 */
int input_tpm_device(const struct options *options, char *path, size_t size)
{
	char log[256];
	unsigned int n = 0;

	if (options->device)
		return (size_t)snprintf(path, size, "%s", options->device) < size ?
		       0 : complain("%s: too long", options->device);

	if (!find_live_log(log, sizeof(log)))
		sscanf(log, SECURITYFS "/tpm%u/", &n);
	snprintf(path, size, "/dev/tpmrm%u", n);
	if (access(path, F_OK))
		snprintf(path, size, "/dev/tpm%u", n);
	return 0;
}

/* The header of a log; complains if it is none */
int input_head(const struct blob *log, struct tcg2_log_head *head)
{
	int ret = tcg2_log_read_head(log->data, log->len, head);

	if (!ret)
		return 0;
	return complain("this is no crypto-agile event log (%s)",
			strerror(ret < 0 ? -ret : EINVAL));
}
