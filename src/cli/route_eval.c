/*
 * farthing route-eval: how good the router is on requests whose outcomes are known.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <stdlib.h>

#include "cli.h"
#include "route_eval.h"

static const char usage[] =
    "usage: farthing route-eval DATA [--format F] [--plot FILE.svg] [--weak MODEL] [--strong MODEL]\n"
    "                           [--column NAME=FIELD]... [-c FILE]\n"
    "\n"
    "How well the router's score tells which requests need the strong model, beside what prompt length, key\n"
    "words and chance would do. DATA has a request a line with the outcomes of a weak and a strong model:\n"
    "JSON lines, CSV with a head, or - for the standard input. Nobody is called.\n"
    "\n"
    "  prompt, or messages, or request   the text, or a chat's messages, or a whole chat body\n"
    "  score                             instead, or besides: a score of your own\n"
    "  weak, strong                      how good each answer was, from 0 to 1\n"
    "  correct                           instead: {\"MODEL\": 0..1, ...}; in CSV columns MODEL_correct\n"
    "  weak_usd, strong_usd              what each cost, if known\n"
    "  prompt_tokens, out_tokens         instead: a number, and {\"MODEL\": number}, for the configured "
    "prices\n"
    "\n"
    "      --format F           table, json, or csv (the curve)\n"
    "      --plot FILE.svg      draws the curves\n"
    "      --weak MODEL         which of the models is the weak one; by default that of "
    "routing.tiers.simple\n"
    "      --strong MODEL       and the strong one; that of routing.tiers.complex. A name also means dated\n"
    "                           versions of it: gpt-4o finds gpt-4o-2024-08-06\n"
    "      --column NAME=FIELD  reads the field NAME above from FIELD: --column prompt=question\n"
    "  -c, --config FILE        the configuration: thresholds, tiers and prices\n"
    "  -h, --help               this text\n"
    "\n"
    "APGR is the share of the gap between both models' quality that is recovered, averaged over all shares "
    "of\n"
    "requests that may go to the strong one; CPT(x) is the smallest such share that recovers x of it.\n"
    "docs/route-eval.md tells more.\n"
    "\n"
    "Exit status: 0 measured, 1 the data or the configuration cannot be read, 2 wrong usage.\n";

enum { OPT_FORMAT = 256, OPT_PLOT, OPT_WEAK, OPT_STRONG, OPT_COLUMN };

/* NAME=FIELD; -1: no such name */
static int
take_column(struct eval_wish *w, const char *text)
{
	struct str rest = str_from(text), name;
	if (!str_cut(&rest, '=', &name) || name.n == strlen(text) || rest.n == 0)
		name = (struct str){ 0 };
	for (int c = 0; c < COLUMNS; c++)
		if (str_eq(name, str_from(eval_columns[c]))) {
			w->columns[c] = rest.p;
			return 0;
		}
	fprintf(stderr, "farthing: --column wants NAME=FIELD with one of the names");
	for (int c = 0; c < COLUMNS; c++)
		fprintf(stderr, "%s %s", c > 0 ? "," : "", eval_columns[c]);
	fprintf(stderr, "; not '%s'\n", text);
	return -1;
}

static int
take_format(struct eval_wish *w, const char *format)
{
	w->format = format;
	if (strcmp(format, "table") == 0 || strcmp(format, "json") == 0 || strcmp(format, "csv") == 0)
		return 0;
	fprintf(stderr, "farthing: --format knows table, json and csv, not '%s'\n", format);
	return -1;
}

/* -1: go on; else the exit status */
static int
read_wish(int argc, char **argv, struct eval_wish *w)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, OPT_FORMAT },
		{ "plot", required_argument, NULL, OPT_PLOT },
		{ "weak", required_argument, NULL, OPT_WEAK },
		{ "strong", required_argument, NULL, OPT_STRONG },
		{ "column", required_argument, NULL, OPT_COLUMN },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int bad = 0;
	for (int o; (o = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		if (o == 'h' || o == '?') {
			fputs(usage, o == 'h' ? stdout : stderr);
			return o == 'h' ? GOOD : USAGE;
		}
		if (o == OPT_FORMAT)
			bad |= take_format(w, optarg);
		else if (o == OPT_COLUMN)
			bad |= take_column(w, optarg);
		else if (o == OPT_PLOT)
			w->plot = optarg;
		else if (o == 'c')
			w->config = optarg;
		else
			w->model[o == OPT_WEAK ? WEAK : STRONG] = optarg;
	}
	if (bad != 0)
		return USAGE;
	if (argc - optind != 1) {
		fputs(usage, stderr);
		return USAGE;
	}
	w->data = argv[optind];
	return -1;
}

static int
show(const struct eval *e, const struct eval_wish *w)
{
	struct buf text = { 0 };
	if (strcmp(w->format, "table") == 0)
		eval_show_table(e, stdout);
	else if (strcmp(w->format, "json") == 0)
		eval_show_json(e, &text);
	else
		eval_show_csv(e, &text);
	if (text.n > 0)
		fwrite(text.p, 1, text.n, stdout);
	bool good = fflush(stdout) == 0 && !ferror(stdout);
	buf_free(&text);
	if (!good)
		fputs("farthing: the output cannot be written\n", stderr);
	if (w->plot != NULL && eval_draw(e, w->plot) != 0)
		good = false;
	return good ? GOOD : BAD;
}

static int
evaluate(const struct eval_wish *w, const struct config *c)
{
	struct eval_data d;
	struct eval *e = must_alloc(sizeof *e);
	int status = BAD;
	if (eval_read(&d, w, c) == 0) {
		eval_measure(&d, e);
		status = show(e, w);
	}
	eval_free(&d);
	free(e);
	return status;
}

int
cmd_route_eval(int argc, char **argv)
{
	struct eval_wish w = { .format = "table" };
	memcpy(w.columns, eval_columns, sizeof w.columns);
	optind = 0; /* main has looked at the options before the subcommand; glibc starts again at 0 */
	int status = read_wish(argc, argv, &w);
	if (status >= 0)
		return status;
	struct config_problem *problems = NULL;
	struct config *c = config_load_without_secrets(w.config, NULL, &problems);
	print_problems(problems);
	config_problems_free(&problems);
	if (c == NULL)
		return BAD;
	status = evaluate(&w, c);
	config_drop(&c);
	return status;
}
