/*
 * Proves src/stages/batch_checked.c: which answers are noted, on which side, and as what. Real asks and answers; the watch is the real one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"

#include "../../src/stages/batch_checked.h"
#include "../../src/stages/judgement.h"
#include "base/clock.h"
#include "base/log.h"

static struct site *site;
static struct loop *loop;
static struct gateway_metrics *metrics;
static struct ask_house house;
static struct batch_quality *q;
static struct ask *ask;
static struct reader reader;

void
ask_next(struct ask *a)
{
	(void)a;
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

static int
set_up(void **state)
{
	clean_environment(state);
	log_setup(LOG_SILENT, false);
	struct config *config = good("upstreams: { u: { base_url: 'http://127.0.0.1:1/v1' } }\n"
				     "models:\n"
				     "  cheap: { upstream: u, input_usd: 1, output_usd: 10 }\n"
				     "  dear: { upstream: u, input_usd: 10, output_usd: 100 }\n"
				     "routing:\n"
				     "  tiers: { simple: cheap, moderate: cheap, complex: dear }\n"
				     "  escalate: { streams: true, confidence: 0.5 }\n"
				     "tasks: { titles: {} }\n");
	loop = loop_new();
	site = site_new(config);
	metrics = gateway_metrics_new();
	house = (struct ask_house){ .loop = loop, .metrics = metrics };
	q = batch_quality_new(loop, NULL);
	batch_quality_use(q, config);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	batch_quality_free(&q);
	gateway_metrics_free(&metrics);
	site_drop(&site);
	loop_free(&loop);
	log_setup(LOG_INFO, false);
	return 0;
}

#define CHAT(more) \
	"{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"What is a farthing?\"}]" more "}"
#define IN_JSON ",\"response_format\":{\"type\":\"json_object\"}"
#define SAID(content, more)                                                                       \
	"{\"model\":\"cheap\",\"choices\":[{\"message\":{\"content\":\"" content "\"}" more "}]," \
	"\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}"
#define STOP ",\"finish_reason\":\"stop\""

static void
open_ask(const char *body, bool escalates)
{
	struct request_context context = {
		.config = site_config(site), .scope = "local", .directives = "", .task = "titles"
	};
	struct buf bytes = { 0 };
	struct err e;
	ask = must_alloc(sizeof *ask);
	ask->house = &house;
	ask->site = site;
	assert_int_equal(buf_add(&bytes, str_from(body)), 0);
	if (request_read(&ask->request, ENDPOINT_CHAT, &bytes, &context, &e) != 0)
		fail_msg("%s", e.text);
	ask->request.model = ask->model = config_model(site_config(site), STR("cheap"));
	ask->charge.price = ask->model->price;
	ask->deadline_ms = clock_ms() + 600000;
	str_copy(ask->task, sizeof ask->task, STR("titles"));
	str_copy(ask->charge.payer.task, sizeof ask->charge.payer.task, STR("titles"));
	ask->answer =
	    answer_new(ask->request.stream ? ANSWER_EVENTS : ANSWER_BODY, 1 << 20, 1 << 20, &writer, NULL);
	reader = (struct reader){ .wake = on_wake, .view = VIEW_ASKED };
	answer_join(ask->answer, &reader);
	reply_start(&ask->reply, ENDPOINT_CHAT, ask->answer);
	if (escalates)
		escalate_open(ask, config_model(site_config(site), STR("dear")), true);
}

static void
say(const char *body)
{
	struct buf headers = { 0 };
	struct err e;
	const char *why;
	answer_head(ask->reply.answer, 200, "application/json", &headers);
	assert_int_equal(answer_add(ask->reply.answer, str_from(body)), 0);
	assert_int_equal(reply_body(&ask->reply, str_from(body), &e), 0);
	if (escalate_judge(ask, &why))
		escalate_again(ask);
}

/* It lands, and is noted. */
static void
land(bool batched)
{
	assert_null(escalate_land(ask, NULL));
	batch_checked(q, ask, batched);
	answer_whole(ask->answer);
	answer_part(&reader);
	answer_leave(&ask->answer);
	escalate_close(ask);
	reply_free(&ask->reply);
	request_free(&ask->request);
	free(ask->failure);
	free(ask);
}

static struct batch_quality_view view;

static void
on_view(void *context, const struct batch_quality_view *v)
{
	(void)context;
	assert_string_equal(v->task, "titles");
	assert_int_equal(v->evidence, BATCH_CHECKED);
	view = *v;
}

static void
assert_noted(int batched, int batched_good, int single, int single_good)
{
	view = (struct batch_quality_view){ 0 };
	batch_quality_list(q, on_view, NULL);
	assert_int_equal((int)(view.batched_count + 0.5), batched);
	assert_int_equal((int)(view.batched_count * view.batched_good + 0.5), batched_good);
	assert_int_equal((int)(view.single_count + 0.5), single);
	assert_int_equal((int)(view.single_count * view.single_good + 0.5), single_good);
}

static void
an_answer_that_meets_its_demands_is_good_on_its_side(void **state)
{
	(void)state;
	open_ask(CHAT(IN_JSON), false);
	say(SAID("{}", STOP));
	land(true);
	assert_noted(1, 1, 0, 0);
	open_ask(CHAT(IN_JSON), false);
	say(SAID("{", STOP));
	land(true);
	assert_noted(2, 1, 0, 0);
	open_ask(CHAT(IN_JSON), false);
	say(SAID("{", STOP));
	land(false);
	assert_noted(2, 1, 1, 0);
}

static void
a_request_that_demands_nothing_counts_unless_it_is_refused(void **state)
{
	(void)state;
	open_ask(CHAT(""), false);
	say(SAID("A quarter of a penny.", STOP));
	land(true);
	open_ask(CHAT(""), false);
	say(SAID("I'm sorry, but I can't help with that request.", STOP));
	land(true);
	assert_noted(2, 1, 0, 0);
}

static void
what_the_dear_model_mended_was_not_good(void **state)
{
	(void)state;
	open_ask(CHAT(IN_JSON), true);
	say(SAID("{", STOP));
	assert_true(escalate_asks(ask));
	say(SAID("{}", STOP));
	land(true);
	assert_noted(1, 0, 0, 0);
}

/* A batched answer has no probabilities, so single ones are not judged by them. */
static void
how_sure_a_model_was_is_not_compared(void **state)
{
	(void)state;
	open_ask(CHAT(""), false);
	say(SAID(
	    "A quarter of a penny.", STOP ",\"logprobs\":{\"content\":[{\"token\":\"A\",\"logprob\":-4}]}"));
	land(false);
	assert_noted(0, 0, 1, 1);
	open_ask(CHAT(""), true);
	say(SAID(
	    "A quarter of a penny.", STOP ",\"logprobs\":{\"content\":[{\"token\":\"A\",\"logprob\":-4}]}"));
	assert_int_equal(escalate_fault(ask), FAULT_CONFIDENCE);
	say(SAID("A quarter of a penny.", STOP));
	land(false);
	assert_noted(0, 0, 1, 1);
}

static void
a_stream_is_checked_as_what_it_says(void **state)
{
	(void)state;
	struct buf none = { 0 };
	open_ask(CHAT(",\"stream\":true" IN_JSON), false);
	reply_price(&ask->reply, &ask->charge.price, false, 0);
	reply_stream(&ask->reply, 1 << 16, 200, "text/event-stream", &none);
	const char *events =
	    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"{\"},"
	    "\"finish_reason\":null}]}\n\n"
	    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
	    "data: [DONE]\n\n";
	assert_int_equal(reply_events(&ask->reply, str_from(events)), 0);
	land(true);
	assert_noted(1, 0, 0, 0);
}

static void
where_nothing_can_be_said_nothing_is_noted(void **state)
{
	(void)state;
	/* the question is gone */
	open_ask(CHAT(IN_JSON), false);
	say(SAID("{}", STOP));
	request_free(&ask->request);
	land(true);
	/* the answer is too large to be looked at on the loop */
	struct buf large = { 0 };
	open_ask(CHAT(IN_JSON), false);
	buf_add(&large, STR("{\"model\":\"cheap\",\"choices\":[{\"message\":{\"content\":\""));
	for (int i = 0; i < JUDGEMENT_MAX; i++)
		buf_add_c(&large, 'x');
	buf_add(&large, STR("\"},\"finish_reason\":\"stop\"}]}"));
	buf_add_c(&large, '\0');
	say(large.p);
	land(true);
	buf_free(&large);
	assert_noted(0, 0, 0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_that_meets_its_demands_is_good_on_its_side),
		TEST(a_request_that_demands_nothing_counts_unless_it_is_refused),
		TEST(what_the_dear_model_mended_was_not_good),
		TEST(how_sure_a_model_was_is_not_compared),
		TEST(a_stream_is_checked_as_what_it_says),
		TEST(where_nothing_can_be_said_nothing_is_noted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
