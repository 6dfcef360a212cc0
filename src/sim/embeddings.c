/*
 * Embeddings: every word adds a pseudo-random direction of its own, the sum is scaled to length one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "embeddings.h"

#include "answers.h"
#include "prompt.h"
#include "tokens.h"
#include "trace.h"
#include "usage.h"

#include <inttypes.h>
#include <math.h>

enum { MOST_DIMENSIONS = 3072, MOST_INPUTS = 2048 };

static struct sim_prompt prompt;

struct embedding {
	const struct sim_prompt *p;
	struct sim_reply *reply;
	int dimensions;
	bool base64;
	int64_t tokens, index;
};

static void
add_word(float *v, int n, uint64_t hash)
{
	for (int i = 0; i < n; i++) {
		hash = hash * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		v[i] += (float)((int32_t)(hash >> 32)) * 0x1p-31f;
	}
}

struct words {
	struct str text;
	size_t at;
	float *v;
	int dimensions;
};

static bool
on_word(void *context, size_t end)
{
	struct words *w = context;
	struct str word = str_trim((struct str){ w->text.p + w->at, end - w->at });
	add_word(w->v, w->dimensions, sim_hash(SIM_HASH, word));
	w->at = end;
	return true;
}

static void
add_vector(struct embedding *b, struct str text)
{
	static float v[MOST_DIMENSIONS];
	struct buf *out = &b->reply->body;
	double square = 0;
	memset(v, 0, sizeof v);
	add_word(v, b->dimensions, SIM_HASH);
	struct words words = { text, 0, v, b->dimensions };
	tokens_walk(sim_encoding(str_from(b->p->model)), text, on_word, &words);
	for (int i = 0; i < b->dimensions; i++)
		square += (double)v[i] * (double)v[i];
	for (int i = 0; i < b->dimensions; i++)
		v[i] = (float)((double)v[i] / sqrt(square));
	buf_printf(out,
	    "%s{\"object\":\"embedding\",\"index\":%" PRId64 ",\"embedding\":", b->index != 0 ? "," : "",
	    b->index);
	if (b->base64) {
		buf_add_c(out, '"'); /* little-endian floats, as this machine writes them */
		sim_base64((struct str){ (const char *)v, (size_t)b->dimensions * sizeof *v }, out);
		buf_add(out, STR("\"}"));
	} else {
		for (int i = 0; i < b->dimensions; i++)
			buf_printf(out, "%c%.8g", i == 0 ? '[' : ',', (double)v[i]);
		buf_add(out, STR("]}"));
	}
	b->index++;
}

/* One input: a string, or an array of token numbers. */
static int
embed(struct embedding *b, uint32_t node, struct err *e)
{
	const struct json *j = &b->p->json;
	struct buf text = { 0 };
	if (json_type(j, node) == JSON_ARRAY) {
		for (uint32_t i = json_first(j, node); i != 0; i = json_next(j, node, i)) {
			buf_add_c(&text, ' ');
			buf_add(&text, json_raw(j, i));
		}
	} else if (json_type(j, node) == JSON_STRING && !json_empty(j, node)) {
		json_text(j, node, &text);
	}
	if (text.n == 0) {
		buf_free(&text);
		return err_param(e, "input", "", "'$.input' is invalid. Please check the API reference.");
	}
	add_vector(b, buf_str(&text));
	buf_free(&text);
	return 0;
}

static int
embed_all(struct embedding *b, uint32_t input, struct err *e)
{
	const struct json *j = &b->p->json;
	uint32_t first = json_type(j, input) == JSON_ARRAY ? json_first(j, input) : 0;
	bool list = first != 0 && json_type(j, first) != JSON_NUMBER;
	if (!list)
		return embed(b, input, e);
	for (uint32_t i = first; i != 0; i = json_next(j, input, i)) {
		if (b->index >= MOST_INPUTS)
			return err_param(e, "input", "",
			    "'$.input' is too long: at most 2048 texts are embedded at once.");
		if (embed(b, i, e) != 0)
			return -1;
	}
	return 0;
}

static int
read_options(struct embedding *b, struct err *e)
{
	const struct json *j = &b->p->json;
	int64_t n = strstr(b->p->model, "large") != NULL ? MOST_DIMENSIONS : 1536;
	uint32_t dimensions = json_member(j, 0, "dimensions"),
		 encoding = json_member(j, 0, "encoding_format");
	if (dimensions != 0 && json_type(j, dimensions) != JSON_NULL) {
		int64_t most = n;
		if (!json_int(j, dimensions, &n) || n < 1 || n > most)
			return err_param(e, "dimensions", "", "Invalid value for 'dimensions'.");
	}
	b->dimensions = (int)n;
	b->base64 = encoding != 0 && json_is(j, encoding, "base64");
	return 0;
}

/* The faults that the inputs ask for. */
static void
find_faults(struct sim *s, const struct sim_request *r, struct sim_fault *f)
{
	if (str_find(r->body, STR("[[")) < 0 || str_find(r->body, STR("]]")) < 0)
		return;
	struct buf text = { 0 };
	for (uint32_t i = 0; i < prompt.json.count; i++)
		if (json_type(&prompt.json, i) == JSON_STRING)
			json_text(&prompt.json, i, &text);
	if (str_find(buf_str(&text), STR("[[")) >= 0)
		sim_fault_find(f, buf_str(&text), sim_seen_add(&s->bodies, sim_hash(SIM_HASH, r->body)));
	buf_free(&text);
}

/* Of the first text. */
static uint32_t
mark(const struct json *j, uint32_t input)
{
	struct buf text = { 0 };
	uint32_t first = json_type(j, input) == JSON_ARRAY ? json_first(j, input) : input;
	if (first != 0 && json_type(j, first) == JSON_STRING)
		json_text(j, first, &text);
	uint32_t hash = sim_answer_hash(buf_str(&text));
	buf_free(&text);
	return hash;
}

void
sim_embeddings_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	struct err e;
	struct embedding b = { .p = &prompt, .reply = reply };
	if (sim_prompt_open(&prompt, ENDPOINT_EMBEDDINGS, r->body, &e) != 0 || read_options(&b, &e) != 0) {
		sim_reply_error(reply, &e);
		return;
	}
	uint32_t input = json_member(&prompt.json, 0, "input");
	buf_add(&reply->body, STR("{\"object\":\"list\",\"data\":["));
	int rc = input != 0 ? embed_all(&b, input, &e)
			    : err_param(&e, "input", "missing_required_parameter",
				  "Missing required parameter: 'input'.");
	if (rc != 0) {
		sim_reply_error(reply, &e);
		return;
	}
	b.tokens = sim_count_prompt(ENDPOINT_EMBEDDINGS, str_from(prompt.model), &prompt.json);
	find_faults(s, r, &reply->fault);
	buf_printf(&reply->body, "],\"model\":\"%s\"", prompt.model);
	if (!reply->fault.no_usage)
		buf_printf(&reply->body,
		    ",\"usage\":{\"prompt_tokens\":%" PRId64 ",\"total_tokens\":%" PRId64 "}", b.tokens,
		    b.tokens);
	buf_add_c(&reply->body, '}');
	str_copy(reply->charge.model, sizeof reply->charge.model, str_from(prompt.model));
	reply->charge.usage.prompt = b.tokens;
	reply->charge.mark = mark(&prompt.json, input);
	reply->fault.usage = SIM_USAGE_TRUE; /* lies are for those who speak */
	reply->charge.states = sim_usage_is_true(&reply->fault);
}
