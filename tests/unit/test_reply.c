/*
 * Proves src/stages/reply.c: what a provider says reaches the answer byte for byte, what the books need is read from
 * it wherever it stands, and a stream is whole only when it says so.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stages/reply.h"

/* ---- a provider's stream into an answer, and two readers of it ---- */

static void
on_deserted(void *context)
{
	(void)context;
}

static void
on_lag(void *context, bool behind)
{
	(void)context, (void)behind;
}

static const struct answer_writer writer = { .on_deserted = on_deserted, .on_lag = on_lag };

static void
on_wake(struct reader *r)
{
	(void)r;
}

struct stage {
	struct answer *answer;
	struct reply reply;
	struct reader sees, hides, joined;
	int rc; /* of the events and their end */
};

static void
open_stage(struct stage *s, enum endpoint endpoint, size_t max)
{
	struct buf headers = { 0 };
	*s = (struct stage){ .sees.wake = on_wake,
		.hides = { .wake = on_wake, .view = VIEW_PLAIN },
		.joined = { .wake = on_wake, .view = VIEW_JOINED } };
	s->answer = answer_new(ANSWER_EVENTS, max, 1 << 20, &writer, NULL);
	answer_join(s->answer, &s->sees);
	answer_join(s->answer, &s->hides);
	answer_join(s->answer, &s->joined);
	reply_start(&s->reply, endpoint, s->answer);
	reply_stream(&s->reply, 4096, 200, "", &headers);
}

static void
close_stage(struct stage *s)
{
	struct err e;
	err_set(&e, 502, "test", "The test is over.");
	if (!answer_ended(s->answer))
		answer_break(s->answer, &e);
	answer_leave(&s->answer);
	answer_part(&s->sees);
	answer_part(&s->hides);
	answer_part(&s->joined);
	reply_free(&s->reply);
}

/* A heap copy of exactly that size shows the address sanitizer what is read behind it or after the call. */
static int
feed(struct stage *s, struct str bytes)
{
	char *copy = malloc(bytes.n > 0 ? bytes.n : 1);
	assert_non_null(copy);
	if (bytes.n > 0)
		memcpy(copy, bytes.p, bytes.n);
	int rc = reply_events(&s->reply, (struct str){ copy, bytes.n });
	free(copy);
	return rc;
}

/* The whole of a stream, and its end when nothing stopped it. */
static void
play(struct stage *s, enum endpoint endpoint, const char *stream)
{
	open_stage(s, endpoint, 0);
	s->rc = feed(s, str_from(stream));
	if (s->rc == 0)
		s->rc = reply_events_end(&s->reply);
}

static void
assert_reads(struct reader *r, const char *want)
{
	char got[4096];
	size_t n = 0;
	long more;
	while ((more = answer_read(r, got + n, sizeof got - n)) > 0)
		n += (size_t)more;
	if (!str_eq((struct str){ got, n }, str_from(want)))
		fail_msg("got \"%.*s\", not \"%s\"", (int)n, got, want);
}

#define ROLE     \
	"data: " \
	"{\"model\":\"m-1\",\"choices\":[{\"delta\":{\"role\":\"assistant\"},\"finish_reason\":null}]}\n\n"
#define TEXT     \
	"data: " \
	"{\"model\":\"m-1\",\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n"
#define STOP "data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define COUNTS(in, out) "\"usage\":{\"prompt_tokens\":" #in ",\"completion_tokens\":" #out "}"
#define USAGE(in, out) "data: {\"model\":\"m-1\",\"choices\":[]," COUNTS(in, out) "}\n\n"
#define DONE "data: [DONE]\n\n"

static void
assert_usage(const struct reply *r, int64_t input, int64_t output)
{
	assert_true(r->usage.known);
	assert_int_equal(r->usage.input, input);
	assert_int_equal(r->usage.output, output);
}

/* ---- chat streams ---- */

static void
whole_stream_passes_byte_for_byte(void **state)
{
	(void)state;
	struct stage s;
	play(&s, ENDPOINT_CHAT, ": hello\n\n" ROLE TEXT STOP USAGE(9, 4) DONE);
	assert_int_equal(s.rc, 0);
	assert_true(s.reply.done && s.reply.finished);
	assert_false(s.reply.failed);
	assert_string_equal(s.reply.model, "m-1");
	assert_usage(&s.reply, 9, 4);
	assert_int_equal(s.answer->state, ANSWER_FLOWING);
	assert_int_equal(s.answer->status, 200);
	assert_string_equal(s.answer->content_type, "text/event-stream");
	assert_reads(&s.sees, ": hello\n\n" ROLE TEXT STOP USAGE(9, 4) DONE);
	assert_reads(&s.hides, ": hello\n\n" ROLE TEXT STOP DONE);
	close_stage(&s);
}

static void
done_is_known_before_the_stream_ends(void **state)
{
	(void)state;
	struct stage s;
	open_stage(&s, ENDPOINT_CHAT, 0);
	assert_int_equal(feed(&s, STR(TEXT STOP)), 0);
	assert_false(s.reply.done);
	assert_int_equal(feed(&s, STR(DONE)), 0);
	assert_true(s.reply.done);
	close_stage(&s);
}

static void
nothing_behind_done_reaches_the_client(void **state)
{
	(void)state;
	struct stage s;
	play(&s, ENDPOINT_CHAT, STOP DONE TEXT USAGE(1, 1) DONE);
	assert_int_equal(s.rc, 0);
	assert_false(s.reply.usage.known);
	assert_reads(&s.sees, STOP DONE);
	close_stage(&s);
}

static void
missing_done_is_added_to_a_finished_stream(void **state)
{
	(void)state;
	struct stage s;
	play(&s, ENDPOINT_CHAT, TEXT STOP USAGE(3, 1));
	assert_int_equal(s.rc, 0);
	assert_true(s.reply.done);
	assert_reads(&s.sees, TEXT STOP USAGE(3, 1) DONE);
	assert_reads(&s.hides, TEXT STOP DONE);
	close_stage(&s);
}

static void
last_event_without_its_blank_line_counts(void **state)
{
	(void)state;
	struct stage s;
	play(&s, ENDPOINT_CHAT, STOP "data: [DONE]\n");
	assert_int_equal(s.rc, 0);
	assert_true(s.reply.done);
	assert_reads(&s.sees, STOP "data: [DONE]\n");
	close_stage(&s);
}

static void
stream_without_a_finish_reason_is_truncated(void **state)
{
	(void)state;
	static const char *const cut[] = { "", ": ping\n\n", ROLE, TEXT, TEXT USAGE(1, 1),
		/* in the middle of an event, even behind a finish reason */
		STOP "data: {\"cho", STOP "data: [DO", TEXT "data: {\"choices\":[{\"finish_reason\":\"st" };
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
		struct stage s;
		play(&s, ENDPOINT_CHAT, cut[i]);
		assert_int_equal(s.rc, -1);
		assert_int_equal(s.reply.err.status, 502);
		assert_string_equal(s.reply.err.code, "upstream_stream_truncated");
		assert_false(s.reply.done);
		close_stage(&s);
	}
}

static void
head_waits_for_the_first_event(void **state)
{
	(void)state;
	struct stage s;
	open_stage(&s, ENDPOINT_CHAT, 0);
	assert_int_equal(feed(&s, STR("data: {\"choices\":")), 0);
	assert_int_equal(s.answer->state, ANSWER_WAITING);
	assert_int_equal(feed(&s, STR("[]}\n\n")), 0);
	assert_int_equal(s.answer->state, ANSWER_FLOWING);
	close_stage(&s);
}

static void
finish_reason_of_any_choice_finishes(void **state)
{
	(void)state;
	struct stage s;
	play(&s, ENDPOINT_CHAT,
	    "data: {\"choices\":[{\"index\":0},{\"index\":1,\"finish_reason\":\"length\"}]}\n\n");
	assert_int_equal(s.rc, 0);
	assert_true(s.reply.finished);
	close_stage(&s);
}

static void
every_split_gives_the_same_answer(void **state)
{
	(void)state;
	static const char *const streams[] = {
		": a\n\n" ROLE TEXT STOP USAGE(9, 4) DONE,
		"data: {\"model\":\"m\xc3\xa9\",\"choices\":[{\"finish_reason\":\"stop\"}]}\r\n\r\n"
		"data: {\"choices\":[]," COUNTS(9, 4) "}\r\n\r\ndata: [DONE]\r\n\r\n",
		"data:{\"choices\":[{\"finish_reason\":\"stop\"}]}\r\rdata:{" COUNTS(9, 4) "}\r\r",
	};
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		struct str stream = str_from(streams[i]);
		/* given the answer of the stream in one piece */
		struct stage whole;
		play(&whole, ENDPOINT_CHAT, streams[i]);
		assert_int_equal(whole.rc, 0);
		assert_usage(&whole.reply, 9, 4);
		for (size_t at = 0; at <= stream.n; at++) {
			/* when it comes in two */
			struct stage cut;
			open_stage(&cut, ENDPOINT_CHAT, 0);
			assert_int_equal(feed(&cut, (struct str){ stream.p, at }), 0);
			assert_int_equal(feed(&cut, (struct str){ stream.p + at, stream.n - at }), 0);
			assert_int_equal(reply_events_end(&cut.reply), 0);
			/* then nothing differs */
			assert_true(str_eq(buf_str(&cut.answer->body), buf_str(&whole.answer->body)));
			assert_usage(&cut.reply, 9, 4);
			assert_string_equal(cut.reply.model, whole.reply.model);
			assert_int_equal(reply_output_tokens(&cut.reply), reply_output_tokens(&whole.reply));
			close_stage(&cut);
		}
		close_stage(&whole);
	}
}

/* ---- usage ---- */

static void
usage_is_found_in_every_place(void **state)
{
	(void)state;
	static const struct {
		const char *stream, *hidden;
	} rows[] = {
		{ TEXT STOP USAGE(7, 5) DONE, TEXT STOP DONE },
		{ USAGE(7, 5) TEXT STOP DONE, TEXT STOP DONE },
		{ TEXT USAGE(7, 5) STOP DONE, TEXT STOP DONE },
		/* beside the last choice: nobody asked for that event, it is part of the answer */
		{ "data: {\"choices\":[{\"finish_reason\":\"stop\"}]," COUNTS(7, 5) "}\n\n" DONE,
		    "data: {\"choices\":[{\"finish_reason\":\"stop\"}]," COUNTS(7, 5) "}\n\n" DONE },
		/* cumulative: the last statement is the one */
		{ "data: {\"choices\":[{\"delta\":{}}]," COUNTS(7, 1) "}\n\n" STOP USAGE(7, 5) DONE,
		    "data: {\"choices\":[{\"delta\":{}}]," COUNTS(7, 1) "}\n\n" STOP DONE },
		/* a null beside each choice, as OpenAI sends it */
		{ "data: {\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":null}\n\n" USAGE(7, 5) DONE,
		    "data: {\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":null}\n\n" DONE },
		/* no choices at all */
		{ STOP "data: {" COUNTS(7, 5) "}\n\n" DONE, STOP DONE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stage s;
		play(&s, ENDPOINT_CHAT, rows[i].stream);
		assert_int_equal(s.rc, 0);
		assert_usage(&s.reply, 7, 5);
		assert_reads(&s.sees, rows[i].stream);
		assert_reads(&s.hides, rows[i].hidden);
		close_stage(&s);
	}
}

static void
usage_before_the_last_choice_has_ended_is_so_far(void **state)
{
	(void)state;
#define PIECE(counts) "data: {\"choices\":[{\"delta\":{}}]," counts "}\n\n"
#define ENDS(counts) "data: {\"choices\":[{\"finish_reason\":\"stop\"}]," counts "}\n\n"
	static const struct {
		int choices;
		const char *stream;
		bool so_far;
	} rows[] = {
		{ 1, TEXT PIECE(COUNTS(7, 1)), true },
		{ 1, TEXT PIECE(COUNTS(7, 1)) ENDS(COUNTS(7, 5)), false },
		{ 1, TEXT PIECE(COUNTS(7, 1)) STOP USAGE(7, 5), false },
		{ 1, TEXT USAGE(7, 5) TEXT, false }, /* the form in which it comes once */
		{ 2, TEXT STOP PIECE(COUNTS(7, 5)), true },
		{ 2, TEXT STOP TEXT ENDS(COUNTS(7, 9)), false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stage s;
		open_stage(&s, ENDPOINT_CHAT, 0);
		reply_meter(&s.reply, TOKENS_O200K, -1, rows[i].choices);
		assert_int_equal(feed(&s, str_from(rows[i].stream)), 0);
		assert_true(s.reply.usage.known);
		assert_true(s.reply.usage_whole == !rows[i].so_far);
		close_stage(&s);
	}
}

static void
repeated_usage_event_is_hidden_too(void **state)
{
	(void)state;
	struct stage s;
	play(&s, ENDPOINT_CHAT, STOP USAGE(7, 1) USAGE(7, 5) DONE);
	assert_int_equal(s.rc, 0);
	assert_usage(&s.reply, 7, 5);
	assert_reads(&s.hides, STOP DONE);
	close_stage(&s);
}

static void
repeated_usage_event_is_shown_to_who_asked(void **state)
{
	(void)state;
	struct stage s;
	open_stage(&s, ENDPOINT_CHAT, 0);
	assert_int_equal(feed(&s, STR(STOP USAGE(7, 1) USAGE(7, 5) DONE)), 0);
	assert_reads(&s.sees, STOP USAGE(7, 1) USAGE(7, 5) DONE);
	close_stage(&s);
}

/* ---- the bill ---- */

/* 1 and 10 pico-dollars a token */
static const struct price cheap = {
	.known = true, .input = 1, .cached_input = 1, .cache_write = 1, .output = 10
};

static void
play_priced(struct stage *s, enum endpoint endpoint, int64_t spent_pico, const char *stream)
{
	open_stage(s, endpoint, 0);
	reply_price(&s->reply, &cheap, false, spent_pico);
	s->rc = feed(s, str_from(stream));
	if (s->rc == 0)
		s->rc = reply_events_end(&s->reply);
	assert_int_equal(s->rc, 0);
}

#define BILL(cost, saved) ",\"cost_usd\":" cost ",\"saved_usd\":" saved
#define COUNTED \
	"data: {\"model\":\"m-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5"

static void
usage_event_tells_each_reader_its_own_cost(void **state)
{
	(void)state;
	struct stage s;
	play_priced(&s, ENDPOINT_CHAT, 1000, TEXT STOP USAGE(7, 5) DONE);
	assert_reads(&s.sees, TEXT STOP COUNTED BILL("0.000000001057", "0.00") "}}\n\n" DONE);
	assert_reads(&s.joined, TEXT STOP COUNTED BILL("0.00", "0.000000001057") "}}\n\n" DONE);
	assert_reads(&s.hides, TEXT STOP DONE);
	close_stage(&s);
}

static void
usage_beside_a_choice_is_told_only_to_those_who_asked(void **state)
{
	(void)state;
	struct stage s;
	const char *head = "data: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5 ";
	const char *tail = "},\"choices\":[{\"finish_reason\":\"stop\"}]}\r\n\r\n" DONE;
	char stream[300], asked[300];
	snprintf(stream, sizeof stream, "%s%s", head, tail);
	snprintf(asked, sizeof asked, "%s" BILL("0.000000000057", "0.00") "%s", head, tail);
	play_priced(&s, ENDPOINT_CHAT, 0, stream);
	assert_reads(&s.sees, asked);
	assert_reads(&s.hides, stream);
	close_stage(&s);
}

static void
repeated_usage_has_the_cost_of_its_own_numbers(void **state)
{
	(void)state;
	struct stage s;
#define GROWN(n) \
	"data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":" #n
	play_priced(&s, ENDPOINT_CHAT, 0, GROWN(1) "}}\n\n" GROWN(2) "}}\n\n" STOP DONE);
	assert_reads(&s.sees, GROWN(1) BILL("0.000000000017", "0.00") "}}\n\n" GROWN(2)
				  BILL("0.000000000027", "0.00") "}}\n\n" STOP DONE);
	assert_reads(&s.joined, GROWN(1) BILL("0.00", "0.000000000017") "}}\n\n" GROWN(2)
				    BILL("0.00", "0.000000000027") "}}\n\n" STOP DONE);
	assert_reads(&s.hides, GROWN(1) "}}\n\n" GROWN(2) "}}\n\n" STOP DONE);
	close_stage(&s);
}

static void
cost_that_is_not_known_is_not_told(void **state)
{
	(void)state;
	static const struct price unpriced = { .known = false, .input = 1 };
	const char *stream = STOP USAGE(7, 5) DONE;
	for (int i = 0; i < 4; i++) {
		struct stage s;
		open_stage(&s, ENDPOINT_CHAT, 0);
		if (i == 1)
			reply_price(&s.reply, &unpriced, false, 0);
		if (i == 2) /* an earlier attempt's is not known */
			reply_price(&s.reply, &cheap, false, -1);
		if (i == 3) /* beyond what can be counted */
			reply_price(&s.reply, &cheap, false, INT64_MAX);
		assert_int_equal(feed(&s, str_from(stream)), 0);
		assert_reads(&s.sees, stream);
		assert_reads(&s.joined, stream);
		close_stage(&s);
	}
	/* nor that of usage which is none */
	struct stage s;
	play_priced(&s, ENDPOINT_CHAT, 0, "data: {\"choices\":[],\"usage\":{}}\n\n" STOP DONE);
	assert_reads(&s.sees, "data: {\"choices\":[],\"usage\":{}}\n\n" STOP DONE);
	close_stage(&s);
}

static void
free_model_costs_what_came_before_it(void **state)
{
	(void)state;
	struct stage s;
	open_stage(&s, ENDPOINT_CHAT, 0);
	reply_price(&s.reply, NULL, true, 0);
	assert_int_equal(feed(&s, STR(STOP USAGE(7, 5))), 0);
	assert_reads(&s.sees, STOP COUNTED BILL("0.00", "0.00") "}}\n\n");
	close_stage(&s);
}

static void
bill_of_a_gateway_behind_this_one_is_replaced(void **state)
{
	(void)state;
	static const struct {
		const char *stated, *asked, *joined;
	} rows[] = {
		{ "\"cost_usd\":9,\"saved_usd\":8,\"z\":1",
		    "\"cost_usd\":0.000000000057,\"saved_usd\":0.00,\"z\":1",
		    "\"cost_usd\":0.00,\"saved_usd\":0.000000000057,\"z\":1" },
		{ "\"saved_usd\":8,\"z\":1,\"cost_usd\":null",
		    "\"saved_usd\":0.00,\"z\":1,\"cost_usd\":0.000000000057",
		    "\"saved_usd\":0.000000000057,\"z\":1,\"cost_usd\":0.00" },
		{ "\"cost_usd\":9", "\"cost_usd\":0.000000000057,\"saved_usd\":0.00",
		    "\"cost_usd\":0.00,\"saved_usd\":0.000000000057" },
		{ "\"saved_usd\":[8]", "\"saved_usd\":0.00,\"cost_usd\":0.000000000057",
		    "\"saved_usd\":0.000000000057,\"cost_usd\":0.00" },
	};
	static const char form[] = "data: {\"choices\":[{\"finish_reason\":\"stop\"}],"
				   "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,%s}}\n\n" DONE;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stage s;
		char stated[400], asked[400], joined[400];
		snprintf(stated, sizeof stated, form, rows[i].stated);
		snprintf(asked, sizeof asked, form, rows[i].asked);
		snprintf(joined, sizeof joined, form, rows[i].joined);
		play_priced(&s, ENDPOINT_CHAT, 0, stated);
		assert_reads(&s.sees, asked);
		assert_reads(&s.joined, joined);
		assert_reads(&s.hides, stated);
		close_stage(&s);
	}
}

static void
event_of_several_data_lines_passes_without_a_bill(void **state)
{
	(void)state;
	const char *stream = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\n"
			     "data: \"completion_tokens\":5}}\n\n" STOP DONE;
	struct stage s;
	play_priced(&s, ENDPOINT_CHAT, 0, stream);
	assert_usage(&s.reply, 7, 5);
	assert_reads(&s.sees, stream);
	assert_reads(&s.hides, STOP DONE);
	close_stage(&s);
}

static void
responses_tell_their_cost_in_the_last_event(void **state)
{
	(void)state;
#define COMPLETED                                                                                       \
	"event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\"," \
	"\"usage\":{\"input_tokens\":7,\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":5"
	struct stage s;
	play_priced(&s, ENDPOINT_RESPONSES, 0, COMPLETED "}}}\n\n");
	assert_reads(&s.sees, COMPLETED BILL("0.000000000057", "0.00") "}}}\n\n");
	assert_reads(&s.joined, COMPLETED BILL("0.00", "0.000000000057") "}}}\n\n");
	close_stage(&s);
}

static void
every_split_makes_out_the_same_bill(void **state)
{
	(void)state;
	struct str stream = STR(TEXT "data: {\"choices\":[]," COUNTS(7, 5) "}\r\n\r\ndata: [DONE]\r\n\r\n");
	for (size_t at = 0; at <= stream.n; at++) {
		struct stage s;
		open_stage(&s, ENDPOINT_CHAT, 0);
		reply_price(&s.reply, &cheap, false, 0);
		assert_int_equal(feed(&s, (struct str){ stream.p, at }), 0);
		assert_int_equal(feed(&s, (struct str){ stream.p + at, stream.n - at }), 0);
		assert_reads(&s.joined,
		    TEXT "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5" BILL(
			"0.00", "0.000000000057") "}}\r\n\r\ndata: [DONE]\r\n\r\n");
		assert_reads(&s.hides, TEXT "data: [DONE]\r\n\r\n");
		close_stage(&s);
	}
}

/* ---- what was generated ---- */

static int64_t
spoken(enum endpoint endpoint, const char *stream)
{
	struct stage s;
	open_stage(&s, endpoint, 0);
	assert_int_equal(feed(&s, str_from(stream)), 0);
	int64_t tokens = reply_output_tokens(&s.reply);
	close_stage(&s);
	return tokens;
}

static int64_t
tokens(const char *text)
{
	return tokens_count(TOKENS_O200K, str_from(text));
}

#define SAID(fields) "data: {\"choices\":[{\"index\":0,\"delta\":{" fields "}}]}\n\n"

static void
everything_that_was_generated_is_counted(void **state)
{
	(void)state;
	int64_t words = tokens(" several words of text");
	assert_true(words > 3);
	static const char *const chats[] = { SAID("\"content\":\" several words of text\""),
		SAID("\"content\":\" several wo\"") SAID("\"content\":\"rds of text\""),
		SAID("\"content\":\" several\\u0020words of text\""),
		SAID("\"refusal\":\" several words of text\""),
		SAID("\"reasoning_content\":\" several words of text\""),
		SAID("\"reasoning_content\":\" several words of text\",\"reasoning\":\" several words of "
		     "text\""),
		SAID(
		    "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\" several words of text\"}}]"),
		SAID("\"function_call\":{\"arguments\":\" several words of text\"}"),
		"data: {\"choices\":[{\"text\":\" several words of text\"}]}\n\n",
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" several\"}},"
		"{\"index\":1,\"delta\":{\"content\":\" words of text\"}}]}\n\n" };
	for (size_t i = 0; i < sizeof chats / sizeof *chats; i++)
		assert_int_equal(spoken(ENDPOINT_CHAT, chats[i]), words);
	/* what only frames it, or was not generated, is not */
	static const char *const silent[] = { ROLE, STOP, USAGE(7, 5), SAID("\"content\":null"),
		SAID("\"content\":[\"x\"]"), SAID("\"tool_calls\":[{\"function\":{\"name\":\"again\"}}]"),
		"data: {\"choices\":[],\"arguments\":\"a\",\"name\":\"b\",\"content\":\"c\"}\n\n",
		SAID("\"custom\":{}") };
	for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
		assert_int_equal(spoken(ENDPOINT_CHAT, silent[i]), 0);
	static const char *const kinds[] = { "output_text", "refusal", "reasoning_text",
		"function_call_arguments" };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		char stream[300];
		snprintf(stream, sizeof stream,
		    "data: {\"type\":\"response.%s.delta\",\"delta\":\" several words of text\"}\n\n",
		    kinds[i]);
		assert_int_equal(spoken(ENDPOINT_RESPONSES, stream), words);
	}
	assert_int_equal(
	    spoken(ENDPOINT_RESPONSES,
		"data: {\"type\":\"response.reasoning_summary_text.delta\",\"delta\":\"a b c\"}\n\n"),
	    0);
}

static void
body_without_usage_is_counted(void **state)
{
	(void)state;
	struct reply r;
	struct err e;
	int64_t words = tokens("Some words") + tokens("get_weather") + tokens("{\"a\": 1}");
	reply_start(&r, ENDPOINT_CHAT, NULL);
	assert_int_equal(reply_body(&r,
			     STR("{\"choices\":[{\"message\":{\"content\":\"Some "
				 "words\",\"tool_calls\":[{\"id\":\"c\",\"function\":"
				 "{\"name\":\"get_weather\",\"arguments\":\"{\\\"a\\\": "
				 "1}\"}}]},\"finish_reason\":\"stop\"}]}"),
			     &e),
	    0);
	/* one text after the other in a lane: they may share a token where they meet */
	assert_in_range(reply_output_tokens(&r), words - 1, words);
	reply_free(&r);
	reply_start(&r, ENDPOINT_RESPONSES, NULL);
	assert_int_equal(
	    reply_body(&r,
		STR("{\"output\":[{\"content\":[{\"type\":\"output_text\",\"text\":\"Some words\"}]},"
		    "{\"name\":\"get_weather\",\"arguments\":\"{\\\"a\\\": 1}\"}],\"usage\":null}"),
		&e),
	    0);
	assert_in_range(reply_output_tokens(&r), words - 1, words);
	reply_free(&r);
}

static void
stream_that_outruns_its_hold_is_cut(void **state)
{
	(void)state;
	/* 100 tokens and the tolerance: 117 */
	struct stage s;
	int events = 0;
	open_stage(&s, ENDPOINT_CHAT, 0);
	reply_meter(&s.reply, TOKENS_O200K, 100, 1);
	while (events < 1000 && feed(&s, STR(SAID("\"content\":\" a\""))) == 0)
		events++;
	assert_in_range(events, 117, 117 + 32);
	assert_string_equal(s.reply.err.code, "upstream_overrun");
	assert_int_equal(s.reply.err.status, 502);
	close_stage(&s);
	/* what keeps its limit is not */
	open_stage(&s, ENDPOINT_CHAT, 0);
	reply_meter(&s.reply, TOKENS_O200K, 100, 1);
	for (int i = 0; i < 117; i++)
		assert_int_equal(feed(&s, STR(SAID("\"content\":\" a\""))), 0);
	close_stage(&s);
}

static void
nonsense_usage_leaves_the_last_good_one(void **state)
{
	(void)state;
	struct stage s;
	play(&s, ENDPOINT_CHAT, USAGE(7, 5) STOP USAGE(-7, 5) DONE);
	assert_int_equal(s.rc, 0);
	assert_usage(&s.reply, 7, 5);
	close_stage(&s);
	play(&s, ENDPOINT_CHAT, STOP USAGE(0, 0) DONE);
	assert_usage(&s.reply, 0, 0);
	close_stage(&s);
	play(&s, ENDPOINT_CHAT, STOP USAGE("7", 5) DONE);
	assert_false(s.reply.usage.known);
	close_stage(&s);
}

/* ---- what goes wrong in a stream ---- */

static void
error_event_is_passed_on_and_noticed(void **state)
{
	(void)state;
	struct stage s;
	play(&s, ENDPOINT_CHAT, TEXT "data: {\"error\":{\"message\":\"overloaded\"}}\n\n");
	assert_true(s.reply.failed);
	assert_int_equal(s.rc, -1);
	assert_reads(&s.sees, TEXT "data: {\"error\":{\"message\":\"overloaded\"}}\n\n");
	close_stage(&s);
}

static void
null_error_is_no_error(void **state)
{
	(void)state;
	struct stage s;
	play(&s, ENDPOINT_CHAT, "data: {\"error\":null,\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n" DONE);
	assert_int_equal(s.rc, 0);
	assert_false(s.reply.failed);
	close_stage(&s);
}

static void
unreadable_events_are_passed_on_unread(void **state)
{
	(void)state;
	struct stage s;
	play(&s, ENDPOINT_CHAT, "data: {not json\n\ndata: [1]\n\ndata: \xff\n\n" STOP DONE);
	assert_int_equal(s.rc, 0);
	assert_reads(&s.sees, "data: {not json\n\ndata: [1]\n\ndata: \xff\n\n" STOP DONE);
	close_stage(&s);
}

static void
event_beyond_its_limit_cuts_the_stream(void **state)
{
	(void)state;
	struct stage s;
	struct buf b = { 0 };
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buf_add_c(&b, 'x'), 0);
	open_stage(&s, ENDPOINT_CHAT, 0);
	assert_int_equal(feed(&s, STR(TEXT "data: ")), 0);
	assert_int_equal(feed(&s, buf_str(&b)), -1);
	assert_string_equal(s.reply.err.code, "upstream_overrun");
	assert_int_equal(s.reply.err.status, 502);
	assert_reads(&s.sees, TEXT);
	buf_free(&b);
	close_stage(&s);
}

static void
stream_beyond_its_limit_is_cut_between_events(void **state)
{
	(void)state;
	struct stage s;
	open_stage(&s, ENDPOINT_CHAT, sizeof TEXT - 1 + 10);
	assert_int_equal(feed(&s, STR(TEXT TEXT)), -1);
	assert_string_equal(s.reply.err.code, "upstream_overrun");
	assert_reads(&s.sees, TEXT);
	close_stage(&s);
}

/* ---- the Responses API ---- */

#define CREATED                           \
	"event: response.created\ndata: " \
	"{\"type\":\"response.created\",\"response\":{\"model\":\"r-1\"}}\n\n"
#define DELTA                                       \
	"event: response.output_text.delta\ndata: " \
	"{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n"
#define LAST(kind)                                                                                         \
	"event: response." kind "\ndata: {\"type\":\"response." kind "\",\"response\":{\"model\":\"r-1\"," \
	"\"usage\":{\"input_tokens\":7,\"output_tokens\":5}}}\n\n"

static void
responses_stream_ends_with_its_last_event(void **state)
{
	(void)state;
	static const struct {
		const char *stream;
		bool failed;
	} rows[] = {
		{ CREATED DELTA LAST("completed"), false },
		{ CREATED DELTA LAST("incomplete"), false },
		{ CREATED LAST("failed"), true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stage s;
		play(&s, ENDPOINT_RESPONSES, rows[i].stream);
		assert_int_equal(s.rc, 0);
		assert_true(s.reply.done && s.reply.finished);
		assert_int_equal(s.reply.failed, rows[i].failed);
		assert_usage(&s.reply, 7, 5);
		assert_string_equal(s.reply.model, "r-1");
		/* no [DONE]: that API has none; and no event of it is hidden */
		assert_reads(&s.sees, rows[i].stream);
		assert_reads(&s.hides, rows[i].stream);
		close_stage(&s);
	}
}

static void
responses_stream_without_its_last_event_is_truncated(void **state)
{
	(void)state;
	static const char *const cut[] = { CREATED, CREATED DELTA,
		"event: response.completed\ndata: {}\n\n" };
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
		struct stage s;
		play(&s, ENDPOINT_RESPONSES, cut[i]);
		assert_int_equal(s.rc, -1);
		assert_string_equal(s.reply.err.code, "upstream_stream_truncated");
		assert_false(s.reply.failed);
		close_stage(&s);
	}
}

static void
stream_that_ends_with_an_error_event_has_said_so_itself(void **state)
{
	(void)state;
	static const struct {
		enum endpoint endpoint;
		const char *stream;
	} rows[] = {
		{ ENDPOINT_RESPONSES, "event: error\ndata: {\"type\":\"error\",\"message\":\"no\"}\n\n" },
		{ ENDPOINT_CHAT, "data: {\"error\":{\"message\":\"no\"}}\n\n" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stage s;
		play(&s, rows[i].endpoint, rows[i].stream);
		assert_int_equal(s.rc, -1);
		assert_string_equal(s.reply.err.code, "upstream_error");
		assert_true(s.reply.failed);
		assert_reads(&s.sees, rows[i].stream);
		close_stage(&s);
	}
}

/* ---- bodies ---- */

static int
body(enum endpoint endpoint, const char *text, struct reply *r, struct err *e)
{
	*e = (struct err){ 0 };
	reply_start(r, endpoint, NULL);
	return reply_body(r, str_from(text), e);
}

static void
body_says_what_the_books_need(void **state)
{
	(void)state;
	struct reply r;
	struct err e;
	int rc = body(ENDPOINT_CHAT,
	    "{\"model\":\"m-2\",\"choices\":[{\"finish_reason\":\"stop\"}]," COUNTS(7, 5) "}", &r, &e);
	assert_int_equal(rc, 0);
	assert_true(r.finished && r.done);
	assert_string_equal(r.model, "m-2");
	assert_usage(&r, 7, 5);
	assert_int_equal(reply_output_tokens(&r), 0); /* the provider's own word is better */
	reply_free(&r);
	rc = body(
	    ENDPOINT_EMBEDDINGS, "{\"data\":[],\"model\":\"e\",\"usage\":{\"prompt_tokens\":3}}", &r, &e);
	assert_int_equal(rc, 0);
	assert_usage(&r, 3, 0);
	assert_true(r.finished);
	reply_free(&r);
	rc = body(ENDPOINT_RESPONSES,
	    "{\"error\":null,\"model\":\"r\",\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}", &r, &e);
	assert_int_equal(rc, 0);
	assert_usage(&r, 3, 2);
	reply_free(&r);
	rc = body(ENDPOINT_CHAT, "{\"choices\":[{\"finish_reason\":null}]}", &r, &e);
	assert_int_equal(rc, 0);
	assert_false(r.finished);
	assert_false(r.usage.known);
	reply_free(&r);
}

static void
body_that_is_no_answer_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "null", "[]", "<html>", "{\"choices\":[", "{} {}",
		"{\"error\":{\"message\":\"no\"}}", "{\"a\":1,\"a\":2}" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct reply r;
		struct err e;
		assert_int_equal(body(ENDPOINT_CHAT, bad[i], &r, &e), -1);
		assert_int_equal(e.status, 502);
		assert_string_equal(e.code, "upstream_invalid_response");
		reply_free(&r);
	}
}

/* ---- errors ---- */

static void
error_statuses_are_mapped(void **state)
{
	(void)state;
	static const struct {
		int from, to;
		const char *code, *type;
		bool final;
		int retry_after_s, should_retry;
	} rows[] = {
		{ 400, 400, "invalid_request", "invalid_request_error", true, 0, 0 },
		{ 422, 422, "invalid_request", "invalid_request_error", true, 0, 0 },
		{ 401, 502, "upstream_auth_error", "server_error", true, 0, 0 },
		{ 403, 502, "upstream_auth_error", "server_error", true, 0, 0 },
		{ 402, 502, "upstream_error", "server_error", true, 0, 0 },
		{ 404, 404, "not_found", "invalid_request_error", true, 0, 0 },
		{ 413, 413, "request_too_large", "invalid_request_error", true, 0, 0 },
		{ 408, 502, "upstream_error", "server_error", false, 0, 0 },
		{ 409, 502, "upstream_error", "server_error", false, 0, 0 },
		{ 429, 429, "upstream_rate_limited", "rate_limit_error", false, 1, 0 },
		{ 500, 502, "upstream_error", "server_error", false, 0, 0 },
		{ 503, 502, "upstream_error", "server_error", false, 0, 0 },
		{ 529, 502, "upstream_error", "server_error", false, 0, 0 },
		{ 301, 502, "upstream_redirect", "server_error", true, 0, 0 },
		{ 307, 502, "upstream_redirect", "server_error", true, 0, 0 },
		{ 204, 502, "upstream_invalid_response", "server_error", true, 0, 0 },
		{ 103, 502, "upstream_invalid_response", "server_error", true, 0, 0 },
		{ 999, 502, "upstream_invalid_response", "server_error", true, 0, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err e;
		bool final;
		reply_error(rows[i].from, STR("<html>SECRET</html>"), -1, &e, &final);
		assert_int_equal(e.status, rows[i].to);
		assert_string_equal(e.code, rows[i].code);
		assert_string_equal(e.type, rows[i].type);
		assert_int_equal(final, rows[i].final);
		assert_int_equal(e.retry_after_s, rows[i].retry_after_s);
		assert_int_equal(e.should_retry, rows[i].should_retry);
		assert_true(str_find(str_from(e.text), STR("SECRET")) < 0);
		assert_true(e.text[0] != '\0');
	}
}

#define COMPLAINT                      \
	"{\"error\":{\"message\":\"A " \
	"complaint.\",\"type\":\"t\",\"param\":\"temperature\",\"code\":\"too_hot\"}}"

static void
complaint_reaches_the_client_for_400_and_422_only(void **state)
{
	(void)state;
	static const int statuses[] = { 400, 422, 401, 403, 404, 413, 429, 500, 503, 302, 418 };
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		struct err e;
		bool final;
		reply_error(statuses[i], STR(COMPLAINT), -1, &e, &final);
		bool told = i < 2;
		assert_int_equal(strcmp(e.text, "A complaint.") == 0, told);
		assert_int_equal(strcmp(e.param, "temperature") == 0, told);
		assert_int_equal(strcmp(e.code, "too_hot") == 0, told);
		assert_int_equal(strcmp(e.type, "t") == 0, told);
	}
}

static void
odd_complaints_leave_our_own_words(void **state)
{
	(void)state;
	static const char *const odd[] = { "", "null", "{}", "[]", "{\"error\":null}", "{\"error\":\"text\"}",
		"{\"error\":{\"message\":5,\"param\":{},\"code\":[],\"type\":false}}",
		"{\"message\":\"outside\"}" };
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		struct err e;
		bool final;
		reply_error(400, str_from(odd[i]), -1, &e, &final);
		assert_string_equal(e.text, "The provider refused the request.");
		assert_string_equal(e.code, "invalid_request");
		assert_string_equal(e.param, "");
	}
}

static void
keys_in_a_complaint_are_blotted_out(void **state)
{
	(void)state;
	static const struct {
		const char *message, *text;
	} rows[] = {
		{ "Bad key: sk-abc123.", "Bad key: sk-*******" },
		{ "Key 'sk-a-b_c' and (sk-zz), \\\"sk-q\\\" too",
		    "Key 'sk-****** and (sk-**), \\\"sk-*\\\" too" },
		{ "sk-sk-sk-", "sk-******" },
		{ "sk-", "sk-" },
		{ "no key here", "no key here" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf body = { 0 }, want = { 0 };
		struct err e;
		bool final;
		buf_printf(&body, "{\"error\":{\"message\":\"%s\",\"param\":\"sk-param\"}}", rows[i].message);
		reply_error(400, buf_str(&body), -1, &e, &final);
		for (const char *c = rows[i].text; *c != '\0'; c++)
			if (*c != '\\')
				buf_add_c(&want, *c);
		assert_string_equal(e.text, buf_text(&want));
		assert_string_equal(e.param, "sk-*****");
		buf_free(&body);
		buf_free(&want);
	}
}

static void
long_complaint_is_cut_at_a_character(void **state)
{
	(void)state;
	struct buf body = { 0 };
	struct err e;
	bool final;
	buf_add(&body, STR("{\"error\":{\"message\":\"x"));
	for (int i = 0; i < 500; i++)
		buf_add(&body, STR("\xc3\xa9"));
	buf_add(&body, STR("\"}}"));
	reply_error(400, buf_str(&body), -1, &e, &final);
	size_t n = strlen(e.text);
	assert_true(n == sizeof e.text - 1 || n == sizeof e.text - 2);
	assert_int_equal((n - 1) % 2, 0);
	buf_free(&body);
}

static void
retry_after_is_made_sane(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		int s;
	} rows[] = { { -1, 1 }, { 0, 1 }, { 1, 1 }, { 1000, 1 }, { 1001, 2 }, { 7000, 7 }, { 60000, 60 },
		{ 60001, 60 }, { 86400000, 60 }, { INT64_MAX - 999, 60 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err e;
		bool final;
		reply_error(429, STR(""), rows[i].ms, &e, &final);
		assert_int_equal(e.retry_after_s, rows[i].s);
		assert_false(final);
	}
}

static void
spent_quota_is_not_asked_again(void **state)
{
	(void)state;
	struct err e;
	bool final;
	reply_error(429, STR("{\"error\":{\"code\":\"insufficient_quota\"}}"), 5000, &e, &final);
	assert_true(final);
	assert_int_equal(e.status, 429);
	assert_string_equal(e.type, "insufficient_quota");
	assert_int_equal(e.should_retry, -1);
	assert_int_equal(e.retry_after_s, 0);
}

static void
error_event_has_the_shape_of_its_endpoint(void **state)
{
	(void)state;
	struct err e;
	struct buf out = { 0 };
	err_set(&e, 502, "upstream_stream_truncated", "It \"broke\"\noff.");
	assert_int_equal(reply_error_event(ENDPOINT_CHAT, &e, &out), 0);
	assert_string_equal(buf_text(&out), "data: {\"error\":{\"message\":\"It "
					    "\\\"broke\\\"\\noff.\",\"type\":\"server_error\",\"param\":null,"
					    "\"code\":\"upstream_stream_truncated\"}}\n\n");
	buf_clear(&out);
	assert_int_equal(reply_error_event(ENDPOINT_RESPONSES, &e, &out), 0);
	assert_string_equal(buf_text(&out),
	    "event: error\ndata: {\"type\":\"error\",\"code\":\"upstream_stream_truncated\",\"message\":\"It "
	    "\\\"broke\\\"\\noff.\",\"param\":null}\n\n");
	buf_free(&out);
}

static void
error_event_is_json_whatever_code_a_provider_gave(void **state)
{
	(void)state;
	static const enum endpoint endpoints[] = { ENDPOINT_CHAT, ENDPOINT_RESPONSES };
	for (size_t i = 0; i < 2; i++) {
		struct err e;
		bool final;
		struct buf out = { 0 };
		reply_error(400,
		    STR("{\"error\":{\"code\":\"a\\\"b\\nc\",\"type\":\"d\\\"\",\"param\":\"\\\\\"}}"), -1,
		    &e, &final);
		assert_int_equal(reply_error_event(endpoints[i], &e, &out), 0);
		ptrdiff_t at = str_find(buf_str(&out), STR("data: "));
		assert_true(at >= 0);
		struct json j = { 0 };
		struct json_fault fault;
		struct str data = { out.p + at + 6, out.n - (size_t)at - 6 };
		assert_int_equal(json_scan(&j, data, JSON_LIMITS, &fault), 0);
		json_free(&j);
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_stream_passes_byte_for_byte),
		cmocka_unit_test(done_is_known_before_the_stream_ends),
		cmocka_unit_test(nothing_behind_done_reaches_the_client),
		cmocka_unit_test(missing_done_is_added_to_a_finished_stream),
		cmocka_unit_test(last_event_without_its_blank_line_counts),
		cmocka_unit_test(stream_without_a_finish_reason_is_truncated),
		cmocka_unit_test(head_waits_for_the_first_event),
		cmocka_unit_test(finish_reason_of_any_choice_finishes),
		cmocka_unit_test(every_split_gives_the_same_answer),
		cmocka_unit_test(usage_is_found_in_every_place),
		cmocka_unit_test(usage_before_the_last_choice_has_ended_is_so_far),
		cmocka_unit_test(repeated_usage_event_is_hidden_too),
		cmocka_unit_test(repeated_usage_event_is_shown_to_who_asked),
		cmocka_unit_test(usage_event_tells_each_reader_its_own_cost),
		cmocka_unit_test(usage_beside_a_choice_is_told_only_to_those_who_asked),
		cmocka_unit_test(repeated_usage_has_the_cost_of_its_own_numbers),
		cmocka_unit_test(cost_that_is_not_known_is_not_told),
		cmocka_unit_test(free_model_costs_what_came_before_it),
		cmocka_unit_test(bill_of_a_gateway_behind_this_one_is_replaced),
		cmocka_unit_test(event_of_several_data_lines_passes_without_a_bill),
		cmocka_unit_test(responses_tell_their_cost_in_the_last_event),
		cmocka_unit_test(every_split_makes_out_the_same_bill),
		cmocka_unit_test(everything_that_was_generated_is_counted),
		cmocka_unit_test(body_without_usage_is_counted),
		cmocka_unit_test(stream_that_outruns_its_hold_is_cut),
		cmocka_unit_test(nonsense_usage_leaves_the_last_good_one),
		cmocka_unit_test(error_event_is_passed_on_and_noticed),
		cmocka_unit_test(null_error_is_no_error),
		cmocka_unit_test(unreadable_events_are_passed_on_unread),
		cmocka_unit_test(event_beyond_its_limit_cuts_the_stream),
		cmocka_unit_test(stream_beyond_its_limit_is_cut_between_events),
		cmocka_unit_test(responses_stream_ends_with_its_last_event),
		cmocka_unit_test(responses_stream_without_its_last_event_is_truncated),
		cmocka_unit_test(stream_that_ends_with_an_error_event_has_said_so_itself),
		cmocka_unit_test(body_says_what_the_books_need),
		cmocka_unit_test(body_that_is_no_answer_is_refused),
		cmocka_unit_test(error_statuses_are_mapped),
		cmocka_unit_test(complaint_reaches_the_client_for_400_and_422_only),
		cmocka_unit_test(odd_complaints_leave_our_own_words),
		cmocka_unit_test(keys_in_a_complaint_are_blotted_out),
		cmocka_unit_test(long_complaint_is_cut_at_a_character),
		cmocka_unit_test(retry_after_is_made_sane),
		cmocka_unit_test(spent_quota_is_not_asked_again),
		cmocka_unit_test(error_event_has_the_shape_of_its_endpoint),
		cmocka_unit_test(error_event_is_json_whatever_code_a_provider_gave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
