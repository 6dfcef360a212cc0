/*
 * Files, newest last; names and ids stay true to what was uploaded, content is bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "files.h"

#include "multipart.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MOST_FILES = 10000 };

struct sim_shelf {
	struct sim_file *files[MOST_FILES];
	size_t n;
};

void
sim_files_open(struct sim *s)
{
	s->shelf = must_alloc(sizeof *s->shelf);
}

static void
file_free(struct sim_file *f)
{
	buf_free(&f->content);
	free(f);
}

void
sim_files_close(struct sim *s)
{
	for (size_t i = 0; s->shelf != NULL && i < s->shelf->n; i++)
		file_free(s->shelf->files[i]);
	free(s->shelf);
	s->shelf = NULL;
}

struct sim_file *
sim_file_find(struct sim *s, struct str id)
{
	for (size_t i = 0; i < s->shelf->n; i++)
		if (str_eq(id, str_from(s->shelf->files[i]->id)))
			return s->shelf->files[i];
	return NULL;
}

static void
file_drop(struct sim *s, struct sim_file *f)
{
	struct sim_shelf *shelf = s->shelf;
	size_t i = 0;
	while (shelf->files[i] != f)
		i++;
	memmove(&shelf->files[i], &shelf->files[i + 1], (shelf->n - i - 1) * sizeof f);
	shelf->n--;
	file_free(f);
}

struct sim_file *
sim_file_add(struct sim *s, const char *name, const char *purpose, struct buf *content)
{
	struct sim_file *f = must_alloc(sizeof *f);
	if (s->shelf->n == MOST_FILES)
		file_drop(s, s->shelf->files[0]);
	sim_id(s, "file-", f->id, sizeof f->id);
	str_copy(f->name, sizeof f->name, str_from(name));
	str_copy(f->purpose, sizeof f->purpose, str_from(purpose));
	f->created = sim_now();
	f->content = *content;
	*content = (struct buf){ 0 };
	s->shelf->files[s->shelf->n++] = f;
	return f;
}

static void
file_json(const struct sim_file *f, struct buf *out)
{
	buf_printf(out,
	    "{\"id\":\"%s\",\"object\":\"file\",\"bytes\":%zu,\"created_at\":%" PRId64
	    ",\"expires_at\":null,\"filename\":\"",
	    f->id, f->content.n, f->created);
	buf_add_json(out, str_from(f->name));
	buf_add(out, STR("\",\"purpose\":\""));
	buf_add_json(out, str_from(f->purpose));
	buf_add(out, STR("\",\"status\":\"processed\",\"status_details\":null}"));
}

static int
upload(struct sim *s, const struct sim_request *r, struct sim_reply *reply, struct err *e)
{
	char boundary[80], purpose[32] = "", name[128] = "upload";
	struct sim_part part;
	struct str rest = r->body, file = { NULL, 0 };
	if (!sim_multipart_boundary(r->content_type, boundary))
		return err_set(
		    e, 415, "", "Unsupported content type: a file comes as 'multipart/form-data'.");
	while (sim_multipart_next(&rest, boundary, &part)) {
		if (strcmp(part.name, "purpose") == 0)
			str_copy(purpose, sizeof purpose, part.content);
		if (strcmp(part.name, "file") == 0) {
			file = part.content;
			if (part.filename[0] != '\0')
				memcpy(name, part.filename, sizeof name);
		}
	}
	if (file.p == NULL)
		return err_param(
		    e, "file", "missing_required_parameter", "Missing required parameter: 'file'.");
	if (purpose[0] == '\0')
		return err_param(
		    e, "purpose", "missing_required_parameter", "Missing required parameter: 'purpose'.");
	struct buf content = { 0 };
	buf_add(&content, file);
	file_json(sim_file_add(s, name, purpose, &content), &reply->body);
	return 0;
}

/* A page of the cursor: newest first unless order=asc. */
static void
list(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	char purpose[32], after[48], order[8], most[16];
	int64_t limit = 10000, n = 0;
	const struct sim_file *first = NULL, *last = NULL;
	bool more = false;
	bool by_purpose = sim_query(r->query, "purpose", purpose, sizeof purpose);
	bool waiting = sim_query(r->query, "after", after, sizeof after);
	sim_query(r->query, "order", order, sizeof order);
	if (sim_query(r->query, "limit", most, sizeof most))
		str_int(str_from(most), &limit);
	buf_add(&reply->body, STR("{\"object\":\"list\",\"data\":["));
	for (size_t i = 0; i < s->shelf->n; i++) {
		const struct sim_file *f =
		    s->shelf->files[strcmp(order, "asc") == 0 ? i : s->shelf->n - 1 - i];
		bool is_cursor = waiting && strcmp(f->id, after) == 0;
		bool skipped = waiting || (by_purpose && strcmp(f->purpose, purpose) != 0);
		waiting = waiting && !is_cursor;
		if (skipped)
			continue;
		if (n == limit) {
			more = true;
			break;
		}
		if (n++ != 0)
			buf_add_c(&reply->body, ',');
		first = first != NULL ? first : f;
		last = f;
		file_json(f, &reply->body);
	}
	buf_printf(&reply->body, "],\"has_more\":%s", more ? "true" : "false");
	if (first != NULL)
		buf_printf(&reply->body, ",\"first_id\":\"%s\",\"last_id\":\"%s\"}", first->id, last->id);
	else
		buf_add(&reply->body, STR(",\"first_id\":null,\"last_id\":null}"));
}

static int
look(struct sim *s, const struct sim_request *r, struct sim_reply *reply, struct str rest, struct err *e)
{
	struct str id = rest;
	str_cut(&rest, '/', &id);
	struct sim_file *f = sim_file_find(s, id);
	if (f == NULL)
		return err_set(e, 404, "", "No such File object: %.*s", (int)(id.n < 64 ? id.n : 64), id.p);
	if (rest.p != NULL && str_eq(rest, STR("content"))) {
		reply->type = "application/octet-stream";
		buf_add(&reply->body, buf_str(&f->content));
	} else if (str_eq(r->method, STR("DELETE"))) {
		buf_printf(&reply->body, "{\"id\":\"%s\",\"object\":\"file\",\"deleted\":true}", f->id);
		file_drop(s, f);
	} else {
		file_json(f, &reply->body);
	}
	return 0;
}

void
sim_files_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	struct str base = STR("/v1/files/");
	struct err e;
	int rc = 0;
	if (str_starts(r->path, base) && r->path.n > base.n)
		rc = look(s, r, reply, (struct str){ r->path.p + base.n, r->path.n - base.n }, &e);
	else if (str_eq(r->method, STR("POST")))
		rc = upload(s, r, reply, &e);
	else
		list(s, r, reply);
	if (rc != 0)
		sim_reply_error(reply, &e);
}
