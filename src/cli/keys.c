/*
 * farthing keys: virtual keys in the ledger's file. A gateway that runs sees a change within a second.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli.h"
#include "core/key_wish.h"
#include "keys_list.h"

static const char usage[] =
    "usage: farthing keys add NAME [OPTIONS]\n"
    "       farthing keys set NAME [OPTIONS]\n"
    "       farthing keys list [--json]\n"
    "       farthing keys revoke NAME\n"
    "       farthing keys thaw NAME\n\n"
    "Virtual keys: what clients show to this gateway instead of the provider's key. As soon as there is "
    "one,\n"
    "every client needs one. A running gateway sees a change within a second.\n\n"
    "  add      makes a key and prints its secret, once, on stdout\n"
    "  set      changes what is named and leaves the rest: a limit, the models, when it expires\n"
    "  list     all keys: name, last characters, state, limits, spent today\n"
    "  revoke   ends a key for good; requests in flight are finished, its name stays in the books\n"
    "  thaw     lets a key go on today that was frozen because a provider billed more than was held\n\n"
    "  --request-usd X --daily-usd X --weekly-usd X --monthly-usd X   what it may spend; none if left out\n"
    "                    (or off: no limit)\n"
    "  --models A,B      the models it may ask for, or all; all if left out\n"
    "  --project NAME    the group of keys it belongs to, or none\n"
    "  --concurrent N    requests it may have in flight, or default: limits.per_key\n"
    "  --expires 30d     how long it lives from now: 12h, 30d, 2w, or never; for ever if left out\n"
    "  --json            list: as JSON\n"
    "  -c, --config FILE the configuration that names the database and the models\n"
    "      --db FILE     this database, whatever the configuration says\n"
    "  -h, --help        this text\n\n"
    "Exit status: 0 good, 1 bad, 2 wrong usage.\n";

struct order {
	const char *verb, *name;
	const char *config_path, *database;
	struct key_wish wish;
	bool wished, json;
};

/* ---- the verbs ---- */

/* The secret alone on stdout, so that a script can take it; whatever is said about it on stderr. */
static int
add(const struct order *o, const char *database, const struct config *config)
{
	struct key key;
	struct err e = { 0 };
	char secret[KEY_SECRET];
	if (key_wish_read(&o->wish, config, clock_wall_us(), &key, &e) != 0)
		return print_err(&e);
	bool missing = access(database, F_OK) != 0;
	struct keys *k = keys_open(database, KEYS_CREATE, &e);
	if (k == NULL)
		return print_err(&e);
	if (missing)
		fprintf(stderr, "There was no ledger at %s; a new one is made.\n", database);
	int rc = keys_add(k, &key, clock_wall_us(), secret, &e);
	keys_close(&k);
	if (rc != 0)
		return print_err(&e);
	bool written = puts(secret) >= 0 && fflush(stdout) == 0;
	explicit_bzero(secret, sizeof secret);
	if (!written) {
		fprintf(stderr,
		    "farthing: the secret could not be written; revoke the key %s and make another one\n",
		    key.name);
		return BAD;
	}
	fprintf(stderr,
	    "The key %s is made, in %s. Its secret is shown this once and can not be shown again.\n",
	    key.name, database);
	return GOOD;
}

static int
change(const struct order *o, const char *database, const struct config *config)
{
	struct err e = { 0 };
	bool set = strcmp(o->verb, "set") == 0, revoke = strcmp(o->verb, "revoke") == 0;
	struct keys *k = keys_open(database, KEYS_CHANGE, &e);
	if (k == NULL)
		return print_err(&e);
	int rc = set      ? keys_set(k, &o->wish, config, clock_wall_us(), &e)
		 : revoke ? keys_revoke(k, o->name, clock_wall_us(), &e)
			  : keys_thaw(k, o->name, clock_wall_us(), &e);
	keys_close(&k);
	if (rc != 0)
		return print_err(&e);
	fprintf(stderr, "The key %s %s.\n", o->name,
	    set      ? "is changed"
	    : revoke ? "is revoked"
		     : "may go on");
	return GOOD;
}

static int
list(const struct order *o, const char *database)
{
	struct key_row *rows;
	size_t count;
	struct err e = { 0 };
	struct keys *k = keys_open(database, KEYS_READ, &e);
	if (k == NULL)
		return print_err(&e);
	int64_t now_us = clock_wall_us();
	int rc = keys_list(k, now_us, &rows, &count, &e);
	keys_close(&k);
	if (rc != 0)
		return print_err(&e);
	if (o->json)
		rc = keys_print_json(rows, count, now_us);
	else
		rc = keys_print_table(rows, count, now_us);
	free(rows);
	return rc == 0 ? GOOD : BAD;
}

static int
act(const struct order *o, const char *database, const struct config *config)
{
	if (strcmp(o->verb, "add") == 0)
		return add(o, database, config);
	return strcmp(o->verb, "list") == 0 ? list(o, database) : change(o, database, config);
}

/* A named file needs no configuration, so a broken one does not keep anybody from revoking a key; but names of models are
 * looked up in it. */
static int
run(const struct order *o)
{
	if (o->database != NULL && o->wish.models.p == NULL)
		return act(o, o->database, NULL);
	struct config_problem *problems = NULL;
	struct config *config = config_load_without_secrets(o->config_path, o->database, &problems);
	if (config == NULL)
		print_problems(problems);
	config_problems_free(&problems);
	if (config == NULL)
		return BAD;
	int status = act(o, config->database, config);
	config_drop(&config);
	return status;
}

/* ---- the command line ---- */

enum { OPT_DB = 256, OPT_JSON, OPT_WISH };

static const struct {
	const char *name;
	size_t field;
} wishes[] = {
	{ "request-usd", offsetof(struct key_wish, request_usd) },
	{ "daily-usd", offsetof(struct key_wish, daily_usd) },
	{ "weekly-usd", offsetof(struct key_wish, weekly_usd) },
	{ "monthly-usd", offsetof(struct key_wish, monthly_usd) },
	{ "models", offsetof(struct key_wish, models) },
	{ "project", offsetof(struct key_wish, project) },
	{ "concurrent", offsetof(struct key_wish, concurrent) },
	{ "expires", offsetof(struct key_wish, expires) },
};
enum { WISHES = sizeof wishes / sizeof wishes[0] };

static void
take_option(struct order *o, int option)
{
	if (option == 'c') {
		o->config_path = optarg;
	} else if (option == OPT_DB) {
		o->database = optarg;
	} else if (option == OPT_JSON) {
		o->json = true;
	} else {
		size_t field = wishes[option - OPT_WISH].field;
		*(struct str *)(void *)((char *)&o->wish + field) = str_from(optarg);
		o->wished = true;
	}
}

/* Options that a verb has no use for are a mistake, not a matter of taste: `revoke --daily-usd 2` sets no limit. */
static bool
makes_sense(const struct order *o, int words)
{
	bool is_add = strcmp(o->verb, "add") == 0, is_set = strcmp(o->verb, "set") == 0;
	bool is_list = strcmp(o->verb, "list") == 0;
	bool is_change = strcmp(o->verb, "revoke") == 0 || strcmp(o->verb, "thaw") == 0;
	if (!is_add && !is_set && !is_list && !is_change)
		return false;
	if (words != (is_list ? 1 : 2) || (o->json && !is_list))
		return false;
	bool wish_fits = is_add || o->wished == is_set;
	if (!wish_fits)
		return false;
	return o->database == NULL || o->database[0] != '\0';
}

int
cmd_keys(int argc, char **argv)
{
	struct option options[WISHES + 5] = {
		{ "config", required_argument, NULL, 'c' },
		{ "db", required_argument, NULL, OPT_DB },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, 'h' },
	};
	for (int i = 0; i < WISHES; i++)
		options[4 + i] = (struct option){ wishes[i].name, required_argument, NULL, OPT_WISH + i };
	struct order o = { 0 };
	optind = 0; /* main has looked at the options before the subcommand; glibc starts again at 0 */
	for (int option; (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		if (option == 'h' || option == '?') {
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? GOOD : USAGE;
		}
		take_option(&o, option);
	}
	int words = argc - optind;
	o.verb = words > 0 ? argv[optind] : "";
	o.name = words > 1 ? argv[optind + 1] : "";
	o.wish.name = str_from(o.name);
	if (!makes_sense(&o, words)) {
		fputs(usage, stderr);
		return USAGE;
	}
	return run(&o);
}
