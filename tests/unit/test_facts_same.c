/*
 * Proves what src/text/facts*.c must let pass: the same question in other words, another spelling, another typography.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_help.h"

static void
numbers_in_other_spellings_agree(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "Is 25k a good salary?", "Is 25,000 a good salary?" },
		{ "Is $25k a good salary?", "Is 25000 dollars a good salary?" },
		{ "Is 1.5 million euros a lot?", "Is 1.5m euros a lot?" },
		{ "Is 1.5 million euros a lot?", "Is 1,500,000 EUR a lot?" },
		{ "two cats for 3 rooms", "2 cats for three rooms" },
		{ "twenty five guests", "25 guests" },
		{ "twenty-five guests", "25 guests" },
		{ "the 3rd planet", "the third planet" },
		{ "a 128GB phone", "a 128 GB phone" },
		{ "a flight at 3pm", "a flight at 15:00" },
		{ "a flight at 3 pm", "a flight at 3pm" },
		{ "50% of all bees", "50 percent of all bees" },
		{ "5.0 kg of rice", "5 kg of rice" },
		{ "events on May 12th, 2014", "events on 12 May 2014" },
		{ "What is 2 + 3?", "What is 3 + 2?" },
		{ "Is 500 rupees enough?", "Is Rs. 500 enough?" },
		{ "World War II films", "World War 2 films" },
		{ "5 hrs of sleep", "5 hours of sleep" },
		{ "lunch for \xC2\xA3"
		  "20",
		    "lunch for 20 GBP" },
		{ "\xEF\xBC\x92\xEF\xBC\x90 cats", "20 cats" },
	};
	all_agree(PAIRS(pairs));
}

static void
politeness_and_contractions_agree(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "How do I reset my password?", "how can i reset my password" },
		{ "How do I reset my password?", "Please, how do I reset my password? Thanks" },
		{ "How do I reset my password?", "Could you tell me how to reset my password?" },
		{ "How do I reset my password?", "What is the best way to reset my password?" },
		{ "Why don't cats swim?", "Why do cats not swim?" },
		{ "Why don't cats swim?", "why dont cats swim" },
		{ "Why can't penguins fly?", "Why are penguins unable to fly?" },
		{ "What's the capital of France?", "What is the capital of France?" },
		{ "what is the capital of france", "What is the capital of France?" },
		{ "WHAT IS THE CAPITAL OF FRANCE", "What is the capital of France?" },
		{ "Can I freeze bread?", "Is it possible to freeze bread?" },
		{ "Should I freeze bread?", "Is it worth freezing bread?" },
		{ "Why is the sky blue?", "What is the reason the sky is blue?" },
	};
	all_agree(PAIRS(pairs));
}

static void
other_words_agree(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "How do I bake bread at home?", "What are the steps of baking bread at home?" },
		{ "best way to learn the guitar", "best ways of learning the guitar" },
		{ "Which film won most prizes?", "Which movie won most prizes?" },
		{ "my colour printer is stuck", "my color printer is stuck" },
		{ "organise a wedding", "organize a wedding" },
		{ "visa for the United States", "visa for the US" },
		{ "visa for the U.S.", "visa for the USA" },
		{ "the economy of India", "the Indian economy" },
		{ "What did Donald Trump say?", "What did Trump say?" },
		{ "members of the United Nations", "members of the UN" },
		{ "how to write an e-mail", "how to write an email" },
		{ "how to make a database fast", "how to make a data base fast" },
		{ "how to recieve a parcel", "how to receive a parcel" },
		{ "definition of accommodation", "definition of accomodation" },
		{ "javascript array sort", "JS array sort" },
		{ "My parcel is late. What can I do?", "What can I do? My parcel is late." },
		{ "If I am ill, can I work?", "Can I work if I am ill?" },
		{ "caf\xC3\xA9 in Rome", "cafe in Rome" },
		{ "Define the word \"verb\"", "Define the word verb" },
		{ "Define the word \"verb\"", "Define the word \xE2\x80\x9Cverb\xE2\x80\x9D" },
		{ "how to get more sleep", "How To Get More Sleep" },
		{ "Is it true or not that bees sleep?", "Is it true that bees sleep, or not?" },
	};
	all_agree(PAIRS(pairs));
}

static void
relations_that_hold_both_ways_agree(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "What is the difference between tea and coffee?",
		    "What is the difference between coffee and tea?" },
		{ "Which is better, tea or coffee?", "Which is better, coffee or tea?" },
		{ "tea vs coffee", "coffee vs tea" },
		{ "How is tea different from coffee?", "How is coffee different from tea?" },
		{ "compare Rome to Athens", "compare Athens to Rome" },
		{ "flights from Rome to Oslo", "flights to Oslo from Rome" },
		{ "a dish of rice and beans", "a dish of beans and rice" },
	};
	all_agree(PAIRS(pairs));
}

static void
texts_that_stand_alone_are_not_context(void **state)
{
	(void)state;
	static const char *const texts[] = { "Is it safe to eat raw eggs?",
		"What does it mean when a cat purrs?", "How long does it take to fly to Rome?",
		"Is it true that bees sleep?", "What are the things that matter in a marriage?",
		"What are the benefits of yoga?", "How can one improve their memory?",
		"I lost my card. How do I replace it?", "Will it rain in Rome?",
		"How do I know that a melon is ripe?", "What happened this week in Rome?",
		"Summarise this article: the bees of Rome live on roofs and nobody counts them.",
		"What is 2 + 2?", "Why is the sky blue?", "hello", "" };
	size_t wrong = 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct veto v;
		if (!agree(texts[i], texts[i], &v)) {
			print_message("%s: %s\n", veto_name(v.kind), texts[i]);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void
a_text_read_once_is_compared_many_times(void **state)
{
	(void)state;
	struct facts *a = facts_read(STR("weather in Rome")), *b = facts_read(STR("the weather in rome")),
		     *c = facts_read(STR("weather in Oslo"));
	for (int i = 0; i < 3; i++) {
		assert_true(facts_same(a, b, NULL));
		assert_false(facts_same(a, c, NULL));
		assert_false(facts_same(c, b, NULL));
	}
	facts_free(&a);
	facts_free(&b);
	facts_free(&c);
	assert_null(a);
	facts_free(&a);
}

static void
code_and_persons_in_other_words_agree(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "what does a == b mean in python", "In python, what does a==b mean?" },
		{ "Explain `git rebase -i`", "What does `git rebase -i` do?" },
		{ "How do I sort in C++?", "In C++, how can I sort?" },
		{ "Which option(s) do I have with AT&T?", "which option(s) do I have with AT&T" },
		{ "Can you tell me how I change my password?", "How do I change my password?" },
		{ "Why was my card declined?", "What is the reason my card was declined?" },
		{ "How do I install Python on Windows?", "How to install python on windows" },
		{ "the upload limit is 5 mb", "the upload limit is 5 MB" },
		{ "the difference between TCP and UDP", "the difference between UDP and TCP" },
	};
	all_agree(PAIRS(pairs));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_and_persons_in_other_words_agree),
		cmocka_unit_test(numbers_in_other_spellings_agree),
		cmocka_unit_test(politeness_and_contractions_agree),
		cmocka_unit_test(other_words_agree),
		cmocka_unit_test(relations_that_hold_both_ways_agree),
		cmocka_unit_test(texts_that_stand_alone_are_not_context),
		cmocka_unit_test(a_text_read_once_is_compared_many_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
