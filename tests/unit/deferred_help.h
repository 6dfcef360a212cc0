/*
 * What the tests of deferred requests share: one of them, its end, a job, and answers that are waited for.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TESTS_DEFERRED_HELP_H
#define FARTHING_TESTS_DEFERRED_HELP_H

#include "ledger_help.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "ledger/check.h"
#include "ledger/deferred.h"

static inline struct ledger *
open_books(void)
{
	struct ledger_options options = { .path = path, .create = true };
	struct err e = { 0 };
	struct ledger *l = ledger_open(&options, &e);
	if (l == NULL)
		print_error("%s\n", e.text);
	assert_non_null(l);
	return l;
}

static inline void
expect_sound_books(void)
{
	struct buf report = { 0 };
	struct err e = { 0 };
	if (ledger_check(path, &report, &e) != 0)
		fail_msg("%s: %s", e.text, buf_text(&report));
	buf_free(&report);
}

/* ---- A deferred request, its end and its job ---- */

/* body is borrowed */
static inline struct deferred
a_deferred(const char *id, const char *body)
{
	struct deferred d = { .hold = a_hold(id),
		.path = "/v1/chat/completions",
		.deadline_us = 1700000000000000 + INT64_C(86400) * 1000000 };
	struct ledger_request r = a_request(id);
	d.request = (struct ledger_request){ .at_us = r.at_us,
		.tier = "simple",
		.model_asked = "auto",
		.decision = "miss",
		.score = 0.25,
		.route = "short",
		.clamped_to = 64,
		.bytes_in = 300 };
	memcpy(d.request.id, r.id, sizeof r.id);
	d.body.p = (char *)(uintptr_t)body;
	d.body.n = strlen(body);
	return d;
}

static inline struct deferred_job
a_job(const char *name)
{
	struct deferred_job j = { .upstream = "openai",
		.model = "gpt-4o-mini",
		.path = "/v1/chat/completions",
		.at_us = 1700000000000000 };
	str_copy(j.name, sizeof j.name, str_from(name));
	return j;
}

/* The row its attempt has when it was billed as a_request says. */
static inline struct ledger_attempt
its_attempt(const char *id)
{
	struct ledger_hold h = a_hold(id);
	struct ledger_attempt a, like = an_attempt(id);
	deferred_attempt(&h, &a);
	a.outcome = ATTEMPT_OK;
	a.status = 200;
	a.usage = like.usage;
	a.cost_pico = like.cost_pico;
	a.basis = COST_EXACT;
	a.total_us = 1000;
	str_copy(a.why, sizeof a.why, STR("served"));
	return a;
}

static inline struct ledger_request
its_request(const char *id, bool billed)
{
	struct ledger_request r = a_request(id);
	r.first_byte_us = -1;
	if (billed)
		return r;
	r.cost_pico = 0;
	r.basis = COST_NONE;
	r.attempts = 0;
	r.usage = (struct usage){ 0 };
	return r;
}

/* ---- Answers ---- */

struct told {
	_Atomic int good, bad;
};

static inline void
tell(void *context, bool ok)
{
	struct told *t = context;
	atomic_fetch_add(ok ? &t->good : &t->bad, 1);
}

static inline void
put(struct ledger *l, const char *id, const char *body, struct told *t)
{
	struct deferred d = a_deferred(id, body);
	deferred_put(l, &d, tell, t);
}

static inline void
end_billed(struct ledger *l, const char *id, const char *answer, struct told *t)
{
	struct ledger_attempt a = its_attempt(id);
	struct ledger_request r = its_request(id, true);
	deferred_end(l, id, DEFERRED_DONE, 200, str_from(answer), &a, &r, tell, t);
}

static inline void
end_void(struct ledger *l, const char *id, enum deferred_state state, struct told *t)
{
	struct ledger_request r = its_request(id, false);
	deferred_end(l, id, state, 499, (struct str){ 0 }, NULL, &r, tell, t);
}

/* Waits for the disk, and expects that all were told so. */
static inline void
expect_told(struct ledger *l, struct told *t, int good, int bad)
{
	ledger_sync(l);
	assert_int_equal(atomic_load(&t->good), good);
	assert_int_equal(atomic_load(&t->bad), bad);
}

/* ---- What a start would find ---- */

struct found {
	int rows, jobs;
	int64_t held_pico;
	struct deferred row; /* the last one */
	struct deferred_job job;
};

static inline void
found_row(void *context, const struct deferred *d)
{
	struct found *f = context;
	f->rows++;
	f->held_pico += d->hold.held_pico;
	f->row = *d;
}

static inline void
found_job(void *context, const struct deferred_job *job)
{
	struct found *f = context;
	f->jobs++;
	f->job = *job;
}

static inline struct found
look_up(void)
{
	struct found f = { 0 };
	assert_int_equal(deferred_load(path, found_row, found_job, &f), 0);
	return f;
}

#endif
