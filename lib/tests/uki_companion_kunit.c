// SPDX-License-Identifier: GPL-2.0
/*
 * Tests for the companions of unified kernel images
 *
 * What must come out has been written down from systemd-stub's source, or comes
 * from scripts/gen-uki-archive-testvecs.py, which is a second implementation.
 * Every buffer ends at an unmapped page, so that a byte read or written behind it
 * is a fault in any kernel.
 */

#include <crypto/sha2.h>
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uki.h>
#include <linux/uki_companion.h>
#include "uki-kunit.h"
#include "uki-companion-testvecs.h"

/*
 * Which files of an archive are companions.
 */

#define EXTRA_D		"EFI/Linux/foo.efi.extra.d"
#define FILE_MODE	0100644
#define SECRET		"0123456789abcdef0123456789ABCDEF"

struct list {
	struct uki_companion *companions;
	size_t nr;
};

/* Check what uki_companions_read() promises of any companion. */
static void check_companion(struct kunit *test, const u8 *buf, size_t len,
			    const struct uki_companion *companion)
{
	const u8 *name = (const u8 *)companion->name;

	KUNIT_EXPECT_LT(test, (unsigned int)companion->kind,
			UKI_NR_COMPANION_KINDS);
	KUNIT_ASSERT_TRUE(test, name >= buf && name < buf + len);
	KUNIT_ASSERT_LT(test, strnlen(name, buf + len - name),
			min_t(size_t, buf + len - name, 256));
	KUNIT_EXPECT_NOT_NULL(test, strchr(name, '.') ?: strchr(name, '-'));
	KUNIT_EXPECT_NULL(test, strchr(name, '/'));
	for (; *name; name++)
		KUNIT_EXPECT_LT(test, *name, 0x80);
	KUNIT_ASSERT_LE(test, companion->data.len, len);
	KUNIT_ASSERT_LE(test, companion->data.off, len - companion->data.len);
}

/*
 * Read an archive twice as the loader does, to count and then to fill an array of
 * just this size, and sort it.
 */
static int read_any(struct kunit *test, const u8 *buf, size_t len,
		    struct list *list, struct pefile_error *err)
{
	struct pefile_error err2;
	size_t nr;
	int ret;

	memset(err, 0xff, sizeof(*err));
	list->nr = 0;
	ret = uki_companions_read(buf, len, NULL, &list->nr, err);
	if (ret) {
		KUNIT_EXPECT_EQ(test, -EBADMSG, ret);
		KUNIT_EXPECT_NOT_NULL(test, err->msg);
		KUNIT_EXPECT_LE(test, err->value, len);
		return ret;
	}
	KUNIT_ASSERT_LE(test, list->nr, len / 124);

	nr = list->nr;
	list->companions = alloc_guarded_buf(test, nr *
					     sizeof(*list->companions));
	ret = uki_companions_read(buf, len, list->companions, &nr, &err2);
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_EQ(test, list->nr, nr);
	for (size_t i = 0; i < nr; i++)
		check_companion(test, buf, len, &list->companions[i]);
	sort(list->companions, nr, sizeof(*list->companions),
	     uki_companion_cmp, NULL);
	return 0;
}

static int read_archive(struct kunit *test, const struct test_archive *archive,
			const u8 **buf, struct list *list,
			struct pefile_error *err)
{
	*buf = dup_guarded_buf(test, archive->buf, archive->len);
	return read_any(test, *buf, archive->len, list, err);
}

static void expect_bad(struct kunit *test, struct test_archive *archive,
		       size_t hdr)
{
	struct pefile_error err;
	struct list list;
	const u8 *buf;

	end_archive(archive);
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			read_archive(test, archive, &buf, &list, &err));
	KUNIT_EXPECT_EQ(test, hdr, err.value);
}

static void expect_companion(struct kunit *test, const u8 *buf,
			     const struct list *list, size_t i,
			     enum uki_companion_kind kind, const char *name,
			     const char *content)
{
	const struct uki_companion *companion = &list->companions[i];

	KUNIT_ASSERT_LT(test, i, list->nr);
	KUNIT_EXPECT_EQ_MSG(test, kind, companion->kind, "%s", name);
	KUNIT_EXPECT_STREQ(test, name, companion->name);
	KUNIT_ASSERT_EQ_MSG(test, strlen(content), companion->data.len, "%s",
			    name);
	KUNIT_EXPECT_MEMEQ(test, buf + companion->data.off, content,
			   companion->data.len);
}

static void test_esp(struct kunit *test)
{
	const size_t len = sizeof(uki_testvec_esp);
	const u8 *buf = dup_guarded_buf(test, uki_testvec_esp, len);
	struct pefile_error err;
	struct list list;

	KUNIT_ASSERT_EQ(test, 0, read_any(test, buf, len, &list, &err));
	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(uki_testvec_esp_want), list.nr);
	for (size_t i = 0; i < list.nr; i++)
		expect_companion(test, buf, &list, i,
				 uki_testvec_esp_want[i].kind,
				 uki_testvec_esp_want[i].name,
				 uki_testvec_esp_want[i].content);
	KUNIT_EXPECT_EQ(test, 0, uki_companions_check(list.companions, list.nr,
						      &err));
}

#define PASSED_OVER	UKI_NR_COMPANION_KINDS

/* One file and what it is.  The name begins behind the last slash. */
static const struct {
	const char *path;
	enum uki_companion_kind kind;
} kinds[] = {
	{ "loader/addons/a.addon.efi", UKI_GLOBAL_ADDON },
	{ EXTRA_D "/a.addon.efi", UKI_ADDON },
	{ EXTRA_D "/a.cred", UKI_CREDENTIAL },
	{ "loader/credentials/a.cred", UKI_GLOBAL_CREDENTIAL },
	{ EXTRA_D "/a.raw", UKI_SYSEXT },
	{ "loader/extensions/a.raw", UKI_GLOBAL_SYSEXT },
	{ EXTRA_D "/a.confext.raw", UKI_CONFEXT },
	{ "loader/extensions/a.confext.raw", UKI_GLOBAL_CONFEXT },

	/* Other directories of this kind. */
	{ "a.extra.d/a.cred", UKI_CREDENTIAL },
	{ "EFI/BOOT/BOOTX64.EFI.extra.d/a.raw", UKI_SYSEXT },
	{ "EFI/Linux/\xc3\xa4.efi.extra.d/a.raw", UKI_SYSEXT },
	{ "a.extra.d.extra.d/a.addon.efi", UKI_ADDON },

	/* A suffix of each is taken in its own directories only. */
	{ "loader/addons/a.cred", PASSED_OVER },
	{ "loader/addons/a.raw", PASSED_OVER },
	{ "loader/addons/a.confext.raw", PASSED_OVER },
	{ "loader/credentials/a.addon.efi", PASSED_OVER },
	{ "loader/credentials/a.raw", PASSED_OVER },
	{ "loader/credentials/a.confext.raw", PASSED_OVER },
	{ "loader/extensions/a.addon.efi", PASSED_OVER },
	{ "loader/extensions/a.cred", PASSED_OVER },

	/* endswith_no_case() */
	{ "loader/addons/a.ADDON.EFI", UKI_GLOBAL_ADDON },
	{ EXTRA_D "/a.aDDon.eFi", UKI_ADDON },
	{ EXTRA_D "/A.Cred", UKI_CREDENTIAL },
	{ "loader/credentials/a.CRED", UKI_GLOBAL_CREDENTIAL },
	{ EXTRA_D "/a.rAw", UKI_SYSEXT },
	{ "loader/extensions/a.Raw", UKI_GLOBAL_SYSEXT },
	{ EXTRA_D "/a.CONFEXT.raw", UKI_CONFEXT },
	{ EXTRA_D "/a.confext.RAW", UKI_CONFEXT },
	{ "loader/extensions/a.conFext.raW", UKI_GLOBAL_CONFEXT },

	/* Not the last suffix, or not all of it. */
	{ EXTRA_D "/a", PASSED_OVER },
	{ EXTRA_D "/a.efi", PASSED_OVER },
	{ EXTRA_D "/aaddon.efi", PASSED_OVER },
	{ EXTRA_D "/a.addon.efi.bak", PASSED_OVER },
	{ EXTRA_D "/addon.efi", PASSED_OVER },
	{ EXTRA_D "/cred", PASSED_OVER },
	{ EXTRA_D "/acred", PASSED_OVER },
	{ EXTRA_D "/a.cred~", PASSED_OVER },
	{ EXTRA_D "/a.credx", PASSED_OVER },
	{ EXTRA_D "/a.cre", PASSED_OVER },
	{ EXTRA_D "/a.raw ", PASSED_OVER },
	{ EXTRA_D "/raw", PASSED_OVER },
	{ EXTRA_D "/a.ra", PASSED_OVER },
	{ EXTRA_D "/aconfext.raw", UKI_SYSEXT },
	{ EXTRA_D "/confext.raw", UKI_SYSEXT },
	{ EXTRA_D "/a.sysext.raw", UKI_SYSEXT },
	{ EXTRA_D "/a.confext.raw.raw", UKI_SYSEXT },
	{ EXTRA_D "/a.raw.confext.raw", UKI_CONFEXT },
	{ EXTRA_D "/a.addon.efi.cred", UKI_CREDENTIAL },
	{ EXTRA_D "/a.cred.addon.efi", UKI_ADDON },
	/* A tolower() by | 0x20 would take this. */
	{ EXTRA_D "/a\016cred", PASSED_OVER },

	{ EXTRA_D "/.a.cred", PASSED_OVER },
	{ EXTRA_D "/.cred", PASSED_OVER },
	{ EXTRA_D "/..cred", PASSED_OVER },
	{ EXTRA_D "/.addon.efi", PASSED_OVER },
	{ "loader/addons/.a.addon.efi", PASSED_OVER },
	{ "loader/credentials/.a.cred", PASSED_OVER },
	{ "loader/extensions/.confext.raw", PASSED_OVER },
	{ "loader/extensions/.raw", PASSED_OVER },

	{ EXTRA_D "/\xc3\xa4.cred", PASSED_OVER },
	{ EXTRA_D "/a\x80.raw", PASSED_OVER },
	{ EXTRA_D "/\xff.addon.efi", PASSED_OVER },
	{ "loader/extensions/a\xc3\xa4.confext.raw", PASSED_OVER },
	{ EXTRA_D "/\x7f.cred", UKI_CREDENTIAL },
	{ EXTRA_D "/\n \x01.cred", UKI_CREDENTIAL },
};

static void test_kinds(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *name = strrchr(kinds[i].path, '/') + 1;
		size_t nr = kinds[i].kind != PASSED_OVER;
		struct test_archive archive = new_archive(test);
		struct pefile_error err;
		struct list list;
		const u8 *buf;

		add_member(&archive, FILE_MODE, kinds[i].path, "content");
		end_archive(&archive);
		KUNIT_ASSERT_EQ_MSG(test, 0, read_archive(test, &archive, &buf,
							  &list, &err),
				    "%s: %s", kinds[i].path, err.msg);
		KUNIT_EXPECT_EQ_MSG(test, nr, list.nr, "%s", kinds[i].path);
		if (list.nr && nr)
			expect_companion(test, buf, &list, 0, kinds[i].kind,
					 name, "content");
	}
}

/* Files where sd-stub never looks: not to be dropped in silence. */
static const char * const unknown_paths[] = {
	"a.cred", "a.addon.efi", "boot-secret", "a.extra.d", "loader",
	"loader/a.cred", "loader/addons", "loader/loader.conf",
	"loader/addons/x/a.addon.efi", "loader/credentials/x/a.cred",
	"loader/extensions/x/a.raw", "x/loader/addons/a.addon.efi",
	"/loader/addons/a.addon.efi", "./loader/addons/a.addon.efi",
	"loader//addons/a.addon.efi", "loader/addons//a.addon.efi",
	"loader/./addons/a.addon.efi", "loader\\addons\\a.addon.efi",
	"Loader/addons/a.addon.efi", "loader/Addons/a.addon.efi",
	"LOADER/CREDENTIALS/A.CRED", "loader/EXTENSIONS/a.raw",
	"loader/addon/a.addon.efi", "loader/addonss/a.addon.efi",
	"loader/credential/a.cred", "loader/extension/a.raw",
	".extra.d/a.cred", "/a.cred", "extra.d/a.cred", "/.extra.d/a.cred",
	"EFI/Linux/.extra.d/a.cred",
	"EFI/Linux/foo.efi.Extra.d/a.cred", "EFI/Linux/foo.efi.EXTRA.D/a.cred",
	"EFI/Linux/foo.efi.extra.d/x/a.cred", "EFI/Linux/foo.efi.extra.d//a.cred",
	"EFI/Linux/foo.efi.extra.dd/a.cred", "EFI/Linux/foo.efi.extra/a.cred",
	"EFI/Linux/foo.efi-extra.d/a.cred", "EFI/Linux/foo.efi",
	".extra/a.cred", ".extra/boot-secret.cred", ".extra/Boot-Secret",
	".extra/boot-secre", ".extra/boot-secret2", ".extra/BOOT-SECRET",
	".extra/.hidden", ".extra/system_credentials/a.cred",
	".extra/credentials/a.cred", "/.extra/boot-secret",
	".Extra/boot-secret", "x/.extra/boot-secret", ".extra/x/boot-secret",
	"etc/passwd", "init",
};

static void test_unknown_paths(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(unknown_paths); i++) {
		struct test_archive archive = new_archive(test);
		struct pefile_error err;
		struct list list;
		const u8 *buf;
		size_t hdr;

		/* What is before and behind does not matter. */
		add_member(&archive, FILE_MODE, EXTRA_D "/b.cred", "1");
		hdr = add_member(&archive, FILE_MODE, unknown_paths[i], SECRET);
		add_member(&archive, FILE_MODE, EXTRA_D "/c.cred", "2");
		end_archive(&archive);
		KUNIT_EXPECT_EQ_MSG(test, -EBADMSG,
				    read_archive(test, &archive, &buf, &list,
						 &err),
				    "%s", unknown_paths[i]);
		KUNIT_EXPECT_EQ_MSG(test, hdr, err.value, "%s",
				    unknown_paths[i]);
	}
}

/* As sd-stub's limit: 255 characters, with the suffix. */
static void test_long_names(struct kunit *test)
{
	static const char * const suffixes[] = {
		".addon.efi", ".cred", ".raw", ".confext.raw"
	};
	char path[sizeof(EXTRA_D) + 300];

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		for (size_t len = 250; len <= 260; len++) {
			struct test_archive archive = new_archive(test);
			size_t pad = len - strlen(suffixes[i]);
			struct pefile_error err;
			struct list list;
			const u8 *buf;
			char *name;

			name = path + sprintf(path, EXTRA_D "/");
			memset(name, 'n', pad);
			strscpy(name + pad, suffixes[i], 20);
			add_member(&archive, FILE_MODE, path, "x");
			end_archive(&archive);
			KUNIT_ASSERT_EQ(test, 0, read_archive(test, &archive,
							      &buf, &list,
							      &err));
			KUNIT_ASSERT_EQ_MSG(test, len <= 255, list.nr,
					    "len=%zu", len);
			if (list.nr)
				KUNIT_EXPECT_STREQ(test, name,
						   list.companions[0].name);
		}
	}
}

/* There is one UKI, so it has one directory. */
static void test_two_extra_dirs(struct kunit *test)
{
	static const char * const others[] = {
		"EFI/Linux/f.efi.extra.d/a.cred",
		"EFI/Linux/bar.efi.extra.d/a.cred",
		"EFI/Linux/foo.efi2.extra.d/a.cred",
		"EFI/Linux/fOo.efi.extra.d/a.cred",
		"foo.efi.extra.d/a.cred",
		"/EFI/Linux/foo.efi.extra.d/a.cred",
		"EFI/Linux/foo.efi.extra.d.extra.d/a.raw",
		"EFI/Linux/bar.efi.extra.d/README",
		"EFI/Linux/bar.efi.extra.d/.hidden.cred",
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		for (int first = 0; first < 2; first++) {
			struct test_archive archive = new_archive(test);
			size_t hdr;

			add_member(&archive, FILE_MODE, first ? others[i] :
				   EXTRA_D "/a.addon.efi", "1");
			add_member(&archive, FILE_MODE,
				   "loader/credentials/a.cred", "2");
			hdr = add_member(&archive, FILE_MODE, first ?
					 EXTRA_D "/a.addon.efi" : others[i],
					 "3");
			expect_bad(test, &archive, hdr);
		}
	}
}

static void test_boot_secret(struct kunit *test)
{
	for (size_t len = 0; len <= 64; len++) {
		struct test_archive archive = new_archive(test);
		struct pefile_error err;
		char content[65] = { };
		struct list list;
		const u8 *buf;
		size_t hdr;

		memset(content, 's', len);
		hdr = add_member(&archive, 0100400, ".extra/boot-secret",
				 content);
		if (len != 32) {
			expect_bad(test, &archive, hdr);
			continue;
		}
		end_archive(&archive);
		KUNIT_ASSERT_EQ(test, 0, read_archive(test, &archive, &buf,
						      &list, &err));
		expect_companion(test, buf, &list, 0, UKI_BOOT_SECRET,
				 "boot-secret", content);
	}
}

/* sd-stub takes zeros for none (generate_boot_secret_initrd()). */
static void test_boot_secret_zeros(struct kunit *test)
{
	for (size_t i = 0; i <= 32; i++) {
		struct test_archive archive = new_archive(test);
		struct pefile_error err;
		struct list list;
		const u8 *buf;
		size_t hdr;
		u8 *secret;

		hdr = add_member(&archive, 0100400, ".extra/boot-secret",
				 "ssssssssssssssssssssssssssssssss");
		secret = archive.buf + archive.len - 32;
		memset(secret, 0, 32);
		if (i == 32) {
			expect_bad(test, &archive, hdr);
			continue;
		}
		secret[i] = 1;
		end_archive(&archive);
		KUNIT_EXPECT_EQ(test, 0, read_archive(test, &archive, &buf,
						      &list, &err));
		KUNIT_EXPECT_EQ(test, 1, list.nr);
	}
}

/* As many as a load can do with; what is passed over does not count. */
static void test_many(struct kunit *test)
{
	const size_t room = (UKI_MAX_COMPANIONS + 3) * 160;
	struct test_archive archive = {
		.buf = kunit_kzalloc(test, room, GFP_KERNEL),
	};
	struct pefile_error err;
	struct list list;
	size_t hdr, end;
	char name[40];
	const u8 *buf;

	KUNIT_ASSERT_NOT_NULL(test, archive.buf);
	add_member(&archive, 0100644, "loader/credentials/readme", "x");
	for (unsigned int i = 0; i < UKI_MAX_COMPANIONS; i++) {
		snprintf(name, sizeof(name), "loader/credentials/%u.cred", i);
		add_member(&archive, 0100644, name, "x");
	}
	end = archive.len;
	end_archive(&archive);
	KUNIT_ASSERT_EQ(test, 0, read_archive(test, &archive, &buf, &list,
					      &err));
	KUNIT_EXPECT_EQ(test, 1024, list.nr);

	archive.len = end;
	hdr = add_member(&archive, 0100644, "loader/credentials/x.cred", "x");
	expect_bad(test, &archive, hdr);
}

/* Only files and directories, and no file under two names. */
static void test_file_types(struct kunit *test)
{
	for (u32 type = 0; type <= 017; type++) {
		struct test_archive archive = new_archive(test);
		u32 mode = type << 12 | 0644;
		struct pefile_error err;
		struct list list;
		const u8 *buf;
		size_t hdr;

		hdr = add_member(&archive, mode, EXTRA_D "/a.cred", "x");
		if (type != 04 && type != 010) {
			expect_bad(test, &archive, hdr);
			continue;
		}
		if (type == 04)
			set_field(&archive, hdr, NLINK, 7);
		end_archive(&archive);
		KUNIT_EXPECT_EQ(test, 0, read_archive(test, &archive, &buf,
						      &list, &err));
		KUNIT_EXPECT_EQ(test, type == 010, list.nr);
	}

	for (u32 nlink = 1; nlink; nlink *= 2) {
		struct test_archive archive = new_archive(test);
		struct pefile_error err;
		struct list list;
		const u8 *buf;
		size_t hdr;

		/* One that sd-stub would pass over, too. */
		hdr = add_member(&archive, FILE_MODE, nlink & 0x55555555 ?
				 EXTRA_D "/a.cred" : EXTRA_D "/README", "x");
		set_field(&archive, hdr, NLINK, nlink);
		if (nlink > 1) {
			expect_bad(test, &archive, hdr);
			continue;
		}
		end_archive(&archive);
		KUNIT_EXPECT_EQ(test, 0, read_archive(test, &archive, &buf,
						      &list, &err));
	}
}

/* Wherever they are and whatever they are called. */
static void test_directories(struct kunit *test)
{
	static const char * const dirs[] = {
		".", "EFI", "EFI/Linux", EXTRA_D, EXTRA_D "/a.cred", "etc",
		EXTRA_D "/a.addon.efi", "EFI/Linux/bar.efi.extra.d",
		"EFI/Linux/bar.efi.extra.d/b.cred", "loader/addons/a.addon.efi",
		"loader/extensions/.x", ".extra", ".extra/boot-secret",
		".extra/x", "/", "loader/", "\xc3\xa4", "a.extra.d/a.raw",
	};
	struct test_archive archive = new_archive(test);
	struct pefile_error err;
	struct list list;
	const u8 *buf;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		size_t hdr = add_member(&archive, 040755, dirs[i], "");

		set_field(&archive, hdr, NLINK, 2 + i);
	}
	add_member(&archive, FILE_MODE, EXTRA_D "/b.cred", "x");
	end_archive(&archive);
	KUNIT_ASSERT_EQ(test, 0, read_archive(test, &archive, &buf, &list,
					      &err));
	KUNIT_ASSERT_EQ(test, 1, list.nr);
	expect_companion(test, buf, &list, 0, UKI_CREDENTIAL, "b.cred", "x");
}

static void test_empty(struct kunit *test)
{
	struct test_archive archive = new_archive(test);
	struct pefile_error err;
	struct list list;
	const u8 *buf;

	/* No file at all is fine, no archive is not. */
	KUNIT_EXPECT_EQ(test, -EBADMSG, read_archive(test, &archive, &buf,
						     &list, &err));
	end_archive(&archive);
	KUNIT_EXPECT_EQ(test, 0, read_archive(test, &archive, &buf, &list,
					      &err));
	KUNIT_EXPECT_EQ(test, 0, list.nr);
	KUNIT_EXPECT_EQ(test, 0, uki_companions_check(NULL, 0, &err));

	/* Files without content are files. */
	archive.len = 0;
	add_member(&archive, FILE_MODE, EXTRA_D "/a.raw", "");
	add_member(&archive, FILE_MODE, EXTRA_D "/a.addon.efi", "");
	end_archive(&archive);
	KUNIT_ASSERT_EQ(test, 0, read_archive(test, &archive, &buf, &list,
					      &err));
	KUNIT_ASSERT_EQ(test, 2, list.nr);
	expect_companion(test, buf, &list, 0, UKI_ADDON, "a.addon.efi", "");
	expect_companion(test, buf, &list, 1, UKI_SYSEXT, "a.raw", "");
	KUNIT_EXPECT_EQ(test, 0, uki_companions_check(list.companions, 2,
						      &err));
}

/* An array that is too small, which has been counted wrong, is not overrun. */
static void test_no_room(struct kunit *test)
{
	const size_t len = sizeof(uki_testvec_esp);
	const u8 *buf = dup_guarded_buf(test, uki_testvec_esp, len);
	const size_t full_nr = ARRAY_SIZE(uki_testvec_esp_want);
	struct uki_companion *end;

	end = alloc_guarded_buf(test, full_nr * sizeof(*end));
	end += full_nr;
	for (size_t nr = 0; nr < full_nr; nr++) {
		struct pefile_error err = { };
		size_t room = nr;

		KUNIT_EXPECT_EQ(test, -EBADMSG,
				uki_companions_read(buf, len, end - nr, &room,
						    &err));
		KUNIT_EXPECT_NOT_NULL(test, err.msg);
	}
}

/* By kind, then as strcmp16() of sd-stub: by value, upper case first. */
static void test_order(struct kunit *test)
{
	static const char * const sorted[] = {
		"loader/addons/z.addon.efi", EXTRA_D "/a.addon.efi",
		EXTRA_D "/\x01.cred", EXTRA_D "/ .cred", EXTRA_D "/+.cred",
		EXTRA_D "/A.CRED", EXTRA_D "/A.cred", EXTRA_D "/B.cred",
		EXTRA_D "/Z.cred", EXTRA_D "/_.cred", EXTRA_D "/a-b.cred",
		EXTRA_D "/a.CRED", EXTRA_D "/a.cred", EXTRA_D "/a.cred.cred",
		EXTRA_D "/a.credcred.cred", EXTRA_D "/a0.cred",
		EXTRA_D "/aa.cred", EXTRA_D "/b.cred", EXTRA_D "/~.cred",
		EXTRA_D "/\x7f.cred", "loader/credentials/a.cred",
		EXTRA_D "/a.raw", EXTRA_D "/b.raw", "loader/extensions/a.raw",
		EXTRA_D "/a.confext.raw", "loader/extensions/a.confext.raw",
		".extra/boot-secret",
	};
	struct test_archive archive;
	struct pefile_error err;
	struct list list;
	const u8 *buf;

	/* Any step that has no factor in common with the number is a shuffle. */
	for (size_t step = 1; step < ARRAY_SIZE(sorted); step++) {
		if (!(step % 3))
			continue;
		archive = new_archive(test);
		for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
			add_member(&archive, FILE_MODE,
				   sorted[i * step % ARRAY_SIZE(sorted)],
				   SECRET);
		KUNIT_ASSERT_LT(test, archive.len, ARCHIVE_ROOM - 256);
		end_archive(&archive);
		KUNIT_ASSERT_EQ(test, 0, read_archive(test, &archive, &buf,
						      &list, &err));
		KUNIT_ASSERT_EQ(test, ARRAY_SIZE(sorted), list.nr);
		for (size_t i = 0; i < list.nr; i++)
			KUNIT_EXPECT_STREQ(test, list.companions[i].name,
					   strrchr(sorted[i], '/') + 1);
		KUNIT_EXPECT_EQ(test, 0, uki_companions_check(list.companions,
							      list.nr, &err));
	}

	for (size_t i = 0; i < list.nr; i++) {
		for (size_t j = 0; j < list.nr; j++) {
			int cmp = uki_companion_cmp(&list.companions[i],
						    &list.companions[j]);

			KUNIT_EXPECT_EQ(test, i < j, cmp < 0);
			KUNIT_EXPECT_EQ(test, i > j, cmp > 0);
		}
	}
}

/* Of the same name only what is of one kind is the same file. */
static void test_duplicates(struct kunit *test)
{
	struct uki_companion companions[] = {
		{ UKI_ADDON, "a.cred", { 100, 1 } },
		{ UKI_CREDENTIAL, "A.cred", { 200, 1 } },
		{ UKI_CREDENTIAL, "a.cred", { 300, 1 } },
		{ UKI_CREDENTIAL, "a.cred.cred", { 400, 1 } },
		{ UKI_GLOBAL_CREDENTIAL, "a.cred", { 500, 1 } },
		{ UKI_BOOT_SECRET, "boot-secret", { 600, 32 } },
	};
	const size_t nr = ARRAY_SIZE(companions);
	struct pefile_error err;

	KUNIT_EXPECT_EQ(test, 0, uki_companions_check(companions, nr, &err));
	KUNIT_EXPECT_EQ(test, 0, uki_companions_check(companions, 1, &err));
	for (size_t i = 1; i < nr; i++) {
		struct uki_companion orig = companions[i];
		char name[32];

		/* Another string of the same characters. */
		strscpy(name, companions[i - 1].name);
		companions[i].kind = companions[i - 1].kind;
		companions[i].name = name;
		memset(&err, 0xff, sizeof(err));
		KUNIT_EXPECT_EQ(test, -EBADMSG,
				uki_companions_check(companions, nr, &err));
		KUNIT_EXPECT_NOT_NULL(test, err.msg);
		KUNIT_EXPECT_EQ(test, orig.data.off, err.value);
		/* Those behind the end do not count. */
		KUNIT_EXPECT_EQ(test, 0, uki_companions_check(companions, i,
							      &err));
		companions[i] = orig;
	}
}

/* The same, from an archive. */
static void test_read_duplicates(struct kunit *test)
{
	static const char * const paths[] = {
		"loader/addons/a.addon.efi", EXTRA_D "/a.cred",
		EXTRA_D "/a.confext.raw", ".extra/boot-secret",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct test_archive archive = new_archive(test);
		struct pefile_error err;
		struct list list;
		const u8 *buf;
		int ret;

		for (size_t j = 0; j < ARRAY_SIZE(paths); j++)
			add_member(&archive, FILE_MODE, paths[j], SECRET);
		add_member(&archive, FILE_MODE, paths[i], SECRET);
		end_archive(&archive);
		ret = read_archive(test, &archive, &buf, &list, &err);
		KUNIT_ASSERT_EQ(test, 0, ret);
		KUNIT_EXPECT_EQ(test, ARRAY_SIZE(paths) + 1, list.nr);
		KUNIT_EXPECT_EQ_MSG(test, -EBADMSG,
				    uki_companions_check(list.companions,
							 list.nr, &err),
				    "%s", paths[i]);
	}
}

static void test_truncated(struct kunit *test)
{
	const size_t full_len = sizeof(uki_testvec_esp);
	u8 *end = alloc_guarded_buf(test, full_len) + full_len;
	size_t last = full_len, nr = 0;
	struct pefile_error err;

	/* The four zeros after the name are the trailer's. */
	while (!uki_testvec_esp[last - 1])
		last--;
	last += 4;
	for (size_t len = 0; len <= full_len; len++) {
		const u8 *buf = memcpy(end - len, uki_testvec_esp, len);

		KUNIT_EXPECT_EQ_MSG(test, len < last ? -EBADMSG : 0,
				    uki_companions_read(buf, len, NULL, &nr,
							&err),
				    "len=%zu", len);
	}
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(uki_testvec_esp_want), nr);
}

/* No single wrong byte makes a companion point outside the archive. */
static void test_flipped(struct kunit *test)
{
	static const u8 flips[] = { 1, 2, 4, 8, 16, 32, 64, 128, 255 };
	const size_t len = sizeof(uki_testvec_esp);
	u8 *buf = dup_guarded_buf(test, uki_testvec_esp, len);
	const size_t max_nr = len / 112;
	struct uki_companion *end;

	end = alloc_guarded_buf(test, max_nr * sizeof(*end));
	end += max_nr;
	for (size_t i = 0; i < len; i++) {
		u8 orig = buf[i];

		for (size_t j = 0; j < ARRAY_SIZE(flips); j++) {
			struct pefile_error err;
			size_t nr = 0, nr2;

			buf[i] = orig ^ flips[j];
			if (uki_companions_read(buf, len, NULL, &nr, &err))
				continue;
			KUNIT_ASSERT_LE(test, nr, max_nr);
			nr2 = nr;
			KUNIT_EXPECT_EQ(test, 0,
					uki_companions_read(buf, len, end - nr,
							    &nr2, &err));
			KUNIT_ASSERT_EQ(test, nr, nr2);
			while (nr2--)
				check_companion(test, buf, len, end - 1 - nr2);
		}
		buf[i] = orig;
	}
}

/*
 * Archives for the initrd.
 */

struct files {
	const u8 *buf;
	struct uki_companion companions[4];
	size_t nr;
};

/* The files of a vector, packed, behind something else. */
static struct files get_files(struct kunit *test, size_t i)
{
	struct files files = { .nr = uki_testvec_sidecars[i].nr_files };
	size_t len = 5, off = 5;
	u8 *buf;

	for (size_t j = 0; j < files.nr; j++)
		len += uki_testvec_sidecars[i].files[j].len;
	buf = alloc_guarded_buf(test, len);
	memset(buf, 0x5a, 5);
	for (size_t j = 0; j < files.nr; j++) {
		len = uki_testvec_sidecars[i].files[j].len;
		memcpy(buf + off, uki_testvec_sidecars[i].files[j].content,
		       len);
		files.companions[j] = (struct uki_companion){
			.kind = uki_testvec_sidecars[i].kind,
			.name = uki_testvec_sidecars[i].files[j].name,
			.data = { off, len },
		};
		off += len;
	}
	files.buf = buf;
	return files;
}

static void test_sidecar(struct kunit *test)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(uki_testvec_sidecars); i++) {
		const struct uki_sidecar *want, *sidecar;

		want = &uki_testvec_sidecars[i].sidecar;
		sidecar = uki_sidecar(uki_testvec_sidecars[i].kind);
		KUNIT_ASSERT_NOT_NULL(test, sidecar);
		KUNIT_EXPECT_STREQ(test, want->path, sidecar->path);
		KUNIT_EXPECT_EQ(test, want->dir_mode, sidecar->dir_mode);
		KUNIT_EXPECT_EQ(test, want->file_mode, sidecar->file_mode);
		KUNIT_EXPECT_EQ(test, want->pcr, sidecar->pcr);
		KUNIT_EXPECT_EQ(test, !want->event, !sidecar->event);
		if (want->event && sidecar->event)
			KUNIT_EXPECT_STREQ(test, want->event, sidecar->event);
		seen |= BIT(uki_testvec_sidecars[i].kind);
	}
	for (int kind = 0; kind <= UKI_NR_COMPANION_KINDS; kind++) {
		if (!(seen & BIT(kind)))
			KUNIT_EXPECT_NULL_MSG(test, uki_sidecar(kind),
					      "kind=%d", kind);
	}
	KUNIT_EXPECT_EQ(test, UKI_NR_COMPANION_KINDS - 2, hweight32(seen));
}

static void test_sidecar_archive(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(uki_testvec_sidecars); i++) {
		const size_t len = uki_testvec_sidecars[i].len;
		struct files files = get_files(test, i);
		struct uki_newc newc = { };

		/* To be counted, and then written to just as many bytes. */
		KUNIT_EXPECT_EQ(test, 0,
				uki_sidecar_archive(&newc, files.buf,
						    files.companions,
						    files.nr));
		KUNIT_EXPECT_EQ_MSG(test, len, newc.pos, "i=%zu", i);

		newc = (struct uki_newc){
			.buf = alloc_guarded_buf(test, 2 * len),
			.size = 2 * len,
		};
		memset(newc.buf, 0xa5, newc.size);
		for (int j = 0; j < 2; j++) {
			KUNIT_EXPECT_EQ(test, 0,
					uki_sidecar_archive(&newc, files.buf,
							    files.companions,
							    files.nr));
			KUNIT_ASSERT_EQ(test, newc.pos, (j + 1) * len);
			expect_hash(test, newc.buf + j * len, len,
				    uki_testvec_sidecars[i].hash);
		}
	}
}

static void test_sidecar_no_room(struct kunit *test)
{
	const size_t full_len = uki_testvec_sidecars[1].len;
	u8 *end = alloc_guarded_buf(test, full_len) + full_len;
	struct files files = get_files(test, 1);

	for (size_t len = 0; len < full_len; len++) {
		struct uki_newc newc = { .buf = end - len, .size = len };

		KUNIT_EXPECT_EQ_MSG(test, -ENOSPC,
				    uki_sidecar_archive(&newc, files.buf,
							files.companions,
							files.nr),
				    "len=%zu", len);
	}
}

/* Addons are no files of an initrd, and one archive is of one kind. */
static void test_no_sidecar(struct kunit *test)
{
	struct files files = get_files(test, 0);
	struct uki_newc newc = { };
	char name[257];

	KUNIT_EXPECT_EQ(test, -EINVAL,
			uki_sidecar_archive(&newc, files.buf,
					    files.companions, 0));
	files.companions[1].kind = UKI_GLOBAL_CREDENTIAL;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			uki_sidecar_archive(&newc, files.buf,
					    files.companions, 2));

	/* A name that cannot have been read. */
	memset(name, 'n', sizeof(name) - 1);
	name[256] = '\0';
	files.companions[0].name = name;
	for (int kind = UKI_CREDENTIAL; kind <= UKI_BOOT_SECRET; kind++) {
		files.companions[0].kind = kind;
		KUNIT_EXPECT_EQ(test, -EINVAL,
				uki_sidecar_archive(&newc, files.buf,
						    files.companions, 1));
	}
	files.companions[0].name = name + 1;

	for (int kind = 0; kind <= UKI_NR_COMPANION_KINDS; kind++) {
		files.companions[0].kind = kind;
		KUNIT_EXPECT_EQ_MSG(test, uki_sidecar(kind) ? 0 : -EINVAL,
				    uki_sidecar_archive(&newc, files.buf,
							files.companions, 1),
				    "kind=%d", kind);
	}
}

/*
 * Addons.
 */

struct addon_case {
	const char *desc;
	struct test_section sections[8];
	int ret;
	const char *want[UKI_NR_SECTIONS];
};

static const struct addon_case addon_cases[] = {
	{
		.desc = ".cmdline",
		.sections = { SECTION(".cmdline", "c") },
		.want = { [UKI_CMDLINE] = "c" },
	}, {
		.desc = ".dtb",
		.sections = { SECTION(".dtb", "d") },
		.want = { [UKI_DTB] = "d" },
	}, {
		.desc = ".initrd",
		.sections = { SECTION(".initrd", "i") },
		.want = { [UKI_INITRD] = "i" },
	}, {
		.desc = ".ucode",
		.sections = { SECTION(".ucode", "u") },
		.want = { [UKI_UCODE] = "u" },
	}, {
		.desc = "all that an addon can have",
		.sections = {
			SECTION(".text", "stub"), SECTION(".ucode", "u"),
			SECTION(".uname", "7.2"), SECTION(".initrd", "i"),
			SECTION(".sbat", "s"), SECTION(".dtb", "d"),
			SECTION(".cmdline", "c"),
		},
		.want = {
			[UKI_UCODE] = "u", [UKI_UNAME] = "7.2",
			[UKI_INITRD] = "i", [UKI_SBAT] = "s",
			[UKI_DTB] = "d", [UKI_CMDLINE] = "c",
		},
	}, {
		.desc = "devicetree for another machine",
		.sections = { SECTION(".dtbauto", "d") },
		.ret = -ENODATA,
	}, {
		.desc = "firmware for another machine",
		.sections = { SECTION(".hwids", "h"), SECTION(".efifw", "f") },
		.ret = -ENODATA,
		.want = { [UKI_HWIDS] = "h" },
	}, {
		.desc = ".dtbauto for another machine and .dtb",
		.sections = { SECTION(".dtbauto", "a"), SECTION(".dtb", "d") },
		.want = { [UKI_DTB] = "d" },
	}, {
		.desc = "no section",
		.ret = -ENODATA,
	}, {
		.desc = "sections of others",
		.sections = {
			SECTION(".text", "stub"), SECTION("cmdline", "c"),
			SECTION(".Cmdline", "c"), SECTION(".initr", "i"),
			SECTION(".initrds", "i"), SECTION("", "n"),
		},
		.ret = -ENODATA,
	}, {
		.desc = "none of its own",
		.sections = {
			SECTION(".osrel", "o"), SECTION(".splash", "s"),
			SECTION(".uname", "7.2"), SECTION(".sbat", "s"),
			SECTION(".pcrsig", "{}"), SECTION(".pcrpkey", "k"),
			SECTION(".profile", "p"),
		},
		.ret = -ENODATA,
		.want = {
			[UKI_OSREL] = "o", [UKI_SPLASH] = "s",
			[UKI_UNAME] = "7.2", [UKI_SBAT] = "s",
			[UKI_PCRSIG] = "{}", [UKI_PCRPKEY] = "k",
			[UKI_PROFILE] = "p",
		},
	}, {
		.desc = ".linux",
		.sections = { SECTION(".linux", "k") },
		.ret = -ENODATA,
		.want = { [UKI_LINUX] = "k" },
	}, {
		.desc = ".linux and .cmdline",
		.sections = { SECTION(".cmdline", "c"), SECTION(".linux", "k") },
		.ret = -ENODATA,
		.want = { [UKI_LINUX] = "k", [UKI_CMDLINE] = "c" },
	}, {
		.desc = ".linux in a profile",
		.sections = {
			SECTION(".cmdline", "c"), SECTION(".profile", "0"),
			SECTION(".profile", "1"), SECTION(".linux", "k"),
		},
		.ret = -ENODATA,
		.want = {
			[UKI_LINUX] = "k", [UKI_CMDLINE] = "c",
			[UKI_PROFILE] = "0",
		},
	}, {
		.desc = "empty .linux is not set",
		.sections = {
			MASK(".linux"), SECTION(".cmdline", "c"),
			SECTION(".linux", "k"),
		},
		.want = { [UKI_CMDLINE] = "c" },
	}, {
		.desc = "empty .cmdline is not set",
		.sections = { MASK(".cmdline"), SECTION(".cmdline", "c") },
		.ret = -ENODATA,
	}, {
		.desc = "VirtualSize 0 with raw bytes",
		.sections = { { ".initrd", "raw", 0 }, SECTION(".text", "s") },
		.ret = -ENODATA,
	}, {
		.desc = "first of a name",
		.sections = {
			SECTION(".cmdline", "1"), SECTION(".initrd", "first"),
			SECTION(".initrd", "2"), SECTION(".cmdline", "second"),
		},
		.want = { [UKI_CMDLINE] = "1", [UKI_INITRD] = "first" },
	}, {
		.desc = "no profiles",
		.sections = {
			SECTION(".profile", "0"), SECTION(".cmdline", "zero"),
			SECTION(".profile", "1"), SECTION(".cmdline", "one"),
			SECTION(".initrd", "i"), MASK(".profile"),
			MASK(".initrd"),
		},
		.want = {
			[UKI_CMDLINE] = "zero", [UKI_INITRD] = "i",
			[UKI_PROFILE] = "0",
		},
	}, {
		.desc = "nothing but in the last profile",
		.sections = {
			SECTION(".profile", "0"), SECTION(".profile", "1"),
			SECTION(".ucode", "u"),
		},
		.want = { [UKI_PROFILE] = "0", [UKI_UCODE] = "u" },
	},
};

KUNIT_ARRAY_PARAM_DESC(addon, addon_cases, desc);

static int parse_addon(const struct test_file *file, struct uki *addon,
		       struct pefile_error *err)
{
	memset(addon, 0xff, sizeof(*addon));
	memset(err, 0xff, sizeof(*err));
	return uki_parse_addon(file->buf, file->len, addon, err);
}

/* An addon that is passed over is measured all the same, so it is there. */
static void test_addon(struct kunit *test)
{
	const struct addon_case *param = test->param_value;
	struct test_file file = build(test, param->sections);
	struct pefile_error err;
	struct uki addon;

	KUNIT_ASSERT_EQ(test, param->ret, parse_addon(&file, &addon, &err));
	if (param->ret)
		KUNIT_EXPECT_GT(test, strlen(err.msg), 0);
	KUNIT_EXPECT_EQ(test, file.nr_sections, addon.pe.nr_sections);
	for (int id = 0; id < UKI_NR_SECTIONS; id++) {
		const char *want = param->want[id] ?: "";
		const struct uki_section *section = &addon.sections[id];

		KUNIT_EXPECT_EQ_MSG(test, strlen(want), section->size, "%s",
				    uki_section_name(id));
		KUNIT_ASSERT_EQ(test, strlen(want), section->data.len);
		KUNIT_EXPECT_MEMEQ(test, want, file.buf + section->data.off,
				   section->data.len);
	}
}

/* A kernel is another reason than that there is nothing. */
static void test_addon_reasons(struct kunit *test)
{
	static const struct test_section nothing[] = {
		SECTION(".osrel", "o"), { }
	}, kernel[] = {
		SECTION(".cmdline", "c"), SECTION(".linux", "k"), { }
	};
	struct pefile_error err, err2;
	struct test_file file;
	struct uki addon;

	file = build(test, nothing);
	KUNIT_EXPECT_EQ(test, -ENODATA, parse_addon(&file, &addon, &err));
	file = build(test, kernel);
	KUNIT_EXPECT_EQ(test, -ENODATA, parse_addon(&file, &addon, &err2));
	KUNIT_EXPECT_STRNEQ(test, err.msg, err2.msg);
}

static const struct test_section addon_sections[] = {
	SECTION(".text", "stub"), SECTION(".uname", "7.2"),
	SECTION(".cmdline", "12345678"), { }
};

/* The checks are those of a UKI. */
static void test_addon_malformed(struct kunit *test)
{
	struct pefile_error err;
	struct test_file file;
	struct uki addon;
	u32 end;

	file = build(test, addon_sections);
	KUNIT_ASSERT_EQ(test, 0, parse_addon(&file, &addon, &err));

	/* A section outside the file, one of ours or not. */
	SET_SECTION32(&file, 2, raw_data_size, 9);
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse_addon(&file, &addon, &err));
	KUNIT_EXPECT_MEMEQ(test, err.section, ".cmdline", PEFILE_NAME_LEN);
	SET_SECTION32(&file, 2, raw_data_size, 8);
	SET_SECTION32(&file, 0, raw_data_size, U32_MAX);
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse_addon(&file, &addon, &err));
	SET_SECTION32(&file, 0, raw_data_size, 4);

	/* Outside the image. */
	end = file.image_size - 0x1000 + 8;
	SET_OPT32(&file, image_size, end - 1);
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse_addon(&file, &addon, &err));
	KUNIT_EXPECT_MEMEQ(test, err.section, ".cmdline", PEFILE_NAME_LEN);
	SET_OPT32(&file, image_size, end);
	KUNIT_EXPECT_EQ(test, 0, parse_addon(&file, &addon, &err));

	/* Over another section: .uname and .cmdline are at 0x2000 and 0x3000. */
	SET_SECTION32(&file, 0, virtual_address, 0x2ffd);
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse_addon(&file, &addon, &err));
	SET_SECTION32(&file, 0, virtual_address, 0x2ffc);
	KUNIT_EXPECT_EQ(test, 0, parse_addon(&file, &addon, &err));

	/* Made of zeros, 64 MiB at most. */
	SET_OPT32(&file, image_size, U32_MAX);
	SET_SECTION32(&file, 2, virtual_size, SZ_64M + 8);
	KUNIT_EXPECT_EQ(test, 0, parse_addon(&file, &addon, &err));
	KUNIT_EXPECT_EQ(test, SZ_64M + 8, addon.sections[UKI_CMDLINE].size);
	KUNIT_EXPECT_EQ(test, 8, addon.sections[UKI_CMDLINE].data.len);
	SET_SECTION32(&file, 2, virtual_size, SZ_64M + 9);
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse_addon(&file, &addon, &err));
	KUNIT_EXPECT_EQ(test, UKI_MAX_ZERO_FILL + 1, err.value);

	/* More headers than the file has room for. */
	file = build(test, addon_sections);
	put_unaligned_le16(U16_MAX, file.buf + PE_OFF +
			   offsetof(struct pe_hdr, sections));
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse_addon(&file, &addon, &err));
}

static void expect_addon(struct kunit *test, const struct test_file *file,
			 int want, const char *desc)
{
	struct pefile_error err;
	struct uki addon;

	KUNIT_EXPECT_EQ_MSG(test, want, parse_addon(file, &addon, &err), "%s",
			    desc);
}

/*
 * What LoadImage() refuses is not measured, so it must not count as an addon:
 * PeCoffLoaderGetPeHeader() and PeCoffLoaderLoadImage() of edk2.
 */
static void test_addon_not_loaded(struct kunit *test)
{
	struct test_file file = build(test, addon_sections);
	u8 *subsys = file.buf + OPT_OFF +
		     offsetof(struct pe32plus_opt_hdr, subsys);
	u8 *machine = file.buf + PE_OFF + offsetof(struct pe_hdr, machine);
	u32 header_size = TABLE_OFF + 3 * sizeof(struct section_header);

	expect_addon(test, &file, 0, "good");
	for (u16 i = 0; i < 16; i++) {
		put_unaligned_le16(i, subsys);
		expect_addon(test, &file, i == IMAGE_SUBSYSTEM_EFI_APPLICATION ?
			     0 : -EBADMSG, "Subsystem");
	}
	put_unaligned_le16(IMAGE_SUBSYSTEM_EFI_APPLICATION, subsys);

	put_unaligned_le16(IMAGE_FILE_MACHINE_I386, machine);
	expect_addon(test, &file, -EBADMSG, "PE32+ for i386");
	put_unaligned_le16(IMAGE_FILE_MACHINE_AMD64, machine);

	SET_OPT32(&file, section_align, 0);
	expect_addon(test, &file, -EBADMSG, "SectionAlignment");
	SET_OPT32(&file, section_align, 1);
	expect_addon(test, &file, 0, "SectionAlignment of 1");

	/* Sections of others have to be inside the image, too. */
	SET_SECTION32(&file, 0, virtual_address, file.image_size - 3);
	expect_addon(test, &file, -EBADMSG, ".text outside");
	SET_SECTION32(&file, 0, virtual_address, file.image_size - 4);
	expect_addon(test, &file, 0, ".text at the end");
	SET_SECTION32(&file, 0, virtual_address, U32_MAX);
	expect_addon(test, &file, -EBADMSG, ".text wraps around");
	SET_SECTION32(&file, 0, virtual_size, 0);
	SET_SECTION32(&file, 0, virtual_address, file.image_size - 3);
	expect_addon(test, &file, -EBADMSG, "raw bytes outside");

	/* Directories that do not fill the optional header, or too many. */
	file = build(test, addon_sections);
	SET_OPT32(&file, data_dirs, 15);
	expect_addon(test, &file, -EBADMSG, "15 directories, room for 16");
	SET_OPT32(&file, data_dirs, 17);
	expect_addon(test, &file, -EBADMSG, "17 directories, room for 16");
	SET_OPT32(&file, data_dirs, U32_MAX);
	expect_addon(test, &file, -EBADMSG, "all directories");
	SET_OPT32(&file, data_dirs, 16);
	expect_addon(test, &file, 0, "16 directories");

	/* No room behind the headers: nothing that is in the image is ours. */
	for (u32 i = 0; i < 3; i++) {
		SET_SECTION32(&file, i, virtual_address, 0x10 * i);
		SET_SECTION32(&file, i, virtual_size, 4);
	}
	SET_OPT32(&file, image_size, header_size + 1);
	expect_addon(test, &file, 0, "SizeOfImage above SizeOfHeaders");
	SET_OPT32(&file, image_size, header_size);
	expect_addon(test, &file, -EBADMSG, "SizeOfImage of SizeOfHeaders");
}

/* Zeros and bytes beyond VirtualSize, as in a UKI. */
static void test_addon_virtual_size(struct kunit *test)
{
	struct test_file file = build(test, addon_sections);
	struct pefile_error err;
	struct uki addon;

	for (u32 size = 7; size <= 9; size++) {
		SET_SECTION32(&file, 2, virtual_size, size);
		KUNIT_ASSERT_EQ(test, 0, parse_addon(&file, &addon, &err));
		KUNIT_EXPECT_EQ(test, size, addon.sections[UKI_CMDLINE].size);
		KUNIT_EXPECT_EQ(test, min(size, 8U),
				addon.sections[UKI_CMDLINE].data.len);
	}
}

/* Firmware takes what is a PE file, and nothing else. */
static void test_addon_no_pe(struct kunit *test)
{
	static const char * const texts[] = {
		"", "M", "MZ", "quiet splash\n", "\177ELF", "070701",
	};
	struct test_file file = build(test, addon_sections);
	struct pefile_error err;
	struct uki addon;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct test_file text = { .len = strlen(texts[i]) };

		text.buf = dup_guarded_buf(test, texts[i], text.len);
		KUNIT_EXPECT_EQ_MSG(test, -ENOEXEC,
				    parse_addon(&text, &addon, &err), "i=%zu",
				    i);
		KUNIT_EXPECT_GT(test, strlen(err.msg), 0);
	}

	file.buf[0] = 'm';
	KUNIT_EXPECT_EQ(test, -ENOEXEC, parse_addon(&file, &addon, &err));
	file.buf[0] = 'M';
	file.buf[PE_OFF + 2] = 1;
	KUNIT_EXPECT_EQ(test, -ENOEXEC, parse_addon(&file, &addon, &err));
	file.buf[PE_OFF + 2] = 0;
	KUNIT_EXPECT_EQ(test, 0, parse_addon(&file, &addon, &err));
}

static void test_addon_truncated(struct kunit *test)
{
	struct test_file file = build(test, addon_sections);
	u8 *end = alloc_guarded_buf(test, file.len) + file.len;
	struct pefile_error err;
	struct uki addon;

	for (size_t len = 0; len < file.len; len++) {
		const u8 *buf = memcpy(end - len, file.buf, len);
		int ret = uki_parse_addon(buf, len, &addon, &err);

		if (len < PE_OFF)
			KUNIT_EXPECT_EQ_MSG(test, -ENOEXEC, ret, "len=%zu",
					    len);
		else if (len >= TABLE_OFF)
			KUNIT_EXPECT_EQ_MSG(test, -EBADMSG, ret, "len=%zu",
					    len);
		else
			KUNIT_EXPECT_TRUE(test, ret == -ENOEXEC ||
					  ret == -EBADMSG);
		KUNIT_EXPECT_NOT_NULL(test, err.msg);
	}
}

/* No single wrong byte makes a section point outside the file. */
static void test_addon_flipped(struct kunit *test)
{
	static const u8 flips[] = { 1, 2, 4, 8, 16, 32, 64, 128, 255 };
	struct test_file file = build(test, addon_sections);
	struct pefile_error err;
	struct uki addon;

	for (size_t i = 0; i < file.len; i++) {
		u8 orig = file.buf[i];

		for (size_t j = 0; j < ARRAY_SIZE(flips); j++) {
			int ret;

			file.buf[i] = orig ^ flips[j];
			ret = parse_addon(&file, &addon, &err);
			if (ret && ret != -ENODATA) {
				KUNIT_EXPECT_TRUE(test, ret == -ENOEXEC ||
						  ret == -EBADMSG);
				continue;
			}
			for (int id = 0; id < UKI_NR_SECTIONS; id++) {
				struct uki_section *s = &addon.sections[id];

				KUNIT_EXPECT_LE(test, s->data.len, s->size);
				KUNIT_EXPECT_LE(test, s->data.len, file.len);
				KUNIT_EXPECT_LE(test, s->data.off,
						file.len - s->data.len);
			}
		}
		file.buf[i] = orig;
	}
}

/*
 * The version of the kernel.
 */

#define TEXT(data)	{ data, sizeof(data) - 1, 0 }
#define TEXT_ZEROS(data, zeros)	{ data, sizeof(data) - 1, zeros }

static const struct {
	struct uki_newc_data uki;
	struct uki_newc_data addon;
	bool fits;
} unames[] = {
	{ TEXT("7.2"), TEXT("7.2"), true },
	{ TEXT("7.2"), TEXT("7.3"), false },
	{ TEXT("7.2"), TEXT("6.2"), false },
	/* The addon's text ends with its section or with its NUL. */
	{ TEXT("7.2-e2e"), TEXT("7.2"), true },
	{ TEXT("7.2-e2e"), TEXT("7"), true },
	{ TEXT("7.2-e2e"), TEXT("7.2\0"), false },
	{ TEXT("7.2-e2e"), TEXT_ZEROS("7.2", 1), false },
	{ TEXT("7.2-e2e"), TEXT_ZEROS("7.2", SZ_64M), false },
	{ TEXT("7.2"), TEXT("7.2-e2e"), false },
	{ TEXT("7.2"), TEXT("7.2\0"), true },
	{ TEXT("7.2"), TEXT("7.2\0-e2e"), true },
	{ TEXT("7.2"), TEXT_ZEROS("7.2", 1), true },
	{ TEXT("7.2"), TEXT_ZEROS("7.2", SZ_64M), true },
	{ TEXT("7.2"), TEXT("7.2\n"), false },
	{ TEXT("7.2"), TEXT(" 7.2"), false },
	{ TEXT("7.2\n"), TEXT("7.2"), true },
	{ TEXT("7.2-E2E"), TEXT("7.2-e2e"), false },
	/* The UKI's ends at its NUL, or where its section does. */
	{ TEXT("7.2\0"), TEXT("7.2"), true },
	{ TEXT("7.2\0-e2e"), TEXT("7.2"), true },
	{ TEXT("7.2\0-e2e"), TEXT("7.2\0"), true },
	{ TEXT("7.2\0-e2e"), TEXT("7.2\0-e3e"), true },
	{ TEXT("7.2\0-e2e"), TEXT("7.2-e2e"), false },
	{ TEXT_ZEROS("7.2", 5), TEXT("7.2"), true },
	{ TEXT_ZEROS("7.2", 5), TEXT_ZEROS("7.2", 9), true },
	{ TEXT_ZEROS("7.2", SZ_64M), TEXT("7.2-e2e"), false },
	/* Nothing but zeros in the file's sense or in the image's. */
	{ TEXT_ZEROS("", 1), TEXT_ZEROS("", 1), true },
	{ TEXT_ZEROS("", 8), TEXT("\0007.2"), true },
	{ TEXT_ZEROS("", 1), TEXT("7.2"), false },
	{ TEXT("7.2"), TEXT_ZEROS("", 3), false },
	{ TEXT("\0007.2"), TEXT("7.2"), false },
	{ TEXT("7.2\xff"), TEXT("7.2\xff"), true },
	{ TEXT("7.2\x7f"), TEXT("7.2\xff"), false },
};

static struct uki_newc_data dup_text(struct kunit *test,
				     const struct uki_newc_data *text)
{
	struct uki_newc_data dup = *text;

	dup.data = text->len ? dup_guarded_buf(test, text->data, text->len) :
		   NULL;
	return dup;
}

static void test_addon_fits(struct kunit *test)
{
	for (size_t i = 0; i < ARRAY_SIZE(unames); i++) {
		struct uki_newc_data uki = dup_text(test, &unames[i].uki);
		struct uki_newc_data addon = dup_text(test, &unames[i].addon);

		KUNIT_EXPECT_EQ_MSG(test, unames[i].fits,
				    uki_addon_fits(&uki, &addon), "i=%zu", i);
	}
}

#define MAX_RAW		3
#define MAX_TEXT	(MAX_RAW + 2)

/* Number @n of all texts over "ab\0" of up to MAX_RAW bytes and two zeros. */
static bool nth_text(unsigned int n, u8 *end, struct uki_newc_data *text,
		     char all[MAX_TEXT + 1])
{
	memset(all, 0, MAX_TEXT + 1);
	text->zeros = n % 3;
	text->len = n / 3 % (MAX_RAW + 1);
	n /= 3 * (MAX_RAW + 1);
	for (size_t i = 0; i < text->len; i++, n /= 3)
		all[i] = "ab"[n % 3];
	text->data = memcpy(end - text->len, all, text->len);
	/* sd-stub asks only of sections that are set. */
	return !n && text->len + text->zeros;
}

/* All short texts, compared by sd-stub's strncmp() of the loaded sections. */
static void test_addon_fits_all(struct kunit *test)
{
	u8 *uki_end = alloc_guarded_buf(test, MAX_RAW) + MAX_RAW;
	u8 *addon_end = alloc_guarded_buf(test, MAX_RAW) + MAX_RAW;
	const unsigned int max = 3 * (MAX_RAW + 1) * 27;
	char uki_all[MAX_TEXT + 1], addon_all[MAX_TEXT + 1];
	struct uki_newc_data uki, addon;
	unsigned int nr_fits = 0;

	for (unsigned int i = 0; i < max; i++) {
		if (!nth_text(i, uki_end, &uki, uki_all))
			continue;
		for (unsigned int j = 0; j < max; j++) {
			size_t n;
			bool want;

			if (!nth_text(j, addon_end, &addon, addon_all))
				continue;
			n = addon.len + addon.zeros;
			want = !strncmp(uki_all, addon_all, n);
			nr_fits += want;
			KUNIT_EXPECT_EQ_MSG(test, want,
					    uki_addon_fits(&uki, &addon),
					    "i=%u j=%u", i, j);
		}
	}
	KUNIT_EXPECT_GT(test, nr_fits, 100);
}

static struct kunit_case uki_companion_cases[] = {
	KUNIT_CASE(test_esp),
	KUNIT_CASE(test_kinds),
	KUNIT_CASE(test_unknown_paths),
	KUNIT_CASE(test_long_names),
	KUNIT_CASE(test_two_extra_dirs),
	KUNIT_CASE(test_boot_secret),
	KUNIT_CASE(test_boot_secret_zeros),
	KUNIT_CASE(test_many),
	KUNIT_CASE(test_file_types),
	KUNIT_CASE(test_directories),
	KUNIT_CASE(test_empty),
	KUNIT_CASE(test_no_room),
	KUNIT_CASE(test_order),
	KUNIT_CASE(test_duplicates),
	KUNIT_CASE(test_read_duplicates),
	KUNIT_CASE(test_truncated),
	KUNIT_CASE(test_flipped),
	KUNIT_CASE(test_sidecar),
	KUNIT_CASE(test_sidecar_archive),
	KUNIT_CASE(test_sidecar_no_room),
	KUNIT_CASE(test_no_sidecar),
	KUNIT_CASE_PARAM(test_addon, addon_gen_params),
	KUNIT_CASE(test_addon_reasons),
	KUNIT_CASE(test_addon_malformed),
	KUNIT_CASE(test_addon_not_loaded),
	KUNIT_CASE(test_addon_virtual_size),
	KUNIT_CASE(test_addon_no_pe),
	KUNIT_CASE(test_addon_truncated),
	KUNIT_CASE(test_addon_flipped),
	KUNIT_CASE(test_addon_fits),
	KUNIT_CASE(test_addon_fits_all),
	{ }
};

static struct kunit_suite uki_companion_suite = {
	.name = "uki_companion",
	.test_cases = uki_companion_cases,
};

kunit_test_suite(uki_companion_suite);

MODULE_DESCRIPTION("KUnit tests for the companions of unified kernel images");
MODULE_LICENSE("GPL");
