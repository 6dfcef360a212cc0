/*
 * Deferred requests as they go into their tables. The ledger thread only, inside its transactions.
 *
 * Deleted texts are overwritten with zeroes (secure_delete), in the statements that delete them only: other rows hold no prompts,
 * and pay nothing for it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deferred_rows.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "schema.h"

#define INSERT_VALUES "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?"

static const char put_sql[] = "INSERT INTO deferred(" DEFERRED_COLUMNS ") VALUES(" INSERT_VALUES ")";
static const char put_text_sql[] = "INSERT INTO deferred_texts(seq, text) VALUES(?1, ?2)";
static const char job_sql[] =
    "INSERT INTO deferred_jobs(name, at_us, upstream, model, path, file, creating, batch)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(name) DO UPDATE SET file = excluded.file,"
    " creating = excluded.creating, batch = excluded.batch";
static const char board_sql[] = "UPDATE deferred SET state = 1, job = ?1 WHERE id = ?2 AND state = 0";
static const char leave_sql[] = "UPDATE deferred SET state = 0, job = '' WHERE job = ?1 AND state = 1";
static const char drop_job_sql[] = "DELETE FROM deferred_jobs WHERE name = ?1";
static const char find_sql[] = "SELECT seq, bytes FROM deferred WHERE id = ?1 AND state < 2";
static const char end_sql[] =
    "UPDATE deferred SET state = ?1, status = ?2, ended_us = ?3, billed = ?4, bytes = ?5 WHERE seq = ?6";
static const char set_text_sql[] = "UPDATE deferred_texts SET text = ?1 WHERE seq = ?2";
static const char drop_text_sql[] = "DELETE FROM deferred_texts WHERE seq = ?1";

/* ---- One call ---- */

void
deferred_op_free(struct deferred_op **op)
{
	if (*op == NULL)
		return;
	buf_free(&(*op)->row.body);
	buf_free(&(*op)->row.answer);
	free((*op)->ids);
	free(*op);
	*op = NULL;
}

/* ---- Binding ---- */

struct binder {
	sqlite3_stmt *statement;
	int at;
};

static void
bind_number(struct binder *b, int64_t value)
{
	sqlite3_bind_int64(b->statement, ++b->at, value);
}

static void
bind_text(struct binder *b, const char *text)
{
	sqlite3_bind_text(b->statement, ++b->at, text, -1, SQLITE_STATIC);
}

static void
bind_null(struct binder *b)
{
	sqlite3_bind_null(b->statement, ++b->at);
}

/* An empty one is no NULL. */
static void
bind_bytes(struct binder *b, const struct buf *bytes)
{
	if (bytes->n == 0)
		sqlite3_bind_zeroblob(b->statement, ++b->at, 0);
	else
		sqlite3_bind_blob64(b->statement, ++b->at, bytes->p, bytes->n, SQLITE_STATIC);
}

static void
bind_hold(struct binder *b, const struct ledger_hold *h)
{
	bind_number(b, h->number);
	bind_text(b, h->upstream);
	bind_text(b, h->model);
	bind_text(b, h->endpoint);
	bind_text(b, h->payer.project);
	bind_text(b, h->payer.key);
	bind_text(b, h->payer.task);
	bind_text(b, h->payer.run);
	for (int i = 0; i < WINDOW_KINDS; i++) {
		if (windows_booked(h->windows)) {
			bind_number(b, h->windows[i].start_us);
			bind_number(b, h->windows[i].end_us);
		} else {
			bind_null(b);
			bind_null(b);
		}
	}
	bind_number(b, h->held_pico);
	const int64_t price[] = { h->price.input, h->price.cached_input, h->price.cache_write,
		h->price.output, h->price.reasoning, h->price.fee };
	for (size_t i = 0; i < sizeof price / sizeof *price; i++) {
		if (h->price.known)
			bind_number(b, price[i]);
		else
			bind_null(b);
	}
}

/* The two digests as one; who has no idempotency key has no digest of it. */
static void
bind_pledge(struct binder *b, const struct deferred *d, unsigned char both[64])
{
	static const struct digest none;
	memcpy(both, d->pledge.b, 32);
	memcpy(both + 32, d->pledge_check.b, 32);
	if (memcmp(&d->pledge, &none, sizeof none) == 0)
		bind_null(b);
	else
		sqlite3_bind_blob(b->statement, ++b->at, both, 64, SQLITE_STATIC);
}

/* ---- Steps ---- */

/* 1: it changed something; 0: it did not; -1: *rc is an error. A constraint changes nothing. */
static int
step(sqlite3 *db, sqlite3_stmt *statement, int *rc)
{
	*rc = sqlite3_step(statement);
	if (*rc == SQLITE_DONE)
		*rc = SQLITE_OK;
	bool unfit = (*rc & 0xff) == SQLITE_CONSTRAINT;
	if (unfit) {
		log_line(LOG_ERROR, "refused_row", "kind=deferred why=%q", sqlite3_errmsg(db));
		*rc = SQLITE_OK;
	}
	int changes = *rc == SQLITE_OK && !unfit ? sqlite3_changes(db) : 0;
	sqlite3_reset(statement);
	return *rc != SQLITE_OK ? -1 : changes > 0;
}

static int
put(struct deferred_rows *r, struct deferred_op *op)
{
	const struct deferred *d = &op->row;
	struct binder b = { r->put, 0 };
	unsigned char both[64]; /* until the step is done */
	int rc;
	bind_text(&b, d->request.id);
	bind_number(&b, DEFERRED_QUEUED);
	bind_number(&b, d->request.at_us);
	bind_number(&b, d->hold.at_us);
	bind_number(&b, d->deadline_us);
	bind_null(&b);
	bind_text(&b, "");
	bind_number(&b, 0);
	bind_text(&b, d->path);
	bind_number(&b, (int64_t)d->body.n);
	bind_number(&b, 0);
	bind_hold(&b, &d->hold);
	bind_text(&b, d->request.tier);
	bind_text(&b, d->request.model_asked);
	bind_text(&b, d->request.decision);
	if (d->request.score >= 0)
		sqlite3_bind_double(b.statement, ++b.at, d->request.score);
	else
		bind_null(&b);
	bind_text(&b, d->request.route);
	bind_number(&b, d->request.clamped_to);
	bind_number(&b, d->request.bytes_in);
	bind_number(&b, d->request.stream);
	bind_pledge(&b, d, both);
	assert(b.at == DEFERRED_COLUMN_COUNT);
	if (step(r->db, r->put, &rc) <= 0)
		return rc;
	b = (struct binder){ r->put_text, 0 };
	bind_number(&b, sqlite3_last_insert_rowid(r->db));
	bind_bytes(&b, &d->body);
	op->ok = step(r->db, r->put_text, &rc) > 0;
	return rc;
}

static int
board(struct deferred_rows *r, const struct deferred_op *op, bool *all)
{
	int rc = SQLITE_OK;
	for (size_t i = 0; i < op->count && *all; i++) {
		struct binder b = { r->board, 0 };
		bind_text(&b, op->job.name);
		bind_text(&b, op->ids[i]);
		*all = step(r->db, r->board, &rc) > 0;
	}
	return rc;
}

static int
put_job(struct deferred_rows *r, const struct deferred_op *op)
{
	struct binder b = { r->job, 0 };
	int rc;
	bind_text(&b, op->job.name);
	bind_number(&b, op->job.at_us);
	bind_text(&b, op->job.upstream);
	bind_text(&b, op->job.model);
	bind_text(&b, op->job.path);
	bind_text(&b, op->job.file);
	bind_number(&b, op->job.creating);
	bind_text(&b, op->job.batch);
	step(r->db, r->job, &rc);
	return rc;
}

/* All or nothing, within a transaction that holds others' rows. */
static int
send(struct deferred_rows *r, struct deferred_op *op)
{
	bool all = true;
	int rc = sqlite3_exec(r->db, "SAVEPOINT boarding", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = board(r, op, &all);
	if (rc == SQLITE_OK && all)
		rc = put_job(r, op);
	if (rc == SQLITE_OK && !all)
		rc = sqlite3_exec(r->db, "ROLLBACK TO boarding", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->db, "RELEASE boarding", NULL, NULL, NULL);
	op->ok = rc == SQLITE_OK && all;
	return rc;
}

static int
job_over(struct deferred_rows *r, struct deferred_op *op)
{
	int rc;
	struct binder b = { r->leave, 0 };
	bind_text(&b, op->job.name);
	if (step(r->db, r->leave, &rc) < 0)
		return rc;
	b = (struct binder){ r->drop_job, 0 };
	bind_text(&b, op->job.name);
	op->ok = step(r->db, r->drop_job, &rc) >= 0;
	return rc;
}

/* 0 in *seq: there is none of that id, or it has ended. */
static int
find(struct deferred_rows *r, const char *id, int64_t *seq, int64_t *bytes)
{
	sqlite3_bind_text(r->find, 1, id, -1, SQLITE_STATIC);
	int rc = sqlite3_step(r->find);
	*seq = rc == SQLITE_ROW ? sqlite3_column_int64(r->find, 0) : 0;
	*bytes = rc == SQLITE_ROW ? sqlite3_column_int64(r->find, 1) : 0;
	sqlite3_reset(r->find);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
securely(sqlite3 *db, bool on)
{
	return sqlite3_exec(
	    db, on ? "PRAGMA secure_delete=ON" : "PRAGMA secure_delete=OFF", NULL, NULL, NULL);
}

/* The answer takes the place of what was sent; without one nothing is left. */
static int
change_text(struct deferred_rows *r, int64_t seq, const struct buf *answer)
{
	sqlite3_stmt *statement = answer->n > 0 ? r->set_text : r->drop_text;
	struct binder b = { statement, 0 };
	if (answer->n > 0)
		bind_bytes(&b, answer);
	bind_number(&b, seq);
	int rc = securely(r->db, true);
	if (rc == SQLITE_OK)
		step(r->db, statement, &rc);
	securely(r->db, false);
	return rc;
}

static int
end(struct deferred_rows *r, struct deferred_op *op)
{
	const struct deferred *d = &op->row;
	int64_t seq, bytes;
	int rc = find(r, d->request.id, &seq, &bytes);
	if (rc != SQLITE_OK || seq == 0)
		return rc;
	struct binder b = { r->end, 0 };
	bind_number(&b, (int64_t)d->state);
	bind_number(&b, d->status);
	bind_number(&b, d->ended_us);
	bind_number(&b, d->billed);
	bind_number(&b, (int64_t)d->answer.n);
	bind_number(&b, seq);
	if (step(r->db, r->end, &rc) <= 0 || (rc = change_text(r, seq, &d->answer)) != SQLITE_OK)
		return rc;
	if (d->billed)
		rc = rows_attempt(r->rows, &op->attempt);
	if (rc == SQLITE_OK)
		rc = rows_request(r->rows, &d->request);
	op->ok = rc == SQLITE_OK;
	op->bytes = (int64_t)d->answer.n - bytes;
	return rc;
}

int
deferred_rows_write(struct deferred_rows *r, struct deferred_op *op)
{
	op->ok = false;
	op->bytes = 0;
	if (op->spoilt)
		return SQLITE_OK;
	switch (op->step) {
	case STEP_PUT:
		return put(r, op);
	case STEP_SEND:
		return send(r, op);
	case STEP_JOB_OVER:
		return job_over(r, op);
	case STEP_END:
		return end(r, op);
	}
	return SQLITE_MISUSE;
}

/* ---- Forgetting ---- */

/* No ties in the order, so that all three statements mean the same rows. */
#define OVER                                                                                             \
	"SELECT seq FROM deferred WHERE ended_us < ?1 AND state BETWEEN 2 AND 4 ORDER BY ended_us, seq " \
	"LIMIT "                                                                                         \
	"?2"

static int
sum_over(sqlite3 *db, int64_t before_us, int most, int64_t *bytes, int *count)
{
	sqlite3_stmt *query = NULL;
	int rc = sqlite3_prepare_v2(db,
	    "SELECT count(*), ifnull(sum(bytes), 0) FROM deferred WHERE seq IN (" OVER ")", -1, &query, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(query, 1, before_us);
	sqlite3_bind_int(query, 2, most);
	rc = sqlite3_step(query);
	*count = rc == SQLITE_ROW ? sqlite3_column_int(query, 0) : 0;
	*bytes = rc == SQLITE_ROW ? sqlite3_column_int64(query, 1) : 0;
	sqlite3_finalize(query);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int
deferred_rows_forget(sqlite3 *db, int64_t before_us, int most, int64_t *bytes, bool *more)
{
	int count = 0;
	int rc = sum_over(db, before_us, most, bytes, &count);
	*more = count >= most;
	if (rc != SQLITE_OK || count == 0)
		return rc;
	rc = securely(db, true);
	if (rc == SQLITE_OK)
		rc = schema_run(db, "DELETE FROM deferred_texts WHERE seq IN (" OVER ")", before_us, most);
	securely(db, false);
	if (rc == SQLITE_OK)
		rc = schema_run(db, "DELETE FROM deferred WHERE seq IN (" OVER ")", before_us, most);
	return rc;
}

/* ---- Birth and death ---- */

int
deferred_rows_prepare(struct deferred_rows *r, sqlite3 *db, struct rows *rows)
{
	*r = (struct deferred_rows){ .db = db, .rows = rows };
	const struct {
		const char *sql;
		sqlite3_stmt **to;
	} all[] = { { put_sql, &r->put }, { put_text_sql, &r->put_text }, { job_sql, &r->job },
		{ board_sql, &r->board }, { leave_sql, &r->leave }, { drop_job_sql, &r->drop_job },
		{ find_sql, &r->find }, { end_sql, &r->end }, { set_text_sql, &r->set_text },
		{ drop_text_sql, &r->drop_text } };
	int rc = SQLITE_OK;
	for (size_t i = 0; i < sizeof all / sizeof *all && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].to, NULL);
	return rc;
}

void
deferred_rows_finalize(struct deferred_rows *r)
{
	sqlite3_stmt *const all[] = { r->put, r->put_text, r->job, r->board, r->leave, r->drop_job, r->find,
		r->end, r->set_text, r->drop_text };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		sqlite3_finalize(all[i]);
	*r = (struct deferred_rows){ 0 };
}
