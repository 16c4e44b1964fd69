/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unified kernel images (UKI): which sections there are and what they mean
 *
 * The rules are those of systemd-stub v262 ("sd-stub"), which is what boots a UKI
 * from firmware, and of the UAPI group's specification where sd-stub follows it.
 * Pure like pefile: a buffer in, spans and text out.
 */

#ifndef _LINUX_UKI_H
#define _LINUX_UKI_H

#include <linux/pefile.h>
#include <linux/types.h>
#include <linux/uki_newc.h>

/**
 * enum uki_section_id - the sections that a UKI can have
 *
 * In the order of enum UnifiedSection in systemd's src/fundamental/uki.h, which is
 * the order of measurement.  (The specification prints another one; nobody
 * follows it.)
 *
 * @UKI_LINUX: the kernel; without it a file is no UKI
 * @UKI_OSREL: os-release of the system
 * @UKI_CMDLINE: command line
 * @UKI_INITRD: initrd
 * @UKI_UCODE: microcode, an initrd that comes first
 * @UKI_SPLASH: picture shown while booting
 * @UKI_DTB: devicetree
 * @UKI_UNAME: version of the kernel
 * @UKI_SBAT: generation numbers for revocation
 * @UKI_PCRSIG: signatures of the expected PCR 11; the only one not measured
 * @UKI_PCRPKEY: public key of these signatures
 * @UKI_PROFILE: name of a profile, which begins here
 * @UKI_DTBAUTO: devicetree for one kind of machine
 * @UKI_HWIDS: how to tell the kinds of machine apart
 * @UKI_EFIFW: firmware for one kind of machine
 * @UKI_NR_SECTIONS: how many there are
 */
enum uki_section_id {
	UKI_LINUX,
	UKI_OSREL,
	UKI_CMDLINE,
	UKI_INITRD,
	UKI_UCODE,
	UKI_SPLASH,
	UKI_DTB,
	UKI_UNAME,
	UKI_SBAT,
	UKI_PCRSIG,
	UKI_PCRPKEY,
	UKI_PROFILE,
	UKI_DTBAUTO,
	UKI_HWIDS,
	UKI_EFIFW,
	UKI_NR_SECTIONS
};

/* uki_hash() of systemd's src/shared/pe-binary.c: 64 MiB of zeros at most. */
#define UKI_MAX_ZERO_FILL	(64ULL << 20)

/*
 * Text sections of more than 4 MiB are refused by systemd, too
 * (PE_SECTION_SIZE_MAX in src/shared/pe-binary.h).  No kernel takes a command line
 * that is anywhere near.
 */
#define UKI_TEXT_MAX		(4UL << 20)

/**
 * struct uki_section - a section of the selected profile
 * @data: its bytes in the file: the first min(SizeOfRawData, VirtualSize)
 * @size: its size, VirtualSize; what @data lacks of it is zeros, at most
 *	  UKI_MAX_ZERO_FILL bytes.  0 if the UKI has no such section.
 */
struct uki_section {
	struct pefile_span data;
	u64 size;
};

/**
 * struct uki - a UKI with one profile selected
 * @pe: its headers
 * @profile: the selected profile
 * @nr_profiles: number of .profile sections
 * @sections: the selected profile's sections merged over the base's
 */
struct uki {
	struct pefile pe;
	unsigned int profile;
	unsigned int nr_profiles;
	struct uki_section sections[UKI_NR_SECTIONS];
};

bool uki_recognise(const void *buf, size_t len);
int uki_parse(const void *buf, size_t len, unsigned int profile,
	      struct uki *uki, struct pefile_error *err);
int uki_select_profile(const void *buf, unsigned int profile, struct uki *uki,
		       struct pefile_error *err);
unsigned int uki_profile_by_cmdline(const void *buf, const struct uki *uki,
				    const char *text, size_t len);
int uki_parse_addon(const void *buf, size_t len, struct uki *addon,
		    struct pefile_error *err);
bool uki_addon_fits(const struct uki_newc_data *uki_uname,
		    const struct uki_newc_data *addon_uname);
const char *uki_section_name(enum uki_section_id id);
bool uki_section_measured(enum uki_section_id id);

size_t uki_profile_selector(const char *text, size_t len, unsigned int *profile);
size_t uki_mangle_cmdline(char *out, const char *text, size_t len);
size_t uki_utf16le(u8 *out, const char *text, size_t len);

const char *uki_extra_path(enum uki_section_id id);
int uki_extra_archive(struct uki_newc *newc, enum uki_section_id id,
		      const struct uki_newc_data *data);

#endif /* _LINUX_UKI_H */
