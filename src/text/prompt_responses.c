/*
 * Counting what the Responses API is asked: instructions, items, tools and the form of the text.
 *
 * Its framing is not published. Counted is the chat's; the reserve covers OpenAI's own example in the API reference, where
 * usage says 36 for an input whose chat would have 18.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "prompt_parts.h"

enum { ITEM_TOKENS = 3, ROLE_TOKENS = 1, PRIMING_TOKENS = 3, ITEM_RESERVE = 16, PROMPT_RESERVE = 32 };

/* Texts that the provider has encrypted: a byte of what is shown stands for less than a byte of text, a token for at least
 * one. */
static void
add_reasoning(struct prompting *c, uint32_t item)
{
	uint32_t secret = prompt_member(c, item, "encrypted_content");
	uint32_t content = prompt_member(c, item, "content"), summary = prompt_member(c, item, "summary");
	prompt_add_content(c, content);
	prompt_add_content(c, summary);
	if (secret == 0)
		return;
	int64_t bytes = (int64_t)json_raw(c->j, secret).n, likely = bytes / 6;
	c->tokens += likely;
	prompt_unsure(c, bytes - likely);
}

static bool
is_one_of(const struct prompting *c, uint32_t type, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (prompt_is(c, type, names[i]))
			return true;
	return false;
}

/* A string, or an array of parts like a message's; anything else is something the rules do not know. */
static void
add_output(struct prompting *c, uint32_t output)
{
	if (output != 0 && json_type(c->j, output) == JSON_OBJECT)
		prompt_unbounded(c, "input");
	prompt_add_content(c, output);
}

static void
add_item(struct prompting *c, uint32_t item)
{
	/* Calls and results that are nothing but their JSON */
	static const char *const plain[] = { "local_shell_call", "local_shell_call_output", "shell_call",
		"shell_call_output", "apply_patch_call", "apply_patch_call_output" };
	static const char *const calls[] = { "function_call", "custom_tool_call" };
	static const char *const outputs[] = { "function_call_output", "custom_tool_call_output" };
	uint32_t type = prompt_member(c, item, "type"), role = prompt_member(c, item, "role");
	c->tokens += ITEM_TOKENS;
	prompt_unsure(c, ITEM_RESERVE);
	if (type == 0 || prompt_is(c, type, "message")) {
		prompt_add_text(c, role);
		prompt_add_content(c, prompt_member(c, item, "content"));
	} else if (is_one_of(c, type, calls, 2)) {
		prompt_add_text(c, prompt_member(c, item, "name"));
		prompt_add_text(c, prompt_member(c, item, "arguments"));
		prompt_add_text(c, prompt_member(c, item, "input"));
		c->tokens += ROLE_TOKENS;
		prompt_unsure(c, prompt_text(c, prompt_member(c, item, "call_id")) + ITEM_RESERVE);
	} else if (is_one_of(c, type, outputs, 2)) {
		add_output(c, prompt_member(c, item, "output"));
		c->tokens += ROLE_TOKENS;
		prompt_unsure(c, prompt_text(c, prompt_member(c, item, "call_id")) + ITEM_RESERVE);
	} else if (prompt_is(c, type, "reasoning")) {
		add_reasoning(c, item);
	} else if (is_one_of(c, type, plain, sizeof plain / sizeof *plain)) {
		prompt_add_json(c, item, ITEM_RESERVE);
	} else {
		prompt_unbounded(
		    c, "input"); /* an item by its id, what a hosted tool found, or one yet unknown */
	}
}

static void
add_input(struct prompting *c, uint32_t input)
{
	if (input == 0)
		return;
	if (json_type(c->j, input) != JSON_ARRAY) {
		c->tokens += ITEM_TOKENS + ROLE_TOKENS;
		prompt_add_text(c, input);
		return;
	}
	for (uint32_t item = json_first(c->j, input); item != 0; item = json_next(c->j, input, item))
		add_item(c, item);
}

void
prompt_responses(struct prompting *c)
{
	static const char *const elsewhere[] = { "previous_response_id", "conversation", "prompt" };
	uint32_t instructions = prompt_member(c, 0, "instructions"), text = prompt_member(c, 0, "text");
	for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
		if (prompt_member(c, 0, elsewhere[i]) != 0)
			prompt_unbounded(c, elsewhere[i]);
	if (instructions != 0) {
		c->tokens += ITEM_TOKENS + ROLE_TOKENS;
		prompt_add_text(c, instructions);
		prompt_unsure(c, ITEM_RESERVE);
	}
	add_input(c, prompt_member(c, 0, "input"));
	prompt_add_tools(c, prompt_member(c, 0, "tools"), instructions != 0);
	prompt_add_tool_choice(c, prompt_member(c, 0, "tool_choice"));
	prompt_add_format(c, text != 0 ? prompt_member(c, text, "format") : 0);
	c->tokens += PRIMING_TOKENS;
	prompt_unsure(c, PROMPT_RESERVE);
	if (c->encoding == TOKENS_BYTES)
		prompt_unsure(c, PROMPT_RESERVE);
}
