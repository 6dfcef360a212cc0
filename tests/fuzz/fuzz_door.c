/*
 * The door against foreign bytes: a request line and header lines go through route_find and every guard. What passes must
 * hold what the headers of route.h and guard.h promise.
 *
 * Input: METHOD LF TARGET LF (NAME:VALUE LF)*, raw bytes between the line feeds.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "server/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_LIMIT = 1 << 20 };

static void
check_error(int rc, const struct err *e)
{
	assert(rc == 0 || rc == -1);
	if (rc == 0)
		return;
	assert(e->status >= 400 && e->status < 500);
	assert(e->code[0] != '\0' && e->text[0] != '\0' && e->type[0] != '\0');
	struct buf out = { 0 };
	assert(err_json(e, &out) == 0);
	buf_free(&out);
}

static bool
is_plain(const char *path)
{
	for (const char *c = path; *c != '\0'; c++)
		if (*c <= 0x20 || *c == 0x7F || *c == '%' || *c == '\\' || *c == ';' || *c == '#')
			return false;
	return strstr(path, "..") == NULL && strstr(path, "//") == NULL;
}

static struct path_conf rules[] = {
	{ .path = "/v1/audio/speech", .usd_pico = 1 },
	{ .path = "/v1/audio", .free = true },
	{ .path = "/v1/batches", .usd_pico = 1 },
};
static const struct config admitting = { .paths = rules, .path_count = sizeof rules / sizeof *rules };

static void
check_route(struct str method, struct str uri, struct route *route)
{
	struct err e = { 0 };
	const char *allow = NULL;
	int rc = route_find(&admitting, method, uri, route, &allow, &e);
	check_error(rc, &e);
	assert((e.status == 405) == (allow != NULL));
	assert(strlen(route->model) < sizeof route->model);
	if (rc != 0)
		return;
	assert(!(route->wants_json && route->wants_form) || route->forward.rule != NULL);
	if (route->kind == ROUTE_KEYS)
		assert((route->name[0] != '\0') == (route->keys >= KEYS_ACT_REVOKE) &&
		       (route->name[0] == '\0' || account_is_label(str_from(route->name))));
	if (route->kind == ROUTE_MODEL)
		assert(route->model[0] != '\0');
	if (route->kind != ROUTE_FORWARD)
		return;
	/* It is sent to the provider as it stands: nothing in it may mean something else there. */
	assert(route->forward.path[0] == '/' && is_plain(route->forward.path));
	assert(strlen(route->forward.path) == uri.n - 3);
	assert(str_eq(method, str_from(route->forward.method)));
	assert(str_starts(str_from(route->forward.path + 1), str_from(route->forward.name)));
	assert(!route->forward.costs || str_eq(method, STR("POST")));
}

static void
check_credentials(const struct door_head *h)
{
	struct str secret = STR("left over");
	struct err e = { 0 };
	int rc = guard_credentials(h, &secret, &e);
	check_error(rc, &e);
	if (rc != 0)
		return;
	/* Bytes of the one header that was sent, or none: never empty, which would be a key like any other. */
	const struct str *from = h->authorization.p != NULL ? &h->authorization : &h->api_key;
	assert(secret.p == NULL ||
	       (secret.n > 0 && secret.p >= from->p && secret.p + secret.n <= from->p + from->n));
}

static void
check_guards(const struct door_head *h, const struct route *route)
{
	static const char *names[] = { "gateway.example" };
	static const struct config config = { .hosts = names, .host_count = 1 };
	struct door_pass pass = { 0 };
	struct exchange x = { 0 };
	struct err e = { 0 };
	for (int http_1_1 = 0; http_1_1 < 2; http_1_1++) {
		int rc = guard_framing(h, http_1_1 == 1, BODY_LIMIT, &pass, &e);
		check_error(rc, &e);
		if (rc == 0) {
			bool chunked = h->transfer_encoding.p != NULL;
			assert(!h->malformed && h->repeated == 0);
			assert(!(chunked && h->content_length.p != NULL));
			assert(chunked ? pass.body_bytes == -1
				       : pass.body_bytes >= 0 && pass.body_bytes <= BODY_LIMIT);
		}
		rc = guard_host(h, &config, http_1_1 == 1, &e);
		check_error(rc, &e);
		if (rc == 0)
			assert(h->host.p != NULL || http_1_1 == 0);
	}
	check_error(guard_body_type(h, route, &e), &e);
	check_credentials(h);
	int rc = guard_directives(h, &x, &e);
	check_error(rc, &e);
	if (rc == 0)
		assert(str_eq(h->run, str_from(x.run)) &&
		       (x.run_budget_pico >= 0) == (h->run_budget.p != NULL) &&
		       (x.run[0] != '\0' || h->run_budget.p == NULL));
	if (rc == 0)
		assert(str_eq(h->task, str_from(x.task)) && str_eq(h->route, str_from(x.directives)));
}

/* A block of exactly that size, so that the address sanitizer sees a read one byte past it. */
static struct str
own(struct str s)
{
	char *p = malloc(s.n > 0 ? s.n : 1);
	assert(p != NULL);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { HEADERS = 32 };
	struct str rest = { (const char *)data, size }, method, uri, line, name;
	if (size == 0 || !str_cut(&rest, '\n', &method) || !str_cut(&rest, '\n', &uri))
		return 0;
	struct str values[HEADERS];
	struct door_head h = { 0 };
	struct route route;
	size_t count = 0;
	struct str target = own(uri);
	check_route(method, target, &route);
	for (; count < HEADERS && str_cut(&rest, '\n', &line); count++) {
		struct str value = line;
		str_cut(&value, ':', &name);
		values[count] = own(value);
		guard_take(&h, name, values[count]);
	}
	check_guards(&h, &route);
	while (count > 0)
		free((void *)(uintptr_t)values[--count].p);
	free((void *)(uintptr_t)target.p);
	return 0;
}
