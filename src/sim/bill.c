/*
 * The simulated provider's books.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bill.h"

#include "base/money.h"
#include "models.h"
#include "sim.h"

#include <inttypes.h>

struct price
sim_price(struct str model)
{
	const struct catalogue_model *family = catalogue_family(model);
	if (family != NULL && family->price.known)
		return family->price;
	/* A model of the family that the catalogue does not know costs as its cheap or its strong example does. */
	struct str names[] = { sim_model_base(model),
		sim_model_weak(model) ? STR("gpt-4o-mini") : STR("gpt-4o") };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct catalogue_model *m = catalogue_find(names[i]);
		if (m != NULL && m->price.known)
			return m->price;
	}
	return (struct price){ 0 };
}

int64_t
sim_cost(const struct sim_charge *c, int64_t completion)
{
	struct price p = sim_price(str_from(c->model));
	int64_t pico = (c->usage.prompt - c->usage.cached) * p.input + c->usage.cached * p.cached_input +
		       completion * p.output;
	return c->half ? pico / 2 : pico;
}

static struct sim_counts *
model_counts(struct sim_bill *b, const char *name)
{
	for (size_t i = 0; i < b->n_models; i++)
		if (strcmp(b->models[i].name, name) == 0)
			return &b->models[i].counts;
	size_t most = sizeof b->models / sizeof *b->models;
	if (b->n_models == most)
		return &b->models[most - 1].counts;
	struct sim_bill_model *m = &b->models[b->n_models++];
	str_copy(m->name, sizeof m->name, b->n_models == most ? STR("others") : str_from(name));
	return &m->counts;
}

static void
count(struct sim_counts *c, const struct sim_charge *charge, int64_t completion, int64_t pico)
{
	c->prompt += charge->usage.prompt;
	c->cached += charge->usage.cached;
	c->completion += completion;
	c->pico += pico;
}

void
sim_bill_endpoint(struct sim_bill *b, int endpoint)
{
	b->requests++;
	b->endpoints[endpoint].requests++;
}

static void
write_line(const struct sim_bill *b, int endpoint, const struct sim_charge *c, int64_t completion,
    int64_t pico, bool stated)
{
	const struct sim_usage *u = &c->usage;
	int64_t reasoning = u->reasoning < completion ? u->reasoning : completion;
	fprintf(b->lines,
	    "%s,%s,%08" PRIx32 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%d\n",
	    sim_endpoint_name(endpoint), c->model, c->mark, u->prompt, u->cached, completion, reasoning, pico,
	    stated);
}

void
sim_bill_add(struct sim_bill *b, int endpoint, const struct sim_charge *c, int64_t completion, bool whole)
{
	if (c->model[0] == '\0')
		return;
	int64_t pico = sim_cost(c, completion);
	bool stated = whole && c->states && completion == c->usage.completion;
	if (b->lines != NULL)
		write_line(b, endpoint, c, completion, pico, stated);
	if (!stated) {
		b->unstated.requests++;
		count(&b->unstated, c, completion, pico);
	}
	struct sim_counts *m = model_counts(b, c->model);
	m->requests++;
	b->total.requests++;
	count(m, c, completion, pico);
	count(&b->endpoints[endpoint], c, completion, pico);
	count(&b->total, c, completion, pico);
}

void
sim_bill_reset(struct sim_bill *b)
{
	int64_t open = b->open_connections, in_flight = b->in_flight;
	FILE *lines = b->lines;
	*b = (struct sim_bill){
		.open_connections = open, .in_flight = in_flight, .peak_in_flight = in_flight, .lines = lines
	};
}

static void
counts_json(const struct sim_counts *c, struct buf *out)
{
	buf_printf(out,
	    "{\"requests\":%" PRId64 ",\"prompt_tokens\":%" PRId64 ",\"cached_tokens\":%" PRId64
	    ",\"completion_tokens\":%" PRId64 ",\"billed_picousd\":%" PRId64 "}",
	    c->requests, c->prompt, c->cached, c->completion, c->pico);
}

void
sim_bill_json(const struct sim_bill *b, struct buf *out)
{
	char usd[32];
	buf_printf(out,
	    "{\"requests\":%" PRId64 ",\"billed_usd\":%s,\"billed_picousd\":%" PRId64
	    ",\"billed_requests\":%" PRId64 ",\"unstated_picousd\":%" PRId64 ",\"unstated_requests\":%" PRId64
	    ",\"aborted\":%" PRId64 ",\"streams\":%" PRId64 ",\"errors\":%" PRId64 ",\"faults\":%" PRId64
	    ",\"batch_calls\":%" PRId64 ",\"batch_items\":%" PRId64 ",\"in_flight\":%" PRId64
	    ",\"peak_in_flight\":%" PRId64 ",\"connections\":%" PRId64 ",\"open_connections\":%" PRId64
	    ",\"prompt_tokens\":%" PRId64 ",\"cached_tokens\":%" PRId64 ",\"completion_tokens\":%" PRId64
	    ",\"endpoints\":{",
	    b->requests, money_format(b->total.pico, usd), b->total.pico, b->total.requests, b->unstated.pico,
	    b->unstated.requests, b->aborted, b->streams, b->errors, b->faults, b->batch_calls,
	    b->batch_items, b->in_flight, b->peak_in_flight, b->connections, b->open_connections,
	    b->total.prompt, b->total.cached, b->total.completion);
	bool first = true;
	for (int e = 0; e < SIM_ENDPOINTS; e++) {
		if (b->endpoints[e].requests == 0)
			continue;
		buf_printf(out, "%s\"%s\":", first ? "" : ",", sim_endpoint_name(e));
		counts_json(&b->endpoints[e], out);
		first = false;
	}
	buf_add(out, STR("},\"models\":{"));
	for (size_t i = 0; i < b->n_models; i++) {
		buf_add(out, i != 0 ? STR(",\"") : STR("\""));
		buf_add_json(out, str_from(b->models[i].name));
		buf_add(out, STR("\":"));
		counts_json(&b->models[i].counts, out);
	}
	buf_add(out, STR("}}"));
}
