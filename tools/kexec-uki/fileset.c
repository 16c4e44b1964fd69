// SPDX-License-Identifier: GPL-2.0
/*
 * A component directory of systemd-pcrlock, which has one file per variant
 *
 * systemd-pcrlock sorts the files by name, takes those that end in ".pcrlock", and
 * passes over hidden ones.  It takes no lock, so what it may find at any moment counts:
 * the old variants, none, or the new ones, and never the empty variant with less than
 * all others, nor an old one beside a new one.  Without the empty variant, what is
 * there leads to the right values; an empty one alone would be taken for "this kexec
 * was not".
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fileset.h"
#include "text.h"

#define PREFIX		"kexec-"
#define SUFFIX		".pcrlock"
#define DIR_SUFFIX	".pcrlock.d"
#define NEW_SUFFIX	".new"
#define NAME_SIZE	sizeof("." PREFIX "none" SUFFIX NEW_SUFFIX)

/* "kexec-000.pcrlock", and "kexec-none.pcrlock", which sorts last */
static void make_name(unsigned int n, bool new, char name[NAME_SIZE])
{
	char middle[sizeof("none")] = "none";

	if (n != FILESET_EMPTY)
		snprintf(middle, sizeof(middle), "%03u", n % FILESET_MAX);
	snprintf(name, NAME_SIZE, "%s" PREFIX "%s" SUFFIX "%s", new ? "." : "",
		 middle, new ? NEW_SUFFIX : "");
}

/* Whether it is a name that make_name() makes; @n and @new as it takes them */
static bool read_name(const char *name, unsigned int *n, bool *new)
{
	const char *middle = name;
	char again[NAME_SIZE];

	*new = *name == '.';
	if (strncmp(name + *new, PREFIX, strlen(PREFIX)))
		return false;
	middle += *new + strlen(PREFIX);
	*n = strncmp(middle, "none", 4) ? strtoul(middle, NULL, 10) : FILESET_EMPTY;
	make_name(*n, *new, again);
	return !strcmp(name, again);
}

static int fail(const struct fileset *set)
{
	return complain("%s: %s", set->path, strerror(errno));
}

static int sync_names(const struct fileset *set)
{
	return fsync(set->fd) ? fail(set) : 0;
}

typedef int (*visit)(struct fileset *set, const char *name);

/* Calls @visit for each name; stops at the first one for which it is not 0 */
static int for_each(struct fileset *set, visit visit)
{
	int fd = openat(set->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return fail(set);
	while (!ret) {
		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			ret = errno ? fail(set) : 0;
			break;
		}
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			ret = visit(set, entry->d_name);
	}
	closedir(dir);
	return ret;
}

static int refuse_foreign(struct fileset *set, const char *name)
{
	struct stat info;
	unsigned int n;
	bool new;

	if (read_name(name, &n, &new) &&
	    !fstatat(set->fd, name, &info, AT_SYMLINK_NOFOLLOW) &&
	    S_ISREG(info.st_mode))
		return 0;
	complain_path(name, "not of an earlier prediction");
	return complain("%s: --pcrlock needs a directory of its own", set->path);
}

static int remove_file(struct fileset *set, const char *name)
{
	return unlinkat(set->fd, name, 0) && errno != ENOENT ? fail(set) : 0;
}

static int remove_new(struct fileset *set, const char *name)
{
	unsigned int n;
	bool new;

	return read_name(name, &n, &new) && new ? remove_file(set, name) : 0;
}

static int remove_old(struct fileset *set, const char *name)
{
	unsigned int n;
	bool new;

	return read_name(name, &n, &new) && !new ? remove_file(set, name) : 0;
}

/* systemd-pcrlock would pass over a directory of another name. */
static int check_path(const char *path)
{
	size_t len = strlen(path), suffix = strlen(DIR_SUFFIX);
	const char *name;

	while (len && path[len - 1] == '/')
		len--;
	name = memrchr(path, '/', len);
	name = name ? name + 1 : path;
	if (len > suffix && !strncmp(path + len - suffix, DIR_SUFFIX, suffix) &&
	    path + len - suffix > name && *name != '.')
		return 0;
	return complain("%s: systemd-pcrlock takes directories that end in " DIR_SUFFIX
			" only", path);
}

/* Makes the directory and those above it */
static int make_dirs(const char *path)
{
	char *copy = strdup(path), *slash = copy;
	int ret = 0;

	if (!copy)
		return complain("out of memory");
	while (!ret && slash) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(copy, 0755) && errno != EEXIST)
			ret = complain("%s: %s", copy, strerror(errno));
		if (slash)
			*slash = '/';
	}
	free(copy);
	return ret;
}

/* Makes or takes the directory, and refuses one that has foreign files */
int fileset_open(struct fileset *set, const char *path)
{
	*set = (struct fileset){ .path = path, .fd = -1 };
	if (check_path(path) || make_dirs(path))
		return -1;
	set->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (set->fd < 0 || flock(set->fd, LOCK_EX))
		return fail(set);
	if (for_each(set, refuse_foreign))
		return -1;
	return for_each(set, remove_new);
}

static int write_new(struct fileset *set, unsigned int n, fileset_print print,
		     const void *what)
{
	char name[NAME_SIZE];
	FILE *out;
	int fd;

	make_name(n, true, name);
	fd = openat(set->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		fail(set);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	print(out, what);
	if (fflush(out) || ferror(out) || fsync(fd)) {
		fail(set);
		fclose(out);
		return -1;
	}
	return fclose(out) ? fail(set) : 0;
}

/* Writes the next variant; systemd-pcrlock sees it after fileset_commit() */
int fileset_add(struct fileset *set, fileset_print print, const void *what)
{
	if (set->nr == FILESET_MAX)
		return complain("too many variants");
	return write_new(set, set->nr++, print, what);
}

static int show(struct fileset *set, unsigned int n)
{
	char new[NAME_SIZE], name[NAME_SIZE];

	make_name(n, true, new);
	make_name(n, false, name);
	return renameat(set->fd, new, set->fd, name) ? fail(set) : 0;
}

static int replace(struct fileset *set)
{
	unsigned int n;

	if (for_each(set, remove_old) || sync_names(set))
		return -1;
	for (n = 0; n < set->nr; n++)
		if (show(set, n))
			return -1;
	if (sync_names(set) || show(set, FILESET_EMPTY))
		return -1;
	return sync_names(set);
}

/*
 * Replaces what an earlier prediction has left.  Until the empty variant of that is
 * gone nothing has changed, and after that there is no way back: if anything fails, no
 * variant at all stays.
 */
int fileset_commit(struct fileset *set, fileset_print print_empty)
{
	char empty[NAME_SIZE];

	make_name(FILESET_EMPTY, false, empty);
	if (write_new(set, FILESET_EMPTY, print_empty, NULL) ||
	    remove_file(set, empty))
		return -1;
	if (!sync_names(set) && !replace(set))
		return 0;
	for_each(set, remove_old);
	return complain("%s: no variant is left in it", set->path);
}

/* Removes what was not committed */
void fileset_close(struct fileset *set)
{
	if (set->fd < 0)
		return;
	for_each(set, remove_new);
	close(set->fd);
	set->fd = -1;
}
