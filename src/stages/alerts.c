/*
 * Alerts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/alerts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/money.h"

enum {
	TRIES = 3,
	TIME_MS = 10000, /* for one try */
	PAUSE_MS = 1000, /* before the second; four times as long before the third */
	REPLY_MAX = 64 * 1024,
};

/* Where they go: a provider of its own for the ordinary caller. Counted by the posts and the alerts themselves. */
struct webhook {
	int holders;
	char *url;
	struct upstream_conf conf;
	struct provider *provider;
};

struct alerts {
	struct loop *loop;
	struct caller *caller;
	struct gateway_metrics *metrics;
	struct webhook *webhook; /* NULL: none */
	struct link posts;
	int count;
};

/* One alert on its way to the webhook. */
struct post {
	struct link link;
	struct alerts *alerts;
	struct webhook *webhook;
	struct buf body;
	char label[ACCOUNT_LABEL];
	const char *window;
	int share;
	struct call *call; /* NULL between two tries */
	struct timer timer;
	int tries, status;
	size_t heard;
};

/* ---- the webhook ---- */

static struct webhook *
webhook_new(const char *url)
{
	struct webhook *w = must_alloc(sizeof *w);
	w->holders = 1;
	w->url = str_dup(str_from(url));
	w->conf = (struct upstream_conf){
		.name = "alerts.webhook",
		.base_url = w->url,
		.api_key = "",
		.organization = "",
		.project = "",
		.ca_file = "",
		.proxy = "",
		.http = HTTP_1_1,
		.connect_ms = TIME_MS,
		.first_byte_ms = TIME_MS,
		.idle_ms = TIME_MS,
		.total_ms = TIME_MS,
		.attempts = TRIES,
	};
	w->provider = provider_new(&w->conf);
	return w;
}

static void
webhook_drop(struct webhook **wp)
{
	struct webhook *w = *wp;
	*wp = NULL;
	if (w == NULL || --w->holders > 0)
		return;
	provider_free(&w->provider);
	free(w->url);
	free(w);
}

void
alerts_use(struct alerts *a, const struct config *config)
{
	const char *url = config->alerts.webhook;
	if (a->webhook != NULL && url != NULL && strcmp(a->webhook->url, url) == 0)
		return;
	webhook_drop(&a->webhook);
	if (url != NULL && url[0] != '\0')
		a->webhook = webhook_new(url);
}

/* ---- posts ---- */

static void
post_free(struct post *p)
{
	assert(p->call == NULL);
	list_leave(&p->link);
	p->alerts->count--;
	loop_timer_clear(p->alerts->loop, &p->timer);
	webhook_drop(&p->webhook);
	buf_free(&p->body);
	free(p);
}

static void
post_fail(struct post *p, const char *why)
{
	log_line(LOG_WARN, "alert_failed", "account=%q window=%s share=%d status=%d tries=%d why=%q",
	    p->label, p->window, p->share, p->status, p->tries, why);
	gateway_metrics_alert_lost(p->alerts->metrics);
	post_free(p);
}

static int
on_head(void *context, struct call_head *head)
{
	struct post *p = context;
	p->status = head->status;
	return 0;
}

static int
on_bytes(void *context, struct str bytes)
{
	struct post *p = context;
	p->heard += bytes.n;
	return p->heard > REPLY_MAX ? -1 : 0;
}

static bool
may_help_to_repeat(int status)
{
	return status == 0 || status == 408 || status == 429 || status >= 500;
}

static void
on_end(void *context, const struct call_end *end)
{
	struct post *p = context;
	p->call = NULL;
	/* What it says after its status does not matter. */
	if (p->status >= 200 && p->status < 300)
		post_free(p);
	else if (p->tries < TRIES && may_help_to_repeat(p->status))
		loop_timer_set(
		    p->alerts->loop, &p->timer, clock_ms() + (p->tries == 1 ? PAUSE_MS : 4 * PAUSE_MS));
	else
		post_fail(p, p->status != 0 ? "the receiver refused it" : end->text);
}

static const struct call_events events = { .on_head = on_head, .on_bytes = on_bytes, .on_end = on_end };

/* The first try too: alerts are raised deep inside the settling of a hold, which is no place to start a call. */
static void
on_time(struct timer *t)
{
	struct post *p = LIST_ENTRY(t, struct post, timer);
	struct buf body = { 0 };
	struct err e;
	p->tries++;
	p->status = 0;
	p->heard = 0;
	if (buf_add(&body, buf_str(&p->body)) != 0) {
		post_fail(p, "no memory");
		return;
	}
	struct call_spec spec = {
		.provider = p->webhook->provider,
		.method = "POST",
		.path = "",
		.content_type = "application/json",
		.body = &body,
	};
	p->call = call_start(p->alerts->caller, &spec, &events, p, &e);
	if (p->call == NULL)
		post_fail(p, e.text);
}

/* ---- an alert ---- */

static const char *
adjective(enum window_kind window)
{
	static const char *const words[] = { "daily ", "weekly ", "monthly ", "" };
	return words[window];
}

/* A sentence for people (`text` is what chat services show), and the fields for programs. Names are labels, so nothing in
 * them needs to be escaped; they are all the same. */
static int
write_body(struct buf *out, const struct budget_alert *alert, const char *label)
{
	char limit[32], spent[32], resets[CLOCK_TEXT] = "", now[CLOCK_TEXT];
	money_format(alert->limit_pico, limit);
	money_format(alert->spent_pico, spent);
	if (alert->resets_at_us != 0)
		clock_text(alert->resets_at_us, resets);
	clock_text(clock_wall_us(), now);
	if (buf_add(out, STR("{\"event\":\"budget_alert\",\"text\":\"")) != 0 ||
	    buf_printf(out, "Farthing: the %sbudget of ", adjective(alert->window)) != 0 ||
	    buf_add_json(out, str_from(label)) != 0 ||
	    buf_printf(out, " has reached %d %%: $%s of $%s are spent.", alert->share, spent, limit) != 0 ||
	    (resets[0] != '\0' && buf_printf(out, " It resets at %s.", resets) != 0) ||
	    buf_printf(out, "\",\"kind\":\"%s\",\"account\":\"", account_kind_name(alert->kind)) != 0 ||
	    buf_add_json(out, str_from(alert->account)) != 0 ||
	    buf_printf(out,
		"\",\"window\":\"%s\",\"share\":%d,\"limit_usd\":%s,\"spent_usd\":%s,\"resets_at\":",
		window_kind_name(alert->window), alert->share, limit, spent) != 0)
		return -1;
	if (resets[0] == '\0')
		return buf_printf(out, "null,\"at\":\"%s\"}\n", now);
	return buf_printf(out, "\"%s\",\"at\":\"%s\"}\n", resets, now);
}

static void
write_log(const struct budget_alert *alert, const char *label)
{
	char limit[32], spent[32], resets[CLOCK_TEXT] = "";
	if (alert->resets_at_us != 0)
		clock_text(alert->resets_at_us, resets);
	log_line(LOG_WARN, "budget", "account=%q window=%s share=%d limit_usd=%s spent_usd=%s resets_at=%s",
	    label, window_kind_name(alert->window), alert->share, money_format(alert->limit_pico, limit),
	    money_format(alert->spent_pico, spent), resets);
}

void
alerts_raise(struct alerts *a, const struct budget_alert *alert)
{
	char label[ACCOUNT_LABEL];
	account_label(alert->kind, alert->account, label);
	write_log(alert, label);
	gateway_metrics_alert(a->metrics);
	if (a->webhook == NULL)
		return;
	struct post *p = must_alloc(sizeof *p);
	p->alerts = a;
	p->webhook = a->webhook;
	p->webhook->holders++;
	p->timer.on_due = on_time;
	p->window = window_kind_name(alert->window);
	p->share = alert->share;
	memcpy(p->label, label, sizeof label);
	list_push(&a->posts, &p->link);
	a->count++;
	if (a->count > ALERTS_POSTS)
		post_fail(p, "too many are under way");
	else if (write_body(&p->body, alert, label) != 0)
		post_fail(p, "no memory");
	else
		loop_timer_set(a->loop, &p->timer, clock_ms());
}

/* ---- birth and death ---- */

struct alerts *
alerts_new(struct loop *l, struct caller *caller, struct gateway_metrics *metrics)
{
	struct alerts *a = must_alloc(sizeof *a);
	a->loop = l;
	a->caller = caller;
	a->metrics = metrics;
	list_init(&a->posts);
	return a;
}

void
alerts_free(struct alerts **ap)
{
	struct alerts *a = *ap;
	if (a == NULL)
		return;
	while (!list_empty(&a->posts)) {
		struct post *p = LIST_ENTRY(a->posts.next, struct post, link);
		bool sent;
		call_cancel(&p->call, &sent);
		post_fail(p, "the gateway stops");
	}
	webhook_drop(&a->webhook);
	free(a);
	*ap = NULL;
}
