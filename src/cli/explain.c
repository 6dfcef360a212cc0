/*
 * farthing explain: why a request got the answer it got, or what would happen to one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "explain.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char usage[] =
    "usage: farthing explain [-c FILE] [--db FILE] [--json] [--task T] [--route R] [--batch B] [--key NAME] "
    "< request.json\n"
    "       farthing explain [-c FILE] [--db FILE] [--json] --id REQUEST_ID\n"
    "       farthing explain [--json] --compare TEXT TEXT\n"
    "\n"
    "Why a request got the answer it got (--id, x-request-id of its reply), out of the ledger; or what "
    "would\n"
    "happen to the request on stdin. Calls nobody.\n"
    "\n"
    "      --id ID        a request that was served\n"
    "      --task T       the task, as x-farthing-task would name it\n"
    "      --route R      auto, off, cheap or premium, as x-farthing-route would say it\n"
    "      --batch B      on or off, as x-farthing-batch would say it\n"
    "      --key NAME     the virtual key that asks: which models it may use, and whose answers on the shelf "
    "are\n"
    "                     looked through\n"
    "      --compare      how alike two texts are, and what differs; @FILE is the text in a file\n"
    "      --json         one JSON object\n"
    "  -c, --config FILE  the configuration, which also names the database\n"
    "      --db FILE      this database, whatever the configuration says\n"
    "  -h, --help         this text\n"
    "\n"
    "Exit status: 0 good, 1 there is no such request or the ledger cannot be read, 2 wrong usage.\n";

static bool
is_route(const char *text)
{
	static const char *const routes[] = { "auto", "off", "cheap", "premium" };
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
		if (strcmp(text, routes[i]) == 0)
			return true;
	return false;
}

int
cmd_explain(int argc, char **argv)
{
	enum { OPT_ID = 256, OPT_DB, OPT_TASK, OPT_JSON, OPT_KEY, OPT_COMPARE, OPT_ROUTE, OPT_BATCH };
	static const struct option options[] = {
		{ "id", required_argument, NULL, OPT_ID },
		{ "config", required_argument, NULL, 'c' },
		{ "db", required_argument, NULL, OPT_DB },
		{ "task", required_argument, NULL, OPT_TASK },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "route", required_argument, NULL, OPT_ROUTE },
		{ "batch", required_argument, NULL, OPT_BATCH },
		{ "key", required_argument, NULL, OPT_KEY },
		{ "compare", no_argument, NULL, OPT_COMPARE },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct explain_options o = { 0 };
	optind = 0; /* main has looked at the options before the subcommand; glibc starts again at 0 */
	for (int option; (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		switch (option) {
		case OPT_ID:
			o.id = optarg;
			break;
		case 'c':
			o.config_path = optarg;
			break;
		case OPT_DB:
			o.database = optarg;
			break;
		case OPT_TASK:
			o.task = optarg;
			break;
		case OPT_ROUTE:
			o.route = optarg;
			break;
		case OPT_BATCH:
			o.batch = optarg;
			break;
		case OPT_KEY:
			o.key = optarg;
			break;
		case OPT_COMPARE:
			o.compare = true;
			break;
		case OPT_JSON:
			o.json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	bool empty = (o.id != NULL && o.id[0] == '\0') || (o.database != NULL && o.database[0] == '\0');
	if (o.compare && argc - optind == 2) {
		o.texts[0] = argv[optind];
		o.texts[1] = argv[optind + 1];
		return explain_compare(&o);
	}
	empty = empty || (o.route != NULL && !is_route(o.route));
	empty = empty || (o.batch != NULL && strcmp(o.batch, "on") != 0 && strcmp(o.batch, "off") != 0);
	if (optind < argc || empty || o.compare ||
	    (o.id != NULL && (o.task != NULL || o.key != NULL || o.route != NULL || o.batch != NULL))) {
		fputs(usage, stderr);
		return 2;
	}
	return o.id != NULL ? explain_row(&o) : explain_request(&o);
}
