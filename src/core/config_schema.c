/*
 * The table of keys. A line is: name, type, place, default, least, most, meaning.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_schema.h"

#include <stdio.h>

/* clang-format off */
#define AT(type, field) offsetof(struct type, field)
/* A list and its count are read as one: the count must stand right behind, else this divides by zero. */
#define LIST_AT(type, list, count) (AT(type, list) + 0 / (AT(type, count) == AT(type, list) + sizeof(const char **)))
#define END { .name = NULL }
/* clang-format on */

static bool
flip_escalate(void *target, bool on)
{
	((struct routing_conf *)target)->escalate.on = on;
	return true;
}

static bool
flip_routing(void *target, bool on)
{
	((struct routing_conf *)target)->on = on;
	return true;
}

static bool
flip_cache(void *target, bool on)
{
	struct cache_conf *c = target;
	if (on)
		return false;
	c->exact = false;
	c->similarity = 0;
	return true;
}

static bool
flip_embedding(void *target, bool on)
{
	if (on)
		return false;
	((struct embedding_conf *)target)->model = NULL;
	return true;
}

static bool
flip_dedup(void *target, bool on)
{
	((struct dedup_conf *)target)->on = on;
	return true;
}

static bool
flip_batch(void *target, bool on)
{
	((struct batch_conf *)target)->on = on;
	return true;
}

static bool
flip_budget(void *target, bool on)
{
	struct budget_conf *b = target;
	if (on)
		return false;
	b->request_pico = b->daily_pico = b->weekly_pico = b->monthly_pico = -1;
	return true;
}

static bool
flip_alerts(void *target, bool on)
{
	struct alerts_conf *a = target;
	if (on)
		return false;
	a->share_count = 0;
	a->webhook = "";
	return true;
}

static bool
flip_quality(void *target, bool on)
{
	struct quality_conf *q = target;
	if (on)
		return false;
	q->shadow = q->review = 0;
	q->judge_model = NULL;
	return true;
}

static bool
flip_capture(void *target, bool on)
{
	((struct capture_conf *)target)->on = on;
	return true;
}

static bool
flip_circuit(void *target, bool on)
{
	if (on)
		return false;
	((struct upstream_conf *)target)->circuit_failures = 0;
	return true;
}

/* Most rows end with their meaning; the fields behind it are named where they are set. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off */

static const struct config_key timeout_keys[] = {
	{ "connect", KEY_DURATION, AT(upstream_conf, connect_ms), "5s", "10ms", "5m",
	    "How long connecting may take, name lookup and TLS included." },
	{ "first_byte", KEY_DURATION, AT(upstream_conf, first_byte_ms), "60s", "100ms", "1h",
	    "How long the provider may think before the reply begins. Reasoning models need up to 600s." },
	{ "idle", KEY_DURATION, AT(upstream_conf, idle_ms), "120s", "100ms", "1h",
	    "How long a reply that has begun may pause." },
	{ "total", KEY_DURATION, AT(upstream_conf, total_ms), "600s", "1s", "24h",
	    "How long one attempt may take in all." },
	END
};
static const struct config_section timeouts = { timeout_keys, NULL, false };

static const struct config_key retry_keys[] = {
	{ "attempts", KEY_INT, AT(upstream_conf, attempts), "2", "1", "10",
	    "How often one model may be asked for the same request; each fallback has as many. 1 never asks it again." },
	{ "backoff", KEY_DURATION, AT(upstream_conf, backoff_ms), "500ms", "1ms", "1m",
	    "The pause before the second attempt; it doubles with each further one, with jitter." },
	{ "backoff_max", KEY_DURATION, AT(upstream_conf, backoff_max_ms), "8s", "1ms", "10m",
	    "The longest pause; a `retry-after` that asks for more is not waited for." },
	END
};
static const struct config_section retry = { retry_keys, NULL, false };

static const struct config_key circuit_keys[] = {
	{ "failures", KEY_INT, AT(upstream_conf, circuit_failures), "5", "1", "64", /* CIRCUIT_FAILURES_MAX */
	    "This many failures within the window open the circuit: requests fail at once instead of piling up. 0: never.",
	    .flags = KEY_OR_ZERO },
	{ "window", KEY_DURATION, AT(upstream_conf, circuit_window_ms), "10s", "100ms", "1h",
	    "The time over which failures are counted." },
	{ "open", KEY_DURATION, AT(upstream_conf, circuit_open_ms), "5s", "100ms", "1h",
	    "How long the circuit stays open before one request probes it." },
	END
};
static const struct config_section circuit = { circuit_keys, flip_circuit, false };

static const struct config_key upstream_keys[] = {
	{ "base_url", KEY_URL, AT(upstream_conf, base_url), NULL, NULL, NULL,
	    "Where the API is, `/v1` included. Required, but for an upstream named `openai`, which is "
	    "https://api.openai.com/v1. `http://` is for loopback only, unless `insecure` says otherwise." },
	{ "api_key", KEY_SECRET, AT(upstream_conf, api_key), NULL, NULL, NULL,
	    "The provider's key. An `openai` without `base_url` takes it from OPENAI_API_KEY." },
	{ "organization", KEY_LABEL, AT(upstream_conf, organization), "", NULL, NULL, "Sent as `openai-organization`." },
	{ "project", KEY_LABEL, AT(upstream_conf, project), "", NULL, NULL, "Sent as `openai-project`." },
	{ "ca_file", KEY_FILE, AT(upstream_conf, ca_file), "", NULL, NULL,
	    "A PEM file with the certificate authorities to trust instead of the system's." },
	{ "proxy", KEY_PROXY, AT(upstream_conf, proxy), "", NULL, NULL,
	    "An HTTP or SOCKS proxy to go through. The environment's `http_proxy` is never followed." },
	{ "http", KEY_CHOICE, AT(upstream_conf, http), "auto", NULL, NULL,
	    "The version of HTTP. `auto` is HTTP/2 where the provider speaks it over TLS and libcurl is 8.15 or newer; "
	    "older ones cancel HTTP/2 streams late and let one slow reader stop its neighbours, so that `2` is for those who accept that.",
	    .choices = "auto|1.1|2" },
	{ "insecure", KEY_BOOL, AT(upstream_conf, insecure_http), "false", NULL, NULL,
	    "Allows `http://` beyond loopback: prompts and the key travel in the clear." },
	{ "private", KEY_BOOL, AT(upstream_conf, private_network), "false", NULL, NULL,
	    "Allows the name to resolve to private addresses (10/8, 192.168/16, ...)." },
	{ "timeouts", KEY_SECTION, 0, NULL, NULL, NULL, "Time-outs of one attempt.", .section = &timeouts },
	{ "retry", KEY_SECTION, 0, NULL, NULL, NULL, "When to try again.", .section = &retry },
	{ "circuit", KEY_SECTION, 0, NULL, NULL, NULL, "When to stop trying. May be `off`.", .section = &circuit },
	{ "max_connections", KEY_INT, AT(upstream_conf, max_connections), "0", "1", "65536",
	    "Connections to this upstream at once. 0: no limit of its own.", .flags = KEY_OR_ZERO },
	END
};
const struct config_section config_upstream = { upstream_keys, NULL, false };

/* Of a model, and of each entry of its `prices`. */
#define PRICE_ROWS(type) \
	{ "input_usd", KEY_PRICE, AT(type, price.input), NULL, "0", "1000", \
	    "Dollars per million input tokens. Prices left out come from the catalogue." }, \
	{ "cached_input_usd", KEY_PRICE, AT(type, price.cached_input), NULL, "0", "1000", \
	    "... per million input tokens that the provider had cached. Unknown: as `input_usd`." }, \
	{ "cache_write_usd", KEY_PRICE, AT(type, price.cache_write), NULL, "0", "1000", \
	    "... per million input tokens that the provider writes to its cache. Unknown: as `input_usd`." }, \
	{ "output_usd", KEY_PRICE, AT(type, price.output), NULL, "0", "10000", \
	    "... per million output tokens." }, \
	{ "reasoning_usd", KEY_PRICE, AT(type, price.reasoning), NULL, "0", "10000", \
	    "... per million output tokens that are reasoning. Unknown: as `output_usd`." }, \
	{ "batch_input_usd", KEY_PRICE, AT(type, price.batch_input), NULL, "0", "1000", \
	    "... per million input tokens in the provider's batch tier. Unknown: it has none." }, \
	{ "batch_output_usd", KEY_PRICE, AT(type, price.batch_output), NULL, "0", "10000", \
	    "... per million output tokens in the provider's batch tier." }, \
	{ "training_usd", KEY_PRICE, AT(type, price.training), NULL, "0", "10000", \
	    "... per million tokens of fine-tuning." }, \
	{ "fee_usd", KEY_FEE, AT(type, price.fee), NULL, "0", "100", \
	    "Dollars that every request costs besides its tokens. Left out: nothing." }

static const struct config_key price_keys[] = {
	{ "from", KEY_DATE, AT(dated_price, from_us), NULL, NULL, NULL, "When it came, or comes, into force." },
	PRICE_ROWS(dated_price),
	END
};
const struct config_section config_price_keys = { price_keys, NULL, false };

static const struct config_key model_keys[] = {
	{ "upstream", KEY_UPSTREAM, AT(model_conf, upstream), NULL, NULL, NULL,
	    "The upstream that serves it. Left out: the one named `openai`, else the first." },
	{ "as", KEY_ELSEWHERE, 0, NULL, NULL, NULL, "The provider's name for it. Left out: the same name.", .looks = "text" },
	PRICE_ROWS(model_conf),
	{ "prices", KEY_ELSEWHERE, 0, NULL, NULL, NULL,
	    "Prices of their own times: a list of maps with `from` (`2026-01-01`, or `2026-01-01T12:00:00Z`; UTC) and "
	    "prices as above. The latest one that has begun is in force; the prices beside this list were before the first.",
	    .section = &config_price_keys, .flags = KEY_ALIKE, .looks = "list of maps" },
	{ "free", KEY_BOOL, AT(model_conf, free), "false", NULL, NULL,
	    "It costs nothing (a model of your own). Without this and without a price it is unpriced, and refused." },
	{ "fallbacks", KEY_ELSEWHERE, 0, NULL, NULL, NULL,
	    "Models to ask instead, in this order, when this one's upstream fails.", .looks = "list" },
	{ "context_tokens", KEY_COUNT, AT(model_conf, context_tokens), NULL, "1", "100000000",
	    "The size of its context window. 0: unknown.", .flags = KEY_OR_ZERO },
	{ "max_output_tokens", KEY_COUNT, AT(model_conf, max_output_tokens), NULL, "1", "100000000",
	    "The longest answer it gives. 0: unknown.", .flags = KEY_OR_ZERO },
	{ "kind", KEY_CHOICE, AT(model_conf, kind), NULL, NULL, NULL,
	    "Which endpoint it serves. Left out: the catalogue's, else `chat`.", .choices = "chat|completion|embedding" },
	{ "vision", KEY_BOOL, AT(model_conf, vision), NULL, NULL, NULL, "It reads images." },
	{ "tools", KEY_BOOL, AT(model_conf, tools), NULL, NULL, NULL, "It calls tools." },
	{ "json_schema", KEY_BOOL, AT(model_conf, json_schema), NULL, NULL, NULL, "It keeps to a JSON schema." },
	{ "reasoning", KEY_BOOL, AT(model_conf, reasoning), NULL, NULL, NULL, "It thinks before it answers." },
	END
};
const struct config_section config_model_keys = { model_keys, NULL, false };

static const struct config_key threshold_keys[] = {
	{ "simple", KEY_SHARE, AT(routing_conf, simple), "0.3", "0", "1", "A score up to this is simple." },
	{ "moderate", KEY_SHARE, AT(routing_conf, moderate), "0.7", "0", "1",
	    "A score up to this is moderate, anything above is complex. Not below `simple`." },
	END
};
static const struct config_section thresholds = { threshold_keys, NULL, false };

static const struct config_key tier_keys[] = {
	{ "simple", KEY_MODEL, AT(routing_conf, tiers[TIER_SIMPLE]), "gpt-4o-mini", NULL, NULL,
	    "The model for simple requests." },
	{ "moderate", KEY_MODEL, AT(routing_conf, tiers[TIER_MODERATE]), "gpt-4o-mini", NULL, NULL,
	    "The model for moderate requests." },
	{ "complex", KEY_MODEL, AT(routing_conf, tiers[TIER_COMPLEX]), "gpt-4o", NULL, NULL,
	    "The model for complex requests." },
	END
};
static const struct config_section tiers = { tier_keys, NULL, false };

/* In the order of enum demand_kind. */
static const struct config_key check_keys[] = {
	{ "json", KEY_BOOL, AT(routing_conf, escalate.checks[DEMAND_JSON]), "true", NULL, NULL,
	    "That it is JSON, where JSON was asked for." },
	{ "schema", KEY_BOOL, AT(routing_conf, escalate.checks[DEMAND_SCHEMA]), "true", NULL, NULL,
	    "That it keeps the schema that was asked for." },
	{ "code", KEY_BOOL, AT(routing_conf, escalate.checks[DEMAND_CODE]), "true", NULL, NULL,
	    "That code which was asked for can be read as such." },
	{ "length", KEY_BOOL, AT(routing_conf, escalate.checks[DEMAND_LENGTH]), "true", NULL, NULL,
	    "That it has the words, characters or items that were asked for." },
	{ "language", KEY_BOOL, AT(routing_conf, escalate.checks[DEMAND_LANGUAGE]), "true", NULL, NULL,
	    "That it is in the language that was asked for." },
	{ "arithmetic", KEY_BOOL, AT(routing_conf, escalate.checks[DEMAND_ARITHMETIC]), "true", NULL, NULL,
	    "That it says nothing false of two numbers it names (9.11 is greater than 9.9)." },
	{ "refusal", KEY_BOOL, AT(routing_conf, escalate.checks[DEMAND_REFUSAL]), "true", NULL, NULL,
	    "That it is no refusal." },
	{ "cut", KEY_BOOL, AT(routing_conf, escalate.checks[DEMAND_WHOLE]), "true", NULL, NULL,
	    "That it is neither empty nor cut off." },
	END
};
static const struct config_section checks = { check_keys, NULL, false };

static const struct config_key escalate_keys[] = {
	{ "on", KEY_BOOL, AT(routing_conf, escalate.on), "true", NULL, NULL, "Whether cheap answers are checked at all." },
	{ "streams", KEY_BOOL, AT(routing_conf, escalate.streams), "false", NULL, NULL,
	    "Streams too: what is checked is held back until its end." },
	{ "checks", KEY_SECTION, 0, NULL, NULL, NULL, "What an answer is checked for.", .section = &checks },
	{ "confidence", KEY_SHARE, AT(routing_conf, escalate.confidence), "0", "0.01", "1",
	    "The least mean probability of an answer's tokens, for which `logprobs` are asked of the provider. 0: not asked for.",
	    .flags = KEY_OR_ZERO },
	{ "spend", KEY_SHARE, AT(routing_conf, escalate.spend), "0.4", "0.01", "1",
	    "What a task's checked answers may cost together, as a share of always asking the dear model: no failing one is asked again "
	    "beyond it. 0: no limit.",
	    .flags = KEY_OR_ZERO },
	END
};
static const struct config_section escalate = { escalate_keys, flip_escalate, false };

static const struct config_key routing_keys[] = {
	{ "on", KEY_BOOL, AT(routing_conf, on), "true", NULL, NULL, "Whether the router decides at all." },
	{ "thresholds", KEY_SECTION, 0, NULL, NULL, NULL, "Where the tiers begin.", .section = &thresholds },
	{ "tiers", KEY_SECTION, 0, NULL, NULL, NULL, "Which model serves which tier.", .section = &tiers },
	{ "reroute", KEY_NAMES, LIST_AT(routing_conf, reroute, reroute_count), "auto, gpt-4o", NULL, NULL,
	    "The model names a client may send that the router decides; all others pass as asked." },
	{ "learn", KEY_BOOL, AT(routing_conf, learn), "true", NULL, NULL,
	    "Whether a task's outcomes move its choice of model: the cheapest one that certainly meets `quality.target`." },
	{ "explore", KEY_SHARE, AT(routing_conf, explore), "0.01", "0", "0.2",
	    "The share of a task's requests that in the long run try a model of which little is known, or which does not do well. No cap: a "
	    "young task spends at once what 20,000 requests would, and a model that does well is tried more, within the bound of "
	    "docs/routing-learning.md. 0: none." },
	{ "explore_spend", KEY_SHARE, AT(routing_conf, explore_spend), "0.02", "0", "1",
	    "What trying dearer models may add to a task's cost, as a share of it." },
	{ "session", KEY_DURATION, AT(routing_conf, session_ms), "1h", "1s", "30d",
	    "How long a conversation stays with the model that began it; it moves only to a dearer one. 0: it may move each time.",
	    .flags = KEY_OR_ZERO },
	{ "moderate_suffix", KEY_TEXT, AT(routing_conf, moderate_suffix), "", NULL, NULL,
	    "Text that is added to the system prompt of moderate requests that the router decides. Empty: none." },
	{ "escalate", KEY_SECTION, 0, NULL, NULL, NULL,
	    "Cheap answers that fail a check are asked again of the dear model, once, before the client sees them. May be `off`.",
	    .section = &escalate },
	{ "tasks", KEY_ELSEWHERE, 0, NULL, NULL, NULL, "A fixed tier for a task: `{ product_title: simple }`.",
	    .flags = KEY_GLOBAL, .looks = "map of words" },
	END
};
static const struct config_section routing = { routing_keys, flip_routing, false };

static const struct config_key field_keys[] = {
	{ "must_match", KEY_NAMES, LIST_AT(fields_conf, must_match, must_match_count), NULL, NULL, NULL,
	    "Fields that must be equal." },
	{ "text", KEY_NAMES, LIST_AT(fields_conf, text, text_count), NULL, NULL, NULL,
	    "Fields whose texts are compared by what they say, as prompts are." },
	{ "ignore", KEY_NAMES, LIST_AT(fields_conf, ignore, ignore_count), NULL, NULL, NULL,
	    "Fields that do not matter." },
	{ "bucket", KEY_ELSEWHERE, 0, NULL, NULL, NULL,
	    "Fields whose numbers must fall into one range: `{ price: 50 }` has ranges of 50 from 0 on, `{ price: [20, 100] }` "
	    "those below, between and from these bounds on.", .looks = "map of numbers" },
	END
};
static const struct config_section cache_fields = { field_keys, NULL, false };

static const struct config_key embedding_keys[] = {
	{ "model", KEY_MODEL, AT(embedding_conf, model), NULL, NULL, NULL,
	    "A model of the kind `embedding`. What of a prompt is compared is sent to its upstream, and paid like any request.",
	    .flags = KEY_EMBEDS },
	{ "dimensions", KEY_INT, AT(embedding_conf, dimensions), "512", "128", "1024",
	    "How many numbers are asked of it: a multiple of 32. A reply with another number of them is not used." },
	{ "timeout", KEY_DURATION, AT(embedding_conf, timeout_ms), "1s", "10ms", "10s",
	    "How long a request waits for the embedding of its prompt. After that it is asked without looking for similar ones." },
	END
};
static const struct config_section embedding = { embedding_keys, flip_embedding, false, "builtin" };

static const struct config_key cache_keys[] = {
	{ "exact", KEY_BOOL, AT(cache_conf, exact), "true", NULL, NULL, 
	    "Answers equal requests from memory. `false` alone switches `similarity` off with it; with a `similarity` beside it, "
	    "equal requests are answered as the most similar ones." },
	{ "similarity", KEY_SHARE, AT(cache_conf, similarity), "0.85", "0.5", "1",
	    "Answers similar requests too, from this similarity on. 0: never.", .flags = KEY_OR_ZERO },
	{ "wrong_hits", KEY_SHARE, AT(cache_conf, wrong_hits), "0.01", "0.0001", "0.5",
	    "How many of the similar hits may be wrong: a task that does worse serves fewer of them." },
	{ "checks", KEY_SHARE, AT(cache_conf, checks), "0.02", "0", "1",
	    "How many of the similar hits are asked again in the background, to measure how many are wrong. They cost money." },
	{ "conversations", KEY_BOOL, AT(cache_conf, conversations), "false", NULL, NULL,
	    "Similarity for requests with earlier turns or tools as well; else those meet equal ones only." },
	{ "fields", KEY_SECTION, AT(cache_conf, fields), NULL, NULL, NULL,
	    "How a JSON object within a prompt is compared, field by field. Fields of no list must be equal, but for texts of "
	    "several words, which are compared by what they say.", .section = &cache_fields },
	{ "embedding", KEY_SECTION, AT(cache_conf, embedding), "builtin", NULL, NULL,
	    "What finds prompts that may be similar. `builtin` needs no network; a map names a model of a provider's.",
	    .section = &embedding },
	{ "ttl", KEY_DURATION, AT(cache_conf, ttl_ms), "1h", "1s", "365d", "How long an answer is kept." },
	{ "max_entries", KEY_COUNT, AT(cache_conf, max_entries), "100000", "1", "10000000", "How many answers are kept." },
	{ "max_size", KEY_SIZE, AT(cache_conf, max_bytes), "64MiB", "64KiB", "1TiB", "How much memory they may take." },
	{ "max_entry", KEY_SIZE, AT(cache_conf, max_entry_bytes), "256KiB", "1KiB", "64MiB", "The largest answer that is kept." },
	{ "persistent", KEY_BOOL, AT(cache_conf, persistent), "true", NULL, NULL,
	    "Keeps answers for the next start, with what was asked, in the file `DATABASE.cache` (mode 0600). The file is opened at the start, if any task wants it." },
	{ "scope", KEY_CHOICE, AT(cache_conf, scope), "key", NULL, NULL,
	    "Who shares answers: one virtual key, or all keys of a project.", .choices = "key|project" },
	END
};
static const struct config_section cache = { cache_keys, flip_cache, false };

static const struct config_key dedup_keys[] = {
	{ "on", KEY_BOOL, AT(dedup_conf, on), "true", NULL, NULL,
	    "Requests equal to one that is being answered share its answer." },
	{ "window", KEY_DURATION, AT(dedup_conf, window_ms), "5m", "0s", "24h",
	    "How long an answer may be joined after it was given. 0: only while it grows." },
	{ "similarity", KEY_SHARE, AT(dedup_conf, similarity), "0.95", "0.5", "1",
	    "Similar requests share it too, from this similarity on. 0: equal ones only.", .flags = KEY_OR_ZERO },
	END
};
static const struct config_section dedup = { dedup_keys, flip_dedup, false };

static const struct config_key batch_keys[] = {
	{ "on", KEY_BOOL, AT(batch_conf, on), "false", NULL, NULL, "Batches requests. Better switched on task by task." },
	{ "size", KEY_INT, AT(batch_conf, size), "5", "2", "64", "A batch leaves when it has this many requests." },
	{ "wait", KEY_DURATION, AT(batch_conf, wait_ms), "2s", "1ms", "60s",
	    "... or when its first request has waited this long." },
	{ "tasks", KEY_ELSEWHERE, 0, NULL, NULL, NULL, "The tasks whose requests are batched.", .flags = KEY_GLOBAL, .looks = "list" },
	END
};
static const struct config_section batch = { batch_keys, flip_batch, false };

static const struct config_key budget_keys[] = {
	{ "request_usd", KEY_USD, AT(budget_conf, request_pico), "0.05", NULL, NULL,
	    "The most one request may cost, in dollars. `off`: no limit." },
	{ "daily_usd", KEY_USD, AT(budget_conf, daily_pico), "2.00", NULL, NULL,
	    "The most a calendar day may cost. `off`: no limit." },
	{ "weekly_usd", KEY_USD, AT(budget_conf, weekly_pico), "off", NULL, NULL, "... a week, beginning on Monday." },
	{ "monthly_usd", KEY_USD, AT(budget_conf, monthly_pico), "off", NULL, NULL, "... a calendar month." },
	{ "timezone", KEY_ZONE, AT(budget_conf, timezone), "UTC", NULL, NULL,
	    "Where days, weeks and months begin: a name such as `Europe/Berlin`.", .flags = KEY_GLOBAL },
	{ "min_output_tokens", KEY_INT, AT(budget_conf, min_output_tokens), "16", "1", "1000000",
	    "The shortest answer worth paying for: a request that can afford less is refused." },
	{ "on_disconnect", KEY_CHOICE, AT(budget_conf, on_disconnect), "drain", NULL, NULL,
	    "When the client has gone: read on to learn the exact cost, or abort, which costs what `mode` says.",
	    .choices = "drain|abort" },
	{ "mode", KEY_SWITCH, AT(budget_conf, strict), "strict", NULL, NULL,
	    "What an outcome nobody knows costs: all that was held (`strict`), or an estimate.",
	    .choices = "estimate|strict" },
	{ "drain", KEY_DURATION, AT(budget_conf, drain_ms), "30s", "0", "10m",
	    "How long `on_disconnect: drain` reads on for a client that has gone. 0: not at all." },
	{ "wait", KEY_DURATION, AT(budget_conf, wait_ms), "2s", "0", "1m",
	    "How long a request that does not fit may wait for others to end below what is held for them. 0: not at all." },
	{ "durability", KEY_SWITCH, AT(budget_conf, power_safe), "process", NULL, NULL,
	    "What the books outlive: the death of this process, or the loss of `power`; that waits for the disk before each call.",
	    .choices = "process|power", .flags = KEY_GLOBAL },
	END
};
static const struct config_section budget = { budget_keys, flip_budget, false };

static const struct config_key project_budget_keys[] = {
	{ "request_usd", KEY_USD, AT(budget_conf, request_pico), "off", NULL, NULL,
	    "The most one request of the project may cost, in dollars." },
	{ "daily_usd", KEY_USD, AT(budget_conf, daily_pico), "off", NULL, NULL, "The most all its keys together may cost in a calendar day." },
	{ "weekly_usd", KEY_USD, AT(budget_conf, weekly_pico), "off", NULL, NULL, "... a week, beginning on Monday." },
	{ "monthly_usd", KEY_USD, AT(budget_conf, monthly_pico), "off", NULL, NULL, "... a calendar month." },
	END
};
static const struct config_section project_budget = { project_budget_keys, flip_budget, false };

static const struct config_key project_keys[] = {
	{ "budget", KEY_SECTION, AT(project_conf, budget), NULL, NULL, NULL,
	    "The project's own limits, besides all others. May be `off`.", .section = &project_budget },
	END
};
const struct config_section config_project_keys = { project_keys, NULL, false };

static const struct config_key path_keys[] = {
	{ "usd", KEY_FEE, AT(path_conf, usd_pico), NULL, "0.000001", "100000",
	    "Dollars that each POST to the path, or below it, is held at, and charged when the provider accepts it. Required, "
	    "but for a path that is `free`." },
	{ "free", KEY_BOOL, AT(path_conf, free), "false", NULL, NULL, "It costs nothing." },
	{ "upstream", KEY_UPSTREAM, AT(path_conf, upstream), NULL, NULL, NULL,
	    "The upstream that serves it. Left out: the first." },
	END
};
const struct config_section config_path_keys = { path_keys, NULL, false };

static const struct config_key alert_keys[] = {
	{ "at", KEY_ELSEWHERE, 0, "50, 80, 95", NULL, NULL,
	    "Shares of a limit, in per cent: when one is reached, it is logged, counted and told. At most 8, rising.", .looks = "list" },
	{ "webhook", KEY_WEBHOOK, AT(alerts_conf, webhook), "", NULL, NULL,
	    "A URL that is told of alerts with a POST. Often a secret, and treated as one." },
	END
};
static const struct config_section alerts = { alert_keys, flip_alerts, false };

static const struct config_key quality_keys[] = {
	{ "target", KEY_SHARE, AT(quality_conf, target), "0.80", "0", "1",
	    "The share of good answers below which savings are taken back." },
	{ "judge_model", KEY_MODEL, AT(quality_conf, judge_model), NULL, NULL, NULL,
	    "The model that judges samples. null: none." },
	{ "shadow", KEY_SHARE, AT(quality_conf, shadow), "0.0", "0", "1",
	    "The share of rerouted requests that are asked a second time, of the model asked for, to compare. Costs money." },
	{ "review", KEY_SHARE, AT(quality_conf, review), "0.02", "0", "1", "The share of answers offered for review." },
	END
};
static const struct config_section quality = { quality_keys, flip_quality, false };

static const struct config_key task_keys[] = {
	{ "match", KEY_PATTERNS, LIST_AT(task_conf, match, match_count), NULL, NULL, NULL,
	    "Regular expressions (PCRE2) that recognise the task in the last user message." },
	{ "tier", KEY_CHOICE, AT(task_conf, tier), NULL, NULL, NULL,
	    "Its fixed tier. Left out: the router decides.", .choices = "simple|moderate|complex" },
	{ "routing", KEY_SECTION, AT(task_conf, routing), NULL, NULL, NULL,
	    "As `routing`, for this task.", .section = &routing, .flags = KEY_ALIKE },
	{ "cache", KEY_SECTION, AT(task_conf, cache), NULL, NULL, NULL,
	    "As `cache`, for this task. May be `off`.", .section = &cache, .flags = KEY_ALIKE },
	{ "dedup", KEY_SECTION, AT(task_conf, dedup), NULL, NULL, NULL,
	    "As `dedup`, for this task. May be `off`.", .section = &dedup, .flags = KEY_ALIKE },
	{ "batch", KEY_SECTION, AT(task_conf, batch), NULL, NULL, NULL,
	    "As `batch`, for this task. May be `off` or `on`.", .section = &batch, .flags = KEY_ALIKE },
	{ "budget", KEY_SECTION, AT(task_conf, budget), NULL, NULL, NULL,
	    "As `budget`, for this task: `daily_usd`, `weekly_usd` and `monthly_usd` are an account of its own, `off` "
	    "unless set here, besides the global one; `timezone` is global.",
	    .section = &budget, .flags = KEY_ALIKE },
	{ "quality", KEY_SECTION, AT(task_conf, quality), NULL, NULL, NULL,
	    "As `quality`, for this task.", .section = &quality, .flags = KEY_ALIKE },
	END
};
const struct config_section config_task_keys = { task_keys, NULL, false };

static const struct config_key capture_keys[] = {
	{ "on", KEY_BOOL, AT(capture_conf, on), "false", NULL, NULL,
	    "Whether anything is kept. A map without this key switches it on." },
	{ "prompts", KEY_BOOL, AT(capture_conf, prompts), "true", NULL, NULL, "Keeps prompts." },
	{ "answers", KEY_BOOL, AT(capture_conf, answers), "true", NULL, NULL, "Keeps answers." },
	{ "keep", KEY_DURATION, AT(capture_conf, keep_ms), "30d", "1h", "3650d", "For how long." },
	{ "size", KEY_SIZE, AT(capture_conf, max_bytes), "1GiB", "1MiB", "1TiB", "How much in all; the oldest goes first." },
	END
};
static const struct config_section capture = { capture_keys, flip_capture, true };

static const struct config_key limit_keys[] = {
	{ "body", KEY_SIZE, AT(limits_conf, body), "8MiB", "1KiB", "64MiB", "A request's body." },
	{ "reply", KEY_SIZE, AT(limits_conf, reply), "8MiB", "1KiB", "256MiB", "A whole reply from upstream." },
	{ "stream", KEY_SIZE, AT(limits_conf, stream), "16MiB", "1KiB", "256MiB", "A stream from upstream, in all." },
	{ "event", KEY_SIZE, AT(limits_conf, event), "1MiB", "1KiB", "16MiB", "One event of a stream." },
	{ "depth", KEY_INT, AT(limits_conf, depth), "64", "8", "512", "How deep a request's JSON may nest." },
	{ "messages", KEY_INT, AT(limits_conf, messages), "2048", "1", "100000", "Messages in a request." },
	{ "choices", KEY_INT, AT(limits_conf, choices), "4", "1", "128", "The largest `n` a request may ask for." },
	{ "concurrent", KEY_INT, AT(limits_conf, concurrent), "1024", "1", "65536", "Requests in flight, in all." },
	{ "per_key", KEY_INT, AT(limits_conf, per_key), "64", "1", "65536", "Requests in flight of one key." },
	{ "connections", KEY_INT, AT(limits_conf, connections), "4096", "8", "100000", "Client connections, in all." },
	{ "per_address", KEY_INT, AT(limits_conf, per_address), "64", "1", "100000", "Connections of one address." },
	{ "per_loopback", KEY_INT, AT(limits_conf, per_loopback), "1024", "1", "100000",
	    "Connections of a loopback address." },
	{ "total_timeout", KEY_DURATION, AT(limits_conf, total_ms), "600s", "1s", "24h",
	    "From a request's arrival to the end of its reply, all attempts included." },
	{ "header_timeout", KEY_DURATION, AT(limits_conf, header_ms), "10s", "100ms", "10m",
	    "How long a client may take to send the header." },
	{ "body_timeout", KEY_DURATION, AT(limits_conf, body_ms), "30s", "100ms", "1h",
	    "How long a client may take to send the body." },
	{ "body_rate", KEY_SIZE, AT(limits_conf, body_rate), "1KiB", "1B", "1GiB",
	    "Bytes a second that a body must keep up after 10 s." },
	{ "idle_timeout", KEY_DURATION, AT(limits_conf, idle_ms), "60s", "1s", "1h",
	    "How long a connection may stay open without a request." },
	{ "stall_timeout", KEY_DURATION, AT(limits_conf, stall_ms), "60s", "1s", "1h",
	    "How long a client may take nothing of its reply." },
	{ "drain_timeout", KEY_DURATION, AT(limits_conf, drain_ms), "90s", "0", "1h",
	    "At SIGTERM, how long running requests may go on. Keep it below systemd's TimeoutStopSec." },
	{ "heartbeat", KEY_DURATION, AT(limits_conf, heartbeat_ms), "15s", "1s", "10m",
	    "A comment is sent in a stream that has been silent for so long. 0: never.", .flags = KEY_OR_ZERO },
	{ "client_buffer", KEY_SIZE, AT(limits_conf, client_buffer), "256KiB", "4KiB", "16MiB",
	    "How far the fastest reader of a stream may lag before the upstream is paused." },
	END
};
static const struct config_section limits = { limit_keys, NULL, false };

static const struct config_key retention_keys[] = {
	{ "days", KEY_INT, AT(config, retention_days), "90", "1", "36500", "How long the ledger keeps single requests." },
	{ "size", KEY_SIZE, AT(config, retention_bytes), "1GiB", "1MiB", "1TiB",
	    "How large the database may grow before the oldest go." },
	END
};
static const struct config_section retention = { retention_keys, NULL, false };

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
	    .section = &routing },
	{ "cache", KEY_SECTION, AT(config, cache), NULL, NULL, NULL, "The caches. May be `off`.", .section = &cache },
	{ "dedup", KEY_SECTION, AT(config, dedup), NULL, NULL, NULL, "Coalescing. May be `off`.", .section = &dedup },
	{ "batch", KEY_SECTION, AT(config, batch), NULL, NULL, NULL, "Batching. May be `off`.", .section = &batch },
	{ "budget", KEY_SECTION, AT(config, budget), NULL, NULL, NULL,
	    "Limits of spending. `off`: none of the four.", .section = &budget },
	{ "quality", KEY_SECTION, AT(config, quality), NULL, NULL, NULL,
	    "The watch over quality. `off`: no judge, no shadow, no review.", .section = &quality },
	{ "tasks", KEY_ELSEWHERE, 0, NULL, NULL, NULL,
	    "Tasks with settings of their own, by name. `default` is every request without a task.",
	    .section = &config_task_keys, .looks = "map of names" },
	{ "projects", KEY_ELSEWHERE, 0, NULL, NULL, NULL,
	    "Groups of keys with limits of their own, by name.", .section = &config_project_keys, .looks = "map of names" },
	{ "paths", KEY_ELSEWHERE, 0, NULL, NULL, NULL,
	    "Price rules: paths under /v1/ to forward besides those the gateway understands, and what a POST to each costs.",
	    .section = &config_path_keys, .looks = "map of paths" },
	{ "alerts", KEY_SECTION, AT(config, alerts), NULL, NULL, NULL, "Who hears of limits that are nearly reached. May be `off`.",
	    .section = &alerts },
	{ "capture", KEY_SECTION, AT(config, capture), NULL, NULL, NULL,
	    "What may be kept of prompts and answers: `off`, or a map.", .section = &capture },
	{ "limits", KEY_SECTION, AT(config, limits), NULL, NULL, NULL, "Limits and time-outs.", .section = &limits },
	{ "retention", KEY_SECTION, 0, NULL, NULL, NULL, "What the ledger keeps.", .section = &retention },
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
