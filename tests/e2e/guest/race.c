// SPDX-License-Identifier: GPL-2.0
/*
 * Many processes that load, unload, execute, extend and read, all at once.
 *
 *   race SECONDS OUT WORKER...
 *
 * Each WORKER is a process of its own that does the same again and again:
 *
 *   uki=FILE plain=FILE crash=FILE	kexec_file_load()
 *   unload crash-unload		the same, to let an image go
 *   segments nothing			kexec_load() of a page, or of nothing
 *   exec				reboot(2) into what is loaded, which has to fail
 *   module=FILE			takes kexec_uki out, and puts it in again
 *   extend=DEVICE:PCR,PCR...		PCR_Extend and PCR_Event in turns
 *   ima=DIR				new files for IMA to measure
 *   pending=FILE			each open file has one list, whatever comes after
 *   log=FILE				only ever grows
 *   tail=FILE				the same, by one open file that goes on
 *   fixed=FILE				never changes
 *   word=FILE				is 0 or 1
 *   size=FILE				is always of one size
 *   lock=FILE				/sys/kernel/kexec_crash_size, which cannot be
 *					read while the kexec lock is held: for how long
 *
 * Every read is of an odd size.  What a reader has seen last, and each list that was
 * pending, is left in OUT.  A line for each worker says how often it got what; this
 * program judges what can be seen from one process and must never judge an errno,
 * which is what the test is for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORKERS	64
#define MAX_ERRNO	134
#define MAX_PCRS	24
#define MAX_FILE	(8 << 20)
#define MAX_LISTS	4096
#define KEPT		8
/* Fewer than what uses up a PCR's share, and a log that is soon told */
#define EXTENDS_OF_PCR	60
/* How long a worker may take for its last step */
#define PATIENCE	180
/* 64 MB: memory that every guest has, and that no image of ours wants */
#define SEGMENT_AT	0x4000000

struct worker {
	char name[96];
	const char *arg;
	long (*step)(struct worker *w);
	pid_t pid;
	unsigned long ok;
	unsigned long errnos[MAX_ERRNO];
	unsigned long pcrs[MAX_PCRS];
	double longest, held, longest_held;
	char failure[160];
};

static struct worker *workers;
static unsigned int nr_workers;
static volatile int *stop;
static double end;
static const char *out_dir;

static uint8_t got[MAX_FILE], seen[MAX_FILE];
static size_t seen_len;
static unsigned int seed;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static unsigned int random_below(unsigned int n)
{
	return rand_r(&seed) % n;
}

__attribute__((format(printf, 2, 3)))
static long fail(struct worker *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->failure, sizeof(w->failure), format, args);
	va_end(args);
	*stop = 1;
	errno = 0;
	return -1;
}

static void save(const char *name, unsigned int n, const void *data, size_t len)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.%u", out_dir, name, n);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		perror(path);
	close(fd);
}

/* ---- loads --------------------------------------------------------------- */

static long file_load(const char *path, unsigned long flags)
{
	int fd = -1, saved;
	long ret;

	if (path) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -1;
	}
	ret = syscall(SYS_kexec_file_load, fd, -EBADF, 1UL, "",
		      flags | KEXEC_FILE_NO_INITRAMFS);
	saved = errno;
	close(fd);
	errno = saved;
	return ret;
}

static long step_load(struct worker *w)
{
	return file_load(w->arg, 0);
}

static long step_crash(struct worker *w)
{
	return file_load(w->arg, KEXEC_FILE_ON_CRASH);
}

static long step_unload(struct worker *w)
{
	(void)w;
	usleep(random_below(300000));
	return file_load(NULL, KEXEC_FILE_UNLOAD);
}

static long step_crash_unload(struct worker *w)
{
	(void)w;
	usleep(random_below(300000));
	return file_load(NULL, KEXEC_FILE_UNLOAD | KEXEC_FILE_ON_CRASH);
}

static long step_segments(struct worker *w)
{
	static uint8_t page[4096];
	struct kexec_segment segment = {
		.buf = page,
		.bufsz = sizeof(page),
		.mem = (void *)SEGMENT_AT,
		.memsz = sizeof(page),
	};

	(void)w;
	usleep(random_below(30000));
	return syscall(SYS_kexec_load, SEGMENT_AT, 1UL, &segment,
		       KEXEC_ARCH_DEFAULT);
}

static long step_nothing(struct worker *w)
{
	(void)w;
	usleep(random_below(300000));
	return syscall(SYS_kexec_load, 0UL, 0UL, NULL, KEXEC_ARCH_DEFAULT);
}

static long step_exec(struct worker *w)
{
	(void)w;
	usleep(random_below(50000));
	return syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		       LINUX_REBOOT_CMD_KEXEC, NULL);
}

static long step_module(struct worker *w)
{
	int fd, saved;
	long ret;

	usleep(random_below(20000));
	if (random_below(4))
		return syscall(SYS_delete_module, "kexec_uki", O_NONBLOCK);

	fd = open(w->arg, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, "", 0);
	saved = errno;
	close(fd);
	errno = saved;
	return ret;
}

/* ---- extends ------------------------------------------------------------- */

#define ST_SESSIONS	0x8002
#define CC_PCR_EXTEND	0x182
#define CC_PCR_EVENT	0x13c
#define RS_PW		0x40000009

static const struct bank {
	uint16_t alg, size;
} banks[] = { { 0x04, 20 }, { 0x0b, 32 }, { 0x0c, 48 }, { 0x0d, 64 } };

#define NR_BANKS (sizeof(banks) / sizeof(banks[0]))

static uint8_t command[1024];
static size_t command_len;

static void put(uint64_t value, int bytes)
{
	while (bytes--)
		command[command_len++] = value >> (8 * bytes);
}

static void begin_command(uint32_t code, uint32_t pcr)
{
	command_len = 0;
	put(ST_SESSIONS, 2);
	put(0, 4);
	put(code, 4);
	put(pcr, 4);
	put(9, 4);
	put(RS_PW, 4);
	put(0, 5);
}

static long transmit(struct worker *w, int fd)
{
	size_t len = command_len;
	ssize_t rsp;

	command_len = 2;
	put(len, 4);
	if (write(fd, command, len) != (ssize_t)len)
		return -1;
	rsp = read(fd, command, sizeof(command));
	if (rsp < 0)
		return -1;
	if (rsp < 10 || command[6] || command[7] || command[8] || command[9])
		return fail(w, "response of %zd bytes, code %02x%02x", rsp,
			    command[8], command[9]);
	return 0;
}

static long extend(struct worker *w, int fd, uint32_t pcr)
{
	static unsigned int count;

	count++;
	if (count % 4 == 0) {
		begin_command(CC_PCR_EVENT, pcr);
		put(sizeof(count), 2);
		put(count, sizeof(count));
		return transmit(w, fd);
	}
	begin_command(CC_PCR_EXTEND, pcr);
	put(NR_BANKS, 4);
	for (size_t n = 0; n < NR_BANKS; n++) {
		put(banks[n].alg, 2);
		for (int i = 0; i < banks[n].size; i += 4)
			put(getpid() + count, 4);
	}
	return transmit(w, fd);
}

static int choose_pcr(struct worker *w, const char *list)
{
	unsigned int pcr = strtoul(list, NULL, 10), n = 0;

	for (const char *p = list; p; p = strchr(p + 1, ','))
		n++;
	for (n = random_below(n); n; n--) {
		list = strchr(list, ',') + 1;
		pcr = strtoul(list, NULL, 10);
	}
	return w->pcrs[pcr] < EXTENDS_OF_PCR ? (int)pcr : -1;
}

static long step_extend(struct worker *w)
{
	static int fd = -1;
	const char *colon = strchr(w->arg, ':');
	char device[32] = "";
	int pcr;

	if (fd < 0) {
		memcpy(device, w->arg, colon - w->arg);
		fd = open(device, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -1;
	}
	usleep(random_below(100000));
	pcr = choose_pcr(w, colon + 1);
	if (pcr < 0)
		return 0;
	if (extend(w, fd, pcr))
		return -1;
	w->pcrs[pcr]++;
	return 0;
}

static long step_ima(struct worker *w)
{
	static unsigned int count;
	char path[PATH_MAX], byte;
	int fd;

	usleep(random_below(500000));
	snprintf(path, sizeof(path), "%s/%u", w->arg, count);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		return -1;
	dprintf(fd, "%d %u\n", getpid(), count++);
	close(fd);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, &byte, 1) != 1)
		return fail(w, "%s cannot be read: %s", path, strerror(errno));
	close(fd);
	unlink(path);
	return 0;
}

/* ---- readers ------------------------------------------------------------- */

/* A read of an odd size; short ones are what everybody gets at times */
static ssize_t read_some(int fd, uint8_t *buf, size_t room)
{
	static const unsigned int sizes[] = { 1, 3, 31, 257, 4097, 65537 };
	size_t size = sizes[random_below(6)];

	if (random_below(2))
		size = 1 + random_below(size);
	return read(fd, buf, size < room ? size : room);
}

/* From where the file is to its end; -1 with errno */
static ssize_t read_rest(int fd, uint8_t *buf)
{
	size_t len = 0;
	ssize_t ret;

	do {
		ret = read_some(fd, buf + len, MAX_FILE - len);
		if (ret < 0)
			return -1;
		len += ret;
	} while (ret);
	return len;
}

static long open_and_read(struct worker *w, int *fd)
{
	ssize_t len;
	int saved;

	*fd = open(w->arg, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return -1;
	len = read_rest(*fd, got);
	if (len < 0) {
		saved = errno;
		close(*fd);
		errno = saved;
	}
	return len;
}

/* Some bytes from anywhere, by an open file, against @data of @len bytes */
static long reread(struct worker *w, int fd, const uint8_t *data, size_t len)
{
	uint8_t buf[512];
	size_t at = len ? random_below(len) : 0;
	size_t want = 1 + random_below(sizeof(buf));
	ssize_t ret;

	if (lseek(fd, at, SEEK_SET) != (off_t)at)
		return fail(w, "lseek to %zu: %s", at, strerror(errno));
	ret = read(fd, buf, want);
	if (ret < 0)
		return -1;
	if ((size_t)ret > len - at)
		ret = len - at;
	if (memcmp(buf, data + at, ret))
		return fail(w, "other bytes at %zu of %zu", at, len);
	return 0;
}

/* What was read before must be there still, with something behind it or not */
static long take_growth(struct worker *w, size_t len)
{
	if (len < seen_len)
		return fail(w, "%zu bytes were there, and now %zu", seen_len,
			    len);
	if (memcmp(got, seen, seen_len))
		return fail(w, "the first %zu bytes have changed", seen_len);
	memcpy(seen + seen_len, got + seen_len, len - seen_len);
	seen_len = len;
	return 0;
}

static long step_log(struct worker *w)
{
	int fd;
	ssize_t len = open_and_read(w, &fd);
	long ret;

	if (len < 0)
		return -1;
	ret = take_growth(w, len);
	for (int i = 0; i < 4 && !ret; i++)
		ret = reread(w, fd, seen, seen_len);
	close(fd);
	usleep(random_below(50000));
	return ret;
}

static long step_tail(struct worker *w)
{
	static int fd = -1;
	ssize_t len;

	if (fd < 0)
		fd = open(w->arg, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	usleep(random_below(20000));
	len = read_rest(fd, seen + seen_len);
	if (len < 0)
		return -1;
	seen_len += len;
	return 0;
}

static long step_fixed(struct worker *w)
{
	size_t before = seen_len;
	long ret = step_log(w);

	if (!ret && before && seen_len != before)
		return fail(w, "%zu bytes have become %zu", before, seen_len);
	return ret;
}

static long step_word(struct worker *w)
{
	int fd;
	ssize_t len = open_and_read(w, &fd);

	if (len < 0)
		return -1;
	close(fd);
	if (len != 2 || (got[0] != '0' && got[0] != '1') || got[1] != '\n')
		return fail(w, "reads \"%.*s\"", (int)len, got);
	usleep(random_below(10000));
	return 0;
}

static long step_size(struct worker *w)
{
	int fd;
	ssize_t len = open_and_read(w, &fd);

	if (len < 0)
		return -1;
	close(fd);
	if (!len || (seen_len && seen_len != (size_t)len))
		return fail(w, "%zu bytes have become %zd", seen_len, len);
	seen_len = len;
	usleep(random_below(50000));
	return 0;
}

static long step_lock(struct worker *w)
{
	static double since;
	double before = now();
	int fd = open(w->arg, O_RDONLY | O_CLOEXEC), busy;
	char byte;

	busy = read(fd, &byte, 1) < 0;
	close(fd);
	if (!busy && since) {
		w->held += before - since;
		if (before - since > w->longest_held)
			w->longest_held = before - since;
	}
	since = busy ? since ?: before : 0;
	usleep(200);
	return 0;
}

static uint64_t hash(const uint8_t *data, size_t len)
{
	uint64_t value = 0xcbf29ce484222325;

	while (len--)
		value = (value ^ *data++) * 0x100000001b3;
	return value;
}

/* Leaves each list that is new in OUT. */
static void collect(const uint8_t *data, size_t len)
{
	static uint64_t known[MAX_LISTS];
	static unsigned int nr_known;
	uint64_t value = hash(data, len);

	for (unsigned int i = 0; i < nr_known; i++)
		if (known[i] == value)
			return;
	if (nr_known == MAX_LISTS)
		return;
	known[nr_known] = value;
	save("pending", nr_known++, data, len);
}

/* A file that was opened long ago still has the list of that time. */
static long step_pending(struct worker *w)
{
	static struct {
		int fd;
		size_t len;
		uint8_t *data;
	} kept[KEPT];
	unsigned int n = random_below(KEPT);
	ssize_t len;
	long ret = 0;
	int fd;

	usleep(random_below(5000));
	if (kept[n].data)
		ret = reread(w, kept[n].fd, kept[n].data, kept[n].len);
	len = ret ? -1 : open_and_read(w, &fd);
	if (len < 0)
		return -1;
	collect(got, len);
	if (kept[n].data)
		close(kept[n].fd);
	kept[n].fd = fd;
	kept[n].len = len;
	kept[n].data = realloc(kept[n].data, len + 1);
	memcpy(kept[n].data, got, len);
	return 0;
}

/* ---- all of them --------------------------------------------------------- */

static const struct {
	const char *name;
	long (*step)(struct worker *w);
} kinds[] = {
	{ "uki", step_load },
	{ "plain", step_load },
	{ "crash", step_crash },
	{ "unload", step_unload },
	{ "crash-unload", step_crash_unload },
	{ "segments", step_segments },
	{ "nothing", step_nothing },
	{ "exec", step_exec },
	{ "module", step_module },
	{ "extend", step_extend },
	{ "ima", step_ima },
	{ "pending", step_pending },
	{ "log", step_log },
	{ "tail", step_tail },
	{ "fixed", step_fixed },
	{ "word", step_word },
	{ "size", step_size },
	{ "lock", step_lock },
};

static int add_worker(const char *text)
{
	struct worker *w = &workers[nr_workers];
	size_t len = strcspn(text, "=");

	if (nr_workers == MAX_WORKERS)
		return -1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i].name) != len ||
		    strncmp(kinds[i].name, text, len))
			continue;
		w->step = kinds[i].step;
		w->arg = text[len] ? text + len + 1 : NULL;
		snprintf(w->name, sizeof(w->name), "%s", text);
		nr_workers++;
		return 0;
	}
	return -1;
}

static void work(struct worker *w)
{
	double start, took;
	long ret;

	seed = getpid();
	while (!*stop && now() < end) {
		start = now();
		ret = w->step(w);
		took = now() - start;
		if (took > w->longest)
			w->longest = took;
		if (ret >= 0)
			w->ok++;
		else if (errno > 0 && errno < MAX_ERRNO)
			w->errnos[errno]++;
	}
	if (w->step == step_log || w->step == step_tail)
		save(w->step == step_log ? "log" : "tail", w - workers, seen,
		     seen_len);
	exit(0);
}

static int start_workers(void)
{
	for (unsigned int i = 0; i < nr_workers; i++) {
		workers[i].pid = fork();
		if (workers[i].pid < 0)
			return -1;
		if (!workers[i].pid)
			work(&workers[i]);
	}
	return 0;
}

static int wait_for(struct worker *w)
{
	int status;

	while (!waitpid(w->pid, &status, WNOHANG)) {
		if (now() > end + PATIENCE) {
			fail(w, "hangs");
			kill(w->pid, SIGKILL);
			return 1;
		}
		usleep(10000);
	}
	if (!w->failure[0] && (!WIFEXITED(status) || WEXITSTATUS(status)))
		fail(w, "ended with %#x", status);
	return !!w->failure[0];
}

static void tell(const struct worker *w)
{
	printf("%s ok=%lu", w->name, w->ok);
	for (int i = 1; i < MAX_ERRNO; i++)
		if (w->errnos[i])
			printf(" %s=%lu", strerrorname_np(i), w->errnos[i]);
	for (int i = 0; i < MAX_PCRS; i++)
		if (w->pcrs[i])
			printf(" pcr%d=%lu", i, w->pcrs[i]);
	if (w->step == step_lock)
		printf(" held=%.3f most=%.3f", w->held, w->longest_held);
	printf(" longest=%.2f", w->longest);
	if (w->failure[0])
		printf(" failed: %s", w->failure);
	printf("\n");
}

int main(int argc, char **argv)
{
	int failed = 0;

	workers = mmap(NULL, MAX_WORKERS * sizeof(*workers) + sizeof(*stop),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	if (argc < 4 || workers == MAP_FAILED)
		return 2;
	stop = (int *)(workers + MAX_WORKERS);
	end = now() + atof(argv[1]);
	out_dir = argv[2];
	for (int i = 3; i < argc; i++) {
		if (add_worker(argv[i])) {
			fprintf(stderr, "%s: what is that?\n", argv[i]);
			return 2;
		}
	}
	if (start_workers())
		return 2;
	for (unsigned int i = 0; i < nr_workers; i++)
		failed |= wait_for(&workers[i]);
	for (unsigned int i = 0; i < nr_workers; i++)
		tell(&workers[i]);
	return failed;
}
