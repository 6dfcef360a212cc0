/*
 * Usage objects of several dialects, brought to one meaning: input holds all input tokens, output all output tokens,
 * everything else is a part of one of the two.
 *
 *     input  | at full price | cached_input | cache_write |       output | answer | reasoning |
 *
 * Who says what:
 *     chat, completions   prompt_tokens, completion_tokens and their _details
 *     responses           input_tokens, output_tokens and their _details
 *     embeddings          prompt_tokens alone
 *     Anthropic           input_tokens WITHOUT cache_read_input_tokens and cache_creation_input_tokens
 *     DeepSeek            prompt_cache_hit_tokens + prompt_cache_miss_tokens = prompt_tokens
 *     Moonshot, Together  cached_tokens beside prompt_tokens, which include them
 *     Perplexity          reasoning_tokens beside completion_tokens; searches are counted and billed apart
 *     xAI                 completion_tokens WITHOUT reasoning_tokens, which shows in total_tokens
 *     Gemini              completion_tokens WITHOUT its thoughts, which are stated nowhere but in total_tokens
 *     Groq                times beside the counts; they cost nothing
 *     OpenRouter          a cost of its own, which is not what is paid here and so is not read
 *
 * total_tokens decides what is a part and what stands beside. What it does not explain is output that nobody named.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/usage.h"

#include <assert.h>

#include "base/money.h"

#define MOST_TOKENS (INT64_C(1) << 53)

/* The counts of one object. An input or output that is stated and makes no sense spoils the whole statement (nonsense); a
 * part of them, or what has no price here, makes it doubtful. */
struct reader {
	const struct json *json;
	bool nonsense, doubtful;
};

/* As it is stated, before the total is heard. */
struct stated {
	int64_t input, cached, write;
	int64_t output, reasoning;
	int64_t total;
	bool has_output, has_total;
	bool cache_beside; /* cached and write were not in input as stated, and have been added to it */
};

/* False, *count = 0, when it is absent or null; nonsense sets *fault. */
static bool
read_count(const struct json *j, uint32_t object, const char *name, int64_t *count, bool *fault)
{
	*count = 0;
	uint32_t node = object != 0 ? json_member(j, object, name) : 0;
	if (node == 0 || json_type(j, node) == JSON_NULL)
		return false;
	int64_t value;
	if (!json_int(j, node, &value) || value < 0 || value > MOST_TOKENS) {
		*fault = true;
		return false;
	}
	*count = value;
	return true;
}

/* The first of these names that is stated in the details, or else beside them; 0 when none is. */
static int64_t
read_part(struct reader *r, uint32_t details, uint32_t usage, const char *const *names)
{
	int64_t count;
	for (const char *const *name = names; *name != NULL; name++)
		if (read_count(r->json, details, *name, &count, &r->doubtful))
			return count;
	for (const char *const *name = names; *name != NULL; name++)
		if (read_count(r->json, usage, *name, &count, &r->doubtful))
			return count;
	return 0;
}

/* One of two names for a whole; some say both, and 0 under the one they do not mean. */
static bool
read_whole(
    struct reader *r, uint32_t usage, const char *name, const char *other, int64_t *count, bool *is_other)
{
	int64_t second;
	bool has = read_count(r->json, usage, name, count, &r->nonsense);
	bool has_other = read_count(r->json, usage, other, &second, &r->nonsense);
	*is_other = has_other && (!has || (*count == 0 && second > 0));
	if (*is_other)
		*count = second;
	return has || has_other;
}

/* The input side; false when nobody stated it. */
static bool
read_input(struct reader *r, uint32_t usage, struct stated *s)
{
	static const char *const cached[] = { "cached_tokens", "cache_read_input_tokens",
		"prompt_cache_hit_tokens", "num_cached_tokens", NULL };
	static const char *const write[] = { "cache_write_tokens", "cache_creation_tokens",
		"cache_creation_input_tokens", NULL };
	const struct json *j = r->json;
	bool responses;
	bool has = read_whole(r, usage, "prompt_tokens", "input_tokens", &s->input, &responses);
	uint32_t details =
	    json_member(j, usage, responses ? "input_tokens_details" : "prompt_tokens_details");
	s->cached = read_part(r, details, usage, cached);
	s->write = read_part(r, details, usage, write);
	/* Anthropic's counts stand beside each other; with details, input_tokens is OpenAI's and includes them. */
	bool detailed = details != 0 && json_type(j, details) == JSON_OBJECT;
	s->cache_beside = responses && !detailed;
	if (s->cache_beside)
		s->input += s->cached + s->write;
	int64_t miss;
	if (!has && read_count(j, usage, "prompt_cache_miss_tokens", &miss, &r->nonsense)) {
		s->input = s->cached + miss;
		has = true;
	}
	return has;
}

/* The output side; false when it is stated as unknown. */
static bool
read_output(struct reader *r, uint32_t usage, struct stated *s)
{
	static const char *const reasoning[] = { "reasoning_tokens", "thinking_tokens", NULL };
	const struct json *j = r->json;
	bool responses;
	s->has_output = read_whole(r, usage, "completion_tokens", "output_tokens", &s->output, &responses);
	uint32_t details =
	    json_member(j, usage, responses ? "output_tokens_details" : "completion_tokens_details");
	s->reasoning = read_part(r, details, usage, reasoning);
	s->has_total = read_count(j, usage, "total_tokens", &s->total, &r->doubtful);
	if (s->has_output)
		return true;
	/* Embeddings have no output to state; a null is something else, and so is a total that something is missing to. */
	bool null =
	    json_member(j, usage, "completion_tokens") != 0 || json_member(j, usage, "output_tokens") != 0;
	return !null && (!s->has_total || s->total == s->input);
}

/* Which parts stand beside their whole, as the total has it. */
static void
hear_total(struct reader *r, struct stated *s)
{
	int64_t sum = s->input + s->output, cache = s->cached + s->write;
	bool as_stated = s->total == sum || (s->cache_beside && s->total == sum - cache);
	if (!s->has_total || as_stated)
		return;
	if (s->total == sum + s->reasoning) {
		s->output += s->reasoning;
	} else if (!s->cache_beside && s->total == sum + cache) {
		s->input += cache;
	} else if (!s->cache_beside && s->total == sum + cache + s->reasoning) {
		s->input += cache;
		s->output += s->reasoning;
	} else {
		r->doubtful = true;
		if (s->total > sum)
			s->output += s->total - sum;
	}
}

static int64_t
cut(struct reader *r, int64_t part, int64_t whole)
{
	if (part <= whole)
		return part;
	r->doubtful = true;
	return whole;
}

/* Names that end like a count of something that is billed. */
static bool
sounds_billed(struct str name)
{
	static const char *const endings[] = { "_tokens", "_requests", "_queries", "_calls", "_searches",
		"_seconds", "_characters", "_images", "_sources_used" };
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (str_ends(name, str_from(endings[i])))
			return true;
	return false;
}

/* Counts that are read above, or are parts of what is, at the same price. */
static bool
is_understood(struct str name)
{
	static const char *const names[] = { "prompt_tokens", "completion_tokens", "input_tokens",
		"output_tokens", "total_tokens", "cached_tokens", "num_cached_tokens",
		"cache_read_input_tokens", "cache_creation_input_tokens", "cache_write_tokens",
		"cache_creation_tokens", "ephemeral_5m_input_tokens", "prompt_cache_hit_tokens",
		"prompt_cache_miss_tokens", "reasoning_tokens", "thinking_tokens", "text_tokens",
		"accepted_prediction_tokens", "rejected_prediction_tokens" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_eq(name, str_from(names[i])))
			return true;
	return false;
}

/* Images that are read are tokens of input like others; images that are made have a price of their own. */
static bool
is_image_input(struct str object, struct str name)
{
	bool input = str_starts(object, STR("prompt")) || str_starts(object, STR("input"));
	return input && str_eq(name, STR("image_tokens"));
}

/* Whether anything was used that the prices do not cover: audio, searches, tools, and what we have never heard of. */
static bool
has_extra(const struct json *j, uint32_t object, struct str object_name)
{
	bool tools = str_find(object_name, STR("tool")) >= 0;
	for (uint32_t key = json_first(j, object); key != 0; key = json_next(j, object, key + 1)) {
		char label[64];
		double value;
		json_label(j, key, label, sizeof label);
		struct str name = str_from(label);
		enum json_type type = json_type(j, key + 1);
		if (type == JSON_OBJECT && object_name.n == 0 && has_extra(j, key + 1, name))
			return true;
		if (!json_double(j, key + 1, &value) || value == 0)
			continue;
		if (tools ||
		    (sounds_billed(name) && !is_understood(name) && !is_image_input(object_name, name)))
			return true;
	}
	return false;
}

/* A dearer tier was served, whatever was asked for. */
static bool
is_dearer_tier(const struct json *j, uint32_t usage)
{
	uint32_t tier = json_member(j, usage, "service_tier");
	return tier != 0 && json_is(j, tier, "priority");
}

bool
usage_read(const struct json *j, uint32_t node, struct usage *u)
{
	if (node == 0 || json_type(j, node) != JSON_OBJECT)
		return false;
	struct reader r = { .json = j };
	struct stated s = { 0 };
	if (!read_input(&r, node, &s) || !read_output(&r, node, &s) || r.nonsense)
		return false;
	if (s.has_output)
		hear_total(&r, &s);
	/* More reasoning than answer can only stand beside it, if no total says otherwise. */
	if (s.reasoning > s.output && !s.has_total) {
		s.output += s.reasoning;
		r.doubtful = true;
	}
	if (s.input > MOST_TOKENS || s.output > MOST_TOKENS)
		return false;
	struct usage found = { .known = true, .input = s.input, .output = s.output };
	/* More parts than there is to divide: the dearer part is believed first. */
	found.cache_write = cut(&r, s.write, found.input);
	found.cached_input = cut(&r, s.cached, found.input - found.cache_write);
	found.reasoning = cut(&r, s.reasoning, found.output);
	found.estimated =
	    r.doubtful || has_extra(j, node, (struct str){ NULL, 0 }) || is_dearer_tier(j, node);
	*u = found;
	return true;
}

static bool
add_cost(int64_t *sum, int64_t price, int64_t tokens)
{
	int64_t cost;
	return money_times(price, tokens, &cost) && money_add(*sum, cost, sum);
}

bool
usage_cost(const struct usage *u, const struct price *price, int64_t *pico)
{
	if (!u->known || !price->known)
		return false;
	int64_t full = u->input - u->cached_input - u->cache_write, answer = u->output - u->reasoning;
	assert(full >= 0 && u->cached_input >= 0 && u->cache_write >= 0 && answer >= 0 && u->reasoning >= 0);
	int64_t sum = price->fee;
	bool fits;
	if (u->estimated)
		fits = price_input_bound(price, u->input, &sum) &&
		       add_cost(&sum, price_output_unit(price), u->output);
	else
		fits = add_cost(&sum, price->input, full) &&
		       add_cost(&sum, price->cached_input, u->cached_input) &&
		       add_cost(&sum, price->cache_write, u->cache_write) &&
		       add_cost(&sum, price->output, answer) &&
		       add_cost(&sum, price->reasoning, u->reasoning);
	if (fits)
		*pico = sum;
	return fits;
}

const char *
cost_basis_name(enum cost_basis basis)
{
	switch (basis) {
	case COST_NONE:
		return "none";
	case COST_EXACT:
		return "exact";
	case COST_ESTIMATED:
		return "estimated";
	case COST_HELD:
		return "held";
	case COST_UNPRICED:
		return "unpriced";
	}
	return "unknown"; /* a number out of the books that a later version wrote */
}
