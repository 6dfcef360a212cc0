/*
 * Proves src/stages/batch.c: who shares a room with whom, when a room leaves, and who goes alone. Asks are started and rides leave
 * only on paper; the clock stands still unless a test moves it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"

#include "../../src/stages/ask_private.h"
#include "../../src/stages/batch.h"
#include "../../src/stages/batch_checked.h"
#include "base/clock.h"

enum { ASKS = 16 };

static struct loop *loop;
static struct site *site;
static struct ask_house house;
static struct batch_quality *quality;
static struct batcher *batcher;
static struct exchange exchanges[ASKS];
static struct ask *asks[ASKS];
static int ask_count;
static int64_t now_ms;
static const char *suffix; /* that the router added */

/* ---- fakes of the neighbours ---- */

static struct ask *started[ASKS]; /* alone */
static int started_count, rides, riders;

void
ask_start(struct ask *a)
{
	assert_null(a->seat);
	started[started_count++] = a;
}

void
ride_start(struct batcher *b, struct ask_house *h, struct link *seats, enum envelope_shape shape)
{
	assert_ptr_equal(b, batcher);
	assert_ptr_equal(h, &house);
	assert_int_equal(shape, ENVELOPE_SCHEMA);
	rides++;
	while (!list_empty(seats)) {
		struct seat *s = LIST_ENTRY(seats->next, struct seat, link);
		riders++;
		seat_free(&s);
	}
}

void
seat_free(struct seat **sp)
{
	struct seat *s = *sp;
	list_leave(&s->link);
	s->ask->seat = NULL;
	free(s);
	*sp = NULL;
}

static int alone[BATCH_ALONES], waited_count;

void
gateway_metrics_batch_alone(struct gateway_metrics *m, enum batch_alone why)
{
	assert_null(m);
	alone[why]++;
}

void
gateway_metrics_batch_waited(struct gateway_metrics *m, int64_t waited_us)
{
	assert_null(m);
	assert_true(waited_us >= 0);
	waited_count++;
}

static int checked, checked_batched;

void
batch_checked(struct batch_quality *q, const struct ask *a, bool batched)
{
	assert_ptr_equal(q, quality);
	assert_non_null(a);
	checked++;
	checked_batched += batched;
}

bool
escalate_wants_logprobs(struct ask *a)
{
	(void)a;
	return false;
}

/* ---- asks ---- */

#define LONG                                                                                              \
	"You write product titles for a shop. A title has at most eight words, starts with the brand, "   \
	"names the "                                                                                      \
	"colour and the material, leaves out prices and superlatives, and never ends with a full stop. "  \
	"Titles are "                                                                                     \
	"written in English, in title case, without quotes and without any explanation before or behind " \
	"them."

static const char *
titles(const char *text, const char *more)
{
	static char body[8192];
	snprintf(body, sizeof body,
	    "{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"system\",\"content\":\"" LONG LONG LONG LONG
		LONG LONG "\"},{\"role\":\"user\",\"content\":\"%s\"}]%s}",
	    text, more);
	return body;
}

static const char *
title(const char *text)
{
	return titles(text, "");
}

static int
set_up_with(const char *batch)
{
	char text[512];
	snprintf(text, sizeof text,
	    "upstreams: { u: { base_url: 'http://127.0.0.1:1/v1' } }\n"
	    "models: { gpt-4o-mini: { upstream: u, input_usd: 0.15, output_usd: 0.60 },\n"
	    "  own: { upstream: u, free: true } }\n"
	    "batch: { experiment: 0, %s }\n"
	    "tasks: { titles: { batch: on }, more: { batch: on }, other: {} }\n",
	    batch);
	loop = loop_new();
	site = site_new(good(text));
	house = (struct ask_house){ .loop = loop };
	memset(alone, 0, sizeof alone);
	waited_count = 0;
	quality = batch_quality_new(loop, NULL);
	batcher = batcher_new(&house, quality);
	ask_count = started_count = rides = riders = 0;
	now_ms = 1000000;
	clock_fake(now_ms * 1000, INT64_C(1790000000000000));
	log_setup(LOG_SILENT, false);
	return 0;
}

static int
set_up(void **state)
{
	clean_environment(state);
	return set_up_with("adaptive: false, size: 3, wait: 2s");
}

static int
set_up_adaptive(void **state)
{
	clean_environment(state);
	return set_up_with("size: 3, wait: 2s");
}

static void
drop(struct ask *a)
{
	request_free(&a->request);
	free(a);
}

static int
tear_down(void **state)
{
	(void)state;
	batcher_drain(batcher);
	for (int i = 0; i < ask_count; i++)
		drop(asks[i]);
	batcher_free(&batcher);
	batch_quality_free(&quality);
	site_drop(&site);
	loop_free(&loop);
	clock_fake(-1, -1);
	return 0;
}

/* As ask_open would, of what the batcher looks at. */
static struct ask *
come_as(const char *key, const char *task, const char *run, int wish, const char *body)
{
	struct exchange *x = &exchanges[ask_count];
	struct ask *a = must_alloc(sizeof *a);
	struct request_context context = {
		.config = site_config(site), .scope = key, .directives = "", .task = task
	};
	struct buf bytes = { 0 };
	struct err e;
	*x = (struct exchange){ .site = site, .batch_wish = wish };
	assert_int_equal(buf_add(&bytes, str_from(body)), 0);
	if (request_read(&a->request, ENDPOINT_CHAT, &bytes, &context, &e) != 0)
		fail_msg("%s", e.text);
	a->house = &house;
	a->site = site;
	a->asker = x;
	a->model = a->request.model;
	a->request.suffix = suffix;
	str_copy(a->task, sizeof a->task, str_from(task));
	str_copy(a->charge.payer.key, sizeof a->charge.payer.key, str_from(key));
	str_copy(a->charge.payer.run, sizeof a->charge.payer.run, str_from(run));
	asks[ask_count++] = a;
	batch_board(batcher, x, a);
	return a;
}

static struct ask *
come(const char *body)
{
	return come_as("local", "titles", "", 0, body);
}

static void
on_stop(struct timer *t)
{
	(void)t;
	loop_stop(loop);
}

static void
pass_ms(int64_t ms)
{
	struct timer stop = { .on_due = on_stop };
	now_ms += ms;
	clock_fake(now_ms * 1000, INT64_C(1790000000000000) + now_ms * 1000);
	loop_timer_set(loop, &stop, now_ms);
	loop_run(loop);
}

static const char *
decision(const struct ask *a)
{
	return a->asker->decision;
}

/* ---- together ---- */

static void
a_full_room_leaves_as_one(void **state)
{
	(void)state;
	come(title("a red mug"));
	come(title("a blue mug"));
	assert_int_equal(batcher_waiting(batcher), 2);
	come(title("a green mug"));
	assert_int_equal(rides, 1);
	assert_int_equal(riders, 3);
	assert_int_equal(started_count, 0);
	assert_int_equal(batcher_waiting(batcher), 0);
}

static void
a_room_that_does_not_fill_leaves_when_its_first_has_waited(void **state)
{
	(void)state;
	come(title("a red mug"));
	pass_ms(1500);
	come(title("a blue mug"));
	pass_ms(499);
	assert_int_equal(rides, 0);
	pass_ms(1);
	assert_int_equal(rides, 1);
	assert_int_equal(riders, 2);
}

static void
who_is_alone_at_the_end_goes_alone_and_the_row_says_why(void **state)
{
	(void)state;
	struct ask *a = come(title("a red mug"));
	pass_ms(2000);
	assert_int_equal(rides, 0);
	assert_int_equal(started_count, 1);
	assert_ptr_equal(started[0], a);
	assert_string_equal(decision(a), "alone: nobody else came");
	assert_int_equal(alone[BATCH_ALONE_COMPANY], 1);
	assert_int_equal(waited_count, 1);
	assert_int_equal(a->travel, TRAVEL_ALONE);
}

static void
who_expects_nobody_leaves_at_once_and_the_row_says_so(void **state)
{
	(void)state;
	struct ask *a = come(title("a red mug"));
	assert_int_equal(started_count, 1);
	assert_string_equal(decision(a), "alone: nobody else was expected");
	assert_int_equal(alone[BATCH_ALONE_COMPANY], 1);
}

static void
streams_and_whole_answers_share_a_room(void **state)
{
	(void)state;
	come(title("a red mug"));
	come(titles("a blue mug", ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
	come(titles("a green mug", ",\"metadata\":{\"row\":\"3\"}"));
	assert_int_equal(riders, 3);
}

/* ---- apart ---- */

static void
what_is_asked_otherwise_has_a_room_of_its_own(void **state)
{
	(void)state;
	come(title("a red mug"));
	come(titles("a red mug", ",\"temperature\":0.5"));
	come(titles("a red mug", ",\"max_tokens\":50"));
	come(titles("a red mug",
	    ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"t\","
	    "\"strict\":true,\"schema\":{\"type\":\"object\",\"properties\":{\"t\":{\"type\":"
	    "\"string\"}},\"required\":[\"t\"],\"additionalProperties\":false}}}"));
	assert_int_equal(batcher_waiting(batcher), 4);
	assert_int_equal(rides, 0);
}

static void
who_asks_otherwise_has_a_room_of_its_own(void **state)
{
	(void)state;
	come_as("anna", "titles", "", 0, title("one"));
	come_as("anna", "titles", "", 0, title("two"));
	come_as("berta", "titles", "", 0, title("three"));
	come_as("anna", "more", "", 0, title("four"));
	come_as("anna", "titles", "r1", 0, title("five"));
	assert_int_equal(rides, 0);
	assert_int_equal(batcher_waiting(batcher), 5);
	come_as("anna", "titles", "", 0, title("six"));
	assert_int_equal(riders, 3);
	assert_int_equal(batcher_waiting(batcher), 3);
}

static void
a_suffix_of_the_router_parts_rooms(void **state)
{
	(void)state;
	come(title("one"));
	come(title("two"));
	suffix = "Think step by step.";
	come(title("three"));
	suffix = NULL;
	assert_int_equal(rides, 0);
	assert_int_equal(batcher_waiting(batcher), 3);
}

static void
the_header_decides_over_the_task(void **state)
{
	(void)state;
	struct ask *off = come_as("local", "titles", "", -1, title("one"));
	struct ask *not_asked = come_as("local", "other", "", 0, title("one"));
	assert_int_equal(started_count, 2);
	assert_string_equal(decision(off), "");
	assert_string_equal(decision(not_asked), "");
	assert_int_equal(off->travel, TRAVEL_NOT);
	come_as("local", "other", "", 1, title("one"));
	assert_int_equal(batcher_waiting(batcher), 1);
}

static void
what_cannot_travel_goes_at_once_and_says_why(void **state)
{
	(void)state;
	struct ask *several = come(titles("one", ",\"n\":2"));
	struct ask *own =
	    come("{\"model\":\"own\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}");
	assert_int_equal(started_count, 2);
	assert_true(str_starts(str_from(decision(several)), STR("alone: ")));
	assert_string_equal(decision(own), "alone: nothing can be saved");
	assert_int_equal(several->travel, TRAVEL_NOT);
}

static void
what_would_not_be_cheaper_goes_at_once(void **state)
{
	(void)state;
	struct ask *a = come(
	    "{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello there!\"}]}");
	assert_int_equal(started_count, 1);
	assert_string_equal(decision(a), "alone: together would not be cheaper");
}

static void
who_leaves_early_leaves_an_empty_seat(void **state)
{
	(void)state;
	struct ask *a = come(title("one"));
	struct ask *b = come(title("two"));
	batch_landed(batcher, a, false);
	assert_null(a->seat);
	assert_int_equal(batcher_waiting(batcher), 1);
	come(title("three"));
	assert_int_equal(rides, 0);
	come(title("four"));
	assert_int_equal(riders, 3);
	assert_null(b->seat);
}

static void
only_answers_that_might_have_been_batched_are_compared(void **state)
{
	(void)state;
	checked = checked_batched = 0;
	struct ask *lonely = come(title("one"));
	pass_ms(2000);
	struct ask *unfit = come(titles("one", ",\"n\":2"));
	struct ask *dear = come(
	    "{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello there!\"}]}");
	batch_landed(batcher, unfit, true);
	batch_landed(batcher, dear, true);
	assert_int_equal(checked, 0);
	batch_landed(batcher, lonely, true);
	assert_int_equal(checked, 1);
	assert_int_equal(checked_batched, 0);
	dear->travel = TRAVEL_TOGETHER;
	batch_landed(batcher, dear, true);
	assert_int_equal(checked_batched, 1);
}

static void
a_room_that_all_have_left_is_closed(void **state)
{
	(void)state;
	batch_landed(batcher, come(title("one")), false);
	assert_int_equal(batcher_waiting(batcher), 0);
	pass_ms(5000);
	assert_int_equal(started_count + rides, 0);
}

static void
a_gateway_that_stops_waits_for_nobody(void **state)
{
	(void)state;
	come(title("one"));
	come(title("two"));
	come_as("anna", "titles", "", 0, title("three"));
	batcher_drain(batcher);
	assert_int_equal(rides, 1);
	assert_int_equal(started_count, 1);
	come(title("four"));
	assert_int_equal(started_count, 2);
}

static void
a_provider_that_refused_is_asked_for_one_at_a_time(void **state)
{
	(void)state;
	struct ask *a = come(title("one"));
	/* as of one that has left already, while another waits for the next call */
	struct seat left = { .ask = a, .kind = a->seat->kind };
	batch_refused(batcher, &left);
	assert_int_equal(started_count, 1);
	assert_ptr_equal(started[0], a);
	assert_string_equal(decision(a), "alone: its provider did not take several together");
	assert_int_equal(alone[BATCH_ALONE_UPSTREAM], 1);
	struct ask *b = come(title("two"));
	assert_int_equal(started_count, 2);
	assert_ptr_equal(started[1], b);
	pass_ms(600001);
	come(title("three"));
	assert_int_equal(batcher_waiting(batcher), 1);
}

static void
the_first_of_a_quiet_time_does_not_wait(void **state)
{
	tear_down(state);
	set_up_with("size: 3, wait: 2s");
	come(title("one"));
	assert_int_equal(started_count, 1);
	pass_ms(60000);
	come(title("two"));
	assert_int_equal(started_count, 2);
	assert_int_equal(batcher_waiting(batcher), 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_full_room_leaves_as_one),
		T(a_room_that_does_not_fill_leaves_when_its_first_has_waited),
		T(who_is_alone_at_the_end_goes_alone_and_the_row_says_why),
		cmocka_unit_test_setup_teardown(
		    who_expects_nobody_leaves_at_once_and_the_row_says_so, set_up_adaptive, tear_down),
		T(streams_and_whole_answers_share_a_room),
		T(what_is_asked_otherwise_has_a_room_of_its_own),
		T(who_asks_otherwise_has_a_room_of_its_own),
		T(a_suffix_of_the_router_parts_rooms),
		T(the_header_decides_over_the_task),
		T(what_cannot_travel_goes_at_once_and_says_why),
		T(what_would_not_be_cheaper_goes_at_once),
		T(who_leaves_early_leaves_an_empty_seat),
		T(only_answers_that_might_have_been_batched_are_compared),
		T(a_room_that_all_have_left_is_closed),
		T(a_gateway_that_stops_waits_for_nobody),
		T(a_provider_that_refused_is_asked_for_one_at_a_time),
		T(the_first_of_a_quiet_time_does_not_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
