// SPDX-License-Identifier: GPL-2.0
/*
 * "kexec-uki load" and "kexec-uki unload"
 *
 * The UKI goes to the kernel whole, with all its companions, or not at all.  This must
 * never take a UKI apart, leave out what was asked for, try another way after a
 * refusal, or execute anything.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kexec.h>
#include <linux/uki.h>

#include "companions.h"
#include "kmsg.h"
#include "refusal.h"
#include "text.h"

/**
 * struct load - what goes to the kernel
 * @uki: descriptor of the UKI
 * @initrd: descriptor of an initrd or of the archive of companions, or -1
 * @cmdline: the command line, or NULL
 * @flags: KEXEC_FILE_*
 * @nr_companions: number of companions
 */
struct load {
	int uki;
	int initrd;
	char *cmdline;
	unsigned long flags;
	size_t nr_companions;
};

/* 0, or an errno */
static int file_load(const struct load *load)
{
	/* The kernel wants to see the NUL. */
	unsigned long len = load->cmdline ? strlen(load->cmdline) + 1 : 0;

	return syscall(SYS_kexec_file_load, load->uki, load->initrd, len,
		       load->cmdline, load->flags) ? errno : 0;
}

static bool is_uki(int fd, size_t len)
{
	void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	bool is;

	if (map == MAP_FAILED)
		return false;
	is = uki_recognise(map, len);
	munmap(map, len);
	return is;
}

/*
 * What is no UKI is not offered: the kernel would take a plain kernel, too, but then
 * without an initrd, and not the way that a UKI is taken.
 */
static int open_uki(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return complain("%s: %s", path, strerror(errno));
	if (fstat(fd, &st))
		complain("%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		complain("%s: is not a regular file", path);
	else if (!is_uki(fd, st.st_size))
		complain("%s: is no UKI, there is no .linux section in it", path);
	else
		return fd;
	close(fd);
	return -1;
}

static int open_initrd(const struct options *options, const char *uki,
		       struct load *load, struct archive *archive)
{
	if (options->initrd) {
		load->initrd = open(options->initrd, O_RDONLY | O_CLOEXEC);
		if (load->initrd < 0)
			return complain("%s: %s", options->initrd,
					strerror(errno));
		return 0;
	}
	if (companions_pack(options, uki, archive, &load->nr_companions))
		return -1;
	load->initrd = archive->fd;
	load->flags |= load->nr_companions ? KEXEC_FILE_COMPANIONS :
					     KEXEC_FILE_NO_INITRAMFS;
	return 0;
}

/* The number of a profile is a word in front, as for sd-stub. */
static int make_cmdline(const struct options *options, struct load *load)
{
	const char *text = options->cmdline ?: "";
	int ret = 0;

	if (options->has_profile)
		ret = asprintf(&load->cmdline, "@%u %s", options->profile, text);
	else if (*text)
		ret = asprintf(&load->cmdline, "%s", text);
	if (ret >= 0)
		return 0;
	load->cmdline = NULL;
	return complain("out of memory");
}

static void print_load(const struct options *options, const struct load *load)
{
	if (!options->verbose)
		return;
	if (load->cmdline) {
		fputs("command line: ", stdout);
		text_ascii(stdout, (const u8 *)load->cmdline,
			   strlen(load->cmdline));
		putchar('\n');
	}
	if (options->initrd)
		printf("initrd: %s\n", options->initrd);
	/* It has to be on the screen before anything can go wrong. */
	fflush(stdout);
}

static void print_loaded(const struct options *options, const struct load *load)
{
	printf("%s is loaded%s", options->uki,
	       options->crash ? " as the crash kernel" : "");
	if (load->nr_companions)
		printf(" with %zu companion%s", load->nr_companions,
		       load->nr_companions == 1 ? "" : "s");
	printf(".\n");
}

static int call(const struct options *options, const struct load *load)
{
	int kmsg = kmsg_open();
	int err = file_load(load);

	if (err)
		refusal_print(options, err, load->flags);
	else
		print_loaded(options, load);
	kmsg_print(kmsg, err ? stderr : stdout);
	return err ? STATUS_DIFFERS : STATUS_OK;
}

static void close_load(struct load *load, struct archive *archive)
{
	free(load->cmdline);
	if (load->uki >= 0)
		close(load->uki);
	if (load->initrd >= 0 && load->initrd != archive->fd)
		close(load->initrd);
	archive_close(archive);
}

int cmd_load(const struct options *options)
{
	struct load load = { .uki = -1, .initrd = -1 };
	struct archive archive = { .fd = -1 };
	int status = STATUS_UNKNOWN;
	char path[PATH_MAX];

	if (options->crash)
		load.flags |= KEXEC_FILE_ON_CRASH;
	if (!realpath(options->uki, path)) {
		complain("%s: %s", options->uki, strerror(errno));
		return STATUS_UNKNOWN;
	}
	load.uki = open_uki(path);
	if (load.uki >= 0 && !make_cmdline(options, &load) &&
	    !open_initrd(options, path, &load, &archive)) {
		print_load(options, &load);
		status = call(options, &load);
	}
	close_load(&load, &archive);
	return status;
}

int cmd_unload(const struct options *options)
{
	struct load load = { .uki = -1, .initrd = -1,
			     .flags = KEXEC_FILE_UNLOAD };
	int err;

	if (options->crash)
		load.flags |= KEXEC_FILE_ON_CRASH;
	err = file_load(&load);
	if (!err)
		return STATUS_OK;
	refusal_print(options, err, load.flags);
	return STATUS_DIFFERS;
}
