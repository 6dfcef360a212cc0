/*
 * The figures of a report under the names that programs read.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/report_fields.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "core/interval.h"

struct list {
	struct field *fields;
	size_t count;
};

static void
add(struct list *l, enum field_kind kind, const char *name, int64_t value)
{
	assert(l->count < FIELDS_MOST);
	l->fields[l->count++] = (struct field){ name, kind, false, value };
}

char *
share_text(int64_t ten_thousandths, char out[32])
{
	int64_t size = ten_thousandths < 0 ? -ten_thousandths : ten_thousandths;
	snprintf(out, 32, "%s%lld.%04lld", ten_thousandths < 0 ? "-" : "", (long long)size / 10000,
	    (long long)size % 10000);
	return out;
}

/* Rounded to the nearest, halves away from zero; unknown where there is nothing to divide by. */
static void
add_ratio(struct list *l, enum field_kind kind, const char *name, int64_t part, int64_t whole)
{
	__int128 scale = kind == FIELD_SHARE ? 10000 : 1;
	__int128 half = part < 0 ? -(__int128)whole : whole;
	add(l, kind, name,
	    whole > 0 ? (int64_t)(((__int128)part * scale * 2 + half) / ((__int128)whole * 2)) : 0);
	l->fields[l->count - 1].unknown = whole <= 0;
}

size_t
fields_of_sums(const struct report_sums *s, struct field out[FIELDS_MOST])
{
	static const char *const saved[CAUSES] = { "saved_routed", "saved_cache_exact", "saved_cache_similar",
		"saved_coalesced", "saved_batched", "saved_provider_cache" };
	struct list l = { .fields = out };
	add(&l, FIELD_COUNT, "requests", s->requests);
	add(&l, FIELD_COUNT, "errors", s->errors);
	add_ratio(&l, FIELD_SHARE, "success_share", s->requests - s->errors, s->requests);
	add(&l, FIELD_COUNT, "input_tokens", s->input_tokens);
	add(&l, FIELD_COUNT, "cached_input_tokens", s->cached_input_tokens);
	add(&l, FIELD_COUNT, "cache_write_tokens", s->cache_write_tokens);
	add(&l, FIELD_COUNT, "output_tokens", s->output_tokens);
	add(&l, FIELD_COUNT, "reasoning_tokens", s->reasoning_tokens);
	add(&l, FIELD_MONEY, "cost", s->cost_pico);
	add(&l, FIELD_MONEY, "cost_exact", s->cost_pico - s->estimated_pico - s->held_pico);
	add(&l, FIELD_MONEY, "cost_estimated", s->estimated_pico);
	add(&l, FIELD_MONEY, "cost_held", s->held_pico);
	add(&l, FIELD_COUNT, "unpriced_requests", s->unpriced);
	add_ratio(&l, FIELD_MONEY, "cost_per_request", s->cost_pico, s->requests);
	add(&l, FIELD_MONEY, "saved", saved_in_all(s));
	for (int c = 0; c < CAUSES; c++)
		add(&l, FIELD_MONEY, saved[c], cause_saved(s, (enum cause)c));
	add(&l, FIELD_COUNT, "hits_exact", s->cache_requests[CACHE_EXACT]);
	add(&l, FIELD_COUNT, "hits_similar", s->cache_requests[CACHE_SIMILAR]);
	add(&l, FIELD_COUNT, "hits_coalesced", s->cache_requests[CACHE_COALESCED]);
	add_ratio(&l, FIELD_SHARE, "hit_share", hits(s), s->requests);
	add_ratio(&l, FIELD_COUNT, "mean_total_us", s->total_us, s->requests);
	add(&l, FIELD_COUNT, "batched_requests", s->batched);
	add(&l, FIELD_MONEY, "lost_batched", s->lost_batched_pico);
	return l.count;
}

size_t
fields_of_cause(const struct report_sums *s, enum cause cause, struct field out[FIELDS_MOST])
{
	struct list l = { .fields = out };
	int64_t requests = cause_requests(s, cause);
	add(&l, FIELD_COUNT, "requests", requests);
	out[0].unknown = requests < 0;
	add(&l, FIELD_MONEY, "saved", cause_saved(s, cause));
	add_ratio(&l, FIELD_SHARE, "share", cause_saved(s, cause), saved_in_all(s));
	return l.count;
}

/* The checks are a sample of the hits, so the rate among them is known within an interval only. Its ends are rounded outwards. */
size_t
fields_of_similar(const struct report_similar *t, struct field out[FIELDS_MOST])
{
	struct list l = { .fields = out };
	double low, high;
	interval_wilson((uint64_t)t->wrong, (uint64_t)t->checked, &low, &high);
	add(&l, FIELD_COUNT, "hits_similar", t->hits);
	add(&l, FIELD_COUNT, "checked", t->checked);
	add(&l, FIELD_COUNT, "wrong", t->wrong);
	add_ratio(&l, FIELD_SHARE, "wrong_rate", t->wrong, t->checked);
	add(&l, FIELD_SHARE, "wrong_rate_low_95", (int64_t)floor(low * 10000));
	add(&l, FIELD_SHARE, "wrong_rate_high_95", (int64_t)ceil(high * 10000));
	add(&l, FIELD_COUNT, "misses_compared", t->compared);
	add(&l, FIELD_COUNT, "misses_agreed", t->would_be_right);
	return l.count;
}

/* Answers may be good in part: the interval takes the nearest number of whole ones. Its ends are rounded outwards. */
size_t
fields_of_outcome(const struct report_outcome *o, struct field out[FIELDS_MOST])
{
	struct list l = { .fields = out };
	double low, high;
	interval_wilson((uint64_t)(o->good + 0.5), (uint64_t)o->outcomes, &low, &high);
	add(&l, FIELD_COUNT, "outcomes", o->outcomes);
	add(&l, FIELD_COUNT, "checks", o->checks);
	add(&l, FIELD_COUNT, "feedback", o->feedback);
	add(&l, FIELD_SHARE, "good", (int64_t)(o->good / (double)o->outcomes * 10000 + 0.5));
	add(&l, FIELD_SHARE, "good_low_95", (int64_t)floor(low * 10000));
	add(&l, FIELD_SHARE, "good_high_95", (int64_t)ceil(high * 10000));
	return l.count;
}

size_t
fields_of_batched(const struct report_batched *t, struct field out[FIELDS_MOST])
{
	struct list l = { .fields = out };
	add(&l, FIELD_COUNT, "batched_requests", t->requests);
	add(&l, FIELD_COUNT, "calls", t->calls);
	add(&l, FIELD_COUNT, "members", t->members);
	add_ratio(&l, FIELD_SHARE, "members_per_call", t->members, t->calls);
	add(&l, FIELD_COUNT, "resent", t->resent);
	add_ratio(&l, FIELD_SHARE, "resent_share", t->resent, t->members);
	add(&l, FIELD_MONEY, "saved_batched", t->saved_pico - t->lost_pico);
	add(&l, FIELD_MONEY, "lost_batched", t->lost_pico);
	return l.count;
}

size_t
fields_of_price(const struct report_price *p, struct field out[FIELDS_MOST])
{
	struct list l = { .fields = out };
	add(&l, FIELD_COUNT, "calls", p->attempts);
	add(&l, FIELD_MONEY, "recorded", p->recorded_pico);
	add(&l, FIELD_MONEY, "repriced", p->repriced_pico);
	add(&l, FIELD_MONEY, "difference", p->repriced_pico - p->recorded_pico);
	add(&l, FIELD_COUNT, "recorded_unpriced_calls", p->unpriced);
	add(&l, FIELD_COUNT, "still_unpriced_calls", p->still_unpriced);
	add(&l, FIELD_COUNT, "kept_calls", p->kept);
	return l.count;
}
