/*
 * How good batched answers are beside single ones, as JSON: the section `batching` of the summary. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "door.h"
#include "stages/batch_quality.h"

enum { SHOWN_MOST = 300 };

struct page {
	struct buf *out;
	size_t count;
};

static void
on_view(void *context, const struct batch_quality_view *view)
{
	struct page *p = context;
	if (p->count >= SHOWN_MOST)
		return;
	buf_add(p->out, p->count++ > 0 ? STR(",\n  ") : STR("\n  "));
	batch_quality_json(p->out, view);
}

void
admin_batching(const struct visit *v, struct buf *out)
{
	struct page p = { out, 0 };
	buf_add_c(out, '[');
	batch_quality_list(pipeline_batching(v->client->server->house.pipeline), on_view, &p);
	buf_add_c(out, ']');
}
