/*
 * The file of a job, as POST /v1/files takes it: multipart/form-data (RFC 7578) with `purpose` and a JSONL `file`, a line for each
 * request. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_DEFERRED_UPLOAD_H
#define FARTHING_SRC_STAGES_DEFERRED_UPLOAD_H

#include "base/str.h"

/* A boundary that no line of JSON can hold at its beginning, since each of them begins with a brace */
enum { BOUNDARY_SIZE = 48 };
#define UPLOAD_TYPE "multipart/form-data; boundary="

/* All of these append; -1: out has no more room. name: a label, of the job */
int upload_begin(struct buf *out, const char *name, char boundary[BOUNDARY_SIZE]);
/* path: "/v1/chat/completions"; body: a JSON text, whose line ends become spaces */
int upload_line(struct buf *out, const char *id, const char *path, struct str body);
int upload_end(struct buf *out, const char *boundary);

#endif
