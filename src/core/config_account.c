/*
 * Projects, each with four limits and no more, and the shares of limits at which somebody is told.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_account.h"

static void
read_project(struct reader *r, const struct node *n)
{
	struct config *c = r->config;
	char path[KEY_PATH_SIZE];
	read_join(path, "projects", n->key.p);
	if (!read_account_ok(r, n->key, n->key_line, path))
		return;
	struct project_conf *p = &c->projects[c->project_count++];
	p->name = config_memory_text(r->memory, n->key);
	p->budget = c->budget;
	read_defaults(r, &config_project_keys, path, p);
	read_section(r, &config_project_keys, n, path, p);
	table_put(&r->memory->projects, str_from(p->name), p);
}

void
projects_read(struct reader *r, const struct node *root)
{
	struct config *c = r->config;
	const struct node *map = node_get(root, "projects");
	if (node_null(map) || !read_is_map(r, map, "projects"))
		return;
	c->projects = config_memory_take(r->memory, (map->count + 1) * sizeof *c->projects);
	for (const struct node *n = map->first; n != NULL; n = n->next)
		read_project(r, n);
}

enum { MOST_SHARES = sizeof((struct alerts_conf){ 0 }.shares) / sizeof(int) };

/* What the table says of alerts.at. */
void
alerts_defaults(struct alerts_conf *a)
{
	*a = (struct alerts_conf){ .shares = { 50, 80, 95 }, .share_count = 3, .webhook = "" };
}

void
alerts_read(struct reader *r, const struct node *root)
{
	static const struct config_key share = { .name = "at", .type = KEY_INT, .least = "1", .most = "100" };
	static const char path[] = "alerts.at";
	struct alerts_conf *a = &r->config->alerts;
	const struct node *list = node_get(node_get(root, "alerts"), "at");
	if (node_null(list) || !read_is_list(r, list, path))
		return;
	if (list->count > MOST_SHARES) {
		problem_add(r->problems, list->line, path, "has more than %d shares", MOST_SHARES);
		return;
	}
	a->share_count = 0;
	for (const struct node *n = list->first; n != NULL; n = n->next) {
		int value;
		if (!read_value(r, &share, n, path, &value))
			return;
		if (a->share_count > 0 && value <= a->shares[a->share_count - 1]) {
			problem_add(r->problems, n->line, path, "must rise: %d does not come after %d", value,
			    a->shares[a->share_count - 1]);
			return;
		}
		a->shares[a->share_count++] = value;
	}
}
