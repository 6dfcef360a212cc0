/*
 * Escalation, inside an ask: what is withheld, what is asked again, and what its readers get.
 *
 *     escalate_open ──> the cheap model's answer, as a draft ──> escalate_judge ──┬── passes ─────────────────────> escalate_land
 *                                                                                 └── fails ──> escalate_again ──> escalate_land
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "ask_private.h"
#include "base/clock.h"
#include "escalate_spend.h"
#include "judgement.h"
#include "stages/replay.h"

/* Less time than this is left of limits.total_timeout: the dear model is not asked. */
enum { LEAST_MS = 5000 };

/* The cheap answer that failed, and what stands in the facts when it is delivered after all. */
struct spare {
	struct answer *draft; /* NULL: there is none */
	const struct model_conf *model;
	struct price price;
	const struct price *usual;   /* as in reply_price */
	char name[96], upstream[48]; /* as in answer_facts */
	struct usage usage;
	int64_t served_pico, clamped_to, cost_pico;
	int batch_place, batch_size;
};

struct escalation {
	const struct escalate_conf *conf;  /* as long as the ask's site */
	const struct model_conf *stronger; /* NULL: nobody is asked again, but what is said is judged */
	struct answer *draft;              /* what comes, unseen; NULL: its readers see it as it comes */
	struct spare spare;
	int fault;    /* of the cheap answer */
	bool turning; /* it failed, and its call has yet to end */
	bool asks;    /* the dear model */
	bool
	    rejected; /* what is delivered failed its check, and something better might be had another time */
	int64_t taken_pico;                   /* from the task's account, for this request; -1: nothing */
	bool with_logprobs, without_logprobs; /* this attempt asked for them; the provider will not have it */
	char why[64];                         /* for the row of the attempt whose answer failed */
};

const char *
fault_name(int fault)
{
	if (fault == FAULT_CONFIDENCE)
		return "confidence";
	bool checked = fault >= FAULT_OF_KIND && fault < FAULTS;
	return checked ? demand_name((enum demand_kind)(fault - FAULT_OF_KIND)) : "";
}

const char *
escalation_result_name(enum escalation_result result)
{
	static const char *const names[] = { "met", "unmet", "lost", "declined" };
	assert(result < ESCALATION_RESULTS);
	return names[result];
}

static void
count(const struct ask *a, enum escalation_result result)
{
	gateway_metrics_escalation(a->house->metrics, a->escalation->fault, result);
}

/* Whether somebody better could be asked. */
static bool
is_cheap(const struct ask *a)
{
	const struct escalation *s = a->escalation;
	return s->stronger != NULL && a->model != s->stronger;
}

/* ---- withholding ---- */

static struct answer *
new_draft(const struct ask *a)
{
	return answer_new(a->answer->form, a->answer->body.max, 0, NULL, NULL);
}

bool
escalate_withholds(const struct ask *a)
{
	return a->escalation != NULL && a->escalation->draft != NULL;
}

/* Shadows compare one model's answers with kept ones: they are taken as they are. Embeddings demand nothing. */
void
escalate_open(struct ask *a, const struct model_conf *stronger, bool routed)
{
	const struct task_conf *task = config_task(site_config(a->site), str_from(a->charge.payer.task));
	const struct escalate_conf *conf = &task->routing.escalate;
	const struct request *r = &a->request;
	bool said = !a->forwarded && r->endpoint != ENDPOINT_EMBEDDINGS && r->choices == 1;
	bool withholds = stronger != NULL && stronger != a->model && (!r->stream || conf->streams);
	if (!routed || !said || a->aside || !conf->on || (r->stream && !withholds))
		return;
	a->escalation = must_alloc(sizeof *a->escalation);
	a->escalation->conf = conf;
	a->escalation->taken_pico = -1;
	if (!withholds)
		return; /* it is judged where it is */
	a->escalation->stronger = stronger;
	a->escalation->draft = new_draft(a);
	a->reply.answer = a->escalation->draft;
}

void
escalate_close(struct ask *a)
{
	struct escalation *s = a->escalation;
	if (s == NULL)
		return;
	answer_drop(&s->draft);
	answer_drop(&s->spare.draft);
	free(s);
	a->escalation = NULL;
}

bool
escalate_asks(const struct ask *a)
{
	return a->escalation != NULL && a->escalation->asks;
}

bool
escalate_turns(const struct ask *a)
{
	return a->escalation != NULL && a->escalation->turning;
}

int
escalate_fault(const struct ask *a)
{
	return escalate_asks(a) ? a->escalation->fault : FAULT_NONE;
}

bool
escalate_rejected(const struct ask *a)
{
	return a->escalation != NULL && a->escalation->rejected;
}

/* Who will have answered is not known yet: nothing is said of it, rather than something wrong. */
void
escalate_head(struct ask *a)
{
	struct buf none = { 0 };
	assert(escalate_withholds(a) && a->answer->form == ANSWER_EVENTS);
	if (a->answer->state == ANSWER_WAITING)
		answer_head(a->answer, 200, "text/event-stream", &none);
}

/* A draft's readers see it; what comes behind it reaches them at once. */
static void
show(struct ask *a, struct answer **draft)
{
	if ((*draft)->state == ANSWER_FLOWING)
		answer_adopt(a->answer, *draft);
	answer_drop(draft);
	a->reply.answer = a->answer;
}

/* A stream that is longer than a whole reply may be is not held back any further: it goes unchecked. */
void
escalate_look(struct ask *a)
{
	const struct limits_conf *limits = &site_config(a->site)->limits;
	struct escalation *s = a->escalation;
	if (!escalate_withholds(a) || a->answer->form != ANSWER_EVENTS ||
	    s->draft->body.n <= (size_t)limits->reply)
		return;
	a->answer->facts = a->facts;
	answer_drop(&s->spare.draft);
	show(a, &s->draft);
}

/* ---- judging ---- */

/* The whole body, or what a stream says put together. */
static struct str
whole_body(const struct ask *a, struct buf *assembled)
{
	const struct answer *said = a->reply.answer;
	if (said->form == ANSWER_BODY)
		return buf_str(&said->body);
	struct buf events = { 0 };
	bool small = said->body.n <= JUDGEMENT_MAX * 4; /* what stands around each word */
	if (small && answer_copy(said, VIEW_ASKED, &events) == 0)
		replay_assemble(a->request.endpoint, buf_str(&events), assembled);
	buf_free(&events);
	return buf_str(assembled);
}

/* Its client's limit, or its budget's, binds the dear model as well. */
static bool
is_at_limit(const struct ask *a)
{
	int64_t limit = a->charge.clamped_to > 0 ? a->charge.clamped_to : a->request.max_output;
	const struct usage *u = &a->reply.usage;
	int64_t tokens = u->known ? u->output : reply_output_tokens(&a->reply);
	return limit > 0 && tokens >= limit;
}

void
escalate_check(const struct ask *a, const struct escalate_conf *conf, struct judgement *out)
{
	struct buf assembled = { 0 };
	judgement_of(&a->request, whole_body(a, &assembled), is_at_limit(a), conf, out);
	buf_free(&assembled);
}

/* Static, why the dear model is not asked; NULL: nothing is against it. */
static const char *
why_not(const struct ask *a, bool affordable)
{
	if (a->escalation->draft == NULL)
		return "it was not withheld";
	if (a->answer->reader_count == 0)
		return "nobody reads";
	if (a->deadline_ms - clock_ms() < LEAST_MS)
		return "no time";
	return affordable ? NULL : "spend";
}

/* ---- what that may cost ---- */

/* What was said, as the provider counted it, else as the gateway does. */
static struct usage
tokens_of(const struct ask *a)
{
	struct usage u = a->reply.usage;
	if (!u.known) {
		int64_t input = a->charge.count.input, output = reply_output_tokens(&a->reply);
		u = (struct usage){
			.known = true, .input = input > 0 ? input : 0, .output = output > 0 ? output : 0
		};
	}
	return u;
}

static struct spend_account *
account_of(const struct ask *a)
{
	return spend_of(a->house->spend, str_from(a->charge.payer.task));
}

/* A cheap answer came. False: the dear model may not be asked on top of it; else, where it fails, that is taken for it. Where a price
 * is not known there is no saying, and no limit. Input that the provider has cached for the cheap model it has not for the dear one. */
static bool
take_from_account(struct ask *a, bool fails)
{
	struct escalation *s = a->escalation;
	struct usage u = tokens_of(a), fresh = u;
	int64_t base = 0, estimate = 0, cost = 0, now = clock_ms();
	fresh.cached_input = fresh.cache_write = 0;
	const struct price *dear = config_price_at(s->stronger, clock_wall_us());
	if (a->house->spend == NULL ||
	    (!s->stronger->free && (!usage_cost(&u, dear, &base) || !usage_cost(&fresh, dear, &estimate))))
		return true;
	if (!a->model->free && !usage_cost(&u, &a->charge.price, &cost))
		return true;
	if (a->facts.cost_pico > 0) /* of tries that failed */
		cost += a->facts.cost_pico;
	struct spend_account *account = account_of(a);
	spend_cheap(account, (double)base, (double)cost, now);
	s->taken_pico = cost;
	if (!fails)
		return true;
	if (!spend_allows(account, s->conf->spend, (double)estimate, now))
		return false;
	/* Before it is spent: what is asked meanwhile must find it gone. */
	spend_dear(account, (double)estimate, now);
	s->taken_pico += estimate;
	return true;
}

/* What the request did cost. */
static void
settle_with_account(struct ask *a)
{
	struct escalation *s = a->escalation;
	if (s->taken_pico < 0 || a->facts.cost_pico < 0)
		return;
	spend_dear(account_of(a), (double)(a->facts.cost_pico - s->taken_pico), clock_ms());
	s->taken_pico = -1;
}

/* ---- the verdict ---- */

static void
tell_outcome(struct ask *a, const struct judgement *v)
{
	struct ask_house *house = a->house;
	if (house->on_judged != NULL && (v->fault != FAULT_NONE || v->telling))
		house->on_judged(house->context, a, a->model, v->fault == FAULT_NONE);
}

/* An answer that is not the dear model's own: whether that is asked. */
static bool
rejects(struct ask *a, const struct judgement *v)
{
	struct escalation *s = a->escalation;
	bool fails = v->fault != FAULT_NONE;
	/* Nobody pays for asking again where something else is against it. */
	const char *against = why_not(a, true);
	bool affordable = take_from_account(a, fails && against == NULL);
	if (!fails)
		return false;
	s->fault = v->fault;
	s->rejected = true;
	against = why_not(a, affordable);
	s->turning = against == NULL;
	snprintf(s->why, sizeof s->why, "failed its check: %s%s%s", fault_name(v->fault),
	    s->turning ? "" : "; not asked again: ", s->turning ? "" : against);
	if (!s->turning)
		count(a, ESCALATION_DECLINED);
	return s->turning;
}

/* What was asked for our sake goes no further. */
static void
forget_logprobs(struct ask *a)
{
	struct buf bare = { .max = a->reply.answer->body.max };
	if (!a->escalation->with_logprobs)
		return;
	if (judgement_strip(buf_str(&a->reply.answer->body), &bare) == 0) {
		buf_clear(&a->reply.answer->body);
		answer_take(a->reply.answer, &bare);
	}
	buf_free(&bare);
}

bool
escalate_is_void(const struct ask *a)
{
	const struct reply *r = &a->reply;
	if (!escalate_asks(a) || a->escalation->spare.draft == NULL)
		return false;
	if (r->failed)
		return true;
	if (a->answer->form == ANSWER_EVENTS)
		return !r->finished && reply_output_tokens(r) == 0;
	return judgement_is_none(a->request.endpoint, buf_str(&r->answer->body));
}

bool
escalate_judge(struct ask *a, const char **why)
{
	struct escalation *s = a->escalation;
	struct judgement v;
	if (s == NULL || a->reply.failed)
		return false;
	escalate_check(a, s->conf, &v);
	forget_logprobs(a);
	if (v.given)
		tell_outcome(a, &v);
	if (s->asks) {
		count(a, v.fault == FAULT_NONE ? ESCALATION_MET : ESCALATION_UNMET);
		return false;
	}
	if (!v.given)
		return false;
	if (!is_cheap(a)) {
		s->fault = v.fault;
		return false;
	}
	bool again = rejects(a, &v);
	if (v.fault != FAULT_NONE)
		*why = s->why;
	return again;
}

const char *
escalate_why(const struct ask *a)
{
	return a->escalation->why;
}

/* ---- asking again ---- */

static void
set_aside(struct ask *a)
{
	struct escalation *s = a->escalation;
	struct spare *spare = &s->spare;
	const struct answer_facts *f = &a->facts;
	*spare = (struct spare){ .draft = s->draft,
		.model = a->model,
		.price = a->charge.price,
		.usual = a->reply.price.usual,
		.usage = f->usage,
		.served_pico = f->served_pico,
		.clamped_to = f->clamped_to,
		.cost_pico = f->cost_pico,
		.batch_place = f->batch_place,
		.batch_size = f->batch_size };
	const char *name = a->reply.model[0] != '\0' ? a->reply.model : f->model;
	str_copy(spare->name, sizeof spare->name, str_from(name));
	str_copy(spare->upstream, sizeof spare->upstream, str_from(f->upstream));
	s->draft = new_draft(a);
}

/* An answer with less room than the one that failed is not worth its price. */
static int64_t
least_output(const struct ask *a)
{
	int64_t output = a->escalation->spare.usage.output;
	return output > 0 ? output : 0;
}

void
escalate_again(struct ask *a)
{
	struct escalation *s = a->escalation;
	assert(s->turning && a->attempt.call == NULL && !charge_held(&a->charge));
	loop_timer_clear(a->house->loop, &a->timer);
	set_aside(a);
	s->turning = false;
	s->asks = true;
	reply_free(&a->reply);
	reply_start(&a->reply, a->request.endpoint, s->draft);
	log_line(LOG_DEBUG, "escalated", "request=%s from=%q to=%q check=%s", a->id, a->model->name,
	    s->stronger->name, fault_name(s->fault));
	a->model = s->stronger;
	a->tries = 0;
	free(a->failure);
	a->failure = NULL;
	charge_once_more(&a->charge, least_output(a));
	ask_next(a);
}

/* ---- logprobs ---- */

/* Whether the provider is asked how sure its model is. Models that think refuse to tell, and who asked for it gets it. */
bool
escalate_wants_logprobs(struct ask *a)
{
	struct escalation *s = a->escalation;
	if (s == NULL)
		return false;
	const struct request *r = &a->request;
	s->with_logprobs = s->conf->confidence > 0 && is_cheap(a) && r->endpoint == ENDPOINT_CHAT &&
			   !r->stream && !a->model->reasoning && !s->without_logprobs &&
			   json_member(&r->json, 0, "logprobs") == 0;
	return s->with_logprobs;
}

/* A provider that knows nothing of logprobs refuses the request for them: it is sent once more without. */
bool
escalate_blames_logprobs(struct ask *a, int status)
{
	struct escalation *s = a->escalation;
	if (s == NULL || !s->with_logprobs || (status != 400 && status != 422))
		return false;
	s->with_logprobs = false;
	s->without_logprobs = true;
	return a->answer->reader_count > 0;
}

/* ---- the end ---- */

/* The cheap stream says what it cost; by now it is more. */
static void
bill_anew(struct ask *a, struct answer *draft)
{
	struct spare *s = &a->escalation->spare;
	struct answer *again = new_draft(a);
	struct buf events = { 0 };
	struct reply r;
	int64_t others = a->facts.cost_pico - s->served_pico;
	reply_start(&r, a->request.endpoint, again);
	reply_price(&r, &s->price, s->model->free, others);
	reply_usual_price(&r, s->usual);
	struct buf none = { 0 };
	reply_stream(
	    &r, (size_t)site_config(a->site)->limits.event, draft->status, draft->content_type, &none);
	bool told = answer_copy(draft, VIEW_ASKED, &events) == 0 && reply_events(&r, buf_str(&events)) == 0 &&
		    reply_events_end(&r) == 0;
	buf_free(&events);
	reply_free(&r);
	if (!told) { /* no memory: it is delivered as it was */
		answer_drop(&again);
		return;
	}
	again->headers = draft->headers;
	draft->headers = none;
	answer_drop(&draft);
	s->draft = again;
}

/* The dear answer is not to be had: the cheap one is delivered, and counts as what it is. */
static void
rescue(struct ask *a)
{
	struct escalation *s = a->escalation;
	struct spare *spare = &s->spare;
	struct answer_facts *f = &a->facts;
	bool dearer = f->cost_pico > spare->cost_pico && spare->served_pico >= 0;
	if (a->answer->form == ANSWER_EVENTS && dearer)
		bill_anew(a, spare->draft);
	str_copy(f->model, sizeof f->model, str_from(spare->name));
	str_copy(f->upstream, sizeof f->upstream, str_from(spare->upstream));
	f->usage = spare->usage;
	f->served_pico = spare->served_pico;
	f->clamped_to = spare->clamped_to;
	f->batch_place = spare->batch_place;
	f->batch_size = spare->batch_size;
	a->model = spare->model;
	a->reply.failed = false;
	answer_drop(&s->draft);
	s->draft = spare->draft;
	spare->draft = NULL;
}

const struct err *
escalate_land(struct ask *a, const struct err *e)
{
	struct escalation *s = a->escalation;
	if (s == NULL)
		return e;
	settle_with_account(a);
	if (e != NULL && s->spare.draft != NULL && a->answer->reader_count > 0) {
		count(a, a->facts.escalated != 0 ? ESCALATION_LOST : ESCALATION_DECLINED);
		log_line(LOG_WARN, "not_escalated", "request=%s model=%q check=%s why=%q", a->id,
		    s->stronger->name, fault_name(s->fault), e->code);
		rescue(a);
		e = NULL;
	} else if (e == NULL) {
		s->rejected = s->rejected && !s->asks;
	}
	if (s->draft == NULL)
		return e;
	a->answer->facts = a->facts;
	if (e == NULL || a->answer->form == ANSWER_EVENTS) {
		bool told = s->draft->state == ANSWER_FLOWING;
		show(a, &s->draft);
		a->answer->err_told = e != NULL && told && a->reply.failed;
	}
	return e;
}
