// SPDX-License-Identifier: GPL-2.0
/*
 * SBAT of what kexec_file_load() loads
 *
 * shim refuses to start a PE file whose .sbat is older than its revocation level, and
 * leaves the level to the kernel, as the volatile variable SbatLevelRT and in a
 * configuration table.  A kexec must not be the way around it, so this compares files
 * with the same level, where signatures are enforced.
 *
 * Without a level nothing may be refused: then shim has not booted this machine.  With
 * a level that cannot be read or understood, everything must be.
 *
 * Documentation/admin-guide/kexec-uki.rst
 */

#define pr_fmt(fmt) "kexec_file: " fmt

#include <kunit/static_stub.h>
#include <linux/efi.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kexec.h>
#include <linux/pefile.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uki_sbat.h>

#include "kexec_internal.h"
#include "kexec_sbat.h"

/* A name goes before the reason: it must not take all of the line. */
#define MAX_SHOWN	80

/**
 * struct level - the revocation level of the system
 * @text: its text, NULL if there is no level
 * @len: its length
 * @copy: @text if it was allocated here
 */
struct level {
	const void *text;
	size_t len;
	void *copy;
};

enum verdict {
	ACCEPTED,
	REVOKED,
	MISSING,
	BAD_TEXT,
	BAD_FILE,
	UNREADABLE,
};

/**
 * struct finding - why a file is refused
 * @verdict: which of the others is meant
 * @result: of REVOKED and BAD_TEXT
 * @why: of BAD_FILE
 * @status: of UNREADABLE
 */
struct finding {
	enum verdict verdict;
	struct uki_sbat_result result;
	struct pefile_error why;
	efi_status_t status;
};

/*
 * shim's configuration table has the level, too, and needs no runtime services.
 * load_moklist_certs() also looks there first.
 */
const struct efi_mokvar_table_entry *kexec_sbat_get_entry(void)
{
	KUNIT_STATIC_STUB_REDIRECT(kexec_sbat_get_entry);
	return efi_mokvar_entry_find("SbatLevelRT");
}
EXPORT_SYMBOL_FOR_MODULES(kexec_sbat_get_entry, "kexec_sbat_kunit");

/*
 * Attributes are not asked for: shim's variable is volatile, and cannot be changed
 * after boot services.  Where there is none root can make one that is not, which
 * revokes something and does nothing else.
 */
efi_status_t kexec_sbat_get_variable(unsigned long *size, void *data)
{
	efi_guid_t guid = EFI_SHIM_LOCK_GUID;

	KUNIT_STATIC_STUB_REDIRECT(kexec_sbat_get_variable, size, data);
	if (!efi_enabled(EFI_BOOT))
		return EFI_NOT_FOUND;
	if (efi_rt_services_supported(EFI_RT_SUPPORTED_GET_VARIABLE))
		return efi.get_variable(L"SbatLevelRT", &guid, NULL, size, data);

	/* shim has made the table ever since it has had SBAT (15.3). */
	if (IS_ENABLED(CONFIG_LOAD_UEFI_KEYS) &&
	    efi.mokvar_table == EFI_INVALID_TABLE_ADDR)
		return EFI_NOT_FOUND;
	return EFI_UNSUPPORTED;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_sbat_get_variable, "kexec_sbat_kunit");

static int read_variable(struct level *level, struct finding *finding)
{
	unsigned long size = UKI_SBAT_MAX;

	level->copy = kmalloc(size, GFP_KERNEL);
	if (!level->copy)
		return -ENOMEM;

	finding->status = kexec_sbat_get_variable(&size, level->copy);
	if (finding->status == EFI_NOT_FOUND)
		return 0;
	if (finding->status != EFI_SUCCESS || size > UKI_SBAT_MAX) {
		finding->verdict = UNREADABLE;
		return -EKEYREJECTED;
	}

	level->text = level->copy;
	level->len = size;
	return 0;
}

static int read_level(struct level *level, struct finding *finding)
{
	const struct efi_mokvar_table_entry *entry = kexec_sbat_get_entry();

	if (!entry)
		return read_variable(level, finding);

	level->text = entry->data;
	level->len = entry->data_size;
	return 0;
}

/* A file that is no PE file has no .sbat. */
static int find_sbat(const void *file, size_t len, struct pefile_span *span,
		     struct finding *finding)
{
	struct pefile pe;
	int err;

	*span = (struct pefile_span){ };
	err = pefile_parse(file, len, &pe, &finding->why);
	if (err == -ENOEXEC)
		return 0;
	if (!err)
		err = uki_sbat_find(file, &pe, span, &finding->why);
	if (err)
		finding->verdict = BAD_FILE;
	return err;
}

static int compare(const void *file, size_t len, bool needed,
		   const struct level *level, struct finding *finding)
{
	struct uki_sbat_result *result = &finding->result;
	struct pefile_span span;
	int err;

	err = find_sbat(file, len, &span, finding);
	if (err)
		return err;

	err = uki_sbat_check(file + span.off, span.len, level->text, level->len,
			     result);
	if (err == -EKEYREJECTED) {
		finding->verdict = REVOKED;
	} else if (err) {
		finding->verdict = BAD_TEXT;
		if (result->bad == UKI_SBAT_LEVEL)
			err = -EKEYREJECTED;
	} else if (needed && !result->nr_records) {
		finding->verdict = MISSING;
		err = -EKEYREJECTED;
	}
	return err;
}

static void report_bad_file(const char *prefix, const struct pefile_error *why)
{
	int name_len = strnlen(why->section, PEFILE_NAME_LEN);

	pr_notice("%s%*pE: %s: %#llx, limit %#llx\n", prefix, name_len ?: 6,
		  name_len ? why->section : "header", why->msg, why->value,
		  why->limit);
}

static void report(const char *prefix, const struct finding *finding)
{
	const struct uki_sbat_result *result = &finding->result;
	int name_len = min(result->revoked.name_len, MAX_SHOWN);

	switch (finding->verdict) {
	case REVOKED:
		pr_notice("%s.sbat: %*pE generation %u, limit %u (SbatLevelRT)\n",
			  prefix, name_len, result->revoked.name,
			  result->revoked.generation, result->limit);
		break;
	case MISSING:
		pr_notice("%s.sbat: missing, and there is an SbatLevelRT\n",
			  prefix);
		break;
	case BAD_TEXT:
		pr_notice("%s%s: %s: offset %#zx\n", prefix,
			  result->bad == UKI_SBAT_LEVEL ? "SbatLevelRT" : ".sbat",
			  result->bad_at.msg, result->bad_at.off);
		break;
	case BAD_FILE:
		report_bad_file(prefix, &finding->why);
		break;
	case UNREADABLE:
		pr_notice("%sSbatLevelRT: cannot be read (status %#lx)\n",
			  prefix, finding->status);
		break;
	case ACCEPTED:
		break;
	}
}

/**
 * kexec_sbat_check() - compare a file's .sbat with the revocation level
 * @image: the image that is loaded
 * @prefix: what the line of a refusal begins with
 * @file: the file, whose signature has been verified
 * @len: its length
 * @needed: it must have a .sbat, as one that shim starts itself; shim takes those
 *	    without that others start through it
 *
 * Whether signatures are enforced is asked last, because the lockdown LSM notes that
 * it was asked.
 *
 * Return: 0; if signatures are enforced, -EKEYREJECTED if the file is revoked or that
 *	   cannot be told, -EBADMSG if it is malformed; -ENOMEM
 */
int kexec_sbat_check(struct kimage *image, const char *prefix, const void *file,
		     size_t len, bool needed)
{
	struct finding finding = { };
	struct level level = { };
	int err;

	err = read_level(&level, &finding);
	if (!err && level.text)
		err = compare(file, len, needed, &level, &finding);
	else if (!err)
		kexec_dprintk("SBAT: no SbatLevelRT, nothing to compare with\n");

	if (err && err != -ENOMEM) {
		if (kexec_file_enforced(image))
			report(prefix, &finding);
		else
			err = 0;
	}
	kfree(level.copy);
	return err;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_sbat_check, "kexec_uki,kexec_sbat_kunit");
