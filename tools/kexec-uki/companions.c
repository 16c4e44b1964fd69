// SPDX-License-Identifier: GPL-2.0
/*
 * The companions of a UKI: where systemd-stub ("sd-stub") would find them
 *
 * Which names count is the kernel's to say, by the reader that it will read the
 * archive with.  A companion that cannot be packed is an error and never left out:
 * the next system would lack it without a word.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/openat2.h>
#include <linux/uki_companion.h>

#include "companions.h"
#include "text.h"

/* Where tmpfiles.d/20-systemd-stub.conf copies it to. */
#define BOOT_SECRET	"/run/systemd/stub/boot-secret"

#define MOUNTS		"/proc/self/mountinfo"

/* load_all_addons(), and pack_cpio()'s callers, of sd-stub */
static const char * const global_dirs[] = {
	"loader/addons", "loader/credentials", "loader/extensions",
};

/**
 * struct places - where companions are
 * @root: root of the UKI's file system, without a slash at the end
 * @dir: the UKI's own directory, as the path in the archive
 * @where: the UKI's own directory
 */
struct places {
	char root[PATH_MAX];
	char dir[PATH_MAX];
	char where[2 * PATH_MAX];
};

/* parse_number16() of sd-stub: NULL if there is no number, or none of 64 bits */
static char *skip_number(char *text)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	errno = 0;
	strtoull(text, &end, 10);
	return errno ? NULL : end;
}

/*
 * remove_boot_count() of sd-stub: "+3" or "+3-1", then a dot or the end.  It looks at
 * the first plus sign of the whole path, directories included, and at no other.
 */
static void remove_boot_count(char *path)
{
	char *plus = strchr(path, '+');
	char *tail;

	if (!plus)
		return;
	tail = skip_number(plus + 1);
	if (tail && *tail == '-')
		tail = skip_number(tail + 1);
	if (tail && (!*tail || *tail == '.'))
		memmove(plus, tail, strlen(tail) + 1);
}

/* There is room for any real path. */
static void copy_path(char *to, const char *from)
{
	memcpy(to, from, strlen(from) + 1);
}

/* Cut the last component off; "/..." becomes "" */
static void cut(char *path)
{
	*strrchr(path, '/') = '\0';
}

/* The number of the mount that the directory @path is in */
static int find_mount(const char *path, u64 *mount)
{
	struct statx st;

	if (!*path)
		path = "/";
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &st))
		return complain_path(path, strerror(errno));
	if (!(st.stx_mask & STATX_MNT_ID))
		return complain_path(path, "this kernel does not tell its mount, it takes --esp");
	*mount = st.stx_mnt_id;
	return 0;
}

/*
 * "36 35 98:0 /dir /mnt rw - ...": true if this is @mount, and shows the root of its
 * file system.  A blank in the name of a directory is written as \040.
 */
static bool shows_root(const char *line, u64 mount)
{
	unsigned long long number;
	int at = 0;

	return sscanf(line, "%llu %*u %*u:%*u %n", &number, &at) == 1 && at &&
	       number == mount && !strncmp(line + at, "/ ", 2);
}

/*
 * A bind mount of a directory, or a subvolume, has a root of its own, and loader/ is in
 * that of the file system.
 */
static int check_mount(const char *root, u64 mount)
{
	FILE *file = fopen(MOUNTS, "re");
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return complain(MOUNTS ": %s; without it, it takes --esp", strerror(errno));
	while (!found && getline(&line, &size, file) >= 0)
		found = shows_root(line, mount);
	free(line);
	fclose(file);
	if (found)
		return 0;
	return complain_path(*root ? root : "/",
			     "is mounted there without the root of its file system, where\n"
			     "  loader/ would be: name that by --esp, or give --no-companions");
}

/* The root of the file system of the directory @root, which is replaced by it */
static int climb(char *root)
{
	char parent[PATH_MAX];
	u64 mount, above;

	if (find_mount(root, &mount))
		return -1;
	copy_path(parent, root);
	while (*parent) {
		cut(parent);
		if (find_mount(parent, &above))
			return -1;
		if (above != mount)
			break;
		copy_path(root, parent);
	}
	return check_mount(root, mount);
}

static int find_root(const struct options *options, const char *uki, char *root)
{
	if (!options->esp) {
		copy_path(root, uki);
		cut(root);
		return climb(root);
	}
	if (!realpath(options->esp, root))
		return complain("%s: %s", options->esp, strerror(errno));
	if (!strcmp(root, "/"))
		*root = '\0';
	return 0;
}

/*
 * A UKI that is not on the ESP of --esp counts as if it were in its root directory:
 * its own directory is looked for beside it all the same.
 */
static int find_places(const struct options *options, const char *uki,
		       struct places *places)
{
	char *beside = places->where;
	size_t len;

	if (find_root(options, uki, places->root))
		return -1;
	len = strlen(places->root);
	if (!strncmp(uki, places->root, len) && uki[len] == '/') {
		copy_path(beside, places->root);
	} else {
		copy_path(beside, uki);
		cut(beside);
		len = strlen(beside);
	}

	copy_path(places->dir, uki + len + 1);
	remove_boot_count(places->dir);
	len = sizeof(places->dir) - strlen(places->dir);
	if ((size_t)snprintf(strchr(places->dir, '\0'), len, ".extra.d") >= len)
		return complain_path(uki, strerror(ENAMETOOLONG));
	strcat(beside, "/");
	strcat(beside, places->dir);
	return 0;
}

/* The path in the archive; to be freed */
static char *join(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) >= 0)
		return path;
	complain("out of memory");
	return NULL;
}

/* 1 if the kernel would use a file of this path, 0 if it would pass it over, or -1 */
static int wanted(const char *path)
{
	u8 buf[PATH_MAX + NAME_MAX + 512];
	struct uki_newc newc = { .buf = buf, .size = sizeof(buf) };
	static const struct uki_newc_data nothing;
	struct pefile_error err;
	size_t nr = 0;

	if (uki_newc_file(&newc, path, 0444, &nothing) || uki_newc_end(&newc))
		return complain_path(path, strerror(ENAMETOOLONG));
	if (uki_companions_read(buf, newc.pos, NULL, &nr, &err))
		return complain_path(path, err.msg);
	return nr;
}

static int open_companion(int dirfd, const char *name, struct stat *st)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, st)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What is looked at by its name is not yet what is opened. */
static int pack_opened(struct archive *archive, int fd, const struct stat *st,
		       const char *path)
{
	int ret;

	if (!S_ISREG(st->st_mode))
		return complain_path(path, "is not a regular file");
	ret = archive_add_file(archive, path, 0444, fd, st->st_size);
	if (ret == -ESTALE)
		return complain_path(path, "changes while it is read");
	return ret ? complain_path(path, strerror(-ret)) : 1;
}

/*
 * sd-stub passes directories over.  On a partition that firmware reads, nothing else
 * but files can be found, so nobody can say what it would do with a link.
 */
static int pack_file(struct archive *archive, int dirfd, const char *name,
		     const char *path)
{
	struct stat st;
	int fd, ret;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return complain_path(path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return 0;
	if (!S_ISREG(st.st_mode))
		return complain_path(path, "is not a regular file");

	fd = open_companion(dirfd, name, &st);
	if (fd < 0)
		return complain_path(path, strerror(errno));
	ret = pack_opened(archive, fd, &st, path);
	close(fd);
	return ret;
}

/* 1 if it was packed, 0 if it was passed over, or -1 */
static int take_file(const struct options *options, struct archive *archive,
		     int dirfd, const char *dir, const char *name)
{
	char *path = join(dir, name);
	int ret;

	if (!path)
		return -1;
	ret = wanted(path);
	if (ret > 0)
		ret = pack_file(archive, dirfd, name, path);
	if (!ret && options->verbose && strcmp(name, ".") && strcmp(name, "..")) {
		fputs("passed over: ", stdout);
		text_ascii(stdout, (const u8 *)path, strlen(path));
		putchar('\n');
	}
	free(path);
	return ret;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Names of a directory in order of their bytes; -ENOENT if there is no such one */
static int list(int dirfd, struct dirent ***names)
{
	int nr = scandirat(dirfd, ".", names, NULL, by_bytes);

	return nr < 0 ? -errno : nr;
}

static int take_names(const struct options *options, struct archive *archive,
		      int dirfd, const char *dir, struct dirent **names, int nr)
{
	int i, ret = 0, taken = 0;

	for (i = 0; i < nr; i++) {
		if (ret >= 0)
			ret = take_file(options, archive, dirfd, dir,
					names[i]->d_name);
		if (ret > 0)
			taken++;
		free(names[i]);
	}
	free(names);
	return ret < 0 ? -1 : taken;
}

/* As with a file, nobody can say what firmware would find behind a link. */
static int open_dir(const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};

	return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* Number of files that were packed, or -1 */
static int take_dir(const struct options *options, struct archive *archive,
		    const char *dir, const char *where)
{
	struct dirent **names;
	int dirfd, nr;

	dirfd = open_dir(where);
	if (dirfd < 0 && errno == ELOOP)
		return complain_path(where, "has a symbolic link in its path");
	if (dirfd < 0)
		return errno == ENOENT ? 0 : complain_path(where, strerror(errno));
	nr = list(dirfd, &names);
	if (nr < 0)
		complain_path(where, strerror(-nr));
	else
		nr = take_names(options, archive, dirfd, dir, names, nr);
	close(dirfd);
	return nr < 0 ? -1 : nr;
}

static int take_all(const struct options *options, const char *uki,
		    struct archive *archive)
{
	char where[PATH_MAX + 32];
	struct places places;
	int nr = 0, ret;
	unsigned int i;

	if (find_places(options, uki, &places))
		return -1;
	for (i = 0; i < ARRAY_SIZE(global_dirs); i++) {
		snprintf(where, sizeof(where), "%s/%s", places.root,
			 global_dirs[i]);
		ret = take_dir(options, archive, global_dirs[i], where);
		if (ret < 0)
			return -1;
		nr += ret;
	}
	ret = take_dir(options, archive, places.dir, places.where);
	return ret < 0 ? -1 : nr + ret;
}

/* Reads to the end, so that a longer file is noticed */
static ssize_t read_secret(int fd, u8 *buf, size_t size)
{
	size_t len = 0;
	ssize_t got;

	do {
		got = read(fd, buf + len, size - len);
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0)
			len += got;
	} while (got && len < size);
	return len;
}

static int pack_secret(struct archive *archive, const char *file, int fd,
		       u8 *secret, size_t size)
{
	ssize_t len = read_secret(fd, secret, size);
	int ret;

	if (len < 0)
		return complain("%s: %s", file, strerror(errno));
	if (len != UKI_BOOT_SECRET_SIZE)
		return complain("%s: has not %u bytes, so it is no boot secret",
				file, UKI_BOOT_SECRET_SIZE);
	ret = archive_add_data(archive, ".extra/boot-secret", 0400, secret, len);
	return ret ? complain("%s: %s", file, strerror(-ret)) : 1;
}

static int take_secret(const char *file, struct archive *archive)
{
	u8 secret[UKI_BOOT_SECRET_SIZE + 1];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return complain("%s: %s", file, strerror(errno));
	ret = pack_secret(archive, file, fd, secret, sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	close(fd);
	return ret;
}

static const char * const kind_words[] = {
	[UKI_GLOBAL_ADDON]	= "addon of all UKIs",
	[UKI_ADDON]		= "addon",
	[UKI_CREDENTIAL]	= "credential",
	[UKI_GLOBAL_CREDENTIAL]	= "credential of all UKIs",
	[UKI_SYSEXT]		= "system extension",
	[UKI_GLOBAL_SYSEXT]	= "system extension of all UKIs",
	[UKI_CONFEXT]		= "configuration extension",
	[UKI_GLOBAL_CONFEXT]	= "configuration extension of all UKIs",
	[UKI_BOOT_SECRET]	= "boot secret",
};

static void print_companion(const struct uki_companion *companion)
{
	printf("%s: ", kind_words[companion->kind]);
	text_ascii(stdout, (const u8 *)companion->name, strlen(companion->name));
	printf(", %llu bytes\n", (unsigned long long)companion->data.len);
}

/* What the kernel will read in the archive; it can also not be what was packed. */
static int read_back(const struct options *options, const struct archive *archive,
		     size_t nr)
{
	struct uki_companion *companions = calloc(nr, sizeof(*companions));
	struct pefile_error err = { .msg = "not what was packed" };
	size_t got = nr, i;
	int ret;

	if (!companions)
		return complain("out of memory");
	ret = uki_companions_read(archive->newc.buf, archive->newc.pos, companions,
				  &got, &err);
	if (!ret && got == nr) {
		qsort(companions, nr, sizeof(*companions), uki_companion_cmp);
		ret = uki_companions_check(companions, nr, &err);
	}
	if (ret || got != nr)
		ret = complain("the archive of companions: %s", err.msg);
	for (i = 0; !ret && options->verbose && i < nr; i++)
		print_companion(&companions[i]);
	free(companions);
	return ret;
}

/*
 * Packs what sd-stub would find for the UKI at the absolute path @uki, and the boot
 * secret.  @nr is set to the number of files; with none there is no archive.
 */
int companions_pack(const struct options *options, const char *uki,
		    struct archive *archive, size_t *nr)
{
	int ret = archive_open(archive), taken = 0;

	if (ret)
		return complain("memory for an archive: %s", strerror(-ret));
	if (!options->no_companions)
		taken = take_all(options, uki, archive);
	if (taken >= 0 && options->secret) {
		ret = take_secret(*options->secret ? options->secret : BOOT_SECRET,
				  archive);
		taken = ret < 0 ? -1 : taken + ret;
	}
	if (taken > 0) {
		ret = archive_end(archive);
		if (ret)
			complain("the archive of companions: %s", strerror(-ret));
		if (ret || read_back(options, archive, taken))
			taken = -1;
	}
	if (taken <= 0)
		archive_close(archive);
	*nr = taken;
	return taken < 0 ? -1 : 0;
}
