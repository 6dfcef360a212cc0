/*
 * Figures as they stand in tables for people.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "figures.h"

#include "base/money.h"
#include "base/utf8.h"

/* How many decimals show the largest amount of a column with some four digits. */
int
decimals_for(int64_t most_pico)
{
	if (most_pico < 0)
		most_pico = -most_pico;
	if (most_pico >= 100 * PICO_PER_USD)
		return 2;
	if (most_pico >= PICO_PER_USD / 10)
		return 4;
	return most_pico >= PICO_PER_USD / 10000 ? 6 : 8;
}

/* Blank for nothing; what is less than the last decimal is not made nothing. */
void
money_cell(struct grid *g, int64_t pico, int decimals)
{
	char text[32];
	if (pico == 0) {
		grid_blank(g);
		return;
	}
	bool below = pico < 0;
	money_round(below ? -pico : pico, decimals, text);
	bool nothing = strspn(text, "0.") == strlen(text);
	if (nothing) /* the least amount that can be shown */
		text[strlen(text) - 1] = '1';
	grid_cell(g, "%s$%s", nothing ? below ? ">-" : "<" : below ? "-" : "", text);
}

/* 1234567 as "1,234,567". */
char *
grouped(int64_t n, char out[32])
{
	char digits[24];
	int count = snprintf(digits, sizeof digits, "%lld", (long long)n), at = 0;
	for (int i = 0; i < count; i++) {
		if (i > 0 && (count - i) % 3 == 0 && digits[i - 1] != '-')
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return out;
}

void
count_cell(struct grid *g, int64_t n)
{
	char text[32];
	if (n == 0)
		grid_blank(g);
	else
		grid_cell(g, "%s", grouped(n, text));
}

/* Up to 999,999 as it is, then 1.23M, 12.3G. */
char *
short_count(int64_t n, char out[32])
{
	static const char units[] = "MGTPE";
	int64_t unit = 1000000;
	int at = 0;
	if (n < unit)
		return grouped(n, out);
	while (n / unit >= 1000 && units[at + 1] != '\0') {
		unit *= 1000;
		at++;
	}
	/* Three digits, cut and not rounded: what is less than a million never shows as 1000. */
	int whole = (int)(n / unit), behind = (int)(n % unit / (unit / 100));
	if (whole >= 100)
		snprintf(out, 32, "%d%c", whole, units[at]);
	else if (whole >= 10)
		snprintf(out, 32, "%d.%d%c", whole, behind / 10, units[at]);
	else
		snprintf(out, 32, "%d.%02d%c", whole, behind, units[at]);
	return out;
}

void
short_cell(struct grid *g, int64_t n)
{
	char text[32];
	if (n == 0)
		grid_blank(g);
	else
		grid_cell(g, "%s", short_count(n, text));
}

/* "12.5 %"; nothing of nothing is blank. */
char *
share(int64_t part, int64_t whole, char out[32])
{
	out[0] = '\0';
	if (whole <= 0)
		return out;
	double percent = 100.0 * (double)part / (double)whole;
	/* All is said of all only, and nothing of nothing only. */
	if (part < whole && percent > 99.9)
		percent = 99.9;
	if (part > 0 && percent < 0.1)
		snprintf(out, 32, "<0.1 %%");
	else
		snprintf(out, 32, part == whole ? "%.0f %%" : "%.1f %%", percent);
	return out;
}

void
share_cell(struct grid *g, int64_t part, int64_t whole)
{
	char text[32];
	grid_cell(g, "%s", part == 0 ? "" : share(part, whole, text));
}

int64_t
each(int64_t sum, int64_t count)
{
	return count > 0 ? sum / count + (sum % count * 2 >= count) : 0;
}

/* Names that are longer than a column should be lose their end. */
void
name_cell(struct grid *g, const char *name)
{
	enum { WIDEST = 24 };
	struct str s = str_from(name[0] != '\0' ? name : "(none)");
	size_t at = 0, width = 0, cut = 0;
	for (; at < s.n; width++) {
		size_t step = utf8_step(s, at);
		at += step > 0 ? step : 1;
		if (width + 2 <= WIDEST)
			cut = at;
	}
	if (width > WIDEST)
		grid_cell(g, "%.*s\xe2\x80\xa6", (int)cut, s.p);
	else
		grid_cell(g, "%s", s.p);
}
