// SPDX-License-Identifier: GPL-2.0
/*
 * What it means if kexec_file_load() fails, and what to do
 *
 * The errnos are those of Documentation/admin-guide/kexec-uki.rst.  No advice here
 * may be a way around a check.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/kexec.h>

#include "input.h"
#include "refusal.h"

#define LOAD_DISABLED	"/proc/sys/kernel/kexec_load_disabled"
#define LIMIT_REBOOT	"/proc/sys/kernel/kexec_load_limit_reboot"
#define LIMIT_PANIC	"/proc/sys/kernel/kexec_load_limit_panic"
#define LOADED		"/sys/kernel/kexec_loaded"
#define CRASH_SIZE	"/sys/kernel/kexec_crash_size"

/**
 * struct words - an errno in plain words
 * @err: the errno
 * @name: its name
 * @means: what has happened
 * @todo: what to do
 */
struct words {
	int err;
	const char *name;
	const char *means;
	const char *todo;
};

#define WORDS(err, means, todo)	{ err, #err, means, todo }

static const struct words load_words[] = {
	WORDS(ENOEXEC,
	      "The running kernel takes no UKIs at all, or sees none in this file.",
	      "Boot a kernel with CONFIG_KEXEC_UKI, or boot the UKI by the firmware."),
	WORDS(EBADMSG,
	      "The UKI or an addon is damaged: malformed, or cut off.",
	      "Copy it anew from where it comes from, and see that its file system is not full."),
	WORDS(ELIBBAD,
	      "The kernel in the UKI is for another machine, or no kernel that can be loaded.",
	      "Use a UKI that was built for this machine."),
	WORDS(ENODATA,
	      "The UKI has no profile of this number; or no signature, and it needs one.",
	      "\"ukify inspect\" shows the profiles, the first one is 0."),
	WORDS(E2BIG,
	      "The command line is too long for the kernel in the UKI.",
	      "Pass a shorter one, or take away addons that append to it."),
	WORDS(EPERM,
	      "Signatures are enforced: it needs a good one, and nothing that it does not cover.",
	      "Load a signed UKI without --cmdline and --initrd."),
	WORDS(EKEYREJECTED,
	      "The signature does not match the UKI, or its key, hash or SBAT is revoked.",
	      "Copy the UKI anew from where it comes from, update it, or have it signed again."),
	WORDS(ENOKEY,
	      "The UKI is signed with a key that the running kernel does not trust.",
	      "Have it signed with a key of the kernel or of the firmware, or enroll its key."),
	WORDS(ENOPKG,
	      "The running kernel lacks a part: the module kexec_uki, or a hash for a PCR bank.",
	      "Install the modules of the running kernel, or deallocate the bank."),
	WORDS(ENODEV,
	      "The kernel cannot use the TPM of this machine, so the load would leave no trace.",
	      "Load the driver of the TPM, for example tpm_tis or tpm_crb."),
	WORDS(ENOSPC,
	      "The log of the TPM or the list of IMA is too long to be handed over.",
	      "Boot by the firmware, which begins both anew."),
	WORDS(EIO,
	      "A file could not be read to its end.",
	      "Look at the disk."),
	WORDS(ESTALE,
	      "What was measured is not valid any more.",
	      "Load the UKI again."),
	WORDS(EBUSY,
	      "Another load, unload or execute is under way.",
	      "Try again when it has ended."),
	WORDS(ENOMEM,
	      "There is not enough memory; an image may take half of all memory at most.",
	      "Free memory, or leave out large extensions."),
	WORDS(EFBIG,
	      "A file is larger than the kernel reads, 4 GiB.",
	      "Leave out large extensions."),
	WORDS(EBADF,
	      "The kernel could not read the initrd or the archive of companions.",
	      "See that the initrd is a regular file that is not empty."),
	WORDS(ETXTBSY,
	      "Somebody has the UKI or the initrd open for writing.",
	      "Try again when it is written."),
	WORDS(EADDRNOTAVAIL,
	      "There is no place in memory that the image may be in.",
	      "Leave out large extensions, or reserve more memory for a crash kernel."),
	WORDS(EACCES,
	      "A security policy of the running kernel does not accept a file: IMA's, or an LSM's.",
	      "Sign or label the file as the policy wants it; leave companions out."),
	WORDS(EFAULT,
	      "The kernel could not read the command line out of the memory of this program.",
	      "This is a fault of kexec-uki or of the kernel."),
	WORDS(EINVAL,
	      "The kernel does not take these arguments.",
	      "The running kernel may be too old for them."),
	WORDS(ENOSYS,
	      "The running kernel has no kexec_file_load().",
	      "Boot a kernel with CONFIG_KEXEC_FILE."),
};

static const struct words no_root = WORDS(EPERM,
	"It takes root, with the capability CAP_SYS_BOOT.",
	"Run it as root.");

static const struct words disabled = WORDS(EPERM,
	"kexec is switched off until the next boot: kernel.kexec_load_disabled is 1.",
	"Boot by the firmware.");

static const struct words used_up = WORDS(EPERM,
	"No more loads are allowed until the next boot: kernel.kexec_load_limit_reboot is 0.",
	"Boot by the firmware.");

static const struct words used_up_panic = WORDS(EPERM,
	"No more crash kernels are allowed: kernel.kexec_load_limit_panic is 0.",
	"Boot by the firmware.");

/* The kernel has a line for all that signatures are the reason of. */
static const struct words no_line = WORDS(EPERM,
	"It is not allowed: no CAP_SYS_BOOT, or kernel.kexec_load_disabled, or a load limit.",
	"Run it as root outside of containers, or boot by the firmware.");

static const struct words unknown_line = WORDS(EPERM,
	"Signatures are enforced; or no CAP_SYS_BOOT, kernel.kexec_load_disabled, a load limit.",
	"Look into dmesg: there is a line if it is the signatures.");

static const struct words signed_only = WORDS(EPERM,
	"Signatures are enforced: it needs a good one, and nothing that it does not cover.",
	"Load a signed UKI without --cmdline; leave out credentials, extensions and\n"
	"  --boot-secret. Addons with a good signature of their own are allowed.");

static const struct words no_companions = WORDS(EINVAL,
	"The running kernel does not know companions of a UKI: it is too old.",
	"--no-companions, without --boot-secret, boots the UKI without them.");

/* Whether a file of the kernel says so; false if it cannot be read */
static bool says(const char *path, const char *text)
{
	size_t len = strlen(text);
	struct blob blob;
	bool same;

	if (input_try_file(path, &blob))
		return false;
	same = blob.len == len && !memcmp(blob.data, text, len);
	input_free(&blob);
	return same;
}

/*
 * Whether kernel.kexec_load_limit_* is 0.  Each load that gets by it takes one off,
 * whatever becomes of it then, so this is to be asked before.
 */
bool refusal_used_up(unsigned long flags)
{
	return says(flags & KEXEC_FILE_ON_CRASH ? LIMIT_PANIC : LIMIT_REBOOT,
		    "0\n");
}

/* NULL if signatures are enforced: the kernel says so, see kexec_load_permitted() */
static const struct words *find_permission(const struct refusal *refusal)
{
	if (says(LOAD_DISABLED, "1\n"))
		return &disabled;
	if (refusal->used_up)
		return refusal->flags & KEXEC_FILE_ON_CRASH ? &used_up_panic :
							      &used_up;
	if (refusal->nr_lines > 0)
		return NULL;
	if (geteuid())
		return &no_root;
	return refusal->nr_lines ? &unknown_line : &no_line;
}

static const struct words *find_words(const struct refusal *refusal)
{
	const struct words *words = NULL;
	unsigned int i;

	if (refusal->err == EPERM)
		words = find_permission(refusal);
	if (words)
		return words;
	if (refusal->err == EPERM && refusal->flags & KEXEC_FILE_COMPANIONS)
		return &signed_only;
	if (refusal->err == EINVAL && refusal->flags & KEXEC_FILE_COMPANIONS)
		return &no_companions;
	for (i = 0; i < ARRAY_SIZE(load_words); i++)
		if (load_words[i].err == refusal->err)
			return &load_words[i];
	return NULL;
}

/* On standard error: why kexec_file_load() has failed */
void refusal_print(const struct options *options, const struct refusal *refusal)
{
	const struct words *words = find_words(refusal);
	const char *name = options->uki ?: "unload";
	unsigned long flags = refusal->flags;
	int err = refusal->err;

	if (words)
		complain("%s: refused by the kernel: %s (%s)\n  %s\n  %s", name,
			 strerror(err), words->name, words->means, words->todo);
	else
		complain("%s: refused by the kernel: %s (errno %d)", name,
			 strerror(err), err);
	if (flags & KEXEC_FILE_UNLOAD)
		return;
	if (flags & KEXEC_FILE_ON_CRASH && says(CRASH_SIZE, "0\n"))
		fputs("  No memory is reserved for a crash kernel: the running kernel needs\n"
		      "  crashkernel= on its command line.\n",
		      stderr);
	if (!(flags & KEXEC_FILE_ON_CRASH) && says(LOADED, "1\n"))
		fputs("  What was loaded before is still loaded, and would be executed.\n",
		      stderr);
}
