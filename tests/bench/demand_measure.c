/*
 * How the checks of text/demand.h do on answers that were judged by others: for each kind, how often it finds fault with answers that
 * are right (a false alarm costs a call of the dear model) and how much of what is wrong it finds.
 *
 *   demand_measure FILE...             a table; rows are JSON lines {"id", "prompt", "correct": {model: 0|1}, "output": {model: text}}
 *   demand_measure --faults FILE...    each fault instead: id, model, kind, whether the answer was right, why
 *   demand_measure --prompts FILE...   what each prompt ("prompt" or "instruction") is found to demand, those without left out
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "text/demand.h"

enum { MODELS = 4 };

struct tally {
	char model[64];
	int right, wrong;
	int right_faults[DEMAND_KINDS + 1], wrong_faults[DEMAND_KINDS + 1]; /* the last: by any of them */
};

static struct tally tallies[MODELS];
static bool show_faults;

static struct tally *
tally_of(const char *model)
{
	for (int i = 0; i < MODELS; i++) {
		if (tallies[i].model[0] == '\0')
			str_copy(tallies[i].model, sizeof tallies[i].model, str_from(model));
		if (strcmp(tallies[i].model, model) == 0)
			return &tallies[i];
	}
	return NULL;
}

static void
judge(const char *id, const struct demands *d, struct str text, struct tally *t, bool right)
{
	bool any = false;
	struct demand_answer answer = { .text = text };
	*(right ? &t->right : &t->wrong) += 1;
	for (int k = 0; k < DEMAND_KINDS; k++) {
		bool checks[DEMAND_KINDS] = { false };
		enum demand_kind kind;
		char why[96];
		checks[k] = true;
		if (demands_met(d, &answer, checks, &kind, why))
			continue;
		any = true;
		(right ? t->right_faults : t->wrong_faults)[k]++;
		if (show_faults)
			printf("%s\t%s\t%s\t%s\t%s\n", id, t->model, demand_name(kind),
			    right ? "right" : "wrong", why);
	}
	(right ? t->right_faults : t->wrong_faults)[DEMAND_KINDS] += any;
}

static void
row(const struct json *j)
{
	struct buf prompt = { 0 }, text = { 0 };
	char id[64], model[64];
	uint32_t asked = json_member(j, 0, "prompt"), correct = json_member(j, 0, "correct"),
		 output = json_member(j, 0, "output"), name = json_member(j, 0, "id");
	if (asked == 0 || correct == 0 || output == 0 || name == 0)
		return;
	json_label(j, name, id, sizeof id);
	json_text(j, asked, &prompt);
	struct demand_source source = { .last = buf_str(&prompt) };
	struct demands *d = demands_of(&source);
	for (uint32_t key = json_first(j, output); d != NULL && key != 0;
	     key = json_next(j, output, key + 1)) {
		json_label(j, key, model, sizeof model);
		uint32_t verdict = json_member(j, correct, model);
		struct tally *t = tally_of(model);
		buf_clear(&text);
		if (verdict == 0 || t == NULL || json_text(j, key + 1, &text) != 0)
			continue;
		judge(id, d, buf_str(&text), t, str_eq(json_raw(j, verdict), STR("1")));
	}
	demands_free(&d);
	buf_free(&prompt);
	buf_free(&text);
}

static void
show_prompt(const struct json *j)
{
	struct buf prompt = { 0 }, out = { 0 };
	uint32_t asked = json_member(j, 0, "prompt");
	if (asked == 0)
		asked = json_member(j, 0, "instruction");
	if (asked == 0)
		return;
	json_text(j, asked, &prompt);
	struct demand_source source = { .last = buf_str(&prompt) };
	struct demands *d = demands_of(&source);
	if (d != NULL && demands_checkable(d)) {
		demands_print(d, &out);
		printf("%.*s\t%.*s\n", STR_FMT(buf_str(&out)), STR_FMT(json_raw(j, asked)));
	}
	demands_free(&d);
	buf_free(&prompt);
	buf_free(&out);
}

static void
show_table(const char *path)
{
	printf("%s\n%-26s %-10s %17s %17s %10s\n", path, "model", "check", "of right answers",
	    "of wrong ones", "precision");
	for (int i = 0; i < MODELS && tallies[i].model[0] != '\0'; i++)
		for (int k = 0; k <= DEMAND_KINDS; k++) {
			const struct tally *t = &tallies[i];
			int right = t->right_faults[k], wrong = t->wrong_faults[k];
			if (right + wrong > 0)
				printf("%-26s %-10s %6d %4d %5.2f%% %6d %4d %5.1f%% %10.3f\n", t->model,
				    k == DEMAND_KINDS ? "any" : demand_name((enum demand_kind)k), t->right,
				    right, 100.0 * right / (t->right > 0 ? t->right : 1), t->wrong, wrong,
				    100.0 * wrong / (t->wrong > 0 ? t->wrong : 1),
				    (double)wrong / (right + wrong));
		}
}

static int
read_file(const char *path, bool prompts)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;
	struct json j = { 0 };
	struct json_fault fault;
	if (f == NULL) {
		perror(path);
		return 1;
	}
	memset(tallies, 0, sizeof tallies);
	for (ssize_t n; (n = getline(&line, &cap, f)) > 0;) {
		if (json_scan(&j, (struct str){ line, (size_t)n }, JSON_LIMITS, &fault) != 0)
			continue;
		if (prompts)
			show_prompt(&j);
		else
			row(&j);
	}
	if (!prompts && !show_faults)
		show_table(path);
	json_free(&j);
	free(line);
	fclose(f);
	return 0;
}

int
main(int argc, char **argv)
{
	bool prompts = argc > 1 && strcmp(argv[1], "--prompts") == 0;
	show_faults = argc > 1 && strcmp(argv[1], "--faults") == 0;
	int rc = 0;
	for (int i = 1 + (prompts || show_faults); i < argc; i++)
		rc |= read_file(argv[i], prompts);
	return rc;
}
