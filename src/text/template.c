/*
 * Finding templates. Everything is compared by hashes of words; the texts themselves are not kept.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/template.h"

#include <assert.h>
#include <stdlib.h>

#define FNV_START 2166136261u
#define FNV_PRIME 16777619u

/* A prompt's hashes, and the lines between its head and its tail. */
struct outline {
	const uint32_t *hashes;
	uint32_t count;
};

struct line {
	uint32_t at, end, hash;
};

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t
common_head(const uint32_t *a, uint32_t na, const uint32_t *b, uint32_t nb)
{
	uint32_t n = 0;
	while (n < na && n < nb && a[n] == b[n])
		n++;
	return n;
}

static uint32_t
common_tail(const uint32_t *a, uint32_t na, const uint32_t *b, uint32_t nb)
{
	uint32_t n = 0;
	while (n < na && n < nb && a[na - 1 - n] == b[nb - 1 - n])
		n++;
	return n;
}

/* Whole lines of at least three words between two places. A line that the tail cuts through is none. */
static uint32_t
find_lines(struct outline o, uint32_t from, uint32_t to, struct line lines[TEMPLATE_LINES_MAX])
{
	uint32_t count = 0;
	for (uint32_t i = from; i < to && count < TEMPLATE_LINES_MAX;) {
		uint32_t at = i, hash = FNV_START;
		bool whole = (o.hashes[at] & WORD_BEGINS_LINE) != 0;
		do
			hash = (hash ^ o.hashes[i++]) * FNV_PRIME;
		while (i < to && (o.hashes[i] & WORD_BEGINS_LINE) == 0);
		whole = whole && (i < to || i == o.count || (o.hashes[i] & WORD_BEGINS_LINE) != 0);
		if (whole && i - at >= 3)
			lines[count++] = (struct line){ at, i, hash };
	}
	return count;
}

static const uint32_t *
head_of(const struct template *t)
{
	return t->hashes;
}

static const uint32_t *
tail_of(const struct template *t)
{
	return t->hashes + t->head;
}

static const uint32_t *
lines_of(const struct template *t)
{
	return t->hashes + t->head + t->tail;
}

static void
drop(struct templates *ts, struct template *t)
{
	ts->bytes -= (t->head + t->tail + t->lines) * sizeof *t->hashes;
	free(t->hashes);
	*t = (struct template){ 0 };
}

/* What two prompts share, into an unused place; false: too little, or no memory. */
static bool
share(struct outline a, struct outline b, struct template *out)
{
	struct line in_a[TEMPLATE_LINES_MAX], in_b[TEMPLATE_LINES_MAX];
	uint32_t hashes[TEMPLATE_LINES_MAX];
	uint32_t head = common_head(a.hashes, a.count, b.hashes, b.count);
	uint32_t most = least(a.count, b.count) - head;
	uint32_t tail = least(most, common_tail(a.hashes, a.count, b.hashes, b.count));
	uint32_t na = find_lines(a, head, a.count - tail, in_a),
		 nb = find_lines(b, head, b.count - tail, in_b);
	*out = (struct template){ .head = head, .tail = tail, .words = head + tail };
	for (uint32_t i = 0, from = 0; i < na; i++)
		for (uint32_t k = from; k < nb; k++) {
			if (in_a[i].hash != in_b[k].hash)
				continue;
			hashes[out->lines++] = in_a[i].hash;
			out->words += in_a[i].end - in_a[i].at;
			from = k + 1;
			break;
		}
	if (out->words < TEMPLATE_WORDS_MIN)
		return false;
	out->hashes = malloc((head + tail + out->lines) * sizeof *out->hashes);
	if (out->hashes == NULL)
		return false;
	if (head > 0)
		memcpy(out->hashes, a.hashes, head * sizeof *a.hashes);
	if (tail > 0)
		memcpy(out->hashes + head, a.hashes + a.count - tail, tail * sizeof *a.hashes);
	if (out->lines > 0)
		memcpy(out->hashes + head + tail, hashes, out->lines * sizeof *hashes);
	return true;
}

/* Where the fixed lines of the template stand in the prompt, in their order; false: they do not. */
static bool
fits(const struct template *t, struct outline o, struct line fixed[TEMPLATE_LINES_MAX])
{
	struct line lines[TEMPLATE_LINES_MAX];
	if (o.count < t->head + t->tail)
		return false;
	if (common_head(head_of(t), t->head, o.hashes, o.count) < t->head ||
	    common_tail(tail_of(t), t->tail, o.hashes, o.count) < t->tail)
		return false;
	if (t->lines == 0)
		return true;
	uint32_t count = find_lines(o, t->head, o.count - t->tail, lines), found = 0;
	for (uint32_t i = 0; i < count && found < t->lines; i++)
		if (lines[i].hash == lines_of(t)[found])
			fixed[found++] = lines[i];
	return found == t->lines;
}

/* ---- narrowing ---- */

static void
enter(struct templates *ts, struct template *place, struct template *t)
{
	if (place->hashes != NULL)
		drop(ts, place);
	*place = *t;
	place->id = ++ts->last_id;
	place->used = ts->turn;
	ts->bytes += (t->head + t->tail + t->lines) * sizeof *t->hashes;
}

/* A young template gives up what the next prompt does not share, if that is little: the first two happened to have more in
 * common than the rest. Another prompt with the same beginning is another template. */
static bool
narrow(struct templates *ts, struct template *t, struct outline o)
{
	uint32_t head = common_head(head_of(t), t->head, o.hashes, o.count);
	uint32_t tail = least(common_tail(tail_of(t), t->tail, o.hashes, o.count), o.count - head);
	uint32_t words = head + tail + (t->words - t->head - t->tail);
	if (t->seen >= TEMPLATE_YOUNG || words < TEMPLATE_WORDS_MIN || words * 5 < t->words * 4)
		return false;
	struct template narrower = {
		.seen = t->seen, .head = head, .tail = tail, .lines = t->lines, .words = words
	};
	struct line fixed[TEMPLATE_LINES_MAX];
	narrower.hashes = malloc((head + tail + t->lines + 1) * sizeof *narrower.hashes);
	if (narrower.hashes == NULL)
		return false;
	memcpy(narrower.hashes, head_of(t), head * sizeof *t->hashes);
	memcpy(narrower.hashes + head, tail_of(t) + t->tail - tail, tail * sizeof *t->hashes);
	memcpy(narrower.hashes + head + tail, lines_of(t), t->lines * sizeof *t->hashes);
	if (!fits(&narrower, o, fixed)) {
		free(narrower.hashes);
		return false;
	}
	enter(ts, t, &narrower);
	return true;
}

/* ---- finding ---- */

/* Whether a recent prompt was the same, word for word: it teaches nothing. */
static bool
was_seen(const struct templates *ts, struct outline o)
{
	for (uint32_t i = 0; i < TEMPLATE_RECENT; i++)
		if (ts->recent[i].count == o.count &&
		    common_head(ts->recent[i].hashes, o.count, o.hashes, o.count) == o.count)
			return true;
	return false;
}

/* *most: the words of the largest that fits, known or not. */
static struct template *
best(struct templates *ts, struct outline o, bool counts, uint32_t *most)
{
	struct line fixed[TEMPLATE_LINES_MAX];
	struct template *found = NULL;
	for (uint32_t i = 0; i < ts->count; i++) {
		struct template *t = &ts->list[i];
		if (!fits(t, o, fixed))
			continue;
		t->seen += counts && t->seen < UINT32_MAX;
		t->used = ts->turn;
		*most = t->words > *most ? t->words : *most;
		bool known = t->seen >= TEMPLATE_KNOWN,
		     other = found != NULL && found->seen >= TEMPLATE_KNOWN;
		if (found == NULL || (known && !other) || (known == other && t->words > found->words))
			found = t;
	}
	return found;
}

/* The most that it shares with one of the recent ones, if that is much more than what is known. */
static struct template *
make(struct templates *ts, struct outline o, bool fixed, uint32_t known_words)
{
	struct template most = { 0 };
	for (uint32_t i = 0; i < TEMPLATE_RECENT; i++) {
		struct template t;
		struct outline r = { ts->recent[i].hashes, ts->recent[i].count };
		bool equal =
		    r.count == o.count && common_head(r.hashes, r.count, o.hashes, o.count) == o.count;
		if (r.hashes == NULL || (equal && !fixed) || !share(o, r, &t))
			continue;
		if (t.words > most.words && t.words >= known_words + TEMPLATE_WORDS_MIN) {
			free(most.hashes);
			most = t;
		} else {
			free(t.hashes);
		}
	}
	if (most.hashes == NULL)
		return NULL;
	struct template *place = &ts->list[0];
	for (uint32_t i = 1; i < ts->count; i++)
		if (ts->list[i].used < place->used)
			place = &ts->list[i];
	if (ts->count < TEMPLATES_MAX)
		place = &ts->list[ts->count++];
	most.seen = 2;
	enter(ts, place, &most);
	return place;
}

static void
remember(struct templates *ts, struct outline o)
{
	uint32_t slot = ts->turn % TEMPLATE_RECENT;
	uint32_t *copy = malloc(o.count * sizeof *copy);
	if (copy == NULL)
		return;
	memcpy(copy, o.hashes, o.count * sizeof *copy);
	ts->bytes -= ts->recent[slot].count * sizeof *copy;
	free(ts->recent[slot].hashes);
	ts->recent[slot].hashes = copy;
	ts->recent[slot].count = o.count;
	ts->bytes += o.count * sizeof *copy;
}

/* Between head and tail, without the fixed lines. */
static int
add_rest(const struct template *t, const struct words *w, struct buf *rest)
{
	struct line fixed[TEMPLATE_LINES_MAX];
	struct outline o = { w->hash, w->count };
	bool good = fits(t, o, fixed);
	uint32_t from = t->head, end = w->count - t->tail;
	assert(good);
	for (uint32_t i = 0; i <= t->lines; i++) {
		uint32_t to = i < t->lines ? fixed[i].at : end;
		if (to > from && rest->n > 0 && buf_add_c(rest, '\n') != 0)
			return -1;
		if (buf_add(rest, words_between(w, from, to)) != 0)
			return -1;
		from = i < t->lines ? fixed[i].end : from;
	}
	return 0;
}

int
templates_fit(
    struct templates *ts, const struct words *prompt, bool fixed, struct template_fit *fit, struct buf *rest)
{
	struct outline o = { prompt->hash, prompt->count };
	*fit = (struct template_fit){ 0 };
	if (o.count < TEMPLATE_WORDS_MIN)
		return buf_add(rest, prompt->text);
	ts->turn++;
	bool counts = fixed || !was_seen(ts, o);
	uint32_t most = 0;
	struct template *t = best(ts, o, counts, &most);
	for (uint32_t i = 0; i < ts->count && t == NULL; i++)
		if (narrow(ts, &ts->list[i], o)) {
			t = &ts->list[i];
			t->seen++;
			most = t->words;
		}
	struct template *made = counts ? make(ts, o, fixed, most) : NULL;
	if (made != NULL && (t == NULL || t->seen < TEMPLATE_KNOWN || t == made))
		t = made;
	if (counts)
		remember(ts, o);
	if (t == NULL)
		return buf_add(rest, prompt->text);
	*fit = (struct template_fit){ t->id, t->seen >= TEMPLATE_KNOWN, t->words };
	return add_rest(t, prompt, rest);
}

void
templates_free(struct templates *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		free(t->list[i].hashes);
	for (uint32_t i = 0; i < TEMPLATE_RECENT; i++)
		free(t->recent[i].hashes);
	*t = (struct templates){ 0 };
}
