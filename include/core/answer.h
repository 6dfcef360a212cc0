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
 * All readers see the same bytes, but for a few places: the usage event is only for those who asked for usage, and what
 * it cost stands in it for the one who asked the question, what it saved for those who joined. Such a place holds the bytes for
 * each view one after the other, marked with the views they are for:
 *
 *     body    | data: {…"usage":{…     | ,"cost_usd":2.5,"saved_usd":0 | ,"cost_usd":0,"saved_usd":2.5 | }}  |
 *     marks   | ASKED and JOINED       | ASKED                         | JOINED                        | both |
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

/* Which of the bytes a reader sees. */
enum view {
	VIEW_ASKED,  /* it asked the question: the usage event tells what it cost */
	VIEW_JOINED, /* it joined: ... what it saved */
	VIEW_PLAIN,  /* it did not ask for usage: no usage event, nothing added */
	VIEWS
};
#define FOR(view) (1u << (view))
#define FOR_ALL (FOR(VIEWS) - 1)

/* Bytes of an answer for some of its readers. */
struct answer_piece {
	struct str bytes;
	unsigned views; /* FOR(...) | FOR(...) */
};
struct answer_mark {
	size_t at, end; /* in the body */
	unsigned views;
};

/* What came of the question, for headers and books; filled by the writer before the state moves to its end. */
struct answer_facts {
	char asker_id[48]; /* request id of the one that asked */
	char model[96];    /* that served it */
	char upstream[48];
	const char *tier; /* static name; NULL: none */
	struct usage usage;
	int64_t cost_pico; /* of all attempts; -1: unknown */
	/* Of the last one, which brought the answer: what it costs without bad luck; -1: unknown */
	int64_t served_pico;
	enum cost_basis basis;
	int64_t saved_prompt_pico; /* by input that the provider had cached */
	int64_t saved_routed_pico; /* by a cheaper model than the client would have had */
	/* By one call for several, against single calls; and where parts of one had to be asked again, what that cost more. One of the
	 * two is 0 */
	int64_t saved_batched_pico, lost_batched_pico;
	int batch_place, batch_size; /* "2/5": of the call that brought the answer; 0: it was asked alone */
	int attempts;
	/* Why the dear model was asked after a cheap one had answered, whichever answer this is (stages/escalate.h); 0: it was not */
	int escalated;
	/* Output tokens a choice was limited to, because a budget holds no more; 0: as asked */
	int64_t clamped_to;
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
	/* What is not for all, rising; a mark is smaller than the event that makes it, so the body's limit bounds them too */
	struct answer_mark *marks;
	size_t mark_count, mark_room;
	size_t shown[VIEWS]; /* bytes of the body that each view has in all */
	struct err *err;     /* when BROKEN; else NULL */
	bool err_told;       /* the stream has said so itself: nothing need be added */
	struct answer_facts facts;
	int64_t born_ms;

	struct link readers;
	int reader_count, holders;
	size_t lag_limit; /* bytes the fastest reader may be behind */
	bool lagging;
	const struct answer_writer *writer; /* NULL: nobody writes any more */
	void *context;
};

/* A place in an answer. All zeroes but wake and view is a reader of nothing. */
struct reader {
	struct link link;
	struct answer *answer;
	enum view view;
	size_t at;    /* in the body */
	size_t mark;  /* the first one not passed yet */
	size_t taken; /* bytes */
	bool asleep;
	int64_t moved_ms;               /* when it last took bytes or had none to take */
	void (*wake)(struct reader *r); /* bytes, the head or the end have come; called once per sleep */
};

/* Held by its writer */
struct answer *answer_new(enum answer_form form, size_t max_bytes, size_t lag_limit,
    const struct answer_writer *writer, void *context);
void answer_leave(struct answer **a); /* the writer lets go; the answer must have ended */
/* For whoever wants its bytes when nobody reads them any more, and writes nothing */
void answer_hold(struct answer *a);
void answer_drop(struct answer **a);
/* Appends all that readers with that view see of it; -1: out of memory. Of one that has ended, on any thread */
int answer_copy(const struct answer *a, enum view view, struct buf *out);

/* Takes headers */
void answer_head(struct answer *a, int status, const char *content_type, struct buf *headers);
int answer_add(struct answer *a, struct str bytes); /* -1: it would outgrow its limit, nothing added */
/* Takes body as all there is of it, instead of adding it */
void answer_take(struct answer *a, struct buf *body);
/* Moves all that a draft has, head and bytes, into an answer that has no bytes yet; a head that it has already stays. The
 * draft is one of the same form and limit that nobody reads; its holder keeps it, and it has nothing afterwards. */
void answer_adopt(struct answer *a, struct answer *draft);
/* Several pieces, not all for everybody, in one go: all or, with -1, none. Only those who see any are woken. */
int answer_add_pieces(struct answer *a, const struct answer_piece *pieces, size_t count);
/* The two ends, each at most once and with the facts filled; readers are woken. e is copied. */
void answer_whole(struct answer *a);
void answer_break(struct answer *a, const struct err *e);

/* All who read the one that has not begun read the other from here on, and its writer hears nothing of it. They joined that one,
 * so they see what those do */
void answer_redirect(struct answer *from, struct answer *to);
/* From the first byte on, however far the answer has come; r must read nothing else */
void answer_join(struct answer *a, struct reader *r);
void answer_part(struct reader *r); /* a no-op for a reader of nothing */

enum { ANSWER_NOTHING_YET = 0, ANSWER_END = -1, ANSWER_FAILED = -2 };
/* Copies what is there into out: > 0 bytes, or one of the above. FAILED comes after the last byte that was added. */
long answer_read(struct reader *r, char *out, size_t size);
struct str reader_take_body(
    struct reader *r); /* all of a whole BODY, taken at once; the answer keeps the bytes */
/* Status and headers may be sent: for a BODY, when it is whole */
bool answer_has_head(const struct answer *a);
bool answer_ended(const struct answer *a);
bool reader_at_end(const struct reader *r); /* every byte it should see has been taken, and none will come */
void reader_sleep(struct reader *r);        /* until its wake is called; only when it has nothing to take */

#endif
