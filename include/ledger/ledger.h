/*
 * The books: one row per request and one per attempt (a dispatch to a provider), in one SQLite file.
 *
 *     any thread ── ledger_request / ledger_attempt ──> queue ──> the ledger thread: one transaction a group, fsync
 *
 * Entries are copied; callers never wait for the disk. The ledger thread is the only writer and the only checkpointer.
 * When a commit fails the entries stay queued and are tried again, ledger_ready turns false, and the gateway stops
 * admitting: nothing about money is best effort.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEDGER_LEDGER_H
#define FARTHING_LEDGER_LEDGER_H

#include "base/err.h"
#include "core/account.h"
#include "core/usage.h"

/* Stored as numbers: never renumber. Names are what reports and headers show. */
enum cache_kind { CACHE_MISS = 0, CACHE_EXACT = 1, CACHE_SIMILAR = 2, CACHE_COALESCED = 3, CACHE_BYPASS = 4 };
const char *cache_kind_name(enum cache_kind kind);
bool cache_kind_shares(enum cache_kind kind); /* the answer was made for somebody else, who paid for it */

enum attempt_outcome {
	ATTEMPT_OK = 0,        /* whole answer */
	ATTEMPT_REFUSED = 1,   /* the provider answered with an error status: not billed */
	ATTEMPT_UNREACHED = 2, /* no byte of the request can have been processed: not billed */
	ATTEMPT_BROKEN = 3,    /* cut in the middle, timed out, or unreadable: may be billed */
	ATTEMPT_CANCELLED = 4, /* all readers left, or the gateway stopped */
	ATTEMPT_LOST = 5, /* the process died while it ran: written by the recovery, costs what was held */
};
const char *attempt_outcome_name(enum attempt_outcome outcome);

struct ledger_request {
	int64_t at_us; /* wall clock at arrival */
	char id[48];   /* x-request-id */
	char account[64];
	char task[64];
	char project[64]; /* empty: none */
	char run[64];     /* empty: none */
	char tier[16];    /* "simple", "moderate", "complex", "pinned"; empty: none */
	/* "chat", "completions", "embeddings", "responses", "files", "fine_tuning", "batches" */
	char endpoint[32];
	char model_asked[96];
	char model_served[96]; /* empty: none */
	char upstream[48];     /* empty: none */
	char answer_id[48];    /* request id of the one that asked, when the answer was shared; else empty */
	char error_code[40];   /* empty: none */
	char why[64];          /* the ending in words, as in the log: "served", "client hung up", ... */
	struct usage usage;    /* of the answer, also where it was shared or cached */
	/* What this request cost us; 0 for a follower; -1: unknown (basis COST_UNPRICED) */
	int64_t cost_pico;
	int64_t saved_pico; /* what sharing or a cache saved; -1: unknown */
	/* What was saved besides, each by its cause: a cheaper model than the one asked for, one call for several requests, input
	 * that the provider had cached. */
	int64_t saved_routed_pico, saved_batched_pico, saved_prompt_pico;
	int64_t lost_batched_pico;   /* what travelling together cost more than going alone would have */
	int batch_place, batch_size; /* "2/5": of the call that brought its answer; 0: it went alone */
	int64_t clamped_to;          /* the output limit the budget allowed; 0: it was not lowered */
	enum cost_basis basis;
	enum cache_kind cache;
	double similarity; /* of a similar hit, to the question whose answer it got; 0: none */
	char decision
	    [160];    /* how its answer was found, in short: for `farthing explain`. No text of the prompt */
	double score; /* of the router, 0..1; -1: it needed none, or did not decide */
	char
	    route[240]; /* what the router decided and why, in short; empty: nothing. No text of the prompt */
	int escalated; /* why the dear model was asked after the cheap one had answered, a number of its fault; 0: it was not */
	int status; /* HTTP status sent; 499: the client left first */
	bool stream;
	int attempts;          /* dispatches made for it */
	int64_t first_byte_us; /* from arrival to the first byte of the reply body; -1: never */
	int64_t total_us;      /* from arrival to the end */
	int64_t bytes_in, bytes_out;
};

struct ledger_attempt {
	int64_t at_us;
	char request_id[48]; /* of the request that asked */
	int number;          /* 1, 2, ... within the request; (request_id, number) is unique */
	char upstream[48];
	char model[96];
	enum attempt_outcome outcome;
	int status; /* HTTP status from the provider; 0: none */
	char why[64];
	struct usage usage;
	int64_t cost_pico; /* -1: unknown (basis COST_UNPRICED) */
	enum cost_basis basis;
	int64_t first_byte_us, total_us; /* from dispatch; first -1: never */
	/* What it was admitted with: who pays, in which windows, how much was held. No windows (all zeroes): it went past the
	 * guard, because it cannot cost anything. */
	struct payer payer;
	struct window windows[WINDOW_KINDS];
	int64_t held_pico;
	struct price price; /* that its cost was worked out with */
	bool overrun;       /* it cost more than was held */
	bool freeze;        /* ... and so much more that its key is frozen until the day window ends */
	int slot;           /* of its hold in the holds file, given back once this row is on disk; -1: none */
	char batch[48];     /* the call it travelled in with others; empty: it was alone */
};

/* One call for several attempts. Their rows carry its id, and sum to what stands here: in every count, and in money to the last
 * pico-dollar (G6). Where nobody knows what the call took, its usage is unknown, as theirs is, and its cost is the sum of what they
 * were charged. All of one payer, at one model. */
struct ledger_batch {
	int64_t at_us;
	char id[48];
	char upstream[48];
	char model[96];
	int members; /* that left with it: as many attempts carry its id */
	/* Whose parts were good: their attempts are ATTEMPT_OK, or cancelled where the client had left */
	int answered;
	enum attempt_outcome outcome; /* ATTEMPT_OK where any was answered */
	char why[64];                 /* "served", or why it, or some of its members, had to be asked again */
	struct usage usage;
	int64_t cost_pico; /* -1: unknown, as one of theirs is (basis COST_UNPRICED) */
	enum cost_basis basis;
};

/* What a comparison of two answers said of the similarity cache. */
struct ledger_check {
	int64_t at_us;
	char
	    request_id[48]; /* that was served, or asked upstream because the candidate was not good enough */
	char answer_id[48]; /* the request whose answer was, or would have been, served */
	char account[64], task[64];
	double probability; /* the verifier's */
	bool served; /* a hit was checked; false: a miss told, for nothing, whether it need have been one */
	bool right;  /* the answers agreed */
};

/* What was found out about an answer: the router learns from it. Of one giver the later word replaces the earlier one. */
struct ledger_outcome {
	int64_t at_us;
	char request_id[48];
	char account[64], task[64];
	char tier[16];
	char model[96];  /* that answered */
	char source[16]; /* "check", "feedback", "shadow", "judge" */
	char giver
	    [64];    /* whose feedback: a key's name, "local" or "admin"; empty: the gateway's own finding */
	double good; /* 0..1 */
	char reason[64]; /* a label that came with it; empty: none */
};

/* A hold as it lies in the holds file: all that recovery needs to write the row of an attempt nobody ended. */
struct ledger_hold {
	int64_t at_us; /* wall clock at admission */
	char request_id[48];
	int number; /* of the attempt */
	char upstream[48];
	char model[96];
	char endpoint[32];
	struct payer payer;
	struct window windows[WINDOW_KINDS];
	int64_t held_pico;
	struct price price;
	/* What recovery finds of its end; not looked at by ledger_hold. -1: nobody lived to say what it cost */
	int64_t settled_pico;
	enum cost_basis settled_basis;
};

/* What has been settled in one window of one account, as the books have it. */
struct ledger_window {
	enum account_kind kind;
	char account[RUN_ACCOUNT_NAME];
	enum window_kind window;
	int64_t start_us, end_us; /* of a run: the first row, and 30 days behind the last one */
	int64_t settled_pico;
	bool frozen;
};

struct ledger_options {
	const char *path;
	int keep_days;      /* rows older than this are pruned; 0: for ever */
	int64_t keep_bytes; /* the oldest rows are pruned until the file's used pages fit; 0: no limit */
	bool create;        /* false: refuse when the file is missing (tools that only look) */
	/* Take books that are older than what the holds file has seen (a restored backup) */
	bool accept_rollback;
	bool init; /* begin new books beside a holds file that belonged to others */
};

struct ledger_stats {
	uint64_t committed; /* entries on disk */
	uint64_t queued;    /* waiting now */
	uint64_t commits, failures;
	int64_t last_commit_us; /* how long the last commit took, fsync included */
	int64_t wal_bytes, file_bytes;
};

struct ledger;

/* Opens, locks (one process per file), checks (quick_check, schema version) and migrates; starts the thread.
 * NULL with *e when the file is damaged, newer than this program, locked or unwritable: it is never replaced. */
struct ledger *ledger_open(const struct ledger_options *options, struct err *e);
void ledger_request(struct ledger *l, const struct ledger_request *row);
void ledger_attempt(struct ledger *l, const struct ledger_attempt *row);
/*
 * One call that several attempts travelled in, after the rows of all of them. Attempts with a batch wait for this row in memory, so do
 * their requests when they end sooner, and all come to the disk in one transaction: the books have a call whole (G6), or it was lost in
 * a crash and its members are recovered from their holds, each for itself. A row must come for every batch that an attempt names.
 */
void ledger_batch(struct ledger *l, const struct ledger_batch *row);
void ledger_outcome(struct ledger *l, const struct ledger_outcome *row);
void ledger_cache_check(struct ledger *l, const struct ledger_check *row);
/* A purge that was asked for through the table has been seen to, see ledger/purges.h */
void ledger_purged(struct ledger *l, int64_t seq, int64_t entries);
/*
 * Puts a hold where it survives kill -9: a few hundred bytes into a file that is mapped into memory, no system call. The
 * slot goes into the attempt's row, which gives it back. -1: all slots are taken or the ledger is not ready, nothing may be sent.
 */
int ledger_hold(struct ledger *l, const struct ledger_hold *hold);
/* The attempt's cost is known: from here on recovery books that and not the hold, so that money which was released in memory is
 * not charged again. Before the guard releases it; the row must follow. */
void ledger_settled(struct ledger *l, int slot, int64_t cost_pico, enum cost_basis basis);
/* The attempt was never started after all: no row will come */
void ledger_unhold(struct ledger *l, int slot);
/*
 * For `durability: power`: calls on_safe(context) on the ledger's thread once every hold put before this call is on the disk.
 * on_safe gets false when the disk refused. One msync for all that wait.
 */
void ledger_hold_sync(struct ledger *l, void (*on_safe)(void *context, bool safe), void *context);
/* The open windows at the time of opening, recovery included: what the guard begins with. *rows is the caller's to free.
 * Windows that end before after_us are left out. */
int ledger_windows(const struct ledger *l, int64_t after_us, struct ledger_window **rows, size_t *count);
/* Latest start of any calendar window in the books: the guard's clock never goes below it */
int64_t ledger_newest_window_us(const struct ledger *l);
/* Holds that the recovery settled when the books were opened */
int ledger_recovered(const struct ledger *l);
bool ledger_ready(const struct ledger *l); /* false while commits fail or the queue is over its bound */
void ledger_stats(const struct ledger *l, struct ledger_stats *out);
void ledger_retention(struct ledger *l, int keep_days, int64_t keep_bytes); /* new limits after a reload */
/* Waits until all that was queued before is on disk; -1 when it cannot be. */
int ledger_sync(struct ledger *l);
/* Writes what is queued, checkpoints, unlocks; -1 when rows could not be written. */
int ledger_close(struct ledger **l);
const char *ledger_library(void); /* SQLite's version */

#endif
