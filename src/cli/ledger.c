/*
 * farthing ledger check [-c FILE] [--db FILE]: the audit of the books.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <stdio.h>

#include "cli.h"
#include "core/config.h"
#include "ledger/check.h"

static const char usage[] =
    "usage: farthing ledger check [-c FILE] [--db FILE]\n"
    "Recomputes every invariant of the books. Exit 0: they hold, 1: they do not, 2: usage.\n"
    "  -c, --config FILE  the configuration that names the database\n"
    "      --db FILE      this database, whatever the configuration says\n";

static int
check(const char *path)
{
	struct buf report;
	struct err e = { 0 };
	buf_init(&report, 0);
	int rc = ledger_check(path, &report, &e);
	if (report.n > 0)
		fwrite(report.p, 1, report.n, stdout);
	if (rc != 0)
		print_err(&e);
	buf_free(&report);
	return rc == 0 ? 0 : 1;
}

static int
check_configured(const char *config_path)
{
	struct config_problem *problems = NULL;
	struct config *config = config_load_without_secrets(config_path, NULL, &problems);
	if (config == NULL)
		print_problems(problems);
	config_problems_free(&problems);
	if (config == NULL)
		return 1;
	int status = check(config->database);
	config_drop(&config);
	return status;
}

int
cmd_ledger(int argc, char **argv)
{
	enum { OPT_DB = 256 };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "db", required_argument, NULL, OPT_DB },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *config_path = NULL, *database = NULL;
	int opt;
	optind = 0; /* main may have parsed its own options before */
	while ((opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			config_path = optarg;
			break;
		case OPT_DB:
			database = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (argc - optind != 1 || strcmp(argv[optind], "check") != 0) {
		fputs(usage, stderr);
		return 2;
	}
	/* A named file needs no configuration, so a broken one does not keep anybody from auditing the books. */
	return database != NULL ? check(database) : check_configured(config_path);
}
