/*
 * What was understood of a client's body: the fields the pipeline decides by, the key under which equal questions
 * meet, and the body to send upstream. Pure: text in, facts out; any thread (the one that holds the baton).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_REQUEST_H
#define FARTHING_CORE_REQUEST_H

#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "core/config.h"

enum endpoint { ENDPOINT_CHAT, ENDPOINT_COMPLETIONS, ENDPOINT_EMBEDDINGS, ENDPOINT_RESPONSES };
const char *endpoint_name(enum endpoint e); /* "chat", "completions", "embeddings", "responses" */
const char *endpoint_path(enum endpoint e); /* behind the base URL: "/chat/completions", ... */

struct request {
	enum endpoint endpoint;
	struct buf body;                /* as the client sent it; owned */
	struct json json;               /* its tape; text points into body */
	const struct model_conf *model; /* as asked for; NULL: "auto" */
	char model_asked[96];
	char task
	    [64]; /* metadata.task_type; else what a task's pattern recognises, if no header named one; else empty */
	bool stream;
	bool include_usage; /* the client asked for the usage chunk (chat, completions) */
	/* Equal requests may share one answer: not stateful, not hosted tools, no store:true on responses */
	bool shareable;
	int choices;        /* answers generated: n, or best_of where greater, for each prompt; at least 1 */
	int64_t max_output; /* as asked; -1: not stated */
	/* Root member (static name) that may cost what no price here covers, or tells nobody what it cost: audio, hosted tools,
	 * searches, a dearer service tier, background work, ... NULL: none. For a payer with limits it is refused. */
	const char *surcharge;
	bool base64; /* embeddings: as base64, not as numbers */
	/* The router adds it to the system prompt when the body is sealed; NULL: nothing. Lives as long as the configuration */
	const char *suffix;
	/* Canonical request with scope, model asked and routing directives: what is asked, and once it is known who is to answer,
	 * of whom */
	struct digest question;
	struct digest key;  /* ... and in which form: a stream or not, which encoding */
	struct digest sent; /* the same, whoever answers: of a request that is sent again */
	struct digest
	    address; /* who is to answer, and whom: a part of the others from request_address on; before, zeroes */
};

struct request_context {
	const struct config *config;
	const char *scope;      /* who shares answers: part of the key */
	const char *directives; /* routing headers in canonical form, "" for none: part of the key */
	const char *
	    task; /* by header, "default" for none: part of the key where the router chooses the model by it */
	const char
	    *project; /* the scope instead, for tasks that share in a project; NULL or "": there is none */
};

/* Takes the bytes of *body (leaves it empty), scans, validates and keys. 0, or -1 with an error fit for the client;
 * the request must be freed either way. */
int request_read(struct request *r, enum endpoint endpoint, struct buf *body,
    const struct request_context *context, struct err *e);
/* Who is to answer becomes part of question and key: another provider, or another of its models under the name that was
 * asked for, is another question. So does who asks, where that is more than a name (asker may be NULL). Once. */
void request_address(struct request *r, const struct model_conf *model, const unsigned char asker[32]);
/* The same where one of several is going to answer: all of them, in this order, and by which rules it is chosen. Once. */
void request_address_any(struct request *r, const struct model_conf *const *models, size_t count,
    struct str rules, const unsigned char asker[32]);
/* The body to send for this model: the client's bytes with `model` renamed where the provider knows it by another
 * name, r->suffix behind the system prompt, and stream_options.include_usage asked for where a stream's client did not. output_limit > 0 becomes the most tokens
 * each answer may have, in the field or fields that the client used for it, else in the one this model's provider
 * knows; 0 leaves that alone, and embeddings have none. Appends to out. */
int request_seal(
    const struct request *r, const struct model_conf *model, int64_t output_limit, struct buf *out);
void request_free(struct request *r);

#endif
