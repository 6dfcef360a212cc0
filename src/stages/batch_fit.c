/*
 * Who may travel with others: what it is, what it asks for, what it would save.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_fit.h"

#include "base/clock.h"

struct batch_why
batch_fits(const struct request *r, const struct model_conf *model, const struct batch_conf *conf,
    struct bundle *out)
{
	if (model->kind != MODEL_CHAT)
		return batch_alone_for(BATCH_ALONE_UNFIT, "its model is not for it");
	if (model->free || !config_price_at(model, clock_wall_us())->known)
		return batch_alone_for(BATCH_ALONE_LOSS, "nothing can be saved");
	bundle_read(r, (size_t)conf->max_body, out);
	if (out->veto == NULL)
		out->veto = bundle_veto(r, model);
	return batch_alone_for(BATCH_ALONE_UNFIT, out->veto);
}

int64_t
batch_own(const struct request *r, const struct bundle *bundle, const struct model_conf *model)
{
	enum { COUNTED = 16 * 1024, BYTES_PER_TOKEN = 4 };
	struct buf text = { 0 };
	if (json_text(&r->json, bundle->text, &text) != 0)
		return 0;
	int64_t tokens = (int64_t)text.n / BYTES_PER_TOKEN;
	if (text.n <= COUNTED)
		tokens = tokens_count(tokens_encoding_of(str_from(model->upstream_model)), buf_str(&text));
	buf_free(&text);
	return tokens;
}

struct batch_terms
batch_terms_like(const struct batch_like *one, size_t count, int64_t own)
{
	enum { ASSUMED = 100 /* tokens of an answer, before any was seen */ };
	const struct request *r = one->request;
	const struct batch_past *past = one->past;
	struct envelope_item item = { .request = r, .bundle = one->bundle };
	int64_t output = past->answers > 0 ? (int64_t)past->output : ASSUMED;
	return (struct batch_terms){ .count = count,
		.shared = one->input > one->own ? one->input - one->own : 0,
		.own = own,
		.room = envelope_expected(one->shape, &item, &one->envelope, output),
		.price = config_price_at(one->model, clock_wall_us()),
		.past = past,
		.output_limit = r->max_output > 0 ? r->max_output : 0 };
}

struct batch_why
batch_pays(const struct batch_like *one, const struct batch_conf *conf, struct batch_terms *out)
{
	size_t size = (size_t)conf->size;
	*out = batch_terms_like(one, size, one->own * conf->size);
	size_t most = batch_most(out, one->model->max_output_tokens, conf->max_time_ms);
	out->count = most < size ? most : size;
	out->own = one->own * (int64_t)out->count;
	if (out->count < 2)
		return batch_alone_for(BATCH_ALONE_OUTPUT, "answers of its kind are too long");
	bool pays = batch_saving(out) > 0;
	return batch_alone_for(BATCH_ALONE_LOSS, pays ? NULL : "together would not be cheaper");
}
