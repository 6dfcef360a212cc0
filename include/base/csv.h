/*
 * Tables as RFC 4180 has them: fields parted by commas, records ended by CR LF, quotes around what needs them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_CSV_H
#define FARTHING_BASE_CSV_H

#include "base/str.h"

/* Appends one field, with a comma before it unless it is the first of its record. */
void csv_text(struct buf *b, struct str field);
void csv_number(struct buf *b, int64_t number);
void csv_end(struct buf *b); /* of a record */

#endif
