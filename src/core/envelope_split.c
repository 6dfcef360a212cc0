/*
 * Reading replies: the door for all shapes, and the shapes that are JSON. A reply is scanned strictly; of one that was cut off, all
 * that is complete is scanned strictly, as if it had ended there:
 *
 *     {"answers":[ {…}, {…}, {"id":"4829…
 *     └──── read, with ]} ─┘ └── looked at for ids only ──┘
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "envelope_parts.h"
#include "text/demand.h"

static const char unreadable[] = "it cannot be read", foreign[] = "it holds an id that is nobody's",
		  no_memory[] = "memory ran out";

static int
distrust(struct splitting *s, const char *why)
{
	s->why = why;
	return -1;
}

size_t
envelope_whose(const struct splitting *s, struct str id)
{
	size_t i = 0;
	while (i < s->count && !str_eq(id, str_from(s->items[i].id)))
		i++;
	return i;
}

bool
envelope_came(struct splitting *s, size_t item, size_t bytes)
{
	struct envelope_part *p = &s->parts[item];
	p->weight += (int64_t)bytes;
	if (!s->came[item]) {
		s->came[item] = true;
		return true;
	}
	p->fault = "its id came twice";
	buf_free(&p->text);
	return false;
}

/* ---- one answer ---- */

static bool
is_of_form(enum bundle_form form, enum json_type type)
{
	return form == BUNDLE_TEXT ? type == JSON_STRING : form == BUNDLE_OBJECT ? type == JSON_OBJECT : true;
}

static const char *
take_answer(const struct json *j, enum bundle_form form, uint32_t answer, struct buf *text)
{
	if (!is_of_form(form, json_type(j, answer)))
		return "it is of another type";
	int rc = form == BUNDLE_TEXT ? json_text(j, answer, text) : buf_add(text, json_raw(j, answer));
	if (rc != 0)
		return no_memory;
	return str_strip(buf_str(text)).n == 0 ? "it is empty" : NULL;
}

/* {"id":"482915730164","answer":…}; whose it is must be certain, whatever else is wrong with it. */
static int
take_element(struct splitting *s, const struct json *j, uint32_t element)
{
	uint32_t id = json_member(j, element, "id"), answer = json_member(j, element, "answer");
	char name[ENVELOPE_ID + 1];
	if (id == 0 || json_type(j, id) != JSON_STRING)
		return distrust(s, "it holds an answer without an id");
	json_label(j, id, name, sizeof name);
	size_t item = json_is(j, id, name) ? envelope_whose(s, str_from(name)) : s->count;
	if (item == s->count)
		return distrust(s, foreign);
	struct envelope_part *p = &s->parts[item];
	if (!envelope_came(s, item, json_raw(j, element).n))
		return 0;
	uint32_t second = json_next(j, element, json_first(j, element) + 1);
	if (answer == 0)
		p->fault = "it is empty";
	else if (json_next(j, element, second + 1) != 0)
		p->fault = "it holds more than an answer";
	else
		p->fault = take_answer(j, s->items[0].bundle->form, answer, &p->text);
	return 0;
}

static int
take_reply(struct splitting *s, const struct json *j)
{
	uint32_t answers = json_member(j, 0, "answers");
	if (answers == 0 || json_type(j, answers) != JSON_ARRAY)
		return distrust(s, "it holds no list of answers");
	if (json_next(j, 0, json_first(j, 0) + 1) != 0)
		return distrust(s, "it holds more than answers");
	for (uint32_t x = json_first(j, answers); x != 0; x = json_next(j, answers, x))
		if (take_element(s, j, x) != 0)
			return -1;
	return 0;
}

/* ---- a reply that was cut off ---- */

/* Behind the last element of the list that is complete, and where the one that is not begins; 0: there is none complete. Only brackets
 * and strings are followed: whether they make sense the scanner decides. */
static size_t
complete_until(struct str text)
{
	size_t until = 0;
	uint32_t depth = 0;
	bool inside = false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (inside) {
			i += c == '\\';
			inside = c != '"';
		} else if (c == '"')
			inside = true;
		else if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']') {
			depth -= depth > 0;
			if (depth == 2)
				until = i + 1;
		}
	}
	return until;
}

/* Eats the character, with blanks around it. */
static bool
eat(struct str *from, char c)
{
	*from = str_strip(*from);
	if (from->n == 0 || from->p[0] != c)
		return false;
	*from = str_strip((struct str){ from->p + 1, from->n - 1 });
	return true;
}

/* The id of an element that has no end, where that is its first member and complete. */
static struct str
id_of_rest(struct str rest)
{
	struct str none = { 0 };
	eat(&rest, ',');
	if (!eat(&rest, '{') || !str_starts(rest, STR("\"id\"")))
		return none;
	rest = (struct str){ rest.p + 4, rest.n - 4 };
	if (!eat(&rest, ':') || rest.n < ID_DIGITS + 2 || rest.p[0] != '"' || rest.p[ID_DIGITS + 1] != '"')
		return none;
	return (struct str){ rest.p + 1, ID_DIGITS };
}

/* What was cut off: its bytes go to whom it names, and who had an answer already and is in it again is not to be trusted. */
static int
take_rest(struct splitting *s, struct str rest)
{
	struct str id = id_of_rest(rest);
	size_t item = envelope_whose(s, id);
	if (id.n > 0 && item == s->count)
		return distrust(s, foreign);
	if (id.n > 0)
		s->parts[item].weight += (int64_t)rest.n;
	for (size_t i = 0; i < s->count; i++)
		if (s->came[i] && str_find(rest, str_from(s->items[i].id)) >= 0)
			envelope_came(s, i, 0);
	return 0;
}

/* Behind the last complete element either the list goes on with another, or it ends. */
static bool
goes_on(struct str rest, bool first)
{
	rest = str_strip(rest);
	return rest.n == 0 || first || rest.p[0] == ',' || (rest.p[0] == ']' && rest.n == 1);
}

static int
split_cut(struct splitting *s, struct str text, struct json *j)
{
	struct json_fault fault;
	struct buf whole = { 0 };
	int rc = 0;
	if (text.n == 0)
		return 0;
	size_t until = complete_until(text);
	struct str rest = { text.p + until, text.n - until };
	if (text.p[0] != '{' || !goes_on(rest, until == 0))
		return distrust(s, unreadable);
	if (until > 0 &&
	    (buf_add(&whole, (struct str){ text.p, until }) != 0 || buf_add(&whole, STR("]}")) != 0))
		rc = distrust(s, no_memory);
	else if (until > 0)
		rc = json_scan(j, buf_str(&whole), JSON_LIMITS, &fault) != 0 ? distrust(s, unreadable)
									     : take_reply(s, j);
	if (rc == 0)
		rc = take_rest(s, rest);
	buf_free(&whole);
	return rc;
}

/* ---- the whole ---- */

int
envelope_split_json(struct splitting *s, struct str text)
{
	struct json j = { 0 };
	struct json_fault fault;
	int rc = json_scan(&j, text, JSON_LIMITS, &fault);
	if (rc == 0)
		rc = take_reply(s, &j);
	else if (s->cut && fault.code == JSON_INVALID)
		rc = split_cut(s, text, &j);
	else
		rc = distrust(s, fault.code == JSON_NO_MEMORY ? no_memory : unreadable);
	json_free(&j);
	return rc;
}

/* The schema that the client asked for, on each answer that is good so far. */
static int
check_schemas(struct splitting *s)
{
	static const bool checks[DEMAND_KINDS] = { [DEMAND_SCHEMA] = true };
	const struct envelope_item *first = &s->items[0];
	if (first->bundle->form != BUNDLE_SCHEMA)
		return 0;
	const struct json *j = &first->request->json;
	struct demand_source source = { .json = true, .schema = json_raw(j, first->bundle->format) };
	struct demands *d = demands_of(&source);
	if (d == NULL)
		return distrust(s, no_memory);
	for (size_t i = 0; i < s->count; i++) {
		struct envelope_part *p = &s->parts[i];
		struct demand_answer answer = { .text = buf_str(&p->text) };
		enum demand_kind kind;
		char why[96];
		if (s->came[i] && p->fault == NULL && !demands_met(d, &answer, checks, &kind, why))
			p->fault = "it breaks its schema";
	}
	demands_free(&d);
	return 0;
}

static void
settle(struct splitting *s, bool trusted)
{
	for (size_t i = 0; i < s->count; i++) {
		struct envelope_part *p = &s->parts[i];
		if (trusted && !s->came[i])
			p->fault = s->cut ? "it was cut off" : "its id is missing";
		if (!trusted) {
			p->fault = s->why;
			p->weight = 0;
		}
		if (p->fault != NULL)
			buf_free(&p->text);
	}
}

/* Without the fence that models like to put around everything; the closing one may be cut off. */
static struct str
unfenced(struct str content)
{
	struct str s = str_strip(content), line;
	if (!str_starts(s, STR("```")))
		return s;
	if (!str_cut(&s, '\n', &line))
		return s;
	if (str_ends(s, STR("```")))
		s.n -= 3;
	return str_strip(s);
}

int
envelope_split(enum envelope_shape shape, const struct envelope_item *items, size_t count, struct str content,
    bool cut, struct envelope_part *parts, const char **why)
{
	bool came[ENVELOPE_MOST] = { false };
	struct splitting s = { .items = items, .count = count, .cut = cut, .parts = parts, .came = came };
	assert(count > 0 && count <= ENVELOPE_MOST);
	assert(shape != ENVELOPE_MARKS || items[0].bundle->form == BUNDLE_TEXT);
	struct str text = unfenced(content);
	int rc = shape == ENVELOPE_MARKS ? envelope_split_marks(&s, text) : envelope_split_json(&s, text);
	if (rc == 0)
		rc = check_schemas(&s);
	settle(&s, rc == 0);
	*why = s.why;
	return rc;
}
