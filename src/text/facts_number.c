/*
 * Numbers: digits or words, with scale and unit, as one key that is equal when the quantities are. 25k is 25,000, "two" is 2, "third" is
 * 3rd, 3 pm is 15:00, 5.0 kg is 5 kg; but 3.10 is not 3.1, for it may be a version, and 007 is not 7. No floating point:
 * a number is its digits and a power of ten.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

#include <stdlib.h>

enum { DIGITS_MAX = 40 };

enum shape { SHAPE_PLAIN, SHAPE_ORDINAL, SHAPE_TIME, SHAPE_EXACT };

/* A number being read. */
struct reading {
	char digits[DIGITS_MAX]; /* without the point */
	size_t n;
	int power;                              /* times ten to this */
	bool negative, grouped, pointed, loose; /* loose: trailing zeros behind the point say nothing */
	enum shape shape;
	uint64_t unit;
	bool maybe_million; /* 5m: metres or millions */
};

struct unit {
	const char *names;
	bool scale;
	int power;
};

/* clang-format off */
static const struct unit units[] = {
	{ "k thousand thousands", true, 3 }, { "million millions mn mln mio", true, 6 }, { "billion billions bn bln", true, 9 },
	{ "trillion trillions tn", true, 12 }, { "lakh lakhs lac lacs", true, 5 }, { "crore crores cr", true, 7 }, { "hundred hundreds", true, 2 },
	{ "percent pct percentage %", false, 0 }, { "usd", false, 0 }, { "eur", false, 0 }, { "gbp", false, 0 }, { "inr", false, 0 }, { "jpy", false, 0 },
	{ "cny", false, 0 }, { "krw", false, 0 }, { "rubl", false, 0 }, { "tl", false, 0 }, { "btc", false, 0 }, { "chf", false, 0 },
	{ "cad", false, 0 }, { "aud", false, 0 }, { "cent cents", false, 0 },
	{ "b byte bytes", false, 0 }, { "kb kilobyte kilobytes", false, 0 }, { "mb megabyte megabytes", false, 0 }, { "gb gig gigs gigabyte gigabytes", false, 0 },
	{ "tb terabyte terabytes", false, 0 }, { "mbps", false, 0 }, { "gbps", false, 0 }, { "hz hertz", false, 0 }, { "mhz", false, 0 }, { "ghz", false, 0 },
	{ "mg milligram milligrams", false, 0 }, { "g gram grams gm gms", false, 0 }, { "kg kgs kilo kilos kilogram kilograms", false, 0 },
	{ "lb lbs pound pounds", false, 0 }, { "oz ounce ounces", false, 0 }, { "ton tons tonne tonnes", false, 0 },
	{ "mm millimetre millimeter millimetres millimeters", false, 0 }, { "cm cms centimetre centimeter centimetres centimeters", false, 0 },
	{ "metre meter metres meters", false, 0 }, { "km kms kilometre kilometer kilometres kilometers", false, 0 },
	{ "inch inches \"", false, 0 }, { "ft foot feet", false, 0 }, { "yard yards yd", false, 0 }, { "mile miles mi", false, 0 },
	{ "ml millilitre milliliter millilitres milliliters", false, 0 }, { "l litre liter litres liters", false, 0 }, { "gallon gallons", false, 0 },
	{ "w watt watts", false, 0 }, { "kw kilowatt kilowatts", false, 0 }, { "kwh", false, 0 }, { "v volt volts", false, 0 }, { "mah", false, 0 },
	{ "deg degree degrees", false, 0 }, { "ms millisecond milliseconds", false, 0 }, { "sec secs second seconds", false, 0 },
	{ "min mins minute minutes", false, 0 }, { "h hr hrs hour hours", false, 0 }, { "day days", false, 0 }, { "week weeks wk wks", false, 0 },
	{ "month months mo", false, 0 }, { "year years yr yrs", false, 0 }, { "kmh kph", false, 0 }, { "mph", false, 0 },
	{ "mp megapixel megapixels", false, 0 }, { "px pixel pixels", false, 0 }, { "rpm", false, 0 }, { "cc", false, 0 }, { "hp", false, 0 },
};

static const char *const cardinals = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
				     "fifteen sixteen seventeen eighteen nineteen";
static const char *const tens = "twenty thirty forty fifty sixty seventy eighty ninety";
static const char *const ordinals = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth";
static const char *const romans = "ii iii iv vi vii viii ix xi xii xiii xiv xv xvi";
/* clang-format on */
static const int roman_values[] = { 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16 };

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Where the word stands in the list, or -1. Each number asks a dozen times, so words that begin otherwise cost a glance. */
static int
place(struct str w, const char *list)
{
	int at = 0;
	for (const char *p = list; *p != 0; at++) {
		size_t k = 0;
		while (k < w.n && lower(p[k]) == lower(w.p[k]))
			k++;
		if (k > 0 && k == w.n && (p[k] == ' ' || p[k] == 0))
			return at;
		while (*p != 0 && *p != ' ')
			p++;
		p += *p == ' ';
	}
	return -1;
}

static struct str
spelling(const struct facts *f, uint32_t i)
{
	return (struct str){ f->text + f->words[i].at, f->words[i].n };
}

static const struct unit *
unit_of(struct str w)
{
	if (w.n == 0 || w.n > 12)
		return NULL;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (place(w, units[i].names) >= 0)
			return &units[i];
	}
	return NULL;
}

static void
take_unit(struct reading *r, const struct unit *u)
{
	if (u->scale) {
		r->power += u->power;
		r->loose = true;
	} else {
		r->unit = word_hash(u->names, strcspn(u->names, " "));
		r->loose = true;
	}
}

static bool
money(uint64_t unit)
{
	return unit != 0 &&
	       (unit == word_hash("usd", 3) || unit == word_hash("eur", 3) || unit == word_hash("gbp", 3) ||
		   unit == word_hash("inr", 3) || unit == word_hash("jpy", 3) || unit == word_hash("cny", 3));
}

static uint64_t
mix(uint64_t h, uint64_t with)
{
	h = (h ^ with) * 0x9E3779B97F4A7C15u;
	return h ^ h >> 32;
}

/* Trailing zeros go into the power where they say nothing, so that 25k and 25,000 meet. */
static uint64_t
key_of(const struct reading *r, uint64_t unit, int extra)
{
	size_t n = r->n;
	int power = r->power + extra;
	if (!r->pointed || r->loose || extra != 0) {
		while (n > 1 && r->digits[n - 1] == '0') {
			n--;
			power++;
		}
	}
	size_t from = 0;
	if (r->pointed || r->grouped || r->loose) {
		while (from + 1 < n && r->digits[from] == '0')
			from++;
	}
	uint64_t h = word_hash(r->digits + from, n - from);
	h = mix(h, (uint64_t)(int64_t)power);
	h = mix(h, (uint64_t)r->shape << 1 | r->negative);
	return mix(h, unit);
}

/* 10:30 with or without am and pm: minutes of the day */
static bool
read_time(struct reading *r, struct str digits, struct str tail)
{
	bool am = place(tail, "am a.m") >= 0, pm = place(tail, "pm p.m") >= 0;
	struct str hours = digits, minutes = STR("0");
	ptrdiff_t colon = str_find(digits, STR(":"));
	if (colon >= 0) {
		hours = (struct str){ digits.p, (size_t)colon };
		minutes = (struct str){ digits.p + colon + 1, digits.n - (size_t)colon - 1 };
	}
	int64_t h, m;
	if ((colon < 0 && !am && !pm) || !str_int(hours, &h) || !str_int(minutes, &m) || h > 24 || m > 59)
		return false;
	if (pm && h < 12)
		h += 12;
	if (am && h == 12)
		h = 0;
	r->shape = SHAPE_TIME;
	r->digits[0] = (char)(1 + h);
	r->digits[1] = (char)(1 + m);
	r->n = 2;
	r->power = 0;
	r->pointed = r->loose = r->grouped = false;
	r->digits[0] = (char)('A' + h);
	return true;
}

/* The digits of a token, up to its letters. False: more dots or digits than a quantity has */
static bool
read_digits(struct reading *r, struct str s, size_t *used)
{
	size_t i = 0, behind = 0;
	bool plain = true;
	while (i < s.n && (digit(s.p[i]) || strchr(".,:", s.p[i]) != NULL)) {
		char c = s.p[i];
		if (c == ',') {
			r->grouped = true;
		} else if (c == '.') {
			plain = plain && !r->pointed;
			r->pointed = true;
		} else if (c == ':') {
			plain = false;
		} else if (r->n < DIGITS_MAX) {
			r->digits[r->n++] = c;
			behind += r->pointed;
		} else {
			plain = false;
		}
		i++;
	}
	*used = i;
	r->power = -(int)behind;
	return plain && r->n > 0;
}

/* What stands in front: a currency, a minus */
static void
look_before(const struct facts *f, uint32_t i, struct reading *r)
{
	if (i == 0)
		return;
	struct str before = spelling(f, i - 1);
	if ((f->words[i - 1].flags & WORD_SIGN) != 0) {
		r->negative = before.n == 1 && before.p[0] == '-' && before.p + 1 == f->text + f->words[i].at;
		return;
	}
	struct str word = before;
	if (f->words[i - 1].stem == word_hash("inr", 3))
		word = STR("inr");
	else if (f->words[i - 1].stem == word_hash("usd", 3))
		word = STR("usd");
	if (place(word, "usd eur gbp inr jpy cny krw rubl tl btc chf cad aud") >= 0 && r->unit == 0)
		take_unit(r, unit_of(word));
}

/* What stands behind: scales and one unit. Returns how many words were taken */
static uint32_t
look_behind(const struct facts *f, uint32_t i, struct reading *r)
{
	uint32_t taken = 0;
	while (i + taken < f->count && taken < 3 && r->shape == SHAPE_PLAIN) {
		const struct word *w = &f->words[i + taken];
		if ((w->flags & (WORD_SIGN | WORD_NUMBER | WORD_CODE)) != 0 ||
		    w->sentence != f->words[i - 1].sentence)
			break;
		struct str s = spelling(f, i + taken);
		static const char *const money = "usd eur gbp inr jpy cny krw rubl tl btc chf cad aud";
		struct str words = str_from(money), one;
		while (str_cut(&words, ' ', &one)) {
			if (w->stem == word_stem(one.p, one.n))
				s = one;
		}
		const struct unit *u = unit_of(s);
		if (u == NULL && s.n == 1 && s.p[0] == 'm')
			u = unit_of(STR("metre"));
		if (u == NULL ||
		    (!u->scale && r->unit != 0 && r->unit != word_hash(u->names, strcspn(u->names, " "))))
			break;
		take_unit(r, u);
		taken++;
		if (!u->scale)
			break;
	}
	return taken;
}

/* A token that begins with a digit. False: it is no quantity, compare it as it stands */
static bool
read_token(struct reading *r, struct str s)
{
	size_t used;
	bool plain = read_digits(r, s, &used);
	struct str digits = { s.p, used }, tail = { s.p + used, s.n - used };
	if (read_time(r, digits, tail))
		return true;
	if (!plain)
		return false;
	if (tail.n == 0)
		return true;
	if (place(tail, "st nd rd th") >= 0) {
		r->shape = SHAPE_ORDINAL;
		return true;
	}
	if (tail.n == 1 && (tail.p[0] == 'm' || tail.p[0] == 'M')) {
		r->maybe_million = true;
		r->loose = true;
		return true;
	}
	const struct unit *u = tail.n == 1 && strchr("GVWLBHC", tail.p[0]) != NULL ? NULL : unit_of(tail);
	if (u == NULL)
		return false;
	take_unit(r, u);
	return true;
}

static void
set_value(struct reading *r, int value)
{
	char digits[12];
	size_t n = 0;
	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	for (size_t i = 0; i < n; i++)
		r->digits[i] = digits[n - 1 - i];
	r->n = n;
}

/* "twenty five", "third". How many words it took; 0: none */
static uint32_t
read_words(const struct facts *f, uint32_t i, struct reading *r)
{
	struct str s = spelling(f, i);
	if ((f->words[i].flags & WORD_COUNT) == 0 || (f->words[i].flags & WORD_CODE) != 0)
		return 0;
	int value;
	if ((f->words[i].flags & WORD_CAPS) != 0 && !f->loud && (value = place(s, romans)) >= 0) {
		set_value(r, roman_values[value]);
		return 1;
	}
	struct str next = i + 1 < f->count ? spelling(f, i + 1) : STR("");
	if ((value = place(s, cardinals)) >= 0) {
		/* "one" is a pronoun more often than a number */
		if (value == 1 && (unit_of(next) == NULL &&
				      place(next, "sentence paragraph word line page example idea item") < 0))
			return 0;
		set_value(r, value);
		return 1;
	}
	if ((value = place(s, tens)) >= 0) {
		int more = place(next, cardinals);
		set_value(r, (value + 2) * 10 + (more > 0 && more < 10 ? more : 0));
		return more > 0 && more < 10 ? 2 : 1;
	}
	if ((value = place(s, ordinals)) > 0) {
		struct str before = i > 0 ? spelling(f, i - 1) : STR("");
		if (value == 2 && place(before, "the a my your his her their every this that") < 0)
			return 0; /* a unit of time */
		if (value == 1 && (place(next, "of time name") >= 0 || place(before, "at") >= 0))
			return 0;
		set_value(r, value);
		r->shape = SHAPE_ORDINAL;
		return 1;
	}
	if (place(s, "hundred thousand million billion trillion lakh crore dozen") >= 0) {
		set_value(r, place(s, "dozen") == 0 ? 12 : 1);
		if (place(s, "dozen") < 0)
			take_unit(r, unit_of(s));
		return 1;
	}
	return 0;
}

static bool
is_month(const struct facts *f, uint32_t i)
{
	if (i >= f->count)
		return false;
	for (const struct membership *m = lists_membership(&f->words[i]); m != NULL;
	     m = m->last ? NULL : m + 1) {
		if (lists_group(m->group).kind == VETO_DATE && lists_group(m->group).alone)
			return place(spelling(f, i), "monday tuesday wednesday thursday friday saturday "
						     "sunday yesterday tomorrow") < 0;
	}
	return false;
}

static int
push(struct facts *f, uint32_t *room, struct number number)
{
	if (f->number_count == *room) {
		*room = *room == 0 ? 8 : 2 * *room;
		struct number *numbers = realloc(f->numbers, *room * sizeof(*numbers));
		if (numbers == NULL)
			return -1;
		f->numbers = numbers;
	}
	f->numbers[f->number_count++] = number;
	return 0;
}

/* What stands behind the digits of the last of its words, or behind that */
static void
note_unit(const struct facts *f, uint32_t i, struct number *n)
{
	struct str s = spelling(f, i);
	size_t digits = 0;
	while (digits < s.n && (digit(s.p[digits]) || strchr(".,:", s.p[digits]) != NULL))
		digits++;
	if (digits == s.n && i + 1 < f->count && f->words[i + 1].sentence == f->words[i].sentence) {
		s = spelling(f, ++i);
		digits = 0;
	}
	n->unit = f->words[i].at + (uint32_t)digits;
	n->unit_n = (uint32_t)(s.n - digits);
}

static bool
near_month(const struct facts *f, uint32_t i, uint32_t behind)
{
	return is_month(f, behind) || (i > 0 && is_month(f, i - 1)) ||
	       (behind < f->count && f->words[behind].role == ROLE_OF && is_month(f, behind + 1));
}

/* What stands around it: a sign or a currency before, a scale, a unit or the rest of a time behind. Returns how many words
 * behind it belong to it. */
static uint32_t
look_around(const struct facts *f, uint32_t i, uint32_t taken, struct reading *r)
{
	look_before(f, i, r);
	if (i + taken >= f->count)
		return 0;
	struct reading time = *r, behind = *r;
	if (r->shape == SHAPE_PLAIN && read_time(&time, spelling(f, i), spelling(f, i + taken))) {
		*r = time;
		return 1;
	}
	uint32_t more = look_behind(f, i + taken, &behind);
	*r = behind;
	return more;
}

static void
set_keys(struct reading *r, bool roman, struct number *number)
{
	number->key = key_of(r, r->unit, 0);
	if (money(r->unit)) {
		r->loose = false;
		number->bare = key_of(r, 0, 0);
	} else if (roman) {
		r->shape = SHAPE_ORDINAL;
		number->other = key_of(r, 0, 0);
	}
	if (r->maybe_million) {
		number->key = key_of(r, r->unit, 6);
		number->other = key_of(r, word_hash("metre", 5), 0);
	}
}

/* The number that begins with word i, read from `taken` words; returns how many belong to it. */
static uint32_t
set_number(const struct facts *f, uint32_t i, uint32_t taken, struct reading *r, struct number *number)
{
	bool roman = (f->words[i].flags & WORD_CAPS) != 0 && place(spelling(f, i), romans) >= 0;
	bool month = near_month(f, i, i + taken);
	if (month && r->shape == SHAPE_ORDINAL)
		r->shape = SHAPE_PLAIN;
	number->date = month || (r->n == 4 && !r->pointed && i >= 2 && is_month(f, i - 2));
	taken += look_around(f, i, taken, r);
	note_unit(f, i + taken - 1, number);
	set_keys(r, roman, number);
	return taken;
}

int
facts_numbers(struct facts *f)
{
	uint32_t room = 0;
	for (uint32_t i = 0; i < f->count;) {
		struct word *w = &f->words[i];
		struct reading r = { 0 };
		struct number number = { .word = i };
		uint32_t taken = 1;
		bool read = true;
		if ((w->flags & WORD_NUMBER) != 0)
			read = (w->flags & WORD_CODE) == 0 && read_token(&r, spelling(f, i));
		else if ((w->flags & WORD_CODE) != 0 || (taken = read_words(f, i, &r)) == 0) {
			i++;
			continue;
		}
		if (read)
			taken = set_number(f, i, taken, &r, &number);
		else
			number.key = mix(w->is, SHAPE_EXACT);
		for (uint32_t k = 0; k < taken; k++)
			f->words[i + k].flags |= WORD_NUMBER;
		if (push(f, &room, number) != 0)
			return -1;
		i += taken;
	}
	return 0;
}
