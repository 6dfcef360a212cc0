/*
 * Old rows leave the books: by age, and by the space they take.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_RETENTION_H
#define FARTHING_SRC_LEDGER_RETENTION_H

#include <sqlite3.h>

#include "store.h"
#include "windows.h"

/* One slice, inside the caller's transaction. An SQLite result code. */
int retention_slice(sqlite3 *db, struct windows *windows, const struct store_limits *limits, int most,
    struct store_pruned *out);

#endif
