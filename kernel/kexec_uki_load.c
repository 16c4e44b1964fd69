// SPDX-License-Identifier: GPL-2.0
/*
 * kexec_file_load() of unified kernel images
 *
 * Does with a UKI what systemd-stub v262 ("sd-stub") does when firmware starts it:
 * takes the file apart, reads what lies beside it, settles the command line, puts the
 * initrd together, hands both and the inner kernel to the architecture's loader, and
 * lists what has to be measured, in sd-stub's order.  This file is the loader's
 * frame; the steps are in the kexec_uki_*.c beside it.
 *
 * The signature of the file covers all of it, so nothing from outside the file may
 * be taken under enforcement but what sd-stub takes, and nothing that is refused may
 * get an errno that makes user space take the file apart itself (see
 * kexec_uki_told()).  Offsets and sizes come from lib/uki*.c only, which have checked
 * them.
 *
 * Documentation/admin-guide/kexec-uki.rst
 */

#define pr_fmt(fmt) "kexec_uki: " fmt

#include <linux/err.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uki.h>
#include <linux/vmalloc.h>

#include "kexec_internal.h"
#include "kexec_measure.h"
#include "kexec_sbat.h"
#include "kexec_uki.h"
#include "kexec_uki_image.h"

static int refuse(int err, const struct pefile_error *why)
{
	int name_len = strnlen(why->section, PEFILE_NAME_LEN);

	pr_notice("refused: %*pE: %s: %#llx, limit %#llx\n",
		  name_len ?: 6, name_len ? why->section : "header",
		  why->msg ?: "malformed", why->value, why->limit);
	return err;
}

/**
 * kexec_uki_fill() - make a blob of a section
 * @blob: filled; @blob->copy is to be freed with vfree()
 * @data: the section; copied only if it does not lie in the file as a whole
 *
 * Return: 0, or -ENOMEM
 */
int kexec_uki_fill(struct kexec_uki_blob *blob, const struct uki_newc_data *data)
{
	blob->len = data->len + data->zeros;
	if (!data->zeros) {
		blob->data = (void *)data->data;
		return 0;
	}

	blob->copy = vmalloc(blob->len);
	if (!blob->copy)
		return -ENOMEM;

	memcpy(blob->copy, data->data, data->len);
	memset(blob->copy + data->len, 0, data->zeros);
	blob->data = blob->copy;
	return 0;
}

/*
 * Finds the loader of the inner kernel.  A UKI inside a UKI would be loaded without
 * being measured section by section.
 */
static int prepare_kernel(struct kimage *image, struct kexec_uki *k)
{
	struct uki_newc_data data = kexec_uki_data(image->kernel_buf, &k->uki,
						   UKI_LINUX);
	const struct kexec_file_ops *inner;
	int err;

	if (k->uki.pe.machine != KEXEC_UKI_MACHINE) {
		pr_notice("refused: header: machine %#x, this one is %#x\n",
			  k->uki.pe.machine, KEXEC_UKI_MACHINE);
		return -ELIBBAD;
	}

	err = kexec_uki_fill(&k->kernel, &data);
	if (err)
		return err;

	if (uki_recognise(k->kernel.data, k->kernel.len)) {
		pr_notice("refused: .linux: is a UKI itself\n");
		return -ELIBBAD;
	}

	/* sd-stub has shim load it, which looks for a .sbat in it (linux_exec()). */
	err = kexec_sbat_check(image, "refused: .linux: ", k->kernel.data,
			       k->kernel.len, false);
	if (err)
		return err;

	inner = kexec_file_probe(k->kernel.data, k->kernel.len);
	if (IS_ERR(inner)) {
		pr_notice("refused: .linux: no loader takes it (%pe)\n", inner);
		return -ELIBBAD;
	}

	k->inner = inner;
	return 0;
}

/*
 * Companions are signed, or measured and confined to /.extra; of the boot secret
 * permit_sidecars() says more.  An initrd can be anything.
 */
static int permit_image(struct kimage *image)
{
	if (!IS_ENABLED(CONFIG_KEXEC_SIG) && kexec_file_enforced(image)) {
		pr_notice("refused: locked down, and this kernel cannot verify signatures\n");
		return -EPERM;
	}
	if (image->initrd_buf_len && !image->companions &&
	    kexec_file_enforced(image)) {
		pr_notice("refused: another initrd is not allowed, signatures are enforced\n");
		return -EPERM;
	}
	return 0;
}

static int kexec_uki_prepare(struct kimage *image)
{
	struct pefile_error why = {};
	struct kexec_uki *k;
	int err;

	err = permit_image(image);
	if (err)
		return err;

	k = kzalloc_obj(*k);
	if (!k)
		return -ENOMEM;
	image->image_loader_data = k;

	err = kexec_uki_choose_profile(image, k, &why);
	if (err)
		return why.msg ? refuse(err, &why) : err;
	err = prepare_kernel(image, k);
	if (err)
		return err;
	err = kexec_uki_read_companions(image, k);
	if (err)
		return err;
	err = kexec_uki_prepare_cmdline(image, k);
	if (err)
		return err;

	return kexec_uki_prepare_initrd(image, k);
}

/*
 * Under enforcement, what is not signed must be measured: there has to be a TPM, and
 * a crash kernel is not measured at all.  The boot secret is measured as sd-stub's is,
 * in PCR 9 as a part of the initrd and nowhere else.
 */
static int permit_sidecars(struct kimage *image, const struct kexec_uki *k)
{
	if (!kexec_uki_has_sidecars(k))
		return 0;
	if (image->measure && kexec_measure_extends(image->measure))
		return 0;
	if (!kexec_file_enforced(image))
		return 0;

	pr_notice("refused: companions that are no addons would not be measured, and signatures are enforced\n");
	return -EPERM;
}

/* sanity_check_segment_list() refuses this, too, but as if the file were bad. */
static int check_size(const struct kimage *image)
{
	unsigned long limit = totalram_pages() / 2;
	unsigned long pages = 0;
	unsigned long i;

	for (i = 0; i < image->nr_segments; i++)
		pages += image->segment[i].memsz >> PAGE_SHIFT;
	if (pages <= limit)
		return 0;

	pr_notice("refused: needs %lu pages, limit %lu (half of RAM)\n", pages,
		  limit);
	return -ENOMEM;
}

static void *kexec_uki_load(struct kimage *image, char *file,
			    unsigned long file_len, char *passed_initrd,
			    unsigned long passed_initrd_len, char *cmdline,
			    unsigned long cmdline_len)
{
	struct kexec_uki *k = image->image_loader_data;
	void *inner_data;
	int err;

	err = permit_sidecars(image, k);
	if (err)
		return ERR_PTR(err);

	inner_data = k->inner->load(image, k->kernel.data, k->kernel.len,
				    k->initrd.data, k->initrd.len, cmdline,
				    cmdline_len);
	if (IS_ERR(inner_data)) {
		pr_notice("refused: .linux: its loader failed (%pe)\n",
			  inner_data);
		return ERR_PTR(kexec_uki_told(PTR_ERR(inner_data)));
	}
	k->inner_data = inner_data;

	err = check_size(image);
	if (err)
		return ERR_PTR(err);

	kexec_dprintk("UKI: profile %u, kernel %zu bytes, initrd %zu bytes, command line %s\n",
		      k->uki.profile, k->kernel.len, k->initrd.len,
		      k->override ? "passed" : "embedded");
	return k;
}

static int kexec_uki_cleanup(void *loader_data)
{
	struct kexec_uki *k = loader_data;

	if (!k)
		return 0;

	if (k->inner_data && k->inner->cleanup)
		k->inner->cleanup(k->inner_data);
	kfree(k->inner_data);
	vfree(k->kernel.copy);
	vfree(k->initrd.copy);
	kvfree(k->passed.text);
	kvfree(k->addon_text.text);
	kvfree(k->companions);
	kvfree(k->addons);
	return 0;
}

static const struct kexec_file_ops kexec_uki_ops = {
	.owner = THIS_MODULE,
	.takes_companions = true,
	.prepare = kexec_uki_prepare,
	.measure = kexec_uki_measure,
	.load = kexec_uki_load,
	.cleanup = kexec_uki_cleanup,
#if defined(CONFIG_KEXEC_SIG) && defined(CONFIG_SIGNED_PE_FILE_VERIFICATION)
	.verify_sig = kexec_kernel_verify_pe_sig,
#endif
};

static int __init kexec_uki_init(void)
{
	kexec_uki_register(&kexec_uki_ops);
	return 0;
}
module_init(kexec_uki_init);

static void __exit kexec_uki_exit(void)
{
	kexec_uki_unregister();
}
module_exit(kexec_uki_exit);

MODULE_DESCRIPTION("kexec_file_load() of unified kernel images");
MODULE_LICENSE("GPL");
