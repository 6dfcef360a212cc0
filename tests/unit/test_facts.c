/*
 * Proves src/text/facts*.c: what must be a miss, family by family, and that a veto says what it found.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_help.h"

#include <stdlib.h>

static void
numbers_differ(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "What was the budget of Norway in 2014?", "What was the budget of Norway in 2015?" },
		{ "Can I get a loan of $25,000?", "Can I get a loan of $250,000?" },
		{ "a loan of $25,000", "a loan of 25,000 EUR" },
		{ "Is 25k enough to live on?", "Is 250k enough to live on?" },
		{ "Is 25k enough to live on?", "Is 2.5k enough to live on?" },
		{ "How do I save 10%?", "How do I save 15%?" },
		{ "How do I save 10%?", "How do I save 10 euros?" },
		{ "What did he pay, 1.5m euros?", "What did he pay, 1.6m euros?" },
		{ "three ideas for a party", "five ideas for a party" },
		{ "Give me 3 names for a cat", "Give me four names for a cat" },
		{ "What is new in Python 3.10?", "What is new in Python 3.1?" },
		{ "Changes in version 2.4.1 of nginx", "Changes in version 2.4.2 of nginx" },
		{ "the third planet", "the fourth planet" },
		{ "Who won the 3rd match?", "Who won 3 matches?" },
		{ "laptop with 128GB of storage", "laptop with 256 GB of storage" },
		{ "laptop with 16GB of memory", "laptop with 16TB of memory" },
		{ "Dell XPS 13 battery", "Dell XPS 15 battery" },
		{ "What is 5 minus -3?", "What is 5 minus 3?" },
		{ "call 555-0123 for help", "call 555-0124 for help" },
		{ "agent 007 films", "agent 7 films" },
		{ "a flight at 3pm", "a flight at 3am" },
		{ "a flight at 10:30", "a flight at 10:45" },
		{ "What happened in World War I?", "What happened in World War II?" },
		{ "3 apples and 5 pears, how much fruit is it for 2 people?",
		    "5 apples and 3 pears, how much fruit is it for 2 people?" },
		{ "What is 10 - 5?", "What is 5 - 10?" },
		{ "dose for 5 mg", "dose for 5 g" },
		{ "recipe for two people", "recipe for twelve people" },
		{ "recipe for twenty people", "recipe for twenty five people" },
		{ "Write a summary in 100 words about bees", "Write a summary in 200 words about bees" },
		{ "2 million users", "2 billion users" },
		{ "10 lakh rupees", "10 crore rupees" },
		{ "Summarise the plot in one sentence", "Summarise the plot in one paragraph" },
		{ "best books of 2020", "best books" },
	};
	all_differ(PAIRS(pairs));
}

static void
dates_differ(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "weather in May 2021", "weather in June 2021" },
		{ "Is the bank open on Monday?", "Is the bank open on Sunday?" },
		{ "Is the bank open on monday?", "Is the bank open on tue?" },
		{ "Will it rain tomorrow in Rome?", "Did it rain yesterday in Rome?" },
		{ "Will it rain tomorrow in Rome?", "Will it rain today in Rome?" },
		{ "events on 12 March", "events on 12 April" },
		{ "events on 12 March", "events on 13 March" },
		{ "sales of last month by region", "sales of next month by region" },
		{ "sales per week by region", "sales per year by region" },
		{ "deadline 2014-05-12", "deadline 2014-06-12" },
	};
	all_differ(PAIRS(pairs));
}

static void
denials_differ(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "Why does my phone charge?", "Why doesn't my phone charge?" },
		{ "Why does my phone charge?", "Why doesnt my phone charge?" },
		{ "Is it legal to park here at night?", "Is it not legal to park here at night?" },
		{ "coffee with milk", "coffee without milk" },
		{ "Which birds can fly?", "Which birds cannot fly?" },
		{ "Which birds can fly?", "Which birds never fly?" },
		{ "Is this alcohol beer or non-alcoholic beer?", "Is this alcohol beer or alcoholic beer?" },
		{ "a secure connection", "an insecure connection" },
		{ "verified accounts", "unverified accounts" },
		{ "honest people", "dishonest people" },
		{ "Is my answer relevant to the exam?", "Is my answer irrelevant to the exam?" },
		{ "useful habits", "useless habits" },
		{ "What can cats do and dogs not?", "What can cats not do and dogs can?" },
		{ "What can't tourists see in Japan but can in Korea?",
		    "What can tourists see in Japan but can't in Korea?" },
	};
	all_differ(PAIRS(pairs));
}

static void
opposites_differ(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "How do I enable two-factor authentication?",
		    "How do I disable two-factor authentication?" },
		{ "how to turn on dark mode", "how to turn off dark mode" },
		{ "how to turn dark mode on", "how to turn off dark mode" },
		{ "Will interest rates increase?", "Will interest rates decrease?" },
		{ "When should I buy shares?", "When should I sell shares?" },
		{ "What is the best time to visit?", "What is the worst time to visit?" },
		{ "stretching before running", "stretching after running" },
		{ "how to send a parcel", "how to receive a parcel" },
		{ "import a CSV file", "export a CSV file" },
		{ "clothes for men", "clothes for women" },
		{ "How do I open an account?", "How do I close my account?" },
		{ "How do I top up my account?", "How do I withdraw from my account?" },
		{ "advantages of solar power", "disadvantages of solar power" },
		{ "minimize cost", "maximize cost" },
		{ "install the driver", "uninstall the driver" },
		{ "subscribe to the letter", "unsubscribe from the letter" },
		{ "cheapest flight", "most expensive flight" },
		{ "who is older", "who is younger" },
		{ "more than ten guests", "less than ten guests" },
		{ "Is it safe to eat moss?", "Is it dangerous to eat moss?" },
		{ "my father's house", "my mother's house" },
		{ "encrypt a disk", "decrypt a disk" },
		{ "upload a photo", "download a photo" },
		{ "north wall insulation", "south wall insulation" },
		{ "left knee pain", "right knee pain" },
		{ "lend money", "borrow money" },
		{ "sort in ascending order", "sort in descending order" },
	};
	all_differ(PAIRS(pairs));
}

static void
names_differ(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "What is the weather in Paris?", "What is the weather in London?" },
		{ "what is the weather in paris", "what is the weather in london" },
		{ "How do I reset an iPhone?", "How do I reset a Galaxy?" },
		{ "how do i reset an iphone", "how do i reset an ipad" },
		{ "Samsung A52 case", "Samsung A52s case" },
		{ "visa for India", "visa for Indonesia" },
		{ "visa for austria", "visa for australia" },
		{ "population of chile", "population of china" },
		{ "What did Ada Lovelace write?", "What did Alan Turing write?" },
		{ "Does Arvon Holdings hire?", "Does Belmar Holdings hire?" },
		{ "price in USD", "price in EUR" },
		{ "price in dollars", "price in yen" },
		{ "How do I close my Gmail account?", "How do I close my Yahoo account?" },
		{ "headphones WH-1000XM4", "headphones WH-1000XM5" },
		{ "order AB-1234-X status", "order AB-1234-Y status" },
		{ "capital of New South Wales", "capital of South Wales" },
		{ "What is the melting point of zinc?", "What is the melting point of copper?" },
		{ "how to boil tofu", "how to boil quinoa" },
		{ "play the piano", "play the violin" },
		{ "study at MIT", "study at ETH" },
		{ "what does the GRE cost", "what does the GMAT cost" },
		{ "visit our site at example.com", "visit our site at example.org" },
		{ "mail to ann@example.com", "mail to bob@example.com" },
		{ "see https://example.com/a", "see https://example.com/b" },
		{ "\xD0\x9C\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0 hotels",
		    "\xD0\x9A\xD0\xB8\xD0\xB5\xD0\xB2 hotels" },
	};
	all_differ(PAIRS(pairs));
}

static void
programming_differs(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "How do I sort an array in C?", "How do I sort an array in C++?" },
		{ "How do I sort an array in C?", "How do I sort an array in C#?" },
		{ "How do I sort an array in C++?", "How do I sort an array in C#?" },
		{ "how do i sort an array in c", "how do i sort an array in c++" },
		{ "how do i sort an array in c#", "how do i sort an array in c++" },
		{ "How do I read a file in .NET?", "How do I read a file in Node.js?" },
		{ "How do I read a file in Python?", "How do I read a file in R?" },
		{ "How do I read a file in Java?", "How do I read a file in JavaScript?" },
		{ "Convert this list to JSON: a, b", "Convert this list to XML: a, b" },
		{ "connect to mysql", "connect to postgres" },
		{ "install docker on windows", "install docker on ubuntu" },
		{ "What does `ls -l` print?", "What does `ls -a` print?" },
		{ "What does `a = b` do in Lua?", "What does `a == b` do in Lua?" },
		{ "What does this print?\n```\nfor i in range(3): print(i)\n```",
		    "What does this print?\n```\nfor i in range(3): print(-i)\n```" },
		{ "value of x + y", "value of x * y" },
		{ "if a < b then", "if a > b then" },
		{ "why is user_id null", "why is user_name null" },
		{ "what is in /etc/passwd", "what is in /etc/shadow" },
		{ "open main.c", "open main.h" },
	};
	all_differ(PAIRS(pairs));
}

static void
quotes_differ(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "Define the word \"verb\"", "Define the word \"noun\"" },
		{ "Who said \"to be or not to be\" first?", "Who said \"to be and not to be\" first?" },
		{ "Spell the word 'accommodate'", "Spell the word 'acquire'" },
	};
	all_differ(PAIRS(pairs));
}

static void
directions_differ(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "convert usd to eur", "convert eur to usd" },
		{ "flights from Rome to Oslo", "flights from Oslo to Rome" },
		{ "Is tea better than coffee?", "Is coffee better than tea?" },
		{ "Why do people prefer tea over coffee?", "Why do people prefer coffee over tea?" },
		{ "dog bites man", "man bites dog" },
		{ "How many metres are in a mile?", "How many miles are in a metre?" },
		{ "Can a tenant sue a landlord?", "Can a landlord sue a tenant?" },
		{ "translate from French to German", "translate from German to French" },
		{ "turn a list into a tuple", "turn a tuple into a list" },
		{ "does stress cause insomnia", "does insomnia cause stress" },
		{ "things a son hides from his mother", "things a mother hides from her son" },
	};
	all_differ(PAIRS(pairs));
}

static void
languages_differ(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "Translate 'good morning' to French", "Translate 'good morning' to German" },
		{ "Answer in spanish: who is the king?", "Answer in italian: who is the king?" },
		{ "Answer in spanish: who is the king?", "Answer: who is the king?" },
		{ "learn mandarin", "learn cantonese" },
	};
	all_differ_in(VETO_LANGUAGE, PAIRS(pairs));
}

static void
questions_differ(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "Why do cats purr?", "How do cats purr?" },
		{ "Why do cats purr?", "Do cats purr?" },
		{ "When was the bridge built?", "Why was the bridge built?" },
		{ "Who built the bridge?", "When was the bridge built?" },
		{ "Can I freeze bread?", "Should I freeze bread?" },
		{ "Should I tip waiters?", "Must I tip waiters?" },
		{ "How long is the bridge?", "Who is on the bridge?" },
	};
	all_differ_in(VETO_QUESTION, PAIRS(pairs));
}

static void
forms_differ(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "Explain tides as a table", "Explain tides as a list" },
		{ "Explain tides briefly", "Explain tides in detail" },
		{ "Write a poem about rain", "Write an essay about rain" },
		{ "Return the answer as YAML: colours of a rainbow",
		    "Return the answer as CSV: colours of a rainbow" },
	};
	all_differ_in(VETO_LENGTH, PAIRS(pairs));
}

static void
texts_that_point_outside_never_agree(void **state)
{
	(void)state;
	static const char *const texts[] = { "and the second one?", "tell me more", "Tell me more.", "why?",
		"What about it?", "what about Paris?", "How about the other one?", "Can you explain that?",
		"Can you expand on this?", "go on", "continue", "What are the main challenges?",
		"Can you give an example?", "How does this compare to other methods?", "What does it cost?",
		"Is it dangerous?", "And in Rome?", "Who are they?", "What did he say?",
		"What are its benefits?", "Please explain more", "Why is that?", "Which one is better?",
		"Translate it", "Make it shorter", "Can you rephrase the previous answer?", "Are you sure?",
		"How so?", "What else?" };
	size_t wrong = 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct veto v;
		if (agree(texts[i], texts[i], &v) || v.kind != VETO_CONTEXT) {
			print_message("stands alone: %s\n", texts[i]);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void
prompts_about_different_products_never_agree(void **state)
{
	(void)state;
	static const char *const products[] = { "Sony WH-1000XM4 headphones, black",
		"Sony WH-1000XM5 headphones, black", "Sony WH-1000XM4 headphones, silver",
		"Dell XPS 13 9310, 16GB, 512GB", "Dell XPS 15 9510, 16GB, 512GB",
		"Dell XPS 13 9310, 8GB, 512GB", "Samsung Galaxy A52", "Samsung Galaxy A52s",
		"Apple iPhone 12 mini", "Apple iPhone 12 Pro", "Apple iPhone 13 mini", "Canon EOS 250D",
		"Nikon D3500", "Bosch GSR 12V", "Bosch GSR 18V", "Windows 10 Home", "Windows 10 Pro",
		"Windows 11 Pro" };
	size_t count = sizeof(products) / sizeof(*products), wrong = 0;
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count; k++) {
			char a[256], b[256];
			static const char *const prompt = "You write for a shop. Describe the product for "
							  "buyers in two lines and name its price range: %s.";
			snprintf(a, sizeof(a), prompt, products[i]);
			snprintf(b, sizeof(b), prompt, products[k]);
			if (facts_agree(str_from(a), str_from(b), NULL) != (i == k)) {
				print_message("%s | %s\n", products[i], products[k]);
				wrong++;
			}
		}
	}
	assert_int_equal(wrong, 0);
}

static void
a_veto_says_what_differs(void **state)
{
	(void)state;
	struct veto v;
	assert_false(facts_agree(STR("Which film won in 2014?"), STR("Which film won in 2015?"), &v));
	assert_int_equal(v.kind, VETO_NUMBER);
	assert_string_equal(v.a, "2014");
	assert_string_equal(v.b, "2015");
	assert_false(facts_agree(STR("tea in Rome"), STR("tea"), &v));
	assert_string_equal(v.a, "Rome");
	assert_string_equal(v.b, "");
	assert_false(facts_agree(STR("tea"), STR("tea in Rome"), &v));
	assert_string_equal(v.a, "");
	assert_string_equal(v.b, "Rome");
	for (int kind = 0; kind < VETOES; kind++)
		assert_true(strlen(veto_name((enum veto_kind)kind)) > 2);
}

static void
a_text_beyond_the_limit_never_agrees(void **state)
{
	(void)state;
	size_t n = FACTS_TEXT_MAX + 1;
	char *text = malloc(n);
	memset(text, 'a', n);
	assert_false(facts_agree((struct str){ text, n }, (struct str){ text, n }, NULL));
	assert_true(facts_agree((struct str){ text, n - 1 }, (struct str){ text, n - 1 }, NULL));
	free(text);
}

/* What a hostile prompt is made of, repeated to the limit: the test's own time limit says that it is fast */
static void
hostile_texts_are_read_to_the_end(void **state)
{
	(void)state;
	static const char *const pieces[] = { "1", "1 ", "A", "A ", "a b ", "\"a ", "`a` ", "\"", "'a", "it ",
		"not ", "to x ", "\xFF", "\xE2\x82\xAC", "$1", "=", "Ab Ba ", "twenty ", "paris ", "U.",
		"1,000,", "9.9.", "b c d a ", "un", "-1 ", "/x " };
	char *a = malloc(FACTS_TEXT_MAX), *b = malloc(FACTS_TEXT_MAX);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		for (size_t k = 0; k < sizeof(pieces) / sizeof(*pieces); k += 5) {
			size_t n = strlen(pieces[i]), m = strlen(pieces[k]);
			for (size_t at = 0; at < FACTS_TEXT_MAX; at++) {
				a[at] = pieces[i][at % n];
				b[at] = pieces[k][at % m];
			}
			struct str x = { a, FACTS_TEXT_MAX }, y = { b, FACTS_TEXT_MAX };
			assert_int_equal(facts_agree(x, y, NULL), facts_agree(y, x, NULL));
		}
	}
	free(a);
	free(b);
}

static void
who_does_it_to_whom_differs(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "can I sue my landlord", "can my landlord sue me" },
		{ "can she fire him", "can he fire her" },
		{ "who beat Brazil in the final", "who did Brazil beat in the final" },
		{ "what eats foxes", "what do foxes eat" },
		{ "what do you think of me", "what do I think of you" },
		{ "are you my friend", "am I your friend" },
		{ "How do I change my password?", "How do I change your password?" },
		{ "Is the train late?", "Was the train late?" },
		{ "Is every square a rectangle?", "Is every rectangle a square?" },
		{ "How do I get from A to B?", "How do I get from B to A?" },
		{ "the second letter of a, b, c", "the second letter of b, a, c" },
		{ "act one scene two of Hamlet", "act two scene one of Hamlet" },
		{ "what to cook with chicken and rice", "what to cook with chicken or rice" },
		{ "how many minutes in an hour", "how many seconds in an hour" },
		{ "What happened on 2024-01-02?", "What happened on 2024-02-01?" },
	};
	all_differ(PAIRS(pairs));
}

static void
code_differs_by_a_sign(void **state)
{
	(void)state;
	static const struct pair pairs[] = {
		{ "What does a & b mean?", "What does a && b mean?" },
		{ "what does a == b do", "what does a = b do" },
		{ "what does a == b do", "what does a === b do" },
		{ "what does a >> 1 do", "what does a >>> 1 do" },
		{ "What is printed by print(1//2)?", "What is printed by print(1/2)?" },
		{ "Explain: for (i = 0; i < n; i++) s += v[i];",
		    "Explain: for (i = 0; i < n; i++) s -= v[i];" },
		{ "Fix this: foo(bar)", "Fix this: bar(foo)" },
		{ "What does foo(a, b) do?", "What does foo(b, a) do?" },
		{ "What is (1 + 2) * 3?", "What is 1 + (2 * 3)?" },
		{ "what does a[1:] return", "what does a[:1] return" },
		{ "what does a[-1] return", "what does a[1] return" },
		{ "what does cd .. do", "what does cd . do" },
		{ "what does ls > out do", "what does ls >> out do" },
		{ "what does (int) x do", "what does int(x) do" },
		{ "if x:\n  f(x)\n  g(x)", "if x:\n  f(x)\ng(x)" },
	};
	all_differ(PAIRS(pairs));
}

static void
case_counts_in_code_units_and_names(void **state)
{
	(void)state;
	struct veto v;
	assert_false(agree("What does ls -l do?", "What does ls -L do?", &v));
	assert_int_equal(v.kind, VETO_CODE);
	assert_false(agree("what is 5 kb", "what is 5 kB", &v));
	assert_false(agree("what is 5 mW", "what is 5 MW", &v));
	assert_int_equal(v.kind, VETO_NUMBER);
	assert_false(agree("What is a turkey?", "What is Turkey?", &v));
	assert_int_equal(v.kind, VETO_NAME);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_does_it_to_whom_differs),
		cmocka_unit_test(code_differs_by_a_sign),
		cmocka_unit_test(case_counts_in_code_units_and_names),
		cmocka_unit_test(numbers_differ),
		cmocka_unit_test(dates_differ),
		cmocka_unit_test(denials_differ),
		cmocka_unit_test(opposites_differ),
		cmocka_unit_test(names_differ),
		cmocka_unit_test(programming_differs),
		cmocka_unit_test(quotes_differ),
		cmocka_unit_test(directions_differ),
		cmocka_unit_test(languages_differ),
		cmocka_unit_test(questions_differ),
		cmocka_unit_test(forms_differ),
		cmocka_unit_test(texts_that_point_outside_never_agree),
		cmocka_unit_test(prompts_about_different_products_never_agree),
		cmocka_unit_test(a_veto_says_what_differs),
		cmocka_unit_test(a_text_beyond_the_limit_never_agrees),
		cmocka_unit_test(hostile_texts_are_read_to_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
