/*
 * Connections: accepted by us (listener.c), spoken to by libmicrohttpd, watched by us. The library's own time-out
 * only knows inactivity, and while a connection is suspended it sees nothing at all; so deadlines and hang-ups are
 * kept here.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "door.h"

enum {
	BODY_RATE_AFTER_MS = 10000,
	GRACE_MS = 5000, /* after the total deadline, for the reply that says so */
};

static const struct limits_conf *
limits_of(const struct client *c)
{
	const struct site *site =
	    c->visit != NULL && c->visit->x.site != NULL ? c->visit->x.site : c->server->site;
	return &site_config(site)->limits;
}

/* ---- deadlines ---- */

static bool
is_streaming(const struct client *c)
{
	const struct visit *v = c->visit;
	return v != NULL && v->replied && v->x.reader.answer != NULL;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool
body_is_too_slow(const struct client *c)
{
	const struct limits_conf *l = limits_of(c);
	int64_t for_ms = clock_ms() - c->phase_ms;
	return for_ms >= l->body_ms ||
	       (for_ms >= BODY_RATE_AFTER_MS && c->body_bytes * 1000 / for_ms < l->body_rate);
}

/* Has the client had all the time there is for what it should do? */
static bool
is_late(const struct client *c)
{
	const struct limits_conf *l = limits_of(c);
	int64_t for_ms = clock_ms() - c->phase_ms;
	if (c->phase == CLIENT_HEAD)
		return for_ms >= l->header_ms;
	if (c->phase == CLIENT_BODY)
		return body_is_too_slow(c);
	if (c->phase == CLIENT_IDLE)
		return for_ms >= l->idle_ms;
	const struct reader *r = &c->visit->x.reader;
	bool stalled = is_streaming(c) && !r->asleep && clock_ms() - r->moved_ms >= l->stall_ms;
	return stalled || for_ms >= l->total_ms + GRACE_MS;
}

/* When that, or a heartbeat that is due, has to be looked at again. */
static int64_t
next_look(const struct client *c)
{
	const struct limits_conf *l = limits_of(c);
	int64_t now = clock_ms();
	if (c->phase == CLIENT_HEAD)
		return c->phase_ms + l->header_ms;
	if (c->phase == CLIENT_IDLE)
		return c->phase_ms + l->idle_ms;
	if (c->phase == CLIENT_BODY) {
		int64_t rate_ms = c->phase_ms + BODY_RATE_AFTER_MS;
		return earlier(c->phase_ms + l->body_ms, now < rate_ms ? rate_ms : now + 1000);
	}
	int64_t due = c->phase_ms + l->total_ms + GRACE_MS;
	if (!is_streaming(c))
		return due;
	const struct reader *r = &c->visit->x.reader;
	if (!r->asleep)
		due = earlier(due, r->moved_ms + l->stall_ms);
	if (l->heartbeat_ms > 0)
		due = earlier(due, r->asleep ? r->moved_ms + l->heartbeat_ms : now + l->heartbeat_ms);
	return due;
}

static void
give_up(struct client *c)
{
	struct err e;
	if (c->phase == CLIENT_BODY) {
		err_set(&e, 408, "request_timeout", "The body took too long to arrive.");
		c->visit->err = e;
		client_refuse_raw(c, &e);
	}
	if (c->visit != NULL && c->visit->why == NULL)
		c->visit->why = c->phase == CLIENT_BODY ? "body too slow" : "client took nothing";
	client_shut(c);
}

/* The timer is not moved with every byte: it wakes, looks, and sleeps on. */
static void
on_time(struct timer *t)
{
	struct client *c = LIST_ENTRY(t, struct client, timer);
	assert(c->magic == CLIENT_MAGIC);
	if (is_late(c)) {
		give_up(c);
		return;
	}
	if (is_streaming(c) && c->visit->x.reader.asleep)
		visit_ping(c->visit);
	int64_t soonest = clock_ms() + 10, due = next_look(c);
	loop_timer_set(c->server->house.loop, t, due > soonest ? due : soonest);
}

/* A timer that is due too early is harmless, and leaving it alone is what makes this cheap. */
void
client_look(struct client *c)
{
	int64_t due = next_look(c);
	if (c->timer.place == 0 || due < c->timer.due_ms)
		loop_timer_set(c->server->house.loop, &c->timer, due);
}

void
client_enter(struct client *c, enum client_phase phase)
{
	c->phase = phase;
	c->phase_ms = clock_ms();
	client_look(c);
}

/* ---- the library's connection ---- */

void
client_suspend(struct client *c)
{
	assert(!c->suspended);
	MHD_suspend_connection(c->connection);
	c->suspended = true;
}

void
client_resume(struct client *c)
{
	if (!c->suspended || (c->visit != NULL && c->visit->with_worker))
		return;
	c->suspended = false;
	MHD_resume_connection(c->connection);
	c->gate->dirty = true;
}

void
client_shut(struct client *c)
{
	shutdown(c->watch.fd, SHUT_RDWR);
	c->hung_up = true;
	client_resume(c);
	c->gate->dirty = true;
}

void
client_cork(struct client *c, bool on)
{
	if (c->corked == on)
		return;
	int value = on;
	setsockopt(c->watch.fd, IPPROTO_TCP, TCP_CORK, &value, sizeof value);
	c->corked = on;
}

void
client_refuse_raw(struct client *c, const struct err *e)
{
	struct buf body = { 0 }, head = { 0 };
	err_json(e, &body);
	buf_printf(&head,
	    "HTTP/1.1 %d Refused\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\nCache-Control: no-store\r\nx-request-id: %s\r\n\r\n",
	    e->status, body.n, c->visit != NULL ? c->visit->x.id : "");
	buf_add(&head, buf_str(&body));
	ssize_t n = send(c->watch.fd, head.p, head.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)n; /* a client that reads nothing is not told why */
	shutdown(c->watch.fd, SHUT_WR);
	buf_free(&body);
	buf_free(&head);
}

/* ---- birth and death ---- */

static void
on_hang_up(struct watch *w, uint32_t events)
{
	(void)events;
	struct client *c = LIST_ENTRY(w, struct client, watch);
	assert(c->magic == CLIENT_MAGIC);
	/* A half-close counts as leaving, as with nginx: it cannot be told from a client that is gone. */
	client_shut(c); /* the library misses an end that comes together with bytes */
}

static struct address *
address_of(struct server *s, const struct sockaddr_storage *from)
{
	struct address key = { 0 };
	if (from->ss_family == AF_INET6) {
		memcpy(key.bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
	} else {
		key.bytes[10] = key.bytes[11] = 0xFF;
		memcpy(key.bytes + 12, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	}
	struct address *a =
	    table_get(&s->addresses, (struct str){ (const char *)key.bytes, sizeof key.bytes });
	if (a != NULL)
		return a;
	a = must_alloc(sizeof *a);
	*a = key;
	table_put(&s->addresses, (struct str){ (const char *)a->bytes, sizeof a->bytes }, a);
	return a;
}

static bool
is_loopback(const struct address *a)
{
	static const unsigned char one[16] = { [15] = 1 };
	bool mapped = a->bytes[10] == 0xFF && a->bytes[11] == 0xFF && a->bytes[12] == 127;
	return mapped || memcmp(a->bytes, one, sizeof one) == 0;
}

bool
client_is_local(const struct client *c)
{
	return is_loopback(c->address);
}

static void
release_address(struct server *s, struct address *a)
{
	if (--a->connections > 0)
		return;
	table_remove(&s->addresses, (struct str){ (const char *)a->bytes, sizeof a->bytes });
	free(a);
}

static void
client_free(struct client *c)
{
	struct server *s = c->server;
	list_leave(&c->link);
	loop_timer_clear(s->house.loop, &c->timer);
	loop_unwatch(s->house.loop, &c->watch);
	release_address(s, c->address);
	s->client_count--;
	free(c->uri);
	c->magic = 0;
	free(c);
}

void
client_started(struct client *c, struct MHD_Connection *connection)
{
	c->connection = connection;
	c->gate->connections++;
}

void
client_closed(struct client *c)
{
	assert(c->visit == NULL);
	c->gate->connections--;
	client_free(c); /* the descriptor is still open here: the library closes it next */
}

void
client_welcome(struct server *s, int fd, const struct sockaddr_storage *from, socklen_t size)
{
	const struct limits_conf *l = &site_config(s->site)->limits;
	struct address *a = address_of(s, from);
	int most = is_loopback(a) ? l->per_loopback : l->per_address;
	a->connections++;
	struct gate *gate = NULL;
	if (s->client_count < l->connections && a->connections <= most)
		gate = gate_with_room(s);
	if (gate == NULL) {
		release_address(s, a);
		close(fd);
		return;
	}
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct client *c = must_alloc(sizeof *c);
	c->magic = CLIENT_MAGIC;
	c->server = s;
	c->gate = gate;
	c->address = a;
	c->watch = (struct watch){ .fd = fd, .on_ready = on_hang_up };
	c->timer.on_due = on_time;
	list_push(&s->clients, &c->link);
	s->client_count++;
	if (loop_watch(s->house.loop, &c->watch, EPOLLRDHUP | EPOLLET) != 0) {
		client_free(c);
		close(fd);
		return;
	}
	client_enter(c, CLIENT_HEAD);
	s->arriving = c;
	if (MHD_add_connection(gate->daemon, fd, (const struct sockaddr *)from, size) != MHD_YES &&
	    c->connection == NULL) {
		loop_forget(s->house.loop, &c->watch); /* the library has closed it */
		client_free(c);
	}
	s->arriving = NULL;
	gate->dirty = true;
}
