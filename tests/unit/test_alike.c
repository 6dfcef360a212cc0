/*
 * How two questions are judged, beside a verifier that says what it was shown.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "text/alike.h"

static double whole, least; /* what the verifier says of the first reading of a part, and of the others */
static int asked;
static char shown[2][200];

/* A reading is the text. */
struct reading {
	size_t n;
	char text[];
};

struct reading *
verify_read(struct str text)
{
	struct reading *r = malloc(sizeof *r + text.n);
	assert_non_null(r);
	r->n = text.n;
	memcpy(r->text, text.p, text.n);
	return r;
}

void
verify_free(struct reading **r)
{
	free(*r);
	*r = NULL;
}

double
verify_compare(const struct reading *a, const struct reading *b, struct verdict *v)
{
	str_copy(shown[0], sizeof shown[0], (struct str){ a->text, a->n });
	str_copy(shown[1], sizeof shown[1], (struct str){ b->text, b->n });
	double p = asked++ == 0 ? whole : least;
	if (v != NULL)
		*v = (struct verdict){ .probability = p };
	return p;
}

static struct alike
judge(const char *a, const char *b)
{
	struct alike out;
	asked = 0;
	alike_judge(str_from(a), str_from(b), &out, NULL);
	return out;
}

static void
worse_of_the_two_readings_counts(void **state)
{
	(void)state;
	const char *a = "please tell me how I wash my wool socks at home",
		   *b = "please tell me how I wash my warm socks at home";
	whole = 0.9;
	least = 0.4;
	assert_true(judge(a, b).probability < 0.41);
	assert_string_equal(shown[0], "wash my wool socks at");
	assert_string_equal(shown[1], "wash my warm socks at");
	whole = 0.3;
	least = 0.8;
	assert_true(judge(a, b).probability < 0.31);
	assert_int_equal(asked, 2);
}

static void
equal_words_need_no_verifier(void **state)
{
	(void)state;
	struct alike a = judge("one  two\nthree", "one two three");
	assert_int_equal(a.step, ALIKE_EQUAL);
	assert_true(a.probability > 0.999);
	assert_int_equal(asked, 0);
	whole = least = 0.7;
	assert_int_equal(judge("One two three", "one two three").step, ALIKE_VERIFIED);
}

static void
most_of_a_long_text_shared_is_not_alike_whatever_the_verifier_says(void **state)
{
	(void)state;
	whole = least = 1;
	const char *a = "a b c d e f g h i j k l m n o p q r s t u v w x y socks";
	const char *b = "a b c d e f g h i j k l m n o p q r s t u v w x y shirt";
	assert_int_equal(judge(a, b).step, ALIKE_SHARED);
	assert_true(judge(a, b).probability < 0.001);
}

static void
every_part_must_be_alike(void **state)
{
	(void)state;
	whole = least = 0.9;
	assert_int_equal(judge("same\x1f"
			       "big socks please",
			     "same\x1f"
			     "large socks please")
			     .step,
	    ALIKE_VERIFIED);
	assert_int_equal(judge("same\x1f"
			       "7 socks",
			     "same\x1f"
			     "8 socks")
			     .step,
	    ALIKE_VETO);
	assert_int_equal(judge("same\x1fone", "same").step, ALIKE_PARTS);
	assert_int_equal(judge("\x1fone", "\x1fone").step, ALIKE_EQUAL);
}

static void
short_texts_are_judged_as_they_stand(void **state)
{
	(void)state;
	whole = 0.9;
	least = 0.1;
	assert_true(judge("How do I take a screenshot?", "How can I take a screenshot?").probability > 0.8);
	assert_int_equal(asked, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_texts_are_judged_as_they_stand),
		cmocka_unit_test(worse_of_the_two_readings_counts),
		cmocka_unit_test(equal_words_need_no_verifier),
		cmocka_unit_test(most_of_a_long_text_shared_is_not_alike_whatever_the_verifier_says),
		cmocka_unit_test(every_part_must_be_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
