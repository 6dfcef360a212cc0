/*
 * Proves src/base/digest.c: the standard's own examples, and identifiers of the right shape.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/table.h"

static void
assert_digest(struct str bytes, const char *want)
{
	struct digest d = digest_of(bytes);
	char hex[65];
	digest_hex(&d, hex);
	assert_string_equal(hex, want);
}

static void
digests_are_those_of_the_standard(void **state)
{
	(void)state;
	assert_digest(STR("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_digest(STR(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_digest(
	    (struct str){ NULL, 0 }, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_digest(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	char *million = malloc(1000000);
	assert_non_null(million);
	memset(million, 'a', 1000000);
	assert_digest((struct str){ million, 1000000 },
	    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

static void
identifiers_fill_their_size_differ_and_sort_by_time(void **state)
{
	(void)state;
	enum { MANY = 10000, SIZE = 29 };
	static char ids[MANY][SIZE];
	struct table t = { 0 };
	for (int i = 0; i < MANY; i++) {
		timed_id(ids[i], SIZE, "req_", INT64_C(1795415268000) + i);
		assert_int_equal(strlen(ids[i]), SIZE - 1);
		assert_true(str_starts(str_from(ids[i]), STR("req_")));
		size_t plain =
		    strspn(ids[i] + 4, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
		assert_int_equal(plain, SIZE - 5);
		assert_null(table_put(&t, str_from(ids[i]), ids[i]));
		assert_true(i == 0 || strcmp(ids[i - 1], ids[i]) < 0);
	}
	table_free(&t);
}

static void
random_bytes_fill_what_was_asked_and_no_more(void **state)
{
	(void)state;
	unsigned char bytes[600];
	unsigned char any[600] = { 0 };
	for (int round = 0; round < 20; round++) {
		memset(bytes, 0, sizeof bytes);
		random_bytes(bytes + 4, sizeof bytes - 8);
		for (size_t i = 0; i < sizeof bytes; i++)
			any[i] |= bytes[i];
	}
	for (size_t i = 0; i < sizeof bytes; i++)
		assert_int_equal(any[i] == 0, i < 4 || i >= sizeof bytes - 4);
}

static void
fast_numbers_use_all_their_bits(void **state)
{
	(void)state;
	uint64_t ones = 0, zeros = 0;
	for (int i = 0; i < 200; i++) {
		uint64_t x = random_u64();
		ones |= x;
		zeros |= ~x;
	}
	assert_true(ones == UINT64_MAX && zeros == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_the_standard),
		cmocka_unit_test(identifiers_fill_their_size_differ_and_sort_by_time),
		cmocka_unit_test(random_bytes_fill_what_was_asked_and_no_more),
		cmocka_unit_test(fast_numbers_use_all_their_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
