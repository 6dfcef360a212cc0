/*
 * An exchange, as the books see it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/exchange.h"

#include <stdio.h>

#include "base/clock.h"

/* A key's own answers are of that key, and not of one that has its name in other books: those beside an old file of answers. */
const unsigned char *
exchange_asker(const struct exchange *x)
{
	const struct task_conf *task = config_task(site_config(x->site), str_from(x->task));
	bool shared = task->cache.scope == SCOPE_PROJECT && x->project[0] != '\0';
	return x->key != NULL && !shared ? x->key->mac : NULL;
}

void
exchange_project_scope(const struct exchange *x, char out[SCOPE_SIZE])
{
	out[0] = '\0';
	if (x->project[0] != '\0')
		snprintf(out, SCOPE_SIZE, "project/%s", x->project); /* no account's name has a slash */
}

void
exchange_scope(const struct exchange *x, char out[SCOPE_SIZE])
{
	const struct task_conf *task = config_task(site_config(x->site), str_from(x->task));
	exchange_project_scope(x, out);
	if (task->cache.scope != SCOPE_PROJECT || out[0] == '\0')
		str_copy(out, SCOPE_SIZE, str_from(x->account));
}

void
exchange_row(
    const struct exchange *x, int status, const char *why, const char *error_code, struct ledger_request *row)
{
	*row = (struct ledger_request){ .at_us = x->wall_us, .cache = x->cache, .status = status };
	str_copy(row->id, sizeof row->id, str_from(x->id));
	str_copy(row->account, sizeof row->account, str_from(x->account));
	str_copy(row->task, sizeof row->task, str_from(x->task));
	str_copy(row->project, sizeof row->project, str_from(x->project));
	str_copy(row->run, sizeof row->run, str_from(x->run));
	const char *endpoint = x->forwarded ? x->forward->name : endpoint_name(x->request.endpoint);
	str_copy(row->endpoint, sizeof row->endpoint, str_from(endpoint));
	str_copy(row->model_asked, sizeof row->model_asked, str_from(x->request.model_asked));
	str_copy(row->project, sizeof row->project, str_from(x->project));
	str_copy(row->run, sizeof row->run, str_from(x->run));
	str_copy(row->error_code, sizeof row->error_code, str_from(error_code));
	str_copy(row->why, sizeof row->why, str_from(why));
	str_copy(row->decision, sizeof row->decision, str_from(x->decision));
	row->similarity = x->similarity;
	row->score = x->route[0] != '\0' ? x->score : -1;
	str_copy(row->route, sizeof row->route, str_from(x->route));
	row->stream = x->request.stream;
	row->first_byte_us = x->first_byte_us > 0 ? x->first_byte_us - x->arrived_us : -1;
	row->total_us = clock_us() - x->arrived_us;
	row->bytes_in = x->bytes_in;
	row->bytes_out = x->bytes_out;
}

void
exchange_take_facts(struct ledger_request *row, const struct answer_facts *facts, bool asker)
{
	str_copy(row->model_served, sizeof row->model_served, str_from(facts->model));
	str_copy(row->upstream, sizeof row->upstream, str_from(facts->upstream));
	row->usage = facts->usage;
	row->basis = facts->basis;
	str_copy(row->tier, sizeof row->tier, str_from(facts->tier));
	if (asker) {
		row->cost_pico = facts->cost_pico;
		row->attempts = facts->attempts;
		row->saved_prompt_pico = facts->saved_prompt_pico;
		row->saved_routed_pico = facts->saved_routed_pico;
		row->saved_batched_pico = facts->saved_batched_pico;
		row->lost_batched_pico = facts->lost_batched_pico;
		row->batch_place = facts->batch_place;
		row->batch_size = facts->batch_size;
		row->escalated = facts->escalated;
		row->clamped_to = facts->clamped_to;
		return;
	}
	/* Those who joined pay nothing, and saved what it would have cost. */
	str_copy(row->answer_id, sizeof row->answer_id, str_from(facts->asker_id));
	row->saved_pico = facts->cost_pico;
	row->basis = COST_NONE;
}
