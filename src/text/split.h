/*
 * How a text falls into pieces before byte pairs are merged: what the published split patterns match, by hand and not by a
 * regular expression. Linear: no byte is looked at more than a few times. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_SPLIT_H
#define FARTHING_TEXT_SPLIT_H

#include "text/tokens.h"

/* The end of the piece that starts at `at`, which is one's end or 0. Text must be valid UTF-8, at < text.n. */
size_t split_next(enum tokens_encoding e, struct str text, size_t at);

#endif
