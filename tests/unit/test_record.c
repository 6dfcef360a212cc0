/*
 * Records: which JSON objects within prompts have one answer, and what is left to compare of them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text/record.h"

static const char *must_match[] = { "brand", "sku" }, *texts[] = { "title" }, *ignored[] = { "request_id" };
static const double bounds[] = { 20, 100 };
static const struct field_range ranges[] = { { .name = "price", .width = 50 },
	{ .name = "weight", .bounds = bounds, .bound_count = 2 } };
static const struct fields_conf fields = { must_match, 2, texts, 1, ignored, 1, ranges, 2 };
static const struct fields_conf none;

static bool
meet_under(const struct fields_conf *conf, const char *a, const char *b)
{
	struct record ra, rb;
	assert_int_equal(record_of(str_from(a), conf, &ra), 0);
	assert_int_equal(record_of(str_from(b), conf, &rb), 0);
	assert_int_equal(ra.objects, 1);
	assert_int_equal(rb.objects, 1);
	bool same = digest_equal(&ra.key, &rb.key);
	record_free(&ra);
	record_free(&rb);
	return same;
}

static bool
meet(const char *a, const char *b)
{
	return meet_under(&fields, a, b);
}

static void
order_space_and_form_of_numbers_do_not_matter(void **state)
{
	(void)state;
	assert_true(meet("{\"brand\":\"Acme\",\"n\":1}", "{ \"n\" : 1.0 ,\n \"br\\u0061nd\":\"Acme\" }"));
	assert_true(meet_under(&none, "{\"a\":{\"x\":1,\"y\":2}}", "{\"a\":{\"y\":2.0,\"x\":1}}"));
}

static void
fields_of_no_list_must_be_equal(void **state)
{
	(void)state;
	assert_false(meet_under(&none, "{\"a\":1}", "{\"a\":2}"));
	assert_false(meet_under(&none, "{\"a\":\"red\"}", "{\"a\":\"blue\"}"));
	assert_false(meet_under(&none, "{\"a\":[1,2]}", "{\"a\":[2,1]}"));
	assert_false(meet_under(&none, "{\"a\":1}", "{\"a\":1,\"b\":2}"));
	assert_false(meet_under(&none, "{\"a\":null}", "{}"));
	assert_false(meet_under(&none, "{\"a\":\"1\"}", "{\"a\":1}"));
}

static void
texts_of_several_words_are_left_to_be_compared(void **state)
{
	(void)state;
	struct record r;
	const char *a = "{\"a\":\"wool socks, warm\",\"b\":1}", *b = "{\"b\":1,\"a\":\"warm socks of wool\"}";
	assert_true(meet_under(&none, a, b));
	assert_int_equal(record_of(str_from(b), &none, &r), 0);
	assert_string_equal(buf_text(&r.texts), "\x1fwarm socks of wool");
	record_free(&r);
	assert_false(meet_under(&none, a, "{\"a\":\"socks\",\"b\":1}"));
	/* ... but not where they must match */
	assert_false(meet("{\"brand\":\"one two three\"}", "{\"brand\":\"one two four\"}"));
}

static void
listed_texts_are_compared_however_short(void **state)
{
	(void)state;
	assert_true(meet("{\"title\":\"socks\"}", "{\"title\":\"stockings\"}"));
}

static void
ignored_fields_do_not_part_them(void **state)
{
	(void)state;
	assert_true(meet("{\"request_id\":\"1\",\"sku\":\"x\"}", "{\"sku\":\"x\"}"));
	assert_true(meet("{\"request_id\":{\"a\":[]},\"sku\":\"x\"}", "{\"request_id\":7,\"sku\":\"x\"}"));
	assert_false(meet("{\"request_id\":\"1\",\"sku\":\"x\"}", "{\"request_id\":\"1\",\"sku\":\"y\"}"));
}

static void
numbers_of_one_range_meet(void **state)
{
	(void)state;
	assert_true(meet("{\"price\":51}", "{\"price\":99.99}"));
	assert_true(meet("{\"price\":\"51\"}", "{\"price\":99.99}"));
	assert_false(meet("{\"price\":49.99}", "{\"price\":50}"));
	assert_false(meet("{\"price\":-1}", "{\"price\":1}"));
	assert_true(meet("{\"weight\":20}", "{\"weight\":99}"));
	assert_false(meet("{\"weight\":19}", "{\"weight\":20}"));
	assert_false(meet("{\"weight\":99}", "{\"weight\":100}"));
	assert_false(meet("{\"price\":\"cheap\"}", "{\"price\":51}"));
	assert_false(meet("{\"price\":1e300}", "{\"price\":1e301}"));
	assert_false(meet("{\"price\":1e300}", "{\"price\":1}"));
}

static void
text_around_an_object_is_kept(void **state)
{
	(void)state;
	struct record r;
	assert_int_equal(
	    record_of(STR("Title for {\"sku\":1} and [{\"sku\":2}], see [1] or {x}."), &none, &r), 0);
	assert_int_equal(r.objects, 2);
	assert_string_equal(buf_text(&r.around), "Title for {} and {}, see [1] or {x}.");
	record_free(&r);
}

static void
texts_without_an_object_are_left_whole(void **state)
{
	(void)state;
	static const char *const plain[] = { "", "no braces", "{", "}{", "{{{{{{{{{{{{{{{{{{{{{{{{{{{{",
		"{a}", "[1,2]", "{\"a\":1", "{\"a\":\"}\"", "{\"a\":1,\"a\":2}" };
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		struct record r;
		assert_int_equal(record_of(str_from(plain[i]), &none, &r), 0);
		assert_int_equal(r.objects, 0);
		assert_true(str_eq(buf_str(&r.around), str_from(plain[i])));
		record_free(&r);
	}
}

static void
separators_within_texts_do_not_part_them(void **state)
{
	(void)state;
	struct record r;
	assert_int_equal(record_of(STR("{\"a\":\"one two\\u001fthree four\"}"), &none, &r), 0);
	assert_string_equal(buf_text(&r.texts), "\x1fone two three four");
	record_free(&r);
}

static void
object_with_too_many_fields_must_be_equal(void **state)
{
	(void)state;
	struct buf a = { 0 }, b = { 0 };
	buf_add_c(&a, '{');
	for (int i = 0; i <= RECORD_FIELDS_MAX; i++)
		buf_printf(&a, "%s\"f%d\":\"one two three\"", i > 0 ? "," : "", i);
	buf_add(&b, buf_str(&a));
	buf_add(&a, STR(",\"request_id\":1}"));
	buf_add(&b, STR(",\"request_id\":2}"));
	assert_false(meet(buf_text(&a), buf_text(&b)));
	buf_free(&a);
	buf_free(&b);
}

/* A price of 90 was in the second range of 50 and one of 150 is in the second of 100: a reload must not make them meet. */
static void
ranges_are_told_apart_by_where_they_are_and_not_by_their_number(void **state)
{
	(void)state;
	static const struct field_range wide[] = { { .name = "price", .width = 100 } };
	static const struct fields_conf later = { .ranges = wide, .range_count = 1 };
	struct record before, after;
	assert_int_equal(record_of(STR("{\"price\":90}"), &fields, &before), 0);
	assert_int_equal(record_of(STR("{\"price\":150}"), &later, &after), 0);
	assert_false(digest_equal(&before.key, &after.key));
	record_free(&before);
	record_free(&after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_space_and_form_of_numbers_do_not_matter),
		cmocka_unit_test(fields_of_no_list_must_be_equal),
		cmocka_unit_test(texts_of_several_words_are_left_to_be_compared),
		cmocka_unit_test(listed_texts_are_compared_however_short),
		cmocka_unit_test(ignored_fields_do_not_part_them),
		cmocka_unit_test(numbers_of_one_range_meet),
		cmocka_unit_test(ranges_are_told_apart_by_where_they_are_and_not_by_their_number),
		cmocka_unit_test(text_around_an_object_is_kept),
		cmocka_unit_test(texts_without_an_object_are_left_whole),
		cmocka_unit_test(separators_within_texts_do_not_part_them),
		cmocka_unit_test(object_with_too_many_fields_must_be_equal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
