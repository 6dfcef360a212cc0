/*
 * How the simulated provider cuts text into tokens. One rule in one function, so that a real vocabulary can take
 * its place: a word with the space before it is ceil(letters / 6) tokens, every other visible character is one, white space one
 * for up to eight. Characters of UTF-8 are never cut.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_TOKENS_H
#define FARTHING_SIM_TOKENS_H

#include "base/str.h"

size_t sim_token_step(struct str text, size_t at); /* bytes of the token that starts at `at`; 0 at the end */
int64_t sim_token_count(struct str text);
size_t sim_token_prefix(struct str text, int64_t n); /* bytes of the first n tokens */

#endif
