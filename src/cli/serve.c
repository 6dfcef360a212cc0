/*
 * farthing serve: the gateway in the foreground.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <stdio.h>

#include "cli.h"
#include "gateway.h"

static void
usage(FILE *to)
{
	fputs(
	    "usage: farthing serve [-c FILE] [--db FILE] [--init] [--accept-rollback]\n\n"
	    "Runs the gateway in the foreground. SIGTERM finishes what is being served and stops, "
	    "SIGHUP reads the\nconfiguration again.\n\n"
	    "  -c, --config FILE  configuration (else ./farthing.yaml, then /etc/farthing/farthing.yaml, "
	    "else defaults)\n"
	    "      --db FILE      database, whatever the configuration says\n"
	    "      --init         begin new books although the state marker (DATABASE.holds) says that there "
	    "were others\n"
	    "      --accept-rollback  go on with books that are older than their state marker: a restored "
	    "backup\n"
	    "  -h, --help         this text\n\n"
	    "The last two are for one start: what was spent and is not in the books could be spent again.\n",
	    to);
}

int
cmd_serve(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "db", required_argument, NULL, 'd' },
		{ "init", no_argument, NULL, 'i' },
		{ "accept-rollback", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *config_path = NULL, *database = NULL;
	bool init = false, accept_rollback = false;
	for (int o; (o = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		if (o == 'c') {
			config_path = optarg;
		} else if (o == 'd') {
			database = optarg;
		} else if (o == 'i') {
			init = true;
		} else if (o == 'a') {
			accept_rollback = true;
		} else {
			usage(o == 'h' ? stdout : stderr);
			return o == 'h' ? 0 : 2;
		}
	}
	if (optind < argc || (database != NULL && database[0] == '\0')) {
		usage(stderr);
		return 2;
	}
	struct config_problem *problems;
	struct config *config = config_load(config_path, database, &problems);
	print_problems(problems);
	config_problems_free(&problems);
	return config != NULL ? gateway_run(config, config_path, database, init, accept_rollback) : 1;
}
