/*
 * What the envelope_*.c files share: the words of an envelope, and how a reply was read so far.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_ENVELOPE_PARTS_H
#define FARTHING_CORE_ENVELOPE_PARTS_H

#include "core/envelope.h"

/* ---- envelope.c: the words; -1: no memory ---- */

/* Ends in a line end behind a mark of punctuation. */
int envelope_add_instruction(enum envelope_shape shape, const struct envelope_item *item, struct buf *out);
/* A line that begins with {" and ends with "} and a line end, whatever the text is. */
int envelope_add_item(const struct envelope_item *item, struct buf *scratch, struct buf *out);
/* Of ENVELOPE_SCHEMA: the value of response_format.json_schema, or of a response's text.format. */
int envelope_add_schema(const struct envelope_item *item, struct buf *out);

/* ---- envelope_split.c, envelope_marks.c: the reply ---- */

enum { ID_DIGITS = ENVELOPE_ID - 1 };

struct splitting {
	const struct envelope_item *items;
	size_t count;
	bool cut;
	struct envelope_part *parts;
	bool *came; /* by item: its id was there */
	const char *why;
};

/* The item with this id; count: nobody's */
size_t envelope_whose(const struct splitting *s, struct str id);
/* Notes that an answer for this item came, of so many bytes; false: it is not the first one, and the item has its fault. */
bool envelope_came(struct splitting *s, size_t item, size_t bytes);
/* reply: without blanks and a fence around it. 0, or -1 with s->why */
int envelope_split_json(struct splitting *s, struct str reply); /* SCHEMA and OBJECT */
int envelope_split_marks(struct splitting *s, struct str reply);

#endif
