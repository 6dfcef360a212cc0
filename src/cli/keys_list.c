/*
 * How `farthing keys list` shows keys.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keys_list.h"

#include <stdio.h>
#include <time.h>

#include "base/money.h"

enum { COLUMNS = 11, CELL = 40 };

static const char *const titles[COLUMNS] = { "NAME", "ENDS IN", "STATE", "PROJECT", "REQUEST", "DAY", "WEEK",
	"MONTH", "SPENT TODAY", "EXPIRES", "MODELS" };

static void
set(char cell[CELL], const char *text)
{
	str_copy(cell, CELL, str_from(text[0] != '\0' ? text : "-"));
}

static void
set_money(char cell[CELL], int64_t pico)
{
	char text[32];
	set(cell, pico >= 0 ? money_format(pico, text) : "");
}

static void
set_time(char cell[CELL], int64_t us)
{
	struct tm tm;
	time_t seconds = (time_t)(us / 1000000);
	set(cell, "");
	if (us != 0 && gmtime_r(&seconds, &tm) != NULL)
		strftime(cell, CELL, "%Y-%m-%d %H:%MZ", &tm);
}

/* All but the last column, which may be long and needs no padding. */
static void
fill(const struct key_row *row, int64_t now_us, char cells[COLUMNS - 1][CELL])
{
	const struct account_limits *l = &row->key.limits;
	set(cells[0], row->key.name);
	set(cells[1], row->hint);
	set(cells[2], key_row_state(row, now_us));
	set(cells[3], row->key.project);
	set_money(cells[4], l->request_pico);
	set_money(cells[5], l->daily_pico);
	set_money(cells[6], l->weekly_pico);
	set_money(cells[7], l->monthly_pico);
	set_money(cells[8], row->spent_today_pico);
	set_time(cells[9], row->key.expires_us);
}

int
keys_print_table(const struct key_row *rows, size_t count, int64_t now_us)
{
	char cells[COLUMNS - 1][CELL];
	int widths[COLUMNS - 1];
	for (int c = 0; c < COLUMNS - 1; c++)
		widths[c] = (int)strlen(titles[c]);
	for (size_t i = 0; i < count; i++) {
		fill(&rows[i], now_us, cells);
		for (int c = 0; c < COLUMNS - 1; c++)
			if ((int)strlen(cells[c]) > widths[c])
				widths[c] = (int)strlen(cells[c]);
	}
	for (int c = 0; c < COLUMNS - 1; c++)
		printf("%-*s  ", widths[c], titles[c]);
	puts(titles[COLUMNS - 1]);
	for (size_t i = 0; i < count; i++) {
		fill(&rows[i], now_us, cells);
		for (int c = 0; c < COLUMNS - 1; c++)
			printf("%-*s  ", widths[c], cells[c]);
		puts(rows[i].key.models[0] != '\0' ? rows[i].key.models : "all");
	}
	return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : -1;
}

int
keys_print_json(const struct key_row *rows, size_t count, int64_t now_us)
{
	struct buf out = { 0 };
	int rc = buf_add_c(&out, '[');
	for (size_t i = 0; i < count && rc == 0; i++) {
		rc |= buf_add(&out, i > 0 ? STR(",\n {") : STR("{"));
		rc |= key_row_json(&rows[i], now_us, &out);
		rc |= buf_add_c(&out, '}');
	}
	rc |= buf_add(&out, STR("]\n"));
	if (rc == 0)
		fwrite(out.p, 1, out.n, stdout);
	buf_free(&out);
	return rc == 0 && fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : -1;
}
