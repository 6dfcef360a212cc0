/*
 * Proves src/base/lru.c: what stays, what goes, and that a thing is its name's alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/lru.h"

enum { MOST = 3 };

static int *
at(struct lru *l, const char *name)
{
	return lru_at(l, str_from(name));
}

static int *
get(const struct lru *l, const char *name)
{
	return lru_get(l, str_from(name));
}

static void
a_new_thing_is_all_zeroes_and_keeps_what_it_is_given(void **state)
{
	(void)state;
	struct lru *l = lru_new(MOST, sizeof(int));
	char name[] = "one";
	assert_null(get(l, "one"));
	assert_int_equal(*at(l, name), 0);
	*at(l, name) = 1;
	name[0] = 'x'; /* the name was copied */
	assert_int_equal(*get(l, "one"), 1);
	assert_null(get(l, "xne"));
	*at(l, "") = 2;
	assert_int_equal(*get(l, ""), 2);
	assert_int_equal(*get(l, "one"), 1);
	lru_free(&l);
	assert_null(l);
	lru_free(&l);
}

static void
the_one_that_rested_longest_goes_for_a_new_one(void **state)
{
	(void)state;
	struct lru *l = lru_new(MOST, sizeof(int));
	*at(l, "a") = 1;
	*at(l, "b") = 2;
	*at(l, "c") = 3;
	at(l, "a");
	get(l, "b"); /* looked at, and not used */
	*at(l, "d") = 4;
	assert_null(get(l, "b"));
	assert_int_equal(*get(l, "a"), 1);
	assert_int_equal(*get(l, "c"), 3);
	assert_int_equal(*at(l, "b"), 0); /* what it was is forgotten; "c" goes for it */
	assert_null(get(l, "c"));
	lru_free(&l);
}

static void
names_without_end_take_no_more_room(void **state)
{
	(void)state;
	struct lru *l = lru_new(MOST, sizeof(int));
	int here = 0;
	for (int i = 0; i < 1000; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		*at(l, name) = i;
	}
	for (int i = 0; i < 1000; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		here += get(l, name) != NULL;
	}
	assert_int_equal(here, MOST);
	assert_int_equal(lru_count(l), MOST);
	assert_int_equal(*get(l, "n999"), 999);
	lru_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_thing_is_all_zeroes_and_keeps_what_it_is_given),
		cmocka_unit_test(the_one_that_rested_longest_goes_for_a_new_one),
		cmocka_unit_test(names_without_end_take_no_more_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
