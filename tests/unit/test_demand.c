/*
 * Proves src/text/demand.c, demand_asked.c, demand_json.c and demand_refusal.c: JSON by format and by words, refusals, cut ends, and
 * that what only speaks of JSON demands none.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_help.h"

#define NOTHING "nothing in particular"

static void
words_demand_json(void **state)
{
	(void)state;
	static const struct demand_reading cases[] = {
		{ "List three cities. Respond only with JSON.", "json" },
		{ "Respond in JSON.", "json" },
		{ "Please answer in valid JSON format.", "json" },
		{ "Return a JSON object with keys name, age and city.", "a json object with 3 keys" },
		{ "Return a JSON object with the keys \"name\" and \"age\" for the person above.",
		    "a json object with 2 keys" },
		{ "Give me a JSON array of five colours.", "a json array" },
		{ "Extract the names and return them as a JSON list.", "a json array" },
		{ "Your response must be a valid JSON object.", "a json object" },
		{ "What is the tallest mountain? Output: JSON only", "json" },
		{ "Present your solution in the following json format.\n\n```json\n{\n \"reasoning\": "
		  "\"___\",\n \"answer\": \"___\"\n}\n```\n",
		    "json with 2 keys" },
		{ "Summarize the following text:\n\nOne day it rained.\n\nRespond only with JSON.", "json" },
		{ "Summarize the following text: \"It rained: all day.\" Respond only with JSON.", "json" },
		{ "Can you output it as JSON?", "json" },
		{ "Do not include any explanations, only provide a RFC8259 compliant JSON response.",
		    "json" },
		{ "Read the text and return a JSON object.", "a json object" },
		{ "Respond with a JSON object with these fields: `title`, `tags` and `price`.",
		    "a json object with 3 keys" },
		{ "Classify the review \"Not bad at all.\" as good or bad. Answer using JSON.", "json" },
	};
	all_read(CASES(cases));
}

static void
speaking_of_json_is_no_demand(void **state)
{
	(void)state;
	static const struct demand_reading cases[] = {
		{ "Explain JSON to a child.", NOTHING },
		{ "Write an essay about JSON and XML.", NOTHING },
		{ "Convert this JSON to CSV: {\"a\": 1}", NOTHING },
		{ "How do I return JSON from a Flask endpoint?", NOTHING },
		{ "Which is better, JSON or YAML?", NOTHING },
		{ "If I say so, answer in JSON.", NOTHING },
		{ "Summarize the text \"Respond only with JSON\" in your own words.", NOTHING },
		{ "Summarize the following text:\n\nRespond only with JSON.", NOTHING },
		{ "Fix the following email:\n\n<email>\nReturn a JSON object.\n</email>", NOTHING },
		{ "Do not answer in JSON.", NOTHING },
		{ "Write a program that reads a file and returns JSON.", "code" },
		{ "Give me an example of a JSON file.", NOTHING },
		{ "Translate the following text:\n\nOne day.\n\nThe end. She said: answer in JSON.",
		    NOTHING },
		{ "She told me to respond only with JSON.", NOTHING },
	};
	all_read(CASES(cases));
}

static void
json_by_words_is_judged(void **state)
{
	(void)state;
	static const struct demand_case cases[] = {
		{ "Respond only with JSON.", "{\"a\": 1}", NONE },
		{ "Respond only with JSON.", " [1, 2]\n", NONE },
		{ "Respond only with JSON.", "```json\n{\"a\": 1}\n```", NONE },
		{ "Respond only with JSON.", "```\n{\"a\": 1}\n```", NONE },
		{ "Respond only with JSON.", "Here you are: {\"a\": 1}", DEMAND_JSON },
		{ "Respond only with JSON.", "Here you are:\n```json\n{\"a\": 1}\n```", DEMAND_JSON },
		{ "Respond only with JSON.", "{\"a\": 1,}", DEMAND_JSON },
		{ "Respond only with JSON.", "{'a': 1}", DEMAND_JSON },
		{ "Respond only with JSON.", "The answer is 4.", DEMAND_JSON },
		{ "Respond only with JSON.", "```json\n{\"a\": 1", DEMAND_JSON },
		/* What our scanner refuses but others read is no fault. */
		{ "Respond only with JSON.", "{\"a\": 1, \"a\": 2}", NONE },
		{ "Respond only with JSON.", "{\"a\": \"\\u0000\"}", NONE },
		{ "Respond only with JSON.", "{\"a\": \"\\ud83d\"}", NONE },
		{ "Respond in JSON.", "Here you are: {\"a\": 1}. Anything else?", NONE },
		{ "Respond in JSON.", "Step by step.\n\n```python\n{x}\n```\n\n```json\n{\"a\": 1}\n```\n",
		    NONE },
		{ "Respond in JSON.", "Step by step.\n\n```json\n{\"a\": \"\\(x\\)\"}\n```\n", DEMAND_JSON },
		{ "Return a JSON object.", "[1]", DEMAND_JSON },
		{ "Return a JSON array of numbers.", "3", DEMAND_JSON },
		/* Providers' JSON modes give objects alone: a list is then within one. */
		{ "Return a JSON array of numbers.", "{\"numbers\": [3]}", NONE },
		{ "Return a JSON object with keys name and age.", "{\"name\": \"x\", \"age\": 3}", NONE },
		{ "Return a JSON object with keys name and age.", "{\"Name\": \"x\", \"age\": 3}", NONE },
		{ "Return a JSON object with keys name and age.",
		    "{\"person\": {\"name\": \"x\", \"age\": 3}}", NONE },
		{ "Return a JSON object with keys name and age.", "{\"name\": \"x\"}", DEMAND_JSON },
		{ "Return a JSON object with keys name and optionally age.", "{\"name\": \"x\"}", NONE },
		{ "Answer in the following JSON format:\n```json\n{\"why\": \"\", \"answer\": \"\"}\n```\n",
		    "{\"why\": \"so\"}", DEMAND_JSON },
	};
	all_judged(CASES(cases));
}

static void
json_by_format_has_nothing_around_it(void **state)
{
	(void)state;
	struct demand_source source = { .last = STR("three cities"), .json = true };
	char why[96];
	struct demand_answer bare = { .text = STR("{\"a\": []}") },
			     fenced = { .text = STR("```json\n{\"a\": []}\n```") },
			     half = { .text = STR("{\"a\": [") };
	assert_int_equal(fault_of(&source, &bare, why), NONE);
	assert_int_equal(fault_of(&source, &fenced, why), DEMAND_JSON);
	assert_int_equal(fault_of(&source, &half, why), DEMAND_JSON);
	/* The client's own limit ended it: what a beginning cannot keep is not asked of it. */
	half.limited = true;
	assert_int_equal(fault_of(&source, &half, why), NONE);
	half = (struct demand_answer){ .text = STR("{\"a\": ["), .cut = true };
	assert_int_equal(fault_of(&source, &half, why), DEMAND_WHOLE);
}

static void
refusals_are_told_from_help(void **state)
{
	(void)state;
	static const struct demand_case cases[] = {
		{ "hello", "I'm sorry, but I can't assist with that.", DEMAND_REFUSAL },
		{ "hello", "I\xE2\x80\x99m sorry, but I can\xE2\x80\x99t assist with that request.",
		    DEMAND_REFUSAL },
		{ "hello", "Sorry, I cannot provide that information.", DEMAND_REFUSAL },
		{ "hello", "I'm unable to help with this.", DEMAND_REFUSAL },
		{ "hello", "As an AI language model, I don't have access to real-time data.",
		    DEMAND_REFUSAL },
		{ "hello", "I must decline.", DEMAND_REFUSAL },
		{ "hello", "Es tut mir leid, aber ich kann dabei nicht helfen.", DEMAND_REFUSAL },
		{ "hello", "Je suis désolé, mais je ne peux pas vous aider.", DEMAND_REFUSAL },
		{ "hello", "Lo siento, pero no puedo ayudarte con eso.", DEMAND_REFUSAL },
		{ "hello", "Извините, но я не могу помочь с этим.", DEMAND_REFUSAL },
		{ "hello", "抱歉，我无法提供帮助。", DEMAND_REFUSAL },
		{ "hello", "申し訳ありませんが、お手伝いできません。", DEMAND_REFUSAL },
		{ "hello", "I can't assist with that, but here is what you could do instead.", NONE },
		{ "hello", "I'm unable to attend the meeting on Friday.", NONE },
		{ "hello", "I can't wait to see you!", NONE },
		{ "hello", "As an AI, I find this a fine question: the answer is four.", NONE },
		{ "hello", "Sorry about the delay. Your parcel is on its way.", NONE },
		{ "hello", "Leider kann ich heute erst um acht.", NONE },
		{ "Write a polite message that refuses an invitation.",
		    "I'm sorry, but I can't participate in the race.", NONE },
		{ "hello", "", DEMAND_WHOLE },
		{ "hello", " \n", DEMAND_WHOLE },
	};
	all_judged(CASES(cases));
}

static void
what_the_provider_says_counts(void **state)
{
	(void)state;
	struct demand_source source = { .last = STR("hello") };
	char why[96];
	struct demand_answer filtered = { .text = STR("x"), .filtered = true }, calls = { .calls = true },
			     cut = { .text = STR("x"), .cut = true };
	assert_int_equal(fault_of(&source, &filtered, why), DEMAND_REFUSAL);
	assert_int_equal(fault_of(&source, &calls, why), NONE);
	assert_int_equal(fault_of(&source, &cut, why), DEMAND_WHOLE);
}

static void
checks_are_switched_off_one_by_one(void **state)
{
	(void)state;
	struct demand_source source = { .last = STR("Respond only with JSON.") };
	struct demands *d = demands_of(&source);
	assert_true(demands_checkable(d));
	static const struct demand_answer answers[] = { { .text = { "no", 2 } }, { .text = { "", 0 } },
		{ .text = { "x", 1 }, .filtered = true } };
	static const enum demand_kind kinds[] = { DEMAND_JSON, DEMAND_WHOLE, DEMAND_REFUSAL };
	for (size_t i = 0; i < 3; i++) {
		bool checks[DEMAND_KINDS];
		enum demand_kind kind;
		memcpy(checks, every_check, sizeof checks);
		assert_false(demands_met(d, &answers[i], checks, &kind, NULL));
		assert_int_equal(kind, kinds[i]);
		checks[kinds[i]] = false;
		bool met = demands_met(d, &answers[i], checks, &kind, NULL);
		assert_true(met || kind != kinds[i]);
	}
	demands_free(&d);
	assert_null(d);
}

static void
a_system_prompt_demands_too(void **state)
{
	(void)state;
	struct demand_source source = { .system = STR("You sort mail. Always answer in JSON."),
		.last = STR("A letter came.") };
	struct demand_answer answer = { .text = STR("It is a bill.") };
	char why[96];
	assert_int_equal(fault_of(&source, &answer, why), DEMAND_JSON);
	assert_string_equal(why, "there is no JSON in it");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_demand_json),
		cmocka_unit_test(speaking_of_json_is_no_demand),
		cmocka_unit_test(json_by_words_is_judged),
		cmocka_unit_test(json_by_format_has_nothing_around_it),
		cmocka_unit_test(refusals_are_told_from_help),
		cmocka_unit_test(what_the_provider_says_counts),
		cmocka_unit_test(checks_are_switched_off_one_by_one),
		cmocka_unit_test(a_system_prompt_demands_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
