/*
 * The JSON scanner, its tape, the canonical form and splicing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/json.h"

static struct json_fault fault;

/* Scans a heap copy of exactly the text's size, so that the address sanitizer sees a read past its end. */
static int
scan_with(struct json *j, struct str text, struct json_limits limits)
{
	char *copy = malloc(text.n > 0 ? text.n : 1);
	memcpy(copy, text.p, text.n);
	*j = (struct json){ 0 };
	return json_scan(j, (struct str){ copy, text.n }, limits, &fault);
}

static int
scan(struct json *j, struct str text)
{
	return scan_with(j, text, JSON_LIMITS);
}

static void
drop(struct json *j)
{
	free((void *)(uintptr_t)j->text.p);
	json_free(j);
}

static void
accepted(struct str text)
{
	struct json j;
	if (scan(&j, text) != 0)
		fail_msg("refused at %u: %s: %.*s", fault.at, fault.text, STR_FMT(text));
	assert_int_equal(fault.code, JSON_OK);
	drop(&j);
}

static void
refused(struct str text, enum json_fault_code code, uint32_t at)
{
	struct json j;
	if (scan(&j, text) == 0)
		fail_msg("accepted: %.*s", STR_FMT(text));
	assert_int_equal(fault.code, code);
	assert_int_equal(fault.at, at);
	assert_non_null(fault.text);
	assert_int_equal(j.count, 0);
	drop(&j);
}

/* n times the text `one`; the caller frees. */
static struct buf
repeat(const char *one, size_t n)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_add(&b, str_from(one)), 0);
	return b;
}

static double
cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void
the_tape_is_flat_and_points_into_the_text(void **state)
{
	(void)state;
	struct json j;

	assert_int_equal(scan(&j, STR("{\"a\":[1,\"x\"]}")), 0);

	static const enum json_type types[] = { JSON_OBJECT, JSON_STRING, JSON_ARRAY, JSON_NUMBER,
		JSON_STRING };
	static const uint32_t spans[][3] = { { 0, 13, 5 }, { 1, 4, 2 }, { 5, 12, 5 }, { 6, 7, 4 },
		{ 8, 11, 5 } };
	assert_int_equal(j.count, 5);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(json_type(&j, i), types[i]);
		assert_int_equal(j.nodes[i].at, spans[i][0]);
		assert_int_equal(j.nodes[i].end, spans[i][1]);
		assert_int_equal(j.nodes[i].after, spans[i][2]);
	}
	drop(&j);
}

static void
every_kind_of_value_stands_alone(void **state)
{
	(void)state;
	accepted(STR("null"));
	accepted(STR(" true\n"));
	accepted(STR("\tfalse\r"));
	accepted(STR("-0.5e+3"));
	accepted(STR("\"\""));
	accepted(STR("[]"));
	accepted(STR("{ }"));
	accepted(STR("[ 1 , [ ] , { \"a\" : { } } ]"));
}

static void
broken_structure_is_refused_where_it_breaks(void **state)
{
	(void)state;
	refused(STR(""), JSON_INVALID, 0);
	refused(STR("  "), JSON_INVALID, 2);
	refused(STR("{} x"), JSON_INVALID, 3);
	refused(STR("{}{}"), JSON_INVALID, 2);
	refused(STR("[1,]"), JSON_INVALID, 3);
	refused(STR("[,1]"), JSON_INVALID, 1);
	refused(STR("[1 2]"), JSON_INVALID, 3);
	refused(STR("[1"), JSON_INVALID, 2);
	refused(STR("{\"a\":1,}"), JSON_INVALID, 7);
	refused(STR("{\"a\" 1}"), JSON_INVALID, 5);
	refused(STR("{\"a\":}"), JSON_INVALID, 5);
	refused(STR("{\"a\"}"), JSON_INVALID, 4);
	refused(STR("{1:2}"), JSON_INVALID, 1);
	refused(STR("{\"a\":1"), JSON_INVALID, 6);
	refused(STR("[{]}"), JSON_INVALID, 2);
	refused(STR("]"), JSON_INVALID, 0);
	refused(STR("tru"), JSON_INVALID, 0);
	refused(STR("nulll"), JSON_INVALID, 4);
	refused(STR("NaN"), JSON_INVALID, 0);
	refused(STR("-Infinity"), JSON_INVALID, 1);
	refused(STR("{'a':1}"), JSON_INVALID, 1);
	refused(STR("{}\0"), JSON_INVALID, 2);
	refused(STR("\xEF\xBB\xBF{}"), JSON_INVALID, 0);
}

static void
strings_hold_valid_text_only(void **state)
{
	(void)state;
	accepted(STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00\""));
	accepted(STR("\"\xE2\x82\xAC \xF0\x9F\x98\x80 \xED\x9F\xBF \x7F\""));
	refused(STR("\"abc"), JSON_INVALID, 0);
	refused(STR("\"a\nb\""), JSON_INVALID, 2);
	refused(STR("\"a\0b\""), JSON_INVALID, 2);
	refused(STR("\"\\x\""), JSON_INVALID, 1);
	refused(STR("\"\\"), JSON_INVALID, 1);
	refused(STR("\"\\u12g4\""), JSON_INVALID, 1);
	refused(STR("\"\\u12"), JSON_INVALID, 1);
	refused(STR("\"\\u0000\""), JSON_INVALID, 1);
	refused(STR("\"\\ud83d\""), JSON_INVALID, 1);
	refused(STR("\"\\ude00\""), JSON_INVALID, 1);
	refused(STR("\"\\ud83d\\u0041\""), JSON_INVALID, 1);
	refused(STR("\"\\ude00\\ude00\""), JSON_INVALID, 1);
	refused(STR("\"\xC0\xAF\""), JSON_INVALID, 1);
	refused(STR("\"\xED\xA0\x80\""), JSON_INVALID, 1);
	refused(STR("\"\xF4\x90\x80\x80\""), JSON_INVALID, 1);
	refused(STR("\"\xE2\x82"), JSON_INVALID, 1);
	refused(STR("\"\xE2\x82\""), JSON_INVALID, 1);
}

/* The fast path looks at 16 bytes at once: an odd byte must be seen at every place of a block, and in the tail. */
static void
an_odd_byte_is_found_wherever_it_stands(void **state)
{
	(void)state;
	for (uint32_t length = 1; length < 50; length++) {
		for (uint32_t at = 0; at < length; at++) {
			char text[64] = "\"";
			memset(text + 1, 'x', length);
			text[length + 1] = '"';
			text[at + 1] = 0x1F;
			refused((struct str){ text, length + 2 }, JSON_INVALID, at + 1);
			text[at + 1] = (char)0x80;
			refused((struct str){ text, length + 2 }, JSON_INVALID, at + 1);
			text[at + 1] = '"';
			if (at + 1 < length)
				refused((struct str){ text, length + 2 }, JSON_INVALID, at + 2);
			text[at + 1] = 0x7F;
			accepted((struct str){ text, length + 2 });
		}
	}
}

static void
numbers_follow_the_grammar_and_fit_a_double(void **state)
{
	(void)state;
	accepted(STR("[0,-0,0.0,1e5,1E-5,9223372036854775808,1e-400,0e999999999999999999999]"));
	accepted(STR("1.7976931348623157e308"));
	accepted(STR("1.7976931348623158e308"));
	refused(STR("1.7976931348623159e308"), JSON_INVALID, 0);
	refused(STR("[1e400]"), JSON_INVALID, 1);
	refused(STR("-1e309"), JSON_INVALID, 0);
	refused(STR("1e99999999999999999999"), JSON_INVALID, 0);
	refused(STR("01"), JSON_INVALID, 0);
	refused(STR("-01"), JSON_INVALID, 1);
	refused(STR("+1"), JSON_INVALID, 0);
	refused(STR("1."), JSON_INVALID, 2);
	refused(STR("1.e5"), JSON_INVALID, 2);
	refused(STR(".5"), JSON_INVALID, 0);
	refused(STR("1e"), JSON_INVALID, 2);
	refused(STR("1e+"), JSON_INVALID, 3);
	refused(STR("-"), JSON_INVALID, 1);
	refused(STR("0x10"), JSON_INVALID, 1);
	refused(STR("1_0"), JSON_INVALID, 1);
}

/* Short ones are worked out here, long ones by the library: on both sides of where that changes. */
static void
a_number_is_the_double_the_library_reads(void **state)
{
	(void)state;
	uint64_t seed = 1;
	for (int i = 0; i < 20000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		uint64_t digits = seed >> 11 >> (seed >> 5) % 50;
		int exponent = (int)((seed >> 40) % 60) - 30;
		char text[64];
		if (i % 2 == 0)
			snprintf(text, sizeof text, "%s%llue%d", i % 4 == 0 ? "-" : "",
			    (unsigned long long)digits, exponent);
		else
			snprintf(text, sizeof text, "%llu.%03llu", (unsigned long long)(digits % 100000),
			    (unsigned long long)(digits / 100000 % 1000));
		struct json j;
		double d = -1;
		assert_int_equal(scan(&j, str_from(text)), 0);
		assert_true(json_double(&j, 0, &d));
		if (d != strtod(text, NULL))
			fail_msg("%s", text);
		drop(&j);
	}
}

static void
digits_beyond_the_precision_of_a_double_still_round(void **state)
{
	(void)state;
	struct json j;
	double d;
	/* Half way between 1 and the next double, which rounds to even; then with a digit 800 places further. */
	struct buf half = { 0 }, more = { 0 }, zeroes = repeat("0", 800), nines = repeat("9", 309);
	buf_add(&half, STR("1.00000000000000011102230246251565404236316680908203125"));
	buf_printf(&more, "%.*s%.*s1", STR_FMT(buf_str(&half)), STR_FMT(buf_str(&zeroes)));
	assert_int_equal(scan(&j, buf_str(&half)), 0);
	assert_true(json_double(&j, 0, &d) && d == 1.0);
	drop(&j);
	assert_int_equal(scan(&j, buf_str(&more)), 0);
	assert_true(json_double(&j, 0, &d) && d == 1.0000000000000002220446049250313);
	drop(&j);
	refused(buf_str(&nines), JSON_INVALID, 0);
	nines.n--;
	accepted(buf_str(&nines));
	buf_free(&half);
	buf_free(&more);
	buf_free(&zeroes);
	buf_free(&nines);
}

static void
a_million_digits_cost_little(void **state)
{
	(void)state;
	struct buf whole = repeat("1234567890", 100000), fraction = { 0 };
	assert_int_equal(buf_add(&fraction, STR("0.")), 0);
	assert_int_equal(buf_add(&fraction, buf_str(&whole)), 0);
	double start = cpu_seconds();

	refused(buf_str(&whole), JSON_INVALID, 0);
	accepted(buf_str(&fraction));

	assert_true(cpu_seconds() - start < 0.2);
	buf_free(&whole);
	buf_free(&fraction);
}

static void
nesting_ends_at_the_limit(void **state)
{
	(void)state;
	struct json j;
	assert_int_equal(scan_with(&j, STR("[]"), (struct json_limits){ 1, 10 }), 0);
	drop(&j);
	assert_int_equal(scan_with(&j, STR("[[]]"), (struct json_limits){ 1, 10 }), -1);
	assert_int_equal(fault.code, JSON_TOO_DEEP);
	assert_int_equal(fault.at, 1);
	drop(&j);
	assert_int_equal(scan_with(&j, STR("1"), (struct json_limits){ 0, 10 }), 0);
	drop(&j);

	struct buf deep = repeat("[", 64), shut = repeat("]", 64);
	assert_int_equal(buf_add(&deep, buf_str(&shut)), 0);
	accepted(buf_str(&deep));
	buf_free(&deep);
	deep = repeat("{\"a\":[", 500000);
	refused(buf_str(&deep), JSON_TOO_DEEP, 64 / 2 * 6);
	buf_free(&deep);
	buf_free(&shut);
}

static void
a_deep_text_needs_no_deep_stack(void **state)
{
	(void)state;
	struct buf deep = repeat("[", 1000000), shut = repeat("]", 1000000), out = { 0 };
	assert_int_equal(buf_add(&deep, buf_str(&shut)), 0);
	struct json j;

	assert_int_equal(scan_with(&j, buf_str(&deep), (struct json_limits){ 2000000, 2000000 }), 0);
	assert_int_equal(json_canonical(&j, 0, NULL, NULL, &out), 0);

	assert_true(str_eq(buf_str(&out), buf_str(&deep)));
	drop(&j);
	buf_free(&deep);
	buf_free(&shut);
	buf_free(&out);
}

static void
the_tape_ends_at_its_limit(void **state)
{
	(void)state;
	struct json j;
	assert_int_equal(scan_with(&j, STR("[1,2]"), (struct json_limits){ 4, 3 }), 0);
	drop(&j);
	assert_int_equal(scan_with(&j, STR("[1,2,3]"), (struct json_limits){ 4, 3 }), -1);
	assert_int_equal(fault.code, JSON_TOO_MANY);
	assert_int_equal(fault.at, 5);
	/* A tape grown by an earlier scan does not raise the limit. */
	drop(&j);
	struct buf many = repeat("1,", 200);
	many.p[many.n - 1] = ' ';
	struct buf list = { 0 };
	assert_int_equal(buf_printf(&list, "[%.*s]", STR_FMT(buf_str(&many))), 0);
	assert_int_equal(json_scan(&j, buf_str(&list), JSON_LIMITS, &fault), 0);
	assert_int_equal(json_scan(&j, buf_str(&list), (struct json_limits){ 4, 100 }, &fault), -1);
	assert_int_equal(fault.code, JSON_TOO_MANY);
	json_free(&j);
	buf_free(&many);
	buf_free(&list);
}

static void
a_key_may_stand_once_in_each_object(void **state)
{
	(void)state;
	accepted(STR("[{\"a\":1},{\"a\":1},{\"b\":{\"a\":1},\"a\":2}]"));
	accepted(STR("{\"\":1,\"a\":2,\"A\":3,\"aaaaaaaa\":4,\"aaaaaaaaa\":5,\"aaaaaaaab\":6}"));
	refused(STR("{\"a\":1,\"b\":2,\"a\":3}"), JSON_DUPLICATE_KEY, 13);
	refused(STR("{\"\":1,\"\":2}"), JSON_DUPLICATE_KEY, 6);
	refused(STR("[{\"x\":{\"k\":1,\"k\":1}}]"), JSON_DUPLICATE_KEY, 13);
	refused(STR("{\"model\":1,\"\\u006dod\\u0065l\":2}"), JSON_DUPLICATE_KEY, 11);
	refused(
	    STR("{\"\\u00e9t\\u00e9 is long\":1,\"\xC3\xA9t\xC3\xA9 is long\":2}"), JSON_DUPLICATE_KEY, 27);
	refused(STR("{\"a\\/b\":1,\"a/b\":2}"), JSON_DUPLICATE_KEY, 10);
	accepted(STR("{\"a long key \\u0031\":1,\"a long key 2\":2,\"a long key\":3}"));
}

static void
repeated_key_is_found_in_objects_of_any_size(void **state)
{
	(void)state;
	for (int n = 2; n < 60; n++) {
		for (int same = 0; same < n - 1; same += 3) {
			struct buf b = { 0 };
			buf_add_c(&b, '{');
			for (int i = 0; i < n - 1; i++)
				buf_printf(&b, "\"a common head %d\":0,", i);
			uint32_t at = (uint32_t)b.n;
			buf_printf(&b, "\"a common \\u0068ead %d\":0}", same);
			refused(buf_str(&b), JSON_DUPLICATE_KEY, at);
			buf_free(&b);
		}
	}
}

static void
the_first_repetition_in_a_large_object_is_named(void **state)
{
	(void)state;
	struct buf b = { 0 };
	buf_add_c(&b, '{');
	for (int i = 0; i < 30; i++)
		buf_printf(&b, "\"k%02d\":0,", i);
	uint32_t at = (uint32_t)b.n;
	buf_add(&b, STR("\"k20\":1,\"k05\":1,\"k29\":1}"));
	refused(buf_str(&b), JSON_DUPLICATE_KEY, at);
	buf_free(&b);
}

/* Processor seconds for an object of so many keys that begin alike, once good and once with a repetition at its end. */
static double
cost_of_keys(int keys)
{
	struct buf b = { 0 };
	struct json j;
	buf_add_c(&b, '{');
	for (int i = 0; i < keys; i++)
		buf_printf(&b, "%s\"samehead%06d\":0", i > 0 ? "," : "", (int)((int64_t)i * 7919 % keys));
	double start = cpu_seconds();
	buf_add_c(&b, '}');
	accepted(buf_str(&b));
	b.n--;
	buf_printf(&b, ",\"samehead000000\":1}");
	assert_int_equal(scan(&j, buf_str(&b)), -1);
	assert_int_equal(fault.code, JSON_DUPLICATE_KEY);
	double cost = cpu_seconds() - start;
	drop(&j);
	buf_free(&b);
	return cost;
}

static void
many_keys_cost_no_square(void **state)
{
	(void)state;
	double few = cost_of_keys(10000), many = cost_of_keys(200000);
	/* Twenty times the keys: a square would cost four hundred times as much, sorting about twenty-seven times. */
	assert_true(many < 150 * (few + 0.001));
}

static void
members_are_found_by_their_decoded_name(void **state)
{
	(void)state;
	struct json j;
	assert_int_equal(scan(&j, STR("{\"a\":{\"b\":1},\"\\u0062\":[2,3],\"c\":\"\"}")), 0);

	uint32_t b = json_member(&j, 0, "b");
	assert_int_equal(json_type(&j, b), JSON_ARRAY);
	assert_int_equal(json_member(&j, 0, "B"), 0);
	assert_int_equal(json_member(&j, b, "b"), 0);
	assert_true(str_eq(json_raw(&j, json_member(&j, json_member(&j, 0, "a"), "b")), STR("1")));
	assert_true(json_empty(&j, json_member(&j, 0, "c")));
	assert_false(json_empty(&j, b));
	uint32_t first = json_first(&j, b), second = json_next(&j, b, first);
	assert_true(str_eq(json_raw(&j, second), STR("3")));
	assert_int_equal(json_next(&j, b, second), 0);
	assert_int_equal(json_first(&j, first), 0);
	drop(&j);
}

static void
strings_are_read_decoded(void **state)
{
	(void)state;
	struct json j;
	struct buf out = { 0 };
	char label[8];
	assert_int_equal(scan(&j, STR("[\"a\\n\\u20ac\\ud83d\\ude00\\\"\\/z\",\"plain\",7]")), 0);

	assert_true(json_is(&j, 1, "a\n\xE2\x82\xAC\xF0\x9F\x98\x80\"/z"));
	assert_false(json_is(&j, 1, "a\n\xE2\x82\xAC\xF0\x9F\x98\x80\"/"));
	assert_false(json_is(&j, 1, "a\n\xE2\x82\xAC\xF0\x9F\x98\x80\"/zz"));
	assert_true(json_is(&j, 2, "plain"));
	assert_false(json_is(&j, 3, "7"));
	assert_int_equal(json_text(&j, 1, &out), 0);
	assert_true(str_eq(buf_str(&out), STR("a\n\xE2\x82\xAC\xF0\x9F\x98\x80\"/z")));
	assert_int_equal(json_text(&j, 3, &out), -1);
	json_label(&j, 1, label, sizeof label);
	assert_string_equal(label, "a\n\xE2\x82\xAC");
	json_label(&j, 2, label, 4);
	assert_string_equal(label, "pla");
	json_label(&j, 3, label, sizeof label);
	assert_string_equal(label, "");
	drop(&j);
	buf_free(&out);
}

static void
a_full_buffer_keeps_what_it_had(void **state)
{
	(void)state;
	struct json j;
	struct buf out;
	assert_int_equal(scan(&j, STR("[\"abcdefgh\\n\\n\",{\"b\":[1e5],\"a\":-1e-3}]")), 0);
	struct buf whole = { 0 };
	assert_int_equal(json_canonical(&j, 0, NULL, NULL, &whole), 0);

	for (size_t max = 2; max < whole.n + 1; max++) {
		buf_init(&out, max);
		assert_int_equal(buf_add(&out, STR("#")), 0);
		assert_int_equal(json_canonical(&j, 0, NULL, NULL, &out), -1);
		assert_int_equal(out.n, 1);
		buf_free(&out);
	}
	buf_init(&out, whole.n);
	assert_int_equal(json_canonical(&j, 0, NULL, NULL, &out), 0);
	buf_free(&out);
	buf_init(&out, 5);
	assert_int_equal(json_text(&j, 1, &out), -1);
	assert_int_equal(out.n, 0);
	buf_free(&out);
	buf_free(&whole);
	drop(&j);
}

static void
integers_are_literals_without_point_or_exponent(void **state)
{
	(void)state;
	struct json j;
	int64_t i;
	double d;
	assert_int_equal(
	    scan(&j,
		STR("[9223372036854775807,-9223372036854775808,9223372036854775808,1.0,1e2,-0,\"5\",0.1]")),
	    0);

	assert_true(json_int(&j, 1, &i) && i == INT64_MAX);
	assert_true(json_int(&j, 2, &i) && i == INT64_MIN);
	assert_false(json_int(&j, 3, &i));
	assert_false(json_int(&j, 4, &i));
	assert_false(json_int(&j, 5, &i));
	assert_true(json_int(&j, 6, &i) && i == 0);
	assert_false(json_int(&j, 7, &i));
	assert_false(json_double(&j, 7, &d));
	assert_true(json_double(&j, 5, &d) && d == 100);
	assert_true(json_double(&j, 8, &d) && d == 0.1);
	assert_true(json_double(&j, 3, &d) && d == 9223372036854775808.0);
	drop(&j);
}

static void
canonical_is(struct str text, struct str expected)
{
	struct json j;
	struct buf out = { 0 };
	if (scan(&j, text) != 0)
		fail_msg("refused: %.*s", STR_FMT(text));
	assert_int_equal(json_canonical(&j, 0, NULL, NULL, &out), 0);
	if (!str_eq(buf_str(&out), expected))
		fail_msg(
		    "%.*s became %.*s, not %.*s", STR_FMT(text), STR_FMT(buf_str(&out)), STR_FMT(expected));
	buf_free(&out);
	drop(&j);
}

static void
canonical_form_forgets_order_and_space(void **state)
{
	(void)state;
	canonical_is(STR(" { \"b\" : [ 1 , { } ] , \"a\" : { \"d\" : null, \"c\" : [ ] } } "),
	    STR("{\"a\":{\"c\":[],\"d\":null},\"b\":[1,{}]}"));
	canonical_is(STR("{\"bb\":1,\"b\":2,\"\":3,\"B\":4,\"\\u00e9\":5,\"aaaaaaaab\":6,\"aaaaaaaa\":7}"),
	    STR("{\"\":3,\"B\":4,\"aaaaaaaa\":7,\"aaaaaaaab\":6,\"b\":2,\"bb\":1,\"\xC3\xA9\":5}"));
	canonical_is(STR("[true,false,null,\"x\"]"), STR("[true,false,null,\"x\"]"));
}

static void
canonical_strings_have_the_fewest_escapes(void **state)
{
	(void)state;
	canonical_is(
	    STR("\"\\u0041\\/\\u00e9\\ud83d\\ude00\\u007f\""), STR("\"A/\xC3\xA9\xF0\x9F\x98\x80\x7F\""));
	canonical_is(
	    STR("\"\\u0008\\u000c\\u000a\\u000d\\u0009\\u0022\\u005c\""), STR("\"\\b\\f\\n\\r\\t\\\"\\\\\""));
	canonical_is(STR("\"x\\u000B\\u001F\\u0001y\""), STR("\"x\\u000b\\u001f\\u0001y\""));
}

static void
canonical_numbers_are_the_number_they_denote(void **state)
{
	(void)state;
	canonical_is(STR("[1,1.0,1.00,10e-1,0.1e1,1E0,1e+0]"), STR("[1,1,1,1,1,1,1]"));
	canonical_is(STR("[100,1e2,100.0,1000e-1]"), STR("[100,100,100,100]"));
	canonical_is(STR("[0,-0,0.0,0e5,-0.00e-3]"), STR("[0,0,0,0,0]"));
	canonical_is(STR("[0.7,0.70,7e-1,-0.7,-7.0E-1]"), STR("[0.7,0.7,0.7,-0.7,-0.7]"));
	canonical_is(STR("[12.5,1.25e1,125e-1,0.0125e3]"), STR("[12.5,12.5,12.5,12.5]"));
	canonical_is(
	    STR("[0.000001,1e-6,1e-19,1e-20]"), STR("[0.000001,0.000001,0.0000000000000000001,1e-20]"));
	canonical_is(STR("[1e20,100000000000000000000,1e21,1000000000000000000000]"),
	    STR("[100000000000000000000,100000000000000000000,1e21,1e21]"));
	canonical_is(STR("[123456789012345678901234567890,12345678901234567890123456789e1]"),
	    STR("[12345678901234567890123456789e1,12345678901234567890123456789e1]"));
	canonical_is(STR("[0.1234567890123456789012,1.234567890123456789012e-1]"),
	    STR("[1234567890123456789012e-22,1234567890123456789012e-22]"));
	canonical_is(STR("[1e-400,1e-99999999999999999999,0.1e-9999999999999999]"), STR("[1e-400,0,0]"));
	canonical_is(STR("[9007199254740993,9007199254740992]"), STR("[9007199254740993,9007199254740992]"));
}

static void
a_large_object_is_sorted_like_a_small_one(void **state)
{
	(void)state;
	struct buf text = { 0 }, sorted = { 0 };
	buf_add_c(&text, '[');
	buf_add_c(&text, '{');
	buf_add_c(&sorted, '[');
	buf_add_c(&sorted, '{');
	for (int i = 0; i < 1000; i++) {
		buf_printf(&text, "%s\"k%03d\":[{\"z\":1,\"y\":2}]", i > 0 ? " , " : "", (i * 77) % 1000);
		buf_printf(&sorted, "%s\"k%03d\":[{\"y\":2,\"z\":1}]", i > 0 ? "," : "", i);
	}
	buf_add(&text, STR("},1]"));
	buf_add(&sorted, STR("},1]"));

	canonical_is(buf_str(&text), buf_str(&sorted));

	buf_free(&text);
	buf_free(&sorted);
}

static void
escaped_keys_sort_among_many_as_what_they_mean(void **state)
{
	(void)state;
	struct buf text = { 0 }, sorted = { 0 };
	for (int i = 0; i < 40; i++)
		buf_printf(&sorted, "%s\"a long head %02d\":0", i > 0 ? "," : "{", i);
	for (int i = 0; i < 40; i++) {
		int k = (i * 7) % 40;
		buf_printf(
		    &text, "%s\"a long h%s %02d\":0", i > 0 ? "," : "{", k % 3 == 0 ? "\\u0065ad" : "ead", k);
	}
	buf_add_c(&text, '}');
	buf_add_c(&sorted, '}');

	canonical_is(buf_str(&text), buf_str(&sorted));

	buf_free(&text);
	buf_free(&sorted);
}

static bool
skip_stream(const struct json *j, uint32_t key, void *context)
{
	(*(int *)context)++;
	return json_is(j, key, "stream");
}

static void
members_of_the_root_can_be_left_out(void **state)
{
	(void)state;
	struct json j;
	struct buf out = { 0 };
	int asked = 0;
	assert_int_equal(scan(&j, STR("{\"stream\":true,\"b\":{\"stream\":1},\"a\":2}")), 0);

	assert_int_equal(json_canonical(&j, 0, skip_stream, &asked, &out), 0);

	assert_true(str_eq(buf_str(&out), STR("{\"a\":2,\"b\":{\"stream\":1}}")));
	assert_int_equal(asked, 3);
	drop(&j);
	buf_free(&out);
}

static void
set_is(struct str text, const char *name, struct str value, struct str expected)
{
	struct json j;
	struct buf store = { 0 }, out = { 0 };
	struct json_edit edit;
	assert_int_equal(scan(&j, text), 0);
	assert_int_equal(json_set(&j, name, value, &store, &edit), 0);
	assert_int_equal(json_splice(j.text, &edit, 1, &out), 0);
	if (!str_eq(buf_str(&out), expected))
		fail_msg("became %.*s", STR_FMT(buf_str(&out)));
	buf_free(&store);
	buf_free(&out);
	drop(&j);
}

static void
setting_a_member_leaves_other_bytes_alone(void **state)
{
	(void)state;
	set_is(STR(" { \"a\" : 1.0 , \"model\" : \"x\" } "), "model", STR("\"y\""),
	    STR(" { \"a\" : 1.0 , \"model\" : \"y\" } "));
	set_is(
	    STR("{\"\\u006dodel\":[1,{}],\"a\":1}"), "model", STR("2"), STR("{\"\\u006dodel\":2,\"a\":1}"));
	set_is(STR("{ \"a\" : [1] \n}"), "b", STR("true"), STR("{ \"a\" : [1],\"b\":true \n}"));
	set_is(STR(" { }"), "b", STR("true"), STR(" {\"b\":true }"));
}

static void
edits_apply_in_ascending_order(void **state)
{
	(void)state;
	struct json_edit edits[] = {
		{ 0, 0, STR("<") },
		{ 1, 3, STR("") },
		{ 3, 3, STR("+") },
		{ 5, 6, STR("long") },
	};
	struct buf out = { 0 };
	assert_int_equal(json_splice(STR("abcdef"), edits, 4, &out), 0);
	assert_true(str_eq(buf_str(&out), STR("<a+delong")));
	buf_clear(&out);
	assert_int_equal(json_splice(STR("abc"), NULL, 0, &out), 0);
	assert_true(str_eq(buf_str(&out), STR("abc")));
	buf_free(&out);
	buf_init(&out, 4);
	assert_int_equal(json_splice(STR("abcdef"), edits, 4, &out), -1);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tape_is_flat_and_points_into_the_text),
		cmocka_unit_test(every_kind_of_value_stands_alone),
		cmocka_unit_test(broken_structure_is_refused_where_it_breaks),
		cmocka_unit_test(strings_hold_valid_text_only),
		cmocka_unit_test(an_odd_byte_is_found_wherever_it_stands),
		cmocka_unit_test(numbers_follow_the_grammar_and_fit_a_double),
		cmocka_unit_test(a_number_is_the_double_the_library_reads),
		cmocka_unit_test(digits_beyond_the_precision_of_a_double_still_round),
		cmocka_unit_test(a_million_digits_cost_little),
		cmocka_unit_test(nesting_ends_at_the_limit),
		cmocka_unit_test(a_deep_text_needs_no_deep_stack),
		cmocka_unit_test(the_tape_ends_at_its_limit),
		cmocka_unit_test(a_key_may_stand_once_in_each_object),
		cmocka_unit_test(repeated_key_is_found_in_objects_of_any_size),
		cmocka_unit_test(the_first_repetition_in_a_large_object_is_named),
		cmocka_unit_test(many_keys_cost_no_square),
		cmocka_unit_test(members_are_found_by_their_decoded_name),
		cmocka_unit_test(strings_are_read_decoded),
		cmocka_unit_test(a_full_buffer_keeps_what_it_had),
		cmocka_unit_test(integers_are_literals_without_point_or_exponent),
		cmocka_unit_test(canonical_form_forgets_order_and_space),
		cmocka_unit_test(canonical_strings_have_the_fewest_escapes),
		cmocka_unit_test(canonical_numbers_are_the_number_they_denote),
		cmocka_unit_test(a_large_object_is_sorted_like_a_small_one),
		cmocka_unit_test(escaped_keys_sort_among_many_as_what_they_mean),
		cmocka_unit_test(members_of_the_root_can_be_left_out),
		cmocka_unit_test(setting_a_member_leaves_other_bytes_alone),
		cmocka_unit_test(edits_apply_in_ascending_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
