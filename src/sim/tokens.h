/*
 * Tokens as the simulated provider counts them: exactly, like the models whose names it knows; for its own models
 * (sim-large, ...) as the newest of those do. A piece is what one event of a stream says: a token, or as many as it takes
 * to end at the end of a character.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_TOKENS_H
#define FARTHING_SIM_TOKENS_H

#include "core/request.h"
#include "text/tokens.h"

enum tokens_encoding sim_encoding(struct str model);
/* Both remember what they have counted. */
int64_t sim_count(enum tokens_encoding e, struct str text);
/* Of a body that was scanned: what its prompt costs */
int64_t sim_count_prompt(enum endpoint endpoint, struct str model, const struct json *body);
/* Bytes of the first n tokens, as far as they make whole characters */
size_t sim_token_prefix(enum tokens_encoding e, struct str text, int64_t n);

struct sim_piece {
	uint32_t bytes, tokens;
};

/* Appends the pieces of a text, packed; how many there are. */
int64_t sim_pieces(enum tokens_encoding e, struct str text, struct buf *out);
/* The piece at a place in what sim_pieces made; false behind the last */
bool sim_piece_at(struct str pieces, int64_t index, struct sim_piece *piece);

#endif
