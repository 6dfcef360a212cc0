/*
 * Keys of what is asked for, and of what it costs: models, their prices, and paths.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_schema_rows.h"

/* clang-format off */

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

/* clang-format on */
