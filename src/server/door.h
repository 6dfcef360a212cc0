/*
 * The server from inside.
 *
 *     server ── has many ──> client (a connection) ── has at most one ──> visit (a request on it, with its exchange)
 *
 * Connections live in several small libmicrohttpd daemons ("gates"): resuming one suspended connection makes the library
 * walk all suspended ones of its daemon.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SERVER_DOOR_H
#define FARTHING_SERVER_DOOR_H

#include <microhttpd.h>
#include <netinet/in.h>

#include "base/table.h"
#include "server/admit.h"
#include "server/guard.h"
#include "server/server.h"

enum { URI_MAX = 1024, GATE_CONNECTIONS = 64 };

struct gate {
	struct server *server;
	struct MHD_Daemon *daemon;
	struct watch watch;
	int connections;
	bool dirty; /* wants to be run before the loop sleeps */
};

/* How many connections an address has. */
struct address {
	unsigned char bytes[16]; /* IPv6, or IPv4 mapped into it */
	int connections;
};

struct server {
	struct server_house house;
	struct site *site;
	struct hook hook;
	struct watch listener;
	struct timer pause; /* the listener rests after running out of descriptors */
	char address[80];
	struct gate **gates;
	size_t gate_count;
	struct client *arriving; /* the one that is being handed to the library */
	struct link clients;
	int client_count;
	struct table addresses;
	int in_flight; /* visits that want something of the pipeline */
	bool draining, told_idle;
	void (*on_idle)(void *context);
	void *context;
};

enum client_phase {
	CLIENT_HEAD, /* the first request line and headers are awaited */
	CLIENT_BODY,
	CLIENT_ANSWER, /* waiting for, or sending, the reply */
	CLIENT_IDLE,   /* kept alive */
};

struct client {
	unsigned magic;
	struct link link;
	struct server *server;
	struct gate *gate;
	struct address *address;
	struct MHD_Connection *connection;
	/* Tells when the client hangs up, which the library does not notice while suspended */
	struct watch watch;
	struct timer timer;
	enum client_phase phase;
	int64_t phase_ms;   /* since when */
	int64_t body_bytes; /* that have come */
	bool suspended;
	bool hung_up;
	bool corked;
	struct visit *visit;
	/* The raw request target, from the request line to the end of the headers; NULL: none, or too long */
	char *uri;
};

struct visit {
	struct exchange x; /* first: a reader's wake finds its way back */
	struct client *client;
	struct route route;
	bool counted;     /* in server->in_flight */
	bool complete;    /* the body has been read */
	bool with_worker; /* who has the baton: the connection sleeps until it comes back, whatever happens */
	bool read;        /* by the pipeline */
	bool replied;     /* a response is queued */
	bool close;       /* the connection ends with the reply */
	bool overflow;    /* refused in the middle of its body */
	bool ping;        /* the next bytes are a heartbeat */
	int status;
	const char *why;     /* how it ended, when that is known before the end */
	bool speaks_for_all; /* of feedback: an administrator's */
	struct err err;      /* status != 0: what to reply instead of an answer */
	const char *allow;
	struct buf page; /* the body of pages and errors */
	struct buf tail; /* what follows an answer that broke: an error event */
	size_t tail_at;
	struct task task;
};

/* server.c */
struct gate *gate_with_room(struct server *s); /* NULL when no more can be opened */
void server_tell_idle(struct server *s);       /* on_idle, once, when draining and nothing is in flight */

/* listener.c */
int listener_open(
    struct server *s, struct err *e); /* -1 with *e; the descriptor, if any, is the listener's */

/* client.c: connections */
/* One that was accepted; takes fd, and closes it where there are too many already */
void client_welcome(struct server *s, int fd, const struct sockaddr_storage *from, socklen_t size);
void client_enter(struct client *c, enum client_phase phase);
void client_look(struct client *c); /* its deadline may have come nearer */
void client_suspend(struct client *c);
void client_resume(struct client *c); /* a no-op when not suspended */
void client_shut(struct client *c);   /* both ways; the library notices on its next run */
void client_cork(struct client *c, bool on);
void client_started(struct client *c, struct MHD_Connection *connection);
void client_closed(struct client *c);         /* frees it */
bool client_is_local(const struct client *c); /* on this machine */
/* Writes a reply where the library allows none, and half-closes */
void client_refuse_raw(struct client *c, const struct err *e);

/* visit.c: requests */
struct visit *visit_new(struct client *c);
void visit_free(struct visit *v); /* books it */
enum MHD_Result visit_begin(
    struct visit *v, struct MHD_Connection *connection, const char *method, const char *version);
enum MHD_Result visit_body(struct visit *v, const char *bytes, size_t *size);
enum MHD_Result visit_go_on(struct visit *v);
/* The visit is a worker's from here on, until done runs on the loop: visit_is_back, or what ends with it */
enum MHD_Result visit_lend(struct visit *v, void (*work)(struct task *task), void (*done)(struct task *task));
void visit_is_back(struct task *task); /* the library calls visit_go_on when the connection runs again */
void visit_ping(struct visit *v);      /* a heartbeat, when the sleeping reader of a stream is due one */

/* send.c: responses */
enum MHD_Result send_error(struct visit *v);
enum MHD_Result send_page(struct visit *v, const char *content_type);
enum MHD_Result send_answer(struct visit *v);

/* pages.c: what the gateway says about itself */
void page_write(struct visit *v, const char **content_type); /* fills v->page, or v->err */

/* admin.c: changes that an administrator wants, made by a worker */
enum MHD_Result admin_start(struct visit *v);         /* the request is complete */
enum MHD_Result admin_cache_start(struct visit *v);   /* admin_cache.c; ends in admin_reply, too */
enum MHD_Result admin_summary_start(struct visit *v); /* admin_summary.c; likewise */
enum MHD_Result admin_reply(struct visit *v);         /* the worker is done */
/* admin_feedback.c: whether that secret may speak of answers; and the request is complete */
int feedback_judge(struct visit *v, struct str secret);
enum MHD_Result admin_feedback_start(struct visit *v);
/* admin_routing.c: what was learned, a JSON list */
void admin_routing(const struct visit *v, struct buf *out);
/* admin_batching.c: how good batched answers are, likewise */
void admin_batching(const struct visit *v, struct buf *out);
/* What they share: the body, to be freed; -1 with v->err when it is no JSON. And a member of an object; value NULL: null */
int admin_read_json(struct visit *v, struct json *j);
void admin_add_text(struct buf *b, const char *key, const char *value);

#define CLIENT_MAGIC 0x434c4945u

#endif
