/*
 * A client's connection: bytes in, requests one after the other, bytes out.
 *
 *   reads -> (request whole) -> sim_serve -> sends -> (reply whole) -> reads
 *
 * conn.c owns the socket and the reading; send.c owns the reply in progress: its pace, its framing, its faults.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_CONN_H
#define FARTHING_SIM_CONN_H

#include "heap.h"
#include "http.h"
#include "sim.h"

#include "base/list.h"

struct sim_pending;

struct sim_server {
	struct sim sim;
	struct sim_heap heap;
	struct link conns, graves;
	int epoll, listener, signals;
	bool stopping;
	struct sim_reply reply; /* the one being made; a slow one moves into its pending */
};

struct sim_conn {
	struct link link;
	struct sim_server *server;
	struct sim_timer timer;
	struct sim_pending *pending; /* the reply in progress */
	struct buf in, out;
	size_t out_at;      /* bytes of out already sent */
	struct str view;    /* what was received and not yet consumed, during a turn */
	struct buf chunked; /* a chunked body, decoded */
	struct sim_chunks chunks;
	size_t chunk_at, need;
	int fd;
	bool wants_out, continued, last, dead;
};

struct sim_conn *sim_conn_open(struct sim_server *v, int fd);
void sim_conn_event(struct sim_conn *c, uint32_t events);
void sim_conn_timer(struct sim_conn *c);
void sim_conn_close(struct sim_conn *c, bool reset); /* at most once counts; freed at the end of the turn */
void sim_conn_free(struct sim_conn *c);

enum sim_flushed { SIM_FLUSHED, SIM_BLOCKED, SIM_DEAD };
enum sim_flushed sim_conn_flush(struct sim_conn *c); /* sends what is in out as far as it goes */
enum sim_flushed sim_conn_send(struct sim_conn *c, size_t most);

/* send.c */
void sim_send_start(struct sim_conn *c, struct sim_reply *reply);
bool sim_send_go(struct sim_conn *c);    /* goes on with the pending reply; true when it is done */
void sim_send_abort(struct sim_conn *c); /* the client has left: book what was produced */

#endif
