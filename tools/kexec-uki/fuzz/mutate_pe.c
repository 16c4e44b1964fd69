// SPDX-License-Identifier: GPL-2.0
/*
 * Mutations of PE files for libFuzzer
 *
 * Changes fields of the headers to values that mean something in the file at
 * hand, and sections as a whole; three times out of four only, and not where there
 * are no headers, so that libFuzzer's own mutations have their part.  This must
 * never check anything: what a target does not get cannot be found.
 */

#include "fuzz.h"

#define ENTRY_LEN	40
#define COFF_LEN	24

struct place {
	u8 *buf;
	size_t len;
	size_t max;
	size_t coff;
	size_t table;
	size_t nr;
	u32 random;
};

/* Numerical Recipes' generator: what is random here need not be good. */
static u32 pick(struct place *pe, u32 below)
{
	pe->random = pe->random * 1664525 + 1013904223;
	return (pe->random >> 8) % below;
}

static void put(u8 *p, u64 value, unsigned int n)
{
	for (; n; n--, value >>= 8)
		*p++ = value;
}

static bool locate(struct place *pe)
{
	if (pe->len < 64)
		return false;
	pe->coff = fuzz_le(pe->buf + 60, 4);
	if (pe->coff > pe->len || pe->len - pe->coff < COFF_LEN + 96)
		return false;
	pe->table = pe->coff + COFF_LEN + fuzz_le(pe->buf + pe->coff + 20, 2);
	pe->nr = fuzz_le(pe->buf + pe->coff + 6, 2);
	if (pe->table > pe->len)
		return false;
	if (pe->nr > (pe->len - pe->table) / ENTRY_LEN)
		pe->nr = (pe->len - pe->table) / ENTRY_LEN;
	return pe->nr;
}

static u8 *entry(struct place *pe)
{
	return pe->buf + pe->table + pick(pe, pe->nr) * ENTRY_LEN;
}

/* SizeOfHeaders */
static u8 *header_size(struct place *pe)
{
	return pe->buf + pe->coff + COFF_LEN + 60;
}

/* A number that is near a limit of this file. */
static u32 telling(struct place *pe, u32 old)
{
	const u8 *other = entry(pe);
	u32 value;

	switch (pick(pe, 12)) {
	case 0:
		return 0;
	case 1:
		value = pe->len;
		break;
	case 2:
		value = fuzz_le(header_size(pe), 4);
		break;
	case 3:
		value = fuzz_le(header_size(pe) - 4, 4);
		break;
	case 4:
		value = fuzz_le(other + 8 + 4 * pick(pe, 4), 4);
		break;
	case 5:
		value = fuzz_le(other + 8, 4) + fuzz_le(other + 12, 4);
		break;
	case 6:
		value = fuzz_le(other + 16, 4) + fuzz_le(other + 20, 4);
		break;
	case 7:
		value = pe->len - fuzz_le(other + 20, 4);
		break;
	case 8:
		value = 1U << pick(pe, 32);
		break;
	case 9:
		value = -1U - pick(pe, 64);
		break;
	case 10:
		return pe->random;
	default:
		value = old;
	}
	return value + pick(pe, 5) - 2;
}

static void change_entry(struct place *pe)
{
	u8 *field = entry(pe) + 8 + 4 * pick(pe, 4);

	put(field, telling(pe, fuzz_le(field, 4)), 4);
}

static void change_header(struct place *pe)
{
	static const struct { u16 off, size; } fields[] = {
		{ 4, 2 }, { 6, 2 }, { 20, 2 }, { 24, 2 }, { 24 + 32, 4 },
		{ 24 + 56, 4 }, { 24 + 60, 4 }, { 24 + 64, 4 }, { 24 + 68, 2 },
		{ 24 + 92, 4 }, { 24 + 108, 4 },
		/* The certificate table's and the relocations' entries. */
		{ 24 + 128, 4 }, { 24 + 132, 4 }, { 24 + 144, 4 }, { 24 + 148, 4 },
		{ 24 + 136, 4 }, { 24 + 140, 4 }, { 24 + 152, 4 }, { 24 + 156, 4 },
	};
	u32 i = pick(pe, ARRAY_SIZE(fields) + 1);
	u8 *field;

	if (i == ARRAY_SIZE(fields)) {
		put(pe->buf + 60, telling(pe, pe->coff), 4);
		return;
	}
	if (pe->coff + fields[i].off + fields[i].size > pe->len)
		return;
	field = pe->buf + pe->coff + fields[i].off;
	put(field, telling(pe, fuzz_le(field, fields[i].size)), fields[i].size);
}

static void rename_entry(struct place *pe)
{
	static const char names[][9] = {
		".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash",
		".dtb", ".uname", ".sbat", ".pcrsig", ".pcrpkey", ".profile",
		".dtbauto", ".hwids", ".efifw", ".text", ".linux\0x", ".linuxes",
	};

	memcpy(entry(pe), names[pick(pe, ARRAY_SIZE(names))], 8);
}

static void exchange_entries(struct place *pe)
{
	u8 *first = entry(pe), *second = entry(pe), saved[ENTRY_LEN];

	memcpy(saved, first, ENTRY_LEN);
	memmove(first, second, ENTRY_LEN);
	if (pick(pe, 2))
		memcpy(second, saved, ENTRY_LEN);
}

/* All that lies behind the table moves by one entry. */
static void move_rest(struct place *pe, int by)
{
	u8 *count = pe->buf + pe->coff + 6;
	u8 *certs = pe->buf + pe->coff + COFF_LEN + 112 + 32;

	put(count, fuzz_le(count, 2) + by, 2);
	put(header_size(pe), fuzz_le(header_size(pe), 4) + by * ENTRY_LEN, 4);
	for (size_t i = 0; i < pe->nr; i++) {
		u8 *raw = pe->buf + pe->table + i * ENTRY_LEN + 20;

		put(raw, fuzz_le(raw, 4) + by * ENTRY_LEN, 4);
	}
	if (pe->coff + COFF_LEN + 112 + 40 <= pe->table && fuzz_le(certs + 4, 4))
		put(certs, fuzz_le(certs, 4) + by * ENTRY_LEN, 4);
	pe->len += by * ENTRY_LEN;
}

static void add_entry(struct place *pe)
{
	size_t at = pe->table + pick(pe, pe->nr) * ENTRY_LEN;

	if (pe->len + ENTRY_LEN > pe->max)
		return;
	memmove(pe->buf + at + ENTRY_LEN, pe->buf + at, pe->len - at);
	pe->nr++;
	move_rest(pe, 1);
	if (pick(pe, 2))
		rename_entry(pe);
}

static void drop_entry(struct place *pe)
{
	size_t at = pe->table + pick(pe, pe->nr) * ENTRY_LEN;

	if (pe->nr < 2)
		return;
	memmove(pe->buf + at, pe->buf + at + ENTRY_LEN, pe->len - at - ENTRY_LEN);
	pe->nr--;
	move_rest(pe, -1);
}

/* The content of a section, in place. */
static void change_content(struct place *pe)
{
	const u8 *section = entry(pe);
	u64 size = fuzz_le(section + 16, 4), off = fuzz_le(section + 20, 4);

	if (size && off + size <= pe->len)
		LLVMFuzzerMutate(pe->buf + off, size, size);
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t len, size_t max,
			       unsigned int seed)
{
	static void (*const changes[])(struct place *) = {
		change_entry, change_entry, change_entry, change_header,
		change_header, rename_entry, exchange_entries, add_entry,
		drop_entry, change_content, change_content,
	};
	struct place pe = { .buf = data, .len = len, .max = max, .random = seed };

	if (!pick(&pe, 4))
		return LLVMFuzzerMutate(data, len, max);
	do {
		if (!locate(&pe))
			break;
		changes[pick(&pe, ARRAY_SIZE(changes))](&pe);
	} while (pick(&pe, 2));
	return pe.len ?: LLVMFuzzerMutate(data, len, max);
}
