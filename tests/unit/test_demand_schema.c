/*
 * Proves src/text/demand_schema*.c and src/base/pattern.c keyword by keyword: what certainly breaks a schema, and that whatever cannot be
 * told is no fault.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_help.h"

#include <stdlib.h>

struct schema_case {
	const char *schema;
	const char *keeps[8], *breaks[8];
};

static int
judge(const char *schema, const char *value, char why[96])
{
	struct demand_source source = { .last = STR("hello"), .json = true, .schema = str_from(schema) };
	struct demand_answer answer = { .text = str_from(value) };
	return fault_of(&source, &answer, why);
}

static void
all_checked(const struct schema_case *cases, size_t count)
{
	size_t wrong = 0;
	char why[96];
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < 8 && cases[i].keeps[k] != NULL; k++)
			if (judge(cases[i].schema, cases[i].keeps[k], why) != NONE) {
				print_message(
				    "%s should keep %s: %s\n", cases[i].keeps[k], cases[i].schema, why);
				wrong++;
			}
		for (size_t k = 0; k < 8 && cases[i].breaks[k] != NULL; k++)
			if (judge(cases[i].schema, cases[i].breaks[k], why) != DEMAND_SCHEMA) {
				print_message("%s should break %s\n", cases[i].breaks[k], cases[i].schema);
				wrong++;
			}
	}
	assert_int_equal(wrong, 0);
}

static void
types_and_values(void **state)
{
	(void)state;
	static const struct schema_case cases[] = {
		{ "{\"type\":\"object\"}", { "{}" }, { "[]", "1", "null", "\"x\"" } },
		{ "{\"type\":\"integer\"}", { "1", "-3", "1.0", "1e3" }, { "1.5", "\"1\"", "true" } },
		{ "{\"type\":\"number\"}", { "1", "1.5" }, { "\"1\"", "null" } },
		{ "{\"type\":\"boolean\"}", { "true", "false" }, { "0", "null" } },
		{ "{\"type\":[\"string\",\"null\"]}", { "\"x\"", "null" }, { "1", "[]" } },
		{ "{\"type\":\"string\",\"nullable\":true}", { "\"x\"", "null" }, { "1" } },
		{ "{\"enum\":[\"a\",1,null,{\"x\":[1,2]}]}",
		    { "\"a\"", "\"\\u0061\"", "1.0", "null", "{\"x\":[1,2.0]}" },
		    { "\"b\"", "2", "{\"x\":[2,1]}", "false" } },
		{ "{\"const\":{\"a\":1,\"b\":2}}", { "{\"b\":2,\"a\":1}" }, { "{\"a\":1}", "1" } },
		{ "{\"const\":false}", { "false" }, { "0", "null" } },
	};
	all_checked(CASES(cases));
}

static void
objects(void **state)
{
	(void)state;
	static const struct schema_case cases[] = {
		{ "{\"required\":[\"a\",\"b\"]}", { "{\"a\":1,\"b\":2}", "{\"b\":null,\"\\u0061\":1}", "[]" },
		    { "{\"a\":1}", "{}" } },
		{ "{\"properties\":{\"a\":{\"type\":\"string\"}}}",
		    { "{\"a\":\"x\"}", "{}", "{\"b\":1}", "1" }, { "{\"a\":1}" } },
		{ "{\"properties\":{\"a\":{}},\"additionalProperties\":false}", { "{\"a\":1}", "{}" },
		    { "{\"b\":1}", "{\"a\":1,\"b\":1}" } },
		{ "{\"properties\":{\"a\":{}},\"additionalProperties\":{\"type\":\"integer\"}}",
		    { "{\"a\":\"x\",\"b\":1}" }, { "{\"b\":\"x\"}" } },
		{ "{\"patternProperties\":{\"^n_\":{\"type\":\"number\"}},\"additionalProperties\":false}",
		    { "{\"n_a\":1}", "{}" }, { "{\"n_a\":\"x\"}", "{\"m\":1}" } },
		{ "{\"propertyNames\":{\"maxLength\":3}}", { "{\"abc\":1}" }, { "{\"abcd\":1}" } },
		{ "{\"minProperties\":1,\"maxProperties\":2}", { "{\"a\":1}", "{\"a\":1,\"b\":2}" },
		    { "{}", "{\"a\":1,\"b\":2,\"c\":3}" } },
		{ "{\"properties\":{\"o\":{\"type\":\"object\",\"required\":[\"x\"]}}}",
		    { "{\"o\":{\"x\":1}}" }, { "{\"o\":{}}", "{\"o\":3}" } },
	};
	all_checked(CASES(cases));
}

static void
arrays(void **state)
{
	(void)state;
	static const struct schema_case cases[] = {
		{ "{\"items\":{\"type\":\"integer\"}}", { "[]", "[1,2]", "{}" }, { "[1,\"x\"]" } },
		{ "{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}",
		    { "[1,\"x\",null]", "[1]", "[]" }, { "[\"x\"]", "[1,2]" } },
		{ "{\"prefixItems\":[{}],\"items\":false}", { "[1]", "[]" }, { "[1,2]" } },
		{ "{\"items\":[{\"type\":\"integer\"}],\"additionalItems\":{\"type\":\"string\"}}",
		    { "[1,\"x\"]" }, { "[1,2]", "[\"x\"]" } },
		{ "{\"minItems\":1,\"maxItems\":2}", { "[1]", "[1,2]", "\"\"" }, { "[]", "[1,2,3]" } },
		{ "{\"uniqueItems\":true}", { "[1,2,\"1\"]", "[[1],[2]]", "[]" },
		    { "[1,1.0]", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]", "[\"a\",\"\\u0061\"]" } },
		{ "{\"uniqueItems\":false}", { "[1,1]" }, { 0 } },
		{ "{\"contains\":{\"type\":\"string\"}}", { "[1,\"x\"]" }, { "[1]", "[]" } },
		{ "{\"contains\":{\"type\":\"string\"},\"minContains\":2,\"maxContains\":3}",
		    { "[\"a\",\"b\"]" }, { "[\"a\"]", "[\"a\",\"b\",\"c\",\"d\"]" } },
		{ "{\"contains\":{\"type\":\"string\"},\"minContains\":0}", { "[1]" }, { 0 } },
	};
	all_checked(CASES(cases));
}

static void
numbers(void **state)
{
	(void)state;
	static const struct schema_case cases[] = {
		{ "{\"minimum\":1,\"maximum\":5}", { "1", "5", "2.5", "\"x\"" }, { "0.9", "6" } },
		{ "{\"exclusiveMinimum\":1,\"exclusiveMaximum\":5}", { "1.1", "4" }, { "1", "5" } },
		{ "{\"minimum\":1,\"exclusiveMinimum\":true}", { "1.1" }, { "1" } },
		{ "{\"multipleOf\":3}", { "9", "0", "-3" }, { "10", "1.5" } },
		{ "{\"multipleOf\":0.01}", { "19.99", "0.07", "4.35", "1e300" }, { "19.999", "0.005" } },
		{ "{\"multipleOf\":0}", { "1" }, { 0 } },
	};
	all_checked(CASES(cases));
}

static void
strings(void **state)
{
	(void)state;
	static const struct schema_case cases[] = {
		{ "{\"minLength\":2,\"maxLength\":3}",
		    { "\"ab\"", "\"äöü\"", "\"日本\"", "\"\\ud83d\\ude00b\"", "\"\\u00e9\\n\"", "1" },
		    { "\"a\"", "\"😀\"", "\"\\ud83d\\ude00\"", "\"abcd\"" } },
		{ "{\"pattern\":\"^[a-z]+\\\\d$\"}", { "\"abc1\"", "5" },
		    { "\"abc\"", "\"abc1\\n\"", "\"Abc1\"" } },
		{ "{\"pattern\":\"b\"}", { "\"abc\"" }, { "\"ac\"" } },
		{ "{\"pattern\":\"^\\\\u00e9$\"}", { "\"é\"" }, { "\"e\"" } },
		{ "{\"format\":\"email\"}", { "\"no address\"" }, { 0 } },
		/* One that cannot be compiled, and one that would backtrack for ever. */
		{ "{\"pattern\":\"(\"}", { "\"x\"" }, { 0 } },
		{ "{\"pattern\":\"^(a+)+$\"}",
		    { "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"" }, { 0 } },
	};
	all_checked(CASES(cases));
}

static void
schemas_of_schemas(void **state)
{
	(void)state;
	static const struct schema_case cases[] = {
		{ "{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":3}]}", { "\"x\"", "4", "null" }, { "2" } },
		{ "{\"allOf\":[{\"minimum\":1},{\"maximum\":3}]}", { "2" }, { "0", "4" } },
		{ "{\"oneOf\":[{\"multipleOf\":2},{\"multipleOf\":3}]}", { "2", "3" }, { "6", "7" } },
		{ "{\"not\":{\"type\":\"string\"}}", { "1" }, { "\"x\"" } },
		{ "{\"if\":{\"properties\":{\"k\":{\"const\":1}}},\"then\":{\"required\":[\"a\"]},\"else\":{"
		  "\"required\":[\"b\"]}}",
		    { "{\"k\":1,\"a\":1}", "{\"k\":2,\"b\":1}" }, { "{\"k\":1}", "{\"k\":2,\"a\":1}" } },
		{ "{\"properties\":{\"a\":false}}", { "{}" }, { "{\"a\":1}" } },
		{ "{\"properties\":{\"a\":true}}", { "{\"a\":1}" }, { 0 } },
	};
	all_checked(CASES(cases));
}

static void
references(void **state)
{
	(void)state;
	static const struct schema_case cases[] = {
		{ "{\"$ref\":\"#/$defs/n\",\"$defs\":{\"n\":{\"type\":\"integer\"}}}", { "1" }, { "\"x\"" } },
		{ "{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},\"next\":{\"anyOf\":[{"
		  "\"$ref\":\"#\"},{\"type\":\"null\"}]}},\"required\":[\"v\"]}",
		    { "{\"v\":1,\"next\":{\"v\":2,\"next\":null}}" },
		    { "{\"v\":1,\"next\":{\"next\":null}}", "{\"v\":1,\"next\":{\"v\":\"x\"}}" } },
		{ "{\"$ref\":\"#/definitions/a~1b%25\",\"definitions\":{\"a/b%\":{\"type\":\"null\"}}}",
		    { "null" }, { "1" } },
		{ "{\"$ref\":\"#/allOf/0\",\"allOf\":[{\"type\":\"null\"}]}", { "null" }, { "1" } },
		/* Nowhere, elsewhere, and in a circle. */
		{ "{\"$ref\":\"#/$defs/none\"}", { "1" }, { 0 } },
		{ "{\"$ref\":\"other.json\"}", { "1" }, { 0 } },
		{ "{\"$ref\":\"#\"}", { "1" }, { 0 } },
		{ "{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"$ref\":\"#/$defs/a\"}},\"$ref\":\"#/"
		  "$defs/a\"}",
		    { "1" }, { 0 } },
	};
	all_checked(CASES(cases));
}

static void
what_is_unknown_is_no_fault(void **state)
{
	(void)state;
	static const struct schema_case cases[] = {
		{ "{\"type\":\"strin\"}", { "1" }, { 0 } },
		{ "{\"frobnicate\":3}", { "1" }, { 0 } },
		{ "{\"not\":{\"frobnicate\":3}}", { "1" }, { 0 } },
		{ "{\"not\":{\"format\":\"email\"}}", { "\"x\"" }, { 0 } },
		{ "{\"oneOf\":[{\"type\":\"integer\"},{\"frobnicate\":1}]}", { "1", "\"x\"" }, { 0 } },
		/* ... but what is certain beside it is one. */
		{ "{\"frobnicate\":3,\"type\":\"string\"}", { "\"x\"" }, { "1" } },
		{ "{\"anyOf\":[{\"frobnicate\":3,\"type\":\"string\"},{\"type\":\"null\"}]}", { "\"x\"" },
		    { "1" } },
		{ "{\"minimum\":\"1\"}", { "0" }, { 0 } },
		{ "{\"required\":true}", { "{}" }, { 0 } },
		{ "{\"properties\":[]}", { "{\"a\":1}" }, { 0 } },
		{ "{\"minItems\":{}}", { "[]" }, { 0 } },
		{ "no json", { "1" }, { 0 } },
		{ "[]", { "1" }, { 0 } },
		{ "true", { "1" }, { 0 } },
	};
	all_checked(CASES(cases));
}

static void
wrapped_schemas_are_found(void **state)
{
	(void)state;
	static const struct schema_case cases[] = {
		{ "{\"name\":\"n\",\"strict\":true,\"schema\":{\"type\":\"object\"}}", { "{}" }, { "[]" } },
		{ "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\","
		  "\"properties\":{\"a\":{\"$ref\":\"#/$defs/x\"}},\"$defs\":{\"x\":{\"type\":\"null\"}}}}}",
		    { "{\"a\":null}" }, { "[]", "{\"a\":1}" } },
		{ "{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"type\":\"object\"}}", { "{}" },
		    { "[]" } },
	};
	all_checked(CASES(cases));
}

static void
the_reason_names_the_keyword(void **state)
{
	(void)state;
	char why[96];
	assert_int_equal(
	    judge("{\"properties\":{\"a\":{\"maxLength\":1}}}", "{\"a\":\"xx\"}", why), DEMAND_SCHEMA);
	assert_string_equal(why, "it breaks the schema's \"maxLength\"");
	assert_int_equal(judge("{\"additionalProperties\":false}", "{\"a\":\"xx\"}", why), DEMAND_SCHEMA);
	assert_string_equal(why, "it breaks the schema's \"additionalProperties\"");
	assert_int_equal(
	    judge("{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}", "1", why), DEMAND_SCHEMA);
	assert_string_equal(why, "it breaks the schema's \"anyOf\"");
}

/* Alternatives within alternatives, each tried on the same value: 2^40 checks without a budget. */
static void
work_is_bounded(void **state)
{
	(void)state;
	struct buf schema = { 0 };
	char why[96];
	buf_add(&schema, STR("{\"$defs\":{\"d0\":{\"type\":\"string\"}"));
	for (int i = 1; i <= 40; i++)
		buf_printf(&schema,
		    ",\"d%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/d%d\"},{\"$ref\":\"#/$defs/d%d\"}]}", i, i - 1,
		    i - 1);
	buf_add(&schema, STR("},\"$ref\":\"#/$defs/d40\"}"));
	assert_int_equal(judge(buf_text(&schema), "1", why), NONE);
	assert_int_equal(judge(buf_text(&schema), "\"x\"", why), NONE);
	buf_free(&schema);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_and_values),
		cmocka_unit_test(objects),
		cmocka_unit_test(arrays),
		cmocka_unit_test(numbers),
		cmocka_unit_test(strings),
		cmocka_unit_test(schemas_of_schemas),
		cmocka_unit_test(references),
		cmocka_unit_test(what_is_unknown_is_no_fault),
		cmocka_unit_test(wrapped_schemas_are_found),
		cmocka_unit_test(the_reason_names_the_keyword),
		cmocka_unit_test(work_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
