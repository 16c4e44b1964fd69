// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target of lib/pefile.c; the input is a PE file
 *
 * Checked: each outcome and each field against a second reader of the headers;
 * headers, sections and certificates inside the file and in the order that the
 * kernel-doc says; the ranges of an Authenticode digest against a list that is
 * made the other way round, none over CheckSum, the certificate table's entry or
 * a certificate table at the end, and all together as long as the file without
 * these; pefile_check_program() and pefile_has_section() against second ones; a
 * reason for each refusal; nothing that depends on what was in the results
 * before; the file unchanged.
 */

#include "fuzz.h"

/* PE, "DOS header" to "Section Table"; sizes of the fixed parts. */
#define DOS_LEN		64
#define COFF_LEN	24
#define ENTRY_LEN	40
#define MAGIC_PE32	0x10b
#define MAGIC_PE32PLUS	0x20b

static u64 fixed_len(const u8 *opt)
{
	return fuzz_le(opt, 2) == MAGIC_PE32PLUS ? 112 : 96;
}

/* Everything before the fields of the optional header. */
static int second_start(const u8 *buf, size_t len, u64 *coff)
{
	u64 magic;

	if (len < DOS_LEN || memcmp(buf, "MZ", 2))
		return -ENOEXEC;
	*coff = fuzz_le(buf + 60, 4);
	if (*coff + 4 > len || memcmp(buf + *coff, "PE\0", 4))
		return -ENOEXEC;
	if (*coff < DOS_LEN || *coff + COFF_LEN + 2 > len)
		return -EBADMSG;
	magic = fuzz_le(buf + *coff + COFF_LEN, 2);
	return magic == MAGIC_PE32 || magic == MAGIC_PE32PLUS ? 0 : -ENOEXEC;
}

static bool second_certs(const u8 *buf, size_t len, u64 dirent,
			 struct pefile *pe)
{
	u64 off = fuzz_le(buf + dirent, 4), size = fuzz_le(buf + dirent + 4, 4);

	pe->cert_dirent_off = dirent;
	if (!size)
		return true;
	pe->certs = (struct pefile_span){ off, size };
	return off >= pe->header_size && off + size <= len;
}

static bool second_sections(const u8 *buf, size_t len, const struct pefile *pe,
			    const u8 **bad)
{
	u64 sum = pe->header_size + pe->certs.len;

	for (unsigned int i = 0; i < pe->nr_sections; i++) {
		const u8 *entry = buf + pe->sections_off + i * ENTRY_LEN;
		u64 size = fuzz_le(entry + 16, 4), off = fuzz_le(entry + 20, 4);

		*bad = entry;
		if (size && (off < pe->header_size || off + size > len))
			return false;
		sum += size;
	}
	*bad = NULL;
	return sum <= len;
}

/* What pefile_parse() has to say, and of which section header. */
static int second_parse(const u8 *buf, size_t len, struct pefile *pe,
			const u8 **bad)
{
	u64 coff, opt_len, fixed, nr_dirs;
	const u8 *opt;
	int ret = second_start(buf, len, &coff);

	*bad = NULL;
	memset(pe, 0, sizeof(*pe));
	if (ret)
		return ret;
	opt = buf + coff + COFF_LEN;
	opt_len = fuzz_le(buf + coff + 20, 2);
	fixed = fixed_len(opt);
	if (opt_len < fixed || coff + COFF_LEN + opt_len > len)
		return -EBADMSG;
	nr_dirs = fuzz_le(opt + fixed - 4, 4);
	if (fixed + 8 * nr_dirs > opt_len)
		return -EBADMSG;

	pe->machine = fuzz_le(buf + coff + 4, 2);
	pe->nr_sections = fuzz_le(buf + coff + 6, 2);
	pe->image_base = fixed == 96 ? fuzz_le(opt + 28, 4) : fuzz_le(opt + 24, 8);
	pe->image_size = fuzz_le(opt + 56, 4);
	pe->header_size = fuzz_le(opt + 60, 4);
	pe->subsystem = fuzz_le(opt + 68, 2);
	pe->csum_off = coff + COFF_LEN + 64;
	pe->sections_off = coff + COFF_LEN + opt_len;
	if (pe->nr_sections > PEFILE_MAX_SECTIONS || pe->header_size > len ||
	    coff + COFF_LEN + opt_len + pe->nr_sections * ENTRY_LEN >
	    pe->header_size)
		return -EBADMSG;
	if (nr_dirs > 4 && !second_certs(buf, len, opt + fixed + 32 - buf, pe))
		return -EBADMSG;
	return second_sections(buf, len, pe, bad) ? 0 : -EBADMSG;
}

static void check_pefile(const u8 *buf, size_t len, const struct pefile *pe)
{
	u64 table_end = pe->sections_off + (u64)pe->nr_sections * ENTRY_LEN;

	MUST(pe->csum_off >= DOS_LEN && pe->csum_off + 4 <= pe->sections_off);
	MUST(table_end <= pe->header_size && pe->header_size <= len);
	MUST(fuzz_inside(len, pe->certs));
	MUST(pe->certs.len ? pe->certs.off >= pe->header_size : !pe->certs.off);
	if (pe->cert_dirent_off) {
		MUST(pe->cert_dirent_off >= pe->csum_off + 4);
		MUST(pe->cert_dirent_off + 8 <= pe->sections_off);
	}

	for (unsigned int i = 0; i < pe->nr_sections; i++) {
		const u8 *entry = buf + pe->sections_off + i * ENTRY_LEN;
		struct pefile_section section, again;

		fuzz_poison(&section, &again, sizeof(section));
		pefile_get_section(buf, pe, i, &section);
		pefile_get_section(buf, pe, i, &again);
		MUST(!memcmp(&section, &again, sizeof(section)));
		MUST(!memcmp(section.name, entry, sizeof(section.name)));
		MUST(section.virtual_size == fuzz_le(entry + 8, 4));
		MUST(section.virtual_address == fuzz_le(entry + 12, 4));
		MUST(section.raw.len == fuzz_le(entry + 16, 4));
		MUST(section.raw.off ==
		     (section.raw.len ? fuzz_le(entry + 20, 4) : 0));
		MUST(fuzz_inside(len, section.raw));
	}
}

/* Keeps the order of the table where two sections begin at the same place. */
static void insert(struct pefile_span *sections, size_t nr,
		   struct pefile_span section)
{
	while (nr && sections[nr - 1].off > section.off) {
		sections[nr] = sections[nr - 1];
		nr--;
	}
	sections[nr] = section;
}

/* The ranges in the order of Authenticode. */
static size_t second_ranges(const u8 *buf, size_t len, const struct pefile *pe,
			    struct pefile_span *ranges)
{
	u64 hole = pe->cert_dirent_off ?: pe->header_size, hashed;
	struct pefile_span *sections = ranges + 3;
	size_t nr = 0, out = 0;

	ranges[0] = (struct pefile_span){ 0, pe->csum_off };
	ranges[1] = (struct pefile_span){ pe->csum_off + 4,
					  hole - pe->csum_off - 4 };
	hole += pe->cert_dirent_off ? 8 : 0;
	ranges[2] = (struct pefile_span){ hole, pe->header_size - hole };
	hashed = pe->header_size;
	for (unsigned int i = 0; i < pe->nr_sections; i++) {
		const u8 *entry = buf + pe->sections_off + i * ENTRY_LEN;
		struct pefile_span section = { fuzz_le(entry + 20, 4),
					       fuzz_le(entry + 16, 4) };

		hashed += section.len;
		if (section.len)
			insert(sections, nr++, section);
	}
	sections[nr] = (struct pefile_span){ hashed,
					     len - pe->certs.len - hashed };
	for (size_t i = 0; i < nr + 4; i++)
		if (ranges[i].len)
			ranges[out++] = ranges[i];
	return out;
}

static bool overlap(const struct pefile_span *span, u64 off, u64 len)
{
	return span->off < off + len && off < span->off + span->len;
}

static void check_ranges(const u8 *buf, size_t len, const struct pefile *pe)
{
	u64 skipped = 4 + (pe->cert_dirent_off ? 8 : 0) + pe->certs.len;
	struct pefile_span span, *want;
	struct pefile_walk walk = { };
	size_t nr, n = 0;
	u64 sum = 0;

	want = fuzz_room((pe->nr_sections + 4) * sizeof(*want));
	nr = second_ranges(buf, len, pe, want);
	while (pefile_next_hashed(buf, len, pe, &walk, &span)) {
		MUST(n < nr && span.len && fuzz_inside(len, span));
		MUST(span.off == want[n].off && span.len == want[n].len);
		MUST(!overlap(&span, pe->csum_off, 4));
		MUST(!pe->cert_dirent_off ||
		     !overlap(&span, pe->cert_dirent_off, 8));
		sum += span.len;
		n++;
	}
	MUST(n == nr && sum == len - skipped);
	MUST(!pefile_next_hashed(buf, len, pe, &walk, &span));
	/* The last range leaves out the end of the file. */
	if (pe->certs.len && pe->certs.off + pe->certs.len == len)
		MUST(want[nr - 1].off + want[nr - 1].len <= len);
	if (pe->certs.len && pe->certs.off + pe->certs.len == len &&
	    walk.hashed < len - pe->certs.len)
		MUST(want[nr - 1].off + want[nr - 1].len == pe->certs.off);
	free(want);
}

/* Rules of edk2's BasePeCoffLib for an application, as one condition. */
static bool second_program(const u8 *buf, const struct pefile *pe, const u8 **bad)
{
	const u8 *opt = buf + pe->csum_off - 64, *reloc;
	u64 fixed = fixed_len(opt), nr_dirs = fuzz_le(opt + fixed - 4, 4);
	bool is_i386 = pe->machine == 0x14c;

	*bad = NULL;
	if (fixed != (is_i386 ? 96 : 112) || pe->subsystem != 10 ||
	    pe->image_size <= pe->header_size || !fuzz_le(opt + 32, 4) ||
	    nr_dirs < 6 || nr_dirs > 16 ||
	    opt - buf + fixed + 8 * nr_dirs != pe->sections_off)
		return false;
	reloc = opt + fixed + 40;
	if (fuzz_le(reloc + 4, 4) &&
	    fuzz_le(reloc, 4) + fuzz_le(reloc + 4, 4) > pe->image_size)
		return false;
	for (unsigned int i = 0; i < pe->nr_sections; i++) {
		const u8 *entry = buf + pe->sections_off + i * ENTRY_LEN;
		u64 size = fuzz_le(entry + 8, 4) ?: fuzz_le(entry + 16, 4);

		*bad = entry;
		if (fuzz_le(entry + 12, 4) + size > pe->image_size)
			return false;
	}
	return true;
}

static void check_program(const u8 *buf, const struct pefile *pe)
{
	struct pefile_error err, again;
	const u8 *bad;
	int ret;

	fuzz_poison(&err, &again, sizeof(err));
	ret = pefile_check_program(buf, pe, &err);
	MUST(ret == pefile_check_program(buf, pe, &again));
	MUST(ret == (second_program(buf, pe, &bad) ? 0 : -EBADMSG));
	if (!ret)
		return;
	fuzz_check_error(&err, &again);
	fuzz_check_section(&err, bad);
}

/* As much of the table as there is, whatever else is wrong. */
static bool second_has(const u8 *buf, size_t len, const char *want)
{
	char padded[PEFILE_NAME_LEN + 1] = "";
	u64 coff, entry, nr;

	if (len < DOS_LEN || memcmp(buf, "MZ", 2))
		return false;
	coff = fuzz_le(buf + 60, 4);
	if (coff + COFF_LEN > len || memcmp(buf + coff, "PE\0", 4))
		return false;
	nr = fuzz_le(buf + coff + 6, 2);
	entry = coff + COFF_LEN + fuzz_le(buf + coff + 20, 2);
	for (; nr && entry + ENTRY_LEN <= len; nr--, entry += ENTRY_LEN) {
		memcpy(padded, buf + entry, PEFILE_NAME_LEN);
		if (!strcmp(padded, want))
			return true;
	}
	return false;
}

static void check_names(const u8 *buf, size_t len)
{
	static const char *const names[] = { ".linux", ".text", ".pcrpkey", "" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		MUST(pefile_has_section(buf, len, names[i]) ==
		     second_has(buf, len, names[i]));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct pefile_error err, err_again;
	struct pefile pe, again, want;
	u8 *buf = fuzz_copy(data, len);
	const u8 *bad;
	int ret;

	fuzz_poison(&pe, &again, sizeof(pe));
	fuzz_poison(&err, &err_again, sizeof(err));
	ret = pefile_parse(buf, len, &pe, &err);
	MUST(ret == pefile_parse(buf, len, &again, &err_again));
	MUST(ret == second_parse(buf, len, &want, &bad));
	if (ret == -EBADMSG) {
		fuzz_check_error(&err, &err_again);
		fuzz_check_section(&err, bad);
	}
	if (!ret) {
		MUST(!memcmp(&pe, &again, sizeof(pe)));
		MUST(!memcmp(&pe, &want, sizeof(pe)));
		check_pefile(buf, len, &pe);
		check_ranges(buf, len, &pe);
		check_program(buf, &pe);
	}
	MUST(pefile_parse(buf, len, &again, NULL) == ret);
	check_names(buf, len);
	MUST(!len || !memcmp(buf, data, len));
	free(buf);
	return 0;
}
