/*
 * Requests for tests of bundles and envelopes: a model, a configuration, and what was read.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_ENVELOPE_HELP_H
#define TESTS_UNIT_ENVELOPE_HELP_H

#include "core/envelope.h"

static const struct model_conf help_models[] = {
	{ .name = "m", .upstream_model = "gpt-4o-mini", .json_schema = true },
	{ .name = "plain", .upstream_model = "gpt-4o-mini" },
	{ .name = "thinker", .upstream_model = "gpt-5", .json_schema = true, .reasoning = true },
	{ .name = "local", .upstream_model = "llama" },
};

static const struct config help_config = {
	.models = (struct model_conf *)(uintptr_t)help_models,
	.model_count = 4,
	.limits = { .depth = 64, .messages = 64, .choices = 4 },
};

/* Fakes of the configuration's look-ups. */
const struct model_conf *
config_model(const struct config *c, struct str name)
{
	for (size_t i = 0; i < c->model_count; i++)
		if (str_eq(name, str_from(c->models[i].name)))
			return &c->models[i];
	return NULL;
}

const struct task_conf *
config_task(const struct config *c, struct str name)
{
	static const struct task_conf task = { .name = "default" };
	(void)c, (void)name;
	return &task;
}

/* 0, or -1; the request must be freed either way. */
static int
help_read(struct request *r, enum endpoint endpoint, struct str text, struct err *e)
{
	struct request_context context = { &help_config, "scope", "", "default", "" };
	struct buf body = { 0 };
	*e = (struct err){ 0 };
	if (buf_add(&body, text) != 0)
		return -1;
	return request_read(r, endpoint, &body, &context, e);
}

#endif
