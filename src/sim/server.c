/*
 * The loop.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server.h"

#include "base/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 256, BACKLOG = 4096 };

static int
open_listener(struct sim_server *v, struct err *e)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)v->sim.options.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int on = 1;
	v->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (v->listener < 0)
		return err_set(e, 500, "", "no socket: %s", strerror(errno));
	setsockopt(v->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(v->listener, (struct sockaddr *)&address, size) != 0 || listen(v->listener, BACKLOG) != 0)
		return err_set(
		    e, 500, "", "cannot listen on 127.0.0.1:%d: %s", v->sim.options.port, strerror(errno));
	getsockname(v->listener, (struct sockaddr *)&address, &size);
	v->sim.options.port = ntohs(address.sin_port);
	return 0;
}

static int
watch(struct sim_server *v, int *fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = fd };
	return epoll_ctl(v->epoll, EPOLL_CTL_ADD, *fd, &ev);
}

int
sim_server_open(struct sim_server *v, struct err *e)
{
	struct rlimit files;
	sigset_t stop;
	v->epoll = v->listener = v->signals = -1;
	list_init(&v->conns);
	list_init(&v->graves);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (open_listener(v, e) != 0)
		return -1;
	v->epoll = epoll_create1(EPOLL_CLOEXEC);
	v->signals = signalfd(-1, &stop, SFD_NONBLOCK | SFD_CLOEXEC);
	if (v->epoll < 0 || v->signals < 0 || watch(v, &v->listener) != 0 || watch(v, &v->signals) != 0)
		return err_set(e, 500, "", "no event loop: %s", strerror(errno));
	return 0;
}

static void
accept_all(struct sim_server *v)
{
	for (int i = 0; i < BATCH; i++) {
		int fd = accept4(v->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		sim_conn_open(v, fd);
	}
}

static void
bury(struct sim_server *v)
{
	while (!list_empty(&v->graves))
		sim_conn_free(LIST_ENTRY(v->graves.next, struct sim_conn, link));
}

static void
ring_timers(struct sim_server *v)
{
	struct sim_timer *t;
	int64_t now = clock_us();
	while ((t = sim_heap_first(&v->heap)) != NULL && t->at_us <= now) {
		sim_heap_drop(&v->heap, t);
		sim_conn_timer(LIST_ENTRY(t, struct sim_conn, timer));
	}
}

static int
patience_ms(const struct sim_server *v)
{
	const struct sim_timer *first = sim_heap_first(&v->heap);
	if (first == NULL)
		return -1;
	int64_t us = first->at_us - clock_us();
	return us <= 0 ? 0 : us > 60000000 ? 60000 : (int)((us + 999) / 1000);
}

void
sim_server_run(struct sim_server *v)
{
	static struct epoll_event events[BATCH];
	while (!v->stopping) {
		int n = epoll_wait(v->epoll, events, BATCH, patience_ms(v));
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &v->listener)
				accept_all(v);
			else if (events[i].data.ptr == &v->signals)
				v->stopping = true;
			else
				sim_conn_event(events[i].data.ptr, events[i].events);
		}
		ring_timers(v);
		bury(v);
	}
}

void
sim_server_close(struct sim_server *v)
{
	while (v->conns.next != NULL && !list_empty(&v->conns))
		sim_conn_close(LIST_ENTRY(v->conns.next, struct sim_conn, link), false);
	if (v->graves.next != NULL)
		bury(v);
	for (size_t i = 0; i < 3; i++) {
		int fd = (int[]){ v->listener, v->epoll, v->signals }[i];
		if (fd >= 0)
			close(fd);
	}
	sim_heap_free(&v->heap);
	sim_reply_free(&v->reply);
}
