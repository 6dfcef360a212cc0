/*
 * Recovery: holds become rows, and attempts get their request.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "recovery.h"

#include "base/log.h"
#include "base/money.h"

#define KILLED "the gateway was killed"

static int
has_row(sqlite3 *db, const char *sql, const char *id, int number, bool *found)
{
	sqlite3_stmt *query = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &query, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_text(query, 1, id, -1, SQLITE_STATIC);
	if (number > 0)
		sqlite3_bind_int(query, 2, number);
	rc = sqlite3_step(query);
	*found = rc == SQLITE_ROW;
	sqlite3_finalize(query);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- Attempts ---- */

static int
book_hold(struct rows *rows, const struct ledger_hold *hold, struct recovered *out)
{
	bool booked;
	int rc = has_row(rows->db, "SELECT 1 FROM attempts WHERE request_id = ?1 AND number = ?2",
	    hold->request_id, hold->number, &booked);
	if (rc != SQLITE_OK || booked)
		return rc;
	/* Its end may have been known, and only the row was missing. */
	bool ended = hold->settled_pico >= 0;
	struct ledger_attempt row = { .at_us = hold->at_us,
		.number = hold->number,
		.outcome = ATTEMPT_LOST,
		.why = KILLED,
		.cost_pico = ended ? hold->settled_pico : hold->held_pico,
		.basis = ended ? hold->settled_basis : COST_HELD,
		.overrun = ended && hold->settled_pico > hold->held_pico,
		.first_byte_us = -1,
		.payer = hold->payer,
		.held_pico = hold->held_pico,
		.price = hold->price,
		.slot = -1 };
	str_copy(row.request_id, sizeof row.request_id, str_from(hold->request_id));
	str_copy(row.upstream, sizeof row.upstream, str_from(hold->upstream));
	str_copy(row.model, sizeof row.model, str_from(hold->model));
	memcpy(row.windows, hold->windows, sizeof row.windows);
	out->holds++;
	if (!money_add(out->cost_pico, row.cost_pico, &out->cost_pico))
		out->cost_pico = INT64_MAX;
	/* Without a price nothing was held, and nothing is no cost. */
	if (row.basis == COST_HELD && !hold->price.known && hold->held_pico == 0) {
		row.basis = COST_UNPRICED;
		row.cost_pico = -1;
	}
	return rows_attempt(rows, &row);
}

/* ---- Requests ---- */

#define COLUMN_LABEL(query, at, to) \
	str_copy(to, sizeof(to), str_from((const char *)sqlite3_column_text(query, at)))

/* One attempt of the request; the last one says where it was served. */
static void
take_attempt(sqlite3_stmt *query, struct ledger_request *row, int64_t *end_us)
{
	int64_t at_us = sqlite3_column_int64(query, 0), ended_us = at_us + sqlite3_column_int64(query, 1);
	enum cost_basis basis = (enum cost_basis)sqlite3_column_int(query, 3);
	if (row->attempts++ == 0) {
		row->at_us = at_us;
		COLUMN_LABEL(query, 4, row->project);
		COLUMN_LABEL(query, 5, row->account);
		COLUMN_LABEL(query, 6, row->task);
		COLUMN_LABEL(query, 7, row->run);
		COLUMN_LABEL(query, 9, row->model_asked);
	}
	COLUMN_LABEL(query, 8, row->upstream);
	COLUMN_LABEL(query, 9, row->model_served);
	if (basis > row->basis)
		row->basis = basis;
	bool is_known = sqlite3_column_type(query, 2) != SQLITE_NULL;
	if (row->cost_pico >= 0 &&
	    (!is_known || !money_add(row->cost_pico, sqlite3_column_int64(query, 2), &row->cost_pico)))
		row->cost_pico = -1;
	if (ended_us > *end_us)
		*end_us = ended_us;
}

/* The request row that the process did not live to write; nothing when there is one, or no attempt. */
static int
complete(struct rows *rows, const char *id, const char *endpoint, struct recovered *out)
{
	bool complete = false;
	int rc = has_row(rows->db, "SELECT 1 FROM requests WHERE id = ?1", id, 0, &complete);
	if (rc != SQLITE_OK || complete)
		return rc;
	sqlite3_stmt *query = NULL;
	rc = sqlite3_prepare_v2(rows->db,
	    "SELECT at_us, total_us, cost_pico, basis, project, account, task, run, upstream, model"
	    " FROM attempts WHERE request_id = ?1 ORDER BY number",
	    -1, &query, NULL);
	if (rc != SQLITE_OK)
		return rc;
	struct ledger_request row = { .why = KILLED, .error_code = "crash", .first_byte_us = -1 };
	int64_t end_us = 0;
	sqlite3_bind_text(query, 1, id, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(query)) == SQLITE_ROW)
		take_attempt(query, &row, &end_us);
	sqlite3_finalize(query);
	if (rc != SQLITE_DONE || row.attempts == 0)
		return rc == SQLITE_DONE ? SQLITE_OK : rc;
	str_copy(row.id, sizeof row.id, str_from(id));
	str_copy(row.endpoint, sizeof row.endpoint, str_from(endpoint));
	row.total_us = end_us > row.at_us ? end_us - row.at_us : 0;
	out->requests++;
	return rows_request(rows, &row);
}

/*
 * Requests that had attempts and, when the process died, none that ran: they waited to try again. They are among the newest
 * attempts, and only there is looked, so that books of any size are open soon.
 */
static const char recent_orphans[] =
    "SELECT DISTINCT request_id FROM (SELECT request_id FROM attempts"
    " WHERE at_us >= (SELECT max(at_us) FROM attempts) - 900000000 ORDER BY at_us DESC LIMIT 20000) a"
    " WHERE NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = a.request_id)";

static int
complete_recent(struct rows *rows, struct recovered *out)
{
	struct buf ids = { 0 };
	sqlite3_stmt *query = NULL;
	int rc = sqlite3_prepare_v2(rows->db, recent_orphans, -1, &query, NULL);
	if (rc != SQLITE_OK)
		return rc;
	/* All of them first: a table is not changed while it is asked. */
	while ((rc = sqlite3_step(query)) == SQLITE_ROW) {
		const char *id = (const char *)sqlite3_column_text(query, 0);
		if (buf_add_z(&ids, id) != 0) {
			rc = SQLITE_NOMEM;
			break;
		}
	}
	sqlite3_finalize(query);
	rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
	for (size_t at = 0; rc == SQLITE_OK && at < ids.n; at += strlen(ids.p + at) + 1)
		rc = complete(rows, ids.p + at, "", out);
	buf_free(&ids);
	return rc;
}

/* ---- All of it ---- */

int
recovery_find(const char *holds_path, bool *found, struct err *e)
{
	struct ledger_hold hold;
	int slot;
	struct holds_reader *r = holds_read(holds_path, e);
	if (r == NULL)
		return -1;
	*found = holds_next(r, &hold, &slot) != HOLDS_END;
	holds_read_end(&r);
	return 0;
}

/* Requests come after all attempts, because they sum them up: hence two walks. */
static int
walk(struct rows *rows, struct holds_reader *r, bool requests, struct recovered *out)
{
	struct ledger_hold hold;
	int slot, rc = SQLITE_OK;
	for (enum holds_found found; rc == SQLITE_OK && (found = holds_next(r, &hold, &slot)) != HOLDS_END;) {
		if (found == HOLDS_LIVE) {
			rc = requests ? complete(rows, hold.request_id, hold.endpoint, out)
				      : book_hold(rows, &hold, out);
		} else if (!requests) {
			out->torn++;
			log_line(LOG_ERROR, "torn_hold", "slot=%d why=%q", slot,
			    "it was not whole on the disk, so it counts nothing");
		}
	}
	return rc;
}

int
recovery_book(struct rows *rows, const char *holds_path, bool crashed, struct recovered *out, struct err *e)
{
	*out = (struct recovered){ 0 };
	int rc = SQLITE_OK;
	for (int requests = 0; rc == SQLITE_OK && requests < 2; requests++) {
		struct holds_reader *r = holds_read(holds_path, e);
		rc = r != NULL ? walk(rows, r, requests == 1, out) : SQLITE_IOERR;
		holds_read_end(&r);
	}
	return rc == SQLITE_OK && crashed ? complete_recent(rows, out) : rc;
}

int
recovery_clear(struct holds *holds, const char *holds_path, struct err *e)
{
	struct ledger_hold hold;
	int slot;
	struct holds_reader *r = holds_read(holds_path, e);
	if (r == NULL)
		return -1;
	while (holds_next(r, &hold, &slot) != HOLDS_END)
		holds_drop(holds, slot);
	holds_read_end(&r);
	return 0;
}
