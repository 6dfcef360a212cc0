/*
 * What escalation costs and gains on recorded outcomes: gpt-4o-mini answered, and where its answer fails a check gpt-4o is asked, too. The
 * checks are the gateway's own (text/demand.h), or an ideal one that knows the right answer, as a client has that runs tests or
 * compares with a key. Routing by score alone, and both together, stand beside it. Costs are exact tokens at the prices below.
 *
 * "Within 40 %" is routing.escalate.spend as it ships, and its very code (src/stages/escalate_spend.h): a task, here a set, escalates only as
 * long as all its answers so far that a cheap model gave first cost no more than that share of what the dear model would have cost,
 * by what can be known at the time: the prompt's tokens, and the cheap answer's in place of the dear one's. All within an instant, so nothing fades.
 *
 *     bench_escalate FOLDER [SCORES]      FOLDER has gpt4o_SET.jsonl (outputs) and gpt4o_SET_tokens.jsonl of every set; prints Markdown
 *
 * The weights compiled in are trained on these sets, so the rows with a score are in-sample. SCORES is a file with a score a line, in the
 * order of the requests: of models that have not seen them, by cross-validation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/money.h"
#include "stages/escalate_spend.h"
#include "text/demand.h"
#include "text/score.h"

/* Pico-dollars per token: 2.50 and 10.00, 0.15 and 0.60 dollars per million. */
enum { DEAR_IN = 2500000, DEAR_OUT = 10000000, MINI_IN = 150000, MINI_OUT = 600000 };

enum { SETS = 4, ROWS_MOST = 4096 };

static const char *const sets[SETS] = { "crux", "gsm", "math-l5", "numersense-v2" };
static const char mini[] = "gpt-4o-mini-2024-07-18";
static const char *const dears[] = { "gpt-4o-2024-05-13", "gpt-4o-2024-08-06" };
/* Of the requests of all sets, those of highest score: what the score is worth whatever its scale. */
static const double shares[] = { 0.1, 0.2 };
static const double configured = 0.7;

enum { DEARS = 2, SHARES = sizeof shares / sizeof *shares };

struct row {
	int set;
	double score;
	bool fails; /* the gateway finds fault with mini's answer */
	enum demand_kind kind;
	bool mini_right;
	int64_t mini_pico;
	bool dear_known[DEARS], dear_right[DEARS];
	int64_t dear_pico[DEARS];
	int64_t guess_pico; /* of dear_pico, before it is known */
};

static struct row rows[ROWS_MOST];
static size_t count;

/* ---- Reading ---- */

static void
die(const char *path, size_t line, const char *why)
{
	fprintf(stderr, "%s:%zu: %s\n", path, line, why);
	exit(1);
}

struct source {
	char path[512];
	FILE *f;
	char *line;
	size_t room, number;
	struct json j;
};

static void
open_source(struct source *s, const char *folder, const char *set, const char *tail)
{
	*s = (struct source){ 0 };
	snprintf(s->path, sizeof s->path, "%s/gpt4o_%s%s.jsonl", folder, set, tail);
	if ((s->f = fopen(s->path, "rb")) == NULL)
		die(s->path, 0, "cannot be opened");
}

static bool
next_line(struct source *s)
{
	struct json_fault fault;
	ssize_t n = getline(&s->line, &s->room, s->f);
	s->number++;
	if (n > 0 && json_scan(&s->j, (struct str){ s->line, (size_t)n }, JSON_LIMITS, &fault) != 0)
		die(s->path, s->number, fault.text);
	return n > 0;
}

static void
close_source(struct source *s)
{
	fclose(s->f);
	free(s->line);
	json_free(&s->j);
}

static uint32_t
need(const struct source *s, uint32_t object, const char *name)
{
	uint32_t node = json_member(&s->j, object, name);
	if (node == 0)
		die(s->path, s->number, name);
	return node;
}

static int64_t
number(const struct source *s, uint32_t node)
{
	int64_t n;
	if (!json_int(&s->j, node, &n))
		die(s->path, s->number, "a whole number is expected");
	return n;
}

static void
read_tokens(const struct source *s, struct row *r)
{
	int64_t in = number(s, need(s, 0, "prompt_tokens"));
	uint32_t outs = need(s, 0, "out_tokens"), right = need(s, 0, "correct");
	r->mini_pico = in * MINI_IN + number(s, need(s, outs, mini)) * MINI_OUT;
	r->guess_pico = in * DEAR_IN + number(s, need(s, outs, mini)) * DEAR_OUT;
	r->mini_right = number(s, need(s, right, mini)) == 1;
	for (int d = 0; d < DEARS; d++) {
		uint32_t out = json_member(&s->j, outs, dears[d]);
		r->dear_known[d] = out != 0;
		if (out == 0)
			continue;
		r->dear_pico[d] = in * DEAR_IN + number(s, out) * DEAR_OUT;
		r->dear_right[d] = number(s, need(s, right, dears[d])) == 1;
	}
}

/* As the gateway would, with every check on. */
static void
judge(const struct source *s, struct row *r)
{
	bool all[DEMAND_KINDS];
	struct buf prompt = { 0 }, answer = { 0 };
	if (json_text(&s->j, need(s, 0, "prompt"), &prompt) != 0 ||
	    json_text(&s->j, need(s, need(s, 0, "output"), mini), &answer) != 0)
		die(s->path, s->number, "a text is expected");
	struct score_input in = { .last = buf_str(&prompt), .bytes = prompt.n, .turns = 1, .max_output = -1 };
	struct demands *d = demands_of(&(struct demand_source){ .last = buf_str(&prompt) });
	if (d == NULL)
		die(s->path, s->number, "out of memory");
	for (int kind = 0; kind < DEMAND_KINDS; kind++)
		all[kind] = true;
	r->score = score_of(&in);
	r->fails = !demands_met(d, &(struct demand_answer){ .text = buf_str(&answer) }, all, &r->kind, NULL);
	demands_free(&d);
	buf_free(&prompt);
	buf_free(&answer);
}

static void
read_set(const char *folder, int set)
{
	struct source outputs, tokens;
	open_source(&outputs, folder, sets[set], "");
	open_source(&tokens, folder, sets[set], "_tokens");
	while (next_line(&outputs) && next_line(&tokens)) {
		if (!str_eq(json_raw(&outputs.j, need(&outputs, 0, "id")),
			json_raw(&tokens.j, need(&tokens, 0, "id"))))
			die(tokens.path, tokens.number, "another request than in the file of outputs");
		if (count == ROWS_MOST)
			die(tokens.path, tokens.number, "too many");
		rows[count].set = set;
		read_tokens(&tokens, &rows[count]);
		judge(&outputs, &rows[count++]);
	}
	close_source(&outputs);
	close_source(&tokens);
}

static void
read_scores(const char *path)
{
	char line[64];
	FILE *f = fopen(path, "r");
	if (f == NULL)
		die(path, 0, "cannot be opened");
	for (size_t i = 0; i < count; i++) {
		char *end = line;
		if (fgets(line, sizeof line, f) != NULL)
			rows[i].score = strtod(line, &end);
		if (end == line)
			die(path, i + 1, "a score is expected");
	}
	fclose(f);
}

/* ---- Ways to answer ---- */

enum check { CHECK_NONE, CHECK_OURS, CHECK_IDEAL };

struct way {
	double threshold; /* above it the dear model is asked at once; 2: never, -1: always */
	enum check check;
	double spend; /* share of the dear model's cost within which a task escalates; 0: no limit */
};

struct sum {
	int64_t requests, right, dear_right, dear_calls;
	int64_t pico, dear_pico;
};

static bool
escalates(const struct row *r, enum check check)
{
	return check == CHECK_OURS ? r->fails : check == CHECK_IDEAL && !r->mini_right;
}

static void
answer(const struct row *r, int dear, const struct way *w, struct spend_account *a, struct sum *s)
{
	bool direct = r->score > w->threshold, again = !direct && escalates(r, w->check);
	double guess = (double)r->guess_pico;
	if (!direct)
		spend_cheap(a, guess, (double)r->mini_pico, 0);
	again = again && spend_allows(a, w->spend, guess, 0);
	if (again)
		spend_dear(a, (double)r->dear_pico[dear], 0);
	s->requests++;
	s->dear_right += r->dear_right[dear];
	s->dear_pico += r->dear_pico[dear];
	s->right += direct || again ? r->dear_right[dear] : r->mini_right;
	s->pico += (direct ? 0 : r->mini_pico) + (direct || again ? r->dear_pico[dear] : 0);
	s->dear_calls += direct || again;
}

/* set -1: all of them */
static struct sum
try(const struct way *w, int set, int dear)
{
	struct sum s = { 0 };
	struct spend_account accounts[SETS] = { 0 };
	for (size_t i = 0; i < count; i++)
		if ((set < 0 || rows[i].set == set) && rows[i].dear_known[dear])
			answer(&rows[i], dear, w, &accounts[rows[i].set], &s);
	return s;
}

/* ---- Tables ---- */

static void
print_way(const char *name, const struct way *w, int dear)
{
	printf("| %s |", name);
	for (int set = -1; set < SETS; set++) {
		struct sum s = try(w, set, dear);
		if (s.requests == 0)
			printf(" |");
		else
			printf(" %.1f %% / %.1f %% |", 100.0 * (double)s.pico / (double)s.dear_pico,
			    100.0 * (double)s.right / (double)s.requests);
	}
	struct sum s = try(w, -1, dear);
	printf(" %.1f %% |\n", 100.0 * (double)s.dear_calls / (double)s.requests);
}

static int
by_value(const void *left, const void *right)
{
	const double *a = left, *b = right;
	return (*a > *b) - (*a < *b);
}

/* Above it is that share of the requests, or a little less where several have the same score. */
static double
threshold_of(double share, int dear)
{
	static double scores[ROWS_MOST];
	size_t n = 0;
	for (size_t i = 0; i < count; i++)
		if (rows[i].dear_known[dear])
			scores[n++] = rows[i].score;
	qsort(scores, n, sizeof *scores, by_value);
	return scores[(size_t)((1 - share) * (double)n) - 1];
}

static void
print_checks_at(const char *route, double threshold, int dear)
{
	static const struct {
		const char *name;
		enum check check;
		double spend;
	} checks[] = { { "", CHECK_NONE, 0 }, { ", our checks", CHECK_OURS, 0 },
		{ ", our checks within 40 %", CHECK_OURS, 0.4 }, { ", ideal check", CHECK_IDEAL, 0 },
		{ ", ideal check within 40 %", CHECK_IDEAL, 0.4 } };
	char name[96];
	for (size_t c = 0; c < sizeof checks / sizeof *checks; c++) {
		snprintf(name, sizeof name, "%s%s", route, checks[c].name);
		print_way(name, &(struct way){ threshold, checks[c].check, checks[c].spend }, dear);
	}
}

static void
print_ways(int dear)
{
	char route[64];
	printf("Against %s: cost as a share of always asking it / accuracy.\n\n| |", dears[dear]);
	for (int set = -1; set < SETS; set++)
		printf(" %s (%" PRId64 ") |", set < 0 ? "all" : sets[set],
		    try(&(struct way){ 2, CHECK_NONE, 0 }, set, dear).requests);
	printf(" dear calls |\n|---|---|---|---|---|---|---|\n");
	print_way("always gpt-4o", &(struct way){ -1, CHECK_NONE, 0 }, dear);
	print_checks_at("gpt-4o-mini first", 2, dear);
	for (int i = 0; i < SHARES; i++) {
		snprintf(route, sizeof route, "%.0f %% of highest score to gpt-4o", shares[i] * 100);
		print_checks_at(route, threshold_of(shares[i], dear), dear);
	}
	snprintf(route, sizeof route, "score above %.1f to gpt-4o", configured);
	print_checks_at(route, configured, dear);
	printf("\n");
}

/* How much the gateway's own checks know of right and wrong. */
static void
print_checks(void)
{
	printf("Answers of gpt-4o-mini, and what our checks find of them.\n\n"
	       "| set | answers | wrong | found fault with | of these wrong |\n|---|---|---|---|---|\n");
	for (int set = -1; set < SETS; set++) {
		int answers = 0, wrong = 0, fails = 0, both = 0;
		for (size_t i = 0; i < count; i++) {
			if (set >= 0 && rows[i].set != set)
				continue;
			answers++;
			wrong += !rows[i].mini_right;
			fails += rows[i].fails;
			both += rows[i].fails && !rows[i].mini_right;
		}
		printf(
		    "| %s | %d | %d | %d | %d |\n", set < 0 ? "all" : sets[set], answers, wrong, fails, both);
	}
	printf("\n| check | found fault | of these wrong |\n|---|---|---|\n");
	for (int kind = 0; kind < DEMAND_KINDS; kind++) {
		int fails = 0, both = 0;
		for (size_t i = 0; i < count; i++) {
			bool it = rows[i].fails && rows[i].kind == (enum demand_kind)kind;
			fails += it;
			both += it && !rows[i].mini_right;
		}
		if (fails > 0)
			printf("| %s | %d | %d |\n", demand_name((enum demand_kind)kind), fails, both);
	}
}

int
main(int argc, char **argv)
{
	if (argc != 2 && argc != 3) {
		fputs("usage: bench_escalate FOLDER [SCORES]\n", stderr);
		return 2;
	}
	for (int set = 0; set < SETS; set++)
		read_set(argv[1], set);
	if (argc == 3)
		read_scores(argv[2]);
	for (int dear = 0; dear < DEARS; dear++)
		print_ways(dear);
	print_checks();
	return 0;
}
