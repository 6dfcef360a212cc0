/*
 * Connections: the socket and the reading. A request that arrives whole in one read is served from the receive buffer
 * without a copy; only what is left over is kept.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SCRATCH = 256 * 1024, MOST_HEAD = 256 * 1024, MOST_BODY = 256 * 1024 * 1024, KEEP_MEMORY = 16 * 1024 };

static char scratch[SCRATCH];

struct sim_conn *
sim_conn_open(struct sim_server *v, int fd)
{
	struct sim_conn *c = must_alloc(sizeof *c);
	int on = 1;
	c->server = v;
	c->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = c };
	if (epoll_ctl(v->epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
		close(fd);
		free(c);
		return NULL;
	}
	list_push(&v->conns, &c->link);
	v->sim.bill.connections++;
	v->sim.bill.open_connections++;
	return c;
}

void
sim_conn_close(struct sim_conn *c, bool reset)
{
	if (c->dead)
		return;
	c->dead = true;
	if (c->pending != NULL)
		sim_send_abort(c);
	if (reset) {
		struct linger now = { .l_onoff = 1, .l_linger = 0 };
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	}
	close(c->fd);
	sim_heap_drop(&c->server->heap, &c->timer);
	list_leave(&c->link);
	list_push(&c->server->graves, &c->link);
	c->server->sim.bill.open_connections--;
}

void
sim_conn_free(struct sim_conn *c)
{
	list_leave(&c->link);
	buf_free(&c->in);
	buf_free(&c->out);
	buf_free(&c->chunked);
	free(c);
}

static void
want_out(struct sim_conn *c, bool on)
{
	if (c->wants_out == on)
		return;
	c->wants_out = on;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | (on ? EPOLLOUT : 0), .data.ptr = c };
	epoll_ctl(c->server->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

enum sim_flushed
sim_conn_send(struct sim_conn *c, size_t most)
{
	size_t left = c->out.n - c->out_at;
	ssize_t n = send(c->fd, c->out.p + c->out_at, left < most ? left : most, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		want_out(c, true);
		return SIM_BLOCKED;
	}
	if (n < 0) {
		sim_conn_close(c, false);
		return SIM_DEAD;
	}
	c->out_at += (size_t)n;
	if (c->out_at < c->out.n)
		return SIM_FLUSHED;
	buf_clear(&c->out);
	c->out_at = 0;
	if (c->out.cap > KEEP_MEMORY)
		buf_free(&c->out);
	return SIM_FLUSHED;
}

enum sim_flushed
sim_conn_flush(struct sim_conn *c)
{
	while (!c->dead && c->out.n != 0) {
		enum sim_flushed f = sim_conn_send(c, SIZE_MAX);
		if (f != SIM_FLUSHED)
			return f;
	}
	if (!c->dead)
		want_out(c, false);
	return c->dead ? SIM_DEAD : SIM_FLUSHED;
}

static void
refuse(struct sim_conn *c, int status)
{
	buf_printf(&c->out, "HTTP/1.1 %d %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", status,
	    sim_http_reason(status));
	sim_conn_flush(c);
	sim_conn_close(c, false);
}

static void
invite(struct sim_conn *c, const struct sim_request *r)
{
	if (!r->expects || c->continued)
		return;
	c->continued = true;
	buf_add(&c->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	sim_conn_flush(c);
}

/* Decodes more of a chunked body. Its whole length in the view, 0 when more is needed, -1 when broken. */
static ptrdiff_t
take_chunked(struct sim_conn *c, size_t head)
{
	if (c->chunk_at == 0)
		c->chunk_at = head;
	c->chunked.max = MOST_BODY;
	ptrdiff_t n = sim_chunks_eat(
	    &c->chunks, (struct str){ c->view.p + c->chunk_at, c->view.n - c->chunk_at }, &c->chunked);
	if (n < 0)
		return -1;
	c->chunk_at += (size_t)n;
	return c->chunks.phase == SIM_CHUNK_WHOLE ? (ptrdiff_t)c->chunk_at : 0;
}

/* The length of the first request in the view, 0 when it is not whole yet, -1 when it cannot be read. */
static ptrdiff_t
take(struct sim_conn *c, struct sim_request *r)
{
	if (c->view.n == 0 || c->view.n < c->need)
		return 0;
	ptrdiff_t head = sim_http_head(c->view, r);
	if (head < 0 || (head == 0 && c->view.n > MOST_HEAD) || r->length > MOST_BODY)
		return -1;
	if (head == 0)
		return 0;
	if (r->chunked) {
		ptrdiff_t n = take_chunked(c, (size_t)head);
		r->body = buf_str(&c->chunked);
		if (n == 0)
			invite(c, r);
		return c->dead ? 0 : n;
	}
	size_t length = r->length > 0 ? (size_t)r->length : 0;
	if (c->view.n < (size_t)head + length) {
		c->need = (size_t)head + length;
		invite(c, r);
		return 0;
	}
	r->body = (struct str){ c->view.p + head, length };
	return head + (ptrdiff_t)length;
}

/* Serves what can be served: request after request, each after the reply before it. */
static void
work(struct sim_conn *c)
{
	struct sim_request r = { 0 };
	for (;;) {
		if (c->pending != NULL && !sim_send_go(c))
			return;
		if (c->dead)
			return;
		if (c->last) {
			if (sim_conn_flush(c) == SIM_FLUSHED)
				sim_conn_close(c, false);
			return;
		}
		ptrdiff_t n = take(c, &r);
		if (n < 0) {
			refuse(c, 400);
			return;
		}
		if (n == 0) {
			if (!c->dead)
				sim_conn_flush(c);
			return;
		}
		c->last = !r.keep_alive;
		sim_serve(&c->server->sim, &r, &c->server->reply);
		c->view.p += n;
		c->view.n -= (size_t)n;
		c->need = c->chunk_at = 0;
		c->continued = false;
		c->chunks = (struct sim_chunks){ 0 };
		if (c->chunked.cap != 0)
			buf_free(&c->chunked);
		sim_send_start(c, &c->server->reply);
	}
}

/* One turn: `fresh` bytes have arrived (in the scratch buffer), or none have. */
static void
turn(struct sim_conn *c, struct str fresh)
{
	bool kept = c->in.n != 0;
	if (kept && buf_add(&c->in, fresh) != 0) {
		sim_conn_close(c, true);
		return;
	}
	c->view = kept ? buf_str(&c->in) : fresh;
	size_t before = c->view.n;
	work(c);
	if (c->dead)
		return;
	if (kept)
		buf_eat(&c->in, before - c->view.n);
	else if (c->view.n != 0 && buf_add(&c->in, c->view) != 0)
		sim_conn_close(c, true);
	if (c->in.n == 0 && c->in.cap != 0)
		buf_free(&c->in);
	c->view = (struct str){ NULL, 0 };
}

static void
on_readable(struct sim_conn *c)
{
	ssize_t n = recv(c->fd, scratch, sizeof scratch, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || c->in.n > (size_t)MOST_BODY * 2) {
		sim_conn_close(c, false);
		return;
	}
	turn(c, (struct str){ scratch, (size_t)n });
}

void
sim_conn_event(struct sim_conn *c, uint32_t events)
{
	if (c->dead)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		on_readable(c);
	if (!c->dead && (events & EPOLLOUT) != 0)
		turn(c, STR(""));
}

void
sim_conn_timer(struct sim_conn *c)
{
	if (!c->dead)
		turn(c, STR(""));
}
