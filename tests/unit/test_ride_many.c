/*
 * Proves src/stages/{batch,ride}*.c by plays that nobody has thought of: members come, wait, leave and come again, and the provider
 * says all kinds of things, by some hundreds of seeds. At the end of each nobody has another's answer, nothing is held, and every request
 * has cost what its attempts have; at the end of all, the auditor finds nothing in the books.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ride_help.h"

enum { SEEDS = 200, STEPS = 40, MEMBERS = 12 };

static uint64_t dice;
static int seed_now, came, answered_well, rides_seen, parts_failed;
static struct person members[MEMBERS];
static bool here[MEMBERS];
static char account[16];

/* xorshift64: Marsaglia, "Xorshift RNGs" (2003) */
static unsigned
below(unsigned n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (unsigned)(dice >> 33) % n;
}

static bool
one_in(unsigned n)
{
	return below(n) == 0;
}

/* ---- the provider ---- */

static const struct said whole[] = {
	{ .usage = "" },
	{ .usage = "{\"prompt_tokens\":-1,\"completion_tokens\":2}" },
	{ .usage = "{\"prompt_tokens\":901,\"completion_tokens\":33,\"total_tokens\":940}" },
	{ .usage = "{\"prompt_tokens\":1003,\"completion_tokens\":77,\"prompt_tokens_details\":{\"cached_"
		   "tokens\":501},"
		   "\"completion_tokens_details\":{\"reasoning_tokens\":7}}" },
	{ .usage = "{\"prompt_tokens\":70000,\"completion_tokens\":77}" },
	{ .model = "gpt-4o" },
	{ .finish = "length" },
	{ .finish = "content_filter" },
	{ .swapped = true },
	{ .body = "<html>no</html>" },
	{ .body = "{\"error\":{\"message\":\"no\"}}" },
	{ .headers = "Content-Encoding: gzip\r\n" },
	{ .status = "400 Bad" },
	{ .status = "401 No" },
	{ .status = "404 No" },
	{ .status = "429 Slow" },
	{ .status = "500 Oops" },
	{ .status = "503 Busy" },
	{ .status = "504 Late" },
	{ .answer = "an answer that is much longer than it may be, since it says the same again and again "
		    "and again and "
		    "again and again and again and again and again and again and again and again and again "
		    "and again "
		    "and again and again and again and again and again and again and again and again and "
		    "again and "
		    "again and again and again and again and again and again and again and again and again "
		    "and again" },
};
enum { WHOLE = sizeof whole / sizeof *whole };

static void
answer_somehow(int request)
{
	struct said s = { .swapped = one_in(2) };
	if (one_in(3))
		s = whole[below(WHOLE)];
	if (one_in(4))
		s.missing = 1u << below(SEATS);
	if (one_in(8))
		s.twice = 1u << below(SEATS);
	if (one_in(8))
		s.empty = 1u << below(SEATS);
	if (one_in(8))
		s.refuses = 1u << below(SEATS);
	rides_seen += heard[request].seats > 1;
	parts_failed += heard[request].seats > 1 && (s.missing | s.twice | s.empty) != 0;
	if (one_in(12))
		hang_up(request);
	else
		answer(request, s);
}

static int
open_request(void)
{
	int open = 0;
	for (int i = 0; i < heard_count; i++)
		open += !heard[i].answered;
	if (open == 0)
		return -1;
	int nth = (int)below((unsigned)open);
	for (int i = 0; i < heard_count; i++)
		if (!heard[i].answered && nth-- == 0)
			return i;
	return -1;
}

/* ---- the members ---- */

static int
a_place(bool taken)
{
	int start = (int)below(MEMBERS);
	for (int i = 0; i < MEMBERS; i++)
		if (here[(start + i) % MEMBERS] == taken)
			return (start + i) % MEMBERS;
	return -1;
}

static void
someone_comes(void)
{
	char text[48];
	int at = a_place(false);
	if (at < 0)
		return;
	snprintf(text, sizeof text, "item %d of %d", one_in(6) && came > 0 ? came - 1 : came, seed_now);
	came++;
	next_one.wish = one_in(10) ? -1 : 0;
	next_one.stream = one_in(3);
	come(&members[at], text);
	here[at] = true;
}

/* Nobody has got more than one answer, or another's. */
static void
check(const struct person *p)
{
	char own[96];
	struct str got = buf_str(&p->got);
	snprintf(own, sizeof own, "Answer to %s\"", p->text);
	ptrdiff_t first = str_find(got, STR("Answer to "));
	if (first >= 0) {
		struct str from = { got.p + first, got.n - (size_t)first };
		struct str rest = { from.p + 10, from.n - 10 };
		if (!str_starts(from, str_from(own)) || str_find(rest, STR("Answer to ")) >= 0)
			fail_msg("seed %d: %s got \"%.*s\"", seed_now, p->text, STR_FMT(got));
		answered_well++;
	}
}

static void
someone_leaves(int at)
{
	struct person *p = &members[at];
	bool ended = has_ended(p);
	if (ended)
		check(p);
	depart(p, !ended ? 499 : p->x.reader.answer->err == NULL ? 200 : 502);
	here[at] = false;
}

static void
those_who_are_served_leave(void)
{
	for (int i = 0; i < MEMBERS; i++)
		if (here[i] && has_ended(&members[i]))
			someone_leaves(i);
}

/* ---- one play ---- */

static bool
something_is_to_do(void)
{
	bool open = false;
	for (int i = 0; i < heard_count; i++)
		open = open || !heard[i].answered;
	return open || (pipeline_under_way(pipeline) == 0 && all_have_ended());
}

static void
set_the_scene(void)
{
	struct task_conf *t = &config->tasks[0];
	snprintf(account, sizeof account, "s%d", seed_now);
	next_one = (struct next){ .account = account };
	t->batch.size = 2 + (int)below(4);
	t->budget.strict = one_in(2);
	t->budget.on_disconnect = one_in(2) ? DISCONNECT_DRAIN : DISCONNECT_ABORT;
	t->budget.request_pico = one_in(4) ? INT64_C(2800000000) + 100000000 * (int64_t)below(10) : -1;
	t->routing.escalate.on = true;
	t->routing.escalate.streams = one_in(2);
	t->routing.escalate.confidence = 0;
	memset(t->routing.escalate.checks, true, sizeof t->routing.escalate.checks);
	if (one_in(3))
		next_one.stronger = config_model(config, STR("dear"));
	if (one_in(4))
		next_one.model = "tolled";
	config->budget.power_safe = one_in(4);
	config->models[0].json_schema = !one_in(3);
	config->models[0].fallback_count = below(2);
	config->upstreams[0].attempts = 1 + (int)below(2);
	heard_count = came = 0;
}

static void
play_on(void)
{
	int request;
	switch (below(8)) {
	case 0:
	case 1:
	case 2:
		someone_comes();
		break;
	case 3:
		if (one_in(2) && people_count > 0)
			someone_leaves(a_place(true));
		break;
	case 4:
	case 5:
		if ((request = open_request()) >= 0)
			answer_somehow(request);
		break;
	default:
		turn();
		those_who_are_served_leave();
		break;
	}
}

/* Rooms are filled, and whatever is open is answered until nothing is. */
static void
play_out(void)
{
	int request;
	those_who_are_served_leave();
	for (int i = 0; pipeline_waiting(pipeline) > 0 && i < SEATS; i++) {
		if (people_count == MEMBERS)
			someone_leaves(a_place(true));
		next_one.wish = 1;
		someone_comes();
	}
	/* By now it does not pay any more: nobody joins those who wait. */
	while (pipeline_waiting(pipeline) > 0)
		someone_leaves(a_place(true));
	do {
		await(something_is_to_do);
		if ((request = open_request()) >= 0)
			answer_somehow(request);
		those_who_are_served_leave();
	} while (request >= 0);
}

static void
play(int seed)
{
	struct err e;
	seed_now = seed;
	dice = UINT64_C(0x9E3779B97F4A7C15) * (uint64_t)(seed + 1);
	set_the_scene();
	for (int i = 0; i < STEPS && heard_count < HEARD - 2 * MEMBERS; i++)
		play_on();
	if (one_in(10)) {
		err_set(&e, 503, "server_shutting_down", "The gateway stops.");
		pipeline_break_all(pipeline, &e);
	}
	while (pipeline_waiting(pipeline) > 0 || pipeline_under_way(pipeline) > 0)
		play_out();
	turn();
	those_who_are_served_leave();
	assert_int_equal(people_count, 0);
	assert_nothing_is_held();
}

static void
whatever_happens_nobody_gets_anothers_answer_and_the_books_add_up(void **state)
{
	(void)state;
	struct budget_stats s;
	config->budget.daily_pico = INT64_C(1000000000000000000);
	for (int seed = 0; seed < SEEDS; seed++)
		play(seed);
	/* given that much has happened */
	assert_true(answered_well > SEEDS * 3);
	assert_true(rides_seen > SEEDS);
	assert_true(parts_failed > SEEDS / 10);
	/* then each request has cost what its attempts have, and each call what its members have paid */
	assert_int_equal(booked("SELECT count(*) FROM requests r WHERE cost_pico IS NOT (SELECT "
				"coalesce(sum(cost_pico), 0) FROM attempts WHERE request_id = r.id)"),
	    0);
	assert_int_equal(
	    booked("SELECT count(*) FROM batches b WHERE cost_pico IS NOT (SELECT sum(cost_pico) FROM "
		   "attempts WHERE batch = b.id) OR members <> (SELECT count(*) FROM attempts WHERE "
		   "batch = b.id)"),
	    0);
	/* and the guard knows it as the books do */
	budget_stats(pipeline_budget(pipeline), &s);
	assert_int_equal(s.spent_today_pico, number("SELECT sum(cost_pico) FROM attempts"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HOUSE(whatever_happens_nobody_gets_anothers_answer_and_the_books_add_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
