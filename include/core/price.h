/*
 * What a model costs, in integer pico-dollars per token, and the catalogue of prices compiled in.
 * Facts and dates come from scripts/make-prices; configuration overrides them. Immutable after start.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_PRICE_H
#define FARTHING_CORE_PRICE_H

#include "base/str.h"

struct price {
	bool known;    /* false: unpriced; never to be read as free */
	int64_t input; /* pico-dollars per token */
	/* Input tokens the provider had cached; equals input where no discount is known */
	int64_t cached_input;
	int64_t cache_write; /* equals input where the provider charges nothing extra */
	int64_t output;      /* completion tokens */
	int64_t reasoning;   /* those of them that are reasoning; equals output where nothing else is known */
	int64_t batch_input; /* in the provider's batch tier; 0: it has none, or it is not known */
	int64_t batch_output;
	int64_t training; /* a token of fine-tuning; 0: not known */
	int64_t fee;      /* for each request, whatever its size */
};

/* The most that so many input tokens can cost, with the fee of one request: each as if it were new and written to the
 * cache. False when the price is unknown or the sum overflows; *pico untouched. */
bool price_input_bound(const struct price *p, int64_t input_tokens, int64_t *pico);
/* The most that one output token can cost. The price must be known. */
int64_t price_output_unit(const struct price *p);
/* What the same costs in the provider's batch tier. Cached input is taken to cost there what new input does, since providers that give
 * both discounts at once do not say so for every model; a surcharge for cache writes or reasoning is kept whole. So nothing costs
 * more than it says. False when the model has no such tier: *batched untouched. */
bool price_batched(const struct price *p, struct price *batched);

/* A price and when it came into force, in microseconds since 1970 UTC. */
struct dated_price {
	int64_t from_us;
	struct price price;
};

enum model_kind { MODEL_CHAT, MODEL_COMPLETION, MODEL_EMBEDDING };

struct catalogue_model {
	const char *name;
	enum model_kind kind;
	struct price price;
	/* 0: unknown; no more than the price holds for: some models cost more above a step */
	int64_t context_tokens;
	int64_t max_output_tokens; /* 0: unknown */
	bool vision, tools, json_schema, reasoning;
	const char *dated; /* "2026-07": when the price was true */
};

/* NULL when unknown; a dated snapshot name finds itself only */
const struct catalogue_model *catalogue_find(struct str name);

/* "ft:BASE" of a fine-tuned model's name, "ft:BASE:org:name:id"; empty for any other name */
struct str price_family(struct str name);
/* As catalogue_find, and a fine-tuned model finds its family too; never BASE itself, which is cheaper */
const struct catalogue_model *catalogue_family(struct str name);
/* For listing, sorted by name; NULL behind the last */
const struct catalogue_model *catalogue_at(size_t index);

#endif
