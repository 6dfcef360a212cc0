/*
 * An answer: the growing reply that any number of exchanges read. There are no leaders and no followers, only
 * readers, each at its own place; a late one begins at the first byte like everybody else.
 *
 *     WAITING ── answer_head ──> FLOWING ── answer_whole ──> WHOLE
 *        └──────────────────────────┴────── answer_break ──> BROKEN
 *
 *     writer (an ask)     answer_new  answer_head  answer_add*  answer_whole | answer_break  answer_leave
 *     reader              answer_join  answer_read* (sleep, wake)  answer_part
 *
 * Counted by its writer and its readers. When the last reader parts from an answer that has not ended, the writer is told with
 * on_deserted and stops the work. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_ANSWER_H
#define FARTHING_CORE_ANSWER_H

#include "base/err.h"
#include "base/list.h"
#include "core/usage.h"

enum answer_state { ANSWER_WAITING, ANSWER_FLOWING, ANSWER_WHOLE, ANSWER_BROKEN };

enum answer_form {
	ANSWER_EVENTS, /* an event stream: delivered as it grows; an error after the head becomes a last event */
	ANSWER_BODY,  /* one body: delivered when whole */
	ANSWER_BYTES, /* a body of unknown length that is passed on as it grows (file contents) */
};

/* What the writer wants to know about its readers. */
struct answer_writer {
	void (*on_deserted)(void *context); /* the last reader left an unfinished answer */
	/* Even the fastest reader is far behind, or no longer is */
	void (*on_lag)(void *context, bool behind);
};

/* What came of the question, for headers and books; filled by the writer before the state moves to its end. */
struct answer_facts {
	char asker_id[48]; /* request id of the one that asked */
	char model[96];    /* that served it */
	char upstream[48];
	const char *tier; /* static name; NULL: none */
	struct usage usage;
	int64_t cost_pico; /* of all attempts; -1: unknown */
	enum cost_basis basis;
	int attempts;
	/* clock_us(); 0: not yet. What was spent inside the gateway follows. */
	int64_t dispatched_us, headed_us, ended_us;
};

struct answer {
	enum answer_state state;
	enum answer_form form;
	int status; /* from the head on */
	char content_type[96];
	struct buf headers; /* "name\0value\0"... that pass to the client */
	struct buf body;
	size_t aside_at, aside_end; /* the usage event, for those who asked for it; equal: none */
	struct err err;             /* when BROKEN */
	bool err_told;              /* the stream has said so itself: nothing need be added */
	struct answer_facts facts;
	int64_t born_ms;

	struct link readers;
	int reader_count, holders;
	size_t lag_limit; /* bytes the fastest reader may be behind */
	bool lagging;
	const struct answer_writer *writer; /* NULL: nobody writes any more */
	void *context;
};

/* A place in an answer. All zeroes but wake is a reader of nothing. */
struct reader {
	struct link link;
	struct answer *answer;
	size_t at;
	bool asleep;
	bool hides_aside;
	int64_t moved_ms;               /* when it last took bytes or had none to take */
	void (*wake)(struct reader *r); /* bytes, the head or the end have come; called once per sleep */
};

/* Held by its writer */
struct answer *answer_new(enum answer_form form, size_t max_bytes, size_t lag_limit,
    const struct answer_writer *writer, void *context);
void answer_leave(struct answer **a); /* the writer lets go; the answer must have ended */

/* Takes headers */
void answer_head(struct answer *a, int status, const char *content_type, struct buf *headers);
int answer_add(struct answer *a, struct str bytes); /* -1: it would outgrow its limit, nothing added */
/* The one usage event; wakes only those who want it */
int answer_add_aside(struct answer *a, struct str bytes);
/* The two ends, each at most once and with the facts filled; readers are woken. e is copied. */
void answer_whole(struct answer *a);
void answer_break(struct answer *a, const struct err *e);

/* From the first byte on, however far the answer has come; r must read nothing else */
void answer_join(struct answer *a, struct reader *r);
void answer_part(struct reader *r); /* a no-op for a reader of nothing */

enum { ANSWER_NOTHING_YET = 0, ANSWER_END = -1, ANSWER_FAILED = -2 };
/* Copies what is there into out: > 0 bytes, or one of the above. FAILED comes after the last byte that was added. */
long answer_read(struct reader *r, char *out, size_t size);
/* Status and headers may be sent: for a BODY, when it is whole */
bool answer_has_head(const struct answer *a);
bool answer_ended(const struct answer *a);
bool reader_at_end(const struct reader *r); /* every byte it should see has been taken, and none will come */
void reader_sleep(struct reader *r);        /* until its wake is called; only when it has nothing to take */

#endif
