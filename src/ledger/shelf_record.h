/*
 * An answer as it lies on the shelf: one run of bytes that begins with the digest of the rest, so that an answer in which a
 * bit has turned over is known for what it is, and never served.
 *
 *     | SHA-256 of what follows | mark | key, check, bucket | numbers | ten texts, each with its length |
 *
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_SHELF_RECORD_H
#define FARTHING_SRC_LEDGER_SHELF_RECORD_H

#include "ledger/shelf.h"

/* Bytes of the record; 0: a text is too long to be kept */
size_t shelf_record_size(const struct shelf_item *item);
/* Writes so many bytes. The digest is left open until shelf_record_seal: that is for another thread. */
void shelf_record_write(const struct shelf_item *item, char *out);
void shelf_record_seal(char *record, size_t n);
/* False: these bytes are no record, or not the ones that were written. Texts point into them. */
bool shelf_record_read(struct str record, struct shelf_item *item);

#endif
