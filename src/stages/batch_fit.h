/*
 * Whether a request may travel with others, and what that would be like: the batcher asks it of each one that comes, `farthing explain` of
 * one that might.
 * Pure, but for the clock that dates prices; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_BATCH_FIT_H
#define FARTHING_SRC_STAGES_BATCH_FIT_H

#include "batch_saving.h"
#include "stages/gateway_metrics.h"

/* Why it goes alone. */
struct batch_why {
	enum batch_alone kind;
	const char *text; /* static; NULL: it need not */
};

static inline struct batch_why
batch_alone_for(enum batch_alone kind, const char *text)
{
	return (struct batch_why){ kind, text };
}

/* One of those that would travel together; all of it is borrowed. */
struct batch_like {
	const struct request *request;
	const struct model_conf *model;
	const struct bundle *bundle;
	enum envelope_shape shape;
	int64_t input;                  /* tokens of it, in a call of its own */
	int64_t own;                    /* ... of these, its own text's */
	struct envelope_count envelope; /* what one adds, for that shape and model */
	const struct batch_past *past;  /* of answers of its kind */
};

/* By what it says, and whom it asks. Fills the bundle. */
struct batch_why batch_fits(const struct request *r, const struct model_conf *model,
    const struct batch_conf *conf, struct bundle *out);
/* What its own text alone counts; a large one by the rule of thumb, since nothing hangs on it but the split. */
int64_t batch_own(const struct request *r, const struct bundle *bundle, const struct model_conf *model);
/* Of so many like it, with that many tokens of their own. */
struct batch_terms batch_terms_like(const struct batch_like *one, size_t count, int64_t own);
/* By money and time, if as many as may travel together are like it. Those are out->count. */
struct batch_why batch_pays(
    const struct batch_like *one, const struct batch_conf *conf, struct batch_terms *out);

#endif
