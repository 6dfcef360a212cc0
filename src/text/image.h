/*
 * What a picture costs in tokens: its size, read from the first bytes of the file, and the rules by which OpenAI's models
 * see it, in tiles of 512 pixels or in patches of 32. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_IMAGE_H
#define FARTHING_TEXT_IMAGE_H

#include "base/str.h"

struct image_size {
	uint32_t width, height; /* 0, 0: not known */
};

enum image_detail {
	IMAGE_HIGH,     /* "high", and "auto": the model may choose it */
	IMAGE_LOW,      /* a thumbnail */
	IMAGE_ORIGINAL, /* anything else: as large as a model ever looks */
};

struct image_cost {
	int64_t tokens, bound; /* bound < 0: nobody knows this model's rule */
};

/* By the file's head: PNG, JPEG, GIF or WebP behind a data: URL's comma, in base64. */
struct image_size image_size_of(struct str url);
struct image_cost image_cost_of(struct str model, struct image_size size, enum image_detail detail);

#endif
