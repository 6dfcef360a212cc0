/*
 * Chat completions, whole and streamed, and the older completions beside them.
 *
 * A stream, as the strictest client wants it: a chunk with the role, the pieces, a chunk with the finish reason for each
 * choice; then, if asked for, usage with empty choices; then [DONE].
 * SPDX-License-Identifier: Apache-2.0
 */
#include "chat.h"

#include "answers.h"
#include "asked.h"
#include "envelope.h"
#include "models.h"
#include "tokens.h"
#include "usage.h"

#include <stdio.h>

enum { KEEP_MEMORY = 1024 * 1024 };

static struct sim_prompt prompt; /* one at a time; its memory is reused */

struct talk {
	struct sim *sim;
	const struct sim_prompt *p;
	struct sim_reply *reply;
	bool chat; /* else completions */
	char id[48];
	const char *model;
	int64_t created;
	uint32_t function;                   /* the tool to call; 0: words */
	const struct sim_envelope *envelope; /* NULL: one question */
	struct sim_usage usage;
};

static void
add_chunk_head(struct talk *t, struct buf *out)
{
	buf_add(out, STR("data: {\"id\":\""));
	sim_add_text(out, t->id);
	sim_add_text(out, t->chat ? "\",\"object\":\"chat.completion.chunk\",\"created\":"
				  : "\",\"object\":\"text_completion\",\"created\":");
	sim_add_int(out, t->created);
	buf_add(out, STR(",\"model\":\""));
	sim_add_text(out, t->model);
	buf_add(out,
	    STR("\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_farthing_sim\",\"choices\":["));
}

/* What stands behind the choices of every chunk. */
static void
add_chunk_tail(struct talk *t, struct buf *out)
{
	if (t->reply->fault.usage == SIM_USAGE_EVERY) {
		buf_add(out, STR("],\"usage\":"));
		sim_usage_chat(&t->usage, SIM_USAGE_TRUE, out);
		buf_add(out, STR("}\n\n"));
		return;
	}
	buf_add(out, t->p->include_usage ? STR("],\"usage\":null}\n\n") : STR("]}\n\n"));
}

static void
add_choice_end(struct talk *t, struct buf *out, const char *finish)
{
	if (finish != NULL)
		buf_printf(out, ",\"logprobs\":null,\"finish_reason\":\"%s\"}", finish);
	else
		buf_add(out, STR(",\"logprobs\":null,\"finish_reason\":null}"));
	add_chunk_tail(t, out);
}

static void
add_event(struct talk *t, int choice, enum sim_step_kind kind, const char *delta, const char *finish)
{
	struct sim_script *script = &t->reply->script;
	size_t from = sim_script_here(script);
	add_chunk_head(t, &script->bytes);
	buf_printf(&script->bytes, "{\"index\":%d,%s", choice, delta);
	add_choice_end(t, &script->bytes, finish);
	sim_script_event(script, kind, from);
}

/* A template that speaks `text` piece by piece: before and behind are the halves of the delta. */
static void
add_spoken(struct talk *t, int choice, const char *before, struct str text, const char *behind)
{
	struct sim_script *script = &t->reply->script;
	size_t head = sim_script_here(script);
	add_chunk_head(t, &script->bytes);
	buf_printf(&script->bytes, "{\"index\":%d,%s", choice, before);
	size_t body = sim_script_here(script);
	buf_add(&script->bytes, text);
	size_t tail = sim_script_here(script);
	buf_add(&script->bytes, str_from(behind));
	add_choice_end(t, &script->bytes, NULL);
	sim_script_text(script, sim_encoding(str_from(t->p->model)), head, body, body, tail, -1);
}

static void
add_tool_name(struct talk *t, struct buf *out)
{
	char name[80];
	json_label(&t->p->json, json_member(&t->p->json, t->function, "name"), name, sizeof name);
	buf_add_json(out, str_from(name));
}

static void
stream_tool(struct talk *t, int choice, struct str arguments)
{
	struct buf delta = { 0 };
	buf_printf(&delta,
	    "\"delta\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"call_%"
	    "s%d\","
	    "\"type\":\"function\",\"function\":{\"name\":\"",
	    t->id + 9, choice);
	add_tool_name(t, &delta);
	buf_add(&delta, STR("\",\"arguments\":\"\"}}],\"refusal\":null}"));
	add_event(t, choice, SIM_STEP_EVENT, buf_text(&delta), NULL);
	buf_free(&delta);
	add_spoken(t, choice, "\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"",
	    arguments, "\"}}]}");
}

static void
stream_choice(struct talk *t, int choice, struct str said, const char *finish)
{
	if (!t->chat) {
		add_spoken(t, choice, "\"text\":\"", said, "\"");
		add_event(t, choice, SIM_STEP_FINISH, "\"text\":\"\"", finish);
		return;
	}
	if (t->function != 0) {
		stream_tool(t, choice, said);
	} else {
		add_event(t, choice, SIM_STEP_EVENT,
		    "\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", NULL);
		add_spoken(t, choice, "\"delta\":{\"content\":\"", said, "\"}");
	}
	add_event(t, choice, SIM_STEP_FINISH, "\"delta\":{}", finish);
}

static void
stream_end(struct talk *t)
{
	struct sim_script *script = &t->reply->script;
	int chunks = t->reply->fault.usage == SIM_USAGE_TWICE ? 2 : 1;
	for (int i = 0; i < chunks && t->p->include_usage; i++) {
		struct sim_usage early = t->usage;
		early.completion /= 2;
		size_t from = sim_script_here(script);
		add_chunk_head(t, &script->bytes);
		buf_add(&script->bytes, STR("],\"usage\":"));
		sim_usage_chat(i + 1 < chunks ? &early : &t->usage, t->reply->fault.usage, &script->bytes);
		buf_add(&script->bytes, STR("}\n\n"));
		sim_script_event(script, SIM_STEP_USAGE, from);
	}
	size_t from = sim_script_here(script);
	buf_add(&script->bytes, STR("data: [DONE]\n\n"));
	sim_script_event(script, SIM_STEP_DONE, from);
}

struct logprobs {
	struct buf *out;
	struct str said;
	size_t at;
};

static bool
add_logprob(void *context, size_t end)
{
	struct logprobs *l = context;
	buf_add(l->out, l->at != 0 ? STR(",{\"token\":\"") : STR("{\"token\":\""));
	buf_add_json(l->out, (struct str){ l->said.p + l->at, end - l->at });
	buf_add(l->out, STR("\",\"logprob\":-0.01,\"bytes\":["));
	for (size_t i = l->at; i < end; i++)
		buf_printf(l->out, "%s%u", i != l->at ? "," : "", (unsigned)(unsigned char)l->said.p[i]);
	buf_add(l->out, STR("],\"top_logprobs\":[]}"));
	l->at = end;
	return true;
}

static void
add_logprobs(struct talk *t, struct buf *out, struct str said)
{
	struct logprobs l = { out, said, 0 };
	buf_add(out, STR(",\"logprobs\":{\"content\":["));
	tokens_walk(sim_encoding(str_from(t->p->model)), said, add_logprob, &l);
	buf_add(out, STR("],\"refusal\":null}"));
}

static void
whole_choice(struct talk *t, int choice, struct str said, const char *finish)
{
	struct buf *out = &t->reply->body;
	sim_add_text(out, choice != 0 ? ",{\"index\":" : "{\"index\":");
	sim_add_int(out, choice);
	buf_add_c(out, ',');
	if (!t->chat) {
		buf_add(out, STR("\"text\":\""));
		buf_add_json(out, said);
		buf_add_c(out, '"');
	} else if (t->function != 0) {
		buf_printf(out,
		    "\"message\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_%s%"
		    "d\","
		    "\"type\":\"function\",\"function\":{\"name\":\"",
		    t->id + 9, choice);
		add_tool_name(t, out);
		buf_add(out, STR("\",\"arguments\":\""));
		buf_add_json(out, said);
		buf_add(out, STR("\"}}],\"refusal\":null,\"annotations\":[]}"));
	} else if (t->reply->fault.refuse) {
		buf_add(out, STR("\"message\":{\"role\":\"assistant\",\"content\":null,\"refusal\":\""));
		buf_add_json(out, said);
		buf_add(out, STR("\",\"annotations\":[]}"));
	} else {
		buf_add(out, STR("\"message\":{\"role\":\"assistant\",\"content\":\""));
		buf_add_json(out, said);
		buf_add(out, STR("\",\"refusal\":null,\"annotations\":[]}"));
	}
	if (t->p->logprobs && t->function == 0)
		add_logprobs(t, out, said);
	else
		buf_add(out, STR(",\"logprobs\":null"));
	buf_add(out, STR(",\"finish_reason\":\""));
	sim_add_text(out, finish);
	buf_add(out, STR("\"}"));
}

static void
whole_open(struct talk *t)
{
	struct buf *out = &t->reply->body;
	buf_add(out, STR("{\"id\":\""));
	sim_add_text(out, t->id);
	sim_add_text(out, t->chat ? "\",\"object\":\"chat.completion\",\"created\":"
				  : "\",\"object\":\"text_completion\",\"created\":");
	sim_add_int(out, t->created);
	buf_add(out, STR(",\"model\":\""));
	sim_add_text(out, t->model);
	buf_add(out, STR("\",\"choices\":["));
}

static void
whole_close(struct talk *t)
{
	struct buf *out = &t->reply->body;
	buf_add_c(out, ']');
	if (!t->reply->fault.no_usage) {
		buf_add(out, STR(",\"usage\":"));
		sim_usage_chat(&t->usage, t->reply->fault.usage, out);
	}
	buf_add(out, STR(",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_farthing_sim\"}"));
}

static struct sim_said
say(struct talk *t, struct sim_prompt *p, int choice, struct buf *said)
{
	if (t->envelope != NULL)
		return sim_envelope_answer(t->sim, p, t->envelope, &t->reply->fault, choice, said);
	if (t->function != 0)
		return sim_answer_arguments(t->sim, p, t->function, said);
	return sim_answer(t->sim, p, &t->reply->fault, choice, said);
}

/* Says every choice first, because usage is known only then; `ends` are the ends of the answers in `said`. */
static void
answer(struct talk *t, struct sim_prompt *p)
{
	static struct buf said;
	struct sim_fault *f = &t->reply->fault;
	size_t ends[128] = { 0 };
	const char *finish[128] = { NULL };
	t->usage = p->usage;
	t->usage.completion = t->usage.reasoning = sim_answer_think(p);
	if (said.cap > KEEP_MEMORY)
		buf_free(&said);
	buf_clear(&said);
	for (int i = 0; i < p->n; i++) {
		struct sim_said one = say(t, p, i, &said);
		t->usage.completion += one.tokens;
		finish[i] = f->finish[0] != '\0' ? f->finish : one.finish;
		ends[i] = said.n;
	}
	if (!p->stream)
		whole_open(t);
	size_t from = 0;
	for (int i = 0; i < p->n; i++) {
		struct str one = { said.p + from, ends[i] - from };
		from = ends[i];
		if (p->stream)
			stream_choice(t, i, one, finish[i]);
		else
			whole_choice(t, i, one, finish[i]);
	}
	if (p->stream)
		stream_end(t);
	else
		whole_close(t);
}

static void
serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply, bool chat)
{
	struct err e;
	if (sim_asked_chat(&prompt, r->body, chat, &e) != 0) {
		sim_reply_error(reply, &e);
		return;
	}
	const struct sim_envelope *envelope = sim_envelope_close(s, &prompt, r->body, &reply->fault);
	const struct sim_fault *f = &reply->fault;
	struct talk t = { .sim = s,
		.p = &prompt,
		.reply = reply,
		.chat = chat,
		.created = sim_now(),
		.model = f->model[0] != '\0' ? f->model : prompt.model };
	sim_id(s, chat ? "chatcmpl-" : "cmpl-simu", t.id, sizeof t.id);
	if (f->id[0] != '\0')
		snprintf(t.id, sizeof t.id, "chatcmpl-%.30s", f->id);
	t.envelope = envelope;
	t.function = chat && envelope == NULL ? sim_prompt_tool(&prompt, f) : 0;
	reply->stream = prompt.stream;
	answer(&t, &prompt);
	str_copy(reply->charge.model, sizeof reply->charge.model, str_from(prompt.model));
	reply->charge.usage = t.usage;
	reply->charge.mark = sim_answer_hash(sim_prompt_user(&prompt));
	reply->charge.states = sim_usage_is_true(f) && (!prompt.stream || prompt.include_usage);
}

void
sim_chat_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	serve(s, r, reply, true);
}

void
sim_completions_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	serve(s, r, reply, false);
}
