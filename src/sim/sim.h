/*
 * farthing-sim: a provider that speaks OpenAI's API, answers deterministically, keeps a bill, and misbehaves on demand.
 *
 *   bytes -> http -> serve -> chat | responses | embeddings | files | jobs -> reply -> conn -> bytes
 *
 * One thread and one epoll set. Endpoints are plain functions from a request to a reply, so that a batch can call them too;
 * only the connection knows time, framing and how to break it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_SIM_H
#define FARTHING_SIM_SIM_H

#include "bill.h"
#include "http.h"
#include "plan.h"
#include "reply.h"
#include "seen.h"

#include "base/err.h"

enum sim_endpoint {
	SIM_CHAT,
	SIM_COMPLETIONS,
	SIM_RESPONSES,
	SIM_EMBEDDINGS,
	SIM_MODELS,
	SIM_FILES,
	SIM_FINE_TUNING,
	SIM_BATCHES,
	SIM_OTHER,
	SIM_ENDPOINTS
};
const char *sim_endpoint_name(int endpoint);

struct sim_options {
	int port;
	const char *port_file, *plan, *api_key, *bill;
	uint64_t seed;
	int64_t latency_us;
	int64_t tokens_per_second; /* 0: as fast as it goes */
	int64_t job_us;            /* how long a fine-tuning job or a batch takes */
	int weak_share;            /* percent of hard prompts a weak model gets wrong */
	bool quiet, no_mark;
};

struct sim {
	struct sim_options options;
	struct sim_bill bill;
	struct sim_plan plan;
	struct sim_seen prefixes; /* of prompts, for the cache discount */
	struct sim_seen bodies;   /* for faults that pass */
	uint64_t serial;          /* makes ids unique */
	struct sim_trace *trace;
	struct sim_shelf *shelf; /* files */
	struct sim_jobs *jobs;   /* fine-tuning jobs and batches */
	struct sim_store *store; /* responses kept for GET */
};

/* Answers one request; the reply is cleared first. Never fails: a failure is a reply too. */
void sim_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply);
/* The same behind the door, without counting a request: what a batch calls for each of its lines. */
void sim_serve_inner(struct sim *s, const struct sim_request *r, struct sim_reply *reply);

/* An id in OpenAI's style, unique in this process and the same in every run: "chatcmpl-", "file-", ... */
void sim_id(struct sim *s, const char *prefix, char *out, size_t size);
int64_t sim_now(void); /* seconds since 1970 */

#endif
