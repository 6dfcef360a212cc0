/*
 * The guard at the door: what a request's head must be before a byte of its body is read. libmicrohttpd lets some
 * ambiguous requests pass (two Content-Length, Content-Length beside Transfer-Encoding, odd names); here they end. Pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SERVER_GUARD_H
#define FARTHING_SERVER_GUARD_H

#include "server/route.h"

enum { CACHE_CONTROLS = 4 }; /* so many Cache-Control headers at the most */

/* The headers that matter here; values are borrowed. p == NULL: absent. */
struct door_head {
	struct str host, content_length, transfer_encoding, content_type, content_encoding;
	struct str authorization, api_key, origin, expect;
	struct str cache_control, task, route, batch, similarity, run, run_budget, idempotency_key, deadline;
	/* A list, which may come in several headers: those behind the first */
	struct str cache_more[CACHE_CONTROLS - 1];
	int cache_more_count;
	int repeated;      /* of those above, how many came twice */
	bool repeated_key; /* a credential came twice */
	bool malformed;    /* a name or a value that no client sends by accident */
};

/* One header as the library has cut it; the bytes must outlive h. */
void guard_take(struct door_head *h, struct str name, struct str value);

struct door_pass {
	int64_t body_bytes; /* Content-Length; -1: chunked; 0: none */
};

/* All of these: 0, or -1 with *e, and then the connection is closed behind the reply. http_1_1: the version on the
 * request line. */
int guard_framing(
    const struct door_head *h, bool http_1_1, int64_t body_limit, struct door_pass *pass, struct err *e);
int guard_host(const struct door_head *h, const struct config *config, bool http_1_1, struct err *e);
int guard_body_type(const struct door_head *h, const struct route *route, struct err *e);
/* *secret is the key that was sent, borrowed; p == NULL: none. */
int guard_credentials(const struct door_head *h, struct str *secret, struct err *e);
/* The directives for the pipeline, into the exchange: task, run and its budget, routing, cache-control, likeness, idempotency key
 * (directives.c). */
int guard_directives(const struct door_head *h, struct exchange *x, struct err *e);

#endif
