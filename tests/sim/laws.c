/*
 * The laws of docs/budget.md, checked on the guard's own numbers after every step.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim.h"

#include <string.h>

static int
windows_of(int kind)
{
	return kind == ACCOUNT_RUN ? 1 : WINDOW_KINDS;
}

/* Every number of the guard is that of the model, and both say which windows are open (G5, G7, G8). */
static struct budget_view
compare(struct sim *s, int kind, int number, int window, const struct model_sum *expected)
{
	struct payer p = till_payer((enum account_kind)kind, number);
	char name[RUN_ACCOUNT_NAME];
	account_name(&p, (enum account_kind)kind, name);
	struct budget_view v = { 0 };
	enum window_kind w = kind == ACCOUNT_RUN ? WINDOW_RUN : (enum window_kind)window;
	bool is_open = budget_view(s->budget, (enum account_kind)kind, name, w, &v);
	if (v.spent_pico != expected->spent_pico || v.held_pico != expected->held_pico)
		sim_fail(s, "%s %s, %s: spent %lld held %lld, expected %lld and %lld",
		    account_kind_name((enum account_kind)kind), name, window_kind_name(w),
		    (long long)v.spent_pico, (long long)v.held_pico, (long long)expected->spent_pico,
		    (long long)expected->held_pico);
	if (is_open && kind != ACCOUNT_RUN &&
	    (v.span.start_us != expected->span.start_us || v.span.end_us != expected->span.end_us))
		sim_fail(s, "%s %s, %s: from %lld to %lld, expected %lld and %lld",
		    account_kind_name((enum account_kind)kind), name, window_kind_name(w),
		    (long long)v.span.start_us, (long long)v.span.end_us, (long long)expected->span.start_us,
		    (long long)expected->span.end_us);
	bool is_frozen = kind == ACCOUNT_KEY && model_frozen(s->model, number);
	if (is_open && v.frozen != is_frozen)
		sim_fail(s, "key %s is %sfrozen", name, v.frozen ? "" : "not ");
	return v;
}

/* G1: S + H <= L. When something lawful has brought it above, it may only fall until it fits. */
static void
check_cap(
    struct sim *s, int kind, int number, int window, const struct budget_view *v, const struct model_sum *m)
{
	struct allowed *a = &s->allowed[kind][number][window];
	int64_t sum = v->spent_pico + v->held_pico, limit = m->limit_pico;
	bool is_new = a->limit_pico != limit || a->start_us != m->span.start_us || s->excused;
	if (limit < 0) {
		*a = (struct allowed){ INT64_MAX, limit, m->span.start_us };
		return;
	}
	if (is_new)
		*a = (struct allowed){ sum > limit ? sum : limit, limit, m->span.start_us };
	if (sum > a->pico)
		sim_fail(s, "%s %d, window %d: %lld spent and %lld held are more than %lld",
		    account_kind_name((enum account_kind)kind), number, window, (long long)v->spent_pico,
		    (long long)v->held_pico, (long long)a->pico);
	a->pico = sum > limit ? sum : limit;
}

/* What a provider may have billed for an attempt, as far as anybody promises that it is on record. */
static int64_t
owed(const struct deed *d)
{
	bool told = d->phase >= ENDED && d->phase != DROPPED && !d->recovered;
	if (d->cheats && !told)
		return d->billed_pico < d->held_pico ? d->billed_pico : d->held_pico;
	if (told && d->basis == COST_ESTIMATED) /* flagged in the books: the promise is of strict mode */
		return d->billed_pico < d->cost_pico ? d->billed_pico : d->cost_pico;
	if (told && d->cheats && d->basis == COST_HELD)
		return d->billed_pico < d->held_pico ? d->billed_pico : d->held_pico;
	return d->billed_pico;
}

/* G2: what providers may have billed is spent or held, in every account and window. */
static void
check_billed(
    struct sim *s, int kind, int number, int window, const struct budget_view *v, const struct model_sum *m)
{
	if (kind == ACCOUNT_RUN)
		return; /* its attempts are those of its key */
	int64_t billed = 0;
	for (int i = 0; i < s->deed_count; i++) {
		const struct deed *d = &s->deeds[i];
		if (d->billed_pico > 0 && d->who.number[kind] == number &&
		    d->windows[window].start_us == m->span.start_us)
			billed += owed(d);
	}
	if (billed > v->spent_pico + v->held_pico)
		sim_fail(s, "%s %d, window %d: providers have billed %lld; %lld is spent and %lld held",
		    account_kind_name((enum account_kind)kind), number, window, (long long)billed,
		    (long long)v->spent_pico, (long long)v->held_pico);
}

/* G12: all attempts of a request stay within its limit. */
static void
check_requests(struct sim *s)
{
	for (int i = 0; i < s->request_count; i++) {
		const struct asked *r = &s->requests[i];
		int64_t sum = 0;
		bool cheated = false;
		if (r->limit_pico < 0 || r->over)
			continue;
		for (int j = 0; j < r->attempts; j++) {
			const struct deed *d = &s->deeds[r->deeds[j]];
			cheated = cheated || d->cheats;
			sum += d->phase < ENDED ? d->hold.held_pico : d->cost_pico;
		}
		if (sum > r->limit_pico && !cheated)
			sim_fail(s, "request %d may cost %lld, and its attempts come to %lld", i,
			    (long long)r->limit_pico, (long long)sum);
	}
}

/* An attempt that is under way holds exactly its bound, in the windows it was admitted in. */
static void
check_holds(struct sim *s)
{
	for (int i = 0; i < s->deed_count; i++) {
		const struct deed *d = &s->deeds[i];
		if (d->phase < HELD || d->phase > SENT)
			continue;
		struct model_fate f = model_fate(s->model, d->model);
		bool says =
		    d->hold.output == f.output || d->taken_up; /* what it was sent with is in its body */
		if (d->hold.held_pico != f.held_pico || !says)
			sim_fail(s, "deed %d holds %lld for %lld tokens, expected %lld for %lld", i,
			    (long long)d->hold.held_pico, (long long)d->hold.output, (long long)f.held_pico,
			    (long long)f.output);
		struct window windows[WINDOW_KINDS];
		model_windows(s->model, d->model, windows);
		if (memcmp(d->windows, windows, sizeof windows) != 0 ||
		    memcmp(d->hold.windows, windows, sizeof windows) != 0)
			sim_fail(s, "deed %d is booked to other windows than it was admitted in", i);
		if (d->taken_up)
			continue;
		if (d->hold.output > d->order.max_output || d->hold.output < d->order.min_output)
			sim_fail(s, "deed %d may say %lld tokens, asked for %lld to %lld", i,
			    (long long)d->hold.output, (long long)d->order.min_output,
			    (long long)d->order.max_output);
	}
}

static void
check_stats(struct sim *s, const struct model_sums *sums)
{
	struct budget_stats t;
	budget_stats(s->budget, &t);
	const struct model_sum *day = &sums->of[ACCOUNT_GATEWAY][0][WINDOW_DAY];
	int waiting = model_count(s->model, MODEL_IS_WAITING), holds = model_count(s->model, MODEL_IS_HELD);
	if (t.spent_today_pico != day->spent_pico || t.waiting != waiting || t.holds != holds)
		sim_fail(s, "stats: today %lld, %d wait, %d hold; expected %lld, %d, %d",
		    (long long)t.spent_today_pico, t.waiting, t.holds, (long long)day->spent_pico, waiting,
		    holds);
}

void
laws_check(struct sim *s)
{
	struct model_sums sums;
	model_add_up(s->model, &sums);
	for (int kind = 0; kind < ACCOUNT_KINDS; kind++) {
		for (int i = 0; i < model_accounts[kind]; i++) {
			for (int w = 0; w < windows_of(kind); w++) {
				const struct model_sum *m = &sums.of[kind][i][w];
				struct budget_view v = compare(s, kind, i, w, m);
				check_cap(s, kind, i, w, &v, m);
				check_billed(s, kind, i, w, &v, m);
			}
		}
	}
	check_requests(s);
	check_holds(s);
	check_stats(s, &sums);
}

/* The sums of a refusal are those of a limit that is really in the way. */
void
laws_refusal(struct sim *s, const struct deed *d, enum model_verdict verdict, const struct model_sums *now)
{
	const struct err_budget *b = &d->refusal.budget;
	if (d->refusal.status != (verdict == MODEL_TOO_EXPENSIVE ? 400 : 429) || !b->shown)
		sim_fail(s, "a refusal with status %d%s", d->refusal.status, b->shown ? "" : " and no sums");
	if (verdict == MODEL_TOO_EXPENSIVE || d->huge)
		return;
	int64_t needed = d->order.fixed_pico + d->order.unit_pico * d->order.min_output;
	if (b->needed_pico != needed)
		sim_fail(s, "a refusal says %lld are needed, expected %lld", (long long)b->needed_pico,
		    (long long)needed);
	bool frozen = d->who.number[ACCOUNT_KEY] >= 0 && model_frozen(s->model, d->who.number[ACCOUNT_KEY]);
	for (int kind = 0; kind < ACCOUNT_KINDS; kind++) {
		int i = d->who.number[kind];
		for (int w = 0; i >= 0 && w < windows_of(kind); w++) {
			const struct model_sum *m = &now->of[kind][i][w];
			int64_t in_the_way = m->spent_pico + (verdict == MODEL_RESERVED ? m->held_pico : 0);
			bool tight = frozen || (m->limit_pico >= 0 && m->limit_pico - in_the_way < needed);
			if (tight && b->limit_pico == m->limit_pico && b->spent_pico == m->spent_pico &&
			    b->held_pico == m->held_pico &&
			    b->resets_at_us == (kind == ACCOUNT_RUN ? 0 : m->span.end_us))
				return;
		}
	}
	sim_fail(s, "no limit of the payer has the sums of the refusal: %lld, %lld spent, %lld held",
	    (long long)b->limit_pico, (long long)b->spent_pico, (long long)b->held_pico);
}

static int
rows_of(const struct sim *s, int deed, int request)
{
	int n = 0;
	for (int i = 0; i < s->books.count; i++)
		n += s->books.rows[i].deed == deed && s->books.rows[i].request == request;
	return n;
}

/* Nothing is in flight: nothing is held (G10), and everything has one end (G4, G11). */
void
laws_at_rest(struct sim *s)
{
	struct budget_stats t;
	budget_stats(s->budget, &t);
	if (t.holds != 0 || t.held_pico != 0 || t.waiting != 0)
		sim_fail(s, "at rest %d hold %lld, and %d wait", t.holds, (long long)t.held_pico, t.waiting);
	for (int i = 0; i < s->deed_count; i++) {
		const struct deed *d = &s->deeds[i];
		int rows = rows_of(s, i, d->request);
		bool is_open = s->books.slot[i] || s->books.waiting[i];
		if (rows != (d->phase == DROPPED ? 0 : 1) || is_open)
			sim_fail(s, "deed %d has %d rows%s", i, rows, is_open ? ", and its hold still" : "");
	}
	for (int i = 0; i < s->request_count; i++) {
		const struct asked *r = &s->requests[i];
		int rows = rows_of(s, -1, i);
		if (rows > 1 || (rows == 0 && s->counts[7] == 0))
			sim_fail(s, "request %d has %d rows", i, rows);
		(void)r;
	}
}
