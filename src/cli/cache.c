/*
 * farthing cache: what is kept for a restart, and what is to be forgotten. A purge goes to the gateway that uses the database, by a
 * table of the ledger's file; where none does, it is done in the file at once.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "cli.h"
#include "core/config.h"
#include "ledger/purges.h"

enum { WAIT_MS = 15000, STEP_MS = 50 };

static const char usage[] =
    "usage: farthing cache stats [--json]\n"
    "       farthing cache purge [--key K] [--task T] [--scope S] [--entry HEX] [--older-than 1h]\n"
    "       farthing cache purge --all\n\n"
    "The answers that are kept: how many lie in DATABASE.cache for the next start, and which are to be "
    "forgotten,\n"
    "there and in the memory of a gateway that runs. What is named must all fit.\n\n"
    "      --key K         answers that were given to this virtual key\n"
    "      --task T        ... in this task\n"
    "      --scope S       ... shared in this scope: a key's name, or a project's where its keys share\n"
    "      --entry HEX     the one answer of that key, 64 hexadecimal digits\n"
    "      --older-than T  answers kept longer ago: 90s, 15m, 1h, 7d, 2w\n"
    "      --all           everything, damaged files that were set aside included\n"
    "      --json          stats: as JSON\n"
    "  -c, --config FILE   the configuration that names the database\n"
    "      --db FILE       this database, whatever the configuration says\n"
    "  -h, --help          this text\n\n"
    "Exit status: 0 good, 1 bad, 2 wrong usage.\n";

struct order {
	const char *verb, *config_path, *database;
	struct purge_wish wish;
	bool wished, json;
};

/* ---- stats ---- */

static int
stats(const struct order *o, const char *database)
{
	struct shelf_glance g;
	struct err e = { 0 };
	char oldest[CLOCK_TEXT] = "", newest[CLOCK_TEXT] = "";
	if (shelf_glance(database, clock_wall_us(), &g, &e) != 0)
		return print_err(&e);
	if (g.entries > 0) {
		clock_text(g.oldest_us, oldest);
		clock_text(g.newest_us, newest);
	}
	if (o->json) {
		printf("{\"entries\":%lld,\"expired\":%lld,\"bytes\":%lld", (long long)g.entries,
		    (long long)g.expired, (long long)g.bytes);
		if (g.entries > 0)
			printf(",\"oldest\":\"%s\",\"newest\":\"%s\"}\n", oldest, newest);
		else
			puts(",\"oldest\":null,\"newest\":null}");
		return GOOD;
	}
	printf("entries  %lld, of which %lld have expired\nbytes    %lld\n", (long long)g.entries,
	    (long long)g.expired, (long long)g.bytes);
	if (g.entries > 0)
		printf("oldest   %s\nnewest   %s\n", oldest, newest);
	return GOOD;
}

/* ---- purge ---- */

static void
told(int64_t entries)
{
	fprintf(stderr, "%lld entr%s forgotten.\n", (long long)entries, entries == 1 ? "y is" : "ies are");
}

/* 1: done; 0: not yet; -1 with *e */
static int
await(struct purges *p, int64_t seq, int64_t *entries, struct err *e)
{
	int rc = 0;
	for (int waited = 0; rc == 0 && waited < WAIT_MS; waited += STEP_MS) {
		nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
		rc = purges_entries(p, seq, entries, e);
	}
	return rc;
}

static int
purge_running(const struct order *o, const char *database)
{
	int64_t seq, entries = 0;
	struct err e = { 0 };
	struct purges *p = purges_open(database, true, &e);
	if (p == NULL)
		return print_err(&e);
	int rc = purges_ask(p, &o->wish, clock_wall_us(), &seq, &e) == 0 ? await(p, seq, &entries, &e) : -1;
	purges_close(&p);
	if (rc < 0)
		return print_err(&e);
	if (rc == 0) {
		fprintf(stderr,
		    "farthing: the gateway has not seen to it yet; it will, or the next one at its "
		    "start\n");
		return BAD;
	}
	told(entries);
	return GOOD;
}

static int
purge(const struct order *o, const char *database)
{
	struct shelf_purge what = purge_wish_what(&o->wish);
	struct err e = { 0 };
	int64_t entries;
	int rc = shelf_purge_idle(database, &what, &entries, &e);
	if (rc == 1)
		return purge_running(o, database);
	if (rc != 0)
		return print_err(&e);
	told(entries);
	return GOOD;
}

/* ---- the command line ---- */

static int
act(const struct order *o, const char *database)
{
	return strcmp(o->verb, "stats") == 0 ? stats(o, database) : purge(o, database);
}

static int
run(const struct order *o)
{
	if (o->database != NULL)
		return act(o, o->database);
	struct config_problem *problems = NULL;
	struct config *config = config_load_without_secrets(o->config_path, NULL, &problems);
	if (config == NULL)
		print_problems(problems);
	config_problems_free(&problems);
	if (config == NULL)
		return BAD;
	int status = act(o, config->database);
	config_drop(&config);
	return status;
}

enum { OPT_DB = 256, OPT_JSON, OPT_WISH };

static const char *const wishes[] = { "key", "task", "scope", "entry", "older_than", "all" };

static int
take_wish(struct order *o, int option)
{
	const char *name = wishes[option - OPT_WISH];
	struct err e = { 0 };
	o->wished = true;
	if (purge_wish_take(&o->wish, str_from(name),
		strcmp(name, "all") == 0 ? STR("true") : str_from(optarg), clock_wall_us(), &e) == 0)
		return 0;
	print_err(&e);
	return -1;
}

static int
read_orders(int argc, char **argv, struct order *o)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "db", required_argument, NULL, OPT_DB },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, 'h' },
		{ "key", required_argument, NULL, OPT_WISH },
		{ "task", required_argument, NULL, OPT_WISH + 1 },
		{ "scope", required_argument, NULL, OPT_WISH + 2 },
		{ "entry", required_argument, NULL, OPT_WISH + 3 },
		{ "older-than", required_argument, NULL, OPT_WISH + 4 },
		{ "all", no_argument, NULL, OPT_WISH + 5 },
		{ NULL, 0, NULL, 0 },
	};
	for (int option; (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		if (option == 'h' || option == '?') {
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? GOOD : USAGE;
		}
		if (option == 'c')
			o->config_path = optarg;
		else if (option == OPT_DB)
			o->database = optarg;
		else if (option == OPT_JSON)
			o->json = true;
		else if (take_wish(o, option) != 0)
			return USAGE;
	}
	return -1;
}

static bool
makes_sense(struct order *o, int words)
{
	bool is_stats = strcmp(o->verb, "stats") == 0, is_purge = strcmp(o->verb, "purge") == 0;
	struct err e = { 0 };
	if (words != 1 || (!is_stats && !is_purge) || (is_stats && o->wished) || (is_purge && o->json) ||
	    (o->database != NULL && o->database[0] == '\0'))
		return false;
	if (is_stats || purge_wish_check(&o->wish, &e) == 0)
		return true;
	print_err(&e);
	return false;
}

int
cmd_cache(int argc, char **argv)
{
	struct order o = { 0 };
	optind = 0; /* main has looked at the options before the subcommand; glibc starts again at 0 */
	int status = read_orders(argc, argv, &o);
	if (status >= 0)
		return status;
	o.verb = optind < argc ? argv[optind] : "";
	if (!makes_sense(&o, argc - optind)) {
		fputs(usage, stderr);
		return USAGE;
	}
	return run(&o);
}
