/*
 * The guard at the door.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/guard.h"

#include <arpa/inet.h>
#include <stddef.h>

static const struct {
	struct str name;
	size_t field;
} known[] = {
	{ { "host", 4 }, offsetof(struct door_head, host) },
	{ { "content-length", 14 }, offsetof(struct door_head, content_length) },
	{ { "transfer-encoding", 17 }, offsetof(struct door_head, transfer_encoding) },
	{ { "content-type", 12 }, offsetof(struct door_head, content_type) },
	{ { "content-encoding", 16 }, offsetof(struct door_head, content_encoding) },
	{ { "authorization", 13 }, offsetof(struct door_head, authorization) },
	{ { "x-api-key", 9 }, offsetof(struct door_head, api_key) },
	{ { "origin", 6 }, offsetof(struct door_head, origin) },
	{ { "expect", 6 }, offsetof(struct door_head, expect) },
	{ { "cache-control", 13 }, offsetof(struct door_head, cache_control) },
	{ { "x-farthing-task", 15 }, offsetof(struct door_head, task) },
	{ { "x-farthing-route", 16 }, offsetof(struct door_head, route) },
	{ { "x-farthing-batch", 16 }, offsetof(struct door_head, batch) },
	{ { "x-farthing-similarity", 21 }, offsetof(struct door_head, similarity) },
	{ { "x-farthing-run", 14 }, offsetof(struct door_head, run) },
	{ { "x-farthing-run-budget-usd", 25 }, offsetof(struct door_head, run_budget) },
	{ { "x-farthing-deadline", 19 }, offsetof(struct door_head, deadline) },
	{ { "idempotency-key", 15 }, offsetof(struct door_head, idempotency_key) },
};

static bool
is_token(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_';
		if (!good)
			return false;
	}
	return name.n > 0;
}

static bool
has_control_bytes(struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return true;
	}
	return false;
}

/* A folded line: the library glues the continuation to the name and leaves the value empty. "Transfer-Encoding:" and
 * " chunked" on the next line become a header that nobody knows, where others see a chunked body. */
static bool
is_glued(struct str name)
{
	static const struct str framing[] = { { "transfer-encoding", 17 }, { "content-length", 14 },
		{ "content-encoding", 16 }, { "content-type", 12 }, { "authorization", 13 } };
	for (size_t i = 0; i < sizeof framing / sizeof framing[0]; i++)
		if (name.n > framing[i].n && str_eq_nocase((struct str){ name.p, framing[i].n }, framing[i]))
			return true;
	return false;
}

void
guard_take(struct door_head *h, struct str name, struct str value)
{
	if (!is_token(name) || is_glued(name) || has_control_bytes(value)) {
		h->malformed = true;
		return;
	}
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (known[i].name.n != name.n || !str_eq_nocase(known[i].name, name))
			continue;
		struct str *field = (struct str *)(void *)((char *)h + known[i].field);
		if (field == &h->cache_control && field->p != NULL &&
		    h->cache_more_count < CACHE_CONTROLS - 1) {
			h->cache_more[h->cache_more_count++] = value;
			return;
		}
		if (field->p != NULL && (field == &h->authorization || field == &h->api_key))
			h->repeated_key = true;
		else
			h->repeated += field->p != NULL;
		*field = (struct str){ value.p != NULL ? value.p : "", value.n };
		return;
	}
}

int
guard_framing(
    const struct door_head *h, bool http_1_1, int64_t body_limit, struct door_pass *pass, struct err *e)
{
	pass->body_bytes = 0;
	if (h->malformed)
		return err_set(e, 400, "invalid_header", "A header's name or value is malformed.");
	if (h->repeated > 0)
		return err_set(e, 400, "ambiguous_headers", "A header that may come once came twice.");
	if (h->transfer_encoding.p != NULL && h->content_length.p != NULL)
		return err_set(
		    e, 400, "ambiguous_framing", "Content-Length and Transfer-Encoding exclude each other.");
	if (h->transfer_encoding.p != NULL) {
		if (!http_1_1 || !str_eq_nocase(h->transfer_encoding, STR("chunked")))
			return err_set(e, 400, "invalid_framing",
			    "The only transfer encoding understood is chunked, in HTTP/1.1.");
		pass->body_bytes = -1;
	}
	if (h->content_length.p != NULL) {
		/* Digits and nothing else: '+5', '0x5' and '5, 5' mean different lengths to different readers. */
		bool digits = h->content_length.n > 0;
		for (size_t i = 0; i < h->content_length.n; i++)
			digits = digits && h->content_length.p[i] >= '0' && h->content_length.p[i] <= '9';
		if (!digits)
			return err_set(e, 400, "invalid_framing", "Content-Length must be a decimal number.");
		if (!str_int(h->content_length, &pass->body_bytes) || pass->body_bytes > body_limit)
			return err_set(e, 413, "request_too_large",
			    "The body is larger than the limit of %lld bytes.", (long long)body_limit);
	}
	if (h->expect.p != NULL && !str_eq_nocase(h->expect, STR("100-continue")))
		return err_set(
		    e, 417, "expectation_failed", "The only expectation understood is 100-continue.");
	return 0;
}

/* NAME[:PORT] or [IPv6][:PORT]; false when it is no host at all. */
static bool
split_host(struct str host, struct str *name)
{
	if (host.n == 0)
		return false;
	struct str port = { 0 };
	if (host.p[0] == '[') {
		const char *end = memchr(host.p, ']', host.n);
		if (end == NULL)
			return false;
		*name = (struct str){ host.p + 1, (size_t)(end - host.p) - 1 };
		port = (struct str){ end + 1, host.n - name->n - 2 };
		if (port.n > 0 && port.p[0] != ':')
			return false;
		if (port.n > 0)
			port.p++, port.n--;
	} else {
		port = host;
		str_cut(&port, ':', name);
	}
	int64_t number;
	bool port_good = port.n == 0 || (str_int(port, &number) && number > 0 && number < 65536);
	for (size_t i = 0; i < name->n; i++) {
		char c = name->p[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '.' || c == ':' || c == '_';
		if (!good)
			return false;
	}
	return port_good && name->n > 0;
}

/* A web page can make a browser ask for a name that its owner points at us, but never for a bare address. */
static bool
is_own_name(struct str name, const struct config *config)
{
	char text[64];
	unsigned char address[16];
	str_copy(text, sizeof text, name);
	if (name.n < sizeof text &&
	    (inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1))
		return true;
	if (str_eq_nocase(name, STR("localhost")))
		return true;
	for (size_t i = 0; i < config->host_count; i++)
		if (str_eq_nocase(name, str_from(config->hosts[i])))
			return true;
	return false;
}

static bool
origin_is_own(struct str origin, const struct config *config)
{
	struct str name;
	ptrdiff_t at = str_find(origin, STR("://"));
	if (at < 0)
		return false; /* "null": a sandboxed page or a file */
	struct str host = { origin.p + at + 3, origin.n - (size_t)at - 3 };
	return split_host(host, &name) && is_own_name(name, config);
}

int
guard_host(const struct door_head *h, const struct config *config, bool http_1_1, struct err *e)
{
	struct str name;
	if (h->host.p == NULL && http_1_1)
		return err_set(e, 400, "missing_host", "HTTP/1.1 requests must have a Host header.");
	if (h->host.p != NULL && !split_host(h->host, &name))
		return err_set(e, 400, "invalid_host", "The Host header is malformed.");
	if (h->host.p != NULL && !is_own_name(name, config))
		return err_set(e, 421, "misdirected_request",
		    "This gateway does not go by that name. Names other than addresses and localhost are "
		    "listed under `hosts`.");
	if (h->origin.p != NULL && !origin_is_own(h->origin, config))
		return err_set(e, 403, "forbidden_origin", "Pages of other sites may not use this gateway.");
	return 0;
}

static bool
is_media_type(struct str value, struct str type)
{
	struct str rest = value, name;
	if (!str_cut(&rest, ';', &name) || !str_eq_nocase(str_trim(name), type))
		return false;
	/* JSON is UTF-8; a client that says otherwise would be misread. */
	struct str parameter;
	while (str_cut(&rest, ';', &parameter)) {
		parameter = str_trim(parameter);
		bool charset =
		    parameter.n >= 8 && str_eq_nocase((struct str){ parameter.p, 8 }, STR("charset="));
		struct str set =
		    charset ? (struct str){ parameter.p + 8, parameter.n - 8 } : (struct str){ 0 };
		if (charset && !str_eq_nocase(set, STR("utf-8")) && !str_eq_nocase(set, STR("\"utf-8\"")) &&
		    !str_eq_nocase(set, STR("utf8")))
			return false;
	}
	return true;
}

int
guard_body_type(const struct door_head *h, const struct route *route, struct err *e)
{
	if (h->content_encoding.p != NULL && !str_eq_nocase(h->content_encoding, STR("identity")))
		return err_set(
		    e, 415, "unsupported_media_type", "Compressed request bodies are not understood.");
	bool no_body = h->content_length.p == NULL && h->transfer_encoding.p == NULL;
	bool optional = route->kind == ROUTE_FORWARD && (no_body || str_eq(h->content_length, STR("0")));
	bool json = is_media_type(h->content_type, STR("application/json"));
	bool form = is_media_type(h->content_type, STR("multipart/form-data"));
	if (route->wants_json && route->wants_form && !optional && !json && !form)
		return err_set(e, 415, "unsupported_media_type",
		    "The body must be sent as Content-Type: application/json or multipart/form-data.");
	if (route->wants_json && route->wants_form)
		return 0;
	if (route->wants_json && !optional && !json)
		return err_set(e, 415, "unsupported_media_type",
		    "The body must be sent as Content-Type: application/json.");
	if (route->wants_form && !form)
		return err_set(e, 415, "unsupported_media_type",
		    "The body must be sent as Content-Type: multipart/form-data.");
	return 0;
}

int
guard_credentials(const struct door_head *h, struct str *secret, struct err *e)
{
	*secret = (struct str){ 0 };
	if (h->repeated_key || (h->authorization.p != NULL && h->api_key.p != NULL))
		return err_set(e, 400, "ambiguous_credentials",
		    "One key, please: one Authorization header or one X-Api-Key.");
	if (h->api_key.p != NULL && str_trim(h->api_key).n > 0)
		*secret = str_trim(h->api_key);
	if (h->authorization.p == NULL)
		return 0;
	struct str scheme, key = str_trim(h->authorization);
	if (key.n > 4096 || !str_cut(&key, ' ', &scheme) || !str_eq_nocase(scheme, STR("Bearer")) ||
	    str_trim(key).n == 0)
		return err_set(e, 401, "invalid_api_key", "Keys are sent as `Authorization: Bearer KEY`.");
	*secret = str_trim(key);
	return 0;
}
