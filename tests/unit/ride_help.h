/*
 * What the tests of rides share: a real loop, real calls, real books, and a provider on 127.0.0.1 that hears envelopes and single
 * requests and says what the test tells it to, when the test tells it to. Nothing waits for the clock: each step waits for what must
 * have happened. At the end of each test nothing may be held, and the auditor of the books must find no fault.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TESTS_RIDE_HELP_H
#define FARTHING_TESTS_RIDE_HELP_H

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
#include "core/envelope.h"
#include "ledger/check.h"
#include "ledger_help.h"
#include "stages/pipeline.h"
#include "stages/route.h"

/* ---- the provider ---- */

enum { TALKS = 64, HEARD = 64, SEATS = 8 };

struct talk { /* one connection */
	struct watch watch;
	struct buf heard;
	bool closed; /* by either end */
	int serial;  /* its place may be another's later */
};

/* A request that was heard whole. */
struct heard {
	int talk, serial;
	int seats; /* of an envelope; 0: it is a single one */
	char ids[SEATS][ENVELOPE_ID];
	char texts[SEATS][64]; /* of a single one, the first */
	char model[64];
	int64_t limit;                          /* of its output; -1: none */
	bool stream, logprobs, marks, answered; /* marks: no JSON is asked for */
};

static struct loop *loop;
static struct watch listener;
static struct talk talks[TALKS];
static struct heard heard[HEARD];
static int talk_count, heard_count, serials;

static inline void
read_line(struct heard *h, struct str line)
{
	struct json j = { 0 };
	struct json_fault fault;
	assert_int_equal(json_scan(&j, line, JSON_LIMITS, &fault), 0);
	assert_true(h->seats < SEATS);
	json_label(&j, json_member(&j, 0, "id"), h->ids[h->seats], ENVELOPE_ID);
	json_label(&j, json_member(&j, 0, "text"), h->texts[h->seats], sizeof h->texts[0]);
	h->seats++;
	json_free(&j);
}

static inline void
read_request(int talk, struct str body)
{
	struct json j = { 0 };
	struct json_fault fault;
	struct buf content = { 0 };
	assert_true(heard_count < HEARD);
	struct heard *h = &heard[heard_count++];
	*h = (struct heard){ .talk = talk, .serial = talks[talk].serial, .limit = -1 };
	assert_int_equal(json_scan(&j, body, JSON_LIMITS, &fault), 0);
	uint32_t stream = json_member(&j, 0, "stream"), messages = json_member(&j, 0, "messages"), last = 0;
	h->stream = stream != 0 && json_type(&j, stream) == JSON_TRUE;
	h->logprobs = json_member(&j, 0, "logprobs") != 0;
	h->marks = json_member(&j, 0, "response_format") == 0;
	json_label(&j, json_member(&j, 0, "model"), h->model, sizeof h->model);
	static const char *const limits[] = { "max_tokens", "max_completion_tokens" };
	for (int i = 0; i < 2; i++)
		if (json_member(&j, 0, limits[i]) != 0)
			json_int(&j, json_member(&j, 0, limits[i]), &h->limit);
	for (uint32_t m = json_first(&j, messages); m != 0; m = json_next(&j, messages, m))
		last = m;
	assert_int_equal(json_text(&j, json_member(&j, last, "content"), &content), 0);
	struct str rest = buf_str(&content), line;
	if (str_starts(rest, STR("Each line below"))) {
		str_cut(&rest, '\n', &line);
		while (rest.n > 0) {
			str_cut(&rest, '\n', &line);
			read_line(h, line);
		}
	} else {
		str_copy(h->texts[0], sizeof h->texts[0], rest);
	}
	buf_free(&content);
	json_free(&j);
}

/* Eats whole requests: a head, and a body as long as it says. */
static inline void
hear(int talk)
{
	struct talk *t = &talks[talk];
	for (;;) {
		ptrdiff_t head = str_find(buf_str(&t->heard), STR("\r\n\r\n"));
		if (head < 0)
			return;
		struct str text = { t->heard.p, (size_t)head };
		ptrdiff_t at = str_find(text, STR("Content-Length: "));
		size_t body = at >= 0 ? strtoul(text.p + at + 16, NULL, 10) : 0;
		if (t->heard.n < (size_t)head + 4 + body)
			return;
		read_request(talk, (struct str){ t->heard.p + head + 4, body });
		buf_eat(&t->heard, (size_t)head + 4 + body);
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
		hear((int)(t - talks));
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
	int i = 0;
	while (i < talk_count && !talks[i].closed)
		i++;
	assert_true(i < TALKS);
	talk_count = i == talk_count ? talk_count + 1 : talk_count;
	struct talk *t = &talks[i];
	buf_free(&t->heard);
	*t = (struct talk){ .watch = { .fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC), .on_ready = on_talk },
		.serial = ++serials };
	assert_true(t->watch.fd >= 0);
	assert_int_equal(loop_watch(loop, &t->watch, EPOLLIN), 0);
}

static inline int
listen_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	listener =
	    (struct watch){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .on_ready = on_listener };
	assert_int_equal(bind(listener.fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(listener.fd, 64), 0);
	assert_int_equal(getsockname(listener.fd, (struct sockaddr *)&at, &size), 0);
	return ntohs(at.sin_port);
}

/* The gateway may have gone away meanwhile. */
static inline void
say(int request, struct str s)
{
	struct talk *t = &talks[heard[request].talk];
	if (!t->closed && t->serial == heard[request].serial)
		assert_int_equal(send(t->watch.fd, s.p, s.n, MSG_NOSIGNAL), s.n);
}

static inline void
hang_up(int request)
{
	struct talk *t = &talks[heard[request].talk];
	heard[request].answered = true;
	if (t->closed || t->serial != heard[request].serial)
		return;
	loop_unwatch(loop, &t->watch);
	close(t->watch.fd);
	t->closed = true;
}

/* ---- what it says ---- */

/* All zeroes: each item's own answer, in 100 tokens of input and 20 of output for each. */
struct said {
	const char *status, *headers;            /* NULL: 200 OK, and none more */
	const char *body;                        /* instead of a completion */
	const char *model, *finish;              /* NULL: as asked, "stop" */
	const char *usage;                       /* an object; "": it is missing */
	const char *answer;                      /* of each; NULL: "Answer to " and its text */
	unsigned missing, twice, empty, refuses; /* bits: of items */
	bool swapped;                            /* the last comes first */
};

static inline void
add_answer(struct buf *out, const struct said *s, const struct heard *h, int i)
{
	if ((s->empty >> i & 1) != 0)
		return;
	if ((s->refuses >> i & 1) != 0)
		buf_add(out, STR("I'm sorry, but I can't help with that."));
	else if (s->answer != NULL)
		buf_add_json(out, str_from(s->answer));
	else if (buf_add(out, STR("Answer to ")) == 0)
		buf_add_json(out, str_from(h->texts[i]));
}

static inline void
add_element(struct buf *out, const struct said *s, const struct heard *h, int i)
{
	if ((s->missing >> i & 1) != 0)
		return;
	if (h->marks) {
		buf_printf(out, "<%s>\n", h->ids[i]);
		add_answer(out, s, h, i);
		buf_printf(out, "\n</%s>\n", h->ids[i]);
		return;
	}
	buf_printf(
	    out, "%s{\"id\":\"%s\",\"answer\":\"", str_ends(buf_str(out), STR("[")) ? "" : ",", h->ids[i]);
	add_answer(out, s, h, i);
	buf_add(out, STR("\"}"));
}

static inline void
add_content(struct buf *out, const struct said *s, const struct heard *h)
{
	if (h->seats == 0) {
		add_answer(out, s, h, 0);
		return;
	}
	buf_add(out, h->marks ? STR("") : STR("{\"answers\":["));
	for (int k = 0; k < h->seats; k++) {
		int i = s->swapped ? h->seats - 1 - k : k;
		add_element(out, s, h, i);
		if ((s->twice >> i & 1) != 0)
			add_element(out, s, h, i);
	}
	buf_add(out, h->marks ? STR("") : STR("]}"));
}

static inline void
add_usage(struct buf *out, const struct said *s, const struct heard *h)
{
	int n = h->seats > 0 ? h->seats : 1;
	if (s->usage == NULL)
		buf_printf(out,
		    ",\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"total_tokens\":%d}", 100 * n,
		    20 * n, 120 * n);
	else if (s->usage[0] != '\0')
		buf_printf(out, ",\"usage\":%s", s->usage);
}

static inline void
add_completion(struct buf *out, const struct said *s, const struct heard *h)
{
	struct buf content = { 0 };
	add_content(&content, s, h);
	buf_printf(out,
	    "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"%s\",\"choices\":[{",
	    s->model != NULL ? s->model : h->model);
	buf_add(out, STR("\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\""));
	buf_add_json(out, buf_str(&content));
	buf_printf(out, "\"},\"finish_reason\":\"%s\"}]", s->finish != NULL ? s->finish : "stop");
	add_usage(out, s, h);
	buf_add_c(out, '}');
	buf_free(&content);
}

static inline void
add_events(struct buf *out, const struct said *s, const struct heard *h)
{
	struct buf content = { 0 };
	add_content(&content, s, h);
	const char *model = s->model != NULL ? s->model : h->model;
	buf_printf(out, "data: {\"model\":\"%s\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", model);
	buf_add_json(out, buf_str(&content));
	buf_printf(out,
	    "\"}}]}\n\ndata: {\"model\":\"%s\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
	    "\"stop\"}]}\n\ndata: {\"choices\":[]",
	    model);
	add_usage(out, s, h);
	buf_add(out, STR("}\n\ndata: [DONE]\n\n"));
	buf_free(&content);
}

static inline void
answer(int request, struct said s)
{
	struct heard *h = &heard[request];
	struct buf body = { 0 }, all = { 0 };
	bool good = s.status == NULL;
	assert_true(request < heard_count && !h->answered);
	h->answered = true;
	if (s.body != NULL)
		buf_add(&body, str_from(s.body));
	else if (!good)
		buf_add(&body, STR("{}"));
	else if (h->stream)
		add_events(&body, &s, h);
	else
		add_completion(&body, &s, h);
	buf_printf(&all, "HTTP/1.1 %s\r\nContent-Type: %s\r\n%sContent-Length: %zu\r\n\r\n",
	    good ? "200 OK" : s.status, good && h->stream ? "text/event-stream" : "application/json",
	    s.headers != NULL ? s.headers : "", body.n);
	buf_add(&all, buf_str(&body));
	say(request, buf_str(&all));
	buf_free(&body);
	buf_free(&all);
}

#define WELL ((struct said){ 0 })

/* ---- the house ---- */

static struct config *config;
static struct site *site;
static struct caller *caller;
static struct ledger *ledger;
static struct gateway_metrics *metrics;
static struct pipeline *pipeline;

static inline struct config *
configure(int port)
{
	struct config_problem *problems = NULL;
	char file[128];
	snprintf(file, sizeof file, "%s/farthing.yaml", folder);
	FILE *f = fopen(file, "w");
	if (f == NULL)
		return NULL;
	fprintf(f,
	    "upstreams: { fake: { base_url: \"http://127.0.0.1:%d/v1\" } }\n"
	    "models:\n"
	    "  gpt-4o-mini: { upstream: fake, input_usd: 1, output_usd: 10, fallbacks: [spare] }\n"
	    "  spare: { upstream: fake, input_usd: 1, output_usd: 10 }\n"
	    "  dear: { upstream: fake, input_usd: 5, output_usd: 50 }\n"
	    "  gratis: { upstream: fake, free: true }\n"
	    "  tolled: { upstream: fake, as: gpt-4o-mini, input_usd: 1, output_usd: 10, fee_usd: 0.0000001 "
	    "}\n",
	    port);
	fclose(f);
	struct config *c = config_load(file, NULL, &problems);
	for (struct config_problem *p = problems; p != NULL; p = p->next)
		print_error("%d: %s: %s\n", p->line, p->key, p->text);
	config_problems_free(&problems);
	if (c == NULL)
		return NULL;
	struct upstream_conf *u = &c->upstreams[0];
	u->attempts = 2;
	u->backoff_ms = 1;
	u->circuit_failures = 0;
	c->models[0].fallback_count = 0;
	c->budget.daily_pico = INT64_C(100000000000000); /* a hundred dollars */
	struct task_conf *t = &c->tasks[0];
	t->cache.exact = false;
	t->cache.similarity = 0;
	t->dedup.on = true;
	t->dedup.window_ms = 0;
	t->budget.on_disconnect = DISCONNECT_ABORT;
	t->budget.strict = true;
	t->batch.on = true;
	t->batch.size = 3;
	t->batch.wait_ms = 60000; /* rooms leave when they are full */
	t->batch.adaptive = false;
	t->batch.experiment = 0;
	return c;
}

static inline struct pipeline *
begin(void)
{
	struct pipeline_house house = {
		.loop = loop, .caller = caller, .ledger = ledger, .metrics = metrics
	};
	return pipeline_new(&house, config);
}

static inline int
open_house(void **state)
{
	struct err e;
	if (make_folder(state) != 0)
		return -1;
	log_setup(LOG_SILENT, false);
	talk_count = heard_count = 0;
	loop = loop_new();
	if ((config = configure(listen_somewhere())) == NULL)
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

static inline void
assert_nothing_is_held(void)
{
	struct budget_stats s;
	budget_stats(pipeline_budget(pipeline), &s);
	assert_int_equal(s.holds, 0);
	assert_int_equal(s.held_pico, 0);
	assert_int_equal(s.waiting, 0);
	assert_int_equal(pipeline_waiting(pipeline), 0);
}

static inline void
assert_books_are_right(void)
{
	struct buf report = { 0 };
	struct err e;
	if (ledger_check(path, &report, &e) != 0)
		fail_msg("%s:\n%.*s", e.text, STR_FMT(report));
	buf_free(&report);
}

static inline int
close_house(void **state)
{
	assert_int_equal(pipeline_under_way(pipeline), 0);
	assert_nothing_is_held();
	pipeline_free(&pipeline);
	site_drop(&site);
	caller_free(&caller);
	gateway_metrics_free(&metrics);
	assert_int_equal(ledger_close(&ledger), 0);
	assert_books_are_right();
	for (int i = 0; i < talk_count; i++) {
		if (!talks[i].closed) {
			loop_unwatch(loop, &talks[i].watch);
			close(talks[i].watch.fd);
		}
		buf_free(&talks[i].heard);
		talks[i] = (struct talk){ 0 };
	}
	loop_unwatch(loop, &listener);
	close(listener.fd);
	loop_free(&loop);
	return remove_folder(state);
}

/* ---- clients ---- */

enum { PEOPLE = 16 };

struct person {
	struct exchange x;
	char text[64];
	struct buf got;
	long last; /* what answer_read said last; 1: it was not asked */
};

static struct person *people[PEOPLE];
static int people_count;

static void
on_wake(struct reader *r)
{
	(void)r; /* they read whenever the loop is about to sleep */
}

/* Of those who come next; NULL and zeroes: the usual. */
static struct next {
	const char *account, *run, *more, *model, *idempotency;
	struct key *key;
	int wish;
	int64_t run_pico;
	bool stream, fresh;
	const struct model_conf *stronger;
} next_one;

static const char rules[] = "You write product titles for a shop. A title has at most eight words, starts "
			    "with the brand, names the colour and the "
			    "material, leaves out prices and superlatives, and never ends with a full stop. "
			    "Titles are written in English, in title "
			    "case, without quotes and without any explanation before or behind them. ";

static inline void
come(struct person *p, const char *text)
{
	struct err e;
	const struct next *n = &next_one;
	*p = (struct person){ .last = 1 };
	str_copy(p->text, sizeof p->text, str_from(text));
	str_copy(p->x.run, sizeof p->x.run, str_from(n->run != NULL ? n->run : ""));
	p->x.run_budget_pico = n->run != NULL ? n->run_pico : -1;
	p->x.max_age_s = -1;
	p->x.batch_wish = n->wish;
	p->x.fresh = n->fresh;
	timed_id(p->x.id, sizeof p->x.id, "req_", 1795415041000);
	str_copy(p->x.account, sizeof p->x.account, str_from(n->account != NULL ? n->account : "local"));
	str_copy(p->x.task, sizeof p->x.task, STR("default"));
	if (n->idempotency != NULL)
		str_copy(p->x.idempotency, sizeof p->x.idempotency, str_from(n->idempotency));
	p->x.key = n->key;
	p->x.site = site;
	p->x.arrived_us = clock_us();
	p->x.wall_us = clock_wall_us();
	p->x.reader.wake = on_wake;
	buf_printf(&p->x.body, "{\"model\":\"%s\",\"messages\":[{\"role\":\"system\",\"content\":\"",
	    n->model != NULL ? n->model : "gpt-4o-mini");
	for (int i = 0; i < 12; i++)
		buf_add(&p->x.body, str_from(rules));
	buf_add(&p->x.body, STR("\"},{\"role\":\"user\",\"content\":\""));
	buf_add_json(&p->x.body, str_from(text));
	buf_printf(&p->x.body, "\"}]%s%s}", n->more != NULL ? n->more : ",\"max_tokens\":100",
	    n->stream ? ",\"stream\":true" : "");
	if (pipeline_read(&p->x, ENDPOINT_CHAT, &e) != 0 || route_admit(&p->x, &e) != 0)
		fail_msg("%s", e.text);
	if (n->stronger != NULL) {
		p->x.stronger = n->stronger;
		p->x.level = TIER_SIMPLE;
	}
	pipeline_arrive(pipeline, &p->x);
	assert_true(people_count < PEOPLE);
	people[people_count++] = p;
}

static inline void
come_streaming(struct person *p, const char *text)
{
	next_one.stream = true;
	come(p, text);
	next_one.stream = false;
}

static inline void
depart(struct person *p, int status)
{
	struct ledger_request row;
	pipeline_depart(pipeline, &p->x, status, status == 499 ? "client hung up" : "served", "", &row);
	exchange_free_request(&p->x);
	buf_free(&p->got);
	for (int i = 0; i < people_count; i++)
		if (people[i] == p)
			people[i] = people[--people_count];
}

static inline void
read_all(struct person *p)
{
	char bytes[1000];
	while ((p->last = answer_read(&p->x.reader, bytes, sizeof bytes)) > 0)
		assert_int_equal(buf_add(&p->got, (struct str){ bytes, (size_t)p->last }), 0);
}

static inline bool
has_ended(const struct person *p)
{
	return p->last == ANSWER_END || p->last == ANSWER_FAILED ||
	       (answer_ended(p->x.reader.answer) && reader_at_end(&p->x.reader));
}

static inline const struct answer_facts *
facts_of(const struct person *p)
{
	return &p->x.reader.answer->facts;
}

static inline const char *
error_of(const struct person *p)
{
	return p->x.reader.answer->err != NULL ? p->x.reader.answer->err->code : "";
}

/* ---- waiting for what must happen ---- */

static bool (*wanted)(void);
static int wanted_number;

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
	fail_msg("what was waited for did not happen: %d connections, %d requests", talk_count, heard_count);
}

static inline void
await(bool (*condition)(void))
{
	struct keeper k = { .hook.before_sleep = before_sleep, .timer.on_due = on_too_late };
	wanted = condition;
	loop_hook(loop, &k.hook);
	loop_timer_set(loop, &k.timer, clock_ms() + 10000);
	loop_run(loop);
	loop_timer_clear(loop, &k.timer);
	list_leave(&k.hook.link);
}

static bool
so_many_were_heard(void)
{
	return heard_count >= wanted_number;
}

static inline void
await_requests(int count)
{
	wanted_number = count;
	await(so_many_were_heard);
	assert_int_equal(heard_count, count);
}

static bool
all_have_ended(void)
{
	for (int i = 0; i < people_count; i++)
		if (!has_ended(people[i]))
			return false;
	return true;
}

static inline bool
nothing_is_under_way(void)
{
	return pipeline_under_way(pipeline) == 0;
}

static bool turned;

static void
on_turn(struct job *job)
{
	(void)job;
	turned = true;
}

static bool
loop_has_turned(void)
{
	return turned;
}

/* Whatever was due at once has happened. */
static inline void
turn(void)
{
	struct job job = { .run = on_turn };
	turned = false;
	loop_post(loop, &job);
	await(loop_has_turned);
}

/* It has its own answer, once, and nobody else's. */
static inline void
assert_served(const struct person *p)
{
	char want[96];
	int n = 0;
	snprintf(want, sizeof want, "Answer to %s\"", p->text);
	struct str got = buf_str(&p->got);
	if (str_find(got, str_from(want)) < 0)
		fail_msg("%s got \"%.*s\" (%s)", p->text, STR_FMT(got), error_of(p));
	for (ptrdiff_t at; (at = str_find(got, STR("Answer to "))) >= 0; n++)
		got = (struct str){ got.p + at + 10, got.n - (size_t)at - 10 };
	assert_int_equal(n, 1);
}

static inline int64_t
booked(const char *sql)
{
	assert_int_equal(ledger_sync(ledger), 0);
	return number(sql);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

#endif
