/*
 * What is said in one choice, chunk by chunk:
 *
 *     role  content+content+...  tool_calls[i]: id, name, arguments+arguments+...  logprobs+logprobs...  finish_reason
 *
 * Texts grow as they are written in JSON, escapes and all. A member of a delta that is not known here cannot be put together,
 * unless it says nothing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "assemble.h"

enum { CALLS_MAX = 64, MEMBERS_MAX = 8 };

/* A text that grows: the inside of a JSON string. NULL p: it was never spoken of. */
struct words {
	struct scribe said;
	bool any; /* as a string, were it empty */
};

struct call {
	bool known, custom;
	struct buf id, type, name; /* JSON as it stood */
	struct words said;         /* arguments or input */
};

struct choice {
	bool known;
	struct words content, refusal, reasoning, reasoning_content, text;
	struct call calls[CALLS_MAX];
	int call_count;
	struct told lists[MEMBERS_MAX]; /* of logprobs: names, and elements so far */
	struct buf finish;
	struct told others[MEMBERS_MAX];
};

/* ---- members that are told once ---- */

static struct told *
told_named(struct told *list, size_t room, struct str name)
{
	for (size_t i = 0; i < room; i++)
		if (list[i].name.n == 0 || str_eq(buf_str(&list[i].name), name))
			return &list[i];
	return NULL;
}

/* last: what comes later takes the place of what came before */
void
told_keep(struct assembly *a, struct told *list, size_t room, uint32_t key, bool last)
{
	struct told *t = told_named(list, room, json_raw(a->j, key));
	if (t == NULL) {
		a->failed = true;
		return;
	}
	bool known = t->name.n > 0;
	if (known && !last)
		return;
	buf_clear(&t->value);
	a->failed = (!known && buf_add(&t->name, json_raw(a->j, key)) != 0) ||
		    buf_add(&t->value, json_raw(a->j, key + 1)) != 0 || a->failed;
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
told_free(struct told *list, size_t room)
{
	for (size_t i = 0; i < room; i++) {
		buf_free(&list[i].name);
		buf_free(&list[i].value);
	}
}

/* ---- texts that grow ---- */

static void
hear(struct assembly *a, struct words *w, uint32_t node)
{
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

static void
write_words(struct scribe *s, const char *name, const struct words *w, const char *otherwise)
{
	if (!w->any && otherwise == NULL)
		return;
	write_text(s, ",\"");
	write_text(s, name);
	write_text(s, "\":");
	if (!w->any) {
		write_text(s, otherwise);
		return;
	}
	s->failed = s->failed || w->said.failed;
	write_text(s, "\"");
	write_str(s, buf_str(&w->said.text));
	write_text(s, "\"");
}

/* ---- tool calls ---- */

static void
keep_once(struct assembly *a, struct buf *to, uint32_t node)
{
	if (to->n == 0 && is_filled(a->j, node))
		a->failed = buf_add(to, json_raw(a->j, node)) != 0 || a->failed;
}

static void
hear_called(struct assembly *a, struct call *c, uint32_t called, const char *said)
{
	for (uint32_t key = json_first(a->j, called); key != 0; key = json_next(a->j, called, key + 1)) {
		if (json_is(a->j, key, "name"))
			keep_once(a, &c->name, key + 1);
		else if (json_is(a->j, key, said))
			hear(a, &c->said, key + 1);
		else
			a->failed = a->failed || is_filled(a->j, key + 1);
	}
}

static void
hear_call(struct assembly *a, struct choice *ch, uint32_t call)
{
	int64_t at = 0;
	uint32_t index = json_type(a->j, call) == JSON_OBJECT ? json_member(a->j, call, "index") : 0;
	if (index == 0 || !json_int(a->j, index, &at) || at < 0 || at >= CALLS_MAX) {
		a->failed = true;
		return;
	}
	struct call *c = &ch->calls[at];
	c->known = true;
	ch->call_count = at >= ch->call_count ? (int)at + 1 : ch->call_count;
	for (uint32_t key = json_first(a->j, call); key != 0; key = json_next(a->j, call, key + 1)) {
		bool object = json_type(a->j, key + 1) == JSON_OBJECT;
		if (json_is(a->j, key, "id"))
			keep_once(a, &c->id, key + 1);
		else if (json_is(a->j, key, "type"))
			keep_once(a, &c->type, key + 1);
		else if (json_is(a->j, key, "function") && object)
			hear_called(a, c, key + 1, "arguments");
		else if (json_is(a->j, key, "custom") && object)
			c->custom = true, hear_called(a, c, key + 1, "input");
		else
			a->failed = a->failed || (key + 1 != index && is_filled(a->j, key + 1));
	}
}

static void
write_calls(struct scribe *s, const struct choice *ch)
{
	for (int i = 0; i < ch->call_count; i++) {
		const struct call *c = &ch->calls[i];
		/* One that was skipped, or has no name, is no call. */
		s->failed = s->failed || !c->known || c->name.n == 0;
		write_text(s, i == 0 ? ",\"tool_calls\":[{\"id\":" : ",{\"id\":");
		write_str(s, c->id.n > 0 ? buf_str(&c->id) : STR("\"\""));
		write_text(s, ",\"type\":");
		write_str(s, c->type.n > 0 ? buf_str(&c->type)
			     : c->custom   ? STR("\"custom\"")
					   : STR("\"function\""));
		write_text(s, c->custom ? ",\"custom\":{\"name\":" : ",\"function\":{\"name\":");
		write_str(s, buf_str(&c->name));
		write_words(s, c->custom ? "input" : "arguments", &c->said, "\"\"");
		write_text(s, "}}");
	}
	if (ch->call_count > 0)
		write_text(s, "]");
}

/* ---- logprobs: objects of lists that go on ---- */

static void
hear_logprobs(struct assembly *a, struct choice *ch, uint32_t node)
{
	if (!is_said(a->j, node))
		return;
	if (json_type(a->j, node) != JSON_OBJECT) {
		a->failed = true;
		return;
	}
	for (uint32_t key = json_first(a->j, node); key != 0; key = json_next(a->j, node, key + 1)) {
		if (!is_filled(a->j, key + 1))
			continue;
		struct told *t = told_named(ch->lists, MEMBERS_MAX, json_raw(a->j, key));
		if (t == NULL || json_type(a->j, key + 1) != JSON_ARRAY) {
			a->failed = true;
			return;
		}
		struct str raw = json_raw(a->j, key + 1);
		struct str inside = { raw.p + 1, raw.n - 2 };
		bool known = t->name.n > 0;
		a->failed = (!known && buf_add(&t->name, json_raw(a->j, key)) != 0) ||
			    (t->value.n > 0 && buf_add_c(&t->value, ',') != 0) ||
			    buf_add(&t->value, inside) != 0 || a->failed;
	}
}

static void
write_logprobs(struct scribe *s, const struct choice *ch)
{
	write_text(s, ",\"logprobs\":");
	if (ch->lists[0].name.n == 0) {
		write_text(s, "null");
		return;
	}
	for (size_t i = 0; i < MEMBERS_MAX && ch->lists[i].name.n > 0; i++) {
		write_text(s, i == 0 ? "{" : ",");
		write_str(s, buf_str(&ch->lists[i].name));
		write_text(s, ":[");
		write_str(s, buf_str(&ch->lists[i].value));
		write_text(s, "]");
	}
	write_text(s, "}");
}

/* ---- choices ---- */

static void
hear_delta(struct assembly *a, struct choice *ch, uint32_t delta)
{
	for (uint32_t key = json_first(a->j, delta); key != 0; key = json_next(a->j, delta, key + 1)) {
		uint32_t value = key + 1;
		if (json_is(a->j, key, "content"))
			hear(a, &ch->content, value);
		else if (json_is(a->j, key, "refusal"))
			hear(a, &ch->refusal, value);
		else if (json_is(a->j, key, "reasoning_content"))
			hear(a, &ch->reasoning_content, value);
		else if (json_is(a->j, key, "reasoning"))
			hear(a, &ch->reasoning, value);
		else if (json_is(a->j, key, "tool_calls"))
			for (uint32_t c = first_of(a->j, value); c != 0; c = json_next(a->j, value, c))
				hear_call(a, ch, c);
		else if (!json_is(a->j, key, "role") && !json_is(a->j, key, "obfuscation"))
			a->failed = a->failed || is_filled(a->j, value);
	}
}

static struct choice *
choice_at(struct assembly *a, uint32_t choice)
{
	int64_t at = 0;
	uint32_t index = json_type(a->j, choice) == JSON_OBJECT ? json_member(a->j, choice, "index") : 0;
	if (index == 0 || !json_int(a->j, index, &at) || at < 0 || at >= CHOICES_MAX) {
		a->failed = true;
		return NULL;
	}
	if (a->choices[at] == NULL)
		a->choices[at] = must_alloc(sizeof *a->choices[at]);
	return a->choices[at];
}

void
choice_hear(struct assembly *a, uint32_t choice)
{
	struct choice *ch = choice_at(a, choice);
	if (ch == NULL)
		return;
	for (uint32_t key = json_first(a->j, choice); key != 0; key = json_next(a->j, choice, key + 1)) {
		uint32_t value = key + 1;
		if (json_is(a->j, key, "delta") && json_type(a->j, value) == JSON_OBJECT)
			hear_delta(a, ch, value);
		else if (json_is(a->j, key, "text"))
			hear(a, &ch->text, value);
		else if (json_is(a->j, key, "logprobs"))
			hear_logprobs(a, ch, value);
		else if (json_is(a->j, key, "finish_reason"))
			keep_once(a, &ch->finish, value);
		else if (!json_is(a->j, key, "index") && is_filled(a->j, value))
			told_keep(a, ch->others, MEMBERS_MAX, key, true);
	}
}

void
choice_write(struct scribe *s, enum endpoint endpoint, const struct choice *ch, int at)
{
	write_text(s, at == 0 ? "{\"index\":" : ",{\"index\":");
	write_int(s, at);
	if (endpoint == ENDPOINT_CHAT) {
		write_text(s, ",\"message\":{\"role\":\"assistant\"");
		write_words(s, "content", &ch->content, "null");
		write_words(s, "refusal", &ch->refusal, "null");
		write_words(s, "reasoning_content", &ch->reasoning_content, NULL);
		write_words(s, "reasoning", &ch->reasoning, NULL);
		write_calls(s, ch);
		write_text(s, "}");
	} else {
		write_words(s, "text", &ch->text, "\"\"");
	}
	write_logprobs(s, ch);
	told_write(s, ch->others, MEMBERS_MAX);
	write_text(s, ",\"finish_reason\":");
	write_str(s, ch->finish.n > 0 ? buf_str(&ch->finish) : STR("null"));
	write_text(s, "}");
}

void
choice_free(struct choice *ch)
{
	struct words *words[] = { &ch->content, &ch->refusal, &ch->reasoning, &ch->reasoning_content,
		&ch->text };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		buf_free(&words[i]->said.text);
	for (int i = 0; i < ch->call_count; i++) {
		buf_free(&ch->calls[i].id);
		buf_free(&ch->calls[i].type);
		buf_free(&ch->calls[i].name);
		buf_free(&ch->calls[i].said.said.text);
	}
	told_free(ch->lists, MEMBERS_MAX);
	told_free(ch->others, MEMBERS_MAX);
	buf_free(&ch->finish);
	free(ch);
}
