/*
 * How long a report takes in a large ledger: one day, a day that cuts two hours, and all there is, by each grouping.
 *
 *     bench_report [FILE [ROWS [DAYS]]]      FILE is made when it is missing; default ./bench.db, 10,000,000 rows, 90 days
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../src/ledger/rollup.h"
#include "../../src/ledger/schema.h"
#include "base/clock.h"
#include "base/zone.h"
#include "ledger/report.h"

#define END INT64_C(1764111600000000) /* the rows end here, at a full hour */
#define DAY INT64_C(86400000000)

static void
die(const char *why)
{
	fprintf(stderr, "%s\n", why);
	exit(1);
}

static void
run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
}

/* Rows as busy gateways write them: fifty keys, each with two tasks and two models, a quarter of the answers shared. That
 * makes 400 cells an hour. */
static void
make(const char *path, long rows, int days)
{
	enum { SLICE = 500000 };
	struct err e;
	sqlite3 *db = NULL;
	int64_t began = clock_us(), step = days * DAY / rows;
	if (schema_create(path, &e) != 0)
		die(e.text);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		die(path);
	run(db, "PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL; PRAGMA cache_size=-65536");
	for (long at = 0; at < rows; at += SLICE) {
		char sql[1200];
		long end = at + SLICE < rows ? at + SLICE : rows;
		snprintf(sql, sizeof sql,
		    "WITH RECURSIVE n(i) AS (VALUES(%ld) UNION ALL SELECT i + 1 FROM n WHERE i < %ld)"
		    " INSERT INTO requests(at_us, id, account, task, endpoint, model_asked, model_served, "
		    "upstream, answer_id,"
		    " error_code, why, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, "
		    "reasoning_tokens,"
		    " cost_pico, saved_pico, basis, cache, status, stream, attempts, first_byte_us, "
		    "total_us, bytes_in, bytes_out)"
		    " SELECT %lld + i * %lld, printf('req_%%024d', i), 'key-' || (i %% 50), 'task-' || (i %% "
		    "100),"
		    " 'chat', 'gpt-4o', 'model-' || (i %% 50 %% 7 + i / 100 %% 2), 'openai', '', '', "
		    "'served', 900, 100,"
		    " 0, 220, 0, 267000000, 0, 1, iif(i / 200 %% 4 = 0, 3, 0), 200, 1, 0, 210000, 900000, "
		    "1500, 2100 FROM n",
		    at, end - 1, (long long)(END - days * DAY), (long long)step);
		run(db, sql);
		run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
	}
	int64_t filled = clock_us();
	run(db, "BEGIN");
	if (rollup_fill(db) != SQLITE_OK)
		die(sqlite3_errmsg(db));
	run(db, "COMMIT");
	printf("rows=%ld days=%d made_s=%.1f summed_s=%.1f", rows, days, (double)(filled - began) / 1e6,
	    (double)(clock_us() - filled) / 1e6);
	int64_t cells = 0, pages = 0;
	schema_number(db, "SELECT count(*) FROM rollups", &cells);
	schema_number(db, "PRAGMA page_count", &pages);
	printf(" cells=%lld file_mb=%.0f\n", (long long)cells, (double)pages * 4096 / 1e6);
	sqlite3_close(db);
}

static void
measure(const char *path, const char *name, int64_t since_us, int64_t until_us)
{
	static const char *const titles[] = { "none", "model", "task", "key", "project", "day", "hour",
		"cache", "tier", "endpoint" };
	printf("%-22s", name);
	for (enum report_by by = REPORT_BY_NONE; by <= REPORT_BY_ENDPOINT; by++) {
		struct err e;
		struct report_spending s;
		int64_t began = clock_us();
		struct report *r = report_open(path, &e);
		if (r == NULL || report_spending(r, since_us, until_us, by, &s, &e) != 0)
			die(e.text);
		report_close(&r);
		printf(" %s_ms=%.1f", titles[by], (double)(clock_us() - began) / 1e3);
		if (by == REPORT_BY_NONE)
			printf(" requests=%lld", (long long)s.total.requests);
		free(s.groups);
	}
	putchar('\n');
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "bench.db";
	int days = argc > 3 ? atoi(argv[3]) : 90;
	zone_use("UTC");
	if (access(path, F_OK) != 0)
		make(path, argc > 2 ? atol(argv[2]) : 10000000, days);
	measure(path, "last day", END - DAY, REPORT_NO_END);
	measure(path, "a day that cuts hours", END - 2 * DAY - DAY / 50, END - DAY - DAY / 50);
	measure(path, "all", 0, REPORT_NO_END);
	return 0;
}
