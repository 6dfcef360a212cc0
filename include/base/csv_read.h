/*
 * Reading records of RFC 4180 out of a file: fields parted by commas, quotes around what holds commas, quotes or line ends, records
 * ended by CR LF or LF. One record is in memory at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_CSV_READ_H
#define FARTHING_BASE_CSV_READ_H

#include <stdio.h>

#include "base/str.h"

enum { CSV_FIELDS_MOST = 256 };

enum csv_got {
	CSV_RECORD,
	CSV_END,
	CSV_BROKEN /* why says it */
};

/* All zeroes but `from` and `max` to begin with. */
struct csv_reader {
	FILE *from;
	size_t max;   /* bytes of a record */
	int64_t line; /* the last record's first line, from 1 */
	struct str fields[CSV_FIELDS_MOST];
	size_t count;
	const char *why; /* static */

	struct buf text;   /* what the fields point into */
	int64_t next_line; /* lines read so far */
};

/* The next record that is not an empty line, into fields. */
enum csv_got csv_read(struct csv_reader *r);
void csv_reader_free(struct csv_reader *r);

#endif
