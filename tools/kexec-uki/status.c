// SPDX-License-Identifier: GPL-2.0
/*
 * "kexec-uki status": what is loaded, and what its execute would do to the TPM
 *
 * What cannot be read is said to be unknown, and never guessed.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pcrs.h"
#include "words.h"

#define LOADED		"/sys/kernel/kexec_loaded"
#define CRASH_LOADED	"/sys/kernel/kexec_crash_loaded"
#define LOCKDOWN	"/sys/kernel/security/lockdown"

/* EFI_GLOBAL_VARIABLE, UEFI 2.10, 3.3; efivarfs puts four bytes of attributes first. */
#define SECURE_BOOT	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define EFIVAR_DATA	4

#define LOCKDOWN_MAX	32

/* Something that may not be known */
enum tristate { NO, YES, UNKNOWN };

/**
 * struct status - what there is to tell
 * @loaded: whether an image is loaded
 * @crash_loaded: whether a crash kernel is loaded
 * @secure_boot: whether firmware says that Secure Boot is on
 * @lockdown: the kernel's lockdown, or "" if it is not known
 * @pending: 0, or a negative errno: why what is pending is not known; -EBADMSG has
 *	     been complained of
 * @events: number of pending events
 * @pcrs: a bit for each PCR that they extend
 * @kexec: number of the marker among them, or 0
 */
struct status {
	enum tristate loaded;
	enum tristate crash_loaded;
	enum tristate secure_boot;
	char lockdown[LOCKDOWN_MAX];
	int pending;
	unsigned int events;
	u32 pcrs;
	unsigned int kexec;
};

static enum tristate read_flag(const char *path)
{
	enum tristate flag = UNKNOWN;
	struct blob blob;

	if (input_try_file(path, &blob))
		return UNKNOWN;
	if (blob.len == 2 && !memcmp(blob.data, "0\n", 2))
		flag = NO;
	else if (blob.len == 2 && !memcmp(blob.data, "1\n", 2))
		flag = YES;
	input_free(&blob);
	return flag;
}

static enum tristate read_secure_boot(void)
{
	enum tristate flag = UNKNOWN;
	struct blob blob;

	if (input_try_file(SECURE_BOOT, &blob))
		return UNKNOWN;
	if (blob.len == EFIVAR_DATA + 1)
		flag = blob.data[EFIVAR_DATA] == 1 ? YES : NO;
	input_free(&blob);
	return flag;
}

/* The word in brackets of "none [integrity] confidentiality" */
static void read_lockdown(char lockdown[LOCKDOWN_MAX])
{
	const char *word, *end;
	struct blob blob;

	*lockdown = '\0';
	if (input_try_file(LOCKDOWN, &blob))
		return;
	word = memchr(blob.data, '[', blob.len);
	end = word ? memchr(word, ']', (char *)blob.data + blob.len - word) : NULL;
	if (end && end - word <= LOCKDOWN_MAX &&
	    strspn(word + 1, "abcdefghijklmnopqrstuvwxyz") == (size_t)(end - word - 1)) {
		memcpy(lockdown, word + 1, end - word - 1);
		lockdown[end - word - 1] = '\0';
	}
	input_free(&blob);
}

static void count_pending(struct status *status, const struct blob *both,
			  const struct tcg2_log_head *head, size_t at)
{
	struct words words = { .log = both->data, .head = head };
	struct tcg2_log_record record;
	unsigned int kexecs;

	kexecs = tcg2_log_count_kexecs(both->data, at, head);
	for (; !tcg2_log_next(both->data, both->len, head, at, &record);
	     at = record.off + record.len) {
		status->events++;
		if (record.type != TCG2_EV_NO_ACTION && record.pcr < NR_PCRS)
			status->pcrs |= 1U << record.pcr;
		if (words_is_kexec(&words, &record))
			status->kexec = kexecs + 1;
	}
}

/* Nothing at all is no record by any header, so it takes no log to read it. */
static int read_pending(const struct options *options, struct status *status)
{
	struct tcg2_log_head head;
	struct blob both;
	size_t at;
	int ret;

	ret = input_try_pending(options, &both);
	if (ret)
		return ret;
	at = both.len;
	input_free(&both);
	if (!at)
		return 0;

	if (input_log_and_pending(options, &both, &head, &at))
		return -EBADMSG;
	count_pending(status, &both, &head, at);
	input_free(&both);
	return 0;
}

static void print_pending(const struct status *status)
{
	const char *comma = " ";
	unsigned int pcr;

	if (status->pending == -ENOENT) {
		puts("Pending measurements: unknown; the kernel measures no kexec, or\n"
		     "securityfs is not mounted.");
	} else if (status->pending) {
		printf("Pending measurements: unknown (%s).\n",
		       strerror(-status->pending));
	} else if (!status->events) {
		puts("Pending measurements: none; an execute would extend nothing.");
	} else {
		printf("Pending measurements: %u events", status->events);
		if (status->kexec)
			printf(" of kexec number %u", status->kexec);
		fputs(", PCRs", stdout);
		for (pcr = 0; pcr < NR_PCRS; pcr++) {
			if (!(status->pcrs & 1U << pcr))
				continue;
			printf("%s%u", comma, pcr);
			comma = ", ";
		}
		puts(".");
	}
}

static void print_text(const struct status *status)
{
	static const char * const loaded[] = {
		[NO] = "Nothing is loaded.",
		[YES] = "An image is loaded; \"systemctl kexec\" would execute it.",
		[UNKNOWN] = "Whether an image is loaded cannot be told.",
	};
	static const char * const crash[] = {
		[NO] = "No crash kernel is loaded.",
		[YES] = "A crash kernel is loaded.",
		[UNKNOWN] = "Whether a crash kernel is loaded cannot be told.",
	};
	static const char * const on[] = {
		[NO] = "off", [YES] = "on", [UNKNOWN] = "unknown",
	};

	puts(loaded[status->loaded]);
	puts(crash[status->crash_loaded]);
	print_pending(status);
	printf("Lockdown: %s.\n", *status->lockdown ? status->lockdown : "unknown");
	printf("Secure Boot: %s.\n", on[status->secure_boot]);
}

static void print_json_pending(const struct status *status)
{
	const char *comma = "";
	unsigned int pcr;

	if (status->pending) {
		printf("null");
		return;
	}
	printf("{\n    \"events\": %u,\n    \"kexec\": ", status->events);
	if (status->kexec)
		printf("%u", status->kexec);
	else
		printf("null");
	printf(",\n    \"pcrs\": [");
	for (pcr = 0; pcr < NR_PCRS; pcr++) {
		if (!(status->pcrs & 1U << pcr))
			continue;
		printf("%s%u", comma, pcr);
		comma = ", ";
	}
	printf("]\n  }");
}

static void print_json(const struct status *status)
{
	static const char * const word[] = {
		[NO] = "false", [YES] = "true", [UNKNOWN] = "null",
	};
	const char *quote = *status->lockdown ? "\"" : "";

	printf("{\n  \"loaded\": %s,\n  \"crash_loaded\": %s,\n  \"pending\": ",
	       word[status->loaded], word[status->crash_loaded]);
	print_json_pending(status);
	printf(",\n  \"lockdown\": %s%s%s,\n  \"secure_boot\": %s\n}\n", quote,
	       *status->lockdown ? status->lockdown : "null", quote,
	       word[status->secure_boot]);
}

int cmd_status(const struct options *options)
{
	struct status status = {
		.loaded = read_flag(LOADED),
		.crash_loaded = read_flag(CRASH_LOADED),
		.secure_boot = read_secure_boot(),
	};

	read_lockdown(status.lockdown);
	status.pending = read_pending(options, &status);
	if (options->json)
		print_json(&status);
	else
		print_text(&status);
	if (status.pending == -EBADMSG || status.loaded == UNKNOWN)
		return STATUS_UNKNOWN;
	return status.loaded == YES ? STATUS_OK : STATUS_DIFFERS;
}
