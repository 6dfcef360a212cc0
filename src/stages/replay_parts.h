/*
 * The two forms of an answer, from inside: replay.c (which form, what ended normally, embeddings), replay_chunks.c (events of chat
 * and completions), replay_response.c (events of the Responses API), assemble*.c (events into a body).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_REPLAY_PARTS_H
#define FARTHING_STAGES_REPLAY_PARTS_H

#include "base/json.h"
#include "stages/replay.h"

/* Text being written: what did not fit is remembered, so that only the end needs to ask. */
struct scribe {
	struct buf text;
	bool failed;
};

static inline void
write_str(struct scribe *s, struct str text)
{
	s->failed = buf_add(&s->text, text) != 0 || s->failed;
}

static inline void
write_text(struct scribe *s, const char *text)
{
	write_str(s, str_from(text));
}

static inline void
write_int(struct scribe *s, int64_t n)
{
	s->failed = buf_printf(&s->text, "%lld", (long long)n) != 0 || s->failed;
}

/* A node as it stands; nothing where there is none. */
static inline void
write_node(struct scribe *s, const struct json *j, uint32_t node)
{
	if (node != 0)
		write_str(s, json_raw(j, node));
}

/* Of an object that may be absent: json_member would take node 0 for the root. */
static inline uint32_t
member_of(const struct json *j, uint32_t object, const char *name)
{
	return object != 0 ? json_member(j, object, name) : 0;
}

/* Neither absent nor null */
static inline bool
is_said(const struct json *j, uint32_t node)
{
	return node != 0 && json_type(j, node) != JSON_NULL;
}

/* ... nor an empty string, array or object */
static inline bool
is_filled(const struct json *j, uint32_t node)
{
	return is_said(j, node) && !json_empty(j, node);
}

/* The first element of an array that may be absent or no array; 0: there is none */
static inline uint32_t
first_of(const struct json *j, uint32_t array)
{
	return array != 0 && json_type(j, array) == JSON_ARRAY ? json_first(j, array) : 0;
}

/* The first key of what should be an object; 0: it is none, whatever it is, or has no members */
static inline uint32_t
first_key(const struct json *j, uint32_t object)
{
	return json_type(j, object) == JSON_OBJECT ? json_first(j, object) : 0;
}

/* A body as the events of one endpoint. usage_at and usage_n: where in the text its last event with usage lies, and what of
 * it is for all (a response's last event) or only for those who asked for usage. */
struct play {
	struct scribe out;
	size_t billed_at, billed_n; /* the event that tells the usage; 0 bytes: there is none */
	bool aside;                 /* it is there for nothing else */
};
void play_chunks(struct play *p, enum endpoint endpoint, const struct json *whole);
void play_response(struct play *p, const struct json *whole);

/* Of embeddings: the body with its numbers in the other encoding. -1: out of memory, or they are none */
int embeddings_recode(const struct json *whole, bool base64, struct buf *out);
/* In which encoding they are; false: not told, because there are none */
bool embeddings_are_base64(const struct json *whole, bool *base64);

/* assemble.c's part of replay_rest */
void assemble_rest(void);

#endif
