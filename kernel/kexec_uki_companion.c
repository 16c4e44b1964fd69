// SPDX-License-Identifier: GPL-2.0
/*
 * Companions of a UKI: addons, credentials and extensions that lie beside it
 *
 * sd-stub finds them on the partition that the UKI is on.  Here user space brings them
 * in an archive, and what sd-stub would pass over is passed over, with a line that
 * says so where a person would not expect it.
 *
 * An addon whose signature firmware would not accept must never be used under
 * enforcement.  The rest is signed by nobody; it must never get anywhere but below
 * /.extra.
 */

#define pr_fmt(fmt) "kexec_uki: " fmt

#include <linux/err.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/pe.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uki.h>
#include <linux/uki_companion.h>

#include "kexec_internal.h"
#include "kexec_sbat.h"
#include "kexec_uki.h"
#include "kexec_uki_image.h"

static int refuse(const struct pefile_error *why)
{
	pr_notice("refused: companions: %s: offset %#llx, limit %#llx\n",
		  why->msg, why->value, why->limit);
	return -EBADMSG;
}

/* Names the member, if it is only its place or its kind that is wrong. */
static int refuse_member(const struct kimage *image,
			 const struct pefile_error *why)
{
	struct uki_newc_member member;
	struct pefile_error unused;
	size_t pos = why->value;

	if (uki_newc_next(image->initrd_buf, image->initrd_buf_len, &pos,
			  &member, &unused) <= 0)
		return refuse(why);

	pr_notice("refused: companions: %*pE: %s\n",
		  kexec_uki_shown(member.path), member.path, why->msg);
	return -EBADMSG;
}

static int refuse_addon(const struct uki_companion *companion,
			const struct pefile_error *why)
{
	int name_len = strnlen(why->section, PEFILE_NAME_LEN);

	pr_notice("refused: addon %*pE: %*pE: %s: %#llx, limit %#llx\n",
		  kexec_uki_shown(companion->name), companion->name,
		  name_len ?: 6, name_len ? why->section : "header",
		  why->msg, why->value, why->limit);
	return -EBADMSG;
}

static int pass_over(const struct uki_companion *companion, const char *why)
{
	pr_notice("addon %*pE: passed over: %s\n",
		  kexec_uki_shown(companion->name), companion->name, why);
	return 0;
}

/* In sd-stub's order, and checked to be those that a partition can have. */
static int list_companions(const struct kimage *image, struct kexec_uki *k)
{
	struct pefile_error why = {};
	size_t nr = 0;

	if (uki_companions_read(image->initrd_buf, image->initrd_buf_len, NULL,
				&nr, &why))
		return refuse_member(image, &why);
	if (!nr)
		return 0;

	k->companions = kvcalloc(nr, sizeof(*k->companions), GFP_KERNEL);
	if (!k->companions)
		return -ENOMEM;

	if (uki_companions_read(image->initrd_buf, image->initrd_buf_len,
				k->companions, &nr, &why))
		return refuse_member(image, &why);
	k->nr_companions = nr;

	sort(k->companions, nr, sizeof(*k->companions), uki_companion_cmp,
	     NULL);
	if (uki_companions_check(k->companions, nr, &why))
		return refuse(&why);
	return 0;
}

/*
 * Firmware verifies an addon as it does any program, with Secure Boot on
 * (shim_load_image() in src/boot/shim.c).  Whether signatures are enforced is asked
 * first, as of the envelope: without, one that is bad is no reason to refuse.
 */
static int verify(struct kimage *image, const void *file, size_t len)
{
	if (!kexec_file_enforced(image))
		return 0;
#ifdef CONFIG_KEXEC_SIG
	if (image->fops->verify_sig)
		return image->fops->verify_sig(file, len);
#endif
	return -EKEYREJECTED;
}

/*
 * Returns 0 if firmware would load the addon, 1 if it would not, or -ENOMEM.  shim
 * looks at the .sbat of an addon if there is one.
 */
static int ask_firmware(struct kimage *image,
			const struct uki_companion *companion,
			const struct kexec_uki_addon *addon)
{
	int err = verify(image, addon->file, addon->len);

	if (err == -ENOMEM)
		return err;
	if (err) {
		pr_notice("addon %*pE: passed over: its signature is not accepted (%pe)\n",
			  kexec_uki_shown(companion->name), companion->name,
			  ERR_PTR(err));
		return 1;
	}

	err = kexec_sbat_check(image, "addon: ", addon->file, addon->len, false);
	if (err == -ENOMEM)
		return err;
	if (err) {
		pass_over(companion, "its .sbat is not accepted");
		return 1;
	}
	return 0;
}

/*
 * edk2 also loads, and so measures, what it cannot start.  These are the machines
 * that it was seen to do it with; with others it depends on its version.
 */
static int check_machine(const struct uki_companion *companion,
			 const struct pefile *pe)
{
	switch (pe->machine) {
	case IMAGE_FILE_MACHINE_AMD64:
	case IMAGE_FILE_MACHINE_ARM64:
	case IMAGE_FILE_MACHINE_I386:
		return 0;
	default:
		pr_notice("refused: addon %*pE: header: machine %#x, this one is %#x\n",
			  kexec_uki_shown(companion->name), companion->name,
			  pe->machine, KEXEC_UKI_MACHINE);
		return -EBADMSG;
	}
}

/*
 * What load_addons() of sd-stub has against an addon that firmware has loaded, or
 * NULL.
 */
static const char *complaint(const struct kimage *image,
			     const struct kexec_uki *k,
			     const struct kexec_uki_addon *addon)
{
	struct uki_newc_data uki_uname, addon_uname;

	if (addon->uki.pe.machine != KEXEC_UKI_MACHINE)
		return "for another machine";
	if (!k->uki.sections[UKI_UNAME].size ||
	    !addon->uki.sections[UKI_UNAME].size)
		return NULL;

	uki_uname = kexec_uki_data(image->kernel_buf, &k->uki, UKI_UNAME);
	addon_uname = kexec_uki_data(addon->file, &addon->uki, UKI_UNAME);
	return uki_addon_fits(&uki_uname, &addon_uname) ? NULL :
	       ".uname is not that of the UKI";
}

/*
 * Firmware measures each addon that it loads, whether sd-stub uses it then or not.
 * One that is damaged is refused, because firmware decides by rules of its own how
 * far it gets with it.
 */
static int take_addon(struct kimage *image, struct kexec_uki *k,
		      const struct uki_companion *companion)
{
	struct kexec_uki_addon *addon = &k->addons[k->nr_addons];
	struct pefile_error why = {};
	const char *reason = NULL;
	int err;

	addon->name = companion->name;
	addon->file = image->initrd_buf + companion->data.off;
	addon->len = companion->data.len;

	err = uki_parse_addon(addon->file, addon->len, &addon->uki, &why);
	if (err == -EBADMSG)
		return refuse_addon(companion, &why);
	if (err == -ENOEXEC)
		return pass_over(companion, why.msg);
	if (err)
		reason = why.msg;

	err = ask_firmware(image, companion, addon);
	if (err)
		return err < 0 ? err : 0;
	err = check_machine(companion, &addon->uki.pe);
	if (err)
		return err;

	reason = reason ?: complaint(image, k, addon);
	if (reason)
		pass_over(companion, reason);
	addon->used = !reason;
	k->nr_addons++;
	return 0;
}

static bool is_addon(const struct uki_companion *companion)
{
	return companion->kind == UKI_GLOBAL_ADDON ||
	       companion->kind == UKI_ADDON;
}

static int take_addons(struct kimage *image, struct kexec_uki *k)
{
	size_t nr = 0;
	int err;

	/* They come first. */
	while (nr < k->nr_companions && is_addon(&k->companions[nr]))
		nr++;
	if (!nr)
		return 0;

	k->addons = kvcalloc(nr, sizeof(*k->addons), GFP_KERNEL);
	if (!k->addons)
		return -ENOMEM;

	for (size_t i = 0; i < nr; i++) {
		err = take_addon(image, k, &k->companions[i]);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/**
 * kexec_uki_read_companions() - find the companions in the archive
 * @image: the image; its initrd is the archive, if there is one
 * @k: gets the companions
 *
 * Return: 0; -EBADMSG if the archive or an addon is malformed; -ENOMEM
 */
int kexec_uki_read_companions(struct kimage *image, struct kexec_uki *k)
{
	int err;

	if (!image->companions)
		return 0;

	err = list_companions(image, k);
	return err ?: take_addons(image, k);
}

/**
 * kexec_uki_has_sidecars() - tell whether there is what nobody has signed
 * @k: the UKI, with its companions
 *
 * Return: true if one of the companions is no addon
 */
bool kexec_uki_has_sidecars(const struct kexec_uki *k)
{
	return k->nr_companions &&
	       !is_addon(&k->companions[k->nr_companions - 1]);
}
