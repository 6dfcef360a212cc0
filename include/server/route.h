/*
 * Which path means what. Paths are compared as the raw bytes the client sent, against fixed lists and the configuration's
 * price rules; nothing is decoded but the one %2F that SDKs put into model names. Pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SERVER_ROUTE_H
#define FARTHING_SERVER_ROUTE_H

#include "stages/exchange.h"

enum route_kind {
	ROUTE_ASK,     /* a question to a model: endpoint says which */
	ROUTE_FORWARD, /* passed on as it is: forward says where */
	ROUTE_MODELS,  /* the list */
	ROUTE_MODEL,   /* one of them: model says which */
	ROUTE_HEALTHZ,
	ROUTE_READYZ,
	ROUTE_METRICS,
	ROUTE_KEYS,    /* the administration of virtual keys: keys says what is wanted, name of which one */
	ROUTE_CACHE,   /* the administration of the cache: wants says what, query of which entries */
	ROUTE_SUMMARY, /* the report: query says since when */
	ROUTE_DEFERRED, /* requests that wait: deferred says what is wanted, name of which one, query of the list */
	ROUTE_FEEDBACK, /* what somebody says of an answer */
	ROUTE_HOME,     /* "/": a word of greeting for the one who looks with a browser */
};

enum keys_action { KEYS_ACT_LIST, KEYS_ACT_ADD, KEYS_ACT_SET, KEYS_ACT_REVOKE, KEYS_ACT_THAW };

enum deferred_action { DEFERRED_ACT_LIST, DEFERRED_ACT_LOOK, DEFERRED_ACT_CANCEL };

enum cache_action { CACHE_ACT_LOOK, CACHE_ACT_PURGE };

struct route {
	enum route_kind kind;
	enum endpoint endpoint;
	struct forward forward;
	char model[96];
	enum keys_action keys;
	char name[ACCOUNT_NAME]; /* of a key, or of a request; empty: none */
	enum cache_action wants;
	enum deferred_action deferred;
	char query[512];
	bool wants_json; /* the body must be application/json */
	bool wants_form; /* it must be multipart/form-data; both: one of the two */
};

/* 0, or -1 with 400, 404, 405 or 414 in *e; for 405 *allow lists the methods. uri is the raw target of the request line;
 * config says which further paths are forwarded, and the route points into it. */
int route_find(const struct config *config, struct str method, struct str uri, struct route *route,
    const char **allow, struct err *e);

#endif
