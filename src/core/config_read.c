/*
 * The walk through the table: sections, and which scalars mean what for a key. Single values are in config_scalar.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_read.h"

#include <stdio.h>

#include "config_scalar.h"
#include "config_value.h"

void
read_join(char out[KEY_PATH_SIZE], const char *prefix, const char *name)
{
	snprintf(out, KEY_PATH_SIZE, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", name);
}

static void
wipe(struct buf *b)
{
	if (b->cap > 0)
		explicit_bzero(b->p, b->n);
	buf_clear(b);
}

bool
read_is_left_out(const struct reader *r, const struct config_key *k, int rc)
{
	bool secret = k->type == KEY_SECRET || k->type == KEY_WEBHOOK;
	return rc == VALUE_MISSING && secret && r->without_secrets;
}

bool
read_text(
    struct reader *r, const struct config_key *k, struct str text, int line, const char *path, void *slot)
{
	struct scalar s = { .raw = text, .line = line, .path = path };
	char why[300];
	bool good = false;
	int rc = value_expand(text, &r->text, why, sizeof why);
	if (read_is_left_out(r, k, rc)) {
		*(const char **)slot = "";
		good = true;
		goto done;
	}
	if (rc != 0) {
		problem_add(r->problems, line, path, "%s", why);
		goto done;
	}
	s.text = str_trim(buf_str(&r->text));
	if (s.text.n > SCALAR_MOST_BYTES) {
		problem_add(r->problems, line, path, "is too long");
		goto done;
	}
	good = scalar_read(r, k, &s, slot);
done:
	wipe(&r->text);
	wipe(&r->secret);
	return good;
}

static bool
may_be_null(const struct config_key *k)
{
	switch (k->type) {
	case KEY_USD:
	case KEY_TEXT:
	case KEY_LABEL:
	case KEY_SECRET:
	case KEY_FILE:
	case KEY_PROXY:
	case KEY_WEBHOOK:
	case KEY_MODEL:
		return true;
	default:
		return false;
	}
}

static void
set_null(const struct config_key *k, void *slot)
{
	if (k->type == KEY_USD)
		*(int64_t *)slot = -1;
	else if (k->type == KEY_MODEL)
		*(const struct model_conf **)slot = NULL;
	else
		*(const char **)slot = "";
}

static bool
read_list(struct reader *r, const struct config_key *k, const struct node *n, const char *path, void *slot)
{
	if (!read_is_list(r, n, path))
		return false;
	struct string_list list = string_list_at(slot);
	*list.items = config_memory_take(r->memory, (n->count + 1) * sizeof **list.items);
	*list.count = 0;
	bool good = true;
	for (const struct node *item = n->first; item != NULL; item = item->next) {
		if (item->kind != NODE_SCALAR || node_null(item)) {
			problem_add(r->problems, item->line, path, "needs a list of plain texts");
			good = false;
			continue;
		}
		good = read_text(r, k, item->text, item->line, path, slot) && good;
	}
	return good;
}

bool
read_value(struct reader *r, const struct config_key *k, const struct node *n, const char *path, void *slot)
{
	if (k->type == KEY_HOSTS || k->type == KEY_NAMES || k->type == KEY_PATTERNS)
		return read_list(r, k, n, path, slot);
	if (n->kind != NODE_SCALAR) {
		problem_add(r->problems, n->line, path, "needs %s, not a %s", scalar_wanted(k->type),
		    n->kind == NODE_MAP ? "map" : "list");
		return false;
	}
	if (node_null(n) && may_be_null(k)) {
		set_null(k, slot);
		return true;
	}
	if (node_null(n)) {
		problem_add(r->problems, n->line, path, "needs %s, not nothing", scalar_wanted(k->type));
		return false;
	}
	return read_text(r, k, n->text, n->line, path, slot);
}

/* Defaults go through the same door as the file's values: what the documents print is what is parsed. */
void
read_defaults(struct reader *r, const struct config_section *s, const char *path, void *target)
{
	char inner[KEY_PATH_SIZE];
	for (const struct config_key *k = s->keys; k->name != NULL; k++) {
		void *slot = (char *)target + k->offset;
		read_join(inner, path, k->name);
		r->in_defaults = true;
		if (k->type == KEY_SECTION && !(k->flags & KEY_ALIKE))
			read_defaults(r, k->section, inner, slot);
		else if (k->type == KEY_NAMES && k->standard != NULL)
			string_list_split(r, str_from(k->standard), slot);
		else if (k->standard != NULL && k->type != KEY_ELSEWHERE)
			read_text(r, k, str_from(k->standard), 0, inner, slot);
	}
	r->in_defaults = false;
}

static void
unknown_key(struct reader *r, const struct config_section *s, const struct node *n, const char *path)
{
	if (problem_full(r->problems))
		return;
	struct nearest near = { .wanted = n->key };
	for (const struct config_key *k = s->keys; k->name != NULL; k++)
		nearest_try(&near, k->name);
	char home[KEY_PATH_SIZE];
	bool close = near.best != NULL && near.distance == 1;
	bool misplaced = !close && config_key_home(n->key, home, sizeof home);
	if (misplaced)
		problem_add(r->problems, n->key_line, path, "is unknown here; it belongs in %s", home);
	else if (near.best != NULL)
		problem_add(r->problems, n->key_line, path, "is unknown here; did you mean %s?", near.best);
	else
		problem_add(r->problems, n->key_line, path, "is unknown here");
}

/* `off` or `on` where a map could stand. */
static void
flip_section(
    struct reader *r, const struct config_section *s, const struct node *n, const char *path, void *target)
{
	bool on = false;
	struct str word = n->text;
	char why[300];
	if (n->kind == NODE_SCALAR && value_expand(n->text, &r->text, why, sizeof why) == 0)
		word = buf_str(&r->text);
	bool known = s->word != NULL ? str_eq(word, str_from(s->word)) : value_bool(word, &on);
	on = s->word == NULL && known && on;
	bool flips = n->kind == NODE_SCALAR && s->flip != NULL && known && s->flip(target, on);
	wipe(&r->text);
	if (!flips)
		problem_add(r->problems, n->line, path, "needs a map%s%s", s->flip != NULL ? ", or " : "",
		    s->flip == NULL   ? ""
		    : s->word != NULL ? s->word
				      : "off");
}

void
read_section(
    struct reader *r, const struct config_section *s, const struct node *n, const char *path, void *target)
{
	char inner[KEY_PATH_SIZE];
	if (node_null(n))
		return;
	if (n->kind != NODE_MAP) {
		flip_section(r, s, n, path, target);
		return;
	}
	if (s->map_is_on)
		s->flip(target, true);
	for (const struct node *child = n->first; child != NULL; child = child->next) {
		const struct config_key *k = config_key_find(s, child->key);
		read_join(inner, path, child->key.p);
		if (k == NULL)
			unknown_key(r, s, child, inner);
		else if (r->in_task && k->flags & KEY_GLOBAL)
			problem_add(r->problems, child->key_line, inner,
			    "can be set for all tasks only, not for one");
		else if (k->type == KEY_SECTION)
			read_section(r, k->section, child, inner, (char *)target + k->offset);
		else if (k->type != KEY_ELSEWHERE)
			read_value(r, k, child, inner, (char *)target + k->offset);
	}
}

bool
read_is_map(struct reader *r, const struct node *n, const char *path)
{
	if (n->kind == NODE_MAP)
		return true;
	problem_add(r->problems, n->line, path, "needs a map: name: { ... }");
	return false;
}

bool
read_is_list(struct reader *r, const struct node *n, const char *path)
{
	if (n->kind == NODE_LIST)
		return true;
	problem_add(r->problems, n->line, path, "needs a list, such as [one, two]");
	return false;
}

bool
read_name_ok(struct reader *r, struct str name, size_t most, int line, const char *path)
{
	bool good = name.n > 0 && name.n <= most;
	for (size_t i = 0; i < name.n && good; i++)
		good = (unsigned char)name.p[i] > 0x20 && (unsigned char)name.p[i] < 0x7f &&
		       name.p[i] != '"' && name.p[i] != '\\';
	if (!good)
		problem_add(r->problems, line, path,
		    "is no name: 1 to %zu letters, digits and signs of ASCII, without spaces and quotes",
		    most);
	return good;
}

bool
read_account_ok(struct reader *r, struct str name, int line, const char *path)
{
	bool good = name.n > 0 && name.n < ACCOUNT_NAME;
	for (size_t i = 0; i < name.n && good; i++) {
		char c = name.p[i];
		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		       (c != '\0' && strchr("-_.:", c) != NULL);
	}
	if (!good)
		problem_add(r->problems, line, path,
		    "is no name: 1 to %d letters, digits, '-', '_', '.' and ':'", ACCOUNT_NAME - 1);
	return good;
}

const struct model_conf *
read_model(struct reader *r, struct str name, int line, const char *path)
{
	const struct model_conf *m = table_get(&r->memory->models, name);
	if (m != NULL || r->in_defaults || problem_full(r->problems))
		return m;
	struct nearest near = { .wanted = name };
	for (size_t i = 0; i < r->config->model_count; i++)
		nearest_try(&near, r->config->models[i].name);
	if (near.best != NULL)
		problem_add(
		    r->problems, line, path, "names a model that is not known; did you mean %s?", near.best);
	else
		problem_add(
		    r->problems, line, path, "names a model that is neither listed nor in the catalogue");
	return NULL;
}
