/*
 * Reading generating requests.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "prompt.h"

#include "models.h"
#include "tokens.h"

enum { CACHE_FIRST = 1024, CACHE_STEP = 128 };

static void
clear(struct sim_prompt *p)
{
	struct sim_prompt old = *p;
	buf_clear(&old.text);
	*p = (struct sim_prompt){ .json = old.json, .text = old.text, .n = 1, .max_output = -1 };
	for (size_t i = 0; i < 4; i++) {
		buf_clear(&old.stops[i]);
		p->stops[i] = old.stops[i];
	}
}

static int
scan(struct sim_prompt *p, struct str body, struct err *e)
{
	struct json_fault fault;
	if (json_scan(&p->json, body, JSON_LIMITS, &fault) != 0)
		return err_set(e, 400, "",
		    "We could not parse the JSON body of your request. (%s at byte %u)", fault.text,
		    fault.at);
	if (json_type(&p->json, 0) != JSON_OBJECT)
		return err_set(e, 400, "", "The body of your request must be a JSON object.");
	return 0;
}

static int
read_model(struct sim_prompt *p, struct err *e)
{
	uint32_t model = json_member(&p->json, 0, "model");
	if (model == 0 || json_type(&p->json, model) != JSON_STRING || json_empty(&p->json, model))
		return err_set(e, 400, "", "you must provide a model parameter");
	json_label(&p->json, model, p->model, sizeof p->model);
	bool plain =
	    strspn(p->model, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@") ==
	    strlen(p->model);
	if (plain && sim_model_known(str_from(p->model)))
		return 0;
	err_set(e, 404, "model_not_found",
	    "The model `%.80s` does not exist or you do not have access to it.", p->model);
	return -1;
}

static int
read_limit(struct sim_prompt *p, const char *name, struct err *e)
{
	uint32_t node = json_member(&p->json, 0, name);
	if (node == 0 || json_type(&p->json, node) == JSON_NULL)
		return 0;
	if (!json_int(&p->json, node, &p->max_output))
		return err_param(
		    e, name, "invalid_type", "Invalid type for '%s': expected an integer.", name);
	if (p->max_output < 1)
		return err_param(
		    e, name, "integer_below_min_value", "Invalid '%s': integer below minimum value.", name);
	return 0;
}

static void
read_stops(struct sim_prompt *p)
{
	uint32_t stop = json_member(&p->json, 0, "stop");
	if (stop == 0)
		return;
	if (json_type(&p->json, stop) == JSON_STRING && json_text(&p->json, stop, &p->stops[0]) == 0)
		p->n_stops = 1;
	if (json_type(&p->json, stop) != JSON_ARRAY)
		return;
	for (uint32_t i = json_first(&p->json, stop); i != 0 && p->n_stops < 4;
	     i = json_next(&p->json, stop, i))
		if (json_type(&p->json, i) == JSON_STRING &&
		    json_text(&p->json, i, &p->stops[p->n_stops]) == 0)
			p->n_stops++;
}

static bool
is_true(const struct json *j, uint32_t node)
{
	return node != 0 && json_type(j, node) == JSON_TRUE;
}

int
sim_prompt_open(struct sim_prompt *p, enum endpoint endpoint, struct str body, struct err *e)
{
	const struct json *j = &p->json;
	int64_t n;
	clear(p);
	p->endpoint = endpoint;
	if (scan(p, body, e) != 0 || read_model(p, e) != 0)
		return -1;
	if (read_limit(p, "max_tokens", e) != 0 || read_limit(p, "max_completion_tokens", e) != 0 ||
	    read_limit(p, "max_output_tokens", e) != 0)
		return -1;
	uint32_t stream = json_member(j, 0, "stream");
	if (stream != 0 && json_type(j, stream) > JSON_TRUE)
		return err_param(
		    e, "stream", "invalid_type", "Invalid type for 'stream': expected a boolean.");
	p->stream = is_true(j, stream);
	p->include_usage = is_true(j, json_member(j, json_member(j, 0, "stream_options"), "include_usage"));
	if (json_member(j, 0, "stream_options") == 0)
		p->include_usage = false;
	p->logprobs = is_true(j, json_member(j, 0, "logprobs"));
	uint32_t choices = json_member(j, 0, "n");
	if (choices != 0 && json_int(j, choices, &n)) {
		if (n < 1 || n > 128)
			return err_param(
			    e, "n", "integer_above_max_value", "Invalid 'n': must be between 1 and 128.");
		p->n = (int)n;
	}
	uint32_t seed = json_member(j, 0, "seed");
	if (seed != 0 && !json_int(j, seed, &p->seed))
		p->seed = 0;
	read_stops(p);
	return 0;
}

void
sim_prompt_line(struct sim_prompt *p, const char *role, struct str text)
{
	buf_add(&p->text, str_from(role));
	buf_add_c(&p->text, '\n');
	if (strcmp(role, "user") == 0) {
		p->user_at = p->text.n;
		p->user_n = text.n;
	}
	p->after_tool = strcmp(role, "tool") == 0;
	buf_add(&p->text, text);
	buf_add_c(&p->text, '\n');
}

static int
add_part(struct sim_prompt *p, uint32_t part, struct err *e)
{
	const struct json *j = &p->json;
	if (json_type(j, part) == JSON_STRING)
		return json_text(j, part, &p->text);
	if (json_type(j, part) != JSON_OBJECT)
		return err_param(e, "messages", "invalid_type", "Invalid type for a content part.");
	uint32_t text = json_member(j, part, "text");
	if (text != 0 && json_type(j, text) == JSON_STRING)
		return json_text(j, text, &p->text);
	return 0; /* an image, a sound or a file */
}

int
sim_prompt_message(struct sim_prompt *p, const char *role, uint32_t content, struct err *e)
{
	const struct json *j = &p->json;
	sim_prompt_line(p, role, STR(""));
	p->text.n--; /* the content comes before the end of the line */
	size_t at = p->text.n;
	if (content != 0 && json_type(j, content) == JSON_ARRAY) {
		for (uint32_t i = json_first(j, content); i != 0; i = json_next(j, content, i))
			if (add_part(p, i, e) != 0)
				return -1;
	} else if (content != 0 && json_type(j, content) != JSON_NULL) {
		if (json_type(j, content) != JSON_STRING)
			return err_param(e, "messages", "invalid_type",
			    "Invalid type for 'content': expected a string or an array of parts.");
		json_text(j, content, &p->text);
	}
	if (strcmp(role, "user") == 0)
		p->user_n = p->text.n - at;
	buf_add_c(&p->text, '\n');
	return 0;
}

struct str
sim_prompt_user(const struct sim_prompt *p)
{
	if (p->text.p == NULL)
		return STR("");
	return (struct str){ p->text.p + p->user_at, p->user_n };
}

struct prefixes {
	struct sim_seen *seen;
	struct str text;
	size_t at;
	uint64_t hash;
	int64_t tokens, most, cached;
};

static bool
on_prefix(void *context, size_t end)
{
	struct prefixes *p = context;
	p->hash = sim_hash(p->hash, (struct str){ p->text.p + p->at, end - p->at });
	p->at = end;
	p->tokens++;
	if (p->tokens < CACHE_FIRST || p->tokens % CACHE_STEP != 0)
		return p->tokens < p->most;
	if (sim_seen_add(p->seen, p->hash) != 0)
		p->cached = p->tokens;
	return p->tokens < p->most;
}

/* The longest prefix in steps of 128 tokens, 1,024 at least, that this model has read before. */
static int64_t
cached_prefix(struct sim_prompt *p, struct sim *s)
{
	struct prefixes look = { .seen = &s->prefixes,
		.text = buf_str(&p->text),
		.hash = sim_hash(SIM_HASH, str_from(p->model)),
		.most = p->usage.prompt };
	tokens_walk(sim_encoding(str_from(p->model)), look.text, on_prefix, &look);
	return look.cached;
}

/* Whoever speaks may ask for faults: answers never hold the brackets, so an old fault comes back only in its own text. */
static void
find_faults(struct sim_prompt *p, struct sim *s, struct str body, struct sim_fault *f)
{
	struct str text = buf_str(&p->text);
	if (p->bundled)
		text.n = p->user_at;
	if (str_find(text, STR("[[")) < 0)
		return;
	uint32_t served = sim_seen_add(&s->bodies, sim_hash(SIM_HASH, body));
	sim_fault_find(f, text, served);
}

void
sim_prompt_close(struct sim_prompt *p, struct sim *s, struct str body, struct sim_fault *f)
{
	p->usage.prompt += sim_count_prompt(p->endpoint, str_from(p->model), &p->json);
	if (p->usage.prompt >= CACHE_FIRST)
		p->usage.cached = cached_prefix(p, s);
	find_faults(p, s, body, f);
}

static uint32_t
function_of(const struct sim_prompt *p, uint32_t tool)
{
	return p->flat_tools ? tool : json_member(&p->json, tool, "function");
}

static bool
is_mentioned(const struct sim_prompt *p, uint32_t function)
{
	char name[64];
	uint32_t node = json_member(&p->json, function, "name");
	if (node == 0)
		return false;
	json_label(&p->json, node, name, sizeof name);
	return name[0] != '\0' && str_find(sim_prompt_user(p), str_from(name)) >= 0;
}

uint32_t
sim_prompt_tool(const struct sim_prompt *p, const struct sim_fault *f)
{
	const struct json *j = &p->json;
	const char *wanted = f->tool[0] != '\0'             ? f->tool
			     : p->choice == SIM_TOOLS_NAMED ? p->choice_name
							    : "";
	bool must =
	    p->choice == SIM_TOOLS_REQUIRED || p->choice == SIM_TOOLS_NAMED || (f->tools && !p->after_tool);
	if (p->tools == 0 || p->choice == SIM_TOOLS_NONE)
		return 0;
	for (uint32_t i = json_first(j, p->tools); i != 0; i = json_next(j, p->tools, i)) {
		uint32_t function = function_of(p, i);
		if (!json_is(j, json_member(j, i, "type"), "function") ||
		    json_member(j, function, "name") == 0)
			continue;
		bool named = wanted[0] != '\0' && json_is(j, json_member(j, function, "name"), wanted);
		if (named || (must && wanted[0] == '\0') ||
		    (!must && !p->after_tool && is_mentioned(p, function)))
			return function;
	}
	return 0;
}
