/*
 * From libyaml's events to a tree. The events are used and not its documents, because they show anchors before
 * anything is expanded, and every scalar can be wiped as soon as it is copied.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_yaml.h"

#include <assert.h>
#include <stdio.h>
#include <yaml.h>

/* The deepest configuration there is has six levels. */
#define MOST_DEPTH 16

struct walk {
	yaml_parser_t parser;
	struct config_memory *memory;
	struct problem_list *problems;
	struct node *open[MOST_DEPTH];  /* the maps and lists we are in */
	struct node *last[MOST_DEPTH];  /* the newest child of each */
	struct table names[MOST_DEPTH]; /* of each map: its keys, by name */
	struct node *key[MOST_DEPTH];   /* of each map: the key that waits for its value */
	bool repeated[MOST_DEPTH];      /* ... has been there before: its value goes nowhere */
	int depth;
	struct node *root;
	int documents;
};

static int
line_of(const yaml_event_t *e)
{
	return (int)e->start_mark.line + 1;
}

static int
refuse(struct walk *w, int line, const char *text)
{
	problem_add(w->problems, line, "", "%s", text);
	return -1;
}

static struct node *
node_new(struct walk *w, enum node_kind kind, int line)
{
	struct node *n = config_memory_take(w->memory, sizeof *n);
	n->kind = kind;
	n->line = line;
	return n;
}

/* The dotted name of a key in the map we are in. */
static void
dotted(const struct walk *w, struct str key, char *out, size_t size)
{
	size_t n = 0;
	out[0] = '\0';
	for (int i = 1; i < w->depth && n < size; i++)
		if (w->open[i]->key.n > 0)
			n += (size_t)snprintf(out + n, size - n, "%.*s.", STR_FMT(w->open[i]->key));
	if (n < size)
		snprintf(out + n, size - n, "%.*s", STR_FMT(key));
}

/* Takes a key: the next node will be its value. */
static int
take_key(struct walk *w, struct node *n)
{
	int at = w->depth - 1;
	if (n->kind != NODE_SCALAR)
		return refuse(w, n->line, "a key must be a plain word");
	struct node *before = table_get(&w->names[at], n->text);
	w->repeated[at] = before != NULL;
	if (before != NULL) {
		char name[128];
		dotted(w, n->text, name, sizeof name);
		problem_add(w->problems, n->line, name, "stands here twice, first in line %d", before->line);
	} else
		table_put(&w->names[at], n->text, n);
	w->key[at] = n;
	return 0;
}

static int
place(struct walk *w, struct node *n)
{
	if (w->depth == 0) {
		w->root = n;
		return 0;
	}
	int at = w->depth - 1;
	struct node *parent = w->open[at];
	if (parent->kind == NODE_MAP) {
		if (w->key[at] == NULL)
			return take_key(w, n);
		n->key = w->key[at]->text;
		n->key_line = w->key[at]->line;
		w->key[at] = NULL;
		if (w->repeated[at])
			return 0;
	}
	if (w->last[at] != NULL)
		w->last[at]->next = n;
	else
		parent->first = n;
	w->last[at] = n;
	parent->count++;
	return 0;
}

static int
enter(struct walk *w, enum node_kind kind, const yaml_event_t *e)
{
	struct node *n = node_new(w, kind, line_of(e));
	if (w->depth == MOST_DEPTH)
		return refuse(w, n->line, "is nested too deeply");
	if (place(w, n) != 0)
		return -1;
	w->open[w->depth] = n;
	w->last[w->depth] = NULL;
	w->key[w->depth] = NULL;
	w->repeated[w->depth] = false;
	w->depth++;
	return 0;
}

static int
leave(struct walk *w)
{
	assert(w->depth > 0);
	w->depth--;
	table_free(&w->names[w->depth]);
	return 0;
}

static int
take_scalar(struct walk *w, const yaml_event_t *e)
{
	struct node *n = node_new(w, NODE_SCALAR, line_of(e));
	struct str text = { (const char *)e->data.scalar.value, e->data.scalar.length };
	n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (memchr(text.p, '\0', text.n) != NULL)
		return refuse(w, n->line, "a text holds a NUL character");
	n->text = (struct str){ config_memory_text(w->memory, text), text.n };
	return place(w, n);
}

static bool
has_anchor_or_tag(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return e->data.scalar.anchor != NULL || e->data.scalar.tag != NULL;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.anchor != NULL || e->data.sequence_start.tag != NULL;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.anchor != NULL || e->data.mapping_start.tag != NULL;
	default:
		return e->type == YAML_ALIAS_EVENT;
	}
}

static int
take_event(struct walk *w, const yaml_event_t *e)
{
	if (has_anchor_or_tag(e))
		return refuse(
		    w, line_of(e), "anchors (&), aliases (*) and tags (!) are not supported; quote the text");
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return ++w->documents > 1
			   ? refuse(w, line_of(e), "a second document begins here; one is read")
			   : 0;
	case YAML_SCALAR_EVENT:
		return take_scalar(w, e);
	case YAML_SEQUENCE_START_EVENT:
		return enter(w, NODE_LIST, e);
	case YAML_MAPPING_START_EVENT:
		return enter(w, NODE_MAP, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return leave(w);
	default:
		return 0;
	}
}

static int
syntax_problem(struct walk *w)
{
	const yaml_parser_t *p = &w->parser;
	int line = (int)p->problem_mark.line + 1;
	/* libyaml's own sentences are fixed texts: nothing of the file stands in them. */
	problem_add(w->problems, line, "", "is not valid YAML: %s%s%s",
	    p->problem != NULL ? p->problem : "unreadable", p->context != NULL ? " " : "",
	    p->context != NULL ? p->context : "");
	return -1;
}

/* Strings of an event may be secrets; libyaml gives them back as they are. */
static void
event_end(yaml_event_t *e)
{
	if (e->type == YAML_SCALAR_EVENT && e->data.scalar.value != NULL)
		explicit_bzero(e->data.scalar.value, e->data.scalar.length);
	yaml_event_delete(e);
}

static int
walk_events(struct walk *w)
{
	for (bool end = false; !end;) {
		yaml_event_t e;
		if (!yaml_parser_parse(&w->parser, &e))
			return syntax_problem(w);
		end = e.type == YAML_STREAM_END_EVENT;
		int rc = take_event(w, &e);
		event_end(&e);
		if (rc != 0)
			return -1;
	}
	return 0;
}

struct node *
yaml_read(struct str text, struct config_memory *m, struct problem_list *problems)
{
	struct walk w = { .memory = m, .problems = problems };
	if (text.n > YAML_MOST_BYTES) {
		problem_add(problems, 0, "", "is larger than 1 MiB");
		return NULL;
	}
	if (!yaml_parser_initialize(&w.parser)) {
		problem_add(problems, 0, "", "there is no memory to read it");
		return NULL;
	}
	yaml_parser_set_encoding(&w.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&w.parser, (const unsigned char *)text.p, text.n);
	int rc = walk_events(&w);
	for (int i = 0; i < MOST_DEPTH; i++)
		table_free(&w.names[i]);
	yaml_parser_delete(&w.parser);
	return rc == 0 ? w.root : NULL;
}

struct node *
node_get(const struct node *map, const char *key)
{
	if (map == NULL || map->kind != NODE_MAP)
		return NULL;
	struct node *n = map->first;
	while (n != NULL && !str_eq(n->key, str_from(key)))
		n = n->next;
	return n;
}

bool
node_null(const struct node *n)
{
	if (n == NULL)
		return true;
	if (n->kind != NODE_SCALAR || !n->plain)
		return false;
	return n->text.n == 0 || str_eq(n->text, STR("~")) || str_eq_nocase(n->text, STR("null"));
}
