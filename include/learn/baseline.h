/*
 * What a router must beat to be worth its trouble: how long the request is, and rules of key words made by hand as gateways have
 * them. Both are stated here in full, and were written down before they were measured: the rules are not fitted to any data.
 *
 * Pure; any thread; linear in the text.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEARN_BASELINE_H
#define FARTHING_LEARN_BASELINE_H

#include "base/str.h"

/* The higher, the more a request of that text needs the strong model. No scale is promised. */
double baseline_length(struct str text); /* its bytes */
/* A sum over kinds of words (src/learn/baseline.c lists them): each kind has a weight, and counts the places where one of its words or
 * phrases stands, upper or lower case, as words of their own, three at most:
 *
 *     reasoning +3   mathematics +2   code +2   technology +1   several steps +1   plain questions and small talk -2
 *
 * and +1 beyond 100 words, another beyond 400. */
double baseline_keywords(struct str text);

#endif
