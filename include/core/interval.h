/*
 * What a sample says of the whole. Pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_INTERVAL_H
#define FARTHING_CORE_INTERVAL_H

#include <stdint.h>

/* The interval in which the share lies with 95 % confidence, by Wilson's score method, which holds for few observations and for
 * none that are wrong, too. whole 0: from 0 to 1, nothing is known. part <= whole. */
void interval_wilson(uint64_t part, uint64_t whole, double *low, double *high);

#endif
