/*
 * The Responses API.
 *
 * A stream: created, in_progress; for the one item that is made output_item.added, then for a message content_part.added,
 * output_text.delta.., output_text.done, content_part.done, for a call function_call_arguments.delta.., .done; output_item.done;
 * completed or incomplete, which alone carries the usage. Every event is numbered.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "responses.h"

#include "answers.h"
#include "asked.h"
#include "envelope.h"
#include "models.h"
#include "store.h"
#include "tokens.h"
#include "usage.h"

#include <inttypes.h>
#include <stdio.h>

enum { KEEP_MEMORY = 1024 * 1024 };

static struct sim_prompt prompt; /* one at a time; its memory is reused */

struct talk {
	struct sim *sim;
	const struct sim_prompt *p;
	struct sim_reply *reply;
	const struct sim_envelope *envelope; /* NULL: one question */
	char id[48], item[48], previous[48];
	const char *model, *status;
	int64_t created, number;
	uint32_t function;
	struct sim_usage usage;
	bool store;
	struct str said;
};

/* What the client sent comes back in the response as it was written. */
static void
echo(struct talk *t, struct buf *out, const char *name, const char *otherwise)
{
	const struct json *j = &t->p->json;
	uint32_t node = json_member(j, 0, name);
	buf_printf(out, ",\"%s\":", name);
	buf_add(out, node != 0 ? json_raw(j, node) : str_from(otherwise));
}

/* The item as it is when it is added (nothing said yet) or done. */
static void
add_item(struct talk *t, struct buf *out, bool done)
{
	const char *status = !done                                  ? "in_progress"
			     : strcmp(t->status, "incomplete") == 0 ? "incomplete"
								    : "completed";
	if (t->function != 0) {
		char name[80];
		json_label(&t->p->json, json_member(&t->p->json, t->function, "name"), name, sizeof name);
		buf_printf(out,
		    "{\"id\":\"%s\",\"type\":\"function_call\",\"status\":\"%s\",\"call_id\":\"call_%s\","
		    "\"name\":\"",
		    t->item, status, t->id + 5);
		buf_add_json(out, str_from(name));
		buf_add(out, STR("\",\"arguments\":\""));
		buf_add_json(out, done ? t->said : STR(""));
		buf_add(out, STR("\"}"));
		return;
	}
	buf_printf(out,
	    "{\"id\":\"%s\",\"type\":\"message\",\"status\":\"%s\",\"role\":\"assistant\",\"content\":[",
	    t->item, status);
	if (done) {
		buf_add(out, STR("{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\""));
		buf_add_json(out, t->said);
		buf_add(out, STR("\"}"));
	}
	buf_add(out, STR("]}"));
}

static void
add_response(struct talk *t, struct buf *out, bool done)
{
	bool whole = strcmp(t->status, "completed") == 0;
	buf_printf(out,
	    "{\"id\":\"%s\",\"object\":\"response\",\"created_at\":%" PRId64
	    ",\"status\":\"%s\",\"background\":false",
	    t->id, t->created, done ? t->status : "in_progress");
	buf_add(out, STR(",\"error\":null,\"incomplete_details\":"));
	buf_add(out, done && !whole ? STR("{\"reason\":\"max_output_tokens\"}") : STR("null"));
	echo(t, out, "instructions", "null");
	echo(t, out, "max_output_tokens", "null");
	buf_printf(out, ",\"model\":\"%s\",\"output\":[", t->model);
	if (done)
		add_item(t, out, true);
	buf_add_c(out, ']');
	echo(t, out, "parallel_tool_calls", "true");
	echo(t, out, "previous_response_id", "null");
	echo(t, out, "reasoning", "{\"effort\":null,\"summary\":null}");
	buf_printf(out, ",\"service_tier\":\"default\",\"store\":%s", t->store ? "true" : "false");
	echo(t, out, "temperature", "1.0");
	echo(t, out, "text", "{\"format\":{\"type\":\"text\"}}");
	echo(t, out, "tool_choice", "\"auto\"");
	echo(t, out, "tools", "[]");
	echo(t, out, "top_p", "1.0");
	echo(t, out, "truncation", "\"disabled\"");
	buf_add(out, STR(",\"usage\":"));
	if (done && !t->reply->fault.no_usage)
		sim_usage_responses(&t->usage, t->reply->fault.usage, out);
	else
		buf_add(out, STR("null"));
	buf_add(out, STR(",\"user\":null"));
	echo(t, out, "metadata", "{}");
	buf_add_c(out, '}');
}

/* Opens an event; the caller adds further members, each with its comma, and closes it. */
static size_t
event_open(struct talk *t, const char *type)
{
	struct sim_script *script = &t->reply->script;
	size_t from = sim_script_here(script);
	buf_printf(&script->bytes,
	    "event: response.%s\ndata: {\"type\":\"response.%s\",\"sequence_number\":%" PRId64, type, type,
	    t->number++);
	return from;
}

static void
event_close(struct talk *t, size_t from, enum sim_step_kind kind)
{
	buf_add(&t->reply->script.bytes, STR("}\n\n"));
	sim_script_event(&t->reply->script, kind, from);
}

static void
stream_response(struct talk *t, const char *type, bool done)
{
	size_t from = event_open(t, type);
	buf_add(&t->reply->script.bytes, STR(",\"response\":"));
	add_response(t, &t->reply->script.bytes, done);
	event_close(t, from, done ? SIM_STEP_FINISH : SIM_STEP_EVENT);
}

static void
stream_item(struct talk *t, const char *type, bool done)
{
	size_t from = event_open(t, type);
	buf_add(&t->reply->script.bytes, STR(",\"output_index\":0,\"item\":"));
	add_item(t, &t->reply->script.bytes, done);
	event_close(t, from, SIM_STEP_EVENT);
}

/* Events about the part of a message: its place, and what is in it. */
static void
stream_part(struct talk *t, const char *type, const char *before, bool done, const char *behind)
{
	struct buf *out = &t->reply->script.bytes;
	size_t from = event_open(t, type);
	buf_printf(out, ",\"item_id\":\"%s\",\"output_index\":0", t->item);
	if (t->function == 0)
		buf_add(out, STR(",\"content_index\":0"));
	buf_add(out, str_from(before));
	buf_add_json(out, done ? t->said : STR(""));
	buf_add(out, str_from(behind));
	event_close(t, from, SIM_STEP_EVENT);
}

static void
stream_pieces(struct talk *t, const char *type)
{
	struct sim_script *script = &t->reply->script;
	struct buf *out = &script->bytes;
	size_t head = sim_script_here(script);
	buf_printf(
	    out, "event: response.%s\ndata: {\"type\":\"response.%s\",\"sequence_number\":", type, type);
	size_t middle = sim_script_here(script);
	buf_printf(out, ",\"item_id\":\"%s\",\"output_index\":0%s,\"delta\":\"", t->item,
	    t->function == 0 ? ",\"content_index\":0,\"logprobs\":[]" : "");
	size_t text = sim_script_here(script);
	buf_add(out, t->said);
	size_t tail = sim_script_here(script);
	buf_add(out, STR("\"}\n\n"));
	int64_t pieces =
	    sim_script_text(script, sim_encoding(str_from(t->p->model)), head, middle, text, tail, t->number);
	t->number += t->reply->fault.one_chunk ? t->said.n != 0 : pieces;
}

static void
stream(struct talk *t)
{
	stream_response(t, "created", false);
	stream_response(t, "in_progress", false);
	stream_item(t, "output_item.added", false);
	if (t->function != 0) {
		stream_pieces(t, "function_call_arguments.delta");
		stream_part(t, "function_call_arguments.done", ",\"arguments\":\"", true, "\"");
	} else {
		static const char part[] =
		    ",\"part\":{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"";
		stream_part(t, "content_part.added", part, false, "\"}");
		stream_pieces(t, "output_text.delta");
		stream_part(t, "output_text.done", ",\"logprobs\":[],\"text\":\"", true, "\"");
		stream_part(t, "content_part.done", part, true, "\"}");
	}
	stream_item(t, "output_item.done", true);
	stream_response(t, strcmp(t->status, "completed") == 0 ? "completed" : "incomplete", true);
}

static struct sim_said
say(struct talk *t, struct sim_prompt *p, struct buf *said)
{
	if (t->envelope != NULL)
		return sim_envelope_answer(t->sim, p, t->envelope, &t->reply->fault, 0, said);
	if (t->function != 0)
		return sim_answer_arguments(t->sim, p, t->function, said);
	return sim_answer(t->sim, p, &t->reply->fault, 0, said);
}

static void
answer(struct talk *t, struct sim_prompt *p)
{
	static struct buf said;
	t->usage = p->usage;
	t->usage.reasoning = sim_answer_think(p);
	if (said.cap > KEEP_MEMORY)
		buf_free(&said);
	buf_clear(&said);
	struct sim_said one = say(t, p, &said);
	t->said = buf_str(&said);
	t->usage.completion = t->usage.reasoning + one.tokens;
	t->status = strcmp(one.finish, "length") == 0 ? "incomplete" : "completed";
	if (p->stream)
		stream(t);
	else
		add_response(t, &t->reply->body, true);
}

static int
read_request(struct sim *s, struct str body, struct talk *t, struct err *e)
{
	const struct json *j = &prompt.json;
	if (sim_asked_response(&prompt, body, e) != 0)
		return -1;
	uint32_t store = json_member(j, 0, "store"), previous = json_member(j, 0, "previous_response_id");
	t->store = store == 0 || json_type(j, store) != JSON_FALSE;
	if (previous == 0 || json_type(j, previous) != JSON_STRING)
		return 0;
	json_label(j, previous, t->previous, sizeof t->previous);
	const struct sim_kept *kept = sim_store_find(s->store, str_from(t->previous));
	if (kept == NULL)
		return err_param(e, "previous_response_id", "previous_response_not_found",
		    "Previous response with id '%s' not found.", t->previous);
	prompt.usage.prompt += kept->tokens; /* the conversation so far is read again */
	return 0;
}

static void
keep(struct talk *t)
{
	struct buf response = { 0 };
	const struct json *j = &t->p->json;
	add_response(t, &response, true);
	struct str input = json_raw(j, json_member(j, 0, "input"));
	sim_store_add(t->sim->store, t->id, &response, input, t->usage.prompt + t->usage.completion);
}

static void
create(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	struct err e;
	struct talk t = { .sim = s, .p = &prompt, .reply = reply, .created = sim_now() };
	if (read_request(s, r->body, &t, &e) != 0) {
		sim_reply_error(reply, &e);
		return;
	}
	t.envelope = sim_envelope_close(s, &prompt, r->body, &reply->fault);
	t.model = reply->fault.model[0] != '\0' ? reply->fault.model : prompt.model;
	t.function = t.envelope == NULL ? sim_prompt_tool(&prompt, &reply->fault) : 0;
	sim_id(s, "resp_", t.id, sizeof t.id);
	sim_id(s, t.function != 0 ? "fc_" : "msg_", t.item, sizeof t.item);
	reply->stream = prompt.stream;
	answer(&t, &prompt);
	if (t.store)
		keep(&t);
	str_copy(reply->charge.model, sizeof reply->charge.model, str_from(prompt.model));
	reply->charge.usage = t.usage;
	reply->charge.mark = sim_answer_hash(sim_prompt_user(&prompt));
	reply->charge.states = sim_usage_is_true(&reply->fault);
}

/* The input as it was sent: a text becomes a message, a list is shown as it is. */
static void
input_items(const struct sim_kept *kept, struct buf *out)
{
	struct str input = buf_str(&kept->input);
	buf_add(out, STR("{\"object\":\"list\",\"data\":"));
	if (str_starts(input, STR("\""))) {
		buf_printf(out,
		    "[{\"id\":\"msg_in_%s\",\"type\":\"message\",\"role\":\"user\",\"status\":\"completed\","
		    "\"content\":[{\"type\":\"input_text\",\"text\":",
		    kept->id);
		buf_add(out, input);
		buf_add(out, STR("}]}]"));
	} else {
		buf_add(out, input);
	}
	buf_add(out, STR(",\"first_id\":null,\"last_id\":null,\"has_more\":false}"));
}

/* GET, DELETE and /input_items and /cancel below one response. */
static void
look(struct sim *s, const struct sim_request *r, struct sim_reply *reply, struct str rest)
{
	struct err e;
	struct str id = rest, below = STR("");
	char label[64];
	struct str from = rest;
	if (str_cut(&from, '/', &id) && from.p != NULL)
		below = from;
	sim_unescape(id, label, sizeof label);
	const struct sim_kept *kept = sim_store_find(s->store, str_from(label));
	if (kept == NULL) {
		err_set(&e, 404, "", "Response with id '%s' not found.", label);
		sim_reply_error(reply, &e);
	} else if (str_eq(below, STR("input_items"))) {
		input_items(kept, &reply->body);
	} else if (str_eq(r->method, STR("DELETE"))) {
		buf_printf(&reply->body, "{\"id\":\"%s\",\"object\":\"response\",\"deleted\":true}", label);
		sim_store_drop(s->store, str_from(label));
	} else {
		buf_add(&reply->body, buf_str(&kept->response));
	}
}

void
sim_responses_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	struct str base = STR("/v1/responses/");
	if (str_starts(r->path, base) && r->path.n > base.n) {
		look(s, r, reply, (struct str){ r->path.p + base.n, r->path.n - base.n });
		return;
	}
	if (str_eq(r->method, STR("POST"))) {
		create(s, r, reply);
		return;
	}
	struct err e;
	err_set(&e, 405, "method_not_supported",
	    "Not allowed on /v1/responses. (HINT: Perhaps you meant to use POST)");
	sim_reply_error(reply, &e);
}

void
sim_responses_open(struct sim *s)
{
	s->store = sim_store_new();
}

void
sim_responses_close(struct sim *s)
{
	sim_store_free(&s->store);
}
