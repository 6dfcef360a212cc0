/*
 * The last requests that arrived, exact bytes, for GET /sim/requests: what really reached the provider.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_TRACE_H
#define FARTHING_SIM_TRACE_H

#include "http.h"

struct sim_trace;

struct sim_trace *sim_trace_new(void);
void sim_trace_free(struct sim_trace **t);
void sim_trace_add(struct sim_trace *t, const struct sim_request *r, int status, const char *id);
void sim_trace_clear(struct sim_trace *t);
/* {"object":"list","data":[...]}, the newest first: n, method, path, head, body (null when it is no UTF-8), body_base64. */
void sim_trace_json(const struct sim_trace *t, int64_t last, struct buf *out);

void sim_base64(struct str bytes, struct buf *out);

#endif
