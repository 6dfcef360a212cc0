/*
 * Models: the listed ones, then what the catalogue has besides, then who stands in for whom.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_model.h"

#include <assert.h>

#include "config_price.h"

/* A chain longer than the most attempts there may be is never walked to its end. */
#define LONGEST_CHAIN 16

static const struct upstream_conf *
standard_upstream(const struct config *c)
{
	for (size_t i = 0; i < c->upstream_count; i++)
		if (strcmp(c->upstreams[i].name, "openai") == 0)
			return &c->upstreams[i];
	return c->upstream_count > 0 ? &c->upstreams[0] : NULL;
}

static void
take_facts(struct model_conf *m, const struct catalogue_model *facts)
{
	m->kind = facts->kind;
	m->price = facts->price;
	m->context_tokens = facts->context_tokens;
	m->max_output_tokens = facts->max_output_tokens;
	m->vision = facts->vision;
	m->tools = facts->tools;
	m->json_schema = facts->json_schema;
	m->reasoning = facts->reasoning;
}

static void
read_as(struct reader *r, struct model_conf *m, const struct node *n, const char *path)
{
	static const struct config_key as = { .name = "as", .type = KEY_PATH };
	const struct node *text = node_get(n, "as");
	char inner[KEY_PATH_SIZE];
	m->upstream_model = m->name;
	read_join(inner, path, "as");
	if (text != NULL && read_value(r, &as, text, inner, &m->upstream_model))
		read_name_ok(r, str_from(m->upstream_model), NAME_OF_MODEL, text->line, inner);
}

static void
read_one(struct reader *r, struct model_conf *m, const struct node *n)
{
	char path[KEY_PATH_SIZE];
	read_join(path, "models", n->key.p);
	bool good = read_name_ok(r, n->key, NAME_OF_MODEL, n->key_line, path);
	if (good && str_eq(n->key, STR("auto")))
		problem_add(r->problems, n->key_line, path,
		    "is the name by which clients leave the choice to the router");
	m->name = config_memory_text(r->memory, n->key);
	m->listed = true;
	m->upstream = standard_upstream(r->config);
	read_as(r, m, n, path);
	const struct catalogue_model *facts = catalogue_family(str_from(m->upstream_model));
	if (facts != NULL)
		take_facts(m, facts);
	read_defaults(r, &config_model_keys, path, m);
	read_section(r, &config_model_keys, n, path, m);
	prices_complete(r, m, n, facts, path);
	table_put(&r->memory->models, str_from(m->name), m);
}

static size_t
catalogue_size(void)
{
	size_t n = 0;
	while (catalogue_at(n) != NULL)
		n++;
	return n;
}

static void
add_catalogue(struct reader *r)
{
	struct config *c = r->config;
	const struct catalogue_model *facts;
	for (size_t i = 0; (facts = catalogue_at(i)) != NULL; i++) {
		if (table_get(&r->memory->models, str_from(facts->name)) != NULL)
			continue;
		struct model_conf *m = &c->models[c->model_count++];
		m->name = m->upstream_model = facts->name;
		m->upstream = standard_upstream(c);
		take_facts(m, facts);
		m->family = str_starts(str_from(m->name), STR("ft:"));
		table_put(&r->memory->models, str_from(m->name), m);
	}
}

static void
add_fallback(struct reader *r, struct model_conf *m, const struct node *item, const char *path)
{
	static const struct config_key name = { .name = "fallbacks", .type = KEY_PATH };
	const char *text;
	if (!read_value(r, &name, item, path, &text))
		return;
	const struct model_conf *other = read_model(r, str_from(text), item->line, path);
	if (other == NULL)
		return;
	if (other->kind != m->kind)
		problem_add(
		    r->problems, item->line, path, "names a model of another kind: it cannot stand in");
	for (size_t i = 0; i < m->fallback_count; i++)
		if (m->fallbacks[i] == other)
			problem_add(r->problems, item->line, path, "names the same model twice");
	m->fallbacks[m->fallback_count++] = other;
}

static void
read_fallbacks(struct reader *r, struct model_conf *m, const struct node *n)
{
	char path[KEY_PATH_SIZE], inner[KEY_PATH_SIZE];
	const struct node *list = node_get(n, "fallbacks");
	read_join(path, "models", m->name);
	read_join(inner, path, "fallbacks");
	if (node_null(list) || !read_is_list(r, list, inner))
		return;
	if (list->count > LONGEST_CHAIN) {
		problem_add(r->problems, list->line, inner, "names more than %d models", LONGEST_CHAIN);
		return;
	}
	m->fallbacks = config_memory_take(r->memory, (list->count + 1) * sizeof(const struct model_conf *));
	for (const struct node *item = list->first; item != NULL; item = item->next)
		add_fallback(r, m, item, inner);
}

/* Depth first: a model met again while we are still below it closes a ring. */
enum colour { UNSEEN, ON_THE_WAY, DONE };

static void
follow(struct reader *r, const struct node *map, enum colour *colours, const struct model_conf *m, int depth)
{
	size_t at = (size_t)(m - r->config->models);
	char path[KEY_PATH_SIZE], inner[KEY_PATH_SIZE];
	if (m->fallback_count == 0 || colours[at] == DONE)
		return;
	assert(colours[at] == UNSEEN);
	const struct node *list = node_get(node_get(map, m->name), "fallbacks");
	read_join(path, "models", m->name);
	read_join(inner, path, "fallbacks");
	if (depth == LONGEST_CHAIN) {
		problem_add(r->problems, list->line, inner, "continues a chain of more than %d fallbacks",
		    LONGEST_CHAIN);
		return;
	}
	colours[at] = ON_THE_WAY;
	for (size_t i = 0; i < m->fallback_count; i++) {
		const struct model_conf *next = m->fallbacks[i];
		if (colours[next - r->config->models] == ON_THE_WAY)
			problem_add(r->problems, list->line, inner, "goes in a circle: %s leads back to %s",
			    next->name, m->name);
		else
			follow(r, map, colours, next, depth + 1);
	}
	colours[at] = DONE;
}

static bool
wants_catalogue(struct reader *r, const struct node *root)
{
	static const struct config_key catalogue = { .name = "catalogue", .type = KEY_BOOL };
	const struct node *n = node_get(root, "catalogue");
	bool wanted = true;
	if (n != NULL)
		read_value(r, &catalogue, n, "catalogue", &wanted);
	return wanted;
}

void
models_read(struct reader *r, const struct node *root)
{
	struct config *c = r->config;
	const struct node *map = node_get(root, "models");
	bool listed = !node_null(map) && read_is_map(r, map, "models");
	bool catalogue = wants_catalogue(r, root);
	size_t most = (listed ? map->count : 0) + (catalogue ? catalogue_size() : 0);
	c->models = config_memory_take(r->memory, most * sizeof *c->models);
	for (const struct node *n = listed ? map->first : NULL; n != NULL; n = n->next)
		read_one(r, &c->models[c->model_count++], n);
	size_t own = c->model_count;
	if (catalogue)
		add_catalogue(r);
	if (c->model_count == 0)
		problem_add(r->problems, 0, "models",
		    "there is no model to serve: list one, or leave the catalogue on");

	size_t i = 0;
	for (const struct node *n = listed ? map->first : NULL; n != NULL; n = n->next)
		read_fallbacks(r, &c->models[i++], n);
	enum colour *colours = config_memory_take(r->memory, c->model_count * sizeof *colours);
	for (i = 0; i < own; i++)
		follow(r, map, colours, &c->models[i], 0);
}
