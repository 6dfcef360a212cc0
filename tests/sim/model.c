/*
 * The reference model. Slow on purpose: no number is kept that the list of events already tells.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 wide;

#define HOUR_US INT64_C(3600000000)
#define RUN_LIVES_US (30 * 24 * HOUR_US)

const int model_accounts[ACCOUNT_KINDS] = { 1, PROJECTS, KEYS, TASKS, KEYS *RUNS };

enum event_kind {
	ASKED,
	HELD,
	SETTLED,
	VOIDED,
	LEFT,
	FROZEN, /* key, until at_us */
	THAWED, /* key */
	JOURNALLED,
	DEFERRED,
	COMMITTED,
	CRASHED,
	TURNED,  /* a day began */
	TOUCHED, /* a run was asked about */
	RUN_NAMED,
};

struct event {
	enum event_kind kind;
	int who; /* attempt, key or run */
	int64_t at_us;
	int64_t amount, output;
};

struct look {
	int64_t wall_us, mono_us;
};

struct fates {
	struct fate {
		enum { NOT_ASKED, WAITS, HOLDS, SPENT, GONE } is;
		bool journalled, deferred, committed;
		int64_t held, output, cost;
		int64_t held_at, ended_at;
		int run_life;          /* which life of its run it was booked to */
		int64_t freezes_until; /* its key */
	} of[MOST_ATTEMPTS];
	struct run {
		bool alive;
		int life;
		int64_t ends_us, limit;
	} run[KEYS * RUNS];
};

struct model {
	const struct calendar *calendar;
	int64_t limits[ACCOUNT_RUN][KEYS][WINDOW_KINDS];
	struct event events[MOST_EVENTS];
	int event_count;
	struct look looks[MOST_LOOKS];
	int look_count;
	int64_t now_us;   /* what the looks come to */
	int64_t begun_us; /* where the clock starts at least: what the books said */
	struct model_order orders[MOST_ATTEMPTS];
	int attempts;
	struct fates *fates; /* what told_at events come to: worked out again as soon as there is one more */
	int told_at;
};

const char *
model_verdict_name(enum model_verdict verdict)
{
	static const char *names[] = { "held", "waiting", "too expensive", "no quota", "reserved" };
	return names[verdict];
}

struct model *
model_new(const struct calendar *calendar)
{
	struct model *m = calloc(1, sizeof *m);
	assert(m != NULL);
	m->calendar = calendar;
	m->fates = calloc(1, sizeof *m->fates);
	assert(m->fates != NULL);
	m->told_at = -1;
	for (int k = 0; k < ACCOUNT_RUN; k++)
		for (int i = 0; i < KEYS; i++)
			for (int w = 0; w < WINDOW_KINDS; w++)
				m->limits[k][i][w] = -1;
	return m;
}

void
model_free(struct model **m)
{
	free((*m)->fates);
	free(*m);
	*m = NULL;
}

void
model_limit(struct model *m, enum account_kind kind, int number, enum window_kind window, int64_t pico)
{
	m->limits[kind][number][window] = pico;
}

static void
add(struct model *m, enum event_kind kind, int who, int64_t amount, int64_t output)
{
	assert(m->event_count < MOST_EVENTS);
	m->events[m->event_count++] = (struct event){ kind, who, model_now_us(m), amount, output };
}

/* ---- the clock ---- */

/*
 * Every look at the clocks since the start, in order. Time never goes back. The wall clock is followed, except when it is
 * more than an hour ahead of where it would be if it had run evenly since the last day turned, another would turn by that, and
 * it is less than twenty hours: then time stops at the last microsecond of the day.
 */
static int64_t
what_time(const struct model *m)
{
	int64_t now = m->begun_us, turned = -1;
	struct look last = m->looks[0];
	for (int i = 0; i < m->look_count; i++) {
		struct look l = m->looks[i];
		if (i == 0) {
			now = l.wall_us > now ? l.wall_us : now;
			continue;
		}
		int64_t day_ends = calendar_window(m->calendar, WINDOW_DAY, now).end_us;
		bool leapt = l.wall_us - last.wall_us > l.mono_us - last.mono_us + HOUR_US;
		bool turns = l.wall_us >= day_ends;
		if (leapt && turns && turned >= 0 && l.mono_us - turned < 20 * HOUR_US) {
			now = day_ends - 1;
			continue;
		}
		if (l.wall_us > now)
			now = l.wall_us;
		if (turns) {
			turned = l.mono_us;
			last = l;
		}
	}
	return now;
}

int64_t
model_now_us(const struct model *m)
{
	return m->now_us;
}

bool
model_look(struct model *m, int64_t wall_us, int64_t mono_us)
{
	int64_t day_ends =
	    m->look_count == 0 ? 0 : calendar_window(m->calendar, WINDOW_DAY, model_now_us(m)).end_us;
	assert(m->look_count < MOST_LOOKS);
	m->looks[m->look_count++] = (struct look){ wall_us, mono_us };
	m->now_us = what_time(m);
	bool turned = m->now_us >= day_ends;
	if (turned)
		add(m, TURNED, -1, 0, 0);
	return turned;
}

/* ---- what became of each attempt ---- */

static int
run_of(const struct model *m, int attempt)
{
	return m->orders[attempt].payer.number[ACCOUNT_RUN];
}

static void
run_touched(struct fates *f, int run, int64_t at_us, bool ended)
{
	if (run < 0)
		return;
	struct run *r = &f->run[run];
	if (!r->alive) {
		r->life++;
		r->alive = true;
		r->ends_us = at_us + RUN_LIVES_US;
	} else if (ended) {
		r->ends_us = at_us + RUN_LIVES_US;
	}
}

static bool
run_is_used(const struct model *m, const struct fates *f, int run)
{
	for (int a = 0; a < m->attempts; a++)
		if (run_of(m, a) == run && f->of[a].is == HOLDS)
			return true;
	return false;
}

/* Runs end at the first midnight at which nobody has used them for thirty days. */
static void
day_began(const struct model *m, struct fates *f, int64_t at_us)
{
	for (int run = 0; run < KEYS * RUNS; run++) {
		struct run *r = &f->run[run];
		if (r->alive && at_us >= r->ends_us && !run_is_used(m, f, run))
			*r = (struct run){ .life = r->life, .limit = -1 };
	}
	for (int a = 0; a < m->attempts; a++) { /* those who wait now want money of the new windows */
		if (f->of[a].is != WAITS || run_of(m, a) < 0)
			continue;
		run_touched(f, run_of(m, a), at_us, false);
		if (m->orders[a].run_pico >= 0)
			f->run[run_of(m, a)].limit = m->orders[a].run_pico;
	}
}

/* All that is left is what is on the disk; a hold without an end on it is charged in full. */
static void
crashed(const struct model *m, struct fates *f, int64_t at_us)
{
	for (int a = 0; a < m->attempts; a++) {
		struct fate *x = &f->of[a];
		if (x->committed || (x->is == GONE && !x->journalled && !x->deferred))
			continue; /* also without a hold: it waited, or was refused */
		x->freezes_until = 0;
		if (x->deferred) { /* as if its end had never been told */
			x->is = HOLDS;
			x->cost = 0;
		} else if (x->journalled) {
			x->is = SPENT;
			x->cost = x->held;
			x->ended_at = x->held_at;
			x->committed = true;
		} else {
			x->is = GONE;
		}
	}
	for (int run = 0; run < KEYS * RUNS; run++) {
		struct run *r = &f->run[run];
		int64_t ends = 0;
		bool held = run_is_used(m, f, run);
		for (int a = 0; a < m->attempts; a++) {
			const struct fate *x = &f->of[a];
			if (run_of(m, a) == run && x->committed && x->run_life == r->life && r->alive &&
			    x->ended_at + RUN_LIVES_US > ends)
				ends = x->ended_at + RUN_LIVES_US;
		}
		bool alive = r->alive && ends > at_us;
		*r = (struct run){ .alive = alive, .life = r->life, .ends_us = ends, .limit = -1 };
		if (alive || !held)
			continue;
		run_touched(f, run, at_us, false); /* its life begins with what is still held */
		for (int a = 0; a < m->attempts; a++)
			if (run_of(m, a) == run && f->of[a].is == HOLDS)
				f->of[a].run_life = r->life;
	}
}

static const struct fates *
tell(const struct model *m)
{
	struct fates *f = m->fates;
	if (m->told_at == m->event_count)
		return f;
	memset(f->of, 0, (size_t)m->attempts * sizeof f->of[0]);
	memset(f->run, 0, sizeof f->run);
	for (int run = 0; run < KEYS * RUNS; run++)
		f->run[run].limit = -1;
	for (int i = 0; i < m->event_count; i++) {
		const struct event *e = &m->events[i];
		struct fate *x = e->who >= 0 ? &f->of[e->who] : NULL;
		switch (e->kind) {
		case ASKED:
			x->is = WAITS;
			run_touched(f, run_of(m, e->who), e->at_us, false);
			break;
		case HELD:
			x->is = HOLDS;
			x->held = e->amount, x->output = e->output, x->held_at = e->at_us;
			run_touched(f, run_of(m, e->who), e->at_us, false);
			if (run_of(m, e->who) >= 0)
				x->run_life = f->run[run_of(m, e->who)].life;
			break;
		case SETTLED:
			x->is = SPENT;
			x->cost = e->amount, x->ended_at = e->at_us;
			run_touched(f, run_of(m, e->who), e->at_us, true);
			break;
		case VOIDED:
			x->is = GONE, x->ended_at = e->at_us;
			run_touched(f, run_of(m, e->who), e->at_us, true);
			break;
		case LEFT:
			x->is = GONE;
			break;
		case FROZEN:
			x->freezes_until = e->amount;
			break;
		case THAWED:
			for (int a = 0; a < m->attempts; a++)
				if (m->orders[a].payer.number[ACCOUNT_KEY] == e->who)
					f->of[a].freezes_until = 0;
			break;
		case JOURNALLED:
			x->journalled = true;
			break;
		case DEFERRED:
			x->deferred = true;
			break;
		case COMMITTED:
			x->committed = true;
			break;
		case CRASHED:
			crashed(m, f, e->at_us);
			break;
		case TURNED:
			day_began(m, f, e->at_us);
			break;
		case TOUCHED:
			run_touched(f, e->who, e->at_us, false);
			break;
		case RUN_NAMED:
			f->run[e->who].limit = e->amount;
			break;
		}
	}
	((struct model *)(uintptr_t)m)->told_at = m->event_count;
	return f;
}

static void
add_up(const struct model *m, const struct fates *f, struct model_sums *out)
{
	int64_t now = model_now_us(m);
	for (int k = 0; k < ACCOUNT_KINDS; k++) {
		for (int i = 0; i < model_accounts[k]; i++) {
			for (int w = 0; w < (k == ACCOUNT_RUN ? 1 : WINDOW_KINDS); w++) {
				struct model_sum *s = &out->of[k][i][w];
				*s = (struct model_sum){ 0 };
				s->limit_pico = k == ACCOUNT_RUN ? f->run[i].limit : m->limits[k][i][w];
				if (k != ACCOUNT_RUN)
					s->span = calendar_window(m->calendar, (enum window_kind)w, now);
			}
		}
	}
	for (int a = 0; a < m->attempts; a++) {
		const struct fate *x = &f->of[a];
		if (x->is != HOLDS && x->is != SPENT)
			continue;
		for (int k = 0; k < ACCOUNT_KINDS; k++) {
			int i = m->orders[a].payer.number[k];
			if (i < 0)
				continue;
			for (int w = 0; w < (k == ACCOUNT_RUN ? 1 : WINDOW_KINDS); w++) {
				struct model_sum *s = &out->of[k][i][w];
				bool here =
				    k == ACCOUNT_RUN
					? f->run[i].alive && x->run_life == f->run[i].life
					: x->held_at >= s->span.start_us && x->held_at < s->span.end_us;
				if (here && x->is == HOLDS)
					s->held_pico += x->held;
				else if (here)
					s->spent_pico += x->cost;
			}
		}
	}
}

void
model_add_up(const struct model *m, struct model_sums *out)
{
	add_up(m, tell(m), out);
}

/* ---- decisions ---- */

/* The sums that limit an order, in *of; how many. */
static int
limits_of(const struct model_order *o, const struct model_sums *sums, const struct model_sum *of[])
{
	int n = 0;
	for (int k = 0; k < ACCOUNT_KINDS; k++) {
		if (o->payer.number[k] < 0)
			continue;
		for (int w = 0; w < (k == ACCOUNT_RUN ? 1 : WINDOW_KINDS); w++) {
			const struct model_sum *s = &sums->of[k][o->payer.number[k]][w];
			if (s->limit_pico >= 0)
				of[n++] = s;
		}
	}
	return n;
}

enum { MOST_LIMITS = 16 };

/* Output tokens that this much money pays for beside the input; -1: not even the input. What is free always fits. */
static int64_t
output_for(int64_t room, const struct model_order *o)
{
	if (o->unit_pico == 0 && o->fixed_pico == 0)
		return o->max_output;
	if (room < o->fixed_pico)
		return -1;
	if (o->unit_pico == 0)
		return o->max_output;
	int64_t n = (room - o->fixed_pico) / o->unit_pico;
	return n < o->max_output ? n : o->max_output;
}

static bool
frozen(const struct model *m, const struct fates *f, int key)
{
	for (int a = 0; key >= 0 && a < m->attempts; a++)
		if (m->orders[a].payer.number[ACCOUNT_KEY] == key && f->of[a].freezes_until > model_now_us(m))
			return true;
	return false;
}

/* What an order would take if nobody held anything, though no less than the smallest answer costs. */
static wide
wants(const struct model_order *o, const struct model_sum *const *limits, int n)
{
	int64_t output = o->request_pico >= 0 ? output_for(o->request_pico, o) : o->max_output;
	for (int i = 0; i < n; i++) {
		int64_t fits = output_for(limits[i]->limit_pico - limits[i]->spent_pico, o);
		output = fits < output ? fits : output;
	}
	return o->fixed_pico + (wide)o->unit_pico * (output < o->min_output ? o->min_output : output);
}

/* Somebody who came before waits because of one of the same limits. */
static bool
is_behind(const struct model *m, const struct fates *f, const struct model_sums *sums, int attempt)
{
	const struct model_sum *mine[MOST_LIMITS], *theirs[MOST_LIMITS];
	int n = limits_of(&m->orders[attempt], sums, mine);
	for (int a = 0; a < attempt; a++) {
		if (f->of[a].is != WAITS)
			continue;
		int t = limits_of(&m->orders[a], sums, theirs);
		wide wanted = wants(&m->orders[a], theirs, t);
		for (int i = 0; i < n; i++) {
			wide room = (wide)mine[i]->limit_pico - mine[i]->spent_pico - mine[i]->held_pico;
			for (int j = 0; j < t; j++)
				if (mine[i] == theirs[j] && wanted > 0 && room < wanted)
					return true;
		}
	}
	return false;
}

/* Whether so much more would leave the numbers, in any account it is booked to or in all holds together. */
static bool
is_too_much(const struct model *m, const struct fates *f, const struct model_sums *sums,
    const struct model_order *o, int64_t output)
{
	wide bound = o->fixed_pico + (wide)o->unit_pico * output, all = bound;
	for (int a = 0; a < m->attempts; a++)
		all += f->of[a].is == HOLDS ? f->of[a].held : 0;
	if (bound >= INT64_MAX || all > INT64_MAX)
		return true;
	for (int k = 0; k < ACCOUNT_KINDS; k++) {
		for (int w = 0; o->payer.number[k] >= 0 && w < (k == ACCOUNT_RUN ? 1 : WINDOW_KINDS); w++) {
			const struct model_sum *s = &sums->of[k][o->payer.number[k]][w];
			if (bound + s->spent_pico + s->held_pico > INT64_MAX)
				return true;
		}
	}
	return false;
}

static enum model_verdict
decide(const struct model *m, int attempt, bool may_wait, int64_t *output)
{
	const struct model_order *o = &m->orders[attempt];
	const struct fates *f = tell(m);
	struct model_sums sums;
	const struct model_sum *limits[MOST_LIMITS];
	add_up(m, f, &sums);
	int n = limits_of(o, &sums, limits);

	if (frozen(m, f, o->payer.number[ACCOUNT_KEY]))
		return MODEL_QUOTA;
	int64_t target = o->max_output;
	if (o->request_pico >= 0) {
		int64_t fits = output_for(o->request_pico, o);
		if (fits < o->min_output)
			return MODEL_TOO_EXPENSIVE;
		target = fits < target ? fits : target;
	}
	for (int i = 0; i < n; i++) {
		int64_t fits = output_for(limits[i]->limit_pico - limits[i]->spent_pico, o);
		if (fits < o->min_output)
			return MODEL_QUOTA;
		target = fits < target ? fits : target;
	}
	if (is_too_much(m, f, &sums, o, target))
		return MODEL_TOO_EXPENSIVE;
	int64_t beside = target;
	for (int i = 0; i < n; i++) {
		int64_t room = limits[i]->limit_pico - limits[i]->spent_pico - limits[i]->held_pico;
		int64_t fits = output_for(room, o);
		beside = fits < beside ? fits : beside;
	}
	*output = target;
	bool fits = beside >= target || o->fixed_pico + (wide)o->unit_pico * target == 0;
	if (fits && !is_behind(m, f, &sums, attempt))
		return MODEL_HELD;
	if (may_wait)
		return MODEL_WAITING;
	*output = beside;
	return beside >= o->min_output ? MODEL_HELD : MODEL_RESERVED;
}

static enum model_verdict
act(struct model *m, int attempt, bool may_wait)
{
	const struct model_order *o = &m->orders[attempt];
	int64_t output = 0;
	enum model_verdict verdict = decide(m, attempt, may_wait, &output);
	if (verdict == MODEL_HELD)
		add(m, HELD, attempt, o->fixed_pico + o->unit_pico * output, output);
	else if (verdict != MODEL_WAITING)
		add(m, LEFT, attempt, 0, 0);
	return verdict;
}

static void
name_run(struct model *m, const struct model_order *o)
{
	if (o->payer.number[ACCOUNT_RUN] >= 0 && o->run_pico >= 0)
		add(m, RUN_NAMED, o->payer.number[ACCOUNT_RUN], o->run_pico, 0);
}

void
model_touch(struct model *m, const struct model_order *o)
{
	if (o->payer.number[ACCOUNT_RUN] < 0)
		return;
	add(m, TOUCHED, o->payer.number[ACCOUNT_RUN], 0, 0);
	name_run(m, o);
}

enum model_verdict
model_ask(struct model *m, const struct model_order *order, int *attempt)
{
	assert(m->attempts < MOST_ATTEMPTS);
	*attempt = m->attempts++;
	m->orders[*attempt] = *order;
	add(m, ASKED, *attempt, 0, 0);
	name_run(m, order);
	return act(m, *attempt, order->may_wait);
}

enum model_verdict
model_stop_waiting(struct model *m, int attempt)
{
	return act(m, attempt, false);
}

void
model_walk(struct model *m)
{
	for (int a = 0; a < m->attempts; a++) {
		if (tell(m)->of[a].is != WAITS)
			continue;
		struct model_sums sums;
		model_add_up(m, &sums);
		if (!is_behind(m, tell(m), &sums, a))
			act(m, a, true);
	}
}

void
model_leave(struct model *m, int attempt)
{
	add(m, LEFT, attempt, 0, 0);
}

bool
model_settle(struct model *m, int attempt, int64_t cost_pico, bool strict)
{
	struct model_fate x = model_fate(m, attempt);
	assert(x.state == MODEL_IS_HELD);
	add(m, SETTLED, attempt, cost_pico, 0);
	bool freeze = strict && (cost_pico - x.held_pico) * 100 > x.held_pico;
	if (freeze && m->orders[attempt].payer.number[ACCOUNT_KEY] >= 0)
		add(m, FROZEN, attempt,
		    calendar_window(m->calendar, WINDOW_DAY, tell(m)->of[attempt].held_at).end_us, 0);
	return freeze;
}

void
model_void(struct model *m, int attempt)
{
	add(m, VOIDED, attempt, 0, 0);
}

void
model_thaw(struct model *m, int key)
{
	add(m, THAWED, key, 0, 0);
}

void
model_journalled(struct model *m, int attempt)
{
	add(m, JOURNALLED, attempt, 0, 0);
}

void
model_deferred(struct model *m, int attempt)
{
	add(m, DEFERRED, attempt, 0, 0);
}

void
model_committed(struct model *m, int attempt)
{
	add(m, COMMITTED, attempt, 0, 0);
}

void
model_crash(struct model *m)
{
	add(m, CRASHED, -1, 0, 0);
	m->begun_us = 0;
	/* The clock begins anew, but not before the newest window in the books, what is still held included. */
	for (int a = 0; a < m->attempts; a++) {
		if (!tell(m)->of[a].committed && tell(m)->of[a].is != HOLDS)
			continue;
		int64_t start = calendar_window(m->calendar, WINDOW_DAY, tell(m)->of[a].held_at).start_us;
		m->begun_us = start > m->begun_us ? start : m->begun_us;
	}
	struct look last = m->looks[m->look_count - 1];
	m->look_count = 0;
	model_look(m, last.wall_us, last.mono_us);
}

/* ---- questions ---- */

struct model_fate
model_fate(const struct model *m, int attempt)
{
	const struct fate *x = &tell(m)->of[attempt];
	struct model_fate out = {
		.state = x->is == WAITS   ? MODEL_IS_WAITING
			 : x->is == HOLDS ? MODEL_IS_HELD
			 : x->is == SPENT ? MODEL_IS_SPENT
					  : MODEL_IS_GONE,
		.held_pico = x->held,
		.output = x->output,
		.cost_pico = x->cost,
	};
	return out;
}

void
model_windows(const struct model *m, int attempt, struct window out[WINDOW_KINDS])
{
	for (int w = 0; w < WINDOW_KINDS; w++)
		out[w] = calendar_window(m->calendar, (enum window_kind)w, tell(m)->of[attempt].held_at);
}

int
model_count(const struct model *m, enum model_state state)
{
	int n = 0;
	for (int a = 0; a < m->attempts; a++)
		n += model_fate(m, a).state == state;
	return n;
}

bool
model_frozen(const struct model *m, int key)
{
	return frozen(m, tell(m), key);
}

int64_t
model_remaining(const struct model *m, const struct model_order *o)
{
	struct model_sums sums;
	const struct model_sum *limits[MOST_LIMITS];
	model_add_up(m, &sums);
	int n = limits_of(o, &sums, limits);
	int64_t least = -1;
	for (int i = 0; i < n; i++) {
		int64_t room = limits[i]->limit_pico - limits[i]->spent_pico - limits[i]->held_pico;
		room = room < 0 ? 0 : room;
		least = least < 0 || room < least ? room : least;
	}
	return least;
}

/* Those who join an answer that another pays for pay nothing, but must have something left to spend. */
enum model_verdict
model_admissible(const struct model *m, const struct model_order *o)
{
	struct model_sums sums;
	const struct model_sum *limits[MOST_LIMITS];
	model_add_up(m, &sums);
	int n = limits_of(o, &sums, limits);
	if (frozen(m, tell(m), o->payer.number[ACCOUNT_KEY]))
		return MODEL_QUOTA;
	for (int i = 0; i < n; i++)
		if (limits[i]->limit_pico - limits[i]->spent_pico <= 0)
			return MODEL_QUOTA;
	return MODEL_HELD;
}
