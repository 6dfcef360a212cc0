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

/* What is forwarded without a rule in the configuration. */
struct family {
	struct str prefix;
	const char *name;
	bool costs; /* what is made by a POST may cost money */
};

static const struct family families[] = {
	{ { "/v1/files", 9 }, "files", false },
	{ { "/v1/fine_tuning/jobs", 20 }, "fine_tuning", true },
	{ { "/v1/batches", 11 }, "batches", true },
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

/* /farthing/api/keys, and behind it /NAME, /NAME/revoke and /NAME/thaw. A change is a POST: no other method with a body is
 * taken anywhere here. */
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
	if (verb.p == NULL) {
		route->keys = post ? KEYS_ACT_SET : KEYS_ACT_REVOKE;
		return post || str_eq(method, STR("DELETE")) ? 0 : refuse_method("POST, DELETE", allow, e);
	}
	route->keys = KEYS_ACT_REVOKE;
	if (str_eq(verb, STR("thaw")))
		route->keys = KEYS_ACT_THAW;
	else if (!str_eq(verb, STR("revoke")))
		return not_found(e);
	return post ? 0 : refuse_method("POST", allow, e);
}

/* /farthing/api/cache */
static int
take_cache(struct str method, struct str query, struct route *route, const char **allow, struct err *e)
{
	bool purges = str_eq(method, STR("DELETE"));
	route->kind = ROUTE_CACHE;
	route->wants = purges ? CACHE_ACT_PURGE : CACHE_ACT_LOOK;
	if (!purges && !str_eq(method, STR("GET")))
		return refuse_method("GET, DELETE", allow, e);
	if (query.n >= sizeof route->query)
		return err_set(e, 414, "uri_too_long", "The query is too long.");
	str_copy(route->query, sizeof route->query, query);
	return 0;
}

/* /farthing/api/summary */
static int
take_summary(struct str method, struct str query, struct route *route, const char **allow, struct err *e)
{
	route->kind = ROUTE_SUMMARY;
	if (!str_eq(method, STR("GET")))
		return refuse_method("GET", allow, e);
	if (query.n >= sizeof route->query)
		return err_set(e, 414, "uri_too_long", "The query is too long.");
	str_copy(route->query, sizeof route->query, query);
	return 0;
}

static bool
is_below(struct str path, struct str prefix)
{
	return str_starts(path, prefix) && (path.n == prefix.n || path.p[prefix.n] == '/');
}

/* /v1/deferred, and behind it /ID */
static int
take_deferred(struct str method, struct str rest, struct str query, struct route *route, const char **allow,
    struct err *e)
{
	bool get = str_eq(method, STR("GET"));
	route->kind = ROUTE_DEFERRED;
	if (query.n >= sizeof route->query)
		return err_set(e, 414, "uri_too_long", "The query is too long.");
	str_copy(route->query, sizeof route->query, query);
	if (rest.n == 0)
		return get ? 0 : refuse_method("GET", allow, e);
	rest.p++, rest.n--;
	if (!account_is_label(rest))
		return not_found(e);
	str_copy(route->name, sizeof route->name, rest);
	route->deferred = get ? DEFERRED_ACT_LOOK : DEFERRED_ACT_CANCEL;
	return get || str_eq(method, STR("DELETE")) ? 0 : refuse_method("GET, DELETE", allow, e);
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

/* Segments of harmless characters, the last one not empty. */
static bool
is_plain(struct str path)
{
	for (size_t i = 0; i < path.n; i++)
		if (!is_name_char(path.p[i]) && path.p[i] != '/')
			return false;
	return path.n == 0 || path.p[path.n - 1] != '/';
}

/* /ID/cancel and /ID/pause make nothing new. Whatever else is posted below a path that costs money may: to resume a job, to
 * run a thread. */
static bool
only_stops(struct str rest)
{
	struct str cancel = STR("/cancel"), pause = STR("/pause");
	return (rest.n > cancel.n && str_ends(rest, cancel)) || (rest.n > pause.n && str_ends(rest, pause));
}

/* What follows the prefix of a forwarded path, /ID or /ID/WORD or more, and a query of harmless characters. */
static int
take_forward(struct str method, struct str target, struct str rest, struct str query, struct route *route,
    struct err *e, const char **allow)
{
	struct forward *f = &route->forward;
	if (!is_plain(rest))
		return not_found(e);
	for (size_t i = 0; i < query.n; i++)
		if (!is_name_char(query.p[i]) && query.p[i] != '=' && query.p[i] != '&')
			return err_set(
			    e, 400, "invalid_path", "The query holds characters that are not forwarded.");
	f->method = known_method(method);
	if (f->method == NULL)
		return refuse_method("GET, POST, DELETE", allow, e);
	if (target.n - 3 >= sizeof f->path)
		return err_set(e, 414, "uri_too_long", "The path is too long.");
	route->kind = ROUTE_FORWARD;
	/* the base URL has its /v1 */
	str_copy(f->path, sizeof f->path, (struct str){ target.p + 3, target.n - 3 });
	bool posts = f->method[0] == 'P';
	f->costs = f->costs && posts && !only_stops(rest);
	route->wants_form = route->wants_form && posts;
	route->wants_json = route->wants_json && posts;
	return 0;
}

/* A path that neither the gateway nor the configuration knows could cost anything. */
static int
refuse_unpriced(struct err *e)
{
	return err_set(e, 404, "path_not_priced",
	    "The gateway does not serve this path, and no price rule admits it. Is /v1 in the base URL, "
	    "once? "
	    "To have the path forwarded, say under `paths` in the configuration what it costs: "
	    "paths: { /v1/audio/speech: { usd: 0.03 } }, or { free: true }.");
}

/* What is forwarded: by a rule, or because it belongs to a family; the longer of the two says what it is. */
static int
find_forward(const struct config *config, struct str method, struct str target, struct str path,
    struct str query, struct route *route, const char **allow, struct err *e)
{
	struct forward *f = &route->forward;
	const struct path_conf *rule = config_path(config, path);
	struct str prefix = { 0 }, v1 = STR("/v1/");
	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		const struct family *family = &families[i];
		if (!is_below(path, family->prefix))
			continue;
		prefix = family->prefix;
		f->name = family->name;
		f->costs = family->costs;
		route->wants_form = path.n == prefix.n && !family->costs; /* an upload */
		route->wants_json = !route->wants_form;
	}
	if (rule != NULL && strlen(rule->path) >= prefix.n) {
		bool known = strlen(rule->path) == prefix.n;
		f->rule = rule;
		f->costs = !rule->free;
		if (!known) {
			f->name = rule->path + v1.n;
			route->wants_form = route->wants_json = true;
		}
		prefix = str_from(rule->path);
	}
	if (prefix.n > 0)
		return take_forward(method, target, (struct str){ path.p + prefix.n, path.n - prefix.n },
		    query, route, e, allow);
	bool could_be = str_starts(path, v1) && path.n > v1.n && is_plain(path);
	return could_be ? refuse_unpriced(e) : not_found(e);
}

int
route_find(const struct config *config, struct str method, struct str uri, struct route *route,
    const char **allow, struct err *e)
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
	if (str_eq(path, STR("/farthing/api/cache")))
		return take_cache(method, query, route, allow, e);
	if (str_eq(path, STR("/farthing/api/summary")))
		return take_summary(method, query, route, allow, e);
	if (str_eq(path, STR("/farthing/api/feedback"))) {
		route->kind = ROUTE_FEEDBACK;
		route->wants_json = true;
		return str_eq(method, STR("POST")) ? 0 : refuse_method("POST", allow, e);
	}
	struct str deferred = STR("/v1/deferred");
	if (is_below(path, deferred))
		return take_deferred(
		    method, (struct str){ path.p + deferred.n, path.n - deferred.n }, query, route, allow, e);
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
	return find_forward(config, method, uri, path, query, route, allow, e);
}
