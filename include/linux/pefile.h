/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bounds-checked reading of PE/COFF files
 *
 * A buffer in, a table of numbers out.  Nothing here allocates, logs or keeps
 * state, and nothing that it returns points into the file, so that what is
 * verified and what is loaded can be read by the same code, in the kernel and
 * in user space.
 */

#ifndef _LINUX_PEFILE_H
#define _LINUX_PEFILE_H

#include <linux/types.h>

#define PEFILE_NAME_LEN		8

/*
 * A unified kernel image with a devicetree for every board of a vendor has some
 * hundred sections.  The bound keeps the search for the next range to hash,
 * which is quadratic, below PEFILE_MAX_SECTIONS^2 = 1M steps.
 */
#define PEFILE_MAX_SECTIONS	1024

/**
 * struct pefile_span - bytes of a file
 * @off: offset from the start of the file
 * @len: number of bytes
 */
struct pefile_span {
	u64 off;
	u64 len;
};

/**
 * struct pefile_error - why a file was refused
 * @msg: what is wrong, a constant string without a newline
 * @section: name of the section concerned as it stands in the file (hostile, not
 *	     terminated), all zeros if it is not about a section
 * @value: the value found
 * @limit: the limit that it breaks
 */
struct pefile_error {
	const char *msg;
	char section[PEFILE_NAME_LEN];
	u64 value;
	u64 limit;
};

/**
 * struct pefile_section - one entry of the section table
 * @name: as it stands in the file: not terminated if it has eight bytes
 * @virtual_address: where the loaded image has it
 * @virtual_size: number of bytes of it in the loaded image
 * @raw: its bytes in the file (SizeOfRawData at PointerToRawData), checked to lie
 *	 behind the headers and inside the file; all zero where SizeOfRawData is
 */
struct pefile_section {
	char name[PEFILE_NAME_LEN];
	u32 virtual_address;
	u32 virtual_size;
	struct pefile_span raw;
};

/**
 * struct pefile - what the headers of a PE file say
 * @machine: IMAGE_FILE_MACHINE_*
 * @subsystem: IMAGE_SUBSYSTEM_*
 * @nr_sections: entries of the section table, 0 to PEFILE_MAX_SECTIONS
 * @image_size: SizeOfImage
 * @image_base: ImageBase
 * @header_size: SizeOfHeaders; the section table ends at or before it
 * @csum_off: file offset of the 4-byte CheckSum field
 * @cert_dirent_off: file offset of the 8-byte data directory entry of the
 *		     certificate table, 0 if the file has too few entries
 * @sections_off: file offset of the section table
 * @certs: the certificate table, zero length if the file is not signed
 */
struct pefile {
	u16 machine;
	u16 subsystem;
	u16 nr_sections;
	u32 image_size;
	u64 image_base;
	u32 header_size;
	u32 csum_off;
	u32 cert_dirent_off;
	u32 sections_off;
	struct pefile_span certs;
};

/**
 * struct pefile_walk - position of pefile_next_hashed(); start with all zeros
 * @step: which part of the file comes next
 * @rank_off: PointerToRawData of the section returned last
 * @rank_idx: index of the section returned last
 * @hashed: SUM_OF_BYTES_HASHED of the Authenticode specification
 */
struct pefile_walk {
	unsigned int step;
	u64 rank_off;
	unsigned int rank_idx;
	u64 hashed;
};

int pefile_parse(const void *buf, size_t len, struct pefile *pe,
		 struct pefile_error *err);
int pefile_check_program(const void *buf, const struct pefile *pe,
			 struct pefile_error *err);
void pefile_get_section(const void *buf, const struct pefile *pe,
			unsigned int idx, struct pefile_section *section);
bool pefile_name_is(const char name[PEFILE_NAME_LEN], const char *want);
bool pefile_next_hashed(const void *buf, size_t len, const struct pefile *pe,
			struct pefile_walk *walk, struct pefile_span *span);
bool pefile_has_section(const void *buf, size_t len, const char *want);

#endif /* _LINUX_PEFILE_H */
