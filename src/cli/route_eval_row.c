/*
 * One request of route-eval's data: what it asks, how good both answers were, what they cost.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "base/money.h"
#include "core/gist.h"
#include "learn/baseline.h"
#include "route_eval.h"
#include "text/score.h"

static const char *
column(const struct eval_data *d, enum eval_column c)
{
	return d->wish->columns[c];
}

/* ---- A line of JSON ---- */

struct line {
	struct eval_data *d;
	int64_t number;
	const struct json *j;
	struct eval_row *row;
};

static uint32_t
member(const struct line *l, enum eval_column c)
{
	uint32_t node = json_member(l->j, 0, column(l->d, c));
	return node != 0 && json_type(l->j, node) != JSON_NULL ? node : 0;
}

static bool
quality_of(const struct json *j, uint32_t node, double *good)
{
	enum json_type type = json_type(j, node);
	if (type == JSON_TRUE || type == JSON_FALSE)
		*good = type == JSON_TRUE;
	else if (type != JSON_NUMBER || !json_double(j, node, good))
		return false;
	return *good >= 0 && *good <= 1;
}

static int
read_outcome(struct line *l, int side, uint32_t correct)
{
	struct eval_data *d = l->d;
	const char *name = column(d, side == WEAK ? COLUMN_WEAK : COLUMN_STRONG);
	uint32_t node = member(l, side == WEAK ? COLUMN_WEAK : COLUMN_STRONG);
	if (node == 0 && correct == 0)
		return eval_fault(d, l->number, "'%s' is missing, and there is no '%s' either", name,
		    column(d, COLUMN_CORRECT));
	if (node == 0) {
		name = d->model[side];
		if (name == NULL || (d->model[!side] != NULL && strcmp(name, d->model[!side]) == 0))
			return eval_fault(d, l->number,
			    "which model is the weak and which the strong one? --weak and --strong say it");
		if ((node = eval_find(d, side, l->j, correct)) == 0)
			return eval_fault(d, l->number, "'%s' has no '%s'", column(d, COLUMN_CORRECT), name);
		char key[96];
		json_label(l->j, node - 1, key, sizeof key);
		eval_name(d, side, str_from(key));
	}
	if (!quality_of(l->j, node, &l->row->good[side]))
		return eval_fault(d, l->number, "'%s' must be from 0 to 1, or true or false", name);
	return 0;
}

static int
read_outcomes(struct line *l)
{
	uint32_t correct = member(l, COLUMN_CORRECT);
	if (correct != 0 && json_type(l->j, correct) != JSON_OBJECT)
		return eval_fault(l->d, l->number, "'%s' must be an object", column(l->d, COLUMN_CORRECT));
	return read_outcome(l, WEAK, correct) == 0 && read_outcome(l, STRONG, correct) == 0 ? 0 : -1;
}

static int
price_of(const struct price *p, int64_t input, int64_t output, int64_t *pico)
{
	int64_t in, out;
	return p != NULL && money_times(p->input, input, &in) && money_times(p->output, output, &out) &&
		       money_add(in, out, pico) && money_add(*pico, p->fee, pico)
		   ? 0
		   : -1;
}

static int
read_tokens(struct line *l, int side)
{
	struct eval_data *d = l->d;
	uint32_t prompt = member(l, COLUMN_PROMPT_TOKENS), outs = member(l, COLUMN_OUT_TOKENS);
	int64_t input, output;
	if (prompt == 0 || outs == 0 || d->model[side] == NULL)
		return 0;
	if (!json_int(l->j, prompt, &input) || input < 0)
		return eval_fault(
		    d, l->number, "'%s' must be a whole number", column(d, COLUMN_PROMPT_TOKENS));
	uint32_t node = json_type(l->j, outs) == JSON_OBJECT ? eval_find(d, side, l->j, outs) : 0;
	if (node == 0 || !json_int(l->j, node, &output) || output < 0)
		return eval_fault(d, l->number, "'%s' must have a whole number for '%s'",
		    column(d, COLUMN_OUT_TOKENS), d->model[side]);
	if (price_of(d->price[side], input, output, &l->row->pico[side]) != 0)
		l->row->pico[side] = -1;
	return 0;
}

static int
read_cost(struct line *l, int side)
{
	enum eval_column c = side == WEAK ? COLUMN_WEAK_USD : COLUMN_STRONG_USD;
	uint32_t node = member(l, c);
	if (node == 0)
		return read_tokens(l, side);
	struct str text = json_raw(l->j, node);
	if (json_type(l->j, node) == JSON_STRING)
		text = (struct str){ text.p + 1, text.n - 2 };
	if (!eval_usd(text, &l->row->pico[side]))
		return eval_fault(l->d, l->number, "'%s' must be an amount of dollars", column(l->d, c));
	return 0;
}

/* As the gateway would read it, whatever model it asks for. */
static int
score_body(struct line *l, struct buf *body)
{
	struct request_context context = {
		.config = l->d->config, .scope = "", .directives = "", .task = "default"
	};
	struct request r;
	struct gist g = { 0 };
	struct err e = { 0 };
	int rc = request_read(&r, ENDPOINT_CHAT, body, &context, &e);
	if (rc != 0)
		eval_fault(l->d, l->number, "%s", e.text);
	else if ((rc = gist_of(&r, &g)) != 0)
		eval_fault(l->d, l->number, "out of memory");
	if (rc == 0) {
		l->row->length = (double)g.input.bytes;
		l->row->keywords = baseline_keywords(g.input.last);
		if (!isfinite(l->row->score))
			l->row->score = score_of(&g.input);
		l->d->texts++;
	}
	gist_free(&g);
	request_free(&r);
	return rc;
}

static int
read_body(struct line *l, uint32_t request, uint32_t messages)
{
	struct buf body = { 0 }, store = { 0 };
	struct json inner = { 0 };
	struct json_fault fault;
	struct json_edit edit;
	int rc = -1;
	if (request == 0) {
		rc = buf_printf(&body, "{\"model\":\"auto\",\"messages\":") != 0 ||
			     buf_add(&body, json_raw(l->j, messages)) != 0 || buf_add_c(&body, '}') != 0
			 ? -1
			 : 0;
	} else if (json_type(l->j, request) != JSON_OBJECT) {
		return eval_fault(l->d, l->number, "'%s' must be an object", column(l->d, COLUMN_REQUEST));
	} else if (json_scan(&inner, json_raw(l->j, request), JSON_LIMITS, &fault) == 0 &&
		   json_set(&inner, "model", STR("\"auto\""), &store, &edit) == 0) {
		rc = json_splice(inner.text, &edit, 1, &body);
	}
	rc = rc != 0 ? eval_fault(l->d, l->number, "out of memory") : score_body(l, &body);
	json_free(&inner);
	buf_free(&store);
	buf_free(&body);
	return rc;
}

static int
read_prompt(struct line *l, uint32_t node)
{
	struct buf text = { 0 };
	if (json_type(l->j, node) != JSON_STRING)
		return eval_fault(l->d, l->number, "'%s' must be a string", column(l->d, COLUMN_PROMPT));
	int rc = json_text(l->j, node, &text);
	if (rc != 0)
		eval_fault(l->d, l->number, "out of memory");
	else
		eval_text(l->d, buf_str(&text), l->row);
	buf_free(&text);
	return rc;
}

static int
read_question(struct line *l)
{
	uint32_t score = member(l, COLUMN_SCORE), prompt = member(l, COLUMN_PROMPT);
	uint32_t request = member(l, COLUMN_REQUEST), messages = member(l, COLUMN_MESSAGES);
	if (score != 0 &&
	    (json_type(l->j, score) != JSON_NUMBER || !json_double(l->j, score, &l->row->score)))
		return eval_fault(l->d, l->number, "'%s' must be a number", column(l->d, COLUMN_SCORE));
	l->d->scores += score != 0;
	if (request != 0 || messages != 0)
		return read_body(l, request, messages);
	if (prompt != 0)
		return read_prompt(l, prompt);
	if (score != 0)
		return 0;
	return eval_fault(l->d, l->number, "'%s' is missing, and there is no '%s', '%s' or '%s' either",
	    column(l->d, COLUMN_PROMPT), column(l->d, COLUMN_MESSAGES), column(l->d, COLUMN_REQUEST),
	    column(l->d, COLUMN_SCORE));
}

int
eval_row_json(struct eval_data *d, int64_t line, struct json *j, struct str text, struct eval_row *row)
{
	struct json_fault fault;
	struct line l = { d, line, j, row };
	if (json_scan(j, text, JSON_LIMITS, &fault) != 0)
		return eval_fault(d, line, "not valid JSON: %s (at byte %u)", fault.text, fault.at);
	if (json_type(j, 0) != JSON_OBJECT)
		return eval_fault(d, line, "an object is expected");
	if (read_outcomes(&l) != 0 || read_cost(&l, WEAK) != 0 || read_cost(&l, STRONG) != 0)
		return -1;
	return read_question(&l);
}

/* ---- A record of CSV ---- */

/* Columns of the form MODEL_correct: those of the models asked for, else the first is the weak one and the second the strong. */
static void
find_outcomes(struct eval_data *d, const struct csv_reader *r, struct eval_head *head)
{
	static const struct str tail = STR("_correct");
	int found[2] = { -1, -1 }, named[2] = { -1, -1 }, count = 0;
	for (size_t i = 0; i < r->count; i++) {
		struct str name = { r->fields[i].p, r->fields[i].n - tail.n };
		if (!str_ends(r->fields[i], tail))
			continue;
		if (count < 2)
			found[count] = (int)i;
		count++;
		for (int side = 0; side < 2; side++)
			if (d->model[side] != NULL && eval_is_model(name, d->model[side]))
				named[side] = (int)i;
	}
	bool asked = d->wish->model[WEAK] != NULL || d->wish->model[STRONG] != NULL;
	bool by_name = asked || (named[WEAK] >= 0 && named[STRONG] >= 0 && named[WEAK] != named[STRONG]);
	for (int side = 0; side < 2; side++) {
		int *at = &head->column[side == WEAK ? COLUMN_WEAK : COLUMN_STRONG];
		head->model[side][0] = '\0';
		if (*at >= 0)
			continue;
		if (by_name || count == 2)
			*at = by_name ? named[side] : found[side];
		if (*at < 0)
			continue;
		struct str name = r->fields[*at];
		str_copy(
		    head->model[side], sizeof head->model[side], (struct str){ name.p, name.n - tail.n });
	}
}

int
eval_head_csv(struct eval_data *d, const struct csv_reader *r, struct eval_head *head)
{
	head->fields = r->count;
	for (int c = 0; c < COLUMNS; c++) {
		head->column[c] = -1;
		for (size_t i = 0; i < r->count; i++)
			if (str_eq(r->fields[i], str_from(column(d, (enum eval_column)c))))
				head->column[c] = (int)i;
	}
	find_outcomes(d, r, head);
	if (head->column[COLUMN_PROMPT] < 0 && head->column[COLUMN_SCORE] < 0)
		return eval_fault(d, r->line, "there is no column '%s' or '%s'", column(d, COLUMN_PROMPT),
		    column(d, COLUMN_SCORE));
	for (int side = 0; side < 2; side++)
		if (head->column[side == WEAK ? COLUMN_WEAK : COLUMN_STRONG] < 0)
			return eval_fault(d, r->line,
			    "there is no column '%s', and none of a model's name and '_correct' to stand for "
			    "it",
			    column(d, side == WEAK ? COLUMN_WEAK : COLUMN_STRONG));
	return 0;
}

/* Empty: not there, or nothing in it */
static struct str
field(const struct csv_reader *r, const struct eval_head *head, enum eval_column c)
{
	if (head->column[c] < 0)
		return STR("");
	return r->fields[head->column[c]];
}

static bool
quality_in(struct str text, double *good)
{
	text = str_trim(text);
	if (str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("false"))) {
		*good = text.n == 4;
		return true;
	}
	return eval_number(text, good) && *good >= 0 && *good <= 1;
}

static int
read_side(struct eval_data *d, const struct csv_reader *r, const struct eval_head *head, int side,
    struct eval_row *row)
{
	enum eval_column good = side == WEAK ? COLUMN_WEAK : COLUMN_STRONG;
	enum eval_column usd = side == WEAK ? COLUMN_WEAK_USD : COLUMN_STRONG_USD;
	struct str cost = field(r, head, usd);
	if (!quality_in(field(r, head, good), &row->good[side]))
		return eval_fault(
		    d, r->line, "field %d must be from 0 to 1, or true or false", head->column[good] + 1);
	if (cost.n > 0 && !eval_usd(cost, &row->pico[side]))
		return eval_fault(d, r->line, "'%s' must be an amount of dollars", column(d, usd));
	if (head->model[side][0] != '\0')
		eval_name(d, side, str_from(head->model[side]));
	return 0;
}

int
eval_row_csv(
    struct eval_data *d, const struct csv_reader *r, const struct eval_head *head, struct eval_row *row)
{
	struct str score = field(r, head, COLUMN_SCORE), prompt = field(r, head, COLUMN_PROMPT);
	if (r->count != head->fields)
		return eval_fault(d, r->line, "%zu fields, where the head has %zu", r->count, head->fields);
	if (read_side(d, r, head, WEAK, row) != 0 || read_side(d, r, head, STRONG, row) != 0)
		return -1;
	if (score.n > 0 && !eval_number(score, &row->score))
		return eval_fault(d, r->line, "'%s' must be a number", column(d, COLUMN_SCORE));
	d->scores += score.n > 0;
	if (prompt.n > 0)
		eval_text(d, prompt, row);
	else if (score.n == 0)
		return eval_fault(d, r->line, "there is nothing to score: no '%s' and no '%s'",
		    column(d, COLUMN_PROMPT), column(d, COLUMN_SCORE));
	return 0;
}
