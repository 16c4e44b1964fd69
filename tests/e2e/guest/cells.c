// SPDX-License-Identifier: GPL-2.0
/*
 * Many loads in a row, each answered by one line.
 *
 * It says what came of each call and judges nothing: what is right is the host's
 * to know.  Nothing is left loaded behind a call.
 *
 *   cells run LIST ANSWERS	one call a line: FILE INITRD TEXT FLAGS
 *   cells label FILE LABEL	LABEL's content becomes FILE's security.ima
 *   cells module FILE		tries to load FILE as a module, and says nothing
 *
 * "-" stands for no initrd, and for no command line.  FILE can be "kexec_load": the
 * old system call, with a page of zeros.  With "direct:" before it FILE is opened
 * with O_DIRECT.  FLAGS are a number, for
 * kexec_file_load().  An answer has the errno's name or "ok", whether an image and a
 * crash kernel are loaded then, and behind it come the lines of the kernel's log,
 * each after a tab.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define READ_CLEAR	4	/* SYSLOG_ACTION_READ_CLEAR */
#define DIRECT		"direct:"

static char kernel_log[1 << 20];

/* The lowest address of what /proc/iomem calls @name, 0 without it */
static unsigned long resource(const char *name)
{
	unsigned long start = 0, first;
	char line[256];
	FILE *f = fopen("/proc/iomem", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, name) && sscanf(line, "%lx-", &first) == 1)
			start = first;
	if (f)
		fclose(f);
	return start;
}

static long old_call(unsigned long flags)
{
	static char page[4096];
	int crash = flags & KEXEC_FILE_ON_CRASH;
	struct kexec_segment segment = {
		.buf = page,
		.bufsz = sizeof(page),
		.mem = (void *)(crash ? resource("Crash kernel") : 32UL << 20),
		.memsz = sizeof(page),
	};

	return syscall(SYS_kexec_load, segment.mem, 1UL, &segment,
		       KEXEC_ARCH_DEFAULT | (crash ? KEXEC_ON_CRASH : 0));
}

static long call(const char *file, const char *initrd, const char *text,
		 unsigned long flags)
{
	int fd, initrd_fd = -EBADF, err, mode = O_RDONLY | O_CLOEXEC;
	long rc;

	if (!strcmp(file, "kexec_load"))
		return old_call(flags);

	if (!strncmp(file, DIRECT, strlen(DIRECT))) {
		file += strlen(DIRECT);
		mode |= O_DIRECT;
	}
	fd = open(file, mode);
	if (fd < 0)
		return fd;
	if (strcmp(initrd, "-"))
		initrd_fd = open(initrd, O_RDONLY | O_CLOEXEC);
	else
		flags |= KEXEC_FILE_NO_INITRAMFS;
	text = strcmp(text, "-") ? text : "";
	rc = syscall(SYS_kexec_file_load, fd, initrd_fd, strlen(text) + 1,
		     text, flags);
	err = errno;
	if (initrd_fd >= 0)
		close(initrd_fd);
	close(fd);
	errno = err;
	return rc;
}

static int loaded(const char *path)
{
	char c = '?';
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &c, 1) != 1)
		c = '?';
	if (fd >= 0)
		close(fd);
	return c;
}

static void answer(FILE *out, const char *result, unsigned long flags)
{
	char *line, *save = NULL;
	int len;

	fprintf(out, "%s %c %c\n", result, loaded("/sys/kernel/kexec_loaded"),
		loaded("/sys/kernel/kexec_crash_loaded"));
	len = klogctl(READ_CLEAR, kernel_log, sizeof(kernel_log) - 1);
	kernel_log[len > 0 ? len : 0] = '\0';
	for (line = strtok_r(kernel_log, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		fprintf(out, "\t%s\n", line);
	syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL,
		KEXEC_FILE_UNLOAD | (flags & KEXEC_FILE_ON_CRASH));
}

static int run(const char *list, const char *answers)
{
	char file[256], initrd[256], text[256];
	FILE *in = fopen(list, "r"), *out = fopen(answers, "w");
	unsigned long flags;

	if (!in || !out)
		return 2;
	klogctl(READ_CLEAR, kernel_log, sizeof(kernel_log) - 1);
	while (fscanf(in, "%255s %255s %255s %li", file, initrd, text,
		      (long *)&flags) == 4) {
		long rc = call(file, initrd, text, flags);

		answer(out, rc < 0 ? strerrorname_np(errno) : "ok", flags);
	}
	fclose(in);
	return fclose(out) ? 2 : 0;
}

static int label(const char *file, const char *from)
{
	char content[4096];
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, content, sizeof(content));

	if (len <= 0 || setxattr(file, "security.ima", content, len, 0)) {
		perror(file);
		return 1;
	}
	return 0;
}

static int module(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 1;
	syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "run"))
		return run(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "label"))
		return label(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "module"))
		return module(argv[2]);
	fprintf(stderr, "usage: see the head of the source\n");
	return 2;
}
