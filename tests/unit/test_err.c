/*
 * Proves src/base/err.c: failures in OpenAI's shape, whatever stands in them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/json.h"

static void
type_follows_from_the_status(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *type;
	} rows[] = { { 400, "invalid_request_error" }, { 401, "authentication_error" },
		{ 403, "permission_error" }, { 404, "invalid_request_error" },
		{ 413, "invalid_request_error" }, { 429, "rate_limit_error" },
		{ 499, "invalid_request_error" }, { 500, "server_error" }, { 502, "server_error" },
		{ 504, "server_error" } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err e;
		assert_int_equal(err_set(&e, rows[i].status, "a_code", "A text with %d.", 5), -1);
		assert_int_equal(e.status, rows[i].status);
		assert_string_equal(e.type, rows[i].type);
		assert_string_equal(e.code, "a_code");
		assert_string_equal(e.text, "A text with 5.");
		assert_string_equal(e.param, "");
	}
}

static void
filling_forgets_what_was_there(void **state)
{
	(void)state;
	struct err e;
	err_param(&e, "messages[0].role", "invalid_type", "No.");
	assert_int_equal(e.status, 400);
	assert_string_equal(e.param, "messages[0].role");
	e.retry_after_s = 5;
	e.should_retry = -1;
	err_set(&e, 503, "overloaded", "Later.");
	assert_string_equal(e.param, "");
	assert_int_equal(e.retry_after_s, 0);
	assert_int_equal(e.should_retry, 0);
}

static void
json_says_null_for_what_is_empty(void **state)
{
	(void)state;
	struct err e;
	struct buf out = { 0 };
	err_set(&e, 404, "", "Not here.");
	assert_int_equal(err_json(&e, &out), 0);
	assert_string_equal(buf_text(&out),
	    "{\"error\":{\"message\":\"Not "
	    "here.\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}");
	buf_clear(&out);
	err_param(&e, "n", "invalid_value", "Too \"many\".");
	assert_int_equal(err_json(&e, &out), 0);
	assert_string_equal(buf_text(&out),
	    "{\"error\":{\"message\":\"Too \\\"many\\\".\",\"type\":"
	    "\"invalid_request_error\",\"param\":\"n\",\"code\":\"invalid_value\"}}");
	buf_free(&out);
}

static void
json_is_valid_whatever_stands_in_it(void **state)
{
	(void)state;
	struct err e;
	struct buf out = { 0 };
	char longest[1000];
	memset(longest, '"', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	/* given fields beyond their size, cut in the middle of a character at that */
	err_param(&e, longest, longest, "x%.*s%s", (int)sizeof e.text - 2, longest, "\xc3\xa9");
	assert_int_equal(strlen(e.param), sizeof e.param - 1);
	assert_int_equal(strlen(e.code), sizeof e.code - 1);
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
	e.text[sizeof e.text - 2] = '\xc3';
	e.type[0] = '\n';
	assert_int_equal(err_json(&e, &out), 0);
	struct json j = { 0 };
	struct json_fault fault;
	assert_int_equal(json_scan(&j, buf_str(&out), JSON_LIMITS, &fault), 0);
	assert_true(json_member(&j, 0, "error") != 0);
	json_free(&j);
	buf_free(&out);
}

static void
full_buffer_is_told(void **state)
{
	(void)state;
	struct err e;
	err_param(&e, "p", "c", "t");
	e.budget.shown = true;
	struct buf all = { 0 };
	assert_int_equal(err_json(&e, &all), 0);
	for (size_t max = 1; max < all.n; max++) {
		struct buf out;
		buf_init(&out, max);
		assert_int_equal(err_json(&e, &out), -1);
		buf_free(&out);
	}
	buf_free(&all);
}

static void
details_are_the_exact_arithmetic(void **state)
{
	(void)state;
	struct err e;
	struct buf out = { 0 };
	err_set(&e, 429, "insufficient_quota", "No.");
	e.budget = (struct err_budget){ .shown = true,
		.limit_pico = 2000000000000,
		.spent_pico = 1999999999999,
		.held_pico = 0,
		.needed_pico = -1,
		.resets_at_us = INT64_C(1795824000000000) };
	assert_int_equal(err_json(&e, &out), 0);
	assert_string_equal(buf_text(&out),
	    "{\"error\":{\"message\":\"No.\",\"type\":\"rate_limit_error\",\"param\":null,"
	    "\"code\":\"insufficient_quota\",\"details\":{\"limit_usd\":2.00,\"spent_usd\":1.999999999999,"
	    "\"held_usd\":0.00,\"needed_usd\":null,\"resets_at\":\"2026-11-28T00:00:00Z\"}}}");
	struct json j = { 0 };
	struct json_fault fault;
	assert_int_equal(json_scan(&j, buf_str(&out), JSON_LIMITS, &fault), 0);
	json_free(&j);
	buf_clear(&out);
	e.budget.resets_at_us = 0;
	assert_int_equal(err_details(&e, &out), 0);
	assert_true(str_ends(buf_str(&out), STR("\"resets_at\":null}")));
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(type_follows_from_the_status),
		cmocka_unit_test(filling_forgets_what_was_there),
		cmocka_unit_test(json_says_null_for_what_is_empty),
		cmocka_unit_test(json_is_valid_whatever_stands_in_it),
		cmocka_unit_test(details_are_the_exact_arithmetic),
		cmocka_unit_test(full_buffer_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
