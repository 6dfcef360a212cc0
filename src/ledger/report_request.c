/*
 * One request, as the books have it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "report_private.h"

/* Columns in the order in which they are asked for. */
struct columns {
	sqlite3_stmt *row;
	int at;
};

static void
text(struct columns *c, char *to, size_t size)
{
	report_text(c->row, c->at++, to, size);
}

#define TEXT(c, field) text(c, field, sizeof(field))

static int64_t
whole(struct columns *c)
{
	return sqlite3_column_int64(c->row, c->at++);
}

/* NULL is unknown. */
static int64_t
known(struct columns *c)
{
	bool unknown = sqlite3_column_type(c->row, c->at) == SQLITE_NULL;
	int64_t value = sqlite3_column_int64(c->row, c->at++);
	return unknown ? -1 : value;
}

static void
usage(struct columns *c, struct usage *u)
{
	u->known = sqlite3_column_type(c->row, c->at) != SQLITE_NULL;
	u->input = whole(c);
	u->cached_input = whole(c);
	u->cache_write = whole(c);
	u->output = whole(c);
	u->reasoning = whole(c);
}

#define USAGE "input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens"

static sqlite3_stmt *
ask(struct report *r, const char *sql, const char *id, struct err *e)
{
	sqlite3_stmt *row = report_ask(r, sql, e);
	if (row != NULL)
		sqlite3_bind_text(row, 1, id, -1, SQLITE_STATIC);
	return row;
}

static void
read_request(sqlite3_stmt *row, struct ledger_request *out)
{
	struct columns c = { row, 0 };
	*out = (struct ledger_request){ 0 };
	out->at_us = whole(&c);
	TEXT(&c, out->id);
	TEXT(&c, out->account);
	TEXT(&c, out->task);
	TEXT(&c, out->project);
	TEXT(&c, out->run);
	TEXT(&c, out->tier);
	TEXT(&c, out->endpoint);
	TEXT(&c, out->model_asked);
	TEXT(&c, out->model_served);
	TEXT(&c, out->upstream);
	TEXT(&c, out->answer_id);
	TEXT(&c, out->error_code);
	TEXT(&c, out->why);
	usage(&c, &out->usage);
	out->cost_pico = known(&c);
	out->saved_pico = known(&c);
	out->saved_routed_pico = known(&c);
	out->saved_batched_pico = known(&c);
	out->saved_prompt_pico = known(&c);
	out->lost_batched_pico = known(&c);
	out->batch_place = (int)whole(&c);
	out->batch_size = (int)whole(&c);
	out->clamped_to = whole(&c);
	out->basis = (enum cost_basis)whole(&c);
	out->cache = (enum cache_kind)whole(&c);
	out->similarity = sqlite3_column_double(row, c.at++);
	TEXT(&c, out->decision);
	bool scored = sqlite3_column_type(row, c.at) != SQLITE_NULL;
	out->score = scored ? sqlite3_column_double(row, c.at) : -1;
	c.at++;
	TEXT(&c, out->route);
	out->escalated = (int)whole(&c);
	out->status = (int)whole(&c);
	out->stream = whole(&c) != 0;
	out->attempts = (int)whole(&c);
	out->first_byte_us = known(&c);
	out->total_us = whole(&c);
	out->bytes_in = whole(&c);
	out->bytes_out = whole(&c);
}

int
report_request(struct report *r, const char *id, struct ledger_request *out, struct err *e)
{
	sqlite3_stmt *row = ask(r,
	    "SELECT at_us, id, account, task, project, run, tier, endpoint, model_asked, model_served, "
	    "upstream,"
	    " answer_id, error_code, why, " USAGE ", cost_pico, saved_pico, saved_routed_pico, "
	    "saved_batched_pico, saved_prompt_pico, lost_batched_pico, batch_place, batch_size, clamped_to, "
	    "basis,"
	    " cache, similarity, decision, score, route, escalated, status, stream, attempts, first_byte_us, "
	    "total_us, bytes_in, "
	    "bytes_out"
	    " FROM requests WHERE id = ?1",
	    id, e);
	if (row == NULL)
		return -1;
	int rc = sqlite3_step(row);
	bool found = rc == SQLITE_ROW;
	if (found)
		read_request(row, out);
	return report_asked(r, row, rc, e) != 0 ? -1 : found;
}

static void
read_attempt(sqlite3_stmt *row, struct ledger_attempt *out)
{
	struct columns c = { row, 0 };
	*out = (struct ledger_attempt){ .slot = -1 };
	out->at_us = whole(&c);
	TEXT(&c, out->request_id);
	out->number = (int)whole(&c);
	TEXT(&c, out->upstream);
	TEXT(&c, out->model);
	out->outcome = (enum attempt_outcome)whole(&c);
	out->status = (int)whole(&c);
	TEXT(&c, out->why);
	usage(&c, &out->usage);
	out->cost_pico = known(&c);
	out->basis = (enum cost_basis)whole(&c);
	out->first_byte_us = known(&c);
	out->total_us = whole(&c);
	out->held_pico = whole(&c);
	out->overrun = whole(&c) != 0;
	TEXT(&c, out->batch);
}

int
report_attempts(struct report *r, const char *id, struct ledger_attempt **rows, size_t *count, struct err *e)
{
	*rows = NULL;
	*count = 0;
	sqlite3_stmt *row = ask(r,
	    "SELECT at_us, request_id, number, upstream, model, outcome, status, why, " USAGE
	    ", cost_pico, basis, first_byte_us, total_us, held_pico, overrun, ifnull(batch, '') FROM attempts"
	    " WHERE request_id = ?1 ORDER BY number",
	    id, e);
	if (row == NULL)
		return -1;
	int rc;
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		*rows = realloc(*rows, (*count + 1) * sizeof **rows);
		if (*rows == NULL)
			abort();
		read_attempt(row, &(*rows)[(*count)++]);
	}
	return report_asked(r, row, rc, e);
}

int
report_batch(struct report *r, const char *id, struct ledger_batch *out, struct err *e)
{
	sqlite3_stmt *row = ask(r,
	    "SELECT at_us, id, upstream, model, members, answered, outcome, why, " USAGE
	    ", cost_pico, basis FROM batches WHERE id = ?1",
	    id, e);
	if (row == NULL)
		return -1;
	int rc = sqlite3_step(row);
	bool found = rc == SQLITE_ROW;
	*out = (struct ledger_batch){ 0 };
	if (found) {
		struct columns c = { row, 0 };
		out->at_us = whole(&c);
		TEXT(&c, out->id);
		TEXT(&c, out->upstream);
		TEXT(&c, out->model);
		out->members = (int)whole(&c);
		out->answered = (int)whole(&c);
		out->outcome = (enum attempt_outcome)whole(&c);
		TEXT(&c, out->why);
		usage(&c, &out->usage);
		out->cost_pico = known(&c);
		out->basis = (enum cost_basis)whole(&c);
	}
	return report_asked(r, row, rc, e) != 0 ? -1 : found;
}

int
report_checks(
    struct report *r, const char *id, struct ledger_check *rows, size_t most, size_t *count, struct err *e)
{
	*count = 0;
	sqlite3_stmt *row = ask(r,
	    "SELECT at_us, request_id, answer_id, account, task, probability, served, agreed FROM checks"
	    " WHERE request_id = ?1 ORDER BY at_us, seq",
	    id, e);
	if (row == NULL)
		return -1;
	int rc = SQLITE_DONE;
	while (*count < most && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct columns c = { row, 0 };
		struct ledger_check *out = &rows[(*count)++];
		*out = (struct ledger_check){ .at_us = whole(&c) };
		TEXT(&c, out->request_id);
		TEXT(&c, out->answer_id);
		TEXT(&c, out->account);
		TEXT(&c, out->task);
		out->probability = sqlite3_column_double(row, c.at++);
		out->served = whole(&c) != 0;
		out->right = whole(&c) != 0;
	}
	return report_asked(r, row, rc, e);
}
