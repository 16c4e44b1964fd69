// SPDX-License-Identifier: GPL-2.0
/*
 * Bounds-checked reading of PE/COFF files
 *
 * Says where the parts of a PE file are and which of its bytes a signature
 * covers.  The file is hostile.  This must never read outside the buffer,
 * return a span that is not inside it, or depend on anything but its bytes.
 *
 * "PE" is Microsoft's "PE Format", "Authenticode" its "Windows Authenticode
 * Portable Executable Signature Format" of 2008, "edk2" the firmware code that
 * hashes images in DxeImageVerificationLib and Tcg2Dxe and loads them in
 * BasePeCoffLib.
 */

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/pe.h>
#include <linux/pefile.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>

/* Number of the certificate table's entry, PE, "Optional Header Data Dirs". */
#define CERT_DIRENT	4

/* Number of the relocations' entry. */
#define RELOC_DIRENT	5

/* EFI_IMAGE_NUMBER_OF_DIRECTORY_ENTRIES of edk2. */
#define MAX_DIRENTS	16

/* What pefile_walk.step counts. */
enum {
	WALK_TO_CSUM,
	WALK_TO_CERT_DIRENT,
	WALK_TO_HEADER_END,
	WALK_SECTIONS,
	WALK_TAIL,
};

/* What the steps of pefile_parse() hand on. */
struct reader {
	const u8 *buf;
	u64 len;
	struct pefile_error *err;
	u64 opt_off;	/* optional header */
	u16 opt_len;	/* SizeOfOptionalHeader */
	u64 dirs_off;	/* data directories */
	u32 nr_dirs;	/* NumberOfRvaAndSizes */
};

/* Where PE32 and PE32+ differ. */
struct opt_layout {
	u32 image_base;
	u32 data_dirs;
	u32 fixed_len;	/* up to the data directories */
};

static const struct opt_layout pe32_layout = {
	.image_base = offsetof(struct pe32_opt_hdr, image_base),
	.data_dirs = offsetof(struct pe32_opt_hdr, data_dirs),
	.fixed_len = sizeof(struct pe32_opt_hdr),
};

static const struct opt_layout pe32plus_layout = {
	.image_base = offsetof(struct pe32plus_opt_hdr, image_base),
	.data_dirs = offsetof(struct pe32plus_opt_hdr, data_dirs),
	.fixed_len = sizeof(struct pe32plus_opt_hdr),
};

/* These are at the same place in both, so one set of offsets serves. */
static_assert(offsetof(struct pe32_opt_hdr, section_align) ==
	      offsetof(struct pe32plus_opt_hdr, section_align));
static_assert(offsetof(struct pe32_opt_hdr, image_size) ==
	      offsetof(struct pe32plus_opt_hdr, image_size));
static_assert(offsetof(struct pe32_opt_hdr, header_size) ==
	      offsetof(struct pe32plus_opt_hdr, header_size));
static_assert(offsetof(struct pe32_opt_hdr, csum) ==
	      offsetof(struct pe32plus_opt_hdr, csum));
static_assert(offsetof(struct pe32_opt_hdr, subsys) ==
	      offsetof(struct pe32plus_opt_hdr, subsys));

static int refuse(const struct reader *r, const char *msg, u64 value, u64 limit)
{
	r->err->msg = msg;
	r->err->value = value;
	r->err->limit = limit;
	return -EBADMSG;
}

/* The one comparison with the end of the file. */
static bool inside(const struct reader *r, u64 off, u64 len)
{
	u64 end;

	return !check_add_overflow(off, len, &end) && end <= r->len;
}

/* Finds the PE signature and reads the COFF header behind it. */
static int read_coff_header(struct reader *r, struct pefile *pe)
{
	const u8 *coff;
	u32 off;

	if (!inside(r, 0, sizeof(struct mz_hdr)) ||
	    get_unaligned_le16(r->buf) != IMAGE_DOS_SIGNATURE)
		return -ENOEXEC;

	off = get_unaligned_le32(r->buf + offsetof(struct mz_hdr, peaddr));
	if (!inside(r, off, sizeof(u32)) ||
	    get_unaligned_le32(r->buf + off) != IMAGE_NT_SIGNATURE)
		return -ENOEXEC;

	if (!inside(r, off, sizeof(struct pe_hdr)))
		return refuse(r, "PE header outside the file", off, r->len);

	coff = r->buf + off;
	pe->machine = get_unaligned_le16(coff + offsetof(struct pe_hdr, machine));
	pe->nr_sections =
		get_unaligned_le16(coff + offsetof(struct pe_hdr, sections));
	r->opt_off = (u64)off + sizeof(struct pe_hdr);
	r->opt_len =
		get_unaligned_le16(coff + offsetof(struct pe_hdr, opt_hdr_size));
	return 0;
}

/*
 * edk2 also refuses a SizeOfOptionalHeader with room behind the data
 * directories.  sd-stub and kexec-tools do not, and where the section table is
 * stays clear, so this does not either.
 */
static int check_optional_header(struct reader *r,
				 const struct opt_layout *layout)
{
	u32 room;

	if (r->opt_len < layout->fixed_len)
		return refuse(r, "optional header too small", r->opt_len,
			      layout->fixed_len);
	if (!inside(r, r->opt_off, r->opt_len))
		return refuse(r, "optional header outside the file",
			      r->opt_off + r->opt_len, r->len);

	r->nr_dirs = get_unaligned_le32(r->buf + r->opt_off + layout->data_dirs);
	r->dirs_off = r->opt_off + layout->fixed_len;
	room = (r->opt_len - layout->fixed_len) / sizeof(struct data_dirent);
	if (r->nr_dirs > room)
		return refuse(r, "data directories outside the optional header",
			      r->nr_dirs, room);
	return 0;
}

/* pefile_has_section() does without, so this is not for read_coff_header(). */
static int check_place(const struct reader *r)
{
	u64 off = r->opt_off - sizeof(struct pe_hdr);

	if (off < sizeof(struct mz_hdr))
		return refuse(r, "PE header inside the DOS header", off,
			      sizeof(struct mz_hdr));
	return 0;
}

static int read_optional_header(struct reader *r, struct pefile *pe)
{
	const u8 *opt = r->buf + r->opt_off;
	const struct opt_layout *layout;
	int err;

	if (!inside(r, r->opt_off, sizeof(u16)))
		return refuse(r, "optional header outside the file",
			      r->opt_off + sizeof(u16), r->len);
	switch (get_unaligned_le16(opt)) {
	case IMAGE_NT_OPTIONAL_HDR32_MAGIC:
		layout = &pe32_layout;
		break;
	case IMAGE_NT_OPTIONAL_HDR64_MAGIC:
		layout = &pe32plus_layout;
		break;
	default:
		return -ENOEXEC;
	}

	err = check_optional_header(r, layout);
	if (err)
		return err;

	pe->image_base = layout == &pe32_layout ?
			 get_unaligned_le32(opt + layout->image_base) :
			 get_unaligned_le64(opt + layout->image_base);
	pe->image_size = get_unaligned_le32(opt +
				offsetof(struct pe32_opt_hdr, image_size));
	pe->header_size = get_unaligned_le32(opt +
				offsetof(struct pe32_opt_hdr, header_size));
	pe->subsystem = get_unaligned_le16(opt +
				offsetof(struct pe32_opt_hdr, subsys));
	return 0;
}

/*
 * The section table follows SizeOfOptionalHeader bytes (PE, "Section Table
 * (Section Headers)"), wherever the data directories end.  It must end within
 * SizeOfHeaders: the hash of the headers, and so the signature, reaches no
 * further.  The same bounds every offset below: SizeOfHeaders has 32 bits.
 */
static int find_section_table(struct reader *r, struct pefile *pe)
{
	u64 off = r->opt_off + r->opt_len;
	u64 end = off + (u64)pe->nr_sections * sizeof(struct section_header);

	if (pe->nr_sections > PEFILE_MAX_SECTIONS)
		return refuse(r, "too many sections", pe->nr_sections,
			      PEFILE_MAX_SECTIONS);
	if (end > pe->header_size)
		return refuse(r, "section table outside the headers", end,
			      pe->header_size);
	if (!inside(r, 0, pe->header_size))
		return refuse(r, "headers outside the file", pe->header_size,
			      r->len);

	pe->sections_off = off;
	pe->csum_off = r->opt_off + offsetof(struct pe32_opt_hdr, csum);
	return 0;
}

/*
 * The certificate table is the one directory entry with a file offset instead
 * of an address (PE, "The Attribute Certificate Table").  A file is signed if
 * its size is not zero; edk2 does not look at the offset to decide that, so
 * there is no size without a proper offset here.
 */
static int find_certs(struct reader *r, struct pefile *pe)
{
	const u8 *dirent;
	u32 off, len;

	if (r->nr_dirs <= CERT_DIRENT)
		return 0;

	pe->cert_dirent_off =
		r->dirs_off + CERT_DIRENT * sizeof(struct data_dirent);
	dirent = r->buf + pe->cert_dirent_off;
	off = get_unaligned_le32(dirent);
	len = get_unaligned_le32(dirent + sizeof(u32));
	if (!len)
		return 0;
	if (off < pe->header_size)
		return refuse(r, "certificate table inside the headers", off,
			      pe->header_size);
	if (!inside(r, off, len))
		return refuse(r, "certificate table outside the file",
			      (u64)off + len, r->len);

	pe->certs.off = off;
	pe->certs.len = len;
	return 0;
}

/*
 * Like edk2, no section may begin inside the headers: nothing that loads the
 * file may see header fields as the content of a section.
 */
static int check_section(const struct reader *r, const struct pefile *pe,
			 const struct pefile_section *section)
{
	const struct pefile_span *raw = &section->raw;
	int err;

	if (!raw->len)
		return 0;
	if (raw->off < pe->header_size)
		err = refuse(r, "section inside the headers", raw->off,
			     pe->header_size);
	else if (!inside(r, raw->off, raw->len))
		err = refuse(r, "section outside the file",
			     raw->off + raw->len, r->len);
	else
		return 0;

	memcpy(r->err->section, section->name, PEFILE_NAME_LEN);
	return err;
}

/*
 * SUM_OF_BYTES_HASHED and the size of the certificate table must not exceed the
 * file, else Authenticode does not say what its last range is.  A file that
 * breaks this has sections that share bytes, or a certificate table inside a
 * section.  edk2 and the kernel's verify_pefile.c as of v7.2 refuse it if
 * SUM_OF_BYTES_HASHED alone is below the file's size, and otherwise accept it
 * and hash no last range; no known tool makes such files, and this refuses all.
 *
 * The sum cannot wrap: PEFILE_MAX_SECTIONS + 2 times 2^32 is below 2^43.
 */
static int check_sections(const struct reader *r, const struct pefile *pe)
{
	u64 hashed = pe->header_size;
	struct pefile_section section;
	unsigned int i;
	int err;

	for (i = 0; i < pe->nr_sections; i++) {
		pefile_get_section(r->buf, pe, i, &section);
		err = check_section(r, pe, &section);
		if (err)
			return err;
		hashed += section.raw.len;
	}
	if (hashed + pe->certs.len > r->len)
		return refuse(r, "headers, sections and certificates larger than the file",
			      hashed + pe->certs.len, r->len);
	return 0;
}

/**
 * pefile_parse() - read and check the headers of a PE file
 * @buf: the file
 * @len: its size
 * @pe: what the headers say, meaningful only if 0 is returned
 * @err: why the file was refused, meaningful only if -EBADMSG is returned; may
 *	 be NULL
 *
 * After this returned 0, each span in @pe, each entry of the section table, its
 * raw bytes, and each span of pefile_next_hashed() lies inside the file.  That
 * holds for the bytes that were read: @buf must not change afterwards.
 *
 * Sections may share raw bytes and may have any order.  Addresses, sizes in
 * memory and names are not judged; that is for whoever loads the file.
 *
 * Return: 0; -ENOEXEC if this is not a PE file (no DOS or PE signature, or an
 * optional header that is neither PE32 nor PE32+); -EBADMSG if it is one and
 * its headers contradict each other or the size of the file.
 */
int pefile_parse(const void *buf, size_t len, struct pefile *pe,
		 struct pefile_error *err)
{
	struct pefile_error unused;
	struct reader r = {
		.buf = buf,
		.len = len,
		.err = err ?: &unused,
	};
	int ret;

	memset(pe, 0, sizeof(*pe));
	memset(r.err, 0, sizeof(*r.err));

	ret = read_coff_header(&r, pe);
	if (!ret)
		ret = check_place(&r);
	if (!ret)
		ret = read_optional_header(&r, pe);
	if (!ret)
		ret = find_section_table(&r, pe);
	if (!ret)
		ret = find_certs(&r, pe);
	if (!ret)
		ret = check_sections(&r, pe);
	return ret;
}
EXPORT_SYMBOL_GPL(pefile_parse);

/*
 * Exactly these directories, 16 at most (PeCoffLoaderGetPeHeader() of edk2), among them
 * that of relocations (verify_pe() of sd-stub), which is inside the image.
 */
static int check_directories(const struct reader *r, const struct pefile *pe,
			     const struct opt_layout *layout)
{
	u32 nr = get_unaligned_le32(r->buf + r->opt_off + layout->data_dirs);
	u64 dirs = r->opt_off + layout->fixed_len;
	u64 end = dirs + (u64)nr * sizeof(struct data_dirent);
	const u8 *reloc = r->buf + dirs +
			  RELOC_DIRENT * sizeof(struct data_dirent);

	if (nr > MAX_DIRENTS)
		return refuse(r, "too many data directories", nr, MAX_DIRENTS);
	if (nr <= RELOC_DIRENT)
		return refuse(r, "too few data directories", nr,
			      RELOC_DIRENT + 1);
	if (end != pe->sections_off)
		return refuse(r, "optional header larger than its directories",
			      pe->sections_off, end);

	end = (u64)get_unaligned_le32(reloc) +
	      get_unaligned_le32(reloc + sizeof(u32));
	if (get_unaligned_le32(reloc + sizeof(u32)) && end > pe->image_size)
		return refuse(r, "relocations end after SizeOfImage", end,
			      pe->image_size);
	return 0;
}

/* PeCoffLoaderLoadImage() of edk2: where VirtualSize is 0, it loads all raw bytes. */
static int check_addresses(const struct reader *r, const struct pefile *pe)
{
	struct pefile_section section;
	unsigned int i;

	for (i = 0; i < pe->nr_sections; i++) {
		u64 end;

		pefile_get_section(r->buf, pe, i, &section);
		end = section.virtual_address +
		      (section.virtual_size ?: section.raw.len);
		if (end <= pe->image_size)
			continue;
		memcpy(r->err->section, section.name, sizeof(section.name));
		return refuse(r, "section ends after SizeOfImage", end,
			      pe->image_size);
	}
	return 0;
}

/**
 * pefile_check_program() - check what firmware asks of a program that it loads
 * @buf: the file
 * @pe: what pefile_parse() has made of it
 * @err: filled on failure
 *
 * For whoever has to know whether LoadImage() takes a file: these are checks that
 * edk2 has beyond those of pefile_parse(), of an application that a 64-bit machine
 * starts.  Linkers write no other files.
 *
 * Return: 0, or -EBADMSG if firmware may refuse the file, or takes it for a driver
 */
int pefile_check_program(const void *buf, const struct pefile *pe,
			 struct pefile_error *err)
{
	const struct reader r = {
		.buf = buf,
		.err = err,
		.opt_off = pe->csum_off - offsetof(struct pe32_opt_hdr, csum),
	};
	const u8 *opt = buf + r.opt_off;
	bool is_plus = get_unaligned_le16(opt) == IMAGE_NT_OPTIONAL_HDR64_MAGIC;
	bool is_i386 = pe->machine == IMAGE_FILE_MACHINE_I386;
	int ret;

	memset(err, 0, sizeof(*err));
	if (is_plus == is_i386)
		return refuse(&r, "optional header of another machine",
			      get_unaligned_le16(opt), pe->machine);
	if (pe->subsystem != IMAGE_SUBSYSTEM_EFI_APPLICATION)
		return refuse(&r, "subsystem is not EFI application",
			      pe->subsystem, IMAGE_SUBSYSTEM_EFI_APPLICATION);
	if (pe->image_size <= pe->header_size)
		return refuse(&r, "SizeOfHeaders reaches SizeOfImage",
			      pe->header_size, pe->image_size);
	if (!get_unaligned_le32(opt + offsetof(struct pe32_opt_hdr,
					       section_align)))
		return refuse(&r, "SectionAlignment is 0", 0, 1);

	ret = check_directories(&r, pe, is_plus ? &pe32plus_layout :
						  &pe32_layout);
	return ret ?: check_addresses(&r, pe);
}
EXPORT_SYMBOL_GPL(pefile_check_program);

/**
 * pefile_get_section() - read an entry of the section table
 * @buf: the file
 * @pe: its headers, from pefile_parse()
 * @idx: number of the entry, below @pe->nr_sections
 * @section: the entry
 */
void pefile_get_section(const void *buf, const struct pefile *pe,
			unsigned int idx, struct pefile_section *section)
{
	const u8 *entry = buf;

	entry += pe->sections_off + idx * sizeof(struct section_header);
	memset(section, 0, sizeof(*section));
	memcpy(section->name, entry + offsetof(struct section_header, name),
	       PEFILE_NAME_LEN);
	section->virtual_size = get_unaligned_le32(entry +
				offsetof(struct section_header, virtual_size));
	section->virtual_address = get_unaligned_le32(entry +
				offsetof(struct section_header, virtual_address));
	section->raw.len = get_unaligned_le32(entry +
				offsetof(struct section_header, raw_data_size));
	/* Without raw bytes the pointer means nothing: do not pass it on. */
	if (section->raw.len)
		section->raw.off = get_unaligned_le32(entry +
				offsetof(struct section_header, data_addr));
}
EXPORT_SYMBOL_GPL(pefile_get_section);

/**
 * pefile_name_is() - compare the name of a section
 * @name: the name as it stands in the file
 * @want: the name looked for, at most PEFILE_NAME_LEN bytes and a NUL
 *
 * What follows the first NUL in @name is ignored, as sd-stub does
 * (pe_section_name_equal() in src/boot/pe.c).
 *
 * Return: whether they are the same name.
 */
bool pefile_name_is(const char name[PEFILE_NAME_LEN], const char *want)
{
	return !strncmp(name, want, PEFILE_NAME_LEN);
}
EXPORT_SYMBOL_GPL(pefile_name_is);

/*
 * The next section with raw bytes by (PointerToRawData, place in the table).
 * Authenticode sorts by the pointer and is silent about ties; edk2's sort keeps
 * the order of the table.  A walk starts at rank (0, 0), which is below every
 * section with raw bytes since none begins inside the headers.
 */
static bool next_section(const void *buf, const struct pefile *pe,
			 struct pefile_walk *walk, struct pefile_span *span)
{
	struct pefile_section section;
	unsigned int i, idx = 0;
	bool found = false;
	u64 off;

	for (i = 0; i < pe->nr_sections; i++) {
		pefile_get_section(buf, pe, i, &section);
		off = section.raw.off;
		if (!section.raw.len || off < walk->rank_off ||
		    (off == walk->rank_off && i <= walk->rank_idx))
			continue;
		if (found && off >= span->off)
			continue;
		*span = section.raw;
		idx = i;
		found = true;
	}
	if (found) {
		walk->rank_off = span->off;
		walk->rank_idx = idx;
	}
	return found;
}

static void set_span(struct pefile_span *span, u64 off, u64 end)
{
	span->off = off;
	span->len = end - off;
}

/**
 * pefile_next_hashed() - the next bytes that an Authenticode digest covers
 * @buf: the file, as pefile_parse() has seen it
 * @len: its size
 * @pe: its headers, from pefile_parse()
 * @walk: all zeros before the first call, not touched between calls
 * @span: the bytes, never of zero length; meaningful only if true is returned
 *
 * Follows "Calculating the PE Image Hash" of Authenticode as edk2 does it: the
 * headers without CheckSum and without the certificate table's entry (if there
 * is one), the raw bytes of the sections in ascending order of
 * PointerToRawData, then from SUM_OF_BYTES_HASHED to the end of the file, less
 * the size of the certificate table.  The last range is what is left where
 * headers, sections, other data and certificates follow each other; else it can
 * cover section bytes again and leave other bytes of the file out.  So only the
 * headers and the raw bytes of sections are sure to be signed.
 *
 * Return: false if there are no more.
 */
bool pefile_next_hashed(const void *buf, size_t len, const struct pefile *pe,
			struct pefile_walk *walk, struct pefile_span *span)
{
	u64 dirent = pe->cert_dirent_off ?: pe->header_size;
	u64 dirent_end = pe->cert_dirent_off ?
			 dirent + sizeof(struct data_dirent) : dirent;

	do {
		switch (walk->step) {
		case WALK_TO_CSUM:
			set_span(span, 0, pe->csum_off);
			break;
		case WALK_TO_CERT_DIRENT:
			set_span(span, pe->csum_off + sizeof(u32), dirent);
			break;
		case WALK_TO_HEADER_END:
			set_span(span, dirent_end, pe->header_size);
			walk->hashed = pe->header_size;
			break;
		case WALK_SECTIONS:
			if (next_section(buf, pe, walk, span)) {
				walk->hashed += span->len;
				return true;
			}
			span->len = 0;
			break;
		case WALK_TAIL:
			/* Not negative, see check_sections(). */
			set_span(span, walk->hashed, len - pe->certs.len);
			break;
		default:
			return false;
		}
		walk->step++;
	} while (!span->len);
	return true;
}
EXPORT_SYMBOL_GPL(pefile_next_hashed);

/**
 * pefile_has_section() - look for a section in a file that may be damaged
 * @buf: the file
 * @len: its size
 * @want: the name looked for, at most PEFILE_NAME_LEN bytes and a NUL
 *
 * This tells a kind of file by a name in as much of its section table as lies in
 * the file, and judges nothing else, so that a damaged file is still of its kind
 * and pefile_parse() can say what is wrong with it.
 *
 * Return: whether a section has this name; false if this is not a PE file.
 */
bool pefile_has_section(const void *buf, size_t len, const char *want)
{
	struct pefile_error unused;
	struct reader r = {
		.buf = buf,
		.len = len,
		.err = &unused,
	};
	struct pefile pe;
	unsigned int i;
	u64 off;

	if (read_coff_header(&r, &pe))
		return false;

	off = r.opt_off + r.opt_len;
	for (i = 0; i < pe.nr_sections; i++) {
		if (!inside(&r, off, sizeof(struct section_header)))
			break;
		if (pefile_name_is((const char *)r.buf + off, want))
			return true;
		off += sizeof(struct section_header);
	}
	return false;
}
EXPORT_SYMBOL_GPL(pefile_has_section);
