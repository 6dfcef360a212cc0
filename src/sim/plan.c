/*
 * Scripted plans.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "plan.h"

#include <stdlib.h>

static bool
read_places(struct str s, struct sim_plan_line *l)
{
	struct str first;
	l->from = 1;
	l->to = INT64_MAX;
	l->percent = 100;
	if (str_eq(s, STR("*")))
		return true;
	if (str_ends(s, STR("%"))) {
		int64_t percent;
		bool good = str_int((struct str){ s.p, s.n - 1 }, &percent) && percent >= 0 && percent <= 100;
		l->percent = good ? (int)percent : 0;
		return good;
	}
	bool range = str_find(s, STR("-")) >= 0;
	if (!str_cut(&s, '-', &first) || !str_int(first, &l->from) || l->from < 1)
		return false;
	if (!range)
		l->to = l->from;
	else if (s.n != 0 && (!str_int(s, &l->to) || l->to < l->from))
		return false;
	return true;
}

/* Eats a word and the spaces behind it. */
static bool
column_cut(struct str *from, struct str *column)
{
	if (!str_cut(from, ' ', column) || column->n == 0)
		return false;
	*from = str_trim(*from);
	return true;
}

static bool
read_line(struct str line, struct sim_plan_line *l)
{
	struct str method, path, places;
	if (!column_cut(&line, &method) || !column_cut(&line, &path) || !column_cut(&line, &places))
		return false;
	if (method.n >= sizeof l->method || path.n >= sizeof l->path || line.n >= sizeof l->words)
		return false;
	str_copy(l->method, sizeof l->method, method);
	str_copy(l->path, sizeof l->path, path);
	str_copy(l->words, sizeof l->words, line);
	struct sim_fault trial;
	sim_fault_clear(&trial);
	return read_places(places, l) && sim_fault_read(&trial, line) && (trial.any || trial.batch != 0);
}

int
sim_plan_read(struct sim_plan *p, struct str text, int *bad_line)
{
	sim_plan_free(p);
	struct str line;
	for (int number = 1; str_cut(&text, '\n', &line); number++) {
		if (line.n != 0 && line.p[line.n - 1] == '\r')
			line.n--;
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		struct sim_plan_line *lines = realloc(p->lines, (p->n + 1) * sizeof *lines);
		if (lines == NULL)
			abort();
		p->lines = lines;
		lines[p->n] = (struct sim_plan_line){ 0 };
		if (!read_line(line, &lines[p->n])) {
			*bad_line = number;
			return -1;
		}
		p->n++;
	}
	return 0;
}

static bool
matches(const char *pattern, struct str s)
{
	struct str want = str_from(pattern);
	if (want.n != 0 && want.p[want.n - 1] == '*')
		return str_starts(s, (struct str){ want.p, want.n - 1 });
	return str_eq(s, want);
}

/* Whether the drawn share takes this request: splitmix64 of the seed, the line and the request's number. */
static bool
is_drawn(const struct sim_plan *p, size_t line, int64_t seen, int percent)
{
	uint64_t z = p->seed + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t)seen * 1021 + line + 1);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (int)((z ^ z >> 31) % 100) < percent;
}

void
sim_plan_apply(struct sim_plan *p, struct str method, struct str path, struct sim_fault *f)
{
	for (size_t i = 0; i < p->n; i++) {
		struct sim_plan_line *l = &p->lines[i];
		if (!matches(l->method, method) || !matches(l->path, path))
			continue;
		l->seen++;
		if (l->seen >= l->from && l->seen <= l->to && is_drawn(p, i, l->seen, l->percent))
			sim_fault_read(f, str_from(l->words));
	}
}

void
sim_plan_restart(struct sim_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->lines[i].seen = 0;
}

void
sim_plan_free(struct sim_plan *p)
{
	free(p->lines);
	*p = (struct sim_plan){ .seed = p->seed };
}
