/*
 * The simulator's instances of JSON schemas.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/sim/schema.c"

/* Makes an instance and scans it again: it must be JSON whatever the schema says. */
static struct json
instance(const char *schema, struct buf *out)
{
	struct json j = { 0 }, made = { 0 };
	struct json_fault fault;
	assert_int_equal(json_scan(&j, str_from(schema), JSON_LIMITS, &fault), 0);
	struct sim_instance g = {
		.j = &j, .root = 0, .seed = 42, .first = STR("the \"answer\""), .out = out
	};
	/* the root of the tape stands for itself here: wrap it as the endpoints do */
	g.root = json_member(&j, 0, "schema");
	assert_int_not_equal(g.root, 0);
	sim_schema_instance(&g, g.root);
	if (json_scan(&made, buf_str(out), JSON_LIMITS, &fault) != 0)
		fail_msg("no JSON: %.*s", STR_FMT(buf_str(out)));
	json_free(&j);
	return made;
}

static void
every_property_is_there_with_its_type(void **state)
{
	(void)state;
	struct buf out = { 0 };
	struct json j = instance(
	    "{\"schema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
	    "\"integer\","
	    "\"minimum\":5,\"maximum\":7},\"c\":{\"type\":\"boolean\"},\"d\":{\"type\":\"array\",\"items\":{"
	    "\"type\":"
	    "\"number\"},\"minItems\":3},\"e\":{\"type\":\"null\"},\"f\":{\"type\":[\"string\",\"null\"]}}}}",
	    &out);
	int64_t b = 0;
	assert_true(json_is(&j, json_member(&j, 0, "a"), "the \"answer\""));
	assert_true(json_int(&j, json_member(&j, 0, "b"), &b) && b >= 5 && b <= 7);
	assert_true(json_type(&j, json_member(&j, 0, "c")) == JSON_TRUE ||
		    json_type(&j, json_member(&j, 0, "c")) == JSON_FALSE);
	uint32_t d = json_member(&j, 0, "d"), n = 0;
	for (uint32_t i = json_first(&j, d); i != 0; i = json_next(&j, d, i), n++)
		assert_int_equal(json_type(&j, i), JSON_NUMBER);
	assert_int_equal(n, 3);
	assert_int_equal(json_type(&j, json_member(&j, 0, "e")), JSON_NULL);
	assert_int_equal(json_type(&j, json_member(&j, 0, "f")), JSON_STRING);
	json_free(&j);
	buf_free(&out);
}

static void
enums_and_constants_are_kept(void **state)
{
	(void)state;
	struct buf out = { 0 };
	struct json j = instance(
	    "{\"schema\":{\"properties\":{\"x\":{\"enum\":[\"red\",\"blue\"]},\"y\":{\"const\":17}}}}", &out);
	uint32_t x = json_member(&j, 0, "x");
	int64_t y = 0;
	assert_true(json_is(&j, x, "red") || json_is(&j, x, "blue"));
	assert_true(json_int(&j, json_member(&j, 0, "y"), &y) && y == 17);
	json_free(&j);
	buf_free(&out);
}

static void
references_are_followed_and_recursion_ends(void **state)
{
	(void)state;
	struct buf out = { 0 };
	struct json j = instance("{\"schema\":{\"$defs\":{\"Node\":{\"type\":\"object\",\"properties\":{"
				 "\"name\":{\"type\":\"string\"},"
				 "\"next\":{\"anyOf\":[{\"$ref\":\"#/$defs/"
				 "Node\"},{\"type\":\"null\"}]},\"kids\":{\"type\":\"array\","
				 "\"items\":{\"$ref\":\"#/$defs/Node\"}}}}},\"$ref\":\"#/$defs/Node\"}}",
	    &out);
	uint32_t next = json_member(&j, 0, "next");
	assert_int_equal(json_type(&j, json_member(&j, 0, "name")), JSON_STRING);
	assert_int_equal(json_type(&j, next), JSON_OBJECT);
	assert_int_equal(json_type(&j, json_member(&j, next, "name")), JSON_STRING);
	json_free(&j);
	buf_free(&out);
}

static void
a_reference_to_itself_or_nowhere_ends_in_null(void **state)
{
	(void)state;
	static const char *const schemas[] = { "{\"schema\":{\"$ref\":\"#\"}}",
		"{\"schema\":{\"$ref\":\"#/nowhere\"}}", "{\"schema\":{\"$ref\":\"elsewhere\"}}" };
	for (size_t i = 0; i < 3; i++) {
		struct buf out = { 0 };
		struct json j = instance(schemas[i], &out);
		assert_int_equal(json_type(&j, 0), JSON_NULL);
		json_free(&j);
		buf_free(&out);
	}
}

static void
bounds_of_strings_hold(void **state)
{
	(void)state;
	struct buf out = { 0 };
	struct json j = instance("{\"schema\":{\"properties\":{\"a\":{\"type\":\"string\",\"maxLength\":3},"
				 "\"b\":{\"type\":\"string\","
				 "\"minLength\":90},\"c\":{\"type\":\"string\",\"format\":\"email\"}}}}",
	    &out);
	assert_true(json_raw(&j, json_member(&j, 0, "a")).n <= 5);
	assert_true(json_raw(&j, json_member(&j, 0, "b")).n >= 92);
	assert_true(json_is(&j, json_member(&j, 0, "c"), "ada@example.com"));
	json_free(&j);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_property_is_there_with_its_type),
		cmocka_unit_test(enums_and_constants_are_kept),
		cmocka_unit_test(references_are_followed_and_recursion_ends),
		cmocka_unit_test(a_reference_to_itself_or_nowhere_ends_in_null),
		cmocka_unit_test(bounds_of_strings_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
