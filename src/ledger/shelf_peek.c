/*
 * The shelf, for who only looks.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "shelf_file.h"

static void
on_damaged(void *context, int64_t row)
{
	(void)context;
	(void)row;
}

int
shelf_peek(const char *database, int64_t now_us, bool (*each)(void *context, const struct shelf_item *item),
    void *context)
{
	struct shelf_file f = { .path = NULL };
	struct err e;
	if (shelf_file_name(&f, database, &e) != 0)
		return -1;
	int rc = shelf_file_each(f.path, now_us, each, on_damaged, context);
	free(f.path);
	return rc == SQLITE_DONE ? 0 : -1;
}

int
shelf_peek_memo(const char *database, struct str name, struct buf *out)
{
	struct shelf_file f = { .path = NULL };
	struct err e;
	if (shelf_file_name(&f, database, &e) != 0)
		return -1;
	int rc = shelf_memo_read(f.path, name, out);
	free(f.path);
	return rc;
}
