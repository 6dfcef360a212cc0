/*
 * The trace: a ring of 256 requests, bodies kept up to one mebibyte each.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "trace.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { KEPT = 256, MOST_BODY = 1024 * 1024, KEEP_MEMORY = 64 * 1024 };

struct sim_trace {
	struct entry {
		struct buf head, body;
		size_t body_size;
		int64_t at_us;
		int status;
		char id[40];
	} entries[KEPT];
	uint64_t n;
};

struct sim_trace *
sim_trace_new(void)
{
	return must_alloc(sizeof(struct sim_trace));
}

void
sim_trace_clear(struct sim_trace *t)
{
	for (size_t i = 0; i < KEPT; i++) {
		buf_free(&t->entries[i].head);
		buf_free(&t->entries[i].body);
	}
	t->n = 0;
}

void
sim_trace_free(struct sim_trace **t)
{
	if (*t == NULL)
		return;
	sim_trace_clear(*t);
	free(*t);
	*t = NULL;
}

void
sim_trace_add(struct sim_trace *t, const struct sim_request *r, int status, const char *id)
{
	struct entry *e = &t->entries[t->n++ % KEPT];
	if (e->body.cap > KEEP_MEMORY)
		buf_free(&e->body);
	buf_clear(&e->head);
	buf_clear(&e->body);
	buf_add(&e->head, r->head);
	buf_add(&e->body, (struct str){ r->body.p, r->body.n < MOST_BODY ? r->body.n : MOST_BODY });
	e->body_size = r->body.n;
	e->at_us = clock_wall_us();
	e->status = status;
	str_copy(e->id, sizeof e->id, str_from(id));
}

void
sim_base64(struct str bytes, struct buf *out)
{
	size_t room = (bytes.n + 2) / 3 * 4 + 1;
	if (bytes.n == 0 || buf_reserve(out, room) != 0)
		return;
	int n =
	    EVP_EncodeBlock((unsigned char *)out->p + out->n, (const unsigned char *)bytes.p, (int)bytes.n);
	out->n += (size_t)n;
}

static bool
is_utf8(struct str s)
{
	for (size_t at = 0, step; at < s.n; at += step)
		if ((step = utf8_step(s, at)) == 0)
			return false;
	return true;
}

static void
entry_json(const struct entry *e, uint64_t number, struct buf *out)
{
	struct str line = buf_str(&e->head), method = STR(""), path = STR("");
	str_cut(&line, ' ', &method);
	str_cut(&line, ' ', &path);
	buf_printf(out,
	    "{\"n\":%" PRIu64 ",\"time_us\":%" PRId64 ",\"request_id\":\"%s\",\"status\":%d,\"method\":\"",
	    number, e->at_us, e->id, e->status);
	buf_add_json(out, method);
	buf_add(out, STR("\",\"path\":\""));
	buf_add_json(out, path);
	buf_add(out, STR("\",\"head\":\""));
	buf_add_json(out, buf_str(&e->head));
	buf_printf(out, "\",\"body_bytes\":%zu,\"body\":", e->body_size);
	if (is_utf8(buf_str(&e->body))) {
		buf_add_c(out, '"');
		buf_add_json(out, buf_str(&e->body));
		buf_add_c(out, '"');
	} else {
		buf_add(out, STR("null"));
	}
	buf_add(out, STR(",\"body_base64\":\""));
	sim_base64(buf_str(&e->body), out);
	buf_add(out, STR("\"}"));
}

void
sim_trace_json(const struct sim_trace *t, int64_t last, struct buf *out)
{
	buf_add(out, STR("{\"object\":\"list\",\"data\":["));
	uint64_t kept = t->n < KEPT ? t->n : KEPT;
	for (uint64_t i = 0; i < kept && (int64_t)i < last; i++) {
		if (i != 0)
			buf_add_c(out, ',');
		entry_json(&t->entries[(t->n - 1 - i) % KEPT], t->n - i, out);
	}
	buf_add(out, STR("]}"));
}
