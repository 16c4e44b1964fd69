// SPDX-License-Identifier: GPL-2.0
/*
 * Records of a log in plain words
 *
 * What a record says of itself proves nothing; only its digests get into the TPM.
 * Where the digest is that of the text, it is checked, and text that is not what
 * was measured must never be shown without saying so.
 */

#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/unaligned.h>

#include "hash.h"
#include "text.h"
#include "words.h"

/* TCG PC Client Platform Firmware Profile 1.06, 10.4.1 */
#define EV_SEPARATOR				0x00000004
#define EV_IPL					0x0000000d
#define EV_EFI_VARIABLE_DRIVER_CONFIG		0x80000001
#define EV_EFI_VARIABLE_BOOT			0x80000002
#define EV_EFI_BOOT_SERVICES_APPLICATION	0x80000003
#define EV_EFI_BOOT_SERVICES_DRIVER		0x80000004
#define EV_EFI_RUNTIME_SERVICES_DRIVER		0x80000005
#define EV_EFI_VARIABLE_BOOT2			0x8000000c
#define EV_EFI_VARIABLE_AUTHORITY		0x800000e0

static const struct {
	u32 type;
	const char *name;
} types[] = {
	{ 0x00000000, "EV_PREBOOT_CERT" },
	{ 0x00000001, "EV_POST_CODE" },
	{ TCG2_EV_NO_ACTION, "EV_NO_ACTION" },
	{ EV_SEPARATOR, "EV_SEPARATOR" },
	{ 0x00000005, "EV_ACTION" },
	{ TCG2_EV_EVENT_TAG, "EV_EVENT_TAG" },
	{ 0x00000007, "EV_S_CRTM_CONTENTS" },
	{ 0x00000008, "EV_S_CRTM_VERSION" },
	{ 0x00000009, "EV_CPU_MICROCODE" },
	{ 0x0000000a, "EV_PLATFORM_CONFIG_FLAGS" },
	{ 0x0000000b, "EV_TABLE_OF_DEVICES" },
	{ 0x0000000c, "EV_COMPACT_HASH" },
	{ EV_IPL, "EV_IPL" },
	{ 0x0000000e, "EV_IPL_PARTITION_DATA" },
	{ 0x0000000f, "EV_NONHOST_CODE" },
	{ 0x00000010, "EV_NONHOST_CONFIG" },
	{ 0x00000011, "EV_NONHOST_INFO" },
	{ 0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS" },
	{ 0x00000013, "EV_POST_CODE2" },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, "EV_EFI_VARIABLE_DRIVER_CONFIG" },
	{ EV_EFI_VARIABLE_BOOT, "EV_EFI_VARIABLE_BOOT" },
	{ EV_EFI_BOOT_SERVICES_APPLICATION, "EV_EFI_BOOT_SERVICES_APPLICATION" },
	{ EV_EFI_BOOT_SERVICES_DRIVER, "EV_EFI_BOOT_SERVICES_DRIVER" },
	{ EV_EFI_RUNTIME_SERVICES_DRIVER, "EV_EFI_RUNTIME_SERVICES_DRIVER" },
	{ 0x80000006, "EV_EFI_GPT_EVENT" },
	{ 0x80000007, "EV_EFI_ACTION" },
	{ 0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB" },
	{ 0x80000009, "EV_EFI_HANDOFF_TABLES" },
	{ 0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2" },
	{ 0x8000000b, "EV_EFI_HANDOFF_TABLES2" },
	{ EV_EFI_VARIABLE_BOOT2, "EV_EFI_VARIABLE_BOOT2" },
	{ 0x8000000d, "EV_EFI_GPT_EVENT2" },
	{ 0x80000010, "EV_EFI_HCRTM_EVENT" },
	{ EV_EFI_VARIABLE_AUTHORITY, "EV_EFI_VARIABLE_AUTHORITY" },
	{ 0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB" },
	{ 0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG" },
};

/*
 * Tags.  LOAD_OPTIONS and INITRD are those of the kernel's EFI stub (efistub.h), the
 * others with no name of ours those of systemd-stub (tpm2-pcr.h).
 */
static const struct {
	u32 tag;
	const char *text;
	bool hashed;		/* the data is what was hashed */
} tags[] = {
	{ TCG2_TAG_KEXEC_INITRD, "initrd that was passed to kexec", false },
	{ TCG2_TAG_KEXEC_FILE, "kernel that is no PE file", false },
	{ TCG2_TAG_KEXEC_LOAD, "kernel of kexec_load(), nobody knows which", true },
	{ 0x8f3b22ed, "command line of the kernel", false },
	{ 0x8f3b22ec, "initrd of the kernel", false },
	{ 0x13aed6db, "profile of the UKI", true },
	{ 0xf5bc582a, "loader.conf", false },
	{ 0x6c46f751, "devicetree addon", false },
	{ 0xdac08e1a, "microcode addon", false },
	{ 0x49dffe0f, "initrd addon", false },
	{ 0xd5cb7cbc, "SMBIOS type 1", false },
	{ 0xe0d47bc8, "SMBIOS type 2", false },
	{ 0xc0b3bd23, "SMBIOS type 11", false },
};

/*
 * Words that systemd extends, without a NUL (systemd-pcrphase, systemd-pcrextend);
 * the record has only the digest.
 */
#define OS_SEPARATOR	"os-separator"

static const char * const known_words[] = {
	OS_SEPARATOR, "nvpcr-separator", "enter-initrd", "leave-initrd", "sysinit",
	"ready", "shutdown", "final", "storage-target-mode-start",
	"storage-target-mode-stop", "factory-reset",
};

void words_type(FILE *out, u32 type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].type == type) {
			fputs(types[i].name, out);
			return;
		}
	}
	fprintf(out, "type %#x", type);
}

/*
 * Whether all digests of the record are those of @data, as far as they can be
 * computed, and at least one can.  Zeros stand for a bank that is not active.
 */
bool words_hashed(const struct words *words, const struct tcg2_log_record *record,
		  const void *data, size_t len)
{
	static const u8 zeros[TCG2_LOG_MAX_DIGEST];
	const struct tcg2_log_alg *alg = words->head->algs;
	unsigned int i, equal = 0;
	u8 digest[HASH_MAX];
	const u8 *found;

	for (i = 0; i < words->head->nr_algs; i++, alg++) {
		found = tcg2_log_find_digest(words->log, words->head, record,
					     alg->id);
		if (!found || hash_size(alg->id) != alg->size ||
		    !memcmp(found, zeros, alg->size) ||
		    !hash_two(alg->id, data, len, "", 0, digest))
			continue;
		if (memcmp(digest, found, alg->size))
			return false;
		equal++;
	}
	return equal;
}

static void check_text(FILE *out, const struct words *words,
		       const struct tcg2_log_record *record, const void *data,
		       size_t len)
{
	if (!words_hashed(words, record, data, len))
		fputs(" - THIS TEXT IS NOT WHAT WAS MEASURED", out);
}

static bool read_tag(const struct words *words,
		     const struct tcg2_log_record *record, u32 *tag,
		     const u8 **data, u32 *len)
{
	size_t at;

	if (!tcg2_log_read_tag(words->log, record, tag, &at, len))
		return false;
	*data = words->log + at;
	return true;
}

/* Whether the record is the marker of a kexec */
bool words_is_kexec(const struct words *words,
		    const struct tcg2_log_record *record)
{
	const u8 *data;
	u32 tag, len;

	return record->pcr == 4 && read_tag(words, record, &tag, &data, &len) &&
	       tag == TCG2_TAG_KEXEC;
}

/* Whether user space has extended the word that ends what firmware vouches for */
bool words_is_os_separator(const struct words *words,
			   const struct tcg2_log_record *record)
{
	const u8 *data;
	u32 tag, len;

	return read_tag(words, record, &tag, &data, &len) &&
	       tag == TCG2_TAG_EXTEND &&
	       words_hashed(words, record, OS_SEPARATOR, strlen(OS_SEPARATOR));
}

static void print_marker(FILE *out, struct words *words,
			 const struct tcg2_log_record *record, const u8 *data,
			 u32 len)
{
	char expected[32];
	int n;

	if (record->pcr != 4) {
		fputs("tag of a kexec's marker in another PCR than 4", out);
		return;
	}
	words->kexecs++;
	n = snprintf(expected, sizeof(expected), "kexec:%u", words->kexecs) + 1;
	if (len == (u32)n && !memcmp(data, expected, n)) {
		fprintf(out, "kexec number %u", words->kexecs);
	} else {
		fputs("kexec that calls itself ", out);
		text_ascii(out, data, len);
		fprintf(out, " and should be number %u", words->kexecs);
	}
	check_text(out, words, record, data, len);
}

static void print_extend(FILE *out, const struct words *words,
			 const struct tcg2_log_record *record, const u8 *data,
			 u32 len)
{
	unsigned int i;

	fputs("extended by ", out);
	if (len == 4 && !memcmp(data, "user", 4))
		fputs("user space", out);
	else if (len == 6 && !memcmp(data, "kernel", 6))
		fputs("the kernel", out);
	else
		text_ascii(out, data, len);

	for (i = 0; i < ARRAY_SIZE(known_words); i++)
		if (words_hashed(words, record, known_words[i],
				 strlen(known_words[i])))
			fprintf(out, " with the word \"%s\"", known_words[i]);
}

static void print_tagged(FILE *out, struct words *words,
			 const struct tcg2_log_record *record)
{
	unsigned int i;
	const u8 *data;
	u32 tag, len;

	if (!read_tag(words, record, &tag, &data, &len)) {
		fprintf(out, "tagged event that is damaged, %u bytes",
			record->data_len);
		return;
	}
	if (tag == TCG2_TAG_KEXEC) {
		print_marker(out, words, record, data, len);
		return;
	}
	if (tag == TCG2_TAG_EXTEND) {
		print_extend(out, words, record, data, len);
		return;
	}

	for (i = 0; i < ARRAY_SIZE(tags); i++)
		if (tags[i].tag == tag)
			break;
	if (i == ARRAY_SIZE(tags))
		fprintf(out, "tag %#x", tag);
	else
		fputs(tags[i].text, out);
	fputs(": ", out);
	text_guess(out, data, len);
	if (i < ARRAY_SIZE(tags) && tags[i].hashed)
		check_text(out, words, record, data, len);
}

/*
 * systemd-stub measures a section by two events with the same data, first its name
 * with NUL, then its content (measure_sections() in stub.c).
 */
static void print_section(FILE *out, const struct words *words,
			  const struct tcg2_log_record *record, const u8 *data)
{
	char name[16];
	size_t i, len = record->data_len / 2;

	for (i = 0; i < len && i < sizeof(name); i++)
		name[i] = get_unaligned_le16(data + 2 * i);
	fputs(i == len && words_hashed(words, record, name, len) ?
	      "name of section " : "content of section ", out);
	text_utf16(out, data, record->data_len);
}

static void print_ipl(FILE *out, const struct words *words,
		      const struct tcg2_log_record *record, const u8 *data)
{
	u32 len = record->data_len;

	if (record->pcr == 11 && len > 2 && get_unaligned_le16(data) == '.') {
		print_section(out, words, record, data);
		return;
	}
	if (record->pcr == 12 && words_hashed(words, record, data, len)) {
		fputs("command line ", out);
		text_utf16(out, data, len);
		return;
	}
	fputs("boot loader: ", out);
	text_guess(out, data, len);
}

/* UEFI_VARIABLE_DATA, 10.2.6: GUID, 64-bit lengths of name and data, name */
static void print_variable(FILE *out, const u8 *data, u32 len)
{
	u64 chars = len >= 32 ? get_unaligned_le64(data + 16) : 0;

	fputs("EFI variable ", out);
	if (len >= 32 && chars <= (len - 32) / 2)
		text_utf16(out, data + 32, chars * 2);
	else
		fprintf(out, "that is damaged, %u bytes", len);
}

/* The text of media file paths in a device path, UEFI 2.10, 10.3.5.4 */
static void print_path(FILE *out, const u8 *path, u64 len)
{
	u16 size;

	for (; len >= 4; path += size, len -= size) {
		size = get_unaligned_le16(path + 2);
		if (size < 4 || size > len)
			return;
		if (path[0] == 4 && path[1] == 4) {
			fputc(' ', out);
			text_utf16(out, path + 4, size - 4);
		}
	}
}

/* UEFI_IMAGE_LOAD_EVENT, 10.2.3: address, length, link address, path length, path */
static void print_image(FILE *out, const u8 *data, u32 len)
{
	u64 path_len = len >= 32 ? get_unaligned_le64(data + 24) : 0;

	if (len < 32 || path_len > len - 32) {
		fprintf(out, "program, record is damaged, %u bytes", len);
		return;
	}
	fputs("Authenticode digest of the program", out);
	print_path(out, data + 32, path_len);
	fprintf(out, ", %llu bytes",
		(unsigned long long)get_unaligned_le64(data + 8));
}

static void print_note(FILE *out, const struct tcg2_note *note)
{
	char name[HASH_NAME_MAX];
	unsigned int i;

	switch (note->kind) {
	case TCG2_NOTE_PARTIAL:
		fprintf(out, "note: PCR %u was extended in these banks only:",
			note->pcr);
		break;
	case TCG2_NOTE_FULL:
		fprintf(out, "note: the share of PCR %u is full, it is recorded no further",
			note->pcr);
		break;
	case TCG2_NOTE_NO_BANK:
		fputs("note: active banks that this log does not explain:", out);
		break;
	case TCG2_NOTE_UNKNOWN:
		fprintf(out, "note: PCR %u has changed, nobody knows by what",
			note->pcr);
		break;
	}
	for (i = 0; i < note->nr; i++)
		fprintf(out, " %s", hash_name(note->digests[i].alg, name));
}

static void print_no_action(FILE *out, const u8 *data, u32 len)
{
	struct tcg2_note note;

	if (!tcg2_note_read(data, len, &note)) {
		print_note(out, &note);
	} else if (len >= 17 && !memcmp(data, "StartupLocality", 16)) {
		fprintf(out, "the TPM was started by locality %u", data[16]);
	} else {
		fputs("no action: ", out);
		if (len >= 16)
			text_ascii(out, data, strnlen((const char *)data, 16));
		fprintf(out, " %u bytes", len);
	}
}

static void print_separator(FILE *out, const u8 *data, u32 len)
{
	u32 value = len == 4 ? get_unaligned_le32(data) : 1;

	fputs(value && value != 0xffffffff ? "separator after an error: " :
					     "separator: ", out);
	text_guess(out, data, len);
}

/* What the record is, without a line feed.  Markers are counted. */
void words_print(FILE *out, struct words *words,
		 const struct tcg2_log_record *record)
{
	const u8 *data = words->log + record->data;
	u32 len = record->data_len;

	switch (record->type) {
	case TCG2_EV_NO_ACTION:
		print_no_action(out, data, len);
		break;
	case EV_SEPARATOR:
		print_separator(out, data, len);
		break;
	case TCG2_EV_EVENT_TAG:
		print_tagged(out, words, record);
		break;
	case EV_IPL:
		print_ipl(out, words, record, data);
		break;
	case EV_EFI_VARIABLE_DRIVER_CONFIG:
	case EV_EFI_VARIABLE_BOOT:
	case EV_EFI_VARIABLE_BOOT2:
	case EV_EFI_VARIABLE_AUTHORITY:
		print_variable(out, data, len);
		break;
	case EV_EFI_BOOT_SERVICES_APPLICATION:
	case EV_EFI_BOOT_SERVICES_DRIVER:
	case EV_EFI_RUNTIME_SERVICES_DRIVER:
		print_image(out, data, len);
		break;
	default:
		text_guess(out, data, len);
		break;
	}
}
