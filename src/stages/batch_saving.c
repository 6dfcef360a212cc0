/*
 * Money and time of travelling together, foretold. Doubles, since it is a guess: what is charged is counted elsewhere, in integers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_saving.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/money.h"

/* A mean is over all that were seen, and later over about so many of the last. */
enum { MEMORY = 32 };
enum { BELIEVED = 8, FORGOTTEN_IN = 64 /* singles: then a third of what batches were like is left */ };
/* Shorter answers say more of the way to the provider than of how fast it writes. */
enum { SPEED_LEAST = 64 };
/* What is assumed of what was not seen. */
enum {
	ASSUMED_OUTPUT = 256,
	ASSUMED_SHORT = 64,
	ASSUMED_SPEED = 50 /* tokens a second; a small model writes faster */
};
static const double assumed_resent = 0.02;
/* OpenAI caches beginnings of at least 1,024 tokens, in steps of 128: platform.openai.com/docs/guides/prompt-caching */
enum { CACHE_LEAST = 1024, CACHE_STEP = 128 };

/* ---- What was seen ---- */

static void
count(double *seen)
{
	*seen = *seen + 1 < MEMORY ? *seen + 1 : MEMORY;
}

/* One of `seen`, counted already. */
static void
average(double *mean, double seen, double value)
{
	*mean += (value - *mean) / seen;
}

static void
note_answer(struct batch_past *p, double tokens)
{
	double off = p->answers > 0 ? fabs(tokens - p->output) : tokens / 2;
	count(&p->answers);
	average(&p->output, p->answers, tokens);
	average(&p->output_spread, p->answers, off);
}

static double
cached_part(const struct usage *u)
{
	return u->input > 0 ? (double)u->cached_input / (double)u->input : 0;
}

void
batch_past_single(struct batch_past *p, const struct usage *u)
{
	if (!u->known)
		return;
	count(&p->singles);
	note_answer(p, (double)(u->output - u->reasoning));
	average(&p->reasoning, p->singles, (double)u->reasoning);
	average(&p->cached_share, p->singles, cached_part(u));
	p->batched -= p->batched / FORGOTTEN_IN;
	p->framed -= p->framed / FORGOTTEN_IN;
}

void
batch_past_batched(struct batch_past *p, const struct usage *u, int64_t text)
{
	count(&p->batched);
	average(&p->resent_share, p->batched, text < 0 ? 1 : 0);
	if (u->known)
		average(&p->batched_cached_share, p->batched, cached_part(u));
	if (text < 0)
		return;
	note_answer(p, (double)text);
	if (!u->known)
		return;
	count(&p->framed);
	average(&p->frame, p->framed, (double)(u->output > text ? u->output - text : 0));
}

void
batch_past_took(struct batch_past *p, int64_t output, int64_t took_ms)
{
	if (output < SPEED_LEAST || took_ms <= 0)
		return;
	count(&p->timed);
	average(&p->speed, p->timed, (double)output * 1000 / (double)took_ms);
}

/* ---- What is expected ---- */

static double
mixed(double value, double seen, double assumed)
{
	double belief = seen < BELIEVED ? seen / BELIEVED : 1;
	return value * belief + assumed * (1 - belief);
}

static double
cacheable(const struct batch_terms *t)
{
	int64_t steps = t->shared / CACHE_STEP;
	return t->shared >= CACHE_LEAST ? (double)(steps * CACHE_STEP) : 0;
}

static double
frame_of(const struct batch_terms *t)
{
	double assumed =
	    (double)t->room.item_output + (double)t->room.call_output / (double)t->count + t->past->reasoning;
	return mixed(t->past->frame, t->past->framed, assumed);
}

/* unseen: of an answer, where none was seen */
static double
output_of(const struct batch_terms *t, double unseen)
{
	double output = t->past->answers > 0 ? t->past->output : unseen;
	bool limited = t->output_limit > 0 && output > (double)t->output_limit;
	return limited ? (double)t->output_limit : output;
}

static double
input_cost(const struct price *p, double tokens, double cached)
{
	return (tokens - cached) * (double)p->input + cached * (double)p->cached_input;
}

/* All of them, each in a call of its own. */
static double
alone_cost(const struct batch_terms *t)
{
	const struct batch_past *past = t->past;
	double n = (double)t->count, shared = n * (double)t->shared, input = shared + (double)t->own;
	double cached = mixed(past->cached_share * input, past->singles, n * cacheable(t));
	cached = cached < shared ? cached : shared; /* all else differs from request to request */
	return input_cost(t->price, input, cached) +
	       n * output_of(t, ASSUMED_OUTPUT) * (double)t->price->output +
	       n * past->reasoning * (double)t->price->reasoning + n * (double)t->price->fee;
}

static double
together_cost(const struct batch_terms *t)
{
	const struct batch_past *past = t->past;
	double n = (double)t->count;
	double input = (double)(t->shared + t->own + t->room.call_input) + n * (double)t->room.item_input;
	double cached = mixed(past->batched_cached_share * input, past->batched, 0);
	cached = cached < (double)t->shared ? cached : (double)t->shared;
	double resent = mixed(past->resent_share, past->batched, assumed_resent);
	return input_cost(t->price, input, cached) +
	       n * (output_of(t, ASSUMED_OUTPUT) + frame_of(t)) * (double)t->price->output +
	       (double)t->price->fee + resent * alone_cost(t);
}

int64_t
batch_saving(const struct batch_terms *t)
{
	assert(t->count > 0 && t->shared >= 0 && t->own >= 0);
	if (!t->price->known)
		return 0;
	return llround(alone_cost(t) - together_cost(t));
}

/* The sum of n lengths strays less than n times as far as one: three standard deviations, of 1.25 mean ones each, times the root of n. */
int64_t
batch_output_expected(const struct batch_terms *t)
{
	double n = (double)t->count, length = output_of(t, ASSUMED_OUTPUT);
	double spread = t->past->answers > 0 ? t->past->output_spread : length / 2;
	return (int64_t)ceil(n * (length + frame_of(t)) + 3 * 1.25 * spread * sqrt(n));
}

size_t
batch_most(const struct batch_terms *one, int64_t max_output, int64_t max_ms)
{
	struct batch_terms t = *one;
	double speed = one->past->timed > 0 ? one->past->speed : ASSUMED_SPEED;
	for (t.count = ENVELOPE_MOST; t.count > 1; t.count--) {
		double tokens = (double)t.count * (output_of(&t, ASSUMED_SHORT) + frame_of(&t));
		bool fits = max_output <= 0 || batch_output_expected(&t) <= max_output;
		bool soon = max_ms <= 0 || tokens * 1000 <= speed * (double)max_ms;
		if (fits && soon)
			break;
	}
	return t.count;
}

char *
batch_saving_print(const struct batch_terms *t, char out[160])
{
	char usd[32], outcome[80] = "together: its price is not known";
	if (t->price->known) {
		double saved = (double)batch_saving(t), alone = alone_cost(t);
		snprintf(outcome, sizeof outcome, "together %s %.0f %% of $%s for %zu",
		    saved < 0 ? "loses" : "saves", alone > 0 ? 100 * fabs(saved) / alone : 0,
		    money_round(llround(alone), 6, usd), t->count);
	}
	long long envelope = t->room.call_input + (long long)t->count * t->room.item_input;
	snprintf(out, 160, "%s: shared %lld, own %lld, envelope %lld", outcome, (long long)t->shared,
	    (long long)t->own, envelope);
	return out;
}

char *
batch_assumed_print(const struct batch_terms *t, char out[160])
{
	assert(t->past->singles <= 0 && t->past->batched <= 0);
	snprintf(out, 160,
	    "answers of %.0f tokens, %.0f %% of them asked again, %.0f tokens of each single call's input "
	    "cached "
	    "by the provider, none of a batch's",
	    output_of(t, ASSUMED_OUTPUT), 100 * assumed_resent, cacheable(t));
	return out;
}
