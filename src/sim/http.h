/*
 * The HTTP/1.1 request reader of the simulated provider: heads, chunked bodies. Forgiving where a provider may be,
 * for the strictness under test is the gateway's. Spans point into the bytes that were given.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_HTTP_H
#define FARTHING_SIM_HTTP_H

#include "base/str.h"

struct sim_request {
	struct str method, path, query; /* the path still percent-encoded */
	struct str head;                /* request line and fields, without the empty line */
	struct str body;                /* whole and decoded when the request is served */
	struct str authorization, content_type, fault;
	int64_t length; /* Content-Length; -1: none stated */
	bool chunked, keep_alive, expects;
};

/* Reads a head. Its length with the empty line, 0 when more bytes are needed, -1 when it is none. */
ptrdiff_t sim_http_head(struct str in, struct sim_request *r);

/* A chunked body: all zeroes starts one. */
struct sim_chunks {
	uint64_t left;
	enum { SIM_CHUNK_SIZE, SIM_CHUNK_DATA, SIM_CHUNK_END, SIM_CHUNK_TRAILER, SIM_CHUNK_WHOLE } phase;
};

/* Eats framing from the front of `in` and appends data. Bytes eaten, or -1 when the framing is broken or out is full. */
ptrdiff_t sim_chunks_eat(struct sim_chunks *c, struct str in, struct buf *out);

const char *sim_http_reason(int status);
/* A parameter, decoded; false when absent */
bool sim_query(struct str query, const char *name, char *value, size_t size);
void sim_unescape(struct str s, char *to, size_t size); /* percent-decoded into a label */

#endif
