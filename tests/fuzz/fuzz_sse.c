/*
 * The stream cutter against foreign bytes: the first byte chooses how the rest is split. Raw bytes in a row are the
 * input, and the split changes no event.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "upstream/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
	struct buf raw;  /* every raw byte */
	struct buf told; /* what the events said, one after the other */
};

static int
on_event(void *context, const struct sse_event *e)
{
	struct sum *sum = context;
	assert(e->raw.n > 0);
	assert(buf_add(&sum->raw, e->raw) == 0);
	/* Blank lines and comments say nothing; a late LF is one of them. */
	if (!e->has_data && e->name.n == 0)
		return 0;
	assert(buf_printf(&sum->told, "%zu:%d:%zu:", e->name.n, e->has_data, e->data.n) == 0);
	assert(buf_add(&sum->told, e->name) == 0 && buf_add(&sum->told, e->data) == 0);
	return 0;
}

static int
run(struct sum *sum, struct str bytes, size_t step, size_t max_event, size_t *rest)
{
	struct sse *s = sse_new(max_event);
	int rc = 0;
	for (size_t at = 0; at < bytes.n && rc == 0; at += step) {
		size_t n = bytes.n - at < step ? bytes.n - at : step;
		char *copy = malloc(n);
		assert(copy != NULL);
		memcpy(copy, bytes.p + at, n);
		rc = sse_feed(s, (struct str){ copy, n }, on_event, sum);
		free(copy);
	}
	int end = sse_finish(s, on_event, sum);
	assert(end == rc);
	*rest = sse_rest(s).n;
	if (rc == 0)
		assert(buf_add(&sum->raw, sse_rest(s)) == 0);
	sse_free(&s);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct str bytes = { (const char *)data + 1, size - 1 };
	size_t step = 1 + data[0] % 16;
	size_t max_event = data[0] >= 128 ? 24 : 1 << 20;
	struct sum whole = { 0 }, cut = { 0 };
	size_t whole_rest, cut_rest;

	int a = run(&whole, bytes, bytes.n, max_event, &whole_rest);
	int b = run(&cut, bytes, step, max_event, &cut_rest);

	assert(a == b);
	assert(str_eq(buf_str(&whole.told), buf_str(&cut.told)));
	if (a == 0) {
		assert(whole_rest == cut_rest);
		assert(str_eq(buf_str(&whole.raw), bytes));
		assert(str_eq(buf_str(&cut.raw), bytes));
	}
	buf_free(&whole.raw);
	buf_free(&whole.told);
	buf_free(&cut.raw);
	buf_free(&cut.told);
	return 0;
}
