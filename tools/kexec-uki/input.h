/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_INPUT_H
#define KEXEC_UKI_INPUT_H

#include <linux/tcg2_log.h>

#include "kexec-uki.h"

/**
 * struct blob - a file in memory
 * @data: its content, to be freed; never NULL after success
 * @len: its length
 */
struct blob {
	u8 *data;
	size_t len;
};

void input_free(struct blob *blob);
int input_try_file(const char *path, struct blob *blob);
int input_try_pending(const struct options *options, struct blob *blob);
int input_file(const char *path, struct blob *blob);
int input_log(const struct options *options, struct blob *blob);
int input_boot_log(const struct options *options, struct blob *blob);
int input_pending(const struct options *options, struct blob *blob);
int input_tpm_device(const struct options *options, char *path, size_t size);
int input_head(const struct blob *log, struct tcg2_log_head *head);

#endif /* KEXEC_UKI_INPUT_H */
