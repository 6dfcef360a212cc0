/*
 * A table for people: cells in rows, columns as wide as their widest cell, columns without content left out.
 *
 *     grid_head(&g, "name|requests|cost") ── grid_cell(&g, "%s", ...) for each column ── grid_print
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CLI_GRID_H
#define FARTHING_CLI_GRID_H

#include <stdio.h>

#include "base/str.h"

enum { GRID_COLUMNS = 12 };

struct grid {
	char **cells; /* row by row */
	size_t count, room;
	size_t columns;
	bool headed;
	unsigned left; /* bit n: column n is aligned to the left; the first one always is */
};

/* Titles parted by '|'. A title before which stands a '<' is that of a column aligned to the left. */
void grid_head(struct grid *g, const char *titles);
/* The same without a line of titles */
void grid_columns(struct grid *g, const char *marks);
/* The next cell; bytes that would steer a terminal become '?' */
void grid_cell(struct grid *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
void grid_blank(struct grid *g);
void grid_print(struct grid *g, FILE *to); /* each line two spaces in; empties the grid */

#endif
