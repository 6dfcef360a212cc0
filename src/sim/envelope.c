/*
 * The reader of envelopes. What it goes by is what a model would go by: the instruction's words and the response format.
 *
 *     Each line below is a separate request with its id. …      the instruction; it may end in a schema of several lines
 *     {"id":"482915730164","text":"…"}                          an item a line, to the end of the text
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "envelope.h"

static const char lead[] = "Each line below is a separate request with its id.";
static const char told_shape[] = "{\"answers\":[{\"id\":\"…\",\"answer\":";
static const char told_schema[] = "each answer by this JSON schema: ";
static const char told_marks[] = "between a line <id> and a line </id>";

/* An object of exactly an id and a text. */
static bool
read_item(struct json *line, struct str text, struct sim_item *item)
{
	struct json_fault fault;
	if (json_scan(line, text, JSON_LIMITS, &fault) != 0 || json_type(line, 0) != JSON_OBJECT)
		return false;
	uint32_t id = json_member(line, 0, "id"), own = json_member(line, 0, "text");
	if (id == 0 || own == 0 || line->count != 5 || json_type(line, id) != JSON_STRING)
		return false;
	json_label(line, id, item->id, sizeof item->id);
	buf_clear(&item->text);
	return item->id[0] != '\0' && json_text(line, own, &item->text) == 0;
}

/* Cuts the last line off. */
static struct str
last_line(struct str *text)
{
	size_t end = text->n - 1, at = end; /* of its line end */
	while (at > 0 && text->p[at - 1] != '\n')
		at--;
	text->n = at;
	return (struct str){ text->p + at, end - at };
}

/* Items from the last to the first, as far as there are any; what stands before them is left in text. */
static bool
read_items(struct sim_envelope *e, struct str *text)
{
	static struct json line;
	while (text->n != 0 && text->p[text->n - 1] == '\n') {
		struct str before = *text, one = last_line(&before);
		if (e->n == SIM_ITEMS_MOST)
			return false;
		if (!read_item(&line, one, &e->items[e->n]))
			break;
		e->n++;
		*text = before;
	}
	for (size_t i = 0; i < e->n / 2; i++) {
		struct sim_item item = e->items[i];
		e->items[i] = e->items[e->n - 1 - i];
		e->items[e->n - 1 - i] = item;
	}
	return e->n != 0;
}

/* By schema: answers is a list of objects with an id and an answer. */
static bool
read_schema(struct sim_envelope *e, const struct sim_prompt *p)
{
	static const char *const way[] = { "properties", "answers", "items", "properties", "answer" };
	const struct json *j = &p->json;
	uint32_t node = p->schema;
	for (size_t i = 0; i < sizeof way / sizeof *way && node != 0; i++)
		node = json_member(j, node, way[i]);
	if (node == 0)
		return false;
	/* {"type":"string"} and nothing else: three nodes */
	bool string = j->nodes[node].after == node + 3 && json_member(j, node, "type") != 0 &&
		      json_is(j, json_member(j, node, "type"), "string");
	e->form = string ? SIM_FORM_TEXT : SIM_FORM_SCHEMA;
	e->schema = node;
	e->definitions = p->schema;
	return true;
}

/* As an object whose shape the instruction tells, and perhaps the schema of each answer. */
static bool
read_told(struct sim_envelope *e, struct str instruction)
{
	struct json_fault fault;
	ptrdiff_t at = str_find(instruction, str_from(told_shape));
	if (at < 0)
		return false;
	char next = instruction.p[(size_t)at + strlen(told_shape)];
	e->form = next == '"' ? SIM_FORM_TEXT : SIM_FORM_OBJECT;
	at = str_find(instruction, str_from(told_schema));
	if (at < 0)
		return true;
	size_t from = (size_t)at + strlen(told_schema);
	buf_clear(&e->told);
	buf_add(&e->told, STR("{\"schema\":"));
	buf_add(&e->told, (struct str){ instruction.p + from, instruction.n - from });
	buf_add_c(&e->told, '}');
	if (json_scan(&e->told_json, buf_str(&e->told), JSON_LIMITS, &fault) != 0)
		return false;
	e->form = SIM_FORM_SCHEMA;
	e->json = &e->told_json;
	e->schema = e->definitions = json_member(e->json, 0, "schema");
	return true;
}

bool
sim_envelope_read(struct sim_envelope *e, const struct sim_prompt *p)
{
	struct str text = sim_prompt_user(p);
	e->n = 0;
	e->marks = false;
	e->schema = e->definitions = 0;
	e->json = &p->json;
	bool last = p->user_at + p->user_n + 1 == p->text.n; /* and its line end */
	if (!last || !str_starts(text, str_from(lead)) || !read_items(e, &text))
		return false;
	switch (p->form) {
	case SIM_FORM_SCHEMA:
		return read_schema(e, p);
	case SIM_FORM_OBJECT:
		return read_told(e, text);
	case SIM_FORM_TEXT:
		e->form = SIM_FORM_TEXT;
		e->marks = str_find(text, str_from(told_marks)) >= 0;
		return e->marks;
	}
	return false;
}
