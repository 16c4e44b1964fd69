// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target of lib/uki.c as far as it makes text; the input is a command line
 *
 * Checked: the profile's selector against strtoull(); mangling against what
 * systemd-stub does, in its three passes (to UCS-2, mangle, and back); that the
 * result is well-formed UTF-8 without control characters or blanks at its ends,
 * no longer than the text, and does not change when it is mangled again; UTF-16
 * of the text and of the result; uki_addon_fits() against strncmp(); nothing
 * written behind the room that the kernel-doc asks for; the text unchanged.
 */

#include <ctype.h>
#include <limits.h>
#include <linux/uki.h>

#include "fuzz.h"

/* parse_profile_from_cmdline(): @, a number, the end or a space. */
static void check_selector(const char *text, size_t len)
{
	size_t used, digits, want = 0;
	unsigned int profile = 0x5a5a5a5a;
	unsigned long long number = 0;
	char *copy = strndup(text, len);

	digits = *copy == '@' ? strspn(copy + 1, "0123456789") : 0;
	if (digits) {
		number = strtoull(copy + 1, NULL, 10);
		if (number > UINT_MAX)
			digits = 0;
	}
	if (digits && (!copy[1 + digits] || copy[1 + digits] == ' '))
		want = 1 + digits + (copy[1 + digits] == ' ');
	used = uki_profile_selector(text, len, &profile);
	MUST(used == want && used <= len);
	MUST(profile == (used ? number : 0x5a5a5a5a));
	free(copy);
}

/*
 * utf8_to_unichar() and xstrn8_to_16(): the first byte says how many there are,
 * one to six; if another is wrong they are dropped all the same, and a sequence
 * that is cut off drops what is left.  Surrogates and what has more than 16 bits
 * are dropped, and a NUL ends the text however it is written.
 */
static size_t second_decode(const u8 *text, size_t len, u16 *out)
{
	static const struct { u8 mask, is, n; } firsts[] = {
		{ 0x80, 0x00, 1 }, { 0xe0, 0xc0, 2 }, { 0xf0, 0xe0, 3 },
		{ 0xf8, 0xf0, 4 }, { 0xfc, 0xf8, 5 }, { 0xfe, 0xfc, 6 },
	};
	size_t nr = 0, pos = 0;

	while (pos < len && text[pos]) {
		unsigned int n = 1, i;
		bool good = false;
		u64 value = 0;

		for (i = 0; i < ARRAY_SIZE(firsts) && !good; i++) {
			if ((text[pos] & firsts[i].mask) != firsts[i].is)
				continue;
			n = firsts[i].n;
			value = text[pos] & (u8)~firsts[i].mask;
			good = true;
		}
		if (n > len - pos)
			break;
		for (i = 1; i < n; i++) {
			good &= text[pos + i] >= 0x80 && text[pos + i] < 0xc0;
			value = value * 64 + text[pos + i] % 64;
		}
		pos += n;
		if (good && !value)
			break;
		if (good && (value < 0xd800 || (value > 0xdfff && value <= 0xffff)))
			out[nr++] = value;
	}
	return nr;
}

/* mangle_stub_cmdline(), in place. */
static size_t second_mangle(u16 *text, size_t nr)
{
	size_t start = 0, i;

	for (i = 0; i < nr; i++)
		if (text[i] <= ' ' || text[i] == 0x7f)
			text[i] = ' ';
	while (nr && text[nr - 1] == ' ')
		nr--;
	while (start < nr && text[start] == ' ')
		start++;
	memmove(text, text + start, (nr - start) * sizeof(*text));
	return nr - start;
}

static size_t second_encode(char *out, const u16 *text, size_t nr)
{
	u8 *p = (u8 *)out;

	for (size_t i = 0; i < nr; i++) {
		unsigned int c = text[i];

		if (c > 0x7ff)
			*p++ = 0xe0 + c / 4096;
		if (c > 0x7f) {
			*p++ = c > 0x7ff ? 0x80 + c / 64 % 64 : 0xc0 + c / 64;
			*p++ = 0x80 + c % 64;
		} else {
			*p++ = c;
		}
	}
	return p - (u8 *)out;
}

static void check_utf16(const char *text, size_t len, const u16 *want, size_t nr)
{
	u8 *out = fuzz_room(2 * (len + 1));
	size_t size = uki_utf16le(out, text, len);

	MUST(size == 2 * (nr + 1) && size <= 2 * (len + 1));
	for (size_t i = 0; i < nr; i++)
		MUST(fuzz_le(out + 2 * i, 2) == want[i]);
	MUST(!fuzz_le(out + 2 * nr, 2));
	free(out);
}

/* What anybody may ask of the result, whatever the text was. */
static void check_result(const char *text, size_t len)
{
	char *again = fuzz_room(len + 1);

	MUST(!text[len] && strlen(text) == len);
	MUST(!len || (text[0] != ' ' && text[len - 1] != ' '));
	for (size_t i = 0; i < len; i++)
		MUST(!iscntrl((u8)text[i]) || (u8)text[i] >= 0x80);
	MUST(uki_mangle_cmdline(again, text, len) == len);
	MUST(!memcmp(again, text, len + 1));
	free(again);
}

static void check_mangling(const char *text, size_t len)
{
	u16 *chars = fuzz_room((len + 1) * sizeof(*chars));
	char *out = fuzz_room(len + 1), *want = fuzz_room(3 * len + 1);
	size_t nr, out_len;

	nr = second_decode((const u8 *)text, len, chars);
	check_utf16(text, len, chars, nr);
	nr = second_mangle(chars, nr);
	out_len = uki_mangle_cmdline(out, text, len);
	MUST(out_len <= len && out_len == second_encode(want, chars, nr));
	MUST(!memcmp(out, want, out_len));
	check_utf16(out, out_len, chars, nr);
	check_result(out, out_len);
	free(want);
	free(out);
	free(chars);
}

/* The text's parts before and behind the first newline are two .uname. */
static void check_addon_fits(const char *text, size_t len)
{
	const char *newline = len ? memchr(text, '\n', len) : NULL;
	size_t first = newline ? newline - text : 0;
	struct uki_newc_data uki = { .len = first, .zeros = len & 3 };
	struct uki_newc_data addon = { .len = len - first - !!newline,
				       .zeros = len >> 2 & 3 };
	char *a = calloc(1, len + 4), *b = calloc(1, len + 4);

	memcpy(a, text, uki.len);
	memcpy(b, text + len - addon.len, addon.len);
	uki.data = fuzz_copy(a, uki.len);
	addon.data = fuzz_copy(b, addon.len);
	MUST(uki_addon_fits(&uki, &addon) ==
	     !strncmp(a, b, addon.len + addon.zeros));
	MUST(uki_addon_fits(&addon, &addon) && uki_addon_fits(&uki, &uki));
	free((void *)uki.data);
	free((void *)addon.data);
	free(a);
	free(b);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	char *text = fuzz_copy(data, len);

	check_selector(text, len);
	check_mangling(text, len);
	check_addon_fits(text, len);
	MUST(!len || !memcmp(text, data, len));
	free(text);
	return 0;
}
