/*
 * What is said in one choice, chunk by chunk:
 *
 *     role  content+content+...  tool_calls[i]: id, name, arguments+arguments+...  logprobs+logprobs...  finish_reason
 *
 * Known members of a delta grow, each in its way. Of others nobody knows how two pieces go together: one that comes once is
 * kept as it stands, one that comes again cannot be put together. Members that are null stay null and absent ones stay
 * absent, because that differs between providers and their clients see it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "assemble.h"

enum { MEMBERS_MAX = 8, DETAILS_MAX = 16, DETAIL_MEMBERS = 6 };

/* Texts of a delta, by their names in it. The first one is always in a message, were it null. */
enum { CONTENT, REFUSAL, REASONING_CONTENT, REASONING, REASONING_TEXT, THINKING, TEXTS };
static const char *const text_names[TEXTS] = { "content", "refusal", "reasoning_content", "reasoning",
	"reasoning_text", "thinking" };
static const char *const list_names[] = { "annotations", "images" };
/* Not of the type they should be, or with parts that grow, each in a way of its own. */
static const char *const strange_names[] = { "audio", "tool_calls", "function_call", "reasoning_details" };

/* A part of the reasoning as some routers tell it: {type, index, text+text+..., signature}. */
struct detail {
	bool indexed;
	int64_t index;
	struct buf type; /* JSON */
	struct words text, summary;
	struct told others[DETAIL_MEMBERS];
};

struct choice {
	struct words texts[TEXTS], text;
	struct call calls[CALLS_MAX];
	int call_count;
	struct call function_call; /* the older way to call one */
	struct detail details[DETAILS_MAX];
	int detail_count;
	bool has_logprobs;
	struct told logprobs[MEMBERS_MAX]; /* lists */
	struct told lists[MEMBERS_MAX];    /* of the deltas */
	struct told members[MEMBERS_MAX];  /* of the deltas */
	struct told others[MEMBERS_MAX];   /* of the choice */
	struct buf finish;
};

/* ---- the parts of a reasoning ---- */

/* Pieces of one index and type that follow each other belong together. */
static struct detail *
detail_of(struct choice *ch, const struct json *j, uint32_t node)
{
	int64_t index = 0;
	uint32_t at = json_member(j, node, "index"), type = json_member(j, node, "type");
	bool indexed = at != 0 && json_int(j, at, &index);
	struct str kind = type != 0 ? json_raw(j, type) : STR("");
	struct detail *last = ch->detail_count > 0 ? &ch->details[ch->detail_count - 1] : NULL;
	if (indexed && last != NULL && last->indexed && last->index == index &&
	    str_eq(buf_str(&last->type), kind))
		return last;
	if (ch->detail_count == DETAILS_MAX)
		return NULL;
	struct detail *d = &ch->details[ch->detail_count++];
	d->indexed = indexed;
	d->index = index;
	return d;
}

static void
hear_detail(struct assembly *a, struct choice *ch, uint32_t node)
{
	struct detail *d = json_type(a->j, node) == JSON_OBJECT ? detail_of(ch, a->j, node) : NULL;
	if (d == NULL) {
		a->failed = true;
		return;
	}
	for (uint32_t key = json_first(a->j, node); key != 0; key = json_next(a->j, node, key + 1)) {
		if (json_is(a->j, key, "type"))
			told_same(a, &d->type, key + 1);
		else if (json_is(a->j, key, "text"))
			words_hear(a, &d->text, key + 1);
		else if (json_is(a->j, key, "summary"))
			words_hear(a, &d->summary, key + 1);
		else
			told_fixed(a, d->others, DETAIL_MEMBERS, key);
	}
}

static void
write_details(struct scribe *s, const struct choice *ch)
{
	for (int i = 0; i < ch->detail_count; i++) {
		const struct detail *d = &ch->details[i];
		write_text(s, i == 0 ? ",\"reasoning_details\":[{\"type\":" : ",{\"type\":");
		write_str(s, d->type.n > 0 ? buf_str(&d->type) : STR("null"));
		words_write(s, "text", &d->text, NULL);
		words_write(s, "summary", &d->summary, NULL);
		told_write(s, d->others, DETAIL_MEMBERS);
		write_text(s, "}");
	}
	if (ch->detail_count > 0)
		write_text(s, "]");
}

/* ---- logprobs: objects of lists that go on ---- */

static void
hear_logprobs(struct assembly *a, struct choice *ch, uint32_t node)
{
	ch->has_logprobs = true;
	if (!is_said(a->j, node))
		return;
	if (json_type(a->j, node) != JSON_OBJECT) {
		a->failed = true;
		return;
	}
	for (uint32_t key = json_first(a->j, node); key != 0; key = json_next(a->j, node, key + 1))
		told_more(a, ch->logprobs, MEMBERS_MAX, key);
}

static void
write_logprobs(struct scribe *s, const struct choice *ch)
{
	if (!ch->has_logprobs)
		return;
	write_text(s, ",\"logprobs\":");
	told_write_lists(s, ch->logprobs, MEMBERS_MAX, "{");
	write_text(s, ch->logprobs[0].name.n > 0 ? "}" : "null");
}

/* ---- choices ---- */

static int
place_in(const struct json *j, uint32_t key, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (json_is(j, key, names[i]))
			return i;
	return -1;
}

static void
hear_member(struct assembly *a, struct choice *ch, uint32_t key)
{
	enum { LISTS = sizeof list_names / sizeof *list_names };
	enum { STRANGE = sizeof strange_names / sizeof *strange_names };
	uint32_t value = key + 1;
	int text = place_in(a->j, key, text_names, TEXTS);
	if (text >= 0)
		words_hear(a, &ch->texts[text], value);
	else if (json_is(a->j, key, "role") || json_is(a->j, key, "obfuscation") || !is_filled(a->j, value))
		return;
	else if (json_is(a->j, key, "tool_calls") && json_type(a->j, value) == JSON_ARRAY)
		for (uint32_t c = json_first(a->j, value); c != 0; c = json_next(a->j, value, c))
			call_hear(a, ch->calls, &ch->call_count, c);
	else if (json_is(a->j, key, "function_call") && json_type(a->j, value) == JSON_OBJECT)
		call_hear_called(a, &ch->function_call, value, "arguments");
	else if (json_is(a->j, key, "reasoning_details") && json_type(a->j, value) == JSON_ARRAY)
		for (uint32_t d = json_first(a->j, value); d != 0; d = json_next(a->j, value, d))
			hear_detail(a, ch, d);
	else if (place_in(a->j, key, list_names, LISTS) >= 0)
		told_more(a, ch->lists, MEMBERS_MAX, key);
	else if (place_in(a->j, key, strange_names, STRANGE) >= 0)
		a->failed = true;
	else
		told_once(a, ch->members, MEMBERS_MAX, key);
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
	uint32_t delta = json_member(a->j, choice, "delta");
	bool has_delta = delta != 0 && json_type(a->j, delta) == JSON_OBJECT;
	for (uint32_t key = has_delta ? json_first(a->j, delta) : 0; key != 0;
	     key = json_next(a->j, delta, key + 1))
		hear_member(a, ch, key);
	for (uint32_t key = json_first(a->j, choice); key != 0; key = json_next(a->j, choice, key + 1)) {
		uint32_t value = key + 1;
		if (json_is(a->j, key, "text"))
			words_hear(a, &ch->text, value);
		else if (json_is(a->j, key, "logprobs"))
			hear_logprobs(a, ch, value);
		else if (json_is(a->j, key, "finish_reason"))
			a->failed = !told_same(a, &ch->finish, value) || a->failed;
		else if (json_is(
			     a->j, key, "message")) /* what was said so far, beside the delta that says it */
			a->failed = a->failed || (is_filled(a->j, value) && !has_delta);
		else if (json_type(a->j, value) == JSON_ARRAY)
			told_once(a, ch->others, MEMBERS_MAX, key);
		else if (!json_is(a->j, key, "index") && !json_is(a->j, key, "delta"))
			told_latest(a, ch->others, MEMBERS_MAX, key);
	}
}

static void
write_message(struct scribe *s, const struct choice *ch)
{
	write_text(s, ",\"message\":{\"role\":\"assistant\"");
	for (int i = 0; i < TEXTS; i++)
		words_write(s, text_names[i], &ch->texts[i], i == CONTENT ? "null" : NULL);
	write_details(s, ch);
	call_write_all(s, ch->calls, ch->call_count);
	const struct call *older = &ch->function_call;
	if (older->name.n > 0) {
		write_text(s, ",\"function_call\":{\"name\":");
		write_str(s, buf_str(&older->name));
		words_write(s, "arguments", &older->said, "\"\"");
		write_text(s, "}");
	}
	s->failed = s->failed || (older->name.n == 0 && older->said.any);
	told_write_lists(s, ch->lists, MEMBERS_MAX, ",");
	told_write(s, ch->members, MEMBERS_MAX);
	write_text(s, "}");
}

void
choice_write(struct scribe *s, enum endpoint endpoint, const struct choice *ch, int at)
{
	write_text(s, at == 0 ? "{\"index\":" : ",{\"index\":");
	write_int(s, at);
	if (endpoint == ENDPOINT_CHAT)
		write_message(s, ch);
	else
		words_write(s, "text", &ch->text, "\"\"");
	write_logprobs(s, ch);
	told_write(s, ch->others, MEMBERS_MAX);
	write_text(s, ",\"finish_reason\":");
	write_str(s, ch->finish.n > 0 ? buf_str(&ch->finish) : STR("null"));
	write_text(s, "}");
}

void
choice_free(struct choice *ch)
{
	for (int i = 0; i < TEXTS; i++)
		words_free(&ch->texts[i]);
	words_free(&ch->text);
	for (int i = 0; i < ch->call_count; i++)
		call_free(&ch->calls[i]);
	call_free(&ch->function_call);
	for (int i = 0; i < ch->detail_count; i++) {
		buf_free(&ch->details[i].type);
		words_free(&ch->details[i].text);
		words_free(&ch->details[i].summary);
		told_free(ch->details[i].others, DETAIL_MEMBERS);
	}
	told_free(ch->logprobs, MEMBERS_MAX);
	told_free(ch->lists, MEMBERS_MAX);
	told_free(ch->members, MEMBERS_MAX);
	told_free(ch->others, MEMBERS_MAX);
	buf_free(&ch->finish);
	free(ch);
}
