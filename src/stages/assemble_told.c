/*
 * Members that are told in one piece, lists that go on, and texts that grow. All of them are kept as they are written in JSON,
 * escapes and all.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "assemble.h"

/* ---- in one piece ---- */

static struct told *
told_named(struct told *list, size_t room, struct str name)
{
	for (size_t i = 0; i < room; i++)
		if (list[i].name.n == 0 || str_eq(buf_str(&list[i].name), name))
			return &list[i];
	return NULL;
}

/* NULL, and failed: there is no room. A name with escapes, which nobody needs, might be another spelling of one that is there. */
static struct told *
told_place(struct assembly *a, struct told *list, size_t room, uint32_t key)
{
	struct str name = json_raw(a->j, key);
	struct told *t = a->j->nodes[key].escaped ? NULL : told_named(list, room, name);
	if (t != NULL && t->name.n == 0) {
		t->vague = true;
		a->failed = buf_add(&t->name, name) != 0 || a->failed;
	}
	a->failed = a->failed || t == NULL;
	return t;
}

/* Nothing is meant by it where another chunk says something: {"id":"","created":0} stands before some streams. */
static bool
is_vague(const struct json *j, uint32_t value)
{
	return !is_filled(j, value) ||
	       (json_type(j, value) == JSON_NUMBER && str_eq(json_raw(j, value), STR("0")));
}

static void
put(struct assembly *a, struct told *t, uint32_t value)
{
	buf_clear(&t->value);
	t->vague = is_vague(a->j, value);
	a->failed = buf_add(&t->value, json_raw(a->j, value)) != 0 || a->failed;
}

void
told_latest(struct assembly *a, struct told *list, size_t room, uint32_t key)
{
	struct told *t = told_place(a, list, room, key);
	if (t != NULL && (t->value.n == 0 || !is_vague(a->j, key + 1)))
		put(a, t, key + 1);
}

void
told_once(struct assembly *a, struct told *list, size_t room, uint32_t key)
{
	uint32_t value = key + 1;
	struct told *t = told_place(a, list, room, key);
	if (t == NULL)
		return;
	enum json_type type = json_type(a->j, value);
	bool stays =
	    (type == JSON_TRUE || type == JSON_FALSE) && str_eq(buf_str(&t->value), json_raw(a->j, value));
	if (t->vague)
		put(a, t, value);
	else
		a->failed = a->failed || !(stays || !is_filled(a->j, value));
}

void
told_fixed(struct assembly *a, struct told *list, size_t room, uint32_t key)
{
	uint32_t value = key + 1;
	struct told *t = told_place(a, list, room, key);
	if (t == NULL)
		return;
	if (t->vague)
		put(a, t, value);
	else if (is_filled(a->j, value))
		a->failed = a->failed || !str_eq(buf_str(&t->value), json_raw(a->j, value));
}

void
told_more(struct assembly *a, struct told *list, size_t room, uint32_t key)
{
	uint32_t value = key + 1;
	struct told *t = told_place(a, list, room, key);
	if (t == NULL || !is_said(a->j, value))
		return;
	a->failed = a->failed || json_type(a->j, value) != JSON_ARRAY;
	t->vague = false;
	if (a->failed || json_empty(a->j, value))
		return;
	struct str raw = json_raw(a->j, value);
	a->failed = (t->value.n > 0 && buf_add_c(&t->value, ',') != 0) ||
		    buf_add(&t->value, (struct str){ raw.p + 1, raw.n - 2 }) != 0;
}

void
told_write(struct scribe *s, const struct told *list, size_t room)
{
	for (size_t i = 0; i < room && list[i].name.n > 0; i++) {
		write_text(s, ",");
		write_str(s, buf_str(&list[i].name));
		write_text(s, ":");
		write_str(s, buf_str(&list[i].value));
	}
}

void
told_write_lists(struct scribe *s, const struct told *list, size_t room, const char *between)
{
	for (size_t i = 0; i < room && list[i].name.n > 0; i++) {
		write_text(s, i == 0 ? between : ",");
		write_str(s, buf_str(&list[i].name));
		write_text(s, list[i].vague ? ":null" : ":[");
		write_str(s, buf_str(&list[i].value));
		write_text(s, list[i].vague ? "" : "]");
	}
}

void
told_free(struct told *list, size_t room)
{
	for (size_t i = 0; i < room; i++) {
		buf_free(&list[i].name);
		buf_free(&list[i].value);
	}
}

bool
told_same(struct assembly *a, struct buf *to, uint32_t node)
{
	if (!is_filled(a->j, node))
		return true;
	if (to->n == 0)
		a->failed = buf_add(to, json_raw(a->j, node)) != 0 || a->failed;
	return str_eq(buf_str(to), json_raw(a->j, node));
}

/* ---- texts that grow ---- */

void
words_hear(struct assembly *a, struct words *w, uint32_t node)
{
	w->null = w->null || !is_said(a->j, node);
	if (!is_said(a->j, node))
		return;
	if (json_type(a->j, node) != JSON_STRING) {
		a->failed = true;
		return;
	}
	struct str raw = json_raw(a->j, node);
	w->any = true;
	write_str(&w->said, (struct str){ raw.p + 1, raw.n - 2 });
}

void
words_write(struct scribe *s, const char *name, const struct words *w, const char *otherwise)
{
	const char *without = w->null ? "null" : otherwise;
	if (!w->any && without == NULL)
		return;
	write_text(s, ",\"");
	write_text(s, name);
	write_text(s, "\":");
	if (!w->any) {
		write_text(s, without);
		return;
	}
	s->failed = s->failed || w->said.failed;
	write_text(s, "\"");
	write_str(s, buf_str(&w->said.text));
	write_text(s, "\"");
}

void
words_free(struct words *w)
{
	buf_free(&w->said.text);
}
