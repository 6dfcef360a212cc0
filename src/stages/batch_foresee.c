/*
 * What the batcher would make of a request.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/batch_foresee.h"

#include "batch_fit.h"

void
batch_foresee(const struct request *r, const struct model_conf *model, const struct batch_conf *conf,
    int64_t input, struct batch_foresight *out)
{
	static const struct batch_past nothing_seen;
	struct bundle bundle;
	struct batch_terms terms;
	*out = (struct batch_foresight){ .alone = batch_fits(r, model, conf, &bundle).text };
	if (out->alone != NULL)
		return;
	struct envelope_item item = { .request = r, .bundle = &bundle };
	enum envelope_shape shape = envelope_shape(bundle.form, model);
	struct batch_like like = { .request = r,
		.model = model,
		.bundle = &bundle,
		.shape = shape,
		.input = input,
		.own = batch_own(r, &bundle, model),
		.envelope = envelope_count(shape, &item, model),
		.past = &nothing_seen };
	out->alone = batch_pays(&like, conf, &terms).text;
	out->foretold = true;
	out->shape = shape;
	out->most = terms.count;
	batch_saving_print(&terms, out->saving);
	batch_assumed_print(&terms, out->assumed);
}
