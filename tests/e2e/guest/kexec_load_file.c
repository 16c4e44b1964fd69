// SPDX-License-Identifier: GPL-2.0
/*
 * The raw system calls behind kexec, for tests that look at errno.
 *
 * kexec(8) turns an errno into a sentence and takes decisions of its own; this
 * helper must do neither.  It prints "ok" or the name of the errno and exits
 * with 0 or 1.
 *
 *   kexec_load_file load FILE [initrd=PATH|bad-initrd|companions=PATH]
 *			      [cmdline=TEXT] [crash] [flags=NUMBER]
 *   kexec_load_file exec
 *
 * flags= are added to those that the other words ask for.
 *
 * Without an initrd the call is the one that systemctl kexec makes: -EBADF for
 * the descriptor and a flag that says so.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef KEXEC_FILE_COMPANIONS
#define KEXEC_FILE_COMPANIONS	0x00000040
#endif

static int report(const char *what, long rc)
{
	if (rc >= 0) {
		printf("%s ok\n", what);
		return 0;
	}
	printf("%s %s\n", what, strerrorname_np(errno));
	return 1;
}

static int load(int argc, char **argv)
{
	int fd = open(argv[0], O_RDONLY | O_CLOEXEC), initrd = -EBADF;
	unsigned long flags = KEXEC_FILE_NO_INITRAMFS;
	const char *text = "";

	if (fd < 0)
		return report("open", fd);
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "cmdline=", 8)) {
			text = argv[i] + 8;
		} else if (!strncmp(argv[i], "initrd=", 7)) {
			initrd = open(argv[i] + 7, O_RDONLY | O_CLOEXEC);
			if (initrd < 0)
				return report("open", initrd);
			flags &= ~KEXEC_FILE_NO_INITRAMFS;
		} else if (!strncmp(argv[i], "companions=", 11)) {
			initrd = open(argv[i] + 11, O_RDONLY | O_CLOEXEC);
			if (initrd < 0)
				return report("open", initrd);
			flags &= ~KEXEC_FILE_NO_INITRAMFS;
			flags |= KEXEC_FILE_COMPANIONS;
		} else if (!strncmp(argv[i], "flags=", 6)) {
			flags |= strtoul(argv[i] + 6, NULL, 0);
		} else if (!strcmp(argv[i], "bad-initrd")) {
			flags &= ~KEXEC_FILE_NO_INITRAMFS;
		} else if (!strcmp(argv[i], "crash")) {
			flags |= KEXEC_FILE_ON_CRASH;
		} else {
			return 2;
		}
	}
	return report("load", syscall(SYS_kexec_file_load, fd, initrd,
				      strlen(text) + 1, text, flags));
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "load"))
		return load(argc - 2, argv + 2);
	if (argc == 2 && !strcmp(argv[1], "exec")) {
		sync();
		return report("exec", syscall(SYS_reboot, LINUX_REBOOT_MAGIC1,
					      LINUX_REBOOT_MAGIC2,
					      LINUX_REBOOT_CMD_KEXEC, NULL));
	}
	fprintf(stderr, "usage: see the head of the source\n");
	return 2;
}
