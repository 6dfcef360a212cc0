/*
 * Proves src/text/bpe.c: however small the windows of a long piece are, its tokens are those of one window over all of it,
 * and those of a short piece.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/text/bpe.c"

enum { MOST = 3000 };

struct ends {
	size_t n, at[MOST];
};

static bool
on_end(void *context, size_t end)
{
	struct ends *ends = context;
	assert_true(ends->n < MOST);
	ends->at[ends->n++] = end;
	return true;
}

static uint64_t
draw(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

/* Letters of a few alphabets, some of them in rows and some of them words. */
static struct str
make_piece(char *p, uint64_t *seed)
{
	static const char *const alphabets[] = { "a", "ab", "aAb", "etaoinshrdlu",
		"abcdefghijklmnopqrstuvwxyz", " ", " \t\n", "=-", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
		"\xd1\x8f\xd1\x89" };
	static const char *const words[] = { "the", "ing", "tion", "er", "aaaa", "    ", "ized",
		"\xe6\x97\xa5" };
	const char *alphabet = alphabets[draw(seed) % (sizeof alphabets / sizeof *alphabets)];
	size_t letters = strlen(alphabet), n = 1 + draw(seed) % (MOST - 8), at = 0;
	bool rows = draw(seed) % 2 != 0;
	while (at < n) {
		const char *word = words[draw(seed) % (sizeof words / sizeof *words)];
		if (rows && draw(seed) % 3 == 0) {
			memcpy(p + at, word, strlen(word));
			at += strlen(word);
		} else {
			p[at++] = alphabet[draw(seed) % letters];
		}
	}
	return (struct str){ p, n };
}

static void
the_size_of_windows_does_not_show(void **state)
{
	(void)state;
	static const size_t sizes[] = { 3, 8, 31, 100, 512 };
	static struct ends whole, cut;
	static char p[MOST + 8];
	uint64_t seed = 5;
	for (int round = 0; round < 60; round++) {
		struct ranks r = ranks_of(round % 2 != 0 ? TOKENS_O200K : TOKENS_CL100K);
		struct str piece = make_piece(p, &seed);
		whole.n = 0;
		int64_t tokens = merge_by_windows(&r, piece, MOST, 7, on_end, &whole);
		assert_int_equal(tokens, whole.n);
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			cut.n = 0;
			assert_int_equal(merge_by_windows(&r, piece, sizes[i], 7, on_end, &cut), tokens);
			assert_memory_equal(cut.at, whole.at, whole.n * sizeof *whole.at);
			assert_int_equal(merge_by_windows(&r, piece, sizes[i], 0, NULL, NULL), tokens);
		}
		assert_int_equal(bpe_long(&r, piece, 0, NULL, NULL), tokens);
	}
}

static void
short_and_long_ways_lead_to_the_same(void **state)
{
	(void)state;
	static struct ends ends;
	static char p[MOST + 8];
	uint16_t brief[BPE_SHORT];
	uint64_t seed = 11;
	for (int round = 0; round < 300; round++) {
		struct ranks r = ranks_of(round % 2 != 0 ? TOKENS_O200K : TOKENS_CL100K);
		struct str piece = make_piece(p, &seed);
		piece.n = piece.n < BPE_SHORT ? piece.n : BPE_SHORT;
		ends.n = 0;
		bpe_long(&r, piece, 0, on_end, &ends);
		assert_int_equal(bpe_short(&r, (const unsigned char *)piece.p, piece.n, brief), ends.n);
		for (size_t i = 0; i < ends.n; i++)
			assert_int_equal(brief[i], ends.at[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_size_of_windows_does_not_show),
		cmocka_unit_test(short_and_long_ways_lead_to_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
