/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Companions of a unified kernel image: what systemd-stub finds beside it
 *
 * On the EFI system partition there can be addons, credentials and extensions, in
 * directories of their own.  kexec_file_load() gets them as an archive whose paths
 * are those on the partition.  The rules are those of systemd-stub v262 ("sd-stub").
 * Pure like uki.
 */

#ifndef _LINUX_UKI_COMPANION_H
#define _LINUX_UKI_COMPANION_H

#include <linux/pefile.h>
#include <linux/types.h>
#include <linux/uki.h>
#include <linux/uki_newc.h>

/* Bounds what an archive costs in memory, in lines of the log, and in extends. */
#define UKI_MAX_COMPANIONS	1024

/* sizeof(boot_secret) in sd-stub: BOOT_SECRET_SIZE. */
#define UKI_BOOT_SECRET_SIZE	32

/**
 * enum uki_companion_kind - what a file beside a UKI is
 *
 * In sd-stub's order: of loading the addons, of making the archives of the rest.
 *
 * @UKI_GLOBAL_ADDON: loader/addons/\*.addon.efi
 * @UKI_ADDON: <uki>.extra.d/\*.addon.efi
 * @UKI_CREDENTIAL: <uki>.extra.d/\*.cred
 * @UKI_GLOBAL_CREDENTIAL: loader/credentials/\*.cred
 * @UKI_SYSEXT: <uki>.extra.d/\*.raw, but not \*.confext.raw
 * @UKI_GLOBAL_SYSEXT: loader/extensions/\*.raw, but not \*.confext.raw
 * @UKI_CONFEXT: <uki>.extra.d/\*.confext.raw
 * @UKI_GLOBAL_CONFEXT: loader/extensions/\*.confext.raw
 * @UKI_BOOT_SECRET: .extra/boot-secret, which no partition has: what sd-stub gave to
 *		     the system that runs now, to be passed on
 * @UKI_NR_COMPANION_KINDS: how many there are
 */
enum uki_companion_kind {
	UKI_GLOBAL_ADDON,
	UKI_ADDON,
	UKI_CREDENTIAL,
	UKI_GLOBAL_CREDENTIAL,
	UKI_SYSEXT,
	UKI_GLOBAL_SYSEXT,
	UKI_CONFEXT,
	UKI_GLOBAL_CONFEXT,
	UKI_BOOT_SECRET,
	UKI_NR_COMPANION_KINDS
};

/**
 * struct uki_companion - a file that sd-stub would use
 * @kind: what it is
 * @name: its name without the directory, in the archive; at most 255 ASCII
 *	  characters, terminated
 * @data: its content, a span of the archive
 */
struct uki_companion {
	enum uki_companion_kind kind;
	const char *name;
	struct pefile_span data;
};

/**
 * struct uki_sidecar - the archive that files of one kind go to
 * @path: directory of the initrd, without a leading slash
 * @dir_mode: its permissions
 * @file_mode: those of the files in it
 * @pcr: the PCR that the archive is measured into
 * @event: description of the event
 */
struct uki_sidecar {
	const char *path;
	u32 dir_mode;
	u32 file_mode;
	u32 pcr;
	const char *event;
};

int uki_companions_read(const void *buf, size_t len,
			struct uki_companion *companions, size_t *nr,
			struct pefile_error *err);
int uki_companion_cmp(const void *a, const void *b);
int uki_companions_check(const struct uki_companion *companions, size_t nr,
			 struct pefile_error *err);

const struct uki_sidecar *uki_sidecar(enum uki_companion_kind kind);
int uki_sidecar_archive(struct uki_newc *newc, const void *buf,
			const struct uki_companion *companions, size_t nr);

#endif /* _LINUX_UKI_COMPANION_H */
