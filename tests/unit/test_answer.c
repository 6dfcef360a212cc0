/*
 * Proves src/core/answer.c: every reader gets every byte it should see, in its own time, and the writer learns in time
 * that nobody reads any more.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "core/answer.h"

/* ---- a writer and readers that count ---- */

struct desk {
	struct answer *answer;
	int deserted;
	int paused, resumed;
	bool ends_when_deserted;
};

static void
on_deserted(void *context)
{
	struct desk *d = context;
	d->deserted++;
	if (!d->ends_when_deserted)
		return;
	struct err e;
	err_set(&e, 499, "client_closed_request", "Nobody waits.");
	answer_break(d->answer, &e);
	answer_leave(&d->answer);
}

static void
on_lag(void *context, bool behind)
{
	struct desk *d = context;
	d->paused += behind;
	d->resumed += !behind;
}

static const struct answer_writer writer = { .on_deserted = on_deserted, .on_lag = on_lag };

struct person {
	struct reader reader;
	struct buf got;
	int woken;
	bool leaves_when_woken;
};

static void
on_wake(struct reader *r)
{
	struct person *p = LIST_ENTRY(r, struct person, reader);
	p->woken++;
	if (p->leaves_when_woken)
		answer_part(r);
}

static void
open_desk(struct desk *d, enum answer_form form, size_t max, size_t lag)
{
	*d = (struct desk){ .ends_when_deserted = true };
	d->answer = answer_new(form, max, lag, &writer, d);
}

static void
flow(struct desk *d)
{
	struct buf headers = { 0 };
	answer_head(d->answer, 200, "text/event-stream", &headers);
}

static void
join(struct desk *d, struct person *p)
{
	*p = (struct person){ .reader.wake = on_wake };
	answer_join(d->answer, &p->reader);
}

static void
join_hiding(struct desk *d, struct person *p)
{
	*p = (struct person){ .reader = { .wake = on_wake, .view = VIEW_PLAIN } };
	answer_join(d->answer, &p->reader);
}

static void
leave(struct person *p)
{
	answer_part(&p->reader);
	buf_free(&p->got);
}

static long
take(struct person *p, size_t size)
{
	char bytes[64];
	assert_true(size <= sizeof bytes);
	long n = answer_read(&p->reader, bytes, size);
	if (n > 0)
		assert_int_equal(buf_add(&p->got, (struct str){ bytes, (size_t)n }), 0);
	return n;
}

/* Reads what is there; returns the number that ended it. */
static long
take_all(struct person *p, size_t size)
{
	long n;
	do
		n = take(p, size);
	while (n > 0);
	return n;
}

static void
assert_got(struct person *p, struct str want)
{
	if (!str_eq(buf_str(&p->got), want))
		fail_msg("got \"%.*s\", not \"%.*s\"", STR_FMT(p->got), STR_FMT(want));
}

static void
add(struct desk *d, const char *text)
{
	assert_int_equal(answer_add(d->answer, str_from(text)), 0);
}

/* What only those see who asked for usage */
static int
add_aside(struct desk *d, const char *text)
{
	struct answer_piece piece = { str_from(text), FOR(VIEW_ASKED) | FOR(VIEW_JOINED) };
	return answer_add_pieces(d->answer, &piece, 1);
}

static void
finish(struct desk *d)
{
	answer_whole(d->answer);
	answer_leave(&d->answer);
	assert_null(d->answer);
}

/* ---- bytes ---- */

static void
late_reader_gets_every_byte(void **state)
{
	(void)state;
	/* given an answer that was half read by somebody */
	struct desk d;
	struct person early, late;
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	join(&d, &early);
	flow(&d);
	add(&d, "one two ");
	assert_int_equal(take_all(&early, 3), ANSWER_NOTHING_YET);
	/* when another joins, and it goes on */
	join(&d, &late);
	add(&d, "three");
	finish(&d);
	/* then both have the whole of it */
	assert_int_equal(take_all(&late, 5), ANSWER_END);
	assert_int_equal(take_all(&early, 64), ANSWER_END);
	assert_got(&early, STR("one two three"));
	assert_got(&late, STR("one two three"));
	assert_true(reader_at_end(&early.reader) && reader_at_end(&late.reader));
	leave(&early);
	leave(&late);
	assert_int_equal(d.deserted, 0);
}

static void
reader_of_a_finished_answer_gets_every_byte(void **state)
{
	(void)state;
	struct desk d;
	struct person first, last;
	open_desk(&d, ANSWER_BYTES, 0, 1000);
	join(&d, &first);
	flow(&d);
	add(&d, "all of it");
	struct answer *kept = d.answer;
	finish(&d);
	/* the writer has gone; the first reader keeps the answer alive */
	last = (struct person){ .reader.wake = on_wake };
	answer_join(kept, &last.reader);
	leave(&first);
	assert_int_equal(take_all(&last, 4), ANSWER_END);
	assert_got(&last, STR("all of it"));
	leave(&last);
}

static void
slow_reader_does_not_delay_others(void **state)
{
	(void)state;
	struct desk d;
	struct person slow, fast;
	open_desk(&d, ANSWER_EVENTS, 0, 8);
	join(&d, &slow);
	join(&d, &fast);
	flow(&d);
	/* when one takes nothing and the other everything, far beyond the lag that is allowed */
	for (int i = 0; i < 100; i++) {
		add(&d, "12345678");
		assert_int_equal(take_all(&fast, 8), ANSWER_NOTHING_YET);
		assert_int_equal((long)fast.got.n, 8 * (i + 1));
	}
	/* then nobody was told to wait, and the slow one has missed nothing */
	assert_int_equal(d.paused, 0);
	finish(&d);
	assert_int_equal(take_all(&slow, 7), ANSWER_END);
	assert_int_equal(slow.got.n, 800);
	assert_true(str_eq(buf_str(&slow.got), buf_str(&fast.got)));
	leave(&slow);
	leave(&fast);
}

static void
broken_answer_fails_after_its_last_byte(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	struct err e;
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	join(&d, &p);
	flow(&d);
	add(&d, "half");
	/* when it breaks before those bytes were taken */
	err_set(&e, 502, "upstream_stream_truncated", "It broke off.");
	answer_break(d.answer, &e);
	answer_leave(&d.answer);
	/* then the bytes come first */
	assert_false(reader_at_end(&p.reader));
	assert_int_equal(take(&p, 3), 3);
	assert_int_equal(take(&p, 3), 1);
	assert_int_equal(take(&p, 3), ANSWER_FAILED);
	assert_int_equal(take(&p, 3), ANSWER_FAILED);
	assert_got(&p, STR("half"));
	assert_string_equal(p.reader.answer->err->code, "upstream_stream_truncated");
	leave(&p);
}

static void
answer_may_break_before_its_head(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	struct err e;
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	join(&d, &p);
	assert_false(answer_has_head(d.answer));
	reader_sleep(&p.reader);
	err_set(&e, 504, "upstream_timeout", "Too late.");
	answer_break(d.answer, &e);
	assert_int_equal(p.woken, 1);
	assert_true(answer_ended(d.answer));
	answer_leave(&d.answer);
	assert_int_equal(take(&p, 3), ANSWER_FAILED);
	leave(&p);
}

static void
answer_never_outgrows_its_limit(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	open_desk(&d, ANSWER_EVENTS, 10, 1000);
	join(&d, &p);
	flow(&d);
	add(&d, "12345678");
	assert_int_equal(answer_add(d.answer, STR("abc")), -1);
	assert_int_equal(add_aside(&d, "abc"), -1);
	assert_int_equal(answer_add(d.answer, STR("90")), 0);
	finish(&d);
	assert_int_equal(take_all(&p, 64), ANSWER_END);
	assert_got(&p, STR("1234567890"));
	leave(&p);
}

/* ---- the head ---- */

static void
body_has_no_head_until_it_is_whole(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	struct buf headers = { 0 };
	open_desk(&d, ANSWER_BODY, 0, 4);
	join(&d, &p);
	reader_sleep(&p.reader);
	/* when the head and the bytes have come */
	answer_head(d.answer, 200, "application/json", &headers);
	add(&d, "{\"far\":\"beyond the lag\"}");
	/* then its reader sleeps on, and nobody is told to slow down */
	assert_false(answer_has_head(d.answer));
	assert_int_equal(p.woken, 0);
	assert_int_equal(d.paused, 0);
	/* when it is whole */
	answer_whole(d.answer);
	assert_true(answer_has_head(d.answer));
	assert_int_equal(p.woken, 1);
	answer_leave(&d.answer);
	assert_int_equal(take_all(&p, 64), ANSWER_END);
	assert_got(&p, STR("{\"far\":\"beyond the lag\"}"));
	leave(&p);
}

static void
stream_has_a_head_as_soon_as_it_flows(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	struct buf headers = { 0 };
	assert_int_equal(buf_add(&headers, STR("x-ratelimit-limit\0007\0")), 0);
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	join(&d, &p);
	reader_sleep(&p.reader);
	answer_head(d.answer, 203, "text/event-stream", &headers);
	assert_true(answer_has_head(d.answer));
	assert_int_equal(p.woken, 1);
	assert_int_equal(d.answer->status, 203);
	assert_null(headers.p);
	assert_int_equal(d.answer->headers.n, 20);
	finish(&d);
	leave(&p);
}

/* ---- sleep ---- */

static void
sleeper_is_woken_once_per_sleep(void **state)
{
	(void)state;
	struct desk d;
	struct person asleep, awake;
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	join(&d, &asleep);
	join(&d, &awake);
	flow(&d);
	reader_sleep(&asleep.reader);
	add(&d, "a");
	add(&d, "b");
	assert_int_equal(asleep.woken, 1);
	assert_int_equal(awake.woken, 0);
	assert_int_equal(take_all(&asleep, 64), ANSWER_NOTHING_YET);
	reader_sleep(&asleep.reader);
	answer_whole(d.answer);
	assert_int_equal(asleep.woken, 2);
	answer_leave(&d.answer);
	leave(&asleep);
	leave(&awake);
}

static void
reader_may_part_when_it_is_woken(void **state)
{
	(void)state;
	struct desk d;
	struct person a, b, c;
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	join(&d, &a);
	join(&d, &b);
	join(&d, &c);
	flow(&d);
	a.leaves_when_woken = c.leaves_when_woken = true;
	reader_sleep(&a.reader);
	reader_sleep(&b.reader);
	reader_sleep(&c.reader);
	add(&d, "x");
	assert_int_equal(a.woken + b.woken + c.woken, 3);
	assert_int_equal(d.answer->reader_count, 1);
	assert_int_equal(d.deserted, 0);
	finish(&d);
	leave(&b);
}

static void
moment_of_the_last_move_is_kept(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	clock_fake(5000000, 0);
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	join(&d, &p);
	assert_int_equal(d.answer->born_ms, 5000);
	flow(&d);
	clock_fake(7000000, 0);
	assert_int_equal(take(&p, 1), ANSWER_NOTHING_YET);
	assert_int_equal(p.reader.moved_ms, 7000);
	reader_sleep(&p.reader);
	clock_fake(9000000, 0);
	add(&d, "x"); /* a silence of the provider is no stall of the client */
	assert_int_equal(p.reader.moved_ms, 9000);
	clock_fake(-1, -1);
	finish(&d);
	leave(&p);
}

/* ---- desertion ---- */

static void
last_reader_leaving_tells_the_writer_once(void **state)
{
	(void)state;
	struct desk d;
	struct person a, b;
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	join(&d, &a);
	join(&d, &b);
	flow(&d);
	add(&d, "x");
	leave(&a);
	assert_int_equal(d.deserted, 0);
	leave(&b);
	assert_int_equal(d.deserted, 1);
	assert_null(d.answer);
	answer_part(&b.reader); /* of a reader of nothing */
	assert_int_equal(d.deserted, 1);
}

static void
reader_leaving_a_finished_answer_deserts_nobody(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	join(&d, &p);
	flow(&d);
	answer_whole(d.answer);
	leave(&p);
	assert_int_equal(d.deserted, 0);
	answer_leave(&d.answer);
}

static void
deserted_answer_may_be_joined_again_while_it_lives(void **state)
{
	(void)state;
	struct desk d;
	struct person a, b;
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	d.ends_when_deserted = false;
	join(&d, &a);
	flow(&d);
	leave(&a);
	join(&d, &b);
	leave(&b);
	assert_int_equal(d.deserted, 2);
	finish(&d);
}

/* ---- drafts ---- */

#define PIECE(text, views) ((struct answer_piece){ STR(text), views })

static struct answer *
new_draft(enum answer_form form, size_t max, const char *type)
{
	struct buf headers = { 0 };
	struct answer *draft = answer_new(form, max, 0, NULL, NULL);
	assert_int_equal(buf_add(&headers, (struct str){ "x-a\0"
							 "1",
					       6 }),
	    0);
	answer_head(draft, 201, type, &headers);
	return draft;
}

static void
draft_is_adopted_with_its_head_and_what_is_not_for_all(void **state)
{
	(void)state;
	struct desk d;
	struct person asked, plain;
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	join(&d, &asked);
	join(&d, &plain);
	plain.reader.view = VIEW_PLAIN;
	asked.reader.view = VIEW_ASKED;
	reader_sleep(&plain.reader);
	struct answer *draft = new_draft(ANSWER_EVENTS, 0, "text/event-stream");
	const struct answer_piece pieces[] = { PIECE("abc", FOR_ALL), PIECE("D", FOR(VIEW_ASKED)),
		PIECE("ef", FOR_ALL) };
	assert_int_equal(answer_add_pieces(draft, pieces, 3), 0);
	assert_int_equal(plain.woken, 0);
	/* when */
	answer_adopt(d.answer, draft);
	/* then its readers have what they should see, and what comes behind it */
	assert_int_equal(plain.woken, 1);
	assert_int_equal(d.answer->status, 201);
	assert_string_equal(d.answer->content_type, "text/event-stream");
	assert_int_equal(d.answer->headers.n, 6);
	add(&d, "g");
	take_all(&asked, 3);
	take_all(&plain, 3);
	assert_got(&asked, STR("abcDefg"));
	assert_got(&plain, STR("abcefg"));
	/* and the draft has nothing */
	assert_int_equal(draft->body.n, 0);
	assert_int_equal(draft->shown[VIEW_ASKED], 0);
	answer_drop(&draft);
	finish(&d);
	leave(&asked);
	leave(&plain);
}

static void
head_that_was_told_before_a_draft_is_adopted_stays(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	open_desk(&d, ANSWER_EVENTS, 10, 1000);
	join(&d, &p);
	flow(&d);
	reader_sleep(&p.reader);
	struct answer *draft = new_draft(ANSWER_EVENTS, 10, "text/other");
	assert_int_equal(answer_add(draft, STR("12345678")), 0);
	answer_adopt(d.answer, draft);
	answer_drop(&draft);
	assert_int_equal(p.woken, 1);
	assert_int_equal(d.answer->status, 200);
	assert_string_equal(d.answer->content_type, "text/event-stream");
	/* and its own limit holds for what comes behind */
	assert_int_equal(answer_add(d.answer, STR("123")), -1);
	take_all(&p, 3);
	assert_got(&p, STR("12345678"));
	finish(&d);
	leave(&p);
}

static void
whole_body_that_was_a_draft_is_shown_at_its_end_only(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	open_desk(&d, ANSWER_BODY, 0, 1000);
	join(&d, &p);
	reader_sleep(&p.reader);
	struct answer *draft = new_draft(ANSWER_BODY, 0, "application/json");
	assert_int_equal(answer_add(draft, STR("{}")), 0);
	answer_adopt(d.answer, draft);
	answer_drop(&draft);
	assert_int_equal(p.woken, 0);
	assert_false(answer_has_head(d.answer));
	answer_whole(d.answer);
	assert_int_equal(p.woken, 1);
	assert_true(str_eq(reader_take_body(&p.reader), STR("{}")));
	answer_leave(&d.answer);
	leave(&p);
}

/* ---- the usage event ---- */

static void
hidden_event_is_skipped_wherever_it_stands(void **state)
{
	(void)state;
	static const char *const before[] = { "", "b", "bb", "bbbbbbb" };
	static const char *const behind[] = { "", "e", "ee", "eeeeeee" };
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 4; j++) {
			for (size_t step = 1; step < 12; step++) {
				/* given an answer with the event between other bytes */
				struct desk d;
				struct person hides, sees;
				struct buf all = { 0 }, some = { 0 };
				buf_printf(&all, "%sUSAGE%s", before[i], behind[j]);
				buf_printf(&some, "%s%s", before[i], behind[j]);
				open_desk(&d, ANSWER_EVENTS, 0, 1000);
				join_hiding(&d, &hides);
				join(&d, &sees);
				flow(&d);
				add(&d, before[i]);
				assert_int_equal(add_aside(&d, "USAGE"), 0);
				add(&d, behind[j]);
				finish(&d);
				/* then each sees what it should, at any size of a bite */
				assert_int_equal(take_all(&hides, step), ANSWER_END);
				assert_int_equal(take_all(&sees, step), ANSWER_END);
				assert_got(&hides, buf_str(&some));
				assert_got(&sees, buf_str(&all));
				assert_true(reader_at_end(&hides.reader) && reader_at_end(&sees.reader));
				buf_free(&all);
				buf_free(&some);
				leave(&hides);
				leave(&sees);
			}
		}
	}
}

static void
hidden_event_is_skipped_by_one_who_has_caught_up(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct desk d;
		struct person p;
		open_desk(&d, ANSWER_EVENTS, 0, 1000);
		join_hiding(&d, &p);
		flow(&d);
		add(&d, first ? "" : "text");
		assert_int_equal(take_all(&p, 64), ANSWER_NOTHING_YET);
		assert_int_equal(add_aside(&d, "USAGE"), 0);
		assert_int_equal(take_all(&p, 64), ANSWER_NOTHING_YET);
		add(&d, "!");
		assert_int_equal(take_all(&p, 64), ANSWER_NOTHING_YET);
		finish(&d);
		assert_int_equal(take_all(&p, 64), ANSWER_END);
		assert_got(&p, str_from(first ? "!" : "text!"));
		leave(&p);
	}
}

static void
hidden_event_wakes_only_those_who_see_it(void **state)
{
	(void)state;
	struct desk d;
	struct person hides, sees;
	open_desk(&d, ANSWER_EVENTS, 0, 1000);
	join_hiding(&d, &hides);
	join(&d, &sees);
	flow(&d);
	reader_sleep(&hides.reader);
	reader_sleep(&sees.reader);
	assert_int_equal(add_aside(&d, "USAGE"), 0);
	assert_int_equal(hides.woken, 0);
	assert_int_equal(sees.woken, 1);
	answer_whole(d.answer);
	assert_int_equal(hides.woken, 1);
	/* nothing is left for the one who hides it: its reply may end with the bytes before */
	assert_true(reader_at_end(&hides.reader));
	assert_false(reader_at_end(&sees.reader));
	answer_leave(&d.answer);
	leave(&hides);
	leave(&sees);
}

static void
hidden_event_is_no_lag(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	open_desk(&d, ANSWER_EVENTS, 0, 8);
	join_hiding(&d, &p);
	flow(&d);
	assert_int_equal(add_aside(&d, "A long statement of usage"), 0);
	add(&d, "12345678");
	assert_int_equal(d.paused, 0);
	add(&d, "9");
	assert_int_equal(d.paused, 1);
	finish(&d);
	leave(&p);
}

/* ---- the bill: other bytes for each view ---- */

static const char *const seen_by[VIEWS] = {
	[VIEW_ASKED] = "a{paid}z", [VIEW_JOINED] = "a{saved it}z", [VIEW_PLAIN] = "az"
};

static void
add_bill(struct desk *d)
{
	struct answer_piece pieces[] = {
		{ STR("{"), FOR(VIEW_ASKED) | FOR(VIEW_JOINED) },
		{ STR("paid"), FOR(VIEW_ASKED) },
		{ STR("saved it"), FOR(VIEW_JOINED) },
		{ STR(""), FOR(VIEW_PLAIN) },
		{ STR("}"), FOR(VIEW_ASKED) | FOR(VIEW_JOINED) },
	};
	assert_int_equal(answer_add_pieces(d->answer, pieces, 5), 0);
}

static void
join_as(struct desk *d, struct person *p, enum view view)
{
	*p = (struct person){ .reader = { .wake = on_wake, .view = view } };
	answer_join(d->answer, &p->reader);
}

static void
each_view_has_its_own_bytes_at_any_size_of_a_bite(void **state)
{
	(void)state;
	for (size_t step = 1; step < 14; step++) {
		struct desk d;
		struct person p[VIEWS];
		open_desk(&d, ANSWER_EVENTS, 0, 1000);
		for (int v = 0; v < VIEWS; v++)
			join_as(&d, &p[v], (enum view)v);
		flow(&d);
		add(&d, "a");
		add_bill(&d);
		add(&d, "z");
		finish(&d);
		for (int v = 0; v < VIEWS; v++) {
			assert_int_equal(take_all(&p[v], step), ANSWER_END);
			assert_got(&p[v], str_from(seen_by[v]));
			assert_true(reader_at_end(&p[v].reader));
		}
		for (int v = 0; v < VIEWS; v++)
			leave(&p[v]);
	}
}

static void
each_view_has_its_own_bytes_whenever_it_reads(void **state)
{
	(void)state;
	/* moment 0..3: before the first piece, the bill, the last piece, the end; a bit each says who reads then */
	for (int reads = 0; reads < 16; reads++) {
		for (int late = 0; late < 4; late++) {
			for (int v = 0; v < VIEWS; v++) {
				struct desk d;
				struct person keeps, p;
				open_desk(&d, ANSWER_EVENTS, 0, 1000);
				join_as(&d, &keeps, VIEW_PLAIN);
				flow(&d);
				for (int moment = 0; moment < 4; moment++) {
					if (moment == late)
						join_as(&d, &p, (enum view)v);
					if (moment >= late && (reads & 1 << moment) != 0)
						assert_int_equal(take_all(&p, 2), ANSWER_NOTHING_YET);
					if (moment == 0)
						add(&d, "a");
					if (moment == 1)
						add_bill(&d);
					if (moment == 2)
						add(&d, "z");
				}
				finish(&d);
				assert_int_equal(take_all(&p, 3), ANSWER_END);
				assert_got(&p, str_from(seen_by[v]));
				leave(&p);
				leave(&keeps);
			}
		}
	}
}

static void
bills_may_follow_each_other_without_an_end(void **state)
{
	(void)state;
	enum { MANY = 1000 };
	struct desk d;
	struct person p[VIEWS];
	size_t want[VIEWS] = { 0 };
	open_desk(&d, ANSWER_EVENTS, 0, 1 << 20);
	for (int v = 0; v < VIEWS; v++)
		join_as(&d, &p[v], (enum view)v);
	flow(&d);
	for (int i = 0; i < MANY; i++) {
		add_bill(&d);
		want[VIEW_ASKED] += strlen("{paid}");
		want[VIEW_JOINED] += strlen("{saved it}");
		if (i % 7 == 0) { /* one reads now and then, one at the end, one only what is for all */
			add(&d, "-");
			for (int v = 0; v < VIEWS; v++)
				want[v]++;
			assert_int_equal(take_all(&p[VIEW_ASKED], 5), ANSWER_NOTHING_YET);
		}
	}
	finish(&d);
	for (int v = 0; v < VIEWS; v++) {
		assert_int_equal(take_all(&p[v], 64), ANSWER_END);
		assert_int_equal(p[v].got.n, want[v]);
	}
	for (int v = 0; v < VIEWS; v++)
		leave(&p[v]);
}

static void
pieces_are_added_all_or_none(void **state)
{
	(void)state;
	struct desk d;
	struct person asked, plain;
	open_desk(&d, ANSWER_EVENTS, 10, 1000);
	join_as(&d, &asked, VIEW_ASKED);
	join_as(&d, &plain, VIEW_PLAIN);
	flow(&d);
	struct answer_piece pieces[] = { { STR("12345"), FOR_ALL }, { STR("abc"), FOR(VIEW_ASKED) },
		{ STR("678"), FOR_ALL } };
	assert_int_equal(answer_add_pieces(d.answer, pieces, 3), -1);
	assert_int_equal(take_all(&asked, 64), ANSWER_NOTHING_YET);
	assert_int_equal(answer_add_pieces(d.answer, pieces, 2), 0);
	finish(&d);
	assert_int_equal(take_all(&asked, 64), ANSWER_END);
	assert_int_equal(take_all(&plain, 64), ANSWER_END);
	assert_got(&asked, STR("12345abc"));
	assert_got(&plain, STR("12345"));
	leave(&asked);
	leave(&plain);
}

static void
lag_counts_only_the_bytes_a_view_has(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	open_desk(&d, ANSWER_EVENTS, 0, 8);
	join_as(&d, &p, VIEW_JOINED);
	flow(&d);
	struct answer_piece pieces[] = { { STR("a long bill"), FOR(VIEW_ASKED) },
		{ STR("12345678"), FOR(VIEW_JOINED) } };
	assert_int_equal(answer_add_pieces(d.answer, pieces, 2), 0);
	assert_int_equal(d.paused, 0);
	assert_int_equal(answer_add_pieces(d.answer, pieces, 2), 0);
	assert_int_equal(d.paused, 1);
	assert_int_equal(take(&p, 12), 12);
	assert_int_equal(d.resumed, 1);
	finish(&d);
	leave(&p);
}

/* ---- lag ---- */

static void
lag_pauses_the_writer_and_resumes_it(void **state)
{
	(void)state;
	struct desk d;
	struct person p;
	open_desk(&d, ANSWER_EVENTS, 0, 8);
	join(&d, &p);
	flow(&d);
	/* when the only reader is exactly at the limit: nothing; beyond it: once */
	add(&d, "12345678");
	assert_int_equal(d.paused, 0);
	add(&d, "9");
	add(&d, "0");
	assert_int_equal(d.paused, 1);
	/* when it catches up, half of the limit is where it goes on */
	assert_int_equal(take(&p, 5), 5);
	assert_int_equal(d.resumed, 0);
	assert_int_equal(take(&p, 1), 1);
	assert_int_equal(d.resumed, 1);
	assert_int_equal(take_all(&p, 64), ANSWER_NOTHING_YET);
	assert_int_equal(d.resumed, 1);
	assert_int_equal(d.paused, 1);
	finish(&d);
	leave(&p);
}

static void
lag_is_judged_again_when_the_fastest_reader_leaves(void **state)
{
	(void)state;
	struct desk d;
	struct person slow, fast;
	open_desk(&d, ANSWER_EVENTS, 0, 8);
	join(&d, &slow);
	join(&d, &fast);
	flow(&d);
	add(&d, "0123456789");
	assert_int_equal(d.paused, 1); /* nobody has read yet */
	assert_int_equal(take_all(&fast, 64), ANSWER_NOTHING_YET);
	assert_int_equal(d.resumed, 1);
	leave(&fast);
	assert_int_equal(d.paused, 2);
	assert_int_equal(take_all(&slow, 64), ANSWER_NOTHING_YET);
	assert_int_equal(d.resumed, 2);
	finish(&d);
	leave(&slow);
}

static void
redirected_readers_read_the_other_answer_from_its_first_byte(void **state)
{
	(void)state;
	struct desk from, to;
	struct person asked, plain, awake;
	open_desk(&from, ANSWER_EVENTS, 100, 100);
	open_desk(&to, ANSWER_EVENTS, 100, 100);
	join(&from, &asked);
	join_hiding(&from, &plain);
	join(&from, &awake);
	reader_sleep(&asked.reader);
	reader_sleep(&plain.reader);
	flow(&to);
	assert_int_equal(answer_add(to.answer, STR("abc")), 0);

	answer_redirect(from.answer, to.answer);

	assert_int_equal(from.answer->reader_count, 0);
	assert_int_equal(from.deserted, 0);
	assert_int_equal(to.answer->reader_count, 3);
	assert_int_equal(asked.woken + plain.woken, 2);
	assert_int_equal(awake.woken, 0);
	assert_int_equal(asked.reader.view, VIEW_JOINED);
	assert_int_equal(plain.reader.view, VIEW_PLAIN);
	assert_int_equal(take(&asked, 10), 3);
	assert_int_equal(take(&awake, 10), 3);
	leave(&asked);
	leave(&plain);
	leave(&awake);
	assert_int_equal(to.deserted, 1);
	struct err e;
	err_set(&e, 499, "not_asked", "Elsewhere.");
	answer_break(from.answer, &e);
	answer_leave(&from.answer);
}

static void
readers_redirected_to_an_answer_that_has_not_begun_sleep_on(void **state)
{
	(void)state;
	struct desk from, to;
	struct person p;
	open_desk(&from, ANSWER_BODY, 100, 100);
	open_desk(&to, ANSWER_BODY, 100, 100);
	join(&from, &p);
	reader_sleep(&p.reader);
	answer_redirect(from.answer, to.answer);
	assert_true(p.woken == 0 && p.reader.asleep);
	flow(&to);
	answer_whole(to.answer);
	assert_int_equal(p.woken, 1);
	leave(&p);
	answer_leave(&to.answer);
	struct err e;
	err_set(&e, 499, "not_asked", "Elsewhere.");
	answer_break(from.answer, &e);
	answer_leave(&from.answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_reader_gets_every_byte),
		cmocka_unit_test(redirected_readers_read_the_other_answer_from_its_first_byte),
		cmocka_unit_test(readers_redirected_to_an_answer_that_has_not_begun_sleep_on),
		cmocka_unit_test(reader_of_a_finished_answer_gets_every_byte),
		cmocka_unit_test(slow_reader_does_not_delay_others),
		cmocka_unit_test(broken_answer_fails_after_its_last_byte),
		cmocka_unit_test(answer_may_break_before_its_head),
		cmocka_unit_test(answer_never_outgrows_its_limit),
		cmocka_unit_test(body_has_no_head_until_it_is_whole),
		cmocka_unit_test(stream_has_a_head_as_soon_as_it_flows),
		cmocka_unit_test(sleeper_is_woken_once_per_sleep),
		cmocka_unit_test(reader_may_part_when_it_is_woken),
		cmocka_unit_test(moment_of_the_last_move_is_kept),
		cmocka_unit_test(last_reader_leaving_tells_the_writer_once),
		cmocka_unit_test(reader_leaving_a_finished_answer_deserts_nobody),
		cmocka_unit_test(deserted_answer_may_be_joined_again_while_it_lives),
		cmocka_unit_test(draft_is_adopted_with_its_head_and_what_is_not_for_all),
		cmocka_unit_test(head_that_was_told_before_a_draft_is_adopted_stays),
		cmocka_unit_test(whole_body_that_was_a_draft_is_shown_at_its_end_only),
		cmocka_unit_test(hidden_event_is_skipped_wherever_it_stands),
		cmocka_unit_test(hidden_event_is_skipped_by_one_who_has_caught_up),
		cmocka_unit_test(hidden_event_wakes_only_those_who_see_it),
		cmocka_unit_test(hidden_event_is_no_lag),
		cmocka_unit_test(each_view_has_its_own_bytes_at_any_size_of_a_bite),
		cmocka_unit_test(each_view_has_its_own_bytes_whenever_it_reads),
		cmocka_unit_test(bills_may_follow_each_other_without_an_end),
		cmocka_unit_test(pieces_are_added_all_or_none),
		cmocka_unit_test(lag_counts_only_the_bytes_a_view_has),
		cmocka_unit_test(lag_pauses_the_writer_and_resumes_it),
		cmocka_unit_test(lag_is_judged_again_when_the_fastest_reader_leaves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
