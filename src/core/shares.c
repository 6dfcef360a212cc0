/*
 * Splitting a whole exactly: by weights, under caps, and field by field so that parts stay parts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/shares.h"

#include <assert.h>

/* A product of two amounts */
typedef unsigned __int128 wide;

/* One amount on its way to its parts. */
struct split {
	size_t count;
	int64_t weights[SHARES_MOST];
	int64_t caps[SHARES_MOST];
	int64_t parts[SHARES_MOST];
};

static int64_t
sum(const int64_t *amounts, size_t count)
{
	int64_t total = 0;
	for (size_t i = 0; i < count; i++) {
		assert(amounts[i] >= 0 && amounts[i] <= INT64_MAX - total);
		total += amounts[i];
	}
	return total;
}

void
shares_split(int64_t amount, const int64_t *weights, size_t count, int64_t *out)
{
	assert(amount >= 0 && count > 0 && count <= SHARES_MOST);
	int64_t whole = sum(weights, count), left = amount;
	bool equal = whole == 0;
	wide divisor = equal ? count : (wide)whole, fractions[SHARES_MOST];
	for (size_t i = 0; i < count; i++) {
		wide product = (wide)amount * (equal ? 1 : (wide)weights[i]);
		out[i] = (int64_t)(product / divisor);
		fractions[i] = product % divisor;
		left -= out[i];
	}
	/* The fractions add up to what is left, each is below one: there are more of them than units. */
	for (; left > 0; left--) {
		size_t largest = 0;
		for (size_t i = 1; i < count; i++)
			if (fractions[i] > fractions[largest])
				largest = i;
		assert(fractions[largest] > 0);
		fractions[largest] = 0;
		out[largest]++;
	}
}

/* Those who would get more than their cap get that, and the others what it leaves, until nobody is above. */
static void
split_under_caps(int64_t amount, struct split *s)
{
	int64_t weights[SHARES_MOST], parts[SHARES_MOST];
	size_t open[SHARES_MOST], opens = s->count;
	for (size_t i = 0; i < s->count; i++)
		open[i] = i;
	for (bool capped = true; capped && opens > 0;) {
		for (size_t k = 0; k < opens; k++)
			weights[k] = s->weights[open[k]];
		shares_split(amount, weights, opens, parts);
		size_t kept = 0;
		for (size_t k = 0; k < opens; k++) {
			size_t i = open[k];
			s->parts[i] = parts[k] < s->caps[i] ? parts[k] : s->caps[i];
			if (parts[k] <= s->caps[i])
				open[kept++] = i;
			else
				amount -= s->caps[i];
		}
		capped = kept < opens;
		opens = kept;
	}
}

/* The parts sum to amount. Caps are kept wherever their sum allows; what goes beyond all of them follows the weights. */
static void
split_capped(int64_t amount, struct split *s)
{
	int64_t room = 0;
	for (size_t i = 0; i < s->count; i++) {
		assert(s->caps[i] >= 0);
		/* No more than the amount each: so many of them still fit */
		int64_t cap = s->caps[i] < amount - room ? s->caps[i] : amount - room;
		room += cap;
	}
	split_under_caps(room, s);
	if (amount == room)
		return;
	int64_t beyond[SHARES_MOST];
	shares_split(amount - room, s->weights, s->count, beyond);
	for (size_t i = 0; i < s->count; i++)
		s->parts[i] += beyond[i];
}

void
shares_usage(const struct usage *total, const struct share *shares, size_t count, struct usage *out)
{
	assert(total->known && count > 0 && count <= SHARES_MOST);
	struct split s = { .count = count };
	for (size_t i = 0; i < count; i++) {
		out[i] = (struct usage){ .known = true, .estimated = total->estimated };
		s.weights[i] = shares[i].input;
		s.caps[i] = shares[i].input_cap;
	}
	split_capped(total->input, &s);
	/* A part of the input follows the input, and never exceeds what is left of it. */
	for (size_t i = 0; i < count; i++)
		s.weights[i] = s.caps[i] = out[i].input = s.parts[i];
	split_capped(total->cache_write, &s);
	for (size_t i = 0; i < count; i++) {
		out[i].cache_write = s.parts[i];
		s.weights[i] = s.caps[i] = out[i].input - out[i].cache_write;
	}
	split_capped(total->cached_input, &s);
	for (size_t i = 0; i < count; i++) {
		out[i].cached_input = s.parts[i];
		s.weights[i] = shares[i].output;
		s.caps[i] = shares[i].output_cap;
	}
	split_capped(total->output, &s);
	for (size_t i = 0; i < count; i++)
		s.weights[i] = s.caps[i] = out[i].output = s.parts[i];
	split_capped(total->reasoning, &s);
	for (size_t i = 0; i < count; i++)
		out[i].reasoning = s.parts[i];
}

void
shares_fee(const struct price *price, size_t count, struct price *out)
{
	assert(count > 0 && count <= SHARES_MOST);
	int64_t equal[SHARES_MOST] = { 0 }, fees[SHARES_MOST];
	shares_split(price->fee, equal, count, fees);
	for (size_t i = 0; i < count; i++) {
		out[i] = *price;
		out[i].fee = fees[i];
	}
}
