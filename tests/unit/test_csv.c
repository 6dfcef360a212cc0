/*
 * Records and fields of CSV.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/csv.h"

static void
expect(struct buf *b, const char *text)
{
	assert_string_equal(buf_text(b), text);
	buf_free(b);
}

static void
plain_fields_stand_as_they_are(void **state)
{
	(void)state;
	struct buf b = { 0 };
	csv_text(&b, STR("name"));
	csv_number(&b, INT64_MIN);
	csv_text(&b, STR("two words"));
	csv_end(&b);
	csv_number(&b, 7);
	csv_end(&b);
	expect(&b, "name,-9223372036854775808,two words\r\n7\r\n");
}

static void
separators_quotes_and_line_ends_are_quoted(void **state)
{
	(void)state;
	struct buf b = { 0 };
	csv_text(&b, STR("a,b"));
	csv_text(&b, STR("say \"no\""));
	csv_text(&b, STR("up\ndown"));
	csv_text(&b, STR("\r"));
	csv_text(&b, STR("\n"));
	csv_text(&b, STR("\""));
	csv_end(&b);
	expect(&b, "\"a,b\",\"say \"\"no\"\"\",\"up\ndown\",\"\r\",\"\n\",\"\"\"\"\r\n");
}

static void
empty_fields_keep_their_place(void **state)
{
	(void)state;
	struct buf b = { 0 };
	csv_text(&b, STR(""));
	csv_text(&b, STR("x"));
	csv_text(&b, STR(""));
	csv_end(&b);
	csv_text(&b, STR(""));
	csv_end(&b);
	expect(&b, "\"\",x,\"\"\r\n\"\"\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_fields_stand_as_they_are),
		cmocka_unit_test(separators_quotes_and_line_ends_are_quoted),
		cmocka_unit_test(empty_fields_keep_their_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
