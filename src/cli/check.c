/*
 * farthing check: reads the configuration as the gateway would, tells every mistake in it, and says in short what
 * it amounts to. Starts nothing and calls nobody.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <stdio.h>

#include "base/err.h"
#include "base/money.h"
#include "cli.h"
#include "core/config.h"
#include "core/config_reference.h"

enum { MOST_SHOWN = 8 };

static void
usage(FILE *to)
{
	fputs("usage: farthing check [-c FILE] [--db FILE]\n"
	      "       farthing check --keys\n"
	      "\n"
	      "Validates the configuration. Every problem is one line on stderr: FILE:LINE: KEY: TEXT\n"
	      "\n"
	      "  -c, --config FILE   the configuration; else ./farthing.yaml, then "
	      "/etc/farthing/farthing.yaml,\n"
	      "                      then the built-in defaults\n"
	      "      --db FILE       overrides the database\n"
	      "      --keys          prints every key with its default and meaning, as a Markdown table\n"
	      "  -h, --help          prints this\n"
	      "\n"
	      "Exit status: 0 the configuration is good, 1 it is not, 2 wrong usage.\n",
	    to);
}

int
print_err(const struct err *e)
{
	fprintf(stderr, "farthing: %s\n", e->text);
	return BAD;
}

void
print_problems(const struct config_problem *problems)
{
	for (const struct config_problem *p = problems; p != NULL; p = p->next) {
		fputs(p->file[0] != '\0' ? p->file : "(no file)", stderr);
		if (p->line > 0)
			fprintf(stderr, ":%d", p->line);
		if (p->key[0] != '\0')
			fprintf(stderr, ": %s", p->key);
		fprintf(stderr, ": %s\n", p->text);
	}
}

static void
print_upstreams(const struct config *c)
{
	fputs("upstreams  ", stdout);
	for (size_t i = 0; i < c->upstream_count; i++) {
		const struct upstream_conf *u = &c->upstreams[i];
		printf("%s%s (%s%s)", i > 0 ? ", " : " ", u->name, u->base_url,
		    u->api_key[0] == '\0' ? ", no key" : "");
	}
	putchar('\n');
}

static void
print_models(const struct config *c)
{
	size_t listed = 0, unpriced = 0;
	for (size_t i = 0; i < c->model_count; i++) {
		listed += c->models[i].listed;
		unpriced += !c->models[i].price.known;
	}
	printf("models      %zu: %zu listed, %zu from the catalogue", c->model_count, listed,
	    c->model_count - listed);
	if (unpriced > 0)
		printf("; %zu without a price", unpriced);
	putchar('\n');
}

static bool
any_task(const struct config *c, bool (*is)(const struct task_conf *))
{
	for (size_t i = 0; i < c->task_count; i++)
		if (is(&c->tasks[i]))
			return true;
	return false;
}

static bool
batches(const struct task_conf *t)
{
	return t->batch.on;
}

/* `default` is every task without a name in the file. */
static void
print_batched(const struct config *c)
{
	size_t shown = 0;
	for (size_t i = 0; i < c->task_count; i++)
		if (batches(&c->tasks[i]) && ++shown <= MOST_SHOWN)
			printf("%s %s", shown == 1 ? "batched    " : ",", c->tasks[i].name);
	if (shown > 0)
		puts(shown > MOST_SHOWN ? ", ..." : "");
}

static bool
limits(const struct budget_conf *b)
{
	return b->request_pico >= 0 || b->daily_pico >= 0 || b->weekly_pico >= 0 || b->monthly_pico >= 0;
}

static bool
task_limits(const struct task_conf *t)
{
	return limits(&t->budget);
}

static bool
any_project_limits(const struct config *c)
{
	for (size_t i = 0; i < c->project_count; i++)
		if (limits(&c->projects[i].budget))
			return true;
	return false;
}

/* "day $2.00, month $50.00" */
static void
print_limits(const struct budget_conf *b)
{
	const struct {
		const char *name;
		int64_t pico;
	} all[] = { { "request", b->request_pico }, { "day", b->daily_pico }, { "week", b->weekly_pico },
		{ "month", b->monthly_pico } };
	char money[32];
	int shown = 0;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i].pico >= 0)
			printf("%s%s $%s", shown++ > 0 ? ", " : "", all[i].name,
			    money_format(all[i].pico, money));
	if (shown == 0)
		fputs("no limit", stdout);
}

static void
print_projects(const struct config *c)
{
	if (c->project_count == 0)
		return;
	printf("projects    %zu:", c->project_count);
	for (size_t i = 0; i < c->project_count && i < MOST_SHOWN; i++) {
		printf("%s %s (", i > 0 ? "," : "", c->projects[i].name);
		print_limits(&c->projects[i].budget);
		putchar(')');
	}
	puts(c->project_count > MOST_SHOWN ? ", ..." : "");
}

static void
print_paths(const struct config *c)
{
	char money[32];
	if (c->path_count == 0)
		return;
	printf("paths       %zu:", c->path_count);
	for (size_t i = 0; i < c->path_count && i < MOST_SHOWN; i++) {
		const struct path_conf *p = &c->paths[i];
		printf("%s %s (%s%s)", i > 0 ? "," : "", p->path, p->free ? "free" : "$",
		    p->free ? "" : money_format(p->usd_pico, money));
	}
	puts(c->path_count > MOST_SHOWN ? ", ..." : "");
}

/* The webhook's URL is a secret: only that there is one. */
static void
print_alerts(const struct config *c)
{
	const struct alerts_conf *a = &c->alerts;
	fputs("alerts      ", stdout);
	for (size_t i = 0; i < a->share_count; i++)
		printf("%s%d", i > 0 ? ", " : "", a->shares[i]);
	printf("%s%s\n", a->share_count > 0 ? " %" : "none",
	    a->share_count > 0 && a->webhook[0] != '\0' ? ", told to a webhook" : "");
}

static void
print_stages(const struct config *c)
{
	bool budget = limits(&c->budget) || any_task(c, task_limits) || any_project_limits(c);
	/* What is configured and not built yet must not look as if it worked. */
	enum { OFF, ON, AHEAD };
	const struct {
		const char *name;
		int state;
	} stages[] = {
		{ "routing", c->routing.on ? ON : OFF },
		{ "exact cache", c->cache.exact ? ON : OFF },
		{ "similarity cache", c->cache.similarity > 0 ? ON : OFF },
		{ "dedup", c->dedup.on ? ON : OFF },
		{ "batching", any_task(c, batches) ? ON : OFF },
		{ "budget", budget ? ON : OFF },
		{ "deferred requests", c->deferred.on ? ON : OFF },
		{ "capture", c->capture.on ? AHEAD : OFF },
	};
	static const char *const titles[] = {
		[OFF] = "off        ", [ON] = "on         ", [AHEAD] = "not yet    "
	};
	static const int order[] = { ON, AHEAD, OFF };
	for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
		int shown = 0;
		fputs(titles[order[k]], stdout);
		for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
			if (stages[i].state == order[k])
				printf("%s %s", shown++ > 0 ? "," : "", stages[i].name);
		puts(shown == 0          ? " nothing"
		     : order[k] == AHEAD ? " (read, without effect in this version)"
					 : "");
	}
}

static void
print_tiers(const struct config *c)
{
	fputs("tiers      ", stdout);
	for (int i = TIER_SIMPLE; i <= TIER_COMPLEX && c->routing.on; i++)
		printf("%s %s %s", i > TIER_SIMPLE ? "," : "", tier_name((enum tier)i),
		    c->routing.tiers[i]->name);
	puts(c->routing.on ? "" : " none");
}

static void
print_summary(const struct config *c)
{
	bool v6 = strchr(c->listen_host, ':') != NULL;
	printf("config      %s\n", c->path[0] != '\0' ? c->path : "built-in defaults");
	printf("listen      %s%s%s:%d\n", v6 ? "[" : "", c->listen_host, v6 ? "]" : "", c->listen_port);
	printf("database    %s\n", c->database);
	print_upstreams(c);
	print_models(c);
	print_tiers(c);
	printf("tasks       %zu\n", c->task_count);
	print_batched(c);
	print_projects(c);
	print_paths(c);
	fputs("limits      ", stdout);
	print_limits(&c->budget);
	printf(" (%s)\n", c->budget.timezone);
	print_alerts(c);
	printf("mode        %s\n", c->mode == MODE_OBSERVE ? "observe" : "optimise");
	print_stages(c);
}

static int
print_keys(void)
{
	struct buf b = { 0 };
	int rc = config_reference(&b);
	if (rc == 0)
		fwrite(b.p, 1, b.n, stdout);
	buf_free(&b);
	return rc == 0 ? GOOD : BAD;
}

static int
check(const char *path, const char *database)
{
	struct config_problem *problems;
	struct config *c = config_load(path, database, &problems);
	print_problems(problems);
	config_problems_free(&problems);
	if (c == NULL)
		return BAD;
	print_summary(c);
	config_drop(&c);
	return GOOD;
}

int
cmd_check(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "db", required_argument, NULL, 'd' }, { "keys", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	const char *path = NULL, *database = NULL;
	bool keys = false;
	optind = 0; /* main has looked at the options before the subcommand; glibc starts again at 0 */
	for (int o; (o = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		switch (o) {
		case 'c':
			path = optarg;
			break;
		case 'd':
			database = optarg;
			break;
		case 'k':
			keys = true;
			break;
		case 'h':
			usage(stdout);
			return GOOD;
		default:
			usage(stderr);
			return USAGE;
		}
	}
	if (optind < argc || (database != NULL && database[0] == '\0')) {
		usage(stderr);
		return USAGE;
	}
	return keys ? print_keys() : check(path, database);
}
