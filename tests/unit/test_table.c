/*
 * Proves src/base/table.c against a model that is too simple to be wrong.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/table.h"

enum { KEYS = 700, STEPS = 60000 };

/* The model: a value, or NULL, for each of the keys there are. */
static struct {
	char text[40];
	size_t n;
	int *value;
} model[KEYS];
static int values[KEYS][2];

static struct str
key(size_t i)
{
	return (struct str){ model[i].text, model[i].n };
}

static size_t
model_count(void)
{
	size_t count = 0;
	for (size_t i = 0; i < KEYS; i++)
		count += model[i].value != NULL;
	return count;
}

static void
assert_same(const struct table *t)
{
	size_t at = 0, walked = 0;
	for (size_t i = 0; i < KEYS; i++)
		assert_ptr_equal(table_get(t, key(i)), model[i].value);
	for (int *v; (v = table_next(t, &at)) != NULL; walked++)
		assert_ptr_equal(v, model[*v].value);
	assert_int_equal(walked, model_count());
	assert_int_equal(t->count, walked);
}

static void
name_keys(void)
{
	for (size_t i = 0; i < KEYS; i++) {
		/* keys of every length from none up, with and without NUL bytes */
		model[i].n = i == 0 ? 0 : 1 + i % (sizeof model[i].text - 1);
		memset(model[i].text, 0, sizeof model[i].text);
		char digits[8];
		int n = snprintf(digits, sizeof digits, "%zu", i);
		model[i].n = i > 0 && model[i].n < (size_t)n ? (size_t)n : model[i].n;
		memcpy(model[i].text + model[i].n - (i > 0 ? n : 0), digits, i > 0 ? (size_t)n : 0);
		model[i].value = NULL;
		values[i][0] = values[i][1] = (int)i;
	}
}

static void
random_operations_agree_with_the_model(void **state)
{
	(void)state;
	struct table t = { 0 };
	name_keys();
	srand(11);
	for (int step = 0; step < STEPS; step++) {
		/* it grows, empties, and grows again */
		bool growing = step / (STEPS / 6) % 2 == 0;
		size_t i = (size_t)rand() % KEYS;
		if (rand() % 10 < (growing ? 7 : 3)) {
			int *value = &values[i][rand() % 2];
			assert_ptr_equal(table_put(&t, key(i), value), model[i].value);
			model[i].value = value;
		} else {
			assert_ptr_equal(table_remove(&t, key(i)), model[i].value);
			model[i].value = NULL;
		}
		if (step % 500 == 0)
			assert_same(&t);
	}
	assert_same(&t);
	/* never fuller than three quarters: a search for what is absent must end */
	assert_true(t.count * 4 <= t.cap * 3);
	table_free(&t);
	assert_null(table_get(&t, key(1)));
}

static void
emptied_table_is_empty(void **state)
{
	(void)state;
	struct table t = { 0 };
	size_t at = 0;
	name_keys();
	assert_null(table_get(&t, STR("a")));
	assert_null(table_remove(&t, STR("a")));
	assert_null(table_next(&t, &at));
	for (size_t i = 0; i < KEYS; i++)
		assert_null(table_put(&t, key(i), &values[i][0]));
	for (size_t i = 0; i < KEYS; i++)
		assert_ptr_equal(table_remove(&t, key(i)), &values[i][0]);
	assert_int_equal(t.count, 0);
	at = 0;
	assert_null(table_next(&t, &at));
	table_free(&t);
}

static void
table_that_sees_many_keys_pass_stays_small(void **state)
{
	(void)state;
	struct table t = { 0 };
	static char texts[8][16];
	for (int i = 0; i < 100000; i++) {
		char *text = texts[i % 8];
		if (i >= 8)
			assert_non_null(table_remove(&t, str_from(text)));
		snprintf(text, sizeof texts[0], "key-%d", i);
		assert_null(table_put(&t, str_from(text), text));
	}
	assert_int_equal(t.count, 8);
	assert_true(t.cap <= 16);
	table_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_agree_with_the_model),
		cmocka_unit_test(emptied_table_is_empty),
		cmocka_unit_test(table_that_sees_many_keys_pass_stays_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
