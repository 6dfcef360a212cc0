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
#include "stages/reply.h"

static const struct usage used = {
	.known = true, .input = 120, .cached_input = 40, .cache_write = 7, .output = 33, .reasoning = 5
};

static struct completion
completion(struct str text)
{
	struct completion c = {
		.model = "gpt-4o-mini-2024-07-18", .created_s = 1790000000, .text = text, .usage = &used
	};
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

static void
no_two_have_the_same_name(void **state)
{
	(void)state;
	struct completion a = completion(STR("")), b = completion(STR(""));
	assert_true(str_starts(str_from(a.id), STR("chatcmpl-")));
	assert_string_not_equal(a.id, b.id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_read_back_as_it_was_meant),
		cmocka_unit_test(a_completion_without_usage_states_none),
		cmocka_unit_test(a_stream_brings_a_long_text_whole_and_ends),
		cmocka_unit_test(no_two_have_the_same_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
