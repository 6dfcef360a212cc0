/*
 * Keys of the caches.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_schema_rows.h"

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

/* clang-format off */

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
const struct config_section config_cache_keys = { cache_keys, flip_cache, false };

/* clang-format on */
