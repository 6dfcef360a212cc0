/*
 * Tables of pairs for the tests of facts: each pair is judged both ways round and in three spellings: as it stands, in capitals, and
 * with other typography (curly quotes, spaces that do not break, long dashes).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FACTS_HELP_H
#define FACTS_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "text/facts.h"

struct pair {
	const char *a, *b;
};

#define PAIRS(table) (table), sizeof(table) / sizeof(*(table))

static inline void
dress(const char *from, struct buf *out)
{
	buf_clear(out);
	for (const char *p = from; *p != 0; p++) {
		int rc = *p == '\''  ? buf_add(out, STR("\xE2\x80\x99"))
			 : *p == ' ' ? buf_add(out, STR("\xC2\xA0"))
				     : buf_add_c(out, *p);
		assert_int_equal(rc, 0);
	}
}

static inline bool
agree(const char *a, const char *b, struct veto *v)
{
	struct veto turned;
	bool same = facts_agree(str_from(a), str_from(b), v);
	if (facts_agree(str_from(b), str_from(a), &turned) != same)
		fail_msg("not the same both ways: %s | %s", a, b);
	struct buf x = { 0 }, y = { 0 };
	dress(a, &x);
	dress(b, &y);
	if (facts_agree(buf_str(&x), buf_str(&y), &turned) != same)
		fail_msg("typography matters: %s | %s", a, b);
	if (facts_agree(buf_str(&x), str_from(b), &turned) != same)
		fail_msg("typography of one matters: %s | %s", a, b);
	buf_free(&x);
	buf_free(&y);
	return same;
}

/* None of them may agree; all are shown before the test fails */
static inline void
all_differ(const struct pair *pairs, size_t count)
{
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++) {
		struct veto v;
		if (agree(pairs[i].a, pairs[i].b, &v)) {
			print_message("agree: %s | %s\n", pairs[i].a, pairs[i].b);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static inline void
all_differ_in(enum veto_kind kind, const struct pair *pairs, size_t count)
{
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++) {
		struct veto v;
		if (agree(pairs[i].a, pairs[i].b, &v) || v.kind != kind) {
			print_message("%s, not %s: %s | %s\n", veto_name(v.kind), veto_name(kind), pairs[i].a,
			    pairs[i].b);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static inline void
all_agree(const struct pair *pairs, size_t count)
{
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++) {
		struct veto v;
		if (!agree(pairs[i].a, pairs[i].b, &v)) {
			print_message("%s \"%s\" \"%s\": %s | %s\n", veto_name(v.kind), v.a, v.b, pairs[i].a,
			    pairs[i].b);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

#endif
