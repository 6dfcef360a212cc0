/*
 * farthing report: what was spent and saved, by what, and how far the budgets are used. Reads the ledger only, also beside
 * a running gateway.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli.h"
#include "ledger/report_time.h"
#include "report_show.h"

static const char usage[] =
    "usage: farthing report [--since T] [--until T] [--by GROUP] [--format F] [--prices now]\n"
    "                       [-c FILE] [--db FILE]\n"
    "\n"
    "Spending, savings and budget use out of the ledger. Reads only, also beside a running gateway.\n"
    "\n"
    "      --since T      from then on; 24h by default\n"
    "      --until T      and before then; now by default\n"
    "                     T: a span back from now (90m, 24h, 7d, 2w), a date or a time of the configured\n"
    "                     zone (2026-11-01, 2026-11-01T09:30), or all\n"
    "      --by GROUP     model, task, key, project, day, hour, cache, tier, endpoint, cause (of "
    "savings),\n"
    "                     similarity (hits of the similarity cache, and how many were wrong),\n"
    "                     or batches (requests that travelled together)\n"
    "      --format F     table, json or csv\n"
    "      --prices now   prices the calls anew, with the configuration's prices of their time, by model\n"
    "  -c, --config FILE  the configuration: limits, prices, time zone and the database\n"
    "      --db FILE      this database, whatever the configuration says\n"
    "  -h, --help         this text\n"
    "\n"
    "The forecast of a budget is a straight line: what was spent in the window so far, divided by the part "
    "of\n"
    "the window that is over. Before a 24th of it is over (an hour of a day) there is none.\n"
    "\n"
    "Exit status: 0 good, 1 the ledger or the configuration cannot be read, 2 wrong usage.\n";

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

struct wish {
	const char *since, *until, *by, *format, *prices, *config, *database;
	int group; /* index into groups; -1: none */
	enum format shape;
};

static const struct {
	const char *name;
	enum report_by by;
} groups[] = {
	{ "model", REPORT_BY_MODEL },
	{ "task", REPORT_BY_TASK },
	{ "key", REPORT_BY_KEY },
	{ "project", REPORT_BY_PROJECT },
	{ "day", REPORT_BY_DAY },
	{ "hour", REPORT_BY_HOUR },
	{ "cache", REPORT_BY_CACHE },
	{ "tier", REPORT_BY_TIER },
	{ "endpoint", REPORT_BY_ENDPOINT },
	{ "cause", REPORT_BY_NONE },
	{ "similarity", REPORT_BY_NONE },
	{ "batches", REPORT_BY_NONE },
};

enum { GROUPS = sizeof groups / sizeof *groups };

/* ---- Understanding what is wanted ---- */

static int
read_wish(struct wish *w)
{
	static const char *const formats[] = { "table", "json", "csv" };
	w->group = -1;
	for (int i = 0; i < GROUPS && w->by != NULL; i++)
		if (strcmp(w->by, groups[i].name) == 0)
			w->group = i;
	if (w->by != NULL && w->group < 0) {
		fprintf(stderr,
		    "farthing: --by knows model, task, key, project, day, hour, cache, tier, endpoint, "
		    "cause, similarity and batches, not '%s'\n",
		    w->by);
		return -1;
	}
	int shape = 0;
	while (w->format != NULL && shape < 3 && strcmp(w->format, formats[shape]) != 0)
		shape++;
	if (shape == 3) {
		fprintf(stderr, "farthing: --format knows table, json and csv, not '%s'\n", w->format);
		return -1;
	}
	w->shape = (enum format)shape;
	if (w->prices != NULL && strcmp(w->prices, "now") != 0) {
		fprintf(stderr, "farthing: --prices knows now only, not '%s'\n", w->prices);
		return -1;
	}
	if (w->prices != NULL && w->by != NULL && strcmp(w->by, "model") != 0) {
		fprintf(stderr, "farthing: --prices now goes by model, not by %s\n", w->by);
		return -1;
	}
	return 0;
}

/* The zone must be in use: dates are dates of it. */
static int
read_span(const struct wish *w, struct report_view *v)
{
	v->now_us = clock_wall_us();
	if (report_time(w->since != NULL ? w->since : "24h", v->now_us, &v->since_us) != 0) {
		fprintf(stderr,
		    "farthing: --since wants a span (24h, 7d), a date (2026-11-01), a time "
		    "(2026-11-01T09:30) or all, not '%s'\n",
		    w->since);
		return -1;
	}
	v->until_us = v->now_us;
	if (w->until != NULL && report_time(w->until, v->now_us, &v->until_us) != 0) {
		fprintf(stderr,
		    "farthing: --until wants a span (24h, 7d), a date (2026-11-01) or a time "
		    "(2026-11-01T09:30), not '%s'\n",
		    w->until);
		return -1;
	}
	if (v->until_us > v->now_us)
		v->until_us = v->now_us;
	if (v->since_us >= v->until_us) {
		fputs("farthing: there is no time between --since and --until\n", stderr);
		return -1;
	}
	return 0;
}

static void
show(const struct report_view *v, enum format format)
{
	struct buf text = { 0 };
	switch (format) {
	case FORMAT_TABLE:
		view_table(v, stdout);
		break;
	case FORMAT_JSON:
		view_json(v, &text);
		fwrite(text.p, 1, text.n, stdout);
		buf_free(&text);
		break;
	case FORMAT_CSV:
		view_csv(v, stdout);
		break;
	}
}

static int
report(const struct wish *w)
{
	struct config_problem *problems = NULL;
	struct config *c = config_load_without_secrets(w->config, w->database, &problems);
	print_problems(problems);
	config_problems_free(&problems);
	if (c == NULL)
		return 1;
	zone_use(c->budget.timezone);
	struct report_view v = { .timezone = c->budget.timezone,
		.by = w->prices != NULL ? "model" : w->by,
		.repriced = w->prices != NULL };
	if (w->by != NULL) {
		v.by_cause = strcmp(w->by, "cause") == 0;
		v.by_similarity = strcmp(w->by, "similarity") == 0;
		v.by_batches = strcmp(w->by, "batches") == 0;
		v.by_day = strcmp(w->by, "day") == 0;
		v.by_time = v.by_day || strcmp(w->by, "hour") == 0;
	}
	struct err e = { 0 };
	enum report_by by = w->group >= 0 ? groups[w->group].by : REPORT_BY_NONE;
	int status = read_span(w, &v) == 0 ? 0 : 2;
	if (status == 0 && view_find(&v, c, by, &e) != 0)
		status = print_err(&e);
	if (status == 0)
		show(&v, w->shape);
	view_free(&v);
	config_drop(&c);
	return status;
}

int
cmd_report(int argc, char **argv)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 's' },
		{ "until", required_argument, NULL, 'u' },
		{ "by", required_argument, NULL, 'b' },
		{ "format", required_argument, NULL, 'f' },
		{ "prices", required_argument, NULL, 'p' },
		{ "config", required_argument, NULL, 'c' },
		{ "db", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct wish w = { 0 };
	optind = 0; /* main has looked at the options before the subcommand; glibc starts again at 0 */
	for (int o; (o = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		switch (o) {
		case 's':
			w.since = optarg;
			break;
		case 'u':
			w.until = optarg;
			break;
		case 'b':
			w.by = optarg;
			break;
		case 'f':
			w.format = optarg;
			break;
		case 'p':
			w.prices = optarg;
			break;
		case 'c':
			w.config = optarg;
			break;
		case 'd':
			w.database = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc || (w.database != NULL && w.database[0] == '\0')) {
		fputs(usage, stderr);
		return 2;
	}
	return read_wish(&w) == 0 ? report(&w) : 2;
}
