/*
 * The two forms of an answer: what one becomes as the other, and back.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"

static struct buf
canon(struct str text)
{
	struct json j = { 0 };
	struct json_fault fault;
	struct buf out = { 0 };
	if (json_scan(&j, text, JSON_LIMITS, &fault) != 0)
		fail_msg("no JSON (%s at %u): %.*s", fault.text, fault.at, STR_FMT(text));
	assert_int_equal(json_canonical(&j, 0, NULL, NULL, &out), 0);
	json_free(&j);
	return out;
}

static void
assert_same_json(struct str a, struct str b)
{
	struct buf x = canon(a), y = canon(b);
	assert_string_equal(buf_text(&x), buf_text(&y));
	buf_free(&x);
	buf_free(&y);
}

/* All that a reader of that view sees. */
static void
on_wake(struct reader *r)
{
	(void)r;
}

static struct buf
seen(struct answer *a, enum view view)
{
	struct reader r = { .view = view, .wake = on_wake };
	struct buf out = { 0 };
	char part[100];
	answer_join(a, &r);
	for (long n; (n = answer_read(&r, part, sizeof part)) > 0;)
		buf_add(&out, (struct str){ part, (size_t)n });
	answer_part(&r);
	return out;
}

static struct buf
events_of(enum endpoint endpoint, const char *body, enum view view)
{
	struct answer_facts facts = { .cost_pico = 2500000000, .basis = COST_EXACT };
	struct answer *a = replay_answer(endpoint, ANSWER_EVENTS, false, str_from(body), &facts);
	assert_non_null(a);
	struct buf out = seen(a, view);
	answer_leave(&a);
	return out;
}

#define HEAD "\"id\":\"c1\",\"created\":7,\"model\":\"m\""
#define CHUNK(choices) "data: {" HEAD ",\"object\":\"chat.completion.chunk\",\"choices\":[" choices "]}\n\n"
#define DELTA(delta, finish) \
	"{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":" finish "}"
#define USAGE "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}"
#define BODY(choices) "{" HEAD ",\"object\":\"chat.completion\",\"choices\":[" choices "]," USAGE "}"
#define SAYS(message, finish)                                       \
	"{\"index\":0,\"message\":{\"role\":\"assistant\"," message \
	"},\"logprobs\":null,\"finish_reason\":\"" finish "\"}"
#define HELLO SAYS("\"content\":\"Hel\\\"lo\",\"refusal\":null", "stop")
#define CALLS                                                                                                \
	"\"content\":null,\"refusal\":null,\"tool_calls\":[{\"id\":\"t1\",\"type\":\"function\","            \
	"\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"t2\",\"type\":\"custom\"," \
	"\"custom\":{\"name\":\"g\",\"input\":\"x\"}}]"

static void
chunks_are_put_together(void **state)
{
	(void)state;
	static const char events[] = CHUNK(DELTA("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null",
	    "null")) ": a comment\n\n" CHUNK(DELTA("\"content\":\"Hel\\\"\"", "null"))
	    CHUNK(DELTA("\"content\":\"lo\"", "null"))
		CHUNK(DELTA("", "\"stop\"")) "data: {" HEAD ",\"choices\":[]," USAGE "}\n\ndata: [DONE]\n\n";
	struct buf out = { 0 };
	assert_int_equal(replay_assemble(ENDPOINT_CHAT, str_from(events), &out), 0);
	assert_same_json(buf_str(&out), str_from(BODY(HELLO)));
	buf_free(&out);
}

static void
arguments_of_calls_grow_by_their_index(void **state)
{
	(void)state;
#define CALL(rest) DELTA("\"tool_calls\":[{" rest "}]", "null")
	static const char events[] =
	    CHUNK(DELTA("\"role\":\"assistant\",\"content\":null,\"refusal\":null", "null"))
		CHUNK(CALL("\"index\":0,\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
			   "\"arguments\":\"\"}")) CHUNK(CALL("\"index\":1,\"id\":\"t2\",\"type\":\"custom\","
							      "\"custom\":{\"name\":\"g\",\"input\":\"x\"}"))
		    CHUNK(CALL("\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\"\"}"))
			CHUNK(CALL("\"index\":0,\"function\":{\"arguments\":\":1}\"}"))
			    CHUNK(DELTA("", "\"tool_calls\"")) "data: {" HEAD ",\"choices\":[]," USAGE
							       "}\n\n";
	struct buf out = { 0 };
	assert_int_equal(replay_assemble(ENDPOINT_CHAT, str_from(events), &out), 0);
	assert_same_json(buf_str(&out), str_from(BODY(SAYS(CALLS, "tool_calls"))));
	buf_free(&out);
}

/* Whatever providers are known to do in a stream, beside what all of them do: the chunks, and what they must become. */
#define MORE(delta) CHUNK("{\"index\":0,\"delta\":{" delta "},\"finish_reason\":null}")
#define HI MORE("\"content\":\"hi\"")
#define STOP CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}")
#define WHOLE(message)                                                                     \
	"{" HEAD ",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{" \
	"\"role\":\"assistant\"," message "},\"finish_reason\":\"stop\"}]}"
#define PIECE(rest) MORE("\"tool_calls\":[{" rest "}]")
#define F(arguments) "\"function\":{\"name\":\"f\",\"arguments\":\"" arguments "\"}"
#define MADE(id, rest) "{\"id\":\"" id "\",\"type\":\"function\"," F("{}") rest "}"
#define DETAIL(rest) MORE("\"reasoning_details\":[{\"index\":0," rest "}]")

static void
what_providers_do_is_put_together(void **state)
{
	(void)state;
	static const struct {
		const char *events, *body;
	} cases[] = {
		/* An opening chunk that says who filtered, and nothing yet of the answer. */
		{ "data: "
		  "{\"id\":\"\",\"created\":0,\"model\":\"\",\"object\":\"\",\"choices\":[],\"filter\":[1]}"
		  "\n\n" HI STOP,
		    "{\"filter\":[1]," HEAD
		    ",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
		    "\"assistant\",\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}" },
		/* A member of the whole answer that the last chunk says more of; one that stays null. */
		{ HI "data: {\"id\":\"c1\",\"g\":{\"a\":1},\"f\":null,\"choices\":[]}\n\n" STOP
		     "data: {\"g\":{\"a\":1,\"b\":2},\"f\":null,\"choices\":[]}\n\n",
		    "{\"g\":{\"a\":1,\"b\":2},\"f\":null," HEAD
		    ",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
		    "\"assistant\",\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}" },
		/* Null where it was null, absent where it was absent. */
		{ MORE("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null,\"tool_calls\":null")
			HI STOP,
		    WHOLE("\"content\":\"hi\",\"refusal\":null") },
		/* Calls in one piece each, without an index. */
		{ MORE("\"tool_calls\":[" MADE("a", "") "," MADE("b", "") "]")
			PIECE("\"id\":\"c\",\"type\":\"function\"," F("{}")) STOP,
		    WHOLE("\"content\":null,\"tool_calls\":[" MADE("a", "") "," MADE("b", "") "," MADE(
			"c", "") "]") },
		/* ... and in several: by their id, or going on with the last one. */
		{ PIECE("\"id\":\"a\"," F("{")) PIECE("\"id\":\"b\"," F("{"))
			PIECE("\"id\":\"a\",\"function\":{\"arguments\":\"}\"}")
			    PIECE("\"function\":{\"arguments\":\"\"}") PIECE("\"id\":\"b\"," F("}")) STOP,
		    WHOLE("\"content\":null,\"tool_calls\":[" MADE("a", "") "," MADE("b", "") "]") },
		/* Name and id repeated in each piece. */
		{ PIECE("\"index\":0,\"id\":\"a\"," F("{")) PIECE("\"index\":0,\"id\":\"a\"," F("}")) STOP,
		    WHOLE("\"content\":null,\"tool_calls\":[" MADE("a", "") "]") },
		/* A signature beside a call. */
		{ PIECE("\"index\":0,\"id\":\"a\",\"extra\":{\"s\":\"x\"}," F("{}")) STOP,
		    WHOLE("\"content\":null,\"tool_calls\":[" MADE("a", ",\"extra\":{\"s\":\"x\"}") "]") },
		/* The older call of a function. */
		{ MORE("\"content\":null,\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}")
			MORE("\"function_call\":{\"arguments\":\"{\"}")
			    MORE("\"function_call\":{\"arguments\":\"}\"}") STOP,
		    WHOLE("\"content\":null,\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}") },
		/* Sources come one after the other, and belong to one list. */
		{ HI MORE("\"annotations\":[{\"u\":1}]") MORE("\"annotations\":[{\"u\":2},{\"u\":3}]") STOP,
		    WHOLE("\"content\":\"hi\",\"annotations\":[{\"u\":1},{\"u\":2},{\"u\":3}]") },
		/* Parts of a reasoning grow by their index and type. */
		{ DETAIL("\"type\":\"t\",\"text\":\"a\",\"format\":\"f\"")
			DETAIL("\"type\":\"t\",\"text\":\"b\",\"format\":\"f\"")
			    DETAIL("\"type\":\"t\",\"signature\":\"s\"")
				DETAIL("\"type\":\"e\",\"data\":\"d\"") HI STOP,
		    WHOLE("\"content\":\"hi\",\"reasoning_details\":[{\"type\":\"t\",\"text\":\"ab\","
			  "\"index\":0,"
			  "\"format\":\"f\",\"signature\":\"s\"},{\"type\":\"e\",\"index\":0,\"data\":\"d\"}"
			  "]") },
		/* Unknown, but told once. */
		{ HI MORE("\"note\":\"x\",\"flag\":true") MORE("\"flag\":true") STOP,
		    WHOLE("\"content\":\"hi\",\"note\":\"x\",\"flag\":true") },
		/* What was said so far, beside each delta. */
		{ CHUNK("{\"index\":0,\"delta\":{\"content\":\"h\"},\"message\":{\"content\":\"h\"}}") CHUNK(
		      "{\"index\":0,\"delta\":{\"content\":\"i\"},\"message\":{\"content\":\"hi\"}}") STOP,
		    WHOLE("\"content\":\"hi\"") },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out = { 0 };
		if (replay_assemble(ENDPOINT_CHAT, str_from(cases[i].events), &out) != 0)
			fail_msg("not put together: %s", cases[i].events);
		assert_same_json(buf_str(&out), str_from(cases[i].body));
		buf_free(&out);
	}
}

static void
lists_of_logprobs_stay_null_or_empty(void **state)
{
	(void)state;
#define LOGGED(logprobs)                                                                                \
	CHUNK("{\"index\":0,\"delta\":{\"content\":\"x\"},\"logprobs\":" logprobs ",\"finish_reason\":" \
	      "null}")
	static const char events[] =
	    LOGGED("{\"content\":[],\"refusal\":null}") LOGGED("{\"content\":[1,2],\"refusal\":null}")
		LOGGED("{\"content\":[3],\"refusal\":null}") LOGGED("null") STOP;
	struct buf out = { 0 };
	assert_int_equal(replay_assemble(ENDPOINT_CHAT, str_from(events), &out), 0);
	assert_true(str_find(buf_str(&out), STR("\"logprobs\":{\"content\":[1,2,3],\"refusal\":null}")) > 0);
	buf_free(&out);
}

static int
count(struct str text, struct str what)
{
	int found = 0;
	for (ptrdiff_t at; (at = str_find(text, what)) >= 0; found++)
		text = (struct str){ text.p + at + what.n, text.n - (size_t)at - what.n };
	return found;
}

/* Some clients look at the first chunk, some at the last; and those who add up counts must find them once. */
static void
what_is_told_of_the_whole_answer_comes_first_and_last(void **state)
{
	(void)state;
	struct buf out = events_of(ENDPOINT_CHAT,
	    "{" HEAD ",\"x_groq\":{\"id\":9,\"usage\":1},\"cited\":[\"u\"],\"choices\":[" HELLO "]," USAGE
	    "}",
	    VIEW_JOINED);
	struct str all = buf_str(&out);
	ptrdiff_t end = str_find(all, STR("\n\n"));
	struct str first = { all.p, (size_t)end };
	assert_int_equal(count(all, STR("\"id\":\"c1\"")), 4);
	assert_int_equal(count(first, STR("\"x_groq\":{\"id\":9},\"cited\":[\"u\"]")), 1);
	assert_int_equal(count(all, STR("\"x_groq\":{\"id\":9,\"usage\":1},\"cited\":[\"u\"]")), 1);
	assert_int_equal(count(all, STR("cited")), 2);
	buf_free(&out);
}

/* Text of a reasoning and its parts say the same: who reads the parts must not find the text elsewhere again. */
static void
a_reasoning_and_its_parts_travel_together(void **state)
{
	(void)state;
	struct buf out = events_of(ENDPOINT_CHAT,
	    "{\"choices\":[" SAYS(
		"\"content\":\"x\",\"reasoning\":\"r\",\"reasoning_details\":[{\"text\":\"r\"}]",
		"stop") "]}",
	    VIEW_PLAIN);
	assert_true(str_find(buf_str(&out),
			STR("\"delta\":{\"reasoning\":\"r\",\"reasoning_details\":[{\"text\":\"r\"}]}")) > 0);
	assert_int_equal(str_find(buf_str(&out), STR("refusal")), -1);
	buf_free(&out);
}

/* What was put together must not lack anything a client would have seen. */
static void
what_is_not_known_is_not_put_together(void **state)
{
	(void)state;
	static const char *const events[] = {
		CHUNK(DELTA("\"audio\":{\"data\":\"x\"}", "null")),
		CHUNK(DELTA("\"content\":[\"x\"]", "null")),
		CHUNK(DELTA("\"tool_calls\":[{\"id\":\"no index\"}]", "null")),
		CHUNK("{\"index\":1,\"delta\":{\"content\":\"the first is missing\"}}"),
		CHUNK("{\"index\":99,\"delta\":{}}"),
		HI MORE("\"new\":\"gr\"") MORE("\"new\":\"ows\"") STOP,
		HI MORE("\"new\":[1]") MORE("\"new\":[1]") STOP,
		HI CHUNK("{\"index\":0,\"delta\":{},\"ids\":[1]}")
		    CHUNK("{\"index\":0,\"delta\":{},\"ids\":[2]}") STOP,
		PIECE("\"index\":0,\"id\":\"a\"," F("{}")) PIECE("\"index\":0,\"id\":\"b\"," F("{}")) STOP,
		PIECE("\"function\":{\"arguments\":\"goes on with nothing\"}") STOP,
		PIECE("\"index\":0,\"id\":\"a\"," F("{}")) MORE("\"tool_calls\":\"none\"") STOP,
		PIECE("\"index\":0,\"id\":\"a\",\"function\":\"f\"") STOP,
		HI MORE("\"n\\u0061me\":\"x\"") STOP,
		MORE("\"function_call\":{\"arguments\":\"of no name\"}") STOP,
		DETAIL("\"type\":\"t\",\"data\":\"a\"") DETAIL("\"type\":\"t\",\"data\":\"b\"") STOP,
		CHUNK("{\"index\":0,\"message\":{\"content\":\"whole\"},\"finish_reason\":\"stop\"}"),
		CHUNK("{\"delta\":{}}"),
		"data: {\"error\":{\"message\":\"no\"}}\n\n",
		"data: {\n\n",
		"data: 7\n\n",
	};
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		struct buf out = { 0 };
		buf_add(&out, STR("before"));
		if (replay_assemble(ENDPOINT_CHAT, str_from(events[i]), &out) == 0)
			fail_msg("put together: %s", events[i]);
		assert_string_equal(buf_text(&out), "before");
		buf_free(&out);
	}
}

static void
a_chat_is_played_in_the_order_of_the_strictest_client(void **state)
{
	(void)state;
#define PLAYED(delta, finish)                                                                              \
	"data: {\"object\":\"chat.completion.chunk\"," HEAD ",\"choices\":[{\"index\":0,\"delta\":{" delta \
	"},\"logprobs\":null,\"finish_reason\":" finish "}]}\n\n"
	struct buf plain = events_of(ENDPOINT_CHAT, BODY(HELLO), VIEW_PLAIN);
	assert_string_equal(buf_text(&plain),
	    PLAYED("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null", "null")
		PLAYED("\"content\":\"Hel\\\"lo\"", "null") PLAYED("", "\"stop\"") "data: [DONE]\n\n");
	buf_free(&plain);
}

static void
who_asked_for_usage_sees_what_was_saved(void **state)
{
	(void)state;
	struct buf joined = events_of(ENDPOINT_CHAT, BODY(HELLO), VIEW_JOINED);
	assert_true(str_find(buf_str(&joined),
			STR("\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_"
			    "tokens\":5,"
			    "\"cost_usd\":0.00,\"saved_usd\":0.0025}}\n\ndata: [DONE]\n\n")) > 0);
	buf_free(&joined);
}

/* Every body comes back from its own events. */
static void
there_and_back_nothing_is_lost(void **state)
{
	(void)state;
	static const struct {
		enum endpoint endpoint;
		const char *body;
	} bodies[] = {
		{ ENDPOINT_CHAT, BODY(HELLO) },
		{ ENDPOINT_CHAT, BODY(SAYS(CALLS, "tool_calls")) },
		{ ENDPOINT_CHAT,
		    BODY(SAYS("\"content\":\"x\",\"refusal\":null,\"reasoning_content\":\"\\u00e9h\\n\"",
			"stop")) },
		{ ENDPOINT_CHAT,
		    "{\r\n  \"id\": \"a b\",\n\t\"model\": \"m\", \"object\": \"chat.completion\", "
		    "\"created\": 1,\n"
		    "  \"choices\": [ " HELLO
		    " ,\n {\"index\":1,\"message\":{\"role\":\"assistant\",\"content\":"
		    "\"\\\\\\\" two "
		    "\",\"refusal\":null},\"logprobs\":{\"content\":[{\"token\":\"t\",\"logprob\":-1.5}]},"
		    "\"finish_reason\":\"stop\",\"seen\":{\"filtered\":false}}],\n " USAGE "\n}\n" },
		{ ENDPOINT_COMPLETIONS,
		    "{" HEAD ",\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"one\","
		    "\"logprobs\":{\"tokens\":[\"o\",\"ne\"],\"text_offset\":[0,1]},\"finish_reason\":"
		    "\"stop\"}]," USAGE "}" },
		{ ENDPOINT_RESPONSES, "{\"id\":\"r1\",\"object\":\"response\",\"status\":\"completed\","
				      "\"output\":[{\"id\":\"i0\",\"type\":\"reasoning\","
				      "\"summary\":[{\"type\":\"summary_text\",\"text\":\"think\"}]},{\"id\":"
				      "\"i1\",\"type\":\"message\",\"status\":"
				      "\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_"
				      "text\",\"annotations\":[],\"text\":\"hi\"}]},"
				      "{\"id\":\"i2\",\"type\":\"function_call\",\"call_id\":\"c\",\"name\":"
				      "\"f\",\"arguments\":\"{}\",\"status\":"
				      "\"completed\"}],\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}" },
	};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct buf events = events_of(bodies[i].endpoint, bodies[i].body, VIEW_JOINED), out = { 0 };
		if (replay_assemble(bodies[i].endpoint, buf_str(&events), &out) != 0)
			fail_msg("not put together: %s", buf_text(&events));
		assert_same_json(buf_str(&out), str_from(bodies[i].body));
		buf_free(&events);
		buf_free(&out);
	}
}

static void
a_response_is_played_item_by_item(void **state)
{
	(void)state;
	static const char *const order[] = { "created", "in_progress", "output_item.added",
		"content_part.added", "output_text.delta", "output_text.done", "content_part.done",
		"output_item.done", "completed" };
	struct buf out = events_of(ENDPOINT_RESPONSES,
	    "{\"id\":\"r\",\"status\":\"completed\",\"output\":[{\"id\":\"i\",\"type\":\"message\","
	    "\"status\":\"completed\","
	    "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"annotations\":[],\"text\":"
	    "\"hi\"}]}],\"usage\":{\"x\":1}}",
	    VIEW_JOINED);
	struct str rest = buf_str(&out);
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		char wanted[120];
		snprintf(wanted, sizeof wanted,
		    "event: response.%s\ndata: {\"type\":\"response.%s\",\"sequence_number\":%zu", order[i],
		    order[i], i);
		ptrdiff_t at = str_find(rest, str_from(wanted));
		if (at != 0)
			fail_msg("%s is not next in: %.*s", order[i], STR_FMT(rest));
		at = str_find(rest, STR("\n\n"));
		rest = (struct str){ rest.p + at + 2, rest.n - (size_t)at - 2 };
	}
	assert_int_equal(rest.n, 0);
	assert_true(str_find(buf_str(&out),
			STR("\"item\":{\"id\":\"i\",\"type\":\"message\",\"status\":\"in_progress\","
			    "\"role\":\"assistant\",\"content\":[]}")) > 0);
	assert_true(
	    str_find(buf_str(&out), STR("\"usage\":{\"x\":1,\"cost_usd\":0.00,\"saved_usd\":0.0025}")) > 0);
	assert_true(
	    str_find(buf_str(&out), STR("\"status\":\"in_progress\",\"output\":[],\"usage\":null}")) > 0);
	buf_free(&out);
}

static struct buf
embeddings(const char *body, bool base64)
{
	struct answer_facts facts = { .cost_pico = 1 };
	struct answer *a = replay_answer(ENDPOINT_EMBEDDINGS, ANSWER_BODY, base64, str_from(body), &facts);
	assert_non_null(a);
	struct buf out = seen(a, VIEW_ASKED);
	answer_leave(&a);
	return out;
}

static void
embeddings_come_in_either_encoding(void **state)
{
	(void)state;
#define VECTORS(one, two)                                                                              \
	"{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":" one "}," \
	"{\"object\":\"embedding\",\"index\":1,\"embedding\":" two "}],\"usage\":{\"prompt_tokens\":2}}"
	static const char numbers[] = VECTORS("[0.5,-1.25,1e-07]", "[1.0,0.1]");
	static const char text[] = VECTORS("\"AAAAPwAAoL+Vv9Yz\"", "\"AACAP83MzD0=\"");
	struct buf out = embeddings(numbers, true);
	assert_string_equal(buf_text(&out), text);
	buf_free(&out);
	out = embeddings(text, false);
	assert_string_equal(buf_text(&out), VECTORS("[0.50000,-1.25000,1e-07]", "[1.00000,0.10000]"));
	buf_free(&out);
	out = embeddings(numbers, false);
	assert_string_equal(buf_text(&out), numbers);
	buf_free(&out);
	out = embeddings(VECTORS("[-0.0]", "[-0]"), true);
	assert_string_equal(buf_text(&out), VECTORS("\"AAAAgA==\"", "\"AAAAgA==\""));
	buf_free(&out);
}

/* Whatever float it is, its text is read as the same float again. */
static void
floats_survive_being_written(void **state)
{
	(void)state;
	uint32_t x = 2463534242u; /* xorshift (Marsaglia 2003) */
	struct buf body = { 0 };
	struct answer_facts facts = { .cost_pico = 1 };
	for (int round = 0; round < 50; round++) {
		buf_clear(&body);
		buf_add(&body, STR("{\"data\":[{\"embedding\":["));
		for (int i = 0; i < 200; i++) {
			x ^= x << 13, x ^= x >> 17, x ^= x << 5;
			uint32_t bits =
			    round % 2 == 0 ? x & 0xbfffffffu : (x & 0x807fffffu) | (118 + x % 12) << 23;
			float number;
			memcpy(&number, &bits, sizeof number);
			buf_printf(&body, "%s%.9g", i == 0 ? "" : ",", (double)number);
		}
		buf_add(&body, STR("]}]}"));
		struct answer *a =
		    replay_answer(ENDPOINT_EMBEDDINGS, ANSWER_BODY, true, buf_str(&body), &facts);
		struct buf base64 = seen(a, VIEW_ASKED);
		struct buf numbers = embeddings(buf_text(&base64), false);
		struct buf again = embeddings(buf_text(&numbers), true);
		assert_string_equal(buf_text(&base64), buf_text(&again));
		answer_leave(&a);
		buf_free(&base64);
		buf_free(&numbers);
		buf_free(&again);
	}
	buf_free(&body);
}

static void
numbers_that_are_none_are_no_embeddings(void **state)
{
	(void)state;
	static const char *const bodies[] = { "{\"data\":[{\"embedding\":\"*\"}]}",
		"{\"data\":[{\"embedding\":\"AAA\"}]}", "{\"data\":[{\"embedding\":\"AADAfw==\"}]}",
		"{\"data\":[{\"embedding\":\"AACAPw==\"},{}]}", "{\"data\":[{\"embedding\":\"AACAPw==\"},7]}",
		"{\"data\":[]}", "[]", "" };
	struct answer_facts facts = { .cost_pico = 1 };
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		assert_null(
		    replay_answer(ENDPOINT_EMBEDDINGS, ANSWER_BODY, false, str_from(bodies[i]), &facts));
}

static void
only_what_ended_as_it_should_is_normal(void **state)
{
	(void)state;
	static const struct {
		enum endpoint endpoint;
		const char *body;
		bool normal;
	} cases[] = {
		{ ENDPOINT_CHAT, BODY(HELLO), true },
		{ ENDPOINT_CHAT, BODY(SAYS(CALLS, "tool_calls")), true },
		{ ENDPOINT_CHAT, BODY(SAYS("\"content\":\"x\"", "length")), false },
		{ ENDPOINT_CHAT, BODY(SAYS("\"content\":\"x\"", "content_filter")), false },
		{ ENDPOINT_CHAT, BODY(SAYS("\"content\":null,\"refusal\":\"I can't\"", "stop")), false },
		{ ENDPOINT_CHAT, BODY(SAYS("\"content\":\"\"", "stop")), false },
		{ ENDPOINT_CHAT, BODY(HELLO "," SAYS("\"content\":\"x\"", "length")), false },
		{ ENDPOINT_CHAT, BODY(""), false },
		{ ENDPOINT_CHAT, "{\"error\":{\"message\":\"x\"},\"choices\":[" HELLO "]}", false },
		{ ENDPOINT_CHAT, "not JSON", false },
		{ ENDPOINT_COMPLETIONS, "{\"choices\":[{\"text\":\"x\",\"finish_reason\":\"stop\"}]}", true },
		{ ENDPOINT_COMPLETIONS, "{\"choices\":[{\"text\":\"x\",\"finish_reason\":null}]}", false },
		/* In the wrong place for its endpoint: a stream made of it would be silent. */
		{ ENDPOINT_CHAT, "{\"choices\":[{\"text\":\"x\",\"finish_reason\":\"stop\"}]}", false },
		{ ENDPOINT_COMPLETIONS,
		    "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}", false },
		{ ENDPOINT_RESPONSES,
		    "{\"status\":\"completed\",\"output\":[{\"content\":[{\"type\":\"output_text\"}]}]}",
		    true },
		{ ENDPOINT_RESPONSES,
		    "{\"status\":\"completed\",\"output\":[{\"content\":[{\"type\":\"refusal\"}]}]}", false },
		{ ENDPOINT_RESPONSES, "{\"status\":\"incomplete\",\"output\":[{}]}", false },
		{ ENDPOINT_RESPONSES, "{\"status\":\"completed\",\"incomplete_details\":{},\"output\":[{}]}",
		    false },
		{ ENDPOINT_RESPONSES, "{\"status\":\"completed\",\"output\":[]}", false },
		{ ENDPOINT_EMBEDDINGS, "{\"data\":[{\"embedding\":[1]}]}", true },
		{ ENDPOINT_EMBEDDINGS, "{\"data\":[{\"embedding\":[]}]}", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (replay_is_normal(cases[i].endpoint, str_from(cases[i].body)) != cases[i].normal)
			fail_msg("%s: %s", cases[i].normal ? "not normal" : "normal", cases[i].body);
}

/* What is taken for normal can be played, and each of its events is JSON. */
static void
odd_bodies_are_refused_or_played_in_order(void **state)
{
	(void)state;
	static const struct {
		enum endpoint endpoint;
		const char *body;
	} cases[] = {
#define ODD(content) "{\"status\":\"completed\",\"output\":[" content "]}"
		{ ENDPOINT_RESPONSES, ODD("{\"content\":[[\"x\"]]}") },
		{ ENDPOINT_RESPONSES, ODD("{\"content\":[[\"x\"],{\"type\":\"output_text\"}]}") },
		{ ENDPOINT_RESPONSES, ODD("{\"content\":[1,null,\"x\",{}]}") },
		{ ENDPOINT_RESPONSES, ODD("{\"content\":{\"type\":\"output_text\"}}") },
		{ ENDPOINT_RESPONSES, ODD("{\"content\":[{\"type\":\"output_text\",\"text\":[1]}]}") },
		{ ENDPOINT_RESPONSES, ODD("{\"content\":[{\"type\":\"output_text\",\"text\":null}]}") },
		{ ENDPOINT_RESPONSES, ODD("{\"summary\":[[\"x\"]]}") },
		{ ENDPOINT_RESPONSES, ODD("{\"summary\":[\"x\",{\"text\":{}}]}") },
		{ ENDPOINT_RESPONSES, ODD("{\"type\":\"function_call\",\"arguments\":{\"a\":1}}") },
		{ ENDPOINT_RESPONSES, ODD("{\"type\":[\"function_call\"],\"id\":[],\"arguments\":1}") },
		{ ENDPOINT_CHAT, "{\"choices\":[{\"text\":\"x\",\"finish_reason\":\"stop\"}]}" },
		{ ENDPOINT_CHAT,
		    "{\"choices\":[{\"text\":\"x\",\"message\":[\"m\"],\"finish_reason\":\"stop\"}]}" },
		{ ENDPOINT_CHAT, "{\"choices\":[{\"message\":\"m\",\"finish_reason\":\"stop\"}]}" },
		{ ENDPOINT_CHAT, BODY(SAYS("\"content\":[{\"type\":\"text\",\"text\":\"x\"}]", "stop")) },
		{ ENDPOINT_CHAT, BODY(SAYS("\"tool_calls\":[[\"x\"]]", "tool_calls")) },
		{ ENDPOINT_CHAT, BODY(SAYS("\"tool_calls\":[\"x\",1]", "tool_calls")) },
		{ ENDPOINT_CHAT, BODY(SAYS("\"tool_calls\":{\"a\":1}", "tool_calls")) },
		{ ENDPOINT_CHAT, BODY(SAYS("\"tool_calls\":[{\"function\":[\"x\"]}]", "tool_calls")) },
		{ ENDPOINT_CHAT, BODY(SAYS("\"tool_calls\":[{\"custom\":null,\"function\":{\"name\":\"f\","
					   "\"arguments\":\"{}\"}}]",
				     "tool_calls")) },
		{ ENDPOINT_CHAT, BODY(SAYS("\"function_call\":[\"x\"]", "function_call")) },
		{ ENDPOINT_COMPLETIONS,
		    "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}" },
		{ ENDPOINT_COMPLETIONS,
		    "{\"choices\":[{\"text\":[\"x\"],\"index\":[],\"finish_reason\":\"stop\"}]}" },
	};
	struct answer_facts facts = { .cost_pico = 1 };
	struct json j = { 0 };
	struct json_fault fault;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str body = str_from(cases[i].body);
		bool normal = replay_is_normal(cases[i].endpoint, body);
		struct answer *a = replay_answer(cases[i].endpoint, ANSWER_EVENTS, false, body, &facts);
		if (a == NULL) {
			assert_false(normal);
			continue;
		}
		struct buf all = seen(a, VIEW_JOINED);
		struct str rest = buf_str(&all), line;
		while (normal && str_cut(&rest, '\n', &line))
			if (str_starts(line, STR("data: {")))
				assert_int_equal(json_scan(&j, (struct str){ line.p + 6, line.n - 6 },
						     JSON_LIMITS, &fault),
				    0);
		buf_free(&all);
		answer_leave(&a);
	}
	json_free(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_are_put_together),
		cmocka_unit_test(arguments_of_calls_grow_by_their_index),
		cmocka_unit_test(what_providers_do_is_put_together),
		cmocka_unit_test(lists_of_logprobs_stay_null_or_empty),
		cmocka_unit_test(what_is_told_of_the_whole_answer_comes_first_and_last),
		cmocka_unit_test(a_reasoning_and_its_parts_travel_together),
		cmocka_unit_test(what_is_not_known_is_not_put_together),
		cmocka_unit_test(a_chat_is_played_in_the_order_of_the_strictest_client),
		cmocka_unit_test(who_asked_for_usage_sees_what_was_saved),
		cmocka_unit_test(there_and_back_nothing_is_lost),
		cmocka_unit_test(a_response_is_played_item_by_item),
		cmocka_unit_test(embeddings_come_in_either_encoding),
		cmocka_unit_test(floats_survive_being_written),
		cmocka_unit_test(numbers_that_are_none_are_no_embeddings),
		cmocka_unit_test(only_what_ended_as_it_should_is_normal),
		cmocka_unit_test(odd_bodies_are_refused_or_played_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
