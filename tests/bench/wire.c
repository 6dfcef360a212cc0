/*
 * Replies, as they come.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 16 * 1024, SIZE_LINE_MAX = 32 };

void
wire_start(struct wire *w)
{
	buf_clear(&w->line);
	w->line.max = HEAD_MAX;
	w->state = WIRE_HEAD;
	w->status = 0;
	w->left = 0;
}

void
wire_free(struct wire *w)
{
	buf_free(&w->line);
}

static bool
line_ends(const struct buf *b, const char *end, size_t n)
{
	return b->n >= n && memcmp(b->p + b->n - n, end, n) == 0;
}

/* Status, and how the body is framed. */
static enum wire_state
read_head(struct wire *w)
{
	struct str rest = buf_str(&w->line), line, name;
	int64_t n;
	enum wire_state next = WIRE_BAD;
	if (!str_cut(&rest, '\n', &line) || line.n < 12 || !str_starts(line, STR("HTTP/1.1 ")) ||
	    !str_int((struct str){ line.p + 9, 3 }, &n))
		return WIRE_BAD;
	w->status = (int)n;
	while (str_cut(&rest, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (!str_cut(&line, ':', &name))
			continue;
		struct str value = str_trim(line);
		if (str_eq_nocase(name, STR("content-length"))) {
			if (next != WIRE_BAD || !str_int(value, &n) || n < 0)
				return WIRE_BAD;
			w->left = (size_t)n;
			next = n > 0 ? WIRE_LENGTH : WIRE_WHOLE;
		} else if (str_eq_nocase(name, STR("transfer-encoding"))) {
			if (next != WIRE_BAD || !str_eq_nocase(value, STR("chunked")))
				return WIRE_BAD;
			next = WIRE_SIZE;
		}
	}
	return next;
}

static enum wire_state
read_size(struct wire *w)
{
	char text[SIZE_LINE_MAX], *end;
	str_copy(text, sizeof text, (struct str){ w->line.p, w->line.n - 2 });
	if (text[0] == '\0')
		return WIRE_BAD;
	unsigned long n = strtoul(text, &end, 16);
	if (*end != '\0' || n > 1ul << 30)
		return WIRE_BAD;
	w->left = n;
	return n > 0 ? WIRE_DATA : WIRE_LAST;
}

/* Eats up to the end of a line (or of the head) into w->line; true when it is complete. */
static bool
take_line(struct wire *w, struct str *bytes, const char *end)
{
	size_t n = strlen(end);
	while (bytes->n > 0) {
		if (buf_add_c(&w->line, *bytes->p) != 0) {
			w->state = WIRE_BAD;
			return false;
		}
		bytes->p++;
		bytes->n--;
		if (line_ends(&w->line, end, n))
			return true;
	}
	return false;
}

static void
take_body(struct wire *w, struct str *bytes, struct buf *body, enum wire_state next)
{
	size_t n = bytes->n < w->left ? bytes->n : w->left;
	if (body != NULL && buf_add(body, (struct str){ bytes->p, n }) != 0) {
		w->state = WIRE_BAD;
		return;
	}
	bytes->p += n;
	bytes->n -= n;
	w->left -= n;
	if (w->left == 0)
		w->state = next;
}

void
wire_feed(struct wire *w, struct str bytes, struct buf *body)
{
	while (bytes.n > 0 && w->state != WIRE_BAD) {
		switch (w->state) {
		case WIRE_HEAD:
			if (!take_line(w, &bytes, "\r\n\r\n"))
				continue;
			w->state = read_head(w);
			buf_clear(&w->line);
			break;
		case WIRE_LENGTH:
			take_body(w, &bytes, body, WIRE_WHOLE);
			break;
		case WIRE_SIZE:
			if (!take_line(w, &bytes, "\r\n"))
				continue;
			w->state = w->line.n < SIZE_LINE_MAX ? read_size(w) : WIRE_BAD;
			buf_clear(&w->line);
			break;
		case WIRE_DATA:
			take_body(w, &bytes, body, WIRE_DATA_END);
			break;
		case WIRE_DATA_END:
		case WIRE_LAST: /* no trailers */
			if (!take_line(w, &bytes, "\r\n"))
				continue;
			bool empty = w->line.n == 2;
			w->state = !empty ? WIRE_BAD : w->state == WIRE_LAST ? WIRE_WHOLE : WIRE_SIZE;
			buf_clear(&w->line);
			break;
		default: /* bytes behind a whole reply */
			w->state = WIRE_BAD;
		}
	}
}

int
wire_connect(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

void
wire_post(struct buf *out, int port, struct str json, bool stream)
{
	buf_printf(out,
	    "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer sk-bench\r\n"
	    "Content-Type: application/json\r\nAccept: %s\r\nUser-Agent: farthing-bench\r\nContent-Length: "
	    "%zu\r\n\r\n",
	    port, stream ? "text/event-stream" : "application/json", json.n);
	buf_add(out, json);
}

int64_t
wire_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
wire_many_files(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

int64_t
wire_rank(int64_t *us, size_t n, double share)
{
	if (n == 0)
		return -1;
	qsort(us, n, sizeof *us, compare);
	size_t at = (size_t)((double)n * share);
	return us[at < n ? at : n - 1];
}
