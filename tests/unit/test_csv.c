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
#include "base/csv_read.h"

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

/* ---- Reading ---- */

static struct csv_reader
reader_of(const char *text)
{
	FILE *f = tmpfile();
	assert_non_null(f);
	fputs(text, f);
	rewind(f);
	return (struct csv_reader){ .from = f, .max = 64 };
}

static void
done(struct csv_reader *r)
{
	fclose(r->from);
	csv_reader_free(r);
}

/* The next record, its fields parted by '|' */
static void
expect_record(struct csv_reader *r, int line, const char *fields)
{
	char found[128] = "";
	size_t n = 0;
	assert_int_equal(csv_read(r), CSV_RECORD);
	assert_int_equal(r->line, line);
	for (size_t i = 0; i < r->count; i++)
		n += (size_t)snprintf(
		    found + n, sizeof found - n, "%s%.*s", i > 0 ? "|" : "", STR_FMT(r->fields[i]));
	assert_string_equal(found, fields);
}

static void
records_are_read_with_their_lines(void **state)
{
	(void)state;
	struct csv_reader r = reader_of("a,b\r\n\n\"x,\"\"y\"\"\nz\",2\n,\r\n\"\",\"q\r\"\r\n,\"\"\nlast");
	expect_record(&r, 1, "a|b");
	expect_record(&r, 3, "x,\"y\"\nz|2");
	expect_record(&r, 5, "|");
	expect_record(&r, 6, "|q\r");
	expect_record(&r, 7, "|");
	expect_record(&r, 8, "last");
	assert_int_equal(csv_read(&r), CSV_END);
	assert_int_equal(csv_read(&r), CSV_END);
	done(&r);
}

static void
broken_records_are_refused_with_their_line(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "a\n\"never ends\n\n", "a quoted field does not end" },
		{ "a\nb\"c", "a quote stands within a field that does not begin with one" },
		{ "a\n\"b\" c\n", "something stands behind a closing quote" },
		{ "a\n0123456789012345678901234567890123456789012345678901234567890123456789\n",
		    "the record is too long" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct csv_reader r = reader_of(cases[i].text);
		expect_record(&r, 1, "a");
		assert_int_equal(csv_read(&r), CSV_BROKEN);
		assert_string_equal(r.why, cases[i].why);
		assert_int_equal(r.line, 2);
		done(&r);
	}
	char commas[CSV_FIELDS_MOST + 1];
	memset(commas, ',', CSV_FIELDS_MOST);
	commas[CSV_FIELDS_MOST] = '\0';
	struct csv_reader r = reader_of(commas);
	assert_int_equal(csv_read(&r), CSV_BROKEN);
	done(&r);
}

static void
what_is_written_is_read_again(void **state)
{
	(void)state;
	struct buf b = { 0 };
	csv_text(&b, STR("a \"b\""));
	csv_text(&b, STR("\r\n"));
	csv_text(&b, STR(""));
	csv_text(&b, STR("\r"));
	csv_end(&b);
	csv_text(&b, STR("z"));
	csv_end(&b);
	struct csv_reader r = reader_of(buf_text(&b));
	expect_record(&r, 1, "a \"b\"|\r\n||\r");
	expect_record(&r, 3, "z");
	assert_int_equal(csv_read(&r), CSV_END);
	done(&r);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_fields_stand_as_they_are),
		cmocka_unit_test(separators_quotes_and_line_ends_are_quoted),
		cmocka_unit_test(empty_fields_keep_their_place),
		cmocka_unit_test(records_are_read_with_their_lines),
		cmocka_unit_test(broken_records_are_refused_with_their_line),
		cmocka_unit_test(what_is_written_is_read_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
