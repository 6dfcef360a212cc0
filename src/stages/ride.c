/*
 * A ride: its departure, the events of its call, and how it is given up.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ride_private.h"

#include <assert.h>
#include <semaphore.h>
#include <stdlib.h>

#include "base/clock.h"

void
seat_free(struct seat **sp)
{
	struct seat *s = *sp;
	if (s == NULL)
		return;
	list_leave(&s->link);
	s->ask->seat = NULL;
	free(s);
	*sp = NULL;
}

void
ride_free(struct ride *r)
{
	assert(list_empty(&r->seats) && r->call == NULL && !r->securing);
	list_leave(&r->link);
	site_drop(&r->site);
	buf_free(&r->headers);
	buf_free(&r->body);
	free(r);
}

struct ask *
ride_leave(struct ride *r, size_t member)
{
	struct seat *s = r->members[member];
	struct ask *a = s->ask;
	r->members[member] = NULL;
	seat_free(&s);
	return a;
}

void
ride_circuit(struct ride *r, enum circuit_news news)
{
	circuit_report(provider_circuit(r->provider), r->pass, news, clock_ms());
}

bool
ride_calls(const struct ride *r)
{
	return r->call != NULL;
}

bool
ride_is_wanted(const struct ride *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->members[i] != NULL && r->members[i]->ask->answer->reader_count > 0)
			return true;
	return r->ending;
}

/* ---- events of the call ---- */

static int
on_head(void *context, struct call_head *head)
{
	struct ride *r = context;
	r->status = head->status;
	r->retry_after_ms = head->retry_after_ms;
	r->headers = head->headers;
	head->headers = (struct buf){ 0 };
	if (head->status != 200 || !head->encoded)
		return 0;
	return err_set(
	    &r->err, 502, "upstream_bad_encoding", "The provider sent an encoding that was not asked for.");
}

static int
on_bytes(void *context, struct str bytes)
{
	enum { ERROR_MAX = 64 * 1024 };
	struct ride *r = context;
	bool success = r->status == 200;
	size_t most = success ? r->most : ERROR_MAX, room = most - r->body.n;
	if (bytes.n > room && success)
		return err_set(&r->err, 502, "upstream_too_large",
		    "The provider's answer is larger than the gateway passes on.");
	bytes.n = bytes.n < room ? bytes.n : room;
	if (buf_add(&r->body, bytes) == 0)
		return 0;
	return err_set(&r->err, 503, "overloaded", "No memory for the provider's answer.");
}

static void
on_end(void *context, const struct call_end *end)
{
	struct ride *r = context;
	r->call = NULL;
	r->ending = true;
	if (end->result != CALL_DONE)
		ride_broken(r, end);
	else if (r->status == 200)
		ride_served(r);
	else
		ride_refused(r);
}

static const struct call_events events = { .on_head = on_head, .on_bytes = on_bytes, .on_end = on_end };

/* ---- departure ---- */

/* Who does not come along. What has been held for it is let go. */
static void
send_alone(struct ask *a)
{
	charge_drop(&a->charge);
	ask_start(a);
}

static void
send_all_alone(struct ride *r)
{
	for (size_t i = 0; i < r->count; i++)
		send_alone(ride_leave(r, i));
	ride_free(r);
}

static struct charge_extra
extra_of(const struct ride *r, const struct seat *s)
{
	const struct ask *a = s->ask;
	struct envelope_item item = { .request = &a->request, .bundle = &s->bundle };
	int64_t output = a->request.max_output >= 0 ? a->request.max_output : 0;
	struct envelope_room room = envelope_room(r->shape, &item, r->model, output);
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
		if (r->count < ENVELOPE_MOST && ask_may_ride(a) &&
		    ask_hold_together(a, extra_of(r, s)) == 0) {
			board(r, s);
			continue;
		}
		seat_free(&s);
		send_alone(a);
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
	if (count.unbounded == NULL && count.input_bound + suffix <= held)
		return true;
	log_line(LOG_ERROR, "unpaid", "batch=%s members=%zu held_tokens=%lld tokens=%lld", r->id, r->count,
	    (long long)held, (long long)(count.input_bound + suffix));
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
	r->call = call_start(r->house->caller, &spec, &events, r, &e);
	return r->call != NULL ? 0 : -1;
}

static void
leave(struct ride *r)
{
	struct buf body = { 0 };
	if (seal(r, &body) != 0 || call_for_all(r, &body) != 0) {
		buf_free(&body);
		ride_circuit(r, CIRCUIT_NO_NEWS);
		send_all_alone(r);
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
	if (r->count == 0) { /* the gateway stopped meanwhile */
		ride_free(r);
	} else if (r->safe) {
		leave(r);
	} else {
		ride_circuit(r, CIRCUIT_NO_NEWS);
		send_all_alone(r); /* who hear the same from the ledger, in their own words */
	}
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
	if (r->count < 2 || !may_call(r)) {
		send_all_alone(r);
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

/* ---- the books ---- */

void
ride_book(struct ride *r, enum attempt_outcome outcome, size_t answered, const struct usage *usage,
    const struct price *price, enum cost_basis basis, const char *why)
{
	struct ledger_batch row = { .at_us = r->wall_us,
		.members = (int)r->count,
		.answered = (int)answered,
		.outcome = outcome,
		.cost_pico = r->charged_pico,
		.basis = basis };
	str_copy(row.id, sizeof row.id, str_from(r->id));
	str_copy(row.upstream, sizeof row.upstream, str_from(provider_conf(r->provider)->name));
	str_copy(row.model, sizeof row.model, str_from(r->model->name));
	str_copy(row.why, sizeof row.why, str_from(why));
	if (usage->known) {
		/* Not the sum of the shares: that the two are equal is for `farthing ledger check` to find. */
		row.usage = *usage;
		if (!r->model->free)
			usage_cost(usage, price, &row.cost_pico);
	}
	ledger_batch(r->house->ledger, &row);
	log_line(answered == r->count ? LOG_DEBUG : LOG_INFO, "travelled",
	    "batch=%s members=%d answered=%d upstream=%q model=%q outcome=%s why=%q", r->id, row.members,
	    row.answered, row.upstream, row.model, attempt_outcome_name(outcome), why);
}

/* ---- giving up ---- */

/* Every member lands with e. What was sent is booked as any cancelled attempt is. */
static void
cancel(struct ride *r, const struct err *e, const char *why)
{
	struct usage total = { 0 }, shares[ENVELOPE_MOST] = { 0 };
	bool sent = false, left = r->call != NULL;
	r->ending = true;
	if (left)
		call_cancel(&r->call, &sent);
	if (left || r->securing)
		ride_circuit(r, CIRCUIT_NO_NEWS);
	if (sent)
		ride_estimate(r, &total, shares);
	for (size_t i = 0; i < r->count; i++) {
		struct ask *a = ride_leave(r, i);
		attempt_share(a, &shares[i]);
		if (left)
			attempt_book(a, ATTEMPT_CANCELLED, sent, why);
		else
			charge_drop(&a->charge);
		ask_land(a, e);
	}
	if (left)
		ride_book(r, ATTEMPT_CANCELLED, 0, &total, &r->price,
		    !sent         ? COST_NONE
		    : total.known ? COST_ESTIMATED
				  : COST_HELD,
		    why);
	r->count = 0;
	if (!r->securing)
		ride_free(r);
}

void
ride_give_up(struct ride *r)
{
	struct err e;
	err_set(&e, 499, "client_closed_request", "Nobody is waiting for this answer any more.");
	cancel(r, &e, "nobody reads it");
}

void
ride_break_all(struct ask_house *house, const struct err *e)
{
	for (struct link *at = house->rides.next, *next; at != &house->rides; at = next) {
		struct ride *r = LIST_ENTRY(at, struct ride, link);
		next = at->next; /* it frees itself and no other */
		if (r->count > 0)
			cancel(r, e, "the gateway stops");
	}
}

static void
on_reached(void *context, bool safe)
{
	(void)safe;
	sem_post(context);
}

void
ride_bury_all(struct ask_house *house)
{
	sem_t reached;
	if (list_empty(&house->rides))
		return;
	sem_init(&reached, 0, 0);
	ledger_hold_sync(house->ledger, on_reached, &reached);
	while (sem_wait(&reached) != 0)
		; /* interrupted */
	sem_destroy(&reached);
	while (!list_empty(&house->rides)) {
		struct ride *r = LIST_ENTRY(house->rides.next, struct ride, link);
		assert(r->count == 0);
		loop_unpost(house->loop, &r->secured);
		r->securing = false;
		ride_free(r);
	}
}
