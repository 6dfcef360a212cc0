/*
 * JSON within prompts of strangers: equal texts have equal records, and whatever a record says, it can be said again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "text/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fields_conf
conf(void)
{
	static const char *must[] = { "brand" }, *text[] = { "about" }, *ignore[] = { "id" };
	static const double bounds[] = { 20, 100 };
	static const struct field_range ranges[] = { { .name = "price", .width = 50 },
		{ .name = "size", .bounds = bounds, .bound_count = 2 } };
	struct fields_conf c = { 0 };
	c.must_match = must;
	c.must_match_count = 1;
	c.text = text;
	c.text_count = 1;
	c.ignore = ignore;
	c.ignore_count = 1;
	c.ranges = ranges;
	c.range_count = 2;
	return c;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fields_conf c = conf();
	struct str s = { (const char *)data, size };
	struct record a = { 0 }, b = { 0 };
	if (record_of(s, &c, &a) != 0 || record_of(s, &c, &b) != 0)
		abort();
	if (a.objects > RECORD_OBJECTS_MAX || a.objects != b.objects || !digest_equal(&a.key, &b.key) ||
	    !str_eq(buf_str(&a.around), buf_str(&b.around)) || !str_eq(buf_str(&a.texts), buf_str(&b.texts)))
		abort();
	record_free(&a);
	record_free(&b);
	return 0;
}
