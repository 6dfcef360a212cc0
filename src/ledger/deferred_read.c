/*
 * Deferred requests as they are read, beside the ledger's thread and over a connection of the caller's own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deferred_rows.h"

enum { BUSY_MS = 1000 };

/* A row and its text, where it is asked for */
#define WITH_TEXT                  \
	"SELECT " DEFERRED_COLUMNS \
	", (SELECT text FROM deferred_texts t WHERE t.seq = deferred.seq) FROM deferred WHERE "

/* ---- A row ---- */

struct reader {
	sqlite3_stmt *query;
	int at;
	bool fits;
};

static int64_t
read_number(struct reader *r)
{
	return sqlite3_column_int64(r->query, r->at++);
}

static void
read_label(struct reader *r, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(r->query, r->at);
	size_t n = (size_t)sqlite3_column_bytes(r->query, r->at++);
	r->fits = r->fits && text != NULL && n < size && memchr(text, '\0', n) == NULL;
	if (text != NULL)
		str_copy(to, size, (struct str){ text, n });
}

#define READ_LABEL(r, field) read_label(r, field, sizeof(field))

static void
read_price(struct reader *r, struct price *p)
{
	p->known = sqlite3_column_type(r->query, r->at) != SQLITE_NULL;
	p->input = read_number(r);
	p->cached_input = read_number(r);
	p->cache_write = read_number(r);
	p->output = read_number(r);
	p->reasoning = read_number(r);
	p->fee = read_number(r);
}

static void
read_hold(struct reader *r, struct ledger_hold *h)
{
	h->number = (int)read_number(r);
	READ_LABEL(r, h->upstream);
	READ_LABEL(r, h->model);
	READ_LABEL(r, h->endpoint);
	READ_LABEL(r, h->payer.project);
	READ_LABEL(r, h->payer.key);
	READ_LABEL(r, h->payer.task);
	READ_LABEL(r, h->payer.run);
	for (int i = 0; i < WINDOW_KINDS; i++) {
		h->windows[i].start_us = read_number(r);
		h->windows[i].end_us = read_number(r);
	}
	h->held_pico = read_number(r);
	read_price(r, &h->price);
	h->settled_pico = -1;
}

static void
read_pledge(struct reader *r, struct deferred *d)
{
	const unsigned char *both = sqlite3_column_blob(r->query, r->at);
	int n = sqlite3_column_bytes(r->query, r->at++);
	if (both == NULL || n != 64)
		return;
	memcpy(d->pledge.b, both, 32);
	memcpy(d->pledge_check.b, both + 32, 32);
}

/* What the request and its hold have in common stands in the row once. */
static void
share(struct ledger_request *q, struct ledger_hold *h)
{
	memcpy(h->request_id, q->id, sizeof h->request_id);
	memcpy(q->account, h->payer.key, sizeof q->account);
	memcpy(q->project, h->payer.project, sizeof q->project);
	memcpy(q->task, h->payer.task, sizeof q->task);
	memcpy(q->run, h->payer.run, sizeof q->run);
	memcpy(q->endpoint, h->endpoint, sizeof q->endpoint);
	memcpy(q->model_served, h->model, sizeof q->model_served);
	memcpy(q->upstream, h->upstream, sizeof q->upstream);
	q->first_byte_us = -1;
}

bool
deferred_row_read(sqlite3_stmt *query, struct deferred *d)
{
	struct reader r = { query, 0, true };
	*d = (struct deferred){ 0 };
	struct ledger_request *q = &d->request;
	READ_LABEL(&r, q->id);
	int state = (int)read_number(&r);
	q->at_us = read_number(&r);
	d->hold.at_us = read_number(&r);
	d->deadline_us = read_number(&r);
	d->ended_us = read_number(&r);
	READ_LABEL(&r, d->job);
	d->status = (int)read_number(&r);
	READ_LABEL(&r, d->path);
	d->text_bytes = read_number(&r);
	d->billed = read_number(&r) != 0;
	read_hold(&r, &d->hold);
	READ_LABEL(&r, q->tier);
	READ_LABEL(&r, q->model_asked);
	READ_LABEL(&r, q->decision);
	bool scored = sqlite3_column_type(query, r.at) != SQLITE_NULL;
	q->score = scored ? sqlite3_column_double(query, r.at) : -1;
	r.at++;
	READ_LABEL(&r, q->route);
	q->clamped_to = read_number(&r);
	q->bytes_in = read_number(&r);
	q->stream = read_number(&r) != 0;
	read_pledge(&r, d);
	share(q, &d->hold);
	d->state = (enum deferred_state)state;
	return r.fits && state >= DEFERRED_QUEUED && state <= DEFERRED_CANCELLED;
}

static int
read_text(sqlite3_stmt *query, struct deferred *d)
{
	const void *text = sqlite3_column_blob(query, DEFERRED_COLUMN_COUNT);
	size_t n = (size_t)sqlite3_column_bytes(query, DEFERRED_COLUMN_COUNT);
	struct buf *to = d->ended_us == 0 ? &d->body : &d->answer;
	return n == 0 ? 0 : buf_add(to, (struct str){ text, n });
}

/* ---- Queries ---- */

static int
look(const char *database, const char *sql, const char *name, sqlite3 **db, sqlite3_stmt **query)
{
	int rc = sqlite3_open_v2(database, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(*db, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(*db, sql, -1, query, NULL);
	if (rc == SQLITE_OK && name != NULL)
		rc = sqlite3_bind_text(*query, 1, name, -1, SQLITE_STATIC);
	return rc;
}

/* A row that does not fit is none that this program wrote: better to begin nothing than to lose its hold. */
static int
each_row(
    const char *database, const char *sql, const char *name, bool texts, deferred_each *on_row, void *context)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *query = NULL;
	struct deferred d;
	int rc = look(database, sql, name, &db, &query);
	while (rc == SQLITE_OK && (rc = sqlite3_step(query)) == SQLITE_ROW) {
		bool fits = deferred_row_read(query, &d) && (!texts || read_text(query, &d) == 0);
		rc = fits ? SQLITE_OK : SQLITE_MISMATCH;
		if (fits)
			on_row(context, &d);
		buf_free(&d.body);
		buf_free(&d.answer);
	}
	sqlite3_finalize(query);
	sqlite3_close(db);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int
each_job(const char *database, deferred_each_job *on_job, void *context)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *query = NULL;
	int rc = look(database,
	    "SELECT name, at_us, upstream, model, path, file, creating, batch FROM deferred_jobs ORDER BY "
	    "at_us, "
	    "name",
	    NULL, &db, &query);
	while (rc == SQLITE_OK && (rc = sqlite3_step(query)) == SQLITE_ROW) {
		struct reader r = { query, 0, true };
		struct deferred_job job = { 0 };
		READ_LABEL(&r, job.name);
		job.at_us = read_number(&r);
		READ_LABEL(&r, job.upstream);
		READ_LABEL(&r, job.model);
		READ_LABEL(&r, job.path);
		READ_LABEL(&r, job.file);
		job.creating = read_number(&r) != 0;
		READ_LABEL(&r, job.batch);
		rc = r.fits ? SQLITE_OK : SQLITE_MISMATCH;
		if (r.fits)
			on_job(context, &job);
	}
	sqlite3_finalize(query);
	sqlite3_close(db);
	return rc == SQLITE_DONE ? 0 : -1;
}

int
deferred_load(const char *database, deferred_each *on_row, deferred_each_job *on_job, void *context)
{
	static const char sql[] =
	    "SELECT " DEFERRED_COLUMNS " FROM deferred WHERE ended_us IS NULL ORDER BY seq";
	if (each_row(database, sql, NULL, false, on_row, context) != 0)
		return -1;
	return each_job(database, on_job, context);
}

int
deferred_of_job(const char *database, const char *job, deferred_each *on_row, void *context)
{
	static const char sql[] = WITH_TEXT "job = ?1 AND state = 1 ORDER BY seq";
	return each_row(database, sql, job, true, on_row, context);
}

int
deferred_pledged(const char *database, int64_t since_us, deferred_each *on_row, void *context)
{
	static const char sql[] =
	    "SELECT " DEFERRED_COLUMNS
	    " FROM deferred WHERE pledge IS NOT NULL AND at_us >= CAST(?1 AS INTEGER) ORDER BY seq";
	char since[INT_TEXT_SIZE];
	return each_row(database, sql, int_format(since_us, since), false, on_row, context);
}

/* A page, and whether there is one more behind it. */
struct page {
	deferred_each *on_row;
	void *context;
	int left;
	bool more;
};

static void
on_page_row(void *context, const struct deferred *d)
{
	struct page *p = context;
	p->more = p->left == 0;
	if (p->left > 0 && p->left-- > 0)
		p->on_row(p->context, d);
}

int
deferred_page(const char *database, const char *account, const char *after, int limit, deferred_each *on_row,
    void *context, bool *more)
{
	struct page p = { on_row, context, limit, false };
	sqlite3 *db = NULL;
	sqlite3_stmt *query = NULL;
	struct deferred d;
	/* What is not there is behind everything: an empty page. */
	int rc = look(database,
	    "SELECT " DEFERRED_COLUMNS " FROM deferred WHERE account = ?1 AND"
	    " (?2 = '' OR seq < (SELECT seq FROM deferred WHERE id = ?2 AND account = ?1))"
	    " ORDER BY seq DESC LIMIT ?3",
	    account, &db, &query);
	if (rc == SQLITE_OK && ((rc = sqlite3_bind_text(query, 2, after, -1, SQLITE_STATIC)) == SQLITE_OK))
		rc = sqlite3_bind_int(query, 3, limit + 1);
	while (rc == SQLITE_OK && (rc = sqlite3_step(query)) == SQLITE_ROW) {
		rc = deferred_row_read(query, &d) ? SQLITE_OK : SQLITE_MISMATCH;
		if (rc == SQLITE_OK)
			on_page_row(&p, &d);
	}
	sqlite3_finalize(query);
	sqlite3_close(db);
	*more = p.more;
	return rc == SQLITE_DONE ? 0 : -1;
}

int
deferred_read(const char *database, const char *id, struct deferred *d)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *query = NULL;
	*d = (struct deferred){ 0 };
	int rc = look(database, WITH_TEXT "id = ?1", id, &db, &query);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(query);
	bool found = rc == SQLITE_ROW;
	if (found && (!deferred_row_read(query, d) || read_text(query, d) != 0))
		rc = SQLITE_MISMATCH;
	sqlite3_finalize(query);
	sqlite3_close(db);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? found : -1;
}
