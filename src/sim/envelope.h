/*
 * The simulator's own reader of envelopes: several requests in one chat or response, as docs of core/envelope.h describe them from the
 * outside. It shares no line with the code that seals them, and so can tell whether a model could read them.
 *
 *     read      the last user's text, if it is an envelope from its first byte to its last: quoting one is ordinary talk
 *     faults    each item's own text may ask for faults, of its answer or of the whole (batch:KIND)
 *     answer    each item as if it had been sent alone, in the form that is asked for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_ENVELOPE_H
#define FARTHING_SIM_ENVELOPE_H

#include "answers.h"

enum { SIM_ITEMS_MOST = 64 };

struct sim_envelope {
	bool marks; /* answers between lines with their ids; else {"answers":[{"id":…,"answer":…}]} */
	enum sim_form form; /* of each answer */
	/* Of SIM_FORM_SCHEMA: each answer's schema, the one that its references start from, and the tape of both */
	uint32_t schema, definitions;
	const struct json *json;
	struct json told_json; /* of a schema that the instruction told */
	struct buf told;
	struct sim_item {
		char id[32];
		struct buf text;
		struct sim_fault fault; /* what its own text asks for */
		unsigned batch;         /* enum sim_batch_fault: those of which it is the victim */
	} items[SIM_ITEMS_MOST];
	size_t n;
};

/* False: the prompt is an ordinary one. The memory of e is reused; it must have been all zeroes once. */
bool sim_envelope_read(struct sim_envelope *e, const struct sim_prompt *p);
/* Reads the items' faults, and adds to f what they ask for the whole call. After the faults of plan, header and shared messages. */
void sim_envelope_faults(struct sim_envelope *e, struct sim *s, struct sim_fault *f);
/* Closes the prompt, as sim_prompt_close does: an envelope with its items' faults, and billed as one. Returns it, until the next
 * prompt is closed; NULL: it is an ordinary one. */
const struct sim_envelope *sim_envelope_close(
    struct sim *s, struct sim_prompt *p, struct str body, struct sim_fault *f);
/* Appends the reply's content. */
struct sim_said sim_envelope_answer(const struct sim *s, const struct sim_prompt *p,
    const struct sim_envelope *e, const struct sim_fault *f, int choice, struct buf *out);

#endif
