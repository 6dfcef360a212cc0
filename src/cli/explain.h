/*
 * farthing explain: of a request that was served, out of the ledger (explain_row), or of one that might be sent (explain_request).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CLI_EXPLAIN_H
#define FARTHING_CLI_EXPLAIN_H

#include <stdbool.h>

struct explain_options {
	const char *id;                     /* of a served request; NULL: one comes on stdin */
	const char *config_path, *database; /* NULL: as everywhere */
	const char *task;                   /* NULL: as the request says */
	const char *route;                  /* as x-farthing-route; NULL: no such header */
	const char *batch;                  /* as x-farthing-batch, likewise */
	const char
	    *key;     /* the virtual key's name, and so whose answers it may have; NULL: none are required */
	bool compare; /* two texts are held beside each other instead */
	const char *texts[2]; /* or @FILE */
	bool json;
};

/* Both give the exit status. */
int explain_row(const struct explain_options *o);
int explain_request(const struct explain_options *o);
int explain_compare(const struct explain_options *o); /* how alike two texts are */

#endif
