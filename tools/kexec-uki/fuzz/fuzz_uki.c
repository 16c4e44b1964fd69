// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target of lib/uki.c as far as it reads files; the input is a PE file
 *
 * Checked: what is a UKI and which is malformed, against second rules; the
 * sections of every profile and of an addon against a merge that goes over the
 * table once; their spans inside the file; that selecting a profile later gives
 * what parsing with it gives; which profile a command line stands for, by
 * comparing the texts of all; that the sections measured are those that
 * systemd-stub measures, in its order; the archives of /.extra read back by the
 * strict reader; a reason for each refusal; nothing that depends on what was in
 * the results before; the file unchanged.  fuzz_cmdline has the rules for text.
 */

#include <linux/uki.h>

#include "fuzz.h"

#define ENTRY_LEN	40
#define WHOLE_TABLE	-1

/* Profiles of a file that are looked at, and the largest text or archive. */
#define MAX_PROFILES	4
#define MAX_CONTENT	4096

/* enum UnifiedSection and unified_sections[] of systemd v262. */
static const char names[][PEFILE_NAME_LEN + 1] = {
	".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb",
	".uname", ".sbat", ".pcrsig", ".pcrpkey", ".profile", ".dtbauto",
	".hwids", ".efifw",
};

/* A section header, read a second time. */
struct entry {
	const u8 *header;
	int id;
	u64 address;
	u64 size;
	u64 raw_len;
	u64 raw_off;
};

static struct entry entries[PEFILE_MAX_SECTIONS];

static void read_entries(const u8 *buf, const struct pefile *pe)
{
	char name[PEFILE_NAME_LEN + 1] = "";

	for (unsigned int i = 0; i < pe->nr_sections; i++) {
		const u8 *p = buf + pe->sections_off + i * ENTRY_LEN;
		struct entry *entry = &entries[i];

		entry->header = p;
		entry->size = fuzz_le(p + 8, 4);
		entry->address = fuzz_le(p + 12, 4);
		entry->raw_len = fuzz_le(p + 16, 4);
		entry->raw_off = fuzz_le(p + 20, 4);
		memcpy(name, p, PEFILE_NAME_LEN);
		entry->id = ARRAY_SIZE(names) - 1;
		while (entry->id >= 0 && strcmp(name, names[entry->id]))
			entry->id--;
	}
}

/* The first header that is; NULL if there is none. */
static const struct entry *find_malformed(const struct pefile *pe)
{
	for (unsigned int i = 0; i < pe->nr_sections; i++) {
		struct entry entry = entries[i];
		u64 end = entry.address + entry.size;

		if (entry.id < 0)
			continue;
		if (end > pe->image_size ||
		    (entry.size > entry.raw_len &&
		     entry.size - entry.raw_len > 64 * 1024 * 1024))
			return &entries[i];
		for (unsigned int j = 0; j < pe->nr_sections; j++) {
			struct entry other = entries[j];
			u64 other_end = other.address +
					(other.size ?: other.raw_len);

			if (i != j && entry.size && other.address < other_end &&
			    entry.address < other_end && other.address < end)
				return &entries[i];
		}
	}
	return NULL;
}

static unsigned int count_profiles(const struct pefile *pe)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < pe->nr_sections; i++)
		nr += entries[i].id == UKI_PROFILE;
	return nr;
}

/* The base's sections and over them the profile's; the first of a name counts. */
static void second_merge(const struct pefile *pe, s64 profile,
			 struct uki_section *sections)
{
	bool seen[2][UKI_NR_SECTIONS] = { };
	s64 now = -1;

	memset(sections, 0, UKI_NR_SECTIONS * sizeof(*sections));
	for (unsigned int i = 0; i < pe->nr_sections; i++) {
		struct entry entry = entries[i];
		struct uki_section *section = &sections[entry.id];

		now += entry.id == UKI_PROFILE && profile != WHOLE_TABLE;
		if (entry.id < 0 || entry.id == UKI_DTBAUTO ||
		    entry.id == UKI_EFIFW || (now >= 0 && now != profile) ||
		    seen[now >= 0][entry.id])
			continue;
		seen[now >= 0][entry.id] = true;
		section->size = entry.size;
		section->data.len = entry.raw_len < entry.size ? entry.raw_len :
								 entry.size;
		section->data.off = section->data.len ? entry.raw_off : 0;
	}
}

static void check_sections(size_t len, const struct uki_section *sections,
			   const struct uki_section *want)
{
	MUST(!memcmp(sections, want, UKI_NR_SECTIONS * sizeof(*sections)));
	for (unsigned int id = 0; id < UKI_NR_SECTIONS; id++) {
		const struct uki_section *section = &sections[id];

		MUST(fuzz_inside(len, section->data));
		MUST(section->size >= section->data.len);
		MUST(section->size - section->data.len <= UKI_MAX_ZERO_FILL);
	}
}

/* pack_cpio_literal() of systemd-stub: the directory, the file, the end. */
static void check_archive(const u8 *archive, size_t len, const char *path,
			  const struct uki_newc_data *data)
{
	struct uki_newc_member member;
	struct pefile_error err;
	const u8 *content;
	size_t pos = 0;

	MUST(uki_newc_next(archive, len, &pos, &member, &err) == 1);
	MUST(!strcmp(member.path, ".extra") && member.mode == 0040555);
	MUST(uki_newc_next(archive, len, &pos, &member, &err) == 1);
	MUST(!strcmp(member.path, path) && member.mode == 0100444);
	MUST(member.data.len == data->len + data->zeros);
	content = archive + member.data.off;
	MUST(!data->len || !memcmp(content, data->data, data->len));
	for (size_t i = 0; i < data->zeros; i++)
		MUST(!content[data->len + i]);
	MUST(!uki_newc_next(archive, len, &pos, &member, &err));
}

/* generate_embedded_initrds() of systemd-stub. */
static const char *second_path(unsigned int id)
{
	return id == UKI_PCRSIG ? ".extra/tpm2-pcr-signature.json" :
	       id == UKI_PCRPKEY ? ".extra/tpm2-pcr-public-key.pem" :
	       id == UKI_OSREL ? ".extra/os-release" :
	       id == UKI_PROFILE ? ".extra/profile" : NULL;
}

static void check_extra(const u8 *buf, unsigned int id,
			const struct uki_section *section)
{
	const char *path = uki_extra_path(id), *want = second_path(id);
	struct uki_newc count = { }, newc = { };
	struct uki_newc_data data = {
		.data = buf + section->data.off,
		.len = section->data.len,
		.zeros = section->size - section->data.len,
	};

	MUST(!path == !want && (!path || !strcmp(path, want)));
	if (!path) {
		MUST(uki_extra_archive(&count, id, &data) == -EINVAL);
		return;
	}
	if (uki_extra_archive(&count, id, &data)) {
		MUST(section->size > 0xffffffff);
		return;
	}
	MUST(!(count.pos & 3) && count.pos > section->size);
	if (count.pos > MAX_CONTENT)
		return;
	newc.size = count.pos;
	newc.buf = fuzz_room(newc.size);
	MUST(!uki_extra_archive(&newc, id, &data) && newc.pos == count.pos);
	check_archive(newc.buf, newc.pos, path, &data);
	newc = (struct uki_newc){ .buf = newc.buf, .size = newc.size - 1 };
	MUST(uki_extra_archive(&newc, id, &data) == -ENOSPC);
	free(newc.buf);
}

/* All of them, in this order, but the signature of what comes out of it. */
static void check_measured(const u8 *buf, const struct uki *uki)
{
	for (unsigned int id = 0; id < UKI_NR_SECTIONS; id++) {
		MUST(!strcmp(uki_section_name(id), names[id]));
		MUST(uki_section_measured(id) == !!strcmp(names[id], ".pcrsig"));
		if (uki->sections[id].size)
			check_extra(buf, id, &uki->sections[id]);
	}
	MUST(!uki_section_name(UKI_NR_SECTIONS) && !uki_section_name(-1));
	MUST(!uki_section_measured(UKI_NR_SECTIONS) && !uki_section_measured(-1));
	MUST(!uki_extra_path(UKI_NR_SECTIONS));
}

/* Text of a profile after mangling, in a new buffer. */
static char *text_of(const u8 *buf, const struct pefile *pe, u32 profile,
		     size_t *len)
{
	struct uki_section sections[UKI_NR_SECTIONS];
	const struct uki_section *cmdline = &sections[UKI_CMDLINE];
	char *text;

	second_merge(pe, profile, sections);
	text = fuzz_room(cmdline->data.len + 1);
	*len = uki_mangle_cmdline(text, (const char *)buf + cmdline->data.off,
				  cmdline->data.len);
	return text;
}

/* The one profile with this text that is not profile 0. */
static void check_by_text(const u8 *buf, const struct uki *uki, const char *text,
			  size_t len)
{
	unsigned int found = 0, nr = 0;
	struct uki before = *uki;

	for (unsigned int n = 0; len && (n < uki->nr_profiles || !n); n++) {
		size_t other_len;
		char *other = text_of(buf, &uki->pe, n, &other_len);

		if (other_len == len && !memcmp(text, other, len)) {
			found = n;
			nr += n ? 1 : 2;
		}
		free(other);
	}
	MUST(uki_profile_by_cmdline(buf, uki, text, len) ==
	     (nr == 1 ? found : 0));
	MUST(!memcmp(&before, uki, sizeof(before)));
}

static void check_texts(const u8 *buf, const struct uki *uki)
{
	unsigned int n;

	check_by_text(buf, uki, "", 0);
	check_by_text(buf, uki, "quiet", 5);
	for (n = 0; n < uki->nr_profiles && n < MAX_PROFILES; n++) {
		size_t len;
		char *text = text_of(buf, &uki->pe, n, &len);

		check_by_text(buf, uki, text, len);
		if (len > 1 && (u8)text[len - 1] < 0x80 && text[len - 2] != ' ')
			check_by_text(buf, uki, text, len - 1);
		free(text);
	}
}

/* Every way to @profile leads to the same sections or the same refusal. */
static void check_profile(const u8 *buf, size_t len, const struct uki *base,
			  unsigned int profile)
{
	struct pefile_error err, err_again;
	struct uki uki, again = *base, want = *base;
	int ret, expected = 0;

	second_merge(&base->pe, profile, want.sections);
	want.profile = profile;
	if (profile && profile >= base->nr_profiles)
		expected = -ENODATA;
	else if (!want.sections[UKI_LINUX].size)
		expected = -EBADMSG;

	fuzz_poison(&err, &err_again, sizeof(err));
	memset(&uki, 0x77, sizeof(uki));
	/* Another profile was selected before. */
	memset(again.sections, 0x77, sizeof(again.sections));
	ret = uki_parse(buf, len, profile, &uki, &err);
	MUST(ret == expected);
	MUST(ret == uki_select_profile(buf, profile, &again, &err_again));
	if (ret) {
		fuzz_check_error(&err, &err_again);
		return;
	}
	MUST(!memcmp(&uki, &again, sizeof(uki)));
	MUST(!memcmp(&uki, &want, sizeof(uki)));
	check_sections(len, uki.sections, want.sections);
	check_measured(buf, &uki);
}

static void check_profiles(const u8 *buf, size_t len, const struct pefile *pe)
{
	struct uki base = { .pe = *pe, .nr_profiles = count_profiles(pe) };
	unsigned int n;

	for (n = 0; n < base.nr_profiles && n < MAX_PROFILES; n++)
		check_profile(buf, len, &base, n);
	check_profile(buf, len, &base, base.nr_profiles);
	check_profile(buf, len, &base, -1);
	check_texts(buf, &base);
}

static void check_uki(const u8 *buf, size_t len, const struct pefile *pe, int ret,
		      const struct pefile_error *err)
{
	const struct entry *bad = find_malformed(pe);

	if (!bad) {
		check_profiles(buf, len, pe);
		return;
	}
	MUST(ret == -EBADMSG);
	fuzz_check_section(err, bad->header);
}

/* What load_addons() of systemd-stub takes, after what firmware takes. */
static void check_addon(const u8 *buf, size_t len, const struct pefile *pe,
			int expected)
{
	struct uki addon, again, want = { };
	struct pefile_error err, err_again;
	const struct uki_section *sections = want.sections;
	int ret;

	if (!expected && (find_malformed(pe) ||
			  pefile_check_program(buf, pe, &err)))
		expected = -EBADMSG;
	if (!expected) {
		second_merge(pe, WHOLE_TABLE, want.sections);
		if (sections[UKI_LINUX].size ||
		    !(sections[UKI_CMDLINE].size | sections[UKI_DTB].size |
		      sections[UKI_INITRD].size | sections[UKI_UCODE].size))
			expected = -ENODATA;
	}

	fuzz_poison(&err, &err_again, sizeof(err));
	fuzz_poison(&addon, &again, sizeof(addon));
	ret = uki_parse_addon(buf, len, &addon, &err);
	MUST(ret == uki_parse_addon(buf, len, &again, &err_again));
	MUST(ret == expected);
	if (ret)
		fuzz_check_error(&err, &err_again);
	if (ret && ret != -ENODATA)
		return;
	MUST(!memcmp(&addon, &again, sizeof(addon)));
	MUST(!memcmp(&addon.pe, pe, sizeof(*pe)));
	check_sections(len, addon.sections, want.sections);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct pefile_error err, err_again;
	u8 *buf = fuzz_copy(data, len);
	bool is_uki = uki_recognise(buf, len);
	struct pefile pe;
	struct uki uki;
	int ret, pe_ret;

	MUST(is_uki == pefile_has_section(buf, len, ".linux"));
	fuzz_poison(&err, &err_again, sizeof(err));
	ret = uki_parse(buf, len, 0, &uki, &err);
	MUST(ret == uki_parse(buf, len, 0, &uki, &err_again));
	MUST((ret == -ENOEXEC) == !is_uki);
	if (ret)
		fuzz_check_error(&err, &err_again);

	pe_ret = pefile_parse(buf, len, &pe, NULL);
	if (!pe_ret)
		read_entries(buf, &pe);
	if (is_uki && pe_ret)
		MUST(ret == -EBADMSG);
	else if (is_uki)
		check_uki(buf, len, &pe, ret, &err);
	check_addon(buf, len, &pe, pe_ret);
	MUST(!len || !memcmp(buf, data, len));
	free(buf);
	return 0;
}
