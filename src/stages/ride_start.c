/*
 * How a ride departs: each member's own money, one body for all of them, one call.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ride_private.h"

#include "base/clock.h"

/* Who does not come along. What has been held for it is let go. */
static void
send_alone(struct ride *r, struct ask *a, enum batch_alone why, const char *text)
{
	charge_drop(&a->charge);
	a->travel = why == BATCH_ALONE_COMPANY ? TRAVEL_ALONE : TRAVEL_APART;
	batch_say_alone(r->batcher, a, why, text);
	ask_start(a);
}

static void
send_all_alone(struct ride *r, enum batch_alone why, const char *text)
{
	for (size_t i = 0; i < r->count; i++)
		send_alone(r, ride_leave(r, i), why, text);
	ride_free(r);
}

static struct charge_extra
extra_of(const struct ride *r, const struct seat *s)
{
	const struct ask *a = s->ask;
	struct envelope_item item = { .request = &a->request, .bundle = &s->bundle };
	int64_t output = a->request.max_output >= 0 ? a->request.max_output : 0;
	struct envelope_room room = envelope_room(r->shape, &item, &s->envelope, output);
	return (
	    struct charge_extra){ room.call_input + room.item_input, room.call_output + room.item_output };
}

static void
board(struct ride *r, struct seat *s)
{
	list_leave(&s->link);
	list_push(&r->seats, &s->link);
	s->room = NULL;
	s->ride = r;
	r->members[r->count] = s;
	r->items[r->count] = (struct envelope_item){ .request = &s->ask->request, .bundle = &s->bundle };
	s->place = (int)++r->count;
}

/* Each one's own money, before anything is sent. */
static void
take_members(struct ride *r, struct link *seats)
{
	while (!list_empty(seats)) {
		struct seat *s = LIST_ENTRY(seats->next, struct seat, link);
		struct ask *a = s->ask;
		bool may = r->count < ENVELOPE_MOST && ask_may_ride(a);
		if (may && ask_hold_together(a, extra_of(r, s)) == 0) {
			board(r, s);
			continue;
		}
		seat_free(&s);
		if (may)
			send_alone(r, a, BATCH_ALONE_MONEY, "its budgets do not hold that much");
		else
			send_alone(r, a, BATCH_ALONE_CHANGED, "its key or its model is not what it was");
	}
}

/* The most tokens the model may write: what is held for all of them, where that says anything at all. */
static int64_t
output_limit(const struct ride *r)
{
	int64_t sum = 0;
	bool stated = false;
	for (size_t i = 0; i < r->count; i++) {
		const struct ask *a = r->members[i]->ask;
		sum += a->charge.hold.output;
		stated = stated || a->request.max_output >= 0 || charge_counts_output(&a->charge);
	}
	int64_t most = r->model->max_output_tokens;
	return !stated ? 0 : most > 0 && most < sum ? most : sum;
}

/* What all hold pays for all that is sent, whatever the envelope has made of it. */
static bool
is_paid(struct ride *r, const struct request *combined)
{
	enum { AROUND = 16 }; /* a message of its own */
	struct prompt_count count;
	int64_t held = 0;
	prompt_count(combined, r->model, &count);
	for (size_t i = 0; i < r->count; i++)
		held += charge_input_bound(&r->members[i]->ask->charge);
	r->input = count.input;
	r->countable = count.exact && combined->suffix == NULL && !r->model->reasoning;
	int64_t suffix = combined->suffix != NULL ? (int64_t)strlen(combined->suffix) + AROUND : 0;
	int64_t tokens = count.input_bound + suffix;
	if (count.unbounded == NULL && tokens <= held)
		return true;
	log_line(LOG_ERROR, "unpaid", "batch=%s members=%zu held_tokens=%lld tokens=%lld", r->id, r->count,
	    (long long)held, (long long)tokens);
	return false;
}

/* The combined body, ready to send. */
static int
seal(struct ride *r, struct buf *body)
{
	const struct ask *first = r->members[0]->ask;
	struct request combined = { 0 };
	struct request_context context = {
		.config = site_config(r->site), .scope = "", .directives = "", .task = first->task
	};
	struct buf text = { 0 };
	struct err e;
	envelope_name(r->items, r->count);
	int rc = envelope_seal(r->shape, r->items, r->count, &text);
	if (rc == 0)
		rc = request_read(&combined, first->request.endpoint, &text, &context, &e);
	if (rc == 0) {
		combined.suffix = first->request.suffix;
		combined.model = first->request.model;
		rc = is_paid(r, &combined) ? request_seal(&combined, r->model, output_limit(r), body) : -1;
	}
	request_free(&combined);
	buf_free(&text);
	return rc;
}

static int64_t
deadline_ms(const struct ride *r)
{
	int64_t first = INT64_MAX;
	for (size_t i = 0; i < r->count; i++)
		first = r->members[i]->ask->deadline_ms < first ? r->members[i]->ask->deadline_ms : first;
	return first;
}

static int
call_for_all(struct ride *r, struct buf *body)
{
	struct err e;
	struct call_spec spec = { .provider = r->provider,
		.method = "POST",
		.path = endpoint_path(r->members[0]->ask->request.endpoint),
		.content_type = "application/json",
		.body = body,
		.deadline_ms = deadline_ms(r) };
	r->wall_us = clock_wall_us();
	r->started_us = clock_us();
	r->call = call_start(r->house->caller, &spec, &ride_events, r, &e);
	return r->call != NULL ? 0 : -1;
}

static void
leave(struct ride *r)
{
	struct buf body = { 0 };
	if (seal(r, &body) != 0 || call_for_all(r, &body) != 0) {
		buf_free(&body);
		ride_circuit(r, CIRCUIT_NO_NEWS);
		send_all_alone(r, BATCH_ALONE_UPSTREAM, "no call could be made for several");
		return;
	}
	r->price = r->members[0]->ask->charge.price;
	for (size_t i = 0; i < r->count; i++) {
		struct ask *a = r->members[i]->ask;
		a->facts.dispatched_us = a->answer->facts.dispatched_us = r->started_us;
		attempt_ride(a, r->provider, r->id, r->started_us, &r->charged_pico);
		a->facts.batch_size = (int)r->count;
		a->travel = TRAVEL_TOGETHER;
	}
}

/* Its readers left, or its key was revoked, while the disk was waited for: nothing is sent for it. */
static void
let_out(struct ride *r, struct seat *s)
{
	struct ask *a = s->ask;
	struct err e;
	bool read = a->answer->reader_count > 0;
	seat_free(&s);
	if (read) {
		send_alone(r, a, BATCH_ALONE_CHANGED, "its key or its model is not what it was");
		return;
	}
	err_set(&e, 499, "client_closed_request", "Nobody is waiting for this answer any more.");
	charge_drop(&a->charge);
	ask_land(a, &e);
}

static void
look_again(struct ride *r)
{
	size_t stay = 0, count = r->count;
	for (size_t i = 0; i < count; i++) {
		struct seat *s = r->members[i];
		if (s->ask->answer->reader_count == 0 || !ask_may_ride(s->ask)) {
			let_out(r, s);
			continue;
		}
		r->members[stay] = s;
		r->items[stay] = r->items[i];
		s->place = (int)++stay;
	}
	r->count = stay;
}

/* On the ledger's thread. */
static void
on_safe(void *context, bool safe)
{
	struct ride *r = context;
	r->safe = safe;
	loop_post(r->house->loop, &r->secured); /* the loop's again from here on */
}

static void
on_secured(struct job *job)
{
	struct ride *r = LIST_ENTRY(job, struct ride, secured);
	r->securing = false;
	if (r->count == 0) { /* the gateway stopped meanwhile, or nobody waits any more */
		ride_free(r);
		return;
	}
	look_again(r);
	if (r->safe && r->count > 1) {
		leave(r);
		return;
	}
	ride_circuit(r, CIRCUIT_NO_NEWS);
	if (r->safe)
		send_all_alone(r, BATCH_ALONE_COMPANY, "the others dropped out");
	else /* they hear the same from the ledger, in their own words */
		send_all_alone(r, BATCH_ALONE_MONEY, "the disk did not take their holds");
}

/* Whether the provider takes another call; those who go alone are told why not. */
static bool
may_call(struct ride *r)
{
	const struct upstream_conf *conf = r->model->upstream;
	r->provider = site_provider(r->site, conf);
	if (conf->max_connections > 0 && *provider_active(r->provider) >= conf->max_connections)
		return false;
	r->pass = circuit_ask(provider_circuit(r->provider), clock_ms());
	return r->pass != CIRCUIT_OPEN;
}

static struct ride *
ride_new(struct batcher *b, struct ask_house *house, const struct ask *first, enum envelope_shape shape)
{
	struct ride *r = must_alloc(sizeof *r);
	r->house = house;
	r->batcher = b;
	r->site = first->site;
	site_hold(r->site);
	r->model = first->model;
	r->shape = shape;
	r->most = (size_t)site_config(r->site)->limits.reply;
	timed_id(r->id, sizeof r->id, "batch_", clock_wall_us() / 1000);
	list_init(&r->seats);
	list_push(&house->rides, &r->link);
	return r;
}

void
ride_start(struct batcher *b, struct ask_house *house, struct link *seats, enum envelope_shape shape)
{
	struct ride *r = ride_new(b, house, LIST_ENTRY(seats->next, struct seat, link)->ask, shape);
	take_members(r, seats);
	if (r->count < 2) {
		send_all_alone(r, BATCH_ALONE_COMPANY, "the others dropped out");
		return;
	}
	if (!may_call(r)) {
		send_all_alone(r, BATCH_ALONE_UPSTREAM, "its provider takes no call now");
		return;
	}
	if (!site_config(r->site)->budget.power_safe) {
		leave(r);
		return;
	}
	r->securing = true;
	r->secured.run = on_secured;
	ledger_hold_sync(house->ledger, on_safe, r);
}
