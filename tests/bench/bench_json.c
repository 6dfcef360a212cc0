/*
 * What reading a 1.5 KB chat body costs, step by step: microseconds a body, the best of several rounds.
 *
 *      cmake --preset release -DFARTHING_BENCH=ON && cmake --build --preset release && build/release/tests/bench/bench_json
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "core/request.h"

enum { ROUNDS = 15, REPEATS = 4000 };

static const struct model_conf models[] = { { .name = "gpt-4o-mini",
    .upstream_model = "gpt-4o-mini-2024-07-18" } };

/* The benchmark needs no configuration file; where the library has these functions, these go before them. */
const struct model_conf *
config_model(const struct config *c, struct str name)
{
	return str_eq(name, str_from(c->models[0].name)) ? &c->models[0] : NULL;
}

const struct task_conf *
config_task(const struct config *c, struct str name)
{
	(void)name;
	return c->tasks;
}

static struct buf body;
static struct config config;
static struct task_conf task;

static void
make_body(void)
{
	static const char *turns[] = {
		"You are the assistant of a small shop for garden tools. Answer in two sentences, never "
		"promise a date of "
		"delivery, and mention the number of the article when there is one. Prices are in euros.",
		"Hello! I bought the pruning saw (article 4711) last week and the blade is already blunt. It "
		"says \\\"lifelong "
		"sharp\\\" on the packaging. What can I do?\\n\\nI still have the receipt, but the box is "
		"gone.",
		"I am sorry to hear that. Please send us a photograph of the blade of article 4711 together "
		"with the receipt, "
		"and we will look into it; the box is not needed.",
		"Fine, I shall do that tonight. By the way, do you have the longer handle in stock, the one "
		"of 180 cm, and does "
		"it fit the old model from 2019? My neighbour says that the thread was changed in between, "
		"and that there is "
		"an adapter for it, which costs 9 € or so. She bought hers at a fair, and it came with a "
		"small bag of washers.",
	};
	static const char *roles[] = { "system", "user", "assistant", "user" };
	buf_add(&body, STR("{\"model\":\"gpt-4o-mini\",\"messages\":["));
	for (size_t i = 0; i < 4; i++)
		buf_printf(
		    &body, "%s{\"role\":\"%s\",\"content\":\"%s\"}", i > 0 ? "," : "", roles[i], turns[i]);
	buf_add(&body, STR("],\"temperature\":0.7,\"top_p\":1.0,\"max_tokens\":256,\"n\":1,\"stream\":true,"
			   "\"user\":\"u-193\","
			   "\"metadata\":{\"task_type\":\"support\",\"trace\":\"6fd0c1b2\"},\"response_"
			   "format\":{\"type\":"
			   "\"json_schema\",\"json_schema\":{\"name\":\"reply\",\"strict\":true,\"schema\":{"
			   "\"type\":\"object\","
			   "\"properties\":{\"text\":{\"type\":\"string\"},\"article\":{\"type\":\"integer\"}"
			   "},\"required\":["
			   "\"text\"]}}}}"));
}

static double
now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
check(int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "a step failed\n");
	exit(1);
}

static void
step_scan(void)
{
	static struct json j;
	struct json_fault fault;
	check(json_scan(&j, buf_str(&body), JSON_LIMITS, &fault));
}

static void
step_canonical(void)
{
	static struct json j;
	static struct buf out;
	struct json_fault fault;
	check(json_scan(&j, buf_str(&body), JSON_LIMITS, &fault));
	buf_clear(&out);
	check(json_canonical(&j, 0, NULL, NULL, &out));
}

static void
step_key(void)
{
	static struct json j;
	static struct buf out;
	static volatile unsigned char sink;
	struct json_fault fault;
	check(json_scan(&j, buf_str(&body), JSON_LIMITS, &fault));
	buf_clear(&out);
	check(json_canonical(&j, 0, NULL, NULL, &out));
	sink = digest_of(buf_str(&out)).b[0];
	(void)sink;
}

static struct request request;

static void
read_request(void)
{
	struct request_context context = { &config, "key-1", "", "default", "" };
	struct buf copy = { 0 };
	struct err e;
	check(buf_add(&copy, buf_str(&body)));
	check(request_read(&request, ENDPOINT_CHAT, &copy, &context, &e));
}

static void
step_read(void)
{
	read_request();
	request_free(&request);
}

static void
step_seal(void)
{
	static struct buf out;
	buf_clear(&out);
	check(request_seal(&request, &models[0], 0, &out));
}

static void
measure(const char *name, void (*step)(void))
{
	double best = 1e9;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_us();
		for (int i = 0; i < REPEATS; i++)
			step();
		double each = (now_us() - start) / REPEATS;
		best = each < best ? each : best;
	}
	printf("%-28s %6.2f us\n", name, best);
}

int
main(void)
{
	make_body();
	config.models = (struct model_conf *)(uintptr_t)models;
	config.model_count = 1;
	config.tasks = &task;
	config.limits = (struct limits_conf){ .depth = 64, .messages = 2048, .choices = 4 };
	printf("body of %zu bytes\n", body.n);
	measure("scan", step_scan);
	measure("scan, canonical", step_canonical);
	measure("scan, canonical, SHA-256", step_key);
	measure("request_read", step_read);
	read_request();
	measure("request_seal", step_seal);
	request_free(&request);
	buf_free(&body);
	return 0;
}
