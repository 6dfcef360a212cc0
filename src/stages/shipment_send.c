/*
 * How a shipment leaves: its file is put together and uploaded, and its job created, once.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/log.h"
#include "deferred_upload.h"
#include "shipment.h"

#define HOUR_US (INT64_C(3600) * 1000000)

/* ---- uploading ---- */

static void
on_uploaded(struct shipment *s)
{
	struct err e;
	shipment_let_go_of_file(s);
	switch (shipment_judge(s, &e)) {
	case REPLY_GOOD:
		if (batch_file_read(buf_str(&s->heard), s->row.file) != 0) {
			shipment_later(s);
			return;
		}
		s->tries = 0;
		shipment_note(s, NULL, 0, shipment_on_noted);
		return;
	case REPLY_REFUSED:
		shipment_doom(s, BILLED_NOT, s->status, &e, "the provider refused the file");
		return;
	default:
		shipment_later(s);
	}
}

/* A worker puts the file together. */
struct gathering {
	struct errand errand;
	struct shipment *shipment;
	char name[48];
	char boundary[BOUNDARY_SIZE];
	struct buf body;
	int lines, rc;
};

static void
on_line(void *context, const struct deferred *row)
{
	struct gathering *g = context;
	if (g->rc == 0 &&
	    (g->rc = upload_line(&g->body, row->request.id, row->path, buf_str(&row->body))) == 0)
		g->lines++;
}

static void
gather(struct errand *e)
{
	struct gathering *g = (struct gathering *)e;
	buf_init(&g->body, FILE_MAX + 4096);
	g->rc = upload_begin(&g->body, g->name, g->boundary);
	if (deferred_of_job(e->depot->database, g->name, on_line, g) != 0)
		g->rc = -1;
	if (g->rc == 0)
		g->rc = upload_end(&g->body, g->boundary);
}

static void
on_gathered(struct errand *e)
{
	struct gathering *g = (struct gathering *)e;
	struct shipment *s = g->shipment;
	char type[sizeof UPLOAD_TYPE + BOUNDARY_SIZE];
	s->waits_for_disk = false;
	if (s->depot->stopped)
		return;
	if (g->rc != 0 || g->lines == 0) {
		log_line(
		    LOG_ERROR, "deferred_stuck", "job=%s why=%q", s->row.name, "its requests cannot be read");
		shipment_later(s);
		return;
	}
	snprintf(type, sizeof type, UPLOAD_TYPE "%s", g->boundary);
	shipment_call(s, "POST", "/files", type, &g->body, REPLY_MOST, on_uploaded);
}

static void
clear_gathering(struct errand *e)
{
	buf_free(&((struct gathering *)e)->body);
}

void
shipment_upload(struct shipment *s)
{
	struct gathering *g = must_alloc(sizeof *g);
	g->errand = (struct errand){ .work = gather, .then = on_gathered, .clear = clear_gathering };
	g->shipment = s;
	str_copy(g->name, sizeof g->name, str_from(s->row.name));
	s->waits_for_disk = true;
	depot_send(s->depot, &g->errand);
}

/* ---- creating ---- */

/* A provider that was cut off in the middle of creating a job may be at it still: its list is asked a little later. */
int64_t
shipment_settling_ms(const struct shipment *s)
{
	enum { MOST_MS = 10000 };
	int64_t poll_ms = depot_conf(s->depot)->poll_ms;
	return poll_ms < MOST_MS ? poll_ms : MOST_MS;
}

static void
found_batch(struct shipment *s, const char *id)
{
	str_copy(s->row.batch, sizeof s->row.batch, str_from(id));
	s->tries = 0;
	log_line(LOG_INFO, "deferred_sent", "job=%s upstream=%q model=%q batch=%s requests=%d", s->row.name,
	    s->row.upstream, s->row.model, s->row.batch, s->count);
	shipment_note(s, NULL, 0, shipment_on_noted);
}

static void
on_created(struct shipment *s)
{
	struct err e;
	struct batch b;
	switch (shipment_judge(s, &e)) {
	case REPLY_GOOD:
		if (batch_read(buf_str(&s->heard), &b) == 0)
			found_batch(s, b.id);
		else
			shipment_later(s);
		return;
	case REPLY_REFUSED:
		shipment_doom(s, BILLED_NOT, s->status, &e, "the provider refused the job");
		return;
	default: /* it may have been made all the same, or be so in a moment */
		if (!s->reached && s->retry_after_ms < shipment_settling_ms(s))
			s->retry_after_ms = shipment_settling_ms(s);
		shipment_later(s);
	}
}

static void
create(struct shipment *s)
{
	struct buf body = { 0 };
	buf_printf(&body,
	    "{\"input_file_id\":\"%s\",\"endpoint\":\"%s\",\"completion_window\":\"24h\",\"metadata\":{"
	    "\"" BATCH_NAME "\":\"%s\"}}",
	    s->row.file, s->row.path, s->row.name);
	shipment_call(s, "POST", "/batches", "application/json", &body, REPLY_MOST, on_created);
}

void
shipment_create_noted(struct word *w)
{
	if (shipment_is_noted(w))
		create(w->about);
}

static void
on_listed(struct shipment *s)
{
	struct err e;
	struct batch b;
	char last[REMOTE_ID];
	int64_t oldest_s, since_s = (s->row.at_us - HOUR_US) / 1000000;
	int found = shipment_judge(s, &e) == REPLY_GOOD
			? batch_page_find(buf_str(&s->heard), s->row.name, &b, last, &oldest_s)
			: -1;
	if (found == 1) {
		found_batch(s, b.id);
	} else if (found < 0) {
		shipment_later(s);
	} else if (last[0] != '\0' && strcmp(last, s->cursor) != 0 && oldest_s >= since_s) {
		str_copy(s->cursor, sizeof s->cursor, str_from(last));
		shipment_look_for(s);
	} else {
		create(s);
	}
}

/* By its name, in the list, as far back as it can be. */
void
shipment_look_for(struct shipment *s)
{
	char path[PATH_MOST];
	bool on = s->cursor[0] != '\0';
	snprintf(path, sizeof path, "/batches?limit=100%s%s", on ? "&after=" : "", s->cursor);
	shipment_call(s, "GET", path, NULL, NULL, REPLY_MOST, on_listed);
}
