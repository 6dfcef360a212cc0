/*
 * What a request's body costs in tokens, before it is sent: texts, chat framing, tools, response formats and image tiles,
 * by OpenAI's published rules. Pure: a scanned body in, numbers out; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_PROMPT_H
#define FARTHING_TEXT_PROMPT_H

#include "core/request.h"
#include "text/tokens.h"

struct prompt_count {
	int64_t input; /* the best count there is */
	int64_t
	    input_bound; /* no provider bills more input than that; equals input where the count is exact */
	int64_t output_extra; /* output that may be billed beyond the limit: a rejected prediction */
	bool exact;           /* input is what the provider will say: plain text and a known encoding */
	/* What cannot be counted from the body (a file by its id, an earlier response, a stored prompt): the input may be as
	 * large as the model's context. NULL: nothing; else a static name of the field, for explanations. */
	const char *unbounded;
};

/* The count for a model of this name at the provider. vision_model decides the tile rule. */
void prompt_count(const struct request *r, const struct model_conf *model, struct prompt_count *out);
/* Whether both models count any request alike; with images, which have prices of their own, or without. */
bool prompt_alike(const struct model_conf *a, const struct model_conf *b, bool images);

#endif
