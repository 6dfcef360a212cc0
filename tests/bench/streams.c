/*
 * Thousands of streaming clients at once.
 *
 *      streams check N DIRECT THROUGH [TOKENS]    every byte that comes through port THROUGH is compared with what the
 *                                                 simulator says on port DIRECT to the same question
 *      streams swap N DIRECT THROUGH [TOKENS]     the same against the neighbour's answer: all must be found wrong
 *      streams hold N PORT                        opens N streams that fall silent, says "holding N", and keeps them
 *                                                 until its standard input ends
 *
 * A stream's id and its time of creation differ from one asking to the next; they must be the same in all events of a
 * stream, and are left out of the comparison. So is the cost that the gateway adds to the usage event. Prints one line of JSON.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

enum { BATCH = 256, OPEN_AT_ONCE = 100, PATIENCE_MS = 30000 };

struct stream {
	int fd;
	struct buf request;
	struct wire wire;
	struct buf body;
	int64_t started_us, first_us; /* first_us 0: nothing has come */
	bool sent, ended;
};

struct crowd {
	struct stream *streams;
	size_t count, opened, live, whole, broken;
	size_t talking, together; /* have got their first byte and not yet the last, now and at most */
	int epoll, port;
	int64_t began_us, ended_us;
};

/* ---- one stream ---- */

static void
end(struct crowd *w, struct stream *s)
{
	bool whole = s->wire.state == WIRE_WHOLE && s->wire.status == 200;
	s->ended = true;
	w->live--;
	w->whole += whole;
	w->broken += !whole;
	w->talking -= s->first_us != 0;
	close(s->fd);
	s->fd = -1;
}

static void
on_readable(struct crowd *w, struct stream *s)
{
	static char bytes[64 * 1024];
	ssize_t n = recv(s->fd, bytes, sizeof bytes, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end(w, s);
		return;
	}
	wire_feed(&s->wire, (struct str){ bytes, (size_t)n }, &s->body);
	if (s->first_us == 0 && s->body.n > 0) {
		s->first_us = wire_us();
		if (++w->talking > w->together)
			w->together = w->talking;
	}
	if (s->wire.state == WIRE_WHOLE || s->wire.state == WIRE_BAD)
		end(w, s);
}

static void
on_event(struct crowd *w, struct stream *s, uint32_t events)
{
	if (s->ended)
		return;
	if (!s->sent && (events & EPOLLOUT) != 0) {
		/* A request fits the empty buffer of a new socket. */
		ssize_t n = send(s->fd, s->request.p, s->request.n, MSG_NOSIGNAL);
		if (n != (ssize_t)s->request.n) {
			end(w, s);
			return;
		}
		s->sent = true;
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = s };
		epoll_ctl(w->epoll, EPOLL_CTL_MOD, s->fd, &e);
	}
	if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
		on_readable(w, s);
}

static void
open_some(struct crowd *w)
{
	for (int i = 0; i < OPEN_AT_ONCE && w->opened < w->count; i++) {
		struct stream *s = &w->streams[w->opened++];
		struct epoll_event e = { .events = EPOLLOUT, .data.ptr = s };
		wire_start(&s->wire);
		s->started_us = wire_us();
		s->fd = wire_connect(w->port);
		w->live++;
		if (s->fd < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, s->fd, &e) != 0)
			end(w, s);
	}
}

/* ---- a crowd ---- */

static struct crowd
crowd_new(size_t n, int port, int tokens, const char *faults)
{
	struct crowd w = { .count = n, .port = port, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct buf json = { 0 };
	w.streams = must_alloc(n * sizeof *w.streams);
	for (size_t i = 0; i < n; i++) {
		buf_clear(&json);
		buf_printf(&json,
		    "{\"model\":\"gpt-4o-mini\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
		    "\"messages\":["
		    "{\"role\":\"system\",\"content\":\"You describe articles of a small shop.\"},"
		    "{\"role\":\"user\",\"content\":\"Please describe article %08zu [[tokens:%d%s]]\"}]}",
		    i, tokens, faults);
		wire_post(&w.streams[i].request, port, buf_str(&json), true);
	}
	buf_free(&json);
	return w;
}

static void
crowd_free(struct crowd *w)
{
	for (size_t i = 0; i < w->count; i++) {
		struct stream *s = &w->streams[i];
		if (s->fd > 0)
			close(s->fd);
		wire_free(&s->wire);
		buf_free(&s->request);
		buf_free(&s->body);
	}
	free(w->streams);
	close(w->epoll);
}

/* Until `enough` says so; false when nothing happened for too long. */
static bool
crowd_run(struct crowd *w, bool (*enough)(const struct crowd *))
{
	static struct epoll_event events[BATCH];
	w->began_us = wire_us();
	while (!enough(w)) {
		bool opening = w->opened < w->count;
		if (opening)
			open_some(w);
		int n = epoll_wait(w->epoll, events, BATCH, opening ? 1 : PATIENCE_MS);
		if (n == 0 && !opening)
			break;
		for (int i = 0; i < n; i++)
			on_event(w, events[i].data.ptr, events[i].events);
	}
	w->ended_us = wire_us();
	return enough(w);
}

static bool
all_ended(const struct crowd *w)
{
	return w->opened == w->count && w->live == 0;
}

static bool
all_talk(const struct crowd *w)
{
	return w->talking + w->broken + w->whole == w->count;
}

/* ---- the comparison ---- */

/* Cuts the value behind each `name` out of the text up to one of `ends`; false when two of them differ. */
static bool
cut_out(struct buf *text, const char *name, const char *ends, bool with_name, bool all_alike)
{
	struct buf out = { 0 };
	struct str first = { NULL, 0 }, rest = buf_str(text);
	bool alike = true;
	ptrdiff_t at;
	while ((at = str_find(rest, str_from(name))) >= 0) {
		size_t from = (size_t)at + strlen(name), to = from;
		while (to < rest.n && strchr(ends, rest.p[to]) == NULL)
			to++;
		struct str value = { rest.p + from, to - from };
		if (first.p == NULL)
			first = value;
		alike = alike && (!all_alike || str_eq(first, value));
		buf_add(&out, (struct str){ rest.p, with_name ? (size_t)at : from });
		rest.p += to;
		rest.n -= to;
	}
	buf_add(&out, rest);
	buf_free(text);
	*text = out;
	return alike;
}

static bool
make_comparable(struct buf *body)
{
	bool good = cut_out(body, "{\"id\":\"", "\"", false, true);
	good = cut_out(body, "\"created\":", ",}", false, true) && good;
	cut_out(body, ",\"cost_usd\":", ",}", true, false);
	cut_out(body, ",\"saved_usd\":", ",}", true, false);
	return good && str_ends(buf_str(body), STR("data: [DONE]\n\n"));
}

static void
print_crowd(const char *name, const struct crowd *w)
{
	int64_t *us = must_alloc((w->count + 1) * sizeof *us);
	size_t n = 0, bytes = 0;
	for (size_t i = 0; i < w->count; i++) {
		bytes += w->streams[i].body.n;
		if (w->streams[i].first_us != 0)
			us[n++] = w->streams[i].first_us - w->streams[i].started_us;
	}
	printf("\"%s\":{\"whole\":%zu,\"broken\":%zu,\"together\":%zu,\"bytes\":%zu,\"seconds\":%.2f,"
	       "\"first_byte_p50_us\":%lld,\"first_byte_p99_us\":%lld}",
	    name, w->whole, w->broken, w->together, bytes, (double)(w->ended_us - w->began_us) / 1e6,
	    (long long)wire_rank(us, n, 0.5), (long long)wire_rank(us, n, 0.99));
	free(us);
}

static int
check(size_t n, int direct, int through, int tokens, size_t shift)
{
	struct crowd said = crowd_new(n, direct, tokens, ""), heard = crowd_new(n, through, tokens, "");
	size_t right = 0;
	crowd_run(&said, all_ended);
	crowd_run(&heard, all_ended);
	printf("{\"streams\":%zu,", n);
	print_crowd("direct", &said);
	putchar(',');
	print_crowd("through", &heard);
	for (size_t i = 0; i < n; i++) {
		struct stream *a = &said.streams[i], *b = &heard.streams[(i + shift) % n];
		/* The rearranged texts are compared whole, so a byte too many is as wrong as one too few. */
		bool good = shift > 0 || (a->wire.state == WIRE_WHOLE && b->wire.state == WIRE_WHOLE);
		good = make_comparable(&a->body) && good;
		good = make_comparable(&b->body) && good;
		right += good && str_eq(buf_str(&a->body), buf_str(&b->body));
	}
	printf(",\"right\":%zu,\"wrong\":%zu}\n", right, n - right);
	crowd_free(&said);
	crowd_free(&heard);
	return right == n ? 0 : 1;
}

/* ---- silence ---- */

static int
hold(size_t n, int port)
{
	struct crowd w = crowd_new(n, port, 2, " no-done no-finish linger");
	char c;
	bool good = crowd_run(&w, all_talk) && w.talking == n;
	printf("holding %zu\n", w.talking);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		continue;
	crowd_free(&w);
	return good ? 0 : 1;
}

static int
usage(void)
{
	fprintf(stderr, "usage: streams check|swap N DIRECT THROUGH [TOKENS]\n       streams hold N PORT\n");
	return 2;
}

int
main(int argc, char **argv)
{
	int64_t n, a, b = 0, tokens = 24;
	signal(SIGPIPE, SIG_IGN);
	wire_many_files();
	if (argc < 4 || !str_int(str_from(argv[2]), &n) || n < 1 || n > 60000 ||
	    !str_int(str_from(argv[3]), &a))
		return usage();
	if (strcmp(argv[1], "hold") == 0)
		return hold((size_t)n, (int)a);
	if (argc < 5 || !str_int(str_from(argv[4]), &b) || (argc > 5 && !str_int(str_from(argv[5]), &tokens)))
		return usage();
	if (strcmp(argv[1], "check") == 0)
		return check((size_t)n, (int)a, (int)b, (int)tokens, 0);
	if (strcmp(argv[1], "swap") == 0)
		return check((size_t)n, (int)a, (int)b, (int)tokens, 1);
	return usage();
}
