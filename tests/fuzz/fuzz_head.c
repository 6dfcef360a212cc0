/*
 * Header lines of a provider: any bytes, cut at LF. What is kept for the client must be pairs of terminated strings without line
 * ends, with the names that are allowed, and within the limit.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "../../src/upstream/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct call_head head = { 0 };
	struct str rest = { (const char *)data, size }, line;
	head_reset(&head);
	while (str_cut(&rest, '\n', &line))
		head_take(&head, line);
	assert(head.retry_after_ms >= -1);
	assert(memchr(head.content_type, '\0', sizeof head.content_type) != NULL);
	assert(head.headers.n <= 8 * 1024);
	for (size_t at = 0; at < head.headers.n;) {
		struct str name = str_from(head.headers.p + at);
		assert(str_starts(name, STR("x-ratelimit-")) || str_starts(name, STR("openai-")));
		struct str value = str_from(name.p + name.n + 1);
		for (size_t i = 0; i < value.n; i++)
			assert((unsigned char)value.p[i] >= 0x20);
		at += name.n + value.n + 2;
		assert(at <= head.headers.n);
	}
	buf_free(&head.headers);
	return 0;
}
