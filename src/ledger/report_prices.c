/*
 * History at other prices. Row by row, because a price may have changed at any instant and has a fee for each call.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "report_private.h"

struct tally {
	struct report_prices *prices;
	size_t room;
	size_t last; /* most rows follow one of the same model */
};

static struct report_price *
model_of(struct tally *t, const char *name)
{
	struct report_prices *p = t->prices;
	if (t->last < p->count && strcmp(p->models[t->last].model, name) == 0)
		return &p->models[t->last];
	for (t->last = 0; t->last < p->count; t->last++)
		if (strcmp(p->models[t->last].model, name) == 0)
			return &p->models[t->last];
	if (p->count == t->room) {
		t->room = t->room > 0 ? 2 * t->room : 16;
		p->models = realloc(p->models, t->room * sizeof *p->models);
		if (p->models == NULL)
			abort();
	}
	struct report_price *m = &p->models[p->count++];
	*m = (struct report_price){ 0 };
	str_copy(m->model, sizeof m->model, str_from(name));
	return m;
}

enum { AT, MODEL, INPUT, CACHED, WRITE, OUTPUT, REASONING, COST, BASIS };

static int
price_row(struct report_price *m, sqlite3_stmt *row, const struct config *config)
{
	bool recorded = sqlite3_column_type(row, COST) != SQLITE_NULL;
	bool held = sqlite3_column_int(row, BASIS) == COST_HELD;
	int64_t cost = sqlite3_column_int64(row, COST), anew = 0;
	struct usage usage = { .known = !held && sqlite3_column_type(row, INPUT) != SQLITE_NULL,
		.input = sqlite3_column_int64(row, INPUT),
		.cached_input = sqlite3_column_int64(row, CACHED),
		.cache_write = sqlite3_column_int64(row, WRITE),
		.output = sqlite3_column_int64(row, OUTPUT),
		.reasoning = sqlite3_column_int64(row, REASONING) };
	/* Nothing farthing writes, but a file is only a file. */
	bool sane = usage.input >= 0 && usage.cached_input >= 0 && usage.cache_write >= 0 &&
		    usage.output >= 0 && usage.cached_input <= usage.input &&
		    usage.cache_write <= usage.input - usage.cached_input;
	usage.known = usage.known && sane;
	const struct model_conf *model = config_model(config, str_from(m->model));
	bool priced =
	    model != NULL && usage_cost(&usage, config_price_at(model, sqlite3_column_int64(row, AT)), &anew);
	m->attempts++;
	m->unpriced += !recorded;
	m->still_unpriced += !recorded && !priced;
	m->kept += recorded && !priced;
	return __builtin_add_overflow(m->recorded_pico, cost, &m->recorded_pico) ||
		       __builtin_add_overflow(m->repriced_pico, priced ? anew : cost, &m->repriced_pico)
		   ? -1
		   : 0;
}

static int
dearest_first(const void *a, const void *b)
{
	const struct report_price *x = a, *y = b;
	if (x->recorded_pico != y->recorded_pico)
		return x->recorded_pico < y->recorded_pico ? 1 : -1;
	return strcmp(x->model, y->model);
}

static int
add_up(struct report_prices *p)
{
	struct report_price *t = &p->total;
	bool over = false;
	for (size_t i = 0; i < p->count; i++) {
		const struct report_price *m = &p->models[i];
		t->attempts += m->attempts;
		t->unpriced += m->unpriced;
		t->still_unpriced += m->still_unpriced;
		t->kept += m->kept;
		over |= __builtin_add_overflow(t->recorded_pico, m->recorded_pico, &t->recorded_pico);
		over |= __builtin_add_overflow(t->repriced_pico, m->repriced_pico, &t->repriced_pico);
	}
	return over ? -1 : 0;
}

int
report_prices(struct report *r, const struct config *config, int64_t since_us, int64_t until_us,
    struct report_prices *out, struct err *e)
{
	*out = (struct report_prices){ 0 };
	struct tally tally = { .prices = out };
	/* Basis 0: nothing was sent, or known not to be billed. */
	sqlite3_stmt *row = report_ask_between(r,
	    "SELECT at_us, model, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, "
	    "reasoning_tokens,"
	    " cost_pico, basis FROM attempts WHERE at_us >= ?1 AND at_us < ?2 AND basis <> 0",
	    since_us, until_us, e);
	if (row == NULL)
		return -1;
	int rc, fits = 0;
	while (fits == 0 && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		char name[REPORT_NAME];
		report_text(row, MODEL, name, sizeof name);
		fits = price_row(model_of(&tally, name), row, config);
	}
	rc = report_asked(r, row, rc, e);
	if (rc == 0 && (fits != 0 || add_up(out) != 0))
		rc = err_set(e, 500, "ledger_wrong", "a sum of the books does not fit into 64 bits");
	if (rc == 0 && out->count > 0)
		qsort(out->models, out->count, sizeof *out->models, dearest_first);
	if (rc != 0)
		free(out->models), out->models = NULL;
	return rc;
}
