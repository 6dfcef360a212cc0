/*
 * A shipment's calls, and how long it is patient with a provider.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "shipment.h"
#include "stages/reply.h"

#define HOUR_US (INT64_C(3600) * 1000000)
#define SEND_WITHIN_US (24 * HOUR_US)
#define LOST_AFTER_US (72 * HOUR_US)

/* ---- calls ---- */

static int
on_head(void *context, struct call_head *head)
{
	struct shipment *s = context;
	s->status = head->status;
	s->retry_after_ms = head->retry_after_ms;
	return head->encoded ? -1 : 0;
}

static int
on_bytes(void *context, struct str bytes)
{
	struct shipment *s = context;
	if (buf_add(&s->heard, bytes) == 0)
		return 0;
	s->too_large = true;
	return -1;
}

static void
on_end(void *context, const struct call_end *end)
{
	struct shipment *s = context;
	s->call = NULL;
	site_drop(&s->site);
	s->reached = end->result == CALL_DONE;
	if (!s->reached)
		log_line(LOG_WARN, "deferred_call", "job=%s upstream=%q why=%q", s->row.name, s->row.upstream,
		    end->text);
	s->on_reply(s);
}

static const struct call_events events = { .on_head = on_head, .on_bytes = on_bytes, .on_end = on_end };

static const struct upstream_conf *
upstream_of(const struct shipment *s)
{
	const struct config *c = site_config(s->depot->site);
	for (size_t i = 0; i < c->upstream_count; i++)
		if (strcmp(c->upstreams[i].name, s->row.upstream) == 0)
			return &c->upstreams[i];
	return NULL;
}

void
shipment_call(struct shipment *s, const char *method, const char *path, const char *type, struct buf *body,
    size_t most, void (*on_reply)(struct shipment *s))
{
	const struct upstream_conf *conf = upstream_of(s);
	struct buf none = { 0 };
	struct err e = { 0 };
	assert(s->call == NULL);
	buf_free(&s->heard);
	buf_init(&s->heard, most);
	s->status = 0;
	s->retry_after_ms = -1;
	s->reached = s->too_large = false;
	s->on_reply = on_reply;
	if (conf == NULL)
		err_set(&e, 503, "no_upstream", "the configuration has no such upstream any more");
	if (conf != NULL) {
		struct call_spec spec = { .provider = site_provider(s->depot->site, conf),
			.method = method,
			.path = path,
			.content_type = type,
			.body = body != NULL ? body : &none };
		s->call = call_start(s->depot->house.caller, &spec, &events, s, &e);
	}
	if (s->call != NULL) {
		s->site = s->depot->site;
		site_hold(s->site);
		return;
	}
	log_line(
	    LOG_ERROR, "deferred_call", "job=%s upstream=%q why=%q", s->row.name, s->row.upstream, e.text);
	if (body != NULL)
		buf_free(body);
	shipment_later(s);
}

enum reply_kind
shipment_judge(const struct shipment *s, struct err *e)
{
	bool final;
	if (!s->reached)
		return REPLY_LATER;
	if (s->status >= 200 && s->status < 300)
		return REPLY_GOOD;
	reply_error(s->status, buf_str(&s->heard), s->retry_after_ms, e, &final);
	e->retry_after_s = 0; /* when to ask again was the gateway's business */
	log_line(LOG_WARN, "deferred_refused", "job=%s upstream=%q status=%d error=%s", s->row.name,
	    s->row.upstream, s->status, e->code);
	return final ? REPLY_REFUSED : REPLY_LATER;
}

/* ---- patience ---- */

void
shipment_wait(struct shipment *s, int64_t ms)
{
	if (!s->depot->stopped)
		loop_timer_set(s->depot->house.loop, &s->timer, clock_ms() + ms);
}

static int64_t
age_us(const struct shipment *s)
{
	return clock_wall_us() - s->row.at_us;
}

bool
shipment_is_lost(const struct shipment *s)
{
	return age_us(s) > LOST_AFTER_US;
}

void
shipment_let_go_of_file(struct shipment *s)
{
	struct depot *d = s->depot;
	if (d->busy != s)
		return;
	d->busy = NULL;
	if (!d->stopped)
		loop_timer_set(d->house.loop, &d->timer, clock_ms()); /* others may wait for that */
}

void
shipment_doom(struct shipment *s, enum billed billed, int status, const struct err *e, const char *why)
{
	s->fated = true;
	s->fate = (struct fate){ .billed = billed, .provider_status = status, .err = *e, .why = why };
	shipment_let_go_of_file(s);
	shipment_settle_rest(s);
}

/* Nothing more is known, and waiting has an end. */
bool
shipment_gives_up(struct shipment *s)
{
	struct err e;
	if (s->count == 0)
		return false;
	bool nothing_made = s->row.batch[0] == '\0' && !s->row.creating;
	if (nothing_made && age_us(s) > SEND_WITHIN_US) {
		err_set(&e, 504, "deadline_exceeded",
		    "The request could not be sent to the provider within its deadline.");
		shipment_doom(s, BILLED_NOT, 0, &e, "not sent in time");
		return true;
	}
	if (!shipment_is_lost(s))
		return false;
	err_set(&e, 504, "upstream_timeout", "The provider did not tell what became of the request.");
	shipment_doom(s, BILLED_UNKNOWN, 0, &e, "the job is lost");
	return true;
}

/* Exponential, from the upstream's back-off to the time between two looks, or as the provider says. */
void
shipment_later(struct shipment *s)
{
	enum { RETRY_MOST_MS = 10 * 60 * 1000 };
	const struct upstream_conf *conf = upstream_of(s);
	int64_t most = depot_conf(s->depot)->poll_ms, ms = conf != NULL ? conf->backoff_ms : most;
	shipment_let_go_of_file(s);
	buf_free(&s->heard);
	if (shipment_gives_up(s))
		return;
	for (int i = 0; i < s->tries && ms < most; i++)
		ms *= 2;
	ms = ms < most ? ms : most;
	if (s->retry_after_ms > ms)
		ms = s->retry_after_ms < RETRY_MOST_MS ? s->retry_after_ms : RETRY_MOST_MS;
	s->tries++;
	shipment_wait(s, ms);
}
