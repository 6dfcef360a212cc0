/*
 * Proves src/stages/alerts.c: an alert is one line, one count and one post, and a receiver that fails costs nobody anything.
 * A real loop and real calls; the receiver on 127.0.0.1 says what the test tells it to, and the test turns the clock.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/money.h"
#include "stages/alerts.h"

/* ---- the receiver: counts requests, keeps the last one, answers each with the status it is set to ---- */

enum { TALKS = 64 };

struct talk {
	struct watch watch;
	struct buf heard;
	bool open;
};

static struct loop *loop;
static struct watch listener;
static struct talk talks[TALKS];
static int talk_count, posts;
static int status; /* 0: hang up without a word; -1: say nothing */
static struct buf last;

static void
close_talk(struct talk *t)
{
	if (!t->open)
		return;
	loop_unwatch(loop, &t->watch);
	close(t->watch.fd);
	t->open = false;
}

static void
answer(struct talk *t)
{
	char text[128];
	int n = snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok", status);
	posts++;
	buf_clear(&last);
	buf_add(&last, buf_str(&t->heard));
	buf_clear(&t->heard);
	if (status > 0)
		assert_int_equal(send(t->watch.fd, text, (size_t)n, MSG_NOSIGNAL), n);
	else if (status == 0)
		close_talk(t);
}

static void
on_talk(struct watch *w, uint32_t events)
{
	struct talk *t = LIST_ENTRY(w, struct talk, watch);
	char bytes[4096];
	(void)events;
	ssize_t n = recv(w->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			close_talk(t);
		return;
	}
	buf_add(&t->heard, (struct str){ bytes, (size_t)n });
	if (str_ends(buf_str(&t->heard), STR("}\n")))
		answer(t);
}

static void
on_listener(struct watch *w, uint32_t events)
{
	(void)events;
	assert_true(talk_count < TALKS);
	struct talk *t = &talks[talk_count++];
	*t = (struct talk){ .watch = { .fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC), .on_ready = on_talk },
		.open = true };
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
	assert_int_equal(listen(listener.fd, 64), 0);
	assert_int_equal(getsockname(listener.fd, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(loop_watch(loop, &listener, EPOLLIN), 0);
	return ntohs(at.sin_port);
}

/* ---- the house ---- */

#define MIDNIGHT INT64_C(1795824000000000) /* 2026-11-28T00:00:00Z */

static struct caller *caller;
static struct gateway_metrics *metrics;
static struct alerts *alerts;
static struct config config;
static char url[64];
static int64_t now_us;

static void
pass(int64_t ms)
{
	now_us += ms * 1000;
	clock_fake(now_us, MIDNIGHT - 60 * INT64_C(1000000));
}

static int
open_house(void **state)
{
	struct err e;
	(void)state;
	log_setup(LOG_SILENT, false);
	now_us = 1000000000;
	pass(0);
	talk_count = posts = 0;
	status = 204;
	loop = loop_new();
	snprintf(url, sizeof url, "http://127.0.0.1:%d/hook?x=1", listen_somewhere());
	config.alerts.webhook = url;
	caller = caller_new(loop, &e);
	metrics = gateway_metrics_new();
	alerts = alerts_new(loop, caller, metrics);
	alerts_use(alerts, &config);
	return caller != NULL ? 0 : -1;
}

static int
close_house(void **state)
{
	(void)state;
	alerts_free(&alerts);
	assert_int_equal(caller_count(caller), 0);
	caller_free(&caller);
	gateway_metrics_free(&metrics);
	for (int i = 0; i < talk_count; i++) {
		close_talk(&talks[i]);
		buf_free(&talks[i].heard);
	}
	loop_unwatch(loop, &listener);
	close(listener.fd);
	loop_free(&loop);
	buf_free(&last);
	clock_fake(-1, -1);
	return 0;
}

static void
raise_one(int share)
{
	struct budget_alert alert = { .kind = ACCOUNT_KEY,
		.account = "app",
		.window = WINDOW_DAY,
		.share = share,
		.limit_pico = 2 * PICO_PER_USD,
		.spent_pico = 8 * PICO_PER_USD / 5,
		.resets_at_us = MIDNIGHT };
	alerts_raise(alerts, &alert);
}

static int64_t
counted(const char *name)
{
	struct gateway_gauges gauges = { 0 };
	struct buf page = { 0 };
	char key[100];
	assert_int_equal(gateway_metrics_render(metrics, &gauges, &page), 0);
	snprintf(key, sizeof key, "\n%s ", name);
	ptrdiff_t at = str_find(buf_str(&page), str_from(key));
	assert_true(at >= 0);
	long value = strtol(buf_text(&page) + at + strlen(key), NULL, 10);
	buf_free(&page);
	return value;
}

/* ---- waiting for what must happen ---- */

static int wanted_posts, wanted_calls;

static bool
before_sleep(struct hook *hook)
{
	(void)hook;
	if (posts >= wanted_posts && caller_count(caller) == wanted_calls)
		loop_stop(loop);
	return false;
}

/* Until that many posts were heard and that many calls are under way. The clock stands, so only the test makes time pass. */
static void
await(int posts_heard, int calls)
{
	struct hook hook = { .before_sleep = before_sleep };
	wanted_posts = posts_heard;
	wanted_calls = calls;
	loop_hook(loop, &hook);
	alarm(10);
	loop_run(loop);
	alarm(0);
	list_leave(&hook.link);
}

/* ---- tests ---- */

static void
an_alert_is_posted_once_with_all_its_numbers(void **state)
{
	(void)state;
	raise_one(80);
	assert_int_equal(posts, 0); /* never from inside */
	await(1, 0);
	assert_true(str_starts(buf_str(&last), STR("POST /hook?x=1 HTTP/1.1\r\n")));
	assert_true(str_find(buf_str(&last), STR("Authorization")) < 0);
	assert_true(str_find(buf_str(&last), STR("Content-Type: application/json\r\n")) >= 0);
	struct str text = buf_str(&last);
	ptrdiff_t at = str_find(text, STR("\r\n\r\n"));
	text.p += at + 4;
	text.n -= (size_t)at + 4;
	struct str want = STR(
	    "{\"event\":\"budget_alert\",\"text\":\"Farthing: the daily budget of key/app has reached 80 %: "
	    "$1.60 of $2.00 are spent. It resets at 2026-11-28T00:00:00Z.\",\"kind\":\"key\",\"account\":"
	    "\"app\",\"window\":\"day\",\"share\":80,\"limit_usd\":2.00,\"spent_usd\":1.60,\"resets_at\":"
	    "\"2026-11-28T00:00:00Z\",\"at\":\"2026-11-27T23:59:00Z\"}\n");
	if (!str_eq(text, want))
		fail_msg("%.*s", STR_FMT(text));
	struct json j = { 0 };
	struct json_fault fault;
	text.n--;
	assert_int_equal(json_scan(&j, text, JSON_LIMITS, &fault), 0);
	json_free(&j);
	assert_int_equal(counted("farthing_budget_alerts_total"), 1);
	assert_int_equal(counted("farthing_budget_alerts_lost_total"), 0);
}

static void
a_failing_receiver_is_tried_again_twice(void **state)
{
	(void)state;
	static const int bad[] = { 0, 500,
		429 }; /* hung up first: on a used connection curl would ask again itself */
	for (int i = 0; i < 3; i++) {
		int before = posts;
		status = bad[i];
		raise_one(50);
		await(before + 1, 0);
		pass(999);
		await(before + 1, 0);
		pass(1);
		await(before + 2, 0);
		pass(4000);
		await(before + 3, 0);
		pass(100000);
		await(before + 3, 0);
		assert_int_equal(posts, before + 3);
		assert_int_equal(counted("farthing_budget_alerts_lost_total"), i + 1);
	}
}

static void
a_repetition_that_is_received_ends_it(void **state)
{
	(void)state;
	status = 503;
	raise_one(50);
	await(1, 0);
	status = 200;
	pass(1000);
	await(2, 0);
	pass(100000);
	await(2, 0);
	assert_int_equal(posts, 2);
	assert_int_equal(counted("farthing_budget_alerts_lost_total"), 0);
}

static void
a_refusal_is_not_repeated(void **state)
{
	(void)state;
	status = 404;
	raise_one(50);
	await(1, 0);
	status = 302; /* never followed */
	raise_one(80);
	await(2, 0);
	pass(100000);
	await(2, 0);
	assert_int_equal(posts, 2);
	assert_int_equal(counted("farthing_budget_alerts_lost_total"), 2);
}

static void
a_receiver_that_says_nothing_is_given_up(void **state)
{
	(void)state;
	status = -1;
	raise_one(50);
	await(1, 1);
	pass(10000); /* its time is up */
	await(1, 0);
	pass(1000);
	await(2, 1);
	status = 200;
}

static void
no_more_than_so_many_are_under_way(void **state)
{
	(void)state;
	status = -1;
	for (int i = 0; i < ALERTS_POSTS + 5; i++)
		raise_one(50);
	await(ALERTS_POSTS, ALERTS_POSTS);
	assert_int_equal(counted("farthing_budget_alerts_total"), ALERTS_POSTS + 5);
	assert_int_equal(counted("farthing_budget_alerts_lost_total"), 5);
}

static void
without_a_webhook_nobody_is_called(void **state)
{
	(void)state;
	config.alerts.webhook = "";
	alerts_use(alerts, &config);
	raise_one(50);
	await(0, 0);
	assert_int_equal(counted("farthing_budget_alerts_total"), 1);
	config.alerts.webhook = NULL; /* a configuration that never heard of it */
	alerts_use(alerts, &config);
}

static void
a_post_under_way_keeps_the_webhook_it_began_with(void **state)
{
	(void)state;
	status = 500;
	raise_one(50);
	await(1, 0);
	config.alerts.webhook = "http://127.0.0.1:1/elsewhere";
	alerts_use(alerts, &config);
	status = 200;
	pass(1000);
	await(2, 0);
	assert_true(str_starts(buf_str(&last), STR("POST /hook?x=1 ")));
}

static void
an_account_for_ever_resets_never(void **state)
{
	(void)state;
	struct budget_alert alert = {
		.kind = ACCOUNT_GATEWAY, .account = "", .window = WINDOW_RUN, .share = 95
	};
	alerts_raise(alerts, &alert);
	await(1, 0);
	assert_true(str_find(buf_str(&last), STR("the budget of gateway has reached 95 %")) >= 0);
	assert_true(str_find(buf_str(&last), STR("\"resets_at\":null,\"at\"")) >= 0);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HOUSE(an_alert_is_posted_once_with_all_its_numbers),
		IN_HOUSE(a_failing_receiver_is_tried_again_twice),
		IN_HOUSE(a_repetition_that_is_received_ends_it),
		IN_HOUSE(a_refusal_is_not_repeated),
		IN_HOUSE(a_receiver_that_says_nothing_is_given_up),
		IN_HOUSE(no_more_than_so_many_are_under_way),
		IN_HOUSE(without_a_webhook_nobody_is_called),
		IN_HOUSE(a_post_under_way_keeps_the_webhook_it_began_with),
		IN_HOUSE(an_account_for_ever_resets_never),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
