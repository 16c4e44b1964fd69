// SPDX-License-Identifier: GPL-2.0
/*
 * Companions of a unified kernel image: which files sd-stub would use, in what
 * order, and the archives that it makes of them
 *
 * "sd-stub" is systemd-stub v262; its functions are named where a rule is
 * theirs.  The files come in an archive, with the paths that they have on the
 * EFI system partition.  What sd-stub passes over in a directory that it reads
 * is passed over here.  Anything else that is not expected makes the archive a
 * bad one: it cannot have come from a partition, or whoever packed it meant
 * something that would not happen.
 *
 * The archive is hostile.  This file must never allocate, log, keep state, or
 * use a byte that uki_newc_next() has not checked: the loader, the tools and
 * the fuzzers in user space all build it as it is.
 */

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uki_companion.h>

/* load_addons_from_dir(), pack_cpio(): the longest name that Linux has. */
#define MAX_NAME_LEN	255

/* TPM2_PCR_KERNEL_CONFIG, TPM2_PCR_SYSEXTS, and sd-stub's UINT32_MAX. */
#define PCR_CONFIG	12
#define PCR_SYSEXTS	13
#define PCR_NONE	0xffffffff

/* cpio_target_*, and the descriptions of generate_sidecar_initrds(). */
static const struct uki_sidecar sidecars[UKI_NR_COMPANION_KINDS] = {
	[UKI_CREDENTIAL] = {
		".extra/credentials", 0500, 0400, PCR_CONFIG,
		"Credentials initrd"
	},
	[UKI_GLOBAL_CREDENTIAL] = {
		".extra/global_credentials", 0500, 0400, PCR_CONFIG,
		"Global credentials initrd"
	},
	[UKI_SYSEXT] = {
		".extra/sysext", 0555, 0444, PCR_SYSEXTS,
		"System extension initrd"
	},
	[UKI_GLOBAL_SYSEXT] = {
		".extra/global_sysext", 0555, 0444, PCR_SYSEXTS,
		"Global system extension initrd"
	},
	[UKI_CONFEXT] = {
		".extra/confext", 0555, 0444, PCR_CONFIG,
		"Configuration extension initrd"
	},
	[UKI_GLOBAL_CONFEXT] = {
		".extra/global_confext", 0555, 0444, PCR_CONFIG,
		"Global configuration extension initrd"
	},
	[UKI_BOOT_SECRET] = { ".extra", 0555, 0400, PCR_NONE, NULL },
};

/* Room for the longest of these directories, a slash, a name and a NUL. */
#define MAX_PATH_SIZE	(sizeof(".extra/global_credentials") + 1 + MAX_NAME_LEN)

/* A directory that sd-stub reads. */
enum companion_dir {
	DIR_GLOBAL_ADDONS,
	DIR_GLOBAL_CREDENTIALS,
	DIR_GLOBAL_EXTENSIONS,
	DIR_OF_UKI,
	NR_DIRS
};

/* Where it is; that of the UKI is found by how its name ends. */
static const char * const dir_paths[NR_DIRS] = {
	[DIR_GLOBAL_ADDONS]	 = "loader/addons",
	[DIR_GLOBAL_CREDENTIALS] = "loader/credentials",
	[DIR_GLOBAL_EXTENSIONS]	 = "loader/extensions",
};

/*
 * What sd-stub looks for in it.  The first suffix that a name ends with counts:
 * .confext.raw comes before .raw.
 */
static const struct {
	enum companion_dir dir;
	const char *suffix;
	enum uki_companion_kind kind;
} suffixes[] = {
	{ DIR_GLOBAL_ADDONS, ".addon.efi", UKI_GLOBAL_ADDON },
	{ DIR_GLOBAL_CREDENTIALS, ".cred", UKI_GLOBAL_CREDENTIAL },
	{ DIR_GLOBAL_EXTENSIONS, ".confext.raw", UKI_GLOBAL_CONFEXT },
	{ DIR_GLOBAL_EXTENSIONS, ".raw", UKI_GLOBAL_SYSEXT },
	{ DIR_OF_UKI, ".addon.efi", UKI_ADDON },
	{ DIR_OF_UKI, ".cred", UKI_CREDENTIAL },
	{ DIR_OF_UKI, ".confext.raw", UKI_CONFEXT },
	{ DIR_OF_UKI, ".raw", UKI_SYSEXT },
};

/* A path that has been split at its last slash. */
struct companion_path {
	const char *dir;
	size_t dir_len;
	const char *name;
	size_t name_len;
};

static int refuse(struct pefile_error *err, const char *msg, u64 value,
		  u64 limit)
{
	memset(err, 0, sizeof(*err));
	err->msg = msg;
	err->value = value;
	err->limit = limit;
	return -EBADMSG;
}

/* Returns false if there is no slash. */
static bool split_path(const struct uki_newc_member *member,
		       struct companion_path *path)
{
	const char *slash = strrchr(member->path, '/');

	if (!slash)
		return false;
	path->dir = member->path;
	path->dir_len = slash - path->dir;
	path->name = slash + 1;
	path->name_len = member->path_len - path->dir_len - 1;
	return true;
}

static bool dir_is(const struct companion_path *path, const char *want)
{
	return path->dir_len == strlen(want) &&
	       !memcmp(path->dir, want, path->dir_len);
}

/*
 * <uki>.extra.d, see get_extra_dir() of sd-stub.  Where the UKI lies does not
 * matter, but it has a name.
 */
static bool is_dir_of_uki(const struct companion_path *path)
{
	static const char suffix[] = ".extra.d";
	size_t suffix_len = sizeof(suffix) - 1;
	const char *end;

	if (path->dir_len <= suffix_len)
		return false;
	end = path->dir + path->dir_len - suffix_len;
	return end[-1] != '/' && !memcmp(end, suffix, suffix_len);
}

static enum companion_dir find_dir(const struct companion_path *path)
{
	unsigned int i;

	for (i = 0; i < DIR_OF_UKI; i++) {
		if (dir_is(path, dir_paths[i]))
			return i;
	}
	return is_dir_of_uki(path) ? DIR_OF_UKI : NR_DIRS;
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* endswith_no_case(): of ASCII letters only. */
static bool ends_with(const struct companion_path *path, const char *suffix)
{
	size_t len = strlen(suffix);
	const char *end;
	size_t i;

	if (path->name_len < len)
		return false;
	end = path->name + path->name_len - len;
	for (i = 0; i < len; i++) {
		if (to_lower(end[i]) != suffix[i])
			return false;
	}
	return true;
}

/* Tell whether load_addons_from_dir() and pack_cpio() look at such a name. */
static bool name_is_usable(const struct companion_path *path)
{
	size_t i;

	if (path->name[0] == '.' || path->name_len > MAX_NAME_LEN)
		return false;
	for (i = 0; i < path->name_len; i++) {
		if ((u8)path->name[i] > 127)
			return false;
	}
	return true;
}

/* Returns UKI_NR_COMPANION_KINDS if sd-stub passes the file over. */
static enum uki_companion_kind find_kind(const struct companion_path *path,
					 enum companion_dir dir)
{
	unsigned int i;

	if (!name_is_usable(path))
		return UKI_NR_COMPANION_KINDS;
	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (suffixes[i].dir == dir &&
		    ends_with(path, suffixes[i].suffix))
			return suffixes[i].kind;
	}
	return UKI_NR_COMPANION_KINDS;
}

/*
 * No links: nobody needs them on the way from a partition that has none, and of
 * a file with two names an archive has the content only once.
 */
static const char *check_type(const struct uki_newc_member *member)
{
	if ((member->mode & UKI_NEWC_TYPE) != UKI_NEWC_FILE)
		return "neither a file nor a directory";
	if (member->nlink > 1)
		return "a file with more than one link";
	return NULL;
}

/* Zeros are no secret (generate_boot_secret_initrd()). */
static const char *check_secret(const void *buf,
				const struct uki_newc_member *member,
				const struct companion_path *path)
{
	const u8 *secret = buf + member->data.off;
	u8 any = 0;
	size_t i;

	if (strcmp(path->name, "boot-secret"))
		return "unknown file in .extra";
	if (member->data.len != UKI_BOOT_SECRET_SIZE)
		return "boot secret of a wrong size";
	for (i = 0; i < UKI_BOOT_SECRET_SIZE; i++)
		any |= secret[i];
	return any ? NULL : "boot secret of zeros";
}

/* The kernel does not know the UKI's path, but there is only one UKI. */
static const char *check_dir_of_uki(const struct companion_path *path,
				    struct companion_path *first)
{
	if (!first->dir)
		*first = *path;
	else if (first->dir_len != path->dir_len ||
		 memcmp(first->dir, path->dir, path->dir_len))
		return "companions of more than one UKI";
	return NULL;
}

/*
 * Find out what a member is; its kind stays as it is if sd-stub passes it over.
 * @uki_path is that of the first file in a directory of a UKI.  Returns what is
 * wrong with it, NULL if nothing is.
 */
static const char *judge_member(const void *buf,
				const struct uki_newc_member *member,
				struct companion_path *uki_path,
				struct uki_companion *companion)
{
	struct companion_path path;
	enum companion_dir dir;
	const char *msg;

	if ((member->mode & UKI_NEWC_TYPE) == UKI_NEWC_DIR)
		return NULL;
	msg = check_type(member);
	if (msg)
		return msg;
	if (!split_path(member, &path))
		return "a file in no directory";

	companion->name = path.name;
	companion->data = member->data;
	if (dir_is(&path, sidecars[UKI_BOOT_SECRET].path)) {
		companion->kind = UKI_BOOT_SECRET;
		return check_secret(buf, member, &path);
	}

	dir = find_dir(&path);
	if (dir == NR_DIRS)
		return "unknown directory";
	companion->kind = find_kind(&path, dir);
	return dir == DIR_OF_UKI ? check_dir_of_uki(&path, uki_path) : NULL;
}

/**
 * uki_companions_read() - find the companions in an archive
 * @buf: the archive
 * @len: its length
 * @companions: where they go, in the archive's order; NULL to count only
 * @nr: set to their number on success; with @companions it is the room first
 * @err: filled on failure: the value is the offset of the member's header, the
 *	 limit is @len
 *
 * A file that is there twice is found twice, see uki_companions_check().
 *
 * Return: 0 on success, -EBADMSG if the archive is malformed, or if it has a
 *	   file that is no companion and that sd-stub would not pass over
 */
int uki_companions_read(const void *buf, size_t len,
			struct uki_companion *companions, size_t *nr,
			struct pefile_error *err)
{
	struct companion_path uki_path = { };
	size_t pos = 0, header = 0, found = 0;
	struct uki_newc_member member;
	int ret;

	for (; (ret = uki_newc_next(buf, len, &pos, &member, err)) > 0;
	     header = pos) {
		struct uki_companion companion = {
			.kind = UKI_NR_COMPANION_KINDS,
		};
		const char *msg = judge_member(buf, &member, &uki_path,
					       &companion);

		if (msg)
			return refuse(err, msg, header, len);
		if (companion.kind == UKI_NR_COMPANION_KINDS)
			continue;
		if (found == UKI_MAX_COMPANIONS)
			return refuse(err, "too many companions", header, len);
		if (companions && found == *nr)
			return refuse(err, "more companions than counted",
				      header, len);
		if (companions)
			companions[found] = companion;
		found++;
	}
	if (!ret)
		*nr = found;
	return ret;
}
EXPORT_SYMBOL_GPL(uki_companions_read);

/**
 * uki_companion_cmp() - compare two companions, for sort()
 * @a: a struct uki_companion
 * @b: another one
 *
 * sd-stub sorts each directory by the characters of the names, upper-case
 * letters before lower-case ones (strcmp16()).
 *
 * Return: below, above or 0: by kind, then by name
 */
int uki_companion_cmp(const void *a, const void *b)
{
	const struct uki_companion *first = a, *second = b;

	if (first->kind != second->kind)
		return first->kind < second->kind ? -1 : 1;
	return strcmp(first->name, second->name);
}
EXPORT_SYMBOL_GPL(uki_companion_cmp);

/**
 * uki_companions_check() - check that no companion is there twice
 * @companions: the companions, in the order of uki_companion_cmp()
 * @nr: their number
 * @err: filled on failure: the value is the offset of the second one's content,
 *	 the limit that of the first one's
 *
 * A partition cannot have two files of one name, and two readers of such an
 * archive could take different ones.
 *
 * Return: 0 if they are in order, -EBADMSG if not
 */
int uki_companions_check(const struct uki_companion *companions, size_t nr,
			 struct pefile_error *err)
{
	size_t i;

	for (i = 1; i < nr; i++) {
		if (uki_companion_cmp(&companions[i - 1], &companions[i]) >= 0)
			return refuse(err, "a file that is there twice",
				      companions[i].data.off,
				      companions[i - 1].data.off);
	}
	return 0;
}
EXPORT_SYMBOL_GPL(uki_companions_check);

/**
 * uki_sidecar() - get the archive that files of one kind go to
 * @kind: the kind
 *
 * Return: the archive, or NULL if such files do not go to the initrd, as addons
 */
const struct uki_sidecar *uki_sidecar(enum uki_companion_kind kind)
{
	if ((unsigned int)kind >= UKI_NR_COMPANION_KINDS ||
	    !sidecars[kind].path)
		return NULL;
	return &sidecars[kind];
}
EXPORT_SYMBOL_GPL(uki_sidecar);

static int put_file(struct uki_newc *newc, const void *buf,
		    const struct uki_sidecar *sidecar,
		    const struct uki_companion *companion)
{
	const struct uki_newc_data data = {
		.data = buf + companion->data.off,
		.len = companion->data.len,
	};
	size_t name_len = strnlen(companion->name, MAX_NAME_LEN + 1);
	size_t dir_len = strlen(sidecar->path);
	char path[MAX_PATH_SIZE];

	if (name_len > MAX_NAME_LEN)
		return -EINVAL;
	memcpy(path, sidecar->path, dir_len);
	path[dir_len] = '/';
	memcpy(path + dir_len + 1, companion->name, name_len + 1);
	return uki_newc_file(newc, path, sidecar->file_mode, &data);
}

/**
 * uki_sidecar_archive() - write the archive that holds the files of one kind
 * @newc: where to; may hold complete archives already
 * @buf: the archive that the companions were read from
 * @companions: files of one kind, in the order of uki_companion_cmp()
 * @nr: their number, at least 1
 *
 * sd-stub makes one archive per kind, with its directories (pack_cpio()), and
 * none where there is no file.
 *
 * Return: 0 on success; -EINVAL if there is no companion, if the kind has no
 *	   such archive, if there are two kinds, or a name is too long; -ENOSPC
 *	   if the archive does not fit, -EFBIG if it is too large.  After an
 *	   error the archive is of no use.
 */
int uki_sidecar_archive(struct uki_newc *newc, const void *buf,
			const struct uki_companion *companions, size_t nr)
{
	const struct uki_sidecar *sidecar;
	size_t i;
	int ret;

	sidecar = nr ? uki_sidecar(companions[0].kind) : NULL;
	if (!sidecar)
		return -EINVAL;

	ret = uki_newc_dir(newc, sidecar->path, sidecar->dir_mode);
	for (i = 0; i < nr && !ret; i++) {
		if (companions[i].kind != companions[0].kind)
			return -EINVAL;
		ret = put_file(newc, buf, sidecar, &companions[i]);
	}
	return ret ?: uki_newc_end(newc);
}
EXPORT_SYMBOL_GPL(uki_sidecar_archive);
