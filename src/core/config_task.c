/*
 * Tasks come from three places: their own map, the list of batched ones and the map of fixed tiers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_task.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static size_t
children(const struct node *n)
{
	return n != NULL ? n->count : 0;
}

/* The task of this name, made from the global settings when it is new. The array has room for all names there are. */
static struct task_conf *
task_named(struct reader *r, struct str name)
{
	struct config *c = r->config;
	struct task_conf *t = table_get(&r->memory->tasks, name);
	if (t != NULL)
		return t;
	t = &c->tasks[c->task_count++];
	*t = (struct task_conf){
		.name = config_memory_text(r->memory, name),
		.tier = TIER_PINNED,
		.routing = c->routing,
		.cache = c->cache,
		.dedup = c->dedup,
		.batch = c->batch,
		.budget = c->budget,
		.quality = c->quality,
	};
	/* The global account holds for all of them already; a second one is only there when it is asked for. */
	t->budget.daily_pico = t->budget.weekly_pico = t->budget.monthly_pico = -1;
	table_put(&r->memory->tasks, str_from(t->name), t);
	return t;
}

static void
read_batched(struct reader *r, const struct node *list)
{
	static const struct config_key name = { .name = "tasks", .type = KEY_PATH };
	for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next) {
		const char *text;
		if (read_value(r, &name, n, "batch.tasks", &text) &&
		    read_account_ok(r, str_from(text), n->line, "batch.tasks"))
			task_named(r, str_from(text))->batch.on = true;
	}
}

static void
read_tiers(struct reader *r, const struct node *map)
{
	const struct config_key *tier = config_key_find(&config_task_keys, STR("tier"));
	char path[KEY_PATH_SIZE];
	for (const struct node *n = map != NULL ? map->first : NULL; n != NULL; n = n->next) {
		read_join(path, "routing.tasks", n->key.p);
		if (read_account_ok(r, n->key, n->key_line, path))
			read_value(r, tier, n, path, &task_named(r, n->key)->tier);
	}
}

static void
check_thresholds(
    struct reader *r, const struct routing_conf *routing, const struct node *map, const char *path)
{
	const struct node *n = node_get(map, "thresholds");
	char inner[KEY_PATH_SIZE];
	if (n == NULL || routing->simple <= routing->moderate)
		return;
	read_join(inner, path, "thresholds");
	problem_add(r->problems, n->line, inner, "are out of order: simple must not be above moderate");
}

/* A tier's model may be absent by default when this configuration does not serve it; then somebody must choose. */
static void
check_tiers(struct reader *r, struct routing_conf *routing, const struct node *map, const char *path)
{
	static const char *const names[] = { "tiers.simple", "tiers.moderate", "tiers.complex" };
	bool written = !node_null(map);
	char inner[KEY_PATH_SIZE];
	for (int i = 0; i < 3; i++) {
		if (routing->tiers[i] != NULL || !routing->on)
			continue;
		if (!written) {
			routing->on = false;
			return;
		}
		read_join(inner, path, names[i]);
		problem_add(
		    r->problems, map->line, inner, "names no model, and the default one is not served here");
	}
}

/* A name that nobody serves is never asked for: it was mistyped. Of the names that stand here by default, some may not be served. */
static void
check_reroute(struct reader *r, const struct routing_conf *routing, const struct node *map, const char *path)
{
	const struct node *list = node_get(map, "reroute");
	char inner[KEY_PATH_SIZE];
	read_join(inner, path, "reroute");
	for (size_t i = 0; !node_null(list) && i < routing->reroute_count; i++) {
		struct str name = str_from(routing->reroute[i]);
		if (!str_eq(name, STR("auto")) && config_model(r->config, name) == NULL)
			problem_add(r->problems, list->line, inner,
			    "names `%s`, a model that is not served here", routing->reroute[i]);
	}
}

enum { RANGES_MAX = 32, BOUNDS_MAX = 32 };

static bool
read_number(struct reader *r, const struct node *n, const char *path, double *out)
{
	char *end;
	if (n->kind == NODE_SCALAR && !node_null(n) && n->text.n > 0) {
		*out = strtod(n->text.p, &end);
		if (*end == '\0' && isfinite(*out))
			return true;
	}
	problem_add(r->problems, n->line, path, "needs a number");
	return false;
}

static bool
read_bounds(struct reader *r, const struct node *list, const char *path, struct field_range *range)
{
	double *bounds = config_memory_take(r->memory, BOUNDS_MAX * sizeof *bounds);
	if (list->count == 0 || list->count > BOUNDS_MAX) {
		problem_add(r->problems, list->line, path, "needs 1 to %d bounds", BOUNDS_MAX);
		return false;
	}
	for (const struct node *n = list->first; n != NULL; n = n->next) {
		double *at = &bounds[range->bound_count++];
		if (!read_number(r, n, path, at))
			return false;
		if (at != bounds && *at <= at[-1]) {
			problem_add(r->problems, n->line, path, "has bounds that do not rise");
			return false;
		}
	}
	range->bounds = bounds;
	return true;
}

/* cache.fields.bucket: a width, or a list of bounds, for each name. */
static void
read_ranges(struct reader *r, const struct node *cache, const char *prefix, struct fields_conf *fields)
{
	const struct node *map = node_get(node_get(cache, "fields"), "bucket");
	char path[KEY_PATH_SIZE], inner[KEY_PATH_SIZE];
	read_join(path, prefix, "fields.bucket");
	if (node_null(map) || !read_is_map(r, map, path))
		return;
	if (map->count > RANGES_MAX) {
		problem_add(r->problems, map->line, path, "has more than %d fields", RANGES_MAX);
		return;
	}
	struct field_range *ranges = config_memory_take(r->memory, (map->count + 1) * sizeof *ranges);
	fields->ranges = ranges;
	fields->range_count = 0;
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		struct field_range range = { .name = config_memory_text(r->memory, n->key) };
		read_join(inner, path, n->key.p);
		bool good = n->kind == NODE_LIST ? read_bounds(r, n, inner, &range)
						 : read_number(r, n, inner, &range.width);
		if (good && n->kind != NODE_LIST && range.width <= 0) {
			problem_add(r->problems, n->line, inner, "must be above 0");
			good = false;
		}
		if (good)
			ranges[fields->range_count++] = range;
	}
}

/* Whoever wants no answer twice and does not speak of similarity wants none of a similar question either. */
static void
settle_similarity(const struct node *map, struct cache_conf *c)
{
	if (!c->exact && node_get(map, "exact") != NULL && node_get(map, "similarity") == NULL)
		c->similarity = 0;
}

static void
check_embedding(
    struct reader *r, const struct node *cache, const char *prefix, const struct embedding_conf *conf)
{
	const struct node *map = node_get(cache, "embedding"), *n = node_get(map, "dimensions");
	char path[KEY_PATH_SIZE];
	if (map == NULL || map->kind != NODE_MAP)
		return;
	read_join(path, prefix, "embedding.model");
	if (conf->model == NULL && node_get(map, "model") == NULL)
		problem_add(r->problems, map->line, path, "is missing: which model makes the embeddings?");
	read_join(path, prefix, "embedding.dimensions");
	if (n != NULL && conf->dimensions % 32 != 0)
		problem_add(r->problems, n->line, path, "must be a multiple of 32");
}

static void
read_own(struct reader *r, const struct node *map)
{
	char path[KEY_PATH_SIZE], inner[KEY_PATH_SIZE];
	for (const struct node *n = map != NULL ? map->first : NULL; n != NULL; n = n->next) {
		read_join(path, "tasks", n->key.p);
		if (!read_account_ok(r, n->key, n->key_line, path))
			continue;
		struct task_conf *t = task_named(r, n->key);
		r->in_task = true;
		read_section(r, &config_task_keys, n, path, t);
		r->in_task = false;
		read_join(inner, path, "cache");
		read_ranges(r, node_get(n, "cache"), inner, &t->cache.fields);
		settle_similarity(node_get(n, "cache"), &t->cache);
		check_embedding(r, node_get(n, "cache"), inner, &t->cache.embedding);
		const struct node *routing = node_get(n, "routing");
		read_join(inner, path, "routing");
		check_thresholds(r, &t->routing, routing, inner);
		check_reroute(r, &t->routing, routing, inner);
		if (!node_null(routing))
			check_tiers(r, &t->routing, routing, inner);
	}
}

/* They were found to be good when they were read. */
static void
compile_patterns(struct reader *r)
{
	struct config *c = r->config;
	for (size_t i = 0; i < c->task_count; i++) {
		struct task_conf *t = &c->tasks[i];
		size_t good = 0;
		t->patterns = config_memory_take(r->memory, (t->match_count + 1) * sizeof *t->patterns);
		for (size_t k = 0; k < t->match_count; k++) {
			struct pattern *p = pattern_new(str_from(t->match[k]), PATTERN_PERL, NULL, 0, NULL);
			if (p == NULL)
				continue;
			config_memory_pattern(r->memory, p);
			t->patterns[good++] = p;
		}
		t->match_count = good;
		c->recognises = c->recognises || good > 0;
	}
}

void
tasks_read(struct reader *r, const struct node *root)
{
	struct config *c = r->config;
	const struct node *routing = node_get(root, "routing"), *map = node_get(root, "tasks");
	const struct node *tiers = node_get(routing, "tasks"),
			  *batched = node_get(node_get(root, "batch"), "tasks");
	check_thresholds(r, &c->routing, routing, "routing");
	check_tiers(r, &c->routing, routing, "routing");
	check_reroute(r, &c->routing, routing, "routing");
	read_ranges(r, node_get(root, "cache"), "cache", &c->cache.fields);
	settle_similarity(node_get(root, "cache"), &c->cache);
	check_embedding(r, node_get(root, "cache"), "cache", &c->cache.embedding);
	if (node_null(map) || !read_is_map(r, map, "tasks"))
		map = NULL;
	if (node_null(tiers) || !read_is_map(r, tiers, "routing.tasks"))
		tiers = NULL;
	if (node_null(batched) || !read_is_list(r, batched, "batch.tasks"))
		batched = NULL;
	size_t most = 1 + children(map) + children(tiers) + children(batched);
	c->tasks = config_memory_take(r->memory, most * sizeof *c->tasks);
	task_named(r, STR("default"));
	read_batched(r, batched);
	read_tiers(r, tiers);
	read_own(r, map);
	assert(c->task_count <= most);
	compile_patterns(r);
}
