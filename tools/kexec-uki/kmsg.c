// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel has to say of a load
 *
 * The system call returns a number; the reason is a line in the kernel's log.  Only
 * lines that the kernel itself has written are shown: anybody who may write to
 * /dev/kmsg can write others, which have another facility.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "kexec-uki.h"
#include "kmsg.h"
#include "text.h"

#define KMSG		"/dev/kmsg"

/* PRINTKRB_RECORD_MAX of kernel/printk/printk.c is 1 KiB, escapes make it longer. */
#define KMSG_MAX	8192

/* The number before the first comma: three bits of level, the rest is the facility. */
#define LEVEL_BITS	3

/*
 * pr_fmt() of all that a load goes through: the loaders, the measurements, the
 * signatures.  Then what a TPM's device and a lockdown say.
 */
static const char * const prefixes[] = {
	"kexec_", "kexec: ", "kexec-", "ima: ", "tpm: ",
	"PEFILE: ", "PKCS7: ", "PKCS7key: ", "MSCODE: ", "X.509: ", "SIG: ", "PKEY: ",
	"tpm tpm", "Lockdown: ",
};

/* A descriptor for kmsg_read() of what will be said from now on, or a negative errno */
int kmsg_open(void)
{
	int fd = open(KMSG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	if (lseek(fd, 0, SEEK_END) >= 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static bool of_a_load(const char *text)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(text, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* "5,1234,5678,-;text"; true if it was printed */
static bool print_line(FILE *out, const char *line)
{
	const char *text = strchr(line, ';');

	if (*line < '0' || *line > '9' || !text ||
	    strtoul(line, NULL, 10) >> LEVEL_BITS || !of_a_load(text + 1))
		return false;
	fputs("  kernel: ", out);
	text_plain(out, text + 1);
	fputc('\n', out);
	return true;
}

/* A record is a line, and more lines, which begin with a blank, of no interest here. */
static unsigned int print_lines(FILE *out, char *lines)
{
	unsigned int nr = 0;
	char *line, *rest;

	for (line = strtok_r(lines, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		nr += print_line(out, line);
	return nr;
}

static int read_lines(int fd, FILE *out)
{
	char record[KMSG_MAX];
	int nr = 0;
	ssize_t len;

	while ((len = read(fd, record, sizeof(record) - 1))) {
		if (len < 0 && errno != EPIPE && errno != EINTR)
			break;
		if (len < 0)
			continue;
		record[len] = '\0';
		nr += print_lines(out, record);
	}
	return nr;
}

/*
 * Takes what the kernel has said since @fd was got from kmsg_open(), and closes it.  If
 * it has been too much, the oldest lines are gone (EPIPE).
 */
void kmsg_read(int fd, struct kmsg *kmsg)
{
	FILE *text;

	memset(kmsg, 0, sizeof(*kmsg));
	kmsg->nr = fd;
	if (fd < 0)
		return;
	text = open_memstream(&kmsg->text, &kmsg->size);
	if (text)
		kmsg->nr = read_lines(fd, text);
	if (!text || fclose(text))
		kmsg->nr = -ENOMEM;
	close(fd);
}

void kmsg_print(struct kmsg *kmsg, FILE *out)
{
	if (kmsg->nr < 0)
		fprintf(out, "  " KMSG " cannot be read (%s); dmesg may tell more\n",
			strerror(-kmsg->nr));
	else if (kmsg->nr)
		fwrite(kmsg->text, 1, kmsg->size, out);
	else if (out == stderr)
		fputs("  The kernel's log has no line about it.\n", out);
	free(kmsg->text);
}
