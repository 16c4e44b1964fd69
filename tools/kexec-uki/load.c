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

#include <linux/kernel.h>
#include <linux/kexec.h>
#include <linux/pe.h>
#include <linux/uki.h>
#include <linux/unaligned.h>

#include "companions.h"
#include "kmsg.h"
#include "refusal.h"
#include "text.h"

/* SizeOfOptionalHeader and NumberOfSections have 16 bits each. */
#define HEADERS_MAX	(sizeof(struct pe_hdr) + 0xffff + \
			 0xffff * sizeof(struct section_header))

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

/* What the file has not, any more, stays zero. */
static int read_at(int fd, u8 *buf, size_t at, size_t end)
{
	ssize_t got;

	do {
		got = pread(fd, buf + at, end - at, at);
		if (got > 0)
			at += got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got < 0 ? -1 : 0;
}

/* Headers are where the DOS header says; nobody looks at what is before them. */
static int read_headers(int fd, u8 *buf, size_t len)
{
	size_t off;

	if (len < sizeof(struct mz_hdr))
		return 0;
	if (read_at(fd, buf, 0, sizeof(struct mz_hdr)))
		return -1;
	off = get_unaligned_le32(buf + offsetof(struct mz_hdr, peaddr));
	if (off >= len)
		return 0;
	return read_at(fd, buf, off, off + HEADERS_MAX < len ? off + HEADERS_MAX : len);
}

/*
 * 1, 0, or -1 if it cannot be read.  The file is not mapped: one that is cut off
 * meanwhile would be answered by a signal.  Memory that nobody writes to costs none.
 */
static int is_uki(int fd, size_t len)
{
	void *buf;
	int is;

	if (!len)
		return 0;
	if (len > U32_MAX + HEADERS_MAX)
		len = U32_MAX + HEADERS_MAX;
	buf = mmap(NULL, len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (buf == MAP_FAILED)
		return -1;
	is = read_headers(fd, buf, len) ? -1 : uki_recognise(buf, len);
	munmap(buf, len);
	return is;
}

/* NULL, or why it is not to be offered */
static const char *judge(int fd)
{
	struct stat st;
	int is;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "is not a regular file";
	is = is_uki(fd, st.st_size);
	if (is < 0)
		return strerror(errno);
	return is ? NULL : "is no UKI, there is no .linux section in it";
}

/*
 * What is no UKI is not offered: the kernel would take a plain kernel, too, but then
 * without an initrd, and not the way that a UKI is taken.
 */
static int open_uki(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const char *why;

	if (fd < 0)
		return complain_path(path, strerror(errno));
	why = judge(fd);
	if (!why)
		return fd;
	close(fd);
	return complain_path(path, why);
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

/* Whether sd-stub, and so the kernel, leaves nothing of it */
static bool is_blank(const char *cmdline)
{
	size_t len = strlen(cmdline);
	char *mangled = malloc(len + 1);
	bool blank;

	if (!mangled)
		return false;	/* one that is so long is for the kernel to refuse */
	blank = !uki_mangle_cmdline(mangled, cmdline, len);
	free(mangled);
	return blank;
}

/* The number of a profile is a word in front, as for sd-stub. */
static int make_cmdline(const struct options *options, struct load *load)
{
	const char *text = options->cmdline ?: "";
	int ret = 0;

	if (options->cmdline && is_blank(text))
		return complain("--cmdline: nothing is left of it, and the kernel would take the\n"
				"  UKI's own; if that is wanted, leave the option out");
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
	struct refusal refusal = {
		.flags = load->flags,
		.used_up = refusal_used_up(load->flags),
	};
	int fd = kmsg_open();
	struct kmsg kmsg;

	refusal.err = file_load(load);
	kmsg_read(fd, &kmsg);
	refusal.nr_lines = kmsg.nr;
	if (refusal.err)
		refusal_print(options, &refusal);
	else
		print_loaded(options, load);
	kmsg_print(&kmsg, refusal.err ? stderr : stdout);
	return refusal.err ? STATUS_DIFFERS : STATUS_OK;
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
	struct refusal refusal = { };

	if (options->crash)
		load.flags |= KEXEC_FILE_ON_CRASH;
	refusal.flags = load.flags;
	refusal.used_up = refusal_used_up(load.flags);
	refusal.err = file_load(&load);
	if (!refusal.err)
		return STATUS_OK;
	refusal_print(options, &refusal);
	return STATUS_DIFFERS;
}
