/*
 * A shipment: requests that travel to a provider in one of its batch jobs, and the steps of that job.
 *
 *     boarded ──> file uploaded ──> creating ──> batch ──> (polls) ──> ended ──> result files read, each request settled
 *        │                             │                                               └──> files deleted ──> over
 *        │                             └── not known whether it was created: the list of batches is asked for its name first
 *        └── each arrow is on the disk before the next step is taken, so that a crash repeats none that costs money
 *
 * What the provider refuses for good ends all its requests, not billed. What fails otherwise is tried again: before the job exists, for
 * a day; after that, for three days, and then all that was held is charged, because nobody knows what was carried out.
 * The loop only; files are put together and read on workers.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_SHIPMENT_H
#define FARTHING_SRC_STAGES_SHIPMENT_H

#include "deferred_private.h"

/* How those end that no line of a result file speaks of. */
struct fate {
	enum billed billed;
	int provider_status;
	bool unprocessed; /* the provider did not come to it: back into the queue while there is time */
	struct err err;
	const char *why; /* static */
};

struct shipment {
	struct link link; /* first */
	struct depot *depot;
	struct deferred_job row;
	struct link parcels;
	int count;
	struct timer timer;
	struct call *call; /* NULL: none under way */
	struct site *site; /* of that call */
	void (*on_reply)(struct shipment *s);
	struct buf heard;
	int status;
	int64_t retry_after_ms;
	bool reached, too_large; /* the reply is whole; it was larger than is read */
	int tries;
	bool waits_for_file; /* until nobody else has one in memory */
	bool waits_for_disk; /* a word or an errand is to come */
	bool resumed;
	char cursor[REMOTE_ID];
	bool ended; /* batch is how it ended */
	struct batch batch;
	enum { READ_OUTPUT, READ_ERRORS, READ_ALL } reading;
	bool has_file;    /* heard is that file */
	size_t at;        /* in heard, of the file that is read */
	int64_t answered; /* lines of answers */
	int settling;     /* ends that are on their way to the disk */
	bool fated, over; /* fate is set; the books know that the job is over */
	int untidy;       /* of its files, the next to delete */
	struct fate fate;
};

enum { REPLY_MOST = 4 * 1024 * 1024, PATH_MOST = 160 };

/* shipment_call.c */
/* body NULL: none; else taken. on_reply comes once, later, unless the call cannot even begin: then the shipment tries again */
void shipment_call(struct shipment *s, const char *method, const char *path, const char *type,
    struct buf *body, size_t most, void (*on_reply)(struct shipment *s));
/* What the reply means; *e for all but the good ones, which have no reply at all where the provider was not reached */
enum reply_kind { REPLY_GOOD, REPLY_REFUSED, REPLY_LATER };
enum reply_kind shipment_judge(const struct shipment *s, struct err *e);
void shipment_later(struct shipment *s);
void shipment_let_go_of_file(struct shipment *s);
bool shipment_is_lost(const struct shipment *s);
void shipment_doom(struct shipment *s, enum billed billed, int status, const struct err *e, const char *why);
void shipment_wait(struct shipment *s, int64_t ms); /* until its next step */
bool shipment_gives_up(struct shipment *s);         /* waiting has an end: it is doomed now */

/* shipment_send.c */
void shipment_upload(struct shipment *s);
void shipment_create_noted(struct word *w); /* that it may be created is on the disk */
void shipment_look_for(
    struct shipment *s); /* it may have been created: s->cursor is where the list goes on */
/* A provider that was cut off in the middle of creating a job may be at it still: its list is asked so much later */
int64_t shipment_settling_ms(const struct shipment *s);

/* shipment.c */
/* Writes down which steps were taken; then(word) comes when that is on the disk, about == s */
void shipment_note(struct shipment *s, const char *const *ids, size_t count, void (*then)(struct word *w));
bool shipment_is_noted(struct word *w);   /* what `then` begins with; false: no further step may be taken */
void shipment_on_noted(struct word *w);   /* a `then` that takes the next step */
void shipment_finish(struct shipment *s); /* nobody is left in it who is not to be queued again */

/* shipment_results.c */
void shipment_read(struct shipment *s); /* the job has ended: the next step of reading what it brought */
void shipment_settle_rest(struct shipment *s); /* as its fate says */

#endif
