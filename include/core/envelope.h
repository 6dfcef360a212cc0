/*
 * The envelope: several requests of one bundle as one request to the same endpoint, and its reply cut into their answers.
 *
 *     sealed   shared messages as they stand, and one user message: a short instruction, and the items as JSON, one a line,
 *              {"id":"482915730164","text":"…"}       ids are random for each call, so no text can name another's
 *     split    {"answers":[{"id":"482915730164","answer":…}, …]}   by schema, or as an object, or between marks
 *
 * The instruction and the schema are the same for every call of a shape: providers prepare a schema once, and cache what
 * begins alike. A part is good when its id came exactly once and it is what was asked for: not empty, not cut off, its client's
 * schema kept. What cannot be read, and what holds an id that is nobody's, is not trusted for anybody.
 *
 * docs/envelope.md tells the whole, with an example. Pure, and free of state; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_ENVELOPE_H
#define FARTHING_CORE_ENVELOPE_H

#include "core/bundle.h"

enum { ENVELOPE_MOST = 64, ENVELOPE_ID = 13 /* 12 decimal digits: 40 bits, and four tokens */ };

enum envelope_shape {
	ENVELOPE_SCHEMA, /* response_format (of a response: text.format) json_schema, with the clients' own schema inside where they have one */
	ENVELOPE_OBJECT, /* json_object: for clients that asked for that, or for a schema that a model does not take */
	ENVELOPE_MARKS, /* each answer between two lines with its id: for models that know neither */
};

struct envelope_item {
	const struct request *request; /* of the bundle that all are of */
	const struct bundle *bundle;
	char id[ENVELOPE_ID];
};

/* Which shape carries a bundle of that form to that model. OBJECT carries every form, SCHEMA texts and schemas, MARKS texts. */
enum envelope_shape envelope_shape(enum bundle_form form, const struct model_conf *model);
/* What an envelope adds to the input, counted from the words that are sent as the model's tokenizer counts (text/tokens.h; where that
 * is unknown, every byte is a token). Counting is the dear part: once for each item, and what follows from it is arithmetic. */
struct envelope_count {
	int64_t words,
	    format;   /* of a call: its instruction, and what the form of the reply adds to the prompt */
	int64_t item; /* what the item's line has more than its text */
};
struct envelope_count envelope_count(
    enum envelope_shape shape, const struct envelope_item *item, const struct model_conf *model);
/* What an envelope adds, in tokens: once for each call, and for each item. */
struct envelope_room {
	int64_t call_input, item_input;
	int64_t call_output, item_output;
};
/*
 * At the most. Input:
 *
 *     bound of the sealed body <= call_input + the sum over the items of (bound of its own body + item_input)
 *
 * holds whenever text/prompt.h's bound of each does. item_input is what the item's line has more than its text. Output: room
 * in the limit for an answer of `output` tokens, with what JSON escapes in it: half as much again. An answer that is nothing but line
 * ends and quotes may need more; it is cut off then, and asked alone, and costs no more than its hold.
 */
struct envelope_room envelope_room(enum envelope_shape shape, const struct envelope_item *item,
    const struct envelope_count *count, int64_t output);
/* What is to be expected, for predictions: the same input without reserves; output as models write it, for an answer that has `output`
 * tokens by itself. */
struct envelope_room envelope_expected(enum envelope_shape shape, const struct envelope_item *item,
    const struct envelope_count *count, int64_t output);
void envelope_name(struct envelope_item *items, size_t count); /* fills the ids; all differ */
/* Appends a body: the first item's, with the text of the last message and the form of the answer replaced, and without stream,
 * stream_options and metadata. The output limit is not set. 0, or -1: no memory. */
int envelope_seal(
    enum envelope_shape shape, const struct envelope_item *items, size_t count, struct buf *out);

struct envelope_part {
	const char
	    *fault; /* static: "its id is missing", "its id came twice", "it is empty", ...; NULL: good */
	struct buf
	    text; /* what its client's message content is; the caller's to free; empty where there is a fault */
	/* Bytes of the reply that were spent on it, good or not; 0 for all where nothing is good */
	int64_t weight;
};
/*
 * content: of the reply's message, decoded. cut: it stopped at its output limit: then what is complete may be good, and the rest
 * has the fault "it was cut off". parts has room for count, all zeroes. 0: each part is good or has its fault; -1: nothing is
 * good, *why (static) says why, and so does each part. Blanks and one fence (```) around the whole are passed over; nothing
 * else is forgiven. An answer is the decoded string, or the JSON as it stands in the reply where its client asked for JSON.
 */
int envelope_split(enum envelope_shape shape, const struct envelope_item *items, size_t count,
    struct str content, bool cut, struct envelope_part *parts, const char **why);

#endif
