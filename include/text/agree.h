/*
 * Whether two answers say the same: how a hit of the similarity cache is checked against the answer that asking again gave.
 * Two answers of a model to one question differ in wording, so equality is too much to ask; for short ones, labels and JSON, it is
 * asked for all the same. Unsure counts as wrong where an error rate must not be underestimated.
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_AGREE_H
#define FARTHING_TEXT_AGREE_H

#include "base/str.h"

enum agreement { AGREE_SAME, AGREE_DIFFERENT, AGREE_UNSURE };

enum agreement answers_agree(struct str a, struct str b);

#endif
