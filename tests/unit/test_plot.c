/*
 * Curves as a picture: that it is XML, shows what it is given, and nothing outside its frame. How it looks is for eyes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "learn/plot.h"

enum { ROWS = 200 };

static void
invent(struct curve *c, uint32_t seed, bool priced)
{
	struct curve_row rows[ROWS];
	for (int i = 0; i < ROWS; i++) {
		seed = seed * 1664525u + 1013904223u;
		rows[i] = (struct curve_row){ .score = seed >> 8,
			.weak = i % 3 == 0,
			.strong = i % 5 != 0,
			.weak_pico = priced ? 10 : -1,
			.strong_pico = 100 };
	}
	curve_of(rows, ROWS, c);
}

static struct buf
drawn(const struct plot *p)
{
	struct buf b = { 0 };
	assert_int_equal(plot_svg(p, &b), 0);
	assert_non_null(buf_text(&b));
	return b;
}

static int
times(const char *text, const char *what)
{
	int n = 0;
	for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
		n++;
	return n;
}

/* Tags close in the order they were opened, and no bare '&' or '<' stands in a text. */
static void
expect_xml(const char *text)
{
	char open[16][16];
	int depth = 0;
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '&')
			assert_true(strncmp(c, "&lt;", 4) == 0 || strncmp(c, "&amp;", 5) == 0);
		if (*c != '<')
			continue;
		const char *end = strchr(c, '>');
		char name[16] = "";
		assert_non_null(end);
		assert_int_equal(sscanf(c + (c[1] == '/' ? 2 : 1), "%15[a-z]", name), 1);
		if (c[1] == '/')
			assert_true(depth > 0 && strcmp(open[--depth], name) == 0);
		else if (end[-1] != '/')
			memcpy(open[depth++], name, sizeof name);
		c = end;
	}
	assert_int_equal(depth, 0);
}

static void
without_costs_there_is_one_panel(void **state)
{
	(void)state;
	struct curve a, b;
	invent(&a, 1, false);
	invent(&b, 2, false);
	struct plot p = { .title = "A title",
		.weak = "small",
		.strong = "large",
		.lines = { { "router", &a }, { "length", &b } },
		.count = 2 };
	struct buf svg = drawn(&p);
	expect_xml(svg.p);
	assert_int_equal(times(svg.p, ">quality<"), 1);
	assert_int_equal(times(svg.p, "share of requests that go to large<"), 1);
	assert_int_equal(times(svg.p, "always asking"), 0);
	assert_int_equal(times(svg.p, "small alone"), 1);
	assert_int_equal(times(svg.p, ">by chance "), 1);
	char apgr[32];
	snprintf(apgr, sizeof apgr, ">APGR %.3f<", a.apgr);
	assert_int_equal(times(svg.p, apgr), 1);
	buf_free(&svg);
}

static void
known_costs_make_a_second_panel(void **state)
{
	(void)state;
	struct curve a;
	invent(&a, 1, true);
	struct plot p = {
		.title = "t", .weak = "w", .strong = "s", .lines = { { "router", &a } }, .count = 1
	};
	struct buf svg = drawn(&p);
	expect_xml(svg.p);
	assert_int_equal(times(svg.p, ">quality<"), 2);
	assert_int_equal(times(svg.p, "cost, of that of always asking s<"), 1);
	buf_free(&svg);
}

static void
names_cannot_break_out_of_their_place(void **state)
{
	(void)state;
	struct curve a;
	invent(&a, 1, true);
	struct plot p = { .title = "<script>&\x01</title>",
		.weak = "a\"b'<b>",
		.strong = "]]>&amp;",
		.lines = { { "</svg>", &a } },
		.count = 1 };
	struct buf svg = drawn(&p);
	expect_xml(svg.p);
	assert_int_equal(times(svg.p, "<script"), 0);
	assert_int_equal(times(svg.p, "\x01"), 0);
	assert_int_equal(times(svg.p, "&lt;script>&amp;?"), 2);
	buf_free(&svg);
}

/* Every number of every line is a place within the picture, whatever the data: qualities that are all alike, or weak calls that cost
 * more than strong ones. */
static void
every_line_stays_in_the_picture(void **state)
{
	(void)state;
	struct curve_row flat[] = { { 1, 1, 1, 1, 1 }, { 0, 1, 1, 1, 1 } };
	struct curve_row none[] = { { 1, 0, 0, 1, 1 }, { 0, 0, 0, 1, 1 } };
	struct curve_row dear[] = { { 1, 0, 1, 4000, 1000 }, { 0, 0.999, 1, 3000, 1 } };
	struct curve_row *const cases[] = { flat, none, dear };
	for (int i = 0; i < 3; i++) {
		struct curve c;
		curve_of(cases[i], 2, &c);
		struct plot p = {
			.title = "t", .weak = "w", .strong = "s", .lines = { { "r", &c } }, .count = 1
		};
		struct buf svg = drawn(&p);
		int width = 0, height = 0, points = 0;
		assert_int_equal(
		    sscanf(strstr(svg.p, "viewBox"), "viewBox=\"0 0 %d %d\"", &width, &height), 2);
		for (const char *at = strstr(svg.p, " d=\"M"); at != NULL; at = strstr(at + 1, " d=\"M")) {
			const char *end = strchr(at + 5, '"');
			for (const char *q = at + 4; q < end && (*q == 'M' || *q == 'L');) {
				char *next;
				double x = strtod(q + 1, &next), y = strtod(next, &next);
				assert_true(x >= 0 && x <= width && y >= 0 && y <= height);
				points++;
				q = next;
			}
		}
		assert_true(points > 2 * CURVE_POINTS);
		assert_int_equal(times(svg.p, "nan") + times(svg.p, "inf"), 0);
		buf_free(&svg);
	}
}

static void
a_full_buffer_is_told(void **state)
{
	(void)state;
	struct curve a;
	struct buf b;
	invent(&a, 1, false);
	buf_init(&b, 4000);
	struct plot p = { .title = "t", .weak = "w", .strong = "s", .lines = { { "r", &a } }, .count = 1 };
	assert_int_equal(plot_svg(&p, &b), -1);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_costs_there_is_one_panel),
		cmocka_unit_test(known_costs_make_a_second_panel),
		cmocka_unit_test(names_cannot_break_out_of_their_place),
		cmocka_unit_test(every_line_stays_in_the_picture),
		cmocka_unit_test(a_full_buffer_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
