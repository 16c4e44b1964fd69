// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for kernel/kexec_uki_core.c
 *
 * They ask which errno user space gets to see for a UKI that was refused, and
 * must not load anything.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/errno.h>

#include "../kexec_uki.h"

/* After these, systemctl or kexec-tools takes the UKI apart in user space. */
static bool is_forbidden(int err)
{
	static const int forbidden[] = {
		-ENOEXEC, -EINVAL, -ENOSYS, -EOPNOTSUPP, -ENOTSUPP,
	};

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		if (err == forbidden[i])
			return true;
	}
	return false;
}

static void test_errno(struct kunit *test)
{
	unsigned int nr_mapped = 0;

	for (int err = 0; err >= -MAX_ERRNO; err--) {
		bool mapped = is_forbidden(err);

		KUNIT_EXPECT_EQ_MSG(test, kexec_uki_errno(err),
				    mapped ? -ELIBBAD : err, "errno %d", -err);
		nr_mapped += mapped;
	}
	KUNIT_EXPECT_EQ(test, nr_mapped, 5);
}

/* The errno that takes their place is none of them. */
static void test_errno_is_final(struct kunit *test)
{
	for (int err = 0; err >= -MAX_ERRNO; err--) {
		int told = kexec_uki_errno(err);

		KUNIT_EXPECT_FALSE_MSG(test, is_forbidden(told), "errno %d",
				       -err);
		KUNIT_EXPECT_EQ(test, told, kexec_uki_errno(told));
	}
}

/* EINVAL is what kernel_read_file() says of a directory or an empty file. */
static void test_initrd_errno(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kexec_uki_initrd_errno(-EINVAL), -EBADF);
	KUNIT_EXPECT_EQ(test, kexec_uki_initrd_errno(-EBADF), -EBADF);
	KUNIT_EXPECT_EQ(test, kexec_uki_initrd_errno(-EFBIG), -EFBIG);
	KUNIT_EXPECT_EQ(test, kexec_uki_initrd_errno(-ENOMEM), -ENOMEM);
}

static struct kunit_case kexec_uki_cases[] = {
	KUNIT_CASE(test_errno),
	KUNIT_CASE(test_errno_is_final),
	KUNIT_CASE(test_initrd_errno),
	{}
};

static struct kunit_suite kexec_uki_suite = {
	.name = "kexec_uki",
	.test_cases = kexec_uki_cases,
};

kunit_test_suite(kexec_uki_suite);

MODULE_DESCRIPTION("KUnit tests for the errnos of refused UKIs");
MODULE_LICENSE("GPL");
