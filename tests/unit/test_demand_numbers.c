/*
 * Proves src/text/demand_numbers.c: what is false of two numbers, and what only looks like it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_help.h"

static void
false_comparisons_are_faults(void **state)
{
	(void)state;
	static const struct demand_case cases[] = {
		{ "hello", "We see that 9.11 is greater than 9.9.", DEMAND_ARITHMETIC },
		{ "hello", "Since 9.90 is less than 9.11, the answer is 9.11.", DEMAND_ARITHMETIC },
		{ "hello", "{\"reasoning\": \"13.11 is larger than 13.9\", \"answer\": \"13.11\"}",
		    DEMAND_ARITHMETIC },
		{ "hello", "7 is less than 3", DEMAND_ARITHMETIC },
		{ "hello", "1,000 is smaller than 999 because it has fewer digits.", DEMAND_ARITHMETIC },
		{ "hello", "0.5 is actually greater than 0.50.", DEMAND_ARITHMETIC },
		{ "hello", "9.9 is greater than 9.11.", NONE },
		{ "hello", "13.110 is less than 13.9", NONE },
		{ "hello", "1,000 is greater than 999.5", NONE },
	};
	all_judged(CASES(cases));
}

static void
what_may_be_true_is_none(void **state)
{
	(void)state;
	static const struct demand_case cases[] = {
		{ "hello", "9.11 is not greater than 9.9.", NONE },
		{ "hello", "It checks if 9.11 is greater than 9.9.", NONE },
		{ "hello", "It is false that 9.11 is greater than 9.9.", NONE },
		{ "hello", "500 is less than 1 million.", NONE },
		{ "hello", "90 is less than 2 hours", NONE },
		{ "hello", "3 + 4 is greater than 5.", NONE },
		{ "hello", "x = 4 is greater than 5 - y", NONE },
		{ "hello", "1 (from 8.90) is greater than 19 (from 8.19)", NONE },
		{ "hello", "v3.9 is less than 3.11", NONE },
		{ "hello", "1.2.3 is greater than 1.10", NONE },
		{ "hello", "50% is less than 3.", NONE },
		{ "hello", "-7 is less than 3, and -9 is less than 7", NONE },
		{ "hello", "3 is less than -7x", NONE },
		{ "Which version is newer?", "3.11 is greater than 3.9.", NONE },
		{ "hello", "99999999999999999999 is less than 3.", NONE },
		{ "hello", "There are more than 3.", NONE },
		{ "hello", " than ", NONE },
	};
	all_judged(CASES(cases));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(false_comparisons_are_faults),
		cmocka_unit_test(what_may_be_true_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
