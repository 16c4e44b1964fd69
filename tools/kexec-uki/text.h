/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KEXEC_UKI_TEXT_H
#define KEXEC_UKI_TEXT_H

#include <stdio.h>

#include <linux/types.h>

void text_hex(FILE *out, const u8 *data, size_t len);
void text_ascii(FILE *out, const u8 *data, size_t len);
void text_plain(FILE *out, const char *text);
void text_utf16(FILE *out, const u8 *data, size_t len);
void text_guess(FILE *out, const u8 *data, size_t len);

/* "kexec-uki: "path": why" on standard error; returns -1 */
int complain_path(const char *path, const char *why);

#endif /* KEXEC_UKI_TEXT_H */
