/*
 * Any bytes as a configuration: either a tree that keeps its own promises, or problems that are fit to print.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "../../src/core/config_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_problems(const struct config_problem *p)
{
	int line = 0;
	for (; p != NULL; line = p->line, p = p->next) {
		assert(p->line >= line);
		assert(p->text[0] != '\0');
		assert(strpbrk(p->text, "\r\n\x1b") == NULL && strpbrk(p->key, "\r\n\x1b") == NULL);
	}
}

static void
check_history(const struct model_conf *m)
{
	for (size_t i = 0; i < m->history_count; i++) {
		const struct dated_price *d = &m->history[i];
		assert(i == 0 ? d->from_us == INT64_MIN : d->from_us > m->history[i - 1].from_us);
		assert(config_price_at(m, d->from_us) == &d->price);
		assert(!d->price.known || d->price.cached_input <= d->price.input);
	}
	assert(config_price_at(m, 0) != NULL);
}

static void
check_accounts(const struct config *c)
{
	for (size_t i = 0; i < c->project_count; i++)
		assert(config_project(c, str_from(c->projects[i].name)) == &c->projects[i]);
	for (size_t i = 1; i < c->alerts.share_count; i++)
		assert(c->alerts.shares[i] > c->alerts.shares[i - 1]);
	assert(c->alerts.webhook != NULL && c->budget.drain_ms >= 0 && c->budget.wait_ms >= 0);
}

static void
check_models(const struct config *c)
{
	for (size_t i = 0; i < c->model_count; i++) {
		const struct model_conf *m = &c->models[i];
		assert(config_model(c, str_from(m->name)) == m);
		assert(m->upstream != NULL && m->upstream_model[0] != '\0');
		assert(m->price.input >= 0 && m->price.output >= 0 && m->price.cached_input >= 0);
		assert(!m->free || m->price.known);
		check_history(m);
		for (size_t f = 0; f < m->fallback_count; f++)
			assert(m->fallbacks[f] != m);
	}
}

static void
check_tree(const struct config *c)
{
	assert(c->holders == 1 && c->upstream_count > 0 && c->model_count > 0 && c->task_count > 0);
	assert(strcmp(c->tasks[0].name, "default") == 0);
	assert(c->listen_port >= 0 && c->listen_port <= 65535 && c->listen_host[0] != '\0');
	assert(c->limits.body > 0 && c->limits.total_ms > 0 && c->workers > 0);
	check_models(c);
	check_accounts(c);
	for (size_t i = 0; i < c->upstream_count; i++)
		assert(c->upstreams[i].attempts >= 1 && c->upstreams[i].base_url[0] == 'h');
	for (size_t i = 0; i < c->task_count; i++) {
		const struct task_conf *t = &c->tasks[i];
		assert(config_task(c, str_from(t->name)) == t);
		assert(t->routing.simple <= t->routing.moderate);
		for (int tier = 0; t->routing.on && tier < 3; tier++)
			assert(t->routing.tiers[tier] != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_problem *problems;
	struct config *c =
	    config_parse("fuzz.yaml", (struct str){ (const char *)data, size }, NULL, &problems);
	assert((c == NULL) == (problems != NULL));
	check_problems(problems);
	if (c != NULL)
		check_tree(c);
	config_drop(&c);
	config_problems_free(&problems);
	return 0;
}
