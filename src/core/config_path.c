/*
 * Paths with a price rule. A path is compared byte by byte with what clients send, so it must be one that the door lets in; and
 * it has either a price or the word that it costs nothing: silence is no price.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_path.h"

#include "core/request.h"

#define VERSION "/v1"

/* Behind "/v1/": the books name the path by it. */
enum { MOST_PATHS = 64, MOST_PATH_BYTES = 31 };

static bool
is_path_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.' || c == ':' || c == '/';
}

/* One or more segments, none of them empty, and no way up. */
static bool
is_path(struct str rest)
{
	if (rest.n == 0 || rest.n > MOST_PATH_BYTES)
		return false;
	for (size_t i = 0; i < rest.n; i++) {
		char next = i + 1 < rest.n ? rest.p[i + 1] : '/';
		bool pair = (rest.p[i] == '/' || rest.p[i] == '.') && rest.p[i] == next;
		if (!is_path_char(rest.p[i]) || pair)
			return false;
	}
	return rest.p[0] != '/';
}

/* What the gateway understands has prices of its own. */
static bool
is_own(struct str path)
{
	struct str behind = { path.p + strlen(VERSION), path.n - strlen(VERSION) };
	for (enum endpoint e = ENDPOINT_CHAT; e <= ENDPOINT_RESPONSES; e++)
		if (str_eq(behind, str_from(endpoint_path(e))))
			return true;
	return str_eq(behind, STR("/models")) || str_starts(behind, STR("/models/"));
}

static bool
path_ok(struct reader *r, const struct node *n, const char *where)
{
	struct str rest = n->key;
	bool inside = str_starts(rest, STR(VERSION "/"));
	if (inside)
		rest.p += strlen(VERSION "/"), rest.n -= strlen(VERSION "/");
	if (!inside || !is_path(rest)) {
		problem_add(r->problems, n->key_line, where,
		    "is no path: /v1/ and 1 to %d letters, digits, '-', '_', '.', ':' and '/', such as "
		    "/v1/audio/speech",
		    MOST_PATH_BYTES);
		return false;
	}
	if (is_own(n->key)) {
		problem_add(r->problems, n->key_line, where,
		    "is served by the gateway itself: its prices are those of the models");
		return false;
	}
	return true;
}

static void
read_rule(struct reader *r, const struct node *n)
{
	struct config *c = r->config;
	char where[KEY_PATH_SIZE];
	read_join(where, "paths", n->key.p);
	if (!path_ok(r, n, where))
		return;
	struct path_conf *p = &c->paths[c->path_count++];
	p->path = config_memory_text(r->memory, n->key);
	p->upstream = c->upstream_count > 0 ? &c->upstreams[0] : NULL;
	read_defaults(r, &config_path_keys, where, p);
	read_section(r, &config_path_keys, n, where, p);
	bool priced = node_get(n, "usd") != NULL;
	if (n->kind != NODE_MAP && !node_null(n))
		return; /* told already */
	if (!priced && !p->free)
		problem_add(r->problems, n->key_line, where,
		    "has no price: needs usd, or free: true if it costs nothing");
	if (priced && p->free)
		problem_add(
		    r->problems, n->key_line, where, "has both usd and free: true: it is one or the other");
}

void
paths_read(struct reader *r, const struct node *root)
{
	struct config *c = r->config;
	const struct node *map = node_get(root, "paths");
	if (node_null(map) || !read_is_map(r, map, "paths"))
		return;
	if (map->count > MOST_PATHS) {
		problem_add(r->problems, map->line, "paths", "has more than %d paths", MOST_PATHS);
		return;
	}
	c->paths = config_memory_take(r->memory, (map->count + 1) * sizeof *c->paths);
	for (const struct node *n = map->first; n != NULL; n = n->next)
		read_rule(r, n);
}
