/*
 * The configuration: one immutable tree made from a YAML file, the environment and the defaults. Every key is
 * documented in docs/configuration.md. A running request keeps the tree it began with: config_hold and config_drop count
 * the holders (the loop only).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_H
#define FARTHING_CORE_CONFIG_H

#include "base/log.h"
#include "base/str.h"
#include "core/account.h"
#include "core/price.h"
#include "text/demand.h"

enum http_version { HTTP_AUTO, HTTP_1_1, HTTP_2 };

struct upstream_conf {
	const char *name;
	const char *base_url;     /* without a trailing slash: "https://api.openai.com/v1" */
	const char *api_key;      /* "" : none. A secret: never printed */
	const char *organization; /* "" : none */
	const char *project;
	const char *ca_file; /* "" : the system's */
	const char *proxy;   /* "" : none, whatever the environment says */
	enum http_version http;
	bool insecure_http;   /* http:// beyond loopback was allowed by the operator */
	bool private_network; /* private address ranges were allowed by the operator */
	int64_t connect_ms, first_byte_ms, idle_ms, total_ms;
	int attempts; /* how often one model is asked for a request; each fallback has as many; at least 1 */
	int64_t backoff_ms, backoff_max_ms;
	int circuit_failures; /* this many within circuit_window_ms open the circuit for circuit_open_ms; 0: no breaker */
	int64_t circuit_window_ms, circuit_open_ms;
	int max_connections; /* to this upstream at once; 0: no limit of its own */
};

struct model_conf {
	const char *name;           /* what clients ask for */
	const char *upstream_model; /* what the provider is asked for; equals name unless `as` was set */
	const struct upstream_conf *upstream;
	struct price price; /* in force when the file was read; known == false: unpriced */
	/* What it cost at all times, oldest first, from INT64_MIN on: from `prices` in the file; else none. For pricing
	 * history anew. */
	const struct dated_price *history;
	size_t history_count;
	bool free;   /* the operator said it costs nothing */
	bool listed; /* stands in the file; false: comes from the catalogue */
	bool
	    family; /* "ft:BASE": serves every model tuned from BASE, each under the name it was asked for by */
	enum model_kind kind;
	int64_t context_tokens, max_output_tokens; /* 0: unknown */
	bool vision, tools, json_schema, reasoning;
	const struct model_conf **fallbacks;
	size_t fallback_count;
};

enum tier { TIER_SIMPLE, TIER_MODERATE, TIER_COMPLEX, TIER_PINNED };
const char *tier_name(enum tier tier);             /* static: "simple", ... "pinned" */
bool tier_named(struct str name, enum tier *tier); /* false: no tier is called so */
enum cache_scope { SCOPE_KEY, SCOPE_PROJECT };
enum gateway_mode { MODE_OPTIMISE, MODE_OBSERVE };
enum disconnect_policy { DISCONNECT_DRAIN, DISCONNECT_ABORT };

/* A cheap answer that fails a check is asked again of the dear model before the client sees it, once. */
struct escalate_conf {
	bool on;
	bool streams; /* streams too: they are held back until their end */
	bool checks[DEMAND_KINDS];
	double
	    confidence; /* the least mean probability of the answer's tokens, by logprobs; 0: not asked for */
	/* All of the task's checked answers together may cost that share of always asking the dear model; 0: no limit */
	double spend;
};

struct routing_conf {
	bool on;
	double simple, moderate; /* score <= simple, <= moderate, else complex */
	const struct model_conf *tiers[3];
	const char **reroute; /* model names the router decides */
	size_t reroute_count;
	bool
	    learn; /* from outcomes: a model that does well enough may take over, one that does not is left */
	double explore;       /* share of a task's requests that try another model to learn; 0: none */
	double explore_spend; /* what exploring may add to a task's cost, as a share of it */
	int64_t session_ms;   /* how long a conversation stays with its model; 0: it does not */
	const char
	    *moderate_suffix; /* what is added to the system prompt of moderate requests; "": nothing */
	struct escalate_conf escalate;
};

/* Numbers of a JSON field that may stand for one another: those of one range. */
struct field_range {
	const char *name;
	double width;         /* ranges of that width from 0 on; 0: those between the bounds */
	const double *bounds; /* rising */
	size_t bound_count;
};

/* How the fields of a JSON object within a prompt are compared. Those of no list must be equal, but for texts of several words. */
struct fields_conf {
	const char **must_match;
	size_t must_match_count;
	const char **text; /* by what they say, as prompts are */
	size_t text_count;
	const char **ignore;
	size_t ignore_count;
	const struct field_range *ranges;
	size_t range_count;
};

/* Whose embedding finds the candidates of the similarity cache. */
struct embedding_conf {
	const struct model_conf *model; /* NULL: the built-in one */
	int dimensions;                 /* asked of it; a multiple of 32 */
	int64_t timeout_ms;             /* how long a request waits for its own */
};

struct cache_conf {
	struct fields_conf fields;
	struct embedding_conf embedding;
	bool exact;
	bool persistent;    /* answers are kept in a file for the next start */
	double similarity;  /* 0: the similarity cache is off */
	double wrong_hits;  /* share of similar hits that may be wrong */
	double checks;      /* share of similar hits that are asked again, to measure that */
	bool conversations; /* similarity for requests with earlier turns or tools, too */
	int64_t ttl_ms;
	int64_t max_entries, max_bytes, max_entry_bytes;
	enum cache_scope scope;
};

struct dedup_conf {
	bool on; /* requests equal to one in flight share its answer */
	int64_t window_ms;
	double similarity;
};

struct batch_conf {
	bool on;
	int size;
	int64_t wait_ms;
	bool adaptive;       /* nobody waits longer than others can be expected to come */
	int64_t max_time_ms; /* how long the answers of a batch may take to be written */
	int64_t max_body;    /* bytes of a request that may travel with others */
	double max_drop;     /* how much worse batched answers may be than single ones */
	double experiment;   /* share of requests that goes the other way, to measure that */
};

/* The provider's own batch interface, for requests with x-farthing-deadline. */
struct deferred_conf {
	bool on;
	int64_t collect_ms; /* how long requests are collected before a job leaves */
	int requests;       /* ... or until there are so many */
	int64_t poll_ms;    /* between two looks at a job */
	int64_t keep_ms;    /* how long an answer can be fetched */
	int64_t max_bytes;  /* of all bodies and answers that are kept */
};

struct budget_conf {
	int64_t request_pico, daily_pico, weekly_pico, monthly_pico; /* -1: no limit */
	const char *timezone;
	int min_output_tokens;
	enum disconnect_policy on_disconnect;
	int64_t drain_ms; /* how long a call may go on for nobody, to learn what it cost */
	int64_t wait_ms;  /* how long a request may wait for other requests' holds to shrink */
	bool strict;
	bool power_safe; /* a hold is on the disk, not only with the kernel, before its call leaves */
};

/* A group of keys with limits of its own. */
struct project_conf {
	const char *name;
	struct budget_conf budget; /* only its four limits count */
};

/* The price rule of a path that is forwarded without being understood, and of all below it. */
struct path_conf {
	const char *path; /* "/v1/audio/speech": at most 35 bytes, each of them fit for a path */
	const struct upstream_conf *upstream;
	int64_t usd_pico; /* what each POST is held at, and charged when the provider accepts it */
	bool free;        /* the operator said it costs nothing */
};

struct alerts_conf {
	int shares[8]; /* per cent of a limit, rising */
	size_t share_count;
	const char *webhook; /* "": none */
};

struct quality_conf {
	double target, shadow, review;
	const struct model_conf *judge_model; /* NULL: none */
};

/* A task with its own view of every stage: the global settings with the task's own over them. */
struct task_conf {
	const char *name;
	const char **match; /* PCRE2 patterns that recognise it in the last user text */
	size_t match_count;
	struct pattern **patterns; /* the same, compiled */
	enum tier tier;            /* TIER_PINNED: not set, the router decides */
	struct routing_conf routing;
	struct cache_conf cache;
	struct dedup_conf dedup;
	struct batch_conf batch;
	struct budget_conf budget; /* daily_pico..monthly_pico: this task's own account, -1 by default */
	struct quality_conf quality;
};

struct capture_conf {
	bool on;
	bool prompts, answers;
	int64_t keep_ms;
	int64_t max_bytes;
};

struct limits_conf {
	int64_t body;                               /* bytes of a request */
	int64_t reply;                              /* bytes of a whole reply, 8 MiB */
	int64_t stream;                             /* bytes of a stream in all, 16 MiB */
	int64_t event;                              /* bytes of one server-sent event, 1 MiB */
	int depth;                                  /* JSON nesting, 64 */
	int messages;                               /* 2048 */
	int choices;                                /* n, 4 */
	int concurrent;                             /* requests in flight in all */
	int per_key;                                /* ... of one account */
	int connections, per_address, per_loopback; /* client connections: 4096, 64, 1024 */
	int64_t total_ms;                           /* from arrival to the end of the reply */
	int64_t header_ms, body_ms;                 /* 10 s, 30 s */
	int64_t body_rate;                          /* bytes a second a body must keep after 10 s, 1024 */
	int64_t idle_ms;                            /* keep-alive, 60 s */
	int64_t stall_ms;                           /* a client that takes nothing, 60 s */
	int64_t drain_ms;                           /* at SIGTERM, 90 s */
	int64_t heartbeat_ms;                       /* `: ping` in a silent stream, 15 s; 0: none */
	int64_t client_buffer; /* bytes the fastest reader may lag before the upstream is paused, 256 KiB */
};

struct config {
	const char *path;        /* "" : built-in defaults */
	const char *listen_host; /* an address, no name */
	int listen_port;         /* 0: any free one */
	bool old_libmicrohttpd;  /* the operator insists on listening beyond loopback with it */
	const char **hosts;      /* further Host names to accept, besides the listener's own */
	size_t host_count;
	const char *database;
	struct upstream_conf *upstreams;
	size_t upstream_count;
	struct model_conf *models; /* listed ones first, as in the file */
	size_t model_count;
	struct task_conf *tasks; /* [0] is "default" */
	size_t task_count;
	bool recognises; /* some task has patterns */
	struct project_conf *projects;
	size_t project_count;
	struct path_conf *paths;
	size_t path_count;
	struct alerts_conf alerts;
	struct routing_conf routing;
	struct cache_conf cache;
	struct dedup_conf dedup;
	struct batch_conf batch;
	struct deferred_conf deferred;
	struct budget_conf budget;
	struct quality_conf quality;
	struct capture_conf capture;
	struct limits_conf limits;
	int retention_days;
	int64_t retention_bytes;
	const char *admin_key; /* "" : the admin API answers loopback only */
	enum gateway_mode mode;
	enum log_level log_level;
	bool log_json;
	int workers; /* threads for large bodies */

	int holders;                  /* config_hold and config_drop */
	struct config_memory *memory; /* what all the pointers above point into */
};

/* A mistake in the file, ready to print as `file:line: key: text`. */
struct config_problem {
	char file[256];
	int line;      /* 0: not in the file (an environment variable, a default) */
	char key[128]; /* "models.gpt-4o.input_usd" */
	char text[300];
	struct config_problem *next;
};

/* path NULL: ./farthing.yaml, else /etc/farthing/farthing.yaml, else the defaults. database NULL: as the file says.
 * Returns a tree with one holder, or NULL with at least one problem; *problems is always set (NULL: none). */
struct config *config_load(const char *path, const char *database, struct config_problem **problems);
/* The same for tools that use no secret, and run where none can be read: api_key, admin.key and alerts.webhook are empty
 * when what they name is not there. All else is checked as ever. */
struct config *config_load_without_secrets(
    const char *path, const char *database, struct config_problem **problems);
void config_problems_free(struct config_problem **problems);

/* Counted; the last holder to drop it frees all that its pointers point into. One thread at a time. */
void config_hold(struct config *c);
void config_drop(struct config **c);

/* NULL: unknown. A fine-tuned model that is not listed finds its family. */
const struct model_conf *config_model(const struct config *c, struct str name);
/* The price in force at that instant: the latest one of its history that had begun; without a history, its price. */
const struct price *config_price_at(const struct model_conf *m, int64_t wall_us);
/* NULL: not configured, so without limits of its own */
const struct project_conf *config_project(const struct config *c, struct str name);
/* The rule of that path: the longest one that is it or stands above it. NULL: none */
const struct path_conf *config_path(const struct config *c, struct str path);
/* The task whose patterns recognise it in the last user text, of several the first of the file; NULL: none. Only the first
 * TASK_TEXT_MAX bytes are looked at, and a pattern that takes too many steps does not match. Any thread */
enum { TASK_TEXT_MAX = 8 * 1024 };
const struct task_conf *config_recognise(const struct config *c, struct str text);
/* "default" when unknown; never NULL */
const struct task_conf *config_task(const struct config *c, struct str name);

#endif
