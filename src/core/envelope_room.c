/*
 * What an envelope costs, counted from the words that are sent.
 *
 *     | shared messages | instruction \n | item \n | item \n |
 *                                        counted apart: tokenizers that are known begin anew where a line begins with {" behind
 *                                        one that ends with punctuation and its line end (their split patterns end a run there)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "envelope_parts.h"
#include "text/tokens.h"

enum {
	/* What text/prompt.c keeps back for a response format, beside an eighth of it: another spelling of it */
	FORMAT_RESERVE = 32,
	/* {"answers":[ ]} is five tokens, and {"id":"482915730164","answer":"…"}, is ten; the room is for those who write each member
	 * on a line of its own, indented, in a fence */
	ONCE_OUTPUT = 5,
	ONCE_OUTPUT_ROOM = 16,
	JSON_OUTPUT = 10,
	JSON_OUTPUT_ROOM = 24,
	/* <482915730164> and </482915730164> with their line ends */
	MARKS_OUTPUT = 13,
	MARKS_OUTPUT_ROOM = 16,
	/* What JSON escapes, as a part of the answer: of gpt-4o's and gpt-4o-mini's answers 4 % in arithmetic, 8 % in mathematics with its
	 * formulas, of programs 32 %; nine programs in ten are within 46 %. See docs/envelope.md */
	ESCAPES_EXPECTED = 20,
	ESCAPES_ROOM = 2,
};

/* Tokens of the instruction, and what the response format adds to the prompt; memory that runs out counts as bytes would. */
static void
count_call(enum envelope_shape shape, const struct envelope_item *item, enum tokens_encoding encoding,
    int64_t *words, int64_t *format)
{
	struct buf text = { 0 };
	*words = envelope_add_instruction(shape, item, &text) == 0 ? tokens_count(encoding, buf_str(&text))
								   : (int64_t)(1024 + item->request->body.n);
	buf_clear(&text);
	*format = 0;
	if (shape == ENVELOPE_SCHEMA)
		*format = envelope_add_schema(item, &text) == 0 ? tokens_count(encoding, buf_str(&text))
								: (int64_t)(1024 + item->request->body.n);
	buf_free(&text);
}

/* The item's line against the text by itself, as which it is counted already. */
static int64_t
count_item(const struct envelope_item *item, enum tokens_encoding encoding)
{
	struct envelope_item named = *item;
	struct buf text = { 0 }, line = { 0 };
	int64_t more = (int64_t)(64 + 6 * item->request->body.n);
	memcpy(named.id, "482915730164", sizeof named.id);
	if (envelope_add_item(&named, &text, &line) == 0)
		more = tokens_count(encoding, buf_str(&line)) - tokens_count(encoding, buf_str(&text));
	buf_free(&text);
	buf_free(&line);
	return more > 0 ? more : 0;
}

/* Whether answers stand in the reply as strings of JSON, in which line ends and quotes are longer. */
static bool
escapes(enum envelope_shape shape, const struct envelope_item *item)
{
	return shape != ENVELOPE_MARKS && item->bundle->form == BUNDLE_TEXT;
}

struct envelope_count
envelope_count(enum envelope_shape shape, const struct envelope_item *item, const struct model_conf *model)
{
	enum tokens_encoding encoding = tokens_encoding_of(str_from(model->upstream_model));
	struct envelope_count c = { .item = count_item(item, encoding) };
	count_call(shape, item, encoding, &c.words, &c.format);
	return c;
}

struct envelope_room
envelope_room(enum envelope_shape shape, const struct envelope_item *item, const struct envelope_count *count,
    int64_t output)
{
	bool marks = shape == ENVELOPE_MARKS;
	return (struct envelope_room){
		.call_input = count->words + count->format + (marks ? 0 : count->format / 8 + FORMAT_RESERVE),
		.item_input = count->item,
		.call_output = marks ? 0 : ONCE_OUTPUT_ROOM,
		.item_output = (marks ? MARKS_OUTPUT_ROOM : JSON_OUTPUT_ROOM) +
			       (escapes(shape, item) ? output / ESCAPES_ROOM : 0),
	};
}

struct envelope_room
envelope_expected(enum envelope_shape shape, const struct envelope_item *item,
    const struct envelope_count *count, int64_t output)
{
	bool marks = shape == ENVELOPE_MARKS;
	return (struct envelope_room){
		.call_input = count->words + count->format,
		.item_input = count->item,
		.call_output = marks ? 0 : ONCE_OUTPUT,
		.item_output = (marks ? MARKS_OUTPUT : JSON_OUTPUT) +
			       (escapes(shape, item) ? output / ESCAPES_EXPECTED : 0),
	};
}
