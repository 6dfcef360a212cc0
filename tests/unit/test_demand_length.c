/*
 * Proves src/text/demand_length.c and demand_count.c: which words demand a length of the answer, which only look as if they did, and
 * that an answer is at fault only where every way of counting says so.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_help.h"

#include <stdlib.h>

#define NOTHING "nothing in particular"

static void
lengths_are_read(void **state)
{
	(void)state;
	static const struct demand_reading cases[] = {
		{ "Summarize the plot in at most 50 words.", "at most 50 words" },
		{ "Summarize the plot in no more than fifty words.", "at most 50 words" },
		{ "Summarize the plot in 50 words or less.", "at most 50 words" },
		{ "Please explain gravity in under 100 words.", "at most 100 words" },
		{ "Explain gravity. Use at most 1,000 words.", "at most 1000 words" },
		{ "Explain gravity. Keep it under 80 words.", "at most 80 words" },
		{ "Explain gravity and keep your answer under 80 words.", "at most 80 words" },
		{ "Explain gravity. Max 80 words.", "at most 80 words" },
		{ "Explain gravity. Your answer must not exceed 80 words.", "at most 80 words" },
		{ "Explain gravity. The response should be less than 80 words.", "at most 80 words" },
		{ "Explain gravity. Limit your answer to 80 words or fewer.", "at most 80 words" },
		{ "Write an essay of at least 300 words about bees.", "at least 300 words" },
		{ "Write a story between 100 and 150 words long.", "100 to 150 words" },
		{ "Write a 100-150 words story about a cat.", "100 to 150 words" },
		{ "Write a title of at most 60 characters for this product.", "at most 60 characters" },
		{ "Write a product title under 60 characters.", "at most 60 characters" },
		{ "Can you describe it in one sentence?", "exactly 1 sentences" },
		{ "Answer in a single sentence.", "exactly 1 sentences" },
		{ "Answer in one or two sentences.", "1 to 2 sentences" },
		{ "Answer in 2-3 sentences.", "2 to 3 sentences" },
		{ "Give a one-sentence summary.", "exactly 1 sentences" },
		{ "Please, summarise the book in two paragraphs.", "exactly 2 paragraphs" },
		{ "Summarize it in exactly 3 bullet points.", "exactly 3 bullet points" },
		{ "Give me 5 bullet points about bees.", "exactly 5 bullet points" },
		{ "List 10 ways to save water.", "at least 10 items" },
		{ "Give me a list of 5 animals.", "at least 5 items" },
		{ "Give me five names for a cat.", "at least 5 items" },
	};
	all_read(CASES(cases));
}

static void
what_is_of_something_else_is_not(void **state)
{
	(void)state;
	static const struct demand_reading cases[] = {
		{ "Summarize the plot in about 50 words.", NOTHING },
		{ "Write a 500 word essay on bees.", NOTHING },
		{ "Summarize the plot in 50 words.", NOTHING },
		{ "Write a routine with each day summarized in 160 characters or less.", NOTHING },
		{ "Write 50 short stories under ten words.", NOTHING },
		{ "Write a function that returns strings of at most 30 characters.", "code" },
		{ "The password must be at least 20 characters.", NOTHING },
		{ "Variables can be no longer than 30 characters.", NOTHING },
		{ "The input consists of at most 100 words.", NOTHING },
		{ "If it is long, use at most 50 words.", NOTHING },
		{ "Why do people write in under 50 words?", NOTHING },
		{ "He told me to write at most 50 words.", NOTHING },
		{ "Translate: \"Use at most 50 words.\"", NOTHING },
		{ "Translate the following text:\n\nUse at most 50 words.", NOTHING },
		{ "Write a play with at most 3 characters.", NOTHING },
		{ "Write an article with a title of at most 10 words.", NOTHING },
		{ "Write a poem and a title of at most 10 words.", NOTHING },
		{ "Explain how to count at most 50 words.", NOTHING },
		{ "The RESPONSE should be less than 250 words [exclusive of code].", NOTHING },
		{ "My video card has 12GB and the vocabulary at most 20,000 words.", NOTHING },
		{ "Give me 5 minutes.", NOTHING },
		{ "Give me 5 or 6 names.", NOTHING },
		{ "What are the top 10 films of 1999?", NOTHING },
		{ "Use at most 50 words. Explain gravity in at most 80 words.", NOTHING },
		{ "Return a JSON object with a title of at most 5 words.", "a json object" },
	};
	all_read(CASES(cases));
}

/* An answer of n words, in sentences of ten */
static const char *
prose(int n)
{
	static struct buf out;
	buf_clear(&out);
	for (int i = 0; i < n; i++)
		buf_printf(&out, "%s%s%s", i == 0 ? "" : " ", i % 10 == 0 ? "Wordy" : "word",
		    i % 10 == 9 ? "." : "");
	return buf_text(&out);
}

static int
words_fault(const char *prompt, int n)
{
	char why[96];
	struct demand_source source = { .last = str_from(prompt) };
	struct demand_answer answer = { .text = str_from(prose(n)) };
	return fault_of(&source, &answer, why);
}

static void
words_are_counted_with_a_tenth_to_spare(void **state)
{
	(void)state;
	assert_int_equal(words_fault("Explain it in at most 50 words.", 50), NONE);
	assert_int_equal(words_fault("Explain it in at most 50 words.", 55), NONE);
	assert_int_equal(words_fault("Explain it in at most 50 words.", 56), DEMAND_LENGTH);
	assert_int_equal(words_fault("Explain it in at least 50 words.", 45), NONE);
	assert_int_equal(words_fault("Explain it in at least 50 words.", 44), DEMAND_LENGTH);
	assert_int_equal(words_fault("Explain it between 100 and 150 words.", 80), DEMAND_LENGTH);
	assert_int_equal(words_fault("Explain it between 100 and 150 words.", 170), DEMAND_LENGTH);
	assert_int_equal(words_fault("Explain it in about 50 words.", 500), NONE);
}

static void
every_way_of_counting_must_break_it(void **state)
{
	(void)state;
	static const struct demand_case cases[] = {
		{ "Explain it in at most 5 words.",
		    "state-of-the-art well-made hand-held anti-ageing so-called", NONE },
		{ "Explain it in at most 5 words.", "Here you are:\n\nOne two three four five", NONE },
		{ "Explain it in at most 5 words.", "One two three four five\n\n(Word count: 5)", NONE },
		{ "Explain it in at most 5 words.", "one - two - three - four - five", NONE },
		{ "Explain it in at most 5 words.", "one two three four five six", DEMAND_LENGTH },
		{ "Write a title under 20 characters.", "\"12345678901234567890\"", NONE },
		{ "Write a title under 20 characters.", "**12345678901234567890**", NONE },
		{ "Write a title under 20 characters.", "éééééééééééééééééééé", NONE },
		{ "Write a title under 20 characters.", "123456789012345678901", DEMAND_LENGTH },
		{ "Answer in one sentence.",
		    "Dr. Smith, i.e. the man of No. 10, went to the U.S. Congress at 3.15 p.m. today.",
		    NONE },
		{ "Answer in one sentence.", "He asked \"why?\" and went", NONE },
		{ "Answer in one sentence.", "It rains. It pours.", DEMAND_LENGTH },
		{ "Answer in two sentences.", "It rains.", NONE /* one and a rest: it may pass */ },
		{ "Answer in 4 sentences.", "It rains.", DEMAND_LENGTH },
		{ "Explain it in two paragraphs.", "One here.\n\nTwo here.", NONE },
		{ "Explain it in two paragraphs.", "# Rain\n\nOne here.\n\nTwo here.", NONE },
		{ "Explain it in two paragraphs.", "One here.\n\nTwo here.\n\nThree here.\n\nFour.",
		    DEMAND_LENGTH },
		{ "Explain it in three paragraphs.", "One here.", DEMAND_LENGTH },
		{ "Give me exactly 3 bullet points.", "- a\n- b\n- c", NONE },
		{ "Give me exactly 3 bullet points.", "Sure:\n\n1. a\n2. b\n3. c\n\nAnything else?", NONE },
		{ "Give me exactly 3 bullet points.", "- a\n  - x\n  - y\n- b\n- c", NONE },
		{ "Give me exactly 3 bullet points.", "- a\n- b\n- c\n- d", DEMAND_LENGTH },
		{ "Give me exactly 3 bullet points.", "\xE2\x80\xA2 a\n\xE2\x80\xA2 b", DEMAND_LENGTH },
		{ "Give me exactly 3 bullet points.", "a, b and c", NONE },
		{ "List 5 animals.", "1. cat\n2. dog\n3. owl", DEMAND_LENGTH },
		{ "List 5 animals.", "1. cat\n2. dog\n3. owl\n4. bee\n5. ant\n6. fox", NONE },
		{ "List 5 animals.", "1. Pets\n   - cat\n   - dog\n2. Wild\n   - fox", NONE },
		{ "List 5 animals.", "cat, dog, owl, bee, ant", NONE },
	};
	all_judged(CASES(cases));
}

static void
an_answer_that_its_client_cut_breaks_only_upper_bounds(void **state)
{
	(void)state;
	char why[96];
	struct demand_source source = { .last = STR("Explain it between 10 and 20 words.") };
	struct demand_answer answer = { .text = str_from("one two"), .limited = true };
	assert_int_equal(fault_of(&source, &answer, why), NONE);
	answer.limited = false;
	assert_int_equal(fault_of(&source, &answer, why), DEMAND_LENGTH);
	answer = (struct demand_answer){ .text = str_from(prose(40)), .limited = true };
	assert_int_equal(fault_of(&source, &answer, why), DEMAND_LENGTH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_read),
		cmocka_unit_test(what_is_of_something_else_is_not),
		cmocka_unit_test(words_are_counted_with_a_tenth_to_spare),
		cmocka_unit_test(every_way_of_counting_must_break_it),
		cmocka_unit_test(an_answer_that_its_client_cut_breaks_only_upper_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
