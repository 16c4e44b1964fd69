// SPDX-License-Identifier: GPL-2.0
/*
 * Lets the N-th allocation or copy of a system call fail, for each N.
 *
 *   failnth load FILE [cmdline=TEXT] [initrd=PATH|companions=PATH] [crash]
 *   failnth unload FILE [...]
 *   failnth exec FILE from=N [...]
 *   failnth read PATH
 *
 * See Documentation/fault-injection/fault-injection.rst, /proc/self/fail-nth: it
 * counts all that can fail together, slab, pages, and copies from and to user
 * space.  The loop ends with the first N that is never reached.
 *
 * load   loads two command lines in turns.  A load that fails must leave the other
 *        one loaded and pending; one that does not must have loaded all.
 * exec   executes, until it jumps: no fault, or one that is got over.  It ends with 3
 *        as soon as a PCR has moved, so that the caller can look at the log.
 * read   must see all of a file or an error.
 *
 * This must never leave a fault armed for a system call that it did not mean.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "splats.h"

#ifndef KEXEC_FILE_COMPANIONS
#define KEXEC_FILE_COMPANIONS	0x00000040
#endif
#define PENDING	"/sys/kernel/security/kexec/pending_measurements"
#define MAX_KINDS 400

struct bytes {
	char *data;
	size_t len;
};

/* What was injected, and what came of it */
static struct kind {
	char text[240];
	unsigned long times;
} kinds[MAX_KINDS];

static int kernel, extra = -EBADF, nth, kmsg;
static unsigned long flags = KEXEC_FILE_NO_INITRAMFS, sites, failed, nr_bad;
static const char *cmdline = "";
static char where[200];

/* ---- the kernel -------------------------------------------------------- */

static void arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	/* A fault that is still armed can hit this very write, and is spent. */
	if (pwrite(nth, text, len, 0) != len &&
	    pwrite(nth, text, len, 0) != len) {
		perror("fail-nth");
		exit(2);
	}
}

/* Whether the fault has happened; reading can itself be the one that fails. */
static bool disarm(void)
{
	char text[16] = "";
	ssize_t n = pread(nth, text, sizeof(text) - 1, 0);

	arm(0);
	return n > 0 && atoi(text) == 0;
}

/* Its own machinery says nothing about who has asked for the memory. */
static bool machinery(const char *name)
{
	static const char *const heads[] = {
		"dump_stack", "should_fail", "__should_fail", "fail_dump",
		"__dump_stack", "__kmalloc", "kmem_cache_", "__kvmalloc",
		"kmalloc", "__alloc", "alloc_", "__vmalloc", "vmalloc",
		"vzalloc", "krealloc", "prepare_alloc", "___slab", "__slab",
		"__kmem", "_copy_", "strncpy_from", "__get_free", "get_free",
		"get_zeroed", "__get_vm_area", "__x64_sys", "memdup", "kmemdup",
		"kasan_", "__kasan", "folio_alloc", "kvasprintf", "kasprintf",
		"__fault", "show_stack", "kernel_", "__create_object",
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		if (!strncmp(name, heads[i], strlen(heads[i])))
			return true;
	return false;
}

/* The last that is heard of this kernel, if it jumps; else that it lives */
static void announce(const char *what, unsigned int n, const char *more)
{
	int fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY);

	dprintf(fd, "\n@say %s %u %s\n", what, n, more);
	tcdrain(fd);
	close(fd);
}

static const char *const splats[] = { SPLATS };

static void bad(unsigned int n, const char *why)
{
	if (nr_bad++ < 40)
		printf("bad %u %s: %s\n", n, where, why);
	announce("bad", n, where);
	fflush(stdout);
}

/* Which fault it was, by the first callers that the kernel names */
static void listen_to_kernel(unsigned int n)
{
	static char line[8192];
	int frames = 0;
	ssize_t got;

	where[0] = 0;
	while ((got = read(kmsg, line, sizeof(line) - 1)) > 0 ||
	       (got < 0 && errno == EPIPE)) {
		char *text, *name, *plus;

		if (got < 0) {
			bad(n, "lines of the kernel were lost");
			continue;
		}
		line[got] = 0;
		for (size_t i = 0; i < sizeof(splats) / sizeof(*splats); i++)
			if (strstr(line, splats[i]))
				bad(n, line);
		text = strchr(line, ';');
		if (!text)
			continue;
		name = strstr(text, "name ");
		if (name && strstr(text, ", interval"))
			snprintf(where, sizeof(where), "%.*s:",
				 (int)strcspn(name + 5, ","), name + 5);
		name = text + 1 + strspn(text + 1, " ");
		plus = strstr(name, "+0x");
		if (!plus || !where[0] || frames > 1)
			continue;
		*plus = 0;
		if (strchr(name, ' ') || machinery(name))
			continue;
		frames++;
		snprintf(where + strlen(where), sizeof(where) - strlen(where),
			 " %s", name);
	}
	if (!where[0])
		strcpy(where, "quiet");
}

static void count(const char *result)
{
	char text[240];

	snprintf(text, sizeof(text), "%s %s", result, where);
	for (int i = 0; i < MAX_KINDS; i++) {
		if (!kinds[i].text[0])
			strcpy(kinds[i].text, text);
		if (strcmp(kinds[i].text, text))
			continue;
		kinds[i].times++;
		return;
	}
}

/* Without data if there was an error; an empty file has some. */
static struct bytes slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct bytes b = {};
	ssize_t n;

	if (fd < 0)
		return b;
	do {
		b.data = realloc(b.data, b.len + 65536);
		n = read(fd, b.data + b.len, 65536);
		b.len += n > 0 ? n : 0;
	} while (n > 0);
	close(fd);
	if (n < 0) {
		free(b.data);
		b = (struct bytes){};
	}
	return b;
}

static bool same(struct bytes a, struct bytes b)
{
	return a.len == b.len && !memcmp(a.data, b.data, a.len);
}

static bool loaded(void)
{
	struct bytes b = slurp(flags & KEXEC_FILE_ON_CRASH ?
			       "/sys/kernel/kexec_crash_loaded" :
			       "/sys/kernel/kexec_loaded");
	bool is = b.len && b.data[0] == '1';

	free(b.data);
	return is;
}

/* ---- load -------------------------------------------------------------- */

/* The errno; the text differs in its last letter. */
static int load_with(int which, unsigned int n, bool *injected)
{
	char text[512];
	int err = 0, len;

	len = snprintf(text, sizeof(text), "%s%s%c", cmdline,
		       *cmdline ? " fault=" : "fault=", 'a' + which);
	arm(n);
	if (syscall(SYS_kexec_file_load, kernel, extra, len + 1, text, flags))
		err = errno;
	*injected = disarm();
	return err;
}

static void load_or_die(int which)
{
	bool injected;
	int err = load_with(which, 0, &injected);

	if (!err)
		return;
	printf("bad 0 a good load: %s\n", strerrorname_np(err));
	exit(1);
}

/* Nobody may take it for something else than a lack of memory. */
static bool right_errno(int err)
{
	return err == ENOMEM || err == EFAULT;
}

static void check_failed(unsigned int n, int err, struct bytes old)
{
	struct bytes now = slurp(PENDING);

	if (!right_errno(err))
		bad(n, strerrorname_np(err));
	if (!(flags & KEXEC_FILE_ON_CRASH)) {
		if (!loaded())
			bad(n, "what was loaded before is not any more");
		if (!same(now, old))
			bad(n, "something else is pending after a failure");
	}
	free(now.data);
	failed++;
}

static void check_loaded(unsigned int n, struct bytes want)
{
	struct bytes now = slurp(PENDING);

	if (!loaded())
		bad(n, "not loaded after a success");
	if (!(flags & KEXEC_FILE_ON_CRASH) && !same(now, want))
		bad(n, "loaded, but not all is pending");
	free(now.data);
}

static int do_load(void)
{
	struct bytes lists[2] = {};
	bool injected = true;
	int now = 1, err;

	for (int i = 0; i < 2; i++) {
		load_or_die(i);
		if (!(flags & KEXEC_FILE_ON_CRASH))
			lists[i] = slurp(PENDING);
	}
	listen_to_kernel(0);
	for (unsigned int n = 1; injected; n++) {
		if (!(n % 50))
			announce("load", n, "");
		err = load_with(1 - now, n, &injected);
		listen_to_kernel(n);
		if (injected)
			sites++;
		else if (err)
			bad(n, "failed without a fault");
		if (err)
			check_failed(n, err, lists[now]);
		else
			check_loaded(n, lists[1 - now]);
		if (!err)
			now = 1 - now;
		count(err ? strerrorname_np(err) : "ok");
	}
	load_or_die(1 - now);
	return 0;
}

static int unload(void)
{
	return syscall(SYS_kexec_file_load, -1, -1, 0, NULL, KEXEC_FILE_UNLOAD |
		       (flags & KEXEC_FILE_ON_CRASH));
}

static int do_unload(void)
{
	bool injected = true;

	for (unsigned int n = 1; injected; n++) {
		int err;

		load_or_die(0);
		listen_to_kernel(n);
		arm(n);
		err = unload() ? errno : 0;
		injected = disarm();
		listen_to_kernel(n);
		sites += injected;
		if (loaded() != !!err)
			bad(n, "unloaded and not, or the other way round");
		count(err ? strerrorname_np(err) : "ok");
	}
	return 0;
}

/* ---- execute ----------------------------------------------------------- */

/* All but IMA's, which moves with each load */
static struct bytes pcrs(void)
{
	struct bytes all = {};
	glob_t g;

	if (glob("/sys/class/tpm/tpm0/pcr-*/*", 0, NULL, &g))
		exit(2);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct bytes one;

		if (!strcmp(strrchr(g.gl_pathv[i], '/'), "/10"))
			continue;
		one = slurp(g.gl_pathv[i]);
		all.data = realloc(all.data, all.len + one.len + 1);
		memcpy(all.data + all.len, one.data, one.len);
		all.len += one.len;
		free(one.data);
	}
	globfree(&g);
	return all;
}

static int execute(unsigned int n)
{
	int err;

	arm(n);
	err = syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		      LINUX_REBOOT_CMD_KEXEC, NULL) ? errno : 0;
	if (!disarm())
		bad(n, "failed without a fault");
	listen_to_kernel(n);
	return err;
}

/* The guide: ENOMEM and ENOSPC come before the first extend, EIO with it. */
static int do_exec(unsigned int from)
{
	struct bytes before = pcrs();
	bool fresh = false;

	for (unsigned int n = from;; n++) {
		struct bytes after;
		int err;

		if (!fresh)
			load_or_die(0);
		announce("exec", n, "");
		listen_to_kernel(n);
		err = execute(n);
		printf("exec %u %s %s\n", n, strerrorname_np(err), where);
		announce(strerrorname_np(err), n, where);
		after = pcrs();
		if (err != ENOMEM && err != EIO)
			bad(n, strerrorname_np(err));
		fresh = err == ENOMEM;
		if (!same(before, after)) {
			if (err != EIO)
				bad(n, "PCRs have moved");
			return 3;
		}
		free(after.data);
	}
}

/* ---- read -------------------------------------------------------------- */

static int do_read(const char *path)
{
	struct bytes want = slurp(path), got;
	char *room = malloc(want.len + 65536);
	bool injected = true;

	free(room);	/* no faults in the heap of ours */
	for (unsigned int n = 1; injected; n++) {
		arm(n);
		got = slurp(path);
		injected = disarm();
		listen_to_kernel(n);
		sites += injected;
		if (got.data && !same(got, want))
			bad(n, "a part of the file, and no error");
		count(got.data ? "ok" : "error");
		free(got.data);
	}
	return 0;
}

/* ---- all --------------------------------------------------------------- */

static void option(const char *word, unsigned int *from)
{
	if (!strncmp(word, "cmdline=", 8)) {
		cmdline = word + 8;
	} else if (!strncmp(word, "initrd=", 7)) {
		extra = open(word + 7, O_RDONLY);
		flags &= ~KEXEC_FILE_NO_INITRAMFS;
	} else if (!strncmp(word, "companions=", 11)) {
		extra = open(word + 11, O_RDONLY);
		flags &= ~KEXEC_FILE_NO_INITRAMFS;
		flags |= KEXEC_FILE_COMPANIONS;
	} else if (!strcmp(word, "crash")) {
		flags |= KEXEC_FILE_ON_CRASH;
	} else if (!strncmp(word, "from=", 5)) {
		*from = atoi(word + 5);
	} else {
		exit(2);
	}
}

static int report(int status, time_t start)
{
	for (int i = 0; i < MAX_KINDS && kinds[i].text[0]; i++)
		printf("kind %lu %s\n", kinds[i].times, kinds[i].text);
	printf("sites %lu\nfailed %lu\nseconds %ld\nbad %lu\n", sites, failed,
	       (long)(time(NULL) - start), nr_bad);
	return nr_bad ? 1 : status;
}

int main(int argc, char **argv)
{
	time_t start = time(NULL);
	unsigned int from = 1;
	int status = 2;

	if (argc < 3)
		return 2;
	nth = open("/proc/thread-self/fail-nth", O_RDWR);
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	kernel = open(argv[2], O_RDONLY);
	if (nth < 0 || kmsg < 0 || kernel < 0) {
		perror("failnth");
		return 2;
	}
	lseek(kmsg, 0, SEEK_END);
	for (int i = 3; i < argc; i++)
		option(argv[i], &from);
	if (!strcmp(argv[1], "load"))
		status = do_load();
	else if (!strcmp(argv[1], "unload"))
		status = do_unload();
	else if (!strcmp(argv[1], "exec"))
		status = do_exec(from);
	else if (!strcmp(argv[1], "read"))
		status = do_read(argv[2]);
	return report(status, start);
}
