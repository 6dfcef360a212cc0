/*
 * What is believed of a task's batched answers, as one JSON object: the same for the summary and for `farthing report`.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "stages/batch_quality.h"

static void
add_mean(struct buf *out, const char *name, double good, double count)
{
	if (count > 0)
		buf_printf(out, ",\"%s_good\":%.4f,\"%s\":%.1f", name, good, name, count);
	else
		buf_printf(out, ",\"%s_good\":null,\"%s\":0", name, name);
}

void
batch_quality_json(struct buf *out, const struct batch_quality_view *v)
{
	char at[CLOCK_TEXT];
	buf_add(out, STR("{\"task\":\""));
	buf_add_json(out, str_from(v->task));
	buf_printf(out, "\",\"evidence\":\"%s\",\"on\":%s,\"decides\":%s", batch_evidence_name(v->evidence),
	    v->on ? "true" : "false", v->decides ? "true" : "false");
	add_mean(out, "batched", v->batched_good, v->batched_count);
	add_mean(out, "single", v->single_good, v->single_count);
	buf_printf(out, ",\"drop_low\":%.4f,\"drop_high\":%.4f,\"turned_off\":%llu,\"turned_on\":%llu",
	    v->drop_low, v->drop_high, (unsigned long long)v->turned_off, (unsigned long long)v->turned_on);
	if (v->turned_ms > 0)
		buf_printf(out, ",\"turned_at\":\"%s\",\"turned_drop_low\":%.4f,\"turned_drop_high\":%.4f}",
		    clock_text(v->turned_ms * 1000, at), v->turned_low, v->turned_high);
	else
		buf_add(out, STR(",\"turned_at\":null}"));
}
