/*
 * The log. Lines are formatted into a thread's own buffer and leave in one write; before a write the sink is
 * asked with poll(2) whether it takes bytes, so a full pipe costs lines and never time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/log.h"

#include <assert.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum { HELD_MAX = 64 * 1024 };

static _Atomic int least_level = LOG_INFO;
static _Atomic bool as_json;
static _Atomic uint64_t dropped;
static _Thread_local bool holding;
static _Thread_local struct buf held;

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void
log_setup(enum log_level least, bool json)
{
	atomic_store(&least_level, (int)least);
	atomic_store(&as_json, json);
}

uint64_t
log_dropped(void)
{
	return atomic_load(&dropped);
}

static uint64_t
count_lines(struct str s)
{
	uint64_t lines = 0;
	for (size_t i = 0; i < s.n; i++)
		lines += s.p[i] == '\n';
	return lines;
}

/* A pipe that poll calls writable has room for PIPE_BUF bytes, so chunks of that size never block. */
static void
emit(struct str s)
{
	enum { CHUNK = 4096 };
	while (s.n > 0) {
		struct pollfd sink = { .fd = STDERR_FILENO, .events = POLLOUT };
		size_t n = s.n;
		if (n > CHUNK) {
			const char *end = memrchr(s.p, '\n', CHUNK);
			n = end != NULL ? (size_t)(end - s.p) + 1 : CHUNK;
		}
		ssize_t wrote =
		    poll(&sink, 1, 0) == 1 && (sink.revents & POLLOUT) ? write(STDERR_FILENO, s.p, n) : -1;
		if (wrote <= 0) {
			atomic_fetch_add(&dropped, count_lines(s));
			return;
		}
		s.p += wrote;
		s.n -= (size_t)wrote;
	}
}

void
log_hold(bool on)
{
	holding = on;
	if (!on)
		log_flush();
}

void
log_flush(void)
{
	if (held.n == 0)
		return;
	emit(buf_str(&held));
	buf_clear(&held);
	if (held.cap > HELD_MAX || !holding)
		buf_free(&held);
}

/* Every request writes a line of some twenty values, so neither numbers nor the second of the day go through printf. */
static void
add_number(struct buf *b, int64_t n)
{
	char text[INT_TEXT_SIZE];
	buf_add(b, str_from(int_format(n, text)));
}

static void
add_time(struct buf *b)
{
	static _Thread_local char text[40]; /* of the second `known` */
	static _Thread_local time_t known;
	int64_t us = clock_wall_us();
	int ms = (int)(us / 1000 % 1000);
	time_t s = (time_t)(us / 1000000);
	if (s != known || text[0] == '\0') {
		struct tm t;
		gmtime_r(&s, &t);
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &t);
		known = s;
	}
	buf_add(b, str_from(text));
	buf_add(b, (struct str){ (char[]){ (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
				     (char)('0' + ms % 10), 'Z' },
		       4 });
}

static void
add_text_value(struct buf *b, struct str v, bool quoted)
{
	if (!quoted) {
		buf_add(b, v);
		return;
	}
	buf_add_c(b, '"');
	buf_add_json(b, v);
	buf_add_c(b, '"');
}

/* One directive of the format's small language; returns true when the value is a number. */
static bool
add_value(struct buf *b, const char **f, va_list *args, bool json)
{
	const char *d = *f;
	if (d[0] == 'd') {
		*f += 1;
		add_number(b, va_arg(*args, int));
		return true;
	}
	if (d[0] == 'l' && d[1] == 'l' && d[2] == 'd') {
		*f += 3;
		add_number(b, va_arg(*args, long long));
		return true;
	}
	assert(d[0] == 's' || d[0] == 'q');
	*f += 1;
	const char *s = va_arg(*args, const char *);
	add_text_value(b, str_from(s != NULL ? s : ""), json || d[0] == 'q');
	return false;
}

static void
add_pairs(struct buf *b, const char *f, va_list *args, bool json)
{
	while (*f != '\0') {
		while (*f == ' ')
			f++;
		const char *eq = strchr(f, '=');
		if (eq == NULL)
			break;
		struct str key = { f, (size_t)(eq - f) };
		if (json) {
			buf_add(b, STR(",\""));
			buf_add(b, key);
			buf_add(b, STR("\":"));
		} else {
			buf_add_c(b, ' ');
			buf_add(b, (struct str){ key.p, key.n + 1 }); /* the '=' too */
		}
		f = eq + 1;
		if (*f == '%') {
			f++;
			add_value(b, &f, args, json);
			continue;
		}
		size_t n = strcspn(f, " ");
		add_text_value(b, (struct str){ f, n }, json);
		f += n;
	}
}

void
log_line(enum log_level level, const char *verb, const char *format, ...)
{
	if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed) || level >= LOG_SILENT)
		return;
	bool json = atomic_load_explicit(&as_json, memory_order_relaxed);
	struct buf *b = &held;
	buf_add(b, json ? STR("{\"time\":\"") : STR(""));
	add_time(b);
	buf_add(b, json ? STR("\",\"level\":\"") : STR(" "));
	buf_add(b, str_from(level_names[level]));
	buf_add(b, json ? STR("\",\"event\":\"") : STR(" "));
	buf_add(b, str_from(verb));
	buf_add(b, json ? STR("\"") : STR(""));
	va_list args;
	va_start(args, format);
	add_pairs(b, format, &args, json);
	va_end(args);
	buf_add(b, json ? STR("}\n") : STR("\n"));
	if (!holding || b->n > HELD_MAX / 2)
		log_flush();
}
