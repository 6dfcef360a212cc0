/*
 * The listener: one socket, accepted from in handfuls, so that a crowd at the door does not hold up those inside. The
 * loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "door.h"

enum {
	BACKLOG = 4096, /* what the kernel grants is net.core.somaxconn at the most */
	ACCEPT_AT_ONCE = 64,
	ACCEPT_PAUSE_MS = 100, /* without descriptors; those inside may have closed some by then */
};

static void
on_pause_over(struct timer *t)
{
	struct server *s = LIST_ENTRY(t, struct server, pause);
	loop_watch(s->house.loop, &s->listener, EPOLLIN);
}

static void
on_listener(struct watch *w, uint32_t events)
{
	(void)events;
	struct server *s = LIST_ENTRY(w, struct server, listener);
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t size = sizeof from;
		int fd = accept4(w->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			client_welcome(s, fd, &from, size);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		/* Out of descriptors: asking again at once would only burn the processor. */
		log_line(LOG_WARN, "paused", "accepting_for_ms=%d why=%q", ACCEPT_PAUSE_MS, strerror(errno));
		loop_unwatch(s->house.loop, w);
		loop_timer_set(s->house.loop, &s->pause, clock_ms() + ACCEPT_PAUSE_MS);
		return;
	}
}

static int
parse_address(const struct config *config, struct sockaddr_storage *out, socklen_t *size)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, config->listen_host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)config->listen_port);
		*size = sizeof *v4;
		return 0;
	}
	if (inet_pton(AF_INET6, config->listen_host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)config->listen_port);
		*size = sizeof *v6;
		return 0;
	}
	return -1;
}

static void
write_address(struct server *s)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at;
	socklen_t size = sizeof at;
	char host[INET6_ADDRSTRLEN] = "?";
	memset(&at, 0, sizeof at);
	getsockname(s->listener.fd, &at.any, &size);
	if (at.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &at.v4.sin_addr, host, sizeof host);
		snprintf(s->address, sizeof s->address, "%s:%d", host, ntohs(at.v4.sin_port));
	} else {
		inet_ntop(AF_INET6, &at.v6.sin6_addr, host, sizeof host);
		snprintf(s->address, sizeof s->address, "[%s]:%d", host, ntohs(at.v6.sin6_port));
	}
}

int
listener_open(struct server *s, struct err *e)
{
	const struct config *config = site_config(s->site);
	struct sockaddr_storage at = { 0 };
	socklen_t size;
	int on = 1;
	s->pause.on_due = on_pause_over;
	s->listener = (struct watch){ .fd = -1, .on_ready = on_listener };
	if (parse_address(config, &at, &size) != 0)
		return err_set(e, 500, "listen", "%s is no address to listen on", config->listen_host);
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	s->listener.fd = fd;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) != 0 || listen(fd, BACKLOG) != 0 ||
	    loop_watch(s->house.loop, &s->listener, EPOLLIN) != 0)
		return err_set(e, 500, "listen", "cannot listen on %s:%d: %s", config->listen_host,
		    config->listen_port, strerror(errno));
	write_address(s);
	return 0;
}
