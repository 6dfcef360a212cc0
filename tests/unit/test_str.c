/*
 * Proves src/base/str.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"

static void
assert_str(struct str got, const char *want)
{
	if (!str_eq(got, str_from(want)))
		fail_msg("got \"%.*s\", not \"%s\"", STR_FMT(got), want);
}

static void
comparing_knows_length_and_case(void **state)
{
	(void)state;
	assert_true(str_eq(STR(""), (struct str){ NULL, 0 }));
	assert_false(str_eq(STR("a"), STR("ab")));
	assert_true(str_eq(STR("a\0b"), STR("a\0b")));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
	assert_true(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
	assert_false(str_eq_nocase(STR("a"), STR("ab")));
	/* letters only: '@' and '`', '[' and '{' are 32 apart as well */
	assert_false(str_eq_nocase(STR("@["), STR("`{")));
	assert_false(str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
	assert_true(str_starts(STR("abc"), STR("ab")) && str_starts(STR("abc"), STR("")));
	assert_false(str_starts(STR("ab"), STR("abc")));
	assert_true(str_ends(STR("abc"), STR("bc")) && str_ends(STR(""), STR("")));
	assert_false(str_ends(STR("bc"), STR("abc")));
}

static void
trimming_takes_spaces_and_tabs_at_both_ends(void **state)
{
	(void)state;
	assert_str(str_trim(STR(" \t a b\t ")), "a b");
	assert_str(str_trim(STR(" \t ")), "");
	assert_str(str_trim(STR("")), "");
	assert_str(str_trim(STR("\na\r")), "\na\r");
	assert_str(str_strip(STR("\r\n a\n b\t\n")), "a\n b");
	assert_str(str_strip(STR(" \r\n\t")), "");
	assert_str(str_strip(STR("")), "");
	assert_str(str_strip(STR("\fa\v")), "\fa\v");
}

static void
cutting_gives_every_part_and_then_ends(void **state)
{
	(void)state;
	struct str from = STR("a,,bc,"), part;
	static const char *const parts[] = { "a", "", "bc", "" };
	for (size_t i = 0; i < 4; i++) {
		assert_true(str_cut(&from, ',', &part));
		assert_str(part, parts[i]);
	}
	assert_false(str_cut(&from, ',', &part));
	from = STR("");
	assert_true(str_cut(&from, ',', &part)); /* one empty part */
	assert_false(str_cut(&from, ',', &part));
}

static void
integers_are_exact_to_the_last(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good;
		int64_t value;
	} rows[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "007", true, 7 },
		{ "-42", true, -42 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "99999999999999999999999", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ "+1", false, 0 },
		{ "--1", false, 0 },
		{ "1 ", false, 0 },
		{ " 1", false, 0 },
		{ "1.0", false, 0 },
		{ "0x1", false, 0 },
		{ "1-", false, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t value = 77;
		if (str_int(str_from(rows[i].text), &value) != rows[i].good)
			fail_msg("\"%s\"", rows[i].text);
		assert_true(value == (rows[i].good ? rows[i].value : 77));
		char text[INT_TEXT_SIZE];
		if (rows[i].good && str_int(str_from(int_format(value, text)), &value))
			assert_true(value == rows[i].value && text[INT_TEXT_SIZE - 1] == '\0');
	}
	char text[INT_TEXT_SIZE];
	assert_string_equal(int_format(0, text), "0");
	assert_string_equal(int_format(-1200, text), "-1200");
	assert_string_equal(int_format(INT64_MIN, text), "-9223372036854775808");
}

static void
finding_tells_the_first_place(void **state)
{
	(void)state;
	assert_int_equal(str_find(STR("abcabc"), STR("ca")), 2);
	assert_int_equal(str_find(STR("abcabc"), STR("bc")), 1);
	assert_int_equal(str_find(STR("a\0b"), STR("b")), 2);
	assert_int_equal(str_find(STR("abc"), STR("abcd")), -1);
	assert_int_equal(str_find(STR("abc"), STR("x")), -1);
	assert_int_equal(str_find(STR("abc"), STR("")), 0);
	assert_int_equal(str_find((struct str){ NULL, 0 }, STR("x")), -1);
}

static void
labels_are_cut_and_always_terminated(void **state)
{
	(void)state;
	char label[4] = "zzz";
	str_copy(label, sizeof label, STR("ab"));
	assert_string_equal(label, "ab");
	str_copy(label, sizeof label, STR("abc"));
	assert_string_equal(label, "abc");
	str_copy(label, sizeof label, STR("abcd"));
	assert_string_equal(label, "abc");
	str_copy(label, 1, STR("abc"));
	assert_string_equal(label, "");
	str_copy(label, sizeof label, (struct str){ NULL, 0 });
	assert_string_equal(label, "");
	char *copy = str_dup(STR("dup"));
	assert_string_equal(copy, "dup");
	free(copy);
}

static void
buffer_never_outgrows_its_limit(void **state)
{
	(void)state;
	for (size_t max = 1; max < 400; max += 7) {
		struct buf b;
		buf_init(&b, max);
		size_t n = 0;
		while (buf_add(&b, STR("abc")) == 0)
			n += 3;
		assert_int_equal(b.n, n);
		assert_true(n <= max && n + 3 > max);
		while (buf_add_c(&b, 'x') == 0)
			n++;
		assert_int_equal(n, max);
		assert_true(b.cap <= max);
		assert_int_equal(buf_reserve(&b, 1), -1);
		assert_int_equal(buf_reserve(&b, SIZE_MAX), -1);
		assert_int_equal(b.n, max);
		buf_free(&b);
		assert_int_equal(b.max, max); /* reusable, with its limit */
	}
}

static void
refused_addition_leaves_the_content(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 8);
	assert_int_equal(buf_add(&b, STR("1234")), 0);
	assert_int_equal(buf_add(&b, STR("56789")), -1);
	assert_int_equal(buf_printf(&b, "%d", 56789), -1);
	assert_int_equal(buf_add_json(&b, STR("ab\ncd")), -1);
	assert_str(buf_str(&b), "1234");
	assert_int_equal(buf_printf(&b, "%d", 567), 0);
	assert_str(buf_str(&b), "1234567");
	buf_free(&b);
}

static void
eating_and_clearing_keep_the_rest(void **state)
{
	(void)state;
	struct buf b = { 0 };
	assert_int_equal(buf_printf(&b, "%s-%d", "abc", 42), 0);
	buf_eat(&b, 2);
	assert_str(buf_str(&b), "c-42");
	buf_eat(&b, 0);
	assert_str(buf_str(&b), "c-42");
	assert_string_equal(buf_text(&b), "c-42");
	assert_int_equal(b.n, 4);
	buf_eat(&b, 100);
	assert_int_equal(b.n, 0);
	assert_int_equal(buf_add(&b, STR("new")), 0);
	buf_clear(&b);
	assert_string_equal(buf_text(&b), "");
	buf_free(&b);
	assert_null(b.p);
}

static void
json_strings_hold_any_bytes(void **state)
{
	(void)state;
	static const struct {
		struct str from;
		const char *to;
	} rows[] = {
		{ { "plain /text", 11 }, "plain /text" },
		{ { "a\"b\\c\nd", 7 }, "a\\\"b\\\\c\\nd" },
		{ { "\r\t\0\x1f\x7f", 5 }, "\\u000d\\u0009\\u0000\\u001f\\u007f" },
		{ { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9 }, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		/* each byte that is none of UTF-8 becomes one replacement character */
		{ { "a\xff\xc3", 3 }, "a\xef\xbf\xbd\xef\xbf\xbd" },
		{ { "\xed\xa0\x80", 3 }, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ { "", 0 }, "" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf b = { 0 };
		assert_int_equal(buf_add_json(&b, rows[i].from), 0);
		assert_str(buf_str(&b), rows[i].to);
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparing_knows_length_and_case),
		cmocka_unit_test(trimming_takes_spaces_and_tabs_at_both_ends),
		cmocka_unit_test(cutting_gives_every_part_and_then_ends),
		cmocka_unit_test(integers_are_exact_to_the_last),
		cmocka_unit_test(finding_tells_the_first_place),
		cmocka_unit_test(labels_are_cut_and_always_terminated),
		cmocka_unit_test(buffer_never_outgrows_its_limit),
		cmocka_unit_test(refused_addition_leaves_the_content),
		cmocka_unit_test(eating_and_clearing_keep_the_rest),
		cmocka_unit_test(json_strings_hold_any_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
