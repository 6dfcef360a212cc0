/*
 * What was learned when the similarity cache was checked, task by task.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "report_private.h"

static struct report_similar *
task_of(struct report_similars *all, const char *name)
{
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->tasks[i].task, name) == 0)
			return &all->tasks[i];
	all->tasks = realloc(all->tasks, (all->count + 1) * sizeof *all->tasks);
	if (all->tasks == NULL)
		abort();
	struct report_similar *t = &all->tasks[all->count++];
	*t = (struct report_similar){ 0 };
	str_copy(t->task, sizeof t->task, str_from(name));
	return t;
}

/* Out of the hourly sums, as all hits are: rows may have gone. */
static int
add_hits(struct report *r, int64_t since_us, int64_t until_us, struct report_similars *out, struct err *e)
{
	struct report_spending by_task = { 0 };
	if (report_spending(r, since_us, until_us, REPORT_BY_TASK, &by_task, e) != 0)
		return -1;
	for (size_t i = 0; i < by_task.count; i++) {
		int64_t hits = by_task.groups[i].sums.cache_requests[CACHE_SIMILAR];
		if (hits > 0)
			task_of(out, by_task.groups[i].name)->hits = hits;
	}
	free(by_task.groups);
	return 0;
}

static int
add_checks(struct report *r, int64_t since_us, int64_t until_us, struct report_similars *out, struct err *e)
{
	sqlite3_stmt *row = report_ask_between(r,
	    "SELECT task, sum(served), sum(served AND NOT agreed), sum(NOT served), sum(NOT served AND "
	    "agreed)"
	    " FROM checks WHERE at_us >= ?1 AND at_us < ?2 GROUP BY task",
	    since_us, until_us, e);
	if (row == NULL)
		return -1;
	int rc;
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		char task[REPORT_NAME];
		report_text(row, 0, task, sizeof task);
		struct report_similar *t = task_of(out, task);
		t->checked = sqlite3_column_int64(row, 1);
		t->wrong = sqlite3_column_int64(row, 2);
		t->compared = sqlite3_column_int64(row, 3);
		t->would_be_right = sqlite3_column_int64(row, 4);
	}
	return report_asked(r, row, rc, e);
}

static int
by_hits(const void *a, const void *b)
{
	const struct report_similar *x = a, *y = b;
	if (x->hits != y->hits)
		return x->hits > y->hits ? -1 : 1;
	return strcmp(x->task, y->task);
}

int
report_similar(
    struct report *r, int64_t since_us, int64_t until_us, struct report_similars *out, struct err *e)
{
	*out = (struct report_similars){ 0 };
	if (add_hits(r, since_us, until_us, out, e) != 0 || add_checks(r, since_us, until_us, out, e) != 0) {
		free(out->tasks);
		*out = (struct report_similars){ 0 };
		return -1;
	}
	for (size_t i = 0; i < out->count; i++) {
		const struct report_similar *t = &out->tasks[i];
		out->total.hits += t->hits;
		out->total.checked += t->checked;
		out->total.wrong += t->wrong;
		out->total.compared += t->compared;
		out->total.would_be_right += t->would_be_right;
	}
	if (out->count > 0)
		qsort(out->tasks, out->count, sizeof *out->tasks, by_hits);
	return 0;
}
