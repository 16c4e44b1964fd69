// SPDX-License-Identifier: GPL-2.0
/*
 * Unified kernel images (UKI): the rules on top of the PE section table
 *
 * Which section counts, how a profile is merged over the base, what an addon
 * has, how a command line becomes what sd-stub would make of it, and which
 * sections go to the initrd.  "sd-stub" is systemd-stub v262; its functions
 * are named where a rule is theirs.
 *
 * A buffer in, spans and text out.  This file must never allocate, log, keep
 * state or read a byte of a file that pefile has not checked: the loader, the
 * measurement, the tools and the fuzzers in user space all build it as it is.
 */

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uki.h>
#include <linux/uki_newc.h>
#include <linux/unaligned.h>

/* unified_sections[] of systemd's src/fundamental/uki.c. */
static const char * const section_names[UKI_NR_SECTIONS] = {
	[UKI_LINUX]	= ".linux",
	[UKI_OSREL]	= ".osrel",
	[UKI_CMDLINE]	= ".cmdline",
	[UKI_INITRD]	= ".initrd",
	[UKI_UCODE]	= ".ucode",
	[UKI_SPLASH]	= ".splash",
	[UKI_DTB]	= ".dtb",
	[UKI_UNAME]	= ".uname",
	[UKI_SBAT]	= ".sbat",
	[UKI_PCRSIG]	= ".pcrsig",
	[UKI_PCRPKEY]	= ".pcrpkey",
	[UKI_PROFILE]	= ".profile",
	[UKI_DTBAUTO]	= ".dtbauto",
	[UKI_HWIDS]	= ".hwids",
	[UKI_EFIFW]	= ".efifw",
};

/**
 * uki_section_name() - get the name of a section
 * @id: which one
 *
 * Return: the name, at most eight characters, or NULL if there is no such id
 */
const char *uki_section_name(enum uki_section_id id)
{
	return (unsigned int)id < UKI_NR_SECTIONS ? section_names[id] : NULL;
}
EXPORT_SYMBOL_GPL(uki_section_name);

/**
 * uki_section_measured() - tell whether a section is measured into PCR 11
 * @id: which one
 *
 * The signature of the expected PCR 11 cannot be part of PCR 11; everything
 * else is (unified_section_measure() in systemd's src/fundamental/uki.h).
 *
 * Return: whether the section's name and content are measured
 */
bool uki_section_measured(enum uki_section_id id)
{
	return (unsigned int)id < UKI_NR_SECTIONS && id != UKI_PCRSIG;
}
EXPORT_SYMBOL_GPL(uki_section_measured);

/**
 * uki_recognise() - tell a UKI from everything else
 * @buf: the file
 * @len: its length
 *
 * A UKI is a PE file with a section header named .linux.  Nothing else is checked,
 * so that a damaged UKI is still a UKI: uki_parse() then says what is wrong with
 * it, and nobody mistakes it for a file of another format.
 *
 * Return: whether uki_parse() is the one to be asked
 */
bool uki_recognise(const void *buf, size_t len)
{
	return pefile_has_section(buf, len, section_names[UKI_LINUX]);
}
EXPORT_SYMBOL_GPL(uki_recognise);

/* Look up the id of a section; UKI_NR_SECTIONS if the name is none of ours. */
static enum uki_section_id find_id(const struct pefile_section *section)
{
	unsigned int id;

	for (id = 0; id < UKI_NR_SECTIONS; id++) {
		if (pefile_name_is(section->name, section_names[id]))
			break;
	}
	return id;
}

static int refuse(struct pefile_error *err, const char *msg,
		  const struct pefile_section *section, u64 value, u64 limit)
{
	err->msg = msg;
	err->value = value;
	err->limit = limit;
	if (section)
		memcpy(err->section, section->name, sizeof(err->section));
	else
		memset(err->section, 0, sizeof(err->section));
	return -EBADMSG;
}

/*
 * Check what pefile does not: that a section that we may use lies in the loaded
 * image, and that what it lacks in the file is not absurdly large.  sd-stub
 * passes over a header outside SizeOfImage as if it were not there (v262,
 * pe_locate_sections_internal()); to refuse the file cannot give another result
 * than sd-stub's, and no tool writes such a header.
 */
static int check_section(const struct pefile *pe,
			 const struct pefile_section *section,
			 struct pefile_error *err)
{
	u64 size = section->virtual_size;
	u64 end = section->virtual_address + size;
	u64 zeros = size - min(section->raw.len, size);

	if (end > pe->image_size)
		return refuse(err, "section ends after SizeOfImage", section,
			      end, pe->image_size);
	if (zeros > UKI_MAX_ZERO_FILL)
		return refuse(err, "section lacks too much of its size",
			      section, zeros, UKI_MAX_ZERO_FILL);
	return 0;
}

/*
 * Firmware loads each section to its address and sd-stub reads it there; here it is
 * read from the file.  That is the same as long as nothing else is loaded to these
 * addresses.  Where VirtualSize is 0, edk2 loads SizeOfRawData bytes
 * (PeCoffLoaderLoadImage()).
 */
static int check_overlap(const void *buf, const struct pefile *pe,
			 unsigned int idx, const struct pefile_section *section,
			 struct pefile_error *err)
{
	u64 end = (u64)section->virtual_address + section->virtual_size;
	struct pefile_section other;
	unsigned int i;

	for (i = 0; i < pe->nr_sections; i++) {
		u64 size;

		pefile_get_section(buf, pe, i, &other);
		size = other.virtual_size ?: other.raw.len;
		if (i == idx || !size || !section->virtual_size)
			continue;
		if (other.virtual_address < end &&
		    section->virtual_address < other.virtual_address + size)
			return refuse(err, "section shares addresses", section,
				      section->virtual_address,
				      other.virtual_address);
	}
	return 0;
}

/*
 * Check each header with a name of ours, those of other profiles included: a
 * file is malformed or not, whatever profile is asked for.
 */
static int check_sections(const void *buf, struct uki *uki,
			  struct pefile_error *err)
{
	struct pefile_section section;
	unsigned int i;
	int ret;

	for (i = 0; i < uki->pe.nr_sections; i++) {
		enum uki_section_id id;

		pefile_get_section(buf, &uki->pe, i, &section);
		id = find_id(&section);
		if (id == UKI_NR_SECTIONS)
			continue;
		ret = check_section(&uki->pe, &section, err);
		if (!ret)
			ret = check_overlap(buf, &uki->pe, i, &section, err);
		if (ret)
			return ret;
		if (id == UKI_PROFILE)
			uki->nr_profiles++;
	}
	return 0;
}

/*
 * Tell whether a section is for this machine.  .dtbauto and .efifw are used only
 * on a match, of the firmware's devicetree or of .hwids (pe_use_this_dtb(),
 * pe_use_this_firmware()).  On x86 without .hwids there never is one; an
 * architecture that boots with a devicetree has its place here.
 */
static bool matches_machine(enum uki_section_id id)
{
	return id != UKI_DTBAUTO && id != UKI_EFIFW;
}

/*
 * Find the section @id among the headers @first to @end - 1.  The first header
 * of a name wins, even one with VirtualSize 0 (pe_locate_sections_internal()).
 */
static bool find_section(const void *buf, const struct uki *uki,
			 enum uki_section_id id, unsigned int first,
			 unsigned int end, struct uki_section *found)
{
	struct pefile_section section;
	unsigned int i;

	for (i = first; i < end; i++) {
		pefile_get_section(buf, &uki->pe, i, &section);
		if (!pefile_name_is(section.name, section_names[id]) ||
		    !matches_machine(id))
			continue;

		found->size = section.virtual_size;
		found->data.len = min(section.raw.len, found->size);
		found->data.off = found->data.len ? section.raw.off : 0;
		return true;
	}
	return false;
}

/*
 * Take over the sections of headers @first to @end - 1.  One with VirtualSize 0
 * leaves the section unset, even if the base had set it
 * (PE_SECTION_VECTOR_IS_SET).
 */
static void merge_range(const void *buf, struct uki *uki, unsigned int first,
			unsigned int end)
{
	enum uki_section_id id;

	for (id = 0; id < UKI_NR_SECTIONS; id++)
		find_section(buf, uki, id, first, end, &uki->sections[id]);
}

/*
 * Find the first header from number @i on that is named .profile; the number of
 * headers if there is none.
 */
static unsigned int next_profile(const void *buf, const struct uki *uki,
				 unsigned int i)
{
	struct pefile_section section;

	for (; i < uki->pe.nr_sections; i++) {
		pefile_get_section(buf, &uki->pe, i, &section);
		if (find_id(&section) == UKI_PROFILE)
			break;
	}
	return i;
}

/*
 * Everything before the first .profile is the base.  Profile n begins with the
 * n-th .profile header, counted from 0 and whatever its size, and ends before
 * the next one (pe_locate_profile_sections()).
 */
static void merge_profile(const void *buf, struct uki *uki)
{
	unsigned int first = next_profile(buf, uki, 0);
	unsigned int n;

	memset(uki->sections, 0, sizeof(uki->sections));
	merge_range(buf, uki, 0, first);
	for (n = 0; n < uki->profile; n++)
		first = next_profile(buf, uki, first + 1);
	if (first < uki->pe.nr_sections)
		merge_range(buf, uki, first, next_profile(buf, uki, first + 1));
}

/**
 * uki_select_profile() - select another profile of a UKI
 * @buf: the file
 * @profile: number of the profile; 0 exists in every UKI
 * @uki: what uki_parse() has made of this file; after an error its sections are
 *	 of no use
 * @err: filled on failure
 *
 * Return: 0 on success; -ENODATA if there is no such profile; -EBADMSG if there
 *	   is no kernel in it
 */
int uki_select_profile(const void *buf, unsigned int profile, struct uki *uki,
		       struct pefile_error *err)
{
	if (profile && profile >= uki->nr_profiles) {
		refuse(err, "no such profile", NULL, profile,
		       uki->nr_profiles);
		return -ENODATA;
	}

	uki->profile = profile;
	merge_profile(buf, uki);
	if (!uki->sections[UKI_LINUX].size)
		return refuse(err, "no .linux section in this profile", NULL,
			      profile, uki->nr_profiles);
	return 0;
}
EXPORT_SYMBOL_GPL(uki_select_profile);

/* What UKIs and addons have in common.  Returns what pefile_parse() does. */
static int parse_table(const void *buf, size_t len, struct uki *uki,
		       struct pefile_error *err)
{
	int ret;

	memset(uki, 0, sizeof(*uki));
	memset(err, 0, sizeof(*err));

	ret = pefile_parse(buf, len, &uki->pe, err);
	return ret ?: check_sections(buf, uki, err);
}

/**
 * uki_parse() - find the sections of one profile of a UKI
 * @buf: the file
 * @len: its length
 * @profile: number of the profile; 0 exists in every UKI
 * @uki: filled on success; every span in it lies inside the file
 * @err: filled on failure
 *
 * Return: 0 on success; -ENOEXEC if the file is not a UKI, see uki_recognise();
 *	   -EBADMSG if it is a malformed one or has no kernel in this profile;
 *	   -ENODATA if there is no such profile
 */
int uki_parse(const void *buf, size_t len, unsigned int profile,
	      struct uki *uki, struct pefile_error *err)
{
	int ret;

	if (!uki_recognise(buf, len)) {
		refuse(err, "no .linux section", NULL, 0, 0);
		return -ENOEXEC;
	}
	ret = parse_table(buf, len, uki, err);
	if (ret == -ENOEXEC)
		return refuse(err, "neither PE32 nor PE32+", NULL, 0, 0);
	if (ret)
		return ret;
	return uki_select_profile(buf, profile, uki, err);
}
EXPORT_SYMBOL_GPL(uki_parse);

/**
 * uki_parse_addon() - find the sections of an addon of a UKI
 * @buf: the file
 * @len: its length
 * @addon: filled on success, and on -ENODATA; every span in it lies inside the
 *	   file
 * @err: filled on failure
 *
 * An addon has no profiles: sd-stub takes its whole table as one range
 * (pe_memory_locate_sections()).  What it must have and must not is the rule of
 * load_addons(); the firmware has loaded and measured it by then.  One that firmware
 * may not load counts as malformed, because whether it does cannot be told here; its
 * machine is for the caller to judge.
 *
 * Return: 0 on success; -ENOEXEC if the file is no PE file, which no firmware
 *	   loads; -EBADMSG if it is a malformed one; -ENODATA if sd-stub passes
 *	   it over, for it is a UKI or has nothing to add
 */
int uki_parse_addon(const void *buf, size_t len, struct uki *addon,
		    struct pefile_error *err)
{
	const struct uki_section *sections = addon->sections;
	int ret = parse_table(buf, len, addon, err);

	if (ret == -ENOEXEC)
		refuse(err, "not a PE file", NULL, 0, 0);
	if (!ret)
		ret = pefile_check_program(buf, &addon->pe, err);
	if (ret)
		return ret;

	merge_range(buf, addon, 0, addon->pe.nr_sections);
	if (!sections[UKI_CMDLINE].size && !sections[UKI_DTB].size &&
	    !sections[UKI_DTBAUTO].size && !sections[UKI_INITRD].size &&
	    !sections[UKI_UCODE].size)
		refuse(err, "nothing that an addon has", NULL, 0, 0);
	else if (sections[UKI_LINUX].size)
		refuse(err, "a UKI, not an addon", NULL, 0, 0);
	else
		return 0;
	return -ENODATA;
}
EXPORT_SYMBOL_GPL(uki_parse_addon);

static char char_at(const struct uki_newc_data *text, size_t i)
{
	return i < text->len ? ((const char *)text->data)[i] : '\0';
}

/**
 * uki_addon_fits() - tell whether an addon is for the kernel of a UKI
 * @uki_uname: content of the UKI's .uname
 * @addon_uname: content of the addon's .uname
 *
 * sd-stub compares with strncmp(), over the VirtualSize of the addon's
 * (load_addons()): without a NUL, "7.2" fits "7.2-rc1".  It does not ask if one
 * of the two has no .uname.
 *
 * Return: whether sd-stub would use the addon
 */
bool uki_addon_fits(const struct uki_newc_data *uki_uname,
		    const struct uki_newc_data *addon_uname)
{
	size_t len = addon_uname->len + addon_uname->zeros;
	size_t i;

	for (i = 0; i < len; i++) {
		char c = char_at(uki_uname, i);

		if (c != char_at(addon_uname, i))
			return false;
		if (!c)
			break;
	}
	return true;
}
EXPORT_SYMBOL_GPL(uki_addon_fits);

/**
 * uki_profile_selector() - take a profile number off the front of a command line
 * @text: the command line as passed, before uki_mangle_cmdline()
 * @len: its length; a NUL ends it earlier
 * @profile: set to the number if there is a selector
 *
 * A selector is an @ and decimal digits, then the end of the text or one space,
 * which belongs to it (parse_profile_from_cmdline()).  Anything else is plain
 * command line.
 *
 * Return: length of the selector, 0 if there is none
 */
size_t uki_profile_selector(const char *text, size_t len, unsigned int *profile)
{
	unsigned int number = 0;
	size_t i;

	if (!len || text[0] != '@')
		return 0;

	for (i = 1; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
		if (check_mul_overflow(number, 10U, &number) ||
		    check_add_overflow(number, (unsigned int)(text[i] - '0'),
				       &number))
			return 0;
	}
	if (i == 1)
		return 0;
	if (i < len && text[i] == ' ')
		i++;
	else if (i < len && text[i])
		return 0;

	*profile = number;
	return i;
}
EXPORT_SYMBOL_GPL(uki_profile_selector);

/* No UTF-8 sequence encodes this: stands for one that is not well-formed. */
#define BAD_CHAR	0xffffffff

/*
 * Decode one character as utf8_to_unichar() of sd-stub does, with its quirks:
 * overlong forms and those of five and six bytes are decoded, and a sequence
 * with a wrong byte in it is eaten in the length that its first byte announces,
 * even if there is a NUL or plain text among the bytes.  Returns that length,
 * or @len if it is less.
 */
static size_t decode_char(const u8 *text, size_t len, u32 *c)
{
	unsigned int n = 0, i;

	while (n < 8 && text[0] & (0x80 >> n))
		n++;
	if (n == 0) {
		*c = text[0];
		return 1;
	}
	*c = BAD_CHAR;
	if (n == 1 || n > 6)
		return 1;
	if (n > len)
		return len;

	for (i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return n;
	}
	*c = text[0] & (0x7f >> n);
	for (i = 1; i < n; i++)
		*c = *c << 6 | (text[i] & 0x3f);
	return n;
}

/*
 * Get the next character that UCS-2 has, and drop what is before it, as
 * xstrn8_to_16() of sd-stub does.  Returns false at the end of the text: its
 * length, a NUL, or one in overlong form, which ends the text in UCS-2.
 */
static bool next_char(const char *text, size_t len, size_t *pos, u16 *c)
{
	u32 unichar;

	while (*pos < len && text[*pos]) {
		*pos += decode_char((const u8 *)text + *pos, len - *pos,
				    &unichar);
		if (unichar > 0xffff || (unichar & 0xf800) == 0xd800)
			continue;
		*c = unichar;
		return unichar != 0;
	}
	return false;
}

/* Needs no more bytes than any sequence that next_char() decodes to @c. */
static size_t encode_char(char *out, u16 c)
{
	if (c < 0x80) {
		out[0] = c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = 0xc0 | c >> 6;
		out[1] = 0x80 | (c & 0x3f);
		return 2;
	}
	out[0] = 0xe0 | c >> 12;
	out[1] = 0x80 | (c >> 6 & 0x3f);
	out[2] = 0x80 | (c & 0x3f);
	return 3;
}

/*
 * A command line that is being mangled, character by character.
 * @text: the command line
 * @len: its length; a NUL ends it earlier
 * @pos: how much of it has been read
 * @blanks: spaces that are due before @c
 * @c: a character that has been read and not returned, or 0
 * @inside: there was one before
 */
struct mangler {
	const char *text;
	size_t len;
	size_t pos;
	size_t blanks;
	u16 c;
	bool inside;
};

/*
 * Get the next character of what mangle_stub_cmdline() of sd-stub makes of the
 * text.  Blanks are held back until something follows them.  Returns false at
 * the end, and must not be called again then.
 */
static bool next_mangled(struct mangler *m, u16 *c)
{
	while (!m->c) {
		if (!next_char(m->text, m->len, &m->pos, &m->c))
			return false;
		if (m->c <= 0x20 || m->c == 0x7f) {
			m->blanks += m->inside;
			m->c = 0;
		}
	}

	m->inside = true;
	if (m->blanks) {
		m->blanks--;
		*c = ' ';
	} else {
		*c = m->c;
		m->c = 0;
	}
	return true;
}

/**
 * uki_mangle_cmdline() - make of a command line what sd-stub makes of it
 * @out: room for @len + 1 bytes, not the same as @text; gets the result and a NUL
 * @text: the command line
 * @len: its length; a NUL ends it earlier
 *
 * This is mangle_stub_cmdline() of sd-stub after a conversion to UCS-2, and back:
 * characters that UCS-2 lacks and malformed ones are dropped, blanks at both ends
 * are cut off, and each control character and DEL inside becomes one space.
 *
 * The zeros that a .cmdline section may lack in the file make no difference.
 *
 * Return: length of the result, which is well-formed UTF-8
 */
size_t uki_mangle_cmdline(char *out, const char *text, size_t len)
{
	struct mangler m = { .text = text, .len = len };
	size_t fill = 0;
	u16 c;

	while (next_mangled(&m, &c))
		fill += encode_char(out + fill, c);
	out[fill] = '\0';
	return fill;
}
EXPORT_SYMBOL_GPL(uki_mangle_cmdline);

/* Tell whether a .cmdline is @text after mangling.  No buffer is needed. */
static bool cmdline_is(const void *buf, const struct uki_section *section,
		       const char *text, size_t len)
{
	struct mangler m1 = { .text = buf + section->data.off,
			      .len = section->data.len };
	struct mangler m2 = { .text = text, .len = len };
	bool more1, more2;
	u16 c1, c2;

	if (section->data.len > UKI_TEXT_MAX)
		return false;
	do {
		more1 = next_mangled(&m1, &c1);
		more2 = next_mangled(&m2, &c2);
	} while (more1 && more2 && c1 == c2);
	return !more1 && !more2;
}

/**
 * uki_profile_by_cmdline() - find the profile that a command line stands for
 * @buf: the file
 * @uki: what uki_parse() has made of it, whatever profile is selected
 * @text: the command line, a result of uki_mangle_cmdline()
 * @len: its length
 *
 * systemctl passes the text of the profile that it has chosen, never the number.
 * An empty text, profile 0's and one that two profiles have select nothing.  A
 * .cmdline of more than 4 MiB in the file is not compared, as if it were another
 * text.
 *
 * Each .cmdline is read once, the base's for all profiles that have none.
 *
 * Return: number of the profile, 0 if the text selects none
 */
unsigned int uki_profile_by_cmdline(const void *buf, const struct uki *uki,
				    const char *text, size_t len)
{
	unsigned int first = next_profile(buf, uki, 0);
	struct mangler m = { .text = text, .len = len };
	unsigned int end, n, profile = 0;
	struct uki_section section = { };
	bool same_as_base, same;
	u16 c;

	if (!next_mangled(&m, &c))
		return 0;

	find_section(buf, uki, UKI_CMDLINE, 0, first, &section);
	same_as_base = cmdline_is(buf, &section, text, len);

	for (n = 0; first < uki->pe.nr_sections; n++, first = end) {
		end = next_profile(buf, uki, first + 1);
		same = same_as_base;
		if (find_section(buf, uki, UKI_CMDLINE, first, end, &section))
			same = cmdline_is(buf, &section, text, len);
		if (same && (!n || profile))
			return 0;
		if (same)
			profile = n;
	}
	return profile;
}
EXPORT_SYMBOL_GPL(uki_profile_by_cmdline);

/**
 * uki_utf16le() - convert a command line to what sd-stub hashes
 * @out: room for 2 * (@len + 1) bytes
 * @text: the command line, a result of uki_mangle_cmdline(); of other text, that
 *	  which is not UCS-2 is dropped
 * @len: its length
 *
 * Return: number of bytes written, the two of the final NUL included
 */
size_t uki_utf16le(u8 *out, const char *text, size_t len)
{
	size_t pos = 0, fill = 0;
	u16 c;

	while (next_char(text, len, &pos, &c)) {
		put_unaligned_le16(c, out + fill);
		fill += 2;
	}
	put_unaligned_le16(0, out + fill);
	return fill + 2;
}
EXPORT_SYMBOL_GPL(uki_utf16le);

/**
 * uki_extra_path() - get the file of the initrd that a section goes to
 * @id: the section
 *
 * Return: the path, or NULL if the initrd does not get this section
 */
const char *uki_extra_path(enum uki_section_id id)
{
	/* generate_embedded_initrds() of sd-stub. */
	switch (id) {
	case UKI_PCRSIG:
		return ".extra/tpm2-pcr-signature.json";
	case UKI_PCRPKEY:
		return ".extra/tpm2-pcr-public-key.pem";
	case UKI_OSREL:
		return ".extra/os-release";
	case UKI_PROFILE:
		return ".extra/profile";
	default:
		return NULL;
	}
}
EXPORT_SYMBOL_GPL(uki_extra_path);

/**
 * uki_extra_archive() - write the archive that holds one section
 * @newc: where to; may hold complete archives already
 * @id: the section
 * @data: its content
 *
 * sd-stub makes one archive per section (pack_cpio_literal()).
 *
 * Return: 0 on success, -EINVAL if the initrd does not get this section, -ENOSPC
 *	   if the archive does not fit, -EFBIG if it is too large
 */
int uki_extra_archive(struct uki_newc *newc, enum uki_section_id id,
		      const struct uki_newc_data *data)
{
	const char *path = uki_extra_path(id);
	int ret;

	if (!path)
		return -EINVAL;

	ret = uki_newc_dir(newc, ".extra", 0555);
	if (!ret)
		ret = uki_newc_file(newc, path, 0444, data);
	if (!ret)
		ret = uki_newc_end(newc);
	return ret;
}
EXPORT_SYMBOL_GPL(uki_extra_archive);
