/*
 * Proves src/text/tokens.c, split.c, bpe.c and ranks.c: counts and boundaries against vectors made by the reference tokenizer,
 * malformed text, names of models, and that no text is dear.
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
#include "cpu_time.h"
#include "text/tokens.h"
#include "tokens_vectors.h"

/* Of the data that all of Farthing's tests share, beside the project */
#define SHARED TESTS_DIR "/../../shared/data/tokenizers/"

struct walked {
	int64_t tokens, stop;
	size_t last;
	uint32_t mark;
	bool falling;
};

static bool
on_token(void *context, size_t end)
{
	struct walked *w = context;
	w->tokens++;
	w->falling |= end < w->last;
	w->last = end;
	for (int i = 0; i < 4; i++)
		w->mark = (w->mark ^ (end >> 8 * i & 0xff)) * 0x01000193u;
	return w->tokens != w->stop;
}

static struct walked
walk(enum tokens_encoding e, struct str text, int64_t stop)
{
	struct walked w = { .mark = 0x811c9dc5u, .stop = stop };
	tokens_walk(e, text, on_token, &w);
	return w;
}

static void
texts_have_the_reference_s_tokens(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
		for (int e = TOKENS_O200K; e <= TOKENS_CL100K; e++) {
			struct str text = str_from(vectors[i].text);
			struct walked w = walk((enum tokens_encoding)e, text, -1);
			if (w.tokens != vectors[i].in[e].tokens || w.mark != vectors[i].in[e].mark)
				fail_msg("%s: \"%s\" has %d tokens", tokens_encoding_name(e), vectors[i].text,
				    (int)w.tokens);
			assert_int_equal(
			    tokens_count((enum tokens_encoding)e, text), vectors[i].in[e].tokens);
		}
}

/* Lengths by rank, from the file the tables are baked from. */
static unsigned char *
read_lengths(void)
{
	FILE *f = fopen(TESTS_DIR "/../src/assets/o200k.ranks", "rb");
	unsigned char *lengths = malloc(1 << 20);
	assert_non_null(f);
	assert_non_null(lengths);
	assert_int_equal(fseek(f, 4, SEEK_SET), 0);
	assert_true(fread(lengths, 1, 1 << 18, f) > 199998);
	fclose(f);
	return lengths;
}

static void
check_published(struct str line, const unsigned char *lengths)
{
	struct json j = { 0 };
	struct json_fault fault;
	struct buf text = { 0 };
	struct walked want = { .mark = 0x811c9dc5u };
	assert_int_equal(json_scan(&j, line, JSON_LIMITS, &fault), 0);
	assert_int_equal(json_text(&j, json_member(&j, 0, "text"), &text), 0);
	uint32_t ids = json_member(&j, 0, "ids");
	for (uint32_t x = json_first(&j, ids); x != 0; x = json_next(&j, ids, x)) {
		int64_t id;
		assert_true(json_int(&j, x, &id));
		on_token(&want, want.last + lengths[id]);
	}
	struct walked got = walk(TOKENS_O200K, buf_str(&text), -1);
	if (got.tokens != want.tokens || got.mark != want.mark)
		fail_msg("%.*s", STR_FMT(buf_str(&text)));
	buf_free(&text);
	json_free(&j);
}

static void
published_vectors_have_their_tokens(void **state)
{
	(void)state;
	FILE *f = fopen(SHARED "test_vectors_o200k_base.jsonl", "r");
	if (f == NULL) {
		print_message(
		    "[  NOTE    ] skipped: the shared data with the published vectors is not here\n");
		skip();
	}
	unsigned char *lengths = read_lengths();
	char *line = NULL;
	size_t cap = 0;
	int lines = 0;
	for (ssize_t n; (n = getline(&line, &cap, f)) > 0; lines++)
		check_published((struct str){ line, (size_t)n }, lengths);
	assert_true(lines >= 575);
	free(line);
	free(lengths);
	fclose(f);
}

static void
malformed_bytes_count_as_replacement_characters(void **state)
{
	(void)state;
	static const struct {
		const char *given, *repaired;
	} cases[] = { { "a\xff z", "a\xef\xbf\xbd z" }, { "\xe4\xb8", "\xef\xbf\xbd" },
		{ "\xe4\xb8"
		  "A",
		    "\xef\xbf\xbd"
		    "A" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f\x98!", "\xef\xbf\xbd!" }, { "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf5\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "ok \x80\x80 ok", "ok \xef\xbf\xbd\xef\xbf\xbd ok" } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int e = TOKENS_O200K; e <= TOKENS_CL100K; e++) {
			struct str given = str_from(cases[i].given), repaired = str_from(cases[i].repaired);
			struct walked w = walk((enum tokens_encoding)e, given, -1);
			int64_t tokens = tokens_count((enum tokens_encoding)e, repaired);
			if (tokens_count((enum tokens_encoding)e, given) != tokens || w.tokens != tokens ||
			    w.last != given.n || w.falling)
				fail_msg("case %d", (int)i);
		}
}

static void
a_walk_stops_when_it_is_told_to(void **state)
{
	(void)state;
	struct str words = STR("one two three four"), invalid = STR("one \xff two three four");
	assert_int_equal(walk(TOKENS_O200K, words, 2).tokens, 2);
	assert_int_equal(walk(TOKENS_O200K, words, 2).last, 7);
	assert_int_equal(walk(TOKENS_O200K, invalid, 3).tokens, 3);
	assert_int_equal(walk(TOKENS_BYTES, words, 5).last, 5);
	char *row = malloc(100000);
	assert_non_null(row);
	memset(row, 'x', 100000);
	assert_int_equal(walk(TOKENS_CL100K, (struct str){ row, 100000 }, 7).tokens, 7);
	free(row);
}

static void
nothing_has_no_tokens(void **state)
{
	(void)state;
	for (int e = TOKENS_O200K; e <= TOKENS_BYTES; e++) {
		assert_int_equal(tokens_count((enum tokens_encoding)e, (struct str){ NULL, 0 }), 0);
		assert_int_equal(walk((enum tokens_encoding)e, STR(""), -1).tokens, 0);
	}
}

static void
a_byte_is_a_token_where_nothing_is_known(void **state)
{
	(void)state;
	struct str text = STR("\xc3\xa9t\xc3\xa9 \xff");
	assert_int_equal(tokens_count(TOKENS_BYTES, text), text.n);
	assert_int_equal(walk(TOKENS_BYTES, text, -1).tokens, text.n);
}

static void
models_have_the_encoding_of_their_family(void **state)
{
	(void)state;
	static const struct {
		const char *model;
		enum tokens_encoding e;
	} cases[] = { { "gpt-4o", TOKENS_O200K }, { "gpt-4o-mini-2024-07-18", TOKENS_O200K },
		{ "ft:gpt-4o-mini-2024-07-18:org::id", TOKENS_O200K }, { "chatgpt-4o-latest", TOKENS_O200K },
		{ "gpt-4.1-nano", TOKENS_O200K }, { "gpt-4.5-preview", TOKENS_O200K },
		{ "gpt-5", TOKENS_O200K }, { "gpt-5-mini", TOKENS_O200K }, { "gpt-5.2-pro", TOKENS_O200K },
		{ "o1", TOKENS_O200K }, { "o1-mini", TOKENS_O200K }, { "o3-2025-04-16", TOKENS_O200K },
		{ "o4-mini", TOKENS_O200K }, { "gpt-4", TOKENS_CL100K },
		{ "gpt-4-turbo-preview", TOKENS_CL100K }, { "gpt-4-0613", TOKENS_CL100K },
		{ "gpt-3.5-turbo-0125", TOKENS_CL100K }, { "ft:gpt-3.5-turbo:org:suffix:id", TOKENS_CL100K },
		{ "text-embedding-3-small", TOKENS_CL100K }, { "text-embedding-ada-002", TOKENS_CL100K },
		{ "davinci-002", TOKENS_CL100K }, { "ft:babbage-002:org::id", TOKENS_CL100K },
		{ "gpt-oss-120b", TOKENS_BYTES }, { "gpt-4oo", TOKENS_BYTES }, { "gpt-40", TOKENS_BYTES },
		{ "o10", TOKENS_BYTES }, { "claude-sonnet-4", TOKENS_BYTES }, { "ft:", TOKENS_BYTES },
		{ "", TOKENS_BYTES } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (tokens_encoding_of(str_from(cases[i].model)) != cases[i].e)
			fail_msg("%s", cases[i].model);
	assert_string_equal(tokens_encoding_name(TOKENS_O200K), "o200k_base");
	assert_string_equal(tokens_encoding_name(TOKENS_BYTES), "bytes");
}

/* Long pieces are merged window by window, which must not show: the reference's counts of 200,000 of each. */
static void
a_long_row_is_merged_as_one(void **state)
{
	(void)state;
	enum { N = 200000 };
	static const struct {
		char c;
		int64_t tokens[2];
	} rows[] = { { 'a', { 25000, 25000 } }, { 'A', { 25000, 25000 } }, { 'z', { 100000, 100000 } },
		{ '=', { 3125, 3125 } } };
	char *row = malloc(N);
	assert_non_null(row);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		memset(row, rows[i].c, N);
		for (int e = TOKENS_O200K; e <= TOKENS_CL100K; e++) {
			int64_t n = tokens_count((enum tokens_encoding)e, (struct str){ row, N });
			if (n != rows[i].tokens[e])
				fail_msg("'%c': %d", rows[i].c, (int)n);
			assert_int_equal(walk((enum tokens_encoding)e, (struct str){ row, N }, -1).last, N);
		}
	}
	free(row);
}

static void
count_o200k(struct str text)
{
	tokens_count(TOKENS_O200K, text);
}

static void
no_text_takes_longer_than_its_length(void **state)
{
	(void)state;
	enum { LARGE = 64000 };
	static const char *const units[] = { " ", "a", "A", "aB", "ab", "\n", " \n", "\t ", "=", "'s", "x'",
		"1", "\xe6\x97\xa5", "\xe6\x97\xa5\xe6\x9c\xac", "e\xcc\x81", "\xcc\x81", "\xcc\x81X", "\xff",
		"\xe6", "\xf0\x9f\x98\x80", " \xc2\xa0", "\n/", "abcdefghijklmnopqrstuvwxyz", "zqxj" };
	char *text = malloc(LARGE);
	assert_non_null(text);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t n = strlen(units[i]);
		for (size_t at = 0; at < LARGE; at++)
			text[at] = units[i][at % n];
		if (!cpu_grows_linearly(count_o200k, (struct str){ text, LARGE }))
			fail_msg("\"%s\" takes longer than its length", units[i]);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_have_the_reference_s_tokens),
		cmocka_unit_test(published_vectors_have_their_tokens),
		cmocka_unit_test(malformed_bytes_count_as_replacement_characters),
		cmocka_unit_test(a_walk_stops_when_it_is_told_to),
		cmocka_unit_test(nothing_has_no_tokens),
		cmocka_unit_test(a_byte_is_a_token_where_nothing_is_known),
		cmocka_unit_test(models_have_the_encoding_of_their_family),
		cmocka_unit_test(a_long_row_is_merged_as_one),
		cmocka_unit_test(no_text_takes_longer_than_its_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
