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

/* RFC 4231, cases 1 and 2: a key that is shorter than ours means the same with zeros behind it. */
static void
keyed_digests_are_those_of_the_standard(void **state)
{
	(void)state;
	struct digest one = { 0 }, two = { 0 };
	char hex[65];
	memset(one.b, 0x0b, 20);
	memcpy(two.b, "Jefe", 4);
	struct digest d = digest_keyed(&one, STR("Hi There"));
	digest_hex(&d, hex);
	assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	d = digest_keyed(&two, STR("what do ya want for nothing?"));
	digest_hex(&d, hex);
	assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	struct digest none = digest_keyed(&two, (struct str){ 0 }), empty = digest_keyed(&two, STR(""));
	assert_true(digest_equal(&none, &empty));
}

static void
digests_are_equal_when_every_bit_is(void **state)
{
	(void)state;
	struct digest a = digest_of(STR("abc"));
	for (int bit = 0; bit < 256; bit++) {
		struct digest b = a;
		assert_true(digest_equal(&a, &b));
		b.b[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_false(digest_equal(&a, &b));
	}
}

static void
digest_is_read_back_from_its_hex_and_from_nothing_else(void **state)
{
	(void)state;
	struct digest a = digest_of(STR("abc")), b;
	char hex[66];
	digest_hex(&a, hex);
	assert_true(digest_parse(str_from(hex), &b));
	assert_true(digest_equal(&a, &b));
	hex[64] = '0';
	hex[65] = '\0';
	static const char *const bad[] = { "", "ba",
		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
		"xa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" };
	assert_false(digest_parse(str_from(hex), &b));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(digest_parse(str_from(bad[i]), &b));
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
		cmocka_unit_test(keyed_digests_are_those_of_the_standard),
		cmocka_unit_test(digests_are_equal_when_every_bit_is),
		cmocka_unit_test(digest_is_read_back_from_its_hex_and_from_nothing_else),
		cmocka_unit_test(identifiers_fill_their_size_differ_and_sort_by_time),
		cmocka_unit_test(random_bytes_fill_what_was_asked_and_no_more),
		cmocka_unit_test(fast_numbers_use_all_their_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
