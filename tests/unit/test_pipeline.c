/*
 * Proves the stages together, src/stages/{pipeline,dedup,ask,attempt}.c: a real loop, real calls and real books, and a
 * provider on 127.0.0.1 that says what the test tells it to, when the test tells it to. Nothing waits for the clock: each step
 * waits for what must have happened.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "ledger_help.h"
#include "stages/pipeline.h"
#include "stages/route.h"

/* ---- the provider ---- */

enum { TALKS = 16 };

struct talk { /* one connection */
	struct watch watch;
	struct buf heard;
	int requests; /* that were heard whole and are not answered in full yet, or were */
	bool closed;  /* by the gateway */
};

static struct loop *loop;
static struct watch listener;
static struct talk talks[TALKS];
static int talk_count;

/* Eats whole requests: a head, and a body as long as it says. */
static void
count_requests(struct talk *t)
{
	for (;;) {
		ptrdiff_t head = str_find(buf_str(&t->heard), STR("\r\n\r\n"));
		if (head < 0)
			return;
		struct str text = { t->heard.p, (size_t)head };
		ptrdiff_t at = str_find(text, STR("Content-Length: "));
		size_t body = at >= 0 ? strtoul(text.p + at + 16, NULL, 10) : 0;
		if (t->heard.n < (size_t)head + 4 + body)
			return;
		buf_eat(&t->heard, (size_t)head + 4 + body);
		t->requests++;
	}
}

static void
on_talk(struct watch *w, uint32_t events)
{
	struct talk *t = LIST_ENTRY(w, struct talk, watch);
	char bytes[4096];
	(void)events;
	ssize_t n = recv(w->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	if (n > 0) {
		assert_int_equal(buf_add(&t->heard, (struct str){ bytes, (size_t)n }), 0);
		count_requests(t);
	} else if (n == 0 || errno != EAGAIN) {
		loop_unwatch(loop, w);
		close(w->fd);
		t->closed = true;
	}
}

static void
on_listener(struct watch *w, uint32_t events)
{
	(void)events;
	assert_true(talk_count < TALKS);
	struct talk *t = &talks[talk_count++];
	*t =
	    (struct talk){ .watch = { .fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC), .on_ready = on_talk } };
	assert_true(t->watch.fd >= 0);
	assert_int_equal(loop_watch(loop, &t->watch, EPOLLIN), 0);
}

static int
listen_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	listener =
	    (struct watch){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .on_ready = on_listener };
	assert_int_equal(bind(listener.fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(listener.fd, 16), 0);
	assert_int_equal(getsockname(listener.fd, (struct sockaddr *)&at, &size), 0);
	return ntohs(at.sin_port);
}

static void
say(int talk, const char *text)
{
	struct str s = str_from(text);
	assert_int_equal(send(talks[talk].watch.fd, s.p, s.n, MSG_NOSIGNAL), s.n);
}

static void
hang_up(int talk)
{
	struct talk *t = &talks[talk];
	loop_unwatch(loop, &t->watch);
	close(t->watch.fd);
	t->closed = true;
}

static int
requests_heard(void)
{
	int sum = 0;
	for (int i = 0; i < talk_count; i++)
		sum += talks[i].requests;
	return sum;
}

/* ---- the house ---- */

static struct config *config;
static struct site *site;
static struct caller *caller;
static struct ledger *ledger;
static struct gateway_metrics *metrics;
static struct pipeline *pipeline;

/* From a file, as the gateway's own is; the numbers that matter here are set where they can be read beside the tests. */
static int
configure(int port)
{
	struct config_problem *problems = NULL;
	char file[128];
	snprintf(file, sizeof file, "%s/farthing.yaml", folder);
	FILE *f = fopen(file, "w");
	if (f == NULL)
		return -1;
	fprintf(f,
	    "upstreams: { fake: { base_url: \"http://127.0.0.1:%d/v1\" } }\n"
	    "models:\n"
	    "  m: { upstream: fake, input_usd: 1, output_usd: 10, fallbacks: [spare] }\n"
	    "  spare: { upstream: fake, input_usd: 1, output_usd: 10 }\n"
	    "paths: { /v1/audio/speech: { usd: 0.03 }, /v1/moderations: { free: true } }\n",
	    port);
	fclose(f);
	config = config_load(file, NULL, &problems);
	for (struct config_problem *p = problems; p != NULL; p = p->next)
		print_error("%d: %s: %s\n", p->line, p->key, p->text);
	config_problems_free(&problems);
	if (config == NULL)
		return -1;
	struct upstream_conf *u = &config->upstreams[0];
	u->attempts = 2;
	u->backoff_ms = 1;
	u->circuit_failures = 0;
	config->models[0].fallback_count = 0;
	/* Kept answers are for the tests that are about them. */
	config->tasks[0].cache.exact = false;
	config->tasks[0].cache.similarity = 0;
	config->tasks[0].dedup.on = true;
	config->tasks[0].dedup.window_ms = 0;
	config->tasks[0].budget.on_disconnect = DISCONNECT_ABORT;
	return 0;
}

static struct pipeline *
begin(void)
{
	struct pipeline_house house = {
		.loop = loop, .caller = caller, .ledger = ledger, .metrics = metrics
	};
	return pipeline_new(&house, config);
}

static int
open_house(void **state)
{
	struct err e;
	if (make_folder(state) != 0)
		return -1;
	log_setup(LOG_SILENT, false);
	talk_count = 0;
	loop = loop_new();
	if (configure(listen_somewhere()) != 0)
		return -1;
	assert_int_equal(loop_watch(loop, &listener, EPOLLIN), 0);
	struct ledger_options options = { .path = path, .create = true };
	ledger = ledger_open(&options, &e);
	caller = caller_new(loop, &e);
	metrics = gateway_metrics_new();
	gateway_metrics_admit(metrics, config);
	site = site_new(config);
	pipeline = begin();
	return ledger != NULL && caller != NULL ? 0 : -1;
}

static int
close_house(void **state)
{
	assert_int_equal(pipeline_under_way(pipeline), 0);
	pipeline_free(&pipeline);
	site_drop(&site);
	caller_free(&caller);
	gateway_metrics_free(&metrics);
	assert_int_equal(ledger_close(&ledger), 0);
	for (int i = 0; i < talk_count; i++) {
		if (!talks[i].closed)
			hang_up(i);
		buf_free(&talks[i].heard);
	}
	loop_unwatch(loop, &listener);
	close(listener.fd);
	loop_free(&loop);
	return remove_folder(state);
}

/* ---- clients ---- */

struct person {
	struct exchange x;
	struct buf got;
	long last; /* what answer_read said last; 1: it was not asked */
};

static struct person *people[4];
static int people_count;

static void
on_wake(struct reader *r)
{
	(void)r; /* they read whenever the loop is about to sleep */
}

#define CHAT(more) "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]" more "}"
#define STREAM CHAT(",\"stream\":true")

static struct key *key_of_next; /* of those who arrive; NULL: none is required */

static void
arrive_in_run(
    struct person *p, const char *account, bool fresh, const char *run, int64_t budget, const char *body)
{
	struct err e;
	*p = (struct person){ .last = 1 };
	str_copy(p->x.run, sizeof p->x.run, str_from(run));
	p->x.run_budget_pico = budget;
	p->x.max_age_s = -1;
	timed_id(p->x.id, sizeof p->x.id, "req_", 1795415041000);
	str_copy(p->x.account, sizeof p->x.account, str_from(account));
	str_copy(p->x.task, sizeof p->x.task, STR("default"));
	p->x.fresh = fresh;
	p->x.key = key_of_next;
	if (key_of_next != NULL)
		str_copy(p->x.project, sizeof p->x.project, str_from(key_of_next->project));
	p->x.site = site;
	p->x.arrived_us = clock_us();
	p->x.wall_us = clock_wall_us();
	p->x.reader.wake = on_wake;
	assert_int_equal(buf_add(&p->x.body, str_from(body)), 0);
	if (pipeline_read(&p->x, ENDPOINT_CHAT, &e) != 0 || route_admit(&p->x, &e) != 0)
		fail_msg("%s", e.text);
	pipeline_arrive(pipeline, &p->x);
	people[people_count++] = p;
}

static void
arrive_as(struct person *p, const char *account, bool fresh, const char *body)
{
	arrive_in_run(p, account, fresh, "", -1, body);
}

/* A path that the door has admitted. */
static void
arrive_forwarded(struct person *p, const struct forward *f)
{
	*p = (struct person){ .last = 1 };
	timed_id(p->x.id, sizeof p->x.id, "req_", 1795415041000);
	str_copy(p->x.account, sizeof p->x.account, STR("local"));
	str_copy(p->x.task, sizeof p->x.task, STR("default"));
	p->x.site = site;
	p->x.arrived_us = clock_us();
	p->x.wall_us = clock_wall_us();
	p->x.reader.wake = on_wake;
	p->x.forwarded = true;
	p->x.forward = f;
	assert_int_equal(buf_add(&p->x.body, STR("{}")), 0);
	pipeline_arrive(pipeline, &p->x);
	people[people_count++] = p;
}

static void
arrive(struct person *p, const char *body)
{
	arrive_as(p, "local", false, body);
}

static void
depart(struct person *p, int status)
{
	struct ledger_request row;
	pipeline_depart(pipeline, &p->x, status, status == 499 ? "client hung up" : "served", "", &row);
	request_free(&p->x.request);
	buf_free(&p->x.body);
	buf_free(&p->got);
	for (int i = 0; i < people_count; i++)
		if (people[i] == p)
			people[i] = people[--people_count];
}

static void
read_all(struct person *p)
{
	char bytes[1000];
	while ((p->last = answer_read(&p->x.reader, bytes, sizeof bytes)) > 0)
		assert_int_equal(buf_add(&p->got, (struct str){ bytes, (size_t)p->last }), 0);
}

/* ---- waiting for what must happen ---- */

static bool (*wanted)(void);

struct keeper {
	struct hook hook;
	struct timer timer;
};

static bool
before_sleep(struct hook *hook)
{
	(void)hook;
	for (int i = 0; i < people_count; i++)
		if (answer_has_head(people[i]->x.reader.answer))
			read_all(people[i]);
	if (wanted())
		loop_stop(loop);
	return false;
}

static void
on_too_late(struct timer *t)
{
	(void)t;
	fail_msg(
	    "what was waited for did not happen: %d connections, %d requests", talk_count, requests_heard());
}

static void
await(bool (*condition)(void))
{
	struct keeper k = { .hook.before_sleep = before_sleep, .timer.on_due = on_too_late };
	wanted = condition;
	loop_hook(loop, &k.hook);
	loop_timer_set(loop, &k.timer, clock_ms() + 5000);
	loop_run(loop);
	loop_timer_clear(loop, &k.timer);
	list_leave(&k.hook.link);
}

static bool
one_request(void)
{
	return requests_heard() == 1;
}

static bool
two_requests(void)
{
	return requests_heard() == 2;
}

static bool
three_requests(void)
{
	return requests_heard() == 3;
}

static bool
bytes_have_come(void)
{
	for (int i = 0; i < people_count; i++)
		if (people[i]->got.n == 0)
			return false;
	return true;
}

static bool
all_have_ended(void)
{
	for (int i = 0; i < people_count; i++)
		if (people[i]->last != ANSWER_END && people[i]->last != ANSWER_FAILED &&
		    !(answer_ended(people[i]->x.reader.answer) && reader_at_end(&people[i]->x.reader)))
			return false;
	return true;
}

static bool
first_is_closed(void)
{
	return talk_count > 0 && talks[0].closed;
}

static bool
nothing_is_under_way(void)
{
	return pipeline_under_way(pipeline) == 0;
}

static void
assert_got(struct person *p, const char *want)
{
	if (!str_eq(buf_str(&p->got), str_from(want)))
		fail_msg("got \"%.*s\", not \"%s\"", STR_FMT(p->got), want);
}

#define EVENTS "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define FIRST "data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
#define LAST "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define USAGE "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}\n\n"
#define DONE "data: [DONE]\n\n"
#define COST (7 * 1000000 + 5 * 10000000) /* pico-dollars: a dollar and ten dollars per million tokens */

static int64_t
booked(const char *sql)
{
	assert_int_equal(ledger_sync(ledger), 0);
	return number(sql);
}

/* ---- sharing ---- */

static void
two_exchanges_join_one_call_and_the_one_that_stays_gets_all_bytes(void **state)
{
	(void)state;
	/* given two equal questions, the second while the first is being answered */
	struct person a, b;
	arrive(&a, STREAM);
	assert_int_equal(a.x.cache, CACHE_MISS);
	await(one_request);
	say(0, EVENTS FIRST);
	await(bytes_have_come);
	arrive(&b, STREAM);
	assert_int_equal(b.x.cache, CACHE_COALESCED);
	assert_ptr_equal(a.x.reader.answer, b.x.reader.answer);
	/* when the one that asked leaves in the middle */
	depart(&a, 499);
	assert_int_equal(pipeline_under_way(pipeline), 1);
	say(0, LAST USAGE DONE);
	await(all_have_ended);
	/* then the other has everything, from one call, without the usage event it did not ask for */
	assert_int_equal(b.last, ANSWER_END);
	assert_got(&b, FIRST LAST DONE);
	depart(&b, 200);
	assert_int_equal(requests_heard(), 1);
	/* and the one that asked pays what it cost, when that is known */
	assert_int_equal(booked("SELECT count(*) FROM requests"), 2);
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 0 AND basis = 1"), 1);
	assert_int_equal(booked("SELECT cost_pico FROM requests WHERE status = 499"), COST);
	assert_int_equal(booked("SELECT cost_pico FROM requests WHERE status = 200"), 0);
	assert_int_equal(booked("SELECT saved_pico FROM requests WHERE status = 200"), COST);
	assert_int_equal(booked("SELECT count(*) FROM requests f JOIN requests l ON f.answer_id = l.id"), 1);
}

static void
deserted_ask_closes_its_upstream_connection(void **state)
{
	(void)state;
	struct person a, b;
	arrive(&a, STREAM);
	arrive(&b, STREAM);
	await(one_request);
	say(0, EVENTS FIRST);
	await(bytes_have_come);
	/* when the first reader leaves: nothing; when the last one does: */
	depart(&b, 499);
	assert_int_equal(pipeline_under_way(pipeline), 1);
	depart(&a, 499);
	assert_int_equal(pipeline_under_way(pipeline), 0);
	await(first_is_closed);
	/* then the provider was told by the connection's end, and the books know that it may bill something */
	assert_int_equal(booked("SELECT outcome FROM attempts"), ATTEMPT_CANCELLED);
	assert_int_equal(booked("SELECT basis FROM attempts"), COST_HELD);
	assert_int_equal(booked("SELECT count(*) FROM requests"), 2);
}

static void
question_asked_again_after_it_was_deserted_is_a_new_call(void **state)
{
	(void)state;
	struct person a;
	arrive(&a, STREAM);
	await(one_request);
	depart(&a, 499);
	arrive(&a, STREAM);
	assert_int_equal(a.x.cache, CACHE_MISS);
	await(two_requests);
	say(talk_count - 1, EVENTS LAST DONE);
	await(all_have_ended);
	assert_got(&a, LAST DONE);
	depart(&a, 200);
}

/* A run with little money gets short answers, which those who have more should not have to take. */
static void
answer_that_a_runs_budget_may_shorten_is_not_shared_with_others(void **state)
{
	(void)state;
	struct person poor, same, rich, other;
	arrive_in_run(&poor, "one", false, "r", INT64_C(1000000000), STREAM);
	arrive_in_run(&same, "one", false, "r", INT64_C(1000000000), STREAM);
	arrive_as(&rich, "one", false, STREAM);
	arrive_in_run(&other, "one", false, "q", INT64_C(1000000000), STREAM);
	assert_ptr_equal(poor.x.reader.answer, same.x.reader.answer);
	assert_ptr_not_equal(poor.x.reader.answer, rich.x.reader.answer);
	/* the other way round it is as good */
	assert_ptr_equal(rich.x.reader.answer, other.x.reader.answer);
	depart(&poor, 499);
	depart(&same, 499);
	depart(&rich, 499);
	depart(&other, 499);
	assert_int_equal(pipeline_under_way(pipeline), 0);
}

static void
only_equal_questions_of_one_account_are_shared(void **state)
{
	(void)state;
	/* given the same question by another account, by one who wants a fresh answer, and a third time */
	struct person a, other, fresh, same;
	arrive_as(&a, "one", false, STREAM);
	arrive_as(&other, "two", false, STREAM);
	arrive_as(&fresh, "one", true, STREAM);
	arrive_as(&same, "one", false, STREAM);
	assert_ptr_not_equal(a.x.reader.answer, other.x.reader.answer);
	assert_ptr_not_equal(a.x.reader.answer, fresh.x.reader.answer);
	assert_ptr_equal(a.x.reader.answer, same.x.reader.answer);
	assert_int_equal(fresh.x.cache, CACHE_BYPASS);
	/* then three calls leave */
	await(three_requests);
	assert_int_equal(pipeline_under_way(pipeline), 3);
	depart(&same, 499);
	depart(&a, 499);
	depart(&other, 499);
	depart(&fresh, 499);
	assert_int_equal(pipeline_under_way(pipeline), 0);
}

static void
dedup_that_is_off_shares_nothing(void **state)
{
	(void)state;
	struct person a, b;
	config->tasks[0].dedup.on = false;
	arrive(&a, STREAM);
	arrive(&b, STREAM);
	await(two_requests);
	depart(&a, 499);
	depart(&b, 499);
}

static void
landed_answer_is_not_joined(void **state)
{
	(void)state;
	struct person a, b;
	arrive(&a, STREAM);
	await(one_request);
	say(0, EVENTS LAST DONE);
	await(nothing_is_under_way);
	arrive(&b, STREAM);
	assert_int_equal(b.x.cache, CACHE_MISS);
	await(two_requests);
	depart(&b, 499);
	depart(&a, 200);
}

/* ---- bodies ---- */

#define BODY                                                                                            \
	"{\"model\":\"m-1\",\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":7," \
	"\"completion_tokens\":5}}"

static void
say_body(int talk, const char *status, const char *more, const char *body)
{
	struct buf b = { 0 };
	assert_int_equal(
	    buf_printf(&b, "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
		status, more, strlen(body), body),
	    0);
	say(talk, buf_text(&b));
	buf_free(&b);
}

static void
body_reaches_all_who_wait_for_it(void **state)
{
	(void)state;
	struct person a, b;
	arrive(&a, CHAT(""));
	/* the same question, spelt differently */
	arrive(&b, "{ \"messages\": [{\"content\": \"H\\u0069\", \"role\": \"user\"}], \"model\": \"m\" }");
	await(one_request);
	say_body(0, "200 OK", "x-ratelimit-remaining-requests: 9\r\nSet-Cookie: a=b\r\n", BODY);
	await(all_have_ended);
	assert_got(&a, BODY);
	assert_int_equal(a.x.reader.answer->status, 200);
	assert_true(
	    str_find(buf_str(&a.x.reader.answer->headers), STR("x-ratelimit-remaining-requests")) >= 0);
	assert_true(str_find(buf_str(&a.x.reader.answer->headers), STR("ookie")) < 0);
	assert_string_equal(a.x.reader.answer->facts.model, "m-1");
	assert_int_equal(a.x.reader.answer->facts.cost_pico, COST);
	depart(&a, 200);
	depart(&b, 200);
	assert_int_equal(booked("SELECT sum(cost_pico) FROM requests"), COST);
}

#define WHOLE                                                                                         \
	"{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m-1\",\"choices\":[{" \
	"\"index\":0,"                                                                                \
	"\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"finish_reason\":\"stop\"}],"        \
	"\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}"

static void
keep_answers(void)
{
	config->tasks[0].cache.exact = true;
	config->tasks[0].dedup.window_ms = 300000;
}

static void
kept_answer_costs_nothing_and_asks_nobody(void **state)
{
	(void)state;
	struct person a, b, c, other;
	keep_answers();
	arrive(&a, CHAT(""));
	await(one_request);
	say_body(0, "200 OK", "x-ratelimit-remaining-requests: 9\r\n", WHOLE);
	await(all_have_ended);
	depart(&a, 200);
	/* whole, as a stream, and for somebody else */
	arrive(&b, CHAT(""));
	assert_int_equal(b.x.cache, CACHE_EXACT);
	arrive_as(&other, "other", false, CHAT(""));
	assert_int_equal(other.x.cache, CACHE_MISS);
	await(two_requests);
	assert_got(&b, WHOLE);
	assert_int_equal(b.x.reader.answer->headers.n, 0);
	depart(&b, 200);
	depart(&other, 499);
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE outcome = 0"), 1);
	assert_int_equal(booked("SELECT cost_pico FROM requests WHERE cache = 1"), 0);
	assert_int_equal(booked("SELECT saved_pico FROM requests WHERE cache = 1"), COST);
	assert_int_equal(booked("SELECT count(*) FROM requests f JOIN requests l ON f.answer_id = l.id"), 1);
	assert_int_equal(booked("SELECT count(*) FROM requests WHERE cache = 1 AND basis = 0"), 1);
	/* and its reader has it, whatever becomes of the cache */
	arrive(&c, CHAT(""));
	assert_int_equal(cache_purge(pipeline_cache(pipeline), &(struct shelf_purge){ 0 }), 1);
	read_all(&c);
	assert_got(&c, WHOLE);
	depart(&c, 200);
}

/* Of a project that shares, one key may have less money than another, and so get shorter answers. */
static void
answer_that_a_keys_budget_may_shorten_is_not_shared_in_its_project(void **state)
{
	(void)state;
	struct key poor = { .name = "poor",
		.project = "p",
		.limits = { -1, INT64_C(1000000000000), -1, -1 } },
		   rich = { .name = "rich", .project = "p", .limits = ACCOUNT_UNLIMITED },
		   own = { .name = "own", .limits = ACCOUNT_UNLIMITED };
	struct person a, b, c, d;
	config->tasks[0].cache.scope = SCOPE_PROJECT;
	key_of_next = &poor;
	arrive_as(&a, "poor", false, STREAM);
	key_of_next = &rich;
	arrive_as(&b, "rich", false, STREAM);
	assert_ptr_not_equal(a.x.reader.answer, b.x.reader.answer);
	key_of_next = &poor;
	arrive_as(&c, "poor", false, STREAM);
	assert_ptr_equal(b.x.reader.answer, c.x.reader.answer);
	key_of_next = &own;
	arrive_as(&d, "own", false, STREAM);
	assert_ptr_not_equal(d.x.reader.answer, b.x.reader.answer);
	key_of_next = NULL;
	depart(&a, 499);
	depart(&b, 499);
	depart(&c, 499);
	depart(&d, 499);
}

static void
failure_before_the_answer_is_tried_again(void **state)
{
	(void)state;
	struct person a;
	arrive(&a, CHAT(""));
	await(one_request);
	say_body(0, "500 Oops", "Connection: close\r\n", "{}");
	await(two_requests);
	say_body(talk_count - 1, "200 OK", "", BODY);
	await(all_have_ended);
	assert_got(&a, BODY);
	assert_int_equal(a.x.reader.answer->facts.attempts, 2);
	depart(&a, 200);
	assert_int_equal(booked("SELECT count(*) FROM attempts"), 2);
	assert_int_equal(booked("SELECT cost_pico FROM attempts WHERE outcome = 1"), 0);
	assert_int_equal(booked("SELECT cost_pico FROM requests"), COST);
}

static void
attempts_are_counted_and_end(void **state)
{
	(void)state;
	struct person a;
	arrive(&a, CHAT(""));
	await(one_request);
	say_body(0, "503 No", "", "{}");
	await(two_requests);
	say_body(talk_count - 1, "503 No", "", "{}");
	await(all_have_ended);
	assert_int_equal(a.x.reader.answer->state, ANSWER_BROKEN);
	assert_string_equal(a.x.reader.answer->err->code, "upstream_error");
	depart(&a, 502);
	assert_int_equal(requests_heard(), 2);
	assert_int_equal(booked("SELECT cost_pico FROM requests"), 0);
}

static void
limited_model_is_left_for_its_fallback(void **state)
{
	(void)state;
	struct person a, b;
	config->models[0].fallback_count = 1;
	arrive(&a, CHAT(""));
	await(one_request);
	say_body(0, "429 Slow", "Retry-After: 30\r\n", "{}");
	await(two_requests);
	say_body(talk_count - 1, "200 OK", "", BODY);
	await(all_have_ended);
	assert_got(&a, BODY);
	depart(&a, 200);
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE model = 'spare' AND outcome = 0"), 1);
	/* and the next question does not even try the one that was told to rest */
	arrive(&b, CHAT(""));
	await(three_requests);
	depart(&b, 499);
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE model = 'm'"), 1);
}

static void
complaint_about_the_request_is_final(void **state)
{
	(void)state;
	struct person a;
	arrive(&a, CHAT(""));
	await(one_request);
	say_body(0, "400 Bad", "", "{\"error\":{\"message\":\"Too hot.\",\"param\":\"temperature\"}}");
	await(all_have_ended);
	assert_int_equal(a.x.reader.answer->err->status, 400);
	assert_string_equal(a.x.reader.answer->err->text, "Too hot.");
	depart(&a, 400);
	assert_int_equal(requests_heard(), 1);
}

static void
refusal_of_the_connection_is_told(void **state)
{
	(void)state;
	struct person a;
	loop_unwatch(loop, &listener);
	shutdown(listener.fd, SHUT_RDWR);
	arrive(&a, CHAT(""));
	await(all_have_ended);
	assert_int_equal(a.x.reader.answer->err->status, 502);
	assert_string_equal(a.x.reader.answer->err->code, "upstream_unreachable");
	assert_int_equal(a.x.reader.answer->facts.attempts, 2);
	depart(&a, 502);
	assert_int_equal(booked("SELECT sum(outcome = 2) FROM attempts"), 2);
	assert_int_equal(booked("SELECT cost_pico FROM requests"), 0);
}

/* ---- broken streams ---- */

static void
stream_that_breaks_keeps_its_bytes_and_fails(void **state)
{
	(void)state;
	struct person a, b;
	arrive(&a, STREAM);
	arrive(&b, STREAM);
	await(one_request);
	say(0, EVENTS FIRST "data: {\"cho");
	await(bytes_have_come);
	hang_up(0);
	await(all_have_ended);
	assert_int_equal(a.last, ANSWER_FAILED);
	assert_got(&a, FIRST);
	assert_got(&b, FIRST);
	assert_string_equal(a.x.reader.answer->err->code, "upstream_stream_truncated");
	depart(&a, 200);
	depart(&b, 200);
	assert_int_equal(requests_heard(), 1);
	assert_int_equal(booked("SELECT outcome FROM attempts"), ATTEMPT_BROKEN);
}

static void
client_is_finished_with_at_done_whatever_the_connection_does(void **state)
{
	(void)state;
	struct person a;
	arrive(&a, STREAM);
	await(one_request);
	say(0, EVENTS FIRST LAST DONE); /* and the provider never hangs up */
	await(all_have_ended);
	assert_int_equal(a.last, ANSWER_END);
	assert_int_equal(pipeline_under_way(pipeline), 0);
	depart(&a, 200);
}

static void
stopping_breaks_what_is_under_way(void **state)
{
	(void)state;
	struct person a, b;
	struct err e;
	arrive(&a, STREAM);
	arrive_as(&b, "other", false, CHAT(""));
	await(two_requests);
	err_set(&e, 503, "server_shutting_down", "The gateway stops.");
	pipeline_break_all(pipeline, &e);
	assert_int_equal(pipeline_under_way(pipeline), 0);
	assert_string_equal(a.x.reader.answer->err->code, "server_shutting_down");
	assert_string_equal(b.x.reader.answer->err->code, "server_shutting_down");
	depart(&a, 503);
	depart(&b, 503);
	assert_int_equal(booked("SELECT sum(outcome = 4) FROM attempts"), 2);
}

/* ---- holds that must be on the disk first ---- */

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
client_that_leaves_before_its_hold_is_on_the_disk_keeps_no_circuit_from_closing(void **state)
{
	(void)state;
	/* given a provider that may be asked once, to see whether it is well again */
	struct person a, b;
	config->budget.power_safe = true;
	circuit_init(circuit(), 1, 1000, 0);
	circuit_report(circuit(), CIRCUIT_CLOSED, CIRCUIT_BAD, clock_ms());
	arrive(&a, STREAM);
	assert_false(nobody_probes());
	/* when the one that would have asked leaves */
	depart(&a, 499);
	await(nobody_probes);
	/* then the next one may */
	arrive(&b, STREAM);
	await(one_request);
	depart(&b, 499);
}

static bool job_ran;

static void
on_job(struct job *job)
{
	(void)job;
	job_ran = true;
}

static bool
job_has_run(void)
{
	return job_ran;
}

static void
end_takes_back_what_the_disk_was_going_to_say(void **state)
{
	(void)state;
	struct person a;
	struct job later = { .run = on_job };
	/* given a hold that is on the disk by now, whose ask has not heard of it yet, and nobody who waits */
	config->budget.power_safe = true;
	arrive(&a, STREAM);
	depart(&a, 499);
	assert_int_equal(booked("SELECT count(*) FROM requests"), 1);
	/* when the end comes first, then the loop has no job of the dead */
	pipeline_free(&pipeline);
	job_ran = false;
	loop_post(loop, &later);
	await(job_has_run);
	pipeline = begin();
}

static void
books_that_cannot_be_read_are_no_fresh_budget(void **state)
{
	(void)state;
	change("ALTER TABLE windows RENAME TO gone");
	assert_null(begin());
	change("ALTER TABLE gone RENAME TO windows");
}

/* ---- what is forwarded ---- */

#define SPEECH INT64_C(30000000000) /* pico-dollars, as configured */
#define ACCEPTED "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define IS_HELD " AND held_pico = 30000000000 AND price_fee = 30000000000 AND day_us IS NOT NULL"

static struct forward
a_forward(const char *path_behind_v1, bool costs)
{
	char path_with[64];
	struct forward f = { .name = "speech", .method = "POST", .costs = costs };
	snprintf(path_with, sizeof path_with, "/v1%s", path_behind_v1);
	str_copy(f.path, sizeof f.path, str_from(path_behind_v1));
	f.rule = config_path(config, str_from(path_with));
	return f;
}

static const struct err *
error_of(const struct person *p)
{
	return p->x.reader.answer->err;
}

static void
accepted_path_costs_what_its_rule_says(void **state)
{
	(void)state;
	struct forward f = a_forward("/audio/speech", true);
	struct person a;
	arrive_forwarded(&a, &f);
	await(one_request);
	/* the hold is there while it runs */
	struct budget_stats s;
	budget_stats(pipeline_budget(pipeline), &s);
	assert_int_equal(s.held_pico, SPEECH);
	say(0, ACCEPTED);
	await(all_have_ended);
	assert_got(&a, "ok");
	budget_stats(pipeline_budget(pipeline), &s);
	assert_int_equal(s.held_pico, 0);
	assert_int_equal(s.spent_today_pico, SPEECH);
	assert_true(a.x.remaining_pico >= 0);
	depart(&a, 200);
	assert_int_equal(
	    booked("SELECT cost_pico FROM requests WHERE basis = 2 AND endpoint = 'speech'"), SPEECH);
	assert_int_equal(
	    booked("SELECT cost_pico FROM attempts WHERE basis = 2 AND model = ''" IS_HELD), SPEECH);
	assert_int_equal(booked("SELECT settled_pico FROM windows WHERE kind = 0 AND window = 0"), SPEECH);
}

static void
refused_path_costs_nothing_and_is_not_tried_again(void **state)
{
	(void)state;
	struct forward f = a_forward("/audio/speech", true);
	struct person a;
	arrive_forwarded(&a, &f);
	await(one_request);
	say(0, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
	await(all_have_ended);
	depart(&a, 502);
	struct budget_stats s;
	budget_stats(pipeline_budget(pipeline), &s);
	assert_int_equal(s.held_pico, 0);
	assert_int_equal(s.spent_today_pico, 0);
	assert_int_equal(requests_heard(), 1);
	assert_int_equal(
	    booked("SELECT count(*) FROM attempts WHERE basis = 0 AND cost_pico = 0" IS_HELD), 1);
}

static void
path_whose_outcome_nobody_knows_costs_what_was_held(void **state)
{
	(void)state;
	struct forward f = a_forward("/audio/speech", true);
	struct person a, b;
	arrive_forwarded(&a, &f);
	await(one_request);
	hang_up(0);
	await(all_have_ended);
	depart(&a, 502);
	arrive_forwarded(&b, &f);
	await(two_requests);
	depart(&b, 499);
	assert_int_equal(
	    booked("SELECT cost_pico FROM attempts WHERE basis = 3 AND outcome = 3" IS_HELD), SPEECH);
	assert_int_equal(
	    booked("SELECT cost_pico FROM attempts WHERE basis = 3 AND outcome = 4" IS_HELD), SPEECH);
}

static void
path_whose_client_has_left_is_drained_for_its_cost(void **state)
{
	(void)state;
	struct forward f = a_forward("/audio/speech", true);
	struct person a;
	config->tasks[0].budget.on_disconnect = DISCONNECT_DRAIN;
	arrive_forwarded(&a, &f);
	await(one_request);
	depart(&a, 499);
	assert_int_equal(pipeline_under_way(pipeline), 1);
	say(0, ACCEPTED);
	await(nothing_is_under_way);
	assert_int_equal(booked("SELECT cost_pico FROM attempts WHERE basis = 2"), SPEECH);
	assert_int_equal(booked("SELECT cost_pico FROM requests WHERE status = 499"), SPEECH);
}

static void
path_that_costs_more_than_a_request_may_asks_nobody(void **state)
{
	(void)state;
	struct forward f = a_forward("/audio/speech", true);
	struct person a;
	config->tasks[0].budget.request_pico = SPEECH - 1;
	arrive_forwarded(&a, &f);
	await(all_have_ended);
	const struct err *e = error_of(&a);
	assert_string_equal(e->code, "request_too_expensive");
	assert_int_equal(e->budget.needed_pico, SPEECH);
	assert_null(strstr(e->text, "output tokens"));
	depart(&a, 400);
	assert_int_equal(booked("SELECT count(*) FROM attempts"), 0);
	assert_int_equal(requests_heard(), 0);
}

static void
path_without_a_price_is_refused_where_a_limit_holds(void **state)
{
	(void)state;
	struct forward f = a_forward("/fine_tuning/jobs", true);
	struct person a;
	assert_null(f.rule);
	arrive_forwarded(&a, &f);
	await(all_have_ended);
	assert_string_equal(error_of(&a)->code, "unsupported_for_budget");
	assert_non_null(strstr(error_of(&a)->text, "`paths`"));
	depart(&a, 400);
	assert_int_equal(requests_heard(), 0);
}

static void
path_without_a_price_and_a_limit_has_an_unknown_cost(void **state)
{
	(void)state;
	struct forward f = a_forward("/fine_tuning/jobs", true);
	struct person a, b;
	config->budget.daily_pico = config->tasks[0].budget.request_pico = -1;
	arrive_forwarded(&a, &f);
	await(one_request);
	say(0, ACCEPTED);
	await(all_have_ended);
	depart(&a, 200);
	/* and nothing is unknown where the provider said no */
	arrive_forwarded(&b, &f);
	await(two_requests);
	say(talk_count - 1, "HTTP/1.1 400 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	await(all_have_ended);
	depart(&b, 400);
	assert_int_equal(booked("SELECT sum(cost_pico IS NULL AND basis = 4 AND held_pico = 0 AND "
				"price_fee IS NULL AND day_us IS NOT NULL) FROM attempts"),
	    1);
	assert_int_equal(booked("SELECT sum(cost_pico IS NULL AND basis = 4) FROM requests"), 1);
	assert_int_equal(booked("SELECT sum(cost_pico = 0 AND basis = 0) FROM attempts"), 1);
}

static void
path_that_is_free_needs_no_money(void **state)
{
	(void)state;
	struct forward f = a_forward("/moderations", false);
	struct person a;
	config->budget.daily_pico = config->tasks[0].budget.request_pico = 0;
	arrive_forwarded(&a, &f);
	await(one_request);
	say(0, ACCEPTED);
	await(all_have_ended);
	depart(&a, 200);
	assert_int_equal(booked("SELECT count(*) FROM attempts WHERE basis = 0 AND cost_pico = 0"), 1);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HOUSE(two_exchanges_join_one_call_and_the_one_that_stays_gets_all_bytes),
		IN_HOUSE(deserted_ask_closes_its_upstream_connection),
		IN_HOUSE(question_asked_again_after_it_was_deserted_is_a_new_call),
		IN_HOUSE(only_equal_questions_of_one_account_are_shared),
		IN_HOUSE(answer_that_a_runs_budget_may_shorten_is_not_shared_with_others),
		IN_HOUSE(dedup_that_is_off_shares_nothing),
		IN_HOUSE(landed_answer_is_not_joined),
		IN_HOUSE(body_reaches_all_who_wait_for_it),
		IN_HOUSE(kept_answer_costs_nothing_and_asks_nobody),
		IN_HOUSE(answer_that_a_keys_budget_may_shorten_is_not_shared_in_its_project),
		IN_HOUSE(failure_before_the_answer_is_tried_again),
		IN_HOUSE(attempts_are_counted_and_end),
		IN_HOUSE(limited_model_is_left_for_its_fallback),
		IN_HOUSE(complaint_about_the_request_is_final),
		IN_HOUSE(refusal_of_the_connection_is_told),
		IN_HOUSE(stream_that_breaks_keeps_its_bytes_and_fails),
		IN_HOUSE(client_is_finished_with_at_done_whatever_the_connection_does),
		IN_HOUSE(stopping_breaks_what_is_under_way),
		IN_HOUSE(client_that_leaves_before_its_hold_is_on_the_disk_keeps_no_circuit_from_closing),
		IN_HOUSE(end_takes_back_what_the_disk_was_going_to_say),
		IN_HOUSE(books_that_cannot_be_read_are_no_fresh_budget),
		IN_HOUSE(accepted_path_costs_what_its_rule_says),
		IN_HOUSE(refused_path_costs_nothing_and_is_not_tried_again),
		IN_HOUSE(path_whose_outcome_nobody_knows_costs_what_was_held),
		IN_HOUSE(path_whose_client_has_left_is_drained_for_its_cost),
		IN_HOUSE(path_that_costs_more_than_a_request_may_asks_nobody),
		IN_HOUSE(path_without_a_price_is_refused_where_a_limit_holds),
		IN_HOUSE(path_without_a_price_and_a_limit_has_an_unknown_cost),
		IN_HOUSE(path_that_is_free_needs_no_money),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
