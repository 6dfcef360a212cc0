/*
 * A site.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/site.h"

#include <assert.h>
#include <stdlib.h>

struct site {
	int holders;
	struct config *config;
	struct provider **providers; /* as config->upstreams */
	int64_t *rest_until_ms;      /* as config->models */
};

struct site *
site_new(struct config *config)
{
	struct site *s = must_alloc(sizeof *s);
	s->holders = 1;
	s->config = config;
	s->providers = must_alloc(config->upstream_count * sizeof(struct provider *));
	s->rest_until_ms = must_alloc(config->model_count * sizeof(int64_t));
	for (size_t i = 0; i < config->upstream_count; i++)
		s->providers[i] = provider_new(&config->upstreams[i]);
	return s;
}

void
site_hold(struct site *s)
{
	s->holders++;
}

void
site_drop(struct site **sp)
{
	struct site *s = *sp;
	if (s == NULL)
		return;
	*sp = NULL;
	assert(s->holders > 0);
	if (--s->holders > 0)
		return;
	for (size_t i = 0; i < s->config->upstream_count; i++)
		provider_free(&s->providers[i]);
	free(s->providers);
	free(s->rest_until_ms);
	config_drop(&s->config);
	free(s);
}

const struct config *
site_config(const struct site *s)
{
	return s->config;
}

struct provider *
site_provider(struct site *s, const struct upstream_conf *conf)
{
	size_t at = (size_t)(conf - s->config->upstreams);
	assert(at < s->config->upstream_count);
	return s->providers[at];
}

static int64_t *
rest_of(const struct site *s, const struct model_conf *model)
{
	size_t at = (size_t)(model - s->config->models);
	assert(at < s->config->model_count);
	return &s->rest_until_ms[at];
}

int64_t
site_rest_until(const struct site *s, const struct model_conf *model)
{
	return *rest_of(s, model);
}

void
site_rest(struct site *s, const struct model_conf *model, int64_t until_ms)
{
	int64_t *rest = rest_of(s, model);
	if (until_ms > *rest)
		*rest = until_ms;
}
