/*
 * Lanes.
 *
 * A pooled connection stays in the epoll set between two requests: curl tells us REMOVE and ADD around every request, and two
 * system calls each time would cost more than the rest. An event on a socket nobody wants takes it out for real. That is done
 * only for sockets whose closing we see; curl closes its resolver's descriptors by itself.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lanes.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum { LANE_TRANSFERS = 64 };

struct lane {
	struct lanes *lanes;
	CURLM *multi;
	int active;
	bool kick; /* curl wants to be called without waiting */
	struct timer timer;
};

struct sock {
	struct watch watch;
	struct lane *lane;
	bool wanted;
	bool ours; /* born in lanes_open_socket */
};

struct lanes {
	struct loop *loop;
	struct hook hook;
	lanes_on_done *on_done;
	void *context;
	struct lane **lane;
	size_t count, cap;
	struct sock **socks; /* by file descriptor */
	size_t sock_cap;
};

static void
harvest(struct lane *lane)
{
	int left;
	for (CURLMsg *m = curl_multi_info_read(lane->multi, &left); m != NULL;
	     m = curl_multi_info_read(lane->multi, &left))
		if (m->msg == CURLMSG_DONE)
			lane->lanes->on_done(lane->lanes->context, m->easy_handle, m->data.result);
}

static void
act(struct lane *lane, curl_socket_t fd, int mask)
{
	int running;
	curl_multi_socket_action(lane->multi, fd, mask, &running);
	harvest(lane);
}

static void
on_socket_ready(struct watch *w, uint32_t events)
{
	struct sock *s = LIST_ENTRY(w, struct sock, watch);
	if (!s->wanted) {
		loop_unwatch(s->lane->lanes->loop, w);
		return;
	}
	int mask = 0;
	if (events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	act(s->lane, w->fd, mask);
}

static struct sock *
sock_of(struct lanes *l, curl_socket_t fd)
{
	size_t at = (size_t)fd;
	if (at >= l->sock_cap) {
		size_t cap = l->sock_cap > 0 ? l->sock_cap : 256;
		while (cap <= at)
			cap *= 2;
		struct sock **bigger = must_alloc(cap * sizeof(struct sock *));
		if (l->sock_cap > 0)
			memcpy(bigger, l->socks, l->sock_cap * sizeof(struct sock *));
		free(l->socks);
		l->socks = bigger;
		l->sock_cap = cap;
	}
	if (l->socks[at] == NULL) {
		l->socks[at] = must_alloc(sizeof(struct sock));
		l->socks[at]->watch = (struct watch){ .fd = fd, .on_ready = on_socket_ready };
	}
	return l->socks[at];
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
	(void)easy, (void)unused;
	struct lane *lane = context;
	struct sock *s = sock_of(lane->lanes, fd);
	s->lane = lane;
	s->wanted = what != CURL_POLL_REMOVE;
	if (!s->wanted) {
		if (!s->ours)
			loop_unwatch(lane->lanes->loop, &s->watch);
		return 0;
	}
	uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	return loop_watch(lane->lanes->loop, &s->watch, events) == 0 ? 0 : -1;
}

curl_socket_t
lanes_open_socket(struct lanes *l, struct curl_sockaddr *address)
{
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	struct sock *s = sock_of(l, fd);
	loop_forget(l->loop, &s->watch); /* whatever had this number before is closed */
	s->ours = true;
	return fd;
}

int
lanes_close_socket(struct lanes *l, curl_socket_t fd)
{
	if ((size_t)fd < l->sock_cap && l->socks[fd] != NULL) {
		/* the kernel drops a closed socket from the set itself */
		loop_forget(l->loop, &l->socks[fd]->watch);
		free(l->socks[fd]);
		l->socks[fd] = NULL;
	}
	return close(fd);
}

static void
on_timer_due(struct timer *t)
{
	LIST_ENTRY(t, struct lane, timer)->kick = true;
}

static int
on_timer(CURLM *multi, long wait_ms, void *context)
{
	(void)multi;
	struct lane *lane = context;
	if (wait_ms < 0)
		loop_timer_clear(lane->lanes->loop, &lane->timer);
	else if (wait_ms == 0)
		lane->kick = true; /* not from inside curl: on the way to sleep */
	else
		loop_timer_set(lane->lanes->loop, &lane->timer, clock_ms() + wait_ms);
	return 0;
}

static bool
before_sleep(struct hook *hook)
{
	struct lanes *l = LIST_ENTRY(hook, struct lanes, hook);
	bool did = false;
	for (size_t i = 0; i < l->count; i++) {
		struct lane *lane = l->lane[i];
		if (!lane->kick)
			continue;
		lane->kick = false;
		did = true;
		act(lane, CURL_SOCKET_TIMEOUT, 0);
	}
	return did;
}

struct lanes *
lanes_new(struct loop *loop, lanes_on_done *on_done, void *context)
{
	struct lanes *l = must_alloc(sizeof *l);
	l->loop = loop;
	l->on_done = on_done;
	l->context = context;
	l->hook.before_sleep = before_sleep;
	loop_hook(loop, &l->hook);
	return l;
}

void
lanes_free(struct lanes **lp)
{
	struct lanes *l = *lp;
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->count; i++) {
		assert(l->lane[i]->active == 0);
		curl_multi_cleanup(l->lane[i]->multi);
		loop_timer_clear(l->loop, &l->lane[i]->timer);
		free(l->lane[i]);
	}
	for (size_t i = 0; i < l->sock_cap; i++)
		free(l->socks[i]);
	list_leave(&l->hook.link);
	free(l->lane);
	free(l->socks);
	free(l);
	*lp = NULL;
}

static struct lane *
lane_new(struct lanes *l)
{
	struct lane *lane = must_alloc(sizeof *lane);
	lane->lanes = l;
	lane->timer.on_due = on_timer_due;
	lane->multi = curl_multi_init();
	if (lane->multi == NULL) {
		free(lane);
		return NULL;
	}
	curl_multi_setopt(lane->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(lane->multi, CURLMOPT_SOCKETDATA, lane);
	curl_multi_setopt(lane->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(lane->multi, CURLMOPT_TIMERDATA, lane);
	curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, (long)LANE_TRANSFERS * 2);
	if (l->count == l->cap) {
		size_t cap = l->cap > 0 ? l->cap * 2 : 8;
		struct lane **bigger = must_alloc(cap * sizeof(struct lane *));
		if (l->count > 0)
			memcpy(bigger, l->lane, l->count * sizeof(struct lane *));
		free(l->lane);
		l->lane = bigger;
		l->cap = cap;
	}
	l->lane[l->count++] = lane;
	return lane;
}

struct lane *
lanes_board(struct lanes *l, CURL *easy)
{
	struct lane *lane = NULL;
	for (size_t i = 0; i < l->count && lane == NULL; i++)
		if (l->lane[i]->active < LANE_TRANSFERS)
			lane = l->lane[i];
	if (lane == NULL)
		lane = lane_new(l);
	if (lane == NULL || curl_multi_add_handle(lane->multi, easy) != CURLM_OK)
		return NULL;
	lane->active++;
	lane->kick = true;
	return lane;
}

void
lanes_leave(struct lanes *l, struct lane *lane, CURL *easy)
{
	(void)l;
	curl_multi_remove_handle(lane->multi, easy);
	lane->active--;
	/* A freed place on a connection may let a waiting transfer go. */
	lane->kick = lane->kick || lane->active > 0;
}

void
lanes_unpause(struct lanes *l, struct lane *lane, CURL *easy)
{
	(void)l;
	curl_easy_pause(easy, CURLPAUSE_CONT);
	lane->kick = true;
}
