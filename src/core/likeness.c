/*
 * Taking a request apart: the last user text, and the rest.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/likeness.h"

#include "content.h"
#include "fields.h"

/* A request as it is taken apart. */
struct parts {
	const struct json *j;
	struct findings found;
	uint32_t content; /* messages, input or prompt */
	uint32_t last;    /* the message whose text is compared; 0: content itself is the text */
	uint32_t text;    /* a string, or a list of parts */
	bool turns;       /* something was said before */
};

static bool
on_skip(const struct json *j, uint32_t key, void *context)
{
	(void)j;
	const struct parts *p = context;
	if (key + 1 == p->content)
		return true;
	for (size_t i = 0; i < p->found.left_out_count; i++)
		if (p->found.left_out[i] == key)
			return true;
	return false;
}

static bool
is_said(const struct json *j, const char *name)
{
	uint32_t value = json_member(j, 0, name);
	if (value == 0)
		return false;
	enum json_type type = json_type(j, value);
	return type != JSON_NULL && type != JSON_FALSE && !(type == JSON_ARRAY && json_empty(j, value));
}

/* The members of a message that is compared: all that is not known here would be lost from the comparison. */
static bool
is_plain(const struct json *j, uint32_t message)
{
	for (uint32_t key = json_first(j, message); key != 0; key = json_next(j, message, key + 1)) {
		bool known = json_is(j, key, "role") || json_is(j, key, "content") ||
			     (json_is(j, key, "type") && json_is(j, key + 1, "message"));
		if (!known)
			return false;
	}
	return true;
}

/* Messages before the last one: instructions are part of the bucket, anything else is a conversation. */
static const char *
read_messages(struct parts *p)
{
	const struct json *j = p->j;
	for (uint32_t m = json_first(j, p->content); m != 0; m = json_next(j, p->content, m)) {
		if (p->last != 0)
			p->turns = p->turns || !content_instructs(j, p->last);
		p->last = m;
	}
	if (p->last == 0 || !content_is_role(j, p->last, "user"))
		return "its last message is not a user's";
	if (!is_plain(j, p->last))
		return "its last message has more than text";
	p->text = json_member(j, p->last, "content");
	return p->text != 0 ? NULL : "it has no text";
}

static bool
is_text_part(const struct json *j, uint32_t part)
{
	size_t members = 0;
	if (json_type(j, part) != JSON_OBJECT)
		return false;
	uint32_t text;
	for (uint32_t key = json_first(j, part); key != 0; key = json_next(j, part, key + 1))
		members++;
	return members == 2 && content_part(j, part, &text) == PART_TEXT && text != 0;
}

static const char *
read_content(struct parts *p)
{
	const struct json *j = p->j;
	if (p->content == 0)
		return "it has no text";
	if (json_type(j, p->content) == JSON_STRING) {
		p->text = p->content;
		return NULL;
	}
	if (json_type(j, p->content) != JSON_ARRAY || json_type(j, json_first(j, p->content)) != JSON_OBJECT)
		return "it has several prompts, or tokens for text";
	const char *why_not = read_messages(p);
	if (why_not != NULL || json_type(j, p->text) == JSON_STRING)
		return why_not;
	if (json_type(j, p->text) != JSON_ARRAY)
		return "it has no text";
	for (uint32_t x = json_first(j, p->text); x != 0; x = json_next(j, p->text, x))
		if (!is_text_part(j, x))
			return "it has images, sounds or files";
	return NULL;
}

static const char *
judge(const struct request *r, struct parts *p, bool conversations)
{
	if (r->endpoint == ENDPOINT_EMBEDDINGS)
		return "embeddings are exact";
	if (!r->shareable)
		return "it is not shared";
	if (r->surcharge != NULL)
		return "it asks for more than text";
	if (r->choices > 1)
		return "it asks for several answers";
	if (is_said(p->j, "logprobs") || is_said(p->j, "top_logprobs"))
		return "it asks for probabilities";
	if (is_said(p->j, "echo"))
		return "its prompt is part of the answer";
	const char *why_not = read_content(p);
	if (why_not != NULL)
		return why_not;
	bool tools = is_said(p->j, "tools") || is_said(p->j, "functions");
	if ((tools || p->turns) && !conversations)
		return tools ? "it has tools" : "it has earlier turns";
	return NULL;
}

/* Each ends with a NUL, which no canonical form holds. */
static int
add_before(const struct parts *p, struct buf *out)
{
	const struct json *j = p->j;
	if (p->last == 0)
		return buf_add_z(out, "text");
	for (uint32_t m = json_first(j, p->content); m != 0 && m != p->last; m = json_next(j, p->content, m))
		if (json_canonical(j, m, NULL, NULL, out) != 0 || buf_add_c(out, '\0') != 0)
			return -1;
	return buf_add_z(out, "message");
}

/* Where one part ends and the next begins counts, but not that a text came as a list of one. */
static int
add_text(const struct parts *p, struct buf *bucket, struct buf *text)
{
	const struct json *j = p->j;
	if (json_type(j, p->text) == JSON_STRING)
		return json_text(j, p->text, text) != 0 ? -1 : buf_add_z(bucket, "1");
	size_t count = 0;
	for (uint32_t x = json_first(j, p->text); x != 0; x = json_next(j, p->text, x), count++) {
		if (count > 0 && buf_add_c(text, '\n') != 0)
			return -1;
		if (json_text(j, json_member(j, x, "text"), text) != 0)
			return -1;
	}
	return buf_printf(bucket, "%zu", count) != 0 ? -1 : buf_add_c(bucket, '\0');
}

int
likeness_of(const struct request *r, const struct likeness_context *context, struct likeness *l)
{
	struct parts p = { .j = &r->json };
	struct buf bucket = { 0 };
	struct err e;
	int rc = -1;
	*l = (struct likeness){ 0 };
	buf_init(&l->text, LIKENESS_TEXT_MAX);
	if (fields_check(r->endpoint, &r->json, &p.found, &e) != 0) {
		l->why_not = "it is no good request"; /* it was when it was read */
		return 0;
	}
	p.content = p.found.fact[FACT_CONTENT];
	l->why_not = judge(r, &p, context->conversations);
	if (l->why_not != NULL)
		return 0;
	if (json_raw(&r->json, p.text).n > (size_t)2 * LIKENESS_TEXT_MAX) {
		l->why_not = "its text is too long";
		return 0;
	}
	if (buf_add_z(&bucket, endpoint_name(r->endpoint)) != 0 || buf_add_z(&bucket, context->scope) != 0 ||
	    buf_add_z(&bucket, context->directives) != 0 ||
	    buf_add_z(&bucket, r->model != NULL ? "" : context->task) != 0 ||
	    buf_add(&bucket, digest_str(&r->address)) != 0 ||
	    json_canonical(&r->json, 0, on_skip, &p, &bucket) != 0 || buf_add_c(&bucket, '\0') != 0 ||
	    add_before(&p, &bucket) != 0)
		goto done;
	rc = 0;
	if (add_text(&p, &bucket, &l->text) != 0)
		l->why_not = "its text is too long";
	else if (str_trim(buf_str(&l->text)).n == 0)
		l->why_not = "it has no text";
	else
		l->bucket = digest_of(buf_str(&bucket));
done:
	buf_free(&bucket);
	return rc;
}

void
likeness_free(struct likeness *l)
{
	buf_free(&l->text);
}
