/*
 * Whose outcomes they are: a model's name in the configuration, and its dated versions in the data.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "route_eval.h"

void
eval_name(struct eval_data *d, int side, struct str name)
{
	eval_count(d->names[side], name);
}

void
eval_count(struct eval_name names[EVAL_NAMES], struct str name)
{
	for (int i = 0; i < EVAL_NAMES; i++) {
		if (names[i].rows == 0)
			str_copy(names[i].name, sizeof names[i].name, name);
		if (str_eq(str_from(names[i].name), name)) {
			names[i].rows++;
			return;
		}
	}
}

bool
eval_is_model(struct str text, const char *name)
{
	size_t n = strlen(name);
	if (n == 0 || !str_starts(text, str_from(name)))
		return false;
	return text.n == n ||
	       (text.n > n + 1 && text.p[n] == '-' && text.p[n + 1] >= '0' && text.p[n + 1] <= '9');
}

void
eval_see_versions(struct eval_data *d, const struct json *j)
{
	char key[96];
	uint32_t correct = json_member(j, 0, d->wish->columns[COLUMN_CORRECT]);
	for (uint32_t k = correct != 0 ? json_first(j, correct) : 0; k != 0;
	     k = json_next(j, correct, k + 1)) {
		json_label(j, k, key, sizeof key);
		for (int side = 0; side < 2; side++)
			if (d->model[side] != NULL && eval_is_model(str_from(key), d->model[side]))
				eval_count(d->versions[side], str_from(key));
	}
}

void
eval_settle_versions(struct eval_data *d, int64_t lines)
{
	for (int side = 0; side < 2; side++)
		for (int i = 0; i < EVAL_NAMES; i++) {
			const struct eval_name *v = &d->versions[side][i];
			if (v->rows == lines && strcmp(v->name, d->version[side]) > 0)
				memcpy(d->version[side], v->name, sizeof v->name);
		}
}

uint32_t
eval_find(const struct eval_data *d, int side, const struct json *j, uint32_t object)
{
	char key[96], latest[96] = "";
	uint32_t found = json_member(j, object, d->model[side]);
	if (found == 0 && d->version[side][0] != '\0')
		found = json_member(j, object, d->version[side]);
	if (found != 0)
		return found;
	for (uint32_t k = json_first(j, object); k != 0; k = json_next(j, object, k + 1)) {
		json_label(j, k, key, sizeof key);
		if (eval_is_model(str_from(key), d->model[side]) && strcmp(key, latest) > 0) {
			memcpy(latest, key, sizeof latest);
			found = k + 1;
		}
	}
	return found;
}
