/*
 * Conversations, and who answered them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "route_private.h"

/* ---- the key ---- */

static bool
is_role(const struct json *j, uint32_t message, const char *name)
{
	uint32_t role = json_type(j, message) == JSON_OBJECT ? json_member(j, message, "role") : 0;
	return role != 0 && json_is(j, role, name);
}

static int
add(const struct json *j, uint32_t node, struct buf *out)
{
	return json_canonical(j, node, NULL, NULL, out) != 0 || buf_add_c(out, '\0') != 0 ? -1 : 0;
}

/* Instructions up to the first word of the user, and that. */
static int
add_beginning(const struct json *j, uint32_t content, struct buf *out)
{
	if (content == 0)
		return -1;
	if (json_type(j, content) != JSON_ARRAY)
		return add(j, content, out);
	for (uint32_t m = json_first(j, content); m != 0; m = json_next(j, content, m)) {
		bool user = is_role(j, m, "user");
		bool counts = user || is_role(j, m, "system") || is_role(j, m, "developer");
		if (counts && add(j, m, out) != 0)
			return -1;
		if (user)
			return 0;
	}
	return -1; /* it begins with nobody's question */
}

static bool
is_stateful(const struct json *j)
{
	static const char *const names[] = { "previous_response_id", "conversation" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		uint32_t node = json_member(j, 0, names[i]);
		if (node != 0 && json_type(j, node) != JSON_NULL)
			return true;
	}
	return false;
}

bool
session_key(const struct exchange *x, struct digest *key)
{
	const struct json *j = &x->request.json;
	bool responses = x->request.endpoint == ENDPOINT_RESPONSES;
	uint32_t instructions = responses ? json_member(j, 0, "instructions") : 0;
	struct buf text = { 0 };
	bool known = !is_stateful(j) && buf_add_z(&text, x->account) == 0 &&
		     (instructions == 0 || add(j, instructions, &text) == 0) &&
		     add_beginning(j, json_member(j, 0, responses ? "input" : "messages"), &text) == 0;
	if (known)
		*key = digest_of(buf_str(&text));
	buf_free(&text);
	return known;
}

/* ---- the table ---- */

struct lru *
sessions_new(void)
{
	return lru_new(SESSIONS_MAX, sizeof(struct session));
}

const struct session *
session_find(const struct lru *sessions, const struct digest *key, int64_t lives_ms)
{
	const struct session *found = lru_get(sessions, digest_str(key));
	return found != NULL && clock_ms() - found->at_ms < lives_ms ? found : NULL;
}

void
session_note(struct lru *sessions, const struct digest *key, const char *model, int64_t tokens)
{
	struct session *s = lru_at(sessions, digest_str(key));
	str_copy(s->model, sizeof s->model, str_from(model));
	s->at_ms = clock_ms();
	s->tokens = tokens;
}
