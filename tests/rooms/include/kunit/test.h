/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of KUnit as the suites of the pure rooms use, for user space
 *
 * So they run as they are on processors whose kernel nobody wants to build first.
 * It must fail a test wherever KUnit would.
 */
#ifndef ROOMS_KUNIT_TEST_H
#define ROOMS_KUNIT_TEST_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/errno.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/types.h>

#if __SIZEOF_POINTER__ == 8
#define CONFIG_64BIT	1
#endif
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define CONFIG_CPU_BIG_ENDIAN	1
#endif

/* Those of tools/include forget parentheses, and take but equal types. */
#undef min
#undef max
#undef min_t
#undef max_t
#define min(x, y) ({				\
	const __auto_type min_x_ = (x);		\
	const __auto_type min_y_ = (y);		\
	min_x_ < min_y_ ? min_x_ : min_y_;	\
})
#define max(x, y) ({				\
	const __auto_type max_x_ = (x);		\
	const __auto_type max_y_ = (y);		\
	max_x_ > max_y_ ? max_x_ : max_y_;	\
})
#define min_t(type, x, y)	min((type)(x), (type)(y))
#define max_t(type, x, y)	max((type)(x), (type)(y))

#define swap(a, b) do {			\
	typeof(a) swap_ = (a);		\
	(a) = (b);			\
	(b) = swap_;			\
} while (0)

#undef strscpy
#define strscpy_2(to, from)		snprintf(to, sizeof(to), "%s", from)
#define strscpy_3(to, from, size)	snprintf(to, size, "%s", from)
#define strscpy_pick(to, from, size, name, ...)	name
#define strscpy(...) \
	strscpy_pick(__VA_ARGS__, strscpy_3, strscpy_2, 0)(__VA_ARGS__)

void *memchr_inv(const void *data, int byte, size_t len);

#define KUNIT_PARAM_DESC_SIZE	128
#define GFP_KERNEL		0

struct kunit {
	const void *param_value;
	void *priv;
	const char *name;
	bool failed;
	bool skipped;
	jmp_buf end;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(struct kunit *test, const void *prev,
				       char *desc);
};

struct kunit_suite {
	const char *name;
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(fn)			{ .run_case = fn, .name = #fn }
#define KUNIT_CASE_SLOW(fn)		KUNIT_CASE(fn)
#define KUNIT_CASE_PARAM(fn, gen)	\
	{ .run_case = fn, .name = #fn, .generate_params = gen }

#define KUNIT_ARRAY_PARAM_DESC(name, array, text)			\
	static const void *name##_gen_params(struct kunit *test,	\
					     const void *prev, char *desc)	\
	{								\
		typeof((array)[0]) *next = prev;			\
									\
		next = next ? next + 1 : (array);			\
		if (next - (array) >= (long)ARRAY_SIZE(array))		\
			return NULL;					\
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", next->text);	\
		return next;						\
	}

void kunit_fail(struct kunit *test, const char *file, int line,
		const char *what);
void *kunit_zalloc(struct kunit *test, size_t nr, size_t size);
int kunit_add_action_or_reset(struct kunit *test, void (*action)(void *data),
			      void *data);

#define kunit_kzalloc(test, size, flags)	kunit_zalloc(test, 1, size)
#define kunit_kmalloc(test, size, flags)	kunit_zalloc(test, 1, size)
#define kunit_kcalloc(test, nr, size, flags)	kunit_zalloc(test, nr, size)
#define kunit_kmalloc_array(test, nr, size, flags) kunit_zalloc(test, nr, size)
#define kunit_skip(test, ...) do {				\
	(test)->skipped = true;					\
	longjmp((test)->end, 1);				\
} while (0)

#define KUNIT_DEFINE_ACTION_WRAPPER(wrapper, orig, type)	\
	static void wrapper(void *data)				\
	{							\
		orig((type)data);				\
	}

#define KUNIT_FAIL(test, ...) \
	kunit_fail(test, __FILE__, __LINE__, "KUNIT_FAIL")

#define kunit_demand(test, holds, what)	do {			\
	if (!(holds))						\
		kunit_fail(test, __FILE__, __LINE__, what);	\
} while (0)

#define kunit_insist(test, holds, what)	do {			\
	if (!(holds)) {						\
		kunit_fail(test, __FILE__, __LINE__, what);	\
		longjmp((test)->end, 1);			\
	}							\
} while (0)

/* Types as KUnit has them: each side keeps its own. */
#define kunit_cmp(left, op, right) ({				\
	const typeof(left) left_ = (left);			\
	const typeof(right) right_ = (right);			\
	left_ op right_;					\
})
#define kunit_text(left, op, right)	#left " " #op " " #right

#define KUNIT_EXPECT_EQ(test, l, r) \
	kunit_demand(test, kunit_cmp(l, ==, r), kunit_text(l, ==, r))
#define KUNIT_EXPECT_NE(test, l, r) \
	kunit_demand(test, kunit_cmp(l, !=, r), kunit_text(l, !=, r))
#define KUNIT_EXPECT_LT(test, l, r) \
	kunit_demand(test, kunit_cmp(l, <, r), kunit_text(l, <, r))
#define KUNIT_EXPECT_LE(test, l, r) \
	kunit_demand(test, kunit_cmp(l, <=, r), kunit_text(l, <=, r))
#define KUNIT_EXPECT_GT(test, l, r) \
	kunit_demand(test, kunit_cmp(l, >, r), kunit_text(l, >, r))
#define KUNIT_EXPECT_GE(test, l, r) \
	kunit_demand(test, kunit_cmp(l, >=, r), kunit_text(l, >=, r))
#define KUNIT_EXPECT_TRUE(test, c)	kunit_demand(test, c, #c)
#define KUNIT_EXPECT_FALSE(test, c)	kunit_demand(test, !(c), "!" #c)
#define KUNIT_EXPECT_NULL(test, p)	kunit_demand(test, !(p), "no " #p)
#define KUNIT_EXPECT_NOT_NULL(test, p)	kunit_demand(test, (p) != NULL, #p)
#define KUNIT_EXPECT_PTR_EQ(test, l, r)	KUNIT_EXPECT_EQ(test, l, r)
#define KUNIT_EXPECT_STREQ(test, l, r)	\
	kunit_demand(test, !strcmp(l, r), kunit_text(l, is, r))
#define KUNIT_EXPECT_STRNEQ(test, l, r)	\
	kunit_demand(test, strcmp(l, r), kunit_text(l, is not, r))
#define KUNIT_EXPECT_MEMEQ(test, l, r, n) \
	kunit_demand(test, !memcmp(l, r, n), kunit_text(l, is, r))
#define KUNIT_EXPECT_MEMNEQ(test, l, r, n) \
	kunit_demand(test, memcmp(l, r, n), kunit_text(l, is not, r))

#define KUNIT_ASSERT_EQ(test, l, r) \
	kunit_insist(test, kunit_cmp(l, ==, r), kunit_text(l, ==, r))
#define KUNIT_ASSERT_NE(test, l, r) \
	kunit_insist(test, kunit_cmp(l, !=, r), kunit_text(l, !=, r))
#define KUNIT_ASSERT_LT(test, l, r) \
	kunit_insist(test, kunit_cmp(l, <, r), kunit_text(l, <, r))
#define KUNIT_ASSERT_LE(test, l, r) \
	kunit_insist(test, kunit_cmp(l, <=, r), kunit_text(l, <=, r))
#define KUNIT_ASSERT_GT(test, l, r) \
	kunit_insist(test, kunit_cmp(l, >, r), kunit_text(l, >, r))
#define KUNIT_ASSERT_GE(test, l, r) \
	kunit_insist(test, kunit_cmp(l, >=, r), kunit_text(l, >=, r))
#define KUNIT_ASSERT_TRUE(test, c)	kunit_insist(test, c, #c)
#define KUNIT_ASSERT_FALSE(test, c)	kunit_insist(test, !(c), "!" #c)
#define KUNIT_ASSERT_NOT_NULL(test, p)	kunit_insist(test, (p) != NULL, #p)

#define KUNIT_EXPECT_EQ_MSG(test, l, r, ...)	KUNIT_EXPECT_EQ(test, l, r)
#define KUNIT_EXPECT_NE_MSG(test, l, r, ...)	KUNIT_EXPECT_NE(test, l, r)
#define KUNIT_EXPECT_LT_MSG(test, l, r, ...)	KUNIT_EXPECT_LT(test, l, r)
#define KUNIT_EXPECT_LE_MSG(test, l, r, ...)	KUNIT_EXPECT_LE(test, l, r)
#define KUNIT_EXPECT_GT_MSG(test, l, r, ...)	KUNIT_EXPECT_GT(test, l, r)
#define KUNIT_EXPECT_GE_MSG(test, l, r, ...)	KUNIT_EXPECT_GE(test, l, r)
#define KUNIT_EXPECT_TRUE_MSG(test, c, ...)	KUNIT_EXPECT_TRUE(test, c)
#define KUNIT_EXPECT_FALSE_MSG(test, c, ...)	KUNIT_EXPECT_FALSE(test, c)
#define KUNIT_EXPECT_NULL_MSG(test, p, ...)	KUNIT_EXPECT_NULL(test, p)
#define KUNIT_EXPECT_NOT_NULL_MSG(test, p, ...)	KUNIT_EXPECT_NOT_NULL(test, p)
#define KUNIT_EXPECT_MEMEQ_MSG(test, l, r, n, ...) \
	KUNIT_EXPECT_MEMEQ(test, l, r, n)
#define KUNIT_EXPECT_STREQ_MSG(test, l, r, ...)	KUNIT_EXPECT_STREQ(test, l, r)
#define KUNIT_ASSERT_EQ_MSG(test, l, r, ...)	KUNIT_ASSERT_EQ(test, l, r)
#define KUNIT_ASSERT_TRUE_MSG(test, c, ...)	KUNIT_ASSERT_TRUE(test, c)

#undef MODULE_LICENSE
#undef MODULE_DESCRIPTION
#define MODULE_LICENSE(text)
#define MODULE_DESCRIPTION(text)

int kunit_main(const struct kunit_suite *suite);

/* Each suite is a program. */
#define kunit_test_suite(suite)		\
	int main(void)			\
	{				\
		return kunit_main(&(suite));	\
	}				\
	extern int kunit_main(const struct kunit_suite *suite)

#endif /* ROOMS_KUNIT_TEST_H */
