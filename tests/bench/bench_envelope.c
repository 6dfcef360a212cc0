/*
 * What five requests of 1.5 KB cost on their way through an envelope, step by step: microseconds, the best of several rounds.
 *
 *      cmake --preset release -DFARTHING_BENCH=ON && cmake --build --preset release && build/release/tests/bench/bench_envelope
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/envelope.h"
#include "cpu_us.h"

enum { ROUNDS = 15, REPEATS = 400, COUNT = 5 };

static const struct model_conf model = { .name = "m", .upstream_model = "gpt-4o-mini", .json_schema = true };

static const struct config config = {
	.models = (struct model_conf *)(uintptr_t)&model,
	.model_count = 1,
	.limits = { .depth = 64, .messages = 8, .choices = 4 },
};

/* The benchmark needs no configuration file; where the library has these functions, these go before them. */
const struct model_conf *
config_model(const struct config *c, struct str name)
{
	(void)name;
	return &c->models[0];
}

const struct task_conf *
config_task(const struct config *c, struct str name)
{
	static const struct task_conf task = { .name = "default" };
	(void)c, (void)name;
	return &task;
}

static struct request requests[COUNT];
static struct bundle bundles[COUNT];
static struct envelope_item items[COUNT];
static struct buf reply;

/* 1.5 KB, with a quote and a line end every fifty bytes. */
static void
add_text(struct buf *out, int seed)
{
	for (int i = 0; i < 27; i++)
		buf_printf(out, "%s \\\"red\\\" cotton shirt %d for men, size L, of 2019\\n",
		    i % 2 == 0 ? "A plain" : "One", 100 + seed * i);
}

static void
make(void)
{
	struct request_context context = { &config, "scope", "", "default", "" };
	struct err e;
	for (int i = 0; i < COUNT; i++) {
		struct buf body = { 0 };
		buf_printf(&body, "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"");
		for (int k = 0; k < 30; k++)
			buf_printf(&body, "Write a title of at most %d words for the product. ", k);
		buf_printf(&body, "\"},{\"role\":\"user\",\"content\":\"");
		add_text(&body, i);
		buf_printf(&body, "\"}]}");
		if (request_read(&requests[i], ENDPOINT_CHAT, &body, &context, &e) != 0)
			abort();
		bundle_read(&requests[i], 1 << 20, &bundles[i]);
		items[i] = (struct envelope_item){ .request = &requests[i], .bundle = &bundles[i] };
	}
	envelope_name(items, COUNT);
	buf_printf(&reply, "{\"answers\":[");
	for (int i = 0; i < COUNT; i++) {
		buf_printf(&reply, "%s{\"id\":\"%s\",\"answer\":\"", i > 0 ? "," : "", items[i].id);
		add_text(&reply, i);
		buf_printf(&reply, "\"}");
	}
	buf_printf(&reply, "]}");
}

static void
seal(void)
{
	struct buf body = { 0 };
	if (envelope_seal(ENVELOPE_SCHEMA, items, COUNT, &body) != 0)
		abort();
	buf_free(&body);
}

static void
split(void)
{
	struct envelope_part parts[COUNT] = { 0 };
	const char *why;
	if (envelope_split(ENVELOPE_SCHEMA, items, COUNT, buf_str(&reply), false, parts, &why) != 0)
		abort();
	for (int i = 0; i < COUNT; i++) {
		if (parts[i].fault != NULL)
			abort();
		buf_free(&parts[i].text);
	}
}

static void
read_bundle(void)
{
	bundle_read(&requests[0], 1 << 20, &bundles[0]);
	if (bundles[0].veto != NULL)
		abort();
}

static void
count_room(void)
{
	struct envelope_count count = envelope_count(ENVELOPE_SCHEMA, &items[0], &model);
	if (envelope_room(ENVELOPE_SCHEMA, &items[0], &count, 100).item_input <= 0)
		abort();
}

static void
measure(const char *name, void step(void))
{
	double best = 1e9;
	for (int round = 0; round < ROUNDS; round++) {
		double start = cpu_us();
		for (int i = 0; i < REPEATS; i++)
			step();
		double each = (cpu_us() - start) / REPEATS;
		best = each < best ? each : best;
	}
	printf("%-28s %8.1f us\n", name, best);
}

int
main(void)
{
	make();
	measure("read the bundle of one", read_bundle);
	measure("count the room of one", count_room);
	measure("seal five", seal);
	measure("split five", split);
	buf_free(&reply);
	for (int i = 0; i < COUNT; i++)
		request_free(&requests[i]);
	return 0;
}
