/*
 * Proves src/stages/completion.c: what is written is read back as what it says, by the readers that read providers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/stages/completion.h"
#include "../../src/stages/said.h"
#include "base/json.h"
#include "stages/replay.h"
#include "stages/reply.h"

static const struct usage used = {
	.known = true, .input = 120, .cached_input = 40, .cache_write = 7, .output = 33, .reasoning = 5
};

static const struct request chat = { .endpoint = ENDPOINT_CHAT };

/* What a client of the Responses API asked, with a line end where an event must have none. */
static const char asked[] =
    "{\"model\":\"m\",\"store\":false,\"input\":\"hi\",\"temperature\":0.25,\"metadata\":{\"row\":\"17\"},\n"
    "\"text\":{\n\"format\":{\"type\":\"json_object\"}},\"max_output_tokens\":50,\"top_p\":null,"
    "\"instructions\":\"Titles.\"}";

static struct request
response_asked(void)
{
	struct request r = { .endpoint = ENDPOINT_RESPONSES };
	struct json_fault fault;
	assert_int_equal(json_scan(&r.json, str_from(asked), JSON_LIMITS, &fault), 0);
	return r;
}

static struct completion
completion(struct str text)
{
	struct completion c = { .request = &chat,
		.model = "gpt-4o-mini-2024-07-18",
		.created_s = 1790000000,
		.text = text,
		.usage = &used };
	completion_name(&c);
	return c;
}

static void
assert_used(const struct usage *u)
{
	assert_true(u->known && !u->estimated);
	assert_int_equal(u->input, used.input);
	assert_int_equal(u->cached_input, used.cached_input);
	assert_int_equal(u->cache_write, used.cache_write);
	assert_int_equal(u->output, used.output);
	assert_int_equal(u->reasoning, used.reasoning);
}

static void
a_body_is_read_back_as_it_was_meant(void **state)
{
	(void)state;
	struct completion c = completion(STR("He said \"2 < 3\",\n\tand left. \xF0\x9F\x91\x8B \\"));
	struct buf body = { 0 }, said = { 0 };
	struct reply r;
	struct err e;
	assert_int_equal(completion_body(&c, &body), 0);
	reply_start(&r, ENDPOINT_CHAT, NULL);
	assert_int_equal(reply_body(&r, buf_str(&body), &e), 0);
	assert_true(r.finished && r.usage_whole);
	assert_used(&r.usage);
	assert_string_equal(r.model, c.model);
	assert_int_equal(said_in(ENDPOINT_CHAT, buf_str(&body), &said), 0);
	assert_true(str_eq(buf_str(&said), c.text));
	reply_free(&r);
	buf_free(&body);
	buf_free(&said);
}

static void
a_completion_without_usage_states_none(void **state)
{
	(void)state;
	struct completion c = completion(STR("yes"));
	struct buf body = { 0 }, events = { 0 };
	c.usage = NULL;
	assert_int_equal(completion_body(&c, &body), 0);
	assert_int_equal(completion_events(&c, &events), 0);
	assert_true(
	    str_find(buf_str(&body), STR("usage")) < 0 && str_find(buf_str(&events), STR("usage")) < 0);
	buf_free(&body);
	buf_free(&events);
}

/* The text of all deltas, one after the other. */
static void
add_deltas(struct str events, struct buf *out)
{
	struct str line;
	while (str_cut(&events, '\n', &line)) {
		struct json j = { 0 };
		struct json_fault fault;
		if (!str_starts(line, STR("data: {")))
			continue;
		assert_int_equal(
		    json_scan(&j, (struct str){ line.p + 6, line.n - 6 }, JSON_LIMITS, &fault), 0);
		uint32_t choices = json_member(&j, 0, "choices"), choice = json_first(&j, choices);
		uint32_t delta = choice != 0 ? json_member(&j, choice, "delta") : 0;
		uint32_t content = delta != 0 ? json_member(&j, delta, "content") : 0;
		if (content != 0)
			assert_int_equal(json_text(&j, content, out), 0);
		json_free(&j);
	}
}

static void
a_stream_brings_a_long_text_whole_and_ends(void **state)
{
	(void)state;
	struct buf text = { 0 }, events = { 0 }, got = { 0 }, none = { 0 };
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buf_add(&text, STR("\xC3\xA4"
						    "b\"")),
		    0);
	struct completion c = completion(buf_str(&text));
	assert_int_equal(completion_events(&c, &events), 0);
	add_deltas(buf_str(&events), &got);
	assert_true(str_eq(buf_str(&got), buf_str(&text)));

	struct answer *a = answer_new(ANSWER_EVENTS, 1 << 20, 1 << 20, NULL, NULL);
	struct reply r;
	reply_start(&r, ENDPOINT_CHAT, a);
	reply_stream(&r, 1 << 16, 200, "text/event-stream", &none);
	assert_int_equal(reply_events(&r, buf_str(&events)), 0);
	assert_true(r.done && r.finished && r.usage_whole);
	assert_used(&r.usage);
	answer_whole(a);
	answer_leave(&a);
	reply_free(&r);
	buf_free(&text);
	buf_free(&events);
	buf_free(&got);
}

/* ---- responses ---- */

static void
assert_repeats(const struct json *j, uint32_t response)
{
	static const char *const members[][2] = { { "temperature", "0.25" },
		{ "metadata", "{\"row\":\"17\"}" }, { "max_output_tokens", "50" },
		{ "instructions", "\"Titles.\"" }, { "top_p", "1.0" }, { "user", "null" }, { "tools", "[]" },
		{ "tool_choice", "\"auto\"" }, { "parallel_tool_calls", "true" }, { "error", "null" },
		{ "store", "false" }, { "object", "\"response\"" }, { "created_at", "1790000000" } };
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		uint32_t node = json_member(j, response, members[i][0]);
		assert_true(node != 0);
		if (!str_eq(json_raw(j, node), str_from(members[i][1])))
			fail_msg("%s: %.*s", members[i][0], STR_FMT(json_raw(j, node)));
	}
	uint32_t format = json_member(j, json_member(j, response, "text"), "format");
	assert_true(json_is(j, json_member(j, format, "type"), "json_object"));
}

static void
a_response_is_read_back_as_it_was_meant_and_repeats_what_was_asked(void **state)
{
	(void)state;
	struct request r = response_asked();
	struct completion c = completion(STR("He said \"2 < 3\",\n\tand left. \xF0\x9F\x91\x8B \\"));
	struct buf body = { 0 }, said = { 0 };
	struct reply reply;
	struct err e;
	struct json j = { 0 };
	struct json_fault fault;
	c.request = &r;
	completion_name(&c);
	assert_int_equal(completion_body(&c, &body), 0);
	reply_start(&reply, ENDPOINT_RESPONSES, NULL);
	assert_int_equal(reply_body(&reply, buf_str(&body), &e), 0);
	assert_true(reply.finished && reply.usage_whole && !reply.failed);
	assert_used(&reply.usage);
	assert_string_equal(reply.model, c.model);
	assert_true(replay_is_normal(ENDPOINT_RESPONSES, buf_str(&body)));
	assert_int_equal(said_in(ENDPOINT_RESPONSES, buf_str(&body), &said), 0);
	assert_true(str_eq(buf_str(&said), c.text));
	assert_int_equal(json_scan(&j, buf_str(&body), JSON_LIMITS, &fault), 0);
	assert_repeats(&j, 0);
	assert_true(json_is(&j, json_member(&j, 0, "id"), c.id));
	json_free(&j);
	reply_free(&reply);
	buf_free(&body);
	buf_free(&said);
	json_free(&r.json);
}

static void
a_stream_of_a_response_ends_with_the_response(void **state)
{
	(void)state;
	struct request r = response_asked();
	struct completion c = completion(STR("Men's \"red\"\nshirt"));
	struct buf body = { 0 }, events = { 0 }, again = { 0 }, none = { 0 };
	struct json_fault fault;
	c.request = &r;
	completion_name(&c);
	assert_int_equal(completion_body(&c, &body), 0);
	assert_int_equal(completion_events(&c, &events), 0);
	assert_int_equal(replay_assemble(ENDPOINT_RESPONSES, buf_str(&events), &again), 0);
	struct json one = { 0 }, other = { 0 };
	struct buf one_text = { 0 }, other_text = { 0 };
	assert_int_equal(json_scan(&one, buf_str(&body), JSON_LIMITS, &fault), 0);
	assert_int_equal(json_scan(&other, buf_str(&again), JSON_LIMITS, &fault), 0);
	assert_int_equal(json_canonical(&one, 0, NULL, NULL, &one_text), 0);
	assert_int_equal(json_canonical(&other, 0, NULL, NULL, &other_text), 0);
	assert_true(str_eq(buf_str(&one_text), buf_str(&other_text)));
	json_free(&one);
	json_free(&other);
	buf_free(&one_text);
	buf_free(&other_text);

	struct answer *a = answer_new(ANSWER_EVENTS, 1 << 20, 1 << 20, NULL, NULL);
	struct reply reply;
	reply_start(&reply, ENDPOINT_RESPONSES, a);
	reply_stream(&reply, 1 << 16, 200, "text/event-stream", &none);
	assert_int_equal(reply_events(&reply, buf_str(&events)), 0);
	assert_true(reply.done && reply.finished && reply.usage_whole);
	assert_used(&reply.usage);
	answer_whole(a);
	answer_leave(&a);
	reply_free(&reply);
	buf_free(&body);
	buf_free(&events);
	buf_free(&again);
	json_free(&r.json);
}

static void
a_response_without_usage_says_that_it_is_not_known(void **state)
{
	(void)state;
	struct request r = response_asked();
	struct completion c = completion(STR("yes"));
	struct buf body = { 0 };
	c.request = &r;
	c.usage = NULL;
	assert_int_equal(completion_body(&c, &body), 0);
	assert_true(str_find(buf_str(&body), STR("\"usage\":null")) > 0);
	buf_free(&body);
	json_free(&r.json);
}

static void
what_does_not_fit_is_told(void **state)
{
	(void)state;
	struct request r = response_asked();
	struct completion c = completion(STR("yes"));
	struct buf whole = { 0 };
	c.request = &r;
	completion_name(&c);
	assert_int_equal(completion_body(&c, &whole), 0);
	for (size_t max = 1; max <= whole.n; max++) {
		struct buf small;
		buf_init(&small, max);
		assert_int_equal(completion_body(&c, &small), max < whole.n ? -1 : 0);
		buf_free(&small);
	}
	buf_free(&whole);
	json_free(&r.json);
}

static void
no_two_have_the_same_name(void **state)
{
	(void)state;
	struct completion a = completion(STR("")), b = completion(STR(""));
	assert_true(str_starts(str_from(a.id), STR("chatcmpl-")));
	assert_string_not_equal(a.id, b.id);
	struct request r = response_asked();
	a.request = b.request = &r;
	completion_name(&a);
	completion_name(&b);
	assert_true(str_starts(str_from(a.id), STR("resp_")));
	assert_string_not_equal(a.id, b.id);
	json_free(&r.json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_read_back_as_it_was_meant),
		cmocka_unit_test(a_completion_without_usage_states_none),
		cmocka_unit_test(a_stream_brings_a_long_text_whole_and_ends),
		cmocka_unit_test(a_response_is_read_back_as_it_was_meant_and_repeats_what_was_asked),
		cmocka_unit_test(a_stream_of_a_response_ends_with_the_response),
		cmocka_unit_test(a_response_without_usage_says_that_it_is_not_known),
		cmocka_unit_test(what_does_not_fit_is_told),
		cmocka_unit_test(no_two_have_the_same_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
