/*
 * What the router has learned, as JSON: the section `routing` of the summary. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "door.h"
#include "stages/learned.h"

enum { SHOWN_MOST = 300 }; /* tiers of tasks */

struct page {
	struct buf *out;
	size_t count;
};

void
admin_add_text(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":", key);
	if (value == NULL) {
		buf_add(b, STR("null"));
		return;
	}
	buf_add_c(b, '"');
	buf_add_json(b, str_from(value));
	buf_add_c(b, '"');
}

static void
on_tier(void *context, const struct success_tier *t)
{
	struct page *p = context;
	struct buf *b = p->out;
	if (p->count >= SHOWN_MOST)
		return;
	buf_printf(b, "%s\n  {", p->count++ > 0 ? "," : "");
	admin_add_text(b, "task", t->task);
	buf_add_c(b, ',');
	admin_add_text(b, "tier", tier_name(t->tier));
	buf_add_c(b, ',');
	admin_add_text(b, "choice", t->choice);
	buf_printf(b,
	    ",\"target\":%.4g,\"requests\":%llu,\"explored\":%llu,\"changes\":%llu,\"outcomes\":%llu,"
	    "\"models\":[",
	    t->target, (unsigned long long)t->requests, (unsigned long long)t->explored,
	    (unsigned long long)t->changes, (unsigned long long)t->outcomes);
	for (size_t i = 0; i < t->count; i++) {
		const struct success_model *m = &t->models[i];
		buf_add(b, i > 0 ? STR(",{") : STR("{"));
		admin_add_text(b, "model", m->name);
		if (m->view.seen > 0)
			buf_printf(b, ",\"good\":%.4f", m->view.mean);
		else
			buf_add(b, STR(",\"good\":null"));
		buf_printf(b,
		    ",\"good_low\":%.4f,\"good_high\":%.4f,\"observations\":%.1f,\"chosen\":%llu,"
		    "\"explored\":%llu,"
		    "\"refuted\":%s}",
		    m->view.low, m->view.high, m->view.seen, (unsigned long long)m->chosen,
		    (unsigned long long)m->explored, m->view.refuted ? "true" : "false");
	}
	buf_add(b, STR("]}"));
}

void
admin_routing(const struct visit *v, struct buf *out)
{
	struct page p = { out, 0 };
	const struct success *s = learned_success(pipeline_learned(v->client->server->house.pipeline));
	buf_add_c(out, '[');
	success_each(s, clock_wall_us() / 1000, on_tier, &p);
	buf_add_c(out, ']');
}
