/*
 * Requests that travelled together, task by task: how many, in how many calls, and what came of it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "report_private.h"

static struct report_batched *
task_of(struct report_batches *all, const char *name)
{
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->tasks[i].task, name) == 0)
			return &all->tasks[i];
	all->tasks = realloc(all->tasks, (all->count + 1) * sizeof *all->tasks);
	if (all->tasks == NULL)
		abort();
	struct report_batched *t = &all->tasks[all->count++];
	*t = (struct report_batched){ 0 };
	str_copy(t->task, sizeof t->task, str_from(name));
	return t;
}

/* Out of the hourly sums, as all money is: rows may have gone. */
static int
add_sums(struct report *r, int64_t since_us, int64_t until_us, struct report_batches *out, struct err *e)
{
	struct report_spending by_task = { 0 };
	if (report_spending(r, since_us, until_us, REPORT_BY_TASK, &by_task, e) != 0)
		return -1;
	for (size_t i = 0; i < by_task.count; i++) {
		const struct report_sums *s = &by_task.groups[i].sums;
		if (s->batched == 0 && s->saved_batched_pico == 0 && s->lost_batched_pico == 0)
			continue;
		struct report_batched *t = task_of(out, by_task.groups[i].name);
		t->requests = s->batched;
		t->saved_pico = s->saved_batched_pico;
		t->lost_pico = s->lost_batched_pico;
	}
	free(by_task.groups);
	return 0;
}

/* All members of a call have one payer, and so one task. Those whose clients had left (cancelled) were not asked again. */
static int
add_calls(struct report *r, int64_t since_us, int64_t until_us, struct report_batches *out, struct err *e)
{
	sqlite3_stmt *row = report_ask_between(r,
	    "SELECT task, count(DISTINCT batch), count(*), sum(outcome NOT IN (0, 4)) FROM attempts"
	    " WHERE batch IS NOT NULL AND at_us >= ?1 AND at_us < ?2 GROUP BY task",
	    since_us, until_us, e);
	if (row == NULL)
		return -1;
	int rc;
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		char task[REPORT_NAME];
		report_text(row, 0, task, sizeof task);
		struct report_batched *t = task_of(out, task);
		t->calls = sqlite3_column_int64(row, 1);
		t->members = sqlite3_column_int64(row, 2);
		t->resent = sqlite3_column_int64(row, 3);
	}
	return report_asked(r, row, rc, e);
}

static int
by_requests(const void *a, const void *b)
{
	const struct report_batched *x = a, *y = b;
	if (x->requests != y->requests)
		return x->requests > y->requests ? -1 : 1;
	return strcmp(x->task, y->task);
}

int
report_batches(
    struct report *r, int64_t since_us, int64_t until_us, struct report_batches *out, struct err *e)
{
	*out = (struct report_batches){ 0 };
	if (add_sums(r, since_us, until_us, out, e) != 0 || add_calls(r, since_us, until_us, out, e) != 0) {
		free(out->tasks);
		*out = (struct report_batches){ 0 };
		return -1;
	}
	/* The sums of all tasks have been added up once without running over, see report_spending. */
	for (size_t i = 0; i < out->count; i++) {
		const struct report_batched *t = &out->tasks[i];
		out->total.requests += t->requests;
		out->total.saved_pico += t->saved_pico;
		out->total.lost_pico += t->lost_pico;
		out->total.calls += t->calls;
		out->total.members += t->members;
		out->total.resent += t->resent;
	}
	if (out->count > 0)
		qsort(out->tasks, out->count, sizeof *out->tasks, by_requests);
	return 0;
}
