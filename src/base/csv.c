/*
 * Tables as RFC 4180 has them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/csv.h"

static void
part(struct buf *b)
{
	bool first = b->n == 0 || b->p[b->n - 1] == '\n';
	if (!first)
		buf_add_c(b, ',');
}

/* An empty field is quoted too: a record with nothing but one empty field would be no record. A line end can only be the last
 * byte of a record, so what `part` looks at is never inside a field. */
static bool
needs_quotes(struct str field)
{
	bool needs = field.n == 0;
	for (size_t i = 0; i < field.n; i++)
		needs = needs || field.p[i] == ',' || field.p[i] == '"' || field.p[i] == '\r' ||
			field.p[i] == '\n';
	return needs;
}

void
csv_text(struct buf *b, struct str field)
{
	part(b);
	if (!needs_quotes(field)) {
		buf_add(b, field);
		return;
	}
	buf_add_c(b, '"');
	for (size_t i = 0; i < field.n; i++) {
		if (field.p[i] == '"')
			buf_add_c(b, '"');
		buf_add_c(b, field.p[i]);
	}
	buf_add_c(b, '"');
}

void
csv_number(struct buf *b, int64_t number)
{
	part(b);
	buf_printf(b, "%lld", (long long)number);
}

void
csv_end(struct buf *b)
{
	buf_add(b, STR("\r\n"));
}
