/*
 * The data of route-eval, one line or record in memory at a time; what is kept of each is a few numbers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/money.h"
#include "learn/baseline.h"
#include "route_eval.h"
#include "text/score.h"

enum { FAULTS_MOST = 20 };

const char *const eval_columns[COLUMNS] = { "prompt", "messages", "request", "score", "weak", "strong",
	"correct", "weak_usd", "strong_usd", "prompt_tokens", "out_tokens" };

/* ---- What both forms have in common ---- */

int
eval_fault(struct eval_data *d, int64_t line, const char *format, ...)
{
	char text[640];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (d->faults < FAULTS_MOST)
		fprintf(stderr, "%s:%lld: %s\n", d->path, (long long)line, text);
	d->faults++;
	return -1;
}

void
eval_text(struct eval_data *d, struct str text, struct eval_row *row)
{
	struct score_input in = { .last = text, .bytes = text.n, .turns = 1, .max_output = -1 };
	row->length = baseline_length(text);
	row->keywords = baseline_keywords(text);
	if (!isfinite(row->score))
		row->score = score_of(&in);
	d->texts++;
}

bool
eval_number(struct str text, double *number)
{
	char copy[64], *end;
	if (text.n == 0 || text.n >= sizeof copy || strchr(" \t\n\r", text.p[0]) != NULL)
		return false;
	str_copy(copy, sizeof copy, text);
	*number = strtod(copy, &end);
	return *end == '\0' && isfinite(*number);
}

bool
eval_usd(struct str text, int64_t *pico)
{
	double usd;
	if (money_parse_usd(text, pico) == 0)
		return true;
	/* Programs write 1.2e-05. */
	if (!eval_number(text, &usd) || usd < 0 || usd > 1e6)
		return false;
	*pico = llround(usd * (double)PICO_PER_USD);
	return true;
}

static int
keep(struct eval_data *d, int64_t line, const struct eval_row *row)
{
	if (d->count == EVAL_ROWS_MOST) {
		d->full = true;
		return eval_fault(d, line, "more than %d requests: take a sample of them", EVAL_ROWS_MOST);
	}
	if (d->count == d->room) {
		d->room = d->room > 0 ? 2 * d->room : 1024;
		struct eval_row *more = realloc(d->rows, d->room * sizeof *more);
		if (more == NULL) {
			d->full = true;
			return eval_fault(d, line, "out of memory");
		}
		d->rows = more;
	}
	d->rows[d->count++] = *row;
	return 0;
}

static bool
is_enough(const struct eval_data *d)
{
	return d->full || d->faults >= FAULTS_MOST;
}

static const struct eval_row nothing_known = { .score = NAN, .pico = { -1, -1 } };

/* ---- JSON lines ---- */

/* Without its end; false: nothing is left. *whole false: it is longer than may be, and only begun. */
static bool
read_line(FILE *f, struct buf *line, bool *whole)
{
	int c;
	buf_clear(line);
	*whole = true;
	while ((c = getc_unlocked(f)) != EOF && c != '\n')
		if (*whole && buf_add_c(line, (char)c) != 0)
			*whole = false;
	return c != EOF || line->n > 0;
}

static struct str
without_mark(struct str text)
{
	return str_starts(text, STR("\xEF\xBB\xBF")) ? (struct str){ text.p + 3, text.n - 3 } : text;
}

/* The next line that is not empty, without what stands around it; false: none is left. *number counts all of them. */
static bool
next_line(FILE *f, struct buf *line, int64_t *number, bool *whole, struct str *text)
{
	do {
		if (!read_line(f, line, whole))
			return false;
		*text = str_trim(buf_str(line));
		if (++*number == 1)
			*text = without_mark(*text);
		if (text->n > 0 && text->p[text->n - 1] == '\r')
			*text = str_trim((struct str){ text->p, text->n - 1 });
	} while (*whole && text->n == 0);
	return true;
}

/* What cannot be read is told when it is read in earnest. */
static void
look_ahead(struct eval_data *d, FILE *f, struct buf *line, struct json *j)
{
	struct json_fault fault;
	struct str text;
	int64_t number = 0, seen = 0;
	bool whole;
	while (next_line(f, line, &number, &whole, &text) && seen <= EVAL_ROWS_MOST) {
		seen++;
		if (whole && json_scan(j, text, JSON_LIMITS, &fault) == 0)
			eval_see_versions(d, j);
	}
	eval_settle_versions(d, seen);
	rewind(f);
}

static void
read_json(struct eval_data *d, FILE *f)
{
	struct buf line;
	struct json j = { 0 };
	struct str text;
	int64_t number = 0;
	bool whole;
	buf_init(&line, EVAL_ROW_BYTES);
	look_ahead(d, f, &line, &j);
	while (!is_enough(d) && next_line(f, &line, &number, &whole, &text)) {
		struct eval_row row = nothing_known;
		if (!whole)
			eval_fault(d, number, "the line is longer than %d MiB", EVAL_ROW_BYTES >> 20);
		else if (eval_row_json(d, number, &j, text, &row) == 0)
			keep(d, number, &row);
	}
	json_free(&j);
	buf_free(&line);
}

/* ---- CSV ---- */

static void
read_csv(struct eval_data *d, FILE *f)
{
	struct csv_reader *r = must_alloc(sizeof *r);
	struct eval_head head;
	*r = (struct csv_reader){ .from = f, .max = EVAL_ROW_BYTES };
	enum csv_got got = csv_read(r);
	if (got == CSV_RECORD) {
		r->fields[0] = without_mark(r->fields[0]);
		if (eval_head_csv(d, r, &head) != 0)
			got = CSV_END;
	}
	while (got == CSV_RECORD && !is_enough(d) && (got = csv_read(r)) == CSV_RECORD) {
		struct eval_row row = nothing_known;
		if (eval_row_csv(d, r, &head, &row) == 0)
			keep(d, r->line, &row);
	}
	if (got == CSV_BROKEN)
		eval_fault(d, r->line, "%s", r->why);
	csv_reader_free(r);
	free(r);
}

/* ---- The file ---- */

static bool
is_csv(const char *path, FILE *f)
{
	struct str name = str_from(path);
	if (str_ends(name, STR(".csv")))
		return true;
	if (str_ends(name, STR(".jsonl")) || str_ends(name, STR(".json")) || str_ends(name, STR(".ndjson")))
		return false;
	int c = getc(f);
	ungetc(c, f);
	return c != EOF && c != '{' && c != '\n' && c != ' ';
}

static const char *
named(const char *asked, const struct model_conf *configured)
{
	return asked != NULL ? asked : configured != NULL ? configured->name : NULL;
}

static void
settle_models(struct eval_data *d)
{
	static const enum tier tiers[2] = { TIER_SIMPLE, TIER_COMPLEX };
	for (int side = 0; side < 2; side++) {
		d->model[side] = named(d->wish->model[side], d->config->routing.tiers[tiers[side]]);
		const struct model_conf *m =
		    d->model[side] != NULL ? config_model(d->config, str_from(d->model[side])) : NULL;
		d->price[side] = m != NULL && m->price.known ? &m->price : NULL;
	}
}

/* One that has brought its score where others have not, or the other way round, would be compared with what it is not like. */
static void
check_all(struct eval_data *d)
{
	if (d->faults == 0 && d->scores > 0 && d->scores < d->count) {
		fprintf(stderr, "%s: %zu of %zu requests have a '%s'; all of them must, or none\n", d->path,
		    d->scores, d->count, d->wish->columns[COLUMN_SCORE]);
		d->faults++;
	}
	if (d->faults == 0 && d->count == 0) {
		fprintf(stderr, "%s: there is no request in it\n", d->path);
		d->faults++;
	}
}

/* A pipe as a file that can be read twice; NULL: errno says why */
static FILE *
spool(FILE *from)
{
	char bytes[1 << 16];
	size_t n;
	FILE *f = tmpfile();
	while (f != NULL && (n = fread(bytes, 1, sizeof bytes, from)) > 0)
		if (fwrite(bytes, 1, n, f) != n) {
			fclose(f);
			return NULL;
		}
	if (f != NULL)
		rewind(f);
	return f;
}

static FILE *
open_data(const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *f = standard ? stdin : fopen(path, "rb");
	if (f == NULL || (!standard && fseek(f, 0, SEEK_CUR) == 0))
		return f;
	FILE *copy = spool(f);
	if (!standard)
		fclose(f);
	return copy;
}

int
eval_read(struct eval_data *d, const struct eval_wish *w, const struct config *c)
{
	bool standard = strcmp(w->data, "-") == 0;
	*d = (struct eval_data){ .wish = w, .config = c, .path = standard ? "standard input" : w->data };
	settle_models(d);
	FILE *f = open_data(w->data);
	if (f == NULL) {
		fprintf(stderr, "farthing: %s: %s\n", d->path, strerror(errno));
		return -1;
	}
	if (is_csv(d->path, f))
		read_csv(d, f);
	else
		read_json(d, f);
	if (ferror(f)) {
		fprintf(stderr, "farthing: %s: it cannot be read\n", d->path);
		d->faults++;
	}
	check_all(d);
	if (d->faults >= FAULTS_MOST)
		fprintf(stderr, "farthing: %s: not read on after %d faults\n", d->path, FAULTS_MOST);
	fclose(f);
	return d->faults == 0 ? 0 : -1;
}

void
eval_free(struct eval_data *d)
{
	free(d->rows);
	*d = (struct eval_data){ 0 };
}
