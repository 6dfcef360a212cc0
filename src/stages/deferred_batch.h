/*
 * What a provider says of its batch jobs: the file that was uploaded, the job, a page of the list of jobs, a line of a result file.
 * Foreign bytes, read strictly: names that go into paths are vetted, what is not understood is refused. Pure; any thread.
 *
 * Shapes as OpenAI documents them (Batch and Files in its API reference): a batch has `status`, `output_file_id`, `error_file_id`,
 * `errors.data[]`, `request_counts` and `metadata`; a line {"custom_id", "response": {"status_code", "body"} | null, "error": {"code",
 * "message"} | null}. Lines come in any order. What had no time left has the code "batch_expired" in the error file and is not billed.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_DEFERRED_BATCH_H
#define FARTHING_SRC_STAGES_DEFERRED_BATCH_H

#include "base/err.h"
#include "base/json.h"

enum batch_state {
	BATCH_RUNS, /* validating, in_progress, finalizing, cancelling, or a word nobody knows yet */
	BATCH_COMPLETED,
	BATCH_FAILED, /* none of it was carried out */
	BATCH_EXPIRED,
	BATCH_CANCELLED,
};

enum { REMOTE_ID = 96 };

struct batch {
	char id[REMOTE_ID];
	enum batch_state state;
	char output[REMOTE_ID], errors[REMOTE_ID]; /* files; empty: none */
	char name[48];                        /* the gateway's own, out of the metadata; empty: not ours */
	int64_t created_s;                    /* since 1970; 0: not said */
	int64_t completed;                    /* requests that were answered; -1: not said */
	char error_code[40], error_text[300]; /* of one that failed; empty: not said */
};

/* The member of the metadata that has the name */
#define BATCH_NAME "farthing_job"

/* 0, or -1: no such object */
int batch_read(struct str body, struct batch *b);
int batch_file_read(struct str body, char id[REMOTE_ID]);

/* A page of jobs, the newest first. 1: the named one is among them, in *b. 0: not; then last is the cursor for the next page, empty where
 * there is none, and *oldest_s when the last one was made. -1: no such page */
int batch_page_find(
    struct str body, const char *name, struct batch *b, char last[REMOTE_ID], int64_t *oldest_s);

struct batch_line {
	char id[65];         /* custom_id, cut: ours are shorter */
	int status;          /* of the response; 0: there is none */
	struct str body;     /* JSON, in the line; p == NULL: none */
	bool failed;         /* error is an object */
	char error_code[40]; /* empty: none */
};
/* 0, or -1: it is none. Its tape is reused; line must live as long as out. */
int batch_line_read(struct json *tape, struct str line, struct batch_line *out);

#endif
