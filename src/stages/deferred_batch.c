/*
 * What a provider says of its batch jobs.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deferred_batch.h"

/* A member: the root, node 0, stands for "absent". */
static bool
is_object(const struct json *j, uint32_t node)
{
	return node != 0 && json_type(j, node) == JSON_OBJECT;
}

/* A string into a fixed label; false: there is none, or it would not fit. */
static bool
take_text(const struct json *j, uint32_t node, char *to, size_t size)
{
	to[0] = '\0';
	if (node == 0 || json_type(j, node) != JSON_STRING || json_raw(j, node).n - 2 >= size)
		return false;
	json_label(j, node, to, size);
	return true;
}

/* A name that may stand in a path. */
static bool
take_id(const struct json *j, uint32_t node, char to[REMOTE_ID])
{
	if (!take_text(j, node, to, REMOTE_ID))
		return false;
	bool good = to[0] != '\0' && to[0] != '.';
	for (const char *c = to; *c != '\0'; c++)
		good = good && ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				   (*c >= '0' && *c <= '9') || *c == '-' || *c == '_' || *c == '.');
	if (!good)
		to[0] = '\0';
	return good;
}

static void
take_errors(const struct json *j, uint32_t errors, struct batch *b)
{
	uint32_t data = is_object(j, errors) ? json_member(j, errors, "data") : 0;
	uint32_t first = data != 0 && json_type(j, data) == JSON_ARRAY ? json_first(j, data) : 0;
	if (!is_object(j, first))
		return;
	uint32_t text = json_member(j, first, "message");
	take_text(j, json_member(j, first, "code"), b->error_code, sizeof b->error_code);
	if (text != 0 && json_type(j, text) == JSON_STRING)
		json_label(j, text, b->error_text, sizeof b->error_text);
}

static int
take_batch(const struct json *j, uint32_t object, struct batch *b)
{
	static const struct {
		const char *word;
		enum batch_state state;
	} words[] = { { "completed", BATCH_COMPLETED }, { "failed", BATCH_FAILED },
		{ "expired", BATCH_EXPIRED }, { "cancelled", BATCH_CANCELLED } };
	*b = (struct batch){ .completed = -1 };
	uint32_t status = json_member(j, object, "status"); /* 0, too, of what is no object */
	if (status == 0 || json_type(j, status) != JSON_STRING ||
	    !take_id(j, json_member(j, object, "id"), b->id))
		return -1;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (json_is(j, status, words[i].word))
			b->state = words[i].state;
	take_id(j, json_member(j, object, "output_file_id"), b->output);
	take_id(j, json_member(j, object, "error_file_id"), b->errors);
	uint32_t created = json_member(j, object, "created_at"),
		 counts = json_member(j, object, "request_counts"),
		 metadata = json_member(j, object, "metadata");
	if (created == 0 || !json_int(j, created, &b->created_s))
		b->created_s = 0;
	uint32_t completed = is_object(j, counts) ? json_member(j, counts, "completed") : 0;
	if (completed == 0 || !json_int(j, completed, &b->completed) || b->completed < 0)
		b->completed = -1;
	if (is_object(j, metadata))
		take_text(j, json_member(j, metadata, BATCH_NAME), b->name, sizeof b->name);
	take_errors(j, json_member(j, object, "errors"), b);
	return 0;
}

static int
scan_object(struct json *j, struct str text)
{
	struct json_fault fault;
	return json_scan(j, text, JSON_LIMITS, &fault) == 0 && json_type(j, 0) == JSON_OBJECT ? 0 : -1;
}

int
batch_read(struct str body, struct batch *b)
{
	struct json j = { 0 };
	*b = (struct batch){ .completed = -1 };
	int rc = scan_object(&j, body) == 0 ? take_batch(&j, 0, b) : -1;
	json_free(&j);
	return rc;
}

int
batch_file_read(struct str body, char id[REMOTE_ID])
{
	struct json j = { 0 };
	id[0] = '\0';
	int rc = scan_object(&j, body) == 0 && take_id(&j, json_member(&j, 0, "id"), id) ? 0 : -1;
	json_free(&j);
	return rc;
}

int
batch_page_find(struct str body, const char *name, struct batch *b, char last[REMOTE_ID], int64_t *oldest_s)
{
	struct json j = { 0 };
	int rc = -1;
	last[0] = '\0';
	*oldest_s = 0;
	*b = (struct batch){ .completed = -1 };
	uint32_t data = scan_object(&j, body) == 0 ? json_member(&j, 0, "data") : 0;
	if (data == 0 || json_type(&j, data) != JSON_ARRAY)
		goto done;
	rc = 0;
	for (uint32_t at = json_first(&j, data); at != 0 && rc == 0; at = json_next(&j, data, at)) {
		struct batch one;
		if (take_batch(&j, at, &one) != 0)
			continue;
		str_copy(last, REMOTE_ID, str_from(one.id));
		*oldest_s = one.created_s;
		if (one.name[0] == '\0' || strcmp(one.name, name) != 0)
			continue;
		*b = one;
		rc = 1;
	}
	uint32_t more = json_member(&j, 0, "has_more");
	if (more == 0 || json_type(&j, more) != JSON_TRUE)
		last[0] = '\0';
done:
	json_free(&j);
	return rc;
}

int
batch_line_read(struct json *j, struct str line, struct batch_line *out)
{
	*out = (struct batch_line){ 0 };
	if (scan_object(j, line) != 0)
		return -1;
	uint32_t id = json_member(j, 0, "custom_id"), response = json_member(j, 0, "response"),
		 error = json_member(j, 0, "error");
	if (id == 0 || json_type(j, id) != JSON_STRING)
		return -1;
	json_label(j, id, out->id, sizeof out->id);
	if (out->id[0] == '\0')
		return -1;
	out->failed = is_object(j, error);
	if (out->failed)
		take_text(j, json_member(j, error, "code"), out->error_code, sizeof out->error_code);
	if (!is_object(j, response))
		return 0;
	uint32_t status = json_member(j, response, "status_code"), body = json_member(j, response, "body");
	int64_t number;
	if (status == 0 || !json_int(j, status, &number) || number < 100 || number > 599)
		return -1;
	out->status = (int)number;
	if (body != 0)
		out->body = json_raw(j, body);
	return 0;
}
