/*
 * What was found out about answers: by task, tier and model; and what one giver said of one request.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "report_private.h"

int
report_outcomes(
    struct report *r, int64_t since_us, int64_t until_us, struct report_outcomes *out, struct err *e)
{
	*out = (struct report_outcomes){ 0 };
	sqlite3_stmt *row = report_ask_between(r,
	    "SELECT task, tier, model, count(*), sum(good), sum(source = 'check'), sum(source = 'feedback')"
	    " FROM outcomes WHERE at_us >= ?1 AND at_us < ?2 GROUP BY task, tier, model"
	    " ORDER BY task, CASE tier WHEN 'simple' THEN 0 WHEN 'moderate' THEN 1 WHEN 'complex' THEN 2 "
	    "ELSE 3 END,"
	    " count(*) DESC, model",
	    since_us, until_us, e);
	if (row == NULL)
		return -1;
	int rc;
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		out->rows = realloc(out->rows, (out->count + 1) * sizeof *out->rows);
		if (out->rows == NULL)
			abort();
		struct report_outcome *o = &out->rows[out->count++];
		*o = (struct report_outcome){ .outcomes = sqlite3_column_int64(row, 3),
			.good = sqlite3_column_double(row, 4),
			.checks = sqlite3_column_int64(row, 5),
			.feedback = sqlite3_column_int64(row, 6) };
		report_text(row, 0, o->task, sizeof o->task);
		report_text(row, 1, o->tier, sizeof o->tier);
		report_text(row, 2, o->model, sizeof o->model);
	}
	return report_asked(r, row, rc, e);
}

int
report_outcome_of(struct report *r, const char *request_id, const char *source, const char *giver,
    double *good, struct err *e)
{
	sqlite3_stmt *row = report_ask(
	    r, "SELECT good FROM outcomes WHERE request_id = ?1 AND source = ?2 AND giver = ?3", e);
	if (row == NULL)
		return -1;
	sqlite3_bind_text(row, 1, request_id, -1, SQLITE_STATIC);
	sqlite3_bind_text(row, 2, source, -1, SQLITE_STATIC);
	sqlite3_bind_text(row, 3, giver, -1, SQLITE_STATIC);
	int rc = sqlite3_step(row);
	bool found = rc == SQLITE_ROW;
	if (found)
		*good = sqlite3_column_double(row, 0);
	return report_asked(r, row, found ? SQLITE_DONE : rc, e) == 0 ? found : -1;
}
