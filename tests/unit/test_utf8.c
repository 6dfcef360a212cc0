/*
 * Proves src/base/utf8.c against the definition: a sequence is a character exactly when it is the shortest spelling of a
 * scalar value.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

/* By decoding first and judging afterwards. */
static size_t
naive_step(const unsigned char *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	if (p[0] < 0x80)
		return 1;
	size_t length = p[0] >= 0xF8 ? 0 : p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC0 ? 2 : 0;
	if (length == 0 || length > n)
		return 0;
	uint32_t c = p[0] & (0x7Fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3F);
	}
	bool scalar = c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
	return scalar && c >= least[length] ? length : 0;
}

static void
check(const unsigned char *p, size_t n)
{
	size_t got = utf8_step((struct str){ (const char *)p, n }, 0), want = naive_step(p, n);
	if (got != want)
		fail_msg("%02x %02x %02x %02x of %zu: %zu, not %zu", p[0], p[1], p[2], p[3], n, got, want);
}

static void
steps_agree_with_the_definition(void **state)
{
	(void)state;
	/* third and fourth bytes at and beside every bound */
	static const unsigned char edges[] = { 0, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x9F, 0xA0, 0xBE, 0xBF, 0xC0,
		0xFF };
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			for (size_t c = 0; c < sizeof edges; c++) {
				for (size_t d = 0; d < sizeof edges; d++) {
					unsigned char p[] = { (unsigned char)a, (unsigned char)b, edges[c],
						edges[d] };
					check(p, 4);
				}
			}
			unsigned char p[] = { (unsigned char)a, (unsigned char)b, 0x80, 0x80 };
			for (size_t n = 1; n < 4; n++)
				check(p, n);
		}
	}
}

static void
every_scalar_value_is_put_and_stepped_over(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10FFFF; c++) {
		if (c >= 0xD800 && c <= 0xDFFF)
			continue;
		char out[5] = { 0 };
		size_t n = utf8_put(out, c);
		if (utf8_step((struct str){ out, n }, 0) != n || (c > 0 && out[n] != '\0'))
			fail_msg("U+%04X", c);
		if (n > 1 && utf8_step((struct str){ out, n - 1 }, 0) != 0)
			fail_msg("U+%04X cut", c);
	}
}

static void
steps_begin_anywhere(void **state)
{
	(void)state;
	struct str s = STR("a\xc3\xa9\xff\xe2\x82\xac");
	static const size_t steps[] = { 1, 2, 0, 0, 3, 0, 0 };
	for (size_t i = 0; i < s.n; i++)
		assert_int_equal(utf8_step(s, i), steps[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_agree_with_the_definition),
		cmocka_unit_test(every_scalar_value_is_put_and_stepped_over),
		cmocka_unit_test(steps_begin_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
