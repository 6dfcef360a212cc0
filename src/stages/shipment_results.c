/*
 * What a job brought: its result files, read piece by piece on a worker and settled on the loop, and how those end that no line speaks
 * of. A line counts once, whatever the order; lines about nobody here are counted and left alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "deferred_line.h"
#include "shipment.h"

/* A piece: so many lines, or so many bytes of them. Its answers are in memory twice until they are on the disk. */
enum { PIECE_LINES = 64, PIECE_BYTES = 4 * 1024 * 1024 };

struct piece {
	struct errand errand;
	struct shipment *shipment;
	struct str bytes; /* of the file, from here on: the shipment's, which leaves them alone meanwhile */
	size_t eaten;
	enum endpoint endpoint;
	size_t max_answer;
	int malformed;
	struct ending list[PIECE_LINES];
	size_t count;
	void (*on_settled)(struct shipment *s);
};

static void
clear(struct errand *e)
{
	struct piece *p = (struct piece *)e;
	for (size_t i = 0; i < p->count; i++)
		ending_free(&p->list[i]);
}

static struct piece *
piece_new(struct shipment *s, void (*work)(struct errand *e), void (*then)(struct errand *e))
{
	struct piece *p = must_alloc(sizeof *p);
	p->errand = (struct errand){ .work = work, .then = then, .clear = clear };
	p->shipment = s;
	p->endpoint = depot_endpoint(s->row.path);
	p->max_answer = (size_t)site_config(s->depot->site)->limits.reply;
	return p;
}

static void
give(struct shipment *s, struct piece *p)
{
	s->waits_for_disk = true;
	depot_send(s->depot, &p->errand);
}

/* The disk could not say whose lines these are: once more, later. */
static bool
is_unread(const struct piece *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].unread)
			return true;
	return false;
}

static void
on_settled(struct word *w)
{
	struct shipment *s = w->about;
	if (--s->settling == 0)
		shipment_go(s);
}

static void
end(struct shipment *s, struct parcel *p, struct ending *e, const char *why)
{
	s->settling++;
	parcel_end(s->depot, p, e, why, depot_await(s->depot, on_settled, s));
}

/* There is time for another job, and nothing was billed. */
static bool
may_go_again(const struct parcel *p)
{
	return clock_wall_us() < p->deadline_us;
}

static void
say_expired(struct ending *e)
{
	e->billed = BILLED_NOT;
	e->state = DEFERRED_FAILED;
	err_set(&e->err, 504, "deadline_exceeded",
	    "The provider did not come to the request within its deadline. It was not billed.");
}

/* ---- lines ---- */

static void
read_lines(struct errand *errand)
{
	struct piece *p = (struct piece *)errand;
	struct json tape = { 0 };
	struct str rest = p->bytes, line;
	size_t kept = 0;
	while (p->count < PIECE_LINES && kept < PIECE_BYTES && str_cut(&rest, '\n', &line)) {
		struct ending *e = &p->list[p->count];
		p->eaten = rest.p != NULL ? (size_t)(rest.p - p->bytes.p) : p->bytes.n;
		line = str_strip(line);
		if (line.n == 0)
			continue;
		if (line_judge(&tape, line, p->endpoint, p->max_answer, e) != 0) {
			p->malformed++;
			continue;
		}
		kept += line.n;
		p->count++;
	}
	json_free(&tape);
	endings_prepare(errand->depot->database, p->list, p->count);
}

static void
take_line(struct shipment *s, struct ending *e)
{
	struct depot *d = s->depot;
	struct parcel *p = e->found ? table_get(&d->parcels, str_from(e->id)) : NULL;
	bool ours = p != NULL && p->shipment == s && !p->ending && !p->again;
	/* One that had ended before a restart is a line of an answer all the same. */
	bool ended_before = s->resumed && !e->found && e->row.request.id[0] != '\0';
	s->answered += e->billed != BILLED_NOT && (ours || ended_before);
	if (!ours) {
		d->stats.foreign_lines += !ended_before;
		return;
	}
	if (e->unprocessed && may_go_again(p)) {
		p->again = true;
		return;
	}
	if (e->unprocessed)
		say_expired(e);
	end(s, p, e, e->err.status != 0 ? e->err.code : "served");
}

static void
on_lines(struct errand *errand)
{
	struct piece *p = (struct piece *)errand;
	struct shipment *s = p->shipment;
	s->waits_for_disk = false;
	if (s->depot->stopped)
		return;
	if (is_unread(p)) {
		s->at = 0; /* from the beginning: what was settled by then is left alone */
		s->resumed = true;
		shipment_later(s);
		return;
	}
	if (p->malformed > 0)
		log_line(LOG_WARN, "deferred_lines", "job=%s malformed=%d", s->row.name, p->malformed);
	s->depot->stats.foreign_lines += (uint64_t)p->malformed;
	s->at += p->eaten;
	s->settling++; /* until all of the piece have been looked at */
	for (size_t i = 0; i < p->count; i++)
		take_line(s, &p->list[i]);
	if (--s->settling == 0)
		shipment_go(s);
}

/* ---- files ---- */

static void
next_file(struct shipment *s)
{
	s->reading++;
	s->at = 0;
	buf_free(&s->heard);
	s->has_file = false;
}

static void
on_file(struct shipment *s)
{
	struct err e;
	if (s->too_large) {
		log_line(LOG_ERROR, "deferred_results", "job=%s why=%q", s->row.name,
		    "the file of results is larger than is read");
		next_file(s);
		shipment_go(s);
		return;
	}
	switch (shipment_judge(s, &e)) {
	case REPLY_GOOD:
		s->tries = 0;
		s->has_file = true;
		shipment_go(s);
		return;
	case REPLY_REFUSED:
		/* A key that is mended, or a file that shows up, is worth waiting for: what is in it has been paid for. */
	default:
		shipment_later(s);
	}
}

static void
fetch(struct shipment *s, const char *file)
{
	char path[160];
	snprintf(path, sizeof path, "/files/%s/content", file);
	shipment_call(s, "GET", path, NULL, NULL, RESULT_MAX, on_file);
}

/* What is left when all lines were read. */
static void
judge_rest(struct shipment *s)
{
	struct fate *f = &s->fate;
	const struct batch *b = &s->batch;
	*f = (struct fate){ .billed = BILLED_UNKNOWN };
	s->fated = true;
	bool all_told = b->completed >= 0 && s->answered >= b->completed;
	if (b->state == BATCH_FAILED) {
		f->billed = BILLED_NOT;
		f->provider_status = 400;
		f->why = "the provider refused the job";
		err_set(&f->err, 400, "invalid_request", "The provider refused the job: %s",
		    b->error_text[0] != '\0' ? b->error_text : "it did not say why.");
	} else if (b->state == BATCH_EXPIRED && all_told) {
		f->billed = BILLED_NOT;
		f->unprocessed = true;
		f->why = "expired at the provider";
	} else if (b->state == BATCH_CANCELLED && all_told) {
		f->billed = BILLED_NOT;
		f->why = "cancelled at the provider";
		err_set(&f->err, 502, "upstream_error",
		    "The job was cancelled at the provider before it came to this request. It was not "
		    "billed.");
	} else {
		f->why = "no line in the results";
		err_set(&f->err, 502, "upstream_invalid_response",
		    "The provider's job ended without a word about this request.");
	}
}

void
shipment_read(struct shipment *s)
{
	const char *file = s->reading == READ_OUTPUT ? s->batch.output : s->batch.errors;
	if (s->reading == READ_ALL) {
		judge_rest(s);
		shipment_let_go_of_file(s);
		shipment_settle_rest(s);
	} else if (s->has_file && s->at < s->heard.n) {
		struct piece *p = piece_new(s, read_lines, on_lines);
		p->bytes = (struct str){ s->heard.p + s->at, s->heard.n - s->at };
		give(s, p);
	} else if (s->has_file || file[0] == '\0') {
		next_file(s);
		shipment_read(s);
	} else {
		fetch(s, file);
	}
}

/* ---- those that no line speaks of ---- */

static void
read_rows(struct errand *errand)
{
	struct piece *p = (struct piece *)errand;
	endings_prepare(errand->depot->database, p->list, p->count);
}

static void
on_rows(struct errand *errand)
{
	struct piece *p = (struct piece *)errand;
	struct shipment *s = p->shipment;
	s->waits_for_disk = false;
	if (s->depot->stopped)
		return;
	if (is_unread(p)) {
		shipment_later(s);
		return;
	}
	s->settling++;
	for (size_t i = 0; i < p->count; i++) {
		struct parcel *one = table_get(&s->depot->parcels, str_from(p->list[i].id));
		assert(one != NULL && one->shipment == s);
		if (p->list[i].found)
			end(s, one, &p->list[i], s->fate.why);
		else
			one->ending =
			    true; /* somebody else has changed the books: it is left to the next start */
	}
	if (--s->settling == 0)
		shipment_go(s);
}

static bool
is_to_end(struct shipment *s, struct parcel *p)
{
	if (p->ending || p->again)
		return false;
	if (s->fate.unprocessed && may_go_again(p)) {
		p->again = true;
		return false;
	}
	return true;
}

void
shipment_settle_rest(struct shipment *s)
{
	struct piece *piece = piece_new(s, read_rows, on_rows);
	for (struct link *at = s->parcels.next; at != &s->parcels && piece->count < PIECE_LINES;
	     at = at->next) {
		struct parcel *p = LIST_ENTRY(at, struct parcel, link);
		if (!is_to_end(s, p))
			continue;
		struct ending *e = &piece->list[piece->count++];
		*e = (struct ending){ .billed = s->fate.billed,
			.state = DEFERRED_FAILED,
			.provider_status = s->fate.provider_status,
			.err = s->fate.err };
		str_copy(e->id, sizeof e->id, str_from(p->id));
		if (s->fate.unprocessed)
			say_expired(e);
	}
	if (piece->count > 0) {
		give(s, piece);
	} else {
		free(piece);
		shipment_finish(s);
	}
}
