/*
 * The documents hold the table of keys as it is: every row, and nothing between the marks that is no row.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"

#include "core/config_reference.h"

static struct buf
whole_file(const char *path)
{
	struct buf b = { 0 };
	char part[4096];
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
		assert_int_equal(buf_add(&b, (struct str){ part, n }), 0);
	fclose(f);
	return b;
}

static void
document_holds_the_table_of_keys(void **state)
{
	(void)state;
	struct buf table = { 0 }, document = whole_file(TESTS_DIR "/../docs/configuration.md");
	assert_int_equal(config_reference(&table), 0);
	struct str begin = STR("<!-- keys: farthing check --keys -->\n"), end = STR("<!-- end of keys -->");
	ptrdiff_t from = str_find(buf_str(&document), begin), to = str_find(buf_str(&document), end);
	assert_true(from >= 0 && to > from);
	struct str held = { document.p + from + begin.n, (size_t)(to - from) - begin.n };

	struct str rest = buf_str(&table), row;
	while (str_cut(&rest, '\n', &row))
		if (str_find(held, row) < 0)
			fail_msg("docs/configuration.md lacks the row: %.*s", STR_FMT(row));
	assert_int_equal(held.n, table.n);
	buf_free(&table);
	buf_free(&document);
}

static void
example_of_the_document_is_good(void **state)
{
	(void)state;
	setenv("OPENAI_API_KEY", "sk-one", 1);
	struct buf document = whole_file(TESTS_DIR "/../docs/configuration.md");
	struct str rest = buf_str(&document), fence = STR("```yaml\n");
	ptrdiff_t from = str_find(rest, fence);
	assert_true(from >= 0);
	rest = (struct str){ rest.p + from + fence.n, rest.n - (size_t)from - fence.n };
	ptrdiff_t to = str_find(rest, STR("\n```"));
	assert_true(to > 0);
	char *text = str_dup((struct str){ rest.p, (size_t)to });
	struct config *c = good(text);
	assert_int_equal(config_task(c, STR("support"))->tier, TIER_MODERATE);
	assert_int_equal(config_task(c, STR("support"))->budget.request_pico, INT64_C(100000000000));
	assert_int_equal(config_project(c, STR("shop"))->budget.daily_pico, INT64_C(2000000000000));
	config_drop(&c);
	free(text);
	buf_free(&document);
}

static void
table_names_keys_of_every_floor(void **state)
{
	(void)state;
	struct buf table = { 0 };
	assert_int_equal(config_reference(&table), 0);
	static const char *const keys[] = { "| `listen` |", "| `upstreams.NAME.retry.attempts` |",
		"| `models.NAME.as` |", "| `routing.thresholds.simple` |", "| `tasks.NAME.match` |",
		"| `limits.body` | `8MiB` |" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		assert_true(str_find(buf_str(&table), str_from(keys[i])) >= 0);
	buf_free(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(document_holds_the_table_of_keys),
		cmocka_unit_test_setup_teardown(
		    example_of_the_document_is_good, clean_environment, clean_environment),
		cmocka_unit_test(table_names_keys_of_every_floor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
