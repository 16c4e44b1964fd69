// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target of lib/uki_companion.c; the input is an archive of companions
 *
 * Checked: which file is a companion and of what kind, which is passed over and
 * which makes the archive a bad one, against a second rule; that counting and
 * reading agree, and that too little room is refused; spans inside the archive;
 * the order, and files that are there twice; the archives for the initrd, written
 * once for each kind and read back by the strict reader: directory, modes, names,
 * contents, no file of another kind; a reason for each refusal; the archive
 * unchanged.  fuzz_newc has the reader itself.
 */

#include <ctype.h>
#include <strings.h>
#include <linux/uki_companion.h>

#include "fuzz.h"

/* What a member is, beside the kinds. */
#define BAD		-1
#define PASSED_OVER	-2

/* endswith_no_case() of systemd-stub; names have no NUL inside. */
static bool ends(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len >= suffix_len && !strcasecmp(name + len - suffix_len, suffix);
}

/* The UKI's directory is any with this suffix behind a name. */
static bool is_dir_of_uki(const char *dir, size_t len)
{
	return len > 8 && !memcmp(dir + len - 8, ".extra.d", 8) &&
	       dir[len - 9] != '/';
}

static int kind_of_secret(const u8 *buf, const struct uki_newc_member *member,
			  const char *name)
{
	static const u8 zeros[UKI_BOOT_SECRET_SIZE];

	if (strcmp(name, "boot-secret") || member->data.len != sizeof(zeros) ||
	    !memcmp(buf + member->data.off, zeros, sizeof(zeros)))
		return BAD;
	return UKI_BOOT_SECRET;
}

static int kind_of_name(const char *name, bool uki, bool addons, bool creds,
			bool extensions)
{
	if (*name == '.' || strlen(name) > 255)
		return PASSED_OVER;
	for (size_t i = 0; name[i]; i++)
		if (!isascii(name[i]))
			return PASSED_OVER;
	if ((uki || addons) && ends(name, ".addon.efi"))
		return uki ? UKI_ADDON : UKI_GLOBAL_ADDON;
	if ((uki || creds) && ends(name, ".cred"))
		return uki ? UKI_CREDENTIAL : UKI_GLOBAL_CREDENTIAL;
	if ((!uki && !extensions) || !ends(name, ".raw"))
		return PASSED_OVER;
	if (ends(name, ".confext.raw"))
		return uki ? UKI_CONFEXT : UKI_GLOBAL_CONFEXT;
	return uki ? UKI_SYSEXT : UKI_GLOBAL_SYSEXT;
}

/* @first is the UKI's directory as it was seen first. */
static int second_kind(const u8 *buf, const struct uki_newc_member *member,
		       struct pefile_span *first)
{
	const char *dir = member->path, *slash = strrchr(dir, '/'), *name;
	size_t len = slash ? slash - dir : 0;
	bool addons, creds, extensions;
	struct pefile_span span = { (const u8 *)dir - buf, len };

	if ((member->mode & 0170000) == 0040000)
		return PASSED_OVER;
	if ((member->mode & 0170000) != 0100000 || member->nlink > 1 || !slash)
		return BAD;
	name = slash + 1;
	if (len == 6 && !strncmp(dir, ".extra", len))
		return kind_of_secret(buf, member, name);
	addons = len == 13 && !strncmp(dir, "loader/addons", len);
	creds = len == 18 && !strncmp(dir, "loader/credentials", len);
	extensions = len == 17 && !strncmp(dir, "loader/extensions", len);
	if (addons || creds || extensions)
		return kind_of_name(name, false, addons, creds, extensions);
	if (!is_dir_of_uki(dir, len))
		return BAD;
	if (!first->len)
		*first = span;
	if (first->len != len || memcmp(buf + first->off, dir, len))
		return BAD;
	return kind_of_name(name, true, false, false, false);
}

/*
 * Fills @want with what there is; returns the number, or BAD, and sets @at to the
 * member that is.
 */
static int second_read(const u8 *buf, size_t len, struct uki_companion *want,
		       size_t room, size_t *at)
{
	struct uki_newc_member member;
	struct pefile_span first = { };
	struct pefile_error err;
	size_t pos = 0, nr = 0;
	int ret;

	*at = 0;
	for (; (ret = uki_newc_next(buf, len, &pos, &member, &err)) == 1; *at = pos) {
		int kind = second_kind(buf, &member, &first);

		if (kind == BAD || (kind >= 0 && nr == UKI_MAX_COMPANIONS))
			return BAD;
		if (kind < 0)
			continue;
		MUST(nr < room);
		want[nr].kind = kind;
		want[nr].name = strrchr(member.path, '/') + 1;
		want[nr++].data = member.data;
	}
	return ret ? BAD : (int)nr;
}

/* What lies in the directory of the initrd, and how. */
static const struct {
	const char *dir;
	u32 dir_mode, file_mode, pcr;
} second_sidecars[UKI_NR_COMPANION_KINDS] = {
	[UKI_CREDENTIAL] = { ".extra/credentials", 0500, 0400, 12 },
	[UKI_GLOBAL_CREDENTIAL] = { ".extra/global_credentials", 0500, 0400, 12 },
	[UKI_SYSEXT] = { ".extra/sysext", 0555, 0444, 13 },
	[UKI_GLOBAL_SYSEXT] = { ".extra/global_sysext", 0555, 0444, 13 },
	[UKI_CONFEXT] = { ".extra/confext", 0555, 0444, 12 },
	[UKI_GLOBAL_CONFEXT] = { ".extra/global_confext", 0555, 0444, 12 },
	[UKI_BOOT_SECRET] = { ".extra", 0555, 0400, -1 },
};

/* 255 characters have their place, 256 have not. */
static void check_long_name(void)
{
	char name[257] = "";
	struct uki_companion file = { .kind = UKI_CREDENTIAL, .name = name + 1 };
	struct uki_newc newc = { };

	memset(name, 'x', 256);
	MUST(!uki_sidecar_archive(&newc, "", &file, 1));
	file.name = name;
	MUST(uki_sidecar_archive(&newc, "", &file, 1) == -EINVAL);
}

static void check_kinds(void)
{
	for (unsigned int kind = 0; kind < UKI_NR_COMPANION_KINDS; kind++) {
		const struct uki_sidecar *sidecar = uki_sidecar(kind);

		MUST(!sidecar == !second_sidecars[kind].dir);
		if (!sidecar)
			continue;
		MUST(!strcmp(sidecar->path, second_sidecars[kind].dir));
		MUST(sidecar->dir_mode == second_sidecars[kind].dir_mode);
		MUST(sidecar->file_mode == second_sidecars[kind].file_mode);
		MUST(sidecar->pcr == second_sidecars[kind].pcr);
		MUST(!sidecar->event == (kind == UKI_BOOT_SECRET));
	}
	MUST(!uki_sidecar(UKI_NR_COMPANION_KINDS) && !uki_sidecar(-1));
	check_long_name();
}

static void check_dirs(const struct uki_newc *newc, size_t *pos, const char *dir,
		       u32 mode)
{
	struct uki_newc_member member;
	struct pefile_error err;

	for (size_t i = 1; i <= strlen(dir); i++) {
		if (dir[i] && dir[i] != '/')
			continue;
		MUST(uki_newc_next(newc->buf, newc->pos, pos, &member, &err) == 1);
		MUST(member.path_len == i && !memcmp(member.path, dir, i));
		MUST(member.mode == (0040000 | (dir[i] ? 0555 : mode)));
	}
}

static void check_sidecar(const u8 *buf, const struct uki_newc *newc,
			  const struct uki_companion *files, size_t nr)
{
	const char *dir = second_sidecars[files->kind].dir;
	struct uki_newc_member member;
	struct pefile_error err;
	char path[300];
	size_t pos = 0;

	check_dirs(newc, &pos, dir, second_sidecars[files->kind].dir_mode);
	for (size_t i = 0; i < nr; i++) {
		MUST(uki_newc_next(newc->buf, newc->pos, &pos, &member, &err) == 1);
		snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
		MUST(!strcmp(member.path, path) && member.nlink == 1);
		MUST(member.mode ==
		     (0100000 | second_sidecars[files->kind].file_mode));
		MUST(member.data.len == files[i].data.len);
		MUST(!memcmp(newc->buf + member.data.off,
			     buf + files[i].data.off, member.data.len));
	}
	MUST(!uki_newc_next(newc->buf, newc->pos, &pos, &member, &err));
}

/* The files of one kind. */
static void check_archive(const u8 *buf, const struct uki_companion *files,
			  size_t nr)
{
	struct uki_newc count = { }, newc = { };

	MUST(uki_sidecar_archive(&newc, buf, files, 0) == -EINVAL);
	if (!second_sidecars[files->kind].dir) {
		MUST(uki_sidecar_archive(&newc, buf, files, nr) == -EINVAL);
		return;
	}
	MUST(!uki_sidecar_archive(&count, buf, files, nr) && !(count.pos & 3));
	newc.size = count.pos;
	newc.buf = fuzz_room(newc.size);
	MUST(!uki_sidecar_archive(&newc, buf, files, nr));
	MUST(newc.pos == count.pos);
	check_sidecar(buf, &newc, files, nr);
	newc = (struct uki_newc){ .buf = newc.buf, .size = newc.size - 1 };
	MUST(uki_sidecar_archive(&newc, buf, files, nr) == -ENOSPC);
	free(newc.buf);
}

static int second_cmp(const struct uki_companion *a, const struct uki_companion *b)
{
	int name = strcmp(a->name, b->name);

	return a->kind != b->kind ? (int)a->kind - (int)b->kind : name;
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static bool has_doubles(const struct uki_companion *files, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		for (size_t j = 0; j < i; j++)
			if (files[i].kind == files[j].kind &&
			    !strcmp(files[i].name, files[j].name))
				return true;
	return false;
}

static void check_order(struct uki_companion *files, size_t nr)
{
	struct pefile_error err, err_again;
	int ret;

	for (size_t i = 1; i < nr; i++) {
		MUST(sign(uki_companion_cmp(&files[i - 1], &files[i])) ==
		     sign(second_cmp(&files[i - 1], &files[i])));
		MUST(!uki_companion_cmp(&files[i], &files[i]));
	}
	qsort(files, nr, sizeof(*files), uki_companion_cmp);
	fuzz_poison(&err, &err_again, sizeof(err));
	ret = uki_companions_check(files, nr, &err);
	MUST(ret == uki_companions_check(files, nr, &err_again));
	MUST(ret == (has_doubles(files, nr) ? -EBADMSG : 0));
	if (ret)
		fuzz_check_error(&err, &err_again);
}

static void check_archives(const u8 *buf, struct uki_companion *files, size_t nr)
{
	size_t i, next;

	for (i = 0; i < nr; i = next) {
		struct uki_newc newc = { };

		for (next = i; next < nr && files[next].kind == files[i].kind;)
			next++;
		check_archive(buf, &files[i], next - i);
		if (next < nr)
			MUST(uki_sidecar_archive(&newc, buf, &files[i],
						 next - i + 1) == -EINVAL);
	}
}

static void check_companions(const u8 *buf, size_t len, size_t nr,
			     const struct uki_companion *want)
{
	struct uki_companion *files = fuzz_room(nr * sizeof(*files));
	struct pefile_error err;
	size_t room = nr;

	MUST(!uki_companions_read(buf, len, files, &room, &err) && room == nr);
	for (size_t i = 0; i < nr; i++) {
		MUST(files[i].kind == want[i].kind);
		MUST(files[i].name == want[i].name);
		MUST(files[i].data.off == want[i].data.off);
		MUST(files[i].data.len == want[i].data.len);
		MUST(fuzz_inside(len, files[i].data));
		MUST(strlen(files[i].name) <= 255);
	}
	check_order(files, nr);
	check_archives(buf, files, nr);
	free(files);

	if (!nr)
		return;
	room = nr - 1;
	files = fuzz_room(room * sizeof(*files));
	MUST(uki_companions_read(buf, len, files, &room, &err) == -EBADMSG);
	MUST(room == nr - 1 && err.msg);
	free(files);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	/* A header and a name have more than 112 bytes. */
	size_t nr = 99, again = 99, room = len / 112 + 1, bad_at;
	struct uki_companion *want = fuzz_room(room * sizeof(*want));
	struct pefile_error err, err_again;
	u8 *buf = fuzz_copy(data, len);
	int ret, expected;

	check_kinds();
	expected = second_read(buf, len, want, room, &bad_at);
	fuzz_poison(&err, &err_again, sizeof(err));
	ret = uki_companions_read(buf, len, NULL, &nr, &err);
	MUST(ret == uki_companions_read(buf, len, NULL, &again, &err_again));
	MUST(nr == again && ret == (expected == BAD ? -EBADMSG : 0));
	if (ret) {
		fuzz_check_error(&err, &err_again);
		MUST(nr == 99 && err.value == bad_at && err.limit == len);
	} else {
		MUST((int)nr == expected && nr <= UKI_MAX_COMPANIONS);
		check_companions(buf, len, nr, want);
	}
	MUST(!len || !memcmp(buf, data, len));
	free(buf);
	free(want);
	return 0;
}
