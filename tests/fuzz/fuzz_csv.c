/*
 * Reading CSV against foreign bytes: whatever is read as a record is, once written, read as the same record again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>

#include "base/csv.h"
#include "base/csv_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_empty(const struct csv_reader *r)
{
	return r->count == 1 && r->fields[0].n == 0;
}

static void
again(const struct csv_reader *first)
{
	struct buf text = { 0 };
	for (size_t i = 0; i < first->count; i++)
		csv_text(&text, first->fields[i]);
	csv_end(&text);
	struct csv_reader second = { .from = fmemopen(text.p, text.n, "rb"), .max = 4096 };
	assert(second.from != NULL);
	assert(csv_read(&second) == CSV_RECORD && second.count == first->count && second.line == 1);
	for (size_t i = 0; i < first->count; i++)
		assert(str_eq(first->fields[i], second.fields[i]));
	assert(csv_read(&second) == CSV_END);
	fclose(second.from);
	csv_reader_free(&second);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	union {
		const uint8_t *in;
		void *out; /* fmemopen has no const, and "r" does not write */
	} bytes = { data };
	struct csv_reader r = { .from = fmemopen(bytes.out, size, "rb"), .max = 4096 };
	enum csv_got got;
	assert(r.from != NULL);
	for (int64_t line = 0; (got = csv_read(&r)) == CSV_RECORD; line = r.line) {
		assert(r.line > line && r.count > 0 && !is_empty(&r));
		again(&r);
	}
	assert(got == CSV_END || r.why != NULL);
	fclose(r.from);
	csv_reader_free(&r);
	return 0;
}
