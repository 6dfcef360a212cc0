/*
 * What stands around the guard, thin.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "till.h"

#include <assert.h>
#include <string.h>

__extension__ typedef __int128 wide;

#define RUN_LIVES_US (INT64_C(30) * 86400 * 1000000)

/* ---- an attempt's way ---- */

void
till_order(struct deed *d, const struct asked *r, const struct deed *deeds)
{
	int64_t left = r->limit_pico;
	for (int i = 0; left >= 0 && i < r->attempts; i++) {
		const struct deed *earlier = &deeds[r->deeds[i]];
		if (earlier == d)
			continue;
		left = earlier->cost_pico < left ? left - earlier->cost_pico : 0;
	}
	d->order.request_pico = left;
	d->order.request_limit_pico = r->limit_pico;
	d->order.request_spent_pico = r->limit_pico - left;
	bool ok = price_input_bound(&d->price, d->input, &d->order.fixed_pico);
	assert(ok);
	d->order.unit_pico = d->choices * price_output_unit(&d->price);
}

void
till_send(struct deed *d)
{
	d->sent_output = d->hold.output;
}

bool
till_cost(struct deed *d, enum deed_end end, bool strict)
{
	d->end = end;
	d->cost_pico = 0;
	d->basis = COST_NONE;
	if (end == END_REFUSED || end == END_UNREACHED)
		return false;
	if (end == END_EXACT) {
		d->basis = COST_EXACT;
		return usage_cost(&d->usage, &d->price, &d->cost_pico);
	}
	d->basis = COST_HELD;
	d->cost_pico = d->held_pico;
	if (strict)
		return true;
	/* What was sent and seen, each token at the plain price */
	struct usage seen = { .known = true, .input = d->input, .output = d->usage.output };
	d->basis = COST_ESTIMATED;
	return usage_cost(&seen, &d->price, &d->cost_pico);
}

void
till_split(int64_t cost, const int64_t *weights, const int64_t *holds, int64_t *shares, int count)
{
	wide all = 0, before = 0;
	for (int i = 0; i < count; i++)
		all += weights[i];
	int64_t over = 0;
	for (int i = 0; i < count; i++) {
		wide from = cost * before / all, to = cost * (before + weights[i]) / all;
		before += weights[i];
		shares[i] = (int64_t)(to - from);
		if (shares[i] > holds[i]) {
			over += shares[i] - holds[i];
			shares[i] = holds[i];
		}
	}
	for (int i = 0; i < count && over > 0; i++) {
		int64_t room = holds[i] - shares[i] < over ? holds[i] - shares[i] : over;
		shares[i] += room;
		over -= room;
	}
	shares[0] += over;
}

/* ---- books ---- */

void
till_journal(struct books *k, int deed)
{
	k->slot[deed] = true;
}

void
till_put(struct books *k, int deed)
{
	k->waiting[deed] = true;
}

void
till_row(struct books *k, int deed, int request, int64_t cost_pico, int64_t at_us, bool freeze)
{
	assert(k->count < MOST_ROWS);
	k->rows[k->count++] = (struct row){ deed, request, cost_pico, at_us, freeze };
}

void
till_commit(struct books *k)
{
	if (k->committed == k->count)
		return;
	const struct row *r = &k->rows[k->committed++];
	if (r->deed < 0 || !k->deeds[r->deed].deferred)
		return;
	k->waiting[r->deed] = false;
	assert(k->rows[k->committed].request == r->request);
	k->committed++;
}

static bool
has_row(const struct books *k, int deed, int request)
{
	for (int i = 0; i < k->committed; i++)
		if (k->rows[i].deed == deed && k->rows[i].request == request)
			return true;
	return false;
}

void
till_release(struct books *k)
{
	for (int d = 0; d < k->deed_count; d++)
		if (k->slot[d] && has_row(k, d, k->deeds[d].request))
			k->slot[d] = false;
}

bool
till_recover(struct books *k, int most)
{
	for (int i = 0; i < k->deed_count; i++) {
		const struct deed *d = &k->deeds[i];
		if (!k->slot[i])
			continue;
		if (most-- == 0)
			return false;
		if (!has_row(k, i, d->request)) {
			till_row(k, i, d->request, d->held_pico, d->held_at_us, false);
			till_commit(k);
		}
		if (most-- == 0)
			return false;
		if (!has_row(k, -1, d->request)) {
			till_row(k, -1, d->request, 0, d->held_at_us, false);
			till_commit(k);
		}
		if (most-- == 0)
			return false;
		k->slot[i] = false;
	}
	return true;
}

/* One window of one account, summed up from the rows. */
static void
load_window(const struct books *k, struct budget *b, enum account_kind kind, const char *name,
    enum window_kind window, int64_t now_us)
{
	struct window span = { INT64_MAX, 0 };
	int64_t spent = 0;
	bool frozen = false;
	for (int i = k->committed - 1; i >= 0; i--) {
		const struct row *r = &k->rows[i];
		char theirs[RUN_ACCOUNT_NAME];
		if (r->deed < 0 || !account_name(&k->deeds[r->deed].payer, kind, theirs) ||
		    strcmp(theirs, name) != 0)
			continue;
		const struct deed *d = &k->deeds[r->deed];
		if (kind == ACCOUNT_RUN) {
			bool earlier = span.end_us != 0 && r->at_us + RUN_LIVES_US < span.start_us;
			if (earlier)
				continue;
			span.start_us = r->at_us < span.start_us ? r->at_us : span.start_us;
			int64_t end = r->at_us + RUN_LIVES_US;
			span.end_us = end > span.end_us ? end : span.end_us;
			spent += r->cost_pico;
			continue;
		}
		struct window w = d->windows[window];
		if (w.start_us > now_us || now_us >= w.end_us)
			continue;
		span = w;
		spent += r->cost_pico;
		frozen = frozen || (kind == ACCOUNT_KEY && window == WINDOW_DAY && r->freeze);
	}
	if (span.end_us > now_us)
		budget_load(b, kind, name, kind == ACCOUNT_RUN ? WINDOW_RUN : window, span, spent, frozen);
}

void
till_load(const struct books *k, struct budget *b, int64_t now_us)
{
	char name[RUN_ACCOUNT_NAME];
	int64_t newest = 0;
	for (int i = 0; i < k->committed; i++) {
		const struct row *r = &k->rows[i];
		if (r->deed >= 0 && k->deeds[r->deed].windows[WINDOW_DAY].start_us > newest)
			newest = k->deeds[r->deed].windows[WINDOW_DAY].start_us;
	}
	for (int i = 0; i < k->deed_count; i++)
		if (k->waiting[i] && k->deeds[i].windows[WINDOW_DAY].start_us > newest)
			newest = k->deeds[i].windows[WINDOW_DAY].start_us;
	budget_not_before(b, newest);
	now_us = newest > now_us ? newest : now_us;
	for (int kind = 0; kind < ACCOUNT_KINDS; kind++) {
		for (int i = 0; i < model_accounts[kind]; i++) {
			struct payer p = till_payer((enum account_kind)kind, i);
			account_name(&p, (enum account_kind)kind, name);
			for (int w = 0; w < (kind == ACCOUNT_RUN ? 1 : WINDOW_KINDS); w++)
				load_window(k, b, (enum account_kind)kind, name, (enum window_kind)w, now_us);
		}
	}
}

void
till_take_up(const struct books *k, struct budget *b)
{
	for (int i = 0; i < k->deed_count; i++) {
		struct deed *d = &k->deeds[i];
		if (k->waiting[i])
			budget_take_up(b, &d->hold, &d->payer, d->windows, d->held_pico);
	}
}

/* ---- names ---- */

struct payer
till_payer(enum account_kind kind, int number)
{
	struct model_payer who = { { 0, -1, -1, -1, -1 } };
	who.number[kind] = number;
	if (kind == ACCOUNT_RUN)
		who.number[ACCOUNT_KEY] = number / RUNS;
	return till_named(&who);
}

static void
name(char out[ACCOUNT_NAME], char letter, int number)
{
	out[0] = '\0';
	if (number >= 0)
		out[0] = letter, out[1] = (char)('0' + number), out[2] = '\0';
}

struct payer
till_named(const struct model_payer *who)
{
	struct payer p;
	name(p.project, 'p', who->number[ACCOUNT_PROJECT]);
	name(p.key, 'k', who->number[ACCOUNT_KEY]);
	name(p.task, 't', who->number[ACCOUNT_TASK]);
	int run = who->number[ACCOUNT_RUN];
	name(p.run, 'r', run >= 0 ? run % RUNS : -1);
	return p;
}
