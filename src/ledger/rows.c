/*
 * Rows as they go into the tables. Labels are bound where they stand in the entry: nothing is copied on the way.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rows.h"

#include <assert.h>
#include <stdio.h>

#include "base/log.h"
#include "base/utf8.h"

static const char insert_request[] =
    "INSERT INTO requests(at_us, id, account, task, endpoint, model_asked, model_served, upstream, "
    "answer_id, error_code, why,"
    " input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_pico, "
    "saved_pico, basis,"
    " cache, status, stream, attempts, first_byte_us, total_us, bytes_in, bytes_out, project, run, tier,"
    " saved_routed_pico, saved_batched_pico, saved_prompt_pico, clamped_to, similarity, decision, score,"
    " route, escalated, lost_batched_pico, batch_place, batch_size)"
    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

static const char insert_attempt[] =
    "INSERT INTO attempts(at_us, request_id, number, upstream, model, outcome, status, why, input_tokens,"
    " cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_pico, basis, "
    "first_byte_us, total_us, project, account, task, run, day_us, week_us, month_us, run_us, held_pico, "
    "price_input,"
    " price_cached_input, price_cache_write, price_output, price_reasoning, price_fee, overrun, batch)"
    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

static const char insert_batch[] =
    "INSERT INTO batches(at_us, id, upstream, model, members, answered, outcome, why, input_tokens,"
    " cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_pico, basis)"
    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

static const char insert_check[] =
    "INSERT INTO checks(at_us, request_id, answer_id, account, task, probability, served, agreed)"
    " VALUES(?,?,?,?,?,?,?,?)";

static const char insert_outcome[] =
    "INSERT INTO outcomes(at_us, request_id, account, task, tier, model, source, giver, good, reason)"
    " VALUES(?,?,?,?,?,?,?,?,?,?) ON CONFLICT(request_id, source, giver, model) DO UPDATE SET at_us = "
    "excluded.at_us,"
    " good = excluded.good, reason = excluded.reason";

static const char insert_refused[] =
    "INSERT INTO refused(at_us, kind, id, number, cost_pico, basis, why, project, account, task, run, day_us,"
    " week_us, month_us, run_us, booked_pico) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

/* Binds values to parameters 1, 2, ... in the order of the columns. */
struct binder {
	struct rows *rows;
	sqlite3_stmt *statement;
	int at;
};

static void
bind_number(struct binder *b, int64_t value)
{
	sqlite3_bind_int64(b->statement, ++b->at, value);
}

static void
bind_known(struct binder *b, int64_t value) /* -1 is unknown */
{
	if (value == -1)
		sqlite3_bind_null(b->statement, ++b->at);
	else
		bind_number(b, value);
}

/* Of one; what is a little beyond by rounding is brought back, what is no number is none. */
static void
bind_share(struct binder *b, double value)
{
	double share = value > 1 ? 1 : value > 0 ? value : 0;
	sqlite3_bind_double(b->statement, ++b->at, share);
}

static bool
is_ascii(const char *p, size_t n)
{
	unsigned char seen = 0;
	for (size_t i = 0; i < n; i++)
		seen |= (unsigned char)p[i];
	return seen < 0x80;
}

/* Bytes that are no UTF-8 become U+FFFD, one for one, so that every reader of the file can show the row. */
static struct str
repair(struct rows *r, struct str label)
{
	assert(r->repaired_count < (int)(sizeof r->repaired / sizeof r->repaired[0]) &&
	       label.n <= ROWS_LABEL_MAX);
	char *out = r->repaired[r->repaired_count++];
	size_t n = 0;
	for (size_t i = 0, step; i < label.n; i += step) {
		step = utf8_step(label, i);
		if (step == 0) {
			n += utf8_put(out + n, 0xFFFD);
			step = 1;
			continue;
		}
		memcpy(out + n, label.p + i, step);
		n += step;
	}
	return (struct str){ out, n };
}

/* The field is as long as its array allows, terminated or not. */
static void
bind_field(struct binder *b, const char *field, size_t size)
{
	struct str label = { field, strnlen(field, size) };
	if (!is_ascii(label.p, label.n))
		label = repair(b->rows, label);
	sqlite3_bind_text(b->statement, ++b->at, label.p, (int)label.n, SQLITE_STATIC);
}

#define BIND_LABEL(b, field) bind_field(b, field, sizeof(field))

static void
bind_usage(struct binder *b, const struct usage *u)
{
	bind_known(b, u->known ? u->input : -1);
	bind_known(b, u->known ? u->cached_input : -1);
	bind_known(b, u->known ? u->cache_write : -1);
	bind_known(b, u->known ? u->output : -1);
	bind_known(b, u->known ? u->reasoning : -1);
}

static void
bind_price(struct binder *b, const struct price *p)
{
	bind_known(b, p->known ? p->input : -1);
	bind_known(b, p->known ? p->cached_input : -1);
	bind_known(b, p->known ? p->cache_write : -1);
	bind_known(b, p->known ? p->output : -1);
	bind_known(b, p->known ? p->reasoning : -1);
	bind_known(b, p->known ? p->fee : -1);
}

static void
bind_payer(struct binder *b, const struct payer *p)
{
	BIND_LABEL(b, p->project);
	BIND_LABEL(b, p->key);
	BIND_LABEL(b, p->task);
	BIND_LABEL(b, p->run);
}

/* Starts of windows; NULL: booked to none. NULL too for the run of a row without one. */
static void
bind_windows(struct binder *b, const struct booking *booking)
{
	bool booked = booking != NULL && windows_booked(booking->windows);
	for (int i = 0; i < WINDOW_KINDS; i++)
		bind_known(b, booked ? booking->windows[i].start_us : -1);
	bind_known(b, booked && booking->run.end_us != 0 ? booking->run.start_us : -1);
}

struct refused {
	const char *kind, *id;
	size_t id_size;
	int64_t at_us, number, cost_pico;
	enum cost_basis basis;
	const struct booking *booking; /* NULL: a request */
};

/*
 * The money of a refused attempt is as real as that of others, so its windows have it and this row says so. One that breaks the
 * rule of one row an attempt is booked already, by the row that is there: it is kept to be looked at and counts nowhere.
 */
static int
refuse(struct rows *r, const struct refused *row, bool has_a_row)
{
	static const struct payer nobody;
	const struct booking *booking = row->booking;
	char why[160];
	snprintf(why, sizeof why, "%s", sqlite3_errmsg(r->db));
	struct str id = { row->id, strnlen(row->id, row->id_size) };
	char shown[ROWS_LABEL_MAX + 1];
	str_copy(shown, sizeof shown, id);
	log_line(LOG_ERROR, "refused_row", "kind=%s request=%q cost_pico=%lld why=%q", row->kind, shown,
	    (long long)row->cost_pico, why);
	bool booked = booking != NULL && !has_a_row && windows_booked(booking->windows);
	struct binder b = { r, r->refuse, 0 };
	bind_number(&b, row->at_us);
	sqlite3_bind_text(b.statement, ++b.at, row->kind, -1, SQLITE_STATIC);
	bind_field(&b, row->id, row->id_size);
	bind_number(&b, row->number);
	bind_known(&b, row->cost_pico);
	bind_number(&b, (int64_t)row->basis);
	sqlite3_bind_text(b.statement, ++b.at, why, -1, SQLITE_STATIC);
	bind_payer(&b, booking != NULL ? &booking->payer : &nobody);
	bind_windows(&b, booked ? booking : NULL);
	bind_number(&b, booked ? booking->pico : 0);
	int rc = sqlite3_step(r->refuse);
	sqlite3_reset(r->refuse);
	if (rc == SQLITE_DONE && booked)
		windows_book(r->windows, booking);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
insert(struct rows *r, sqlite3_stmt *statement, const struct refused *if_refused)
{
	int rc = sqlite3_step(statement);
	if (rc == SQLITE_DONE && if_refused->booking != NULL)
		windows_book(r->windows, if_refused->booking);
	if ((rc & 0xff) == SQLITE_CONSTRAINT) { /* the statement is undone, the transaction goes on */
		bool has_a_row = sqlite3_extended_errcode(r->db) == SQLITE_CONSTRAINT_PRIMARYKEY;
		rc = refuse(r, if_refused, has_a_row);
	}
	sqlite3_reset(statement);
	r->repaired_count = 0;
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int
rows_request(struct rows *r, const struct ledger_request *row)
{
	struct binder b = { r, r->request, 0 };
	bind_number(&b, row->at_us);
	BIND_LABEL(&b, row->id);
	BIND_LABEL(&b, row->account);
	BIND_LABEL(&b, row->task);
	BIND_LABEL(&b, row->endpoint);
	BIND_LABEL(&b, row->model_asked);
	BIND_LABEL(&b, row->model_served);
	BIND_LABEL(&b, row->upstream);
	BIND_LABEL(&b, row->answer_id);
	BIND_LABEL(&b, row->error_code);
	BIND_LABEL(&b, row->why);
	bind_usage(&b, &row->usage);
	bind_known(&b, row->cost_pico);
	bind_known(&b, row->saved_pico);
	bind_number(&b, (int64_t)row->basis);
	bind_number(&b, (int64_t)row->cache);
	bind_number(&b, row->status);
	bind_number(&b, row->stream);
	bind_number(&b, row->attempts);
	bind_known(&b, row->first_byte_us);
	bind_number(&b, row->total_us);
	bind_number(&b, row->bytes_in);
	bind_number(&b, row->bytes_out);
	BIND_LABEL(&b, row->project);
	BIND_LABEL(&b, row->run);
	BIND_LABEL(&b, row->tier);
	bind_known(&b, row->saved_routed_pico);
	bind_known(&b, row->saved_batched_pico);
	bind_known(&b, row->saved_prompt_pico);
	bind_number(&b, row->clamped_to);
	if (row->similarity > 0)
		bind_share(&b, row->similarity);
	else
		bind_known(&b, -1);
	BIND_LABEL(&b, row->decision);
	if (row->route[0] != '\0' && row->score >= 0)
		bind_share(&b, row->score);
	else
		bind_known(&b, -1);
	BIND_LABEL(&b, row->route);
	bind_number(&b, row->escalated);
	bind_known(&b, row->lost_batched_pico);
	bind_number(&b, row->batch_place);
	bind_number(&b, row->batch_size);
	struct refused refused = { "request", row->id, sizeof row->id, row->at_us, 0, row->cost_pico,
		row->basis, NULL };
	return insert(r, r->request, &refused);
}

int
rows_attempt(struct rows *r, const struct ledger_attempt *row)
{
	struct booking booking = { .payer = row->payer,
		.pico = windows_amount(row->cost_pico, row->held_pico),
		.freeze = row->freeze };
	windows_clean(&booking.payer);
	memcpy(booking.windows, row->windows, sizeof booking.windows);
	int rc = windows_run(r->windows, &booking, row->at_us);
	if (rc != SQLITE_OK)
		return rc;
	struct binder b = { r, r->attempt, 0 };
	bind_number(&b, row->at_us);
	BIND_LABEL(&b, row->request_id);
	bind_number(&b, row->number);
	BIND_LABEL(&b, row->upstream);
	BIND_LABEL(&b, row->model);
	bind_number(&b, (int64_t)row->outcome);
	bind_number(&b, row->status);
	BIND_LABEL(&b, row->why);
	bind_usage(&b, &row->usage);
	bind_known(&b, row->cost_pico);
	bind_number(&b, (int64_t)row->basis);
	bind_known(&b, row->first_byte_us);
	bind_number(&b, row->total_us);
	bind_payer(&b, &booking.payer);
	bind_windows(&b, &booking);
	bind_number(&b, row->held_pico);
	bind_price(&b, &row->price);
	bind_number(&b, row->overrun);
	if (row->batch[0] != '\0')
		BIND_LABEL(&b, row->batch);
	else
		bind_known(&b, -1);
	struct refused refused = { "attempt", row->request_id, sizeof row->request_id, row->at_us,
		row->number, row->cost_pico, row->basis, &booking };
	return insert(r, r->attempt, &refused);
}

int
rows_batch(struct rows *r, const struct ledger_batch *row)
{
	struct binder b = { r, r->batch, 0 };
	bind_number(&b, row->at_us);
	BIND_LABEL(&b, row->id);
	BIND_LABEL(&b, row->upstream);
	BIND_LABEL(&b, row->model);
	bind_number(&b, row->members);
	bind_number(&b, row->answered);
	bind_number(&b, (int64_t)row->outcome);
	BIND_LABEL(&b, row->why);
	bind_usage(&b, &row->usage);
	bind_known(&b, row->cost_pico);
	bind_number(&b, (int64_t)row->basis);
	/* Its money is its members': a refused row of it books nothing. */
	struct refused refused = { "batch", row->id, sizeof row->id, row->at_us, 0, row->cost_pico,
		row->basis, NULL };
	return insert(r, r->batch, &refused);
}

int
rows_check(struct rows *r, const struct ledger_check *row)
{
	struct binder b = { r, r->check, 0 };
	bind_number(&b, row->at_us);
	BIND_LABEL(&b, row->request_id);
	BIND_LABEL(&b, row->answer_id);
	BIND_LABEL(&b, row->account);
	BIND_LABEL(&b, row->task);
	bind_share(&b, row->probability);
	bind_number(&b, row->served);
	bind_number(&b, row->right);
	struct refused refused = { "check", row->request_id, sizeof row->request_id, row->at_us, 0, 0,
		COST_NONE, NULL };
	return insert(r, r->check, &refused);
}

int
rows_outcome(struct rows *r, const struct ledger_outcome *row)
{
	struct binder b = { r, r->outcome, 0 };
	bind_number(&b, row->at_us);
	BIND_LABEL(&b, row->request_id);
	BIND_LABEL(&b, row->account);
	BIND_LABEL(&b, row->task);
	BIND_LABEL(&b, row->tier);
	BIND_LABEL(&b, row->model);
	BIND_LABEL(&b, row->source);
	BIND_LABEL(&b, row->giver);
	bind_share(&b, row->good);
	BIND_LABEL(&b, row->reason);
	struct refused refused = { "outcome", row->request_id, sizeof row->request_id, row->at_us, 0, 0,
		COST_NONE, NULL };
	return insert(r, r->outcome, &refused);
}

static int
prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

int
rows_prepare(struct rows *r, sqlite3 *db, struct windows *windows)
{
	r->db = db;
	r->windows = windows;
	int rc = prepare(db, insert_request, &r->request);
	if (rc == SQLITE_OK)
		rc = prepare(db, insert_attempt, &r->attempt);
	if (rc == SQLITE_OK)
		rc = prepare(db, insert_batch, &r->batch);
	if (rc == SQLITE_OK)
		rc = prepare(db, insert_check, &r->check);
	if (rc == SQLITE_OK)
		rc = prepare(db, insert_outcome, &r->outcome);
	return rc == SQLITE_OK ? prepare(db, insert_refused, &r->refuse) : rc;
}

void
rows_finalize(struct rows *r)
{
	sqlite3_finalize(r->request);
	sqlite3_finalize(r->attempt);
	sqlite3_finalize(r->batch);
	sqlite3_finalize(r->check);
	sqlite3_finalize(r->outcome);
	sqlite3_finalize(r->refuse);
	*r = (struct rows){ 0 };
}
