/*
 * Prices of a listed model. What the file says is taken; what it leaves open is completed so that nothing becomes cheaper
 * than is known: a discount is the provider's word, and where we do not know one, there is none.
 *
 *     before the first of `prices`: the prices beside it | prices[0] | prices[1] | ... in force now
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_price.h"

#include <assert.h>

#include "base/clock.h"

/* A price so far from the catalogue's is in another unit: per token, per thousand, in cents. */
#define MOST_TIMES 1000

/* Days of a history; a price changes a few times in a model's life. */
#define MOST_PRICES 64

/* Where the prices of one map stand, and which of them it has. */
struct stated {
	struct reader *r;
	const struct node *n;
	const char *path;
	bool needs_output; /* embeddings have none */
};

static bool
has(const struct stated *s, const char *name)
{
	return node_get(s->n, name) != NULL;
}

static bool
has_any(const struct stated *s)
{
	for (const struct config_key *k = config_price_keys.keys; k->name != NULL; k++)
		if ((k->type == KEY_PRICE || k->type == KEY_FEE) && has(s, k->name))
			return true;
	return false;
}

static void
complain(const struct stated *s, const char *name, const char *text)
{
	const struct node *at = node_get(s->n, name);
	char inner[KEY_PATH_SIZE];
	read_join(inner, s->path, name);
	int line = at != NULL ? at->line : s->n->key_line > 0 ? s->n->key_line : s->n->line;
	problem_add(s->r->problems, line, inner, "%s", text);
}

static bool
far_apart(int64_t price, int64_t known)
{
	int64_t most, low;
	if (price == 0 || known == 0)
		return false;
	return (!__builtin_mul_overflow(known, MOST_TIMES, &most) && price > most) ||
	       (!__builtin_mul_overflow(price, MOST_TIMES, &low) && low < known);
}

/* Against the catalogue, price by price. What stands in no catalogue is held to the ranges of the table alone. */
static void
check_unit(const struct stated *s, const struct price *p, const struct price *known)
{
	const struct {
		const char *name;
		int64_t price, known;
	} pairs[] = {
		{ "input_usd", p->input, known->input },
		{ "cached_input_usd", p->cached_input, known->cached_input },
		{ "cache_write_usd", p->cache_write, known->cache_write },
		{ "output_usd", p->output, known->output },
		{ "reasoning_usd", p->reasoning, known->reasoning },
		{ "batch_input_usd", p->batch_input, known->batch_input },
		{ "batch_output_usd", p->batch_output, known->batch_output },
		{ "training_usd", p->training, known->training },
	};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (has(s, pairs[i].name) && far_apart(pairs[i].price, pairs[i].known))
			complain(s, pairs[i].name,
			    "is more than a thousand times off the catalogue's: prices are dollars per "
			    "million tokens, such as 0.15");
}

/* known: what to go by where the map is silent; NULL: nothing. */
static void
complete(const struct stated *s, struct price *p, const struct price *known)
{
	bool input = has(s, "input_usd"), output = has(s, "output_usd");
	if (known == NULL && has_any(s) && !input)
		complain(s, "input_usd", "is missing, and the catalogue has no price for this model");
	if (known == NULL && has_any(s) && s->needs_output && !output)
		complain(s, "output_usd", "is missing, and the catalogue has no price for this model");
	p->known = known != NULL || (input && (output || !s->needs_output));
	if (has(s, "cached_input_usd") && p->cached_input > p->input)
		complain(s, "cached_input_usd", "is above input_usd");
	if (has(s, "batch_input_usd") && p->batch_input > p->input)
		complain(s, "batch_input_usd", "is above input_usd");
	if (has(s, "batch_output_usd") && p->batch_output > p->output)
		complain(s, "batch_output_usd", "is above output_usd");

	if (!has(s, "cached_input_usd") && (known == NULL || p->cached_input > p->input))
		p->cached_input = p->input;
	bool writes_cost_extra = known != NULL && known->cache_write != known->input;
	if (!has(s, "cache_write_usd") && (!writes_cost_extra || p->cache_write < p->input))
		p->cache_write = p->input;
	bool thinking_differs = known != NULL && known->reasoning != known->output;
	if (!has(s, "reasoning_usd") && (!thinking_differs || p->reasoning < p->output))
		p->reasoning = p->output;
	if (!has(s, "batch_input_usd") && p->batch_input > p->input)
		p->batch_input = p->input;
	if (!has(s, "batch_output_usd") && p->batch_output > p->output)
		p->batch_output = p->output;
	if (known != NULL)
		check_unit(s, p, known);
}

/* One entry of the history. It stands for itself: a time of its own is not completed by today's catalogue. */
static bool
read_entry(struct reader *r, const struct node *n, bool needs_output, const struct price *catalogue,
    const char *path, struct dated_price *d)
{
	struct stated s = { .r = r, .n = n, .path = path, .needs_output = needs_output };
	if (n->kind != NODE_MAP) {
		problem_add(r->problems, n->line, path,
		    "needs maps, such as { from: 2026-01-01, input_usd: 0.15, output_usd: 0.60 }");
		return false;
	}
	*d = (struct dated_price){ .from_us = INT64_MIN };
	read_section(r, &config_price_keys, n, path, d);
	if (!has(&s, "from"))
		complain(&s, "from", "is missing: when did these prices come into force?");
	if (!has(&s, "input_usd"))
		complain(&s, "input_usd", "is missing");
	if (needs_output && !has(&s, "output_usd"))
		complain(&s, "output_usd", "is missing");
	bool whole = has(&s, "input_usd") && (has(&s, "output_usd") || !needs_output);
	if (whole)
		complete(&s, &d->price, NULL);
	if (whole && catalogue != NULL)
		check_unit(&s, &d->price, catalogue);
	return true;
}

/* By time; false when two begin at once. */
static bool
insert(struct dated_price *list, size_t count, const struct dated_price *d)
{
	size_t at = count;
	for (; at > 0 && list[at - 1].from_us >= d->from_us; at--) {
		if (list[at - 1].from_us == d->from_us)
			return false;
		list[at] = list[at - 1];
	}
	list[at] = *d;
	return true;
}

static void
read_history(struct reader *r, struct model_conf *m, const struct node *list, bool needs_output,
    const struct price *catalogue, const char *path)
{
	char inner[KEY_PATH_SIZE];
	read_join(inner, path, "prices");
	if (!read_is_list(r, list, inner))
		return;
	if (list->count > MOST_PRICES) {
		problem_add(r->problems, list->line, inner, "has more than %d entries", MOST_PRICES);
		return;
	}
	if (list->count == 0)
		return;
	struct dated_price *history = config_memory_take(r->memory, (list->count + 1) * sizeof *history);
	history[m->history_count++] = (struct dated_price){ .from_us = INT64_MIN, .price = m->price };
	for (const struct node *n = list->first; n != NULL; n = n->next) {
		struct dated_price d;
		if (!read_entry(r, n, needs_output, catalogue, inner, &d) || d.from_us == INT64_MIN)
			continue;
		if (insert(history, m->history_count, &d))
			m->history_count++;
		else
			problem_add(r->problems, n->line, inner, "has two entries that begin at one time");
	}
	m->history = history;
	m->price = *config_price_at(m, clock_wall_us());
}

void
prices_complete(struct reader *r, struct model_conf *m, const struct node *n,
    const struct catalogue_model *facts, const char *path)
{
	struct stated s = { .r = r, .n = n, .path = path, .needs_output = m->kind != MODEL_EMBEDDING };
	const struct node *list = node_get(n, "prices");
	bool history = !node_null(list);
	if (m->free) {
		if (has_any(&s) || history)
			complain(&s, "free", "stands beside prices: it is one or the other");
		m->price = (struct price){ .known = true };
		return;
	}
	const struct price *known = facts != NULL && facts->price.known ? &facts->price : NULL;
	complete(&s, &m->price, known);
	if (history)
		read_history(r, m, list, s.needs_output, known, path);
}
