/*
 * Fields that cost more than their tokens, or whose cost nobody would tell. What is not known here passes, as in shapes.c:
 * new fields appear every month, and most shape the answer only. Those of other providers are listed as far as they
 * are known to be billed apart.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "surcharge.h"

/* How a member that is there, and neither null nor false nor an empty list, is judged. */
enum rule { ANY, TOOLS, MODALITIES, TIER, LOOKUP };

static const struct {
	const char *name;
	enum rule rule;
} members[] = {
	{ "tools", TOOLS },
	{ "modalities", MODALITIES },
	{ "service_tier", TIER },
	{ "audio", ANY },
	{ "web_search_options", ANY },
	{ "background", ANY }, /* its answer, and so its usage, comes another way */
	{ "moderation", ANY },
	{ "prompt", ANY },             /* responses: a stored one may bring hosted tools along */
	{ "context_management", ANY }, /* compaction writes tokens that no limit counts */
	/* OpenRouter: other models, and plug-ins by the piece */
	{ "models", ANY },
	{ "plugins", LOOKUP },
	/* xAI, Alibaba, Azure, Anthropic: searches and servers behind the model */
	{ "search_parameters", LOOKUP },
	{ "enable_search", LOOKUP },
	{ "data_sources", LOOKUP },
	{ "mcp_servers", LOOKUP },
};

enum { MEMBERS = sizeof members / sizeof *members };

bool
surcharge_tools(const struct json *j, uint32_t tools)
{
	if (tools == 0 || json_type(j, tools) != JSON_ARRAY)
		return false;
	for (uint32_t tool = json_first(j, tools); tool != 0; tool = json_next(j, tools, tool)) {
		uint32_t type = json_member(j, tool, "type");
		if (type == 0 || (!json_is(j, type, "function") && !json_is(j, type, "custom")))
			return true;
	}
	return false;
}

bool
surcharge_speaks(const struct json *j, uint32_t modalities)
{
	if (modalities == 0 || json_type(j, modalities) != JSON_ARRAY)
		return false;
	for (uint32_t x = json_first(j, modalities); x != 0; x = json_next(j, modalities, x))
		if (!json_is(j, x, "text"))
			return true;
	return false;
}

/* auto and default cost the full price, flex less. */
static bool
tier_is_dearer(const struct json *j, uint32_t tier)
{
	return !json_is(j, tier, "auto") && !json_is(j, tier, "default") && !json_is(j, tier, "flex");
}

static bool
says_nothing(const struct json *j, uint32_t value)
{
	enum json_type type = json_type(j, value);
	return type == JSON_NULL || type == JSON_FALSE || (type == JSON_ARRAY && json_empty(j, value));
}

static bool
costs_more(const struct json *j, uint32_t value, enum rule rule)
{
	switch (rule) {
	case TOOLS:
		return surcharge_tools(j, value);
	case MODALITIES:
		return surcharge_speaks(j, value);
	case TIER:
		return tier_is_dearer(j, value);
	case ANY:
	case LOOKUP:
		break;
	}
	return true;
}

bool
surcharge_looks_up(const struct json *j)
{
	for (uint32_t key = json_first(j, 0); key != 0; key = json_next(j, 0, key + 1))
		for (size_t i = 0; i < MEMBERS; i++)
			if (members[i].rule == LOOKUP && json_is(j, key, members[i].name) &&
			    !says_nothing(j, key + 1))
				return true;
	return false;
}

/* Parts that are tokens of text; a file and an image are tokens of input, too, however many. */
static bool
part_is_tokens(const struct json *j, uint32_t part)
{
	static const char *const types[] = { "text", "image_url", "file", "refusal", "input_text",
		"output_text", "input_image", "input_file", "reasoning_text", "summary_text" };
	uint32_t type = json_type(j, part) == JSON_OBJECT ? json_member(j, part, "type") : 0;
	if (type == 0)
		return json_type(j, part) != JSON_OBJECT;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (json_is(j, type, types[i]))
			return true;
	return false;
}

/* One message of a chat, or item of responses. */
static bool
message_is_tokens(const struct json *j, uint32_t message)
{
	if (json_type(j, message) != JSON_OBJECT)
		return true; /* a prompt among several, or a token of one */
	uint32_t content = 0;
	for (uint32_t key = json_first(j, message); key != 0; key = json_next(j, message, key + 1)) {
		if (json_is(j, key, "content"))
			content = key + 1;
		/* An answer spoken before, by its name. */
		if (json_is(j, key, "audio") && json_type(j, key + 1) != JSON_NULL)
			return false;
	}
	if (content == 0 || json_type(j, content) != JSON_ARRAY)
		return true;
	for (uint32_t part = json_first(j, content); part != 0; part = json_next(j, content, part))
		if (!part_is_tokens(j, part))
			return false;
	return true;
}

static bool
content_is_tokens(const struct json *j, uint32_t content)
{
	if (json_type(j, content) != JSON_ARRAY)
		return true;
	for (uint32_t x = json_first(j, content); x != 0; x = json_next(j, content, x))
		if (!message_is_tokens(j, x))
			return false;
	return true;
}

const char *
surcharge_of(const struct json *j, uint32_t content)
{
	size_t first = MEMBERS; /* of the table, so that the order of the client's members is all the same */
	for (uint32_t key = json_first(j, 0); key != 0; key = json_next(j, 0, key + 1)) {
		if (key + 1 == content || says_nothing(j, key + 1))
			continue; /* a completion's `prompt` is its content */
		for (size_t i = 0; i < first; i++)
			if (json_is(j, key, members[i].name) && costs_more(j, key + 1, members[i].rule))
				first = i;
	}
	if (first < MEMBERS)
		return members[first].name;
	if (content == 0 || content_is_tokens(j, content))
		return NULL;
	return json_member(j, 0, "messages") == content ? "messages" : "input";
}
