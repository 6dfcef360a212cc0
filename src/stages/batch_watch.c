/*
 * The watch over one task.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_watch.h"

#include <math.h>
#include <stdlib.h>

#include "base/seal.h"

/* Outcomes of a task after which what was shown before weighs half; the same clock for both sides */
static const double half_life = 2000;
/* While that pays, so many times as many go the other way, and never more than half */
static const double more = 6, most_share = 0.5;
/* Pairs: while a task is young, its batched answers alone say whether it can be worse than it may be; the latest ones, which say
 * what it looks like, and whether it is good enough to travel again: no worse than half of what is allowed */
enum { YOUNG = 24, LATELY = 16, SURELY = 32 };
/* Betting has won so much: it looks worse. */
#define WORSE 1.5

bool
watch_is_on(const struct batch_watch *w)
{
	return w->known == 0 || w->guilty < 0;
}

/* ---- the experiment ---- */

/* Single ones are good always, at the best: where batched ones nearly are, there is no question. */
static bool
may_be_worse(const struct batch_watch *w, const struct batch_conf *conf)
{
	for (int k = 0; k < BATCH_EVIDENCE; k++) {
		double seen = w->seen[k][DROP_BATCHED], good = w->good[k][DROP_BATCHED];
		bool young = w->drops[k].count < YOUNG && w->turned_ms == 0;
		if (young && seen > 0 && (good + 2) / (seen + 2) < 1 - conf->max_drop)
			return true;
	}
	return false;
}

static double
share_of(const struct batch_watch *w, const struct batch_conf *conf)
{
	bool pays = w->looks != 0 || (watch_is_on(w) && may_be_worse(w, conf));
	double share = conf->experiment * (pays ? more : 1);
	return share < most_share ? share : most_share;
}

enum batch_advice
watch_ask(struct batch_watch *w, const struct batch_conf *conf, uint64_t draw)
{
	double u = (double)(draw >> 11) * 0x1p-53, share = share_of(w, conf);
	if (watch_is_on(w))
		return u < share ? BATCH_ADVICE_CONTROL : BATCH_ADVICE_JOIN;
	if (w->probing <= 0 && u < share / conf->size)
		w->probing = conf->size;
	if (w->probing <= 0)
		return BATCH_ADVICE_ALONE;
	w->probing--;
	return BATCH_ADVICE_PROBE;
}

/* ---- the turns ---- */

static void
turn(struct batch_watch *w, int guilty, const struct batch_drop *by, double error, int64_t now_ms)
{
	drop_bounds(by, error, now_ms, &w->turned_low, &w->turned_high);
	w->turned_ms = now_ms;
	w->guilty = guilty;
	w->looks = 0;
	w->probing = 0;
	for (int k = 0; k < BATCH_EVIDENCE; k++) {
		drop_forget(&w->drops[k]);
		w->worse[k] = 0;
	}
}

static double
error_on(const struct batch_watch *w)
{
	uint64_t again = w->turned_off > 1 ? w->turned_off - 1 : 0;
	return WATCH_ERROR_ON * exp2(-(double)(again < 6 ? again : 6));
}

static bool
looks_worse(const struct batch_watch *w, const struct batch_conf *conf, int64_t now_ms)
{
	for (int k = 0; k < BATCH_EVIDENCE; k++) {
		double mean, error;
		drop_lately(&w->drops[k], LATELY, now_ms, &mean, &error);
		if (w->worse[k] >= WORSE || mean - error > conf->max_drop)
			return true;
	}
	return false;
}

/* A pair came to an end, while the task is on. */
static enum watch_turn
may_turn_off(struct batch_watch *w, const struct batch_conf *conf, enum batch_evidence k, int64_t now_ms)
{
	const struct batch_drop *d = &w->drops[k];
	w->looks = looks_worse(w, conf, now_ms);
	if (w->worse[k] < 1 / WATCH_ERROR_OFF)
		return WATCH_STAYS;
	turn(w, (int)k, d, WATCH_ERROR_OFF, now_ms);
	w->turned_off++;
	return WATCH_TURNS_OFF;
}

/* ... while it is off: by the evidence that switched it off. */
static enum watch_turn
may_turn_on(struct batch_watch *w, const struct batch_conf *conf, int64_t now_ms)
{
	const struct batch_drop *d = &w->drops[w->guilty];
	double mean, error, enough = 1 / error_on(w);
	drop_lately(d, WATCH_LEAST, now_ms, &mean, &error);
	bool all = drop_count(d, now_ms) >= WATCH_LEAST;
	w->looks = all && mean < conf->max_drop + WATCH_MARGIN;
	for (int k = 0; k < BATCH_EVIDENCE; k++)
		all = all && (k == w->guilty || w->worse[k] < WORSE);
	drop_lately(d, SURELY, now_ms, &mean, &error);
	if (!all || mean > conf->max_drop / 2 ||
	    drop_falls_below(d, conf->max_drop + WATCH_MARGIN, now_ms) < enough)
		return WATCH_STAYS;
	turn(w, -1, d, 1 / enough, now_ms);
	w->turned_on++;
	return WATCH_TURNS_ON;
}

/* ---- what is seen ---- */

static void
fade(struct batch_watch *w, enum batch_evidence k, int64_t now_ms)
{
	const double half_life_ms = 14.0 * 24 * 3600 * 1000;
	double by = exp2(-1 / half_life);
	int64_t since = now_ms - w->seen_ms;
	for (int side = 0; side < 2; side++) {
		w->good[k][side] *= by;
		w->seen[k][side] *= by;
	}
	if (w->seen_ms == 0 || since <= 0) {
		w->seen_ms = now_ms;
		return;
	}
	by = exp2(-(double)since / half_life_ms);
	w->seen_ms = now_ms;
	for (int i = 0; i < BATCH_EVIDENCE * 2; i++) {
		w->good[i / 2][i % 2] *= by;
		w->seen[i / 2][i % 2] *= by;
	}
}

enum watch_turn
watch_note(struct batch_watch *w, const struct batch_conf *conf, enum batch_evidence evidence, bool batched,
    double good, int64_t now_ms)
{
	int side = batched ? DROP_BATCHED : DROP_SINGLE;
	if (w->known == 0) {
		w->known = 1;
		w->guilty = -1;
	}
	fade(w, evidence, now_ms);
	w->good[evidence][side] += good;
	w->seen[evidence][side]++;
	if (!drop_note(&w->drops[evidence], batched, good, now_ms))
		return WATCH_STAYS;
	w->worse[evidence] = drop_exceeds(&w->drops[evidence], conf->max_drop, now_ms);
	return watch_is_on(w) ? may_turn_off(w, conf, evidence, now_ms) : may_turn_on(w, conf, now_ms);
}

bool
watch_correct(struct batch_watch *w, enum batch_evidence evidence, uint32_t ended, bool batched,
    double before, double good)
{
	double *shown = &w->good[evidence][batched ? DROP_BATCHED : DROP_SINGLE];
	if (!drop_correct(&w->drops[evidence], ended, batched, before, good))
		return false;
	*shown = *shown + good > before ? *shown + good - before : 0;
	return true;
}

bool
watch_view(
    const struct batch_watch *w, enum batch_evidence evidence, int64_t now_ms, struct batch_quality_view *out)
{
	const double *seen = w->seen[evidence], *good = w->good[evidence];
	bool known = seen[DROP_BATCHED] > 0 || seen[DROP_SINGLE] > 0, worse = true;
	for (int k = 0; k < BATCH_EVIDENCE; k++)
		worse = worse && w->worse[evidence] >= w->worse[k];
	*out = (struct batch_quality_view){ .evidence = evidence,
		.on = watch_is_on(w),
		.decides = watch_is_on(w) ? worse : w->guilty == (int)evidence,
		.batched_good = seen[DROP_BATCHED] > 0 ? good[DROP_BATCHED] / seen[DROP_BATCHED] : 0,
		.batched_count = seen[DROP_BATCHED],
		.single_good = seen[DROP_SINGLE] > 0 ? good[DROP_SINGLE] / seen[DROP_SINGLE] : 0,
		.single_count = seen[DROP_SINGLE],
		.turned_off = w->turned_off,
		.turned_on = w->turned_on,
		.turned_ms = w->turned_ms,
		.turned_low = w->turned_low,
		.turned_high = w->turned_high };
	drop_bounds(&w->drops[evidence], WATCH_ERROR_OFF, now_ms, &out->drop_low, &out->drop_high);
	return known;
}

/* ---- for the next start ---- */

enum { VERSION = 1 };
static const char magic[SEAL_MAGIC] = "fthbatch";

int
watch_save(const struct batch_watch *w, struct buf *out)
{
	return seal_add(out, magic, VERSION, (struct str){ (const char *)w, sizeof *w });
}

static bool
is_amount(double n)
{
	return n >= 0 && isfinite(n);
}

bool
watch_load(struct batch_watch *w, struct str blob)
{
	struct str body;
	if (!seal_open(blob, magic, VERSION, &body) || body.n != sizeof *w)
		return false;
	struct batch_watch *read = must_alloc(sizeof *read);
	memcpy(read, body.p, sizeof *read);
	bool sound = read->guilty >= -1 && read->guilty < BATCH_EVIDENCE && read->turned_low >= -1 &&
		     read->turned_high <= 1;
	for (int k = 0; k < BATCH_EVIDENCE; k++) {
		sound = sound && drop_is_sound(&read->drops[k]) && is_amount(read->worse[k]);
		for (int side = 0; side < 2; side++)
			sound = sound && is_amount(read->seen[k][side]) && is_amount(read->good[k][side]);
	}
	if (sound)
		*w = *read;
	free(read);
	return sound;
}
