// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for the verification of signed PE files
 *
 * They go through verify_pefile_signature() with files that are signed for real,
 * since most of its code runs only once the PKCS#7 message has been accepted.
 * A message can be moved to any other file: it says nothing about the file but
 * its digest.  Every file ends at an unmapped page.
 */

#include <keys/asymmetric-type.h>
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/key.h>
#include <linux/pe.h>
#include <linux/sizes.h>
#include <linux/unaligned.h>
#include <linux/verification.h>
#include <linux/vmalloc.h>

#include "verify_pefile-testvecs.h"

/* Of all files */
#define HEADER_SIZE	512

static struct key *trusted_keys;
static struct key *no_keys;

static void free_guarded_buf(void *buf)
{
	vfree(buf);
}

/* The byte behind the buffer is not mapped. */
static u8 *alloc_guarded_buf(struct kunit *test, size_t len)
{
	size_t full_len = round_up(len, PAGE_SIZE);
	u8 *buf = vzalloc(full_len);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_guarded_buf, buf));
	return buf + full_len - len;
}

static u8 *guarded_copy(struct kunit *test, const struct signed_file *file)
{
	u8 *buf = alloc_guarded_buf(test, file->len);

	memcpy(buf, file->file, file->len);
	return buf;
}

static int verify(const u8 *buf, size_t len)
{
	return verify_pefile_signature(buf, len, trusted_keys,
				       VERIFYING_KEXEC_PE_SIGNATURE);
}

static size_t header_size_off(void)
{
	return 64 + sizeof(struct pe_hdr) +
	       offsetof(struct pe32plus_opt_hdr, header_size);
}

/* PE32+, two sections, headers at 64. */
static const struct signed_file *plain_file(void)
{
	return &signed_files[0];
}

static void put_raw(u8 *buf, const struct signed_file *file, unsigned int idx,
		    u32 off, u32 len)
{
	u8 *entry = buf + file->sections_off +
		    idx * sizeof(struct section_header);

	put_unaligned_le32(off, entry +
			   offsetof(struct section_header, data_addr));
	put_unaligned_le32(len, entry +
			   offsetof(struct section_header, raw_data_size));
}

/*
 * What firmware accepts is accepted.  Among the files is one without sections,
 * one whose section table does not follow the data directories, and one whose
 * digest depends on the order of sections with the same PointerToRawData.
 */
static void test_signed(struct kunit *test)
{
	const struct signed_file *file = test->param_value;
	u8 *buf = guarded_copy(test, file);

	KUNIT_EXPECT_EQ(test, verify(buf, file->len), 0);
	KUNIT_EXPECT_EQ(test, -ENOKEY,
			verify_pefile_signature(buf, file->len, no_keys,
						VERIFYING_KEXEC_PE_SIGNATURE));
}

/* Not signed are CheckSum and bytes that neither a section nor the tail has. */
static bool is_signed(const struct signed_file *file, size_t off)
{
	return (off < file->csum_off || off >= file->csum_off + sizeof(u32)) &&
	       (off < file->gap_off || off >= file->gap_end);
}

/*
 * What is signed cannot change, and what is not can: whoever uses a file must
 * not use the latter.  In the headers one byte of each word has to do, since
 * every refusal is logged.
 */
static void test_changed_bytes(struct kunit *test)
{
	const struct signed_file *file = test->param_value;
	u8 *buf = guarded_copy(test, file);
	size_t step;

	for (size_t i = 0; i < file->certs_off; i += step) {
		int ret;

		step = i < HEADER_SIZE ? 4 : 1;
		buf[i] ^= 1;
		ret = verify(buf, file->len);
		buf[i] ^= 1;
		if (is_signed(file, i))
			KUNIT_EXPECT_LT_MSG(test, ret, 0, "byte %zu", i);
		else
			KUNIT_EXPECT_EQ_MSG(test, ret, 0, "byte %zu", i);
	}
}

KUNIT_ARRAY_PARAM_DESC(signed_file, signed_files, name);

/* No part of a signed file is accepted; the suite "pefile" tries all lengths. */
static void test_truncation(struct kunit *test)
{
	const struct signed_file *file = plain_file();
	u8 *end = alloc_guarded_buf(test, file->len) + file->len;

	for (size_t len = 0; len < file->len; len += len < 64 ? 64 : 13) {
		memcpy(end - len, file->file, len);
		KUNIT_EXPECT_EQ_MSG(test, verify(end - len, len), -ELIBBAD,
				    "len=%zu", len);
	}
}

/* The digest of the file is not the one that was signed. */
static void test_other_digest(struct kunit *test)
{
	const struct signed_file *file = plain_file();
	u8 *buf = guarded_copy(test, file);

	buf[file->certs_off - 1] ^= 0xff;
	KUNIT_EXPECT_EQ(test, verify(buf, file->len), -EKEYREJECTED);
}

/* No certificate table, and no directory entry that could point to one. */
static void test_unsigned(struct kunit *test)
{
	const struct signed_file *file = plain_file();
	u8 *buf = guarded_copy(test, file);
	size_t nr_dirs_off = file->cert_dirent_off -
			     offsetof(struct data_directory, certs) -
			     sizeof(u32);

	put_unaligned_le32(4, buf + nr_dirs_off);
	KUNIT_EXPECT_EQ(test, verify(buf, file->len), -ENODATA);
	put_unaligned_le32(16, buf + nr_dirs_off);
	KUNIT_EXPECT_EQ(test, verify(buf, file->len), 0);
	memset(buf + file->cert_dirent_off, 0, sizeof(struct data_dirent));
	KUNIT_EXPECT_EQ(test, verify(buf, file->len), -ENODATA);
}

/* Headers beyond the file, and no headers. */
static void test_bad_headers(struct kunit *test)
{
	const struct signed_file *file = plain_file();
	u8 *buf = guarded_copy(test, file);

	put_unaligned_le32(file->len + 1, buf + header_size_off());
	KUNIT_EXPECT_EQ(test, verify(buf, file->len), -ELIBBAD);
	buf[0] = 0;
	KUNIT_EXPECT_EQ(test, verify(buf, file->len), -ELIBBAD);
}

/*
 * A valid message in front of sections that are not in the file: the digest must
 * not be computed.
 */
static void test_section_outside(struct kunit *test)
{
	const struct signed_file *file = plain_file();
	static const struct {
		u32 off;
		u32 len;
	} beyond_end[] = {
		/* Relative to the file's end */
		{ -1, 2 },
		{ 0, 1 },
		{ 0, PAGE_SIZE },
		{ 1, 1 },
		{ 0x1000000, 1 },
		{ -1, 0x80000000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(beyond_end); i++) {
		u8 *buf = guarded_copy(test, file);

		put_raw(buf, file, 1, file->len + beyond_end[i].off,
			beyond_end[i].len);
		KUNIT_EXPECT_EQ_MSG(test, verify(buf, file->len), -ELIBBAD,
				    "off=%#x len=%#x", beyond_end[i].off,
				    beyond_end[i].len);
	}
}

/*
 * Sections that share their bytes, 2^32 of them in all.  A sum of 32 bits is
 * back at SizeOfHeaders then, and such a file seems to add up.  Nobody should
 * hash 4 GiB to find out.
 */
static void test_sum_wraps(struct kunit *test)
{
	const struct signed_file *file = plain_file();
	const u32 header_size = SZ_32K, raw_len = SZ_8M, nr = SZ_4G / SZ_8M;
	size_t cert_len = file->len - file->certs_off;
	size_t len = header_size + raw_len + cert_len;
	u8 *buf = alloc_guarded_buf(test, len);

	memcpy(buf, file->file, file->sections_off);
	memcpy(buf + len - cert_len, file->file + file->certs_off, cert_len);
	put_unaligned_le16(nr, buf + 64 + offsetof(struct pe_hdr, sections));
	put_unaligned_le32(header_size, buf + header_size_off());
	put_unaligned_le32(len - cert_len, buf + file->cert_dirent_off);
	for (u32 i = 0; i < nr; i++)
		put_raw(buf, file, i, header_size, raw_len);
	KUNIT_EXPECT_EQ(test, verify(buf, len), -ELIBBAD);
}

/*
 * A wrapper that claims to be shorter than its own header, around a message that
 * claims to go far beyond the end of the file.
 */
static void test_short_wrapper(struct kunit *test)
{
	static const u8 message[] = { 0x30, 0x82, 0xff, 0xf0 };
	const struct signed_file *file = plain_file();
	u8 *buf = guarded_copy(test, file);

	memcpy(buf + file->certs_off + 8, message, sizeof(message));
	for (u32 len = 0; len < 12; len++) {
		put_unaligned_le32(len, buf + file->certs_off);
		KUNIT_EXPECT_EQ_MSG(test, verify(buf, file->len),
				    len < 8 ? -ELIBBAD : -EKEYREJECTED,
				    "length %u", len);
	}
}

static struct key *alloc_keyring(void)
{
	return keyring_alloc(".verify_pefile_kunit", GLOBAL_ROOT_UID,
			     GLOBAL_ROOT_GID, current_cred(),
			     (KEY_POS_ALL & ~KEY_POS_SETATTR) | KEY_USR_VIEW |
			     KEY_USR_READ | KEY_USR_SEARCH,
			     KEY_ALLOC_NOT_IN_QUOTA, NULL, NULL);
}

static void verify_pefile_suite_exit(struct kunit_suite *suite)
{
	key_put(trusted_keys);
	key_put(no_keys);
	trusted_keys = NULL;
	no_keys = NULL;
}

static int verify_pefile_suite_init(struct kunit_suite *suite)
{
	trusted_keys = alloc_keyring();
	if (IS_ERR(trusted_keys))
		return PTR_ERR(trusted_keys);
	no_keys = alloc_keyring();
	if (IS_ERR(no_keys)) {
		key_put(trusted_keys);
		return PTR_ERR(no_keys);
	}
	/* Reports a certificate that it cannot take, but returns 0. */
	return x509_load_certificate_list(test_cert, sizeof(test_cert),
					  trusted_keys);
}

static struct kunit_case verify_pefile_test_cases[] = {
	KUNIT_CASE_PARAM(test_signed, signed_file_gen_params),
	KUNIT_CASE_PARAM(test_changed_bytes, signed_file_gen_params),
	KUNIT_CASE(test_truncation),
	KUNIT_CASE(test_other_digest),
	KUNIT_CASE(test_unsigned),
	KUNIT_CASE(test_bad_headers),
	KUNIT_CASE(test_section_outside),
	KUNIT_CASE(test_sum_wraps),
	KUNIT_CASE(test_short_wrapper),
	{},
};

static struct kunit_suite verify_pefile_test_suite = {
	.name = "verify_pefile",
	.suite_init = verify_pefile_suite_init,
	.suite_exit = verify_pefile_suite_exit,
	.test_cases = verify_pefile_test_cases,
};

kunit_test_suite(verify_pefile_test_suite);

MODULE_DESCRIPTION("KUnit tests for the verification of signed PE files");
MODULE_LICENSE("GPL");
