/*
 * The reading side of HTTP/1.1 for the load programs: one reply at a time, by length or in chunks, no more than a
 * proxy or the simulator sends. What is malformed is an error, because a load program that is lenient proves nothing.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BENCH_WIRE_H
#define FARTHING_BENCH_WIRE_H

#include "base/str.h"

enum wire_state {
	WIRE_HEAD,
	WIRE_LENGTH,
	WIRE_SIZE,
	WIRE_DATA,
	WIRE_DATA_END,
	WIRE_LAST,
	WIRE_WHOLE,
	WIRE_BAD
};

struct wire {
	enum wire_state state;
	int status;
	size_t left;     /* of the body, or of the chunk */
	struct buf line; /* the head, or a chunk's size line, as far as it has come */
};

/* Ready for the next reply; memory is kept. */
void wire_start(struct wire *w);
void wire_free(struct wire *w);
/* Adds what belongs to the body to `body` (NULL: it is dropped). Ends in WIRE_WHOLE or WIRE_BAD; bytes behind a
 * whole reply make it bad, because nobody pipelines here. */
void wire_feed(struct wire *w, struct str bytes, struct buf *body);

int wire_connect(int port); /* non-blocking, on loopback; -1: refused */
void wire_post(struct buf *out, int port, struct str json, bool stream); /* a chat request */
int64_t wire_us(void);
void wire_many_files(void); /* raises the limit of open files as far as it goes */
/* Sorts; the value at `share`, 0.99 say; -1 when n is 0 */
int64_t wire_rank(int64_t *us, size_t n, double share);

#endif
