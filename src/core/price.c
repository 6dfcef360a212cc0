/*
 * The catalogue of prices: a sorted table, compiled in; and what a price is at most.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/price.h"

#include <assert.h>

#include "base/money.h"

static const struct catalogue_model models[] = {
#include "assets/prices.inc"
};

#define COUNT (sizeof models / sizeof *models)

static int64_t
most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

bool
price_input_bound(const struct price *p, int64_t input_tokens, int64_t *pico)
{
	int64_t sum;
	assert(input_tokens >= 0);
	/* A cached token dearer than a new one would be odd, and a bound must hold for odd prices too. */
	int64_t unit = most(most(p->input, p->cached_input), p->cache_write);
	if (!p->known || !money_times(unit, input_tokens, &sum) || !money_add(sum, p->fee, &sum))
		return false;
	*pico = sum;
	return true;
}

int64_t
price_output_unit(const struct price *p)
{
	assert(p->known);
	return most(p->output, p->reasoning);
}

bool
price_batched(const struct price *p, struct price *batched)
{
	bool has_output = p->output > 0,
	     complete = p->batch_input > 0 && (p->batch_output > 0 || !has_output);
	if (!p->known || !complete)
		return false;
	struct price b = *p;
	b.input = b.cached_input = p->batch_input;
	b.cache_write = p->cache_write > p->input ? p->cache_write : p->batch_input;
	b.output = p->batch_output;
	b.reasoning = p->reasoning > p->output ? p->reasoning : p->batch_output;
	*batched = b;
	return true;
}

/* Below, equal or above zero as memcmp has it; of two names with the same start the shorter one is first. */
static int
compare(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

const struct catalogue_model *
catalogue_find(struct str name)
{
	size_t low = 0, high = COUNT;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(name, str_from(models[middle].name));
		if (order == 0)
			return &models[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

struct str
price_family(struct str name)
{
	struct str ft = STR("ft:");
	if (!str_starts(name, ft))
		return (struct str){ NULL, 0 };
	const char *end = memchr(name.p + ft.n, ':', name.n - ft.n);
	if (end == NULL || end == name.p + ft.n)
		return (struct str){ NULL, 0 };
	return (struct str){ name.p, (size_t)(end - name.p) };
}

const struct catalogue_model *
catalogue_family(struct str name)
{
	const struct catalogue_model *m = catalogue_find(name);
	if (m != NULL)
		return m;
	struct str family = price_family(name);
	return family.n > 0 ? catalogue_find(family) : NULL;
}

const struct catalogue_model *
catalogue_at(size_t index)
{
	return index < COUNT ? &models[index] : NULL;
}
