/*
 * The root of the table of keys, and finding one in it. The sections below it stand in config_schema_NOUN.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_schema.h"

#include <stdio.h>

#include "config_schema_rows.h"

/* clang-format off */

static const struct config_key admin_keys[] = {
	{ "key", KEY_SECRET, AT(config, admin_key), "${FARTHING_ADMIN_KEY:-}", NULL, NULL,
	    "The key for dashboard and administration. Empty: they answer loopback only." },
	END
};
static const struct config_section admin = { admin_keys, NULL, false };

static const struct config_key log_keys[] = {
	{ "level", KEY_CHOICE, AT(config, log_level), "info", NULL, NULL, "The least that is logged.",
	    .choices = "debug|info|warn|error|silent" },
	{ "format", KEY_SWITCH, AT(config, log_json), "text", NULL, NULL, "How lines look.", .choices = "text|json" },
	END
};
static const struct config_section log_section = { log_keys, NULL, false };

static const struct config_key root_keys[] = {
	{ "listen", KEY_LISTEN, 0, "127.0.0.1:8080", NULL, NULL,
	    "Address and port: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`; `:8080` and `8080` are loopback; "
	    "port 0 is any free one." },
	{ "listen_with_old_libmicrohttpd", KEY_BOOL, AT(config, old_libmicrohttpd), "false", NULL, NULL,
	    "Listens beyond loopback even with a libmicrohttpd before 1.0.5, which accepts ambiguous requests." },
	{ "hosts", KEY_HOSTS, LIST_AT(config, hosts, host_count), NULL, NULL, NULL,
	    "Further names in the Host header to accept, besides the listener's own." },
	{ "database", KEY_PATH, AT(config, database), "./farthing.db", NULL, NULL, "The SQLite file." },
	{ "upstreams", KEY_ELSEWHERE, 0, NULL, NULL, NULL,
	    "The providers, by name. Left out: `openai`, with OPENAI_API_KEY and, if set, OPENAI_BASE_URL.",
	    .section = &config_upstream, .looks = "map of names" },
	{ "models", KEY_ELSEWHERE, 0, NULL, NULL, NULL,
	    "The models, by the name clients use. What is left out comes from the catalogue.",
	    .section = &config_model_keys, .looks = "map of names" },
	{ "catalogue", KEY_ELSEWHERE, 0, "true", NULL, NULL,
	    "Serves every model of the built-in catalogue, listed or not. false: the listed ones only.", .looks = "true or false" },
	{ "routing", KEY_SECTION, AT(config, routing), NULL, NULL, NULL, "The router. May be `off`.",
	    .section = &config_routing_keys },
	{ "cache", KEY_SECTION, AT(config, cache), NULL, NULL, NULL, "The caches. May be `off`.", .section = &config_cache_keys },
	{ "dedup", KEY_SECTION, AT(config, dedup), NULL, NULL, NULL, "Coalescing. May be `off`.", .section = &config_dedup_keys },
	{ "batch", KEY_SECTION, AT(config, batch), NULL, NULL, NULL, "Batching. May be `off`.", .section = &config_batch_keys },
	{ "deferred", KEY_SECTION, AT(config, deferred), NULL, NULL, NULL,
	    "The provider's own batches, for requests that have a day. May be `off`.", .section = &config_deferred_keys },
	{ "budget", KEY_SECTION, AT(config, budget), NULL, NULL, NULL,
	    "Limits of spending. `off`: none of the four.", .section = &config_budget_keys },
	{ "quality", KEY_SECTION, AT(config, quality), NULL, NULL, NULL,
	    "The watch over quality. `off`: no judge, no shadow, no review.", .section = &config_quality_keys },
	{ "tasks", KEY_ELSEWHERE, 0, NULL, NULL, NULL,
	    "Tasks with settings of their own, by name. `default` is every request without a task.",
	    .section = &config_task_keys, .looks = "map of names" },
	{ "projects", KEY_ELSEWHERE, 0, NULL, NULL, NULL,
	    "Groups of keys with limits of their own, by name.", .section = &config_project_keys, .looks = "map of names" },
	{ "paths", KEY_ELSEWHERE, 0, NULL, NULL, NULL,
	    "Price rules: paths under /v1/ to forward besides those the gateway understands, and what a POST to each costs.",
	    .section = &config_path_keys, .looks = "map of paths" },
	{ "alerts", KEY_SECTION, AT(config, alerts), NULL, NULL, NULL, "Who hears of limits that are nearly reached. May be `off`.",
	    .section = &config_alert_keys },
	{ "capture", KEY_SECTION, AT(config, capture), NULL, NULL, NULL,
	    "What may be kept of prompts and answers: `off`, or a map.", .section = &config_capture_keys },
	{ "limits", KEY_SECTION, AT(config, limits), NULL, NULL, NULL, "Limits and time-outs.", .section = &config_limit_keys },
	{ "retention", KEY_SECTION, 0, NULL, NULL, NULL, "What the ledger keeps.", .section = &config_retention_keys },
	{ "admin", KEY_SECTION, 0, NULL, NULL, NULL, "Administration.", .section = &admin },
	{ "mode", KEY_CHOICE, AT(config, mode), "optimise", NULL, NULL,
	    "`observe` forwards everything untouched, and reports what would have been saved.",
	    .choices = "optimise|observe" },
	{ "log", KEY_SECTION, 0, NULL, NULL, NULL, "The log on stderr.", .section = &log_section },
	{ "workers", KEY_INT, AT(config, workers), "2", "1", "16", "Threads for large bodies." },
	END
};
const struct config_section config_root = { root_keys, NULL, false };

/* clang-format on */

const struct config_key *
config_key_find(const struct config_section *s, struct str name)
{
	for (const struct config_key *k = s->keys; k->name != NULL; k++)
		if (str_eq(str_from(k->name), name))
			return k;
	return NULL;
}

static bool
home_below(const struct config_section *s, const char *path, struct str name, char *out, size_t size)
{
	for (const struct config_key *k = s->keys; k->name != NULL; k++) {
		char inner[128];
		snprintf(inner, sizeof inner, "%s%s%s", path, path[0] != '\0' ? "." : "", k->name);
		if (str_eq(str_from(k->name), name)) {
			snprintf(out, size, "%s", inner);
			return true;
		}
		if (k->section == NULL || k->flags & KEY_ALIKE)
			continue;
		if (k->type == KEY_ELSEWHERE)
			str_copy(inner + strlen(inner), sizeof inner - strlen(inner), STR(".NAME"));
		if (home_below(k->section, inner, name, out, size))
			return true;
	}
	return false;
}

bool
config_key_home(struct str name, char *out, size_t size)
{
	return home_below(&config_root, "", name, out, size);
}
