// SPDX-License-Identifier: GPL-2.0
/*
 * The TPM event log as one kernel leaves it to the next
 *
 * What was left here is never trusted: it is dropped, with one line, if it is not a
 * whole log, and the boot goes on.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tpm_kexec.h>
#include <crypto/sha2.h>

#include <kunit/visibility.h>

#include "kexec_log_abi.h"
#include "live.h"

/* What the last kernel has left, until a TPM takes it. */
static void *handed_over;
static size_t handed_over_len;

/**
 * tpm_kexec_log_write() - write a log as it is handed over
 * @buf: where to
 * @size: room there; what is left of it becomes zeros
 * @log: the log
 * @len: its length
 *
 * Return: 0; -ENOSPC if it does not fit, or is longer than the next kernel takes
 */
int tpm_kexec_log_write(void *buf, size_t size, const void *log, size_t len)
{
	struct tpm_kexec_log_ser ser = {
		.version = cpu_to_le32(TPM_KEXEC_LOG_VERSION),
		.len = cpu_to_le64(len),
	};

	if (len > TPM_KEXEC_LOG_MAX || size < sizeof(ser) ||
	    len > size - sizeof(ser))
		return -ENOSPC;

	memcpy(ser.magic, TPM_KEXEC_LOG_MAGIC, sizeof(ser.magic));
	sha256(log, len, ser.sha256);
	memcpy(buf, &ser, sizeof(ser));
	memcpy(buf + sizeof(ser), log, len);
	memset(buf + sizeof(ser) + len, 0, size - sizeof(ser) - len);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_kexec_log_write);

/**
 * tpm_kexec_log_check() - find the log in what the last kernel has left
 * @buf: what it has left
 * @size: bytes there
 * @log: the log
 * @len: its length
 *
 * Says in one line why there is none.
 *
 * Return: 0; -EPROTO if it is of another kind or version; -EBADMSG if it is damaged
 */
int tpm_kexec_log_check(const void *buf, size_t size, const void **log,
			size_t *len)
{
	const struct tpm_kexec_log_ser *ser = buf;
	u8 sha256_digest[SHA256_DIGEST_SIZE];
	struct tcg2_log_head head;
	size_t whole;
	u64 log_len;

	if (size < sizeof(*ser)) {
		pr_notice("log of the last kernel dropped: %zu bytes\n", size);
		return -EPROTO;
	}
	if (memcmp(ser->magic, TPM_KEXEC_LOG_MAGIC, sizeof(ser->magic)) ||
	    le32_to_cpu(ser->version) != TPM_KEXEC_LOG_VERSION) {
		pr_notice("log of the last kernel dropped: begins with %8phN, version %u\n",
			  ser->magic, le32_to_cpu(ser->version));
		return -EPROTO;
	}

	log_len = le64_to_cpu(ser->len);
	if (log_len > TPM_KEXEC_LOG_MAX || log_len > size - sizeof(*ser)) {
		pr_notice("log of the last kernel dropped: length %llu in %zu bytes\n",
			  log_len, size);
		return -EBADMSG;
	}

	sha256((const u8 *)(ser + 1), log_len, sha256_digest);
	if (memcmp(sha256_digest, ser->sha256, sizeof(sha256_digest))) {
		pr_notice("log of the last kernel dropped: not what its digest says\n");
		return -EBADMSG;
	}

	if (tcg2_log_read_head(ser + 1, log_len, &head)) {
		pr_notice("log of the last kernel dropped: no Spec ID event\n");
		return -EBADMSG;
	}
	whole = tcg2_log_whole(ser + 1, log_len, &head);
	if (whole != log_len) {
		pr_notice("log of the last kernel dropped: no record at %zu of %llu\n",
			  whole, log_len);
		return -EBADMSG;
	}

	*log = ser + 1;
	*len = log_len;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(tpm_kexec_log_check);

/**
 * tpm_kexec_log_continues() - tell whether one log goes on from another
 * @log: the log that was handed over
 * @len: its length
 * @firmware: the log of the firmware
 * @firmware_len: its length; 0 if there is none to be seen
 *
 * Return: true if it does
 */
bool tpm_kexec_log_continues(const void *log, size_t len, const void *firmware,
			     size_t firmware_len)
{
	return firmware_len <= len &&
	       (!firmware_len || !memcmp(log, firmware, firmware_len));
}
EXPORT_SYMBOL_IF_KUNIT(tpm_kexec_log_continues);

/**
 * tpm_kexec_restore_log() - copy out what the last kernel has left
 *
 * Once, while the kernel starts: drivers of TPMs may come much later, and what the
 * log is in is given back.  But not if it is no log: whoever lies about that may have
 * named memory that is in use.
 */
void __init tpm_kexec_restore_log(void)
{
	const void *log;
	size_t size, len;
	void *buf;
	int ret;

	if (tpm_get_kexec_log(&buf, &size))
		return;

	ret = tpm_kexec_log_check(buf, size, &log, &len);
	if (!ret) {
		handed_over = kvmemdup(log, len, GFP_KERNEL);
		if (handed_over)
			handed_over_len = len;
		else
			pr_notice("log of the last kernel dropped: no memory for %zu bytes\n",
				  len);
	}
	if (ret != -EPROTO)
		tpm_free_kexec_log();
}

/**
 * tpm_kexec_take_log() - take over what the last kernel has left
 * @len: length of the log, 0 if there is none
 *
 * Return: the log, for the caller to kvfree(), or NULL
 */
void *tpm_kexec_take_log(size_t *len)
{
	void *log = handed_over;

	*len = handed_over_len;
	handed_over = NULL;
	handed_over_len = 0;
	return log;
}
