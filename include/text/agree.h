/*
 * Whether two answers say the same: how a hit of the similarity cache is checked against the answer that asking again gave.
 * Two answers of a model to one question differ in wording, so equality is too much to ask; for short ones, labels and JSON, it is
 * asked for all the same. Unsure counts as wrong where an error rate must not be underestimated.
 *
 *   equal but for case, white space, punctuation, markdown   same
 *   both JSON (fenced or not)                                same as data, or different: order of members and form of numbers say nothing
 *   one begins with yes, the other with no                   different
 *   a label of up to six words against one                   same if equal, else different
 *   a label against prose                                    same if the prose begins or ends with it, else unsure
 *   prose                                                    different if few of the shorter one's words, or another set of numbers
 *                                                            where it has some, are in the longer; same if nearly all are; else unsure
 *
 * It sees words, numbers, names and denials. It cannot see that two sentences without common words mean the same (unsure or different),
 * nor that two with the same words in another order do not (same, unless text/facts.h sees the direction).
 *
 * Pure; any thread. Linear in the lengths; more than AGREE_TEXT_MAX bytes are not looked at beyond equality: unsure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_AGREE_H
#define FARTHING_TEXT_AGREE_H

#include "base/str.h"

enum { AGREE_TEXT_MAX = 256 * 1024 };

enum agreement { AGREE_SAME, AGREE_DIFFERENT, AGREE_UNSURE };

enum agreement answers_agree(struct str a, struct str b);

#endif
