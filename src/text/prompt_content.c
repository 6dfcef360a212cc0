/*
 * What may stand in a message besides a text, and around all messages: parts, tools, the form of the answer.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image.h"
#include "prompt_parts.h"
#include "prompt_tools.h"

enum {
	PART_RESERVE = 4,
	/* The rule that goes with the rendering, found from usage: nine tokens around the declarations, four of which
	 * a system message saves; a choice by name costs four more than the name, "none" one. */
	TOOLS_TOKENS = 9,
	TOOLS_WITH_SYSTEM = 4,
	CHOICE_TOKENS = 4,
	TOOL_RESERVE = 16,
	TOOLS_RESERVE = 32,
	FORMAT_RESERVE = 32,
};

static enum image_detail
detail_of(const struct prompting *c, uint32_t detail)
{
	if (detail == 0 || prompt_is(c, detail, "auto") || prompt_is(c, detail, "high"))
		return IMAGE_HIGH;
	return prompt_is(c, detail, "low") ? IMAGE_LOW : IMAGE_ORIGINAL;
}

static void
add_image(struct prompting *c, uint32_t url, uint32_t detail)
{
	struct str text = json_raw(c->j, url);
	text = (struct str){ text.p + 1, text.n - 2 };
	if (c->j->nodes[url].escaped) { /* base64 has slashes, and some clients escape them */
		buf_clear(&c->scratch);
		text = json_text(c->j, url, &c->scratch) == 0 ? buf_str(&c->scratch) : STR("");
	}
	struct image_cost cost = image_cost_of(c->model, image_size_of(text), detail_of(c, detail));
	if (cost.bound < 0) {
		prompt_unbounded(c, "image_url"); /* a model whose rule is not known */
		return;
	}
	c->tokens += cost.tokens;
	prompt_unsure(c, cost.bound - cost.tokens + PART_RESERVE);
}

/* The two spellings: {"image_url": {"url", "detail"}} and {"image_url": "...", "detail"}. */
static void
add_image_part(struct prompting *c, uint32_t part)
{
	uint32_t image = prompt_member(c, part, "image_url"), detail = prompt_member(c, part, "detail");
	if (image != 0 && json_type(c->j, image) == JSON_OBJECT) {
		detail = prompt_member(c, image, "detail");
		image = prompt_member(c, image, "url");
	}
	if (image != 0 && json_type(c->j, image) == JSON_STRING)
		add_image(c, image, detail);
	else
		prompt_unbounded(c, prompt_member(c, part, "file_id") != 0 ? "file_id" : "image_url");
}

static void
add_part(struct prompting *c, uint32_t part)
{
	uint32_t type = prompt_member(c, part, "type"), refusal = prompt_member(c, part, "refusal");
	bool text = prompt_is(c, type, "text") || prompt_is(c, type, "input_text") ||
		    prompt_is(c, type, "output_text") || prompt_is(c, type, "summary_text") ||
		    prompt_is(c, type, "reasoning_text");
	if (json_type(c->j, part) == JSON_STRING)
		prompt_add_text(c, part);
	else if (text)
		prompt_add_text(c, prompt_member(c, part, "text"));
	else if (prompt_is(c, type, "refusal"))
		prompt_add_text(c, refusal);
	else if (prompt_is(c, type, "image_url") || prompt_is(c, type, "input_image"))
		add_image_part(c, part);
	else if (prompt_is(c, type, "input_audio"))
		prompt_unbounded(c, "input_audio");
	else if (prompt_is(c, type, "file") || prompt_is(c, type, "input_file"))
		prompt_unbounded(c, "file");
	else
		prompt_unbounded(c, "content");
}

void
prompt_add_content(struct prompting *c, uint32_t content)
{
	if (content == 0 || json_type(c->j, content) != JSON_ARRAY) {
		prompt_add_text(c, content);
		return;
	}
	int64_t parts = 0;
	for (uint32_t part = json_first(c->j, content); part != 0;
	     part = json_next(c->j, content, part), parts++)
		add_part(c, part);
	if (parts > 1) /* one text is the same as a string; what stands between two is not known */
		prompt_unsure(c, parts * PART_RESERVE);
}

static bool
is_hosted(const struct prompting *c, uint32_t tool)
{
	uint32_t type = prompt_member(c, tool, "type"); /* functions of old have none */
	return type != 0 && !prompt_is(c, type, "function") && !prompt_is(c, type, "custom");
}

/* The declarations, or the JSON they were made of, whichever is more: newer models are shown more of the schema. */
void
prompt_add_tools(struct prompting *c, uint32_t tools, bool with_system)
{
	int64_t count = 0;
	if (tools == 0 || json_type(c->j, tools) != JSON_ARRAY || json_empty(c->j, tools))
		return;
	for (uint32_t tool = json_first(c->j, tools); tool != 0; tool = json_next(c->j, tools, tool), count++)
		if (is_hosted(c, tool))
			prompt_unbounded(c, "tools");
	int64_t json = tokens_count(c->encoding, json_raw(c->j, tools)), rendered = json;
	buf_clear(&c->scratch);
	if (prompt_render_tools(c->j, tools, &c->scratch) == 0)
		rendered = tokens_count(c->encoding, buf_str(&c->scratch));
	int64_t most = rendered > json ? rendered : json;
	c->tokens += rendered + TOOLS_TOKENS - (with_system ? TOOLS_WITH_SYSTEM : 0);
	prompt_unsure(c, most - rendered + most / 8 + count * TOOL_RESERVE + TOOLS_RESERVE);
}

void
prompt_add_tool_choice(struct prompting *c, uint32_t choice)
{
	if (choice == 0)
		return;
	if (prompt_is(c, choice, "none"))
		c->tokens++;
	if (json_type(c->j, choice) == JSON_OBJECT) {
		uint32_t function = prompt_member(c, choice, "function");
		prompt_add_text(c, prompt_member(c, function != 0 ? function : choice, "name"));
		c->tokens += CHOICE_TOKENS;
		prompt_unsure(c, tokens_count(c->encoding, json_raw(c->j, choice)));
	}
	prompt_unsure(c, CHOICE_TOKENS);
}

void
prompt_add_format(struct prompting *c, uint32_t format)
{
	uint32_t type = format != 0 ? prompt_member(c, format, "type") : 0;
	if (format == 0 || prompt_is(c, type, "text"))
		return;
	if (prompt_is(c, type, "json_object")) {
		prompt_unsure(c, FORMAT_RESERVE);
		return;
	}
	uint32_t schema = prompt_member(c, format, "json_schema");
	prompt_add_json(c, schema != 0 ? schema : format, FORMAT_RESERVE);
}
