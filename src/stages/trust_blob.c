/*
 * What was learned, as bytes for the next start: | head | curve and counts | the task's line | buckets that are used |. For the
 * machine and the version that wrote them; whatever else is read is refused, and trust stays as new, which is strict.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "trust_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct head {
	char magic[8];
	uint32_t version, bucket_size;
	uint64_t buckets;
	struct digest sum; /* of all that follows */
};

struct body {
	uint64_t hits, checks, wrong, misses_seen, misses_same;
	struct curve curve;
	struct line task;
	int64_t seen_ms;
};

enum { VERSION = 1 };
static const char magic[8] = "fthtrust";

int
trust_save(const struct trust *t, struct buf *out)
{
	struct head h = { .version = VERSION, .bucket_size = sizeof(struct bucket) };
	memcpy(h.magic, magic, sizeof(h.magic));
	struct body b;
	memset(&b, 0, sizeof(b)); /* what pads it, too */
	b.hits = t->hits;
	b.checks = t->checks;
	b.wrong = t->wrong;
	b.misses_seen = t->misses_seen;
	b.misses_same = t->misses_same;
	b.curve = t->curve;
	b.task = t->buckets.task;
	b.seen_ms = t->buckets.seen_ms;
	size_t start = out->n;
	if (buf_add(out, (struct str){ (const char *)&h, sizeof(h) }) != 0 ||
	    buf_add(out, (struct str){ (const char *)&b, sizeof(b) }) != 0)
		return -1;
	for (int i = 0; i < BUCKET_SETS * BUCKET_WAYS; i++) {
		const struct bucket *k = &t->buckets.places[i / BUCKET_WAYS][i % BUCKET_WAYS];
		if (k->name == 0 || k->labels == 0)
			continue;
		if (buf_add(out, (struct str){ (const char *)k, sizeof(*k) }) != 0)
			return -1;
		h.buckets++;
	}
	h.sum = digest_of((struct str){ out->p + start + sizeof(h), out->n - start - sizeof(h) });
	memcpy(out->p + start, &h, sizeof(h));
	return 0;
}

static bool
is_sane(const struct line *l)
{
	return isfinite(l->height) && isfinite(l->slope) && isfinite(l->hs) && l->hh >= 0 && l->hh < 1e3F &&
	       l->ss >= 0 && l->ss < 1e3F;
}

static bool
is_curve(const struct curve *c)
{
	for (int i = 0; i < CURVE_BINS; i++) {
		const struct bin *b = &c->bins[i];
		if (!(b->came >= 0 && b->labels >= 0 && b->wrong >= 0 && b->wrong <= b->labels &&
			b->hits >= 0) ||
		    !isfinite(b->came + b->labels + b->hits))
			return false;
	}
	return c->span_ms >= 0 && isfinite(c->span_ms) && c->thought >= 0 && c->found >= 0 &&
	       isfinite(c->thought + c->found);
}

bool
trust_load(struct trust *t, struct str blob)
{
	struct head h;
	struct body b;
	if (blob.n < sizeof(h) + sizeof(b))
		return false;
	memcpy(&h, blob.p, sizeof(h));
	memcpy(&b, blob.p + sizeof(h), sizeof(b));
	struct str rest = { blob.p + sizeof(h) + sizeof(b), blob.n - sizeof(h) - sizeof(b) };
	if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.version != VERSION ||
	    h.bucket_size != sizeof(struct bucket) || h.buckets > BUCKET_SETS * BUCKET_WAYS ||
	    rest.n != h.buckets * sizeof(struct bucket))
		return false;
	struct digest sum = digest_of((struct str){ blob.p + sizeof(h), blob.n - sizeof(h) });
	if (!digest_equal(&sum, &h.sum) || !is_sane(&b.task) || !is_curve(&b.curve))
		return false;
	struct buckets *learned = calloc(1, sizeof(*learned));
	bool good = learned != NULL;
	for (uint64_t i = 0; good && i < h.buckets; i++) {
		struct bucket k;
		memcpy(&k, rest.p + i * sizeof(k), sizeof(k));
		good = is_sane(&k.line) && k.alarm >= 0 && k.easy >= 0 && k.easy_wrong >= 0 &&
		       buckets_put(learned, &k);
	}
	if (good) {
		learned->task = b.task;
		learned->seen_ms = b.seen_ms;
		t->buckets = *learned;
		t->curve = b.curve;
		t->hits = b.hits;
		t->checks = b.checks;
		t->wrong = b.wrong;
		t->misses_seen = b.misses_seen;
		t->misses_same = b.misses_same;
		curve_settle(t);
	}
	free(learned);
	return good;
}
