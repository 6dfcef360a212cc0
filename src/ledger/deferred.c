/*
 * Deferred requests as callers know them: each call becomes one entry of the ledger's queue.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/deferred.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "deferred_rows.h"
#include "writer.h"

const char *
deferred_state_name(enum deferred_state state)
{
	switch (state) {
	case DEFERRED_QUEUED:
		return "queued";
	case DEFERRED_SENT:
		return "sent";
	case DEFERRED_DONE:
		return "done";
	case DEFERRED_FAILED:
		return "failed";
	case DEFERRED_CANCELLED:
		return "cancelled";
	}
	return "unknown";
}

/* Labels as a reader of the file can show them: terminated, and bytes that are no UTF-8 are question marks. */
static void
clean(char *label, size_t size)
{
	label[size - 1] = '\0';
	struct str s = str_from(label);
	for (size_t i = 0, step; i < s.n; i += step) {
		step = utf8_step(s, i);
		if (step == 0) {
			label[i] = '?';
			step = 1;
		}
	}
}

#define CLEAN(field) clean(field, sizeof(field))

static struct deferred_op *
new_op(enum deferred_step step, deferred_done *on_done, void *context)
{
	struct deferred_op *op = must_alloc(sizeof *op);
	op->step = step;
	op->on_done = on_done;
	op->context = context;
	return op;
}

/* What an allocator refuses is refused like what a disk refuses: nothing of it is kept. */
static bool
copy(struct buf *to, struct str from)
{
	buf_init(to, 0);
	return from.n == 0 || buf_add(to, from) == 0;
}

void
deferred_put(struct ledger *l, const struct deferred *d, deferred_done *on_done, void *context)
{
	struct deferred_op *op = new_op(STEP_PUT, on_done, context);
	op->row = *d;
	op->row.answer = (struct buf){ 0 };
	struct deferred *row = &op->row;
	op->spoilt = !copy(&row->body, buf_str(&d->body));
	CLEAN(row->request.id);
	CLEAN(row->request.tier);
	CLEAN(row->request.model_asked);
	CLEAN(row->request.decision);
	CLEAN(row->request.route);
	CLEAN(row->hold.upstream);
	CLEAN(row->hold.model);
	CLEAN(row->hold.endpoint);
	CLEAN(row->path);
	windows_clean(&row->hold.payer);
	atomic_fetch_add(&l->deferred_bytes, (int64_t)row->body.n);
	ledger_defer(l, op);
}

static void
take_job(struct deferred_op *op, const struct deferred_job *job)
{
	op->job = *job;
	CLEAN(op->job.name);
	CLEAN(op->job.upstream);
	CLEAN(op->job.model);
	CLEAN(op->job.path);
	CLEAN(op->job.file);
	CLEAN(op->job.batch);
}

void
deferred_send(struct ledger *l, const struct deferred_job *job, const char *const *ids, size_t count,
    deferred_done *on_done, void *context)
{
	struct deferred_op *op = new_op(STEP_SEND, on_done, context);
	take_job(op, job);
	assert(op->job.name[0] != '\0');
	op->ids = count > 0 ? must_alloc(count * sizeof *op->ids) : NULL;
	op->count = count;
	for (size_t i = 0; i < count; i++)
		str_copy(op->ids[i], sizeof op->ids[i], str_from(ids[i]));
	ledger_defer(l, op);
}

void
deferred_job_over(struct ledger *l, const char *name, deferred_done *on_done, void *context)
{
	struct deferred_op *op = new_op(STEP_JOB_OVER, on_done, context);
	str_copy(op->job.name, sizeof op->job.name, str_from(name));
	ledger_defer(l, op);
}

void
deferred_end(struct ledger *l, const char *id, enum deferred_state state, int status, struct str answer,
    const struct ledger_attempt *attempt, const struct ledger_request *request, deferred_done *on_done,
    void *context)
{
	assert(state == DEFERRED_DONE || state == DEFERRED_FAILED || state == DEFERRED_CANCELLED);
	assert(strcmp(id, request->id) == 0 && (attempt == NULL || strcmp(id, attempt->request_id) == 0));
	assert(attempt == NULL || attempt->batch[0] == '\0');
	struct deferred_op *op = new_op(STEP_END, on_done, context);
	op->row.request = *request;
	op->row.state = state;
	op->row.status = status;
	op->row.ended_us = clock_wall_us();
	op->row.billed = attempt != NULL;
	if (attempt != NULL)
		op->attempt = *attempt;
	/* The money must be told whatever becomes of the answer. */
	if (!copy(&op->row.answer, answer))
		op->row.status = 503;
	ledger_defer(l, op);
}

void
deferred_attempt(const struct ledger_hold *hold, struct ledger_attempt *out)
{
	*out = (struct ledger_attempt){ .at_us = hold->at_us,
		.number = hold->number,
		.first_byte_us = -1,
		.payer = hold->payer,
		.held_pico = hold->held_pico,
		.price = hold->price,
		.slot = -1 };
	memcpy(out->request_id, hold->request_id, sizeof out->request_id);
	memcpy(out->upstream, hold->upstream, sizeof out->upstream);
	memcpy(out->model, hold->model, sizeof out->model);
	memcpy(out->windows, hold->windows, sizeof out->windows);
}

int64_t
deferred_bytes(const struct ledger *l)
{
	return atomic_load(&l->deferred_bytes);
}

void
deferred_forget(struct ledger *l, int64_t ended_before_us)
{
	pthread_mutex_lock(&l->mutex);
	if (ended_before_us > l->forget_before_us) {
		l->forget_before_us = ended_before_us;
		l->limits_changed = true;
		pthread_cond_signal(&l->wake);
	}
	pthread_mutex_unlock(&l->mutex);
}
