/*
 * Proves src/text/wordpiece.c against what the library `tokenizers` made of texts of scripts/make-wordpieces, and says what it
 * does with texts that are none.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu_time.h"
#include "text/wordpiece.h"
#include "wordpiece_vectors.h"

static size_t
count(struct str text)
{
	struct wordpieces w;
	struct wordpiece piece;
	size_t n = 0, at = 0;
	for (wordpieces_start(&w, text); wordpieces_next(&w, &piece); n++) {
		assert_true(piece.from >= at && piece.to > piece.from && piece.to <= text.n);
		at = piece.first ? piece.from : at;
	}
	return n;
}

static struct wordpiece
nth(const char *text, size_t n)
{
	struct wordpieces w;
	struct wordpiece piece = { 0 };
	wordpieces_start(&w, str_from(text));
	for (size_t i = 0; i <= n; i++)
		assert_true(wordpieces_next(&w, &piece));
	return piece;
}

static void
pieces_are_those_of_the_reference(void **state)
{
	(void)state;
	struct wordpieces w;
	struct wordpiece piece;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		size_t n = 0;
		wordpieces_start(&w, (struct str){ vectors[i].text, vectors[i].n });
		for (; wordpieces_next(&w, &piece); n++) {
			if (n >= vectors[i].count || piece.id != vectors[i].pieces[n])
				fail_msg("text %zu \"%s\": piece %zu is %u", i, vectors[i].text, n, piece.id);
		}
		if (n != vectors[i].count)
			fail_msg("text %zu \"%s\": %zu pieces", i, vectors[i].text, n);
	}
}

static void
a_piece_says_where_it_was(void **state)
{
	(void)state;
	const char *text = " Un\xc3\xa9valuable, no";
	struct wordpiece first = nth(text, 0), second = nth(text, 1);
	assert_int_equal(first.from, 1);
	assert_true(first.first);
	assert_false(second.first);
	assert_int_equal(second.from, first.to);
	struct str word = STR("Un\xc3\xa9valuable");
	size_t n = 1;
	while (nth(text, n).sign == false)
		n++;
	assert_int_equal(nth(text, n - 1).to, 1 + word.n);
	assert_int_equal(nth(text, n).from, 1 + word.n);
	assert_int_equal(nth(text, n).to, 2 + word.n);
	assert_true(nth(text, n).first);
	assert_int_equal(nth(text, n + 1).from, 3 + word.n);
}

static void
bytes_that_are_no_text_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(count((struct str){ "\xff\xfe\x80", 3 }), 0);
	assert_int_equal(count((struct str){ "\0\0", 2 }), 0);
	assert_int_equal(count((struct str){ NULL, 0 }), 0);
	assert_int_equal(nth("pass\xffword", 0).id, nth("password", 0).id);
	assert_int_equal(nth("caf\xc3", 0).id, nth("caf", 0).id);
	assert_int_equal(count((struct str){ "\xed\xa0\x80", 3 }), 0);
}

static void
a_word_is_unknown_when_it_is_too_long(void **state)
{
	(void)state;
	char text[401];
	for (int i = 0; i < 400; i++)
		text[i] = "ing"[i % 3];
	text[400] = '\0';
	assert_int_equal(nth(text, 0).id, WORDPIECE_UNKNOWN);
	assert_int_equal(count(str_from(text)), 1);
	text[100] = '\0';
	assert_true(nth(text, 0).id != WORDPIECE_UNKNOWN);
	text[100] = 'x';
	text[101] = '\0';
	assert_int_equal(nth(text, 0).id, WORDPIECE_UNKNOWN);
	assert_int_equal(nth(text, 0).to, 101);
}

static void
cut(struct str text)
{
	count(text);
}

static void
hostile_texts_take_linear_time(void **state)
{
	(void)state;
	enum { LONG = 1 << 18 };
	static const char *const parts[] = { "a", "qz", "\xcc\x81", "a\xcc\x81", "\xe6\xbc\xa2",
		"\xed\x95\x9c", "\xff", "!", " ",
		"ingingingingingingingingingingingingingingingingingingingingingingingingingingingingingingin"
		"gin " };
	char *text = malloc(LONG);
	assert_non_null(text);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		size_t n = strlen(parts[i]);
		for (size_t at = 0; at < LONG; at++)
			text[at] = parts[i][at % n];
		if (!cpu_grows_linearly(cut, (struct str){ text, LONG }))
			fail_msg("\"%s\" takes longer than its length", parts[i]);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_those_of_the_reference),
		cmocka_unit_test(a_piece_says_where_it_was),
		cmocka_unit_test(bytes_that_are_no_text_are_passed_over),
		cmocka_unit_test(a_word_is_unknown_when_it_is_too_long),
		cmocka_unit_test(hostile_texts_take_linear_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
