/*
 * Proves src/stages/escalate.c: what is withheld from an ask's readers, what is asked again, and what they get in the end. A real
 * answer and reply, and a way to the next attempt that only notes that it was taken.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"

#include "../../src/stages/ask_private.h"
#include "../../src/stages/escalate_spend.h"
#include "base/clock.h"

static struct site *site;
static struct gateway_metrics *metrics;
static struct loop *loop;
static struct ask_house house;
static char booked[64]; /* of the last attempt: why it ended */
static struct ask *ask;
static struct reader reader;
static const struct model_conf *cheap, *dear;
static int next_count, judged_count;
static bool judged_good;
static const struct model_conf *judged_model;

/* ---- fakes of the neighbours ---- */

void
ask_next(struct ask *a)
{
	(void)a;
	next_count++;
}

static void
on_judged(void *context, const struct ask *a, const struct model_conf *model, bool good)
{
	assert_ptr_equal(context, &house);
	assert_ptr_equal(a, ask);
	judged_count++;
	judged_model = model;
	judged_good = good;
}

static void
on_wake(struct reader *r)
{
	(void)r;
}

static void
on_nothing(void *context)
{
	(void)context;
}

static void
on_no_lag(void *context, bool behind)
{
	(void)context;
	(void)behind;
}

static const struct answer_writer writer = { .on_deserted = on_nothing, .on_lag = on_no_lag };

/* ---- an ask ---- */

static struct config *
configure(void)
{
	return good("upstreams: { u: { base_url: 'http://127.0.0.1:1/v1' } }\n"
		    "models:\n"
		    "  cheap: { upstream: u, input_usd: 1, output_usd: 10 }\n"
		    "  dear: { upstream: u, input_usd: 10, output_usd: 100 }\n"
		    "routing:\n"
		    "  tiers: { simple: cheap, moderate: cheap, complex: dear }\n"
		    "  escalate: { streams: true }\n");
}

static int
set_up(void **state)
{
	clean_environment(state);
	struct config *config = configure();
	loop = loop_new();
	site = site_new(config);
	metrics = gateway_metrics_new();
	cheap = config_model(config, STR("cheap"));
	dear = config_model(config, STR("dear"));
	house =
	    (struct ask_house){ .loop = loop, .metrics = metrics, .on_judged = on_judged, .context = &house };
	next_count = judged_count = 0;
	log_setup(LOG_SILENT, false);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	gateway_metrics_free(&metrics);
	site_drop(&site);
	loop_free(&loop);
	clock_fake(-1, -1);
	return 0;
}

#define CHAT(more) \
	"{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"What is a farthing?\"}]" more "}"
#define IN_JSON ",\"response_format\":{\"type\":\"json_object\"}"

static void
open_ask(const char *body, const struct model_conf *stronger)
{
	struct request_context context = {
		.config = site_config(site), .scope = "local", .directives = "", .task = "default"
	};
	struct buf bytes = { 0 };
	struct err e;
	ask = must_alloc(sizeof *ask);
	ask->house = &house;
	ask->site = site;
	assert_int_equal(buf_add(&bytes, str_from(body)), 0);
	if (request_read(&ask->request, ENDPOINT_CHAT, &bytes, &context, &e) != 0)
		fail_msg("%s", e.text);
	ask->request.model = ask->model = cheap;
	ask->charge.price = cheap->price;
	ask->deadline_ms = clock_ms() + 600000;
	str_copy(ask->charge.payer.task, sizeof ask->charge.payer.task, STR("default"));
	enum answer_form form = ask->request.stream ? ANSWER_EVENTS : ANSWER_BODY;
	ask->answer = answer_new(form, 1 << 20, 1 << 20, &writer, NULL);
	reader = (struct reader){ .wake = on_wake, .view = VIEW_ASKED };
	answer_join(ask->answer, &reader);
	reply_start(&ask->reply, ENDPOINT_CHAT, ask->answer);
	escalate_open(ask, stronger, true);
}

static void
close_ask(void)
{
	if (!answer_ended(ask->answer))
		answer_whole(ask->answer);
	answer_part(&reader);
	answer_leave(&ask->answer);
	escalate_close(ask);
	reply_free(&ask->reply);
	request_free(&ask->request);
	free(ask->failure);
	free(ask);
}

/* The provider's whole body, and what it cost. */
static bool
say(const char *body, int64_t cost_pico)
{
	struct buf headers = { 0 };
	struct err e;
	const char *why = "served";
	answer_head(ask->reply.answer, 200, "application/json", &headers);
	assert_int_equal(answer_add(ask->reply.answer, str_from(body)), 0);
	assert_int_equal(reply_body(&ask->reply, str_from(body), &e), 0);
	bool again = escalate_judge(ask, &why);
	str_copy(booked, sizeof booked, str_from(why));
	str_copy(ask->facts.model, sizeof ask->facts.model, str_from(ask->model->name));
	ask->facts.usage = ask->reply.usage;
	ask->facts.served_pico = cost_pico;
	ask->facts.cost_pico += cost_pico;
	ask->facts.attempts++;
	return again;
}

static bool
stream(const char *events, int64_t cost_pico)
{
	struct buf none = { 0 };
	const char *why = NULL;
	reply_price(&ask->reply, &ask->charge.price, false, ask->facts.cost_pico);
	reply_stream(&ask->reply, 1 << 16, 200, "text/event-stream", &none);
	assert_int_equal(reply_events(&ask->reply, str_from(events)), 0);
	bool again = escalate_judge(ask, &why);
	str_copy(ask->facts.model, sizeof ask->facts.model, str_from(ask->model->name));
	ask->facts.usage = ask->reply.usage;
	ask->facts.served_pico = cost_pico;
	ask->facts.cost_pico += cost_pico;
	return again;
}

static const struct err *
land(const struct err *e)
{
	const struct err *end = escalate_land(ask, e);
	if (end == NULL)
		answer_whole(ask->answer);
	else
		answer_break(ask->answer, end);
	return end;
}

static void
assert_shown(const char *want)
{
	struct buf got = { 0 };
	assert_int_equal(answer_copy(ask->answer, VIEW_ASKED, &got), 0);
	if (!str_eq(buf_str(&got), str_from(want)))
		fail_msg("shown \"%.*s\", not \"%s\"", STR_FMT(got), want);
	buf_free(&got);
}

static const struct err *
failure(void)
{
	static struct err e;
	err_set(&e, 502, "upstream_error", "The provider failed.");
	return &e;
}

#define SAID(content, usage)                                                       \
	"{\"model\":\"as-told\",\"choices\":[{\"message\":{\"content\":\"" content \
	"\"},\"finish_reason\":\"stop\"}]" usage "}"
#define USED ",\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}"
#define BROKEN SAID("{", USED)
#define GOOD SAID("{}", USED)

/* ---- whole bodies ---- */

static void
passing_answer_is_shown_and_was_good_when_something_was_demanded(void **state)
{
	(void)state;
	open_ask(CHAT(IN_JSON), dear);
	assert_true(escalate_withholds(ask));
	assert_false(say(GOOD, 100));
	assert_int_equal(ask->answer->body.n, 0);
	assert_null(land(NULL));
	assert_shown(GOOD);
	assert_int_equal(judged_count, 1);
	assert_true(judged_good);
	assert_ptr_equal(judged_model, cheap);
	assert_false(escalate_rejected(ask));
	close_ask();
}

static void
passing_without_a_demand_is_no_evidence_and_failing_is(void **state)
{
	(void)state;
	open_ask(CHAT(""), dear);
	assert_false(say(SAID("A quarter of a penny.", USED), 100));
	assert_int_equal(judged_count, 0);
	assert_null(land(NULL));
	close_ask();
	open_ask(CHAT(""), NULL); /* the dear model's own, say: nothing is withheld */
	assert_false(escalate_withholds(ask));
	assert_false(say(SAID("I'm sorry, but I can't help with that request.", USED), 100));
	assert_int_equal(judged_count, 1);
	assert_false(judged_good);
	assert_false(escalate_rejected(ask));
	assert_null(land(NULL));
	assert_shown(SAID("I'm sorry, but I can't help with that request.", USED));
	close_ask();
}

static void
failing_answer_is_asked_again_once_and_both_are_judged(void **state)
{
	(void)state;
	open_ask(CHAT(IN_JSON), dear);
	assert_true(say(BROKEN, 100));
	assert_string_equal(escalate_why(ask), "failed its check: json");
	assert_string_equal(booked, "failed its check: json");
	escalate_again(ask);
	assert_int_equal(next_count, 1);
	assert_ptr_equal(ask->model, dear);
	assert_true(escalate_asks(ask));
	assert_int_equal(escalate_fault(ask), fault_of(DEMAND_JSON));
	assert_false(say(SAID("not JSON either", USED), 1000));
	assert_int_equal(judged_count, 2);
	assert_ptr_equal(judged_model, dear);
	assert_false(judged_good);
	assert_null(land(NULL));
	assert_shown(SAID("not JSON either", USED));
	assert_false(escalate_rejected(ask)); /* there is nobody better to ask */
	close_ask();
}

static void
attempt_for_a_better_answer_does_not_wait_for_money_or_take_less_room(void **state)
{
	(void)state;
	open_ask(CHAT(IN_JSON), dear);
	ask->charge.order.may_wait = true;
	assert_true(say(BROKEN, 100));
	escalate_again(ask);
	assert_false(ask->charge.order.may_wait);
	assert_int_equal(ask->charge.least_output, 5);
	assert_null(land(failure()));
	close_ask();
}

static void
cheap_answer_that_is_delivered_after_all_has_its_own_facts(void **state)
{
	(void)state;
	open_ask(CHAT(IN_JSON), dear);
	str_copy(ask->facts.upstream, sizeof ask->facts.upstream, STR("first"));
	ask->facts.clamped_to = 33;
	assert_true(say(BROKEN, 100));
	escalate_again(ask);
	str_copy(ask->facts.model, sizeof ask->facts.model, STR("dear"));
	str_copy(ask->facts.upstream, sizeof ask->facts.upstream, STR("second"));
	ask->facts.usage = (struct usage){ 0 };
	ask->facts.served_pico = 900;
	ask->facts.cost_pico += 900;
	ask->facts.clamped_to = 44;
	/* when the dear model fails after it was paid */
	assert_null(land(failure()));
	/* then what is said is the cheap one's, and the cost is that of both */
	assert_shown(BROKEN);
	const struct answer_facts *f = &ask->facts;
	assert_string_equal(f->model, "as-told");
	assert_string_equal(f->upstream, "first");
	assert_int_equal(f->usage.output, 5);
	assert_int_equal(f->served_pico, 100);
	assert_int_equal(f->cost_pico, 1000);
	assert_int_equal(f->clamped_to, 33);
	assert_ptr_equal(ask->model, cheap);
	assert_true(escalate_rejected(ask));
	close_ask();
}

static void
nobody_is_rescued_who_has_left(void **state)
{
	(void)state;
	open_ask(CHAT(IN_JSON), dear);
	assert_true(say(BROKEN, 100));
	escalate_again(ask);
	answer_part(&reader);
	const struct err *e = failure();
	assert_ptr_equal(land(e), e);
	assert_int_equal(ask->answer->body.n, 0);
	close_ask();
}

static void
without_readers_time_or_another_model_nothing_is_asked_again(void **state)
{
	(void)state;
	/* nobody reads */
	open_ask(CHAT(IN_JSON), dear);
	answer_part(&reader);
	assert_false(say(BROKEN, 100));
	assert_string_equal(booked, "failed its check: json; not asked again: nobody reads");
	assert_true(escalate_rejected(ask));
	assert_null(land(NULL));
	assert_true(escalate_rejected(ask));
	close_ask();
	/* hardly any time */
	open_ask(CHAT(IN_JSON), dear);
	ask->deadline_ms = clock_ms() + 4000;
	assert_false(say(BROKEN, 100));
	assert_string_equal(booked, "failed its check: json; not asked again: no time");
	assert_null(land(NULL));
	close_ask();
	/* its fallback was the dear model */
	open_ask(CHAT(IN_JSON), dear);
	ask->model = dear;
	assert_false(say(BROKEN, 100));
	assert_string_equal(booked, "served");
	assert_false(escalate_rejected(ask));
	assert_null(land(NULL));
	close_ask();
	assert_int_equal(next_count, 0);
}

static void
broken_first_attempt_ends_as_ever(void **state)
{
	(void)state;
	open_ask(CHAT(IN_JSON), dear);
	struct buf none = { 0 };
	answer_head(ask->reply.answer, 200, "application/json", &none);
	assert_int_equal(answer_add(ask->reply.answer, STR("{\"choi")), 0);
	const struct err *e = failure();
	assert_ptr_equal(land(e), e);
	assert_int_equal(ask->answer->body.n, 0);
	close_ask();
}

/* ---- streams ---- */

#define PART(text) \
	"data: {\"model\":\"as-told\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define END "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define COUNTS(bill) \
	"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5" bill "}}\n\n"
#define DONE "data: [DONE]\n\n"
#define CHEAP_PICO (7 * 1000000 + 5 * 10000000)
#define STREAM CHAT(IN_JSON ",\"stream\":true,\"stream_options\":{\"include_usage\":true}")

static void
failed_stream_that_is_delivered_after_all_tells_the_sum(void **state)
{
	(void)state;
	open_ask(STREAM, dear);
	assert_true(stream(PART("{") END COUNTS("") DONE, CHEAP_PICO));
	assert_int_equal(ask->answer->state, ANSWER_WAITING);
	escalate_again(ask);
	/* when the dear stream breaks off, and was paid */
	struct buf none = { 0 };
	reply_stream(&ask->reply, 1 << 16, 200, "text/event-stream", &none);
	assert_int_equal(reply_events(&ask->reply, STR(PART("{}"))), 0);
	ask->facts.cost_pico += 1000000;
	assert_null(land(failure()));
	/* then every byte is as it was, but for the sum */
	assert_shown(PART("{") END COUNTS(",\"cost_usd\":0.000058,\"saved_usd\":0.00") DONE);
	assert_int_equal(ask->answer->shown[VIEW_PLAIN], sizeof(PART("{") END DONE) - 1);
	close_ask();
}

static void
failed_stream_costs_what_it_cost_when_the_dear_model_cost_nothing(void **state)
{
	(void)state;
	open_ask(STREAM, dear);
	assert_true(stream(PART("{") END COUNTS("") DONE, CHEAP_PICO));
	escalate_again(ask);
	assert_null(land(failure()));
	assert_shown(PART("{") END COUNTS(",\"cost_usd\":0.000057,\"saved_usd\":0.00") DONE);
	close_ask();
}

static void
head_of_a_withheld_stream_says_nothing_that_may_turn_out_wrong(void **state)
{
	(void)state;
	open_ask(STREAM, dear);
	escalate_head(ask);
	assert_int_equal(ask->answer->state, ANSWER_FLOWING);
	assert_string_equal(ask->answer->facts.model, "");
	escalate_head(ask); /* again, for the second attempt */
	assert_false(stream(PART("{}") END COUNTS("") DONE, CHEAP_PICO));
	assert_null(land(NULL));
	assert_shown(PART("{}") END COUNTS(",\"cost_usd\":0.000057,\"saved_usd\":0.00") DONE);
	close_ask();
}

static void
first_stream_that_breaks_is_shown_as_far_as_it_came(void **state)
{
	(void)state;
	open_ask(STREAM, dear);
	struct buf none = { 0 };
	reply_stream(&ask->reply, 1 << 16, 200, "text/event-stream", &none);
	assert_int_equal(reply_events(&ask->reply, STR(PART("{"))), 0);
	const struct err *e = failure();
	assert_ptr_equal(land(e), e);
	assert_shown(PART("{"));
	assert_false(ask->answer->err_told);
	close_ask();
}

/* ---- what it may spend ---- */

/* 7 tokens in and 5 out, at the prices of either model. */
static const int64_t CHEAP_COST = CHEAP_PICO, DEAR_COST = (int64_t)10 * CHEAP_PICO;

/* Whether a failing answer was asked again; the dear one comes and costs dear_pico. */
static bool
fails_once(int64_t dear_pico)
{
	open_ask(CHAT(IN_JSON), dear);
	bool again = say(BROKEN, CHEAP_COST);
	if (again) {
		escalate_again(ask);
		say(GOOD, dear_pico);
	}
	assert_null(land(NULL));
	close_ask();
	return again;
}

static void
passes(int times)
{
	for (int i = 0; i < times; i++) {
		open_ask(CHAT(IN_JSON), dear);
		assert_false(say(GOOD, CHEAP_COST));
		assert_null(land(NULL));
		close_ask();
	}
}

static int
fail_until_declined(int most)
{
	int n = 0;
	while (n < most && fails_once(DEAR_COST))
		n++;
	return n;
}

static void
answers_that_all_fail_cost_a_share_of_the_dear_model_and_a_credit(void **state)
{
	(void)state;
	house.spend = spend_new();
	/* n of n answers at 1.1 of the dear one's cost: as far as five dear ones */
	assert_int_equal(fail_until_declined(100), 4);
	assert_string_equal(booked, "failed its check: json; not asked again: spend");
	/* then two cheap ones at 0.1 save 0.6 for it, at a share of 0.4 */
	int again = 0, all = 1000;
	for (int i = 5; i < all; i++)
		again += fails_once(DEAR_COST);
	double share = (0.1 * all + 4 + again) / all;
	assert_true(share <= 0.4 && share > 0.398);
	lru_free(&house.spend);
}

static void
what_passes_pays_for_what_fails(void **state)
{
	(void)state;
	house.spend = spend_new();
	passes(100);
	/* 100 have saved 0.3 of a dear answer each; each that fails adds 0.3 and takes 1 */
	int n = fail_until_declined(1000);
	assert_in_range(n, 41, 43);
	lru_free(&house.spend);
}

static void
what_a_dear_answer_costs_counts_and_not_what_was_expected(void **state)
{
	(void)state;
	house.spend = spend_new();
	assert_true(fails_once(10 * DEAR_COST));
	assert_false(fails_once(DEAR_COST));
	lru_free(&house.spend);
	house.spend = spend_new();
	for (int i = 0; i < 20; i++)
		assert_true(fails_once(0));
	lru_free(&house.spend);
}

static void
what_is_on_its_way_is_spent_already(void **state)
{
	(void)state;
	house.spend = spend_new();
	struct ask *asks[5];
	for (int i = 0; i < 5; i++) {
		open_ask(CHAT(IN_JSON), dear);
		assert_int_equal(say(BROKEN, CHEAP_COST), i < 4); /* and no dear answer yet */
		asks[i] = ask;
		answer_part(&reader);
	}
	for (int i = 0; i < 5; i++) {
		ask = asks[i];
		assert_null(land(NULL));
		close_ask();
	}
	/* none of the dear ones came: nothing was spent for them */
	assert_true(fails_once(DEAR_COST));
	lru_free(&house.spend);
}

static void
savings_and_debts_fade(void **state)
{
	(void)state;
	struct spend_account a = { 0 };
	const int64_t day = SPEND_HALF_LIFE_MS, now = 7 * day;
	for (int i = 0; i < 1000; i++)
		spend_cheap(&a, 100, 10, now);
	assert_true(spend_allows(&a, 0.4, 29000, now));
	assert_true(spend_allows(&a, 0.4, 14000, now + day));
	assert_false(spend_allows(&a, 0.4, 16000, now + day));
	assert_false(spend_allows(&a, 0.4, 1000, now + 10 * day));
	struct spend_account b = { 0 };
	spend_cheap(&b, 100, 10, now);
	spend_dear(&b, 600, now);
	assert_false(spend_allows(&b, 0.4, 100, now));
	assert_true(spend_allows(&b, 0.4, 100, now + day));
	/* a clock that goes back does nothing */
	assert_true(spend_allows(&b, 0.4, 100, now));
}

static void
without_a_limit_or_a_price_there_is_none(void **state)
{
	(void)state;
	struct spend_account a = { 0 };
	spend_dear(&a, 1e12, 0);
	assert_true(spend_allows(&a, 0, 100, 0));
	assert_true(spend_allows(&a, 0.4, 0, 0)); /* the dear model is free */
	assert_false(spend_allows(&a, 0.4, 100, 0));
	house.spend = spend_new();
	((struct model_conf *)(uintptr_t)dear)->price.known = false;
	assert_int_equal(fail_until_declined(20), 20);
	lru_free(&house.spend);
}

static void
tasks_have_accounts_of_their_own_and_the_least_used_leave(void **state)
{
	(void)state;
	struct lru *s = spend_new();
	char name[16];
	spend_dear(spend_of(s, STR("first")), 7, 0);
	spend_dear(spend_of(s, STR("used")), 8, 0);
	for (int i = 0; i < SPEND_TASKS_MAX - 1; i++) {
		snprintf(name, sizeof name, "%d", i);
		assert_true(spend_of(s, str_from(name))->spent == 0);
		assert_true(spend_of(s, STR("used"))->spent == 8);
	}
	assert_true(spend_of(s, STR("first"))->spent == 0);
	lru_free(&s);
	lru_free(&s);
}

/* ---- who has none ---- */

static void
who_is_not_routed_is_not_withheld_anything(void **state)
{
	(void)state;
	open_ask(CHAT(""), dear);
	escalate_close(ask);
	ask->reply.answer = ask->answer;
	escalate_open(ask, dear, false);
	assert_null(ask->escalation);
	ask->aside = true;
	escalate_open(ask, dear, true);
	assert_null(ask->escalation);
	/* and all of it accepts that */
	const char *why;
	assert_false(
	    escalate_withholds(ask) || escalate_asks(ask) || escalate_turns(ask) || escalate_rejected(ask));
	assert_false(
	    escalate_judge(ask, &why) || escalate_wants_logprobs(ask) || escalate_blames_logprobs(ask, 400));
	assert_int_equal(escalate_fault(ask), FAULT_NONE);
	escalate_look(ask);
	const struct err *e = failure();
	assert_ptr_equal(escalate_land(ask, e), e);
	close_ask();
}

static void
faults_have_names(void **state)
{
	(void)state;
	assert_string_equal(fault_name(FAULT_NONE), "");
	assert_string_equal(fault_name(fault_of(DEMAND_JSON)), "json");
	assert_string_equal(fault_name(FAULTS - 1), demand_name(DEMAND_KINDS - 1));
	assert_string_equal(fault_name(FAULT_CONFIDENCE), "confidence");
	assert_string_equal(fault_name(FAULTS), "");
	assert_string_equal(fault_name(-1), "");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(passing_answer_is_shown_and_was_good_when_something_was_demanded),
		TEST(passing_without_a_demand_is_no_evidence_and_failing_is),
		TEST(failing_answer_is_asked_again_once_and_both_are_judged),
		TEST(attempt_for_a_better_answer_does_not_wait_for_money_or_take_less_room),
		TEST(cheap_answer_that_is_delivered_after_all_has_its_own_facts),
		TEST(nobody_is_rescued_who_has_left),
		TEST(without_readers_time_or_another_model_nothing_is_asked_again),
		TEST(broken_first_attempt_ends_as_ever),
		TEST(failed_stream_that_is_delivered_after_all_tells_the_sum),
		TEST(failed_stream_costs_what_it_cost_when_the_dear_model_cost_nothing),
		TEST(head_of_a_withheld_stream_says_nothing_that_may_turn_out_wrong),
		TEST(first_stream_that_breaks_is_shown_as_far_as_it_came),
		TEST(answers_that_all_fail_cost_a_share_of_the_dear_model_and_a_credit),
		TEST(what_passes_pays_for_what_fails),
		TEST(what_a_dear_answer_costs_counts_and_not_what_was_expected),
		TEST(what_is_on_its_way_is_spent_already),
		TEST(savings_and_debts_fade),
		TEST(without_a_limit_or_a_price_there_is_none),
		TEST(tasks_have_accounts_of_their_own_and_the_least_used_leave),
		TEST(who_is_not_routed_is_not_withheld_anything),
		TEST(faults_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
