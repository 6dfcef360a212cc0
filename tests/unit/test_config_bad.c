/*
 * Bad configurations: one row a mistake, with the line and the key that must be told and a word of the reason.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"

struct mistake {
	const char *text;
	int line;
	const char *key;
	const char *word; /* stands in the problem's text */
};

static const struct mistake mistakes[] = {
	/* YAML */
	{ "listen: 1\nlisten: 2\n", 2, "listen", "twice" },
	{ "cache:\n  ttl: 1h\n  ttl: 2h\n", 3, "cache.ttl", "twice" },
	{ "a: &x 1\n", 1, "", "anchors" },
	{ "listen: 1\nmode: *x\n", 2, "", "anchors" },
	{ "mode: !!str observe\n", 1, "", "tags" },
	{ "listen: 1\n---\nlisten: 2\n", 2, "", "second document" },
	{ "listen: [1\nmode: x\n", 2, "", "not valid YAML" },
	{ "listen:\n\t- 1\n", 2, "", "not valid YAML" },
	{ "? [a, b]\n: 1\n", 1, "", "key must be" },
	{ "a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", 1, "", "deep" },
	{ "database: \"a\\0b\"\n", 1, "", "NUL" },
	{ "- a\n- b\n", 1, "", "map of keys" },
	{ "just words\n", 1, "", "map of keys" },
	/* keys */
	{ "\nlisen: 1\n", 2, "lisen", "did you mean listen?" },
	{ "cache: { tll: 1h }\n", 1, "cache.tll", "did you mean ttl?" },
	{ "models:\n  gpt-4o:\n    inptu_usd: 1\n", 3, "models.gpt-4o.inptu_usd", "did you mean input_usd?" },
	{ "upstreams:\n  openai:\n    timeouts: { conect: 1s }\n", 3, "upstreams.openai.timeouts.conect",
	    "connect?" },
	{ "entirely_different: 1\n", 1, "entirely_different", "unknown" },
	{ "tasks: { x: { capture: off } }\n", 1, "tasks.x.capture", "unknown" },
	{ "ttl: 1h\n", 1, "ttl", "belongs in cache.ttl" },
	{ "api_key: k\n", 1, "api_key", "belongs in upstreams.NAME.api_key" },
	{ "tasks:\n  x:\n    budget: { timezone: UTC }\n", 3, "tasks.x.budget.timezone", "not for one" },
	{ "tasks: { x: { batch: { tasks: [a] } } }\n", 1, "tasks.x.batch.tasks", "not for one" },
	/* shapes */
	{ "listen: [1]\n", 1, "listen", "not a list" },
	{ "mode: { a: 1 }\n", 1, "mode", "not a map" },
	{ "cache: [1]\n", 1, "cache", "map, or off" },
	{ "cache: on\n", 1, "cache", "map, or off" },
	{ "limits: off\n", 1, "limits", "needs a map" },
	{ "database:\n", 1, "database", "not nothing" },
	{ "hosts: a.example\n", 1, "hosts", "list" },
	{ "hosts: [a, { b: c }]\n", 1, "hosts", "plain texts" },
	{ "models: [a]\n", 1, "models", "map" },
	{ "models: { 'a b': { free: true } }\n", 1, "models.a b", "no name" },
	{ "models: { auto: { free: true } }\n", 1, "models.auto", "router" },
	/* values */
	{ "cache: { exact: maybe }\n", 1, "cache.exact", "true or false" },
	{ "cache: { ttl: 5 }\n", 1, "cache.ttl", "unit" },
	{ "cache: { ttl: 5 parsecs }\n", 1, "cache.ttl", "unit" },
	{ "cache: { ttl: 1h30m }\n", 1, "cache.ttl", "unit" },
	{ "cache: { ttl: -5s }\n", 1, "cache.ttl", "unit" },
	{ "cache: { ttl: 99999999999999999999s }\n", 1, "cache.ttl", "unit" },
	{ "limits: { body: 8Mb }\n", 1, "limits.body", "size" },
	{ "limits: { body: 1GiB }\n", 1, "limits.body", "1KiB to 64MiB" },
	{ "limits: { depth: 1000000 }\n", 1, "limits.depth", "8 to 512" },
	{ "limits: { depth: 1.5 }\n", 1, "limits.depth", "whole number" },
	{ "cache: { similarity: 0.3 }\n", 1, "cache.similarity", "0 or from 0.5 to 1" },
	{ "cache: { similarity: 85 }\n", 1, "cache.similarity", "0.5 to 1" },
	{ "cache: { similarity: 1e-1 }\n", 1, "cache.similarity", "number such as" },
	{ "quality: { target: -0.1 }\n", 1, "quality.target", "number such as" },
	{ "mode: optimize\n", 1, "mode", "one of optimise, observe" },
	{ "log: { level: loud }\n", 1, "log.level", "debug, info" },
	{ "batch: { size: 1 }\n", 1, "batch.size", "2 to 64" },
	{ "workers: 0\n", 1, "workers", "1 to 16" },
	/* More than the breaker's ring holds: it was taken, and then an assertion ended the gateway. */
	{ "upstreams: { openai: { circuit: { failures: 65 } } }\n", 1, "upstreams.openai.circuit.failures",
	    "1 to 64" },
	{ "limits: { event: 2MiB, stream: 1MiB }\n", 1, "limits.event", "above" },
	/* addresses */
	{ "listen: example.com:80\n", 1, "listen", "no name" },
	{ "listen: 127.0.0.1\n", 1, "listen", "port" },
	{ "listen: 127.0.0.1:65536\n", 1, "listen", "65535" },
	{ "listen: '::1'\n", 1, "listen", "brackets" },
	{ "listen: '*:80'\n", 1, "listen", "0.0.0.0" },
	{ "hosts: ['http://x']\n", 1, "hosts", "without scheme" },
	/* upstreams */
	{ "upstreams: {}\n", 1, "upstreams", "empty" },
	{ "upstreams:\n  a: {}\n", 2, "upstreams.a.base_url", "missing" },
	{ "upstreams: { a: { base_url: ftp://x/v1 } }\n", 1, "upstreams.a.base_url", "https://" },
	{ "upstreams: { a: { base_url: 'https:///v1' } }\n", 1, "upstreams.a.base_url", "host" },
	{ "upstreams: { a: { base_url: 'https://x:0/v1' } }\n", 1, "upstreams.a.base_url", "port" },
	{ "upstreams: { a: { base_url: 'https://u:p@x/v1' } }\n", 1, "upstreams.a.base_url", "password" },
	{ "upstreams: { a: { base_url: 'https://x/v1?k=1' } }\n", 1, "upstreams.a.base_url", "query" },
	{ "upstreams: { a: { base_url: 'https://x/../v1' } }\n", 1, "upstreams.a.base_url", "path" },
	{ "upstreams: { a: { base_url: 'https://x/v1/chat/completions' } }\n", 1, "upstreams.a.base_url",
	    "leave out" },
	{ "upstreams:\n  a:\n    base_url: http://x.example/v1\n", 3, "upstreams.a.base_url", "insecure" },
	{ "upstreams: { a: { base_url: 'http://127.0.0.1:8080/v1' } }\n", 1, "upstreams.a.base_url",
	    "own address" },
	{ "listen: '[::1]:81'\nupstreams: { a: { base_url: 'http://[::1]:81/v1' } }\n", 2,
	    "upstreams.a.base_url", "own address" },
	{ "upstreams: { openai: { ca_file: /nowhere/ca.pem } }\n", 1, "upstreams.openai.ca_file",
	    "cannot be read" },
	{ "upstreams: { openai: { proxy: proxy:3128 } }\n", 1, "upstreams.openai.proxy", "socks5" },
	{ "upstreams: { openai: { http: 3 } }\n", 1, "upstreams.openai.http", "auto, 1.1, 2" },
	{ "upstreams: { openai: { retry: { attempts: 0 } } }\n", 1, "upstreams.openai.retry.attempts",
	    "1 to 10" },
	{ "upstreams: { openai: { retry: { backoff: 9s } } }\n", 1, "upstreams.openai.retry.backoff",
	    "above" },
	{ "upstreams: { openai: { organization: \"a\\nb\" } }\n", 1, "upstreams.openai.organization",
	    "header" },
	/* secrets and environment */
	{ "database: ${FARTHING_TEST_NONE}\n", 1, "database", "FARTHING_TEST_NONE" },
	{ "upstreams:\n  openai: { api_key: '${OPENAI_API_KEY}' }\n", 2, "upstreams.openai.api_key",
	    "OPENAI_API_KEY" },
	{ "database: ${FARTHING_TEST\n", 1, "database", "without its }" },
	{ "database: ${1 2}\n", 1, "database", "no variable's name" },
	{ "admin: { key: 'file:/nowhere/key' }\n", 1, "admin.key", "/nowhere/key" },
	{ "admin: { key: 'file:/tmp' }\n", 1, "admin.key", "plain file" },
	{ "admin: { key: 'file:' }\n", 1, "admin.key", "no file" },
	{ "admin: { key: 'credential:x' }\n", 1, "admin.key", "CREDENTIALS_DIRECTORY" },
	{ "admin: { key: 'two words' }\n", 1, "admin.key", "cannot be in a key" },
	/* models and prices */
	{ "models: { gpt-4o: { upstream: opnai } }\n", 1, "models.gpt-4o.upstream", "did you mean openai?" },
	{ "models: { gpt-4o: { input_usd: -1 } }\n", 1, "models.gpt-4o.input_usd", "negative" },
	{ "models: { gpt-4o: { input_usd: 2500000 } }\n", 1, "models.gpt-4o.input_usd",
	    "prices are per million tokens" },
	{ "models: { gpt-4o: { input_usd: 0.0000025 } }\n", 1, "models.gpt-4o.input_usd",
	    "prices are per million tokens" },
	{ "models: { gpt-4o: { output_usd: 1.0e-05 } }\n", 1, "models.gpt-4o.output_usd",
	    "prices are per million tokens" },
	{ "models: { gpt-4o: { output_usd: ten } }\n", 1, "models.gpt-4o.output_usd", "dollars per million" },
	{ "models: { gpt-4o: { input_usd: 1, cached_input_usd: 2 } }\n", 1, "models.gpt-4o.cached_input_usd",
	    "above" },
	{ "models: { x: { input_usd: 1 } }\n", 1, "models.x.output_usd", "missing" },
	{ "models: { x: { free: true, output_usd: 1 } }\n", 1, "models.x.free", "one or the other" },
	{ "models: { gpt-4o: { output_usd: 0.009 } }\n", 1, "models.gpt-4o.output_usd",
	    "off the catalogue's" },
	{ "models: { gpt-4o-mini: { input_usd: 151, output_usd: 1 } }\n", 1, "models.gpt-4o-mini.input_usd",
	    "dollars per million tokens" },
	{ "models: { x: { input_usd: 1001, output_usd: 1 } }\n", 1, "models.x.input_usd", "too high" },
	{ "models: { x: { input_usd: 1, output_usd: 0.00009 } }\n", 1, "models.x.output_usd", "too low" },
	{ "models: { x: { input_usd: 1, output_usd: 2, batch_input_usd: 1.5 } }\n", 1,
	    "models.x.batch_input_usd", "above" },
	{ "models: { x: { input_usd: 1, output_usd: 2, batch_output_usd: 2.5 } }\n", 1,
	    "models.x.batch_output_usd", "above" },
	{ "models: { x: { input_usd: 1, output_usd: 2, fee_usd: -1 } }\n", 1, "models.x.fee_usd",
	    "negative" },
	{ "models: { x: { input_usd: 1, output_usd: 2, fee_usd: off } }\n", 1, "models.x.fee_usd",
	    "amount in dollars" },
	{ "models: { x: { input_usd: 1, output_usd: 2, fee_usd: 101 } }\n", 1, "models.x.fee_usd",
	    "0 to 100" },
	{ "models: { x: { prices: { from: 2026-01-01 } } }\n", 1, "models.x.prices", "list" },
	{ "models: { x: { prices: [1] } }\n", 1, "models.x.prices", "maps" },
	{ "models:\n  x:\n    prices:\n      - { input_usd: 1, output_usd: 2 }\n", 4, "models.x.prices.from",
	    "when" },
	{ "models: { x: { prices: [{ from: 2026-01-01, output_usd: 2 }] } }\n", 1,
	    "models.x.prices.input_usd", "missing" },
	{ "models: { x: { prices: [{ from: 2026-01-01, input_usd: 2 }] } }\n", 1,
	    "models.x.prices.output_usd", "missing" },
	{ "models: { x: { prices: [{ from: 2026-02-29, input_usd: 1, output_usd: 2 }] } }\n", 1,
	    "models.x.prices.from", "date such as" },
	{ "models: { x: { prices: [{ from: 2026-01-01T24:00:00Z, input_usd: 1, output_usd: 2 }] } }\n", 1,
	    "models.x.prices.from", "date such as" },
	{ "models: { x: { prices: [{ from: 2026-01-01T12:00:00, input_usd: 1, output_usd: 2 }] } }\n", 1,
	    "models.x.prices.from", "date such as" },
	{ "models: { x: { prices: [{ from: 2026-01-01, inputs_usd: 1, input_usd: 1, output_usd: 2 }] } }\n",
	    1, "models.x.prices.inputs_usd", "did you mean input_usd?" },
	{ "models: { x: { prices: [{ from: 2026-01-01, from: 2026-01-02, input_usd: 1, output_usd: 2 }] } "
	  "}\n",
	    1, "models.x.prices.from", "twice" },
	{ "models:\n  gpt-4o:\n    prices:\n      - { from: 2026-01-01, input_usd: 1, output_usd: 2 }\n"
	  "      - { from: 2026-01-01T00:00:00Z, input_usd: 1, output_usd: 3 }\n",
	    5, "models.gpt-4o.prices", "begin at one time" },
	{ "models: { gpt-4o: { prices: [{ from: 2026-01-01, input_usd: 0.0025, output_usd: 0.009 }] } }\n", 1,
	    "models.gpt-4o.prices.output_usd", "off the catalogue's" },
	{ "models: { x: { free: true, prices: [{ from: 2026-01-01, input_usd: 1, output_usd: 2 }] } }\n", 1,
	    "models.x.free", "one or the other" },
	{ "models: { x: { kind: image } }\n", 1, "models.x.kind", "chat, completion, embedding" },
	{ "models:\n  gpt-4o:\n    fallbacks:\n      - gpt-4o-mni\n", 4, "models.gpt-4o.fallbacks",
	    "gpt-4o-mini?" },
	{ "models: { gpt-4o: { fallbacks: [gpt-4o] } }\n", 1, "models.gpt-4o.fallbacks", "circle" },
	{ "models: { gpt-4o: { fallbacks: gpt-4o-mini } }\n", 1, "models.gpt-4o.fallbacks", "list" },
	{ "models: { gpt-4o: { fallbacks: [o1, o1] } }\n", 1, "models.gpt-4o.fallbacks", "twice" },
	{ "models:\n  a: { free: on, fallbacks: [b] }\n  b: { free: on, fallbacks: [c] }\n  c: { free: on, "
	  "fallbacks: [a] }\n",
	    4, "models.c.fallbacks", "circle: a leads back to c" },
	{ "models: { e: { kind: embedding, free: true, fallbacks: [gpt-4o] } }\n", 1, "models.e.fallbacks",
	    "kind" },
	{ "catalogue: false\n", 0, "models", "no model" },
	{ "catalogue: sometimes\n", 1, "catalogue", "true or false" },
	/* stages */
	{ "routing:\n  thresholds: { simple: 0.8 }\n", 2, "routing.thresholds", "order" },
	{ "routing:\n  reroute: [auto, gpt-4oo]\n", 2, "routing.reroute", "`gpt-4oo`" },
	{ "tasks:\n  x:\n    routing: { thresholds: { moderate: 0.1 } }\n", 3, "tasks.x.routing.thresholds",
	    "order" },
	{ "routing: { tiers: { simple: gpt-4o-mnii } }\n", 1, "routing.tiers.simple", "did you mean" },
	{ "routing: { tasks: { a: medium } }\n", 1, "routing.tasks.a", "simple, moderate, complex" },
	{ "routing: { reroute: ['a b'] }\n", 1, "routing.reroute", "no name" },
	{ "quality: { judge_model: text-embedding-3-small }\n", 1, "quality.judge_model", "does not chat" },
	{ "cache: { embedding: { model: gpt-4o } }\n", 1, "cache.embedding.model", "makes no embeddings" },
	{ "cache: { embedding: { model: text-embedding-3-small, dimensions: 200 } }\n", 1,
	    "cache.embedding.dimensions", "multiple of 32" },
	{ "cache: { embedding: { model: text-embedding-3-small, dimensions: 96 } }\n", 1,
	    "cache.embedding.dimensions", "128" },
	{ "tasks: { a: { cache: { embedding: { dimensions: 256 } } } }\n", 1, "tasks.a.cache.embedding.model",
	    "is missing" },
	{ "cache: { embedding: off }\n", 1, "cache.embedding", "needs a map, or builtin" },
	{ "cache: builtin\n", 1, "cache", "needs a map, or off" },
	{ "budget: { daily_usd: -2 }\n", 1, "budget.daily_usd", "negative" },
	{ "budget: { daily_usd: lots }\n", 1, "budget.daily_usd", "dollars" },
	{ "budget: { timezone: Mars/Olympus }\n", 1, "budget.timezone", "time zone" },
	{ "budget: { timezone: ../../../etc/passwd }\n", 1, "budget.timezone", "time zone" },
	{ "budget: { timezone: zone.tab }\n", 1, "budget.timezone", "time zone" },
	{ "budget: { timezone: /usr/share/zoneinfo/UTC }\n", 1, "budget.timezone", "time zone" },
	{ "budget: { timezone: Europe/../UTC }\n", 1, "budget.timezone", "time zone" },
	{ "budget: { timezone: Europe }\n", 1, "budget.timezone", "time zone" },
	{ "budget: { wait: 2m }\n", 1, "budget.wait", "0 to 1m" },
	{ "budget: { drain: -1s }\n", 1, "budget.drain", "duration" },
	{ "budget: { durability: disk }\n", 1, "budget.durability", "process, power" },
	{ "tasks: { x: { budget: { durability: power } } }\n", 1, "tasks.x.budget.durability",
	    "not for one" },
	{ "tasks: { 'x/y': {} }\n", 1, "tasks.x/y", "no name" },
	{ "batch: { tasks: [a$] }\n", 1, "batch.tasks", "no name" },
	/* projects and alerts */
	{ "projects: [shop]\n", 1, "projects", "map" },
	{ "projects:\n  'my shop': {}\n", 2, "projects.my shop", "no name" },
	{ "projects:\n  shop: { daily_usd: 1 }\n", 2, "projects.shop.daily_usd",
	    "belongs in budget.daily_usd" },
	{ "projects: { shop: { budget: { daily_usd: -1 } } }\n", 1, "projects.shop.budget.daily_usd",
	    "negative" },
	{ "projects: { shop: { budget: { wait: 1s } } }\n", 1, "projects.shop.budget.wait", "unknown here" },
	{ "projects: { shop: {}, shop: {} }\n", 1, "projects.shop", "twice" },
	{ "alerts: { at: 80 }\n", 1, "alerts.at", "list" },
	{ "alerts: { at: [80, 50] }\n", 1, "alerts.at", "rise" },
	{ "alerts: { at: [0] }\n", 1, "alerts.at", "1 to 100" },
	{ "alerts: { at: [101] }\n", 1, "alerts.at", "1 to 100" },
	{ "alerts: { at: [1, 2, 3, 4, 5, 6, 7, 8, 9] }\n", 1, "alerts.at", "more than 8" },
	{ "alerts: { webhook: hooks.example.com }\n", 1, "alerts.webhook", "https://" },
	{ "alerts: { webhook: 'https://u:p@hooks.example.com' }\n", 1, "alerts.webhook", "password" },
	{ "alerts: on\n", 1, "alerts", "map, or off" },
	{ "tasks:\n  x:\n    match:\n      - ok\n      - '(open'\n", 5, "tasks.x.match", "parenthesis" },
	{ "batch: { tasks: all }\n", 1, "batch.tasks", "list" },
};

static void
every_mistake_is_told_where_it_stands(void **state)
{
	(void)state;
	int failures = 0;
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		const struct mistake *m = &mistakes[i];
		struct config_problem *problems = bad(m->text), *p = problems;
		bool as_expected = p->line == m->line && strcmp(p->key, m->key) == 0 &&
				   strstr(p->text, m->word) != NULL && strcmp(p->file, "t.yaml") == 0 &&
				   p->next == NULL;
		if (!as_expected) {
			failures++;
			print_error("%s  wanted %d: %s: ...%s...\n", m->text, m->line, m->key, m->word);
			for (; p != NULL; p = p->next)
				print_error("  found  %d: %s: %s\n", p->line, p->key, p->text);
		}
		config_problems_free(&problems);
		assert_null(problems);
	}
	assert_int_equal(failures, 0);
}

static void
all_mistakes_are_told_in_the_order_of_lines(void **state)
{
	(void)state;
	struct config_problem *problems = bad("mode: x\n"
					      "cache: { ttl: 5, size: 3 }\n"
					      "upstreams: { openai: { http: 9 } }\n"
					      "models: { gpt-4o: { input_usd: -1, upstream: b } }\n"
					      "lisen: 1\n");
	static const int lines[] = { 1, 2, 2, 3, 4, 4, 5 };
	size_t n = 0;
	for (const struct config_problem *p = problems; p != NULL; p = p->next, n++) {
		assert_true(n < sizeof lines / sizeof *lines);
		assert_int_equal(p->line, lines[n]);
	}
	assert_int_equal(n, sizeof lines / sizeof *lines);
	config_problems_free(&problems);
}

static void
secrets_stay_out_of_problems(void **state)
{
	(void)state;
	static const char secret[] = "sk-verysecret";
	setenv("FARTHING_TEST_WORD", secret, 1);
	struct config_problem *problems =
	    bad("upstreams:\n"
		"  a: { base_url: 'https://u:sk-verysecret@x/v1', api_key: 'sk-verysecret x' }\n"
		"  b: { base_url: 'https://x/?k=sk-verysecret', proxy: 'sk-verysecret' }\n"
		"admin: { key: 'sk-verysecret\n\n  x' }\n"
		"listen: sk-verysecret\n"
		"mode: sk-verysecret\n"
		"cache: { ttl: '${FARTHING_TEST_WORD}' }\n"
		"limits: sk-verysecret\n"
		"budget: { timezone: sk-verysecret }\n"
		"routing: { tiers: { simple: sk-verysecret } }\n");
	int count = 0;
	for (const struct config_problem *p = problems; p != NULL; p = p->next, count++) {
		assert_null(strstr(p->text, secret));
		assert_null(strstr(p->key, secret));
	}
	assert_true(count >= 10);
	config_problems_free(&problems);
}

static void
bad_environment_is_told_without_a_file(void **state)
{
	(void)state;
	setenv("OPENAI_BASE_URL", "http://x.example/v1", 1);
	setenv("FARTHING_ADMIN_KEY", "two words", 1);
	struct config_problem *problems;
	assert_null(config_parse("", STR(""), NULL, &problems));
	assert_string_equal(problems->key, "OPENAI_BASE_URL");
	assert_int_equal(problems->line, 0);
	assert_string_equal(problems->next->key, "admin.key");
	assert_null(problems->next->next);
	config_problems_free(&problems);
}

static void
missing_file_is_a_problem(void **state)
{
	(void)state;
	struct config_problem *problems;
	assert_null(config_load("/nowhere/farthing.yaml", NULL, &problems));
	assert_string_equal(problems->file, "/nowhere/farthing.yaml");
	assert_non_null(strstr(problems->text, "cannot be read"));
	config_problems_free(&problems);
	assert_null(config_load("/tmp", NULL, &problems));
	assert_non_null(problems);
	config_problems_free(&problems);
}

static void
file_of_more_than_a_mebibyte_is_refused(void **state)
{
	(void)state;
	size_t n = (1 << 20) + 1;
	char *text = malloc(n + 1);
	assert_non_null(text);
	memset(text, '\n', n);
	text[n] = '\0';
	struct config_problem *problems = bad(text);
	assert_non_null(strstr(problems->text, "1 MiB"));
	config_problems_free(&problems);
	text[n - 1] = '\0';
	struct config *c = good(text);
	config_drop(&c);
	free(text);
}

static void
flood_of_mistakes_is_cut(void **state)
{
	(void)state;
	struct buf b = { 0 };
	for (int i = 0; i < 20000; i++)
		assert_int_equal(buf_printf(&b, "key_%d: 1\n", i), 0);
	struct config_problem *problems = bad(buf_text(&b));
	int count = 0;
	for (const struct config_problem *p = problems; p != NULL; p = p->next)
		count++;
	assert_int_equal(count, 200);
	config_problems_free(&problems);
	buf_free(&b);
}

static void
long_chain_of_fallbacks_is_refused(void **state)
{
	(void)state;
	struct buf b = { 0 };
	assert_int_equal(buf_add(&b, STR("models:\n")), 0);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(
		    buf_printf(&b, "  m%d: { free: true, fallbacks: [m%d] }\n", i, (i + 1) % 5000), 0);
	struct config_problem *problems = bad(buf_text(&b));
	assert_non_null(strstr(problems->text, "chain"));
	config_problems_free(&problems);
	buf_free(&b);
}

static void
problem_cannot_forge_a_line(void **state)
{
	(void)state;
	struct config_problem *problems = bad("\"a\\nb\\e[2J\\x9b\": 1\n");
	assert_string_equal(problems->key, "a?b?[2J??");
	config_problems_free(&problems);
}

#define T(name) cmocka_unit_test_setup_teardown(name, clean_environment, clean_environment)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_mistake_is_told_where_it_stands),
		T(all_mistakes_are_told_in_the_order_of_lines),
		T(secrets_stay_out_of_problems),
		T(bad_environment_is_told_without_a_file),
		T(missing_file_is_a_problem),
		T(file_of_more_than_a_mebibyte_is_refused),
		T(flood_of_mistakes_is_cut),
		T(long_chain_of_fallbacks_is_refused),
		T(problem_cannot_forge_a_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
