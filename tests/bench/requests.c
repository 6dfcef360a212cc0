/*
 * Plain requests at a steady mean rate, to see what a proxy adds to the latency while it is not saturated.
 *
 *      requests CONNECTIONS RATE SECONDS PORT RUN
 *
 * The gaps between requests are drawn from the exponential distribution with a fixed seed: every target sees the same
 * arrivals. Time counts from the moment a request was due, so waiting for a free connection is not hidden. RUN makes the
 * questions of this run different from any other's. Prints one line of JSON.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

enum { BATCH = 64, PATIENCE_US = 5000000 };

struct line {
	int fd;
	struct wire wire;
	int64_t due_us; /* 0: free */
	struct line *next_free;
};

struct load {
	int connections, port, epoll;
	double rate, seconds;
	const char *run;
	struct line *lines, *free;
	int64_t *took_us;
	size_t planned, sent, good, bad;
	struct str filling;
};

/* A body of 1.5 KB: a shop's instructions and a question with a number. */
static const char instructions[] = "You are the assistant of a small shop for garden tools and kitchenware. "
				   "Answer in two sentences, in the language of "
				   "the customer. Never promise a date of delivery, never invent a discount, "
				   "and mention the number of the article when "
				   "there is one. Prices are in euros and include the tax. Articles can be "
				   "sent back within thirty days when they are "
				   "unused and in their box; blades, seeds and food cannot. For questions "
				   "about invoices point to the page My Orders; for "
				   "broken articles ask for a photo of the damage and of the label on the "
				   "underside. If a customer is angry, say once that "
				   "you are sorry, and then help. If the question is about something else "
				   "than the shop, its articles, orders or gardens, "
				   "say politely that you cannot help with it. Do not use emphasis, lists or "
				   "headings; the answer is shown in a narrow "
				   "window as plain text. When two articles fit, name the cheaper one first. "
				   "Sizes are in centimetres, weights in "
				   "kilograms. Steel articles rust when they stay wet: recommend to dry and "
				   "to oil them. The shop is closed on Sundays.";

static void
make_request(const struct load *l, struct buf *out, size_t number)
{
	struct buf json = { 0 };
	buf_printf(&json,
	    "{\"model\":\"gpt-4o-mini\",\"temperature\":0.7,\"max_tokens\":300,\"messages\":[{\"role\":"
	    "\"system\",\"content\":\"%s\"},"
	    "{\"role\":\"user\",\"content\":\"Hello! I look for a pruning saw that fits into a coat pocket "
	    "and costs less than "
	    "thirty euros. Is article %08zu-%s still on stock, and can it cut wet wood? I have a receipt for "
	    "the old one.\"}]}",
	    instructions, number, l->run);
	buf_clear(out);
	wire_post(out, l->port, buf_str(&json), false);
	buf_free(&json);
}

static double
draw(void)
{
	static uint64_t seed = UINT64_C(88172645463325252);
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return ((double)(seed >> 11) + 1.0) / 9007199254740993.0;
}

static void
begin(struct load *l, int64_t due_us)
{
	static struct buf request;
	struct line *at = l->free;
	l->free = at->next_free;
	at->due_us = due_us;
	wire_start(&at->wire);
	make_request(l, &request, l->sent++);
	/* The reply to the one before has come, so the buffer of the socket is empty. */
	if (send(at->fd, request.p, request.n, MSG_NOSIGNAL) != (ssize_t)request.n)
		l->bad++;
}

static void
on_readable(struct load *l, struct line *at)
{
	static char bytes[64 * 1024];
	ssize_t n = recv(at->fd, bytes, sizeof bytes, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		fprintf(stderr, "requests: a connection was closed\n");
		exit(1);
	}
	wire_feed(&at->wire, (struct str){ bytes, (size_t)n }, NULL);
	if (at->wire.state != WIRE_WHOLE && at->wire.state != WIRE_BAD)
		return;
	if (at->wire.state == WIRE_WHOLE && at->wire.status == 200)
		l->took_us[l->good++] = wire_us() - at->due_us;
	else
		l->bad++;
	at->due_us = 0;
	at->next_free = l->free;
	l->free = at;
}

static int
connect_all(struct load *l)
{
	for (int i = 0; i < l->connections; i++) {
		struct line *at = &l->lines[i];
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = at };
		at->fd = wire_connect(l->port);
		struct pollfd connected = { .fd = at->fd, .events = POLLOUT };
		if (at->fd < 0 || poll(&connected, 1, 1000) != 1 ||
		    epoll_ctl(l->epoll, EPOLL_CTL_ADD, at->fd, &e) != 0)
			return -1;
		at->next_free = l->free;
		l->free = at;
	}
	return 0;
}

static void
run(struct load *l)
{
	static struct epoll_event events[BATCH];
	int64_t due_us = wire_us() + 1000, progress_us = due_us;
	while (l->good + l->bad < l->planned) {
		int64_t now = wire_us();
		while (l->sent < l->planned && due_us <= now && l->free != NULL) {
			begin(l, due_us);
			due_us += (int64_t)(-log(draw()) * 1e6 / l->rate);
		}
		bool waiting = l->sent < l->planned && l->free != NULL;
		int64_t wait = waiting ? due_us - wire_us() : 100000;
		struct timespec t = { 0, wait > 0 ? (wait < 500000 ? wait : 500000) * 1000 : 0 };
		int n = epoll_pwait2(l->epoll, events, BATCH, &t, NULL);
		for (int i = 0; i < n; i++)
			on_readable(l, events[i].data.ptr);
		progress_us = n > 0 || waiting ? wire_us() : progress_us;
		if (wire_us() - progress_us > PATIENCE_US)
			return;
	}
}

int
main(int argc, char **argv)
{
	int64_t n[4];
	signal(SIGPIPE, SIG_IGN);
	wire_many_files();
	for (int i = 0; i < 4; i++)
		if (argc != 6 || !str_int(str_from(argv[i + 1]), &n[i]) || n[i] < 1) {
			fprintf(stderr, "usage: requests CONNECTIONS RATE SECONDS PORT RUN\n");
			return 2;
		}
	struct load l = { .connections = (int)n[0],
		.rate = (double)n[1],
		.seconds = (double)n[2],
		.port = (int)n[3],
		.run = argv[5],
		.planned = (size_t)(n[1] * n[2]),
		.epoll = epoll_create1(EPOLL_CLOEXEC) };
	l.lines = must_alloc((size_t)n[0] * sizeof *l.lines);
	l.took_us = must_alloc((l.planned + 1) * sizeof *l.took_us);
	if (connect_all(&l) != 0) {
		fprintf(stderr, "requests: nobody listens on port %d\n", l.port);
		return 1;
	}
	run(&l);
	printf("{\"good\":%zu,\"bad\":%zu,\"p50_us\":%lld,\"p99_us\":%lld}\n", l.good, l.planned - l.good,
	    (long long)wire_rank(l.took_us, l.good, 0.5), (long long)wire_rank(l.took_us, l.good, 0.99));
	return l.good == l.planned ? 0 : 1;
}
