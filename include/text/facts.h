/*
 * Facts: what must be equal for two questions to have one answer, however alike they read. Numbers with their units, dates,
 * negations, opposites (enable and disable, with and without), names and codes, quoted strings, code, the direction of a
 * comparison or a conversion, languages asked for. Any difference is a veto. Facts are read by rules and small word lists, not learned:
 * the price of a mistake here is a hit that is lost, never a wrong answer that is served.
 *
 * Pure; any thread; linear in the lengths, of which FACTS_TEXT_MAX bytes are read (longer texts differ).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_FACTS_H
#define FARTHING_TEXT_FACTS_H

#include <stdbool.h>

#include "base/str.h"

enum { FACTS_TEXT_MAX = 16 * 1024 };

enum veto_kind {
	VETO_NONE,
	VETO_NUMBER,
	VETO_DATE,
	VETO_NEGATION,
	VETO_OPPOSITE,
	VETO_NAME,
	VETO_CODE,
	VETO_QUOTE,
	VETO_DIRECTION,
	VETO_LANGUAGE,
	VETO_CONTEXT,  /* it points at something outside itself: "and the second one?" */
	VETO_LENGTH,   /* or form: "in one sentence", "as a table" */
	VETO_QUESTION, /* why and how, can and should */
	VETOES,
};
const char *veto_name(enum veto_kind kind); /* "number", ... : for headers, rows and explain */

struct veto {
	enum veto_kind kind;
	char a[48],
	    b[48]; /* what differs, for `explain` alone: it is text of the prompt and never reaches a log */
};

/* Whether no fact differs between the two; *veto says the first one that does, and may be NULL. Symmetric. */
bool facts_agree(struct str a, struct str b, struct veto *veto);

/* The same of what is left of two texts without what they share: what these point at stands in the rest */
bool facts_pieces_agree(struct str a, struct str b, struct veto *veto);

/* The same in two steps, for a text that is compared with several. A read text is never changed: any number of threads may look. */
struct facts;
struct facts *facts_read(struct str text); /* keeps nothing of text; NULL: out of memory */
void facts_free(struct facts **f);
bool facts_same(const struct facts *a, const struct facts *b, struct veto *veto);

#endif
