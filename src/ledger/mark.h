/*
 * The mark of the books: which ledger they are and how far they have come, beside what the holds file has seen of them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_MARK_H
#define FARTHING_SRC_LEDGER_MARK_H

#include <sqlite3.h>

#include "holds.h"

/* What the books say of themselves; books of version 1 say nothing. */
struct identity {
	char ledger[HOLDS_LEDGER];
	int64_t commits;
	bool known;
	bool was_open, was_closed; /* by the life before this one; neither in new books */
};

void mark_text(
    sqlite3 *db, const char *key, char *out, size_t size); /* a value of the table meta; empty: none */
int mark_identify(sqlite3 *db, const char *path, struct identity *id, struct err *e);
/* 0: these books may be opened beside this holds file, as the options have it; -1 with *e says what would allow it. */
int mark_compare(const char *path, const char *holds_path, const struct ledger_options *options,
    const struct holds_mark *mark, const struct identity *id, struct err *e);
int mark_adopt(sqlite3 *db, const char *ledger); /* the books take this name; an SQLite result code */

#endif
