/*
 * Proves src/stages/ride*.c among all the stages: who travels together, what each pays, and what becomes of everybody when something
 * goes wrong on the way.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ride_help.h"

#include <fcntl.h>

static struct person a, b, c, d;

/* A hundred tokens of input and twenty of output for each. */
#define SHARE (100 * 1000000 + 20 * 10000000)

/* Three wait for each other, and their call has been heard. */
static void
ride_out(void)
{
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	await_requests(1);
	assert_int_equal(heard[0].seats, 3);
}

static void
depart_all(void)
{
	while (people_count > 0)
		depart(people[0], people[0]->x.reader.answer->err == NULL ? 200 : 502);
}

static void
assert_all_failed_with(const char *code)
{
	for (int i = 0; i < people_count; i++)
		assert_string_equal(error_of(people[i]), code);
}

static void
assert_all_served(void)
{
	for (int i = 0; i < people_count; i++)
		assert_served(people[i]);
}

/* From that request on, each single one is answered. */
static void
answer_singles(int from)
{
	for (int i = from; i < heard_count; i++) {
		assert_int_equal(heard[i].seats, 0);
		if (!heard[i].answered)
			answer(i, WELL);
	}
}

/* ---- together ---- */

static void
each_member_gets_its_own_answer_and_pays_its_share(void **state)
{
	(void)state;
	come(&a, "red mug");
	come_streaming(&b, "blue mug");
	come(&c, "green mug");
	await_requests(1);
	assert_true(heard[0].limit >= 3 * 100);
	answer(0, (struct said){ .swapped = true });
	await(all_have_ended);
	assert_all_served();
	assert_int_equal(facts_of(&a)->batch_place, 1);
	assert_int_equal(facts_of(&c)->batch_size, 3);
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 0 AND basis = 1"), 3);
	assert_int_equal(booked("SELECT sum(cost_pico) FROM requests"), 3 * SHARE);
	assert_int_equal(
	    booked("SELECT cost_pico FROM batches WHERE members = 3 AND answered = 3"), 3 * SHARE);
}

static void
one_that_failed_is_asked_again_and_no_other(void **state)
{
	(void)state;
	ride_out();
	answer(0, (struct said){ .missing = 1 << 1 });
	await_requests(2);
	assert_string_equal(heard[1].texts[0], "blue mug");
	answer(1, WELL);
	await(all_have_ended);
	assert_all_served();
	assert_int_equal(facts_of(&b)->batch_size, 0);
	assert_int_equal(facts_of(&b)->attempts, 2);
	depart_all();
	assert_int_equal(booked("SELECT answered FROM batches"), 2);
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE batch <> ''"), 3);
}

static void
what_nobody_limits_is_sent_without_a_limit(void **state)
{
	(void)state;
	config->budget.daily_pico = config->tasks[0].budget.request_pico = -1;
	next_one.more = "";
	ride_out();
	assert_int_equal(heard[0].limit, -1);
	answer(0, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	/* but where a budget does, the model may write what is held for all */
	config->budget.daily_pico = INT64_C(100000000000000);
	come(&a, "one mug");
	come(&b, "two mugs");
	come(&c, "three mugs");
	await_requests(2);
	assert_true(heard[1].limit > 0);
	answer(1, WELL);
	await(all_have_ended);
	depart_all();
}

static struct str
written_to(const char *name, struct buf *all)
{
	FILE *f = fopen(name, "rb");
	char bytes[4096];
	assert_non_null(f);
	for (size_t n; (n = fread(bytes, 1, sizeof bytes, f)) > 0;)
		buf_add(all, (struct str){ bytes, n });
	fclose(f);
	return buf_str(all);
}

static void
neither_books_nor_log_have_a_word_of_what_was_asked_or_answered(void **state)
{
	(void)state;
	char log[96], wal[112];
	struct buf all = { 0 };
	snprintf(log, sizeof log, "%s/log", folder);
	snprintf(wal, sizeof wal, "%s-wal", path);
	/* given a log that tells all it can */
	fflush(stderr);
	int real = dup(STDERR_FILENO), fd = open(log, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(real >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	log_setup(LOG_DEBUG, false);
	/* when parts fail, a provider quotes what it was sent, and a usage is far beyond its bound */
	ride_out();
	answer(0, (struct said){ .missing = 1, .model = "gpt-4o" });
	await_requests(2);
	answer(1, (struct said){ .usage = "{\"prompt_tokens\":90000,\"completion_tokens\":9}" });
	await(all_have_ended);
	depart_all();
	next_one.account = "other";
	come(&a, "one mug");
	come(&b, "two mugs");
	come(&c, "three mugs");
	await_requests(3);
	answer(2, (struct said){ .status = "400 Bad",
		      .body = "{\"error\":{\"message\":\"two mugs\",\"code\":\"mug\"}}" });
	await_requests(6);
	answer_singles(3);
	await(all_have_ended);
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM batches"), 2);
	log_setup(LOG_SILENT, false);
	fflush(stderr);
	dup2(real, STDERR_FILENO);
	close(real);
	close(fd);
	/* then all of it was told without a word of theirs */
	written_to(log, &all);
	assert_true(str_find(buf_str(&all), STR("travelled batch=")) >= 0);
	written_to(path, &all);
	written_to(wal, &all);
	assert_true(str_find(buf_str(&all), STR("mug")) < 0);
	assert_true(str_find(buf_str(&all), STR("Answer to")) < 0);
	assert_true(str_find(buf_str(&all), STR("superlatives")) < 0);
	buf_free(&all);
}

/* ---- who leaves ---- */

static void
call_goes_on_for_those_who_stay(void **state)
{
	(void)state;
	ride_out();
	depart(&b, 499);
	assert_int_equal(pipeline_under_way(pipeline), 3);
	answer(0, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT sum(cost_pico) FROM requests"), 3 * SHARE);
	assert_int_equal(booked("SELECT count(*) FROM requests WHERE status = 499 AND cost_pico > 0"), 1);
}

static void
failed_part_of_one_that_left_is_not_asked_again(void **state)
{
	(void)state;
	ride_out();
	depart(&b, 499);
	answer(0, (struct said){ .missing = 1 << 1 });
	await(nothing_is_under_way);
	depart_all();
	assert_int_equal(heard_count, 1);
}

static void
call_that_nobody_reads_is_cancelled(void **state)
{
	(void)state;
	ride_out();
	depart(&b, 499);
	depart(&a, 499);
	assert_int_equal(pipeline_under_way(pipeline), 3);
	depart(&c, 499);
	assert_int_equal(pipeline_under_way(pipeline), 0);
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 4 AND basis = 3"), 3);
	assert_int_equal(booked("SELECT outcome = 4 AND answered = 0 FROM batches"), 1);
}

static void
cancelled_call_is_charged_by_what_was_sent_where_estimates_do(void **state)
{
	(void)state;
	config->tasks[0].budget.strict = false;
	ride_out();
	depart(&b, 499);
	depart(&a, 499);
	depart(&c, 499);
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 4 AND basis = 2"), 3);
}

static void
drained_call_tells_what_each_costs(void **state)
{
	(void)state;
	config->tasks[0].budget.on_disconnect = DISCONNECT_DRAIN;
	ride_out();
	depart(&b, 499);
	depart(&a, 499);
	depart(&c, 499);
	assert_int_equal(pipeline_under_way(pipeline), 3);
	answer(0, WELL);
	await(nothing_is_under_way);
	assert_int_equal(booked("SELECT sum(cost_pico) FROM requests WHERE status = 499"), 3 * SHARE);
}

static void
drained_call_that_fails_is_not_tried_again(void **state)
{
	(void)state;
	config->tasks[0].budget.on_disconnect = DISCONNECT_DRAIN;
	ride_out();
	depart(&b, 499);
	depart(&a, 499);
	depart(&c, 499);
	answer(0, (struct said){ .status = "500 Oops" });
	await(nothing_is_under_way);
	assert_int_equal(heard_count, 1);
	assert_int_equal(booked("SELECT sum(cost_pico) FROM requests"), 0);
}

static void
who_asks_again_finds_the_drained_call(void **state)
{
	(void)state;
	config->tasks[0].budget.on_disconnect = DISCONNECT_DRAIN;
	config->tasks[0].budget.drain_ms = 20;
	ride_out();
	depart(&c, 499);
	depart(&a, 499);
	depart(&b, 499);
	come(&d, "blue mug");
	assert_int_equal(d.x.cache, CACHE_COALESCED);
	answer(0, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(heard_count, 1);
}

static void
drain_ends_with_its_time(void **state)
{
	(void)state;
	config->tasks[0].budget.on_disconnect = DISCONNECT_DRAIN;
	config->tasks[0].budget.drain_ms = 1;
	ride_out();
	depart(&a, 499);
	depart(&b, 499);
	depart(&c, 499);
	await(nothing_is_under_way);
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 4"), 3);
}

static void
who_leaves_a_room_is_not_waited_for(void **state)
{
	(void)state;
	come(&a, "red mug");
	come(&b, "blue mug");
	depart(&a, 499);
	assert_int_equal(pipeline_waiting(pipeline), 1);
	come(&c, "green mug");
	come(&d, "white mug");
	await_requests(1);
	assert_int_equal(heard[0].seats, 3);
	answer(0, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT cost_pico = 0 FROM requests WHERE status = 499"), 1);
}

/* ---- the end of the gateway ---- */

static void
stop(void)
{
	struct err e;
	err_set(&e, 503, "server_shutting_down", "The gateway stops.");
	pipeline_break_all(pipeline, &e);
	assert_int_equal(pipeline_under_way(pipeline), 0);
	assert_all_failed_with("server_shutting_down");
}

static void
stopping_ends_rides_and_rooms(void **state)
{
	(void)state;
	ride_out();
	come(&d, "white mug");
	assert_int_equal(pipeline_waiting(pipeline), 1);
	stop();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 4 AND batch <> ''"), 3);
	assert_int_equal(booked("SELECT count(*) FROM attempts"), 3);
}

static void
draining_opens_the_rooms(void **state)
{
	(void)state;
	come(&a, "red mug");
	come(&b, "blue mug");
	pipeline_drain(pipeline);
	await_requests(1);
	assert_int_equal(heard[0].seats, 2);
	come(&c, "green mug");
	await_requests(2);
	answer(0, WELL);
	answer(1, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
}

static void
stopping_before_the_holds_are_on_the_disk_sends_nothing(void **state)
{
	(void)state;
	config->budget.power_safe = true;
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	stop();
	depart_all();
	assert_nothing_is_held();
	assert_int_equal(booked("SELECT count(*) FROM attempts"), 0);
	assert_int_equal(heard_count, 0);
	/* and the loop has no job of the dead */
	pipeline_free(&pipeline);
	turn();
	pipeline = begin();
}

/* ---- holds that must be on the disk first ---- */

static void
ride_waits_for_the_disk(void **state)
{
	(void)state;
	config->budget.power_safe = true;
	ride_out();
	answer(0, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
}

static void
who_leaves_before_the_holds_are_on_the_disk_is_not_paid_for(void **state)
{
	(void)state;
	config->budget.power_safe = true;
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	depart(&b, 499);
	await_requests(1);
	assert_int_equal(heard[0].seats, 2);
	answer(0, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT cost_pico = 0 FROM requests WHERE status = 499"), 1);
	assert_int_equal(booked("SELECT members FROM batches"), 2);
}

static void
who_is_left_of_those_goes_alone(void **state)
{
	(void)state;
	config->budget.power_safe = true;
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	depart(&b, 499);
	depart(&a, 499);
	await_requests(1);
	assert_int_equal(heard[0].seats, 0);
	answer(0, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts"), 1);
}

static struct circuit *
circuit(void)
{
	return provider_circuit(site_provider(site, &config->upstreams[0]));
}

static bool
nobody_probes(void)
{
	return !circuit()->probing;
}

static void
all_who_leave_before_that_keep_no_circuit_from_closing(void **state)
{
	(void)state;
	config->budget.power_safe = true;
	circuit_init(circuit(), 1, 1000, 0);
	circuit_report(circuit(), CIRCUIT_CLOSED, CIRCUIT_BAD, clock_ms());
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	assert_false(nobody_probes());
	depart(&a, 499);
	depart(&b, 499);
	depart(&c, 499);
	assert_true(nobody_probes());
	turn();
	assert_int_equal(booked("SELECT count(*) FROM attempts"), 0);
}

/* ---- what has changed while they waited ---- */

static void
revoked_key_sends_nothing(void **state)
{
	(void)state;
	struct key key = { .name = "shop", .limits = ACCOUNT_UNLIMITED };
	next_one.account = "shop";
	next_one.key = &key;
	come(&a, "red mug");
	come(&b, "blue mug");
	key.revoked = true;
	come(&c, "green mug");
	await(all_have_ended);
	assert_all_failed_with("invalid_api_key");
	assert_int_equal(heard_count, 0);
	depart_all();
}

static void
requests_of_two_configurations_do_not_meet(void **state)
{
	(void)state;
	come(&a, "red mug");
	come(&b, "blue mug");
	struct site *old = site;
	struct sockaddr_in at;
	socklen_t size = sizeof at;
	assert_int_equal(getsockname(listener.fd, (struct sockaddr *)&at, &size), 0);
	config = configure(ntohs(at.sin_port));
	site = site_new(config);
	pipeline_use(pipeline, config);
	site_drop(&old);
	come(&c, "green mug");
	assert_int_equal(pipeline_waiting(pipeline), 3);
	come(&d, "white mug");
	pipeline_drain(pipeline);
	await_requests(2);
	assert_int_equal(heard[0].seats, 2);
	assert_int_equal(heard[1].seats, 2);
	answer(0, WELL);
	answer(1, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
}

/* ---- money ---- */

#define LONG_TEXT                                                                                          \
	"a mug that is so large that its price cannot be held together with what it takes to travel, and " \
	"whose description has many words about its handle, its colour, its weight, its shape, its "       \
	"history and all the people who drank from it, one after another, for years and years and years"

static void
who_cannot_pay_for_the_envelope_goes_alone(void **state)
{
	(void)state;
	/* given a limit that one request keeps alone, and not together with others */
	struct budget_stats s;
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	budget_stats(pipeline_budget(pipeline), &s);
	int64_t each = s.held_pico / 3;
	await_requests(1);
	answer(0, WELL);
	await(all_have_ended);
	depart_all();
	config->tasks[0].budget.request_pico = each + 20 * 1000000;
	/* when one has a longer text than the others */
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, LONG_TEXT);
	await_requests(3);
	int single = heard[1].seats == 0 ? 1 : 2, both = 3 - single;
	assert_int_equal(heard[both].seats, 2);
	answer(single, WELL);
	answer(both, WELL);
	await(all_have_ended);
	assert_served(&a);
	assert_served(&b);
	assert_string_equal(error_of(&c), "");
	assert_non_null(strstr(c.x.decision, "alone: its budgets do not hold that much"));
	depart_all();
}

static void
who_is_left_when_the_others_cannot_pay_goes_alone(void **state)
{
	(void)state;
	config->tasks[0].budget.request_pico = INT64_C(1900000000);
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	await_requests(3);
	answer_singles(0);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE batch <> ''"), 0);
}

static void
both_attempts_of_a_failed_part_stay_within_the_limit_on_one_request(void **state)
{
	(void)state;
	/* given a limit that holds the envelope's bound, and less than that and an attempt alone */
	config->tasks[0].budget.request_pico = INT64_C(3000000000);
	ride_out();
	/* when the first attempt takes nearly all of what was held */
	answer(0, (struct said){ .missing = 1 << 1,
		      .usage = "{\"prompt_tokens\":1200,\"completion_tokens\":500,\"total_tokens\":1700}" });
	await_requests(2);
	answer(1, (struct said){
		      .usage = "{\"prompt_tokens\":700,\"completion_tokens\":90,\"total_tokens\":790}" });
	await(all_have_ended);
	depart_all();
	assert_int_equal(booked("SELECT sum(cost_pico) > 2000000000 FROM attempts WHERE number = 1"), 1);
	/* then the second one holds no more than what the first has left */
	assert_int_equal(
	    booked("SELECT first.cost_pico + second.held_pico <= 3000000000 FROM attempts first JOIN "
		   "attempts second USING (request_id) WHERE first.number = 1 AND second.number = 2"),
	    1);
}

/* How a provider words a schema in its prompt nobody can count. */
static void
missing_usage_costs_what_was_held(void **state)
{
	(void)state;
	ride_out();
	answer(0, (struct said){ .usage = "" });
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE basis = 3 AND outcome = 0"), 3);
	assert_int_equal(booked("SELECT basis FROM batches"), COST_HELD);
}

static void
missing_usage_is_estimated(void)
{
	ride_out();
	answer(0, (struct said){ .usage = "" });
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE basis = 2 AND outcome = 0"), 3);
	assert_int_equal(booked("SELECT basis FROM batches"), COST_ESTIMATED);
}

static void
missing_usage_is_counted_where_it_can_be(void **state)
{
	(void)state;
	config->models[0].json_schema = false;
	missing_usage_is_estimated();
}

static void
missing_usage_is_counted_in_estimate_mode(void **state)
{
	(void)state;
	config->tasks[0].budget.strict = false;
	missing_usage_is_estimated();
}

static void
senseless_usage_is_none(void **state)
{
	(void)state;
	ride_out();
	answer(0, (struct said){ .usage = "{\"prompt_tokens\":-1,\"completion_tokens\":5}" });
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE basis = 3 AND outcome = 0"), 3);
}

static void
dearer_model_that_answered_is_paid(void **state)
{
	(void)state;
	ride_out();
	answer(0, (struct said){ .model = "gpt-4o" });
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT sum(cost_pico) > 900000000 FROM attempts"), 1);
	assert_int_equal(booked("SELECT (SELECT sum(cost_pico) FROM attempts) = cost_pico FROM batches"), 1);
}

static void
one_fee_is_paid_for_all(void **state)
{
	(void)state;
	next_one.model = "tolled";
	ride_out();
	answer(0, (struct said){ .missing = 1 });
	await_requests(2);
	answer(1, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT sum(price_fee) FROM attempts WHERE batch <> ''"), 100000);
	assert_int_equal(booked("SELECT price_fee FROM attempts WHERE batch IS NULL OR batch = ''"), 100000);
	assert_int_equal(booked("SELECT cost_pico FROM batches"), 3 * SHARE + 100000);
}

static void
model_that_is_free_goes_alone(void **state)
{
	(void)state;
	next_one.model = "gratis";
	come(&a, "red mug");
	await_requests(1);
	assert_int_equal(heard[0].seats, 0);
	answer(0, WELL);
	await(all_have_ended);
	depart_all();
}

static void
usage_beyond_the_bound_is_charged_and_freezes_the_key(void **state)
{
	(void)state;
	ride_out();
	answer(
	    0, (struct said){
		   .usage = "{\"prompt_tokens\":900000,\"completion_tokens\":9,\"total_tokens\":900009}" });
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE overrun = 1"), 3);
	assert_int_equal(booked("SELECT cost_pico FROM batches"), INT64_C(900000) * 1000000 + 9 * 10000000);
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	await(all_have_ended);
	assert_string_equal(error_of(&a), "insufficient_quota");
	depart_all();
	assert_int_equal(heard_count, 1);
}

static void
usage_that_costs_more_than_can_be_counted_costs_what_was_held(void **state)
{
	(void)state;
	ride_out();
	/* each share could be counted, the whole cannot */
	answer(0, (struct said){ .usage = "{\"prompt_tokens\":10000000000000,\"completion_tokens\":0,"
					  "\"total_tokens\":10000000000000}" });
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(
	    booked("SELECT count(*) FROM attempts WHERE basis = 3 AND cost_pico = held_pico"), 3);
}

/* ---- the provider ---- */

static void
open_circuit_sends_nobody(void **state)
{
	(void)state;
	circuit_init(circuit(), 1, 60000, 60000);
	circuit_report(circuit(), CIRCUIT_CLOSED, CIRCUIT_BAD, clock_ms());
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	await(all_have_ended);
	assert_all_failed_with("no_upstream");
	depart_all();
	assert_int_equal(heard_count, 0);
}

static void
ride_probes_for_all(void **state)
{
	(void)state;
	circuit_init(circuit(), 1, 60000, 0);
	circuit_report(circuit(), CIRCUIT_CLOSED, CIRCUIT_BAD, clock_ms());
	ride_out();
	assert_false(nobody_probes());
	answer(0, WELL);
	await(all_have_ended);
	assert_all_served();
	assert_true(nobody_probes());
	assert_int_equal(circuit_ask(circuit(), clock_ms()), CIRCUIT_CLOSED);
	depart_all();
}

static void
full_connections_send_nobody(void **state)
{
	(void)state;
	config->upstreams[0].max_connections = 1;
	next_one.wish = -1;
	come(&d, "white mug");
	await_requests(1);
	next_one.wish = 0;
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	answer(0, WELL);
	await(all_have_ended);
	assert_served(&d);
	assert_string_equal(error_of(&a), "overloaded");
	depart_all();
	assert_int_equal(heard_count, 1);
}

static void
part_that_failed_finds_the_connection_free(void **state)
{
	(void)state;
	config->upstreams[0].max_connections = 1;
	ride_out();
	answer(0, (struct said){ .missing = 1 << 1 });
	await_requests(2);
	answer(1, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
}

static void
limit_of_the_provider_sends_each_to_the_fallback(void **state)
{
	(void)state;
	config->models[0].fallback_count = 1;
	ride_out();
	answer(0, (struct said){ .status = "429 Slow", .headers = "Retry-After: 30\r\n" });
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE model = 'spare' AND outcome = 0"), 3);
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE batch <> '' AND basis = 0"), 3);
	/* and a model that rests takes no ride: there is nobody to travel to */
	come(&a, "one mug");
	come(&b, "two mugs");
	come(&c, "three mugs");
	await_requests(7);
	answer_singles(4);
	await(all_have_ended);
	depart_all();
}

static void
failure_of_the_provider_is_tried_again_by_each(void **state)
{
	(void)state;
	ride_out();
	answer(0, (struct said){ .status = "500 Oops" });
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	assert_int_equal(facts_of(&a)->batch_size, 0);
	depart_all();
	assert_int_equal(booked("SELECT sum(cost_pico) FROM requests"), 3 * SHARE);
}

/* An answer of a call of its own says nothing of how good batched ones are. */
static void
answers_after_a_failed_ride_are_compared_with_nothing(void **state)
{
	(void)state;
	struct batch_quality_totals totals;
	ride_out();
	answer(0, (struct said){ .status = "500 Oops" });
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	batch_quality_told(
	    pipeline_batching(pipeline), str_from(a.x.id), STR("default"), &config->tasks[0].batch, 1);
	batch_quality_totals(pipeline_batching(pipeline), &totals);
	assert_int_equal(totals.noted[BATCH_TOLD][0], 0);
	assert_int_equal(totals.noted[BATCH_TOLD][1], 0);
	depart_all();
}

static void
provider_that_gave_up_may_bill_and_is_tried_again(void **state)
{
	(void)state;
	ride_out();
	answer(0, (struct said){ .status = "504 Gone" });
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE batch <> '' AND basis = 3"), 3);
}

static void
reset_before_an_answer_is_charged_as_held_and_all_ask_alone(void **state)
{
	(void)state;
	ride_out();
	hang_up(0);
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 3 AND basis = 3"), 3);
}

static void
reset_inside_the_answer_is_charged_as_held_and_all_ask_alone(void **state)
{
	(void)state;
	ride_out();
	say(0,
	    STR("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{\"id\":"));
	turn();
	hang_up(0);
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 3 AND basis = 3"), 3);
}

static void
reset_is_estimated_where_estimates_do(void **state)
{
	(void)state;
	config->tasks[0].budget.strict = false;
	ride_out();
	hang_up(0);
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 3 AND basis = 2"), 3);
	assert_int_equal(
	    booked("SELECT (SELECT sum(cost_pico) FROM attempts WHERE batch <> '') = cost_pico FROM batches"),
	    1);
}

static void
refused_batch_is_asked_one_by_one_and_none_is_made_for_some_time(void **state)
{
	(void)state;
	ride_out();
	answer(0,
	    (struct said){ .status = "400 Bad", .body = "{\"error\":{\"message\":\"No schemas here.\"}}" });
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT sum(cost_pico) FROM attempts WHERE batch <> ''"), 0);
	come(&a, "one mug");
	await_requests(5);
	assert_int_equal(heard[4].seats, 0);
	answer(4, WELL);
	await(all_have_ended);
	depart_all();
}

static void
key_that_the_provider_refuses_is_told(void **state)
{
	(void)state;
	ride_out();
	answer(0, (struct said){ .status = "401 No" });
	await(all_have_ended);
	assert_all_failed_with("upstream_auth_error");
	depart_all();
}

/* Nobody knows what was written, and billed, in what cannot be read. */
static void
unreadable_reply_is_charged_as_held_and_each_is_asked_again(void **state)
{
	(void)state;
	config->models[0].json_schema = false; /* the input could be counted */
	ride_out();
	answer(0, (struct said){ .body = "<html>It works, and here are many words of an answer</html>" });
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(
	    booked("SELECT count(*) FROM attempts WHERE batch <> '' AND outcome = 3 AND basis = 3"), 3);
	assert_int_equal(booked("SELECT basis FROM batches"), COST_HELD);
}

static void
unreadable_reply_is_estimated_by_its_bytes_where_estimates_do(void **state)
{
	(void)state;
	config->tasks[0].budget.strict = false;
	ride_out();
	answer(0, (struct said){ .body = "<html>It works, and here are many words of an answer</html>" });
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(
	    booked("SELECT sum(output_tokens) > 10 AND min(basis) = 2 FROM attempts WHERE batch <> ''"), 1);
}

static void
reply_that_was_stopped_is_nobodys(void **state)
{
	(void)state;
	ride_out();
	answer(0, (struct said){ .finish = "content_filter" });
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT answered FROM batches"), 0);
}

static void
reply_that_is_too_large_for_all_is_none_for_one(void **state)
{
	(void)state;
	config->limits.reply = 360;
	ride_out();
	answer(0, WELL);
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 3 AND basis = 3"), 3);
}

/* The words around an answer of its own are more than those around one of several. */
static void
part_that_is_too_large_by_itself_still_costs_its_share(void **state)
{
	(void)state;
	static char large[1200];
	memset(large, 'x', sizeof large - 1);
	config->limits.reply = 1520;
	config->tasks[0].batch.size = 2;
	next_one.more = ",\"max_tokens\":900";
	come(&a, "red mug");
	come(&b, "blue mug");
	await_requests(1);
	answer(0, (struct said){ .missing = 2, .answer = large });
	await_requests(3);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT answered FROM batches"), 0);
	assert_int_equal(booked("SELECT sum(cost_pico) FROM attempts WHERE batch <> ''"), 2 * SHARE);
}

/* The limit is for what providers send. */
static void
streams_are_not_cut_by_the_size_of_our_own_events(void **state)
{
	(void)state;
	static char large[3000];
	memset(large, 'x', sizeof large - 1);
	config->limits.event = 1024;
	next_one.more = ",\"max_tokens\":1000";
	come_streaming(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	await_requests(1);
	answer(0, (struct said){ .answer = large });
	await(all_have_ended);
	assert_string_equal(error_of(&a), "");
	assert_int_equal(facts_of(&a)->batch_size, 3);
	depart_all();
}

static void
encoded_reply_is_not_read_and_all_ask_alone(void **state)
{
	(void)state;
	ride_out();
	answer(0, (struct said){ .headers = "Content-Encoding: gzip\r\n" });
	await_requests(4);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 3 AND basis = 3"), 3);
}

static void
provider_that_is_not_there_is_told(void **state)
{
	(void)state;
	loop_unwatch(loop, &listener);
	shutdown(listener.fd, SHUT_RDWR);
	come(&a, "red mug");
	come(&b, "blue mug");
	come(&c, "green mug");
	await(all_have_ended);
	assert_all_failed_with("upstream_unreachable");
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 2 AND batch <> ''"), 3);
	assert_int_equal(booked("SELECT sum(cost_pico) FROM requests"), 0);
}

/* ---- beside other stages ---- */

static void
let_escalate(bool streams)
{
	struct escalate_conf *e = &config->tasks[0].routing.escalate;
	e->on = true;
	e->streams = streams;
	e->confidence = 0;
	e->spend = 0;
	memset(e->checks, true, sizeof e->checks);
	next_one.stronger = config_model(config, STR("dear"));
	next_one.more = ",\"max_tokens\":100,\"response_format\":{\"type\":\"text\"}";
}

static void
bad_answer_of_one_is_taken_to_the_dear_model_alone(void **state)
{
	(void)state;
	let_escalate(true);
	come(&a, "red mug");
	come_streaming(&b, "blue mug");
	come(&c, "green mug");
	await_requests(1);
	answer(0, (struct said){ .refuses = 1 | 2 });
	await_requests(3);
	assert_string_equal(heard[1].model, "dear");
	assert_int_equal(heard[1].seats, 0);
	answer_singles(1);
	await(all_have_ended);
	assert_all_served();
	assert_int_equal(facts_of(&a)->attempts, 2);
	assert_int_equal(facts_of(&a)->batch_size, 0);
	assert_int_equal(facts_of(&c)->batch_size, 3);
	depart_all();
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE batch <> '' AND outcome = 0"), 3);
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE model = 'dear' AND outcome = 0"), 2);
}

static void
answer_that_is_delivered_after_all_says_how_it_travelled(void **state)
{
	(void)state;
	let_escalate(false);
	ride_out();
	answer(0, (struct said){ .refuses = 1 });
	await_requests(2);
	answer(1, (struct said){ .status = "400 Bad" });
	await(all_have_ended);
	assert_string_equal(error_of(&a), "");
	assert_int_equal(facts_of(&a)->batch_place, 1);
	assert_int_equal(facts_of(&a)->batch_size, 3);
	depart_all();
}

static void
equal_questions_share_a_seat(void **state)
{
	(void)state;
	come(&a, "red mug");
	come(&b, "red mug");
	assert_int_equal(b.x.cache, CACHE_COALESCED);
	assert_int_equal(pipeline_waiting(pipeline), 1);
	depart(&a, 499);
	assert_int_equal(pipeline_waiting(pipeline), 1);
	come(&c, "blue mug");
	come(&d, "green mug");
	await_requests(1);
	come(&a, "green mug");
	assert_int_equal(a.x.cache, CACHE_COALESCED);
	answer(0, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	assert_int_equal(booked("SELECT sum(cost_pico) FROM requests"), 3 * SHARE);
}

static void
batched_answers_are_kept_for_equal_questions(void **state)
{
	(void)state;
	config->tasks[0].cache.exact = true;
	ride_out();
	answer(0, WELL);
	await(all_have_ended);
	depart_all();
	come(&a, "blue mug");
	assert_int_equal(a.x.cache, CACHE_EXACT);
	turn();
	assert_all_served();
	depart_all();
}

static void
idempotency_keys_bind_members(void **state)
{
	(void)state;
	next_one.idempotency = "k1";
	come(&a, "red mug");
	come(&d, "red mug"); /* repeated while it waits */
	next_one.idempotency = "k2";
	come(&b, "blue mug");
	next_one.idempotency = NULL;
	come(&c, "green mug");
	await_requests(1);
	answer(0, (struct said){ .missing = 1 });
	await_requests(2);
	answer(1, WELL);
	await(all_have_ended);
	assert_all_served();
	depart_all();
	next_one.idempotency = "k2";
	come(&b, "blue mug");
	turn();
	assert_all_served();
	depart_all();
	assert_int_equal(heard_count, 2);
}

static void
who_wants_no_batch_does_not_wait_with_one_that_does(void **state)
{
	(void)state;
	config->tasks[0].batch.on = false;
	next_one.wish = 1;
	come(&a, "red mug");
	assert_int_equal(pipeline_waiting(pipeline), 1);
	next_one.wish = 0;
	come(&b, "red mug");
	await_requests(1);
	answer(0, WELL);
	depart(&a, 499);
	await(all_have_ended);
	assert_all_served();
	depart_all();
}

static int
set_up(void **state)
{
	next_one = (struct next){ 0 };
	people_count = 0;
	return open_house(state);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, close_house)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_member_gets_its_own_answer_and_pays_its_share),
		T(one_that_failed_is_asked_again_and_no_other),
		T(what_nobody_limits_is_sent_without_a_limit),
		T(neither_books_nor_log_have_a_word_of_what_was_asked_or_answered),
		T(call_goes_on_for_those_who_stay),
		T(failed_part_of_one_that_left_is_not_asked_again),
		T(call_that_nobody_reads_is_cancelled),
		T(cancelled_call_is_charged_by_what_was_sent_where_estimates_do),
		T(drained_call_tells_what_each_costs),
		T(drained_call_that_fails_is_not_tried_again),
		T(who_asks_again_finds_the_drained_call),
		T(drain_ends_with_its_time),
		T(who_leaves_a_room_is_not_waited_for),
		T(stopping_ends_rides_and_rooms),
		T(draining_opens_the_rooms),
		T(stopping_before_the_holds_are_on_the_disk_sends_nothing),
		T(ride_waits_for_the_disk),
		T(who_leaves_before_the_holds_are_on_the_disk_is_not_paid_for),
		T(who_is_left_of_those_goes_alone),
		T(all_who_leave_before_that_keep_no_circuit_from_closing),
		T(revoked_key_sends_nothing),
		T(requests_of_two_configurations_do_not_meet),
		T(who_cannot_pay_for_the_envelope_goes_alone),
		T(who_is_left_when_the_others_cannot_pay_goes_alone),
		T(both_attempts_of_a_failed_part_stay_within_the_limit_on_one_request),
		T(missing_usage_costs_what_was_held),
		T(missing_usage_is_counted_where_it_can_be),
		T(missing_usage_is_counted_in_estimate_mode),
		T(senseless_usage_is_none),
		T(dearer_model_that_answered_is_paid),
		T(one_fee_is_paid_for_all),
		T(model_that_is_free_goes_alone),
		T(usage_beyond_the_bound_is_charged_and_freezes_the_key),
		T(usage_that_costs_more_than_can_be_counted_costs_what_was_held),
		T(open_circuit_sends_nobody),
		T(ride_probes_for_all),
		T(full_connections_send_nobody),
		T(part_that_failed_finds_the_connection_free),
		T(limit_of_the_provider_sends_each_to_the_fallback),
		T(failure_of_the_provider_is_tried_again_by_each),
		T(answers_after_a_failed_ride_are_compared_with_nothing),
		T(provider_that_gave_up_may_bill_and_is_tried_again),
		T(reset_before_an_answer_is_charged_as_held_and_all_ask_alone),
		T(reset_inside_the_answer_is_charged_as_held_and_all_ask_alone),
		T(reset_is_estimated_where_estimates_do),
		T(refused_batch_is_asked_one_by_one_and_none_is_made_for_some_time),
		T(key_that_the_provider_refuses_is_told),
		T(unreadable_reply_is_charged_as_held_and_each_is_asked_again),
		T(unreadable_reply_is_estimated_by_its_bytes_where_estimates_do),
		T(reply_that_was_stopped_is_nobodys),
		T(reply_that_is_too_large_for_all_is_none_for_one),
		T(part_that_is_too_large_by_itself_still_costs_its_share),
		T(encoded_reply_is_not_read_and_all_ask_alone),
		T(streams_are_not_cut_by_the_size_of_our_own_events),
		T(provider_that_is_not_there_is_told),
		T(bad_answer_of_one_is_taken_to_the_dear_model_alone),
		T(answer_that_is_delivered_after_all_says_how_it_travelled),
		T(equal_questions_share_a_seat),
		T(batched_answers_are_kept_for_equal_questions),
		T(idempotency_keys_bind_members),
		T(who_wants_no_batch_does_not_wait_with_one_that_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
