/*
 * Proves src/base/seal.c: what was sealed comes back, and nothing else does.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/seal.h"

static const char magic[SEAL_MAGIC] = "fthproof", other[SEAL_MAGIC] = "fthother";

static struct buf sealed;

static int
seal(void **state)
{
	(void)state;
	sealed = (struct buf){ 0 };
	return seal_add(&sealed, magic, 3, STR("what was learned"));
}

static int
end(void **state)
{
	(void)state;
	buf_free(&sealed);
	return 0;
}

static void
what_was_sealed_comes_back(void **state)
{
	(void)state;
	struct str body;
	assert_true(seal_open(buf_str(&sealed), magic, 3, &body));
	assert_true(str_eq(body, STR("what was learned")));
}

static void
another_kind_or_version_is_refused(void **state)
{
	(void)state;
	struct str body;
	assert_false(seal_open(buf_str(&sealed), other, 3, &body));
	assert_false(seal_open(buf_str(&sealed), magic, 4, &body));
}

static void
any_changed_byte_is_found(void **state)
{
	(void)state;
	struct str body;
	for (size_t i = 0; i < sealed.n; i++) {
		sealed.p[i] ^= 1;
		assert_false(seal_open(buf_str(&sealed), magic, 3, &body));
		sealed.p[i] ^= 1;
	}
	assert_true(seal_open(buf_str(&sealed), magic, 3, &body));
}

static void
what_was_cut_or_goes_on_is_refused(void **state)
{
	(void)state;
	struct str body;
	for (size_t n = 0; n < sealed.n; n++)
		assert_false(seal_open((struct str){ sealed.p, n }, magic, 3, &body));
	buf_add_c(&sealed, '.');
	assert_false(seal_open(buf_str(&sealed), magic, 3, &body));
}

static void
what_has_no_room_adds_nothing(void **state)
{
	(void)state;
	struct buf small = { 0 };
	buf_init(&small, 20);
	assert_int_equal(seal_add(&small, magic, 3, STR("what was learned")), -1);
	assert_int_equal(small.n, 0);
	buf_free(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_sealed_comes_back, seal, end),
		cmocka_unit_test_setup_teardown(another_kind_or_version_is_refused, seal, end),
		cmocka_unit_test_setup_teardown(any_changed_byte_is_found, seal, end),
		cmocka_unit_test_setup_teardown(what_was_cut_or_goes_on_is_refused, seal, end),
		cmocka_unit_test(what_has_no_room_adds_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
