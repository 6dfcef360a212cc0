/*
 * An exchange: one client's request and the reply it gets. Born with the request's headers, dead when the client
 * is served or gone. The loop owns it; while a worker reads a large body, the worker holds it alone (the baton).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_EXCHANGE_H
#define FARTHING_STAGES_EXCHANGE_H

#include "core/answer.h"
#include "core/key.h"
#include "core/request.h"
#include "ledger/ledger.h"
#include "stages/site.h"
#include "text/prompt.h"

struct ask;
struct gist;

enum { ID_SIZE = 29 }; /* "req_" and 24 characters */
enum { ROUTE_TEXT = 240, COUNTED_MAX = 4 };

/* How many tokens a request is to a model, and to all that count as it does. */
struct counted {
	const struct model_conf *model;
	struct prompt_count count;
};

/* What is forwarded without being understood: files, fine-tuning jobs, batches, and paths with a price rule. */
struct forward {
	/* "files", "fine_tuning", "batches", or a rule's path behind /v1/; lives as long as the configuration */
	const char *name;
	const char *method;           /* static */
	const struct path_conf *rule; /* NULL: the configuration has none */
	bool costs;                   /* it may cost money, as far as the path tells */
	char path[512];               /* behind /v1, query included, vetted character by character */
	char content_type[256];       /* of the body; empty: none */
};

struct exchange {
	char id[ID_SIZE];
	struct site *site;  /* held */
	int64_t arrived_us; /* clock_us() */
	int64_t wall_us;    /* clock_wall_us() */
	struct key *key;    /* held; NULL: none are required */
	/* The key's name, else "local"; "unknown" for who was turned away for having no good one */
	char account[64];
	char task[64];
	char project[64];        /* empty: none */
	char run[64];            /* empty: none */
	int64_t run_budget_pico; /* what the client allows its run; -1: no limit */
	char directives[32];     /* routing headers that shape the answer, in canonical form */
	/* Cache-control: read no kept answer, keep none, none older than that (-1: whatever the configuration says),
	 * and nothing else than a kept one. Who reads none joins none either. */
	bool no_cache, no_store, only_if_cached;
	int64_t max_age_s;
	double similarity_at_least;    /* x-farthing-similarity: tightens the task's; 0: as configured */
	char idempotency[256];         /* idempotency-key; empty: none */
	bool fresh;                    /* no_cache or no_store: join nothing */
	int batch_wish;                /* x-farthing-batch: 1 on, -1 off, 0 as its task says */
	int64_t deadline_ms;           /* x-farthing-deadline: it may take that long; 0: it is asked now */
	bool deferred;                 /* it was accepted for later: its row is written when it ends */
	bool aside;                    /* the gateway's own: that it fails opens no circuit for others */
	bool forwarded;                /* forward is meant, not request */
	const struct forward *forward; /* where to, of what is forwarded; lives as long as the exchange */
	struct request request;
	/* That answers it, unless it fails. NULL: not read yet, or forwarded, or the router's to choose and not chosen yet */
	const struct model_conf *model;
	/* Of what is asked, as far as that decided; TIER_PINNED: the model was asked for by name */
	enum tier level;
	const char *tier; /* the same as a name; static */
	/* Of what the router decided, see stages/route.h; without it NULL and empty */
	const struct model_conf *stronger;   /* whom a fault of the answer is taken to; NULL: nobody */
	const struct model_conf *instead_of; /* what its client would have got without the router */
	/* It has another model than it was to have, because a budget would not have paid, or to try one: the answer is not kept */
	bool stopgap;
	double score;           /* 0..1; -1: none was needed */
	char route[ROUTE_TEXT]; /* in short, for the row: none of the prompt's words */
	/* Of a large body only, worked out where it was read: on the loop large ones are neither counted nor looked through */
	struct counted counted[COUNTED_MAX];
	size_t counted_count;
	bool imageless; /* nothing in it is counted by a rule of its own for images */
	struct gist *gist;
	/* Of a request the router decides: what all turns of one have in common */
	struct digest conversation;
	bool converses;  /* ... and that is known */
	struct buf body; /* until it is read into the request or the ask */
	struct reader reader;
	struct ask *asked; /* the ask it opened, until that lands; NULL for those who joined */
	enum cache_kind cache;
	double similarity;  /* to the question whose answer it gets; 0: it is its own, or an equal one's */
	char decision[160]; /* how its answer was found, for the row: none of the prompt's words */
	/* What the tightest of its budgets leaves, when last looked at; -1: no budget, or not known */
	int64_t remaining_pico;
	int64_t first_byte_us; /* when the reply's first byte was handed over; 0: not yet */
	int64_t bytes_in, bytes_out;
};

/* Bodies up to this many bytes are read and counted on the loop, in a fraction of a millisecond. */
enum { EXCHANGE_IN_PLACE = 8 * 1024 };

/* What was read decides: the task that the body names where no header did, and the model, unless the router chooses it. -1 with
 * *e: there is none. Any thread, the one that holds the baton. */
int exchange_settle_model(struct exchange *x, struct err *e);
int exchange_refuse_auto(struct err *e); /* -1: no tier names a model */
/* The count for that model if there is one, or NULL. */
const struct prompt_count *exchange_count(const struct exchange *x, const struct model_conf *model);
/* ... and made where there is none: for bodies that may be counted on the loop, and for a worker. NULL: no room for more */
const struct prompt_count *exchange_count_for(struct exchange *x, const struct model_conf *model);
/* Whose answers it may have: its key's own and not those of one that has its name in other books. NULL: whoever's */
const unsigned char *exchange_asker(const struct exchange *x);
/* The request, the body and all that was worked out from them; at its end */
void exchange_free_request(struct exchange *x);
/* The row for the books, as far as the exchange knows it. cost and facts come from the answer. */
void exchange_row(const struct exchange *x, int status, const char *why, const char *error_code,
    struct ledger_request *row);
/* Who shares its answers: its account, or its project where the task's configuration says so */
enum { SCOPE_SIZE = 80 };
void exchange_scope(const struct exchange *x, char out[SCOPE_SIZE]);
/* The project as a scope, which is no account's name; empty: it has none */
void exchange_project_scope(const struct exchange *x, char out[SCOPE_SIZE]);
void exchange_take_facts(struct ledger_request *row, const struct answer_facts *facts, bool asker);

#endif
