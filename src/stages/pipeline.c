/*
 * The pipeline.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/pipeline.h"

#include <assert.h>
#include <stdlib.h>

#include "stages/dedup.h"

struct pipeline {
	struct ask_house house;
	struct dedup dedup;
};

static void
on_landed(void *context, struct ask *ask)
{
	struct pipeline *p = context;
	dedup_leave(&p->dedup, ask);
}

struct pipeline *
pipeline_new(struct loop *l, struct caller *caller, struct ledger *ledger, struct gateway_metrics *metrics)
{
	struct pipeline *p = must_alloc(sizeof *p);
	p->house = (struct ask_house){ .loop = l, .caller = caller, .ledger = ledger, .metrics = metrics };
	p->house.on_landed = on_landed;
	p->house.context = p;
	list_init(&p->house.asks);
	return p;
}

void
pipeline_free(struct pipeline **pp)
{
	struct pipeline *p = *pp;
	if (p == NULL)
		return;
	assert(p->house.under_way == 0);
	ask_bury_all(&p->house);
	dedup_free(&p->dedup);
	free(p);
	*pp = NULL;
}

int
pipeline_read(struct exchange *x, enum endpoint endpoint, struct err *e)
{
	struct request_context context = {
		.config = site_config(x->site),
		.scope = x->account,
		.directives = x->directives,
	};
	return request_read(&x->request, endpoint, &x->body, &context, e);
}

/* Who joins reads what the others read; x's own copy of the request is only needed to know what it asked for. */
static void
join(struct exchange *x, struct answer *answer)
{
	/* A response's last event always tells its usage, so nobody needs to ask for it. */
	bool told = x->request.include_usage || x->request.endpoint == ENDPOINT_RESPONSES;
	x->reader.view = !told ? VIEW_PLAIN : x->cache == CACHE_COALESCED ? VIEW_JOINED : VIEW_ASKED;
	answer_join(answer, &x->reader);
}

void
pipeline_arrive(struct pipeline *p, struct exchange *x)
{
	struct answer *running = dedup_find(&p->dedup, x);
	if (running != NULL) {
		x->cache = CACHE_COALESCED;
		join(x, running);
		return;
	}
	x->cache = x->forwarded || x->fresh || site_config(x->site)->mode == MODE_OBSERVE ? CACHE_BYPASS
											  : CACHE_MISS;
	struct ask *ask = ask_open(&p->house, x);
	dedup_enter(&p->dedup, x, ask);
	join(x, ask_answer(ask));
}

void
pipeline_depart(struct pipeline *p, struct exchange *x, int status, const char *why, const char *error_code,
    struct ledger_request *row)
{
	exchange_row(x, status, why, error_code, row);
	if (x->asked != NULL) {
		ask_owe(x->asked, row);
		x->asked = NULL;
		row->cost_pico = -1; /* not known yet: the log leaves it out */
		answer_part(&x->reader);
		return;
	}
	bool refused = x->reader.answer == NULL;
	if (!refused)
		exchange_take_facts(row, &x->reader.answer->facts, x->cache != CACHE_COALESCED);
	/* Who was turned away while nothing can be written costs nothing and stands in the log. Rows for them would fill the
	 * memory, or the last of the disk, which belong to what is still under way. */
	if (!refused || ledger_ready(p->house.ledger))
		ledger_request(p->house.ledger, row);
	gateway_metrics_request(p->house.metrics, row);
	answer_part(&x->reader);
}

int
pipeline_under_way(const struct pipeline *p)
{
	return p->house.under_way;
}

void
pipeline_break_all(struct pipeline *p, const struct err *e)
{
	ask_break_all(&p->house, e);
}
