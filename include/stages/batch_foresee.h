/*
 * What the batcher would make of a request, without a batcher: for `farthing explain`. What answers of its kind were like is in the
 * memory of a gateway that runs, so here the saving is foretold as if none had been seen; whether others come is not known at all.
 * Pure, but for the clock that dates prices; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_BATCH_FORESEE_H
#define FARTHING_STAGES_BATCH_FORESEE_H

#include "core/envelope.h"

enum { BATCH_LINE = 160 };

struct batch_foresight {
	const char *alone; /* static: why it goes alone; NULL: it may travel */
	bool foretold;     /* the rest is filled: nothing but money or time keeps it from travelling */
	enum envelope_shape shape;
	size_t most; /* of its like would travel together */
	char saving[BATCH_LINE], assumed[BATCH_LINE];
};

/* input: its tokens, to that model */
void batch_foresee(const struct request *r, const struct model_conf *model, const struct batch_conf *conf,
    int64_t input, struct batch_foresight *out);

#endif
