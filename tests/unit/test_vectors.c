/*
 * Proves src/text/vector.c and src/stages/vectors.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "../../src/stages/vectors.h"
#include "stages/replay.h"

static const struct model_conf small = { .name = "small" }, large = { .name = "large" };
static const struct embedding_conf conf = { &small, 128, 1000 };

/* ---- rounding ---- */

static void
directions_survive_being_rounded_whatever_their_length(void **state)
{
	(void)state;
	float a[1024], b[1024];
	struct vector va, vb;
	double ab = 0, aa = 0, bb = 0;
	for (int i = 0; i < 1024; i++) {
		a[i] = (float)((i * 7919 % 1009) - 504) * 1e-5f;
		b[i] = a[i] + (float)((i * 104729 % 997) - 498) * 4e-6f;
		ab += a[i] * b[i];
		aa += a[i] * a[i];
		bb += b[i] * b[i];
	}
	assert_true(vector_round(a, 1024, &va) && vector_round(b, 1024, &vb));
	assert_int_equal(va.dims, 1024);
	assert_true(fabs(vector_cosine(va.v, vb.v, 1024) - ab / sqrt(aa * bb)) < 0.002);
	assert_true(fabs(vector_cosine(va.v, va.v, 1024) - 1) < 1e-9);
}

static void
what_has_no_direction_is_no_vector(void **state)
{
	(void)state;
	float none[32] = { 0 }, endless[32] = { 1, INFINITY }, odd[32] = { 1, NAN };
	struct vector v;
	assert_false(vector_round(none, 32, &v));
	assert_false(vector_round(endless, 32, &v));
	assert_false(vector_round(odd, 32, &v));
	assert_int_equal(v.dims, 0);
	assert_true(vector_cosine((const int8_t[32]){ 0 }, (const int8_t[32]){ 1 }, 32) == 0);
}

/* ---- reading replies ---- */

static int
read_reply(const char *text, size_t dims, float *out)
{
	struct json tape = { 0 };
	struct json_fault fault;
	assert_int_equal(json_scan(&tape, str_from(text), JSON_LIMITS, &fault), 0);
	int rc = replay_vector(&tape, dims, out);
	json_free(&tape);
	return rc;
}

static void
both_encodings_are_read_and_other_lengths_are_not(void **state)
{
	(void)state;
	float v[3];
	assert_int_equal(read_reply("{\"data\":[{\"embedding\":[1,-2.5,0]}]}", 3, v), 0);
	assert_true(v[0] == 1 && v[1] == -2.5f && v[2] == 0);
	assert_int_equal(read_reply("{\"data\":[{\"embedding\":\"AACAPwAAIMAAAAAA\"}]}", 3, v), 0);
	assert_true(v[0] == 1 && v[1] == -2.5f && v[2] == 0);
	static const char *const bad[] = { "{\"data\":[{\"embedding\":[1,2]}]}",
		"{\"data\":[{\"embedding\":[1,2,3,4]}]}", "{\"data\":[{\"embedding\":[1,\"2\",3]}]}",
		"{\"data\":[{\"embedding\":\"AACAPwAAIMAAAAA*\"}]}",
		"{\"data\":[{\"embedding\":\"AACAPw==\"}]}", "{\"data\":[{\"embedding\":\"\"}]}",
		"{\"data\":[{\"embedding\":null}]}", "{\"data\":[{}]}", "{\"data\":[]}", "{\"data\":3}", "{}",
		"[]", "3" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(read_reply(bad[i], 3, v), -1);
}

/* ---- keeping ---- */

static void
keep_text(struct vectors *v, const char *text, int8_t first)
{
	struct vector one = { .dims = 128, .v = { first } };
	struct digest key = vectors_key("a", &conf, str_from(text));
	vectors_keep(v, &key, &one);
}

/* Its first number, or 0 */
static int
first_of_text(struct vectors *v, const char *text)
{
	struct vector found = { 0 };
	struct digest key = vectors_key("a", &conf, str_from(text));
	return vectors_find(v, &key, &found) && found.dims == 128 ? found.v[0] : 0;
}

static void
text_has_another_vector_for_each_scope_model_and_size(void **state)
{
	(void)state;
	const struct embedding_conf others[] = { { &large, 128, 1000 }, { &small, 256, 1000 } };
	struct digest key = vectors_key("a", &conf, STR("t"));
	struct digest same = vectors_key("a", &(struct embedding_conf){ &small, 128, 5 }, STR("t"));
	assert_true(digest_equal(&key, &same));
	struct digest different[] = { vectors_key("b", &conf, STR("t")), vectors_key("a", &conf, STR("u")),
		vectors_key("a", &others[0], STR("t")), vectors_key("a", &others[1], STR("t")) };
	for (int i = 0; i < 4; i++)
		assert_false(digest_equal(&key, &different[i]));
}

static void
least_recently_used_vector_goes_first(void **state)
{
	(void)state;
	struct vectors *v = vectors_new(2000);
	char text[24];
	keep_text(v, "one", 1);
	keep_text(v, "two", 2);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(first_of_text(v, "one"), 1);
		snprintf(text, sizeof text, "text %d", i);
		keep_text(v, text, 3);
	}
	assert_int_equal(first_of_text(v, "two"), 0);
	assert_int_equal(first_of_text(v, "text 0"), 0);
	assert_int_equal(first_of_text(v, "text 99"), 3);
	assert_in_range(vectors_count(v), 5, 2000 / 128);
	keep_text(v, "one", 9);
	assert_int_equal(first_of_text(v, "one"), 9);
	vectors_free(&v);
	assert_null(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directions_survive_being_rounded_whatever_their_length),
		cmocka_unit_test(what_has_no_direction_is_no_vector),
		cmocka_unit_test(both_encodings_are_read_and_other_lengths_are_not),
		cmocka_unit_test(text_has_another_vector_for_each_scope_model_and_size),
		cmocka_unit_test(least_recently_used_vector_goes_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
