/*
 * A connection to the keys in the ledger's file, from inside.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_KEYS_PRIVATE_H
#define FARTHING_SRC_LEDGER_KEYS_PRIVATE_H

#include <sqlite3.h>

#include "ledger/keys.h"

struct keys {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *data_version; /* PRAGMA data_version: changes when anybody else commits anything */
	sqlite3_stmt *keys_version; /* our own count of changes to keys, among the meta rows */
	int64_t seen_data, seen_keys;
};

int keys_failed(struct keys *k, struct err *e); /* SQLite's last word as a 503; -1 */
sqlite3_stmt *keys_prepare(struct keys *k, const char *sql, struct err *e); /* NULL with *e */

#endif
