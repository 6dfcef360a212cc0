/*
 * Checking the answers that are compared.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "batch_checked.h"

#include "judgement.h"

void
batch_checked(struct batch_quality *q, const struct ask *a, bool batched)
{
	const struct task_conf *task = config_task(site_config(a->site), str_from(a->charge.payer.task));
	/* What a batched answer cannot have is not looked at in single ones: how sure the model was. */
	struct escalate_conf conf = task->routing.escalate;
	conf.confidence = 0;
	int fault = escalate_fault(a);
	if (fault == FAULT_CONFIDENCE)
		return;
	bool fails = fault != FAULT_NONE;
	if (!fails) {
		struct judgement v;
		escalate_check(a, &conf, &v);
		if (!v.given)
			return;
		fails = v.fault != FAULT_NONE;
	}
	batch_quality_note(q, str_from(a->task), &task->batch, BATCH_CHECKED, batched, !fails);
}
