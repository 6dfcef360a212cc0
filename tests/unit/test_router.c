/*
 * Proves src/stages/route*.c: decisions of the router, with a real configuration and budget and no network.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"

#include "../../src/stages/route_private.h"
#include "base/clock.h"
#include "stages/pipeline.h"

static const char file[] =
    "upstreams: { u: { base_url: \"http://127.0.0.1:1/v1\" }, v: { base_url: \"http://127.0.0.1:2/v1\" } }\n"
    "models:\n"
    "  plain: { upstream: u, input_usd: 0.05, output_usd: 0.2, context_tokens: 3000 }\n"
    "  mini: { upstream: v, as: gpt-4o-mini }\n"
    "  dear: { upstream: v, as: gpt-4o }\n"
    "routing:\n"
    "  tiers: { simple: plain, moderate: mini, complex: dear }\n"
    "  reroute: [auto, dear]\n"
    "  explore: 0\n"
    "tasks:\n"
    "  easy: { routing: { thresholds: { simple: 1, moderate: 1 } } }\n"
    "  mid: { routing: { thresholds: { simple: 0, moderate: 1 } } }\n"
    "  hard: { routing: { thresholds: { simple: 0, moderate: 0 } } }\n";

static struct site *site;
static struct budget *budget;
static struct success *success;
static struct router *router;

static int
open_house(void **state)
{
	static const struct budget_events nobody_listens;
	clean_environment(state);
	clock_fake(1000000, INT64_C(1795415041000000));
	site = site_new(good(file));
	budget = budget_new(&nobody_listens);
	success = success_new();
	router = router_new(success, budget, NULL);
	return 0;
}

static int
close_house(void **state)
{
	(void)state;
	router_free(&router);
	success_free(&success);
	budget_free(&budget);
	site_drop(&site);
	return 0;
}

static const struct model_conf *
model(const char *name)
{
	return config_model(site_config(site), str_from(name));
}

/* Read and admitted, as the door does it. To be dropped. */
static void
come(struct exchange *x, const char *task, const char *directives, const char *body)
{
	struct err e = { 0 };
	*x = (struct exchange){ .site = site, .max_age_s = -1, .run_budget_pico = -1 };
	str_copy(x->account, sizeof x->account, STR("local"));
	str_copy(x->task, sizeof x->task, str_from(task));
	str_copy(x->directives, sizeof x->directives, str_from(directives));
	assert_int_equal(buf_add(&x->body, str_from(body)), 0);
	if (pipeline_read(x, ENDPOINT_CHAT, &e) != 0 || route_admit(x, &e) != 0)
		fail_msg("%s", e.text);
}

#define USER(text) "{\"role\":\"user\",\"content\":\"" text "\"}"
#define SAID(text) "{\"role\":\"assistant\",\"content\":\"" text "\"}"
#define ASK(messages) "{\"model\":\"auto\",\"messages\":[" messages "]}"

/* Who is asked; the decision in a line is in told. */
static char told[ROUTE_TEXT];

static const char *
chosen(const char *task, const char *body)
{
	struct exchange x;
	struct err e = { 0 };
	come(&x, task, "", body);
	assert_null(x.model);
	if (route_decide(router, &x, &e) != 0)
		fail_msg("%s", e.text);
	str_copy(told, sizeof told, str_from(x.route));
	const char *name = x.model->name;
	exchange_free_request(&x);
	return name;
}

static void
the_tier_of_the_score_names_the_model(void **state)
{
	(void)state;
	assert_string_equal(chosen("easy", ASK(USER("Hi"))), "plain");
	assert_string_equal(chosen("mid", ASK(USER("Hi"))), "mini");
	assert_string_equal(chosen("hard", ASK(USER("Hi"))), "dear");
	assert_non_null(strstr(told, "complex: dear "));
	assert_non_null(strstr(told, ": the tier's model"));
}

static void
a_fault_is_taken_to_the_complex_tiers_model_unless_the_client_wants_it_cheap(void **state)
{
	(void)state;
	static const struct {
		const char *task, *directives, *stronger;
	} rows[] = { { "easy", "", "dear" }, { "mid", "auto", "dear" }, { "hard", "", NULL },
		{ "easy", "cheap", NULL }, { "easy", "premium", NULL } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct exchange x;
		struct err e;
		come(&x, rows[i].task, rows[i].directives, ASK(USER("Hi")));
		assert_int_equal(route_decide(router, &x, &e), 0);
		const struct model_conf *stronger = route_stronger(&x);
		assert_true(
		    rows[i].stronger == NULL ? stronger == NULL : stronger == model(rows[i].stronger));
		assert_ptr_equal(x.instead_of, model("dear"));
		exchange_free_request(&x);
	}
}

static void
a_model_that_rests_is_passed_over_upwards_only(void **state)
{
	(void)state;
	site_rest(site, model("plain"), clock_ms() + 60000);
	assert_string_equal(chosen("easy", ASK(USER("Hi"))), "mini");
	assert_non_null(strstr(told, "not plain, its provider rests"));
	site_rest(site, model("dear"), clock_ms() + 60000);
	assert_string_equal(chosen("hard", ASK(USER("Hi"))), "dear");
	site_rest(site, model("mini"), clock_ms() + 60000);
	assert_string_equal(chosen("easy", ASK(USER("Hi"))), "plain"); /* nobody is better off */
}

static void
a_provider_that_failed_is_passed_over(void **state)
{
	(void)state;
	struct circuit *c = provider_circuit(site_provider(site, model("plain")->upstream));
	for (int i = 0; i < 100 && circuit_wait_ms(c, clock_ms()) == 0; i++)
		circuit_report(c, circuit_ask(c, clock_ms()), CIRCUIT_BAD, clock_ms());
	assert_true(circuit_wait_ms(c, clock_ms()) > 0);
	assert_string_equal(chosen("easy", ASK(USER("Hi"))), "mini");
	clock_fake(clock_us() + 3600 * INT64_C(1000000), INT64_C(1795415041000000));
	assert_string_equal(chosen("easy", ASK(USER("Hi"))), "plain");
}

static void
observe(const char *name, enum tier tier, double how_good, int times)
{
	for (int i = 0; i < times; i++)
		success_observe(success, &(struct success_seen){ .task = STR("mid"),
					     .tier = tier,
					     .model = str_from(name),
					     .source = SUCCESS_FEEDBACK,
					     .good = how_good,
					     .now_ms = clock_wall_us() / 1000 });
}

static void
what_was_learned_of_the_task_moves_its_choice(void **state)
{
	(void)state;
	assert_string_equal(chosen("mid", ASK(USER("Hi"))), "mini");
	observe("mini", TIER_MODERATE, 0, 300);
	assert_string_equal(chosen("mid", ASK(USER("Hi"))), "dear");
	assert_null(strstr(told, "the tier's model"));
	assert_string_equal(chosen("hard", ASK(USER("Hi"))), "dear");
	assert_string_equal(chosen("easy", ASK(USER("Hi"))), "plain"); /* other tasks learn on their own */
}

static void
a_conversation_stays_and_moves_up(void **state)
{
	(void)state;
	assert_string_equal(chosen("mid", ASK(USER("a"))), "mini");
	assert_string_equal(chosen("easy", ASK(USER("a") "," SAID("b") "," USER("c"))), "mini");
	assert_non_null(strstr(told, "the conversation's model"));
	assert_string_equal(chosen("hard", ASK(USER("a") "," SAID("b") "," USER("d"))), "dear");
	assert_string_equal(chosen("mid", ASK(USER("a") "," SAID("b") "," USER("e"))), "dear");
	/* another beginning, or the first turn again */
	assert_string_equal(chosen("easy", ASK(USER("x") "," SAID("b") "," USER("c"))), "plain");
	assert_string_equal(chosen("easy", ASK(USER("a"))), "plain");
	/* an hour later */
	assert_string_equal(chosen("hard", ASK(USER("a") "," SAID("b") "," USER("d"))), "dear");
	clock_fake(clock_us() + 3601 * INT64_C(1000000), clock_wall_us() + 3601 * INT64_C(1000000));
	assert_string_equal(chosen("easy", ASK(USER("a") "," SAID("b") "," USER("c"))), "plain");
}

static void
foreseeing_leaves_no_trace(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct exchange x;
		struct route_choice choice;
		struct err e;
		come(&x, "hard", "", ASK(USER("a")));
		assert_int_equal(route_foresee(router, &x, &choice, &e), 0);
		assert_ptr_equal(choice.model, model("dear"));
		assert_null(x.model);
		assert_int_equal(choice.count, 3);
		assert_true(choice.options[0].cost_pico < choice.options[1].cost_pico &&
			    choice.options[1].cost_pico < choice.options[2].cost_pico);
		exchange_free_request(&x);
	}
	assert_string_equal(chosen("easy", ASK(USER("a") "," SAID("b") "," USER("c"))), "plain");
}

static void
the_output_that_is_expected_follows_the_tasks_answers(void **state)
{
	(void)state;
	static const char *const from[] = { "what is usual", "the limit asked for",
		"the mean of this task and tier" };
	for (int i = 0; i < 3; i++) {
		struct exchange x;
		struct route_choice choice;
		struct err e;
		come(&x, "mid", "",
		    i == 1 ? "{\"model\":\"auto\",\"max_tokens\":30,\"messages\":[" USER("a") "]}"
			   : ASK(USER("a")));
		if (i == 2)
			for (int k = 0; k < 20; k++)
				route_landed(router, "mid", TIER_MODERATE, 90);
		assert_int_equal(route_foresee(router, &x, &choice, &e), 0);
		assert_string_equal(choice.output_from, from[i]);
		assert_int_equal(choice.output, i == 0 ? 400 : i == 1 ? 30 : 90);
		exchange_free_request(&x);
	}
}

static void
tables_do_not_grow_beyond_their_bounds(void **state)
{
	(void)state;
	struct lru *s = sessions_new(), *o = outputs_new();
	struct digest first = { 0 }, second = { 0 };
	for (int i = 0; i < SESSIONS_MAX + 2; i++) {
		struct digest key = digest_of((struct str){ (const char *)&i, sizeof i });
		first = i == 0 ? key : first;
		second = i == 1 ? key : second;
		session_note(s, &key, "m", 1);
		if (i == SESSIONS_MAX - 1)
			session_note(s, &first, "m", 1); /* used again: not the first to go */
	}
	assert_int_equal(lru_count(s), SESSIONS_MAX);
	assert_non_null(session_find(s, &first, 1000));
	assert_null(session_find(s, &second, 1000));
	lru_free(&s);
	for (int i = 0; i < OUTPUTS_MAX + 10; i++) {
		char task[32];
		snprintf(task, sizeof task, "t%d", i);
		output_note(o, task, TIER_SIMPLE, 5);
		output_note(o, "t0", TIER_SIMPLE, 5); /* in use: names that were made up go first */
	}
	output_note(o, "late", TIER_SIMPLE, 7);
	output_note(o, "late", TIER_SIMPLE, INT64_C(1) << 53); /* a provider that miscounts */
	assert_int_equal(lru_count(o), OUTPUTS_MAX);
	assert_int_equal(output_expected(o, "t0", TIER_SIMPLE), 5);
	assert_int_equal(output_expected(o, "t1", TIER_SIMPLE), -1);
	assert_int_equal(output_expected(o, "late", TIER_SIMPLE), 7);
	assert_int_equal(output_expected(o, "t0", TIER_COMPLEX), -1);
	output_note(o, "t0", TIER_PINNED, 5); /* nobody decided */
	lru_free(&o);
}

static void
the_line_is_cut_to_fit_and_tells_nothing_of_the_prompt(void **state)
{
	(void)state;
	static const char prompt[] =
	    "Please refund zanzibar zanzibar zanzibar and prove by induction that quux holds.";
	struct buf body = { 0 };
	assert_int_equal(
	    buf_printf(
		&body, "{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}", prompt),
	    0);
	chosen("mid", buf_text(&body));
	assert_true(strlen(told) > 40 && strlen(told) < ROUTE_TEXT);
	assert_null(strstr(told, "zanzibar"));
	assert_null(strstr(told, "quux"));
	buf_free(&body);
}

int
main(void)
{
#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)
	const struct CMUnitTest tests[] = {
		IN_HOUSE(the_tier_of_the_score_names_the_model),
		IN_HOUSE(a_fault_is_taken_to_the_complex_tiers_model_unless_the_client_wants_it_cheap),
		IN_HOUSE(a_model_that_rests_is_passed_over_upwards_only),
		IN_HOUSE(a_provider_that_failed_is_passed_over),
		IN_HOUSE(what_was_learned_of_the_task_moves_its_choice),
		IN_HOUSE(a_conversation_stays_and_moves_up),
		IN_HOUSE(foreseeing_leaves_no_trace),
		IN_HOUSE(the_output_that_is_expected_follows_the_tasks_answers),
		IN_HOUSE(tables_do_not_grow_beyond_their_bounds),
		IN_HOUSE(the_line_is_cut_to_fit_and_tells_nothing_of_the_prompt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
