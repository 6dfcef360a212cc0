/*
 * Good configurations: the defaults, the example of the documents, the environment, secrets, tasks, models.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/stat.h>

#include "config_fixture.h"

#define USD(cents) ((int64_t)(cents) * (PICO_PER_USD / 100))

static const struct model_conf *
model(const struct config *c, const char *name)
{
	const struct model_conf *m = config_model(c, str_from(name));
	assert_non_null(m);
	return m;
}

static void
defaults_need_no_file(void **state)
{
	(void)state;
	struct config *c = good("");
	assert_string_equal(c->listen_host, "127.0.0.1");
	assert_int_equal(c->listen_port, 8080);
	assert_false(c->old_libmicrohttpd);
	assert_int_equal(c->host_count, 0);
	assert_string_equal(c->database, "./farthing.db");
	assert_int_equal(c->upstream_count, 1);
	assert_int_equal(c->retention_days, 90);
	assert_int_equal(c->retention_bytes, INT64_C(1) << 30);
	assert_string_equal(c->admin_key, "");
	assert_int_equal(c->mode, MODE_OPTIMISE);
	assert_int_equal(c->log_level, LOG_INFO);
	assert_false(c->log_json);
	assert_int_equal(c->workers, 2);
	config_drop(&c);
	assert_null(c);
}

static void
default_upstream_is_openai(void **state)
{
	(void)state;
	struct config *c = good("");
	const struct upstream_conf *u = &c->upstreams[0];
	assert_string_equal(u->name, "openai");
	assert_string_equal(u->base_url, "https://api.openai.com/v1");
	assert_string_equal(u->api_key, "");
	assert_string_equal(u->organization, "");
	assert_string_equal(u->project, "");
	assert_string_equal(u->ca_file, "");
	assert_string_equal(u->proxy, "");
	assert_int_equal(u->http, HTTP_AUTO);
	assert_false(u->insecure_http || u->private_network);
	assert_int_equal(u->connect_ms, 5000);
	assert_int_equal(u->first_byte_ms, 60000);
	assert_int_equal(u->idle_ms, 120000);
	assert_int_equal(u->total_ms, 600000);
	assert_int_equal(u->attempts, 2);
	assert_int_equal(u->backoff_ms, 500);
	assert_int_equal(u->backoff_max_ms, 8000);
	assert_int_equal(u->circuit_failures, 5);
	assert_int_equal(u->circuit_window_ms, 10000);
	assert_int_equal(u->circuit_open_ms, 5000);
	assert_int_equal(u->max_connections, 0);
	config_drop(&c);
}

static void
assert_default_stages(const struct config *c)
{
	assert_true(c->routing.on);
	assert_true(c->routing.simple == 0.3 && c->routing.moderate == 0.7);
	assert_string_equal(c->routing.tiers[TIER_SIMPLE]->name, "gpt-4o-mini");
	assert_string_equal(c->routing.tiers[TIER_MODERATE]->name, "gpt-4o-mini");
	assert_string_equal(c->routing.tiers[TIER_COMPLEX]->name, "gpt-4o");
	assert_int_equal(c->routing.reroute_count, 2);
	assert_string_equal(c->routing.reroute[0], "auto");
	assert_string_equal(c->routing.reroute[1], "gpt-4o");
	assert_true(c->cache.exact && c->cache.similarity == 0.85);
	assert_int_equal(c->cache.ttl_ms, 3600000);
	assert_int_equal(c->cache.max_entries, 100000);
	assert_int_equal(c->cache.max_bytes, 64 << 20);
	assert_int_equal(c->cache.scope, SCOPE_KEY);
	assert_true(c->dedup.on && c->dedup.similarity == 0.95);
	assert_int_equal(c->dedup.window_ms, 300000);
	assert_false(c->batch.on);
	assert_int_equal(c->batch.size, 5);
	assert_int_equal(c->batch.wait_ms, 2000);
	assert_true(c->batch.adaptive && c->batch.max_drop == 0.05 && c->batch.experiment == 0.05);
	assert_int_equal(c->batch.max_time_ms, 10000);
	assert_int_equal(c->batch.max_body, 32 << 10);
	assert_true(c->deferred.on);
	assert_int_equal(c->deferred.collect_ms, 60000);
	assert_int_equal(c->deferred.requests, 1000);
	assert_int_equal(c->deferred.poll_ms, 60000);
	assert_int_equal(c->deferred.keep_ms, INT64_C(7) * 24 * 3600 * 1000);
	assert_int_equal(c->deferred.max_bytes, 256 << 20);
	assert_int_equal(c->budget.request_pico, USD(5));
	assert_int_equal(c->budget.daily_pico, USD(200));
	assert_int_equal(c->budget.weekly_pico, -1);
	assert_int_equal(c->budget.monthly_pico, -1);
	assert_string_equal(c->budget.timezone, "UTC");
	assert_int_equal(c->budget.min_output_tokens, 16);
	assert_int_equal(c->budget.on_disconnect, DISCONNECT_DRAIN);
	assert_true(c->budget.strict);
	assert_true(c->quality.target == 0.8 && c->quality.shadow == 0 && c->quality.review == 0.02);
	assert_null(c->quality.judge_model);
	assert_false(c->capture.on);
}

static void
assert_default_limits(const struct limits_conf *l)
{
	assert_int_equal(l->body, 8 << 20);
	assert_int_equal(l->reply, 8 << 20);
	assert_int_equal(l->stream, 16 << 20);
	assert_int_equal(l->event, 1 << 20);
	assert_int_equal(l->depth, 64);
	assert_int_equal(l->messages, 2048);
	assert_int_equal(l->choices, 4);
	assert_int_equal(l->concurrent, 1024);
	assert_int_equal(l->per_key, 64);
	assert_int_equal(l->connections, 4096);
	assert_int_equal(l->per_address, 64);
	assert_int_equal(l->per_loopback, 1024);
	assert_int_equal(l->total_ms, 600000);
	assert_int_equal(l->header_ms, 10000);
	assert_int_equal(l->body_ms, 30000);
	assert_int_equal(l->body_rate, 1024);
	assert_int_equal(l->idle_ms, 60000);
	assert_int_equal(l->stall_ms, 60000);
	assert_int_equal(l->drain_ms, 90000);
	assert_int_equal(l->heartbeat_ms, 15000);
	assert_int_equal(l->client_buffer, 256 << 10);
}

static void
default_stages_are_the_documented_ones(void **state)
{
	(void)state;
	struct config *c = good("");
	assert_default_stages(c);
	assert_default_limits(&c->limits);
	assert_int_equal(c->task_count, 1);
	assert_string_equal(c->tasks[0].name, "default");
	assert_int_equal(c->tasks[0].tier, TIER_PINNED);
	assert_int_equal(c->tasks[0].budget.daily_pico, -1);
	assert_int_equal(c->tasks[0].budget.request_pico, USD(5));
	config_drop(&c);
}

static void
openai_base_url_moves_the_built_in_upstream(void **state)
{
	(void)state;
	setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/", 1);
	setenv("OPENAI_API_KEY", "sk-one", 1);
	struct config *c = good("");
	assert_string_equal(c->upstreams[0].base_url, "http://127.0.0.1:9/v1");
	assert_string_equal(c->upstreams[0].api_key, "sk-one");
	config_drop(&c);

	c = good("upstreams: { openai: {} }");
	assert_string_equal(c->upstreams[0].base_url, "https://api.openai.com/v1");
	assert_string_equal(c->upstreams[0].api_key, "sk-one");
	config_drop(&c);
}

static void
key_of_the_environment_goes_to_openai_only(void **state)
{
	(void)state;
	setenv("OPENAI_API_KEY", "sk-one", 1);
	struct config *c = good("upstreams: { openai: { base_url: https://elsewhere.example/v1 } }");
	assert_string_equal(c->upstreams[0].api_key, "");
	config_drop(&c);
}

static const char example[] =
    "listen: 127.0.0.1:8080\n"
    "database: ./farthing.db\n"
    "upstreams:\n"
    "  openai: { base_url: https://api.openai.com/v1, api_key: \"${OPENAI_API_KEY}\" }\n"
    "models:                       # prices per million tokens; a built-in catalogue fills what is left out\n"
    "  gpt-4o-mini: { upstream: openai, input_usd: 0.15, cached_input_usd: 0.075, output_usd: 0.60 }\n"
    "  gpt-4o:      { upstream: openai, input_usd: 2.50, cached_input_usd: 1.25,  output_usd: 10.00, "
    "fallbacks: "
    "[gpt-4o-mini] }\n"
    "routing:\n"
    "  thresholds: { simple: 0.3, moderate: 0.7 }\n"
    "  tiers: { simple: gpt-4o-mini, moderate: gpt-4o-mini, complex: gpt-4o }\n"
    "  reroute: [auto, gpt-4o]\n"
    "  tasks: { product_title: simple, strategic_planning: complex }\n"
    "cache:  { exact: true, similarity: 0.85, ttl: 1h, max_entries: 100000, scope: key }\n"
    "dedup:  { window: 5m, similarity: 0.95 }\n"
    "batch:  { size: 5, wait: 2s, tasks: [] }\n"
    "budget: { request_usd: 0.05, daily_usd: 2.00, timezone: UTC, min_output_tokens: 16, on_disconnect: "
    "drain, mode: "
    "strict }\n"
    "quality: { target: 0.80, judge_model: null, shadow: 0.0, review: 0.02 }\n"
    "capture: off\n"
    "limits: { body: 8MiB, concurrent: 1024, per_key: 64, total_timeout: 600s }\n"
    "retention: { days: 90, size: 1GiB }\n"
    "admin: { key: \"${FARTHING_ADMIN_KEY}\" }\n"
    "mode: optimise\n";

static void
example_of_the_interface_means_what_it_says(void **state)
{
	(void)state;
	setenv("OPENAI_API_KEY", "sk-one", 1);
	setenv("FARTHING_ADMIN_KEY", "admin-two", 1);
	struct config *c = good(example);
	assert_default_stages(c);
	assert_default_limits(&c->limits);
	assert_string_equal(c->upstreams[0].api_key, "sk-one");
	assert_string_equal(c->admin_key, "admin-two");
	assert_int_equal(c->task_count, 3);
	assert_int_equal(config_task(c, STR("product_title"))->tier, TIER_SIMPLE);
	assert_int_equal(config_task(c, STR("strategic_planning"))->tier, TIER_COMPLEX);
	assert_string_equal(c->models[0].name, "gpt-4o-mini");
	assert_string_equal(c->models[1].name, "gpt-4o");
	const struct model_conf *m = model(c, "gpt-4o");
	assert_ptr_equal(m, &c->models[1]);
	assert_true(m->listed && m->price.known && !m->free);
	assert_int_equal(m->price.input, 2500000);
	assert_int_equal(m->price.cached_input, 1250000);
	assert_int_equal(m->price.output, 10000000);
	assert_int_equal(m->fallback_count, 1);
	assert_ptr_equal(m->fallbacks[0], model(c, "gpt-4o-mini"));
	assert_ptr_equal(m->upstream, &c->upstreams[0]);
	config_drop(&c);
}

static void
shipped_file_is_good_and_is_the_defaults(void **state)
{
	(void)state;
	struct config_problem *problems;
	struct config *c = config_load(TESTS_DIR "/../config/farthing.yaml", NULL, &problems);
	assert_null(problems);
	assert_non_null(c);
	assert_default_stages(c);
	assert_default_limits(&c->limits);
	assert_int_equal(c->upstreams[0].backoff_ms, 500);
	assert_int_equal(c->upstreams[0].circuit_failures, 5);
	assert_int_equal(c->retention_days, 90);
	config_drop(&c);
}

static void
catalogue_fills_what_a_model_leaves_out(void **state)
{
	(void)state;
	const struct catalogue_model *facts = catalogue_find(STR("gpt-4o"));
	assert_non_null(facts);
	struct config *c = good("models: { fast: { as: gpt-4o }, gpt-4o: { output_usd: 11 } }");
	const struct model_conf *fast = model(c, "fast"), *own = model(c, "gpt-4o");
	assert_string_equal(fast->upstream_model, "gpt-4o");
	assert_int_equal(fast->price.input, facts->price.input);
	assert_int_equal(fast->price.output, facts->price.output);
	assert_int_equal(fast->context_tokens, facts->context_tokens);
	assert_int_equal(fast->tools, facts->tools);
	assert_int_equal(own->price.input, facts->price.input);
	assert_int_equal(own->price.output, 11000000);
	config_drop(&c);
}

static void
models_of_the_catalogue_are_served_unlisted(void **state)
{
	(void)state;
	struct config *c = good("upstreams:\n"
				"  first: { base_url: https://a.example/v1 }\n"
				"  openai: { base_url: https://b.example/v1 }\n"
				"models: { gpt-4o: { upstream: first } }\n");
	const struct model_conf *m = model(c, "gpt-4o-mini");
	assert_false(m->listed);
	assert_true(m->price.known);
	assert_string_equal(m->upstream->name, "openai");
	assert_string_equal(model(c, "gpt-4o")->upstream->name, "first");
	config_drop(&c);
}

static void
first_upstream_serves_when_none_is_called_openai(void **state)
{
	(void)state;
	struct config *c = good("upstreams:\n"
				"  zeta: { base_url: https://a.example/v1 }\n"
				"  alpha: { base_url: https://b.example/v1 }\n");
	assert_string_equal(model(c, "gpt-4o")->upstream->name, "zeta");
	config_drop(&c);
}

static void
without_catalogue_only_listed_models_are_served(void **state)
{
	(void)state;
	struct config *c = good("catalogue: false\nmodels: { mine: { free: true } }\n");
	assert_int_equal(c->model_count, 1);
	assert_null(config_model(c, STR("gpt-4o")));
	/* Nobody chose other tiers, so nothing is routed. */
	assert_false(c->routing.on);
	config_drop(&c);
}

static void
free_is_a_price_and_unknown_is_none(void **state)
{
	(void)state;
	struct config *c =
	    good("models: { ours: { free: true }, riddle: {}, e: { kind: embedding, input_usd: 0.02 } }");
	assert_true(model(c, "ours")->free && model(c, "ours")->price.known);
	assert_int_equal(model(c, "ours")->price.input, 0);
	assert_int_equal(model(c, "ours")->price.output, 0);
	assert_false(model(c, "riddle")->free || model(c, "riddle")->price.known);
	assert_true(model(c, "e")->price.known);
	assert_int_equal(model(c, "e")->kind, MODEL_EMBEDDING);
	config_drop(&c);
}

static void
unknown_discount_is_no_discount(void **state)
{
	(void)state;
	struct config *c = good("models: { m: { input_usd: 3, output_usd: 4 } }");
	assert_int_equal(model(c, "m")->price.cached_input, 3000000);
	assert_int_equal(model(c, "m")->price.cache_write, 3000000);
	config_drop(&c);
}

static void
model_has_every_key(void **state)
{
	(void)state;
	struct config *c =
	    good("models:\n"
		 "  m: { as: vendor/m-1, input_usd: 1, cached_input_usd: 0.5, cache_write_usd: 1.25,\n"
		 "       output_usd: 2, context_tokens: 1000, max_output_tokens: 100, kind: completion,\n"
		 "       vision: yes, tools: true, json_schema: on, reasoning: True }\n");
	const struct model_conf *m = model(c, "m");
	assert_string_equal(m->upstream_model, "vendor/m-1");
	assert_int_equal(m->price.cached_input, 500000);
	assert_int_equal(m->price.cache_write, 1250000);
	assert_int_equal(m->context_tokens, 1000);
	assert_int_equal(m->max_output_tokens, 100);
	assert_int_equal(m->kind, MODEL_COMPLETION);
	assert_true(m->vision && m->tools && m->json_schema && m->reasoning);
	config_drop(&c);
}

static void
upstream_has_every_key(void **state)
{
	(void)state;
	char ca[64], text[1024];
	write_file(ca, "pem");
	snprintf(text, sizeof text,
	    "upstreams:\n"
	    "  u: { base_url: 'http://10.0.0.1:8000/v1', api_key: k, organization: o, project: p, ca_file: "
	    "%s,\n"
	    "       proxy: 'http://user:pw@proxy:3128', http: 2, insecure: true, private: true, "
	    "max_connections: 7,\n"
	    "       timeouts: { connect: 1s, first_byte: 2s, idle: 3s, total: 4s },\n"
	    "       retry: { attempts: 3, backoff: 10ms, backoff_max: 20ms },\n"
	    "       circuit: { failures: 9, window: 1m, open: 2m } }\n"
	    "  v: { base_url: 'https://v.example', circuit: off, http: 1.1 }\n",
	    ca);
	struct config *c = good(text);
	unlink(ca);
	const struct upstream_conf *u = &c->upstreams[0];
	assert_string_equal(u->base_url, "http://10.0.0.1:8000/v1");
	assert_string_equal(u->api_key, "k");
	assert_string_equal(u->organization, "o");
	assert_string_equal(u->project, "p");
	assert_string_equal(u->ca_file, ca);
	assert_string_equal(u->proxy, "http://user:pw@proxy:3128");
	assert_int_equal(u->http, HTTP_2);
	assert_true(u->insecure_http && u->private_network);
	assert_int_equal(u->max_connections, 7);
	assert_int_equal(u->connect_ms + u->first_byte_ms + u->idle_ms + u->total_ms, 10000);
	assert_int_equal(u->attempts, 3);
	assert_int_equal(u->backoff_ms + u->backoff_max_ms, 30);
	assert_int_equal(u->circuit_failures, 9);
	assert_int_equal(u->circuit_window_ms + u->circuit_open_ms, 180000);
	assert_int_equal(c->upstreams[1].circuit_failures, 0);
	assert_int_equal(c->upstreams[1].http, HTTP_1_1);
	config_drop(&c);
}

static void
embedding_is_built_in_or_a_model_of_a_providers(void **state)
{
	(void)state;
	struct config *c = good("cache: { embedding: builtin }\n"
				"models: { bert: { kind: embedding, free: true } }\n"
				"tasks:\n"
				"  a: { cache: { embedding: { model: text-embedding-3-small, dimensions: "
				"256, timeout: 300ms } } }\n"
				"  b: { cache: { embedding: { model: bert } } }\n"
				"  c: { cache: { ttl: 2h } }\n");
	const struct embedding_conf *a = &config_task(c, STR("a"))->cache.embedding;
	assert_string_equal(a->model->name, "text-embedding-3-small");
	assert_int_equal(a->dimensions, 256);
	assert_int_equal(a->timeout_ms, 300);
	const struct embedding_conf *b = &config_task(c, STR("b"))->cache.embedding;
	assert_string_equal(b->model->name, "bert");
	assert_int_equal(b->dimensions, 512);
	assert_int_equal(b->timeout_ms, 1000);
	assert_null(config_task(c, STR("c"))->cache.embedding.model);
	config_drop(&c);
	c = good("cache: { embedding: { model: text-embedding-3-small } }\n"
		 "tasks: { own: { cache: { embedding: builtin } }, fine: { cache: { embedding: { dimensions: "
		 "1024 } } } }\n");
	assert_null(config_task(c, STR("own"))->cache.embedding.model);
	assert_int_equal(config_task(c, STR("fine"))->cache.embedding.dimensions, 1024);
	assert_non_null(config_task(c, STR("fine"))->cache.embedding.model);
	config_drop(&c);
}

static void
task_overrides_what_it_names_only(void **state)
{
	(void)state;
	struct config *c =
	    good("cache: { ttl: 2h }\n"
		 "batch: { wait: 1s, tasks: [titles] }\n"
		 "routing: { tasks: { plan: complex } }\n"
		 "tasks:\n"
		 "  titles: { match: ['(?i)title', '\\bname\\b'], cache: { similarity: 0.9 }, dedup: off,\n"
		 "            budget: { daily_usd: 0.10 } }\n"
		 "  plan: { cache: off, quality: { judge_model: gpt-4o }, batch: { on: true, size: 9 } }\n"
		 "  default: { budget: off }\n");
	const struct task_conf *t = config_task(c, STR("titles")), *plan = config_task(c, STR("plan"));
	assert_int_equal(c->task_count, 3);
	assert_string_equal(c->tasks[0].name, "default");
	assert_int_equal(t->match_count, 2);
	assert_string_equal(t->match[1], "\\bname\\b");
	assert_true(t->cache.exact && t->cache.similarity == 0.9);
	assert_int_equal(t->cache.ttl_ms, 7200000);
	assert_true(t->batch.on && !t->dedup.on);
	assert_int_equal(t->batch.wait_ms, 1000);
	assert_int_equal(t->budget.daily_pico, USD(10));
	assert_int_equal(t->budget.request_pico, USD(5));
	assert_int_equal(plan->tier, TIER_COMPLEX);
	assert_false(plan->cache.exact);
	assert_true(plan->cache.similarity == 0);
	assert_int_equal(plan->batch.size, 9);
	assert_string_equal(plan->quality.judge_model->name, "gpt-4o");
	assert_int_equal(c->tasks[0].budget.request_pico, -1);
	assert_int_equal(c->budget.request_pico, USD(5));
	assert_false(c->batch.on);
	config_drop(&c);
}

static void
unknown_task_is_the_default(void **state)
{
	(void)state;
	struct config *c = good("tasks: { a: {} }");
	assert_ptr_equal(config_task(c, STR("nobody")), &c->tasks[0]);
	assert_ptr_equal(config_task(c, STR("")), &c->tasks[0]);
	assert_ptr_equal(config_task(c, STR("a")), &c->tasks[1]);
	assert_null(config_model(c, STR("nobody")));
	config_drop(&c);
}

static void
stages_can_be_switched_off(void **state)
{
	(void)state;
	struct config *c =
	    good("routing: off\ncache: off\ndedup: Off\nbatch: no\nbudget: off\nquality: false\n");
	assert_false(
	    c->routing.on || c->cache.exact || c->cache.similarity > 0 || c->dedup.on || c->batch.on);
	assert_int_equal(c->budget.request_pico, -1);
	assert_int_equal(c->budget.daily_pico, -1);
	assert_true(c->quality.review == 0);
	config_drop(&c);
}

static void
capture_is_on_when_it_is_described(void **state)
{
	(void)state;
	struct config *c = good("capture: { answers: false, keep: 7d, size: 16MiB }");
	assert_true(c->capture.on && c->capture.prompts && !c->capture.answers);
	assert_int_equal(c->capture.keep_ms, INT64_C(7) * 86400000);
	assert_int_equal(c->capture.max_bytes, 16 << 20);
	config_drop(&c);
}

static void
limits_of_money_may_be_lifted(void **state)
{
	(void)state;
	struct config *c =
	    good("budget: { request_usd: off, daily_usd: null, weekly_usd: 7, monthly_usd: 0 }");
	assert_int_equal(c->budget.request_pico, -1);
	assert_int_equal(c->budget.daily_pico, -1);
	assert_int_equal(c->budget.weekly_pico, USD(700));
	assert_int_equal(c->budget.monthly_pico, 0);
	config_drop(&c);
}

static void
durations_and_sizes_have_units(void **state)
{
	(void)state;
	struct config *c =
	    good("cache: { ttl: 1.5h, max_size: 1.5MiB }\n"
		 "limits: { header_timeout: 300ms, drain_timeout: 0, heartbeat: 0, body: 65536,\n"
		 "          event: 512KiB, reply: 4MB, client_buffer: 16KiB }\n"
		 "retention: { size: 2GiB }\n");
	assert_int_equal(c->cache.ttl_ms, 5400000);
	assert_int_equal(c->cache.max_bytes, 1572864);
	assert_int_equal(c->limits.header_ms, 300);
	assert_int_equal(c->limits.drain_ms, 0);
	assert_int_equal(c->limits.heartbeat_ms, 0);
	assert_int_equal(c->limits.body, 65536);
	assert_int_equal(c->limits.event, 524288);
	assert_int_equal(c->limits.reply, 4000000);
	assert_int_equal(c->limits.client_buffer, 16384);
	assert_int_equal(c->retention_bytes, INT64_C(2) << 30);
	config_drop(&c);
}

static void
listen_has_many_spellings(void **state)
{
	(void)state;
	static const struct {
		const char *text, *host;
		int port;
	} rows[] = {
		{ "127.0.0.1:8080", "127.0.0.1", 8080 },
		{ "localhost:81", "127.0.0.1", 81 },
		{ ":82", "127.0.0.1", 82 },
		{ "83", "127.0.0.1", 83 },
		{ "'[::1]:84'", "::1", 84 },
		{ "0.0.0.0:0", "0.0.0.0", 0 },
		{ "'[::]:65535'", "::", 65535 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[64];
		snprintf(text, sizeof text, "listen: %s\n", rows[i].text);
		struct config *c = good(text);
		assert_string_equal(c->listen_host, rows[i].host);
		assert_int_equal(c->listen_port, rows[i].port);
		config_drop(&c);
	}
}

static void
environment_stands_anywhere_in_a_text(void **state)
{
	(void)state;
	setenv("FARTHING_TEST_WORD", "data", 1);
	struct config *c = good("database: /var/${FARTHING_TEST_WORD}/x-${FARTHING_TEST_NONE:-y}-$${z}.db\n"
				"cache: ${FARTHING_TEST_NONE:-off}\n"
				"limits: { body: '${FARTHING_TEST_NONE:-2}MiB' }\n");
	assert_string_equal(c->database, "/var/data/x-y-${z}.db");
	assert_false(c->cache.exact);
	assert_int_equal(c->limits.body, 2 << 20);
	config_drop(&c);
}

static void
secrets_come_from_files_and_credentials(void **state)
{
	(void)state;
	char path[64], text[256];
	write_file(path, "sk-in-a-file\n");
	setenv("CREDENTIALS_DIRECTORY", "/tmp", 1);
	snprintf(text, sizeof text,
	    "upstreams: { openai: { api_key: 'file:%s' } }\nadmin: { key: 'credential:%s' }\n", path,
	    path + strlen("/tmp/"));
	struct config *c = good(text);
	unlink(path);
	assert_string_equal(c->upstreams[0].api_key, "sk-in-a-file");
	assert_string_equal(c->admin_key, "sk-in-a-file");
	config_drop(&c);
}

static void
database_of_the_command_line_wins(void **state)
{
	(void)state;
	struct config_problem *problems;
	struct config *c = config_parse("t.yaml", STR("database: a.db"), "b.db", &problems);
	assert_null(problems);
	assert_string_equal(c->database, "b.db");
	config_drop(&c);
}

static void
tree_lives_until_its_last_holder_drops_it(void **state)
{
	(void)state;
	struct config *c = good("listen: '81'"), *mine = c;
	config_hold(c);
	config_drop(&c);
	assert_null(c);
	assert_int_equal(mine->listen_port, 81);
	config_drop(&mine);
	config_drop(&mine);
}

static void
file_is_loaded_from_disk(void **state)
{
	(void)state;
	char path[64];
	struct config_problem *problems;
	write_file(path,
	    "hosts: [gateway.example, '::1']\nlog: { level: debug, format: json }\nmode: observe\n"
	    "listen_with_old_libmicrohttpd: true\nbudget: { mode: estimate }\n");
	struct config *c = config_load(path, NULL, &problems);
	unlink(path);
	assert_null(problems);
	assert_string_equal(c->path, path);
	assert_int_equal(c->host_count, 2);
	assert_string_equal(c->hosts[0], "gateway.example");
	assert_int_equal(c->log_level, LOG_DEBUG);
	assert_true(c->log_json && c->old_libmicrohttpd);
	assert_int_equal(c->mode, MODE_OBSERVE);
	assert_false(c->budget.strict);
	config_drop(&c);
}

/* Where the gateway has them from systemd, a tool in a shell has none; and it needs none. */
static void
tools_go_without_secrets_but_not_without_the_rest(void **state)
{
	(void)state;
	char path[64];
	struct config_problem *problems;
	write_file(path,
	    "upstreams:\n  one: { base_url: 'https://one.example/v1', api_key: 'credential:one' }\n"
	    "  two: { base_url: 'https://two.example/v1', api_key: 'file:/nowhere/two' }\n"
	    "  three: { base_url: 'https://three.example/v1', api_key: '${FARTHING_TEST_WORD}' }\n"
	    "  four: { base_url: 'https://four.example/v1', api_key: sk-plain }\n"
	    "alerts: { webhook: 'credential:webhook' }\nadmin: { key: 'file:/nowhere/admin' }\n");
	assert_null(config_load(path, NULL, &problems));
	int count = 0;
	for (const struct config_problem *p = problems; p != NULL; p = p->next)
		count++;
	assert_int_equal(count, 5);
	config_problems_free(&problems);
	struct config *c = config_load_without_secrets(path, NULL, &problems);
	unlink(path);
	assert_null(problems);
	assert_non_null(c);
	for (int i = 0; i < 3; i++)
		assert_string_equal(c->upstreams[i].api_key, "");
	assert_string_equal(c->upstreams[3].api_key, "sk-plain");
	assert_string_equal(c->alerts.webhook, "");
	assert_string_equal(c->admin_key, "");
	config_drop(&c);

	static const char *const wrong[] = { "database: '${FARTHING_TEST_WORD}'\n",
		"admin: { key: '${FARTHING TEST}' }\n", "admin: { key: '${FARTHING_TEST' }\n",
		"admin: { key: 'credential:../x' }\n", "admin: { key: 'file:' }\n", "admin: { key: 'a b' }\n",
		"admin: { kex: x }\n", "alerts: { webhook: 'ftp://x.example' }\n" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		write_file(path, wrong[i]);
		c = config_load_without_secrets(path, NULL, &problems);
		unlink(path);
		if (c != NULL)
			fail_msg("passes: %s", wrong[i]);
		config_problems_free(&problems);
	}
}

static void
time_zone_of_the_system_is_taken(void **state)
{
	(void)state;
	if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0)
		skip(); /* a machine without the rules has UTC only */
	struct config *c = good("budget: { timezone: Europe/Berlin }");
	assert_string_equal(c->budget.timezone, "Europe/Berlin");
	assert_string_equal(c->tasks[0].budget.timezone, "Europe/Berlin");
	config_drop(&c);
}

static void
usual_file_is_found_in_the_working_directory(void **state)
{
	(void)state;
	char folder[] = "/tmp/farthing-test-XXXXXX", before[4096];
	struct config_problem *problems;
	assert_non_null(mkdtemp(folder));
	assert_non_null(getcwd(before, sizeof before));
	assert_int_equal(chdir(folder), 0);
	FILE *f = fopen("farthing.yaml", "w");
	fputs("listen: 4711\n", f);
	fclose(f);
	struct config *c = config_load(NULL, NULL, &problems);
	unlink("farthing.yaml");
	assert_int_equal(chdir(before), 0);
	rmdir(folder);
	assert_null(problems);
	assert_string_equal(c->path, "./farthing.yaml");
	assert_int_equal(c->listen_port, 4711);
	config_drop(&c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, clean_environment, clean_environment)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(defaults_need_no_file),
		T(default_upstream_is_openai),
		T(default_stages_are_the_documented_ones),
		T(openai_base_url_moves_the_built_in_upstream),
		T(key_of_the_environment_goes_to_openai_only),
		T(example_of_the_interface_means_what_it_says),
		T(shipped_file_is_good_and_is_the_defaults),
		T(catalogue_fills_what_a_model_leaves_out),
		T(models_of_the_catalogue_are_served_unlisted),
		T(first_upstream_serves_when_none_is_called_openai),
		T(without_catalogue_only_listed_models_are_served),
		T(free_is_a_price_and_unknown_is_none),
		T(unknown_discount_is_no_discount),
		T(model_has_every_key),
		T(upstream_has_every_key),
		T(embedding_is_built_in_or_a_model_of_a_providers),
		T(task_overrides_what_it_names_only),
		T(unknown_task_is_the_default),
		T(stages_can_be_switched_off),
		T(capture_is_on_when_it_is_described),
		T(limits_of_money_may_be_lifted),
		T(durations_and_sizes_have_units),
		T(listen_has_many_spellings),
		T(environment_stands_anywhere_in_a_text),
		T(secrets_come_from_files_and_credentials),
		T(database_of_the_command_line_wins),
		T(tree_lives_until_its_last_holder_drops_it),
		T(file_is_loaded_from_disk),
		T(tools_go_without_secrets_but_not_without_the_rest),
		T(time_zone_of_the_system_is_taken),
		T(usual_file_is_found_in_the_working_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
