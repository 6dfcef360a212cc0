/*
 * Error budgets, one for each task that the configuration names, and what was learned of them at the next start: similar_save puts
 * it on the shelf as stages/trust.h writes it, and whoever is named for the first time gets it back. It is counts under digests,
 * no text. What is not there, or not whole, leaves a task strict: its hits must be earned again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "similar_private.h"

enum { BLOB_MOST = 1024 * 1024, SHARES = 8 /* of max_bytes, for all of them in the file */ };

/* Other memos may come: each has a prefix of its own. */
static bool
name_of(const struct errors *e, char out[SHELF_NAME])
{
	int n = snprintf(out, SHELF_NAME, "trust/%s", e->task);
	return n > 0 && n < SHELF_NAME;
}

static void
learn_again(struct similar *s, struct errors *e)
{
	char name[SHELF_NAME];
	struct buf blob = { 0 };
	buf_init(&blob, BLOB_MOST);
	if (name_of(e, name) && shelf_memo_get(s->shelf, str_from(name), &blob) == 0) {
		if (trust_load(e->trust, buf_str(&blob)))
			e->saved = digest_of(buf_str(&blob));
		else
			log_line(LOG_WARN, "trust_lost", "task=%s why=%q effect=%q", e->task,
			    "what was learned of similar questions is not as it was written",
			    "similar hits must be earned again");
	}
	buf_free(&blob);
}

static void
errors_of(struct similar *s, const struct task_conf *task)
{
	struct trust_conf conf = { task->cache.wrong_hits, 0.95, task->cache.checks };
	struct errors *e = table_get(&s->budgets, str_from(task->name));
	if (e != NULL) {
		trust_use(e->trust, &conf);
		return;
	}
	e = must_alloc(sizeof *e);
	str_copy(e->task, sizeof e->task, str_from(task->name));
	e->trust = trust_new(&conf);
	learn_again(s, e);
	table_put(&s->budgets, str_from(e->task), e);
}

void
similar_use(struct similar *s, const struct config *config)
{
	for (size_t i = 0; i < config->task_count; i++)
		errors_of(s, &config->tasks[i]);
}

void
errors_free_all(struct similar *s)
{
	struct errors *e;
	for (size_t at = 0; (e = table_next(&s->budgets, &at)) != NULL;) {
		trust_free(&e->trust);
		free(e);
	}
	table_free(&s->budgets);
}

/* Of the tasks that the configuration names; all others share the default's. */
struct trust *
similar_errors(struct similar *s, const char *task)
{
	struct errors *e = table_get(&s->budgets, str_from(task));
	if (e == NULL)
		e = table_get(&s->budgets, STR("default"));
	return e != NULL ? e->trust : NULL;
}

const struct trust *
similar_trust(const struct similar *s, const char *task)
{
	const struct errors *e = table_get(&s->budgets, str_from(task));
	return e != NULL ? e->trust : NULL;
}

void
similar_tasks(const struct similar *s,
    void (*each)(void *context, const char *task, const struct trust_sums *sums), void *context)
{
	const struct errors *e;
	for (size_t at = 0; (e = table_next(&s->budgets, &at)) != NULL;) {
		struct trust_sums sums;
		trust_sums(e->trust, &sums);
		each(context, e->task, &sums);
	}
}

static void
save(struct similar *s, struct errors *e)
{
	char name[SHELF_NAME];
	struct buf blob = { 0 };
	buf_init(&blob, BLOB_MOST);
	if (name_of(e, name) && trust_save(e->trust, &blob) == 0 &&
	    blob.n <= s->max_bytes / SHARES / s->budgets.count) {
		struct digest now = digest_of(buf_str(&blob));
		if (!digest_equal(&now, &e->saved))
			shelf_memo_put(s->shelf, str_from(name), buf_str(&blob));
		e->saved = now;
	}
	buf_free(&blob);
}

void
similar_save(struct similar *s)
{
	struct errors *e;
	for (size_t at = 0; s->shelf != NULL && (e = table_next(&s->budgets, &at)) != NULL;)
		save(s, e);
}

void
similar_save_next(struct similar *s)
{
	struct errors *e = table_next(&s->budgets, &s->saved);
	if (e == NULL)
		s->saved = 0;
	else if (s->shelf != NULL)
		save(s, e);
}
