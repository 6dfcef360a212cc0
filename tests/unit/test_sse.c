/*
 * Proves src/upstream/sse.c: the same events from every split of a stream, and raw bytes that add up to it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "upstream/sse.h"

#include "cpu_time.h"

#define MOST 64

struct seen {
	struct buf name, data, raw;
	bool has_data;
};

struct log {
	struct seen events[MOST];
	size_t count;
	size_t stop_at; /* on_event returns 7 for this event; 0: never */
	struct buf all; /* every raw byte in a row */
	bool in_place;  /* the last event was a span of `fed` */
	struct str fed;
};

static int
on_event(void *context, const struct sse_event *e)
{
	struct log *l = context;
	assert_true(e->raw.n > 0);
	assert_int_equal(buf_add(&l->all, e->raw), 0);
	l->in_place = e->raw.p >= l->fed.p && e->raw.p < l->fed.p + l->fed.n;
	/* The LF of a CR that ended an event in the feeding before: a part of that event, for whoever compares. */
	if (str_eq(e->raw, STR("\n")) && l->count > 0 &&
	    str_ends(buf_str(&l->events[l->count - 1].raw), STR("\r"))) {
		assert_int_equal(buf_add(&l->events[l->count - 1].raw, e->raw), 0);
		return 0;
	}
	assert_true(l->count < MOST);
	struct seen *seen = &l->events[l->count++];
	seen->has_data = e->has_data;
	assert_int_equal(buf_add(&seen->name, e->name), 0);
	assert_int_equal(buf_add(&seen->data, e->data), 0);
	assert_int_equal(buf_add(&seen->raw, e->raw), 0);
	return l->count == l->stop_at ? 7 : 0;
}

static void
log_free(struct log *l)
{
	for (size_t i = 0; i < l->count; i++) {
		buf_free(&l->events[i].name);
		buf_free(&l->events[i].data);
		buf_free(&l->events[i].raw);
	}
	buf_free(&l->all);
	*l = (struct log){ 0 };
}

static void
assert_str(struct buf *b, struct str want)
{
	if (!str_eq(buf_str(b), want))
		fail_msg("got \"%.*s\", not \"%.*s\"", STR_FMT(*b), STR_FMT(want));
}

/* Feeds a heap copy of exactly that size, so that the address sanitizer sees a read behind it or after the call. */
static int
feed(struct sse *s, struct log *l, struct str bytes)
{
	char *copy = malloc(bytes.n > 0 ? bytes.n : 1);
	assert_non_null(copy);
	if (bytes.n > 0)
		memcpy(copy, bytes.p, bytes.n);
	l->fed = (struct str){ copy, bytes.n };
	int rc = sse_feed(s, l->fed, on_event, l);
	free(copy);
	return rc;
}

static struct sse *
feed_all(struct log *l, struct str stream)
{
	struct sse *s = sse_new(4096);
	assert_int_equal(feed(s, l, stream), 0);
	return s;
}

static void
assert_same(struct log *a, struct log *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_int_equal(a->events[i].has_data, b->events[i].has_data);
		assert_str(&a->events[i].name, buf_str(&b->events[i].name));
		assert_str(&a->events[i].data, buf_str(&b->events[i].data));
		assert_str(&a->events[i].raw, buf_str(&b->events[i].raw));
	}
}

/* STR() is no constant, as a table needs it. */
/* clang-format off */
#define S(literal) { literal, sizeof(literal) - 1 }
static const struct str streams[] = {
	S("data: a\n\ndata: b\n\n"),
	S("data: a\r\n\r\ndata: b\r\n\r\n"),
	S("data: a\r\rdata: b\r\r"),
	S("data: a\r\n\rdata: b\n\r\ndata: c\r\n\ndata: d\n\rdata:e\n\n"),
	S("\357\273\277data: a\n\n\357\273\277data: b\n\n"),
	S("\357\273data: a\n\n"),
	S("\357\273\277\n\n\r\n\r\r"),
	S("\n\n\r\r\r\n\r\n"),
	S(": ping\n\nevent: x\rdata: 1\r\ndata\ndata:\ndata:  2\nid: 9\nretry: 5\n\ndata: [DONE]\n"),
	S("data: nul\0 \xff\xfe\xc3\n\nevent:\0\n\n"),
	S("data: a\r\n\r\ndata: cut in the mi"),
};
/* clang-format on */

static void
every_split_gives_the_same_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		/* given a stream fed whole */
		struct log whole = { 0 };
		struct sse *s = feed_all(&whole, streams[i]);
		assert_int_equal(sse_finish(s, on_event, &whole), 0);
		size_t rest = sse_rest(s).n;
		assert_int_equal(whole.all.n + rest, streams[i].n);
		sse_free(&s);
		/* when it is cut at any two places */
		for (size_t a = 0; a <= streams[i].n; a++) {
			for (size_t b = a; b <= streams[i].n; b++) {
				struct log cut = { 0 };
				s = sse_new(4096);
				assert_int_equal(feed(s, &cut, (struct str){ streams[i].p, a }), 0);
				assert_int_equal(feed(s, &cut, (struct str){ streams[i].p + a, b - a }), 0);
				assert_int_equal(
				    feed(s, &cut, (struct str){ streams[i].p + b, streams[i].n - b }), 0);
				assert_int_equal(sse_finish(s, on_event, &cut), 0);
				/* then nothing differs, and no byte is lost */
				assert_same(&cut, &whole);
				assert_int_equal(buf_add(&cut.all, sse_rest(s)), 0);
				assert_str(&cut.all, streams[i]);
				sse_free(&s);
				log_free(&cut);
			}
		}
		log_free(&whole);
	}
}

static void
one_byte_at_a_time_gives_the_same_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		struct log whole = { 0 }, cut = { 0 };
		struct sse *s = feed_all(&whole, streams[i]);
		assert_int_equal(sse_finish(s, on_event, &whole), 0);
		sse_free(&s);
		s = sse_new(4096);
		for (size_t at = 0; at < streams[i].n; at++)
			assert_int_equal(feed(s, &cut, (struct str){ streams[i].p + at, 1 }), 0);
		assert_int_equal(sse_finish(s, on_event, &cut), 0);
		assert_same(&cut, &whole);
		sse_free(&s);
		log_free(&whole);
		log_free(&cut);
	}
}

static void
all_three_line_ends_end_a_line(void **state)
{
	(void)state;
	struct log l = { 0 };
	struct sse *s = feed_all(&l, streams[3]);
	assert_int_equal(l.count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_str(&l.events[i].data, (struct str){ &"abcde"[i], 1 });
	assert_str(&l.events[0].raw, STR("data: a\r\n\r"));
	assert_str(&l.events[1].raw, STR("data: b\n\r\n"));
	sse_free(&s);
	log_free(&l);
}

static void
event_is_out_as_soon_as_its_blank_line_is(void **state)
{
	(void)state;
	static const char *const ends[] = { "data: a\n\n", "data: a\r\r", "data: a\r\n\r\n", "data: a\r\n\r",
		"data: a\n\r" };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct log l = { 0 };
		struct sse *s = feed_all(&l, str_from(ends[i]));
		assert_int_equal(l.count, 1);
		assert_int_equal(sse_rest(s).n, 0);
		sse_free(&s);
		log_free(&l);
	}
}

static void
late_lf_of_a_cr_is_an_event_with_raw_only(void **state)
{
	(void)state;
	/* given an event that ended in CR at the end of a feeding */
	struct log l = { 0 };
	struct sse *s = feed_all(&l, STR("data: a\r\n\r"));
	assert_str(&l.all, STR("data: a\r\n\r"));
	/* when the LF of that CR comes */
	assert_int_equal(feed(s, &l, STR("\ndata: b\n\n")), 0);
	/* then it is neither lost nor a part of the next event */
	assert_int_equal(l.count, 2);
	assert_str(&l.events[0].raw, STR("data: a\r\n\r\n"));
	assert_str(&l.events[1].raw, STR("data: b\n\n"));
	sse_free(&s);
	log_free(&l);
}

static void
cr_and_lf_in_two_feedings_are_one_line_end(void **state)
{
	(void)state;
	struct log l = { 0 };
	struct sse *s = feed_all(&l, STR("data: a\r"));
	assert_int_equal(feed(s, &l, STR("\n")), 0);
	assert_int_equal(l.count, 0);
	assert_int_equal(feed(s, &l, STR("data: b\n\n")), 0);
	assert_int_equal(l.count, 1);
	assert_str(&l.events[0].data, STR("a\nb"));
	sse_free(&s);
	log_free(&l);
}

static void
data_lines_are_joined_and_one_space_is_dropped(void **state)
{
	(void)state;
	struct log l = { 0 };
	struct sse *s =
	    feed_all(&l, STR("data:a\ndata: b\ndata:  c\ndata\ndata:\nDATA: no\ndatum: no\n data: no\n\n"));
	assert_int_equal(l.count, 1);
	assert_str(&l.events[0].data, STR("a\nb\n c\n\n"));
	sse_free(&s);
	log_free(&l);
}

static void
data_of_two_events_do_not_mix(void **state)
{
	(void)state;
	struct log l = { 0 };
	struct sse *s = feed_all(&l, STR("data:a\ndata:b\n\ndata:\ndata:d\n\ndata:e\n\n"));
	assert_int_equal(l.count, 3);
	assert_str(&l.events[0].data, STR("a\nb"));
	assert_str(&l.events[1].data, STR("\nd"));
	assert_str(&l.events[2].data, STR("e"));
	sse_free(&s);
	log_free(&l);
}

static void
names_and_comments_are_told_apart(void **state)
{
	(void)state;
	struct log l = { 0 };
	struct sse *s = feed_all(
	    &l, STR(": data: no\n\nevent: first\nevent:second\ndata: {}\n\nevent: bare\n\ndata\n\n"));
	assert_int_equal(l.count, 4);
	assert_false(l.events[0].has_data);
	assert_str(&l.events[0].raw, STR(": data: no\n\n"));
	assert_str(&l.events[1].name, STR("second"));
	assert_str(&l.events[1].data, STR("{}"));
	assert_str(&l.events[2].name, STR("bare"));
	assert_false(l.events[2].has_data);
	assert_true(l.events[3].has_data);
	assert_str(&l.events[3].name, STR(""));
	assert_str(&l.events[3].data, STR(""));
	sse_free(&s);
	log_free(&l);
}

static void
byte_order_mark_counts_at_the_start_only(void **state)
{
	(void)state;
	struct log l = { 0 };
	struct sse *s = feed_all(&l, streams[4]);
	assert_int_equal(l.count, 2);
	assert_str(&l.events[0].data, STR("a"));
	assert_str(&l.events[0].raw, STR("\xef\xbb\xbf"
					 "data: a\n\n"));
	assert_false(l.events[1].has_data);
	sse_free(&s);
	log_free(&l);
}

static void
half_a_byte_order_mark_is_the_start_of_a_line(void **state)
{
	(void)state;
	struct log l = { 0 }, end = { 0 };
	struct sse *s = feed_all(&l, STR("\357\273\n\ndata: a\n\n"));
	assert_int_equal(l.count, 2);
	assert_str(&l.events[0].raw, STR("\357\273\n\n"));
	sse_free(&s);
	/* At the end of the stream it is an unfinished line. */
	s = feed_all(&end, STR("\357\273"));
	assert_int_equal(sse_finish(s, on_event, &end), 0);
	assert_int_equal(end.count, 0);
	assert_int_equal(sse_rest(s).n, 2);
	sse_free(&s);
	log_free(&l);
	log_free(&end);
}

static void
nul_and_invalid_utf8_pass_untouched(void **state)
{
	(void)state;
	struct log l = { 0 };
	struct sse *s = feed_all(&l, streams[9]);
	assert_str(&l.events[0].data, STR("nul\0 \xff\xfe\xc3"));
	assert_str(&l.events[1].name, STR("\0"));
	sse_free(&s);
	log_free(&l);
}

static void
too_long_event_stops_the_feeding_at_any_split(void **state)
{
	(void)state;
	/* given events of exactly the limit, the LF of a closing CRLF not counted, and one of a byte more */
	struct str stream = STR("data: 7\n\ndata: \r\n\r\ndata: x8\n\ndata: 1\n\n");
	for (size_t a = 0; a <= stream.n; a++) {
		struct log l = { 0 };
		struct sse *s = sse_new(9);
		int rc = feed(s, &l, (struct str){ stream.p, a });
		/* when they are fed in two parts, then the two are delivered and the third never */
		assert_int_equal(feed(s, &l, (struct str){ stream.p + a, stream.n - a }), SSE_TOO_LONG);
		assert_true(rc == 0 || rc == SSE_TOO_LONG);
		assert_int_equal(l.count, 2);
		assert_int_equal(feed(s, &l, STR("data: z\n\n")), SSE_TOO_LONG);
		assert_int_equal(sse_finish(s, on_event, &l), SSE_TOO_LONG);
		assert_int_equal(l.count, 2);
		sse_free(&s);
		log_free(&l);
	}
}

static void
line_that_never_ends_keeps_no_more_than_the_limit(void **state)
{
	(void)state;
	struct log l = { 0 };
	struct sse *s = sse_new(100);
	int rc = 0, fed = 0;
	while ((rc = feed(s, &l, STR("0123456789"))) == 0 && fed < 1000)
		fed += 10;
	assert_int_equal(rc, SSE_TOO_LONG);
	assert_int_equal(fed, 100);
	sse_free(&s);
	/* One byte is enough to be too long. */
	s = sse_new(9);
	assert_int_equal(feed(s, &l, STR("data: 123")), 0);
	assert_int_equal(feed(s, &l, STR("4")), SSE_TOO_LONG);
	assert_int_equal(sse_rest(s).n, 9);
	sse_free(&s);
	log_free(&l);
}

static void
listener_stops_the_feeding(void **state)
{
	(void)state;
	struct log l = { .stop_at = 1 };
	struct sse *s = sse_new(100);
	assert_int_equal(feed(s, &l, STR("data: a\n\ndata: b\n\n")), 7);
	assert_int_equal(l.count, 1);
	assert_int_equal(feed(s, &l, STR("data: c\n\n")), 7);
	assert_int_equal(l.count, 1);
	sse_free(&s);
	log_free(&l);
}

static int
stop_at_a_line_feed(void *context, const struct sse_event *e)
{
	(void)context;
	return str_eq(e->raw, STR("\n")) ? 7 : 0;
}

static void
listener_stops_the_feeding_at_a_late_lf(void **state)
{
	(void)state;
	struct sse *s = sse_new(100);
	assert_int_equal(sse_feed(s, STR("data: a\r\n\r"), stop_at_a_line_feed, NULL), 0);
	assert_int_equal(sse_feed(s, STR("\ndata: b\n\n"), stop_at_a_line_feed, NULL), 7);
	assert_int_equal(sse_feed(s, STR("data: c\n\n"), stop_at_a_line_feed, NULL), 7);
	sse_free(&s);
}

static void
last_event_needs_no_blank_line_but_whole_lines(void **state)
{
	(void)state;
	/* given streams that stop without a blank line */
	struct log whole = { 0 }, cut = { 0 };
	struct sse *a = feed_all(&whole, STR("data: [DONE]\n"));
	struct sse *b = feed_all(&cut, STR("data: {\"x\":1}\ndata: {\"y"));
	/* when they end */
	assert_int_equal(sse_finish(a, on_event, &whole), 0);
	assert_int_equal(sse_finish(b, on_event, &cut), 0);
	/* then the one of whole lines is an event, the other is a rest */
	assert_int_equal(whole.count, 1);
	assert_str(&whole.events[0].data, STR("[DONE]"));
	assert_int_equal(sse_rest(a).n, 0);
	assert_int_equal(cut.count, 0);
	assert_true(str_eq(sse_rest(b), STR("data: {\"x\":1}\ndata: {\"y")));
	sse_free(&a);
	sse_free(&b);
	log_free(&whole);
	log_free(&cut);
}

static void
whole_event_is_not_copied(void **state)
{
	(void)state;
	struct log l = { 0 };
	struct sse *s = feed_all(&l, STR("data: a\n\ndata: b\n\ndata: c"));
	assert_true(l.in_place);
	assert_int_equal(sse_rest(s).n, 7);
	/* The event that was kept is handed out of the copy, the one behind it again out of the bytes fed. */
	assert_int_equal(feed(s, &l, STR("\n\n")), 0);
	assert_false(l.in_place);
	assert_int_equal(feed(s, &l, STR("data: d\n\n")), 0);
	assert_true(l.in_place);
	sse_free(&s);
	log_free(&l);
}

static int
count_event(void *context, const struct sse_event *e)
{
	*(size_t *)context += e->data.n;
	return 0;
}

static void
feed_text(struct str text)
{
	size_t bytes = 0;
	struct sse *s = sse_new(2000000);
	assert_int_equal(sse_feed(s, text, count_event, &bytes), 0);
	sse_free(&s);
}

/* A chunk with only one kind of line end is not searched for the other at every line. */
static void
cost_is_linear_in_the_bytes(void **state)
{
	(void)state;
	static const char *const lines[] = { "a\r", "a\n", "data: x\n", "data: x\n\n", "\r\n" };
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct buf chunk = { 0 };
		while (chunk.n < 1000000)
			assert_int_equal(buf_add(&chunk, str_from(lines[i])), 0);
		if (!cpu_grows_linearly(feed_text, buf_str(&chunk)))
			fail_msg("lines of kind %zu take longer than their length", i);
		buf_free(&chunk);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_split_gives_the_same_events),
		cmocka_unit_test(one_byte_at_a_time_gives_the_same_events),
		cmocka_unit_test(all_three_line_ends_end_a_line),
		cmocka_unit_test(event_is_out_as_soon_as_its_blank_line_is),
		cmocka_unit_test(late_lf_of_a_cr_is_an_event_with_raw_only),
		cmocka_unit_test(cr_and_lf_in_two_feedings_are_one_line_end),
		cmocka_unit_test(data_lines_are_joined_and_one_space_is_dropped),
		cmocka_unit_test(data_of_two_events_do_not_mix),
		cmocka_unit_test(names_and_comments_are_told_apart),
		cmocka_unit_test(byte_order_mark_counts_at_the_start_only),
		cmocka_unit_test(half_a_byte_order_mark_is_the_start_of_a_line),
		cmocka_unit_test(nul_and_invalid_utf8_pass_untouched),
		cmocka_unit_test(too_long_event_stops_the_feeding_at_any_split),
		cmocka_unit_test(line_that_never_ends_keeps_no_more_than_the_limit),
		cmocka_unit_test(listener_stops_the_feeding),
		cmocka_unit_test(listener_stops_the_feeding_at_a_late_lf),
		cmocka_unit_test(last_event_needs_no_blank_line_but_whole_lines),
		cmocka_unit_test(whole_event_is_not_copied),
		cmocka_unit_test(cost_is_linear_in_the_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
