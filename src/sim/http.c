/*
 * The request reader.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http.h"

static void
note_field(struct sim_request *r, struct str name, struct str value)
{
	if (str_eq_nocase(name, STR("content-length"))) {
		if (!str_int(value, &r->length) || r->length < 0)
			r->length = -2;
	} else if (str_eq_nocase(name, STR("transfer-encoding"))) {
		r->chunked = str_eq_nocase(value, STR("chunked"));
	} else if (str_eq_nocase(name, STR("connection"))) {
		if (str_eq_nocase(value, STR("close")))
			r->keep_alive = false;
		if (str_eq_nocase(value, STR("keep-alive")))
			r->keep_alive = true;
	} else if (str_eq_nocase(name, STR("expect"))) {
		r->expects = str_eq_nocase(value, STR("100-continue"));
	} else if (str_eq_nocase(name, STR("authorization"))) {
		r->authorization = value;
	} else if (str_eq_nocase(name, STR("content-type"))) {
		r->content_type = value;
	} else if (str_eq_nocase(name, STR("x-sim-fault"))) {
		r->fault = value;
	}
}

static struct str
line_cut(struct str *from)
{
	struct str line = { from->p, 0 };
	if (!str_cut(from, '\n', &line))
		return line;
	if (line.n != 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool
read_request_line(struct sim_request *r, struct str line)
{
	struct str target;
	if (!str_cut(&line, ' ', &r->method) || !str_cut(&line, ' ', &target) ||
	    !str_starts(line, STR("HTTP/1.")))
		return false;
	if (r->method.n == 0 || target.n == 0)
		return false;
	r->keep_alive = !str_eq(line, STR("HTTP/1.0"));
	if (!str_cut(&target, '?', &r->path))
		return false;
	r->query = target;
	return true;
}

ptrdiff_t
sim_http_head(struct str in, struct sim_request *r)
{
	ptrdiff_t end = str_find(in, STR("\r\n\r\n"));
	size_t gap = 4;
	if (end < 0) {
		end = str_find(in, STR("\n\n"));
		gap = 2;
	}
	if (end < 0)
		return 0;
	*r = (struct sim_request){ .length = -1, .head = { in.p, (size_t)end } };
	struct str rest = r->head;
	if (!read_request_line(r, line_cut(&rest)))
		return -1;
	while (rest.n != 0) {
		struct str line = line_cut(&rest), name;
		if (line.n == 0)
			continue;
		if (!str_cut(&line, ':', &name) || line.p == NULL || name.n == 0)
			return -1;
		note_field(r, name, str_trim(line));
	}
	return r->length == -2 ? -1 : end + (ptrdiff_t)gap;
}

static bool
read_size(struct str line, uint64_t *size)
{
	size_t digits = 0;
	uint64_t n = 0;
	for (; digits < line.n; digits++) {
		char c = line.p[digits];
		unsigned v;
		if (c >= '0' && c <= '9')
			v = (unsigned)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = (unsigned)((c | 32) - 'a' + 10);
		else
			break;
		if (n >> 56 != 0)
			return false;
		n = n << 4 | v;
	}
	*size = n;
	return digits != 0;
}

/* A line of framing: eaten only when it is whole. */
static bool
chunk_line(struct str *rest, struct str *line)
{
	const char *end = rest->n != 0 ? memchr(rest->p, '\n', rest->n) : NULL;
	if (end == NULL)
		return false;
	*line = line_cut(rest);
	return true;
}

ptrdiff_t
sim_chunks_eat(struct sim_chunks *c, struct str in, struct buf *out)
{
	struct str rest = in, line;
	while (c->phase != SIM_CHUNK_WHOLE) {
		if (c->phase == SIM_CHUNK_DATA) {
			size_t n = c->left < rest.n ? (size_t)c->left : rest.n;
			if (n == 0)
				break;
			if (buf_add(out, (struct str){ rest.p, n }) != 0)
				return -1;
			rest.p += n;
			rest.n -= n;
			c->left -= n;
			if (c->left == 0)
				c->phase = SIM_CHUNK_END;
			continue;
		}
		if (!chunk_line(&rest, &line))
			break;
		if (c->phase == SIM_CHUNK_SIZE) {
			if (!read_size(line, &c->left))
				return -1;
			c->phase = c->left != 0 ? SIM_CHUNK_DATA : SIM_CHUNK_TRAILER;
		} else if (c->phase == SIM_CHUNK_END) {
			if (line.n != 0)
				return -1;
			c->phase = SIM_CHUNK_SIZE;
		} else if (line.n == 0) {
			c->phase = SIM_CHUNK_WHOLE;
		}
	}
	return (ptrdiff_t)(in.n - rest.n);
}

const char *
sim_http_reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 204:
		return "No Content";
	case 301:
		return "Moved Permanently";
	case 302:
		return "Found";
	case 307:
		return "Temporary Redirect";
	case 308:
		return "Permanent Redirect";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	case 422:
		return "Unprocessable Content";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	case 529:
		return "Overloaded";
	default:
		return "Status";
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

void
sim_unescape(struct str s, char *to, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n && n + 1 < size; i++) {
		if (s.p[i] == '%' && i + 2 < s.n && hex_value(s.p[i + 1]) >= 0 &&
		    hex_value(s.p[i + 2]) >= 0) {
			to[n++] = (char)(hex_value(s.p[i + 1]) * 16 + hex_value(s.p[i + 2]));
			i += 2;
		} else {
			to[n++] = s.p[i] == '+' ? ' ' : s.p[i];
		}
	}
	to[n] = '\0';
}

bool
sim_query(struct str query, const char *name, char *value, size_t size)
{
	struct str pair, key;
	while (str_cut(&query, '&', &pair)) {
		if (str_cut(&pair, '=', &key) && str_eq(key, str_from(name))) {
			sim_unescape(pair, value, size);
			return true;
		}
	}
	value[0] = '\0';
	return false;
}
