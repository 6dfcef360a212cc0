/*
 * A table for people.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "grid.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/utf8.h"

static void
put(struct grid *g, struct str text)
{
	if (g->count == g->room) {
		g->room = g->room > 0 ? 2 * g->room : 64;
		g->cells = realloc(g->cells, g->room * sizeof(char *));
		if (g->cells == NULL)
			abort();
	}
	char *cell = g->cells[g->count++] = str_dup(text);
	for (; *cell != '\0'; cell++)
		if ((unsigned char)*cell < 0x20 || *cell == 0x7f)
			*cell = '?';
}

void
grid_columns(struct grid *g, const char *marks)
{
	*g = (struct grid){ .left = 1 };
	struct str rest = str_from(marks), title;
	while (str_cut(&rest, '|', &title)) {
		assert(g->columns < GRID_COLUMNS);
		if (str_starts(title, STR("<")))
			g->left |= 1u << g->columns;
		g->columns++;
	}
}

void
grid_head(struct grid *g, const char *titles)
{
	grid_columns(g, titles);
	g->headed = true;
	struct str rest = str_from(titles), title;
	while (str_cut(&rest, '|', &title)) {
		if (str_starts(title, STR("<")))
			title = (struct str){ title.p + 1, title.n - 1 };
		put(g, title);
	}
}

void
grid_cell(struct grid *g, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	put(g, str_from(text));
}

void
grid_blank(struct grid *g)
{
	put(g, STR(""));
}

/* Characters, which is what most terminals show of the names that stand here; malformed bytes count one each. */
static size_t
width(const char *cell)
{
	struct str s = str_from(cell);
	size_t count = 0;
	for (size_t i = 0, step; i < s.n; i += step, count++)
		step = utf8_step(s, i) > 0 ? utf8_step(s, i) : 1;
	return count;
}

/* A column that has nothing but its title is left out. */
static void
measure(const struct grid *g, size_t widths[GRID_COLUMNS])
{
	size_t first = g->headed ? g->columns : 0;
	for (size_t c = 0; c < g->columns; c++)
		widths[c] = 0;
	for (size_t i = first; i < g->count; i++) {
		size_t w = width(g->cells[i]), *most = &widths[i % g->columns];
		*most = w > *most ? w : *most;
	}
	for (size_t c = 0; c < g->columns && g->headed; c++) {
		size_t w = width(g->cells[c]);
		if (widths[c] > 0 && w > widths[c])
			widths[c] = w;
	}
}

static void
print_row(const struct grid *g, char *const *row, const size_t widths[GRID_COLUMNS], FILE *to)
{
	struct buf line = { 0 };
	for (size_t c = 0; c < g->columns; c++) {
		if (widths[c] == 0)
			continue;
		int pad = (int)(widths[c] - width(row[c]));
		bool left = (g->left >> c & 1u) != 0;
		buf_printf(&line, "  %*s%s%*s", left ? 0 : pad, "", row[c], left ? pad : 0, "");
	}
	while (line.n > 0 && line.p[line.n - 1] == ' ')
		line.n--;
	fprintf(to, "%.*s\n", STR_FMT(line));
	buf_free(&line);
}

void
grid_print(struct grid *g, FILE *to)
{
	size_t widths[GRID_COLUMNS];
	assert(g->columns > 0 && g->count % g->columns == 0);
	measure(g, widths);
	for (size_t i = 0; i < g->count; i += g->columns)
		print_row(g, g->cells + i, widths, to);
	for (size_t i = 0; i < g->count; i++)
		free(g->cells[i]);
	free(g->cells);
	*g = (struct grid){ 0 };
}
