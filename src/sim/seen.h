/*
 * How often a 64-bit mark was seen: prompt prefixes for the cache discount, bodies for faults that pass.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_SEEN_H
#define FARTHING_SIM_SEEN_H

#include "base/str.h"

struct sim_seen {
	struct sim_seen_slot {
		uint64_t mark;
		uint32_t times;
	} * slots;
	size_t count, cap;
};

uint64_t sim_hash(uint64_t from, struct str bytes); /* FNV-1a, 64 bits; start with SIM_HASH */
#define SIM_HASH UINT64_C(0xcbf29ce484222325)

uint32_t sim_seen_add(struct sim_seen *s, uint64_t mark); /* how often it had been seen before */
void sim_seen_clear(struct sim_seen *s);

#endif
