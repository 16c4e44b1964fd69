// SPDX-License-Identifier: GPL-2.0
/*
 * Loads thousands of damaged UKIs through the system call.
 *
 *   mutate UKI ARCHIVE BZIMAGE [count=N] [from=N] [step=N] [locked]
 *
 * UKI, ARCHIVE (companions, with an addon) and BZIMAGE are good.  Mutation number N
 * is the same in each run on the same files: first every field of the headers, with
 * values that have hurt others, and sizes, contents and arguments; then, up to
 * count, random ones with a generator seeded by N.  from and step choose some of
 * those that are not about arguments; locked says that signatures are enforced.
 *
 * What comes of it is judged here by rules of our own, from the PE format and the
 * guide's table of errnos: this must never use code of the loader.  It prints a
 * histogram, "bad" lines and their number, and exits with 1 if there are any.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "splats.h"

#ifndef KEXEC_FILE_COMPANIONS
#define KEXEC_FILE_COMPANIONS	0x00000040
#endif
#define KNOWN_FLAGS	0x7fUL
#define SLACK		8192
/* A mutant may load, or be refused with any errno of its class */
#define ANY		0
#define OWN		(-2)
#define MAX_BAD		40

struct blob {
	uint8_t *data;
	size_t len;
};

static struct blob good[3];	/* what they were */
enum { UKI, ARCHIVE, BZIMAGE };

/* The mutant: what the system call gets */
static struct {
	struct blob kernel, extra;
	const char *text;
	size_t text_len;
	unsigned long flags;
	int kernel_fd, extra_fd;
	int want;		/* the one errno that is right, or ANY */
	bool silent;		/* may be refused without a line */
	bool uki;		/* made of the UKI, not of the bzImage */
} m;

static unsigned long number, from = 1, step = 1, count = 3000, done, nr_bad;
/* Up to here come good files and odd arguments, which are few: all of them */
static unsigned long always = -1UL;
/* Files that differ from the good ones: UKIs, and archives beside a good UKI */
static unsigned long damaged_ukis, damaged_archives;
static unsigned long histogram[3][200], made[200];
static const char *family = "none", *families[200];
static unsigned int nr_families;
static bool locked;
static int kmsg;

/* ---- the files --------------------------------------------------------- */

static uint64_t get(const struct blob *b, size_t off, int size)
{
	uint64_t v = 0;

	if (off + size <= b->len)
		memcpy(&v, b->data + off, size);
	return v;
}

static void put(struct blob *b, size_t off, uint64_t v, int size)
{
	if (off + size <= b->len)
		memcpy(b->data + off, &v, size);
}

static struct blob slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct blob b = {};
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		goto fail;
	b.data = malloc(st.st_size + 1);
	while ((off_t)b.len < st.st_size) {
		ssize_t n = read(fd, b.data + b.len, st.st_size - b.len);

		if (n <= 0)
			goto fail;
		b.len += n;
	}
	close(fd);
	return b;
fail:
	perror(path);
	exit(2);
}

static void restore(struct blob *to, const struct blob *b)
{
	memcpy(to->data, b->data, b->len);
	memset(to->data + b->len, 0, SLACK);
	to->len = b->len;
}

/* A good UKI again, as systemctl passes it */
static void reset(void)
{
	uint8_t *kernel = m.kernel.data, *extra = m.extra.data;

	memset(&m, 0, sizeof(m));
	m.kernel.data = kernel;
	m.extra.data = extra;
	restore(&m.kernel, &good[UKI]);
	m.text = "";
	m.text_len = 1;
	m.flags = KEXEC_FILE_NO_INITRAMFS;
	m.kernel_fd = m.extra_fd = OWN;
	m.uki = true;
}

static void with_archive(void)
{
	reset();
	restore(&m.extra, &good[ARCHIVE]);
	m.flags = KEXEC_FILE_COMPANIONS;
}

static void plain(void)
{
	reset();
	restore(&m.kernel, &good[BZIMAGE]);
	m.uki = false;
}

static void (*const resets[])(void) = { reset, with_archive, plain };

static struct blob *target(int which)
{
	return which == ARCHIVE ? &m.extra : &m.kernel;
}

/* ---- the judge --------------------------------------------------------- */

/* By "PE Format": the section table is behind SizeOfOptionalHeader. */
static bool recognised(void)
{
	const struct blob *f = &m.kernel;
	size_t pe = get(f, 0x3c, 4), table = pe + 24 + get(f, pe + 20, 2);
	size_t nr = get(f, pe + 6, 2);

	if (f->len < 0x40 || get(f, 0, 2) != 0x5a4d || pe + 24 > f->len ||
	    get(f, pe, 4) != 0x4550)
		return false;
	for (size_t i = 0; i < nr && table + 40 <= f->len; i++, table += 40)
		/* A name ends with its first NUL, whatever follows. */
		if (!strncmp((const char *)f->data + table, ".linux", 8))
			return true;
	return false;
}

static size_t directory(const struct blob *f, size_t start, int nr)
{
	size_t pe = start + get(f, start + 0x3c, 4);

	return pe + 24 + (get(f, pe + 24, 2) == 0x20b ? 112 : 96) + 8 * nr;
}

/* Authenticode leaves out the checksum, the directory entry, the certificates. */
static bool signed_part_is_good(void)
{
	const struct blob *base = &good[UKI];
	size_t dirent = directory(base, 0, 4), csum, certs;

	csum = get(base, 0x3c, 4) + 24 + 64;
	certs = get(base, dirent, 4);
	if (m.kernel.len < certs)
		return false;
	for (size_t i = 0; i < certs; i++)
		if (m.kernel.data[i] != base->data[i] &&
		    (i < csum || i >= csum + 4) &&
		    (i < dirent || i >= dirent + 8))
			return false;
	return true;
}

static void bad(const char *what, const char *why)
{
	if (nr_bad++ < MAX_BAD)
		printf("bad %lu %s %s: %s\n", number, family, what, why);
	fflush(stdout);
}

/*
 * The guide's table, as far as a file or an argument can bring it about here; the
 * others are told by .want.
 */
static bool documented(int err)
{
	switch (err) {
	case EBADMSG:
	case ELIBBAD:
	case ENODATA:
	case E2BIG:
	case EADDRNOTAVAIL:
	case ENOMEM:
		return true;
	case EPERM:
		return locked;
	default:
		return false;
	}
}

static bool documented_plain(int err)
{
	return err == ENOEXEC || err == EINVAL || err == EADDRNOTAVAIL ||
	       err == ENOMEM || (locked && err == EPERM);
}

static bool number_is(const char *path, char want)
{
	int fd = open(path, O_RDONLY);
	char c = 0;

	if (fd < 0 || read(fd, &c, 1) != 1)
		c = 0;
	close(fd);
	return c == want;
}

static ssize_t pending(void)
{
	int fd = open("/sys/kernel/security/kexec/pending_measurements",
		      O_RDONLY);
	static char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));

	close(fd);
	return n;
}

static const char *const splats[] = { SPLATS, SPLATS_OR_FORCED };

/* Reads what the kernel has said since; returns the number of refusals. */
static int listen_to_kernel(const char *what)
{
	static char line[8192];
	int refusals = 0;
	ssize_t n;

	for (;;) {
		n = read(kmsg, line, sizeof(line) - 1);
		if (n < 0 && errno == EPIPE) {
			bad(what, "lines of the kernel were lost");
			continue;
		}
		if (n <= 0)
			return refusals;
		line[n] = 0;
		refusals += strstr(line, "refused: ") != NULL;
		for (size_t i = 0; i < sizeof(splats) / sizeof(*splats); i++)
			if (strstr(line, splats[i]))
				bad(what, line);
	}
}

static void judge_success(const char *what, int lines)
{
	bool crash = m.flags & KEXEC_FILE_ON_CRASH;
	const char *path = crash ? "/sys/kernel/kexec_crash_loaded" :
				   "/sys/kernel/kexec_loaded";

	if (lines)
		bad(what, "loaded, and a line about a refusal");
	if (m.want)
		bad(what, "loaded");
	if (m.uki && !recognised())
		bad(what, "loaded, and is no UKI");
	if (locked && (!m.uki || !signed_part_is_good()))
		bad(what, "loaded, and not what was signed");
	if (!number_is(path, '1'))
		bad(what, "not loaded after a success");
	if (!crash && pending() <= 0)
		bad(what, "nothing pending after a success");
	if (syscall(SYS_kexec_file_load, -1, -1, 0, NULL, KEXEC_FILE_UNLOAD |
		    (m.flags & KEXEC_FILE_ON_CRASH)))
		bad(what, "cannot be unloaded");
	if (listen_to_kernel(what))
		bad(what, "a refusal at unload");
}

static void judge_refusal(const char *what, int err, int lines)
{
	bool known = m.uki && recognised();

	if (m.want && !locked) {
		if (err != m.want)
			bad(what, strerrorname_np(err));
	} else if (known ? !documented(err) && err != m.want :
			   m.uki ? err != (m.kernel.len ? ENOEXEC : EINVAL) :
				   !documented_plain(err)) {
		bad(what, strerrorname_np(err));
	}
	if (lines > 1 || (!known && m.uki && lines))
		bad(what, "too many lines about a refusal");
	if (known && !lines && !m.silent && !(locked && err == EPERM))
		bad(what, "no line about the refusal");
}

/* The host gives up a guest that is silent for minutes. */
static void alive(void)
{
	int fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY);

	dprintf(fd, "\n@say %lu mutants\n", done);
	close(fd);
}

/* ---- one mutant -------------------------------------------------------- */

static bool differs(const struct blob *b, const struct blob *base)
{
	return b->len != base->len || memcmp(b->data, base->data, b->len);
}

/* Odd arguments and plain kernels are mutants, too, but no damaged UKIs. */
static void count_damaged(void)
{
	if (!m.uki || m.kernel_fd != OWN)
		return;
	if (differs(&m.kernel, &good[UKI]))
		damaged_ukis++;
	else if (m.flags & KEXEC_FILE_COMPANIONS && m.extra_fd == OWN &&
		 differs(&m.extra, &good[ARCHIVE]))
		damaged_archives++;
}

/* Open for reading alone: a file that can be written to is ETXTBSY. */
static int file_of(const struct blob *b)
{
	int fd = memfd_create("mutant", 0), reader;
	char path[64];

	if (fd < 0 || write(fd, b->data, b->len) != (ssize_t)b->len) {
		perror("memfd");
		exit(2);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY);
	close(fd);
	return reader;
}

static void load_it(const char *what)
{
	int kernel = m.kernel_fd, extra = m.extra_fd, err = 0, lines;

	if (kernel == OWN)
		kernel = file_of(&m.kernel);
	if (extra == OWN)
		extra = m.flags & KEXEC_FILE_NO_INITRAMFS ? -EBADF :
							    file_of(&m.extra);
	listen_to_kernel("before");
	if (syscall(SYS_kexec_file_load, kernel, extra, m.text_len, m.text,
		    m.flags))
		err = errno;
	if (m.kernel_fd == OWN)
		close(kernel);
	if (m.extra_fd == OWN && extra >= 0)
		close(extra);
	lines = listen_to_kernel(what);
	histogram[m.uki ? !recognised() : 2][err < 200 ? err : 199]++;
	if (err)
		judge_refusal(what, err, lines);
	else if (!(m.flags & KEXEC_FILE_UNLOAD))
		judge_success(what, lines);
	if (!number_is("/sys/kernel/kexec_loaded", '0') ||
	    !number_is("/sys/kernel/kexec_crash_loaded", '0'))
		bad(what, "something is still loaded");
	if (pending())
		bad(what, "something is still pending");
}

static void attempt(const char *what)
{
	number++;
	if (number > always &&
	    (number > count || number < from || (number - from) % step))
		return;
	if (!(++done % 250))
		alive();
	made[nr_families]++;
	count_damaged();
	load_it(what);
}

static void begin(const char *name)
{
	family = name;
	families[++nr_families] = name;
}

/* ---- values ------------------------------------------------------------ */

static void field_value(int which, size_t off, int size, uint64_t v,
			const char *what)
{
	char text[80];

	resets[which]();
	if (get(target(which), off, size) == v)
		return;
	put(target(which), off, v, size);
	snprintf(text, sizeof(text), "%s at %#zx is %#lx", what, off,
		 (unsigned long)v);
	attempt(text);
}

/* Each field with values at which sums wrap and comparisons turn */
static void field(int which, size_t off, int size, const char *what)
{
	uint64_t mask = size == 8 ? ~0ULL : (1ULL << 8 * size) - 1;
	uint64_t old = get(&good[which], off, size), len = good[which].len;
	uint64_t list[] = {
		0, 1, old - 1, old + 1, 1ULL << (8 * size - 1),
		(1ULL << (8 * size - 1)) - 1, mask, mask - 15, old + 8,
		old - 8, 2 * old, len - 1, len, len + 1, old + 0x1000,
		0x7fffffff, 0x80000000, 1ULL << 32,
	};
	size_t nr = size < 4 ? 7 : size == 4 ? 15 : 18;

	for (size_t i = 0; i < nr; i++) {
		bool before = false;

		for (size_t j = 0; j < i; j++)
			before |= (list[j] & mask) == (list[i] & mask);
		if (!before)
			field_value(which, off, size, list[i] & mask, what);
	}
}

static void swapped(int which, size_t a, size_t b, int size, const char *what)
{
	uint64_t va, vb;

	resets[which]();
	va = get(target(which), a, size);
	vb = get(target(which), b, size);
	if (va == vb)
		return;
	put(target(which), a, vb, size);
	put(target(which), b, va, size);
	attempt(what);
}

/* ---- PE ---------------------------------------------------------------- */

static void dos_header(int which, size_t at)
{
	static const uint32_t places[] = { 4, 0x3c, 0x3d, 0x3f, 0x44, 0x80 };
	size_t len = good[which].len - at;

	begin("DOS header");
	field(which, at, 2, "magic");
	for (size_t off = 2; off < 0x3c; off += 2)
		field_value(which, at + off, 2, 0xffff, "field");
	field(which, at + 0x3c, 4, "e_lfanew");
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		field_value(which, at + 0x3c, 4, places[i], "e_lfanew");
	for (size_t back = 1; back < 30; back += 4)
		field_value(which, at + 0x3c, 4, len - back, "e_lfanew");
}

static void pe_header(int which, size_t at)
{
	static const uint8_t sizes[] = { 4, 2, 2, 4, 4, 4, 2, 2 };
	size_t off = at + get(&good[which], at + 0x3c, 4);

	begin("PE header");
	for (size_t i = 0; i < sizeof(sizes); off += sizes[i++])
		field(which, off, sizes[i], "field");
	off -= 4;
	for (unsigned int v = 0; v < 264; v += 8)
		field_value(which, off, 2, v, "SizeOfOptionalHeader");
	for (unsigned int v = 0; v < 24; v++)
		field_value(which, off - 14, 2, v, "NumberOfSections");
}

static void optional_header(int which, size_t at)
{
	static const uint8_t sizes[] = {
		2, 1, 1, 4, 4, 4, 4, 4, 8, 4, 4, 2, 2, 2, 2, 2, 2, 4, 4, 4, 4,
		2, 2, 8, 8, 8, 8, 4, 4,
	};
	size_t off = at + get(&good[which], at + 0x3c, 4) + 24;

	begin("optional header");
	field_value(which, off, 2, 0x10b, "PE32");
	field_value(which, off, 2, 0x107, "ROM image");
	for (size_t i = 0; i < sizeof(sizes); off += sizes[i++])
		field(which, off, sizes[i], "field");
	for (unsigned int v = 0; v < 20; v++)
		field_value(which, off - 4, 4, v, "NumberOfRvaAndSizes");
	begin("directories");
	for (int i = 0; i < 16; i++, off += 8) {
		field(which, off, 4, "address");
		field(which, off + 4, 4, "size");
		swapped(which, off, off + 4, 4, "address and size swapped");
	}
}

static size_t section_table(int which, size_t at, size_t *nr)
{
	size_t pe = at + get(&good[which], at + 0x3c, 4);

	*nr = get(&good[which], pe + 6, 2);
	return pe + 24 + get(&good[which], pe + 20, 2);
}

static void section_name(int which, size_t off)
{
	static const char names[][9] = {
		"", ".linux", ".profile", ".initrd", ".cmdline", ".osrel",
		".pcrsig", ".dtb", ".dtbauto", ".efifw", ".ucode", ".uname",
		".linux\0x", ".linuxxx", "linux", ".LINUX", "\xff\xff\xff\xff",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		resets[which]();
		memcpy(target(which)->data + off, names[i], 8);
		if (memcmp(target(which)->data + off, good[which].data + off, 8))
			attempt(names[i]);
	}
}

static void section_order(int which, size_t off, size_t nr)
{
	uint8_t *data = target(which)->data;
	char other[40];

	for (size_t i = 0; i + 1 < nr; i++, off += 40) {
		resets[which]();
		memcpy(other, data + off, 40);
		memmove(data + off, data + off + 40, 40);
		memcpy(data + off + 40, other, 40);
		attempt("two headers swapped");
		resets[which]();
		memcpy(data + off + 40, data + off, 40);
		attempt("a header twice");
		resets[which]();
		memcpy(data + off + 48, data + off + 8, 32);
		attempt("two names for one content");
		for (int f = 8; f < 24; f += 4)
			swapped(which, off + f, off + 40 + f, 4,
				"a field swapped with its neighbour's");
	}
}

static void sections(int which, size_t at)
{
	static const uint8_t sizes[] = { 4, 4, 4, 4, 4, 4, 2, 2, 4 };
	size_t nr, table = section_table(which, at, &nr), off = table;

	begin("section headers");
	for (size_t i = 0; i < nr; i++, off = table + 40 * i) {
		section_name(which, off);
		off += 8;
		for (size_t f = 0; f < sizeof(sizes); off += sizes[f++]) {
			if (f < 4)
				field(which, off, sizes[f], "field");
			else
				field_value(which, off, sizes[f], 0xffffffff >>
					    (sizes[f] == 2 ? 16 : 0), "field");
		}
		swapped(which, off - 32, off - 24, 4, "sizes swapped");
		swapped(which, off - 28, off - 20, 4, "places swapped");
	}
	begin("section order");
	section_order(which, table, nr);
}

static void pe(int which, size_t at)
{
	dos_header(which, at);
	pe_header(which, at);
	optional_header(which, at);
	sections(which, at);
}

/* ---- sizes ------------------------------------------------------------- */

static void cut_at(size_t len, int which)
{
	char text[64];

	for (int d = -2; d <= 2; d++) {
		if (len + d > good[which].len + SLACK)
			continue;
		resets[which]();
		target(which)->len = len + d;
		if (target(which)->len == good[which].len)
			continue;
		snprintf(text, sizeof(text), "%zu bytes", len + d);
		if (which == ARCHIVE && !target(which)->len)
			m.want = EBADF;
		attempt(text);
	}
}

static void cuts(void)
{
	size_t nr, off = section_table(UKI, 0, &nr);
	size_t peh = get(&good[UKI], 0x3c, 4);

	begin("sizes of the file");
	for (size_t n = 2; n < peh + 24; n += 5)
		cut_at(n, UKI);
	cut_at(peh + 24 + 112, UKI);
	cut_at(off, UKI);
	for (size_t i = 0; i < nr; i++) {
		cut_at(off + 40 * (i + 1), UKI);
		cut_at(get(&good[UKI], off + 40 * i + 20, 4), UKI);
		cut_at(get(&good[UKI], off + 40 * i + 20, 4) +
		       get(&good[UKI], off + 40 * i + 16, 4), UKI);
	}
	cut_at(get(&good[UKI], peh + 24 + 60, 4), UKI);
	cut_at(good[UKI].len, UKI);
	cut_at(good[UKI].len + 8, UKI);
	cut_at(good[UKI].len + 4096, UKI);
}

/* ---- the certificates -------------------------------------------------- */

static void certificates(void)
{
	size_t dirent = directory(&good[UKI], 0, 4);
	size_t off = get(&good[UKI], dirent, 4);
	size_t len = get(&good[UKI], dirent + 4, 4);

	begin("certificates");
	field(UKI, off, 4, "dwLength");
	field(UKI, off + 4, 2, "revision");
	field(UKI, off + 6, 2, "type");
	for (int d = -32; d <= 32; d += 4) {
		field_value(UKI, dirent, 4, off + d, "offset");
		field_value(UKI, dirent + 4, 4, len + d, "size");
		field_value(UKI, off, 4, len + d, "dwLength");
	}
	for (size_t at = off + 8; at < off + len; at += at < off + 100 ? 1 : 29) {
		field_value(UKI, at, 1, 0xff, "PKCS#7");
		field_value(UKI, at, 1, 0, "PKCS#7");
		field_value(UKI, at, 1, get(&good[UKI], at, 1) ^ 1, "PKCS#7");
	}
	for (int d = 8; d <= 64; d += 8) {
		reset();
		m.kernel.len += d;
		memset(m.kernel.data + good[UKI].len, 'x', d);
		put(&m.kernel, dirent + 4, len + d, 4);
		attempt("junk behind, in the table");
		put(&m.kernel, off, len + d, 4);
		attempt("junk behind, in the certificate");
		put(&m.kernel, dirent + 4, len, 4);
		put(&m.kernel, off, d, 4);
		attempt("junk behind, and a short certificate");
	}
}

/* ---- the bzImage's setup header ---------------------------------------- */

static const struct {
	const char *name;
	uint16_t off;
	uint8_t size;
} setup_header[] = {	/* Documentation/arch/x86/boot.rst */
	{ "setup_sects", 0x1f1, 1 }, { "root_flags", 0x1f2, 2 },
	{ "syssize", 0x1f4, 4 }, { "ram_size", 0x1f8, 2 },
	{ "vid_mode", 0x1fa, 2 }, { "root_dev", 0x1fc, 2 },
	{ "boot_flag", 0x1fe, 2 }, { "jump", 0x200, 2 },
	{ "jump offset", 0x201, 1 }, { "header", 0x202, 4 },
	{ "version", 0x206, 2 }, { "realmode_swtch", 0x208, 4 },
	{ "start_sys_seg", 0x20c, 2 }, { "kernel_version", 0x20e, 2 },
	{ "type_of_loader", 0x210, 1 }, { "loadflags", 0x211, 1 },
	{ "setup_move_size", 0x212, 2 }, { "code32_start", 0x214, 4 },
	{ "ramdisk_image", 0x218, 4 }, { "ramdisk_size", 0x21c, 4 },
	{ "bootsect_kludge", 0x220, 4 }, { "heap_end_ptr", 0x224, 2 },
	{ "ext_loader_ver", 0x226, 1 }, { "ext_loader_type", 0x227, 1 },
	{ "cmd_line_ptr", 0x228, 4 }, { "initrd_addr_max", 0x22c, 4 },
	{ "kernel_alignment", 0x230, 4 }, { "relocatable", 0x234, 1 },
	{ "min_alignment", 0x235, 1 }, { "xloadflags", 0x236, 2 },
	{ "cmdline_size", 0x238, 4 }, { "hardware_subarch", 0x23c, 4 },
	{ "subarch_data", 0x240, 8 }, { "payload_offset", 0x248, 4 },
	{ "payload_length", 0x24c, 4 }, { "setup_data", 0x250, 8 },
	{ "pref_address", 0x258, 8 }, { "init_size", 0x260, 4 },
	{ "handover_offset", 0x264, 4 }, { "kernel_info_offset", 0x268, 4 },
};

static void bzimage(int which, size_t at)
{
	begin(which == UKI ? "setup header" : "setup header, plain kernel");
	for (size_t i = 0; i < sizeof(setup_header) / sizeof(*setup_header); i++)
		field(which, at + setup_header[i].off, setup_header[i].size,
		      setup_header[i].name);
	for (unsigned int v = 0x40; v < 0x100; v += 5)
		field_value(which, at + 0x201, 1, v, "jump offset");
	for (unsigned int v = 2; v < 32; v++)
		field_value(which, at + 0x230, 4, 1U << v, "kernel_alignment");
	for (unsigned int v = 0; v < 80; v += 3)
		field_value(which, at + 0x238, 4, v, "cmdline_size");
}

/* What a crash kernel gets besides needs room in the command line. */
static void bzimage_for_crash(size_t at)
{
	begin("setup header, crash kernel");
	for (unsigned int v = 0; v < 100; v += 3) {
		reset();
		put(&m.kernel, at + 0x238, v, 4);
		m.flags |= KEXEC_FILE_ON_CRASH;
		attempt("cmdline_size");
	}
	for (unsigned int v = 12; v < 32; v++) {
		reset();
		put(&m.kernel, at + 0x260, 1U << v, 4);
		m.flags |= KEXEC_FILE_ON_CRASH;
		attempt("init_size");
	}
}

/* ---- contents ---------------------------------------------------------- */

static void content(size_t off, size_t len)
{
	static const char *const texts[] = {
		"\xff\xfe", "\xc3", "\xed\xa0\x80", "\xf0\x9f\x98\x80", "\n\t\r",
		"\x01\x7f", "@1", "@9 ", "ID=", "ID=\nTITLE=\n", "\xef\xbb\xbf",
		"\xf4\x90\x80\x80", "\xc0\x80", "%s%n%x", "070701", "\x1f\x8b",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		reset();
		memcpy(m.kernel.data + off, texts[i], strlen(texts[i]));
		attempt("text at the beginning");
		memcpy(m.kernel.data + off + len - strlen(texts[i]), texts[i],
		       strlen(texts[i]));
		attempt("text at the end");
	}
	for (int c = 0; c < 256; c += 51) {
		reset();
		memset(m.kernel.data + off, c, len);
		attempt("all the same");
	}
	reset();
	for (size_t i = 0; i < len; i++)
		m.kernel.data[off + i] = i;
	attempt("all bytes");
}

/* Not .linux, which has a header of its own */
static size_t contents(void)
{
	size_t nr, off = section_table(UKI, 0, &nr), linux_at = 0;

	begin("contents");
	for (size_t i = 0; i < nr; i++, off += 40) {
		size_t at = get(&good[UKI], off + 20, 4);

		if (!memcmp(good[UKI].data + off, ".linux\0", 8))
			linux_at = at;
		else if (get(&good[UKI], off + 8, 4) >= 16)
			content(at, get(&good[UKI], off + 8, 4));
	}
	return linux_at;
}

/* ---- the archive ------------------------------------------------------- */

static void member(size_t at)
{
	static const char *const values[] = {
		"00000000", "00000001", "7fffffff", "80000000", "ffffffff",
		"fffffff0", "FFFFFFFE", "0000000g", "-0000001", "0x000001",
		"        ", "00001000", "0000ffff",
	};
	static const char *const names[] = { "/", "..", "\xff", "%s", "./" };

	for (int f = 0; f < 13; f++)
		for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
			with_archive();
			memcpy(m.extra.data + at + 6 + 8 * f, values[i], 8);
			if (memcmp(m.extra.data, good[ARCHIVE].data, at + 110))
				attempt(values[i]);
		}
	for (int i = 0; i < 6; i++)
		field(ARCHIVE, at + i, 1, "magic");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		with_archive();
		memcpy(m.extra.data + at + 110, names[i], strlen(names[i]));
		attempt("name");
	}
	field_value(ARCHIVE, at + 112, 1, 0, "NUL in the name");
	cut_at(at, ARCHIVE);
	cut_at(at + 6, ARCHIVE);
	cut_at(at + 110, ARCHIVE);
	cut_at(at + 116, ARCHIVE);
}

static size_t hex(size_t at)
{
	char text[9] = "";

	memcpy(text, good[ARCHIVE].data + at, 8);
	return strtoul(text, NULL, 16);
}

static void archive(void)
{
	size_t at = 0, addon = 0, name, end;

	begin("archive");
	while (at + 110 <= good[ARCHIVE].len) {
		end = hex(at + 6 + 8 * 6);
		name = (at + 110 + hex(at + 6 + 8 * 11) + 3) & ~3;
		member(at);
		if (!memcmp(good[ARCHIVE].data + at + 110, "TRAILER!!!", 11))
			break;
		if (get(&good[ARCHIVE], name, 2) == 0x5a4d)
			addon = name;
		at = (name + end + 3) & ~3;
	}
	for (size_t n = 1; n <= 4096; n *= 2) {
		with_archive();
		m.extra.len += n;
		attempt("zeros behind");
		memset(m.extra.data + good[ARCHIVE].len, '0', n);
		attempt("text behind");
	}
	if (!addon) {
		fprintf(stderr, "no addon in the archive\n");
		exit(2);
	}
	pe(ARCHIVE, addon);
}

/* ---- arguments --------------------------------------------------------- */

static void text(const char *what, const char *text, size_t len, int want)
{
	reset();
	m.text = text;
	m.text_len = len;
	m.want = want;
	m.silent = want == EFAULT || want == ENOMEM;
	attempt(what);
}

static void texts(void)
{
	static const char *const list[] = {
		"", " ", "quiet", "@0", "@1", "@2", "@3", "@1 quiet", "@1x", "@",
		"@-1", "@01", "@4294967295", "@4294967296", "@99999999999999999",
		"@1  ", " @1", "@1\tquiet", "\xff\xff", "\xf0\x9f\x98\x80", "@1 @1",
		"word=base", "word=other", "\x01\x02\x03", "@ 1", "%s%n",
	};
	static char filled[1 << 17];
	size_t sizes[] = { 2, 3, 255, 256, 2046, 2047, 2048, 2049, 4096, 65535,
			   65536, 65537, 1 << 17 };

	begin("command lines");
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		text(list[i], list[i], strlen(list[i]) + 1, ANY);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		memset(filled, 'x', sizeof(filled));
		text("without NUL", filled, sizes[i], ELIBBAD);
		filled[sizes[i] - 1] = 0;
		text("long", filled, sizes[i], sizes[i] > 2047 ? E2BIG : ANY);
		memset(filled, ' ', sizes[i] - 1);
		text("blanks", filled, sizes[i], ANY);
		memset(filled, 0, sizes[i] - 1);
		text("NULs", filled, sizes[i], ANY);
		memset(filled, 0x80, sizes[i] - 1);
		text("no UTF-8", filled, sizes[i], ANY);
	}
	text("no text", NULL, 0, ANY);
	text("length 0", "x", 0, ANY);
	text("NULL", NULL, 1, EFAULT);
	text("in the kernel", (char *)~0UL, 16, EFAULT);
	text("beyond the end", filled, 1 << 20, EFAULT);
	text("2 GiB", filled, 1UL << 31, ENOMEM);
	text("all memory", filled, ~0UL, ENOMEM);
}

static void flag(unsigned long flags, int want)
{
	char what[40];

	with_archive();
	if (!(flags & KEXEC_FILE_COMPANIONS))
		reset();
	m.flags = flags;
	m.want = want;
	m.silent = want == EINVAL;
	snprintf(what, sizeof(what), "flags %#lx", flags);
	attempt(what);
}

static void flags(void)
{
	begin("flags");
	for (unsigned long f = 0; f <= KNOWN_FLAGS; f++) {
		bool both = f & KEXEC_FILE_COMPANIONS &&
			    f & KEXEC_FILE_NO_INITRAMFS;

		/* Without a file of its own the call has no initrd to read. */
		if (!(f & (KEXEC_FILE_COMPANIONS | KEXEC_FILE_NO_INITRAMFS |
			   KEXEC_FILE_UNLOAD)))
			flag(f, EBADF);
		else
			flag(f, both ? EINVAL : ANY);
	}
	for (int bit = 7; bit < 64; bit++) {
		flag(1UL << bit, EINVAL);
		flag(1UL << bit | KEXEC_FILE_NO_INITRAMFS, EINVAL);
	}
}

static void fd_is(int kernel, int extra, int want, bool silent,
		  const char *what)
{
	with_archive();
	m.kernel_fd = kernel;
	m.extra_fd = extra;
	m.want = want;
	m.silent = silent;
	attempt(what);
	if (extra == OWN)
		return;
	m.flags = 0;
	attempt(what);
}

static void descriptors(void)
{
	int dir = open("/", O_RDONLY | O_DIRECTORY);
	int null = open("/dev/null", O_RDONLY);
	int path = open("/init", O_PATH), writer = open("/dev/null", O_WRONLY);
	int busy = open("/busy", O_RDWR | O_CREAT, 0600), ends[2];
	const int not_open[] = { -1, -EBADF, 9999, path, writer, 1 << 30 };

	begin("descriptors");
	if (pipe(ends) || write(busy, "x", 1) != 1)
		exit(2);
	for (int i = 0; i < 6; i++) {
		fd_is(not_open[i], OWN, EBADF, true, "kernel");
		fd_is(OWN, not_open[i], EBADF, false, "initrd");
	}
	fd_is(dir, OWN, EINVAL, true, "a directory");
	fd_is(null, OWN, EINVAL, true, "a device");
	fd_is(ends[0], OWN, EINVAL, true, "a pipe");
	fd_is(busy, OWN, ETXTBSY, true, "open for writing");
	fd_is(OWN, dir, EBADF, false, "a directory");
	fd_is(OWN, null, EBADF, false, "a device");
	fd_is(OWN, ends[0], EBADF, false, "a pipe");
	fd_is(OWN, busy, ETXTBSY, false, "open for writing");
}

static void initrds(void)
{
	begin("passed initrds");
	for (size_t n = 0; n <= good[ARCHIVE].len; n = n ? 3 * n : 1) {
		reset();
		restore(&m.extra, &good[ARCHIVE]);
		m.extra.len = n;
		m.flags = 0;
		m.want = n ? ANY : EBADF;
		attempt("initrd");
	}
}

/* ---- random ones ------------------------------------------------------- */

static uint64_t state;

static uint64_t any(uint64_t below)	/* xorshift64* of Vigna */
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 2685821657736338717ULL >> 16) % below;
}

static size_t place(size_t linux_at)
{
	size_t certs = get(&good[UKI], directory(&good[UKI], 0, 4), 4);
	size_t head = get(&good[UKI], get(&good[UKI], 0x3c, 4) + 24 + 60, 4);

	switch (any(8)) {
	case 0:
		return certs + any(good[UKI].len - certs);
	case 1:
		return linux_at + 0x1f1 + any(0x7c);
	case 2:
		return any(good[UKI].len);
	default:
		return any(head);
	}
}

static void random_one(size_t linux_at)
{
	static const uint64_t odd[] = { 0, 1, 0x7fffffff, 0x80000000, ~0ULL,
					0xfffffff0, 0x1000, 0xff, 0xffff };
	int which;

	state = 88172645463325252ULL + number;
	any(1);
	which = any(5) ? UKI : ARCHIVE;
	resets[which]();
	for (int n = 1 + any(4); n; n--) {
		size_t at = which == UKI ? place(linux_at) :
					   any(good[ARCHIVE].len);
		uint64_t v = any(2) ? odd[any(9)] : any(~0ULL);

		put(target(which), at & ~any(4), v, 1 << any(4));
	}
	if (!any(10))
		target(which)->len = 1 + any(target(which)->len);
	attempt("random");
}

/* ---- all --------------------------------------------------------------- */

static void all(void)
{
	size_t linux_at;

	begin("good");
	reset();
	attempt("UKI");
	with_archive();
	attempt("with companions");
	plain();
	attempt("plain");
	texts();
	flags();
	descriptors();
	initrds();
	always = number;
	cuts();
	certificates();
	linux_at = contents();
	bzimage(UKI, linux_at);
	bzimage_for_crash(linux_at);
	bzimage(BZIMAGE, 0);
	pe(UKI, 0);
	archive();
	printf("systematic %lu\n", number);
	begin("random");
	while (number < count)
		random_one(linux_at);
}

static void report(void)
{
	static const char *const kinds[] = { "uki", "other", "plain" };

	for (int k = 0; k < 3; k++)
		for (int e = 0; e < 200; e++)
			if (histogram[k][e])
				printf("count %s %s %lu\n", kinds[k], e ?
				       strerrorname_np(e) : "ok",
				       histogram[k][e]);
	for (unsigned int i = 1; i <= nr_families; i++)
		if (made[i])
			printf("family %lu %s\n", made[i], families[i]);
	printf("damaged ukis %lu\ndamaged archives %lu\n", damaged_ukis,
	       damaged_archives);
	printf("mutants %lu\nbad %lu\n", done, nr_bad);
}

static void option(const char *word)
{
	if (!strcmp(word, "locked"))
		locked = true;
	else if (!strncmp(word, "count=", 6))
		count = strtoul(word + 6, NULL, 0);
	else if (!strncmp(word, "from=", 5))
		from = strtoul(word + 5, NULL, 0);
	else if (!strncmp(word, "step=", 5))
		step = strtoul(word + 5, NULL, 0);
	else
		exit(2);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: see the head of the source\n");
		return 2;
	}
	for (int i = 0; i < 3; i++)
		good[i] = slurp(argv[1 + i]);
	for (int i = 4; i < argc; i++)
		option(argv[i]);
	m.kernel.data = malloc(good[UKI].len + good[BZIMAGE].len + 2 * SLACK);
	m.extra.data = malloc(good[ARCHIVE].len + 2 * SLACK);
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (kmsg < 0 || lseek(kmsg, 0, SEEK_END) < 0)
		return 2;
	all();
	report();
	return nr_bad != 0;
}
