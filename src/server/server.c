/*
 * The server: its gates (libmicrohttpd daemons driven by our loop) and what the library calls back.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "door.h"

/* ---- the library's callbacks ---- */

static struct client *
client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct client *c = info != NULL ? info->socket_context : NULL;
	assert(c == NULL || c->magic == CLIENT_MAGIC);
	return c;
}

/* The raw request target: what the handler gets later is decoded, and cut at %00. */
static void *
on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
	(void)context;
	struct client *c = client_of(connection);
	if (c == NULL)
		return NULL;
	size_t n = strnlen(uri, URI_MAX);
	free(c->uri);
	c->uri = n < URI_MAX ? str_dup((struct str){ uri, n }) : NULL;
	client_enter(c, CLIENT_HEAD);
	return NULL;
}

static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload_data, size_t *upload_size, void **request_context)
{
	(void)context, (void)url;
	struct client *c = client_of(connection);
	struct visit *v = *request_context;
	if (c == NULL)
		return MHD_NO;
	if (v == NULL) {
		*request_context = v = visit_new(c);
		enum MHD_Result go_on = visit_begin(v, connection, method, version);
		free(c->uri);
		c->uri = NULL;
		return go_on;
	}
	assert(c->visit == v);
	return *upload_size > 0 ? visit_body(v, upload_data, upload_size) : visit_go_on(v);
}

static void
on_completed(void *context, struct MHD_Connection *connection, void **request_context,
    enum MHD_RequestTerminationCode code)
{
	(void)context, (void)connection;
	struct visit *v = *request_context;
	if (v == NULL)
		return;
	struct client *c = v->client;
	*request_context = NULL;
	client_cork(c, false); /* the end of a stream leaves now */
	if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK && v->why == NULL)
		c->hung_up = true;
	visit_free(v);
	client_enter(c, CLIENT_IDLE);
}

static void
on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
	struct gate *gate = context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = gate->server->arriving;
		if (gate->server->arriving != NULL)
			client_started(gate->server->arriving, connection);
		return;
	}
	struct client *c = *socket_context;
	*socket_context = NULL;
	if (c != NULL)
		client_closed(c);
}

static void
on_library_log(void *context, const char *format, va_list args)
{
	(void)context, (void)format, (void)args; /* its lines may quote what clients sent */
}

/* ---- gates ---- */

static void
on_gate_ready(struct watch *w, uint32_t events)
{
	(void)events;
	LIST_ENTRY(w, struct gate, watch)->dirty = true;
}

static struct gate *
gate_open(struct server *s)
{
	struct gate *g = must_alloc(sizeof *g);
	g->server = s;
	unsigned int flags =
	    MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	g->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, g, MHD_OPTION_EXTERNAL_LOGGER,
	    on_library_log, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)GATE_CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)12 * 1024,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed, g,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, g, MHD_OPTION_URI_LOG_CALLBACK, on_uri, g,
	    MHD_OPTION_END);
	const union MHD_DaemonInfo *info =
	    g->daemon != NULL ? MHD_get_daemon_info(g->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	g->watch = (struct watch){ .fd = info != NULL ? info->epoll_fd : -1, .on_ready = on_gate_ready };
	if (info == NULL || loop_watch(s->house.loop, &g->watch, EPOLLIN) != 0) {
		if (g->daemon != NULL)
			MHD_stop_daemon(g->daemon);
		free(g);
		return NULL;
	}
	struct gate **more = must_alloc((s->gate_count + 1) * sizeof(struct gate *));
	if (s->gate_count > 0)
		memcpy(more, s->gates, s->gate_count * sizeof(struct gate *));
	more[s->gate_count++] = g;
	free(s->gates);
	s->gates = more;
	return g;
}

/* The first with room: at low load few gates are run, at high load none has many suspended connections to walk. */
struct gate *
gate_with_room(struct server *s)
{
	for (size_t i = 0; i < s->gate_count; i++)
		if (s->gates[i]->connections < GATE_CONNECTIONS)
			return s->gates[i];
	return gate_open(s);
}

static void
gate_run(struct gate *g)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;
	g->dirty = false;
	MHD_run(g->daemon);
	/* A time-out of zero: connections whose bytes it has read but not worked on. */
	if (MHD_get_timeout(g->daemon, &wait_ms) == MHD_YES && wait_ms == 0)
		g->dirty = true;
}

static bool
before_sleep(struct hook *hook)
{
	struct server *s = LIST_ENTRY(hook, struct server, hook);
	bool did = false;
	for (size_t i = 0; i < s->gate_count; i++) {
		if (!s->gates[i]->dirty)
			continue;
		gate_run(s->gates[i]);
		did = true;
	}
	return did;
}

/* ---- the server ---- */

struct server *
server_new(const struct server_house *house, struct site *site, struct err *e)
{
	struct server *s = must_alloc(sizeof *s);
	s->house = *house;
	s->site = site;
	site_hold(site);
	list_init(&s->clients);
	s->listener.fd = -1;
	if (listener_open(s, e) != 0)
		goto fail;
	if (gate_open(s) == NULL) {
		err_set(e, 500, "microhttpd", "libmicrohttpd could not be started");
		goto fail;
	}
	s->hook.before_sleep = before_sleep;
	loop_hook(house->loop, &s->hook);
	return s;
fail:
	server_free(&s);
	return NULL;
}

const char *
server_address(const struct server *s)
{
	return s->address;
}

void
server_use(struct server *s, struct site *site)
{
	struct site *before = s->site;
	site_hold(site);
	s->site = site;
	site_drop(&before);
}

void
server_tell_idle(struct server *s)
{
	if (!s->draining || s->told_idle || s->in_flight > 0)
		return;
	s->told_idle = true;
	s->on_idle(s->context);
}

void
server_drain(struct server *s, void (*on_idle)(void *context), void *context)
{
	s->draining = true;
	s->on_idle = on_idle;
	s->context = context;
	server_tell_idle(s);
}

int
server_in_flight(const struct server *s)
{
	return s->in_flight;
}

void
server_hang_up(struct server *s)
{
	for (struct link *at = s->clients.next, *next; at != &s->clients; at = next) {
		next = at->next;
		client_shut(LIST_ENTRY(at, struct client, link));
	}
}

static void
stop_listening(struct server *s)
{
	if (s->listener.fd < 0)
		return;
	loop_timer_clear(s->house.loop, &s->pause);
	loop_unwatch(s->house.loop, &s->listener);
	close(s->listener.fd);
	s->listener.fd = -1;
}

void
server_free(struct server **sp)
{
	struct server *s = *sp;
	if (s == NULL)
		return;
	stop_listening(s);
	server_hang_up(s); /* resumes whoever is suspended: the library may not be stopped before */
	for (size_t i = 0; i < s->gate_count; i++) {
		struct gate *g = s->gates[i];
		MHD_run(g->daemon);
		loop_unwatch(s->house.loop, &g->watch);
		MHD_stop_daemon(g->daemon);
		free(g);
	}
	assert(s->client_count == 0 && s->in_flight == 0);
	if (s->hook.link.next != NULL)
		list_leave(&s->hook.link);
	site_drop(&s->site);
	table_free(&s->addresses);
	free(s->gates);
	free(s);
	*sp = NULL;
}

const char *
server_library(void)
{
	return MHD_get_version();
}

bool
server_library_is_old(void)
{
	int major = 0, minor = 0, patch = 0;
	if (sscanf(MHD_get_version(), "%d.%d.%d", &major, &minor, &patch) < 2)
		return true;
	return major < 1 || (major == 1 && minor == 0 && patch < 5);
}
