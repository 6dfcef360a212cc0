/*
 * Reading what is asked.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "asked.h"

static int
read_tools(struct sim_prompt *p, struct err *e)
{
	const struct json *j = &p->json;
	uint32_t tools = json_member(j, 0, "tools"), choice = json_member(j, 0, "tool_choice");
	if (tools != 0 && json_type(j, tools) == JSON_ARRAY && !json_empty(j, tools))
		p->tools = tools;
	if (choice == 0 || json_type(j, choice) == JSON_NULL)
		return 0;
	if (p->tools == 0)
		return err_param(
		    e, "tool_choice", "", "'tool_choice' is only allowed when 'tools' are specified.");
	if (json_is(j, choice, "none"))
		p->choice = SIM_TOOLS_NONE;
	if (json_is(j, choice, "required"))
		p->choice = SIM_TOOLS_REQUIRED;
	uint32_t name = json_member(j, json_member(j, choice, "function"), "name");
	if (json_type(j, choice) == JSON_OBJECT && json_member(j, choice, "function") != 0 && name != 0) {
		p->choice = SIM_TOOLS_NAMED;
		json_label(j, name, p->choice_name, sizeof p->choice_name);
	}
	return 0;
}

static int
read_format(struct sim_prompt *p, struct err *e)
{
	const struct json *j = &p->json;
	uint32_t format = json_member(j, 0, "response_format");
	if (format == 0 || json_type(j, format) != JSON_OBJECT)
		return 0;
	uint32_t type = json_member(j, format, "type");
	if (type != 0 && json_is(j, type, "json_object"))
		p->form = SIM_FORM_OBJECT;
	if (type == 0 || !json_is(j, type, "json_schema"))
		return 0;
	uint32_t wrapper = json_member(j, format, "json_schema");
	uint32_t schema = wrapper != 0 ? json_member(j, wrapper, "schema") : 0;
	if (schema == 0)
		return err_param(e, "response_format.json_schema", "missing_required_parameter",
		    "Missing required parameter: 'response_format.json_schema'.");
	p->form = SIM_FORM_SCHEMA;
	p->schema = schema;
	return 0;
}

static int
read_messages(struct sim_prompt *p, struct err *e)
{
	const struct json *j = &p->json;
	uint32_t messages = json_member(j, 0, "messages");
	if (messages == 0)
		return err_param(
		    e, "messages", "missing_required_parameter", "Missing required parameter: 'messages'.");
	if (json_type(j, messages) != JSON_ARRAY)
		return err_param(e, "messages", "invalid_type",
		    "Invalid type for 'messages': expected an array of objects.");
	if (json_empty(j, messages))
		return err_param(e, "messages", "empty_array",
		    "Invalid 'messages': empty array. Expected an array with minimum length 1.");
	for (uint32_t m = json_first(j, messages); m != 0; m = json_next(j, messages, m)) {
		char role[16] = "";
		uint32_t node = json_member(j, m, "role");
		if (node == 0 || json_type(j, node) != JSON_STRING)
			return err_param(e, "messages", "missing_required_parameter",
			    "Missing required parameter: 'messages[].role'.");
		json_label(j, node, role, sizeof role);
		if (sim_prompt_message(p, role, json_member(j, m, "content"), e) != 0)
			return -1;
	}
	return 0;
}

/* A prompt is a string, or an array of strings, of which all are read and one is answered. */
static int
read_prompt(struct sim_prompt *p, struct err *e)
{
	uint32_t node = json_member(&p->json, 0, "prompt");
	if (node == 0)
		return sim_prompt_message(p, "user", 0, e);
	return sim_prompt_message(p, "user", node, e);
}

int
sim_asked_chat(struct sim_prompt *p, struct str body, bool chat, struct err *e)
{
	if (sim_prompt_open(p, chat ? ENDPOINT_CHAT : ENDPOINT_COMPLETIONS, body, e) != 0)
		return -1;
	if (!chat)
		return read_prompt(p, e);
	if (read_messages(p, e) != 0 || read_tools(p, e) != 0)
		return -1;
	return read_format(p, e);
}

static const char *
item_role(const struct json *j, uint32_t item, char role[16])
{
	uint32_t node = json_member(j, item, "role"), type = json_member(j, item, "type");
	if (node != 0) {
		json_label(j, node, role, 16);
		return role;
	}
	bool output = type != 0 && json_is(j, type, "function_call_output");
	return output ? "tool" : "assistant";
}

static int
read_input(struct sim_prompt *p, struct err *e)
{
	const struct json *j = &p->json;
	uint32_t input = json_member(j, 0, "input"), instructions = json_member(j, 0, "instructions");
	if (instructions != 0 && json_type(j, instructions) == JSON_STRING &&
	    sim_prompt_message(p, "system", instructions, e) != 0)
		return -1;
	if (input == 0)
		return err_param(
		    e, "input", "missing_required_parameter", "Missing required parameter: 'input'.");
	if (json_type(j, input) != JSON_ARRAY)
		return sim_prompt_message(p, "user", input, e);
	for (uint32_t i = json_first(j, input); i != 0; i = json_next(j, input, i)) {
		char role[16] = "";
		if (json_type(j, i) != JSON_OBJECT)
			return err_param(
			    e, "input", "invalid_type", "Invalid type for 'input[]': expected an object.");
		uint32_t content = json_member(j, i, "content");
		if (content == 0)
			content = json_member(j, i, "output"); /* of a function */
		if (content == 0)
			content = json_member(j, i, "arguments");
		if (sim_prompt_message(p, item_role(j, i, role), content, e) != 0)
			return -1;
	}
	return 0;
}

static void
read_text_format(struct sim_prompt *p)
{
	const struct json *j = &p->json;
	uint32_t text = json_member(j, 0, "text");
	uint32_t format = text != 0 ? json_member(j, text, "format") : 0;
	uint32_t type = format != 0 ? json_member(j, format, "type") : 0;
	if (type != 0 && json_is(j, type, "json_object"))
		p->form = SIM_FORM_OBJECT;
	if (type != 0 && json_is(j, type, "json_schema") &&
	    (p->schema = json_member(j, format, "schema")) != 0)
		p->form = SIM_FORM_SCHEMA;
}

static void
read_flat_tools(struct sim_prompt *p)
{
	const struct json *j = &p->json;
	uint32_t tools = json_member(j, 0, "tools"), choice = json_member(j, 0, "tool_choice");
	p->flat_tools = true;
	if (tools != 0 && json_type(j, tools) == JSON_ARRAY && !json_empty(j, tools))
		p->tools = tools;
	if (choice == 0)
		return;
	if (json_is(j, choice, "none"))
		p->choice = SIM_TOOLS_NONE;
	if (json_is(j, choice, "required"))
		p->choice = SIM_TOOLS_REQUIRED;
	uint32_t name = json_type(j, choice) == JSON_OBJECT ? json_member(j, choice, "name") : 0;
	if (name != 0) {
		p->choice = SIM_TOOLS_NAMED;
		json_label(j, name, p->choice_name, sizeof p->choice_name);
	}
}

int
sim_asked_response(struct sim_prompt *p, struct str body, struct err *e)
{
	if (sim_prompt_open(p, ENDPOINT_RESPONSES, body, e) != 0 || read_input(p, e) != 0)
		return -1;
	read_text_format(p);
	read_flat_tools(p);
	return 0;
}
