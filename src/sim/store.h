/*
 * Responses that were stored, for GET and previous_response_id. The oldest leave when there are too many.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_STORE_H
#define FARTHING_SIM_STORE_H

#include "base/str.h"

struct sim_store;

struct sim_kept {
	char id[48];
	struct buf response, input; /* JSON, and the input as it was sent */
	int64_t tokens;             /* of the conversation up to and with this response */
};

struct sim_store *sim_store_new(void);
void sim_store_free(struct sim_store **s);
/* Takes response */
void sim_store_add(
    struct sim_store *s, const char *id, struct buf *response, struct str input, int64_t tokens);
const struct sim_kept *sim_store_find(const struct sim_store *s, struct str id); /* NULL when there is none */
void sim_store_drop(struct sim_store *s, struct str id);

#endif
