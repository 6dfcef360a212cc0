/*
 * The table of keys: what may stand in the file, of which type, with which default and range, where it goes, and
 * what it means. The reader, `farthing check` and docs/configuration.md all follow this one table.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_SCHEMA_H
#define FARTHING_CORE_CONFIG_SCHEMA_H

#include "core/config.h"

enum key_type {
	KEY_SECTION,   /* a map with keys of its own; the offset is that of its struct */
	KEY_ELSEWHERE, /* read by a function of its own; `section` is what stands under each name, if any */
	KEY_BOOL,      /* bool */
	KEY_INT,       /* int */
	KEY_COUNT,     /* int64_t */
	KEY_SIZE,      /* int64_t bytes */
	KEY_DURATION,  /* int64_t ms */
	KEY_USD,       /* int64_t pico-dollars; null or off: -1 */
	KEY_PRICE,     /* int64_t pico-dollars per token, written per million tokens */
	KEY_FEE,       /* int64_t pico-dollars of one request */
	KEY_DATE,      /* int64_t microseconds since 1970 UTC */
	KEY_SHARE,     /* double */
	KEY_CHOICE,    /* an enum: the place in `choices` */
	KEY_SWITCH,    /* a bool: whether it is the second of `choices` */
	KEY_TEXT,      /* const char *; null: "" */
	KEY_LABEL,     /* ... that may travel in an HTTP header */
	KEY_SECRET,    /* ... and is never shown; file: and credential: are followed */
	KEY_PATH,      /* const char *, not empty */
	KEY_FILE,      /* ... a file that can be read; null: "" */
	KEY_PROXY,     /* const char *; null: "" */
	KEY_URL,       /* const char *, without a trailing slash */
	KEY_WEBHOOK,   /* const char *, a URL that may be a secret; null: "" */
	KEY_LISTEN,    /* listen_host and listen_port of struct config */
	KEY_ZONE,      /* const char * */
	KEY_HOSTS,     /* const char ** and, right behind it, a size_t; so are the next two */
	KEY_NAMES,
	KEY_PATTERNS,
	KEY_MODEL,    /* const struct model_conf *; null: NULL */
	KEY_UPSTREAM, /* const struct upstream_conf * */
};

enum key_flags {
	KEY_OR_ZERO = 1, /* 0 is allowed besides the range, and means "none" */
	KEY_GLOBAL = 2,  /* not within a task */
	KEY_ALIKE = 4,   /* a section described elsewhere already */
	KEY_EMBEDS = 8,  /* a model that makes embeddings, instead of one that chats */
};

struct config_section;

struct config_key {
	const char *name;
	enum key_type type;
	size_t offset;
	const char *standard;     /* the default as one would write it; NULL: none, or computed */
	const char *least, *most; /* the range, as one would write it; NULL: no bound */
	const char *doc;
	const char *choices; /* "a|b|c" */
	const struct config_section *section;
	unsigned flags;
	const char *looks; /* of KEY_ELSEWHERE: what stands there, in words */
};

struct config_section {
	const struct config_key *keys; /* ends with a NULL name */
	/* What `off` and `on` in place of the map do to the struct; false: that word means nothing here. NULL: neither. */
	bool (*flip)(void *target, bool on);
	bool map_is_on;   /* a map switches it on */
	const char *word; /* that stands for `off`, which is not taken then; NULL: none */
};

extern const struct config_section config_root, config_upstream, config_model_keys, config_price_keys,
    config_task_keys, config_project_keys, config_path_keys;

const struct config_key *config_key_find(const struct config_section *s, struct str name);

/* Where a key of this name would be at home, for whoever wrote it elsewhere: "cache.ttl". False: nowhere. */
bool config_key_home(struct str name, char *out, size_t size);

#endif
