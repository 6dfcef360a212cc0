/*
 * Reading records of RFC 4180.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/csv_read.h"

static enum csv_got
broken(struct csv_reader *r, const char *why)
{
	r->why = why;
	return CSV_BROKEN;
}

/* One byte of the record, end of line counted. */
static int
take(struct csv_reader *r)
{
	int c = getc_unlocked(r->from);
	r->next_line += c == '\n';
	return c;
}

/* Appends one field's value and what ends it in *end: ',', '\n' or EOF. */
static enum csv_got
read_field(struct csv_reader *r, int *end)
{
	size_t start = r->text.n;
	int c = take(r);
	bool quoted = c == '"';
	if (quoted)
		c = take(r);
	for (;; c = take(r)) {
		if (quoted && c == EOF)
			return broken(r, "a quoted field does not end");
		if (quoted && c == '"') {
			c = take(r);
			if (c != '"') { /* not two for one */
				c = c == '\r' ? take(r) : c;
				if (c != ',' && c != '\n' && c != EOF)
					return broken(r, "something stands behind a closing quote");
				break;
			}
		} else if (!quoted && (c == ',' || c == '\n' || c == EOF)) {
			break;
		} else if (!quoted && c == '"') {
			return broken(r, "a quote stands within a field that does not begin with one");
		}
		if (r->text.n >= r->max)
			return broken(r, "the record is too long");
		if (buf_add_c(&r->text, (char)c) != 0)
			return broken(r, "out of memory");
	}
	if (!quoted && c == '\n' && r->text.n > start && r->text.p[r->text.n - 1] == '\r')
		r->text.n--;
	*end = c;
	return CSV_RECORD;
}

enum csv_got
csv_read(struct csv_reader *r)
{
	size_t ends[CSV_FIELDS_MOST];
	int end;
	do {
		buf_clear(&r->text);
		r->count = 0;
		r->line = r->next_line + 1;
		do {
			if (r->count == CSV_FIELDS_MOST)
				return broken(r, "the record has too many fields");
			enum csv_got got = read_field(r, &end);
			if (got != CSV_RECORD)
				return got;
			ends[r->count++] = r->text.n;
		} while (end == ',');
	} while (end == '\n' && r->count == 1 && r->text.n == 0);
	if (ferror(r->from))
		return broken(r, "it cannot be read");
	if (r->count == 1 && r->text.n == 0)
		return CSV_END;
	for (size_t i = 0, at = 0; i < r->count; at = ends[i++])
		r->fields[i] = (struct str){ r->text.p + at, ends[i] - at };
	return CSV_RECORD;
}

void
csv_reader_free(struct csv_reader *r)
{
	buf_free(&r->text);
}
