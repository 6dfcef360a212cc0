/*
 * Keeping what outcomes teach.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/learned.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"

/* Words whose rows may not be on the disk yet: the latest ones. */
enum { RECENT = 1024, BLOB_MOST = 256 * 1024 };

struct word {
	struct digest of; /* request, source and giver; zeroes: free */
	double good;
};

struct kept {
	char task[64];
	struct digest saved; /* what was put last */
};

struct learned {
	struct success *success;
	struct loop *loop;
	struct ledger *ledger;
	struct shelf *shelf;
	struct timer timer;
	struct table tasks; /* that the configuration names */
	size_t at;          /* who is saved next */
	struct word recent[RECENT];
	unsigned recent_at;
};

static bool
name_of(const char *task, char out[SHELF_NAME])
{
	int n = snprintf(out, SHELF_NAME, "router/%s", task);
	return n > 0 && n < SHELF_NAME;
}

static void
save(struct learned *l, struct kept *k)
{
	char name[SHELF_NAME];
	struct buf blob = { 0 };
	buf_init(&blob, BLOB_MOST);
	if (name_of(k->task, name) && success_save(l->success, str_from(k->task), &blob) == 0) {
		struct digest now = digest_of(buf_str(&blob));
		if (blob.n > 0 && !digest_equal(&now, &k->saved))
			shelf_memo_put(l->shelf, str_from(name), buf_str(&blob));
		k->saved = now;
	}
	buf_free(&blob);
}

static void
learn_again(struct learned *l, struct kept *k)
{
	char name[SHELF_NAME];
	struct buf blob = { 0 };
	buf_init(&blob, BLOB_MOST);
	if (name_of(k->task, name) && shelf_memo_get(l->shelf, str_from(name), &blob) == 0) {
		if (success_load(l->success, str_from(k->task), buf_str(&blob)))
			k->saved = digest_of(buf_str(&blob));
		else
			log_line(LOG_WARN, "router_lost", "task=%s why=%q effect=%q", k->task,
			    "what was learned of its models is not as it was written",
			    "its tiers begin with the models that the configuration names");
	}
	buf_free(&blob);
}

/* Each task once a minute, one at a time. */
static void
on_save(struct timer *t)
{
	enum { MINUTE_MS = 60000 };
	struct learned *l = LIST_ENTRY(t, struct learned, timer);
	struct kept *k = table_next(&l->tasks, &l->at);
	if (k == NULL)
		l->at = 0;
	else if (l->shelf != NULL)
		save(l, k);
	loop_timer_set(l->loop, t, clock_ms() + MINUTE_MS / (int64_t)(l->tasks.count + 1));
}

struct learned *
learned_new(struct loop *loop, struct ledger *ledger, struct shelf *shelf)
{
	struct learned *l = must_alloc(sizeof *l);
	l->success = success_new();
	l->loop = loop;
	l->ledger = ledger;
	l->shelf = shelf;
	l->timer.on_due = on_save;
	on_save(&l->timer);
	return l;
}

void
learned_free(struct learned **lp)
{
	struct learned *l = *lp;
	struct kept *k;
	if (l == NULL)
		return;
	loop_timer_clear(l->loop, &l->timer);
	for (size_t at = 0; (k = table_next(&l->tasks, &at)) != NULL;) {
		if (l->shelf != NULL)
			save(l, k);
		free(k);
	}
	table_free(&l->tasks);
	success_free(&l->success);
	free(l);
	*lp = NULL;
}

void
learned_use(struct learned *l, const struct config *config)
{
	l->at = 0;
	for (size_t i = 0; i < config->task_count; i++) {
		const char *name = config->tasks[i].name;
		if (table_get(&l->tasks, str_from(name)) != NULL)
			continue;
		struct kept *k = must_alloc(sizeof *k);
		str_copy(k->task, sizeof k->task, str_from(name));
		if (l->shelf != NULL)
			learn_again(l, k);
		success_keep(l->success, str_from(name));
		table_put(&l->tasks, str_from(k->task), k);
	}
}

struct success *
learned_success(struct learned *l)
{
	return l->success;
}

bool
learned_peek(struct success *s, const char *database, const char *task)
{
	char name[SHELF_NAME];
	struct buf blob = { 0 };
	buf_init(&blob, BLOB_MOST);
	bool good = name_of(task, name) && shelf_peek_memo(database, str_from(name), &blob) == 0 &&
		    success_load(s, str_from(task), buf_str(&blob));
	buf_free(&blob);
	return good;
}

/* ---- outcomes ---- */

static struct digest
name_word(const struct ledger_outcome *row)
{
	struct buf b = { 0 };
	buf_printf(&b, "%s %s %s", row->request_id, row->source, row->giver);
	struct digest d = digest_of(buf_str(&b));
	buf_free(&b);
	return d;
}

/* What was said lately; remembers what is said now. */
static double
recall(struct learned *l, const struct ledger_outcome *row, double before)
{
	struct digest of = name_word(row);
	for (int i = 0; i < RECENT; i++) {
		struct word *w = &l->recent[i];
		if (!digest_equal(&w->of, &of))
			continue;
		before = w->good;
		w->good = row->good;
		return before;
	}
	l->recent[l->recent_at++ % RECENT] = (struct word){ of, row->good };
	return before;
}

static bool
read_source(const char *name, enum success_source *source)
{
	for (int i = 0; i < SUCCESS_SOURCES; i++) {
		if (strcmp(name, success_source_name((enum success_source)i)) == 0) {
			*source = (enum success_source)i;
			return true;
		}
	}
	return false;
}

bool
learned_outcome(struct learned *l, const struct ledger_outcome *row, double before)
{
	struct success_seen seen = { .task = str_from(row->task),
		.model = str_from(row->model),
		.giver = str_from(row->giver),
		.good = row->good,
		.now_ms = row->at_us / 1000 };
	bool learns = tier_named(str_from(row->tier), &seen.tier) && seen.tier != TIER_PINNED &&
		      read_source(row->source, &seen.source);
	if (row->giver[0] != '\0')
		before = recall(l, row, before);
	ledger_outcome(l->ledger, row);
	bool replaces = before >= 0;
	if (learns && replaces && before != row->good) {
		struct success_seen earlier = seen;
		earlier.good = before;
		earlier.withdrawn = true;
		success_observe(l->success, &earlier);
	}
	if (learns && (!replaces || before != row->good))
		success_observe(l->success, &seen);
	return replaces;
}
