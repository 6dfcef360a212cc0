/*
 * The server: the door for clients. It accepts connections, guards requests, hands them to the pipeline, and sends
 * what the answers say. The only folder that sees libmicrohttpd. The loop only.
 *
 *     server_new ──> server_use (after a reload) ──> server_drain ──> idle ──> server_free
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SERVER_SERVER_H
#define FARTHING_SERVER_SERVER_H

#include "base/err.h"
#include "stages/keyring.h"
#include "stages/pipeline.h"
#include "upstream/workers.h"

/* What the server needs of the house. All must outlive it. */
struct server_house {
	struct loop *loop;
	struct workers *workers;
	struct pipeline *pipeline;
	struct caller *caller;
	struct ledger *ledger;
	struct shelf *shelf; /* NULL: answers are kept in memory only */
	struct keyring *keyring;
	struct gateway_metrics *metrics;
	uint64_t *config_reloads, *config_reload_failures;
};

struct server;

/* Listens as the site's configuration says; NULL with *e when it cannot. Holds the site. */
struct server *server_new(const struct server_house *house, struct site *site, struct err *e);
const char *server_address(const struct server *s);   /* "127.0.0.1:8080" */
void server_use(struct server *s, struct site *site); /* new requests use this one; the listener stays */

/* From now on nothing new is admitted; on_idle is called, once, on a later turn, when no request is being served. */
void server_drain(struct server *s, void (*on_idle)(void *context), void *context);
int server_in_flight(const struct server *s); /* requests being served */
void server_hang_up(struct server *s);        /* shuts every connection that is left */
void server_free(struct server **s);          /* when nothing is in flight */

/* The library's version, and whether it is one to be shown to the world (1.0.5 or newer). */
const char *server_library(void);
bool server_library_is_old(void);

#endif
