// SPDX-License-Identifier: GPL-2.0
/*
 * The records that an execute will extend, for user space
 *
 * What the loaded image extends when it is executed can be read before it is:
 * /sys/kernel/security/kexec/pending_measurements has the very records that the
 * execute appends to the live log, and nothing if no image is loaded that will
 * extend any.
 *
 * A list never changes.  It is replaced by another one, and a reader goes on with
 * the one that it has opened.  A reader must never need the kexec lock, because
 * __crash_kexec() only tries to take that.
 */

#include <linux/err.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/overflow.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "kexec_measure.h"

/* Protects the pointer and the reference that it is, not the list. */
static DEFINE_SPINLOCK(pending_lock);
static struct kexec_pending *pending_now;

/**
 * kexec_pending_alloc() - make a list
 * @len: length of its records in bytes, which the caller then writes
 *
 * Return: the list with one reference, or NULL
 */
struct kexec_pending *kexec_pending_alloc(size_t len)
{
	struct kexec_pending *pending;

	pending = kvzalloc_flex(*pending, records, len);
	if (!pending)
		return NULL;

	refcount_set(&pending->refs, 1);
	pending->len = len;
	return pending;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_pending_alloc, "kexec_measure_kunit");

/**
 * kexec_pending_put() - let go of a list
 * @pending: the list, or NULL
 */
void kexec_pending_put(struct kexec_pending *pending)
{
	if (pending && refcount_dec_and_test(&pending->refs))
		kvfree(pending);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_pending_put, "kexec_measure_kunit");

/**
 * kexec_pending_publish() - let user space see a list instead of the last one
 * @pending: the list, of which a reference is taken; NULL for none
 */
void kexec_pending_publish(struct kexec_pending *pending)
{
	if (pending)
		refcount_inc(&pending->refs);

	spin_lock(&pending_lock);
	swap(pending, pending_now);
	spin_unlock(&pending_lock);

	kexec_pending_put(pending);
}
EXPORT_SYMBOL_FOR_MODULES(kexec_pending_publish, "kexec_measure_kunit");

/**
 * kexec_pending_get() - what user space sees now
 *
 * Return: the list with a reference, or NULL if there is none
 */
struct kexec_pending *kexec_pending_get(void)
{
	struct kexec_pending *pending;

	spin_lock(&pending_lock);
	pending = pending_now;
	if (pending)
		refcount_inc(&pending->refs);
	spin_unlock(&pending_lock);

	return pending;
}
EXPORT_SYMBOL_FOR_MODULES(kexec_pending_get, "kexec_measure_kunit");

static int pending_open(struct inode *inode, struct file *file)
{
	file->private_data = kexec_pending_get();
	return 0;
}

static ssize_t pending_read(struct file *file, char __user *buf, size_t count,
			    loff_t *pos)
{
	const struct kexec_pending *pending = file->private_data;

	if (!pending)
		return 0;

	return simple_read_from_buffer(buf, count, pos, pending->records,
				       pending->len);
}

static int pending_release(struct inode *inode, struct file *file)
{
	kexec_pending_put(file->private_data);
	return 0;
}

static const struct file_operations pending_fops = {
	.open = pending_open,
	.read = pending_read,
	.llseek = default_llseek,
	.release = pending_release,
};

static int __init pending_init(void)
{
	struct dentry *dir, *file;

	if (!IS_ENABLED(CONFIG_SECURITYFS))
		return 0;

	dir = securityfs_create_dir("kexec", NULL);
	if (IS_ERR(dir))
		return PTR_ERR(dir);

	file = securityfs_create_file("pending_measurements", 0400, dir, NULL,
				      &pending_fops);
	if (IS_ERR(file)) {
		securityfs_remove(dir);
		return PTR_ERR(file);
	}
	return 0;
}
late_initcall(pending_init);
