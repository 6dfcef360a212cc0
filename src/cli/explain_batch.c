/*
 * Whether a request would travel with others: whether that is wanted, can be, and pays. That its task is switched off is what a gateway
 * last saved, which is once a minute.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "explain_batch.h"

#include <stdio.h>

#include "stages/batch_foresee.h"
#include "stages/batch_quality.h"

static const struct task_conf *
task_of(const struct exchange *x)
{
	return config_task(site_config(x->site), str_from(x->task));
}

/* NULL: it is wanted. Else why not, perhaps in line. */
static const char *
why_unwanted(const struct exchange *x, char line[BATCH_LINE])
{
	if (site_config(x->site)->mode == MODE_OBSERVE)
		return "mode is observe";
	if (x->batch_wish < 0)
		return "x-farthing-batch: off";
	if (x->batch_wish > 0 || task_of(x)->batch.on)
		return NULL;
	snprintf(
	    line, BATCH_LINE, "batch is not on for task %s, and x-farthing-batch: on was not sent", x->task);
	return line;
}

/* As stages/escalate.c decides it. */
static bool
is_asked_for_logprobs(
    const struct exchange *x, const struct model_conf *model, const struct model_conf *stronger)
{
	const struct escalate_conf *conf = &task_of(x)->routing.escalate;
	bool checked = conf->on && conf->confidence > 0 && stronger != NULL && stronger != model;
	return checked && !x->request.stream && !model->reasoning;
}

static void
on_view(void *context, const struct batch_quality_view *view)
{
	bool *off = context;
	*off = *off || !view->on;
}

static bool
is_switched_off(const struct exchange *x)
{
	bool off = false;
	batch_quality_peek(site_config(x->site)->database, x->task, on_view, &off);
	return off;
}

static const char *
shape_name(enum envelope_shape shape)
{
	return shape == ENVELOPE_SCHEMA   ? "by schema"
	       : shape == ENVELOPE_OBJECT ? "as an object"
					  : "between marks";
}

static void
say_outcome(struct page *p, const struct exchange *x, const char *unwanted, const char *alone, size_t most)
{
	char line[2 * BATCH_LINE];
	if (unwanted != NULL && alone != NULL)
		snprintf(line, sizeof line, "alone: %s; besides, %s", unwanted, alone);
	else if (unwanted != NULL || alone != NULL)
		snprintf(line, sizeof line, "alone: %s", unwanted != NULL ? unwanted : alone);
	else
		snprintf(line, sizeof line, "may wait up to %.4g s for others like it, %zu in all",
		    (double)task_of(x)->batch.wait_ms / 1000, most);
	page_text(p, "batch", str_from(line));
}

void
page_batch(struct page *p, const struct exchange *x, const struct model_conf *model,
    const struct model_conf *stronger, int64_t input)
{
	char line[BATCH_LINE];
	struct batch_foresight f;
	const char *unwanted = why_unwanted(x, line);
	batch_foresee(&x->request, model, &task_of(x)->batch, input, &f);
	if (f.foretold && is_asked_for_logprobs(x, model, stronger))
		f.alone = "its check looks at probabilities";
	else if (f.foretold && is_switched_off(x))
		f.alone = "batched answers of its task were worse";
	page_bool(p, "batch_wanted", unwanted == NULL);
	say_outcome(p, x, unwanted, f.alone, f.most);
	if (!f.foretold)
		return;
	page_text(p, "batch_envelope", str_from(shape_name(f.shape)));
	page_number(p, "batch_together", (double)f.most, 0);
	page_text(p, "batch_saving", str_from(f.saving));
	page_text(p, "batch_assumed", str_from(f.assumed));
}
