/*
 * Folding: one spelling for what typography spells in several ways. Curly quotes and long dashes become plain ones, wide
 * and accented Latin letters plain letters, digits of other scripts ASCII digits, currency signs words; invisible
 * characters go. Other scripts stay as they are. A byte that is no UTF-8 stays too, and is a letter of a foreign word.
 * Case is kept: the splitter looks at it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

#include "base/utf8.h"

/* U+00C0 to U+017F without their marks; '*' are those that two letters stand for, '.' no letter. */
static const char latin[] =
    "AAAAAA*CEEEEIIIIDNOOOOO.OUUUUY**aaaaaa*ceeeeiiiidnooooo.ouuuuy*y"
    "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi**JjKkkLlLlLlLlLlNnNnNnnNnOoOoOo**"
    "RrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

static uint32_t
character(const char *p, size_t n)
{
	const unsigned char *c = (const unsigned char *)p;
	switch (n) {
	case 1:
		return c[0];
	case 2:
		return (uint32_t)(c[0] & 0x1F) << 6 | (c[1] & 0x3F);
	case 3:
		return (uint32_t)(c[0] & 0x0F) << 12 | (uint32_t)(c[1] & 0x3F) << 6 | (c[2] & 0x3F);
	default:
		return (uint32_t)(c[0] & 0x07) << 18 | (uint32_t)(c[1] & 0x3F) << 12 |
		       (uint32_t)(c[2] & 0x3F) << 6 | (c[3] & 0x3F);
	}
}

static const char *
sign(uint32_t c)
{
	switch (c) {
	case 0x2018: /* quotes */
	case 0x2019:
	case 0x201B:
	case 0x02BC:
	case 0x2032:
	case 0x00B4:
		return "'";
	case 0x201C:
	case 0x201D:
	case 0x201E:
	case 0x201F:
	case 0x2033:
	case 0x00AB:
	case 0x00BB:
	case 0x300C:
	case 0x300D:
		return "\"";
	case 0x2010: /* dashes that join */
	case 0x2011:
	case 0x2012:
	case 0x2013:
	case 0x2212:
	case 0xFE63:
		return "-";
	case 0x2014: /* and that part */
	case 0x2015:
		return " - ";
	case 0x2026:
		return "...";
	case 0x00D7:
		return " * ";
	case 0x00F7:
		return " / ";
	case 0x2260:
		return " != ";
	case 0x2264:
		return " <= ";
	case 0x2265:
		return " >= ";
	case 0x00B2:
		return "^2";
	case 0x00B3:
		return "^3";
	case 0x00BD:
		return ".5";
	case 0x00BC:
		return ".25";
	case 0x00BE:
		return ".75";
	case 0x20AC: /* currencies */
		return " eur ";
	case 0x00A3:
		return " gbp ";
	case 0x00A5:
		return " jpy ";
	case 0x20B9:
	case 0x20A8:
		return " inr ";
	case 0x20BD:
		return " rubl ";
	case 0x20BA:
		return " tl ";
	case 0x20A9:
		return " krw ";
	case 0x20BF:
		return " btc ";
	case 0x00B0:
		return " deg";
	case 0x2122: /* marks without meaning */
	case 0x00AE:
	case 0x00A9:
		return "";
	case 0x00C6:
		return "AE";
	case 0x00E6:
		return "ae";
	case 0x00DE:
		return "Th";
	case 0x00FE:
		return "th";
	case 0x00DF:
		return "ss";
	case 0x0132:
		return "IJ";
	case 0x0133:
		return "ij";
	case 0x0152:
		return "OE";
	case 0x0153:
		return "oe";
	case 0x3002: /* full stops, commas and marks of other scripts */
	case 0x0964:
		return ". ";
	case 0x3001:
	case 0x060C:
		return ", ";
	case 0x061F:
		return "? ";
	case 0x00BF:
	case 0x00A1:
		return " ";
	default:
		return NULL;
	}
}

static bool
unseen(uint32_t c)
{
	return c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
	       (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF || (c >= 0xFE00 && c <= 0xFE0F) ||
	       (c >= 0x0300 && c <= 0x036F);
}

static bool
space(uint32_t c)
{
	return c == 0xA0 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
	       c == 0x205F || c == 0x3000 || c == 0x1680 || c == 0x85;
}

/* The ASCII digit or letter it is another form of, or 0 */
static char
plain(uint32_t c)
{
	if (c >= 0xFF01 && c <= 0xFF5E)
		return (char)(c - 0xFF01 + '!');
	static const uint32_t zeros[] = { 0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50 };
	for (size_t i = 0; i < sizeof(zeros) / sizeof(*zeros); i++) {
		if (c >= zeros[i] && c <= zeros[i] + 9)
			return (char)('0' + (c - zeros[i]));
	}
	if (c >= 0xC0 && c < 0xC0 + sizeof(latin) - 1 && latin[c - 0xC0] != '*' && latin[c - 0xC0] != '.')
		return latin[c - 0xC0];
	return 0;
}

static bool
digit(struct str s, size_t at)
{
	return at < s.n && s.p[at] >= '0' && s.p[at] <= '9';
}

/* "$5" and "5$" are money; "$HOME" and "$" are not */
static size_t
dollar(struct str s, size_t at, char *out)
{
	bool money = digit(s, at + 1) || (at + 2 < s.n && s.p[at + 1] == ' ' && digit(s, at + 2)) ||
		     (at > 0 && digit(s, at - 1));
	memcpy(out, money ? " usd " : "$", money ? 5 : 1);
	return money ? 5 : 1;
}

size_t
facts_fold(struct str text, char *out)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n;) {
		unsigned char c = (unsigned char)text.p[i];
		if (c < 0x80) {
			if (c == '$')
				n += dollar(text, i, out + n);
			else
				out[n++] = c < ' ' && c != '\n' ? ' ' : (char)c;
			i++;
			continue;
		}
		size_t step = utf8_step(text, i);
		if (step == 0) {
			out[n++] = (char)c;
			i++;
			continue;
		}
		uint32_t code = character(text.p + i, step);
		const char *with = sign(code);
		char one = plain(code);
		if (with != NULL) {
			size_t length = strlen(with);
			memcpy(out + n, with, length);
			n += length;
		} else if (one != 0) {
			out[n++] = one;
		} else if (space(code)) {
			out[n++] = ' ';
		} else if (!unseen(code)) {
			memcpy(out + n, text.p + i, step);
			n += step;
		}
		i += step;
	}
	return n;
}
