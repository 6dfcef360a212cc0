/*
 * Keys of the router.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_schema_rows.h"

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

/* clang-format off */

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
const struct config_section config_routing_keys = { routing_keys, flip_routing, false };

/* clang-format on */
