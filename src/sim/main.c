/*
 * farthing-sim: options, start and stop.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "files.h"
#include "jobs.h"
#include "responses.h"
#include "server.h"
#include "trace.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char help[] =
    "farthing-sim: a simulated provider with OpenAI's API, deterministic answers, a bill "
    "and faults on demand\n"
    "\n"
    "  --port N                port on 127.0.0.1 (9090; 0: a free one)\n"
    "  --port-file FILE        write the port here once it listens\n"
    "  --latency 300ms         before the first byte of an answer (0)\n"
    "  --tokens-per-second N   speed of an answer (0: no limit)\n"
    "  --seed N                other answers and ids (0)\n"
    "  --api-key KEY           refuse other keys with 401\n"
    "  --plan FILE             scripted faults, lines like: POST /v1/chat/completions 3 status:503\n"
    "  --job-time 1s           how long fine-tuning jobs and batches take\n"
    "  --weak-share N          percent of hard questions that a cheap model gets wrong (60)\n"
    "  --no-mark               answers without the hash of their question\n"
    "  --bill FILE             a line for each reply that costs something\n"
    "  --quiet                 say nothing on the standard output\n"
    "  --help, --version\n"
    "\n"
    "GET /sim/stats is the bill, GET /sim/requests what arrived; see docs/simulator.md for the faults.\n";

enum option_name {
	OPT_PORT = 1,
	OPT_PORT_FILE,
	OPT_LATENCY,
	OPT_SPEED,
	OPT_SEED,
	OPT_KEY,
	OPT_PLAN,
	OPT_JOB,
	OPT_SHARE,
	OPT_NO_MARK,
	OPT_BILL,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION
};

static const struct option options[] = {
	{ "port", required_argument, NULL, OPT_PORT },
	{ "port-file", required_argument, NULL, OPT_PORT_FILE },
	{ "latency", required_argument, NULL, OPT_LATENCY },
	{ "tokens-per-second", required_argument, NULL, OPT_SPEED },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "api-key", required_argument, NULL, OPT_KEY },
	{ "plan", required_argument, NULL, OPT_PLAN },
	{ "job-time", required_argument, NULL, OPT_JOB },
	{ "weak-share", required_argument, NULL, OPT_SHARE },
	{ "no-mark", no_argument, NULL, OPT_NO_MARK },
	{ "bill", required_argument, NULL, OPT_BILL },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static bool
read_number(const char *text, int64_t most, int64_t *n)
{
	return str_int(str_from(text), n) && *n >= 0 && *n <= most;
}

static bool
read_option(struct sim_options *o, int name, const char *value)
{
	int64_t n = 0;
	bool good = true;
	switch (name) {
	case OPT_PORT:
		good = read_number(value, 65535, &n);
		o->port = (int)n;
		break;
	case OPT_PORT_FILE:
		o->port_file = value;
		break;
	case OPT_LATENCY:
		good = sim_duration_us(str_from(value), &o->latency_us);
		break;
	case OPT_SPEED:
		good = read_number(value, 1000000, &o->tokens_per_second);
		break;
	case OPT_SEED:
		good = read_number(value, INT64_MAX, &n);
		o->seed = (uint64_t)n;
		break;
	case OPT_KEY:
		o->api_key = value;
		break;
	case OPT_PLAN:
		o->plan = value;
		break;
	case OPT_JOB:
		good = sim_duration_us(str_from(value), &o->job_us);
		break;
	case OPT_SHARE:
		good = read_number(value, 100, &n);
		o->weak_share = (int)n;
		break;
	case OPT_NO_MARK:
		o->no_mark = true;
		break;
	case OPT_BILL:
		o->bill = value;
		break;
	case OPT_QUIET:
		o->quiet = true;
		break;
	default:
		good = false;
	}
	return good;
}

/* 0 to go on, else the exit code plus one. */
static int
read_options(struct sim_options *o, int argc, char **argv)
{
	int name;
	while ((name = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (name == OPT_HELP || name == 'h') {
			fputs(help, stdout);
			return 1;
		}
		if (name == OPT_VERSION) {
			puts("farthing-sim " FARTHING_VERSION);
			return 1;
		}
		if (name == '?')
			return 3;
		if (!read_option(o, name, optarg)) {
			fprintf(stderr, "farthing-sim: bad value: %s\n", optarg != NULL ? optarg : "");
			return 3;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "farthing-sim: unexpected argument: %s\n", argv[optind]);
		return 3;
	}
	return 0;
}

static int
read_plan(struct sim *s)
{
	struct buf text = { 0 };
	char part[4096];
	size_t n;
	int line = 0;
	if (s->options.plan == NULL)
		return 0;
	FILE *f = fopen(s->options.plan, "r");
	if (f == NULL) {
		fprintf(stderr, "farthing-sim: cannot read %s\n", s->options.plan);
		return -1;
	}
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_add(&text, (struct str){ part, n });
	fclose(f);
	int rc = sim_plan_read(&s->plan, buf_str(&text), &line);
	buf_free(&text);
	if (rc != 0)
		fprintf(stderr, "farthing-sim: %s:%d: not METHOD PATH PLACE FAULTS\n", s->options.plan, line);
	return rc;
}

static int
open_bill(struct sim *s)
{
	const char *path = s->options.bill;
	if (path == NULL)
		return 0;
	s->bill.lines = fopen(path, "w");
	if (s->bill.lines == NULL) {
		fprintf(stderr, "farthing-sim: cannot write %s\n", path);
		return -1;
	}
	fputs("endpoint,model,mark,prompt,cached,completion,reasoning,picousd,stated\n", s->bill.lines);
	return 0;
}

/* Written beside and renamed, so that a reader sees all of it or nothing. */
static int
write_port(const struct sim_options *o)
{
	char beside[4096];
	if (o->port_file == NULL)
		return 0;
	if ((size_t)snprintf(beside, sizeof beside, "%s.new", o->port_file) >= sizeof beside)
		return -1;
	FILE *f = fopen(beside, "w");
	if (f == NULL)
		return -1;
	fprintf(f, "%d\n", o->port);
	return fclose(f) == 0 && rename(beside, o->port_file) == 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	static struct sim_server server;
	struct sim *s = &server.sim;
	struct err e;
	int rc = 1;
	s->options = (struct sim_options){ .port = 9090, .job_us = 1000000, .weak_share = 60 };
	int stop = read_options(&s->options, argc, argv);
	if (stop != 0)
		return stop - 1;
	s->plan.seed = s->options.seed;
	if (read_plan(s) != 0 || open_bill(s) != 0)
		return 1;
	s->trace = sim_trace_new();
	sim_files_open(s);
	sim_jobs_open(s);
	sim_responses_open(s);
	if (sim_server_open(&server, &e) != 0) {
		fprintf(stderr, "farthing-sim: %s\n", e.text);
		goto done;
	}
	if (write_port(&s->options) != 0) {
		fprintf(stderr, "farthing-sim: cannot write %s\n", s->options.port_file);
		goto done;
	}
	if (!s->options.quiet) {
		printf("farthing-sim listens on http://127.0.0.1:%d/v1\n", s->options.port);
		fflush(stdout);
	}
	sim_server_run(&server);
	rc = 0;
done:
	sim_server_close(&server);
	sim_responses_close(s);
	sim_jobs_close(s);
	sim_files_close(s);
	sim_trace_free(&s->trace);
	sim_plan_free(&s->plan);
	sim_seen_clear(&s->prefixes);
	sim_seen_clear(&s->bodies);
	if (s->bill.lines != NULL && fclose(s->bill.lines) != 0)
		rc = 1;
	return rc;
}
