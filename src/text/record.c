/*
 * Taking JSON objects out of a text.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

enum { ATTEMPTS_MAX = 16, WORDS_OF_TEXT = 3, NUMBER_MAX = 40 };

/* Behind the bracket that closes the one at `at`; 0: none does. */
static size_t
find_end(struct str text, size_t at)
{
	size_t depth = 0;
	bool quoted = false;
	for (size_t i = at; i < text.n; i++) {
		char c = text.p[i];
		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

static bool
is_listed(const struct json *j, uint32_t key, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (json_is(j, key, names[i]))
			return true;
	return false;
}

/* As a number, or as a text that is nothing else. */
static bool
read_number(const struct json *j, uint32_t value, double *out)
{
	char text[NUMBER_MAX], *end;
	if (json_type(j, value) == JSON_NUMBER)
		return json_double(j, value, out);
	if (json_type(j, value) != JSON_STRING || json_raw(j, value).n >= NUMBER_MAX)
		return false;
	json_label(j, value, text, sizeof text);
	*out = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*out);
}

/* From where to where it goes, so that it is no other one's by the next configuration. False: it is too far out for a range of its own */
static bool
find_range(const struct field_range *range, double number, double *from, double *to)
{
	if (range->bounds == NULL) {
		double at = floor(number / range->width);
		*from = at * range->width;
		*to = (at + 1) * range->width;
		return fabs(at) < 1e15;
	}
	size_t i = 0;
	while (i < range->bound_count && number >= range->bounds[i])
		i++;
	*from = i > 0 ? range->bounds[i - 1] : -INFINITY;
	*to = i < range->bound_count ? range->bounds[i] : INFINITY;
	return true;
}

static size_t
count_words(struct str s)
{
	size_t count = 0;
	bool in = false;
	for (size_t i = 0; i < s.n; i++) {
		bool space = str_is_blank(s.p[i]);
		count += !space && !in;
		in = !space;
	}
	return count;
}

/* Control characters are no words, so that none can look like a separator. */
static int
add_text(const struct json *j, uint32_t value, struct buf *texts)
{
	if (buf_add_c(texts, RECORD_SEPARATOR) != 0)
		return -1;
	size_t at = texts->n;
	if (json_text(j, value, texts) != 0)
		return -1;
	for (; at < texts->n; at++)
		if (texts->p[at] == RECORD_SEPARATOR)
			texts->p[at] = ' ';
	return 0;
}

static int
add_field(
    const struct json *j, uint32_t key, const struct fields_conf *f, struct buf *digest, struct buf *texts)
{
	uint32_t value = key + 1;
	double number, from, to;
	if (is_listed(j, key, f->ignore, f->ignore_count))
		return 0;
	if (json_text(j, key, digest) != 0 || buf_add_c(digest, '\0') != 0)
		return -1;
	bool exact = is_listed(j, key, f->must_match, f->must_match_count);
	for (size_t i = 0; i < f->range_count && !exact; i++)
		if (json_is(j, key, f->ranges[i].name) && read_number(j, value, &number) &&
		    find_range(&f->ranges[i], number, &from, &to))
			return buf_printf(digest, "in %.17g to %.17g;", from, to);
	bool text =
	    json_type(j, value) == JSON_STRING && !exact &&
	    (is_listed(j, key, f->text, f->text_count) || count_words(json_raw(j, value)) >= WORDS_OF_TEXT);
	if (text)
		return buf_add(digest, STR("text;")) != 0 ? -1 : add_text(j, value, texts);
	return json_canonical(j, value, NULL, NULL, digest) != 0 ? -1 : buf_add_c(digest, ';');
}

struct named {
	char name[64];
	uint32_t key;
};

static int
by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order != 0 ? order : (x->key > y->key) - (x->key < y->key);
}

/* Names that are cut would sort by where they stand: such an object must be equal as a whole, like one with too many. */
static int
add_object(
    const struct json *j, uint32_t object, const struct fields_conf *f, struct buf *digest, struct buf *texts)
{
	struct named names[RECORD_FIELDS_MAX];
	size_t count = 0;
	bool plain = json_type(j, object) == JSON_OBJECT;
	for (uint32_t key = plain ? json_first(j, object) : 0; key != 0 && plain;
	     key = json_next(j, object, key + 1)) {
		plain = count < RECORD_FIELDS_MAX && json_raw(j, key).n < sizeof names->name;
		if (!plain)
			break;
		json_label(j, key, names[count].name, sizeof names->name);
		names[count++].key = key;
	}
	if (!plain)
		return json_canonical(j, object, NULL, NULL, digest);
	qsort(names, count, sizeof *names, by_name);
	for (size_t i = 0; i < count; i++)
		if (add_field(j, names[i].key, f, digest, texts) != 0)
			return -1;
	return buf_add_c(digest, '\0');
}

static bool
holds_object(const struct json *j)
{
	for (uint32_t i = 0; i < j->count; i++)
		if (j->nodes[i].type == JSON_OBJECT)
			return true;
	return false;
}

int
record_of(struct str text, const struct fields_conf *fields, struct record *r)
{
	struct json j = { 0 };
	struct buf digest = { 0 };
	size_t done = 0;
	int attempts = 0, rc = -1;
	*r = (struct record){ 0 };
	for (size_t i = 0; i < text.n && r->objects < RECORD_OBJECTS_MAX && attempts < ATTEMPTS_MAX; i++) {
		if (text.p[i] != '{' && text.p[i] != '[')
			continue;
		size_t end = find_end(text, i);
		attempts++;
		struct json_fault fault;
		struct json_limits limits = { .depth = 32, .nodes = 4096 };
		if (end == 0 || json_scan(&j, (struct str){ text.p + i, end - i }, limits, &fault) != 0 ||
		    !holds_object(&j))
			continue;
		if (buf_add(&r->around, (struct str){ text.p + done, i - done }) != 0 ||
		    buf_add(&r->around, STR("{}")) != 0 || add_object(&j, 0, fields, &digest, &r->texts) != 0)
			goto done;
		r->objects++;
		done = end;
		i = end - 1;
	}
	if (buf_add(&r->around, (struct str){ text.p + done, text.n - done }) != 0)
		goto done;
	r->key = digest_of(buf_str(&digest));
	rc = 0;
done:
	json_free(&j);
	buf_free(&digest);
	return rc;
}

void
record_free(struct record *r)
{
	buf_free(&r->around);
	buf_free(&r->texts);
}
