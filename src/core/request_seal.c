/*
 * The body that goes upstream: the client's bytes with up to five edits spliced in, everything else as it stands.
 *
 *     model       the provider's name for it
 *     usage       stream_options.include_usage, where a stream's client did not ask
 *     limit       the most tokens of an answer; a chat may have two fields for it
 *     suffix      what the router adds to the system prompt
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/request.h"

#include <assert.h>
#include <stdio.h>

enum { MOST_EDITS = 5 };

/* The edits in the order of the text, and the bytes they put there. */
struct seal {
	const struct json *json;
	struct json_edit edits[MOST_EDITS];
	struct buf stores[MOST_EDITS];
	size_t count;
};

/* Of two that begin at one place, the one that came first stays first. */
static void
take(struct seal *s, struct json_edit edit)
{
	size_t at = s->count++;
	for (; at > 0 && s->edits[at - 1].at > edit.at; at--)
		s->edits[at] = s->edits[at - 1];
	s->edits[at] = edit;
}

static int
set(struct seal *s, const char *name, struct str value)
{
	struct json_edit edit;
	assert(s->count < MOST_EDITS);
	if (json_set(s->json, name, value, &s->stores[s->count], &edit) != 0)
		return -1;
	take(s, edit);
	return 0;
}

static int
rename_model(struct seal *s, const char *upstream_model)
{
	struct buf name = { 0 };
	int rc = -1;
	if (buf_add_c(&name, '"') == 0 && buf_add_json(&name, str_from(upstream_model)) == 0 &&
	    buf_add_c(&name, '"') == 0)
		rc = set(s, "model", buf_str(&name));
	buf_free(&name);
	return rc;
}

/* After this the upstream will report usage at the end of its stream. */
static int
ask_for_usage(struct seal *s)
{
	const struct json *j = s->json;
	uint32_t options = json_member(j, 0, "stream_options");
	if (options == 0 || json_type(j, options) == JSON_NULL || json_empty(j, options))
		return set(s, "stream_options", STR("{\"include_usage\":true}"));
	uint32_t old = json_member(j, options, "include_usage");
	if (old != 0) {
		take(s, (struct json_edit){ j->nodes[old].at, j->nodes[old].end, STR("true") });
		return 0;
	}
	uint32_t first = j->nodes[json_first(j, options)].at;
	take(s, (struct json_edit){ first, first, STR("\"include_usage\":true,") });
	return 0;
}

static bool
is_stated(const struct json *j, const char *name)
{
	uint32_t node = json_member(j, 0, name);
	return node != 0 && json_type(j, node) != JSON_NULL;
}

/* api.openai.com and its regions, such as eu.api.openai.com. */
static bool
is_openai(const struct upstream_conf *u)
{
	struct str rest = str_from(u->base_url), https = STR("https://"), host;
	if (!str_starts(rest, https))
		return false;
	host = (struct str){ rest.p + https.n, 0 };
	while (host.n < rest.n - https.n && host.p[host.n] != '/' && host.p[host.n] != ':')
		host.n++;
	return str_eq(host, STR("api.openai.com")) || str_ends(host, STR(".api.openai.com"));
}

/* OpenAI's reasoning models refuse max_tokens, and many servers that speak like OpenAI know nothing else. */
static bool
knows_completion_tokens(const struct model_conf *model)
{
	static const char *const thinkers[] = { "o1", "o3", "o4", "gpt-5" };
	struct str name = str_from(model->upstream_model);
	if (model->reasoning || (model->upstream != NULL && is_openai(model->upstream)))
		return true;
	for (size_t i = 0; i < sizeof thinkers / sizeof *thinkers; i++)
		if (str_starts(name, str_from(thinkers[i])))
			return true;
	return false;
}

static int
limit_chat(struct seal *s, const struct model_conf *model, struct str limit)
{
	bool old = is_stated(s->json, "max_tokens"), now = is_stated(s->json, "max_completion_tokens");
	if (!old && !now) {
		now = knows_completion_tokens(model);
		old = !now;
	}
	if (old && set(s, "max_tokens", limit) != 0)
		return -1;
	return now ? set(s, "max_completion_tokens", limit) : 0;
}

static int
limit_output(struct seal *s, enum endpoint endpoint, const struct model_conf *model, int64_t output_limit)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%lld", (long long)output_limit);
	struct str limit = { digits, (size_t)n };
	switch (endpoint) {
	case ENDPOINT_CHAT:
		return limit_chat(s, model, limit);
	case ENDPOINT_COMPLETIONS:
		return set(s, "max_tokens", limit);
	case ENDPOINT_RESPONSES:
		return set(s, "max_output_tokens", limit);
	case ENDPOINT_EMBEDDINGS:
		return 0;
	}
	assert(!"an endpoint");
	return -1;
}

/* ---- the suffix ---- */

/* Inserted at a place of the text: lead and tail are JSON, the suffix becomes the inside of a string. */
static int
insert(struct seal *s, uint32_t at, struct str lead, const char *suffix, struct str tail)
{
	assert(s->count < MOST_EDITS);
	struct buf *b = &s->stores[s->count];
	if (buf_add(b, lead) != 0 || buf_add_json(b, str_from(suffix)) != 0 || buf_add(b, tail) != 0)
		return -1;
	take(s, (struct json_edit){ at, at, buf_str(b) });
	return 0;
}

/* Behind what a content says already: a text, or a list of parts. */
static int
append_to(struct seal *s, uint32_t content, const char *suffix)
{
	const struct json *j = s->json;
	uint32_t before_end = j->nodes[content].end - 1; /* the closing quote or bracket */
	if (json_type(j, content) == JSON_STRING)
		return insert(s, before_end, STR("\\n\\n"), suffix, STR(""));
	return insert(s, before_end,
	    json_empty(j, content) ? STR("{\"type\":\"text\",\"text\":\"")
				   : STR(",{\"type\":\"text\",\"text\":\""),
	    suffix, STR("\"}"));
}

static bool
can_append(const struct json *j, uint32_t content)
{
	return content != 0 && (json_type(j, content) == JSON_STRING || json_type(j, content) == JSON_ARRAY);
}

static int
suffix_chat(struct seal *s, const char *suffix)
{
	const struct json *j = s->json;
	uint32_t messages = json_member(j, 0, "messages");
	if (messages == 0 || json_type(j, messages) != JSON_ARRAY || json_empty(j, messages))
		return 0;
	for (uint32_t m = json_first(j, messages); m != 0; m = json_next(j, messages, m)) {
		uint32_t role = json_member(j, m, "role"), content = json_member(j, m, "content");
		bool instructs = role != 0 && (json_is(j, role, "system") || json_is(j, role, "developer"));
		if (instructs && can_append(j, content))
			return append_to(s, content, suffix);
	}
	return insert(s, j->nodes[json_first(j, messages)].at, STR("{\"role\":\"system\",\"content\":\""),
	    suffix, STR("\"},"));
}

static int
suffix_responses(struct seal *s, const char *suffix)
{
	uint32_t instructions = json_member(s->json, 0, "instructions");
	if (instructions != 0 && json_type(s->json, instructions) == JSON_STRING)
		return append_to(s, instructions, suffix);
	struct buf value = { 0 };
	int rc = -1;
	if (buf_add_c(&value, '"') == 0 && buf_add_json(&value, str_from(suffix)) == 0 &&
	    buf_add_c(&value, '"') == 0)
		rc = set(s, "instructions", buf_str(&value));
	buf_free(&value);
	return rc;
}

static int
add_suffix(struct seal *s, const struct request *r)
{
	if (r->suffix == NULL)
		return 0;
	return r->endpoint == ENDPOINT_RESPONSES ? suffix_responses(s, r->suffix)
	       : r->endpoint == ENDPOINT_CHAT    ? suffix_chat(s, r->suffix)
						 : 0;
}

int
request_seal(const struct request *r, const struct model_conf *model, int64_t output_limit, struct buf *out)
{
	const struct json *j = &r->json;
	struct seal s = { .json = j };
	int rc = -1;
	assert(output_limit >= 0);
	/* A family serves each of its models under the name that was asked for. */
	bool same = model->family && model == r->model;
	if (!same && !json_is(j, json_member(j, 0, "model"), model->upstream_model) &&
	    rename_model(&s, model->upstream_model) != 0)
		goto out;
	bool streams_usage = r->endpoint == ENDPOINT_CHAT || r->endpoint == ENDPOINT_COMPLETIONS;
	if (streams_usage && r->stream && !r->include_usage && ask_for_usage(&s) != 0)
		goto out;
	if (output_limit > 0 && limit_output(&s, r->endpoint, model, output_limit) != 0)
		goto out;
	if (add_suffix(&s, r) != 0)
		goto out;
	rc = json_splice(j->text, s.edits, s.count, out);
out:
	for (size_t i = 0; i < MOST_EDITS; i++)
		buf_free(&s.stores[i]);
	return rc;
}
