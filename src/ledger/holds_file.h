/*
 * The holds file byte by byte. Numbers are little-endian as the machine has them; a change of this layout is a new version.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_HOLDS_FILE_H
#define FARTHING_SRC_LEDGER_HOLDS_FILE_H

#include <stdatomic.h>

#include "holds.h"

enum { HOLDS_VERSION = 1, HOLDS_HEADER_BYTES = 4096 /* also a multiple of the page size, for msync */ };

struct holds_header {
	char magic[8];
	uint32_t version, slot_bytes, slots, zero;
	char ledger[HOLDS_LEDGER];
	uint64_t check;           /* of all above */
	_Atomic uint64_t commits; /* sealed: one store changes number and seal together */
};

/* Labels are terminated. */
struct holds_record {
	int64_t at_us, number;
	char request_id[48], upstream[48], model[96], endpoint[32];
	char project[ACCOUNT_NAME], key[ACCOUNT_NAME], task[ACCOUNT_NAME], run[ACCOUNT_NAME];
	int64_t windows[2 * WINDOW_KINDS]; /* start, end */
	int64_t held_pico;
	int64_t price[10]; /* known, then as in struct price */
	uint64_t zero[4];  /* room for what comes */
	/* What it cost, written when that is known: outside of the checksum, with a seal of its own that comes last. */
	struct holds_end {
		int64_t cost_pico;
		uint64_t basis;
		_Atomic uint64_t seal;
	} end;
};

struct holds_slot {
	_Atomic uint64_t state; /* 0: free; else the number of its holder, counted */
	uint64_t check;
	struct holds_record record;
};

_Static_assert(sizeof(struct holds_header) == 80, "the layout of the header is fixed");
_Static_assert(sizeof(struct holds_slot) == 704, "the layout of a slot is fixed");
#define HOLDS_FILE_BYTES (HOLDS_HEADER_BYTES + (off_t)HOLDS_SLOTS * (off_t)sizeof(struct holds_slot))

void holds_header_fill(struct holds_header *header, const char *ledger, uint64_t commits);
uint64_t holds_commits_sealed(uint64_t commits);
void holds_record_fill(struct holds_record *record, const struct ledger_hold *hold);
uint64_t holds_end_seal(int64_t cost_pico, uint64_t basis, uint64_t state);
uint64_t holds_check(const struct holds_record *record, uint64_t state, int slot);

#endif
