/*
 * Proves src/base/money.c: exact, rounded up, and never wrapped.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/money.h"

static void
dollars_are_exact_to_twelve_decimals(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t pico;
	} rows[] = {
		{ "0", 0 },
		{ "0.00", 0 },
		{ "2", INT64_C(2000000000000) },
		{ "2.00", INT64_C(2000000000000) },
		{ "0.05", INT64_C(50000000000) },
		{ "0.1", INT64_C(100000000000) },
		{ "0.000000000001", 1 },
		{ "0.123456789012", INT64_C(123456789012) },
		{ "0001.50", INT64_C(1500000000000) },
		{ "9223372.036854775807", INT64_MAX },
		{ "9223372.0368547758070000", INT64_MAX },
		/* what does not fit behind the twelfth decimal rounds up: never to nothing */
		{ "0.0000000000001", 1 },
		{ "0.0000000000010000000000000000000001", 2 },
		{ "0.1234567890120", INT64_C(123456789012) },
		{ "0.1234567890121", INT64_C(123456789013) },
		{ "0.9999999999999", PICO_PER_USD },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t pico = -7;
		if (money_parse_usd(str_from(rows[i].text), &pico) != 0 || pico != rows[i].pico)
			fail_msg("\"%s\" is %lld", rows[i].text, (long long)pico);
	}
}

static void
what_is_no_amount_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", ".", "-1", "+1", "1e3", "1,5", "1.2.3", " 1", "1 ", "$1",
		"0x1", "nan", "inf", "--", "1-", "9223372.036854775808", "9223372.0368547758071", "9223373",
		"99999999999999999999", "9223372036854775808" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int64_t pico = -7;
		if (money_parse_usd(str_from(bad[i]), &pico) != -1)
			fail_msg("\"%s\" is %lld", bad[i], (long long)pico);
		assert_int_equal(pico, -7);
	}
}

static void
prices_per_million_are_whole_picos_per_token(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t pico;
	} rows[] = { { "0.15", 150000 }, { "0.075", 75000 }, { "2.50", 2500000 }, { "10", 10000000 },
		{ "0.000001", 1 }, { "0.0000001", 1 }, { "0.0000011", 2 },
		{ "9223372036854.775807", INT64_MAX } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t pico;
		assert_int_equal(money_parse_per_million(str_from(rows[i].text), &pico), 0);
		assert_true(pico == rows[i].pico);
		/* a million tokens at that price cost what the text says, or a little more where it was rounded */
		int64_t million, usd;
		if (!money_times(pico, 1000000, &million))
			continue;
		assert_int_equal(money_parse_usd(str_from(rows[i].text), &usd), 0);
		assert_true(million >= usd && million - usd < 1000000);
	}
	int64_t pico;
	assert_int_equal(money_parse_per_million(STR("9223372036854.775808"), &pico), -1);
}

static void
amounts_are_written_as_short_as_they_are_exact(void **state)
{
	(void)state;
	static const struct {
		int64_t pico;
		const char *text;
	} rows[] = {
		{ 0, "0.00" },
		{ 1, "0.000000000001" },
		{ -1, "-0.000000000001" },
		{ 16500000, "0.0000165" },
		{ PICO_PER_USD, "1.00" },
		{ PICO_PER_USD / 10, "0.10" },
		{ PICO_PER_USD / 8, "0.125" },
		{ -PICO_PER_USD * 3 / 2, "-1.50" },
		{ PICO_PER_USD * 1000000, "1000000.00" },
		{ INT64_MAX, "9223372.036854775807" },
		{ INT64_MIN, "-9223372.036854775808" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[32];
		assert_ptr_equal(money_format(rows[i].pico, text), text);
		assert_string_equal(text, rows[i].text);
	}
}

static void
amounts_for_people_are_rounded_half_away_from_zero(void **state)
{
	(void)state;
	static const struct {
		int64_t pico;
		int decimals;
		const char *text;
	} rows[] = {
		{ 0, 2, "0.00" },
		{ 0, 0, "0" },
		{ 4999999999, 2, "0.00" },
		{ 5000000000, 2, "0.01" },
		{ -5000000000, 2, "-0.01" },
		{ -4999999999, 2, "0.00" },
		{ 1995000000000, 2, "2.00" },
		{ 1500000000000, 0, "2" },
		{ 1499999999999, 0, "1" },
		{ 1234567890123, 12, "1.234567890123" },
		{ INT64_MAX, 4, "9223372.0369" },
		{ INT64_MIN, 2, "-9223372.04" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[32];
		assert_string_equal(money_round(rows[i].pico, rows[i].decimals, text), rows[i].text);
	}
}

static void
every_amount_comes_back(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		int64_t pico = (int64_t)(random_u64() >> (1 + random_u64() % 60)), back;
		char text[32];
		assert_int_equal(money_parse_usd(str_from(money_format(pico, text)), &back), 0);
		assert_true(back == pico);
	}
}

static void
overflow_is_told_and_changes_nothing(void **state)
{
	(void)state;
	int64_t out = 7;
	assert_false(money_add(INT64_MAX, 1, &out));
	assert_false(money_add(INT64_MIN, -1, &out));
	assert_false(money_times(INT64_MAX, 2, &out));
	assert_false(money_times(INT64_C(1) << 32, INT64_C(1) << 31, &out));
	assert_false(money_times(INT64_MIN, -1, &out));
	assert_int_equal(out, 7);
	assert_true(money_add(INT64_MAX, -1, &out) && out == INT64_MAX - 1);
	assert_true(money_times(150000, 1000000, &out) && out == INT64_C(150000000000));
	assert_true(money_times(INT64_MAX, 1, &out) && out == INT64_MAX);
	out = 5;
	assert_true(money_add(out, out, &out) && out == 10); /* the sum may be one of the two */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dollars_are_exact_to_twelve_decimals),
		cmocka_unit_test(what_is_no_amount_is_refused),
		cmocka_unit_test(prices_per_million_are_whole_picos_per_token),
		cmocka_unit_test(amounts_are_written_as_short_as_they_are_exact),
		cmocka_unit_test(amounts_for_people_are_rounded_half_away_from_zero),
		cmocka_unit_test(every_amount_comes_back),
		cmocka_unit_test(overflow_is_told_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
