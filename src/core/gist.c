/*
 * Reading the gist: first what is where, then the texts, each as far as there is room for its kind.
 *
 *     | system, instructions | earlier turns, the newest | the last user text |
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/gist.h"

#include "content.h"

/* Room for the texts. A text that is too long keeps its head and its tail, as 3 to 1. */
enum {
	SYSTEM_ROOM = SCORE_TEXT_MAX / 4,
	EARLIER_ROOM = SCORE_TEXT_MAX / 4,
	LAST_ROOM = SCORE_TEXT_MAX / 2,
	LEAST = 16 /* bytes of room that a text is worth cutting into */
};

enum part_of { OF_SYSTEM, OF_EARLIER, OF_LAST };

struct reading {
	const struct json *j;
	struct gist *g;
	uint32_t content, last; /* the list of messages, and the last of a user; 0: there is none */
	size_t from, left;      /* of the kind that is being read: where its texts begin, and room for them */
};

static uint32_t
member(const struct json *j, uint32_t object, const char *name)
{
	uint32_t value = object != 0 ? json_member(j, object, name) : 0;
	return value != 0 && json_type(j, value) != JSON_NULL ? value : 0;
}

static uint32_t
root(const struct json *j, const char *name)
{
	uint32_t value = json_member(j, 0, name);
	return value != 0 && json_type(j, value) != JSON_NULL ? value : 0;
}

static bool
is_list(const struct json *j, uint32_t node)
{
	return node != 0 && json_type(j, node) == JSON_ARRAY;
}

static bool
is_string(const struct json *j, uint32_t node)
{
	return node != 0 && json_type(j, node) == JSON_STRING;
}

static size_t
inside(const struct json *j, uint32_t string)
{
	return json_raw(j, string).n - 2;
}

static int
add_string(struct reading *r, uint32_t string)
{
	struct buf *out = &r->g->text;
	size_t start = out->n, tail = r->left / 4, size = inside(r->j, string);
	r->g->input.bytes += size;
	if (size == 0 || r->left < LEAST)
		return 0;
	if (start > r->from && buf_add_c(out, '\n') != 0)
		return -1;
	if (json_text_ends(r->j, string, r->left - tail, tail, out) != 0)
		return -1;
	size_t added = out->n - start;
	r->left -= added < r->left ? added : r->left;
	return 0;
}

/* A string, or a list of parts. */
static int
add_content(struct reading *r, uint32_t content)
{
	const struct json *j = r->j;
	uint32_t text;
	if (is_string(j, content))
		return add_string(r, content);
	if (!is_list(j, content))
		return 0;
	for (uint32_t x = json_first(j, content); x != 0; x = json_next(j, content, x)) {
		if (is_string(j, x)) { /* of a completion: one of several prompts */
			if (add_string(r, x) != 0)
				return -1;
			continue;
		}
		enum content_part part =
		    json_type(j, x) == JSON_OBJECT ? content_part(j, x, &text) : PART_OTHER;
		r->g->input.images += part == PART_IMAGE ? 1 : 0;
		r->g->needs_vision = r->g->needs_vision || part == PART_IMAGE || part == PART_FILE;
		if ((part == PART_TEXT || part == PART_SAID) && text != 0 && add_string(r, text) != 0)
			return -1;
	}
	return 0;
}

/* Of a chat's message or an item of the Responses API: what was said, or what a tool has found. */
static uint32_t
content_of(const struct json *j, uint32_t message)
{
	uint32_t content = member(j, message, "content");
	return content != 0 ? content : member(j, message, "output");
}

static enum part_of
kind_of(const struct reading *r, uint32_t message)
{
	if (message == r->last)
		return OF_LAST;
	return content_instructs(r->j, message) ? OF_SYSTEM : OF_EARLIER;
}

static bool
is_messages(const struct json *j, uint32_t content)
{
	return is_list(j, content) && !json_empty(j, content) &&
	       json_type(j, json_first(j, content)) == JSON_OBJECT;
}

static void
find_last(struct reading *r)
{
	const struct json *j = r->j;
	if (!is_messages(j, r->content))
		return;
	for (uint32_t m = json_first(j, r->content); m != 0; m = json_next(j, r->content, m))
		if (content_is_role(j, m, "user")) {
			r->last = m;
			r->g->input.turns++;
		}
}

/* The first of the earlier turns that there is room for, as far as they go into it, and the newest in any case. */
static uint32_t
first_kept(const struct reading *r)
{
	const struct json *j = r->j;
	size_t all = 0;
	for (uint32_t m = json_first(j, r->content); m != 0; m = json_next(j, r->content, m))
		all += kind_of(r, m) == OF_EARLIER ? json_raw(j, m).n : 0;
	for (uint32_t m = json_first(j, r->content); m != 0; m = json_next(j, r->content, m)) {
		size_t size = kind_of(r, m) == OF_EARLIER ? json_raw(j, m).n : 0;
		if (size > 0 && (all <= EARLIER_ROOM || all == size))
			return m;
		all -= size;
	}
	return 0;
}

static int
add_messages(struct reading *r, enum part_of kind)
{
	const struct json *j = r->j;
	if (!is_messages(j, r->content))
		return kind == OF_LAST ? add_content(r, r->content) : 0;
	uint32_t from = kind == OF_EARLIER ? first_kept(r) : 0;
	size_t room = r->left;
	for (uint32_t m = json_first(j, r->content); m != 0; m = json_next(j, r->content, m)) {
		if (kind_of(r, m) != kind)
			continue;
		r->left = m >= from ? r->left : 0;
		if (add_content(r, content_of(j, m)) != 0)
			return -1;
		r->left = m >= from ? r->left : room;
	}
	return 0;
}

static int
add_texts(struct reading *r)
{
	struct gist *g = r->g;
	size_t ends[3];
	static const size_t rooms[] = { SYSTEM_ROOM, EARLIER_ROOM, LAST_ROOM };
	for (enum part_of kind = OF_SYSTEM; kind <= OF_LAST; kind++) {
		r->from = g->text.n;
		r->left = rooms[kind];
		if (kind == OF_SYSTEM && add_content(r, root(r->j, "instructions")) != 0)
			return -1;
		if (add_messages(r, kind) != 0)
			return -1;
		ends[kind] = g->text.n;
	}
	if (g->text.n == 0)
		return 0;
	g->input.system = (struct str){ g->text.p, ends[OF_SYSTEM] };
	g->input.earlier = (struct str){ g->text.p + ends[OF_SYSTEM], ends[OF_EARLIER] - ends[OF_SYSTEM] };
	g->input.last = (struct str){ g->text.p + ends[OF_EARLIER], ends[OF_LAST] - ends[OF_EARLIER] };
	return 0;
}

/* The form of the answer: response_format of the chat, text.format of the Responses API. */
static void
read_format(struct reading *r)
{
	const struct json *j = r->j;
	struct gist *g = r->g;
	uint32_t format = root(j, "response_format"), text = root(j, "text");
	format = format != 0 ? format : member(j, text, "format");
	uint32_t type = member(j, format, "type");
	if (type == 0)
		return;
	if (json_is(j, type, "json_object"))
		g->input.format = SCORE_JSON;
	if (!json_is(j, type, "json_schema"))
		return;
	g->input.format = SCORE_SCHEMA;
	g->needs_schema = true;
	uint32_t named = member(j, format, "json_schema");
	uint32_t schema = member(j, named != 0 ? named : format, "schema");
	if (schema != 0)
		g->schema = json_raw(j, schema);
}

static bool
is_strict(const struct json *j, uint32_t tool)
{
	uint32_t function = member(j, tool, "function");
	uint32_t strict = member(j, function != 0 ? function : tool, "strict");
	return strict != 0 && json_type(j, strict) == JSON_TRUE;
}

static void
read_tools(struct reading *r, uint32_t tools)
{
	const struct json *j = r->j;
	if (!is_list(j, tools))
		return;
	for (uint32_t tool = json_first(j, tools); tool != 0; tool = json_next(j, tools, tool)) {
		r->g->input.tools++;
		r->g->needs_schema = r->g->needs_schema || is_strict(j, tool);
	}
	r->g->needs_tools = r->g->input.tools > 0;
}

static uint32_t
content_root(const struct request *r)
{
	switch (r->endpoint) {
	case ENDPOINT_CHAT:
		return root(&r->json, "messages");
	case ENDPOINT_COMPLETIONS:
		return root(&r->json, "prompt");
	case ENDPOINT_RESPONSES:
		return root(&r->json, "input");
	case ENDPOINT_EMBEDDINGS:
		break;
	}
	return 0;
}

int
gist_of(const struct request *r, struct gist *g)
{
	struct reading reading = { .j = &r->json, .g = g, .content = content_root(r) };
	*g = (struct gist){ .input = { .max_output = r->max_output } };
	if (r->endpoint != ENDPOINT_EMBEDDINGS) {
		read_format(&reading);
		read_tools(&reading, root(&r->json, "tools"));
		read_tools(&reading, root(&r->json, "functions"));
		find_last(&reading);
	}
	if (g->input.turns == 0)
		g->input.turns = 1;
	return add_texts(&reading);
}

void
gist_free(struct gist *g)
{
	buf_free(&g->text);
}
