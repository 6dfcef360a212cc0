/*
 * The drop.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_drop.h"

#include <math.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000, FORTNIGHT_H = 14 * 24 };

/* Parts of what they have that gamblers stake: small ones find small drops in the end, large ones large drops soon. */
static const double stakes[] = { 0.1, 0.3, 0.6, 0.9 };
enum { STAKES = sizeof stakes / sizeof *stakes };
/* So much of the first money begins with the first pair, the rest with later ones, evenly. */
static const double at_once = 0.75;
static const double enough = 1e300; /* a number still */

static void
end_pair(struct batch_drop *d, int64_t now_ms)
{
	d->pairs[d->at] = (float)(d->sums[DROP_SINGLE] / d->seen[DROP_SINGLE] -
				  d->sums[DROP_BATCHED] / d->seen[DROP_BATCHED]);
	d->hours[d->at] = (int32_t)(now_ms / HOUR_MS);
	d->at = (d->at + 1) % DROP_PAIRS;
	d->count += d->count < DROP_PAIRS;
	d->ended++;
	memset(d->sums, 0, sizeof d->sums);
	memset(d->seen, 0, sizeof d->seen);
}

bool
drop_note(struct batch_drop *d, bool batched, double good, int64_t now_ms)
{
	int side = batched ? DROP_BATCHED : DROP_SINGLE;
	/* Single ones have nothing to do with one another; batched ones that follow one another may be of one call. */
	bool both = d->seen[DROP_SINGLE] > 0 && d->seen[DROP_BATCHED] > 0,
	     ends = both && (side != d->last || !batched);
	if (ends)
		end_pair(d, now_ms);
	d->sums[side] += good;
	d->seen[side]++;
	d->last = side;
	return ends;
}

bool
drop_correct(struct batch_drop *d, uint32_t ended, bool batched, double before, double good)
{
	double *sum = &d->sums[batched ? DROP_BATCHED : DROP_SINGLE];
	if (d->ended != ended)
		return false;
	*sum = *sum + good > before ? *sum + good - before : 0;
	return true;
}

void
drop_forget(struct batch_drop *d)
{
	uint32_t ended = d->ended + 1;
	memset(d, 0, sizeof *d);
	d->ended = ended;
}

/* i pairs ago; of those that count */
static double
pair_of(const struct batch_drop *d, int i)
{
	return (double)d->pairs[(d->at + DROP_PAIRS - 1 - (uint32_t)i) % DROP_PAIRS];
}

int
drop_count(const struct batch_drop *d, int64_t now_ms)
{
	int32_t oldest = (int32_t)(now_ms / HOUR_MS) - FORTNIGHT_H;
	int n = 0;
	while (n < (int)d->count && d->hours[(d->at + DROP_PAIRS - 1 - (uint32_t)n) % DROP_PAIRS] >= oldest)
		n++;
	return n;
}

double
drop_mean(const struct batch_drop *d, int64_t now_ms)
{
	int n = drop_count(d, now_ms);
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += pair_of(d, i);
	return n > 0 ? sum / n : 0;
}

void
drop_lately(const struct batch_drop *d, int pairs, int64_t now_ms, double *mean, double *error)
{
	int n = drop_count(d, now_ms);
	double sum = 0, squares = 0;
	n = n < pairs ? n : pairs;
	for (int i = 0; i < n; i++) {
		double p = pair_of(d, i);
		sum += p;
		squares += p * p;
	}
	*mean = n > 0 ? sum / n : 0;
	/* As if one more had been a half from the mean: few that agree are no proof that all would. */
	*error = sqrt((n > 0 ? squares / n - *mean * *mean : 0) + 0.25 / (n + 1)) / sqrt(n + 1);
}

/* sign -1: of the drop's opposite. Less of it for a higher limit, whoever stakes what. */
static double
won(const struct batch_drop *d, int n, double sign, double limit)
{
	double have[STAKES], all = 0;
	limit = limit > -0.99 ? limit : -0.99;
	for (int s = 0; s < STAKES; s++)
		have[s] = at_once / STAKES;
	for (int i = n - 1; i >= 0; i--) {
		double gain = (sign * pair_of(d, i) + 1) / (limit + 1) - 1;
		for (int s = 0; s < STAKES; s++) {
			have[s] += (1 - at_once) / STAKES / DROP_PAIRS;
			have[s] *= 1 + stakes[s] * gain;
		}
	}
	for (int s = 0; s < STAKES; s++)
		all += have[s];
	/* Those who have not begun yet have what they began with. */
	all += (1 - at_once) * (DROP_PAIRS - n) / DROP_PAIRS;
	return all < enough ? all : enough;
}

double
drop_exceeds(const struct batch_drop *d, double most, int64_t now_ms)
{
	return won(d, drop_count(d, now_ms), 1, most);
}

double
drop_falls_below(const struct batch_drop *d, double least, int64_t now_ms)
{
	return won(d, drop_count(d, now_ms), -1, -least);
}

/* The greatest limit that is excluded; -1: none is. */
static double
edge(const struct batch_drop *d, int n, double sign, double error)
{
	enum { STEPS = 12 }; /* to a two-thousandth */
	double out = -1, in = 1;
	for (int i = 0; i < STEPS; i++) {
		double limit = (out + in) / 2;
		*(won(d, n, sign, limit) >= 1 / error ? &out : &in) = limit;
	}
	return out;
}

void
drop_bounds(const struct batch_drop *d, double error, int64_t now_ms, double *low, double *high)
{
	int n = drop_count(d, now_ms);
	*low = edge(d, n, 1, error);
	*high = -edge(d, n, -1, error);
}

bool
drop_is_sound(const struct batch_drop *d)
{
	bool sound = d->at < DROP_PAIRS && d->count <= DROP_PAIRS &&
		     (d->last == DROP_SINGLE || d->last == DROP_BATCHED);
	for (int i = 0; i < DROP_PAIRS; i++)
		sound = sound && d->pairs[i] >= -1 && d->pairs[i] <= 1;
	for (int s = 0; s < 2; s++)
		sound = sound && d->sums[s] >= 0 && d->sums[s] <= d->seen[s] && d->seen[s] <= 1e15;
	return sound;
}
