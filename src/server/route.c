/*
 * Which path means what.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/route.h"

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.' || c == ':';
}

/* Bytes that mean something else to somebody else, in the path or its query: refused before anything is looked up. */
static int
check_bytes(struct str target, struct err *e)
{
	if (target.n == 0 || target.p[0] != '/')
		return err_set(e, 400, "invalid_path", "The request target must be a target.");
	for (size_t i = 0; i < target.n; i++) {
		unsigned char c = (unsigned char)target.p[i];
		bool pair = i + 1 < target.n &&
			    ((c == '.' && target.p[i + 1] == '.') || (c == '/' && target.p[i + 1] == '/'));
		if (c <= 0x20 || c >= 0x7F || c == '\\' || c == ';' || c == '#' || pair)
			return err_set(
			    e, 400, "invalid_path", "The path holds characters that no path here has.");
	}
	return 0;
}

static int
refuse_method(const char *allowed, const char **allow, struct err *e)
{
	*allow = allowed;
	return err_set(e, 405, "method_not_allowed", "This path takes %s.", allowed);
}

static int
not_found(struct err *e)
{
	return err_set(e, 404, "unknown_path",
	    "There is no such path here. The API's paths begin with /v1, for example /v1/chat/completions.");
}

static const struct {
	struct str path;
	enum endpoint endpoint;
} asks[] = {
	{ { "/v1/chat/completions", 20 }, ENDPOINT_CHAT },
	{ { "/v1/completions", 15 }, ENDPOINT_COMPLETIONS },
	{ { "/v1/embeddings", 14 }, ENDPOINT_EMBEDDINGS },
	{ { "/v1/responses", 13 }, ENDPOINT_RESPONSES },
};

static const struct {
	struct str path;
	enum route_kind kind;
} pages[] = {
	{ { "/v1/models", 10 }, ROUTE_MODELS },
	{ { "/healthz", 8 }, ROUTE_HEALTHZ },
	{ { "/readyz", 7 }, ROUTE_READYZ },
	{ { "/metrics", 8 }, ROUTE_METRICS },
	{ { "/", 1 }, ROUTE_HOME },
};

static const struct {
	struct str prefix;
	const char *name;
} forwards[] = {
	{ { "/v1/files", 9 }, "files" },
	{ { "/v1/fine_tuning/jobs", 20 }, "fine_tuning" },
	{ { "/v1/batches", 11 }, "batches" },
};

/* A model's name: one segment, in which %2F stands for the slash some names have. */
static int
take_model(struct str name, struct route *route, struct err *e)
{
	size_t n = 0;
	for (size_t i = 0; i < name.n; i++) {
		if (n == sizeof route->model - 1)
			return not_found(e); /* longer than any model's name: its beginning is another one */
		char c = name.p[i];
		bool slash = c == '%' && i + 2 < name.n && name.p[i + 1] == '2' &&
			     (name.p[i + 2] == 'F' || name.p[i + 2] == 'f');
		if (slash) {
			route->model[n++] = '/';
			i += 2;
		} else if (is_name_char(c) || c == '/') {
			route->model[n++] = c;
		} else {
			return err_set(
			    e, 400, "invalid_path", "The path holds characters that no model name has.");
		}
	}
	route->model[n] = '\0';
	return n > 0 ? 0 : not_found(e);
}

/* /farthing/api/keys, and behind it /NAME, /NAME/revoke and /NAME/thaw. */
static int
take_keys(struct str method, struct str rest, struct route *route, const char **allow, struct err *e)
{
	bool get = str_eq(method, STR("GET")), post = str_eq(method, STR("POST"));
	struct str name, verb = rest;
	route->kind = ROUTE_KEYS;
	route->keys = KEYS_ACT_LIST;
	route->wants_json = post;
	if (rest.n == 0) {
		route->keys = post ? KEYS_ACT_ADD : KEYS_ACT_LIST;
		return get || post ? 0 : refuse_method("GET, POST", allow, e);
	}
	verb.p++, verb.n--;
	str_cut(&verb, '/', &name);
	if (!account_is_label(name))
		return not_found(e);
	str_copy(route->name, sizeof route->name, name);
	route->keys = KEYS_ACT_REVOKE;
	if (verb.p == NULL)
		return str_eq(method, STR("DELETE")) ? 0 : refuse_method("DELETE", allow, e);
	if (str_eq(verb, STR("thaw")))
		route->keys = KEYS_ACT_THAW;
	else if (!str_eq(verb, STR("revoke")))
		return not_found(e);
	return post ? 0 : refuse_method("POST", allow, e);
}

static const char *
known_method(struct str method)
{
	static const char *const known[] = { "GET", "POST", "DELETE" };
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (str_eq(method, str_from(known[i])))
			return known[i];
	return NULL;
}

/* What follows the prefix of a forwarded path: /ID or /ID/WORD, and a query of harmless characters. */
static int
take_forward(struct str method, struct str target, struct str rest, struct str query, const char *name,
    struct route *route, struct err *e, const char **allow)
{
	struct forward *f = &route->forward;
	for (size_t i = 0; i < rest.n; i++)
		if (!is_name_char(rest.p[i]) && rest.p[i] != '/')
			return not_found(e);
	for (size_t i = 0; i < query.n; i++)
		if (!is_name_char(query.p[i]) && query.p[i] != '=' && query.p[i] != '&')
			return err_set(
			    e, 400, "invalid_path", "The query holds characters that are not forwarded.");
	bool ends_open = rest.n > 0 && rest.p[rest.n - 1] == '/';
	if (ends_open)
		return not_found(e);
	f->method = known_method(method);
	if (f->method == NULL)
		return refuse_method("GET, POST, DELETE", allow, e);
	if (target.n - 3 >= sizeof f->path)
		return err_set(e, 414, "uri_too_long", "The path is too long.");
	route->kind = ROUTE_FORWARD;
	f->name = name;
	/* the base URL has its /v1 */
	str_copy(f->path, sizeof f->path, (struct str){ target.p + 3, target.n - 3 });
	bool upload = str_eq(str_from(name), STR("files")) && rest.n == 0;
	route->wants_form = upload && f->method[0] == 'P';
	route->wants_json = !upload && f->method[0] == 'P';
	return 0;
}

int
route_find(struct str method, struct str uri, struct route *route, const char **allow, struct err *e)
{
	*route = (struct route){ .kind = ROUTE_HOME };
	*allow = NULL;
	struct str query = uri, path = { 0 };
	str_cut(&query, '?', &path);
	if (check_bytes(uri, e) != 0)
		return -1;
	struct str models = STR("/v1/models/");
	if (str_starts(path, models) && path.n > models.n) {
		route->kind = ROUTE_MODEL;
		if (!str_eq(method, STR("GET")))
			return refuse_method("GET", allow, e);
		return take_model((struct str){ path.p + models.n, path.n - models.n }, route, e);
	}
	if (memchr(path.p, '%', path.n) != NULL)
		return err_set(e, 400, "invalid_path", "Percent signs have no place in the paths here.");
	struct str keys = STR("/farthing/api/keys");
	if (str_starts(path, keys) && (path.n == keys.n || path.p[keys.n] == '/'))
		return take_keys(method, (struct str){ path.p + keys.n, path.n - keys.n }, route, allow, e);
	for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
		if (!str_eq(path, asks[i].path))
			continue;
		route->kind = ROUTE_ASK;
		route->endpoint = asks[i].endpoint;
		route->wants_json = true;
		return str_eq(method, STR("POST")) ? 0 : refuse_method("POST", allow, e);
	}
	for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
		if (!str_eq(path, pages[i].path))
			continue;
		route->kind = pages[i].kind;
		return str_eq(method, STR("GET")) ? 0 : refuse_method("GET", allow, e);
	}
	for (size_t i = 0; i < sizeof forwards / sizeof forwards[0]; i++) {
		struct str prefix = forwards[i].prefix;
		bool inside = path.n > prefix.n && path.p[prefix.n] == '/';
		if (!str_starts(path, prefix) || (path.n > prefix.n && !inside))
			continue;
		struct str rest = { path.p + prefix.n, path.n - prefix.n };
		return take_forward(method, uri, rest, query, forwards[i].name, route, e, allow);
	}
	return not_found(e);
}
