/*
 * Upstreams.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "config_address.h"
#include "config_model.h"

#define OPENAI_URL "https://api.openai.com/v1"
#define OPENAI_KEY "${OPENAI_API_KEY:-}"

static void
set_text(struct reader *r, const char *key, struct str text, const char *path, struct upstream_conf *u)
{
	const struct config_key *k = config_key_find(&config_upstream, str_from(key));
	read_text(r, k, text, 0, path, (char *)u + k->offset);
}

static void
upstream_init(struct reader *r, struct upstream_conf *u, struct str name, const char *path)
{
	u->name = config_memory_text(r->memory, name);
	u->base_url = u->api_key = "";
	read_defaults(r, &config_upstream, path, u);
}

static void
check_http(struct reader *r, const struct upstream_conf *u, int line, const char *path)
{
	struct url_parts parts;
	char why[200];
	if (u->base_url[0] == '\0' || address_url(str_from(u->base_url), &parts, why, sizeof why) != 0)
		return;
	if (!parts.tls && !parts.loopback && !u->insecure_http)
		problem_add(r->problems, line, path,
		    "is http:// beyond loopback: prompts and the key would travel in the clear; "
		    "use https://, or say insecure: true");
}

/* Nothing in the file: OpenAI itself, or where OPENAI_BASE_URL points, as its own SDKs do. */
static void
built_in(struct reader *r)
{
	struct config *c = r->config;
	struct upstream_conf *u = config_memory_take(r->memory, sizeof *u);
	c->upstreams = u;
	c->upstream_count = 1;
	upstream_init(r, u, STR("openai"), "upstreams.openai");
	const char *url = getenv("OPENAI_BASE_URL");
	bool elsewhere = url != NULL && url[0] != '\0';
	set_text(
	    r, "base_url", elsewhere ? STR("${OPENAI_BASE_URL}") : STR(OPENAI_URL), "OPENAI_BASE_URL", u);
	set_text(r, "api_key", STR(OPENAI_KEY), "OPENAI_API_KEY", u);
	check_http(r, u, 0, "OPENAI_BASE_URL");
}

static void
read_one(struct reader *r, struct upstream_conf *u, const struct node *n)
{
	char path[KEY_PATH_SIZE], inner[KEY_PATH_SIZE];
	read_join(path, "upstreams", n->key.p);
	read_name_ok(r, n->key, NAME_OF_UPSTREAM, n->key_line, path);
	upstream_init(r, u, n->key, path);
	read_section(r, &config_upstream, n, path, u);

	const struct node *url = node_get(n, "base_url");
	int line = url != NULL ? url->line : n->key_line;
	read_join(inner, path, "base_url");
	if (url == NULL && str_eq(n->key, STR("openai"))) {
		set_text(r, "base_url", STR(OPENAI_URL), inner, u);
		/* Only here: the key in the environment is OpenAI's, and goes to no other host by itself. */
		if (node_get(n, "api_key") == NULL)
			set_text(r, "api_key", STR(OPENAI_KEY), "OPENAI_API_KEY", u);
	} else if (url == NULL && (n->kind == NODE_MAP || node_null(n))) {
		problem_add(r->problems, line, inner, "is missing: where is this upstream?");
	}
	check_http(r, u, line, inner);
	if (u->backoff_ms > u->backoff_max_ms) {
		read_join(inner, path, "retry.backoff");
		problem_add(r->problems, n->key_line, inner, "is above retry.backoff_max");
	}
}

void
upstreams_read(struct reader *r, const struct node *root)
{
	struct config *c = r->config;
	const struct node *map = node_get(root, "upstreams");
	if (node_null(map) || !read_is_map(r, map, "upstreams")) {
		built_in(r);
		return;
	}
	if (map->count == 0)
		problem_add(
		    r->problems, map->line, "upstreams", "is empty: leave it out, or name an upstream");
	c->upstreams = config_memory_take(r->memory, map->count * sizeof *c->upstreams);
	for (const struct node *n = map->first; n != NULL; n = n->next)
		read_one(r, &c->upstreams[c->upstream_count++], n);
}

/* OPENAI_BASE_URL is for clients as well: in the shell where it points at the gateway, a gateway without a file would
 * forward to itself until it is full of its own requests. */
void
upstreams_check(struct reader *r, const struct node *root)
{
	const struct config *c = r->config;
	for (size_t i = 0; i < c->upstream_count; i++) {
		char path[KEY_PATH_SIZE], inner[KEY_PATH_SIZE], why[200];
		const struct upstream_conf *u = &c->upstreams[i];
		struct url_parts parts;
		if (u->base_url[0] == '\0' ||
		    address_url(str_from(u->base_url), &parts, why, sizeof why) != 0)
			continue;
		bool same_host = str_eq(parts.host, str_from(c->listen_host)) ||
				 str_eq_nocase(parts.host, STR("localhost"));
		if (!same_host || parts.port != c->listen_port)
			continue;
		const struct node *n = node_get(node_get(root, "upstreams"), u->name);
		const struct node *url = node_get(n, "base_url");
		read_join(path, "upstreams", u->name);
		read_join(inner, path, "base_url");
		problem_add(r->problems, url != NULL ? url->line : 0, url != NULL ? inner : "OPENAI_BASE_URL",
		    "leads back to this gateway's own address, where it would ask itself");
	}
}
